#!/bin/sh
# The printers of tools/gdb.py, in a program that stands still.
# needs: gdb
. "$(dirname "$0")/../lib.sh"

command -v gdb >/dev/null || skip_all 'no gdb: tests/deps.sh check'
# printed EXPRESSION: as gdb shows it in main of an iotsub that has read its options.
printed() {
	gdb -nx -batch -iex 'set debuginfod enabled off' -x "$top/tools/gdb.py" -ex 'set print pretty off' \
		-ex 'break sub_run' -ex 'run -t iot/ñ/a -t b -h localhost' -ex up \
		-ex "$1" "$build/iotsub" 2>&1 </dev/null | tail -n 1
}
has "$(printed 'print a.filters')" '2 strings = {' 'a strv is its strings'
has "$(printed 'print err')" 'ERR_OK' 'an err is its status and text'
# Of bytes that are there: a literal would call malloc, which gdb 12 cannot on every machine.
has "$(printed 'print (struct span){a.filters.v[0], 3}')" '"iot"' 'a span is its bytes'
has "$(printed 'print (struct span){0, 0}')" 'absent' 'an absent span is called so'
# One that has a broker's address, and none of its connections yet.
session=$(gdb -nx -batch -iex 'set debuginfod enabled off' -x "$top/tools/gdb.py" -ex 'set print pretty off' \
	-ex 'break session_mosq_dial' -ex 'run -h 127.0.0.1 -p 1 -t a -m x' -ex 'print *s' "$build/iotpub" 2>&1 </dev/null |
	tail -n 1)
has "$session" 'session 127.0.0.1:1 = {link.state = CONNECTOR_' 'a session is its broker and state'
has "$session" 'link.candidates.addresses = 1 strings' '... where it connects to'
has "$session" 'queue.n = 0' '... and what is queued'
done_testing
