"""Trust anchors and chains: the pinned roots are Intel's, pinned by name and key, each for its
own kind of evidence.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.base.errors import CasnbError, EvidenceError, VerificationError
from casnb.conformance.forging import issue, sgx_of
from casnb.evidence.pck import PckExtension
from casnb.simulator.intel import key_usage
from casnb.simulator.keys import KeyPair, certificate, der, distinguished_name, packaged
from casnb.simulator.sgx_extension import PCEID, sgx_extension
from casnb.simulator.world import World
from casnb.verify.certificate import common_name, read_certificate
from casnb.verify.pki import TrustAnchors, avr_signing_key, intel_roots, pck_order, tcb_signer

DIGESTS = {
    "intel_sgx_root_ca.pem": "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3",
    "intel_ias_root.pem": "7b42e41ec43b91db834a065de4f98a13c44d695570e839cfa8921e584e40735d",
}


def sha256(cert: x509.Certificate) -> str:
    return hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest()


def test_the_pinned_roots_have_the_published_digests():
    """The files, the README beside them and what is pinned all agree."""
    folder = files("casnb.verify") / "roots"
    readme = (folder / "README.md").read_text()
    for name, digest in DIGESTS.items():
        assert sha256(x509.load_pem_x509_certificate((folder / name).read_bytes())) == digest
        assert re.search(rf"`{name}`.*`{digest}`", readme)
    roots = intel_roots()
    assert [hashlib.sha256(der).hexdigest() for der in (*roots.dcap, *roots.ias)] == list(
        DIGESTS.values()
    )
    assert (roots.label, roots.simulated) == ("Intel", False)


def test_the_pinned_roots_are_those_of_the_vectors(vectors):
    """The collection of real evidence was checked against the same two certificates."""
    for ours, theirs in (
        (intel_roots().dcap, "dcap/intel_sgx_root_ca.pem"),
        (intel_roots().ias, "avr/intel_ias_root.pem"),
    ):
        root = x509.load_pem_x509_certificate((vectors / theirs).read_bytes())
        assert root.public_bytes(Encoding.DER) == ours[0]


def test_an_anchor_with_a_key_that_is_none_is_refused(world):
    """An RSA key cut out of shape is bad evidence, not an error of the library below."""
    good = world.intel.ias_root.cert.public_bytes(Encoding.DER)
    bad = good.replace(bytes.fromhex("3082018a02"), bytes.fromhex("3182018a02"), 1)
    assert good != bad
    with pytest.raises(EvidenceError):
        TrustAnchors.from_pem(
            b"-----BEGIN CERTIFICATE-----\n"
            + base64.encodebytes(bad)
            + b"-----END CERTIFICATE-----\n"
        )


def test_anchors_read_back(world):
    """PEM of anchors reads back to the same anchors, sorted by kind of key."""
    again = TrustAnchors.from_pem(world.roots.to_pem())
    assert (again.dcap, again.ias) == (world.roots.dcap, world.roots.ias)
    assert (len(again.dcap), len(again.ias)) == (1, 1)
    swapped = TrustAnchors.from_pem(world.intel.ias_root.cert_pem + world.intel.root.cert_pem)
    assert (swapped.dcap, swapped.ias) == (again.dcap, again.ias)
    real = TrustAnchors.from_pem(intel_roots().to_pem(), label="Intel", simulated=False)
    assert (real.dcap, real.ias) == (intel_roots().dcap, intel_roots().ias)


def _pem(world: World, what: str) -> bytes:
    intel = world.intel
    if what == "small-rsa":
        key = rsa.generate_private_key(65537, 1024)
        usage = [(key_usage("key_cert_sign"), True), (x509.BasicConstraints(True, None), True)]
        return certificate(
            distinguished_name(CN="small"), key, None, 7, (world.now, world.now), usage
        ).cert_pem
    return {
        "empty": b"",
        "text": b"not a certificate",
        "key": intel.root.key_pem,
        "an-authority-that-another-issued": intel.pck_ca.cert_pem,
        "an-end-certificate": world.platform.pck.cert_pem,
        "cut-short": intel.root.cert_pem[:-40],
        "nine": intel.root.cert_pem * 9,
        "self-issued-end-certificate": issue(world, "self", None).cert_pem,
        "no-certificate-signing": (
            issue(world, "self", None, ca=1, usage=("digital_signature",)).cert_pem
        ),
    }[what]


@pytest.mark.parametrize(
    "what",
    [
        "empty",
        "text",
        "key",
        "an-authority-that-another-issued",
        "an-end-certificate",
        "cut-short",
        "nine",
        "self-issued-end-certificate",
        "no-certificate-signing",
    ],
)
def test_what_is_no_anchor_is_refused(world, what):
    """Only self-issued authorities can be pinned."""
    with pytest.raises(EvidenceError):
        TrustAnchors.from_pem(_pem(world, what))


def test_a_small_rsa_key_signs_nothing(world):
    """An anchor of 1024 bits may be read, and no chain holds under it."""
    roots = TrustAnchors.from_pem(_pem(world, "small-rsa"))
    small = KeyPair(
        x509.load_der_x509_certificate(roots.ias[0]), rsa.generate_private_key(65537, 1024)
    )
    leaf = certificate(
        distinguished_name(CN="SIMULATED Intel SGX Attestation Report Signing"),
        packaged("ias_leaf"),
        small,
        8,
        (world.now, world.now),
        [(key_usage("digital_signature"), True), (x509.BasicConstraints(False, None), True)],
    )
    with pytest.raises(VerificationError, match="key: got another kind, wanted RSA of 2048"):
        avr_signing_key(leaf.cert_pem, roots, world.now)


def _chain(world: World, order: str = "leaf authority root") -> bytes:
    parts = {"leaf": world.platform.pck, "authority": world.intel.pck_ca, "root": world.intel.root}
    return b"".join(parts[name].cert_pem for name in order.split())


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(lambda w: _chain(w, "leaf authority root"), id="usual-order"),
        pytest.param(lambda w: _chain(w, "leaf root authority"), id="root-in-the-middle"),
        pytest.param(lambda w: _chain(w, "root authority leaf"), id="reversed"),
        pytest.param(lambda w: _chain(w, "authority leaf root"), id="authority-first"),
        pytest.param(lambda w: _chain(w) + b"\0", id="nul-at-the-end"),
        pytest.param(lambda w: _chain(w).replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(
            lambda w: (
                b"Bag Attributes\n" + _chain(w).replace(b"-----BEGIN", b"subject=x\n-----BEGIN")
            ),
            id="text-between",
        ),
        pytest.param(
            lambda w: _chain(w).replace(
                b"-----END CERTIFICATE-----\n", b"-----END CERTIFICATE-----"
            ),
            id="no-line-end",
        ),
    ],
)
def test_a_pck_chain_may_stand_in_any_order(world, pem):
    """Real chains come in more than one order, with CRLF or a final NUL; they mean the same."""
    leaf, ca, root = pck_order(pem(world), world.roots)
    assert [sha256(c.value) for c in (leaf, ca, root)] == [
        sha256(p.cert) for p in (world.platform.pck, world.intel.pck_ca, world.intel.root)
    ]


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(lambda w: b"", id="empty"),
        pytest.param(lambda w: _chain(w, "leaf authority"), id="no-root"),
        pytest.param(lambda w: _chain(w, "leaf root"), id="no-authority"),
        pytest.param(lambda w: _chain(w, "authority root"), id="no-leaf"),
        pytest.param(lambda w: _chain(w, "leaf leaf authority root"), id="leaf-twice-in-four"),
        pytest.param(lambda w: _chain(w, "leaf leaf root"), id="leaf-twice"),
        pytest.param(lambda w: _chain(w, "leaf authority root root"), id="root-twice-in-four"),
        pytest.param(lambda w: _chain(w, "leaf root root"), id="root-twice"),
        pytest.param(lambda w: _chain(w) + w.intel.tcb_signer.cert_pem, id="a-fourth"),
        pytest.param(lambda w: _chain(w) + b"-----BEGIN JUNK-----\n", id="another-block"),
        pytest.param(lambda w: _chain(w)[:-30], id="cut-short"),
        pytest.param(lambda w: _chain(w) + b" " * 70_000, id="70-kB"),
        pytest.param(lambda w: _chain(w).replace(b"MII", b"!II", 1), id="not-base64"),
        pytest.param(lambda w: w.tls_chain_pem, id="the-chain-of-the-cas"),
    ],
)
def test_what_is_no_pck_chain_is_refused(world, pem):
    """Exactly three certificates that follow from one another; anything else is a typed refusal."""
    with pytest.raises(CasnbError):
        pck_order(pem(world), world.roots)


def test_a_root_is_pinned_by_name_and_key(world):
    """Another certificate of the same name and key stands in for the root if the key signed it;
    another key never does.
    """
    intel, valid = world.intel, (world.now, world.now)
    usage = [(key_usage("key_cert_sign", "crl_sign"), True), (x509.BasicConstraints(True, 1), True)]
    start, name = world.platform.pck.cert_pem + intel.pck_ca.cert_pem, intel.root.cert.subject
    twin = certificate(name, intel.root.key, None, 99, valid, usage)
    assert pck_order(start + twin.cert_pem, world.roots)[2].der == intel.root.cert.public_bytes(
        Encoding.DER
    )
    stranger = certificate(name, intel.seed.p256("stranger"), None, 99, valid, usage)
    forged = certificate(
        name, intel.root.key, KeyPair(intel.root.cert, stranger.key), 99, valid, usage
    )
    for other in (stranger, forged):
        with pytest.raises(VerificationError, match="root"):
            pck_order(start + other.cert_pem, world.roots)


def test_one_kind_of_root_never_stands_in_for_the_other(world):
    """An IAS signer under the DCAP root, and a TCB signer under the IAS root, are refused
    although both roots are pinned.
    """
    name, ias, dcap = (
        "SIMULATED Intel SGX Attestation Report Signing",
        world.intel.ias_root,
        world.intel.root,
    )
    leaf = issue(world, name, dcap, key=packaged("ias_leaf"))
    for chain in (leaf.cert_pem, leaf.cert_pem + dcap.cert_pem):
        with pytest.raises(VerificationError, match="root"):
            avr_signing_key(chain, world.roots, world.now)
    signer = issue(world, "SIMULATED Intel SGX TCB Signing", ias)
    with pytest.raises(VerificationError, match="root"):
        tcb_signer(signer.cert_pem + ias.cert_pem, world.roots, "chain")
    assert avr_signing_key(world.intel.ias_leaf.cert_pem + ias.cert_pem, world.roots, world.now)


@pytest.mark.parametrize(
    "order, good",
    [
        ("leaf", True),
        ("leaf root", True),
        ("root leaf", True),
        ("root", False),
        ("", False),
        ("leaf leaf", False),
        ("root root", False),
        ("leaf root root", False),
    ],
)
def test_an_ias_chain_may_leave_its_root_out(world, order, good):
    """The signing certificate must be there, once; the root, if it is there, must be the pinned
    one.
    """
    pem = b"".join(
        {"leaf": world.intel.ias_leaf, "root": world.intel.ias_root}[name].cert_pem
        for name in order.split()
    )
    try:
        key, name = avr_signing_key(pem, world.roots, world.now)
    except CasnbError:
        assert not good
    else:
        assert good
        assert (key.key_size, name) == (2048, "SIMULATED Intel SGX Attestation Report Signing")


def test_simulated_names_pass_under_simulated_roots_alone(world):
    """A word in front of Intel's name is taken where the roots say that they are simulated, and
    nowhere else.
    """
    strict = TrustAnchors(world.roots.dcap, world.roots.ias, "strict", simulated=False)
    with pytest.raises(VerificationError, match="name"):
        pck_order(_chain(world), strict)
    pck_order(_chain(world), world.roots)


PARTS = {
    "ppid": bytes(range(16)),
    "components": tuple(range(240, 256)),
    "pce_svn": 65535,
    "instance_id": bytes(16),
    "smt": True,
}


def _sgx(**changes: object) -> bytes:
    return sgx_extension(**{**PARTS, **changes})


def _split(value: bytes) -> list[bytes]:
    """The elements inside a DER SEQUENCE."""
    out, at = [], 2 if value[1] < 0x80 else 2 + (value[1] & 0x7F)
    while at < len(value):
        size, head = value[at + 1], 2
        if size >= 0x80:
            head += size & 0x7F
            size = int.from_bytes(value[at + 2 : at + head], "big")
        out.append(value[at : at + head + size])
        at += head + size
    return out


def test_the_sgx_extension_reads_back():
    """Every item, with component SVNs that take two bytes."""
    e = PckExtension.from_der(_sgx())
    assert (e.ppid, e.components, e.pce_svn, e.pce_id) == (
        PARTS["ppid"],
        PARTS["components"],
        65535,
        PCEID,
    )
    assert (e.cpu_svn, e.sgx_type, e.instance_id) == (bytes(range(240, 256)), 1, bytes(16))
    assert (e.dynamic_platform, e.cached_keys, e.smt_enabled) == (True, False, True)


def test_items_may_stand_in_any_order():
    """The specification does not order them; an item nobody knows is passed over."""
    items = _split(_sgx())
    stranger = der(0x30, der(0x06, bytes.fromhex("2a864886f84d010d0142")) + der(0x04, b"?"))
    elsewhere = der(0x30, der(0x06, bytes.fromhex("2a0304")) + der(0x04, bytes(300)))
    assert PckExtension.from_der(
        der(0x30, b"".join([*reversed(items), stranger, elsewhere]))
    ) == PckExtension.from_der(_sgx())


def test_a_processor_ca_has_fewer_items():
    """Without instance and configuration the last four are None."""
    e = PckExtension.from_der(der(0x30, b"".join(_split(_sgx())[:5])))
    assert (e.instance_id, e.dynamic_platform, e.cached_keys, e.smt_enabled) == (None,) * 4


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x30\x00", id="no-items"),
        pytest.param(_sgx() + b"\0", id="a-byte-behind"),
        pytest.param(_sgx()[:-1], id="cut-short"),
        pytest.param(b"\x31" + _sgx()[1:], id="another-tag"),
        pytest.param(der(0x30, b"".join([*_split(_sgx()), _split(_sgx())[3]])), id="fmspc-twice"),
        *(
            pytest.param(
                der(0x30, b"".join(x for k, x in enumerate(_split(_sgx())) if k != n)),
                id=f"without-item-{n + 1}",
            )
            for n in range(5)
        ),
        pytest.param(_sgx(ppid=bytes(15)), id="ppid-of-15"),
        pytest.param(_sgx(fmspc=bytes(7)), id="fmspc-of-7"),
        pytest.param(_sgx(pce_id=b""), id="no-pceid"),
        pytest.param(_sgx(instance_id=bytes(17)), id="instance-of-17"),
        pytest.param(_sgx(components=tuple(range(15))), id="15-components"),
        pytest.param(
            _sgx().replace(bytes.fromhex("020200ff"), bytes.fromhex("0202ffff"), 1),
            id="component-negative",
        ),
        pytest.param(
            _sgx().replace(bytes.fromhex("020200ff"), bytes.fromhex("020201ff"), 1),
            id="component-511",
        ),
        pytest.param(_sgx(pce_svn=65536), id="pcesvn-65536"),
        pytest.param(
            _sgx().replace(bytes.fromhex("0101ff"), bytes.fromhex("010101")), id="boolean-1"
        ),
        pytest.param(
            _sgx().replace(bytes.fromhex("0a0101"), bytes.fromhex("020101")), id="type-as-integer"
        ),
    ],
)
def test_a_malformed_sgx_extension_is_refused(value):
    """Never another exception, never a guess."""
    with pytest.raises(EvidenceError):
        PckExtension.from_der(value)


@pytest.mark.parametrize("n", range(0, 460, 3))
def test_a_cut_sgx_extension_is_refused(world, n):
    """Wherever it ends too early."""
    whole = sgx_of(world.platform.pck)
    assert len(whole) > n
    with pytest.raises(EvidenceError):
        PckExtension.from_der(whole[:n])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda w: b"", id="empty"),
        pytest.param(lambda w: w.platform.pck.cert.tbs_certificate_bytes, id="no-signature"),
        pytest.param(
            lambda w: w.platform.pck.cert.public_bytes(Encoding.DER) + b"\0", id="a-byte-behind"
        ),
        pytest.param(lambda w: w.platform.pck.cert.public_bytes(Encoding.DER)[:-1], id="cut-short"),
        pytest.param(
            lambda w: issue(
                w,
                "x",
                w.intel.root,
                more=(
                    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),
                ),
            ).cert.public_bytes(Encoding.DER),
            id="unknown-critical-extension",
        ),
        *(
            pytest.param(
                lambda w, n=n: (
                    issue(w, "x", w.intel.root)
                    .cert.public_bytes(Encoding.DER)
                    .replace(b"\2\1\x4d", bytes((2, 1, n)), 1)
                ),
                id=f"serial-{n}",
            )
            for n in (0, 0xB3)
        ),
    ],
)
def test_a_certificate_that_is_none_is_refused(world, make):
    """DER that is malformed, and a critical extension that casnb does not know, are one
    EvidenceError.
    """
    with pytest.raises(EvidenceError):
        read_certificate(make(world))


def test_two_common_names_are_no_name():
    """Whoever reads the first and whoever reads the last would disagree."""
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, n)
            for n in ("Intel SGX TCB Signing", "other")
        ]
    )
    assert common_name(name.public_bytes()) == ""
    assert (
        common_name(distinguished_name(O="x", CN="Intel SGX TCB Signing").public_bytes())
        == "Intel SGX TCB Signing"
    )
