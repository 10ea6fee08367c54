#!/bin/sh
# kill -9 in the middle of readings: none that was acknowledged is lost, over MQTT and over HTTP.
# slow: servers that are killed in the middle, and started again
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_broker 'allow_anonymous true' 'max_queued_messages 0' 'max_inflight_messages 20'
start_api
token=$(iotapi token create admin --db "$db")
call() {
	curl -sS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		${3+-d "$3"} "$api$2"
}
rows() { call GET "/api/readings/?page_size=1&sensor=$1" | jq -r .count; }
call POST /api/sensors/ '{"nombre":"N","tipo":"otro","unidad_medida":"1","rango_min":0,"rango_max":1000000,"mqtt_topic_suffix":"n"}' >/dev/null
call POST /api/sensors/ '{"nombre":"H","tipo":"otro","unidad_medida":"1","rango_min":0,"rango_max":1000000}' >/dev/null
call POST /api/devices/ '{"nombre":"D","tipo":"otro","identificador_unico":"DEV","ubicacion":"x"}' >/dev/null
call POST /api/devices/1/assign_sensor/ '{"sensor_id":1}' >/dev/null
call POST /api/devices/1/assign_sensor/ '{"sensor_id":2}' >/dev/null
call POST /api/mqtt/brokers/ "{\"nombre\":\"B\",\"host\":\"$sock\"}" >/dev/null
one() {
	mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/DEV/data -m '{"n":0}'
	[ "$(rows 1)" -gt 0 ]
}
wait_for 10 one || note 'the worker does not listen'

# restart: the same database and the same URL.
restart() {
	rm -f "$T/api.url"
	iotapi --db "$db" --listen "${api#http://}" --url-file "$T/api.url" 2>>"$T/api.log" &
	api_pid=$!
	pids="$pids $api_pid"
	wait_for 10 test -s "$T/api.url"
}
# The negative control: a reader that acknowledges before its lines are safe, killed at the same
# moments, must lose some, or the kills did not fall into the stream.
careless() {
	mosquitto_sub --unix "$sock" -i careless -c -q 1 -t iot/sensors/DEV/data >"$T/fifo" &
	careless_sub=$!
	awk '{ print }' <"$T/fifo" >>"$T/careless" &
	careless_awk=$!
	pids="$pids $careless_sub $careless_awk"
}
mkfifo "$T/fifo"
careless
wait_for 10 grep -q 'as careless' "$T/mosquitto.log"
total=12000
# Numbered readings in one stream, while the server is killed over and over. (mosquitto_pub 2.1.2 -l ends before its end.)
seq "$total" | sed 's/.*/{"n":&}/' |
	iotpub -h "$sock" --quiet -q 1 -l -t iot/sensors/DEV/data &
publisher=$!
# And over HTTP, one after the other: what was answered 201 is written down.
(
	i=0
	while [ ! -e "$T/enough" ] && [ $i -lt 20000 ]; do
		i=$((i + 1))
		code=$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
			-H 'Content-Type: application/json' \
			-d "{\"dispositivo\":1,\"sensor\":2,\"valor\":$i}" "$api/api/readings/")
		[ "$code" = 201 ] && echo "$i"
	done >"$T/answered"
) &
poster=$!
for pause in 0.1 0.15 0.2 0.1 0.25; do
	sleep "$pause" # at another moment each time
	kill -9 "$api_pid" "$careless_awk" "$careless_sub"
	wait "$api_pid" "$careless_awk" "$careless_sub" 2>/dev/null
	careless
	restart
done
wait "$publisher"
: >"$T/enough"
wait "$poster"
# Every number that the broker took: it acknowledged them all to the publisher.
distinct() {
	sqlite3_count "SELECT count(DISTINCT valor) FROM reading WHERE sensor = $1 AND valor > 0"
}
sqlite3_count() { python3 -c 'import sqlite3,sys; print(sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(sys.argv[2]).fetchone()[0])' "$db" "$1"; }
complete() { [ "$(distinct 1)" -eq "$total" ]; }
wait_for 20 complete
is "$total" "$(distinct 1)" 'every reading that the broker took is in the database'
is "$total" "$(sqlite3_count 'SELECT count(*) FROM reading WHERE sensor = 1 AND valor > 0')" \
	'once, though it was delivered again after each kill'
sleep 0.5 # for what is still in its pipe
kill "$careless_sub"
wait "$careless_sub" "$careless_awk" 2>/dev/null
[ "$(grep -o '^{"n":[0-9]*}$' "$T/careless" | sort -u | wc -l)" -lt "$total" ]
tap $? 'control: who acknowledges first lost some'
[ "$(wc -l <"$T/answered")" -gt 0 ]
tap $? 'control: readings were answered 201 between the kills'
python3 -c 'import sqlite3,sys
have = {int(r[0]) for r in sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(
	"SELECT valor FROM reading WHERE sensor = 2")}
print(len([1 for l in open(sys.argv[2]) if int(l) not in have]))' "$db" "$T/answered" >"$T/missing"
missing=$(cat "$T/missing")
is 0 "$missing" 'every reading answered 201 is in the database'
is ok "$(sqlite3_count 'PRAGMA integrity_check')" 'and the database is whole'
done_testing
