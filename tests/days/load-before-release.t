#!/bin/sh
# Day: before a release, a load test against the broker: is anything lost, is it fast enough?
# slow: loads that last some seconds each
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# The broker of the release candidate keeps what a slow subscriber does not take.
start_broker 'allow_anonymous true' 'max_queued_messages 0'
load='--devices 200 --interval 1s -C 3 --ramp 400 --verify --max-lost 0'
# shellcheck disable=SC2086
run iotpub -h "$sock" $load --max-p99 5s --stats 1s
exits 0 'the broker is fit for it'
has "$out" 'sent 600 received 600 lost 0 duplicated 0 p50 ' 'nothing is lost, and the report says so'
has "$(grep '^{' "$T/.err" | tail -n 1)" '"devices":200,"connected":' 'its progress is there for the CI log'

# A broker with a small queue, which somebody turned down: it drops, and the load test says so.
kill "$broker_pid"
wait "$broker_pid"
rm -f "$sock"
start_broker 'allow_anonymous true' 'max_queued_messages 1' 'max_inflight_messages 1'
iotpub -h "$sock" --devices 50 --interval 1s --duration 4s --verify --max-lost 0 --max-p99 100ms >report 2>why &
p=$!
pids="$pids $p"
connected() { mosquitto_sub --unix "$sock" -t iot/devices/DEV_0050/status -C 1 -W 1 | grep -q '"connected"'; }
wait_for 10 connected
kill -STOP "$broker_pid"
sleep 1.5 # longer than --max-p99
kill -CONT "$broker_pid"
wait $p
is 1 $? 'the broker that is not: status 1 stops the release'
ok "because it was too slow or lost some: $(cat why)" grep -Eq 'were lost|took longer' why
ok 'with the numbers' grep -Eq '^sent [0-9]+ received [0-9]+ lost [0-9]+ duplicated [0-9]+ p50 [0-9.e+]+ ms p99 [0-9.e+]+ ms$' report

# What devices do wrong in the field is survived too: the parts that read it are tested with it.
run iotpub -h "$sock" --devices 5 --interval 50ms -C 20 --fault drop=0.1,garbage=0.1,duplicate=0.1 --seed 1 --quiet
exits 0 'the same with faults'
run iotpub -h "$sock" --devices 5 --interval 50ms -C 20 --fault drop=0.1,garbage=0.1,duplicate=0.1 --seed 1
has "$err" 'faults: drop ' 'which are counted'

# Nobody runs this against production by mistake.
run iotpub -h broker.production.invalid --devices 5000 --verify
exits 2 'a load against another host is refused'
has "$err" "against 'broker.production.invalid': if it is meant, say --yes" 'until it is meant'

done_testing
