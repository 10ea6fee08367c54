#!/bin/sh
# What iotpub and iotsub do with what a broker says on the wire: limits in CONNACK, sessions that are there
# already, connections that end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
broker() { # broker NAME [KEY=VALUE...]
	bg perl "$top/tests/broker.pl" "$@"
	wait_for 5 test -S "$1.sock"
}
heard() { [ "$(grep -c "$2" "$1.log")" -ge "${3:-1}" ]; } # heard BROKER PATTERN [TIMES]

# Server Keep Alive 4: who keeps silent for 6 s is dropped.
broker alive props=03130004
broker patient
for b in alive patient; do
	bg timeout 20 iotsub -h "$T/$b.sock" K_1 --reply 1 -W 15 2>/dev/null
	bg timeout 20 iotpub -h "$T/$b.sock" K_2 --interval 1h --duration 15s --drain 1s 2>/dev/null
done
ok "a keep-alive that the broker sets is kept by iotsub" wait_for 5 heard alive '^[0-9]* PINGREQ' 2
ok "... and by iotpub" wait_for 5 heard alive '^[0-9]* PINGREQ' 4
is 0 "$(grep -c PINGREQ patient.log)" "a control: without it nobody pings so often"

# A session that the broker has, of whoever had the id before, is no subscription to what we want.
broker present present=1
run timeout 20 iotsub -h "$T/present.sock" S_1 --durable --reply 1 -W 1
is 1 "$(grep -c "^1 SUBSCRIBE 82.*$(printf %s iot/devices/S_1/commands | od -An -tx1 | tr -d ' \n')11\$" present.log)" \
	"a session that is there is subscribed, retained commands only if that is new"
broker gone close=1
timeout 20 iotsub -h "$T/gone.sock" S_1 --reply 1 -W 15 2>/dev/null &
pids="$pids $!"
ok "one that is gone is subscribed again" wait_for 10 heard gone '^3 CONNECT'
is '1 1' "$(grep -c '^1 SUBSCRIBE' gone.log) $(grep -c '^2 SUBSCRIBE' gone.log)" "... once for each connection"
broker flap
run timeout 20 iotpub -h "$T/flap.sock" S_2 --listen --interval 200ms -C 5 --seed 1 --fault flap=0.5 --takeover --quiet
last=$(sed -n 's/ CONNECT.*//p' flap.log | tail -n 1)
is "more $last" "$([ "$last" -gt 1 ] && echo more) $(grep -c ' SUBSCRIBE ' flap.log)" \
	"iotpub --listen hears commands after --fault flap, too"

done_testing
