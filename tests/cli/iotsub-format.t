#!/bin/sh
# Formats: the same bytes as the real mosquitto_sub's.
. "$(dirname "$0")/../lib.sh"

export TZ=America/La_Paz
start_broker
mosquitto_pub --unix "$sock" -V 5 -r -q 1 -t a/b/c -m 'hello, á' -D publish content-type text/plain \
	-D publish response-topic r/t -D publish correlation-data 'c d' -D publish user-property k v \
	-D publish user-property k w -D publish payload-format-indicator 1
mosquitto_pub --unix "$sock" -V 5 -r -q 1 -t a/b/none -m x

# What is not the same twice, a time, is compared by its shape.
both() { # both TOPIC FORMAT
	timeout 10 mosquitto_sub --unix "$sock" -V 5 -q 1 -t "$1" -C 1 -F "$2" >theirs
	timeout 10 iotsub -h "$sock" -V 5 -q 1 -t "$1" -C 1 -F "$2" >ours
	case $2 in *%U* | *I* | *@N*) sed -i 's/[0-9]/9/g' theirs ours ;; esac
	cmp -s theirs ours
	tap $? "$2 on $1"
	cmp -s theirs ours || note "wanted: $(od -c theirs)
got:    $(od -c ours)"
}
# The broker of 2.1 gives topic aliases to who takes them, as iotsub does; mosquitto_sub of 2.1 counts the width of
# hexadecimal digits in bytes, and cuts them off there.
hex='|%20x|%-20x|%020X|%5x' alias='|%A' wide_alias='|%5A'
case $(mosquitto_sub --version) in *' 2.1.'*) hex='' alias='' wide_alias='' ;; esac
for topic in a/b/c a/b/none; do
	both $topic '%t %p %q %r %m %l %x %X %%'
	both $topic "%C|%D|%F|%P|%R$alias|%S|%E"
	both $topic '%10t|%-10t|%.2t|%10.2t|%010t|%2t|%.t'
	both $topic "%12p|%-12p|%012p|%2p|%.2p$hex"
	both $topic '%5l|%-5l|%05l|%-05l|%5m|%05m|%5q|%3r|%3%'
	both $topic "%12C|%-12C|%.3C|%05F|%-5F$wide_alias|%05S|%8R|%.1R"
done
both a/b/c '%I|%30I|%-30I|%.4I|%U'
both a/b/c '@Y|@m|@@|@N|@%|@q'
both a/b/c '\\|\a|\0|\e|\n|\r|\t|\v|'
for wrong in '%y' '%' '%5' '%--5l' '@' '\x'; do
	run iotsub -h "$sock" -t a -F "$wrong"
	exits 2 "$wrong is refused, as mosquitto_sub does"
	run mosquitto_sub --unix "$sock" -t a -F "$wrong"
	[ "$status" -ne 0 ]
	tap $? 'it does'
done
done_testing
