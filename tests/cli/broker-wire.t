#!/bin/sh
# What iotpub and iotsub do with what a broker says on the wire: limits in CONNACK, sessions that are there
# already, connections that end.
# slow: pings are waited for behind readers that stall
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
broker() { # broker NAME [KEY=VALUE...]
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 10 test -S "$1.sock"
}
heard() { [ "$(grep -c "$2" "$1.log")" -ge "${3:-1}" ]; } # heard BROKER PATTERN [TIMES]

# Server Keep Alive 4: who keeps silent for 6 s is dropped.
keepalive() {
	broker alive props=03130004
	broker patient
	for b in alive patient; do
		bg timeout 20 iotsub -h "$T/$b.sock" K_1 --reply 1 -W 15 2>/dev/null
		bg timeout 20 iotpub -h "$T/$b.sock" K_2 --interval 1h --duration 15s --drain 1s 2>/dev/null
	done
	ok "a keep-alive that the broker sets is kept by iotsub" wait_for 10 heard alive '^[0-9]* PINGREQ' 2
	ok "... and by iotpub" wait_for 10 heard alive '^[0-9]* PINGREQ' 4
	no_line patient.log "a control: without it nobody pings so often" PINGREQ
}

# A session that the broker has, of whoever had the id before, is no subscription to what we want.
sessions() {
	broker present present=1
	run timeout 20 iotsub -h "$T/present.sock" S_1 --durable --reply 1 -W 1
	is 1 "$(grep -c "^1 SUBSCRIBE 82.*$(printf %s iot/devices/S_1/commands | od -An -tx1 | tr -d ' \n')11\$" present.log)" \
		"a session that is there is subscribed, retained commands only if that is new"
	broker gone close=1
	timeout 20 iotsub -h "$T/gone.sock" S_1 --reply 1 -W 15 2>/dev/null &
	pids="$pids $!"
	ok "one that is gone is subscribed again" wait_for 10 heard gone '^3 CONNECT'
	is '1 1' "$(grep -c '^1 SUBSCRIBE' gone.log) $(grep -c '^2 SUBSCRIBE' gone.log)" "... once for each connection"
	broker first close=1
	broker second present=1 send=30050001610032
	run timeout 20 iotingest -h "$T/first.sock" -h "$T/second.sock" --durable x -t a -C 1 -W 15
	exits 0 "the session that the next broker kept from before is asked for the filters of now"
	bg timeout 20 iotsub -h "$T/first.sock" -h "$T/second.sock" S_3 -c --reply 1 >/dev/null 2>&1
	ok "... by devices, too" wait_for 10 heard second "SUBSCRIBE .*$(printf %s S_3 | od -An -tx1 | tr -d ' \n')"
	broker liar present=1 close=1
	bg timeout 20 iotsub -h "$T/liar.sock" S_1 --reply 1 >/dev/null 2>&1
	bg timeout 20 iotingest -h "$T/liar.sock" -t clean >/dev/null 2>&1
	ok "a session that nobody asked to be kept is not believed in" wait_for 10 heard liar '[0-9] SUBSCRIBE .*696f74' 2
	ok "... by iotingest, either" wait_for 10 heard liar '[0-9] SUBSCRIBE .*636c65616e' 2
	broker flap
	run timeout 20 iotpub -h "$T/flap.sock" S_2 --listen --interval 200ms -C 5 --seed 1 --fault flap=0.5 --takeover --quiet
	last=$(sed -n 's/ CONNECT.*//p' flap.log | tail -n 1)
	is "more $last" "$([ "$last" -gt 1 ] && echo more) $(grep -c ' SUBSCRIBE ' flap.log)" \
		"iotpub --listen hears commands after --fault flap, too"
}

# What a broker does not take: said in CONNACK, in PUBACK, and at the end.
limits() {
	head -c 300 /dev/zero | tr '\0' x >large
	says() { # says STATUS TEXT 'sentence' BROKER IOTPUB-OPTION...
		b=$4 wanted=$1 text=$2 sentence=$3
		shift 4
		run timeout 20 iotpub -h "$T/$b.sock" -t a "$@"
		exits "$wanted" "$sentence"
		has "$err" "$text" "... and says why"
	}
	broker small props=052700000064
	broker qos1 props=022401
	broker full answer=40040001'9700'
	says 6 'refused by the broker: 1, larger than it takes' 'Maximum Packet Size' small -f large
	says 6 'refused by the broker: 1, larger than it takes' '... at QoS 0' small -f large -q 0
	says 6 'it does not take this QoS: a lower --qos may do' 'Maximum QoS' qos1 -m x -q 2
	broker bare props=022500
	says 6 'refused by the broker: 1, it does not keep retained messages' 'Retain Available' bare -m x -r
	says 6 'refused by the broker: 1, it does not keep retained messages' '... at QoS 0' bare -m x -r -q 0
	no_line bare.log '... neither was sent' PUBLISH
	run timeout 20 iotpub -h "$T/bare.sock" -t a -r -n
	is '0 32000161000100' "$status $(sed -n 's/.* PUBLISH //p' bare.log)" '... there is nothing to be taken away'
	says 6 'a quota is exceeded' 'PUBACK with a reason' full -m x
	# Without this nobody would ever know that no command can come.
	broker tiny props=052700000014
	run timeout 20 iotsub -h "$T/tiny.sock" S_1 --reply 1 -W 5
	exits 4 'a SUBSCRIBE over Maximum Packet Size ends it'
	has "$err" "may not subscribe to 'iot/devices/S_1/commands'" '... and it is said why'
	no_line tiny.log '... nothing was sent' SUBSCRIBE
	broker moved send=e0019c
	bg timeout 20 iotingest -h "$T/moved.sock" -t a 2>moved.err >/dev/null
	ok "DISCONNECT with Use Another Server is no end" wait_for 10 heard moved '^2 CONNECT'
	has "$(cat moved.err)" 'closed the connection: it says: use another server' "... and told in words"
}

# A broker that acknowledges nothing: large lines wait where they come from, not in memory.
mute() {
	broker mute mute=PUBLISH
	mkfifo lines
	perl -e 'syswrite STDOUT, "x" x 1048575 . "\n" for 1 .. 200' >lines 2>/dev/null &
	iotpub -h "$T/mute.sock" -t a -l --quiet --drain 1s <lines 2>/dev/null &
	publishing=$!
	pids="$pids $publishing"
	ok "large lines from a pipe are sent" wait_for 10 heard mute '^1 PUBLISH' 8
	sleep 1 # time to read many more, if it did
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$publishing/status")
	[ "$peak" -lt 65536 ]
	tap $? "... and no more than a few are kept ($((peak / 1024)) MiB at most)"
	run timeout 15 iotpub -h "$T/mute.sock" S_4 --takeover --interval 1h --duration 3s --drain 500ms
	exits 1 "--drain ends a device whose messages are not acknowledged, when --duration is over"
	has "$err" 'messages left unacknowledged: 2' "... and says how many"
}

# Who says why it ends the connection, as often as it likes, is no other client with the same id.
leaving() {
	broker leaving send=e0018b
	# shellcheck disable=SC2046
	run timeout 20 iotsub -h "$T/leaving.sock" $(seq -f R_%g 40) --reply 1 -W 7
	exits 27 "a broker that says it is shutting down is waited for ($(grep -c CONNECT leaving.log) connections)"
	has "$err" 'it is shutting down' "... which is told"
	without "$err" 'in a row' "... and nobody suspects another client"
}

# A broker that does not answer SUBSCRIBE: nothing would ever come.
forgetful() {
	broker forgetful mute=SUBSCRIBE
	while read -r program options; do
		# shellcheck disable=SC2086
		bg timeout 60 "$program" -h "$T/forgetful.sock" --connect-timeout 4s -k 5 $options >/dev/null 2>"late.$program"
	done <<END_OF_LIST
iotingest -i late-1 -t a
iotsub -i late-2 S_1 --reply 1
iotpub -i late-3 S_2 --listen --takeover --interval 1h --drain 1s
END_OF_LIST
	came_again() { [ "$(grep -c "CONNECT.*$(printf %s "$1" | od -An -tx1 | tr -d ' \n')" forgetful.log)" -ge 2 ]; }
	for n in 1 2 3; do
		ok "client $n connects again when SUBSCRIBE is not answered" wait_for 30 came_again late-"$n"
	done
	has "$(cat late.iotingest)" 'it did not answer SUBSCRIBE within 4 s' '... and iotingest says so'
	has "$(cat late.iotsub)" 'it did not answer SUBSCRIBE' '... and iotsub'
	has "$(cat late.iotpub)" 'it did not answer SUBSCRIBE' '... and iotpub'
	broker answering
	bg timeout 20 iotingest -h "$T/answering.sock" --connect-timeout 4s -t a 2>patient.err >/dev/null
	sleep 4.5 # nothing comes; longer than --connect-timeout
	silent patient.err 'a control: one that is answered stays'
}

# Nobody reads standard error: the pings go on, messages come, SIGTERM is obeyed.
full_stderr() {
	broker stalled send=3005000161003130050001610032
	mkfifo full
	perl -e '$| = 1; $SIG{USR1} = sub { }; sleep 60; print while <STDIN>' <full >full.out &
	pids="$pids $!"
	reader=$!
	timeout 50 iotingest -h "$T/stalled.sock" -k 5 -t a --stats 1ms >stalled.out 2>full &
	stalled=$!
	pids="$pids $stalled"
	bg timeout 50 iotpub -h "$T/stalled.sock" -k 5 S_3 --interval 1h --takeover --drain 1s --stats 1ms 2>full
	ok "with standard error full the pings go on" wait_for 20 heard stalled PINGREQ 6
	is 2 "$(wc -l <stalled.out)" "... and messages come"
	before=$(date +%s)
	kill "$stalled"
	wait "$stalled"
	is "0 soon" "$? $([ $(($(date +%s) - before)) -lt 4 ] && echo soon)" "... and SIGTERM ends it"
	kill -USR1 "$reader"
	ok "... when it is read again it says how many lines are left out" \
		wait_for 10 grep -q '^iotpub: [0-9]* lines are left out here' full.out
}

# Nobody reads what iotsub prints, 60,000 bytes for each filter: it stays connected, and waits no longer than -W.
full_stdout() {
	broker much send="30e4d40300016100$(perl -e 'print "78" x 60000')"
	mkfifo much deaf
	perl -e '$| = 1; $SIG{USR1} = sub { }; sleep 60; print while <STDIN>' <much >much.out &
	reader=$!
	perl -e 'sleep 60' <deaf &
	pids="$pids $reader $!"
	timeout 50 iotsub -h "$T/much.sock" -k 5 -t a -t b -t c -C 3 >much &
	stalled=$!
	pids="$pids $stalled"
	timeout 50 iotsub -h "$T/much.sock" -t a -t b -t c -W 1 >deaf 2>/dev/null &
	waiting=$!
	pids="$pids $waiting"
	wait "$waiting"
	is 27 $? "a reader that stalls does not keep iotsub beyond -W"
	ok "... the pings go on" wait_for 15 heard much PINGREQ 3
	kill -USR1 "$reader"
	wait "$stalled"
	is 0 $? "... and when it reads again"
	lines() { [ "$(wc -c <much.out)" -eq 180003 ]; }
	ok "... nothing is missing" wait_for 10 lines
}

# A broker that knows MQTT 3.1.1 alone, and only closes what is 5 (RabbitMQ 3.10).
closes() {
	broker shut shut=5
	versions() { sed -n 's/^[0-9]* CONNECT 1000044d515454\(..\).*/\1/p' shut.log | tr '\n' ' '; }
	run timeout 20 iotpub -h "$T/shut.sock" -q 1 -t a -m 1
	is '0 05 04 ' "$status $(versions)" "a mere close: 3.1.1 is tried"
	run timeout 20 iotpub -h "$T/shut.sock" -q 1 -t a -m 1 -V 5
	is '5 05 04 05 ' "$status $(versions)" "... not with -V 5"
	run timeout 20 iotsub -h "$T/shut.sock" S_1 --durable --reply 1 -W 5
	is '5 05 04 05 05 ' "$status $(versions)" "... nor for a kept session"
	broker rude reset=5
	for program in iotpub iotsub iotingest; do
		set -- -t a -C 1 -W 1
		[ "$program" = iotsub ] && set -- S_1 --reply 1 -W 1
		[ "$program" = iotpub ] && set -- -t a -m 1
		run timeout 20 "$program" -h "$T/rude.sock" "$@"
	done
	is 3 "$(grep -c '^[0-9]* CONNECT 1000044d51545404' rude.log)" "also where it has not read all, which is a reset"
	broker never connack=e000 end=1
	run timeout 20 iotpub -h "$T/never.sock" -q 1 -t a -m 1
	is '8 1' "$status $(grep -c CONNECT never.log)" "... nor after an answer that is none"
}

for f in closes keepalive sessions limits mute leaving forgetful full_stderr full_stdout; do part $f; done
parts

done_testing
