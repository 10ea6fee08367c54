#!/bin/sh
# The HTTP guard, by raw bytes: what two parsers could read differently is refused, then closed. And what is JSON or a
# query, but costs more than it may.
# slow: bodies and answers of many megabytes
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
cat >"$T/raw.pl" <<'P'
use strict; use IO::Socket::INET;
my ($url, $bytes) = @ARGV; my ($where) = $url =~ m{^http://(.*)};
$bytes =~ s/\\r/\r/g; $bytes =~ s/\\n/\n/g; $bytes =~ s/\\0/\0/g; $bytes =~ s/\\t/\t/g;
my $s = IO::Socket::INET->new(PeerAddr => $where) or die; $s->autoflush(1);
$SIG{ALRM} = sub { print "HANGS\n"; exit }; alarm 20; $SIG{PIPE} = 'IGNORE';
print $s $bytes; my ($all, $b) = (''); $all .= $b while sysread $s, $b, 65536;
# libmicrohttpd 0.9.75 writes the header of its own refusals twice before it closes.
my $seen = join(' ', $all =~ m{HTTP/1\.1 (\d+)}g); $seen =~ s/^(4\d\d) \1$/$1/;
print $all eq '' ? 'closed' : $seen, "\n";
P
library=$(pkg-config --modversion libmicrohttpd)
# answers WANTED BYTES SENTENCE: every status it answered until it closed.
answers() {
	answer=$(perl "$T/raw.pl" "$api" "$2")
	# What the library refuses by itself one version answers with 400, and another with a close, or as RFC 9112, 6.1 has it.
	case "$1 $answer $library" in
	'400 closed 1.'* | '400 501 1.'*) answer=400 ;;
	'closed 400 1.'*) answer=closed ;;
	'413 400 1.'*) answer=413 ;;
	esac
	is "$1" "$answer" "$3"
}
g='GET /healthz HTTP/1.1\r\nHost: a\r\n'
answers 200 "${g}Connection: close\r\n\r\n" 'control: a good request'
answers '200 200' "${g}\r\n${g}Connection: close\r\n\r\n" 'control: two, pipelined'
p='POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\n'
answers 400 "${p}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${g}\r\n" 'TE with CL, and no second request'
answers 400 "${p}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x" 'two Content-Length'
answers 400 "${p}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" 'even when they agree'
answers 400 "${g}Host: b\r\n\r\n" 'two Host'
answers 400 "${g}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n" 'two Authorization'
answers 400 "GET /healthz HTTP/1.1\r\n\r\n" 'no Host'
answers 400 "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n" 'a Host that is none'
answers 400 "GET /healthz%00x HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the path'
answers 400 "GET /healthz\0/x HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the path'
answers 400 "GET /healthz?a=b\0 HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the query'
answers 400 "${g}X: a\rb\r\n\r\n" 'a bare carriage return'
answers 400 "${p}Transfer-Encoding: gzip\r\n\r\n" 'a transfer coding that is not chunked'
answers 200 "GET /healthz/?a=b&c=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" 'control: a query'
answers 400 "GET /api/devices/?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the query'
answers 400 "GET /a/../healthz HTTP/1.1\r\nHost: a\r\n\r\n" '.. in the path'
answers 400 "GET /a/%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'escaped too'
answers 400 "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" 'a bad escape'
answers 400 "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n" 'a path that is no UTF-8'
answers 400 "${p}Content-Length : 2\r\n\r\n{}" 'a blank before the colon'
answers 400 "GET /healthz HTTP/1.9\r\nHost: a\r\n\r\n" 'a version that is not'
# What the library skips in the head of a request, and shows nothing of.
answers 400 "${g}X: a\0b\r\n\r\n" 'a NUL in a value'
answers 400 "${g}X: a\0\r\n\r\n" 'at its end'
answers 400 "${g}X: a\0\0\r\n\r\n" 'at the end of the last one'
answers 400 "${g}X\0: a\r\n\r\n" 'in a name'
answers 400 "GET\0 /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'in the method'
answers 400 "GET /healthz HTTP/1.1\nHost: a\n\n" 'bare line feeds'
answers 400 "${g}X: a\nY: b\r\n\r\n" 'one of them in a header'
answers 400 "${g}X: a \nY: b\r\n\r\n" 'behind a blank'
answers 200 "${g}X: a \r\nY: b  \r\nConnection: close\r\n\r\n" 'control: blanks behind values'
answers 400 "${g}X: a\r\n b\r\n\r\n" 'a folded header'
answers 400 "${g}X: a\r\n b\r\nY: b\r\n\r\n" 'not the last one'
answers 400 "${g}: b\r\n\r\n" 'a header without a name'
answers 400 "${g}Xb\r\n\r\n" 'a header without a colon'
answers 200 "${g}X:  b \t\r\nY:\r\nConnection: close\r\n\r\n" 'control: blanks around a value, and none'
answers 200 "\r\n${g}Connection: close\r\n\r\n" 'control: an empty line before the request'
answers 400 "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'two blanks before the target'
answers closed "GET /healthz  HTTP/1.1\r\nHost: a\r\n\r\n" 'behind it'
answers closed " GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'before the method'
answers closed "GET /healthz a HTTP/1.1\r\nHost: a\r\n\r\n" 'in the target'
answers 400 "GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n" 'behind the version'
answers 400 "GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'a tab for a blank'
answers 400 "G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'a method that is no token'
answers 400 "GET /healthz\r\n\r\n" 'HTTP/0.9'
# Where a request ends.
for length in +4 0x4 4,4 '4 4' ''; do
	answers 400 "${p}Content-Length: $length\r\n\r\n{}  " "Content-Length: '$length'"
done
answers 413 "${p}Content-Length: 99999999999999999999999\r\n\r\n" 'one beyond 64 bits'
for coding in identity 'chunked, chunked' 'gzip, chunked' 'chunked;q=1' xchunked; do
	answers 400 "${p}Transfer-Encoding: $coding\r\n\r\n0\r\n\r\n" "Transfer-Encoding: $coding"
done
answers 400 "POST /api/auth/login/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" 'any of HTTP/1.0'
t="${p}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
answers 415 "${t}2\r\n{}\r\n0\r\nX: y\r\n\r\n" 'control: a chunk, a trailer'
# libmicrohttpd 1.0 takes the line feed behind an extension for the first byte of the chunk, and refuses that.
case $library in
1.0.*) ;;
*) answers 415 "${t}2;x=y\r\n{}\r\n0\r\n\r\n" 'control: a chunk with an extension' ;;
esac
for chunk in 0x2 +2 -2 ' 2' '2 ' 2_ ''; do
	answers 400 "$t$chunk\r\n{}\r\n0\r\n\r\n" "a chunk of '$chunk'"
done
answers 400 "${t}2\r\n{}XX0\r\n\r\n" 'a chunk without its line end'
answers 413 "${t}FFFFFFFFFFFFFFFFF\r\n{}" 'a chunk beyond 64 bits'
# The host, and targets with one.
answers 200 "GET http://a:80/healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n" 'an absolute target'
answers 400 "GET http://a@b/healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'with a malformed host'
answers 400 "GET http:///healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'or with none'
answers 400 "GET ftp://a/healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'or with another scheme'
answers 400 "GET http://a/healthz HTTP/1.1\r\nHost: b/c\r\n\r\n" 'and the header has to be right all the same'
answers 400 "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" 'CONNECT'
answers 200 "GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n" 'control: a host of IPv6'
for host in '' a:b a:80:80 '[' '[zz]' '[]' 'a b' a,b a@b 'a?' ':80'; do
	answers 400 "GET /healthz HTTP/1.1\r\nHost: $host\r\n\r\n" "Host: '$host'"
done
answers 400 "GET /healthz#a HTTP/1.1\r\nHost: a\r\n\r\n" 'a fragment in the target'
answers 400 "GET /healthz?$(printf '\177') HTTP/1.1\r\nHost: a\r\n\r\n" 'a control character'
answers 400 "GET /healthz/.. HTTP/1.1\r\nHost: a\r\n\r\n" '.. at the end'
answers 400 "GET /healthz?$(seq 65 | sed 's/.*/a=b/' | paste -sd '&') HTTP/1.1\r\nHost: a\r\n\r\n" '65 arguments'
case $(perl "$T/raw.pl" "$api" "${p}Content-Length: -1\r\n\r\n") in
400 | closed) tap 0 'a negative length' ;; *) tap 1 'a negative length' ;;
esac
answers 413 "${p}Content-Length: 1048577\r\n\r\n" 'a body over 1 MiB, before it is read'
answers 413 "POST /api/readings/bulk/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n" 'over 8 MiB in bulk'
for head in 'Content-Length: 65537' 'Transfer-Encoding: chunked'; do
	answers 401 "POST /api/readings/bulk/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\n$head\r\n\r\n" \
		"$head: a body that may be long is of who has a token, before it is read"
done
answers 413 "POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n" 'a login has no long one'

token=$(iotapi token create admin --db "$db")
chunked() { # chunked BYTES PATH: the status, the headers in headers, the body in answer
	head -c "$1" /dev/zero | tr '\0' ' ' | curl -s -D headers -o answer -w '%{http_code}' \
		-H 'Transfer-Encoding: chunked' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -H Expect: --data-binary @- "$api$2"
}
refusals() { curl -sS -H "Authorization: Bearer $token" "$api/metrics/" | sed -n 's/^iotapi_http_responses_total{code="4xx"} //p'; }
is 400 "$(chunked 1000 /api/devices/)" 'control: a chunked body is read'
before=$(refusals)
# The library takes no answer in the middle of a body: it is read to its end, and not kept.
is 413 "$(chunked 30000000 /api/devices/)" 'a chunked body over 1 MiB'
is '{"detail":"The body is too large: at most 1048576 bytes.","code":"too_large"}' "$(cat answer)" 'is told its limit'
has "$(tr -d '\r' <headers)" 'Connection: close' 'and is the last one of its connection'
is $((before + 1)) "$(refusals)" 'and is counted'
is 413 "$(chunked 70000 /api/auth/login/)" 'a chunked login over 64 KiB,'
answers 413 "${p}Transfer-Encoding: chunked\r\n\r\n11170\r\n$(head -c 70000 /dev/zero | tr '\0' ' ')\r\n0\r\n\r\n${g}\r\n" \
	'and no second request'

# JSON: as deep as clients read, each name once, no more values than memory allows.
call() { # call METHOD PATH JSON-FILE: the body, without a line feed, and the status
	curl -sS -X "$1" -w ' %{http_code}\n' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' --data-binary "@$3" "$api$2"
}
posted() { # posted PATH JSON
	printf '%s' "$2" >body
	call POST "$1" body
}
{
	posted /api/sensors/ '{"nombre":"T","tipo":"otro","unidad_medida":"C","rango_min":-40,"rango_max":85}'
	posted /api/devices/ '{"nombre":"D","tipo":"esp32","identificador_unico":"D1","ubicacion":"x"}'
	posted /api/devices/1/assign_sensor/ '{"sensor_id":1}'
	posted /api/mqtt/brokers/ '{"nombre":"B","host":"127.0.0.1","is_active":false}'
	posted /api/mqtt/device-config/ '{"dispositivo":1,"broker":1}'
} >made
is 5 "$(grep -c ' 201$' made)" 'a device, its sensor and its configuration'
nested() { # nested DEPTH: of the whole body
	perl -e 'my $n = shift() - 1; print "{\"metadata_json\":", "[" x $n, "]" x $n, "}"' "$1"
}
config=/api/mqtt/device-config/1/
nested 64 >body
has "$(call PATCH $config body)" ' 200' 'a body that is 64 deep'
nested 65 >body
is '{"detail":"JSON parse error - nested deeper than 64: line 1 column 81 (char 80)","code":"parse_error"} 400' "$(call PATCH $config body)" \
	'one that is 65 deep is refused'
nested 5000 >body
is '{"detail":"JSON parse error - nested deeper than 64: line 1 column 81 (char 80)","code":"parse_error"} 400' "$(call PATCH $config body)" \
	'or deeper than anybody reads'
printf '{"nombre":"a",\n "nombre":"b"}' >body
has "$(call PATCH /api/devices/1/ body)" 'line 2 column 10 (char 24)","code":"parse_error"} 400' \
	'a name that is there twice'
printf '{"metadata_json":{"a":1,"\\u0061":2}}' >body
has "$(call PATCH $config body)" 'duplicate object key' 'inside too, and escaped'
{ printf '{"metadata_json":['; yes '{},' | head -n 80000 | tr -d '\n'; printf '0]}'; } >many
has "$(call PATCH $config many)" 'more than 65536 values' 'values that would be many times the body'
{ printf '{"subscribe_topics":['; seq -s, 50000; printf ']}'; } >refs
is '{"subscribe_topics":["Ensure this field has no more than 256 elements."]} 400' \
	"$(call PATCH $config refs)" '50,000 references'
{ printf '{'; seq 60000 | sed 's/.*/"&":1/' | paste -sd,; printf '}'; } >unknown
call PATCH /api/devices/1/ unknown | sed 's/ 400$//' >answer
is '65 59936 more unknown fields.' "$(jq -r '"\(length) \(.non_field_errors[0])"' answer)" \
	'of 60,000 unknown fields 64 are named'
bulk=/api/readings/bulk/
{ printf '{"lecturas":['; yes '{},' | head -n 2700000 | tr -d '\n'; printf '{}]}'; } >bulk
is '{"lecturas":["Ensure this field has no more than 10000 elements."]} 400' "$(call POST $bulk bulk)" \
	'a bulk of 2.7 million readings'
{ printf '{"lecturas":['; yes '{},' | head -n 9999 | tr -d '\n'; printf '{}]}'; } >bulk
call POST $bulk bulk | sed 's/ 400$//' >answer
is 64 "$(jq '.lecturas | length' answer)" 'of 10,000 that are wrong 64 are told'
{
	printf '{"lecturas":['
	yes '{"dispositivo":1,"sensor":1,"valor":1},' | head -n 9999
	printf '{"dispositivo":1,"sensor":1,"valor":%s}]}' 2
} >bulk
is '{"message":"10000 readings created successfully","count":10000} 201' "$(call POST $bulk bulk)" '10,000 good ones'
sed -i 's/"valor":2}/"valor":200}/' bulk
call POST $bulk bulk | sed 's/ 400$//' >answer
is '10000 {"non_field_errors":["The value 200 is outside the sensor'"'"'s range (-40 to 85)."]}' \
	"$(jq -c -r '"\(.lecturas | length) \(.lecturas[9999])"' answer)" 'a wrong one behind them, at its place'
is '{"count":10000}' "$(curl -sS -H "Authorization: Bearer $token" "$api/api/readings/?page_size=1" | jq -c '{count}')" \
	'and then none is stored'
printf '{"lecturas":[{"valor":1,"valor":2}],"lecturas":[]}' >body
is '{"lecturas":["It is there twice."]} 400' "$(call POST $bulk body)" \
	'a list that is there twice'
printf '{"lecturas":[{"valor":1,"valor":2}]}' >body
has "$(call POST $bulk body)" 'duplicate object key' 'or a name in a reading'
printf '[]' >body
is '{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]} 400' "$(call POST $bulk body)" \
	'no object'
printf '{"lecturas":[{]}' >body
is '{"detail":"JSON parse error - no JSON: line 1 column 15 (char 14)","code":"parse_error"} 400' "$(call POST $bulk body)" \
	'no JSON'

# What is unknown is told wherever there is a body: misspelt, it would be believed to have had its effect.
printf '{"lecturas":[],"lectura":[],"lectura":[]}' >body
is '{"lectura":["Unknown field.","Unknown field."]} 400' "$(call POST $bulk body)" 'an unknown field of a bulk'
for where in devices/1/assign_sensor mqtt/device-config/1/update_connection_status mqtt/test-connection auth/login auth/refresh; do
	printf '{"sensor_id":1,"broker_id":1,"status":"connected","username":"admin","password":"admin-password","refresh":"x","tiempo":1}' >body
	has "$(call POST "/api/$where/" body)" '"tiempo":["Unknown field."]' "or of $where"
done
is '{"ordering":["Unknown filter."],"search":["Unknown filter."]} 400' \
	"$(call GET '/api/readings/rejects/?page=1&page_size=9&ordering=id&search=x' /dev/null)" 'and of rejects all but their pages'

# A page that would be a gigabyte.
python3 -c 'import sqlite3,sys; c = sqlite3.connect(sys.argv[1])
c.execute("INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, descripcion, created_at, updated_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40) SELECT i, 1, 1, 0, 1, hex(zeroblob(500000)), 0, 0 FROM n")
c.commit()' "$db"
list() { curl -sS -o /dev/null -w '%{http_code} %{size_download}' -H "Authorization: Bearer $token" "$api/api/sensors/?page_size=$1"; }
is '400 93' "$(list 1000)" 'a page of more than 32 MiB is refused'
has "$(list 20)" '200 190' 'a smaller one is served'
# Sixteen of these that nobody reads, and then a short answer.
python3 - "$api" "$token" <<'P' >unread 2>&1
import socket, sys
host, port = sys.argv[1].split('//')[1].split(':')
def ask(path):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(60)
    s.connect((host, int(port)))
    s.sendall(f'GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {sys.argv[2]}\r\n\r\n'.encode())
    return s
def status(s):
    return s.recv(12)[9:].decode()
# All at once: what is not read for long is cut off.
held = [ask('/api/sensors/?page_size=20') for i in range(16)]
statuses = sorted(status(s) for s in held)
print(statuses[0], statuses[-1], status(ask('/api/sensors/?page_size=1')))
P
is '200 503 200' "$(cat unread)" 'of answers that are not read only so much is kept'
room() { case $(list 20) in '200 190'*) ;; *) return 1 ;; esac; }
ok 'and when their readers have gone there is room again' wait_for 10 room
# Of pages that are built, too, and what is freed goes back to the system. Not where a sanitizer has its own malloc.
mib() { awk -v key="$1:" '$1 == key { print int($2 / 1024) }' "/proc/$api_pid/status"; }
small() { [ "$(mib VmRSS)" -lt 100 ]; }
if [ -z "${SANITIZED-}" ]; then
	[ "$(mib VmHWM)" -lt 360 ]
	tap $? "memory for 16 pages of 20 MB at once: $(mib VmHWM) MiB"
	wait_for 10 small
	tap $? "and none of it is kept: $(mib VmRSS) MiB"
fi
# Bodies that are announced and do not come: 32 of 8 MB.
python3 - "$api" "$token" <<'P' >unsent 2>&1
import select, socket, sys, time
host, port = sys.argv[1].split('//')[1].split(':')
def announce(path, size):
    s = socket.create_connection((host, int(port)), 60)
    s.sendall(b'POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n'
        b'Content-Length: %d\r\n\r\n' % (path, sys.argv[2].encode(), size))
    return s.recv(12)[9:].decode(), s
def count(held):
    return [sum(status == wanted for status, _ in held) for wanted in ('100', '503')]
held = [announce(b'/api/readings/bulk/', 8388608) for i in range(40)]
def chunked(size):
    s = socket.create_connection((host, int(port)), 60)
    s.sendall(b'POST /api/readings/bulk/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n'
        b'%x\r\n%b\r\n0\r\n\r\n' % (sys.argv[2].encode(), size, b' ' * size))
    answer = b''
    while more := s.recv(65536):
        answer += more
    return answer[9:12].decode(), *(name in answer for name in (b'\r\nConnection: close\r\n', b'\r\nRetry-After: 1\r\n'))
print(*count(held), *chunked(2 << 20))
# Short ones are long together; those that have gone are not noticed at once.
until = time.monotonic() + 30
while count(held) != [256, 44] and time.monotonic() < until:
    for _, s in held:
        s.close()
    held = [announce(b'/api/devices/', 1000000) for i in range(300)]
print(*count(held))
P
is '32 8 503 True True 256 44' "$(paste -sd ' ' unsent)" 'of long bodies only so much is waited for, or of a chunked one kept'
# An object that is a gigabyte with what belongs to it: a device with 40 sensors of a megabyte.
python3 -c 'import sqlite3,sys; c = sqlite3.connect(sys.argv[1])
c.execute("INSERT INTO assignment (dispositivo, sensor, configuracion_json, fecha_asignacion) SELECT 1, id, 0, 0 FROM sensor WHERE id > 1")
c.commit()' "$db"
printf '{"nombre":"D"}' >body
large='{"detail":"An object with what belongs to it has more than 8 MiB here: let it have less.","code":"too_large"} 400'
is "$large" "$(call GET /api/devices/1/ /dev/null)" 'an object of more than 8 MiB is refused'
is "$large" "$(call PATCH /api/devices/1/ body)" 'in the answer to a change as well'
is "$large" "$(call GET /api/devices/ /dev/null)" 'and in a list'
is '{"status":"ok"}' "$(curl -sS "$api/healthz")" 'which is no failure'
has "$(call DELETE '/api/devices/1/remove_sensor/?sensor_id=2' /dev/null)" ' 200' 'what belongs to it can be taken away'
# Text that is alike, over and over: the sensors' is a million zeros.
is '0 200' "$(curl -sS -m 20 -H "Authorization: Bearer $token" -w ' %{http_code}' \
	"$api/api/sensors/?search=$(head -c 10000 /dev/zero | tr '\0' 0)1" | sed 's/^{"count":\([0-9]*\),.*}/\1/')" \
	'a search for ten thousand letters of a million'
python3 -c 'import sqlite3,sys; c = sqlite3.connect(sys.argv[1]); c.execute("DELETE FROM assignment WHERE sensor > 1")
c.execute("DELETE FROM sensor WHERE id > 1"); c.commit()' "$db"

# Queries.
query() { curl -sS -w ' %{http_code}\n' -H "Authorization: Bearer $token" "$api/api/devices/?$1"; }
words() { yes a | head -n "$1" | paste -sd +; }
has "$(query "search=$(words 32)")" ' 200' 'a search of 32 words'
is '{"search":["Ensure this search has no more than 32 words."]} 400' "$(query "search=$(words 5000)")" 'of 5,000'
is '{"search":["Ensure this search has no more than 32 words."]} 400' "$(query "search=$(words 20)&search=$(words 20)")" \
	'in two parts'
is '{"ordering":["Ensure this field has no more than 8 elements."]} 400' \
	"$(query "ordering=$(yes nombre | head -n 2000 | paste -sd,)")" 'an order of 2,000 fields'
has "$(query "$(yes tipo=otro | head -n 64 | paste -sd '&')")" ' 200' '64 filters'

# What an older iotapi took: shown as a text, so that every list is read, and it can be replaced.
deep=$(perl -e 'print "[" x 512, "]" x 512')
python3 -c 'import sqlite3,sys; c = sqlite3.connect(sys.argv[1])
c.execute("update \"device-config\" set metadata_json = ?", (sys.argv[2],))
c.execute("update assignment set configuracion_json = ?", (sys.argv[2],)); c.commit()' "$db" "$deep"
run iotctl device-config list -o json
is "$deep" "$(printf '%s' "$out" | jq -r '.[0].metadata_json')" 'a value that is too deep is a text in lists'
run iotctl device get 1 -o json
is "$deep" "$(printf '%s' "$out" | jq -r '.sensores_asignados[0].configuracion_json')" 'in an object'
run iotctl export --all
exits 0 'export goes on'
run iotctl device-config set 1 metadata_json:='{"a":1}'
exits 0 'and set repairs it'
is '{"a":1}' "$(iotctl device-config get 1 -o json | jq -c .metadata_json)" 'with another value'
run iotctl api PATCH devices/1/ 'x:={"a":1,"a":2}'
exits 2 'iotctl api refuses a name that is there twice, too'

# In the middle of it all good requests are served.
status_of() { curl -sS -o /dev/null -w '%{http_code}' "$@"; }
is 200 "$(status_of "$api/healthz")" 'it still serves'
is 404 "$(status_of "$api/nothing/")" 'an unknown path is 404'
is 200 "$(status_of -I "$api/healthz")" 'HEAD is a GET without body'
is 401 "$(status_of "$api/api/devices")" 'a missing final slash is served all the same'
is 200 "$(status_of -H "Authorization: Bearer $token" "$api/api/devices")" 'with a token'
done_testing
