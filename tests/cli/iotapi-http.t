#!/bin/sh
# The HTTP guard, by raw bytes: what two parsers could read differently is refused, then closed.
# shellcheck disable=SC2119 # no arguments meant
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
cat >"$T/raw.pl" <<'P'
use strict; use IO::Socket::INET;
my ($url, $bytes) = @ARGV; my ($where) = $url =~ m{^http://(.*)};
$bytes =~ s/\\r/\r/g; $bytes =~ s/\\n/\n/g; $bytes =~ s/\\0/\0/g; $bytes =~ s/\\t/\t/g;
my $s = IO::Socket::INET->new(PeerAddr => $where) or die; $s->autoflush(1);
$SIG{ALRM} = sub { print "HANGS\n"; exit }; alarm 5; $SIG{PIPE} = 'IGNORE';
print $s $bytes; my ($all, $b) = (''); $all .= $b while sysread $s, $b, 65536;
# libmicrohttpd 0.9.75 writes the header of its own refusals twice before it closes.
my $seen = join(' ', $all =~ m{HTTP/1\.1 (\d+)}g); $seen =~ s/^(4\d\d) \1$/$1/;
print $all eq '' ? 'closed' : $seen, "\n";
P
# answers WANTED BYTES SENTENCE: every status it answered until it closed.
answers() { is "$1" "$(perl "$T/raw.pl" "$api" "$2")" "$3"; }
g='GET /healthz HTTP/1.1\r\nHost: a\r\n'
answers 200 "${g}Connection: close\r\n\r\n" 'control: a good request'
answers '200 200' "${g}\r\n${g}Connection: close\r\n\r\n" 'control: two, pipelined'
p='POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\n'
answers 400 "${p}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${g}\r\n" 'TE with CL, and no second request'
answers 400 "${p}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x" 'two Content-Length'
answers 400 "${p}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" 'even when they agree'
answers 400 "${g}Host: b\r\n\r\n" 'two Host'
answers 400 "${g}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n" 'two Authorization'
answers 400 "GET /healthz HTTP/1.1\r\n\r\n" 'no Host'
answers 400 "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n" 'a Host that is none'
answers 400 "GET /healthz%00x HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the path'
answers 400 "GET /healthz\0/x HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the path'
answers 400 "GET /healthz?a=b\0 HTTP/1.1\r\nHost: a\r\n\r\n" 'a NUL in the query'
answers 400 "${g}X: a\rb\r\n\r\n" 'a bare carriage return'
answers 400 "${p}Transfer-Encoding: gzip\r\n\r\n" 'a transfer coding that is not chunked'
answers 200 "GET /healthz/?a=b&c=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" 'control: a query'
answers 400 "GET /api/devices/?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n" '%00 in the query'
answers 400 "GET /a/../healthz HTTP/1.1\r\nHost: a\r\n\r\n" '.. in the path'
answers 400 "GET /a/%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'escaped too'
answers 400 "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" 'a bad escape'
answers 400 "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n" 'a path that is no UTF-8'
answers 400 "${p}Content-Length : 2\r\n\r\n{}" 'a blank before the colon'
answers 400 "GET /healthz HTTP/1.9\r\nHost: a\r\n\r\n" 'a version that is not'
# What the library skips in the head of a request, and shows nothing of.
answers 400 "${g}X: a\0b\r\n\r\n" 'a NUL in a value'
answers 400 "${g}X: a\0\0\r\n\r\n" 'at the end of the last one'
answers 400 "${g}X\0: a\r\n\r\n" 'in a name'
answers 400 "GET\0 /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'in the method'
answers 400 "GET /healthz HTTP/1.1\nHost: a\n\n" 'bare line feeds'
answers 400 "${g}X: a\nY: b\r\n\r\n" 'one of them in a header'
answers 400 "${g}X: a\r\n b\r\n\r\n" 'a folded header'
answers 400 "${g}X: a\r\n b\r\nY: b\r\n\r\n" 'not the last one'
answers 400 "${g}: b\r\n\r\n" 'a header without a name'
answers 400 "${g}Xb\r\n\r\n" 'a header without a colon'
answers 200 "${g}X:  b \t\r\nY:\r\nConnection: close\r\n\r\n" 'control: blanks around a value, and none'
answers 200 "\r\n${g}Connection: close\r\n\r\n" 'control: an empty line before the request'
answers 400 "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'two blanks before the target'
answers closed "GET /healthz  HTTP/1.1\r\nHost: a\r\n\r\n" 'behind it'
answers closed " GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'before the method'
answers closed "GET /healthz a HTTP/1.1\r\nHost: a\r\n\r\n" 'in the target'
answers 400 "GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n" 'behind the version'
answers 400 "GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'a tab for a blank'
answers 400 "G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n" 'a method that is no token'
answers 400 "GET /healthz\r\n\r\n" 'HTTP/0.9'
# Where a request ends.
for length in +4 0x4 4,4 '4 4' ''; do
	answers 400 "${p}Content-Length: $length\r\n\r\n{}  " "Content-Length: '$length'"
done
answers 413 "${p}Content-Length: 99999999999999999999999\r\n\r\n" 'one beyond 64 bits'
for coding in identity 'chunked, chunked' 'gzip, chunked' 'chunked;q=1' xchunked; do
	answers 400 "${p}Transfer-Encoding: $coding\r\n\r\n0\r\n\r\n" "Transfer-Encoding: $coding"
done
answers 400 "POST /api/auth/login/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" 'any of HTTP/1.0'
t="${p}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
answers 415 "${t}2;x=y\r\n{}\r\n0\r\nX: y\r\n\r\n" 'control: a chunk with an extension, a trailer'
for chunk in 0x2 +2 -2 ' 2' '2 ' 2_ ''; do
	answers 400 "$t$chunk\r\n{}\r\n0\r\n\r\n" "a chunk of '$chunk'"
done
answers 400 "${t}2\r\n{}XX0\r\n\r\n" 'a chunk without its line end'
answers 413 "${t}FFFFFFFFFFFFFFFFF\r\n{}" 'a chunk beyond 64 bits'
# The host, and targets with one.
answers 200 "GET http://a:80/healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n" 'an absolute target'
answers 400 "GET http://a@b/healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'with a malformed host'
answers 400 "GET http:///healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'or with none'
answers 400 "GET ftp://a/healthz HTTP/1.1\r\nHost: b\r\n\r\n" 'or with another scheme'
answers 400 "GET http://a/healthz HTTP/1.1\r\nHost: b/c\r\n\r\n" 'and the header has to be right all the same'
answers 400 "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" 'CONNECT'
answers 200 "GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n" 'control: a host of IPv6'
for host in '' a:b a:80:80 '[' '[zz]' '[]' 'a b' a,b a@b 'a?' ':80'; do
	answers 400 "GET /healthz HTTP/1.1\r\nHost: $host\r\n\r\n" "Host: '$host'"
done
answers 400 "GET /healthz#a HTTP/1.1\r\nHost: a\r\n\r\n" 'a fragment in the target'
answers 400 "GET /healthz?$(printf '\177') HTTP/1.1\r\nHost: a\r\n\r\n" 'a control character'
answers 400 "GET /healthz/.. HTTP/1.1\r\nHost: a\r\n\r\n" '.. at the end'
answers 400 "GET /healthz?$(seq 65 | sed 's/.*/a=b/' | paste -sd '&') HTTP/1.1\r\nHost: a\r\n\r\n" '65 arguments'
case $(perl "$T/raw.pl" "$api" "${p}Content-Length: -1\r\n\r\n") in
400 | closed) tap 0 'a negative length' ;; *) tap 1 'a negative length' ;;
esac
answers 413 "${p}Content-Length: 1048577\r\n\r\n" 'a body over 1 MiB, before it is read'
answers 413 "POST /api/readings/bulk/ HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n" 'over 8 MiB in bulk'

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
