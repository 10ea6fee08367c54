#!/bin/sh
# Files as people have them: fleet files of spreadsheets in several forms, manifests of Windows editors.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
export IOT_CREDENTIALS="$T/fleet.csv"

# Objects whose first key is null are called by the next.
cat >sensors.yaml <<-'END'
	- &first {kind: sensor, nombre: NN1, tipo: temperatura, unidad_medida: C, rango_min: 0, rango_max: 1, mqtt_topic_suffix: null}
	- <<: *first
	  nombre: NN2
END
run iotctl apply -o ndjson -f sensors.yaml
exits 0 'two sensors without a suffix, the second by a merge key'
is 'NN1 created
NN2 created' "$(echo "$out" | jq -r '.name + " " + .result')" '  are told apart'
run iotctl apply -f sensors.yaml
has "$out" "unchanged sensor 'NN2'" '  and in words, when they are there'
run iotctl sensor create nombre=NN3 tipo=temperatura unidad_medida=C rango_min=0 rango_max=1
has "$out" "created sensor 'NN3' (id" '  and by create'
run iotctl sensor set NN3 descripcion=x
has "$out" "changed sensor 'NN3' (id" '  and by set'

# Manifests.
printf '\357\273\277kind: device\nidentificador_unico: B2\nnombre: uno\ntipo: esp32\nubicacion: P\n' >marked.yaml
run iotctl apply -f marked.yaml
exits 0 'YAML behind a byte order mark'
has "$out" "created device 'B2'" '  is read'
tail -c +4 marked.yaml | sed 's/uno/Almac\xe9n/' >latin.yaml
run iotctl apply -f latin.yaml
exits 2 'Windows-1252'
is "iotctl: 'latin.yaml', line 3: bytes that are no UTF-8; if it is Windows-1252: iconv -f WINDOWS-1252 -t UTF-8" "$err" \
	'  is named, with its line'
iconv -f UTF-8 -t UTF-16 marked.yaml >wide.yaml
run iotctl diff -f wide.yaml
exits 2 'UTF-16'
is "iotctl: 'wide.yaml', line 1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8" "$err" '  is named'
perl -e 'print "[" x 1000000' >deep.yaml
run timeout 10 iotctl diff -f deep.yaml
exits 2 'a million of ['
is "iotctl: 'deep.yaml', line 1: nested too deep, or too large" "$err" '  is refused, and at once'

# Fleet files.
iotctl broker create Main host=localhost >/dev/null
iotctl topic create Datos tipo=publish topic_pattern='iot/sensors/{device_id}/data' >/dev/null
iotctl topic create Ordenes tipo=subscribe topic_pattern='iot/devices/{device_id}/commands' >/dev/null
for s in temperature humidity; do
	iotctl sensor create nombre=S$s tipo=otro unidad_medida=x rango_min=0 rango_max=99 mqtt_topic_suffix=$s >/dev/null
done
# provisions FILE ID 'sentence' OPTION...: one device of esp32 in P, with both sensors
provisioned=
provisions() {
	file=$1 id=$2 sentence=$3
	shift 3
	run iotctl device provision --from "$file" "$@"
	exits 0 "$sentence"
	has "$out" "\"device\":\"$id\",\"result\":\"created\"}" '  is provisioned'
	provisioned="$provisioned $id"
}
H=identificador_unico,nombre,tipo,ubicacion,sensores
printf 'identificador_unico;nombre;tipo;ubicacion;sensores\r\nS1;Sala;esp32;P;"temperature;humidity"\r\n' >semicolon.csv
provisions semicolon.csv S1 'semicolons of a spreadsheet'
printf 'sep=;\r\nidentificador_unico;nombre;tipo;ubicacion;sensores\r\nS10;Sa,la;esp32;P;"temperature;humidity"\r\n' >hint.csv
provisions hint.csv S10 'a line that tells a spreadsheet the separator'
printf 'sep=,\nidentificador_unico,nombre,tipo,ubicacion,sensores\nS11,Sala,esp32,P,temperature;humidity\n' >hint.csv
provisions hint.csv S11 '  also of the comma'
printf 'sep=x\nidentificador_unico\nS12\n' >hint.csv
run iotctl device provision --from hint.csv
exits 2 '  but no other'
printf 'identificador_unico\tnombre\ttipo\tubicacion\tsensores\nS2\tSala\tesp32\tP\ttemperature;humidity\n' >tab.csv
provisions tab.csv S2 'tabs'
printf 'device,name,type,location,sensors\nS3,Sala,esp32,P,temperature;humidity\n' >english.csv
provisions english.csv S3 'English names'
printf 'Identificador_Unico, NOMBRE, Tipo, Ubicacion, Sensores\nS4, Sala, esp32, P, temperature; humidity\n' >upper.csv
provisions upper.csv S4 'upper case, and blanks behind commas'
printf '%s,,\n,,,,,,\nS5,Sala,esp32,P,temperature;humidity,,\n   \n,,,,,,\n' $H >blank.csv
provisions blank.csv S5 'blank rows and empty columns'
printf '\357\273\277{"device":"S6","name":"Sala","type":"esp32","location":"P","sensors":["temperature","humidity"]}\n' >marked.ndjson
provisions marked.ndjson S6 'NDJSON behind a byte order mark'
iotctl device list -o json identificador_unico=S6 >made.json
sed 's/"S6"/"S7"/' made.json >array.json
run iotctl device provision --from array.json
exits 2 'an array with all that iotctl -o json writes'
has "$err" "(--ignore-columns leaves others out)" '  has columns that are unknown'
provisions array.json S7 'without them it' sensores=temperature,humidity --ignore-columns "$(jq -r '.[0] | keys -
	["identificador_unico", "nombre", "tipo", "ubicacion"] | join(",")' array.json)"
for empty in '' '\n\n' "$H\n" "$H\n,,,,\n" '[]'; do
	# shellcheck disable=SC2059 # its escapes
	printf "$empty" >empty.csv
	run iotctl device provision --from empty.csv
	is "2 iotctl: there is no device in 'empty.csv'" "$status $err" "a file without a device: '$empty'"
done
run iotctl device provision --from -
is "2 iotctl: there is no device in 'standard input'" "$status $err" '  or standard input'
printf '%s\nS8,Almac\351n,esp32,P,temperature;humidity\n' $H >latin.csv
run iotctl device provision --from latin.csv
exits 2 'Windows-1252'
has "$err" 'latin.csv:2: bytes that are no UTF-8; if it is Windows-1252: iconv -f WINDOWS-1252 -t UTF-8' '  is named, with its line'
iconv -f WINDOWS-1252 -t UTF-8 latin.csv >utf8.csv
provisions utf8.csv S8 'what that command writes'
is Almacén "$(cell device S8 nombre)" '  with its accents'
iconv -t UTF-16 english.csv >wide.csv
run iotctl device provision --from wide.csv
exits 2 'UTF-16'
has "$err" 'wide.csv:1: UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8' '  is named'
printf 'identificador_unico;nombre;sensores\nS9;x;temperature;humidity\n' >unquoted.csv
run iotctl device provision --from unquoted.csv
exits 2 'a list without quotes among semicolons'
has "$err" 'unquoted.csv:2: 4 cells where the header has 3 (a semicolon separates them' '  is explained'

# shellcheck disable=SC2086 # words
iotctl device get $provisioned -o json | jq -r '.[] | [.identificador_unico, .tipo, .ubicacion] +
	([.sensores_asignados[].sensor_detail.mqtt_topic_suffix] | sort) | join(" ")' >made
for id in $provisioned; do
	is "$id esp32 P humidity temperature" "$(grep "^$id " made)" "$id is as its file says"
done
done_testing
