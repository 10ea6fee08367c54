#!/bin/sh
# iotstatus against the Django backend: pages of 50 whatever one asks for, local times without a zone, a column
# that nothing writes.
# needs: django
. "$(dirname "$0")/../lib.sh"
start_django

run iotstatus -w 90:
exits 3 'a fleet without devices'
has "$out" 'IOT UNKNOWN - no devices speak MQTT' 'is UNKNOWN'
sql() { sqlite3 "$T/django/db" "PRAGMA busy_timeout = 5000; $1" >/dev/null; }
iotctl device create nombre=Nodo tipo=esp32 identificador_unico=DJ_001 ubicacion=Sala >/dev/null
columns=$(sqlite3 "$T/django/db" "SELECT group_concat(name) FROM pragma_table_info('plataforma_device')
	WHERE name NOT IN ('id', 'nombre', 'identificador_unico', 'mqtt_client_id')")
sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
	INSERT INTO plataforma_device (nombre, identificador_unico, $columns)
	SELECT 'Nodo ' || i, printf('DJ_%03d', i), $columns FROM n, plataforma_device WHERE identificador_unico = 'DJ_001'"
run iotstatus
is '0/120 devices online (0.00%)' "$out" 'device-status'
sql "UPDATE plataforma_device SET connection_status = 'online', last_seen = datetime('now') WHERE id % 4 <> 0"
run iotstatus -w 75: -c 50:
exits 0 'three quarters'
has "$out" '90/120 devices online (75.00%), 30 offline' 'are 75.00'
is '30 30' "$(iotstatus --list never | wc -l) $(iotstatus --list never | sort -u | wc -l)" 'each device of all pages once'
run iotstatus --by tipo -w 80:
exits 1 '--by'
has "$out" 'esp32 WARNING: 90/120 devices online (75.00%), 30 never connected, wanted 80:' 'counts all pages'
is '' "$err" 'times without a zone are no matter where none is looked at'
run iotstatus --max-age 10m --api-tz America/Mexico_City
exits 0 'fresh in their own zone'
run iotstatus --max-age 10m
exits 1 'taken for UTC they are hours old'
has "$err" 'say which with --api-tz' 'and it is said why'
run iotstatus --max-age 10m --api-tz America/Los_Angeles
exits 1 'nor do hours ahead pass for fresh'
has "$out" '90 stale' 'in a zone that is wrong the other way'
run iotstatus -v
has "$out" "seen by 'admin' (superuser: all devices)" 'whose view it is'
done_testing
