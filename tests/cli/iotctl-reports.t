#!/bin/sh
# What people report of other tools that provision, keep manifests and watch from scripts, tried on ours: ids that
# are numbers, words of YAML, files of Windows, loops of the shell, redirects.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
export IOT_CREDENTIALS="$T/fleet.csv"
iotctl broker create Main host=localhost >/dev/null
says() { # STATUS PART 'sentence' COMMAND...
	wanted=$1 part=$2 sentence=$3
	shift 3
	run "$@"
	exits "$wanted" "$sentence"
	has "$out$err" "$part" "  says: $part"
}

# Ids keep their zeros; numbers as names.
printf 'identificador_unico,nombre,tipo,ubicacion\n00042,a,esp32,P\n42,b,esp32,P\n1e3,c,esp32,P\n' >zeros.csv
run iotctl device provision --from zeros.csv
is '00042 1e3 42' "$(iotctl device list -o csv --no-header --columns identificador_unico | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" \
	'00042, 42 and 1e3 are three devices'
is 'a b' "$(cell device 00042 nombre) $(cell device 42 nombre)" '  each found by its own'
iotctl topic create nombre=2 topic_pattern=a/2 >/dev/null
iotctl topic create nombre=x topic_pattern=a/x >/dev/null
says 2 "use the id, such as id:" 'a name that is another one'"'"'s id is ambiguous' iotctl topic get 2
is x "$(cell topic id:2 nombre)" '  but id:2 is not'

# A file that is no file of devices.
printf 'PK\003\004\024\000\006\000\010\000\000\000!\000' >fleet.xlsx
says 2 'a ZIP archive, such as a spreadsheet' 'a spreadsheet as it is' iotctl device provision --from fleet.xlsx
gzip -c zeros.csv >zeros.gz
says 2 'gzip' 'a compressed file' iotctl device provision --from zeros.gz
printf 'identificador_unico,ubicacion\n"Q1","two lines, ""quoted"""\r\n' >quotes.csv
run iotctl device provision --from quotes.csv nombre=Q tipo=esp32
is 'two lines, "quoted"' "$(iotctl device get Q1 -o json | jq -r .ubicacion)" 'a comma and quotes in a cell'
has "$out" '{"row":2,' '  its row is the line of the file'
printf 'identificador_unico,ubicacion\n"Q2","a\nb"\n"Q3","two\nlines"\n' >breaks.csv
says 2 'breaks.csv:4: ubicacion: Control characters' 'a line break in a cell is in the count of lines' \
	iotctl device provision --from breaks.csv nombre=Q tipo=esp32

# Manifests.
cat >words.yaml <<'END'
# a comment alone
---
kind: device
identificador_unico: W1
nombre: no
tipo: esp32
ubicacion: 0x1F
descripcion: "12:30"
mqtt_enabled: yes
---
# nothing here
---
END
run iotctl apply -f words.yaml
exits 0 'comments and empty documents are none'
is 'no,0x1F,12:30,true' "$(cell device W1 nombre,ubicacion,descripcion,mqtt_enabled)" \
	'words of YAML stay texts where texts are wanted'
sed 's/$/\r/; s/"12:30"/|/; s/^mqtt_enabled.*/  one\r\n  two\r/' words.yaml >windows.yaml
run iotctl apply -f windows.yaml
exits 0 'CRLF and a block'
run iotctl diff -f windows.yaml
is 0 "$status$out" '  twice: nothing differs'
says 2 "'bad.yaml', line 2: " 'a tab as indent' sh -c 'printf "kind: broker\n\thost: h\n" >bad.yaml; iotctl apply -f bad.yaml'
says 2 "'bad.yaml', line 2: " 'two colons' sh -c 'printf "kind: broker\nnombre: a: b\n" >bad.yaml; iotctl apply -f bad.yaml'
says 2 "'bad.yaml', line 2" 'a template that was not filled in' sh -c 'printf "kind: broker\nnombre: {{ name }}\n" >bad.yaml; iotctl apply -f bad.yaml'
says 2 'nombre' 'a key twice' sh -c 'printf "kind: broker\nnombre: a\nnombre: b\nhost: h\n" >bad.yaml; iotctl apply -f bad.yaml'
says 2 "'nombre' stands there twice" 'and an alias beside its name' sh -c 'printf "kind: broker\nnombre: a\nname: b\nhost: h\n" >bad.yaml; iotctl apply -f bad.yaml'
printf 'kind: broker\nnombre: Main\nhost: localhost\n' >only.yaml
iotctl broker create Other host=h >/dev/null
run iotctl apply --prune -n -f only.yaml
has "$out" "DELETE /api/mqtt/brokers/$(cell broker Other id)/" 'prune, dry: what would go'
ok '  and it stays' iotctl broker get Other
says 2 'quotes' 'a number where a text is wanted' sh -c 'printf "kind: broker\nnombre: 10.0\nhost: h\n" >bad.yaml; iotctl apply -f bad.yaml'

# Scripts.
printf '00042\n42\n1e3\n' >names
while read -r name; do
	iotctl device get "$name" >/dev/null
	iotctl device set "$name" descripcion=seen >/dev/null
	iotctl doctor "$name" >/dev/null 2>&1
	iotstatus >/dev/null
	echo "$name"
done <names >seen
ok 'inside while read: standard input is left alone' cmp names seen
is '[] ' "$(iotctl sensor list -o json) $(iotctl sensor list -o ndjson)" 'an empty list: [] and nothing'
iotctl device list -o ndjson | head -n 1 >first
is 1 "$(wc -l <first)" 'a reader that leaves is no trouble'
looks=
for n in 1 2 3 4 5 6 7 8; do
	iotstatus -q -c 100: --state one.state >"look.$n" 2>&1 &
	looks="$looks $!"
done
# shellcheck disable=SC2086 # pids
wait $looks
ok 'eight looks with one state file: it is whole' jq -e .state one.state

# Lines that end as on Windows.
printf 'admin-password\r\n' >crlf.pw
iotapi token create admin --db "$db" | sed 's/$/\r/' >crlf.token
chmod 600 crlf.pw crlf.token
run env XDG_STATE_HOME="$T/crlf" IOT_PASSWORD_FILE=crlf.pw iotctl broker set Main password@crlf.pw username=u
is "0 changed broker 'Main' (id 1)" "$status $out" 'CRLF in a file with a password'
ok '  in a file with a token' env -u IOT_USERNAME -u IOT_PASSWORD_FILE iotctl broker list --token-file crlf.token
printf 'api_url = %s\r\nusername = admin\r\npassword_file = %s\r\n' "$api" "$T/crlf.pw" >crlf.conf
ok '  in a configuration' env -u IOT_API_URL -u IOT_USERNAME -u IOT_PASSWORD_FILE XDG_STATE_HOME="$T/crlf2" \
	iotctl --config crlf.conf broker list
printf '00042\r\n42\r\n' | iotctl device set - descripcion=crlf >/dev/null
is 'crlf crlf' "$(iotctl device get 00042 42 -o ndjson | jq -r .descripcion | xargs)" '  in names on standard input'
printf "\357\273\277device set 42 \\\\\r\n\tdescripcion='one\r\ntwo'\r\ndevice list -o csv\r\n" | iotctl >/dev/null
is "0 one
two" "$? $(iotctl device get 42 --json | jq -r .descripcion)" '  and in commands there, behind a byte order mark'

# Without a place to keep anything: cron, containers, a service user's home.
all=$(iotctl device list -o csv)
for home in '-u HOME' HOME=/dev/null; do
	# shellcheck disable=SC2086 # words
	run env $home iotctl device list -o csv
	is "0 $all" "$status $out" "env $home: works"
	is 1 "$(printf '%s\n' "$err" | grep -c "^iotctl: .*\(HOME is not set\|cannot make directory '/dev/null\)")" \
		'  and says in a line what it cannot keep'
	is 1 "$(printf '%s\n' "$err" | wc -l)" '  no more'
	# shellcheck disable=SC2086
	run env $home iotstatus -q -c 0:
	is '0 ' "$status $out$err" '  iotstatus -q says nothing of it'
	# shellcheck disable=SC2086
	run env $home iotstatus -q -c 90:
	is '2 IOT CRITICAL' "$status $(printf %.12s "$out")" '  and the rest as ever'
done

# A server that sends the client elsewhere gets no token there.
start_http answers
printf 'GET /api/mqtt/brokers/ 301 text/html x\n' >"$http/answers"
IOT_TOKEN=t run iotctl broker list --api-url "$http_url"
exits 8 'a redirect is not followed'
done_testing
