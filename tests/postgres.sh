# shellcheck shell=sh disable=SC2154
# A PostgreSQL of one's own for a test, source it behind lib.sh: start_postgres makes a cluster in
# $T/pg that listens on a unix socket there and nowhere else; PGHOST, PGDATABASE and PGUSER lead to it.
# As root it runs as the user postgres, for it refuses root.
pg_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}
pg_ctl() { as_postgres "$pg_bin/pg_ctl" -s -D "$T/pg/data" "$@"; }

start_postgres() {
	[ -n "$pg_bin" ] || skip_all 'no PostgreSQL here'
	mkdir "$T/pg"
	if [ "$(id -u)" -eq 0 ]; then chown postgres "$T/pg" && chmod 711 "$T"; fi
	export PGHOST="$T/pg" PGDATABASE=postgres PGUSER=postgres PGCONNECT_TIMEOUT=10
	as_postgres "$pg_bin/initdb" -A trust -U postgres -E UTF8 --no-locale -D "$T/pg/data" \
		>"$T/initdb.log" 2>&1 || { note "$(cat "$T/initdb.log")"; exit 1; }
	trap 'pg_ctl -m immediate stop >/dev/null 2>&1; cleanup' EXIT
	pg_ctl -w -l "$T/pg/log" -o "-c listen_addresses= -c unix_socket_directories=$T/pg" start ||
		{ note "$(cat "$T/pg/log")"; exit 1; }
}
# restart_postgres fast, or immediate: no shutdown, then recovery, as after a crash.
restart_postgres() { pg_ctl -w -m "$1" -l "$T/pg/log" restart; }
sql() { psql -qAtX -c "$1"; }
# The tables of iotingest(1), which are among the examples.
lecturas() { psql -qX -v ON_ERROR_STOP=1 -f "$top/examples/lecturas.sql"; }
