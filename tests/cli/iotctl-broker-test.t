#!/bin/sh
# broker test: each stage, passed and failed, against real brokers; topic match and expand.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

authority Test-CA
certificate mq.example Test-CA DNS:localhost,IP:127.0.0.1 "$(date -u +%Y%m%d%H%M%SZ)" "$(date -u -d '20 days' +%Y%m%d%H%M%SZ)"
plain=$(free_port)
secure=$(free_port)
weak=$(free_port)
closed=$(free_port)
socket=$(free_port)
printf 'right-password\n' >right
printf 'wrong-password\n' >wrong
chmod 600 right wrong
touch passwd && chmod 600 passwd && mosquitto_passwd -b passwd admin right-password
start_broker 'per_listener_settings true' 'allow_anonymous true' \
	"listener $plain 127.0.0.1" "password_file $T/passwd" 'allow_anonymous false' \
	"listener $secure 127.0.0.1" 'allow_anonymous true' "certfile $T/mq.example.crt" "keyfile $T/mq.example.key" \
	"listener $weak 127.0.0.1" 'allow_anonymous true' 'max_qos 1' \
	"listener $socket 127.0.0.1" 'protocol websockets' 'socket_domain ipv4' 'allow_anonymous true'
# shellcheck disable=SC2119
start_api
iotctl apply -f - >/dev/null <<END
- {kind: broker, nombre: Plain, host: 127.0.0.1, port: $plain, username: admin}
- {kind: broker, nombre: Secure, host: localhost, port: $secure, protocol: mqtts, ca_cert@file: Test-CA.crt}
- {kind: broker, nombre: Stranger, host: localhost, port: $secure, protocol: mqtts}
- {kind: broker, nombre: NoTLS, host: 127.0.0.1, port: $plain, protocol: mqtts, ca_cert@file: Test-CA.crt}
- {kind: broker, nombre: Closed, host: 127.0.0.1, port: $closed}
- {kind: broker, nombre: Nowhere, host: no-such-host.invalid}
- {kind: broker, nombre: Weak, host: 127.0.0.1, port: $weak}
- {kind: broker, nombre: Sock, host: $sock}
END
# part_of_stage STAGE MEMBER: what the answer, which is JSON, has in it.
part_of_stage() { printf '%s' "$out" | grep -o "\"stage\":\"$1\"[^}]*" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }
stage() { part_of_stage "$1" result; }
detail() { part_of_stage "$1" detail; }

run iotctl broker test Plain --mqtt-password-file right --json
exits 0 'a good broker'
is 'ok ok - ok ok ok ok ok' "$(printf '%s' "$out" | jq -r '[.[].result] | join(" ")')" 'every stage'
has "$(detail CONNACK)" 'MQTT 5, as admin' 'who logged in'
ok 'times are numbers' sh -c "printf '%s' '$out' | jq -e '[.[].ms | select(. != null and . >= 0)] | length == 7'"
run iotctl broker test Plain --mqtt-password-file wrong --json
exits 4 'a wrong password: exit by stage'
has "$err" "broker 'Plain': CONNACK:" 'is told'
is 'FAILED' "$(stage CONNACK)" '  at its stage'
is 'not tried' "$(stage SUBACK)" '  and no further'
run iotctl broker test Secure --json
exits 0 'TLS'
has "$(detail TLS)" 'for localhost, 127.0.0.1;' 'names'
has "$(detail TLS)" "'mq.example' < 'Test-CA'" 'chain'
is 1 "$(detail TLS | grep -cE '(19|20) days left')" 'days left: 20, or 19 once a second has gone'
run iotctl broker test Stranger --json
exits 5 'a CA that nobody knows'
has "$err" 'unknown CA' 'is told'
is ok "$(stage TCP)" 'after TCP'
run iotctl broker test NoTLS --json
exits 5 'no TLS there'
has "$err" "'NoTLS': TLS: " 'is told'
run iotctl broker test Closed --json
exits 5 'nobody listens'
has "$err" "TCP: 127.0.0.1:$closed: Connection refused" 'is told'
run iotctl broker test Nowhere --json
exits 5 'no such host'
is FAILED "$(stage DNS)" 'at DNS'
run iotctl broker test Weak --json
has "$(detail SUBACK)$err" 'QoS' 'a broker without QoS 2'
iotctl broker create Web host=127.0.0.1 port="$socket" protocol=ws >/dev/null
run iotctl broker test Web --json
exits 0 'MQTT over WebSocket'
run iotctl broker test Sock
exits 0 'a unix socket'
has "$out" 'stage    result  ms' 'as a table'
run iotctl broker test Nobody
exits 3 'an unknown broker'
run iotctl broker test
exits 2 'which?'
# A context for another broker does not change which one is tested.
run iotctl broker test Closed --mqtt-url "mqtt://127.0.0.1:$weak" --json
exits 5 'the named broker is tested, not that of the options'

iotctl topic create 'Datos de Sensores' topic_pattern='iot/sensors/{device_id}/data' >/dev/null
iotctl topic create Todo topic_pattern='iot/sensors/#' >/dev/null 2>&1
iotctl topic create Comandos topic_pattern='iot/devices/{device_id}/commands' >/dev/null
run iotctl topic match iot/sensors/RPI_1/data -o ndjson
exits 0 'topic match'
has "$out" '"nombre":"Datos de Sensores"' 'which'
has "$out" '"device_id":"RPI_1"' 'and its variables'
run iotctl topic match foo/bar
exits 3 'no match'
run iotctl topic match 'iot/+/x'
exits 2 'a filter is no topic'
run iotctl topic expand Comandos device_id=RPI_1
is iot/devices/RPI_1/commands "$out" 'topic expand'
run iotctl topic expand Comandos
exits 2 'a variable is missing'
has "$err" device_id 'which one'
run iotctl topic expand Comandos device_id=a/b
exits 2 'a value cannot add a level'
run iotctl topic expand Comandos other=1
exits 2 'no such variable'
done_testing
