#!/bin/sh
# The fuzz targets, briefly: `make check SAN=1` builds them; `make fuzz` and patience do more.
# needs: clang
. "$(dirname "$0")/../lib.sh"

[ -x "$build/tests/fuzz/json" ] || skip_all 'built by make check SAN=1'
mkdir seeds
printf '{"device_id":"a","sensors":{"t":21.50,"h":[1,{"x":"\\ud83d\\ude00"}]},"timestamp":1}' >seeds/json
printf 'iot/sensors/{device_id}/data\nESP32' >seeds/topic
printf 'iot/sensors/X/data\n{"device_id":"a","t":1,"n":{"x":[true,null]}}' >seeds/message
printf 'iot/sensors/17/data\n[{"device_id":"17","sensors":[{"name":"t","value":nan}],"ts":[]},{"a":{"b":1}}]' >seeds/list
printf 'v3/+/x/{device_id}/#\nESP32' >seeds/wild
printf 'a,b\r\n"x ""y"", z",2\n' >seeds/csv
printf 'kind: topic\nnombre: "A: b"\nlist: [1, -2.5, ~, {x: yes}]\n---\npem: |\n  two\n  lines\nb: *a\n' >seeds/yaml
printf 'http://[::1]:80/a/..%%2f?b=%%00&c=d+e' >seeds/target
printf '\004search=a+b&ordering=-nombre&page=last&page_size=3' >seeds/query
printf '\012{"dispositivo":1,"sensor":"1","valor":1e3,"timestamp":"2026-01-01T00:00:00Z","metadata_json":{"a":[null]}}' >seeds/body
for target in "$top"/tests/fuzz/*.c; do
	name=${target##*/}
	export name="${name%.c}"
	mkdir "$name"
	cp seeds/* "$name"
	# What reached new code before: an input a line, in hexadecimal.
	[ ! -e "$top/tests/fuzz/corpus/$name.hex" ] ||
		perl -ne 'chomp; open F, ">", "$ENV{name}/corpus$." or die; print F pack "H*", $_' \
			"$top/tests/fuzz/corpus/$name.hex"
	timeout 60 "$build/tests/fuzz/$name" -max_total_time=5 -max_len=4096 "$name" >log 2>&1
	s=$?
	tap $s "$name: $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' log)"
	[ $s -eq 0 ] || note "$(tail -n 30 log)"
done
done_testing
