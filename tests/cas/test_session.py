"""The session language: what is read, what is refused, how it is hashed, and who is admitted."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casnb.base.errors import CasnbError, EvidenceError, UsageError
from casnb.session import yaml as written
from casnb.session.session import (
    Secret,
    Session,
    canonical_pem,
    public_key,
    session_hash,
)
from casnb.session.yaml import write_yaml
from casnb.verify.keyhash import base58check

EXAMPLE = """\
name: example_session
version: "0.3"
predecessor: 1ffb67d636570ccae5b2e8f8a6c8c6f912f69cc1fe138443e69e42dc783793eb
secrets:
  - name: example_value
    export_public: true
    kind: ascii
    value: "42"
access_policy:
  read:
    - CREATOR
  update:
    - CREATOR
"""
HEAD = "name: s\nversion: 0.3\n"


def certificate(key=None) -> str:
    """Like the CLI's own: self-signed, a space in its DNS name, valid from 1975 to 4096."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rcgen self signed cert")])
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1975, 1, 1, tzinfo=timezone.utc))
        .not_valid_after(datetime(4096, 1, 1, tzinfo=timezone.utc))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("scone cli")]), False)
        .sign(key, digest)
    )
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture(scope="module")
def pem() -> str:
    return certificate()


def key_hash(pem: str) -> str:
    return base58check(b"\x01" + hashlib.sha256(public_key(pem)).digest())


# Hash and read-back


def test_the_one_public_pair_of_session_and_hash_agrees(vectors):
    """A real read-back gives its printed hash, the very JSON behind it, and itself again."""
    folder = vectors / "session-hash"
    text = (folder / "session-read.yml").read_text()
    session = Session.from_yaml(text)
    assert session.hash == json.loads((folder / "expected.json").read_text())["hash"]
    assert (
        json.dumps(session.normalised(), separators=(",", ":")).encode()
        == (folder / "hashed.json").read_bytes()
    )
    assert session.to_yaml() == text


TEXTS = st.one_of(
    st.text("ab:#- ,[]{}&*!|>'\"%@?=~019.\\\n\t\r\x1b", max_size=12),
    st.text(max_size=6),
    st.sampled_from(
        (
            "null",
            "yes",
            "0x1",
            "1e3",
            "2024-01-01",
            "-",
            "---",
            "...",
            "x" * 128,
            "x" * 300,
            "a\n\n",
            " a\n b\n",
        )
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
@example({"a": "\n"})
@example({"": {}, "x" * 128: 1})
@example({"a": "\N{GRINNING FACE}"})
@example({"a": "\x1b", "\u00e9": "caf\u00e9 \\ \ufeff"})
def test_a_session_is_written_the_same_with_libyaml_as_without_it(value):
    """Whatever a session holds, its text does not depend on how PyYAML was built."""
    with pytest.MonkeyPatch.context() as patch:
        quick = write_yaml(value)
        patch.setattr(written, "_Quick", written._Plain)
        assert write_yaml(value) == quick


def test_the_hash_forgets_the_order_and_the_defaults_of_an_upload(vectors):
    """The same session written in another order, with defaults left out, has the same hash."""
    creator = Session.from_yaml((vectors / "session-hash" / "session-read.yml").read_text()).creator
    uploaded = """\
security: {attestation: {mode: none}}
services:
  - pwd: /
    command: ./scone-print-arg-env arg1 arg2 arg3
    environment: {env3: enclave, SCONE_MODE: auto, env2: in, env1: running}
    name: scone-print-arg-env
name: secure-arguments-example-sim-mode-1740-30164
version: 0.3.10
"""
    found = Session.from_yaml(uploaded).with_creator(creator)
    assert found.hash == "39ae54974c6892f7a3ee1492175fc092f50b31f9ed9f45e721125fcc332ef3c2"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.pop("predecessor"), id="null predecessor dropped"),
        pytest.param(lambda d: d["services"][0].pop("persistency"), id="persistency dropped"),
        pytest.param(
            lambda d: d.update(creator=d["creator"].rstrip("\n")),
            id="final newline of the creator dropped",
        ),
    ],
)
def test_the_hash_notices(vectors, change):
    """Leaving out what a CAS fills in gives another hash."""
    document = Session.from_yaml(
        (vectors / "session-hash" / "session-read.yml").read_text()
    ).normalised()
    right = session_hash(document)
    change(document)
    assert session_hash(document) != right


def test_the_creator_is_part_of_the_hash_only_where_creator_is_said(pem):
    """Two people who upload the same file get two hashes, unless no policy speaks of the
    creator.
    """
    named, free = (
        Session.from_yaml(EXAMPLE),
        Session.from_yaml(HEAD + "access_policy: {read: [ANY], update: NONE}"),
    )
    assert named.with_creator(pem).hash != named.with_creator(certificate()).hash != named.hash
    assert free.with_creator(pem).hash == free.hash
    assert "creator" not in free.with_creator(pem).normalised()


def test_the_example_policy_is_read(pem):
    """The policy of the assignment's page: one public value, 42, and a predecessor."""
    session = Session.from_yaml(EXAMPLE)
    assert session.secrets == (Secret("example_value", "ascii", "42", export_public=True),)
    assert session.predecessor and session.predecessor.startswith("1ffb67d6")
    assert Session.from_yaml(session.to_yaml()) == session
    assert session.with_predecessor(None).predecessor is None
    assert "'42'" not in repr(session)


TEXT = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=40)


TRAPS = st.sampled_from(
    ["~", "null", "yes", "007", "0x1f", "1e3", "1_000", "12:30:00", "a\nb\n", " x"]
)


@settings(max_examples=120, deadline=None)
@example([], {"": 10**18})
@given(
    st.lists(
        st.builds(
            Secret,
            name=st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}", fullmatch=True),
            kind=st.just("ascii"),
            value=TEXT | TRAPS,
            export_public=st.booleans(),
        ),
        unique_by=lambda s: s.name,
        max_size=4,
    ),
    st.dictionaries(TEXT, TEXT | st.integers(0, 2**60) | st.booleans() | st.none(), max_size=4),
)
def test_every_session_survives_its_read_back(secrets, environment):
    """Read-back and hash say the same of a session that was read back."""
    value = json.dumps(dict(sorted(environment.items())), ensure_ascii=False, separators=(",", ":"))
    fragment = Secret("Fragment", "config-fragment", value=value)
    session = Session("space/s", secrets=(*secrets, fragment))
    again = Session.from_yaml(session.to_yaml())
    assert again == session and again.hash == session.hash


# Types


@pytest.mark.parametrize(
    "written, version",
    [("0.3", "0.3"), ('"0.3"', "0.3"), ("0.3.10", "0.3.10"), ("'0.3.4'", "0.3.4")],
)
def test_a_version_is_what_was_typed(written, version):
    """Without quotes a version looks like a number, and stays the text that it was."""
    assert Session.from_yaml(f"name: s\nversion: {written}").version == version


@pytest.mark.parametrize(
    "written, value",
    [
        ("42", "42"),
        ("007", "007"),
        ("0.10", "0.10"),
        ("yes", "yes"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ('"a b"', "a b"),
        ("-0", "-0"),
        ("0x1F", "0x1F"),
    ],
)
def test_a_value_is_what_was_typed(written, value):
    """No guess of YAML's changes a secret."""
    session = Session.from_yaml(HEAD + f"secrets: [{{name: v, kind: ascii, value: {written}}}]")
    assert session.secrets[0].value == value


def test_a_name_given_by_hand_replaces_the_one_in_the_file():
    """`--name` wins, after variables were replaced."""
    assert Session.from_yaml(HEAD, name="other/place").name == "other/place"


# Refusals: each row is one way to be wrong

MALFORMED = [
    pytest.param("", "got nothing", id="empty"),
    pytest.param("- a", "a list", id="a list"),
    pytest.param("name: s\nname: s\nversion: 0.3", "twice", id="key twice"),
    pytest.param("a: &x 1\nb: *x", "anchor", id="anchor"),
    pytest.param(HEAD + "services: *x", "anchor|undefined", id="alias"),
    pytest.param(HEAD + "security: !!python/object/apply:os.system [id]", "tag", id="tag"),
    pytest.param(HEAD + "---\nname: t", "second document", id="two documents"),
    pytest.param(HEAD + "? [a]\n: b", "key", id="key that is a list"),
    pytest.param("[" * 500, "nesting", id="deep flow"),
    pytest.param(HEAD + "x: " + "a: {" * 3 + "[" * 40, "nesting|not YAML", id="deep mix"),
    pytest.param(HEAD + "volumes: [" + "1," * 30_000 + "]", "too many values", id="many values"),
    pytest.param(HEAD + "security: '" + "x" * 270_000 + "'", "at most 262144", id="too long"),
    pytest.param(HEAD + "security: \x01", "U+0001", id="control character"),
    pytest.param(b"\xff\xfe\xfa", "UTF-8", id="not UTF-8"),
    pytest.param("name: \ud800\nversion: 0.3", "UTF-8", id="lone surrogate"),
    pytest.param("a: b: c", "line 1 column", id="not YAML"),
    pytest.param("version: 0.3", "name", id="no name"),
    pytest.param("name: [s]\nversion: 0.3", "name", id="name a list"),
    pytest.param("name: true\nversion: 0.3", "name", id="name a truth"),
    pytest.param("name: a b\nversion: 0.3", "name", id="space in the name"),
    pytest.param("name: a//b\nversion: 0.3", "name", id="empty segment"),
    pytest.param("name: a/../b\nversion: 0.3", "name", id="dots in the name"),
    pytest.param("name: 'a\n\n  b'\nversion: 0.3", "name", id="line end in the name"),
    pytest.param(f"name: {'a' * 129}\nversion: 0.3", "name", id="long segment"),
    pytest.param(HEAD + "predecessor: abc", "predecessor", id="short predecessor"),
    pytest.param(HEAD + f"predecessor: {'A' * 64}", "predecessor", id="upper-case predecessor"),
    pytest.param(HEAD + "tags: [x]", "'tags'", id="unknown member"),
    pytest.param(HEAD + "secrets: {a: b}", "a list", id="secrets a mapping"),
    pytest.param(HEAD + "secrets: [a]", "secrets[0]", id="secret a word"),
    pytest.param(HEAD + "secrets: [{name: a}]", "secrets[0].kind", id="secret without kind"),
    pytest.param(
        HEAD + "secrets: [{name: a, kind: ascii}, {name: a, kind: ascii}]",
        "twice",
        id="secret twice",
    ),
    pytest.param(
        HEAD + "secrets: [{name: a, kind: ascii, valu: b}]",
        "valu",
        id="misspelt member of a secret",
    ),
    pytest.param(
        HEAD + "secrets: [{name: a, kind: ascii, value: é}]", "another form", id="ascii that is not"
    ),
    pytest.param(HEAD + "secrets: [{name: a, kind: binary, value: abc}]", "hex", id="half a byte"),
    pytest.param(HEAD + "secrets: [{name: a, kind: ascii, size: 0}]", "size", id="size 0"),
    pytest.param(HEAD + "secrets: [{name: a, kind: ascii, size: 5000}]", "size", id="size 5000"),
    pytest.param(
        HEAD + "secrets: [{name: a, kind: ascii, export_public: yes}]",
        "true or false",
        id="export_public yes",
    ),
    pytest.param(HEAD + "secrets: [{name: 'a/b', kind: ascii}]", "name", id="slash in a secret"),
    pytest.param(HEAD + "access_policy: [read]", "access_policy", id="policy a list"),
    pytest.param(HEAD + "access_policy: {read: []}", "no entry", id="empty read"),
    pytest.param(HEAD + "access_policy: {read: [ANY, CREATOR]}", "alone", id="ANY with others"),
    pytest.param(HEAD + "access_policy: {update: [NONE, CREATOR]}", "alone", id="NONE with others"),
    pytest.param(HEAD + "access_policy: {read: [EVERYBODY]}", "EVERYBODY", id="unknown word"),
    pytest.param(
        HEAD + "access_policy: {read: ['-----BEGIN CERTIFICATE-----']}",
        "certificate",
        id="broken certificate",
    ),
    pytest.param(
        HEAD + "access_policy: {read: [" + "2" * 50 + "]}",
        "key hash",
        id="key hash with a wrong checksum",
    ),
    pytest.param(HEAD + "creator: nobody", "certificate", id="creator that is not a certificate"),
    pytest.param(HEAD + "services: [{command: ls}]", "services[0]", id="service without a name"),
]


@pytest.mark.parametrize("text, named", MALFORMED)
def test_what_is_no_session_is_refused_in_one_line(text, named):
    """Each malformed text is refused with a sentence that names the place."""
    with pytest.raises(EvidenceError) as refusal:
        Session.from_yaml(text)
    assert any(word in str(refusal.value) for word in named.split("|")), refusal.value
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 1300


@pytest.mark.parametrize(
    "text, named",
    [
        pytest.param("name: /\nversion: 0.3", "the root namespace", id="root namespace"),
        pytest.param(HEAD + "secret_config:\n  store_in: !akv", "!akv", id="Azure as a store"),
        pytest.param("name: s\nversion: 0.3.13", "0.3.13", id="a later language"),
        pytest.param(HEAD + "secrets: [{name: a, kind: pgp-key}]", "pgp-key", id="PGP key"),
        pytest.param(
            HEAD + "secrets: [{name: a, import_akv: {vault: https://v}}]",
            "import_akv",
            id="Azure key vault",
        ),
        pytest.param(
            HEAD + "secrets: [{name: a, kind: ascii, import: {session: b, secret: a, cas_url: c}}]",
            "cas_url",
            id="another CAS",
        ),
    ],
)
def test_what_casnb_does_not_speak_is_named(text, named):
    """What belongs to the language and is not built is refused by its name, not passed over."""
    with pytest.raises(UsageError) as refusal:
        Session.from_yaml(text)
    assert named in str(refusal.value)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_read_or_refused(text):
    """No input gives another error than ours."""
    try:
        Session.from_yaml(text, variables={})
    except CasnbError:
        pass


# Variables


def test_variables_are_replaced_in_values():
    """Both spellings, inside text, in lists; quotes and plain words alike."""
    text = (
        "name: $NS/${LEAF}\nversion: 0.3\nsecrets:\n- {name: v, kind: ascii, value:"
        ' "a${LEAF}b"}\naccess_policy: {read: $WHO}'
    )
    session = Session.from_yaml(text, variables={"NS": "space", "LEAF": "x", "WHO": "ANY"})
    assert (session.name, session.secrets[0].value, session.access["read"]) == (
        "space/x",
        "axb",
        ("ANY",),
    )


def test_a_tilde_in_a_variable_is_null():
    """`PREDECESSOR=~` makes the first version."""
    assert Session.from_yaml(HEAD + "predecessor: $P", variables={"P": "~"}).predecessor is None


def test_a_variable_cannot_add_structure():
    """What stands in a variable is a value, whatever it looks like."""
    text = HEAD + "secrets: [{name: v, kind: ascii, value: $V}]"
    value = "x}, {name: w, kind: ascii"
    assert Session.from_yaml(text, variables={"V": value}).secrets == (Secret("v", "ascii", value),)


def test_dollar_signs_that_are_no_variables_stay():
    """Escaped ones lose the backslash, SCONE's own placeholders are left alone, and a CAS
    replaces nothing.
    """
    text = HEAD + "secrets: [{name: v, kind: ascii, value: '\\$A $$SCONE::k:hex$$ $1 $'}]"
    assert Session.from_yaml(text, variables={}).secrets[0].value == "$A $$SCONE::k:hex$$ $1 $"
    assert (
        Session.from_yaml(HEAD + "secrets: [{name: v, kind: ascii, value: $A}]").secrets[0].value
        == "$A"
    )


def test_a_missing_variable_is_named_with_its_place():
    """The sentence is the one users know from the real command."""
    with pytest.raises(
        UsageError, match=r"name: Value for variable \$SESSION is missing at line 3 column 7"
    ):
        Session.from_yaml("version: 0.3\n\nname: $SESSION\n", variables={})


def test_the_environment_is_asked_only_where_that_is_wanted(monkeypatch):
    """`-e` wins over the environment, and the environment counts only with `--use-env`."""
    monkeypatch.setenv("WHERE", "outside")
    text = "name: $WHERE\nversion: 0.3"
    assert Session.from_yaml(text, use_env=True).name == "outside"
    assert Session.from_yaml(text, use_env=True, variables={"WHERE": "inside"}).name == "inside"
    with pytest.raises(UsageError):
        Session.from_yaml(text, variables={})


def test_variables_cannot_make_a_session_huge():
    """Replaced text is bounded like the file itself."""
    text = HEAD + "security: [" + ", ".join(["$V"] * 40) + "]"
    with pytest.raises(EvidenceError, match="too much text"):
        Session.from_yaml(text, variables={"V": "x" * 10_000})


# Access


def policy(read: str, update: str = "NONE", creator: str | None = None) -> Session:
    return Session.from_yaml(
        HEAD + f"access_policy: {{read: {read}, update: {update}}}"
    ).with_creator(creator)


def test_who_may_read(pem):
    """Creator, anybody, nobody, a certificate's key, a key hash: by key, and by nothing else."""
    key, other = public_key(pem), public_key(certificate())
    assert policy("CREATOR", creator=pem).admits("read", key) and not policy(
        "CREATOR", creator=pem
    ).admits("read", other)
    assert not policy("CREATOR").admits("read", key)
    assert policy("ANY").admits("read", None)
    assert not policy("NONE", creator=pem).admits("read", key)
    assert policy(json.dumps([pem])).admits("read", key) and not policy(json.dumps([pem])).admits(
        "read", other
    )
    listed = policy(f"[{key_hash(pem)}]")
    assert (
        listed.admits("read", key)
        and not listed.admits("read", other)
        and not listed.admits("read", None)
    )


def test_a_renewed_certificate_with_the_same_key_is_the_same_client():
    """Certificates come and go; the key decides."""
    key = ec.generate_private_key(ec.SECP256R1())
    assert policy("CREATOR", creator=certificate(key)).admits("read", public_key(certificate(key)))


def test_other_kinds_of_keys_work():
    """An Ed25519 client is a client."""
    pem = certificate(ed25519.Ed25519PrivateKey.generate())
    assert policy("CREATOR", creator=pem).admits("read", public_key(pem))


def test_creating_below_follows_update_unless_said_otherwise(pem):
    """`create_sessions` defaults to what `update` says."""
    key = public_key(pem)
    assert policy("NONE", update="ANY").admits("create_sessions", None)
    closed = Session.from_yaml(HEAD + "access_policy: {update: ANY, create_sessions: NONE}")
    assert closed.admits("update", key) and not closed.admits("create_sessions", key)
    assert list(closed.normalised()["access_policy"]) == ["read", "update", "create_sessions"]


def test_an_empty_item_in_a_policy_admits_nobody_more(pem):
    """A list that ends in an empty dash means what stands before it."""
    session = Session.from_yaml(
        HEAD + "access_policy:\n  read:\n    - CREATOR\n    -\n"
    ).with_creator(pem)
    assert session.access["read"] == ("CREATOR",)


def test_certificates_are_normalised(pem):
    """CRLF and spaces around a certificate do not change the hash."""
    assert canonical_pem("\n" + pem.replace("\n", "\r\n") + "\n") == pem
