#!/bin/sh
# An afternoon in the shell: a new greenhouse, from the first broker to the first command, by one person at one
# terminal, who mistypes, pastes, pipes, looks things up, and goes home.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v expect >/dev/null || skip_all 'no expect'
# shellcheck disable=SC2119
start_api
iotctl login "$api" --context casa --api-username admin --password-file "$T/api.pw" 2>/dev/null
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
# shellcheck disable=SC2119
start_broker
printf 'the-broker-password\n' >broker.pw
chmod 600 broker.pw
cat >t.exp <<END
set timeout 10
log_user 0
proc want {what name} {
	expect {
		-exact \$what { puts "ok \$name" }
		timeout { puts "not \$name" }
		eof { puts "not \$name (eof)" }
	}
}
proc line {text what name} {
	send "\$text\r"
	want \$what \$name
	expect "> "
}
# Names are waited for 300 ms at most: whoever has a slow platform presses Tab again.
proc offered {what name} {
	for {set i 0} {\$i < 20} {incr i} {
		send "\t\t"
		expect {
			-timeout 1
			-exact \$what { puts "ok \$name"; return }
			timeout { }
		}
	}
	puts "not \$name"
}
spawn iotctl
want "casa> " "good afternoon"
line "help broker" "protocolo" "what has a broker?"
line "brokr list" "did you mean 'broker'?" "a slip"
line "broker create Invernadero host=$sock username=admin password@broker.pw" "created broker" "a broker"
line "broker create Invernadero host=x password=typed-by-mistake" "nombre" "twice is refused"
line "broker test Invernadero" "QoS 2" "does it work?"
line "use topic" "casa:topic" "now topics"
line "create Datos topic_pattern='iot/sensors/{device_id}/data' tipo=publish" "created topic" "one"
send "\033\[200~create Comandos topic_pattern='iot/devices/{device_id}/commands' qos=2\n"
send "create Estado topic_pattern='iot/devices/{device_id}/status' retain=yes\033\[201~\r"
want "created topic 'Comandos'" "two pasted"
want "created topic 'Estado'" "at once"
expect "> "
line "list -o csv --columns nombre --no-header | sort | head -n 1" "Comandos" "through a pipe"
line "lint" "casa:topic" "nothing to complain about"
line "use" "casa" "done with topics"
line "sensor create nombre=Temperatura tipo=temperatura unidad_medida=C rango_min=-40 rango_max=85 mqtt_topic_suffix=temperature" "created sensor" "a sensor"
line "device provision INV_01 INV_02 sensores=temperature broker=Inv" "no broker 'Inv'" "half a name is no name"
send "device provision INV_01 INV_02 sensores=temperature broker=Invernadero\r"
want "INV_02" "two devices"
expect "> "
send "device get INV_"
offered "INV_02" "names that are new already"
send "\025"
line "device command INV_01 '{\"a\":1}' --wait 300ms" "did not answer" "nobody there yet"
line "doctor INV_01" "last reading" "what is missing?"
send "exit\r"
expect eof
END
TERM=xterm PAGER='' expect t.exp >result 2>&1
while read -r verdict sentence; do
	case $verdict in
	ok) tap 0 "$sentence" ;;
	not) tap 1 "$sentence" ;;
	*) note "$verdict $sentence" ;;
	esac
done <result
is 2 "$(iotctl device list -o json | jq length)" 'the devices are there'
h=$HOME/.local/state/iot/history
has "$(cat "$h")" 'broker test Invernadero' 'the history remembers'
is '' "$(grep -rl -e typed-by-mistake -e the-broker-password "$HOME" 2>/dev/null)" 'no secret, nor anything else at home'
is 1 "$(grep -c 'password@broker.pw' "$h")" 'a file with one is no secret'
done_testing
