#!/bin/sh
# The installed units under a real systemd: as root, where the packages, mosquitto and mosquitto-clients are, on a
# machine that may be spoilt. Their secrets are credentials, which no other user can read. Where systemd is booted in a
# directory, as init of namespaces of its own: by pivot_root, since who is in a chroot can have no PrivateUsers, and with /
# shared (mount --make-rshared), or credentials do not come out of where they are made.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # not the build's
[ "$(cat /proc/1/comm)" = systemd ] || skip_all 'no systemd'
note "$(systemctl --version | head -n 1)"
umask 077
mkdir -p /etc/iot
chmod 755 /etc/iot

# A platform: broker and API.
port=$(free_port)
echo broker-password >/etc/iot/archive.password
: >"$T/passwords"
chown -R mosquitto "$T/passwords"
mosquitto_passwd -b "$T/passwords" archive broker-password 2>/dev/null
cat >"$T/mosquitto.conf" <<END
listener $port 127.0.0.1
allow_anonymous false
password_file $T/passwords
user root
END
mosquitto -c "$T/mosquitto.conf" >"$T/mosquitto.log" 2>&1 &
pids="$pids $!"
start_api
mv "$T/api.pw" /etc/iot/api.pw
unset IOT_API_URL IOT_USERNAME IOT_PASSWORD_FILE
printf 'api_url = %s\nusername = admin\n' "$api" >/etc/iot/iot.conf
chmod 644 /etc/iot/iot.conf
IOT_PASSWORD_FILE=/etc/iot/api.pw iotctl device create D nombre=D tipo=esp32 ubicacion=x connection_status=online >/dev/null

# iotstatus.service, for node_exporter's user.
id prometheus >/dev/null 2>&1 || useradd --system --user-group prometheus
install -d -m 755 -o prometheus -g prometheus /var/lib/prometheus/node-exporter
journal() { systemctl status --no-pager --lines 30 "$1"; }
ok 'iotstatus.service ends well' systemctl start iotstatus.service
has "$(cat /var/lib/prometheus/node-exporter/iot.prom)" 'iot_status_scrape_success 1' 'with metrics'
is 'prometheus 1' "$(stat -c %U /var/lib/iotstatus/fleet.state) $(grep -c OK /var/lib/iotstatus/fleet.state)" 'and its state'
ok 'its timer starts' systemctl start iotstatus.timer
systemctl stop iotstatus.timer

# iotingest@archive, with a password.
echo "IOT_MQTT_URL=mqtt://archive@127.0.0.1:$port" >/etc/iot/iotingest-archive.env
mkdir -p /etc/systemd/system/iotingest@archive.service.d
cat >/etc/systemd/system/iotingest@archive.service.d/password.conf <<END
[Service]
LoadCredential=mqtt:/etc/iot/archive.password
Environment=IOT_MQTT_PASSWORD_FILE=%d/mqtt
END
chmod -R go+rX /etc/systemd/system
systemctl daemon-reload
archive=/var/lib/iotingest/archive.ndjson
ok 'iotingest@archive starts' systemctl start iotingest@archive
subscribed() { grep -q 'Received SUBSCRIBE from archive\|New client.*archive' "$T/mosquitto.log"; }
wait_for 20 subscribed
tap $? 'and comes to the broker'
received() { mosquitto_pub -h 127.0.0.1 -p "$port" -u archive -P broker-password -q 1 -t iot/sensors/D/data -m "$1" && grep -qF "$1" "$archive"; }
wait_for 20 received '{"n":1}'
tap $? 'what is published is in its file'
mv $archive "$T/rotated"
ok 'reload opens it anew' systemctl reload iotingest@archive
wait_for 20 received '{"n":2}'
tap $? 'and writes on'
is active "$(systemctl is-active iotingest@archive)" 'it runs on'
ok 'stop' systemctl stop iotingest@archive
is success "$(systemctl show -P Result iotingest@archive)" 'is a clean end'

# iotapi.service, as the page has it, with a watchdog that does not wait for a minute.
mkdir -p /etc/systemd/system/iotapi.service.d
printf '[Service]\nWatchdogSec=5\n' >/etc/systemd/system/iotapi.service.d/watchdog.conf
chmod -R go+rX /etc/systemd/system
systemctl daemon-reload
of_iotapi() { systemctl show -P "$1" iotapi; }
serves() { curl -sS --retry 0 http://127.0.0.1:8000/healthz 2>/dev/null | grep -q '"ok"'; }
ok 'iotapi.service starts' systemctl start iotapi
is 'active serving http://127.0.0.1:8000' "$(systemctl is-active iotapi) $(of_iotapi StatusText)" 'when it says that it serves'
ok 'it serves' serves
is '700 iotapi 600 iotapi' "$(stat -c '%a %U' /var/lib/iotapi /var/lib/iotapi/iotapi.db | paste -sd ' ')" 'its database is its own'
install -m 600 -o iotapi /etc/iot/api.pw /var/lib/iotapi/pw
ok 'a user beside it, as README.Debian has it' runuser -u iotapi -- env HOME=/var/lib/iotapi \
	iotapi user add admin --db /var/lib/iotapi/iotapi.db --password-file /var/lib/iotapi/pw
ctl() { IOT_API_URL=http://127.0.0.1:8000 IOT_PASSWORD_FILE=/etc/iot/api.pw iotctl "$@"; }
ok 'makes a broker, whose password is sealed' ctl broker create B host=127.0.0.1 port="$port" username=archive \
	password@/etc/iot/archive.password
linked() { ctl api GET mqtt/broker-status/ | grep -q '"connected"'; }
wait_for 20 linked
tap $? 'with which it comes to the broker'
is 'ok no' "$(iotapi check --db /var/lib/iotapi/iotapi.db --key-file /etc/iot/iotapi.key) $([ -e /var/lib/iotapi/iotapi.db.key ] || echo no)" \
	'by the key that systemd hands to it'
ok 'reload' systemctl reload iotapi
pid=$(of_iotapi MainPID)
sleep 12 # more than two watchdogs
is "$pid 0" "$(of_iotapi MainPID) $(of_iotapi NRestarts)" 'its watchdog is content'
kill -STOP "$pid"
again() { [ "$(of_iotapi NRestarts)" -gt 0 ] && serves; }
wait_for 90 again
tap $? 'and has one that stands still started again'
begin=$(date +%s)
ok 'stop' systemctl stop iotapi
is success "$(of_iotapi Result)" 'is a clean end'
[ $(($(date +%s) - begin)) -le 10 ]
tap $? 'and no long one'

# A database of the first version, with its key, comes to the service as README.Debian has it.
rm -rf /var/lib/iotapi/*
python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' "$T/old.db" "$top/tests/old/1.sql"
install -m 600 -o iotapi -g iotapi "$T/old.db" /var/lib/iotapi/iotapi.db
install -m 600 "$top/tests/old/1.key" /etc/iot/iotapi.key
ok 'it starts with a database of version 1' systemctl start iotapi
ok 'and serves it' serves
is 2 "$(sqlite3 /var/lib/iotapi/iotapi.db 'PRAGMA user_version')" 'as one of today'
is ok "$(iotapi check --db /var/lib/iotapi/iotapi.db --key-file /etc/iot/iotapi.key)" 'with the key it had'
systemctl stop iotapi
[ "$tap_bad" -eq 0 ] || note "$(journal iotstatus.service; journal iotingest@archive; journal iotapi)"
done_testing
