#!/bin/sh
# device env: a device's own program gets its broker, login and topics, byte for byte, in C, in shells and in JSON; the
# password is nowhere where others could read it.
# slow: the header is compiled three times
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_platform
iotctl device provision RPI_001 ESP32_001 >/dev/null
file=$HOME/.local/state/iot/lab.csv
hex() { od -An -tx1 -v | tr -d " \n"; }
password() { awk -F, -v d="$1" '$1 == d { print $4 }' "$file"; }

# As it is.
run iotctl device env RPI_001 --format sh
exits 0 'the lines of a shell'
is "# Written by: iotctl device env RPI_001 --format sh
DEVICE_ID='RPI_001'
MQTT_BROKER='127.0.0.1'
MQTT_PORT=$port
MQTT_TLS=0
MQTT_WS_PATH=''
MQTT_CA_CERT_FILE=''
MQTT_USER='device_RPI_001'
MQTT_PASSWORD_FILE='secrets/RPI_001.pw'
MQTT_CERT_FILE=''
MQTT_KEY_FILE=''
MQTT_CLIENT_ID='RPI_001'
MQTT_QOS=1
PUBLISH_INTERVAL=60
TOPIC_DATA='iot/sensors/RPI_001/data'
TOPIC_COMMANDS='iot/devices/RPI_001/commands'
TOPIC_RESPONSES='iot/devices/RPI_001/responses'
TOPIC_STATUS='iot/devices/RPI_001/status'" "$out" '  are all that it needs'
is "$(password RPI_001)" "$(cat secrets/RPI_001.pw)" 'the password is in its file'
is '600 700' "$(stat -c %a secrets/RPI_001.pw) $(stat -c %a secrets)" '  for nobody else'
is RPI_001.pw "$(ls secrets)" '  and nothing else is there'
run iotctl device env ESP32_001 --format json --secrets other -n
exits 0 'JSON, in a dry run'
is 'other/ESP32_001.pw 1' "$(printf '%s\n' "$out" | jq -r '"\(.mqtt_password_file) \(.mqtt_qos)"')" '  names the file'
ok '  and makes none' test ! -e other
without "$out" "$(password ESP32_001)" '  no password comes out'

# Who may see the header.
umask 022
: >open.h
iotctl device env ESP32_001 --format h >open.h 2>said
is '2 0' "$? $(stat -c %s open.h)" 'a file that others may read gets no password'
has "$(cat said)" "'standard output' holds a secret and others may read it: chmod 600 it" '  which is told'
chmod 600 open.h
ok 'one that is ours does' sh -c 'iotctl device env ESP32_001 --format h >open.h'
ok '  as a literal' grep -qF "mqtt_password = \"$(password ESP32_001)\";" open.h
timeout 20 script -qefc 'iotctl device env ESP32_001 --format h' screen >/dev/null 2>&1 </dev/null
is 2 $? 'nor does a screen'
no_line screen '  get it' -F -e "$(password ESP32_001)"
timeout 20 script -qefc 'iotctl device env ESP32_001 --format h --show-secrets' screen >/dev/null 2>&1 </dev/null
ok 'but where it was asked for' grep -qF -e "$(password ESP32_001)" screen
is "$(password ESP32_001)" "$(iotctl device env ESP32_001 -o h | sed -n 's/.*mqtt_password = "\(.*\)";/\1/p')" 'a pipe has it'

# After a rotation, and for whom the password is not known.
old=$(password ESP32_001)
iotctl credential rotate ESP32_001 >/dev/null
[ "$old" != "$(password ESP32_001)" ]
tap $? 'a new password'
has "$(iotctl device env ESP32_001 -o h)" "$(password ESP32_001)" '  is the one that counts'
refused() { # refused STATUS PART 'sentence' OPERAND...
	code=$1 part=$2 said=$3
	shift 3
	run iotctl device env "$@"
	exits "$code" "$said"
	has "$err" "$part" '  which is told'
	is '' "$out" '  and nothing comes out'
}
iotctl device create NEW nombre=n tipo=esp32 ubicacion=x >/dev/null
refused 3 "no device 'NOBODY'" 'no such device' NOBODY -o sh
refused 3 "device 'NEW' has no broker: give it a device-config" 'a device without a broker' NEW -o sh
iotctl device-config create NEW broker=Laboratorio >/dev/null
refused 3 "device 'NEW' has no login: give it a credential" 'without a login' NEW -o sh
echo secret >new.pw && chmod 600 new.pw
iotctl credential create device=NEW client_id=NEW username=someone password@new.pw >/dev/null
refused 3 "'iotctl credential rotate NEW' makes a new one" 'one whose password only the platform has' NEW -o sh
sed -i 's/^RPI_001,RPI_001,device_RPI_001/RPI_001,RPI_001,renamed/' "$file"
refused 3 'the password of device' 'a password of another user name' RPI_001 -o sh
sed -i 's/^RPI_001,RPI_001,renamed/RPI_001,RPI_001,device_RPI_001/' "$file"
cp "$file.state" kept
jq '.pending.RPI_001 = ["maybe"]' kept >"$file.state"
refused 1 "'iotctl credential rotate RPI_001' settles it" 'one of which nobody knows whether it counts' RPI_001 -o sh
cp kept "$file.state"
refused 2 '--format h, sh or json' 'a table' RPI_001
refused 2 '--format h, sh or json' 'two devices' RPI_001 ESP32_001 -o sh
run iotctl device list -o h
exits 2 'h is no format'
has "$err" "h and sh are formats of 'device env'" '  of a list'
iotctl topic create nombre=each topic_pattern='x/{device_id}/{sensor_type}' tipo=publish >/dev/null
iotctl device-config set RPI_001 publish_topic=each >/dev/null
refused 2 sensor_type 'a topic for each sensor' RPI_001 -o sh
: >blocked
refused 7 blocked 'a directory that is none' ESP32_001 -o sh --secrets blocked

# Names and passwords that are made to break out.
cat >plan.py <<'END'
import csv, json, sqlite3, subprocess, sys
evil = {'MQTT_USER': "a'b\"c\\d$(touch hit)`touch hit`??/\" %s\n#ñ ${HOME}!",
    'TOPIC_DATA': "t'\"\\$(touch hit)`touch hit`??/;ñ/RPI_001"}
secret = "p'\"\\$(touch hit)`touch hit`??/\n;ñ\x7f %n1"
step, path = sys.argv[1:3]
def ctl(*words):
    subprocess.run(['iotctl', '--quiet', *words], check=True, stdout=subprocess.DEVNULL)
if step == 'plant':
    ctl('topic', 'create', 'nombre=evil', 'tipo=publish', 'topic_pattern=' + evil['TOPIC_DATA'].replace('RPI_001', '{device_id}'))
    ctl('device-config', 'set', 'RPI_001', 'publish_topic=evil')
    db = sqlite3.connect(sys.argv[3]) # iotapi would refuse the line break, another backend may not
    db.execute("update credential set username = ? where client_id = 'RPI_001'", [evil['MQTT_USER']])
    db.commit()
if step in ('plant', 'oneline'):
    rows = list(csv.reader(open(path, newline='')))
    for r in rows:
        if r[0] == 'RPI_001':
            r[2], r[3] = evil['MQTT_USER'], secret if step == 'plant' else secret.replace('\n', '')
    csv.writer(open(path, 'w', newline=''), lineterminator='\n').writerows(rows)
    print(json.dumps({**evil, 'secret': secret}), file=open('evil.json', 'w'))
if step == 'dotenv':
    sys.path.insert(0, path)
    import shlex
    got = dict(w.split('=', 1) for w in shlex.split(open('.env').read(), comments=True))
    print([k for k in evil if got[k] != evil[k]])
END
python3 plan.py plant "$file" "$db"
refused 2 'has a line break' 'a password of two lines and its file' RPI_001 -o sh
cat >main.c <<'END'
#include "device.h"
#include <stdio.h>
int main(void) {
	printf("%s%c%s%c%s%c%d", mqtt_user, 0, mqtt_password, 0, topic_data, 0, mqtt_port);
	(void)mqtt_server, (void)mqtt_client_id, (void)topic_commands, (void)device_id, (void)publish_interval;
	return 0;
}
END
(umask 077 && iotctl device env RPI_001 -o h >device.h)
wanted=$(jq -j '.MQTT_USER, "\u0000", .secret, "\u0000", .TOPIC_DATA' evil.json | hex)00$(printf %s "$port" | hex)
for std in c99 c11 gnu++17; do
	case $std in *++*) language=c++ ;; *) language=c ;; esac
	ok "a header for $std" cc -x $language -std=$std -trigraphs -Wall -Werror -Wno-unused-variable -o "main.$std" main.c
	is "$wanted" "$("./main.$std" | hex)" '  with the same bytes'
done
python3 plan.py oneline "$file"
iotctl device env RPI_001 -o sh >.env
for shell in dash bash 'bash --posix' zsh; do
	command -v "${shell% *}" >/dev/null || continue
	# shellcheck disable=SC2016 # of that shell
	$shell -c '. ./.env; printf "%s\0%s" "$MQTT_USER" "$TOPIC_DATA"' >got
	is "$(jq -j '.MQTT_USER, "\u0000", .TOPIC_DATA' evil.json | hex)" "$(hex <got)" "what $shell reads"
done
is '[]' "$(python3 plan.py dotenv .)" 'what Python reads'
is "$(jq -j '.secret | gsub("\n"; "")' evil.json)" "$(cat secrets/RPI_001.pw)" 'and its password'
iotctl device env RPI_001 -o json >got
is "$(jq -c '[.MQTT_USER, .TOPIC_DATA]' evil.json)" "$(jq -c '[.mqtt_user, .topic_data]' got)" 'what jq reads'
ok 'nothing of it was run' test ! -e hit

# A device with a certificate, at a broker with TLS and a CA.
sh "$top/examples/ca" init pki && sh "$top/examples/ca" issue pki CERT
iotctl broker create TLS host=mq.example port=8883 protocol=mqtts use_tls=yes ca_cert@pki/ca.crt >/dev/null
iotctl broker create Web host=mq.example port=8084 protocol=wss >/dev/null
iotctl device create CERT nombre=c tipo=esp32 ubicacion=x >/dev/null
iotctl device-config create CERT broker=TLS qos=2 publish_interval=5 >/dev/null
iotctl credential create device=CERT client_id=CERT username=cert password@new.pw use_device_cert=yes \
	client_cert@pki/CERT.crt client_key@pki/CERT.key >/dev/null
refused 3 "the certificate of device 'CERT', and its key, are not known here" 'a certificate that we have no files of' CERT -o sh
echo "CERT,CERT,,,pki/CERT.crt,pki/CERT.key" >>"$file"
iotctl device env CERT -o json --secrets tls >got
is '["mq.example",8883,1,"tls/CERT.ca.crt","","tls/CERT.crt","tls/CERT.key","CERT",2,5]' "$(jq -c '[.mqtt_server, .mqtt_port,
	.mqtt_tls, .mqtt_ca_cert_file, .mqtt_password_file, .mqtt_cert_file, .mqtt_key_file, .mqtt_user, .mqtt_qos,
	.publish_interval]' got)" 'a certificate in place of a password'
ok '  the CA' cmp pki/ca.crt tls/CERT.ca.crt
ok '  the certificate' cmp pki/CERT.crt tls/CERT.crt
ok '  its key' cmp pki/CERT.key tls/CERT.key
is 600 "$(stat -c %a tls/CERT.key)" '  for nobody else'
iotctl device-config set CERT broker=Web >/dev/null
is '["/mqtt",1]' "$(iotctl device env CERT -o json --secrets tls | jq -c '[.mqtt_ws_path, .mqtt_tls]')" 'over WebSocket'
done_testing
