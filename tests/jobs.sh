# shellcheck shell=sh
# shellcheck disable=SC2154 # $out and the rest are lib.sh's
# Many at once: get, set, delete, device provision with -j 8 say what -j 1 says, whatever order the answers
# come in. suite BACKEND runs it through start_api's or start_django's platform. Source it after lib.sh.

# between: what answers every other request late stands in front of the platform.
between() {
	start_http between "$api"
	export IOT_API_URL="$http_url"
	rm -f "$HOME/.local/state/iot/default.csv.state" # another address of the same platform
	log=$http/log
}
end_between() {
	kill "$http_pid"
	wait "$http_pid" 2>/dev/null
}
sent() { grep -c " $1" "$log"; }       # sent 'METHOD PATH': how often
most() { sort -k2n "$log" | tail -1 | cut -d' ' -f2; } # at once
in_order() { cut -d' ' -f1 "$log" | sort -nc; }
# with N COMMAND...: with -j N; status and output in N.out, N.err.
with() {
	n=$1
	shift
	: >"$log"
	"$@" -j "$n" >"$n.out" 2>"$n.err" </dev/null
	echo $? >>"$n.out"
}
# both 'sentence' COMMAND...: both ways are the same, byte for byte, and eight were really at once.
both() {
	sentence=$1
	shift
	with 1 "$@"
	is 1 "$(most)" "$sentence: one at a time"
	with 8 "$@"
	tap "$(($(most) < 3))" "or $(most) at once"
	in_order 2>/dev/null
	tap "$(($? == 0))" 'though not in their order'
	is "$(cat 1.out)" "$(cat 8.out)" 'the output is the same'
	is "$(cat 1.err)" "$(cat 8.err)" 'and what went wrong'
}
names() { seq -f "$1%02g" "$2" "$3" | tr '\n' ' '; }
id_of() { iotctl device get "$1" --json | jq .id; }

devices() { sed 's/.*/kind: device\nidentificador_unico: &\nnombre: Nodo\ntipo: esp32\nubicacion: x\n---/'; }

# busy N SECONDS: request N from now on is told to come later.
busy() { echo "$(($(cat "$http/came") + $1)) $2" >"$http/busy"; }

test_busy() {
	seq -f 'T%03g' 1 120 | sed 's|.*|kind: topic\nnombre: &\ntopic_pattern: a/&\n---|' >topics.yaml
	: >"$log"
	busy 8 1
	run iotctl apply -f topics.yaml -j 8
	is 120 "$(echo "$out" | grep -c ^created)" 'a busy platform: apply makes all'
	# What the seven others had asked when the first was told is on its way.
	told=$(awk '$3 == 429' "$log" | wc -l)
	[ "$told" -ge 1 ] && [ "$told" -le 8 ]
	tap $? "few requests were told to wait ($told)"
	early=$(grep -c . "$http/early" 2>/dev/null)
	[ "${early:-0}" -le 7 ]
	tap $? "and nobody asks in that time ($early)"
	rm -f "$http/early"
	busy 1 2
	curl -s "$IOT_API_URL/api/devices/" >/dev/null
	sleep 0.5 # within the 2 s
	curl -s "$IOT_API_URL/api/devices/" >/dev/null
	is 'GET /api/devices/' "$(cat "$http/early")" 'who does is seen'
	sleep 1.6 # until they are over
}

test_get() {
	# shellcheck disable=SC2046 # names are words
	set -- $(names D 1 20)
	both 'get' iotctl device get "$@" -o ndjson
	is "$*" "$(sed '$d' 8.out | jq -r .identificador_unico | tr '\n' ' ' | sed 's/ $//')" \
		'in the order asked for'
	both 'get as a table' iotctl device get "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8"
	both 'get, some not there' iotctl device get "$1" "$2" no "$3" "$4" neither "$5" "$6" "$7" -o ndjson
	is 1 "$(tail -1 8.out)" 'the status'
	is 8 "$(wc -l <8.out)" 'the others come'
	is "iotctl: no device 'no'
iotctl: no device 'neither'
iotctl: 2 of 9 failed" "$(cat 8.err)" 'in their order too'
	seq -f 'D%02g' 1 20 >names
	is 20 "$(iotctl device get - -o ndjson -j 8 <names | wc -l)" 'names from standard input'
}

# told WORD EXCEPT NAME...: a line each, but for EXCEPT, and the status 1.
told() {
	word=$1 except=$2
	shift 2
	for i in "$@"; do [ "$i" = "$except" ] || echo "$word device '$i'"; done
	echo 1
}

test_set() {
	# shellcheck disable=SC2046
	set -- $(names D 1 12)
	echo "PATCH /api/devices/$(id_of D05)/" >"$http/refuse"
	with 8 iotctl device set "$@" nombre=Otro
	in_order 2>/dev/null
	tap "$(($? == 0))" 'set: the answers are not in order'
	is "$(told changed D05 "$@")" "$(sed 's/ (id.*//' 8.out)" 'what comes out is'
	is "iotctl: cannot change device 'D05': not this one
iotctl: 1 of 12 failed" "$(cat 8.err)" 'what was refused in the middle is told'
	rm "$http/refuse"
	with 1 iotctl device set "$@" nombre=Otro
	is 1 "$(grep -c ^changed 1.out)" 'the one that is left, one at a time'
	both 'set, nothing to do' iotctl device set "$@" nombre=Otro
	both 'set, dry' iotctl device set "$@" nombre=Nada -n
	with 8 iotctl device set D01 D01 D01 nombre=Tres
	is "changed unchanged unchanged 0" "$(sed 's/ .*//' 8.out | tr '\n' ' ' | sed 's/ $//')" \
		'the same one three times: one after the other'
}

test_apply() {
	# shellcheck disable=SC2046
	set -- $(names D 1 12)
	head -n 12 names | devices | sed 's/ubicacion: x/ubicacion: y/' >moved.yaml
	echo "PATCH /api/devices/$(id_of D05)/" >"$T/http/refuse"
	with 8 iotctl apply -f moved.yaml
	tap "$(($(most) < 3))" "apply: $(most) at once"
	in_order 2>/dev/null
	tap "$(($? == 0))" '  the answers are not in order'
	is "$(told changed D05 "$@")" "$(sed 's/ (id.*//' 8.out)" '  what comes out is'
	is "iotctl: device 'D05': not this one
iotctl: 1 of 12 failed" "$(cat 8.err)" '  what was refused in the middle is told'
	with 1 iotctl apply -f moved.yaml -o ndjson
	is 11 "$(grep -c '"unchanged"' 1.out)" 'the others are as they should be'
	is '{"row":5,"resource":"device","name":"D05","result":"failed","error":"not this one"}' \
		"$(sed -n 5p 1.out)" 'one at a time says the same'
	rm "$T/http/refuse"
	with 1 iotctl apply -f moved.yaml
	is 1 "$(grep -c ^changed 1.out)" 'the one that is left'
}

test_delete() {
	# shellcheck disable=SC2046
	set -- $(names D 1 12)
	both 'delete, dry' iotctl device delete "$@" no -n
	both 'delete without --yes' iotctl device delete "$@"
	no_line "$log" 'deletes nothing' ' DELETE'
	echo "DELETE /api/devices/$(id_of D05)/" >"$http/refuse"
	with 8 iotctl device delete "$@" no --yes
	rm "$http/refuse"
	in_order 2>/dev/null
	tap "$(($? == 0))" 'delete: the answers are not in order'
	is "$(told deleted D05 "$@")" "$(sed 's/ (id.*//' 8.out)" 'what comes out is'
	is "iotctl: no device 'no'
iotctl: cannot delete device 'D05': not this one
iotctl: 2 of 13 failed" "$(grep -v -e 'is used by' -e 'retained statuses' 8.err)" 'what was refused, or not there, is told'
	with 1 iotctl device delete D05 D13 D05 --yes
	is "deleted deleted 1" "$(sed 's/ .*//' 1.out | tr '\n' ' ' | sed 's/ $//')" \
		'the one that is left, one at a time; not twice'
	is 7 "$(iotctl device list -o ndjson | wc -l)" 'the others are there'
}

# fleet PREFIX N: two of them cannot be.
fleet() {
	echo 'identificador_unico,tipo,ubicacion,broker,sensores'
	for i in $(seq 1 "$2"); do
		case $i in
		4) echo "$1$i,esp32,Sala,Nowhere,temperature" ;;
		7) echo "$1$i,esp32,Sala,,none" ;;
		*) echo "$1$i,esp32,Sala,,temperature" ;;
		esac
	done
}

# few 'sentence' COMMAND...: both ways are the same, and ask for lists, not five times for each device.
few() {
	sentence=$1
	shift
	with 1 "$@"
	with 8 "$@"
	tap "$(($(wc -l <"$log") > 20))" "$sentence: $(wc -l <"$log") requests for twelve devices"
	is "$(cat 1.out)" "$(cat 8.out)" 'the output is the same'
	is "$(cat 1.err)" "$(cat 8.err)" 'and what went wrong'
}

test_provision() {
	iotctl broker create Main host=localhost >/dev/null
	iotctl sensor create nombre=Temp tipo=temperatura unidad_medida=C rango_min=-40 rango_max=125 \
		mqtt_topic_suffix=temperature >/dev/null
	fleet X 12 >x.csv
	fleet Y 12 >y.csv
	few 'provision, dry' iotctl device provision --from x.csv -n
	with 8 iotctl device provision --from x.csv
	in_order 2>/dev/null
	tap "$(($? == 0))" 'provision: the answers are not in order'
	cp 8.out x.out
	is 1 "$(tail -1 x.out)" 'two failed'
	with 1 iotctl device provision --from y.csv
	is "$(cat 1.out)" "$(sed 's/"X/"Y/' x.out)" 'the same one at a time'
	is "$(cat 1.err)" "$(cat 8.err)" 'and on standard error'
	few 'provision again' iotctl device provision --from x.csv
	for r in credential device-config; do
		is 10 "$(iotctl $r list --api-url "$api" -o ndjson | grep -c '"X')" "the others have their $r"
	done
	echo 'POST /api/mqtt/device-config/' >"$http/refuse"
	before=$(iotctl device list --api-url "$api" -o ndjson | wc -l)
	run iotctl device provision Z1 Z2 Z3 Z4 Z5 Z6 Z7 Z8 -j 8
	rm "$http/refuse"
	is 8 "$(echo "$out" | grep -c 'cannot create device-config: not this one')" 'a step that fails for all'
	is "$before" "$(iotctl device list --api-url "$api" -o ndjson | wc -l)" 'is undone for all'
}

# Nobody is there: told once, however many were begun.
test_gone() {
	for n in 1 8; do
		run iotctl device get D14 D15 D16 D17 D18 D19 -j $n
		exits 5 "nobody is there, $n at once"
		is "iotctl: cannot reach the API at '$IOT_API_URL': connection refused" "$err" 'is told once'
	done
	run iotctl device delete D14 D15 D16 --yes -j 8
	exits 5 'the same for delete'
	run iotctl device provision D14 D15 D16 -j 8
	exits 5 'the same for provision'
}

suite() {
	between
	seq -f 'D%02g' 1 20 >names
	devices <names >devices.yaml
	ok "$1: twenty devices" iotctl apply -f devices.yaml --api-url "$api"
	test_busy
	test_get
	test_set
	test_apply
	test_delete
	test_provision
	end_between
	test_gone
}
