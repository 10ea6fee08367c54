#!/bin/sh
# iotingest against a real mosquitto: lines, digits, acknowledgement after writing.
# slow: killed again and again behind a reader that stalls
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

nested='{"device_id":"RPI_001","sensors":{"temperature":21.50,"big":9223372036854775808,"tiny":0.1},"timestamp":1760000000}'
ingest_of "pub -t iot/sensors/RPI_001/data -q 1 -m '$nested'" -C 1
exits 0 'ends after -C messages'
is '{"received_at":"T","topic":"iot/sensors/RPI_001/data","device_id":"RPI_001","qos":1,"retain":false,"mid":N,"payload":'"$nested"'}' \
	"$(printf '%s\n' "$out" | stripped)" 'a message line holds the bytes of the payload'
like=$(printf '%s' "$out" | grep -cE '"received_at":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z"')
is 1 "$like" 'received_at is RFC 3339 with microseconds'

ingest_of "pub -t iot/sensors/RPI_001/data -q 1 -m '$nested'" -C 1 --readings
tail_='"topic":"iot/sensors/RPI_001/data","qos":1,"retain":false,"mid":N}'
is "{\"received_at\":\"T\",\"device_id\":\"RPI_001\",\"sensor\":\"temperature\",\"value\":21.50,\"timestamp\":1760000000,$tail_
{\"received_at\":\"T\",\"device_id\":\"RPI_001\",\"sensor\":\"big\",\"value\":9223372036854775808,\"timestamp\":1760000000,$tail_
{\"received_at\":\"T\",\"device_id\":\"RPI_001\",\"sensor\":\"tiny\",\"value\":0.1,\"timestamp\":1760000000,$tail_" \
	"$(printf '%s\n' "$out" | stripped)" 'readings keep every digit and the order of the payload'

flat='{"device_id":"ESP32_001","temperature":21.50,"humidity":48.00,"timestamp":123456}'
ingest_of "pub -t iot/sensors/ESP32_001/data -q 1 -m '$flat'" -C 1 --readings
is 'temperature=21.50 humidity=48.00 ' \
	"$(printf '%s\n' "$out" | sed -n 's/.*"sensor":"\([a-z]*\)","value":\([0-9.]*\),"timestamp":123456.*/\1=\2/p' | tr '\n' ' ')" \
	"the ESP32's flat payload has the same readings"

for version in 311 5; do
	for qos in 0 1 2; do
		ingest_of "pub -V $version -q $qos -t iot/sensors/X/data -m '[$qos]'" -C 1 -V "$version"
		has "$out" "\"payload\":[$qos]}" "mosquitto_pub, MQTT $version, QoS $qos"
	done
done

ingest_of 'pub -V 5 -q 1 -t x/y -D publish content-type text/plain -D publish user-property k v -m hi' \
	-t 'x/#' -C 1
has "$out" '"properties":{"content_type":"text/plain","user":[["k","v"]]},"payload_text":"hi"}' \
	'MQTT 5 properties are passed on'

ingest_of "pub -q 1 -t lab/A7/temperature/v -m 1" -t 'lab/{device_id}/{sensor_type}/v' -C 1
has "$out" '"device_id":"A7","sensor_type":"temperature"' 'a template captures its variables'

printf '\377\000x' >"$T/binary"
ingest_of "pub -q 1 -t iot/sensors/X/data -f '$T/binary'" -C 1
has "$out" '"payload_b64":"/wB4"}' 'binary payloads come out as base64'

# What is no reading goes to the rejects, and is acknowledged with its batch.
ingest_of "pub -q 1 -t iot/sensors/X/data -m 'no json'; pub -q 1 -t iot/sensors/X/data -m '[1]'
pub -q 1 -t iot/sensors/X/data -m '{\"t\":1}'" -C 3 --readings --rejects "$T/rejects"
exits 0 'rejects are no failure'
is 1 "$(printf '%s\n' "$out" | grep -c sensor)" 'good readings go on'
is 'json shape ' "$(sed 's/.*"error":"\([a-z]*\)".*/\1/' "$T/rejects" | tr '\n' ' ')" 'rejects name their reason'
ingest_of "pub -q 1 -t iot/sensors/X/data -m 'no json'" -C 1 --readings
has "$err" '"error":"json","payload_text":"no json"}' 'without --rejects they are on standard error'

# The session waits.
keep keeper ingest --durable keeper
for i in 1 2 3; do pub -q 1 -t iot/sensors/X/data -m "[$i]"; done
run ingest --durable keeper -C 3
is '[1] [2] [3] ' "$(printf '%s\n' "$out" | sed 's/.*"payload":\(.*\)}/\1/' | tr '\n' ' ')" \
	'--durable gets what came while it was away'

# Killed behind a stalled reader: what was acknowledged must have been written. With the fifo as
# output, safe means taken by write(2), so what the reader finds plus what comes again is all.
kill_behind_stall() { # kill_behind_stall NAME COMMAND...: prints how many of 2000 are missing
	name=$1
	shift
	mkfifo "$T/$name.fifo"
	# Opens the fifo, reads nothing until it is told to, then all that is left in it.
	# shellcheck disable=SC2016
	perl -e '$SIG{USR1} = sub {}; sleep 60; open(O, ">", $ARGV[0]); print O $_ while <STDIN>' \
		"$T/$name.out" <"$T/$name.fifo" >/dev/null 2>&1 &
	holder=$!
	pids="$pids $holder"
	"$@" >"$T/$name.fifo" 2>/dev/null </dev/null &
	victim=$!
	wait_for 10 subscribed "$name"
	perl -e 'print "{\"n\":$_,\"pad\":\"", "x" x 100, "\"}\n" for 1..2000' |
		pub -q 1 -t iot/sensors/K/data -l
	wait_for 10 pipe_is_full "$T/$name.fifo"
	kill -9 $victim
	wait $victim 2>/dev/null
	kill -USR1 $holder
	wait $holder
	# What comes again, until what came last.
	pub -q 1 -t iot/sensors/K/data -m '{"n":2001}'
	"$@" >>"$T/$name.out" 2>/dev/null </dev/null &
	victim=$!
	pids="$pids $victim"
	wait_for 20 grep -q '"n":2001}' "$T/$name.out"
	kill $victim
	wait $victim
	perl -ne '$s{$1} = 1 while /"n":(\d+)/g; END { print 2001 - keys %s }' "$T/$name.out"
}
keep ours iotingest -h "$sock" --durable ours
missing=$(kill_behind_stall ours iotingest -h "$sock" --durable ours)
is 0 "$missing" 'kill -9 behind a stalled reader loses nothing'
# One message at a time, the one that it prints: on a busy machine it may be caught without any.
for try in 1 2 3 4 5; do
	missing=$(kill_behind_stall theirs$try mosquitto_sub --unix "$sock" -c -i theirs$try -q 1 \
		-t 'iot/sensors/+/data' -F %p)
	[ "$missing" -eq 0 ] || break
done
[ "$missing" -gt 0 ]
tap $? "negative control: mosquitto_sub in the same place loses ($missing of 2000)"

# A full disk: nothing is acknowledged that is not there.
keep full ingest --durable full
pub -q 1 -t iot/sensors/X/data -m '["kept"]'
timeout 20 iotingest -h "$sock" --durable full -C 1 >/dev/full 2>"$T/err" </dev/null
status=$? out='' err=$(cat "$T/err")
exits 7 'a full output ends with 7'
has "$err" 'cannot write to standard output: No space left' 'and says so'
run ingest --durable full -C 1
has "$out" '"payload":["kept"]' 'the message comes again'

# A reader that leaves is no error.
{ timeout 20 iotingest -h "$sock" --durable left --quiet 2>"$T/err"; echo $? >"$T/status"; } | head -n 1 >"$T/first" &
pipe=$!
wait_for 10 subscribed left
pub -q 1 -t iot/sensors/X/data -m 1
pub -q 1 -t iot/sensors/X/data -m 2
wait $pipe
is 0 "$(cat "$T/status")" 'head may close the pipe: status 0'
silent "$T/err" 'without a word'

# Regular files are synced before the acknowledgement leaves.
if strace -o "$T/probe" true 2>/dev/null; then
	# trace NAME QOS TOPIC OPTION...: what became of one message, in $order.
	trace() {
		name=$1 level=$2 topic=$3
		shift 3
		ASAN_OPTIONS=detect_leaks=0 strace -f -o "$T/trace" -e trace=write,fdatasync,sendto,send \
			iotingest -h "$sock" --durable "$name" -q "$level" -C 1 "$@" >>"$T/file" 2>/dev/null </dev/null &
		tracing=$!
		wait_for 10 subscribed "$name"
		pub -q "$level" -t "$topic" -m 1
		wait $tracing
		# PUBACK is 0x40 0x02 and PUBREC 0x50 0x02: strace prints them as "@\2" and "P\2".
		order=$(awk '/fdatasync/ { print "sync" } /"[@P]\\2/ { print "ack" }
			/write\(.*received_at/ { print "line" }' "$T/trace" | tr '\n' ' ')
	}
	trace traced 1 iot/sensors/X/data
	is 'line sync ack ' "$order" 'line, fdatasync, PUBACK: in this order'
	trace traced2 2 iot/sensors/X/data
	is 'line sync ack ' "$order" 'line, fdatasync, PUBREC: in this order'
	trace traced3 1 iot/sensors/X/data --readings --rejects "$T/rejected"
	is 'line sync ack ' "$order" 'reject, fdatasync, PUBACK: in this order'
	trace traced4 1 iot/sensors/X/data --no-sync
	is 'line ack ' "$order" 'the control: with --no-sync it leaves before anything is on the disk'
else
	tap 0 'line, fdatasync, PUBACK: in this order # SKIP no ptrace here'
fi

# Refusals.
run ingest -W 0
exits 27 '-W 0 ends at once'
run ingest -W 300ms -t 'none/here'
exits 27 '-W ends with 27'
is '' "$out" 'and prints nothing'
run iotingest -h "$T/no.sock"
exits 5 'no broker: 5'
has "$err" "cannot reach broker '$T/no.sock'" 'and says which'
run iotingest -h 127.0.0.1 -p "$(free_port)"
exits 5 'nobody on that port: 5'
has "$err" 'connection refused' 'and why'
run iotingest -q 3
exits 2 '-q 3: 2'
has "$err" "'3' is not a whole number from 0 to 2" 'and names the limits'
run iotingest -p 0
exits 2 '-p 0: 2'
run iotingest -t 'a/{devise_id}/b'
exits 2 'an unknown variable: 2'
has "$err" "unknown variable '{devise_id}'; there are {device_id}" 'and names the known ones'
run iotingest -t 'a/#/b'
exits 2 'a wrong filter: 2'
for id in '' 'a/b' 'a+' 'a#' 'a
b'; do
	run iotingest --durable "$id"
	exits 2 "--durable '$id' is refused"
done
run iotingest stray
exits 2 'an operand is refused'

# Signals.
iotingest -h "$sock" --durable term >/dev/null 2>&1 &
victim=$!
wait_for 10 subscribed term
kill -TERM $victim
wait $victim
is 0 $? 'SIGTERM is a clean end'
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' iotingest -h "$sock" --durable int >/dev/null 2>&1 &
victim=$!
wait_for 10 subscribed int
kill -INT $victim
wait $victim
is 130 $? 'SIGINT ends by the signal'

# Passwords and permissions.
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
mosquitto_passwd -c -b "$T/passwd" ana right 2>/dev/null
printf 'user ana\ntopic read allowed/#\n' >"$T/acl"
chmod 600 "$T/passwd" "$T/acl"
rm -f "$sock"
start_broker 'allow_anonymous false' "password_file $T/passwd" "acl_file $T/acl"
echo wrong >"$T/wrong"
echo right >"$T/right"
chmod 600 "$T/wrong" "$T/right"
run ingest -u ana --password-file "$T/wrong"
exits 4 'a wrong password: 4'
has "$err" "refused the login" 'and says so'
run ingest -W 300ms
exits 4 'no login where one is wanted: 4'
chmod 644 "$T/right"
run ingest -u ana --password-file "$T/right"
exits 2 'a password file that others can read is refused'
has "$err" 'chmod 600' 'and says what to do'
done_testing
