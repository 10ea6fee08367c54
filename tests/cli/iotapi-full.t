#!/bin/sh
# A full disk under a server that runs: writes answer 507, reads go on, MQTT waits unacknowledged, and when there is
# room again it recovers by itself. What was answered 201 is there, what was answered 507 is not.
# needs: root
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for

# In a mount name space of its own.
if [ "${1-}" != inside ]; then
	unshare -m true 2>/dev/null || { echo '1..0 # SKIP no mount name space here'; exit 0; }
	exec unshare -m sh "$0" inside
fi
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir disk
mount -t tmpfs -o size=700k none disk || exit 1
db=$T/disk/iot.db
echo admin-password >api.pw
chmod 600 api.pw
start_broker 'allow_anonymous true'
iotapi user add admin --db "$db" --password-file api.pw
token=$(iotapi token create admin --db "$db")
bg iotapi --db "$db" --listen 127.0.0.1:0 --url-file url 2>log
pid=$bg
wait_for 10 test -s url
api=$(cat url)
call() { # call METHOD PATH BODY: the status of HTTP
	curl -sS -o body -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' ${3+-d "$3"} "$api$2"
}
call POST /api/sensors/ '{"nombre":"N","tipo":"otro","unidad_medida":"1","rango_min":0,"rango_max":1000000,"mqtt_topic_suffix":"n"}' >/dev/null
call POST /api/devices/ '{"nombre":"D","tipo":"otro","identificador_unico":"DEV","ubicacion":"x"}' >/dev/null
call POST /api/devices/1/assign_sensor/ '{"sensor_id":1}' >/dev/null
is 201 "$(call POST /api/mqtt/brokers/ "{\"nombre\":\"B\",\"host\":\"$sock\"}")" 'there is room for what is needed'
count() { call GET '/api/readings/?page_size=1' >/dev/null; jq .count body; }
publish() { mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/DEV/data -m "{\"n\":$1}"; }
one() { publish 0 && [ "$(count)" -gt 0 ]; }
wait_for 10 one || note 'the worker does not listen'

dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null
i=0
: >codes
while [ $i -lt 60 ] && ! tail -n 3 codes | grep -c 507 | grep -qx 3; do
	i=$((i + 1))
	pad=$(head -c 3000 /dev/zero | tr '\0' x)
	echo "$i $(call POST /api/mqtt/topics/ "{\"nombre\":\"T$i\",\"topic_pattern\":\"t/$i/{device_id}\",\"descripcion\":\"$pad\"}")" >>codes
done
grep -q 507 codes
tap $? 'writes answer 507 when it is full'
has "$(cat body)" 'There is no room on the disk' 'in words'
is 0 "$(grep -vc ' 201$\| 507$' codes)" 'and nothing else'
before=$(count)
is 200 "$(call GET /api/devices/)" 'reads go on'
is 200 "$(call GET /api/users/me/)" 'and tokens count'
i=100
while [ $i -lt 130 ]; do
	i=$((i + 1))
	publish $i
done
waits() { grep -q 'messages wait to be stored: .*full' log; }
ok 'messages wait to be stored' wait_for 20 waits
[ "$before" -gt 0 ] && [ "$(count)" -lt $((before + 30)) ]
tap $? 'and are not all there'
rm disk/filler
all_there() { [ "$(count)" -ge $((before + 30)) ]; }
ok 'with room again they are' wait_for 20 all_there
is 201 "$(call POST /api/mqtt/topics/ '{"nombre":"after","topic_pattern":"after/{device_id}"}')" 'and writes are taken'
call GET '/api/mqtt/topics/?page_size=1000' >/dev/null
jq -r '.results[].nombre' body | grep '^T' | sort >have
sed -n 's/^\([0-9]*\) 201$/T\1/p' codes | sort >told
ok 'what was answered 201 is there, and nothing else' cmp told have
is ok "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' "$db")" 'the database is whole'
kill "$pid"
wait "$pid"
is 0 $? 'it ends well'
umount -l disk
done_testing
