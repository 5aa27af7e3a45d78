"""Exercises of 05: a session's hash, what a method that is not offered says, and who reads what."""

from __future__ import annotations

import re
from typing import Any

from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Hex, Option, Text
from casnb.teach.course.misreadings import reading_slips
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.session_misreadings import SESSION, lesson_session
from casnb.teach.course.slips import Slip
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
        "The value exists.",
        "exists",
        "curl -I on a name that never was gives 405 as well. Try it.",
        holds="405 shows that the value exists",
    ),
    "b": Option(
        "The value is private: this client may not read it.",
        "private",
        "A public value answers HEAD with 405 too, to anybody. Compare the three answers in the"
        " notebook.",
        holds="405 shows that the value is private",
    ),
    "c": Option("Nothing about the value: the method is not offered for any."),
    "d": Option(
        "The CAS does not know the certificate that was shown.",
        "certificate",
        "The server takes any certificate, and values need none. The answer is the same with one"
        " and without.",
        holds="405 shows that the certificate is unknown",
    ),
}


def _gives(who: str, letter: str) -> Any:
    return lambda facts, value: isinstance(value, dict) and value.get(who) == letter


EXERCISES = (
    Exercise(
        id="05.session-hash",
        title="The hash, before anybody is asked",
        name="session_hash",
        code=(
            "session_hash = Session.from_yaml(\n    f'name: lesson-{lab.nonce[:8]}\\nversion:"
            ' "0.3"\\n\'\n    "access_policy: {read: ANY, update: NONE}"\n).hash'
        ),
        why="The CAS fills in the predecessor, null, and hashes compact JSON.",
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
        answer=lambda facts: lesson_session(facts).hash,
        right=(
            "Right. No policy of it says CREATOR, so nobody's certificate is inside: whoever"
            " uploads it gets this very hash."
        ),
        slips=reading_slips(SESSION),
    ),
    Exercise(
        id="05.head",
        title="What 405 says",
        name="what_405_says",
        why="Nothing: the method is offered for no value, so the answer is always the same.",
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
        right=(
            "Right. A test that cannot fail has tested nothing. Ask with GET, and compare with a"
            " name that never was."
        ),
    ),
    Exercise(
        id="05.readers",
        title="Who reads what, today",
        name="who_reads",
        why="The creator sees all three, the friend what both policies allow, anybody nothing.",
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
        judge=Pairing(
            tuple(_READERS),
            _TEXTS,
            {
                "the creator": "CREATOR is admitted by every one of the three.",
                "the friend": "An old version asks its own policy and the current one.",
                "anybody": "An old version asks its own policy and the current one.",
            },
        ),
        answer=lambda facts: dict(_READERS),
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
                holds="an old version stays open to whom it was open",
            ),
            Slip(
                "all-for-the-friend",
                "The friend is admitted today, and version 1 did not: its own policy is asked too.",
                lambda facts: _READERS | {"the friend": "d"},
                _gives("the friend", "d"),
                holds="whoever is admitted now may read everything before",
            ),
            Slip(
                "current-only",
                "The friend sees more than the current version: which old one admitted everybody?",
                lambda facts: _READERS | {"the friend": "b"},
                _gives("the friend", "b"),
                holds="a new reader sees the current version alone",
            ),
            Slip(
                "current-for-anybody",
                "The current version admits two keys and nobody else.",
                lambda facts: _READERS | {"anybody": "b"},
                _gives("anybody", "b"),
                holds="anybody may read the current version",
            ),
        ),
    ),
    Exercise(
        id="05.full-name",
        title="The name of a session",
        name="full_name",
        code=lambda facts: f"full_name = {_full(facts)!r}",
        why="The namespace, a slash, and the name: the CAS knows a session by no other.",
        question=lambda facts: (
            f"In the namespace `{_namespace(facts)}` you create the session `{_app(facts)}`. What"
            f" does a client write for it, as in /v1/values/session=NAME,secret=token?"
        ),
        given="the sessions of this notebook, and how they are read",
        wanted="text: the whole name of the session",
        hints=(
            "Which name did the session `private_public_values` have in this notebook?",
            "A namespace is a session below which others are created.",
            "NAMESPACE/SESSION",
        ),
        judge=Text(),
        answer=lambda facts: _full(facts),
        right="Right. Another namespace may hold a session of the same last name.",
        slips=(
            Slip(
                "no-namespace",
                "The last name alone: the CAS looks for a session of that name at the top, and says"
                " that there is none.",
                lambda facts: _app(facts),
                holds="a session is found by its last name",
            ),
            Slip(
                "namespace-alone",
                "This is the namespace. The session below it is asked for.",
                lambda facts: _namespace(facts),
                holds="the namespace stands for what is in it",
            ),
            Slip(
                "leading-slash",
                "No slash at the start: names have no root.",
                lambda facts: "/" + _full(facts),
                form=True,
            ),
            Slip(
                "other-separator",
                "Namespace and name are joined by a slash.",
                lambda facts: _full(facts).replace("/", "."),
                lambda facts, v: (
                    isinstance(v, str)
                    and v != _full(facts)
                    and re.sub(r"[.:_#\\ -]+|::", "/", v) == re.sub("[_-]", "/", _full(facts))
                ),
                holds="namespaces are joined by another sign",
            ),
            Slip(
                "reversed",
                "The namespace comes first.",
                lambda facts: f"{_app(facts)}/{_namespace(facts)}",
                holds="the session's name comes before its namespace",
            ),
            Slip(
                "with-secret",
                "Too far: the secret is another member of the request.",
                lambda facts: _full(facts) + "/token",
                lambda facts, v: isinstance(v, str) and v.startswith(_full(facts) + "/"),
                holds="the secret belongs to the session's name",
            ),
        ),
    ),
    Exercise(
        id="05.creator",
        title="The creator and a private value",
        name="creator_reads",
        why="The policy text is the creator's to read; a value is shown by /v1/values only if it is"
        " public.",
        question=(
            "A session has a private value. Its creator asks /v1/values for it, with the right"
            " certificate. What comes back?"
        ),
        given="the table of answers to GET in this notebook",
        wanted="one letter, as text",
        hints=(
            "Look at the second row of the table of values.",
            "Which answer did the name get that never was?",
            "The same: the CAS does not say which of the two it is.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "The value: the creator owns it.",
                    "creator-reads",
                    "Owning the policy is one thing. A value that is not exported is given to"
                    " services that attest, and to nobody through /v1/values.",
                    "a private value is shown to its creator",
                ),
                "b": Option(
                    "The same as for a name that never was.",
                ),
                "c": Option(
                    "A refusal that says that the value is private.",
                    "refusal-tells",
                    "That would tell that it exists. The CAS does not.",
                    "a CAS says that a value is private",
                ),
                "d": Option(
                    "The value, encrypted with the creator's key.",
                    "encrypted",
                    "Nothing is encrypted to a client here: TLS protects the way, and the policy"
                    " decides.",
                    "private values come encrypted to their creator",
                ),
            }
        ),
        right="Right. And yet the value stands in the policy text, which the creator may read.",
    ),
    Exercise(
        id="05.again",
        title="Delete it and create it again?",
        name="start_over",
        why="A version has to name the one before it, and a CAS deletes none.",
        question=(
            "A colleague wants to correct a session: *delete it, and create it again under the same"
            " name*. What becomes of that?"
        ),
        given="versions, predecessors and hashes of this notebook",
        wanted="one letter, as text",
        hints=(
            "What does the CAS want to know of a text whose name it has already?",
            "The hash of the predecessor is in every version.",
            "A CAS deletes no session: a correction is a new version.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "It works, and the old text is gone.",
                    "old-text-gone",
                    "Old versions stay, and whoever their policies admit may read them.",
                    "a session can be deleted with its history",
                ),
                "b": Option(
                    "The text is refused without the predecessor's hash: a correction is a new"
                    " version.",
                ),
                "c": Option(
                    "It works, and its hash is the one it had before.",
                    "hash-comes-back",
                    "The hash covers the text, which names its predecessor: no later version has an"
                    " earlier one's hash.",
                    "a session that is created again has its old hash",
                ),
                "d": Option(
                    "Anybody can do that, since the name is free in between.",
                    "name-free",
                    "The name is never free: its versions stay, and the current one says who may"
                    " update it.",
                    "deleting a session frees its name",
                ),
            }
        ),
        right="Right. Read the current version, change it, name its hash, send it.",
    ),
    Exercise(
        id="05.which-session",
        title="The value of the wrong session",
        name="which_session",
        why="A value has a name only within its session; two sessions may use the same.",
        question=(
            "Your program gets `token` from a CAS that you attested, over the pinned"
            " connection, and"
            " the value is not the one you stored. Nobody attacked. What is the likeliest cause?"
        ),
        given="the request: /v1/values/session=NAME,secret=token",
        wanted="one letter, as text",
        hints=(
            "Which parts has the name of a value?",
            "What does `token` mean without the rest?",
            "Two sessions may each have a `token`.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "The CAS is an impostor after all.",
                    "impostor",
                    "It was attested, and the connection is pinned to its certificate.",
                    "a wrong value means a wrong CAS",
                ),
                "b": Option("The request names another session, which has a `token` too."),
                "c": Option(
                    "TLS changed the value on its way.",
                    "tls-changed",
                    "TLS protects what it carries against changes.",
                    "TLS may change a value",
                ),
                "d": Option(
                    "A value's name is known to one session alone, so it must be old.",
                    "names-are-global",
                    "Names of values count within their session only.",
                    "the names of values are unique in a CAS",
                ),
            }
        ),
        right="Right. Attestation says who answers. What you asked for is up to you.",
    ),
)


#: Namespaces and sessions that the question may use; the lesson's are the first.
_NAMESPACES = ("my_assignment-4711", "team-7", "payments", "clinic-west", "archive-2026", "lab_42x")
_APPS = ("app", "database", "backup", "web", "ledger", "mail")


def _namespace(facts: Facts) -> str:
    return facts.draw("05.namespace", _NAMESPACES)


def _app(facts: Facts) -> str:
    return facts.draw("05.app", _APPS)


def _full(facts: Facts) -> str:
    return f"{_namespace(facts)}/{_app(facts)}"
