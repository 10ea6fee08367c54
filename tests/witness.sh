# What tests of iotpub share, after lib.sh: a broker, mosquitto_sub as the witness.
# shellcheck shell=sh
# shellcheck disable=SC2154 # $sock and the rest are lib.sh's

# Without the queue's limit mosquitto drops what a slow subscriber does not take in time.
start_broker 'allow_anonymous true' 'max_queued_messages 0' 'log_type all'
# watch FILE FILTER [OPTION...]: mosquitto_sub in the background, subscribed when this returns.
watch() {
	f=$1
	filter=$2
	shift 2
	bg mosquitto_sub --unix "$sock" -t "$filter" -t "ready/$f" -q 2 -F '%r %q %t %p' "$@" >"$f"
	wait_for 10 knock "$f"
}
knock() {
	mosquitto_pub --unix "$sock" -t "ready/$1" -m knock
	grep -aq "ready/$1" "$1"
}
got() { grep -av ' ready/' "$1"; }
count() { [ "$(grep -acv " ready/" "$1")" -eq "$2" ]; }
plain_times() { sed 's/"timestamp":[0-9][0-9]*/"timestamp":N/'; }
# status DEVICE: what is retained.
status() { mosquitto_sub --unix "$sock" -t "iot/devices/$1/status" -C 1 -W 3; }
is_connected() { status "$1" | grep -q '"connected"'; }
# act LOG DEVICE [OPTION...]: in the background, connected when this returns.
act() {
	log=$1
	shift
	bg iotpub -h "$sock" "$@" >"$log" 2>"$log.err"
	wait_for 10 is_connected "$1"
}
# subscribed CLIENT: the broker has its SUBSCRIBE.
subscribed() { grep -q "Received SUBSCRIBE from $1\$" "$T/mosquitto.log"; }
