#!/bin/sh
# What people type who know mosquitto's clients: the same letters, a topic in the URL, properties.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

port=$(free_port)
start_broker 'allow_anonymous true' 'log_type all' "listener $port 127.0.0.1"
wait_for 10 port_open "$port"

# A topic in the URL.
ok 'iotpub: a topic in the URL' iotpub -L "mqtt://127.0.0.1:$port/r/1" -r -m one
run iotsub -L "mqtt://127.0.0.1:$port/r/1" -C 1 -W 10
is '0 one' "$status $out" 'iotsub: likewise'
run iotsub -L "mqtt://127.0.0.1:$port/r/%2B" -t other -C 1 -W 10
is '0 one' "$status $out" '... a filter, percent-encoded, and others beside it'
run iotsub -L "mqtt://127.0.0.1:$port/r/#" -C 1 -W 10 -v
is '0 r/1 one' "$status $out" '... or as it is'
run iotsub -L "mqtt://127.0.0.1:$port/" -W 1
exits 2 'a slash alone is no topic'
has "$err" 'what to receive?' '... and the question is the same'
run iotpub -L "mqtt://127.0.0.1:$port/r/1" -t r/2 -m x
exits 2 'iotpub: two topics are refused'
has "$err" "-t 'r/2' and 'r/1' in the URL" '... both are named'
run iotpub -L "mqtt://127.0.0.1:$port/r/1" D_1
exits 2 'and a topic for a device'
run iotsub -L "mqtt://127.0.0.1:$port/a,mqtt://127.0.0.1:$port/b" -W 1
exits 2 'two topics of two brokers'
for program in "iotingest -W 1" "iotstatus --source mqtt"; do
	# shellcheck disable=SC2086
	run env IOT_MQTT_URL="mqtt://127.0.0.1:$port/r/1" $program
	has "$err$out" "IOT_MQTT_URL: a topic in the broker's URL is of no use here" "$program has no use for it"
done
printf 'broker = mqtt://127.0.0.1:%s/r/1\n' "$port" >topic.conf
for program in 'iotsub -t r/2 -W 1' 'iotsub -W 1' 'iotpub -t r/2 -m x' 'iotpub -m x'; do
	# shellcheck disable=SC2086
	run env IOT_MQTT_URL="mqtt://127.0.0.1:$port/r/1" $program
	wanted="IOT_MQTT_URL: a topic in a broker's URL is taken from -L alone: mqtt://HOST[:PORT]"
	is "2 ${program%% *}: $wanted" "$status $err" "$program: none of the environment"
	# shellcheck disable=SC2086
	run $program --config "$T/topic.conf"
	is 2 $status "$program: none of a file"
	has "$err" "$T/topic.conf:1: a topic in a broker's URL" '... which is named, with its line'
done
run env IOT_MQTT_URL="mqtt://127.0.0.1:$port/r/1" iotsub -L "mqtt://127.0.0.1:$port/r/%2B" -C 1 -W 10
is '0 one' "$status $out" 'that of -L counts beside it'

# The unix socket, from here.
cd "$T" || exit 1
ok 'iotpub --unix' iotpub --unix mq.sock -t r/3 -r -m three
run iotsub --unix "$sock" -t r/3 -C 1 -W 10
is '0 three' "$status $out" 'iotsub --unix'
run env IOT_MQTT_URL=mqtt://nobody.invalid iotsub --unix "$sock" -t r/3 -C 1 -W 10
is '0 three' "$status $out" '... outranks the environment'
for other in '-h localhost' '-L mqtt://localhost'; do
	# shellcheck disable=SC2086
	run iotpub --unix "$sock" $other -t x -m y
	exits 2 "--unix and $other"
done

# Properties.
mosquitto_sub --unix "$sock" -V mqttv5 -t p/1 -C 2 -F '%j' >seen &
pids="$pids $!"
seen=$!
wait_for 10 grep -q "p/1 (QoS" mosquitto.log
ok 'iotpub -D' iotpub -h "$sock" -t p/1 -D publish message-expiry-interval 60 -m '{"a":1}' \
	-D publish user-property k '-v' --property publish content-type application/json \
	-D publish response-topic r/t -D publish correlation-data c -D publish payload-format-indicator 1
ok '... at QoS 0, too' iotpub -h "$sock" -t p/1 -q 0 -D publish content-type x -m 2
wait $seen
is '60 application/json 1 r/t c -v' "$(head -n 1 seen | jq -r '.properties | "\(.["message-expiry-interval"]) \(
	.["content-type"]) \(.["payload-format-indicator"]) \(.["response-topic"]) \(.["correlation-data"]) \(
	.["user-properties"] | .k? // .[0].k)"')" '... all of them arrive'
has "$(tail -n 1 seen)" '"content-type":"x"' '... and so does that'
refused() { # refused PART OPTION...
	part=$1
	shift
	run iotpub -h "$sock" "$@"
	exits 2 "refused: $*"
	has "$err" "$part" "... $part"
}
refused "only properties of 'publish'" -t x -m y -D connect session-expiry-interval 5
refused "there is no property 'topic-alias' here, but content-type, " -t x -m y -D publish topic-alias 1
refused "'-1' is not a whole number from 0 to 4294967295" -t x -m y -D publish message-expiry-interval -1
refused "'2' is not a whole number from 0 to 1" -t x -m y -D publish payload-format-indicator 2
refused "option '--property' needs publish NAME VALUE" -t x -m y -D publish content-type
refused "option '--property' needs publish NAME VALUE" -t x -m y -D publish user-property k
refused '-D needs MQTT 5' -t x -m y -V 311 -D publish content-type x
refused 'each line has its own properties' -l --json -D publish content-type x
refused 'a message needs a topic' D_1 -D publish content-type x

# -d, and the long name of -c.
run iotsub -d -d -h "$sock" -t r/1 -C 1 -W 10
has "$err" 'mqtt > SUBSCRIBE' 'iotsub -d twice shows packets'
run iotsub -h "$sock" --disable-clean-session -i kept -t r/1 -C 1 -W 10
exits 0 'iotsub --disable-clean-session'
ok '... keeps the session' grep -q 'as kept (p5, c0' mosquitto.log

done_testing
