#!/bin/sh
# What each program sends, as another reader of MQTT sees it: captured on the loopback while it talks to mosquitto,
# and read by tshark. Prints a line a program: packets by type, and how many tshark calls malformed.
# Needs root, tcpdump and tshark: tests/bench/capture.sh
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

port=$(free_port)
start_broker "allow_anonymous true" "listener $port 127.0.0.1"
start_api
export IOT_MQTT_URL="mqtt://127.0.0.1:$port"
iotctl broker create lab host=127.0.0.1 port="$port" >/dev/null
iotctl topic create data topic='iot/sensors/{device_id}/data' tipo=publish broker=lab >/dev/null 2>&1
iotctl device create D1 nombre=x tipo=esp32 ubicacion=y >/dev/null

captured=$(mktemp -d) # tcpdump gives up root, and the script's directory is root's
chmod 777 "$captured"
# capture NAME COMMAND...: the packets of what it runs, then a line of the table.
capture() {
	name=$1
	shift
	tcpdump -i lo -U -s 0 -w "$captured/$name.pcap" "tcp port $port" 2>"$captured/log" &
	dump=$!
	wait_for 10 grep -q listening "$captured/log"
	"$@" >/dev/null 2>"$T/$name.err"
	status=$?
	sleep 1 # what is in tcpdump's buffer
	kill "$dump"
	wait "$dump" 2>/dev/null
	set -- -r "$captured/$name.pcap" -d "tcp.port==$port,mqtt"
	malformed=$(tshark "$@" -Y _ws.malformed 2>/dev/null | wc -l)
	types=$(tshark "$@" -Y mqtt -T fields -e mqtt.msgtype 2>/dev/null | tr ',' '\n' | sort -n | uniq -c |
		awk '{ printf " %s:%s", $2, $1 }')
	printf '%-22s status %s, malformed %s, type:packets%s\n' "$name" $status "$malformed" "$types"
}

for v in 5 311; do
	for q in 0 1 2; do
		capture "iotpub -V $v -q $q" iotpub -V $v -q $q -t a/b -m "$q" -r
		capture "iotsub -V $v -q $q" iotsub -V $v -q $q -t a/b -C 1 -W 3s
		capture "iotingest -V $v -q $q" iotingest -V $v -q $q -t a/b -C 1 -W 3s
	done
	capture "devices -V $v" iotpub -V $v D1 D2 --interval 50ms --count 5 --listen
	capture "kept -V $v" iotingest -V $v --durable "kept$v" -q 1 -t 'iot/#' -W 1s
done
capture iotstatus iotstatus --source mqtt --wait 1s
capture broker-test iotctl broker test lab
capture command iotctl device command D1 '{"x":1}'
cat "$T"/iotstatus.err "$T"/command.err
rm -rf "$captured"
