#!/bin/sh
# iotingest --group with a broker that deals as EMQX does: also to members that are away, 1,000 messages each; a
# session that ends is dealt to the others.
# slow: sessions of a second expire
. "$(dirname "$0")/../lib.sh"

# start_stand_in [OPTION]: on $sock; what happens there is in $sock.log.
start_stand_in() {
	sock=$T/$1.sock
	shift
	bg /usr/bin/python3 "$top/tests/mqtt/emqx_group.py" "$sock" "$@"
	wait_for 10 test -S "$sock"
}
happened() { grep -q "^$1" "$sock.log"; }
# member ID OPTION...: in the background, subscribed when this returns; $member is its process.
member() {
	id=$1
	shift
	known=$(grep -c "^subscribe $id\$" "$sock.log")
	iotingest -h "$sock" -i "$id" --group g "$@" >>"$id.out" 2>>"$id.err" </dev/null &
	member=$!
	pids="$pids $member"
	again() { [ "$(grep -c "^\(subscribe $id\|connect $id present 1\)" "$sock.log")" -gt "$known" ]; }
	wait_for 10 again
}
publish() { # publish FROM TO: {"n":N} for each, QoS 1
	seq "$1" "$2" | sed 's/.*/{"n":&}/' | iotpub -h "$sock" --quiet -q 1 -t iot/sensors/X/data -l
}
got() { sed -n 's/.*"n":\([0-9]*\).*/\1/p' "$@" | sort -nu; }
missing() { # missing UPTO FILE...: how many of 1 to UPTO no line has
	upto=$1
	shift
	echo $((upto - $(got "$@" | wc -l)))
}
none_missing() { [ "$(missing "$@")" -eq 0 ]; }
# three PREFIX OPTION...: members PREFIX1 to 3; then 300 messages, so that each has lines, and $middle is dead.
three() {
	prefix=$1
	shift
	: >"${prefix}1.out"
	for n in 1 2 3; do
		member "$prefix$n" --quiet "$@"
		[ $n -ne 2 ] || middle=$member
	done
	publish 1 300
	wait_for 10 none_missing 300 "$prefix"?.out
	kill -9 "$middle"
	wait "$middle" 2>/dev/null
	wait_for 10 happened "away ${prefix}2 "
}

# A day, as it is without the option: it warns, and loses.
start_stand_in day
three day
publish 301 6300
member day2 --quiet
returned() { [ "$(got day2.out | wc -l)" -ge 1100 ]; }
wait_for 10 returned
everybody_else() { [ "$(got day1.out day3.out | wc -l)" -ge 4200 ]; }
wait_for 10 everybody_else
is 1000 "$(missing 6300 day?.out)" 'negative control: kept for 1d, 1,000 of the 2,000 that are dealt to one who is away are lost'

# Without the option it says so, once.
member told
rule='--group without --session-expiry keeps the share of a member that is away for 1d: EMQX drops what is beyond 1000'
has "$(cat told.err)" "$rule" 'a group without --session-expiry is told what EMQX does'
has "$(cat told.err)" '(max_queued_messages) and loses them then (leave 1d)' 'and what mosquitto does'
is 1 "$(wc -l <told.err)" 'in one line'
kill $member
wait $member
is 0 $? 'which is no failure'
member chosen --session-expiry 1d
silent chosen.err 'who has chosen is not told'
member alone --quiet
silent alone.err 'nor who wants it quiet'

# A second: what has come in it waits for the end of the session, then the others have it.
start_stand_in second
three sec --session-expiry 1s
grep -q '^connect sec2 present 0 version 5 expiry 1$' "$sock.log"
tap $? '--session-expiry 1s is what the broker is told'
publish 301 2300 &
publishing=$!
wait_for 10 happened 'end sec2 '
tap $? 'the session ends'
wait $publishing
publish 2301 6300
wait_for 20 none_missing 6300 sec?.out
is 0 "$(missing 6300 sec?.out)" 'with --session-expiry 1s nothing of 6,300 is lost, and the one that is away never returns'
publish 6301 8300 &
member sec2 --quiet --session-expiry 1s
wait_for 20 none_missing 8300 sec?.out
is 0 "$(missing 8300 sec?.out)" 'nor when it does'

# Nothing at all: no more than a moment is between the end of the connection and of the session.
start_stand_in zero
three zero --session-expiry 0
is 1 "$(grep -c '^end zero2 ' "$sock.log")" 'with --session-expiry 0 the session ends with the connection'
publish 301 6300
wait_for 20 none_missing 6300 zero?.out
is 0 "$(missing 6300 zero?.out)" 'and nothing of 6,300 is lost, however fast they come'

# The connection of a process is cut for longer than its session waits.
start_stand_in cut
port=$(free_port)
between() { bg perl "$top/tests/between.pl" "$port" "$sock"; between=$bg; }
between
wait_for 10 sh -c "iotingest -h 127.0.0.1 -p $port -W 100ms; [ \$? -ne 5 ]"
member cut1 --quiet --session-expiry 1s
iotingest -h 127.0.0.1 -p "$port" --durable cut2 --group g --session-expiry 1s >cut2.out 2>cut2.err </dev/null &
cut=$!
pids="$pids $cut"
wait_for 10 happened 'subscribe cut2'
publish 1 200
wait_for 10 none_missing 200 cut?.out
kill $between
wait_for 10 happened 'end cut2 '
publish 201 1200
between
back() { [ "$(grep -c '^subscribe cut2' "$sock.log")" -ge 2 ]; }
wait_for 20 back
publish 1201 2200
wait_for 20 none_missing 2200 cut?.out
is 0 "$(missing 2200 cut?.out)" 'a connection that is cut for longer than the session waits loses nothing'
got cut2.out | awk '$1 > 1200 { n++ } END { exit n == 0 }'
tap $? 'and the member has its share again when it is back'
stamp="20[-0-9T:.]*Z"
ended="the broker had ended the session 'cut2' while we were away, from $stamp to $stamp: on mosquitto its share is lost, EMQX gave it to the others"
is 1 "$(grep -c "$ended" cut2.err)" 'it is told that its session was gone'
kill -USR1 $cut
wait_for 10 grep -q '^{' cut2.err
is '[1,1]' "$(grep '^{' cut2.err | jq -c '[.shares_ended, .reconnects]')" 'and it is counted'
kill $cut
wait $cut
is 0 $? 'a clean end is one'
has "$(tail -n 1 cut2.err)" ', 1 reconnect, 1 share ended in ' 'the summary has it'

# A broker of MQTT 3.1.1 decides by itself.
start_stand_in old --refuse-5
member old --session-expiry 10s
told="MQTT 3.1.1 has no session expiry: the broker decides how long the session 'old' waits"
has "$(cat old.err)" "$told" 'a broker that knows 3.1.1 only: it is told that the expiry does not count'
member asked -V 311
is 1 "$(grep -cF "the broker decides how long the session 'asked' waits" asked.err)" 'so it is with -V 311'
no_line asked.err 'which has no 1d to be told of' -F 'EMQX'
iotingest -h "$sock" --durable alone -W 300ms >/dev/null 2>lonely.err
no_line lonely.err 'who has said nothing of an expiry is told nothing' 'no session expiry'
done_testing
