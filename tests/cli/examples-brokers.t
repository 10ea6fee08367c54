#!/bin/sh
# The brokers' settings among the examples: mosquitto's are started, with the platform's logins and rules; EMQX's are read
# as HOCON, and iotapi is asked as it would be by them.
# slow: mosquitto is started anew for each of its listeners
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

start_api
port=$(free_port)
tls_port=$(free_port)
printf 'broker-password\n' >broker.pw
chmod 600 broker.pw
iotctl broker create Laboratorio host=127.0.0.1 port="$port" username=archive password@broker.pw >/dev/null
iotctl topic create 'Datos de Sensores' tipo=publish topic_pattern='iot/sensors/{device_id}/data' >/dev/null
iotctl device provision D1 D2 >/dev/null
secret_of() { awk -F, -v d="$1" '$1 == d { print $4 }' "$HOME/.local/state/iot/default.csv" >"$1.pw" && chmod 600 "$1.pw"; }
secret_of D1
secret_of D2

# mosquitto, beside a configuration as Debian has it. The first time as the example says it.
mkdir -m 750 iot conf.d certs
mkdir store
example=$top/examples/mosquitto.conf
command=$(sed -n 's/^#	\(iotctl broker sync .*\)/\1/p' "$example" | sed "s|NAME|Laboratorio|; s|/etc/mosquitto/iot|$T/iot|")
install -m 600 /dev/null iot/passwords
mosquitto_passwd -b iot/passwords archive broker-password
run sh -c "$command"
exits 0 'broker sync, as the example has it'
is 'archive device_D1 device_D2' "$(cut -d: -f1 iot/passwords | sort | paste -sd ' ')" '  gives it the logins'
authority ca
certificate server ca IP:127.0.0.1
cp server.crt server.key certs/
cp ca.crt iot/
settings() { # settings SED: the example, with this machine's places
	sed -e "$1" "$example" | sed "s|/etc/mosquitto/|$T/|; s|^listener 1883|listener $port 127.0.0.1|; s|^listener 8883|listener $tls_port 127.0.0.1|" \
		>conf.d/iot.conf
	{
		echo "user $(id -un)"
		echo 'persistence true'
		echo "persistence_location $T/store/"
		echo "include_dir $T/conf.d"
	} >mosquitto.conf
	: >mosquitto.log
	bg mosquitto -c mosquitto.conf >>mosquitto.log 2>&1
	broker_pid=$bg
	wait_for 10 grep -q ' running$' mosquitto.log
}
ends() {
	kill "$broker_pid"
	wait "$broker_pid"
}
settings ''
tap $? 'mosquitto starts with it'
# 2.0.21 started by root asks for root's group of files that it reads again as mosquitto: that of Debian is mosquitto's.
grep -vE 'should not be run as root|group is not root' mosquitto.log >log
no_line log '  without an error or a warning' -iE 'error|warn'
pub() { # pub DEVICE TOPIC OPTION...
	device=$1 topic=$2
	shift 2
	run iotpub -h 127.0.0.1 -p "$port" -i "$device" -u "device_$device" --password-file "$device.pw" -q 1 -t "$topic" -m '{"temperature":1}' "$@"
}
pub D1 iot/sensors/D1/data
exits 0 'a device is let in, and publishes its own'
pub D1 iot/sensors/D2/data
exits 4 '  but nothing of another'
run iotpub -h 127.0.0.1 -p "$port" -q 1 -t iot/sensors/D1/data -m 1
exits 4 'nobody comes in without a login'
# More than mosquitto keeps by itself, and a larger window.
archive() { iotingest -h 127.0.0.1 -p "$port" -u archive --password-file broker.pw --durable archive --readings "$@"; }
archive -W 300ms >/dev/null 2>&1
seq 1500 | sed 's/.*/{"temperature":&}/' |
	mosquitto_pub -h 127.0.0.1 -p "$port" -i D1 -u device_D1 -P "$(cat D1.pw)" -q 1 -t iot/sensors/D1/data -l
archive -C 1500 -W 30 >kept 2>/dev/null
is 1500 "$(wc -l <kept)" '1500 messages wait for an archive that is away'
ends
settings 's/^#\(listener 8883\|certfile\|keyfile\)/\1/'
tap $? 'with the TLS of its comments'
port=$tls_port pub D1 iot/sensors/D1/data --cafile ca.crt
exits 0 '  a device comes in'
ends
sh "$top/examples/ca" init pki && sh "$top/examples/ca" issue pki device_D1
cp pki/ca.crt iot/
settings 's/^#\(listener 8883\|certfile\|keyfile\|cafile\|require_certificate\|use_identity_as_username\)/\1/'
tap $? 'with all of them'
run iotpub -h 127.0.0.1 -p "$tls_port" -i D1 --cafile ca.crt --cert pki/device_D1.crt --key pki/device_D1.key -q 1 \
	-t iot/sensors/D1/data -m '{"temperature":1}'
exits 0 '  one comes in by its certificate'
port=$tls_port pub D2 iot/sensors/D2/data --cafile ca.crt
[ "$status" -ne 0 ]
tap $? '  and none without'
ends

# EMQX.
emqx=$top/examples/emqx.conf
# shellcheck disable=SC2016 # EMQX's
asks_as_emqx() {
	ruby -rhocon -rjson -e 'puts JSON.generate(Hocon.parse(STDIN.read))' <"$emqx" >emqx.json || return 1
	mandoc -Tutf8 -O width=78 "$top/man/iotapi.8" | col -bx |
		sed -n '/^ *authentication = /,/^ *qos = /p' | sed 's/"Bearer T"/"Bearer TOKEN"/' |
		ruby -rhocon -rjson -e 'puts JSON.generate(Hocon.parse(STDIN.read))' >page.json || return 1
	is "$(jq -S . page.json)" "$(jq -S 'del(.mqtt)' emqx.json)" 'EMQX: logins and rules are those of iotapi(8)'
	is '{"max_inflight":1000,"max_mqueue_len":100000,"session_expiry_interval":"1d"}' "$(jq -cS .mqtt emqx.json)" '  and room for who is away'
	token=$(iotapi token create admin --read-only --db "$db")
	ask() { # ask JQ-PATH USER PASSWORD ACTION TOPIC: the request that EMQX makes of it
		jq -r "$1"' | .url, (.headers | to_entries[] | "\(.key): \(.value)")' emqx.json |
			sed "s|http://HOST:8000|$api|; s/TOKEN/$token/" >request
		jq -c --arg username "$2" --arg password "$3" --arg action "$4" --arg topic "$5" "$1"'.body |
			map_values(if . == "${username}" then $username elif . == "${password}" then $password elif . == "${clientid}"
			then "c" elif . == "${action}" then $action elif . == "${topic}" then $topic elif . == "${qos}" then "1" elif
			. == "${retain}" then "false" else error("unknown: " + .) end)' emqx.json >body || return
		curl -s -X POST -H "$(sed -n 2p request)" -H "$(sed -n 3p request)" -d @body "$(sed -n 1p request)" | jq -r .result
	}
	is allow "$(ask '.authentication[0]' device_D1 "$(cat D1.pw)" '' '')" 'what EMQX would send by it lets a device in'
	is deny "$(ask '.authentication[0]' device_D1 wrong '' '')" '  not with another password'
	is allow "$(ask '.authorization.sources[0]' device_D1 '' publish iot/sensors/D1/data)" '  and publish its own'
	is deny "$(ask '.authorization.sources[0]' device_D1 '' publish iot/sensors/D2/data)" "  not another's"
}
if ruby -rhocon -e '' 2>/dev/null; then
	asks_as_emqx || tap 1 'EMQX: it is HOCON'
else
	note 'no ruby-hocon: tests/deps.sh check'
fi
done_testing
