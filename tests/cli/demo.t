#!/bin/sh
# make demo: ends well, cleans up, also when it is interrupted and when a step fails.
# slow: the demo is made three times
. "$(dirname "$0")/../lib.sh"
export IOT_BUILD="$build" TMPDIR="$T/tmp"
mkdir "$TMPDIR"
nothing_left() { [ -z "$(ls "$TMPDIR")" ] && ! pgrep -f "$TMPDIR/iot-demo" >/dev/null; }
clean() { wait_for 10 nothing_left; tap $? "$1"; nothing_left || note "$(ls "$TMPDIR"; pgrep -af "$TMPDIR/iot-demo")"; }

timeout 100 "$top/tests/demo/demo.sh" >out 2>err </dev/null
is 0 $? 'the demo ends with 0'
is '8/10 devices online (80.00%)' "$(tail -n 1 out)" "its last line is the guide's"
silent err 'it says nothing on standard error'
no_line out 'without a terminal there are no colours' "$(printf '\033')"
[ "$(grep -c '^\$ iot' out)" -gt 20 ]
tap $? 'each command is shown'
clean 'everything is stopped and removed'
is '' "$(ls -A "$HOME")" 'HOME is not touched'

# Ctrl-C in the middle: as the terminal does it, to the whole group.
rm out # has all of it already
perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' "$top/tests/demo/demo.sh" >out 2>err </dev/null &
demo=$!
wait_for 20 grep -q 'iotctl login' out
kill -INT -$demo
wait $demo
is 130 $? 'Ctrl-C ends it with 130'
clean 'and everything is stopped and removed'

# A step that fails: a broker that refuses to start.
mkdir bin
printf '#!/bin/sh\necho no broker today >&2\nexit 1\n' >bin/mosquitto
chmod +x bin/mosquitto
ln -s "$build"/iot* bin/
IOT_BUILD=$T/bin timeout 100 "$top/tests/demo/demo.sh" >out 2>err </dev/null
is 1 $? 'without a broker it fails'
has "$(cat err)" 'no broker today' 'and shows the log'
clean 'and everything is stopped and removed'
done_testing
