#!/bin/sh
# The credentials file knows whose passwords it has, and none is lost while nobody knows which one counts.
# slow: let in by the broker anew after each change of a password
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
# A second platform, with the same user.
iotapi user add admin --db other.db --password-file api.pw || exit 1
bg iotapi serve --db other.db --listen 127.0.0.1:0 --url-file other.url 2>other.log
wait_for 10 test -s other.url
other=$(cat other.url)
at_other() { env -u IOT_CONTEXT IOT_CONFIG=/dev/null IOT_API_URL="$other" IOT_USERNAME=admin IOT_PASSWORD_FILE="$T/api.pw" "$@"; }
at_other iotctl broker create nombre=Otro host=localhost >/dev/null
at_other iotctl device create D1 nombre=x tipo=esp32 ubicacion=x >/dev/null
at_other iotctl credential create device=D1 client_id=D1 username=device_D1 password@api.pw >/dev/null
export IOT_CONTEXT=lab
file=$HOME/.local/state/iot/lab.csv
password() { awk -F, -v d="$1" '$1 == d { print $4 }' "$file"; }
state() { jq -r "$1" "$file.state"; }
said_no() { # said_no OWNER USED 'sentence'
	exits 2 "$3"
	has "$err" "has the passwords of '$1', not of '$2'" '  both are named'
	is '' "$out" '  and nothing is done'
}

# Whose they are.
iotctl device provision D1 D2 >/dev/null
let_in
is '{"version":1,"api":"'"$api"'"}' "$(cat "$file.state")" 'the platform is noted beside the file'
is 600 "$(stat -c %a "$file.state")" '  privately'
is 'device,client_id,username,password,cert,key' "$(head -1 "$file")" 'the columns stay'
cp "$file" before
login="--api-username admin --password-file $T/api.pw"
# shellcheck disable=SC2086 # words
other_platform() { run iotctl --api-url "$other" $login "$@"; }
other_platform device provision D2
said_no "$api" "$other" 'another platform does not get the passwords'
other_platform credential rotate D1
said_no "$api" "$other" 'nor does it overwrite them'
other_platform doctor D1
said_no "$api" "$other" 'nor do its brokers see them'
other_platform doctor
without "$err" 'has the passwords' 'a look at the whole platform needs none'
# Its devices are others, though their names are the same.
for id in D9 D1; do other_platform device set id:1 identificador_unico=$id; done
exits 0 'there a device gets another id'
at_other iotctl device create D2 nombre=x tipo=esp32 ubicacion=x >/dev/null
other_platform device delete D2 --yes
exits 0 'and one goes'
ok 'the file is as it was' cmp before "$file"
is D1 "$(at_other iotctl device list -o csv --no-header --columns identificador_unico)" 'the other one got nothing'
run env IOT_API_URL="$other" iotpub D1 temperature=20 -C 1 --interval 1s
exits 0 'iotpub needs no API and asks for none'
run env IOT_API_URL="$other" iotsub D1 -W 1s
exits 27 'nor does iotsub'
IOT_API_URL="$other" IOT_USERNAME=admin IOT_PASSWORD_FILE=$T/api.pw run iotctl credential rotate D1
said_no "$api" "$other" 'an address in the environment is no other'

other_platform device provision N1 --credentials new.csv
exits 0 'a file of its own'
ok '  has them' grep -q '^N1,N1,device_N1,' new.csv
other_platform device provision N2 --credentials "$file"
exits 0 'and who names the file means it'
is "$api" "$(state .api)" '  which is still of the other platform'

# One file for all contexts: a login elsewhere is no move of the platform that another context is at.
cp "$file" shared.csv
cp "$file.state" shared.csv.state
elsewhere() { # elsewhere CONTEXT: at the other platform, with the file that all share
	# shellcheck disable=SC2086 # words
	IOT_CREDENTIALS=$T/shared.csv run iotctl --context "$1" $login login "$other"
}
elsewhere second
exits 0 'a login at a second platform'
has "$err" "the passwords in '$T/shared.csv' stay those of '$api', where context 'lab' is" '  takes nobody the file'
IOT_CREDENTIALS=$T/shared.csv run iotctl --context second device provision D2
said_no "$api" "$other" '  nor the passwords'
iotctl context use lab
sed '/^\[second\]/,$d' "$HOME/.config/iot/iot.conf" >alone.conf
IOT_CONFIG=$T/alone.conf elsewhere lab
is "0 $other" "$status $(jq -r .api shared.csv.state)" '  but with that of the last context it goes'

# Without a note the context says whose they are.
rm "$file.state"
other_platform device provision D3
said_no "$api" "$other" 'the configured platform owns the file of its context'
ok '  nothing is noted' test ! -e "$file.state"
run iotctl device provision D3
is "0 $api" "$status $(state .api)" 'the right one is noted'

# No context, as in cron: the first use.
export IOT_CONFIG=/dev/null IOT_USERNAME=admin IOT_PASSWORD_FILE="$T/api.pw" IOT_CREDENTIALS="$T/cron.csv"
unset IOT_CONTEXT
IOT_API_URL=http://127.0.0.1:1 run iotctl device provision C1
exits 5 'a platform that is not there'
ok '  gets no file' test ! -e cron.csv.state
IOT_API_URL=$other run iotctl device provision C1 -n
ok 'nor does a dry run' test ! -e cron.csv.state
IOT_API_URL=$other run iotctl device provision C1
is "0 $other" "$status $(jq -r .api cron.csv.state)" 'the first use is noted'
IOT_API_URL=$other/api/ run iotctl device provision C1
exits 0 'however the same address is written'
IOT_API_URL=$api run iotctl device provision C1
said_no "$other" "$api" 'and another is refused'
printf '[cron]\nbroker = mqtt://localhost\n' >no-url.conf
in_cron() { IOT_API_URL=$1 IOT_CREDENTIALS='' IOT_CONFIG=$T/no-url.conf IOT_CONTEXT=cron run iotctl device provision C2; }
in_cron "$other"
is "0 $other" "$status $(jq -r .api "$HOME/.local/state/iot/cron.csv.state")" 'so it is in a context that names no platform'
in_cron "$api"
has "$err" "has the passwords of '$other', not of '$api'" '  which the next platform is told'
for broken in '' '{' '{"version":2}' '{"version":1,"pending":{"C1":"x"}}'; do
	printf '%s' "$broken" >cron.csv.state
	IOT_API_URL=$other run iotctl device provision C1
	exits 2 "no state: '$broken'"
	is "$broken" "$(cat cron.csv.state)" '  it is left as it is'
done
printf '{"version":1}' >cron.csv.state
chmod 644 cron.csv.state
IOT_API_URL=$other run iotctl device provision C1
exits 2 'a state that others may read'
unset IOT_CONFIG IOT_USERNAME IOT_PASSWORD_FILE IOT_CREDENTIALS
export IOT_CONTEXT=lab

# It moves, behind what does not always answer.
start_http between "$api"
moved=$http_url
# shellcheck disable=SC2086 # words
run iotctl login "$moved" $login
exits 0 'the platform moved'
has "$err" "'$file' were of '$api': from now on they are of '$moved'" '  that is told'
is "$moved" "$(state .api)" '  and noted'
run iotctl device provision D1
exits 0 'the context goes on'
run iotctl device provision D1 --api-url "$api"
said_no "$moved" "$api" 'its old address does not'

# A rotation whose answer never came: with the work done or not, for rotate and for provision to finish.
faulty() { rm -f "$http/fault.used" && echo "$1" >"$http/fault"; }
try() { mosquitto_pub -h 127.0.0.1 -p "$port" -u device_D1 -P "$1" -i probe -t x -n >/dev/null 2>&1; }
holds() { # holds PASSWORD OLD 'sentence'
	let_in
	ok "$3" try "$1"
	if try "$2"; then good=1; else good=0; fi
	tap $good '  and the one before is not'
}
for how in cut before:cut 500 before:500 hang before:hang; do
	old=$(password D1)
	faulty "PATCH /api/mqtt/credentials/ $how"
	case $how in
	*hang)
		iotctl credential rotate D1 -t 50s >killed.out 2>killed.err &
		killed=$!
		if [ "$how" = hang ]; then wait_for 10 test -e "$http/fault.used"; else wait_for 10 test -e "$http/fault.met" -o -e "$http/fault.used"; fi
		kill -KILL $killed
		wait $killed 2>/dev/null
		;;
	*)
		run iotctl credential rotate D1
		exits 5 "$how: nobody knows what the platform has"
		has "$err" "'D1' has its old password or its new one, and both are kept: run it again" '  that is told'
		without "$out$err" "$(state '.pending.D1[0]')" '  without the password'
		;;
	esac
	new=$(state '.pending.D1[0]')
	is "$old 24" "$(password D1) ${#new}" "$how: the old password is in the file, the new one is pending"
	is 600 "$(stat -c %a "$file.state")" '  privately'
	case $how in
	before:*)
		run iotctl device provision D1 -n
		has "$out" 'PATCH /api/mqtt/credentials/ {"password":"********"}' '  a dry run shows that'
		is "$new" "$(state '.pending.D1[0]')" '  and does nothing'
		run iotctl device provision D1
		is '0 {"row":1,"device":"D1","result":"created"}' "$status $out" '  provision finishes it'
		run iotctl device provision D1
		is '0 {"row":1,"device":"D1","result":"unchanged"}' "$status $out" '  once'
		;;
	*)
		run iotctl credential rotate D1
		is "0 finished what was left open: the password of 'D1' is in '$file'" "$status $out" '  rotate finishes it'
		;;
	esac
	is "$new {\"version\":1,\"api\":\"$moved\"}" "$(password D1) $(cat "$file.state")" '  with that password'
	holds "$new" "$old" '  which the platform has'
done

# Refused: dropped; with one pending, that stays.
old=$(password D1)
faulty 'PATCH /api/mqtt/credentials/ before:400'
run iotctl credential rotate D1
is "6 $old null" "$status $(password D1) $(state .pending)" 'a password that is refused is forgotten'
faulty 'PATCH /api/mqtt/credentials/ 502'
iotctl credential rotate D1 2>/dev/null
new=$(state '.pending.D1[0]')
faulty 'PATCH /api/mqtt/credentials/ before:400'
run iotctl device provision D1
is '1 1' "$status $(printf '%s\n' "$out" | grep -c '"result":"failed"')" 'a pending one that is refused fails'
is "$old $new" "$(password D1) $(state '.pending.D1[0]')" '  and both stay'
faulty 'PATCH /api/mqtt/credentials/ before:403'
run iotctl credential rotate D1
is "4 $old $new" "$status $(password D1) $(state '.pending.D1[0]')" 'the same of a login that may not'
faulty 'PATCH /api/mqtt/credentials/ before:400'
run iotctl credential rotate D1
exits 0 'rotate gives another one then'
is null "$(state .pending)" '  nothing is pending'
no_line "$file" '  and neither is in the file' -e "$old" -e "$new"
holds "$(password D1)" "$new" '  it counts'

# Others' pending passwords are not touched.
faulty 'PATCH /api/mqtt/credentials/ 502'
iotctl credential rotate D2 2>/dev/null
new=$(state '.pending.D2[0]')
run iotctl credential rotate D1 D3
exits 0 'other devices'
is "$new" "$(state '.pending.D2[0]')" 'and one that is pending'
run iotctl device provision D1 D2 D3
is '1 2' "$(printf '%s\n' "$out" | grep -c created) $(printf '%s\n' "$out" | grep -c unchanged)" 'among others one is finished'
is "$new" "$(password D2)" '  with its own'

# Without its credential what is pending is worth nothing.
faulty 'PATCH /api/mqtt/credentials/ 502'
iotctl credential rotate D2 2>/dev/null
old=$(password D2)
iotctl credential delete D2 --yes >/dev/null
run iotctl device provision D2
is '0 null' "$status $(state .pending)" 'a new credential leaves nothing pending'
is "$old" "$(password D2)" '  it has the password of the file'

# A file that cannot be read keeps what it has of a device that gets another id, or goes.
iotctl device create D4 nombre=x tipo=esp32 ubicacion=x >/dev/null
chmod 644 "$file"
run iotctl device set D4 identificador_unico=D5
is "0 iotctl: the login of 'D4' stays as it is: '$file' holds a secret and others may read it: chmod 600 it" "$status $err" \
	'a file that others may read is left as it is when a device gets another id'
chmod 600 "$file"
cp "$file.state" state.before
echo '{' >"$file.state"
run iotctl device delete D5 --yes
has "$status $err" "0 iotctl: the login of 'D5' stays as it is: '$file.state' is no state of a credentials file" \
	'so is one without its state when a device goes'
mv state.before "$file.state"

# A device that gets another id while iotctl is stopped: its credential goes by its id, or not.
login_of() { sed -n "s/^$1,[^,]*,//p" "$file"; }
mkdir between
bg /usr/bin/python3 "$top/tests/http/serve.py" between between "$api"
wait_for 10 test -s between/url
iotctl device create D8 nombre=x tipo=esp32 ubicacion=x >/dev/null
iotctl credential create device=D8 client_id=D8 username=device_D8 password@api.pw >/dev/null
for was in F G; do
	now=${was}2 client=$was
	[ $was = F ] || client=own
	iotctl device provision $was >/dev/null
	iotctl credential set $was client_id=$client >/dev/null
	kept=$(login_of $was)
	echo 'PATCH /api/devices cut' >between/fault
	run iotctl device set $was identificador_unico=$now --api-url "$(cat between/url)" --credentials "$file"
	exits 5 "client id $client: another id, whose answer is lost"
	is "$kept" "$(login_of $was)" '  leaves the login under the old one'
	run iotctl device set $was identificador_unico=D8
	exits 6 '  which no other device gets'
	is "$kept" "$(login_of $was)" '  whatever its id'
	run iotctl device set $was identificador_unico=$now -n
	exits 0 '  the same command, -n'
	is "$kept" "$(login_of $was)" '  does nothing'
	run iotctl device set $was identificador_unico=$now
	exits 0 '  the same command goes on'
	has "$err" "the login of '$was' is that of '$now' in '$file'" '  as it says'
	is "$kept " "$(login_of $now) $(login_of $was)" '  the login is under the new id alone'
	is "$(echo $client | sed s/F/F2/)" "$(cell credential "id:$(cell credential device_$was id)" client_id)" \
		'  and so is a client id that was the old one'
	run iotctl device set $was identificador_unico=$now
	is "0 unchanged device '$now' (id $(cell device $now id))" "$status $out$err" '  then there is nothing to do'
done
# One whose name says nothing of the id that it had.
iotctl device provision K >/dev/null
iotctl credential set K client_id=none >/dev/null
kept=$(login_of K)
plant "UPDATE device SET identificador_unico = 'K2', nombre = 'x' WHERE identificador_unico = 'K'"
run iotctl device set K identificador_unico=D8
exits 3 'a login is not that of a device with another'
is "$kept" "$(login_of K)" '  but stays'
run iotctl device set K identificador_unico=K2
exits 0 'it is that of the device that has it'
is "$kept" "$(login_of K2)" '  which gets it'
run iotctl device set K identificador_unico=K2
exits 3 '  and then there is no such device'

# What goes by a device's name, and not by an id that it had, goes by it on purpose.
iotctl device create KIT nombre=cocina tipo=esp32 ubicacion=x >/dev/null
iotctl credential create device=KIT client_id=cocina username=device_KIT password@api.pw >/dev/null
run iotctl device set cocina identificador_unico=KIT
is "0 unchanged device 'KIT' (id $(cell device KIT id))" "$status $out$err" 'by its name a device gets the id that it has'
is cocina "$(cell credential "id:$(cell credential device_KIT id)" client_id)" '  and no other client id'

# A device without an identifier of its own goes by its client id.
iotctl device create X1 nombre=x tipo=esp32 ubicacion=x mqtt_client_id=ESP32_001 >/dev/null
iotctl credential create device=X1 client_id=ESP32_001 username=device_X1 password@api.pw >/dev/null
sqlite3 -cmd '.timeout 5000' "$db" "UPDATE device SET identificador_unico = '' WHERE identificador_unico = 'X1'"
run iotctl credential rotate ESP32_001
exits 0 'a device without identificador_unico'
ok '  is named by its client id' grep -q '^ESP32_001,ESP32_001,device_X1,' "$file"
run iotctl credential rotate ESP32_001 D1
exits 0 '  and the file can still be read'
sqlite3 -cmd '.timeout 5000' "$db" "UPDATE device SET mqtt_client_id = NULL WHERE mqtt_client_id = 'ESP32_001'"
cp "$file" before
id=$(sqlite3 "$db" "SELECT id FROM device WHERE identificador_unico = ''")
run iotctl credential rotate "$id"
exits 8 'one with no name at all'
has "$err" 'neither an identificador_unico nor an mqtt_client_id' '  is told'
ok '  and gets no row' cmp before "$file"
done_testing
