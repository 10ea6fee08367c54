#!/bin/sh
# tests/emqx/run, as for a real EMQX: the stand-in has its place, with another first password, and what is run knows of it no
# more than its URL.
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir emqx
echo 'a-key:a-secret' >key
chmod 600 key
bg env EMQX_NO_DEFAULT=1 /usr/bin/python3 "$top/tests/emqx/stand_in.py" emqx a-key:a-secret
wait_for 10 test -s emqx/url || { note 'no stand-in'; exit 1; }
run env IOT_BUILD="$build" EMQX_URL="$(cat emqx/url)" EMQX_KEY_FILE=key EMQX_MQTT_PORT="$(cat emqx/port)" "$top/tests/emqx/run"
exits 0 'the scripts that need an EMQX'
has "$out" 'Result: PASS' 'pass on one that is given to them'
has "$(cat emqx/log)" 'DELETE /api/v5/authentication/password_based%3Abuilt_in_database' 'which they made empty first'
run env -u EMQX_URL "$top/tests/emqx/run"
exits 2 'without a URL'
has "$err" 'where the management API is' 'they say what they want'
done_testing
