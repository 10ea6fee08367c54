# Texts that readers of YAML, CSV and JSON take for something else, there and back: applied, exported in each format,
# and applied again. A script starts a backend, then sources this after lib.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154 # $out and the rest are lib.sh's

# One JSON string a line. Without blanks at an end, which Django takes away.
cat >odd-texts <<'END'
"no"
"yes"
"y"
"on"
"~"
"null"
"true"
"1e3"
"1_000"
"0x1F"
"0o17"
"0777"
"00042"
".inf"
".5"
"+1"
"-1"
"12:30"
"12:30:45.5"
"2026-11-30"
"2026-11-30T10:00:00Z"
"- a"
"-"
"--"
"---"
"..."
"? a"
"a: b"
"a:"
":a"
"a #b"
"#a"
"&a"
"*a"
"!a"
"!!int 1"
"%YAML 1.1"
"@a"
"`a`"
"|"
">-"
"'"
"\""
"'a' \"b\""
"{}"
"{a: b}"
"[]"
"[a, b"
"<<"
"="
","
";a;b"
"a,\"b\"\nc"
"a\n\nb"
"a\n  b\n c"
"a\tb"
"a\\b\\n"
"$HOME `x` $(x)"
"{{ x }}"
"a\u0085b"
"a\u2028b\u2029c"
"\ufeffa"
"a\u00a0b"
"a\u0001\u001b[31mb\u007f"
"Año, ñandú"
"n\u0303 e\u0301"
"😀 👩‍👩‍👧"
"\u202eabc\u202c \u05d0\u05d1"
"漢字 ｶﾅ"
END
odd_texts=$(wc -l <odd-texts)
jq -nc '[inputs] | to_entries[] | {kind: "topic", nombre: "Odd \(.key)", tipo: "publish", qos: 0,
	topic_pattern: "odd/\(.key)", descripcion: .value}' odd-texts >odd.json
# same FILE SENTENCE: it has these texts, in their order.
same() {
	is "$(jq -c . odd-texts)" "$(jq -c . "$1")" "$2"
}
odd_ones() { jq -c "$1"' | map(select(.nombre | startswith("Odd "))) | sort_by(.nombre[4:] | tonumber)[] | .descripcion'; }
run iotctl apply -f odd.json
is "0 $odd_texts" "$status $(printf '%s\n' "$out" | grep -c '^created ')" 'texts that look like something else are applied'
iotctl topic list --json | odd_ones . >odd.list
same odd.list '... the API has them as they are'
iotctl topic list -o csv --columns nombre,descripcion | /usr/bin/python3 -c '
import csv, json, sys
for row in sorted((r for r in csv.DictReader(sys.stdin) if r["nombre"].startswith("Odd ")),
		key=lambda r: int(r["nombre"][4:])):
	print(json.dumps(row["descripcion"]))' >odd.csv
same odd.csv '... CSV has them, as Python reads it'
for f in yaml json ndjson; do
	iotctl export topics -o $f >odd.$f
	run iotctl diff -f odd.$f
	is '0 ' "$status $out$err" "... exported as $f they differ in nothing"
	run iotctl apply -f odd.$f
	is "0 0 $odd_texts" "$status $(printf '%s\n' "$out" | grep -c '^changed ') $(
		printf '%s\n' "$out" | grep -c "^unchanged topic 'Odd ")" '    and applied they are unchanged'
done
/usr/bin/python3 -c '
import json, sys, yaml
print(json.dumps([*yaml.safe_load_all(open("odd.yaml", encoding="utf-8"))]))' |
	odd_ones . >odd.pyyaml
same odd.pyyaml '... the YAML is read so by PyYAML, too'
odd_ones . <odd.json >odd.read
same odd.read '... and the JSON by jq'
