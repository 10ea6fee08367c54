#!/bin/sh
# The house keeps its order: floors, rooms, sizes, hardening.
. "$(dirname "$0")/../lib.sh"
cd "$top" || exit 1

none() { # none 'sentence' COMMAND...: prints nothing
	sentence=$1
	shift
	found=$("$@" 2>&1)
	is '' "$found" "$sentence"
}
sources() { find "$@" -name '*.[ch]' | sort; }
includes() { # includes DIRECTORY PATTERN [EXCEPT]: files that include what they must not
	sources "$1" | xargs grep -lE "#include [<\"]$2" | grep -vE "${3:-^$}" || :
}

none 'base includes no higher floor' includes common/base '(conf|net)/'
none 'conf includes no higher floor' includes common/conf 'net/'
none 'no floor includes a command' includes common '(cmd/|iot)'
none 'commands do not include each other' includes cmd '(\.\./|cmd/|iot[a-z]*/)'
none 'libmosquitto stays in the session' includes . 'mosquitto' '^\./(common/net/session[a-z]*\.[ch]|build)'
none 'libwebsockets stays in relay.c' includes . 'libwebsockets' '^\./(common/net/relay\.c|build)'
none 'libcurl stays in api.c' includes . 'curl/' '^\./(common/net/api\.c|build)'
none 'inih stays in config.c' includes . 'ini\.h' '^\./(common/conf/config\.c|build)'
none 'readline stays in one file of iotctl' includes . 'readline/' '^\./cmd/iotctl/shell\.c'
none 'libyaml stays in one file of iotctl' includes . 'yaml\.h' '^\./(cmd/iotctl/yamlin\.c|build)'
none 'libmicrohttpd stays in iotapi' includes . 'microhttpd' '^\./cmd/iotapi/'
none 'sqlite stays in iotapi' includes . 'sqlite3' '^\./cmd/iotapi/'
none 'jansson is not in base' includes common/base 'jansson'
none 'OpenSSL is not below net' includes common/conf 'openssl'

below() { # below PATTERN: code (not comments) of common/ that has it
	sources common | grep '\.c$' | xargs grep -nE "$1" | grep -vE ':[0-9]+:[[:space:]]*(\*|/\*)' || :
}
none 'nothing below the commands exits' below '[^_a-z]exit\('
none 'nothing below the commands prints to stdout' below '[^a-z_](printf|puts|putchar)\('
none 'nothing below the commands writes SQL' below '"(SELECT|INSERT|UPDATE|DELETE FROM|CREATE TABLE) '
none 'SQL words are in iotapi only' sh -c "find cmd -name '*.c' ! -path 'cmd/iotapi/*' | xargs grep -lE '\"(SELECT|INSERT INTO) ' || :"
none 'lists have one maker of paths, with an order' sh -c "find cmd common -name '*.[ch]' ! -path 'cmd/iotapi/*' ! -path common/net/apilist.c | xargs grep -nE '(page_size|ordering)=|/api/[a-z/-]*\\?|[^:]\"%s\\?' | grep -vF /api/v5/ || :"
none 'banned functions are not used' sh -c "find cmd common -name '*.c' | xargs grep -nE '[^a-z_](strcpy|strcat|sprintf|vsprintf|gets|strtok|ctime|asctime)\(' || :"
none 'no unfinished business' sh -c "grep -rnwE 'TODO|FIXME|XXX' cmd common Makefile completions || :"
none 'every source names its licence' sh -c "find cmd common tests -name '*.[ch]' | xargs grep -L 'SPDX-License-Identifier: GPL-3.0-or-later' || :"

none 'files are under 1,000 lines: one idea each, never cut by size' sh -c "find cmd common -name '*.[ch]' | xargs wc -l | awk '\$2 != \"total\" && \$1 > 1000'"
functions() {
	sources cmd common | grep '\.c$' | ctags -L - --languages=C --kinds-C=f --fields=+ne -f - |
		awk -F '\t' '{ for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) l = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) }
			print e - l + 1, $2 ":" $1 }' | sort -n
}
functions >"$T/functions"
# shellcheck disable=SC2016 # awk's own
none 'functions are under 70 lines' awk '$1 > 70' "$T/functions"
median=$(awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }' "$T/functions")
[ "$median" -lt 16 ]
tap $? "the median function is short ($median lines of $(wc -l <"$T/functions") functions)"

needs() { readelf -d "$build/$1" | sed -n 's/.*NEEDED.*\[\(lib[a-z0-9]*\).*/\1/p' | sort | tr '\n' ' '; }
lacks() { # lacks PROGRAM LIBRARY...
	program=$1
	shift
	found=
	for l in "$@"; do case " $(needs "$program")" in *" $l "*) found="$found $l" ;; esac; done
	is '' "$found" "$program links none of: $*"
}
if [ "${build##*/}" = build ]; then
	for p in iotpub iotsub iotingest; do lacks $p libcurl libmicrohttpd libsqlite3 libreadline; done
	lacks iotstatus libmicrohttpd libsqlite3 libreadline
	lacks iotapi libcurl libreadline
	lacks iotctl libmicrohttpd libsqlite3
	for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
		has "$(readelf -h "$build/$p")" 'DYN (Position-Independent' "$p is position independent"
		has "$(readelf -d "$build/$p")" 'BIND_NOW' "$p binds at start (full RELRO)"
		has "$(readelf -s "$build/$p")" '__stack_chk_fail' "$p protects its stack"
		has "$(readelf -s "$build/$p")" '_chk@' "$p is fortified"
	done
fi
done_testing
