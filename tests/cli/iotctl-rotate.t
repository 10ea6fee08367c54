#!/bin/sh
# credential rotate over a broker: a mosquitto with files, and devices that learn new passwords (tests/mqtt/devices.py). What
# is refused, what each stage leaves, and how the next run goes on after kill -9 in each of them.
# shellcheck disable=SC2016,SC2154 # a variable of the page's; lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/brokers.sh
. "$top/tests/brokers.sh"

start_platform
iotctl device provision D1 D2 D3 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
file=$HOME/.local/state/iot/lab.csv
password() { awk -F, -v d="$1" '$1 == d { print $4 }' "$file"; }
pending() { jq -r ".pending.$1[0] // empty" "$file.state"; }
stage() { iotctl credential pending -o csv --no-header | sed -n "s/^$1,\([^,]*\),.*/\1/p"; }
iotctl broker sync Laboratorio --driver files --dir "$T" --reload "kill -HUP $broker_pid" >synced 2>&1
echo "acl_file $T/acl" >>mosquitto.conf
restart_broker
cp "$file" first.csv
bg /usr/bin/python3 "$top/tests/mqtt/devices.py" "$port" first.csv . 0.3 1
devices=$bg
is_online() { iotctl device get "$1" -o json | jq -e '.connection_status == "online"'; }
is_offline() { iotctl device get "$1" -o json | jq -e '.connection_status == "offline"'; }
all_online() { is_online D1 && is_online D2 && is_online D3; }
wait_for 20 all_online
tap $? 'the devices are there'

deliver=$(deliver_here)
reload="kill -HUP $broker_pid"
rotate() { run iotctl credential rotate "$@" --driver files --dir "$T" --reload "$reload" --deliver "$deliver" --wait "$patience"; }
patience=20s
deliveries() { grep -c "^$1 " delivered; }
try() { mosquitto_pub -h 127.0.0.1 -p "$port" -u "device_$1" -P "$2" -i probe -t "iot/alerts/$1" -n >/dev/null 2>&1; }
refused() { ! try "$@"; }

run iotctl credential rotate
exits 2 'nobody named'
run iotctl credential rotate --all
exits 2 '--all without a broker'
run iotctl credential rotate D1 --driver files --dir "$T" --reload true
exits 2 '--driver without --deliver'
has "$err" '--driver and --deliver go together' 'is told'
run iotctl credential rotate D1 --deliver true
exits 2 '--deliver without --driver'
run iotctl credential rotate D1 --driver files --dir "$T" --deliver true
exits 2 'files without --reload'
rotate --all Laboratorio Otro
exits 2 '--all with two brokers'
rotate --all Nada
exits 3 'no such broker'
rotate D9
exits 3 'no such device'
iotctl device create D8 nombre=x tipo=esp32 ubicacion=x >/dev/null
rotate D8
exits 3 'a device without a broker'
run iotctl credential pending D1
exits 2 'credential pending names nobody'
cmp -s "$file" first.csv
tap $? 'no password changed'
[ ! -e delivered ]
tap $? 'and none was delivered'
before=$(cat passwords)
rotate --all --dry-run
exits 0 'a dry run'
is "would rotate the password of 'D1'
would rotate the password of 'D2'
would rotate the password of 'D3'" "$(printf '%s\n' "$out" | sort)" 'shows whose'
is "$before" "$(cat passwords)" 'and changes nothing'
[ ! -e delivered ]
tap $? 'anywhere'
{ cat "$HOME/.config/iot/iot.conf" && printf 'topic_data = iot/data\ntopic_status = iot/status\n'; } >blind.conf
rotate D1 --config blind.conf
exits 2 'topics in which no device would be seen'
has "$err" 'neither topic_data nor topic_status names the device' 'are told'
is "$before" "$(cat passwords)" 'before the broker has anything new'
[ ! -e delivered ]
tap $? 'or the device'

old=$(password D1)
rotate D1
exits 0 'one device'
new=$(password D1)
has "$out" "rotated the password of 'D1'; it is in '$file'" 'is told'
is "D1 $new" "$(cat delivered)" 'it got the one that is in the file now'
is "$(deliver_here | tr ' ' '\n')" "$(cat words)" 'not as an argument'
is 'IOT_DEVICE_ID=D1' "$(grep IOT_DEVICE_ID env)" 'nor by the environment, which says whose it is'
no_line env '  and has no password' -F "$new"
without "$out$err" "$new" 'nor is it shown'
ok 'the broker takes it' try D1 "$new"
ok 'and not the old one' refused D1 "$old"
is "$(sed -n '/^D[23],/p' first.csv)" "$(sed -n '/^D[23],/p' "$file")" 'the others have theirs'
is '' "$(iotctl credential pending -o csv --no-header)" 'nothing is pending'
run iotctl broker sync Laboratorio --driver files --dir "$T" --reload "$reload" --dry-run
exits 0 'and broker sync finds nothing to do'

# A device that is not reached.
before=$(cat passwords)
lines=$(grep -c 'device_D2' mosquitto.log)
deliver='exit 3'
rotate D2
exits 1 'a device that is not reached'
has "$err" "device 'D2': it did not get its new password, and keeps the old one" 'is told'
is made "$(stage D2)" 'its new one is pending'
is "$before" "$(cat passwords)" 'the broker has the old one'
is "$lines" "$(grep -c 'device_D2' mosquitto.log)" 'and it was not disconnected'
kept=$(pending D2)
run iotctl credential rotate D2 --yes
exits 2 'without the broker it is not rotated meanwhile'
has "$err" "'D2' has a new password under way to it and to broker 'Laboratorio'" 'as is told'
run iotctl credential rotate D2 --yes --dry-run
exits 2 'nor would it be, says a dry run'
run iotctl device provision D2 sensores=temperature
has "$out$err" "under way to it and to broker" 'nor by provision'
deliver=$(deliver_here)
rotate D2
exits 0 'the next run'
is "$kept" "$(password D2)" 'gives it the same one'

# A device that takes it and does not come.
echo D3 >deaf
patience=3s
old=$(password D3)
rotate D3
exits 1 'a device that does not come'
has "$err" "device 'D3' has not come with its new password, which is the one that counts" 'is told'
has "$out" 'statuses corrected: 1' 'its status, which mosquitto left, is corrected'
wait_for 15 is_offline D3
tap $? 'as the platform sees'
is sent "$(stage D3)" 'its new password is pending'
is "$old" "$(password D3)" 'the file has the old one'
run iotctl broker sync Laboratorio --driver files --dir "$T" --reload "$reload" --dry-run
exits 0 'broker sync keeps the new one'
is ok "$(iotctl doctor D3 -o csv --no-header 2>/dev/null | sed -n 's/^login,\([^,]*\),.*/\1/p')" 'and doctor logs in with it'
# Whoever deletes its credential meanwhile, and makes it again, does not lose the password that the broker wants.
iotctl credential delete D3 --yes >/dev/null
run iotctl device provision D3 sensores=temperature
exits 0 'a credential that was deleted is made again'
is sent "$(stage D3)" 'with the password that is under way, which stays so'
has "$(curl -s -H "Authorization: Bearer $(iotapi token create admin --db "$db")" -H 'Content-Type: application/json' \
	-d "{\"username\":\"device_D3\",\"password\":\"$(pending D3)\",\"clientid\":\"D3\"}" "$api/api/mqtt/auth/")" \
	'"result":"allow"' 'as the API says'
n=$(deliveries D3)
rotate D3
exits 1 'the next run'
has "$out" 'passwords rotated 0, waiting for devices 1, failed 0, not begun 0' 'waits again'
: >deaf
wait_for 20 is_online D3
tap $? 'when it has learnt it'
patience=20s
rotate D3
exits 0 'the run after that has seen it'
is "$(awk '$1 == "D3" { p = $2 } END { print p }' delivered)" "$(password D3)" 'and keeps its password'
is "$n" "$(deliveries D3)" 'which was delivered once'

# A round, and what it leaves; one device that was begun by its name is no round.
echo D3 >deaf
patience=1s
rotate D3
exits 1 'a device that does not come again'
is sent "$(stage D3)" 'is begun'
rotate --all --dry-run
is 3 "$(printf '%s\n' "$out" | grep -c '^would rotate')" 'and --all is all'
patience=15s # in which the others come
rotate --all
exits 1 'all, of which one does not come'
has "$out" 'passwords rotated 2, waiting for devices 1, failed 0, not begun 0' 'is told'
one=$(password D1)
: >deaf
patience=20s
rotate --all --dry-run
is "would rotate the password of 'D3'" "$(printf '%s\n' "$out" | sed 1d)" 'what is left is shown'
rotate --all
exits 0 'all again'
has "$out" 'going on with what is begun: 1; the last --all is over for the others, which keep their passwords: 2' \
	'goes on with that one, and says what it leaves'
is "$one" "$(password D1)" 'and the others keep theirs'
echo D3 >deaf
patience=15s
rotate --all --again
exits 1 '--again'
has "$out" 'passwords rotated 2, waiting for devices 1' 'is a new round'
: >deaf
patience=20s
rotate --all
exits 0 'whose rest comes'

rm -f lost # the deaf ones

# killed SENTENCE STAGE DEVICE: iotctl runs in the background, and is killed when the device is at this stage.
is_at() { [ "$(stage "$1")" = "$2" ]; }
killed() {
	wait_for 20 is_at "$3" "$2" && wait_for 20 "${4-true}"
	kill -KILL "$ctl"
	wait "$ctl" 2>/dev/null
	is "$2" "$(stage "$3")" "$1"
}
start() {
	iotctl credential rotate "$@" --driver files --dir "$T" --reload "$reload" --deliver "$deliver" --wait "$patience" >killed.out 2>&1 &
	ctl=$!
}
# gone_on DEVICE...: the next run ends what the one before began, and the device was never locked out.
gone_on() {
	new=$(pending "$1")
	deliver=$(deliver_here) reload="kill -HUP $broker_pid"
	rotate "$1"
	exits 0 '  the next run goes on'
	is "$new" "$(password "$1")" '  with the same password'
	is '' "$(stage "$1")" '  and nothing is pending'
	ok '  which the broker takes' try "$1" "$(password "$1")"
	[ ! -e lost ]
	tap $? '  and the device was never refused with all that it knew'
}
deliver="touch $T/begun; exec sleep 60"
begun() { [ -e begun ]; }
start D1
killed 'killed while it is delivered' made D1 begun
gone_on D1
# Between the delivery and the broker: the API does not answer.
mkdir between
bg /usr/bin/python3 "$top/tests/http/serve.py" between between "$api"
wait_for 10 test -s between/url
echo 'PATCH /api/mqtt/credentials hang' >between/fault
start D1 --api-url "$(cat between/url)" --credentials "$file"
killed 'killed while the API has it' sending D1
rm -f between/fault
gone_on D1
reload="touch $T/read; exec sleep 60"
is_read() { [ -e read ]; }
start D1
killed 'killed when the files are written and not read' sending D1 is_read
gone_on D1
# They are read, and the device is in with its new password; the next run hears nothing of it in time.
rm read
logins() { grep -c "u'device_D1'" mosquitto.log; }
n=$(logins)
reload="kill -HUP $broker_pid; touch $T/read; exec sleep 60"
is_in() { is_read && [ "$(logins)" -gt "$n" ]; }
start D1
killed 'killed when the files are read' sending D1 is_in
kill -STOP "$devices"
patience=2s reload="kill -HUP $broker_pid"
rotate D1
kill -CONT "$devices"
exits 1 'a device that is in, and silent'
is '' "$(printf '%s\n' "$out" | grep corrected)" 'is not said to be away'
patience=20s
gone_on D1
echo D1 >deaf
start D1
killed 'killed while it is waited for' sent D1
: >deaf
wait_for 20 is_online D1
rm -f lost
gone_on D1
# Between the file and the end: the state is put back.
echo D1 >deaf
patience=3s
rotate D1
cp "$file.state" sent.state
: >deaf
patience=20s
rotate D1
rm -f lost
cp sent.state "$file.state"
gone_on D1

# It comes, and that cannot be written down: no file may grow as long as the credentials are by now.
printf 'Z9,Z9,Z9,%s,,\n' "$(head -c 20000 /dev/zero | tr '\0' z)" >>"$file"
run sh -c 'ulimit -f 24; exec "$@"' sh iotctl credential rotate D1 --driver files --dir "$T" --reload "$reload" --deliver "$deliver" --wait "$patience"
[ "$status" -ne 0 ] && [ "${err#*"$file"}" != "$err" ]
tap $? 'credentials that cannot be written are told' || note "status $status: $err"
is '' "$(printf '%s\n' "$out" | grep 'rotated the password')" 'nobody says that they have it'
without "$err" 'has not come' 'nor that the device did not come'
is sent "$(stage D1)" 'it is pending still'
sed '/^Z9,/d' "$file" >shorter && cat shorter >"$file"
gone_on D1

# One that was begun at the API alone, of which nobody knows how it ended.
echo 'PATCH /api/mqtt/credentials cut' >between/fault
run iotctl credential rotate D1 --yes --api-url "$(cat between/url)" --credentials "$file"
exits 5 'a rotation at the API alone that breaks off'
rm -f between/fault
is "D1,unsure,," "$(iotctl credential pending -o csv --no-header)" 'is shown, too'
gone_on D1

# As the page has it: the password as a command over MQTT.
deliver=$(sed -n '/^iotctl credential rotate --all --driver dynsec/,/^\.Ed/p' "$top/man/iotctl.1" | sed '1d;$d;s/\\e/\\/g' | tr '\n' ' ')
deliver=$(eval "printf '%s' $deliver")
has "$deliver" 'iotctl device command "$IOT_DEVICE_ID" - --wait 20s' 'the example of the page'
rotate D1 D3
exits 0 'delivers'

# A mosquitto that reads its files after the sixth login: they come at growing intervals, the first 3.1 s in all.
cat >late.sh <<'END'
logins() { grep -c '> CONNECT' "$1/.err"; }
n=$(logins "$1") since=$(date +%s%3N)
until [ "$(logins "$1")" -ge $((n + 6)) ]; do sleep 0.05; done
echo $(($(date +%s%3N) - since)) >"$1/took"
kill -HUP "$2"
END
deliver=$(deliver_here) reload="sh $T/late.sh $T $broker_pid &"
rotate D1 -v -v
exits 0 'files that are read late'
took=$(cat took)
ok "are not asked for all the time: six logins in $took ms" [ "$took" -ge 3100 ]
reload="kill -HUP $broker_pid"

# Nobody else changes logins meanwhile.
deliver='sleep 5; exit 3'
start D1
wait_for 20 is_at D1 made
run iotctl broker sync Laboratorio --driver files --dir "$T"
exits 1 'broker sync while a rotation runs'
has "$err" 'another sync is running' 'is refused'
wait "$ctl"
gone_on D1

# Whose login is that of others, and who has none.
iotctl credential set D2 is_active=no >/dev/null
rotate D2
exits 1 'a device that is not let in'
has "$err" "device 'D2': it is not let in: its credential or its device-config is not active" 'is told'
rotate --all
exits 0 'and passed over with --all'
has "$out" 'passwords rotated 2' 'the others are rotated'

# One of another broker, by a login that one of this broker has.
iotctl broker create nombre=Otro host=127.0.0.1 port=1 >/dev/null
iotctl device-config set D2 broker=Otro >/dev/null
iotctl credential set D2 username=device_D1 is_active=yes >/dev/null
rotate D1 D2
exits 1 'a device of another broker'
has "$err" "device 'D2': it is not at broker 'Laboratorio'" 'is told'
has "$out" 'passwords rotated 1, waiting for devices 0, failed 1' 'and counted'

kill "$devices"
wait "$devices"
sort -u made >made.sorted
sort -u sent >sent.sorted
is '' "$(comm -23 made.sorted sent.sorted | grep -v '^D2 ')" "no reading of $(grep -c . made.sorted) was lost"
done_testing
