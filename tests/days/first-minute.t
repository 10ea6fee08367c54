#!/bin/sh
# Day: the first minute. make demo KEEP=1, and then what it says.
. "$(dirname "$0")/../lib.sh"

IOT_BUILD=$build TMPDIR=$T timeout 100 "$top/tests/demo/demo.sh" --keep >"$T/demo.txt" 2>&1
is 0 $? 'the demo ends well'
grep -q '^8/10 devices online (80.00%)$' "$T/demo.txt"
tap $? 'with the answer of the guide'
[ "$tap_bad" -eq 0 ] || note "$(tail -n 40 "$T/demo.txt")"

# Paste what it prints.
eval "$(sed -n '/^  export PATH=/,/[^\\]$/p' "$T/demo.txt")"
stop=$(sed -n 's/^  \(kill .*\)$/\1/p' "$T/demo.txt")
# shellcheck disable=SC2064 # the command as it is now
trap "$stop; cleanup" EXIT

run iotctl device list
exits 0 'iotctl device list'
is 11 "$(printf '%s\n' "$out" | wc -l)" 'ten devices and the line of names'
run timeout 20 iotingest --readings -C 3
exits 0 'iotingest --readings -C 3'
run iotstatus
is '8/10 devices online (80.00%)' "$out" 'iotstatus'
run iotstatus --list offline
is 'RPI_009
RPI_010' "$(printf '%s\n' "$out" | sort)" 'iotstatus --list offline'
run iotctl device command ESP32_001 '{"led":"on"}' --wait 10s
has "$out" '"status":"ok"' 'a command is obeyed'
run iotpub ESP32_001 temperature=1 --count 1
exits 1 'a device that is connected already is left alone'
has "$err" --takeover 'and how to replace it is said'

home=$(dirname "$XDG_CONFIG_HOME")
eval "$stop"
trap cleanup EXIT
wait_for 10 test ! -e "$home"
tap $? 'the printed command removes everything'
run timeout 15 iotstatus
exits 3 'and the platform is gone'
done_testing
