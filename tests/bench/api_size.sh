#!/bin/sh
# iotapi with 100,000 devices and with a million readings: lists, an import, a device's last hour, bytes on the disk.
# api_size.sh. Rows as the other benches'; nothing is compared, the figures are of this machine.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fleet.sh
. "$top/tests/fleet.sh"

row() { # row WHAT OURS MOST
	awk -v what="$1" -v ours="$2" -v most="$3" 'BEGIN {
		printf "%s\t%s\t-\t%s\t%s\t%s\t%s\n", what, ours, ours, most, most, ours + 0 <= most + 0 ? "aim" : "MISSED" }'
}
seconds() { # seconds COMMAND...: how long it took, its output in $T/out
	perl -MTime::HiRes=time -e 'my $from = time; open(STDOUT, ">", "out"); system(@ARGV) == 0 or exit 1;
		printf STDERR "%.2f\n", time - $from' "$@" 2>took || { cat took >&2; exit 1; }
	cat took
}
sql() { sqlite3 "$db" "PRAGMA busy_timeout = 5000; $1" >/dev/null; }
assign() {
	sql "INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, mqtt_topic_suffix, created_at, updated_at)
		VALUES ('T', 'temperatura', 'C', -40, 1e6, 'temperature', '', '');
		INSERT INTO assignment (dispositivo, sensor, configuracion_json, fecha_asignacion) SELECT id, 1, '{}', '' FROM device"
}

start_api
use_token
fleet 100000 50000
sql "UPDATE device SET created_at = strftime('%Y-%m-%dT%H:%M:%S', 1790000000 + id, 'unixepoch') || '.123456Z'"
assign
for _ in 1 2 3; do seconds iotctl device list -o ndjson; done >lists
[ "$(wc -l <out)" -eq 100000 ] || { echo 'not all devices' >&2; exit 1; }
row 'all pages of 100,000 devices, s' "$(sort -n lists | sed -n 2p)" 2
for i in $(seq 10); do
	seq 5000 | sed "s/.*/{\"received_at\":\"2026-11-30T05:00:00Z\",\"device_id\":\"DEV_00000$i\",\"sensor\":\"temperature\",\"value\":&}/"
done | sed 's/DEV_0000010/DEV_000010/' >lines
row 'reading import of 50,000 lines, 10 devices of 100,000, s' "$(seconds iotctl reading import lines)" 10
grep -q 'readings imported: 50000, lines skipped: 0' out || { cat out >&2; exit 1; }
stop_api
rm -f "$db"* api.url

# 100 devices, each every 10 seconds, as messages of the guide are stored.
start_api
use_token
fleet 100 50
assign
sql 'PRAGMA wal_checkpoint(TRUNCATE)'
before=$(stat -c %s "$db")
sql "BEGIN; WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
	INSERT INTO reading (dispositivo, sensor, valor, timestamp, metadata_json, mqtt_message_id, mqtt_qos, mqtt_retained)
	SELECT 1 + i % 100, 1, 20 + i * 7919 % 1000 / 100.0, (1760000000 + i / 10) * 1000000,
	'{\"timestamp\":' || (1760000000 + i / 10) || '}', 1 + i % 65535, 1, 0 FROM n; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"
row 'bytes a reading' "$(($(stat -c %s "$db") / 1000000 - before / 1000000))" 120
python3 - "$api" "$(cat "$IOT_TOKEN_FILE")" >figures <<'END'
import http.client, json, random, sys, time
api, token = sys.argv[1:]
c = http.client.HTTPConnection(api.split("/")[2])
def get(path):
    start = time.perf_counter()
    c.request("GET", path, headers={"Authorization": "Bearer " + token})
    answer = c.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, body[:200])
    return 1000 * (time.perf_counter() - start), json.loads(body)
iso = lambda s: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(s))
random.seed(1)
times = []
for _ in range(1000):
    end = random.randrange(1760003600, 1760100000)
    ms, page = get("/api/readings/?dispositivo=%d&fecha_inicio=%s&fecha_fin=%s&page_size=1000"
        % (random.randrange(1, 101), iso(end - 3600), iso(end - 1)))
    assert page["count"] == 360 == len(page["results"]), page["count"]
    times.append(ms)
print("a device's last hour of a million readings, p99, ms\t%.2f\t10" % sorted(times)[989])
path, times = "/api/readings/?page_size=1000", []
while path:
    ms, page = get(path)
    times.append(ms)
    path = page["next"] and page["next"][len(api):]
assert len(times) == 1000
first, last = sorted(times[:100]), sorted(times[-100:])
print("the last 100 pages of a million readings by their links, against the first 100\t%.2f\t1.5" % (last[50] / first[50]))
print("the last page by its number alone, ms\t%.1f\t100" % sorted(get("/api/readings/?page=20000")[0] for _ in range(9))[4])
END
while IFS='	' read -r what ours most; do row "$what" "$ours" "$most"; done <figures
