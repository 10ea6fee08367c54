#!/bin/sh
# What iotstatus(1) shows is run: the Nagios command, the metrics and alerts by promtool, the units.
# needs: promtool
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
command -v promtool >/dev/null || skip_all 'no promtool'
start_api
use_token
fleet 10 8
mandoc -Tutf8 -O width=78 "$top/man/iotstatus.1" | col -bx >page

# The Nagios command, with a service's arguments.
line=$(sed -n '/^ *command_line /{
	N
	s/\\\n *//
	s/^ *command_line //p
}' page)
# shellcheck disable=SC2016 # Nagios' own
has "$line" '-w $ARG1$ -c $ARG2$' 'the page has a Nagios command'
printf 'api_url = %s\ntoken_file = %s\n' "$IOT_API_URL" "$IOT_TOKEN_FILE" >nagios.conf
nagios() { # nagios WARNING CRITICAL
	printf '%s\n' "$line" | sed "s|/etc/iot/nagios.conf|$T/nagios.conf|; s|\\\$ARG1\\\$|$1|; s|\\\$ARG2\\\$|$2|" >check
	run env -u IOT_API_URL -u IOT_TOKEN_FILE sh ./check
}
nagios 90: 75:
exits 1 'it runs'
has "$out" 'IOT WARNING - 8/10 devices online (80.00%), 2 offline, 0 error, wanted 90: | online_pct=80.00%;90:;75:;0;100' \
	'and answers'
nagios 80: 75:
exits 0 'OK'
nagios 95: 90:
exits 2 'CRITICAL'
nagios 75: 90:
exits 3 'UNKNOWN'

# The metrics.
metrics() { # metrics 'sentence' ARGUMENT...
	sentence=$1
	shift
	rm -f fleet.prom
	run iotstatus --format prometheus --write fleet.prom "$@"
	ok "promtool check metrics: $sentence" sh -c 'promtool check metrics <fleet.prom'
	is '' "$(cat .out .err)" 'without a word'
}
metrics 'the counts'
has "$(cat fleet.prom)" '# HELP iot_devices Devices that speak MQTT, by state.
# TYPE iot_devices gauge
iot_devices{state="online"} 8
iot_devices{state="offline"} 2
iot_devices{state="error"} 0' 'by state'
has "$(cat fleet.prom)" '
iot_devices_online_ratio 0.8
' 'a ratio from 0 to 1'
has "$(cat fleet.prom)" '
iot_status_scrape_success 1
' 'success'
is 644 "$(stat -c %a fleet.prom)" 'node_exporter can read it'
no_line fleet.prom 'no time stamps' -E '^iot_[^#]* [0-9.e+]+ [0-9]+$'
metrics 'every state' --max-age 1h
has "$(cat fleet.prom)" 'iot_devices{state="never_connected"} 2' 'never connected where it is known'
metrics 'groups' --by tipo
has "$(cat fleet.prom)" 'iot_devices{tipo="esp32",state="online"} 4' 'the group is a label'
has "$(cat fleet.prom)" 'iot_devices_online_ratio{tipo="esp32"} 0.8' 'of the ratio too'
metrics 'each device' --per-device
has "$(cat fleet.prom)" 'iot_device_online{device_id="DEV_000008"} 1
iot_device_online{device_id="DEV_000009"} 0' 'only for who asks'
run iotstatus --per-device
exits 3 '--per-device without metrics'
fleet 0 0
metrics 'an empty fleet'
exits 3 'is UNKNOWN'
no_line fleet.prom 'and has no ratio' '^iot_devices_online_ratio'
fleet 10 8
run iotstatus --format prometheus
has "$out" 'iot_devices{state="online"} 8' 'on standard output'
run iotstatus --format prometheus --write /dev/null/fleet.prom
exits 3 'a place that cannot be written'
has "$err" /dev/null 'is named'

iotstatus --format prometheus --write fleet.prom
last=$(grep '^iot_status_last_success' fleet.prom)
IOT_API_URL=http://127.0.0.1:1
run iotstatus --format prometheus --write fleet.prom
exits 2 'no API'
ok 'its metrics are clean too' sh -c 'promtool check metrics <fleet.prom'
has "$(cat fleet.prom)" 'iot_status_scrape_success 0' 'success is 0'
is "$last" "$(grep '^iot_status_last_success' fleet.prom)" 'the last success stays'
no_line fleet.prom 'and nothing else is claimed' '^iot_devices'
for broken in 'IOT_TOKEN_FILE=/nonexistent' 'IOT_API_URL=ftp://x'; do
	sed -i 's/^\(iot_status_scrape_success\) 0/\1 1/' fleet.prom
	run env "$broken" iotstatus --format prometheus --write fleet.prom
	exits 3 "$broken"
	has "$(cat fleet.prom)" 'iot_status_scrape_success 0' 'is no success that stays for ever'
	is "$last" "$(grep '^iot_status_last_success' fleet.prom)" 'the last one is kept'
done
rm fleet.prom
run iotstatus --format prometheus --write fleet.prom
no_line fleet.prom 'a first look that fails knows none' last_success

# The alerts, fed with series.
sed -n '/^ *groups:$/,/^ *summary: nobody/p' page | sed 's/^ *groups:/groups:/' >raw.yml
indent=$(sed -n '2s/\( *\).*/\1/p' raw.yml | wc -c)
sed "2,\$s/^ \{$((indent - 3))\}//" raw.yml >alerts.yml
ok 'promtool check rules' promtool check rules alerts.yml
cat >alerts.test.yml <<'END'
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: iot_devices_online_ratio, values: '0.8x20 0.5x40'}
      - {series: iot_status_scrape_success, values: '1x40 0x20'}
    alert_rule_test:
      - {eval_time: 20m, alertname: IotDevicesOffline, exp_alerts: []}
      - eval_time: 35m
        alertname: IotDevicesOffline
        exp_alerts:
          - exp_labels: {severity: critical}
            exp_annotations: {summary: only 50% of the devices are online}
      - {eval_time: 40m, alertname: IotStatusUnknown, exp_alerts: []}
      - eval_time: 55m
        alertname: IotStatusUnknown
        exp_alerts:
          - exp_labels: {severity: warning}
            exp_annotations: {summary: nobody knows how many devices are online}
END
ok 'promtool test rules: they fire, and not too early' promtool test rules alerts.test.yml

# The units.
unit=$top/cmd/iotstatus/iotstatus
if command -v systemd-analyze >/dev/null; then
	ok 'the calendar is one' systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$unit".timer)"
fi
IOT_API_URL=$(cat api.url)
mkdir state
sed -n 's/^ExecStart=-\{0,1\}//p' "$unit".service | sed "s|%S/iotstatus|$T/state|; s|/var/lib/prometheus/node-exporter|$T|" >commands
is 2 "$(wc -l <commands)" 'the service runs two commands'
sh ./commands >journal
is 1 $? 'they run, and the second tells of WARNING'
has "$(cat iot.prom)" 'iot_devices{state="online"} 8' 'the first writes the metrics'
has "$(cat journal)" 'IOT WARNING - 8/10' 'the second speaks'
sh ./commands >journal
silent journal 'only when something changes'
done_testing
