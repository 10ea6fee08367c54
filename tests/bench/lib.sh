# shellcheck shell=sh
# Benches: each compares with a peer in the same run, by turns, and prints rows
#	WHAT <tab> OURS <tab> PEER <tab> RATIO <tab> FLOOR <tab> AIM <tab> VERDICT
# Only the ratio counts: the machine's own speed cancels out. Source it first.
set -eu
build=${IOT_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
feed=$build/tests/bench/feed
rounds=${1:-5}
export LC_ALL=C.UTF-8 HOME=/nonexistent PATH="$PATH:/usr/sbin"
T=$(mktemp -d "${TMPDIR:-/tmp}/iot-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP
[ -x "$feed" ] || { echo "no $feed: make bench builds it" >&2; exit 2; }

# The two subscribers of every comparison, as arguments of feed. More options may follow.
filter='iot/sensors/+/data'
theirs() { # theirs FEED-OPTION... -- OPTION...
	opts=$(before_dashes "$@")
	shift $(($(echo "$opts" | wc -w) + 1))
	# shellcheck disable=SC2086
	"$feed" $opts -- mosquitto_sub -h localhost -p '{port}' -t "$filter" -F %j "$@" 2>>"$T/err"
}
ours() {
	opts=$(before_dashes "$@")
	shift $(($(echo "$opts" | wc -w) + 1))
	# shellcheck disable=SC2086
	"$feed" $opts -- "$build/iotingest" -h localhost -p '{port}' --quiet "$@" 2>>"$T/err"
}
before_dashes() {
	while [ "$1" != -- ]; do
		printf '%s ' "$1"
		shift
	done
}

# value KEY <LINE; all_came LINE: every message came, none twice.
value() { sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }
all_came() {
	case $1 in
	*' missing=0 dup=0 '*) ;;
	*)
		echo "incomplete: $1" >&2
		cat "$T/err" >&2
		exit 1
		;;
	esac
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# compare KEY 'OURS...' 'THEIRS...': by turns; $our and $their are the medians of KEY, $more how
# many times ours is theirs, $less how many times less it is: medians of the rounds' own ratios.
compare() {
	key=$1
	: >"$T/rounds"
	for round in $(seq "$rounds"); do
		their_line=$(eval "$3")
		all_came "$their_line"
		our_line=$(eval "$2")
		all_came "$our_line"
		echo "$our_line" >>"$T/ours"
		echo "$their_line" >>"$T/theirs"
		echo "$round $(echo "$our_line" | value "$key") $(echo "$their_line" | value "$key")" >>"$T/rounds"
	done
	ratios
}
# Another key of the same rounds.
also() {
	key=$1
	value "$key" <"$T/ours" >"$T/a"
	value "$key" <"$T/theirs" >"$T/b"
	paste -d ' ' "$T/a" "$T/b" | nl -ba >"$T/rounds"
	ratios
}
# shellcheck disable=SC2034 # for those who source this
ratios() {
	our=$(awk '{ print $2 }' "$T/rounds" | median)
	their=$(awk '{ print $3 }' "$T/rounds" | median)
	more=$(awk '{ print $2 / $3 }' "$T/rounds" | median)
	less=$(awk '{ print $3 / $2 }' "$T/rounds" | median)
}

# row WHAT OURS PEER FIGURE FLOOR AIM [least|most]: the figure must be at least (or at most) both.
row() {
	awk -v what="$1" -v ours="$2" -v peer="$3" -v x="$4" -v lowest="$5" -v aim="$6" -v way="${7:-least}" '
		function reached(y) { return way == "least" ? x + 0 >= y + 0 : x + 0 <= y + 0 }
		BEGIN {
			verdict = aim == "-" ? "-" : reached(aim) ? "aim" : reached(lowest) ? "floor" : "MISSED"
			printf "%s\t%s\t%s\t%.5g\t%s\t%s\t%s\n", what, ours, peer, x, lowest, aim, verdict
		}'
}

# certificate: $T/cert and $T/key for localhost.
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$T/key" -out "$T/cert" -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost 2>/dev/null
}
