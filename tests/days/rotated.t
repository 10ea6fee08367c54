#!/bin/sh
# Day: a week of an archive, a file a day; each midnight the file of the day before is compressed. On
# Wednesday the archiver dies in the middle of a line, on Friday it is away for the day.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"
export IOT_MQTT_HOST="$sock"

archive() { start_ingest week "$1.ndjson" --readings --rejects "$1.rejects.ndjson"; }
# midnight YESTERDAY: as the page does it; SIGTERM stands for -W.
midnight() {
	kill -TERM $ingesting
	wait $ingesting
	ended=$?
	gzip -q "$1.ndjson"
}
day=0
for name in mon tue wed thu fri sat sun; do
	first=$((day * 200 + 1))
	case $name in
	fri) publish $first $((first + 199)) ;;
	wed)
		archive wed
		publish $first $((first + 99))
		wait_for 10 has_lines 50 wed.ndjson
		kill -9 $ingesting
		wait $ingesting 2>/dev/null
		printf '{"received_at":"2026-11-2' >>wed.ndjson
		archive wed
		publish $((first + 100)) $((first + 199))
		wait_for 10 grep -q "\"value\":$((first + 199))," wed.ndjson
		midnight wed
		;;
	*)
		archive "$name"
		publish $first $((first + 199))
		wait_for 10 grep -q "\"value\":$((first + 199))," "$name.ndjson"
		midnight "$name"
		is 0 $ended "the midnight of $name"
		;;
	esac
	day=$((day + 1))
done
is 'mon sat sun thu tue wed ' "$(for f in *.gz; do printf '%s ' "${f%.ndjson.gz}"; done)" 'six files: on Friday nobody was there'
zcat ./*.gz >all
json_lines all 'every line is JSON'
has "$(cat week.err)" 'cut off the torn last line (25 bytes)' "Wednesday's torn line was cut off"
is 1400 "$(zcat ./*.gz | jq .value | sort -nu | wc -l)" 'nothing of the week is missing'
is 400 "$(zcat sat.ndjson.gz | wc -l)" "Friday's readings are with Saturday's"
done_testing
