#!/bin/sh
# broker sync --driver files: a mosquitto whose password_file and acl_file become what the platform says, and what its
# devices meet then.
# shellcheck disable=SC2016,SC2154 # $7$ is text; lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/sync.sh
. "$top/tests/sync.sh"

start_platform
iotctl device provision D1 D2 D3 D4 sensores=temperature >provisioned 2>&1 || note "$(cat provisioned)"
file=$HOME/.local/state/iot/lab.csv
host=127.0.0.1 admin=admin admin_pw=broker.pw removed='statuses corrected: 1'
# mosquitto's files know no rule of what is subscribed to, only of what is delivered.
filters='# $SYS/#' deaf=27
reload="kill -HUP $broker_pid"
sync() { run iotctl broker sync Laboratorio --driver files --dir "$T" --reload "$reload" "$@"; }

run iotctl broker sync Laboratorio
exits 2 'without --driver'
has "$err" '--driver says what the broker is' 'it is told what is missing'
run iotctl broker sync Laboratorio --driver files
exits 2 'without --dir'
run iotctl broker sync Nada --driver files --dir "$T"
exits 3 'no such broker'
run iotctl broker sync Laboratorio D1 --prune --driver files --dir "$T"
exits 2 '--prune is not for some devices'
run iotctl broker sync Laboratorio D9 --driver files --dir "$T"
exits 3 'no such device'
has "$err" "'D9'" 'named'

before=$(cat passwords)
sync --dry-run
exits 1 'a dry run that finds something'
has "$out" "+ login 'device_D1'
+   password: ********
+   topic write iot/sensors/D1/data" 'shows a new login'
is "$before" "$(cat passwords)" 'and leaves the files'
[ ! -e acl ]
tap $? 'all of them'
without "$out" "$(field D1 3)" 'no password is shown'

sync
exits 0 'the first sync'
has "$out" "broker 'Laboratorio': logins made 4, removed 0, passwords set 0, rules set 5" 'says what it did'
is 0 "$(stat -c %a passwords acl | grep -vc '0$')" 'nobody else may read the files'
is 5 "$(grep -c '^[^:]*:\$7\$' passwords)" 'every login has a hash'
grep -qF -e "$(field D1 3)" passwords acl
is 1 $? 'no password is in them'
wait_for 10 reloaded 1
sync --verify
exits 1 'a broker that does not read the rules'
has "$err" 'which nothing allows: does the broker use these rules?' 'is found by trying'
echo "acl_file $T/acl" >>mosquitto.conf
restart_broker
reload="kill -HUP $broker_pid"
tap $? 'mosquitto starts with them'

mosquitto_pub -h "$host" -p "$port" -u admin -P broker-password -r -t iot/sensors/D2/data -m secret
ask_devices

# By hand at the broker; each is found.
cp passwords passwords.good
cp acl acl.good
sed -i '/^device_D1:/d' passwords
nobodys='$7$101$AAAAAAAAAAAAAAAA$'$(printf %086d 0 | tr 0 A)==
sed -i "s|^device_D2:.*|device_D2:$nobodys|" passwords
sed -i '/^topic write iot\/alerts\/D3$/d' acl
sed -i 's/^user device_D4$/&\ntopic readwrite iot\/#/' acl
echo "stranger:$nobodys" >>passwords
printf '\n# by hand\n  user stranger \n# his own\n  topic read iot/#\npattern read own/%%c\n' >>acl
sync --dry-run
exits 1 'drift'
has "$out" "  login 'device_D3'
+   topic write iot/alerts/D3" 'is shown line by line'
has "$out" "  login 'device_D4'
-   topic readwrite iot/#" 'what is too much as well'
has "$out" "+ login 'device_D1'" 'a login that is gone'
has "$out" "  login 'device_D2'
+   password: ********" 'another password'
has "$err" 'logins that the platform does not know: 1' 'and a stranger is told'
sync D4
exits 0 'one device'
has "$out" 'logins made 0, removed 0, passwords set 0, rules set 1' 'is synced alone'
sync
exits 0 'all'
has "$out" 'logins made 1, removed 0, passwords set 1, rules set 1' 'what was changed is as it was'
publish 5 D1 iot/alerts/D1
exits 0 'the device is in again'
publish 5 D2 iot/alerts/D2
exits 0 'and the other'
ok 'a stranger stays' grep -q '^stranger:' passwords
is "# his own
  topic read iot/#" "$(sed -n '/^user stranger$/,/^$/p' acl | sed -n '2,3p')" 'as does what was written for him'
ok 'a remark' grep -qx '# by hand' acl
ok 'and a pattern' grep -qx 'pattern read own/%c' acl
# mosquitto 2.1 ends when it reads such a line again.
cp passwords passwords.good
echo 'cut:$7$101$AAAAAAAAAAAAAAAA$AAAA' >>passwords
sed -i '/^topic write iot\/alerts\/D3$/d' acl
cp passwords passwords.cut
cp acl acl.cut
sync
exits 6 'a hash that is cut'
has "$err" "the hash of login 'cut' in mosquitto's file is cut or spoiled" 'is told'
ok 'and nothing is written' cmp passwords.cut passwords
ok 'of rules either' cmp acl.cut acl
cp passwords.good passwords
sync
exits 0 'without it the rule comes back'
is 0 "$(sed -n '/^$/{n;/^$/p;}' acl | grep -c '')" 'empty lines do not add up'
sync --prune
exits 2 'to remove is asked for, without a terminal --yes'
ok 'so he stays' grep -q '^stranger:' passwords
sync --prune --yes
exits 0 '--prune --yes'
has "$out" "- login 'stranger'" 'shows it'
grep -q stranger passwords acl
is 1 $? 'and he is gone'

# More strangers than known: the API may show a part of the devices only.
for i in 1 2 3 4 5 6; do echo "stranger$i:$nobodys"; done >>passwords
cp passwords passwords.good
for how in --dry-run --yes; do
	sync --prune $how
	exits 1 "--prune $how of most of the logins"
	has "$err" "--prune: 6 of the broker's 11 logins would go, more than half: does the API show us all devices?" 'is refused'
	has "$out" "- login 'stranger6'" 'which ones is shown'
done
is "$(cat passwords.good)" "$(cat passwords)" 'and they stay'
run iotctl broker sync Laboratorio D1 --prune-most --driver files --dir "$T"
exits 2 '--prune-most, too, is not for some devices'
sync --prune-most --yes
exits 0 '--prune-most'
no_line passwords 'removes them' stranger

ask_removal
not_running() { iotctl device get D3 -o json | jq -e '.connection_status == "offline"'; }
wait_for 15 not_running
tap $? 'that its status was corrected the platform sees'

# One that is deleted: whose login it was the broker's rules tell.
iotctl device provision D5 sensores=temperature >/dev/null
sync
is_online() { iotctl device get "$1" -o json | jq -e '.connection_status == "online"'; }
is_offline() { iotctl device get "$1" -o json | jq -e '.connection_status == "offline"'; }
wait_for 15 iotpub D5 temperature=20 -C 1 --interval 1s --credentials "$file"
bg iotpub D5 temperature=20 --interval 1h --credentials "$file" >/dev/null 2>gone.err
wait_for 15 is_online D5
tap $? 'D5 is connected'
iotctl credential delete D5 --yes >/dev/null 2>&1
sed -i '/^D5,/d' "$file"
sync --prune --yes
exits 0 'a credential that is deleted'
has "$out" "- login 'device_D5'" 'is a login that nobody knows, and --prune removes'
has "$out" 'statuses corrected: 1' 'the status of its device is corrected'
wait_for 15 is_offline D5
tap $? 'as the platform sees'

# A password that nobody here knows.
sed -i '/^D4,/d' "$file"
sed -i '/^device_D4:/d' passwords
sync
exits 1 'a login without a known password'
has "$out" "? login 'device_D4': its password is not known here" 'is shown'
has "$err" 'logins whose password is not known here: 1' 'and counted'
iotapi export mosquitto "$T/exported" --db "$db"
sed -n 's/^\(device_D4:.*\)....$/\1/p' exported/passwords >cut.hashes
sync --hashes cut.hashes
exits 1 '--hashes: one that is cut'
has "$err" "login 'device_D4': its hash in 'cut.hashes' is cut or spoiled" 'is told'
no_line passwords 'and not written' '^device_D4:'
sync --hashes "$T/exported/passwords"
exits 0 '--hashes: what iotapi has of it'
is "$(grep ^device_D4: exported/passwords)" "$(grep ^device_D4: passwords)" 'goes there as it is'
sed -n 's/^device_D2:/device_D1:/p' passwords >other.hashes
sed -i '/^device_D1:/d' passwords
sync --hashes other.hashes
has "$out" "+ login 'device_D1'" 'of a login whose password is known'
sync --dry-run
exits 0 'that counts, and no hash of another'

# As the example does it.
unit=$top/examples/iotctl-sync
if command -v systemd-analyze >/dev/null; then
	mkdir units
	sed "s|=iotctl |=$build/iotctl |" "$unit.service" >units/iotctl-sync.service
	cp "$unit.timer" units/
	words() { systemd-analyze verify --man=no units/iotctl-sync.timer units/iotctl-sync.service 2>&1 | grep iotctl; }
	is '' "$(words)" 'systemd-analyze verify has no word against the units'
	echo '[Nonsense]' >>units/iotctl-sync.service
	has "$(words)" Nonsense 'negative control: it has against nonsense'
fi
sed -n 's/^ExecStart=//p' "$unit.service" |
	sed "s|sync mosquitto|sync Laboratorio|; s|/etc/mosquitto/iot|$T|; s|systemctl reload mosquitto|$reload|" >command.sh
sed -i 's/^topic write iot\/alerts\/D1$//' acl
run sh ./command.sh
exits 0 'the command of the service'
has "$out" 'rules set 1' 'does its work'
sed -i.known '/^D2,/d' "$file"
sed -i '/^device_D2:/d' passwords
run sh ./command.sh
exits 1 'with a device that cannot come in it fails'
no_line "$unit.service" 'which is a failed unit' -i '^SuccessExitStatus'
mv "$file.known" "$file"
chmod 600 "$file"
sync
exits 0 'with its password it does not'

# A reload that fails is done by the next run.
sed -i '/^device_D1:/d' passwords
run iotctl broker sync Laboratorio --driver files --dir "$T" --reload 'exit 3'
exits 1 'a reload that fails'
has "$err" "'exit 3' failed: mosquitto goes on with what it had" 'is told'
reloads=$(grep -c Reloading mosquitto.log)
sync
exits 0 'the next run'
wait_for 10 reloaded "$reloads"
tap $? 'makes up for it'

# One at a time: of a context, and of a directory, whoever writes it.
for held in "$HOME/.local/state/iot/sync-lab.lock" "$T"; do
	run flock "$held" iotctl broker sync Laboratorio --driver files --dir "$T"
	exits 1 "while another holds $(basename "$held")"
	has "$err" "another sync is running (it holds '$held')" 'none begins'
	run flock "$held" iotctl broker sync Laboratorio --driver files --dir "$T" --dry-run
	exits 0 'but for one that only looks'
done
run iotctl broker sync Laboratorio --driver files --dir "$T/none"
exits 7 'a directory that is not there'
has "$err" "cannot open '$T/none': No such file or directory" 'is told'

# What the API does not show us is not what there is not.
cp passwords passwords.good
mkdir between
bg /usr/bin/python3 "$top/tests/http/serve.py" between between "$api"
wait_for 10 test -s between/url
echo 'GET /api/mqtt/credentials before:403' >between/fault
sync --api-url "$(cat between/url)" --credentials "$file" --prune --yes
exits 4 'credentials that we may not see'
has "$err" "the API does not show us 'credential': the broker would lose what is there" 'are told'
mkdir answers
cat >answers/answers <<-'END'
	GET /api/users/me/ 200 application/json {"username":"ana","is_superuser":false,"rol_detail":{"nombre":"operador"}}
	GET /api/mqtt/brokers/ 200 application/json [{"id":1,"nombre":"Laboratorio","host":"h","port":1883,"protocol":"mqtt"}]
	GET /api/ 200 application/json []
END
bg /usr/bin/python3 "$top/tests/http/serve.py" answers answers
wait_for 10 test -s answers/url
echo token >token && chmod 600 token
sync --api-url "$(cat answers/url)" --token-file token --credentials "$file" --prune --yes
exits 4 '--prune by one who is shown some devices only'
has "$err" 'an operator is shown some devices only' 'is refused'
sed -i 's/operador/visor/' answers/answers
sync --api-url "$(cat answers/url)" --token-file token --credentials "$file" --prune --yes
exits 1 '--prune by one who is shown no device'
has "$err" "the API shows us no device with a login at broker 'Laboratorio': all that it has would go" 'is refused'
is "$(cat passwords.good)" "$(cat passwords)" 'nobody lost anything'

# Nothing is written that mosquitto would not start with.
iotctl api POST devices '{"nombre":"raro","tipo":"esp32","ubicacion":"x","identificador_unico":"raro"}' >/dev/null
echo 12345678 >secret && chmod 600 secret
iotctl credential create device=raro client_id=raro username=ab password@secret >/dev/null
plant "UPDATE credential SET username = 'a:b' WHERE username = 'ab'" # iotapi refuses it
iotctl device-config create raro broker=Laboratorio >/dev/null
echo 'raro,raro,a:b,12345678,,' >>"$file"
cp passwords passwords.good
sync
exits 1 'a user name that mosquitto cannot have'
has "$err" "login 'a:b': mosquitto takes no user name with ':'" 'is told'
is "$(cat passwords.good)" "$(cat passwords)" 'and not written'
plant "UPDATE credential SET username = ' device_D4' WHERE username = 'a:b'"
sed -i 's/,a:b,/, device_D4,/' "$file"
sync
exits 1 'one that mosquitto would take for another login'
has "$err" "login ' device_D4': mosquitto takes no user name with '#' or a blank in front" 'is told'
is "$(cat passwords.good)" "$(cat passwords)" 'and not written'
plant "UPDATE credential SET username = 'a' || char(10) || 'device_D4' WHERE username = ' device_D4'"
sync --hashes passwords.good
exits 1 'one that is two lines'
has "$err" 'mosquitto takes no user name with a control character' 'is told'
is "$(cat passwords.good)" "$(cat passwords)" 'and not written'

# Two devices with one login have one password.
iotctl credential set D1 username=shared >/dev/null
iotctl credential set D2 username=shared >/dev/null
sed -i 's/^\(D[12],[^,]*\),[^,]*,/\1,shared,/' "$file"
sync
exits 1 'two devices with one login and two passwords'
has "$err" "have the same user name 'shared' and different passwords" 'are told'
done_testing
