#!/bin/sh
# An option that has no effect without another one is refused without it, in each program; as a key of iot.conf, or a
# variable, it waits.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

wrong() { # wrong PROGRAM: its status for wrong usage, and operands that it refuses whatever the options are
	case $1 in
	iotstatus) usage=3 operands='no operand' ;;
	iotpub) usage=2 operands='D D' ;;
	iotsub) usage=2 operands= ;;
	*) usage=2 operands='no-such-thing=1' ;;
	esac
}

# PROGRAM|OPTION|what it needs, as it is told|that, as it is given
while IFS='|' read -r program option needs given; do
	wrong "$program"
	# shellcheck disable=SC2086 # words
	run "$program" $option $operands
	exits $usage "$program $option"
	has "$out$err" "${option%% *} needs $needs" "  needs $needs"
	# shellcheck disable=SC2086
	run "$program" $option ${given:-$needs} $operands
	without "$out$err" "${option%% *} needs" '  with it something else is wrong'
done <<END
iotpub|--id-format D%d|--devices|--devices 2
iotpub|--refresh 1m|--from-platform|
iotpub|--histogram|--verify|
iotpub|--max-p99 1s|--verify|
iotpub|--max-lost 0|--verify|
iotpub|--keep-status|--devices|--devices 2
iotpub|--reply x|--listen|
iotpub|--speed 2|--replay|--replay f
iotpub|--max-gap 1h|--replay|--replay f
iotpub|--map-device A=B|--replay|--replay f
iotpub|--json|--stdin-line|-l
iotpub|--repeat-delay 1s|--repeat|--repeat 2
iotpub|--will-payload x|--will-topic|--will-topic x
iotpub|--will-qos 0|--will-topic|--will-topic x
iotpub|--will-retain|--will-topic|--will-topic x
iotsub|--session-expiry 1h|--keep-session|-c
iotsub|--session-expiry 1h|--keep-session|--durable
iotingest|--session-expiry 1h|one of --durable, --group|--durable x
iotingest|--session-expiry 1h|one of --durable, --group|--group x -i y
iotingest|--sink-retries 3|--sink|--sink cat
iotingest|--time-key t|--readings|
iotingest|--device-key t|--readings|
iotingest|--skip-key t|--readings|
iotstatus|--wait 1s|one of --source mqtt, --verify mqtt, --watch|--source mqtt
iotstatus|--wait 1s|one of --source mqtt, --verify mqtt, --watch|--watch
iotstatus|--mqtt-host h|one of --source mqtt, --verify mqtt, --watch|--verify mqtt
iotstatus|--mqtt-retry|one of --source mqtt, --verify mqtt, --watch|--verify mqtt
iotstatus|--emqx-url http://h --source mqtt|one of --source emqx, --verify emqx|--source emqx
iotstatus|--emqx-key-file f|one of --source emqx, --verify emqx|--verify emqx
iotstatus|--per-device|--format prometheus|
iotctl|--allow-files|--file|-f x
iotctl|--ignore-columns a|--from|--from x
iotctl|--dir d|--driver files|
iotctl|--reload c --driver dynsec|--driver files|--driver files
iotctl|--hashes f|one of --driver files, --driver emqx|--driver files
iotctl|--hashes f --driver dynsec|one of --driver files, --driver emqx|--driver emqx
iotctl|--emqx-url http://h --driver dynsec|--driver emqx|
iotctl|--emqx-key-file f --driver files|--driver emqx|
iotctl|--setup|one of --driver dynsec, --driver emqx|--driver dynsec
iotctl|--kick|--driver emqx|
iotctl|--verify|--driver|--driver files
iotapi|--insecure-listen|--listen|--listen 127.0.0.1:0
END
# Whatever stands behind --exec is the command's.
for program in iotpub iotsub; do
	for option in '--exec-timeout 1s' '--jobs 2'; do
		# shellcheck disable=SC2086
		run $program D $option
		exits 2 "$program $option"
		has "$err" "${option%% *} needs --exec" '  needs --exec'
		# shellcheck disable=SC2086
		run $program D D --listen $option --exec true
		without "$err" "${option%% *} needs" '  with it something else is wrong'
	done
done
# What is needed only where a kind of broker is named at all.
run iotctl --emqx-url http://h client
without "$err" needs 'iotctl --emqx-url without --driver'

run iotpub D --exec true
has "$err" '--exec needs --listen' 'iotpub --exec needs --listen'

# Of all of a program's options; help is not asked for its sense.
run iotpub --speed 2 --help
exits 0 '--help'
mkdir -p "$HOME/.config/iot"
printf 'time_key = t\nskip_key = u\nemqx_url = http://h\nmqtt_host = h\ninsecure_listen = yes\n' >"$HOME/.config/iot/iot.conf"
for program in iotingest iotstatus iotapi; do
	wrong $program
	# shellcheck disable=SC2086
	IOT_EMQX_KEY_FILE=f run $program $operands
	exits $usage "$program: a key and a variable"
	without "$out$err" needs '  need nothing'
done
printf 'status_format = prometheus\n' >"$HOME/.config/iot/iot.conf"
run iotstatus --per-device no operand
without "$out$err" needs 'what is needed may be a key'

# Options of other forms of a program.
run iotsub -t x --credentials f
exits 2 'iotsub -t --credentials'
has "$err" '--credentials is for devices, not for -t' '  is told'

# Options that only some commands use: PROGRAM|COMMAND|OPTION|the commands that do.
while IFS='|' read -r program words option commands; do
	# shellcheck disable=SC2086 # words
	run "$program" $words $option
	exits 2 "$program $words $option"
	is "$program: ${option%% *} does not go with '$words', $commands" "$err" '  is told whose it is'
done <<END
iotapi|token list|--password-file f|only with: user add, user passwd
iotapi|user list|--read-only|only with: user add, token create
iotapi|token list|--days 1|only with: token create
iotapi|check|--listen 127.0.0.1:0|only with: serve
iotctl|broker list|--deliver x|only with: credential rotate
iotctl|broker list|--wait 1s|only with: device command, credential rotate
iotctl|device list|--since 1h|only with: reading list
iotctl|device create|--limit 1|only with: RESOURCE list
iotctl|broker delete|--keep-going|only with commands from standard input
iotctl|sensor delete|--keep-credentials|only with: device delete, apply
iotctl|acl check|--driver emqx|only with: broker sync, credential rotate, client list, client get, client kick
iotctl|credential rotate|--verify --driver files|only with: broker sync
END
run iotctl sensor ls --limit 1 no-such-field=1
without "$err" '--limit' 'a verb by another name'
run iotctl reading listar --since 1h no-such-field=1
without "$err" '--since' 'of one resource'
printf 'emqx_url = http://h\n' >"$HOME/.config/iot/iot.conf"
IOT_EMQX_KEY_FILE=f run iotctl config path
exits 0 'a key and a variable wait for their commands'
printf 'config path\n' >lines
run sh -c 'iotctl --keep-going --wait 1s <lines'
exits 0 'what a shell is begun with is for whichever of its commands uses it'
printf 'config path --wait 1s\n' >lines
run sh -c 'iotctl <lines'
exits 2 'not what its line says'
has "$err" "--wait does not go with 'config path'" '  which is told'

# What --dry-run cannot show is not done.
for words in login logout 'context use lab' 'config set qos=1'; do
	cp "$HOME/.config/iot/iot.conf" before
	# shellcheck disable=SC2086 # words
	run iotctl -n $words
	exits 2 "iotctl -n $words"
	has "$err" "has no --dry-run" '  is told'
	ok '  and nothing is done' cmp before "$HOME/.config/iot/iot.conf"
done

# Completion offers the options of the command, once it is known.
run iotctl __complete -- device command D1 --
has "$out" '--wait' 'completion offers what a command uses'
without "$out" '--deliver' 'and not what it does not'
run iotctl __complete -- --
has "$out" '--deliver' 'in front of any command all'
done_testing
