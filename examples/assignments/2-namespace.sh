#!/usr/bin/env bash
# Assignment 2: a namespace of one's own. Run it as often as you like; it is created once.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
attest
recall

# The name is kept before it is used: whoever is stopped in between finds the session that he made.
if [ -z "${NS:-}" ]; then
    user=${USER:-student}
    NS="my_assignment-${user//[^A-Za-z0-9_-]/_}-$RANDOM$RANDOM"
    remember NS "$NS"
fi

# What is there stays. Should reading have failed for another reason, creating is refused as well, and the script ends.
if scone session read "$NS" > session_read.yml.new 2> /dev/null; then
    NAMESPACE_SESSION_HASH=$(scone session verify session_read.yml.new | tr -d '[:space:]')
    say "namespace $NS is there"
else
    NAMESPACE_SESSION_HASH=$(scone session create "$here/namespace-0.2.yml" -e NS="$NS" | tr -d '[:space:]')
    say "namespace $NS was created"
fi
rm session_read.yml.new
remember NAMESPACE_SESSION_HASH "$NAMESPACE_SESSION_HASH"
printf '%s\n' "$NS"
