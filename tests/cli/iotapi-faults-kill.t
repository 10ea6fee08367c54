#!/bin/sh
# iotapi killed at a write or fdatasync while it stores 2,000 numbered readings and edits: what it acknowledged and
# answered 2xx is in its files, and in what a disk is sure to have of them when the power goes; the rest comes after the
# next start. TEST_LONG=1 takes all of some ten thousand points, which is an hour or two and no part of make check.
# slow: a server is started twice a point
. "$(dirname "$0")/../lib.sh"
[ -z "${SANITIZED-}" ] || skip_all 'the sanitizers want to be the first library'
export POWERCUT="$build/tests/powercut.so"
[ -e "$POWERCUT" ] || skip_all 'nothing to cut the power with: make check builds it'

printf 'admin-password\n' >api.pw
chmod 600 api.pw
iotapi user add admin --db made.db --password-file api.pw
iotapi token create admin --db made.db >made.db.token
sqlite3 made.db "PRAGMA busy_timeout = 5000;
	INSERT INTO sensor (nombre, tipo, unidad_medida, rango_min, rango_max, mqtt_topic_suffix, created_at, updated_at)
	VALUES ('N', 'otro', '1', 0, 1000000, 'n', '', '');
	INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, created_at, updated_at) VALUES ('D', 'otro', 'DEV', 'x', '', '');
	INSERT INTO assignment (dispositivo, sensor, configuracion_json, fecha_asignacion) VALUES (1, 1, '{}', '');
	INSERT INTO topic (nombre, topic_pattern, created_at, updated_at) VALUES ('First', 'first', '', '');
	INSERT INTO broker (nombre, host, port, created_at, updated_at) VALUES ('B', '127.0.0.1', 1, '', '');
	PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
# Its first start makes the key.
iotapi --db made.db --listen 127.0.0.1:0 --url-file url 2>log &
wait_for 20 test -s url
kill $!
wait $!

# killed POINTS [OPTION]: the figures. What goes wrong is told, and how far the long one is.
killed() { /usr/bin/python3 "$top/tests/powercut/iotapi.py" "$T/made.db" "$1" 2000 ${2+"$2"}; }
of() { printf '%s\n' "$figures" | sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p"; }

figures=$(killed "$([ -n "${TEST_LONG-}" ] && echo all || echo 10)")
is '0 0 0 0' "$(of lost) $(of damaged) $(of missing) $(of late)" "killed at $(of points) of $(of calls) calls: nothing is lost"
is 0 "$(of cut)" 'nor when the power goes'
[ "$(of points)" -ge 3 ]
tap $? 'there were such calls'
figures=$(killed 10 --unsynced 2>errors) || note "$(cat errors)"
[ "$(of cut)" -gt 0 ]
tap $? "negative control: without fdatasync, as synchronous=OFF has it, it loses ($(of cut) at point $(of points))"
figures=$(killed 10 --early 2>errors) || note "$(cat errors)"
[ "$(of lost)" -gt 0 ] && [ "$(of missing)" -gt 0 ]
tap $? "negative control: acknowledged on arrival it loses ($(of lost) at point $(of points))"
done_testing
