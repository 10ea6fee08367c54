#!/bin/sh
# The worker over TLS: the broker row's own CA certificate is what it trusts, and nothing else.
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

authority right
authority wrong
certificate server right IP:127.0.0.1
port=$(free_port)
start_broker 'allow_anonymous true' "listener $port 127.0.0.1" \
	"certfile $T/server.crt" "keyfile $T/server.key"
start_api --verbose
token=$(iotapi token create admin --db "$db")
call() { # call METHOD PATH, the body on stdin
	curl -sS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		-d @- "$api$2"
}
row() { # row CA: the broker row as JSON
	jq -n --rawfile ca "$1.crt" --argjson port "$port" \
		'{nombre: "B", host: "127.0.0.1", port: $port, protocol: "mqtts", ca_cert: $ca}'
}
says() { grep -q "broker 'B': $1" "$T/api.log"; }
row wrong | call POST /api/mqtt/brokers/ >/dev/null
ok 'a certificate of another authority is refused, and said' wait_for 10 says '.*certificate'
! says listening
tap $? 'and nothing is listened to'
row right | jq '{ca_cert}' | call PATCH /api/mqtt/brokers/1/ >/dev/null
ok "with the right CA in the row the worker listens" wait_for 10 says listening
done_testing
