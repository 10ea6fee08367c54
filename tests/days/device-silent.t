#!/bin/sh
# Day: a device does not connect. Five causes, each with a message that a person can act on, once.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# why STATUS 'PART OF THE MESSAGE' 'SENTENCE' OPTION...
why() {
	wanted=$1
	part=$2
	sentence=$3
	shift 3
	run timeout 20 iotpub RPI_001 -C 1 temperature=21.5 --connect-timeout 3s "$@"
	exits "$wanted" "$sentence: $wanted"
	has "$err" "$part" "and says: $part"
	is 1 "$(wc -l <"$T/.err")" "once"
	is '' "$out" "on standard error"
}

mosquitto_passwd -c -b passwords RPI_001 right 2>/dev/null
chmod 600 passwords
port=$(free_port)
start_broker 'allow_anonymous false' "password_file $T/passwords" "listener $port 127.0.0.1"
(umask 077 && printf 'wrong\n' >pw && printf 'right\n' >pw.right)

# 1: the name is misspelt. 2: nothing listens there. 3: the password was changed. 4: TLS where there is none.
why 5 'no.such.host.invalid' 'a name that is not known' -h no.such.host.invalid
why 5 'connection refused' 'nothing listens there' -h 127.0.0.1 -p "$(free_port)"
why 4 'bad user name or password' 'a wrong password' -h "$sock" -u RPI_001 --password-file pw
why 5 'TLS' 'TLS against a plain listener' -L "mqtts://127.0.0.1:$port" -u RPI_001 --password-file pw.right

# 5: it is connected already, somewhere else.
bg iotpub -h "$sock" RPI_001 -u RPI_001 --password-file pw.right --interval 1h
connected() {
	mosquitto_sub --unix "$sock" -u RPI_001 -P right -t iot/devices/RPI_001/status -C 1 -W 1 |
		grep -q '"connected"'
}
wait_for 10 connected
why 1 "device 'RPI_001' is connected already; --takeover takes its place" 'it is connected somewhere else' \
	-h "$sock" -u RPI_001 --password-file pw.right

# And with all that put right it works.
kill "$bg"
wait "$bg"
run iotpub RPI_001 -C 1 temperature=21.5 -h "$sock" -u RPI_001 --password-file pw.right
exits 0 'put right, it connects'

done_testing
