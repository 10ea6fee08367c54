#!/bin/sh
# The pipelines of iotingest(1), run as they stand there. PostgreSQL has a test of its own.
# shellcheck disable=SC2016 # text for others: sh, expect, MQTT
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/ingest.sh
. "$top/tests/ingest.sh"
command -v mandoc >/dev/null || skip_all 'no mandoc'
export IOT_MQTT_HOST="$sock"
mandoc -Tutf8 -O width=78 "$top/man/iotingest.1" | col -bx |
	sed -n '/^ *Pipelines$/,/^[A-Z]/p' | sed 's/^     //' >page
# block FIRST-WORDS: the example that begins so, up to the blank line behind it.
block() { awk -v from="$1" 'index($0, from) && !on { on = 1 } on && /^ *$/ { exit } on' page | sed 's/^ *\(iotingest\)/\1/'; }
# as_it_stands FILE ID: the block in the background, when it is subscribed.
as_it_stands() {
	bg timeout 60 bash "$1" 2>"$1.err"
	wait_for 10 subscribed "$2"
}

# jq.
block 'iotingest --readings |' >hot.sh
is 1 "$(grep -c '^ *jq ' hot.sh)" 'the page pipes into jq'
sed 's/--readings/--readings --durable hot -C 3/' hot.sh >run.sh
bg bash run.sh >hot 2>hot.err
wait_for 10 subscribed hot
for t in 29.5 30.5 31; do
	pub -q 1 -t iot/sensors/X/data -m "{\"device_id\":\"X\",\"sensors\":{\"temperature\":$t}}"
done
wait "$bg"
is '30.5 31 ' "$(jq .value hot | tr '\n' ' ')" 'it finds what is above 30 degrees'

# gzip, a file for each batch.
block 'iotingest --durable zip' >zip.sh
is 1 "$(grep -c 'gzip >\$f.part && sync' zip.sh)" 'the page compresses'
sed 's/--linger 5000/--linger 300/' zip.sh >run.sh
as_it_stands run.sh zip
publish 1 50
zipped() { [ "$(zcat ./*.ndjson.gz 2>/dev/null | wc -l)" -ge "$1" ]; }
wait_for 20 zipped 50
is 50 "$(zcat ./*.ndjson.gz | numbers - | wc -w)" 'every message is in a compressed file'
is '' "$(find . -name '*.part')" 'none is unfinished'
kill "$bg"
wait "$bg" 2>/dev/null

has "$(block 'create table lecturas')" 'unique index lecturas_once' 'the page has the table of PostgreSQL'
has "$(block 'iotingest --durable archive')" "copy lectura from pstdin csv" 'and the command'
done_testing
