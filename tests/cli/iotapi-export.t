#!/bin/sh
# iotapi export mosquitto: a real mosquitto takes our hashes after SIGHUP, and the worker gets in.
# slow: let in by the broker anew after each change of a password
# shellcheck disable=SC2016,SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

export_it() { iotapi export mosquitto "$T/auth" --db "$db"; }

start_api --verbose
token=$(iotapi token create admin --db "$db")
call() {
	curl -sS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		${3+-d "$3"} "$api$2"
}
status_of() {
	curl -sS -o /dev/null -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' ${3+-d "$3"} "$api$2"
}
device() { # device N USERNAME PASSWORD
	call POST /api/devices/ "{\"nombre\":\"D$1\",\"tipo\":\"esp32\",\"identificador_unico\":\"DEV_$1\",\"ubicacion\":\"x\"}" >/dev/null
	call POST /api/mqtt/credentials/ "{\"dispositivo\":$1,\"client_id\":\"DEV_$1\",\"username\":\"$2\",\"password\":\"$3\"}" >/dev/null
}
enters() { # enters USERNAME PASSWORD
	mosquitto_pub --unix "$sock" -u "$1" -P "$2" -q 1 -t x -m y
}
not() { ! "$@"; }

run iotapi export mosquitto "$T/auth" --db "$db"
exits 0 'an empty platform exports an empty file'
start_broker 'allow_anonymous false' "password_file $T/auth/passwords"

device 1 device_001 secure_password
device 2 shared 'the same: $ñ'
device 3 shared 'the same: $ñ'
call POST /api/mqtt/brokers/ "{\"nombre\":\"B\",\"host\":\"$sock\",\"username\":\"worker\",\"password\":\"worker-secret\"}" >/dev/null
refused() { grep -q "broker 'B': .*refused the login" "$T/api.log"; }
ok 'the worker is refused before the export, and says so' wait_for 10 refused

ok 'before the export nobody enters' not enters device_001 secure_password
ok 'it exports' export_it
kill -HUP "$broker_pid"
ok 'a device enters with its password after SIGHUP' wait_for 10 enters device_001 secure_password
ok 'and not with another' not enters device_001 wrong
ok 'two devices may share a user name and its password' enters shared 'the same: $ñ'
ok "the broker's own login is there" enters worker worker-secret
listening() { grep -q "broker 'B': listening" "$T/api.log"; }
ok 'and the worker gets in by itself' wait_for 10 listening

# What the file holds, and who may read it.
is 3 "$(wc -l <"$T/auth/passwords")" 'one line a user name'
is 3 "$(grep -cE '^[a-z0-9_]+:\$7\$1000\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$' "$T/auth/passwords")" \
	"each in mosquitto's own form"
if [ "$(id -u)" -eq 0 ] && getent group mosquitto >/dev/null; then
	is '640 mosquitto' "$(stat -c '%a %G' "$T/auth/passwords")" 'root lets the group mosquitto read'
else
	is 600 "$(stat -c %a "$T/auth/passwords")" 'nobody else may read it'
fi
for f in "$db" "$db-wal" "$db.key"; do
	is 600 "$(stat -c %a "$f")" "${f##*/} is private"
done
run grep -c -a -e secure_password -e worker-secret -e 'the same' "$db" "$db-wal"
exits 1 'no password stands in the database'
{ call GET /api/mqtt/credentials/1/ && call GET /api/mqtt/brokers/1/; } >answers
no_line answers 'no password or hash in an answer' -F -e '$7$' -e secure -e worker-secret -e '"password"'

# Inactive credentials go; a changed password counts after the next export.
call PATCH /api/mqtt/credentials/1/ '{"password":"new one"}' >/dev/null
call PATCH /api/mqtt/credentials/2/ '{"is_active":false}' >/dev/null
call PATCH /api/mqtt/credentials/3/ '{"is_active":false}' >/dev/null
ok 'it exports again' export_it
kill -HUP "$broker_pid"
ok 'a changed password counts' wait_for 10 enters device_001 'new one'
ok 'the old one does not' not enters device_001 secure_password
ok 'an inactive credential does not' not enters shared 'the same: $ñ'

# A device that is cut off: mosquitto keeps its will to itself, and its status would say "connected" for ever.
device 4 device_004 fourth
device 5 device_005 fifth
export_it
kill -HUP "$broker_pid"
wait_for 10 enters device_005 fifth
for n in 4 5; do
	[ $n -eq 4 ] && word=fourth || word=fifth
	bg mosquitto_sub --unix "$sock" -u "device_00$n" -P "$word" -i "DEV_$n" -t "for/$n" --will-topic "iot/devices/DEV_$n/status" \
		--will-payload '{"status":"disconnected","by":"will"}' --will-retain -q 1 --quiet
	enters_status() { mosquitto_pub --unix "$sock" -u "device_00$n" -P "$word" -q 1 -r -t "iot/devices/DEV_$n/status" -m '{"status":"connected"}'; }
	ok "device $n is connected" enters_status
done
says() { mosquitto_sub --unix "$sock" -u worker -P worker-secret -t "iot/devices/DEV_$1/status" -C 1 -W 5; }
online() { call GET /api/devices/4/ | jq -e '.connection_status == "online"' && call GET /api/devices/5/ | jq -e '.connection_status == "online"'; }
ok 'the platform knows' wait_for 10 online
call PATCH /api/mqtt/credentials/4/ '{"password":"new fourth"}' >/dev/null
run iotapi export mosquitto "$T/auth" --db "$db" --verbose
exits 0 'its password changed'
has "$err" '1 device needs its new password' 'is told'
kill -HUP "$broker_pid"
ok 'its new password counts' wait_for 10 enters device_004 'new fourth'
is disconnected "$(says 4 | jq -r .status)" 'its retained status is no phantom'
is null "$(says 4 | jq -r .by)" 'nor its own will, which mosquitto did not send'
is '{"status":"connected"}' "$(says 5)" 'negative control: who keeps the password stays connected'
call PATCH /api/mqtt/credentials/5/ '{"password":"new fifth"}' >/dev/null
call PATCH /api/mqtt/brokers/1/ '{"host":"'"$T"'/no.sock","password":"worker-secret"}' >/dev/null
run export_it
exits 0 'a broker that is out of reach is no reason not to export'
has "$err" "may go on saying that they are connected: broker 'B': " 'but it is told'
call PATCH /api/mqtt/brokers/1/ '{"host":"'"$sock"'","password":"worker-secret"}' >/dev/null

# Refusals.
call PATCH /api/mqtt/credentials/2/ '{"is_active":true}' >/dev/null
call PATCH /api/mqtt/credentials/3/ '{"is_active":true,"password":"different"}' >/dev/null
before=$(cat "$T/auth/passwords")
run export_it
exits 6 'one user name with two passwords is refused'
is "iotapi: device 'DEV_2' and device 'DEV_3' have the same user name 'shared' and different passwords" \
	"$err" 'naming both devices'
is "$before" "$(cat "$T/auth/passwords")" 'and the file stays as it was'
for name in 'a:b' 'a\nb' '#a' worker; do
	is '{"username":' "$(call PATCH /api/mqtt/credentials/3/ "{\"username\":\"$name\"}" | cut -c1-12)" \
		"a user name that no export could have is refused: $name"
done
is '{"username":["This is the user name of a device."]}' \
	"$(call PATCH /api/mqtt/brokers/1/ '{"username":"shared"}')" "nor does a broker take a device's"
plant "UPDATE credential SET username = 'a:b' WHERE id = 3"
run export_it
exits 6 'a user name that mosquitto cannot take is refused'
has "$err" "device 'DEV_3': mosquitto takes no user name with ':'" 'naming the device'
plant "UPDATE credential SET username = '#a' WHERE id = 3"
run export_it
exits 6 'nor is one that would be a comment'
run iotapi export mosquitto
exits 2 'export needs a directory'
has "$err" "'export mosquitto' takes one DIR" 'and says so'
run iotapi export mosquitto "$T/auth" --db "$T/typing-error.db"
exits 2 'a database that is not there is refused, not made'
has "$err" "cannot open database '$T/typing-error.db': No such file" 'and named'
is "$before" "$(cat "$T/auth/passwords")" 'and the file stays as it was'
run iotapi export emqx "$T/x"
exits 2 'an unknown export is refused'
has "$err" "'export emqx' is no command; there are: serve, user add" 'with what there is'
is 405 "$(status_of POST /api/mqtt/brokers/1/ '{}')" 'the server still serves'
done_testing
