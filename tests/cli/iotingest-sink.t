#!/bin/sh
# iotingest --sink: a batch is acknowledged when its command has exited with 0, and never before.
# slow: pings are waited for behind a sink that hangs
# shellcheck disable=SC2016 # text for others: sh, expect, MQTT
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

# Batches.
batches() {
	own batches
	keep batches ingest --durable batches
	publish 1 10
	from=$(date +%s)
	run ingest --durable batches -C 10 --batch 4 --linger 5000 --sink 'wc -l'
	exits 0 'ends after -C messages'
	[ "$(($(date +%s) - from))" -lt 4 ]
	tap $? 'without waiting for more'
	is '4 4 2 ' "$(printf '%s\n' "$out" | tr -d ' ' | tr '\n' ' ')" '--batch is the most, the rest goes at the end'
	start_ingest linger counts --linger 500 --sink 'wc -l'
	publish 1 3
	wait_for 10 has_lines 1 counts
	publish 4 6
	wait_for 10 has_lines 2 counts
	is '3 3 ' "$(tr -d ' ' <counts | tr '\n' ' ')" '--linger waits for a batch to fill'
	kill "$ingesting"
	wait "$ingesting"
	start_ingest head rows --readings --format csv --columns sensor,value --header --sink cat --batch 1
	publish 1 2
	wait_for 10 has_lines 4 rows
	is 'sensor,value n,1 sensor,value n,2 ' "$(tr '\n' ' ' <rows)" '--header begins each batch'
	kill "$ingesting"
	wait "$ingesting"
}

# It fails, and is tried again.
fails() {
	own fails
	: >db
	start_ingest again again.out --sink 'cat >part && if [ -e broken ]; then exit 3; else cat part >>db; fi'
	: >broken
	publish 1 3
	told() { [ "$(grep -c 'exited with status 3; the same batch again in' again.err)" -ge "$1" ]; }
	wait_for 20 told 2
	tap $? 'each failure is told'
	is '' "$(numbers db)" 'nothing is stored'
	no_line mosquitto.log 'nothing is acknowledged meanwhile' 'Received PUBACK from again'
	rm broken
	stored() { [ "$(numbers "$1")" = "$2" ]; }
	wait_for 20 stored db '1 2 3 '
	tap $? 'the same batch is stored when it works again'
	has "$(cat again.err)" 'took the batch after' 'which is told too'
	puback() { [ "$(grep -c "Received PUBACK from $1" mosquitto.log)" -eq "$2" ]; }
	wait_for 10 puback again 3
	tap $? 'and only then acknowledged'
	kill "$ingesting"
	wait "$ingesting"
	is 0 $? 'SIGTERM is a clean end'
}

# For good.
for_good() {
	own for_good
	keep forgood ingest --durable forgood
	publish 1 3
	run ingest --durable forgood --sink-retries 1 --sink 'cat >/dev/null; exit 5'
	exits 7 '--sink-retries: then 7'
	has "$err" "given up after 2 tries: sink 'cat >/dev/null; exit 5' exited with status 5" 'and says what'
	run ingest --durable forgood --sink-retries 0 --sink 'kill -9 $$'
	exits 7 'a command that is killed has failed'
	has "$err" 'was ended by signal 9' 'and says so'
	run ingest --durable forgood --sink-retries 0 --sink 'no-such-command'
	exits 7 'a command that is not there has failed'
	has "$err" 'exited with status 127' 'with the status of the shell'
	run ingest --durable forgood -C 3
	is '1 2 3 ' "$(printf '%s\n' "$out" | numbers -)" 'all of it is still with the broker'
}

# The negative control: who calls a batch stored before it is loses it.
control() {
	own control
	keep control ingest --durable control
	publish 1 3
	run ingest --durable control -C 3 --sink '(exit 5) & true'
	exits 0 'it takes all of them'
	publish 4 4
	run ingest --durable control -C 1
	is '4 ' "$(printf '%s\n' "$out" | numbers -)" 'negative control: a sink that says 0 and stores nothing loses them'
}

# Killed in the middle of a batch: 0 lost.
killed() {
	own killed
	keep killed ingest --durable killed
	: >stored
	publish 1 200
	tries=0
	while [ "$(numbers stored | wc -w)" -lt 200 ] && [ "$tries" -lt 40 ]; do
		tries=$((tries + 1))
		iotingest -h "$sock" --durable killed --batch 20 \
			--sink 'cat >>part.$PPID && sleep 0.1 && cat part.$PPID >>stored && rm part.$PPID' \
			>/dev/null 2>&1 </dev/null &
		ingesting=$!
		perl -e 'select undef, undef, undef, 0.05 + rand 0.15'
		kill -9 "$ingesting"
		wait "$ingesting" 2>/dev/null
	done
	publish 201 201
	iotingest -h "$sock" --durable killed --sink 'cat >>stored' 2>/dev/null </dev/null &
	ingesting=$!
	wait_for 20 grep -q '"n":201}' stored
	kill "$ingesting"
	wait "$ingesting"
	[ "$tries" -gt 3 ]
	tap $? 'it was killed in the middle'
	is 201 "$(numbers stored | wc -w)" "kill -9 in mid-batch, $tries times: nothing is missing"
}

# A command that does not read is judged by its status; big batches do not hang.
deaf() {
	own deaf
	keep deaf ingest --durable deaf
	perl -e 'print "{\"n\":$_,\"pad\":\"", "x" x 1000, "\"}\n" for 1..300' | pub_lines -q 1 -t iot/sensors/X/data
	run ingest --durable deaf --sink 'exec <&-; exit 0' -C 300
	exits 0 'a command that does not read its batch'
}

# The connection stays alive while a command takes its time, and memory is bounded.
slow() {
	own slow
	mkfifo never
	start_ingest slow slow.out -k 5 --sink "cat >/dev/null; touch began; [ -e go ] || read x <never"
	publish 1 3
	wait_for 10 test -e began
	perl -e 'print "{\"n\":$_,\"pad\":\"", "x" x 1000, "\"}\n" for 1..9000' | pub_lines -q 1 -t iot/sensors/X/data
	sleep 9 # more than one and a half times the keep-alive of 5 s
	no_line mosquitto.log 'pings go on while a sink takes its time' 'slow has exceeded timeout'
	rss=$(awk '/VmHWM/ { print $2 }' /proc/"$ingesting"/status)
	[ "${ASAN_OPTIONS+set}" ] || [ "$rss" -lt 16384 ] || [ "${build##*/}" != build ]
	tap $? "memory stays small ($rss KiB)"
	# SIGTERM: the command has its time, then it is ended.
	from=$(date +%s%N)
	kill "$ingesting"
	wait "$ingesting"
	status=$?
	took=$((($(date +%s%N) - from) / 1000000))
	is 7 "$status" 'SIGTERM while a sink hangs: 7'
	[ "$took" -lt 2000 ]
	tap $? "in less than two seconds ($took ms)"
	has "$(cat slow.err)" 'was ended by signal 15' 'the sink is ended'
	start_ingest deaf2 /dev/null --sink "trap '' TERM; touch deaf; read x <never"
	publish 1 1
	wait_for 10 test -e deaf
	kill "$ingesting"
	wait "$ingesting"
	is 7 $? 'SIGTERM while a sink hangs that does not hear it: 7'
	has "$(cat deaf2.err)" 'did not end in time: 1 message is not acknowledged' '... and says so'
	touch go
	timeout 30 iotingest -h "$sock" --durable slow -C 9003 --sink 'cat >>late' 2>/dev/null </dev/null
	is 9000 "$(numbers late | wc -w)" 'nothing was acknowledged that it had not taken'
}

# What it inherits.
inherits() {
	own inherits
	export IOT_TOKEN=hidden IOT_SEEN=seen
	start_ingest inherits env.out --sink 'ls /proc/self/fd | tr "\n" " "; echo; env | grep ^IOT_; echo end'
	unset IOT_TOKEN
	publish 1 1
	wait_for 10 grep -q end env.out
	is '0 1 2 3 ' "$(head -n 1 env.out)" "no descriptor of ours (3 is ls's own)"
	is 'IOT_SEEN=seen' "$(grep ^IOT_ env.out)" 'no secret of ours'
	kill "$ingesting"
	wait "$ingesting"
	start_ingest group group.out --sink 'ps -o pgid= -p $$; kill -TERM 0'
	publish 1 1
	wait_for 10 grep -q 'signal 15' group.err
	tap $? 'it has a process group of its own'
	kill "$ingesting"
	wait "$ingesting"
}

# Rejects are safe too before the batch is acknowledged.
rejects() {
	own rejects
	start_ingest mixed mixed.out --readings --rejects bad.ndjson --sink cat -C 2
	pub -q 1 -t iot/sensors/X/data -m 'no json'
	publish 1 1
	wait "$ingesting"
	is 'json 1' "$(jq -r .error bad.ndjson) $(jq -r .value mixed.out)" 'lines go to the sink, rejects to --rejects'
}

for f in batches fails for_good control killed deaf slow inherits rejects; do part $f; done
parts

done_testing
