#!/bin/sh
# iotingest's counters: on standard error, for Prometheus, on a terminal, at the end.
# slow: the broker is away for a while
# shellcheck disable=SC2016 # text for others: sh, expect, MQTT
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

start_ingest usr1 out --readings --rejects bad --stats 1d --metrics prom
publish 1 3
pub -q 1 -t iot/sensors/X/data -m 'no json'
wait_for 10 has_lines 3 out
wait_for 10 has_lines 1 bad
line() { grep -a '^{' usr1.err | tail -n 1; }
kill -USR1 $ingesting
lines() { [ "$(grep -ac '^{' usr1.err)" -ge "$1" ]; }
wait_for 10 lines 1
tap $? 'SIGUSR1 prints a line'
is '[4,3,1,0,4,0,true]' "$(line | jq -c '[.messages, .readings, .rejected, .skipped, .acknowledged, .reconnects, .connected]')" \
	'of the counters'
is "[\"$sock\",\"$sock\",false,1000]" "$(line | jq -c '[.broker, .address, .session_present, .window]')" \
	'of the connection: broker, address, session, window'
is "$(cat out bad | wc -c)" "$(line | jq .bytes_out)" 'bytes_out is what was written'
is true "$(line | jq '.uptime >= 0 and .rate > 0 and .batches >= 1 and .bytes_in > 40')" 'with times and rates'
is 'time uptime messages readings rejected skipped bytes_in bytes_out batches held_back acknowledged sink_failures sessions_lost shares_ended reconnects connected broker address session_present window rate ' \
	"$(line | jq -r 'keys_unsorted[]' | tr '\n' ' ')" 'the keys are these, in this order'
kill $ingesting
wait $ingesting
has "$(tail -n 1 usr1.err)" 'iotingest: 4 messages, 3 readings, 1 rejected in ' 'a summary at the end'

# Prometheus.
is 4 "$(sed -n 's/^iot_ingest_messages_total //p' prom)" 'the textfile counts'
is 0 "$(sed -n 's/^iot_ingest_connected //p' prom)" 'and says at the end that it is over'
is "{broker=\"$sock\",address=\"$sock\"} 1" "$(sed -n 's/^iot_ingest_connection_info//p' prom)" 'with whom it was'
# Each sample has HELP and TYPE in front, a name with our prefix, a number and no time.
wrong=$(awk '/^# HELP iot_ingest_[a-z_]+ [A-Z].*\.$/ { help = $3; next }
	/^# TYPE iot_ingest_[a-z_]+ (counter|gauge)$/ { type = $3; if ($4 == "counter" && $3 !~ /_total$/) print; next }
	{ sample = $1; sub(/{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*}$/, "", sample) }
	NF == 2 && sample == help && sample == type && $2 ~ /^[0-9.]+$/ { next }
	{ print }' prom)
is '' "$wrong" 'the textfile is as the collector wants it'
is 644 "$(stat -c %a prom)" 'and may be read'
run iotingest -h "$sock" --metrics "$T/not/there/\0" -W 300ms
exits 27 'directories are made'
run iotingest -h "$sock" --metrics /proc/metrics -W 300ms
exits 7 'a place that cannot be written is told at the start'
has "$err" "/proc/metrics" 'with its name'

# Every so often, and after a reconnect.
start_ingest often out2 --stats 100ms
often() { [ "$(grep -c '^{' often.err)" -ge 3 ]; }
wait_for 10 often
tap $? '--stats prints again and again'
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
away() { tail -n 1 often.err | grep -q '"connected":false'; }
wait_for 10 away
tap $? 'and says when the broker is away'
rm -f "$sock"
start_broker 'allow_anonymous true' 'log_type all'
back() { tail -n 1 often.err | grep -q '"reconnects":1,"connected":true'; }
wait_for 20 back
tap $? 'and that it is back'
kill $ingesting
wait $ingesting
start_ingest quiet out3 --quiet
kill $ingesting
wait $ingesting
silent quiet.err '--quiet says nothing'

# A terminal: the rate, wiped away before anything else is said.
cat >tty.exp <<'X'
set timeout 10
proc want {pattern} { expect -re $pattern {} timeout { send_error "no $pattern\n"; exit 1 } eof { exit 2 } }
spawn sh -c "exec iotingest -h $env(SOCK) --durable tty -C 3 >$env(T)/tty.out"
want {0 messages, 0/s}
exec mosquitto_pub --unix $env(SOCK) -q 1 -t iot/sensors/X/data -m 1
want "\r\033\\\[K1 message, \[0-9]+/s"
exec mosquitto_pub --unix $env(SOCK) -q 1 -t iot/sensors/X/data -m 2
exec mosquitto_pub --unix $env(SOCK) -q 1 -t iot/sensors/X/data -m 3
want "\r\033\\\[Kiotingest: 3 messages in"
exit 0
X
SOCK=$sock TERM=xterm ok 'a terminal shows the rate, and wipes it away' timeout 30 expect tty.exp
has_lines 3 tty.out
tap $? 'while lines go where they are sent'
SOCK=$sock TERM=dumb timeout 30 expect -c '
	spawn sh -c "exec iotingest -h $env(SOCK) -W 1500ms >/dev/null"
	expect eof' >dumb.out
no_line dumb.out 'not on a dumb one' '0/s'
done_testing
