# What holds for iotctl whatever backend it speaks to; a script starts one, then sources this after
# lib.sh. Ids are not compared: the backends may number as they like.
# shellcheck shell=sh
# shellcheck disable=SC2154 # $out and the rest are lib.sh's

printf 'public\n' >secret
chmod 600 secret
rows() { iotctl "$@" -o csv --no-header; }

# The guide's own steps.
run iotctl broker create nombre='EMQX Production' host=emqx port=1883 protocol=mqtt \
	username=admin password@secret keepalive=60 is_active=true
exits 0 'create a broker'
run iotctl broker create 'Second one' host=10.0.0.1 puerto=8883 tls=yes active=no protocol=mqtts
exits 0 'create NAME, aliases'
run iotctl topic create nombre='Datos de Sensores' tipo=publish qos=1 \
	topic_pattern='iot/sensors/{device_id}/data'
exits 0 'create a topic'
run iotctl topico crear Comandos tipo=subscribe qos=2 pattern='iot/devices/{device_id}/commands'
exits 0 'in Spanish'
for n in 1 2 3; do
	run iotctl device create "ESP32_00$n" nombre='Cámara fría' tipo=esp32 ubicacion="Año $n"
	exits 0 "create device $n"
done
run iotctl sensor create nombre=T1 tipo=temperatura unidad_medida=°C rango_min=-10 \
	rango_max=50.5 suffix=temperature
exits 0 'create a sensor'
run iotctl device assign ESP32_001 temperature
has "$out" "assigned sensor 'temperature'" 'assign'
run iotctl device assign ESP32_001 T1
has "$out" "unchanged sensor 'temperature'" 'assign twice is no error'
run iotctl credential create device=ESP32_001 client_id=ESP32_001 username=device_001 \
	password@secret
exits 0 'create a credential, its device by name'
run iotctl device-config create ESP32_001 broker='EMQX Production' \
	publish_topic='Datos de Sensores' subscribe_topics='Comandos,Datos de Sensores'
exits 0 'create a device-config, references by name'
for v in 0.1 21.5 -7; do
	run iotctl reading create device=ESP32_001 sensor=temperature valor=$v
	exits 0 "create a reading of $v"
done

# list
is '[]' "$(iotctl broker list nombre=nobody --json)" 'an empty list is []'
is 'EMQX Production
Second one' "$(rows broker list --columns nombre | sort)" 'list'
is 'Second one' "$(rows broker list host=10.0.0.1 --columns nombre)" "a filter of our own"
is 'Second one' "$(rows broker list active=no --columns nombre)" "a filter the server does not know"
is 'EMQX Production' "$(rows broker list active_only=yes --columns nombre)" 'a filter by presence'
is 2 "$(rows broker list active_only=false --columns nombre | wc -l)" 'active_only=false filters nothing'
is 'Second one' "$(rows broker list protocol=mqtts --columns nombre)" "a filter of the server's"
is 'Second one' "$(rows broker list username= --columns nombre)" 'a filter for no value'
is 'ESP32_001' "$(rows device list ubicacion='Año 1' --columns identifier)" 'a filter in UTF-8'
is 1 "$(rows device-config list device=ESP32_001 broker='EMQX Production' | wc -l)" \
	'filters by name of what they refer to'
is 0 "$(rows device-config list device=ESP32_002 | wc -l)" 'that leave nothing'
run iotctl topic list qos=x
exits 2 'a filter that would be a 500 is refused here'
is 'Comandos' "$(rows topic list qos=2 --columns nombre)" 'a filter by choice'
# $unsorted: this backend neither searches nor sorts, which nobody can do for it page by page.
if [ -z "${unsorted-}" ]; then
	is 'Comandos' "$(rows topic list --search comandos --columns nombre)" '--search'
	is 'Datos de Sensores
Comandos' "$(rows topic list --order -nombre --columns nombre)" '--order downwards'
	is 'Comandos' "$(rows topic list --sort nombre --limit 1 --columns nombre)" '--limit'
fi
is 'Comandos
Datos de Sensores' "$(rows topic list --sort topic_pattern --columns nombre)" \
	"--sort by what the server cannot"
is '8883
1884' "$(rows broker list --sort -port --columns port | sed s/1883/1884/)" 'as numbers, downwards'
is '-7
0.1
21.5' "$(rows reading list device=ESP32_001 --columns valor | sed 's/\.0$//' | sort -n)" 'readings'
is 'temperature' "$(rows sensor list mqtt_enabled=yes --columns suffix)" 'a filter by presence of a field'
is '[]' "$(iotctl broker list nombre=nobody -o yaml)" 'an empty list in YAML'
is 3 "$(iotctl reading list -o yaml | grep -c '^- id:')" 'a list in YAML'
is 3 "$(iotctl reading list --json | jq length)" 'a list in JSON is one document'
is 3 "$(iotctl reading list -o ndjson | jq -c .valor | wc -l)" 'in NDJSON a line each'

# get and names
is ESP32_002 "$(rows device get ESP32_002 --columns identifier)" 'get by identificador_unico'
id=$(rows device get ESP32_002 --columns id)
is ESP32_002 "$(rows device get "$id" --columns identifier)" 'get by id'
is ESP32_001 "$(rows device get "$(rows device get ESP32_001 --columns mqtt_client_id |
	grep . || echo ESP32_001)" --columns identifier)" 'get by mqtt_client_id'
is 'ESP32_003
ESP32_001' "$(printf 'ESP32_003\n\nESP32_001\n' | iotctl device get - -o csv --columns identifier \
	--no-header)" 'names from stdin'
run iotctl device get 'Cámara fría'
exits 2 'an ambiguous name'
has "$err" "is ambiguous: " 'is said to be'
for n in 1 2 3; do has "$err" "(ESP32_00$n)" "with candidate $n"; done
run iotctl device get nobody
exits 3 'an unknown name'
has "$err" "no device 'nobody'" 'is named'
run iotctl device get 999999
exits 3 'an unknown id'

# set
run iotctl broker set 'EMQX Production' port=1883 username=admin keepalive=60
has "$out" unchanged 'set says when nothing would change'
run iotctl broker set 'EMQX Production' port=1884 keepalive:=90 password@secret
has "$out" "changed broker 'EMQX Production'" 'set changes'
is 1884,90 "$(rows broker get 'EMQX Production' --columns port,keepalive)" 'and it is so'
run iotctl device-config set ESP32_001 subscribe_topics-='Datos de Sensores'
exits 0 '-= takes from a list, by name'
topic=$(rows topic get Comandos --columns id)
is "[$topic]" "$(iotctl device-config get ESP32_001 --json --columns subscribe_topics |
	jq -c .subscribe_topics)" 'and it is gone'
run iotctl device-config set ESP32_001 subscribe_topics+='Datos de Sensores' publish_topic:=null
exits 0 '+= adds'
is '2 null' "$(iotctl device-config get ESP32_001 --json |
	jq -r '"\(.subscribe_topics | length) \(.publish_topic)"')" 'and := says null'
run iotctl device-config set ESP32_001 subscribe_topics='Datos de Sensores,Comandos'
has "$out" unchanged 'lists are sets'
run iotctl device set ESP32_001 ESP32_002 estado=activo
is 2 "$(printf '%s\n' "$out" | grep -c '^changed')" 'several at once'

# Refused by the server, said per field.
run iotctl broker create 'EMQX Production' host=h
exits 6 'a name twice'
has "$err" 'cannot create broker: nombre: ' 'is told with its field'
run iotctl reading create device=ESP32_001 sensor=temperature valor=900
exits 6 'a value out of range'
run iotctl reading create device=ESP32_002 sensor=temperature valor=9
exits 6 'a sensor that is not assigned'

# Secrets that the server sends, and those that it does not.
for f in table json ndjson csv yaml; do
	without "$(iotctl credential get ESP32_001 -o $f)" public "no password in $f"
done

# export, apply, diff
run iotctl export --all
exits 0 'export'
printf '%s\n' "$out" >all.yaml
run iotctl apply -f all.yaml
exits 0 'export | apply'
is "$(grep -c '^kind:' all.yaml)" "$(printf '%s\n' "$out" | grep -c '^unchanged ')" 'changes nothing'
iotctl export --all -o json >all.json
is "$(grep -c '^kind:' all.yaml)" "$(jq length all.json)" 'in JSON'
ok 'export --json | apply' sh -c 'iotctl export --all --json | iotctl apply -f -'
ok 'export -o ndjson | apply -j 8' sh -c 'iotctl export --all -o ndjson | iotctl apply -j 8 -f -'
run iotctl diff -f all.json
exits 0 'diff finds nothing'
is '' "$out" 'and says nothing'
mkdir -p files
cp secret files/pw
cat >files/new.yaml <<'YAML'
kind: device-config
dispositivo: APP_1
broker: Applied
publish_topic: Aplicado
subscribe_topics: [Aplicado, Comandos]
---
credential:
  - {device: APP_1, client_id: APP_1, username: u1, password@file: pw}
device:
  - {identifier: APP_1, name: "yes", type: esp32, location: "a: b", sensores: [temperature, applied]}
  - {identifier: APP_2, name: no, type: esp32, location: 007}
---
- {kind: topic, name: Aplicado, pattern: "iot/x/{device_id}", tipo: publish, qos: 0}
- {kind: broker, nombre: Applied, host: h, port: 1999, password@file: pw, tls: yes}
- {kind: sensor, nombre: Applied, tipo: gas, unit: ppm, min: -1.5, max: 2, suffix: applied}
YAML
run iotctl diff -f files/new.yaml
exits 1 'diff of what is not there'
has "$out" "+ broker 'Applied'" 'names it'
without "$out" public 'without its secret'
run iotctl apply -f files/new.yaml --dry-run
exits 0 'apply --dry-run'
is 9 "$(printf '%s\n' "$out" | grep -c '^POST')" 'shows each request'
run iotctl broker get Applied
exits 3 'and sends none'
run iotctl apply -f files/new.yaml
exits 0 'apply'
is 7 "$(printf '%s\n' "$out" | grep -c '^created ')" 'makes all, in an order that works'
is 'no,007' "$(rows device get APP_2 --columns name,location)" 'words of YAML stay text'
is '2' "$(iotctl device get APP_1 --json | jq '.sensores_asignados | length')" 'sensors are assigned'
run iotctl apply -f files/new.yaml
is 7 "$(printf '%s\n' "$out" | grep -c '^unchanged ')" 'twice says unchanged'
printf 'another\n' >files/pw
run iotctl apply -f files/new.yaml -o ndjson
is '["Applied","APP_1"]' "$(printf '%s\n' "$out" | jq -sc 'map(select(.result == "changed") | .name)')" \
	'a new secret is sent'
sed 's/qos: 0/qos: 2/; s/temperature, applied/applied/' files/new.yaml >files/newer.yaml
run iotctl diff -f files/newer.yaml
exits 1 'diff'
is "  topic 'Aplicado'
-   qos: 0
+   qos: 2
  device 'APP_1'
-   sensores: 1" "$out" 'shows what differs'
run iotctl apply -f files/newer.yaml -n
is '1 0' "$(printf '%s\n' "$out" | grep -c '^PATCH') $(printf '%s\n' "$out" | grep -c '^changed')" \
	'--dry-run shows the change and does not call it done'
run iotctl apply -f files/newer.yaml
is 2 "$(printf '%s\n' "$out" | grep -c '^changed ')" 'apply changes it'
run iotctl diff -f files/newer.yaml
exits 0 'and nothing differs'
printf 'kind: topic\nnombre: Aplicado\ntopic_pattern: "iot/x/{device_id}"\n' >one.yaml
run iotctl apply --prune -f one.yaml
exits 2 '--prune without a terminal needs --yes'
run iotctl apply -f one.yaml -f nofile.yaml
exits 2 'a file that is not there'
printf 'kind: broker\nnombre: N\nhost: h\nprot: 1\n' >bad.yaml
run iotctl apply -f bad.yaml
exits 2 'an unknown field'
has "$err" "'bad.yaml', document 1: broker: broker has no field 'prot'; did you mean 'port'?" 'is named'
printf 'a: [1\nb: 2\n' >bad.yaml
run iotctl apply -f bad.yaml
exits 2 'no YAML'
has "$err" "'bad.yaml', line 2: " 'with its line'
printf '{"kind":"broker","nombre":"N","host":"h","port":0}\n{"kind":"broker","nombre":"M","host":"h"}' >two.json
run iotctl apply -f two.json
exits 1 'one of two that is wrong'
has "$err" "broker 'N': port: " 'is told'
has "$out" "created broker 'M'" 'and the other made'
printf 'kind: topic\nnombre: Twice\ntopic_pattern: a/1\n---\nkind: topic\nnombre: Twice\ntopic_pattern: a/2\n' >two.yaml
run iotctl apply -f two.yaml
exits 2 'two documents for one object'
has "$err" "topic 'Twice' is there twice, as object 1 and 2" 'are told'
is '' "$(rows topic list nombre=Twice)" 'and neither is made'
printf 'kind: broker\nnombre: 8952020012345678901\nhost: 10.0\nusername: 1e3\npassword: 2.50\n' >numbers.yaml
run iotctl apply -f numbers.yaml
exits 2 'a text without quotes that is another one as a number'
has "$err" "host: a text that looks like a number needs quotes; username: a text" 'is told'
sed -i 's/10.0/"10.0"/; s/1e3/"1e3"/; s/2.50/"2.50"/' numbers.yaml
run iotctl apply -f numbers.yaml
exits 0 'in quotes it is itself'
is '8952020012345678901,10.0,1e3' "$(rows broker list host=10.0 --columns nombre,host,username)" \
	'a long number keeps its digits'
iotctl broker delete 8952020012345678901 -y --quiet
iotctl device-config delete APP_1 -y --quiet
iotctl credential delete APP_1 -y --quiet
iotctl device delete APP_1 APP_2 -y --quiet
iotctl sensor delete Applied -y --quiet
printf 'kind: broker\nnombre: EMQX Production\nhost: emqx\n' >broker.yaml
run iotctl diff --prune -f broker.yaml
has "$out" "- broker 'Applied'" 'diff --prune shows what would go'
run iotctl apply --prune --yes -f broker.yaml
is 3 "$(printf '%s\n' "$out" | grep -c '^deleted broker')" 'apply --prune takes it away'
is 'EMQX Production' "$(rows broker list --columns nombre)" 'and leaves the rest'

# delete
run iotctl broker delete 'EMQX Production' -n
exits 0 '--dry-run of a delete'
run iotctl device delete ESP32_001
exits 2 'nothing is deleted without a word'
has "$err" "device 'ESP32_001' is used by credential 'ESP32_001', device-config 'Cámara fría', 3 readings" \
	'what hangs on it is shown first'
run iotctl device-config delete ESP32_001
exits 2 'delete without a terminal needs --yes'
run iotctl device-config delete ESP32_001 --yes
exits 0 'delete'
run iotctl device delete ESP32_002 ESP32_003 --yes
is 2 "$(printf '%s\n' "$out" | grep -c '^deleted')" 'several'
run iotctl device get ESP32_002
exits 3 'and it is gone'
run iotctl device delete ESP32_002 --yes
exits 3 'once'
