#!/bin/sh
# iotingest@.service: its command does what the page says. What holds for all units is in units.t.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"
unit=$top/cmd/iotingest/iotingest@.service

# Its commands, as systemd would run them: %i is the instance, a variable without quotes as many words as it has.
command_of() { sed -n "s/^$1=\(.*\)/\1/p" "$unit" | sed "s/%i/$2/g"; } # command_of KEY INSTANCE
export IOT_MQTT_HOST="$sock" IOTINGEST_OPTIONS='--readings --stats 1h'
start_instance() { # start_instance NAME LOG: $unit_pid is it
	/bin/sh -c "exec $(command_of ExecStart "$1")" 2>>"$2" </dev/null &
	unit_pid=$!
	pids="$pids $unit_pid"
}
start_unit() { start_instance day log; }
printf '{"received_at":"torn' >day.ndjson
start_unit
wait_for 10 subscribed day
publish 1 2
pub -q 1 -t iot/sensors/X/data -m 'no json'
wait_for 10 has_lines 2 day.ndjson
wait_for 10 has_lines 1 day.rejects.ndjson
mv day.ndjson day.1
mv day.rejects.ndjson day.rejects.1
MAINPID=$unit_pid /bin/sh -c "$(command_of ExecReload day)"
new_files() { [ -e day.ndjson ] && [ -e day.rejects.ndjson ]; }
wait_for 10 new_files
tap $? 'reload opens the files anew'
kill $unit_pid
wait $unit_pid
is 0 $? 'stop is a clean end'
publish 3 4
start_unit
wait_for 10 has_lines 2 day.ndjson
is '1 2 3 4 ' "$(jq .value day.1 day.ndjson | tr '\n' ' ')" 'the session NAME is archived to NAME.ndjson'
is json "$(jq -r .error day.rejects.1)" 'what is no reading to NAME.rejects.ndjson'
kill $unit_pid
wait $unit_pid

# The group that its comment shows.
IOTINGEST_OPTIONS=$(sed -n 's/^#\tIOTINGEST_OPTIONS=\(.*--group.*\)/\1/p' "$unit")
is '--group archive --session-expiry 10s' "$IOTINGEST_OPTIONS" 'it shows a group'
for n in 1 2; do
	start_instance archive-$n group.log
	wait_for 10 subscribed archive-$n
done
has "$(cat mosquitto.log)" "\$share/archive/iot/sensors/+/data" 'whose members share a subscription'
publish 1 100
shared() { [ "$(cat archive-1.ndjson archive-2.ndjson | wc -l)" -ge 100 ]; }
wait_for 10 shared
is 100 "$(cat archive-1.ndjson archive-2.ndjson | wc -l)" 'each message goes to one of them'
silent group.log 'and nothing is to be warned of'
done_testing
