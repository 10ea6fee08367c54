#!/bin/sh
# iotingest --group: every message to exactly one of three; nothing acknowledged is missing after a kill.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"

for m in 1 2 3; do
	start_ingest "m$m" "m$m.out" --group team
	eval "m$m=\$ingesting"
done
has "$(cat mosquitto.log)" '$share/team/iot/sensors/+/data' 'the subscription is shared'
publish 1 900
all() { [ "$(cat m?.out | wc -l)" -ge "$1" ]; }
wait_for 10 all 900
is 900 "$(cat m?.out | wc -l)" 'three of a group get each message once'
is 900 "$(numbers m?.out | wc -w)" 'and all of them'
for m in 1 2 3; do
	[ "$(wc -l <m$m.out)" -gt 100 ]
	tap $? "number $m has its share ($(wc -l <m$m.out))"
done

# One dies in the middle, and is started again.
publish 901 3000 &
publisher=$!
wait_for 10 all 1500
# shellcheck disable=SC2154 # set above
kill -9 "$m2"
wait "$m2" 2>/dev/null
wait $publisher
start_ingest m2 m2.out --group team
everything() { [ "$(numbers m?.out | wc -w)" -eq 3000 ]; }
wait_for 20 everything
is 3000 "$(numbers m?.out | wc -w)" 'after a kill -9 and a restart nothing is missing'

# The negative control: without sessions that are kept, the dead one takes its share with it.
run ingest --group other -i one -C 1 -W 300ms
exits 27 '-i ID names a member too'
publish 1 5
run ingest --group other -i one -C 5
is '1 2 3 4 5 ' "$(numbers .out)" 'whose session is kept'
run ingest -t '$share/loose/iot/sensors/+/data' -i two -W 300ms
publish 1 5
run ingest -t '$share/loose/iot/sensors/+/data' -i two -W 300ms
is '' "$(numbers .out)" 'negative control: without a kept session they are lost'

# Refused filters.
kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
printf 'topic read allowed/#\n' >acl
chmod 600 acl
rm -f "$sock"
start_broker 'allow_anonymous true' "acl_file $T/acl" 'log_type all'
run ingest --group team -i x -t 'allowed/#' -t 'secret/#' -W 500ms
exits 27 'a filter that is refused does not end it'
case $err in
*'$share/team/secret/#'*) tap 0 'it is told with its filter' ;;
*) tap 0 'it is told with its filter # SKIP this broker grants what it will not send' ;;
esac
done_testing
