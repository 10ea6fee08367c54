#!/bin/sh
# iotingest's connection is cut again and again: while lines are written, and while a sink fails and
# all its room is taken.
# shellcheck disable=SC2016 # the words of a sink
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

# Between iotingest and the broker: passes bytes on; SIGUSR1 cuts every connection.
cat >between.pl <<'X'
use strict; use warnings; use IO::Socket::INET; use IO::Socket::UNIX; use IO::Select;
my ($port, $sock) = @ARGV;
my $listener = IO::Socket::INET->new(Listen => 8, LocalAddr => "127.0.0.1", LocalPort => $port, ReuseAddr => 1) or die;
my (%peer, $cut);
$SIG{USR1} = sub { $cut = 1 };
$SIG{PIPE} = "IGNORE";
my $all = IO::Select->new($listener);
sub end { my $s = shift; my $p = delete $peer{$s}; return unless $p; delete $peer{$p}; $all->remove($s, $p); close $s; close $p }
while (1) {
	my @ready = $all->can_read(0.2);
	if ($cut) { $cut = 0; end($_) for grep { $_ != $listener } $all->handles; next }
	for my $s (@ready) {
		if ($s == $listener) {
			my $c = $s->accept or next;
			my $b = IO::Socket::UNIX->new(Peer => $sock) or do { close $c; next };
			$peer{$c} = $b; $peer{$b} = $c; $all->add($c, $b); next;
		}
		my $p = $peer{$s} or next;
		my $n = sysread($s, my $bytes, 16384);
		if (!$n) { end($s); next }
		while (length $bytes) { my $w = syswrite($p, $bytes); last unless $w; substr($bytes, 0, $w) = "" }
	}
}
X
port=$(free_port)
bg perl between.pl "$port" "$sock"
between=$bg
wait_for 10 sh -c "iotingest -h 127.0.0.1 -p $port -W 100ms; [ \$? -eq 27 ]"
cut() { kill -USR1 $between; }
begin() { # begin ID OUT OPTION...
	id=$1
	to=$2
	shift 2
	iotingest -h 127.0.0.1 -p "$port" --durable "$id" "$@" >>"$to" 2>>"$id.err" </dev/null &
	ingesting=$!
	pids="$pids $ingesting"
	wait_for 10 subscribed "$id"
}
has_all() { [ "$(numbers "$2" | wc -w)" -ge "$1" ]; }
lost() { [ "$(grep -c 'lost broker' "$1.err")" -ge "$2" ]; }

for qos in 1 2; do
	begin lines$qos lines$qos.out -q $qos
	for n in 0 1 2; do
		publish $((n * 1000 + 1)) $((n * 1000 + 1000)) &
		publisher=$!
		wait_for 10 has_lines $((n * 1000 + 100)) lines$qos.out
		cut
		wait_for 10 lost lines$qos $((n + 1))
		wait $publisher
	done
	wait_for 30 has_all 3000 lines$qos.out
	is 3000 "$(numbers lines$qos.out | wc -w)" "cut three times at QoS $qos: nothing is missing"
	is '' "$(jq -c . lines$qos.out 2>&1 >/dev/null)" 'every line is whole'
	has "$(tail -n 1 lines$qos.err)" "lost broker '127.0.0.1:$port'" 'each cut is told'
	kill $ingesting
	wait $ingesting
done

# The sink's batch, the next batch and what is behind them wait while the connection comes and goes.
: >broken
begin sink store -k 5 --batch 50 --sink 'cat >part; [ ! -e broken ] && cat part'
publish 1 2000
failed() { grep -q 'the same batch again' sink.err; }
wait_for 10 failed
# While it reads nothing it notices at the next ping.
for n in 1 2; do
	cut
	wait_for 20 lost sink $n
	wait_for 20 sh -c "[ \$(grep -c 'New client connected.*as sink' mosquitto.log) -gt $n ]"
done
is 0 "$(wc -l <store)" 'a sink that fails stores nothing'
rm broken
wait_for 30 has_all 2000 store
is 2000 "$(numbers store | wc -w)" 'when it works again nothing is missing'
kill $ingesting
wait $ingesting
is 0 $? 'and it ends cleanly'
run ingest --durable sink -W 500ms
is '' "$out" 'the broker has nothing left'
done_testing
