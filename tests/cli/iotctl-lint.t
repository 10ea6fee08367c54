#!/bin/sh
# lint: each best practice of the guide, kept and broken; config set; logout.
# slow: a rule, a break and a look each, and settings, in seventy runs of iotctl
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
printf 'password\n' >pw
chmod 600 pw
iotctl broker create Good host=localhost username=admin password@pw >/dev/null
iotctl topic create Datos topic_pattern='iot/sensors/{device_id}/data' qos=1 >/dev/null
iotctl topic create Estado topic_pattern='iot/devices/{device_id}/status' retain=yes >/dev/null
iotctl topic create Comandos topic_pattern='iot/devices/{device_id}/commands' qos=2 >/dev/null
iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
iotctl device-config create D1 broker=Good publish_topic=Datos >/dev/null
run iotctl lint
exits 0 'the guide agrees'
is '' "$out" 'and says nothing'

finds() { # finds RESOURCE NAME FIELD VALUE SENTENCE
	run iotctl lint -o csv --no-header
	exits 1 "$5"
	has "$out" "$1,$2,$3,$4," '  is found'
}
iotctl broker set Good keepalive=600 >/dev/null
finds broker Good keepalive 600 'a long keep-alive'
iotctl broker set Good keepalive=60 clean_session=no >/dev/null
finds broker Good clean_session false 'sessions that stay'
iotctl broker set Good clean_session=yes host=mq.example password@pw >/dev/null
finds broker Good username admin 'a login without TLS'
iotctl broker set Good host=localhost use_tls=yes password@pw >/dev/null
finds broker Good port 1883 'TLS at the plain port'
iotctl broker set Good use_tls=no protocol=wss password@pw >/dev/null
finds broker Good port 1883 '... also that of a WebSocket'
iotctl broker set Good protocol=mqtt password@pw >/dev/null
iotctl topic set Comandos qos=0 >/dev/null
finds topic Comandos qos 0 'commands that may be lost'
iotctl topic set Comandos qos=2 retain=yes >/dev/null
finds topic Comandos retain true 'commands that are retained'
iotctl topic set Comandos retain=no >/dev/null
iotctl topic set Estado retain=no >/dev/null
finds topic Estado retain false 'a status that is not'
iotctl topic set Estado retain=yes >/dev/null
iotctl topic create Plano topic_pattern=datos >/dev/null
finds topic Plano topic_pattern datos 'a topic without a hierarchy'
iotctl topic delete Plano --yes >/dev/null
iotctl topic set Datos qos=2 >/dev/null
finds topic Datos qos 2 'readings at QoS 2'
iotctl topic set Datos qos=1 >/dev/null
iotctl device-config set D1 retain=yes >/dev/null
finds device-config uno retain true 'readings that are retained'
iotctl device-config set D1 retain=no qos=0 >/dev/null
finds device-config uno qos 0 'readings at QoS 0'

iotctl login "$api" --context lab --api-username admin --password-file "$T/api.pw" 2>/dev/null
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
run iotctl config set timeout=30s mqtt_username=backend
exits 0 'config set'
has "$(iotctl config show -o csv)" 'backend' 'is shown'
has "$(grep -A9 '^\[lab\]' .config/iot/iot.conf "$HOME/.config/iot/iot.conf" 2>/dev/null)" 'timeout = 30s' 'in the context'
is '30s' "$(iotctl config show -o json | jq -r '.[] | select(.key == "timeout").value' | sed 's/000ms/s/')" 'also to a program'
is '{"name":"lab","in_use":"yes"}' "$(iotctl context list -o ndjson)" 'and so are the contexts'
run iotctl config set timeout=soon
exits 2 'a value that would not be taken'
run iotctl config set nonsense=1
exits 2 'no such key'
run iotctl config set timeout
exits 2 'no value'
run iotctl config set timeout=
exits 0 'a key is removed'
without "$(cat "$HOME/.config/iot/iot.conf")" timeout 'and gone'
cp "$HOME/.config/iot/iot.conf" before
for value in "x
api_url=http://evil.example" 'a ; b' '; b' "$(printf '%0200d' 0)"; do
	run iotctl config set username="$value"
	exits 2 "a value that would not be read as it is written: $(printf %.12s "$value" | tr '\n' ' ')"
	ok 'leaves the file as it is' cmp before "$HOME/.config/iot/iot.conf"
done
for name in 'a]b' "a
username=x" ../x ''; do
	run iotctl config set --context "$name" username=x
	exits 2 "no name for a context: $(printf %s "$name" | tr '\n' ' ')"
done
longest=$(printf '%0186d' 0)
run iotctl config set username="$longest"
exits 0 'a value of the longest line'
has "$(iotctl config show)" " $longest " 'is read again'
iotctl config set username=admin
writers=
: >both.conf
for pair in username=a mqtt_username=b api_tz=UTC timeout=3s mqtt_password_file=/x token_file=/y; do
	iotctl config set --context both --config both.conf "$pair" &
	writers="$writers $!"
done
# shellcheck disable=SC2086
wait $writers
is 7 "$(wc -l <both.conf)" 'several processes at once: nobody undoes what another set'
run iotctl whoami
exits 0 'whoami'
token=$HOME/.local/state/iot/token-lab.json
ok 'which keeps its tokens' test -s "$token"
run iotctl logout
exits 0 'logout'
ok 'forgets the tokens' test ! -s "$token"
done_testing
