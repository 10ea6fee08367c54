# shellcheck shell=sh
# Brokers that broker sync and credential rotate change, besides the mosquitto of start_platform. After lib.sh.
# shellcheck disable=SC2034,SC2154 # for the script; lib.sh's

# start_dynsec: start_platform's mosquitto anew, with dynamic security, whose administrator is admin.
start_dynsec() {
	plugin=$(find /usr/lib /usr/local/lib -name mosquitto_dynamic_security.so 2>/dev/null | head -n 1)
	[ -n "$plugin" ] || skip_all 'no dynamic security here'
	mosquitto_ctrl dynsec init "$T/dynsec.json" admin broker-password >/dev/null
	{
		broker_logs
		printf 'listener %s 127.0.0.1\nuser %s\nallow_anonymous false\n' "$port" "$(id -un)"
		printf 'plugin %s\nplugin_opt_config_file %s\n' "$plugin" "$T/dynsec.json"
	} >mosquitto.conf
	restart_broker
}

# start_stand_in: EMQX's, whose state is in $T/emqx: $url is its API, $port its broker, $T/key the API's key.
start_stand_in() {
	mkdir emqx
	echo 'the-key:the-secret' >key
	chmod 600 key
	bg /usr/bin/python3 "$top/tests/emqx/stand_in.py" emqx the-key:the-secret
	wait_for 10 test -s emqx/url || { note 'no stand-in'; exit 1; }
	url=$(cat emqx/url)
	port=$(cat emqx/port)
}

# What devices measure, and where it goes, of a platform that is not start_platform's.
make_topics() {
	iotctl sensor create nombre=Temperatura tipo=temperatura unidad_medida=°C rango_min=-40 rango_max=85 \
		mqtt_topic_suffix=temperature
	iotctl topic create nombre=Datos tipo=publish topic_pattern='iot/sensors/{device_id}/data'
	iotctl topic create nombre=Comandos tipo=subscribe topic_pattern='iot/devices/{device_id}/commands'
} >/dev/null

# --deliver to the devices of tests/mqtt/devices.py that work in $T.
deliver_here() { echo "sh $top/tests/mqtt/deliver.sh $T"; }
