#!/bin/sh
# kill -9 at every moment that matters: what was acknowledged is there. The broker is tests/bench/feed,
# which sees each acknowledgement and looks for its line; a second run resumes the session.
# slow: killed at each of some hundred system calls
. "$(dirname "$0")/../lib.sh"
. "$top/tests/faults.sh"

# Behind a reader that stalls: the pipe is full, more is read than written.
behind_a_stall() { # behind_a_stall QOS KILLS COMMAND...: prints the sum of the lost
	qos=$1 kills=$2 sum=0
	shift 2
	for k in $(seq "$kills"); do
		figures=$("$feed" -n 20000 -q "$qos" --session --stall 1s --kill-after $((40 + 7 * k))ms -- "$@" 2>>err)
		sum=$((sum + $(of lost)))
		echo "$figures" >>figures
	done
	echo $sum
}
kills=$(each 1 10 20 | wc -l)
for qos in 1 2; do
	# shellcheck disable=SC2046
	is 0 "$(behind_a_stall $qos "$kills" $(ours) -q $qos)" \
		"QoS $qos, $kills kills behind a stalled reader lose nothing"
done
# shellcheck disable=SC2046
lost=$(behind_a_stall 2 2 $(theirs) -q 2)
[ "$lost" -gt 0 ]
tap $? "negative control: mosquitto_sub in the same place loses ($lost of 40000)"

# Killed while a sink has read nothing yet: it must not take a part of its batch for the whole.
: >out
# shellcheck disable=SC2046
figures=$("$feed" -n 2000 -q 1 --session --idle 5s --out none --found out --kill-after 500ms -- $(ours) --batch 1000 \
	--linger 200 --sink 'sleep 1; cat >batch.$$ && cat batch.$$ >>out' 2>>err)
is 137 "$(of status)" 'killed while a sink that takes its time has a batch'
whole_batch() { [ "$(wc -l <out)" -eq 1000 ]; }
wait_for 10 whole_batch
is '1000 0' "$(wc -l <out) $(tail -c 1 out | tr -d '\n' | wc -c)" 'the sink stored all of it, not a part'

strace -o "$T/probe" true 2>/dev/null || { tap 0 'system calls # SKIP no ptrace here'; done_testing; }

# killed_at CALL N COMMAND...: 200 messages, SIGKILL at the Nth CALL; false when it has no Nth.
killed_at() {
	call=$1 n=$2
	shift 2
	rm -f out state
	# shellcheck disable=SC2086 # words
	figures=$("$feed" -n 200 -q "$qos" --window 10 --session --idle $idle --state state $where -- \
		strace -I2 -o /dev/null -e trace="$call" -e inject="$call:signal=SIGKILL:when=$n" "$@" 2>>err)
	[ "$(of status)" -eq 137 ]
}
# kill_everywhere COMMAND...: at every write, fdatasync and send; sets $points, $lost (acknowledged, and
# not there when it died), $missing (not there after the next run either). The lines go to lines.
# The first loss of a control is enough; it never gets all, and is waited for less.
control='' idle=20s
kill_everywhere() {
	points=0 lost=0 missing=0
	: >lines
	for call in write fdatasync sendto; do
		for n in $(each 1 7 400); do
			killed_at "$call" "$n" "$@" || break
			points=$((points + 1))
			lost=$((lost + $(of lost) + $(of early)))
			[ -z "$control" ] || [ "$lost" -eq 0 ] || return
			# shellcheck disable=SC2086
			figures=$("$feed" -n 200 -q "$qos" --idle $idle --state state $where -- "$@" 2>>err)
			missing=$((missing + $(of missing)))
			cat out >>lines
		done
	done
}

# A sink that says it is done before it is.
printf 'cat >held.$$\n(sleep 0.3; cat held.$$ >>out) >/dev/null 2>&1 &\n' >liar
for qos in 1 2; do
	where='--out out'
	# shellcheck disable=SC2046
	kill_everywhere $(ours) -q $qos
	is '0 0' "$lost $missing" "QoS $qos to a file, killed at $points system calls: nothing is lost"
	[ "$points" -gt 5 ]
	tap $? 'there were such calls'
	json_lines lines 'every line is whole after the next run'
	where='--found out --out none'
	# shellcheck disable=SC2046
	kill_everywhere $(ours) -q $qos --sink 'cat >>out' --linger 20
	is '0 0' "$lost $missing" "QoS $qos to a sink, killed at $points system calls: nothing is lost"
	json_lines lines 'every line is whole'
done

where='--out out' qos=1 control=yes idle=1s
# shellcheck disable=SC2046
kill_everywhere $(theirs) -q 1
[ "$lost" -gt 0 ]
tap $? "negative control: mosquitto_sub to a file loses ($lost of 200 at point $points)"
where='--found out --out none'
# shellcheck disable=SC2046
kill_everywhere $(ours) --sink 'sh liar' --linger 20
[ "$lost" -gt 0 ]
tap $? "negative control: a sink that reports too early loses ($lost of 200 at point $points)"
done_testing
