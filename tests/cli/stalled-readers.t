#!/bin/sh
# Nobody reads standard output: commands wait, the devices and their connections go on.
# slow: readers that stall are waited for, longer than a keep-alive lasts
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# 1 KB each, with the id N. By iotpub: mosquitto_pub -l of 2.1.2 leaves out lines.
commands() { # commands DEVICE FROM TO
	seq "$2" "$3" | perl -ne 'chomp; print "{\"id\":$_,\"pad\":\"", "x" x 1000, "\"}\n"' |
		iotpub -h "$sock" -q 1 -t "iot/devices/$1/commands" -l --quiet
}
# A fifo, NAME.fifo, that is open and not read until wake is called: then all of it goes to the file NAME.
sleeping_reader() { # sleeping_reader NAME
	rm -f "$1.fifo" awake
	mkfifo "$1.fifo"
	sh -c "until [ -e awake ]; do sleep 0.1; done; exec cat >$1" <"$1.fifo" &
	reader=$!
	pids="$pids $reader"
}
wake() { : >awake; }
numbers() { grep -o '"id":[0-9]*' "$1" | cut -d: -f2 | sort -n | uniq; }
readings() { grep -c "iot/sensors/$1/data" seen; }
still() { grep -cE "Client $1 (has exceeded timeout|disconnected|closed)" "$T/mosquitto.log"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
port=$(free_port)
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
rm -f "$sock"
start_broker 'allow_anonymous true' 'max_queued_messages 0' 'log_type all' \
	"listener $port 127.0.0.1" "certfile $T/cert" "keyfile $T/key"
watch seen 'iot/sensors/+/data'

# iotpub: 300 commands to A, and to S, over TLS.
sleeping_reader printed
sleeping_reader printed-tls
iotpub -h "$sock" A B --listen -k 5 temperature=1 --interval 1s >printed.fifo 2>pub.err &
pub=$!
pids="$pids $pub"
iotpub -h localhost -p "$port" --cafile cert S --listen -k 5 temperature=1 --interval 1s >printed-tls.fifo 2>tls.err &
tls=$!
pids="$pids $tls"
wait_for 10 subscribed A
wait_for 10 subscribed S
# iotingest and iotsub -t, meanwhile.
sleeping_reader ingested
iotingest -h "$sock" --durable I -t iot/devices/Z/commands -k 5 >ingested.fifo 2>ingest.err &
ingest=$!
pids="$pids $ingest"
sleeping_reader shown
iotsub -h "$sock" -i U -c -q 1 -t iot/devices/Z/commands -k 5 >shown.fifo 2>sub.err &
sub=$!
pids="$pids $sub"
wait_for 10 subscribed I
wait_for 10 subscribed U
commands A 1 300
commands S 1 300
commands Z 1 600
sleep 1
a=$(readings A)
b=$(readings B)
c=$(readings S)
more() { [ $(($(readings A) - a)) -ge 11 ] && [ $(($(readings B) - b)) -ge 11 ] && [ $(($(readings S) - c)) -ge 11 ]; }
wait_for 40 more
tap $? "iotpub: readings go on ($a, $b, $c, then $(readings A), $(readings B), $(readings S))"
stall_told() { grep -q 'has not taken its lines for 10 s' ingest.err && grep -q 'has not taken its lines for 10 s' sub.err; }
wait_for 30 stall_told # and so 10 s went by, longer than a keep-alive lasts
is '0 0 0' "$(still A) $(still B) $(still S)" 'so do the connections, for longer than the keep-alive lets them'
[ "$(grep -c 'Received PUBACK from A' "$T/mosquitto.log")" -lt 100 ]
tap $? 'commands wait, not acknowledged'
most=$(awk '/Sending PUBLISH to A .*commands/ { n++ } /Received PUBACK from A / && n { n-- } n > most { most = n }
	END { print most + 0 }' mosquitto.log)
is 1 "$most" 'at the broker, which sends the next one when this one is acknowledged (MQTT 5)'
wake
all_printed() { [ "$(numbers printed | wc -l) $(numbers printed-tls | wc -l)" = '300 300' ]; }
wait_for 30 all_printed
tap $? 'and are all printed when it is read again'
all_there() { [ "$(numbers ingested | wc -l) $(numbers shown | wc -l)" = '600 600' ]; }
wait_for 30 all_there
tap $? 'iotingest, iotsub -t: nothing is missing when it is read again'
is '0 0' "$(still I) $(still U)" 'their connections stay'
for err in ingest.err sub.err; do
	is 1 "$(grep -c 'standard output has not taken its lines for 10 s: the broker keeps what its queue has room for' $err)" \
		"a reader that stalls is told, once ($err)"
done
kill $ingest $sub
wait $ingest
is 0 $? 'their end is clean'
kill $pub $tls
wait $pub
is 0 $? 'SIGTERM then: status 0'
wait $tls
is 0 $? 'over TLS, too'
is '' "$(cat pub.err tls.err)" 'without a word'
has "$(status A)" '"disconnected"' 'and a clean goodbye'

# It ends while nobody reads.
sleeping_reader printed
iotpub -h "$sock" A B --listen temperature=1 --interval 1s >printed.fifo 2>pub.err &
pub=$!
pids="$pids $pub"
wait_for 10 is_connected A
commands A 1 200
sleep 1
from=$(date +%s)
kill $pub
wait $pub
is 7 $? 'SIGTERM while nobody reads: status 7'
[ $(($(date +%s) - from)) -lt 5 ]
tap $? 'at once'
has "$(cat pub.err)" 'commands left out: ' 'the commands that were left out are told'
is 1 "$(grep -c . pub.err)" 'once'
left=$(sed -n 's/.*left out: \([0-9]*\) or more,.*/\1/p' pub.err)
has "$(status A) $(status B)" '"disconnected"' 'after a clean goodbye'
wake
wait "$reader"
shown=$(numbers printed | wc -l)
[ "${left:-0}" -ge 1 ] && [ $((shown + left)) -le 200 ]
tap $? "none of them is among those that were printed ($left, $shown)"

# With -c the broker keeps them.
sleeping_reader printed
iotpub -h "$sock" C -c --listen temperature=1 --interval 1s --drain 1s >printed.fifo 2>pub.err &
pub=$!
pids="$pids $pub"
wait_for 10 is_connected C
commands C 1 200
sleep 1
kill $pub
wait $pub
wake
wait "$reader"
numbers printed >first
is '"disconnected"' "$(status C | grep -o '"disconnected"')" '-c: the will tells, since a goodbye could not be said'
iotpub -h "$sock" C -c --listen --interval 1h >again 2>pub.err &
pub=$!
pids="$pids $pub"
both() { numbers again >second && [ "$(sort -u first second | wc -l)" -eq 200 ]; }
wait_for 10 both
tap $? 'and the broker keeps those that were not printed'
kill $pub
wait $pub

# --exec: shown, then run.
sleeping_reader printed
# shellcheck disable=SC2016 # for the inner shell
iotpub -h "$sock" E --listen -k 5 --interval 1s temperature=1 --exec sh -c 'echo $IOT_COMMAND_ID >>ran' >printed.fifo 2>/dev/null &
pub=$!
pids="$pids $pub"
wait_for 10 is_connected E
commands E 1 150
sleep 3
[ "$(wc -l <ran)" -lt 100 ]
tap $? "--exec: what is not shown is not run ($(wc -l <ran))"
wake
all_ran() { [ "$(sort -u ran | wc -l)" -eq 150 ]; }
wait_for 20 all_ran
tap $? 'all run when it is read again'
is 150 "$(wc -l <ran)" 'once each'
kill $pub
wait $pub

# iotsub --exec: the connections stay, two devices.
sleeping_reader printed
rm -f ran
# shellcheck disable=SC2016 # for the inner shell
iotsub -h "$sock" F G -k 5 --exec sh -c 'echo $IOT_COMMAND_ID >>ran' >printed.fifo 2>sub.err &
sub=$!
pids="$pids $sub"
wait_for 10 subscribed F.commands
wait_for 10 subscribed G.commands
commands F 1001 1150
sleep 14
is '0 0 ' "$(still F.commands) $(still G.commands) $(cat sub.err)" 'iotsub --exec: the connections stay'
wake
wait_for 20 all_ran
tap $? 'all run when it is read again'
kill $sub
wait $sub
is 0 $? 'SIGTERM: status 0'
sleeping_reader printed
iotsub -h "$sock" F G -k 5 --exec cat >printed.fifo 2>sub.err &
sub=$!
pids="$pids $sub"
sleep 0.5
commands F 2001 2150
sleep 1
from=$(date +%s)
kill $sub
wait $sub
is 0 $? 'SIGTERM while nobody reads: status 0'
[ $(($(date +%s) - from)) -lt 3 ]
tap $? 'at once'
wake

done_testing
