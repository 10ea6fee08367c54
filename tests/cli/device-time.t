#!/bin/sh
# The time that a device sends, in any unit: iotapi's worker, `iotctl reading import` and iotstatus take it for
# the same moment, or for none.
# shellcheck disable=SC2119 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# The table, from now: "NUMBER<tab>VALUE<tab>MOMENT" a line, MOMENT as RFC 3339 with six decimals or -.
cat >expand.pl <<'END'
use POSIX 'strftime';
my $now = shift;
sub moment { strftime("%Y-%m-%dT%H:%M:%S", gmtime shift) }
while (<>) {
	next if /^#/;
	s/\{([+-]\d+)\}/$now + $1/ge;
	s/\{T([+-]\d+)\}/moment($now + $1) . "Z"/ge;
	chomp;
	my ($value, $us) = split /\t/;
	my $when = $us eq "-" ? "-" : moment(substr $us, 0, -6) . "." . substr($us, -6) . "Z";
	print ++$n, "\t$value\t$when\n";
}
END
now=$(date +%s)
perl expand.pl "$now" "$top/tests/time/device.case" >cases
n=$(wc -l <cases)
[ "$n" -ge 40 ]
tap $? "$n cases"

# check FILE 'sentence': its lines "NUMBER<tab>MOMENT" are as the table has them, but for decimals that are not
# shown.
check() {
	is '' "$(perl -e 'my %got = map { chomp; split /\t/, $_, 2 } <STDIN>;
		while (<>) {
			chomp;
			my ($i, $value, $when) = split /\t/;
			my $got = $got{$i} // "nothing";
			$when =~ s/\.\d+Z$/Z/ if $got !~ /\./;
			print "$value: wanted $when, got $got\n" if $got ne $when;
		}' cases <"$1")" "$2"
}

start_broker
start_api --verbose
iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
for s in worker import; do
	iotctl sensor create nombre=$s tipo=otro unidad_medida=n rango_min=0 rango_max=1000 \
		mqtt_topic_suffix=$s >/dev/null
	iotctl device assign D1 $s >/dev/null
done

# readings SENSOR: as they are stored; - for the time of arrival, to which no case comes near.
readings() {
	sqlite3 -separator '	' "$db" "SELECT cast(r.valor AS integer),
		CASE WHEN r.timestamp BETWEEN $now * 1000000 AND ($now + 300) * 1000000 THEN '-'
			ELSE strftime('%Y-%m-%dT%H:%M:%S.', r.timestamp / 1000000, 'unixepoch') ||
				printf('%06dZ', r.timestamp % 1000000) END
		FROM reading r JOIN sensor s ON s.id = r.sensor WHERE s.nombre = '$1'"
}

# The worker.
iotctl broker create nombre=B host="$sock" >/dev/null
listening() { grep -q "broker 'B': listening" "$T/api.log"; }
perl -F'\t' -lane 'print qq({"sensors":{"worker":$F[0]},"timestamp":$F[1]})' cases >messages
stored() { [ "$(readings "$1" | wc -l)" -eq "$n" ]; }
wait_for 10 listening
mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/D1/data -l <messages
ok 'the worker stores them all' wait_for 20 stored worker
readings worker >got
check got 'with the times of the table'

# The same by hand, from iotingest's lines.
arrived=$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%S.500000Z)
perl -F'\t' -slane 'print qq({"received_at":"$at","device_id":"D1","sensor":"import","value":$F[0],"timestamp":$F[1]})' \
	-- -at="$arrived" cases >lines
run iotctl reading import lines
exits 0 'reading import takes them all'
readings import >got
check got 'with the times of the table'

# Since when a device is where it is.
while IFS='	' read -r i value _; do
	printf '{"status":"disconnected","timestamp":%s}' "$value" |
		mosquitto_pub --unix "$sock" -r -t "iot/devices/$i/status" -s
done <cases
iotstatus --source mqtt --mqtt-host "$sock" --list offline --format tsv >states
cut -f 1,2 states >got
check got 'iotstatus has them, too'
done_testing
