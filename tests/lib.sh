# shellcheck shell=sh
# Shell tests: TAP for prove. Source it first:  . "$(dirname "$0")/../lib.sh"
#
#	run COMMAND...              status, $out and $err are set
#	exits STATUS 'sentence'     checks the status of the last run
#	is WANTED GOT 'sentence'    compares; has TEXT PART 'sentence' looks for a part
#	ok 'sentence' COMMAND...    the command succeeds
#	done_testing                at the end
#
# Each script works in its own temporary directory $T, with an empty HOME there and no IOT_*
# variables, and what it started with start_* or bg is stopped at its end.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IOT_BUILD:-$top/build}
for v in $(env | sed -n 's/^\(IOT_[A-Z_]*\)=.*/\1/p'); do unset "$v"; done
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME NO_COLOR
export LC_ALL=C.UTF-8 TZ=UTC PATH="$build:$PATH:/usr/sbin"
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-test.XXXXXX")
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

tap_n=0
tap_bad=0
pids=

cleanup() {
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null
	# shellcheck disable=SC2086
	for p in $pids; do wait "$p" 2>/dev/null; done
	cd / && rm -rf "$T"
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

run() {
	"$@" >"$T/.out" 2>"$T/.err" </dev/null
	status=$?
	out=$(cat "$T/.out")
	err=$(cat "$T/.err")
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

ok() {
	sentence=$1
	shift
	"$@" >"$T/.out" 2>"$T/.err"
	s=$?
	tap $s "$sentence"
	[ $s -eq 0 ] || note "failed with $s: $*
$(cat "$T/.out" "$T/.err")"
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

# wait_for SECONDS COMMAND...: tries until it succeeds.
wait_for() {
	tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# start_broker [CONFIG-LINE...]: mosquitto on the unix socket $sock, anonymous unless a line says
# otherwise. mosquitto_pub and _sub take --unix "$sock"; ours take -h "$sock".
start_broker() {
	sock=$T/mq.sock
	{
		echo "listener 0 $sock"
		echo "user $(id -un)"
		if [ $# -eq 0 ]; then echo "allow_anonymous true"; fi
		for l in "$@"; do echo "$l"; done
	} >"$T/mosquitto.conf"
	mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
	broker_pid=$!
	pids="$pids $broker_pid"
	wait_for 10 test -S "$sock" || { note "no broker: $(cat "$T/mosquitto.log")"; exit 1; }
}

# start_api [OPTION...]: iotapi on a free loopback port; $api is its URL, $db its database. A user
# admin with the password in $T/api.pw is there, and the environment logs in as that user.
start_api() {
	db=$T/iot.db
	printf 'admin-password\n' >"$T/api.pw"
	chmod 600 "$T/api.pw"
	iotapi user add admin --db "$db" --password-file "$T/api.pw" || exit 1
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

# stop_api: ends what start_api or start_django started, so that another can be.
stop_api() {
	kill "$api_pid"
	wait "$api_pid" 2>/dev/null
}

# start_http MODE [ARGUMENT]: a server that misbehaves as the files of the directory $http say; tests/http/serve.py
# has the modes. $http_url is its URL, $http_pid its process.
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

# A loopback TCP port that was free a moment ago, below those that outgoing connections get: parallel tests
# have thousands of them.
free_port() {
	perl -MIO::Socket::INET -e 'my ($s, $port);
		$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:" . ($port = 10000 + int rand 22000))
			until $s;
		print $port'
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

reloaded() { [ "$(grep -c Reloading "$T/mosquitto.log")" -gt "$1" ]; }

# Hands the platform's passwords to its broker, and waits until they count.
let_in() {
	reloads=$(grep -c Reloading "$T/mosquitto.log")
	iotapi export mosquitto "$T" --db "$db" && kill -HUP "$broker_pid"
	wait_for 10 reloaded "$reloads"
	wait_for 20 iotpub -t lab/ready -n || { note "the broker refuses: $(cat "$T/mosquitto.log")"; exit 1; }
}
