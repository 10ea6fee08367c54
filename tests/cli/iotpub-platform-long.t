#!/bin/sh
# --from-platform with a platform of 40,000 devices, whose answers are longer than what was once taken of them;
# and with answers that are cut.
# slow: 20 MB of JSON are read again and again
# shellcheck disable=SC2154,SC2317 # lib.sh's; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# What the stand-in answers, as iotctl does: 40,000 devices, of 600 bytes each.
many=40000
awk -v many=$many 'BEGIN {
	for (i = 1; i <= many; i++) {
		printf "{\"id\":%d,\"nombre\":\"Device %d\",\"identificador_unico\":\"DEV_%05d\",\"mqtt_enabled\":true,\"sensores_asignados\":[", i, i, i >"device"
		for (s = 1; s <= 2; s++)
			printf "%s{\"id\":%d,\"activo\":true,\"sensor_detail\":{\"id\":%d,\"nombre\":\"Sensor %d\",\"tipo\":\"temperatura\",\"unidad_medida\":\"°C\",\"rango_min\":-40.0,\"rango_max\":85.0,\"mqtt_topic_suffix\":\"s%d\",\"descripcion\":\"One of the sensors that every device of this platform has\"}}", (s > 1 ? "," : ""), s, s, s, s >"device"
		print "]}" >"device"
		printf "{\"id\":%d,\"dispositivo\":%d,\"broker\":1,\"publish_topic\":1,\"publish_interval\":60,\"qos\":1,\"retain\":false,\"is_active\":true}\n", i, i >"device-config"
	}
}'
[ "$(wc -c <device)" -gt 20000000 ]
tap $? 'the answer is longer than 16 MiB'
echo '{"id":1,"nombre":"Datos","tipo":"publish","topic_pattern":"iot/sensors/{device_id}/data"}' >topic
echo '{"id":1,"nombre":"B","host":"127.0.0.1","port":1883,"protocol":"mqtt","is_active":true}' >broker

# How it answers for RESOURCE: `echo HOW >RESOURCE.how`.
mkdir bin
cat >bin/iotctl <<'END'
#!/bin/sh
for word; do
	[ "$word" != list ] || break
	resource=$word
done
how=$(cat "$T/$resource.how" 2>/dev/null || echo whole)
cd "$T" || exit 1
echo "$resource $how" >>asked
case $how in
whole) cat "$resource" ;;
meanwhile)
	[ -e other ] || { cp topic other && echo '{"id":2,"topic_pattern":"iot/other/{device_id}"}' >>topic; }
	sed 's/"publish_topic":1/"publish_topic":2/' "$resource"
	;;
signal) head -n 1000 "$resource"; kill -KILL $$ ;;
status) head -n 1000 "$resource"; exit 5 ;;
half) head -c "$(($(wc -c <"$resource") - 1))" "$resource" ;;
text) head -n 1000 "$resource"; echo 'No more.' ;;
long) printf '{"id":1,"a":"%01100000d"}\n' 0 ;;
endless) yes '{"id":0}' | tr -d '\n' ;;
esac
END
# small COMMAND...: with little more memory than it needs with short answers; but the sanitizers need more.
cat >bin/small <<'END'
#!/bin/sh
[ -n "${SANITIZED-}" ] || ulimit -v 40000
exec "$@"
END
chmod +x bin/iotctl bin/small
PATH="$T/bin:$PATH"

# ask: of how many devices iotpub knows; a broker elsewhere keeps it from connecting them.
ask() { run ${little+small} iotpub -h broker.invalid --from-platform "$@"; }
ask
exits 2 'so many against a broker elsewhere are refused'
has "$err" "iotpub: $many devices, 667 messages a second, against 'broker.invalid'" 'and they are all there'
head -n 34386 device >fewer
mv device all
mv fewer device
ask
has "$err" 'iotpub: 34386 devices, ' 'control: fewer of them are fewer'
mv all device
ask DEV_40000 DEV_40001
exits 3 'one behind the last one: 3'
has "$err" "no device 'DEV_40001'" 'by name, but not the last one'

# Answers that are cut.
cut_short() { # cut_short HOW STATUS MESSAGE: for each resource, R in the message
	for r in device device-config topic broker; do
		echo "$1" >$r.how
		ask
		exits "$2" "$r: $1 is $2"
		has "$err" "--from-platform: $(echo "$3" | sed "s/R /$r /")" 'and told'
		rm $r.how
	done
}
cut_short signal 1 "'iotctl R list' was ended by signal 9"
cut_short status 5 "'iotctl R list' ended with status 5"
cut_short half 8 "the answer of 'iotctl R list' ends within a line"
little=
cut_short long 8 "line 1 of 'iotctl R list' has more than 1048576 bytes"
cut_short endless 8 "line 1 of 'iotctl R list' has more than 1048576 bytes"
unset little
echo text >device.how
ask
exits 8 'a line that is no object: 8'
has "$err" "line 1001 of 'iotctl device list' is no JSON object" 'and told'
rm device.how

# The same for iotingest.
for how in signal:1 status:5 half:8 endless:8; do
	echo "${how%:*}" >topic.how
	run small timeout 10 iotingest --from-platform -W 5s
	exits "${how#*:}" "iotingest: ${how%:*} is ${how#*:}"
done
rm topic.how

# --refresh, of two devices at both ends of the answer.
start_broker
set_configs() { # set_configs ID...: the devices that are active
	for id; do
		echo "{\"id\":$id,\"dispositivo\":$id,\"broker\":1,\"publish_topic\":1,\"is_active\":true}"
	done >configs
	mv configs device-config
}
set_configs 1 $many
bg mosquitto_sub --unix "$sock" -t 'iot/#' -F '%t %p' >seen
bg small iotpub -h "$sock" --from-platform --refresh 100ms --interval 50ms 2>log
publishing=$bg
says() { grep -aq -e "$1" "$2"; }
publishes() { : >seen; wait_for 10 says "sensors/$1/data" seen; }
asked() { [ "$(wc -l <asked)" -ge "$1" ]; }
more() { wait_for 30 asked $(($(wc -l <asked) + $1)); } # so many answers later
ok 'the first one publishes' publishes DEV_00001
ok 'the last one, too' publishes DEV_40000
more 9
is '' "$(grep 'DEV_' log)" 'answers that say the same change nothing'
ok 'the last one goes on' publishes DEV_40000
for how in signal status half long text; do
	echo $how >device.how
	ok "$how: told" wait_for 30 says "--from-platform: .*'iotctl device list'" log
	more 5
	is '' "$(grep 'DEV_' log)" 'it changes nothing'
	ok 'and the last device goes on' publishes DEV_40000
	: >log
	rm device.how
	more 5
done
echo half >device-config.how
ok 'nor do configurations that are cut' wait_for 30 says "'iotctl device-config list' ends within a line" log
is '' "$(grep 'DEV_' log)" 'change anything'
rm device-config.how
set_configs 1 39999
ok 'control: a whole answer switches off' wait_for 30 says 'DEV_40000: the platform has switched it off' log
ok 'and brings what is new' wait_for 30 says 'DEV_39999: the platform has it now' log
ok 'which publishes' publishes DEV_39999
set_configs 1 39999 40000
ok 'and switches on again' wait_for 30 says 'DEV_40000: the platform has switched it on again' log
# A topic that is made, and then given to a device, while iotctl is being asked.
echo meanwhile >device-config.how
ok 'a topic that is made meanwhile is published to' wait_for 30 says 'iot/other/DEV_00001 ' seen
more 9
is 1 "$(grep -ac 'DEV_00001: the platform has changed what it does' log)" 'at once: there was one change'
rm device-config.how
kill $publishing
wait $publishing
is 0 $? 'and all of that was a clean run'
done_testing
