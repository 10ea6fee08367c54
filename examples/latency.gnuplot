# How long messages took through the broker under load: latency.svg of latency.tsv, which is made so:
#	iotpub --devices 100 --interval 1s --duration 1m --verify --stats 1s 2>&1 >summary | grep '^{' | jq -r '[.time, .rate, .p50_ms, .p99_ms] | @tsv' >latency.tsv
#	gnuplot latency.gnuplot
# Half of the messages took p50 at most, 99 of 100 p99, since the run began.
set terminal svg size 1000,400 dynamic font "sans-serif,12" background "white"
set output "latency.svg"
set datafile separator "\t"
set title "Through the broker"
set xdata time
set timefmt "%Y-%m-%dT%H:%M:%S"
set format x "%H:%M:%S"
set xtics rotate by -30
set ylabel "ms"
set yrange [0:*]
set y2label "messages a second"
set y2range [0:*]
set ytics nomirror
set y2tics
set grid
set key outside bottom center horizontal
plot "latency.tsv" using 1:2 axes x1y2 with lines linecolor "gray60" title "messages a second", \
	"" using 1:3 with lines linewidth 2 title "p50", \
	"" using 1:4 with lines linewidth 2 title "p99"
