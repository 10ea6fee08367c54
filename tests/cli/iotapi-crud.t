#!/bin/sh
# Every resource of iotapi: create, get, set, delete, lists, and refusals in the platform's shapes.
# slow: hundreds of requests, each a process of curl
# shellcheck disable=SC2119 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
token=$(iotapi token create admin --db "$db")
# ask METHOD PATH [JSON]: $status is HTTP's, $out the body, $T/.head the header.
ask() {
	status=$(curl -sS -o "$T/.out" -D "$T/.head" -w '%{http_code}' -X "$1" \
		-H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		${3+-d "$3"} "$api$2")
	out=$(cat "$T/.out")
}
gives() { # gives STATUS BODY SENTENCE
	is "$1 $2" "$status $out" "$3"
}
keys() { printf %s "$out" | jq -r "$1 | keys_unsorted | join(\" \")"; }
field() { printf %s "$out" | jq -c "$1"; }

ask GET /api/mqtt/device-status/
gives 200 '{"total_mqtt_devices":0,"online":0,"offline":0,"error":0,"percentage_online":0.0}' 'an empty fleet'

# Brokers: the guide's own first step.
ask POST /api/mqtt/brokers/ '{"nombre":"EMQX Production","host":"127.0.0.1","port":1,"protocol":"mqtt","username":"admin","password":"public","keepalive":60,"is_active":true}'
exits 201 "the guide's broker"
is 'id nombre host port protocol protocol_display username keepalive clean_session use_tls ca_cert is_active created_at updated_at' \
	"$(keys .)" "its keys in the platform's order, no password"
has "$(cat "$T/.head")" 'Location: /api/mqtt/brokers/1/' 'Location on 201'
ask POST /api/mqtt/brokers/ '{"nombre":"EMQX Production","host":"x"}'
gives 400 '{"nombre":["broker with this nombre already exists."]}' 'a name twice'
ask POST /api/mqtt/brokers/ '{"nombre":"","host":"","port":0,"protocol":"tcp","keepalive":9,"clean_session":"si","use_tls":null,"colour":1}'
gives 400 '{"nombre":["This field may not be blank."],"host":["This field may not be blank."],"port":["Ensure this value is greater than or equal to 1."],"protocol":["\"tcp\" is not a valid choice."],"keepalive":["Ensure this value is greater than or equal to 10."],"clean_session":["Must be a valid boolean."],"use_tls":["This field may not be null."],"colour":["Unknown field."]}' \
	'all wrong fields at once'
ask POST /api/mqtt/brokers/ '{}'
gives 400 '{"nombre":["This field is required."],"host":["This field is required."]}' 'required fields'
ask PATCH /api/mqtt/brokers/1/ '{"port":"2","password":"public","id":7,"created_at":"x"}'
is '200 2 1' "$status $(field .port) $(field .id)" 'PATCH; read-only fields sent back are left alone'
# Its password could be read where the broker is moved to.
moved() { printf '{"%s":["The broker has a password: send it too when this changes."]}' "$1"; }
for move in '"host":"mine.example"' '"port":1884' '"protocol":"mqtts"' '"use_tls":true' '"ca_cert":"x"'; do
	name=${move#?}
	case $move in
	'"host"'*) rest='"nombre":"EMQX Production"' ;;
	*) rest='"nombre":"EMQX Production","host":"127.0.0.1"' ;;
	esac
	for method in PATCH PUT; do
		ask $method /api/mqtt/brokers/1/ "{$rest,$move}"
		gives 400 "$(moved "${name%%\"*}")" "$method of $move without the password"
	done
done
ask GET /api/mqtt/brokers/1/
is '200 "127.0.0.1 2 mqtt false null"' "$status $(field '[.host,.port,.protocol,.use_tls,.ca_cert|tostring]|join(" ")')" 'nothing of that is done'
ask PATCH /api/mqtt/brokers/1/ '{"host":"127.0.0.1","port":2,"protocol":"mqtt","use_tls":false,"ca_cert":"","keepalive":61}'
is '200 61' "$status $(field .keepalive)" 'where it is already is no move'
ask PATCH /api/mqtt/brokers/1/ '{"host":"localhost","password":null}'
exits 200 'the password may go instead'
ask PATCH /api/mqtt/brokers/1/ '{"host":"127.0.0.1"}'
exits 200 'then the broker goes anywhere'
ask PATCH /api/mqtt/brokers/1/ '{"password":"public","keepalive":60}'
ask PUT /api/mqtt/brokers/1/ '{"nombre":"P"}'
gives 400 '{"host":["This field is required."]}' 'PUT needs the required fields'
ask PUT /api/mqtt/brokers/1/ '{"nombre":"EMQX Production","host":"127.0.0.1"}'
is '200 2' "$status $(field .port)" 'and keeps the others'
ask POST /api/mqtt/brokers/1/deactivate/
gives 200 '{"message":"Broker EMQX Production deactivated successfully"}' 'deactivate'
ask POST /api/mqtt/brokers/1/deactivate/
exits 200 'twice'
ask POST /api/mqtt/brokers/9/activate/
gives 404 '{"detail":"Not found."}' 'an unknown one'
ask POST /api/mqtt/brokers/ "{\"nombre\":\"'; DROP TABLE broker; --\",\"host\":\"%_\\\\\",\"is_active\":false}"
exits 201 'a hostile name is only a name'

# Topics.
ask POST /api/mqtt/topics/ '{"nombre":"Datos","topic_pattern":"iot/sensors/{device_id}/data","tipo":"publish"}'
exits 201 'a topic'
is '1 "At least once (1)" "Publish" ""' "$(field .qos) $(field .qos_display) $(field .tipo_display) $(field .descripcion)" 'its presets and labels'
ask POST /api/mqtt/topics/ '{"nombre":"Comandos","topic_pattern":"iot/devices/{device_id}/commands","tipo":"subscribe","qos":2}'
exits 201 'another'
ask POST /api/mqtt/topics/ '{"nombre":"x","topic_pattern":"a/{colour}","qos":3}'
exits 400 'a template with an unknown variable'
has "$out" '"qos":["\"3\" is not a valid choice."]' 'and a QoS of 3'
ask GET /api/mqtt/topics/publish_topics/
is '200 ["Datos"]' "$status $(field '[.[].nombre]')" 'publish_topics'
ask GET /api/mqtt/topics/subscribe_topics
is '200 ["Comandos"]' "$status $(field '[.[].nombre]')" 'subscribe_topics'

# Devices, sensors.
ask POST /api/devices/ '{"nombre":"Nodo 1","tipo":"esp32","identificador_unico":"ESP32_001","ubicacion":"Invernadero"}'
exits 201 'a device'
is 'id nombre tipo tipo_display identificador_unico ubicacion estado estado_display descripcion mqtt_enabled mqtt_client_id last_seen connection_status connection_status_display sensores_asignados cantidad_sensores created_at updated_at' \
	"$(keys .)" 'its keys'
is 'true "offline" []' "$(field .mqtt_enabled) $(field .connection_status) $(field .sensores_asignados)" 'MQTT is on'
for id in 'a/b' 'a+' '#' 'a b' '' "$(printf '%065d' 0)"; do
	ask POST /api/devices/ "{\"nombre\":\"n\",\"tipo\":\"esp32\",\"identificador_unico\":\"$id\",\"ubicacion\":\"x\"}"
	is '400 ["identificador_unico"]' "$status $(field keys)" "the id '$id' is refused"
done
ask POST /api/devices/ '{"nombre":"n","tipo":"esp32","identificador_unico":"a\nb","ubicacion":"x"}'
exits 400 'so is one with a line end'
ask POST /api/sensors/ '{"nombre":"T","tipo":"temperatura","unidad_medida":"°C","rango_min":-10,"rango_max":50,"mqtt_topic_suffix":"temperature"}'
is '201 -10.0 50.0 "°C"' "$status $(printf %s "$out" | sed 's/.*"rango_min":\([^,]*\),"rango_max":\([^,]*\),.*/\1 \2/') $(field .unidad_medida)" 'a sensor; floats keep their point'
ask POST /api/sensors/ '{"nombre":"T","tipo":"temperatura","unidad_medida":"C","rango_min":5,"rango_max":5}'
gives 400 '{"non_field_errors":["rango_min must be less than rango_max."]}' 'a range that is none'
ask PATCH /api/sensors/1/ '{"rango_min":60}'
exits 400 'also against the stored end'
ask POST /api/devices/1/assign_sensor/ '{"sensor_id":1,"configuracion_json":{"pin":4,"f":0.1}}'
is '201 {"pin":4,"f":0.1} "T"' "$status $(field .asignacion.configuracion_json) $(field .asignacion.sensor_detail.nombre)" 'assign_sensor'
ask POST /api/devices/1/assign_sensor/ '{"sensor_id":1}'
gives 400 '{"error":"The sensor is already assigned to this device"}' 'twice'
ask POST /api/devices/1/assign_sensor/ '{"sensor_id":"1abc"}'
gives 400 '{"sensor_id":["The sensor does not exist."]}' 'a number with letters is none'
ask POST /api/devices/1/assign_sensor/ '{"sensor_id":9}'
gives 400 '{"sensor_id":["The sensor does not exist."]}' 'an unknown one'
ask DELETE /api/sensors/1/
gives 409 '{"detail":"This sensor is still used (device): delete that first.","code":"protected"}' 'a sensor in use stays'
ask DELETE /api/devices/1/remove_sensor/
gives 400 '{"error":"The parameter sensor_id is required"}' 'remove_sensor without one'
ask DELETE '/api/devices/1/remove_sensor/?sensor_id=9'
gives 404 '{"error":"The assignment does not exist"}' 'with another'
ask DELETE '/api/devices/1/remove_sensor/?sensor_id=1'
gives 200 '{"message":"Sensor removed successfully"}' 'remove_sensor answers 200'
ask POST /api/devices/1/assign_sensor/ '{"sensor_id":"1"}'
exits 201 'and it can be assigned again'

# Credentials.
ask POST /api/mqtt/credentials/ '{"dispositivo":1,"client_id":"ESP32_001","username":"device_001","password":"secure_password","is_active":true}'
is '201 id dispositivo dispositivo_nombre client_id username has_password use_device_cert client_cert has_cert is_active created_at updated_at' \
	"$status $(keys .)" "the guide's credentials, no secret in the answer"
ask POST /api/mqtt/credentials/ '{"dispositivo":1,"client_id":"ESP32_001","username":"u","password":"p"}'
gives 400 '{"dispositivo":["credential with this dispositivo already exists."],"client_id":["credential with this client_id already exists."]}' 'twice'
ask POST /api/mqtt/credentials/ '{"dispositivo":9,"client_id":"c","username":"u","password":""}'
gives 400 '{"password":["This field may not be blank."],"dispositivo":["Invalid pk \"9\" - object does not exist."]}' 'no such device, no password'
ask PATCH /api/mqtt/credentials/1/ '{"client_cert":"-----BEGIN","client_key":"k"}'
is '200 true' "$status $(field .has_cert)" 'has_cert once certificate and key are there'

# Device configuration.
ask POST /api/mqtt/device-config/ '{"dispositivo":1,"broker":1,"publish_topic":1,"subscribe_topics":[2,2],"publish_interval":60,"qos":1,"auto_reconnect":true}'
is '201 id dispositivo dispositivo_nombre broker broker_nombre publish_topic publish_topic_nombre subscribe_topics publish_interval qos qos_display retain auto_reconnect last_connection connection_status connection_status_display metadata_json is_active created_at updated_at' \
	"$status $(keys .)" "the guide's configuration"
is '[2]' "$(field .subscribe_topics)" 'duplicates collapse'
ask GET /api/mqtt/device-config/1/
is 'true ["Comandos"] "EMQX Production"' "$(field 'has("broker_nombre") | not') $(field '[.subscribe_topics_detail[].nombre]') $(field .broker_detail.nombre)" 'the detail is nested instead'
ask PATCH /api/mqtt/device-config/1/ '{"publish_topic":null}'
is 'false null' "$(field 'has("publish_topic_nombre")') $(field .publish_topic)" 'without topic its name is absent'
ask POST /api/mqtt/device-config/ '{"dispositivo":9,"broker":1,"subscribe_topics":[7]}'
gives 400 '{"dispositivo":["Invalid pk \"9\" - object does not exist."],"subscribe_topics":["Invalid pk \"7\" - object does not exist."]}' 'unknown references'
ask PATCH /api/mqtt/device-config/1/ '{"subscribe_topics":3}'
gives 400 '{"subscribe_topics":["Expected a list of items but got type \"int\"."]}' 'no list'
ask POST /api/mqtt/device-config/1/update_connection_status/ '{"status":"connected"}'
is '200 "connected"' "$status $(field .config.connection_status)" 'update_connection_status'
ask GET /api/mqtt/device-status
gives 200 '{"total_mqtt_devices":1,"online":1,"offline":0,"error":0,"percentage_online":100.0}' 'which the device mirrors'
ask POST /api/mqtt/device-config/1/update_connection_status/ '{"status":"up"}'
gives 400 '{"error":"Invalid status. Use: connected, disconnected or error"}' 'an unknown status'
ask DELETE /api/mqtt/topics/2/
exits 409 'a topic in a list of references stays'

# Readings.
ask POST /api/readings/ '{"dispositivo":1,"sensor":1,"valor":21.5,"timestamp":"2026-01-02T03:04:05+01:00","metadata_json":{"a":[1,0.1,"é"]}}'
is '201 21.5 "2026-01-02T02:04:05.000000Z" {"a":[1,0.1,"é"]}' "$status $(field .valor) $(field .timestamp) $(field .metadata_json)" 'a sent timestamp is kept'
ask POST /api/readings/ '{"dispositivo":1,"sensor":1,"valor":50.01}'
gives 400 '{"non_field_errors":["The value 50.01 is outside the sensor'"'"'s range (-10 to 50)."]}' 'outside the range'
ask POST /api/readings/ '{"dispositivo":1,"sensor":1,"valor":"warm","timestamp":"yesterday"}'
is '400 ["valor","timestamp"]' "$status $(field keys_unsorted)" 'no number, no time'
ask POST /api/readings/bulk/ '{"lecturas":[{"dispositivo":1,"sensor":1,"valor":1},{"dispositivo":1,"sensor":1,"valor":0.1}]}'
gives 201 '{"message":"2 readings created successfully","count":2}' 'bulk'
ask POST /api/readings/bulk/ '{"lecturas":[{"dispositivo":1,"sensor":1,"valor":1},{"dispositivo":1,"sensor":1,"valor":99},{}]}'
is '400 [[],["non_field_errors"],["dispositivo","sensor","valor"]]' "$status $(field '[.lecturas[]|keys]')" 'wrong ones by their place'
ask POST /api/readings/bulk/ '[]'
gives 400 '{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}' 'a list is refused'
ask GET /api/readings/
is 3 "$(field .count)" 'and nothing of a wrong bulk was stored'
ask PATCH /api/readings/1/ '{}'
exits 405 'readings do not change'
has "$(cat "$T/.head")" 'Allow: GET' 'Allow says what there is'
ask DELETE /api/devices/1/
is '409 "This device is still used (credential, device-config, reading): delete that first."' "$status $(field .detail)" 'a device in use stays'

# Lists.
for i in 1 2 3 4 5 6 7; do
	ask POST /api/mqtt/topics/ "{\"nombre\":\"t$i\",\"topic_pattern\":\"100%/t_$i\"}"
done
ask GET '/api/mqtt/topics/?page_size=4&tipo=both'
is '7 4 null' "$(field .count) $(field '.results|length') $(field .previous)" 'a page'
is "\"$api/api/mqtt/topics/?page=2&after=%5B%22t4%22%2C6%5D&page_size=4&tipo=both\"" "$(field .next)" \
	'the next one, with the place where it begins'
next=$(printf %s "$out" | jq -r .next)
ask GET "${next#"$api"}"
is "3 \"$api/api/mqtt/topics/?page_size=4&tipo=both\" null" "$(field '.results|length') $(field .previous) $(field .next)" 'leads on, and back'
ask GET '/api/mqtt/topics/?page=last&page_size=2&ordering=-nombre'
is '["Comandos"]' "$(field '[.results[].nombre]')" 'page=last, ordering'
names=$(field '.count')
ask GET '/api/mqtt/topics/?page_size=3&ordering=-nombre'
seen=$(field '[.results[].nombre]')
second=$(printf %s "$out" | jq -r .next)
# What is made and deleted before the place moves nothing behind it.
ask DELETE "/api/mqtt/topics/$(printf %s "$out" | jq '.results[0].id')/"
ask POST /api/mqtt/topics/ '{"nombre":"zz1","topic_pattern":"zz1"}'
ask POST /api/mqtt/topics/ '{"nombre":"zz2","topic_pattern":"zz2"}'
ask GET "${second#"$api"}"
is '["t7","t6","t5"] ["t4","t3","t2"]' "$seen $(field '[.results[].nombre]')" 'a page behind a place'
is "$((names + 1)) \"$api/api/mqtt/topics/?page_size=3&ordering=-nombre\"" "$(field .count) $(field .previous)" 'counts all'
ask GET '/api/mqtt/topics/?after=%5B%22a%22%2C1%5D&page=99'
exits 200 'at a place the number does not matter'
for q in after=x after= 'after=%5B1%5D' 'after=%5B%22a%22%2C1%5D&ordering=nombre,created_at'; do
	ask GET "/api/mqtt/topics/?$q"
	gives 400 '{"after":["This is no place in a list of this order."]}' "$q"
done
for n in 1 2; do ask DELETE "/api/mqtt/topics/$(sqlite3 "$db" "SELECT id FROM topic WHERE nombre = 'zz$n'")/"; done
ask POST /api/mqtt/topics/ '{"nombre":"t7","topic_pattern":"100%/t_7"}'
for q in page=0 page=99 page=x; do
	ask GET "/api/mqtt/topics/?$q"
	gives 404 '{"detail":"Invalid page."}' "$q"
done
ask GET '/api/mqtt/topics/?search=100%25%20t_3'
is '["t3"]' "$(field '[.results[].nombre]')" 'search: every word, and % and _ mean themselves'
ask GET '/api/mqtt/topics/?search=DATOS'
is '["Datos"]' "$(field '[.results[].nombre]')" 'in any case'
ask GET '/api/mqtt/brokers/?active_only=true'
is 0 "$(field .count)" 'a flag'
ask GET '/api/mqtt/brokers/?active_only=false'
is 2 "$(field .count)" 'that says false'
for q in colour=1 page_size=0 page_size=1001 ordering=host protocol=tcp; do
	ask GET "/api/mqtt/brokers/?$q"
	is "400 [\"${q%%=*}\"]" "$status $(field keys)" "?$q is refused"
done
ask GET '/api/readings/?fecha_inicio=2026-01-02T02:04:05Z&fecha_fin=2026-01-02T02:04:05Z&dispositivo=1'
is 1 "$(field .count)" 'a period'
ask GET '/api/readings/?dispositivo=x&fecha_fin=ayer'
is '400 ["dispositivo","fecha_fin"]' "$status $(field keys)" 'filters that are none'
ask GET /api/mqtt/device-config/x/
gives 404 '{"detail":"Not found."}' 'an id that is no number'
ask GET /api/devices/99/
exits 404 'an id that is not there'
ask PATCH /api/devices/99/ 'nonsense'
exits 404 'the object comes before the body'

# Two decimals.
for i in 2 3 4; do
	ask POST /api/devices/ "{\"nombre\":\"n\",\"tipo\":\"otro\",\"identificador_unico\":\"D$i\",\"ubicacion\":\"x\",\"mqtt_enabled\":$([ $i = 4 ] && echo false || echo true)}"
done
ask GET /api/mqtt/device-status/
gives 200 '{"total_mqtt_devices":3,"online":1,"offline":2,"error":0,"percentage_online":33.33}' 'a third; without MQTT a device does not count'
ask PATCH /api/devices/2/ '{"connection_status":"online"}'
ask GET /api/mqtt/device-status/
is 66.67 "$(printf %s "$out" | sed 's/.*online"://; s/}//')" 'two thirds'

# Delete from the leaves.
for p in mqtt/device-config/1 mqtt/credentials/1 mqtt/topics/2 mqtt/brokers/1; do
	ask DELETE "/api/$p/"
	is '204 ' "$status $out" "DELETE $p"
done

# A list is counted once for all its pages, and again when anybody has written: each thread has its own
# connection, and a whole other process may be the writer.
counts() { for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do ask GET "/api/mqtt/topics/?page_size=1$1"; field .count; done | sort | uniq -c | tr -s ' '; }
empty() { sqlite3 "$db" 'PRAGMA busy_timeout = 5000; DELETE FROM topic' >/dev/null; }
empty
ask POST /api/mqtt/topics/ '{"nombre":"A","tipo":"publish","topic_pattern":"a"}'
is ' 12 1' "$(counts '')" 'counted'
ask POST /api/mqtt/topics/ '{"nombre":"B","tipo":"subscribe","topic_pattern":"b"}'
is ' 12 2' "$(counts '')" 'counted again after a request that wrote'
is ' 12 1' "$(counts '&tipo=publish')" 'for each filter'
is ' 12 1' "$(counts '&tipo=subscribe')" 'and its value'
is ' 12 0' "$(counts '&tipo=both')" 'the same'
is ' 12 2' "$(counts '')" 'and without one'
empty
is ' 12 0' "$(counts '')" 'after another process wrote, too'

# Metrics: what Prometheus reads, without promtool, too.
ask POST /api/mqtt/brokers/ '{"nombre":"a \"b\" \\","host":"127.0.0.1","port":1}'
is 201 "$status" 'a broker whose name has what a label escapes'
ask GET /metrics
is 200 "$status" '/metrics'
printf '%s\n' "$out" >metrics
has "$(tr -d '\r' <"$T/.head")" 'Content-Type: text/plain; version=0.0.4' 'is text'
is '' "$(awk '/^# HELP [a-z_]+ [A-Z].*[.]$/ { help = $3; next }
	/^# TYPE [a-z_]+ (counter|gauge)$/ && $3 == help && !seen[$3]++ {
		type = $3
		if (($4 == "counter") != ($3 ~ /_total$/)) print "name: " $0
		next
	}
	match($0, /^[a-z_]+/) && substr($0, 1, RLENGTH) == type &&
		/^[a-z_]+([{][a-z]+="([^"\\]|\\[n"\\])*"[}])? [0-9]+$/ { next }
	{ print }' metrics)" 'each line is help, type, or a sample of the type before it'
if command -v promtool >/dev/null; then
	ok 'promtool finds nothing' sh -c 'promtool check metrics <metrics 2>&1 | (! grep .)'
fi
ok 'a label is escaped' grep -qF 'iotapi_broker_up{broker="a \"b\" \\"} 0' metrics
is "$(curl -sS -H "Authorization: Bearer $token" "$api/api/mqtt/device-status/" | jq -r '"\(.online) \(.offline) \(.error)"')" \
	"$(sed -n 's/^iotapi_devices{status="\(online\|offline\|error\)"} //p' metrics | xargs)" 'devices by presence'
[ "$(sed -n 's/^iotapi_http_responses_total{code="4xx"} //p' metrics)" -gt 10 ]
tap $? 'answers are counted'
is 401 "$(curl -sS -o /dev/null -w '%{http_code}' "$api/metrics")" 'not for everybody'

# Readings that are deleted: by range, with their device, and by age.
ask POST /api/sensors/ '{"nombre":"Purge","tipo":"gas","unidad_medida":"x","rango_min":0,"rango_max":9}'
sensor=$(field .id)
for d in PA PB; do
	ask POST /api/devices/ "{\"nombre\":\"$d\",\"tipo\":\"otro\",\"identificador_unico\":\"$d\",\"ubicacion\":\"x\"}"
	eval "$d=$(field .id)"
	ask POST "/api/devices/$(field .id)/assign_sensor/" "{\"sensor_id\":$sensor}"
done
# of DEVICE: its readings, 3000 from 2026-01-01 on, a minute each.
of() {
	seq 0 2999 | jq -sc --argjson d "$1" --argjson s "$sensor" \
		'{lecturas: map({dispositivo: $d, sensor: $s, valor: 1, timestamp: (1767225600 + 60 * .) | todate})}' >bulk
	ask POST /api/readings/bulk/ @bulk
}
left() { curl -sS -H "Authorization: Bearer $token" "$api/api/readings/?dispositivo=$1" | jq .count; }
# shellcheck disable=SC2153 # set by eval
of "$PA"
of "$PB"
ask DELETE /api/readings/
gives 400 '{"fecha_fin":["Say up to when, or with fecha_inicio from when on."]}' 'not all readings by mistake'
ask DELETE "/api/readings/?dispositivo=$PA"
is 400 "$status" 'nor all of a device'
ask DELETE '/api/readings/?fecha_fin=2026-01-02&colour=1'
is 400 "$status" 'nor by what is no filter'
ask DELETE '/api/readings/?fecha_fin=yesterday'
gives 400 '{"fecha_fin":["Enter a valid date/time."]}' 'nor by what is no time'
is '3000 3000' "$(left "$PA") $(left "$PB")" 'nothing was deleted'
ask DELETE "/api/readings/?dispositivo=$PA&fecha_inicio=2026-01-01T00:01:00Z&fecha_fin=2026-01-02T16:39:00Z"
gives 200 '{"message":"2439 readings deleted","count":2439}' 'those of a range, in steps'
is '561 3000' "$(left "$PA") $(left "$PB")" 'and no others'
ask DELETE '/api/readings/?fecha_fin=2026-01-01T00:00:00Z'
gives 200 '{"message":"2 readings deleted","count":2}' 'of all devices'
ask DELETE "/api/devices/$PB/"
is '409 "protected"' "$status $(field .code)" 'a device with readings stays'
ask POST /api/mqtt/credentials/ "{\"dispositivo\":$PB,\"client_id\":\"PB\",\"username\":\"pb\",\"password\":\"x\"}"
login=$(field .id)
ask DELETE "/api/devices/$PB/?force=1"
gives 409 '{"detail":"This device is still used (credential): delete that first.","code":"protected"}' 'by force, while it has a login'
is 2999 "$(left "$PB")" 'with its readings'
ask DELETE "/api/mqtt/credentials/$login/"
ask DELETE "/api/devices/$PB/?force=no"
is 409 "$status" 'force=no is none'
ask DELETE "/api/devices/$PB/?force=1"
gives 204 '' 'by force, it goes with them'
is '0 560' "$(left "$PB") $(left "$PA")" 'and those of others stay'
plant "WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g WHERE value < 5000)
	INSERT INTO reading (dispositivo, sensor, valor, timestamp, metadata_json, mqtt_retained)
	SELECT $PA, $sensor, 1, strftime('%s', 'now', '-' || value || ' hours') * 1000000, '{}', 0 FROM g"
stop_api
rm -f "$T/api.url"
start_api --keep-readings 4d --verbose
token=$(iotapi token create admin --db "$db")
kept() { [ "$(left "$PA")" -le 96 ]; }
ok '--keep-readings deletes what is older' wait_for 20 kept
[ "$(left "$PA")" -ge 94 ]
tap $? 'and nothing else'
ok 'and tells it' wait_for 10 grep -q '[0-9] old readings deleted' "$T/api.log"
run iotapi --keep-readings 5m --db "$db"
is "2 iotapi: --keep-readings: '5m' is too short: 3600 s at least" "$status $err" 'an hour is the least'
done_testing
