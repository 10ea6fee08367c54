#!/bin/sh
# How long broker sync takes for so many devices: into an empty broker, again with nothing to do, and after one rule in a
# hundred was changed by hand: tests/bench/sync.sh DEVICES {files|dynsec}...
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fleet.sh
. "$top/tests/fleet.sh"

n=$1
shift
start_api
iotctl broker create B host=127.0.0.1 port="${port:=$(free_port)}" >/dev/null
fleet "$n" 0
sqlite3 "$db" "BEGIN; INSERT INTO credential (dispositivo, client_id, username, created_at, updated_at)
	SELECT id, mqtt_client_id, 'u' || id, created_at, updated_at FROM device;
	INSERT INTO \"device-config\" (dispositivo, broker, created_at, updated_at)
	SELECT id, 1, created_at, updated_at FROM device; COMMIT"
file=$T/fleet.csv
{
	echo device,client_id,username,password,cert,key
	sqlite3 -csv "$db" "SELECT identificador_unico, mqtt_client_id, 'u' || id, 'secret-' || id, '', '' FROM device"
} | tr -d '"\r' >"$file"
chmod 600 "$file"

# timed WORDS...: a sync, its seconds, and its last line.
timed() {
	what=$1
	shift
	from=$(date +%s.%N)
	iotctl broker sync B --credentials "$file" --yes "$@" >sync.out 2>sync.err
	s=$?
	printf '%-8s %-22s %6.1f s  status %s  %s\n' "$driver" "$what" "$(echo "$(date +%s.%N) - $from" | bc)" $s \
		"$(tail -n 1 sync.out | cut -c 1-90)"
	[ -s sync.err ] && head -n 3 sync.err
}

all() { # the same three for each kind of broker; drift is a function that changes rules by hand
	timed 'into nothing' "$@"
	timed 'nothing to do' "$@"
	drift
	timed 'drift' "$@"
}

for driver; do
	case $driver in
	files)
		drift() { sed -i '/^topic write iot\/alerts\/DEV_[0-9]*00$/d' broker/acl; }
		all --driver files --dir broker --reload true
		;;
	dynsec)
		mosquitto_ctrl dynsec init "$T/dynsec.json" admin pw >/dev/null
		echo pw >pw && chmod 600 pw
		plugin=$(find /usr/lib /usr/local/lib -name mosquitto_dynamic_security.so 2>/dev/null | head -n 1)
		printf 'listener %s 127.0.0.1\nuser %s\nplugin %s\nplugin_opt_config_file %s\n' "$port" "$(id -un)" \
			"$plugin" "$T/dynsec.json" >mosquitto.conf
		mosquitto -c mosquitto.conf >mosquitto.log 2>&1 &
		pids="$pids $!"
		wait_for 10 grep -q running mosquitto.log
		drift() {
			for i in $(seq 100 100 "$n"); do
				mosquitto_ctrl -h 127.0.0.1 -p "$port" -u admin -P pw dynsec removeRoleACL "iot:u$i" \
					publishClientSend "$(printf 'iot/alerts/DEV_%06d' "$i")" >/dev/null 2>&1
			done
		}
		all --driver dynsec --mqtt-username admin --mqtt-password-file pw
		;;
	esac
done
