#!/bin/sh
# A day: one device's password leaked. It is rotated; the device learns it from the credentials file; the old
# one is good for nothing.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
export IOT_CONTEXT=lab
state=$HOME/.local/state/iot/lab.csv
password() { awk -F, -v d="$1" '$1 == d { print $4 }' "$state"; }
iotctl device provision D1 D2 sensores=temperature >/dev/null
let_in
old=$(password D1)
other=$(password D2)
try() { mosquitto_pub -h 127.0.0.1 -p "$port" -u device_D1 -P "$1" -i probe -t x -n >/dev/null 2>&1; }
ok 'the old password is good' try "$old"

iotctl device set D1 connection_status=online >/dev/null
run iotctl credential rotate D1
exits 2 'a device that is online is not touched without --yes'
has "$err" "device 'D1' is online and must learn its new password" 'is told'
is "$old" "$(password D1)" '  and nothing changed'
run iotctl credential rotate D1 --yes --dry-run
exits 0 'a dry run'
is "$old" "$(password D1)" '  changes nothing'
run iotctl credential rotate D1 --yes
exits 0 'rotated'
has "$out" "it is in '$state'" 'where it is'
new=$(password D1)
is 24 "${#new}" 'a new password in the file'
without "$out$err" "$new" 'and nowhere on the screen'
is "$other" "$(password D2)" "another device's row stays"
is 600 "$(stat -c %a "$state")" 'the file stays private'
let_in
ok 'the new password is good' try "$new"
if try "$old"; then good=1; else good=0; fi
tap $good 'the old one is not'
run iotpub D1 temperature=20 -C 1 --interval 1s
exits 0 'the device learns it from the file'
run iotctl doctor D1 --json
is ok "$(printf '%s' "$out" | jq -r '.[] | select(.check == "login") | .result')" 'and doctor says so'

# A platform that refuses: the file goes back to what counts.
iotctl device create D3 nombre=x tipo=esp32 ubicacion=x >/dev/null
run iotctl credential rotate D3
exits 3 'a device without a credential'
run iotctl credential rotate D9
exits 3 'no such device'
run iotctl credential rotate
exits 2 'which?'
run iotctl credential rotate D2 --api-url http://127.0.0.1:1 --credentials "$state"
exits 5 'no platform'
is "$other" "$(password D2)" 'nothing changed'
run iotctl emqx-user set-password nobody
exits 3 'this platform has no EMQX users'
stop_api
unset IOT_CONTEXT
rm -rf "$HOME/.config" "$HOME/.local"

# Django: the account that EMQX asks for changes, and the credential.
# shellcheck disable=SC2119
start_django
state=$HOME/.local/state/iot/default.csv
printf 'first-password\n' >pw
printf 'short\n' >short
chmod 600 pw short
iotctl device create E1 nombre=x tipo=esp32 ubicacion=x >/dev/null
iotctl credential create device=E1 client_id=E1 username=device_E1 password@pw >/dev/null
run iotctl credential rotate E1
exits 0 'rotated on Django'
new=$(password E1)
is 24 "${#new}" 'kept'
is "$new" "$(iotctl credential get E1 --show-secrets -o json | jq -r .password)" 'the credential has it'
is 1 "$(grep -c 'POST /api/mqtt/emqx-users/.*/change_password/ 200' "$T/django/log")" 'and so has EMQX'
run iotctl emqx-user set-password device_E1 password@short
exits 2 'too short'
run iotctl emqx-user set-password device_E1 password@pw
exits 0 'set-password'
is first-password "$(password E1)" 'is kept, too: it is a device'"'"'s'
printf 'PATCH /api/mqtt/credentials 400\n' >"$T/django/FAULTS"
run iotctl credential rotate E1
exits 6 'the platform refuses half'
has "$err" 'run it again' 'is told'
run iotctl credential rotate E1
exits 0 'and again'
printf 'POST /api/mqtt/emqx-users 400\n' >"$T/django/FAULTS"
before=$(password E1)
run iotctl credential rotate E1
exits 6 'the platform refuses all'
is "$before" "$(password E1)" 'the file has the password that counts'
printf 'POST /api/mqtt/emqx-users slow\n' >"$T/django/FAULTS"
iotctl credential rotate E1 >/dev/null &
slow=$!
wait_for 10 test ! -s "$T/django/FAULTS"
ok 'a second rotation while the first waits for the platform' iotctl credential rotate E1
ok 'which succeeds as well' wait "$slow"
is "$(password E1)" "$(iotctl credential get E1 --show-secrets -o json | jq -r .password)" 'file and platform agree'
mv "$state" elsewhere
printf 'POST /api/mqtt/emqx-users 400\n' >"$T/django/FAULTS"
run iotctl credential rotate E1
exits 6 'the same where no file had one'
ok 'no password that the platform never got is left' test -e "$state"
is 0 "$(grep -c E1 "$state")" '  in the file'

# EMQX's account took it, or nobody knows.
iotctl broker create nombre=B host=localhost >/dev/null
iotctl credential rotate E1 >/dev/null
pending() { jq -r ".pending[\"E1\"]${1-}" "$state.state"; }
agree() { is "$(password E1) null" "$(iotctl credential get E1 --show-secrets -o json | jq -r .password) $(pending)" "$1"; }
old=$(password E1)
printf 'POST /api/mqtt/emqx-users lose\n' >"$T/django/FAULTS"
run iotctl credential rotate E1
exits 5 'the answer is lost when EMQX has it'
has "$err" "'E1' has its old password or its new one, and both are kept" '  that is told'
new=$(pending '[0]')
is "$old 1" "$(password E1) $(pending '|length')" '  the new one is pending'
run iotctl credential rotate E1
is "$new" "$(password E1)" 'the next run finishes it'
agree '  everywhere'
old=$(password E1)
printf 'PATCH /api/mqtt/credentials lose\n' >"$T/django/FAULTS"
run iotctl credential rotate E1
exits 5 'half of it is sure'
is "$(password E1)" "$(pending '[0]')" '  the file has what EMQX asks for, and it stays pending'
if [ "$old" = "$(password E1)" ]; then same=1; else same=0; fi
tap $same '  the old one is gone'
run iotctl device provision E1
exits 0 'provision does the other half'
agree '  and nothing is pending'
printf 'POST /api/mqtt/emqx-users 503\n' >"$T/django/FAULTS"
run iotctl emqx-user set-password device_E1 password@pw
exits 5 'a password of our own, unsure'
is first-password "$(pending '[0]')" '  is pending'
printf 'second-password\n' >pw
run iotctl emqx-user set-password device_E1 password@pw
is '0 second-password null' "$status $(password E1) $(pending)" 'another one takes its place'
stop_api
is 0 "$(jq '.pending | length' "$state.state")" 'nothing is left open'

# What another platform with the same account must not do.
rm -rf "$T/django"
# shellcheck disable=SC2119
start_django
iotctl device create E1 nombre=x tipo=esp32 ubicacion=x >/dev/null
run iotctl emqx-user set-password device_E1 password@pw
exits 2 'the account of another platform keeps its password'
has "$err" "not of '$api'" '  that is told'
no_line "$T/django/log" '  before it is asked for' change_password
done_testing
