# What tests of iotingest share, after lib.sh: a broker that keeps a log, publishers.
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # $sock and the rest are lib.sh's; $status is what tests look at

ingest_broker() { start_broker 'allow_anonymous true' 'max_queued_messages 10000' 'log_type all'; }
ingest_broker
# own NAME: a place and a broker of its own, for a part: all parts publish to the same topic.
own() {
	place "$1"
	ingest_broker
}
pub() { mosquitto_pub --unix "$sock" "$@"; }
# Of many lines mosquitto_pub -l of 2.1.2 leaves some out.
pub_lines() { iotpub -h "$sock" -l --quiet "$@"; }
ingest() { timeout 20 iotingest -h "$sock" "$@"; }

cases=0
# ingest_of 'PUBLISHING COMMANDS' OPTION...: starts, waits until it is subscribed, then publishes.
ingest_of() {
	commands=$1
	shift
	cases=$((cases + 1))
	timeout 20 iotingest -h "$sock" --durable "case$cases" --quiet "$@" \
		>"$T/lines" 2>"$T/err" </dev/null &
	ingesting=$!
	wait_for 10 subscribed "case$cases"
	eval "$commands"
	wait $ingesting
	status=$?
	out=$(cat "$T/lines")
	err=$(cat "$T/err")
}
# start_ingest ID OUT OPTION...: in the background, subscribed when this returns; $ingesting is it.
start_ingest() {
	id=$1
	to=$2
	shift 2
	known=$(grep -c "Received SUBSCRIBE from $id" "$T/mosquitto.log")
	iotingest -h "$sock" --durable "$id" "$@" >>"$to" 2>>"$id.err" </dev/null &
	ingesting=$!
	pids="$pids $ingesting"
	wait_for 10 subscribed "$id" "$known"
}
# The broker logs each SUBSCRIBE of its clients.
subscribed() { [ "$(grep -c "Received SUBSCRIBE from $1" "$T/mosquitto.log")" -gt "${2:-0}" ]; }
stripped() { sed 's/"received_at":"[^"]*"/"received_at":"T"/; s/"mid":[0-9]*/"mid":N/'; }
# numbers FILE...: the payloads {"n":N} that stand there, each once, sorted, in one line.
numbers() { cat "$@" | sed -n 's/.*"n":\([0-9]*\).*/\1/p' | sort -nu | tr '\n' ' '; }
# publish FROM TO [OPTION...]: {"n":N} for each, QoS 1.
publish() {
	from=$1
	until=$2
	shift 2
	seq "$from" "$until" | sed 's/.*/{"n":&}/' |
		pub_lines -q 1 -t iot/sensors/X/data "$@"
}
has_lines() { [ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]; }
