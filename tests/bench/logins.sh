#!/bin/sh
# What good requests feel of 32 clients that guess passwords: logins.sh [SECONDS]. Rows as the other benches'; the
# peer is the same server when nobody guesses. OLD=DIRECTORY has an iotapi to compare with.
. "$(dirname "$0")/../lib.sh"
seconds=${1:-10}
attackers=32
[ -x "$build/tests/bench/logins" ] || { echo "no $build/tests/bench/logins: make bench builds it" >&2; exit 2; }
[ -z "${OLD-}" ] || PATH=$OLD:$PATH
start_api
token=$(iotapi token create admin --db "$db")
guess() { "$build/tests/bench/logins" "${api##*:}" "$token" "$1" "$seconds" "$2"; } # guess ATTACKERS USER
value() { sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }

quiet=$(guess 0 - | value p99_us)
row() { # row WHAT LINE
	printf '# %s\n' "$2" >&2
	printf '%s\n' "$2" | value p99_us | awk -v what="$1" -v quiet="$quiet" '{
		printf "%s\t%.2f\t%.2f\t%.2f\t<= 20\t<= 20\t%s\n", what, $1 / 1000, quiet / 1000, $1 / 1000,
			$1 <= 20000 ? "yes" : "NO" }'
}
row "p99 of a good request, ms, $attackers guess one user's password" "$(guess "$attackers" admin)"
row "p99 of a good request, ms, $attackers guess users" "$(guess "$attackers" -)"
