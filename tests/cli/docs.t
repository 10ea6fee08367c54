#!/bin/sh
# Pages, help and generated files say the same as the option tables.
. "$(dirname "$0")/../lib.sh"
cd "$top" || exit 1

ok 'generated files are up to date (make gen)' completions/gen.sh --check "$build"

for page in man/*.[1-9]; do
	ok "mandoc has no word against $page" sh -c "mandoc -Tlint -W warning $page"
done

page_of() {
	set -- man/"$1".[1-9]
	echo "$1"
}
for p in iotctl iotpub iotsub iotingest iotstatus iotapi; do
	page=$(page_of $p)
	$p --print-spec >"$T/spec"
	missing=
	awk -F '\t' '$1 == "opt" && $3 != "-" { print $3 }' "$T/spec" >"$T/options"
	while IFS= read -r option; do
		grep -qE "Fl -$option( |\$)" "$page" man/iot-utils.7 ||
			{ { [ $p = iotctl ] || [ $p = iotstatus ]; } && grep -qE "Fl -${option#mqtt-}( |\$)" man/iot-utils.7; } ||
			missing="$missing --$option"
	done <"$T/options"
	is '' "$missing" "$p: every option has its paragraph"
	mandoc -Tutf8 "$page" | col -b >"$T/page"
	for section in NAME SYNOPSIS DESCRIPTION ENVIRONMENT 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
		grep -q "^$section\$" "$T/page" || note "$page lacks $section"
		grep -q "^$section\$" "$T/page"
		tap $? "$p: the page has $section"
	done
	# The usage of --help, word for word in the SYNOPSIS, however lines are broken.
	synopsis=$(sed -n '/^SYNOPSIS$/,/^DESCRIPTION$/p' "$T/page" | tr -s ' \n' ' ')
	differs=
	awk -F '\t' '$1 == "usage" { print $2 }' "$T/spec" >"$T/usages"
	while IFS= read -r usage; do
		case $synopsis in *"$p $usage"*) ;; *) differs="$differs [$usage]" ;; esac
	done <"$T/usages"
	is '' "$differs" "$p: SYNOPSIS and --help agree"
	is 1 "$(grep -c "^| \`$p\` |" README.md)" "$p: the README mentions it"
	is 1 "$(grep -c "^| \`$p\` |" README.es.md)" "$p: so does the Spanish one"
done
done_testing
