#!/bin/sh
# A Django backend whose login is simplejwt's own, and the way to it: paths that are not there, gateways, proxies.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

start_django token nome rotate access=2
: >"$log"
ok "simplejwt's own paths: logged in" iotctl broker list
is 'POST /api/auth/login/ 404 POST /api/token/ 200 ' "$(sed -n 's/^\(POST .*\) - .*/\1/p' "$log" | tr '\n' ' ')" \
	'the platform'\''s path first, then that'
sleep 2.1
: >"$log"
ok 'a token that has run out' iotctl broker list
is '1 1' "$(requests '^POST /api/token/refresh/ 200') $(requests '^POST')" 'is renewed beside the login, nowhere else'
rm -f "$HOME"/.local/state/iot/token-*
: >"$log"
ok 'login' iotctl login "$api"
has "$(cat "$HOME/.config/iot/iot.conf")" 'auth_path = /api/token/' 'keeps the path in the context'
rm -f "$HOME"/.local/state/iot/token-*
: >"$log"
ok 'and the next login' iotctl broker list
is 'POST /api/token/ 200 ' "$(sed -n 's/^\(POST .*\) - .*/\1/p' "$log" | tr '\n' ' ')" 'begins there'
printf 'wrong\n' >wrong.pw
chmod 600 wrong.pw
run env XDG_STATE_HOME="$T/other" iotctl broker list --password-file wrong.pw
exits 4 'a wrong password, a 401 there'
has "$err" "cannot log in as 'admin' at '$api'" 'is no login'
is '' "$(printf '%s' "$err" | grep token)" 'and no bad token'
ok 'api POST token sends no token of ours' iotctl api POST token username=admin password=admin-password
run iotctl config set auth_path=nowhere
run env XDG_STATE_HOME="$T/other" iotctl broker list
exits 2 'an auth_path that is no path'
has "$err" 'auth_path: ' 'is named'
ok 'another that is not there' iotctl config set auth_path=/api/jwt/create
ok 'is left for those that are' env XDG_STATE_HOME="$T/other" iotctl broker list
run iotctl config set auth_path=

# Without /api/users/me/.
run iotctl doctor
has "$out" "$api" 'doctor: the API'
is '' "$(printf '%s\n' "$out" | grep -E 'BAD.*404|users/me')" 'no /api/users/me/ is no finding'
has "$out" 'broker' 'and it goes on'
run iotstatus -v
is '3 no devices speak MQTT' "$status $out" 'iotstatus -v does without it'
is '' "$(printf '%s\n' "$out$err" | grep -E '404|users/me')" 'and says nothing of it'
run iotctl whoami
exits 3 'whoami has nobody to ask'
has "$err" "$api/api/users/me/" 'and names the URL'

# A URL that is another's.
: >"$log"
run env XDG_STATE_HOME="$T/other2" iotctl broker list --api-url "$api/v1"
exits 8 'no login at all: another URL'
has "$err" "'$api/v1/api/auth/login/' (404)" 'the URL is named'

# A gateway whose backend is gone for a moment.
iotctl broker create B host=h >/dev/null
: >"$log"
spoil 'GET /api/mqtt/brokers/ 502' 'GET /api/mqtt/brokers/ 502'
ok 'a GET answered with 502 is sent again' iotctl broker list
is '2 1' "$(requests '^GET .* 502') $(requests '^GET /api/mqtt/brokers.* 200')" 'three times at most'
spoil 'POST /api/mqtt/brokers/ 502'
: >"$log"
run iotctl broker create B2 host=h
exits 5 'a POST is not'
is 1 "$(requests '^POST /api/mqtt/brokers/')" 'sent again'

# Proxies.
for p in http_proxy all_proxy; do
	ok "$p: never for the loopback" env "$p=http://127.0.0.1:9" iotctl broker list
done
: >"$log"
ok 'localhost is the loopback too' env http_proxy=http://127.0.0.1:9 iotctl broker list \
	--api-url "http://localhost:${api##*:}"
for host in 127.0.0.2 127.1 2130706433 0x7f.1 '[::1]' '[::ffff:127.0.0.1]' LOCALHOST localhost. api.localhost; do
	run env http_proxy=http://127.0.0.1:9 iotctl broker list --api-url "http://$host:1" -t 2s
	without "$err" proxy "  however it is written: $host"
done
for host in 128.0.0.1 '[::2]' notlocalhost localhost.example.org 1270.0.0.1; do
	run env http_proxy=http://127.0.0.1:9 iotctl broker list --api-url "http://$host:1" -t 2s
	has "$err" "through the proxy '127.0.0.1:9' (http_proxy)" "  and $host is another"
done
run env http_proxy=http://user:pw@127.0.0.1:9 iotctl broker list --api-url http://api.example.org -t 2s
exits 5 'another host goes through it'
has "$err" "through the proxy '127.0.0.1:9' (http_proxy)" 'and the error names it'
is '' "$(printf '%s' "$err" | grep pw@)" 'without its password'
done_testing
