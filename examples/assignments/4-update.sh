#!/usr/bin/env bash
# Assignment 4: the namespace in language 0.3, and its history from the newest version to the first.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
attest
recall
: "${NS:?run 2-namespace.sh first}"

version() { sed -n "s/^$1: *//p" "$2" | tr -d "'\""; }

scone session read "$NS" > session_read.yml.new
mv session_read.yml.new session_read.yml
NAMESPACE_SESSION_HASH=$(scone session verify session_read.yml | tr -d '[:space:]')
if [ "$(version version session_read.yml)" = 0.2 ]; then
    # An update names the version that it replaces: who has read an older one is refused, and undoes nothing that came since.
    export NS PREDECESSOR=$NAMESPACE_SESSION_HASH
    scone session check "$here/namespace-0.3.yml" --use-env > /dev/null
    NAMESPACE_SESSION_HASH=$(scone session create "$here/namespace-0.3.yml" --use-env | tr -d '[:space:]')
    say "namespace $NS was updated to 0.3"
else
    say "namespace $NS is in $(version version session_read.yml)"
fi

# Kept is the hash of the version that is there now, not of the one that it replaced.
remember NAMESPACE_SESSION_HASH "$NAMESPACE_SESSION_HASH"

hash=$NAMESPACE_SESSION_HASH
while [ "$hash" != null ]; do
    ask "sessions/$NS?hash=$hash" --cert client.pem | jq -er .session > version.yml
    printf '%s %s\n' "$(version version version.yml)" "$hash"
    hash=$(version predecessor version.yml)
    [[ $hash =~ ^([0-9a-f]{64}|null)$ ]] || die "the history of $NS is broken at '$hash'"
done
