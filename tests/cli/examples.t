#!/bin/sh
# The examples of the manual pages, run as they stand on a living platform: none may be misused
# (2), and what does not go on for ever ends by itself.
# slow: an example that goes on for ever is given 1.5 s
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

# As a terminal of 80 columns shows them: what a reader copies. Commands begin with a program of ours; lines that end
# with a backslash, a pipe or && go on.
examples_of() {
	mandoc -Tutf8 -O width=78 "$1" | col -bx | sed -n '/^EXAMPLES/,/^[A-Z]/p' | sed 's/^ *//' |
		awk '/^((\(umask 077; )?iot[a-z]+|vmstat|\$ iot[a-z]+) / || more || /^\$? ?iotstatus$/ {
			sub(/^\$ /, ""); line = line $0 " "
			more = /\\$/ || /\|$/ || /&&$/
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

# Pages at the same time, the examples of one in their order: what one writes another one reads.
page() {
	mkdir "${1##*/}.d"
	cp fleet.csv yesterday.ndjson "${1##*/}.d"
	cd "${1##*/}.d" || exit 1
	examples_of "$1" >examples
	n=0
	while IFS= read -r example; do
		n=$((n + 1))
		is_for_people "$example" && continue
		command=$(printf '%s' "$example" | sed "s|password@ |password@$T/broker.pw |")
		timeout -k 2 1.5 sh -c "$command" >"$n".out 2>"$n".err </dev/null
		s=$?
		case ${1##*/}:$s in
		*:0 | *:1 | *:4 | *:6 | *:27 | *:124 | iotstatus.1:2) fine=0 ;;
		*) fine=1 ;;
		esac
		tap "$fine" "${1##*/}: $example"
		[ "$fine" -eq 0 ] || note "status $s: $(cat "$n".err)"
	done <examples
	[ "$n" -gt 0 ]
	tap $? "${1##*/} has examples ($n)"
}
# shown PAGE FROM TO: the lines between two others, as a terminal of 80 columns has them, without their indent.
shown() {
	mandoc -Tutf8 -O width=78 "$top/man/$1" | col -bx | sed -n "/$2/,/$3/p" | sed '1d;$d; s/^ *//'
}

# The first minute, on a platform that asks for no login at the broker.
quick_start() {
	place quick
	start_api
	unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
	start_broker 'allow_anonymous true' "listener $quick_port 127.0.0.1"
	shown iot-utils.7 'Quick start' 'Without a platform' | sed '/^On a machine/d; /^$/d' >steps
	is 5 "$(grep -c '^iot' steps)" 'iot-utils.7: the quick start'
	# shellcheck disable=SC2016 # of the shell that runs it
	echo 'trap "kill \$!" EXIT' >run
	sed "s|http://localhost:8000|$api|; s|mqtt://localhost|mqtt://127.0.0.1:$quick_port|; s/ 5s / 100ms /" steps >>run
	run timeout -k 2 60 bash -e ./run
	is 3 "$(printf '%s\n' "$out" | grep -c '"device_id":"ESP32_001","sensor":"temperature"')" '  comes to three readings'
	has "$out" 'no devices speak MQTT' '  and to the end'
}
quick_port=$(free_port)

# The configuration: what it says of each context is what the programs take of it.
shown iot.conf.5 EXAMPLES 'SEE ALSO' | sed 's/^ *//' >page.conf
for context in lab prod; do
	run iotctl config show --config page.conf --context $context
	exits 0 "iot.conf.5: the context $context"
	is '' "$(sed -n "/^\\[$context\\]/,/^\$/s/ = .*//p" page.conf | while read -r key; do
		printf '%s\n' "$out" | grep -q "^$key *$(sed -n "/^\\[$context\\]/,/^\$/s|^$key = ||p" page.conf) " || echo "$key"
	done)" '  has its values'
done

for page in "$top"/man/iot*.[18]; do part page "$page"; done
part quick_start
parts
done_testing
