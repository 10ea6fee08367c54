#!/bin/sh
# What an EMQX with an HTTP authenticator and authorizer asks iotapi, in EMQX's words, and what it is told.
# shellcheck disable=SC2016,SC2154 # $SYS is a name; lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
token=$(iotapi token create admin --db "$db")
echo device-password >device.pw
echo other-password >other.pw
chmod 600 device.pw other.pw
iotctl broker create B host=localhost username=worker password@other.pw >/dev/null
iotctl topic create Plant topic_pattern='plant/{device_id}/values' tipo=publish >/dev/null
for d in D1 D2; do
	iotctl device create $d nombre=$d tipo=esp32 ubicacion=x >/dev/null
	iotctl credential create device=$d client_id=$d username=user_$d password@device.pw >/dev/null
	iotctl device-config create $d broker=B publish_topic=Plant >/dev/null
done

post() { # post PATH BODY [TOKEN]: the status, a blank, the answer
	curl -s -w '%{http_code} ' -o answer -X POST -H 'content-type: application/json' -H "authorization: Bearer ${3-$token}" \
		-d "$2" "$api/api/mqtt/$1/"
	cat answer
}
auth() { post auth "{\"username\":\"$1\",\"peerhost\":\"127.0.0.1\",\"password\":\"$2\",\"clientid\":\"c1\"}"; }
acl() { # acl USER ACTION TOPIC [QOS [RETAIN]]
	post acl "{\"username\":\"$1\",\"topic\":\"$3\",\"retain\":\"${5-false}\",\"qos\":\"${4-1}\",\"peerhost\":\"127.0.0.1\",\"clientid\":\"c1\",\"action\":\"$2\"}"
}
deny='200 {"result":"deny"}'
allow='200 {"result":"allow"}'

is allow "$(auth user_D1 device-password | sed 's/^200 //' | jq -r .result)" 'a device with its password comes in'
is 'allow publish plant/D1/values
allow publish iot/sensors/D1/data
allow publish iot/devices/D1/status
allow publish iot/devices/D1/responses
allow publish iot/alerts/D1
allow subscribe iot/devices/D1/commands
allow subscribe iot/devices/D1/status
deny all #
deny all $SYS/#' "$(jq -r '.acl[] | "\(.permission) \(.action) \(.topic)"' answer)" 'with its rules, so that EMQX asks for none'
is false "$(jq .is_superuser answer)" 'and is no superuser'
is "$deny" "$(auth user_D1 wrong)" 'not with another password'
is "$deny" "$(auth user_D1 device-password2)" 'nor one that only begins so'
is allow "$(auth user_D1 device-password | sed 's/^200 //' | jq -r .result)" 'and again with its own, which is known by now'
is "$deny" "$(auth user_D1 '')" 'nor without'
is "$deny" "$(auth nobody device-password)" 'nobody else'
is "$deny" "$(auth '' '')" 'nor without a name'
is allow "$(auth worker other-password | sed 's/^200 //' | jq -r .result)" "a broker's own user"
is 'allow subscribe iot/sensors/+/data' "$(jq -r '.acl[0] | "\(.permission) \(.action) \(.topic)"' answer)" 'reads what devices publish'

is "$allow" "$(acl user_D1 publish iot/sensors/D1/data)" 'acl: what is its own'
is "$allow" "$(acl user_D1 subscribe iot/devices/D1/commands 2)" 'to hear its commands'
is "$allow" "$(acl user_D1 publish iot/devices/D1/status 1 true)" 'its status, retained'
for t in iot/sensors/D2/data iot/devices/D1/commands other; do
	is "$deny" "$(acl user_D1 publish $t)" "not $t"
done
for t in '#' 'iot/devices/+/commands' '$SYS/#' 'iot/devices/D2/commands'; do
	is "$deny" "$(acl user_D1 subscribe "$t")" "nor does it hear $t"
done
is "$deny" "$(acl nobody publish iot/sensors/D1/data)" 'nobody else'
is "$deny" "$(acl '' publish iot/sensors/D1/data)" 'nor without a name'
is "$deny" "$(acl user_D1 fly iot/sensors/D1/data)" 'no such action'

# Never an error, which EMQX would go on after; but for a wrong token, which is a mistake of who set it up.
for body in '' '[]' '{' '{"username":1}' '"x"' 'null'; do
	is "$deny" "$(post auth "$body")" "auth: '$body' is a denial"
	is "$deny" "$(post acl "$body")" "acl: '$body' as well"
done
# Nor what others read in another way: a name twice, or deeper than is taken from anybody.
is "$deny" "$(post auth '{"username":"nobody","username":"user_D1","password":"device-password"}')" 'auth: a name that is there twice'
is "$deny" "$(post acl '{"username":"nobody","username":"user_D1","topic":"iot/sensors/D1/data","action":"publish","qos":"1"}')" 'acl: as well'
is "$deny" "$(post auth "{\"username\":\"user_D1\",\"password\":\"device-password\",\"x\":$(perl -e 'print "[" x 64, "]" x 64')}")" \
	'auth: nested deeper than 64'
is 401 "$(post auth '{}' wrong | cut -d ' ' -f 1)" 'auth with a wrong token'
is "$deny" "$(post acl "{\"username\":\"user_D1\",\"topic\":\"iot/sensors/D1/data\",\"action\":\"publish\",\"qos\":\"1\"}" wrong)" \
	'acl with a wrong token: EMQX would go on to its next source, so it is a denial'

iotctl credential set D1 password@other.pw >/dev/null
is "$deny" "$(auth user_D1 device-password)" 'an old password counts no more'
is allow "$(auth user_D1 other-password | sed 's/^200 //' | jq -r .result)" 'the new one does'
iotctl credential set D1 is_active=no >/dev/null
is "$deny" "$(auth user_D1 other-password)" 'a credential that is not active'
is "$deny" "$(acl user_D1 publish iot/sensors/D1/data)" 'may do nothing'
iotctl device-config set D2 is_active=no >/dev/null
is "$deny" "$(auth user_D2 device-password)" 'nor one whose device-config is not'

# Up to a hundred requests on one connection before the first answer.
perl -MIO::Socket::INET -e '
	my ($url, $token) = @ARGV;
	my ($where) = $url =~ m{//(.*)};
	my $s = IO::Socket::INET->new(PeerAddr => $where) or die;
	my $body = q({"username":"worker","peerhost":"127.0.0.1","password":"other-password","clientid":"c1"});
	print $s "POST /api/mqtt/auth/ HTTP/1.1\r\ncontent-length: ", length $body, "\r\nhost: x\r\nauthorization: Bearer $token\r\n" .
		"content-type: application/json\r\n\r\n$body" for 1 .. 100;
	my ($got, $all) = (0, "");
	while ($got < 100 && sysread $s, my $part, 65536) { $all .= $part; $got = () = $all =~ /"result":"allow"/g; }
	print "$got\n"' "$api" "$token" >pipelined
is 100 "$(cat pipelined)" 'a hundred requests at once on one connection are answered'

# Hashes of many rounds, 100 at once: two are computed, 64 wait, the others are denied, and all else goes on meanwhile.
# Prints how many of the first 50 were answered before somebody else was, and of all how many were denied.
iotctl device-config set D2 is_active=yes >/dev/null
sqlite3 "$db" "PRAGMA busy_timeout = 5000;
	UPDATE credential SET password_hash = replace(password_hash, '\$7\$1000\$', '\$7\$40000\$') WHERE username = 'user_D2'" >/dev/null
cat >cold.py <<'P'
import select, socket, sys
host, port = sys.argv[1].split('//')[1].split(':')
def ask(request):
    s = socket.create_connection((host, int(port)), 120)
    s.sendall(request)
    return s
def check(i):
    body = b'{"username":"user_D2","password":"wrong%d"}' % i
    return ask(b'POST /api/mqtt/auth/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-type: application/json\r\n'
        b'content-length: %d\r\n\r\n%s' % (sys.argv[2].encode(), len(body), body))
checks = [check(i) for i in range(50)]
other = ask(b'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
other.recv(65536)
before = len(select.select(checks, [], [], 0)[0])
print('sent', file=sys.stderr, flush=True)
checks += [check(i) for i in range(50, 100)]
def is_denied(s):
    got = b''
    while not got.endswith(b'}'):
        more = s.recv(65536)
        if not more:
            return False
        got += more
    return got.endswith(b'{"result":"deny"}')
print(before, sum(map(is_denied, checks)))
P
python3 cold.py "$api" "$token" >cold 2>sent
read -r before denied <cold
[ "$before" -lt 30 ] && [ "$denied" -eq 100 ]
tap $? "passwords that have to be hashed keep nobody waiting: $before were before, and $denied are denied"
has "$(cat api.log)" 'devices are denied: too many passwords wait to be checked' 'those for which there is no room are told'
# Some minute of them is not waited for at the end.
sqlite3 "$db" "PRAGMA busy_timeout = 5000;
	UPDATE credential SET password_hash = replace(password_hash, '\$7\$40000\$', '\$7\$1000000\$') WHERE username = 'user_D2'" >/dev/null
python3 cold.py "$api" "$token" >cold 2>sent &
pids="$pids $!"
wait_for 20 test -s sent
from=$(date +%s)
stop_api
took=$(($(date +%s) - from))
[ "$took" -lt 30 ]
tap $? "SIGTERM while they wait: $took s"
start_api

token=$(iotapi token create admin --read-only --db "$db")
is allow "$(auth worker other-password | sed 's/^200 //' | jq -r .result)" 'a token that only reads is enough for logins'
is "$allow" "$(acl worker publish iot/devices/D1/commands)" 'and for rules'
sqlite3 "$db" 'PRAGMA busy_timeout = 5000; DROP TABLE "device-config"' >/dev/null
is "$deny" "$(auth user_D2 device-password)" 'a database that fails is a denial, for EMQX would go on'
is "$deny" "$(acl user_D2 publish iot/sensors/D2/data)" 'for rules, too'
sqlite3 "$db" 'PRAGMA busy_timeout = 5000; DROP TABLE token' >/dev/null
is "$deny" "$(acl user_D2 publish iot/sensors/D2/data)" 'also where the token cannot be looked up'
done_testing
