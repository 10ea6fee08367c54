#!/bin/sh
# acl show, check and export: rules the platform keeps (Django), rules made of its topics (iotapi), and
# whether a broker that reads the export does as it says.
# needs: django
# shellcheck disable=SC2016 # $SYS is a name
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_django
iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
iotctl device create D2 nombre=dos tipo=esp32 ubicacion=x >/dev/null
run iotctl acl show D1 -o csv
is 'username,permission,action,topic,qos,retain
device_D1,allow,publish,iot/sensors/D1/#,1,0
device_D1,allow,publish,iot/devices/D1/status,1,1
device_D1,allow,subscribe,iot/commands/D1/#,1,
device_D1,allow,subscribe,iot/config/D1/#,1,
device_D1,deny,all,#,,' "$out" 'acl show'
run iotctl acl check D1 publish iot/sensors/D1/data --qos 1
exits 0 'what is allowed unless it is retained'
is "allowed: 'device_D1' may publish 'iot/sensors/D1/data' (allow publish 'iot/sensors/D1/#' qos 1 retain 0)" \
	"$out" 'says by which rule'
ok 'without a QoS it is allowed as well' iotctl acl check D1 publish iot/sensors/D1/data
ok 'and what is allowed only retained' iotctl acl check D1 publish iot/devices/D1/status
run iotctl acl check D1 publish iot/sensors/D1/data --qos 2
exits 4 'not at another QoS'
has "$err" "denied: 'device_D1' may not publish 'iot/sensors/D1/data' (deny all '#')" 'and which rule'
run iotctl acl check D1 subscribe iot/commands/D1/x --qos 1
exits 0 'allowed'
has "$out" "allow subscribe 'iot/commands/D1/#' qos 1" 'by which rule'
run iotctl acl check D1 subscribe iot/commands/D1/x --qos 2
exits 4 'not at that QoS'
run iotctl acl check D1 subscribe iot/devices/D1/commands
exits 4 "the guide's command topic is denied by the backend's own rules"
run iotctl acl check D1 fly iot/x
exits 2 'no such action'
run iotctl acl check D1 publish 'iot/#'
exits 2 'no topic to publish to'
run iotctl acl check D9 publish iot/x
exits 3 'no such device'
run iotctl acl export --format emqx
exits 1 'no export of all, as long as nobody is known who reads what devices publish'
has "$err" 'nobody may read what devices publish: no active broker has a username, and there is no --service USER' \
	'it is told'
is '{deny, all}.' "$(tail -n 1 .out)" 'and written nevertheless'
iotctl broker create B host=localhost username=worker >/dev/null
iotctl broker create Off host=localhost username=nobody is_active=no >/dev/null
iotctl broker create Same host=localhost username=worker >/dev/null
iotctl topic create Plant topic_pattern='plant/{device_id}/values' tipo=publish >/dev/null
iotctl topic create Orders topic_pattern='plant/{device_id}/orders' tipo=subscribe >/dev/null
run iotctl acl export --format emqx --service backend
exits 0 'export for EMQX'
is '{deny, all}.' "$(tail -n 1 .out)" 'that ends with the guide'"'"'s line'
for u in worker backend; do
	cat <<-END
		{allow, {user, "$u"}, subscribe, ["iot/sensors/+/data"]}.
		{allow, {user, "$u"}, subscribe, ["iot/devices/+/status"]}.
		{allow, {user, "$u"}, subscribe, ["iot/devices/+/responses"]}.
		{allow, {user, "$u"}, subscribe, ["iot/alerts/+"]}.
		{allow, {user, "$u"}, subscribe, ["plant/+/values"]}.
		{allow, {user, "$u"}, subscribe, ["\$SYS/brokers/+/clients/#"]}.
		{allow, {user, "$u"}, publish, ["iot/devices/+/commands"]}.
		{allow, {user, "$u"}, publish, ["iot/devices/+/status"]}.
		{allow, {user, "$u"}, all, ["iot/probe/#"]}.
	END
done >wanted
is "$(cat wanted)" "$(tail -n 19 .out | head -n 18)" \
	"before it what the active brokers' own user, and that of --service, may do: once each"
no_line .out 'not that of a broker that is not active' '"nobody"'
has "$out" '{allow, {user, "device_D1"}, {publish, [{qos, 1}, {retain, false}]}, ["iot/sensors/D1/#"]}.' 'a rule with QoS and retain'
has "$out" '{allow, {user, "device_D2"}, {subscribe, [{qos, 1}]}, ["iot/config/D2/#"]}.' 'of every device'
has "$out" '{deny, {user, "device_D1"}, all, all}.' 'and the last word, which holds for $SYS as well'
run iotctl acl export D1 --format emqx
exits 0 'one device needs nobody else'
is '{deny, {user, "device_D1"}, all, all}.' "$(tail -n 1 .out)" 'and denies nobody else'
is 6 "$(wc -l <.out)" 'in its own lines'
run iotctl acl export D1 --format emqx --service backend
exits 2 '--service is for all'
run iotctl acl export --format json --service backend
exits 2 'in the file of a broker'
run iotctl acl export D1 --format json
is 5 "$(printf '%s' "$out" | jq length)" 'one device, JSON'
run iotctl acl export --format mosquitto
has "$err" 'neither QoS nor retain' 'what mosquitto cannot say is told'
iotctl emqx-acl create username=device_D2 action=publish topic='eq a/"b"' >/dev/null
run iotctl acl export D2 --format emqx
has "$out" '[{eq, "a/\"b\""}]' 'eq, and quotes'
iotctl api POST mqtt/emqx-acl '{"username":"device_D2","permission":"allow","action":"publish","topic":"a\nb"}' >/dev/null
run iotctl acl export D2 --format emqx
exits 6 'a line end cannot be exported'
iotctl emqx-user set device_D2 is_superuser=yes >/dev/null
run iotctl acl check D2 publish any/thing
exits 0 'a superuser may do all: EMQX asks no rule'
is "allowed: 'device_D2' may publish 'any/thing' (allow all '#')" "$out" 'whatever the rules say'

# The order that decides is kept although "#" becomes all topics.
iotctl device create D3 nombre=tres tipo=esp32 ubicacion=x >/dev/null
rule() { iotctl emqx-acl create username="$1" permission="$2" action="$3" topic="$4" >/dev/null; }
exported() { iotctl acl export "$1" --format emqx | sed -n 's/^{\([a-z]*\), {user, "[^"]*"}, /\1 /p' | tail -n "$2"; }
rule device_D3 deny all '$SYS/#'
is 'deny all, all}.' "$(exported D3 5 | tail -n 1)" 'the two denials of the platform end as one'
rule device_D3 allow subscribe '$SYS/brokers/+/clients/#'
is 'deny all, ["$SYS/#"]}.
allow subscribe, ["$SYS/brokers/+/clients/#"]}.
deny all, all}.' "$(exported D3 3)" 'what the platform allows or denies below $SYS comes before all'
iotctl device create D4 nombre=cuatro tipo=esp32 ubicacion=x >/dev/null
iotctl emqx-acl list username=device_D4 -o csv --no-header --columns id | xargs iotctl emqx-acl delete --yes >/dev/null 2>&1
rule device_D4 allow subscribe '#'
rule device_D4 allow publish 'a/b'
is 'allow subscribe, all}.
allow publish, ["a/b"]}.
deny all, all}.' "$(exported D4 9)" 'a permission of # is one of all; the denial is there, whatever the platform keeps'
rule device_D4 deny subscribe '$SYS/#'
is 'deny subscribe, ["$SYS/#"]}.
allow subscribe, all}.' "$(exported D4 9 | head -n 2)" 'but not of what is denied behind it'
iotctl acl export --format emqx --service device_D4 >shared
is 'allow subscribe, ["$SYS/brokers/+/clients/#"]}.
deny subscribe, ["$SYS/#"]}.
allow subscribe, all}.' "$(sed -n 's/^{\([a-z]*\), {user, "device_D4"}, /\1 /p' shared | head -n 3)" \
	'nor does it take from a service what it needs, though it shares the login of a device'
run iotctl device list --format emqx
exits 2 'emqx is a format of acl export only'

# mosquitto does not start with a line that it cannot read.
post() { iotctl api POST "$1" "$2" >/dev/null; }
starts() { # RULES: a mosquitto with them
	cp "$1" only && chmod 600 only
	start_broker 'allow_anonymous true' "acl_file $T/only"
	kill -KILL "$broker_pid" # between its first words and its loop it forgets a SIGTERM
	wait "$broker_pid" 2>/dev/null
	rm -f "$sock"
}
post devices '{"nombre":"raro","tipo":"esp32","ubicacion":"x","identificador_unico":"a#b"}'
post devices '{"nombre":"todos","tipo":"esp32","ubicacion":"x","identificador_unico":"+"}'
post mqtt/topics '{"nombre":"Mal","topic_pattern":"iot/x#","tipo":"publish"}'
echo 12345678 >secret && chmod 600 secret
for id in 'a#b' +; do
	iotctl emqx-user delete "device_$id" --yes >/dev/null 2>&1
	iotctl credential create device="$id" client_id="c$(printf %s "$id" | wc -c)" username="device_$id" password@secret >/dev/null
done
iotctl device create D5 nombre=cinco tipo=esp32 ubicacion=x >/dev/null
slashes=$(printf '%201s' '' | tr ' ' /)
for t in 'iot/x#' 'a+/b' 'a#b/c' "$slashes" '$share/g' 'iot/good'; do
	post mqtt/emqx-acl "{\"username\":\"device_D5\",\"permission\":\"allow\",\"action\":\"publish\",\"topic\":\"$t\"}"
done
iotctl emqx-acl list username=device_D5 permission=deny -o csv --no-header --columns id |
	xargs iotctl emqx-acl delete --yes >/dev/null 2>&1
iotctl emqx-user set device_D2 is_superuser=no >/dev/null
iotctl emqx-acl list username=device_D2 -o json | jq '.[] | select(.topic == "a\nb").id' |
	xargs iotctl emqx-acl delete --yes >/dev/null 2>&1
run iotctl acl export --format mosquitto --service ' backend'
exits 1 'rules that mosquitto cannot read: told, status 1'
for t in 'iot/x#' 'a+/b' 'a#b/c' "$slashes" '$share/g'; do
	has "$(printf '%s\n' "$err" | grep "left out of the rules of 'device_D5'")" "'$t'" "$t is told"
done
has "$err" "'device_a#b' may not publish 'iot/sensors/{device_id}/data': with device 'a#b' that is no topic" \
	'an id that would be no level'
has "$err" "'device_+' may not publish 'iot/sensors/{device_id}/data': with device '+' that is no topic" \
	"or everybody's"
has "$err" "user name ' backend' begins or ends with a blank" 'a user that would be another'
has "$err" "'worker' may not subscribe 'iot/x#': that is no topic" "a topic of the platform's that is none, once"
# D5's 5, 6 of each odd device, iot/x# for worker and " backend", and the latter's 7.
has "$err" 'rules left out: 28' 'and all are counted'
is 'topic write iot/good' "$(sed -n '/^user device_D5$/,/^$/p' .out | grep good)" 'the others are there'
sed -n '/^user device_+$/,/^$/p' .out >everybody
no_line everybody 'and nothing of all devices for one' topic
starts .out
tap $? 'and mosquitto starts with them'
run iotctl acl show +
exits 1 'nor is it silent elsewhere'
stop_api

# shellcheck disable=SC2119
start_api
printf 'device-password\n' >pw
chmod 600 pw
iotctl broker create B host=localhost >/dev/null
iotctl topic create Extra topic_pattern='extra/{device_id}/in' >/dev/null
iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
run iotctl acl show D1
exits 3 'a device without a login'
iotctl credential create device=D1 client_id=D1 username=u1 password@pw >/dev/null
iotctl device-config create D1 broker=B subscribe_topics=Extra >/dev/null
run iotctl acl check D1 subscribe extra/D1/in
exits 0 'rules made of the device-config'
run iotctl acl check D1 publish iot/sensors/D1/data
exits 0 'and of the templates'
run iotctl acl check D1 publish iot/sensors/D2/data
exits 4 "but not another device's"
run iotctl acl check D1 subscribe iot/devices/D1/status
exits 0 'its own status'
run iotctl acl check D1 subscribe '$SYS/brokers'
exits 4 "and nothing of the broker's"
# One login of two devices, and of a broker: whoever comes first does not deny the others.
iotctl device create D2 nombre=dos tipo=esp32 ubicacion=x >/dev/null
iotctl credential create device=D2 client_id=D2 username=u1 password@pw >/dev/null
plant "UPDATE broker SET username = 'u1'" # as one could have in older iotapis, and has with Django
run iotctl acl export --format emqx
exits 0 'a login of two devices and of a broker'
is '%% iotctl acl export: the first rule that matches decides
{deny, all}.' "$(grep -v '^{allow' .out)" 'nothing is denied before the end'
for t in iot/sensors/D1/data iot/sensors/D2/data iot/devices/+/commands; do
	has "$out" "{allow, {user, \"u1\"}, publish, [\"$t\"]}." "$t"
done
iotctl broker set B username= >/dev/null
run iotctl acl export --format emqx
is '{deny, {user, "u1"}, all, all}.' "$(grep '^{deny, {' .out)" 'two devices: denied once, behind both'
iotctl credential delete D2 --yes >/dev/null
iotctl device delete D2 --yes >/dev/null 2>&1
iotctl acl export --format mosquitto >rules 2>/dev/null
touch passwd && chmod 600 passwd && mosquitto_passwd -b passwd u1 device-password && mosquitto_passwd -b passwd spy x
printf '\nuser spy\ntopic read #\n' >>rules
chmod 600 rules
start_broker 'allow_anonymous false' "password_file $T/passwd" "acl_file $T/rules"
timeout 10 mosquitto_sub --unix "$sock" -u spy -P x -t '#' -C 2 >heard &
wait_for 10 listening '#'
for t in iot/sensors/D2/data iot/sensors/D1/data other iot/devices/D1/status; do
	mosquitto_pub --unix "$sock" -u u1 -P device-password -q 1 -t "$t" -m "$t" 2>/dev/null
done
wait_for 10 grep -q ^iot/devices heard
is 'iot/sensors/D1/data
iot/devices/D1/status' "$(grep ^iot heard)" 'mosquitto does as the export says'
done_testing
