"""What harms no quote."""

from __future__ import annotations

from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.conformance.bent_signatures import halves
from casnb.conformance.fault import (
    ATTACKER,
    Change,
    Evidence,
    Harmless,
    chained,
    listed,
    members,
    patched,
    pem,
    quoted,
)
from casnb.conformance.quote_bytes import later
from casnb.conformance.quote_certificates import blocks, intel, items, pck, usual
from casnb.conformance.quote_revocation import processor
from casnb.evidence.quote import Quote
from casnb.simulator.keys import P256_ORDER, sign_raw


def twin(part: str) -> Change:
    """The other signature of the same bytes: r, n - s."""
    return lambda e: patched(
        **{part: halves(lambda r, s: (r, P256_ORDER - s))(getattr(Quote.from_bytes(e.quote), part))}
    )(e)


def resigned(e: Evidence) -> Evidence:
    """A second, honest signature over the same header and report."""
    q = Quote.from_bytes(e.quote)
    return replace(
        e,
        quote=replace(
            q, signature=sign_raw(e.world.platform.attestation_key, q.signed_bytes)
        ).to_bytes(),
    )


QUOTE_HARMLESS = [
    Harmless("nothing changed", "P32", lambda e: e),
    Harmless(
        "another attestation key, named by the genuine quoting enclave",
        "P30",
        quoted(attestation_key=ATTACKER),
    ),
    *[
        Harmless(f"twin of a signature: {p}", "P19", twin(p))
        for p in ("signature", "qe_report_signature")
    ],
    Harmless("signed again", "P19", resigned),
    Harmless("no authentication data", "P23", quoted(auth_data=b"")),
    Harmless("whole quote of version 4, for SGX", "P22", later(4)),
    Harmless(
        "key separation and sharing used",
        "P22",
        quoted(body={"attributes_flags": 0x85, "config_id": b"\1" * 64}),
    ),
    Harmless("report's CPUSVN all zero", "P15", quoted(body={"cpu_svn": bytes(16)})),
    Harmless("header's SVNs all zero", "P15", quoted(fields={"pce_svn": 0, "qe_svn": 0})),
    Harmless("CPUSVN octets older than the components", "P15", chained(items(cpu_svn=bytes(16)))),
    Harmless(
        "Processor CA's platform with its own list",
        "P07",
        lambda e: processor(authority=intel(e).processor_ca)(e),
    ),
    *[
        Harmless("certificates in the order " + ", ".join(o), "P26", blocks(*o))
        for o in (
            ("leaf", "root", "ca"),
            ("ca", "leaf", "root"),
            ("ca", "root", "leaf"),
            ("root", "leaf", "ca"),
            ("root", "ca", "leaf"),
        )
    ],
    Harmless("certificates with CRLF", "P26", pem(lambda e: usual(e).replace(b"\n", b"\r\n"))),
    Harmless("certificates with a final NUL", "P26", pem(lambda e: usual(e) + b"\0")),
    Harmless("text between the certificates", "P26", pem(lambda e: b"Bag Attributes\n" + usual(e))),
    Harmless("another serial number revoked", "P05", listed(revoked=[5])),
    Harmless(
        "a serial number that begins as the platform's does",
        "P05",
        listed(revoked=lambda e: [pck(e).cert.serial_number >> 8, pck(e).cert.serial_number // 10]),
    ),
    Harmless(
        "list of platforms without its issuer's chain", "P05", members(pck_crl_issuer_chain="")
    ),
    Harmless(
        "lists in upper-case hex", "P05", lambda e: members(pck_crl=e.lists.pck_crl.upper())(e)
    ),
    Harmless(
        "lists in PEM",
        "P05",
        lambda e: members(
            pck_crl=_pem_crl(e.lists.pck_crl), root_ca_crl=_pem_crl(e.lists.root_ca_crl)
        )(e),
    ),
]


def _pem_crl(text: str) -> str:
    return x509.load_der_x509_crl(bytes.fromhex(text)).public_bytes(Encoding.PEM).decode()
