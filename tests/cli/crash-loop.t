#!/bin/sh
# A broker that closes each connection at once: because it crashes again and again, which is waited for,
# or because another client has the same id, which is not.
# slow: the pauses between two attempts to connect grow to 8 s
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# fickle SOCKET LOG DOWN [WHICH]: takes five connections, answers CONNECT, closes; DOWN seconds before the
# fifth, or those that WHICH matches, it cannot be reached. The sixth stays.
cat >fickle.pl <<'END'
use IO::Socket::UNIX;
my ($name, $log, $down, $which) = (@ARGV, 5);
open my $out, ">", $log or die;
$out->autoflush;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die; rename "$name.new", $name;
my $c;
for my $n (1 .. 6) {
	if ($n =~ /^$which/ && $down > 0) {
		close $l;
		unlink $name;
		close $c if $c;
		select undef, undef, undef, $down;
		$l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die; rename "$name.new", $name;
	}
	$c = $l->accept;
	sysread $c, my $connect, 4096;
	syswrite $c, pack("H*", "2003000000");
	print $out "$n\n";
	sysread $c, my $subscribe, 4096;
	while ($n == 6 && sysread $c, my $rest, 4096) { }
	close $c if $n + 1 !~ /^$which/;
}
END
# The window after four losses is 8 s long, so that one connect at least falls into 9.
bg perl fickle.pl "$T/crashing.sock" crashing.log 9
bg perl fickle.pl "$T/fought.sock" fought.log 0
bg perl fickle.pl "$T/restarted.sock" restarted.log 0.3 '[2-6]'
wait_for 10 test -S crashing.sock
wait_for 10 test -S fought.sock
wait_for 10 test -S restarted.sock
bg timeout 120 iotsub -h "$T/crashing.sock" -i one -t x 2>crashing.err
crashing=$bg
bg timeout 120 iotsub -h "$T/fought.sock" -i two -t x 2>fought.err
fought=$bg
bg timeout 120 iotsub -h "$T/restarted.sock" -i three -t x 2>restarted.err
restarted=$bg

wait $fought
is 8 $? 'a broker that closes five connections in a row, and is there all the time: status 8'
has "$(cat fought.err)" "5 times in a row: is there another client with the id 'two', or something that its login may not do?" '... and a question'
is 6 "$(tail -n 1 fought.log)" '... when the sixth connection shows that it is'
# shellcheck disable=SC2317 # called by wait_for
goes_on() { [ "$(grep -c 'trying again' crashing.err)" -ge 5 ]; }
ok 'a broker that was down in between is tried again after the fifth' wait_for 80 goes_on
# shellcheck disable=SC2317 # called by wait_for
stays() { grep -qx 6 restarted.log; }
ok 'a broker that closes each connection because it is restarted is tried again' wait_for 100 stays
kill $restarted
wait $restarted
is 0 $? '... and SIGTERM ends it cleanly'
kill $crashing
wait $crashing
is 0 $? '... and SIGTERM ends it cleanly'
done_testing
