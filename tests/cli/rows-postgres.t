#!/bin/sh
# Rows go through a real COPY: what psql put into a table is every character of the payloads.
# needs: postgresql
. "$(dirname "$0")/../lib.sh"
. "$top/tests/postgres.sh"

[ -x "$build/tests/bench/lines" ] || skip_all 'built by make check'
start_postgres
cat >rows.py <<'PY'
import base64, json, random, struct, subprocess, sys

random.seed(2)
lines, form, table = sys.argv[1:]
odd = ["", "\\.", "\\N", "NULL", "null", '""', '"', "a,b", "a\tb", "\\", "\\n", "a\r\nb", "\r", "\n", " x ", "\x7f\x01"]
odd += ["a\n\\.b\n\\."]
if form == "tsv":
    odd += ["a\n\\.\nb"] # CSV rejects it: psql ends a \copy of CSV there
def text():
    return "".join(random.choice(',"\\\t\r\n.N x\u00e1\u20ac\U0001f600') for _ in range(random.randrange(12)))
def payload():
    kind = random.randrange(3)
    if kind == 0: return json.dumps({text(): text(), "n": [random.random(), None, text()]}).encode()
    if kind == 1: return b"x" + text().encode()
    return b"\xff" + random.randbytes(random.randrange(20))

payloads = [s.encode() for s in odd] + [payload() for _ in range(3000)]
frames = b"".join(struct.pack(">I", len(p)) + p for p in payloads)
rows = subprocess.run([lines, form, "-"], input=frames, stdout=subprocess.PIPE, check=True).stdout
psql = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c"]
copy = "\\copy %s(%s) from pstdin %s" % (table,
    "received_at,device_id,topic,qos,retain,mid,payload,payload_text,payload_b64", "csv" if form == "csv" else "")
subprocess.run(psql + [copy], input=rows, check=True)
got = subprocess.run(psql + ["""select translate(coalesce(encode(convert_to(payload, 'UTF8'), 'base64'), '-') || ' ' ||
    coalesce(encode(convert_to(payload_text, 'UTF8'), 'base64'), '-') || ' ' || coalesce(payload_b64, '-'), E'\\n', '')
    from %s order by n""" % table], stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
assert got.pop() == "" and len(got) == len(payloads), (len(got), len(payloads))
for p, row in zip(payloads, got):
    cells = [None if c == "-" else base64.b64decode(c) for c in row.split(" ")]
    values = [c for c in cells if c is not None]
    back = values[0] if len(values) == 1 else None
    if cells[0] is not None and back is not None: # JSON without insignificant blanks
        good = json.loads(back) == json.loads(p)
    else:
        good = back == p
    if not good:
        sys.exit("wanted %r, got %r" % (p, cells))
print(len(got))
PY
for form in csv tsv; do
	sql "create table $form (n serial, received_at timestamptz, device_id text, topic text, qos int,
		retain boolean, mid int, payload text, payload_text text, payload_b64 text)"
	timeout 60 python3 rows.py "$build/tests/bench/lines" $form $form >out 2>&1
	s=$?
	tap $s "$form: $(tail -n 1 out) payloads come back out of the table"
	[ $s -eq 0 ] || note "$(cat out)"
	is 'iot/sensors/D/data|D|f|t' "$(sql "select distinct topic, device_id, retain, mid is null from $form")" \
		"$form: the other columns are what they are"
done
done_testing
