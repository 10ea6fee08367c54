# shellcheck shell=sh
# Shell tests: TAP for prove. Source it first:  . "$(dirname "$0")/../lib.sh"
#
#	run COMMAND...              status, $out and $err are set
#	exits STATUS 'sentence'     checks the status of the last run
#	is WANTED GOT 'sentence'    compares; has TEXT PART 'sentence' looks for a part
#	ok 'sentence' COMMAND...    the command succeeds
#
# What is not there is looked for where there is something, or an empty output would pass:
#
#	without TEXT PART 'sentence'       TEXT, which is not empty, has no PART
#	no_line FILE 'sentence' GREP...    FILE has lines, and grep GREP... finds none of them
#	json_lines FILE 'sentence'         FILE has lines, and each is JSON
#	silent FILE 'sentence'             FILE is there, and empty
#
#	part COMMAND...             runs a function with checks in the background: parts of a script that
#	                            wait for something else each wait at the same time
#	parts                       waits for all of them, and tells their checks in their order
#	done_testing                at the end
#
# Each script works in its own temporary directory $T, with an empty HOME there and no IOT_*
# variables, and what it started with start_* or bg is stopped at its end.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IOT_BUILD:-$top/build}
for v in $(env | sed -n 's/^\(IOT_[A-Z_]*\)=.*/\1/p'); do unset "$v"; done
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME NO_COLOR
# The system's own tools first: its Python has the modules that tests/deps.sh installs.
export LC_ALL=C.UTF-8 TZ=UTC PATH="$build:/usr/bin:$PATH:/usr/sbin"
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-test.XXXXXX") || exit 1
export T HOME="$T/home"
mkdir "$HOME"
cd "$T" || exit 1

# timeout(1) sends its signal to the whole group as well, which LeakSanitizer, a process of its own there
# while the program ends, does not survive: the program hangs (measured: 12 of 132). To the child alone, then,
# but for shells, which would leave theirs behind.
if [ -n "${SANITIZED-}" ]; then
	mkdir "$T/sanitized"
	cat >"$T/sanitized/timeout" <<-END
		#!/bin/sh
		for word; do
			case \$word in [0-9]* | -*) ;; *) break ;; esac
		done
		case \$word in
		sh | bash | *.sh) exec $(command -v timeout) "\$@" ;;
		*) exec $(command -v timeout) --foreground "\$@" ;;
		esac
	END
	chmod +x "$T/sanitized/timeout"
	PATH=$T/sanitized:$PATH
fi

# Whose a port is, a file each, for the whole machine, whatever TMPDIR is; and the list of this script's.
port_dir=/tmp/iot-test-ports.$(id -u)
ports_held=$T/.ports

tap_n=0
tap_bad=0
pids=
part_of= # .N in a part, .N.M in a part of that
part_pids=

# Who is told to end and waits for a broker that ended first has five seconds for that.
stop_all() {
	[ -n "$pids" ] || return 0
	# shellcheck disable=SC2086
	kill $pids 2>/dev/null
	# shellcheck disable=SC2086
	{ sleep 5; kill -KILL $pids; } >/dev/null 2>&1 &
	last_word=$!
	for p in $pids; do wait "$p" 2>/dev/null; done
	kill $last_word 2>/dev/null
}

# Whoever still works in $T would hold prove's pipe, which waits for it for ever.
end_others() {
	[ -d "${T:?}" ] || return
	# shellcheck disable=SC2044 # names of numbers
	for d in $(find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$T" -o -lname "$T/*" \) 2>/dev/null); do
		p=${d#/proc/}
		kill -KILL "${p%/cwd}" 2>/dev/null
	done
}

cleanup() {
	stop_all
	cd / || exit 1
	end_others
	# shellcheck disable=SC2046 # numbers
	[ ! -s "$ports_held" ] || (cd "$port_dir" && rm -f $(cat "$ports_held"))
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP PIPE

tap() { # tap STATUS SENTENCE
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %s\n' "$tap_n - $2"
	else
		tap_bad=$((tap_bad + 1))
		printf 'not ok %s\n' "$tap_n - $2"
	fi
}

note() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }

# Most commands say nothing on one of the two, which then costs no process: there are thousands of runs.
run() {
	"$@" >"$T/.out$part_of" 2>"$T/.err$part_of" </dev/null
	status=$?
	out=
	err=
	[ ! -s "$T/.out$part_of" ] || out=$(cat "$T/.out$part_of")
	[ ! -s "$T/.err$part_of" ] || err=$(cat "$T/.err$part_of")
}

exits() {
	[ "$status" -eq "$1" ]
	tap $? "$2"
	[ "$status" -eq "$1" ] || note "wanted status $1, got $status; stdout: $out; stderr: $err"
}

is() {
	[ "$1" = "$2" ]
	tap $? "$3"
	[ "$1" = "$2" ] || note "wanted: $1
got:    $2"
}

has() {
	case $1 in *"$2"*) tap 0 "$3" ;; *) tap 1 "$3"; note "wanted a part: $2
got:           $1" ;; esac
}

without() {
	case $1 in
	'') tap 1 "$3"; note "there is nothing that could have: $2" ;;
	*"$2"*) tap 1 "$3"; note "wanted without: $2
got:            $1" ;;
	*) tap 0 "$3" ;;
	esac
}

no_line() {
	tap_file=$1
	tap_said=$2
	shift 2
	if [ ! -s "$tap_file" ]; then
		tap 1 "$tap_said"
		note "nothing in $tap_file to look for: $*"
	elif tap_found=$(grep "$@" "$tap_file"); then
		tap 1 "$tap_said"
		note "$tap_file has: $tap_found"
	else
		tap "$(($? != 1))" "$tap_said" # 2: grep itself failed
	fi
}

json_lines() {
	tap_found=$(jq -c . "$1" 2>&1 >/dev/null) && [ -s "$1" ]
	tap $? "$2"
	[ -z "$tap_found" ] || note "$1: $tap_found"
	[ -s "$1" ] || note "$1 has no line"
}

silent() {
	[ -e "$1" ] && [ ! -s "$1" ]
	tap $? "$2"
	[ ! -s "$1" ] || note "$1 has: $(cat "$1")"
	[ -e "$1" ] || note "there is no $1"
}

ok() {
	sentence=$1
	shift
	"$@" >"$T/.out$part_of" 2>"$T/.err$part_of"
	s=$?
	tap $s "$sentence"
	[ $s -eq 0 ] || note "failed with $s: $*
$(cat "$T/.out$part_of" "$T/.err$part_of")"
}

skip_all() { echo "1..0 # SKIP $*"; exit 0; }

done_testing() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
	exit $?
}

# Runs in the background, stopped at the end; $bg is its pid.
bg() {
	"$@" &
	bg=$!
	pids="$pids $bg"
}

# A part has the variables of its script as they were, the directory with all the others, and what it starts
# is stopped at its end.
# shellcheck disable=SC2030,SC2031 # its own pids are for it to stop
part() {
	part_of=$part_of.$(printf '%s\n' "$part_pids" | wc -w)
	(
		tap_n=0
		pids=
		part_pids=
		trap stop_all EXIT
		trap 'exit 130' INT TERM HUP PIPE
		"$@"
		echo over
	) >"$T/.part$part_of" 2>&1 &
	part_of=${part_of%.*}
	pids="$pids $!"
	part_pids="$part_pids $!"
}

parts() {
	part_n=0
	for part_pid in $part_pids; do
		wait "$part_pid"
		part_over=1
		while IFS= read -r part_line; do
			case $part_line in
			'ok '*) tap 0 "${part_line#ok * - }" ;;
			'not ok '*) tap 1 "${part_line#not ok * - }" ;;
			over) part_over=0 ;;
			*) printf '%s\n' "$part_line" >&2 ;;
			esac
		done <"$T/.part$part_of.$part_n"
		[ $part_over -eq 0 ] || tap 1 "part $part_n came to its end"
		part_n=$((part_n + 1))
	done
	part_pids=
}

# place NAME: a directory of its own, for a part that starts what another one starts too.
place() {
	T=$T/$1 HOME=$T/$1/home
	mkdir -p "$HOME"
	cd "$T" || exit 1
}

# wait_for SECONDS COMMAND...: tries until it succeeds; four times as long on a machine that has other work.
wait_for() {
	tries=$(($1 * 80))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# pipe_is_full FIFO: whoever writes into it has to wait.
pipe_is_full() {
	perl -MFcntl -e 'sysopen F, shift, O_WRONLY | O_NONBLOCK or exit 1; my $w = "";
		vec($w, fileno F, 1) = 1; exit select(undef, $w, undef, 0)' "$1"
}
# takes_signals PID PROGRAM: it is that program by now, and SIGTERM is blocked, for its loop to read, or caught.
takes_signals() {
	[ "$(cat "/proc/$1/comm")" = "$2" ] && grep -qE 'Sig(Blk|Cgt):.*[4-7c-f]...$' "/proc/$1/status"
}

# port_open PORT: something listens there, on loopback. (Perl's sockets take ten times as long to load.)
port_open() { bash -c ': 3<>"/dev/tcp/127.0.0.1/$0"' "$1" 2>/dev/null; }

# What mosquitto's log has of it, besides what it has by itself: each subscription.
broker_logs() { printf 'log_type %s\n' error warning notice information subscribe; }
# listening FILTER [TIMES]: somebody has subscribed to it.
listening() { [ "$(grep -c " $1\$" "$T/mosquitto.log")" -ge "${2:-1}" ]; }

# start_broker [CONFIG-LINE...]: mosquitto on the unix socket $sock, anonymous unless a line says
# otherwise. mosquitto_pub and _sub take --unix "$sock"; ours take -h "$sock".
start_broker() {
	sock=$T/mq.sock
	{
		broker_logs
		echo "listener 0 $sock"
		echo "user $(id -un)"
		if [ $# -eq 0 ]; then echo "allow_anonymous true"; fi
		for l in "$@"; do echo "$l"; done
	} >"$T/mosquitto.conf"
	rm -f "$T/mosquitto.log"
	mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 10 grep -q ' running$' "$T/mosquitto.log" || { note "no broker: $(cat "$T/mosquitto.log")"; exit 1; }
}

# keep CLIENT PROGRAM OPTION...: the program, which knows --wait, subscribes as CLIENT and ends; the broker keeps for
# it what comes from then on. How long that takes depends on what else the machine does, so the broker's log decides.
keep() {
	kept_as=$1
	kept_by=$2
	kept_ms=200
	shift 2
	until "$kept_by" -W ${kept_ms}ms "$@" >/dev/null 2>&1 </dev/null; grep -q ": $kept_as [0-2] " "$T/mosquitto.log"; do
		kept_ms=$((2 * kept_ms))
		[ $kept_ms -lt 30000 ] || return 1
	done
}

# start_api [OPTION...]: iotapi on a free loopback port; $api is its URL, $db its database. A user
# admin with the password in $T/api.pw is there, and the environment logs in as that user.
start_api() {
	db=$T/iot.db
	printf 'admin-password\n' >"$T/api.pw"
	chmod 600 "$T/api.pw"
	# Hashing a password takes as long as four programs take to start: once for each build.
	made=$build/tests/admin.db
	# shellcheck disable=SC3013 # each shell that is in use has -nt
	if ! [ "$made" -nt "$build/iotapi" ]; then
		mkdir -p "$build/tests"
		making=$(mktemp -d "$build/tests/admin.XXXXXX") # not $$, which parts share
		iotapi user add admin --db "$making/iot.db" --password-file "$T/api.pw" && mv "$making/iot.db" "$made" || exit 1
		rm -r "$making"
	fi
	[ -e "$db" ] || cp "$made" "$db"
	rm -f "$T/api.url"
	iotapi serve --db "$db" --listen 127.0.0.1:0 --url-file "$T/api.url" "$@" \
		2>"$T/api.log" &
	api_pid=$!
	pids="$pids $api_pid"
	wait_for 10 test -s "$T/api.url" || { note "no iotapi: $(cat "$T/api.log")"; exit 1; }
	api=$(cat "$T/api.url")
	export IOT_API_URL="$api" IOT_USERNAME=admin IOT_PASSWORD_FILE="$T/api.pw"
}

# start_django [QUIRK...]: a Django REST Framework backend (tests/django/serve.py has the quirks) on a
# free loopback port; $api is its URL, its requests are in $T/django/log, lines of $T/django/FAULTS
# spoil some. The environment logs in as the superuser admin.
start_django() {
	/usr/bin/python3 -c 'import rest_framework_simplejwt, django_filters' 2>/dev/null ||
		skip_all 'no Django REST Framework: tests/deps.sh check'
	mkdir -p "$T/django"
	rm -f "$T/django/url"
	printf 'admin-password\n' >"$T/api.pw"
	chmod 600 "$T/api.pw"
	/usr/bin/python3 "$top/tests/django/serve.py" --db "$T/django/db" --url-file "$T/django/url" \
		--log "$T/django/log" "$@" 2>"$T/django/err" &
	api_pid=$!
	pids="$pids $api_pid"
	wait_for 20 test -s "$T/django/url" || { note "no Django: $(cat "$T/django/err")"; exit 1; }
	api=$(cat "$T/django/url")
	export IOT_API_URL="$api" IOT_USERNAME=admin IOT_PASSWORD_FILE="$T/api.pw"
}

# plant SQL: changes iotapi's database behind its back, to what it would refuse.
plant() { /usr/bin/python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2]); d.commit()' "$db" "$1"; }

# stop_api: ends what start_api or start_django started, so that another can be.
stop_api() {
	kill "$api_pid"
	wait "$api_pid" 2>/dev/null
}

# start_http MODE [ARGUMENT]: a server that misbehaves as the files of the directory $http say; tests/http/serve.py
# has the modes. $http_url is its URL, $http_pid its process.
# shellcheck disable=SC2034 # for the script
start_http() {
	http=$T/http
	mkdir -p "$http"
	rm -f "$http"/*
	: >"$http/answers"
	/usr/bin/python3 "$top/tests/http/serve.py" "$1" "$http" ${2+"$2"} 2>"$T/http.err" &
	http_pid=$!
	pids="$pids $http_pid"
	wait_for 10 test -s "$http/url" || { note "no HTTP server: $(cat "$T/http.err")"; exit 1; }
	http_url=$(cat "$http/url")
}

# wherever TEXT: without the address that messages name where the machine has several for localhost.
wherever() { printf '%s\n' "$1" | sed "s/\('localhost[^']*'\) at [^ ]*:/\1:/"; }

# reserve_port PORT: it is this script's until its end, unless another that is still there has it, or somebody listens
# there. All scripts of a user ask in one directory, one at a time.
reserve_port() (
	umask 077
	mkdir -p "$port_dir" && exec 9>"$port_dir/lock" && flock 9 || exit
	kill -0 "$(cat "$port_dir/$1" 2>/dev/null)" 2>/dev/null && exit 1
	! port_open "$1" && echo $$ >"$port_dir/$1" && echo "$1" >>"$ports_held"
)

# A loopback TCP port for this script, also while nobody listens there, below those that outgoing connections get: parallel
# tests have thousands of them.
free_port() {
	shuf -i 10000-31999 -n 50 | while read -r port_free; do
		reserve_port "$port_free" && echo "$port_free" && break
	done
}

# start_platform [OPTION...]: mosquitto with passwords on the loopback port $port, iotapi, and a context "lab"
# that knows both; the broker, two topics and two sensors are there. let_in lets new devices in.
start_platform() {
	start_api "$@"
	unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
	printf 'broker-password\n' >"$T/broker.pw"
	: >"$T/passwords"
	chmod 600 "$T/broker.pw" "$T/passwords"
	port=$(free_port)
	{
		broker_logs
		echo "listener $port 127.0.0.1"
		echo "user $(id -un)"
		echo 'allow_anonymous false'
		echo "password_file $T/passwords"
	} >"$T/mosquitto.conf"
	mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	{
		iotctl login "$api" --context lab --api-username admin --password-file "$T/api.pw" \
			--mqtt-url "mqtt://127.0.0.1:$port" --mqtt-username admin \
			--mqtt-password-file "$T/broker.pw" &&
			iotctl broker create nombre=Laboratorio host=127.0.0.1 port="$port" \
				username=admin password@"$T/broker.pw" &&
			iotctl topic create nombre='Datos de Sensores' tipo=publish \
				topic_pattern='iot/sensors/{device_id}/data' &&
			iotctl topic create nombre='Comandos a Dispositivos' tipo=subscribe qos=2 \
				topic_pattern='iot/devices/{device_id}/commands' &&
			iotctl sensor create nombre=Temperatura tipo=temperatura unidad_medida=°C \
				rango_min=-40 rango_max=85 mqtt_topic_suffix=temperature &&
			iotctl sensor create nombre=Humedad tipo=humedad unidad_medida=% \
				rango_min=0 rango_max=100 mqtt_topic_suffix=humidity
	} >"$T/platform.log" 2>&1 || { note "no platform: $(cat "$T/platform.log")"; exit 1; }
	let_in
}

# The platform's mosquitto anew, as mosquitto.conf says by now; it may have been stopped.
restart_broker() {
	kill "$broker_pid" 2>/dev/null
	wait "$broker_pid" 2>/dev/null
	mosquitto -c mosquitto.conf >mosquitto.log 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 20 grep -q running mosquitto.log
}

# cell RESOURCE NAME FIELD: what iotctl shows of it. (jq takes three times as long to start as iotctl.)
cell() { iotctl "$1" get "$2" --columns "$3" -o csv --no-header; }

reloaded() { [ "$(grep -c Reloading "$T/mosquitto.log")" -gt "$1" ]; }

# Hands the platform's passwords to its broker, and waits until they count.
let_in() {
	reloads=$(grep -c Reloading "$T/mosquitto.log")
	iotapi export mosquitto "$T" --db "$db" && kill -HUP "$broker_pid"
	wait_for 10 reloaded "$reloads"
	wait_for 20 iotpub -t lab/ready -n || { note "the broker refuses: $(cat "$T/mosquitto.log")"; exit 1; }
}
