#!/bin/sh
# device provision on a platform with EMQX users and rules (Django): the account's password, the rules that
# its topics need, all or none, and again.
# needs: django
# shellcheck disable=SC2016 # $SYS is a name
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_django
iotctl broker create B host=localhost >/dev/null
iotctl topic create Datos topic_pattern='iot/sensors/{device_id}/data' tipo=publish qos=1 >/dev/null
iotctl topic create Comandos topic_pattern='iot/devices/{device_id}/commands' qos=2 >/dev/null
iotctl sensor create nombre=T tipo=temperatura unidad_medida=C rango_min=-40 rango_max=85 \
	mqtt_topic_suffix=temperature >/dev/null
rules() { iotctl emqx-acl list username="$1" -o csv --no-header --columns permission,action,topic --sort id; }

run iotctl device provision D1 sensores=temperature
exits 0 'a device'
is '{"row":1,"device":"D1","result":"created"}' "$out" 'created'
is 'allow,publish,iot/sensors/D1/#
allow,publish,iot/devices/D1/status
allow,subscribe,iot/commands/D1/#
allow,subscribe,iot/config/D1/#
allow,subscribe,iot/devices/D1/commands
allow,subscribe,iot/devices/D1/status
allow,publish,iot/devices/D1/responses
allow,publish,iot/alerts/D1
deny,all,#
deny,all,$SYS/#' "$(rules device_D1)" 'the rules that it needs, before those that deny the rest'
run iotctl acl check D1 subscribe iot/devices/D1/commands --qos 2
exits 0 'it may obey'
run iotctl acl check D1 subscribe iot/devices/D2/commands
exits 4 'only its own'
run iotctl acl check D1 subscribe '$SYS/brokers'
exits 4 "and nothing of the broker's"
knows() { # knows DEVICE: the account has the password of the file
	iotctl emqx-user list username="device_$1" -o csv --no-header --columns id >account.id
	iotctl api GET "mqtt/emqx-users/$(cat account.id)/credentials" >account
	password=$(sed -n "s/^$1,[^,]*,[^,]*,\([^,]*\).*/\1/p" "$HOME/.local/state/iot/default.csv")
	[ "$(printf '%s%s' "$password" "$(jq -r .salt account)" | sha256sum | cut -d' ' -f1)" = \
		"$(jq -r .password_hash account)" ]
}
ok 'the account has the password of the file' knows D1
is '1 0' "$(grep -c 'POST /api/mqtt/emqx-users/create_with_acl/ 201' "$T/django/log") $(grep -c 'POST /api/mqtt/emqx-acl' "$T/django/log")" \
	'and all its rules by one request'
: >"$T/django/log"
run iotctl device provision D1 sensores=temperature
is '{"row":1,"device":"D1","result":"unchanged"}' "$out" 'again: unchanged'
no_line "$T/django/log" 'and no write' -e ^POST -e ^PATCH -e ^DELETE

# Cut off before its rules.
id=$(iotctl emqx-acl list username=device_D1 topic=iot/devices/D1/commands -o csv --no-header --columns id)
iotctl emqx-acl delete "$id" --yes >/dev/null
run iotctl device provision D1 sensores=temperature
is '{"row":1,"device":"D1","result":"created"}' "$out" 'what was cut off is made whole'
run iotctl acl check D1 subscribe iot/devices/D1/commands
exits 0 'with its rule'
is 'deny,all,#
deny,all,$SYS/#' "$(rules device_D1 | tail -n 2)" 'and the denials behind it, in their order'
is 2 "$(rules device_D1 | grep -c deny)" 'once'

# Half of the pair is completed; what is there keeps its order, and what it denies.
forget() { iotctl emqx-acl list username=device_D1 "$@" -o csv --no-header --columns id | xargs iotctl emqx-acl delete --yes >/dev/null 2>&1; }
forget 'topic=$SYS/#'
run iotctl device provision D1 sensores=temperature
is '{"row":1,"device":"D1","result":"created"}' "$out" 'an account that may read $SYS'
is 'deny,all,#
deny,all,$SYS/#' "$(rules device_D1 | tail -n 2)" 'may not any more'
: >"$T/django/log"
run iotctl device provision D1 sensores=temperature
no_line "$T/django/log" 'and stays as it is then' -e ^POST -e ^PATCH -e ^DELETE
forget permission=deny
forget topic=iot/devices/D1/commands
for t in '$SYS/#' '#'; do iotctl emqx-acl create username=device_D1 permission=deny action=all topic="$t" >/dev/null; done
iotctl emqx-acl create username=device_D1 permission=deny action=publish topic='$SYS/#' qos=2 >/dev/null
run iotctl device provision D1 sensores=temperature
is 'deny,all,$SYS/#
allow,subscribe,iot/devices/D1/commands
deny,all,#
deny,publish,$SYS/#' "$(rules device_D1 | tail -n 4)" 'another order is kept'
is 2 "$(iotctl emqx-acl list username=device_D1 action=publish permission=deny -o csv --no-header --columns qos)" \
	'each as it was'
forget permission=deny
forget topic=iot/devices/D1/commands
run iotctl device provision D1 sensores=temperature
is 'allow,subscribe,iot/devices/D1/commands
deny,all,#
deny,all,$SYS/#' "$(rules device_D1 | tail -n 3)" 'rules that are written end in both, where there was none'

# A platform that makes no account with rules at once: they are made one by one.
printf 'POST /api/mqtt/emqx-users/create_with_acl/ 405\n' >"$T/django/FAULTS"
rules device_D1 | sed 's/D1/D0/g' >same
run iotctl device provision D0 sensores=temperature
is '{"row":1,"device":"D0","result":"created"}' "$out" 'no account with rules at once'
is "$(rules device_D0 | sort)" "$(sort same)" 'its rules are there all the same'
is 'deny,all,#
deny,all,$SYS/#' "$(rules device_D0 | tail -n 2)" 'in this order'
ok 'and its password' knows D0

# An account or a rule that cannot be made: nothing at all.
before=$(iotctl api GET mqtt/emqx-acl | jq .count)
nothing_of_it() {
	exits 1 "$1"
	has "$out" '"result":"failed"' 'told'
	run iotctl device get D2
	exits 3 'the device is gone again'
	is "$before" "$(iotctl api GET mqtt/emqx-acl | jq .count)" 'and its rules'
}
printf 'POST /api/mqtt/emqx-users/create_with_acl/ 404\nPOST /api/mqtt/emqx-acl 400\n' >"$T/django/FAULTS"
run iotctl device provision D2 sensores=temperature
nothing_of_it 'a rule is refused'
printf 'POST /api/mqtt/emqx-users/create_with_acl/ lose\n' >"$T/django/FAULTS"
run iotctl device provision D2 sensores=temperature
nothing_of_it 'the answer is lost'
run iotctl device provision D2 sensores=temperature
exits 0 'the next run makes it'

# A device without an account gets one.
iotctl device create D3 nombre=x tipo=esp32 ubicacion=x >/dev/null
iotctl emqx-user delete device_D3 --yes >/dev/null 2>&1
run iotctl device provision D3 sensores=temperature
exits 0 'an account is made'
run iotctl acl check D3 publish iot/sensors/D3/data --qos 1
exits 0 'with its rules'
run iotctl acl check D3 publish iot/sensors/D1/data --qos 1
exits 4 'and a denial of the rest'

# Two at once: the second one has looked at the file before the first wrote it, and writes it afterwards.
file=$HOME/.local/state/iot/default.csv
iotctl device list >/dev/null
ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o late -e trace=flock -e inject=flock:delay_enter=3000000:when=1 \
	iotctl device provision Both >second 2>/dev/null &
second=$!
wait_for 10 grep -q flock late
iotctl device provision Both >first
wait "$second"
is 'created failed ' "$(cat first second | jq -r .result | sort | tr '\n' ' ')" 'two at once: one makes it'
is "$(iotctl credential get Both --show-secrets -o json | jq -r .password)" \
	"$(sed -n 's/^Both,[^,]*,[^,]*,\([^,]*\).*/\1/p' "$file")" 'the file has the password that it made'
done_testing
