#!/bin/sh
# Lists that change while they are read, and backends that ignore what they are asked for.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

start_django size=3
printf 'device-password\n' >pw
chmod 600 pw
iotctl broker create B host=h >/dev/null
for n in 1 2 3 4 5 6 7; do
	iotctl device create "D$n" nombre="Nodo $n" tipo=esp32 ubicacion=x >/dev/null
	sqlite3 "$T/django/db" "PRAGMA busy_timeout = 5000; UPDATE plataforma_device
		SET created_at = '2026-01-0$n 00:00:00' WHERE identificador_unico = 'D$n'" >/dev/null
done
all() { printf '%s\n' "$out" | sed 's/.*"identificador_unico": *"\([^"]*\)".*/\1/' | tr '\n' ' '; }
first='GET /api/devices/?page_size'
iotctl device create gone nombre=x tipo=esp32 ubicacion=x >/dev/null

# The newest comes first, and goes when the first page is out: the others move up by one.
: >"$log"
spoil "$first delete=device:identificador_unico:gone"
run iotctl device list -o ndjson --columns identificador_unico
is '0 D1 D2 D3 D4 D5 D6 D7 gone' "$status $(all | tr ' ' '\n' | sort | xargs)" \
	'what was deleted while a list was read hides none, and none comes twice'
is '' "$err" 'and nothing is to be told'
is 2 "$(requests '^GET /api/devices/?page_size')" 'as the list was read again'
iotctl device create gone nombre=x tipo=esp32 ubicacion=x >/dev/null
spoil "$first delete=device:identificador_unico:gone"
run iotctl export device -o ndjson
is 0 "$status" 'export'
is 'D1 D2 D3 D4 D5 D6 D7 ' "$(printf '%s\n' "$out" | jq -r .identificador_unico | sort | tr '\n' ' ')" \
	'writes what is there, not what is gone'
iotctl device create gone nombre=x tipo=esp32 ubicacion=x >/dev/null
spoil "$first delete=device:identificador_unico:gone"
run iotstatus --by tipo -w 90:
has "$out" '0/7 devices online' 'iotstatus counts what is there'

# A page that was there when the one before it named it.
for n in 8 9 10; do iotctl device create "D$n" nombre=x tipo=esp32 ubicacion=x >/dev/null; done
spoil 'GET /api/devices/?ordering=-created_at&page=4 404'
run iotctl device list -o ndjson --columns identificador_unico
is '0 10' "$status $(all | wc -w)" 'a page that is gone: the list is read again'
spoil 'GET /api/devices/?ordering=-created_at&page=4 404' 'GET /api/devices/?ordering=-created_at&page=4 404' \
	'GET /api/devices/?ordering=-created_at&page=4 404'
says_on() { # STATUS PART 'sentence' COMMAND...: whatever is on stdout
	wanted=$1 part=$2 sentence=$3
	shift 3
	run "$@"
	exits "$wanted" "$sentence"
	has "$err" "$part" "  says: $part"
}
says_on 1 "may not be whole: its page 4 was gone" 'one that is gone each time' iotctl device list
printf '{kind: device, identificador_unico: D1, nombre: N1}\n' >one.yaml
spoil 'GET /api/devices/?ordering=created_at&page=4 404' 'GET /api/devices/?ordering=created_at&page=4 404' \
	'GET /api/devices/?ordering=created_at&page=4 404'
says_on 1 'its page 4 was gone' 'is not taken for a platform without devices' iotctl apply -f one.yaml
for n in 8 9 10; do iotctl device delete "D$n" --yes --quiet; done

# What is made meanwhile.
spoil "$first copy=device:identificador_unico:E1"
run iotctl device list -o ndjson --columns identificador_unico
is '0 7' "$status $(all | wc -w)" 'what is made while a list is read is no error'
iotctl device delete E1 --yes --quiet

# Deleted each time.
for n in 1 2 3; do iotctl device create "gone$n" nombre=x tipo=esp32 ubicacion=x >/dev/null; done
spoil "$first delete=device:identificador_unico:gone1" "$first delete=device:identificador_unico:gone2" \
	"$first delete=device:identificador_unico:gone3"
says_on 1 'may not be whole: it shrank while it was read' 'a list that changes each time' iotctl device list

# A backend that ignores the order as well.
restart size=3 shuffle unordered
for n in 1 2 3 4 5 6 7 8 9 10; do iotstatus --by tipo -w 90: >>unordered 2>&1; done
is '' "$(grep 'devices online' unordered | grep -v '0/7 ')" 'iotstatus gives no number that is wrong of an unordered list'
ok 'but UNKNOWN' grep -q 'IOT UNKNOWN - .*is not whole' unordered

# Filters.
restart size=3 unfiltered dated
iotctl sensor create nombre=S tipo=gas unidad_medida=ppm rango_min=0 rango_max=9 >/dev/null
iotctl sensor create nombre=S2 tipo=temperatura unidad_medida=ppm rango_min=0 rango_max=9 >/dev/null
iotctl device assign D1 S >/dev/null
iotctl device assign D2 S >/dev/null
for t in 2020-01-01T00:00:00Z 2025-06-01T12:00:00Z; do
	iotctl reading create device=D1 sensor=S valor=1 timestamp=$t --api-tz America/Mexico_City >/dev/null
done
iotctl reading create device=D2 sensor=S valor=2 --api-tz America/Mexico_City >/dev/null
count() { iotctl "$@" -o csv --no-header 2>"$T/said" | wc -l; }
export IOT_API_TZ=America/Mexico_City
is 3 "$(count reading list)" 'the list has three'
is 0 "$(count reading list fecha_inicio=2030-01-01)" 'none is from 2030 on'
is 1 "$(count reading list --since 1h)" 'one of the last hour'
is '' "$(cat said)" 'and nothing is to be told'
is 1 "$(count reading list fecha_fin=2020-12-31)" 'one until 2020'
is 1 "$(count reading list fecha_inicio=2025-06-01T12:00:00Z fecha_fin=2025-06-01T12:00:00Z)" 'both ends count'
is 0 "$(count reading list fecha_inicio=2025-06-01T12:00:01Z fecha_fin=2026-01-01)" 'to the second'
is 1 "$(count reading list 'fecha_inicio=2025-06-01 06:00:00' fecha_fin=2025-06-02)" \
	"a time without a zone is the backend's own"
is 0 "$(count reading list 'fecha_inicio=2025-06-01 06:00:01' fecha_fin=2025-06-02)" '  to the second'
is 2 "$(count reading list --device D1)" 'of one device'
unset IOT_API_TZ
is 0 "$(count reading list fecha_inicio=2030-01-01)" 'without a zone what cannot be in it is left out'
is 1 "$(count reading list --since 1h)" 'as well by --since'
has "$(cat said)" 'only the API knows: its times name no zone' 'and what may be is told'
is 0 "$(count broker list active_only=yes nombre=x)" 'any filter'
is 7 "$(count device list tipo=esp32)" 'of devices'
is 0 "$(count device list tipo=arduino)" '  too'
is 1 "$(count sensor list tipo=gas)" 'of sensors'
iotctl credential create device=D1 client_id=D1 username=device_D1 password@pw >/dev/null
iotctl credential create device=D2 client_id=D2 username=device_D2 password@pw >/dev/null
is device_D2 "$(iotctl acl export D2 -o emqx | grep -o 'device_D[0-9]' | sort -u)" \
	"acl show has the device's own account"
has "$(iotctl doctor D3 -o csv 2>&1 | grep 'last reading')" 'there is none' "doctor takes no other device's reading"
sqlite3 "$T/django/db" "PRAGMA busy_timeout = 5000; UPDATE plataforma_device SET connection_status = 'online' WHERE id % 2 = 0" >/dev/null
is "$(sqlite3 "$T/django/db" "SELECT count(*) FROM plataforma_device WHERE connection_status = 'online'")" \
	"$(iotstatus --list online | wc -l)" 'iotstatus --list has those of that state only'

# --since.
restart size=3 dated
for d in 0 0s 0.0001s; do says 2 "is too short: 1 ms at least" "--since $d" iotctl reading list --since $d; done
: >"$log"
iotctl reading list --since 1h -o csv >/dev/null 2>&1
has "$(cat "$log")" 'fecha_fin=' 'the period of --since has an end'
: >"$log"
iotctl reading list --since 1h fecha_fin=2026-01-01 -o csv >/dev/null 2>&1
is 1 "$(grep -o 'fecha_fin=' "$log" | wc -l)" 'which may be given'

# A dry run of an import, which stored all of it.
{
	echo '{"received_at":"2026-01-01T09:00:00Z","device_id":"D1","sensor":"gas","value":2}'
	echo '{"received_at":"2026-01-01T09:00:00Z","device_id":"none","sensor":"gas","value":2}'
} >lines
iotctl sensor set S mqtt_topic_suffix=gas >/dev/null
: >"$log"
run iotctl reading import lines -n
exits 1 'reading import -n of two lines, one of them wrong'
has "$out" 'POST /api/readings/bulk/ {"lecturas":[{' 'shows the request'
has "$out" 'readings to import: 1, lines to skip: 1' 'and what it would do'
is 0 "$(requests '^POST /api/readings/')" 'and sends none'
run iotctl reading import lines --accept-server-time
has "$out" 'readings imported: 1, lines skipped: 1' 'nor does it remember the file as done'
done_testing
