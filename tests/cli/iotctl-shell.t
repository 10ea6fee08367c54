#!/bin/sh
# The shell: commands from a pipe, then on a real terminal (expect); completion there, and in bash, zsh and fish.
# slow: shells that are typed into
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# Nothing is known yet.
printf 'whoami\n' | iotctl >out 2>err
has "$(cat err)" 'iotctl login URL' 'without any context: what to do first'
is 3 "$(grep -c -e 'No platform' -e 'login URL' -e 'quick start' err)" 'in three lines'

# shellcheck disable=SC2119
start_api
iotctl login "$api" --context prod --api-username admin --password-file "$T/api.pw" 2>/dev/null
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
printf 'broker-password\n' >secret
chmod 600 secret

# Not a terminal.
cat >script <<'END'
# a comment
broker create 'EMQX Production' \
	host=emqx
broker create Second host=b username="a b" # and another

broker get Nobody
broker create Third host=c
END
iotctl <script >out 2>err
is 3 $? 'commands from stdin: the status of the first that fails'
has "$(cat err)" 'line 6 failed with status 3' 'its line is told'
is 'EMQX Production
Second' "$(iotctl broker list --columns nombre -o csv --no-header)" 'those before it were run, no more'
is 'a b' "$(iotctl broker get Second --columns username -o csv --no-header)" 'quotes'
iotctl --keep-going <script >out 2>err
is 1 $? '--keep-going'
has "$(cat err)" '3 of 4 commands failed' 'counts'
ok 'and goes on' iotctl broker get Third
printf 'broker list -o csv | grep -c Second\nuse broker\nget Third --columns nombre -o csv --no-header\nexit\nbroker get Nobody\n' |
	iotctl >out 2>err
is '0 1
Third' "$? $(cat out)" 'a pipe, use, exit'
printf "broker list 'x\n" | iotctl >out 2>err
is 2 $? 'an open quote'
printf 'use nonsense\n' | iotctl >out 2>err
is 2 $? 'use what?'
printf 'device command D1 -\n' | iotctl >out 2>err
is 2 $? 'a command does not eat the lines that follow'
printf 'help broker\nhelp login\n' | iotctl >out 2>err
has "$(cat out)" 'protocol       protocolo   mqtt|mqtts|ws|wss' 'help from the tables'
run iotctl broker sync --help
is "0   broker sync NAME [DEVICE...]  make a broker's logins and rules those of the platform
options: iotctl --help; the manual: man 1 iotctl" "$status $out" '--help behind a command is about that command'
run iotctl topic create -h
has "$out" 'topic_pattern  pattern' 'behind a verb it has the fields'
without "$out" 'topic delete' 'and no other verb'
run iotctl device ESP32_001 --help
has "$out" 'device command ID' 'what is no command leaves the resource'
run iotctl --help
has "$out" '--mqtt-url' 'alone it has the options'
run iotctl nonsense --help
is '3 ' "$status $out" 'behind nonsense it is nothing'
run iotctl help nonsense
exits 3 'no such topic'

# A reader that leaves early, as a pager with q, keeps no command waiting: what it did not read is more than a
# pipe holds.
long=$(printf '%099000d' 0)
iotctl topic create Long topic_pattern=long description="$long" >/dev/null
printf 'topic list --json | head -c 1\ntopic get Long --columns nombre -o csv --no-header\n' |
	timeout 10 iotctl >out 2>err
is '0 [Long' "$? $(cat out)" 'a reader that leaves early'
silent err 'without a word'
iotctl topic delete Long --yes >/dev/null 2>&1

# A terminal.
command -v expect >/dev/null || skip_all 'no expect'
cat >lib.exp <<END
set timeout 5
log_user 0
proc want {what name} {
	expect {
		-exact \$what { puts "ok \$name" }
		timeout { puts "not ok \$name" }
		eof { puts "not ok \$name (eof)" }
	}
}
END
on_tty() { # lines of expect on stdin
	{ cat lib.exp && cat; } >t.exp
	expect t.exp >result 2>&1
	told result
}
told() { # FILE of "ok ..." and "not ok ..."
	while read -r verdict sentence; do
		case $verdict in
		ok) tap 0 "$sentence" ;;
		not) tap 1 "${sentence#ok }" ;;
		*) note "$verdict $sentence" ;;
		esac
	done <"$1"
}
export TERM=xterm PAGER=
on_tty <<'END'
spawn iotctl
want "prod> " "the prompt has the context"
send "bro\tli\t-o csv --columns nombre --no-header\r"
want "Second" "resources and verbs are completed"
want "prod> " "and asks again"
send "broker get Sec\t-o csv --columns nombre --no-header\r"
want "\rSecond" "a live name"
want "prod> " ""
send "broker get EMQ\t -o csv --columns host --no-header\r"
want "\remqx" "a live name with a blank is quoted"
want "prod> " ""
send "broker create X proto\t"
want "protocol=" "a field"
send "w\t\t\t"
want "wss" "its choices"
send "\003"
want "^C" "Ctrl-C clears the line"
want "prod> " "and the prompt is there again"
send "use broker\r"
want "prod:broker> " "use broker"
send "get Second -o csv --columns nombre --no-header\r"
want "\rSecond" "the resource is left out"
want "prod:broker> " ""
send "device list -o json\r"
want {[]} "another one can still be named"
want "prod:broker> " ""
send "set Second password=hunter-two\r"
want "changed broker" "a secret on the line"
want "prod:broker> " ""
send "set Second 'username=a\r"
want "... " "a quote goes on"
send "b'\r"
want "username: Control characters" "on the next line"
want "prod:broker> " ""
# A paste in brackets is no command until Enter.
send "\033\[200~set Second keepalive=61\nset Second keepalive=62\n\033\[201~"
# Time to run it, if it did.
sleep 0.3
send "\003"
want "^C" "a paste waits for Enter"
want "prod:broker> " ""
send "\033\[200~set Second keepalive=71\nset Second keepalive=72\033\[201~\r"
want "changed" "a paste of two lines"
want "changed" "is two commands"
want "prod:broker> " ""
send "\033\[200~get Second # a note\nset Second password=hunter-three\033\[201~\r"
want "changed broker" "a secret on the second line of a paste"
want "prod:broker> " ""
send "\033\[200~list | cat # no-file\nset Second password=hunter-four\033\[201~\r"
want "changed broker" "one behind a pipe"
want "prod:broker> " ""
send "get Second # password=hunter-five\r"
want "prod:broker> " ""
send "api POST auth/login '{\"username\":\"x\",\"password\":\"a-file-of-hunter\"}'\r"
want "prod:broker> " ""
send "config set mqtt_password_file=/kept\r"
want "prod:broker> " ""
send "config set mqtt_password_file=\r"
want "prod:broker> " ""
send "use\r"
want "prod> " "use alone"
send "topic create T tipo=\t\t"
want "subscribe" "choices of another resource"
send "\025device-config create broker=Thi\t\025"
want "broker=Third" "a reference by name"
send "broker list | wc -l\r"
want "\r4" "| cmd"
want "prod> " ""
send "\004"
expect eof
puts "ok Ctrl-D leaves"
exit [lindex [wait] 3]
END
is 72 "$(iotctl broker get Second --columns keepalive -o csv --no-header)" 'in its order'
h=$HOME/.local/state/iot/history
is 600 "$(stat -c %a "$h")" 'the history is private'
has "$(cat "$h")" 'get Second -o csv' 'lines are kept'
has "$(cat "$h")" 'config set mqtt_password_file=/kept' 'the name of a file is no secret'
no_line "$h" 'but none with a secret' hunter
ok 'names are cached' grep -q Second "$HOME"/.cache/iot/names-prod-http*-broker
is 600 "$(stat -c %a "$HOME"/.cache/iot/names-prod-http*-broker)" 'privately'

# The history again, and Ctrl-C in a request that hangs.
mkfifo hole
free=$(free_port)
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]);
	my @keep; while (my $c = $s->accept) { push @keep, $c }' "$free" &
pids="$pids $!"
# shellcheck disable=SC2016 # perl's own
wait_for 10 port_open "$free"
iotctl login "http://127.0.0.1:$free" --context hung --timeout 1s >/dev/null 2>&1
printf '[hung]\napi_url = http://127.0.0.1:%s\ntimeout = 60s\n' "$free" >>"$HOME/.config/iot/iot.conf"
printf 'token\n' >token
chmod 600 token
on_tty <<END
spawn iotctl --context hung --token-file $T/token
want "hung> " "another context"
send "broker list\r"
# Until the request is on its way.
sleep 0.5
send "\003"
want "hung> " "Ctrl-C stops a request that hangs"
set began [clock milliseconds]
send "broker get x\t"
# Likewise.
sleep 0.1
send "\003"
want "^C" "completion gives up"
set took [expr {[clock milliseconds] - \$began}]
if {\$took < 2000} { puts "ok and does not block Ctrl-C" } else { puts "not ok and does not block Ctrl-C (\$took ms)" }
send "use prod\r"
want "prod> " "use CONTEXT"
send "\020\020"
want "broker list" "the history"
send "\025exit\r"
expect eof
puts "ok exit"
END

# The pager shows what would drive the terminal as text.
iotctl broker create planted host=h >/dev/null
plant "UPDATE broker SET nombre = 'esc' || char(27) || ']0;x' || char(7) WHERE nombre = 'planted'"
cat >pager <<END
#!/bin/sh
cat >$T/paged
END
chmod +x pager
PAGER=$T/pager on_tty <<'END'
spawn iotctl
want "prod> " "with a pager"
send "broker list\r"
want "prod> " "back from it"
send "exit\r"
expect eof
END
has "$(cat paged)" 'EMQX Production' 'a list goes through the pager'
no_line paged 'without control characters' "$(printf '\033')"

# The platform that the line itself is about.
mkdir other
iotctl login "$api" --context prod --api-username admin --password-file "$T/api.pw" 2>/dev/null
here=$T
first=$api
T=$T/other
start_api
T=$here
other=$api
iotctl broker create Elsewhere host=e >/dev/null
# A name that would turn the line around is not offered beside it.
iotctl broker create planted host=e >/dev/null
plant "UPDATE broker SET nombre = 'E' || char(8238) || 'x' WHERE nombre = 'planted'"
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
iotctl login "$other" --context there --api-username admin --password-file "$T/api.pw" >/dev/null 2>&1
iotctl login "$first" --context prod --api-username admin --password-file "$T/api.pw" >/dev/null 2>&1
iotctl context use prod >/dev/null
for option in '--context there' --context=there "--api-url $other --api-username admin --password-file $T/api.pw"; do
	# shellcheck disable=SC2086 # words
	elsewhere() { [ "$(iotctl __complete -- $option broker get E)" = Elsewhere ]; }
	ok "names by $option on the same line" wait_for 10 elsewhere
done
home() { [ "$(iotctl __complete -- broker get E)" = 'EMQX Production' ]; }
ok 'and without it those of the context' wait_for 10 home

# Completion on a terminal: what is typed comes to a command, and that to what only it shows.
n=0
while IFS= read -r name; do
	n=$((n + 1))
	iotctl broker create "$name" host="host-$n." >/dev/null || note "no broker '$name'"
done <<'END'
Norte Production
Norte Pruebas
it's one
say "hi"
cost $HOME `touch x1` $(touch x2)
back\slash
pipe|line
hash# x
aá ñu
semi;touch x3; (y)
a:b=c@d e
planta:roja
apo'; touch x4; z
quoted "one"
END
iotctl device create D1 nombre=D tipo=esp32 ubicacion=P >/dev/null
iotctl device-config create device=D1 broker='Norte Production' >/dev/null
mkdir here sensor
echo of-that-file >'here/my file.pem'
printf 'identificador_unico,nombre,tipo,ubicacion\nof-that-row,n,esp32,P\n' >'here/de vices.csv'
rm -r "$HOME/.cache"
named() { iotctl "$@" __complete -- broker get '' | grep -q .; }
ok 'names anew' wait_for 20 named
cat >typed <<'END'
host-1.	broker get Norte\to\t
host-1.	broker get Norte\\ Pro\t
host-1.	broker get 'Norte Pro\t
host-1.	broker get \"Norte Pro\t
host-1.	broker get 'Norte\to\t
host-1.	broker get \"Norte\to\t
host-1.	broker get Norte' 'Pro\t
host-1.	broker get 'Norte'\\ Pro\t
host-2.	broker get Third Norte\\ Pru\t
host-3.	broker get it\t
host-3.	broker get 'it\t
host-3.	broker get \"it's\t
host-3.	broker get it\\'s\t
host-4.	broker get say\t
host-4.	broker get 'say \"\t
host-4.	broker get \"say \\\"\t
host-5.	broker get cost\t
host-5.	broker get 'cost \$\t
host-5.	broker get \"cost \t
host-6.	broker get back\t
host-6.	broker get 'back\t
host-6.	broker get \"back\t
host-7.	broker get pipe\t
host-7.	broker get 'pipe|\t
host-8.	broker get hash\t
host-9.	broker get aá\\ \t
host-10.	broker get semi\t
host-10.	broker get 'semi\t
host-10.	broker get \"semi\t
host-11.	broker get a:b\t
host-11.	broker get a:b=c@\t
host-11.	broker get 'a:b=c\t
host-12.	broker get planta:ro\t
host-13.	broker get apo\t
host-13.	broker get 'apo\t
host-14.	broker get \"quoted \t
"broker":ID	device-config list --json broker=Norte\\ Pro\t
"broker":ID	device-config list --json broker='Norte Pro\t
"broker":ID	device-config list --json 'broker=Norte Pro\t
"broker":ID	device-config list --json \"broker=Norte\to\t
:"mqtts"	-n broker create New host=h proto\tmqtts\t
of-that-row	device provision -n --from her\tde\t
of-that-file	-n broker create New host=h ca_cert@her\tmy\t
[]	senso\tlist --json
END
sed -i "s/ID/$(iotctl broker get 'Norte Production' --columns id -o csv --no-header)/" typed
# in_shell NAME BEFORE START: types them all, each behind BEFORE, where the tcl commands START have begun a shell
# whose prompt is "prod> ". The checks go to NAME.result.
in_shell() {
	{
		cat lib.exp
		printf 'set timeout 20\n%s\nwant "prod> " "%s"\n' "$3" "$1"
		while IFS='	' read -r wanted keys; do
			cat <<-END
				send -- "$2$keys\r"
				expect {
					-exact {$wanted} { puts {ok $1: $keys} }
					timeout {
						puts {not ok $1: $keys}
						expect -re .*
						puts "screen: [string map {\r {} \n " / "} \$expect_out(buffer)]"
						send "\003"
					}
				}
				expect "prod> "
			END
		done
	} <typed >"$1.exp"
	expect "$1.exp" >"$1.result" 2>&1
	told "$1.result"
}
# Alone: with a command that may change something it forgets the names that all of them have.
in_shell iotctl '' 'spawn iotctl --context prod'
printf 'host           e\t--context there broker get Else\\t\n' >>typed
ok 'and again' wait_for 20 named
ok 'those of the other context, too' wait_for 20 named --context there
cat >bashrc <<END
PS1='pro''d> '
bind 'set enable-bracketed-paste off'
source $top/completions/bash/iotctl
END
part in_shell bash 'iotctl ' "spawn bash --noprofile --rcfile $T/bashrc -i"
if command -v zsh >/dev/null; then
	part in_shell zsh 'iotctl ' "spawn zsh -f
		expect -re {[%#] }
		send \"fpath=($top/completions/zsh \\\$fpath); autoload -U compinit; compinit -u -d $T/zcomp; PS1='pro''d> '\r\""
fi
if command -v fish >/dev/null; then
	part in_shell fish 'iotctl ' "spawn fish --private --no-config -C {
		function fish_prompt; echo -n 'pro''d> '; end
		source $top/completions/fish/iotctl.fish }"
fi
parts
is '' "$(ls x? 2>/dev/null)" 'and none of it is run'
done_testing
