"""Parse and verify one real quote, side by side with the `dcap-qvl` wheel and with bare
signature checks.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base import remembered
from casnb.evidence.quote import Quote
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements, verify_endorsements
from casnb.verify.pki import intel_roots

Row = dict[str, object]
Action = Callable[[], object]
ROOT = Path(__file__).resolve().parent.parent
VECTORS = Path(os.environ.get("CASNB_VECTORS", ROOT.parent / "shared" / "vectors"))
SAMPLE, SAMPLE_TIME = "dcapqvl-sample-202506", 1752000000
#: Signatures of a cold verification: PCK authority, PCK, TCB signer, two revocation lists, two
#: lists, QE report, quote.
SIGNATURES = 9
#: The same by key, in the order root, PCK authority, TCB signer, PCK, attestation key.
USES = (3, 2, 2, 1, 1)
#: Signatures that are left once the lists are verified: PCK, QE report, quote; and once the
#: platform was seen with them: QE report, quote.
WARM_SIGNATURES, SEEN_SIGNATURES = 3, 2


def forget() -> None:
    """Forget all that verification remembers: certificates that were read, and the pinned roots."""
    remembered.forget()
    intel_roots.cache_clear()


def measure(
    actions: dict[str, tuple[Action, Action | None]], rounds: int, batch: int
) -> dict[str, float]:
    """Return the median seconds of each action, taken in turn; its second part, if any, runs
    before it and is not timed.

    Seconds of processor time: all are of one thread, and what else runs on the machine must not
    decide.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    clock = time.process_time
    for _ in range(rounds):
        for name, (action, before) in actions.items():
            for _ in range(batch):
                if before:
                    before()
                start = clock()
                action()
                times[name].append(clock() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def signatures(count: int) -> Action:
    """Return an action that checks so many P-256 signatures, keys and DER at hand: what no
    verifier can do without.
    """
    key, data, scheme = (
        ec.generate_private_key(ec.SECP256R1()),
        bytes(432),
        ec.ECDSA(hashes.SHA256()),
    )
    public, signature = key.public_key(), key.sign(data, scheme)

    def action() -> None:
        for _ in range(count):
            public.verify(signature, data, scheme)

    return action


def libraries(raw: bytes, text: str) -> Action:
    """Return an action that takes the same bytes apart and checks as many signatures, and
    compares nothing.

    What a verifier in Python cannot do without: three JSON texts, four certificates with their
    extensions, two revocation lists, five keys that were never used before, nine signatures.
    """
    e, data, scheme = Endorsements.from_json(text), bytes(432), ec.ECDSA(hashes.SHA256())
    certificates = [
        c.public_bytes(Encoding.DER)
        for c in (
            *x509.load_pem_x509_certificates(Quote.from_bytes(raw).pck_chain_pem.rstrip(b"\0")),
            x509.load_pem_x509_certificate(e.tcb_info_issuer_chain.encode()),
        )
    ]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in USES]
    signed = [
        (
            k.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            k.sign(data, scheme),
        )
        for k in keys
    ]

    def action() -> None:
        for document in (text, e.tcb_info, e.qe_identity):
            json.loads(document)
        for der in certificates:
            _ = x509.load_der_x509_certificate(der).extensions
        for crl in (e.root_ca_crl, e.pck_crl):
            _ = x509.load_der_x509_crl(bytes.fromhex(crl)).extensions
        for (point, signature), uses in zip(signed, USES, strict=True):
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            for _ in range(uses):
                public.verify(signature, data, scheme)

    return action


def row(what: str, median: float, against: float, target: float) -> Row:
    return {
        "what": what,
        "median": median,
        "against": against,
        "ratio": median / against,
        "target": target,
    }


def rows(runs: int) -> list[Row]:
    """Medians over `runs` rounds of ten. Cold starts from bytes and JSON text on both sides,
    with nothing remembered on ours.
    """
    folder = VECTORS / "dcap" / SAMPLE
    if not folder.is_dir():
        raise SystemExit(f"bench_verify: no real quote in {folder} (set CASNB_VECTORS)")
    raw, text = (folder / "quote.bin").read_bytes(), (folder / "collateral.json").read_text()
    now = datetime.fromtimestamp(SAMPLE_TIME, timezone.utc)

    def cold() -> object:
        return verify_quote(raw, Endorsements.from_json(text), roots=intel_roots(), now=now)

    def half_cold() -> object:
        return verify_quote(raw, Endorsements.from_json(text), roots=roots, now=now)

    roots = intel_roots()
    ready = verify_endorsements(Endorsements.from_json(text), roots=roots, now=now)
    assert verify_quote(raw, ready, roots=roots, now=now).genuine
    actions: dict[str, tuple[Action, Action | None]] = {
        "parse": (lambda: Quote.from_bytes(raw), None),
        "cold": (cold, forget),
        "roots ready": (half_cold, remembered.forget),
        "warm": (lambda: verify_quote(raw, ready, roots=roots, now=now), ready.chains.clear),
        "seen": (lambda: verify_quote(raw, ready, roots=roots, now=now), None),
        "floor cold": (signatures(SIGNATURES), None),
        "libraries": (libraries(raw, text), None),
        "floor warm": (signatures(WARM_SIGNATURES), None),
        "floor seen": (signatures(SEEN_SIGNATURES), None),
    }
    try:
        import dcap_qvl
    except ImportError:
        print(
            "bench_verify: the dcap-qvl wheel is not installed; only bare signature checks are"
            " compared"
        )
    else:

        def judge() -> object:
            return dcap_qvl.verify(raw, dcap_qvl.QuoteCollateralV3.from_json(text), SAMPLE_TIME)

        prebuilt = dcap_qvl.QuoteCollateralV3.from_json(text)
        actions["dcap-qvl"] = (judge, None)
        actions["dcap-qvl prebuilt"] = (lambda: dcap_qvl.verify(raw, prebuilt, SAMPLE_TIME), None)
    found = measure(actions, runs, 10)
    out: list[Row] = [
        {"what": "DCAP quote: parse", "median": found["parse"], "target_seconds": 50e-6}
    ]
    for kind, count in (
        ("cold", SIGNATURES),
        ("warm", WARM_SIGNATURES),
        ("seen", SEEN_SIGNATURES),
    ):
        out.append(
            row(
                f"DCAP {kind} / {count} bare signature checks, its limit",
                found[kind],
                found[f"floor {kind}"],
                1.5,
            )
        )
    out.append(
        row(
            "DCAP cold / its libraries alone, nothing compared",
            found["cold"],
            found["libraries"],
            1.5,
        )
    )
    if "dcap-qvl" in found:
        theirs, lists = found["dcap-qvl"], found["dcap-qvl prebuilt"]
        out += [
            row("DCAP cold / dcap-qvl, both from JSON", found["cold"], theirs, 1.0),
            row("DCAP cold, roots at hand / dcap-qvl", found["roots ready"], theirs, 1.0),
            row("DCAP warm / dcap-qvl", found["warm"], theirs, 0.4),
            row("DCAP warm / dcap-qvl, its JSON read before", found["warm"], lists, 0.4),
            row("DCAP warm, platform seen before / dcap-qvl", found["seen"], theirs, 0.4),
            row(f"{SIGNATURES} bare signature checks / dcap-qvl", found["floor cold"], theirs, 1.0),
            row("those libraries alone / dcap-qvl", found["libraries"], theirs, 1.0),
        ]
    return out
