#!/bin/sh
# Day: twenty devices arrive in a spreadsheet, and act.
# slow: twenty devices, each seen to publish
. "$(dirname "$0")/../lib.sh"
start_platform

{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	i=101
	while [ $i -le 120 ]; do
		echo "RPI_$i,\"Raspberry $i, planta 1\",raspberry_pi,Sala $i,temperature;humidity"
		i=$((i + 1))
	done
} >fleet.csv

run iotctl device provision --from fleet.csv
exits 0 'iotctl device provision --from fleet.csv'
is 20 "$(printf '%s\n' "$out" | grep -c '"result":"created"')" 'twenty are created'
is 600 "$(stat -c %a "$HOME/.local/state/iot/lab.csv")" 'their passwords are in a private file'
run iotctl device provision --from fleet.csv
is 20 "$(printf '%s\n' "$out" | grep -c '"result":"unchanged"')" 'again: all unchanged'
run iotstatus
is '0/20 devices online (0.00%)' "$out" 'nobody is online yet'

let_in
cut -d, -f1 fleet.csv | tail -n +2 >ids
timeout 60 iotpub - temperature=21.50 humidity=uniform:40,60 --interval 1s <ids 2>iotpub.err &
acting=$!
pids="$pids $acting"
all_online() { [ "$(iotstatus)" = '20/20 devices online (100.00%)' ]; }
wait_for 20 all_online
tap $? 'all twenty are online'
have_readings() { iotctl reading list dispositivo=RPI_120 -o csv --columns valor | grep -q 21.5; }
wait_for 20 have_readings
tap $? 'their readings are stored'
run iotctl reading list dispositivo=RPI_120 -o csv --columns dispositivo_nombre,sensor_nombre,valor --limit 2
has "$out" '"Raspberry 120, planta 1",Temperatura,21.5' 'a reading is as it was sent'

kill -TERM $acting
wait $acting
is 0 $? 'iotpub ends cleanly'
none_online() { [ "$(iotstatus)" = '0/20 devices online (0.00%)' ]; }
wait_for 20 none_online
tap $? 'and everybody is offline'
grep -v -i warn iotpub.err >complaints
silent complaints 'without a complaint'

# One line of the list is wrong: that device is undone, the others stay.
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	echo 'RPI_201,Uno,raspberry_pi,Sala,temperature'
	echo 'RPI_202,Dos,raspberry_pi,Sala,presion'
} >more.csv
run iotctl device provision --from more.csv
exits 1 'a wrong line: 1'
has "$out" '"device":"RPI_201","result":"created"' 'the good one is made'
has "$out" '"device":"RPI_202","result":"failed"' 'the wrong one is named'
run iotctl device get RPI_202
exits 3 'and nothing of it is left'
done_testing
