#!/bin/sh
# A byte of a TLS connection that is another one than was sent: the connection ends, with a reason, and nothing
# that was sent at QoS 1 is lost.
# slow: connections that are broken again and again
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert \
	-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
start_broker 'allow_anonymous true' 'log_type all' 'max_queued_messages 10000' "listener 0 $T/tls.sock" \
	"certfile $T/cert" "keyfile $T/key"
wait_for 10 test -S tls.sock

# proxy.pl NAME SIDE AT: TLS to $T/tls.sock from a free port, in NAME.port. Of the first connection it turns one bit
# over of what comes from this side, the broker or the client: behind byte AT, inside of a record.
cat >proxy.pl <<'END_OF_PROXY'
use IO::Socket::INET;
use IO::Socket::UNIX;
use IO::Select;
my ($name, $side, $at) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
open my $f, '>', "$name.port.new";
print $f $l->sockport;
close $f;
rename "$name.port.new", "$name.port";
for (my $n = 1; my $c = $l->accept; $n++) {
	my $b = IO::Socket::UNIX->new(Peer => 'tls.sock') or die;
	my ($s, %seen) = (IO::Select->new($c, $b), (broker => 0, client => 0));
	my ($head, $left, $done) = ('', 0, 0);
	open my $log, '>', "$name.connection$n";
	PUMP: while (my @ready = $s->can_read) {
		for my $from (@ready) {
			my $who = $from == $b ? 'broker' : 'client';
			sysread $from, my $data, 4096 or last PUMP;
			for my $i (0 .. ($n == 1 && $who eq $side && !$done && $at >= 0 ? length($data) - 1 : -1)) {
				if ($left == 0) {
					$head .= substr $data, $i, 1;
					($left, $head) = (unpack('x3n', $head), '') if length $head == 5;
				} elsif ($left-- && $seen{$who} + $i >= $at && !$done) {
					substr($data, $i, 1) ^= "\1";
					$done = 1;
				}
			}
			$seen{$who} += length $data;
			syswrite $from == $b ? $c : $b, $data;
		}
	}
}
END_OF_PROXY
proxy() { # proxy NAME SIDE AT
	perl proxy.pl "$@" 2>"$1.err.proxy" &
	pids="$pids $!"
	wait_for 10 test -s "$1.port"
}
subscribed() { grep -q "Received SUBSCRIBE from $1" "$T/mosquitto.log"; }
lacks() { seq 1 2000 | grep -cvxF -f "$1"; }
tls() { # tls PROGRAM PROXY OPTION...; iotingest in the background
	program=$1 name=$2
	shift 2
	set -- "$program" -L "mqtts://localhost:$(cat "$name.port")" --cafile cert "$@"
	if [ "$program" = iotingest ]; then bg "$@"; else "$@"; fi
}

# From the broker, far behind the handshake. The control: in a proxy that changes nothing nothing happens. What is sent
# is sent by iotpub: mosquitto_pub -l of 2.1.2 leaves out lines.
for how in broken clean; do
	proxy "$how" broker "$([ "$how" = broken ] && echo 20000 || echo -1)"
	tls iotingest $how --durable $how -t "$how/#" -F %p >$how.out 2>$how.err </dev/null
	ingesting=$bg
	wait_for 10 subscribed $how
	seq 1 2000 | iotpub -h "$sock" -q 1 -t "$how/x" -l --quiet
	all() { [ "$(lacks "$how.out")" = 0 ]; }
	ok "iotingest, $how: all messages come" wait_for 30 all
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? "... SIGTERM: status 0"
done
has "$(cat broken.err)" 'TLS: what came is not what was sent: bad record mac' "a record that was changed on its way is told"
ok "... and the connection is made anew" test -e broken.connection2
is 'no no' "$(grep -q TLS clean.err || echo no) $([ -e clean.connection2 ] || echo no)" "a control: not without"

# From the client: the broker hangs up, and nothing is lost or said twice but for DUP.
mosquitto_sub --unix "$sock" -q 1 -i witness -c -t 'up/#' -F '%p' >up.out &
pids="$pids $!"
wait_for 10 subscribed witness
proxy up client 20000
seq 1 2000 | tls iotpub up -t up/x -q 1 -l 2>up.err
is 0 $? "iotpub: all is acknowledged though a record was changed on its way"
all() { [ "$(lacks up.out)" = 0 ]; }
ok "... and all arrived" wait_for 10 all
ok "... on a second connection" test -e up.connection2
# With bytes of ours unread it resets the connection, which may take its last word, the alert, with it.
ok "... which is told" grep -q "lost broker.*\\(TLS: the broker ended the connection: bad record mac\\|it closed the connection\\)" up.err

# A broker that is killed sent nothing wrong.
proxy killed broker -1
tls iotingest killed --durable killed -t killed 2>killed.err >/dev/null </dev/null
wait_for 10 subscribed killed
kill -9 "$broker_pid"
wait "$broker_pid" 2>/dev/null
ok "a broker that is killed is told" wait_for 10 grep -q 'lost broker' killed.err
has "$(cat killed.err)" 'it closed the connection' "... as what it is"
mosquitto -c mosquitto.conf >>mosquitto.log 2>&1 &
pids="$pids $!"
listens() { mosquitto_pub --unix "$sock" -t x -n; }
wait_for 10 listens

# iotpub hears what was changed.
proxy heard broker 4000
tls iotpub heard H_1 --takeover --interval 5ms -C 200 --quiet 2>heard.err
is 0 $? "iotpub: nor is anything lost when it was changed on its way back"
ok "... on a second connection" test -e heard.connection2
has "$(cat heard.err)" 'TLS: what came is not what was sent: bad record mac' "... which is told"
done_testing
