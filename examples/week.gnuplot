# A week of a sensor: week.svg of week.csv, which is made so:
#	iotctl reading list device=RPI_001 sensor=temperature --since 7d -o csv --columns timestamp,valor >week.csv
#	gnuplot -e "title='RPI_001, temperature'" week.gnuplot
# Times are shown as they stand there, whatever their zone.
if (!exists("title")) title = "a week"
set terminal svg size 1000,400 dynamic font "sans-serif,12" background "white"
set output "week.svg"
set datafile separator ","
set title title noenhanced
set xdata time
set timefmt "%Y-%m-%dT%H:%M:%S"
set format x "%a %d"
set xtics 86400
set grid
set key off
set offsets 0, 0, graph 0.05, graph 0.05
plot "week.csv" using 1:2 smooth unique with lines linewidth 2
