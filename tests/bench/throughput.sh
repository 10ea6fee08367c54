#!/bin/sh
# Messages a second and CPU a message, QoS 0 and 1, against mosquitto_sub -F %j. throughput.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
for qos in 0 1; do
	rm -f "$T/ours" "$T/theirs"
	compare rate "ours -q $qos -n 1000000 --count -- -q $qos" "theirs -q $qos -n 60000 --count -- -q $qos"
	row "messages/s, QoS $qos" "$our" "$their" "$more" 25 40
	also cpu_us
	row "CPU us a message, QoS $qos, times less" "$our" "$their" "$less" 35 60
done
