#!/bin/sh
# How every program starts: help, version, wrong options, configuration, output that fails.
. "$(dirname "$0")/../lib.sh"

for p in iotctl iotpub iotsub iotingest iotapi iotstatus; do
	case $p in iotstatus) fine=3 usage=3 ;; *) fine=0 usage=2 ;; esac
	run $p --help
	exits $fine "$p --help"
	has "$out" "usage: $p " "$p --help begins with the usage"
	has "$out" 'Examples:' "$p --help has examples"
	is '' "$err" "$p --help says nothing else"
	run $p --version
	exits $fine "$p --version"
	is 1 "$(printf '%s\n' "$out" | grep -cE "^$p \(iot-utils\) [0-9]+\.[0-9]+\.[0-9]+( \(commit [0-9a-f]{12}\))?\$")" "$p --version"
	run $p --hepl
	exits $usage "$p: an unknown option"
	# What a monitoring system shows is the plugin's standard output.
	case $p in iotstatus) said=$out other=$err begin='IOT UNKNOWN - ' ;; *) said=$err other=$out begin="$p: " ;; esac
	is "${begin}unknown option '--hepl'; did you mean '--help'?" "$said" "$p: did you mean"
	is '' "$other" "$p: and nothing else"
	run $p --context
	exits $usage "$p: an option without its argument"
	run $p --config "$T/none.conf"
	exits $usage "$p: a configuration that is not there"
	has "$out$err" "'$T/none.conf'" "$p: is named"
	run $p --config "$T"
	exits $usage "$p: a configuration that is a directory"
	has "$out$err" "cannot read configuration '$T': Is a directory" "$p: is none"
	$p --help >/dev/full 2>"$T/err"
	s=$?
	[ $s -eq 7 ] || [ $s -eq 3 ]
	tap $? "$p: a full output is noticed"
	has "$(cat "$T/err")" 'No space left on device' "$p: and said"
done

for p in iotpub iotsub iotingest; do
	run $p -h
	exits 2 "$p -h alone"
	has "$err" "-h needs a host; for help use '$p --help'" "$p -h alone tells of --help"
	run $p -p 0
	exits 2 "$p -p 0"
	has "$err" "--port: '0' is not a whole number from 1 to 65535" "$p -p 0 names the limits"
	run $p -q 3
	exits 2 "$p -q 3"
	run $p -V 4.2
	exits 2 "$p -V 4.2"
	has "$err" 'auto|5|mqttv5|311|mqttv311' "$p -V names the versions"
	run $p -L http://x
	exits 2 "$p -L with another scheme"
done

mkdir -p "$HOME/.config/iot"
conf=$HOME/.config/iot/iot.conf
config_is() { printf '%s\n' "$@" >"$conf"; }

config_is '# mine' 'mqtt_hots = x'
run iotingest -W 1
exits 2 'an unknown key'
is "iotingest: $conf:2: unknown key 'mqtt_hots'; did you mean 'mqtt_host'?" "$err" 'names file, line and the near one'
config_is 'mqtt_port = many'
run iotsub -t x
exits 2 'a wrong value'
has "$err" "$conf:1: mqtt_port: 'many' is not a whole number" 'names file, line and key'
config_is 'api_url = http://x' 'mqtt_host = a ;b'
run iotctl whoami
exits 2 'a value that libinih would cut'
config_is '[lab]' 'mqtt_host = lab.invalid'
run iotingest --context prod
exits 2 'an unknown context'
has "$err" "no context 'prod'" 'is named'
config_is 'context = lab' '[lab]' "mqtt_host = $T/of-lab.sock" '[prod]' "mqtt_host = $T/of-prod.sock"
run iotingest
has "$err" "$T/of-lab.sock" 'the file chooses the context'
run iotingest --context prod
has "$err" "$T/of-prod.sock" '--context outranks the file'
run env IOT_CONTEXT=prod iotingest
has "$err" "$T/of-prod.sock" 'so does IOT_CONTEXT'
run env IOT_MQTT_HOST="$T/of-env.sock" iotingest
has "$err" "$T/of-env.sock" 'the environment outranks the context'
run env IOT_MQTT_HOST="$T/of-env.sock" iotingest -h "$T/of-option.sock"
has "$err" "$T/of-option.sock" 'an option outranks the environment'
done_testing
