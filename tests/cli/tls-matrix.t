#!/bin/sh
# Every way in which a broker's TLS can be wrong, over TCP and over WebSocket: refused, with one line
# that a person can act on; next to the same with nothing wrong, which connects.
# slow: a connection for each pair of certificate and demand
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

authority right-ca
authority other-ca
authority self
certificate good right-ca DNS:localhost,IP:127.0.0.1
certificate name right-ca DNS:mq.example,DNS:*.iot.example
certificate noip right-ca DNS:localhost
certificate old right-ca DNS:localhost 20240101000000Z 20250102000000Z
certificate early right-ca DNS:localhost 20980101000000Z 20990101000000Z
certificate unknown other-ca DNS:localhost,IP:127.0.0.1
certificate device right-ca DNS:none
certificate stranger other-ca DNS:none

# listener NAME CERTIFICATE [LINE...]: two ports, over TCP and over WebSocket.
: >listeners
listener() {
	name=$1
	cert=$2
	shift 2
	for kind in mqtts wss; do
		p=$(free_port)
		eval "${kind}_$name=$p"
		{
			echo "listener $p 127.0.0.1"
			[ $kind = mqtts ] || echo "protocol websockets"
			echo "allow_anonymous true"
			[ -z "$cert" ] || printf 'certfile %s\nkeyfile %s\n' \
				"$T/$cert.crt" "$T/$cert.key"
			for l in "$@"; do echo "$l"; done
		} >>listeners
	done
}
listener good good
listener name name
listener noip noip
listener old old
listener early early
listener unknown unknown
listener self self
listener strict good "require_certificate true" "cafile $T/right-ca.crt"
listener bare ""
set --
while read -r l; do set -- "$@" "$l"; done <listeners
start_broker "per_listener_settings true" "allow_anonymous true" "$@"
wait_for 10 grep -q running mosquitto.log || note "$(cat mosquitto.log)"

# server NAME OPTION...: OpenSSL's own, for the handshakes that mosquitto does not get wrong.
server() {
	name=$1
	shift
	p=$(free_port)
	eval "mqtts_$name=$p wss_$name=$p"
	openssl s_server -accept "127.0.0.1:$p" -cert good.crt -key good.key "$@" \
		>"$name.out" 2>&1 </dev/zero &
	pids="$pids $!"
	wait_for 10 grep -q ACCEPT "$name.out" || note "$(cat "$name.out")"
}
server eleven -tls1_1 -cipher ALL:@SECLEVEL=0
server twelve -tls1_2
cat >sni.py <<'PY'
import socket, ssl, sys
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("good.crt", "good.key")
c.set_alpn_protocols(["mqtt", "http/1.1"])
names = []
c.sni_callback = lambda s, name, ctx: names.append(name)
l = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    try:
        s = c.wrap_socket(l.accept()[0], server_side=True)
        print(names[-1], s.selected_alpn_protocol(), flush=True)
        s.close()
    except OSError:
        pass
PY
mqtts_sni=$(free_port)
bg python3 sni.py "$mqtts_sni" >sni.out

port() { eval "echo \$${1}_$2"; } # port KIND NAME
refused() { # refused NAME HOST REASON OPTION...: over both kinds
	name=$1
	host=$2
	reason=$3
	shift 3
	for kind in mqtts wss; do
		p=$(port $kind "$name")
		run iotsub -L "$kind://$host:$p" -W 9 -t a "$@"
		exits 5 "$kind: $name refused at $host $*"
		is "iotsub: cannot reach broker '$host:$p': TLS: $reason" "$(wherever "$err")" "... and why"
	done
}
connects() { # connects NAME HOST OPTION...: over both kinds
	name=$1
	host=$2
	shift 2
	for kind in mqtts wss; do
		run iotpub -L "$kind://$host:$(port $kind "$name")" -t a -m b -q 1 "$@"
		is "0 " "$status $err" "$kind: $name connects at $host $*"
	done
}
ca="--cafile right-ca.crt"
versions="it speaks no TLS version that is accepted here: 1.2 is the least, see --tls-version"
mkdir cas
cp right-ca.crt cas
openssl rehash cas

# shellcheck disable=SC2086 # $ca is two words
{
	connects good localhost $ca
	connects good 127.0.0.1 $ca
	connects good localhost --capath cas
	connects noip localhost $ca
	refused name localhost \
		"certificate is not for 'localhost' but for mq.example, *.iot.example" $ca
	refused noip 127.0.0.1 "certificate is not for '127.0.0.1' but for localhost" $ca
	refused old localhost "certificate expired 2025-01-02" $ca
	refused early localhost "certificate is not valid before 2098-01-01" $ca
	refused unknown localhost "certificate is signed by an unknown CA: 'other-ca'" $ca
	refused good localhost "certificate is signed by an unknown CA: 'right-ca'"
	refused self localhost "certificate is signed by itself: 'self' (--cafile can trust it)" $ca
	refused self localhost "certificate is not for 'localhost' but for no name at all" \
		--cafile self.crt
	refused eleven localhost "$versions" $ca
	refused twelve localhost "$versions" $ca --tls-version 1.3
	connects good localhost $ca --tls-version 1.3
	connects good localhost $ca --tls-version tlsv1.2
	run iotsub -L "mqtts://localhost:$(port mqtts bare)" -W 9 -t a $ca
	is "5 iotsub: cannot reach broker 'localhost:$(port mqtts bare)': TLS: it closed the connection during the handshake: is this its TLS port?" \
		"$status $(wherever "$err")" "mqtts: a port without TLS"
	run iotsub -L "wss://localhost:$(port wss bare)" -W 9 -t a $ca
	# What mosquitto says to TLS there is its version's.
	is "5 iotsub: cannot reach broker 'localhost:$(port wss bare)': TLS: it does not speak TLS on this port" \
		"$status $(wherever "$err" | sed 's/it closed the connection during the handshake: is this its TLS port?/it does not speak TLS on this port/')" \
		"wss: a port without TLS"
}

# Client certificates: given, not given, of somebody unknown; keys with a passphrase.
openssl pkey -in device.key -aes256 -passout pass:sesame -out locked.key 2>/dev/null
cat device.crt device.key >both.pem
printf 'sesame\n' >right.pass
printf 'simsim\n' >wrong.pass
chmod 600 right.pass wrong.pass
# shellcheck disable=SC2086
{
	connects strict localhost $ca --cert device.crt --key device.key
	connects strict localhost $ca --cert both.pem
	connects strict localhost $ca --cert device.crt --key locked.key \
		--keypass-file right.pass
	refused strict localhost "the broker asked for a client certificate (--cert)" $ca
}
# A device of two whose certificate has gone when it connects again: it is over, and the other goes on.
cp device.crt going.crt
(umask 077 && printf '%s\n' device,cert,key "D_1,$T/going.crt,$T/device.key" "D_2,$T/device.crt,$T/device.key" \
	>fleet.csv)
iotpub -h localhost -p "$(port mqtts strict)" --cafile right-ca.crt --credentials fleet.csv D_1 D_2 \
	--fault flap=1 --interval 300ms -C 4 >/dev/null 2>going.err &
p=$!
pids="$pids $p"
wait_for 10 grep -q 'as D_2' mosquitto.log
rm going.crt
wait $p
is 1 $? "iotpub: a device whose certificate has gone: 1"
has "$(cat going.err)" '1 of 2 devices failed' "the other one goes on"
# The alert may be lost on its way: the broker closes the connection right behind it.
for kind in mqtts wss; do
	run iotsub -L "$kind://localhost:$(port $kind strict)" --cafile right-ca.crt -t a -W 9 \
		--cert stranger.crt --key stranger.key
	case $err in
	*"TLS: the broker ended the connection: unknown CA") ;;
	*"TLS: it closed the connection when it had our certificate: it may not trust it") ;;
	*) err="neither of the two: $err" ;;
	esac
	is "5 TLS" "$status $(expr "$err" : ".*: \\(TLS\\): ")" "$kind: a client certificate of somebody unknown"
done
unusable() { # unusable LINE OPTION...
	line=$1
	shift
	run iotsub -L "mqtts://localhost:$(port mqtts strict)" --cafile right-ca.crt -t a -W 9 "$@"
	is "2 iotsub: $line" "$status $err" "cannot be used: $*"
}
unusable "cannot use key 'locked.key': it has a passphrase (--keypass-file)" \
	--cert device.crt --key locked.key
unusable "cannot use key 'locked.key': its passphrase is another one" \
	--cert device.crt --key locked.key --keypass-file wrong.pass
unusable "cannot use key 'device.crt': there is no private key in it" --cert device.crt
unusable "cannot use key 'stranger.key': key values mismatch" \
	--cert device.crt --key stranger.key
unusable "cannot use certificate 'none.crt': No such file or directory" --cert none.crt
unusable "--keypass-file needs --cert" --keypass-file right.pass
chmod 644 right.pass
unusable "'right.pass' holds a secret and others may read it: chmod 600 it" \
	--cert device.crt --key locked.key --keypass-file right.pass

# What the handshake says of us: the name that was given, although its address was looked up, and none
# for an address; and the protocol.
says() { # says WANTED URL OPTION...
	wanted=$1
	url=$2
	shift 2
	: >sni.out
	wait_for 10 sh -c "iotsub -L '$url' --cafile right-ca.crt -t a -W 5 $*; test -s sni.out"
	is "$wanted" "$(head -n 1 sni.out)" "said in the handshake with $url $*"
}
says "localhost None" "mqtts://localhost:$mqtts_sni"
says "None None" "mqtts://127.0.0.1:$mqtts_sni"
says "localhost mqtt" "mqtts://localhost:$mqtts_sni" --tls-alpn mqtt
says "localhost http/1.1" "wss://localhost:$mqtts_sni"
says "None http/1.1" "wss://127.0.0.1:$mqtts_sni"

done_testing
