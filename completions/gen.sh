#!/bin/sh
# Makes what comes from the option tables: gen.sh [--check] BUILD-DIRECTORY
# completions, the generated blocks of the pages, the key table of iot.conf(5), the letters of
# iot-utils(7), and cli/config_keys.inc. With --check nothing is written; what is stale is named.
set -eu
check=
if [ "$1" = --check ]; then
	check=yes
	shift
fi
build=$1
top=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export LC_ALL=C
programs='iotctl iotpub iotsub iotingest iotstatus iotapi'
gen() { awk -v mode="$1" -v top="$top/completions" -f "$top/completions/gen.awk" "$out/$2.spec"; }

mkdir -p "$out/completions/bash" "$out/completions/zsh" "$out/completions/fish" "$out/man" \
	"$out/common/cli"
for p in $programs; do
	# Help, version and spec end with status 3 in a monitoring plugin.
	"$build/$p" --print-spec >"$out/$p.spec" || [ "$p" = iotstatus ]
	gen bash "$p" >"$out/completions/bash/$p"
	gen zsh "$p" >"$out/completions/zsh/_$p"
	gen fish "$p" >"$out/completions/fish/$p.fish"
	gen keys "$p" >>"$out/keys"
done
cut -f1 "$out/keys" | sort -u | sed 's/.*/"&",/' >"$out/common/cli/config_keys.inc"

# The table of iot.conf(5): each key once, with its environment variable and the programs that know it.
sort -t "$(printf '\t')" -k1,1 -s "$out/keys" | awk -F '\t' '
function flush() {
	if (k == "") return
	print ".It Ic " k (choices != "-" ? " = Cm " choices : " = Ar " arg)
	s = toupper(substr(help, 1, 1)) substr(help, 2) "."
	print s
	if (value != "-") print "Built in: " value "."
	if (env != "-") print "Environment:\n.Ev " env " ."
	print "Read by" by "."
}
BEGIN { print ".Bl -tag -width Ds" }
$1 != k { flush(); k = $1; arg = $2; choices = $3; value = $4; help = $5; env = $6; by = ""; seen = " " }
index(seen, " " $8 " ") == 0 { seen = seen $8 " "; by = by (by == "" ? " " : ", ") $8 }
END { flush(); print ".El" }' >"$out/block.keys"

# The letters of iot-utils(7): a row a letter, a column a meaning that differs.
for p in $programs; do
	awk -F '\t' -v p="$p" '$1 == "opt" && $2 != "-" { print $2 "\t" ($3 == "-" ? "" : $3) "\t" p }' "$out/$p.spec"
done | sort -t "$(printf '\t')" -k1,1f -k1,1 -k2,2 -s | awk -F '\t' '
function flush() { if (l != "") print ".It Fl " l " Ta Fl -" n " Ta " by }
BEGIN { print ".Bl -column \"-h\" \"--disable-clean-session\" \"iotctl iotstatus\"" }
$1 != l || $2 != n { flush(); l = $1; n = $2; by = "" }
{ by = by (by == "" ? "" : ", ") $3 }
END { flush(); print ".El" }' >"$out/block.letters"

# Fills the blocks between the markers `.\" BEGIN GENERATED kind` and `.\" END GENERATED`.
for page in "$top"/man/*.[1-9]; do
	base=${page##*/}
	p=${base%.*}
	for kind in synopsis env exit; do
		case " $programs " in
		*" $p "*) gen $kind "$p" >"$out/block.$kind" ;;
		*) gen $kind iotctl >"$out/block.$kind" ;;
		esac
	done
	awk -v dir="$out" -v page="$page" '
	/^\.\\" BEGIN GENERATED / {
		print; file = dir "/block." $4; n = 0
		while ((getline l < file) > 0) { print l; n++ }
		close(file); skip = 1
		if (n == 0) { print page ": nothing is known of a block \047" $4 "\047" >"/dev/stderr"; exit 1 }
		next
	}
	/^\.\\" END GENERATED/ { skip = 0 }
	!skip' "$page" >"$out/man/$base"
done

stale=0
for f in $(cd "$out" && find completions man common -type f); do
	cmp -s "$out/$f" "$top/$f" && continue
	if [ -n "$check" ]; then
		echo "stale: $f (run make gen)" >&2
		stale=1
	else
		mkdir -p "$(dirname "$top/$f")"
		cp "$out/$f" "$top/$f"
		echo "made $f" >&2
	fi
done
exit $stale
