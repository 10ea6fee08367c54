#!/bin/sh
# A broker that is away for a while: what is told of it, what waits for it, and the end meanwhile.
# slow: a broker that is away for some seconds
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

conf() { printf 'listener 0 %s\nuser %s\nallow_anonymous true\nlog_type all\n' "$T/mq.sock" "$(id -un)" >"$T/mosquitto.conf"; }
up() {
	mosquitto -c "$T/mosquitto.conf" >>"$T/mosquitto.log" 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 10 test -S "$T/mq.sock"
}
down() {
	kill -KILL "$broker_pid"
	wait "$broker_pid" 2>/dev/null
	rm -f "$T/mq.sock"
}
said() { grep -q "$2" "$1"; }
# stat FILE MEMBER: of the last line of --stats.
stat() { grep '^{' "$1" | tail -n 1 | jq ".$2"; }

# What waits is bounded; that it is back is told.
bounded() {
	place bounded
	conf
	up
	bg iotpub -h "$T/mq.sock" B_1 n=counter --interval 20ms --max-queued 10 --stats 1h --quiet 2>quiet.err
	quiet=$bg
	bg iotpub -h "$T/mq.sock" B_2 n=counter --interval 20ms --max-queued 10 --stats 1h 2>err
	loud=$bg
	wait_for 10 mosquitto_sub --unix "$T/mq.sock" -t iot/sensors/B_1/data -C 1
	wait_for 10 mosquitto_sub --unix "$T/mq.sock" -t iot/sensors/B_2/data -C 1
	down
	ok 'readings that there is no room for are told' wait_for 20 said err '10 messages wait for the broker (--max-queued): readings are left out'
	sleep 0.3 # some more
	is 1 "$(grep -c 'max-queued): readings are' err)" '... once'
	up
	ok 'a device that is back says so' wait_for 40 said err "B_2: connected again, to broker '$T/mq.sock'"
	ok '... after it has said why not' said err "B_2: lost broker '$T/mq.sock'"
	kill "$loud" "$quiet"
	wait "$loud"
	is 1 $? 'readings that were left out: status 1'
	has "$(cat err)" 'messages not published: ' '... and their number'
	has "$(cat err)" 'readings left out (--max-queued): ' '... in the summary, too'
	ok "--stats counts them ($(stat err left_out))" [ "$(stat err left_out)" -gt 0 ]
	is 0 "$(stat err in_flight)" '... and nothing is lost that was made'
	is 1 "$(stat err errors)" '... one error, the lost connection'
	wait "$quiet"
	no_line quiet.err '--quiet does not warn' 'connected again'
	run iotpub -h "$T/mq.sock" B_3 -C 3 --interval 300ms --fault flap=1
	has "$err" 'faults: flap 3' 'a connection that is broken off on purpose'
	without "$err" 'connected again' '... comes back without a word'
}

# Told to end in a long back-off.
ending() {
	place ending
	conf
	up
	bg iotpub -h "$T/mq.sock" --devices 40 --id-format E_%d --interval 1s --drain 15s --stats 1h 2>err
	all_up() { [ "$(grep -c 'as E_' "$T/mosquitto.log")" -ge 40 ]; }
	wait_for 20 all_up
	wait_for 10 mosquitto_sub --unix "$T/mq.sock" -t iot/sensors/E_40/data -C 1
	down
	sleep 9 # so that pauses of 8 and 16 s have begun
	up
	kill "$bg"
	wait "$bg"
	is 0 $? 'devices that are told to end as soon as the broker is back leave nothing'
	is 0 "$(stat err in_flight)" '... unacknowledged'
	ok 'why they could not come back is told' said err "cannot reach broker '$T/mq.sock': no such file"
	ok '... once, not by each of them' [ "$(grep -c 'cannot reach' err)" -le 3 ]
	ok '... nor that it is lost' [ "$(grep -c 'lost broker' err)" -le 3 ]
}

# Nothing left to be sent.
nothing() {
	place nothing
	conf
	up
	bg iotpub -h "$T/mq.sock" N_1 --interval 1h --no-status --drain 10m --stats 50ms 2>err
	wait_for 10 said err '"acknowledged":1,'
	down
	wait_for 10 said err 'lost broker'
	kill "$bg"
	run timeout 20 tail --pid="$bg" -f /dev/null
	exits 0 'with nothing left it does not wait for a broker'
}

# Whom nobody listens to; mosquitto says so at MQTT 5.
unheard() {
	place unheard
	conf
	up
	run iotpub -h "$T/mq.sock" U_1 -C 3 --interval 10ms --no-status --stats 1h --verbose
	exits 0 'messages that nobody has subscribed to are no error'
	is 3 "$(stat "$T/.err$part_of" no_subscriber)" '... but counted in --stats'
	has "$err" '0 errors; messages without a subscriber: 3' '... and in the summary'
	run iotpub -h "$T/mq.sock" -t nobody/there -m x --verbose
	has "$err" 'messages without a subscriber: 1 of 1' '... and of any message'
	run iotpub -h "$T/mq.sock" U_1 -C 3 --interval 10ms --no-status --stats 1h --verbose -V 311
	is 0 "$(stat "$T/.err$part_of" no_subscriber)" 'MQTT 3.1.1 does not tell'
}

# A session that was kept, and is gone with the broker.
forgotten() {
	place forgotten
	conf
	up
	bg iotsub -h "$T/mq.sock" F_1 -c --reply 1 >commands 2>one.err
	device=$bg
	bg iotsub -h "$T/mq.sock" -t x -i F_2 -c -q 1 2>two.err
	any=$bg
	bg iotpub -h "$T/mq.sock" F_3 -c --listen --interval 1h --stats 1h >listened 2>three.err
	sim=$bg
	bg iotsub -h "$T/mq.sock" -t x -i F_4 -c -q 1 2>four.err
	stopped=$bg
	for id in F_1 F_2 F_3 F_4; do wait_for 10 said mosquitto.log "Sending SUBACK to $id"; done
	down
	up
	for f in one two three four; do
		ok "a session that the broker forgot is told ($f)" \
			wait_for 40 said "$f.err" "had ended the session 'F_[^']*' while we were away, from .*T.*Z to .*Z: what"
	done
	kill -INT "$stopped"
	wait "$stopped"
	is 130 $? 'a signal keeps its own exit status'
	has "$(cat four.err)" '1 kept session was ended by the broker' '... beside which the count is told'
	kill "$device" "$any" "$sim"
	wait "$device"
	is 1 $? 'a forgotten session is in the exit status (a device)'
	wait "$any"
	is 1 $? '... (any messages)'
	wait "$sim"
	is 1 $? '... (a simulated device)'
	for f in one two three; do
		is 1 "$(grep -c ': 1 kept session was ended by the broker: what waited in it is lost$' "$f.err")" \
			"... and counted, once ($f)"
	done
	has "$(cat three.err)" 'sessions that the broker had ended: 1' '... in the summary'
	is 1 "$(stat three.err sessions_lost)" '... also in --stats'
	bg iotsub -h "$T/mq.sock" -t x -i F_5 -c -q 1 2>five.err
	wait_for 10 said mosquitto.log 'Sending SUBACK to F_5'
	kill "$bg"
	wait "$bg"
	is 0 $? 'a session that is kept is none'
}

part bounded
part ending
part nothing
part unheard
part forgotten
parts
run iotpub -t x -m y --max-queued 3
exits 2 '--max-queued is for devices'
done_testing
