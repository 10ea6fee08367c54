#!/bin/sh
# iotstatus: a whole look against curl's GET of the same answer, and 100,000 devices verified against their
# retained status messages. status.sh [ROUNDS]. Rows as the other benches'.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
rounds=${1:-101}
start_api
use_token
fleet 10 8 "$now"

row() { # row WHAT OURS PEER FIGURE MOST
	awk -v what="$1" -v ours="$2" -v peer="$3" -v x="$4" -v most="$5" 'BEGIN {
		printf "%s\t%s\t%s\t%.5g\t%s\t%s\t%s\n", what, ours, peer, x, most, most, x <= most ? "aim" : "MISSED" }'
}

# by turns ROUNDS: "OURS PEER RATIO", the medians, in ms.
by_turns() {
	perl -MTime::HiRes=time -e '
		my ($rounds, $url, $token) = @ARGV;
		my @commands = (["iotstatus", "-o", "text"], ["curl", "-sS", "-H", "Authorization: Bearer $token",
			"$url/api/mqtt/device-status/"]);
		my @times = ([], []);
		my @ratios;
		for (1 .. $rounds) {
			my @took;
			for my $i (0, 1) {
				my $from = time;
				my $pid = fork;
				if ($pid == 0) { open(STDOUT, ">", "/dev/null"); exec @{$commands[$i]} }
				waitpid $pid, 0;
				die "$commands[$i][0] failed" if $?;
				push @{$times[$i]}, $took[$i] = 1000 * (time() - $from);
			}
			push @ratios, $took[0] / $took[1];
		}
		sub median { my @s = sort { $a <=> $b } @_; $s[@s / 2] }
		printf "%.2f %.2f %.3f\n", median(@{$times[0]}), median(@{$times[1]}), median(@ratios);
	' "$1" "$api" "$(cat "$IOT_TOKEN_FILE")"
}
# shellcheck disable=SC2046 # three words
set -- $(by_turns "$rounds")
row 'a look, ms, against curl' "$1" "$2" "$3" 1.5

start_broker 'allow_anonymous true' 'max_queued_messages 0' 'max_inflight_messages 0'
export IOT_MQTT_HOST="$sock"
fleet 100000 90000 "$now"
{
	statuses 1 90000 connected "$(date +%s)"
	statuses 90001 100000 disconnected "$(date +%s)"
} | to_broker "$sock"
# look COMMAND...: "SECONDS MIB OUTPUT" of a command.
look() {
	python3 -c '
import os, sys, time
start = time.time()
pid = os.fork()
if pid == 0:
    os.dup2(os.open("look.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print("%.2f %.1f" % (time.time() - start, usage.ru_maxrss / 1024), status)' "$@"
}
: >looks
for _ in 1 2 3; do
	look iotstatus -o text -t 60s --verify mqtt >>looks
	grep -q '^90000/100000 devices online (90.00%), 10000 offline, mqtt says 90000/100000 .*, no device differs$' look.out || {
		cat look.out >&2
		exit 1
	}
done
seconds=$(sort -n looks | sed -n 2p | cut -d' ' -f1)
mib=$(cut -d' ' -f2 looks | sort -n | tail -n 1)
row '100,000 devices, --verify mqtt, s' "$seconds" - "$seconds" 3
row 'the same, peak MiB' "$mib" - "$mib" 64
