#!/bin/sh
# iotapi.service and what an operator sees: hardened; told when it serves, reloads, lives and ends; one server a database;
# an end within five seconds; a log of one line an event.
# slow: waits for the end of a drain, and for a watchdog
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
unit=$top/cmd/iotapi/iotapi.service

score() { # score FILE: its exposure
	timeout 30 systemd-analyze security --offline=true --no-pager "$1" |
		sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}
at_most() { [ "$(echo "${1:-99}" | awk '{ print $1 <= 2.0 }')" = 1 ]; }
if command -v systemd-analyze >/dev/null; then
	score=$(score "$unit")
	at_most "$score"
	tap $? "systemd-analyze security says at most 2.0 ($score)"
	sed '/^\(Private\|Protect\|Restrict\|System\|Capab\|NoNew\)/d' "$unit" >iotapi.service
	score=$(score iotapi.service)
	! at_most "$score"
	tap $? "negative control: without the hardening more ($score)"
else
	tap 0 'systemd-analyze security # SKIP it is not here'
fi

# Its command, as systemd would run it. What it tells the manager is in told, a datagram a line.
perl -MIO::Socket::UNIX -MSocket -e '
	my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "manager") or die;
	$| = 1;
	while (defined $s->recv(my $m, 4096)) { $m =~ s/\n/ /g; print "$m\n" }' >told &
pids="$pids $!"
wait_for 10 test -S manager
mkdir credentials state
head -c 32 /dev/urandom | base64 >credentials/key
chmod 440 credentials/key
printf 'admin-password\n' >api.pw
chmod 600 api.pw
cd state || exit 1
iotapi user add admin --db iotapi.db --password-file ../api.pw
command=$(sed -n 's/^ExecStart=//p' "$unit")
mkdir -p "$HOME/.config/iot"
printf 'listen = 127.0.0.1:0\n' >"$HOME/.config/iot/iot.conf"
start_unit() {
	rm -f ../url
	CREDENTIALS_DIRECTORY=$T/credentials NOTIFY_SOCKET=$T/manager WATCHDOG_USEC=400000 \
		/bin/sh -c "exec $command --url-file ../url" 2>>../log </dev/null &
	unit_pid=$!
	pids="$pids $unit_pid"
	wait_for 20 test -s ../url || note "it does not serve: $(cat ../log)"
	api=$(cat ../url)
}
start_unit
told() { grep -q "$1" "$T/told"; }
ok 'ready is told when it serves' wait_for 10 told "^READY=1 STATUS=serving $api\$"
alive() { [ "$(grep -c '^WATCHDOG=1' "$T/told")" -ge "$1" ]; }
ok 'and that it lives, again and again' wait_for 20 alive 4
[ ! -e iotapi.db.key ]
tap $? 'the key is the credential, and no other is made'
is 600 "$(stat -c %a iotapi.db.lock)" 'the lock is nobody else'"'s"

# One server a database.
run iotapi --db iotapi.db --key-file ../credentials/key --listen 127.0.0.1:0
exits 1 'a second server of the same database'
is "iotapi: 'iotapi.db' is served by process $unit_pid already" "$err" 'is told whose it is'
ln -s iotapi.db link.db
run iotapi --db link.db --key-file ../credentials/key --listen 127.0.0.1:0
is "1 iotapi: 'link.db' is served by process $unit_pid already" "$status $err" 'also by another name'
rm link.db
run iotapi check --db iotapi.db --key-file ../credentials/key
exits 1 'other commands work beside it'
is "'../credentials/key' is open to others: mode 440, not 600" "$out" 'and look at that key'
run iotapi export mosquitto out --db iotapi.db --key-file ../credentials/key
exits 2 'which is taken as it is only where systemd keeps others away'
has "$err" 'others may read it' 'and says so'
token=$(iotapi token create admin --db iotapi.db)

# A watchdog that gets no answer, and the control: a stopped process says nothing.
kill -STOP $unit_pid
before=$(grep -c '^WATCHDOG=1' "$T/told")
sleep 1
[ $(($(grep -c '^WATCHDOG=1' "$T/told") - before)) -le 1 ]
tap $? 'who does not run does not live'
kill -CONT $unit_pid
ok 'and lives again' wait_for 20 alive $((before + 3))

# SIGHUP.
login() { curl -sS -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin-password"}' "$api/api/auth/login/"; }
expires() { sqlite3 "file:iotapi.db?mode=ro" "SELECT max(expires) - strftime('%s', 'now') FROM token WHERE kind = 'access'"; }
login >/dev/null
[ "$(expires)" -gt 3000 ]
tap $? 'tokens live an hour'
printf 'listen = 127.0.0.1:0\naccess_life = 5m\n' >"$HOME/.config/iot/iot.conf"
MAINPID=$unit_pid /bin/sh -c "$(sed -n 's/^ExecReload=//p' "$unit")"
ok 'reloading is told' wait_for 10 told '^RELOADING=1 MONOTONIC_USEC=[0-9]*$'
reloaded() { [ "$(grep -c '^READY=1' "$T/told")" -ge "$1" ]; }
ok 'and that it is done' wait_for 10 reloaded 2
sqlite3 iotapi.db "PRAGMA busy_timeout = 5000; DELETE FROM token WHERE kind = 'access'" >/dev/null
login >/dev/null
[ "$(expires)" -le 300 ]
tap $? 'with the new setting'
sleep 0.3 # the same signal again is the same request for so long
printf 'access_life = soon\n' >"$HOME/.config/iot/iot.conf"
kill -HUP $unit_pid
ok 'done is told also' wait_for 10 reloaded 3
ok 'where the configuration is no good' wait_for 10 grep -q 'level=error msg="all stays as it was: ' "$T/log"
is 200 "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$api/api/users/me/")" 'and it serves on'
printf 'listen = 127.0.0.1:0\n' >"$HOME/.config/iot/iot.conf"

# A session with a broker.
start_broker
curl -sS -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
	-d "{\"nombre\":\"B\",\"host\":\"$sock\"}" "$api/api/mqtt/brokers/"
connected() { grep -q 'New client connected' "$T/mosquitto.log"; }
wait_for 20 connected || note "no session: $(cat ../log)"
# The same failure again and again: told once, and counted at the end.
sqlite3 iotapi.db 'PRAGMA busy_timeout = 5000; DROP TABLE topic' >/dev/null
for i in 1 2 3 4 5; do
	curl -sS -o /dev/null -H "Authorization: Bearer $token" "$api/api/mqtt/topics/$i/"
done
is 1 "$(grep -c 'msg="GET failed: ' ../log)" 'a failure that comes five times is told once'

# With a broker that is stopped, and a client that does not take its answers.
kill -STOP "$broker_pid"
sqlite3 iotapi.db "PRAGMA busy_timeout = 5000; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
	INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, descripcion, created_at, updated_at)
	SELECT 'S' || i, 'otro', '1', 0, 1, hex(zeroblob(2000)), '', '' FROM n" >/dev/null
perl -MSocket -e '
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
	setsockopt($s, SOL_SOCKET, SO_RCVBUF, 4096);
	connect($s, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die;
	syswrite $s, "GET /api/sensors/?page_size=1000 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer $ARGV[1]\r\n\r\n";
	sysread $s, my $first, 1;
	open my $f, ">", "asked"; close $f;
	sleep 60' "${api##*:}" "$token" &
pids="$pids $!"
wait_for 20 test -e asked || note 'no answer begins'
start=$(date +%s%N)
kill $unit_pid
wait $unit_pid
is 0 $? 'SIGTERM: a clean end'
took=$((($(date +%s%N) - start) / 1000000))
[ $took -le 8000 ]
tap $? "within five seconds, and some of a loaded machine (took $took ms)"
kill -CONT "$broker_pid"
ok 'stopping is told' told '^STOPPING=1$'
has "$(grep 'msg="GET failed: .* path=/api/mqtt/topics/5/' ../log)" ' repeated=4' 'and how often the failure came besides'

# Each line is an event.
is '' "$(grep -vE '^time=[0-9T:.-]+Z level=(error|warn|info|debug) msg=("([^"\\]|\\.)*"|[^ "]+)( [a-z]+=("([^"\\]|\\.)*"|[^ "]+))*$' ../log)" \
	'each line of the log is logfmt'
is 0 "$(grep -cE 'SELECT|INSERT|FROM|admin-password' ../log)" 'without SQL and secrets'
start_unit
ok 'and the database is free again' curl -sS -o /dev/null "$api/healthz"
done_testing
