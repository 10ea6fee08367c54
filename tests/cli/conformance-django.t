#!/bin/sh
# The conformance suite against the Django project, with its own pages.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_django size=2
# shellcheck source=tests/conformance.sh
. "$top/tests/conformance.sh"
# shellcheck source=tests/odd-texts.sh
. "$top/tests/odd-texts.sh"
done_testing
