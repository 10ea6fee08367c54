#!/bin/sh
# User instructions a message of the output side (callgrind, difference of two counts, the loop around it
# taken off), and messages a second. Needs valgrind; `make build/tests/bench/lines` builds what it runs.
# lines.sh [PAYLOAD], of payloads.c
set -eu
payload=${1:-compact}
build=${IOT_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}

instructions() { # instructions FORM N
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$build/tests/bench/lines" "$1" "$2" "$payload" 2>&1 |
		sed -n 's/.*Collected : //p'
}
a_message() { # a_message FORM
	echo $((($(instructions "$1" 13000) - $(instructions "$1" 1000)) / 12000))
}
rate() { # rate FORM
	perl -MTime::HiRes=time -e 'my $from = time; system @ARGV; printf "%.0f\n", 2e6 / (time - $from)' \
		"$build/tests/bench/lines" "$1" 2000000 "$payload" | tail -n 1
}
loop=$(a_message nothing)
for form in scan line readings csv readings-csv; do
	printf '%-14s %6d instructions a message  %9d messages/s\n' $form $(($(a_message $form) - loop)) \
		"$(rate $form)"
done
