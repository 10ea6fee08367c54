#!/bin/sh
# iotingest: what is subscribed to, what comes out, and what it refuses before it connects.
# slow: an iotingest for each form of a line
# shellcheck disable=SC2016 # text for others: MQTT, expect
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

# Filters and templates.
ingest_of "pub -q 1 -t lab/A7/v -m 1; pub -q 1 -t other/x -m 2" -t 'lab/{device_id}/v' -t 'other/#' -C 2
exits 0 'several -t, templates and filters'
is '"device_id":"A7", "topic":"other/x", ' \
	"$(printf '%s\n' "$out" | sed -n 's/.*\("device_id":"[A-Z0-9]*"\).*/\1/p; s/.*\("topic":"other[^,]*\).*/\1/p' | tr '\n' ',' | sed 's/,/, /g')" \
	'each captures what it has'

# Identity.
liar='{"device_id":"RPI_002","sensors":{"t":1}}'
ingest_of "pub -q 1 -t iot/sensors/RPI_001/data -m '$liar'" -C 1
has "$out" '"id_mismatch":true' 'another id in the payload is marked'
for form in '' --readings '--readings --format csv'; do
	# shellcheck disable=SC2086 # words
	ingest_of "pub -q 1 -t iot/sensors/RPI_001/data -m '$liar'" -C 1 --strict $form
	is '' "$out" "--strict $form rejects it"
	has "$err" '"error":"id"' 'and says why'
done
ingest_of "pub -q 1 -t iot/sensors/RPI_001/data -m '$liar'" -C 1 -t 'iot/#' -t 'lab/{device_id}/v'
has "$out" '"device_id":"RPI_001"' 'a filter without variables: the guide'"'"'s templates capture'
has "$out" '"id_mismatch":true' 'and identity is looked at'
ingest_of "pub -q 1 -t iot/sensors/RPI_001/data -m '$liar'" -C 1 --strict -t 'iot/#'
is '' "$out" 'by --strict too'
ingest_of "pub -q 1 -t lab/A7/v -m '$liar'" -C 1 -t 'lab/#' -t 'lab/{device_id}/v'
has "$out" '"device_id":"A7"' 'a template captures behind a filter that matches as well'
ingest_of "pub -q 1 -t v3/app/devices/A8/up -m '$liar'" -C 1 --strict -t 'v3/+/devices/{device_id}/up'
is '' "$out" 'a template with a wildcard captures, too'
has "$err" '"error":"id"' 'for --strict as well'

# Retained messages.
pub -q 1 -r -t iot/devices/A/status -m '["kept"]'
for version in 5 311; do
	ingest_of "pub -q 1 -t iot/devices/A/status -m '[\"live\"]'" -V $version \
		-t 'iot/devices/{device_id}/status' --retained skip -C 1
	has "$out" '"retain":false,"mid":' "--retained skip: not the kept one (MQTT $version)"
	has "$out" '"payload":["live"]' 'but the live one'
	ingest_of "pub -q 1 -t iot/devices/A/status -m '[\"live\"]'" -V $version \
		-t 'iot/devices/{device_id}/status' --retained only -W 3s
	is '["kept"]' "$(printf '%s\n' "$out" | sed 's/.*"payload":\(.*\)}/\1/')" \
		"--retained only: nothing else (MQTT $version)"
done
acknowledged() { [ "$(grep -c "Received PUBACK from case$cases " mosquitto.log)" -ge "$1" ]; }
ingest_of 'publish 1 4; wait_for 10 acknowledged 4; kill $ingesting' --retained only
is '' "$out" '--retained only: nothing else'
publish 5 5
run ingest --durable "case$cases" -C 1
is '5 ' "$(numbers .out)" 'what is left out is acknowledged'

# -C and what is left out: exactly N lines, and the next one still waits.
ingest_of "publish 1 5" --retained skip -C 2 -t 'iot/sensors/+/data' -t 'iot/devices/+/status'
is '1 2 ' "$(numbers lines)" '-C counts what comes out'
run ingest --durable "case$cases" -C 3 -t 'iot/sensors/+/data'
is '3 4 5 ' "$(numbers .out)" 'those behind them stayed with the broker'

# Forms.
reading='{"device_id":"X","sensors":{"t":21.50,"note":"a,\"b\""},"timestamp":7}'
ingest_of "pub -q 1 -t iot/sensors/X/data -m '$reading'" -C 1 --readings --format csv \
	--columns sensor,value,timestamp,device_id --header
is 'sensor,value,timestamp,device_id
t,21.50,7,X
note,"a,""b""",7,X' "$out" '--format csv --columns --header'
ingest_of "pub -q 1 -t iot/sensors/X/data -m '$reading'" -C 1 --readings --format tsv --columns value,qos
is '21.50	1
a,"b"	1' "$out" '--format tsv'
printf 'sensor\n' >with-head.csv
start_ingest head with-head.csv --readings --format csv --columns sensor --header -C 1
pub -q 1 -t iot/sensors/X/data -m "$reading"
wait $ingesting
is 'sensor t note ' "$(tr '\n' ' ' <with-head.csv)" 'a file that has rows gets no second header'
ingest_of "pub -q 1 -t iot/sensors/X/data -m hi" -F '%t=%p (%q)' -C 1
is 'iot/sensors/X/data=hi (1)' "$out" "-F is mosquitto_sub's"
for qos in 0 1 2; do
	ingest_of "pub -q 2 -t iot/sensors/X/data -m 1" -q $qos -C 1
	exits 0 "-q $qos"
done


# Nothing from the network reaches a terminal raw; a pipe gets the bytes.
printf '{"device_id":"X","a":"\302\233x\177"}\n' >c1
printf 'x\033[31m\0y' >escape
on_terminal() { # on_terminal FILE OPTION...
	file=$1
	shift
	known=$(grep -c 'Received SUBSCRIBE from tty' mosquitto.log)
	SOCK=$sock OPTIONS=$* timeout 20 expect -c '
		spawn -noecho sh -c "exec iotingest -h $env(SOCK) --quiet -C 1 -t iot/sensors/+/data --durable tty $env(OPTIONS)"
		expect eof' >tty.out 2>&1 &
	tty=$!
	wait_for 10 subscribed tty "$known"
	pub -q 1 -t iot/sensors/X/data -f "$file"
	wait $tty
}
tame() { no_line tty.out "$1" -aE "$(printf '\033|\302\233|\177')"; }
on_terminal escape -F %p
tame 'a terminal gets no escape sequence of a payload'
has "$(cat tty.out)" 'x\x1b[31m\x00y' 'but sees that there was one'
on_terminal c1
tame 'nor a control character in JSON'
on_terminal c1 --readings --format csv --columns value
tame 'nor in CSV'
ingest_of "pub -q 1 -t iot/sensors/X/data -f escape" -F %p -C 1
is 1 "$(grep -ac "$(printf '\033')" lines)" 'a pipe gets it as it is'

# Sizes and the session's numbers reach the broker.
cat >connect.pl <<'END'
use IO::Socket::UNIX;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => $ARGV[0]) or die;
while (my $c = $l->accept) {
	sysread $c, my $connect, 4096;
	open my $log, ">", "connect.hex" or die;
	print $log unpack("H*", $connect);
	close $log;
}
END
perl connect.pl "$T/connect.sock" &
pids="$pids $!"
wait_for 10 test -S connect.sock
says() { # says 'PROPERTY IN HEXADECIMAL' 'SENTENCE' OPTION...
	property=$1 sentence=$2
	shift 2
	run timeout 10 iotingest -h "$T/connect.sock" --durable x "$@"
	has "$(cat connect.hex)" "$property" "CONNECT says $sentence"
}
says 1100000e10 'the session expiry' --session-expiry 1h
says 1100015180 'that a kept session waits for a day'
says 110000000a 'so does a member of a group' --group g --session-expiry 10s
run timeout 10 iotingest -h "$T/connect.sock" --durable x --group g --session-expiry 0
has "$(cat connect.hex)" 003c032103e8000178 \
	'a member of a group may keep nothing, which is said by no expiry at all: the one property is another'
says 21000a 'the receive maximum' --receive-maximum 10
says 2103e8 'that it is 1000'
says 2700010000 'the size of packets when it is announced' --max-packet 64K --announce-max-packet
run timeout 10 iotingest -h "$T/connect.sock" --durable x --max-packet 64K
case $(cat connect.hex) in *2700010000*) false ;; *) true ;; esac
tap $? '... and not when it is not'

refused() { # refused 'PART OF THE MESSAGE' OPTION...
	part=$1
	shift
	run iotingest -h "$T/no.sock" "$@"
	exits 2 "refused: $*"
	has "$err" "$part" "it says: $part"
}
refused 'needs MQTT 5' --durable x --session-expiry 1h -V 311
refused 'needs MQTT 5' --announce-max-packet -V 311
refused "'1M0' is not a size from 1024" --max-packet 1M0
refused "'300M' is not a size" --max-packet 300M
refused "'0' is not a whole number from 1 to 65535" --receive-maximum 0
refused '-i ID or --durable ID' --group g
refused '--group' --group 'a/b' -i x
refused "leave out --id" --durable x -i y
refused "'some' is none of keep|skip|only" --retained some
refused "'xml' is none of ndjson|csv|tsv" --format xml
refused 'are for rows' --columns sensor
refused 'are for rows' --header
refused "leave out --readings" -F %p --readings
refused "after '%' comes one of" -F %z
refused 'nope' --readings --format csv --columns nope
refused 'the command is empty' --sink ''
refused 'the command is empty' --sink '  '
refused 'waits for 1s at least' --durable x --session-expiry 0
refused 'one of --group may wait for 0' --durable x --session-expiry 500ms
refused 'one of --group may wait for 0' --group g -i x --session-expiry 999ms
refused '--session-expiry needs one of --durable, --group' -i x --session-expiry 0
refused 'needs MQTT 5' --group g -i x --session-expiry 0 -V 311
refused 'give one' --from-platform -t x
refused "is not a whole number" --linger 1s
refused "is not a whole number" --batch 0
done_testing
