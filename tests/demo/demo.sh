#!/bin/sh
# The whole platform once, on this machine: make demo runs it. Ends with 0 only if every step gave
# what it should. With --keep the platform stays up, and how to explore and stop it is printed.
set -eu

build=${IOT_BUILD:?is the directory of the programs: use make demo}
PATH=$build:$PATH:/usr/sbin
keep=
[ "${1-}" != --keep ] || keep=yes
for v in $(env | sed -n 's/^\(IOT_[A-Z_]*\)=.*/\1/p'); do unset "$v"; done
export LC_ALL=C.UTF-8

umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/iot-demo.XXXXXX")
cd "$dir"
export XDG_CONFIG_HOME="$dir/config" XDG_STATE_HOME="$dir/state" XDG_CACHE_HOME="$dir/cache"
pids=
failed=yes

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
fi

finish() {
	status=$?
	trap - EXIT INT TERM HUP
	if [ -n "$failed" ] && [ $status -ne 130 ]; then
		for log in *.log; do
			echo "--- the end of $log:"
			tail -n 15 "$log"
		done >&2
	fi
	if [ -z "$keep" ] || [ -n "$failed" ]; then
		for p in $pids; do # the last one first: devices take their leave of the broker
			if kill "$p" 2>/dev/null; then wait "$p" || :; fi
		done
		cd /
		rm -rf "$dir"
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

die() {
	echo "demo: $*" >&2
	exit 1
}

say() { printf '\n%s# %s%s\n' "$dim" "$*" "$plain"; }

# An argument as one would type it.
quoted() {
	case $1 in
	*[!A-Za-z0-9_./:=,@%+-]*) printf "'%s'" "$1" ;;
	*) printf '%s' "$1" ;;
	esac
}

show() {
	printf '%s$' "$bold"
	for word in "$@"; do printf ' %s' "$(quoted "$word")"; done
	printf '%s%s\n' "${after-}" "$plain"
}

# Shows a command and its output; fails with it.
run() {
	show "$@"
	"$@" >out 2>&1 </dev/null || { cat out; die "this failed: $*"; }
	cat out
}

# The same of what must be refused.
refused() {
	show "$@"
	status=0
	"$@" >out 2>&1 </dev/null || status=$?
	cat out
	[ $status -eq 4 ] || die "wanted a refusal (4), got $status: $*"
}

# What the last command must have printed.
expect() { grep -q -e "$1" out || die "wanted '$1' in its output"; }

start() { # start LOG COMMAND...
	log=$1
	shift
	after=' &' show "$@"
	setsid "$@" >"$log" 2>&1 </dev/null &
	pids="$! $pids"
}

until_ok() { # until_ok SECONDS WHAT COMMAND...
	tries=$(($1 * 10))
	what=$2
	shift 2
	until "$@" >/dev/null 2>&1 </dev/null; do
		for p in $pids; do kill -0 "$p" 2>/dev/null || die "$what: a program that it needs has ended"; done
		tries=$((tries - 1))
		[ $tries -gt 0 ] || die "$what: waited in vain"
		sleep 0.1
	done
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
		LocalAddr => "127.0.0.1")->sockport'
}

secret() { head -c 18 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$1"; }

is_status() { [ "$(iotstatus)" = "$1" ]; }
broker_answers() { iotpub -t iot/devices/demo/commands -n; }

say 'Passwords in files that only you can read: of the API, the broker and the device'
for f in api.pw broker.pw device.pw; do secret $f; done
ls -l ./*.pw

say 'A broker: mosquitto, with passwords and rules, without anonymous clients'
port=$(free_port)
: >passwords
: >acl
cat >mosquitto.conf <<END
listener $port 127.0.0.1
allow_anonymous false
password_file $dir/passwords
acl_file $dir/acl
user $(id -un)
END
start mosquitto.log mosquitto -c mosquitto.conf
broker=${pids% }
until_ok 10 'the broker' grep -q running mosquitto.log

say 'The REST API on SQLite, and a user of it'
run iotapi user add admin --password-file api.pw --db iot.db
start iotapi.log iotapi serve --db iot.db --listen 127.0.0.1:0 --url-file url
until_ok 10 'the API' test -s url
api=$(cat url)

say 'Log in: from here on the context "demo" knows API, broker and passwords'
run iotctl login "$api" --context demo --api-username admin --password-file "$dir/api.pw" \
	--mqtt-url "mqtt://127.0.0.1:$port" --mqtt-username admin --mqtt-password-file "$dir/broker.pw"

say "The guide's steps. The broker:"
run iotctl broker create nombre='EMQX Production' host=127.0.0.1 port="$port" protocol=mqtt \
	username=admin password@broker.pw keepalive=60 is_active=true
run iotctl broker list
expect 'EMQX Production'

say 'The topics:'
run iotctl topic create nombre='Datos de Sensores' \
	topic_pattern='iot/sensors/{device_id}/data' tipo=publish qos=1 retain=false
run iotctl topic create nombre='Comandos a Dispositivos' \
	topic_pattern='iot/devices/{device_id}/commands' tipo=subscribe qos=2
run iotctl topic list
expect 'iot/sensors/{device_id}/data'

say 'What devices measure:'
run iotctl sensor create nombre=Temperatura tipo=temperatura unidad_medida=°C rango_min=-40 \
	rango_max=85 mqtt_topic_suffix=temperature
run iotctl sensor create nombre=Humedad tipo=humedad unidad_medida=% rango_min=0 rango_max=100 \
	mqtt_topic_suffix=humidity

say 'A device, its sensors, its credentials, its configuration:'
run iotctl device create nombre='ESP32 invernadero' tipo=esp32 identificador_unico=ESP32_001 \
	ubicacion=Invernadero
run iotctl device assign ESP32_001 temperature humidity
run iotctl credential create dispositivo=ESP32_001 client_id=ESP32_001 username=device_001 \
	password@device.pw is_active=true
run iotctl device-config create dispositivo=ESP32_001 broker='EMQX Production' \
	publish_topic='Datos de Sensores' subscribe_topics='Comandos a Dispositivos' \
	publish_interval=60 qos=1 auto_reconnect=true

say 'Nine more from a fleet file; their passwords are made and kept in a file of yours'
{
	echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
	for n in 2 3 4 5 6 7 8 9; do echo "RPI_00$n,Raspberry $n,raspberry_pi,Sala $n,temperature;humidity"; done
	echo 'RPI_010,Raspberry 10,raspberry_pi,Sala 10,temperature;humidity'
} >fleet.csv
run head -n 3 fleet.csv
run iotctl device provision --from fleet.csv
[ "$(grep -c '"result":"created"' out)" -eq 9 ] || die 'wanted nine created devices'

say 'The broker becomes what the platform says: passwords (those that only the API has, as hashes) and rules'
run iotapi export mosquitto "$dir/exported" --db iot.db
sync() {
	run iotctl broker sync 'EMQX Production' --driver files --dir "$dir" --hashes exported/passwords \
		--reload "kill -HUP $broker" --yes
}
sync
expect 'logins made 11, removed 0'
until_ok 20 'the broker' broker_answers

say 'So a device speaks for itself, and for nobody else'
run iotpub -u device_001 --password-file device.pw -q 1 -t iot/alerts/ESP32_001 -m '"too warm"'
refused iotpub -u device_001 --password-file device.pw -q 1 -t iot/alerts/RPI_002 -m '"too warm"'
expect 'not allowed to publish'

say 'Seven devices publish every second; ESP32_001 obeys commands, too'
cat >obey <<'END'
#!/bin/sh
read -r command
echo "{\"led\":\"on\",\"by\":\"$IOT_DEVICE_ID\"}"
END
chmod 700 obey
start fleet.log iotpub RPI_002 RPI_003 RPI_004 RPI_005 RPI_006 RPI_007 RPI_008 \
	temperature=uniform:18,26 humidity=uniform:40,60 --interval 1s
start esp32.log iotpub ESP32_001 temperature=21.50 humidity=48.2 --payload flat --interval 1s \
	-u device_001 --password-file device.pw --listen --exec ./obey

say 'Two devices connect once and drop'
run iotpub RPI_009 RPI_010 temperature=20.5 humidity=50 --count 1

say 'A device whose credential is taken out of use is out, once the broker knows'
run iotctl credential set RPI_010 is_active=no
sync
is_out() { iotpub RPI_010 temperature=20.5 humidity=50 --count 1; [ $? -eq 4 ]; }
until_ok 20 'the broker' is_out
refused iotpub RPI_010 temperature=20.5 humidity=50 --count 1
expect 'refused the login'

say 'The readings of the others, as they come'
run iotingest --readings -C 8 -W 30s
expect '"sensor":"temperature","value":'

say 'A command for ESP32_001, and its answer'
run iotctl device command ESP32_001 '{"led":"on"}' --wait 10s
expect '"led":"on"'

say 'The readings that the platform has stored'
until_ok 20 'readings' sh -c 'iotctl reading list dispositivo=ESP32_001 -o ndjson | grep -q "\"valor\":21.5,"'
run iotctl reading list --limit 6
expect '°C'

say 'And the question of every morning'
until_ok 30 '8 of 10 devices' is_status '8/10 devices online (80.00%)'
run iotstatus
expect '^8/10 devices online (80.00%)$'
failed=

[ -z "$keep" ] || cat <<END

It goes on running. To explore it:

  export PATH='$build':\$PATH XDG_CONFIG_HOME='$XDG_CONFIG_HOME' \\
      XDG_STATE_HOME='$XDG_STATE_HOME' XDG_CACHE_HOME='$XDG_CACHE_HOME'
  iotctl device list
  iotingest --readings

To stop and remove it:

  kill ${pids%" $broker "}; sleep 1; kill $broker; rm -rf '$dir'
END
