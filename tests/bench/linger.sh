#!/bin/sh
# The examples of --help and of the page that have --linger, against the same without it, at a broker that
# allows 20 (mosquitto) and 32 (EMQX) unacknowledged messages: acknowledgements a second, once its limit is
# learned, which takes two lingers (of 300 ms here). linger.sh [ROUNDS]
. "$(dirname "$0")/lib.sh"
page=$(cd "$(dirname "$0")/../.." && pwd)/man/iotingest.1
mkdir "$T/bin" "$T/work"
cd "$T/work"
PATH="$T/bin:$build:$PATH"
# A database's part: it takes the rows and brings them to the disk.
printf '#!/bin/sh\ncat >>rows && sync rows\n' >"$T/bin/psql"
chmod +x "$T/bin/psql"

# One example a line.
iotingest --help | sed -n 's/^ *\(iotingest .*--linger.*\)/\1/p' >"$T/examples"
mandoc -Tascii -O width=200 "$page" | col -bx | sed -n '/^EXAMPLES/,$p' |
	sed -e ':a' -e '/\(\\\|&&\)$/N; s/\\\n */ /; ta; s/&&\n */\&\& /; ta' | sed -n 's/^ *\(iotingest .*--linger.*\)/\1/p' >>"$T/examples"
[ "$(wc -l <"$T/examples")" -ge 3 ] || { echo 'the examples are not found' >&2; exit 2; }

# Whole windows of both: the last batch is one too, or it would linger, as it should.
at_window() { # at_window W SCRIPT
	"$feed" -n 4800 -q 1 --window "$1" --from 960 --out /dev/null -- sh "$2" '{port}' 2>>"$T/err"
	rm -rf "$T/work/"*
}
while read -r example; do
	# shellcheck disable=SC2016 # for the scripts
	printf 'exec %s -h localhost -p "$1" --quiet\n' "$example" |
		sed 's/--linger [0-9]*/--linger 300/' >"$T/with"
	sed 's/--linger 300//' "$T/with" >"$T/without"
	for window in 20 32; do
		rm -f "$T/ours" "$T/theirs"
		compare rate "at_window $window $T/with" "at_window $window $T/without"
		row "$(echo "$example" | cut -d ' ' -f 2,3), window of $window" "$our" "$their" "$more" 0.8 1
	done
done <"$T/examples"
