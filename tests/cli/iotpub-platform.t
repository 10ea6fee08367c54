#!/bin/sh
# iotpub --from-platform: devices as the platform has them, by iotctl.
# slow: --refresh asks the platform again and again
# shellcheck disable=SC2154,SC2317 # lib.sh's; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores,publish_interval'
	echo 'RPI_001,Raspberry,raspberry_pi,Sala,temperature;humidity,1'
	echo 'ESP_002,ESP,esp32,Sala,humidity,2'
	echo 'OFF_003,Off,esp32,Sala,humidity,2'
} >fleet.csv
iotctl device provision --from fleet.csv >provisioned 2>&1 || note "$(cat provisioned)"
let_in
iotctl device-config set "$(iotctl --format ndjson device-config list | jq 'select(.dispositivo_nombre == "Off").id')" \
	is_active:=false >/dev/null

mosquitto_sub -h 127.0.0.1 -p "$port" -u admin -P broker-password -t 'iot/#' -t 'other/#' -F '%r %q %t %p' >seen &
pids="$pids $!"
wait_for 10 listening 'other/#'
run iotpub --from-platform -C 2
exits 0 "--from-platform"
data() { grep -a ' iot/sensors/' seen; }
enough() { [ "$(data | wc -l)" -ge "$1" ]; }
wait_for 10 enough 4
is 'iot/sensors/ESP_002/data iot/sensors/RPI_001/data' \
	"$(data | cut -d ' ' -f 3 | sort -u | paste -sd ' ')" "all active devices, with their logins and topics"
has "$(data | grep RPI_001)" '{"device_id":"RPI_001","sensors":{"temperature":22.50,"humidity":50.00},"timestamp":' \
	"their sensors, from the middle of their ranges on"
has "$(data | grep ESP_002)" '"sensors":{"humidity":50.00}' "each its own"
run iotpub --from-platform RPI_001 -C 1 x=1
exits 0 "one device by name"
has "$(tail -n 3 seen)" '"sensors":{"x":1}' "with sensors of the command line"
run iotpub --from-platform OFF_003 -C 1
exits 0 "a device that is named need not be active"

iotctl device create identificador_unico=BARE_4 nombre=Bare tipo=esp32 ubicacion=Sala >/dev/null
run iotpub --from-platform BARE_4 RPI_001 -C 1 -q 0
exits 0 "nor have a device-config"
has "$err" "devices without a device-config: 1 ('BARE_4'); published is to 'iot/sensors/{device_id}/data', each 60 s, at QoS 0" \
	"but then what it does is told"

# What is changed there is picked up.
: >seen
bg iotpub --from-platform ESP_002 --refresh 300ms 2>log
publishing=$bg
wait_for 10 enough 1
iotctl topic create nombre=Otro tipo=publish topic_pattern='other/{device_id}' >/dev/null
iotctl device-config set "$(iotctl --format ndjson device-config list | jq 'select(.dispositivo_nombre == "ESP").id')" \
	publish_interval=1 publish_topic=3 qos=0 >/dev/null
let_others() { grep -q 'changed what it does' log; }
wait_for 10 let_others
ok "--refresh: a change is told" grep -q 'ESP_002: the platform has changed what it does' log
others() { grep -q '^0 0 other/ESP_002 ' seen; }
wait_for 10 others
ok "and obeyed: its topic and quality" others
# What cannot be a device's topic changes nothing.
changes() { # changes TOPIC 'sentence': told, and the device goes on as before
	: >log
	: >seen
	iotctl device-config set "$esp" publish_topic="$1" >/dev/null
	told() { grep -aq "device 'ESP_002': " log; }
	wait_for 10 told
	tap $? "$2: told"
	: >seen
	ok 'and the device goes on as before' wait_for 10 others
}
esp=$(iotctl --format ndjson device-config list | jq 'select(.dispositivo_nombre == "ESP").id')
iotctl topic create nombre=Comodin tipo=publish topic_pattern='wild/+/{device_id}' >/dev/null
changes Comodin 'a topic that is a filter'
iotctl topic create nombre=Suelto tipo=publish topic_pattern='one/{sensor_type}' >/dev/null
changes Suelto 'a topic of a sensor'
kill $publishing
wait $publishing
is 0 $? "and nothing breaks"
iotctl device-config set "$esp" publish_topic=Otro >/dev/null

# New devices come along; and an answer that takes its time keeps nobody waiting.
mkdir slow
cat >slow/iotctl <<'END'
#!/bin/sh
echo "$$" >>asked
[ ! -e slowly ] || exec sleep 30
exec "$REAL" "$@"
END
chmod +x slow/iotctl
REAL=$(command -v iotctl)
export REAL
PATH="$T/slow:$PATH" bg iotpub --from-platform --refresh 300ms --interval 100ms 2>log
publishing=$bg
: >seen
wait_for 10 enough 2
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores,publish_interval'
	echo 'NEW_004,New,esp32,Sala,humidity,1'
} >new.csv
iotctl device provision --from new.csv >provisioned 2>&1 || note "$(cat provisioned)"
let_in
kill -HUP "$broker_pid"
newcomer() { grep -q ' iot/sensors/NEW_004/data' seen; }
ok "--refresh: a new device publishes, too" wait_for 20 newcomer
ok "which is told" grep -q 'NEW_004: the platform has it now' log
: >slowly
before=$(wc -l <asked)
asked_again() { [ "$(wc -l <asked)" -gt "$before" ]; }
wait_for 10 asked_again
: >seen
ok "while iotctl does not answer all go on" wait_for 10 enough 20
kill $publishing
wait $publishing
is 0 $? "and it ends with iotctl unanswered"
gone() { ! kill -0 "$(tail -n 1 asked)" 2>/dev/null; }
ok "which it ends" wait_for 10 gone
iotctl device-config set "$(iotctl --format ndjson device-config list | jq 'select(.dispositivo_nombre == "New").id')" \
	is_active:=false >/dev/null

# --verify: two topics of one broker, and two brokers.
run iotpub --from-platform -C 3 --interval 100ms -q 1 --verify --max-lost 0
exits 0 "--verify of devices with two topics"
has "$out" 'sent 6 received 6 lost 0 duplicated 0 ' "sees both"
run iotpub --from-platform -C 3 --verify --refresh 1s
exits 2 "--verify with --refresh is refused"
other=$(free_port)
printf 'listener %s 127.0.0.1\nuser %s\nallow_anonymous true\n' "$other" "$(id -un)" >other.conf
mosquitto -c other.conf 2>/dev/null &
other_pid=$!
pids="$pids $other_pid"
wait_for 10 port_open "$other"
iotctl broker create nombre=Otro host=127.0.0.1 port="$other" >/dev/null
iotctl device-config set "$esp" broker=Otro >/dev/null
iotctl login "$api" --context bare --api-username admin --password-file "$T/api.pw" 2>/dev/null
cp "$HOME/.local/state/iot/lab.csv" bare.csv
run iotpub --context bare --credentials bare.csv --from-platform -C 3 --interval 100ms -q 1 --verify --max-lost 0
exits 0 "--verify of devices at two brokers"
has "$out" 'sent 6 received 6 lost 0 duplicated 0 ' "sees both, too"
kill "$other_pid"
# Each is asked for both topics; one that refuses that of the other's devices does no harm.
bg perl "$top/tests/broker.pl" denies refuse=other/
wait_for 10 test -S denies.sock
iotctl broker create nombre=Denies host="$T/denies.sock" >/dev/null
rpi=$(iotctl --format ndjson device-config list | jq 'select(.dispositivo_nombre == "Raspberry").id')
verifies() { # verifies CONFIG: the device of that is at Denies, the other at Laboratorio
	iotctl device-config set "$esp" broker=Laboratorio >/dev/null
	iotctl device-config set "$rpi" broker=Laboratorio >/dev/null
	iotctl device-config set "$1" broker=Denies >/dev/null
	run timeout 20 iotpub --context bare --credentials bare.csv --from-platform -C 1 -q 1 --verify --drain 1s
}
verifies "$rpi"
is 0 "$status" "--verify at a broker that refuses a topic which is another one's"
verifies "$esp"
exits 4 "... the topic of a device there"
has "$err" "--verify: the broker refused the subscription 'other/+'" "is no loss of messages"
iotctl device-config set "$esp" broker=Laboratorio >/dev/null
kill "$bg"

# Refusals.
run iotpub --from-platform NOBODY -C 1
exits 3 "a device that the platform does not have: 3"
has "$err" "no device 'NOBODY'" "named"
run iotpub --from-platform -t x -m y
exits 2 "not with -t"
run iotpub RPI_001 --refresh 1s
exits 2 "--refresh alone"
kill "$api_pid"
wait "$api_pid"
run iotpub --from-platform -C 1
exits 5 "no API: 5"
has "$err" 'iotctl device-config list' "and it says who was asked"

done_testing
