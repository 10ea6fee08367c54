#!/bin/sh
# Day: an hour of a sensor, a reading a second, archived to a file; in the middle the archiver dies.
. "$(dirname "$0")/../lib.sh"
start_broker 'allow_anonymous true' 'max_queued_messages 10000'
export IOT_MQTT_HOST="$sock"

keep archive iotingest --durable archive --readings --rejects rejects.ndjson

perl -e 'printf "{\"device_id\":\"RPI_001\",\"sensors\":{\"n\":%d,\"temperature\":21.50},\"timestamp\":%d}\n",
	$_, 1760000000 + $_ for 1 .. 3600' >hour
iotingest --durable archive --readings --rejects rejects.ndjson >>readings.ndjson 2>/dev/null </dev/null &
archiver=$!
# The second half of the hour comes when it is dead.
mkfifo feed
iotpub -t iot/sensors/RPI_001/data -q 1 -l <feed &
device=$!
exec 3>feed
head -n 1800 hour >&3
some() { [ "$(wc -l <readings.ndjson)" -ge 2400 ]; }
wait_for 30 some
kill -9 $archiver
wait $archiver 2>/dev/null
tail -n 1800 hour >&3
exec 3>&-
lines=$(grep -c sensor readings.ndjson)
[ "$lines" -lt 7200 ]
tap $? "it died in the middle ($lines of 7200 lines)"
wait $device
is 0 $? 'the device got everything acknowledged'

# The same command again, until the hour is complete.
iotingest --durable archive --readings --rejects rejects.ndjson >>readings.ndjson 2>/dev/null </dev/null &
archiver=$!
complete() {
	[ "$(sed -n 's/.*"sensor":"n","value":\([0-9]*\),.*/\1/p' readings.ndjson | sort -u | wc -l)" -eq 3600 ]
}
wait_for 30 complete
tap $? 'no reading of the hour is missing'
kill -TERM $archiver
wait $archiver
is 0 $? 'SIGTERM ends it cleanly'
json_lines readings.ndjson 'every line is JSON'
is 21.50 "$(sed -n 's/.*"temperature","value":\([0-9.]*\).*/\1/p' readings.ndjson | sort -u)" 'every digit is there'
silent rejects.ndjson 'nothing was rejected'
done_testing
