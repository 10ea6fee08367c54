#!/bin/sh
# The guide's own devices: its Raspberry Pi program on the real paho client, its ESP32's payload; and
# mosquitto's programs on the other side of ours.
# needs: paho, of Python
. "$(dirname "$0")/../lib.sh"
start_platform

python=/usr/bin/python3
$python -c 'import paho.mqtt.client' 2>/dev/null || skip_all 'no python3-paho-mqtt'

{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	echo 'RPI_001,Raspberry,raspberry_pi,Sala,temperature;humidity'
	echo 'ESP32_001,ESP32,esp32,Invernadero,temperature;humidity'
} >fleet.csv
iotctl device provision --from fleet.csv >/dev/null || exit 1
let_in
field() { awk -F, -v d="$1" -v n="$2" '$1 == d { print $n }' "$HOME/.local/state/iot/lab.csv"; }

# The program of the guide; only the sensors are a list, it works with either version of paho, and it ends.
cat >rpi.py <<'END'
import sys
import paho.mqtt.client as mqtt
import json
import time

MQTT_BROKER = "127.0.0.1"
MQTT_PORT = int(sys.argv[1])
MQTT_USER = sys.argv[2]
MQTT_PASSWORD = sys.argv[3]
MQTT_CLIENT_ID = sys.argv[4]

TOPIC_DATA = "iot/sensors/RPI_001/data"
TOPIC_COMMANDS = "iot/devices/RPI_001/commands"
VALUES = [(21.5, 48.25), (0.1, 33.33), (-7.0, 1e2), (21.499999999999996, 0)]

def on_connect(client, userdata, flags, rc):
    print(f"Conectado con código: {rc}", flush=True)
    client.subscribe(TOPIC_COMMANDS)

def on_message(client, userdata, msg):
    print(f"Comando recibido: {msg.payload.decode()}", flush=True)

# paho 2 wants to know whose callbacks these are; the guide's are those of paho 1.
version = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
client = mqtt.Client(*version, client_id=MQTT_CLIENT_ID)
client.username_pw_set(MQTT_USER, MQTT_PASSWORD)
client.on_connect = on_connect
client.on_message = on_message
client.connect(MQTT_BROKER, MQTT_PORT, 60)
client.loop_start()
for temperature, humidity in VALUES:
    payload = {
        "device_id": "RPI_001",
        "sensors": {
            "temperature": temperature,
            "humidity": humidity
        },
        "timestamp": int(time.time())
    }
    client.publish(TOPIC_DATA, json.dumps(payload), qos=1, retain=False).wait_for_publish()
time.sleep(float(sys.argv[5]))
client.loop_stop()
client.disconnect()
END
rpi() {
	timeout 30 $python rpi.py "$port" "$(field RPI_001 3)" "$(field RPI_001 4)" \
		"$(field RPI_001 2)" "$@"
}

keep guide iotingest --durable guide
rpi 0
is 0 $? "the guide's Raspberry Pi program publishes"
run timeout 20 iotingest --durable guide --readings -C 4
is 'temperature=21.5 humidity=48.25 temperature=0.1 humidity=33.33 temperature=-7.0 humidity=100.0 temperature=21.499999999999996 humidity=0 ' \
	"$(printf '%s\n' "$out" | sed 's/.*"sensor":"\([a-z]*\)","value":\([^,]*\),.*/\1=\2/' | tr '\n' ' ')" \
	'iotingest --readings gives every digit that paho sent'
stored() { [ "$(iotctl reading list dispositivo=RPI_001 -o ndjson | wc -l)" -eq 8 ]; }
wait_for 20 stored
is '[-7,0,0.1,21.499999999999996,21.5,33.33,48.25,100]' \
	"$(iotctl reading list dispositivo=RPI_001 -o json | jq -c 'map(.valor + 0) | sort')" \
	'the platform has the same numbers'
iotctl reading list dispositivo=RPI_001 -o ndjson | grep -q '"valor":21.499999999999996[,}]'
tap $? 'in their shortest form'

# The ESP32: String(float) has two decimals, the timestamp is millis().
esp='{"device_id":"ESP32_001","temperature":21.50,"humidity":48.00,"timestamp":123456}'
timeout 20 iotingest --durable esp --readings -C 1 >esp.out 2>/dev/null </dev/null &
ingesting=$!
# It publishes at QoS 0: nobody keeps that for who comes later, so again until it has come.
while kill -0 $ingesting 2>/dev/null; do
	mosquitto_pub -h 127.0.0.1 -p "$port" -u "$(field ESP32_001 3)" -P "$(field ESP32_001 4)" \
		-i "$(field ESP32_001 2)" -t iot/sensors/ESP32_001/data -m "$esp"
	sleep 0.2 # at the pace of a device
done
wait $ingesting
is '"temperature","value":21.50,"timestamp":123456 "humidity","value":48.00,"timestamp":123456 ' \
	"$(sed 's/.*"sensor":\(.*\),"topic".*/\1/' esp.out | tr '\n' ' ')" \
	"the ESP32's digits and millis() pass through"
stored() { [ "$(iotctl reading list dispositivo=ESP32_001 -o json | jq -c 'map(.valor + 0) | unique')" = '[21.5,48]' ]; }
wait_for 20 stored
tap $? 'and are stored'

# A command reaches the guide's program.
rpi 8 >commands 2>&1 &
guide=$!
pids="$pids $guide"
wait_for 10 grep -q 'Conectado con código: 0' commands
wait_for 10 listening iot/devices/RPI_001/commands
run iotctl device command RPI_001 '{"led": 1}'
exits 0 'iotctl device command'
wait_for 10 grep -q 'Comando recibido: {"led": 1}' commands
tap $? "is received by the guide's program"
kill $guide
wait $guide 2>/dev/null

# mosquitto's programs opposite ours, as the broker's operator.
operator() { p=$1; shift; "$p" -h 127.0.0.1 -p "$port" -u admin -P broker-password "$@"; }
for v in 311 5; do
	for q in 0 1 2; do
		timeout 10 iotsub -t "m/$v/$q" -q $q -C 1 -V $v >sub.out 2>sub.err &
		ours=$!
		timeout 10 mosquitto_sub -h 127.0.0.1 -p "$port" -u admin -P broker-password -V $v -q $q \
			-t "n/$v/$q" -C 1 -F '%q %p' >theirs.out 2>&1 &
		theirs=$!
		# Retained, so that it does not matter who comes first.
		operator mosquitto_pub -r -V $v -q $q -t "m/$v/$q" -m "hola $q"
		operator iotpub -r -V $v -q $q -t "n/$v/$q" -m "hola $q" 2>/dev/null
		wait $ours
		is "0 hola $q" "$? $(cat sub.out)" "mosquitto_pub to iotsub, MQTT $v, QoS $q"
		wait $theirs
		is "0 $q hola $q" "$? $(cat theirs.out)" "iotpub to mosquitto_sub, MQTT $v, QoS $q"
	done
done
done_testing
