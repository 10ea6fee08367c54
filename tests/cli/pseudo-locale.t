#!/bin/sh
# Everything that people read comes from the catalogue, whole, and nothing that programs read does: in a language
# where each text stands between ⟦ and ⟧, what stands outside of them is data.
# slow: some three hundred programs are run
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

programs='iotctl iotpub iotsub iotingest iotstatus iotapi'
# gettext asks for no more of a locale than that it is there and not C: the C library's own, under another name.
cp -r /usr/lib/locale/C.utf8 es_ES.UTF-8 2>/dev/null || skip_all 'the C library has no locale to copy'
unset MAKEFLAGS MAKELEVEL MFLAGS SAN
pot=$T/po/iot-utils.pot
ok 'the texts are extracted' make -s -C "$top" O="$T/po" "$pot"
is '' "$(cat .err)" 'and xgettext understands each: none is put together by macros or has half a directive'
"$top/tests/pseudo.pl" list <"$pot" >texts
mkdir -p locale/zz/LC_MESSAGES
"$top/tests/pseudo.pl" po <"$pot" >zz.po
ok 'a catalogue of marks' msgfmt --check-format -o locale/zz/LC_MESSAGES/iot-utils.mo zz.po
# With LOCPATH the C library itself leaks its list of directories.
marked="ASAN_OPTIONS=detect_leaks=0 LOCPATH=$T LC_ALL=es_ES.UTF-8 LANGUAGE=zz IOT_LOCALEDIR=$T/locale"
# shellcheck disable=SC2086 # words
zz() { env $marked "$@"; }
bare() { "$top/tests/pseudo.pl" bare "$1"; }

# What the extracted texts themselves tell. One that begins or ends with a blank is a piece of another; so may be
# one that begins with a comma, which only parts of a list do.
pieces=$(grep -E '^ | $|	 | 	' texts | grep -vE '^ \[\.\.\. %zu byte more\]|^(Password|Again): $|^ \(%s separates them')
is '' "$pieces" 'no text begins or ends with a blank'
# A number in front of what is counted, but for limits, which are the same number each time.
counted=$(grep -vE '	' texts | grep -E '%(zu|d|ld|lld|llu) [a-z]+s\b' | grep -vE '%(zu|d|lld) (bytes|columns|characters|elements|times|is|ms)\b|%zu filters are too many|longer than %\.3g ms|its page %zu was gone')
is '' "$counted" 'what is counted has its plural'
is 'a bottle of ⟦x⟧' "$(echo 'a bottle of ⟦x⟧' | bare '')" 'negative control: what is left out is found'
is '' "$(echo "iotctl: ⟦no ⟦x⟧⟧: 'data' 7" | bare '')" 'and data are not'

# people DATA COMMAND...: all that it prints, on both, is between marks, but for what matches DATA.
people() {
	data=$1
	shift
	zz "$@" >people.out 2>people.err </dev/null
	cat people.out people.err >people.all
	left=$(bare "$data" <people.all)
	[ -z "$left" ] && grep -q '⟦' people.all
	tap $? "$*"
	[ -z "$left" ] || note "left out: $left"
	grep -q '⟦' people.all || note "says nothing: $(cat people.all)"
}
# programs_read FILTER COMMAND...: what it prints and its status are the same.
programs_read() {
	filter=$1
	shift
	"$@" >plain.out 2>plain.err </dev/null
	status=$?
	zz "$@" >marked.out 2>marked.err </dev/null
	is $status $? "$*: the status"
	[ -s plain.out ] || note "nothing on standard output: $(cat plain.err)"
	is "$(sh -c "$filter" <plain.out)" "$(sh -c "$filter" <marked.out)" '  and the output'
}

# --help: its rows of options and commands, its heads; the lines of its synopsis and examples are words to type.
help_left() {
	zz "$1" --help | perl -CS -Mutf8 -ne '
		$skip = 1 if /^⟦usage:/ || /^⟦Examples⟧/;
		$skip = 0 if /^$/;
		print unless $skip || /⟦/ || /^$/ || /^ +(-\w, )?--[\w-]+( \S+)*$/'
}
for p in $programs; do
	is '' "$(help_left "$p")" "$p --help"
	is "$("$p" --print-spec)" "$(zz "$p" --print-spec)" "$p --print-spec, of which completions are made"
	is "$("$p" --version)" "$(zz "$p" --version)" "$p --version"
done
has "$(zz iotingest --help)" '(⟦the data template⟧)' 'built-in values that are texts'
has "$(zz iotsub --help)" '⟦iotsub RPI_001                      commands sent to this device⟧' 'examples that explain'

people '' iotctl broker lst
people '' iotctl brokr
people '' iotctl broker
people '' iotctl --nope
people '' iotctl --format nope
people '' iotctl context use
people '' iotctl doctor --wait x
people '' iotpub
people '' iotpub D1 temperature=uniform:x
people '' iotpub -t a/+ -m x
people '' iotpub -t a -m x --qos 3
people '' iotsub
people '' iotsub -t 'a/#/b'
people '' iotsub -t a --cert none
people 'connection refused' iotsub -t a -h 127.0.0.1 -p 1
people '' iotingest --sink ''
people '' iotingest --max-packet x
people 'IOT UNKNOWN - ' iotstatus -w x
people 'IOT UNKNOWN - ' iotstatus --list stale
people '' iotapi nope
people '' iotapi user add
people 'No such file or directory' iotapi check --db none
people 'No such file or directory' iotctl --config none broker list

start_platform
echo 'timeout = 60s' >>"$HOME/.config/iot/iot.conf"
people '' iotctl broker list nope=1
people '' iotctl broker get nope
people '' iotctl broker get
people 'port: |protocol: ' iotctl broker create nombre=B host=localhost port=99999 protocol=x
people '' iotctl broker create nombre=B host=localhost port=1
people '' iotctl broker set B port=2
people '' iotctl broker set B port=2
people '' iotctl broker deactivate B
people '' iotctl device create nombre=Uno tipo=esp32 identificador_unico=UNO ubicacion=Sala connection_status=online
people '' iotctl device assign UNO Temperatura
people '' iotctl device unassign UNO Temperatura
people '' iotctl device assign UNO
iotctl device provision D1 D2 sensores=temperature >/dev/null 2>&1
let_in
people '^  ([a-z-]+ ?)+(\[?[A-Z|{@-].*?)?  ' iotctl help
people '^device|^  device [a-z]+( [^⟦]*)?|^[a-z_]+ +([a-z_]+ )?|[a-z0-9_]+(\|[a-z0-9_]+)+' iotctl help device
people '' iotctl help nope
people 'check|result|detail|^(config|api|token|clock|broker|status) |http://[0-9.:]+|MQTT' iotctl doctor
people 'check|result|detail|^(identity|broker|credential|certificate|emqx user|login|acl|sensors|status|last reading) |UNO \(id| (offline|online)$' iotctl doctor UNO
people 'devices|of  cause|names|identity:|broker:|status:|NADA|D[12],?|UNO,?|offline|online|last reading:|credential:' iotctl doctor D1 UNO NADA
people 'stage|result|ms +detail|^(DNS|TCP|TLS|CONNACK|SUBACK|QoS [0-2])|MQTT' iotctl broker test Laboratorio
people 'stage|result|ms +detail|^(DNS|TCP|TLS|CONNACK|SUBACK|QoS [0-2])|TCP: |[Cc]onnection refused' iotctl broker test B
iotctl topic create nombre=Malo tipo=publish topic_pattern=malo qos=2 >/dev/null
people 'resource|name|field|value|advice|^[a-z-]+ +(Laboratorio|B|Malo|Comandos a Dispositivos|Datos de Sensores|D[12]) .*?  +[^⟦]*' iotctl lint
people 'Not found\.|GET /nope:' iotctl --api-url http://127.0.0.1:1 broker list
people '' iotctl device delete UNO
people '' iotctl topic match a/b
people '' iotctl acl show UNO
people '' iotctl acl check D1 publish a/b
people '' iotctl credential rotate UNO
people '' iotctl device command UNO '{bad'
people '' iotctl client list
people '' iotctl broker sync Laboratorio
rules='^[-+] +topic (read|write|readwrite) \S+|^. '
people "$rules" iotctl broker sync Laboratorio --driver files --dir "$T" --reload true --dry-run
people "$rules" iotctl broker sync Laboratorio --driver files --dir "$T" --reload false
people '' iotctl export nope
people 'No such file or directory' iotctl apply -f none
people '' iotctl login ftp://x
printf '%s\n' '{"device_id":"D1","sensor":"temperature","value":1}' bad >readings
people '' iotctl reading import readings
printf 'kind: broker\nnombre: C\nhost: localhost\nport: no\n' >bad.yaml
people 'port:|^broker ' iotctl apply -f bad.yaml
printf 'kind: broker\nnombre: C\nhost: !none localhost\n' >tag.yaml
people '' iotctl apply -f tag.yaml
printf 'kind: broker\nnombre: C\nhost: localhost\n' >good.yaml
people '' iotctl apply -f good.yaml
people '' iotctl apply -f good.yaml
people '' iotctl broker delete C --yes

printf 'broker lst\nbroker list nombre=none\n' >commands
zz iotctl --keep-going <commands >people.out 2>people.err
is '' "$(bare '' <people.err)" 'the shell'

people '' iotstatus
people '^(UNO|D[12]): ' iotstatus -v
people 'IOT CRITICAL - |\| .*|^(esp32|raspberry_pi|otro) [A-Z]+: |^(UNO|D[12]): ' iotstatus -v --by tipo -w 90: -c 75:
people 'UNKNOWN|CRITICAL' iotstatus --api-url http://127.0.0.1:1
people 'IOT CRITICAL - ' iotstatus --api-url http://127.0.0.1:1 -w 90:
people 'CRITICAL|WARNING' iotstatus --max-age 1s
people '^(UNO|D[12]): ' iotstatus -v --verify mqtt

people '' iotsub -t a -W 100ms
people '' iotsub D1 -W 100ms
people '' iotpub -t a -m x --verbose
people '' iotpub UNO temperature=20 --count 1 --interval 100ms --verbose
people 'sent .* ms' iotpub --devices 2 --count 1 --interval 100ms --verify --no-status
people '' iotpub -t a -l --json -q 1 --properties
echo '{"topic":7,"payload":1}' >line
people '' iotpub --replay line
people '' iotpub --devices 2 --id-format x
people '' iotingest -t a -W 100ms
people '' iotingest -t a -W 1s --sink false --sink-retries 0 --retained only

# What programs read.
for form in json ndjson csv yaml; do programs_read cat iotctl device list -o $form; done
for r in broker topic sensor reading credential device-config; do programs_read cat iotctl $r list -o json; done
programs_read cat iotctl export --all
programs_read cat iotctl broker get B -o json
programs_read cat iotctl diff -f good.yaml
programs_read cat iotctl acl export D1 --format mosquitto
programs_read cat iotctl acl export D1 --format emqx
programs_read cat iotctl acl show D1 -o ndjson
programs_read cat iotctl config show -o csv
programs_read cat iotctl context list -o json
programs_read cat iotctl broker delete B --dry-run --yes
programs_read 'jq -S .' iotctl doctor -o json
programs_read cat iotctl doctor UNO -o csv
programs_read cat iotctl doctor UNO NADA -o ndjson
programs_read cat iotctl lint -o csv
programs_read 'jq -c "del(.ms)"' iotctl broker test B -o ndjson
programs_read cat iotctl apply -f bad.yaml -o ndjson
printf 'kind: broker\nnombre: E\nhost: localhost\nport: 70000\n' >refused.yaml
programs_read cat iotctl apply -f refused.yaml -o ndjson
programs_read cat iotctl device provision UNO publish_topic=none
programs_read cat iotctl __complete broker ''
figures='sed -E "s/time=.*//; s/(duration_seconds|timestamp_seconds) .*//; s/^IOT ([A-Z]+) - .* \|/\1/; / (CRITICAL|WARNING|OK): /s/:.*//"'
programs_read "$figures" iotstatus -w 90: -c 75: --by tipo
programs_read "$figures" iotstatus --format prometheus --per-device
programs_read cat iotstatus --json --by tipo
programs_read cat iotstatus --json --api-url http://127.0.0.1:1
programs_read cat iotstatus --list offline -o tsv
programs_read cat iotstatus --list never -o json

mosq() { mosquitto_pub -p "$port" -u admin -P broker-password "$@"; }
mosq -r -t lab/a -m '{"t":20.5}'
mosq -r -t lab/b -m '{bad'
moments='jq -c "del(.received_at, .id)"'
programs_read "$moments" iotsub --json -t 'lab/#' -C 2 -W 20s
programs_read "$moments" iotingest -t 'lab/+' -C 2 -W 20s --rejects rejects
programs_read cat iotsub -F '%t %p %q' -t lab/a -C 1 -W 20s
iotingest -t lab/a -W 100ms --metrics plain.metrics >/dev/null 2>&1
zz iotingest -t lab/a -W 100ms --metrics marked.metrics >/dev/null 2>&1
is "$(grep '^#' plain.metrics)" "$(grep '^#' marked.metrics)" 'iotingest --metrics'
run zz iotpub UNO temperature=20 --count 2 --interval 300ms --stats 250ms --quiet
is 1 "$(printf '%s\n' "$err" | jq -c keys | sort -u | grep -c acknowledged)" 'iotpub --stats'

# A server's log and its answers are for programs, wherever it runs.
mkdir server
cp "$build/tests/admin.db" server/iot.db
# shellcheck disable=SC2086 # words; not by zz, whose shell would be stopped in place of the server
bg env $marked iotapi serve --db server/iot.db --listen 127.0.0.1:0 --url-file server/url 2>server/log
wait_for 20 test -s server/url
token=$(iotapi token create admin --db server/iot.db)
refused=$(curl -s -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	"$(cat server/url)/api/mqtt/brokers/" -d '{"nombre":"X","host":"127.0.0.1","port":70000}')
has "$refused" '"Ensure this value is less than or equal to 65535."' 'answers of the API'
curl -s -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	"$(cat server/url)/api/mqtt/brokers/" -d '{"nombre":"X","host":"127.0.0.1","port":1}' >/dev/null
wait_for 20 grep -q 'cannot reach broker' server/log
no_line server/log 'the log of a server' -E '⟦'

done_testing
