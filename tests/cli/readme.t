#!/bin/sh
# The READMEs, word for word: what they tell a reader to type is typed, in the order in which it is read, by a user who
# is not root and has nothing at home, from an empty clone on; and both say the same.
# slow: the demo, and all that is in the READMEs
# needs: postgresql
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
. "$top/tests/postgres.sh"
[ -n "$pg_bin" ] || skip_all 'no PostgreSQL here'
commands() { python3 "$top/tests/readme/commands.py" "$@"; }

# The one says what the other says: headings, tables and commands, but for names that are words.
translated() {
	sed 's/dispositivo list/device list/; s/plataforma\.yaml/platform.yaml/; s/\<historico\>/archive/g
		s/\<bd\>/db/; s/rechazos\.ndjson/rejects.ndjson/; s/lecturas\.ndjson/readings.ndjson/; s/\<dia\.ndjson/day.ndjson/
		s/\<TIPO\>/KIND/; s/\<ORDEN\>/CMD/'
}
commands --as-written "$top/README.md" >en
commands --as-written "$top/README.es.md" | translated >es
is '' "$(diff en es)" 'README.es.md has the headings, tables and commands of README.md, in its order'
sed 's/--wait 10s/--wait 9s/' "$top/README.es.md" >changed.md
is 1 "$(commands --as-written changed.md | translated | diff en - | grep -c '^>')" '  one that differs is noticed'
no_line "$top/README.es.md" 'README.es.md says fichero and usted, and nothing else for them' -nwiE 'archivos?|tu|tus|tú|puedes|tienes|usa|haz'

for readme in README.md README.es.md; do
	is 'sudo apt-get install -y git make' "$(commands "$top/$readme" | sed -n 's/^sh	//p' | sed -n 1p)" \
		"$readme begins with what a bare machine needs"
	[ "$(wc -l <"$top/$readme")" -lt 230 ]
	tap $? '  and is short'
	# shellcheck disable=SC2016 # Markdown's
	is '' "$(grep -oE '\]\([^)#][^):]*\)|`(examples|man|cmd|tests)/[^`]*`' "$top/$readme" | sed 's/^](//; s/[)`]//g' | sort -u |
		while read -r file; do [ -e "$top/$file" ] || echo "$file"; done)" '  and the files that it names are there'
done

# Options in any example of the READMEs and pages exist.
unknown=
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	$p --print-spec >spec
	# shellcheck disable=SC2013 # they are words
	for option in $(grep -hE "(^|[| ])$p " "$top"/README*.md "$top"/man/*.[1-9] |
		grep -oE -- ' --[a-z][a-z0-9-]+' | sort -u); do
		grep -q "^opt	[^	]*	${option#--}	" "$T"/spec ||
			unknown="$unknown $p:$option"
	done
done
is '' "$unknown" 'every long option in an example exists'


[ -z "${SANITIZED-}" ] || { done_testing; exit; } # the clone's programs are built as a reader builds them

# What a command is read as, here, where ports are shared and a minute is long.
placed() {
	sed "s|REPOSITORY|$T/repository|
		s|cd iot-utils\$|& \&\& cp -r '$T/build' . \&\& find build -exec touch -r build {} +|
		s|localhost:8000|localhost:$api_port|
		s|^iotapi 2>|iotapi --listen 127.0.0.1:$api_port 2>|
		s|listener 1883|listener $mqtt_port|
		s|mqtt://localhost|&:$mqtt_port|
		s|host=localhost|& port=$mqtt_port|
		s|mqtt://lab.example|mqtt://127.0.0.1:$lab_port|
		s|--interval 5s|--interval 200ms|
		s|--duration 1m|--duration 3s|
		s|^iotingest --readings \||iotingest --readings -C 4 \||"
}

# manner KIND:COMMAND: how it is run (tests/readme/walk.sh), and until when; or "not" and why. What is not named here
# ends by itself, with 0.
manner() {
	case $1 in
	inline:'make demo') echo 'not	typed above' ;;
	*:'make demo KEEP=1') echo 'not	tests/days/first-minute.t' ;;
	*:'make check') echo 'not	this is a part of it' ;;
	*:'make deb' | *:'sudo apt-get install ./build/deb/'*) echo 'not	tests/deb/lifecycle.sh, on a Debian that may be spoilt' ;;
	*:'man '*) echo 'not	man-db is nothing that tests need; docs.t reads the pages, install.t finds them' ;;
	*:'iotctl credential rotate --all '*) echo 'not	a fleet and its brokers; iotctl-rotate-fleet.t' ;;
	*:'iotctl device env') echo 'not	a name; iotctl-env.t' ;;
	*:'iotctl client list') echo 'not	only EMQX can tell; iotctl-sync-emqx.t' ;;
	*:'iotstatus --watch') echo 'not	a terminal; iotstatus-watch.t' ;;
	text:PATH=* | text:'*/5 '*) echo 'not	cron; iotstatus-cron.t' ;;
	text:*) echo 'line	fleet.csv' ;;
	*:'iotapi 2>'*) echo 'stays	grep serving iotapi.log' ;;
	*:'/usr/sbin/mosquitto '*) echo "ends	0-0 : 3<>/dev/tcp/127.0.0.1/$mqtt_port" ;;
	*:'iotctl broker sync '*--reload*) echo "ends	0-0 iotpub RPI_101 temperature=20 --count 1" ;;
	*:'iotpub --from-platform '*) echo 'goes-on	iotctl reading list device=RPI_102 -o ndjson | grep .' ;;
	*:'iotpub RPI_101 '*) echo 'stays	iotctl reading list device=RPI_101 --since 2s -o ndjson | grep .' ;;
	*:'iotpub ESP32_001 '*) echo "stays	iotctl device command ESP32_001 '{}' --wait 2s" ;;
	*:'iotsub RPI_102 '*) echo "goes-on	iotctl device command RPI_102 '{}' --wait 2s" ;;
	*:*--append*) echo "goes-on	test -s ${1##* }" ;;
	*:*--sink*) echo "goes-on	psql -Atc 'select 1 from lecturas limit 1' | grep 1" ;;
	*:'iotsub -t '*) echo "goes-on	test -s \"\$out\"" ;;
	*:'iotstatus -w '*) echo 'ends	0-2' ;;
	*) echo 'ends	0-0' ;;
	esac
}

# Where root would be needed: what it would do to the machine is looked at, or done below $T/root.
stand_in() {
	mkdir stand-ins root
	cat >stand-ins/sudo <<-END
		#!/bin/sh
		case \$* in
		'apt-get install -y '*) shift 3; dpkg-query -W "\$@" ;;
		'make install') make -s install DESTDIR='$T/root' ;;
		'systemctl disable --now mosquitto') echo 'none is running' ;;
		*) echo "sudo: nobody stands in for: \$*" >&2; exit 1 ;;
		esac
	END
	chmod 755 stand-ins/sudo
}

# A repository of what is here, whether it is committed or not, and the programs of here, for time: in the clone they are
# those of its commit, and newer than its sources.
repository() {
	mkdir repository build
	(cd "$top" && { git -c safe.directory='*' ls-files -z 2>/dev/null || find . -path './build*' -prune -o -type f -print0; } |
		tar --null -cf - -T -) | tar -xf - -C repository
	(cd repository && git init -q && git add -A && git -c user.name=x -c user.email=x@x.example commit -qm x)
	(cd "$build" && find . -path ./tests -prune -o -path ./deb -prune -o -type f -print0 | tar --null -cf - -T -) |
		tar -xf - -C build
	git -C repository rev-parse HEAD | cut -c 1-12 >build/commit
}

# reader COMMAND...: as a user without a name, a group and anything at home; who is not root already is one.
reader() {
	if [ "$(id -u)" -eq 0 ]; then set -- setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"; fi
	exec env -i HOME="$HOME" PATH="$T/stand-ins:$T/root/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 TMPDIR="$T/tmp" \
		PGHOST="$PGHOST" PGDATABASE="$database" PGUSER=postgres setsid -w "$@"
}

# All in the reader's session, and the broker, which has left it.
end_walk() {
	if [ -s "$HOME/iot/mosquitto/pid" ]; then kill "$(cat "$HOME/iot/mosquitto/pid")"; fi
	if [ -s output/session ]; then pkill -KILL -s "$(cat output/session)"; fi
	stop_all
}

walk() { # walk README UID DATABASE
	readme=$1 uid=$2 database=$3
	place "${readme%.md}"
	trap end_walk EXIT
	api_port=$(free_port) mqtt_port=$(free_port) lab_port=$(free_port)
	mkdir tmp output
	stand_in
	repository
	psql -qc "create database $database" && PGDATABASE=$database lecturas || exit 1
	printf 'listener %s 127.0.0.1\nallow_anonymous true\nuser %s\n' "$lab_port" "$(id -un)" >lab.conf
	bg mosquitto -c lab.conf 2>lab.log
	commands "repository/$readme" | grep -v '^head\|^row' | while IFS='	' read -r kind command; do
		printf '%s	%s\n' "$(manner "$kind:$command")" "$(printf '%s\n' "$command" | placed)"
	done >all
	grep -v '^not' all >steps
	n=$(grep -c '^not' all)
	[ "$n" -le 14 ]
	tap $? "$readme: few commands are not typed, each for its reason ($n of $(wc -l <all))"
	if [ "$(id -u)" -eq 0 ]; then chown -R "$uid:$uid" . && chmod 755 .; fi
	reader bash repository/tests/readme/walk.sh "$T/steps" "$T/results" "$T/output" >walk.log 2>&1 &
	walking=$!
	pids="$pids $walking"
	wait "$walking"
	while IFS='	' read -r number wrong command; do
		is - "$wrong" "$readme: $command"
		[ "$wrong" = - ] || note "$(tail -n 20 "output/$number" "output/$number.until" 2>/dev/null)"
	done <results
	is end "$(tail -n 1 walk.log)" "$readme: to its end"
}

start_postgres
chmod 711 "$T"
part walk README.md $((300000000 + $$ * 2)) en
part walk README.es.md $((300000001 + $$ * 2)) es
parts
done_testing
