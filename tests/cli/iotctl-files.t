#!/bin/sh
# Files as people have them: fleet files of spreadsheets in several forms, manifests of Windows editors.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2119
start_api
export IOT_CREDENTIALS="$T/fleet.csv"

# Objects whose first key is null are called by the next.
cat >sensors.yaml <<-'END'
	- &first {kind: sensor, nombre: NN1, tipo: temperatura, unidad_medida: C, rango_min: 0, rango_max: 1, mqtt_topic_suffix: null}
	- <<: *first
	  nombre: NN2
END
run iotctl apply -o ndjson -f sensors.yaml
exits 0 'two sensors without a suffix, the second by a merge key'
is 'NN1 created
NN2 created' "$(echo "$out" | jq -r '.name + " " + .result')" '  are told apart'
run iotctl apply -f sensors.yaml
has "$out" "unchanged sensor 'NN2'" '  and in words, when they are there'
run iotctl sensor create nombre=NN3 tipo=temperatura unidad_medida=C rango_min=0 rango_max=1
has "$out" "created sensor 'NN3' (id" '  and by create'
run iotctl sensor set NN3 descripcion=x
has "$out" "changed sensor 'NN3' (id" '  and by set'
done_testing
