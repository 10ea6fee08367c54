#!/bin/sh
# credential rotate over EMQX (a stand-in), of a platform that keeps its users (Django): live connections stay, and are ended
# only when somebody says so.
# needs: django
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/brokers.sh
. "$top/tests/brokers.sh"

# shellcheck disable=SC2119
start_django
start_stand_in
export IOT_EMQX_URL="$url" IOT_EMQX_KEY_FILE="$T/key"
iotctl broker create EMQX host=127.0.0.1 port="$port" >/dev/null
make_topics
iotctl device provision D1 D2 D3 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
file=$HOME/.local/state/iot/default.csv
password() { awk -F, -v d="$1" '$1 == d { print $4 }' "$file"; }
stored() { iotctl credential get "$1" --show-secrets -o json | jq -r .password; }
iotctl broker sync EMQX --driver emqx --setup >synced 2>&1
cp "$file" first.csv
# They connect anew when they have to, not by themselves.
bg /usr/bin/python3 "$top/tests/mqtt/devices.py" "$port" first.csv . 0.3 10000
devices=$bg
connected() { iotctl client list -o csv --no-header --columns clientid,connected_at 2>/dev/null | sed -n "s/^$1,//p"; }
all_connected() { [ -n "$(connected D1)" ] && [ -n "$(connected D2)" ] && [ -n "$(connected D3)" ]; }
wait_for 20 all_connected
tap $? 'the devices are there'

patience=2s
rotate() { run iotctl credential rotate "$@" --driver emqx --deliver "$(deliver_here)" --wait "$patience"; }
old=$(password D1)
since=$(connected D1)
changes=$(grep -c '/change_password/ 200' "$T/django/log")
rotate D1
exits 1 'a device that stays connected has not shown its new password'
has "$err" "device 'D1' has not come with its new password" 'as is told'
is "$since" "$(connected D1)" 'its connection stays'
is "$old" "$(password D1)" 'the file has the old one'
is 1 "$(($(grep -c '/change_password/ 200' "$T/django/log") - changes))" 'the platform has the new one for EMQX'
is "$(jq -r '.pending.D1[0]' "$file.state")" "$(stored D1)" 'and for the credential'
rotate D1 --kick
exits 2 'to end the connection is asked for, without a terminal --yes'
is "$since" "$(connected D1)" 'so it stays'
patience=30s
rotate D1 --kick --yes
exits 0 'with it the device has to show it'
is "$(stored D1)" "$(password D1)" 'and the file has it'
[ "$(connected D1)" != "$since" ]
tap $? 'over another connection'
is '' "$(iotctl credential pending -o csv --no-header)" 'nothing is pending'
since=$(connected D2)
rotate D2 --kick --yes
exits 0 'a device that is disconnected at once'
[ "$(connected D2)" != "$since" ]
tap $? 'comes with its new password'

# EMQX of another machine, as far as its address says.
export IOT_EMQX_URL="http://0.0.0.0:${url##*:}" no_proxy='*'
rotate D2 --kick --yes
exits 0 'over http to another machine'
is 1 "$(printf '%s\n' "$err" | grep -c 'is not https')" 'that everybody can read it is told, once a run'
IOT_EMQX_URL=$url

# One that is away gets it with its next connection.
echo D3 >asleep
is_gone() { [ -z "$(connected D3)" ]; }
wait_for 15 is_gone
patience=1s
rotate D3
exits 1 'a device that is away'
: >asleep
is_back() { [ -n "$(connected D3)" ]; }
wait_for 15 is_back
rotate D3
exits 0 'has come by the next run'

# An EMQX that fails in the middle.
echo 'POST /api/v5/authentication 1' >emqx/fault
rotate D1
exits 5 'an EMQX that fails'
is D1,sending,EMQX "$(iotctl credential pending -o csv --no-header | cut -d , -f 1-3)" 'may have it or not'
rm emqx/fault
patience=30s
rotate D1 --kick --yes
exits 0 'the next run goes on'
is "$(stored D1)" "$(password D1)" 'with the same one'
echo 'POST /api/mqtt/emqx-users 400' >"$T/django/FAULTS"
rotate D2
exits 1 'a platform that refuses'
has "$err" "device 'D2': " 'is told'
rotate D2 --kick --yes
exits 0 'and asked again'
[ ! -e lost ]
tap $? 'no device was ever refused with all that it knew'
kill "$devices"
wait "$devices"
sort -u made >made.sorted
sort -u sent | comm -23 made.sorted - >lost.readings
silent lost.readings "no reading of $(grep -c . made.sorted) was lost"
done_testing
