"""The names that an attest line may have, and what another tool calls the same: made of the
tables of flags and options.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from casnb.policy.attest_options import OLD_VALUES, OPTIONS, Option
from casnb.policy.flags import FLAGS, NEWER, Flag

#: Option by each of its spellings.
BY_NAME: Mapping[str, Option] = {name: o for o in OPTIONS for name in o.names}
#: Flag by its long and its shortest spelling.
FLAG_NAMES: Mapping[str, Flag] = {
    name: f for f in (*FLAGS, *NEWER) for name in {f"--{f.name}", f.option}
}
KNOWN = (*FLAG_NAMES, *BY_NAME)
#: What takes a value.
TAKING = frozenset({*OLD_VALUES, *(name for name, o in BY_NAME.items() if o.value)})
#: With these the command only tells about itself.
TELLING = frozenset(("-h", "--help", "-V", "--version"))
#: Switches off, for one command about sessions, that the CAS has to have been attested.
SKIP_CHECKS = "--only_for_testing-disable-attestation-verification"
#: Where words of assignments and options part.
SPLIT = re.compile(r"[\s=,]+")
#: Words with which other tools say what a flag says: a variable of Gramine's, a status of DCAP's.
ELSEWHERE: Mapping[str, Flag] = {
    word: f
    for f in FLAGS
    for word in (SPLIT.split(f.elsewhere.gramine)[0], SPLIT.split(f.dcap)[0])
    if word.startswith("RA_TLS_") or (word and word in f.dcap)
}
