#!/bin/sh
# Day: eight sensors, a reading every five minutes, archived to PostgreSQL; the server is restarted for
# maintenance, the archiver for an update. In the evening somebody asks.
# needs: postgresql
. "$(dirname "$0")/../lib.sh"
. "$top/tests/postgres.sh"
start_postgres
. "$top/tests/ingest.sh"
ok 'the tables of iotingest(1)' lecturas

archive() {
	start_ingest archive none --readings --format csv --linger 100 --rejects rejects.ndjson \
		--sink "psql -qc '\\copy lectura from pstdin csv'"
}
# Hours FROM to UNTIL of all the sensors.
hours() {
	for device in 1 2 3 4 5 6 7 8; do
		perl -e 'my ($device, $from, $until) = @ARGV;
			printf "{\"device_id\":\"ESP32_00%d\",\"sensors\":{\"temperature\":%d.50,\"humidity\":4%d.20},"
				. "\"timestamp\":%d}\n", $device, 15 + int($_ / 12), $device, 1764000000 + 300 * $_
				for $from * 12 .. $until * 12 - 1' $device "$1" "$2" |
			iotpub -h "$sock" -t "iot/sensors/ESP32_00$device/data" -q 1 -l
	done
}
rows() { sql 'select count(*) from lecturas'; }
has_rows() { [ "$(rows)" -ge "$1" ]; }

archive
hours 0 8
wait_for 30 has_rows $((8 * 12 * 8 * 2))
tap $? 'the morning is there'
restart_postgres fast &
hours 8 12
wait $!
tap $? 'maintenance while readings come'
kill -TERM "$ingesting"
wait "$ingesting"
first=$?
[ $first -eq 0 ] || [ $first -eq 7 ]
tap $? 'the archiver ends (status 0, or 7 when the server was just away)'
hours 12 16
archive
hours 16 24
wait_for 60 has_rows $((24 * 12 * 8 * 2))
tap $? 'the day is complete'
kill -TERM "$ingesting"
wait "$ingesting"
is 0 $? 'and the archiver ends cleanly'
silent rejects.ndjson 'nothing was rejected'

is "$((24 * 12 * 8 * 2))|8" "$(sql 'select count(*), count(distinct device_id) from lecturas')" 'each reading is there once'
is "$(seq 15 38 | sed 's/.*/&.50|96/')" \
	"$(sql "select avg(value::numeric)::numeric(6,2), count(*) from lecturas where sensor = 'temperature'
		group by (timestamp::bigint - 1764000000) / 3600 order by 1")" 'the hours of the day, averaged'
is '41.20 42.20 43.20 44.20 45.20 46.20 47.20 48.20 ' \
	"$(sql "select distinct value from lecturas where sensor = 'humidity' order by 1" | tr '\n' ' ')" 'with the digits that were sent'
done_testing
