#!/bin/sh
# Pages, help and generated files say the same as the option tables.
. "$(dirname "$0")/../lib.sh"
cd "$top" || exit 1

ok 'generated files are up to date (make gen)' completions/gen.sh --check "$build"

for page in man/*.[1-9]; do
	ok "mandoc has no word against $page" sh -c "mandoc -Tlint -W warning $page"
done

# As a terminal of 80 columns has them: nothing that is not broken by hand is broken there.
too_wide() { mandoc -Tutf8 -O width=78 "$1" | col -bx | grep -E '.{81}'; }
# The lines of .Dl that are broken, as text would be: who copies them has half of a command.
broken() {
	mandoc -Tutf8 -O width=78 "$1" | col -bx >"$T/page"
	sed -n 's/^\.Dl //p' "$1" | while IFS= read -r line; do grep -qF -e "$line" "$T/page" || echo "$line"; done
}
for page in man/*.[1-9]; do
	is '' "$(too_wide "$page")" "$page fits 80 columns"
	is '' "$(broken "$page")" '  and breaks no example'
done
sed "s/^iotctl whoami\$/& $(printf '%072d' 0)/" man/iotctl.1 >"$T/wide.1"
is 1 "$(too_wide "$T/wide.1" | wc -l)" '  a line that does not is noticed'
sed "s/^\.Dl .*/& $(printf '%040d ' 0 0)/" man/iotsub.1 >"$T/wide.1"
is "$(grep -c '^\.Dl' man/iotsub.1)" "$(broken "$T/wide.1" | wc -l)" '  and so are examples that are broken'

# --quiet has no letter there: -q is --qos, which takes the next word for its level.
no_line man/iotctl.1 'no example of iotctl takes -q for --quiet' -E 'iotctl .*-q [^012]'

page_of() {
	set -- man/"$1".[1-9]
	echo "$1"
}
flags() { grep -ohE 'Fl -[a-z0-9-]+( |$)' "$@" | sed 's/^Fl -//; s/ $//'; }
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	page=$(page_of $p)
	$p --print-spec >"$T/spec"
	awk -F '\t' '$1 == "opt" && $3 != "-" { print $3 }' "$T/spec" | sort >"$T/options"
	{
		flags "$page" man/iot-utils.7
		case $p in iotctl | iotstatus) flags man/iot-utils.7 | sed 's/^/mqtt-/' ;; esac
	} | sort -u >"$T/told"
	ok "$p has options" test -s "$T/options"
	is '' "$(comm -23 "$T/options" "$T/told")" "$p: every option has its paragraph"
	mandoc -Tutf8 "$page" | col -b >"$T/page"
	for section in NAME SYNOPSIS DESCRIPTION ENVIRONMENT 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
		ok "$p: the page has $section" grep -qx "$section" "$T/page"
	done
	sed -n '/^\.Sh ENVIRONMENT$/,/^\.Sh FILES$/p' "$page" >"$T/environment"
	awk -F '\t' '$1 == "opt" && $8 != "-" { print $8 }' "$T/spec" | sort -u >"$T/variables"
	is "$(cat "$T/variables")" "$(sed -n 's/^\.It Ev //p' "$T/environment" | sort -u)" "$p: ENVIRONMENT has its variables"
	has "$(cat "$T/environment")" '.Xr iot-utils 7' '  and says where those of all programs are'
	# The usage of --help, word for word in the SYNOPSIS, however lines are broken.
	synopsis=$(sed -n '/^SYNOPSIS$/,/^DESCRIPTION$/p' "$T/page" | tr -s ' \t\n' ' ')
	differs=
	awk -F '\t' '$1 == "usage" { print $2 }' "$T/spec" >"$T/usages"
	while IFS= read -r usage; do
		case $synopsis in *"$p $usage"*) ;; *) differs="$differs [$usage]" ;; esac
	done <"$T/usages"
	ok "$p has a usage" test -s "$T/usages"
	is '' "$differs" "$p: SYNOPSIS and --help agree"
	is 1 "$(grep -c "^| \`$p\` |" README.md)" "$p: the README mentions it"
	is 1 "$(grep -c "^| \`$p\` |" README.es.md)" "$p: so does the Spanish one"
done
is config "$(sed '/^config$/d' "$T/told" | comm -23 "$T/options" -)" 'an option without a paragraph is noticed'

# The commands that an option is of are there, and its paragraph in iotctl(1) names each, by the word that says enough.
cat >"$T/of" <<'END'
import re, sys
page, spec = open(sys.argv[2]).read() if sys.argv[2:] else '', [line.rstrip('\n').split('\t') for line in open(sys.argv[1])]
words = [row[1] for row in spec if row[0] == 'word']
words += ['RESOURCE ' + w.split()[1] for w in words if ' ' in w]
limited = [row for row in spec if row[0] == 'opt' and row[10] != '-']
for row in limited:
    paragraph = re.search(r'^\.It Fl (?:\w , Fl )?-' + row[2] + r'\b.*?(?=^\.It |^\.El)', page, re.M | re.S)
    for command in row[10].split('|'):
        word = command.split()[0 if command.startswith('client ') else -1]
        if command not in words:
            print(f'--{row[2]}: there is no {command}')
        if page and not re.search(rf'\b{word}\b', paragraph.group()):
            print(f'--{row[2]}: the page does not say {word}')
if not limited:
    print('no option is of some commands')
END
iotapi --print-spec >"$T/spec"
is '' "$(python3 "$T/of" "$T/spec")" 'iotapi: the commands of options are there'
iotctl --print-spec >"$T/spec"
is '' "$(python3 "$T/of" "$T/spec" man/iotctl.1)" 'iotctl: so they are, and on its page'
sed -i '/^opt\t[^\t]*\tlimit\t/s/RESOURCE list/RESOURCE lists/' "$T/spec"
is '--limit: there is no RESOURCE lists
--limit: the page does not say lists' "$(python3 "$T/of" "$T/spec" man/iotctl.1)" '  one that is not there is noticed'

# An option that several programs have takes the same in each, but for those named here.
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	$p --print-spec | awk -F '\t' '$1 == "opt" && $3 != "-" { print $3, $4 }' | sort -u
done | sort | uniq -c >"$T/taken"
is 'durable listen topic verify' "$(awk '{ print $2 }' "$T/taken" | uniq -d | paste -sd ' ')" \
	'an option takes the same argument in all programs that have it'

# What the programs read besides; HTTP_PROXY they do not, and PATH is everybody's.
{
	grep -rhoE 'getenv\("[A-Za-z_]+"\)' common cmd
	grep -rhoE '"(XDG|https?_|HTTPS?_|all_|ALL_|no_|NO_)[A-Za-z_]*"' common/base/file.c common/rest/rest_proxy.c
} | cut -d '"' -f 2 | sort -u >"$T/variables"
unexplained=
while read -r name; do
	cat man/iot-utils.7 man/iotctl.1 man/iotapi.8 | sed -n '/^\.Sh ENV/,/^\.Sh EXIT/p' |
		grep -qE "Ev (.* )?$name( |\$)" || unexplained="$unexplained $name"
done <"$T/variables"
is ' HTTP_PROXY PATH' "$unexplained" 'each variable that is read has its place in ENVIRONMENT'

# A block that the generator does not know.
mkdir -p "$T/clone/man"
cp -R completions common "$T/clone"
sed 's/GENERATED env/GENERATED environment/' man/iotsub.1 >"$T/clone/man/iotsub.1"
run "$T/clone/completions/gen.sh" "$build"
exits 1 'the generator fails on a block that it does not know'
has "$err" "iotsub.1: nothing is known of a block 'environment'" '  and names it'

# Each command has its paragraph; of a resource's five verbs each has one, and each resource has a line.
iotctl --print-spec | awk -F '\t' '$1 == "word" { print $2 }' >"$T/commands"
unexplained() { # unexplained PAGE: the commands that it lacks
	grep '^\.It Cm ' "$1" >"$T/items"
	awk 'NR == FNR { items = items "\n" $0 " \n"; next }
		index(items, "Cm " $0 " ") { next }
		NF == 2 && $2 ~ /^(list|get|create|set|delete)$/ &&
			index(items, "\n.It Cm " $1 " \n") && index(items, "\n.It Cm " $2 " ") { next }
		{ print }' "$T/items" "$T/commands"
}
is '' "$(unexplained man/iotctl.1)" 'iotctl: every command has its paragraph'
sed '/^\.It Cm lint$/d; /^\.It Cm role$/d; s/ , Cm broker deactivate.*//' man/iotctl.1 >"$T/short.1"
is 'lint broker deactivate role list role get role create role set role delete' "$(unexplained "$T/short.1" | tr '\n' ' ' | sed 's/ $//')" \
	'one that the page lacks is noticed'

# What the documents for developers name is there: files and folders (a pattern is at least one file),
# PLACE:FUNCTION, FUNCTION(), and what a table's rows are made of.
cat >"$T/named" <<'END'
import glob, os, re, sys
root, words = sys.argv[1], set()
for document in sys.argv[2:]:
    words |= {w.rstrip(':') for quoted in re.findall(r'`([^`\n]+)`', open(document).read()) for w in quoted.split()}
sources = [f for top in ('common', 'cmd') for f in glob.glob(f'{root}/{top}/**/*.[ch]', recursive=True)]
text = {f: open(f).read() for f in sources}

def defines(place, function):
    return any(f'\n{function}(' in text[f] for f in sources
               if place in ('', f) or f.startswith(place + '/'))

for word in sorted(words):
    place, _, function = word.partition(':')
    if re.fullmatch(r'\w+\(\)', word):
        good = defines('', word[:-2]) or any(f' {word[:-1]}' in text[f] for f in sources if f.endswith('.h'))
    elif re.fullmatch(r'(OPT|ERR|SCHEMA|COMMAND|FLOORS|LIBRARIES)(_[A-Z_]+)?', word):
        good = any(re.search(rf'\b{word}', t) for t in (*text.values(), open(f'{root}/tools/house').read()))
    elif re.fullmatch(r'[\w.*/-]+/[\w.*/-]+:\w+', word):
        good = defines(f'{root}/{place}', function)
    elif re.match(r'(common|cmd|tests|tools|man|completions|\.ci|\.github)/', word) or \
            re.fullmatch(r'(?!X)[\w-]+\.(md|c|h|t|sh|py|awk)', word):
        good = glob.glob(f'{root}/{word}')
    else:
        continue
    if not good:
        print(word)
END
is '' "$(python3 "$T/named" . ARCHITECTURE.md CONTRIBUTING.md NEWS SECURITY.md)" \
	'what the documents name is there'
cat >"$T/wrong.md" <<'END'
`common/base/buf.c` and `common/base/buf.c:buf_put`, `buf_put()`, `cmd/*/main.c`, `OPT_INT`, but `cmd/iotsub/lost.c`,
`common/base/buf.c:buf_lost`, `cmd/iotsub:buf_put`, `buf_lost()`, `cmd/*/lost.c`, `OPT_LOST`
END
is 'OPT_LOST buf_lost() cmd/*/lost.c cmd/iotsub/lost.c cmd/iotsub:buf_put common/base/buf.c:buf_lost' \
	"$(python3 "$T/named" . "$T/wrong.md" | paste -sd ' ')" 'what is not there is found'
done_testing
