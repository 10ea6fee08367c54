#!/bin/sh
# Day: readings go to a store by --sink; for an hour the store is down, and the archiver is restarted
# in the middle of it. Nothing is lost; what came twice is told by its key.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"
export IOT_MQTT_HOST="$sock"

# The store: a sqlite database, as a shell command reaches it. It is down while there is no "up".
cat >store <<'X'
#!/bin/sh
cat >batch.$$.csv
[ -e up ] || { rm batch.$$.csv; echo 'store: connection refused' >&2; exit 2; }
sqlite3 -bail store.db '.timeout 10000' '.mode csv' ".import batch.$$.csv lecturas" || exit 1
rm batch.$$.csv
X
chmod +x store
sqlite3 store.db "create table lecturas (device_id, sensor, value, timestamp, topic,
	unique (topic, sensor, timestamp, value) on conflict ignore)"
archive() {
	start_ingest store log --readings --format csv --columns device_id,sensor,value,timestamp,topic \
		--sink ./store --linger 50
}
# An hour is 360 readings, one in ten seconds; its temperature never changes.
hour() { # hour NUMBER
	perl -e 'printf "{\"device_id\":\"RPI_001\",\"sensors\":{\"n\":%d,\"temperature\":21.50},\"timestamp\":%d}\n",
		$_, 1760000000 + 10 * $_ for 360 * $ARGV[0] + 1 .. 360 * $ARGV[0] + 360' "$1" |
		pub -q 1 -t iot/sensors/RPI_001/data -l
}
rows() { [ "$(sqlite3 -cmd '.timeout 10000' store.db 'select count(*) from lecturas')" -ge "$1" ]; }

: >up
archive
hour 0
wait_for 20 rows 720
tap $? 'the first hour is stored'
rm up
hour 1
failed() { [ "$(grep -c 'exited with status 2; the same batch again in' store.err)" -ge "$1" ]; }
wait_for 20 failed 2
tap $? 'the store is down: each failure is told'
kill -9 $ingesting
wait $ingesting 2>/dev/null
archive
wait_for 20 failed 3
hour 2
is 0 "$(sqlite3 store.db 'select count(*) from lecturas where cast(timestamp as integer) > 1760003600')" 'nothing of it is stored'
: >up
wait_for 60 rows 2160
tap $? 'it is up again: all of the three hours is there'
kill $ingesting
wait $ingesting
is 0 $? 'SIGTERM is a clean end'
is '1080 1080' "$(sqlite3 -separator ' ' store.db "select sum(sensor = 'n'), sum(sensor = 'temperature') from lecturas")" \
	'each reading once, the sensor that does not change too'
is '21.50' "$(sqlite3 store.db "select distinct value from lecturas where sensor = 'temperature'")" 'every digit'
is '' "$(find . -name 'batch.*')" 'no batch is left over'
mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/RPI_001/data -m '{"last":1}'
run timeout 20 iotingest --durable store -C 1
has "$out" '"payload":{"last":1}' 'the broker has nothing left but what comes now'
done_testing
