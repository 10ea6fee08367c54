#!/bin/sh
# A port that a script was given is no other's until it ends, though nobody listens there: a broker comes back to it.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# script COMMAND...: in a script of its own, which ends with it.
script() { sh -c '. "$(dirname "$0")/../lib.sh"; "$@"' "$top/tests/cli/ports.t" "$@"; }

port=$(free_port)
ok 'a script is given a port' [ "$port" -ge 10000 ]
run reserve_port "$port"
exits 1 'which it is not given twice'
run script reserve_port "$port"
exits 1 'nor is another script'

other=$(script free_port)
ok 'that of a script that has ended' [ "$other" -ge 10000 ]
ok 'is for others' script reserve_port "$other"
ok 'and nothing is left of it' [ ! -e "$port_dir/$other" ]

# One that was killed took nothing back.
sh -c 'echo $$' >"$port_dir/$other"
ok 'so is that of one that was killed' script reserve_port "$other"

start_http answers
listens=$(printf '%s' "$http_url" | tr -dc '0-9:' | sed 's/.*://')
ok 'somebody listens' port_open "$listens"
run script reserve_port "$listens"
exits 1 'where somebody listens nobody else is to'
done_testing
