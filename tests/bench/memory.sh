#!/bin/sh
# Memory: stalled for 20 s on a full pipe at keepalive 5, and a payload of 200 MiB. memory.sh
. "$(dirname "$0")/lib.sh"
mib() { value rss_kib | awk '{ printf "%.1f\n", $1 / 1024 }'; }

ours=$(ours -q 1 -n 60000 --stall 20s -- -q 1 -k 5)
all_came "$ours"
theirs=$(theirs -q 1 -n 60000 --stall 20s -- -q 1 -k 5)
row 'peak MiB, stalled 20 s' "$(echo "$ours" | mib)" "$(echo "$theirs" | mib)" "$(echo "$ours" | mib)" 6 4 most
row 'connections lost in the stall' "$(echo "$ours" | value drops)" "$(echo "$theirs" | value drops)" \
	"$(echo "$ours" | value drops)" 0 0 most
row 'acknowledged too early, lost' "$(echo "$ours" | value early)" "$(echo "$theirs" | value early)" \
	"$(echo "$ours" | value lost)" 0 0 most

ours=$(ours -q 1 -n 2 --big 209715200 -- -q 1 --rejects "$T/rejects")
all_came "$ours"
theirs=$(theirs -q 1 -n 2 --big 209715200 -- -q 1)
row 'peak MiB, a payload of 200 MiB' "$(echo "$ours" | mib)" "$(echo "$theirs" | mib)" "$(echo "$ours" | mib)" 8 8 most
row 'the payload of 200 MiB is reported' "$(grep -c '"error":"size"' "$T/rejects" || :)" - \
	"$(grep -c '"error":"size"' "$T/rejects" || :)" 1 1
