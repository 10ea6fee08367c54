#!/bin/sh
# apply ends, and what it wrote it finds equal the next time: at most one POST and one PATCH an object,
# counted at a Django backend whose times have no zone, and at iotapi.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

writes() { echo "$(requests '^POST /api/\(devices\|mqtt\|readings\)') $(requests '^PATCH')"; }
# applies STATUS POSTS PATCHES 'sentence' ARGUMENT...: what it takes; what never ends is ended
applies() {
	wanted=$1 count="$2 $3" sentence=$4
	shift 4
	: >"$log"
	run timeout 20 iotctl apply "$@"
	exits "$wanted" "$sentence"
	is "$count" "$(writes)" "  takes $count requests (POST, PATCH)"
}
device() { # NAME [FIELDS]
	printf 'kind: device\nidentificador_unico: %s\nnombre: x\ntipo: esp32\nubicacion: P\n%s' "$1" "${2-}"
}

start_django

# Times with a zone, where those of the backend have none and nobody says which they are in.
device L1 'last_seen: 2026-11-29T08:00:00Z' >l1.yaml
applies 0 1 0 'a new device with a time in a zone' -f l1.yaml
is "created device 'L1' (id 1)" "$out" '  is created'
applies 1 0 0 'when it is there, nobody can tell' -f l1.yaml
is "iotctl: device 'L1': last_seen stays as it is: the API's time has no zone, so it may be the same (set api_tz)" \
	"$err" '  which is told'
run iotctl apply -o ndjson -f l1.yaml
has "$out" '"result":"failed","error":"last_seen stays as it is' '  in machine formats too'
run iotctl diff -f l1.yaml
exits 1 'diff cannot tell either'
is "  device 'L1'
?   last_seen: \"2026-11-29 02:00:00\"
?   last_seen: \"2026-11-29T08:00:00.000000Z\"" "$out" '  and shows both'
sed 's/ubicacion: P/ubicacion: Q/' l1.yaml >moved.yaml
applies 1 0 1 'what else differs is written' -f moved.yaml
is Q "$(rows device get L1 --columns ubicacion)" '  and there'
applies 1 0 0 'and once' -f moved.yaml
run iotctl apply -n -f l1.yaml
exits 1 'a dry run says so as well'
is 'PATCH /api/devices/1/ {"ubicacion":"P"}' "$out" '  and what would be sent'
iotctl device set L1 ubicacion=P >/dev/null
applies 0 0 0 'with api_tz it is decided: equal' -f l1.yaml --api-tz America/Mexico_City
is "unchanged device 'L1' (id 1)" "$out" '  and unchanged'
run iotctl diff -f l1.yaml --api-tz America/Mexico_City
exits 0 'diff says the same'
applies 1 0 1 'in another zone it is another time, which the answer does not hold' -f l1.yaml --api-tz UTC
has "$err" 'ignored last_seen: it has "2026-11-29 02:00:00", not "2026-11-29T08:00:00.000000Z"' '  which is told'
for t in 2026-11-29T08:00:01Z 2026-11-28T08:00:00Z 2026-11-30T08:00:00+05:30; do
	device L1 "last_seen: $t" >other.yaml
	applies 0 0 1 "no zone makes it $t: written" -f other.yaml
	iotctl device set L1 last_seen='2026-11-29 02:00:00' >/dev/null
done
: >"$log"
run iotctl device set L1 last_seen=2026-11-29T08:00:00Z
exits 0 'set is asked for, and writes'
is '0 1' "$(writes)" '  once'

# The clock shows half past one twice in that night.
for t in 2021-10-31T06:30:00Z 2021-10-31T07:30:00Z; do
	iotctl device set L1 last_seen=$t >/dev/null
	for u in 2021-10-31T06:30:00Z 2021-10-31T07:30:00Z; do
		device L1 "last_seen: $u" >night.yaml
		applies 0 0 0 "$u where the clock shows that of $t" -f night.yaml --api-tz America/Mexico_City
	done
done

# Times without a zone are the backend's own.
device L1 'last_seen: 2026-11-29T02:00:00' >own.yaml
applies 0 0 1 'a time without a zone that differs' -f own.yaml
applies 0 0 0 'and is equal then' -f own.yaml
applies 0 0 0 'with api_tz too' -f own.yaml --api-tz America/Mexico_City

# A fleet.
for n in $(seq 60); do device "F$n" 'last_seen: 2026-11-29T08:00:00Z'; echo; echo ---; done >fleet.yaml
applies 0 60 0 'sixty new devices' -f fleet.yaml
applies 1 0 0 'sixty devices that are there' -f fleet.yaml
is '60 1' "$(printf '%s\n' "$err" | grep -c 'last_seen stays') $(printf '%s\n' "$err" | grep -c '60 of 60 failed')" \
	'  told each, and counted'
applies 0 0 0 'with api_tz' -f fleet.yaml --api-tz America/Mexico_City

# A reading cannot be changed: made without knowing it would be made at each run.
iotctl sensor create nombre=S tipo=gas unidad_medida=ppm rango_min=0 rango_max=9 >/dev/null
iotctl device assign L1 S >/dev/null
iotctl reading create device=L1 sensor=S valor=1 >/dev/null
at=$(rows reading list --columns timestamp)
printf 'kind: reading\ndevice: L1\nsensor: S\nvalor: 1\ntimestamp: %s' \
	"$(date -u -d "TZ=\"America/Mexico_City\" $at" +%FT%TZ)" >reading.yaml
applies 1 0 0 'a reading that may be there' -f reading.yaml
has "$err" "it may be there already: the API's timestamp has no zone (set api_tz)" '  is told'
applies 0 0 0 'with api_tz it is' -f reading.yaml --api-tz America/Mexico_City

# What the backend ignores.
device G1 'last_seen: 2026-11-29T08:00:00Z
estado: activo' >ignored.yaml
restart ignore=estado
for zone in '' --api-tz=America/Mexico_City; do
	# shellcheck disable=SC2086
	applies 1 1 1 "a new device, a field of it ignored ($zone)" -f ignored.yaml $zone
	has "$err" 'ignored estado: it has "inactivo", not "activo"' '  is told'
	# shellcheck disable=SC2086
	applies 1 0 1 'and when it is there' -f ignored.yaml $zone
	iotctl device delete G1 --yes --quiet
done
restart ignore=last_seen
applies 1 1 1 'an ignored time' -f ignored.yaml
has "$err" 'ignored last_seen: it has null, not' '  is told'
restart

# converges NAME: numbers in JSON
converges() {
	iotctl broker create B host=h >/dev/null
	iotctl device create J1 nombre=x tipo=esp32 ubicacion=P >/dev/null
	iotctl device-config create J1 broker=B >/dev/null
	umbral='metadata_json:={"u":1.0,"v":[1e2,{"w":0.10}],"n":3,"z":-0.0,"big":1e22}'
	is '{"metadata_json":{"u":1.0,"v":[100.0,{"w":0.1}],"n":3,"z":-0.0,"big":1e+22}}' \
		"$(iotctl device-config set J1 "$umbral" -n | sed 's/^[A-Z]* [^ ]* //')" "$1: a point stays"
	run iotctl device-config set J1 "$umbral"
	exits 0 'set'
	has "$out" changed '  changes it'
	run iotctl device-config set J1 "$umbral"
	exits 0 'again'
	has "$out" unchanged '  is unchanged'
	for u in "${umbral#*:=}" '{"u":1,"v":[100,{"w":0.1}],"n":3.0,"z":0,"big":10000000000000000000000.0}'; do
		echo "{\"kind\":\"device-config\",\"dispositivo\":\"J1\",\"metadata_json\":$u}" >j.json
		run iotctl diff -f j.json
		exits 0 "diff finds no difference: $u"
		run iotctl apply -f j.json
		has "$out" unchanged '  apply none'
	done
	iotctl device-config set J1 'metadata_json:={"id":9007199254740993}' >/dev/null
	has "$(iotctl device-config set J1 'metadata_json:={"id":9007199254740992}')" changed \
		'integers that are one double are two'
	for u in '[1,2,3]' '[1]' '{"id":9007199254740992,"x":1}' '{"id":"9007199254740992"}' 1.5 null; do
		[ "$u" = null ] || iotctl device-config set J1 "metadata_json:=$u" >/dev/null
		has "$(iotctl device-config set J1 'metadata_json:=[1,2]')" changed "$u is no [1,2]"
	done
	is 'POST {"nombre":"X","tipo":"gas","unidad_medida":"x","rango_min":-40,"rango_max":8.5}' \
		"$(iotctl sensor create nombre=X tipo=gas unidad_medida=x rango_min=-40 rango_max:=8.50 -n |
			sed 's/ [^ ]* / /')" 'numbers of fields are as they are written'

	# Beyond 64 bits.
	printf '{"kind":"device-config","dispositivo":"J1",\n"metadata_json":{"imei":12345678901234567890}}' >big.json
	printf '[{"kind":"topic","nombre":"a","topic_pattern":"a"}]\n{"kind":"device-config","dispositivo":"J1",
"metadata_json":\n {"imei":-9223372036854775809}}' >second.json
	printf 'kind: device-config\ndispositivo: J1\nmetadata_json:\n  imei: 12345678901234567890\n' >big.yaml
	printf '{kind: device-config, dispositivo: J1,\n metadata_json: {imei: 1e999}}' >flow.yaml
	for f in 'big.json 2' 'second.json 4' 'big.yaml 4' 'flow.yaml 2'; do
		says 2 "'${f% *}', line ${f#* }: a number beyond 64 bits; in quotes it is a text" \
			"refused in ${f% *}" iotctl apply -f "${f% *}"
	done
	says 2 'too big integer' 'refused by set' iotctl device-config set J1 'metadata_json:={"a":12345678901234567890}'
	is '[1,2]' "$(iotctl device-config get J1 -o ndjson --columns metadata_json | jq -c .metadata_json)" 'and nothing is stored'
	sed 's/: *\(12[0-9]*\)/: "\1"/' big.json >text.json
	run iotctl apply -f text.json
	exits 0 'in quotes it is a text'
	run iotctl apply -f text.json
	has "$out" unchanged '  and one run enough'
}
converges Django

# The platform may hold such a number all the same.
id=$(rows device-config get J1 --columns id)
iotctl api PATCH "mqtt/device-config/$id" '{"metadata_json":{"\"1": 12345678901234567890, "b": [-99999999999999999999,5]}}' >/dev/null
: >"$log"
run iotctl device-config set J1 publish_interval=77
exits 0 'an object with a number beyond 64 bits can be changed'
run iotctl device-config set J1 publish_interval=77
has "$out" unchanged 'and compared'
iotctl topic create TT topic_pattern=a/b >/dev/null
iotctl topic create TU topic_pattern=a/c >/dev/null
iotctl device-config set J1 subscribe_topics=TT >/dev/null
for w in changed unchanged; do has "$(iotctl device-config set J1 subscribe_topics+=TU)" $w "its list as well: $w"; done
printf 'kind: device-config\ndevice: J1\nbroker: B\npublish_interval: 78\n' >kept.yaml
applies 0 0 1 'apply' -f kept.yaml
applies 0 0 0 'twice' -f kept.yaml
run iotctl diff -f kept.yaml
exits 0 'diff'
has "$(iotctl device-config get J1 -o json)" '12345678901234567890' 'and it keeps its digits'

# Tags.
refuses_tag() { # LINE TEXT PART
	printf 'kind: broker\nnombre: T\nhost: h\n%s\n' "$2" >tag.yaml
	says 2 "'tag.yaml', line $1: $3" "refused: $2" iotctl apply -f tag.yaml
}
refuses_tag 4 'password: !secret mqtt_password' "tag '!secret' is unknown; a value from a file is FIELD@file: PATH"
refuses_tag 5 'username: u
password: !env_var "planted"' "tag '!env_var' is unknown"
refuses_tag 4 'password: !!binary cGxhbnRlZA==' "tag '!!binary' is unknown"
refuses_tag 4 'port: !!int planted' "tag '!!int' does not fit what follows it"
refuses_tag 4 'port: !include {a: 1}' "tag '!include' is unknown"
refuses_tag 4 'port: !!set [1]' "tag '!!set' is unknown"
refuses_tag 4 '!x port: 1' 'a key that is no text'
run iotctl broker get T
exits 3 'none of them is stored'
printf 'kind: !!str broker\nnombre: !!str 12\nhost: h\nport: !!int "1884"\nuse_tls: !!bool true\nusername: ! 7\n' >core.yaml
printf 'keepalive: &k !!int 61\nca_cert: !!null\ncafe: ñ\n' | grep -v cafe >>core.yaml
run iotctl apply -f core.yaml
exits 0 "YAML's own are obeyed"
is '12,1884,true,7,61,' "$(rows broker get 12 --columns nombre,port,use_tls,username,keepalive,ca_cert)" '  each'

stop_api
# shellcheck disable=SC2119
start_api
converges iotapi
device Z1 'last_seen: 2026-11-29T08:00:00Z' >z.yaml
iotctl apply -f z.yaml >/dev/null
for t in 2026-11-29T08:00:00Z 2026-11-29T02:00:00-06:00 '2026-11-29 08:00:00'; do
	device Z1 "last_seen: $t" >z.yaml
	run env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -s 20 -e trace=sendto,sendmsg,write -o sent iotctl apply -f z.yaml
	has "$out" "unchanged device 'Z1'" "iotapi: $t is the same time"
	no_line sent '  and not sent' -E '"(POST|PATCH) /api/devices'
done

# What a file lists in an order is given in that order, so that export, apply and export are the same.
for s in SA SB SC; do
	printf 'kind: sensor\nnombre: %s\ntipo: temperatura\nunidad_medida: C\nrango_min: 0\nrango_max: 9\n---\n' $s
done >sensors.yaml
device O1 'sensores: [SB, SA, SC]' | cat sensors.yaml - >ordered.yaml
run iotctl apply -f ordered.yaml
is SB,SA,SC "$(iotctl device get O1 -o json | jq -r '[.sensores_asignados[].sensor_nombre] | join(",")')" \
	"a device's sensors are in the file's order"

# A broker that moves takes its password along, though it was sent before.
printf 'moving\n' >moving.pw
chmod 600 moving.pw
moving() { printf 'kind: broker\nnombre: Moving\nhost: %s\nusername: m\n%s\n' "$1" "$2" >moving.yaml; }
moving one.example 'password@file: moving.pw'
iotctl apply -f moving.yaml >/dev/null
run iotctl apply -f moving.yaml
is "unchanged broker 'Moving'" "${out%% (*}" 'a broker whose password was sent'
moving two.example 'password@file: moving.pw'
run iotctl apply -f moving.yaml
is "0 changed broker 'Moving'" "$status ${out%% (*}" 'moves'
moving three.example ''
run iotctl apply -f moving.yaml
is '6 two.example' "$status $(iotctl broker get Moving -o csv --columns host --no-header)" 'not without the password'
has "$err" 'host: The broker has a password: send it too when this changes.' '  and it says why'
done_testing
