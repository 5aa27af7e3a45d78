"""The CAS's certificates: real chains of three years, junk, and key hashes."""

from __future__ import annotations

import base64
import hashlib
import html as markup
import json
import re
from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from casnb.base.errors import EvidenceError
from casnb.simulator.keys import certificate
from casnb.tls.cas_chain import CasChain, issued_by
from casnb.verify.keyhash import base58check, chain_key_hashes, key_hash

FOREVER = (datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(4096, 1, 1, tzinfo=timezone.utc))


def real_chains(vectors) -> dict[str, bytes]:
    """Return every real CAS chain there is, by year."""
    folder = vectors / "cas-attest"
    report = json.loads((folder / "v1-attest-iasreport-2019.json").read_bytes())
    config = json.loads((folder / "cli-config-cas_db-2020.json").read_bytes())
    return {
        "2019": report["additional_data"]["cert_chain"].encode(),
        "2020": config["cas_db"]["mycas"]["chain"].encode(),
        "2025": (folder / "show-certificate-2025.pem").read_bytes(),
    }


def make(name, issuer=None, authority=True, key=None, extensions=None, subject=None):
    """Return a certificate as CAS makes them."""
    shown = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    found = [(x509.BasicConstraints(authority, None), True)] if extensions is None else extensions
    return certificate(
        shown, key or ec.generate_private_key(ec.SECP256R1()), issuer, 5, FOREVER, found
    )


# Reading a chain


@pytest.mark.parametrize("year", ["2019", "2020", "2025"])
def test_real_chain(vectors, year):
    """Chains of three generations are read, whatever their order and line ends, and explained."""
    pem = real_chains(vectors)[year]
    chain = CasChain.from_pem(pem)
    names = [c.subject.rfc4514_string() for c in (chain.instance, chain.root)]
    assert names == ["CN=cas-instance", "CN=cas"] and chain.instance.issuer == chain.root.subject
    assert chain.key_hashes == chain_key_hashes(pem) and len(set(chain.key_hashes)) == 2
    said = chain.explain()
    assert (
        said.index("cas-instance, issued by cas") < said.index("cas, issued by cas:")
        and chain.key_hashes[0] in said
    )
    assert ("4096-01-01" if year == "2025" else str(int(year) + 1)) in said


@pytest.mark.parametrize(
    "old, new",
    [
        ("06072a8648ce3d0201", "06072a8648ce3d0202"),
        ("0603550403", "0603550483"),
        ("0342000", "0342ff0"),
    ],
    ids=["kind-of-key", "name", "key"],
)
def test_key_hashes_of_certificates_that_are_none(old, new):
    """A key of no known kind, a name that is none: the library below says so late and in many
    ways, we in one.
    """
    root = make("cas")
    der = make("cas-instance", root).cert.public_bytes(Encoding.DER)
    bad = bytes.fromhex(der.hex().replace(old, new))
    assert bad != der
    pem = (
        root.cert_pem
        + b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(bad)
        + b"-----END CERTIFICATE-----\n"
    )
    with pytest.raises(EvidenceError, match="CAS certificate chain"):
        chain_key_hashes(pem)


def test_show_certificate_is_reproduced(vectors):
    """The real `show-certificate` text of 2025 comes out as it went in: instance first, LF,
    nothing between.
    """
    pem = real_chains(vectors)["2025"]
    assert CasChain.from_pem(pem).to_pem() == pem.rstrip(b"\n") + b"\n"


def blocks(pem: bytes) -> list[bytes]:
    return re.findall(rb"-----BEGIN.+?-----END CERTIFICATE-----\r?\n", pem, re.S)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a, b: a + b, id="instance first"),
        pytest.param(lambda a, b: b + a, id="root first"),
        pytest.param(lambda a, b: (a + b).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda a, b: a + b"\n\n" + b, id="blank lines"),
        pytest.param(lambda a, b: b"CAS:\n" + a + b"---\n" + b + b"end", id="words around"),
    ],
)
def test_order_and_line_ends(public, change):
    """The same two certificates give the same chain, and one text."""
    found = CasChain.from_pem(change(public.cas_instance.cert_pem, public.cas_root.cert_pem))
    assert (
        found == CasChain.from_pem(public.cas_chain_pem.decode())
        and found.to_pem() == public.cas_chain_pem
    )


@pytest.fixture(scope="module")
def root():
    return make("cas")


def der_pem(der: bytes) -> bytes:
    return (
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    )


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        pytest.param(lambda root: b"", "not certificates in PEM", id="empty"),
        pytest.param(lambda root: b"hello", "not certificates in PEM", id="text"),
        pytest.param(lambda root: b"\xff\0" * 90, "not certificates in PEM", id="binary"),
        pytest.param(
            lambda root: der_pem(bytes(100)), "not certificates in PEM", id="zeros in PEM"
        ),
        pytest.param(lambda root: der_pem(b""), "not certificates in PEM", id="empty block"),
        pytest.param(
            lambda root: root.key_pem + root.key_pem, "not certificates in PEM", id="keys"
        ),
        pytest.param(
            lambda root: root.cert_pem.replace(b"END", b"EMD"),
            "not certificates in PEM",
            id="block not closed",
        ),
        pytest.param(lambda root: b"x" * (65 << 10), "65536", id="too long"),
        pytest.param(lambda root: root.cert_pem * 200, "65536", id="two hundred"),
        pytest.param(lambda root: root.cert_pem, "1 self-issued and 0 other", id="root alone"),
        pytest.param(
            lambda root: make("cas-instance", root).cert_pem,
            "0 self-issued and 1 other",
            id="instance alone",
        ),
        pytest.param(lambda root: root.cert_pem * 2, "2 self-issued", id="root twice"),
        pytest.param(
            lambda root: root.cert_pem + make("a", root).cert_pem + make("b", root).cert_pem,
            "2 other",
            id="three",
        ),
        pytest.param(
            lambda root: root.cert_pem + make("x", make("y")).cert_pem,
            "not the root's",
            id="issuer of another name",
        ),
        pytest.param(
            lambda root: root.cert_pem + make("cas-instance", make("cas")).cert_pem,
            "not the root's",
            id="another cas",
        ),
        pytest.param(
            lambda root: root.cert_pem + make("leaf", root, False).cert_pem,
            "may not issue others",
            id="leaf for instance",
        ),
        pytest.param(
            lambda root: root.cert_pem + make("i", root, extensions=[]).cert_pem,
            "may not issue",
            id="no constraints",
        ),
        pytest.param(
            lambda root: (a := make("cas", authority=False)).cert_pem + make("i", a).cert_pem,
            "may not issue",
            id="root a leaf",
        ),
    ],
)
def test_refused_chain(root, pem, told):
    """What is not one root and the instance it issued, both authorities, is refused."""
    with pytest.raises(EvidenceError) as caught:
        CasChain.from_pem(pem(root))
    assert told in str(caught.value) and str(caught.value).isprintable()


def test_constraints_twice(root):
    """A certificate that says twice, and differently, whether it may issue others may not; no
    builder makes one.
    """
    name = x509.ObjectIdentifier("2.5.29.18")
    twice = [
        (x509.BasicConstraints(True, None), True),
        (x509.UnrecognizedExtension(name, b"0\0"), False),
    ]
    made = make("i", root, extensions=twice)
    CasChain.from_pem(root.cert_pem + made.cert_pem)
    tbs = made.cert.tbs_certificate_bytes.replace(
        bytes.fromhex("0603551d12"), bytes.fromhex("0603551d13")
    )
    signature = root.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    rest = bytes.fromhex("300a06082a8648ce3d040302") + bytes([3, len(signature) + 1, 0]) + signature
    der = b"0\x82" + len(tbs + rest).to_bytes(2, "big") + tbs + rest
    assert issued_by(x509.load_der_x509_certificate(der), root.cert)
    with pytest.raises(EvidenceError, match="may not issue others"):
        CasChain.from_pem(root.cert_pem + der_pem(der))


@pytest.mark.parametrize("year", ["2019", "2025"])
def test_a_flipped_bit_breaks_a_real_chain(vectors, year):
    """No certificate with a changed bit is taken for the root or the instance that it was."""
    pem = real_chains(vectors)[year]
    first, second = (
        x509.load_pem_x509_certificate(b).public_bytes(Encoding.DER) for b in blocks(pem)
    )
    for part, rest in ((first, second), (second, first)):
        for at in range(0, len(part), 3):
            changed = part[:at] + bytes([part[at] ^ 4]) + part[at + 1 :]
            with pytest.raises(EvidenceError):
                CasChain.from_pem(der_pem(changed) + der_pem(rest))


def test_hostile_names_are_neutralised(root):
    """A name in a certificate reaches no terminal and no notebook as it is."""
    evil = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "<b>\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}x")]
    )
    chain = CasChain.from_pem(root.cert_pem + make("", root, subject=evil).cert_pem)
    shown = chain._repr_mimebundle_()
    assert "<b>" not in shown["text/html"]
    for text in (*shown.values(), chain.explain(), repr(chain)):
        assert not {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(text)


def test_a_name_without_a_common_name(root):
    """A subject without a common name is shown as it stands."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "someone")])
    assert (
        "O=someone, issued by cas"
        in CasChain.from_pem(root.cert_pem + make("", root, subject=name).cert_pem).explain()
    )


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="RSA"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="P-384"),
    ],
)
def test_other_kinds_of_key(key):
    """A CAS with another kind of key is read and explained all the same."""
    root = make("cas", key=key())
    chain = CasChain.from_pem(root.cert_pem + make("cas-instance", root).cert_pem)
    assert len(chain.key_hashes[0]) == 50 and "EC secp256r1" in chain.explain()


def test_explained_in_words(public):
    """Who reads the certificates learns what surprises a TLS client: the third certificate, the
    shared names, Python 3.13.
    """
    chain = CasChain.from_pem(public.cas_chain_pem)
    html = chain._repr_mimebundle_()["text/html"]
    for text in (chain.explain(), html):
        for word in (
            "third certificate",
            "--connect-to",
            "All CASes use these names",
            "VERIFY_X509_STRICT",
        ):
            assert word in text
    assert chain.fingerprint == hashlib.sha256(chain.root.public_bytes(Encoding.DER)).hexdigest()


# Who issued what


def test_issued(public, other):
    """Leaf and instance were issued by this chain; nobody else's, and no junk."""
    chain = CasChain.from_pem(public.cas_chain_pem)
    der = {
        name: getattr(public, name).cert.public_bytes(Encoding.DER)
        for name in ("tls_leaf", "cas_instance")
    }
    assert chain.issued(der["tls_leaf"]) and chain.issued(der["cas_instance"])
    assert not chain.issued(other.tls_leaf.cert.public_bytes(Encoding.DER))
    assert not chain.issued(public.site_certificate().cert.public_bytes(Encoding.DER))
    for junk in (
        b"",
        b"\0",
        bytes(500),
        der["tls_leaf"][:-1],
        der["tls_leaf"][:-1] + bytes([der["tls_leaf"][-1] ^ 1]),
    ):
        assert not chain.issued(junk)


def test_issued_by_wants_name_and_signature(root):
    """The right key under another name, and the right name with another key, issued nothing."""
    below = make("x", root).cert
    assert issued_by(below, root.cert)
    assert not issued_by(below, make("cas").cert)
    assert not issued_by(below, make("other", key=root.key).cert)
    assert not issued_by(below, make("cas", key=ec.generate_private_key(ec.SECP384R1())).cert)


# Key hashes


def test_documented_hash():
    """A published CAS key hash and its payload agree under Base58Check with version 1."""
    payload = bytes.fromhex("01c96397754f76f5fb798dcaae7522848632b8312366a8412e529b2fdda71a6d59")
    assert base58check(payload) == "4USPZDGq2FjrE2wh7FEErbrirCFZcu8nR7YaSjH3NjfJtEAfCc"


def test_documented_signing_key():
    """A published Ed25519 signer is Base58Check with version 10 over the key itself."""
    spki = base64.b64decode("MCowBQYDK2VwAyEAOsufQ7RCOXueVLQBpk7Y44GAaj+LzPbmHfdr/TPdlrE=")
    assert base58check(b"\x0a" + spki[-32:]) == "LtLcbPVddnCkH36ZcRdgYsw4H8xDbYaFZfuefkDc25uq2qdjmM"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("3oC3KEcwV1yoGig1KBDBj5wKetBWZZrV9Vso9vRUP7RZ9ZHAPm", "7045e456", "15af"),
        ("4fCzcAREFyJWZ5RBFxuy4GvpB2Wsxr6G3C3HuZ8CKcDkmNDQzw", "e1d76972", "6783"),
    ],
)
def test_published_hashes_have_our_form(text, start, end):
    """Decoded by hand, published hashes are version 1, 32 bytes and the right checksum."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for c in text:
        number = number * 58 + alphabet.index(c)
    data = number.to_bytes(37, "big")
    assert data[0] == 1 and data[1:33].hex().startswith(start) and data[1:33].hex().endswith(end)
    assert base58check(data[:33]) == text


@pytest.mark.parametrize(
    ("payload", "text"),
    [(b"", "3QJmnh"), (b"\0", "1Wh4bh"), (bytes(21), "1111111111111111111114oLvT2")],
    ids=["nothing", "a zero", "21 zeros"],
)
def test_base58check_edges(payload, text):
    """Leading zero bytes become ones; the payload of 21 zeros is Bitcoin's best-known address."""
    assert base58check(payload) == text


def test_key_hash_is_of_the_key_alone(root):
    """Another certificate for the same key has the same hash; another key, another one."""
    again = make("else", key=root.key)
    assert key_hash(root.cert) == key_hash(again.cert) != key_hash(make("cas").cert)
    assert len(key_hash(root.cert)) == 50 and key_hash(root.cert)[0] in "234"


# What a reader should notice


def test_findings_are_read_from_the_certificates(vectors):
    """The real chain of 2025: authorities, no names, no end, no limit, no revocation, no usage;
    that of 2019 ends and has names.
    """
    found = {f.about: f.found for f in CasChain.from_pem(real_chains(vectors)["2025"]).findings}
    assert found == {
        "may they issue others": "CA:TRUE, CA:TRUE",
        "subject alternative name": "none",
        "connecting": "the name to verify is 'cas'",
        "names": "cas-instance, cas",
        "valid until": "4096-01-01",
        "what they could sign": "no limit on names, uses or depth",
        "revocation": "none",
        "key usage, authority key identifier": "none",
    }
    old = {f.about: f for f in CasChain.from_pem(real_chains(vectors)["2019"]).findings}
    assert (
        old["valid until"].found.startswith("2020")
        and "attest the CAS again" in old["valid until"].meaning
    )
    assert old["subject alternative name"].found == "there: subject alternative name"


@pytest.mark.parametrize(
    ("extension", "about", "found"),
    [
        (
            x509.KeyUsage(True, *[False] * 4, True, *[False] * 3),
            "key usage, authority key identifier",
            "there: key usage",
        ),
        (
            x509.SubjectAlternativeName([x509.DNSName("x")]),
            "subject alternative name",
            "there: subject alternative name",
        ),
        (
            x509.NameConstraints([x509.DNSName("cas")], None),
            "what they could sign",
            "limits are set",
        ),
        (
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.DNSName("x")], None, None, None)]
            ),
            "revocation",
            "there: CRL distribution points",
        ),
    ],
    ids=["usage", "names", "constraints", "CRL"],
)
def test_findings_of_another_kind_of_chain(root, extension, about, found):
    """What is there is said to be there: nothing is taken for granted because CASes usually lack
    it.
    """
    made = make(
        "cas-instance",
        root,
        extensions=[(x509.BasicConstraints(True, None), True), (extension, False)],
    )
    chain = CasChain.from_pem(root.cert_pem + made.cert_pem)
    assert {f.about: f.found for f in chain.findings}[about] == found


def test_a_path_length_is_a_limit(root):
    """An authority that may issue no further authorities is limited."""
    made = make("cas-instance", root, extensions=[(x509.BasicConstraints(True, 0), True)])
    found = {f.about: f.found for f in CasChain.from_pem(root.cert_pem + made.cert_pem).findings}
    assert found["what they could sign"] == "limits are set"


def test_text_and_html_say_the_same(public):
    """Every finding stands in the text and, whole, in the HTML."""
    chain = CasChain.from_pem(public.cas_chain_pem)
    html = chain._repr_mimebundle_()["text/html"]
    for finding in chain.findings:
        assert finding.meaning in chain.explain() and markup.escape(finding.meaning) in html


def test_other_names_are_noticed(root):
    """Certificates with names that no CAS uses are not said to be like all others."""
    chain = CasChain.from_pem(root.cert_pem + make("mallory", root).cert_pem)
    names = next(f for f in chain.findings if f.about == "names")
    assert names.found == "mallory, cas" and "No CAS that is known" in names.meaning
