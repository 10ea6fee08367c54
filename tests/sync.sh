# shellcheck shell=sh
# What is asked of each driver of broker sync, mostly from the device's view: what iotpub and iotsub say of the broker, and
# with which status they end. Sourced behind lib.sh by a script that has
#
#	$host, $port, $file      the broker, and the credentials file; D1 to D4 are provisioned
#	$filters, $deaf          filters that a device may not read, and how iotsub ends that tries: 4, or 27 when the
#	                         broker grants every filter and delivers nothing
#	$admin, $admin_pw        a login that may read and correct statuses, and a file with its password
#	$removed                 what is said of a device that is removed while it is connected
#	sync [OPTION...]         runs iotctl broker sync
# shellcheck disable=SC2154

field() { sed -n "s/^$1,//p" "$file" | cut -d , -f "$2"; }

as_device() { # as_device PROGRAM VERSION DEVICE OPTION...: with its login, under a probe's id
	as_program=$1 as_version=$2 as_of=$3
	shift 3
	field "$as_of" 3 >pw
	chmod 600 pw
	run "$as_program" -V "$as_version" -h "$host" -p "$port" -i probe -u "$(field "$as_of" 2)" --password-file pw "$@"
}
publish() { as_device iotpub "$1" "$2" -q 1 -t "$3" -m '{"x":1}'; } # publish VERSION DEVICE TOPIC

# says_connected DEVICE: as its retained status has it.
says_connected() {
	iotsub -h "$host" -p "$port" -u "$admin" --password-file "$admin_pw" -t "iot/devices/$1/status" -C 1 -W 2 |
		grep -q '"connected"'
}

# Behind the first sync.
ask_devices() {
	echo wrong-password >wrong.pw
	chmod 600 wrong.pw
	for v in 5 311; do
		publish $v D1 iot/alerts/D1
		exits 0 "MQTT $v: a device is let in, and publishes its own"
		publish $v D1 iot/sensors/D2/data
		if [ $v = 5 ]; then
			exits 4 'not on the topic of another'
			has "$err" 'not allowed to publish' 'which MQTT 5 says'
		else
			exits 0 'and 3.1.1 does not'
		fi
		for t in $filters; do
			as_device iotsub $v D1 -t "$t" -W 2
			exits "$deaf" "MQTT $v: nor does it read $t"
			is '' "$out" 'anything of it'
		done
		run iotpub -V $v -h "$host" -p "$port" -i probe -u device_D1 --password-file wrong.pw -t a -m b
		exits 4 "MQTT $v: not with another password"
		run iotpub -V $v -h "$host" -p "$port" -i probe -u nobody --password-file pw -t a -m b
		exits 4 "MQTT $v: nobody else"
	done
	sync --dry-run
	exits 0 'then there is nothing to do'
	is '' "$out" 'and nothing is shown'
	sync
	exits 0 'a second sync'
	has "$out" 'logins made 0, removed 0, passwords set 0, rules set 0' 'does nothing'
	sync --verify
	exits 0 '--verify'
	has "$out" 'verified by logging in: 4' 'logs in as each device it knows a password of'
}

# A credential of D3 that is not active: it lets nobody in, and ends a connection.
ask_removal() {
	bg iotpub D3 temperature=20 --interval 1h --credentials "$file" -h "$host" -p "$port" >/dev/null 2>d3.err
	wait_for 15 says_connected D3
	tap $? 'D3 is connected'
	iotctl credential set D3 is_active=no >/dev/null
	sync
	exits 2 'to end a connection is asked for, without a terminal --yes'
	sync --yes --mqtt-username "$admin" --mqtt-password-file "$admin_pw"
	exits 0 'a credential that is not active'
	has "$out" "- login 'device_D3'" 'is a login that goes'
	has "$out" "$removed" 'its status, where the broker leaves it, is corrected'
	wait_for 20 grep -qi 'not authorized\|bad user\|password\|administrat\|refused' d3.err
	tap $? 'its connection ends, and it is told why'
	for v in 5 311; do
		publish $v D3 iot/alerts/D3
		exits 4 "MQTT $v: it does not come in again"
	done
	iotctl credential set D3 is_active=yes >/dev/null
	sync
	has "$out" "+ login 'device_D3'" 'and active again it does'
	publish 5 D3 iot/alerts/D3
	exits 0 'with the password that it had'
}

# ask_alone WHAT COMMAND...: one at a time, whoever runs the other: here COMMAND, a sync with records of its own, which waits for
# an answer on its terminal.
ask_alone() {
	alone_what=$1
	shift
	iotctl credential set D4 is_active=no >/dev/null
	mkfifo keys
	XDG_STATE_HOME=$T/another script -qefc "$*" screen <keys >/dev/null 2>&1 &
	alone=$!
	pids="$pids $alone"
	exec 9>keys
	wait_for 15 grep -q 'y/N' screen
	tap $? 'somebody else syncs this broker'
	sync --yes
	exits 1 'meanwhile'
	has "$err" "another sync is running (it holds '$alone_what')" 'none begins'
	sync --dry-run
	has "$out" "- login 'device_D4'" 'but for one that only looks'
	echo n >&9
	exec 9>&-
	wait "$alone"
	sync --yes
	exits 0 'and then one does'
	iotctl credential set D4 is_active=yes >/dev/null
	sync
}
