#!/bin/sh
# What the programs that we start inherit: no descriptor of ours, no signal blocked or ignored, no secret that
# they do not need, and a process group of their own unless they share our terminal.
# shellcheck disable=SC2016,SC2317 # for the inner shell; called by wait_for
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
start_broker

# A variable that is not here is new: if it is a secret, common/exec/spawn.c must know it.
is 'IOT_API_TZ IOT_API_URL IOT_CONFIG IOT_CONTEXT IOT_CREDENTIALS IOT_EMQX_KEY_FILE IOT_EMQX_URL IOT_MQTT_CAFILE IOT_MQTT_HOST IOT_MQTT_PASSWORD_FILE IOT_MQTT_PORT IOT_MQTT_URL IOT_MQTT_USERNAME IOT_PASSWORD_FILE IOT_TOKEN IOT_TOKEN_FILE IOT_USERNAME' \
	"$(for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do $p --print-spec; done |
		grep -o 'IOT_[A-Z_]*' | sort -u | paste -sd ' ' -)" 'each variable of ours has been thought of'

# see FILE: what a child sees, in four lines; in Perl, for dash empties the signal mask. Perl itself ignores 8, the
# C library 32 and 33. A group is shared that is the script's, or the first of a terminal's session.
OURS=$(cut -d ' ' -f 5 /proc/$$/stat)
export OURS
cat >see <<'END'
#!/usr/bin/perl
sub read_all { local $/; open my $f, "<", $_[0] or die; my $text = <$f>; close $f; $text }
my ($out) = @ARGV;
my @fds = map { m{([0-9]+)$} } grep { -l $_ && readlink($_) !~ m{/see$} } glob "/proc/self/fd/*";
my $status = read_all("/proc/self/status");
my @signals = map { my ($mask) = $status =~ /^Sig$_:\s*(\w+)/m; hex($mask) & ~0x180000080 } "Blk", "Ign";
my @stat = split / /, read_all("/proc/self/stat");
open my $f, ">", "$out.new" or die;
print $f join(" ", sort { $a <=> $b } @fds), "\n", "@signals\n",
	$stat[4] == $ENV{OURS} || $stat[4] == $stat[5] ? "shared" : "own", "\n",
	join(" ", sort grep { /^IOT_/ } keys %ENV), "\n";
close $f;
rename "$out.new", $out;
END
chmod +x see
sees() { # sees FILE WHO GROUP VARIABLES
	wait_for 10 test -e "$1"
	is '0 1 2' "$(sed -n 1p "$1")" "$2: no descriptor of ours"
	is '0 0' "$(sed -n 2p "$1")" "$2: no signal blocked or ignored"
	is "$3" "$(sed -n 3p "$1")" "$2: the process group"
	is "$4" "$(sed -n 4p "$1")" "$2: the variables"
}

printf 'device,client_id,username,password,cert,key\n' >logins.csv
printf 'some-password\n' >pw
chmod 600 logins.csv pw
export IOT_TOKEN=t IOT_TOKEN_FILE="$T/pw" IOT_USERNAME=u IOT_PASSWORD=p IOT_PASSWORD_FILE="$T/pw" \
	IOT_MQTT_USERNAME=u IOT_MQTT_PASSWORD=p IOT_MQTT_PASSWORD_FILE="$T/pw" IOT_EMQX_KEY_FILE="$T/pw" \
	IOT_MQTT_URL='mqtt://u:p@nowhere' IOT_CREDENTIALS="$T/logins.csv" IOT_FREE=1
# What we inherit is not for our children either.
exec 9</dev/null
trap '' USR1

command_comes() { # command_comes DEVICE FILE
	mosquitto_pub --unix "$sock" -t "iot/devices/$1/commands" -m '{"id":1}'
	test -e "$2"
}
handler='IOT_COMMAND_ID IOT_DEVICE_ID IOT_FREE IOT_MQTT_USERNAME IOT_QOS IOT_RETAIN IOT_TOPIC IOT_USERNAME'
bg iotsub -h "$sock" S_1 --exec ./see sub.seen >/dev/null 2>&1
subscribing=$bg
wait_for 10 command_comes S_1 sub.seen
sees sub.seen 'iotsub --exec' own "$handler"
kill $subscribing
bg iotpub -h "$sock" P_1 --interval 1h --listen --exec ./see pub.seen >/dev/null 2>&1
publishing=$bg
wait_for 10 command_comes P_1 pub.seen
sees pub.seen 'iotpub --exec' own "$handler"
kill $publishing

message_comes() {
	mosquitto_pub --unix "$sock" -t some/topic -m 1
	test -e "$1"
}
bg iotingest -h "$sock" -t some/topic --sink './see sink.seen' >/dev/null 2>&1
ingesting=$bg
wait_for 10 message_comes sink.seen
sees sink.seen 'iotingest --sink' own 'IOT_FREE IOT_MQTT_USERNAME IOT_USERNAME'
kill $ingesting
IOT_MQTT_URL=mqtt://nowhere bg iotingest -h "$sock" -t some/topic --sink './see url.seen' >/dev/null 2>&1
ingesting=$bg
wait_for 10 message_comes url.seen
is 'IOT_FREE IOT_MQTT_URL IOT_MQTT_USERNAME IOT_USERNAME' "$(sed -n 4p url.seen)" \
	'a URL without a login is no secret'
kill $ingesting

# iotctl, which keeps what it logs in with; the first time, and from within a loop that has taken signals.
mkdir fake
cat >fake/iotctl <<'END'
#!/usr/bin/perl
my %rows = (
	"device" => '{"id":1,"identificador_unico":"F_1","is_active":true,"mqtt_enabled":true}',
	"device-config" => '{"id":1,"dispositivo":1,"broker":1,"is_active":true}',
	"broker" => '{"id":1,"nombre":"B","host":"nowhere","port":1883,"is_active":true}');
$| = 1;
print "$rows{$ARGV[-2]}\n" if $rows{$ARGV[-2]};
open my $calls, ">>", "calls";
syswrite $calls, "$ARGV[-2]\n";
close $calls;
exec "./see", -s "calls" < 60 ? "first.seen" : "again.seen";
END
chmod +x fake/iotctl
PATH="$T/fake:$PATH" bg iotpub -h "$sock" --from-platform --refresh 200ms --interval 1h >out 2>&1
publishing=$bg
login='IOT_FREE IOT_MQTT_USERNAME IOT_PASSWORD IOT_PASSWORD_FILE IOT_TOKEN IOT_TOKEN_FILE IOT_USERNAME'
sees first.seen 'iotctl for --from-platform' shared "$login"
sees again.seen 'iotctl for --refresh' shared "$login"
kill $publishing

# The pager, which is on our terminal, and what a person pipes into, which is the person's own.
command -v expect >/dev/null || skip_all 'no expect'
printf '#!/bin/sh\ncat >%s/paged\nexec %s/see %s/pager.seen\n' "$T" "$T" "$T" >pager
chmod +x pager
cat >t.exp <<END
set timeout 10
spawn env PAGER=$T/pager TERM=xterm iotctl
expect -exact "> "
send "help\r"
expect -exact "> "
send "help | ./see pipe.seen\r"
expect -exact "> "
send "exit\r"
expect eof
END
expect t.exp >result 2>&1
sees pager.seen 'the pager' shared 'IOT_FREE IOT_MQTT_USERNAME IOT_USERNAME'
has "$(cat paged)" 'broker' 'the pager: the text'
sees pipe.seen "the shell's pipe" shared \
	'IOT_CREDENTIALS IOT_EMQX_KEY_FILE IOT_FREE IOT_MQTT_PASSWORD IOT_MQTT_PASSWORD_FILE IOT_MQTT_URL IOT_MQTT_USERNAME IOT_PASSWORD IOT_PASSWORD_FILE IOT_TOKEN IOT_TOKEN_FILE IOT_USERNAME'
done_testing
