#!/bin/sh
# Three processes of one group share the messages of one broker; one of them is killed and comes back.
# shellcheck disable=SC2016 # text for others: MQTT, expect
. "$(dirname "$0")/../lib.sh"
. "$top/tests/ingest.sh"

member() { start_ingest "m$1" "lines$1" --group shared --quiet; }
total() { cat lines1 lines2 lines3 | wc -l; }
reached() { [ "$(total)" -ge "$1" ]; }
# The numbers 1..$1 that no line has, and those that more than one has.
missing() {
	numbers lines? | tr ' ' '\n' >got
	seq "$1" | sort >wanted
	sort got | comm -13 - wanted | head -n 5 | tr '\n' ' '
}
twice() { sed -n 's/.*"n":\([0-9]*\).*/\1/p' lines? | sort | uniq -d | head -n 5 | tr '\n' ' '; }

for m in 1 2 3; do
	member $m
	eval "pid$m=\$ingesting"
done
has "$(cat mosquitto.log)" '$share/shared/iot/sensors/+/data' 'the subscription is shared'
publish 1 1000 &
publish 1001 2000 &
publish 2001 3000
wait_for 30 reached 3000
is 3000 "$(total)" '3000 messages from three publishers make 3000 lines'
is '' "$(missing 3000)" 'every message is there'
is '' "$(twice)" 'each went to exactly one'
for m in 1 2 3; do
	[ -s lines$m ]
	tap $? "member $m had its share ($(wc -l <lines$m))"
done

# While messages come, one is killed without a word; its session keeps what is its own.
n=3000
for round in 1 2 3; do
	before=$(wc -l <lines2)
	publish $((n + 1)) $((n + 2000)) &
	publishing=$!
	n=$((n + 2000))
	wait_for 10 has_lines $((before + 50)) lines2
	# shellcheck disable=SC2154 # set above
	kill -9 "$pid2"
	wait "$pid2" 2>/dev/null
	wait $publishing
	member 2
	pid2=$ingesting
	everything() { [ -z "$(missing "$n")" ]; }
	wait_for 30 everything
	is '' "$(missing $n)" "killed and started again, round $round: nothing is missing"
done
is '' "$(cat lines? | { jq -c . >parsed; } 2>&1)" 'every line is whole'

# Without the group each has all.
for m in 1 2; do start_ingest "alone$m" "alone$m" --quiet; done
publish 1 100
both() { has_lines 100 alone1 && has_lines 100 alone2; }
wait_for 10 both
is '100 100' "$(wc -l <alone1) $(wc -l <alone2)" 'negative control: without --group each process has every message'

# A member that is away: its session keeps its share.
run ingest --group other -i one -C 1 -W 300ms
exits 27 '-i ID names a member too'
publish 1 5
run ingest --group other -i one -C 5
is '1 2 3 4 5 ' "$(numbers .out)" 'whose session is kept'
run ingest -t '$share/loose/iot/sensors/+/data' -i two -W 300ms
publish 1 5
run ingest -t '$share/loose/iot/sensors/+/data' -i two -W 300ms
is '' "$(numbers .out)" 'negative control: without a kept session they are lost'
done_testing
