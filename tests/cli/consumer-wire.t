#!/bin/sh
# What a consumer makes of what a broker says that it can: versions, limits, identifiers, topic aliases.
# slow: brokers that say nothing are waited for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

broker() { # broker NAME [KEY=VALUE...]: on NAME.sock
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 10 test -S "$1.sock"
}
versions() { # versions BROKER: of each CONNECT, in order
	sed -n 's/.* CONNECT 1000044d5154540\(.\).*/\1/p' "$1.log" | tr '\n' ' '
}
subscribes() { grep -c SUBSCRIBE "$1.log"; } # subscribes BROKER

# Versions.
message='send=300400016132'
broker two connack=20020000 only=5 $message
run timeout 20 iotingest -h "$T/two.sock" -t a -C 1 -W 15
is '0 5 4 ' "$status $(versions two)" 'a CONNACK of two bytes is of MQTT 3.1.1, whatever it says'
broker unknown connack=2003008400 only=5 $message
run timeout 20 iotingest -h "$T/unknown.sock" --durable kept -t a -C 1 -W 15
is '0 5 4 ' "$status $(versions unknown)" '... so is reason 132, for a kept session, too'
broker shut shut=5 $message
run timeout 20 iotingest -h "$T/shut.sock" -t a -C 1 -W 15
is '0 5 4 ' "$status $(versions shut)" 'a mere close: 3.1.1 is tried'
run timeout 20 iotingest -h "$T/shut.sock" --durable kept -t a -C 1 -W 15
is "5 iotingest: cannot reach broker '$T/shut.sock': it closed the connection" "$status $err" '... not for a kept session'
is '5 4 5 ' "$(versions shut)" '... which asks once'
run timeout 20 iotingest -h "$T/shut.sock" -V 5 -t a -C 1 -W 15
is '5 5 4 5 5 ' "$status $(versions shut)" '... nor with -V 5'
broker closed connack=20 end=1
run timeout 20 iotingest -h "$T/closed.sock" -t a -C 1 -W 15
is '5 5 ' "$status $(versions closed)" '... nor when a CONNACK was begun'
broker refusing shut=5 connack=20020005
run timeout 20 iotingest -h "$T/refusing.sock" -t a -C 1 -W 15
is "4 5 4 " "$status $(versions refusing)" 'one that refuses then, too, says why'
has "$err" 'bad user name or password, or not allowed to connect' '... in words'
broker later close=1 connack=20020000 from=3 only=4 shut=5
run timeout 20 iotingest -h "$T/later.sock" -t a -C 1 -W 5
is '5 4' "$(versions later | cut -d' ' -f1-2)" 'what was tried and accepted'
is '' "$(versions later | cut -d' ' -f3- | tr -d '4 ')" '... is kept'

# What one broker knows is no word about the next one, which here knows MQTT 5 alone.
broker v3 connack=20020001 only=5 close=1
broker v5 shut=4 send=30050001610032
set -- -h "$T/v3.sock" -h "$T/v5.sock"
run timeout 20 iotingest "$@" -t a -C 1 -W 15
is '0 5 4 5 ' "$status $(versions v3)$(versions v5)" 'of several brokers each has its version'
run timeout 20 iotpub "$@" -t a -m x --repeat 4 --repeat-delay 500ms
is '0 5 4 5 4 5 5 ' "$status $(versions v3)$(versions v5)" '... for who publishes as well'

# Limits that CONNACK tells.
limited() { # limited NAME PROPS FILTER WORDS: the only filter is one that the broker does not have
	broker "$1" props="$2"
	run timeout 20 iotingest -h "$T/$1.sock" -t "$3" -C 1 -W 15
	has "$err" "the broker refused the subscription '$3': $4" "$1: it says so"
	is 0 "$(subscribes "$1")" '... and does not ask'
}
limited shared 022a00 "\$share/g/a" 'the broker has no shared subscriptions'
limited wildcards 022800 'a/+' 'the broker has no wildcards'
limited large 052700000014 aaaaaaaaaaaaaaaaaaaaaaaa 'longer than it takes'
broker some props=022800 send=30050001610032
run timeout 20 iotingest -h "$T/some.sock" -t 'a/#' -t a -C 1 -W 15
is '0 1' "$status $(subscribes some)" 'the filters that it has go on'
has "$err" "the broker refused the subscription 'a/#': the broker has no wildcards" '... and the other is told'

broker bare props=022500 send=30050001610032
run timeout 20 iotingest -h "$T/bare.sock" --verbose -t a -C 1 -W 15
has "$err" "broker '$T/bare.sock' keeps no retained messages" 'who wants to know hears that nothing is retained'
broker names props=07120004616263c2 send=30050001610032
run timeout 20 iotingest -h "$T/names.sock" --verbose -i mine -t a -C 1 -W 15
has "$err" "broker '$T/names.sock' calls the client 'mine' 'abc" '... and by which name the broker knows the client'
broker hasty props=05110000003c send=30050001610032
run timeout 20 iotingest -h "$T/hasty.sock" --durable mine -t a -C 1 -W 15
has "$err" "broker '$T/hasty.sock' keeps the session 'mine' for 60 s while we are away, not for the 86400 s" \
	'a session that the broker keeps for less time is told'
run timeout 20 iotingest -h "$T/hasty.sock" --durable mine --session-expiry 60s -t a -C 1 -W 15
without "$err" 'keeps the session' '... not one that it keeps as long as was asked'
if [ -n "${TEST_LONG-}" ]; then
	broker silent
	broker other send=300400016232
	timeout 90 iotingest -h "$T/other.sock" -V 311 -t b -t "\$share/g/a" -W 64 >/dev/null 2>other.err &
	beside=$!
	run timeout 90 iotingest -h "$T/silent.sock" -V 311 -i s --group g -t a -W 64
	is 1 "$(printf '%s\n' "$err" | grep -c "no message for '\$share/g/a' within 60 s")" 'silence of a share at MQTT 3.1.1 is told, once'
	wait $beside
	is 1 "$(grep -c "no message for '\$share/g/a' within 60 s" other.err)" '... also where others bring messages'
fi

# A Packet Identifier that is in use.
broker used suback=91 once=1 send=30050001610032
run timeout 20 iotingest -h "$T/used.sock" -t a -C 1 -W 15
is '0 8200010000016111 8200020000016111' \
	"$status $(sed -n 's/.* SUBSCRIBE //p' used.log | tr '\n' ' ' | sed 's/ $//')" 'reason 0x91: another identifier'
broker always suback=91
run timeout 20 iotingest -h "$T/always.sock" -t a -C 1 -W 15
is '4 11' "$status $(subscribes always)" '... ten times'
has "$err" "the packet id is in use" '... then it is refused'

# Topic aliases.
aliases() { sed -n 's/.* CONNECT 1000044d515454.*/&/p' "$1.log" | grep -c 220010; } # aliases BROKER: CONNECTs with them
broker kept send=30050001610032
run timeout 20 iotingest -h "$T/kept.sock" --durable kept -t a -C 1 -W 15
is '0 0' "$status $(aliases kept)" 'a kept session asks for no topic aliases'
broker wrong send=300700000323000732
run timeout 20 iotingest -h "$T/wrong.sock" -t a -C 1 -W 8
is 1 "$(aliases wrong)" 'one that is not kept asks for them until the broker does them wrong'
has "$err" 'a topic alias that is unknown or out of range' '... which is told'
[ "$(versions wrong | wc -w)" -ge 2 ]
tap $? "... ($(versions wrong | wc -w) connections)"

# iotsub: its kept session ends some day, and large messages are read past.
expiry() { sed -n 's/.* CONNECT 1000044d51545405....\(....\)11\(........\).*/\2/p' "$1.log" | tr '\n' ' '; }
broker day send=30050001610032
run timeout 20 iotsub -h "$T/day.sock" -i x --durable -t a -C 1 -W 15
run timeout 20 iotsub -h "$T/day.sock" -i x --durable --session-expiry 1h -t a -C 1 -W 15
is '00015180 00000e10 ' "$(expiry day)" 'a kept session of iotsub: a day, or --session-expiry'
refused() { # refused WORDS OPTION...
	words=$1
	shift
	run iotsub -h "$T/day.sock" "$@" -t a
	is "2 iotsub: --session-expiry$words" "$status $(printf '%s\n' "$err" | head -n 1)" "refused: $*"
}
refused ' needs --keep-session' --session-expiry 1h
refused ': a session that is kept waits for 1s at least' -i x -c --session-expiry 0
refused ' needs MQTT 5: before, the broker decides' -i x -c -V 311 --session-expiry 1h
thousands=$(perl -e 'print "78" x 2000')
broker huge "send=30d40f00016100${thousands}30050001610032"
run timeout 20 iotsub -h "$T/huge.sock" -t a -C 1 -W 15 --max-packet 1K
is "0 2 iotsub: left out a message of 2000 bytes on topic 'a': larger than --max-packet" "$status $out $err" \
	'a message above --max-packet is left out'
run timeout 20 iotsub -h "$T/huge.sock" -t a -C 1 -W 15
is '0 2000' "$status ${#out}" '... below it, it is shown'

# A broker that breaks the protocol.
broker bad connack=20050000027f00
run timeout 20 iotingest -h "$T/bad.sock" -t a -C 1 -W 15
has "$(cat bad.log)" '1 DISCONNECT e081' 'MQTT 5: a broken CONNACK is answered with DISCONNECT 129'
broker auth connack=f000
run timeout 20 iotingest -h "$T/auth.sock" -t a -C 1 -W 15
has "$(cat auth.log)" '1 DISCONNECT e082' '... AUTH with 130'
broker older send=3600
run timeout 20 iotingest -h "$T/older.sock" -V 311 -t a -C 1 -W 1
has "$err" 'it broke the MQTT protocol: QoS 3' 'MQTT 3.1.1: a broken packet is told'
is 0 "$(grep -c '^1 DISCONNECT' older.log)" '... and answered with the end alone: DISCONNECT would take the will back'
done_testing
