#!/bin/sh
# iotsub DEVICE --exec and --reply: commands run, answered, acknowledged only then.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

command_to() { # command_to DEVICE PAYLOAD [OPTION...]
	d=$1
	m=$2
	shift 2
	mosquitto_pub --unix "$sock" -q 2 -t "iot/devices/$d/commands" -m "$m" "$@"
}
# obey LOG DEVICE OPTION...: in the background, subscribed when this returns.
obey() {
	log=$1
	shift
	known=$(grep -c "Received SUBSCRIBE from $1.commands" "$T/mosquitto.log")
	bg iotsub -h "$sock" "$@" >"$log" 2>"$log.err"
	obeying=$bg
	wait_for 10 subscribed_again "$1.commands" "$known"
}
subscribed_again() { [ "$(grep -c "Received SUBSCRIBE from $1" "$T/mosquitto.log")" -gt "$2" ]; }

cat >handler <<'EOF'
#!/bin/sh
read -r payload
echo "$payload $*" >>ran
case $payload in
*slow*) sleep 20 ;;
*bad*) exit 3 ;;
esac
printf '{"topic":"%s","device":"%s","id":"%s","qos":%s,"retain":%s}' \
	"$IOT_TOPIC" "$IOT_DEVICE_ID" "$IOT_COMMAND_ID" "$IOT_QOS" "$IOT_RETAIN"
EOF
chmod +x handler
watch answers 'iot/devices/+/responses'
watch mine my/answers -V mqttv5 -F '%r %q %t %D %p'
obey shown E_1 --exec-timeout 500ms --jobs 2 --exec ./handler 'two words' --durable
command_to E_1 '{"id":"a","fan":"on"}'
command_to E_1 '{"id":"b","x":"bad"}'
command_to E_1 '{"id":"c","x":"slow"}'
command_to E_1 'no answer wanted'
command_to E_1 '{"id":"d"}' -V mqttv5 -D publish response-topic my/answers -D publish correlation-data abc
wait_for 10 count answers 3
wait_for 10 count mine 1
is '0 1 iot/devices/E_1/responses {"id":"a","device_id":"E_1","status":"ok","result":{"topic":"iot/devices/E_1/commands","device":"E_1","id":"a","qos":1,"retain":0}}' \
	"$(got answers | grep '"id":"a"')" "a command is run, with its environment, and answered"
has "$(got answers)" "{\"id\":\"b\",\"device_id\":\"E_1\",\"status\":\"error\",\"result\":\"'./handler' exited with status 3\"}" "one that fails"
has "$(got answers)" "{\"id\":\"c\",\"device_id\":\"E_1\",\"status\":\"timeout\",\"result\":\"'./handler' took longer than 0.5 s\"}" "one that takes too long"
has "$(got mine)" 'my/answers abc {"id":"d","device_id":"E_1","status":"ok"' "on the response topic, with correlation data"
has "$(cat ran)" 'no answer wanted two words --durable' "one without an id is run too, with the program's arguments"
has "$(cat shown)" 'no answer wanted' "each is shown"
has "$(cat shown.err)" "'--durable' behind --exec is an argument of './handler'" "an option of ours behind it is warned of"
command_to E_1 '{"id":"a","fan":"on"}'
wait_for 10 count answers 4
is "$(got answers | grep -c '"id":"a"') $(grep -c '"id":"a"' ran)" "2 1" "the same id again is answered from memory"
kill $obeying
wait $obeying
is 0 $? "SIGTERM: status 0"

# At most --jobs at once.
cat >counted <<'EOF'
#!/bin/sh
echo + >>jobs
sleep 0.2 # the others run meanwhile
echo - >>jobs
EOF
chmod +x counted
obey many E_2 --jobs 3 -C 12 --exec ./counted
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do command_to E_2 "{\"id\":$n}"; done
wait $obeying
is 0 $? "-C ends it when the last one is answered"
is 3 "$(awk '/\+/ { n++ } /-/ { n-- } n > most { most = n } END { print most }' jobs)" "--jobs run at once, not more"
wait_for 10 count answers 16
is 12 "$(got answers | grep -c E_2)" "all are answered"

# Commands sent while it was away; those that it could not finish come again.
obey away E_3 --durable -C 1 --exec ./handler
command_to E_3 '{"id":"first"}'
wait $obeying
command_to E_3 '{"id":"second"}'
run timeout 10 iotsub -h "$sock" E_3 --durable -C 1 --exec ./handler
exits 0 "--durable: a command that was sent while it was away"
has "$(cat ran)" '{"id":"second"}' "is run"
keep E_4.commands iotsub -h "$sock" E_4 --exec ./handler
command_to E_4 '{"id":"never"}'
obey control E_4 -C 1 --exec ./handler
command_to E_4 '{"id":"next"}'
wait $obeying
no_line ran "a control: without --durable it is lost" never
obey killed E_5 --durable --exec-timeout 30s --exec ./handler
command_to E_5 '{"id":"slow"}'
wait_for 10 grep -q '"id":"slow"' ran
kill -KILL $obeying
wait $obeying 2>/dev/null
sed -i 's/sleep 20/:/' handler
run timeout 10 iotsub -h "$sock" E_5 --durable -C 1 --exec ./handler
is 2 "$(grep -c '"id":"slow"' ran)" "killed while it ran: it was not acknowledged, and is run again"

# --reply, several devices, forms of output.
obey replies E_6 E_7 --reply '{"ok": true}' -C 2 --json
wait_for 10 subscribed_again E_7.commands 0
command_to E_6 '{"id":1}'
command_to E_7 '{"id":2}'
wait $obeying
wait_for 10 grep -q '"id":2,"device_id":"E_7"' answers
has "$(got answers)" '{"id":1,"device_id":"E_6","status":"ok","result":{"ok":true}}' "--reply answers"
has "$(got answers)" '{"id":2,"device_id":"E_7","status":"ok","result":{"ok":true}}' "for each device"
is 2 "$(grep -c '^{"received_at".*"payload":{"id":' replies)" "message lines"

# Commands that overlap without end: each runs until the next one has come, so the first answer cannot wait
# for a moment in which none runs.
cat >overlap <<'EOF'
#!/bin/sh
n=$IOT_COMMAND_ID
echo "$n" >>overlapping
tries=10
until grep -qx $((n + 1)) overlapping || [ $((tries -= 1)) -eq 0 ]; do sleep 0.05; done
EOF
chmod +x overlap
obey chain E_8 --exec ./overlap
before=$(wc -l <answers)
n=0
while [ "$(wc -l <answers)" -eq "$before" ] && [ $n -lt 30 ]; do
	n=$((n + 1))
	command_to E_8 "{\"id\":$n}"
	sleep 0.2 # less than the handler waits for the next one
done
[ "$(wc -l <answers)" -gt "$before" ]
tap $? "commands that overlap are answered before they end (after $n)"

# A handler that takes its time when it is told to end.
printf '#!/bin/sh\ntrap "" TERM\necho >patient.ran\nwhile sleep 1; do :; done\n' >patient
chmod +x patient
obey patient.log E_10 --exec-timeout 50s --exec ./patient
command_to E_10 '{"id":1}'
wait_for 10 test -e patient.ran
kill $obeying
sleep 0.3 # within 0.25 s it would be the same signal
kill -0 $obeying
tap $? "SIGTERM waits for a handler that runs"
before=$(date +%s)
kill $obeying
wait $obeying
is "0 soon" "$? $([ $(($(date +%s) - before)) -lt 5 ] && echo soon)" "... a second one does not"

# Told to end it takes no more commands, though one is being run, and a kept session gets them next time.
# shellcheck disable=SC2016 # for the inner shell
set -- E_11 --durable --exec sh -c 'echo $IOT_COMMAND_ID >>late.ran; until [ -e go ]; do sleep 0.05; done'
obey late "$@"
command_to E_11 '{"id":1}'
wait_for 10 test -e late.ran
kill $obeying
command_to E_11 '{"id":2}'
sent() { [ "$(grep -c 'Sending PUBLISH to E_11.commands' mosquitto.log)" -ge "$1" ]; }
wait_for 10 sent 2
: >go
wait $obeying
is "0 1 " "$? $(cat late.ran) $(cat late.err)" "SIGTERM while a command is run: the next one is not taken"
obey late "$@"
wait_for 10 grep -qx 2 late.ran
kill $obeying
wait $obeying
is "1 2" "$(paste -sd ' ' late.ran)" "the next run gets it"

# Its messages were there before the time was up: what runs behind that is no reason for 27.
obey counted W_1 -C 1 -W 4 --exec sleep 5
command_to W_1 '{"id":1}'
wait $obeying
is '0 ' "$? $(cat counted.err)" '-C was reached, and the command goes on for longer than -W'
has "$(got answers)" '"device_id":"W_1","status":"ok"' 'and is answered'

# --retained-only, as mosquitto_sub.
mosquitto_pub --unix "$sock" -r -t kept/1 -m one
mosquitto_pub --unix "$sock" -r -t kept/2 -m two
iotsub -h "$sock" -i keeper -t 'kept/#' --retained-only >kept &
p=$!
pids="$pids $p"
wait_for 10 grep -q two kept
mosquitto_pub --unix "$sock" -t kept/3 -m three
wait $p
is "0 one two" "$? $(sort kept | paste -sd ' ')" "--retained-only ends with the first other message"

# Refusals.
for o in '--reply 1 --exec cat' '--reply nojson' '--exec /nonexistent' "--exec ''" '--exec "cat -u"' --exec; do
	eval "run iotsub -h \"\$sock\" E_9 $o"
	exits 2 "refused: $o"
done
run iotsub -h "$sock" -t x --exec cat
exits 2 "--exec with -t is refused"
run iotsub -h "$sock" -t x -R --retained-only
exits 2 "-R and --retained-only"

# More of them wait than are wanted: the last answer is acknowledged, and the rest stay with the broker.
keep L1.commands iotsub -h "$sock" L1 -c --reply 1
seq 40 | sed 's/.*/{"id":&}/' | iotpub -h "$sock" -t iot/devices/L1/commands -l -q 1
run timeout 20 iotsub -h "$sock" L1 -c --reply 1 -C 5
is '0 5 ' "$status $(printf '%s\n' "$out" | wc -l) $err" 'of 40 commands five are answered'
run timeout 20 iotsub -h "$sock" L1 -c --jobs 1 -C 35 --exec cat
is '0 {"id":6} {"id":40}' "$status $(printf '%s\n' "$out" | sed -n '1p;$p' | paste -sd ' ')" '... then the rest, each once'
done_testing
