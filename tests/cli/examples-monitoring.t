#!/bin/sh
# Examples for who watches: Prometheus' alerts and Grafana's dashboard name metrics that our programs really print, and
# Icinga runs its command.
# needs: promtool, icinga2
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
command -v promtool >/dev/null || skip_all 'no promtool'

start_api
use_token
fleet 10 5 "$now"
iotctl broker create nombre=Norte host=127.0.0.1 port=1 >/dev/null
# shellcheck disable=SC2119
start_broker
broker_is_seen() { curl -s -H "authorization: Bearer $(cat api.token)" "$api/metrics/" >api.prom && grep -q '^iotapi_broker_up{' api.prom; }

# All that our programs print, each as the examples say.
iotstatus --format prometheus --write fleet.prom
mosquitto_pub --unix "$sock" -r -t iot/sensors/X/data -m '{"temperature":1}'
iotingest -h "$sock" --readings -C 1 --metrics iotingest.prom >/dev/null 2>&1
ok 'iotapi tells of its broker' wait_for 20 broker_is_seen
cat fleet.prom iotingest.prom api.prom >all.prom
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' all.prom | sort >printed
cat >expr.py <<'END'
import json, re, sys, yaml
# check rules has to take each expression; metrics of ours that nobody prints are listed.
kind, path = sys.argv[1:]
if kind == 'alerts':
    exprs = [r['expr'] for g in yaml.safe_load(open(path))['groups'] for r in g['rules']]
else:
    exprs = [t['expr'] for p in json.load(open(path))['panels'] for t in p.get('targets', [])]
    rules = [{'record': f'r{i}', 'expr': e.replace('$__rate_interval', '5m')} for i, e in enumerate(exprs)]
    yaml.safe_dump({'groups': [{'name': 'g', 'rules': rules}]}, open('dashboard.yml', 'w'))
printed = set(open('printed').read().split())
named = {m for e in exprs for m in re.findall(r'\biot(?:api)?_\w+', e)}
print(len(exprs) > 10, sorted(named - printed))
END
alerts=$top/examples/prometheus-alerts.yml
dashboard=$top/examples/grafana-dashboard.json
ok 'the alerts: promtool check rules' promtool check rules "$alerts"
is 'True []' "$(python3 expr.py alerts "$alerts")" '  name no metric that nobody prints'
is 'True []' "$(python3 expr.py dashboard "$dashboard")" 'the dashboard names none'
ok '  and promtool takes its expressions' promtool check rules dashboard.yml
sed 's/iot_ingest_connected/iot_ingest_conected/' "$alerts" >broken.yml
is "True ['iot_ingest_conected']" "$(python3 expr.py alerts broken.yml)" 'negative control: a metric with a slip'
mandoc -Tutf8 -O width=78 "$top/man/iotstatus.1" | col -bx | sed -n '/- alert: IotDevicesOffline/,/summary: nobody/s/^ *//p' >page.txt
is "$(cat page.txt)" "$(sed -n '/- alert: IotDevicesOffline/,/summary: nobody/s/^ *//p' "$alerts")" 'iotstatus(1) has the first two of them'

# Each fires for what it is for, and not before.
cp "$alerts" alerts.yml
cat >cases <<'END'
IotDevicesOffline iot_devices_online_ratio 0.8x10 0.5x40
IotStatusUnknown iot_status_scrape_success 1x10 0x40
IotStatusUnknown node_textfile_mtime_seconds{file="/x/fleet.prom"} 0+60x10 600x40
IotIngestDisconnected iot_ingest_connected 1x10 0x40
IotIngestStopped node_textfile_mtime_seconds{file="/x/iotingest.prom"} 0+60x10 600x40
IotIngestSilent iot_ingest_last_message_timestamp_seconds 0+60x10 600x40
IotIngestRejects iot_ingest_rejected_total 0x10 0+30x40
IotIngestSinkFails iot_ingest_sink_failures_total 0x10 0+1x40
IotIngestSessionLost iot_ingest_sessions_lost_total 0x10 1x40
IotApiDown up{job="iotapi"} 1x10 0x40
IotApiBrokerDown iotapi_broker_up{broker="B"} 1x10 0x40
IotApiErrors iotapi_http_responses_total{code="5xx"} 0x10 0+3x40
IotApiLoginsRefused iotapi_logins_refused_total 0x10 0+10x40
END
cat >rules.py <<'END'
import yaml
rules = {r['alert']: r for g in yaml.safe_load(open('alerts.yml'))['groups'] for r in g['rules']}
words = {'IotDevicesOffline': 'only 50% of the devices are online', 'IotIngestSilent': 'iotingest received nothing for 40m 0s',
    'IotApiBrokerDown': 'iotapi has no connection to the broker B'}
tests, seen = [], set()
for line in open('cases'):
    name, series, values = line.strip().split(' ', 2)
    seen.add(name)
    alert = rules[name]
    labels = dict(alert['labels'])
    if '{' in series:
        key, value = series[series.index('{') + 1:-1].split('=')
        labels[key] = value.strip('"')
    tests.append({'interval': '1m',
        'input_series': [{'series': series, 'values': values},
            {'series': 'iot_ingest_messages_total', 'values': '0+100x60'}],
        'alert_rule_test': [{'eval_time': '9m', 'alertname': name, 'exp_alerts': []},
            {'eval_time': '50m', 'alertname': name, 'exp_alerts': [{'exp_labels': labels,
                'exp_annotations': {'summary': words.get(name, alert['annotations']['summary'])}}]}]})
yaml.safe_dump({'rule_files': ['alerts.yml'], 'evaluation_interval': '1m', 'tests': tests}, open('alerts.test.yml', 'w'))
print(sorted(set(rules) - seen))
END
is '[]' "$(python3 rules.py)" 'each alert has a case'
ok '  and fires in it, not before: promtool test rules' promtool test rules alerts.test.yml

# What Grafana's schema (kinds/dashboard) asks of each part, as far as this dashboard has it.
cat >schema.py <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
bad = []
def want(ok, *what):
    if not ok:
        bad.append(what)
DS = {'type': 'prometheus', 'uid': '${datasource}'}
want(isinstance(d['title'], str) and 8 <= len(d['uid']) <= 40 and d['schemaVersion'] >= 36 and 'id' not in d, 'head')
want(set(d['time']) == {'from', 'to'} and d['graphTooltip'] in (0, 1, 2) and isinstance(d['refresh'], str), 'times')
want([(v['type'], v['name'], v['query']) for v in d['templating']['list']] == [('datasource', 'datasource', 'prometheus')], 'variable')
want(len({p['id'] for p in d['panels']}) == len(d['panels']), 'ids')
taken = set()
for p in d['panels']:
    g, t = p['gridPos'], p['title']
    cells = {(x, y) for x in range(g['x'], g['x'] + g['w']) for y in range(g['y'], g['y'] + g['h'])}
    want(g['h'] > 0 and 0 < g['w'] and g['x'] >= 0 and g['x'] + g['w'] <= 24 and not cells & taken, t, 'place')
    taken |= cells
    want(p['type'] in ('row', 'stat', 'timeseries'), t, 'type')
    if p['type'] == 'row':
        want(p['panels'] == [] and p['collapsed'] is False, t, 'row')
        continue
    c = p['fieldConfig']
    want(p['datasource'] == DS and p['targets'] and isinstance(p['options'], dict) and c['overrides'] == [], t, 'panel')
    want(len({q['refId'] for q in p['targets']}) == len(p['targets']), t, 'refId')
    want(all(q['datasource'] == DS and q['expr'] and q['legendFormat'] for q in p['targets']), t, 'targets')
    f = c['defaults']
    want(f['color']['mode'] in ('thresholds', 'palette-classic') and isinstance(f['unit'], str), t, 'field')
    steps = f.get('thresholds', {'mode': 'absolute', 'steps': [{'value': None, 'color': ''}]})
    values = [s['value'] for s in steps['steps']]
    want(steps['mode'] == 'absolute' and values[0] is None and values[1:] == sorted(values[1:]), t, 'thresholds')
    want(all(m['type'] == 'value' for m in f.get('mappings', [])), t, 'mappings')
print(bad)
END
is '[]' "$(python3 schema.py "$dashboard")" "the dashboard is as Grafana's schema wants it"
jq '(.panels[] | select(.title == "Share online") | .gridPos.x) = 20' "$dashboard" >broken.json
is "[('Share online', 'place')]" "$(python3 schema.py broken.json)" 'negative control: a panel that is not within 24 columns'

# Icinga: the configuration is right, and what it runs finds the fleet half down.
has_perfdata() { cat "$T"/icinga/perf.* 2>/dev/null | grep -q '^devices online|.*|.'; }
icinga_runs() {
	mkdir -p icinga/data icinga/log icinga/cache icinga/spool icinga/run
	printf 'api_url = %s\ntoken_file = %s\n' "$IOT_API_URL" "$IOT_TOKEN_FILE" >nagios.conf
	{
		echo 'include <itl>'
		sed "s|/usr/bin/iotstatus|$build/iotstatus|; s|/etc/iot/nagios.conf|$T/nagios.conf|; s|check_interval = 5m|check_interval = 2s|" \
			"$top/examples/icinga2.conf"
	} >icinga2.conf
	cat >icinga.sh <<-END
		exec icinga2 daemon "\$@" -c icinga2.conf -D RunAsUser=$(id -un) -D RunAsGroup=$(id -gn) -D DataDir=$T/icinga/data \\
			-D LogDir=$T/icinga/log -D CacheDir=$T/icinga/cache -D SpoolDir=$T/icinga/spool -D InitRunDir=$T/icinga/run
	END
	ok 'icinga2 daemon -C' sh icinga.sh -C
	without "$(cat .out"$part_of")" ' warning/' '  without a warning'
	cat >>icinga2.conf <<-END
		object CheckerComponent "checker" { }
		object PerfdataWriter "perfdata" {
			service_perfdata_path = "$T/icinga/perf"
			host_perfdata_path = "$T/icinga/host"
			service_temp_path = "$T/icinga/perfdata.new"
			host_temp_path = "$T/icinga/host.new"
			rotation_interval = 1s
			service_format_template = "\$service.name\$|\$service.state\$|\$service.output\$|\$service.perfdata\$"
		}
	END
	unset IOT_API_URL IOT_TOKEN_FILE
	bg sh icinga.sh >icinga/out 2>&1
	ok 'Icinga runs it' wait_for 60 has_perfdata
	cat icinga/perf.* >told 2>/dev/null
	has "$(cat told)" 'devices online|CRITICAL|IOT CRITICAL - 5/10 devices online (50.00%)' '  and knows what it says'
	has "$(cat told)" '|online_pct=50.00%;90:;75:;0;100 ' '  and its performance data'
}
if command -v icinga2 >/dev/null; then icinga_runs; else note 'no icinga2: tests/deps.sh check'; fi
done_testing
