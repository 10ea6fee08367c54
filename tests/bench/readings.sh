#!/bin/sh
# Reading lines, two a message, against message lines of mosquitto_sub -F %j. readings.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
compare rate 'ours -q 0 -n 1000000 --count --lines 2 -- --readings -q 0' 'theirs -q 0 -n 60000 --count -- -q 0'
row 'messages/s, --readings, QoS 0' "$our" "$their" "$more" 12 25
