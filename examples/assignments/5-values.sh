#!/usr/bin/env bash
# Assignment 5: a value that everybody may read, and one that nobody is shown, not even who wrote it.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
attest
recall
: "${NS:?run 2-namespace.sh and 4-update.sh first}"
values="$NS/private_public_values"

if ! scone session read "$values" > /dev/null 2>&1; then
    scone session create "$here/values.yml" -e NS="$NS" > /dev/null
    say "session $values was created"
fi

[ "$(ask "values/session=$values,secret=public_value" | jq -er .value)" = 42 ] || die "public_value is not 42"

# Asked with GET, since HEAD is answered with 405 whatever the value is. What is refused is compared with what never was.
ask "values/session=$values,secret=no_such_value" > never.json
refused() {
    local status
    status=$(ask "values/session=$values,secret=private_value" -o private.json -w '%{http_code}' "$@")
    [ "$status" = 404 ] || die "asked for private_value, the CAS answered with $status"
    diff <(sed s/no_such_value/private_value/ never.json) private.json > /dev/null || die "the answer shows that private_value is there"
}
refused
refused --cert client.pem
printf '%s\n' "public_value is 42; private_value is refused without and with the creator's key"
