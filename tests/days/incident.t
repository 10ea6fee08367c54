#!/bin/sh
# A night: at 3 a.m. the monitoring says that devices are offline. Who, and why? One pipe says it: first the
# broker is down; back up, two devices stay out, for a password; the rest is well.
# slow: a fleet, a night and a morning
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
export IOT_CONTEXT=lab
seq -f 'DEV_%02g' 12 >names
{ echo identificador_unico && cat names; } >fleet.csv
iotctl device provision --from fleet.csv sensores=temperature >/dev/null
let_in
# Who is connected, by the broker's own account; the platform hears of it as its worker would tell.
online() { # online STATE DEVICE...
	state=$1
	shift
	iotctl device set "$@" connection_status="$state" \
		last_seen="$(date -u +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
}
# shellcheck disable=SC2046
online online $(cat names)
while read -r d; do iotctl reading create device="$d" sensor=temperature valor=20; done <names >/dev/null
run iotstatus -w 95: -c 80:
exits 0 'the evening: all is well'
iotctl doctor - <names >evening
is 0 $? 'and doctor agrees'

# 3 a.m.
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
# shellcheck disable=SC2046
online offline $(cat names)
run iotstatus -w 95: -c 80:
exits 2 'critical'
iotstatus --list offline | iotctl doctor - -o ndjson >night 2>night.err
is 1 $? 'doctor on who is offline'
is "12 of 12: broker: 'Laboratorio': TCP: 127.0.0.1:$port: Connection refused" \
	"$(jq -r '"\(.devices) of \(.of): \(.cause)"' night)" 'one cause, for all twelve'
is "$(cat names)" "$(jq -r .names night | tr , '\n' | sort)" 'each by name'
has "$(cat night.err)" '12 of 12 devices are not well' 'counted'
run iotctl broker test Laboratorio
exits 5 'the broker from here'

# Somebody starts it again, with last week's passwords of two devices.
iotctl credential rotate DEV_03 DEV_07 --yes >/dev/null
: >"$T/mosquitto.log"
mosquitto -c "$T/mosquitto.conf" >>"$T/mosquitto.log" 2>&1 &
broker_pid=$!
pids="$pids $broker_pid"
wait_for 10 iotpub -t lab/ready -n
# shellcheck disable=SC2046
online online $(grep -v -e DEV_03 -e DEV_07 names)
iotstatus --list offline >left
is 'DEV_03
DEV_07' "$(sort left)" 'two stay out'
iotctl doctor - -o ndjson <left >morning 2>/dev/null
is 1 $? 'why?'
is 2 "$(jq .devices morning)" 'one cause for both'
has "$(jq -r .cause morning)" 'login: CONNACK: ' 'their login is refused'
let_in
online online DEV_03 DEV_07
run iotstatus -w 95: -c 80:
exits 0 'their passwords are handed over: all is well again'
iotctl doctor - <names >/dev/null 2>&1
is 0 $? 'says doctor, too'
done_testing
