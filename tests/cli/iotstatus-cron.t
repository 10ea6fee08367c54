#!/bin/sh
# iotstatus in cron: silence, change told once, tokens that live two seconds, groups.
# slow: tokens of 2 s and of 5 s run out
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
start_api --access-life 2s --refresh-life 5s
fleet 10 10 "$now"

# A cron line runs for a year on tokens of an hour; here they live two seconds, and what renews them five.
look() { iotstatus -o text 2>&1; }
is '10/10 devices online (100.00%)' "$(look)" 'logs in from the password file'
cache=$HOME/.local/state/iot/token-default.json
is 600 "$(stat -c %a "$cache")" 'keeps its tokens for its owner only'
access() { jq -r .access "$cache"; }
refresh() { jq -r .refresh "$cache"; }
# On a busy machine two looks may take two seconds: some two do not.
again() {
	first=$(access)
	first_refresh=$(refresh)
	look >/dev/null
	[ "$first" = "$(access)" ]
}
ok 'uses them again' wait_for 10 again
printf '%s\n' "$first" >static
chmod 600 static
sleep 3 # longer than --access-life
run env -u IOT_USERNAME -u IOT_PASSWORD_FILE iotstatus --token-file static
exits 3 'negative control: a token of its own has expired by now'
is '10/10 devices online (100.00%)' "$(look)" 'renewed by itself'
[ "$first" != "$(access)" ] && [ "$first_refresh" != "$(refresh)" ]
tap $? 'by the refresh token, which is used up'
sleep 6 # longer than --refresh-life
is '10/10 devices online (100.00%)' "$(look)" 'logged in again when that had expired, too'
sleep 3 # longer than --access-life
for _ in 1 2 3 4 5 6 7 8; do iotstatus -o text >>many 2>&1 & pids="$pids $!"; some="${some-} $!"; done
# shellcheck disable=SC2086
wait $some
is 8 "$(grep -c '^10/10 devices online (100.00%)$' many)" 'eight at once share one renewal'
use_token

# -q and --state.
run iotstatus -q -w 90: -c 75:
exits 0 '-q'
is '' "$out$err" 'is silent when all is well'
state() { run iotstatus -q -w 90: -c 75: --state fleet.state; }
state
exits 0 '--state, the first time'
is '' "$out$err" 'is silent when all is well'
fleet 10 8 "$now"
state
exits 1 'a change fails'
has "$out" 'IOT WARNING - 8/10' 'and is told'
state
exits 0 'once'
is '' "$out$err" 'only'
fleet 10 5 "$now"
state
exits 2 'worse is a change'
has "$out" 'IOT CRITICAL - 5/10' 'and told'
good=$IOT_API_URL
IOT_API_URL=http://127.0.0.1:1
state
exits 2 'trouble is another matter than the fleet'
has "$out" 'IOT CRITICAL - cannot reach the API' 'and told'
state
exits 0 'once'
is '' "$out$err" 'only'
IOT_API_URL=$good
state
exits 2 'the fleet is still down'
has "$out" 'IOT CRITICAL - 5/10' 'and it is told'
fleet 10 10 "$now"
state
exits 0 'recovery is no failure'
has "$out" 'IOT OK - 10/10 devices online (100.00%), 0 offline, 0 error, recovered after ' 'but told'
state
exits 0 'once'
is '' "$out$err" 'only'
run iotstatus -w 90: --state fleet.state
is '' "$out$err" 'without -q, too, no change is no news'
echo '{"state":"CRITICAL","trouble":false,"since":1}' >fleet.state
state
has "$out" ', recovered after 2' 'with how long it was'
echo '{"state":"WARNING","trouble":false,"since":1}' >fleet.state
fleet 10 5 "$now"
state
exits 2 'worse than before'
run jq -e '.bad == 1 and .since > 1' fleet.state
exits 0 'began with the first bad look, which is remembered'
fleet 10 10 "$now"
state
has "$out" ', recovered after 2' 'and counted from, not from the last change'
for bad in '{"state":"FINE","since":1}' '{"state":"OK"}' '{"state":"O'; do
	printf '%s' "$bad" >bad.state
	run iotstatus --state bad.state
	exits 3 "a state file with '$bad': UNKNOWN"
	has "$out" "'bad.state' was damaged" 'is told'
	run iotstatus -q --state bad.state
	is 0 "$status$out$err" 'once'
	has "$(cat bad.state)" '"state":"OK"' 'and it is written anew'
done
for bad in '{' '[]' 'PATH=/bin'; do
	printf '%s' "$bad" >bad.state
	run iotstatus --state bad.state
	exits 3 "a file with '$bad': UNKNOWN"
	has "$out" "'bad.state' is no state file of iotstatus" 'is named'
	run iotstatus --state bad.state
	is "3 $bad" "$status $(cat bad.state)" 'each time: it is not ours to replace'
done
: >empty.state
run iotstatus -c 75: --state empty.state
is 0 "$status$out$err" 'an empty state file: no state yet'
has "$(cat empty.state)" '"state":"OK"' 'and from now on there is one'
run iotstatus --state /dev/null/x
exits 3 'a state file that cannot be written'
run iotstatus -c 100: --state bad.state
exits 3 'a bad state file and a healthy fleet: UNKNOWN'
fleet 10 5 "$now"
run iotstatus -q -c 75: --state /dev/null/x
exits 2 'nor does one that cannot be written'
has "$err" /dev/null/x 'and it is named, even with -q'
run iotstatus -q -c 75: --state bad.state
exits 2 'but it hides no fleet that is down'
has "$out" 'IOT CRITICAL - 5/10' 'which is told'
has "$err" "'bad.state' is no state file of iotstatus" 'beside it'
iotstatus -c 75: --state untold.state >/dev/full 2>full
is 3 $? 'a change that nobody could be told'
is 'iotstatus: cannot write to standard output: No space left on device' "$(cat full)" 'says why'
run iotstatus -c 75: --state untold.state
exits 2 'is told by the next run'
has "$out" 'IOT CRITICAL - 5/10' 'in full'
run iotstatus -c 75: --state untold.state
is '0' "$status$out$err" 'once'
fleet 10 10 "$now"
iotstatus -c 75: --state untold.state >/dev/full 2>/dev/null
run iotstatus -c 75: --state untold.state
has "$out" ', recovered after ' 'so is the end of it'
run iotstatus -w x --state new.state
exits 3 'wrong usage'
[ ! -e new.state ]
tap $? 'is nothing to remember'

# The crontab lines of the documents, under the environment of Debian's cron: PATH is what the crontab says.
prefix=$(sed -n 's/^PREFIX *?= *//p' "$top/Makefile")
for file in README.md README.es.md man/iotstatus.1; do
	sed -n 's/^\.Dl //; s/\\&//g; /^PATH=/p; /^\*\/5 /p' "$top/$file" >lines
	is "$prefix/bin" "$(sed -n 's/^PATH=\([^:]*\):.*/\1/p' lines)" "$file: the crontab finds what make install installed"
	is '' "$(grep -v '^PATH=' lines | grep '[%#]')" 'and has no % and no # behind the command'
	command=$(sed -n 's/^\*\/5 \* \* \* \* //p' lines)
	fleet 10 5 "$now"
	rm -f "$HOME/fleet.state"
	run env -i HOME="$HOME" LOGNAME=x SHELL=/bin/sh PATH="$(dirname "$(command -v iotstatus)"):/usr/bin:/bin" \
		IOT_API_URL="$IOT_API_URL" IOT_TOKEN_FILE="$IOT_TOKEN_FILE" /bin/sh -c "$command"
	exits 2 'and its command runs'
	has "$out" 'IOT CRITICAL - 5/10' 'and speaks'
done

# Groups, each with its own thresholds.
fleet 10 8 "$now"
run iotstatus --by tipo
exits 0 '--by tipo'
is '8/10 devices online (80.00%), 2 offline
esp32 OK: 4/5 devices online (80.00%), 1 offline
raspberry_pi OK: 4/5 devices online (80.00%), 1 offline' "$out" 'a line a group'
run iotstatus --by tipo -w 75: -w esp32=90:
exits 1 'a threshold of one group'
has "$out" 'IOT WARNING - 8/10 devices online (80.00%), 2 offline, 0 error, 0 never connected, 0 stale, because of esp32 |' \
	'is the state of all, and names the group'
has "$out" 'esp32 WARNING: 4/5 devices online (80.00%), 1 offline, wanted 90:' 'and said where it belongs'
has "$out" 'raspberry_pi OK: 4/5' 'the others have their own'
has "$out" ' esp32_pct=80.00%;90:;;0;100 ' 'in the performance data, too'
run iotstatus --by estado --json
is '[["activo",8],["mantenimiento",2]]' "$(printf '%s' "$out" | jq -c '[.groups[] | [.group, .total_mqtt_devices]] | sort')" '--by estado'
run iotstatus --by operador
has "$out" 'none OK: 8/10' '--by operador: who has none'
run iotstatus --by broker
has "$out" 'none OK: 8/10' '--by broker: who has none'
iotctl broker create nombre=Norte host=norte.example >/dev/null
iotctl broker create nombre=Sur host=sur.example >/dev/null
for n in 1 2 9; do iotctl device-config create dispositivo=DEV_00000$n broker=Norte >/dev/null; done
iotctl device-config create dispositivo=DEV_000010 broker=Sur >/dev/null
run iotstatus --by broker -w 50: -c Sur=1:
exits 2 '--by broker'
has "$out" 'Norte OK: 2/3 devices online (66.67%)' 'names the broker of the device-config'
has "$out" 'Sur CRITICAL: 0/1 device online (0.00%), 1 offline, wanted 1:' 'and judges each'
iotctl broker set Norte nombre="Planta L'Hospitalet 1" >/dev/null
iotctl broker set Sur nombre='el "Sur"|a=b' >/dev/null
run iotstatus -o nagios --by broker
has "$out" " 'Planta L''Hospitalet 1_pct'=66.67%;;;0;100 " 'a label with blanks is in quotes, doubled where it has one'
has "$out" " 'el \"Sur\"_a_b_pct'=0.00%;;;0;100 " 'what a label cannot have is _'
is 'online_pct online offline error never_connected stale Planta L'"'"'Hospitalet 1_pct el "Sur"_a_b_pct none_pct time ' \
	"$(printf '%s' "$out" | /usr/bin/python3 -c '
import re, sys
for quoted, plain in re.findall(r" (?:\x27((?:[^\x27]|\x27\x27)+)\x27|([^ =]+))=[^ ]*", sys.stdin.readline().split("|", 1)[1]):
	print(quoted.replace("\x27\x27", "\x27") or plain, end=" ")')" 'as who reads performance data takes them'
run iotstatus --by tipo -w arduino=50:
exits 3 'a threshold for a group that is not there'
has "$out" "'arduino', in which no device is" 'is no silent OK'
run iotstatus -w esp32=50:
exits 3 "a group's threshold without --by"
run iotstatus --by tipo --source mqtt
exits 3 "--by needs the API's fields"
run iotstatus --by color
exits 3 'no such field'

# 80.5 stays 80.5, whatever the locale.
fleet 200 161 "$now"
if localedef -i es_ES -f UTF-8 "$T/es_ES.UTF-8" 2>/dev/null; then
	for format in text json nagios prometheus; do
		is "$(iotstatus -o $format | sed 's/time=.*//; s/\(_seconds\) .*/\1/')" \
			"$(ASAN_OPTIONS=detect_leaks=0 LOCPATH=$T LC_ALL=es_ES.UTF-8 iotstatus -o $format | sed 's/time=.*//; s/\(_seconds\) .*/\1/')" \
			"-o $format is the same in Spanish"
	done
	has "$(LOCPATH=$T LC_ALL=es_ES.UTF-8 ASAN_OPTIONS=detect_leaks=0 iotstatus -w 80.5:)" '(80.50%)' '80.5 stays 80.5'
fi
done_testing
