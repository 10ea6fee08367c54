#!/bin/sh
# credential rotate --all: 200 devices that are there get new passwords, on each kind of broker, and lose no reading.
# slow: three brokers with 200 devices each
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/brokers.sh
. "$top/tests/brokers.sh"

N=200
provision() {
	seq -f 'D%03g' 1 "$N" >names
	# shellcheck disable=SC2046 # names
	iotctl device provision $(cat names) sensores=temperature >provisioned 2>&1 || note "$(tail -n 3 provisioned)"
}

# the_fleet FILE PAUSE: starts the devices, and an archive of their readings.
the_fleet() {
	file=$1
	cp "$file" first.csv
	bg /usr/bin/python3 "$top/tests/mqtt/devices.py" "$port" first.csv . 1 "$2"
	devices=$bg
	bg iotingest -q 1 -t 'iot/sensors/+/data' >archive.ndjson 2>ingest.err
	wait_for 60 all_are_there
}
archived() { jq -r '.payload | "\(.device_id) \(.n)"' archive.ndjson | sort -u >archived; }
all_are_there() { [ "$(wc -l <archive.ndjson)" -ge "$N" ] && archived && [ "$(cut -d ' ' -f 1 archived | uniq | wc -l)" = "$N" ]; }
# Behind the first reading of each device that the archive has.
missing() {
	archived
	awk 'NR == FNR { seen[$0]; if (!($1 in first) || $2 < first[$1]) first[$1] = $2; next }
		$2 > first[$1] && !($0 in seen)' archived made
}
nothing_is_missing() { [ "$(wc -l <archive.ndjson)" -ge "$N" ] && [ -z "$(missing)" ]; }

# rotated KIND: what it has to be afterwards.
rotated() {
	is "$N" "$(printf '%s\n' "$out" | grep -c '^rotated the password of ')" "$1: each of $N devices has a new password"
	has "$out" "passwords rotated $N, waiting for devices 0, failed 0, not begun 0" '  as it says'
	is "$N" "$(sort first.csv "$file" | uniq -u | wc -l | awk '{ print $1 / 2 }')" '  and no row of the file is as it was'
	is '' "$(iotctl credential pending -o csv --no-header)" '  nothing is pending'
	[ ! -e lost ]
	tap $? '  nobody was ever refused with all that he knew'
	marks=$(wc -l <made)
	more() { [ "$(wc -l <made)" -gt $((marks + N)) ]; }
	wait_for 20 more
	kill "$devices"
	wait "$devices"
	[ ! -e unacknowledged ]
	tap $? "  each of $(wc -l <made) readings was acknowledged"
	wait_for 20 nothing_is_missing
	tap $? '  and none is missing in the archive'
	nothing_is_missing || note "$1: missing of $(wc -l <made): $(missing | wc -l)"
}

# Each in a place of its own. rotate DRIVER-OPTION...: with what all have in common.
rotate() {
	run timeout 200 iotctl credential rotate --all --deliver "$(deliver_here)" --jobs 16 --wait "$patience" "$@"
}

patience=60s
on_dynsec() {
	place dynsec
	start_platform
	start_dynsec
	provision
	iotctl broker sync Laboratorio --driver dynsec --service backend >synced 2>&1
	the_fleet "$HOME/.local/state/iot/lab.csv" 1
	tap $? 'dynsec: all devices are there'
	# Devices that do not understand.
	cp names deaf
	patience=3s
	rotate --driver dynsec
	exits 1 '  when nobody of the first batch comes'
	has "$out" 'passwords rotated 0, waiting for devices 50, failed 0, not begun 150' '  the others keep what they have'
	iotctl credential pending -o csv --no-header | sed -n 's/,sent,.*//p' >deafened
	: >deaf
	all_heard() { [ -z "$(ls inbox)" ]; }
	wait_for 20 all_heard
	patience=60s
	rotate --driver dynsec
	sort -u lost | comm -23 - deafened >others
	mv others lost
	[ -s lost ] || rm lost
	exits 0 '  rotated'
	rotated dynsec
}

on_files() {
	place files
	start_platform
	provision
	reload="kill -HUP $broker_pid"
	iotctl broker sync Laboratorio --driver files --dir "$T" --reload "$reload" >synced 2>&1
	echo "acl_file $T/acl" >>mosquitto.conf
	restart_broker
	reload="kill -HUP $broker_pid"
	the_fleet "$HOME/.local/state/iot/lab.csv" 1
	tap $? 'files: all devices are there'
	rotate --driver files --dir "$T" --reload "$reload"
	exits 0 '  rotated'
	rotated files
}

on_emqx() {
	place stand-in
	start_api
	start_stand_in
	export IOT_EMQX_URL="$url" IOT_EMQX_KEY_FILE="$T/key"
	iotctl broker create EMQX host=127.0.0.1 port="$port" username=backend >/dev/null
	make_topics
	provision
	iotctl broker sync EMQX --driver emqx --setup >synced 2>&1
	curl -s -u "$(cat key)" -H 'Content-Type: application/json' -d '{"user_id":"backend","password":"backend-password"}' \
		"$IOT_EMQX_URL/api/v5/authentication/password_based%3Abuilt_in_database/users" >/dev/null
	echo backend-password >backend.pw
	chmod 600 backend.pw
	export IOT_MQTT_URL="mqtt://127.0.0.1:$port" IOT_MQTT_USERNAME=backend IOT_MQTT_PASSWORD_FILE="$T/backend.pw"
	the_fleet "$HOME/.local/state/iot/default.csv" 4
	tap $? 'emqx: all devices are there'
	patience=20s
	rotate --driver emqx
	# Who connects in the moment of the change has to come once more.
	if [ "$status" = 1 ] && [ "$(printf '%s\n' "$err" | grep -c 'while the broker changed')" -lt $((N / 10)) ]; then
		first=$out
		rotate --driver emqx --kick --yes
		out=$(printf '%s\n' "$first" "$out" | sed "s/passwords rotated .*/passwords rotated $N, waiting for devices 0, failed 0, not begun 0/")
	else
		no_line emqx/log '  nobody is kicked' kickout
	fi
	exits 0 '  rotated'
	rotated emqx
}

part on_dynsec
part on_files
part on_emqx
parts
done_testing
