#!/bin/sh
# 100,000 random payloads through a message line and back by a parser that is not ours: every byte.
# slow: hundreds of objects there and back
. "$(dirname "$0")/../lib.sh"

[ -x "$build/tests/bench/lines" ] || skip_all 'built by make check'
cat >payloads.py <<'PY'
import base64, json, random, re, struct, subprocess, sys

random.seed(1)
N = 100000

def size():
    return random.choice((0, 1, 2, 3)) if random.random() < 0.1 else \
        random.randrange(70000) if random.random() < 0.0005 else random.randrange(80)

def blank():
    return random.choice(("", "", "", " ", "\n", "\t", "\r\n "))

def text(n):
    kind = random.random()
    points = range(0x20, 0x7f) if kind < 0.5 else range(0x80) if kind < 0.8 else range(0x30000)
    s = "".join(chr(random.choice(points)) for _ in range(n))
    return s.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

def string():
    s = text(random.randrange(24))
    return json.dumps(s, ensure_ascii=random.random() < 0.5).replace("/", random.choice(("/", "\\/")))

def number():
    return random.choice(("0", "-0", "21.50", "1e999", "-1.5E-10", "9223372036854775808", "0.1",
        str(random.randrange(10 ** random.randrange(1, 40))), repr(random.random())))

def value(depth):
    kind = random.random() if depth < 5 else random.random() * 0.6
    if kind < 0.3: return number()
    if kind < 0.5: return string()
    if kind < 0.6: return random.choice(("true", "false", "null"))
    n = random.randrange(5)
    if kind < 0.75:
        items = (blank() + value(depth + 1) + blank() for _ in range(n))
        return "[" + (",".join(items) or blank()) + "]"
    items = (blank() + string() + blank() + ":" + blank() + value(depth + 1) + blank() for _ in range(n))
    return "{" + (",".join(items) or blank()) + "}"

def payload():
    kind = random.random()
    if kind < 0.5: return (blank() + value(0) + blank()).encode()
    if kind < 0.65: # nearly JSON: one byte is another
        p = bytearray(value(0).encode())
        p[random.randrange(len(p))] = random.randrange(256)
        return bytes(p)
    if kind < 0.8: return text(size()).encode()
    return random.randbytes(size())

def is_json(p):
    def refuse(word): raise ValueError(word)
    try:
        s = p.decode()
        v = json.loads(s, parse_constant=refuse, parse_int=str)
        json.dumps(v, ensure_ascii=False).encode() # lone surrogates
        return True
    except (ValueError, RecursionError):
        return False

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[ \t\r\n]+', re.S)
def compact(p):
    return TOKEN.sub(lambda m: m[0] if m[0][:1] == b'"' else b"", p)

payloads = [payload() for _ in range(N)]
frames = b"".join(struct.pack(">I", len(p)) + p for p in payloads)
lines = subprocess.run([sys.argv[1], "line", "-"], input=frames, stdout=subprocess.PIPE, check=True).stdout
lines = lines.split(b"\n")
assert lines.pop() == b"" and len(lines) == N, len(lines)
count = dict(payload=0, payload_text=0, payload_b64=0)
for p, line in zip(payloads, lines):
    o = json.loads(line.decode(), parse_int=str)
    key, = (k for k in o if k.startswith("payload"))
    count[key] += 1
    if key == "payload":
        good = is_json(p) and line.endswith(b',"payload":' + compact(p) + b"}")
    else:
        back = o[key].encode() if key == "payload_text" else base64.b64decode(o[key], validate=True)
        good = back == p and not is_json(p)
    if not good:
        sys.exit("wanted %r, got %r" % (p, line))
print(*("%s=%d" % item for item in count.items()))
PY
timeout 120 python3 payloads.py "$build/tests/bench/lines" >out 2>&1
s=$?
tap $s "100,000 random payloads come back: $(cat out)"
for kind in payload payload_text payload_b64; do
	[ "$(sed "s/.*\\b$kind=\\([0-9]*\\).*/\\1/" out)" -gt 5000 ]
	tap $? "thousands of them as $kind"
done
done_testing
