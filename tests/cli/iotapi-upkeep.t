#!/bin/sh
# iotapi backup and iotapi check.
# slow: copies of a database that is written to
# shellcheck disable=SC2119 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

sql() { # sql DATABASE STATEMENT, with foreign keys unchecked
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
for row in c.execute(sys.argv[2]): print(*row, sep="|")
c.close()' "$1" "$2"
}
start_api
token=$(iotapi token create admin --db "$db")
post() {
	curl -sS -o body -w '%{http_code}' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -d "$2" "$api$1"
}
is 201 "$(post /api/mqtt/brokers/ '{"nombre":"B","host":"h","username":"u","password":"secret","is_active":false}')" \
	'a broker with a sealed password'
is 201 "$(post /api/devices/ '{"nombre":"D","tipo":"otro","identificador_unico":"D","ubicacion":"x"}')" 'a device'
is 201 "$(post /api/mqtt/credentials/ '{"dispositivo":1,"client_id":"D","username":"d","password":"p"}')" 'its credential'
ok 'its salt is text' python3 -c 'import base64, re, sys
assert re.fullmatch(rb"[!-~]{12}", base64.b64decode(sys.argv[1].split("$")[3]))' \
	"$(sql "$db" 'SELECT password_hash FROM credential')"

run iotapi check --db "$db"
exits 0 'what a server works with is in order'
is ok "$out" 'and it says so'
# Rows are written all the time; the copy is of one moment.
(
	while [ ! -e enough ]; do post /api/mqtt/topics/ "{\"nombre\":\"$(date +%N)\",\"topic_pattern\":\"a/{device_id}\"}"; done
) >/dev/null 2>&1 &
poster=$!
wait_for 10 sh -c "iotctl topic list -o json | jq -e 'length > 2'" >/dev/null 2>&1
run iotapi backup copy.db --db "$db"
exits 0 'a backup beside a server that writes'
: >enough
wait "$poster"
is '600 600' "$(stat -c %a copy.db copy.db.key | xargs)" 'nobody else may read it, nor its key'
ok 'the key is the same' cmp "$db.key" copy.db.key
is 2 "$(find . -name 'copy.db*' | wc -l)" 'and nothing else is left'
cp copy.db before
run iotapi check --db copy.db
exits 0 'it is in order'
ok 'and a check changes nothing' cmp before copy.db
is 'B|D' "$(sql copy.db 'SELECT nombre, (SELECT nombre FROM device) FROM broker')" 'what was there is there'
run iotapi export mosquitto out --db copy.db
exits 0 'and is served'

run iotapi backup copy.db --db "$db"
exits 2 'nothing is replaced'
has "$err" "'copy.db.key' is there already" 'not the key'
rm copy.db.key
run iotapi backup copy.db --db "$db"
exits 2 'nor the database'
has "$err" "'copy.db' is there already" 'by name'
[ ! -e copy.db.key ]
tap $? 'and no key is put there'
# At once: none takes the other's place, each time.
both=
for i in 1 2 3 4 5; do
	iotapi backup "twice$i.db" --db "$db" 2>/dev/null &
	one=$!
	iotapi backup "twice$i.db" --db "$db" 2>/dev/null
	other=$?
	wait $one
	both="$both $(($? + other))"
done
is ' 2 2 2 2 2' "$both" 'of two at once one is refused'
run iotapi backup nowhere/copy.db --db "$db"
exits 7 'where nothing can be written'
mv "$db.key" key
run iotapi backup other.db --db "$db"
exits 2 'without its key'
[ ! -e other.db ]
tap $? 'nothing is left'
mv key "$db.key"
iotapi user add admin --db fresh.db --password-file "$T/api.pw"
run iotapi backup fresh.copy --db fresh.db
exits 0 'where nothing was ever sealed'
[ -e fresh.copy ] && [ ! -e fresh.copy.key ]
tap $? 'there is no key to copy'
run iotapi backup --db "$db"
exits 2 'a backup has to go somewhere'
has "$err" "'backup' takes one FILE" 'which is said'
run iotapi check --db none.db
exits 2 'a database that is not there is not made'

# A database that is open to others is closed by whoever opens it to write, with what SQLite has beside it.
bg iotapi --db fresh.db --listen 127.0.0.1:0 --url-file open.url 2>open.log
ok 'a server' wait_for 10 test -s open.url
kill -KILL "$bg"
wait "$bg" 2>/dev/null
is '600 600 600' "$(
	chmod 644 fresh.db
	touch fresh.db-wal fresh.db-shm
	chmod 644 fresh.db-wal fresh.db-shm
	bg iotapi --db fresh.db --listen 127.0.0.1:0 --url-file again.url 2>open.log
	wait_for 10 test -s again.url
	stat -c %a fresh.db fresh.db-wal fresh.db-shm | xargs
	kill "$bg"
)" 'database, WAL and shm are closed to others'
is 600 "$(stat -c %a fresh.db)" 'for good'
# Who else writes into it: many at once, tokens made beside the server, somebody who locks it.
sends() { # sends PATH BODY: the status, without the answer
	curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -d "$2" "$api$1"
}
writes() { # writes N: 25 topics, a line each with its status
	for i in $(seq 25); do sends /api/mqtt/topics/ "{\"nombre\":\"W $1 $i\",\"topic_pattern\":\"w\"}" | sed 's/$/\n/'; done
}
writers=
for n in 1 2 3 4; do
	writes $n >"writer.$n" &
	writers="$writers $!"
done
for n in $(seq 25); do iotapi token create admin --db "$db"; done >tokens
for w in $writers; do wait "$w"; done
is '100 201' "$(cat writer.? | sort | uniq -c | xargs)" 'four that write at once are all served'
is '25 25' "$(sort -u tokens | wc -l) $(grep -c . tokens)" '  beside them 25 tokens are made'
locks() { # locks TIME: somebody else writes for so long; $locker
	rm -f locked
	python3 -c 'import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
open("locked", "w").close()
time.sleep(float(sys.argv[2]))
c.execute("COMMIT")' "$db" "$1" &
	locker=$!
	wait_for 10 test -e locked
}
locks 1
is 201 "$(sends /api/mqtt/topics/ '{"nombre":"Locked 1","topic_pattern":"w"}')" 'a lock of a second is waited for'
wait $locker 2>/dev/null
locks 600
began=$(date +%s)
is 503 "$(sends /api/mqtt/topics/ '{"nombre":"Locked 2","topic_pattern":"w"}')" 'one without an end is not'
took=$(($(date +%s) - began))
[ $took -ge 4 ] && [ $took -lt 30 ]
tap $? '  but five seconds'
is 200 "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$api/api/mqtt/topics/")" \
	'  meanwhile it can be read'
kill $locker
wait $locker 2>/dev/null
is 201 "$(sends /api/mqtt/topics/ '{"nombre":"Locked 2","topic_pattern":"w"}')" '  and written to again behind it'

# The log of what was written last does not grow for ever.
sends /api/sensors/ '{"nombre":"N","tipo":"otro","unidad_medida":"1","rango_min":0,"rango_max":100000,"mqtt_topic_suffix":"n"}' >/dev/null
sends /api/devices/1/assign_sensor/ '{"sensor_id":1}' >/dev/null
most=0
for n in $(seq 20); do
	seq 1000 | jq -c '{dispositivo: 1, sensor: 1, valor: .}' | jq -sc '{lecturas: .}' >bulk
	sends /api/readings/bulk/ @bulk
	wal=$(stat -c %s "$db-wal")
	[ "$wal" -le "$most" ] || most=$wal
done >codes
is 20000 "$(curl -sS -H "Authorization: Bearer $token" "$api/api/readings/?page_size=1" | jq .count)" '20,000 readings are kept'
[ "$most" -gt 1000000 ] && [ "$most" -lt 8000000 ]
tap $? '  with a write-ahead log of some MiB'
stop_api
[ ! -e "$db-wal" ]
tap $? '  which is gone at the end'

# What a check finds.
cp "$db.key" copy.db.key
chmod 644 copy.db
run iotapi check --db copy.db
exits 1 'a mode'
is "'copy.db' is open to others: mode 644, not 600" "$out" 'is told'
chmod 600 copy.db
sql copy.db 'UPDATE credential SET dispositivo = 77'
sql copy.db "UPDATE broker SET password_sealed = substr(password_sealed, 1, 20) || 'AAAA' || substr(password_sealed, 25)"
run iotapi check --db copy.db
exits 1 'a reference and a seal'
is "row 1 of credential refers to a row of device that is not there
the key in 'copy.db.key' does not open 1 of 1 sealed secrets, broker.password of 1 first" "$out" 'are told'
is "iotapi: 'copy.db' is not as it should be" "$err" 'and the result'
dd if=/dev/urandom of=copy.db bs=1024 seek=8 count=60 conv=notrunc 2>/dev/null
run iotapi check --db copy.db
exits 1 'broken pages'
[ "$(printf '%s\n' "$out" | wc -l)" -gt 1 ]
tap $? 'are told'
done_testing
