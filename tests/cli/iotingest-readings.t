#!/bin/sh
# iotingest --readings: payloads of devices that are not the guide's two.
# shellcheck disable=SC2154 # $out, $err, $top
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

# read_of TOPIC PAYLOADS-A-LINE OPTION...: $got has sensor=value of each reading, $said error [sensors] of each reject.
read_of() {
	printf '%s\n' "$2" >"$T/payloads"
	topic=$1
	shift 2
	ingest_of "pub -q 1 -t '$topic' -l <'$T/payloads'" --readings -C "$(wc -l <"$T/payloads")" --rejects "$T/bad" "$@"
	printf '%s\n' "$out" | cat - "$T/bad" | jq -r 'if .error then "bad: \(.error) \(.sensors // [] | join(","))"
		else "good: \(.device_id // "-") \(.sensor)=\(.value|tojson) \(.timestamp // "-")" end' >"$T/read"
	got=$(sed -n 's/^good: //p' "$T/read" | tr '\n' ';')
	said=$(sed -n 's/^bad: //p' "$T/read" | tr '\n' ';')
	rm -f "$T/bad"
}

# One value a topic.
read_of lab/A7/temperature '21.5
-63
"open"
ON
nan
23.5 C' -t 'lab/{device_id}/{sensor_type}'
is 'A7 temperature=21.5 -;A7 temperature=-63 -;A7 temperature="open" -;A7 temperature="ON" -;' "$got" \
	'{sensor_type} names a bare value'
is 'range temperature;json ;' "$said" 'what is no value is rejected'
ingest_of "pub -q 1 -t lab/A7/temperature -m 21.5" -t 'lab/{device_id}/{sensor_type}' -C 1 --readings \
	--format csv --columns device_id,sensor,value,value_type,sensor_type
is 'A7,temperature,21.5,number,temperature' "$out" 'as rows, too'

# Several payloads, several names, and what a failed sensor prints.
read_of iot/sensors/X/data '[{"timestamp":1,"t":25},{"timestamp":2,"t":26}]
{"sensors":[{"name":"t","value":27},{"name":"h","value":40}],"timestamp":3}
{"sensors":{"t":28},"sensors":{"h":41},"timestamp":4}
{"device_id":"X","t":nan,"h":42.5,"timestamp":5}
{"t":43,"timestamp":{"s":6}}'
is 'X t=25 1;X t=26 2;X t=27 3;X h=40 3;X t=28 4;X h=41 4;X h=42.5 5;X t=43 -;' "$got" \
	'lists of payloads, lists of sensors, sensors twice, a failed sensor beside a good one'
is 'range t;range timestamp;' "$said" 'what is wrong is named in a reject line'

# Other names, from the command line and from iot.conf.
odd='{"Time":"2026-11-29T09:00:00","id":"X","SI7021":{"T":21.5},"wifi":{"rssi":-60}}'
read_of iot/sensors/X/data "$odd" --time-key last_seen,Time --device-key id --skip-key wifi
is 'X SI7021.T=21.5 2026-11-29T09:00:00;' "$got" '--time-key, --device-key, --skip-key'
printf 'time_key = Time\ndevice_key = id\nskip_key = wifi\n' >"$T/iot.conf"
read_of iot/sensors/X/data "$odd" --config "$T/iot.conf"
is 'X SI7021.T=21.5 2026-11-29T09:00:00;' "$got" 'as keys of the configuration'
ingest_of "pub -q 1 -t iot/sensors/X/data -m '$odd'" -C 1 --config "$T/iot.conf"
has "$out" '"payload":{"Time"' 'where they are nothing to message lines'
read_of iot/sensors/Y/data "$odd" --strict --device-key id
is 'id ;' "$got$said" '--strict holds --device-key against the topic'
run ingest -h "$sock" --time-key Time -C 1
is 2 "$status" '--time-key without --readings is refused'
has "$err" '--time-key needs --readings' 'and told'

# No way past --strict.
read_of iot/sensors/X/data '{"device_id":17,"t":1}
{"device_id":"X","t":2,"device_id":"Y"}
{"device_id":["X"],"t":3}
[{"device_id":"X","t":4},{"device_id":"Y","t":5}]
{"device_id":"X","t":6}' --strict
is 'X t=6 -;' "$got" '--strict lets only one through'
is 'id ;id ;id ;id ;' "$said" 'the others are rejects'
ingest_of "pub -q 1 -t iot/sensors/X/data -m '{\"device_id\":17,\"t\":1}'" -C 1 --strict
is '' "$out" 'message lines neither'
has "$err" '"error":"id"' 'and told'

# Beyond the limits.
many=$(seq 1 300 | sed 's/.*/"v&":1/' | paste -sd,)
read_of iot/sensors/X/data "{$many}"
is 256 "$(printf '%s' "$got" | tr -cd ';' | wc -c)" '256 values of a payload'
is 'range v257;' "$said" 'what is more is a reject'

# All of it is counted.
printf '{"t":nan,"h":1}\n' >"$T/payloads"
ingest --durable counted --readings -C 1 --metrics "$T/metrics" --quiet >"$T/lines" 2>"$T/err" &
counting=$!
wait_for 10 subscribed counted
pub -q 1 -t iot/sensors/X/data -l <"$T/payloads"
wait $counting
is 'iot_ingest_messages_total 1,iot_ingest_readings_total 1,iot_ingest_rejected_total 1' \
	"$(grep -E '^iot_ingest_(messages|readings|rejected)_total' "$T/metrics" | paste -sd,)" 'readings and rejects of one message count'
done_testing
