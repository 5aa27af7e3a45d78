"""Values of secrets: made, kept across updates, issued by one another, exported and imported, put
into a service's configuration.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base.errors import EvidenceError
from casnb.session.filling import configuration, fill
from casnb.session.session import Session
from casnb.session.values import Stored, exported, generate, value, values

NOW = datetime(2026, 9, 2, tzinfo=timezone.utc)


def dice(seed: str = ""):
    """Return randomness that comes out the same each time."""
    count = iter(range(1 << 30))
    return lambda size: hashlib.shake_256(f"{seed} {next(count)}".encode()).digest(size)


def session(secrets: list, name: str = "ns/s", **more) -> Session:
    return Session.from_yaml(
        json.dumps({"name": name, "version": "0.3", "secrets": secrets, **more})
    )


def store(text: Session, before: Stored | None = None, seed: str = "", **more) -> Stored:
    return Stored(text, generate(text, before, now=NOW, random=dice(seed), **more))


class Cas(dict):
    """Sessions by name, as a lookup."""

    def __call__(self, name: str, hash: str | None) -> Stored | None:
        found = self.get(name)
        return found if found and hash in (None, found.session.hash) else None

    def add(self, secrets: list, name: str, **more) -> Stored:
        self[name] = store(session(secrets, name, **more), seed=name, lookup=self)
        return self[name]


# Made


def test_each_kind_is_made_as_it_says():
    """Printable characters, bytes in hex, keys of every type; what the text gives is not made
    again.
    """
    made = store(
        session(
            [
                {"name": "a", "kind": "ascii", "size": 33},
                {"name": "b", "kind": "binary", "size": 8},
                {"name": "given", "kind": "ascii", "value": "x"},
                *(
                    {"name": t, "kind": "private-key", "key_type": t}
                    for t in ("P-256", "P-384", "Ed25519", "RSA-2048")
                ),
            ]
        )
    ).values
    assert (
        len(made["a"]) == 33
        and made["a"].isascii()
        and made["a"].isprintable()
        and " " not in made["a"]
    )
    assert len(bytes.fromhex(made["b"])) == 8 and "given" not in made
    keys = {
        t: load_pem_private_key(made[t].encode(), None)
        for t in ("P-256", "P-384", "Ed25519", "RSA-2048")
    }
    assert isinstance(keys["Ed25519"], ed25519.Ed25519PrivateKey) and isinstance(
        keys["P-256"], ec.EllipticCurvePrivateKey
    )
    assert keys["P-256"].curve.name == "secp256r1" and keys["P-384"].curve.name == "secp384r1"
    assert isinstance(keys["RSA-2048"], rsa.RSAPrivateKey) and keys["RSA-2048"].key_size == 2048
    assert all("BEGIN PRIVATE KEY" in made[t] for t in keys)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                ("ascii", {}),
                ("binary", {"size": 3}),
                ("private-key", {}),
                ("private-key", {"key_type": "Ed25519"}),
            ]
        ),
        max_size=4,
    ),
    st.text(max_size=5),
)
def test_the_same_randomness_gives_the_same_values(kinds, seed):
    """Values follow from session and randomness alone, and other randomness gives others."""
    text = session(
        [{"name": f"s{n}", "kind": kind, **more} for n, (kind, more) in enumerate(kinds)]
    )
    first = store(text, seed=seed).values
    assert first == store(text, seed=seed).values and list(first) == [
        f"s{n}" for n in range(len(kinds))
    ]
    other = store(text, seed=seed + "!").values
    assert all(first[n] != other[n] for n in first)


# Kept


def test_what_an_update_keeps():
    """ascii and binary of the same kind and size, private keys that migrate; certificates are
    always new.
    """
    old = store(
        session(
            [{"name": n, "kind": "ascii"} for n in ("a", "size", "kind", "given")]
            + [{"name": n, "kind": "private-key"} for n in ("lost", "late")]
            + [{"name": n, "kind": "private-key", "migrate": True} for n in ("kept", "type")]
        ),
        seed="1",
    )
    text = session(
        [
            {"name": "a", "kind": "ascii"},
            {"name": "size", "kind": "ascii", "size": 21},
            {"name": "kind", "kind": "binary"},
            {"name": "given", "kind": "ascii", "value": "x"},
            {"name": "lost", "kind": "private-key"},
            {"name": "late", "kind": "private-key", "migrate": True},
            {"name": "kept", "kind": "private-key", "migrate": True},
            {"name": "type", "kind": "private-key", "migrate": True, "key_type": "P-384"},
            {"name": "new", "kind": "ascii"},
        ]
    )
    new = store(text, old, seed="2").values
    assert {n for n in new if new[n] == old.values.get(n)} == {"a", "kept"}
    assert set(new) == {"a", "size", "kind", "lost", "late", "kept", "type", "new"}
    again = store(session([{"name": "given", "kind": "ascii"}]), Stored(text, new), seed="3").values
    assert again["given"] not in ("x", old.values["given"])


# Certificates

PKI = [
    {
        "name": "web",
        "kind": "x509",
        "private_key": "web_key",
        "issuer": "sub",
        "dns": "web.example",
        "san": ["ip:127.0.0.1"],
        "endpoint": "server",
    },
    {"name": "web_key", "kind": "private-key"},
    {"name": "ca_key", "kind": "private-key", "key_type": "P-384"},
    {
        "name": "ca",
        "kind": "x509-ca",
        "private_key": "ca_key",
        "common_name": "our root",
        "valid_for": "10 years",
    },
    {"name": "sub", "kind": "x509-ca", "private_key": "sub_key", "issuer": "ca"},
    {"name": "sub_key", "kind": "private-key", "key_type": "Ed25519"},
]


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_a_chain_is_issued_in_whatever_order_it_is_written():
    """Root, intermediate and server certificate: signed by each other's keys, with names, uses
    and dates.
    """
    made = store(session(PKI)).values
    web, sub, root = (certificate(made[n]) for n in ("web", "sub", "ca"))
    web.verify_directly_issued_by(sub)
    sub.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert load_pem_private_key(made["web_key"].encode(), None).public_key() == web.public_key()
    names = web.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web.example"] and len(names) == 2
    assert (
        web.subject.rfc4514_string() == "CN=web.example"
        and sub.subject.rfc4514_string() == "CN=sub"
    )
    assert list(web.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    uses = [c.extensions.get_extension_for_class(x509.KeyUsage).value for c in (web, sub, root)]
    assert [(u.digital_signature, u.key_cert_sign) for u in uses] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert (
        root.subject.rfc4514_string() == "CN=our root"
        and root.not_valid_after_utc == NOW + timedelta(days=3650)
    )
    assert web.not_valid_after_utc.year == 4096 and web.not_valid_before_utc < NOW
    with pytest.raises(x509.ExtensionNotFound):
        sub.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_a_client_accepts_what_was_issued():
    """The chain passes an ordinary verifier, by its name and with its root alone."""
    made = store(
        session([dict(s, key_type="P-256") if s["kind"] == "private-key" else s for s in PKI])
    ).values
    web, sub, root = (certificate(made[n]) for n in ("web", "sub", "ca"))
    verifier = (
        PolicyBuilder()
        .store(Store([root]))
        .time(NOW)
        .build_server_verifier(x509.DNSName("web.example"))
    )
    assert verifier.verify(web, [sub]) == [web, sub, root]


def test_certificates_are_new_with_every_version():
    """An update issues again, for a key that was kept."""
    text = session([dict(s, migrate=True) if s["kind"] == "private-key" else s for s in PKI])
    first = store(text)
    second = store(text, first, seed="2")
    assert (
        first.values["web_key"] == second.values["web_key"]
        and first.values["web"] != second.values["web"]
    )


def test_an_issuer_that_is_given_in_the_text():
    """A session can bring its own authority, key and certificate, and have certificates issued
    by it.
    """
    made = store(session(PKI)).values
    given = [
        {"name": "ca_key", "kind": "private-key", "value": made["ca_key"]},
        {"name": "ca", "kind": "x509-ca", "private_key": "ca_key", "value": made["ca"]},
        {"name": "k", "kind": "private-key"},
        {"name": "c", "kind": "x509", "private_key": "k", "issuer": "ca", "endpoint": "client"},
    ]
    found = certificate(store(session(given)).values["c"])
    found.verify_directly_issued_by(certificate(made["ca"]))
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    with pytest.raises(EvidenceError, match="may not issue"):
        session([{"name": "x", "kind": "x509-ca", "value": made["web"]}])
    wrong = [dict(given[0], value=made["web_key"]), *given[1:]]
    with pytest.raises(EvidenceError, match="a certificate for another key"):
        store(session(wrong))


# Exported and imported

SHARED = {"name": "shared", "kind": "ascii", "value": "42"}


def imports(name: str = "me", **whence) -> Session:
    return session(
        [
            {
                "name": "mine",
                "kind": "ascii",
                "import": {"session": "ns/giver", "secret": "shared", **whence},
            }
        ],
        name,
    )


@pytest.mark.parametrize(
    "export, name, may",
    [
        ({"export": {"session": "me"}}, "me", True),
        ({"export": {"session": "me"}}, "you", False),
        ({}, "me", False),
        ({"export": [{"session": "you"}, {"session": "me"}]}, "me", True),
        ({"export_public": True}, "anybody", True),
        ({"export": {"namespace": "ns"}}, "ns/me", True),
        ({"export": {"namespace": "ns"}}, "ns/deep/me", True),
        ({"export": {"namespace": "ns"}}, "ns", True),
        ({"export": {"namespace": ".."}}, "ns/other", True),
        ({"export": {"namespace": "ns"}}, "nsx/me", False),
        ({"export": {"session": "../me"}}, "ns/me", True),
        ({"export": {"session": "../../me"}}, "me", True),
        ({"export": {"session": "./me"}}, "ns/giver/me", True),
        ({"export": {"session": "/me"}}, "me", True),
        ({"export": "/session=me"}, "me", True),
    ],
)
def test_who_may_import(export, name, may):
    """Named sessions, sessions below a namespace, or everybody; all who may not get one and the
    same refusal.
    """
    cas = Cas()
    cas.add([{**SHARED, **export}], "ns/giver")
    importer = Stored(imports(name))
    assert (
        exported(cas["ns/giver"].session.secrets[0], cas["ns/giver"].session, importer.session)
        is may
    )
    if may:
        assert value(importer, "mine", cas) == "42" == values(importer, cas)["mine"]
    else:
        with pytest.raises(
            EvidenceError, match="got nothing under secret shared of session ns/giver"
        ):
            value(importer, "mine", cas)


def test_pinned_versions():
    """An import may name the version it wants, an export the version it trusts; any other one is
    not there.
    """
    cas = Cas()
    giver = cas.add([{**SHARED, "export": {"session": "me"}}], "ns/giver").session
    assert value(Stored(imports(session_hash=giver.hash)), "mine", cas) == "42"
    with pytest.raises(EvidenceError):
        value(Stored(imports(session_hash="0a" * 32)), "mine", cas)
    cas.add([{**SHARED, "export": {"session": "me", "session_hash": imports().hash}}], "ns/giver")
    assert value(Stored(imports()), "mine", cas) == "42"
    with pytest.raises(EvidenceError):
        value(Stored(imports().with_predecessor("0b" * 32)), "mine", cas)


@pytest.mark.parametrize("give", [{"kind": "binary", "value": "00"}, None])
def test_no_oracle_for_imports(give):
    """A missing secret, another kind, a missing session: the same words as one that is not
    exported.
    """
    cas, told = Cas(), set()
    for session_there in (True, False):
        if session_there:
            cas.add(
                [{"name": "shared", "export": {"session": "me"}, **give}] if give else [],
                "ns/giver",
            )
        else:
            cas.clear()
        with pytest.raises(EvidenceError) as refusal:
            value(Stored(imports()), "mine", cas)
        told.add(str(refusal.value))
    assert len(told) == 1


def test_imports_may_lead_on_but_not_in_circles():
    """An imported secret may be exported again; a circle ends in the usual refusal."""
    cas = Cas()
    cas.add([{**SHARED, "export": {"session": "b"}}], "a")
    cas.add(
        [
            {
                "name": "shared",
                "kind": "ascii",
                "import": {"session": "a", "secret": "shared"},
                "export": {"session": "c"},
            }
        ],
        "b",
    )
    c = cas.add(
        [
            {
                "name": "shared",
                "kind": "ascii",
                "import": {"session": "b", "secret": "shared"},
                "export_public": True,
            }
        ],
        "c",
    )
    assert value(c, "shared", cas) == "42"
    cas.add(
        [
            {
                "name": "shared",
                "kind": "ascii",
                "import": {"session": "c", "secret": "shared"},
                "export_public": True,
            }
        ],
        "a",
    )
    cas.add(
        [
            {
                "name": "shared",
                "kind": "ascii",
                "import": {"session": "a", "secret": "shared"},
                "export_public": True,
            }
        ],
        "b",
    )
    with pytest.raises(EvidenceError, match="got nothing under"):
        value(c, "shared", cas)


def test_an_imported_authority_issues():
    """Who may import an authority has certificates issued by it; its private key stays where it
    is.
    """
    cas = Cas()
    root = cas.add(
        [
            {"name": "key", "kind": "private-key"},
            {"name": "ca", "kind": "x509-ca", "private_key": "key", "export": {"namespace": "ns"}},
        ],
        "ns",
    )
    secrets = [
        {"name": "ca", "kind": "x509-ca", "import": {"session": "ns", "secret": "ca"}},
        {"name": "k", "kind": "private-key"},
        {"name": "c", "kind": "x509", "private_key": "k", "issuer": "ca"},
    ]
    below = cas.add(secrets, "ns/web")
    certificate(below.values["c"]).verify_directly_issued_by(certificate(root.values["ca"]))
    assert root.values["key"] not in values(below, cas).values()
    with pytest.raises(EvidenceError, match="import"):
        cas.add(secrets, "elsewhere")


def test_a_public_certificate_lets_nobody_issue():
    """That anybody may read an authority's certificate, and import it, does not lend them its
    key.
    """
    cas = Cas()
    cas.add(
        [
            {"name": "key", "kind": "private-key"},
            {"name": "ca", "kind": "x509-ca", "private_key": "key", "export_public": True},
        ],
        "a",
    )
    own = [
        {"name": "ca", "kind": "x509-ca", "import": {"session": "a", "secret": "ca"}},
        {"name": "k", "kind": "private-key"},
    ]
    assert value(cas.add(own, "b"), "ca", cas) == cas["a"].values["ca"]
    with pytest.raises(EvidenceError, match="got nothing under secret ca of session a"):
        cas.add([*own, {"name": "c", "kind": "x509", "private_key": "k", "issuer": "ca"}], "b")


# Put into a configuration


def test_placeholders_become_values():
    """In command and environment, in every format; other dollar signs stay."""
    text = session(
        [
            {"name": "bin", "kind": "binary", "value": "fbff00"},
            {"name": "say", "kind": "ascii", "value": 'a"b'},
        ],
        services=[
            {
                "name": "web",
                "command": ["run", "--k=$$SCONE::bin:hex$$"],
                "pwd": "/w",
                "environment": {
                    "A": (
                        "$$SCONE::bin:base64$$ $$SCONE::bin:base64url$$ $$SCONE::bin:base32$$"
                        " $$SCONE::bin:base32nopad$$"
                    ),
                    "J": '{"x": "$$SCONE::say|escape(json)$$"}',
                    "H": "$HOME $$ $$SCONE::bin.hex$$",
                },
            }
        ],
        security={"attestation": {"mode": "none"}},
    )
    found = configuration(Stored(text), "web")
    assert found == {
        "command": ["run", "--k=fbff00"],
        "pwd": "/w",
        "files": [],
        "environment": {
            "A": "+/8A -_8A 7P7QA=== 7P7QA",
            "J": '{"x": "a\\"b"}',
            "H": "$HOME $$ fbff00",
        },
    }
    assert json.loads(found["environment"]["J"]) == {"x": 'a"b'}
    with pytest.raises(EvidenceError, match="one of web"):
        configuration(Stored(text), "db")


@pytest.mark.parametrize(
    "text, said",
    [
        ("$$SCONE::nothing$$", "no secret 'nothing'"),
        ("$$SCONE::bin:base58$$", "format 'base58'"),
        ("$$SCONE::bin$$", "bytes that are no text"),
        ("$$SCONE:bin$$", "Two colons"),
        ("$$SCONE::bin:hex", "Two dollar signs end it"),
        ("$$SCONE::bin:hex|escape(xml)$$", r"escape\(json\)"),
        ("$$SCONE::bin:bin$$", "bytes that are no text"),
    ],
)
def test_placeholders_that_mean_nothing(text, said):
    """A secret or format that is not there stops the service, instead of reaching it as text."""
    at = Stored(session([{"name": "bin", "kind": "binary", "value": "fbff00"}]))
    with pytest.raises(EvidenceError, match=said):
        fill(text, at)


def test_a_value_is_not_searched_for_placeholders():
    """What a secret says is never read as a placeholder."""
    at = Stored(
        session(
            [
                {"name": "a", "kind": "ascii", "value": "$$SCONE::b$$"},
                {"name": "b", "kind": "ascii", "value": "x"},
            ]
        )
    )
    assert fill("$$SCONE::a$$", at) == "$$SCONE::b$$"
