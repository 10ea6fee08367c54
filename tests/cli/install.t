#!/bin/sh
# make install puts files where they belong, and uninstall takes them away again.
. "$(dirname "$0")/../lib.sh"

wanted=$(
	for p in iotapi iotctl iotingest iotpub iotstatus iotsub; do
		echo "bin/$p"
		echo "share/bash-completion/completions/$p"
		echo "share/fish/vendor_completions.d/$p.fish"
		echo "share/zsh/site-functions/_$p"
	done
	for unit in "$top"/cmd/*/*.service "$top"/cmd/*/*.timer; do echo "lib/systemd/system/${unit##*/}"; done
	for example in "$top"/examples/*; do echo "share/doc/iot-utils/examples/${example##*/}"; done
	for po in "$top"/po/*.po; do echo "share/locale/$(basename "$po" .po)/LC_MESSAGES/iot-utils.mo"; done
	for page in iotctl.1 iotingest.1 iotpub.1 iotstatus.1 iotsub.1 iot.conf.5 iot-utils.7 iotapi.8; do
		echo "share/man/man${page##*.}/$page"
	done
)
unset MAKEFLAGS MAKELEVEL MFLAGS SAN
inst() { make -s -C "$top" O="$build" DESTDIR="$T/root" PREFIX=/usr "$@"; }
# The programs are there: nothing may be built again under the feet of the other tests.
ok 'make install' inst -o all -o "$build/iotctl" install
is "$(printf '%s\n' "$wanted" | sort)" "$(cd "$T/root/usr" && find . -type f | sed 's|^\./||' | sort)" \
	'every file is in its place, and no other'
is 755 "$(stat -c %a "$T/root/usr/bin/iotctl")" 'programs may be run'
is 644 "$(stat -c %a "$T/root/usr/share/man/man1/iotctl.1")" 'pages may be read'
ok 'make uninstall' inst uninstall
is '' "$(find "$T/root" -type f)" 'nothing is left'

# Where fish looks by itself: /usr/local is no place of Debian's for it.
ok 'make install below /usr/local' inst -o all -o "$build/iotctl" PREFIX=/usr/local install
is etc/fish/completions/iotctl.fish "$(cd "$T/root" && find . -name iotctl.fish | sed 's|^\./||')" 'fish finds its own'
inst PREFIX=/usr/local uninstall
is '' "$(find "$T/root" -type f)" 'and that goes, too'

# Debian's packages have each file that is installed, once, and none that is not; debian/rules says where.
packed=$(awk 'NF == 1' "$top"/debian/*.install)
inst -o all -o "$build/iotctl" UNITDIR=/usr/lib/systemd/system ZSHDIR=/usr/share/zsh/vendor-completions install
claimed() { # claimed FILE: by how many lines
	n=0
	for line in $packed; do
		# shellcheck disable=SC2254
		case $1 in $line | $line/*) n=$((n + 1)) ;; esac
	done
	echo $n
}
others=$(cd "$T/root" && find . -type f | sed 's|^\./||' | while read -r f; do [ "$(claimed "$f")" = 1 ] || echo "$f"; done)
is '' "$others" 'each file is in one package'
gone=$(cd "$T/root" && for line in $packed; do
	# shellcheck disable=SC2086
	ls -d $line >/dev/null 2>&1 || echo "$line"
done)
is '' "$gone" 'and packages have no other'
version=$("$build/iotctl" --version | cut -d ' ' -f 3)
is "iot-utils ($version) " "$(sed -n '1s/).*/) /p' "$top/debian/changelog")" 'they have the version of the programs'

# /etc/iot/iot.conf of the package, as it is and with all that it proposes.
run iotctl --config "$top/examples/iot.conf" config show
exits 0 'examples/iot.conf can be used as it is'
sed -n 's/^#\([a-z_]* = .*\|\[.*\)$/\1/p' "$top/examples/iot.conf" >all.conf
run iotctl --config all.conf config show
exits 0 'and without its comment signs'
has "$out" 'http://localhost:8000' 'which say something'

# Each example begins with how it is used, and is run by a test, which names it.
untested() { # untested EXAMPLE...
	for example; do
		name=$(basename "$example" | sed 's/\./\\./g')
		grep -qE "examples/($name|${name%\\.*})([^A-Za-z0-9._-]|\$)" "$top"/tests/cli/*.t "$top"/tests/*.sh || basename "$example"
	done
}
is '' "$(untested "$top"/examples/*)" 'each example is run by a test'
made_up=nobodys.conf
is $made_up "$(untested "examples/$made_up")" 'negative control: one that is run by none'
is '' "$(for example in "$top"/examples/*; do
	head -n 3 "$example" | grep -qE '^(#|--|//|/\*|""")|"title": ' || echo "$example"
done)" '  and says at its head what it is for'

# What a release needs is told, and nothing more once it is there.
mkdir -p tree/tools tree/man tree/cmd/iotapi/db tree/debian tree/tests/old
cp "$top/tools/release-check" tree/tools
echo 'VERSION    := 3.2.1' >tree/Makefile
echo 'enum { VERSION = 4 };' >tree/cmd/iotapi/db/tables.c
printf 'What changed.\n\nUnreleased\n' >tree/NEWS
echo 'iot-utils (3.2.0) unstable; urgency=medium' >tree/debian/changelog
echo '.Dd November 23, 2020' >tree/man/iotctl.1
repo() { git -C tree -c user.name=someone -c user.email=someone@example "$@" >/dev/null; }
all='NEWS debian/changelog man/iotctl.1 tests/old'
missing() { printf '%s\n' "$out" | sed -n 's/^MISSING  \([^ ]*\) .*/\1/p' | tr '\n' ' '; }
repo init -q
run tree/tools/release-check
exits 1 'a tree that is not ready'
is "$all all the " "$(missing)" 'lacks all of it'
printf 'What changed.\n\n3.2.1 (2026-11-30)\n' >tree/NEWS
echo 'iot-utils (3.2.1) unstable; urgency=medium' >tree/debian/changelog
echo ".Dd $(LC_ALL=C date '+%B %d, %Y' -d tomorrow)" >tree/man/iotctl.1
echo dump >tree/tests/old/4.sql
repo add -A
repo commit -qm release
repo tag -a -m 3.2.1 v3.2.1
run tree/tools/release-check
exits 0 'one that is ready'
is ' ' "$(missing) " 'lacks nothing'

# What is committed, and nothing that was made of it.
if git -C "$top" rev-parse HEAD >commit 2>/dev/null; then
	ok 'make dist' inst O="$T/out" dist
	tar -xzf out/*.tar.gz
	is "$(git -C "$top" ls-tree -r --name-only HEAD | sort)" "$(cd iot-utils-*/ && find . -type f | sed 's|^\./||' | sort)" \
		'has what git has'
	is "$(cat commit)" "$(cat iot-utils-*/tools/commit)" 'and knows its commit'
	is "$(cut -c 1-12 commit)" "$(make -s -C iot-utils-*/ -pn all 2>/dev/null | sed -n 's/^COMMIT := //p')" 'which its programs will tell'
fi
done_testing
