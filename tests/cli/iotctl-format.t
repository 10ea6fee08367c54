#!/bin/sh
# What comes out of iotctl: tables, JSON, NDJSON, CSV, byte for byte.
# needs: yaml, of Python
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
is '[]' "$(iotctl broker list --json)" 'no object is an empty array'
is '' "$(iotctl broker list -o ndjson)" 'and nothing in NDJSON'
is 'id,nombre' "$(iotctl broker list -o csv --columns id,name)" 'and a header in CSV'
is '' "$(iotctl broker list -o csv --no-header)" 'unless it is not wanted'

iotctl broker create 'Añ,o "uno"' host=h1 >/dev/null
iotctl broker create dos host=localhost port=8883 >/dev/null
is 'id  nombre      port
1   Añ,o "uno"  1883
2   dos         8883' "$(iotctl broker list --columns id,nombre,port --order created_at)" \
	'tables are aligned by what a terminal shows'
is 'id,nombre,port
1,"Añ,o ""uno""",1883
2,dos,8883' "$(iotctl broker list -o csv --columns id,nombre,port --order created_at)" \
	'CSV quotes what needs it'
is '[{"id":1,"nombre":"Añ,o \"uno\""},
 {"id":2,"nombre":"dos"}]' "$(iotctl broker list --json --columns id,name --order created_at)" \
	'JSON is an array'
is 2 "$(iotctl broker list -o ndjson | wc -l)" 'NDJSON is a line an object'
is '["Añ,o \"uno\"","dos"]' "$(iotctl broker list -o ndjson --order created_at |
	jq -sc 'map(.nombre)')" 'that jq reads'
run iotctl broker create tres host=h3 -o json --columns id,host
is '{"id":3,"host":"h3"}' "$out" 'create shows the object where a format is asked for'
run iotctl broker set tres host=h4 -o csv --columns host --no-header
is h4 "$out" 'and so does set'
is 'id    3
host  h4' "$(iotctl broker get tres --columns id,host)" 'one object is a line a field'

# Columns stand below one another whatever a name is written in, as Unicode's tables know its width.
for n in 漢字 ｶﾅ 'n̂andú' e̊̃ עברית العربية 😀 turned; do
	iotctl broker create "$n" host=WIDE >/dev/null
done
plant "UPDATE broker SET nombre = 'right' || char(8238) || 'to left' WHERE nombre = 'turned'" # iotapi refuses it
iotctl broker list host=WIDE --columns nombre,host,port >table
is '9 1' "$(/usr/bin/python3 -c '
import sys, unicodedata
def width(text):
	return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
lines = open("table", encoding="utf-8").read().splitlines()
places = [(width(l[:l.index(host)]), width(l[:l.index(port)]))
	for l in lines for host, port in [("WIDE", "1883") if "WIDE" in l else ("host", "port")]]
print(len(places), len(set(places)))')" 'columns stand below wide, combining and right-to-left names'
no_line table '  no mark of direction turns them round' "$(printf '\342\200\256')"
iotctl broker list host=WIDE -o csv --no-header --columns id | iotctl broker delete - --yes >/dev/null

# What the server sends goes through as it is.
iotctl sensor create nombre=T tipo=temperatura unidad_medida=°C rango_min=-1000 \
	rango_max=1000 mqtt_topic_suffix=t >/dev/null
iotctl device create D1 nombre=D tipo=esp32 ubicacion=x >/dev/null
iotctl device assign D1 t >/dev/null
for v in 0.1 21.5 -40 100 1e-7; do iotctl reading create device=D1 sensor=t valor=$v >/dev/null; done
iotctl api GET readings ordering=timestamp | jq -c '.results[].valor' >wanted
iotctl reading list --order timestamp -o csv --columns valor --no-header >got
is "$(cat wanted)" "$(jq -c . got)" 'values in CSV'
is 0.1 "$(head -1 got)" '0.1 stays 0.1'

# More than a page.
i=0
while [ $i -lt 60 ]; do
	echo "{\"dispositivo\":1,\"sensor\":1,\"valor\":$i}"
	i=$((i + 1))
done | jq -sc '{lecturas: .}' | iotctl api POST readings/bulk - >/dev/null
is 65 "$(iotctl reading list -o ndjson | wc -l)" 'all pages'
is 65 "$(iotctl reading list --json | jq length)" 'all pages in one array'
is 7 "$(iotctl reading list --limit 7 -o ndjson | wc -l)" '--limit'

# A terminal's bytes do not reach a terminal.
iotctl device create D2 nombre=planted tipo=esp32 ubicacion=x >/dev/null
plant "UPDATE device SET nombre = 'a' || char(27) || '[31mb' WHERE nombre = 'planted'"
without "$(iotctl device list --columns nombre)" "$(printf '\033')" 'control characters are made visible'

# Secrets.
printf 's3cret-word\n' >secret
chmod 600 secret
iotctl credential create device=D1 client_id=D1 username=u password@secret >/dev/null
for f in table json ndjson csv yaml; do
	without "$(iotctl credential get D1 -o $f)" s3cret-word "no password in $f"
done

# YAML: the same values.
iotctl device create D3 nombre=yes tipo=esp32 ubicacion='a: "b" #c' >/dev/null
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >ca.pem
iotctl broker set tres ca_cert@ca.pem >/dev/null
for r in device broker sensor; do
	iotctl $r list -o yaml | /usr/bin/python3 -c 'import json, sys, yaml
print(json.dumps(yaml.safe_load(sys.stdin)))' | jq -S . >yaml.json
	is "$(iotctl $r list --json | jq -S .)" "$(cat yaml.json)" "$r in YAML"
done
is 'nombre: "yes"
ubicacion: "a: \"b\" #c"' "$(iotctl device get D3 -o yaml --columns nombre,ubicacion)" \
	'YAML quotes what needs it'
is 'ca_cert: |
  -----BEGIN CERTIFICATE-----
  AAAA
  -----END CERTIFICATE-----' "$(iotctl broker get tres -o yaml --columns ca_cert)" 'lines stay lines'
is 0.1 "$(iotctl reading list -o yaml --sort valor | grep -o '0\.1$')" '0.1 stays 0.1'

# For people: words, the own zone, the width of the terminal.
is 'tipo    ESP32
estado  Inactive' "$(iotctl device get D3 --columns tipo,estado)" 'choices in words'
is 'esp32,inactivo' "$(iotctl device get D3 -o csv --no-header --columns tipo,estado)" \
	'but not in machine formats'
created=$(iotctl device get D3 -o csv --no-header --columns created)
is "created_at  $(TZ=Asia/Tokyo date -d "$created" '+%F %T')" \
	"$(TZ=Asia/Tokyo iotctl device get D3 --columns created)" "times in the user's zone"
iotctl device create D4 nombre='温度のセンサーがある部屋' tipo=esp32 ubicacion=x >/dev/null
script -qefc 'stty columns 50; iotctl device list' screen >/dev/null </dev/null
is "$(iotctl device list | wc -l)" "$(grep -c . screen | awk '{ print $1 - 2 }')" 'a row stays one line'
is '' "$(sed '1d;$d' screen | tr -d '\r' | /usr/bin/python3 -c 'import sys, unicodedata
for line in sys.stdin:
    line = line.rstrip("\n")
    if sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) > 50: print(line)')" \
	'within the terminal, by what it shows'
has "$(cat screen)" '…' 'what is cut is marked'
without "$(iotctl device list)" … 'nothing is cut in a pipe'

# Output that cannot be written.
iotctl broker list >/dev/full 2>err.txt
is 7 $? '/dev/full is status 7'
has "$(cat err.txt)" 'cannot write to standard output' 'and is said'
iotctl reading list -o ndjson 2>err.txt | head -1 >/dev/null
silent err.txt 'a reader that leaves is no error'

run iotctl broker list --columns nombre,prot
exits 2 'an unknown column'
has "$err" "no field 'prot'; did you mean 'port'" 'with the one that is meant'
run iotctl broker list -o xml
exits 2 'an unknown format'
has "$err" 'table|json|ndjson|csv|yaml' 'with those there are'
done_testing
