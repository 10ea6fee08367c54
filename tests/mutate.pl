# A broker that breaks MQTT: mutate.pl PORT SOCKET SEED stands between clients on loopback TCP and the broker on the
# unix socket, and changes what that says: bytes are set, left out, put in, said twice, cut off. Each connection is a
# process; for each a line on standard output: its number, and how many pieces were changed.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
my ($port, $broker, $seed) = @ARGV;
my $l = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1) or die;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { kill 'KILL', -$$ };
setpgrp;
$| = 1;
print "ready\n";

# Most changes are in the first bytes, where lengths and types are.
sub change {
	my $at = rand() < 0.5 ? int rand 8 : int rand length $_[0];
	$at = length($_[0]) - 1 if $at >= length $_[0];
	my $how = int rand 6;
	if ($how < 2) { substr($_[0], $at, 1) = chr int rand 256 }
	elsif ($how == 2) { substr($_[0], $at, 1) ^= chr 1 << int rand 8 }
	elsif ($how == 3) { substr($_[0], $at, 1 + int rand 4) = '' }
	elsif ($how == 4) { substr($_[0], $at, 0) = pack 'C*', map { int rand 256 } 1 .. 1 + int rand 8 }
	else { $_[0] .= $_[0] }
}

sub serve {
	my ($n, $c) = @_;
	my $b = IO::Socket::UNIX->new(Peer => $broker) or return;
	my ($changed, $all) = (0, '');
	srand $seed * 100000 + $n;
	my $often = (0.05, 0.3, 0.9)[int rand 3];
	while (1) {
		my ($want, $from, $to) = ('', undef, undef);
		vec($want, fileno $_, 1) = 1 for $b, $c;
		select my $ready = $want, undef, undef, 10 or last;
		if (vec $ready, fileno $c, 1) {
			sysread $c, my $bytes, 65536 or last;
			syswrite $b, $bytes or last;
		}
		next unless vec $ready, fileno $b, 1;
		sysread $b, my $bytes, 1 + int rand 4096 or last;
		while (length $bytes && rand() < $often) { change($bytes); $changed++ }
		length $bytes and (syswrite $c, $bytes or last);
		rand() < 0.01 and last;
	}
	print "$n $changed\n";
}

for (my $n = 1;; $n++) {
	my $c = $l->accept or next;
	if (fork) { close $c; next }
	$SIG{TERM} = 'DEFAULT';
	serve($n, $c);
	exit;
}
