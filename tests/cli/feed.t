#!/bin/sh
# The fake broker of the benches and fault tests: what it counts is so, seen with mosquitto_sub.
# slow: mosquitto_sub again and again, with thousands of messages
. "$(dirname "$0")/../lib.sh"
feed=$build/tests/bench/feed
[ -x "$feed" ] || skip_all 'not built: make check builds it'

value() { printf '%s\n' "$out" | sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }
sub() { # sub FEED-OPTION... -- MOSQUITTO_SUB-OPTION...
	opts=
	while [ "$1" != -- ]; do opts="$opts $1"; shift; done
	shift
	# shellcheck disable=SC2086
	run timeout 60 "$feed" $opts -- mosquitto_sub -p '{port}' -t '#' -F %j "$@"
}

for version in 311 5; do
	for qos in 0 1 2; do
		sub -n 1000 -q $qos --window 100 -- -V "mqttv$version" -q $qos
		is '1000 0 0' "$(value got) $(value dup) $(value odd)" \
			"MQTT $version, QoS $qos: every line is found and known"
		is $((qos > 0 ? 1000 : 0)) "$(value acks)" 'so is every acknowledgement'
	done
done
sub -n 3000 -q 2 --stall 1s --kill-after 600ms -- -q 2
[ "$(value early)" -gt 0 ] && [ "$(value lost)" -gt 0 ]
tap $? "a subscriber that acknowledges before it prints is seen ($out)"
sub -n 20 -q 1 --rate 200 -- -q 1
[ "$(value p99_us)" -ge "$(value p50_us)" ]
tap $? 'with --rate the way from PUBLISH to line is measured'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert \
	-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
for records in full packet; do
	sub -n 1000 -q 1 --tls $records --cert cert --key key -- -q 1 -h localhost --cafile cert
	is 1000 "$(value got)" "TLS, records: $records"
done

sub -n 2 -q 1 --big 1000000 -- -q 1
is '2 1' "$(value acks) $(value odd)" 'a large payload streams by, and one goes behind it'

# A broker with a session: killed in the middle, then again until all is there.
runs=0
while [ "$(value acks)" -lt 3000 ] && [ $runs -lt 200 ]; do
	runs=$((runs + 1))
	sub -n 3000 -q 1 --window 20 --out lines --state state --kill-after 15ms -- -q 1 -c -i kept
done
is 3000 "$(value acks)" "a state file goes on where the last run stopped, until all is acknowledged ($runs runs)"
done_testing
