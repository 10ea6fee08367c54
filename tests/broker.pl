# A broker in name only, on the unix socket NAME.sock: broker.pl NAME [KEY=VALUE...]. Each connection is a
# process; what comes is written to NAME.log, one packet a line: connection, kind, bytes in hexadecimal, 4096 at most.
#
#	present=1   a session is always there          props=HEX   CONNACK's properties, with their length
#	send=HEX    behind each SUBACK                 close=SEC   the connection ends so long after CONNACK
#	mute=KIND   never answers SUBSCRIBE or PUBLISH answer=HEX  to each PUBLISH, in place of PUBACK
#	refuse=TEXT SUBACK says that a SUBSCRIBE with TEXT in it is not allowed
#	deny=TEXT   hangs up on a SUBSCRIBE with TEXT in it, and its port or socket stays
#	leave=1     the connection ends behind a PUBLISH, and what is answered to it
#	connack=HEX in place of CONNACK                from=N      ... from the Nth connection on
#	trickle=SEC between the bytes of that          end=1       ... and then the connection ends
#	only=5      ... to who speaks this version      port=N      on loopback TCP
#	shut=5      no CONNACK to who speaks this version, but the end
#	reset=5     likewise, with CONNECT half read
#	suback=HEX  the reason code in SUBACK, granted QoS 1 else; of the first only with once=1
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
my ($name, @words) = @ARGV;
my %o = (present => 0, props => '00', send => '', close => 0, mute => '', answer => '',
	connack => '', from => 1, trickle => 0, end => 0, only => 0, port => 0, shut => 0,
	suback => '01', once => 0, leave => 0, deny => '', refuse => '', reset => 0);
for (@words) { my ($key, $value) = split /=/, $_, 2; $o{$key} = $value }
my @kinds = qw(0 CONNECT 2 PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE 9 UNSUBSCRIBE 11 PINGREQ 13 DISCONNECT 15);
open my $log, '>>', "$name.log" or die;
$log->autoflush;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { kill 'KILL', -$$ };
setpgrp;
my ($c, $n) = (undef, 0);

sub bytes {
	my ($want, $got) = (shift, '');
	while (length $got < $want) { sysread($c, $got, $want - length $got, length $got) or exit }
	return $got;
}

sub packet {
	my ($head, $length, $shift) = (ord bytes(1), 0, 0);
	for (my $b = 128; $b >= 128; $shift += 7) { $b = ord bytes(1); $length |= ($b & 127) << $shift }
	my $body = bytes($length < 7 ? $length : 7);
	exit if $head == 16 && $o{reset} == ord substr $body, 6, 1;
	return ($kinds[$head >> 4], $head, $body . bytes($length - length $body));
}

sub greet {
	my $bytes = pack 'H*', $o{connack};
	for ($o{trickle} ? split //, $bytes : $bytes) { syswrite $c, $_; select undef, undef, undef, $o{trickle} }
	exit if $o{end};
}

sub serve {
	my $version;
	while (my ($kind, $head, $body) = packet()) {
		print $log "$n $kind ", unpack('H*', chr($head) . substr $body, 0, 4096), "\n";
		if ($kind eq 'CONNECT') {
			$version = ord substr $body, 6, 1;
			exit if $o{shut} == $version;
			if ($o{connack} ne '' && $n >= $o{from} && (!$o{only} || $o{only} == $version)) { greet(); next }
			my $rest = pack('CC', $o{present}, 0) . ($version == 5 ? pack('H*', $o{props}) : '');
			syswrite $c, pack('CC', 0x20, length $rest) . $rest;
			$SIG{ALRM} = sub { exit };
			alarm $o{close};
		} elsif ($kind eq 'SUBSCRIBE' && $o{mute} ne $kind) {
			exit if $o{deny} ne '' && index($body, $o{deny}) >= 0;
			my $properties = $version == 5 ? "\0" : '';
			my $refused = $o{refuse} ne '' && index($body, $o{refuse}) >= 0;
			my $answer = substr($body, 0, 2) . $properties . pack('H*', $refused ? '87' : $o{suback});
			$o{suback} = '01' if $o{once};
			syswrite $c, pack('CC', 0x90, length $answer) . $answer . pack('H*', $o{send});
		} elsif ($kind eq 'PUBLISH' && $o{mute} ne $kind) {
			my $mid = substr $body, 2 + unpack('n', $body), 2;
			syswrite $c, $o{answer} ne '' ? pack('H*', $o{answer}) : "\x40\x02$mid" if $head & 6;
		} elsif ($kind eq 'PINGREQ') {
			syswrite $c, "\xd0\0";
		}
		exit if $o{leave} && $kind eq 'PUBLISH';
	}
}

my $l = $o{port} ? IO::Socket::INET->new(Listen => 20, LocalAddr => "127.0.0.1:$o{port}", ReuseAddr => 1)
	: IO::Socket::UNIX->new(Listen => 20, Local => "$name.sock.new");
$l or die;
rename "$name.sock.new", "$name.sock" unless $o{port};
while (1) {
	$c = $l->accept or next;
	$n++;
	if (fork) { close $c; next }
	serve();
}
