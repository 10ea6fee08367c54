# How many devices were online: availability.svg of availability.tsv, to which cron adds a line each five minutes; where
# nobody knew the numbers, there is a gap:
#	*/5 * * * * echo "$(date -u +\%FT\%TZ)	$(iotstatus --json | jq -r '[.online // "NaN", .total_mqtt_devices // "NaN"] | @tsv')" >>~/availability.tsv
#	gnuplot availability.gnuplot
set terminal svg size 1000,400 dynamic font "sans-serif,12" background "white"
set output "availability.svg"
set datafile separator "\t"
stats "availability.tsv" using ($3 > 0 ? 100.0 * $2 / $3 : 1/0) nooutput
set title sprintf("Devices online, %.2f %% on average", STATS_mean)
set xdata time
set timefmt "%Y-%m-%dT%H:%M:%SZ"
set format x "%d.%m.\n%H:%M"
set yrange [0:*]
set offsets 0, 0, graph 0.1, 0
set grid
set key outside bottom center horizontal
plot "availability.tsv" using 1:3 with lines linecolor "gray60" title "devices", \
	"" using 1:2 with lines linewidth 2 title "online"
