#!/bin/sh
# What iotingest does with a broker on the wire: behind CONNACK, at each QoS, over TLS, when it is lost,
# refused, fought over; and with brokers that say what they should not.
# slow: a reader stalls for 9 s, and two clients fight for one id
. "$(dirname "$0")/../lib.sh"
feed=$build/tests/bench/feed
[ -x "$feed" ] || skip_all 'not built: make check builds it'

value() { printf '%s\n' "$out" | sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }
fed() { # fed FEED-OPTION... -- IOTINGEST-OPTION...
	opts=
	while [ "$1" != -- ]; do opts="$opts $1"; shift; done
	shift
	# shellcheck disable=SC2086
	run timeout 60 "$feed" $opts -- iotingest -p '{port}' -t 'iot/sensors/+/data' --quiet "$@"
}

# Messages right behind CONNACK, in the same segment and in the same TLS record.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert \
	-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
behind_connack() {
	for version in 311 5; do
		for qos in 0 1 2; do
			fed -n 2000 -q "$qos" --eager --session -- -V "$version" -q "$qos" --durable eager
			is '2000 0 0' "$(value got) $(value dup) $(value odd)" \
				"MQTT $version, QoS $qos, right behind CONNACK: all arrive"
			is $((qos > 0 ? 2000 : 0)) "$(value acks)" '... and are acknowledged'
			for records in full packet; do
				fed -n 2000 -q "$qos" --eager --session --tls "$records" --cert cert --key key -- \
					-V "$version" -q "$qos" --durable eager -h localhost --cafile cert
				is "2000 $((qos > 0 ? 2000 : 0))" "$(value got) $(value acks)" \
					"... over TLS too, records: $records"
			done
		done
	done
}

# What parts that need a broker have: one that logs all, publishers, iotingest in the background.
a_broker() {
	start_broker 'allow_anonymous true' 'log_type all' 'max_queued_messages 10000' \
		'persistence true' "persistence_location $T/"
}
pub() { mosquitto_pub --unix "$sock" -q 1 "$@"; }
subscribed() { grep -q "Received SUBSCRIBE from $1" "$T/mosquitto.log"; }
start() { # start NAME OPTION...: in the background, durable, subscribed
	name=$1
	shift
	timeout 50 iotingest -h "$sock" --durable "$name" "$@" >"$name.out" 2>"$name.err" </dev/null &
	started=$!
	pids="$pids $started"
	wait_for 10 subscribed "$name"
}

# A reader that stalls: the pings go on, over TLS too, nothing is lost, little is in memory.
stalls() { # stalls 'sentence' FEED-OPTION... -- IOTINGEST-OPTION...
	sentence=$1
	shift
	fed -n 20000 -q 1 --stall 9s "$@" -k 5 -q 1
	is '20000 0 1' "$(value got) $(value drops) $(value connects)" \
		"$sentence: a stalled reader loses neither messages nor the connection"
	[ "$(value pings)" -ge 2 ]
	tap $? "... it says PINGREQ meanwhile ($(value pings) times)"
}

# The largest message that is taken, and what is done with others.
ordinary() {
	a_broker
	perl -e 'print "x" x 5000' >large
	start sized -t 's/#' -C 3 --max-packet 4000 --rejects sized.rejects
	pub -t s/a -m 1
	pub -t s/b -f large
	pub -t s/c -m 2
	wait "$started"
	is '0 1 2' "$? $(sed 's/.*"payload":\([0-9]*\).*/\1/' sized.out | tr '\n' ' ' | sed 's/ $//')" \
		'a message over --max-packet is passed over, the next one comes'
	has "$(cat sized.rejects)" '"topic":"s/b","error":"size"' '... and told as a reject'
	has "$(cat sized.rejects)" '"size":5000' '... with its size'
	wait_for 10 grep -q 'Received DISCONNECT from sized' mosquitto.log
	is 3 "$(grep -c 'Received PUBACK from sized' mosquitto.log)" '... acknowledged'
	start told -t 's/#' -C 2 --max-packet 4000 --announce-max-packet
	pub -t s/a -m 1
	pub -t s/b -f large
	pub -t s/c -m 2
	wait "$started"
	is '0 2' "$? $(wc -l <told.out | tr -d ' ')" '--announce-max-packet: the broker leaves it out by itself'

	# QoS 2 is acknowledged step by step, only when it is written.
	start twice -t 'q/#' -q 2 -C 5
	for i in 1 2 3 4 5; do mosquitto_pub --unix "$sock" -q 2 -t q/a -m "$i"; done
	wait "$started"
	is 5 "$(wc -l <twice.out | tr -d ' ')" 'QoS 2 from mosquitto'
	is 5 "$(grep -c 'Received PUBREC from twice' mosquitto.log)" '... each answered with PUBREC'
	run timeout 20 iotingest -h "$sock" --durable twice -t 'q/#' -q 2 -W 700ms
	is '27 ' "$status $out" '... the session that is resumed brings none of them again'
	[ "$(grep -c 'Received PUBCOMP from twice' mosquitto.log)" -ge 5 ]
	tap $? '... and every PUBREL has its PUBCOMP'

	# The broker restarts: with the session, and without.
	start kept -t 'k/#' -C 2
	pub -t k/a -m 1
	wait_for 10 test -s kept.out
	kill "$broker_pid"
	wait "$broker_pid"
	mosquitto -c mosquitto.conf >>mosquitto.log 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 10 pub -t k/a -m 2
	wait "$started"
	is '0 2' "$? $(wc -l <kept.out | tr -d ' ')" 'a session that the broker kept goes on'
	start gone -t 'g/#' -C 2
	pub -t g/a -m 1
	wait_for 10 test -s gone.out
	kill -9 "$broker_pid"
	wait "$broker_pid" 2>/dev/null
	rm -f mosquitto.db "$sock"
	before=$(grep -c 'Received SUBSCRIBE from gone' mosquitto.log)
	mosquitto -c mosquitto.conf >>mosquitto.log 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	again() { [ "$(grep -c 'Received SUBSCRIBE from gone' mosquitto.log)" -gt "$before" ]; }
	wait_for 20 again
	pub -t g/a -m 2
	wait "$started"
	is '1 2' "$? $(wc -l <gone.out | tr -d ' ')" 'one that it forgot is subscribed again'
}

# Two with one client id.
fight() {
	place fight
	a_broker
	start fought -t 'f/#'
	first=$started
	timeout 120 iotingest -h "$sock" --durable fought -t 'f/#' >/dev/null 2>second.err </dev/null &
	second=$!
	pids="$pids $second"
	fight_over() { ! kill -0 "$first" 2>/dev/null || ! kill -0 "$second" 2>/dev/null; }
	wait_for 100 fight_over
	if kill -0 "$first" 2>/dev/null; then wait "$second"; else wait "$first"; fi
	is 8 $? 'of two processes with one client id one ends with status 8'
	# A newer mosquitto says it itself.
	ok '... and says why' grep -q "is there another client with the id 'fought', or\|another client has connected with" \
		fought.err second.err
}

# Brokers in name only. fake HEX...: after CONNACK and SUBACK it sends these bytes on each connection, and
# writes down what it gets, in hexadecimal.
cat >fake.pl <<'END'
use IO::Socket::UNIX;
my ($name, $present, @say) = @ARGV;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.sock.new") or die; rename "$name.sock.new", "$name.sock";
open my $log, ">", "$name.log" or die;
$log->autoflush;
while (my $c = $l->accept) {
	sysread $c, my $connect, 4096;
	syswrite $c, pack("H*", "2003" . $present . "0000");
	sysread $c, my $subscribe, 4096;
	syswrite $c, "\x90\x04" . substr($subscribe, 2, 2) . "\x00\x01";
	for my $hex (@say) {
		syswrite $c, pack("H*", $hex);
		select undef, undef, undef, 0.1;
	}
	print $log unpack("H*", $subscribe), "\n";
	while (sysread $c, my $rest, 4096) { print $log unpack("H*", $rest), "\n" }
	print $log "end\n";
}
END
fake() { # fake NAME PRESENT HEX...
	perl fake.pl "$@" &
	pids="$pids $!"
	wait_for 10 test -S "$1.sock"
}

# PUBREL of a session that is resumed; and a message that comes again with DUP.
odd_fakes() {
	fake resumed 01 62020009 3a0900036f2f6b000700 31 34080003612f62000800 3c080003612f62000800
	run timeout 10 iotingest -h "$T/resumed.sock" --durable r -t '#' -q 2 -W 1
	has "$(cat resumed.log)" 70020009 'PUBREL of an earlier process is answered with PUBCOMP'
	has "$out" '"topic":"o/k","qos":1,"retain":false,"mid":7,"dup":true' 'a message that comes again says so'
	# Refused filters: one of two is told, and the other goes on; none left is the end.
	cat >refuse.pl <<'END'
use IO::Socket::UNIX;
my ($name, @reasons) = @ARGV;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.sock.new") or die; rename "$name.sock.new", "$name.sock";
while (my $c = $l->accept) {
	sysread $c, my $connect, 4096;
	syswrite $c, pack("H*", "2003000000");
	sysread $c, my $subscribe, 4096;
	my $mid = 0;
	syswrite $c, pack("CCnCC", 0x90, 4, ++$mid, 0, hex $_) for @reasons;
	syswrite $c, pack("H*", "30060001610068") . "i";
	1 while sysread $c, my $rest, 4096;
}
END
	for name in some none; do
		perl refuse.pl "$name" "$([ "$name" = some ] && echo 01 || echo 87)" 87 &
		pids="$pids $!"
		wait_for 10 test -S "$name".sock
	done
	run timeout 10 iotingest -h "$T/some.sock" -t 'a' -t 'secret/#' -C 1
	exits 0 'of two filters one is granted: messages come'
	has "$err" "refused the subscription 'secret/#': not allowed" '... and the other is told'
	run timeout 10 iotingest -h "$T/none.sock" -t 'a' -t 'secret/#'
	exits 4 'no filter is granted: 4'
	has "$err" "refused the subscription 'a': not allowed" '... and each is told'
	has "$err" "refused the subscription 'secret/#': not allowed" '... by its name'

	# A lower QoS than was asked for.
	perl refuse.pl less 00 &
	pids="$pids $!"
	wait_for 10 test -S less.sock
	run timeout 10 iotingest -h "$T/less.sock" -t a -C 1
	exits 0 'a broker grants less than was asked for: messages come'
	has "$err" "the broker grants 'a' QoS 0 instead of 1: what it loses does not come again" '... which is told'

	# A broker that leaves behind its last message: a file has it, though no one comes back to ask.
	cat >leave.pl <<'END'
use IO::Socket::UNIX;
my ($name, $last) = @ARGV;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.sock.new") or die; rename "$name.sock.new", "$name.sock";
my $c = $l->accept;
close $l;
unlink "$name.sock";
sysread $c, my $connect, 4096;
syswrite $c, pack("H*", "2003000000");
sysread $c, my $subscribe, 4096;
syswrite $c, "\x90\x04" . substr($subscribe, 2, 2) . "\x00\x00" . pack("H*", "300500016100" . "31" . $last);
sleep 10;
END
	for last in e0018b 3600; do
		perl leave.pl leave"$last" "$last" &
		pids="$pids $!"
		wait_for 10 test -S leave"$last".sock
		timeout 10 iotingest -h "$T/leave$last.sock" -t '#' -q 0 >leave"$last".out 2>/dev/null </dev/null &
		left=$!
		pids="$pids $left"
		wait_for 10 test -s leave"$last".out
		tap $? "a message right before the end ($last) is in the file while the broker is away"
		kill "$left"
		wait "$left"
	done

	# -C behind messages that do not count, all in one piece.
	fake skipped 00 3105000161003031050001610030300500016100313005000161003130050001610032
	run timeout 10 iotingest -h "$T/skipped.sock" -t '#' -C 2 --retained skip
	is '0 2' "$status $(printf '%s\n' "$out" | wc -l | tr -d ' ')" \
		'-C does not wait for what --retained skip has left out'
}

# MQTT 5: aliases and properties.
properties() {
	fake alias 00 300a0003612f620323000131 30070000032300 0132
	run timeout 10 iotingest -h "$T/alias.sock" -t '#' -C 2 -W 5
	is '2' "$(printf '%s\n' "$out" | grep -c '"topic":"a/b"')" 'a topic alias stands for its topic'
	fake props 00 32220003612f62000118030003742f6a080003722f7409000200ff2600016b0001766869
	run timeout 10 iotingest -h "$T/props.sock" -t '#' -C 1 -W 5
	has "$out" '"properties":{"content_type":"t/j","response_topic":"r/t","correlation_b64":"AP8=","user":[["k","v"]]},"payload_text":"hi"}' \
		'content type, response topic, correlation data and user properties are passed on'
}

# Topics that nothing should meet: rejects, acknowledged, and on it goes.
poison() {
	for topic in 611b 612b62 6123 61ff 610062 61c285; do
		fake "poison-$topic" 00 "$(printf '32%02x%04x%s00010068 32080003612f62000200 6f6b' $((${#topic} / 2 + 6)) \
			$((${#topic} / 2)) "$topic" | tr -d ' ')"
		run timeout 10 iotingest -h "$T/poison-$topic.sock" -t '#' -C 2 -W 5 --quiet
		is 1 "$(printf '%s\n' "$err" | grep -c '"error":"topic"')" "a message with topic $topic is a reject"
		has "$out" '"topic":"a/b"' '... the next one comes'
		wait_for 10 grep -q 40020002 "poison-$topic.log"
		has "$(tr -d '\n' <"poison-$topic.log")" 4002000140020002 '... and both are acknowledged'
	done
	# The host's name is verified.
	run timeout 30 "$feed" -n 1 --tls full --cert cert --key key -- \
		iotingest -h 127.0.0.1 -p '{port}' -t '#' --cafile cert
	has "$err" 'TLS: ' "a certificate for localhost is none for 127.0.0.1"
	has "$out" 'got=0' '... and nothing is read'
}

# A protocol error is told to the broker, with its reason, and to people.
faults() {
	fake broken 00 3600
	timeout 60 iotingest -h "$T/broken.sock" -t '#' >/dev/null 2>broken.err </dev/null
	is 8 $? 'a broker that breaks the protocol again and again ends it'
	has "$(cat broken.err)" "it broke the MQTT protocol: QoS 3" '... with what it did'
	has "$(cat broken.log)" e00181 '... which it hears, too'
	five() { [ "$(grep -c end broken.log)" -eq 5 ]; }
	ok '... after five connections' wait_for 10 five
	fake taken 00 e0018e
	run timeout 20 iotingest -h "$T/taken.sock" -t '#'
	exits 8 'a DISCONNECT because of another client is final'
	has "$err" 'another client has connected with this client id' '... and says why'
}

part stalls TCP --
part stalls TLS --tls full --cert cert --key key -- -h localhost --cafile cert
for f in behind_connack ordinary fight odd_fakes properties poison faults; do part $f; done
parts

done_testing
