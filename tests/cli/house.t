#!/bin/sh
# The house keeps its order: floors, rooms, names, sizes, manners; and what is built is hardened.
. "$(dirname "$0")/../lib.sh"

# What breaks a rule and why it may: RULE THING: reason. The rules are in tools/house.
cat >"$T/excused" <<'END'
prefixes xmalloc: the name that everybody gives it
prefixes xcalloc: likewise
prefixes xrealloc: likewise
prefixes xreallocarray: likewise
prefixes xstrdup: likewise
prefixes xstrndup: likewise
prefixes xasprintf: likewise
manners common/base/log.c: memory failure ends the process, there and nowhere else
manners common/cli/opt.c: takes main's argv apart, which program_start hands it
manners common/cli/opt.h: declares that
manners common/cli/program.c: begins and ends a program: --help to stdout, the last flush
manners common/cli/program.h: declares that
END

house() { "$top/tools/house" "$@" 2>"$T/house.err"; }
rules='floors folders headers prefixes names sizes libraries manners sources drawn'
pairs=
for rule in $rules; do pairs="$pairs $top $rule"; done
# shellcheck disable=SC2086 # words
house --excused "$T/excused" $pairs >"$T/kept"
is "0 " "$? $(cat "$T/house.err")" 'tools/house looks at the tree'
none() { # none RULE 'sentence': the tree keeps it
	is '' "$(grep "^$top $1: " "$T/kept")" "$2"
}

# Made-up trees that break a rule are collected, and then looked at all at once.
trees=0
pairs=
file() { # file NAME TEXT...: a file of the made-up tree
	name=$T/tree/$1
	shift
	mkdir -p "${name%/*}"
	printf '%s\n' "$@" >"$name"
}
breach() { # breach RULE [PATTERN 'sentence']...: the made-up tree breaks it, and that is to be found
	trees=$((trees + 1))
	mv "$T/tree" "$T/tree$trees"
	which="tree$trees $1"
	pairs="$pairs $which"
	shift
	while [ $# -gt 0 ]; do
		printf '%s\t%s\t%s\n' "$which" "$1" "$2" >>"$T/breaches"
		shift 2
	done
}

none floors 'each floor includes only what is below it, and no command another'
file common/base/low.c '#include "mqtt/session.h"'
breach floors 'common/base/low.c: base includes mqtt/session.h' 'an include of a higher floor'
file cmd/iotsub/main.c '#include "iotpub/outcome.h"'
breach floors 'a command includes another' 'a command that includes another'
file common/attic/a.c '/* */'
breach floors 'no floor' 'a room without a floor'

none folders 'a folder holds at most 20 .c files'
i=0
while [ $i -lt 21 ]; do
	file common/base/f$i.c '/* */'
	i=$((i + 1))
done
breach folders 'common/base: 21' 'a folder of 21'

none headers 'a module has one public header and at most one of its own, which only its files include'
file common/base/box.h '/* */'
file common/base/box_int.h '/* */'
file common/base/lid.c '#include "base/box_int.h"'
breach headers 'inside of another module' 'an include of what another module keeps to itself'
file common/base/boxparts.h '/* */'
breach headers 'a header of parts' 'a header of parts'
file common/base/box_int.h '/* */'
breach headers 'no common/base/box.h' 'an inner header without its public one'
file common/base/box.h '/* */'
file common/base/box_int.h '/* */'
for i in 1 2 3 4 5 6; do file common/base/box_$i.c '#include "base/box_int.h"'; done
breach headers 'box_int.h: 6 files include it' 'an inner header of six files'

none prefixes "a global function begins with its header's name"
file common/base/box.h 'void lid_open(void);'
file common/base/box.c '#include "base/box.h"' 'void' 'lid_open(void)' '{' '}'
breach prefixes 'lid_open: declared in common/base/box.h' "a name that is not its header's"
file common/base/box.c 'void' 'box_open(void)' '{' '}'
breach prefixes 'in no header' 'a global function in no header'

none names 'one file name has one meaning in a program and below it'
file common/base/box.c '/* */'
file cmd/iotsub/box.c '/* */'
breach names 'box: cmd/iotsub and common/base' 'a name with two meanings'

none sizes 'a function has at most 70 lines, a file 1,000'
file common/base/long.c 'void' 'long_one(void)' '{' "$(yes '	;' | head -n 80)" '}'
breach sizes 'long_one: 8' 'a long function'
file common/base/long.c "$(yes '/* */' | head -n 1001)"
breach sizes 'common/base/long.c: 1001 lines' 'a long file'
file common/base/short.c '/* */'
echo 'sizes short_one: it was long once' >"$T/needless"
has "$(house --excused "$T/needless" "$T/tree" sizes)" 'short_one: excused, and needs no excuse' \
	'found: an excuse that nothing needs'
rm -rf "$T/tree"

none libraries 'each library is spoken to in its own place'
file cmd/iotsub/main.c '#include <mosquitto.h>'
breach libraries 'cmd/iotsub/main.c: mosquitto.h' 'a library in another place'

none manners 'nothing below the commands prints, reads argv or exits'
file common/base/loud.c 'void' 'loud(void)' '{' '	fwrite("a", 1, 1, f);' '}'
breach manners 'common/base/loud.c: fwrite' 'a floor that prints'
file common/base/loud.c 'void' 'loud(void)' '{' '	exit(1);' '}'
breach manners 'common/base/loud.c: exit' 'a floor that exits'
file common/base/loud.c 'void' 'loud(void)' '{' '	optarg = argv[1];' '}'
breach manners 'common/base/loud.c: argv' 'a floor that reads argv'

none sources 'comments cite nothing outside of the clone'
file common/base/well.c '/* As design''.md says. */'
breach sources 'well.c: design.md' 'a comment on a document that no clone has'
file common/base/well.c '/* See nowhere.c. */'
breach sources 'nowhere.c: no such file' 'a comment on a file that is not there'
file common/base/well.c '/* As the desi''gn has it. */'
breach sources 'well.c: the design' '... that it calls by no name'
file tests/unit/base/well.c '/* As design''.md says. */'
breach sources 'tests/unit/base/well.c: design.md' 'such a comment in a unit test'
file tests/well.sh '# As design''.md says.'
breach sources 'tests/well.sh: design.md' '... in a script'
file man/well.1 '.\" nowhere.c makes what follows.'
breach sources 'man/well.1: nowhere.c: no such file' '... in a page'
file Makefile '# See nowhere.c.'
breach sources 'Makefile: nowhere.c: no such file' '... in the Makefile'

none drawn 'ARCHITECTURE.md has the floors of tools/house, and each room'
file cmd/iotsub/cellar/wine.c '/* */'
cat >"$T/tree/ARCHITECTURE.md" <<'END'
   1  base
| `common/base` | what all use |  |
| `common/model` | the schema | base loop |
END
breach drawn 'cmd/iotsub/cellar: not in ARCHITECTURE.md' 'a room that the document lacks' \
	'common/model: FLOORS has "base", ARCHITECTURE.md "base loop"' 'a room that may not use what the document says' \
	'common/model: not drawn above base' 'a room that is drawn too low'

cd "$T" || exit 1
# shellcheck disable=SC2086 # words
house $pairs >found
while IFS='	' read -r which pattern sentence; do
	has "$(grep "^$which: " found)" "$pattern" "found: $sentence"
done <breaches

is '' "$("$top/tools/call-circles" "$top")" 'no modules call each other in circles'
file common/base/egg.h 'void egg_lay(void);'
file common/base/egg.c '#include "base/hen.h"' 'void' 'egg_lay(void)' '{' '	hen_hatch();' '}'
file common/base/hen.h 'void hen_hatch(void);'
file common/base/hen.c '#include "base/egg.h"' 'void' 'hen_hatch(void)' '{' '	egg_lay();' '}'
has "$("$top/tools/call-circles" "$T/tree")" 'common/base/egg common/base/hen' 'found: two modules that call each other'
rm -rf "$T/tree"

absent() { # absent 'sentence' COMMAND...: prints nothing
	sentence=$1
	shift
	is '' "$("$@" 2>&1)" "$sentence"
}
cd "$top" || exit 1
# What is absent below is looked for in files, and there are some.
for room in cmd common tools completions; do
	has "$(find $room -type f | head -n 1)" "$room/" "there are files in $room"
done
has "$(sh -c "find cmd common -name '*.c' | xargs grep -lE 'printf\('")" .c 'what they use is found'
below() { # below PATTERN: code (not comments) of common/ that has it
	find common -name '*.c' -exec grep -nE "$1" {} + | grep -vE ':[0-9]+:[[:space:]]*(\*|/\*)' || :
}
absent 'nothing below the commands writes SQL' below '"(SELECT|INSERT|UPDATE|DELETE FROM|CREATE TABLE) '
absent 'lists have one maker of paths, with an order' sh -c "find cmd common -name '*.[ch]' ! -path 'cmd/iotapi/*' ! -path common/rest/rest_list.c | xargs grep -nE '(page_size|ordering)=|/api/[a-z/-]*\\?|[^:]\"%s\\?' | grep -vF /api/v5/ || :"
absent 'SQL words are in iotapi only' sh -c "find cmd -name '*.c' ! -path 'cmd/iotapi/*' | xargs grep -lE '\"(SELECT|INSERT INTO) ' || :"
absent 'banned functions are not used' sh -c "find cmd common -name '*.c' | xargs grep -nE '[^a-z_](strcpy|strcat|sprintf|vsprintf|gets|strtok|ctime|asctime)\(' || :"
absent 'no unfinished business' sh -c "grep -rnwE 'TODO|FIXME|XXX' cmd common tools Makefile completions || :"
absent 'every source names its licence' sh -c "find cmd common tests -name '*.[ch]' | xargs grep -L 'SPDX-License-Identifier: GPL-3.0-or-later' || :"

lacks() { # lacks PROGRAM LIBRARY...
	program=$1
	shift
	needs=$(sed -n 's/.*NEEDED.*\[\(lib[a-z0-9]*\).*/\1/p' "$T/$program.elf" | tr '\n' ' ')
	found=
	for l in "$@"; do case " $needs" in *" $l "*) found="$found $l" ;; esac; done
	case " $needs" in *' libc '*) ;; *) found='no library at all is found' ;; esac
	is '' "$found" "$program links none of: $*"
}
if [ "${build##*/}" = build ]; then
	programs='iotctl iotpub iotsub iotingest iotstatus iotapi'
	for p in $programs; do readelf -hdW --dyn-syms "$build/$p" >"$T/$p.elf"; done
	for p in iotpub iotsub iotingest; do lacks $p libcurl libmicrohttpd libsqlite3 libreadline; done
	for p in iotingest iotstatus iotapi; do lacks $p libmosquitto; done
	lacks iotstatus libmicrohttpd libsqlite3 libreadline
	lacks iotapi libcurl libreadline
	lacks iotctl libmicrohttpd libsqlite3
	for p in $programs; do
		elf=$(cat "$T/$p.elf")
		has "$elf" 'DYN (Position-Independent' "$p is position independent"
		has "$elf" 'BIND_NOW' "$p binds at start (full RELRO)"
		has "$elf" '__stack_chk_fail' "$p protects its stack"
		has "$elf" '_chk@' "$p is fortified"
	done
	# A program is marked only where the C library's own objects are (not in Debian 12): ours are.
	case $(uname -m) in x86_64)
		find "$build/common" "$build/cmd" -name '*.o' | while IFS= read -r o; do
			source=${o#"$build/"} # what is left of a source that is gone does not count
			[ ! -e "${source%.o}.c" ] || echo "$o"
		done | sort >"$T/objects"
		xargs readelf -nW <"$T/objects" | awk '/^File: / { o = $2 } /IBT, SHSTK/ { print o }' | sort -u >"$T/marked"
		ok 'there are objects' test -s "$T/objects"
		is '' "$(comm -23 "$T/objects" "$T/marked")" 'every object has its branches and returns protected'
		;;
	esac
fi
done_testing
