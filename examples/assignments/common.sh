# What the scripts of this folder share; sourced by them.
#
# Wanted in the environment: CAS_ADDR, CAS_PORT, CAS_PAGE_URL, CASNB_ROOTS, as `casnb serve --env-file` writes them.
# Kept in the folder where they run: cas_cert.crt, client.pem, state.env. A file is written beside its place and then moved
# there, so that it is never half a file.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=${SCONE_CLI_CONFIG:-$HOME/.cas/config.json}
: "${CAS_ADDR:?start a CAS and read its variables first: casnb serve --background --env-file cas.env; . ./cas.env}"

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# remember NAME VALUE: keep a variable for later runs and later scripts.
remember() {
    { grep -v "^export $1=" state.env 2> /dev/null || true; printf 'export %s="%s"\n' "$1" "$2"; } > state.env.new
    mv state.env.new state.env
}

# recall: set what was kept.
recall() { if [ -f state.env ]; then . ./state.env; fi; }

# attest: have the CAS attested, its certificates in cas_cert.crt and the own key in client.pem. Done once: where the file is, it was.
attest() {
    if [ ! -s cas_cert.crt ]; then
        local mrenclave
        mrenclave=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")
        scone cas attest -G --mrenclave "$mrenclave" --only_for_testing-ignore-signer --only_for_testing-debug "$CAS_ADDR" >&2
        scone cas show-certificate > cas_cert.crt.new
        openssl x509 -in cas_cert.crt.new -noout -checkend 0 > /dev/null || die "the CAS's certificate has expired"
        mv cas_cert.crt.new cas_cert.crt
    fi
    (umask 077; printf '%s\n' "$(jq -er .identity "$config")" > client.pem.new)
    mv client.pem.new client.pem
}

# ask PATH [OPTION...]: one request to the CAS, over TLS that is held to the attested certificates.
ask() {
    local path=$1; shift
    curl -sS --cacert cas_cert.crt --connect-to "cas:8081:${CAS_ADDR%:*}:${CAS_PORT:-8081}" "$@" "https://cas:8081/v1/$path"
}
