#!/bin/sh
# A disk that fails at every write: status 7, nothing acknowledged that is not there, and the next run
# leaves no line that cannot be read.
# needs: strace
. "$(dirname "$0")/../lib.sh"
. "$top/tests/faults.sh"

# resume [MORE-OPTIONS-OF-FEED]: the next run of iotingest, on a disk that is well.
resume() {
	# shellcheck disable=SC2046
	figures=$("$feed" -n 200 -q 1 --idle 20s --state state --out out "$@" -- $(ours) 2>>err)
}

# A real small file system that fills up, in a mount name space of its own.
if unshare -m true 2>/dev/null; then
	mkdir small
	cat >fill <<-'END'
		mount -t tmpfs -o size=64k none small && : >small/out || exit 99
		"$1" -n 1000 -q 1 --idle "$3" --session --state state --out small/out -- $2 2>err.full
		mount -o remount,size=4m small
		"$1" -n 1000 -q 1 --idle "$3" --state state --out small/out -- $2 2>>err
		cp small/out filled
	END
	figures=$(unshare -m sh fill "$feed" "$(ours)" 20s 2>>err)
	full=$(echo "$figures" | head -n 1)
	figures=$(echo "$figures" | tail -n 1)
	has "$full" ' status=7' 'a full file system ends it with 7'
	has "$full" ' early=0 lost=0 ' 'what it acknowledged is there'
	has "$(cat err.full)" 'No space left' 'it says why'
	is '1000 0' "$(of got) $(of missing)" 'the next run, with room, has all 1000'
	json_lines filled 'every line can be read: the torn one was cut off'
	# shellcheck disable=SC2046
	figures=$(unshare -m sh fill "$feed" "$(theirs) -q 1" 1s 2>>err | head -n 1)
	[ "$(of lost)" -gt 0 ]
	tap $? "negative control: mosquitto_sub acknowledges what found no room ($(of lost) of 1000)"
else
	tap 0 'a full file system # SKIP no mount name space here'
fi

strace -o "$T/probe" true 2>/dev/null || { tap 0 'system calls # SKIP no ptrace here'; done_testing; }

# failing CALL ERROR K COMMAND...: the Kth CALL on the output fails, K+: that and all behind it.
failing() {
	call=$1 error=$2 k=$3
	shift 3
	rm -f out state
	: >out
	figures=$("$feed" -n 200 -q 1 --window 4 --session --idle 3s --state state --out out -- strace -I2 \
		-o /dev/null -P "$T/out" -e trace="$call" -e inject="$call:error=$error:when=$k" "$@" 2>>err)
}
fail_everywhere() { # fail_everywhere CALL ERROR: the sums of what must not be
	lost=0 missing=0 statuses='' points=0
	: >lines
	for k in $(each 1 12 50); do
		# shellcheck disable=SC2046
		failing "$1" "$2" "$k" $(ours)
		points=$((points + 1))
		lost=$((lost + $(of lost) + $(of early)))
		statuses="$statuses $(of status)"
		resume
		missing=$((missing + $(of missing)))
		cat out >>lines
	done
	is '0 0' "$lost $missing" "$2 at $points of the $1 calls: nothing is lost"
	is '7' "$(echo "$statuses" | tr ' ' '\n' | sed '/^$/d' | sort -u)" 'the status is 7'
	json_lines lines 'every line can be read'
}
fail_everywhere write ENOSPC
fail_everywhere write EIO
fail_everywhere fdatasync EIO
# shellcheck disable=SC2046
failing write ENOSPC 1+ $(theirs) -q 1
[ "$(of lost)" -gt 0 ]
tap $? "negative control: mosquitto_sub goes on and loses ($(of lost) of 200)"
done_testing
