#!/bin/sh
# The conformance suite against iotapi.
# slow: hundreds of commands
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
# shellcheck source=tests/conformance.sh
. "$top/tests/conformance.sh"
# shellcheck source=tests/odd-texts.sh
. "$top/tests/odd-texts.sh"
done_testing
