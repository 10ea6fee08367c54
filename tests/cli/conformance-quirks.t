#!/bin/sh
# The conformance suite against the Django project with its other habits. Those that do not meet share a server;
# CONFORMANCE_QUIRKS names others, one set a line.
# slow: hundreds of commands for each set
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

sets='token nome rotate access=8 last_login zone=UTC ignore=telegram_username
shuffle dated debug size=3 next=http://10.9.8.7
unfiltered unordered shuffle wait=5 throttle=50/second size=1000'

with_quirks() { # with_quirks N QUIRK...
	place "$1"
	shift
	start_django "$@"
	# shellcheck disable=SC2034 # conformance.sh's
	case $* in *unfiltered* | *unordered*) unsorted=1 ;; *) unsorted= ;; esac
	# shellcheck source=tests/conformance.sh
	. "$top/tests/conformance.sh"
	# shellcheck disable=SC2031 # the part's own
	tap "$tap_bad" "all of it with $*"
}
n=0
while IFS= read -r set; do
	n=$((n + 1))
	# shellcheck disable=SC2086
	part with_quirks set$n $set
done <<END
${CONFORMANCE_QUIRKS-$sets}
END
parts
done_testing
