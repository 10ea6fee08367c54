#!/bin/sh
# Many at once, with the Django backend.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/jobs.sh
. "$top/tests/jobs.sh"

start_django
suite django
done_testing
