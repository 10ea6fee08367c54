#!/bin/sh
# How connections come back: what is read again, what is told, and where to.
# slow: brokers that go and come back, for four programs
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

tls_clients() {
	set -- -L "mqtts://localhost:$tls" --cafile ca.crt --cert client.crt --key client.key
	iotingest "$@" -t 'r/#' --durable one >one.out 2>one.err &
	one=$!
	iotsub "$@" -t 'r/#' -i three >three.out 2>three.err &
	three=$!
	iotpub "$@" DEV t=counter --interval 200ms -i four 2>four.err &
	four=$!
	pids="$pids $one $three $four"
}

# Certificates that are replaced while the broker is away.
files old
broker old
tls_clients
set -- --cafile ca.crt --cert client.crt --key client.key
iotingest -L "wss://localhost:$wss" "$@" -t 'r/#' --durable two >two.out 2>two.err &
two=$!
pids="$pids $two"
ok "all four connect" wait_for 10 logged ' as \(one\|two\|three\|DEV\|four\) ' old.log 4
no_broker
files new
broker new
ok "... and again, with the files that are in the same places now" \
	wait_for 30 logged ' as \(one\|two\|three\|DEV\|four\) ' new.log 4
# The broker's log told of the login; the subscription may be on its way.
reaches() { mosquitto_pub -p "$plain" -q 1 -t r/1 -m hello && grep -q hello "$1"; }
for out in one two three; do
	ok "$out gets what comes then" wait_for 10 reaches $out.out
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

# Why it does not come back is told when it is another reason; that it is back, once.
files old
broker old
tls_clients
wait_for 10 logged ' as \(one\|three\|DEV\|four\) ' old.log 3
no_broker
broker new
for name in one three four; do
	ok "$name says why it cannot come back" wait_for 20 \
		grep -q "TLS: certificate is signed by an unknown CA: 'new-ca'" $name.err
done
no_broker
broker old
wait_for 60 logged ' as \(one\|three\|DEV\|four\) ' old.log 3
for name in one three four; do
	wait_for 10 grep -q "connected again.* to broker 'localhost:.*' at " $name.err
	is '1 1' "$(grep -c unknown $name.err) $(grep -c 'connected again' $name.err)" \
		'... once, and once that it is back'
done
kill $one $three $four
wait $one $three $four
no_broker

# A session that the broker forgot is a gap; mosquitto keeps none over a restart.
broker old
iotingest -h localhost -p "$plain" -t 'r/#' --durable gap --stats 100ms >gap.out 2>gap.err &
gap=$!
pids="$pids $gap"
wait_for 10 logged ' as gap ' old.log 1
no_broker
broker old
wait_for 60 grep -q '"sessions_lost":1' gap.err
stamp='20[-0-9T:.]*Z'
ok 'it is told with its times' grep -q \
	"the broker had ended the session 'gap' while we were away, from $stamp to $stamp: what waited in it is lost" gap.err
kill $gap
wait $gap
is 1 $? '... it is in the exit status'
has "$(tail -n 2 gap.err)" '1 session lost in ' '... and in the summary'
no_broker

# Several brokers. The certificate is for localhost alone.
files new
broker new
closed=$(free_port)
mosquitto_pub -p "$plain" -q 1 -r -t a -m there
subscribes() { # subscribes SENTENCE OPTION...
	said=$1
	shift
	run iotsub "$@" -t a -C 1 -W 20
	is '0 there' "$status $out" "$said"
}
subscribes 'the second URL is tried' -L "mqtt://localhost:$closed,mqtt://localhost:$plain"
subscribes 'also when it is given alone' -L "mqtt://localhost:$closed" -L "mqtt://localhost:$plain"
subscribes 'each URL has the name that its certificate must have' "$@" \
	-L "mqtts://127.0.0.1:$tls, mqtts://localhost:$tls"
subscribes '... over WebSocket, too' "$@" -L "wss://127.0.0.1:$wss,wss://localhost:$wss"
subscribes 'the second host is tried' -h "nobody.invalid,localhost" -p "$plain"
printf 'broker = mqtt://localhost:%s, mqtt://localhost:%s\n' "$closed" "$plain" >two.conf
IOT_CONFIG=$T/two.conf run iotpub -t a -m 1
exits 0 'both are read from a file'
run iotpub "$@" -L "mqtts://127.0.0.1:$tls,mqtts://127.0.0.1:$closed" -t a -m 1
exits 5 'none of them will do'
has "$err" "127.0.0.1:$tls': TLS: certificate is not for '127.0.0.1'" '... what got furthest is told'
iotingest -L "mqtt://localhost:$closed,mqtt://127.0.0.1:$plain" -t r --durable s --stats 100ms \
	2>stats.err >/dev/null &
ingesting=$!
pids="$pids $ingesting"
is_at() { tail -n 1 stats.err | jq -e "[.broker, .address] == $1" >/dev/null; }
ok '--stats says where it is' wait_for 10 is_at "[\"127.0.0.1:$plain\", \"127.0.0.1\"]"
kill $ingesting
wait $ingesting
no_broker

done_testing
