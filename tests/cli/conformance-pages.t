#!/bin/sh
# The conformance suite against the Django project, with the other kinds of pages.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

pages_of() { # pages_of KIND
	place "$1"
	start_django pages="$1" size=2
	# shellcheck source=tests/conformance.sh
	. "$top/tests/conformance.sh"
}
for kind in limit cursor none; do part pages_of $kind; done
parts
done_testing
