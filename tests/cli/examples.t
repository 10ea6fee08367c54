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

# As a terminal of 80 columns shows them: what a reader copies. A line for each command, which goes on behind a backslash,
# a pipe, && and in quotes; "-" where a block begins. In a block with a prompt the other lines are what comes out.
examples_of() {
	mandoc -Tutf8 -O width=78 "$1" | col -bx | sed -n '/^EXAMPLES/,/^[A-Z]/p' | awk '
		!/^           / { inside = 0; next }
		{ sub(/^           /, ""); if (!inside) { print "-"; prompt = /^\$ / } inside = 1 }
		prompt && !sub(/^\$ /, "") && !more { next }
		{ sub(/^ +/, ""); line = line $0; quotes = gsub(/\047/, "&", line) }
		/\\$/ { sub(/ *\\$/, " ", line); more = 1; next }
		/\|$|&&$/ || quotes % 2 { line = line " "; more = 1; next }
		{ print line; line = ""; more = 0 }'
}

# elsewhere FIRST-LINE: what is not typed here, by the first line of its block; nothing when it is.
elsewhere() {
	case $1 in
	*'login http'*) echo 'asks for a password: iotctl-tty.t, and below' ;;
	'iotapi user add'*) echo 'asks for a password, serves on port 8000: iotapi.t' ;;
	'create table lecturas'*) echo 'iotingest-postgres.t' ;;
	'PATH='*) echo 'iotstatus-cron.t' ;;
	'*/5 '*'broker sync'*) echo 'wants EMQX: iotctl-sync-emqx.t' ;;
	'systemctl enable '*) echo 'units.t' ;;
	'define command '*) echo 'iotstatus-page.t' ;;
	'groups:'*) echo 'iotstatus-page.t' ;;
	esac
}

# Pages at the same time, the examples of one in their order: what one writes another one reads.
page() {
	mkdir "${1##*/}.d"
	cp fleet.csv yesterday.ndjson "${1##*/}.d"
	cd "${1##*/}.d" || exit 1
	examples_of "$1" >examples
	n=0
	blocks=0
	first=
	while IFS= read -r example; do
		if [ "$example" = - ]; then first=yes; blocks=$((blocks + 1)); continue; fi
		[ -z "$first" ] || why=$(elsewhere "$example")
		first=
		[ -z "$why" ] || continue
		n=$((n + 1))
		command=$(printf '%s' "$example" | sed "s#password@\( \|$\)#password@$T/broker.pw\1#; s|http://127.0.0.1:8000|$api|
			s|iotapi token create|& --db '$db'|")
		timeout -k 20 1.5 sh -c "$command" >"$n".out 2>"$n".err </dev/null
		s=$?
		case ${1##*/}:$s in
		*:0 | *:1 | *:4 | *:6 | *:27 | *:124 | iotstatus.1:2) fine=0 ;;
		*) fine=1 ;;
		esac
		tap "$fine" "${1##*/}: $example"
		[ "$fine" -eq 0 ] || note "status $s: $(cat "$n".err)"
	done <examples
	[ "$n" -gt 0 ]
	tap $? "${1##*/} has examples ($n, in $blocks blocks)"
	is "$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" | awk '/^\.Bd|^$/ || (/^\.Dl/ && !dl); { dl = /^\.Dl/ }' | wc -l)" "$blocks" \
		'  which are all that the page has'
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

for page in "$top"/man/iot*.[18]; do examples_of "$page"; done | grep -A 1 '^-$' | grep -v '^-' >firsts
is 8 "$(while IFS= read -r first; do elsewhere "$first"; done <firsts | wc -l)" 'blocks that are tried elsewhere, each for its reason'
# First the one that rotates a password: a device that another page's example brings online would not let it.
page "$top/man/iotctl.1"
cd "$T" || exit 1
for page in "$top"/man/iot*.[18]; do
	case $page in */iotctl.1) ;; *) part page "$page" ;; esac
done
part quick_start
parts
done_testing
