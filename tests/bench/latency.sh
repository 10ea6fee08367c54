#!/bin/sh
# From PUBLISH to the line on the pipe, against mosquitto_sub -F %j. latency.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
for rate in 50 50000; do
	rm -f "$T/ours" "$T/theirs"
	n=$((rate == 50 ? 200 : 100000))
	compare p99_us "ours -q 1 -n $n --rate $rate -- -q 1" "theirs -q 1 -n $n --rate $rate -- -q 1"
	row "p99 us at $rate/s, part of the peer's" "$our" "$their" "$more" 1 0.5 most
	also p50_us
	row "p50 us at $rate/s, part of the peer's" "$our" "$their" "$more" - -
done
