#!/bin/sh
# iotpub -t: mosquitto_pub's letters, and nothing ends before it is acknowledged.
# slow: a broker that does not answer is waited for
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# The same letters as mosquitto_pub.
printf 'a\nb\000c' >payload
watch theirs 'raw/#' -F '%r %q %t %x'
seen=1
for p in "mosquitto_pub --unix" "iotpub -h"; do
	$p "$sock" -t raw/1 -q 2 -m 'text' -V 5
	$p "$sock" -t raw/2 -q 1 -f payload -V 311
	$p "$sock" -t raw/3 -q 1 -s <payload
	$p "$sock" -t raw/4 -q 1 -n
	printf 'a\nb' | $p "$sock" -t raw/5 -q 1 -l
	printf 'x\n\ny\r\n' | $p "$sock" -t raw/6 -q 1 -l
	$p "$sock" -t raw/7 -q 0 -m 'again' --repeat 3 --repeat-delay 0.02
	: | $p "$sock" -t raw/8 -q 1 -l
	$p "$sock" -t raw/9 -q 1 -l </dev/null
	mosquitto_pub --unix "$sock" -t raw/end -m "end $p"
	wait_for 10 grep -q "$(printf 'end %s' "$p" | od -An -tx1 | tr -d ' \n')" theirs
	# By topic: mosquitto_sub shows a QoS 2 message when its handshake is over, maybe after later ones.
	got theirs | tail -n +"$seen" | grep -v raw/end | sort -s -k3,3 >"bytes.${p%% *}"
	seen=$(($(got theirs | wc -l) + 1))
done
ok "the same messages as mosquitto_pub's" cmp bytes.mosquitto_pub bytes.iotpub
is 12 "$(grep -c . bytes.iotpub)" "all of them"
mosquitto_pub --unix "$sock" -t raw/kept -r -m old
iotpub -h "$sock" -t raw/kept -r -m new
is new "$(mosquitto_sub --unix "$sock" -t raw/kept -C 1 -W 3)" "-r is retained"
iotpub -h "$sock" -t raw/kept -r -n
is '' "$(mosquitto_sub --unix "$sock" -t raw/kept -W 1 2>/dev/null)" "-r -n forgets it"

watch will 'raw/will'
(exec sleep 5) | iotpub -h "$sock" -t raw/x -l --will-topic raw/will --will-payload gone --will-qos 1 &
p=$!
pids="$pids $p"
sleep 0.5 # until it is connected; it says nothing
kill -KILL $p
wait_for 10 count will 1
is '0 1 raw/will gone' "$(got will)" "the will of a raw publisher"

# Everything is acknowledged before it ends, whatever the broker does meanwhile.
seq 1 5000 >many
watch all 'raw/many'
iotpub -h "$sock" -t raw/many -l <many &
p=$!
pids="$pids $p"
wait_for 10 grep -q 'raw/many 1$' all
kill -STOP "$broker_pid"
sleep 1 # it would have ended by then
ok "it waits for a broker that does not answer" kill -0 $p
kill -CONT "$broker_pid"
wait $p
is 0 $? "and ends when all is acknowledged"
wait_for 10 count all 5000
is 5000 "$(got all | sort -u | wc -l)" "nothing is lost"

# A negative control: at QoS 0 nothing is waited for. And bounded memory: what cannot be sent is not
# read either.
mkfifo control bounded
iotpub -h "$sock" -t raw/x -l -q 0 <control &
control=$!
iotpub -h "$sock" -t raw/x -l --drain 100ms <bounded 2>bounded.err &
bounded=$!
pids="$pids $control $bounded"
exec 3>control 4>bounded
sleep 0.3 # until both are connected
kill -STOP "$broker_pid"
echo a >&3
exec 3>&-
wait $control
is 0 $? "a control: QoS 0 does not wait"
yes >&4 &
yes=$!
pids="$pids $yes"
exec 4>&-
sleep 0.5 # time to read more, if it did
read_bytes=$(sed -n 's/^rchar: //p' /proc/$bounded/io)
ok "an endless input is not read without end ($read_bytes bytes)" [ "$read_bytes" -lt 1000000 ]
kill $bounded
wait $bounded
is 1 $? "and what was read of it is told"
has "$(cat bounded.err)" 'messages left unacknowledged: 1000' "with its number"
kill -CONT "$broker_pid"
wait $yes

(
	echo a
	sleep 0.5 # until that is acknowledged
	kill -STOP "$broker_pid"
	echo b
) | iotpub -h "$sock" -t raw/x -l --drain 500ms 2>unacknowledged
is 1 $? "status 1 when something stays unacknowledged"
is 'iotpub: messages left unacknowledged: 1' "$(cat unacknowledged)" "with the number"
run iotpub -h "$sock" -t x -m y --connect-timeout 500ms
exits 5 "a broker that takes connections and says nothing: 5"
kill -CONT "$broker_pid"

done_testing
