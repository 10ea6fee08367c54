#!/bin/sh
# What iotpub refuses, what refuses it, and the logins it uses.
# shellcheck disable=SC2317 # called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/witness.sh
. "$top/tests/witness.sh"

# What is refused here, with a line that says what would be right.
refused() { # refused PART ARGUMENT...
	part=$1
	shift
	run iotpub "$@"
	exits 2 "refused: $*"
	has "$err" "$part" "and why: $part"
	is '' "$out" "nothing on stdout"
}
refused 'name a device, or a topic with -t'
refused "--qos: '3' is not a whole number from 0 to 2" -q 3 D
refused "--port: '0' is not a whole number from 1 to 65535" -p 0 D
refused "device id 'a+b' may only have" a+b
refused "device id 'a/b' may only have" a/b
refused "device id 'a#' may only have" 'a#'
refused "device id 'a\\x0ab' may only have" 'a
b'
refused 'device id is empty' ''
refused "device 'D' is named twice" D D
refused 'no device is named' t=1
refused "sensor 't' is given twice" D t=1 t=2
refused 'uniform wants two numbers' D t=uniform:5
refused '--interval must be more than 0' D --interval 0
refused 'has a "timestamp" of its own' D timestamp=1 --payload flat
refused "cannot run 'no-such-program'" D --listen --exec no-such-program
refused "-i is one client's id" D E -i x
refused "cannot read '/nonexistent'" D --credentials /nonexistent
(umask 077 && printf 'device,client_id\nD,E\n' >same.csv)
refused "devices 'E' and 'D' have one client id, 'E'" E D --credentials same.csv
refused 'a message needs a topic' -m x
refused 'there is no message' -t x
refused 'more than one message' -t x -m a -n
refused 'wildcard' -t 'a/+' -m x
refused "devices ('D') have their own" -t x -m y D
refused '--repeat cannot be used with -l' -t x -l --repeat 2
refused '-c needs a client id' -t x -m y -c
refused "cannot read '/nonexistent'" -t x -f /nonexistent
refused "unknown option '--intervall'; did you mean '--interval'?" D --intervall 3
refused '-h needs a host' -h
refused '--max-queued is for devices' -t x -m y --max-queued 5
for option in --verify '--stats 1s' --no-status --takeover --listen '--interval 1s' '--jitter 1s' '--count 2' '--duration 1s' \
	'--payload flat' '--seed 1' '--ramp 5' --yes '--fault drop=1' '--credentials f'; do
	# shellcheck disable=SC2086 # an option and its value
	refused "${option%% *} needs a device" -t x -m y $option
done
run iotpub -h "$sock" D -C 1 "t=$(printf '%01100d' 0)"
exits 0 "a reading over 1 KB is sent"
has "$err" 'under 1 KB' "with a warning"
ok "a message over 1 KB, too" iotpub -h "$sock" -t x -m "$(printf '%01100d' 0)"
has "$(cat "$T/.err")" 'under 1 KB' "with a warning"
printf 'device,password\nD,secret\n' >open.csv
refused 'others may read it' D --credentials open.csv

# No broker; then one that wants a password.
for form in D '-t x -m y'; do
	# shellcheck disable=SC2086
	run iotpub -h 127.0.0.1 -p "$(free_port)" $form
	exits 5 "no broker: $form"
	has "$err" 'cannot reach broker' "and it says so"
	is 1 "$(wc -l <"$T/.err")" "once"
done
run iotpub -h 127.0.0.1 -p "$(free_port)" D1 D2 D3
exits 5 "no broker for three devices"
has "$err" 'none of 3 devices could connect' "told together"

kill "$broker_pid"
wait "$broker_pid" 2>/dev/null
(umask 077 && printf 'u1:one\nu2:two\nu3:three\n' >passwords)
mosquitto_passwd -U passwords
printf '%s\n' 'user u1' 'topic readwrite #' 'user u2' 'topic write iot/sensors/#' \
	'topic write iot/devices/#' >acl
start_broker 'allow_anonymous false' "password_file $T/passwords" "acl_file $T/acl"
run iotpub -h "$sock" -t x -m y -u u1 -P wrong
exits 4 "a wrong password: 4"
has "$err" 'refused the login' "and it says so"
run iotpub -h "$sock" D -C 1
exits 4 "no login: 4"
(umask 077 && printf 'two\n' >pw)
run iotpub -h "$sock" A_1 -C 1 -u u2 --password-file pw --verbose
exits 0 "a status that may not be read is no obstacle"
run iotpub -h "$sock" -t elsewhere -m x -u u2 --password-file pw -V 5
exits 4 "a topic that is not allowed: 4"
has "$err" 'not allowed to publish there' "and it says so"

# Logins and client ids come from the credentials file, the default one too.
mkdir -p "$HOME/.local/state/iot"
(umask 077 && printf '%s\n' 'device,client_id,username,password,cert,key' 'C_1,client-c1,u1,one,,' \
	'C_2,,u2,two,,' 'C_3,,u2,wrong,,' >"$HOME/.local/state/iot/default.csv")
run iotpub -h "$sock" --devices 20 --id-format S_%d -C 1 --takeover
has "$err" "20 devices are not in the credentials file, 'S_1' the first: they take the login of the connection" \
	"a fleet that the file does not know"
is 1 "$(grep -c 'credentials file' "$T/.err")" "is one line"
run iotpub -h "$sock" C_1 C_2 -C 1
exits 0 "each device with its own login"
has "$(cat mosquitto.log)" "as client-c1 (p5, c1, k60, u'u1')" "and client id"
has "$(cat mosquitto.log)" "as C_2 (p5, c1, k60, u'u2')" "or its own id"
run iotpub -h "$sock" C_1 C_3 -C 1
exits 1 "one of two could not log in: 1"
has "$err" 'C_3: ' "it is named"
is 2 "$(wc -l <"$T/.err")" "once"
run iotpub -h "$sock" C_3 -C 1
exits 4 "the only one: 4"
run iotpub -h "$sock" C_3 -C 1 -u u2 --password-file pw
exits 0 "-u outranks the file"
run iotpub -h "$sock" temperature -C 1
exits 4 "a device that the file does not know has no login of its own"
has "$err" "device 'temperature' is not in the credentials file" "and that is said"

# What a device may not read is told; mosquitto's ACL file denies it in silence.
bg perl "$top/tests/broker.pl" blind suback=87
wait_for 10 test -S blind.sock
run iotpub -h "$T/blind.sock" D_1 -C 1
exits 0 "a status that the broker does not let it read is no obstacle"
has "$err" "its status cannot be read (the broker refused the subscription 'iot/devices/D_1/status': not allowed): if the device is connected already, its place is taken, as with --takeover" \
	"but told"
run iotpub -h "$T/blind.sock" D_1 D_2 D_3 -C 1
has "$err" 'the status of 3 devices cannot be read' "of several in one line"
is 1 "$(grep -c 'cannot be read' "$T/.err")" "indeed"
run iotpub -h "$T/blind.sock" D_1 -C 1 --takeover
without "$err" 'cannot be read' "with --takeover nobody looks"

done_testing
