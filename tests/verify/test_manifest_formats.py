"""Formats of a manifest that the real vectors have no example of, made from a simulated world: each
agrees as it is, and is contradicted where one thing is expected otherwise.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from evidence import ratls_forms as forms

from casnb.cli.many.cases import VERDICTS
from casnb.cli.many.manifest import run_manifest
from casnb.simulator.world import World

WORLD = World("formats", "production")
NOW, OUT = int(WORLD.now.timestamp()), int((WORLD.now + timedelta(days=400)).timestamp())


@cache
def certificates() -> dict[str, bytes]:
    """A certificate that its evidence names, and the same evidence around another key."""
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    quote = WORLD.quote(forms.zeros(forms.sha(forms.spki(key))))
    oid = forms.RA_TLS + "6"
    return {
        "bound": forms.certificate(key, {oid: quote}),
        "stolen": forms.certificate(other, {oid: quote}),
    }


def lists() -> dict[str, Any]:
    return WORLD.endorsements().to_json()


def qe_identity() -> dict[str, bytes]:
    served = lists()
    text, signature = served["qe_identity"], served["qe_identity_signature"]
    body = f'{{"enclaveIdentity":{text},"signature":"{signature}"}}'  # byte for byte, as served
    chain = served["qe_identity_issuer_chain"].encode()
    return {"pcs_body": body.encode(), "issuer_chain": chain, "root_ca": WORLD.roots_pem}


def ra_tls(name: str) -> dict[str, bytes]:
    collateral = json.dumps(lists()).encode()
    return {"cert": certificates()[name], "collateral": collateral, "root_ca": WORLD.roots_pem}


ACCEPT = {"verdict": "accept", "tcb_status": "UpToDate"}
READ = {"verdict": "parse-only"}
STREAM = {"sgxs": WORLD.ledger.to_bytes()}
CUT = {"sgxs": WORLD.ledger.to_bytes()[:-1]}
SAME = {"verdict": "accept", "mrenclave": WORLD.mrenclave}


def reject(reason: str) -> dict[str, str]:
    return {"verdict": "reject", "reason": reason}


#: Format, files, members of the case, what it expects; and what else may not be expected of it.
ROWS = {
    "qe-identity": ("qe-identity-v2", qe_identity, {"isvsvn": 8}, ACCEPT, reject("malformed")),
    "old-qe": (
        "qe-identity-v2",
        qe_identity,
        {"isvsvn": 6},
        {"verdict": "accept", "tcb_status": "OutOfDate"},
        ACCEPT,
    ),
    "qe-without-level": ("qe-identity-v2", qe_identity, {"isvsvn": 1}, reject(""), ACCEPT),
    "qe-identity-late": (
        "qe-identity-v2",
        qe_identity,
        {"isvsvn": 8, "time": OUT},
        reject("collateral-expired"),
        reject("qe-identity-signature-invalid"),
    ),
    "certificate": (
        "ra-tls-cert",
        lambda: ra_tls("bound"),
        {},
        ACCEPT,
        reject("pck-chain-invalid"),
    ),
    "certificate-read": ("ra-tls-cert", lambda: ra_tls("bound"), {}, READ, reject("malformed")),
    "stolen-evidence": ("ra-tls-cert", lambda: ra_tls("stolen"), {}, reject(""), ACCEPT),
    "no-certificate": ("ra-tls-cert", lambda: {"cert": b"\x30\x03abc"}, {}, reject(""), ACCEPT),
    "stream": ("sgxs-stream", lambda: STREAM, {}, SAME, {**SAME, "mrenclave": "00" * 32}),
    "stream-cut-short": ("sgxs-stream", lambda: CUT, {}, reject("malformed"), SAME),
    "malformed-list": (
        "qe-identity-json-malformed",
        lambda: {"json": b'{"enclaveIdentity":{},"signature":""}'},
        {},
        reject("malformed-json-or-schema"),
        ACCEPT,
    ),
}


def run(tmp_path, format: str, files: dict[str, bytes], *cases: Any, **members: Any) -> list[Any]:
    """Run one vector with these files."""
    listed = {}
    for role, data in files.items():
        (tmp_path / role).write_bytes(data)
        listed[role] = {"file": role, "sha256": hashlib.sha256(data).hexdigest()}
    vector = {"id": "v", "format": format, "files": listed, "cases": list(cases), **members}
    (tmp_path / "manifest.json").write_text(json.dumps({"vectors": [vector]}))
    return run_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("name", ROWS)
def test_it_agrees_and_is_contradicted(tmp_path, name):
    """As expected it agrees; with another expectation it does not: what is refused never agrees
    with an expected accept.
    """
    format, files, members, expect, other = ROWS[name]
    case = {"id": "c", "time": NOW, **members}
    good, bad = run(
        tmp_path, format, files(), {**case, "expect": expect}, {**case, "expect": other}
    )
    assert good.agree, good
    assert not bad.agree and not bad.explained, bad


@pytest.mark.parametrize("verdict", ["acept", "", None, "Reject"])
def test_an_unknown_verdict_is_not_taken_for_a_refusal(tmp_path, verdict):
    """A misspelt expectation disagrees whatever came, and the three that there are are named."""
    (row,) = run(tmp_path, "sgxs-stream", CUT, {"id": "c", "expect": {"verdict": verdict}})
    assert not row.agree and all(word in row.got for word in VERDICTS)


@pytest.mark.parametrize(
    "format, files, case, missing",
    [
        ("sgxs-stream", {}, {"id": "c", "expect": SAME}, "sgxs"),
        ("sgxs-stream", STREAM, {"id": "c", "expect": {"verdict": "accept"}}, "mrenclave"),
        ("sgxs-stream", STREAM, {"expect": SAME}, "id"),
        ("sgxs-stream", STREAM, {"id": "c"}, "expect"),
        ("ra-tls-cert", {}, {"id": "c", "time": NOW, "expect": ACCEPT}, "cert"),
        ("dcap-quote-v3", {}, {"id": "c", "time": NOW, "expect": ACCEPT}, "collateral"),
        ("ias-avr-v4", {}, {"id": "c", "time": NOW, "expect": ACCEPT}, "body"),
    ],
)
def test_a_missing_member_is_named(tmp_path, format, files, case, missing):
    """It is said which member the format needs; the vector disagrees."""
    (row,) = run(tmp_path, format, files, case)
    assert not row.agree and row.got == f"no member or file {missing!r}, which {format} needs"


def test_a_vector_without_cases_does_not_pass(tmp_path):
    """Nothing was compared, so nothing agrees."""
    (row,) = run(tmp_path, "sgxs-stream", STREAM)
    assert not row.agree
