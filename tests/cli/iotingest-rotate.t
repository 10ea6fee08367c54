#!/bin/sh
# Files that rotate: iotingest --append, SIGHUP, and logrotate as the example has it.
# slow: iotingest for each way in which a file is rotated
# needs: logrotate
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

umask 022
said() { grep -vE ' messages? in ' "$1.err"; }
has_number() { grep -qs "\"n\":$1[,}]" "$2"; }
# append ID FILE OPTION...: as start_ingest; standard output has nothing to say.
append() {
	appended=$2
	name=$1
	shift 2
	start_ingest "$name" "$name.out" --append "$appended" "$@"
}
# one N: is published, and stands in the file.
one() { # one N FILE
	publish "$1" "$1"
	wait_for 10 has_number "$1" "$2"
}
end() {
	kill $ingesting
	wait $ingesting
}

# The file is the program's: made, appended to, whole, locked.
append own own.ndjson
one 1 own.ndjson
run ingest --durable other --append own.ndjson -W 1s
exits 7 'a second iotingest on the same file is refused'
has "$err" 'own.ndjson is locked by another program' 'by the name of the file'
end
is 0 $? 'SIGTERM ends it with 0'
printf '{"received_at":"torn' >>own.ndjson
append own own.ndjson
one 2 own.ndjson
json_lines own.ndjson 'a torn last line is cut off'
is '1 2 ' "$(numbers own.ndjson)" 'and lines are appended'
has "$(said own)" 'own.ndjson: cut off the torn last line' 'which is told'
silent own.out 'standard output has nothing'
is 644 "$(stat -c %a own.ndjson)" 'it is made as the shell makes files'

# A name that is moved away: SIGHUP.
mv own.ndjson own.1
one 3 own.1
tap $? 'a renamed file takes lines until SIGHUP'
kill -HUP $ingesting
wait_for 10 test -e own.ndjson
one 4 own.ndjson
is '1 2 3  4 ' "$(numbers own.1) $(numbers own.ndjson)" 'then the new one'
is 644 "$(stat -c %a own.ndjson)" 'which is made as the old one was'
kill -HUP $ingesting
sleep 0.5 # SIGHUP within a quarter of a second would be the same
kill -HUP $ingesting
one 5 own.ndjson
is '4 5 ' "$(numbers own.ndjson)" 'a SIGHUP without a rotation changes nothing'
is 1 "$(said own | wc -l)" 'of all that not a word'
# Two rotations at once, the second within the time of the first.
mv own.ndjson own.2
kill -HUP $ingesting
wait_for 10 test -e own.ndjson
mv own.ndjson own.3
kill -HUP $ingesting
wait_for 10 test -e own.ndjson
tap $? 'a second rotation right behind the first is seen, too'

end

# Removed without a word: the name is made anew, and the lines are there.
append gone own.ndjson
rm own.ndjson
one 6 own.ndjson
is '6 ' "$(numbers own.ndjson)" 'a file that was removed is made anew, with what came'
has "$(said gone)" 'own.ndjson was removed while it was written to: going on in a new one' 'which is told'
end
is 0 $? 'and is no error'

# Where nothing can be made.
mkdir place
append place place/f
one 1 place/f
mv place/f kept
rmdir place
kill -HUP $ingesting
wait_for 10 grep -q 'lines go on into the file that was open' place.err
tap $? 'a name that cannot be made is told'
one 2 kept
is '1 2 ' "$(numbers kept)" 'lines go on into the old file'
rm kept
publish 3 3
wait $ingesting
is 7 $? 'which is removed: 7'
has "$(said place)" "cannot write to 'place/f'" 'and it says why'
run ingest --durable place -C 1
is '3 ' "$(printf '%s\n' "$out" | numbers -)" 'nothing of that was acknowledged'

# Rows: each file begins with the names.
append rows rows.csv --format csv --columns topic,qos --header
publish 1 2
wait_for 10 has_lines 3 rows.csv
mv rows.csv rows.1
kill -HUP $ingesting
wait_for 10 test -e rows.csv
publish 3 3
wait_for 10 has_lines 2 rows.csv
is 'topic,qos iot/sensors/X/data,1 iot/sensors/X/data,1 ' "$(tr '\n' ' ' <rows.1)" 'the first file has a header'
is 'topic,qos iot/sensors/X/data,1 ' "$(tr '\n' ' ' <rows.csv)" 'the next one, too'
# Removed between a line's write and the look whether the file is still there, the line comes once more.
rm rows.csv
publish 4 4
wait_for 10 has_lines 2 rows.csv
is 'topic,qos iot/sensors/X/data,1 ' "$(uniq rows.csv | tr '\n' ' ')" 'and one that was made anew'
end

# Standard output by the name that it had, rejects by theirs.
start_ingest shell shell.ndjson --rejects bad.ndjson
one 1 shell.ndjson
pub -q 1 -t iot/sensors/X/data -m 'no json'
mv shell.ndjson shell.1
mv bad.ndjson bad.1
kill -HUP $ingesting
wait_for 10 test -e bad.ndjson
one 2 shell.ndjson
is '1 2 ' "$(numbers shell.1)$(numbers shell.ndjson)" "SIGHUP opens the shell's file anew"
is 600 "$(stat -c %a bad.ndjson)" 'and that of --rejects'
end

# Nothing lost, nothing twice, while files go round.
append round round.ndjson
for n in 1 2 3 4 5; do
	seq $((800 * n - 799)) $((800 * n)) | sed 's/.*/{"n":&}/' |
		iotpub -h "$sock" --quiet -q 1 -t iot/sensors/X/data -l &
	publishing=$!
	wait_for 10 test -s round.ndjson
	mv round.ndjson round.$n
	kill -HUP $ingesting
	wait_for 10 test -e round.ndjson
	wait $publishing
done
all_there() { [ "$(cat round.ndjson round.? | wc -l)" -ge 4000 ]; }
wait_for 10 all_there
is "$(seq 1 4000 | tr '\n' ' ')" "$(numbers round.ndjson round.?)" '4000 messages while five files go round: all there'
is 4000 "$(cat round.ndjson round.? | wc -l)" 'each once'
end

# Without a file SIGHUP ends it, as does a terminal that hangs up.
start_ingest pipe /dev/null
kill -HUP $ingesting
wait $ingesting
is 0 $? 'without a file SIGHUP is a clean end'
cat >hangup.py <<'END'
import os, pty, sys, time
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
until = time.monotonic() + 10
while "SUBSCRIBE from tty" not in open("mosquitto.log").read() and time.monotonic() < until:
    time.sleep(0.05)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
run timeout 30 python3 hangup.py iotingest -h "$sock" --durable tty --append tty.ndjson
is 0 "$out" 'a terminal that hangs up ends it, with a file as well'

# logrotate, as in the example.
mkdir data bin
cat >bin/systemctl <<-END
	#!/bin/sh
	echo "\$*" >>$T/systemctl.log
	kill -HUP \$(cat $T/pid)
END
chmod 755 bin/systemctl
sed "s|/var/lib/iotingest|$T/data|" "$top/examples/iotingest.logrotate" >conf
chmod 644 conf
rotate() { PATH=$T/bin:$PATH run logrotate --force --state "$T/state" conf; }
append example data/day.ndjson --rejects data/day.rejects.ndjson
echo $ingesting >pid
one 1 data/day.ndjson
pub -q 1 -t iot/sensors/X/data -m 'no json'
rotate
exits 0 'logrotate takes the example'
is '' "$err" 'without a word'
is "reload iotingest@*.service" "$(cat systemctl.log)" 'and tells all services once'
wait_for 10 test -e data/day.ndjson
one 2 data/day.ndjson
old=$(ls data/day.ndjson-*)
is '1 2 ' "$(numbers "$old")$(numbers data/day.ndjson)" 'a day ends, the next begins'
mv "$old" data/day.ndjson-20200101 # logrotate makes one of a name a day
rotate
wait_for 10 test -e data/day.ndjson
one 3 data/day.ndjson
is '1 ' "$(gzip -dc data/day.ndjson-20200101.gz | numbers -)" 'the day before is compressed when nothing writes to it'
is '2 3 ' "$(numbers data/day.ndjson-2*[0-9] data/day.ndjson)" 'and none is missing'
end
is 0 $? 'the end is clean'

# What cannot be.
run iotingest -h "$sock" --append x --sink cat
exits 2 '--append with --sink is refused'
run iotingest -h "$sock" --append x --rejects x
exits 2 'as is the same file for --rejects'
has "$err" 'is the file that the other lines go to' 'with the reason'
mkfifo fifo
run timeout 5 iotingest -h "$sock" --append fifo
exits 2 'a fifo is none'
has "$err" "'fifo' is no regular file" 'with the reason'
run iotingest -h "$sock" --append place/f
exits 7 'a place that is not there: 7'
done_testing
