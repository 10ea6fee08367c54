#!/bin/sh
# iotpub --listen: commands printed, run, answered.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# Commands.
# shellcheck disable=SC2016 # for the inner shell
act said L_1 --listen --interval 1h --exec-timeout 4s --exec sh -c \
	'read -r c; case $c in *slow*) sleep 20 ;; *bad*) exit 3 ;; esac; printf "[\"%s\",21.50]" $IOT_COMMAND_ID'
l1=$bg
watch answers 'iot/devices/L_1/responses'
watch mine 'my/answers' -V mqttv5 -F '%r %q %t %D %p'
listens() {
	mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '"knock"'
	grep -q knock said
}
wait_for 10 listens
for q in 0 1 2; do
	mosquitto_pub --unix "$sock" -q $q -t iot/devices/L_1/commands -m "{\"id\":\"c$q\",\"fan\":\"on\"}"
done
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":3,"x":"bad"}'
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":4,"x":"slow"}'
mosquitto_pub --unix "$sock" -V mqttv5 -t iot/devices/L_1/commands -m '{"id":5}' \
	-D publish response-topic my/answers -D publish correlation-data abc
wait_for 10 count answers 5
wait_for 10 grep -q '"id":5' mine
is '0 1 iot/devices/L_1/responses {"id":"c0","device_id":"L_1","status":"ok","result":["c0",21.50]}
0 1 iot/devices/L_1/responses {"id":"c1","device_id":"L_1","status":"ok","result":["c1",21.50]}
0 1 iot/devices/L_1/responses {"id":"c2","device_id":"L_1","status":"ok","result":["c2",21.50]}' \
	"$(got answers | grep '"ok"' | sort)" "commands of all levels are obeyed and answered"
has "$(got answers)" "{\"id\":3,\"device_id\":\"L_1\",\"status\":\"error\",\"result\":\"'sh' exited with status 3\"}" \
	"one that failed"
has "$(got answers)" "{\"id\":4,\"device_id\":\"L_1\",\"status\":\"timeout\",\"result\":\"'sh' took longer than 4 s\"}" \
	"one that took too long"
has "$(got mine)" '{"id":5,"device_id":"L_1","status":"ok","result":["5",21.50]}' \
	"on the response topic of MQTT 5"
has "$(got mine)" 'my/answers abc ' "with its correlation data"
is 6 "$(grep -c '"device_id":"L_1".*"payload":{"id":' said)" "each is printed as a message line"
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":6,"x":"slow"}'
wait_for 10 grep -q '"id":6' said
kill $l1
wait $l1
is 0 $? "SIGTERM while a command is run: status 0"
wait_for 10 grep -q '"id":6' answers
has "$(got answers)" '{"id":6,"device_id":"L_1","status":"timeout"' "after its answer"

# The same id again: answered from memory, not run twice.
# shellcheck disable=SC2016 # for the inner shell
act again A_1 --listen --interval 1h --exec sh -c 'echo ran >>ran; sleep 0.3; wc -l <ran'
a1=$bg
watch again.got 'iot/devices/A_1/responses'
for _ in 1 2; do
	mosquitto_pub --unix "$sock" -q 1 -t iot/devices/A_1/commands -m '{"id":"same"}'
done
wait_for 10 count again.got 1
mosquitto_pub --unix "$sock" -q 1 -t iot/devices/A_1/commands -m '{"id":"same"}'
wait_for 10 count again.got 2
mosquitto_pub --unix "$sock" -q 1 -t iot/devices/A_1/commands -m '{"id":"other"}'
wait_for 10 count again.got 3
is 2 "$(wc -l <ran)" "a command that comes again is not run again, another one is"
is "$(got again.got | sed -n 1p)" "$(got again.got | sed -n 2p)" "its answer is the same"
kill $a1
wait $a1
act fixed A_2 --listen --interval 1h --reply '{"fan": "on"}'
a2=$bg
watch fixed.got 'iot/devices/A_2/responses'
mosquitto_pub --unix "$sock" -q 1 -t iot/devices/A_2/commands -m '{"id":1}'
wait_for 10 count fixed.got 1
has "$(got fixed.got)" '{"id":1,"device_id":"A_2","status":"ok","result":{"fan":"on"}}' "--reply answers without a program"
kill $a2
wait $a2
run iotpub -h "$sock" A_3 --listen --reply nojson
exits 2 "a --reply that is no JSON is refused"
run iotpub -h "$sock" A_3 --reply 1
exits 2 "and one without --listen"

# Commands that go on arriving while it ends do not keep it from ending.
act flood L_3 --listen --interval 100ms --drain 10s --exec cat
l3=$bg
seq 1 150 | sed 's/.*/{"id":&}/' | iotpub -h "$sock" -t iot/devices/L_3/commands -q 1 -l --quiet &
pids="$pids $!"
wait_for 10 grep -q '"id":20}' flood
kill $l3
wait $l3
is 0 $? "SIGTERM in a flood of commands: status 0"
has "$(status L_3)" '"disconnected"' "and a clean goodbye"

# Nor when each stands right behind the acknowledgement of an answer, with others on their way: libmosquitto reads on.
# The broker keeps those of three answers, until SIGUSR1: then one goes out with each command.
cat >commander.pl <<'P'
use strict; use warnings; use IO::Socket::UNIX;
my $l = IO::Socket::UNIX->new(Listen => 1, Local => 'commander.sock') or die;
my $c = $l->accept;
my ($told, $n, @answers) = (0, 0);
sub send_all { syswrite $c, join '', @_ }
sub ack { "\x40\x02$_[0]" }
sub command {
	my $body = pack('n/a* n C a*', 'iot/devices/L_9/commands', ++$n, 0, "{\"id\":$n}");
	return pack('CC', 0x32, length $body) . $body;
}
$SIG{USR1} = sub { $told = 1; send_all(ack(shift @answers), command()) };
sub bytes {
	my ($want, $got) = (shift, '');
	while (length $got < $want) {
		my $r = sysread $c, $got, $want - length $got, length $got;
		exit if defined $r && $r == 0 || !defined $r && !$!{EINTR};
	}
	return $got;
}
while (1) {
	my ($head, $length, $shift) = (ord bytes(1), 0, 0);
	for (my $b = 128; $b >= 128; $shift += 7) { $b = ord bytes(1); $length |= ($b & 127) << $shift }
	my ($kind, $body) = ($head >> 4, bytes($length));
	if ($kind == 1) { send_all("\x20\x03\0\0\0") }
	elsif ($kind == 8) { send_all("\x90\x04" . substr($body, 0, 2) . "\0\x01", command()) }
	elsif ($kind == 3) {
		my ($topic, $mid) = unpack 'n/a* a2', $body;
		if ($told || $topic !~ /responses/) { send_all(map { ack($_) } $mid, $told && $topic =~ /status/ ? splice @answers : ()) }
		elsif (push(@answers, $mid) == 3) { open my $f, '>', 'kept' }
	}
	elsif ($kind == 4 && !$told) { send_all(command()) if $n < 4 }
	elsif ($kind == 4 && @answers && $n < 20) { send_all(ack(shift @answers), command()) }
}
P
bg perl commander.pl
commander=$bg
wait_for 10 test -S commander.sock
# shellcheck disable=SC2016 # for the inner shell
bg iotpub -h "$T/commander.sock" -V 5 --takeover L_9 --listen --interval 1h --exec sh -c 'echo $IOT_COMMAND_ID >>L_9.ran
	[ "$IOT_COMMAND_ID" -le 3 ] || until [ -e go ]; do sleep 0.05; done' >/dev/null 2>L_9.err
commanded=$bg
wait_for 10 test -e kept
wait_for 10 grep -qx 4 L_9.ran
kill $commanded
taken() { grep -q '^ShdPnd:.0*$' "/proc/$commanded/status"; }
wait_for 10 taken
kill -USR1 "$commander"
wait_for 10 grep -qx 5 L_9.ran
: >go
wait $commanded
is "0 $(seq 5 | tr '\n' ' ')" "$? $(sort -n L_9.ran | tr '\n' ' ')" "SIGTERM with commands behind the answers' acknowledgements: one more"

# Told to end it takes no more commands: those that run are finished, with -c the broker keeps the others.
obeys() { # obeys DEVICE [OPTION...]: in the background, its runs in DEVICE.ran
	# shellcheck disable=SC2016 # for the inner shell
	bg iotpub -h "$sock" "$@" --listen --interval 1h --exec sh -c \
		'echo $IOT_COMMAND_ID >>$IOT_DEVICE_ID.ran; sleep 0.1' >/dev/null 2>"$1.err"
	obeying=$bg
}
ran() { [ -e "$1.ran" ] && [ "$(wc -l <"$1.ran")" -ge "$2" ]; }
n=3
for o in '' -c '-c -V 311'; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # words
	obeys L_$n $o
	wait_for 10 subscribed L_$n
	seq 1 200 | sed 's/.*/{"id":&}/' | iotpub -h "$sock" -t iot/devices/L_$n/commands -q 1 -l --quiet
	wait_for 10 ran L_$n 8
	kill $obeying
	now=$(wc -l <L_$n.ran)
	wait $obeying
	is "0 " "$? $(cat L_$n.err)" "SIGTERM with commands that wait ($o): status 0, without a word"
	case $o in *311) most=20 ;; *) most=8 ;; esac # what a broker has under way without a Receive Maximum; four run
	[ $(($(wc -l <L_$n.ran) - now)) -le $most ]
	tap $? "takes no more of them ($now, $(wc -l <L_$n.ran))"
	has "$(status L_$n)" '"disconnected"' "says goodbye"
	[ -n "$o" ] || continue
	# shellcheck disable=SC2086
	obeys L_$n $o
	wait_for 30 ran L_$n 200
	kill $obeying
	wait $obeying
	is "$(seq 200)" "$(sort -n L_$n.ran)" "the next run gets the others, and none again"
done

# Nobody reads the commands: they are not acknowledged, the will tells.
bg iotpub -h "$sock" L_2 --listen --interval 1h >/dev/full 2>full.err
wait_for 10 is_connected L_2
full=$bg
listens() {
	mosquitto_pub --unix "$sock" -q 1 -t iot/devices/L_2/commands -m '{"id":1}'
	grep -q . full.err
}
wait_for 10 listens
wait "$full"
is 7 $? "/dev/full: status 7"
is 'iotpub: cannot write to standard output: No space left on device' "$(cat full.err)" "and why"
is '{"device_id":"L_2","status":"disconnected"}' "$(status L_2)" "the will tells"

done_testing
