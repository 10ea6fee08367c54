#!/bin/sh
# What programs keep for their next run: files of release 0.1.0 (tests/old/0.1.0) are read and written on as today's,
# behind a copy; those of a newer release are refused and stay as they are.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
old=$top/tests/old/0.1.0
then=http://127.0.0.1:18731 # where its API was
start_api
iotctl login "$api" --context old --api-username admin --password-file "$T/api.pw" 2>/dev/null
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
state=$HOME/.local/state/iot
moved() { sed "s|$then|$api|" "$1" >"$2" && chmod 600 "$2"; }
newer() { jq -c '.version = 99' "$1" >newer && chmod 600 newer && cp -p newer "$1"; }
refusal() { echo "'$1' was written by a newer iot-utils: it is of version 99, and this one knows 1"; }
untouched() { ok "$1 stays as it is" cmp newer "$2"; }
copied() { ok 'a copy of it stays' cmp "$1" "$2.v0"; is 600 "$(stat -c %a "$2.v0")" 'for its owner only'; }

for unit in temperature humidity; do
	iotctl sensor create nombre=$unit tipo=otro unidad_medida=x rango_min=0 rango_max=99 mqtt_topic_suffix=$unit >/dev/null
done
iotctl broker create nombre=B host=localhost >/dev/null
iotctl topic create nombre=Datos topic_pattern='iot/sensors/{device_id}/data' tipo=publish >/dev/null

# Tokens.
token=$state/token-old.json
is "$(jq -c keys "$old/token-old.json")" "$(jq -c 'del(.version, .auth_path) | keys' "$token")" 'tokens: as they were, with a version'
jq -c 'del(.version, .auth_path)' "$token" >unversioned && chmod 600 unversioned && cp -p unversioned "$token"
run iotctl --verbose --verbose broker list
exits 0 'tokens of 0.1.0 are taken'
has "$err" GET 'which the log would show'
without "$err" /auth/ 'without a login'
iotctl login "$api" --context old --api-username admin --password-file "$T/api.pw" 2>/dev/null
is 1 "$(jq .version "$token")" 'a login writes them as today'
newer "$token"
run iotctl broker list
exits 0 'with newer ones it logs in by itself'
has "$err" "$(refusal "$token")" 'and says so'
untouched 'the file' "$token"
rm "$token"

# Passwords of devices.
moved "$old/old.csv" "$state/old.csv"
moved "$old/old.csv.state" "$state/old.csv.state"
password=$(sed -n 's/^RPI_101,[^,]*,[^,]*,\([^,]*\),.*/\1/p' "$old/old.csv")
printf 'identificador_unico,nombre,tipo,ubicacion,sensores\nRPI_101,Raspberry 101,raspberry_pi,Sala 1,temperature;humidity\n' >fleet.csv
run iotctl device provision --from fleet.csv
exits 0 'a credentials file of 0.1.0 is used'
has "$(cat "$state/old.csv")" "$password" 'with the password that it has'
is 1 "$(jq .version "$state/old.csv.state")" 'its state is of the same version'
newer "$state/old.csv.state"
run iotctl credential rotate RPI_101
exits 2 'a newer state is refused'
has "$err" "$(refusal "$state/old.csv.state")" 'and called by its version'
untouched 'the state' "$state/old.csv.state"
has "$(cat "$state/old.csv")" "$password" 'and the password'
moved "$old/old.csv.state" "$state/old.csv.state"

# Hashes of secrets that were sent: keyed, with the API's URL in them.
hash_at() { # hash_at URL: of the broker B2's password there
	python3 -c 'import hashlib, hmac, json, sys
key = bytes.fromhex(json.load(open(sys.argv[1]))["key"])
print(hmac.new(key, (sys.argv[2] + " broker password B2\nbroker-pw").encode(), hashlib.sha256).hexdigest())' \
		"$old/applied-old.json" "$1"
}
applied=$state/applied-old.json
is "$(hash_at $then)" "$(jq -r ".[\"$then broker password B2\"]" "$old/applied-old.json")" 'a hash of 0.1.0'
echo broker-pw >bpw
chmod 600 bpw
for b in B2 B3; do printf 'kind: broker\nnombre: %s\nhost: localhost\nusername: u\npassword@file: bpw\n' $b >$b.yaml; done
iotctl apply -f B2.yaml >/dev/null
jq -c ".[\"$then broker password B2\"] = \"$(hash_at "$api")\"" "$old/applied-old.json" | sed "s|$then|$api|" >applied
chmod 600 applied
cp -p applied "$applied"
run iotctl diff -f B2.yaml
exits 0 'what was sent then is not sent again'
copied applied "$applied"
run iotctl apply -f B3.yaml
exits 0 'another secret is sent'
is "$(jq -r .key applied) 4 1" "$(jq -r '"\(.key) \(length) \(.version)"' "$applied")" 'and noted beside the first, as today'
run iotctl diff -f B2.yaml
exits 0 'which is known still'
newer "$applied"
run iotctl apply -f B2.yaml
exits 0 'without them it is sent once more'
has "$err" "$(refusal "$applied")" 'which is told'
untouched 'the file' "$applied"

# How far a file was imported. Its name is a hash of path and platform, and it has the file's inode.
cp "$old/readings.ndjson" .
iotctl reading import --accept-server-time readings.ndjson >/dev/null 2>&1
record=$(ls "$state"/import-*)
is "v1 $(sed "s/^[0-9]*/$(stat -c %i readings.ndjson)/" "$old/import")" "$(cat "$record")" 'a record: as it was, with a version'
sed 's/^v1 //' "$record" >import
chmod 600 import
cp -p import "$record"
echo '{"device_id":"RPI_101","sensor":"temperature","value":21,"time":"2026-11-29T10:00:20Z"}' >>readings.ndjson
run iotctl reading import --accept-server-time readings.ndjson
exits 0 'with a record of 0.1.0'
has "$out" 'readings imported: 1' 'only what is new is imported'
copied import "$record"
has "$(cat "$record")" 'v1 ' 'and the record is of today'
sed 's/^v1/v99/' "$record" >newer
cp newer "$record"
run iotctl reading import --accept-server-time readings.ndjson
exits 2 'a newer record is refused'
has "$err" "$(refusal "$record")" 'and called by its version'
untouched 'the record' "$record"

# What iotstatus has told.
cp "$old/fleet.state" .
iotctl device set RPI_101 connection_status=online >/dev/null
cp fleet.state told
run iotstatus -c 75: --state told
exits 0 'iotstatus reads a state of 0.1.0'
has "$out" 'recovered after' 'and knows that it was bad'
ok 'a copy of it stays' cmp fleet.state told.v0
is '"OK" 1' "$(jq -c .state told) $(jq .version told)" 'and the state is of today'
newer told
run iotstatus -c 75: --state told
exits 3 'a newer state is UNKNOWN'
has "$out$err" "$(refusal told)" 'and called by its version'
untouched 'the state' told
done_testing
