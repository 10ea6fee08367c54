#!/bin/sh
# iotpub as a load test: --verify, --fault, --stats, and what needs --yes.
# slow: loads that last some seconds each
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# What was sent arrives, at each level, over both versions.
for v in 5 311; do
	for q in 0 1 2; do
		run iotpub -h "$sock" --devices 20 -C 10 --interval 50ms --verify --max-lost 0 --max-p99 20s \
			-q "$q" -V "$v" --quiet
		exits 0 "--verify (version $v, QoS $q)"
		has "$out" 'sent 200 received 200 lost 0 duplicated 0 p50 ' "sees every message"
	done
done
has "$out" ' ms p99 ' "and how long they took"
watch stamped 'iot/sensors/V_1/data'
run iotpub -h "$sock" V_1 a=1 -C 1 --verify -V 311 --payload flat
wait_for 10 count stamped 1
has "$(got stamped)" ',"_seq":1,"_ts":1' "over 3.1.1 the payload has a number and a time"
watch plain 'iot/sensors/V_2/data'
run iotpub -h "$sock" V_2 a=1 -C 1 --verify --payload flat
wait_for 10 count plain 1
without "$(got plain)" _seq "over MQTT 5 it stays as it is"

# How long they took, for people.
run iotpub -h "$sock" --devices 5 -C 4 --interval 20ms --verify --histogram --stats 1h --quiet
exits 0 "--histogram"
is 12 "$(printf '%s\n' "$out" | grep -cE '^( <|>=) +[0-9]+ ms +[0-9]+ +[0-9.]+ %( #+)?$')" "is twelve rows"
is 20 "$(printf '%s\n' "$out" | awk '/ms /&& NR > 1 { n += $4 } END { print n }')" "with all messages"
has "$(printf '%s\n' "$out" | tail -n 1)" '>= 1024 ms' "the last one is of the slowest"
is true "$(printf '%s\n' "$err" | jq '.p50_ms > 0 and .p99_ms >= .p50_ms')" "--stats has them, too"

# A broker that stands still for a moment is seen.
iotpub -h "$sock" V_3 --duration 1500ms --interval 100ms --verify --max-p99 100ms --quiet >slow 2>slow.err &
p=$!
pids="$pids $p"
wait_for 10 is_connected V_3
kill -STOP "$broker_pid"
sleep 0.5 # the delay that is to be seen
kill -CONT "$broker_pid"
wait $p
is 1 $? "a delay beyond --max-p99: 1"
has "$(cat slow.err)" 'and --max-p99 is 100 ms' "and it says so"

# Faults, each counted.
run iotpub -h "$sock" F_1 -C 20 --interval 10ms --fault drop=1 --verify
exits 0 "--fault drop=1"
has "$out" 'sent 0 received 0 ' "publishes nothing"
has "$err" 'faults: drop 20' "and counts it"
watch twice 'iot/sensors/F_2/data'
run iotpub -h "$sock" F_2 -C 10 --interval 10ms --fault duplicate=1 --verify
has "$out" 'sent 10 received 10 lost 0 duplicated 10 ' "--fault duplicate=1: --verify sees all of them"
wait_for 10 count twice 20
is 10 "$(got twice | uniq -d | wc -l)" "twice on the wire"
watch garbage 'iot/sensors/F_3/data'
run iotpub -h "$sock" F_3 -C 10 --interval 10ms --fault garbage=1
wait_for 10 count garbage 10
has "$err" 'faults: garbage 10' "--fault garbage=1"
got garbage >garbage.seen
no_line garbage.seen "none is JSON" -a '}$'
watch wrong 'iot/sensors/F_4/data'
run iotpub -h "$sock" F_4 -C 2 --interval 10ms --fault wrong-id=1
wait_for 10 count wrong 2
has "$(got wrong)" 'iot/sensors/F_4/data {"device_id":"UNKNOWN"' "--fault wrong-id=1: its topic stays"
watch late 'iot/sensors/F_5/data'
run iotpub -h "$sock" F_5 n=counter -C 6 --interval 10ms --fault late=1 --verify
wait_for 10 count late 6
has "$out" 'sent 6 received 6 lost 0' "--fault late=1 loses nothing"
is '1 0 3 2 5 4' "$(got late | sed 's/.*"n":\([0-9]*\).*/\1/' | paste -sd ' ')" \
	"each held one comes behind the next"
watch flap 'iot/devices/F_6/status'
run iotpub -h "$sock" F_6 -C 4 --interval 300ms --fault flap=1 --verify
exits 0 "--fault flap=1"
has "$out" 'sent 4 received 4 lost 0' "loses nothing"
wait_for 10 grep -q '"disconnected","timestamp"' flap
ok "its will was published ($(got flap | grep -c '"disconnected"}') times)" \
	[ "$(got flap | grep -c '"disconnected"}')" -ge 3 ]
is "$(iotpub -h "$sock" F_7 -C 50 --interval 5ms --fault drop=0.5 --seed 3 2>&1 | grep -o 'drop .*')" \
	"$(iotpub -h "$sock" F_7 -C 50 --interval 5ms --fault drop=0.5 --seed 3 2>&1 | grep -o 'drop .*')" \
	"--seed repeats the faults"

# Numbers meanwhile.
run iotpub -h "$sock" --devices 3 --interval 100ms --duration 1s --stats 200ms --takeover
exits 0 "--stats"
line=$(grep '^{.*"connected":3,' "$T/.err" | head -n 1) # once all are, on a busy machine
last=$(grep '^{' "$T/.err" | tail -n 1)
n=$(grep -c '^{' "$T/.err")
ok "each 200 ms, and at the end ($n)" [ "$n" -ge 4 ]
is "$(echo "$last" | jq .messages) 0" "$(echo "$last" | jq -r '"\(.acknowledged) \(.in_flight)"')" "the last one tells of all"
has "$line" '"devices":3,"connected":3,"connecting":0,"messages":' "a line of JSON"
is "[{\"broker\":\"$sock\",\"address\":\"$sock\",\"connected\":3}]" "$(echo "$line" | jq -c .brokers)" \
	"and of where they are connected"
ok "it is JSON" sh -c "printf '%s\n' '$line' | python3 -m json.tool"

# Refusals.
for o in '--histogram' '--fault drip=1' '--fault drop=2' '--max-lost 0' '--max-p99 1s' '--id-format X%d' \
	'--devices 2 --id-format X' '--devices 2 --id-format %d%d' '--devices 2 --id-format %s' \
	'--devices 2 --id-format a/%d'; do
	# shellcheck disable=SC2086
	run iotpub -h "$sock" R_1 -C 1 $o
	exits 2 "refused: $o"
done
run iotpub -h broker.invalid --devices 1001 -C 1
exits 2 "1,001 devices against another host"
is "iotpub: 1001 devices, 17 messages a second, against 'broker.invalid': if it is meant, say --yes" \
	"$err" "need --yes"
run iotpub -h broker.invalid --devices 20 --interval 10ms -C 1 --quiet
exits 2 "and so do 2,000 messages a second"
run timeout 30 iotpub -h 0.0.0.0 -p "$(free_port)" --devices 1001 -C 1 --yes --takeover
exits 5 "with it they are tried"

done_testing
