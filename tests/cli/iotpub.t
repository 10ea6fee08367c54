#!/bin/sh
# iotpub as devices: what they publish, how they end, one connection each.
# slow: devices that come, go and die
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# A device: birth, the guide's two shapes byte for byte, goodbye; both versions, all levels.
for v in 311 5; do
	for q in 0 1 2; do
		d=RPI_$v-$q
		watch "see.$d" "iot/+/$d/+" -V "mqttv$v"
		run iotpub -h "$sock" "$d" temperature=21.50 humidity=48.2 -C 1 -q "$q" -V "$v"
		exits 0 "one reading (version $v, QoS $q)"
		wait_for 10 count "see.$d" 3
		is "0 1 iot/devices/$d/status {\"device_id\":\"$d\",\"status\":\"connected\",\"timestamp\":N}
0 1 iot/devices/$d/status {\"device_id\":\"$d\",\"status\":\"disconnected\",\"timestamp\":N}
0 $q iot/sensors/$d/data {\"device_id\":\"$d\",\"sensors\":{\"temperature\":21.50,\"humidity\":48.2},\"timestamp\":N}" \
			"$(got "see.$d" | plain_times | sort -k 3)" "birth, reading, goodbye ($v, QoS $q)"
	done
done
has "$(status RPI_5-1)" '"disconnected"' "the status is retained"
now=$(date +%s)
t=$(got see.RPI_5-1 | sed -n '2s/.*"timestamp":\([0-9]*\)}/\1/p')
ok "the nested timestamp is Unix time" [ $((now - t)) -lt 30 ]

watch flat 'iot/sensors/ESP32_001/data'
run iotpub -h "$sock" ESP32_001 --payload flat temperature=21.50 -C 2 --interval 100ms
exits 0 "the flat shape"
has "$err" 'a second at least' "an interval under a second is warned of"
wait_for 10 count flat 2
is '0 1 iot/sensors/ESP32_001/data {"device_id":"ESP32_001","temperature":21.50,"timestamp":N}' \
	"$(got flat | head -n 1 | plain_times)" "it is the ESP32's"
a=$(got flat | sed -n '1s/.*"timestamp":\([0-9]*\)}/\1/p')
b=$(got flat | sed -n '2s/.*"timestamp":\([0-9]*\)}/\1/p')
ok "its timestamp is millis()" [ $((b - a)) -ge 80 ]

# Several devices, and their values again.
watch some 'iot/sensors/+/data'
for _ in 1 2; do
	printf 'F_2\n\nF_3\n' >names
	iotpub -h "$sock" F_1 - -C 1 --seed 7 <names || note "seed run failed"
done
wait_for 10 count some 6
is "$(got some | head -n 3 | sort | plain_times)" "$(got some | tail -n 3 | sort | plain_times)" \
	"--seed makes the same values, and names come from standard input"
is 3 "$(got some | head -n 3 | sed 's/.*sensors"//' | sort -u | wc -l)" \
	"each device has its own"
seq -f 'H_%g' 1 200 >names
ok "200 devices at once, more than a unix socket's queue takes" \
	prlimit --nofile=256: iotpub -h "$sock" - -C 1 <names
# Every byte again: values, timestamps and their order, of two runs with one seed.
watch bytes 'iot/+/B_1/+'
for _ in 1 2; do
	iotpub -h "$sock" B_1 --seed 9 -C 3 --interval 100ms --jitter 20ms a=walk:5,1 b=normal:1,1 \
		c=choice:x,y,z d=counter 2>/dev/null || note "seed run failed"
done
wait_for 10 count bytes 10
is "$(got bytes | sed 's/^. //' | head -n 5)" "$(got bytes | sed 's/^. //' | tail -n 5)" \
	"--seed makes every byte again"
has "$(got bytes)" '"d":2},"timestamp":1760000000}' "its timestamps are the plan's"

# A fleet by number, and its pace.
watch fleet 'iot/sensors/+/data'
run iotpub -h "$sock" --devices 3 --id-format 'N-%03d.x' -C 1 a=1
exits 0 "--devices"
wait_for 10 count fleet 3
is "iot/sensors/N-001.x/data iot/sensors/N-002.x/data iot/sensors/N-003.x/data" \
	"$(got fleet | cut -d ' ' -f 3 | sort | paste -sd ' ')" "with ids by --id-format"
# retained PREFIX: how many devices of that name have a status.
retained() { mosquitto_sub --unix "$sock" -t 'iot/devices/+/status' --retained-only -W 1 2>/dev/null | grep -c "\"$1"; }
is "0 200" "$(retained N-) $(retained H_)" "they leave no status behind, as others do"
run iotpub -h "$sock" --devices 2 --id-format 'K_%d' -C 1 --keep-status
is 2 "$(retained K_)" "but with --keep-status"
bg iotpub -h "$sock" --devices 2 --id-format 'L_%d'
wait_for 10 is_connected L_1
wait_for 10 is_connected L_2
kill -INT $bg
wait $bg
is 130 $? "Ctrl-C"
is "0 2" "$(retained L_) $(retained K_)" "clears them, too"
watch ramp 'iot/devices/+/status'
began=$(date +%s%N)
run iotpub -h "$sock" --devices 8 --ramp 10 -C 1 a=1
exits 0 "--ramp"
ok "connects no faster" [ $((($(date +%s%N) - began) / 1000000)) -ge 690 ]
printf '{"who":"{device_id}","t":{temp}}\n' >template
watch filled 'iot/sensors/P_1/data'
run iotpub -h "$sock" P_1 -C 1 --payload template temp=21.50
exits 0 "--payload FILE"
wait_for 10 count filled 1
has "$(got filled)" ' {"who":"P_1","t":21.50}' "fills the template in"
printf '\357\273\277{"win":{temp}}\r\n' >template
run iotpub -h "$sock" P_1 -C 1 --payload template temp=21.50
wait_for 10 count filled 2
is '0 1 iot/sensors/P_1/data {"win":21.50}' "$(got filled | tail -n 1)" 'without a mark in front or CRLF behind'

run iotpub -h "$sock" G_1 G_2 --duration 2s --verbose
exits 0 "--duration ends it"
has "$err" '2 of 2 devices connected, 5 messages acknowledged' "a summary with --verbose"
run iotpub -h "$sock" G_3 -C 1 --no-status -r a=1
exits 0 "--no-status, -r"
is '' "$(mosquitto_sub --unix "$sock" -t iot/devices/G_3/status -W 1 2>/dev/null)" \
	"no status was published"
has "$(mosquitto_sub --unix "$sock" -t iot/sensors/G_3/data -C 1 -W 3)" '"a":1' \
	"the reading is retained"

# How it ends: signals, the will.
act log S_1 --interval 100ms
kill $bg
wait $bg
is 0 $? "SIGTERM: status 0"
has "$(status S_1)" '"disconnected"' "and a clean goodbye"
act log S_1
kill -INT $bg
wait $bg
is 130 $? "SIGINT ends with the signal itself"
has "$(status S_1)" '"disconnected"' "and a clean goodbye too"
act log S_1
kill -KILL $bg
wait $bg 2>/dev/null
is '{"device_id":"S_1","status":"disconnected"}' "$(status S_1)" "SIGKILL: the will tells"

# One connection a device.
act log T_1 --interval 100ms
run iotpub -h "$sock" T_1 -C 1
exits 1 "a connected device is refused"
is "iotpub: device 'T_1' is connected already; --takeover takes its place" "$err" "with its name"
ok "the first one goes on" kill -0 $bg
no_line log.err "undisturbed" -i lost
run iotpub -h "$sock" T_1 T_2 -C 1 a=1
exits 1 "of two devices one is refused"
has "$err" '1 of 2 devices failed' "and told"
has "$(status T_2)" '"disconnected"' "the other one ran"
kill -STOP $bg
run iotpub -h "$sock" T_1 -C 1 --takeover
exits 0 "--takeover takes its place"
kill -CONT $bg
kill $bg
wait $bg

done_testing
