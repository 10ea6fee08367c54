#!/bin/sh
# Six jobs of an operator, with iotctl and by hand with curl and jq, on the same platform by turns: characters typed
# and seconds. jobs.sh [ROUNDS]. By hand the token and the URL are set before, and c is curl with both; what makes a
# page of a list, an error or a password that was lost is not looked at there. Rows as the other benches'.
. "$(dirname "$0")/../lib.sh"
rounds=${1:-5}
start_platform
export IOT_CONTEXT=lab DB="$db" A="$api/api" PORT="$port"
TOKEN=$(iotapi token create admin --db "$db")
export TOKEN
cat >c <<'END'
#!/bin/sh
exec curl -sSf -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"
END
chmod 755 c
PATH=$PATH:$T

seq -f 'D%02g' 1 30 | xargs iotctl device provision tipo=esp32 sensores=temperature >/dev/null || exit 1
let_in
seq -f 'D%02g' 1 25 | xargs -I{} iotctl device set {} connection_status=online >/dev/null
seq -f 'D%02g' 26 30 | xargs -I{} iotctl device set {} last_seen=2026-11-22T00:00:00Z >/dev/null
jq -nc '{lecturas: [range(900) | {dispositivo: (. % 30 + 1), sensor: 1, valor: (. % 40)}]}' |
	iotctl api POST readings/bulk - >/dev/null || exit 1

# job NAME: its two texts are in NAME.ours and NAME.theirs; $N is the round.
cat >offline.ours <<'END'
iotstatus --list offline
END
cat >offline.theirs <<'END'
c "$A/devices/?connection_status=offline&page_size=1000" | jq -r '.results[].identificador_unico'
END
cat >one.ours <<'END'
iotctl device provision A$N tipo=esp32 sensores=temperature
END
cat >one.theirs <<'END'
s=$(c "$A/sensors/?search=temperature" | jq .results[0].id)
b=$(c "$A/mqtt/brokers/?active_only=1" | jq .results[0].id)
t=$(c "$A/mqtt/topics/?search=sensors" | jq .results[0].id)
u=$(c "$A/mqtt/topics/?search=commands" | jq .results[0].id)
p=$(openssl rand -base64 18)
d=$(c "$A/devices/" -d '{"identificador_unico":"B'$N'","nombre":"B'$N'","tipo":"esp32","ubicacion":"-"}' | jq .id)
c "$A/devices/$d/assign_sensor/" -d '{"sensor_id":'$s'}'
c "$A/mqtt/credentials/" -d '{"dispositivo":'$d',"client_id":"B'$N'","username":"device_B'$N'","password":"'$p'"}'
c "$A/mqtt/device-config/" -d '{"dispositivo":'$d',"broker":'$b',"publish_topic":'$t',"subscribe_topics":['$u']}'
echo "B$N,B$N,device_B$N,$p" >>passwords.csv
END
cat >rotate.ours <<'END'
iotctl credential rotate D30
END
cat >rotate.theirs <<'END'
d=$(c "$A/devices/?search=D30" | jq .results[0].id)
i=$(c "$A/mqtt/credentials/?dispositivo=$d" | jq .results[0].id)
p=$(openssl rand -base64 18)
c -X PATCH "$A/mqtt/credentials/$i/" -d '{"password":"'$p'"}'
sed -i "/^D30,/d" passwords.csv; echo "D30,D30,device_D30,$p" >>passwords.csv
END
cat >fifty.ours <<'END'
iotctl device provision --from ours$N.csv
END
cat >fifty.theirs <<'END'
s=$(c "$A/sensors/?search=temperature" | jq .results[0].id)
b=$(c "$A/mqtt/brokers/?active_only=1" | jq .results[0].id)
t=$(c "$A/mqtt/topics/?search=sensors" | jq .results[0].id)
u=$(c "$A/mqtt/topics/?search=commands" | jq .results[0].id)
sed 1d theirs$N.csv | while IFS=, read id name type place sensor; do
p=$(openssl rand -base64 18)
d=$(c "$A/devices/" -d '{"identificador_unico":"'$id'","nombre":"'$name'","tipo":"'$type'","ubicacion":"'$place'"}' | jq .id)
c "$A/devices/$d/assign_sensor/" -d '{"sensor_id":'$s'}'
c "$A/mqtt/credentials/" -d '{"dispositivo":'$d',"client_id":"'$id'","username":"device_'$id'","password":"'$p'"}'
c "$A/mqtt/device-config/" -d '{"dispositivo":'$d',"broker":'$b',"publish_topic":'$t',"subscribe_topics":['$u']}'
echo "$id,$id,device_$id,$p" >>passwords.csv
done
END
cat >silent.ours <<'END'
iotctl doctor D29
END
cat >silent.theirs <<'END'
c "$A/devices/?search=D29" | jq '.results[0] | {id, mqtt_enabled, connection_status, cantidad_sensores}' | tee d
d=$(jq .id d)
c "$A/mqtt/credentials/?dispositivo=$d" | jq '.results[] | {client_id, username, is_active}'
c "$A/mqtt/device-config/?dispositivo=$d" | jq '.results[0]' | tee f
c "$A/mqtt/brokers/$(jq .broker f)/" | jq '{host, port, is_active}'
c "$A/readings/?dispositivo=$d&page_size=1" | jq .results[0].timestamp
p=$(grep ^D29, ~/.local/state/iot/lab.csv | cut -d, -f4)
mosquitto_pub -h 127.0.0.1 -p $PORT -i probe -u device_D29 -P "$p" -t x -n
END
cat >hour.ours <<'END'
iotctl reading list --since 1h -o csv
END
cat >hour.theirs <<'END'
u="$A/readings/?fecha_inicio=$(date -ud '-1 hour' +%FT%TZ)&page_size=1000"
while [ "$u" != null ]; do
c "$u" >page; jq -r '.results[] | [.timestamp,.dispositivo_nombre,.sensor_nombre,.valor] | @csv' page; u=$(jq -r .next page)
done
END

# by_turns JOB: seconds of both, the medians, by perl's clock.
by_turns() {
	perl -MTime::HiRes=time -e '
		my ($job, $rounds) = @ARGV;
		my (%took, @ratios);
		for my $n (1 .. $rounds) {
			$ENV{N} = $n;
			for my $who ("ours", "theirs") {
				my $from = time;
				system("sh $job.$who >$job.$who.out 2>$job.$who.err");
				die "$job.$who: $?" if $? && $job ne "silent";
				push @{$took{$who}}, time() - $from;
			}
			push @ratios, $took{theirs}[-1] / $took{ours}[-1];
		}
		sub median { my @s = sort { $a <=> $b } @_; $s[@s / 2] }
		printf "%.3f %.3f %.1f\n", median(@{$took{ours}}), median(@{$took{theirs}}), median(@ratios);
	' "$1" "$rounds"
}
typed() { wc -m <"$1" | awk '{ print $1 - 1 }'; }
for n in $(seq "$rounds"); do
	for who in ours theirs; do
		echo 'identificador_unico,nombre,tipo,ubicacion,sensores'
		seq -f "$who${n}_%02g,Sala,esp32,P,temperature" 1 50
	done | awk -v n="$n" '/^ident/ { out = (k++ ? "theirs" : "ours") n ".csv" } { print >out }'
done
: >passwords.csv

printf 'job\ttyped\tby hand\ttimes less\tseconds\tby hand\ttimes faster\n'
while read -r job said; do
	# shellcheck disable=SC2046 # three words
	set -- $(by_turns "$job")
	[ $# -eq 3 ] || { cat "$job".*.err >&2; exit 1; }
	ours=$(typed "$job.ours") theirs=$(typed "$job.theirs")
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$said" "$ours" "$theirs" \
		"$(echo "$theirs $ours" | awk '{ printf "%.1f", $1 / $2 }')" "$1" "$2" "$3"
done <<END
offline which devices are offline
one everything for one device
rotate a new password
fifty 50 devices from a CSV
silent why is it silent
hour the last hour as CSV
END

# Both did the same.
sort offline.ours.out >a; sort offline.theirs.out >b
ok 'both list the same devices' cmp a b >&2
is "$(($(wc -l <hour.ours.out) - 1))" "$(wc -l <hour.theirs.out)" 'both have as many readings' >&2
for r in device credential device-config; do
	of() { iotctl "$r" list -o ndjson | grep -c "\"$1[0-9]"; }
	is "$(of ours) $(of A)" "$(of theirs) $(of B)" "both made as many of $r" >&2
done
[ "$tap_bad" -eq 0 ]
