"""RA-TLS certificates: evidence found in every form, the key compared with it, and hostile
certificates refused.
"""

from __future__ import annotations

import base64
import random
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from evidence.ratls_forms import (
    FORMS,
    RA_TLS,
    UUID,
    certificate,
    claims,
    comment,
    encode,
    key_pem,
    oe_evidence,
    sha,
    spki,
    tagged,
    zeros,
)

from casnb.base.errors import EvidenceError
from casnb.evidence import cbor
from casnb.evidence.decode import decode, read
from casnb.evidence.ratls import LIMIT, OE_EVIDENCE, OE_REPORT, RaTlsCertificate


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    """Two keys for TLS, one for RSA, and a simulated world that makes evidence."""
    from casnb.simulator.world import World

    keys = [ec.derive_private_key(n, ec.SECP256R1()) for n in (11, 12)]
    return SimpleNamespace(
        key=keys[0],
        other=keys[1],
        wide=ec.derive_private_key(13, ec.SECP384R1()),
        rsa=rsa.generate_private_key(65537, 2048),
        world=World("ratls", "production"),
    )


@pytest.mark.parametrize("name", FORMS)
def test_evidence_is_found_and_names_the_key(made, name):
    """In every form the evidence comes out, and report data names the certificate's key."""
    which, extensions, kind, form = FORMS[name]
    key = getattr(made, which)
    found = decode(certificate(key, {"1.2.3.1": b"x" * 300, **extensions(made, key)}))
    assert isinstance(found, RaTlsCertificate) and isinstance(found.evidence, kind)
    assert (found.form, found.binding.bound) == (form, True), found.binding
    assert found.binding.sentence.startswith("The evidence names")


@pytest.mark.parametrize("name", FORMS)
def test_another_key_is_not_named(made, name):
    """The same extensions in a certificate with another key, as a relay would make it, are not
    bound.
    """
    which, extensions, _, _ = FORMS[name]
    found = decode(certificate(made.other, extensions(made, getattr(made, which))))
    assert found.binding.bound is False
    assert found.binding.got != found.binding.wanted and "does not name" in found.binding.sentence


UNBOUND = [
    pytest.param(
        lambda m, k: {RA_TLS + "6": m.world.quote(sha(spki(k)) + b"\1".rjust(32, b"\0"))},
        id="second-half-not-zero",
    ),
    pytest.param(lambda m, k: {RA_TLS + "6": m.world.quote(zeros(sha(spki(k))[:31]))}, id="prefix"),
    pytest.param(
        lambda m, k: {RA_TLS + "6": m.world.quote(zeros(sha(key_pem(k))))},
        id="rule-of-another-form",
    ),
    pytest.param(
        lambda m, k: {"2.23.133.5.4.9": tagged(m.world.quote(zeros(sha(spki(k)))), claims(k))},
        id="claims-not-hashed",
    ),
    pytest.param(
        lambda m, k: {
            "2.23.133.5.4.9": tagged(m.world.quote(zeros(sha(claims(m.other)))), claims(m.other))
        },
        id="claims-name-another",
    ),
    pytest.param(
        lambda m, k: {
            "1.3.6.1.4.1.311.105.2": oe_evidence(
                m.world.quote(zeros(sha(b"else"))), key_pem(k) + b"\0"
            )
        },
        id="open-enclave-claims-not-hashed",
    ),
    pytest.param(lambda m, k: comment(m, bytes(64), "bars"), id="zeros"),
]


@pytest.mark.parametrize("extensions", UNBOUND)
def test_nearly_bound_is_not_bound(made, extensions):
    """A prefix, another rule, unhashed claims: each is not bound."""
    assert decode(certificate(made.key, extensions(made, made.key))).binding.bound is False


def test_a_key_without_coordinates_is_never_named_by_zeros(made):
    """For a key that is not a point of P-256 the rule `x then y` wants nothing that report data
    could be.
    """
    for key in (made.wide, made.rsa):
        assert decode(certificate(key, comment(made, bytes(64), "bars"))).binding.bound is False


def test_the_standard_form_counts_before_the_old_one(made):
    """Of two forms in one certificate the first in our order is read, and the other is named as
    not read.
    """
    found = decode(
        certificate(
            made.key,
            {RA_TLS + "6": made.world.quote(bytes(64)), **FORMS["dice"][1](made, made.key)},
        )
    )
    assert (found.oid, found.others, found.binding.bound) == (
        "2.23.133.5.4.9",
        (RA_TLS + "6",),
        True,
    )
    assert found.to_json_dict()["not_read"] == [RA_TLS + "6"]


def test_pem_chain_and_base64(made):
    """A chain as a TLS tool prints it gives its first certificate; base64 of the DER is read,
    too.
    """
    der = certificate(made.key, FORMS["quote"][1](made, made.key))
    pem = (
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    )
    shown = read(b"CONNECTED(00000003)\n 0 s:CN = enclave\n" + pem + made.world.cas_chain_pem)
    assert shown.value.der == der
    assert str(shown) == "RA-TLS certificate with SGX quote, PEM (CERTIFICATE, the first of 3)"
    assert str(read(base64.b64encode(der))) == "RA-TLS certificate with SGX quote, base64"


BINDINGS = {
    "teaclave-v3": True,
    "integritee-mrsigner1-groupoutofdate": True,
    "integritee-cert-wrong-sig": True,
    "integritee-cert-wrong-platform-blob": True,
    "integritee-test4-confneeded-debug": False,
    "integritee-test5-confneeded-debug": False,
    "secret-hwv2-swhardening": False,
    "secret-outofdate": False,
}


@pytest.mark.parametrize("name", BINDINGS)
def test_real_certificates(vectors, name):
    """From real certificates come the report, the signature and the binding that their
    collectors found.
    """
    folder = vectors / "avr" / name
    found = decode(folder / "ra_tls_cert.der")
    assert found.evidence.body == (folder / "body.json").read_bytes()
    assert found.evidence.signature == base64.b64decode((folder / "signature.b64").read_bytes())
    leaf = x509.load_pem_x509_certificates((folder / "chain.pem").read_bytes())[0]
    assert x509.load_pem_x509_certificates(found.evidence.chain_pem)[0] == leaf
    assert found.binding.bound is BINDINGS[name]


REFUSED = [
    pytest.param(lambda m, d: m.world.cas_chain_pem, "holds evidence", id="no-evidence"),
    pytest.param(lambda m, d: d + b"\0", "further bytes", id="trailing-byte"),
    pytest.param(lambda m, d: d[:-1], "beyond its surroundings", id="cut"),
    pytest.param(lambda m, d: d[:4] + bytes(LIMIT), "at most", id="too-large"),
    pytest.param(lambda m, d: b"\x30\x83\0" + d[2:], "shortest form", id="long-length"),
    pytest.param(lambda m, d: d[:8] + b"\xa1" + d[9:], "version", id="no-version"),
    pytest.param(
        lambda m, d: certificate(m.key, {RA_TLS + "6": b"x" * 500}), "quote", id="not-a-quote"
    ),
    pytest.param(
        lambda m, d: certificate(m.key, {RA_TLS + "2": m.world.avr(bytes(64)).body}),
        "IAS signing certificate",
        id="ias-without-signature",
    ),
    pytest.param(
        lambda m, d: certificate(m.key, {"2.16.840.1.113730.1.13": b"hello"}),
        "not JSON",
        id="other-comment",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key, {"2.16.840.1.113730.1.13": b'{"report":[256],"signature":[],"signing_cert":[]}'}
        ),
        "numbers from 0 to 255",
        id="comment-number-256",
    ),
    pytest.param(
        lambda m, d: certificate(m.key, {"1.3.6.1.4.1.311.105.1": OE_REPORT.pack((1, 1, 0))}),
        "type 1",
        id="oe-local-report",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key, {"1.3.6.1.4.1.311.105.2": OE_EVIDENCE.pack((3, bytes(16), 0))}
        ),
        "format 0000",
        id="oe-other-format",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key, {"1.3.6.1.4.1.311.105.2": OE_EVIDENCE.pack((3, UUID, 9)) + bytes(9)}
        ),
        "cut short",
        id="oe-cut-quote",
    ),
    pytest.param(
        lambda m, d: certificate(m.key, {"2.23.133.5.4.9": encode([b"", b""])}),
        "tag 60000",
        id="dice-untagged",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key, {"2.23.133.5.4.9": tagged(m.world.quote(bytes(64)), encode({"x": b""}))}
        ),
        "pubkey-hash",
        id="dice-without-claim",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key,
            {
                "2.23.133.5.4.9": tagged(
                    m.world.quote(bytes(64)), encode({"pubkey-hash": encode([[], b""])})
                )
            },
        ),
        "pubkey-hash",
        id="dice-list-as-algorithm",
    ),
    pytest.param(
        lambda m, d: certificate(
            m.key,
            {
                "2.23.133.5.4.9": tagged(
                    m.world.quote(bytes(64)), encode({"pubkey-hash": encode([2, b""])})
                )
            },
        ),
        "SHA-256",
        id="dice-unknown-algorithm",
    ),
]


@pytest.mark.parametrize(("make", "told"), REFUSED)
def test_refused(made, make, told):
    """Certificates without evidence, or with something else in its place, are refused with what
    was there.
    """
    der = certificate(made.key, FORMS["quote"][1](made, made.key))
    with pytest.raises(EvidenceError, match=told):
        decode(make(made, der))


def test_extension_twice(made):
    """Two extensions of one number mean two things to two readers."""
    der = certificate(
        made.key,
        {RA_TLS + "6": made.world.quote(bytes(64)), RA_TLS + "7": made.world.quote(bytes(64))},
    )
    assert isinstance(decode(der), RaTlsCertificate)
    tail = bytes.fromhex("2a8648 86f84d8a39".replace(" ", ""))
    with pytest.raises(EvidenceError, match="one too many"):
        decode(der.replace(tail + b"\7", tail + b"\6"))


@pytest.mark.parametrize("name", FORMS)
def test_hostile_bytes(made, name):
    """Whatever single bytes, lengths and cuts are changed: a value or an EvidenceError, never
    anything else.
    """
    which, extensions, _, _ = FORMS[name]
    der = certificate(getattr(made, which), extensions(made, getattr(made, which)))
    dice = random.Random(name)
    for _ in range(300):
        data = bytearray(der)
        for _ in range(dice.choice((1, 1, 2, 8))):
            at = dice.randrange(len(data)) if dice.random() < 0.5 else dice.randrange(400)
            data[at] = dice.choice((0, 1, 0x30, 0x7F, 0x80, 0x84, 255))
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        try:
            RaTlsCertificate.from_der(bytes(data)).to_json_dict()
        except EvidenceError:
            pass


CBOR = [
    pytest.param("", "too early", id="empty"),
    pytest.param("00 00", "further", id="two"),
    pytest.param("1c", "indefinite", id="reserved"),
    pytest.param("5f4100ff", "indefinite", id="indefinite-string"),
    pytest.param("9f00ff", "indefinite", id="indefinite-list"),
    pytest.param("5affffffff", "at most", id="huge-string"),
    pytest.param("9affffffff", "short lists", id="huge-list"),
    pytest.param("bb7fffffffffffffff", "short lists", id="huge-map"),
    pytest.param("81" * 20 + "00", "deep", id="deep"),
    pytest.param("c1" * 20 + "00", "deep", id="deep-tags"),
    pytest.param("20", "kind 1", id="negative"),
    pytest.param("f6", "kind 7", id="null"),
    pytest.param("a201000100", "twice", id="twice"),
    pytest.param("a14100 00", "plain name", id="name"),
    pytest.param("61ff", "UTF-8", id="text"),
    pytest.param("19ff", "cut short", id="cut-number"),
    pytest.param("8200", "too early", id="cut-list"),
]


@pytest.mark.parametrize(("text", "told"), CBOR)
def test_cbor_is_read_strictly(text, told):
    """Anything but short, definite, plain CBOR is refused."""
    with pytest.raises(EvidenceError, match=told):
        cbor.loads(bytes.fromhex(text), "test")


def test_cbor_values():
    """Numbers, strings, lists, maps and tags come out as they went in."""
    value = {"a": [1, b"x", 300], 7: "y"}
    assert cbor.loads(encode(value), "test") == value
    assert cbor.loads(b"\xd9\xea\x60" + encode(value), "test") == cbor.Tag(60000, value)
