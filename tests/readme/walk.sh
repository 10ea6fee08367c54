#!/usr/bin/env bash
# Types what a README says, in one shell, as its reader does:
#	walk.sh STEPS RESULTS DIRECTORY
# A step is a line of STEPS, with tabs between: manner, until, command.
#	ends FROM-TO UNTIL  it comes to its end, with a status of FROM to TO; UNTIL, if any, holds after a while
#	stays UNTIL         it ends with &, and UNTIL holds after a while; at the end SIGTERM ends it with 0
#	goes-on UNTIL       it goes on until UNTIL holds, and then SIGTERM ends it with 0
#	line FILE           a line of a file that the reader writes
# Each is a line in RESULTS: its number, what was wrong or "-", the command; what it wrote is in DIRECTORY/NUMBER.
set -m # each command in a process group of its own, as at a prompt
steps=$1 results=$2 directory=$3
n=0
echo $$ >"$directory/session"
waiting=() # pid and command, in turn, of what stays

until_it() { # until_it TEXT: 40 s, of which a quiet machine needs two
	local tries
	for ((tries = 0; tries < 400; tries++)); do
		(eval "$1") >>"$directory/$n.until" 2>&1 </dev/null && return
		sleep 0.1
	done
	return 1
}

tell() { # tell STATUS WHAT COMMAND
	if [ "$1" = 0 ]; then set -- 0 - "$3"; fi
	printf '%s\t%s\t%s\n' "$n" "$2" "$3" >>"$results"
}

ends() {
	eval "$command" >"$directory/$n" 2>&1 </dev/null
	local s=$?
	local range=${until%% *} after=${until#* }
	if [ "$s" -lt "${range%-*}" ] || [ "$s" -gt "${range#*-}" ]; then
		tell 1 "status $s" "$command"
	else
		[ "$range" = "$until" ] || until_it "$after"
		tell $? "not in time: $after" "$command"
	fi
}

stays() {
	eval "$command" >"$directory/$n" 2>&1 </dev/null
	waiting=($! "$command" "${waiting[@]}")
	until_it "$until"
	tell $? "not in time: $until" "$command"
}

# It alone is told to end, not what it runs, as by a service manager that is patient.
over() { # over PID COMMAND KILL...
	local pid=$1 said=$2
	shift 2
	"$@" "$pid"
	wait "$pid"
	local s=$?
	tell "$s" "status $s at its end" "$said, and its end"
}

goes_on() {
	out=$directory/$n
	(
		trap : TERM # the command's status is the group's
		eval "$command"
	) >"$out" 2>&1 </dev/null &
	local pid=$!
	until_it "$until"
	tell $? "not in time: $until" "$command"
	over $pid "$command" pkill -TERM -P
}

while IFS=$'\t' read -r manner until command <&3; do
	n=$((n + 1))
	case $manner in
	ends) ends ;;
	stays) stays ;;
	goes-on) goes_on ;;
	line) printf '%s\n' "$command" >>"$until" ;;
	esac
done 3<"$steps"
for ((n = 0; n < ${#waiting[@]}; n += 2)); do
	over "${waiting[n]}" "${waiting[n + 1]}" kill -TERM
done
echo end
