"""The IAS path: is this report Intel's, unchanged, of the right time, and what does it say of
the platform?
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from casnb.base.errors import CasnbError, VerificationError
from casnb.base.times import stamp
from casnb.evidence.avr import Avr, SignedAvr
from casnb.verify.misfits import Held, explain
from casnb.verify.pki import TrustAnchors, avr_signing_key
from casnb.verify.proof import Proof, Steps, require_initialised, status_check, sure, utc
from casnb.verify.tcb import TcbStatus

#: What a reader has to know of every IAS report today.
SERVICE_ENDED = (
    "Intel's attestation service ended on 2 April 2025; its signing certificate expired in"
    " November 2026."
)


def verify_avr(
    avr: SignedAvr,
    *,
    roots: TrustAnchors,
    now: datetime,
    nonce: str | None = None,
    max_age: timedelta | None = None,
) -> Proof:
    """Check an IAS report under the pinned `roots` at `now`; never raises for a bad report, the
    checks say what is wrong.

    The service ended on 2 April 2025 and its signing certificate's validity in November 2026: give
    the time at which the report was made, or soon after. `max_age` refuses a report that was older
    than this at `now`; `nonce` must be what IAS was sent, not the CAS's nonce. Not checked: whether
    the signing certificate was revoked (its list is not part of any report), and the advisories
    that came in unsigned headers. Raises UsageError for a `now` without a time zone.
    """
    now = utc(now)
    steps = Steps()
    # Intel's service put the quote into the body; the body says what it thinks of the platform.
    parsed = steps.run("avr-format", lambda: _read(avr))
    # Pinned root signs the signing certificate.
    made = parsed.timestamp.replace(microsecond=0) if parsed is not None else None
    key = steps.run("avr-chain", lambda: _chain(avr.chain_pem, roots, now, made))
    # Signing certificate's key signs the body as received.
    # Without a signature there is none to check, whatever became of the chain: that is said.
    steps.run(
        "avr-signature", lambda: _signature(key, avr), *(("avr-chain",) if avr.signature else ())
    )
    # The signed timestamp is not after the time of the verdict.
    steps.run("avr-current", lambda: _current(sure(parsed), now, max_age), "avr-format")
    if nonce is None:
        steps.skip("avr-nonce", "no nonce was asked for")
    else:
        steps.run("avr-nonce", lambda: _nonce(sure(parsed), nonce), "avr-format")
    proof = Proof(
        "ias",
        (),
        now,
        evidence_sha256=hashlib.sha256(avr.body).hexdigest(),
        simulated=roots.simulated,
    )
    if parsed is not None:
        proof = replace(proof, report=parsed.quote.body, made=made)
    if steps.reached("tcb-status", "avr-format", "avr-chain", "avr-signature", "avr-current"):
        body = sure(parsed)
        status = TcbStatus.from_ias(body.status, body.version)
        steps.add(status_check(status, body.status or "an empty text", "OK"))
        signed = tuple(dict.fromkeys(body.advisory_ids or ()))
        proof = replace(
            proof,
            tcb_status=status,
            platform_tcb_status=status,
            status_text=body.status,
            advisories=signed,
            unlisted=_unlisted(body),
            unsigned_advisories=tuple(
                a for a in dict.fromkeys(avr.header_advisory_ids) if a not in signed
            ),
            evaluation_number=body.tcb_evaluation_data_number,
            remarks=_says_less(body),
        )
    return replace(proof, checks=steps.checks())


#: The first version of the report that lists advisories, and that knows of hardened code.
_LISTS = 4


def _unlisted(avr: Avr) -> str:
    """Say why a report without the member does not mean that there are none; empty where it
    does.
    """
    if "advisoryIDs" in avr.members:
        return ""
    if avr.version < _LISTS:
        return f"an IAS report of version {avr.version} lists none"
    return "" if avr.status == "OK" else f"this report of status {avr.status} lists none"


def _says_less(avr: Avr) -> tuple[str, ...]:
    """Say of the OK of an old form what it cannot say."""
    if avr.status != "OK" or avr.version >= _LISTS:
        return ()
    return (
        f"An OK of version {avr.version} says less than today's: it has no SW_HARDENING_NEEDED, so"
        " a CPU that leaks from code without mitigations was OK.",
    )


def _read(avr: SignedAvr) -> tuple[Avr, str, str]:
    parsed = avr.avr
    require_initialised(parsed.quote.body)
    return parsed, f"IAS report, version {parsed.version}", ""


def _chain(
    pem: bytes, roots: TrustAnchors, now: datetime, made: datetime | None
) -> tuple[rsa.RSAPublicKey, str, str]:
    try:
        key, names = avr_signing_key(pem, roots, now)
    except VerificationError as exc:
        advice = _own_time(pem, roots, made)
        if not advice:
            raise
        raise VerificationError(exc.subject, got=exc.got, wanted=exc.wanted, do=advice) from None
    return key, names, f"the {roots.label} root"


def _own_time(pem: bytes, roots: TrustAnchors, made: datetime | None) -> str:
    """Say how a stored report can still be judged where nothing but the time stands against its
    chain: it was valid when the report says it was made. Empty where that is not so.

    The time is the report's own word until its signature holds at it; what is proven then is what
    Intel said of the platform on that day.
    """
    if made is None:
        return ""
    try:
        avr_signing_key(pem, roots, made)
    except CasnbError:
        return ""
    ended = "" if roots.simulated else f" {SERVICE_ENDED}"
    return f"Judge a stored report at its own time: casnb verify --at {stamp(made)}.{ended}"


def _signature(key: rsa.RSAPublicKey | None, avr: SignedAvr) -> tuple[None, str, str]:
    wanted = "the signing certificate's, over the body as received"
    if not avr.signature:
        raise VerificationError("IAS report: signature", got="none", wanted=wanted)
    key = sure(key)
    try:
        key.verify(avr.signature, avr.body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise VerificationError(
            "IAS report: signature",
            got="one that does not fit these bytes",
            wanted=wanted,
            do=explain(Held(avr.body, avr.signature), lambda held: _fits(key, held)),
        ) from None
    return None, f"RSA-{key.key_size} over {len(avr.body)} bytes", ""


def _fits(key: rsa.RSAPublicKey, held: Held) -> bool:
    try:
        key.verify(held.signature, held.text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _current(avr: Avr, now: datetime, max_age: timedelta | None) -> tuple[None, str, str]:
    made, at = stamp(avr.timestamp), stamp(now)
    if avr.timestamp.replace(microsecond=0) > now:  # a time is named to the second
        raise VerificationError("IAS report: timestamp", got=made, wanted=f"at or before {at}")
    if max_age is not None and now - avr.timestamp > max_age:
        raise VerificationError(
            "IAS report: timestamp", got=made, wanted=f"at most {max_age} before {at}"
        )
    return None, made, f"at or before {at}"


def _nonce(avr: Avr, nonce: str) -> tuple[None, str, str]:
    if avr.nonce != nonce:
        raise VerificationError("IAS report: nonce", got=avr.nonce or "none", wanted=nonce)
    return None, nonce, ""
