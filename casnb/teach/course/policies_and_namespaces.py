"""Exercises of 05: a session's hash, what a method that is not offered says, and who reads what."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from casnb.base import strictjson
from casnb.session.session import Session
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Hex, Option, Pairing
from casnb.teach.facts import Facts

_READERS = {"the creator": "d", "the friend": "c", "anybody": "a"}

_TEXTS = {
    "a": Option("none of the three"),
    "b": Option("version 3"),
    "c": Option("versions 2 and 3"),
    "d": Option("versions 1, 2 and 3"),
    "e": Option("version 2"),
}

_HEAD = {
    "a": Option(
        "The value exists.", "exists", "curl -I on a name that never was gives 405 as well. Try it."
    ),
    "b": Option(
        "The value is private: this client may not read it.",
        "private",
        "A public value answers HEAD with 405 too, to anybody. Compare the three answers in the"
        " notebook.",
    ),
    "c": Option("Nothing about the value: the method is not offered for any."),
    "d": Option(
        "The CAS does not know the certificate that was shown.",
        "certificate",
        "The server takes any certificate, and values need none. The answer is the same with one"
        " and without.",
    ),
}


def _session(facts: Facts) -> Session:
    return Session.from_yaml(
        f'name: lesson-{facts.nonce[:8]}\nversion: "0.3"\naccess_policy: {{read: ANY, update:'
        " NONE}\n"
    )


def _sha(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _without(facts: Facts) -> str:
    return _sha(
        strictjson.compact(
            {k: v for k, v in _session(facts).normalised().items() if k != "predecessor"}
        )
    )


def _gives(who: str, letter: str) -> Any:
    return lambda facts, value: isinstance(value, dict) and value.get(who) == letter


EXERCISES = (
    Exercise(
        id="05.session-hash",
        title="The hash, before anybody is asked",
        question=(
            "A session in language 0.3 is called lesson- followed by the first eight digits of"
            " lab.nonce. Anybody may read it, nobody may update it; it has nothing else, and is the"
            " first of its name. Which hash will it have?"
        ),
        given="lab.nonce; access_policy: {read: ANY, update: NONE}",
        wanted="text: 64 lower-case hex digits",
        hints=(
            "Write the session as YAML. What does a CAS fill in before it computes the hash?",
            (
                "SHA-256 over the compact JSON of the normalised session: version, name,"
                " predecessor, access_policy, in this order."
            ),
            "Session.from_yaml(text).hash, or scone session calculate-hash FILE.",
        ),
        judge=Hex(32),
        reference=lambda facts: _session(facts).hash,
        right=(
            "Right. No policy of it says CREATOR, so nobody's certificate is inside: whoever"
            " uploads it gets this very hash."
        ),
        slips=(
            Slip(
                "of-the-text",
                "This is the hash of YAML text. What is hashed is JSON, in an order of its own.",
                lambda facts: _sha(_session(facts).to_yaml()),
            ),
            Slip(
                "sorted",
                "Here the members were sorted by name. The order is fixed: version, name,"
                " predecessor, access_policy.",
                lambda facts: _sha(
                    json.dumps(_session(facts).normalised(), sort_keys=True, separators=(",", ":"))
                ),
            ),
            Slip(
                "with-blanks",
                "This JSON has blanks after commas and colons, as json.dumps writes it by itself."
                " Give separators.",
                lambda facts: _sha(json.dumps(_session(facts).normalised())),
            ),
            Slip(
                "no-predecessor",
                "Here predecessor is missing. A first version has it too: null.",
                _without,
            ),
            Slip(
                "final-newline",
                "The right text with a newline at its end, as echo adds one. The hash is over the"
                " JSON alone.",
                lambda facts: _sha(strictjson.compact(_session(facts).normalised()) + b"\n"),
            ),
            Slip(
                "nonce",
                "This is the hash of the name alone.",
                lambda facts: _sha(_session(facts).name),
            ),
        ),
    ),
    Exercise(
        id="05.head",
        title="What 405 says",
        question=(
            "curl -I asks for private_value and is answered with 405, without and with the"
            " creator's certificate. What is shown by that?"
        ),
        given="the table of answers to HEAD in this notebook",
        wanted="text: one letter",
        hints=(
            "Which method does curl -I use?",
            "Ask the same way for a value that everybody may read.",
            "All values answer alike. An answer that is always the same tells nothing apart.",
        ),
        judge=Choice(_HEAD),
        reference=lambda facts: "c",
        right=(
            "Right. A test that cannot fail has tested nothing. Ask with GET, and compare with a"
            " name that never was."
        ),
    ),
    Exercise(
        id="05.readers",
        title="Who reads what, today",
        question=(
            "A session has three versions, with read: [CREATOR], then read: ANY, then read:"
            " [CREATOR, the friend's key hash]. The third is the current one. Which texts does the"
            " CAS show today to the creator, the friend, and anybody?"
        ),
        given="the texts a to e",
        wanted=(
            "a dictionary with the keys 'the creator', 'the friend', 'anybody', each with one"
            " letter"
        ),
        hints=(
            "Two policies are asked for an old version: its own, and another one.",
            "The other one is that of the current version. Who is admitted by it?",
            "Creator and friend are. Version 1 admits the creator alone, version 2 everybody.",
        ),
        judge=Pairing(tuple(_READERS), _TEXTS),
        reference=lambda facts: dict(_READERS),
        right=(
            "Right. And whoever read version 2 while it was open may have kept it: closing takes"
            " nothing back."
        ),
        slips=(
            Slip(
                "still-open",
                "Version 2 was open to anybody, and the current version no longer is: both must"
                " admit who asks.",
                lambda facts: _READERS | {"anybody": "e"},
                _gives("anybody", "e"),
            ),
            Slip(
                "all-for-the-friend",
                "The friend is admitted today, and version 1 did not: its own policy is asked too.",
                lambda facts: _READERS | {"the friend": "d"},
                _gives("the friend", "d"),
            ),
            Slip(
                "current-only",
                "The friend sees more than the current version: which old one admitted everybody?",
                lambda facts: _READERS | {"the friend": "b"},
                _gives("the friend", "b"),
            ),
            Slip(
                "current-for-anybody",
                "The current version admits two keys and nobody else.",
                lambda facts: _READERS | {"anybody": "b"},
                _gives("anybody", "b"),
            ),
        ),
    ),
)
