#!/bin/sh
# Day: a night of cron, a look every five minutes from ten to six, with a gateway that is down for an hour and
# an API that is down for half of one. Counted is the mail: what a cron line prints is mailed.
# slow: a hundred looks at a fleet
# shellcheck disable=SC2317 # called by wait_for
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
start_api --access-life 2s
start_broker 'allow_anonymous true'
fleet 10 0
iotctl broker create nombre=Norte host="$sock" >/dev/null
for n in 01 02 03 04 05 06 07 08 09 10; do
	iotctl device-config create dispositivo=DEV_0000$n broker=Norte >/dev/null
done
export IOT_MQTT_HOST="$sock"
devices() { # devices FROM TO: a gateway's; $gateway is its pid
	# shellcheck disable=SC2046 # words
	iotpub $(seq -f DEV_%06g "$1" "$2") temperature=uniform:18,26 --interval 500ms >/dev/null 2>&1 &
	gateway=$!
	pids="$pids $gateway"
}
devices 1 6
devices 7 10
online() { iotstatus -o text 2>/dev/null | grep -q "^$1/10 "; }
wait_for 20 online 10
tap $? 'at ten: ten devices, online'

mkdir with without
# cron DIRECTORY COMMAND...: runs the line, mails what it prints.
cron() {
	box=$1
	shift
	"$@" >"$box/output" 2>&1
	echo "$look $?" >>"$box/statuses"
	if [ -s "$box/output" ]; then
		mails=$(find "$box" -name 'mail.*' | wc -l)
		mv "$box/output" "$box/mail.$((mails + 1))"
	fi
}
look=0
until_six() { # until_six N: that many looks
	last=$((look + $1))
	while [ $look -lt $last ]; do
		look=$((look + 1))
		cron with iotstatus -q -w 90: -c 75: --state "$T/fleet.state"
		cron without iotstatus -q -w 90: -c 75:
	done
}
mails() { find "$1" -name 'mail.*' | wc -l; }

until_six 30
is 0 "$(mails with)" 'half past midnight: no mail so far'
kill -9 "$gateway"
wait "$gateway" 2>/dev/null
wait_for 20 online 6
tap $? 'a gateway dies, its four devices with it: their wills tell'
until_six 12
is 1 "$(mails with)" 'an hour later: one mail'
has "$(cat with/mail.1)" 'IOT CRITICAL - 6/10 devices online (60.00%), 4 offline, 0 error, wanted 75:' 'which says what'
devices 7 10
wait_for 20 online 10
tap $? 'the gateway is back'
until_six 10
is 2 "$(mails with)" 'a second mail'
has "$(cat with/mail.2)" 'IOT OK - 10/10 devices online (100.00%), 0 offline, 0 error, recovered after ' 'which says that it is over'

port=${api##*:}
kill "$api_pid"
wait "$api_pid" 2>/dev/null
until_six 6
is 3 "$(mails with)" 'half past three: the API is down, one mail'
has "$(cat with/mail.3)" 'IOT CRITICAL - cannot reach the API at' 'which says so'
bg iotapi serve --db "$db" --listen "127.0.0.1:$port" --access-life 2s 2>>api.log
wait_for 20 online 10
tap $? 'the API is back'
until_six 38
is 96 "$look" 'at six: 96 looks'
is 4 "$(mails with)" 'four mails in all'
has "$(cat with/mail.4)" 'IOT OK - 10/10' 'the last one says that all is well'
is '31 2
53 2' "$(grep -v ' 0$' with/statuses)" 'of 96 looks two failed: those that found trouble'
is 18 "$(mails without)" 'negative control: without --state there is a mail for every look at trouble'
done_testing
