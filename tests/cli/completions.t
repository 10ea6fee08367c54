#!/bin/sh
# The completions in the shells themselves.
. "$(dirname "$0")/../lib.sh"

in_bash() { # in_bash PROGRAM WORD...: the words offered for the last one
	bash -c '
		source "$0/completions/bash/$1"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
		_$1 "$1" "${@: -1}"
		printf "%s\n" "${COMPREPLY[@]}"' "$top" "$@" 2>&1
}
offers() { # offers WORD OUTPUT SENTENCE
	printf '%s\n' "$2" | grep -qxF -e "$1"
	s=$?
	tap $s "$3"
	[ $s -eq 0 ] || note "wanted the word: $1
got: $2"
}

offers --readings "$(in_bash iotingest --re)" 'bash: iotingest --re'
offers mqttv311 "$(in_bash iotsub -V m)" 'bash: the choices of -V'
offers broker "$(in_bash iotctl b)" 'bash: iotctl b'
offers provision "$(in_bash iotctl device p)" 'bash: iotctl device p'
offers offline "$(in_bash iotstatus --list o)" 'bash: iotstatus --list o'
offers export "$(in_bash iotapi e)" 'bash: iotapi e'
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	ok "bash reads the completion of $p" bash -n "$top/completions/bash/$p"
	if command -v zsh >/dev/null; then
		ok "zsh reads the completion of $p" zsh -n "$top/completions/zsh/_$p"
	fi
	if command -v fish >/dev/null; then
		ok "fish reads the completion of $p" fish -n "$top/completions/fish/$p.fish"
	fi
done

in_fish() { # in_fish PROGRAM LINE
	fish -c "source '$top/completions/fish/$1.fish'; complete -C '$2'" 2>&1 | cut -f1
}
if command -v fish >/dev/null; then
	offers --readings "$(in_fish iotingest 'iotingest --re')" 'fish: iotingest --re'
	offers provision "$(in_fish iotctl 'iotctl device p')" 'fish: iotctl device p'
	offers nagios "$(in_fish iotstatus 'iotstatus -o n')" 'fish: the choices of -o'
fi

# A real zsh on a real terminal: completion works nowhere else.
if command -v zsh >/dev/null && command -v expect >/dev/null; then
	cat >"$T/zsh.exp" <<END
set timeout 10
log_user 0
spawn zsh -f
expect -re {[%#] }
send "PS1='rea''dy> '; fpath=($top/completions/zsh \\\$fpath); autoload -U compinit; compinit -u -d $T/zcomp\r"
expect "ready> "
send "iotingest --readi\t"
expect {
	-exact "ngs" { puts found }
	timeout { puts missing }
}
send "\025iotctl device provi\t"
expect {
	-exact "sion" { puts found }
	timeout { puts missing }
}
END
	is 'found
found' "$(expect "$T/zsh.exp" 2>&1 | tr -d '\r')" 'zsh completes an option and a word'
fi
done_testing
