#!/bin/sh
# iotstatus against the real iotapi: what it says when it cannot know. (tests/days/cron.t has the
# rest.)
. "$(dirname "$0")/../lib.sh"
start_api

run iotstatus
exits 3 'a fleet without devices: UNKNOWN'
is 'no devices speak MQTT' "$out" 'and no percentage of nothing'
run iotstatus -o nagios -c 75:
exits 3 'the same for the plugin'
has "$out" 'IOT UNKNOWN - no devices speak MQTT' 'in its own words'
run iotstatus --json
has "$out" '"percentage_online":null,"state":"UNKNOWN"' 'and null in JSON'
run iotstatus --list offline --json
is '[]' "$out" 'an empty list is []'
run iotstatus --list offline
is '' "$out" 'or nothing'

iotctl device create nombre='Uno' tipo=esp32 identificador_unico=UNO ubicacion=Sala connection_status=online >/dev/null
iotctl device create nombre='Sin MQTT' tipo=otro identificador_unico=SIN ubicacion=Sala mqtt_enabled=false >/dev/null
run iotstatus
is '1/1 device online (100.00%)' "$out" 'devices that do not speak MQTT do not count'
run iotstatus --list offline
is '' "$out" 'nor are they listed'
run iotstatus -w 75: -c 90:
exits 3 'a range that hides the other is refused'
iotstatus >/dev/full 2>err.txt
is 3 $? 'a full output: UNKNOWN'
has "$(cat err.txt)" 'cannot write to standard output' 'and says so'

trouble() { # trouble STATUS STATE PART 'sentence': as text, and as a plugin
	run timeout 15 iotstatus
	exits "$1" "$4: $2"
	has "$err" "iotstatus: $3" 'with the reason'
	is '' "$out" 'on standard error'
	run timeout 15 iotstatus -o nagios
	exits "$1" 'the same as a plugin'
	has "$out" "IOT $2 - $3" 'on standard output, where plugins are read'
}
export IOT_TOKEN=wrong
trouble 3 UNKNOWN '' 'a wrong token'
unset IOT_TOKEN
echo wrong >wrong.pw
chmod 600 wrong.pw
good=$IOT_PASSWORD_FILE
export IOT_PASSWORD_FILE="$T/wrong.pw" XDG_STATE_HOME="$T/other"
trouble 3 UNKNOWN '' 'a wrong password'
export IOT_PASSWORD_FILE="$good"
unset XDG_STATE_HOME
kill "$api_pid"
wait "$api_pid" 2>/dev/null
trouble 2 CRITICAL "cannot reach the API at '$api': " 'no API'
export IOT_API_URL=http://no.such.host.invalid
trouble 2 CRITICAL "cannot reach the API at 'http://no.such.host.invalid': " 'no such host'

# A server that answers something else.
port=$(free_port)
perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1);
	while (my $c = $s->accept) {
		while (<$c>) { last if /^\r?$/ }
		my $b = q({"total_mqtt_devices":10,"online":9,"offline":2,"error":0,"percentage_online":90.0});
		print $c "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ", length $b, "\r\n\r\n$b";
		close $c }' "$port" &
pids="$pids $!"
wait_for 10 port_open "$port"
export IOT_API_URL="http://127.0.0.1:$port" IOT_TOKEN=any
trouble 3 UNKNOWN "the API's device status does not add up: 9 online, 2 offline and 0 in error are not 10" 'numbers that cannot be right'
done_testing
