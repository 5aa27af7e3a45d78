"""The whole session language: every error names its line and its cure, and every session
survives its read-back.
"""

from __future__ import annotations

import json
import re
import tracemalloc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import CasnbError, EvidenceError, UsageError
from casnb.cas.client_identity import ClientIdentity
from casnb.policy.translation import WORDS
from casnb.session.access import Quorum, Signer
from casnb.session.explain import explain, explained, warnings
from casnb.session.material import make_key
from casnb.session.session import Session
from casnb.session.yaml import LIMIT

HEAD = 'name: s\nversion: "0.3"\n'
M = "0a" * 32
ME = ClientIdentity.create()
ED25519 = "LtLcbPVddnCkH36ZcRdgYsw4H8xDbYaFZfuefkDc25uq2qdjmM"

# Errors: line, path, cure

WRONG = [
    (
        "acces_policy: {}",
        "session: acces_policy at line 3: got member 'acces_policy'",
        "Did you mean access_policy?",
    ),
    ("tags: [x]", "tags at line 3: got member 'tags', of language 0.1", 'Write version: "0.3"'),
    (
        "access_policy:\n  read:\n  - creator",
        "access_policy.read[0] at line 5 column 5: got 'creator'",
        "Write CREATOR, in capitals.",
    ),
    (
        "access_policy:\n  read:\n    - 2" + "a" * 49,
        "access_policy.read[0] at line 5",
        "a typing error?",
    ),
    (
        f"access_policy:\n  update: {ED25519}",
        "access_policy.update at line 4",
        f"write `signer: {ED25519}`",
    ),
    (
        "access_policy:\n  read: [ANY, CREATOR]",
        "access_policy.read at line 4 column 9: got ANY with others",
        "ANY alone",
    ),
    (
        "access_policy:\n  read: [{signer: x}]",
        "access_policy.read[0] at line 4",
        "in update and create_sessions",
    ),
    (
        "access_policy:\n  update: [{require-all: [ANY]}]",
        "access_policy.update[0].require-all[0] at line 4",
        "ANY stands alone",
    ),
    (
        "access_policy:\n  update: [{require-at-least-3: [CREATOR]}]",
        "require-at-least-3 at line 4",
        "More are needed than are listed.",
    ),
    (
        "access_policy:\n  update: [{require-all: [CREATOR, CREATOR]}]",
        "require-all at line 4",
        "One key is not two people.",
    ),
    (
        "access_policy:\n  update: [{signer: nonsense}]",
        "update[0].signer at line 4",
        "a public key in PEM",
    ),
    (
        "secrets:\n- name: a\n  kind: asci",
        "secrets[0].kind at line 5 column 9: got 'asci'",
        "Did you mean ascii?",
    ),
    (
        "secrets:\n- name: a\n  kind: ascii\n  size: big",
        "secrets[0].size at line 6",
        "a number from 1 to 4096",
    ),
    (
        "secrets:\n- name: a\n  kind: ascii\n  key_type: P-256",
        "secrets[0].key_type at line 6",
        "belongs to kind private-key",
    ),
    (
        "secrets:\n- name: a\n  kind: binary\n  value: xyz",
        "secrets[0].value at line 6",
        "xxd -p FILE",
    ),
    (
        "secrets:\n- name: a\n  kind: private-key\n  value: xyz",
        "secrets[0].value at line 6",
        "begins a text of several lines",
    ),
    (
        "secrets:\n- {name: a, kind: ascii}\n- {name: a, kind: ascii}",
        "secrets[1].name at line 5",
        "Rename one of them.",
    ),
    (
        "secrets:\n- {name: c, kind: x509}",
        "secrets[0].private_key at line 4",
        "is for a key of this session",
    ),
    (
        "secrets:\n- {name: c, kind: x509, private_key: k}",
        "private_key at line 4 column 38: got 'k', which is not there",
        "private-key",
    ),
    (
        (
            "secrets:\n- {name: k, kind: private-key}\n- {name: c, kind: x509, private_key: k,"
            " issuer: k}"
        ),
        "secrets[1].issuer at line 5",
        "which is of kind private-key",
    ),
    (
        (
            "secrets:\n- {name: k, kind: private-key}\n- {name: a, kind: x509-ca, private_key: k,"
            " issuer: b}\n- {name: b, kind: x509-ca, private_key: k, issuer: a}"
        ),
        "secrets[1].issuer at line 5",
        "Leave issuer out",
    ),
    (
        (
            "secrets:\n- {name: k, kind: private-key}\n- {name: a, kind: x509-ca, private_key: k,"
            " issuer: a}"
        ),
        "got certificates that issue each other",
        "Leave issuer out",
    ),
    (
        "secrets:"
        + "".join(f"\n- {{name: k{n}, kind: private-key, key_type: RSA-2048}}" for n in range(5)),
        "secrets at line 4",
        "at most 4 RSA keys to be made",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, import: {session: ../../b, secret: c}}",
        "secrets[0].import at line 4",
        "no more ../ than",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, export: {}}",
        "secrets[0].export at line 4",
        "either session or namespace",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, import: {session: b}}",
        "secrets[0].import at line 4",
        "Say which it is.",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, import: '/session=b'}",
        "secrets[0].import at line 4",
        "Say which it is.",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, value: x, import: {session: b, secret: c}}",
        "value at line 4",
        "Take one of them out.",
    ),
    (
        "services:\n- name: web",
        "services[0].attestation at line 4",
        "Say which enclave may run this service",
    ),
    (
        "services:\n- {name: web, attestation: {}}",
        "services[0].attestation at line 4",
        "would let any enclave in",
    ),
    (
        "services:\n- {name: web, attestation: {mrenclave: ABC}}",
        "attestation.mrenclave at line 4",
        "SCONE_HASH=1",
    ),
    (
        f"services:\n- {{name: web, attestation: {{signer: {{mrsinger: {M}}}}}}}",
        "member 'mrsinger'",
        "Did you mean mrsigner?",
    ),
    (
        (
            f"services:\n- {{name: web, attestation: {{signer: {{mrsigner: {M}, isvprodid: 1,"
            " isvsvn_min: 3, isvsvn_max: 2}}}"
        ),
        "isvsvn_min at line 4",
        "at most isvsvn_max, 2",
    ),
    (
        (
            f"services:\n- {{name: web, attestation: {{mrenclave: {M}}}}}\n- {{name: web,"
            f" attestation: {{mrenclave: {M}}}}}"
        ),
        "services[1].name at line 5",
        "Rename one of them.",
    ),
    (
        "security:\n  attestation:\n    tolerate: [debug]\n    mode: hardwar",
        "security.attestation.mode at line 6",
        "mean hardware?",
    ),
    (
        "security:\n  attestation:\n    tolerate:\n    - outdated",
        "tolerate[0] at line 6",
        "mean outdated-tcb?",
    ),
    (
        'security:\n  attestation:\n    ignore_advisories: "*"',
        "ignore_advisories at line 5",
        "that tolerates debug-mode",
    ),
    (
        "security:\n  attestation:\n    ignore_advisories: [SA-1]",
        "ignore_advisories[0] at line 5",
        "INTEL-SA- and five digits",
    ),
    (
        "predecessor: abc",
        "session: predecessor at line 3 column 14: got 'abc'",
        "scone session verify",
    ),
    ("predecessor: &a x", "predecessor at line 3 column 14: got an anchor", "Write it out"),
    (
        "volumes: {? " + "k" * 300 + " : x}",
        "volumes at line 3",
        "a key of 300 characters, where 256 are the most",
    ),
    ("predecessor: '~'", "predecessor at line 3 column 14: got '~'", "Take off the quotes"),
    ("secrets:\n- name: a\n  kind: ASCII", "secrets[0].kind at line 5", "mean ascii?"),
    ("secrets:\n- name: a\n  knd: ascii", "secrets[0].knd at line 5", "mean kind?"),
    (
        "secrets:\n- {name: a, kind: ascii, value: true}",
        "secrets[0].value at line 4",
        "In quotes it is text.",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, value: x, size: big}",
        "secrets[0].size at line 4",
        "Write digits alone",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, size: 010}",
        "secrets[0].size at line 4 column 32: got '010'",
        "Write digits alone",
    ),
    (
        "secrets:\n- {name: a, kind: ascii, export_public: no}",
        "export_public at line 4",
        "Write one of these words",
    ),
    ("access_policy: ANY", "access_policy at line 3 column 16: got 'ANY'", "`key: value`"),
    (
        "access_policy:\n- read",
        "access_policy at line 4 column 1: got a list",
        "Take off the dashes",
    ),
    (
        "access_policy:\n  <<: {read: ANY}",
        "access_policy.<< at line 4 column 3: got a merge key",
        "Write them out.",
    ),
    (
        "access_policy:\n  read: ANY\n  read: NONE",
        "access_policy.read at line 5 column 3: got 'read' twice",
        "the first is at line 4",
    ),
    ("---\nname: t", "session at line 3 column 1: got a second document", "a file of its own"),
    ("# \x07", "session at line 3 column 3: got U+0007", "Take it out."),
    (
        "access_policy:\n\tread: ANY",
        "session at line 4 column 1: got text that is not YAML",
        "not with tabs",
    ),
    (
        "access_policy:\n  read:\n  - ANY\n   update: ANY",
        "session at line 6 column 10",
        "this line is indented wrongly",
    ),
    ("access_policy:\n  read: ANY\n   update: ANY", "session at line 5", "indented wrongly"),
    (
        "access_policy:\n    read: ANY\n  update: ANY",
        "session at line 5",
        "Indent the line like those",
    ),
    (
        'secrets:\n- name: "a\n  kind: ascii\n- name: b',
        "session at line 4 column 9",
        "Close the quote that begins here.",
    ),
    (
        "secrets: [a, {b: c}\nsecurity: {}",
        "session at line 3 column 10",
        "Close the bracket that begins here",
    ),
    ("secrets:\n- name: @a", "session at line 4 column 9", "Put the value in quotes."),
    ("secrets:\n- name: a: b", "session at line 4 column 10", "wants quotes"),
    (
        "security: *x\nname: t",
        "security at line 3 column 11: got an anchor or alias",
        "Write it out",
    ),
    ('predecessor: "\\$P"', "session at line 3", "a backslash wants another one"),
    ("predecessor: !!str x", "predecessor at line 3 column 14: got the tag", "quotes make text"),
]


@pytest.mark.parametrize(
    "rest, place, cure",
    WRONG,
    ids=[f"{n}: {w[0].splitlines()[-1].strip()[:40]}" for n, w in enumerate(WRONG)],
)
def test_an_error_names_line_path_and_cure(rest, place, cure):
    """Each mistake is found where it stands, with what to do about it, in one line."""
    with pytest.raises(EvidenceError) as refusal:
        Session.from_yaml(HEAD + rest)
    said = str(refusal.value)
    assert place in said and cure in said and "\n" not in said, said


@pytest.mark.parametrize(
    "text, place, cure",
    [
        ("", "session: got nothing", "A session begins with"),
        ("# a\n# b\n", "session: got nothing", "A session begins with"),
        ("- name: s", "session at line 1 column 1: got a list", "without dashes"),
        (
            "name:s\nversion:0.3",
            "session at line 1 column 1: got 'name:s version:0.3'",
            "a space after each colon",
        ),
        ("name s\nversion: 0.3", "session at line 2 column 8", "the one above lacks its colon"),
        (
            b"name: s\n# caf\xe9",
            "session at line 2: got text that is not UTF-8",
            "Save the file as UTF-8.",
        ),
        (
            HEAD.encode("utf-16"),
            "session at line 1: got text that is not UTF-8",
            "Save the file as UTF-8.",
        ),
        (
            "name: s\naccess_policy:\n  create_sessions: ANY",
            "access_policy.create_sessions at line 3",
            'Write version: "0.3"',
        ),
        ("%YAML 2.0\n---\n" + HEAD, "session at line 1", "Take the line out."),
    ],
)
def test_a_text_that_is_no_session_at_all(text, place, cure):
    """A file that is empty, in another form, in another encoding or in an older language says
    where it went wrong, and the cure.
    """
    with pytest.raises(EvidenceError) as refusal:
        Session.from_yaml(text)
    said = str(refusal.value)
    assert place in said and cure in said and "\n" not in said, said


@pytest.mark.parametrize(
    "form",
    [
        HEAD.replace("\n", "\r\n"),
        "\ufeff" + HEAD,
        "\ufeff".encode() + HEAD.encode(),
        "---\n" + HEAD + "...\n",
    ],
)
def test_how_editors_save_a_session(form):
    """Line ends of Windows, a mark at the start and the marks of a document change nothing."""
    assert Session.from_yaml(form) == Session.from_yaml(HEAD)


@pytest.mark.parametrize(
    "name, cure",
    [
        ("''", "Write one"),
        ("/a", "at its start"),
        ("a/", "at its end"),
        ("a/../b", "Write it out"),
        ("..", "Write it out"),
        ("./a", "Write it out"),
        ("a b", "Replace"),
        ('"a\\0b"', "Replace"),
        ("a,b", "Replace"),
        ("a=b", "Replace"),
        ("a" * 129, "Shorten"),
        ("a/" * 256 + "a", "Shorten"),
        ("n\u0430me", "U+0430"),
        ("\uff41", "U+FF41"),
        ('"a\\u202eb"', "U+202E"),
        ("a\u00adb", "U+00AD"),
        ("caf\u00e9", "U+00E9"),
    ],
)
def test_names_that_are_none_or_look_like_another(name, cure):
    """Dots, NUL, commas, letters of other alphabets: refused with the reason, on the line."""
    with pytest.raises(EvidenceError, match=r"name at line 1 column 7") as refusal:
        Session.from_yaml(f"name: {name}\nversion: 0.3")
    assert cure in str(refusal.value) and str(refusal.value).isprintable()


def test_a_secret_is_never_quoted_in_an_error():
    """What was meant to be a secret does not end up in a log."""
    for kind, value in (
        ("ascii", "hünter2"),
        ("binary", "hunter2"),
        ("private-key", "hunter2"),
        ("x509", "hunter2"),
    ):
        with pytest.raises(EvidenceError) as refusal:
            Session.from_yaml(HEAD + f"secrets:\n- {{name: a, kind: {kind}, value: {value}}}")
        assert "nter2" not in str(refusal.value)


# Versions


@pytest.mark.parametrize("version", ["0.2", "0.3", "0.3.1", "0.3.10", "0.3.12", '"0.3"', "'0.2'"])
def test_languages_that_are_read(version):
    """As number or as text, the version is what was typed."""
    assert Session.from_yaml(f"name: s\nversion: {version}").version == version.strip("\"'")


@pytest.mark.parametrize("version", ["0.4", "0.3.13", "0.30", "0.2.1", "1", "0.3.01", "0.3."])
def test_languages_that_are_not(version):
    """Any other is named, with its line."""
    with pytest.raises(UsageError, match=f"version at line 2 column 10: got {re.escape(version)}"):
        Session.from_yaml(f"name: s\nversion: {version}")


def test_an_old_session_is_no_namespace():
    """A text without a version is 0.2, as the assignment says; nobody creates sessions below it,
    and a warning tells.
    """
    old, new = (
        Session.from_yaml("name: s\naccess_policy: {read: ANY, update: ANY}"),
        Session.from_yaml(HEAD + "access_policy: {update: ANY}"),
    )
    assert old.version == "0.2" and old.admits("update") and not old.admits("create_sessions")
    assert new.admits("create_sessions") and not any("0.2" in w for w in warnings(new))
    assert any("no session can be created below it" in w for w in warnings(old))


# Access rules


def spki(identity: ClientIdentity) -> bytes:
    return Session("s", creator=identity.certificate_pem).creator_key


def test_rules_of_several():
    """`require-all` needs every key, `require-at-least-N` so many different ones, nested as one
    likes.
    """
    a, b, c = (ClientIdentity.create() for _ in range(3))
    rows = [a.key_hash, b.key_hash, c.key_hash]

    def policy(rule) -> Session:
        return Session.from_yaml(HEAD + "access_policy: " + json.dumps({"update": [rule]}))

    every, two = policy({"require-all": rows}), policy({"require-at-least-2": rows})
    keys = [spki(i) for i in (a, b, c)]
    assert every.admits("update", *keys) and not every.admits("update", *keys[:2])
    assert two.admits("update", *keys[1:]) and not two.admits("update", keys[0])
    assert not two.admits("update", keys[0], keys[0], None)
    nested = policy({"require-all": [a.key_hash, {"require-at-least-1": rows[1:]}]})
    assert nested.admits("update", keys[0], keys[2]) and not nested.admits(
        "update", keys[1], keys[2]
    )
    same_person_twice = policy({"require-at-least-2": [a.key_hash, a.certificate_pem, b.key_hash]})
    assert not same_person_twice.admits("update", keys[0]) and same_person_twice.admits(
        "update", *keys[:2]
    )


def test_one_key_is_one_person_in_every_rule():
    """A key that also meets a rule within the rule does not count once more; different keys do."""
    a, b, c = (ClientIdentity.create() for _ in range(3))
    keys = [spki(i) for i in (a, b, c)]
    for inner in (
        {"require-all": [a.key_hash]},
        {"require-at-least-1": [a.key_hash, b.key_hash]},
        {"require-all": [{"require-all": [a.certificate_pem]}]},
    ):
        rule = {"require-at-least-2": [a.key_hash, inner, c.key_hash]}
        session = Session.from_yaml(HEAD + "access_policy: " + json.dumps({"update": [rule]}))
        assert not session.admits("update", keys[0]) and session.admits("update", keys[0], keys[2])
    groups = {"require-at-least-2": [{"require-all": [a.key_hash, b.key_hash]}, c.key_hash]}
    session = Session.from_yaml(HEAD + "access_policy: " + json.dumps({"update": [groups]}))
    assert (
        session.admits("update", *keys)
        and not session.admits("update", *keys[:2])
        and not session.admits("update", *keys[1:])
    )


def test_signers_sign_and_certificates_shake_hands():
    """A signer's key counts only where it signed the request; a key from the handshake does not
    stand in for it.
    """
    session = Session.from_yaml(HEAD + f"access_policy: {{update: [{{signer: {ED25519}}}]}}")
    key = Signer(ED25519).spki
    assert (
        session.admits("update", signers=[key])
        and not session.admits("update", key)
        and not session.admits("update")
    )
    signed = Session.from_yaml(HEAD).with_creator(Signer(ED25519))
    assert signed.admits("update", signers=[key]) and not signed.admits("update", key)
    assert (
        signed.normalised()["creator"] == {"signer": ED25519}
        and Session.from_yaml(signed.to_yaml()) == signed
    )


def test_listing_follows_reading():
    """`list_sessions` is what `read` says unless it is written."""
    session = Session.from_yaml(HEAD + "access_policy: {read: ANY}")
    assert (
        session.admits("list_sessions")
        and "list_sessions" not in session.normalised()["access_policy"]
    )
    assert not Session.from_yaml(HEAD + "access_policy: {read: ANY, list_sessions: NONE}").admits(
        "list_sessions"
    )
    with pytest.raises(UsageError, match="one of read, update"):
        session.admits("reed")


# Variables


def test_a_policy_may_be_a_variable():
    """The value of a whole entry, escapes beside it."""
    text = (
        HEAD + "access_policy: {read: $WHO, update: ['${HASH}']}\nsecrets: [{name: v, kind: ascii,"
        " value: '\\${HASH} \\$WHO'}]"
    )
    session = Session.from_yaml(text, variables={"WHO": "ANY", "HASH": ME.key_hash})
    assert (
        session.access == {"read": ("ANY",), "update": (ME.key_hash,)}
        and session.secrets[0].value == "${HASH} $WHO"
    )


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30).filter(
        lambda text: "$$SCONE" not in text
    ),
    st.text(st.sampled_from("ab$\\{}_1 ~:#'\""), max_size=20),
)
def test_what_stands_in_a_variable_is_only_ever_a_value(value, text):
    """No value of a variable is read as YAML or as another variable, and text without variables
    stays what it is.
    """
    document = json.dumps(
        {
            "name": "s",
            "version": "0.3",
            "services": [
                {"name": "w", "command": ["$V", "x${V}y", text.replace("$", "\\$")]},
            ],
            "security": {"attestation": {"mode": "none"}},
        }
    )
    found = Session.from_yaml(document, variables={"V": value}).services[0].command
    assert found == (value, f"x{value}y", text.replace("$", "\\$").replace("\\$", "$"))


@pytest.mark.parametrize("null", ["~", "null", ""])
def test_a_variable_that_says_nothing_is_null(null):
    """`~` given for a variable means that there is no value, but quotes make it text."""
    text = HEAD + "predecessor: $P\nsecrets: [{name: v, kind: ascii, value: '$P'}]"
    session = Session.from_yaml(text, variables={"P": null})
    assert session.predecessor is None and session.secrets[0].value == null


# Hostile text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="deep flow"),
        pytest.param("- " * 50_000, id="deep block"),
        pytest.param("{a: " * 50_000, id="deep mappings"),
        pytest.param("? " * 50_000, id="deep keys"),
        pytest.param(
            "a: &a [" + "x," * 9 + "]\n" + "".join(f"{c}: &{c} [*a,*a]\n" for c in "bcdefgh"),
            id="aliases that multiply",
        ),
        pytest.param(HEAD + "volumes: [" + "{}," * 30_000 + "]", id="many mappings"),
        pytest.param(
            HEAD + "volumes: {" + ",".join(f"{'k' * 200}{n}: []" for n in range(1200)) + "}",
            id="long keys",
        ),
        pytest.param(HEAD + "volumes: {? " + "k" * 300 + " : x}", id="a key of 300"),
        pytest.param(HEAD + "<<: {a: b}", id="merge key"),
        pytest.param(HEAD + 'volumes: "\\ud800"', id="half a character"),
        pytest.param(b"\xff\xfen\x00", id="UTF-16"),
        pytest.param(HEAD + "%YAML 9.9\n---\na: b", id="directive"),
        pytest.param(HEAD + "x" * LIMIT, id="too long"),
        pytest.param("\0", id="NUL"),
        pytest.param("!!python/name:os.system", id="tag"),
    ],
)
def test_hostile_text_is_refused_at_once(text):
    """Nesting, multiplication, tags and lengths end in one short sentence; whatever is accepted
    stays small.
    """
    try:
        session = Session.from_yaml(text, variables={})
    except CasnbError as exc:
        assert str(exc).isprintable() and len(str(exc)) <= 1200
    else:
        assert len(session.to_yaml()) < 4 * LIMIT


def test_an_error_deep_inside_costs_no_memory_before_it_is_one():
    """Long keys around many values: paths are put together for an error alone."""
    inside = "".join("{" + "k" * 250 + f"{n}: " for n in range(10)) + "[" + "1," * 15_000
    tracemalloc.start()
    text = HEAD + "secrets: [{name: f, kind: config-fragment, value: "
    session = Session.from_yaml(text + inside + "]" + "}" * 11 + "]")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16 << 20 and session.secrets
    with pytest.raises(EvidenceError, match="an anchor or alias"):
        Session.from_yaml(text + inside + "&a x]" + "}" * 11 + "]")


# Round trip

NAMES = st.from_regex(r"[a-z][a-z0-9_.~-]{0,6}", fullmatch=True)
PATHS = st.lists(NAMES.filter(lambda n: n.strip(".")), min_size=1, max_size=3).map("/".join)
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
KEY = make_key("P-256", lambda n: b"\x07" * n)
SIMPLE = st.sampled_from(
    [
        "CREATOR",
        ME.key_hash,
        ME.certificate_pem,
        "4USPZDGq2FjrE2wh7FEErbrirCFZcu8nR7YaSjH3NjfJtEAfCc",
    ]
)
RULES = st.recursive(
    SIMPLE | st.just({"signer": ED25519}),
    lambda e: st.lists(e, min_size=1, max_size=3, unique_by=json.dumps).flatmap(
        lambda rows: st.sampled_from(
            [
                {"require-all": rows},
                {f"require-at-least-{len(rows)}": rows},
                {"require-at-least-1": rows},
            ]
        )
    ),
    max_leaves=5,
)
READERS = st.sampled_from(["ANY", "NONE", ["ANY"]]) | st.lists(SIMPLE, min_size=1, max_size=3)
WRITERS = st.sampled_from(["ANY", "NONE"]) | st.lists(RULES, min_size=1, max_size=3)
#: `../x` needs a namespace to go up from: names of these documents have one.
PARTY = st.one_of(
    st.fixed_dictionaries({"session": PATHS}, optional={"session_hash": HEX}),
    st.fixed_dictionaries({"namespace": PATHS}),
    st.builds("../{}".format, PATHS).map(lambda n: {"session": n}),
)
COMMON = {"export_public": st.booleans(), "export": PARTY | st.lists(PARTY, max_size=2)}
SECRETS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("ascii")}, optional={**COMMON, "size": st.integers(1, 4096)}
    ),
    st.fixed_dictionaries({"kind": st.just("ascii"), "value": LINE}, optional=COMMON),
    st.fixed_dictionaries(
        {"kind": st.just("binary"), "value": st.binary(max_size=8).map(bytes.hex)}, optional=COMMON
    ),
    st.fixed_dictionaries(
        {"kind": st.just("private-key")},
        optional={
            **COMMON,
            "key_type": st.sampled_from(["P-256", "P-384", "Ed25519"]),
            "migrate": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"kind": st.just("private-key"), "value": st.just(KEY)}, optional=COMMON),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["ascii", "binary", "x509", "x509-ca"]),
            "import": st.fixed_dictionaries(
                {"session": PATHS, "secret": NAMES}, optional={"session_hash": HEX}
            ),
        },
        optional=COMMON,
    ),
)
ISSUED = {
    "common_name": st.just("a name"),
    "valid_for": st.sampled_from(["30 days", "1 year", "90s"]),
    **COMMON,
}
CERTIFICATE = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("x509-ca"), "private_key": st.just("key")}, optional=ISSUED
    ),
    st.fixed_dictionaries(
        {"kind": st.just("x509"), "private_key": st.just("key")},
        optional={
            "endpoint": st.just("server"),
            "dns": st.just(["a.example", "*.b"]) | st.just("a.example"),
            "san": st.just(["dns:c", "ip:::1"]) | st.just("ip:127.0.0.1"),
            **ISSUED,
        },
    ),
)
SIGNER = st.fixed_dictionaries(
    {"mrsigner": HEX, "isvprodid": st.integers(0, 65535), "isvsvn": st.integers(0, 65535)}
)
REQUIREMENT = st.fixed_dictionaries(
    {"mrenclave": HEX | st.lists(HEX, min_size=1, max_size=2)}, optional={"signer": SIGNER}
)
SERVICE = st.fixed_dictionaries(
    {"attestation": REQUIREMENT | st.lists(REQUIREMENT, min_size=1, max_size=2)},
    optional={
        "command": LINE.filter(str.strip) | st.just(["a", "b c"]),
        "environment": st.dictionaries(
            NAMES, st.sampled_from(["x", "$$SCONE::key$$", "007", "", "a\nb\n"]), max_size=3
        ),
        "pwd": st.just("/"),
        "fspf_path": st.just("/fs"),
        "persistency": st.just("None"),
    },
)
SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "attestation": st.fixed_dictionaries(
            {},
            optional={
                "mode": st.sampled_from(["hardware", "none"]),
                "tolerate": st.lists(st.sampled_from(list(WORDS)), unique=True),
                "ignore_advisories": st.just(["INTEL-SA-00657"]),
                "must_be_sgx_local": st.booleans(),
            },
        )
    },
)


@st.composite
def documents(draw) -> dict:
    """Draw a session as plain data: every member of the language that casnb builds."""

    def named(letter: str, rows: st.SearchStrategy, most: int) -> list[dict]:
        return [
            {"name": f"{letter}{n}", **row}
            for n, row in enumerate(draw(st.lists(rows, max_size=most)))
        ]

    secrets = [
        {"name": "key", "kind": "private-key"},
        *named("s", SECRETS, 3),
        *named("c", CERTIFICATE, 2),
    ]
    found = {
        "version": draw(st.sampled_from(["0.3", "0.3.12"])),
        "name": "up/" + draw(PATHS),
        "secrets": draw(st.permutations(secrets)),
        "services": named("w", SERVICE, 2),
        "security": draw(SECURITY),
        "predecessor": draw(st.none() | HEX),
        "access_policy": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "read": READERS,
                    "update": WRITERS,
                    "create_sessions": WRITERS,
                    "list_sessions": READERS,
                },
            )
        ),
    }
    return dict(draw(st.permutations(list(found.items()))))


@settings(max_examples=80, deadline=None)
@given(documents())
def test_every_session_survives_its_read_back_and_keeps_its_hash(document):
    """Whatever the language can say: read, stored with its creator, read back, read again; hash
    and text stay, all is explained.
    """
    document = json.loads(json.dumps(document))
    session = Session.from_yaml(yaml.safe_dump(document)).with_creator(ME.certificate_pem)
    again = Session.from_yaml(session.to_yaml())
    assert again.hash == session.hash and again == session and again.to_yaml() == session.to_yaml()
    turned = Session.from_yaml(json.dumps(dict(reversed(document.items())))).with_creator(
        ME.certificate_pem
    )
    assert turned.hash == session.hash
    rows = explain(session)
    assert all(isinstance(cell, str) and cell for row in rows for cell in row)
    assert {f"secrets.{s.name}" for s in session.secrets} <= {where for where, _, _ in rows}
    assert isinstance(session.admits("update", None), bool) and all(
        isinstance(w, str) for w in warnings(session)
    )


def test_rules_are_read_back_as_they_were_written():
    """A nested rule keeps its shape in the normalised form."""
    rule = {"require-all": ["CREATOR", {"require-at-least-1": [ME.key_hash, {"signer": ED25519}]}]}
    session = Session.from_yaml(HEAD + "access_policy: " + json.dumps({"update": [rule]}))
    assert session.normalised()["access_policy"]["update"] == [rule] and session.names_creator
    assert session.access["update"] == (
        Quorum(("CREATOR", Quorum((ME.key_hash, Signer(ED25519)), 1))),
    )


def test_a_notebook_shows_a_session_explained():
    """One table, of which text and HTML are two renderings; names of an outsider's making are
    escaped.
    """
    session = Session.from_yaml(HEAD + "secrets: [{name: a, kind: ascii}]\nvolumes: [{name: <b>}]")
    shown = explained(session)._repr_mimebundle_()
    for words in ("20 random characters", "the creator may read this text", "a namespace: "):
        assert words in shown["text/plain"] and words in shown["text/html"]
    assert "<caption>Session s</caption>" in shown["text/html"] and "<b>" not in shown["text/html"]
    plain = session._repr_mimebundle_()
    assert plain["text/plain"] == session.to_yaml() and "<b>" not in plain["text/html"]


def test_what_an_author_should_think_twice_about():
    """Each thing that is valid and may not be meant has a warning that names it; a plain session
    has none.
    """
    assert warnings(Session.from_yaml(HEAD + "secrets: [{name: a, kind: ascii}]")) == []
    text = (
        HEAD + "access_policy: {read: ANY, update: NONE, create_sessions: ANY}\nvolumes:"
        " []\nsecrets:\n- {name: shown, kind: ascii, value: x, export_public: true}\n- {name:"
        " plain, kind: ascii, value: x}\n- {name: key, kind: private-key, export_public:"
        " true}\nservices:\n- {name: web, attestation:"
        f" {{mrenclave: {M}}}, fspf_key: {M}}}\nsecurity: {{attestation: {{tolerate: [debug-mode],"
        ' ignore_advisories: "*", must_be_sgx_local: true}}\n'
    )
    said = "\n".join(warnings(Session.from_yaml(text)))
    for part in (
        "update: NONE",
        "create_sessions: ANY",
        "secrets: shown",
        "anybody reads it there",
        "this private key",
        "volumes: carried",
        "fspf_key: carried",
        "must_be_sgx_local: carried",
        "debug-mode: whoever",
        'ignore_advisories: "*"',
    ):
        assert part in said, said
    free = Session.from_yaml(HEAD + "services: [{name: w}]\nsecurity: {attestation: {mode: none}}")
    assert any("mode: none: any program" in w for w in warnings(free))
    for written in ("value: x", "import: {session: b, secret: c}"):
        found = Session.from_yaml(HEAD + f"secrets: [{{name: a, kind: ascii, {written}, size: 5}}]")
        assert any("are left out" in w for w in warnings(found))


@pytest.mark.parametrize(
    "rule, alone",
    [
        ({"require-at-least-2": ["CREATOR", ME.key_hash]}, False),
        ({"signer": ED25519}, False),
        ({"require-at-least-1": ["CREATOR", {"signer": ED25519}]}, True),
        ("CREATOR", True),
    ],
)
def test_rules_that_nobody_can_meet_here_are_named(rule, alone):
    """A rule that takes signatures is valid; that the simulated CAS takes none is said
    beforehand.
    """
    found = warnings(Session.from_yaml(HEAD + "access_policy: " + json.dumps({"update": [rule]})))
    assert any("update: takes signatures" in w for w in found) is not alone


@pytest.mark.parametrize("value", ["[ascii]", "{a: b}", "7", "true"])
@pytest.mark.parametrize(
    "part",
    [
        "secrets:\n- {{name: v, kind: {}}}",
        "services: {}",
        "images: {}",
        "volumes: {}",
        "secrets: {}",
    ],
)
def test_a_value_of_another_type_is_refused_in_words(part, value):
    """A list, mapping, number or truth where something else should stand is no Python error."""
    try:
        Session.from_yaml(f"name: a\nversion: '0.3'\n{part.format(value)}\n")
    except EvidenceError as exc:
        assert "got" in str(exc)
