#!/bin/sh
# How long iotapi takes for what EMQX asks at each CONNECT: RATE requests a second on 8 connections, as EMQX opens them,
# of 2,000 logins that were there before: tests/bench/auth.sh [RATE [SECONDS]]
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/fleet.sh
. "$top/tests/fleet.sh"

start_api
token=$(iotapi token create admin --db "$db")
fleet 2000 0
echo secret >pw && chmod 600 pw
iotctl credential create device=DEV_000001 client_id=c username=x password@pw >/dev/null
sqlite3 "$db" "BEGIN; INSERT INTO credential (dispositivo, client_id, username, password_hash, created_at, updated_at)
	SELECT id, mqtt_client_id, 'u' || id, (SELECT password_hash FROM credential), created_at, updated_at FROM device
	WHERE id NOT IN (SELECT dispositivo FROM credential); COMMIT"
python3 - "$api" "$token" "${1:-2000}" "${2:-5}" "$api_pid" <<'END'
import asyncio, json, sys, time
url, token, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
host, port = url.split("//")[1].split(":")

def request(i):
    body = json.dumps({"username": "u%d" % (2 + i % 1999), "peerhost": "127.0.0.1", "password": "secret", "clientid": "c%d" % i})
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

async def run(rate, seconds):
    times, bad, links = [], [], []
    for _ in range(8):
        reader, writer = await asyncio.open_connection(host, int(port))
        sent = []
        links.append((writer, sent, asyncio.ensure_future(answers(reader, sent, times, bad))))
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

asyncio.run(run(400, 5))  # each login once: it is hashed
before = used()
found = asyncio.run(run(rate, seconds))
print("%d checks a second: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, refused %d; %.3f ms of processor a check" %
      (rate, *found, 1000 * (used() - before) / (rate * seconds)))
END
