#!/bin/sh
# The HTTP guard, by raw bytes: what two parsers could read differently is refused, then closed.
# shellcheck disable=SC2119 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
cat >"$T/raw.pl" <<'P'
use strict; use IO::Socket::INET;
my ($url, $bytes) = @ARGV; my ($where) = $url =~ m{^http://(.*)};
$bytes =~ s/\\r/\r/g; $bytes =~ s/\\n/\n/g; $bytes =~ s/\\0/\0/g;
my $s = IO::Socket::INET->new(PeerAddr => $where) or die; $s->autoflush(1);
$SIG{ALRM} = sub { print "HANGS\n"; exit }; alarm 5; $SIG{PIPE} = 'IGNORE';
print $s $bytes; my ($all, $b) = (''); $all .= $b while sysread $s, $b, 65536;
# libmicrohttpd 0.9.75 writes the header of its own refusals twice before it closes.
my $seen = join(' ', $all =~ m{HTTP/1\.1 (\d+)}g); $seen =~ s/^400 400$/400/;
print $all eq '' ? 'closed' : $seen, "\n";
P
# refuses WANTED BYTES SENTENCE: every status it answered until it closed.
refuses() { is "$1" "$(perl "$T/raw.pl" "$api" "$2")" "$3"; }
g='GET /healthz HTTP/1.1\r\nHost: a\r\n'
refuses 200 "${g}Connection: close\r\n\r\n" 'control: a good request'
refuses '200 200' "${g}\r\n${g}Connection: close\r\n\r\n" 'control: two, pipelined'
p='POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\n'
refuses 400 "${p}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${g}\r\n" 'TE with CL, and no second request'
refuses 400 "${p}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x" 'two Content-Length'
refuses 400 "${p}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" 'even when they agree'
refuses 400 "${g}Host: b\r\n\r\n" 'two Host'
refuses 400 "${g}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n" 'two Authorization'
refuses 400 "GET /healthz HTTP/1.1\r\n\r\n" 'no Host'
refuses 400 "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n" 'a Host that is none'
refuses 400 "GET /healthz%00x HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the path'
refuses 400 "GET /healthz\0/x HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the path'
refuses 400 "GET /healthz?a=b\0 HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the query'
refuses 400 "${g}X: a\rb\r\n\r\n" 'a bare carriage return'
refuses 400 "${p}Transfer-Encoding: gzip\r\n\r\n" 'a transfer coding that is not chunked'
refuses 200 "GET /healthz/?a=b&c=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" 'control: a query'
refuses 400 "GET /api/devices/?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the query'
refuses 400 "GET /a/../healthz HTTP/1.1\r\nHost: a\r\n\r\n" '.. in the path'
refuses 400 "GET /a/%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'escaped too'
refuses 400 "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" 'a bad escape'
refuses 400 "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n" 'a path that is no UTF-8'
refuses 400 "${p}Content-Length : 2\r\n\r\n{}" 'a blank before the colon'
refuses 400 "GET /healthz HTTP/1.9\r\nHost: a\r\n\r\n" 'a version that is not'
case $(perl "$T/raw.pl" "$api" "${p}Content-Length: -1\r\n\r\n") in
400 | closed) tap 0 'a negative length' ;; *) tap 1 'a negative length' ;;
esac
refuses 413 "${p}Content-Length: 1048577\r\n\r\n" 'a body over 1 MiB, before it is read'
refuses 413 "POST /api/readings/bulk/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n" 'over 8 MiB in bulk'

token=$(iotapi token create admin --db "$db")
chunked() { # chunked BYTES: the status, or 000 when the connection was closed
	head -c "$1" /dev/zero | tr '\0' ' ' | curl -s -o /dev/null -w '%{http_code}' \
		-H 'Transfer-Encoding: chunked' -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' -H Expect: --data-binary @- "$api/api/devices/"
}
is 400 "$(chunked 1000)" 'control: a chunked body is read'
is 000 "$(chunked 3000000)" 'a chunked body over 1 MiB is cut off'

# In the middle of it all good requests are served.
status_of() { curl -sS -o /dev/null -w '%{http_code}' "$@"; }
is 200 "$(status_of "$api/healthz")" 'it still serves'
is 404 "$(status_of "$api/nothing/")" 'an unknown path is 404'
is 200 "$(status_of -I "$api/healthz")" 'HEAD is a GET without body'
is 401 "$(status_of "$api/api/devices")" 'a missing final slash is served all the same'
is 200 "$(status_of -H "Authorization: Bearer $token" "$api/api/devices")" 'with a token'
done_testing
