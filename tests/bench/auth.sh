#!/bin/sh
# How long iotapi takes for what EMQX asks at each CONNECT, on 8 connections, as EMQX opens them: a fleet whose logins are new
# to it comes at once, up to 100 pipelined on each connection, while somebody else asks for device-status; then RATE requests
# a second of the same logins, and as many that ask for nothing; beside the processor time that was taken from this
# machine meanwhile (30 ms of it are seen in p99). Hashes of ROUNDS rounds of PBKDF2:
#	tests/bench/auth.sh [RATE [SECONDS [ROUNDS [LOGINS]]]]
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fleet.sh
. "$top/tests/fleet.sh"

start_api
logins=${4:-2000}
token=$(iotapi token create admin --db "$db")
fleet "$logins" 0
python3 - "$db" "${3:-1000}" <<'END'
import base64, hashlib, sqlite3, sys
rounds = int(sys.argv[2])
def hashed(i):
    salt = b"%012d" % i
    key = hashlib.pbkdf2_hmac("sha512", b"secret", salt, rounds)
    return "$7$%d$%s$%s" % (rounds, base64.b64encode(salt).decode(), base64.b64encode(key).decode())
c = sqlite3.connect(sys.argv[1], 60)
devices = c.execute("SELECT id, mqtt_client_id, created_at FROM device ORDER BY id").fetchall()
c.executemany("INSERT INTO credential (dispositivo, client_id, username, password_hash, created_at, updated_at) "
    "VALUES (?, ?, ?, ?, ?, ?)", [(d, client, "u%d" % n, hashed(n), t, t) for n, (d, client, t) in enumerate(devices)])
c.commit()
END
python3 - "$api" "$token" "${1:-2000}" "${2:-5}" "$api_pid" "$logins" <<'END'
import asyncio, json, sys, time
logins = int(sys.argv[6])
url, token, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
host, port = url.split("//")[1].split(":")

def request(i):
    body = json.dumps({"username": "u%d" % (i % logins), "peerhost": "127.0.0.1", "password": "secret", "clientid": "c%d" % i})
    return ("POST /api/mqtt/auth/ HTTP/1.1\r\ncontent-length: %d\r\nhost: x\r\nauthorization: Bearer %s\r\n"
            "content-type: application/json\r\n\r\n%s" % (len(body), token, body)).encode()

async def answers(reader, sent, times, bad):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        n = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(n)
        times.append(time.monotonic() - sent.pop(0))
        bad.append(b'"allow"' not in body[:20])

# The processor time of iotapi, in seconds.
def used():
    return sum(int(x) for x in open("/proc/%s/stat" % sys.argv[5]).read().split(")")[1].split()[11:13]) / 100

# What the hypervisor gave to others, in ms: proc(5), /proc/stat, "steal".
def stolen():
    return 10 * int(open("/proc/stat").readline().split()[8])

async def connect(times, bad):
    links = []
    for _ in range(8):
        reader, writer = await asyncio.open_connection(host, int(port))
        sent = []
        links.append((writer, sent, asyncio.ensure_future(answers(reader, sent, times, bad))))
    return links

# How long somebody else waits, a hundred times a second.
async def ask(times):
    reader, writer = await asyncio.open_connection(host, int(port))
    while True:
        began = time.monotonic()
        writer.write(("GET /api/mqtt/device-status/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n" % token).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.01)

async def cold(n):
    times, bad, others = [], [], []
    links = await connect(times, bad)
    other = asyncio.ensure_future(ask(others))
    start, asked = time.monotonic(), 0
    while len(times) < n:
        for writer, sent, _ in links:
            while asked < n and len(sent) < 100:
                sent.append(time.monotonic())
                writer.write(request(asked))
                asked += 1
        await asyncio.sleep(0.001)
    took = time.monotonic() - start
    for task in [other] + [task for _, _, task in links]:
        task.cancel()
    others.sort()
    return took, sum(bad), 1000 * max(times), 1000 * others[int(len(others) * 0.99)]

# What the client and the machine cost: a request that asks for nothing, in the same way.
def nothing(i):
    return b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"

async def run(rate, seconds, request):
    times, bad = [], []
    links = await connect(times, bad)
    start, n = time.monotonic(), int(rate * seconds)
    for i in range(n):
        wait = start + i / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        writer, sent, _ = links[i % 8]
        sent.append(time.monotonic())
        writer.write(request(i))
    while len(times) < n:
        await asyncio.sleep(0.01)
    for _, _, task in links:
        task.cancel()
    times.sort()
    return [1000 * times[int(n * p)] for p in (0.5, 0.9, 0.99)] + [sum(bad)]

print("%d new logins: %.2f s, refused %d, the longest %.0f ms; device-status meanwhile: p99 %.2f ms" %
      (logins, *asyncio.run(cold(logins))))
before, taken = used(), stolen()
found = asyncio.run(run(rate, seconds, request))
print("%d checks a second: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, refused %d; %.3f ms of processor a check; taken away: %d ms" %
      (rate, *found, 1000 * (used() - before) / (rate * seconds), stolen() - taken))
taken = stolen()
print("as many of /healthz: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms; taken away: %d ms" %
      (*asyncio.run(run(rate, seconds, nothing))[:3], stolen() - taken))
END
