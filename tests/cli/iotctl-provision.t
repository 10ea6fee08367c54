#!/bin/sh
# device provision: all or nothing for each device, passwords never lost.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
export IOT_CREDENTIALS="$T/fleet-credentials.csv"
iotctl broker create Main host=localhost >/dev/null
iotctl broker create Old host=old active=no >/dev/null
iotctl topic create Datos tipo=publish topic_pattern='iot/sensors/{device_id}/data' >/dev/null
iotctl topic create Ordenes tipo=subscribe topic_pattern='iot/devices/{device_id}/commands' >/dev/null
iotctl sensor create nombre=Temp tipo=temperatura unidad_medida=°C rango_min=-40 rango_max=125 \
	mqtt_topic_suffix=temperature >/dev/null
iotctl sensor create nombre=Hum tipo=humedad unidad_medida=% rango_min=0 rango_max=100 \
	mqtt_topic_suffix=humidity >/dev/null

# From the command line.
run iotctl device provision N1 N2 tipo=esp32 ubicacion=Sala sensores=temperature,Hum \
	publish_interval=30
exits 0 'two devices'
is '{"row":1,"device":"N1","result":"created"}
{"row":2,"device":"N2","result":"created"}' "$out" 'a line each'
run iotctl device-config get N1 --json --columns broker,publish_topic,subscribe_topics,publish_interval
is '{"broker":1,"publish_topic":1,"subscribe_topics":[2],"publish_interval":30}' "$out" \
	'the active broker and the topics of the templates'
is 2 "$(iotctl device get N1 --json | jq '.sensores_asignados | length')" 'its sensors'
is 600 "$(stat -c %a "$IOT_CREDENTIALS")" 'the credentials file is private'
is 'device,client_id,username,password,cert,key' "$(head -1 "$IOT_CREDENTIALS")" 'its header'
is 24 "$(sed -n 's/^N1,N1,device_N1,\([^,]*\),,$/\1/p' "$IOT_CREDENTIALS" | tr -d '\n' | wc -c)" \
	'a long password'
cp "$IOT_CREDENTIALS" before
run iotctl device provision N1 N2 tipo=esp32
exits 0 'again'
is '{"row":1,"device":"N1","result":"unchanged"}
{"row":2,"device":"N2","result":"unchanged"}' "$out" 'changes nothing'
ok 'nor the passwords' cmp before "$IOT_CREDENTIALS"
run iotctl device provision N1 tipo=arduino
exits 1 'another kind of board under the same id'
has "$out" "with tipo 'esp32' instead of 'arduino'" 'is told apart'

# Twenty from a file, with two that cannot be.
{
	echo 'identificador_unico,nombre,tipo,ubicacion,broker,publish_topic,subscribe_topics,sensores,publish_interval'
	i=1
	while [ $i -le 20 ]; do
		case $i in
		7) echo "F$i,\"Nodo, $i\",esp32,Sala,Nowhere,,,," ;;
		13) echo "F$i,Nodo $i,esp32,Sala,,,,temperature;nothing," ;;
		*) echo "F$i,\"Nodo, $i\",esp32,Sala $i,Main,Datos,Ordenes,temperature;humidity,60" ;;
		esac
		i=$((i + 1))
	done
} >fleet.csv
run iotctl device provision --from fleet.csv -n
exits 1 'a dry run sees what is wrong'
is 0 "$(iotctl device list --search F1 -o ndjson | wc -l)" 'and makes nothing'
has "$out" '"password":"********"' 'and shows no password'
run iotctl device provision --from fleet.csv
exits 1 'two of twenty failed'
is "iotctl: 2 of 20 devices failed" "$err" 'is said'
is 18 "$(echo "$out" | jq -c 'select(.result == "created")' | wc -l)" 'the others are there'
is "{\"row\":8,\"device\":\"F7\",\"result\":\"failed\",\"error\":\"no broker 'Nowhere'\"}" \
	"$(echo "$out" | grep '"F7"')" 'the line of the file and the reason'
has "$(echo "$out" | grep '"F13"')" "no sensor 'nothing'" 'another reason'
is 20 "$(iotctl device list -o ndjson | wc -l)" 'no device of a failed row'
sed -i 's/Nowhere/Main/; s/;nothing//' fleet.csv
run iotctl device provision --from - <fleet.csv
iotctl device provision --from - <fleet.csv >again
is '2 18' "$(grep -c created again) $(grep -c unchanged again)" 'corrected, the rest follows'

# A step that fails half-way is undone: the client id of the credential is taken.
iotctl device create Owner nombre=o tipo=esp32 ubicacion=x >/dev/null
printf 'x-password\n' >pw
chmod 600 pw
iotctl credential create device=Owner client_id=Taken username=u password@pw >/dev/null
run iotctl device provision Taken tipo=esp32 sensores=temperature
exits 1 'the credential cannot be made'
has "$out" 'cannot create credential: client_id: ' 'the reason'
run iotctl device get Taken
exits 3 'and the device is not there'
has "$(cat "$IOT_CREDENTIALS")" 'Taken,Taken,' 'its password was safe before it was sent'
saved=$(grep '^Taken,' "$IOT_CREDENTIALS")
iotctl credential delete Taken --yes >/dev/null
run iotctl device provision Taken tipo=esp32
exits 0 'once it is free'
is "$saved" "$(grep '^Taken,' "$IOT_CREDENTIALS")" 'the same password is used'

# Cut off after the device was made: the rest is added.
iotctl device create Half nombre=Half tipo=esp32 ubicacion=x >/dev/null
run iotctl device provision Half tipo=esp32 sensores=temperature
is '{"row":1,"device":"Half","result":"created"}' "$out" 'what is missing is added'
ok 'the credential' iotctl credential get Half
ok 'the configuration' iotctl device-config get Half

# Refusals.
for w in 'a+b' 'a/b' 'a#' ''; do
	run iotctl device provision "$w"
	exits 2 "no device id: '$w'"
done
run iotctl device provision X Y X
exits 2 'named twice'
run iotctl device provision X tpo=esp32
exits 2 'an unknown field'
has "$err" "did you mean 'tipo'?" 'with the one that is meant'
printf 'identificador_unico,nombre,broker,publish_interval\nBL1,  blanks  ,Main,060\n' >blanks.csv
run iotctl device provision --from blanks.csv
exits 0 'a name with blanks around it'
run iotctl device provision --from blanks.csv
is '0 {"row":2,"device":"BL1","result":"unchanged"}' "$status $out" 'is the same the second time'
printf 'identificador_unico,nombr\nA,b\n' >bad.csv
run iotctl device provision --from bad.csv
exits 2 'an unknown column'
has "$err" "bad.csv" 'names the file'
run iotctl device provision --from nofile.csv
exits 2 'no file'
iotctl broker activate Old >/dev/null
run iotctl device provision Z
exits 1 'two active brokers'
has "$out" 'several active brokers' 'is told'

# The credentials cannot be kept: nothing is made.
run iotctl device provision Z broker=Main --credentials /proc/nothing/x.csv
exits 7 'no place for the credentials'
run iotctl device get Z
exits 3 'and no device'
run iotctl device provision Z broker=Main --api-url http://127.0.0.1:1 --credentials none.csv
exits 5 'no API'

# A signal while nothing is changed yet.
: >asked
# shellcheck disable=SC2016 # perl's own
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1");
	open my $f, ">", "mute"; print $f $s->sockport; close $f;
	my @keep; while (my $c = $s->accept) { push @keep, $c; open $f, ">>", "asked"; print $f "x"; close $f }' &
pids="$pids $!"
wait_for 10 test -s mute
IOT_TOKEN=x timeout -s KILL 60 iotctl device provision Z --api-url "http://127.0.0.1:$(cat mute)" --credentials none.csv -t 50s 2>/dev/null &
waiting=$!
wait_for 10 test -s asked
kill -TERM "$(pgrep -P "$waiting" iotctl)"
wait "$waiting" 2>/dev/null
is 143 $? 'ends it at once, with its number'
done_testing
