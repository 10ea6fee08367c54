#!/bin/sh
# Success that is looked at: what is missing of a device comes back, and a dry run refuses what the platform
# would.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

# shellcheck disable=SC2119
start_django
iotctl broker create B host=localhost >/dev/null
iotctl topic create Datos topic_pattern='iot/sensors/{device_id}/data' tipo=publish qos=1 >/dev/null
iotctl topic create Comandos topic_pattern='iot/devices/{device_id}/commands' qos=2 >/dev/null
file=$HOME/.local/state/iot/default.csv
password() { sed -n "s/^$1,[^,]*,[^,]*,\([^,]*\).*/\1/p" "$file"; }
stored() { iotctl credential get "$1" --show-secrets -o json | jq -r .password; }
lets_in() { # DEVICE PASSWORD: whether EMQX would
	iotctl api GET "mqtt/emqx-users/$(rows emqx-user list username="device_$1" --columns id)/credentials" |
		jq -r '"\(.password_hash) \(.salt)"' | {
			read -r hash salt
			[ "$(printf '%s' "$2$salt" | sha256sum | cut -d' ' -f1)" = "$hash" ]
		}
}

# A deleted EMQX account.
iotctl device provision D1 >/dev/null
before=$(rows emqx-acl list username=device_D1 --columns permission,action,topic --sort topic)
old=$(password D1)
iotctl emqx-user delete device_D1 --yes >/dev/null 2>&1
run iotctl device provision D1 -n
exits 0 'a device whose account is gone: -n'
has "$out" 'POST /api/mqtt/emqx-users/ {"username":"device_D1","password":"********"' 'shows the account'
has "$out" '"topic":"iot/devices/D1/commands"' 'and its rules'
run iotctl device provision D1
is '0 {"row":1,"device":"D1","result":"created"}' "$status $out" 'it is made again'
is "$old" "$(password D1)" 'with the password of the file'
ok 'which lets it in' lets_in D1 "$old"
is "$old" "$(stored D1)" 'and the credential has'
is 0 "$(rows emqx-acl list username=device_D1 --columns topic | grep -c iot/sensors/D2)" 'no rule of another'
for t in iot/sensors/D1/data iot/devices/D1/status; do
	ok "it may publish $t" iotctl acl check D1 publish "$t" --qos 1
done
run iotctl device provision D1
is '0 {"row":1,"device":"D1","result":"unchanged"}' "$status $out" 'then nothing is missing'

# The same without its row of the file: nobody knows its password.
iotctl emqx-user delete device_D1 --yes >/dev/null 2>&1
sed -i '/^D1,/d' "$file"
run iotctl device provision D1
is '0 {"row":1,"device":"D1","result":"created"}' "$status $out" 'without its row a new password is made'
ok 'which lets it in' lets_in D1 "$(password D1)"
is "$(password D1)" "$(stored D1)" 'and the credential has it'

# By rotate.
iotctl emqx-user delete device_D1 --yes >/dev/null 2>&1
run iotctl credential rotate D1 -n
has "$out" 'POST /api/mqtt/emqx-users/' 'rotate -n shows the account'
old=$(password D1)
run iotctl credential rotate D1
exits 0 'rotate makes the account again'
[ "$old" != "$(password D1)" ]
tap $? 'with a new password'
ok 'which lets it in' lets_in D1 "$(password D1)"
is "$(password D1)" "$(stored D1)" 'and the credential has it'
ok 'with its rules' iotctl acl check D1 subscribe iot/devices/D1/commands --qos 2
run iotctl acl check D1 publish iot/sensors/D2/data
exits 4 'and a denial of the rest'

# The account cannot be made: the credential stays.
iotctl emqx-user delete device_D1 --yes >/dev/null 2>&1
old=$(password D1)
spoil 'POST /api/mqtt/emqx-users/ 400'
run iotctl credential rotate D1
exits 6 'an account that is refused'
is "$old $old" "$(password D1) $(stored D1)" 'leaves the password as it was'
spoil 'POST /api/mqtt/emqx-acl/ 400'
run iotctl device provision D1
exits 1 'a rule that is refused'
run iotctl emqx-user get device_D1
exits 3 'takes the account back'
run iotctl device provision D1
exits 0 'and the next run makes all of it'

# Topics of its own.
iotctl topic create Otros topic_pattern='otros/{device_id}/datos' tipo=publish qos=1 >/dev/null
iotctl device-config set D1 publish_topic=Otros >/dev/null
iotctl emqx-user delete device_D1 --yes >/dev/null 2>&1
run iotctl device provision D1
ok 'the rules are for the topics of its device-config' iotctl acl check D1 publish otros/D1/datos --qos 1

# What no device can have, before the first request.
printf 'identificador_unico,tipo,publish_interval,nombre\nA1,ESP32,,x\nA2,esp32,,x\na/3,Raspberry Pi,0,x\nA2,esp32,,x\nA5,esp32,,%0201d\n' 0 >bad.csv
for n in '' -n; do
	: >"$log"
	run iotctl device provision --from bad.csv $n
	exits 2 "rows that are wrong${n:+, $n}"
	is '' "$out" '  are not begun'
	is 0 "$(requests .)" '  and nothing is asked'
	is '2 4 5 6 ' "$(printf '%s\n' "$err" | sed -n 's/.*bad.csv:\([0-9]*\):.*/\1/p' | tr '\n' ' ')" '  each line is told'
	has "$err" 'bad.csv:2: tipo: "ESP32" is not a valid choice.' '  with its field'
	has "$err" 'tipo: "Raspberry Pi" is not a valid choice.' '  and all fields'
	has "$err" 'publish_interval: ' '  of it'
	has "$err" "device 'A2' is in line 3 already" '  also what is there twice'
done
run iotctl device provision A9 tipo=ESP32 -n
exits 2 'the same on the command line'
has "$err" "device 'A9': tipo: \"ESP32\" is not a valid choice." 'names the device'

# Several active brokers.
iotctl broker create C host=localhost >/dev/null
printf 'identificador_unico,broker\nM1,\nM2,B\nD1,\nM4,\n' >several.csv
run iotctl device provision --from several.csv
exits 1 'several active brokers'
is "several brokers are active ('B', 'C'), and 2 of 4 devices name none: say which with broker=" \
	"$(printf '%s\n' "$err" | sed -n 's/^iotctl: \(several\)/\1/p')" 'are told once, by name'
is 'failed created unchanged failed' "$(printf '%s\n' "$out" | jq -r .result | xargs)" 'and rows that need none go on'
done_testing
