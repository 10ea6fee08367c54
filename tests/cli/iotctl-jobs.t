#!/bin/sh
# Many at once, with iotapi.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/jobs.sh
. "$top/tests/jobs.sh"

# shellcheck disable=SC2119
start_api
suite iotapi

done_testing
