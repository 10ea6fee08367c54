#!/bin/sh
# Over TLS, in records of 16 KiB and one a packet, against mosquitto_sub -F %j. tls.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
certificate
tls="--cert $T/cert --key $T/key"
compare rate "ours -q 0 -n 600000 --count --tls full $tls -- -q 0 --cafile $T/cert" \
	"theirs -q 0 -n 60000 --count --tls full $tls -- -q 0 --cafile $T/cert"
row 'messages/s, TLS in 16 KiB records' "$our" "$their" "$more" 8 15
compare rate "ours -q 0 -n 300000 --count --tls packet $tls -- -q 0 --cafile $T/cert" \
	"theirs -q 0 -n 60000 --count --tls packet $tls -- -q 0 --cafile $T/cert"
row 'messages/s, TLS, a record a packet' "$our" "$their" "$more" - -
