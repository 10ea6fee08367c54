#!/bin/sh
# iotctl against curl and iotapi, the same server in the same run: ctl.sh [ROUNDS]. A list as a whole process,
# 10,000 topics by apply against a shell loop of curl, the memory of both and of a list of 100,000 readings.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IOT_BUILD:-$top/build}
rounds=${1:-101}
topics=${TOPICS:-10000}
readings=${READINGS:-100000}
export LC_ALL=C.UTF-8 PATH="$build:$PATH"
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-bench.XXXXXX")
export T HOME="$T"
trap 'kill $api_pid 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP
cd "$T"

printf 'admin-password\n' >pw
chmod 600 pw
iotapi user add admin --db db --password-file pw
iotapi serve --db db --listen 127.0.0.1:0 --url-file url 2>log &
api_pid=$!
while [ ! -s url ]; do sleep 0.05; done
IOT_API_URL=$(cat url)
IOT_TOKEN=$(iotapi token create admin --db db)
export IOT_API_URL IOT_TOKEN

row() { # row WHAT OURS PEER FIGURE FLOOR AIM: a greater figure is better; with < before the floor, a less
	printf '%s\t%s\t%s\t%s\t%s\t%s\t' "$@"
	echo "$4 $5" | tr -d '<=' | awk -v less="$(echo "$5" | grep -c '<' || :)" \
		'{ print ((less ? $1 <= $2 : $1 >= $2) ? "yes" : "NO") }'
}
# Seconds and KiB at most of a command, by wait4.
measure() {
	/usr/bin/python3 -c 'import os, sys, time
start = time.time()
pid = os.fork()
if pid == 0:
    os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
if status: sys.exit("failed: " + " ".join(sys.argv[2:]))
print("%.3f %d" % (time.time() - start, usage.ru_maxrss))' "$@"
}

# A list, the whole process, taking turns: the median.
for n in 1 2 3 4 5; do iotctl broker create "B$n" host=h >/dev/null; done
perl -MTime::HiRes=time -e '
	my $rounds = shift;
	my %run = (ours => ["iotctl", "broker", "list", "-o", "json"],
		theirs => ["curl", "-sf", "-H", "Authorization: Bearer $ENV{IOT_TOKEN}",
			"$ENV{IOT_API_URL}/api/mqtt/brokers/"]);
	my %times;
	for (1 .. $rounds) {
		for my $who ("ours", "theirs") {
			my $from = time;
			my $pid = fork;
			if ($pid == 0) { open(STDOUT, ">", "/dev/null"); exec @{$run{$who}} }
			waitpid $pid, 0;
			die "$who failed" if $?;
			push @{$times{$who}}, 1000 * (time - $from);
		}
	}
	sub median { my @s = sort { $a <=> $b } @_; $s[@s / 2] }
	my ($o, $t) = (median(@{$times{ours}}), median(@{$times{theirs}}));
	printf "%.2f %.2f %.2f\n", $o, $t, $o / $t;
' "$rounds" >list
read -r ours theirs ratio <list
row 'broker list, ms, against curl' "$ours" "$theirs" "$ratio" '<=1.5' '<=1.1'

# Topics: a tenth of them by the loop is enough to know its pace.
i=0
while [ $i -lt "$topics" ]; do
	i=$((i + 1))
	printf 'kind: topic\nnombre: T%d\ntopic_pattern: iot/bench/%d\nqos: 1\n---\n' $i $i
done >topics.yaml
few=$((topics / 10))
start=$(date +%s.%N)
i=0
while [ $i -lt $few ]; do
	i=$((i + 1))
	curl -sf -o /dev/null -H "Authorization: Bearer $IOT_TOKEN" -H 'Content-Type: application/json' \
		-d "{\"nombre\":\"C$i\",\"topic_pattern\":\"iot/curl/$i\",\"qos\":1}" \
		"$IOT_API_URL/api/mqtt/topics/"
done
loop=$(echo "$start $(date +%s.%N) $few $topics" | awk '{ print ($2 - $1) * $4 / $3 }')
measure out iotctl apply -j 8 -f topics.yaml >figures
read -r seconds kib <figures
[ "$(grep -c '^created' out)" -eq "$topics" ]
row "apply -j 8, $topics topics, s, against curl" "$seconds" "$loop" \
	"$(echo "$loop $seconds" | awk '{ printf "%.1f", $1 / $2 }')" 20 30
row '  its memory, MiB' $((kib / 1024)) - $((kib / 1024)) '<=64' -
measure out iotctl apply -j 8 -f topics.yaml >figures
[ "$(grep -c '^unchanged' out)" -eq "$topics" ]
read -r seconds kib <figures
row '  again: nothing to do, MiB' $((kib / 1024)) - $((kib / 1024)) '<=64' -

# Readings.
iotctl sensor create nombre=S tipo=gas unit=ppm min=0 max=100000 suffix=s >/dev/null
iotctl device create D nombre=D tipo=esp32 ubicacion=x >/dev/null
iotctl device assign D S >/dev/null
awk 'BEGIN { printf "{\"lecturas\":["; for (i = 0; i < 1000; i++)
	printf "%s{\"dispositivo\":1,\"sensor\":1,\"valor\":%d}", i ? "," : "", i; print "]}" }' >bulk
i=0
while [ $i -lt $((readings / 1000)) ]; do
	i=$((i + 1))
	iotctl api POST readings/bulk - <bulk >/dev/null
done
measure out iotctl reading list -o ndjson >figures
[ "$(wc -l <out)" -eq "$readings" ]
read -r seconds kib <figures
row "list of $readings readings, s, MiB" "$seconds" - $((kib / 1024)) '<=24' -
strace -f -e trace=write,sendto -e signal=none -o calls iotctl reading list -o ndjson >/dev/null
awk '/GET .api.readings/ { asked++ } /write\(1,/ && !first { first = asked }
	END { print first }' calls >first
row '  pages asked for before its first line' "$(cat first)" - "$(cat first)" '<=1' -
