#!/bin/sh
# Each habit of the Django backend that a client must survive, by name: what it sends.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

start_django size=3
for n in 1 2 3 4 5 6 7; do
	iotctl device create "D$n" nombre="Nodo $n" tipo=esp32 ubicacion=x >/dev/null
done
iotctl broker create B host=h >/dev/null
iotctl topic create T topic_pattern=a/b >/dev/null
seven='D1 D2 D3 D4 D5 D6 D7'
all_devices() { rows device list --columns identifier | sort | tr '\n' ' ' | sed 's/ $//'; }

# Pages.
is "$seven" "$(all_devices)" 'page-number pages: all of them'
for p in limit cursor none; do
	restart pages=$p size=3
	is "$seven" "$(all_devices)" "pages=$p: all of them"
done
is 1 "$(requests '^GET /api/devices/')" 'a plain array is one request'
restart size=3 next=http://backend.internal:9/inner
is "$seven" "$(all_devices)" 'next with another host and path: the configured origin is asked'
is 3 "$(requests '^GET /api/devices/.* 200 admin')" 'for each page'
restart size=3 next=https://evil.example
ok 'the list' env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=connect -o connects iotctl device list
is "htons(${api##*:})" "$(grep -o 'htons([0-9]*)' connects | sort -u)" \
	'next elsewhere: no connection but to the configured origin'

ASAN_OPTIONS=detect_leaks=0 strace -e trace=write,sendto -e signal=none -o calls iotctl device list -o ndjson >listed
is 1 "$(awk '/GET .api.devices/ { asked++ } /write\(1,/ { print asked; exit }' calls)" \
	'the first line is out before the second page is asked for'

# Readers that leave.
cat >left.py <<'END'
import os, subprocess, sys
r, w = os.pipe()
os.close(r)
sys.exit(subprocess.call(sys.argv[1:], stdout=w))
END
for f in table json ndjson csv yaml; do
	: >"$log"
	run python3 left.py iotctl device list -o "$f"
	exits 0 "$f: a reader that left is no error"
	is '' "$err" 'and nothing to tell of'
done
: >"$log"
run python3 left.py iotctl device list -o ndjson
is 1 "$(requests '^GET /api/devices/')" 'and the pages that nobody reads are not asked for'
iotctl topic set T descripcion="$(printf '%020000d' 0)" >/dev/null
run python3 left.py iotctl topic list -o json
is '0 ' "$status $err" 'nor is one who leaves in the middle of a long text'
iotctl device list -o yaml >/dev/full 2>full
is "7 iotctl: cannot write to standard output" "$? $(cat full)" 'a full disk is one'

# Pages that are not in the same order from one to the next.
restart size=2 shuffle
bare() { for p in 1 2 3 4; do iotctl api GET devices page=$p | jq '.results[].id'; done | sort -n | uniq -d; }
i=0
: >twice
while [ ! -s twice ] && [ $i -lt 20 ]; do
	bare >twice
	i=$((i + 1))
done
ok 'pages without an order have some rows twice (the control)' test -s twice
iotctl export device broker topic >shuffled.yaml
is 9 "$(grep -c '^kind:' shuffled.yaml)" 'export asks for an order: all rows once'
run iotctl diff --prune -f shuffled.yaml
exits 0 'so does diff'
is "$seven" "$(rows device list --sort created --columns identifier | sort | tr '\n' ' ' | sed 's/ $//')" \
	'and --sort'

for n in 1 2 3 4 5 6 7; do iotctl device-config create "D$n" broker=B >/dev/null; done
is 7 "$(iotctl device-config list -o ndjson | jq .id | sort -u | wc -l)" \
	'a list whose own order leaves equals asks for another'
for n in 1 2 3 4 5 6 7; do echo "D$n"; done | iotctl device-config delete - --yes --quiet

# The final slash and the base URL.
restart debug
for u in "$api" "$api/" "$api/api" "$api/api/"; do
	ok "base URL $(echo "$u" | sed "s#$api#http://host#")" iotctl broker list --api-url "$u"
done
ok 'missing slash: a POST gets its own' iotctl api POST mqtt/brokers nombre=C host=h
is 1 "$(requests '^POST /api/mqtt/brokers/ 201')" 'before it is sent'

# Errors.
says 6 'cannot create broker: nombre: Ya existe un/a Configuración de Broker con este/a Nombre.' \
	'Spanish texts' iotctl broker create B host=h
says 6 'lecturas[0].sensor: Este campo es requerido.' 'nested errors with a list index' \
	sh -c 'iotctl api POST readings/bulk "{\"lecturas\":[{\"dispositivo\":1}]}" 2>&1 >/dev/null |
		grep -F "lecturas[0].sensor" >&2; exit 6'
says 6 "acl_rules[0]: Cada regla ACL debe tener el campo 'topic'" 'errors under a number' \
	iotctl api POST mqtt/emqx-users/create_with_acl \
	'{"username":"u","password":"12345678","acl_rules":[{"permission":"allow","action":"all"}]}'
says 6 'No se puede iniciar sesión' 'non_field_errors' sh -c \
	'iotctl api POST auth/login username=x password=y'
iotctl device-config create D1 broker=B >/dev/null
says 6 'Estado invalido. Use: connected, disconnected o error' 'an "error" body' iotctl api POST \
	"mqtt/device-config/$(rows device-config get D1 --columns id)/update_connection_status" status=up
says 3 'Page not found at /api/nothing/here/' 'HTML 404 with debugging on: one line' iotctl api GET nothing/here
says 5 'ValueError at /api/mqtt/topics/' 'a 500 with its traceback: one line' \
	iotctl api GET mqtt/topics qos=x
restart
says 3 'Not Found' 'HTML 404 with debugging off' iotctl api GET nothing/here
says 5 'failed (500)' 'HTML 500 with debugging off' iotctl api GET mqtt/topics qos=x
run iotctl device create "E1" nombre="$(printf 'a\033[31mb')" tipo=esp32 ubicacion=x
without "$(iotctl api GET devices/99 2>&1; iotctl device list)" "$(printf '\033')" \
	"a server's escapes are made visible"

# Fields that the server ignores, and what it adds of its own.
run iotctl device create E2 nombre=x tipo=esp32 ubicacion=x mqtt_client_id=mine
exits 1 'an ignored field of create'
has "$err" 'ignored mqtt_client_id: it has "device_E2", not "mine"' 'is told'
has "$out" "created device 'E2'" 'with what was done'
run iotctl reading create dispositivo=1 sensor=1 valor=1
exits 6 'a reading without its sensor'
iotctl sensor create nombre=S tipo=gas unidad_medida=ppm rango_min=0 rango_max=9 >/dev/null
iotctl device assign D1 S >/dev/null
run iotctl reading create device=D1 sensor=S valor=1 timestamp=2020-01-01T00:00:00Z --api-tz UTC
exits 1 'a timestamp that the server overwrites'
has "$err" 'ignored timestamp: it has "20' 'is told'
ok 'what is equal but for blanks at its end' iotctl broker set B host='h ' port=1883
: >"$log"
has "$(iotctl broker set B ca_cert@"$top/tests/cli/quirks.t")" changed 'a text whose end the server trims'
has "$(iotctl broker set B ca_cert@"$top/tests/cli/quirks.t")" unchanged 'is the same afterwards'
is 1 "$(requests '^PATCH')" 'and sent once'
iotctl broker set B ca_cert:=null >/dev/null
restart ignore=publish_interval
run iotctl device-config set D1 publish_interval=77
exits 1 'an ignored field of set'
has "$err" 'ignored publish_interval: it has 60, not 77' 'is told'
is '' "$out" 'and nothing is said to be changed'
iotctl topic create Ordenes tipo=subscribe topic_pattern='iot/devices/{device_id}/commands' >/dev/null
run iotctl device provision P1 broker=B publish_interval=77
exits 1 'an ignored field of provision'
has "$out" 'ignored publish_interval: it has 60, not 77' 'is told'
run iotctl device get P1
exits 3 'and all of the device taken back'
printf '{kind: device-config, dispositivo: D1, broker: B, publish_interval: 77}\n' >ignored.yaml
run iotctl apply -f ignored.yaml
exits 1 'an ignored field of apply'
has "$err" 'ignored publish_interval: it has 60, not 77' 'is told'
restart

# Rules that are the same in all but their number.
rule='{"emqx_user":1,"username":"device_D1","permission":"allow","action":"all","topic":"x/y"}'
for n in 1 2; do iotctl api POST mqtt/emqx-acl "$rule" >/dev/null; done
: >"$log"
iotctl export emqx-acl emqx-user device | iotctl apply --prune --yes -f - >applied 2>&1
is 0 $? 'export | apply --prune with the same rule twice'
is '0 0' "$(grep -c '^\(created\|changed\|deleted\)' applied) $(requests '^\(POST\|PATCH\|DELETE\)')" 'changes nothing'
rows emqx-acl list topic=x/y --columns id | iotctl emqx-acl delete - --yes --quiet

# Resources that not every backend has.
is 5 "$(rows emqx-acl list username=device_D1 | wc -l)" 'a device brings its EMQX rules'
is device_D1 "$(rows emqx-user list device=D1 --columns username)" 'and its EMQX user'
printf 'long-enough\n' >pw
chmod 600 pw
ok 'user create' iotctl user create ana role=operador email=a@example.org password@pw
is 'ana' "$(rows user list role=operador active=yes --search ana --columns username)" 'user list'
is 'Operador' "$(iotctl role get operador --columns name --no-header | sed 's/.* //')" \
	"a choice in the server's word"

# Times.
iotctl api GET devices/1 | jq -r .created_at >sent
is "$(cat sent)" "$(rows device get 1 --columns created)" 'times in machine formats are as sent'
is "created_at  $(cat sent)" "$(iotctl device get 1 --columns created)" 'of an unknown zone, in tables too'
is "created_at  $(TZ=Asia/Tokyo date -d "TZ=\"America/Mexico_City\" $(cat sent)" '+%F %T')" \
	"$(env TZ=Asia/Tokyo IOT_API_TZ=America/Mexico_City iotctl device get 1 --columns created)" \
	"with a zone, in the user's"
iotctl device set D1 last_seen='2020-01-02 03:04:05' >/dev/null
is '2020-01-02 03:04:05' "$(rows device get D1 --columns last_seen)" \
	"a time that is typed without a zone is the backend's own"
zoned() { env IOT_API_TZ=America/Mexico_City "$@"; }
has "$(zoned iotctl device set D1 last_seen='2020-01-02T03:04:05')" unchanged 'written otherwise it is the same'
has "$(zoned iotctl device set D1 last_seen=2020-01-02T09:04:05Z)" unchanged 'so it is with its zone'
has "$(zoned iotctl device set D1 last_seen=2020-01-02T03:04:05Z)" changed 'another zone is another time'
is '2020-01-01 21:04:05' "$(rows device get D1 --columns last_seen)" 'which the backend has in its own'
is D1 "$(zoned iotctl device list last_seen=2020-01-02T03:04:05Z -o csv --no-header --columns identifier)" \
	'a filter by it finds it'
says 2 "'Mexico' is no time zone" 'a zone that is none' iotctl device list --api-tz Mexico

# Filters that the backend takes for something else, or dies of.
for f in fecha_inicio=ayer fecha_fin=2026-13-45 'fecha_fin=2026-01-01 99:00' fecha_inicio=; do
	says 2 "' is no time such as" "a filter that would be a 500: $f" iotctl reading list "$f"
done
says 2 "'maybe' is neither yes nor no" 'a flag that only is there or not' iotctl broker list active_only=maybe
for f in fecha_inicio=2020-01-01 'fecha_inicio=2020-01-01 00:00:00' fecha_inicio=2020-01-01T00:00:00+02:00; do
	is 1 "$(rows reading list "$f" | wc -l)" "$f"
done

# Cascades.
iotctl device-config create D2 broker=B publish_topic=T subscribe_topics=T >/dev/null
run iotctl topic delete T --yes
has "$err" "topic 'T' is used by device-config 'Nodo 2' as publish_topic, device-config 'Nodo 2' as" \
	'what a topic hangs on is shown'
run iotctl broker delete B --yes
has "$err" "broker 'B' is used by 2 device-configs (Nodo" 'and what the backend deletes with a broker'
is '[]' "$(iotctl device-config list --json)" 'as it does'
iotctl broker create B host=h >/dev/null
done_testing
