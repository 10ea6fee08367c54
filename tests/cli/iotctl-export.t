#!/bin/sh
# export of secrets: references to files, which apply need not find for what is there, but must for what
# is not. Each backend's export goes to an empty one of the same kind.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

printf 'planted-password\n' >pw
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=D2 -days 2 \
	-keyout made.pem -out cert.pem 2>/dev/null
{ echo planted-key && cat made.pem; } >key.pem
chmod 600 pw key.pem
long=$(printf '€%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25)
long=$long$long$long$long

fill() {
	iotctl device create D1 nombre=x tipo=esp32 ubicacion=y
	iotctl device create D2 nombre=x tipo=esp32 ubicacion=y
	iotctl credential create device=D1 client_id=D1 username=device_1 password@pw
	iotctl credential create device=D2 client_id=D2 username=device_2 password@pw use_device_cert=true \
		client_cert@cert.pem client_key@key.pem
	iotctl broker create 'A/B: 100%' host=h username=u password@pw
	iotctl broker create .. host=h username=u password@pw
	iotctl broker create Open host=h
	iotctl broker create "$long" host=h username=u password@pw
}

# watched COMMAND...: with all that it sends in the file sent
watched() { ASAN_OPTIONS=detect_leaks=0 strace -f -qq -s 60 -e trace=sendto,sendmsg,write -o sent "$@"; }
writes() { grep -cE '"(POST|PATCH|PUT|DELETE) /api/(devices|mqtt|sensors|usuarios|users|roles|emqx)' sent; }

# carry NAME EMPTY: the backend's export, then to the empty one that the command EMPTY starts
carry() {
	fill >fill.out 2>&1
	run iotctl export --all
	exits 0 "$1: export"
	printf '%s\n' "$out" >all.yaml
	is 6 "$(grep -c '@file: .*secrets/\(broker\|credential\)/' all.yaml)" 'a reference for each secret'
	for path in 'password@file: secrets/credential/D1.password' 'client_key@file: secrets/credential/D2.client_key' \
		'password@file: "secrets/broker/A%2FB: 100%25.password"' 'password@file: "secrets/broker/%2E..password"'; do
		has "$out" "$path" "$path"
	done
	no_line all.yaml 'none for what is not in use' 'Open.password\|D1.client_key'
	is 1 "$(grep -c 'secrets/broker/%id[0-9]*.password' all.yaml)" 'a long name is its id'
	no_line all.yaml 'no value' planted
	has "$(iotctl export broker --secrets /etc/x -o json)" '"password@file":"/etc/x/broker/' '--secrets DIR'
	n=$(grep -c '@file' all.yaml)
	iotctl export --all | watched iotctl apply -f - >out 2>err
	is 0 $? 'export | apply'
	is "$(grep -c ^kind: all.yaml) 0" "$(grep -c '^unchanged' out) $(writes)" 'changes nothing and sends no write'
	is 1 "$(grep -c "secrets without their file stay as they are: $n, the first 'secrets/" err)" 'says once how many'
	run iotctl diff -f all.yaml
	exits 0 'diff finds nothing'
	has "$err" 'stay as they are: ' 'and says the same'
	run iotctl broker set Open port=1999
	run iotctl diff -f all.yaml
	is "  broker 'Open'
-   port: 1999
+   port: 1883" "$out" 'the rest is compared'
	sed 's/^password@file: .*Open/&/; /nombre: Open/a password: x\npassword@file: nothing' all.yaml >twice.yaml
	run iotctl apply -f twice.yaml
	exits 2 'a secret and a reference for the same field'
	has "$err" "'password' stands there twice" 'is told'

	# Elsewhere.
	stop_api
	rm -rf "$T/iot.db"* "$T/api.url" "$T/django" "$HOME/.local/state/iot"
	$2
	run iotctl apply -f all.yaml
	exits 1 'nothing to make them with'
	has "$err" "password: a new one needs it, and 'secrets/broker/A%2FB: 100%25.password' is not there" 'names the file'
	run iotctl broker get ..
	exits 3 'and makes none without'
	run iotctl broker get Open
	exits 0 'what has no secret is made'
	mkdir moved
	cp all.yaml moved
	sed -n 's/^[a-z_]*@file: "*\([^"]*\)"*$/\1/p' all.yaml | while read -r path; do
		mkdir -p "moved/${path%/*}"
		case $path in *client_key) cp key.pem "moved/$path" ;; *) cp pw "moved/$path" ;; esac
	done
	chmod -R go= moved
	run watched iotctl apply -f moved/all.yaml
	exits 0 'with the files in place, beside the document'
	is yes "$([ "$(writes)" -ge 5 ] && echo yes)" 'which takes writes'
	is '' "$err" 'none is missing'
	iotctl export --all | sed 's/%id[0-9]*/%id/' >there.yaml
	sed 's/%id[0-9]*/%id/' all.yaml >here.yaml
	is '' "$(sort here.yaml | diff - "$(sort there.yaml >sorted; echo sorted)")" 'all is there'
	run watched iotctl apply -f moved/all.yaml
	is 0 "$(writes)" 'twice sends no write'
	rm -r moved
}

# shellcheck disable=SC2119
start_api
carry iotapi start_api
stop_api
rm -rf "$HOME/.local/state/iot"
start_django
carry Django start_django
is planted-password "$(iotctl credential get D1 --show-secrets --json | jq -r .password)" 'the password is the file'"'"'s'
has "$(iotctl credential get D2 --show-secrets --json | jq -r .client_key)" planted-key 'and so is the key'
done_testing
