#!/bin/sh
# --linger waits as long as the broker may send more, and no longer.
# slow: 10 messages a second, for 5 s
# shellcheck disable=SC2016 # text for others: sh
. "$(dirname "$0")/../lib.sh"
feed=$build/tests/bench/feed
[ -x "$feed" ] || skip_all 'not built: make check builds it'

# linger MESSAGES FEED-OPTION... -- OPTION...: sizes of the batches in $sizes, the counter in $held.
linger() {
	n=$1
	shift
	opts=
	while [ "$1" != -- ]; do opts="$opts $1"; shift; done
	shift
	rm -f counts prom
	# shellcheck disable=SC2086
	run timeout 100 "$feed" -n "$n" --from 1 --idle 20s --limit 90s --out /dev/null $opts -- \
		iotingest -h localhost -p '{port}' --metrics prom --sink 'wc -l >>counts' "$@"
	sizes=$(tr -d ' ' <counts | tr '\n' ' ')
	held=$(sed -n 's/^iot_ingest_held_back_total //p' prom)
}
warnings() { printf '%s\n' "$err" | grep -c 'the broker holds back at'; }
repeat() { printf "$1 %.0s" $(seq "$2"); }

# A broker that stops at a limit of its own, with more to send. Two of 20 batches linger until the limit is
# learned, and others may on a machine that is too busy to come back at once.
for version in 311 5; do
	for window in 20 32; do
		linger $((window * 20)) -q 1 --window $window -- -V mqttv$version --linger 400
		is "$(repeat $window 20)" "$sizes" "MQTT $version, a window of $window: each batch is the whole window"
		[ "$held" -ge 2 ] && [ "$held" -le 18 ]
		tap $? "batches end early, but not the first two ($held)"
		is 1 "$(warnings)" 'one warning'
		has "$err" "the broker holds back at $window unacknowledged: raise max_inflight_messages (mosquitto) or mqtt.max_inflight (EMQX)" \
			'says what to raise'
	done
done
linger 400 -q 2 --window 20 -- -q 2 --linger 400
[ "$held" -ge 2 ] && [ "$(warnings)" -eq 1 ]
tap $? "QoS 2 too ($held of $(wc -l <counts))"

# Below the limit a linger runs whole.
linger 50 -q 1 --window 20 --rate 10 -- --linger 1000
# A machine that stands still for a while makes one batch larger and the next one smaller.
batches=$(wc -l <counts)
[ "$batches" -ge 4 ] && [ "$batches" -le 7 ]
tap $? "10 messages a second, linger 1000: batches of about 10 ($sizes)"
is '0 0' "$held $(warnings)" 'none ends early, nothing is told'
linger 100 -q 1 -- --linger 300
is '100 ' "$sizes" 'a burst below every limit is one batch'
linger 60 -q 0 -- -q 0 --receive-maximum 5 --linger 300
is '60 0 ' "$sizes$held " 'QoS 0 has no limit'

# Our own limit needs not be learned, and is no fault of the broker.
linger 40 -q 1 -- --receive-maximum 8 --linger 20000
is "$(repeat 8 5)" "$sizes" 'at our Receive Maximum a batch ends at once'
is '5 0' "$held $(warnings)" 'counted, without a word about the broker'
# A batch that ends inside of what was read at once is acknowledged with the next one.
linger 40 -q 1 -- --receive-maximum 8 --batch 5 --linger 20000
is 40 "$(awk '{ n += $1 } END { print n }' counts)" 'nor does one wait that is held back by a part of a batch'
done_testing
