#!/bin/sh
# The guide's two programs, with what `device env` writes for them: on a real broker, as devices of the platform. The
# ESP32's is compiled for this machine, with the stand-ins of tests/arduino in place of its libraries.
# needs: paho, of Python
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

python=/usr/bin/python3
$python -c 'import paho.mqtt.client' 2>/dev/null || skip_all 'no python3-paho-mqtt'
start_platform
for d in RPI_001 ESP32_001; do
	iotctl device provision $d >/dev/null
	iotctl device assign $d temperature humidity >/dev/null
	iotctl device-config set $d publish_interval=1 >/dev/null
done
let_in
readings() { # readings DEVICE: three of them, as iotingest has them
	iotingest --readings -t "iot/sensors/$1/data" -C 4 -W 60 >"$1.readings" 2>/dev/null
	jq -r '[.device_id, .sensor, (.value | type)] | join(" ")' "$1.readings" | sort -u
}
wanted() { printf '%s humidity number\n%s temperature number' "$1" "$1"; }
status_of() { mosquitto_sub -h 127.0.0.1 -p "$port" -u admin -P broker-password -t "iot/devices/$1/status" -C 1 -W 20 | jq -r .status; }
is_status() { [ "$(status_of "$1")" = "$2" ]; }

# The Raspberry Pi: the program, its .env and its secrets in one folder, as they would be copied there.
mkdir pi
cp "$top/examples/raspberry.py" pi/
sed -n 's/^    \(iotctl device env .*\)/\1/p' pi/raspberry.py >env.sh
(cd pi && sh -e ../env.sh)
is '.env RPI_001.pw raspberry.py' "$(find pi -type f -printf '%f\n' | sort | paste -sd ' ')" 'the .env and the password, as the program says'
bg $python pi/raspberry.py >pi.out 2>&1
pi=$bg
is "$(wanted RPI_001)" "$(readings RPI_001)" 'its readings arrive'
is '[true,true]' "$(jq -c '.timestamp | . > 1700000000' RPI_001.readings | sort | uniq | jq -sc '[.[0], true]')" '  with their time'
ok '  and it says that it is connected' wait_for 20 is_status RPI_001 connected
run iotctl device command RPI_001 '{"led":"on"}' --wait 20s
exits 0 'it takes commands, and answers'
is '["RPI_001","ok"]' "$(printf '%s\n' "$out" | jq -c '[.device_id, .status]')" '  in its own name'
has "$(cat pi.out)" "'led': 'on'" '  once it has done them'
mosquitto_pub -h 127.0.0.1 -p "$port" -u admin -P broker-password -q 1 -t iot/devices/RPI_001/commands -m 'not JSON'
run iotctl device command RPI_001 '{"led":"off"}' --wait 20s
exits 0 '  also behind one that is none'
without "$(tr '\0' '\n' <"/proc/$pi/environ")" "$(cat pi/secrets/RPI_001.pw)" 'the password is in no environment'
kill "$pi"
wait "$pi"
is 0 $? 'it ends when it is told to'
is disconnected "$(status_of RPI_001)" '  and says so'
iotctl credential rotate RPI_001 >/dev/null
let_in
bg $python pi/raspberry.py >pi.out 2>&1
ok 'after a rotation it is refused' wait_for 20 grep -qi 'not authori\|código: [45]' pi.out
kill "$bg"
wait "$bg"
(cd pi && sh -e ../env.sh)
bg $python pi/raspberry.py >pi.out 2>&1
is "$(wanted RPI_001)" "$(readings RPI_001)" '  until device env is run again'
kill "$bg"
wait "$bg"

# The same by TLS, whose CA comes along.
authority ca
certificate server ca IP:127.0.0.1
tls_port=$(free_port)
sed "s/^listener .*/listener $tls_port 127.0.0.1/" mosquitto.conf >tls.conf
printf 'certfile %s/server.crt\nkeyfile %s/server.key\n' "$T" "$T" >>tls.conf
bg mosquitto -c tls.conf >tls.log 2>&1
wait_for 10 grep -q ' running$' tls.log
iotctl broker create nombre=TLS host=127.0.0.1 port="$tls_port" protocol=mqtts use_tls=yes ca_cert@ca.crt >/dev/null
iotctl device-config set RPI_001 broker=TLS >/dev/null
(cd pi && sh -e ../env.sh)
bg $python pi/raspberry.py >pi.out 2>&1
ok 'by TLS, too' wait_for 20 grep -q 'Conectado con código: \(0\|Success\)' pi.out
kill "$bg"
wait "$bg"

# The ESP32.
mkdir esp32
cp "$top/examples/esp32.ino" esp32/
sed -n 's/^.*\((umask 077; iotctl device env .*)\)$/\1/p' esp32/esp32.ino >header.sh
is 1 "$(wc -l <header.sh)" 'the sketch says how its header is made'
(cd esp32 && sh -e ../header.sh)
is 600 "$(stat -c %a esp32/iot_device.h)" '  which nobody else may read'
echo 'int main() { setup(); for (;;) loop(); }' >main.inc
# shellcheck disable=SC2046 # words
ok 'it compiles' c++ -std=gnu++17 -Wall -Wextra -Werror -Wno-unused-parameter -I "$top/tests/arduino" -x c++ -include esp32/esp32.ino main.inc -o sketch \
	$(pkg-config --cflags --libs libmosquitto)
[ -x sketch ] || exit 1
bg ./sketch >sketch.out 2>&1
sketch=$bg
is "$(wanted ESP32_001)" "$(readings ESP32_001)" 'its readings arrive'
ok '  and it says that it is connected' wait_for 20 is_status ESP32_001 connected
ok 'it takes commands' iotctl device command ESP32_001 '{"led":"on"}'
ok '  and shows them' wait_for 20 grep -qF 'Comando recibido: {"led":"on"}' sketch.out
kill -KILL "$sketch"
wait "$sketch" 2>/dev/null
ok 'its will says that it is gone' wait_for 20 is_status ESP32_001 disconnected
done_testing
