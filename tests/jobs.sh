# shellcheck shell=sh
# shellcheck disable=SC2154 # $out and the rest are lib.sh's
# Many requests at once. suite BACKEND runs it through start_api's or start_django's platform. Source it after lib.sh.

# between: what answers every other request late stands in front of the platform.
between() {
	mkdir -p "$T/between"
	rm -f "$T"/between/*
	/usr/bin/python3 "$top/tests/http/between.py" "$T/between" "$api" 2>"$T/between.err" &
	between_pid=$!
	pids="$pids $between_pid"
	wait_for 10 test -s "$T/between/url" || { note "none: $(cat "$T/between.err")"; exit 1; }
	IOT_API_URL=$(cat "$T/between/url")
	export IOT_API_URL
	log=$T/between/log
}
end_between() {
	kill "$between_pid"
	wait "$between_pid" 2>/dev/null
}

# busy N SECONDS: request N from now on is told to come later.
busy() { echo "$(($(cat "$T/between/came") + $1)) $2" >"$T/between/busy"; }

test_busy() {
	seq -f 'T%03g' 1 120 | sed 's|.*|kind: topic\nnombre: &\ntopic_pattern: a/&\n---|' >topics.yaml
	: >"$log"
	busy 8 1
	run iotctl apply -f topics.yaml -j 8
	is 120 "$(echo "$out" | grep -c ^created)" 'a busy platform: apply makes all'
	is 1 "$(awk '$3 == 429' "$log" | wc -l)" 'one request was told to wait'
	is '' "$(cat "$T/between/early" 2>/dev/null)" 'and none of the others asks in that time'
	busy 1 2
	curl -s "$IOT_API_URL/api/devices/" >/dev/null
	sleep 0.5
	curl -s "$IOT_API_URL/api/devices/" >/dev/null
	is 'GET /api/devices/' "$(cat "$T/between/early")" 'who does is seen'
	sleep 1.6
}

suite() {
	between
	test_busy
	end_between
}
