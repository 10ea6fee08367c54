#!/bin/sh
# iotctl and answers that are none: other objects than were asked for, lists that break off, no objects.
# slow: a hundred runs of iotctl
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_http answers
export IOT_API_URL="$http_url" IOT_TOKEN=some
answers() {
	: >"$http/log"
	cat >"$http/answers"
}
asked() { grep -c "$1" "$http/log"; }
says() { # STATUS PART 'sentence' COMMAND...
	wanted=$1 part=$2 sentence=$3
	shift 3
	run "$@"
	exits "$wanted" "$sentence"
	has "$err" "$part" "  says: $part"
}

# One object.
for body in null 0 '[]' '"x"' '<html>' '{}' '{"id":null}' '{"id":"5"}' '{"id":7,"nombre":"another"}'; do
	answers <<-END
		GET /api/mqtt/brokers/5/ 200 application/json $body
		GET /api/mqtt/brokers/? 200 application/json []
		GET /api/mqtt/device-config/ 200 application/json []
		DELETE /api/mqtt/brokers/ 204 - -
	END
	says 8 "the API's answer to '/api/mqtt/brokers/5/' is" "get 5 answered with $body" iotctl broker get 5
	says 8 "the API's answer to '/api/mqtt/brokers/5/' is" "delete 5 answered with $body" \
		iotctl broker delete 5 --yes
	no_line "$http/log" 'deletes nothing' '^DELETE'
done
answers <<'END'
GET /api/mqtt/brokers/? 200 application/json [{"nombre":"A"}]
GET /api/mqtt/device-config/ 200 application/json []
DELETE /api/mqtt/brokers/ 204 - -
END
says 8 "the API's broker 'A' has no id" 'a name whose object has no id' iotctl broker delete A --yes
no_line "$http/log" 'deletes nothing' '^DELETE'
answers <<'END'
GET /api/mqtt/brokers/? 200 application/json [{"id":1,"nombre":"A"}]
GET /api/mqtt/brokers/1/ 200 application/json null
POST /api/mqtt/brokers/ 201 application/json 5
END
says 8 'is no JSON object' 'get A answered with null' iotctl broker get A
is '' "$out" 'shows nothing'
says 8 'is no JSON object' 'create answered with a number' iotctl broker create A host=h
says 8 'cannot be read' 'set, when what is there cannot be read' iotctl broker set A host=h
no_line "$http/log" 'changes nothing' '^PATCH'

# What came back from a change is no object: nobody knows what the API made of it.
for body in null '[]' 7; do
	answers <<-END
		GET /api/mqtt/brokers/? 200 application/json [{"id":1,"nombre":"A"}]
		GET /api/mqtt/brokers/1/ 200 application/json {"id":1,"nombre":"A","host":"h"}
		PATCH /api/mqtt/brokers/1/ 200 application/json $body
	END
	says 8 "the API's answer to '/api/mqtt/brokers/1/' is no JSON object" "set answered with $body" \
		iotctl broker set A host=i
done

# A reason that is cut within a letter, in a line of JSON.
long=$(printf '%0300d' 0 | sed 's/0/é/g')
for lead in '' x; do
	answers <<-END
		GET /api/mqtt/brokers/ 200 application/json []
		POST /api/mqtt/brokers/ 400 application/json {"host":["$lead$long"]}
	END
	printf 'kind: broker\nnombre: A\nhost: h\n' >one.yaml
	run iotctl apply -f one.yaml -o ndjson
	has "$(echo "$out" | jq -r .error)" "host: ${lead}ééé" "apply tells a long reason that begins with '${lead:-é}'"
done

# A reason that would turn a terminal's line round.
answers <<'END'
GET /api/mqtt/brokers/ 200 application/json [{"id":1,"nombre":"A","is_active":true}]
GET /api/ 200 application/json []
POST /api/devices/ 400 application/json {"nombre":["\u202eno"]}
END
script -qefc 'iotctl device provision D1' screen </dev/null >/dev/null 2>&1
has "$(cat screen)" 'nombre: ' 'provision on a terminal tells the reason'
mark=$(printf '\342\200\256')
is 0 "$(grep -c "$mark" screen)" '  without its mark of direction'

# A list from which nobody can tell what would be added to it.
answers <<'END'
GET /api/mqtt/topics/ 200 application/json [{"id":2,"nombre":"T"}]
GET /api/mqtt/device-config/? 200 application/json [{"id":1,"dispositivo":1,"dispositivo_nombre":"D"}]
GET /api/mqtt/device-config/1/ 200 application/json {"id":1,"subscribe_topics":[1],"metadata_json":{"n":1e999}}
PATCH /api/mqtt/device-config/1/ 200 application/json {"id":1,"subscribe_topics":[2]}
END
says 8 'cannot be read' '+= to an object that jansson cannot hold' \
	iotctl device-config set 1 subscribe_topics+=T
no_line "$http/log" 'leaves the list as it is' '^PATCH'

# Who am I?
answers <<'END'
GET /api/users/me/ 200 text/html <html><title>Log in at the hotel</title>
END
says 8 "the API's answer to '/api/users/me/' is no JSON object" 'whoami answered by a portal' iotctl whoami

# Lists.
for next in '"http://h/api/mqtt/brokers/page/2/"' 2 '{}' false '"http://h/x?a b"'; do
	answers <<-END
		GET /api/mqtt/brokers/ 200 application/json {"count":2,"next":$next,"results":[{"id":1,"nombre":"A"}]}
	END
	says 8 "has a next page that cannot be asked for: $next" "next: $next" iotctl broker list -o json
	is '' "$out" 'is no whole list'
done
for item in 1 null '"x"' '[1]'; do
	answers <<-END
		GET /api/mqtt/brokers/ 200 application/json [$item,{"id":1,"nombre":"A"}]
	END
	says 8 'is no list of objects' "a list with $item in it" iotctl broker list -o csv
done

# Bodies: broken off, compressed, without an end, in another encoding, none at all.
rows='[{"id":1,"nombre":"A"},{"id":2,"nombre":"B"}]'
list_is() { # STATUS-OF-SERVER BODY STATUS PART 'sentence'
	answers <<-END
		GET /api/mqtt/brokers/ $1 application/json $2
	END
	run timeout 30 iotctl broker list -o csv --columns nombre
	exits "$3" "$5"
	is "1" "$(printf '%s\n' "$err" | grep -c "$4")" "  says: $4"
	is '1 ' "$(printf '%s\n' "$err" | wc -l) $out" '  in one line, and shows nothing'
}
list_is half "$rows" 5 "cannot reach the API at '$http_url': \\(transfer closed\\|end of response\\)" 'a list that breaks off'
list_is endless '[{"id":1,"nombre":"A"},' 8 'answered with over 64 MiB' 'a body without an end'
list_is 200 "{\"count\":2,\"next\":\"$http_url/api/mqtt/brokers/?page=2\",\"results\":[{\"id\":1,\"nombre\":\"A\"}]}" \
	8 "never ends: its next page is '/api/mqtt/brokers/?page=2' again" 'pages without an end'
list_is 200 null 8 'is no list' 'null'
list_is 200 '' 8 'is no JSON' 'nothing, with status 200'
list_is 200 "[{\"id\":1,\"nombre\":\"A$(printf '\361')o\"}]" 8 'is no JSON' 'Latin-1'
answers <<-END
	GET /api/mqtt/brokers/ gzip application/json $rows
END
run iotctl broker list -o csv --columns nombre --no-header
is '0 A
B' "$status $out$err" 'a compressed list is read'

# A page in the place of an answer to what should change something.
printf '{"device_id":"D","sensor":"s","value":1}\n' >readings
answers <<'END'
GET /api/devices/? 200 application/json [{"id":1,"identificador_unico":"D","sensores_asignados":[{"sensor":2,"sensor_detail":{"id":2,"mqtt_topic_suffix":"s"}}]}]
GET /api/mqtt/brokers/? 200 application/json [{"id":1,"nombre":"A"}]
GET /api/mqtt/device-config/ 200 application/json []
POST / 200 text/html  <!doctype html><title>Log in at the hotel</title>
DELETE / 200 text/html <html></html>
END
says 8 'answered the POST with a web page' 'reading import' iotctl reading import readings
has "$out" 'readings imported: 0' 'has imported nothing'
says 8 'answered the POST with a web page' 'broker activate' iotctl broker activate A
says 8 'answered the DELETE with a web page' 'broker delete' iotctl broker delete A --yes
is '' "$out" 'has deleted nothing'

# What doctor cannot ask.
for answer in '500 text/html <title>Oops</title>' '200 application/json null' '200 text/html <p>x' ; do
	answers <<-END
		GET /api/users/me/ 200 application/json {"username":"a"}
		GET /api/mqtt/brokers/ $answer
		GET /api/mqtt/device-status/ 200 application/json {"online":0}
		GET /api/mqtt/device-config/ 200 application/json []
		GET /api/readings/ 200 application/json []
	END
	run iotctl doctor
	exits 1 "a platform whose brokers are answered with $answer is not well"
done

# Numbers beyond all bounds.
answers <<'END'
GET /api/users/me/ 200 application/json {"username":"a"}
GET /api/mqtt/brokers/ 200 application/json []
GET /api/mqtt/device-status/ 200 application/json {"online":3}
GET /api/mqtt/device-config/ 200 application/json [{"id":1,"publish_interval":9223372036854775807}]
GET /api/readings/ 200 application/json [{"id":1,"timestamp":"2020-01-01T00:00:00Z"}]
END
run iotctl doctor
has "$out" '3 devices are online, yet the newest reading is' 'an interval of three hundred thousand million years'

# Reasons: what is UTF-8 stays, what is none is replaced, and what has no room is said to be cut.
reason() { # reason COMMAND...: the error in the result line
	run "$@" 2>/dev/null
	printf '%s\n' "$out" | jq -r 'select(.result == "failed").error'
}
printf 'kind: device\nidentificador_unico: N1\nnombre: x\ntipo: esp32\nubicacion: P\n' >n1.yaml
refused() { # refused TYPE BODY: the answer to a new device
	answers <<-END
		GET /api/mqtt/brokers/? 200 application/json [{"id":1,"nombre":"A","is_active":true}]
		GET /api/mqtt/topics/? 200 application/json [{"id":1,"nombre":"T","tipo":"publish","topic_pattern":"a/{device_id}"}]
		GET /api/ 200 application/json []
		POST /api/devices/ 400 $1 $2
	END
}
refused text/plain "El a$(printf '\361')o «x» no está"
has "$(reason iotctl apply -f n1.yaml -o ndjson)" 'the API answered 400: El a�o «x» no está' \
	'apply: a reason with a byte that is no UTF-8'
has "$(reason iotctl device provision N1 tipo=esp32 ubicacion=P)" 'the API answered 400: El a�o «x» no está' \
	'provision: the same'
for shift in '' x xx; do
	refused application/json "{\"detail\":\"$shift$(printf '€%.0s' $(seq 400))\"}"
	for command in 'apply -f n1.yaml -o ndjson' 'device provision N1 tipo=esp32 ubicacion=P'; do
		# shellcheck disable=SC2086 # words
		text=$(reason iotctl $command)
		has "$text" "$shift€€€" "${command%% *}: a long reason, shifted by '$shift'"
		is '€ [...]' "$(printf %s "$text" | sed 's/.*\(.......\)$/\1/')" \
			'  ends with a whole character and says that it was cut'
	done
	answers <<-END
		GET /api/users/me/ 500 text/plain $shift$(printf 'ñ%.0s' $(seq 200))
	END
	run iotctl whoami
	has "$err" 'ñ [...]' "a long page, shifted by '$shift', is cut behind a character"
done
done_testing
