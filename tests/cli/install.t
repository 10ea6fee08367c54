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
	for page in iotctl.1 iotingest.1 iotpub.1 iotstatus.1 iotsub.1 iot.conf.5 iot-utils.7 iotapi.8; do
		echo "share/man/man${page##*.}/$page"
	done
)
unset MAKEFLAGS MAKELEVEL MFLAGS
inst() { make -s -C "$top" O="$build" DESTDIR="$T/root" PREFIX=/usr "$@"; }
# The programs are there: nothing may be built again under the feet of the other tests.
ok 'make install' inst -o all -o "$build/iotctl" install
is "$(printf '%s\n' "$wanted" | sort)" "$(cd "$T/root/usr" && find . -type f | sed 's|^\./||' | sort)" \
	'every file is in its place, and no other'
is 755 "$(stat -c %a "$T/root/usr/bin/iotctl")" 'programs may be run'
is 644 "$(stat -c %a "$T/root/usr/share/man/man1/iotctl.1")" 'pages may be read'
ok 'make uninstall' inst uninstall
is '' "$(find "$T/root" -type f)" 'nothing is left'
done_testing
