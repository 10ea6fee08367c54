#!/bin/sh
# Day: the sink is out for an hour, a reading a second comes meanwhile; the hour is one of seconds here.
# The connection stays, memory too, nothing is acknowledged, and then all of it is stored.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/ingest.sh"

# What stores a batch, whole or not at all, while the store is up.
cat >store <<'END'
[ -e up ] || { echo 'the store is down' >&2; exit 1; }
cat >batch && cat batch >>stored
END
touch up stored
start_ingest archive none --sink 'sh store' -k 5 --receive-maximum 50 --linger 20
archiver=$ingesting
# The first 100 tells more of memory than an empty process does.
publish 1 100
wait_for 20 has_lines 100 stored
rm up
acknowledged() { grep -c 'Received PUBACK from archive' mosquitto.log; }
before=$(acknowledged)
publish 101 3700
pings() { grep -c 'Received PINGREQ from archive' mosquitto.log; }
had=$(pings)
pinged() { [ "$(pings)" -ge $((had + 2)) ]; }
wait_for 30 pinged
tap $? 'the connection is alive through the outage, at a keepalive of 5 s'
is "100 $before" "$(wc -l <stored) $(acknowledged)" 'nothing was stored, nothing was acknowledged'
has "$(cat archive.err)" "sink 'sh store' exited with status 1; the same batch again in" 'each failure is told'
kill -USR1 "$archiver"
wait_for 10 grep -q '"sink_failures":[1-9]' archive.err
tap $? 'the counters tell them too'
# A sanitizer's memory is its own; there the number says nothing.
if [ "${build##*/}" = build ]; then
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$archiver/status")
	[ "$rss" -lt 8192 ]
	tap $? "and memory stays bounded ($rss KiB)"
fi
touch up
wait_for 60 has_lines 3700 stored
tap $? 'when the store is back it gets the hour'
is "$(seq 1 3700)" "$(sed -n 's/.*"n":\([0-9]*\).*/\1/p' stored)" 'each message once, in order'
kill -TERM "$archiver"
wait "$archiver"
is 0 $? 'SIGTERM ends it cleanly'
is 0 "$(grep -c 'archive has exceeded timeout' mosquitto.log)" 'the broker never missed it'

# The same hour behind a plain pipe: the reader has nobody to say no to.
rm up
: >stored
mkfifo pipe
while read -r line; do [ -e up ] && echo "$line" >>stored; done <pipe &
reader=$!
start_ingest piped pipe --quiet
publish 1 1000
taken() { [ "$(grep -c 'Received PUBACK from piped' mosquitto.log)" -ge 1000 ]; }
wait_for 20 taken
touch up
publish 1001 1100
wait_for 20 has_lines 100 stored
lost=$((1100 - $(wc -l <stored)))
[ "$lost" -gt 0 ]
tap $? "negative control: behind a pipe the outage costs $lost messages"
kill -TERM "$ingesting"
wait "$reader"
done_testing
