#!/bin/sh
# A broker that closes each connection at once: because it crashes again and again, which is waited for,
# or because another client has the same id, which is not.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# fickle SOCKET LOG DOWN: takes five connections, answers CONNECT, closes; DOWN seconds before the fifth
# it cannot be reached. The sixth stays.
cat >fickle.pl <<'END'
use IO::Socket::UNIX;
my ($name, $log, $down) = @ARGV;
open my $out, ">", $log or die;
$out->autoflush;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die; rename "$name.new", $name;
for my $n (1 .. 6) {
	if ($n == 5 && $down > 0) {
		close $l;
		unlink $name;
		select undef, undef, undef, $down;
		$l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die; rename "$name.new", $name;
	}
	my $c = $l->accept;
	sysread $c, my $connect, 4096;
	syswrite $c, pack("H*", "2003000000");
	print $out "$n\n";
	sysread $c, my $subscribe, 4096;
	while ($n == 6 && sysread $c, my $rest, 4096) { }
	close $c;
}
END
# The window after four losses is 8 s long, so that one connect at least falls into 9.
bg perl fickle.pl "$T/crashing.sock" crashing.log 9
bg perl fickle.pl "$T/fought.sock" fought.log 0
wait_for 5 test -S crashing.sock
wait_for 5 test -S fought.sock
bg timeout 120 iotsub -h "$T/crashing.sock" -i one -t x 2>crashing.err
crashing=$bg
bg timeout 120 iotsub -h "$T/fought.sock" -i two -t x 2>fought.err
fought=$bg

wait $fought
is 8 $? 'a broker that closes five connections in a row, and is there all the time: status 8'
has "$(cat fought.err)" "5 times in a row: is there another client with the id 'two'?" '... and a question'
is 5 "$(tail -n 1 fought.log)" '... after the fifth'
# shellcheck disable=SC2317 # called by wait_for
goes_on() { [ "$(grep -c 'trying again' crashing.err)" -ge 5 ]; }
ok 'a broker that was down in between is tried again after the fifth' wait_for 80 goes_on
kill $crashing
wait $crashing
is 0 $? '... and SIGTERM ends it cleanly'
done_testing
