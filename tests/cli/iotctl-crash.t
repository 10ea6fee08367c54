#!/bin/sh
# The platform dies in the middle of provisioning: run again, all is there once, and every
# password in the credentials file is the one that the broker takes.
# slow: servers that are killed, and started again
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
iotctl broker create Local host=localhost >/dev/null
{
	echo 'identificador_unico,tipo,ubicacion'
	seq -f 'C%03g,esp32,Sala' 1 150
} >fleet.csv
iotctl device provision --from fleet.csv >first 2>first.err &
ctl=$!
wait_for 10 grep -q C030 first
kill -KILL "$api_pid"
wait "$ctl"
is 1 $? 'the platform is gone: some failed'
is 150 "$(wc -l <first)" 'each device has its line all the same'
made=$(grep -c created first)
[ "$made" -gt 0 ] && [ "$made" -lt 150 ]
tap $? "some of them were made ($made)"
cred=$HOME/.local/state/iot/default.csv
is 151 "$(wc -l <"$cred")" 'all passwords were safe before'
cp "$cred" before

rm -f "$T/api.url"
iotapi serve --db "$db" --listen "${api#http://}" --url-file "$T/api.url" 2>"$T/api.log" &
pids="$pids $!"
wait_for 10 test -s "$T/api.url"
run iotctl device provision --from fleet.csv
exits 0 'run again'
is "" "$(printf '%s\n' "$out" | grep failed)" 'nothing fails now'
ok 'no password was made anew' cmp before "$cred"
for r in device credential device-config; do
	is 150 "$(iotctl $r list -o ndjson | wc -l)" "150 of $r"
done

iotapi export mosquitto export --db "$db" >/dev/null
start_broker 'allow_anonymous false' "password_file $(find "$T/export" -name '*passw*' | head -1)"
bad=0
for d in C001 C029 C030 C031 C032 C033 C034 C150; do
	login=$(grep "^$d," "$cred")
	user=$(printf '%s' "$login" | cut -d, -f3)
	password=$(printf '%s' "$login" | cut -d, -f4)
	mosquitto_pub --unix "$sock" -i "$d" -u "$user" -P "$password" -t "x/$d" -n 2>>pub.err ||
		bad=$((bad + 1))
done
is 0 $bad 'the broker takes the passwords of those made before, in between and after'
mosquitto_pub --unix "$sock" -i C001 -u device_C001 -P wrong -t x -n 2>/dev/null
is 5 $? 'and no other'
done_testing
