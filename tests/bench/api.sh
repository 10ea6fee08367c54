#!/bin/sh
# iotapi against Django REST Framework under gunicorn with two workers, both on SQLite as durable as it can be, by turns;
# and what only iotapi does: readings from MQTT, pages while they come in, memory. api.sh [ROUNDS]. Rows as the other
# benches'.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fleet.sh
. "$top/tests/fleet.sh"
rounds=${1:-3}
feed=$build/tests/bench/feed load=$build/tests/bench/http_load
[ -x "$load" ] || { echo "no $load: make bench builds it" >&2; exit 2; }

row() { # row WHAT OURS PEER FIGURE AIM least|most
	awk -v what="$1" -v ours="$2" -v peer="$3" -v x="$4" -v aim="$5" -v way="$6" 'BEGIN {
		good = way == "least" ? x + 0 >= aim + 0 : x + 0 <= aim + 0
		printf "%s\t%s\t%s\t%.4g\t%s\t%s\t%s\n", what, ours, peer, x, aim, aim, good ? "aim" : "MISSED" }'
}
value() { sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
sql() { sqlite3 "$1" "PRAGMA busy_timeout = 5000; $2" >/dev/null; }

start_api
ours_port=${api##*:}
ours_token=$(iotapi token create admin --db "$db")
django=$T/django.db
DJANGO_DB=$django DJANGO_MAKE=1 /usr/bin/python3 -c "import sys; sys.path.insert(0, '$top/tests/bench'); import django_app" ||
	exit 2
their_port=$(free_port)
DJANGO_DB=$django bg gunicorn -w 2 -b "127.0.0.1:$their_port" --chdir "$top/tests/bench" --log-level error django_app 2>django.log
wait_for 30 port_open "$their_port"
their_token=$(curl -sS -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin-password"}' \
	"http://127.0.0.1:$their_port/api/auth/login/" | jq -r .access)
their_fleet() { # their_fleet N
	sql "$django" "BEGIN; DELETE FROM plataforma_device;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	INSERT INTO plataforma_device (nombre, tipo, identificador_unico, ubicacion, estado, descripcion, mqtt_enabled,
	    mqtt_client_id, connection_status, created_at, updated_at)
	SELECT 'Nodo ' || i, 'esp32', printf('DEV_%06d', i), 'Sala', 'activo', '', 1, printf('client-%06d', i),
	    CASE WHEN i % 2 THEN 'online' ELSE 'offline' END, '2026-11-01 00:00:00', '2026-11-01 00:00:00' FROM n; COMMIT"
}

# against WHAT AIM CONNECTIONS METHOD TARGET [BODY]: requests/s, by turns.
against() {
	what=$1 aim=$2 connections=$3
	shift 3
	: >ours.rates
	: >their.rates
	: >ratios
	for _ in $(seq "$rounds"); do
		theirs=$("$load" "$their_port" "$connections" 3 "$their_token" "$@")
		ours=$("$load" "$ours_port" "$connections" 2 "$ours_token" "$@")
		case "$ours $theirs" in *bad=[1-9]*) echo "$what: $ours, theirs: $theirs" >&2 ;; esac
		echo "$ours" | value rate >>ours.rates
		echo "$theirs" | value rate >>their.rates
		paste -d ' ' ours.rates their.rates | tail -n 1 | awk '{ print $1 / $2 }' >>ratios
	done
	row "$what" "$(median <ours.rates)" "$(median <their.rates)" "$(median <ratios)" "$aim" least
}
fleet 10000 5000
their_fleet 10000
against 'GET a page of 50 of 10,000 devices, requests/s' 60 8 GET /api/devices/
against 'GET device-status, 10,000 devices, requests/s' 80 8 GET /api/mqtt/device-status/
against 'POST topic, durable, 16 connections, requests/s' 40 16 POST /api/mqtt/topics/ \
	'{"nombre":"T#","topic_pattern":"t/#"}'

# Memory, with connections that do nothing.
"$load" "$ours_port" 1000 0 "$ours_token" GET / >held &
holder=$!
wait_for 30 grep -q open held
"$load" "$ours_port" 8 1 "$ours_token" GET /api/devices/ >/dev/null
mib=$(awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$api_pid/status")
row '1,000 idle connections, 10,000 devices, MiB' "$mib" - "$mib" 48 most
kill "$holder"

# Readings: two values a message, as the guide's.
stop_api
sql "$db" "BEGIN; DELETE FROM device; DELETE FROM topic;
	INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, mqtt_topic_suffix, created_at, updated_at)
	VALUES ('T', 'otro', '1', -100, 1e6, 'temperature', '', ''), ('H', 'otro', '1', 0, 1e6, 'humidity', '', '');
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
	INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, created_at, updated_at)
	SELECT 'N' || i, 'otro', printf('DEV_%04d', i), 'x', '2026-01-01T00:00:00.000000Z', '' FROM n;
	INSERT INTO assignment (dispositivo, sensor, configuracion_json, fecha_asignacion)
	SELECT d.id, s.id, '{}', '' FROM device d, sensor s;
	INSERT INTO broker (nombre, host, port, created_at, updated_at) VALUES ('B', '127.0.0.1', 1, '', ''); COMMIT"
cat >fed <<-'END'
	sqlite3 "$1" "PRAGMA busy_timeout = 5000; UPDATE broker SET port = $2" >/dev/null
	echo $$ >fed.pid
	exec iotapi --db "$1" --listen "127.0.0.1:$3" 2>>api.log
END
: >rates
for _ in $(seq "$rounds"); do
	"$feed" -n 100000 -q 1 --from 2000 -- sh fed "$db" '{port}' 0 | value rate >>rates
done
rate=$(($(median <rates) * 2))
row 'readings in MQTT QoS 1, two a message, committed rows/s' "$rate" - "$rate" 30000 least
port=$(free_port)
"$feed" -n 60000 -q 1 --rate 2500 --from 100 --limit 60s -- sh fed "$db" '{port}' "$port" >fed.out &
feeder=$!
wait_for 20 port_open "$port"
sleep 2 # until messages come
readings() { sqlite3 "$db" 'SELECT count(*) FROM reading'; }
# At a rate that leaves the machine something: as fast as they are answered, they and the readings would wait for each other.
before=$(readings)
p99=$("$load" -r 500 "$port" 8 10 "$ours_token" GET /api/devices/ | value p99_ms)
echo "$((($(readings) - before) / 10)) readings/s came in meanwhile" >&2
{ kill "$feeder" && wait "$feeder"; } 2>/dev/null || true
gone() { ! kill -0 "$(cat fed.pid)" 2>/dev/null; }
wait_for 20 gone # it has the database and the port
sh fed "$db" 1 "$port" &
api_pid=$!
pids="$pids $api_pid"
wait_for 20 port_open "$port"
quiet=$("$load" -r 500 "$port" 8 10 "$ours_token" GET /api/devices/ | value p99_ms)
row 'p99 of a page of 50, 500 in a second, while 5,000 readings/s come in, ms (peer: without)' "$p99" "$quiet" "$p99" 5 most
