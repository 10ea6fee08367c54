#!/bin/sh
# A CONNACK that breaks the protocol, in every program that speaks MQTT: libmosquitto, where it is used, would abort
# the program at a property that it does not know. First the connect fails, later it is tried again and again.
# slow: a byte a second, and pauses between two attempts to connect
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
seven=20050000027f00
message=300500016100'32'
why='it broke the MQTT protocol: a property that this packet cannot have'
broker() { # broker NAME [KEY=VALUE...]: on NAME.sock, in the place of one that is there
	rm -f "$1.sock"
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 10 test -S "$1.sock"
}
heard() { [ "$(grep -c "$2" "$1.log")" -ge "${3:-1}" ]; } # heard BROKER PATTERN [TIMES]
# broken SENTENCE STATUS REASON CONNECTION...: the first connect fails, in words.
broken() {
	sentence=$1 wanted=$2 reason=$3
	shift 3
	run timeout 20 iotsub "$@" -t a -W 15
	is "$wanted iotsub: cannot reach broker $reason" "$status $err" "$sentence"
}

# The first connect, by each way to a broker.
first_connect() {
	broker bad connack="$seven"
	port=$(free_port)
	bg perl "$top/tests/broker.pl" tcp port="$port" connack="$seven"
	wait_for 10 port_open "$port"
	broken 'seven bytes by a unix socket' 8 "'$T/bad.sock': $why" -h "$T/bad.sock"
	broken '... and by TCP' 8 "'127.0.0.1:$port': $why" -h 127.0.0.1 -p "$port"
	cat >web.pl <<'END'
use Digest::SHA 'sha1_base64';
use IO::Socket::INET;
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1:$ARGV[0]", ReuseAddr => 1) or die;
while (my $c = $l->accept) {
	my $q = "";
	while ($q !~ /\r\n\r\n/ && sysread $c, my $more, 4096) { $q .= $more }
	my ($key) = $q =~ /Sec-WebSocket-Key: (\S+)/i or next;
	my $accept = sha1_base64($key . "258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . "=";
	syswrite $c, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" .
		"Sec-WebSocket-Accept: $accept\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
	sysread $c, my $connect, 4096 or next;
	for ("\x82\x03\x20\x05\x00", "\x82\x04\x00\x02\x7f\x00") { syswrite $c, $_; select undef, undef, undef, 0.1 }
	sysread $c, my $rest, 4096;
}
END
	web=$(free_port)
	bg perl web.pl "$web"
	wait_for 10 port_open "$web"
	broken '... and by WebSocket, in two pieces' 8 "'127.0.0.1:$web': $why" -L "ws://127.0.0.1:$web"
	# Each program by both; -h is --help in iotctl, whose turn is in platform().
	while read -r program options; do
		for way in "--mqtt-host $T/bad.sock" "--mqtt-host 127.0.0.1 --mqtt-port $port"; do
			where=${way#--mqtt-host }
			where=$(printf '%s' "$where" | sed 's/ --mqtt-port /:/')
			[ "$program" = iotstatus ] || way=$(printf '%s' "$way" | sed 's/--mqtt-/--/g')
			# shellcheck disable=SC2086
			run timeout 20 $program $way $options
			case $program in
			iotstatus) is "3 IOT UNKNOWN - cannot reach broker '$where': $why" "$status $out" "$program $options, '$where'" ;;
			*) is "8 $program: cannot reach broker '$where': $why" "$status $err" "$program $options, '$where'" ;;
			esac
		done
	done <<'END'
iotingest -t a -W 15
iotsub X_1 --reply 1 -W 15
iotpub -t a -m x
iotpub X_2 --interval 1h --takeover
iotstatus --source mqtt -w 90:
END
}

# Over TLS, where libmosquitto has the connection: a relay in front of a broker, a record for what comes at once.
over_tls() {
	place tls
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
		-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
	cat >tls.py <<'END'
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert', 'key')
def relay(a, b):
    try:
        while data := a.recv(16384):
            b.sendall(data)
    except OSError:
        pass
    b.close()
def serve(c, path):
    try:
        c = context.wrap_socket(c, server_side=True)
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
    except OSError:
        return
    threading.Thread(target=relay, args=(s, c)).start()
    relay(c, s)
for port, path in zip(sys.argv[1::2], sys.argv[2::2]):
    def listen(l=socket.create_server(('127.0.0.1', int(port))), path=path):
        while True:
            threading.Thread(target=serve, args=(l.accept()[0], path)).start()
    threading.Thread(target=listen).start()
END
	broker bad connack="$seven"
	broker half connack=200500
	broker old connack=20020001 only=5
	bad=$(free_port) half=$(free_port) old=$(free_port)
	bg python3 tls.py "$bad" bad.sock "$half" half.sock "$old" old.sock 2>/dev/null
	wait_for 10 port_open "$old"
	run timeout 20 iotpub -h 127.0.0.1 -p "$bad" --cafile cert -t a -m x
	is "8 iotpub: cannot reach broker '127.0.0.1:$bad': $why" "$status $err" 'over TLS'
	run timeout 20 iotpub -h 127.0.0.1 -p "$half" --cafile cert -t a -m x --connect-timeout 3s
	is "5 iotpub: cannot reach broker '127.0.0.1:$half': its CONNACK was not whole within 3 s" "$status $err" '... half of it'
	run timeout 20 iotpub -h 127.0.0.1 -p "$old" --cafile cert -t a -m x -q 1
	exits 0 '... a broker that knows MQTT 3.1.1 alone'
	is '5 4' "$(sed -n 's/.* CONNECT 1000044d515454\(..\).*/\1/p' old.log | sed 's/^0//' | paste -sd' ')" '... was asked for 5, then for 3.1.1'
	run timeout 20 iotpub -h 127.0.0.1 -p "$old" --cafile cert -t a -m x -V 5
	is "8 iotpub: broker '127.0.0.1:$old' refused the connection: it does not speak this version of MQTT" "$status $err" \
		'... and -V 5 is refused'
}

# What else is broken, which is seen at once, and what is whole but too late.
odd_bytes() {
	tried=0
	while read -r bytes reason; do
		tried=$((tried + 1))
		broker "odd$tried" connack="$bytes"
		broken "$bytes" 8 "'$T/odd$tried.sock': it broke the MQTT protocol: $reason" -h "$T/odd$tried.sock"
	done <<'END'
30 another packet in place of CONNACK
e00189 another packet in place of CONNACK
21 flags that this type of packet does not have
20818004 a packet far too large for its type
20ffffffff a packet length of more than four bytes
200100 a packet that ends inside of a field
2007000003130a0a00 bytes behind the last field of a packet
2005000002130a a packet that ends inside of a field
2009000006220001220001 a property twice
2006000003210000 a property with a value that is not allowed
END
	broker half connack=200500
	broken 'half of it, and no more' 5 "'$T/half.sock': its CONNACK was not whole within 0.5 s" \
		-h "$T/half.sock" --connect-timeout 500ms
	broker cut connack=200500 end=1
	broken 'half of it, and the end' 5 "'$T/cut.sock': it closed the connection" -h "$T/cut.sock"
}

# What is sound goes on as it was, with what comes behind it.
sound() {
	goes_on() { # goes_on 'sentence' BROKER: a message comes
		for program in iotsub iotingest; do
			run timeout 20 "$program" -h "$T/$2.sock" -t a -C 1 -W 15
			exits 0 "$1 ($program)"
		done
	}
	props=1100000001'13003c''15000161''16000161''1a000161''1c000161''1f000161''210014''220000''2401''2501'
	props=$props'26000161000162''26000161000162''2700100000''2801''2901''2a01'
	broker all send="$message" props="$(printf %02x $((${#props} / 2)))$props"
	goes_on 'each property that there is' all
	broker large send="$message" connack="20db86030000d6860326000161c350$(perl -e 'print "62" x 50000')"
	goes_on '50,000 bytes of them' large
	broker behind connack=2003000000"$message"
	goes_on 'a message right behind it' behind
	broker slow send="$message" connack=2003000000 trickle=0.1
	goes_on 'one byte after the other' slow
	broker old send=3004000161'32' connack=20020001 only=5
	goes_on 'a broker that knows MQTT 3.1.1 alone' old
}

# One byte a second: reading is off meanwhile.
drop() {
	broker drop connack=2003000000 trickle=1
	bg timeout 20 iotsub -h "$T/drop.sock" -t a -W 15 2>/dev/null
	wait_for 10 heard drop CONNECT
	pid=$(pgrep -P "$bg")
	busy() { awk '{ print int($1 / 1000) }' "/proc/$pid/schedstat"; } # microseconds of CPU so far
	least=1000000
	for _ in 1 2 3 4 5 6 7 8; do # the best of these: others are at work here, too
		before=$(busy)
		sleep 0.4 # what is measured
		spent=$(($(busy) - before))
		[ "$spent" -ge "$least" ] || least=$spent
	done
	[ -n "${SANITIZED-}" ] || [ "$least" -lt 4000 ]
	tap $? "one byte a second costs less than a hundredth of a CPU ($least us of 0.4 s)"
	ok '... and it connects in the end' wait_for 10 heard drop SUBSCRIBE
}

# A connection later: it is tried again, with pauses, until the broker has come to its senses.
later() { # later PROGRAM OPTION...
	program=$1
	broker "by-$program" close=1 connack="$seven" from=2
	shift
	timeout 60 "$program" -h "$T/by-$program.sock" "$@" >"$program.out" 2>"$program.err" &
	pid=$!
	pids="$pids $pid"
	ok "$program tries again" wait_for 30 heard "by-$program" CONNECT 3
	has "$(cat "$program.err")" "lost broker '$T/by-$program.sock': it closed the connection" \
		'... and says that the broker is away'
	is '2 1' "$(wc -l <"$program.err") $(grep -c "$why" "$program.err")" '... once, and why it cannot come back'
	mv "by-$program.log" before."$program"
	broker "by-$program" send="$message"
	[ "$program" != iotpub ] || { wait_for 30 heard by-iotpub PUBLISH && kill "$pid"; }
	wait "$pid"
	is 0 $? "... and goes on when the broker is sound again"
	[ "$(grep -c CONNECT before."$program")" -lt 9 ]
	tap $? "... with pauses ($(grep -c CONNECT before."$program") attempts)"
	case $program in
	iotingest) has "$(cat iotingest.out)" '"payload":2' '... with the message that is there' ;;
	iotsub) is 2 "$(cat iotsub.out)" '... with the message that is there' ;;
	esac
}

# The platform: one bad broker of two.
platform() {
	place platform
	broker good
	broker bad connack="$seven"
	# shellcheck disable=SC2119
	start_api --verbose
	iotctl broker create Good host="$T/good.sock" >/dev/null
	iotctl broker create Bad host="$T/bad.sock" >/dev/null
	port=$(free_port)
	bg perl "$top/tests/broker.pl" tcp port="$port" connack="$seven"
	wait_for 10 port_open "$port"
	iotctl broker create Tcp host=127.0.0.1 port="$port" >/dev/null
	for name in Bad Tcp; do
		where=$T/bad.sock
		[ "$name" = Bad ] || where=127.0.0.1:$port
		run iotctl broker test "$name"
		exits 8 "iotctl broker test $name"
		has "$err" "broker '$name': CONNACK: cannot reach broker '$where': $why" '... says what'
		iotctl device create "D$name" nombre=x tipo=esp32 ubicacion=x >/dev/null
		iotctl device-config create "D$name" broker="$name" >/dev/null
		run iotctl device command "D$name" '{"a":1}'
		is "8 iotctl: cannot reach broker '$where': $why" "$status $err" 'iotctl device command'
	done
	state() { iotctl api GET mqtt/broker-status/ 2>/dev/null | jq -r ".[] | select(.nombre == \"$1\") | \"\(.connection_status) \(.reason)\""; }
	state_is() { [ "$(state "$1")" = "$2" ]; }
	bad="error cannot reach broker '$T/bad.sock': $why"
	ok "iotapi lives, and tells of that broker's state and the reason" wait_for 10 state_is Bad "$bad"
	ok '... by TCP as well' wait_for 10 state_is Tcp "error cannot reach broker '127.0.0.1:$port': $why"
	ok '... and the other is connected' wait_for 10 state_is Good 'connected null'
	ok '... it tries again' wait_for 10 heard bad 696f746170692d 3
	is 1 "$(grep -c "broker 'Bad': cannot" api.log)" '... and has said so once'
	stop_api
	iotapi serve --db "$db" --listen "${api#http://}" --verbose 2>api.log &
	api_pid=$!
	pids="$pids $api_pid"
	ok 'started again it lives' wait_for 10 state_is Bad "$bad"
	broker bad
	ok 'when the broker is sound it is connected to' wait_for 10 state_is Bad 'connected null'
	iotctl api POST mqtt/brokers/2/deactivate/ >/dev/null
	ok 'one that is switched off is disconnected' wait_for 10 state_is Bad 'disconnected null'
	is '401' "$(curl -s -o /dev/null -w '%{http_code}' "$api/api/mqtt/broker-status/")" 'who asks has to log in'
}

for f in first_connect over_tls odd_bytes sound drop platform; do part $f; done
part later iotingest -t a -C 1
part later iotsub -t a -C 1
part later iotpub X_3 --interval 1h --takeover
parts

done_testing
