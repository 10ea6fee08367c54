# shellcheck shell=sh disable=SC2154
# What the fault tests of iotingest share; source it behind lib.sh. TEST_LONG=1 in the environment
# runs every point of every fault, without it they take a few of each.
feed=$build/tests/bench/feed
[ -x "$feed" ] || skip_all 'no fake broker: make check builds it'
# LeakSanitizer cannot work under ptrace, and what is killed leaks.
export ASAN_OPTIONS=detect_leaks=0

# of KEY: its value in $figures, which feed printed.
of() { printf '%s\n' "$figures" | sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }

# each FIRST STEP LAST: every point, or every STEPth of them.
each() { seq "$1" "$([ -n "${TEST_LONG:-}" ] && echo 1 || echo "$2")" "$3"; }

# iotingest, or the peer that acknowledges first, as arguments of feed.
ours() { echo iotingest -h localhost -p '{port}' --durable archive --quiet -W 60; }
theirs() { echo mosquitto_sub -p '{port}' -t '#' -c -i archive -F %j; }
