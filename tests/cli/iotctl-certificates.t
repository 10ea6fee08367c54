#!/bin/sh
# Certificates of devices: examples/ca makes them, credential set checks them, doctor watches them, broker sync gives
# their names rules, and a mosquitto that asks for them lets the right ones in.
# shellcheck disable=SC2154 # lib.sh's
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/certificates.sh
. "$top/tests/certificates.sh"

ca() { sh "$top/examples/ca" "$@"; }
run ca
exits 2 'ca without words says which there are'
run ca issue pki D1
exits 1 'nothing is issued without a CA'
ok 'ca init' ca init pki 'Our devices'
run ca init pki
exits 1 'once'
for d in D1 D2 D3; do ca issue pki $d || note "no $d"; done
run ca issue pki 'a/b'
exits 1 'a name that is no client id'
cp pki/ca.key kept.key
run ca issue pki ca
exits 1 'nor is that of the CA, whose key would be another'
ok 'which it keeps' cmp kept.key pki/ca.key
cp pki/D3.key kept.key
run ca issue pki D3 days
exits 1 'a certificate that is not made'
ok 'leaves the key of the one before' cmp kept.key pki/D3.key
is '' "$(find pki -name 'new.*')" 'and nothing else'
# One that has expired, as the CA would have made it.
ca issue pki D4
openssl req -new -config pki/openssl.cnf -key pki/D4.key -subj /CN=D4 -out D4.csr
openssl ca -batch -config pki/openssl.cnf -notext -startdate 20250101000000Z -enddate 20250102000000Z -in D4.csr \
	-out pki/D4.crt 2>/dev/null
ca issue pki D5 20
is 'D1 TLS Web Client Authentication prime256v1' "$(openssl x509 -in pki/D1.crt -noout -text |
	sed -n 's/.*Subject: CN *= *//p; s/.*ASN1 OID: //p; s/^ *\(TLS Web.*\)/\1/p' | sort | tr '\n' ' ' | sed 's/ $//')" \
	'a certificate is for a client of this name, with a P-256 key'
[ "$(stat -c %a pki/D1.key)" = 600 ]
tap $? 'and its key for nobody else'

start_platform
echo device-password >device.pw && chmod 600 device.pw
for d in D1 D2 D3 D4 D5; do
	iotctl device create $d nombre=$d tipo=esp32 ubicacion=x >/dev/null
	iotctl credential create device=$d client_id=$d username=user_$d password@device.pw >/dev/null
	iotctl device-config create $d broker=Laboratorio publish_topic='Datos de Sensores' >/dev/null
done
give() { run iotctl credential set "$1" use_device_cert=yes client_cert@"pki/$2.crt" client_key@"pki/$3.key"; }
give D1 D2 D2
exits 2 "another's certificate"
has "$err" "the certificate is of 'D2' (CN), not of 'D1'" 'is refused'
give D1 D1 D2
exits 2 "another's key"
has "$err" 'the key is not that of the certificate' 'is refused'
give D4 D4 D4
exits 2 'one that has expired'
has "$err" 'the certificate has expired (2025-01-02)' 'is refused'
cp pki/ca.crt pki/authority.crt
cp pki/ca.key pki/authority.key
give D1 authority authority
exits 2 'one that is no client'
echo nothing >pki/odd.crt
give D1 odd D1
exits 2 'what is no certificate'
has "$err" 'the certificate cannot be read: wanted PEM' 'is refused'
run iotctl credential set D1 use_device_cert=yes
exits 2 'none at all'
is false "$(iotctl credential get D1 -o json | jq .use_device_cert)" 'and nothing was sent'
for d in D1 D2 D3 D5; do
	give $d $d $d
	exits 0 "that of $d fits"
done
run iotctl credential set D1 client_id=other
exits 2 'nor does a client id fit then that is another'
run iotctl doctor D1 -o csv
has "$out" 'certificate,ok,expires in 36' 'doctor says how long it counts'
run iotctl doctor D5 -o csv
has "$out" 'certificate,warning,expires in' 'and warns a month before'

# A broker that asks for certificates, and takes the name in them for the user.
authority server
certificate broker server 'IP:127.0.0.1'
tls=$(free_port)
cat >>mosquitto.conf <<-END
	acl_file $T/acl
	listener $tls 127.0.0.1
	cafile $T/pki/ca.crt
	crlfile $T/pki/ca.crl
	certfile $T/broker.crt
	keyfile $T/broker.key
	require_certificate true
	use_identity_as_username true
END
sed -i '1i per_listener_settings false' mosquitto.conf
run iotctl broker sync Laboratorio --driver files --dir "$T" --reload true
exits 1 'broker sync'
has "$out" "  login 'D1'
+   topic write iot/sensors/D1/data" 'gives the name in the certificate its rules, and asks for no password'
has "$out" "? login 'user_D4': its password is not known here" 'as it does of who has none'
restart_broker
wait_for 10 port_open "$tls"

echo device,client_id,username,password,cert,key >fleet.csv
for d in D1 D2 D3 D4; do echo "$d,$d,,,$T/pki/$d.crt,$T/pki/$d.key" >>fleet.csv; done
echo "D5,D5,,,$T/pki/D1.crt,$T/pki/D1.key" >>fleet.csv
chmod 600 fleet.csv
device() { # device ID [WORDS...]: as iotpub does with the device's own certificate
	d=$1
	shift
	run iotpub "$d" temperature=21 -C 1 -L "mqtts://127.0.0.1:$tls" --cafile server.crt --credentials fleet.csv "$@"
}
for v in 5 311; do
	device D1 -V $v
	exits 0 "MQTT $v: the device comes in by its certificate"
	device D4 -V $v
	exits 5 "MQTT $v: not with one that has expired"
	has "$err" 'TLS' 'which it is told'
done
device D5
exits 4 'with that of another, not under its own topics'
run iotpub -L "mqtts://127.0.0.1:$tls" --cafile server.crt -t a -m b
exits 5 'nor without'
ca issue pki D2
ca revoke pki D2
is 2 "$(grep -c '^R.*/CN=D2$' pki/index.txt)" 'revoked are all certificates of a device, not the last one only'
kill -HUP "$broker_pid"
wait_for 10 grep -q Reloading mosquitto.log
revoked() { device D2; [ "$status" -eq 5 ]; }
wait_for 15 revoked
tap $? 'nor with one that is revoked'
device D3
exits 0 'others go on'
done_testing
