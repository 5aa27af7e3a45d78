"""The chain viewer: every edge names its checks and how they went, for DCAP, IAS and real
evidence; hostile names stay text.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.cas.asking import attempt
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.keys import certificate
from casnb.simulator.world import World
from casnb.teach.chain import chain_of, svg_chain
from casnb.teach.lab import start
from casnb.verify.dispatch import verify
from casnb.verify.keyhash import key_hash
from casnb.verify.pki import intel_roots

THREE = ("-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug")


def tried(world: World, *flags: str, **changes):
    """Attest offline."""
    policy = AttestationPolicy(
        mrenclaves=(world.mrenclave,), expected_signer=world.vendor
    ).with_flags(*flags)
    report = world.attest(world.setup.evidence[0])
    return attempt(
        "cas", replace(policy, **changes), roots=world.roots, now=world.now, report=report
    )


def leaf(world: World) -> bytes:
    return world.tls_leaf.cert.public_bytes(Encoding.DER)


def told(chain) -> dict[str, str]:
    """Each check of the picture with its status, as the SVG shows it."""
    root = ET.fromstring(svg_chain(chain))
    rows = [e for e in root.iter() if "data-check" in e.attrib]
    words = {"passed": "PASSED", "failed": "FAILED", "waived": "WAIVED", "not-run": "NOT RUN"}
    for row in rows:
        assert words[row.attrib["data-status"]] in "".join(row.itertext())
    return {e.attrib["data-check"]: e.attrib["data-status"] for e in rows}


def test_dcap_without_waivers():
    """Root, PCK, attestation key, quote, report, report data, CAS certificates, leaf: every edge
    holds and says by which check.
    """
    world = World("chain", "production")
    chain = chain_of(tried(world), leaf=leaf(world))
    assert [n.title for n in chain.nodes] == [
        "SGX root",
        "PCK certificate of the processor",
        "attestation key",
        "quote",
        "SGX report",
        "report_data",
        "CAS certificates",
        "TLS certificate of the server",
    ]
    found = told(chain)
    assert set(found.values()) == {"passed"} and chain.sentence == "Every edge of the chain holds."
    assert list(found) == [
        "pck-chain",
        "pck-revocation",
        "qe-report-signature",
        "qe-report-binding",
        "qe-identity",
        "quote-signature",
        "tcb-status",
        "debug",
        "mrenclave",
        "mrsigner",
        "quote-format",
        "certificate-binding",
        "TLS signature",
    ]


def test_ias_with_waivers():
    """The assignment's chain: over Intel's service, and three checks are WAIVED, each by its
    flag; no form calls that passed.
    """
    world = World("chain")
    chain = chain_of(tried(world, *THREE), leaf=leaf(world))
    found = told(chain)
    assert {i for i, s in found.items() if s == "waived"} == {"tcb-status", "debug", "mrsigner"}
    assert (
        list(found)[:3] == ["avr-chain", "avr-signature", "avr-current"]
        and chain.status == "waived"
    )
    assert (
        "WAIVED between IAS report and SGX report" in chain.sentence
        and "by --only_for_testing-debug" in str(chain)
    )


@pytest.mark.parametrize(
    ("change", "check", "between"),
    [
        (lambda w: {}, "debug", "IAS report and SGX report"),
        (lambda w: {"mrenclaves": ("00" * 32,)}, "mrenclave", "IAS report and SGX report"),
        (lambda w: {"isvsvn": 9}, "isvsvn", "quote and SGX report"),
        (
            lambda w: {"cas_key_hash": key_hash(World("else").cas_root.cert)},
            "instance-key",
            "report_data and CAS certificates",
        ),
    ],
    ids=["debug", "mrenclave", "isvsvn", "instance"],
)
def test_a_failed_check_breaks_its_edge(change, check, between):
    """Whatever fails is in the picture, on the edge that it belongs to, so that no rejected
    report has a whole chain.
    """
    world = World("chain", "production" if check == "isvsvn" else "public")
    policy = replace(
        AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor),
        **change(world),
    )
    report = CasReport.from_json(world.attest(world.setup.evidence[0]))
    result = appraise(verify(report, roots=world.roots, now=world.now), policy, report=report)
    chain = chain_of(report, result.checks, leaf=leaf(world))
    broken = [f"{a.title} and {b.title}" for a, b, edge in chain.steps if edge.status == "failed"]
    assert (
        told(chain)[check] == "failed"
        and between in broken
        and f"FAILED between {broken[0]}" in chain.sentence
    )
    assert {c.id for c in result.failures} <= set(told(chain))


def test_somebody_else_answers():
    """A server with a certificate of somebody else's breaks the last edge; without a connection
    it was not looked at.
    """
    world, other = World("chain", "production"), World("somebody else")
    assert told(chain_of(tried(world), leaf=leaf(other)))["TLS signature"] == "failed"
    assert told(chain_of(tried(world)))["TLS signature"] == "not-run"
    assert told(chain_of(tried(world), leaf=b"junk"))["TLS signature"] == "failed"


def test_under_other_roots():
    """A simulated report under Intel's root: the first edge fails, and what depends on it was
    not run.
    """
    world = World("chain", "production")
    report = CasReport.from_json(world.attest("DCAP"))
    chain = chain_of(report, verify(report, roots=intel_roots(), now=world.now).checks)
    assert told(chain)["pck-chain"] == "failed" and told(chain)["quote-signature"] in (
        "not-run",
        "passed",
    )
    assert chain.nodes[0].line == "pinned, Intel's" and chain.status == "failed"


def test_real_report_of_2019(vectors):
    """Intel's root vouches for a real CAS of 2019: the proof's edges hold, its platform is
    outdated, the rest was not asked.
    """
    report = CasReport.from_json(
        (vectors / "cas-attest" / "v1-attest-iasreport-2019.json").read_bytes()
    )
    proof = verify(
        report,
        roots=intel_roots(),
        now=datetime(2019, 7, 19, tzinfo=timezone.utc) + timedelta(days=1),
    )
    chain = chain_of(report, proof.checks)
    found = told(chain)
    assert [found[i] for i in ("avr-chain", "avr-signature", "avr-current", "avr-format")] == [
        "passed"
    ] * 4
    assert found["tcb-status"] == "failed" and found["certificate-binding"] == "not-run"
    assert (
        "Intel SGX Attestation Report Signing" in str(chain)
        and chain.nodes[0].line == "pinned, Intel's"
    )


def test_epid_quote():
    """A quote that only Intel's retired service could judge shows a chain without a root, and
    says why.
    """
    world = World("chain")
    chain = chain_of(CasReport.from_json(world.attest("EPID")))
    assert chain.status == "not-run" and "has ended" in str(chain)


def test_picture_for_everybody():
    """One SVG with role, title and a description that is the text form; colours follow the
    theme; text opens below it.
    """
    world = World("chain")
    chain = chain_of(tried(world, *THREE), leaf=leaf(world))
    html = chain._repr_mimebundle_()["text/html"]
    root = ET.fromstring(svg_chain(chain))
    title, description = root[0].text, root[1].text
    assert root.attrib["role"] == "img" and chain.sentence in title and description == str(chain)
    assert "<summary>The same as text</summary>" in html
    assert re.findall(r"(?:fill|stroke):(?!var\(|none)[^;\"]+", svg_chain(chain)) == []
    dashes = [e.attrib["style"] for e in root.iter("{http://www.w3.org/2000/svg}polyline")]
    assert sum("stroke-dasharray" in d for d in dashes) == 1


def test_an_edge_is_as_good_as_its_worst_check():
    """One failed, one waived, one passed: failed."""
    world = World("chain")
    tried_once = tried(world, "-G", mrenclaves=("11" * 32,))
    edge = next(e for _, b, e in chain_of(tried_once).steps if b.title == "SGX report")
    assert {line.status for line in edge.lines} >= {"failed", "waived"} and edge.status == "failed"


def test_hostile_names():
    """Names that makers of certificates choose are text in every form: no markup, no control
    characters, nothing unbounded.
    """
    world = World("chain")
    evil = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "</text><script>alert(1)</script>\x1b[31m")]
    )
    valid = (datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(4096, 1, 1, tzinfo=timezone.utc))
    made = certificate(
        evil,
        ec.generate_private_key(ec.SECP256R1()),
        world.cas_root,
        5,
        valid,
        [(x509.BasicConstraints(True, None), True)],
    )
    names = [
        (x509.SubjectAlternativeName([x509.DNSName("<img src=x onerror=alert(2)>")] * 50), False)
    ]
    bad_leaf = certificate(evil, ec.generate_private_key(ec.SECP256R1()), made, 6, valid, names)
    data = CasReport.from_json(world.attest())
    extra = {
        **data.additional_data,
        "cert_chain": (made.cert_pem + world.cas_root.cert_pem).decode(),
    }
    proof = {
        **data.proof_data,
        "request_id": "<b>\N{RIGHT-TO-LEFT OVERRIDE}",
        "signing_certificate": bad_leaf.cert_pem.decode(),
    }
    chain = chain_of(
        CasReport.build(proof, extra), roots="<i>", leaf=bad_leaf.cert.public_bytes(Encoding.DER)
    )
    html = chain._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in html and told(chain)["TLS signature"] == "passed"
    for text in (html, str(chain), repr(chain)):
        assert not {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(text)
    assert (
        not re.search(r"<(script|img|b>\N{REPLACEMENT CHARACTER}|i>)", html)
        and max(map(len, str(chain).splitlines())) < 600
    )


def test_the_lab_shows_its_own(tmp_path):
    """One call attests the lab's CAS, looks at the certificate it presents, and draws the chain."""
    lab = start("04", seed="chain in a lab")
    try:
        policy = AttestationPolicy(mrenclaves=(lab.world.mrenclave,)).with_flags(*THREE)
        assert told(lab.chain(policy))["TLS signature"] == "passed"
        assert lab.chain().status == "failed"
    finally:
        lab.close()
