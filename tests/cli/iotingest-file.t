#!/bin/sh
# iotingest into a file: one writer, whole lines, nothing acknowledged that is not there.
# slow: iotingest for each way in which a file is lost
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

whole='{"received_at":"T","topic":"x"}'
torn='{"received_at":"T","to'
said() { grep -vE ' messages? in ' "$1.err"; }

# begin NAME: the file NAME is there; one message is appended to it.
begin() {
	start_ingest "$1" "$1" -C 1
	pub -q 1 -t iot/sensors/X/data -m '{"n":1}'
	wait $ingesting
	status=$?
}
printf '%s\n%s' "$whole" "$torn" >cut.ndjson
begin cut.ndjson
is "$whole
1 " "$(head -n 1 cut.ndjson)
$(numbers cut.ndjson)" 'a torn last line is cut off'
is 2 "$(wc -l <cut.ndjson)" 'and no other'
has "$(said cut.ndjson)" "standard output: cut off the torn last line (22 bytes)" 'it says so'
printf '%s' "$torn" >only
begin only
is 1 "$(jq -c .payload.n only)" 'also when there is no other'
{ echo "$whole"; perl -e 'print "{\"received_at\":\"T\",\"payload\":\"", "x" x 300000'; } >long
begin long
json_lines long 'also a very long one'
is 2 "$(wc -l <long)" 'and nothing else'
printf 'my notes' >notes
begin notes
is 'my notes' "$(head -n 1 notes)" "what is not ours stays"
has "$(said notes)" 'is not ours: ended it' 'and is told'
is 1 "$(tail -n 1 notes | jq .payload.n)" 'our line is whole'
# Rows, and lines of -F, do not tell whose they are.
begin_as() { # begin_as NAME OPTION...
	start_ingest "$@" -C 1
	pub -q 1 -t iot/sensors/X/data -m '{"n":1}'
	wait $ingesting
}
printf 'my notes' >csv
begin_as csv csv --format csv --columns topic
is 'my notes iot/sensors/X/data ' "$(tr '\n' ' ' <csv)" 'of a file without any line nothing is cut off'
has "$(said csv)" 'is not ours: ended it' 'and it is told'
printf 'whole\ntor' >formatted
begin_as formatted formatted -F %t
is 'whole iot/sensors/X/data ' "$(tr '\n' ' ' <formatted)" 'a piece behind a line is cut off'
printf '%s\n' "$whole" >good
begin good
is '' "$(said good)" 'a whole file: not a word'
# Not at the end: somebody means to write over what is there.
printf '%s\n%s' "$whole" "$torn" >over
start_ingest over /dev/null -C 1
pub -q 1 -t iot/sensors/X/data -m '{"n":1}'
wait $ingesting
iotingest -h "$sock" --durable over -W 300ms 1<>over 2>/dev/null
is "$torn" "$(tail -n 1 over)" 'a file that is not written at its end is left alone'

# --rejects FILE too.
printf '%s' "$torn" >bad.ndjson
start_ingest rejects "$T/lines" --readings --rejects bad.ndjson -C 1
pub -q 1 -t iot/sensors/X/data -m 'no json'
wait $ingesting
is json "$(jq -r .error bad.ndjson)" "a torn reject is cut off"
has "$(said rejects)" 'bad.ndjson: cut off' 'and told'

# One writer.
start_ingest first shared
run ingest --durable second -W 1s
iotingest -h "$sock" --durable second -W 1s >>shared 2>"$T/err" </dev/null
is 7 $? 'a second iotingest on the same file is refused'
has "$(cat "$T/err")" 'standard output is locked by another program' 'and told why'
kill -9 $ingesting
wait $ingesting 2>/dev/null
iotingest -h "$sock" --durable second -W 300ms >>shared 2>/dev/null </dev/null
is 27 $? 'the lock dies with its owner'
run sh -c "exec iotingest -h '$sock' --rejects same >>same"
exits 2 '--rejects on the file of standard output is refused'
has "$err" 'is the file that the other lines go to' 'and told'

# A file that is moved away, and then removed: nothing is acknowledged that only the dead file has.
start_ingest moved moved.ndjson
publish 1 1
wait_for 10 has_lines 1 moved.ndjson
mv moved.ndjson moved.1
: >moved.ndjson
publish 2 2
wait_for 10 has_lines 2 moved.1
cp moved.1 moved.2
rm moved.1
publish 3 3
wait $ingesting
is 7 $? 'the last name of a file is removed: 7'
has "$(said moved)" 'cannot write to standard output: its file was removed' 'it says so'
run ingest --durable moved -C 1
is '1 2 3 ' "$(printf '%s\n' "$out" | numbers - moved.2)" 'each message is in a file, or stayed with the broker'

# A full disk: what was written of the batch is taken back, nothing of it is acknowledged.
if strace -o "$T/probe" true 2>/dev/null && mkdir disk && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
	pids_unmount() { umount -l "$T/disk"; }
	trap 'pids_unmount; cleanup' EXIT
	keep full ingest --durable full
	pad=$(perl -e 'print "x" x 500')
	publish 1 5
	ingest --durable full -C 5 >disk/f 2>/dev/null
	seq 6 300 | sed "s/.*/{\"n\":&,\"pad\":\"$pad\"}/" | pub_lines -q 1 -t iot/sensors/X/data
	iotingest -h "$sock" --durable full >>disk/f 2>"$T/err" </dev/null
	is 7 $? 'a full disk: 7'
	has "$(cat "$T/err")" 'cannot write to standard output: No space left on device' 'and says so'
	json_lines disk/f 'no line is torn'
	cp disk/f rest
	iotingest -h "$sock" --durable full -W 2s >>rest 2>/dev/null </dev/null
	is 300 "$(numbers rest | wc -w)" 'nothing is missing'
else
	tap 0 'a full disk # SKIP no mount here'
fi
# A file's size limit kills others.
keep limit ingest --durable limit
publish 1 5
ingest --durable limit -C 5 >limited 2>/dev/null
seq 6 300 | sed "s/.*/{\"n\":&}/" | pub_lines -q 1 -t iot/sensors/X/data
(
	ulimit -f 8
	exec iotingest -h "$sock" --durable limit >>limited 2>"$T/err" </dev/null
)
is 7 $? 'a limit on the size of files is an error as any other'
json_lines limited 'no line is torn there'

# The negative control of all that: a file that nobody syncs or mends.
if strace -o "$T/probe" true 2>/dev/null; then
	# The numbers of the lines in the trace at which this stands.
	at() { grep -n "$1" "$T/trace" | cut -d: -f1 | tr '\n' ' '; }
	for how in '' --no-sync; do
		id=sync$how
		ASAN_OPTIONS=detect_leaks=0 strace -f -o "$T/trace" -e trace=fdatasync,sendto \
			iotingest -h "$sock" --durable "$id" $how -C 1 >"$T/lines" 2>/dev/null </dev/null &
		tracing=$!
		wait_for 10 subscribed "$id"
		pub -q 1 -t iot/sensors/X/data -m 1
		wait $tracing
		echo "$how$(grep -c 'fdatasync(1)' "$T/trace")" >>syncs
		[ -n "$how" ] || synced=$(at 'fdatasync(1)')
		[ -n "$how" ] || acked=$(at 'sendto(.*"@\\2')
	done
	is '1 1' "$(echo "$synced" | wc -w | tr -d ' ') $(echo "$acked" | wc -w | tr -d ' ')" 'one sync, one PUBACK'
	[ "${synced:-9}" -lt "${acked:-0}" ]
	tap $? 'PUBACK leaves behind the sync, not before it'
	is '1 --no-sync0 ' "$(tr '\n' ' ' <syncs)" '--no-sync trades the sync away'
fi
done_testing
