#!/bin/sh
# Five trips through the programs, as they really go: which function of which file calls into the next file.
# ARCHITECTURE.md has the lists that this prints. Needs uftrace, and programs built to be traced:
#
#	make O=build-trace CFLAGS='-O1 -g -pg -fno-inline' LDFLAGS=-pg all
#	tests/bench/trips.sh build-trace
#
# A trip is what happens between two moments. Its list has each call that enters another file, when the
# function entered is a new one; calls into common/base are left out, being everywhere.
# shellcheck source=tests/lib.sh
build=$(cd "${1:?is the directory of the traced programs}" && pwd)
IOT_BUILD=$build

. "$(dirname "$0")/../lib.sh"

now() { perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%.6f", clock_gettime(CLOCK_MONOTONIC)'; }
trace() { # trace NAME COMMAND...: recorded in $T/NAME
	name=$1
	shift
	uftrace record -d "$T/$name" --no-libcall --srcline "$@"
}
trip() { # trip NAME 'title' [FROM TO]: prints it
	uftrace replay -d "$T/$1" --srcline -f time,tid 2>/dev/null |
		python3 "$top/tests/bench/trips.py" "$2" "${3-0}" "${4-inf}"
}

end() { # ends the program: a child of uftrace, which is a child of the shell that bg started
	kill -INT "$(pgrep -P "$(pgrep -P "$bg")")"
	wait "$bg" 2>/dev/null
}

start_broker
start_api

bg trace ingest iotingest -h "$sock" -t 'iot/#' >"$T/lines"
wait_for 10 grep -q iotingest "$T/mosquitto.log"
mosquitto_pub --unix "$sock" -q 1 -t iot/a -m 1
wait_for 10 test -s "$T/lines"
sleep 0.5
from=$(now)
mosquitto_pub --unix "$sock" -q 1 -t iot/a -m 2
sleep 0.5
to=$(now)
end
trip ingest 'A PUBLISH from the socket to its line, and back to its PUBACK (iotingest)' "$from" "$to"

trace create iotctl broker create nombre=B host=localhost >/dev/null
trip create "iotctl broker create nombre=B host=localhost, from argv to the printed line"

bg trace pub iotpub -h "$sock" -q 1 D1 temperature=21.5 --interval 2s >/dev/null 2>&1
wait_for 10 grep -q D1 "$T/mosquitto.log"
sleep 1
from=$(now)
sleep 2
to=$(now)
end
trip pub "A simulated device's timer to the wire (iotpub D1 temperature=21.5)" "$from" "$to"

stop_api
for body in "broker create nombre=W host=$sock" \
	'sensor create nombre=T tipo=temperatura unidad_medida=C rango_min=-40 rango_max=85 mqtt_topic_suffix=temperature' \
	'device create nombre=D tipo=esp32 identificador_unico=D2 ubicacion=x mqtt_client_id=D2'; do
	echo "$body"
done >"$T/commands"
rm -f "$T/api.url"
bg trace api iotapi serve --db "$db" --listen 127.0.0.1:0 --url-file "$T/api.url" --verbose 2>"$T/api.log"
wait_for 10 test -s "$T/api.url"
IOT_API_URL=$(cat "$T/api.url")
while read -r line; do
	# shellcheck disable=SC2086
	iotctl $line >/dev/null || exit 1
done <"$T/commands"
iotctl device assign D2 T >/dev/null 2>&1
wait_for 10 grep -q "'W': listening" "$T/api.log"
sleep 0.5
from=$(now)
mosquitto_pub --unix "$sock" -q 1 -t iot/sensors/D2/data -m '{"sensors":{"temperature":21.5}}'
sleep 0.5
iotctl reading list >/dev/null
to=$(now)
end
trip api 'A reading from MQTT into SQLite, and out of a list (iotapi)' "$from" "$to"

trace error iotctl --api-url http://127.0.0.1:1 --token-file "$T/api.pw" broker list 2>/dev/null
trip error "An error from libcurl to the exit status (iotctl broker list, nobody listening)"
