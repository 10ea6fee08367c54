#!/bin/sh
# Many at once, with iotapi; and cut short.
# slow: each answer to one of two requests is held back
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/jobs.sh
. "$top/tests/jobs.sh"

# shellcheck disable=SC2119
start_api
suite iotapi

# Interrupted: what was begun is finished, the rest is left for another time.
between
n=300 # more than can be done until the signal comes, also where this script waits for the processor
for signal in INT TERM; do
	rm -f out # the one before has what is waited for
	fleet $signal $n | sed 's/Nowhere//; s/none//' >fleet.csv
	iotctl device provision --from fleet.csv -j 8 >out 2>err &
	ctl=$!
	wait_for 20 grep -q created out
	kill -$signal $ctl
	wait $ctl 2>/dev/null
	s=$?
	is "$(kill -l $s)" $signal "provision ends by $signal"
	has "$(cat err)" " of $n devices" 'and says how far it came'
	made=$(grep -c '"result":"\(created\|unchanged\)"' out)
	[ "$made" -gt 0 ] && [ "$made" -lt $n ]
	tap $? "which is not all ($made)"
	for r in device credential device-config; do
		is "$made" "$(iotctl $r list --api-url "$api" -o ndjson | grep -c "\"$signal")" "each with its $r"
	done
done
run iotctl device provision --from fleet.csv -j 8
exits 0 'the rest'
seq -f 'V%g' 1 $n >names
devices <names >v.yaml
iotctl apply -f v.yaml --api-url "$api" >/dev/null
: >"$log"
iotctl device delete --yes - -j 8 <names >out 2>err &
ctl=$!
wait_for 20 grep -q DELETE "$log"
kill -INT $ctl
wait $ctl
is 130 $? 'delete, interrupted'
has "$(cat err)" "of $n were not begun" 'says so'
is $n "$(($(grep -c ^deleted out) + $(iotctl device list --api-url "$api" -o ndjson | grep -c '"V')))" \
	'and tells each that it deleted'

end_between
done_testing
