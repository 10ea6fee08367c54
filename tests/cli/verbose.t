#!/bin/sh
# --verbose twice: a line for each HTTP request and MQTT packet in all six programs, and no secret in any.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

canary='canary-of-the-house'
printf '%s\n' $canary >device.pw
chmod 600 device.pw
start_platform --verbose --verbose
v='--verbose --verbose'

# said PATTERN 'sentence': a line of the last run's stderr fits; each is kept for the search at the end.
said() {
	printf '%s\n' "$err" >>all
	grep -qE "$1" <<-END
		$err
	END
	tap $? "$2"
}
no_trace() { # no_trace 'sentence': no such line
	case $err in *': http '* | *': mqtt '*) note "$err"; false ;; esac
	tap $? "$1"
}

run iotctl device list --search $canary
no_trace 'without it no line'
run iotctl device list --search $canary --verbose
no_trace 'nor with one'
run iotctl device list --search $canary -vv
exits 0 'iotctl'
said '^iotctl: http > GET /api/devices/\?page_size=[0-9]+&search=\*&ordering=[a-z_-]+ status=200 ms=[0-9]+ bytes=[0-9]+$' \
	'a request: method, path, status, time and bytes; of the query no value'
run iotctl api GET "/api/users/me/?token=$canary&$canary" -vv
said '^iotctl: http > GET /api/users/me/\?token=\*&\* status=200 ' 'nor a parameter that is no name'
run iotctl device create R_1 nombre=$canary tipo=esp32 ubicacion=$canary -vv
said '^iotctl: http > POST /api/devices/ status=201 ' 'one with a body'
run iotctl credential create dispositivo=R_1 client_id=R_1 username=u_1 password@device.pw -vv
said '^iotctl: http > POST /api/mqtt/[a-z-]+/ status=201 ' 'one with a password'
mkdir other
run env HOME="$T/other" iotctl login "$api" --context other --api-username admin --password-file "$T/api.pw" -vv
said '^iotctl: http > POST /api/auth/login/ status=200 ' 'a login'
run iotctl --api-url http://127.0.0.1:1 --token-file device.pw device list -vv
said '^iotctl: http > GET /api/devices/[^ ]* status=none ms=[0-9]+$' 'one without an answer'
run iotctl device command R_1 "{\"$canary\":1}" -vv
said "^iotctl: mqtt > PUBLISH client='[^']+' id=1 qos=2 topic='iot/devices/R_1/commands' payload=[0-9]+\$" \
	"iotctl's packets"

# shellcheck disable=SC2086
run iotpub -t a/b -q 1 -r -m $canary --will-topic w/t --will-payload $canary $v
exits 0 'iotpub'
said "^iotpub: mqtt > CONNECT client='iotpub-[^']+' broker='127.0.0.1:$port' version=5 keepalive=60 clean username password will\$" \
	'CONNECT: whether there is a login and a will'
said "^iotpub: mqtt < CONNACK client='iotpub-[^']+' session-present=0 reason=0\$" 'CONNACK'
said "^iotpub: mqtt > PUBLISH client='iotpub-[^']+' id=1 qos=1 retain topic='a/b' payload=${#canary}\$" 'PUBLISH'
said "^iotpub: mqtt < PUBACK client='iotpub-[^']+' id=1 reason=(0|16)\$" 'PUBACK'
said "^iotpub: mqtt > DISCONNECT client='iotpub-[^']+' reason=0\$" 'DISCONNECT'
run iotpub -t a/b -m $canary -d
no_trace 'nothing with one -d'
run iotpub -t a/b -q 0 -m $canary -d -d
said "^iotpub: mqtt > PUBLISH client='iotpub-[^']+' qos=0 topic='a/b' payload=${#canary}\$" 'QoS 0, past libmosquitto'
# shellcheck disable=SC2086
run iotpub -t a/b -q 2 -m $canary -V 311 $v
for packet in '> CONNECT .* version=3.1.1 ' '> PUBLISH .* id=1 qos=2 ' '< PUBCOMP .* id=1 reason=0'; do
	said "^iotpub: mqtt $packet" "MQTT 3.1.1, QoS 2: $packet"
done
printf '%s-wrong\n' $canary >wrong.pw
chmod 600 wrong.pw
# shellcheck disable=SC2086
run iotpub -t a/b -m x -u admin --password-file wrong.pw $v
exits 4 'a wrong password'
said "^iotpub: mqtt < CONNACK .* reason=135 \(bad user name or password" 'a reason in words'
# shellcheck disable=SC2086
run iotpub -h 127.0.0.1 -p 1 -t a/b -m x $v
exits 5 'no broker'
no_trace 'no packet is sent'
long=$(printf '%0300d' 0)
# shellcheck disable=SC2086
run iotpub -t "t/$long" -q 1 -m x $v
said " topic='t/0{126}\[\.\.\.\]' payload=1\$" 'a long topic is cut'

# shellcheck disable=SC2086
run iotsub -t a/b -C 1 $v
exits 0 'iotsub'
is $canary "$out" '-v is not this: no topic is shown'
said "^iotsub: mqtt > CONNECT client='iotsub-[^']+' broker='127.0.0.1:$port' version=5 keepalive=60 clean username password\$" \
	'iotsub: CONNECT, of its own making'
said "^iotsub: mqtt < CONNACK client='iotsub-[^']+' session-present=0 reason=0\$" 'CONNACK'
said "^iotsub: mqtt > SUBSCRIBE client='[^']+' id=1 qos=0 options=0x10 filter='a/b'\$" 'iotsub: SUBSCRIBE'
said "^iotsub: mqtt < SUBACK client='[^']+' id=1 reason=0\$" 'SUBACK'
said "^iotsub: mqtt < PUBLISH client='[^']+' qos=0 retain topic='a/b' payload=${#canary}\$" 'PUBLISH'
run iotsub -t a/b -C 1 -v
is "a/b $canary" "$out" '-v shows the topic'
no_trace 'and no packets'

iotpub -t iot/sensors/R_1/data -q 1 -r -m "{\"x\":\"$canary\"}"
# shellcheck disable=SC2086
run iotingest --from-platform -q 1 -C 1 $v
exits 0 'iotingest'
said '^iotctl: http > GET /api/mqtt/topics/' '--from-platform: what iotctl asks'
said "^iotingest: mqtt > CONNECT client='[^']+' broker='127.0.0.1:$port' version=5 keepalive=[0-9]+ " 'iotingest: CONNECT'
said "^iotingest: mqtt > SUBSCRIBE client='[^']+' id=1 qos=1 options=0x11 filter='iot/sensors/\+/data'\$" 'iotingest: SUBSCRIBE'
said "^iotingest: mqtt < PUBLISH client='[^']+' id=1 qos=1 retain topic='iot/sensors/R_1/data' payload=[0-9]+\$" 'PUBLISH'
said "^iotingest: mqtt > PUBACK client='[^']+' id=1 reason=0\$" 'PUBACK'
said "^iotingest: mqtt > DISCONNECT client='[^']+' reason=0\$" 'DISCONNECT'

run iotstatus -v
no_trace 'iotstatus -v is as before'
run iotstatus -vv
said '^iotstatus: http > GET /api/' 'iotstatus: a request'
run iotstatus -vv --source mqtt
said "^iotstatus: mqtt > SUBSCRIBE client='[^']+' id=1 qos=0 options=0x00 filter='iot/devices/\+/status'\$" 'and packets'

# The worker of iotapi connects to the broker that is activated.
run iotctl broker activate Laboratorio
worked() { grep -q 'msg="mqtt < SUBACK' api.log; }
wait_for 20 worked
iotpub -t iot/sensors/R_1/data -q 1 -m "{\"x\":\"$canary\"}"
stored() { grep -q 'msg="mqtt > PUBACK' api.log; }
wait_for 20 stored
err=$(cat api.log)
said '^time=[^ ]+ level=debug msg="http < POST /api/auth/login/ status=200 ms=[0-9]+ bytes=[0-9]+"$' 'iotapi: a request that it serves'
said '^time=[^ ]+ level=debug msg="http < GET /api/devices/\?page_size=[0-9]+&search=\*&ordering=[a-z_-]+ status=200 ' 'of its query no value'
said '^time=[^ ]+ level=debug msg="http < GET /api/users/me/\?token=\*&\* status=200 ' 'nor a parameter that is no name'
said "^time=[^ ]+ level=debug msg=\"mqtt > SUBSCRIBE client='iotapi-[^']+' id=1 qos=1 " 'its packets'
said "^time=[^ ]+ level=debug msg=\"mqtt < PUBLISH client='iotapi-[^']+' id=[0-9]+ qos=1 .*topic='iot/sensors/R_1/data' payload=[0-9]+\"\$" 'PUBLISH'

tokens=$(find "$HOME" "$T/other" -name '*token*' -type f)
for secret in $canary admin-password broker-password; do
	is '' "$(grep -F "$secret" all)" "no $secret in any line"
done
# shellcheck disable=SC2086
jq -r '.access, .refresh' $tokens >secrets
is 4 "$(grep -cE '^.{20,}$' secrets)" 'the tokens of two logins are known'
is 0 "$(grep -cFf secrets all)" 'no token in any line'
is 0 "$(grep -ci 'authorization\|bearer' all)" 'nor its header'
done_testing
