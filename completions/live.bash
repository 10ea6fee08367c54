# Takes the line apart up to the cursor: COMP_WORDS has quotes, and is broken at = @ and :.
# words: what they mean; quote: the one that is open; kept: what of the last word bash will not replace.
_PROGRAM_split() { # TEXT, the end of the line, which bash replaces
	local line=${COMP_LINE:0:COMP_POINT} word='' there='' c i
	local start=$((${#line} - ${#1}))
	words=() quote='' kept=''
	for ((i = 0; i < ${#line}; i++)); do
		((i != start)) || kept=$word
		c=${line:i:1}
		case ${quote:-.}$c in
		\'\' | \"\") quote='' ;;
		\"\\)
			[[ ${line:i+1:1} != [\"\\\`\$] ]] || ((i += 1))
			word+=${line:i:1}
			;;
		[\'\"]*) word+=$c ;;
		.[\'\"]) quote=$c there=1 ;;
		.[[:space:]])
			[[ -z $there ]] || words+=("$word")
			word='' there=''
			;;
		.\\)
			((i += 1))
			word+=${line:i:1} there=1
			;;
		*) word+=$c there=1 ;;
		esac
	done
	((start < ${#line})) || kept=$word
	words+=("$word")
}

# Quoted as the line has it: what would end the quotes, or be run, is another's text.
_PROGRAM_offer() { # WORD
	local one=${1#"$kept"} apostrophe=\'
	case $quote in
	\') one=${one//$apostrophe/$apostrophe\\$apostrophe$apostrophe} ;;
	\") one=${one//\\/\\\\} one=${one//\$/\\\$} one=${one//\`/\\\`} one=${one//'"'/'\"'} ;;
	*) printf -v one %q "$one" && one=${one//\\=/=} ;;
	esac
	COMPREPLY+=("$one")
	[[ $1 != *[=@/] ]] || compopt -o nospace 2>/dev/null
}

# The program itself knows names and values.
_PROGRAM_live() {
	local one
	while IFS= read -r one; do
		_PROGRAM_offer "$one"
	done < <(PROGRAM LIVE -- "${words[@]:1}" 2>/dev/null)
	# bash closes the quotes, but not behind what looks as if they were closed.
	[[ -z $quote || ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *"$quote" ]] || COMPREPLY[0]+=$quote
}

