#!/bin/sh
# iotingest --from-platform: topics and broker as the platform knows them; --group: shared with others.
# slow: what is asked of the platform is asked again and again
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"
start_platform
grep -v '^broker' "$HOME/.config/iot/iot.conf" >conf
has "$(cat conf)" 'mqtt_password_file' 'the context has a password, but no broker'

# ask OPTION...: asks for the platform's, publishes what is printed of it.
ask() {
	timeout 20 iotingest --config conf --context lab --from-platform "$@" >out 2>err </dev/null &
	asking=$!
	wait_for 10 published
	wait $asking
	status=$?
	out=$(cat out)
	err=$(cat err)
}
published() {
	iotpub -t iot/sensors/RPI_001/data -m '{"t":1}' && ! kill -0 "$asking" 2>/dev/null
}
ask -C 1
exits 0 '--from-platform finds the broker'
has "$out" '"topic":"iot/sensors/RPI_001/data","device_id":"RPI_001"' 'and what devices publish to'
iotctl topic create nombre=Alertas tipo=both topic_pattern='lab/{device_id}/{sensor_type}' >/dev/null
iotctl topic create nombre=Otros tipo=subscribe topic_pattern='no/{device_id}' >/dev/null
timeout 20 iotingest --config conf --context lab --from-platform -C 1 >out 2>err </dev/null &
asking=$!
alert() { iotpub -t no/A/x -m 0 && iotpub -t lab/A7/smoke -m 1 && ! kill -0 "$asking" 2>/dev/null; }
wait_for 10 alert
wait $asking
has "$(cat out)" '"device_id":"A7","sensor_type":"smoke"' 'topics in both directions too'

# The platform's topics of status and alerts have no readings.
iotctl topic create nombre=Estado tipo=both topic_pattern='iot/devices/{device_id}/status' >/dev/null
iotctl topic create nombre=Avisos tipo=publish topic_pattern='iot/alerts/+' >/dev/null
all() {
	iotpub -t iot/devices/A7/status -m '{"status":"connected"}' && iotpub -t iot/alerts/A7 -m '{"level":1}' &&
		iotpub -t lab/A7/smoke -m 2 && ! kill -0 "$asking" 2>/dev/null
}
for form in '' '--readings --verbose'; do
	# shellcheck disable=SC2086 # words
	timeout 20 iotingest --config conf --context lab --from-platform $form -C 6 >out 2>err </dev/null &
	asking=$!
	wait_for 10 all
	wait $asking
	sed 's/.*"topic":"\([^"]*\)".*/\1/' out | sort -u | paste -sd' ' >"topics$form"
done
is 'iot/alerts/A7 iot/devices/A7/status lab/A7/smoke' "$(cat topics)" 'what devices publish is status and alerts, too'
is 'lab/A7/smoke' "$(cat 'topics--readings --verbose')" 'but not with --readings'
has "$(cat err)" "'iot/devices/{device_id}/status' has no readings" 'told with --verbose'

# Nothing secret on the way: the child's words are seen by all.
cat >iotctl <<'X'
#!/bin/sh
printf '%s\n' "$*" >>"$T/words"
PATH=${PATH#*:} exec iotctl "$@"
X
chmod +x iotctl
PATH="$T:$PATH" ask -C 1
is '--format ndjson --config conf --context lab broker list
--format ndjson --config conf --context lab topic list' "$(sort -u words)" \
	'iotctl gets words without secrets'

# A long answer that ends within a line: a part of it is not taken for the whole, though the child ends with 0.
mkdir long
cat >long/iotctl <<'X'
#!/bin/sh
case "$*" in
*topic*) yes '{"id":1,"tipo":"publish","topic_pattern":"long/{device_id}"}' 2>/dev/null | head -c 20000000 2>/dev/null ;;
*) PATH=${PATH#*:} exec iotctl "$@" ;;
esac
exit 0
X
chmod +x long/iotctl
PATH="$T/long:$PATH" run iotingest --config conf --context lab --from-platform -W 500ms
exits 8 'an answer that is cut: 8'
has "$err" "the answer of 'iotctl topic list' ends within a line" 'says so'

# What goes wrong.
iotctl broker create nombre=Otro host=127.0.0.1 port=1 >/dev/null
run iotingest --config conf --context lab --from-platform -W 5s
exits 2 'two brokers: 2'
has "$err" '2 active brokers (Laboratorio, Otro): name one with -h or -L' 'names them'
run iotingest --context lab --from-platform -W 300ms
exits 27 'one that is configured is taken'
iotctl broker deactivate Otro >/dev/null 2>&1 || iotctl broker update Otro is_active=false >/dev/null
run iotingest --config conf --context lab --from-platform -W 300ms
exits 27 'one that is not active does not count'

# TLS: the CA certificate that the platform keeps with its broker is the one that counts.
authority right
authority wrong
certificate server right IP:127.0.0.1
tls=$(free_port)
{
	echo "listener $tls 127.0.0.1"
	echo "user $(id -un)"
	echo 'allow_anonymous true'
	echo "certfile $T/server.crt"
	echo "keyfile $T/server.key"
} >tls.conf
bg mosquitto -c tls.conf 2>tls.log
wait_for 10 grep -q "listen socket on port $tls" tls.log
iotctl broker update Laboratorio is_active=false >/dev/null
iotctl broker create nombre=TLS host=127.0.0.1 port="$tls" protocol=mqtts ca_cert@right.crt >/dev/null
run iotingest --config conf --context lab --from-platform -W 500ms
exits 27 "the broker's certificate is verified with the platform's CA"
iotctl broker update TLS ca_cert@wrong.crt >/dev/null
run iotingest --config conf --context lab --from-platform -W 500ms
exits 5 'and refused with another'
has "$err" 'TLS' 'for that reason'

kill "$api_pid"
wait "$api_pid" 2>/dev/null
run iotingest --config conf --context lab --from-platform -W 5s
exits 5 'no API: 5'
has "$err" 'iotctl: cannot reach' 'iotctl says what failed'
has "$err" "iotingest: --from-platform: 'iotctl topic list' ended with status 5" 'and iotingest that it did'
run env PATH=/nowhere "$build/iotingest" --from-platform
exits 1 'no iotctl: 1'
has "$err" 'cannot run iotctl' 'and says so'
done_testing
