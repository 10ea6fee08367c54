#!/bin/sh
# doctor: a healthy platform, then each case of the guide's Troubleshooting section and others, one broken
# thing at a time; many devices grouped by cause; a live device is never disconnected.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
export IOT_CONTEXT=lab
result() { printf '%s' "$out" | jq -r --arg c "$1" '[.[] | select(.check == $c) | .result][0]'; }
detail() { printf '%s' "$out" | jq -r --arg c "$1" '[.[] | select(.check == $c) | .detail][0]'; }
sick() { # sick CHECK PART SENTENCE: the last doctor found this
	exits 1 "$3"
	is FAILED "$(result "$1")" "  at '$1'"
	has "$(detail "$1")" "$2" '  and says why'
}

iotctl device provision D1 D2 sensores=temperature >/dev/null
let_in
iotpub D1 temperature=21 --interval 1s 2>"$T/pub.err" >/dev/null &
device=$!
pids="$pids $device"
iotctl device set D1 connection_status=online >/dev/null
iotctl reading create device=D1 sensor=temperature valor=21 >/dev/null

run iotctl doctor --json
exits 0 'a healthy platform'
is 'ok ok ok ok ok ok' "$(printf '%s' "$out" | jq -r '[.[].result] | join(" ")')" \
	'config, api, token, clock, broker, status'
has "$(detail broker)" "'Laboratorio' works up to QoS 2" 'the broker to the last stage'
run iotctl doctor D1 --json
exits 0 'a healthy device'
is 'let in, under a probe'"'"'s id' "$(detail login)" 'its login tried'
is '-' "$(result 'emqx user')" 'no EMQX users here'
# Its own connection would be gone, and its will sent, had somebody taken its id.
ok 'the live device stays connected' kill -0 $device
silent "$T/pub.err" 'undisturbed'
no_line "$T/mosquitto.log" 'says the broker' 'already connected'
run iotctl doctor D1
has "$out" 'check         result' 'as a table'

# The guide: "Connection Refused".
closed=$(free_port)
iotctl broker set Laboratorio port="$closed" password@"$T/broker.pw" >/dev/null
run iotctl doctor --json
sick broker "TCP: 127.0.0.1:$closed: Connection refused" 'connection refused'
run iotctl doctor D1 --json
sick broker 'Connection refused' 'the same, of a device'
is 'not testable' "$(result login)" 'what depends on it is not blamed'
iotctl broker set Laboratorio port="$port" password@"$T/broker.pw" >/dev/null

# The guide: "Unauthorized": credentials, user, ACL.
cp .local/state/iot/lab.csv "$T/keep.csv" 2>/dev/null || cp "$HOME/.local/state/iot/lab.csv" "$T/keep.csv"
sed -i 's/^\(D[12],[^,]*,[^,]*,\)[^,]*/\1wrong-password/' "$HOME/.local/state/iot/lab.csv"
run iotctl doctor D2 --json
sick login 'CONNACK' 'unauthorized: a wrong password of a device that is offline'
run iotctl doctor D1 --json
is 'not testable' "$(result login)" 'of one that is online'
has "$(detail login)" 'not testable without disconnecting it' 'it says so'
cp "$T/keep.csv" "$HOME/.local/state/iot/lab.csv"
run iotctl doctor D1 --json --credentials "$T/none.csv"
is 'not testable' "$(result login)" 'no password here: not testable'
iotctl credential set D1 is_active=false >/dev/null
run iotctl doctor D1 --json
sick credential 'not active' 'unauthorized: an inactive credential'
iotctl credential set D1 is_active=true >/dev/null
iotctl credential delete D2 --yes >/dev/null
run iotctl doctor D2 --json
sick credential 'it has none' 'unauthorized: no credential'

# Others.
run iotctl doctor D2 --json
sick status offline 'a device that is offline'
sick 'last reading' 'there is none' 'a device without readings'
iotctl device unassign D2 temperature >/dev/null
run iotctl doctor D2 --json
sick sensors 'none is assigned' 'no sensor'
iotctl device-config delete D2 --yes >/dev/null
run iotctl doctor D2 --json
sick broker 'no device-config' 'no configuration'
iotctl reading create device=D1 sensor=temperature valor=21 timestamp=2020-01-01T00:00:00Z >/dev/null
run iotctl doctor D1 --json
is ok "$(result 'last reading')" 'an old reading besides a new one'
iotctl device provision D3 sensores=temperature publish_interval=60 >/dev/null
iotctl device set D3 connection_status=online >/dev/null
iotctl reading create device=D3 sensor=temperature valor=21 \
	timestamp="$(date -u -d '-425 seconds' +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
run iotctl doctor D3 --json
sick 'last reading' 'connected, silent for 7 intervals (7 min)' 'a status that says more than there is'
iotctl device set D3 connection_status=offline >/dev/null
run iotctl doctor D3 --json
is '7 min ago' "$(detail 'last reading')" 'one that is offline is only late'
iotctl credential delete D3 --yes >/dev/null
iotctl device-config delete D3 --yes >/dev/null
iotctl device delete D3 --yes --quiet >/dev/null 2>&1
iotctl device set D2 mqtt_enabled=false >/dev/null
run iotctl doctor D2 --json
sick identity 'mqtt_enabled is false' 'MQTT is off'
run iotctl doctor D9
exits 3 'an unknown device'

# Many: grouped by the first cause.
iotctl device provision A1 A2 A3 sensores=temperature >/dev/null
let_in
run iotctl doctor A1 A2 A3 D1 D9 -o csv
exits 1 'many'
is 'devices,of,cause,names
3,5,status: offline,"A1,A2,A3"
1,5,identity: no such device on the platform,D9' "$out" 'grouped by cause'
has "$err" '4 of 5 devices are not well' 'and counted'
iotctl broker set Laboratorio port="$closed" password@"$T/broker.pw" >/dev/null
printf 'A1\nA2\nA3\nD1\n' | iotctl doctor - >"$T/many" 2>/dev/null
is 1 $? 'names from stdin'
has "$(cat "$T/many")" "4        4   broker: 'Laboratorio': TCP: 127.0.0.1:$closed: Connection refused  A1,A2,A3,D1" \
	'one broker, one cause'
iotctl broker set Laboratorio port="$port" password@"$T/broker.pw" >/dev/null
run iotctl doctor D1 D1
exits 0 'all well'

# The platform.
run iotctl doctor --json --api-url http://127.0.0.1:1
sick api '127.0.0.1:1' 'no API'
IOT_TOKEN=nonsense run iotctl doctor --json
sick token '' 'a bad token'
iotctl broker deactivate Laboratorio >/dev/null
run iotctl doctor --json
sick broker 'no active broker' 'no active broker'
run iotctl doctor D1 --json
sick broker "'Laboratorio' is not active" 'a device on an inactive broker'
kill $device
stop_api
unset IOT_CONTEXT
rm -rf "$HOME/.config" "$HOME/.local"

# The Django backend has EMQX users and rules; a broker that does not do QoS 2.
kill "$broker_pid"
weak=$(free_port)
start_broker "listener $weak 127.0.0.1" 'allow_anonymous true' 'max_qos 1'
# shellcheck disable=SC2119
start_django
export IOT_API_TZ=America/Mexico_City
iotctl broker create Weak host=127.0.0.1 port="$weak" >/dev/null
iotctl topic create Datos topic_pattern='iot/sensors/{device_id}/data' tipo=publish qos=1 >/dev/null
iotctl topic create Comandos topic_pattern='iot/devices/{device_id}/commands' qos=2 >/dev/null
iotctl sensor create nombre=T tipo=temperatura unidad_medida=C rango_min=-40 rango_max=85 \
	mqtt_topic_suffix=temperature >/dev/null
printf 'device-password\n' >pw
chmod 600 pw
iotctl device create E1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
iotctl device assign E1 temperature >/dev/null
iotctl credential create device=E1 client_id=E1 username=device_E1 password@pw >/dev/null
iotctl device-config create E1 broker=Weak publish_topic=Datos >/dev/null
iotctl device set E1 connection_status=online >/dev/null
iotctl reading create device=E1 sensor=temperature valor=1 >/dev/null
run iotctl doctor E1 --json
exits 0 'a healthy device of Django'
is "ok device_E1" "$(result 'emqx user') $(detail 'emqx user')" 'its EMQX user'
is 'its topic' "$(detail acl)" 'its rules allow its topics'
# The guide: "QoS 2 no funciona".
iotctl device-config set E1 qos=2 >/dev/null
run iotctl doctor E1 --json
sick broker 'does not do QoS 2' 'QoS 2 does not work'
iotctl device-config set E1 qos=1 >/dev/null
run iotctl doctor --json
is warning "$(result broker)" 'of the platform: a warning'
# The guide: "Unauthorized": the user in EMQX, the ACL.
iotctl device-config set E1 subscribe_topics=Comandos >/dev/null
run iotctl doctor E1 --json
sick acl "it may not subscribe 'iot/devices/{device_id}/commands' at QoS 2" 'unauthorized: a rule'
iotctl credential set E1 username=device_001 >/dev/null
run iotctl doctor E1 --json
sick 'emqx user' 'not the one that EMQX knows' "unauthorized: the credential's user is not EMQX's"
iotctl emqx-user delete device_E1 --yes >/dev/null 2>&1
run iotctl doctor E1 --json
sick 'emqx user' 'it has none' 'unauthorized: no such user in EMQX'
unset IOT_API_TZ
run iotctl doctor E1 --json
is 'not testable' "$(result 'last reading')" "times of an unknown zone are not guessed"
done_testing
