#!/bin/sh
# What iotctl asks a person, on a real terminal (script of util-linux).
# slow: questions on a terminal, each answered when it is asked
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
mkfifo keys

# at QUESTION KEYS: types once the question is on the screen.
at() {
	wait_for 20 grep -q "$1" screen || note "no '$1' on: $(cat screen)"
	printf '%b' "$2" >&3
}

export TERM=xterm # one that pastes in brackets, where there is none as well
on_tty() { # COMMAND: starts it on a terminal of its own; keys go to fd 3
	: >screen
	script -qefc "$1" screen <keys >/dev/null 2>&1 &
	tty=$!
	pids="$pids $tty"
	exec 3>keys
}

end_tty() {
	exec 3>&-
	wait "$tty"
	status=$?
	out=$(cat screen)
	err=
}

on_tty "iotctl broker create B host=h password@"
at 'password: ' 'geheim\r'
end_tty
exits 0 'a secret is asked for'
without "$out" geheim 'and not echoed'
has "$out" "created broker 'B'" 'and used'

on_tty "sh -c 'iotctl broker create B2 host=h password@; s=\$?; stty -a >settings; exit \$s'"
at 'password: ' '\003'
end_tty
exits 130 'Ctrl-C at a secret ends it by the signal'
is 3 "$(tr ' ' '\n' <settings | grep -cxE 'isig|icanon|echo')" 'and the terminal shows again what is typed'
run iotctl broker get B2
exits 3 'and nothing was made'

for s in TERM:143 HUP:129; do
	on_tty "sh -c 'sh -c '\''echo \$\$ >asking; exec iotctl broker create B2 host=h password@'\''; echo \$? >status; stty -a >settings'"
	wait_for 20 grep -q 'password: ' screen
	kill -"${s%:*}" "$(cat asking)"
	end_tty
	is "${s#*:}" "$(cat status)" "SIG${s%:*} at a secret ends it"
	is 3 "$(tr ' ' '\n' <settings | grep -cxE 'isig|icanon|echo')" 'and the terminal is as it was'
done


# In the shell, whose own lines are pasted in brackets: a secret is not, and a key that stops it leaves a terminal
# that shows what is typed.
on_tty "iotctl"
at '> ' 'broker create B2 host=h password@\r'
wait_for 20 grep -q 'password: ' screen
is l "$(sed -n 's/password: .*//; s/.*\x1b\[?2004\([hl]\).*/\1/p' screen | tail -n 1)" \
	'a secret in the shell: pasted without brackets'
at 'password: ' 'pasted-secret\r'
wait_for 20 grep -q "created broker 'B2'" screen
tap $? '  and is taken'
at 'created' 'broker create B6 host=h password@\r'
two() { [ "$(grep -c 'password: ' screen)" -ge 2 ]; }
wait_for 20 two
printf '\003' >&3
again() { [ "$(sed 's/.*password: //' screen | grep -c '> ')" -ge 1 ] && tail -n 1 screen | grep -q '> '; }
wait_for 20 again
printf 'whoami --json\r' >&3
wait_for 20 grep -q '"username":"admin"' screen
tap $? '  behind Ctrl-C at another one the shell goes on'
printf '\004' >&3
end_tty
without "$out" pasted-secret '  none of it was shown'
has "$out" 'whoami --json' '  and what is typed then is'
run iotctl broker get B6
exits 3 '  nothing was made'
run iotctl broker delete B2 --yes

iotctl device create D1 nombre=D tipo=esp32 ubicacion=x >/dev/null
on_tty "iotctl credential create device=D1 client_id=D1 username=u"
at 'password: ' 'missing-one\r'
end_tty
exits 0 'a required secret that is missing is asked for'

iotctl broker create B3 host=h >/dev/null
iotctl broker create B4 host=h >/dev/null
on_tty "iotctl broker delete B3 B4"
at "'B3'? .y/N" 'y\n'
wait_for 20 grep -q "'B4'? .y/N" screen
run iotctl broker get B3
exits 0 'what one said yes to is there until the last question'
at "'B4'? .y/N" 'n\n'
end_tty
exits 1 'and goes then'
has "$out" "deleted broker 'B3'" 'is said'
run iotctl broker get B3 B4 --columns nombre --json
is '[{"nombre":"B4"}]' "$out" 'the other one stays'

on_tty "iotctl broker delete B"
at 'y/N' 'n\n'
end_tty
exits 1 'no is no'
has "$out" "broker 'B' was kept" 'and said'
on_tty "iotctl broker delete B"
at 'y/N' '\n'
end_tty
exits 1 'nothing is no'
on_tty "iotctl broker delete B"
at 'y/N' 'y\n'
end_tty
exits 0 'yes is yes'
run iotctl broker get B
exits 3 'and it is gone'

# What a server sends does not drive the terminal, whatever the format.
iotctl broker create planted host=h >/dev/null
plant "UPDATE broker SET nombre = 'esc' || char(27) || ']0;x' || char(7, 32, 155, 8238) || 'm' WHERE nombre = 'planted'"
for f in table csv ndjson json; do
	on_tty "iotctl broker list -o $f"
	end_tty
	has "$out" 'host' "$f on a terminal"
	without "$out" "$(printf '\033')]0;x" '  is harmless'
	without "$out" "$(printf '\302\233')" '  in two bytes as well'
	without "$out" "$(printf '\342\200\256')" '  nor does it turn the line around'
done

iotctl broker list -o csv --no-header --columns id | iotctl broker delete - --yes >/dev/null
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
on_tty "iotctl login $api"
at 'user name: ' 'admin\n'
at 'password: ' 'admin-passX\177word\r'
end_tty
exits 0 'login asks for both'
has "$out" "as 'admin'; context 'default'" 'and says who and where'
ok 'and is logged in' iotctl whoami
on_tty "iotctl login $api --context other"
at 'user name: ' 'admin\n'
at 'password: ' 'wrong\r'
end_tty
exits 4 'a wrong password'
# login offers the API's brokers.
on_tty "iotctl login $api --context three --api-username admin --password-file $T/api.pw"
end_tty
exits 0 'no broker is active: no question'
iotctl --context three broker create 'EMQX Production' host=emqx.example port=8883 protocol=mqtts \
	username=backend password@"$T/api.pw" >/dev/null
iotctl --context three broker create Old host=x active=no >/dev/null
on_tty "iotctl login $api --context three --api-username admin --password-file $T/api.pw"
at 'by its number' '1\n'
end_tty
exits 0 'the active brokers are offered'
has "$out" '1) EMQX Production (mqtts://emqx.example:8883)' 'with their URL'
has "$(iotctl config show --context three)" 'mqtts://emqx.example:8883' 'the chosen one is saved'
has "$(iotctl config show --context three)" 'backend' 'and its user'
on_tty "iotctl login $api --context four --api-username admin --password-file $T/api.pw"
at 'by its number' '\n'
end_tty
exits 0 'none of them'
without "$(iotctl config show --context four)" emqx.example 'is none'
run iotctl login "$api" --context five --api-username admin --password-file "$T/api.pw"
exits 0 'without a terminal nothing is asked'
done_testing
