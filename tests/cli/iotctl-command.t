#!/bin/sh
# device command: through a real broker, answered by a device's side.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_broker
# shellcheck disable=SC2119
start_api
iotctl broker create Local host="$sock" >/dev/null
iotctl device create D1 nombre='Nodo uno' tipo=esp32 ubicacion=x >/dev/null
iotctl device create D2 nombre=dos tipo=esp32 ubicacion=x >/dev/null
iotctl device create D3 nombre=tres tipo=esp32 ubicacion=x >/dev/null
iotctl device-config create D1 broker=Local >/dev/null

mosquitto_pub --unix "$sock" -r -t ready -m ready

listen() { # COUNT FILE: commands of D1, a line each, once it is subscribed
	timeout 20 mosquitto_sub --unix "$sock" -q 2 -t iot/devices/D1/commands -t ready \
		-C $(($1 + 1)) -F '%q %p' >"$2" &
	pids="$pids $!"
	wait_for 10 grep -q ready "$2"
}

listen 1 got
run iotctl device command 'Nodo uno' '{"action": "on", "level": 0.10}'
exits 0 "a command, over the broker of the device's configuration"
is '' "$out" 'without --wait nothing comes out'
wait_for 10 grep -q action got
is '2 {"action": "on", "level": 0.10}' "$(grep action got)" 'its own bytes, at QoS 2'
listen 1 got
echo '"reboot"' | iotctl device command D1 - -q 1 --mqtt-host "$sock"
wait_for 10 grep -q reboot got
is '1 "reboot"' "$(grep reboot got)" 'from stdin, at QoS 1'
run iotctl device command D1 '{"a":1}' -n
is 'PUBLISH iot/devices/D1/commands {"a":1}' "$out" '--dry-run'

# A device that answers: every command with its own status, after somebody else's answer.
answer() {
	while read -r _ line; do
		id=$(printf '%s' "$line" | sed -n 's/.*"id":\([^,}]*\).*/\1/p')
		say=$(printf '%s' "$line" | sed -n 's/.*"say":\([^,}]*\).*/\1/p')
		mosquitto_pub --unix "$sock" -q 1 -t iot/devices/D1/responses \
			-m '{"id":"x","status":"error"}'
		mosquitto_pub --unix "$sock" -q 1 -t iot/devices/D1/responses \
			-m "{\"id\":$id,\"status\":$say,\"result\": 21.50}"
	done
}
mkfifo commands
answer <commands &
pids="$pids $!"
timeout 30 mosquitto_sub --unix "$sock" -q 2 -t iot/devices/D1/commands -F '%q %p' >commands &
pids="$pids $!"
wait_for 10 listening iot/devices/D1/commands 3 # behind the two of listen()
run iotctl device command D1 '{"say":"ok","id":7}' --wait 20s
exits 0 'an answer'
is '{"id":7,"status":"ok","result":21.50}' "$out" 'is printed, digit for digit'
run iotctl device command D1 '{"say":"ok"}' --wait 20s
exits 0 'without an id it gets one'
run iotctl device command D1 '{"say":"ok"}' --wait 20s --mqtt-version 311
exits 0 'MQTT 3.1.1'
run iotctl device command D1 '{"say":"error"}' --wait 20s
exits 1 'an answer that tells of an error'
has "$err" "device 'D1' answered with status 'error'" 'is told'
run iotctl device command D1 '{"say":"ok","id":"n"}' --mqtt-host "$sock" --wait 20s
exits 0 'with the broker of the options'

# Our own device, obeying with a program.
cat >fan <<'END'
#!/bin/sh
sed 's/.*"level":\([0-9.]*\).*/\1/'
END
chmod +x fan
iotctl device-config create D2 broker=Local >/dev/null
iotpub D2 --listen -h "$sock" --exec ./fan >obeyed 2>pub.err &
pids="$pids $!"
wait_for 10 mosquitto_sub --unix "$sock" -t iot/devices/D2/status -C 1 -W 1
tries=0
until iotctl device command D2 '{"level":0.50}' --wait 1s >answer 2>/dev/null ||
	[ $tries -ge 5 ]; do
	tries=$((tries + 1))
done
is 'ok 0.50' "$(jq -r .status answer) $(sed 's/.*"result":\([0-9.]*\).*/\1/' answer)" \
	'iotpub --listen --exec obeys and answers'
iotctl device-config delete D2 --yes >/dev/null

run iotctl device command D3 '{}' --wait 500ms --mqtt-host "$sock"
exits 27 'silence'
has "$err" "device 'D3' did not answer within 0.5 s" 'is told'
run iotctl device command D3 '{}'
exits 3 'a device without a broker'
has "$err" "no broker for 'D3'" 'is told'
run iotctl device command D9 '{}'
exits 3 'an unknown device'
run iotctl device command D1 'on'
exits 2 'no JSON'
has "$err" 'the command is no JSON: wrong at byte 1' 'is told'
run iotctl device command D1 '{}' --mqtt-host 127.0.0.1 --mqtt-port 1
exits 5 'no broker there'
run iotctl device command D1 '{}' --qos 3
exits 2 'no such QoS'
run iotctl device command D1
exits 2 'no command'

# A device that is deleted leaves no status behind.
for d in D2 D3; do
	mosquitto_pub --unix "$sock" -r -q 1 -t iot/devices/$d/status -m '{"status":"connected"}'
done
retained() { timeout 10 mosquitto_sub --unix "$sock" -t 'iot/devices/+/status' -t ready -C "$1" -F %t; }
is 3 "$(retained 3 | wc -l)" 'two statuses are retained'
run iotctl device delete D2 --yes --mqtt-host "$sock"
exits 0 'a device is deleted'
is '' "$err" 'and nothing to be said'
is 'iot/devices/D3/status
ready' "$(retained 2 | sort)" 'its retained status is cleared, no other'
iotctl device create D8 nombre=D8 tipo=esp32 ubicacion=x >/dev/null
iotctl device create D9 nombre=D9 tipo=esp32 ubicacion=x >/dev/null
run iotctl device delete D8 D9 --yes
is 1 "$(printf '%s\n' "$err" | grep -c 'retained statuses of deleted devices stay.*--mqtt-url')" \
	'without a broker it is said that they stay, once'
several=$(seq -f 'S%g' 1 12 | tr '\n' ' ')
for d in $several; do
	printf -- 'kind: device\nidentificador_unico: %s\nnombre: x\ntipo: esp32\nubicacion: x\n---\n' "$d"
done | iotctl apply -f - >/dev/null
for d in $several; do
	mosquitto_pub --unix "$sock" -r -q 1 -t "iot/devices/$d/status" -m '{"status":"connected"}'
done
# shellcheck disable=SC2086 # words
run iotctl device delete $several --yes -j 8 --mqtt-host "$sock"
exits 0 'twelve at once'
is '' "$err" 'with nothing to be said'
is 12 "$(echo "$out" | grep -c ^deleted)" 'are deleted'
is 'iot/devices/D3/status
ready' "$(retained 2 | sort)" 'and no status of theirs stays'
run iotctl device delete D3 --yes --mqtt-host 127.0.0.1 --mqtt-port 1
exits 0 'a broker that is not there is no reason to fail'
has "$err" "the retained status of 'D3' stays on the broker: cannot reach" 'but to say so'

# A broker that refuses.
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
rm -f "$sock"
printf 'topic read #\n' >rules
chmod 600 rules
start_broker 'allow_anonymous true' "acl_file $T/rules"
for q in 1 2; do
	run iotctl device command D1 '{}' --mqtt-host "$sock" --qos $q
	exits 4 "refused at QoS $q"
	has "$err" "refused the message on 'iot/devices/D1/commands': not allowed to publish there" 'is told in words'
	run iotctl device command D1 '{}' --mqtt-host "$sock" --qos $q --wait 5s
	exits 4 'and nobody waits for an answer'
done
done_testing
