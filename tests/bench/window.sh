#!/bin/sh
# A broker that allows 20 unacknowledged messages, QoS 1, against mosquitto_sub -F %j. window.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
compare rate 'ours -q 1 -n 300000 --window 20 --count -- -q 1' 'theirs -q 1 -n 60000 --window 20 --count -- -q 1'
row 'messages/s, window of 20, QoS 1' "$our" "$their" "$more" 4 5
