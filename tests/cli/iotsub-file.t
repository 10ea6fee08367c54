#!/bin/sh
# iotsub into a file: what it shows is there whole and has a name, or is not acknowledged.
. "$(dirname "$0")/../lib.sh"

start_broker 'allow_anonymous true' 'log_type debug' 'max_inflight_messages 0' 'max_queued_messages 0'
# acknowledged CLIENT TIMES: so often the broker has had its acknowledgement, which comes behind the line.
acknowledged() { [ "$(grep -c "Received PUBACK from $1 " "$T/mosquitto.log")" -ge "$2" ]; }
pub() { mosquitto_pub --unix "$sock" -q 1 "$@"; }
sub() { timeout 20 iotsub -h "$sock" -c -q 1 "$@"; }
long() { perl -e "print '$1' x 3000"; }
sizes() { awk '{ print length }' "$1" | tr '\n' ' '; }

# A file that may not grow: the line that found half of its room is taken back.
keep full sub -i full -t full
for n in 1 2 3 4; do pub -t full -m "$(long $n)"; done
(
	ulimit -f 8
	exec iotsub -h "$sock" -i full -c -q 1 -t full -C 1 >>out 2>err
)
is 0 $? 'there is room for one'
(
	ulimit -f 8
	exec iotsub -h "$sock" -i full -c -q 1 -t full >>out 2>err
)
is 7 $? 'a file at its limit ends it with 7'
is 'iotsub: cannot write to standard output: File too large' "$(cat err)" 'it says so'
is '3000 ' "$(sizes out)" 'what found room by half is taken back'
run sub -i full -t full -C 3
printf '%s\n' "$out" >>out
is '3000 3000 3000 3000 ' "$(sizes out)" 'the next run has all of it, once'

# Behind what found no room there is more, not read yet: closed at once the connection would be reset, and what is in
# the file would come again.
for round in 1 2 3; do
	keep "many$round" sub -i "many$round" -t "many$round"
	seq 5000 | sed "s/.*/& $(long "$round" | cut -c 1-100)/" | iotpub -h "$sock" -t "many$round" -l -q 1
	(
		ulimit -f $((500 + round * 100))
		exec iotsub -h "$sock" -i "many$round" -c -q 1 -t "many$round" >many 2>err
	)
	is 7 $? "a file at its limit, with more behind it ($(wc -l <many) lines)"
	sub -i "many$round" -t "many$round" -C $((5000 - $(wc -l <many))) >rest
	is '5000 0' "$(sort -u many rest | wc -l) $(sort many rest | uniq -d | wc -l)" 'the next run has the rest, and nothing twice'
done

# A file that is removed while it is written to.
keep gone sub -i gone -t gone
timeout 20 iotsub -h "$sock" -i gone -c -q 1 -t gone >>kept 2>err &
our=$!
pub -t gone -m 1
wait_for 10 grep -q 1 kept
mv kept kept.1
pub -t gone -m 2
wait_for 10 grep -q 2 kept.1
tap $? 'a file that was renamed still takes lines'
wait_for 10 acknowledged gone 2
rm kept.1
pub -t gone -m 3
wait $our
is 7 $? 'one that was removed ends it with 7'
is 'iotsub: cannot write to standard output: its file was removed' "$(cat err)" 'it says so'
run sub -i gone -t gone -C 1
is 3 "$out" 'what went there is not acknowledged'

# A file that never had a name, as those of subprocess in Python.
pub -r -t kept -m retained
run python3 -c '
import subprocess, sys, tempfile
with tempfile.TemporaryFile() as f:
    status = subprocess.call(["iotsub", "-h", sys.argv[1], "-t", "kept", "-C", "1"], stdout=f)
    f.seek(0)
    print(status, f.read())
' "$sock"
is "0 b'retained\n'" "$out" 'a file without any name is as good as another'

# Commands of devices, too: they are not run.
keep D1.commands iotsub -h "$sock" D1 -c
: >commands
timeout 20 iotsub -h "$sock" D1 -c --exec sh -c 'echo ran >>ran' >>commands 2>err &
our=$!
pub -t iot/devices/D1/commands -m '{"id":1}'
wait_for 10 grep -q ran ran
wait_for 10 acknowledged D1.commands 1
rm commands
pub -t iot/devices/D1/commands -m '{"id":2}'
wait $our
is 7 $? 'commands whose lines nobody can read: 7'
is 1 "$(wc -l <ran)" 'they are not run'
run timeout 20 iotsub -h "$sock" D1 -c -C 1
is '{"id":2}' "$out" 'and not acknowledged'
done_testing
