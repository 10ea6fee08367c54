#!/bin/sh
# iotapi's database of another version, or a broken one; and sealed secrets without their key.
# slow: a server is started for each broken database
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

sql() { # sql DATABASE STATEMENT: what it selects, and nothing of it is left in a WAL
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
for row in c.execute(sys.argv[2]): print(*row, sep="|")
c.close()' "$1" "$2"
}
# refused DATABASE 'sentence': it does not serve, and changes nothing.
refused() {
	cp "$1" before
	rm -f url
	run timeout 10 iotapi --db "$1" --listen 127.0.0.1:0 --url-file url
	exits 2 "$2 is refused"
	[ ! -e url ]
	tap $? 'before it serves'
	ok 'and is left as it is' cmp before "$1"
}
# starts DATABASE 'sentence': it serves; its URL is $url, its process $pid.
starts() {
	rm -f url
	bg iotapi --db "$1" --listen 127.0.0.1:0 --url-file url 2>log
	pid=$bg
	ok "$2 is served" wait_for 10 test -s url
	url=$(cat url)
}
stop() {
	kill "$pid"
	wait "$pid"
}
health() { curl -sS -o body -w '%{http_code}' "$url/healthz"; }
call() { # call METHOD PATH BODY: the status of HTTP
	curl -sS -o body -w '%{http_code}' -X "$1" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -d "$3" "$url$2"
}
broker() { call POST /api/mqtt/brokers/ "{\"nombre\":\"$1\",\"host\":\"127.0.0.1\",\"port\":1,\"username\":\"a\",\"password\":\"$2\"}"; }

echo password >pw
chmod 600 pw
iotapi user add admin --db made.db --password-file pw
token=$(iotapi token create admin --db made.db)
is 2 "$(sql made.db 'PRAGMA user_version')" 'a new database is of version 2'

# What was made before there were versions.
cp made.db old.db
sql old.db 'PRAGMA user_version = 0'
cp old.db lacking.db
starts old.db 'one of version 0 with all columns'
is 2 "$(sql old.db 'PRAGMA user_version')" 'and becomes one of version 2'
is 200 "$(call GET /api/users/me/ '')" 'with what is in it'
is '200 {"status":"ok"}' "$(health) $(cat body)" 'and is healthy'
stop

sql lacking.db 'ALTER TABLE broker DROP COLUMN use_tls'
sql lacking.db 'DROP TABLE setting'
cp lacking.db before
starts lacking.db 'one of version 0 that lacks a column and a table'
is 200 "$(call GET /api/users/me/ '')" 'with what is in it'
is '200 {"status":"ok"}' "$(health) $(cat body)" 'and is healthy'
stop
kept=$(echo lacking.db.before-*)
is "level=warn msg=\"'lacking.db' is of an older iotapi; as it was it is kept in '$kept'\"
level=warn msg=\"'lacking.db': adds broker.use_tls\"
level=warn msg=\"'lacking.db': makes the table setting\"" "$(sed '/"serving /d; s/^time=[^ ]* //' log)" 'and each step is told'
is '0|0' "$(sql "$kept" "SELECT (SELECT count(*) FROM pragma_table_info('broker') WHERE name = 'use_tls'),
	(SELECT user_version FROM pragma_user_version)")" 'the copy is as it was'
is 600 "$(stat -c %a "$kept")" 'for nobody else'
starts lacking.db 'it'
stop
is 1 "$(find . -name 'lacking.db.before-*' | wc -l)" 'and another start changes nothing'
no_line log 'in silence' -v 'msg="serving '
cp before lacking.db
upgrades() { for i in 1 2 3; do iotapi token create admin --db lacking.db & done; wait; }
upgrades >many.tokens 2>many.log
is 3 "$(wc -l <many.tokens)" 'several start with an older one at once'
is 1 "$(grep -c 'adds broker.use_tls' many.log)" 'and one of them brings it up to date'
cp before lacking.db
sql lacking.db 'ALTER TABLE device ADD COLUMN serial TEXT'
refused lacking.db 'one with a column of a later iotapi'
is "iotapi: 'lacking.db': it is of a later iotapi, or of another program: it has device.serial" "$err" 'by its name'

cp made.db later.db
sql later.db 'PRAGMA user_version = 3'
refused later.db 'one of a later version'
is "iotapi: 'later.db': it is of a later iotapi, or of another program: its user_version is 3, and this one knows 0 to 2" \
	"$err" 'by its version'
is 3 "$(sql later.db 'PRAGMA user_version')" 'which it keeps'
sql other.db 'CREATE TABLE theirs (a)'
run timeout 10 iotapi --db other.db --listen 127.0.0.1:0
exits 2 "another program's database is refused"
is "iotapi: 'other.db': it is no database of iotapi" "$err" 'which is said'
is theirs "$(sql other.db 'SELECT name FROM sqlite_master')" 'and gets no tables'

# Many first starts of one database.
many() { for i in 1 2 3 4 5 6; do iotapi user add "u$i" --db many.db --password-file pw & done; wait; }
many >many.log 2>&1
is 6 "$(sql many.db 'SELECT count(*) FROM person')" 'several make one new database at once'
silent many.log 'in silence'

# What breaks under a server that runs.
starts made.db 'a whole one'
is 201 "$(call POST /api/devices/ '{"nombre":"D","tipo":"otro","identificador_unico":"D","ubicacion":"x"}')" 'it takes a device'
is 200 "$(health)" 'healthz reads rows'
# broken TABLE NAMES: without the table, healthz names the resources that cannot be read.
broken() {
	sql made.db "ALTER TABLE \"$1\" RENAME TO away"
	is "503 {\"error\":\"Cannot be read: $2\"}" "$(health) $(cat body)" "without $1 it is 503: $2"
	sql made.db "ALTER TABLE away RENAME TO \"$1\""
}
broken broker broker
broken topic topic
broken credential credential
broken device-config device-config
broken device 'credential, device-config, device, reading'
broken sensor 'device, sensor, reading'
broken reading reading
broken assignment device
sql made.db 'ALTER TABLE broker RENAME COLUMN use_tls TO away'
is '503 {"error":"Cannot be read: broker"}' "$(health) $(cat body)" 'a column is missed, too'
sql made.db 'ALTER TABLE broker RENAME COLUMN away TO use_tls'
is '200 {"status":"ok"}' "$(health) $(cat body)" 'and when all is there again it is healthy'
# What cannot be looked for is not answered by "no": without the table TABLE a call is 503, as it would not be with it.
unreadable() { # unreadable TABLE SENTENCE METHOD PATH BODY
	sql made.db "ALTER TABLE \"$1\" RENAME TO away"
	is 503 "$(call "$3" "$4" "$5")" "$2"
	sql made.db "ALTER TABLE away RENAME TO \"$1\""
}
login='{"username":"admin","password":"password"}'
unreadable token 'a token is not refused' GET /api/users/me/ ''
unreadable person 'a login is not refused' POST /api/auth/login/ "$login"
is 200 "$(call POST /api/auth/login/ "$login")" 'control: it is taken'
unreadable device 'an object is not "not found"' PATCH /api/devices/1/ '{"ubicacion":"y"}'
unreadable credential 'what cannot be seen to refer to it does not let it go' DELETE /api/devices/1/ ''
is 200 "$(call GET /api/devices/1/ '')" 'and it is still there'
has "$(cat log)" '/healthz/: credential: database: reading credential: no such table: ' 'the log says which, and why'
has "$(cat log)" '/healthz/: device: database: reading assignment: no such table: ' '... of what belongs to it, too'
is 0 "$(grep -c 'SELECT t' log)" '... without the whole statement'

# Sealed secrets and their key.
is 201 "$(broker One secret-one)" 'a broker with a password'
stop
mv made.db.key key
refused made.db 'a database with sealed secrets and without its key'
is "iotapi: 'made.db.key' is not there and the database has secrets sealed with it: put the key back" "$err" \
	'which says what to do'
run timeout 10 iotapi export mosquitto out --db made.db
exits 2 'by export, too'
[ ! -e made.db.key ] && [ ! -e out ]
tap $? 'and no key is made beside old seals'
iotapi user add admin --db fresh.db --password-file pw
run iotapi export mosquitto out --db fresh.db
exits 0 'without sealed secrets a key is made'
is 600 "$(stat -c %a fresh.db.key)" 'for nobody else'
cp fresh.db.key made.db.key
refused made.db 'one beside the key of another'
has "$err" "the key in 'made.db.key' opens none of the database's sealed secrets" 'is said'
ok 'whose key stays' cmp fresh.db.key made.db.key
cp key made.db.key
starts made.db 'with its key it'
stop
no_line log 'in silence' -v 'msg="serving \|broker'

# A key that was lost before: the secrets are cleared by hand, or some are set again.
rm made.db.key
sql made.db 'UPDATE broker SET password_sealed = NULL'
starts made.db 'without key, and with the sealed secrets cleared, it'
is 201 "$(broker Two secret-two)" 'and takes new ones'
stop
sql made.db "UPDATE broker SET password_sealed = (SELECT password_sealed FROM broker WHERE nombre = 'Two') WHERE nombre = 'One'"
starts made.db 'with them it'
stop
sql made.db "UPDATE broker SET password_sealed = substr(password_sealed, 1, 20) || 'AAAA' || substr(password_sealed, 25) WHERE nombre = 'One'"
starts made.db 'when some do not open it'
stop
ok 'and says which' grep -q "the key in 'made.db.key' does not open 1 of 2 sealed secrets: set them again, broker.password of 1 first" log
done_testing
