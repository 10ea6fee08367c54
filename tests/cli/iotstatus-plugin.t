#!/bin/sh
# iotstatus as a monitoring plugin: fleets of all sizes, thresholds on the edge, and an API that is down,
# slow, or talks nonsense. The word in the text is always the exit status.
# slow: an API that never answers is waited for
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
start_api
use_token

# plugin STATUS 'sentence' ARGUMENT...: the line begins with that status's word.
plugin() {
	wanted=$1
	sentence=$2
	shift 2
	run timeout 30 iotstatus -o nagios "$@"
	exits "$wanted" "$sentence"
	case $wanted in 0) word=OK ;; 1) word=WARNING ;; 2) word=CRITICAL ;; *) word=UNKNOWN ;; esac
	case $out in "IOT $word - "*) tap 0 "and says $word" ;; *) tap 1 "and says $word"; note "$out $err" ;; esac
}

run iotstatus
exits 3 'a fleet without devices: UNKNOWN'
is 'no devices speak MQTT' "$out" 'in its own words'
plugin 3 'an empty fleet is no 0 %' -w 90: -c 75:
without "$out" online_pct 'and has no percentage'
for s in ok:0 warning:1 critical:2 unknown:3; do
	plugin "${s#*:}" "--on-empty ${s%:*}" --on-empty "${s%:*}"
done

fleet 1 1
plugin 0 'one device, online' -w 100:
has "$out" '1/1 device online (100.00%)' '100.00'
fleet 1 0
plugin 2 'one device, offline' -c 1:
has "$out" '0/1 device online (0.00%)' '0.00'
fleet 3 1
plugin 0 'a third, on the edge' -w 33.33: -c 33:
plugin 1 'and just below it' -w 33.34: -c 33.33:
has "$out" 'IOT WARNING - 1/3 devices online (33.33%), 2 offline, 0 error, wanted 33.34: | online_pct=33.33%;33.34:;33.33:;0;100 online=1;;;0;3 offline=2;;;0;3 error=0;;;0;3 time=0.' \
	'value, threshold and performance data'
fleet 10 8
run iotstatus
is '8/10 devices online (80.00%)' "$out" "the guide's sentence"
exits 0 'without thresholds it is OK'
plugin 0 'ten devices, on the edge' -w 80: -c 75:
plugin 0 'with a percent sign' -w 80%: -c 75%:
has "$out" '| online_pct=80.00%;80:;75:;0;100 ' 'which performance data has behind the value only'
plugin 1 'one hundredth above' -w 80.01: -c 75:
plugin 2 'critical outranks warning' -w 90: -c 80.01:
plugin 0 '10: and its like' -w 10:
plugin 2 '0:10 alerts outside 0..10' -c 0:10
for how in '-c 75' '-w 75' '-w 90: -c 75' '-c 75%' '--by tipo -c esp32=75' '-c 100'; do
	# shellcheck disable=SC2086
	plugin 3 "$how without a colon would alert above" $how
	number=${how##*[ =]}
	has "$out" "'$number' would alert above ${number%\%}% online: did you mean '$number:'?" 'which it asks'
done
plugin 2 '~:10 alerts above' -c '~:10'
plugin 0 '~:80 on the edge' -c '~:80'
plugin 2 '10:20 alerts outside' -c 10:20
plugin 2 '@10:80 alerts inside, edges too' -c @10:80
plugin 0 '@10:79.99 alerts inside only' -c @10:79.99
for bad in '' x 10:x 20:10 : @: @ % 1,5: nan: 10:~; do
	run iotstatus -w "$bad"
	exits 3 "-w '$bad' is refused"
	has "$out$err" "--warning: '$bad' is not a range such as 10:, ~:10, 10:20 or @10:20" 'and what a range is'
done
run iotstatus -c 90: -w 75:
exits 3 'a critical range that hides the warning is refused'
has "$out" "IOT UNKNOWN - --critical '90:' is looser than --warning '75:'" 'in a sentence'

run iotstatus -v -w 90:
exits 1 '-v'
is 3 "$(printf '%s\n' "$out" | wc -l)" 'has a line for each device that is not online'
has "$out" 'DEV_000009: never connected' 'with its state'
has "$out" "seen by 'admin' (superuser: all devices)" 'and whose view it is'
is 1 "$(printf '%s\n' "$out" | grep -c '|')" 'performance data once, in the first line'
fleet 1000 100
run iotstatus -v -w 90:
is 202 "$(printf '%s\n' "$out" | wc -l)" 'the long list ends where monitoring systems cut'
has "$out" 'and 700 more' 'and says how many are left'

fleet 100000 99999
plugin 0 'a hundred thousand devices' -w 99.99:
has "$out" '99999/100000 devices online (99.99%)' 'are not 100.00 when one is missing'
plugin 2 'so that 100: notices' -c 100:

# What no healthy API does.
good_url=$IOT_API_URL
start_http answers
export IOT_API_URL="$http_url"
answer() { # answer STATUS BODY [LINE...]: to the request for the fleet's counts; LINEs as in serve.py for others
	case $2 in '<'*) kind=text/html ;; *) kind=application/json ;; esac
	line="GET /api/mqtt/device-status/ $1 $kind $2"
	shift 2
	printf '%s\n' "$line" "$@" >"$http/answers"
}
good='{"total_mqtt_devices":10,"online":8,"offline":2,"error":0,"percentage_online":80.0}'
answer 200 "$good"
plugin 0 'negative control: a good answer of that server' -c 75:
answer 200 '{"total_mqtt_devices":0,"online":0,"offline":0,"error":0,"percentage_online":0}'
plugin 3 'the integer 0 of an empty fleet' -c 75:
has "$out" 'no devices speak MQTT' 'is no percentage'
answer 200 '{"total_mqtt_devices":10,"online":8,"offline":2,"error":0,"percentage_online":12.5}'
plugin 0 'a percentage that is not theirs' -c 75:
has "$out" '80.00%' 'is computed again from the counts'
answer 200 '{"percentage_online":80.5,"error":1,"offline":38,"online":161,"total_mqtt_devices":200,"more":null}'
plugin 0 'other order, more keys' -c 75:
has "$out" '(80.50%)' 'are read'

unknown() { # unknown STATUS BODY PART 'sentence'
	answer "$1" "$2"
	plugin 3 "$4" -c 75:
	has "$out" "$3" 'with the reason'
	is '' "$err" 'on standard output only'
}
unknown 200 '{"total_mqtt_devices":10,"online":9,"offline":2,"error":0,"percentage_online":90.0}' \
	'does not add up: 9 online, 2 offline and 0 in error are not 10' 'sums that do not add up'
unknown 200 '{"total_mqtt_devices":10,"offline":2,"error":0,"percentage_online":80.0}' "has no 'online'" 'a missing key'
unknown 200 '{"total_mqtt_devices":10,"online":"8","offline":2,"error":0}' "'online' is '\"8\"', not a count" 'a count that is none'
unknown 200 '{"total_mqtt_devices":10,"online":-8,"offline":18,"error":0}' 'not a count' 'a negative count'
unknown 200 "${good%%,\"error*}" 'is no JSON object' 'half an answer'
unknown 200 '<!doctype html><title>Welcome</title>' 'is no JSON object' 'HTML'
unknown 200 '' 'is no JSON object' 'an empty answer'
unknown 200 '[8,10]' 'is no JSON object' 'an array'
unknown 401 '{"detail":"El token dado no es valido para ningun tipo de token","code":"token_not_valid"}' 'El token dado no es valido' '401'
unknown 403 '{"detail":"Usted no tiene permiso para realizar esta acción."}' 'Usted no tiene permiso' '403'
unknown 404 '<!doctype html><title>Not Found</title>' '404' '404'
answer half "$good"
plugin 2 'a connection that breaks off in the middle: nobody knows' -c 75:
answer 500 '<h1>Server Error (500)</h1>'
plugin 2 '500 is unreachable' -c 75:
answer slow ''
from=$(date +%s)
plugin 2 'an API that never answers' -c 75: -t 700ms
[ $(($(date +%s) - from)) -le 5 ]
tap $? 'costs the time-out and no more'
has "$out" "IOT CRITICAL - the API at '$http_url' is too slow: no answer within 0." \
	'and says that it is slow, not out of reach'
for s in ok:0 warning:1 critical:2 unknown:3; do
	plugin "${s#*:}" "--on-error ${s%:*}" -t 300ms --on-error "${s%:*}"
done
run iotstatus -t 300ms -o text
exits 2 'as text'
is '' "$out" 'nothing on standard output'
has "$err" 'iotstatus: the API at ' 'but on standard error'

# -t bounds the whole look, however many requests it takes.
answer 200 "$good" 'GET /api/devices/ 200 application/json {"count":0,"next":null,"previous":null,"results":[]}' \
	'GET /api/users/me/ slow application/json '
plugin 2 'time runs out behind the first answer' -t 700ms --max-age 1h -v
IOT_API_URL=$good_url
kill "$api_pid"
wait "$api_pid" 2>/dev/null
plugin 2 'an API that is down' -c 75:
has "$out" "cannot reach the API at '$good_url': " 'is named'
unset IOT_API_URL
run iotstatus --api-url ftp://x -w 90:
exits 3 'no URL of an API'
run iotstatus --nagios
exits 3 'a wrong option'
run iotstatus operand
exits 3 'an operand'
run iotstatus --list online --format prometheus
exits 3 'options that cannot go together'

# A monitoring system reads standard output only: what is wrong with the command line stands there, too.
echo 'colour = red' >bad.conf
for how in '--nope' '-w 90: --nope' '--nope -w 90:' '-w 90: --timeout' '--config bad.conf -c 75:' '--context nope -c 75:' \
	'--config none.conf' '--by tipo --source mqtt'; do
	# shellcheck disable=SC2086
	run iotstatus $how
	exits 3 "$how"
	case $out in
	*"
"*) tap 1 'says UNKNOWN in one line' ;;
	'IOT UNKNOWN - '*) tap 0 'says UNKNOWN in one line' ;;
	*) tap 1 'says UNKNOWN in one line'; note "$out" ;;
	esac
	is '' "$err" 'on standard output only'
done
for how in '-o text --nope' '--list offline --nope' '--nope --list offline'; do
	# shellcheck disable=SC2086
	run iotstatus $how
	is '' "$out" "$how: nothing on standard output that a program would take for its own"
	has "$err" "'--nope'" 'but on standard error'
done
for how in '--json --nope' '--nope --json' '--json --config bad.conf' '--json -c 75: --api-url http://127.0.0.1:1'; do
	# shellcheck disable=SC2086
	run iotstatus $how
	case $how in *api-url*) state=CRITICAL ;; *) state=UNKNOWN ;; esac
	is "$state" "$(printf '%s' "$out" | jq -r 'select(.error | length > 0).state')" "$how: an object"
done
echo 'iot_status_scrape_success 1
iot_status_last_success_timestamp_seconds 1764428400.000' >f.prom
for how in --nope '--config bad.conf'; do
	# shellcheck disable=SC2086
	run iotstatus $how --format prometheus --write f.prom
	exits 3 "metrics, $how"
	has "$(cat f.prom)" 'iot_status_scrape_success 0' 'say that the look failed'
	has "$(cat f.prom)" 'iot_status_last_success_timestamp_seconds 1764428400.000' 'and when one last did not'
done
done_testing
