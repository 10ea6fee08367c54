#!/bin/sh
# A day: a fleet from a CSV, on a backend that allows only so many requests a second.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

n=60 # two pages of a list
start_django throttle=40/second
iotctl broker create Campo host=127.0.0.1 >/dev/null
iotctl topic create Datos tipo=publish topic_pattern='iot/sensors/{device_id}/data' >/dev/null
iotctl topic create Comandos tipo=subscribe topic_pattern='iot/devices/{device_id}/commands' >/dev/null
iotctl sensor create nombre=T tipo=temperatura unit=°C min=-40 max=85 suffix=temperature >/dev/null
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	seq -f "N%03g,Nodo,esp32,Invernadero,temperature" 1 "$n"
} >fleet.csv

# On a slow machine the limit may not be reached: these are refused whatever the pace.
busy() {
	for _ in 1 2 3; do
		echo 'POST /api/devices/ 429/1'
		echo 'POST /api/mqtt/device-config/ 503/1'
	done >"$T/django/FAULTS"
}
refused() { grep -cE ' (429|503) ' "$T/django/log"; }

busy
run iotctl device provision --from fleet.csv
exits 0 "$n devices from a CSV"
is "$n" "$(printf '%s\n' "$out" | grep -c '"created"')" 'each has its line'
tap "$(($(refused) < 6))" 'though the backend said that it was too much'
for r in device credential device-config; do
	is "$n" "$(iotctl $r list -o ndjson | wc -l)" "$n of $r"
done
is "$((n + 1))" "$(wc -l <"$HOME/.local/state/iot/default.csv")" 'every password is in the file'
stop_api
start_django
rm "$HOME/.local/state/iot/default.csv.state" # another address of the same platform
: >"$T/django/log"
run iotctl device provision --from fleet.csv
is "$n" "$(printf '%s\n' "$out" | grep -c '"unchanged"')" 'again: nothing to do'
no_line "$T/django/log" 'and nothing sent' '^POST /api/[dm]'

# The same fleet by a file, elsewhere; the passwords are those that were made.
iotctl export --all >fleet.yaml
mkdir -p secrets/credential
(umask 077 && awk -F, 'NR > 1 { print $4 >("secrets/credential/" $1 ".password") }' \
	"$HOME/.local/state/iot/default.csv")
stop_api
rm -rf "$T/django" "$HOME/.local"
start_django throttle=40/second
busy
run iotctl apply -f fleet.yaml -j 8 -o ndjson
is "$n" "$(printf '%s\n' "$out" | grep '"resource":"device",' | grep -c '"created"')" \
	'the same devices on another backend, 8 requests at once'
is 0 "$(printf '%s\n' "$out" | grep -c '"failed"')" 'with their credentials'
tap "$(($(refused) < 6))" 'in spite of its limits'
is 1 "$(iotctl device get N007 -o ndjson | jq .cantidad_sensores)" 'their sensors too'
done_testing
