# shellcheck shell=sh
# Fleets for iotstatus' tests; source lib.sh first.
# shellcheck disable=SC2154 # lib.sh sets them

# fleet N ONLINE [LAST_SEEN]: the API's database holds N devices DEV_000001 ..., the first ONLINE of them
# online, seen at that time (an SQL expression; NULL: never).
fleet() {
	sqlite3 "$db" "PRAGMA busy_timeout = 5000; BEGIN; DELETE FROM device;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	INSERT INTO device (nombre, tipo, identificador_unico, ubicacion, estado, descripcion,
	    mqtt_enabled, mqtt_client_id, last_seen, connection_status, created_at, updated_at)
	SELECT 'Nodo ' || i, CASE i % 2 WHEN 0 THEN 'esp32' ELSE 'raspberry_pi' END,
	    printf('DEV_%06d', i), 'Sala', CASE WHEN i % 5 = 0 THEN 'mantenimiento' ELSE 'activo' END, '',
	    1, printf('client-%06d', i), ${3:-NULL},
	    CASE WHEN i <= $2 THEN 'online' ELSE 'offline' END,
	    '2026-11-01T00:00:00.000000Z', '2026-11-01T00:00:00.000000Z' FROM n WHERE $1 > 0;
	COMMIT" >/dev/null
}
# shellcheck disable=SC2034 # for who sources it
# shellcheck disable=SC2034
now="strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
# shellcheck disable=SC2034
old="strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-21 days')"

# A long-lived token of the API: no login in the way.
use_token() {
	iotapi token create admin --db "$db" >"$T/api.token"
	chmod 600 "$T/api.token"
	unset IOT_USERNAME IOT_PASSWORD_FILE
	export IOT_TOKEN_FILE="$T/api.token"
}

# statuses FROM TO STATUS TIMESTAMP: retained status messages at once, by one connection.
statuses() {
	perl -e 'my ($from, $to, $status, $time) = @ARGV;
		for ($from .. $to) {
			my $id = sprintf "DEV_%06d", $_;
			my $t = $time eq "" ? "" : ",\"timestamp\":$time";
			my $p = "{\"device_id\":\"$id\",\"status\":\"$status\"$t}";
			my $topic = "iot/devices/$id/status";
			my $rest = pack("n/a*", $topic) . $p;
			my ($n, $len) = (length $rest, "");
			do { my $b = $n & 127; $n >>= 7; $len .= chr($n ? $b | 128 : $b) } while $n;
			print "\x31$len$rest" }' "$@"
}

# to_broker: MQTT packets from stdin to the broker at $sock (a unix socket) or 127.0.0.1:$port, as one client.
to_broker() {
	perl -MIO::Socket::UNIX -MIO::Socket::INET -e '
		my $s = $ARGV[0] =~ m|/| ? IO::Socket::UNIX->new(Peer => $ARGV[0])
			: IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]);
		die "no broker" unless $s;
		binmode STDIN; local $/; my $packets = <STDIN>;
		my $body = pack("n/a* C C n n/a*", "MQTT", 4, 2, 60, "loader");
		print $s "\x10" . chr(length $body) . $body; $s->flush;
		sysread $s, my $ack, 4;
		print $s $packets; print $s "\xC0\x00"; $s->flush;
		# The answer to the ping: everything in front of it has arrived.
		sysread $s, my $pong, 2; print $s "\xE0\x00"; close $s' "$1"
}
