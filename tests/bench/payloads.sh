#!/bin/sh
# What the payloads of devices cost (payloads.c): CPU a message at QoS 1 against a reader that copies and looks at
# nothing (raw.c), and messages a second against mosquitto_sub -F %j. payloads.sh [ROUNDS [PAYLOAD...]]
. "$(dirname "$0")/lib.sh"
raw() { # raw FEED-OPTION...
	"$feed" "$@" -- "$build/tests/bench/raw" '{port}' 1 "$filter" 2>>"$T/err"
}
cpu() { # cpu PAYLOAD FLOOR AIM
	with="-q 1 -n 500000 --count --payload $1"
	compare cpu_us "ours $with -- -q 1" "raw $with"
	row "CPU us a message, $1, times a raw reader's" "$our" "$their" "$more" "$2" "$3" most
}
rate() { # rate PAYLOAD QOS FLOOR AIM
	with="-q $2 --count --payload $1"
	compare rate "ours $with -n 500000 -- -q $2" "theirs $with -n 60000 -- -q $2"
	row "messages/s, $1, QoS $2" "$our" "$their" "$more" "$3" "$4"
}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- guide-python guide-esp32 mixture escapes
for kind in "$@"; do
	case $kind in
	guide-python) cpu "$kind" 2 1.6 ;;
	mixture) cpu "$kind" 2.8 2 ;;
	*) cpu "$kind" - - ;;
	esac
	for qos in 0 1; do
		rm -f "$T/ours" "$T/theirs"
		rate "$kind" $qos - -
	done
done
