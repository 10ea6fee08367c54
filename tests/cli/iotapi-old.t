#!/bin/sh
# Databases that earlier releases made, tests/old/VERSION.sql with its key: each is served, with what is in it.
# slow: a server a database
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

echo password >pw
chmod 600 pw
iotapi user add admin --db new.db --password-file pw
version() {
	python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$1"
}
today=$(version new.db)
get() { curl -sS -H "Authorization: Bearer $token" "$url$1"; }

for dump in "$top"/tests/old/*.sql; do
	n=$(basename "$dump" .sql)
	python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' "$n.db" "$dump"
	cp "${dump%.sql}.key" "$n.db.key"
	chmod 600 "$n.db" "$n.db.key"
	is "$n" "$(version "$n.db")" "version $n: as it was made"
	# What an administrator added; one index is none of numbers.
	sqlite3 "$n.db" 'CREATE TABLE "a-log" (n);
		CREATE INDEX "lecturas del sensor" ON reading(sensor, timestamp);
		CREATE TRIGGER "lectura nueva" AFTER INSERT ON Reading WHEN new.valor > 1e9 BEGIN
			INSERT INTO "a-log" VALUES (new.id); DELETE FROM "a-log" WHERE n < 0; END;
		CREATE UNIQUE INDEX textos ON reading(CASE typeof(timestamp) WHEN '"'text'"' THEN id ELSE 0 END);
		CREATE VIEW ultimas AS SELECT dispositivo, max(timestamp) AS t FROM reading GROUP BY 1'
	rm -f url
	bg iotapi --db "$n.db" --listen 127.0.0.1:0 --url-file url 2>log
	pid=$bg
	ok 'is served' wait_for 10 test -s url
	url=$(cat url)
	is "$today" "$(version "$n.db")" 'and becomes one of today'
	own=$(sqlite3 "$n.db" "SELECT name FROM sqlite_schema WHERE name IN
		('lecturas del sensor', 'lectura nueva', 'ultimas', 'reading_time') ORDER BY 1" | paste -sd ,)
	is 'lectura nueva,lecturas del sensor,ultimas' "$own" "an administrator's index, trigger and view stay"
	if [ "$n" -lt 2 ]; then
		has "$(cat log)" "keeps the index lecturas del sensor" 'which is told'
		has "$(cat log)" "loses the index textos, which is in the copy: " 'and what cannot stay'
		is 1 "$(sqlite3 "$n.db".before-* "SELECT count(*) FROM sqlite_schema WHERE name = 'textos'")" 'is in the copy'
	fi
	sqlite3 "$n.db" 'DROP TRIGGER "lectura nueva"; DROP INDEX IF EXISTS textos'
	# Another schema without another version would let an older iotapi take a newer database.
	if [ "$n" = "$today" ]; then
		no_line log 'which it is, or VERSION in cmd/iotapi/db/tables.c has to be raised' -v 'msg="serving '
	fi
	is '{"status":"ok"}' "$(curl -sS "$url/healthz")" 'it is healthy'
	is 'access' "$(curl -sS -H 'Content-Type: application/json' -d '{"username":"admin","password":"password"}' \
		"$url/api/auth/login/" | jq -r 'select(.access) | "access"')" 'who could log in still can'
	token=$(iotapi token create admin --db "$n.db")
	for path in mqtt/brokers mqtt/topics mqtt/credentials mqtt/device-config devices sensors readings readings/rejects; do
		[ "$(get "/api/$path/" | jq .count)" -gt 0 ]
		tap $? "/api/$path/ has what was there"
	done
	is '[1,2]' "$(get /api/devices/ | jq -c '[.results[].id] | sort')" 'under the ids it had'
	is '[{"v":22.5,"t":"2026-11-29T22:34:41.317454Z"},{"v":21.5,"t":"2026-01-02T03:04:05.000000Z"}]' \
		"$(get /api/readings/ | jq -c '[.results[] | {v: .valor, t: .timestamp}]')" 'readings have their times'
	# One of before that still runs beside it has times as texts, which no order would have in their place.
	run python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("INSERT INTO reading (dispositivo, sensor, valor, timestamp, metadata_json) VALUES (1, 1, 1, ?, ?)",
	("2026-01-02T03:04:05.000000Z", "{}"))
c.commit()' "$n.db"
	has "$err" 'CHECK constraint failed' 'an older iotapi can add no reading any more'
	run iotapi export mosquitto out --db "$n.db"
	exits 0 'the seals open'
	ok "and the devices' passwords are exported" grep -q '^dev1:.7.1000' out/passwords
	kill "$pid"
	wait "$pid"
done
done_testing
