"""Placeholders and variables: every form of every kind becomes the value that it names, and what is
no form of a kind never reaches a service.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from casnb.base.errors import CasnbError, EvidenceError, UsageError
from casnb.session.filling import configuration, fill, fill_bytes, with_access, with_policy
from casnb.session.placeholders import FORMS
from casnb.session.secret_kinds import KINDS
from casnb.session.session import Session
from casnb.session.uses import uses
from casnb.session.values import Stored, generate

NOW = datetime(2026, 9, 2, tzinfo=timezone.utc)
NOBODY = {"attestation": {"mode": "none"}}
M = "0a" * 32

SECRETS = [
    {"name": "ascii", "kind": "ascii", "value": 'a"b'},
    {"name": "binary", "kind": "binary", "value": "fbff00"},
    {"name": "private-key", "kind": "private-key", "key_type": "Ed25519"},
    {"name": "public-key", "kind": "public-key", "private_key": "private-key"},
    {"name": "ca_key", "kind": "private-key"},
    {"name": "root", "kind": "x509-ca", "private_key": "ca_key"},
    {"name": "x509-ca", "kind": "x509-ca", "private_key": "ca_key", "issuer": "root"},
    {"name": "key", "kind": "private-key"},
    {"name": "x509", "kind": "x509", "private_key": "key", "issuer": "x509-ca"},
    {"name": "config-fragment", "kind": "config-fragment", "value": {"read": ["ANY"]}},
]


class Cas(dict):
    """Sessions by name, as a lookup."""

    def __call__(self, name: str, hash: str | None) -> Stored | None:
        return self.get(name)

    def add(self, name: str, secrets: list, version: str = "0.3", **more) -> Stored:
        found = session(secrets, name, version, **more)
        self[name] = Stored(found, generate(found, now=NOW, lookup=self))
        return self[name]


def session(secrets: list, name: str = "ns/s", version: str = "0.3", **more) -> Session:
    return Session.from_yaml(
        json.dumps({"name": name, "version": version, "secrets": secrets, **more})
    )


@pytest.fixture(scope="module")
def at() -> Stored:
    return Cas().add("ns/s", SECRETS)


# Forms

FILLED = [
    pytest.param(kind, suffix, form, id=f"{kind}{suffix}")
    for form in FORMS
    for kind in form.kinds
    if KINDS[kind].built and kind not in ("session-ca", "config-fragment")
    for suffix in form.suffixes
]


@pytest.mark.parametrize("kind, suffix, form", FILLED)
def test_every_form_becomes_what_it_says(at, kind, suffix, form):
    """Each spelling of each form is filled in, in files; and as text where it is text."""
    text = f"<$$SCONE::{kind}{suffix}$$>"
    made = fill_bytes(text, at)
    assert b"SCONE" not in made and made[:1] + made[-1:] == b"<>"
    if form.plain:
        assert fill(text, at).encode() == made
    else:
        with pytest.raises(EvidenceError, match="bytes go into files alone"):
            fill(text, at)


def test_forms_hold_the_right_thing(at):
    """Certificates, keys and chains are those of the secret, in the documented order."""
    leaf, middle, root = (at.values[n] for n in ("x509", "x509-ca", "root"))
    assert fill("$$SCONE::x509:chain$$", at) == middle + root
    assert fill("$$SCONE::x509.chain$$", at) == root + middle + leaf
    assert fill("$$SCONE::x509:crt$$", at) == fill("$$SCONE::x509.crt$$", at) == leaf
    assert fill("$$SCONE::x509:privatekey$$", at) == fill("$$SCONE::x509.key$$", at)
    assert fill("$$SCONE::x509.key$$", at) == at.values["key"]
    assert x509.load_der_x509_certificate(fill_bytes("$$SCONE::x509:crt:der$$", at))
    assert serialization.load_der_private_key(fill_bytes("$$SCONE::private-key:der$$", at), None)
    assert serialization.load_der_public_key(fill_bytes("$$SCONE::public-key:spki:der$$", at))
    key, certificate, others = pkcs12.load_key_and_certificates(
        fill_bytes("$$SCONE::x509:pkcs12-with-private-key$$", at), None
    )
    assert key.public_key() == certificate.public_key() and len(others) == 2
    assert fill_bytes("$$SCONE::binary$$", at) == b"\xfb\xff\x00"
    assert fill("$$SCONE::ascii|escape(json)$$$$SCONE::ascii$$", at) == 'a\\"ba"b'


WRONG = [
    ("$$SCONE::nothing$$", "no secret 'nothing'"),
    ("$$SCONE::binary:base58$$", "one of no suffix, :bin, :hex"),
    ("$$SCONE::ascii:hex$$", "one of no suffix"),
    ("$$SCONE::x509-ca:privatekey$$", "format 'privatekey'"),
    ("$$SCONE::x509:crt:pam$$", ":crt:pem"),
    ("$$SCONE::ascii|escape(xml)$$", r"\|escape\(json\)"),
    ("$$SCONE::ascii", "Two dollar signs end it"),
    ("$$SCONE:ascii$$", "Two colons"),
    ("$$SCONE::$$", "something else"),
    ("$$SCONE::config-fragment$$", "stands for a whole part"),
]


@pytest.mark.parametrize("place", ["command", "environment", "file"])
@pytest.mark.parametrize("text, said", [*WRONG, ("$$SCONE::binary$$", "into files alone")])
def test_what_is_no_form_is_refused_when_it_is_checked(place, text, said):
    """In a command, a variable and an injected file alike, with the forms that would do; bytes
    have a place in files.
    """
    service: dict = {"name": "w", "image_name": "i"}
    image = {"name": "i", "injection_files": [{"path": "/f", "content": "x"}]}
    if place == "file":
        if text == "$$SCONE::binary$$":
            return
        image["injection_files"][0]["content"] = f"a\n{text}\n"
    else:
        service[place] = ["run", text] if place == "command" else {"A": text}
    with pytest.raises(EvidenceError, match=said):
        session(SECRETS, services=[service], images=[image], security=NOBODY)


@pytest.mark.parametrize(
    "text, version, since",
    [
        ("$$SCONE::binary:base32$$", "0.3.9", "0.3.10"),
        ("$$SCONE::binary:hex$$", "0.3.4", "0.3.5"),
        ("$$SCONE::ascii|escape(json)$$", "0.3.6", "0.3.10"),
    ],
)
def test_a_form_of_a_later_version_is_named(text, version, since):
    """The refusal says since when it is there."""
    secrets = SECRETS[:2]
    more = {"services": [{"name": "w", "environment": {"A": text}}], "security": NOBODY}
    with pytest.raises(EvidenceError, match=since.replace(".", r"\.")):
        session(secrets, version=version, **more)
    assert session(secrets, version=since, **more)


def test_an_import_without_a_kind_takes_the_forms_of_its_origin():
    """What the kind is comes out when a service asks, and so does a form that it does not have."""
    cas = Cas()
    give = {"export": {"session": "ns/me"}}
    cas.add("ns/giver", [{**SECRETS[1], **give}, {**SECRETS[0], **give}])
    secrets = [
        {"name": n, "import": {"session": "../giver", "secret": n}} for n in ("binary", "ascii")
    ]
    me = cas.add("ns/me", secrets)
    assert fill("$$SCONE::binary:hex$$ $$SCONE::ascii$$", me, cas) == 'fbff00 a"b'
    with pytest.raises(EvidenceError, match="format 'hex'"):
        fill("$$SCONE::ascii:hex$$", me, cas)


def test_an_imported_certificate_brings_its_key_where_that_is_exported_too():
    """The key of another session's certificate is reachable by an export of its own."""
    cas = Cas()
    for lent in (False, True):
        give = {"export": {"session": "ns/me"}}
        cas.add(
            "ns/giver",
            [
                {"name": "k", "kind": "private-key", **(give if lent else {})},
                {"name": "c", "kind": "x509", "private_key": "k", **give},
            ],
        )
        me = cas.add("ns/me", [{"name": "c", "import": {"session": "ns/giver", "secret": "c"}}])
        if lent:
            assert fill("$$SCONE::c:privatekey$$", me, cas) == cas["ns/giver"].values["k"]
        else:
            with pytest.raises(EvidenceError, match="without its key"):
                fill("$$SCONE::c:privatekey$$", me, cas)


# Files


def test_files_are_made_with_their_values_and_listed_beforehand(at):
    """Content, permission and bytes of what an image injects; a file without content is the
    image's own.
    """
    found = session(
        SECRETS,
        services=[
            {
                "name": "w",
                "image_name": "i:1",
                "command": "run @@1 $$SCONE::ascii$$",
                "environment": {"\\@\\@HOME": "", "T": "$$SCONE::binary:hex$$"},
            }
        ],
        images=[
            {
                "name": "i:1",
                "injection_files": [
                    {"path": "/k", "content": "$$SCONE::key:der$$", "permission": "0o400"},
                    {"path": "/own"},
                    "/short",
                ],
            }
        ],
        security=NOBODY,
    )
    files = configuration(Stored(found, at.values), "w")["files"]
    assert [(f["path"], f["permission"]) for f in files] == [
        ("/k", "0o400"),
        ("/own", "0o700"),
        ("/short", "0o700"),
    ]
    assert serialization.load_der_private_key(files[0]["content"], None)
    assert files[1]["content"] is None is files[2]["content"]
    assert [(u.secret, u.place) for u in uses(found, "w")] == [
        ("ascii", "command"),
        ("the host", "command"),
        ("the host", "variable HOME"),
        ("binary", "variable T"),
        ("key", "file /k"),
        ("the image", "file /own"),
        ("the image", "file /short"),
    ]


# Variables for whole parts

RULES = {"name": "rules", "kind": "config-fragment"}


@pytest.mark.parametrize(
    "policy, value, admitted",
    [
        ("$$SCONE::rules$$", {"read": ["ANY"], "update": ["CREATOR"]}, True),
        ("$$SCONE::rules$$", {"update": ["CREATOR"]}, False),
        ("$$SCONE::rules$$", "nonsense", False),
        ({"read": "$$SCONE::rules$$"}, ["ANY"], True),
        ({"read": ["$$SCONE::rules$$"]}, "ANY", True),
        ({"read": ["CREATOR", "$$SCONE::rules$$"]}, "gibberish", False),
    ],
)
def test_a_policy_may_be_a_secret(policy, value, admitted):
    """A whole policy, a section or an entry; what is not an entry or cannot be read admits nobody,
    and is written back as it was.
    """
    cas = Cas()
    cas.add("ns/rules", [{**RULES, "value": value, "export": {"namespace": ".."}}])
    secrets = [{"name": "rules", "import": {"session": "../rules", "secret": "rules"}}]
    me = cas.add("ns/me", secrets, access_policy=policy)
    assert not me.session.admits("read")
    assert with_access(me, cas).admits("read") is admitted
    assert not with_access(me).admits("read") and Session.from_yaml(me.session.to_yaml()) == (
        me.session
    )
    assert me.session.names_creator and "SCONE::rules" in me.session.to_yaml()


def test_what_a_service_asks_for_may_be_secrets():
    """Measurements, words of tolerate, a whole attestation: filled in, spliced, and judged as if
    they had been written there.
    """
    cas = Cas()
    fragments = {"m": [M, "0b" * 32], "words": ["debug-mode"], "all": {"mrenclave": M}}
    secrets = [{"name": n, "kind": "config-fragment", "value": v} for n, v in fragments.items()] + [
        {"name": "text", "kind": "ascii", "value": M}
    ]
    at = cas.add(
        "s",
        secrets,
        services=[
            {"name": "a", "attestation": {"mrenclave": ["$$SCONE::m$$", "$$SCONE::text$$"]}},
            {"name": "b", "attestation": "$$SCONE::all$$"},
        ],
        security={"attestation": {"tolerate": ["outdated-tcb", "$$SCONE::words$$"]}},
    )
    assert at.session.services[0].requirements == ()
    filled = with_policy(at, cas)
    assert filled.services[0].requirements[0].mrenclaves == (M, "0b" * 32, M)
    assert filled.services[1].requirements[0].mrenclaves == (M,)
    assert filled.security.tolerate == ("outdated-tcb", "debug-mode")
    wrong = cas.add(
        "t",
        [{"name": "m", "kind": "ascii", "value": "no measurement"}],
        services=[{"name": "a", "attestation": {"mrenclave": "$$SCONE::m$$"}}],
    )
    with pytest.raises(EvidenceError, match="values that belong there"):
        with_policy(wrong, cas)


# What a version has

SINCE = [
    ("salt: " + "0" * 32, "0.3.11", "0.3.12"),
    ("namespace_hash: " + M, "0.3.10", "0.3.11"),
    ("secret_config: {store_in: '!cas'}", "0.3.9", "0.3.10"),
    ("secrets: [{name: a, kind: pgp-key}]", "0.3.9", "0.3.10"),
    ("secrets: [{name: a, kind: config-fragment, value: 1}]", "0.3.9", "0.3.10"),
    ("security: {singleton_enclaves: true}", "0.3.8", "0.3.9"),
    ("images: [{name: i, provide_secrets: []}]", "0.3.10", "0.3.11"),
    ("volumes: [{name: v, files: encrypted}]", "0.3.10", "0.3.11"),
]


@pytest.mark.parametrize("text, before, since", SINCE, ids=[s[0].partition(":")[0] for s in SINCE])
def test_a_member_of_a_later_version_is_named(text, before, since):
    """Under an earlier number it is refused with the number that has it; 0.3 alone has all."""
    with pytest.raises(EvidenceError, match=since.replace(".", r"\.")):
        Session.from_yaml(f'name: s\nversion: "{before}"\n{text}')
    for version in (since, "0.3"):
        try:
            assert Session.from_yaml(f'name: s\nversion: "{version}"\n{text}').hash
        except UsageError as exc:
            assert "casnb has not built this" in str(exc)


REFUSED = [
    ("images: [{name: i, colour: red}]", "member 'colour'"),
    ("images: [{name: i, volumes: [{name: v, path: /}]}]", "a volume of this session"),
    ("images: [{name: i}, {name: i}]", "each name once"),
    ("images: [{name: i, injection_files: [{content: x}]}]", "Add `path`"),
    (
        "images: [{name: i, injection_files: [{path: /f, permission: 0o900}]}]",
        "an octal number",
    ),
    ("images: [{name: i, provide_secrets: [a]}]", "a secret of this session"),
    ("volumes: [{name: v, fspf_tag: 00}]", "32 hex digits"),
    ("volumes: [{name: v, import: {session: s}}]", "Add `volume`"),
    ("volumes: [{name: v, fspf_tag: " + "0" * 32 + ", import: {session: s, volume: w}}]", "beside"),
    ("services: [{name: w, image_name: i}]", "an image of this session"),
    ("services: [{name: w, pwd: $$SCONE::a$$}]", "No placeholder becomes a value in pwd"),
    ("services: [{name: w, fspf_key: short}]", "64 hex digits"),
    ("services: [{name: w, one_time_password_shared_secret: SHORT}]", "at least 128 bits"),
    ("secrets: [{name: a, kind: x509-ca, endpoint: server}]", "It belongs to kind x509"),
    ("secrets: [{name: a, kind: config-fragment}]", "makes no config-fragment"),
    ("secrets: [{name: a, kind: config-fragment, value: [$$SCONE::b$$]}]", "no placeholder"),
    ("images: x", "a list of images"),
    ("volumes: {}", "a list of volumes"),
    ("images: [{name: i, injection_files: /f}]", "files whose placeholders"),
    ("digest: create", r"language 0\.1"),
    ("board_members: []", r"language 0\.1"),
]


@pytest.mark.parametrize("text, said", REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_carried_parts_are_checked_like_others(text, said):
    """Unknown members, names that are not declared, lengths, placeholders: by the same table."""
    with pytest.raises(EvidenceError, match=said):
        more = "" if "secrets" in text else "secrets: [{name: k, kind: private-key}]\n"
        Session.from_yaml(f'name: s\nversion: "0.3"\nsecurity: {json.dumps(NOBODY)}\n{more}{text}')


# Language 0.2

OLD = [
    ("secrets: [{name: c, kind: x509}]", ""),
    ("secrets: [{name: c, kind: x509, export: other}]", ""),
    (f"secrets: [{{name: c, kind: x509, export: [other, 'more:{M}']}}]", ""),
    (f"secrets: [{{name: c, kind: x509, import: 'other:{M}'}}]", ""),
    ("secrets: [{name: c, import: other}]", ""),
    ("secrets: [{name: c, kind: session-ca, export_public: true}]", ""),
    (f"access_policy: {{read: [{M}], update: [{M}]}}", ""),
    ("access_policy: {read: [CREATOR], update: NONE}", ""),
    ("secrets: [{name: c, kind: private-key}]", "private-key in language 0.2"),
    ("secrets: [{name: c, kind: x509, private_key: k}]", "private_key in language 0.2"),
    ("secrets: [{name: c, kind: x509, export: {session: s}}]", "session in language 0.2"),
    ("security: {attestation: {mode: none}}", "security in language 0.2"),
    ("services: [{name: w}]", "each service says which enclave"),
    (f"services: [{{name: w, attestation: {{mrenclave: {M}}}}}]", "attestation in language 0.2"),
    (f"access_policy: {{read: CREATOR, update: [{M}]}}", "under read as well"),
    ("access_policy: {create_sessions: ANY}", 'Write version: "0.3"'),
    (
        f"services: [{{name: w, mrenclaves: [{M}], command: $$SCONE::a:hex$$}}]\n"
        "secrets: [{name: a, kind: binary}]",
        "an older form",
    ),
]


@pytest.mark.parametrize("text, refusal", OLD, ids=[str(n) for n in range(len(OLD))])
def test_language_0_2_has_rules_of_its_own(text, refusal):
    """What it has is read and survives its read-back; what came later is refused."""
    whole = f'name: s\nversion: "0.2"\n{text}'
    if refusal:
        with pytest.raises(CasnbError, match=refusal):
            Session.from_yaml(whole)
    else:
        found = Session.from_yaml(whole)
        assert Session.from_yaml(found.to_yaml()).hash == found.hash


def test_an_old_session_issues_its_certificates_itself():
    """Each has a key of its own, all are signed by the session's, which an update keeps."""
    secrets = [
        {"name": "c", "kind": "x509", "export": "other"},
        {"name": "ca", "kind": "session-ca", "export_public": True},
    ]
    cas = Cas()
    at = cas.add("s", secrets, "0.2")
    leaf, above = (x509.load_pem_x509_certificate(at.values[n].encode()) for n in ("c", "ca"))
    leaf.verify_directly_issued_by(above)
    assert fill("$$SCONE::c.chain$$", at) == at.values["ca"] + at.values["c"]
    key = serialization.load_pem_private_key(fill("$$SCONE::c.key$$", at).encode(), None)
    assert key.public_key() == leaf.public_key()
    again = generate(at.session, at, now=NOW)
    assert again["ca"] == at.values["ca"] and again["c"] != at.values["c"]
    other = cas.add("other", [{"name": "c", "kind": "x509", "import": "s"}], "0.2")
    assert (
        fill("$$SCONE::c.crt$$$$SCONE::c.key$$", other, cas)
        == at.values["c"] + at.values["c:privatekey"]
    )
