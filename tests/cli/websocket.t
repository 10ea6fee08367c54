#!/bin/sh
# MQTT over WebSocket, in every MQTT program: both kinds, both paths, what is refused and why; and
# the relay that speaks it: one process for a fleet, which neither loses nor hoards anything, comes
# back when it dies and goes when its parent does.
# slow: 8,000 messages behind a reader that stalls, a fleet of 300
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

authority right-ca
authority wrong-ca
certificate good right-ca DNS:localhost,IP:127.0.0.1
certificate elsewhere right-ca DNS:mq.example
certificate client right-ca DNS:none
plain=$(free_port)
ws=$(free_port)
wss=$(free_port)
other=$(free_port)
strict=$(free_port)
closed=$(free_port)
start_broker "allow_anonymous true" "max_queued_messages 0" \
	"listener $plain 127.0.0.1" \
	"listener $ws 127.0.0.1" "protocol websockets" \
	"listener $wss 127.0.0.1" "protocol websockets" \
	"certfile $T/good.crt" "keyfile $T/good.key" \
	"listener $other 127.0.0.1" "protocol websockets" \
	"certfile $T/elsewhere.crt" "keyfile $T/elsewhere.key" \
	"listener $strict 127.0.0.1" "protocol websockets" \
	"require_certificate true" "cafile $T/right-ca.crt" \
	"certfile $T/good.crt" "keyfile $T/good.key"
ok "a broker" wait_for 10 port_open "$strict"
mkdir -m 700 run
export XDG_RUNTIME_DIR="$T/run"

# Every program, both kinds, each path.
n=0
for url in "ws://localhost:$ws" "ws://localhost:$ws/mqtt" "ws://127.0.0.1:$ws/" \
	"wss://localhost:$wss" "wss://localhost:$wss/mqtt" "wss://127.0.0.1:$wss/"; do
	case $url in wss*) set -- -L "$url" --cafile right-ca.crt ;; *) set -- -L "$url" ;; esac
	n=$((n + 1))
	run iotpub "$@" -t "there/$n" -m "by $n" -q 1 -r
	exits 0 "iotpub publishes to $url"
	run iotsub "$@" -t "there/$n" -C 1 -W 9
	is "0 by $n" "$status $out" "... and iotsub hears it there"
	run iotingest "$@" -t "there/$n" -C 1 -W 9
	has "$status $out" "\"payload_text\":\"by $n\"" "... and iotingest"
	is '' "$(ls run)" "... and nothing stays behind"
done
for version in 311 5; do
	run iotsub -L "ws://localhost:$ws" -V $version -t there/1 -C 1 -W 9
	is "0 by 1" "$status $out" "MQTT $version"
done
run iotpub -L "wss://localhost:$strict" --cafile right-ca.crt --cert client.crt \
	--key client.key -t x -m y -q 2
exits 0 "a client certificate"
cat >iot.conf <<END2
[away]
broker = wss://localhost:$wss/mqtt
mqtt_cafile = $T/right-ca.crt
END2
run iotsub --config iot.conf --context away -t there/1 -C 1 -W 9
is "0 by 1" "$status $out" "a broker from the configuration"

# Refusals: each says what, and what would be right.
refused() { # refused LINE OPTION...
	line=$1
	shift
	run iotsub "$@" -t a -W 9
	exits 5 "refused: $*"
	# What mosquitto says to TLS on a port for WebSocket is its version's.
	is "iotsub: cannot reach broker $line" "$(wherever "$err" | sed 's/it closed the connection during the handshake: is this its TLS port?/it does not speak TLS on this port/')" \
		"... with one line"
	is '' "$out$(ls run)" "... no output, and nothing stays behind"
}
refused "'localhost:$closed': connection refused" -L "ws://localhost:$closed"
refused "'127.0.0.1:$closed': connection refused" -L "wss://127.0.0.1:$closed"
refused "'localhost:$plain': WebSocket: it closed the connection: is this its WebSocket port?" \
	-L "ws://localhost:$plain"
refused "'localhost:$ws': TLS: it does not speak TLS on this port" \
	-L "wss://localhost:$ws" --cafile right-ca.crt
refused "'localhost:$wss': WebSocket: it closed the connection: is this its WebSocket port?" \
	-L "ws://localhost:$wss"
refused "'localhost:$wss': TLS: certificate is signed by an unknown CA: 'right-ca'" \
	-L "wss://localhost:$wss"
refused "'localhost:$wss': TLS: certificate is signed by an unknown CA: 'right-ca'" \
	-L "wss://localhost:$wss" --cafile wrong-ca.crt
refused "'localhost:$other': TLS: certificate is not for 'localhost' but for mq.example" \
	-L "wss://localhost:$other" --cafile right-ca.crt
refused "'127.0.0.1:$other': TLS: certificate is not for '127.0.0.1' but for mq.example" \
	-L "wss://127.0.0.1:$other" --cafile right-ca.crt
refused "'localhost:$strict': TLS: the broker asked for a client certificate (--cert)" \
	-L "wss://localhost:$strict" --cafile right-ca.crt
# In the words that TCP has of it: another where nobody answers for names.
unknown=$(iotsub -h no.invalid -p "$ws" -t a -W 9 2>&1 | sed 's/.*cannot reach broker //')
has "$unknown" "'no.invalid:$ws': cannot look up 'no.invalid': " 'a name that is unknown, over TCP'
refused "$unknown" -L "ws://no.invalid:$ws"
run iotsub -L "wss://localhost:$wss" --cafile none.crt -t a -W 9
is "2 iotsub: cannot use CA certificates 'none.crt': No such file or directory" "$status $err" \
	"a CA file that is not there is told before anybody connects"
run iotsub -L "wss://localhost:$other" --insecure -t there/1 -C 1 -W 9
is '0 by 1' "$status $out" "--insecure connects"

# What is asked for, and what servers of other things answer.
cat >server.pl <<'END2'
use IO::Socket::INET;
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
$| = 1;
print "ready\n";
while (my $c = $l->accept) {
	my $q = "";
	while ($q !~ /\r\n\r\n/ && sysread $c, my $more, 4096) { $q .= $more }
	print STDOUT $q;
	my ($path) = $q =~ m,^GET /(\S*), or next;
	syswrite $c, "HTTP/1.1 $path x\r\nContent-Length: 0\r\n\r\n" if $path =~ /^\d+$/;
	syswrite $c, "SSH-2.0-x\r\n\r\n" if $path eq "ssh";
	sysread $c, my $rest, 4096 if $path eq "silent";
}
END2
fake=$(free_port)
bg perl server.pl "$fake" >asked
wait_for 10 test -s asked
for path in 404 503 302; do
	refused "'127.0.0.1:$fake': WebSocket: it answered HTTP $path: is this its WebSocket path?" \
		-L "ws://127.0.0.1:$fake/$path"
done
refused "'127.0.0.1:$fake': WebSocket: it wants a login for this path (HTTP 401)" \
	-L "ws://127.0.0.1:$fake/401"
run iotsub -L "ws://127.0.0.1:$fake/ssh" -t a -W 9
exits 5 "a server of something else"
refused "'127.0.0.1:$fake': no connection within 0.5 s" -L "ws://127.0.0.1:$fake/silent" \
	--connect-timeout 500ms
iotsub -L "ws://127.0.0.1:$fake/a/b?c=d" -t a -W 9 2>/dev/null
has "$(tr -d '\r' <asked)" "GET /a/b?c=d HTTP/1.1" "the path is asked for as it was given"
has "$(tr -d '\r' <asked)" "Sec-WebSocket-Protocol: mqtt" "... for MQTT"
has "$(tr -d '\r' <asked)" "Host: 127.0.0.1:$fake" "... of this host"

# Nothing is lost or changed on the way, with packets of all sizes.
perl -e 'srand 7; for (1 .. 3000) { print "$_ " . "x" x int(rand(15) ** 3), "\n" }' >lines
iotsub -L "wss://localhost:$wss" --cafile right-ca.crt -t many -q 1 -C 3000 -W 60 >got &
sub=$!
pids="$pids $sub"
wait_for 10 listening many
ok "3000 messages of up to 3 KB go in" \
	sh -c "iotpub -L ws://localhost:$ws -t many -q 1 -l <lines"
wait $sub
is 0 $? "... and come out"
ok "... as they were" cmp lines got

# Back-pressure: nobody reads, and the relay holds what fits into a few sockets, not 30 MB. (For packets
# over 4 KB mosquitto takes 0.1 s each: smaller ones.)
resident() { awk '/VmRSS/ { print $2 }' "/proc/$relay/status"; }
iotsub -L "ws://localhost:$ws" -t flood -q 1 -C 8000 -W 60 >got &
sub=$!
pids="$pids $sub"
wait_for 10 listening flood
relay=$(pgrep -P $sub)
kill -STOP $sub
before=$(resident)
perl -e 'print "y" x 3900, "\n" for 1 .. 8000' >lines
ok "30 MB for a subscriber that does not read" iotpub -h "$sock" -t flood -q 1 -l <lines
sleep 1 # for what is still on its way into the relay
growth=$(($(resident) - before))
[ "$growth" -lt 4096 ]
tap $? "the relay holds little (it grew by $growth KB)"
kill -CONT $sub
wait $sub
is 0 $? "... and it all comes when it reads again"
ok "... as it was" cmp lines got

# A relay that dies is started again; what is acknowledged by nobody meanwhile is sent then.
IOT_PASSWORD_FILE=$T/none iotsub -L "ws://localhost:$ws" -t again -q 1 -C 2 -W 30 >got 2>err &
sub=$!
pids="$pids $sub"
wait_for 10 listening again
relay=$(pgrep -P $sub)
is iot-relay "$(tr -d '\0' <"/proc/$relay/cmdline")" "the relay is a program that was started, no fork of one with threads"
without "$(tr '\0' '\n' <"/proc/$relay/environ")" IOT_PASSWORD_FILE "... to which no variable of ours is handed"
iotpub -h "$sock" -t again -m one
wait_for 10 grep -q one got
kill -KILL "$relay"
wait_for 20 listening again 2
iotpub -h "$sock" -t again -m two
wait $sub
is "0 one two" "$? $(tr '\n' ' ' <got | sed 's/ $//')" "a dead relay is started again"
has "$(cat err)" "the WebSocket relay has ended: it is started again" "... and it is told"
is '' "$(ls run)" "... and the dead one's directory is gone, too"

run perl -e 'my $p = shift; exec $p "iot-relay"' "$build/iotsub"
is "0   " "$status $out $err " "who takes its name without its sockets gets nothing"

# It goes with its parent, however that goes; and a signal to all is the parent's affair.
iotsub -L "ws://localhost:$ws" -t left >got 2>err &
sub=$!
wait_for 10 listening left
relay=$(pgrep -P $sub)
kill -KILL $sub
wait $sub 2>/dev/null
gone() { ! kill -0 "$1" 2>/dev/null; }
ok "the relay of a killed program ends" wait_for 10 gone "$relay"
is '' "$(ls run)" "... and removes its directory"
# shellcheck disable=SC2016 # for the inner shell
setsid -w sh -c 'echo $$ >leader; exec iotpub -L "$1" RPI_009 t=1 --interval 60s' sh \
	"ws://localhost:$ws" 2>group.err &
group=$!
wait_for 10 iotsub -h "$sock" -t iot/devices/RPI_009/status -C 1 -W 1
kill -TERM "-$(cat leader)"
wait $group
is 0 $? "a signal to the whole group, the relay too, ends the program cleanly"
run iotsub -h "$sock" -t iot/devices/RPI_009/status -C 1 -W 5
has "$out" '"status":"disconnected","timestamp"' \
	"... with its goodbye through the relay, not its will"

# Behind DISCONNECT nothing comes, not even a close, before the broker closes: it reads them in whatever order.
cat >patient.pl <<'END2'
use IO::Socket::INET;
use Digest::SHA 'sha1_base64';
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
$| = 1;
print "ready\n";
while (my $c = $l->accept) {
	my ($in, $mqtt) = ("", "");
	while ($in !~ s/.*?\r\n\r\n//s) {
		sysread $c, $in, 4096, length $in or last;
		$key = $1 if $in =~ /Sec-WebSocket-Key: (\S+)/i;
	}
	syswrite $c, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n" .
	    "Sec-WebSocket-Accept: " . sha1_base64($key . "258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . "=\r\n\r\n";
	my $connected;
	while ($mqtt !~ /\xe0\x00$/) {
		if (length $in >= 6 && (my $n = ord(substr $in, 1, 1) & 127) < 126) {
			if (length $in >= 6 + $n) {
				my @mask = unpack "C4", substr $in, 2, 4;
				my $i = 0;
				$mqtt .= join "", map { chr($_ ^ $mask[$i++ % 4]) } unpack "C*", substr $in, 6, $n;
				$in = substr $in, 6 + $n;
				syswrite $c, "\x82\x05\x20\x03\0\0\0" unless $connected++;
				next;
			}
		}
		sysread $c, $in, 4096, length $in or last;
	}
	my $bits = "";
	vec($bits, fileno $c, 1) = 1;
	my $more = $in eq "" ? select $bits, undef, undef, $ARGV[1] : 1;
	print $mqtt !~ /\xe0\x00$/ ? "cut\n" : $more ? "early\n" : "waits\n";
	close $c;
}
END2
# said OPTION...: what iotpub's end was like for a broker that closes after 0.3 s.
patient=$(free_port)
bg perl patient.pl "$patient" 0.3 >patient.said
wait_for 10 test -s patient.said
said() { [ "$(wc -l <patient.said)" -ge "$1" ]; }
run iotpub -L "ws://127.0.0.1:$patient" -V 5 -q 0 -t a -m 1
exits 0 "a publication"
wait_for 10 said 2
iotsub -L "ws://127.0.0.1:$patient" -V 5 -t a -W 300ms --connect-timeout 5s 2>/dev/null
wait_for 10 said 3
is "ready waits waits " "$(tr '\n' ' ' <patient.said)" "the close waits until the broker has read the goodbye"
stubborn=$(free_port)
bg perl patient.pl "$stubborn" 30 >stubborn.said
wait_for 10 test -s stubborn.said
from=$(date +%s%N)
run iotpub -L "ws://127.0.0.1:$stubborn" -V 5 -q 0 -t a -m 1
exits 0 "a broker that does not close"
ok "... is not waited for long" [ $((($(date +%s%N) - from) / 1000000)) -lt 20000 ]

# One relay for a fleet, and one descriptor a device beside it.
printf 'DEV_%03d\n' $(seq 300) >names
iotpub -L "ws://localhost:$ws" - t=1 --interval 60s --takeover <names 2>err &
fleet=$!
pids="$pids $fleet"
count() { [ "$(iotsub -h "$sock" -t 'iot/devices/+/status' -W 1 2>/dev/null | grep -c connected)" -ge "$1" ]; }
ok "300 devices by WebSocket" wait_for 60 count 300
is 1 "$(pgrep -c -P $fleet)" "... with one relay"
kill -TERM $fleet
wait $fleet
is 0 $? "... and they end cleanly"

# The platform's brokers: iotapi's worker and iotctl's commands speak what a broker's row says.
start_api --verbose
iotctl broker create Plain host=localhost port="$ws" protocol=ws >/dev/null
iotctl broker create Sealed host=localhost port="$wss" protocol=wss ca_cert@right-ca.crt >/dev/null
iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
iotctl device-config create D1 broker=Sealed >/dev/null
says() { grep -q "broker '$1': listening" api.log; }
ok "iotapi's worker listens by ws" wait_for 10 says Plain
ok "... and by wss" wait_for 10 says Sealed
relay=$(pgrep -P "$api_pid")
for n in $(seq 8); do
	iotctl api POST mqtt/test-connection/ broker_id:=$((n % 2 + 1)) >"tried.$n" &
	tries="${tries-} $!"
done
# shellcheck disable=SC2086 # words
wait $tries
is 8 "$(cat tried.* | grep -c '"success": *true')" "... and tries them from other threads at the same time"
is "$relay" "$(pgrep -P "$api_pid")" "... all by the relay that is there"
iotsub -h "$sock" -t iot/devices/D1/commands -C 1 -W 20 >got &
sub=$!
pids="$pids $sub"
wait_for 10 listening iot/devices/D1/commands
run iotctl device command D1 '{"a":1}'
exits 0 "iotctl sends a command over the wss broker of the device"
wait $sub
is '{"a":1}' "$(cat got)" "... and it arrives"

done_testing
