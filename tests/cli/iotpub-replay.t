#!/bin/sh
# iotpub --replay and -l --json: messages that lines of NDJSON say.
# slow: gaps of recordings are waited for
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# ingest FILE N FILTER: iotingest in the background, subscribed when this returns.
ingest() {
	bg iotingest -h "$sock" -i "in-$1" -t "$3" -C "$2" --quiet >"$1"
	ingest_pid=$bg
	wait_for 10 subscribed "in-$1"
}
# What a line says of the message itself.
without_time() { sed 's/^{"received_at":"[^"]*",/{/; s/"mid":[0-9]*,/"mid":N,/' "$1"; }

# The law: what iotingest wrote, replayed, is what iotingest writes.
printf 'b\000\377in' >binary
ingest a 9 'law/#'
p="mosquitto_pub --unix $sock -V 5"
$p -t law/iot/RPI_1/data -q 1 -m '{"device_id":"RPI_1","sensors":{"temperature":21.50,"big":9223372036854775808}}'
$p -t law/text -q 1 -m 'no json: "ñ"'
$p -t law/binary -q 1 -f binary
$p -t law/empty -q 1 -n
$p -t law/q0 -q 0 -m '[1, 2.0,  "x"]'
$p -t law/q1 -q 1 -m '"a \u00e9 text"'
$p -t law/q2 -q 2 -m 'two'
$p -t law/ñandú -q 1 -m 1e3
$p -t law/props -q 1 -m '{}' -D publish content-type application/json -D publish response-topic back/here \
	-D publish correlation-data 'a b' -D publish user-property k v -D publish user-property k 'w"x'
wait $ingest_pid
is 9 "$(wc -l <a)" "nine lines of all kinds"
ingest b 9 'law/#'
run iotpub -h "$sock" --replay a --speed max
exits 0 "--replay of a file"
wait $ingest_pid
without_time a | sort >a.plain
without_time b | sort >b.plain
ok "gives the same topics, payload bytes, levels and properties" diff a.plain b.plain
ingest c 9 'law/#'
ok "--replay - reads standard input" iotpub -h "$sock" --replay - --speed max -V 311 <a
wait $ingest_pid
is "$(sed 's/,"properties".*}/}}/; s/"mid".*payload/"payload/' a.plain | cut -c 1-40)" \
	"$(without_time c | sort | sed 's/,"properties".*}/}}/; s/"mid".*payload/"payload/' | cut -c 1-40)" \
	"over 3.1.1 too, which has no properties"

ingest d 1 'law/expiry'
$p -t law/expiry -q 1 -m '{}' -D publish message-expiry-interval 60 -D publish payload-format-indicator 1 &&
	wait $ingest_pid
has "$(cat d)" '"properties":{"payload_format":1,"message_expiry":60}' 'a line keeps when the message expires'
ingest e 2 'law/expiry'
iotpub -h "$sock" --replay d && iotpub -h "$sock" --replay d -q 0
wait $ingest_pid
is 2 "$(grep -c '"properties":{"payload_format":1,"message_expiry":60}' e)" 'and --replay says it again'
for wrong in '"message_expiry":-1' '"message_expiry":4294967296' '"message_expiry":"60"' '"payload_format":2'; do
	echo "{\"topic\":\"t\",\"payload\":1,\"properties\":{$wrong}}" >wrong
	run iotpub -h "$sock" --replay wrong
	is 2 "$status" "$wrong is refused"
	has "$err" "line 1: its ${wrong%%:*} is wrong: " 'by name'
done

# Retained, and as other devices.
cat >mapped <<'EOF'
{"received_at":"2026-11-23T12:00:00.000000Z","topic":"iot/sensors/RPI_1/data","device_id":"RPI_1","qos":1,"retain":true,"mid":1,"payload":{"sensors":{"RPI_1":1},"device_id":"RPI_1"}}
{"received_at":"2026-11-23T12:00:00.000000Z","topic":"iot/sensors/RPI_10/data","qos":1,"retain":false,"mid":2,"payload":{"device_id":"RPI_10"}}
{"received_at":"2026-11-23T12:00:00.000000Z","topic":"iot/devices/RPI_2/status","qos":1,"retain":false,"mid":3,"payload_text":"RPI_2"}
{"received_at":"2026-11-23T12:00:00.000000Z","topic":"other/RPI_1","qos":1,"retain":false,"mid":4,"payload":1}
EOF
watch mapped.got 'iot/#' -t other/#
run iotpub -h "$sock" --replay mapped --map-device RPI_1=TEST_7,RPI_2=T.2
exits 0 "--map-device"
wait_for 10 count mapped.got 4
is '0 1 iot/devices/T.2/status RPI_2
0 1 iot/sensors/RPI_10/data {"device_id":"RPI_10"}
0 1 iot/sensors/TEST_7/data {"sensors":{"RPI_1":1},"device_id":"TEST_7"}
0 1 other/RPI_1 1' "$(got mapped.got | sort -k 3)" "in the topics of devices and in device_id, nowhere else"
has "$(mosquitto_sub --unix "$sock" -t iot/sensors/TEST_7/data -C 1 -W 3)" TEST_7 "retained is retained again"

# What people's files have: blank lines, lines that end as on Windows, a byte order mark.
watch odd.got 'odd/#'
printf '\357\273\277{"topic":"odd/1","payload":1}\r\n\n \t\r\n{"topic":"odd/2","payload":2}\n\n{"no":1}\n' >odd
run sh -c "iotpub -h '$sock' -l --json <odd"
is 2 "$status" "-l --json ends at the first wrong line"
has "$err" 'line 6: ' 'whose number counts blank ones'
wait_for 10 count odd.got 2
is '0 1 odd/1 1
0 1 odd/2 2' "$(got odd.got)" 'blank lines, CRLF and a byte order mark are none'

# A clock that was set: 1970, then now, then an hour ago, then two years on.
n=0
for at in 1970-01-01T00:00:20.0Z 1970-01-01T00:00:20.2Z 2026-11-29T09:00:00Z 2026-11-29T08:00:00Z 2026-11-29T08:00:00.2Z 2028-01-01T00:00:00Z; do
	n=$((n + 1))
	echo "{\"received_at\":\"$at\",\"topic\":\"jump\",\"payload\":$n}"
done >jump
watch jump.got jump
run timeout 20 iotpub -h "$sock" --replay jump
exits 0 'over a clock that was set'
wait_for 10 count jump.got 6
is '1 2 3 4 5 6 ' "$(got jump.got | sed 's/.* //' | tr '\n' ' ')" 'all messages come'
is 1 "$(printf '%s' "$err" | grep -c ' than ')" 'it is told once'
has "$err" 'line 3 is 20786 days later than the one before it' 'where'
run timeout 20 iotpub -h "$sock" --replay jump --max-gap 100ms --speed 2
exits 0 '--max-gap'
bg timeout 20 iotpub -h "$sock" --replay jump --max-gap 99999d 2>far
wait_for 10 grep -q 'line 3 is due in 20786 days' far
ok 'a wait of more than a minute is told' grep -q 'line 3 is due in 20786 days' far
kill $bg
run iotpub -h "$sock" -t x -m 1 --max-gap 1s
is 2 "$status" '--max-gap is for --replay'

# Timing: the gaps of the lines, divided.
for ms in 000 500 800; do
	echo "{\"received_at\":\"2026-11-23T12:00:00.${ms}000Z\",\"topic\":\"timed\",\"qos\":1,\"payload\":$ms\"\"}"
done | sed 's/:000""/:0/; s/""//' >timed
took() {
	began=$(date +%s%N)
	run iotpub -h "$sock" --replay timed "$@"
	took=$((($(date +%s%N) - began) / 1000000))
}
took
exits 0 "a replay in its own time"
ok "takes as long as it took ($took ms)" [ "$took" -ge 800 ]
took --speed 4
ok "--speed 4 takes a fourth, not less ($took ms)" [ "$took" -ge 200 ]
is 0 "$status" "and ends well"

# NDJSON from standard input.
watch json 'json/#'
printf '%s\n' '{"topic":"json/1","payload":{"a": 1}}' '{"topic":"json/2","payload":"x","qos":2}' \
	'{"payload_b64":"AGI=","topic":"json/3","retain":true}' >lines
printf '{"topic":"json/4","payload_text":"no newline"}' >>lines
ok "-l --json" iotpub -h "$sock" -l --json <lines
wait_for 10 count json 4
is '0 1 json/1 {"a": 1}
0 1 json/4 no newline
0 2 json/2 "x"' "$(got json | grep -av json/3 | sort)" "each line has its topic and payload, a last one too"
ok "-t is the topic of lines without one" iotpub -h "$sock" -l --json -t json/own -q 0 <<'EOF'
{"payload":5}
EOF
wait_for 10 grep -q json/own json
is '0 0 json/own 5' "$(got json | grep -a json/own)" "and -q their quality"
ok "an empty input ends at once" timeout 5 iotpub -h "$sock" -l --json </dev/null

# What is wrong with a line.
bad() { # bad LINE SENTENCE
	printf '%s\n%s\n' '{"topic":"json/before","payload":0}' "$1" >bad
	iotpub -h "$sock" -l --json <bad 2>bad.err
	is "2 iotpub: line 2: $2" "$? $(cat bad.err)" "refused: $1"
}
bad 'x' 'it is no JSON, from byte 1 on'
bad '[]' 'it is no JSON object'
bad '{"payload":1}' 'it has no "topic"'
bad '{"topic":"a"}' 'it has not exactly one of "payload", "payload_text" and "payload_b64"'
bad '{"topic":"a","payload":1,"payload_text":"1"}' 'it has not exactly one of "payload", "payload_text" and "payload_b64"'
bad '{"topic":7,"payload":1}' 'its "topic" is wrong: a text is wanted'
bad '{"topic":"a","payload_b64":"AGI"}' 'its "payload_b64" is wrong: base64 is wanted'
bad '{"topic":"a","payload":1,"qos":3}' 'its "qos" is wrong: 0, 1 or 2 is wanted'
bad '{"topic":"a","payload":1,"retain":1}' 'its "retain" is wrong: true or false is wanted'
bad '{"topic":"a","payload":1,"properties":{"user":[["k"]]}}' 'its "user" is wrong: a list of pairs of texts is wanted'
run iotpub -h "$sock" -l --json -t x/+
exits 2 "a topic with a wildcard"
for o in '--replay mapped -t x' '--replay mapped RPI_1' '--json -m x -t y' '--speed 2 -t x -m y' \
	'--replay mapped --speed 0' '--replay mapped --map-device A' '--replay /nonexistent' '--json'; do
	# shellcheck disable=SC2086
	run iotpub -h "$sock" $o
	exits 2 "refused: $o"
done

run iotpub -h "$sock" --replay /
exits 1 "what cannot be read"
has "$err" "cannot read '/': Is a directory" "... is named"
printf '{"topic":"a","payload":%s,"received_at":"2026-01-0%sT00:00:00Z"}\n' 1 1 2 2 >days
run timeout 1 iotpub -h "$sock" --replay days --speed 1e-300
exits 124 "an eternity between two messages is waited for, not overflown"

done_testing
