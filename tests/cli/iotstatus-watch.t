#!/bin/sh
# iotstatus --watch on real terminals (tmux): 80x24 and 200x50, 10,000 devices, keys, sizes, and a terminal
# that is given back however it ends; plain lines elsewhere.
# needs: tmux and strace
# shellcheck disable=SC2317 # called by wait_for
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
export LC_ALL=C.UTF-8
start_api
use_token
start_broker 'allow_anonymous true' 'max_queued_messages 0'
export IOT_MQTT_HOST="$sock"
seconds=$(date +%s)
fleet 10000 0
{
	statuses 1 8000 connected "$seconds"
	statuses 8001 9500 disconnected $((seconds - 7200))
	statuses 8100 8100 disconnected $((seconds - 200000))
	statuses 9501 9520 error ''
} | to_broker "$sock"

tm() { tmux -S "$T/tmux.sock" -f /dev/null "$@"; }
# A server without a session would end, and be in the way of the next.
tm new-session -d -s keep 'exec sleep 600'
# shellcheck disable=SC2064
trap "tmux -S '$T/tmux.sock' kill-server 2>/dev/null; cleanup" EXIT
# terminal COLUMNS ROWS COMMAND: the command on a terminal of that size; its status and settings afterwards in
# the file after.
terminal() {
	rm -f after
	tm kill-session -t w 2>/dev/null
	tm new-session -d -s w -x "$1" -y "$2" "sh -c 'trap : INT; $3; echo \$? >status; stty -a >after.new; mv after.new after'; exec sleep 60"
	tm set-option -t w status off
	tm resize-window -t w -x "$1" -y "$2"
}
screen() { tm capture-pane -p -t w; }
shows() { screen | grep -qE -- "$1"; }
keys() { tm send-keys -t w "$@"; }
sees() { # sees 'sentence' PATTERN: the screen comes to show it
	wait_for 30 shows "$2"
	s=$?
	tap $s "$1"
	[ $s -eq 0 ] || note "wanted: $2
$(screen)"
}
size() { # size COLUMNS ROWS 'sentence': nothing is wider or longer
	is "$1 $2" "$(tm display -p -t w '#{pane_width} #{pane_height}')" "$3: the terminal has that size"
	widest=$(screen | perl -CS -ne 'chomp; $w = length if length > $w; END { print $w }')
	is $(($1 - 1)) "$widest" 'the picture is as wide, but for a blank at its end'
	is "$2" "$(screen | wc -l)" 'and as high'
}
given_back() { # given_back STATUS 'sentence'
	wait_for 30 test -s after
	s=$?
	tap $s "$2"
	[ $s -eq 0 ] || note "$(screen)"
	is "$1" "$(cat status 2>/dev/null)" 'its status'
	is 2 "$(grep -oE '(^| )(icanon|echo)( |$)' after | wc -l)" 'lines and echo are back'
	is '0 1' "$(tm display -p -t w '#{alternate_on} #{cursor_flag}')" 'so are the screen and the cursor'
}

terminal 80 24 'iotstatus --watch'
sees '80x24: the percentage of 10,000 devices' 'fleet .*█+░+.* 80\.00%'
sees 'the counts' 'devices +10000 +online 8000 +offline 1500 +error 20 +never 480 +stale 0'
sees 'the last hour' 'last hour .*[▁▂▃▄▅▆▇█].* 80\.00-80\.00%'
sees 'messages a second' 'messages/s +status [0-9.]+ +data [0-9.]+ +commands [0-9.]+ +responses [0-9.]+ +alerts [0-9.]+'
sees 'offline longest' 'OFFLINE LONGEST 1-15 of 2000'
is DEV_008100 "$(screen | sed -n '9s/.* \(DEV_[0-9]*\) .*/\1/p')" 'begins with the one that is'
has "$(screen | sed -n 9p)" '2d 7h' 'and since when'
size 80 24 '80x24'
screen >picture-80x24

mosquitto_pub --unix "$sock" -t iot/devices/DEV_000007/status -r -m '{"status":"disconnected"}'
sees 'a device that changes' '[0-9][0-9]:[0-9][0-9]:[0-9][0-9] DEV_000007 online > offline'
sees 'changes the percentage' ' 79\.99%'
perl -e '$| = 1; for (1 .. 160) { print "{\"t\":21.5}\n"; select undef, undef, undef, 0.05 }' |
	mosquitto_pub --unix "$sock" -t iot/sensors/DEV_000009/data -l &
sees 'readings are counted' 'data (1[0-9]|2[0-9])\.[0-9]'

keys / 0095
sees '/ filters while it is typed' '/0095_'
sees 'by a part of the id' 'OFFLINE LONGEST 1-15 of 100'
keys Enter
sees 'Enter keeps it' "filter '0095': Esc clears"
keys Escape
sees 'Esc clears it' 'of 2001'
keys Down Down
sees 'an arrow scrolls' 'OFFLINE LONGEST 3-17 of 2001'
keys NPage
sees 'a page, too' 'LONGEST 18-32 of 2001'
keys End
sees 'the end' '1987-2001 of 2001'
keys Home Up
sees 'the beginning, and no further' 'LONGEST 1-15 of 2001'
keys s
sees 's sorts' 'BY LAST CHANGE 1-15 of 10000'
is DEV_000007 "$(screen | sed -n '9s/.* \(DEV_[0-9]*\) .*/\1/p')" 'by the last change'
keys s
sees 'by name' 'BY NAME'
keys s
sees 'by state' 'BY STATE'
is 'DEV_009501 error' "$(screen | sed -n '9s/.* \(DEV_[0-9]*\) *\([a-z]*\) .*/\1 \2/p')" 'trouble first'
keys s

tm resize-window -t w -x 200 -y 50
sees 'it grows with its terminal' 'LONGEST 1-41 of 2001'
size 200 50 '200x50'
screen >picture-200x50
tm resize-window -t w -x 44 -y 14
sees 'a narrow one has one list, with whole ids' '^ DEV_[0-9]{6} +[a-z]+ +'
tm resize-window -t w -x 30 -y 6
sees 'too small: the number remains' '^79\.99%'
tm resize-window -t w -x 80 -y 24
sees 'and it comes back' 'LONGEST 1-15 of 2001'

# What it writes: only what changed, at most four times a second, however much happens.
pid=$(tm list-panes -t w -F '#{pane_pid}')
pid=$(pgrep -P "$(pgrep -P "$pid" | head -n 1)" -x iotstatus || pgrep -P "$pid" -x iotstatus)
sleep 0.3 # more than a quarter of a second: the picture is drawn
tm pipe-pane -t w "cat >$T/bytes"
timeout -s INT 3 strace -f -qq -e trace=write -e write=none -p "$pid" 2>strace.log &
tracer=$!
perl -e 'for $k (1 .. 3000) { printf "{\"status\":\"%s\"}\n", $k % 2 ? "connected" : "disconnected" }' |
	mosquitto_pub --unix "$sock" -t iot/devices/DEV_000020/status -l
wait "$tracer" 2>/dev/null
tm pipe-pane -t w
writes=$(grep -c 'write([0-9]*, "\\33\[' strace.log)
[ "$writes" -ge 1 ] && [ "$writes" -le 13 ]
tap $? "at most four pictures a second under 3000 messages ($writes in three seconds)"
bytes=$(wc -c <bytes)
[ "$bytes" -lt 6000 ]
tap $? "only what changed ($bytes bytes in three seconds; a whole picture has 2000)"

keys q
given_back 0 'q ends it'
for how in INT:130 TERM:143 HUP:129 SEGV:139 ABRT:134; do
	terminal 80 24 'iotstatus --watch'
	wait_for 30 shows 'OFFLINE LONGEST'
	case $how in
	INT:*) keys C-c ;;
	*) kill -"${how%:*}" "$(pgrep -n -x iotstatus -s "$(ps -o sid= -p "$(tm list-panes -t w -F '#{pane_pid}')" | tr -d ' ')")" ;;
	esac
	given_back "${how#*:}" "SIG${how%:*} ends it"
done
# A terminal that takes nothing (Ctrl-S): the connection is kept, the newest picture comes when it goes on, and
# a signal ends it all the same.
terminal 80 24 'iotstatus --watch --keepalive 5'
wait_for 30 shows 'OFFLINE LONGEST'
keys C-s
sleep 1
before=$(screen)
perl -e 'for $k (1 .. 601) { printf "{\"status\":\"%s\"}\n", $k % 2 ? "disconnected" : "connected" }' |
	mosquitto_pub --unix "$sock" -t iot/devices/DEV_000030/status -l
sleep 13
is "$before" "$(screen)" 'Ctrl-S stops the picture'
is 0 "$(grep -c 'has exceeded timeout' "$T/mosquitto.log")" 'not the connection'
keys C-q
sees 'Ctrl-Q brings the newest' 'DEV_000030 online > offline'
keys C-s
sleep 2
kill "$(pgrep -n -x iotstatus -s "$(ps -o sid= -p "$(tm list-panes -t w -F '#{pane_pid}')" | tr -d ' ')")"
given_back 143 'SIGTERM ends it on a stopped terminal'

# The program's own sh has no job control; an interactive one has.
tm kill-session -t w
tm new-session -d -s w -x 80 -y 24 'sh -i'
tm set-option -t w status off
keys 'iotstatus --watch' Enter
sees 'from a shell' 'OFFLINE LONGEST'
keys C-z
sees 'Ctrl-Z gives the terminal back' 'Stopped|Suspended'
is '0 1' "$(tm display -p -t w '#{alternate_on} #{cursor_flag}')" 'whole'
keys fg Enter
sees 'fg takes it again' 'OFFLINE LONGEST'
keys q
gone() { ! shows LONGEST; }
wait_for 10 gone
tap $? 'and q still ends it'

# Without a broker the API is polled; what is wrong is said, and goes away.
unset IOT_MQTT_HOST
tm set-environment -g -u IOT_MQTT_HOST
fleet 10 8 "$now"
terminal 80 24 'iotstatus --watch 300ms -w 90: --max-age 1h'
sees 'without a broker: polled' 'iotstatus +WARNING'
sees 'with the state of the thresholds' '80\.00%'
fleet 10 5 "$now"
sees 'the next poll shows it' ' 50\.00%'
kill -STOP "$api_pid"
sleep 0.7 # until it polls, each 300 ms
from=$(date +%s)
keys q
given_back 0 'q ends it while the API does not answer'
[ $(($(date +%s) - from)) -lt 8 ]
tap $? 'without waiting for it'
kill -CONT "$api_pid"
terminal 80 24 'iotstatus --watch 300ms'
wait_for 30 shows ' 50\.00%'
kill -STOP "$api_pid"
sleep 0.7 # likewise
keys C-c
given_back 130 'so does Ctrl-C'
kill -CONT "$api_pid"
terminal 80 24 'iotstatus --watch 300ms -t 1s'
wait_for 30 shows ' 50\.00%'
kill -STOP "$api_pid"
sees 'a source that fails: UNKNOWN' 'iotstatus +UNKNOWN'
sees 'with the age of the numbers and the reason' '^ [0-9]+s old: .*too slow'
kill -CONT "$api_pid"
sees 'until it is back' 'iotstatus +OK'
keys q
wait_for 30 test -s after
terminal 80 24 'NO_COLOR=1 LC_ALL=C iotstatus --watch 1s'
sees 'without UTF-8 it draws ASCII' 'fleet +#+'
tm pipe-pane -t w "cat >$T/bytes"
keys / x
sees 'NO_COLOR' '/x_'
tm pipe-pane -t w
no_line bytes 'has no colour' "$(printf '\033')\[0;3[0-9]m"
keys Escape q
wait_for 30 test -s after

# An id cannot drive the terminal.
sqlite3 "$db" "PRAGMA busy_timeout = 5000; UPDATE device SET identificador_unico = 'A' || char(27) || '[31mB', connection_status = 'offline' WHERE identificador_unico = 'DEV_000001'" >/dev/null
terminal 80 24 'iotstatus --watch 1s'
sees 'an id with an escape sequence' 'A\?\[31mB'
keys q
wait_for 30 test -s after

# Not a terminal: plain lines.
timeout --preserve-status -s TERM 2 iotstatus --watch 300ms >lines 2>&1 </dev/null
is 143 "$?" 'plain lines until a signal'
[ "$(wc -l <lines)" -ge 3 ]
tap $? 'one each time'
no_line lines 'with the time in front' -vE '^20[0-9-]+T[0-9:]+Z [0-9]+/10 devices online \([0-9.]+%\)(, [0-9]+ [a-z ]+)*$'
TZ=XST6 timeout 20 iotstatus --watch 300ms 2>&1 </dev/null | head -n 1 >lines
has "$(head -n 1 lines)" "T$(TZ=XST6 date +%H:)" 'the time of its reader'
has "$(head -n 1 lines)" '-06:00 ' 'with its zone'

# The source fails: the numbers are old, and nobody knows.
for how in '-o text' '-w 1:' --json; do
	rm -f lines # of the one before
	# shellcheck disable=SC2086
	iotstatus --watch 300ms -t 4s $how >lines 2>&1 </dev/null &
	watching=$!
	pids="$pids $watching"
	wait_for 10 grep -q '/10\|:10' lines
	kill -STOP "$api_pid"
	old() { tail -n 1 lines | grep -qE "$1"; }
	case $how in
	--json) wanted='^\{"total_mqtt_devices":10,.*"state":"UNKNOWN","error":".*too slow.*","age":[0-9]+\}$' ;;
	-w*) wanted='Z IOT UNKNOWN - .*4/10 devices online.*, [0-9]+s old: .*too slow' ;;
	*) wanted='Z 4/10 devices online .*, UNKNOWN, [0-9]+s old: .*too slow' ;;
	esac
	wait_for 20 old "$wanted"
	s=$?
	tap $s "--watch $how says UNKNOWN, and how old its numbers are"
	[ $s -eq 0 ] || note "$(tail -n 1 lines)"
	kill -CONT "$api_pid"
	fresh() { ! old 'UNKNOWN'; }
	wait_for 20 fresh
	tap $? 'and stops to when the source is back'
	kill "$watching"
done
mkfifo unread
sh -c 'exec sleep 60' <unread &
pids="$pids $!"
# A pipe takes 65,536 bytes.
sh -c 'head -c 65536 /dev/zero; exec iotstatus --watch 200ms --json' >unread 2>watch.err &
watching=$!
pids="$pids $watching"
sleep 2
kill "$watching"
ends() { ! kill -0 "$watching"; }
wait_for 10 ends || kill -9 "$watching"
wait "$watching"
is 143 $? 'a reader who does not read: a signal ends it'
iotstatus --watch 200ms --json 2>watch.err | head -n 2 | jq -r .total_mqtt_devices >two
is '10
10' "$(cat two)" 'JSON; the reader who leaves ends it'
silent watch.err 'without a complaint'
port=$(free_port)
# mosquitto 2.0 starts no WebSocket listener that is alone.
printf 'listener 0 %s\nlistener %s 127.0.0.1\nprotocol websockets\nallow_anonymous true\nuser %s\n' \
	"$T/ws.sock" "$port" "$(id -un)" >ws.conf
bg mosquitto -c ws.conf >/dev/null 2>&1
wait_for 10 iotpub -L "ws://127.0.0.1:$port" -t iot/devices/WS_1/status -r -m '{"status":"connected"}'
timeout 20 iotstatus --source mqtt --mqtt-url "ws://127.0.0.1:$port" --watch 200ms 2>/dev/null |
	grep -q -m 1 'Z 1/1 device online (100.00%)$'
tap $? 'pushed over WebSocket, too'
# Without statuses there is nothing to show; without the readings there is no rate.
bg perl "$top/tests/broker.pl" denies suback=87 once=1
bg perl "$top/tests/broker.pl" allows
wait_for 10 test -S denies.sock -a -S allows.sock
one_line() { timeout 20 iotstatus --source mqtt --mqtt-host "$T/$1.sock" --watch 200ms 2>/dev/null | sed -n 's/^[^ ]* //p;1q'; }
is "UNKNOWN, Ns old: the broker refused the subscription 'iot/devices/+/status': not allowed" \
	"$(one_line denies | sed 's/^[^,]*, //;s/[0-9]*s old/Ns old/')" 'a refused subscription is told, with the age of the picture'
without "$(one_line allows)" refused 'negative control: a broker that allows it'
run iotstatus --watch x
exits 3 'a time that is none'
run iotstatus --watch 1s 2s
exits 3 'two operands'
run iotstatus --watch --list offline
exits 3 'no list'
IOT_API_URL=http://127.0.0.1:1
run timeout 20 iotstatus --watch
exits 2 'no API to begin with: CRITICAL'
done_testing
