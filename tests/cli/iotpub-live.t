#!/bin/sh
# iotpub's live line on real terminals (tmux): what it shows, that it stands in one place, and that it is gone
# at the end; no line elsewhere.
# needs: tmux
# shellcheck disable=SC2154,SC2317 # lib.sh's; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
start_broker

tm() { tmux -S "$T/tmux.sock" -f /dev/null "$@"; }
tm new-session -d -s keep 'exec sleep 600'
# shellcheck disable=SC2064
trap "tmux -S '$T/tmux.sock' kill-server 2>/dev/null; cleanup" EXIT
# terminal COLUMNS COMMAND: the command on a terminal so wide; the terminal stays.
terminal() {
	rm -f status
	tm kill-session -t w 2>/dev/null
	tm new-session -d -s w -x "$1" -y 24 "sh -c 'trap : INT; $2; echo \$? >status.new; mv status.new status'; exec sleep 60"
	tm set-option -t w status off
	tm resize-window -t w -x "$1" -y 24
}
screen() { tm capture-pane -p -t w; }
shows() { screen | grep -qE -- "$1"; }
sees() { # sees 'sentence' PATTERN: the screen comes to show it
	wait_for 30 shows "$2"
	s=$?
	tap $s "$1"
	[ $s -eq 0 ] || note "wanted: $2
$(screen)"
}
lines() { screen | grep -c .; }
ended() { # ended STATUS 'sentence'
	wait_for 30 test -s status
	tap $? "$2"
	is "$1" "$(cat status)" 'its status'
}

fleet="iotpub -h $sock --devices 200 --interval 100ms --yes"
terminal 120 "$fleet"
sees '120 columns: who is connected, and how much they say' \
	'^200 connected, 0 connecting, [0-9]{3,} messages/s, [0-9]+ acknowledged, [0-9]+ in flight, 0 errors$'
first=$(screen | grep -o '[0-9]* acknowledged')
grown() { shows ' acknowledged' && [ "$(screen | grep -o '[0-9]* acknowledged')" != "$first" ]; }
ok 'it goes on' wait_for 10 grown
is 1 "$(screen | grep -c acknowledged)" 'in the same place'
tm send-keys -t w C-c
ended 130 'an interrupt ends it'
without "$(screen)" ' connecting' 'and the line is gone'
sees 'a summary stands there instead' \
	'^(\^C)?iotpub: 200 of 200 devices connected, [0-9]+ messages acknowledged in [0-9.]+ s, 0 errors'

terminal 50 "$fleet --duration 4s"
sees '50 columns: as much of it as there is room for' '^200 connected, 0 connecting, [0-9]{3,} messages/s'
first=$(screen | grep connecting)
changed() { shows ' connecting' && [ "$(screen | grep connecting)" != "$first" ]; }
wait_for 10 changed
is 1 "$(screen | grep -c connecting)" 'in one place, too'
ended 0 'and it ends by itself'
without "$(screen)" ' connecting' 'with nothing left of it'

run iotpub -h "$sock" --devices 2 --interval 100ms --duration 1s
has "$err" 'iotpub: ' 'no terminal'
without "$err" "$(printf '\033')" 'is not driven'
without "$err" connecting 'no live line'

# A line of another kind stands by itself.
terminal 120 "$fleet --duration 30s"
sees 'a line' '^200 connected'
kill "$broker_pid"
sees 'what happens has a line of its own' "^iotpub: DEV_[0-9]+: lost broker '"
sees 'and the count goes on below' '^0 connected, [0-9]+ connecting, .* [1-9][0-9]* errors$'
is 1 "$(screen | grep -c ' connected, ')" 'once'
tm send-keys -t w C-c

done_testing
