#!/bin/sh
# The worker against a real mosquitto: readings, presence, rejects, a lost broker.
# slow: one process of curl for each look at what became of a message, and 300 topics
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_broker 'allow_anonymous true' 'log_type unsubscribe'
start_api --verbose --time-key last_seen,meta.ts --skip-key linkquality
token=$(iotapi token create admin --db "$db")

# call METHOD PATH [JSON]: the body on stdout.
call() {
	curl -sS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		${3+-d "$3"} "$api$2"
}
# What is asked again and again is asked without jq, which takes longer to start than all the rest.
number_of() { call GET "/api/$1" | sed -n 's/^{"count":\([0-9]*\),.*/\1/p'; }
reached() { [ "$(number_of "$1")" -ge "$2" ]; }
device_is() { call GET /api/devices/1/ | grep -q "\"connection_status\":\"$1\""; }
# values NUMBER: how many readings have it
values() { call GET '/api/readings/?page_size=1000' | grep -o "\"valor\":$1[,}]" | grep -c .; }
# errors NUMBER: why the newest rejects are rejects
errors() { call GET /api/readings/rejects/ | grep -o '"error":"[a-z]*"' | cut -d '"' -f 4 | head -n "$1" | paste -sd ' '; }
pub() { mosquitto_pub --unix "$sock" "$@"; }
# sql TEXT: in the database, behind the server's back.
sql() { sqlite3 "$db" "PRAGMA busy_timeout = 5000; $1" >/dev/null; }
# listening N: the worker has said so that many times.
listening() { [ "$(grep -c "broker 'B': listening" "$T/api.log")" -ge "$1" ]; }

call POST /api/sensors/ '{"nombre":"T","tipo":"temperatura","unidad_medida":"C","rango_min":-40,"rango_max":85,"mqtt_topic_suffix":"temperature"}' >/dev/null
call POST /api/sensors/ '{"nombre":"H","tipo":"humedad","unidad_medida":"%","rango_min":0,"rango_max":100,"mqtt_topic_suffix":"humidity"}' >/dev/null
call POST /api/devices/ '{"nombre":"D","tipo":"esp32","identificador_unico":"RPI_001","ubicacion":"x","mqtt_client_id":"client-1"}' >/dev/null
call POST /api/devices/1/assign_sensor/ '{"sensor_id":1}' >/dev/null
call POST /api/devices/1/assign_sensor/ '{"sensor_id":2}' >/dev/null
call POST /api/mqtt/brokers/ "{\"nombre\":\"B\",\"host\":\"$sock\"}" >/dev/null
call POST /api/mqtt/device-config/ '{"dispositivo":1,"broker":1}' >/dev/null
ok 'a broker made over the API is listened to at once' wait_for 10 listening 1

# Readings of both shapes.
pub -q 1 -t iot/sensors/RPI_001/data -m '{"device_id":"RPI_001","sensors":{"temperature":21.5,"humidity":50},"timestamp":1760000000}'
ok 'the nested shape becomes readings' wait_for 10 reached readings/ 2
is '21.5 2025-10-09T08:53:20.000000Z {"timestamp":1760000000}' \
	"$(call GET '/api/readings/?sensor=1' | jq -r '.results[0] | "\(.valor) \(.timestamp) \(.metadata_json|tojson)"')" \
	"value, the device's own time, and the time as it was sent"
pub -q 1 -t iot/sensors/client-1/data -m '{"temperature":22.50,"timestamp":123456}'
ok 'the flat shape, found by mqtt_client_id' wait_for 10 reached 'readings/?sensor=1' 2
is '123456 1 false' "$(call GET '/api/readings/?sensor=1&ordering=-timestamp' |
	jq -r '.results[0] | "\(.metadata_json.timestamp) \(.mqtt_qos) \(.mqtt_retained)"')" \
	'millis() is kept, but is no date'
ok 'data makes the device online' device_is online
has "$(call GET /api/mqtt/device-config/1/)" '"connection_status":"connected"' 'and its configuration connected'

# Rejects.
for m in 'no json' '{"device_id":"OTHER","sensors":{"temperature":1}}' \
	'{"sensors":{"temperature":900}}' '{"sensors":{"unknown":1}}' '{"sensors":{"temperature":"hot"}}'; do
	pub -q 1 -t iot/sensors/RPI_001/data -m "$m"
done
pub -q 1 -t iot/sensors/NOBODY/data -m '{"temperature":1}'
ok 'what is no reading is kept with its reason' wait_for 10 reached readings/rejects/ 6
is 'id shape sensor range id json' "$(errors 7)" 'reasons, newest first'
is '{"sensors":{"temperature":900}}' "$(call GET /api/readings/rejects/ |
	jq -r '.results[3].payload_text')" 'and with its payload'
is 3 "$(number_of readings/)" 'none of them became a reading'
pub -q 1 -t iot/sensors/RPI_001/data -m '{"sensors":{"temperature":23,"unknown":1}}'
ok 'a good value beside a wrong one is kept' wait_for 10 reached readings/ 4

# Payloads that are not the guide's: lists, other names, a failed sensor, one value a topic.
pub -q 1 -t iot/sensors/RPI_001/data -m '[{"timestamp":1760000100,"temperature":1},{"last_seen":1760000101,"temperature":2,"linkquality":9}]'
pub -q 1 -t iot/sensors/RPI_001/data -m '{"sensors":[{"name":"temperature","value":3}],"meta":{"ts":1760000102}}'
pub -q 1 -t iot/sensors/RPI_001/data -m '{"temperature":nan,"humidity":4,"timestamp":1760000103}'
ok 'each payload of a list, sensors as a list, a good value beside one that is no number' \
	wait_for 10 reached readings/ 8
is '1 1760000100,2 1760000101,3 1760000102,4 1760000103' "$(call GET '/api/readings/?page_size=1000' |
	jq -r '[.results[] | select(.valor < 5) | "\(.valor + 0) \(.metadata_json.timestamp)"] | sort | join(",")')" \
	'each with its own time'
is 'range "temperature": no value that a sensor can have' "$(call GET /api/readings/rejects/ |
	jq -r '.results[0] | "\(.error) \(.detail)"')" 'what is no number is a reject'
pub -q 1 -t iot/sensors/RPI_001/data -m '{"device_id":1,"temperature":5}'
pub -q 1 -t iot/sensors/RPI_001/data -m '[{"temperature":5},{"device_id":"OTHER","temperature":5}]'
pub -q 1 -t iot/sensors/RPI_001/data -m "{$(seq 1 257 | sed 's/.*/"v&":1/' | paste -sd,)}"
rejected() { [ "$(errors 3)" = "$1" ]; }
ok 'claims of another kind, in a list, and values beyond the limit' wait_for 10 rejected 'range id id'
call POST /api/mqtt/topics/ '{"nombre":"one","topic_pattern":"lab/{device_id}/{sensor_type}","tipo":"publish"}' >/dev/null
before=$(number_of readings/)
bare() {
	pub -q 1 -t lab/RPI_001/temperature -m 21.5
	reached readings/ $((before + 1))
}
ok '{sensor_type} of a topic names a bare value' wait_for 10 bare

# What a message may cost: a row for each sensor of a payload, rejects of 4 KB, nothing that is nested too deep.
before=$(number_of readings/)
pub -q 1 -t iot/sensors/RPI_001/data -m "{\"timestamp\":\"$(printf '%062d' 0)\",$(yes '"temperature":5' | head -n 200 | paste -sd,)}"
pub -q 1 -t iot/sensors/RPI_001/data -m "{\"sensors\":[$(yes '{"name":"temperature","value":5}' | head -n 200 | paste -sd,)]}"
wanted=$(yes 'temperature: it is there twice' | head -n 199 | paste -sd ';' | sed 's/;/; /g')
wanted=$(printf %.1024s "$wanted")
pub -q 1 -t iot/sensors/RPI_001/data -m '[{"temperature":5},{"temperature":5}]'
ok 'a payload has one value of a sensor, by its name or in a list' wait_for 5 reached readings/ $((before + 4))
both() {
	call GET /api/readings/rejects/ | jq -r '.results[:2][].detail' >details
	[ "$(cut -c 1-1024 details | sort -u)" = "$wanted" ]
}
both
tap $? 'the others are wrong'
has "$(sed -n 1p details)" ' (here are 2048 of 66' 'of the payload there is the beginning, and it says so'
is 2048 "$(call GET /api/readings/rejects/ | jq -r '.results[0].payload_text' | tr -d '\n' | wc -c)" 'which it is'
pub -q 1 -t "iot/sensors/$(perl -e 'print "x" x 2000')/data" -n
short() { [ "$(call GET /api/readings/rejects/ | jq -r '.results[0].topic | length')" = 1024 ]; }
ok 'a topic is cut, too' wait_for 5 short
pub -q 1 -t iot/sensors/RPI_001/data -m "{\"temperature\":5,\"x\":$(perl -e 'print "[" x 64, "]" x 64')}"
rejected_as() { [ "$(call GET /api/readings/rejects/ | jq -r '.results[0] | "\(.error) \(.detail)"')" = "$1" ]; }
ok 'a payload that is 65 deep is no JSON' wait_for 5 rejected_as 'json the payload is no reading'
pub -q 1 -t iot/devices/RPI_001/status -m "{\"status\":\"error\",\"x\":$(perl -e 'print "[" x 64, "]" x 64')}"
ok 'nor a status' wait_for 5 rejected_as 'shape no status of the platform'

# Presence: status messages, wills.
pub -q 1 -r -t iot/devices/RPI_001/status -m '{"device_id":"RPI_001","status":"disconnected"}'
ok 'a status message says disconnected' wait_for 10 device_is offline
pub -q 1 -t iot/devices/RPI_001/status -m '{"status":"error"}'
ok 'or error' wait_for 10 device_is error
is '{"total_mqtt_devices":1,"online":0,"offline":0,"error":1,"percentage_online":0.0}' \
	"$(call GET /api/mqtt/device-status/)" 'device-status counts it'
pub -q 1 -t iot/devices/RPI_001/status -m '{"device_id":"OTHER","status":"connected"}'
pub -q 1 -t iot/devices/RPI_001/status -m '{"device_id":7,"status":"connected"}'
ok 'a status that names another device is a reject' wait_for 5 rejected_as 'id the payload claims another device'
pub -q 1 -t iot/devices/RPI_001/status -m '{"device_id":"RPI_001","device_id":"OTHER","status":"connected"}'
ok 'also behind its own name' wait_for 5 rejected_as 'shape no status of the platform'
ok 'and changes nothing' device_is error
mosquitto_sub --unix "$sock" -t none -i client-1 -k 60 --will-topic iot/devices/RPI_001/status \
	--will-payload '{"device_id":"RPI_001","status":"disconnected"}' --will-qos 1 >/dev/null &
sub=$!
wait_for 10 grep -q 'as client-1' "$T/mosquitto.log"
pub -q 1 -t iot/devices/RPI_001/status -m '{"status":"connected","timestamp":1}'
ok 'connected' wait_for 10 device_is online
kill -9 $sub
wait $sub 2>/dev/null
ok 'a will says disconnected' wait_for 10 device_is offline

# A topic of the database: in the connection that is there, since a new one is a worker who was away.
connections() { grep -c ' as iotapi-worker-' "$T/mosquitto.log"; }
connections=$(connections)
call POST /api/mqtt/topics/ '{"nombre":"own","topic_pattern":"plant/{device_id}/values","tipo":"publish"}' >/dev/null
before=$(number_of readings/)
plant() {
	pub -q 1 -t plant/RPI_001/values -m '{"temperature":30}'
	reached readings/ $((before + 1))
}
ok "a publish topic made over the API is subscribed too" wait_for 10 plant
call PATCH "/api/mqtt/topics/$(call GET '/api/mqtt/topics/?search=own' | jq '.results[0].id')/" \
	'{"topic_pattern":"field/{device_id}/values"}' >/dev/null
before=$(number_of readings/)
field() {
	pub -q 1 -t field/RPI_001/values -m '{"temperature":30}'
	reached readings/ $((before + 1))
}
ok 'when it is another one, that one is' wait_for 10 field
before=$(number_of readings/)
pub -q 1 -t plant/RPI_001/values -m '{"temperature":30}'
pub -q 1 -t field/RPI_001/values -m '{"temperature":30}'
ok 'and goes on' wait_for 10 reached readings/ $((before + 1))
is '' "$(call GET /api/readings/rejects/ | jq -r '.results[].topic' | grep plant)" 'while the one before is given up'
is "$connections" "$(connections)" 'without another connection'

# A retained reading is one reading, however often it is handed out.
pub -q 1 -r -t iot/sensors/RPI_001/data -m '{"temperature":44.5,"timestamp":7}'
retained() { [ "$(values 44.5)" -eq 1 ]; }
ok 'a retained reading is stored' wait_for 10 retained
call POST /api/mqtt/brokers/1/deactivate/ >/dev/null
off() { call GET /api/mqtt/broker-status/ | grep -q '^\[{[^}]*"connection_status":"disconnected"'; }
ok 'a broker that is switched off is left' wait_for 10 off
call DELETE "/api/mqtt/topics/$(call GET '/api/mqtt/topics/?search=own' | jq '.results[0].id')/"
call POST /api/mqtt/brokers/1/activate/ >/dev/null
pub -q 1 -t iot/sensors/RPI_001/data -m '{"temperature":45.5}'
back() { [ "$(values 45.5)" -ge 1 ]; }
ok 'what was published while the broker row was off is delivered afterwards' wait_for 10 back
retained
tap $? 'and the retained one is still one'
# No broker tells its clients what a kept session is subscribed to.
# gave_up TOPIC: it is not subscribed any more.
gave_up() {
	before=$(number_of readings/)
	pub -q 1 -t "$1" -m '{"temperature":30}'
	pub -q 1 -t iot/sensors/RPI_001/data -m '{"temperature":30}'
	wait_for 10 reached readings/ $((before + 1)) && ! call GET /api/readings/rejects/ | grep -q "\"topic\":\"$1\""
}
ok 'a topic that was deleted meanwhile is given up' gave_up field/RPI_001/values
# The one before may not have been given up for long enough to be sure.
is 'field/+/values' "$(sed -n 's/.*: iotapi-worker-[^ ]* //p' mosquitto.log | grep -vxF plant/+/values | tail -n 1)" \
	'behind all that is subscribed: what another one takes, too, is not lost in between'

# The broker goes and comes back.
kill "$broker_pid"
wait "$broker_pid"
rm -f "$sock"
mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
pids="$pids $!"
again() {
	pub -q 1 -t iot/sensors/RPI_001/data -m '{"temperature":46.5}'
	[ "$(values 46.5)" -ge 1 ]
}
ok 'it comes back with the broker and takes readings again' wait_for 20 again
ok 'that the broker had forgotten its session is told' \
	grep -q "had ended the session '.*' while we were away, from .*: what waited in it is lost" "$T/api.log"

is 1 "$(call GET /metrics/ | sed -n 's/^iotapi_sessions_lost_total //p')" 'and counted'
is 1 "$(grep -c "listening again, at '$sock'" "$T/api.log")" 'that it is back is told, once'

# What a broker kept from before: a device that was connected once, and when.
pub -q 1 -r -t iot/devices/KEPT_1/status -m '{"device_id":"KEPT_1","status":"disconnected","timestamp":1760000000}'
pub -q 1 -r -t iot/devices/KEPT_2/status -m '{"device_id":"KEPT_2","status":"disconnected","timestamp":123456}'
for d in KEPT_1 KEPT_2; do
	call POST /api/devices/ "{\"nombre\":\"$d\",\"tipo\":\"esp32\",\"identificador_unico\":\"$d\",\"ubicacion\":\"x\"}" >/dev/null
done
call POST /api/mqtt/brokers/ "{\"nombre\":\"B2\",\"host\":\"$sock\"}" >/dev/null
call POST /api/mqtt/device-config/ '{"dispositivo":2,"broker":2}' >/dev/null
seen() { call GET "/api/devices/?search=$1" | grep -q "\"last_seen\":$2[,}]"; }
ok 'a retained status tells when the device was last heard' wait_for 20 seen KEPT_1 '"2025-10-09T08:53:20.000000Z"'
ok 'unless its time is none' wait_for 20 seen KEPT_2 null

# Strange brokers: each is its own state, and the server goes on.
strange() { # strange NAME [KEY=VALUE...]: a broker of the API as tests/broker.pl makes it
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 5 test -S "$1.sock"
	call POST /api/mqtt/brokers/ "{\"nombre\":\"$1\",\"host\":\"$T/$1.sock\"}" >/dev/null
}
link_of() { call GET /api/mqtt/broker-status/ | jq -r ".[] | select(.nombre == \"$1\") | \"\(.connection_status) \(.reason)\""; }
broken() { link_of "$1" | grep -q "^error .*$2"; }
# publish DUP MID VALUE: a reading as MQTT 5 has it, in hexadecimal.
publish() {
	perl -e 'my ($dup, $mid, $value) = @ARGV; my $topic = "iot/sensors/RPI_001/data";
		my $rest = pack("n/a n C", $topic, $mid, 0) . "{\"temperature\":$value}";
		print unpack "H*", pack("CC", 0x32 | $dup << 3, length $rest) . $rest' "$@"
}
strange connack connack=20050000027f00
strange length send=30ffffffffff
strange type send=f0ffffff7f
strange topic send=3203ffff00
strange flags send=36050001610000
strange mid send=3206000161000000
strange suback suback=97
for name in connack length type topic; do
	ok "a broker that breaks the protocol is in error: $name" wait_for 20 broken "$name" 'broke the MQTT protocol'
done
for name in flags mid; do
	wait_for 20 broken "$name" .
	tap $? "... $name: $(link_of $name)"
done
is '{"status":"ok"}' "$(curl -sS "$api/healthz")" 'and the server is well'
ok 'which the first broker shows' wait_for 20 again

# What is delivered again is one reading: with DUP, the same identifier, and the same as the last one with that.
value() {
	python3 -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(
		"SELECT count(*) FROM reading WHERE valor = ?", (sys.argv[2],)).fetchone()[0])' "$db" "$1"
}
subscribes() { grep -c SUBSCRIBE "$1.log"; }
strange again present=1 \
	"send=$(publish 0 5 70.5)$(publish 1 5 70.5)$(publish 1 6 70.5)$(publish 1 5 70.25)$(publish 0 5 70.5)$(publish 0 5 70.75)"
wait_for 10 test -s again.log
settled() { k=$(subscribes again); [ "$k" -ge 4 ] && [ "$(value 70.75)" -eq "$k" ]; }
ok 'all that it sends is there' wait_for 10 settled
is "$((2 * k + 1)) $k" "$(value 70.5) $(value 70.25)" \
	'no second row by DUP, but by another identifier, for another payload, or without DUP'
# What is retained comes once for each filter that takes it.
retained=$(publish 0 8 73.5 | sed 's/^32/33/')$(publish 0 9 73.5 | sed 's/^32/33/')
strange both "send=$retained$(publish 0 10 73.25)"
handed_out() { k=$(subscribes both); [ "$k" -ge 4 ] && [ "$(value 73.25)" -eq "$k" ]; }
ok 'a retained one behind the same one' wait_for 10 handed_out
is 1 "$(value 73.5)" 'is one reading, too'
connections() { [ "$(grep -c CONNECT "$1.log")" -ge 3 ]; }
strange present present=1 close=1 "send=$(publish 1 7 71.5)"
strange absent present=0 close=1 "send=$(publish 1 7 72.5)"
ok 'a session that is there at each connect' wait_for 20 connections present
is 1 "$(value 71.5)" 'is the same one'
absent() { [ "$(value 72.5)" -ge 2 ]; }
ok 'in a new session identifiers begin anew' wait_for 20 absent
# $SYS: a broker that hangs up later than it answered has nothing against that.
ok 'who comes and goes is asked for in each of them' wait_for 20 grep -q '^3 SUBSCRIBE .*24535953' absent.log
wait_for 20 grep -q '^4 CONNECT' present.log
no_line present.log 'and a session that is there is not asked again' '^[2-9] SUBSCRIBE'
# What a session may have is written before it is asked for, and less only behind the answer: this broker never answers.
strange muted mute=SUBSCRIBE
kept() {
	python3 -c 'import sqlite3,sys; rows = sqlite3.connect(sys.argv[1]).execute(
		"SELECT filters FROM kept_filters WHERE broker = (SELECT id FROM broker WHERE nombre = ?)", (sys.argv[2],)).fetchall()
print("", *(f.decode() for row in rows for f in row[0].split(b"\0")))' "$db" "$1"
}
keeps() { kept "$1" | grep -qF " $2 "; }
ok 'a subscription is known before it is asked for' wait_for 10 keeps muted iot/sensors/+/data
call POST /api/mqtt/topics/ '{"nombre":"early","topic_pattern":"early/{device_id}/x","tipo":"publish"}' >/dev/null
ok 'one more as well' wait_for 10 keeps muted early/+/x
wait_for 10 keeps B early/+/x
call POST /api/mqtt/topics/ '{"nombre":"late","topic_pattern":"late/{device_id}/a","tipo":"publish"}' >/dev/null
wait_for 10 keeps B late/+/a
# One that is away has what it had, for as long as it is.
strange gone
gone=$!
wait_for 10 keeps gone early/+/x
kill "$gone"
rm gone.sock
wait_for 20 broken gone 'no such file'
sql "CREATE TRIGGER no_keeping BEFORE INSERT ON kept_filters BEGIN SELECT RAISE(FAIL, 'not now'); END"
call DELETE "/api/mqtt/topics/$(call GET '/api/mqtt/topics/?search=early' | jq '.results[0].id')/"
ok 'what cannot be written is told' wait_for 20 grep -q 'level=error .*kept_filters: not now' "$T/api.log"
ok 'and is still there' keeps B early/+/x
sql 'DROP TRIGGER no_keeping'
given_up() { ! keeps B early/+/x; }
ok 'and is tried again' wait_for 20 given_up
ok 'while one that was not answered may be there' keeps muted early/+/x
call PATCH "/api/mqtt/topics/$(call GET '/api/mqtt/topics/?search=late' | jq '.results[0].id')/" \
	'{"topic_pattern":"late/{device_id}/b"}' >/dev/null
ok 'when another one takes its place' wait_for 10 keeps B late/+/b
ok 'it is known of both until the answer' keeps B late/+/a
ok 'as of all at a broker that is away' keeps gone early/+/x
call DELETE "/api/mqtt/topics/$(call GET '/api/mqtt/topics/?search=late' | jq '.results[0].id')/"
for name in connack length type topic flags mid suback again both present absent muted gone; do
	id=$(call GET "/api/mqtt/brokers/?search=$name" | jq '.results[0].id')
	call DELETE "/api/mqtt/brokers/$id/"
done
is 'B B2' "$(call GET /api/mqtt/brokers/ | jq -r '[.results[].nombre] | sort | join(" ")')" 'they can be deleted while they talk'

# Many topics at once: a look now and then finds them all.
seq 300 | awk '{ printf "kind: topic\nnombre: T%d\ntopic_pattern: many/{device_id}/%d\ntipo: publish\n---\n", $1, $1 }' >many.yaml
connected() { grep -c "broker 'B': connected" "$T/api.log"; }
from=$(connected)
iotctl apply -f many.yaml >applied
is 300 "$(grep -c ^created applied)" 'three hundred topics'
before=$(number_of readings/)
last() {
	pub -q 1 -t many/RPI_001/300 -m '{"temperature":31}'
	reached readings/ $((before + 1))
}
ok 'the last of them is listened to' wait_for 20 last
is "$from" "$(connected)" 'in the session that was there'

# EMQX tells of clients that come and go, to who may know: the fake one does at each SUBSCRIBE, and refuses to others.
event() { # event CLIENT WORD: the PUBLISH in hexadecimal
	perl -e 'my $t = "\$SYS/brokers/emqx\@127.0.0.1/clients/$ARGV[0]/$ARGV[1]";
		print unpack "H*", pack("CCn", 0x30, length($t) + 3, length $t) . "$t\0"' "$1" "$2"
}
fake() { # fake NAME KEY=VALUE...: a broker of perl, in iotapi too
	name=$1
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 10 test -S "$name.sock"
	call POST /api/mqtt/brokers/ "{\"nombre\":\"$name\",\"host\":\"$T/$name.sock\"}" >/dev/null
}
pub -q 1 -t iot/devices/RPI_001/status -m '{"status":"connected"}'
wait_for 10 device_is online
fake gone send="$(event client-1 disconnected)"
ok 'a client that EMQX says is gone' wait_for 20 device_is offline
fake come send="$(event client-1 connected)"
ok 'or has come' wait_for 20 device_is online
fake denies suback=87
denied=$(date +%s)
ok 'who may know nothing at all is told' wait_for 20 grep -q "broker 'denies': .*refused the subscription 'iot/.*not allowed" "$T/api.log"
no_line "$T/api.log" 'but not of that' -F "SYS"
refused() { [ "$(grep -c "broker 'denies': connected" "$T/api.log")" -ge 3 ]; }
wait_for 20 refused
is 3 "$(grep "broker 'denies': .*refused" "$T/api.log" | sed 's/.* msg=//; s/ repeated=.*//' | sort -u | grep -c .)" \
	'nor a line of each of three hundred'
no_line "$T/api.log" 'nor that a session is lost in which nothing could wait' "broker 'denies': .*had ended the session"
fake hangs deny=SYS
ok 'a broker that hangs up on who asks is asked without that' wait_for 20 grep -q "broker 'hangs': listening" "$T/api.log"
is 2 "$(grep -c CONNECT hangs.log)" 'at the second attempt'

# test-connection: how far, and why no further.
tested() { # tested WANTED SENTENCE: of the broker that was made last
	is "$1" "$(call POST /api/mqtt/test-connection/ "{\"broker_id\":$id,\"timeout\":5}" |
		jq -r '"\(.success) \(.stage) \(.reason)"' | sed "s|$T|T|")" "$2"
}
made() { # made NAME HOST PORT PROTOCOL
	id=$(call POST /api/mqtt/brokers/ \
		"{\"nombre\":\"$1\",\"host\":\"$2\",\"port\":$3,\"protocol\":\"$4\"}" | jq .id)
}
id=1
is '["message","success","stage","reason","ms","broker"]' \
	"$(call POST /api/mqtt/test-connection/ '{"broker_id":1}' | jq -c keys_unsorted)" 'test-connection'
tested 'true CONNACK null' 'a broker that accepts'
closed=$(free_port)
made closed 127.0.0.1 "$closed" mqtt
tested "false TCP cannot reach broker '127.0.0.1:$closed': connection refused" 'nobody listens'
made nowhere no-such-host.invalid 1883 mqtt
is 'false DNS' "$(call POST /api/mqtt/test-connection/ "{\"broker_id\":$id}" | jq -r '"\(.success) \(.stage)"')" 'no such host'
port=$(free_port)
perl "$top/tests/broker.pl" plain port="$port" 2>/dev/null & # TLS is no MQTT to it
pids="$pids $!"
wait_for 10 port_open "$port"
made plain 127.0.0.1 "$port" mqtts
is 'false TLS' "$(call POST /api/mqtt/test-connection/ "{\"broker_id\":$id}" | jq -r '"\(.success) \(.stage)"')" 'no TLS there'
fake refuses connack=2003008700
id=$(call GET '/api/mqtt/brokers/?search=refuses' | jq '.results[0].id')
case $(call POST /api/mqtt/test-connection/ "{\"broker_id\":$id}" | jq -r '"\(.success) \(.stage) \(.reason)"') in
'false CONNACK '*'not allowed'* | 'false CONNACK '*'not authorized'*) tap 0 'a login that is refused' ;;
*) tap 1 'a login that is refused' ;;
esac
perl -MIO::Socket::UNIX -e 'my $l = IO::Socket::UNIX->new(Listen => 20, Local => "dumb.sock"); my @c;
	while (my $c = $l->accept) { push @c, $c; open my $f, ">>", "dumb.log"; print $f "came\n" }' &
pids="$pids $!"
wait_for 10 test -S dumb.sock
made dumb "$T/dumb.sock" 1 mqtt
dumb() { [ "$(wc -l <dumb.log)" -gt "$1" ]; }
wait_for 10 dumb 0 # the worker itself
is 'false CONNACK' "$(call POST /api/mqtt/test-connection/ "{\"broker_id\":$id,\"timeout\":1}" |
	jq -r '"\(.success) \(.stage)"')" 'no answer in time'
call POST /api/mqtt/brokers/1/deactivate/ >/dev/null
for body in '{}' '{"broker_id":"1"}' '{"broker_id":1,"timeout":61}' '{"broker_id":1}' '{"broker_id":999}' '[]'; do
	is 400 "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -d "$body" "$api/api/mqtt/test-connection/")" "400: $body"
done

ten_seconds() { [ $(($(date +%s) - denied)) -ge 10 ]; }
wait_for 20 ten_seconds
asked=$(grep -c ' CONNECT ' denies.log)
[ "$asked" -gt 1 ] && [ "$asked" -lt $(($(date +%s) - denied)) ]
tap $? "one that denies all is asked again, with growing pauses ($asked times in $(($(date +%s) - denied)) s)"
is 0 "$(grep -c "broker 'denies': .*had ended the session" "$T/api.log")" 'and loses no session that it never filled'

# SIGTERM drains, and waits for no test of a minute.
call POST /api/mqtt/brokers/"$id"/activate/ >/dev/null
came=$(wc -l <dumb.log)
call POST /api/mqtt/test-connection/ "{\"broker_id\":$id,\"timeout\":60}" >/dev/null 2>&1 &
long=$!
wait_for 20 dumb "$came"
stops=$(date +%s)
kill "$api_pid"
wait "$api_pid"
is 0 $? 'SIGTERM drains and exits 0'
[ $(($(date +%s) - stops)) -lt 30 ]
tap $? 'soon'
wait $long
start_api --verbose
call POST /api/mqtt/brokers/1/activate/ >/dev/null
ok 'one that is started again listens' wait_for 10 listening 1
call POST /api/mqtt/topics/ '{"nombre":"own","topic_pattern":"plant/{device_id}/values","tipo":"publish"}' >/dev/null
before=$(number_of readings/)
ok 'also to a topic that is new' wait_for 10 plant
stop_api
sqlite3 "$db" "PRAGMA foreign_keys = ON; DELETE FROM topic WHERE nombre = 'own'"
start_api --verbose
wait_for 10 listening 1
ok 'one that was deleted while it was away is given up' gave_up plant/RPI_001/values
# What is retained is handed out again, and looked for among the readings that there are: nobody waits for that, of 256
# values and 600,000 readings of the device.
call POST /api/mqtt/brokers/2/deactivate/ >/dev/null # the same broker
left() { link_of B2 | grep -q ^disconnected; }
wait_for 10 left
sql "INSERT INTO reading (dispositivo, sensor, valor, timestamp) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1
	FROM n LIMIT 600000) SELECT 1, 1, 1, 1700000000000000 + i FROM n"
seq 77.001 0.001 77.256 | sed 's/.*/{"temperature":&}/' | paste -sd, | sed 's/.*/[&]/' >list
pub -q 1 -r -t iot/sensors/RPI_001/data -f list
sum_of() { value_of "SELECT count(*) FROM reading WHERE valor > 77 AND valor < 78"; }
value_of() { python3 -c 'import sqlite3,sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' "$db" "$1"; }
all() { [ "$(sum_of)" -eq 256 ]; }
wait_for 20 all
hand_out() { # a session that is handed out what is retained
	call POST /api/mqtt/brokers/1/deactivate/ >/dev/null
	wait_for 10 off
	call POST /api/mqtt/brokers/1/activate/ >/dev/null
}
hand_out
pub -q 1 -t iot/sensors/RPI_001/data -m '{"temperature":53.5}'
there() { [ "$(value_of 'SELECT count(*) FROM reading WHERE valor = 53.5')" -ge 1 ]; }
wait_for 20 there
is 256 "$(sum_of)" 'a retained message of 256 values is one, too'
sql 'DELETE FROM reading WHERE valor > 77 AND valor < 78'
from=$(date +%s)
hand_out
ok 'what is not found is stored' wait_for 60 all
took=$(($(date +%s) - from))
[ "$took" -lt 10 ]
tap $? "and keeps nobody waiting: $took s"

done_testing
