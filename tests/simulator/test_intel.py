"""Intel's simulated side: names that cannot deceive, chains and lists that verify, extensions in
their real form.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from casnb.simulator.intel import LEVELS
from casnb.simulator.sgx_extension import sgx_extension
from casnb.simulator.world import World
from casnb.verify.tcb import TcbStatus

WORLD = World("intel", "production")
INTEL = WORLD.intel
EVERY = [
    INTEL.root,
    INTEL.pck_ca,
    INTEL.tcb_signer,
    WORLD.platform.pck,
    INTEL.ias_root,
    INTEL.ias_leaf,
]


@pytest.mark.parametrize("pair", EVERY, ids=lambda p: p.cert.subject.rfc4514_string()[3:40])
def test_every_subject_and_issuer_says_that_it_is_simulated(pair):
    """Whoever meets such a certificate elsewhere reads what it is."""
    for name in (pair.cert.subject, pair.cert.issuer):
        assert name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value.startswith(
            "SIMULATED Intel SGX "
        )
        assert (
            name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
            == "casnb simulator, trust nothing"
        )


@pytest.mark.parametrize(
    "below, above",
    [
        pytest.param(INTEL.root, INTEL.root, id="root"),
        pytest.param(INTEL.pck_ca, INTEL.root, id="pck-ca"),
        pytest.param(INTEL.tcb_signer, INTEL.root, id="tcb-signer"),
        pytest.param(WORLD.platform.pck, INTEL.pck_ca, id="pck"),
        pytest.param(INTEL.ias_root, INTEL.ias_root, id="ias-root"),
        pytest.param(INTEL.ias_leaf, INTEL.ias_root, id="ias-leaf"),
    ],
)
def test_certificates_are_issued_by_the_one_above(below, above):
    """Name and signature of each certificate point at its issuer."""
    below.cert.verify_directly_issued_by(above.cert)


@pytest.mark.parametrize(
    "made, real",
    [
        pytest.param(INTEL.root, "dcap/intel_sgx_root_ca.pem", id="sgx-root"),
        pytest.param(INTEL.ias_root, "avr/intel_ias_root.pem", id="ias-root"),
    ],
)
def test_roots_carry_the_same_extensions_as_the_real_ones(made, real, vectors):
    """Same extensions, same criticality, same key type and size; another name and key."""
    wanted = x509.load_pem_x509_certificate((vectors / real).read_bytes())
    assert {(e.oid, e.critical) for e in made.cert.extensions} == {
        (e.oid, e.critical) for e in wanted.extensions
    }
    assert made.cert.public_key().key_size == wanted.public_key().key_size
    for kind in (x509.BasicConstraints, x509.KeyUsage):
        assert made.cert.extensions.get_extension_for_class(
            kind
        ) == wanted.extensions.get_extension_for_class(kind)
    assert made.cert.public_key() != wanted.public_key()


def test_pck_certificate_has_the_form_of_a_real_one(vectors):
    """Extensions stand in the order of a real Platform CA certificate, and the SGX extension has
    its length and items.
    """
    from casnb.evidence.quote import Quote

    chain = Quote.from_bytes(
        (vectors / "dcap" / "libsignal-svr2-202503" / "quote.bin").read_bytes()
    ).pck_chain_pem
    real = x509.load_pem_x509_certificates(chain.rstrip(b"\0"))[0]
    made = WORLD.platform.pck.cert
    assert [(e.oid, e.critical) for e in made.extensions] == [
        (e.oid, e.critical) for e in real.extensions
    ]
    sgx = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
    ours, theirs = (c.extensions.get_extension_for_oid(sgx).value.value for c in (made, real))
    assert len(ours) == len(theirs)
    assert ours[:14] == theirs[:14]


def test_an_independent_reader_understands_the_sgx_extension():
    """dcap-qvl reads FMSPC, CPUSVN, PCESVN and platform instance back as they were put in."""
    dcap_qvl = pytest.importorskip("dcap_qvl", reason="the independent verifier is not installed")
    found = dcap_qvl.parse_pck_extension_from_pem(WORLD.platform.pck.cert_pem)
    assert bytes(found.fmspc).hex() == "00606a000000"
    assert bytes(found.cpu_svn) == bytes(WORLD.platform.level.components)
    assert found.pce_svn == 13


def test_component_255_takes_two_bytes():
    """INTEGER 255 is 02 02 00 ff in DER; one byte would be -1."""
    extension = sgx_extension(
        ppid=bytes(16), components=(255,) * 16, pce_svn=13, instance_id=bytes(16), smt=True
    )
    assert extension.count(bytes.fromhex("020200ff")) == 16


def raw_verify(pair, data: bytes, signature: bytes) -> None:
    der = encode_dss_signature(
        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    )
    pair.cert.public_key().verify(der, data, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("text", ["tcb_info", "qe_identity"])
def test_lists_are_signed_as_they_stand(text):
    """The signature covers the exact text, which holds for thirty days around the world's time."""
    found = INTEL.endorsements(WORLD.now)
    raw_verify(INTEL.tcb_signer, found[text].encode(), bytes.fromhex(found[text + "_signature"]))
    members = json.loads(found[text])
    assert members["issueDate"] == "2026-08-31T12:00:00Z"
    assert members["nextUpdate"] == "2026-09-30T12:00:00Z"


def test_lists_have_the_members_and_order_of_real_ones(vectors):
    """TCB info version 3 and QE identity version 2, member by member, and the collection's own
    names around them.
    """
    real = json.loads(
        (vectors / "dcap" / "comp-automata-outofdate-202601" / "collateral.json").read_text()
    )
    made = INTEL.endorsements(WORLD.now)
    assert set(made) == set(real)
    for text in ("tcb_info", "qe_identity"):
        ours, theirs = json.loads(made[text]), json.loads(real[text])
        assert list(ours) == list(theirs)
        assert list(ours["tcbLevels"][-1]) == list(theirs["tcbLevels"][-1])
        assert list(ours["tcbLevels"][-1]["tcb"]) == list(theirs["tcbLevels"][-1]["tcb"])
    assert (
        json.loads(made["qe_identity"])["mrsigner"] == json.loads(real["qe_identity"])["mrsigner"]
    )


@pytest.mark.parametrize(
    "member, signer",
    [
        pytest.param("root_ca_crl", INTEL.root, id="root"),
        pytest.param("pck_crl", INTEL.pck_ca, id="pck"),
    ],
)
def test_revocation_lists_are_signed_by_their_authority(member, signer):
    """Each list verifies under its authority, is in force at the world's time, and does not name
    this machine.
    """
    crl = x509.load_der_x509_crl(bytes.fromhex(INTEL.endorsements(WORLD.now)[member]))
    assert crl.is_signature_valid(signer.cert.public_key())
    assert crl.issuer == signer.cert.subject
    assert crl.last_update_utc == WORLD.now - timedelta(days=1)
    assert crl.next_update_utc == WORLD.now + timedelta(days=29)
    assert (
        crl.get_revoked_certificate_by_serial_number(WORLD.platform.pck.cert.serial_number) is None
    )
    assert len(crl) == (2 if member == "pck_crl" else 0)


def test_a_named_platform_is_on_the_revocation_list():
    """`revoked` adds the serial number, with the reason."""
    serial = WORLD.platform.pck.cert.serial_number
    crl = x509.load_der_x509_crl(
        bytes.fromhex(INTEL.endorsements(WORLD.now, revoked=[serial])["pck_crl"])
    )
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        is x509.ReasonFlags.key_compromise
    )


def test_there_is_one_level_for_each_status_highest_first():
    """Every status can be played, and each level's own machine reaches no higher one."""
    levels = list(LEVELS.values())
    assert set(LEVELS) == set(TcbStatus)
    keys = [(level.components, level.pce_svn) for level in levels]
    assert keys == sorted(keys, reverse=True)
    for n, level in enumerate(levels):
        assert not any(
            all(
                have >= need for have, need in zip(level.components, higher.components, strict=True)
            )
            for higher in levels[:n]
        )


def test_ias_signs_the_body_as_it_stands():
    """RSA PKCS#1 v1.5 with SHA-256 over the body's bytes, under the leaf that comes with it."""
    report = World("intel").avr(hashlib.sha512(b"x").digest())
    leaf, root = x509.load_pem_x509_certificates(report.chain_pem)
    leaf.public_key().verify(report.signature, report.body, padding.PKCS1v15(), hashes.SHA256())
    leaf.verify_directly_issued_by(root)
