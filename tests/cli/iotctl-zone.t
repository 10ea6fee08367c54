#!/bin/sh
# Times of a backend that name no zone: what tables and errors say of them, and how login finds it out.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/quirks.sh
. "$top/tests/quirks.sh"

start_django
login() { # as one does who begins
	rm -rf "$HOME/.config"
	unset IOT_API_URL
	run env "$@" iotctl login "$api" --api-username admin --password-file "$T/api.pw"
	IOT_API_URL=$api
	export IOT_API_URL
}
saved() { sed -n 's/^api_tz *= *//p' "$HOME/.config/iot/iot.conf" | tr -d '"'; }

own="times are the API's own, which name no zone"
iotctl device create D1 nombre=x tipo=esp32 ubicacion=x >/dev/null
run iotctl device get D1
has "$err" "$own" 'a table with such times says so'
is 1 "$(printf '%s\n' "$err" | wc -l)" 'once'
run iotctl device list --columns identifier,created,updated
has "$err" "$own" 'a list too'
for f in json csv ndjson yaml; do
	run iotctl device get D1 -o $f
	is '' "$err" "$f has them as they come, and says nothing"
done
run iotctl device list --columns identifier
is '' "$err" 'nor does a table without times'
run iotctl device get D1 --api-tz America/Mexico_City
is '' "$err" 'nor one whose zone is known'
restart ignore=last_seen
run iotctl device set D1 last_seen='2020-01-02 03:04:05'
exits 1 'a time that is ignored'
restart
run iotctl device set D1 last_seen='2020-01-02 03:04:05'
restart ignore=last_seen
run iotctl device set D1 last_seen='2021-01-02 03:04:05'
has "$err" "it has \"2020-01-02 03:04:05\", not \"2021-01-02 03:04:05\" (the time is the API's own: it names no zone, set api_tz)" \
	'an error says whose the time is'

# login.
restart last_login
login
exits 0 'login'
has "$err" "the API's times name no zone: by last_login it is Etc/GMT+6 (api_tz)" 'finds the zone'
is Etc/GMT+6 "$(saved)" 'and saves it'
run iotctl device get D1
is '' "$err" 'then tables show other times'
login TZ=America/Mexico_City
is America/Mexico_City "$(saved)" "this machine's zone, where it is the same"
restart last_login zone=Asia/Tokyo
login TZ=America/Mexico_City
is Etc/GMT-9 "$(saved)" 'one ahead of UTC'
restart last_login zone=UTC
login
is UTC "$(saved)" 'UTC'
restart last_login zone=Asia/Kathmandu
login
exits 0 'one that is no whole hours'
has "$err" "'iotctl config set api_tz=ZONE' says which" 'cannot be named'
is '' "$(saved)" 'and none is saved'
login TZ=Asia/Kathmandu
is Asia/Kathmandu "$(saved)" "unless it is this machine's"

# A login that leaves no time, as the platform's own.
restart
sqlite3 "$T/django/db" "UPDATE plataforma_user SET last_login = NULL" >/dev/null
login
has "$err" 'by the times of its EMQX users it is Etc/GMT+6' 'by a time that comes with its zone elsewhere'
is Etc/GMT+6 "$(saved)" 'as well'
sqlite3 "$T/django/db" "UPDATE plataforma_user SET last_login = '2026-01-01 00:00:07'" >/dev/null
spoil 'GET /api/mqtt/emqx-users/ 404'
login
has "$err" "the API's times name no zone, and are shown as they come" 'a last_login that is not of now tells nothing'
is '' "$(saved)" 'and none is saved'

# A person is asked then, until the answer is a zone or none.
rm -rf "$HOME/.config"
: >screen
mkfifo keys
spoil 'GET /api/mqtt/emqx-users/ 404'
unset IOT_API_URL
script -qefc "iotctl login $api --api-username admin --password-file $T/api.pw" screen <keys >/dev/null 2>&1 &
tty=$!
exec 3>keys
wait_for 10 grep -q "zone of the API's times" screen
printf 'Mexico\r' >&3
wait_for 10 grep -q "'Mexico' is no time zone" screen
printf 'America/Bogota\r' >&3
exec 3>&-
wait $tty
is 0 $? 'a person is asked'
is America/Bogota "$(saved)" 'until it is a zone'
rm -rf "$HOME/.config"
run iotctl login "$api" --api-username admin --password-file "$T/api.pw" --api-tz Asia/Tokyo
is 'Asia/Tokyo' "$(saved)" 'one that is given is not looked for'
case $err in *'name no zone'*) tap 1 'nor told of' ;; *) tap 0 'nor told of' ;; esac
done_testing
