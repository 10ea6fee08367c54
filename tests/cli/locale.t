#!/bin/sh
# Under a Spanish locale numbers keep their point, and every byte a script reads stays the same.
# needs: a locale with a decimal comma
. "$(dirname "$0")/../lib.sh"

localedef -i es_ES -f UTF-8 "$T/es_ES.UTF-8" 2>/dev/null
LOCPATH=$T LC_ALL=es_ES.UTF-8 awk 'BEGIN { exit 0 }'
comma=$(LOCPATH=$T LC_ALL=es_ES.UTF-8 perl -e 'use POSIX; setlocale(LC_ALL, ""); use locale; printf "%.1f", 80.5')
[ "$comma" = 80,5 ] || skip_all 'no Spanish locale can be made here'
tap 0 'negative control: a program that follows the locale prints 80,5'

start_broker
start_api
iotctl device create nombre=Uno tipo=esp32 identificador_unico=UNO ubicacion=Sala connection_status=online >/dev/null
iotctl device create nombre=Dos tipo=esp32 identificador_unico=DOS ubicacion=Sala connection_status=online >/dev/null
iotctl device create nombre=Tres tipo=esp32 identificador_unico=TRES ubicacion=Sala >/dev/null
iotctl sensor create nombre=T tipo=temperatura unidad_medida=C rango_min=-40.5 rango_max=85.25 >/dev/null
# With LOCPATH the C library itself leaks its list of directories (argz_add_sep).
spanish() { env ASAN_OPTIONS=detect_leaks=0 LOCPATH="$T" LC_ALL=es_ES.UTF-8 "$@"; }
same() { # same 'sentence' COMMAND...
	sentence=$1
	shift
	is "$("$@" 2>/dev/null)" "$(spanish "$@" 2>/dev/null)" "$sentence"
}

same 'iotstatus' iotstatus
same 'iotstatus --json' iotstatus --json
is '2/3 devices online (66.67%)' "$(spanish iotstatus)" 'has its point'
for format in table json ndjson csv; do
	same "iotctl sensor list -o $format" iotctl sensor list -o $format
done
run spanish iotctl sensor create nombre=U tipo=gas unidad_medida=ppm rango_min=0.5 rango_max=1000.75
exits 0 'numbers are read with a point'
is 0.5 "$(iotctl sensor list --search U -o json | jq '.[] | select(.nombre == "U") | .rango_min')" 'and mean what they say'

keep es iotingest -h "$sock" --durable es
spanish iotpub -h "$sock" RPI_001 temperature=uniform:20.5,20.5 humidity=48.25 --count 1 --interval 1.5s 2>/dev/null
is 'temperature 20.5 humidity 48.25 ' \
	"$(spanish timeout 20 iotingest -h "$sock" --durable es --readings -C 1 2>/dev/null | jq -r '"\(.sensor) \(.value + 0)"' | tr '\n' ' ')" \
	'iotpub publishes and iotingest prints points'

# The catalogues that were built, from where they were built.
in_spanish() { spanish env IOT_LOCALEDIR="$build/locale" "$@"; }
for po in "$top"/po/*.po; do
	ok "$(basename "$po") fits the texts" msgfmt --check --output-file=/dev/null "$po"
	is '' "$(msgattrib --only-fuzzy "$po")" 'and nothing in it is a guess'
done
run in_spanish iotctl --nope
exits 2 'an error in Spanish'
is "iotctl: opción desconocida: '--nope'; véase 'iotctl --help'" "$err" 'has its words'
has "$(in_spanish iotsub --help)" 'muestra esta ayuda' 'and so has --help'
run in_spanish iotctl device set UNO ubicacion=Otra
is "cambiado: device 'UNO' (id 1)" "$out" 'what was done'
run in_spanish iotstatus
is '2/3 dispositivos en línea (66.67%)' "$out" 'a count has its plural, and numbers their point'
iotctl device delete DOS TRES --yes >/dev/null
run in_spanish iotstatus
is '1/1 dispositivo en línea (100.00%)' "$out" 'or its singular'
run in_spanish env LANGUAGE=fr:en iotctl --nope
has "$err" "unknown option '--nope'" 'a language without a catalogue is English'
run env LC_ALL=C IOT_LOCALEDIR="$build/locale" LANGUAGE=es iotctl --nope
has "$err" "unknown option '--nope'" 'as is the C locale'
done_testing
