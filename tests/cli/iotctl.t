#!/bin/sh
# iotctl against the real iotapi: every verb, every form of a FIELD, names and aliases.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
printf 'public\n' >secret
chmod 600 secret

# The guide's own steps.
run iotctl broker create nombre='EMQX Production' host=emqx port=1883 protocol=mqtt \
	username=admin password@secret keepalive=60 is_active=true
exits 0 'a broker is created'
is "created broker 'EMQX Production' (id 1)" "$out" 'and said in one line'
run iotctl broker create 'Second one' host=10.0.0.1 puerto=8883 tls=yes active=no
exits 0 'a name without its field, aliases'
run iotctl topic create nombre='Datos de Sensores' tipo=publish qos=1 retain=false \
	topic_pattern='iot/sensors/{device_id}/data'
exits 0 'a topic is created'
run iotctl topico crear Comandos tipo=subscribe qos=2 pattern='iot/devices/{device_id}/commands'
exits 0 'Spanish words do as well'
run iotctl device create ESP32_001 nombre='Nodo 1' tipo=esp32 ubicacion='Cámara fría'
exits 0 'a device is created'
run iotctl sensor create nombre=T1 tipo=temperatura unidad_medida=°C rango_min=-10 \
	rango_max=50.5 suffix=temperature
exits 0 'a sensor is created'
run iotctl device assign ESP32_001 temperature
is "assigned sensor 'temperature' (id 1)" "$out" 'a sensor is assigned'
run iotctl device assign 'Nodo 1' T1
is "unchanged sensor 'temperature' (id 1)" "$out" 'twice is no error; other keys name the same'
run iotctl credential create device=ESP32_001 client_id=ESP32_001 username=device_001 \
	password@secret
exits 0 'a credential is created, the device by its name'
run iotctl device-config create ESP32_001 broker='EMQX Production' \
	publish_topic='Datos de Sensores' subscribe_topics='Comandos,Datos de Sensores' \
	publish_interval=60 qos=1 auto_reconnect=true
exits 0 'a device config is created, references by name'
run iotctl reading create device=ESP32_001 sensor=temperature valor=21.5
exits 0 'a reading is created'

# Reading back.
run iotctl broker get 'EMQX Production' -o json --columns nombre,port,username
is '{"nombre":"EMQX Production","port":1883,"username":"admin"}' "$out" 'get by name'
run iotctl broker get 1 --json --columns nombre
is '{"nombre":"EMQX Production"}' "$out" 'get by id'
run iotctl brokers get 'EMQX Production' 2 -o ndjson --columns id
is '{"id":1}
{"id":2}' "$out" 'get several'
printf '2\n\n1\n' >names
is '[{"id":2},
 {"id":1}]' "$(iotctl broker get - --json --columns id <names)" 'names from stdin'
run iotctl device-config get ESP32_001 --json --columns broker,subscribe_topics
is '{"broker":1,"subscribe_topics":[2,1]}' "$(echo "$out" | sed 's/\[1,2\]/[2,1]/')" \
	'references are ids'
run iotctl broker list host=10.0.0.1 -o csv --columns nombre --no-header
is 'Second one' "$out" 'list with a filter of our own'
run iotctl broker list active=no --columns id --no-header
is 2 "$out" 'a filter with an alias and a word for false'
run iotctl broker list active_only=yes --columns id --no-header
is 1 "$out" "the server's filter by presence"
run iotctl broker list active_only=no --columns id --no-header --order nombre
is '1
2' "$out" 'which "no" leaves out'
run iotctl device-config list device=ESP32_001 --columns id --no-header
is 1 "$out" 'a filter by reference'
run iotctl reading list dispositivo=ESP32_001 -o csv --columns valor --no-header
is 21.5 "$out" 'readings of a device'
run iotctl broker list username= --columns id --no-header
is 2 "$out" 'a filter for no value'
run iotctl broker list --search second --columns id --no-header
is 2 "$out" '--search'
run iotctl broker list --limit 1 --order=-nombre --columns id --no-header
is 2 "$out" '--limit and --order'

# Changing.
run iotctl broker set 'EMQX Production' port=1883 username=admin
is "unchanged broker 'EMQX Production' (id 1)" "$out" 'set says when nothing would change'
run iotctl broker set 'EMQX Production' port=1884 keepalive:=90 password@secret
is "changed broker 'EMQX Production' (id 1)" "$out" 'set changes'
run iotctl broker get 1 -o csv --columns port,keepalive --no-header
is 1884,90 "$out" 'and it is so'
run iotctl broker set 1 2 keepalive=70
is "changed broker 'EMQX Production' (id 1)
changed broker 'Second one' (id 2)" "$out" 'several at once'
run iotctl device-config set ESP32_001 subscribe_topics-='Datos de Sensores'
exits 0 '-= takes from a list'
run iotctl device-config get ESP32_001 --json --columns subscribe_topics
is '{"subscribe_topics":[2]}' "$out" 'and it is gone'
run iotctl device-config set ESP32_001 subscribe_topics+=1 publish_topic:=null
run iotctl device-config get ESP32_001 --json --columns publish_topic,subscribe_topics
is '{"publish_topic":null,"subscribe_topics":[1,2]}' "$(echo "$out" | sed 's/\[2,1\]/[1,2]/')" \
	'+= adds; := says null'
run iotctl device-config set ESP32_001 subscribe_topics=2,1
has "$out" unchanged 'lists are sets'
run iotctl device-config set ESP32_001 metadata_json:='{"a":[1,2.5]}'
exits 0 'any JSON'
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >ca.pem
run iotctl broker set 1 ca_cert@ca.pem password@secret
exits 0 'a file'
is 'AAAA' "$(iotctl broker get 1 --json --columns ca_cert | jq -r .ca_cert | sed -n 2p)" \
	'with its lines'
printf 'two words\n' >text
run iotctl device set ESP32_001 descripcion@text
is '{"descripcion":"two words"}' \
	"$(iotctl device get ESP32_001 --json --columns descripcion)" 'without its final newline'
echo from-stdin | iotctl device set ESP32_001 descripcion@- >/dev/null
is '{"descripcion":"from-stdin"}' \
	"$(iotctl device get ESP32_001 --json --columns descripcion)" 'a field from stdin'
run iotctl broker deactivate 1
exits 0 'deactivate'
run iotctl broker get 1 --json --columns is_active
is '{"is_active":false}' "$out" 'and it is'
run iotctl broker activate 1 2
exits 0 'activate several'

# What would be sent.
run iotctl broker create Dry host=h password@secret -n
is 'POST /api/mqtt/brokers/ {"nombre":"Dry","host":"h","password":"********"}' "$out" \
	'--dry-run shows the request, its secret masked'
run iotctl broker set 1 keepalive=71 port=1884 --dry-run
is 'PATCH /api/mqtt/brokers/1/ {"keepalive":71}' "$out" 'and only what changes'
run iotctl broker delete 2 -n
is 'DELETE /api/mqtt/brokers/2/' "$out" 'and nothing is deleted'
run iotctl broker list -o csv --columns id --no-header --order nombre
is '1
2' "$out" 'as the list shows'

# Deleting.
run iotctl broker delete 'Second one'
exits 2 'delete without a terminal needs --yes'
has "$err" "without --yes" 'and says so'
run iotctl broker delete 'Second one' --yes
is "deleted broker 'Second one' (id 2)" "$out" 'delete'
run iotctl device unassign ESP32_001 T1
exits 0 'unassign'

# Any request.
run iotctl api GET mqtt/brokers
has "$out" '{"count":1,' 'api GET, a short path'
run iotctl api GET /api/mqtt/topics/ tipo=publish
is 'Datos de Sensores' "$(printf '%s' "$out" | jq -r '.results[].nombre')" 'its fields are the query'
run iotctl api POST mqtt/brokers nombre=Raw host=h port:=1999
has "$out" '"port":1999,' 'api POST of fields'
run iotctl api PATCH /api/mqtt/brokers/1 '{"keepalive":200}'
has "$out" '"keepalive":200,' 'api PATCH of JSON'
echo '{"keepalive":30}' | iotctl api patch mqtt/brokers/1 - >raw
has "$(cat raw)" '"keepalive":30,' 'JSON from stdin; small letters'
run iotctl api DELETE mqtt/brokers/3
is '' "$out" 'api DELETE prints nothing'

# A name that looks like a field.
run iotctl broker create -- host=x
exits 2 'a name behind --'
has "$err" 'host: ' 'is no field'
# Names from stdin may be none at all, as with xargs -r.
iotctl broker delete - --yes </dev/null >out.txt 2>err.txt
is '0 ' "$? $(cat out.txt err.txt)" 'no names on stdin: nothing to do'
run iotctl broker delete --yes
exits 2 'no names at all: 2'
done_testing
