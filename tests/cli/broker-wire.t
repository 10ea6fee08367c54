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

done_testing
