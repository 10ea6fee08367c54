#!/bin/sh
# A broker that is restarted while iotpub -l reads its lines: nothing is lost at QoS 1.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

sink="$build/tests/bench/pub/sink"
sock=$T/sink.sock
start_sink() {
	"$sink" "$sock" log >>reports 3>&- &
	sink_pid=$!
	pids="$pids $sink_pid"
	wait_for 10 test -S "$sock"
}
logged() { grep -qx "$1" log; }
# restarted OPTION...: 1000 lines, of which 400 reach a sink that is stopped, then killed.
restarted() {
	rm -f log reports feed "$sock"
	mkfifo feed
	start_sink
	iotpub -h "$sock" -t t -l "$@" <feed 2>pub.err &
	pub=$!
	pids="$pids $pub"
	exec 3>feed
	seq 1 300 >&3
	wait_for 10 logged 300
	kill -STOP $sink_pid
	seq 301 700 >&3
	sleep 0.3 # until they are on their way
	kill -KILL $sink_pid
	wait $sink_pid 2>/dev/null
	rm -f "$sock"
	seq 701 800 >&3
	start_sink
	seq 801 1000 >&3
	exec 3>&-
	wait $pub
	status=$?
	kill $sink_pid
	wait $sink_pid
	lines=$(grep -vc connect log)
	different=$(grep -v connect log | sort -u | wc -l)
	dups=$(sed -n 's/.*"dups":\([0-9]*\).*/\1/p' reports)
}
for v in 5 311; do
	restarted -V "$v"
	is "0 1000" "$status $different" "version $v: nothing is lost"
	has "$(cat pub.err)" 'lost' "the loss of the connection is told"
	ok "what came twice says so itself ($((lines - different)) of $dups)" \
		[ $((lines - different)) -le "${dups:-0}" ]
done
restarted -q 2
is "0 1000" "$status $different" "nor at QoS 2"
restarted -q 0
ok "a control: at QoS 0 something is ($different of 1000)" [ "$different" -lt 1000 ]
is 1 "$status" "which the status tells"
has "$(cat pub.err)" 'lost or refused' "and a count"

done_testing
