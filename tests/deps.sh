#!/bin/sh
# Installs the Debian packages that a purpose needs and this machine lacks: deps.sh demo |
# check-fast | check [clang] | bench | lint | deb. Says which; asks nothing when all is there, or when it is root.
set -eu

build='build-essential gettext pkg-config libmosquitto-dev libcurl4-openssl-dev libjansson-dev
libreadline-dev libinih-dev libwebsockets-dev libmicrohttpd-dev libsqlite3-dev libssl-dev
libcrypt-dev libyaml-dev'
demo='mosquitto'
fast='libcmocka-dev perl mosquitto-clients python3 curl jq expect universal-ctags mandoc openssl
sqlite3 procps'
# Debian 12's simplejwt does not ask for the pkg_resources that it imports.
check='python3-paho-mqtt strace tmux gdb postgresql bash-completion zsh fish locales
python3-django python3-djangorestframework python3-djangorestframework-simplejwt
python3-django-filters python3-pkg-resources python3-yaml tzdata
systemd prometheus logrotate cron icinga2-bin ruby-hocon gnuplot-nox
'
bench='mosquitto-clients openssl valgrind curl strace perl python3 sqlite3 python3-django
python3-djangorestframework python3-djangorestframework-simplejwt python3-django-filters python3-pkg-resources gunicorn'
lint='mandoc shellcheck cppcheck clang-format'
clang='clang libclang-rt-dev llvm'
deb='debhelper'

wanted=$build
for purpose in "$@"; do
	case $purpose in
	demo) wanted="$wanted $demo" ;;
	check-fast) wanted="$wanted $demo $fast" ;;
	check) wanted="$wanted $demo $fast $check" ;;
	bench) wanted="$wanted $demo $bench" ;;
	lint) wanted="$wanted $lint" ;;
	clang) wanted="$wanted $clang" ;;
	deb) wanted="$wanted $deb" ;;
	*)
		echo "usage: deps.sh demo | check-fast | check [clang] | bench | lint | deb" >&2
		exit 2
		;;
	esac
done

missing=
for p in $wanted; do
	case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
	*'ok installed'*) ;; # once for each architecture
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "Installing Debian packages:$missing" >&2
as_root=
[ "$(id -u)" -eq 0 ] || as_root='sudo'
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# A service that the package would start (mosquitto's) is none of our business.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
	made_policy=yes
fi
status=0
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
[ -z "$made_policy" ] || $as_root rm -f "$policy"
exit $status
