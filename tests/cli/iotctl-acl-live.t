#!/bin/sh
# A mosquitto that runs under acl export --format mosquitto: everything of ours still works there, with no more
# rights than that.
# slow: what a broker lets pass is waited for, and what it does not
# shellcheck disable=SC2016,SC2154,SC2317 # $SYS is a name; lib.sh's; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
printf 'backend-password\n' >backend.pw
chmod 600 backend.pw
iotctl topic create nombre=Planta tipo=publish topic_pattern='plant/{device_id}/values' >/dev/null
iotctl device provision D1 D2 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"

# under_rules: mosquitto anew, with what the platform's two exports say.
under_rules() {
	iotapi export mosquitto "$T" --db "$db" || return 1
	mosquitto_passwd -b "$T/passwords" backend backend-password
	chmod 600 "$T/passwords" rules
	grep -q acl_file mosquitto.conf || echo "acl_file $T/rules" >>mosquitto.conf
	restart_broker
}
run iotctl acl export --format mosquitto --service backend
exits 0 'the rules of the devices, of the broker and of a service'
cp .out rules
ok 'mosquitto starts with them' under_rules

number_of() { iotctl api GET "readings?page_size=1" | sed 's/^{"count":\([0-9]*\),.*/\1/'; }
online() { [ "$(cell device "$1" connection_status)" = "$2" ]; }
grew() { [ "$(number_of)" -gt "$1" ]; }
before=$(number_of)
publishes() { iotpub D1 temperature=21 -C 1 --credentials "$file" && grew "$before"; }
file=$HOME/.local/state/iot/lab.csv
ok "iotapi's worker reads what a device publishes" wait_for 30 publishes
ok 'and that it is gone' wait_for 10 online D1 offline

# A device that runs, its commands and their answers.
bg iotpub D1 temperature=21 --interval 1h --listen --reply '{"on":true}' --credentials "$file" >commands 2>running
running=$bg
ok 'and its status' wait_for 10 online D1 online
run iotctl device command D1 '{"action":"on"}' --wait 10s
exits 0 'device command --wait is answered'
is '{"on":true}' "$(printf '%s' "$out" | jq -c .result)" 'with what the device says'
run iotpub D1 temperature=22 -C 1 --credentials "$file"
exits 1 'a second D1'
is "iotpub: device 'D1' is connected already; --takeover takes its place" "$err" 'sees that there is one, and lets it be'
kill -0 "$running"
tap $? 'the first one still runs'
silent running 'undisturbed'
kill "$running"
wait "$running"
is 0 $? 'until it is stopped'

# iotsub on the device's side, iotsub and iotingest on ours.
bg iotsub D2 --reply '"done"' --credentials "$file" >obeyed 2>/dev/null
commanded() { iotctl device command D2 '{"a":1}' --wait 2s; }
ok 'iotsub D2 hears its commands and answers them' wait_for 10 commanded

service="-h 127.0.0.1 -p $port -u backend --password-file $T/backend.pw"
# shellcheck disable=SC2086 # words
{
	bg iotingest $service --durable copy --quiet >ingested
	bg iotsub $service -v -t 'iot/#' -t 'plant/#' -t '$SYS/#' >heard
}
field() { sed -n "s/^$1,//p" "$file" | cut -d , -f "$2"; }
says() { # says DEVICE TOPIC MESSAGE, whether it may or not
	mosquitto_pub -h 127.0.0.1 -p "$port" -V mqttv5 -q 1 -u "$(field "$1" 2)" -P "$(field "$1" 3)" -t "$2" -m "$3" 2>/dev/null
}
reads() {
	says D1 iot/sensors/D1/data '{"temperature":20}'
	grep -q '"temperature"' ingested && grep -q sensors/D1/data heard
}
ok 'iotingest and iotsub read as the service' wait_for 10 reads
says D1 iot/alerts/D1 smoke
alerted() { grep -q "iot/alerts/D1 $1" heard; }
ok 'the alerts of a device as well' wait_for 10 alerted smoke
no_line heard 'but not the commands' '^iot/devices/D[12]/commands'
no_line heard "nor the broker's own topics, but for those of EMQX's clients" '^\$SYS'

# Nothing beyond.
timeout 20 mosquitto_sub -h 127.0.0.1 -p "$port" -u "$(field D2 2)" -P "$(field D2 3)" -t '#' -t '$SYS/#' -v -i spy >spied &
pids="$pids $!"
subscribed() { iotctl device command D2 '{"probe":1}' >/dev/null && grep -q probe spied; }
wait_for 10 subscribed
says D1 iot/sensors/D2/data '{"temperature":66}'
says D1 iot/devices/D2/status '{"status":"error"}'
says D1 iot/devices/D2/commands '{"off":1}'
says D1 iot/devices/D1/status '{"status":"connected"}'
says D2 iot/devices/D2/status '{"status":"connected"}'
iotctl device command D2 '{"last":1}' >/dev/null
says D1 iot/alerts/D1 last
wait_for 10 alerted last
wait_for 10 grep -q last spied
no_line heard 'a device does not speak for another' -e '"temperature":66' -e '"error"'
no_line obeyed 'nor command it' off
is 'iot/devices/D2/commands iot/devices/D2/status ' "$(cut -d ' ' -f 1 spied | sort -u | tr '\n' ' ')" \
	'and hears its own commands and status, whatever it subscribes to'
done_testing
