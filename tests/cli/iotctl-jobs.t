#!/bin/sh
# Many at once, with iotapi; and cut short.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/jobs.sh
. "$top/tests/jobs.sh"

# shellcheck disable=SC2119
start_api
suite iotapi

# Interrupted: what was begun is finished, the rest is left for another time.
between
seq -f 'V%g' 1 60 >names
devices <names >v.yaml
iotctl apply -f v.yaml --api-url "$api" >/dev/null
: >"$log"
iotctl device delete --yes - -j 8 <names >out 2>err &
ctl=$!
wait_for 20 grep -q DELETE "$log"
kill -INT $ctl
wait $ctl
is 130 $? 'delete, interrupted'
has "$(cat err)" 'of 60 were not begun' 'says so'
is 60 "$(($(grep -c ^deleted out) + $(iotctl device list --api-url "$api" -o ndjson | grep -c '"V')))" \
	'and tells each that it deleted'

end_between
done_testing
