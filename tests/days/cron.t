#!/bin/sh
# Day: cron asks every five minutes and mails only trouble.
. "$(dirname "$0")/../lib.sh"
start_api
for n in 1 2 3 4; do
	iotctl device create nombre="Nodo $n" tipo=esp32 identificador_unico="NODO_$n" ubicacion=Norte \
		connection_status=online >/dev/null
done

run iotstatus --quiet -c 75:
exits 0 'all is well: 0'
is '' "$out$err" 'and nothing to mail'
iotctl device set NODO_1 connection_status=offline >/dev/null
run iotstatus --quiet -w 90: -c 75:
exits 1 'three of four: WARNING'
has "$out" 'IOT WARNING - 3/4 devices online (75.00%), 1 offline, 0 error, wanted 90: |' 'is the mail'
iotctl device set NODO_2 connection_status=error >/dev/null
run iotstatus --quiet -w 90: -c 75:
exits 2 'two of four: CRITICAL'
run iotstatus -o nagios -w 90: -c 75:
exits 2 'the same for the monitoring system'
has "$out" 'IOT CRITICAL - 2/4 devices online (50.00%), 1 offline, 1 error, wanted 75: | online_pct=50.00%;90:;75:;0;100' \
	'with value, threshold and performance data'
run iotstatus --json
is '{"total_mqtt_devices":4,"online":2,"offline":1,"error":1,"percentage_online":50.00,"state":"OK"}' "$out" \
	'for scripts'
run iotstatus --list never
is NODO_1 "$out" 'who is missing'
run iotstatus --list error --json
is '["NODO_2"]' "$out" 'as JSON'
run iotstatus --list online
is 'NODO_3
NODO_4' "$(printf '%s\n' "$out" | sort)" 'who is there'

# The hour passes, the night too: a token for cron.
# shellcheck disable=SC2094 # a word and a file of one name
iotapi token create admin --db "$db" >token
chmod 600 token
unset IOT_USERNAME IOT_PASSWORD_FILE
run iotstatus --token-file token
exits 0 'a long-lived token does as well'

kill "$api_pid"
wait "$api_pid" 2>/dev/null
run timeout 15 iotstatus --quiet -c 75: --token-file token
exits 2 'nobody watches: CRITICAL'
has "$out" "IOT CRITICAL - cannot reach the API at '$api'" 'and why'
done_testing
