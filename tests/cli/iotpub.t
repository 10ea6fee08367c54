#!/bin/sh
# iotpub as devices and as a plain publisher, against a real mosquitto and mosquitto_sub.
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# Without the queue's limit mosquitto drops what a slow subscriber does not take in time.
start_broker 'allow_anonymous true' 'max_queued_messages 0'
# watch FILE FILTER [OPTION...]: mosquitto_sub in the background, subscribed when this returns.
watch() {
	f=$1
	filter=$2
	shift 2
	bg mosquitto_sub --unix "$sock" -t "$filter" -t "ready/$f" -q 2 -F '%r %q %t %p' "$@" >"$f"
	wait_for 5 knock "$f"
}
knock() {
	mosquitto_pub --unix "$sock" -t "ready/$1" -m knock
	grep -aq knock "$1"
}
got() { grep -av ' ready/' "$1"; }
count() { [ "$(got "$1" | wc -l)" -eq "$2" ]; }
plain_times() { sed 's/"timestamp":[0-9][0-9]*/"timestamp":N/'; }
# status DEVICE: what is retained.
status() { mosquitto_sub --unix "$sock" -t "iot/devices/$1/status" -C 1 -W 3; }
is_connected() { status "$1" | grep -q '"connected"'; }
# act LOG DEVICE [OPTION...]: in the background, connected when this returns.
act() {
	log=$1
	shift
	bg iotpub -h "$sock" "$@" >"$log" 2>"$log.err"
	wait_for 5 is_connected "$1"
}

# A device: birth, the guide's two shapes byte for byte, goodbye; both versions, all levels.
for v in 311 5; do
	for q in 0 1 2; do
		d=RPI_$v-$q
		watch "see.$d" "iot/+/$d/+" -V "mqttv$v"
		run iotpub -h "$sock" "$d" temperature=21.50 humidity=48.2 -C 1 -q "$q" -V "$v"
		exits 0 "one reading (version $v, QoS $q)"
		wait_for 5 count "see.$d" 3
		is "0 1 iot/devices/$d/status {\"device_id\":\"$d\",\"status\":\"connected\",\"timestamp\":N}
0 1 iot/devices/$d/status {\"device_id\":\"$d\",\"status\":\"disconnected\",\"timestamp\":N}
0 $q iot/sensors/$d/data {\"device_id\":\"$d\",\"sensors\":{\"temperature\":21.50,\"humidity\":48.2},\"timestamp\":N}" \
			"$(got "see.$d" | plain_times | sort -k 3)" "birth, reading, goodbye ($v, QoS $q)"
	done
done
has "$(status RPI_5-1)" '"disconnected"' "the status is retained"
now=$(date +%s)
t=$(got see.RPI_5-1 | sed -n '2s/.*"timestamp":\([0-9]*\)}/\1/p')
ok "the nested timestamp is Unix time" [ $((now - t)) -lt 30 ]

watch flat 'iot/sensors/ESP32_001/data'
run iotpub -h "$sock" ESP32_001 --payload flat temperature=21.50 -C 2 --interval 100ms
exits 0 "the flat shape"
has "$err" 'a second at least' "an interval under a second is warned of"
wait_for 5 count flat 2
is '0 1 iot/sensors/ESP32_001/data {"device_id":"ESP32_001","temperature":21.50,"timestamp":N}' \
	"$(got flat | head -n 1 | plain_times)" "it is the ESP32's"
a=$(got flat | sed -n '1s/.*"timestamp":\([0-9]*\)}/\1/p')
b=$(got flat | sed -n '2s/.*"timestamp":\([0-9]*\)}/\1/p')
ok "its timestamp is millis()" [ $((b - a)) -ge 80 ]

# Several devices, and their values again.
watch some 'iot/sensors/+/data'
for _ in 1 2; do
	printf 'F_2\n\nF_3\n' >names
	iotpub -h "$sock" F_1 - -C 1 --seed 7 <names || note "seed run failed"
done
wait_for 5 count some 6
is "$(got some | head -n 3 | sort | plain_times)" "$(got some | tail -n 3 | sort | plain_times)" \
	"--seed makes the same values, and names come from standard input"
is 3 "$(got some | head -n 3 | sed 's/.*sensors"//' | sort -u | wc -l)" \
	"each device has its own"
seq -f 'H_%g' 1 200 >names
ok "200 devices at once, more than a unix socket's queue takes" \
	prlimit --nofile=256: iotpub -h "$sock" - -C 1 <names
run iotpub -h "$sock" G_1 G_2 --duration 300ms --verbose
exits 0 "--duration ends it"
has "$err" '2 of 2 devices connected, 6 messages acknowledged' "a summary with --verbose"
run iotpub -h "$sock" G_3 -C 1 --no-status -r a=1
exits 0 "--no-status, -r"
is '' "$(mosquitto_sub --unix "$sock" -t iot/devices/G_3/status -W 1 2>/dev/null)" \
	"no status was published"
has "$(mosquitto_sub --unix "$sock" -t iot/sensors/G_3/data -C 1 -W 3)" '"a":1' \
	"the reading is retained"

# How it ends: signals, the will.
act log S_1 --interval 100ms
kill $bg
wait $bg
is 0 $? "SIGTERM: status 0"
has "$(status S_1)" '"disconnected"' "and a clean goodbye"
act log S_1
kill -INT $bg
wait $bg
is 130 $? "SIGINT ends with the signal itself"
has "$(status S_1)" '"disconnected"' "and a clean goodbye too"
act log S_1
kill -KILL $bg
wait $bg 2>/dev/null
is '{"device_id":"S_1","status":"disconnected"}' "$(status S_1)" "SIGKILL: the will tells"

# One connection a device.
act log T_1 --interval 100ms
run iotpub -h "$sock" T_1 -C 1
exits 1 "a connected device is refused"
is "iotpub: device 'T_1' is connected already; --takeover takes its place" "$err" "with its name"
ok "the first one goes on" kill -0 $bg
is '' "$(grep -i lost log.err)" "undisturbed"
run iotpub -h "$sock" T_1 T_2 -C 1 a=1
exits 1 "of two devices one is refused"
has "$err" '1 of 2 devices failed' "and told"
has "$(status T_2)" '"disconnected"' "the other one ran"
kill -STOP $bg
run iotpub -h "$sock" T_1 -C 1 --takeover
exits 0 "--takeover takes its place"
kill -CONT $bg
kill $bg
wait $bg

# Commands.
act said L_1 --listen --interval 1h --exec \
	"sh -c 'read -r c; case \$c in *slow*) sleep 20 ;; *bad*) exit 3 ;; esac; printf \"[\\\"%s\\\",21.50]\" \$IOT_COMMAND_ID'" \
	--exec-timeout 500ms
l1=$bg
watch answers 'iot/devices/L_1/responses'
watch mine 'my/answers' -V mqttv5 -F '%r %q %t %D %p'
listens() {
	mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '"knock"'
	grep -q knock said
}
wait_for 5 listens
for q in 0 1 2; do
	mosquitto_pub --unix "$sock" -q $q -t iot/devices/L_1/commands -m "{\"id\":\"c$q\",\"fan\":\"on\"}"
done
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":3,"x":"bad"}'
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":4,"x":"slow"}'
mosquitto_pub --unix "$sock" -V mqttv5 -t iot/devices/L_1/commands -m '{"id":5}' \
	-D publish response-topic my/answers -D publish correlation-data abc
wait_for 5 count answers 5
wait_for 5 grep -q '"id":5' mine
is '0 1 iot/devices/L_1/responses {"id":"c0","device_id":"L_1","status":"ok","result":["c0",21.50]}
0 1 iot/devices/L_1/responses {"id":"c1","device_id":"L_1","status":"ok","result":["c1",21.50]}
0 1 iot/devices/L_1/responses {"id":"c2","device_id":"L_1","status":"ok","result":["c2",21.50]}' \
	"$(got answers | grep '"ok"' | sort)" "commands of all levels are obeyed and answered"
has "$(got answers)" "{\"id\":3,\"device_id\":\"L_1\",\"status\":\"error\",\"result\":\"'sh' exited with status 3\"}" \
	"one that failed"
has "$(got answers)" "{\"id\":4,\"device_id\":\"L_1\",\"status\":\"timeout\",\"result\":\"'sh' took longer than 0.5 s\"}" \
	"one that took too long"
has "$(got mine)" '{"id":5,"device_id":"L_1","status":"ok","result":["5",21.50]}' \
	"on the response topic of MQTT 5"
has "$(got mine)" 'my/answers abc ' "with its correlation data"
is 6 "$(grep -c '"device_id":"L_1".*"payload":{"id":' said)" "each is printed as a message line"
mosquitto_pub --unix "$sock" -t iot/devices/L_1/commands -m '{"id":6,"x":"slow"}'
wait_for 5 grep -q '"id":6' said
kill $l1
wait $l1
is 0 $? "SIGTERM while a command is run: status 0"
wait_for 5 grep -q '"id":6' answers
has "$(got answers)" '{"id":6,"device_id":"L_1","status":"timeout"' "after its answer"

# Nobody reads the commands: they are not acknowledged, the will tells.
bg iotpub -h "$sock" L_2 --listen --interval 1h >/dev/full 2>full.err
wait_for 5 is_connected L_2
full=$bg
listens() {
	mosquitto_pub --unix "$sock" -q 1 -t iot/devices/L_2/commands -m '{"id":1}'
	grep -q . full.err
}
wait_for 5 listens
wait "$full"
is 7 $? "/dev/full: status 7"
is 'iotpub: cannot write to standard output: No space left on device' "$(cat full.err)" "and why"
is '{"device_id":"L_2","status":"disconnected"}' "$(status L_2)" "the will tells"

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
	wait_for 5 grep -q "$(printf 'end %s' "$p" | od -An -tx1 | tr -d ' \n')" theirs
	got theirs | tail -n +"$seen" | grep -v raw/end >"bytes.${p%% *}"
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
sleep 0.5
kill -KILL $p
wait_for 5 count will 1
is '0 1 raw/will gone' "$(got will)" "the will of a raw publisher"

# Everything is acknowledged before it ends, whatever the broker does meanwhile.
seq 1 5000 >many
watch all 'raw/many'
iotpub -h "$sock" -t raw/many -l <many &
p=$!
pids="$pids $p"
wait_for 5 grep -q 'raw/many 1$' all
kill -STOP "$broker_pid"
sleep 1
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
sleep 0.3
kill -STOP "$broker_pid"
echo a >&3
exec 3>&-
wait $control
is 0 $? "a control: QoS 0 does not wait"
yes >&4 &
yes=$!
pids="$pids $yes"
exec 4>&-
sleep 0.5
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
	sleep 0.5
	kill -STOP "$broker_pid"
	echo b
) | iotpub -h "$sock" -t raw/x -l --drain 500ms 2>unacknowledged
is 1 $? "status 1 when something stays unacknowledged"
is 'iotpub: messages left unacknowledged: 1' "$(cat unacknowledged)" "with the number"
run iotpub -h "$sock" -t x -m y --connect-timeout 500ms
exits 5 "a broker that takes connections and says nothing: 5"
kill -CONT "$broker_pid"

# What is refused here, with a line that says what would be right.
refused() { # refused PART ARGUMENT...
	part=$1
	shift
	run iotpub "$@"
	exits 2 "refused: $*"
	has "$err" "$part" "and why: $part"
	is '' "$out" "nothing on stdout"
}
refused 'name a device, or a topic with -t'
refused "--qos: '3' is not a whole number from 0 to 2" -q 3 D
refused "--port: '0' is not a whole number from 1 to 65535" -p 0 D
refused "device id 'a+b' may only have" a+b
refused "device id 'a/b' may only have" a/b
refused "device id 'a#' may only have" 'a#'
refused "device id 'a\\x0ab' may only have" 'a
b'
refused 'device id is empty' ''
refused "device 'D' is named twice" D D
refused 'no device is named' t=1
refused "sensor 't' is given twice" D t=1 t=2
refused 'uniform wants two numbers' D t=uniform:5
refused '--interval must be more than 0' D --interval 0
refused 'has a "timestamp" of its own' D timestamp=1 --payload flat
refused '--exec needs --listen' D --exec cat
refused "cannot run 'no-such-program'" D --listen --exec no-such-program
refused "-i is one client's id" D E -i x
refused "cannot read '/nonexistent'" D --credentials /nonexistent
(umask 077 && printf 'device,client_id\nD,E\n' >same.csv)
refused "devices 'E' and 'D' have one client id, 'E'" E D --credentials same.csv
refused 'a message needs a topic' -m x
refused 'there is no message' -t x
refused 'more than one message' -t x -m a -n
refused 'wildcard' -t 'a/+' -m x
refused "devices ('D') have their own" -t x -m y D
refused '--repeat cannot be used with -l' -t x -l --repeat 2
refused 'a will needs a topic' -t x -m y --will-retain
refused '-c needs a client id' -t x -m y -c
refused "cannot read '/nonexistent'" -t x -f /nonexistent
refused "unknown option '--intervall'; did you mean '--interval'?" D --intervall 3
refused '-h needs a host' -h
run iotpub -h "$sock" D -C 1 "t=$(printf '%01100d' 0)"
exits 0 "a reading over 1 KB is sent"
has "$err" 'under 1 KB' "with a warning"
ok "a message over 1 KB, too" iotpub -h "$sock" -t x -m "$(printf '%01100d' 0)"
has "$(cat "$T/.err")" 'under 1 KB' "with a warning"
printf 'device,password\nD,secret\n' >open.csv
refused 'others may read it' D --credentials open.csv

# No broker; then one that wants a password.
for form in D '-t x -m y'; do
	# shellcheck disable=SC2086
	run iotpub -h 127.0.0.1 -p "$(free_port)" $form
	exits 5 "no broker: $form"
	has "$err" 'cannot reach broker' "and it says so"
	is 1 "$(wc -l <"$T/.err")" "once"
done
run iotpub -h 127.0.0.1 -p "$(free_port)" D1 D2 D3
exits 5 "no broker for three devices"
has "$err" 'none of 3 devices could connect' "told together"

kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
(umask 077 && printf 'u1:one\nu2:two\nu3:three\n' >passwords)
mosquitto_passwd -U passwords
printf '%s\n' 'user u1' 'topic readwrite #' 'user u2' 'topic write iot/sensors/#' \
	'topic write iot/devices/#' >acl
start_broker 'allow_anonymous false' "password_file $T/passwords" "acl_file $T/acl"
run iotpub -h "$sock" -t x -m y -u u1 -P wrong
exits 4 "a wrong password: 4"
has "$err" 'refused the login' "and it says so"
run iotpub -h "$sock" D -C 1
exits 4 "no login: 4"
(umask 077 && printf 'two\n' >pw)
run iotpub -h "$sock" A_1 -C 1 -u u2 --password-file pw --verbose
exits 0 "a status that may not be read is no obstacle"
run iotpub -h "$sock" -t elsewhere -m x -u u2 --password-file pw -V 5
exits 4 "a topic that is not allowed: 4"
has "$err" 'not allowed to publish there' "and it says so"

# Logins and client ids come from the credentials file, the default one too.
mkdir -p "$HOME/.local/state/iot"
(umask 077 && printf '%s\n' 'device,client_id,username,password,cert,key' 'C_1,client-c1,u1,one,,' \
	'C_2,,u2,two,,' 'C_3,,u2,wrong,,' >"$HOME/.local/state/iot/default.csv")
run iotpub -h "$sock" C_1 C_2 -C 1
exits 0 "each device with its own login"
has "$(cat mosquitto.log)" "as client-c1 (p5, c1, k60, u'u1')" "and client id"
has "$(cat mosquitto.log)" "as C_2 (p5, c1, k60, u'u2')" "or its own id"
run iotpub -h "$sock" C_1 C_3 -C 1
exits 1 "one of two could not log in: 1"
has "$err" 'C_3: ' "it is named"
is 2 "$(wc -l <"$T/.err")" "once"
run iotpub -h "$sock" C_3 -C 1
exits 4 "the only one: 4"
run iotpub -h "$sock" C_3 -C 1 -u u2 --password-file pw
exits 0 "-u outranks the file"

done_testing
