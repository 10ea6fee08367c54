#!/bin/sh
# iotpub's figures: against a sink that only counts, a plain sender of one send() a message, and a real
# mosquitto. Rows as lib.sh's; the sink, the sender and iotpub take turns on the same machine.
set -eu
build=${IOT_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
export LC_ALL=C.UTF-8 HOME=/nonexistent PATH="$PATH:/usr/sbin"
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-bench.XXXXXX")
pids=
# shellcheck disable=SC2086
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP
sink=$build/tests/bench/pub/sink
plain=$build/tests/bench/pub/plain
if [ ! -x "$sink" ] || [ ! -x "$plain" ]; then
	echo "make bench builds $sink and $plain" >&2
	exit 2
fi
# shellcheck disable=SC3045 # every shell that Debian has as sh knows it
ulimit -n "$(ulimit -Hn)"

row() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@"; }
# reached FIGURE FLOOR: whether the figure is at most the floor.
at_most() { awk "BEGIN { exit !($1 <= $2) }" && echo yes || echo NO; }
at_least() { awk "BEGIN { exit !($1 >= $2) }" && echo yes || echo NO; }
# spent COMMAND...: CPU seconds, to the millisecond, which times(2) does not tell.
spent() {
	bash -c 'TIMEFORMAT="%3U %3S"; { time "$@" 2>&3; } 3>&2 2>&1' bash "$@" >"$T/spent"
	awk '{ print $1 + $2 }' "$T/spent"
}
field() { sed -n "s/.*\"$1\":\\([0-9.]*\\).*/\\1/p"; }
sinks=0
start_sink() {
	sinks=$((sinks + 1))
	sock=$T/sink.sock
	"$sink" "$sock" ${1:+"$1"} >"$T/report.$sinks" 3>&- &
	sink_pid=$!
	pids="$pids $sink_pid"
	while ! [ -S "$sock" ]; do sleep 0.05; done
}
# The sink's last report, in $report.
stop_sink() {
	kill "$1" "$sink_pid"
	wait "$sink_pid" 2>/dev/null || :
	rm -f "$sock"
	report=$(tail -n 1 "$T/report.$sinks")
}
# fleet N OPTION...: with how=exec its process becomes iotpub, for one in the background.
how=
fleet() {
	n=$1
	shift
	$how "$build/iotpub" -h "$sock" --devices "$n" --id-format 'DEV_%d' --no-status --takeover --quiet "$@"
}
start_mosquitto() { # LINE...
	for line in 'allow_anonymous true' 'max_queued_messages 0' 'set_tcp_nodelay true' "$@"; do
		echo "$line"
	done >"$T/mosquitto.conf"
	mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
	mosquitto_pid=$!
	pids="$pids $mosquitto_pid"
	sleep 1
}
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')

connects() { # N
	start_sink
	how=
	fleet "$1" -C 1 --interval 1s
	stop_sink -TERM
	rate=$(echo "$report" | awk -F'[:,]' '{ printf "%.0f", $2 / ($4 > 0 ? $4 : 0.001) }')
	row "connects/s, $1 devices" "$rate" - "$rate" '>= 5000' '>= 8000' "$(at_least "$rate" 5000)"
}

# What a message costs beyond starting: 60 of each device less 10 of each. The median of three turns each.
cost() { # QOS FLOOR AIM
	start_sink
	rm -f "$T/ours.$1" "$T/theirs.$1"
	for _ in 1 2 3; do
		few=$(spent "$build/iotpub" -h "$sock" --devices 1000 --no-status --takeover --quiet --interval 100ms -C 10 -q "$1")
		many=$(spent "$build/iotpub" -h "$sock" --devices 1000 --no-status --takeover --quiet --interval 100ms -C 60 -q "$1")
		awk "BEGIN { printf \"%.2f\\n\", ($many - $few) / 50000 * 1e6 }" >>"$T/ours.$1"
		"$plain" "$sock" 1000 50 "$1" 10000 | sed 's/.*, \([0-9.]*\) us.*/\1/' >>"$T/theirs.$1"
	done
	stop_sink -TERM
	ours=$(sort -n "$T/ours.$1" | sed -n 2p)
	theirs=$(sort -n "$T/theirs.$1" | sed -n 2p)
	ratio=$(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")
	row "us CPU/message, 1,000 devices, QoS $1" "$ours" "$theirs" "$ratio x" "<= $2 x" "$3 x" "$(at_most "$ratio" "$2")"
}

# 10,000 devices at a message a second for 20 s, to their end: what they published, what iotsub received.
ten_thousand() {
	start_mosquitto "listener $port 127.0.0.1"
	"$build/iotsub" -h 127.0.0.1 -p "$port" -t 'iot/sensors/#' >"$T/arrived" &
	counting=$!
	pids="$pids $counting"
	sock=127.0.0.1
	how="exec"
	fleet 10000 -p "$port" -q 0 --interval 1s --duration 20s --stats 19s 2>"$T/stats" &
	publishing=$!
	pids="$pids $publishing"
	sleep 8
	before=$(awk '{ print $14 + $15 }' "/proc/$publishing/stat")
	sleep 10
	after=$(awk '{ print $14 + $15 }' "/proc/$publishing/stat")
	memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$publishing/status")
	fds=$(find "/proc/$publishing/fd" -mindepth 1 | wc -l)
	wait "$publishing"
	sleep 2
	kill "$counting" "$mosquitto_pid"
	wait "$counting" || :
	sent=$(field acknowledged <"$T/stats" | tail -n 1)
	came=$(wc -l <"$T/arrived")
	cpu=$(((after - before) / 10))
	connected=$(field connected <"$T/stats" | head -n 1)
	row '10,000 devices connected' "$connected" - - 10000 - "$(at_least "$connected" 10000)"
	row '10,000 devices: arrived, of all that were sent' "$came" "$sent" - all - "$([ "$came" -eq "$sent" ] && echo yes || echo NO)"
	row '10,000 devices: % of a core' "$cpu" - - '<= 20' 10 "$(at_most "$cpu" 20)"
	each=$(awk "BEGIN { printf \"%.2f\", ($memory - 4096) / 10000 }")
	row '10,000 devices: KiB RSS each, less 4 MiB' "$each" - - '<= 2.8' 2 "$(at_most "$each" 2.8)"
	row '10,000 devices: descriptors' "$fds" - - '<= 10016' - "$(at_most "$fds" 10016)"
}

# The sink goes away and comes back; how the fleet returns.
storm() {
	start_sink
	how="exec"
	fleet 10000 --interval 600s --ramp 2000 --duration 150s &
	publishing=$!
	pids="$pids $publishing"
	sleep 8
	stop_sink -KILL
	start_sink "$T/storm.log"
	wait "$publishing" || :
	stop_sink -TERM
	sed -n 's/^connect //p' "$T/storm.log" | sort -n | awk -v cap=2000 '
		{ at[NR] = $1; slice[int(($1 - at[1]) / 1000)]++ }
		END {
			for (s in slice) if (slice[s] > peak) peak = slice[s]
			span = (at[int(NR * 0.95)] - at[1]) / 1000
			mean = 0.95 * NR / (span > 0 ? span : 1)
			printf "storm: devices back\t%d\t-\t-\t10000\t-\t%s\n", NR, (NR >= 10000 ? "yes" : "NO")
			printf "storm: peak connects/s\t%d\t%d\t-\t<= the cap\t-\t%s\n", peak, cap, (peak <= cap * 1.02 ? "yes" : "NO")
			printf "storm: peak/mean\t%.2f\t-\t-\t<= 2\t-\t%s\n", peak / mean, (peak / mean <= 2 ? "yes" : "NO")
			printf "storm: s until 95 %% are back\t%.1f\t-\t-\t<= 150 (1.5 windows)\t-\t%s\n", span, (span <= 150 ? "yes" : "NO")
		}'
}

# One run of 1,000 lines a second, while the sink is killed and started again 20 times; each is up for
# longer than the 10 s after which back-off begins anew. About five minutes.
restarts() {
	mkfifo "$T/lines"
	rm -f "$T/lines.log"
	start_sink "$T/lines.log"
	"$build/iotpub" -h "$sock" -t t -l -q 1 <"$T/lines" 2>"$T/err" &
	publishing=$!
	pids="$pids $publishing"
	perl -e '$| = 1; for (1 .. 260000) { print "$_\n"; select undef, undef, undef, 0.1 if $_ % 100 == 0 }' \
		>"$T/lines" &
	pids="$pids $!"
	for _ in $(seq 20); do
		sleep 11
		stop_sink -KILL
		sleep 0.2
		start_sink "$T/lines.log"
	done
	wait "$publishing" && ended=0 || ended=$?
	stop_sink -TERM
	lost=$((260000 - $(grep -v connect "$T/lines.log" | sort -u | wc -l)))
	again=$(($(grep -c connect "$T/lines.log") - 1))
	row '20 restarts under QoS 1, one run: connected again' "$again" - - 20 - "$(at_least "$again" 20)"
	row '20 restarts under QoS 1, one run: messages lost' "$lost" - "status $ended" 0 - "$(at_most "$lost" 0)"
}

tls() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost' \
		-keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
	chmod 644 "$T/key.pem"
	start_mosquitto "listener $port 127.0.0.1" "certfile $T/cert.pem" "keyfile $T/key.pem" "user $(id -un)"
	sock=localhost
	how="exec"
	fleet 1000 -p "$port" --cafile "$T/cert.pem" --interval 5s --duration 14s &
	publishing=$!
	pids="$pids $publishing"
	sleep 12
	memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$publishing/status")
	wait "$publishing" && ended=yes || ended=NO
	kill "$mosquitto_pid"
	each=$(awk "BEGIN { printf \"%.1f\", ($memory - 6144) / 1000 }")
	row 'TLS: 1,000 devices connected and published' - - - - - "$ended"
	row 'TLS, 1,000 devices: KiB RSS each, less 6 MiB' "$each" - - '<= 40' - "$(at_most "$each" 40)"
}

[ $# -gt 0 ] || set -- connects_1000 connects_10000 cost_0 cost_1 ten_thousand restarts tls storm
for what in "$@"; do
	case $what in
	connects_*) connects "${what#connects_}" ;;
	cost_0) cost 0 1.5 1.2 ;;
	cost_1) cost 1 2.5 2 ;;
	*) "$what" ;;
	esac
done
