#!/bin/sh
# How long broker sync takes for so many devices: into an empty broker, again with nothing to do, and after a hundred
# logins were changed by hand, of which it says how many it found: tests/bench/sync.sh DEVICES {files|dynsec|emqx}...
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

# A hundred users, far from each other: one in four of each change.
some() { seq "$((n / 100))" "$((n / 100))" "$n"; }

all() { # the same for each kind of broker; drift is a function that changes a hundred logins by hand
	timed 'into nothing' "$@"
	timed 'nothing to do' "$@"
	drift
	timed 'drift, dry run' "$@" --dry-run
	printf '%-8s found: %s of 100\n' "$driver" "$(grep -c "^[- +] login" sync.out)"
	timed 'drift' "$@"
	timed 'nothing to do' "$@"
}

for driver; do
	case $driver in
	files)
		drift() {
			for i in $(some); do
				id=$(printf 'DEV_%06d' "$i")
				case $((i / (n / 100) % 4)) in
				0) echo "/^topic write iot\/alerts\/$id\$/d" >>acl.sed ;;
				1) echo "s/^user u$i\$/& again/" >>acl.sed ;;
				2) echo "/^u$i:/d" >>passwords.sed ;;
				3) echo "s/^u$i:.*/u$i:x/" >>passwords.sed ;;
				esac
			done
			sed -i -f acl.sed broker/acl
			sed -i -f passwords.sed broker/passwords
		}
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
			for i in $(some); do
				case $((i / (n / 100) % 4)) in
				0) set -- removeRoleACL "iot:u$i" publishClientSend "$(printf 'iot/alerts/DEV_%06d' "$i")" ;;
				1) set -- addRoleACL "iot:u$i" publishClientSend 'x/#' allow 99 ;;
				2) set -- deleteClient "u$i" ;;
				3) set -- disableClient "u$i" ;;
				esac
				mosquitto_ctrl -h 127.0.0.1 -p "$port" -u admin -P pw dynsec "$@" >/dev/null 2>&1
			done
		}
		all --driver dynsec --mqtt-username admin --mqtt-password-file pw
		;;
	emqx)
		mkdir emqx
		bg /usr/bin/python3 "$top/tests/emqx/stand_in.py" emqx k:s
		echo k:s >key && chmod 600 key
		wait_for 10 test -s emqx/url
		api=$(cat emqx/url)/api/v5
		rules=$api/authorization/sources/built_in_database/rules/users
		users=$api/authentication/password_based%3Abuilt_in_database/users
		drift() {
			for i in $(some); do
				case $((i / (n / 100) % 4)) in
				0) set -- -X DELETE "$rules/u$i" ;;
				1) set -- -X PUT "$rules/u$i" -d "{\"username\":\"u$i\",\"rules\":[]}" ;;
				2) set -- -X DELETE "$users/u$i" ;;
				3) set -- -X PUT "$users/u$i" -d '{"password":"x","is_superuser":true}' ;;
				esac
				curl -s -u k:s "$@" >/dev/null
			done
		}
		all --driver emqx --emqx-url "${api%/api/v5}" --emqx-key-file key --setup
		printf '%-8s requests: %s\n' "$driver" "$(grep -c . emqx/log)"
		;;
	esac
done
