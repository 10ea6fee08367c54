#!/bin/sh
# How our MQTT programs connect: logins, permissions, TLS, versions; tried with iotsub.
# slow: time-outs of connections that nobody answers
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

# A broker with logins and permissions on a unix socket, and TLS on three ports.
authority right-ca
authority wrong-ca
certificate good right-ca DNS:localhost,IP:127.0.0.1
certificate elsewhere right-ca DNS:mq.example,IP:192.0.2.1
certificate old right-ca DNS:localhost 20240101000000Z 20250102000000Z
certificate client right-ca DNS:none
good=$(free_port)
elsewhere=$(free_port)
old=$(free_port)
strict=$(free_port)
closed=$(free_port)
# The user "device" may log in and subscribe to allowed/# only. (mosquitto's acl_file never refuses a
# subscription; its plugin does.)
mosquitto_ctrl dynsec init all.json device right >/dev/null
jq '(.roles[].acls[] | select(.acltype == "subscribePattern" and .topic == "#")).topic = "allowed/#"' \
	all.json >rights.json
chmod 700 rights.json
start_broker "per_listener_settings true" "allow_anonymous false" \
	"plugin $(echo /usr/lib/*/mosquitto_dynamic_security.so)" \
	"plugin_opt_config_file $T/rights.json" \
	"listener $good 127.0.0.1" "allow_anonymous true" \
	"certfile $T/good.crt" "keyfile $T/good.key" \
	"listener $elsewhere 127.0.0.1" "allow_anonymous true" \
	"certfile $T/elsewhere.crt" "keyfile $T/elsewhere.key" \
	"listener $old 127.0.0.1" "allow_anonymous true" \
	"certfile $T/old.crt" "keyfile $T/old.key" \
	"listener $strict 127.0.0.1" "allow_anonymous true" "require_certificate true" \
	"cafile $T/right-ca.crt" "certfile $T/good.crt" "keyfile $T/good.key"
printf 'right\n' >right.pw
printf 'wrong\n' >wrong.pw
chmod 600 right.pw wrong.pw

fails() { # fails STATUS LINE OPTION...: that status, that one line, no output
	s=$1
	line=$2
	shift 2
	run iotsub -W 9 "$@" -t allowed/a
	exits "$s" "fails: $*"
	is "iotsub: $line" "$(wherever "$err")" "... with one line"
	is '' "$out" "... and no output"
}
mosquitto_pub -h localhost -p "$good" --cafile right-ca.crt -q 1 -r -t allowed/there -m there
works() { # works OPTION...: it hears what the broker keeps
	run iotsub "$@" -t allowed/there -C 1 -W 20
	is '0 there' "$status $out" "connects: $*"
}

# Brokers that send what they should not, on each connection.
cat >poison.pl <<'END'
use IO::Socket::UNIX;
my ($name, $poison) = @ARGV;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "$name.new") or die; rename "$name.new", $name;
while (my $c = $l->accept) {
	sysread $c, my $connect, 4096;
	syswrite $c, "\x20\x02\x00\x00";
	sysread $c, my $subscribe, 4096;
	syswrite $c, "\x90\x03" . substr($subscribe, 2, 2) . "\x00" . pack("H*", $poison);
	sysread $c, my $rest, 4096;
}
END
perl poison.pl poison.sock 300500011b6869300500016a6869 &
pids="$pids $!"
perl poison.pl wrong.sock 3605000161006869 &
pids="$pids $!"
wait_for 10 test -S poison.sock
wait_for 10 test -S wrong.sock
run iotsub -V 311 -h "$T/poison.sock" -t '#' -C 1
exits 0 'a message on a topic with control characters is no end'
is 'hi' "$out" '... the next one comes'
is "iotsub: left out a message on topic '\x1b': it is no valid topic" "$err" '... and it is told'

# A protocol error on each connection: it gives up after five. That takes a while: looked at below.
iotsub -V 311 -h "$T/wrong.sock" -t '#' 2>wrong.err &
wrong=$!
pids="$pids $!"

# Logins.
works -h "$sock" -u device --password-file right.pw
works -h "$sock" -u device -P right
for v in 311 5; do
	fails 4 "broker '$sock' refused the login: bad user name or password, or not allowed to connect" \
		-h "$sock" -V $v -u device --password-file wrong.pw
done
fails 4 "broker '$sock' refused the login: bad user name or password, or not allowed to connect" \
	-h "$sock"
chmod 644 wrong.pw
fails 2 "'wrong.pw' holds a secret and others may read it: chmod 600 it" \
	-h "$sock" -u device --password-file wrong.pw
fails 2 "a password is given without a user name (-u)" -h "$sock" -P right
IOT_MQTT_HOST=$sock IOT_MQTT_USERNAME=device IOT_MQTT_PASSWORD_FILE=$T/right.pw
export IOT_MQTT_HOST IOT_MQTT_USERNAME IOT_MQTT_PASSWORD_FILE
works
unset IOT_MQTT_HOST IOT_MQTT_USERNAME IOT_MQTT_PASSWORD_FILE

# The command line does not show a password for long.
iotsub -h "$sock" -u device -P right -t allowed/a &
pids="$pids $!"
blanked() { tr '\0' '\n' <"/proc/$!/cmdline" >cmdline && [ "$(grep -c 'allowed/a\|right' cmdline)" -eq 1 ]; }
wait_for 10 blanked
no_line cmdline "-P is blanked" right

# The device's login from the credentials file.
mkdir -p "$HOME/.local/state/iot"
printf 'device,client_id,username,password,cert,key\nRPI_001,RPI_001,device,right,,\n' \
	>"$HOME/.local/state/iot/default.csv"
chmod 600 "$HOME/.local/state/iot/default.csv"
run iotsub -h "$sock" RPI_001 -W 1
exits 4 "the credentials file's login is good, but not for this topic"
is "iotsub: the broker refused the subscription 'iot/devices/RPI_001/commands': not allowed" \
	"$err" "... and it says which"
run iotsub -h "$sock" RPI_002 -W 1
exits 4 "a device without one is refused by the broker"
has "$err" "refused the login" "... at the login"

# Permissions.
for v in 311 5; do
	run iotsub -h "$sock" -V $v -u device -P right -t secret/x -W 5
	exits 4 "a refused subscription ($v)"
	is "iotsub: the broker refused the subscription 'secret/x': not allowed" "$err" \
		"... is named"
done
run iotsub -h "$sock" -q 2 -u device -P right -t secret/x -W 5
exits 4 "a refused subscription at QoS 2"
run iotsub -h "$sock" -u device -P right -t secret/x -t allowed/x -W 0.4
exits 27 "one refused of two: the other goes on"
has "$err" "the broker refused the subscription 'secret/x': not allowed" "... and it is told"

: >list

# TLS.
works -h localhost -p "$good" --cafile right-ca.crt
works -h 127.0.0.1 -p "$good" --cafile right-ca.crt
works -L "mqtts://localhost:$good" --cafile right-ca.crt
works -L "mqtts://localhost:$strict" --cafile right-ca.crt --cert client.crt --key client.key
fails 5 "cannot reach broker 'localhost:$good': TLS: certificate is signed by an unknown CA: 'right-ca'" \
	-h localhost -p "$good" --cafile wrong-ca.crt
fails 5 "cannot reach broker 'localhost:$good': TLS: certificate is signed by an unknown CA: 'right-ca'" \
	-L "mqtts://localhost:$good"
fails 5 "cannot reach broker 'localhost:$elsewhere': TLS: certificate is not for 'localhost' but for mq.example, 192.0.2.1" \
	-h localhost -p "$elsewhere" --cafile right-ca.crt
fails 5 "cannot reach broker '127.0.0.1:$elsewhere': TLS: certificate is not for '127.0.0.1' but for mq.example, 192.0.2.1" \
	-h 127.0.0.1 -p "$elsewhere" --cafile right-ca.crt
fails 5 "cannot reach broker 'localhost:$old': TLS: certificate expired 2025-01-02" \
	-h localhost -p "$old" --cafile right-ca.crt
fails 5 "cannot reach broker 'localhost:$closed': connection refused" \
	-h localhost -p "$closed" --cafile right-ca.crt
fails 2 "cannot use CA certificates 'none.crt': No such file or directory" \
	-h localhost -p "$good" --cafile none.crt
fails 2 "cannot use CA certificates 'list': no certificate or crl found" \
	-h localhost -p "$good" --cafile list
fails 2 "cannot use key 'good.key': key values mismatch" -h localhost -p "$strict" \
	--cafile right-ca.crt --cert client.crt --key good.key
fails 2 "TLS to the unix socket '$sock': it has no name that could be verified" -h "$sock" \
	--cafile right-ca.crt
run iotsub -L "mqtts://localhost:$strict" --cafile right-ca.crt -t a -W 9
exits 5 "a client certificate is wanted and not given"
has "$err" "TLS: the broker asked for a client certificate (--cert)" "... and it says so"
run iotsub -h localhost -p "$good" -t a --connect-timeout 2 -W 9
exits 5 "plain MQTT to a TLS port"
run iotsub -h localhost -p "$elsewhere" --insecure -t allowed/there -C 1 -W 20
is '0 there' "$status $out" "--insecure connects"
has "$err" "iotsub: --insecure: anybody can pretend to be broker 'localhost'" "... and warns"

# Another client with the same id: told, not fought. (mosquitto only closes; EMQX says why.)
cat >taken-over.pl <<'END'
use IO::Socket::UNIX;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "taken.sock.new") or die; rename "taken.sock.new", "taken.sock";
my $c = $l->accept;
sysread $c, my $connect, 4096;
syswrite $c, "\x20\x03\x00\x00\x00";
sysread $c, my $subscribe, 4096;
syswrite $c, "\x90\x04" . substr($subscribe, 2, 2) . "\x00\x00\xe0\x01\x8e";
sleep 5; # and does not close the connection
END
perl taken-over.pl &
pids="$pids $!"
wait_for 10 test -S taken.sock
fails 8 "broker '$T/taken.sock' closed the connection: another client has connected with this client id" \
	-h "$T/taken.sock"

# A broker of MQTT 3.1.1 only refuses version 5; then 3.1.1 is spoken.
cat >old-broker.pl <<'END'
use IO::Socket::UNIX;
my $l = IO::Socket::UNIX->new(Listen => 5, Local => "old.sock.new") or die; rename "old.sock.new", "old.sock";
while (my $c = $l->accept) {
	sysread $c, my $connect, 4096;
	my $version = ord substr $connect, 8, 1;
	print "$version\n";
	$| = 1;
	if ($version == 5) { syswrite $c, "\x20\x02\x00\x01"; next }
	syswrite $c, "\x20\x02\x00\x00";
	sysread $c, my $subscribe, 4096;
	syswrite $c, "\x90\x03" . substr($subscribe, 2, 2) . "\x00\x30\x05\x00\x01ahi" ;
	sysread $c, my $rest, 4096;
}
END
perl old-broker.pl >versions &
pids="$pids $!"
wait_for 10 test -S old.sock
run iotsub -h "$T/old.sock" -t a -C 1
exits 0 "3.1.1 after 5 was refused"
is "hi 5 4" "$out $(tr '\n' ' ' <versions | sed 's/ $//')" "... tried in this order"
fails 8 "broker '$T/old.sock' refused the connection: it does not speak this version of MQTT" \
	-h "$T/old.sock" -V 5

wait $wrong
is 8 $? "a broker that breaks the protocol again and again ends it at last"
is "iotsub: lost broker '$T/wrong.sock': it broke the MQTT protocol: QoS 3, 5 times in a row" \
	"$(tail -n 1 wrong.err)" "... and it says so"

done_testing
