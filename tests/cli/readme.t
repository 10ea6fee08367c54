#!/bin/sh
# The commands of the README, run as they stand: the marked block on a living demo; of the others,
# every option and word must be one.
# slow: the demo, and the commands of the README on it
. "$(dirname "$0")/../lib.sh"

IOT_BUILD=$build TMPDIR=$T timeout 100 "$top/tests/demo/demo.sh" --keep >"$T/demo.txt" 2>&1
is 0 $? 'a demo to try them on'
eval "$(sed -n '/^  export PATH=/,/[^\\]$/p' "$T/demo.txt")"
stop=$(sed -n 's/^  \(kill .*\)$/\1/p' "$T/demo.txt")
# shellcheck disable=SC2064 # the command as it is now
trap "$stop; cleanup" EXIT

for readme in README.md README.es.md; do
	# shellcheck disable=SC2016 # the fence of Markdown
	sed -n '/^```sh$/,/^```$/p' "$top/$readme" | grep -E '^iot(ctl|status)( |$)' |
		grep -vE 'login|provision|command' | sed 's/  *#.*//' >commands
	[ "$(wc -l <commands)" -ge 6 ]
	tap $? "$readme has commands"
	while IFS= read -r line; do
		eval "run timeout 20 $line"
		exits 0 "$readme: $line"
	done <commands
	# shellcheck disable=SC2016 # the fence of Markdown
	first=$(sed -n '/^```sh$/,/^```$/p' "$top/$readme" | sed -n 2p)
	is 'sudo apt-get install -y git make' "$first" "$readme begins with what a bare machine needs"
	[ "$(wc -l <"$top/$readme")" -lt 200 ]
	tap $? "$readme is short"
done

# Options in any example of the READMEs and pages exist.
unknown=
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	$p --print-spec >spec
	# shellcheck disable=SC2013 # they are words
	for option in $(grep -hE "(^|[| ])$p " "$top"/README*.md "$top"/man/*.[1-9] |
		grep -oE -- ' --[a-z][a-z0-9-]+' | sort -u); do
		grep -q "^opt	[^	]*	${option#--}	" "$T"/spec ||
			unknown="$unknown $p:$option"
	done
done
is '' "$unknown" 'every long option in an example exists'
done_testing
