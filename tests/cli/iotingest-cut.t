#!/bin/sh
# iotingest's connection is cut again and again: while lines are written, and while a sink fails and
# all its room is taken.
# slow: what is cut off is noticed at the next ping, and tried again after a pause
# shellcheck disable=SC2016 # the words of a sink
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

# behind NAME: a place, a broker of its own and what stands before it at $port; a cut is one of its connections.
behind() {
	own "$1"
	port=$(free_port)
	bg perl "$top/tests/between.pl" "$port" "$sock"
	between=$bg
	wait_for 10 sh -c "iotingest -h 127.0.0.1 -p $port -W 100ms; [ \$? -eq 27 ]"
}
cut() { kill -USR1 "$between"; }
begin() { # begin ID OUT OPTION...
	id=$1
	to=$2
	shift 2
	iotingest -h 127.0.0.1 -p "$port" --durable "$id" "$@" >>"$to" 2>>"$id.err" </dev/null &
	ingesting=$!
	pids="$pids $ingesting"
	wait_for 10 subscribed "$id"
}
has_all() { [ "$(numbers "$2" | wc -w)" -ge "$1" ]; }
lost() { [ "$(grep -c 'lost broker' "$1.err")" -ge "$2" ]; }

lines() { # lines QOS
	qos=$1
	behind "lines$qos"
	begin lines"$qos" lines"$qos".out -q "$qos"
	for n in 0 1 2; do
		publish $((n * 1000 + 1)) $((n * 1000 + 1000)) &
		publisher=$!
		wait_for 10 has_lines $((n * 1000 + 100)) lines"$qos".out
		cut
		wait_for 10 lost lines"$qos" $((n + 1))
		wait "$publisher"
	done
	wait_for 30 has_all 3000 lines"$qos".out
	is 3000 "$(numbers lines"$qos".out | wc -w)" "cut three times at QoS $qos: nothing is missing"
	json_lines lines"$qos".out 'every line is whole'
	has "$(grep 'lost broker' lines"$qos".err | tail -n 1)" "'127.0.0.1:$port'" 'each cut is told'
	kill "$ingesting"
	wait "$ingesting"
}

# The sink's batch, the next batch and what is behind them wait while the connection comes and goes.
sink() {
	behind sink
	: >broken
	begin sink store -k 5 --batch 50 --sink 'cat >part; [ ! -e broken ] && cat part'
	publish 1 2000
	failed() { grep -q 'the same batch again' sink.err; }
	wait_for 10 failed
	# While it reads nothing it notices at the next ping.
	for n in 1 2; do
		cut
		wait_for 20 lost sink "$n"
		wait_for 20 sh -c "[ \$(grep -c 'New client connected.*as sink' mosquitto.log) -gt $n ]"
	done
	silent store 'a sink that fails stores nothing'
	rm broken
	wait_for 30 has_all 2000 store
	is 2000 "$(numbers store | wc -w)" 'when it works again nothing is missing'
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? 'and it ends cleanly'
	publish 2001 2001
	run ingest --durable sink -C 1
	is '2001 ' "$(printf '%s\n' "$out" | numbers -)" 'the broker has nothing left'
}

part lines 1
part lines 2
part sink
parts
done_testing
