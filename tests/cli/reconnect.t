#!/bin/sh
# How connections come back: what is read again, what is told, and where to.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

plain=$(free_port)
tls=$(free_port)
wss=$(free_port)
# broker NAME: mosquitto with NAME's certificates on the three ports; it was not there before.
broker() {
	{
		broker_logs
		printf 'user %s\nallow_anonymous true\nlistener %s 127.0.0.1\n' "$(id -un)" "$plain"
		for p in "$tls" "$wss"; do
			printf 'listener %s 127.0.0.1\n' "$p"
			[ "$p" = "$tls" ] || echo "protocol websockets"
			printf 'require_certificate true\ncafile %s/%s-ca.crt\n' "$T" "$1"
			printf 'certfile %s/%s.crt\nkeyfile %s/%s.key\n' "$T" "$1" "$T" "$1"
		done
	} >"$1.conf"
	mosquitto -c "$1.conf" >"$1.log" 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 10 grep -q running "$1.log" || note "$(cat "$1.log")"
}
no_broker() {
	kill "$broker_pid"
	wait "$broker_pid"
}
logged() { [ "$(grep -c "$1" "$2")" -ge "$3" ]; } # logged TEXT FILE TIMES

for name in old new; do
	authority $name-ca
	certificate $name $name-ca DNS:localhost
	certificate $name-client $name-ca DNS:none
done
# files NAME: where the programs read them. Written in their places, one after the other.
files() {
	cat "$1-ca.crt" >ca.crt
	cat "$1-client.crt" >client.crt
	cat "$1-client.key" >client.key
}

# Certificates that are replaced while the broker is away.
files old
broker old
set -- --cafile ca.crt --cert client.crt --key client.key
iotingest -L "mqtts://localhost:$tls" "$@" -t 'r/#' --durable one >one.out 2>one.err &
one=$!
iotingest -L "wss://localhost:$wss" "$@" -t 'r/#' --durable two >two.out 2>two.err &
two=$!
iotsub -L "mqtts://localhost:$tls" "$@" -t 'r/#' -i three >three.out 2>three.err &
three=$!
iotpub -L "mqtts://localhost:$tls" "$@" DEV t=counter --interval 200ms -i four 2>four.err &
four=$!
pids="$pids $one $two $three $four"
ok "all four connect" wait_for 10 logged ' as \(one\|two\|three\|DEV\|four\) ' old.log 4
no_broker
files new
broker new
ok "... and again, with the files that are in the same places now" \
	wait_for 30 logged ' as \(one\|two\|three\|DEV\|four\) ' new.log 4
mosquitto_pub -p "$plain" -q 1 -t r/1 -m hello
for out in one two three; do
	ok "$out gets what comes then" wait_for 10 grep -q hello $out.out
done
# Files that cannot be used: what was read before stays, and that is told.
no_broker
echo broken >client.key
broker new
ok "a key that is broken keeps nobody away" \
	wait_for 30 logged ' as \(one\|two\|three\|DEV\|four\) ' new.log 4
has "$(cat one.err)" "cannot use key 'client.key'" "... it is told"
kill $one $two $three $four
wait $one $two $three $four
no_broker

done_testing
