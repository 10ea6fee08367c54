#!/bin/sh
# The gnuplot scripts of the examples, on data that their own comments make of a living platform.
# needs: gnuplot
# slow: a load of some seconds is measured
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
command -v gnuplot >/dev/null || skip_all 'no gnuplot'

start_platform
iotctl device provision RPI_001 sensores='temperature;humidity' >/dev/null 2>&1 || iotctl device provision RPI_001 >/dev/null
iotctl device assign RPI_001 temperature >/dev/null 2>&1
let_in
said() { sed -n 's/^#	//p' "$top/examples/$1"; } # its commands
drawn() { # drawn FILE LEAST: an SVG whose curves have so many points
	/usr/bin/python3 - "$1" <<-'END'
		import re, sys, xml.etree.ElementTree as e
		paths = [p.get('d', '') for p in e.parse(sys.argv[1]).getroot().iter('{http://www.w3.org/2000/svg}path')]
		print(sum(len(re.findall('[ML]', d)) or len(re.findall(r'[\d.]+,[\d.]+', d)) for d in paths))
	END
}
points() { # points FILE LEAST 'sentence'
	n=$(drawn "$1") && [ "$n" -ge "$2" ]
	tap $? "$3 ($n points)"
}

# A week, each hour.
awk -v now="$(date +%s)" 'BEGIN { for (i = 0; i < 167; i++)
	printf "{\"device_id\":\"RPI_001\",\"sensor\":\"temperature\",\"value\":%.2f,\"timestamp\":%d}\n",
		20 + 4 * sin(i / 24 * 6.2832), now - 3600 * i - 60 }' >lines
run iotctl reading import lines
exits 0 'a week of readings'
said week.gnuplot | sed "s|week.gnuplot|$top/examples/week.gnuplot|" >week.sh
run sh -e week.sh
exits 0 'week.gnuplot, as it says'
is '' "$err" '  without a word'
is 168 "$(wc -l <week.csv)" '  of a header and 167 readings'
points week.svg 160 '  draws them'
ok '  with their title' grep -q 'RPI_001, temperature' week.svg

# What cron would do: a percent sign is written for it.
iotctl device provision RPI_002 >/dev/null 2>&1
said availability.gnuplot | sed -n 's/^\*\/5 \* \* \* \* //p' | sed 's/\\%/%/g' >look.sh
for _ in 1 2 3; do sh look.sh; done
IOT_CONTEXT=nowhere sh look.sh 2>/dev/null
is '3 1' "$(cd && awk -F '\t' 'NF == 3 && $2 == 0 && $3 == 2 { n++ } $2 == "NaN" { gaps++ } END { print n, gaps }' availability.tsv)" \
	'availability.gnuplot: its cron line looks at the fleet, or leaves a gap'
awk -v now="$(date +%s)" 'BEGIN { for (i = 0; i < 100; i++)
	print strftime("%FT%TZ", now - 300 * (100 - i), 1) "\t" (i == 50 ? "NaN\tNaN" : (i % 10 ? 8 : 4) "\t" 10) }' >availability.tsv
run gnuplot "$top/examples/availability.gnuplot"
exits 0 '  and it draws a hundred of them'
points availability.svg 190 '  two curves'
is '' "$out$err" '  without a word'
ok '  and their average' grep -q '76.36 % on average' availability.svg

# A short load in place of a minute's.
said latency.gnuplot | sed "s|latency.gnuplot|$top/examples/latency.gnuplot|; s/--duration 1m/--duration 3s/; s/--stats 1s/--stats 100ms/; s/--devices 100/--devices 10/" >latency.sh
iotctl config set broker= >/dev/null 2>&1
start_broker 'allow_anonymous true'
run env IOT_CONTEXT= IOT_CONFIG=/dev/null IOT_MQTT_HOST="$sock" sh -e latency.sh
exits 0 'latency.gnuplot, as it says'
has "$(cat summary)" 'lost 0' '  behind a load of which nothing was lost'
points latency.svg 60 '  three curves'
done_testing
