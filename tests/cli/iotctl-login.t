#!/bin/sh
# Logging in, contexts, the token cache.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
pw=$IOT_PASSWORD_FILE
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
conf=$HOME/.config/iot/iot.conf
state=$HOME/.local/state/iot

run iotctl login "$api" --api-username admin --password-file "$pw" --mqtt-url mqtt://b:1884 \
	--mqtt-username op
exits 0 'login'
is '' "$out" 'says nothing on stdout'
is "iotctl: logged in at '$api' as 'admin'; context 'default'" "$err" 'and who and where on stderr'
is 600 "$(stat -c %a "$conf")" 'the configuration is private'
is 600 "$(stat -c %a "$state/token-default.json")" 'the tokens are'
has "$(cat "$conf")" 'context = default' 'the context is the one in use'
has "$(cat "$conf")" "api_url = $api" 'it has the URL'
has "$(cat "$conf")" 'broker = mqtt://b:1884' 'and the options given'
without "$(cat "$conf")" admin-password 'no password'
run iotctl broker list --json
is '[]' "$out" 'logged in'
run iotctl whoami --json
is admin "$(echo "$out" | jq -r .username)" 'whoami'
has "$(iotctl whoami)" "$api" 'whoami says where'

run env http_proxy=http://127.0.0.1:1 iotctl login http://api.example --context far --api-username admin --password-file "$pw"
exits 5 'a platform elsewhere, by http'
has "$err" "'http://api.example' is not https: passwords cross the network for everybody on the way to read" 'is warned of'

# The cache alone is enough, and a stale token is renewed.
sed -i '/password_file/d' "$conf"
ok 'the cached token is enough' iotctl broker list
jq -c '.access = "stale"' "$state/token-default.json" >t && cat t >"$state/token-default.json"
ok 'a stale token is refreshed' iotctl broker list
is false "$(jq '.access == "stale"' "$state/token-default.json")" 'and the new one kept'
jq -c '.access = "stale" | .refresh = "stale"' "$state/token-default.json" >t &&
	cat t >"$state/token-default.json"
run iotctl broker list
exits 4 'without refresh token or password: not logged in'
ok 'with a password it logs in again' iotctl broker list --password-file "$pw"

# Many at once share one refresh: the refresh token is good once.
good=0
for round in 1 2 3 4 5; do
	jq -c '.access = "stale"' "$state/token-default.json" >t && cat t >"$state/token-default.json"
	pids_here=
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		iotctl broker list --json >"par.$round.$i" 2>&1 &
		pids_here="$pids_here $!"
	done
	for p in $pids_here; do wait "$p" && good=$((good + 1)); done
done
is 60 "$good" 'a token runs out under twelve processes at once, without a password: five rounds are well'
is '[]' "$(cat par.* | sort -u)" 'and each has its answer'

# A token goes only where it came from.
run iotctl broker list --api-url http://127.0.0.1:1
exits 4 'the cached token is not for another URL'
has "$err" "not logged in at 'http://127.0.0.1:1'" 'and that is said'

# Contexts.
run iotctl login "$api/api/" --context lab --api-username admin --password-file "$pw"
exits 0 'login makes a new context'
is '  default
* lab' "$(iotctl context list)" 'context list: the one of the login is in use'
run iotctl broker list --context nope
exits 2 'an unknown context'
has "$err" "no context 'nope'" 'is named'
ok 'context use' iotctl context use default
is '* default
  lab' "$(iotctl context list)" 'it is used'
ok 'and back' iotctl context use lab
run iotctl context use nope
exits 3 'context use of an unknown one'
is "$conf" "$(iotctl config path)" 'config path'
has "$(iotctl config show)" "$conf:" 'config show says where a value is from'
has "$(iotctl config show --timeout 7s)" ' --timeout' '... also an option'
has "$(IOT_MQTT_URL='mqtt://a,mqtt://b' iotctl config show)" 'mqtt://a,mqtt://b' '... and several brokers'
run iotctl login "$api" --context 'a/b' --api-username admin --password-file "$pw"
exits 2 'a context is a plain name'

# Another platform for once, and another user.
iotctl config set password_file=
ok 'a context that knows no password, only its tokens' iotctl broker list
once="iotctl broker list --api-url $(echo "$api" | sed s/127.0.0.1/localhost/) --api-username admin"
# shellcheck disable=SC2086 # words
ok 'another URL within it' $once --password-file "$pw"
# shellcheck disable=SC2086 # words
ok 'whose tokens are kept as well' $once
ok 'the login of the context is still there' iotctl broker list

# Logging out.
ok 'logout' iotctl logout
ok 'forgets the tokens' test ! -e "$state/token-lab.json"
run env HOME="$T" iotctl login "$api" --api-username admin
exits 2 'no password and no terminal'
printf 'nope\n' >bad
chmod 600 bad
cp "$conf" before
run iotctl login "$api" --api-username admin --password-file bad --context third
exits 4 'a wrong password'
is "$(cat before)" "$(cat "$conf")" 'changes no configuration'

for bad in mqtt://localhost/a/b localhost mqtt:// mqtt://a,mqtts://b; do
	run iotctl login "$api" --api-username admin --password-file "$pw" --context third --mqtt-url "$bad"
	exits 2 "--mqtt-url $bad"
	has "$err" 'iotctl: --mqtt-url: ' '  is refused before it is kept'
	run iotctl config set broker="$bad"
	exits 2 "  also by config set"
	has "$err" 'iotctl: broker: ' '  with its key'
done
is "$(cat before)" "$(cat "$conf")" '  and nothing is changed'

# Tokens given.
# shellcheck disable=SC2094 # the name and the file are two things
iotapi token create admin --db "$db" >token
chmod 600 token
ok 'IOT_TOKEN' env IOT_TOKEN="$(cat token)" iotctl broker list --api-url "$api"
ok '--token-file' iotctl broker list --api-url "$api" --token-file token

# A dotfiles manager has its own copy, and links to it.
mkdir dots
mv "$conf" dots/iot.conf
ln -s "$T/dots/iot.conf" "$conf"
ok 'a configuration behind a link: login' \
	iotctl login "$api" --api-username admin --password-file "$pw" --context linked
ok 'keeps the link' test -L "$conf"
has "$(cat dots/iot.conf)" '[linked]' 'and writes what it leads to'
is 600 "$(stat -c %a dots/iot.conf)" 'which stays private'
rm dots/iot.conf
ok 'a link that leads to nothing: login' iotctl login "$api" --api-username admin --password-file "$pw"
ok 'keeps that too' test -L "$conf"
has "$(cat dots/iot.conf)" "api_url = $api" 'and makes the file'
is iot.conf "$(ls dots)" 'leaving nothing else there'

# A platform whose clock is three hours off: tokens run by its own, and doctor says how far off it is.
${CC:-cc} -shared -fPIC -o clock.so "$top/tests/clock.c" || note 'no compiler'
for off in -10800:behind '10800:ahead of'; do
	here=$T
	T=$T/clock$off
	mkdir "$T"
	export LD_PRELOAD="$here/clock.so" CLOCK_OFFSET="${off%%:*}"
	start_api
	unset LD_PRELOAD
	T=$here
	ok "a clock ${off#*:} ours by 10800 s: login" iotctl broker create "Clock $off" host=h
	ok '  and the token it gave' iotctl broker list
	run iotctl doctor
	ok '  doctor tells how far off it is' expr "$out" : \
		".*clock *FAILED *the API's clock is 10[78][0-9][0-9] s ${off#*:} ours: tokens and times go wrong"
done
done_testing
