#!/bin/sh
# Slow clients, and many of them: they have ten seconds for the head of a request, and make room for others.
# slow: ten seconds are ten seconds
# shellcheck disable=SC2119,SC2317 # no arguments meant; called by part
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_api
token=$(iotapi token create admin --db "$db")
# hold URL FROM N BYTES [SECONDS]: N connections, one after the other, each sends that much; how many the server
# has closed, and the seconds to the last of these, once all are closed or the seconds are over.
cat >hold.py <<'P'
import select, socket, sys, time
host, port = sys.argv[1].split('//')[1].rsplit(':', 1)
n, seconds = int(sys.argv[3]), float(sys.argv[5])
begun, poll, held, closed, last = time.monotonic(), select.poll(), {}, 0, 0
for i in range(n):
    s = socket.socket()
    s.bind((sys.argv[2], 0))
    s.connect((host, int(port)))
    try:
        s.sendall(sys.argv[4].encode().decode('unicode_escape').encode())
    except OSError:
        pass
    held[s.fileno()] = s
    poll.register(s, select.POLLIN)
    time.sleep(0.002)
print('ready', file=sys.stderr, flush=True)
while held and time.monotonic() < begun + seconds:
    for fd, _ in poll.poll(100):
        try:
            more = held[fd].recv(65536)
        except OSError:
            more = b''
        if not more:
            poll.unregister(fd)
            held.pop(fd).close()
            closed, last = closed + 1, time.monotonic() - begun
print(closed, int(last))
P
held_by=$T/hold.py
hold() { python3 "$held_by" "$@"; }
status_of() { curl -sS -m 20 -o /dev/null -w '%{http_code}' "$@"; }
another() { # another NAME OPTION...: a server with a database of its own; $url is where
	place "$1"
	shift
	printf 'admin-password\n' >pw
	chmod 600 pw
	iotapi user add admin --db db --password-file pw
	bg iotapi --db db --url-file url "$@" 2>log
	wait_for 20 test -s url || note "no iotapi: $(cat log)"
	url=$(cat url)
}

# A thousand of them, who send a byte now and then.
thousand() {
	python3 "$top/tests/bench/slow_clients.py" "$api" "$token" 1000 4 >figures
	note "$(cat figures)"
	is '0 bad 0 bad ' "$(cut -f 3 figures | tr '\n' ' ')" 'a thousand slow clients keep nobody from being served'
}
# after NAME SECONDS BYTES SENTENCE: three that send no more than these are closed then.
after() {
	another "$1" --listen 127.0.0.1:0
	hold "$url" 127.0.0.1 3 "$3" $(($2 + 20)) >ended 2>/dev/null
	read -r closed last <ended
	[ "$closed" -eq 3 ] && [ "$last" -ge "$2" ] && [ "$last" -le $(($2 + 5)) ]
	tap $? "$4: $closed, after $last s"
}
# More than there are slots: half of 400 descriptors.
room() {
	# shellcheck disable=SC3045 # dash has it
	ulimit -n 400
	another room --listen 127.0.0.1:0
	hold "$url" 127.0.0.2 230 'GET / HTTP/1.1\r\n' 6 >held 2>ready &
	holder=$!
	wait_for 20 test -s ready
	is 200 "$(status_of "$url/healthz")" 'when the slots run short there is one for who comes'
	wait "$holder"
	is '30' "$(sed 's/ .*//; s/3[0-9]/30/' held)" 'the oldest makes room, and the others stay'
}
# Where others come from, each has its share.
shares() {
	another shares --listen 0.0.0.0:0 --insecure-listen --proxy 127.0.0.3,127.0.0.4
	url=http://127.0.0.1:${url##*:}
	hold "$url" 127.0.0.2 70 'GET / HTTP/1.1\r\n' 4 >held 2>ready &
	holder=$!
	wait_for 20 test -s ready
	is 000 "$(status_of --interface 127.0.0.2 "$url/healthz" 2>/dev/null)" 'an address has 64 connections at once'
	is 200 "$(status_of "$url/healthz")" 'another one has its own'
	is '0 0' "$(hold "$url" 127.0.0.4 70 'GET / HTTP/1.1\r\n' 2 2>/dev/null)" 'a proxy has as many as it likes'
	wait "$holder"
	is '6 0' "$(cat held)" 'those beyond were closed at once'
}
# Whoever has no token has a share of the places where passwords wait to be checked.
guessers() {
	another guessers --listen 0.0.0.0:0 --insecure-listen --proxy 127.0.0.3
	cat >guess.py <<'P'
import http.client, sys, threading
n, answers = int(sys.argv[3]), []
def guess(i):
    c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), 120, (sys.argv[2], 0))
    c.request('POST', '/api/auth/login/', '{"username":"nobody%d","password":"guess"}' % i, {'Content-Type': 'application/json'})
    a = c.getresponse()
    answers.append((a.status, a.getheader('Retry-After'), a.read()[:0]))
threads = [threading.Thread(target=guess, args=(i,)) for i in range(n)]
[t.start() for t in threads]
print('ready', file=sys.stderr, flush=True)
[t.join() for t in threads]
print(sum(a[0] == 400 for a in answers), sum(a[:2] == (429, '2') for a in answers))
P
	port=${url##*:}
	python3 guess.py "$port" 127.0.0.2 60 >guessed 2>ready &
	guesser=$!
	wait_for 20 test -s ready
	is 200 "$(status_of -m 200 -H 'Content-Type: application/json' -d '{"username":"admin","password":"admin-password"}' \
		"http://127.0.0.1:$port/api/auth/login/")" 'while 60 guess from one address, others log in'
	wait "$guesser"
	read -r checked refused <guessed
	[ $((checked + refused)) -eq 60 ] && [ "$checked" -ge 16 ] && [ "$refused" -ge 20 ]
	tap $? "of these 16 wait at once, the others come again in two seconds: $checked and $refused"
	has "$(cat log)" 'level=error msg="logins are put off: too many passwords wait to be checked" address=127.0.0.2' \
		'which the log tells'
	no_line log 'and not as a guess, for which fail2ban would ban whom the server kept waiting' 'login refused.* wait='
	is '60 0' "$(python3 guess.py "$port" 127.0.0.3 60 2>/dev/null)" 'a proxy may have them all'
}
loopback() {
	another loopback --listen 127.0.0.1:0
	is '0 0' "$(hold "$url" 127.0.0.2 70 'GET / HTTP/1.1\r\n' 2 2>/dev/null)" 'where only this machine comes from it may have more'
}
# While it stops, logins wait, and who has a connection from before asks once more.
goodbye() {
	another goodbye --listen 127.0.0.1:0
	python3 - "$url" "$bg" >said <<'P'
import json, os, signal, socket, sys, time
host, port = sys.argv[1].split('//')[1].rsplit(':', 1)
def connect():
    s = socket.create_connection((host, int(port)), 20)
    return s
def answer(s):
    got = b''
    while b'\r\n\r\n' not in got:
        more = s.recv(65536)
        if not more:
            return '(nothing)'
        got += more
    return 'close' if b'connection: close' in got.lower() else 'open'
health = b'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
early = connect()
early.sendall(health)
before = answer(early)
logins = []
for i in range(40):
    body = json.dumps({'username': f'u{i}', 'password': 'x'}).encode()
    s = connect()
    s.sendall(b'POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    logins.append(s)
answer(logins[0])
# What the server has not read when it stops, it need not answer.
def unread():
    rows = [line.split() for line in open('/proc/net/tcp')][1:]
    return any(r[1].endswith(f':{int(port):04X}') and r[4].split(':')[1] != '00000000' for r in rows)
until = time.monotonic() + 20
while unread() and time.monotonic() < until:
    time.sleep(0.02)
os.kill(int(sys.argv[2]), signal.SIGTERM)
time.sleep(0.1)
early.sendall(health)
print(before, answer(early), {answer(s) for s in logins[1:]} - {'open'})
P
	is "open close {'close'}" "$(cat said)" 'who has a connection while it stops is answered once more, and logins that wait are'
	wait "$bg"
	is 0 $? 'and it ends'
}
refusals() {
	for where in 0.0.0.0:0 '[::]:0'; do
		run iotapi --db "$T/no.db" --listen "$where"
		exits 2 "--listen $where is refused"
		has "$err" "unencrypted; listen on 127.0.0.1 behind a proxy that speaks TLS, or give --insecure-listen" 'with the reason'
	done
	run iotapi --db "$T/no.db" --listen 127.0.0.1:0 --proxy gateway
	is "2 iotapi: --proxy: 'gateway' is no address, such as 192.0.2.7 or 2001:db8::7" "$status $err" 'a proxy is an address'
}
part thousand
part after head 10 'GET / HTTP/1.1\r\nHost: a\r\nX' 'heads that do not end are ended after ten seconds'
part after nothing 10 '' 'so are connections that say nothing'
if [ -n "${TEST_LONG-}" ]; then
	part after body 30 'POST /api/auth/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1' 'bodies have thirty'
fi
part room
part shares
part guessers
part loopback
part goodbye
part refusals
parts
done_testing
