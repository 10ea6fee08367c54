#!/bin/sh
# What iotctl says when something is wrong, and its exit status.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

says() { # STATUS PART COMMAND...
	wanted=$1 part=$2
	shift 2
	run "$@"
	sentence=$*
	exits "$wanted" "${sentence%%
*}" # its first line
	has "$err" "$part" "  says: $part"
	is '' "$out" '  and nothing on stdout'
}

# Without any API.
says 2 "unknown resource or command 'brokr'; did you mean 'broker'?" iotctl brokr list
says 2 "broker has no verb 'lst'; did you mean 'list'?" iotctl broker lst
says 2 'broker what? there are list, get, create, set, delete, test, sync, activate, deactivate' iotctl broker
says 2 "reading has no verb 'delete'" iotctl reading delete 1
says 2 "did you mean '--format'?" iotctl --fromat json broker list
says 2 "there are broker, topic" iotctl xyzzy
says 4 "not logged in at 'http://localhost:8000': run 'iotctl login" iotctl broker list
export IOT_TOKEN=some-token
says 5 "cannot reach the API at 'http://127.0.0.1:1': connection refused" \
	iotctl broker list --api-url http://127.0.0.1:1
says 2 "is no API URL such as http://localhost:8000" iotctl broker list --api-url localhost:8000
says 2 'must not hold a password' iotctl broker list --api-url http://a:b@localhost
says 5 "cannot reach the API at 'http://no.invalid:80'" \
	iotctl broker list --api-url http://no.invalid:80
says 2 'which broker?' iotctl broker get
says 2 'nothing to set' iotctl broker set x
says 2 "broker has no field 'prot'; did you mean 'port'?" iotctl broker set x prot=1
says 2 "'id' of broker is set by the server" iotctl broker set x id=1
says 2 "no terminal to ask for 'password' on" iotctl broker set x password@
unset IOT_TOKEN

# shellcheck disable=SC2119
start_api
says 4 'refused the token' env IOT_TOKEN=wrong iotctl broker list
printf 'wrong\n' >wrong
chmod 600 wrong
says 4 "cannot log in as 'admin' at" iotctl broker list --password-file wrong
printf 'open\n' >open
chmod 644 open
says 2 'others may read it: chmod 600' iotctl broker list --password-file open
says 3 "no broker 'nope'" iotctl broker get nope
says 3 "no broker '99'" iotctl broker get 99
says 3 "no broker 'nope'" iotctl device-config list broker=nope
says 3 '' iotctl api GET nothing/here
says 2 "'nope': list takes FIELD=VALUE" iotctl broker list nope
says 2 "--sort: broker has no field 'prot'; did you mean 'port'?" iotctl broker list --sort prot
says 2 "--sort: 'password' of broker is never shown" iotctl broker list --sort password
says 2 "'password' of broker is never shown" iotctl broker list password=x

# Data refused on this side: all wrong fields, a line each.
run iotctl broker create nombre='' port=0 protocol=tcp keepalive=9 use_tls=maybe
exits 2 'wrong fields'
is 6 "$(printf '%s\n' "$err" | wc -l)" 'are told one a line' # host is missing too
for f in nombre port protocol keepalive use_tls; do
	has "$err" "iotctl: $f: " "  $f"
done
says 2 'qos: ' iotctl topic create nombre=x topic_pattern=a/b qos=3
says 2 "unknown variable '{foo}'" iotctl topic create nombre=x topic_pattern='a/{foo}'
for id in 'a+b' 'a/b' 'a#b' "a
b" ''; do
	says 2 'identificador_unico: ' iotctl device create nombre=x tipo=esp32 ubicacion=y \
		identificador_unico="$id"
done
says 2 "metadata_json: '{' is no JSON" \
	iotctl device-config create device:=1 broker:=1 metadata_json:='{'
says 2 '+= and -= are for lists' iotctl broker set 1 port+=1
says 2 "cannot read 'nofile'" iotctl broker create B host=h ca_cert@nofile
says 2 'the body is no JSON: wrong at byte 6' iotctl api POST mqtt/brokers '{"a":}'
says 2 'is no method' iotctl api FETCH mqtt/brokers

# Data refused by the server.
iotctl broker create B host=h >/dev/null
says 6 'cannot create broker: nombre: ' iotctl broker create B host=h
says 6 'mqtt' iotctl api POST mqtt/brokers nombre=C host=h protocol=tcp
iotctl broker create B2 host=h >/dev/null
says 6 "cannot change broker 'B2': nombre: " iotctl broker set B2 nombre=B

# A server that does not answer.
kill -STOP "$api_pid"
says 5 "the API at '$api' is too slow: no answer within" iotctl broker list --timeout 1s
kill -CONT "$api_pid"
ok 'and one that does again' iotctl broker list --timeout 5s

# Several names.
run iotctl broker get B nope B2 -o ndjson --columns nombre
exits 1 'one of several failed'
is '{"nombre":"B"}
{"nombre":"B2"}' "$out" 'the others are there'
is "iotctl: no broker 'nope'
iotctl: 1 of 3 failed" "$err" 'and it is told'

is '[]' "$(iotctl broker get - -o json </dev/null)" 'no name at all is an empty list'
is '' "$(iotctl broker get - -o ndjson </dev/null)" 'in each format its own'

# What set answers in a format.
is '[1883,1883]' "$(iotctl broker set B B2 port=1883 -o json 2>/dev/null | jq -c '[.[].port]')" \
	'set of several is one document, unchanged ones in their places'
is 1884 "$(iotctl broker set B port=1884 -o json | jq .port)" 'of one, an object'
is '[1884]' "$(echo B | iotctl broker set - port=1884 -o json | jq -c '[.[].port]')" 'of those on stdin, a list'
is 1884 "$(iotctl broker set B port=1884 -o json | jq .port)" 'also when it is unchanged'
is 'B
B2' "$(iotctl broker set B B2 port=1885 -o csv --columns nombre --no-header)" 'csv has one header'

# Ambiguous names.
iotctl device create A1 nombre=same tipo=esp32 ubicacion=x >/dev/null
iotctl device create A2 nombre=same tipo=esp32 ubicacion=x >/dev/null
says 2 "device 'same' is ambiguous: " iotctl device get same
has "$err" '(A1)' 'and both are named'
has "$err" '(A2)' 'both'
other=$(cell device A1 id)
iotctl device create "$other" nombre=number tipo=esp32 ubicacion=x >/dev/null
says 2 "use the id, such as id:" iotctl device get "$other"
is A1 "$(cell device "id:$other" identificador_unico)" 'id:N is the id'
is "$other" "$(cell device number identificador_unico)" 'another name is another way'
for n in 8001 8002; do
	iotctl device create $n nombre=x$n tipo=esp32 ubicacion=x >/dev/null
	iotctl device-config create "$(cell device $n id)" broker=B >/dev/null
done
is x8002 "$(cell device-config 8002 dispositivo_nombre)" \
	'a number is the name of a device where it is no id'
is 3 "$(iotctl device get id:99999 2>/dev/null; echo $?)" 'id:N that is not there'
is 3 "$(iotctl broker get id:x 2>/dev/null; echo $?)" 'id:x is a name'
iotctl device-config delete 8001 8002 --yes --quiet
iotctl device delete number 8001 8002 --yes --quiet

# Secrets in arguments.
run iotctl broker create B3 host=h password=geheim
exits 0 'a password as an argument works'
has "$err" 'give password@FILE instead' 'and is warned of'
without "$err" geheim 'without repeating it'

run iotctl broker set B3 password:='"geheim"'
has "$err" 'give password@FILE instead' 'one as JSON is warned of, too'
run iotctl broker set B3 password:=geheim
exits 2 'one that is no JSON'
without "$err" geheim 'is not repeated'
run iotctl api POST mqtt/brokers nombre=x password:=geheim
exits 2 'nor by api'
without "$err" geheim 'is not repeated'

# Secrets in files that others may read: passwords and keys, in a field or a manifest.
printf -- '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n' >key.pem
printf -- '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' >cert.pem
printf 'geheim-geheim\n' >pw
printf 'kind: credential\ndispositivo: A1\nclient_id: A1\nusername: u\npassword@file: pw\nclient_key@file: key.pem\n' \
	>key.yaml
chmod 644 cert.pem
for mode in 640 604; do
	chmod 600 pw
	chmod $mode key.pem
	says 2 "'key.pem' holds a secret and others may read it: chmod 600 it" \
		iotctl credential create device=A1 client_id=A1 username=u password@pw client_cert@cert.pem client_key@key.pem
	says 2 "'key.pem' holds a secret and others may read it: chmod 600 it" iotctl apply -f key.yaml
	chmod $mode pw
	says 2 "'pw' holds a secret and others may read it: chmod 600 it" \
		iotctl credential create device=A1 client_id=A1 username=u password@pw
done
chmod 600 pw key.pem
run iotctl credential create device=A1 client_id=A1 username=u password@pw client_cert@cert.pem client_key@key.pem
exits 0 'with 0600 they are taken; a certificate is for all'
done_testing
