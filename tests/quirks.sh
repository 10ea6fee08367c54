# What the tests of the Django backend's habits share, after lib.sh.
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # $log is theirs, $status and the rest are lib.sh's

log=$T/django/log
requests() { grep -c "$1" "$log"; }
spoil() { for l in "$@"; do echo "$l"; done >"$T/django/FAULTS"; }
restart() { # restart QUIRK...: the same data
	stop_api
	start_django "$@"
	: >"$log"
}
says() { # STATUS PART 'sentence' COMMAND...
	wanted=$1 part=$2 sentence=$3
	shift 3
	run "$@"
	exits "$wanted" "$sentence"
	has "$err" "$part" "  says: $part"
	is 1 "$(printf '%s\n' "$err" | wc -l)" '  in one line'
	is '' "$out" '  and nothing on stdout'
}
rows() { iotctl "$@" -o csv --no-header; }
