#!/bin/sh
# iotstatus asks the API, the broker, EMQX, and holds them against each other.
# slow: each look at a broker waits for a second of silence
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
start_api
use_token
start_broker 'allow_anonymous true'
export IOT_MQTT_HOST="$sock"
seconds=$(date +%s)

run iotstatus --source mqtt
exits 3 'a broker without status messages'
is 'no devices speak MQTT' "$out" 'knows no fleet'
fleet 3 3 "$now"
for how in '' '--max-age 1h' '--wait 200ms' '--on-error critical'; do
	# shellcheck disable=SC2086
	run iotstatus --verify mqtt -c 75: $how
	case $how in *critical) exits 2 "--verify mqtt $how" ;; *) exits 3 "--verify mqtt $how without any status" ;; esac
	has "$out" "broker '$sock' sent no status at all" 'is no word about the fleet'
done
fleet 0 0
run iotstatus --verify mqtt --on-empty ok
exits 0 'negative control: a fleet without devices has none to send'

# The broker knows eight connected ones, one that went away cleanly, and one by its will, in error.
{
	statuses 1 8 connected "$seconds"
	statuses 9 9 disconnected "$seconds"
	statuses 10 10 error ''
} | to_broker "$sock"
run iotstatus --source mqtt
exits 0 '--source mqtt'
is '8/10 devices online (80.00%), 1 offline, 1 error' "$out" 'counts the retained status messages'
run env IOT_API_URL=http://127.0.0.1:1 iotstatus --source mqtt -w 90: -o nagios
exits 1 'and needs no API'
run iotstatus --source mqtt --list error --json
is '["DEV_000010"]' "$out" '--list from the broker'
run iotstatus --source mqtt --list offline --format tsv
is "DEV_000009	$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)	$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)" "$out" \
	'with since when and last seen'

# A will: the device dies, the broker says so.
iotpub DEV_000011 temperature=1 --interval 200ms >/dev/null 2>&1 &
device=$!
said() { [ "$(mosquitto_sub --unix "$sock" -t iot/devices/DEV_000011/status -C 1 -W 1 -F %p | jq -r .status)" = "$1" ]; }
wait_for 10 said connected
kill -9 "$device"
wait "$device" 2>/dev/null
wait_for 10 said disconnected
run iotstatus --source mqtt --list offline
is 'DEV_000009
DEV_000011' "$(printf '%s\n' "$out" | sort)" 'a will counts'
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000011/status -r -n

# Frozen: the database says all are online, and has not heard of them for three weeks.
fleet 10 10 "$old"
run iotstatus -w 90:
exits 0 'the API alone: all well'
run iotstatus -w 90: --verify mqtt
exits 1 '--verify mqtt'
has "$out" 'IOT WARNING - 10/10 devices online (100.00%)' "has the API's number"
has "$out" ', mqtt says 8/10 devices online (80.00%), 2 differ: DEV_000009, DEV_000010, wanted 90:' "the broker's, and who differs"
run iotstatus --verify mqtt -c 85:
exits 2 'the lower number counts'
run iotstatus --verify mqtt --json
is '[{"device_id":"DEV_000009","api":"online","mqtt":"offline"},{"device_id":"DEV_000010","api":"online","mqtt":"error"}]' \
	"$(printf '%s' "$out" | jq -c '.verify.differ')" 'all of them in JSON'
run iotstatus --verify mqtt -v
has "$out" 'DEV_000010: online, mqtt says error, last seen' 'and a line each with -v'
run iotstatus --max-age 10m
exits 1 '--max-age turns a frozen table into WARNING'
has "$out" '0/10 devices online (0.00%), 10 stale, last sign of life 21d 0h ago' 'and says how old it is'
run iotstatus --max-age 10m -w 0:
without "$out" wanted 'a threshold that was kept is no reason'
run iotstatus --max-age 10m -c 50:
exits 2 'stale is not online'
run iotstatus --max-age 30d -w 90:
exits 0 'young enough'
run iotstatus --max-age 10m --list stale
is 10 "$(printf '%s\n' "$out" | wc -l)" '--list stale'
run iotstatus --list stale
exits 3 'needs --max-age'
has "$err" '--list stale needs --max-age' 'and says so'

fleet 10 8 "$now"
run iotstatus --verify mqtt --max-age 10m -w 80:
exits 0 'both agree'
has "$out" 'no device differs' 'and it is said'
fleet 10 8
run iotstatus --max-age 10m
exits 1 'online, and never seen: no proof of life'
has "$out" '0/10 devices online (0.00%), 2 never connected, 8 stale, last sign of life never' 'never and stale are kept apart'
run iotstatus --list never
is 'DEV_000009
DEV_000010' "$(printf '%s\n' "$out" | sort)" 'never connected'
run iotstatus --list offline
is '' "$out" 'is not offline'

# Retained is no proof of life: millis() are no date, and yesterday is too long ago.
{
	statuses 1 4 connected 123456
	statuses 5 6 connected $((seconds - 86400))
} | to_broker "$sock"
run iotstatus --source mqtt --max-age 10m
exits 1 'old status messages'
has "$out" '2/10 devices online (20.00%), 1 offline, 1 error, 6 stale' 'are stale'
bg iotpub DEV_000003 temperature=1 --interval 100ms --takeover >/dev/null 2>&1
wait_for 10 mosquitto_sub --unix "$sock" -t iot/sensors/DEV_000003/data -C 1 -W 1
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000003/status -r -m '{"status":"connected","timestamp":123456}'
run iotstatus --source mqtt --max-age 10m --wait 1s
has "$out" '3/10 devices online (30.00%)' 'a reading that comes now is a sign of life'
kill "$bg"
wait "$bg" 2>/dev/null

# Topics named by the client id instead of the device's.
fleet 1 1 "$now"
mosquitto_pub --unix "$sock" -t iot/devices/client-000001/status -r -m '{"status":"connected"}'
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000001/status -r -n
run iotstatus --verify mqtt
has "$out" 'no device differs' 'a device is found by its client id, too'
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000005/status -r -m 'rubbish'
run iotstatus --source mqtt
has "$err" '1 status message could not be read' 'what cannot be read is said'
printf '{"status":"connected","x":"%2000000s"}' '' >large
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000005/status -r -f large
run iotstatus --source mqtt
has "$err" '1 status message could not be read' '... so is what is too large to be taken'

mosquitto_pub --unix "$sock" -t iot/devices/DEV_000005/status -r -n

# A clock that is years ahead is no sign of life for years.
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000006/status -r -m '{"status":"connected","timestamp":4000000000}'
run iotstatus --source mqtt --max-age 10m --list stale
has "$out" DEV_000006 'a time stamp from the future proves nothing'
mosquitto_pub --unix "$sock" -t iot/devices/DEV_000006/status -r -n

# A part of the fleet is no fleet.
run iotstatus --source mqtt -t 400ms -w 1:
exits 2 'time was up before the broker was quiet'
has "$out" 'this may be a part of the fleet' 'and no number is made of what came so far'
run iotstatus --source mqtt --wait 300ms -t 900ms
is '' "$err" 'unless --wait says how much is enough'
run iotstatus --source mqtt --wait 10s
exits 3 '--wait that --timeout would cut'
has "$out" '--wait must be over before --timeout' 'is refused'
# More often than the pause that it waits for.
while echo '{"status":"connected"}'; do sleep 0.2; done 2>/dev/null | mosquitto_pub --unix "$sock" -t iot/devices/DEV_000007/status -l &
noise=$!
run timeout 20 iotstatus --source mqtt -t 4s
is '' "$err" 'a device that changes all the time delays nobody'
kill "$noise"

run iotstatus --source mqtt --mqtt-host "$T/no.sock" -w 90:
exits 2 'no broker: CRITICAL'
has "$out" "IOT CRITICAL - cannot reach broker '$T/no.sock'" 'is named'
run iotstatus --source mqtt --verify mqtt
exits 3 'only the API is verified'
kill -STOP "$broker_pid"
run timeout 20 iotstatus --source mqtt -w 90: -t 700ms
kill -CONT "$broker_pid"
exits 2 'a broker that does not answer: CRITICAL'

# EMQX.
printf 'key-1:geheim\n' >emqx.key
chmod 600 emqx.key
start_http emqx key-1:geheim
export IOT_EMQX_URL="$http_url" IOT_EMQX_KEY_FILE="$T/emqx.key"
when=2026-11-23T10:00:00.000+00:00
{
	echo "DEV_000001 device_DEV_000001 connected $when"
	echo "client-000002 x connected $when"
	echo "anything device_DEV_000003 connected $when"
	echo "DEV_000004 device_DEV_000004 disconnected $when"
	echo "iot-probe-abc admin connected $when"
	echo "DEV_000001.commands x connected $when"
	echo "iotapi-1 admin connected $when"
} >"$http/clients"
run iotstatus --source emqx
exits 0 '--source emqx'
is '3/4 devices online (75.00%), 1 offline' "$out" 'counts clients, but not our own'
run iotstatus --source emqx --list offline --format tsv
is 'DEV_000004	2026-11-23T10:00:00Z	2026-11-23T10:00:00Z' "$out" 'with since when'
fleet 5 4 "$now"
run iotstatus --verify emqx -w 90:
exits 1 '--verify emqx'
has "$out" '4/5 devices online (80.00%), 1 offline, 0 error, 0 never connected, 0 stale, emqx says 3/5 devices online (60.00%), 1 differs: DEV_000004' \
	'matches by id, client id and login'
run iotstatus --verify emqx -v
has "$out" 'DEV_000005: offline, emqx says not there' 'what EMQX has forgotten is not there; "never" it cannot know'
run iotstatus --verify emqx --json
is '{"offline":1,"not_there":1,"never":null}' \
	"$(printf '%s' "$out" | jq -c '.verify | {offline, not_there, never: .never_connected}')" 'in JSON, too'
fleet 5 3 "$now"
run iotstatus --verify emqx --max-age 1m
exits 0 'a connection is a sign of life'
run iotstatus --source mqtt --source emqx --max-age 1m -v
has "$out" 'DEV_000004: offline, since 2026-11-23T10:00:00Z' 'the last --source counts'
run env TZ=XST6 iotstatus --source emqx -v
has "$out" 'DEV_000004: offline, since 2026-11-23T04:00:00-06:00' 'people read the time of their place'
run env TZ=XST6 iotstatus --source emqx --list offline --format tsv
has "$out" '2026-11-23T10:00:00Z' 'programs that of UTC'

# Members of a --group, and who is --durable, have ids of their own, and a kept session each while they are away.
{
	echo "DEV_000001 device_DEV_000001 connected $when"
	echo "DEV_000002 x connected $when"
	echo "archive-1 ingest connected $when"
	echo "archive-2/% ingest disconnected $when"
	echo "archive-3 ingest disconnected $when"
	echo "durable ingest disconnected $when"
} >"$http/clients" 2>/dev/null
{
	echo "DEV_000001 \$share/odd/x"
	echo 'DEV_000002 iot/devices/DEV_000002/commands iot/config/DEV_000002/#'
	echo 'durable iot/sensors/+/data'
	for n in 1 2/% 3; do echo "archive-$n iot/x \$share/archive/iot/sensors/+/data"; done
} >"$http/subscriptions"
run iotstatus --source emqx
is '2/2 devices online (100.00%)' "$out" 'they are no devices'
: >"$http/subscriptions"
run iotstatus --source emqx
is '3/6 devices online (50.00%), 3 offline' "$out" 'negative control: who has no such subscription is one'
: >"$http/log"
perl -e 'printf "DEV_%06d device_DEV_%06d connected 2026-11-23T10:00:00.000+00:00\n", $_, $_ for 1 .. 2500' >"$http/clients"
run iotstatus --source emqx
is '2500/2500 devices online (100.00%)' "$out" 'all pages'
is 3 "$(grep -c 'fields=clientid,username,connected,connected_at,disconnected_at$' "$http/log")" \
	'and asks for no more of a client than it reads, a tenth'
: >"$http/clients"
run iotstatus --source emqx
exits 3 'no clients at all: an empty fleet'

# EMQX's 500 holds an Erlang term with the request's header, and so the key.
: >"$http/fail"
run iotstatus --source emqx -w 90: -v
exits 2 'EMQX fails: CRITICAL'
is "IOT CRITICAL - EMQX at '$http_url' failed (500)" "$out" 'and is named, without a word of its own'
is '' "$err" 'on standard output only'
rm "$http/fail"
echo 2 >"$http/slow"
run iotstatus --source emqx -w 90: -t 500ms
rm "$http/slow"
has "$out" "IOT CRITICAL - EMQX at '$http_url' is too slow: no answer within 0." 'EMQX that is slow is named'
run iotstatus --source emqx -w 90: --emqx-url http://127.0.0.1:1
is "IOT CRITICAL - cannot reach EMQX at 'http://127.0.0.1:1': connection refused" "$out" 'so is EMQX that is not there'
printf 'key-1:wrong\n' >emqx.key
run iotstatus --source emqx -w 90:
exits 3 'a wrong key: UNKNOWN'
has "$out" "EMQX at '$http_url' refused the key: code: BAD_API_KEY_OR_SECRET; Check api_key" 'with its name'
has "$out" 'Check api_key/api_secret' "and EMQX's words"
without "$out$err" wrong 'and without the key'
echo nonsense >emqx.key
run iotstatus --source emqx
exits 3 'a key file that holds no key'
has "$out" 'wanted one line, KEY:SECRET' 'says what it wants'
chmod 644 emqx.key
run iotstatus --source emqx
exits 3 'a key file that others can read'
unset IOT_EMQX_KEY_FILE
run iotstatus --source emqx
exits 3 'no key'
has "$out" '--emqx-key-file' 'names the option'
chmod 600 emqx.key
run iotstatus --source emqx --emqx-key-file emqx.key --emqx-url http://127.0.0.1:1 -w 90:
exits 3 'still no key'
printf 'a:b\n' >emqx.key
run iotstatus --source emqx --emqx-key-file emqx.key --emqx-url http://127.0.0.1:1 -w 90:
exits 2 'no EMQX: CRITICAL'

# A broker that drops what its queue does not hold: each time it sends another part of what it keeps.
cat >part.pl <<'END'
use IO::Socket::UNIX;
my ($name, @parts) = @ARGV;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die;
rename "$name.new", $name;
while (my $c = $l->accept) {
	my $n = @parts > 1 ? shift @parts : $parts[0];
	sysread $c, my $connect, 4096;
	syswrite $c, pack("H*", "2003000000");
	sysread $c, my $subscribe, 4096;
	my $out = pack("CCnCC", 0x90, 4, 1, 0, 0);
	for my $i (1 .. $n) {
		my $body = pack("n/a*C", sprintf("iot/devices/D%04d/status", $i), 0) . '{"status":"connected"}';
		$out .= pack("CC", 0x31, length $body) . $body;
	}
	while (length $out) { substr($out, 0, syswrite($c, $out) // last, "") }
	1 while sysread $c, my $rest, 4096;
}
END
# What it may not be asked, or does not have, is no empty fleet.
bg perl "$top/tests/broker.pl" denies suback=87 once=1
bg perl "$top/tests/broker.pl" bare props=022500
wait_for 10 test -S denies.sock -a -S bare.sock
run iotstatus --source mqtt --mqtt-host "$T/denies.sock" --max-age 1h -w 90:
exits 3 'a broker that refuses to tell the statuses, but not the readings'
has "$out" "refused the subscription 'iot/devices/+/status': not allowed" '... is said to'
run iotstatus --source mqtt --mqtt-host "$T/bare.sock" -w 90:
exits 3 'a broker that retains nothing has no fleet to show'
has "$out" "broker '$T/bare.sock' says that it keeps no retained messages" '... which is said'
run iotstatus --source mqtt --mqtt-host "$T/bare.sock" --wait 100ms
is '3 no devices speak MQTT ' "$status $out $err" '... unless --wait says how long to listen'

for parts in '2000 1100 1500 1200' '2000'; do
	rm -f part.sock
	# shellcheck disable=SC2086
	bg perl part.pl part.sock $parts
	wait_for 10 test -S part.sock
	run timeout 60 iotstatus --source mqtt --mqtt-host "$T/part.sock" -w 90: -t 50
	if [ "$parts" = 2000 ]; then
		exits 0 'a broker that sends the same again is believed'
		has "$out" '2000/2000 devices online' '... with all that it keeps'
	else
		exits 3 'a broker that sends one part now and another then is not'
		has "$out" 'sent only 1200 of the 2000 statuses, or more, that it keeps' '... which is said'
	fi
	kill "$bg"
done
done_testing
