#!/bin/sh
# Lists of many pages: every object once, whatever order a backend leaves them in; what did not come is told.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# A fleet of 178 that never connected: in their own order all are equal, and come as the database likes.
start_django shuffle
closed=$(free_port)
iotctl broker create B1 host=127.0.0.1 port="$closed" >/dev/null
iotctl broker create B2 host=127.0.0.1 port="$closed" >/dev/null
iotctl topic create T topic_pattern='iot/sensors/{device_id}/data' tipo=publish >/dev/null
iotctl device create D1 nombre='Nodo 1' tipo=esp32 ubicacion=x >/dev/null
printf 'device-password\n' >pw
chmod 600 pw
iotctl credential create device=D1 client_id=D1 username=device_D1 password@pw >/dev/null
iotctl device-config create D1 broker=B1 publish_topic=T subscribe_topics=T qos=2 >/dev/null
many() { # many TABLE 'COLUMN, ...' 'VALUE, ...' [WHERE]: the first row again for 2..178, but for these columns
	others=$(sqlite3 "$T/django/db" "SELECT group_concat(name) FROM pragma_table_info('plataforma_$1')
		WHERE instr(', id, $2,', ' ' || name || ',') = 0")
	sqlite3 "$T/django/db" "PRAGMA busy_timeout = 5000;
		WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 178)
		INSERT INTO plataforma_$1 ($2${others:+, $others}) SELECT $3${others:+, $others}
		FROM n, (SELECT * FROM plataforma_$1 ORDER BY id LIMIT 1)" >/dev/null
}
later="strftime('%Y-%m-%d %H:%M:%f', created_at, '+' || i || ' seconds')"
many device 'identificador_unico, nombre, mqtt_client_id, created_at' "'D' || i, 'Nodo ' || i, 'device_D' || i, $later"
many credential 'dispositivo_id, client_id, username, created_at' "i, 'D' || i, 'device_D' || i, $later"
many emqxuser 'dispositivo_id, username, created' "i, 'device_D' || i, strftime('%Y-%m-%d %H:%M:%f', created, '+' || i || ' seconds')"
many config 'dispositivo_id, broker_id, created_at' "i, CASE WHEN i % 25 = 0 THEN 2 ELSE 1 END, $later"
many config_subscribe_topics config_id i
jot() { i=1; while [ $i -le "$1" ]; do echo "D$i"; i=$((i + 1)); done; }
jot 178 >names

bare() { for p in 1 2 3 4; do iotctl api GET mqtt/device-config page=$p | jq '.results[].id'; done | sort -u | wc -l; }
n=$(bare)
[ "$n" -lt 178 ]
tap $? "pages without an order lose some (the control: $n of 178)"

run sh -c 'iotctl doctor - -o csv --no-header <names'
exits 1 'doctor of all'
is "171,178,broker: 'B1': TCP: 127.0.0.1:$closed: Connection refused 7,178,broker: 'B2': TCP: 127.0.0.1:$closed: Connection refused" \
	"$(printf '%s' "$out" | cut -d, -f 1-3 | tr -d '"' | tr '\n' ' ' | sed 's/ $//')" 'finds the device-config of each'
is 'iotctl: 178 of 178 devices are not well' "$err" 'and tells nothing else'
run iotctl lint -o csv --no-header
exits 1 'lint'
is '178 178' "$(printf '%s\n' "$out" | grep -c '^device-config,.*,qos,2,') $(printf '%s\n' "$out" | grep '^device-config,.*,qos,2,' | sort -u | wc -l)" \
	'sees each once'
run iotctl topic delete T --yes
has "$err" '178 device-configs (Nodo 1, Nodo 2, Nodo 3 ...) as subscribe_topics' \
	'what hangs on a topic is counted over all pages'
run iotstatus -t 60s --by broker
is '0/171 0/7' "$(printf '%s\n' "$out" | sed -n 's,.*\(0/[0-9]*\) devices.*,\1,p' | tail -2 | tr '\n' ' ' | sed 's/ $//')" \
	'iotstatus --by broker counts each'
is '' "$err" 'and tells nothing'
is 178 "$(iotstatus -t 60s --list never | sort -u | wc -l)" 'iotstatus --list has each'
for order in '' tipo -tipo estado connection_status created; do
	is 178 "$(iotctl device list ${order:+--sort "$order"} --columns identifier -o csv --no-header | sort -u | wc -l)" \
		"device list${order:+ --sort $order}: each"
done
is 178 "$(iotctl device-config list --sort=-last_connection --columns id -o csv --no-header | sort -u | wc -l)" \
	'what is equal in the order asked for has another behind it'
for r in credential device-config emqx-user; do
	is 178 "$(iotctl "$r" list --columns id -o csv --no-header | sort -u | wc -l)" "$r list: each"
done
iotctl broker deactivate B1 >/dev/null
is 'B2 B1' "$(iotctl broker list --columns name -o csv --no-header | tr '\n' ' ' | sed 's/ $//')" \
	'brokers: those in use first, though nobody can ask for that'
is '1 2 3' "$(iotctl role list --columns id -o csv --no-header | tr '\n' ' ' | sed 's/ $//')" 'roles by their number'
is '' "$(grep '^GET /api/[a-z/-]*?' "$T/django/log" | grep -v 'device-config/?page=\|/roles/' | grep -v 'ordering=' | head -3)" \
	'no list was asked for without an order'
stop_api
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE

# Answers that do not hold together.
start_http answers
export IOT_API_URL="$http_url" IOT_TOKEN=some
device() { printf '{"id":%s,"nombre":"N%s","identificador_unico":"D%s","connection_status":"online"}' "$1" "${1#\"}" "${1#\"}"; }
page() { # page NUMBER COUNT NEXT ID...: COUNT - is none, NEXT - is none
	where='/api/devices/?page_size'
	if [ "$1" != 1 ]; then where="/api/devices/?page=$1"; fi
	count=
	if [ "$2" != - ]; then count="\"count\":$2,"; fi
	next=null
	if [ "$3" != - ]; then next="\"http://inner/api/devices/?page=$3\""; fi
	shift 3
	rows=
	for id; do rows="$rows${rows:+,}$(device "$id")"; done
	echo "GET $where 200 application/json {$count\"next\":$next,\"results\":[$rows]}"
}
answers() {
	: >"$http/log"
	cat >"$http/answers"
}
asked() { grep -c "$1" "$http/log"; }
tells() { # STATUS TEXT 'sentence' COMMAND...: this one line, and no other
	wanted=$1 text=$2 sentence=$3
	shift 3
	run "$@"
	exits "$wanted" "$sentence"
	is "$text" "$err" '  tells it once'
}
ids() { printf '%s\n' "$out" | jq -r .id | tr '\n' ' '; }

{ page 1 4 2 1 2; page 2 4 - 2 3; } | answers
short="iotctl: the API's list '/api/devices/' is not whole: 3 of 4 came, and 1 repeat"
tells 1 "$short" 'one came twice, and another not' iotctl device list -o ndjson
is '1 2 3 ' "$(ids)" 'what came is there, once'
run iotctl device list --json
is '1 3' "$status $(printf '%s' "$out" | jq length)" 'as an array, whole'
tells 1 "$short" 'sorted here' iotctl device list --sort=-location --columns id -o csv --no-header
is '1 2 3' "$(printf '%s\n' "$out" | sort | tr '\n' ' ' | sed 's/ $//')" 'as well'
tells 1 "$short" 'doctor does not guess at the others' iotctl doctor D1 D3
is '' "$out" 'and judges none'
tells 1 "$short" 'export' iotctl export device
is '' "$out" 'writes no part for the whole'
printf '{kind: device, identificador_unico: D1, nombre: N1}\n' >one.yaml
tells 1 "$short" 'apply --prune' iotctl apply --prune --yes -f one.yaml
no_line "$http/log" 'changes nothing' '^\(POST\|PATCH\|DELETE\)'
run iotctl device list --limit 2 -o ndjson
is '0 1 2 ' "$status $(ids)" 'who wants two misses none'
is '' "$err" 'and is told nothing'
run iotctl device list --limit 3 -o ndjson
is '0 1 2 3 ' "$status $(ids)" 'nor does who wants three'
run iotstatus --by tipo
exits 3 'iotstatus --by: UNKNOWN'
has "$out$err" "the API's list '/api/devices/' is not whole: 3 of 4 came, and 1 repeat" 'and why'
run iotstatus --by tipo -w 90:
exits 3 'and of a check'
has "$out" 'IOT UNKNOWN' 'in its line'

page 1 5 - 1 2 | answers
tells 1 "iotctl: the API's list '/api/devices/' is not whole: 2 of 5 came, and 0 repeats" 'fewer than the count' \
	iotctl device list
page 1 1 - 1 2 | answers
tells 1 "iotctl: the API's list '/api/devices/' is not whole: 2 of 1 came, and 0 repeats" 'more than the count' \
	iotctl device list
{ page 1 3 2 1 2; page 2 4 - 2 3; } | answers
tells 0 '' 'one that was made meanwhile pushes one down, and loses none' iotctl device list -o ndjson
is '1 2 3 ' "$(ids)" 'which is there once'
{ page 1 3 2 1 2; page 2 5 - 2 3; } | answers
tells 1 "iotctl: the API's list '/api/devices/' is not whole: 3 of 5 came, and 1 repeat" 'two made, one pushed' \
	iotctl device list
{ page 1 4 2 1 2; page 2 3 - 3; } | answers
tells 1 "iotctl: the API's list '/api/devices/' may not be whole: it shrank while it was read, and 3 of 3 came" \
	'what was deleted meanwhile may have hidden another' iotctl device list -o ndjson
is 3 "$(asked '/api/devices/?page=2')" 'so it is read again, three times at most'
is '1 2 3 ' "$(ids)" 'and shown once'
{ { page 1 5 2 1 2; page 2 4 - 4 5; } | sed 's/^/once:/'; page 1 4 2 2 3; page 2 4 - 4 5; } | answers
tells 0 '' 'one that is deleted meanwhile pulls another back onto a page that was read' iotctl device list -o ndjson
is '1 2 4 5 3 ' "$(ids)" 'which is there all the same'
is 4 "$(asked '^GET')" 'read once more'
# Where links carry the place reached, nothing moves.
{ page 1 3 '2&after=x' 1 2; page 2 5 - 3; } | answers
tells 0 '' 'pages behind a place: what was made before it pushes nothing' iotctl device list -o ndjson
is '2 1 2 3 ' "$(asked '^GET') $(ids)" 'and nothing is read again'
{ page 1 3 '2&after=x' 1 2; page 2 2 - 3; } | answers
tells 0 '' 'what was deleted hides nothing' iotctl device list -o ndjson
is '2 1 2 3 ' "$(asked '^GET') $(ids)" 'and nothing is read again'
{ page 1 4 '2&after=x' 1 2; page 2 4 - 3; } | answers
tells 1 "iotctl: the API's list '/api/devices/' is not whole: 3 of 4 came, and 0 repeats" \
	'what moved to before the place is missed, which is told' iotctl device list -o ndjson
is 3 "$(asked '/api/devices/?page=2')" 'and read again before'
{ page 1 - 2 1 2; page 2 - - 3; } | answers
tells 0 '' 'without a count' iotctl device list
{ page 1 - 2 1 2; page 2 - - 2 3; } | answers
tells 1 "iotctl: the API's list '/api/devices/' may not be whole: it has no count, and 1 repeat came" \
	'without a count a repeat is all one sees' iotctl device list
echo "GET /api/devices/ 200 application/json [$(device 1),$(device 1)]" | answers
tells 1 "iotctl: the API's list '/api/devices/' may not be whole: it has no count, and 1 repeat came" \
	'in an array as well' iotctl device list
{ page 1 2 2 '"a'; page 2 2 - '"b'; } | sed 's/\("id":"[ab]\),/\1",/' | answers
tells 0 '' 'ids that are words' iotctl device list

# A next page that was read already.
{ page 1 9 2 1; page 2 9 3 2; page 3 9 2 3; } | answers
tells 8 "iotctl: the list '/api/devices/?page_size=1000&ordering=-created_at' never ends: its next page is '/api/devices/?page=2' again" \
	'a circle of pages' iotctl device list
is 3 "$(asked '^GET')" 'is walked once'
run iotstatus --by tipo
exits 3 'by iotstatus too'
has "$out$err" 'never ends' 'which says so'

# Each page has a next of its own, but nothing new is on it.
endless() { # endless [ID]: what is on each page behind the first
	page 1 1 2 1
	for n in $(seq 2 20); do page "$n" 1 $((n + 1)) "$@"; done
	page 21 1 -
}
stale="iotctl: the list '/api/devices/?page_size=1000&ordering=-created_at' never ends: 10 pages in a row have nothing new, and the next is '/api/devices/?page=12'"
endless 1 | answers
tells 8 "$stale" 'pages without end, all the same' iotctl device list
endless | answers
tells 8 "$stale" 'empty ones' iotctl device list
{ page 1 1 2 1; for n in $(seq 2 10); do page "$n" 2 $((n + 1)); done; page 11 2 - 2; } | answers
tells 0 '' 'a few are no such thing' iotctl device list
done_testing
