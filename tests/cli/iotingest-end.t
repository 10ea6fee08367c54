#!/bin/sh
# How iotingest ends: signals, its reader, its time; what is not safe stays with the broker.
# slow: readers that stall are waited for
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"
authority ca
certificate server ca DNS:localhost

has_all() { [ "$(cat "$@" | wc -l)" -ge 3000 ]; }

# In the middle of a stream: what is written and what comes next are all, at each QoS that keeps.
drain() { # drain QOS SIGNAL STATUS
	qos=$1
	signal=$2
	own "drain$qos$signal"
	id=drain
	keep "$id" iotingest -h "$sock" --durable "$id" -q "$qos"
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' \
		iotingest -h "$sock" --durable "$id" -q "$qos" >"$id.1" 2>/dev/null </dev/null &
	ingesting=$!
	seq 1 3000 | sed 's/.*/{"n":&}/' | pub_lines -q 2 -t iot/sensors/X/data &
	publisher=$!
	wait_for 10 has_lines 500 "$id.1"
	from=$(date +%s%N)
	kill -"$signal" "$ingesting"
	wait "$ingesting"
	is "$3" $? "SIG$signal at QoS $qos ends with $3"
	took=$((($(date +%s%N) - from) / 1000000))
	[ "$took" -lt 5000 ]
	tap $? "within its own limit of 1.5 s and what a busy machine adds ($took ms)"
	wait "$publisher"
	iotingest -h "$sock" --durable "$id" -q "$qos" >"$id.2" 2>/dev/null </dev/null &
	ingesting=$!
	wait_for 20 has_all "$id.1" "$id.2"
	kill "$ingesting"
	wait "$ingesting"
	timeout 20 iotingest -h "$sock" --durable "$id" -q "$qos" -W 300ms >>"$id.2" 2>/dev/null </dev/null
	is 3000 "$(numbers "$id.1" "$id.2" | wc -w)" "nothing is missing (SIG$signal, QoS $qos)"
	is 3000 "$(cat "$id.1" "$id.2" | wc -l)" "and nothing came twice (SIG$signal, QoS $qos)"
	no_line mosquitto.log 'it said DISCONNECT' 'Client drain.* closed its connection'
}

# A reader that stalls does not keep it from ending.
stalled() {
	own stalled
	mkfifo fifo
	perl -e 'sleep 60' <fifo &
	holder=$!
	pids="$pids $holder"
	iotingest -h "$sock" --durable stall >fifo 2>stall.err </dev/null &
	ingesting=$!
	wait_for 10 subscribed stall
	perl -e 'print "{\"n\":$_,\"pad\":\"", "x" x 1000, "\"}\n" for 1..1000' | pub_lines -q 1 -t iot/sensors/X/data
	wait_for 20 pipe_is_full fifo
	from=$(date +%s%N)
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? 'SIGTERM behind a stalled reader'
	took=$((($(date +%s%N) - from) / 1000000))
	[ "$took" -lt 5000 ]
	tap $? "it ends within its own limit of 1.5 s and what a busy machine adds ($took ms)"
	has "$(cat stall.err)" 'messages were not taken in time: they are not acknowledged' 'and says so'
	kill "$holder"
	wait "$holder" 2>/dev/null
	# So it does when the pipe is another user's, which cannot be opened again.
	if [ "$(id -u)" -eq 0 ] && chmod 755 "$T/.." "$T" && cp "$build/iotingest" . && setpriv --reuid=65534 --clear-groups ./iotingest --version >/dev/null 2>&1; then
		chmod 777 "$sock"
		chmod 600 fifo
		perl -e 'sleep 60' <fifo &
		other=$!
		pids="$pids $other"
		HOME=/nonexistent setpriv --reuid=65534 --clear-groups \
			./iotingest -h "$sock" --durable stall >fifo 2>other.err </dev/null &
		ingesting=$!
		wait_for 20 pipe_is_full fifo
		kill "$ingesting"
		wait "$ingesting"
		is 0 $? "behind a stalled pipe of another user's too"
		has "$(cat other.err)" 'not taken in time' 'which is the reason there'
		kill "$other"
		wait "$other" 2>/dev/null
	fi
	# A second signal does not wait.
	perl -e 'sleep 60' <fifo &
	holder=$!
	pids="$pids $holder"
	iotingest -h "$sock" --durable stall >fifo 2>/dev/null </dev/null &
	ingesting=$!
	wait_for 20 pipe_is_full fifo
	kill -TERM "$ingesting"
	sleep 0.4 # apart, or the two are one signal
	from=$(date +%s%N)
	kill -TERM "$ingesting"
	wait "$ingesting"
	took=$((($(date +%s%N) - from) / 1000000))
	[ "$took" -lt 1300 ]
	tap $? "a second signal ends it at once ($took ms)"
	kill "$holder"
	wait "$holder" 2>/dev/null
	run ingest --durable stall -C 1
	is 1 "$(printf '%s\n' "$out" | grep -c '"dup":true')" 'what the pipe did not take comes again'
}

# A reader that leaves: 0, and the rest stays with the broker.
leaves() {
	own leaves
	keep left ingest --durable left
	publish 1 2000
	{ iotingest -h "$sock" --durable left 2>/dev/null </dev/null; echo $? >status; } | head -n 10 >first
	is 0 "$(cat status)" 'a reader that leaves is no error'
	is 10 "$(wc -l <first)" 'it got what it wanted'
	iotingest -h "$sock" --durable left >rest 2>/dev/null </dev/null &
	ingesting=$!
	ok 'the rest stayed with the broker' wait_for 20 grep -q '"n":2000}' rest
	kill "$ingesting"
}

# Standard output that is closed, or may only be read: nothing is acknowledged into nowhere, nor written to
# what got its number.
closed() {
	own closed
	keep nowhere ingest --durable nowhere
	publish 1 3
	for how in '>&-' '1</dev/null'; do
		run sh -c "timeout 20 iotingest -h '$sock' --durable nowhere --rejects rejects.nowhere -C 3 $how"
		exits 7 "standard output is '$how'"
		has "$err" 'cannot write to standard output: Bad file descriptor' '... which is told'
		ok '... and nothing is written elsewhere' test ! -s rejects.nowhere
	done
	# Nor are rejects, which go to standard error.
	keep nowhere-rejects ingest --durable nowhere-rejects --readings
	mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/R_1/data -m 'no JSON'
	run sh -c "timeout 20 iotingest -h '$sock' --durable nowhere-rejects --readings -C 1 2>&-"
	exits 7 'a reject, and standard error is closed'
	run ingest --durable nowhere-rejects --readings -C 1
	has "$err" '"error":"json"' 'the broker kept the message'
	run sh -c "timeout 20 iotingest -h '$sock' --durable nowhere -C 3 --sink 'cat >>sunk' >&-"
	exits 0 'a sink needs no standard output'
	is 3 "$(wc -l <sunk)" 'nothing was acknowledged before'
}

# The kernel has no room to watch another descriptor: it ends or tries again, and never waits for nothing.
no_room() {
	own no_room
	if strace -o "$T/probe" true 2>/dev/null; then
		mosquitto_pub --unix "$sock" -q 1 -r -t watched -m 1
		hung=
		for n in 1 2 3 4 5 6 7 8; do
			ASAN_OPTIONS=detect_leaks=0 timeout 20 strace -o /dev/null -e trace=epoll_ctl \
				-e inject=epoll_ctl:error=ENOSPC:when="$n" \
				iotingest -h "$sock" -t watched -C 1 --connect-timeout 2 >/dev/null 2>&1 </dev/null
			[ $? -ne 124 ] || hung="$hung $n"
		done
		is '' "$hung" 'epoll_ctl fails: nothing hangs'
		mosquitto_pub --unix "$sock" -q 1 -r -t watched -n
	fi
}

# The broker is away.
away() {
	own away
	start_ingest away away.out
	kill "$broker_pid"
	wait "$broker_pid" 2>/dev/null
	wait_for 10 test -s away.err
	from=$(date +%s%N)
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? 'SIGTERM while the broker is away'
	took=$((($(date +%s%N) - from) / 1000000))
	[ "$took" -lt 5000 ]
	tap $? "it ends within its own limit of 1.5 s and what a busy machine adds ($took ms)"
	iotingest -h "$sock" --durable away --retry >/dev/null 2>&1 </dev/null &
	ingesting=$!
	wait_for 20 takes_signals "$ingesting" iotingest
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? 'also before it was ever there (--retry)'
}

# An output that is full: the acknowledgements of what is stored reach the broker, with TLS too, though there is
# much on the way that nobody reads any more.
full() {
	kind=$1
	certificates=$T
	tls=$(free_port)
	place "full$kind"
	start_broker 'allow_anonymous true' 'max_queued_messages 20000' 'log_type all' "listener $tls 127.0.0.1" \
		"certfile $certificates/server.crt" "keyfile $certificates/server.key"
	case $kind in
	tls) set -- -L "mqtts://localhost:$tls" --cafile "$certificates/ca.crt" ;;
	*) set -- -h "$sock" ;;
	esac
	start_ingest full none
	kill "$ingesting"
	wait "$ingesting"
	publish 1 10000
	(
		ulimit -f 1200
		exec iotingest "$@" --durable full >>full.out 2>full.err
	)
	is 7 $? "$kind: an output that is full"
	stored=$(wc -l <full.out)
	iotingest -h "$sock" --durable full >>full.out 2>>full.err </dev/null &
	ingesting=$!
	wait_for 60 grep -q '"n":10000}' full.out
	kill "$ingesting"
	wait "$ingesting"
	is "$(seq 1 10000 | tr '\n' ' ')" "$(numbers full.out)" '... loses nothing'
	again=$(($(wc -l <full.out) - 10000))
	# The batch that did not fit is taken back whole: on a loaded machine it is most of them.
	ok "... and $again of $stored lines come again" [ "$stored" -ge 50 -a "$again" -lt 300 ]
}

for qos in 1 2; do
	part drain $qos TERM 0
	part drain $qos INT 130
done
for f in stalled leaves closed no_room away; do part $f; done
part full plain
part full tls
parts

done_testing
