# shellcheck shell=sh
# Certificates for tests, in the present directory. Source it after tests/lib.sh.

elliptic='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes' # quick to make

# authority NAME: a CA, which is a self-signed certificate too: NAME.crt, NAME.key, and what signs.
authority() {
	# shellcheck disable=SC2086
	openssl req -x509 $elliptic -keyout "$1.key" -out "$1.crt" -days 30 \
		-subj "/CN=$1" 2>/dev/null
	cat >"$1.conf" <<-CONF
		[ca]
		default_ca = d
		[d]
		new_certs_dir = .
		database = $1.index
		rand_serial = yes
		certificate = $1.crt
		private_key = $1.key
		default_md = sha256
		policy = p
		[p]
		commonName = supplied
	CONF
}

# certificate NAME AUTHORITY SUBJECT-ALT-NAMES [START END]: NAME.crt, NAME.key.
certificate() {
	# shellcheck disable=SC2086
	openssl req $elliptic -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" \
		2>/dev/null
	printf 'subjectAltName=%s\n' "$3" >"$1.ext"
	: >"$2.index"
	openssl ca -batch -config "$2.conf" -in "$1.csr" -out "$1.crt" -extfile "$1.ext" \
		-startdate "${4:-20250101000000Z}" -enddate "${5:-20991231000000Z}" 2>/dev/null
}
