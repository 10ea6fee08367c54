#!/bin/sh
# iotsub against a real mosquitto: what it shows, what it guarantees, how it refuses.
# slow: each form of output, next to that of mosquitto_sub
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_broker
sub() { # sub FILE OPTION...: in the background, subscribed when this returns
	f=$1
	shift
	rm -f "$f" # what an earlier one printed is no sign of life
	iotsub -h "$sock" -t "ready/$f" "$@" >"$f" 2>"$f.err" &
	bg=$!
	pids="$pids $bg"
	wait_for 10 knock "$f"
}
knock() { # a QoS 0 message until it has come
	mosquitto_pub --unix "$sock" -t "ready/$1" -m knock
	[ -s "$1" ]
}
lines() { grep -v knock "$1"; }

# Interoperation: both versions, all levels, on both sides.
for v in 311 5; do
	for q in 0 1 2; do
		sub got -V "$v" -q "$q" -t "interop/+" -F '%t %p %q'
		for p in mqttv311 mqttv5; do
			mosquitto_pub --unix "$sock" -V $p -q 2 -t interop/x -m "hello $p"
		done
		wait_for 10 grep -q mqttv5 got
		kill $bg
		wait $bg
		is 0 $? "SIGTERM ends with 0 (version $v, QoS $q)"
		is "interop/x hello mqttv311 $q
interop/x hello mqttv5 $q" "$(lines got)" "messages arrive at the QoS asked for ($v, $q)"
	done
done

# The same bytes as mosquitto_sub.
printf 'line\nwith\000nul' >payload
round=0
for o in '' -v -N '-v -N' "-F %t:%x:%l" "-F '%t %p %q %r %l %x' -q 1"; do
	eval "mosquitto_sub --unix '$sock' -t 'bytes/#' -C 3 $o >theirs &"
	their=$!
	eval "iotsub -h '$sock' -t 'bytes/#' -C 3 $o >ours &"
	our=$!
	round=$((round + 2))
	wait_for 10 listening 'bytes/#' $round
	mosquitto_pub --unix "$sock" -t bytes/1 -f payload
	mosquitto_pub --unix "$sock" -t bytes/2 -q 1 -n
	mosquitto_pub --unix "$sock" -t bytes/3 -m end
	wait $their
	wait $our
	ok "the bytes of mosquitto_sub $o" cmp theirs ours
done

# Message lines.
mosquitto_pub --unix "$sock" -r -q 1 -t iot/sensors/RPI_001/data -m '{"sensors":{"t":21.50}}'
run iotsub -h "$sock" --json -t 'iot/sensors/+/data' -C 1 -q 1
exits 0 "--json ends after -C"
is 'iot/sensors/RPI_001/data RPI_001 1 true' \
	"$(echo "$out" | jq -r '"\(.topic) \(.device_id) \(.qos) \(.retain)"')" "a message line"
has "$out" '"payload":{"sensors":{"t":21.50}}' "with the payload's own digits"
run iotsub -h "$sock" --format json -t 'iot/sensors/+/data' -C 1
has "$out" '"topic":"iot/sensors/RPI_001/data"' "--format json is the same"

# Filters.
run iotsub -h "$sock" -R -t 'iot/#' -W 2
exits 27 "-W ran out"
is '' "$out" "-R: nothing retained"
is 'iotsub: no message within 2 s (-W)' "$err" "-W says so"
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Local => "mute.sock", Listen => 5) or die; sleep 60' &
pids="$pids $!"
wait_for 10 test -S mute.sock
for program in "iotsub -t x" "iotingest -t x" "iotsub X --reply 1"; do
	# shellcheck disable=SC2086 # words
	run $program -h "$T/mute.sock" -W 1
	is "27 ${program%% *}: not connected to broker '$T/mute.sock' after 1 s (-W)" "$status $err" \
		"and when it was not even connected: $program"
done
mosquitto_pub --unix "$sock" -r -t here/1 -m 1
for program in iotsub iotingest; do
	run $program -h "$sock" -t 'here/#' -W 2
	is 27 "$status" "$program: -W after a message"
	has "$err" "$program: time is up after 2 s (-W), with 1 message" "says how many there were"
done
for program in "iotingest -t x" "iotsub X --reply 1"; do
	# shellcheck disable=SC2086
	run $program -h "$sock" -W 2
	has "$err" "${program%% *}: no message within 2 s (-W)" "-W: $program"
done
sub got -t 'f/#' -T 'f/no/#'
for t in f/yes f/no/1 f/no f/last; do mosquitto_pub --unix "$sock" -t $t -m $t; done
wait_for 10 grep -q last got
is "f/yes
f/last" "$(lines got)" "-T filters out"
kill $bg

# Commands of devices.
rm -f got
iotsub -h "$sock" RPI_001 ESP32_001 -C 2 >got 2>err &
our=$!
wait_for 10 listening iot/devices/RPI_001/commands
wait_for 10 listening iot/devices/ESP32_001/commands
mosquitto_pub --unix "$sock" -q 2 -t iot/devices/RPI_001/commands -m '{"led":"on"}'
mosquitto_pub --unix "$sock" -q 2 -t iot/devices/OTHER/commands -m no
mosquitto_pub --unix "$sock" -q 2 -t iot/devices/ESP32_001/commands -m '{"led":"off"}'
wait $our
is 0 $? "two devices, two commands"
is '{"led":"on"}
{"led":"off"}' "$(cat got)" "commands of the devices named, and of no other"
printf 'RPI_001\n\n' >list
iotsub -h "$sock" -C 1 -v - <list >got &
our=$!
wait_for 10 listening iot/devices/RPI_001/commands 2
mosquitto_pub --unix "$sock" -t iot/devices/RPI_001/commands -m x
wait $our
is 'iot/devices/RPI_001/commands x' "$(cat got)" "devices from standard input"

# A kept session, and only what was shown is acknowledged.
keep keeper iotsub -h "$sock" -i keeper -c -q 1 -t kept
seq 1 5 | mosquitto_pub --unix "$sock" -q 1 -t kept -l
run iotsub -h "$sock" -i keeper -c -q 1 -t kept -C 2
is '1
2' "$out" "the broker kept messages; -C 2 takes two"
run iotsub -h "$sock" -i keeper -c -q 1 -t kept -C 3
is '3
4
5' "$out" "the rest stayed with the broker"
mosquitto_pub --unix "$sock" -q 1 -t kept -m six
iotsub -h "$sock" -i keeper -c -q 1 -t kept -C 1 >/dev/full 2>err
is 7 $? "/dev/full: status 7"
is "iotsub: cannot write to standard output: No space left on device" "$(cat err)" \
	"/dev/full: one line"
run iotsub -h "$sock" -i keeper -c -q 1 -t kept -C 1
is six "$out" "what could not be written was not acknowledged"

# -U gives a filter of a kept session up.
keep giver iotsub -h "$sock" -i giver -c -q 1 -t give/1 -t give/2
iotsub -h "$sock" -i giver -c -q 1 -t give/2 -U give/1 -W 2 2>/dev/null
mosquitto_pub --unix "$sock" -q 1 -t give/1 -m 1
mosquitto_pub --unix "$sock" -q 1 -t give/2 -m 2
run iotsub -h "$sock" -i giver -c -q 1 -t give/2 -C 1
is 2 "$out" "-U: the broker keeps no messages of it"
run iotsub -h "$sock" RPI_001 -U x
exits 2 "-U without -t is refused"

# A reader that leaves.
mosquitto_pub --unix "$sock" -r -t pipe/1 -m 1
mosquitto_pub --unix "$sock" -r -t pipe/2 -m 2
{ iotsub -h "$sock" -t 'pipe/#' 2>err; echo $? >status; } | head -n 1 >/dev/null &
our=$!
wait_for 10 sh -c "mosquitto_pub --unix '$sock' -t pipe/3 -m 3; test -s status"
wait $our
is "0 " "$(cat status) $(cat err)" "a closed pipe ends it with 0 and no word"

# Signals.
sub got -t none
kill -INT $bg
wait $bg
is 130 $? "SIGINT ends it by that signal"

# A reader that does not read: signals still end it.
head -c 300000 /dev/zero | tr '\0' x >big
mosquitto_pub --unix "$sock" -r -t big -f big
mkfifo slow
sh -c 'sleep 20' <slow &
pids="$pids $!"
for s in TERM:0 INT:130; do
	iotsub -h "$sock" -t big >slow 2>err &
	our=$!
	wait_for 10 takes_signals $our iotsub
	wait_for 10 pipe_is_full slow
	kill -"${s%:*}" $our
	wait $our
	is "${s#*:} " "$? $(cat err)" "SIG${s%:*} while the reader does not read"
done

# The broker goes and comes back.
sub got -t again -q 1
kill $broker_pid
wait $broker_pid 2>/dev/null
wait_for 10 grep -q 'lost broker' got.err
has "$(cat got.err)" "lost broker '$sock': it closed the connection; trying again" \
	"a lost connection is told"
rm -f "$sock"
start_broker
wait_for 10 sh -c "mosquitto_pub --unix '$sock' -t again -m back; grep -q back got"
has "$(cat got)" back "and made again, with its subscription"
is 1 "$(grep -c 'it closed the connection; trying again' got.err)" "told once"
kill $bg

# Refusals on this side.
refused() { # refused STATUS PART OPTION...
	s=$1
	part=$2
	shift 2
	run iotsub -h "$sock" "$@"
	exits "$s" "refused: $part"
	has "$err" "$part" "... and says why"
	is '' "$out" "... nothing on stdout"
}
refused 2 "--qos: '3'" -q 3 -t a
refused 2 "'#' must be the last level" -t 'a/#/b'
refused 2 "filter" -t ''
refused 2 "client id is empty" -i '' -t a
refused 2 "device id is empty" ''
refused 2 "device id 'a/b'" a/b
refused 2 "device id 'a+b'" a+b
refused 2 "device id 'a#'" 'a#'
refused 2 "device id 'a" 'a
b'
refused 2 "give a DEVICE or -t FILTER"
refused 2 "give either devices or -t FILTER" -t a RPI_001
refused 2 "-c needs a client id" -c -t a
refused 2 "--port" -p 0 -t a
refused 2 "two brokers are given" -L mqtt://other -t a
refused 2 "after '%' comes one of" -F '%Q' -t a
run iotsub -L http://localhost -t a
exits 2 "no URL of a broker"
has "$err" "mqtt[s]://HOST[:PORT] or ws[s]://" "... and says what would be one"

# Nobody there.
port=$(free_port)
run iotsub -L "mqtt://127.0.0.1:$port" -t a
exits 5 "no broker"
is "iotsub: cannot reach broker '127.0.0.1:$port': connection refused" "$err" "one line"
run iotsub -h no-such-host.invalid -t a
exits 5 "no such host"
has "$err" "cannot look up 'no-such-host.invalid'" "... and says so"
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1",
	LocalPort => $ARGV[0], ReuseAddr => 1); sleep 20' "$port" &
pids="$pids $!"
wait_for 10 port_open "$port"
run iotsub -L "mqtt://127.0.0.1:$port" --connect-timeout 0.5 -t a
exits 5 "a listener that says nothing"
has "$err" "did not answer within 0.5 s" "... does not hang us"

done_testing
