#!/bin/sh
# The units of systemd: whole, hardened, and their credentials can be read.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
command -v systemd-analyze >/dev/null || skip_all 'no systemd'

exposure() { # exposure UNIT
	timeout 30 systemd-analyze security --offline=true --no-pager "$1" |
		sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}
little() { [ "$(printf '%s 2.0\n' "${1:-9}" | awk '{ print $1 <= $2 }')" = 1 ]; }

for unit in "$top"/cmd/*/*.service "$top"/cmd/*/*.timer; do
	name=$(basename "$unit" | sed 's/@/@test/')
	# A unit says what it runs by its name; the test's programs are in no directory of systemd's.
	sed "s|^\(Exec[A-Za-z]*=-\{0,1\}\)iot|\1$build/iot|" "$unit" >"$name"
done
for name in *.service *.timer; do
	is '' "$(systemd-analyze verify --man=no "./$name" 2>&1 | grep "$name")" "$name: nothing to complain of"
done
for name in *.service; do
	score=$(exposure "$name")
	little "$score"
	tap $? "$name: exposure at most 2.0 ($score)"
	sed '/^\(Private\|Protect\|Restrict\|System\|Capab\|NoNew\)/d' "$name" >bare.service
	score=$(exposure bare.service)
	! little "$score"
	tap $? "  which is more without its hardening ($score)"
done
echo '[Nonsense]' >>iotstatus.service
has "$(systemd-analyze verify --man=no ./iotstatus.service 2>&1)" Nonsense 'what is wrong with a unit would be told'

# systemd 254 and later: a credential is root's, and an ACL lets the user read it, which looks like rights of a group.
start_http answers
mkdir creds
printf 'api-password\n' >creds/api.pw
chmod 440 creds/api.pw
asks() {
	run env CREDENTIALS_DIRECTORY="$1" IOT_API_URL="$http_url" IOT_USERNAME=admin IOT_PASSWORD_FILE="$T/creds/api.pw" \
		iotstatus -w 90:
}
echo 'POST /api/auth/login/ 200 application/json {"access":"a","refresh":"b"}
GET /api/devices/mqtt-stats/ 404 application/json {}' >"$http/answers"
asks "$T/creds"
without "$out$err" 'chmod 600' 'a credential of systemd can be read'
has "$(cat "$http/log")" /auth/login/ 'and is used'
rm -r "$HOME/.local" # the token
asks "$T"
has "$out$err" "'$T/creds/api.pw' holds a secret and others may read it: chmod 600 it" 'another file with that mode cannot'
done_testing
