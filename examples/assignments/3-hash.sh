#!/usr/bin/env bash
# Assignment 3: compute the hash of the namespace from its text, and ask for exactly that version.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
attest
recall
: "${NS:?run 2-namespace.sh first}"

scone session read "$NS" > session_read.yml.new
mv session_read.yml.new session_read.yml
COMPUTED_NAMESPACE_HASH=$(scone session verify session_read.yml | tr -d '[:space:]')
remember COMPUTED_NAMESPACE_HASH "$COMPUTED_NAMESPACE_HASH"

# The same by curl: who asks is known by the key behind client.pem, and the hash says which version is wanted.
ask "sessions/$NS?hash=$COMPUTED_NAMESPACE_HASH" --cert client.pem > session.json
[ "$(jq -r .hash session.json)" = "$COMPUTED_NAMESPACE_HASH" ] || die "the CAS answered with another version"
jq -j .session session.json | cmp -s - session_read.yml || die "scone and curl read different texts"

# Without the key the answer is no: 403.
[ "$(ask "sessions/$NS?hash=$COMPUTED_NAMESPACE_HASH" -o /dev/null -w '%{http_code}')" = 403 ] \
    || die "a stranger may read the namespace"
printf '%s\n' "$COMPUTED_NAMESPACE_HASH"
