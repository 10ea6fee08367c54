#!/bin/sh
# A thousand slow clients against iotapi: slow_clients.py has the words. slow.sh [N [SECONDS]]
set -eu
here=$(dirname "$0")
PATH=${IOT_BUILD:-$(cd "$here/../.." && pwd)/build}:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-bench.XXXXXX")
export HOME="$T"
trap 'kill "$pid" 2>/dev/null; rm -rf "$T"' EXIT
(umask 077; echo password >"$T/pw")
iotapi user add admin --db "$T/db" --password-file "$T/pw"
iotapi --db "$T/db" --listen 127.0.0.1:0 --url-file "$T/url" 2>"$T/log" &
pid=$!
until [ -s "$T/url" ]; do sleep 0.1; done
python3 "$here/slow_clients.py" "$(cat "$T/url")" "$(iotapi token create admin --db "$T/db")" "${1:-1000}" "${2:-20}"
