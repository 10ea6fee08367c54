#!/bin/sh
# Planted secrets: nowhere but in the requests, the files they came from and the files they are kept in.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_django
login=canary-of-the-login
device=canary-of-the-device
ca=canary-of-the-key
for s in login device; do
	eval "printf '%s\n' \"\$$s\"" >"$s.pw"
done
printf -- '-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n' $ca >key.pem
chmod 600 ./*.pw key.pem
iotctl user create canary password@login.pw >/dev/null
# A superuser, which the API cannot make.
sqlite3 "$T/django/db" "UPDATE plataforma_user SET is_superuser = 1 WHERE username = 'canary'"
rm -rf "$HOME/.local"
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
cat >fleet.yaml <<YAML
kind: broker
nombre: B
host: h
password@file: device.pw
---
kind: credential
dispositivo: D1
client_id: D1
username: u
password@file: device.pw
client_key@file: key.pem
YAML

# watched COMMAND...: every argv of its processes, and all that it says.
watched() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -s 100000 -v -e trace=execve -o "argv.$n" "$@" >"said.$n" 2>&1 </dev/null
	status=$?
	out='' err=''
	n=$((n + 1))
}
n=1
watched iotctl login "$api" --api-username canary --password-file login.pw -v -v
exits 0 'login'
watched iotctl device create D1 nombre=x tipo=esp32 ubicacion=y -v -v
watched iotctl apply -f fleet.yaml -v -v
exits 0 'apply'
watched iotctl apply -f fleet.yaml --dry-run -v -v
watched iotctl diff -f fleet.yaml -v -v
watched iotctl credential set D1 password@device.pw client_key@key.pem -v -v
for f in table json ndjson csv yaml; do watched iotctl credential get D1 -o $f -v -v; done
watched iotctl export --all -v -v
watched iotctl emqx-user set device_D1 password@device.pw -v -v
exits 0 'set'
watched iotctl broker create C host=h password@device.pw port=0 -v -v
watched iotctl user set canary password@device.pw -n -v -v
# The shell's lines are no arguments; a password that is made is only in its file, which is taken away.
printf 'broker create S host=h password=%s\nbroker set S "password=%s" -v -v\nbroker list -v -v\n' $login $device >lines
watched sh -c 'iotctl -v -v <lines'
exits 0 'commands from a pipe'
rm lines
watched iotctl credential rotate D1 --credentials made.csv -v -v
exits 0 'rotate'
made=$(awk -F, '$1 == "D1" { print $4 }' made.csv)
is 24 ${#made} 'a password was made'
rm made.csv
watched iotctl emqx-user set-password device_D1 password@device.pw --credentials made.csv -v -v
exits 0 'set-password'
rm made.csv
watched iotctl doctor D1 -v -v
watched iotctl acl export -v -v
watched iotctl __complete -- credential get ''
watched iotctl config show
watched iotctl context list

hits() { grep -rlE "$login|$device|$ca|$made" "$@" 2>/dev/null | tr '\n' ' '; }
clean() { # clean 'sentence' FILE...: something is there, and no secret in it
	sentence=$1
	shift
	is "$([ -n "$(find "$@" -type f -size +0)" ] || echo 'no files')" "$(hits "$@")" "$sentence"
}
clean 'no argv' argv.*
clean 'neither stdout nor stderr, with -v -v either' said.*
clean 'no file at home: settings, tokens, hashes, history' "$HOME"
is 3 "$(hits ./*.pw key.pem | wc -w)" 'the search finds them where they are'
for f in "$HOME"/.local/state/iot/*.json; do
	is 600 "$(stat -c %a "$f")" "${f##*/} is its owner's"
done
# core_limit [VARIABLE=VALUE]: that of an iotctl which may write cores of any size, has answered a command, and waits for
# the next. (AddressSanitizer lowers the limit by itself.)
mkfifo commands
core_limit() {
	rm -f answer
	# shellcheck disable=SC3045 # dash has it
	(ulimit -c unlimited && exec env "$@" ASAN_OPTIONS="${ASAN_OPTIONS-}:disable_coredump=0" iotctl) <commands >answer 2>&1 &
	pid=$!
	exec 3>commands
	echo 'config path' >&3
	wait_for 20 test -s answer
	sed -n 's/^Max core file size *\([^ ]*\) .*/\1/p' "/proc/$pid/limits" >limit
	exec 3>&-
	wait "$pid"
	cat limit
}
is 0 "$(core_limit IOT_CORE=)" 'no core is ever written'
is unlimited "$(core_limit IOT_CORE=1)" 'but for a developer who asks for one with IOT_CORE=1'

# The controls: a secret that is shown on purpose is found, and so is one on a command line.
watched iotctl credential get D1 --show-secrets
has "$(hits said.*)" "said.$((n - 1))" '--show-secrets shows them'
watched iotctl broker create Z host=h password=$device -n
has "$(hits argv.*)" "argv.$((n - 1))" 'an argument is seen in argv'
clean 'and only there' "said.$((n - 1))"
done_testing
