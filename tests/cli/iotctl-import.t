#!/bin/sh
# reading import: lines of iotingest in batches, bad ones told and skipped, cut off and resumed; reading list
# --since, --device. On iotapi and on Django.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	iotctl sensor create nombre=Temperatura tipo=temperatura unidad_medida=°C rango_min=-40 \
		rango_max=85 mqtt_topic_suffix=temperature >/dev/null
	iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
	iotctl device create D2 nombre=dos tipo=esp32 ubicacion=x >/dev/null
	iotctl device assign D1 temperature >/dev/null
	iotctl device assign D2 temperature >/dev/null
}
line() { # line DEVICE SENSOR VALUE [MORE]
	printf '{"received_at":"2026-11-23T12:47:20.123456Z","device_id":"%s","sensor":"%s","value":%s%s,"topic":"t","qos":1,"retain":false,"mid":17}\n' \
		"$1" "$2" "$3" "${4-}"
}
stored() { iotctl reading list -o csv --no-header --columns valor "$@" | wc -l | tr -d ' '; }

# shellcheck disable=SC2119
start_api
setup
{
	line D1 temperature 21.50
	line D2 temperature 0.1 ',"timestamp":1760000000'
	echo 'not json'
	line D9 temperature 1
	line D1 humidity 1
	line D1 temperature 200
	line D1 temperature '"warm"'
	echo '{"device_id":"D1"}'
	echo
	line D1 Temperatura 22
} >lines
run iotctl reading import lines
exits 1 'bad lines are skipped and told by the exit status'
has "$out" 'readings imported: 3, lines skipped: 6' 'counted'
has "$err" 'line 3: no JSON object: wrong at byte 1' 'no JSON'
has "$err" "line 4: no device 'D9'" 'an unknown device'
has "$err" "line 5: device 'D1' has no sensor 'humidity'" 'a sensor that it has not'
has "$err" "line 6: 200 is not within -40..85 of 'temperature'" 'out of range'
has "$err" 'line 7: its value is no number: "warm"' 'no number'
has "$err" 'line 8: no reading' 'no reading'
is 3 "$(stored)" 'the good ones are stored'
has "$(iotctl reading list device=D1 -o ndjson)" '21.5' 'with their value'
has "$(iotctl reading list device=D2 -o ndjson)" '2025-10-09T08:53:20' "the device's own time where it is one"
has "$(iotctl reading list device=D1 -o ndjson)" '2026-11-23T12:47:20' 'else when it came'
run iotctl reading import lines
exits 0 'again'
has "$out" 'readings imported: 0' 'stores nothing twice'
line D1 temperature 23 >>lines
run iotctl reading import lines
has "$out" 'readings imported: 1' 'only what was added'
has "$err" 'going on behind line 10' 'is told'
run iotctl reading import lines --again
has "$out" 'readings imported: 4' '--again'
# Which devices are asked for.
sqlite3 "$db" "PRAGMA busy_timeout = 5000; BEGIN;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
	INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, mqtt_client_id, created_at, updated_at)
	SELECT 'M', 'esp32', 'M' || i, 'x', 'client-' || i, '2026-01-01T00:00:00.000000Z', '' FROM n;
	INSERT INTO assignment (dispositivo, sensor, configuracion_json, fecha_asignacion)
	SELECT id, 1, '{}', '' FROM device WHERE nombre = 'M'; COMMIT" >/dev/null
asked() { # asked STEM: how many requests for one device, and how many for all
	echo "$(printf '%s' "$err" | grep -c "GET /api/devices/.*$1") $(printf '%s' "$err" |
		grep 'GET /api/devices/' | grep -vc "$1")"
}
one='identificador_unico=\|mqtt_client_id='
{ line M1 temperature 1; line M1 temperature 2; line client-7 temperature 1; line M999 temperature 1; } >few
run iotctl reading import few --verbose --verbose
has "$out" 'readings imported: 3, lines skipped: 1' 'by identifier, by client id, and by none that is known'
is '5 0' "$(asked "$one")" 'devices are asked for one by one, each name once'
i=0
while [ $i -lt 230 ]; do
	i=$((i + 1))
	line M$i temperature 1
done >fleet
run iotctl reading import fleet --verbose --verbose
has "$out" 'readings imported: 230, lines skipped: 0' 'of many devices'
is '200 1' "$(asked "$one")" 'the first 200 are, then all at once'
sqlite3 "$db" "PRAGMA busy_timeout = 5000; DELETE FROM reading WHERE dispositivo > 2;
	DELETE FROM assignment WHERE dispositivo > 2; DELETE FROM device WHERE id > 2" >/dev/null
before=$(stored)
{ line D1 temperature 30; line D1 temperature 31; } >daily
iotctl reading import daily >/dev/null
{ line D1 temperature 32; line D1 temperature 33; line D1 temperature 34; } >daily
line D1 temperature 35 >last
run iotctl reading import daily
has "$out" 'readings imported: 3' 'a file that is written anew begins anew'
head -c 50 last >>daily
run iotctl reading import daily
exits 1 'a last line that is not whole'
tail -c +51 last >>daily
run iotctl reading import daily
exits 0 'when it is'
has "$out" 'readings imported: 1, lines skipped: 0' 'is stored'
is "$((before + 6))" "$(stored)" 'all of them once'
line D1 temperature 24 | iotctl reading import - >out
has "$(cat out)" 'readings imported: 1' 'from stdin'
flock daily iotctl reading import daily >out 2>&1
is 1 $? 'a file that another process imports'
has "$(cat out)" "'daily' is being imported by another process" 'is left to it'
{ printf '\357\273\277' && line D1 temperature 25; } >marked
run iotctl reading import marked
has "$out" 'readings imported: 1, lines skipped: 0' 'behind a byte order mark'
before=$(stored)
line D1 temperature 26 | iconv -f UTF-8 -t UTF-16 >wide
run iotctl reading import wide
exits 2 'UTF-16'
has "$err" 'line 1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8' 'is named'
iconv -f UTF-16 -t UTF-8 wide >narrow
run iotctl reading import narrow
has "$out" 'readings imported: 1' '  and that command converts it'
iotctl reading list -o json >array.json
run iotctl reading import array.json
exits 2 'an array'
has "$err" "line 1: a JSON array, where an object a line is wanted: convert it with jq -c '.[]'" 'is told'
run iotctl reading import array.json
exits 2 'again: nothing of it was taken for done'
is "$((before + 1))" "$(stored)" 'nothing of them is stored'
run iotctl reading import missing
exits 2 'no such file'
run iotctl reading import
exits 2 'which?'

before=$(stored)
iotctl reading create device=D1 sensor=temperature valor=33 >/dev/null
is 1 "$(stored --since 1h)" '--since'
is "$((before - 1))" "$(stored --device D1)" '--device'
is 0 "$(stored --since 1h --device D2)" 'both'
run iotctl device list --since 1h
exits 2 'only for readings'

# Cut off between batches, and resumed.
i=0
while [ $i -lt 1200 ]; do
	line D1 temperature $((i % 80))
	i=$((i + 1))
done >many
before=$(stored)
sed 900q many >part
cat part >growing
run iotctl reading import growing
has "$out" 'readings imported: 900' 'two batches'
sed 1,900d many >>growing
kill "$api_pid"
wait "$api_pid" 2>/dev/null
run iotctl reading import growing
exits 5 'no platform'
stop_api 2>/dev/null
iotapi serve --db "$db" --listen "${api#http://}" 2>>"$T/api.log" &
api_pid=$!
pids="$pids $api_pid"
wait_for 10 curl -s "$api/healthz"
run iotctl reading import growing
has "$out" 'readings imported: 300' 'goes on where it was'
is "$((before + 1200))" "$(stored)" 'each is there once'
stop_api

# Django checks a batch as a whole and names the bad ones by place. The times that it ignores are
# iotctl-import-time.t's.
rm -rf "$HOME/.local"
# shellcheck disable=SC2119
start_django
setup
{ line D1 temperature 1 && line D2 temperature 2 && line D1 temperature 3; } >lines
printf 'POST /api/readings/bulk 503/1\n' >"$T/django/FAULTS"
run iotctl reading import --accept-server-time lines
exits 0 'on Django, after a 503'
is 3 "$(stored)" 'stored'
{ line D1 temperature 4 && line D1 temperature 5 | sed 's/"qos":1/"qos":9/' && line D2 temperature 6; } >odd
run iotctl reading import --accept-server-time odd
exits 1 'a reading that only the server refuses'
has "$err" 'line 2: "9"' 'is told by its line, in its words'
has "$out" 'readings imported: 2, lines skipped: 1' 'and the others are stored'
is 5 "$(stored)" 'all of them'
is 5 "$(stored --since 1h)" '--since on Django'
stop_api
rm -r "$T/django"
rm -rf "$HOME/.local"
start_django places
setup
run iotctl reading import --accept-server-time odd
exits 1 'errors by place'
has "$err" 'line 2: "9"' 'are told by their lines'
has "$out" 'readings imported: 2, lines skipped: 1' 'and the others are stored'
line device_D2 temperature 7 >client
iotctl device set D2 mqtt_client_id=device_D2 >/dev/null
run iotctl reading import --accept-server-time client
has "$out" 'readings imported: 1, lines skipped: 0' 'a client id, of a backend that has no filter for it'
rm -rf "$HOME/.local"
iotctl device list >/dev/null
printf 'POST /api/readings/bulk lose\n' >"$T/django/FAULTS"
run iotctl reading import --accept-server-time lines
exits 5 'an answer that is lost'
has "$err" 'stopped before line 1' 'is not tried again blindly'
is '' "$(cat "$HOME"/.local/state/iot/import-* 2>/dev/null)" 'and not taken for done'
done_testing
