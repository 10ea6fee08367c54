#!/bin/sh
# All benches as one table: run.sh [NAME...]. About twelve minutes; each program runs alone too.
set -eu
here=$(dirname "$0")
[ $# -gt 0 ] || set -- throughput payloads readings window linger tls instructions latency memory ctl publishers status logins api api_size
{
	printf 'what\tours\tpeer\tfigure\tfloor\taim\treached\n'
	for name in "$@"; do
		"$here/$name.sh" || printf '%s\t-\t-\t-\t-\t-\tFAILED\n' "$name"
	done
} | column -t -s "$(printf '\t')"
