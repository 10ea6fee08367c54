#!/bin/sh
# iotpub --refresh: devices that the platform gives another broker, while the old one is there and when it is
# not, and those that it switches off and on.
# slow: --refresh asks the platform again and again
# shellcheck disable=SC2154,SC2317 # lib.sh's; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores,publish_interval'
	echo 'RPI_001,Raspberry,raspberry_pi,Sala,temperature;humidity,1'
	echo 'ESP_002,ESP,esp32,Sala,humidity,1'
} >fleet.csv
iotctl device provision --from fleet.csv >provisioned 2>&1 || note "$(cat provisioned)"
let_in
config() { iotctl --format ndjson device-config list | jq "select(.dispositivo_nombre == \"$1\").id"; }
esp=$(config ESP)
rpi=$(config Raspberry)

# other_broker NAME: one more, with the same passwords; its port is $other, its pid $other_pid.
other_broker() {
	other=$(free_port)
	sed "s/^listener .*/listener $other 127.0.0.1/" mosquitto.conf >"$1.conf"
	mosquitto -c "$1.conf" >"$1.log" 2>&1 &
	other_pid=$!
	pids="$pids $other_pid"
	iotctl broker create nombre="$1" host=127.0.0.1 port="$other" username=admin \
		password@broker.pw >/dev/null
	wait_for 10 iotpub -L "mqtt://127.0.0.1:$other" -u admin --password-file broker.pw -t lab/ready -n
}
# watch PORT FILE: what comes there.
watch() {
	bg mosquitto_sub -h 127.0.0.1 -p "$1" -u admin -P broker-password -t 'iot/#' -F '%t %p' >"$2"
	wait_for 10 knock "$1" "$2"
}
knock() { mosquitto_pub -h 127.0.0.1 -p "$1" -u admin -P broker-password -t iot/knock -m x && grep -q knock "$2"; }
says() { grep -aq "$1" "$2"; } # says PATTERN FILE

other_broker Segundo
second=$other second_pid=$other_pid
other_broker Tercero
third=$other
watch "$port" first.seen
watch "$second" second.seen
watch "$third" third.seen
iotctl login "$api" --context bare --api-username admin --password-file "$T/api.pw" 2>/dev/null
bg iotpub --context bare --from-platform --credentials "$HOME/.local/state/iot/lab.csv" --refresh 300ms --interval 100ms --drain 2s -q 1 2>log
publishing=$bg
ok 'both devices at their broker' wait_for 10 says 'sensors/ESP_002/data' first.seen
iotctl device-config set "$esp" broker=Segundo >/dev/null
ok 'one that is given another publishes there' wait_for 10 says 'sensors/ESP_002/data' second.seen
ok 'and says so there' says 'devices/ESP_002/status {.*"status":"connected"' second.seen
ok 'the old broker tells that it is gone' \
	wait_for 10 says 'devices/ESP_002/status {.*"status":"disconnected"' first.seen
: >first.seen
ok 'the other one stays' wait_for 10 says 'sensors/RPI_001/data' first.seen
no_line first.seen 'alone' -a ESP_002
ok 'the move is told' says 'ESP_002: the platform has changed what it does' log

# A broker that died, with messages that it did not acknowledge.
kill -STOP "$second_pid"
sleep 0.5 # some messages go there meanwhile
kill -KILL "$second_pid"
ok 'its broker dies' wait_for 10 says "ESP_002: lost broker '" log
iotctl device-config set "$esp" broker=Tercero >/dev/null
ok 'given a third one it goes there, late' wait_for 15 says 'sensors/ESP_002/data' third.seen
ok 'what it leaves behind is told' wait_for 10 says 'ESP_002: its old broker did not acknowledge [0-9]* messages' log
kill $publishing
wait $publishing
is 1 $? 'and at the end'
ok 'as unacknowledged' says 'messages left unacknowledged: ' log

# Devices that are switched off there, and on again.
iotctl device-config set "$esp" broker=Laboratorio >/dev/null
start_run() { bg iotpub --context bare --from-platform --credentials "$HOME/.local/state/iot/lab.csv" --refresh 300ms --interval 100ms "$@" 2>log; }
: >first.seen
start_run
publishing=$bg
wait_for 10 says 'sensors/ESP_002/data' first.seen
iotctl device-config set "$esp" is_active:=false >/dev/null
ok 'a device that is switched off says goodbye' \
	wait_for 10 says 'devices/ESP_002/status {.*"status":"disconnected","timestamp":' first.seen
ok 'which is told' says 'ESP_002: the platform has switched it off' log
: >first.seen
ok 'the other one goes on' wait_for 10 says 'sensors/RPI_001/data' first.seen
no_line first.seen 'alone' -a ESP_002
iotctl device-config set "$rpi" is_active:=false >/dev/null
ok 'and when all are off' wait_for 10 says 'devices/RPI_001/status {.*"status":"disconnected"' first.seen
: >first.seen
iotctl device-config set "$esp" is_active:=true >/dev/null
ok 'one that is switched on again publishes' wait_for 10 says 'sensors/ESP_002/data' first.seen
ok 'and is connected' says 'devices/ESP_002/status {.*"status":"connected"' first.seen
ok 'which is told' says 'ESP_002: the platform has switched it on again' log
iotctl device-config set "$rpi" is_active:=true >/dev/null
ok 'so does the other' wait_for 10 says 'sensors/RPI_001/data' first.seen
run iotctl device-config delete "$esp" --yes
exits 0 "a configuration is deleted"
ok 'a device whose configuration is deleted says goodbye, too' \
	wait_for 10 says 'devices/ESP_002/status {.*"status":"disconnected"' first.seen
kill $publishing
wait $publishing
is 0 $? 'and all of that was a clean run'

# What is named is wanted; what has an end comes to it.
start_run RPI_001
publishing=$bg
: >first.seen
wait_for 10 says 'sensors/RPI_001/data' first.seen
iotctl device-config set "$rpi" is_active:=false >/dev/null
sleep 1 # more than three times --refresh
: >first.seen
ok 'a device that is named goes on' wait_for 10 says 'sensors/RPI_001/data' first.seen
kill $publishing
wait $publishing
is 0 $? 'to its end'
iotctl device-config set "$rpi" is_active:=true >/dev/null
start_run --count 1000
publishing=$bg
wait_for 10 says 'sensors/RPI_001/data' first.seen
iotctl device-config set "$rpi" is_active:=false >/dev/null
ended() { ! kill -0 "$publishing" 2>/dev/null; }
ok 'a run with --count ends when nobody is left' wait_for 10 ended
done_testing
