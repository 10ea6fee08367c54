#!/bin/sh
# broker sync --driver emqx: the users and rules of EMQX's built-in database become what the platform says, and what its
# devices meet then. On a stand-in, or with EMQX_URL and EMQX_KEY_FILE (tests/emqx/run) on a real one.
# shellcheck disable=SC2016,SC2154 # $7$ is text; lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/brokers.sh
. "$top/tests/brokers.sh"
# shellcheck source=tests/sync.sh
. "$top/tests/sync.sh"

start_api
if [ -n "${EMQX_URL-}" ]; then
	url=$EMQX_URL
	host=${url#*://}
	host=${host%%[:/]*}
	port=${EMQX_MQTT_PORT:-1883}
	cat "$EMQX_KEY_FILE" >key
	chmod 600 key
else
	start_stand_in
	host=127.0.0.1
fi
real() { [ -n "${EMQX_URL-}" ]; }

# emqx METHOD PATH [BODY]: by hand.
emqx() {
	curl -s -u "$(cat key)" -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$url/api/v5$2"
}
auth=/authentication/password_based%3Abuilt_in_database
rules=/authorization/sources/built_in_database
# empty: an EMQX that knows nobody, and has no_match = allow. (A source is purged while it is disabled.)
empty() {
	emqx DELETE "$auth"
	emqx PUT "$rules" '{"type":"built_in_database","enable":false}'
	emqx DELETE "$rules/rules"
	emqx DELETE "$rules"
	emqx PUT /authorization/settings "$(emqx GET /authorization/settings | jq '.no_match = "allow"')"
	for d in D2 D3; do emqx DELETE "/mqtt/retainer/message/iot%2Fdevices%2F$d%2Fstatus"; done
	rm -f "$HOME/.local/state/iot/synced-default.json"
} >/dev/null
empty

iotctl broker create EMQX host="$host" port="$port" username=backend >/dev/null
make_topics
iotctl device provision D1 D2 D3 D4 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
file=$HOME/.local/state/iot/default.csv
printf 'backend-password\n' >backend.pw
chmod 600 backend.pw
admin=backend admin_pw=backend.pw
# A real one may have sent the device's will.
if real; then removed='removed 1'; else removed='statuses corrected: 1'; fi
filters='# $SYS/# $share/g/iot/#' deaf=4
is_on() { [ "$(emqx GET "/clients?username=device_$1&fields=clientid" | jq '.data | length')" = 1 ]; }
sync() { run iotctl broker sync EMQX --driver emqx --emqx-url "$url" --emqx-key-file key "$@"; }
user() { emqx GET "$auth/users/$1"; }
rules_of() { emqx GET "$rules/rules/users/$1"; }
run iotctl broker sync EMQX --driver emqx --emqx-url "$url"
exits 2 'without a key'
has "$err" '--emqx-key-file' 'it is told what is missing'
echo no:key >wrong && chmod 600 wrong
run iotctl broker sync EMQX --driver emqx --emqx-url "$url" --emqx-key-file wrong
exits 4 'a key that EMQX does not know'
has "$err" 'refused the key: ' 'is told'
run iotctl broker sync EMQX --driver emqx --emqx-url http://127.0.0.1:1 --emqx-key-file key
exits 5 'no EMQX'
plain="is not https: passwords cross the network for everybody on the way to read"
run env http_proxy=http://127.0.0.1:1 iotctl broker sync EMQX --driver emqx --emqx-url http://emqx.example:18083 --emqx-key-file key
exits 5 'an EMQX elsewhere, by http'
is "iotctl: 'http://emqx.example:18083' $plain" "$(printf '%s' "$err" | grep https)" 'is warned of, once'
run env https_proxy=http://127.0.0.1:1 iotctl broker sync EMQX --driver emqx --emqx-url https://emqx.example:18083 --emqx-key-file key
exits 5 'by https'
without "$err" "$plain" 'is not'
chmod 644 key
sync
exits 2 'a key that others may read is refused'
chmod 600 key

sync
exits 1 'an EMQX without an authenticator'
has "$err" 'EMQX has no authenticator of the built-in database, nor any other, so that everybody gets in: --setup makes it' \
	'is told'
is '[]' "$(emqx GET /authentication | jq -c .)" 'and stays as it is'
sync --setup --dry-run
exits 1 'a dry run that finds something'
has "$out" "+ login 'device_D1'
+   password: ********
+   allow publish iot/sensors/D1/data" 'shows a new login'
is '[]' "$(emqx GET /authentication | jq -c .)" 'and makes nothing'
real || without "$err" "$plain" 'nor is one on this machine'
has "$err" 'no_match = allow' 'it warns of what is allowed where no rule speaks'
real || has "$err" "acl.conf allows everybody everything before the built-in database is asked" 'of an acl.conf that allows all'
real || has "$err" "still lets 'admin' in" 'of the password that everybody knows'
has "$err" 'keeps 1000 messages for a client that is away' 'of a short queue'

# A first sync that is stopped while users are imported: an authenticator without them would let nobody in meanwhile.
if ! real; then
	anybody() { run iotpub -h "$host" -p "$port" -i probe -q 1 -t iot/x -m x; }
	disabled() { is 'false false' "$(emqx GET "$auth" | jq .enable) $(emqx GET "$rules" | jq .enable)" "$1"; }
	: >emqx/log
	echo 'POST /api/v5/authentication/ 1' >emqx/fault
	sync --setup
	exits 5 'a first sync that is stopped while users are imported'
	disabled 'leaves authenticator and rules disabled'
	anybody
	exits 0 'and in who was in before'
	rm emqx/fault
	sync
	has "$err" "EMQX's authenticator of the built-in database is disabled: --setup enables it" 'the next run tells that'
	has "$out" 'logins made 4, removed 0, passwords set 0, rules set 0' 'and goes on'
	disabled 'without --setup they stay so'
	sync --setup
	has "$out" 'EMQX asks the authenticator of the built-in database now' '--setup enables them'
	anybody
	exits 4 'and nobody else comes in'
	is 'POST /authentication
POST /authorization/sources
PUT /rules/users/
POST /import_users
PUT /authorization/sources/built_in_database
PUT /authentication/password_based%3Abuilt_in_database
PUT /authorization/settings' "$(sed -n '/^P/{/login$/d; s|/api/v5||; s| .*/import| /import|; s| .*/rules/users/.*| /rules/users/|; s|?.*||; p}' \
		emqx/log | uniq)" 'when users and rules are there, and not before'
	empty
fi

# The broker's own user has no password that is known here: that is no device's fault, but told.
sync --setup
exits 1 'the first sync, with a login whose password nobody here knows'
has "$out" "? login 'backend': its password is not known here" 'which is shown'
has "$err" 'logins of no device whose password is not known here: 1; make them by hand (EMQX Dashboard), or --hashes' \
	'with what gives it one'
is '' "$(printf '%s\n' "$err" | grep 'credential rotate')" 'which is no rotation'
has "$out" 'logins made 4, removed 0, passwords set 0, rules set 5' 'and all others are made'
is 5 "$(emqx GET "$rules/rules/users?limit=100" | jq '.data | length')" 'with their rules'
is deny "$(emqx GET /authorization/settings | jq -r .no_match)" 'what no rule allows is denied'
emqx POST "$auth/users" '{"user_id":"backend","password":"backend-password"}' >/dev/null
ask_devices
if ! real; then
	before=$(grep -c '^P\|^D' emqx/log)
	sync
	is 0 "$(($(grep -c '^P\|^D' emqx/log) - before))" 'a run without --verify tries no login that EMQX writes down'
	ask_alone "$url" \
		iotctl broker sync EMQX --driver emqx --emqx-url "$url" --emqx-key-file key --credentials "$file"
fi

# By hand at the broker; each is found.
emqx DELETE "$auth/users/device_D1" >/dev/null
emqx PUT "$rules/rules/users/device_D2" \
	"$(rules_of device_D2 | jq -c '.rules |= [{topic:"iot/#",permission:"allow",action:"all"}] + .')" >/dev/null
emqx PUT "$rules/rules/users/device_D3" "$(rules_of device_D3 | jq -c '.rules[0].qos = [1]')" >/dev/null
emqx PUT "$auth/users/device_D4" "{\"password\":\"$(field D4 3)\",\"is_superuser\":true}" >/dev/null
emqx POST "$auth/users" '{"user_id":"stranger","password":"x"}' >/dev/null
emqx POST "$auth/users" '{"user_id":"root/er","password":"x","is_superuser":true}' >/dev/null
sync --dry-run
exits 1 'drift'
for part in "+ login 'device_D1'" "  login 'device_D2'
-   allow all iot/#" "  login 'device_D3'
-   allow publish iot/sensors/D3/data qos 1
+   allow publish iot/sensors/D3/data" "  login 'device_D4'
-   superuser"; do
	has "$out" "$part" "$(printf '%s' "$part" | tail -n 1)"
done
has "$err" 'logins that the platform does not know: 1' 'a stranger is told, a superuser is nobody to remove'
sync D3
exits 0 'one device'
has "$out" 'logins made 0, removed 0, passwords set 0, rules set 1' 'is synced alone'
sync
exits 0 'all'
has "$out" 'logins made 1, removed 0, passwords set 0, rules set 2' 'and nothing else'
sync --dry-run
exits 0 'it is as it was'
is false "$(user device_D4 | jq .is_superuser)" 'nobody is a superuser who should be none'
sync --prune --yes
exits 0 '--prune'
is 'User not found' "$(user stranger | jq -r .message)" 'removes the stranger'
is true "$(user root%2Fer | jq .is_superuser)" 'and no superuser'

# Passwords.
iotctl credential rotate D2 >/dev/null 2>&1
sync
has "$out" 'passwords set 1, rules set 0' 'a new password is sent'
publish 5 D2 iot/alerts/D2
exits 0 'and counts'
rm "$HOME/.local/state/iot/synced-default.json"
sync -v -v
has "$out" 'passwords set 4' 'who knows nothing of what was sent sends all'
has "$err" 'import_users' '--verbose twice shows each request'
for d in D1 D2; do without "$out$err" "$(field $d 3)" "and no password of $d"; done
real || without "$out$err" the-secret 'nor the key'
no_line "$HOME/.local/state/iot/synced-default.json" 'nor does the record of what was sent have one' -F -e "$(field D2 3)"
emqx PUT "$auth/users/device_D2" '{"password":"other"}' >/dev/null
sync --verify
exits 4 'one that was changed by hand'
has "$err" "login 'device_D2'" 'is found by trying it'
cp "$file" before.csv
sed -i '/^D1,/d' "$file"
emqx DELETE "$auth/users/device_D1" >/dev/null
iotapi export mosquitto "$T/exported" --db "$db"
sync --hashes "$T/exported/passwords"
exits 0 '--hashes: what iotapi has of a password that is not known here'
has "$out" "+ login 'device_D1'" 'makes the login'
sed -n 's/^D1,[^,]*,[^,]*,\([^,]*\),.*/\1/p' before.csv >d1.pw && chmod 600 d1.pw
run iotpub -h "$host" -p "$port" -i probe -u device_D1 --password-file d1.pw -q 1 -t iot/alerts/D1 -m x
exits 0 'with which the device comes in'
printf 'device_D1:$7$5000$%s$%s\n' "$(printf 123456789012 | base64)" "$(head -c 64 /dev/zero | base64 -w 0)" >hashes
emqx DELETE "$auth/users/device_D1" >/dev/null
rm "$HOME/.local/state/iot/synced-default.json"
sync --hashes hashes D1
exits 1 'a hash that EMQX would not understand'
has "$err" "login 'device_D1': its hash has 5000 rounds of PBKDF2-SHA512, EMQX's authenticator wants 1000" 'is told'

cp before.csv "$file"
sync
exits 0 'all passwords known again'
ask_removal
iotctl credential set D3 is_active=no >/dev/null
sync --yes
is 'Not Found' "$(rules_of device_D3 | jq -r .message)" 'its rules go with it'

# --kick: who is changed has to come again.
field D4 3 >d4.pw && chmod 600 d4.pw
bg iotsub -h "$host" -p "$port" -i d4 -u device_D4 --password-file d4.pw -t iot/devices/D4/commands >/dev/null 2>d4.err
wait_for 15 is_on D4
emqx PUT "$rules/rules/users/device_D4" '{"username":"device_D4","rules":[]}' >/dev/null
sync D4
no_line .out 'rules that change end no connection' 'connections ended'
emqx PUT "$rules/rules/users/device_D4" '{"username":"device_D4","rules":[]}' >/dev/null
sync D4 --kick --yes
has "$out$err" 'connections ended: 1' 'with --kick they do'

# Who is connected.
bg iotsub -h "$host" -p "$port" -i d4-again -u device_D4 --password-file d4.pw -t iot/devices/D4/commands >/dev/null 2>&1
client() { run iotctl client "$@" --emqx-url "$url" --emqx-key-file key; }
is_listed() { client list device_D4 -o csv && grep -q '^d4-again,' .out; } # the other one may be back by now
wait_for 15 is_listed
client list device_D4 nobody -o csv
has "$out" 'd4-again,device_D4,true,20' 'client list: client id, user, connected, since when'
client list device_D1 -o csv
exits 0 'a user without a connection'
is '' "$out" 'has none, and those of others are left out'
client get d4-again -o json
is 'd4-again 5' "$(printf '%s' "$out" | jq -r '.[0] // . | "\(.clientid) \(.proto_ver)"')" 'client get'
client get nobody/here
exits 3 'no such client'
has "$err" 'Client ID not found' 'is told'
client kick d4-again
exits 2 'to kick is asked for, without a terminal --yes'
client kick d4-again --dry-run --yes
is 'DELETE /clients/d4-again' "$out" 'client kick --dry-run shows it'
client get d4-again
exits 0 'and disconnects nobody'
client kick d4-again --yes
exits 0 'client kick'
client kick nobody d4-nobody --yes
exits 1 'of several each is told'
has "$err" "client 'd4-nobody'" 'that is not there'
run iotctl client list --driver dynsec
exits 2 'mosquitto'
has "$err" 'this broker cannot say who is connected' 'cannot say'
for words in list 'get d4' 'kick d4 --yes'; do
	# shellcheck disable=SC2086 # words
	run iotctl client $words
	exits 2 "client ${words%% *}, and nothing says that the broker is EMQX"
	is 'iotctl: this broker cannot say who is connected: only EMQX can (--driver emqx, --emqx-key-file)' "$err" \
		'  it is one that cannot say'
done
for words in '--driver emqx' "--emqx-url $url"; do
	# shellcheck disable=SC2086 # words
	run iotctl client list $words
	has "$err" "EMQX's API wants a key: --emqx-key-file" "who says EMQX (${words%% *}) is told of the key"
done

# What fails in the middle is gone on with.
if ! real; then
	for u in D2 D4; do emqx DELETE "$auth/users/device_$u" >/dev/null; done
	echo 'POST /api/v5/authentication 1' >emqx/fault
	sync
	exits 5 'an EMQX that fails'
	without "$err" "$(tr -d '\n' <key | base64)" 'nothing of what it says is shown, since the key may be in it'
	without "$out$err" the-secret 'nor otherwise'
	rm emqx/fault
	sync
	has "$out" 'logins made 2' 'the next run does the rest'
	for u in D1 D2 D4; do emqx DELETE "$rules/rules/users/device_$u" >/dev/null; done
	echo 'PUT /api/v5/authorization 2' >emqx/fault
	sync
	exits 5 'one that fails in the middle'
	before=$(emqx GET "$rules/rules/users?limit=100" | jq '.data | length')
	is 2 "$before" 'has one of three rules then, and those of the service'
	rm emqx/fault
	sync
	has "$out" 'rules set 2' 'and the next run sets the other two'
	bg iotpub D2 temperature=20 --interval 1h --credentials "$file" -h "$host" -p "$port" >/dev/null 2>&1
	wait_for 15 says_connected D2
	d2_is_off() { ! is_on D2; }
	emqx DELETE "$auth/users/device_D4" >/dev/null
	iotctl credential set D2 is_active=no >/dev/null
	echo 'POST /api/v5/authentication 1' >emqx/fault
	sync --yes --mqtt-username backend --mqtt-password-file backend.pw
	exits 5 'one that fails behind a login that goes'
	wait_for 15 d2_is_off
	tap $? 'ends the connection nevertheless: the next run would find no login'
	has "$out$err" 'statuses corrected: 1' 'and corrects its status'
	rm emqx/fault
fi
done_testing
