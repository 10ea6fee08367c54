#!/bin/sh
# User instructions a message: the difference of two counts under callgrind. instructions.sh
. "$(dirname "$0")/lib.sh"
collected() { # collected LINES-A-MESSAGE N COMMAND...
	lines=$1 n=$2
	shift 2
	all_came "$("$feed" -q 1 -n "$n" --lines "$lines" --count --limit 120s --idle 60s -- valgrind --tool=callgrind \
		--callgrind-out-file=/dev/null "$@" 2>"$T/err")"
	sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$T/err"
}
per_message() { # per_message LINES COMMAND...
	lines=$1
	shift
	few=$(collected "$lines" 10000 "$@")
	many=$(collected "$lines" 50000 "$@")
	echo $(((many - few) / 40000))
}
theirs=$(per_message 1 mosquitto_sub -h localhost -p '{port}' -q 1 -t "$filter" -F %j)
lines=$(per_message 1 "$build/iotingest" -h localhost -p '{port}' -q 1 --quiet)
readings=$(per_message 2 "$build/iotingest" -h localhost -p '{port}' -q 1 --quiet --readings)
row 'user instructions, message lines' "$lines" "$theirs" "$lines" 1000 600 most
row 'user instructions, two readings' "$readings" "$theirs" "$readings" - -
