#!/bin/sh
# iotingest(1)'s archive in PostgreSQL, with a real server: psql killed in mid-batch and behind its
# COMMIT, iotingest killed, the server restarted. Nothing is lost, nothing is there twice.
# needs: postgresql
. "$(dirname "$0")/../lib.sh"
. "$top/tests/postgres.sh"
start_postgres
start_broker 'allow_anonymous true' 'max_queued_messages 100000' 'max_inflight_messages 0' \
	'log_type all'
export IOT_MQTT_HOST="$sock"
ok 'the tables of the example can be made' lecturas
is "$(sed -n '/^create table lecturas/,/^\.Ed/p' "$top/man/iotingest.1" | sed '/^\.Ed/d; s/\\e/\\/g')" \
	"$(sed '/^--	/d; 1,/^create/{/^--/d}' "$top/examples/lecturas.sql")" '  which are those of the page'

# 2000 messages of two readings each wait in the session $1.
n=2000
queue() {
	keep "$1" iotingest --durable "$1"
	perl -e 'printf "{\"device_id\":\"DEV_%04d\",\"sensors\":{\"temperature\":%d.50,\"humidity\":48.2},\"timestamp\":%d}\n",
		$_ % 100, $_ % 40, 1760000000 + $_ for 1 .. $ARGV[0]' $n |
		iotpub -h "$sock" --quiet -q 1 -t iot/sensors/X/data -l
}
archive() { # archive SINK: $archiver is its pid
	iotingest --durable archive --readings --format csv --linger 200 --batch 100 --receive-maximum 100 \
		--sink "$1" </dev/null >/dev/null 2>>sink.err &
	archiver=$!
	pids="$pids $archiver"
}
rows() { sql 'select count(*) from lecturas'; }
has_rows() { [ "$(rows)" -ge "$1" ]; }

# The page's command behind faults: one psql dies in the middle of its COPY, one behind its COMMIT, the server
# dies in the middle of another COPY, and the first batch after that is held behind its COMMIT.
touch up uncommitted
cat >sink <<'END'
echo x >>calls
n=$(wc -l <calls)
[ "$n" -lt 8 ] || [ ! -e uncommitted ] || n=held
[ "$n" != held ] || [ ! -e up ] || n=crash
case $n in
3)
	mkfifo half
	psql -qc '\copy lectura from pstdin csv' <half &
	exec 3>half
	head -n 50 >&3
	kill -9 $!
	wait $! ;;
5)
	psql -qc '\copy lectura from pstdin csv' && kill -9 $$ ;;
crash)
	{
		head -n 1
		touch copying
		while [ -e up ]; do sleep 0.1; done
		cat
	} | psql -qc '\copy lectura from pstdin csv' ;;
held) # nothing is acknowledged until iotingest is killed
	psql -qc '\copy lectura from pstdin csv' && touch committed && while [ -e uncommitted ]; do sleep 0.1; done ;;
*)
	psql -qc '\copy lectura from pstdin csv' ;;
esac
END
queue archive
archive 'sh sink'
wait_for 30 test -e copying
tap $? 'batches arrive, though psql was killed twice'
told_twice() { [ "$(grep -c "sink 'sh sink' exited with status 137" sink.err)" -eq 2 ]; }
wait_for 10 told_twice
tap $? 'it says so'
restart_postgres immediate
tap $? 'the server crashes and comes back'
rm up
wait_for 30 test -e committed
tap $? 'the batch that it did not take comes again'
kill -9 "$archiver"
wait "$archiver" 2>/dev/null
rm uncommitted
[ "$(rows)" -lt $((2 * n)) ]
tap $? "iotingest is killed between a COMMIT and its acknowledgement ($(rows) rows of $((2 * n)))"
archive "psql -qc '\\copy lectura from pstdin csv'"
wait_for 30 has_rows $((2 * n))
tap $? 'the next one goes on: nothing is lost'
kill -TERM "$archiver"
wait "$archiver"
is 0 $? 'and ends cleanly'
is "$((2 * n))|$n|$n" "$(sql "select count(*), count(distinct timestamp), count(*) filter (where value = '48.2') from lecturas")" \
	'every reading is there once, what came twice was absorbed'
is 0.50 "$(sql "select distinct substr(value, length(value) - 2) from lecturas where sensor = 'temperature' and length(value) = 4" | sed 's/^/0/' | sort -u)" \
	'with the digits that were sent'
is "psql -qc '\copy lectura from pstdin csv'" "$(sed -n 's/^--.*--sink "\(.*\)"$/\1/p' "$top/examples/lecturas.sql")" \
	'by the command that stands in the example'
sed -n 's/^--	\(\\copy .*\)/\1/p' "$top/examples/lecturas.sql" |
	sed "s/'RPI_001'/'$(sql 'select min(device_id) from lecturas')'/" >week.sql
psql -qXf week.sql
is "$(($(sql "select count(*) from lecturas where device_id = (select min(device_id) from lecturas)") + 1))" "$(wc -l <week.csv)" \
	'and a week of a device comes out again, below a header'

# The plain pipe: what psql had not committed when it died is gone, for it was acknowledged.
sql 'truncate lecturas'
queue pipe
mkfifo pipe
psql -qc '\copy lectura from pstdin csv' <pipe 2>/dev/null &
copying=$!
# shellcheck disable=SC2094 # a fifo
iotingest --durable pipe --readings --format csv >pipe 2>pipe.err </dev/null &
piping=$!
pids="$pids $piping"
acknowledged() { [ "$(grep -c 'Received PUBACK from pipe' mosquitto.log)" -ge 100 ]; }
wait_for 10 acknowledged
kill -9 $copying
wait $piping
iotingest --durable pipe --readings --format csv -W 2 2>/dev/null | psql -qc '\copy lectura from pstdin csv'
[ "$(rows)" -lt $((2 * n)) ]
tap $? "negative control: a plain pipe into psql loses ($((2 * n - $(rows))) of $((2 * n)))"
done_testing
