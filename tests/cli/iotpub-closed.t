#!/bin/sh
# A publication that makes the broker close: iotpub ends, with the message's name, and suspects nobody else.
# slow: a broker that closes three times in a row
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# broker NAME [KEY=VALUE...]: on NAME.sock.
broker() {
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 10 test -S "$1.sock"
}
connects() { grep -c CONNECT "$1.log"; }

# MQTT 5 says why: what stays so ends it at once.
tell() { # tell REASON STATUS WORDS
	broker "r$1" answer="e001$1" leave=1
	run timeout 60 iotpub -h "$T/r$1.sock" -t a/b -m hello -V 5
	exits "$2" "DISCONNECT 0x$1 because of a message: status $2"
	has "$err" "closed the connection: $3; the oldest message that it did not acknowledge: topic 'a/b', 5 bytes, QoS 1" \
		'... and which it was'
	is 1 "$(connects "r$1")" '... at the first one'
}
tell 87 4 'not allowed any more'
tell 95 6 'a packet was too large for it'
tell 9b 6 'it does not take this QoS'

# MQTT 3.1.1 only closes: that is believed when it happens again and again.
broker shut mute=PUBLISH leave=1
run timeout 60 iotpub -h "$T/shut.sock" -t a/b -m hello -V 311
exits 6 'a broker that closes when the message is sent again: status 6'
has "$err" "closed the connection, 3 times, as soon as a message was sent again; the oldest message that it did not acknowledge: topic 'a/b', 5 bytes, QoS 1" \
	'... with its name'
is 4 "$(connects shut)" '... after three of these'
has "$err" 'messages left unacknowledged: 1' '... and a count'
without "$err" 'another client' '... and no other client is suspected'
run timeout 60 iotpub -h "$T/shut.sock" D_1 t=1 -i D_1 -V 311 -C 1 --takeover
exits 6 'so does a device'
has "$err" "topic 'iot/devices/D_1/status'" '... whose first message is its status'

# A control: mosquitto's own limit.
start_broker 'allow_anonymous true' 'max_qos 1'
run timeout 60 iotpub -h "$sock" -V 311 -q 2 -t lab/x -m 1
exits 6 "mosquitto's max_qos at MQTT 3.1.1: status 6"
has "$err" "topic 'lab/x', 1 byte, QoS 2" '... and the QoS is told'

# At QoS 0 nothing tells which message it was; that there is another client is no more than a guess.
broker zero leave=1
run timeout 60 iotpub -h "$T/zero.sock" -V 311 Z_1 t=counter -q 0 --interval 1s --takeover --no-status
exits 8 'a broker of 3.1.1 that closes at each message of QoS 0'
has "$err" "with the id 'Z_1', or something that its login may not do?" '... may do so because of it'

# The connection of --verify, whose id is nobody's choice.
broker shy deny=sensors
run timeout 60 iotpub -h "$T/shy.sock" V_1 t=counter --verify --takeover --interval 1s
exits 8 'a broker that does not let --verify subscribe'
has "$err" '5 times in a row (wrong login?)' '... is suspected, no other client'
has "$err" "--verify: connected again, to broker '$T/shy.sock'" '... and that it was back is told'
done_testing
