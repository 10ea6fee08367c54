#!/bin/sh
# What a subscription brings: retained messages, once in a kept session and maybe not all, and copies.
# slow: sessions that start three times, and 2000 retained messages
. "$(dirname "$0")/../lib.sh"

start_broker # with its built-in limits
pub() { mosquitto_pub --unix "$sock" -q 1 "$@"; }
count() { printf '%s' "$1" | grep -c .; }
retain() { # retain PREFIX N: N retained messages
	seq "$2" | sed "s|.*|{\"topic\":\"$1/&\",\"payload\":&,\"retain\":true,\"qos\":1}|" |
		iotpub -h "$sock" -l --json
}

# Retained messages in a kept session: once. They come before what is published behind SUBACK.
pub -r -t once/1 -m OLD
# What an earlier start left in a kept session has another number.
knocks=0
knock() {
	pub -t once/end -m "end $knocks"
	grep -qs "end $knocks" got
}
starts() { # starts COMMAND...: how many lines each of three starts brings
	brought=
	for start in 1 2 3; do
		knocks=$((knocks + 1))
		bg "$@" -h "$sock" -t 'once/+' >got 2>"$start.err"
		wait_for 20 listening 'once/+' "$knocks" # what comes before that waits in front
		wait_for 20 knock
		kill "$bg"
		wait "$bg"
		brought="$brought$(grep -vc end got) "
		rm got
	done
}
starts iotingest
is '1 1 1 ' "$brought" 'iotingest: a new session has what the broker keeps'
starts iotingest --durable a
is '1 0 0 ' "$brought" 'a kept one has it once'
starts iotingest --durable b --retained skip
is '0 0 0 ' "$brought" '--retained skip: never'
starts iotingest --durable c -V 311
is '1 1 1 ' "$brought" 'MQTT 3.1.1 does not know of that'
starts iotsub -i d -c -q 1
is '1 0 0 ' "$brought" 'iotsub -c: once'
pub -r -t once/2 -m 7
bg iotingest -h "$sock" --durable a -t 'once/+' >got 2>err
wait_for 20 grep -qs '"payload":7' got
tap $? 'what is retained later comes as any other message'
kill "$bg"
wait "$bg"
for start in 1 2; do
	run iotingest -h "$sock" --durable a -t 'once/+' --retained only -C 2 -W 20s
	exits 0 "--retained only: at each start ($start)"
	run iotsub -h "$sock" -i d -c -q 1 -t 'once/+' --retained-only -C 2 -W 20
	exits 0 "iotsub -c --retained-only: at each start ($start)"
done

# More than the broker's queue has room for.
suspicion='900 or more retained messages at once may be a part of them'
retain few 100
retain many 2000
for program in 'iotingest -q 1' 'iotsub -q 1' 'iotsub -q 0'; do
	# shellcheck disable=SC2086
	run $program -h "$sock" -t 'few/#' -C 100 -W 20s
	is '100 0' "$(count "$out") $(printf '%s' "$err" | grep -c "$suspicion")" \
		"$program: 100 retained messages come without a word"
	# shellcheck disable=SC2086
	run $program -h "$sock" -t 'many/#' -C 950 -W 20s
	is '950 1' "$(count "$out") $(printf '%s' "$err" | grep -c "$suspicion")" \
		'of more than a queue holds it is told once that others may be missing'
done
has "$err" 'mosquitto: max_queued_messages; EMQX: mqtt.max_mqueue_len' 'with the settings'

# Filters that overlap.
run iotingest -h "$sock" -t 'iot/#' -t 'iot/sensors/{device_id}/data' -W 300ms
has "$err" "'iot/#' and 'iot/sensors/+/data' overlap: what both match may come twice" 'iotingest tells of filters that overlap'
run iotsub -h "$sock" -t 'a/+' -t 'b/+' -t '+/1' -W 0.3
is 1 "$(printf '%s\n' "$err" | grep -c "'a/+' and '+/1' overlap")" 'iotsub, too, of the first pair'
run iotsub -h "$sock" -t 'a/+' -t 'b/+' -t 'a/+' -W 0.3
without "$err" overlap 'a filter that is given twice is one'
run iotingest -h "$sock" --group g -i g1 --session-expiry 10s -t 'iot/#' -t 'iot/+/x' -W 300ms
has "$err" "'\$share/g/iot/#' and '\$share/g/iot/+/x' overlap" 'a group is told as well'
done_testing
