#!/bin/sh
# A broker whose streams are broken in every way, for 20 seconds (FUZZ_SECONDS): no consumer crashes or hangs.
# slow: for so long
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

seconds=${FUZZ_SECONDS:-20}
seed=${FUZZ_SEED:-$$}
start_broker 'allow_anonymous true' 'max_queued_messages 1000'
port=$(free_port)
bg perl "$top/tests/mutate.pl" "$port" "$sock" "$seed" >connections
wait_for 10 test -s connections
for i in 1 2 3; do mosquitto_pub --unix "$sock" -r -q 1 -t "kept/$i" -m "{\"n\":$i}"; done
publish() {
	while :; do
		seq 1 200 | sed 's/.*/{"n":&}/' | timeout 5 mosquitto_pub --unix "$sock" -q 2 -t f/1 -D publish topic-alias 1 \
			-D publish user-property a b -D publish content-type c -D publish response-topic r -l
		sleep 0.2
	done >/dev/null 2>&1
}
publish &
pids="$pids $!"

until=$(($(date +%s) + seconds))
# again NAME COMMAND...: until the time is over; each status is a line of NAME.ends.
again() {
	name=$1
	shift
	while [ "$(date +%s)" -lt $until ]; do
		timeout -k 5 20 "$@" >/dev/null 2>>"$name.err" </dev/null
		echo $? >>"$name.ends"
	done
}
set -- -p "$port" -k 5 --connect-timeout 2s -W 1s -t '#'
again five iotingest "$@" -q 2 &
again=$!
again three iotingest "$@" -V 311 -q 2 &
again="$again $!"
again kept iotingest "$@" --durable kept --readings --max-packet 1000 --rejects /dev/null &
again="$again $!"
again group iotingest -p "$port" -k 5 --connect-timeout 2s -W 4s --group g -i member --retry &
again="$again $!"
again sub iotsub "$@" -v -q 2 &
again="$again $!"
# shellcheck disable=SC2086
wait $again
ends=$(cat ./*.ends | wc -l)
broken=$(awk 'NF == 2 && $2 > 0' connections | wc -l)
ok "$ends ends, $broken broken connections (seed $seed)" [ "$ends" -gt 4 -a "$broken" -gt 4 ]
is '' "$(cat ./*.ends | grep -vx '[0-8]\|27' | sort | uniq -c)" 'none by a signal, none hangs'
cat ./*.err >all.err
no_line all.err 'nor does a sanitizer, or an assertion, say anything' -a 'Sanitizer\|runtime error\|Assertion'
ok 'what was broken is told' grep -q 'broke the MQTT protocol' all.err
done_testing
