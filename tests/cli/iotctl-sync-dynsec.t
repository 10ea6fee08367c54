#!/bin/sh
# broker sync --driver dynsec: a mosquitto whose dynamic security becomes what the platform says, and what its devices
# meet then.
# shellcheck disable=SC2016,SC2154 # $CONTROL is a name; lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/brokers.sh
. "$top/tests/brokers.sh"
# shellcheck source=tests/sync.sh
. "$top/tests/sync.sh"

start_platform
start_dynsec
# ctrl COMMAND...: by hand. mosquitto_ctrl wants the password in its arguments; it is a test's.
ctrl() { mosquitto_ctrl -h 127.0.0.1 -p "$port" -u admin -P broker-password dynsec "$@" 2>/dev/null; }
# A mosquitto_ctrl on a loaded machine may end before its command is done: until what it makes is there.
made() { # made NAME PASSWORD [ROLE]
	ctrl createClient "$1" -p "$2" >/dev/null
	[ $# -eq 2 ] || { ctrl createRole "$3" && ctrl addClientRole "$1" "$3"; } >/dev/null
	ctrl getClient "$1" | grep -q "${3:-$1}"
}
wait_for 20 made backend backend-password theirs
wait_for 20 made stranger x

iotctl device provision D1 D2 D3 D4 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
file=$HOME/.local/state/iot/lab.csv
sync() { run iotctl broker sync Laboratorio --driver dynsec --service backend "$@"; }
host=127.0.0.1 admin=admin admin_pw=broker.pw removed='statuses corrected: 1'
filters='# $SYS/# $share/g/iot/#' deaf=4

echo wrong >wrong.pw && chmod 600 wrong.pw
run iotctl broker sync Laboratorio --driver dynsec --mqtt-username stranger --mqtt-password-file wrong.pw
exits 4 'a login that is refused'
echo x >x.pw && chmod 600 x.pw
run iotctl broker sync Laboratorio --driver dynsec --mqtt-username stranger --mqtt-password-file x.pw
exits 4 'and one of no administrator'
sync --dry-run
exits 1 'a dry run that finds something'
has "$out" "+ login 'device_D1'
+   password: ********
+   allow publishClientSend iot/sensors/D1/data" 'shows a new login'
without "$(ctrl listClients)" device_ 'and makes none'
sync
exits 0 'the first sync'
has "$out" "logins made 4, removed 0, passwords set 0, rules set 5" 'says what it did'
has "$(ctrl getClient backend)" theirs 'a service keeps the role that it has'
has "$(ctrl getClient backend)" iot:backend 'and gets ours'
ask_devices
ask_alone "mqtt://127.0.0.1:$port" \
	iotctl broker sync Laboratorio --driver dynsec --service backend --credentials "$file"

# By hand at the broker; each is found.
ctrl deleteClient device_D1 >/dev/null
ctrl addRoleACL iot:device_D2 publishClientSend 'iot/#' allow 99 >/dev/null
ctrl disableClient device_D3 >/dev/null
ctrl addClientRole device_D4 theirs >/dev/null
ctrl removeRoleACL iot:device_D4 publishClientSend iot/alerts/D4 >/dev/null
sync --dry-run
exits 1 'drift'
for part in "+ login 'device_D1'" "  login 'device_D2'
-   allow publishClientSend iot/#" "  login 'device_D3'
-   disabled" "  login 'device_D4'
-   rolename theirs
+   allow publishClientSend iot/alerts/D4"; do
	has "$out" "$part" "$(printf '%s' "$part" | tail -n 1)"
done
sync D4
exits 0 'one device'
has "$out" 'logins made 0, removed 0, passwords set 0, rules set 1' 'is synced alone'
sync
exits 0 'all'
has "$out" 'logins made 1, removed 0, passwords set 0, rules set 2' 'and nothing else'
sync --dry-run
exits 0 'it is as it was'
publish 5 D3 iot/alerts/D3
exits 0 'a client that was disabled is in again'

# A new password is sent once, one that was changed by hand is found by trying it.
iotctl credential rotate D2 >/dev/null 2>&1
sync --dry-run
has "$out" "  login 'device_D2'
+   password: ********" 'a new password'
sync
has "$out" 'passwords set 1, rules set 0' 'is sent'
publish 5 D2 iot/alerts/D2
exits 0 'and counts'
ctrl setClientPassword device_D2 other >/dev/null
sync --verify
exits 4 'one that is another by now'
has "$err" "login 'device_D2'" 'is found by trying it'
rm "$HOME/.local/state/iot/synced-lab.json"
sync -v -v
has "$out" 'passwords set 4' 'who knows nothing of what was sent sends all'
has "$err" 'PUBLISH' '--verbose twice shows each packet'
for d in D1 D2; do without "$out$err" "$(field $d 3)" "and no password of $d"; done

# What is not the platform's.
no_role() { ! ctrl listRoles | grep -qx "$1"; }
# An administrator who may not publish statuses.
retain() { mosquitto_pub -h 127.0.0.1 -p "$port" -u device_D4 -P "$(field D4 3)" -i D4 -r -q 1 -t iot/devices/D4/status -m "$1"; }
retain '{"status":"connected"}'
iotctl credential set D4 is_active=no >/dev/null
sync --yes
exits 1 'a status that cannot be corrected'
has "$out" 'removed 1' 'of a login that is gone'
has "$err" 'may go on saying that they are connected' 'is told'
has "$err" "user 'admin' has to be allowed to read and publish 'iot/devices/+/status'" 'with who has to be allowed'
ok 'it says so still' says_connected D4
sync
exits 1 'and told again'
# To read is a right of its own, which init gives and somebody else may not have given.
receive() { # receive ALLOW: what no rule says of it
	mosquitto_pub -h 127.0.0.1 -p "$port" -u admin -P broker-password -q 1 -t '$CONTROL/dynamic-security/v1' \
		-m '{"commands":[{"command":"setDefaultACLAccess","acls":[{"acltype":"publishClientReceive","allow":'"$1"'}]}]}'
}
receive false
for type in subscribePattern publishClientReceive; do ctrl removeRoleACL admin $type '#' >/dev/null; done
sync
exits 1 'an administrator who may not read them either'
ways=$(printf '%s\n' "$err" | sed -n 's/.* with each TYPE of //p' | sed 's/,//; s/ and / /')
is 'subscribePattern publishClientReceive publishClientSend' "$ways" 'is told each right that it lacks'
for type in $ways; do ctrl addRoleACL admin "$type" iot/devices/+/status allow >/dev/null; done
sync
exits 0 'what it says is allowed then'
has "$out" 'statuses corrected: 1' 'and the next run corrects the status'
receive true
run says_connected D4
exits 1 'which is no longer so'
sync -v -v
without "$out$err" '/status' 'once'
iotctl credential set D4 is_active=yes >/dev/null
sync
ask_removal
iotctl credential set D3 is_active=no >/dev/null
sync --yes
ok 'its role goes with it' no_role iot:device_D3
sed -i '/^D4,/d' "$file"
iotctl credential delete D4 --yes >/dev/null
sync --prune --yes
exits 0 'a credential that is deleted'
has "$out" "- login 'device_D4'" 'is pruned'
has "$(ctrl listClients)" stranger 'who was made by somebody else stays'

# Who may do nothing is let in: an account without a rule.
mkdir answers
cat >answers/answers <<-END
	GET /api/mqtt/brokers/ 200 application/json [{"id":1,"nombre":"Laboratorio","host":"127.0.0.1","port":$port}]
	GET /api/devices/ 200 application/json [{"id":7,"identificador_unico":"Q1"}]
	GET /api/mqtt/device-config/ 200 application/json [{"id":1,"dispositivo":7,"broker":1,"is_active":true}]
	GET /api/mqtt/credentials/ 200 application/json [{"id":1,"dispositivo":7,"username":"quiet","is_active":true}]
	GET /api/mqtt/emqx-users/ 200 application/json [{"id":1,"dispositivo":7,"username":"quiet"}]
	GET /api/ 200 application/json []
END
bg /usr/bin/python3 "$top/tests/http/serve.py" answers answers
wait_for 10 test -s answers/url
printf 'device,client_id,username,password,cert,key\nQ1,Q1,quiet,quiet-password,,\n' >quiet.csv
echo token >token && chmod 600 token quiet.csv
sync --api-url "$(cat answers/url)" --token-file token --credentials quiet.csv
exits 0 'an account without a rule'
has "$out" 'logins made 1' 'is a login'
sync --dry-run --api-url "$(cat answers/url)" --token-file token --credentials quiet.csv
exits 0 'and so it stays'

# Who shows a certificate is a client of the name in it, without a password.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=D2 -days 2 -keyout d2.key -out d2.crt 2>/dev/null
iotctl credential set D2 use_device_cert=yes client_cert@d2.crt client_key@d2.key >/dev/null
sync --prune --yes
exits 0 'a device with a certificate'
has "$out" "+ login 'D2'
+   allow publishClientSend iot/sensors/D2/data" 'is a client of its name, which gets no password'
has "$out" "- login 'device_D2'" 'in place of the login that it had'
has "$(ctrl getClient D2)" iot:D2 'with its role'
sync --dry-run
exits 0 'and so it stays'

# mosquitto_ctrl 2.0.11 says this wrongly.
mosquitto_pub -h 127.0.0.1 -p "$port" -u admin -P broker-password -q 1 -t '$CONTROL/dynamic-security/v1' \
	-m '{"commands":[{"command":"setDefaultACLAccess","acls":[{"acltype":"publishClientSend","allow":true}]}]}'
sync
has "$err" 'the broker allows whatever no rule denies' 'a broker that allows all is told'
sync --setup
exits 0 '--setup'
has "$(ctrl getDefaultACLAccess)" 'publishClientSend    : deny' 'makes it deny'

# The plugin writes all it has for each command, and mosquitto serves nobody meanwhile: the more it has, the less is sent at once.
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
jq -c '.roles += [range(2000) as $i | {rolename: "x\($i)", acls: [range(8) as $k |
	{acltype: "publishClientSend", topic: "some/longer/topic/of/somebody/\($i)/\($k)", priority: 0, allow: true}]}]' dynsec.json >large
cat large >dynsec.json
restart_broker
# shellcheck disable=SC2046
iotctl device provision $(seq -f 'E%g' 20) sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
asked() { printf '%s\n' "$err" | grep -c '> PUBLISH.*dynamic-security/v1'; }
sync -v -v --dry-run
reading=$(asked)
sync -v -v
has "$out" 'logins made 20' 'many devices, to a plugin that has much to write'
sent=$(($(asked) - reading))
ok "go to it in parts: $sent messages" [ "$sent" -gt 2 ]
done_testing
