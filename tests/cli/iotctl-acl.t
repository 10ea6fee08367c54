#!/bin/sh
# acl show, check and export: rules the platform keeps (Django), rules made of its topics (iotapi), and
# whether a broker that reads the export does as it says.
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
exits 0 'export for EMQX'
has "$out" '{allow, {user, "device_D1"}, {publish, [{qos, 1}, {retain, false}]}, ["iot/sensors/D1/#"]}.' 'a rule with QoS and retain'
has "$out" '{allow, {user, "device_D2"}, {subscribe, [{qos, 1}]}, ["iot/config/D2/#"]}.' 'of every device'
has "$out" '{deny, {user, "device_D1"}, all, ["#"]}.' 'and the last word'
run iotctl acl export D1 --format json
is 5 "$(printf '%s' "$out" | jq length)" 'one device, JSON'
run iotctl acl export --format mosquitto
has "$err" 'neither QoS nor retain' 'what mosquitto cannot say is told'
iotctl emqx-acl create username=device_D2 action=publish topic='eq a/"b"' >/dev/null
run iotctl acl export D2 --format emqx
has "$out" '[{eq, "a/\"b\""}]' 'eq, and quotes'
iotctl emqx-acl create username=device_D2 action=publish topic="$(printf 'a\nb')" >/dev/null
run iotctl acl export D2 --format emqx
exits 6 'a line end cannot be exported'
iotctl emqx-user set device_D2 is_superuser=yes >/dev/null
run iotctl acl check D2 publish any/thing
exits 0 'a superuser may do all: EMQX asks no rule'
is "allowed: 'device_D2' may publish 'any/thing' (allow all '#')" "$out" 'whatever the rules say'
run iotctl device list --format emqx
exits 2 'emqx is a format of acl export only'
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
iotctl acl export --format mosquitto >rules 2>/dev/null
touch passwd && chmod 600 passwd && mosquitto_passwd -b passwd u1 device-password && mosquitto_passwd -b passwd spy x
printf '\nuser spy\ntopic read #\n' >>rules
chmod 600 rules
start_broker 'allow_anonymous false' "password_file $T/passwd" "acl_file $T/rules"
timeout 10 mosquitto_sub -d --unix "$sock" -u spy -P x -t '#' -C 2 >heard &
wait_for 5 grep -q Subscribed heard
for t in iot/sensors/D2/data iot/sensors/D1/data other iot/devices/D1/status; do
	mosquitto_pub --unix "$sock" -u u1 -P device-password -q 1 -t "$t" -m "$t" 2>/dev/null
done
wait_for 5 grep -q ^iot/devices heard
is 'iot/sensors/D1/data
iot/devices/D1/status' "$(grep ^iot heard)" 'mosquitto does as the export says'
done_testing
