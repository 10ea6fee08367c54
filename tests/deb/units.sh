#!/bin/sh
# The installed units under a real systemd: as root, where the packages, mosquitto and mosquitto-clients are, on a
# machine that may be spoilt. Their secrets are credentials, which no other user can read.
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
[ "$tap_bad" -eq 0 ] || note "$(journal iotstatus.service; journal iotingest@archive)"
done_testing
