#!/bin/sh
# Each habit of the Django backend that a client must survive, by name: tokens,
# limits, connections.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

start_django
for n in 1 2 3; do
	iotctl device create "D$n" nombre="Nodo $n" tipo=esp32 ubicacion=x >/dev/null
done
iotctl broker create B host=h >/dev/null

# Tokens.
restart access=2 rotate
ok 'a JWT of 2 s: logged in' iotctl broker list
sleep 2.1 # longer than the JWT lives
: >"$log"
ok 'and run out: renewed' iotctl broker list
is '1 0' "$(requests '^POST /api/auth/refresh/ 200') $(requests '^POST /api/auth/login/')" \
	'by one refresh, without a login'
is '401 200 ' "$(sed -n 's/^GET .* \([0-9]*\) [a-z-]* [0-9]*$/\1/p' "$log" | tr '\n' ' ')" \
	'the request is sent again, once'
sleep 2.1 # longer than the JWT lives
: >"$log"
iotctl broker list >one 2>&1 &
one=$!
iotctl device list >two 2>&1 &
two=$!
ok 'two processes at once: the one' wait "$one"
ok 'and the other' wait "$two"
is 1 "$(requests '^POST /api/auth/refresh/ 200')" 'one refresh for both'
no_line "$log" 'no login' '^POST /api/auth/login/'
sleep 2.1 # longer than the JWT lives
for fault in 503 429/60; do
	spoil "POST /api/auth/refresh/ $fault"
	run env -u IOT_USERNAME -u IOT_PASSWORD_FILE iotctl broker list
	exits 5 "a refresh answered with $fault is no reason to log in again"
done
ok 'and succeeds later' env -u IOT_USERNAME -u IOT_PASSWORD_FILE iotctl broker list
restart access=0.001
says 4 'refused the token' 'a token that is refused for ever' iotctl broker list
is 2 "$(requests '^GET .*401')" 'is renewed once a request'
restart
iotctl api POST long-lived >token.json
jq -r .token token.json >token
chmod 600 token
: >"$log"
ok 'a long-lived Bearer token' env -u IOT_USERNAME iotctl broker list --token-file token
no_line "$log" 'is used as it is' '^POST /api/auth/'
says 4 'refused the token' 'a wrong one' env IOT_TOKEN=wrong iotctl broker list
printf 'lector-password\n' >lector.pw
chmod 600 lector.pw
says 4 'Solo los superusuarios pueden gestionar la configuración MQTT.' 'a role that may not' \
	iotctl broker list --api-username lector --password-file lector.pw
printf 'wrong\n' >wrong.pw
chmod 600 wrong.pw
says 4 "cannot log in as 'lector'" 'a bad login is a 400 here, and 4 for us' \
	env XDG_STATE_HOME="$T/other" \
	iotctl broker list --api-username lector --password-file wrong.pw

# Too many requests, a server that is ill, connections that break off.
restart throttle=3/second
ok 'throttled: it waits' iotctl device get D1 D2 D3 -o ndjson
tap "$(($(requests ' 429 ') == 0))" 'a 429 is tried again after Retry-After'
no_line "$log" 'and nothing else goes wrong' '^GET .* 5[0-9][0-9] '
restart
spoil 'GET /api/mqtt/brokers/ 503/1'
ok '503 with Retry-After: tried again' iotctl broker list
spoil 'POST /api/mqtt/brokers/ 503/1'
ok 'a POST too: it was not done' iotctl broker create R1 host=h
spoil 'GET /api/mqtt/brokers/ 429/60'
before=$(date +%s)
says 5 '60 s' 'a Retry-After beyond --timeout' iotctl broker list -t 5s
tap "$(($(date +%s) - before > 2))" 'is not waited for'
: >"$log"
spoil 'GET /api/mqtt/brokers/ drop' 'GET /api/mqtt/brokers/ drop'
ok 'a GET whose connection breaks off is sent again' iotctl broker list
is '2 1' "$(requests '^GET .* drop') $(requests '^GET .* 200')" 'three times at most'
: >"$log"
spoil 'DELETE /api/mqtt/brokers/ lose'
ok 'a DELETE that was done though the answer is lost' iotctl broker delete R1 --yes
: >"$log"
spoil 'POST /api/mqtt/brokers/ lose'
says 5 'may have been done' 'a POST is not' iotctl broker create R2 host=h
is 1 "$(requests '^POST /api/mqtt/brokers/')" 'never twice'
is R2 "$(rows broker list nombre=R2 --columns nombre)" 'for it was done'
: >"$log"
spoil 'PATCH /api/mqtt/brokers/ drop'
run iotctl broker set R2 port=1884
exits 5 'nor a PATCH'
is 1 "$(requests '^PATCH /api/mqtt/brokers/')" 'never twice'

# The control: a client that tries again whatever happened does it twice.
iotctl sensor create nombre=S tipo=gas unidad_medida=ppm rango_min=0 rango_max=9 >/dev/null
iotctl device assign D1 S >/dev/null
readings() { iotctl reading list -o ndjson | wc -l; }
access=$(iotctl api POST auth/login username=admin password=admin-password | jq -r .access)
reading="{\"dispositivo\":$(rows device get D1 --columns id),\"sensor\":$(rows sensor get S --columns id),\"valor\":1}"
spoil 'POST /api/readings/ lose'
run curl -sf --retry 2 --retry-all-errors --retry-delay 1 -H "Authorization: Bearer $access" \
	-H 'Content-Type: application/json' -d "$reading" "$api/api/readings/"
exits 0 'curl --retry-all-errors is content (the control)'
is 2 "$(readings)" 'and has made two of one'
spoil 'POST /api/readings/ lose'
says 5 'may have been done' 'the same with us' iotctl reading create device=D1 sensor=S valor=2
is 3 "$(readings)" 'makes one'

spoil 'POST /api/mqtt/brokers/ slow'
says 5 'no answer within 1 s; the POST may have been done' 'nor a POST without an answer in time' \
	iotctl broker create R3 host=h -t 1s

# Redirects, which could carry the token anywhere.
: >"$log"
spoil "GET /api/mqtt/brokers/ 302=$api/api/devices/"
says 8 "answered 302, a redirect to '$api/api/devices/': is the URL right?" 'a redirect' iotctl broker list
no_line "$log" 'is not followed' '^GET /api/devices/'

# What a role may not see.
printf 'operador-password\n' >op.pw
chmod 600 op.pw
run iotctl export --all --api-username operador --password-file op.pw
exits 1 'export --all by who may not see all'
has "$err" 'left out: role, user: ' 'says what is missing'
has "$out" 'kind: broker' 'and has the rest'
run env IOT_TOKEN=wrong iotctl export --all
exits 4 'but a token that is refused is no empty platform'

# One connection, but where the server is too busy to keep it: three tries.
for i in 1 2 3; do
	: >"$log"
	run iotctl broker set B R2 keepalive=7$i -j 1
	connections=$(sed 's/.* //' "$log" | sort -u | wc -l)
	[ "$connections" -gt 1 ] || break
done
exits 0 'several requests, one at a time'
is 1 "$connections" 'on one connection, those that write as well'
done_testing
