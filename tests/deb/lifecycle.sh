#!/bin/sh
# The life of the packages, as root on a Debian that may be spoilt (tools/chroot makes one):
#	lifecycle.sh OLD NEW	directories with .deb files, as `make deb` leaves them
# Installs OLD, uses it, upgrades to NEW, runs debian/tests, removes, purges: nothing of it may be left.
old=$(cd "$1" && pwd) && new=$(cd "$2" && pwd) || exit 2
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # not the build's
export DEBIAN_FRONTEND=noninteractive
names='iot-utils iot-utils-api iot-utils-doc'

quietly() { # COMMAND...: its output only when it fails
	"$@" >"$T/log" 2>&1 </dev/null || { s=$?; note "$*: $(tail -n 30 "$T/log")"; return $s; }
}
debs() { for p in $names; do ls "$1/${p}"_*.deb; done; }
# Who has changed a conffile keeps it.
# shellcheck disable=SC2046
install() { quietly apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold $(debs "$1"); }
# shellcheck disable=SC2086
purge() { quietly apt-get purge -y -q $names; }
# All but what the system itself notes down: logs, caches, the package manager's lists.
files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /home -o -path "$T" \) -prune -o -printf '%y %m %u %p\n' |
		sort
	sort /etc/passwd /etc/group /etc/shadow
}
run_test() (cd "$top" && "$1")
version_of() { dpkg-query -W -f '${Version}' iot-utils; }

quietly apt-get update -q
# What they depend on, and what the tests of them use, stays for the comparison.
# shellcheck disable=SC2046
ok 'tools for debian/tests' quietly apt-get install -y -q --no-install-recommends mosquitto perl bash-completion fish \
	man-db systemd zsh
ok 'the old ones can be installed' install "$old"
ok 'and purged' purge
files >before

ok 'the old ones again' install "$old"
was=$(version_of)
is '0700 iotapi' "$(stat -c '0%a %U' /var/lib/iotapi)" 'the service has a directory of its own'
is '600 root' "$(stat -c '%a %U' /etc/iot/iotapi.key)" 'and a key, which systemd hands to it'
cp /etc/iot/iotapi.key key
as_iotapi() { setpriv --reuid=iotapi --regid=iotapi --clear-groups env HOME=/var/lib/iotapi "$@"; }
add_user() { echo some-password | as_iotapi iotapi user add admin --password-file - --db /var/lib/iotapi/iotapi.db; }
ok 'a user of the API' add_user
echo 'timeout = 31s' >>/etc/iot/iot.conf

ok 'the new ones over them' install "$new"
[ "$was" != "$(version_of)" ]
tap $? "are of another version ($was, $(version_of))"
has "$(iotctl config show)" 31000ms 'a changed /etc/iot/iot.conf stays'
ok 'so does the key' cmp key /etc/iot/iotapi.key
ok 'the database is read' as_iotapi iotapi check --db /var/lib/iotapi/iotapi.db
for t in "$top"/debian/tests/demo "$top"/debian/tests/places; do
	ok "debian/tests/${t##*/}" quietly run_test "$t"
done

# shellcheck disable=SC2086
ok 'they can be removed' quietly apt-get remove -y -q $names
ok 'and the database stays' test -s /var/lib/iotapi/iotapi.db
ok 'and /etc/iot/iot.conf' test -s /etc/iot/iot.conf
is '' "$(command -v iotctl iotapi)" 'without any program'
ok 'purged' purge
files >after
is '' "$(diff before after)" 'nothing is left'
done_testing
