#!/bin/sh
# The examples of the manual pages, run as they stand on a living platform: none may be misused
# (2), and what does not go on for ever ends by itself.
. "$(dirname "$0")/../lib.sh"
command -v mandoc >/dev/null || skip_all 'no mandoc'
# An example may be a pipeline: timeout(1) has to reach all of it, which LeakSanitizer does not survive (lib.sh).
export ASAN_OPTIONS=detect_leaks=0
start_platform
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	for d in RPI_001 RPI_002; do echo "$d,Raspberry,raspberry_pi,Sala,temperature;humidity"; done
} >fleet.csv
iotctl device provision --from fleet.csv >/dev/null
let_in

echo '{"topic":"iot/sensors/RPI_001/data","qos":1,"payload":{"temperature":21}}' >yesterday.ndjson

# Commands begin with a program of ours; lines that end with a backslash or a pipe go on.
examples_of() {
	mandoc -Tascii -O width=200 "$1" | col -bx | sed -n '/^EXAMPLES/,/^[A-Z]/p' | sed 's/^ *//' |
		awk '/^(iot[a-z]+|vmstat|\$ iot[a-z]+) / || more || /^\$? ?iotstatus$/ {
			sub(/^\$ /, ""); line = line $0 " "
			more = /\\$/ || /\|$/
			if (more) { sub(/\\ $/, "", line); next }
			print line; line = "" }'
}

# Needs a terminal, or the real places of a real machine.
is_for_people() {
	case $1 in
	'iotapi user add'* | 'iotapi & '* | *'login http'* | 'iotapi export'*) return 0 ;;
	*) return 1 ;;
	esac
}

for page in "$top"/man/iot*.[18]; do
	examples_of "$page" >examples
	n=0
	while IFS= read -r example; do
		is_for_people "$example" && continue
		n=$((n + 1))
		command=$(printf '%s' "$example" | sed "s|password@ |password@$T/broker.pw |")
		timeout -k 2 2 sh -c "$command" >"$T/.out" 2>"$T/.err" </dev/null
		s=$?
		case ${page##*/}:$s in
		*:0 | *:1 | *:4 | *:6 | *:27 | *:124 | iotstatus.1:2) fine=0 ;;
		*) fine=1 ;;
		esac
		tap $fine "${page##*/}: $example"
		[ $fine -eq 0 ] || note "status $s: $(cat "$T/.err")"
	done <examples
	[ $n -gt 0 ] || is_for_people 'iotapi user add'
	tap $? "${page##*/} has examples ($n)"
done
done_testing
