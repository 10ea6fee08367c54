#!/bin/sh
# reading import and reading create with backends that put their own time in place of the one they are sent:
# one reading goes alone and shows it. On Django as the platform has it, on one that keeps times, and on answers
# that do not tell.
# needs: django
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

line() { # line TIME VALUE [MORE]
	printf '{"received_at":"%s","device_id":"D1","sensor":"temperature","value":%s%s}\n' "$1" "$2" "${3-}"
}
ago() { date -u -d "-$1" +%Y-%m-%dT%H:%M:%S.250Z; }
values() { iotctl reading list -o csv --no-header --columns valor | sort -n | tr '\n' ' '; }
posts() { sed -n 's,^POST /api/readings/\([a-z]*\).*,x\1,p' "$log" | sed 's/^x$/one/; s/^xbulk$/batch/' | tr '\n' ' '; }
asked() { grep -c '^GET /api/readings/[0-9]' "$log"; }
setup() {
	iotctl sensor create nombre=S tipo=temperatura unidad_medida=°C rango_min=-40 rango_max=9999 \
		mqtt_topic_suffix=temperature >/dev/null
	iotctl device create D1 nombre=uno tipo=esp32 ubicacion=x >/dev/null
	iotctl device assign D1 temperature >/dev/null
}

start_django
log=$T/django/log
setup

# The first batch: the reading that is furthest from now.
{
	line "$(ago 2min)" 1
	line 2026-11-20T12:47:20.123456Z 2
	line 2026-11-23T00:00:00Z 3 ',"timestamp":1577836800'
	line 2021-01-01T00:00:00Z 4
} >lines
: >"$log"
run iotctl reading import lines
exits 1 'a backend that ignores the time'
has "$err" "line 3 is stored and counts as done: the API took the request for reading '1' but ignored timestamp: it has \"20" \
	'the line and the row are named'
has "$err" 'not "2020-01-01T00:00:00.000000Z"; --accept-server-time takes it' 'with what was sent'
has "$out" 'readings imported: 1, lines skipped: 0' 'counted'
is 'one ' "$(posts)" 'one reading was sent, alone'
is 0 "$(asked)" 'and not asked for: the answer has its time'
is '3.0 ' "$(values)" 'the one that is furthest from now'
: >"$log"
run iotctl reading import lines
exits 1 'once more'
has "$err" "'lines': 1 line is stored already and left out" 'tells what it leaves out'
has "$err" "line 4 is stored and counts as done: the API took the request for reading '2'" 'the next one shows it'
is 'one ' "$(posts)" 'alone'
: >"$log"
run iotctl reading import lines --accept-server-time
exits 0 '--accept-server-time'
has "$out" 'readings imported: 2' 'goes on with the others'
is 'batch ' "$(posts)" 'none alone'
is '1.0 2.0 3.0 4.0 ' "$(values)" 'each is stored once'
run iotctl reading import lines
exits 0 'all done'
has "$out" 'readings imported: 0' 'nothing is left'

# A file of one line; a time to come; a file written anew under a line that was sent alone.
line 2030-01-01T00:00:00Z 5 >single
run iotctl reading import single
exits 1 'a time to come'
run iotctl reading import single
exits 0 'and its file is done'
has "$out" 'readings imported: 0' 'with nothing more to send'
line 2021-01-01T00:00:00Z 6 >anew
iotctl reading import anew >/dev/null 2>&1
line 2021-01-01T00:00:00Z 7 >anew
run iotctl reading import anew --accept-server-time
has "$out" 'readings imported: 1' 'another line in its place is another'
is '1.0 2.0 3.0 4.0 5.0 6.0 7.0 ' "$(values)" 'none is left out'
line 2021-01-01T00:00:00Z 8 | iotctl reading import - >out 2>&1
is 1 $? 'from standard input'
has "$(cat out)" "line 1 is stored and counts as done: the API took the request for reading '8'" 'is told alike'

# What is within the hour does not show it, and is off by less.
{ line "$(ago 2min)" 11 && line "$(ago 50min)" 12; } >recent
: >"$log"
run iotctl reading import recent
exits 0 'readings of the last hour'
is 'batch ' "$(posts)" 'go as they are'

# A later batch: the first that is far enough, before its batch.
{
	recent=$(line "$(ago 2min)" 20)
	i=0
	while [ $i -lt 501 ]; do
		echo "$recent"
		i=$((i + 1))
	done
	line "$(ago 3hours)" 21
	line 2020-01-01T00:00:00Z 22
} >late
: >"$log"
run iotctl reading import late
exits 1 'a later batch'
has "$out" 'readings imported: 501' 'behind a whole one'
has "$err" 'stopped: line 502 is stored' 'the first of it that is far enough'
is 'batch one ' "$(posts)" 'alone, before its batch'
: >"$log"
run iotctl reading import late --accept-server-time
has "$err" 'going on behind line 500' 'the next run goes on there'
has "$out" 'readings imported: 2' 'without that line'
is 'batch ' "$(posts)" 'in a batch'
is 1 "$(values | grep -o '21\.0' | wc -l)" 'which is stored once'

# What the server has against the one that would show it.
{ line 2022-01-01T00:00:00Z 31 && line 2020-01-01T00:00:00Z 32 ',"qos":9' && line "$(ago 2min)" 33; } >odd
run iotctl reading import odd
exits 1 'a reading that the server refuses'
has "$err" 'line 2: "9"' 'is told by its line, in its words'
has "$err" 'line 1 is stored and counts as done' 'the next furthest shows it'
has "$out" 'readings imported: 1, lines skipped: 1' 'counted'
run iotctl reading import odd --accept-server-time
has "$out" 'readings imported: 1, lines skipped: 1' 'the last one'
line 2020-01-01T00:00:00Z 35 >lost
printf 'POST /api/readings/ lose\n' >"$T/django/FAULTS"
run iotctl reading import lost
exits 5 'an answer that is lost'
has "$err" 'stopped before line 1' 'is not tried again blindly'
run iotctl reading import lost --accept-server-time
has "$out" 'readings imported: 1' 'and not taken for done'

# create
run iotctl reading create device=D1 sensor=S valor=41 timestamp=2020-01-01T00:00:00Z
exits 1 'create with a time that is ignored'
has "$err" 'but ignored timestamp: it has "20' 'in a zone that nobody told'
has "$out" "created reading '" 'with what was done'
run iotctl reading create device=D1 sensor=S valor=42 timestamp=2020-01-01T00:00:00Z --accept-server-time
exits 0 'create --accept-server-time'
run iotctl reading create device=D1 sensor=S valor=43
exits 0 'create without a time'

# A backend that keeps times, and shows them in a zone of its own.
stop_api 2>/dev/null
rm -rf "$HOME/.local" "$T/django"
start_django dated
setup
{ line 2026-11-20T12:47:20.900000Z 1 && line 2020-06-01T00:00:00Z 2 && line "$(ago 2min)" 3; } >lines
printf 'POST /api/readings/bulk 500\n' >"$T/django/FAULTS"
run iotctl reading import lines
exits 5 'a batch that fails'
has "$out" 'readings imported: 1' 'behind the one that went alone'
: >"$log"
run iotctl reading import lines
exits 0 'on a backend that keeps times'
has "$out" 'readings imported: 2' 'the next run sends the others'
is 'one batch ' "$(posts)" 'one of them alone'
is '1.0 2.0 3.0 ' "$(values)" 'each is stored once'
has "$(iotctl reading list -o csv --columns timestamp)" '2020-05-31 19:00:00' 'with its time'
run iotctl reading create device=D1 sensor=S valor=4 timestamp=2020-06-01T00:00:00Z
exits 0 'create there'
run iotctl reading create device=D1 sensor=S valor=5 timestamp=2020-06-01T00:00:00
exits 0 "create with the backend's own time"
stop_api 2>/dev/null

# Answers that do not show the time.
start_http answers
export IOT_API_URL="$http_url" IOT_TOKEN=some
log=$http/log
answers() { # of POST, then lines more
	{
		cat <<-'END'
			GET /api/devices/ 200 application/json [{"id":1,"identificador_unico":"D1","sensores_asignados":[{"sensor":2,"sensor_detail":{"id":2,"mqtt_topic_suffix":"temperature"}}]}]
			GET /api/sensors/ 200 application/json [{"id":2,"nombre":"S"}]
			POST /api/readings/bulk/ 201 application/json {"count":1}
		END
		printf 'POST /api/readings/ 201 application/json %s\n' "$1"
		cat
	} >"$http/answers"
	: >"$log"
}
stops() { # PART 'sentence'
	{ line 2026-11-23T12:00:00Z 1 && line 2026-11-20T12:00:00Z 2; } >lines
	rm -rf "$HOME/.local"
	run iotctl reading import lines
	exits 1 "$2"
	has "$err" "line 2 is stored and counts as done: $1" '  is told'
	is 'one ' "$(posts)" '  and stops'
	run iotctl reading import lines --accept-server-time
	has "$out" 'readings imported: 1' '  and the line is done'
	run iotctl reading create dispositivo=1 sensor=2 valor=1 timestamp=2026-11-20T12:00:00Z
	exits 1 '  create alike'
	has "$err" "${1%%\"*}" '  is told'
}
goes_on() { # 'sentence'
	{ line 2026-11-23T12:00:00Z 1 && line 2026-11-20T12:00:00Z 2; } >lines
	rm -rf "$HOME/.local"
	run iotctl reading import lines
	exits 0 "$1"
	is 'one batch ' "$(posts)" '  goes on'
}
of7="the API kept the timestamp of reading '7'"
answers '{"id":7,"valor":1}' <<'END'
GET /api/readings/7/ 200 application/json {"id":7,"timestamp":"2026-11-20T06:00:00-06:00"}
END
goes_on 'an answer without the time, the reading with it'
is 1 "$(asked)" '  asked for by its id'
answers '{"id":7,"timestamp":null}' <<'END'
GET /api/readings/7/ 200 application/json {"id":7,"timestamp":"2026-11-20 17:45:01"}
END
goes_on 'null is none'
answers '{"id":7,"timestamp":"2026-11-20T12:00:00.999Z"}' </dev/null
goes_on 'an answer with the time'
is 0 "$(asked)" '  is enough'
answers '{"id":7}' <<'END'
GET /api/readings/7/ 200 application/json {"id":7,"timestamp":"2026-11-20 12:05:00"}
END
stops "the API took the request for reading '7' but ignored timestamp" 'another time under its id'
answers '{"id":7}' </dev/null
stops "cannot tell whether $of7" 'no reading under its id'
answers '{"id":7}' <<'END'
GET /api/readings/7/ 200 application/json {"id":7}
END
stops "cannot tell whether $of7: the API shows no timestamp of it" 'no time there either'
answers '{"id":7,"timestamp":"ayer"}' </dev/null
stops "cannot tell whether $of7: it has \"ayer\" for \"2026-11-20T12:00:00" 'no time at all'
answers '{}' </dev/null
stops "cannot tell whether the API kept the timestamp of reading '?': the answer has no timestamp and no id" \
	'neither time nor id'

# The moment of storing reads as the time sent would in another zone.
answers "{\"id\":7,\"timestamp\":\"$(date -u '+%Y-%m-%d %H:%M:%S')\"}" </dev/null
at=$(sed -n 's/.*"timestamp":"\(.*\) \(.*\)".*/\1T\2Z -2 hours/p' "$http/answers")
at=$(date -u -d "$at" +%Y-%m-%dT%H:%M:%SZ)
run iotctl reading create dispositivo=1 sensor=2 valor=1 timestamp="$at" --api-tz UTC
exits 1 'a time of two hours ago as another zone may show it, in a zone that is known'
has "$err" 'ignored timestamp' '  is not kept'
run iotctl reading create dispositivo=1 sensor=2 valor=1 timestamp="$at"
exits 1 'in a zone that nobody told'
has "$err" "cannot tell whether $of7: it has \"20" '  cannot be told'
has "$err" '(see --api-tz and --accept-server-time)' '  but could be'
done_testing
