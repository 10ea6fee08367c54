# Between a client and the broker on a unix socket: between.pl PORT SOCKET. Passes bytes on; SIGUSR1 cuts every
# connection.
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
