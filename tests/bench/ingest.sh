#!/bin/sh
# iotingest against mosquitto_sub -F %j, same run, same real mosquitto, stdout a pipe: how long and how
# much CPU N queued QoS 1 messages take. ingest.sh [N]; at most 60000, for the window is open and there are
# no more packet identifiers.
set -eu
n=${1:-50000}
[ "$n" -le 60000 ]
build=${IOT_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
dir=$(mktemp -d)
trap 'kill $broker 2>/dev/null; rm -rf "$dir"' EXIT
sock=$dir/sock
printf 'listener 0 %s\nuser %s\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n' \
	"$sock" "$(id -un)" >"$dir/conf"
mosquitto -c "$dir/conf" >/dev/null 2>&1 &
broker=$!
while [ ! -S "$sock" ]; do sleep 0.05; done

bench() { # bench NAME SETUP COMMAND
	eval "$2" >/dev/null 2>&1 || :
	perl -e 'printf "{\"device_id\":\"DEV_%04d\",\"sensors\":{\"temperature\":21.5,\"humidity\":48.2},\"timestamp\":1760000000}\n",
		$_ % 1000 for 1 .. $ARGV[0]' "$n" | mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/D/data -l
	perl -MTime::HiRes=time -e '
		my ($name, $n, $command) = @ARGV;
		my $from = time;
		my $lines = `$command | wc -l`;
		my (undef, undef, $user, $system) = times;
		my $took = time - $from;
		printf "%-16s %8d lines  %9.0f msg/s  %6.2f us CPU/msg\n", $name, $lines, $n / $took,
			1e6 * ($user + $system) / $n;
	' "$1" "$n" "$3"
}
bench 'mosquitto_sub %j' "mosquitto_sub --unix $sock -c -i m -q 1 -t 'iot/sensors/+/data' -E" \
	"mosquitto_sub --unix $sock -c -i m -q 1 -t 'iot/sensors/+/data' -F %j -C $n"
bench iotingest "$build/iotingest -h $sock --durable i -W 0.3s" "$build/iotingest -h $sock --durable i -C $n"
