#!/bin/sh
# iotapi's command line, people and tokens.
# shellcheck disable=SC2119,SC2317 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
# ask METHOD PATH [CURL-OPTION...]: $status is HTTP's, $out the body.
ask() {
	m=$1 p=$2
	shift 2
	status=$(curl -sS -o "$T/.out" -w '%{http_code}' -X "$m" -H 'Content-Type: application/json' "$@" "$api$p")
	out=$(cat "$T/.out")
}
login() { ask POST /api/auth/login/ -d "{\"username\":\"$1\",\"password\":\"$2\"}"; }
bearer() { ask GET /api/users/me/ -H "Authorization: $1"; }

# Login and refresh.
login admin admin-password
exits 200 'login'
access=$(printf %s "$out" | jq -r .access)
refresh=$(printf %s "$out" | jq -r .refresh)
is 'user refresh access message' "$(printf %s "$out" | jq -r 'keys_unsorted | join(" ")')" \
	'answers user, tokens, message, in this order'
for t in "$access" "$refresh"; do
	case $t in *[!0-9a-f]* | '') tap 1 'a token is hex' ;; *)
		[ "${#t}" -ge 64 ]
		tap $? 'a token has 256 random bits'
		;;
	esac
	run grep -c -a "$t" "$db" "$db-wal"
	exits 1 'and is not in the database'
done
bearer "Bearer $access"
exits 200 'the access token works'
is admin "$(printf %s "$out" | jq -r .username)" 'and says who I am'
bearer "Bearer $refresh"
exits 401 'a refresh token is no access token'
ask POST /api/auth/refresh/ -d "{\"refresh\":\"$refresh\"}"
exits 200 'refresh'
is 'refresh access' "$(printf %s "$out" | jq -r 'keys_unsorted | join(" ")')" 'gives a new pair'
new=$(printf %s "$out" | jq -r .access)
ask POST /api/auth/refresh/ -d "{\"refresh\":\"$refresh\"}"
exits 401 'the old refresh token died'
is '{"detail":"Token is invalid or expired","code":"token_not_valid"}' "$out" 'and says so'
bearer "Bearer $new"
exits 200 'the new access token works'
ask POST /api/auth/refresh/ -d "{\"refresh\":\"$new\"}"
exits 401 'an access token cannot refresh'

without "$(sqlite3 "$db" "EXPLAIN QUERY PLAN DELETE FROM token WHERE handle = 'x' OR expires <= 1")" SCAN \
	'each login takes expired tokens away, by an index'

# While a password is checked it is changed: whoever had the old one may not stay with new tokens. The other hash is
# one that nobody's password has.
python3 - "$db" "$api" <<'P' >raced
import sqlite3, sys, threading, time, urllib.error, urllib.request
d = sqlite3.connect(sys.argv[1], isolation_level=None)
answers = []
def login():
    r = urllib.request.Request(sys.argv[2] + '/api/auth/login/', b'{"username":"admin","password":"admin-password"}',
        {'Content-Type': 'application/json'})
    try:
        answers.append(urllib.request.urlopen(r).status)
    except urllib.error.HTTPError as e:
        answers.append(e.code)
(was,) = d.execute("SELECT password_hash FROM person WHERE username = 'admin'").fetchone()
d.execute('BEGIN IMMEDIATE')
t = threading.Thread(target=login)
t.start()
time.sleep(1)
d.execute("UPDATE person SET password_hash = 'other' WHERE username = 'admin'")
d.execute('COMMIT')
tokens = 'SELECT count(*) FROM token'
before = d.execute(tokens).fetchone()
t.join()
print(*answers, d.execute(tokens).fetchone() == before)
d.execute("UPDATE person SET password_hash = ? WHERE username = 'admin'", (was,))
P
is '400 True' "$(cat raced)" 'a password that is changed while a login is under way gives no tokens'

# Refused logins.
bad='{"non_field_errors":["Unable to log in with provided credentials."]}'
login admin wrong
exits 400 'a wrong password is 400'
is "$bad" "$out" 'non_field_errors'
login nobody admin-password
is "$bad" "$out" 'an unknown user reads the same'
ask POST /api/auth/login/ -d '{"username":""}'
is '400 {"username":["This field may not be blank."],"password":["This field is required."]}' \
	"$status $out" 'missing and blank fields'
ask POST /api/auth/login/ -d 'nonsense'
exits 400 'no JSON'
has "$out" '{"detail":"JSON parse error - ' 'is a detail'
ask POST /api/auth/login/ -d '[]'
is '400 {"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}' "$status $out" 'a list'
ask GET /api/auth/login/ -H "Authorization: Bearer $new"
is '405 {"detail":"Method \"GET\" not allowed."}' "$status $out" 'GET of login'
run curl -sS -H 'Content-Type: text/plain' -d x "$api/api/auth/login/"
is '{"detail":"Unsupported media type \"text/plain\" in request; send application/json."}' "$out" \
	'another media type'

# The Authorization header.
bearer 'Token abc'
is '401 {"detail":"Authentication credentials were not provided."}' "$status $out" 'another scheme'
bearer 'Bearer'
exits 401 'Bearer alone'
has "$out" '"code":"bad_authorization_header"' 'has its code'
bearer 'Bearer a b'
has "$out" '"code":"bad_authorization_header"' 'two words too'
bearer "Bearer 0123456789abcdef"
has "$out" '"code":"token_not_valid"' 'garbage'
# shellcheck disable=SC2018,SC2019
bearer "Bearer $(printf %s "$new" | sed 's/.$/z/')"
exits 401 'one character changed'
run curl -sS -D - -o /dev/null "$api/api/devices/"
has "$out" 'WWW-Authenticate: Bearer realm="api"' '401 says which scheme'

# token create, user add, user passwd.
run iotapi token create admin --db "$db"
exits 0 'a token for programs'
long=$out
bearer "Bearer $long"
exits 200 'works while the server runs'
run iotapi token create nobody --db "$db"
exits 3 'not for an unknown user'
is "iotapi: there is no user 'nobody'; iotapi user add makes one" "$err" 'and says what to do'
printf 'second\n' >"$T/second"
run iotapi user passwd admin --db "$db" --password-file "$T/second"
exits 2 'a password file that others may read is refused'
has "$err" 'chmod 600' 'with what to do'
head -c 512 /dev/zero | tr '\0' a >"$T/long"
chmod 600 "$T/long"
run iotapi user passwd admin --db "$db" --password-file "$T/long"
is '2 iotapi: the password is too long: at most 511 bytes' "$status $err" 'nor one that no hash takes'
chmod 600 "$T/second"
run iotapi user add admin --db "$db" --password-file "$T/second"
exits 2 'an existing user is not added'
is "iotapi: there is a user 'admin' already; iotapi user passwd changes the password" "$err" 'and the error says what does'
bearer "Bearer $long"
exits 200 'nothing has changed'
run iotapi user passwd admin --db "$db" --password-file "$T/second"
exits 0 'a new password'
is "iotapi: 1 token of 'admin' for programs ended, too" "$err" 'says what it ends'
login admin admin-password
exits 400 'the old one is refused'
login admin second
exits 200 'the new one enters'
bearer "Bearer $new"
exits 401 'and who logged in before logs in again'
bearer "Bearer $long"
exits 401 'the token for programs has ended, too'
run iotapi user passwd nobody --db "$db" --password-file "$T/second"
exits 3 'of nobody'
run setsid iotapi user add other --db "$db"
exits 2 'without a terminal and without a file'
has "$err" 'give --password-file' 'it says what to give'
run iotapi user add 'a b' --db "$db" --password-file "$T/second"
exits 2 'a user name with a blank'
run iotapi user add "$(printf 'a\342\200\256b')" --db "$db" --password-file "$T/second"
exits 2 'or with a mark that turns the text around'
without "$err" "$(printf '\342\200\256')" 'which is not shown as it is'

# Who may only read.
run iotapi user add eva --read-only --db "$db" --password-file "$T/second"
exits 0 'a user who may only read'
login eva second
eva=$(printf %s "$out" | jq -r .access)
is false "$(printf %s "$out" | jq .user.is_superuser)" 'who is no superuser'
ask GET /api/devices/ -H "Authorization: Bearer $eva"
exits 200 'reads'
ask POST /api/devices/ -H "Authorization: Bearer $eva" -d '{}'
is '403 {"detail":"You do not have permission to perform this action."}' "$status $out" 'and does not write'
reads=$(iotapi token create admin --read-only --days 30 --db "$db")
ask POST /api/devices/ -H "Authorization: Bearer $reads" -d '{}'
exits 403 'nor does a token of an admin that may only read'
ask GET /api/users/me/ -H "Authorization: Bearer $reads"
is 'admin false' "$(printf %s "$out" | jq -r '"\(.username) \(.is_superuser)"')" 'whose it is'

# Tokens: listed, ended.
writes=$(iotapi token create admin --db "$db")
run iotapi token list --db "$db"
is "$(printf 'ID\tUSER\tROLE\nI\tadmin\tread-only\nI\tadmin\tadmin')" \
	"$(printf %s "$out" | cut -f1-3 | sed 's/^[0-9a-f]\{16\}/I/')" 'token list'
is "$(printf 'EXPIRES\n%s\nnever' "$(date -u -d '+30 days' +%Y-%m-%d)")" \
	"$(printf %s "$out" | cut -f5 | sed 's/T.*Z//')" 'with when they end'
case $out in *"$writes"* | *"$reads"*) tap 1 'without the secrets' ;; *) tap 0 'without the secrets' ;; esac
id=$(printf %s "$out" | awk 'NR == 2 { print $1 }')
run iotapi token revoke "$id" --db "$db"
exits 0 'token revoke'
bearer "Bearer $reads"
exits 401 'and it counts no more'
bearer "Bearer $writes"
exits 200 'the other does'
run iotapi token revoke "$id" --db "$db"
exits 3 'there is none of that id'
run iotapi token revoke "$writes" --db "$db"
exits 0 'a whole token does as well'
run iotapi token create admin --days 1 --db "$db"
bearer "Bearer $out"
exits 200 'a token for a day'
python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript("UPDATE token SET expires = 1 WHERE expires < 9e18 AND kind = '"'long'"'")' "$db"
bearer "Bearer $out"
exits 401 'until it is over'
run iotapi token list --db "$db"
is "$(printf 'ID\tUSER\tROLE\tCREATED\tEXPIRES')" "$out" 'then it is not listed'

# Users: disabled, deleted.
run iotapi user disable eva --db "$db"
exits 0 'user disable'
bearer "Bearer $eva"
exits 401 'ends the tokens'
login eva second
is "400 $bad" "$status $out" 'and the password'
run iotapi token create eva --db "$db"
exits 2 'no tokens either'
run iotapi user list --db "$db"
is "$(printf 'NAME\tROLE\tSTATE\nadmin\tadmin\tactive\neva\tread-only\tdisabled')" \
	"$(printf %s "$out" | cut -f1-3)" 'user list'
ok 'user passwd lets in again' iotapi user passwd eva --db "$db" --password-file "$T/second"
login eva second
exits 200 'with the new password'
eva=$(printf %s "$out" | jq -r .access)
run iotapi user delete eva --db "$db"
exits 0 'user delete'
bearer "Bearer $eva"
exits 401 'ends the tokens'
run iotapi user delete eva --db "$db"
exits 3 'then there is no such user'
for line in 'user list x:takes no operand' 'user disable:takes one NAME' 'token revoke:takes one ID' \
	'user list --read-only:user add, token create' 'user add x --days 1:token create' \
	'token create admin --days 0:from 1'; do
	# shellcheck disable=SC2086 # words
	run iotapi ${line%:*} --db "$db"
	exits 2 "${line%:*}"
	has "$err" "${line#*:}" 'says why'
done

# Guesses: after the sixth there is a wait, whether there is such a user or not.
printf 'ana-password\n' >ana.pw
chmod 600 ana.pw
iotapi user add ana --db "$db" --password-file ana.pw
for name in ana nobody2; do
	for guess in 1 2 3 4 5 6; do login "$name" "$guess"; done
	is "400 $bad" "$status $out" "$name: six guesses are answered"
	# On a machine that takes a second for one, later: the wait grows.
	while [ "$status" -eq 400 ] && [ "$guess" -lt 20 ]; do
		guess=$((guess + 1))
		ask POST /api/auth/login/ -D "$T/head" -d "{\"username\":\"$name\",\"password\":\"$guess\"}"
	done
	after=$(tr -d '\r' <"$T/head" | sed -n 's/^Retry-After: //p')
	is "429 {\"detail\":\"Request was throttled. Expected available in $after seconds.\",\"code\":\"throttled\"}" \
		"$status $out" 'the next is not, and says when'
	[ "$after" -ge 1 ]
	tap $? 'which is not now'
	login admin second
	exits 200 'others log in meanwhile'
done
logged_in() { login ana ana-password && [ "$status" -eq 200 ]; }
ok 'then the right password enters' wait_for 30 logged_in
login ana wrong
is "400 $bad" "$status $out" 'and what failed before is forgotten'
for failures in 'user=ana failures=6' 'failures=6' 'wait=[1-9]'; do
	ok "a line for each that failed: $failures" grep -q " level=info msg=\"login refused: address=127\.0\.0\.1 $failures" "$T/api.log"
done
no_line "$T/api.log" 'and no password' -e ana-password -e nobody2
# As the page gives it; what others write into a line, in which a quote is \", is no refusal.
if command -v fail2ban-regex >/dev/null; then
	failregex=$(sed -n 's/^\.Dl failregex = //p' "$top/man/iotapi.8")
	cp "$T/api.log" f2b.log
	cat >>f2b.log <<-'END'
		time=2026-11-29T22:34:41.317454Z level=error msg="GET failed" path="/ level=info msg=\"login refused: address=203.0.113.9\""
		time=2026-11-29T22:34:41.317454Z level=error msg="logins are put off: too many passwords wait to be checked" address=203.0.113.10
	END
	is "$(grep -c 'msg="login refused' "$T/api.log") 127.0.0.1" \
		"$(fail2ban-regex -o ip f2b.log "$failregex" | sort | uniq -c | awk '{ print $1, $2 }')" 'fail2ban finds them all, and nothing else'
fi

# The command line.
run iotapi user
exits 2 'half a command'
has "$err" "'user' is no command; there are: serve, user add, user passwd, user disable" 'names them'
run iotapi serve now
exits 2 'serve takes no operand'
run iotapi --listen 127.0.0.1 --db "$T/other.db"
exits 2 'a listen address without port'
has "$err" "'127.0.0.1' is not ADDRESS:PORT" 'is explained'
run iotapi --listen 127.0.0.1:70000 --db "$T/other.db"
exits 2 'a port too large'
run iotapi --listen "${api#http://}" --db "$T/other.db"
exits 1 'a port in use'
has "$err" 'cannot listen on' 'says so'
run iotapi --hash-rounds 0
exits 2 'no rounds'
mkdir "$T/dir"
run iotapi --db "$T/dir" --listen 127.0.0.1:0
exits 2 'a directory is no database'
echo 'this is no database, only text, and long enough for a header of one hundred bytes: .........' >"$T/text"
run iotapi --db "$T/text" --listen 127.0.0.1:0
[ "$status" -ne 0 ]
tap $? 'nor is a text file'
has "$err" 'not a database' 'and says so'
run iotapi --help
exits 0 '--help'
run iotapi -V
is "$(iotctl -V | sed 's/iotctl/iotapi/')" "$out" '-V'
run curl -sS "$api/healthz"
is '{"status":"ok"}' "$out" '/healthz without a token'

# SIGTERM.
kill "$api_pid"
wait "$api_pid"
is 0 $? 'SIGTERM ends it with 0'
is "level=info msg=\"serving $api\"" "$(sed 's/^time=[^ ]* //' "$T/api.log" | grep -v 'login refused')" \
	'one line was all it said, but for refused logins'
done_testing
