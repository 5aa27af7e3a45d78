"""Rows about the keys that a quote rests on."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from casnb.conformance.bent_signatures import BENT
from casnb.conformance.fault import ATTACKER, Change, Evidence, Fault, each, patched, quoted
from casnb.evidence.quote import Quote
from casnb.simulator.keys import raw_point


def stolen(**changes: bytes) -> Change:
    """The attacker's key in the place of the attestation key, header and report signed with it;
    the QE's report as it was.
    """
    return quoted(fields={"attestation_key": raw_point(ATTACKER)}, sign_with=ATTACKER, body=changes)


def named(point: bytes) -> Change:
    """A point that is not a key, and a quoting enclave (on the genuine platform) whose report names
    it all the same.
    """

    def change(e: Evidence) -> Evidence:
        data = hashlib.sha256(point + Quote.from_bytes(e.quote).auth_data).digest() + bytes(32)
        return replace(
            e,
            quote=e.world.quote(
                e.digest, fields={"attestation_key": point}, qe_body={"report_data": data}
            ),
        )

    return change


def bent(part: str, how: str) -> Change:
    return lambda e: patched(**{part: BENT[how](getattr(Quote.from_bytes(e.quote), part))})(e)


KEYS = [
    Fault("attestation key of the attacker's own", "P03", "qe-report-binding", stolen()),
    Fault(
        "attestation key of the attacker's own, and another MRENCLAVE",
        "P03",
        "qe-report-binding",
        stolen(mr_enclave=bytes(32)),
    ),
    Fault(
        "report changed, signature kept",
        "P03",
        "quote-signature",
        lambda e: patched(
            body=replace(Quote.from_bytes(e.quote).body, mr_enclave=bytes(31) + b"\1")
        )(e),
    ),
    Fault(
        "header and report signed by another key",
        "P03",
        "quote-signature",
        quoted(sign_with=ATTACKER),
    ),
    Fault(
        "QE report signed by another key",
        "P06",
        "qe-report-signature",
        quoted(certify_with=ATTACKER),
    ),
    Fault(
        "QE report signed by the attestation key",
        "P14",
        "qe-report-signature",
        lambda e: quoted(certify_with=e.world.platform.attestation_key)(e),
    ),
    Fault(
        "QE report of another machine",
        "P03",
        "qe-report-binding",
        quoted(qe_body={"report_data": hashlib.sha256(b"another key").digest() + bytes(32)}),
    ),
    Fault(
        "QE report names the key without the authentication data",
        "P03",
        "qe-report-binding",
        lambda e: quoted(
            qe_body={
                "report_data": (
                    hashlib.sha256(Quote.from_bytes(e.quote).attestation_key).digest() + bytes(32)
                )
            }
        )(e),
    ),
    Fault(
        "second half of the QE's report data used",
        "P03",
        "qe-report-binding",
        lambda e: quoted(
            qe_body={
                "report_data": (
                    Quote.from_bytes(e.quote).qe_report.report_data[:32] + b"\1" + bytes(31)
                )
            }
        )(e),
        choice="QE report data",
    ),
    Fault(
        "authentication data exchanged", "P03", "qe-report-binding", patched(auth_data=bytes(32))
    ),
    Fault(
        "attestation key off the curve, named by the QE",
        "P19",
        "quote-signature",
        named(b"\1" * 64),
    ),
    Fault(
        "attestation key at infinity, named by the QE", "P19", "quote-signature", named(bytes(64))
    ),
    *each(
        "quote signature", "P19", "quote-signature", [(how, bent("signature", how)) for how in BENT]
    ),
    *each(
        "QE report signature",
        "P19",
        "qe-report-signature",
        [(how, bent("qe_report_signature", how)) for how in BENT],
    ),
]
