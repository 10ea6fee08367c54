#!/bin/sh
# The crontab of the examples, run by a real cron: a daemon of its own, with a spool, homes and a sendmail of its own, in a
# mount namespace.
# slow: cron begins a job with the minute
# needs: cron, and a mount namespace
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
. "$top/tests/fleet.sh"
[ -x /usr/sbin/cron ] || skip_all 'no cron'
[ "$(id -u)" -eq 0 ] || skip_all 'cron has to be root'
unshare -m true 2>/dev/null || skip_all 'no mount namespace'

start_api
use_token
fleet 10 5 "$now"
iotctl broker create nombre=Norte host=norte.example keepalive=600 >/dev/null
mkdir -p "$HOME/.config/iot" "$HOME/metrics" bin sbin run spool/crontabs
printf 'api_url = %s\ntoken_file = %s\n' "$IOT_API_URL" "$IOT_TOKEN_FILE" >"$HOME/.config/iot/iot.conf"
ln -s "$build"/iot* bin/
cp /usr/sbin/cron sbin/
cat >sbin/sendmail <<END
#!/bin/sh
cat >$T/\$\$.new && mv $T/\$\$.new $T/\$\$.mail
END
chmod 755 sbin/sendmail
chmod 711 "$T" # what the daemon's children see of it

# Each of its lines at the next minute.
example=$top/examples/crontab
is 4 "$(grep -c '^[0-9*]' "$example")" 'the crontab has four commands'
sed -E 's/^([0-9*]\S* ){5}/* * * * * /' "$example" >lines.txt
home=$(getent passwd "$(id -un)" | cut -d: -f6)
cat >cron.sh <<END
mount --bind $T/spool /var/spool/cron && mount --bind $T/run /run && mount --bind $T/bin /usr/local/bin &&
	mount --bind $HOME $home && mount --bind $T/sbin /usr/sbin || exit 1
crontab $T/lines.txt || exit 1
crontab -l >$T/installed
exec /usr/sbin/cron -f
END
bg env -i PATH=/usr/bin:/bin unshare -m sh cron.sh >cron.out 2>&1
ok 'crontab takes it' wait_for 10 test -s installed
is "$(cat lines.txt)" "$(grep -v '^# DO NOT EDIT\|^# (' installed)" '  as it is'

done_with() { grep -q "$@" ./*.mail 2>/dev/null; }
ok 'a mail tells that too few devices are online' wait_for 80 done_with 'IOT CRITICAL - 5/10 devices online'
is 'Cron iotstatus -q -c 75: --state ~/fleet.state' "$(grep -h -A99 '^Subject' "$(grep -l 'IOT CRITICAL' ./*.mail)" |
	sed -n 's/^Subject: \(Cron\) <[^>]*> /\1 /p')" '  from its line'
has "$(cat "$HOME/fleet.state" 2>&1)" '"state":"CRITICAL"' '  which the state remembers'
ok 'the metrics are written' wait_for 20 grep -q '^iot_devices_online_ratio 0.5$' "$HOME/metrics/fleet.prom"
ok 'the platform is in a file' wait_for 20 grep -q 'nombre: Norte' "$HOME/platform.yaml"
ok 'a mail has what the guide would do otherwise' wait_for 20 done_with '^Subject: .* iotctl lint$'
is 2 "$(find . -name '*.mail' | wc -l)" 'and no other mail came'
done_testing
