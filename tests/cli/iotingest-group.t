#!/bin/sh
# Three processes of one group share the messages of one broker, mosquitto; one of them is killed and comes back,
# another's connection is cut for a while.
# slow: members of a group are killed again and again
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
cat lines? >all
json_lines all 'every line is whole'

# Without the group each has all.
for m in 1 2; do start_ingest "alone$m" "alone$m" --quiet; done
publish 1 100
both() { has_lines 100 alone1 && has_lines 100 alone2; }
wait_for 10 both
is '100 100' "$(wc -l <alone1) $(wc -l <alone2)" 'negative control: without --group each process has every message'

# A member that is away: its session keeps its share.
ok '-i ID names a member too' keep one ingest --group other -i one
publish 1 5
run ingest --group other -i one -C 5
is '1 2 3 4 5 ' "$(numbers .out)" 'whose session is kept'
keep two ingest -t '$share/loose/iot/sensors/+/data' -i two
publish 1 5
ingest -t '$share/loose/iot/sensors/+/data' -i two -C 1 >loose &
wait_for 10 subscribed two 1
publish 6 6
wait $!
is '6 ' "$(numbers loose)" 'negative control: without a kept session they are lost'

# A connection that is cut. mosquitto deals to the member all the same: it waits in its session, and dies with it.
port=$(free_port)
between() { bg perl "$top/tests/between.pl" "$port" "$sock"; between=$bg; }
between
wait_for 10 sh -c "iotingest -h 127.0.0.1 -p $port -W 100ms; [ \$? -eq 27 ]"
# pair NAME TIME: two members that keep their sessions so long; the second's connection is cut.
pair() {
	start_ingest "$1-here" "$1-1" --group "$1" --session-expiry "$2"
	here=$ingesting
	iotingest -h 127.0.0.1 -p "$port" --durable "$1-cut" --group "$1" --session-expiry "$2" \
		>"$1-2" 2>"$1-cut.err" </dev/null &
	cut=$!
	pids="$pids $cut"
	wait_for 10 subscribed "$1-cut"
	publish 1 100
	all 100 "$1"
	kill "$between"
	wait_for 10 grep -q 'lost broker' "$1-cut.err"
}
all() { # all UPTO NAME: waits for so many
	upto=$1 name=$2
	both() { [ "$(numbers "$name"-? | wc -w)" -ge "$upto" ]; }
	wait_for 10 both
}
connected() { [ "$(grep -c "New client connected.*as $1-cut" mosquitto.log)" -ge 2 ]; }
counted() { grep '^{' "$1-cut.err" | jq -c '[.reconnects, .shares_ended]'; }
end_pair() {
	kill -USR1 "$cut"
	wait_for 10 grep -q '^{' "$1-cut.err"
	kill "$cut" "$here"
	wait "$cut" "$here"
}
ended() { grep -c "had ended the session '$1-cut' while we were away, from .* ${2:-on mosquitto its share is lost}" "$1-cut.err"; }

pair intime 1d
publish 101 600
between
wait_for 20 connected intime
publish 601 700
all 700 intime
is 700 "$(numbers intime-? | wc -w)" 'it returns in time: nothing is lost'
end_pair intime
is '[1,0] 0' "$(counted intime) $(ended intime)" 'and there is nothing to be told'

pair late 1s
publish 101 600
wait_for 20 grep -q 'Expiring client late-cut' mosquitto.log
tap $? 'the broker ends a session whose time is over'
between
wait_for 20 connected late
publish 601 700
sent() { [ "$(numbers late-? | tr ' ' '\n' | awk '$1 > 600' | wc -l)" -eq 100 ]; }
wait_for 10 sent
tap $? 'the member that returns has its share again'
lost=$((700 - $(numbers late-? | wc -w)))
[ $lost -gt 0 ]
tap $? "it returns too late: what waited is lost ($lost of 600)"
end_pair late
is '[1,1] 1' "$(counted late) $(ended late)" 'that is told, and counted'
no_line late-here.err 'the one that stayed has nothing to tell' 'had ended the session'

# Without a group a session that is gone is as much of a loss.
publish 1 1
iotingest -h 127.0.0.1 -p "$port" --durable solo-cut --session-expiry 1s >solo 2>solo-cut.err </dev/null &
cut=$!
pids="$pids $cut"
wait_for 10 subscribed solo-cut
is 0 "$(ended solo 'what waited in it is lost')" 'negative control: a first session is not one that was lost'
kill "$between"
wait_for 20 grep -q 'Expiring client solo-cut' mosquitto.log
between
wait_for 20 connected solo
wait_for 10 grep -q 'had ended' solo-cut.err
is 1 "$(ended solo 'what waited in it is lost')" 'a session of --durable that is gone is told too'
kill "$cut"
wait "$cut"
has "$(tail -n 2 solo-cut.err)" ', 1 session lost in ' 'and is in the summary'
done_testing
