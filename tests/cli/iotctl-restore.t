#!/bin/sh
# Success that is looked at: what is missing of a device comes back, and a dry run refuses what the platform
# would.
# needs: django
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
has "$err" "device 'A9': tipo: \"ESP32\" is not a valid choice. There are: raspberry_pi, esp32, arduino, esp8266, stm32, otro" \
	'names the device, and what there is'

printf 'identificador_unico,broker,publish_topic,sensores\nN1,none,gone,lost\nN2,,,lost\n' >refs.csv
run iotctl device provision --from refs.csv -n
exits 1 'what is named and is not there, -n'
has "$out" "\"row\":2,\"device\":\"N1\",\"result\":\"failed\",\"error\":\"no broker 'none'; no topic 'gone'; no sensor 'lost'\"" \
	'is told at once'
has "$out" "\"error\":\"no sensor 'lost'\"" 'in each row'

# Several active brokers.
iotctl broker create C host=localhost >/dev/null
printf 'identificador_unico,broker\nM1,\nM2,B\nD1,\nM4,\n' >several.csv
run iotctl device provision --from several.csv
exits 1 'several active brokers'
is "several brokers are active ('B', 'C'), and 2 of 4 devices name none: say which with broker=" \
	"$(printf '%s\n' "$err" | sed -n 's/^iotctl: \(several\)/\1/p')" 'are told once, by name'
is 'failed created unchanged failed' "$(printf '%s\n' "$out" | jq -r .result | xargs)" 'and rows that need none go on'
iotctl broker deactivate C >/dev/null

# What a broker hangs on, before it goes.
run iotctl broker delete B -n
exits 0 'broker delete -n'
has "$err" "broker 'B' is used by" 'shows what the backend deletes with it'
has "$out" 'DELETE /api/mqtt/brokers/' 'and the request'
ok 'it is there' iotctl broker get B

# Another id, with a platform that fails in between: the same command goes on.
iotctl device provision H1 broker=B >/dev/null
iotctl credential set H1 client_id=H1 >/dev/null
for at in credentials emqx-acl; do
	echo "PATCH /api/mqtt/$at 500" >"$T/django/FAULTS"
	run iotctl device set H1 identificador_unico=H2 nombre=Otro
	exits 5 "a new id, with a platform that fails at $at"
	has "$err" "device 'H1' is 'H2' now, but not all that goes by its id, with which the same command goes on" 'is told'
	rm "$T/django/FAULTS"
done
run iotctl device set H1 identificador_unico=H2 nombre=Otro -n
has "$out" '"topic":"iot/alerts/H2"' 'what is missing is shown by -n'
run iotctl device set H1 identificador_unico=H2 nombre=Otro
exits 0 'by the old id it comes to its end'
is H2 "$(rows credential get H2 --columns client_id)" 'its credential goes by the new one'
is 0 "$(rows emqx-acl list username=device_H1 --columns topic | grep -c H1)" 'its rules do'
is '' "$(grep ^H1, "$file")" 'and its row'
run iotctl device set H1 identificador_unico=H2
exits 3 'once all is done there is no such device'
run iotctl device set nobody identificador_unico=D1
exits 3 'nor is another one taken for it'
iotctl device delete H2 --yes >/dev/null 2>&1

# Another id.
iotctl credential rotate D1 --yes >/dev/null
pw=$(password D1)
run iotctl device set D1 identificador_unico=R1 -n
has "$out" 'PATCH /api/mqtt/credentials/' 'a rename -n shows what goes along'
iotctl credential set D1 client_id=D1 >/dev/null
run iotctl device set D1 identificador_unico=R1
exits 0 'a device gets another id'
has "$err" "the login of 'D1' is that of 'R1' in '$file'" 'and its row'
is "R1,R1,device_D1,$pw" "$(grep ^R1, "$file" | cut -d, -f1-4)" 'with its client id'
is '' "$(grep ^D1, "$file")" 'none under the old one'
is R1 "$(rows credential get R1 --columns client_id)" 'so does its credential'
is 0 "$(rows emqx-acl list username=device_D1 --columns topic | grep -c D1)" 'its rules are for the new one'
ok 'it may publish' iotctl acl check R1 publish otros/R1/datos --qos 1
ok 'its device-config is its' iotctl device-config get R1
run iotctl device provision R1
is '0 {"row":1,"device":"R1","result":"unchanged"}' "$status $out" 'nothing is missing then'
iotctl credential rotate R1 -n >/dev/null

# A name that is given twice.
for w in 'broker create A nombre=B host=h' 'broker create A name=A host=h' \
	'device create A identificador_unico=B nombre=x tipo=esp32 ubicacion=x'; do
	# shellcheck disable=SC2086 # words
	says 2 'gives it twice' "$w" iotctl $w
done

# A device that is deleted.
run iotctl device delete R1 --yes
exits 0 'a device is deleted'
has "$err" "the login of 'R1' is out of '$file'" 'and its row'
is '' "$(grep ^R1, "$file")" 'as is said'
pw=$(password M2)
run iotctl device delete M2 --yes --keep-credentials
is "$pw" "$(password M2)" '--keep-credentials keeps it'
iotctl device provision M2 broker=B >/dev/null
printf '{kind: device, identificador_unico: other, nombre: x, tipo: esp32, ubicacion: x}\n' >other.yaml
run iotctl apply --prune --yes -f other.yaml
is '' "$(grep ^M2, "$file")" 'apply --prune takes the row as well'
ok 'and leaves a file that can be read' iotctl device provision M3 broker=B

# Secrets that were sent.
printf 'first-password\n' >one.pw
printf 'second-password\n' >two.pw
chmod 600 one.pw two.pw
iotctl broker create S host=h password@one.pw >/dev/null
printf '{kind: broker, nombre: S, host: h, password@file: one.pw}\n' >s.yaml
run iotctl diff -f s.yaml
exits 0 'diff knows what create has sent'
iotctl broker set S password@two.pw >/dev/null
run iotctl diff -f s.yaml
exits 1 'and what set has'
sed -i s/one.pw/two.pw/ s.yaml
run iotctl diff -f s.yaml
exits 0 'as it is'
printf '{kind: credential, dispositivo: M3, client_id: M3, username: device_M3, password@file: m3.pw}\n' >m3.yaml
password M3 >m3.pw
chmod 600 m3.pw
iotctl apply -f m3.yaml >/dev/null
iotctl credential rotate M3 >/dev/null
run iotctl diff -f m3.yaml
exits 1 'diff knows what rotate has sent'
password M3 >m3.pw
run iotctl diff -f m3.yaml
exits 0 'as it is'

# A file with nothing in it.
: >empty.yaml
printf '# nothing\n---\n' >comment.yaml
echo '[]' >array.json
for f in empty.yaml comment.yaml array.json; do
	for v in apply diff 'apply --prune --yes' 'apply -n'; do
		# shellcheck disable=SC2086 # words
		says 2 "there is nothing in '$f'" "$v -f $f" iotctl $v -f "$f"
	done
done
run iotctl apply -f s.yaml -f empty.yaml
exits 2 'one of two'
run sh -c 'iotctl apply -f - </dev/null'
has "$err" "there is nothing in 'standard input'" 'standard input as well'

# Files that a document names.
mkdir -p in/deep
cp one.pw in/deep/one.pw
cp one.pw in/one.pw
ln -s ../one.pw in/link.pw
ln -s deep/one.pw in/inner.pw
names() { printf '{kind: broker, nombre: S, host: h, password@file: %s}\n' "$1" >in/s.yaml; }
for f in ../one.pw deep/../../one.pw "$T/one.pw" link.pw /etc/hostname ../nothing.pw /nothing; do
	names "$f"
	run iotctl apply -n -f in/s.yaml
	exits 2 "a file elsewhere: $(echo "$f" | sed "s#$T#DIR#")"
	has "$err" 'is not below the folder of the file that names it (--allow-files)' '  is not read'
done
for f in one.pw deep/one.pw ./deep/../one.pw inner.pw "$T/in/one.pw" nothing.pw; do
	names "$f"
	ok "one below: $(echo "$f" | sed "s#$T#DIR#")" iotctl apply -n -f in/s.yaml
done
names ../one.pw
ok 'with --allow-files it is' iotctl apply -n --allow-files -f in/s.yaml
ok 'standard input is in the folder one is in' sh -c 'echo "{kind: broker, nombre: S, host: h, password@file: in/one.pw}" | iotctl apply -n -f -'

# Export by one who may not see all.
iotctl user create ana role=operador email=a@example.org password@one.pw >/dev/null
run env IOT_USERNAME=ana IOT_PASSWORD_FILE="$T/one.pw" XDG_STATE_HOME="$T/ana" iotctl export --all
exits 1 'export --all of a part'
has "$err" 'left out: ' 'says so'
has "$err" 'user' 'and names what is not there'
has "$out" 'kind: broker' 'what is, is written'
done_testing
