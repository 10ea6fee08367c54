#!/bin/sh
# The conformance suite against the Django project, with the other kinds of pages.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

for pages in limit cursor none; do
	note "pages=$pages"
	start_django pages=$pages size=2
	# shellcheck source=tests/conformance.sh
	. "$top/tests/conformance.sh"
	stop_api
	rm -rf "$T/django" "$HOME/.local"
done
done_testing
