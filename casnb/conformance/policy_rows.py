"""Rows about what is wanted: genuine evidence that is not the enclave, the instance, the answer
or the age that was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from casnb.conformance.fault import (
    DAY,
    MALLORY,
    NONCE,
    SECOND,
    Change,
    Evidence,
    Fault,
    Harmless,
    asked,
    bound,
    chained,
    each,
    quoted,
)
from casnb.conformance.list_changes import first
from casnb.conformance.quote_certificates import items
from casnb.conformance.quote_level import level
from casnb.policy.identities import KNOWN_SIGNERS
from casnb.simulator.keys import spki
from casnb.tls.cas_chain import CasChain
from casnb.verify.tcb import TcbStatus

STRANGER = "5f" * 32
OTHER_CHAIN = MALLORY.additional_data(NONCE)["cert_chain"]
_OLD = level(TcbStatus.OUT_OF_DATE)


def body(**fields: Any) -> Change:
    return quoted(body=fields)


def flipped(e: Evidence, attribute: str) -> str:
    """A measurement with its first digit changed."""
    value: str = getattr(e.world, attribute)
    return ("0" if value[0] != "0" else "1") + value[1:]


def hashes(e: Evidence, which: int) -> str:
    return CasChain.from_pem(e.report.cert_chain_pem).key_hashes[which]


def dated(day: timedelta) -> Change:
    """An outdated platform whose level has this date, counted from now."""
    return lambda e: first(
        lambda x: x.update(tcbStatus="OutOfDate", tcbDate=f"{e.now + day:%Y-%m-%dT%H:%M:%SZ}")
    )(e)


IDENTITY = [
    Fault("debug enclave", "P20", "debug", body(attributes_flags=7)),
    Fault(
        "other code of the vendor",
        "P21",
        "mrenclave",
        lambda e: body(mr_enclave=bytes.fromhex(flipped(e, "mrenclave")))(e),
    ),
    Fault(
        "another measurement expected",
        "P21",
        "mrenclave",
        asked(mrenclaves=lambda e: (flipped(e, "mrenclave"),)),
    ),
    Fault(
        "none of several measurements", "P21", "mrenclave", asked(mrenclaves=(STRANGER, "00" * 32))
    ),
    Fault(
        "the signer given for the measurement",
        "P21",
        "mrenclave",
        asked(mrenclaves=lambda e: (e.world.mrsigner,)),
    ),
    Fault(
        "measurement with its bytes reversed",
        "P21",
        "mrenclave",
        asked(mrenclaves=lambda e: (bytes.fromhex(e.world.mrenclave)[::-1].hex(),)),
    ),
    Fault(
        "measurement of zeros, and zeros expected",
        "P21",
        "mrenclave",
        lambda e: asked(mrenclaves=("00" * 32,))(body(mr_enclave=bytes(32))(e)),
    ),
    Fault(
        "signer of zeros, and zeros expected",
        "P21",
        "mrsigner",
        lambda e: asked(mrsigner="00" * 32, isvprodid=41316, isvsvn=5)(
            body(mr_signer=bytes(32))(e)
        ),
    ),
    Fault(
        "enclave of another signer",
        "P21",
        "mrsigner",
        lambda e: body(mr_signer=bytes.fromhex(flipped(e, "mrsigner")))(e),
    ),
    *each(
        "enclave signed with a key that everybody has",
        "P21",
        "mrsigner",
        [
            (s.name, body(mr_signer=bytes.fromhex(s.mrsigner)))
            for s in KNOWN_SIGNERS
            if s.anybody_can_sign
        ],
    ),
    Fault(
        "another signer expected",
        "P21",
        "mrsigner",
        asked(mrsigner=STRANGER, isvprodid=41316, isvsvn=5),
    ),
    *each(
        "another product of the signer",
        "P21",
        "isvprodid",
        [(w, body(isv_prod_id=n)) for w, n in (("one more", 41317), ("one less", 41315), ("0", 0))],
    ),
    *each(
        "older version of the product",
        "P21",
        "isvsvn",
        [("one less", body(isv_svn=4)), ("0", body(isv_svn=0))],
    ),
    Fault("a later version asked for", "P21", "isvsvn", asked(isvsvn=6)),
]


def _about(data: Callable[[Evidence], bytes]) -> Change:
    return lambda e: quoted(data=data(e))(e)


BINDING = [
    *each(
        "evidence for something else",
        "P27",
        "certificate-binding",
        [
            (w, _about(f))
            for w, f in (
                ("zeros", lambda e: bytes(64)),
                ("one bit", lambda e: bytes([e.digest[0] ^ 1]) + e.digest[1:]),
                ("the last bit", lambda e: e.digest[:-1] + bytes([e.digest[-1] ^ 1])),
                ("its first half alone", lambda e: e.digest[:32] + bytes(32)),
                (
                    "SHA-256 for SHA-512",
                    lambda e: hashlib.sha256(e.report.cert_chain_pem).digest() + bytes(32),
                ),
                (
                    "SHA-512 of the certificates alone",
                    lambda e: hashlib.sha512(e.report.cert_chain_pem).digest(),
                ),
                ("the key itself", lambda e: spki(e.world.tls_leaf.key.public_key())[-64:]),
                (
                    "SHA-512 of the key",
                    lambda e: hashlib.sha512(spki(e.world.tls_leaf.key.public_key())).digest(),
                ),
                ("reversed", lambda e: e.digest[::-1]),
            )
        ],
    ),
    Fault(
        "honest evidence in front of another chain",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "cert_chain": OTHER_CHAIN}),
    ),
    Fault(
        "certificates in another order",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "cert_chain": _swapped(x["cert_chain"])}),
    ),
    Fault(
        "line ends of the chain changed",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "cert_chain": x["cert_chain"].replace("\r\n", "\n")}),
    ),
    Fault(
        "members of the additional data in another order",
        "P27 P18",
        "certificate-binding",
        bound(lambda x: dict(reversed(x.items()))),
    ),
    Fault(
        "a member more in the additional data",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "more": 1}),
    ),
    Fault(
        "answer to another question",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "nonce": "00" * 16}),
    ),
    Fault(
        "answer to nobody's question",
        "P27",
        "certificate-binding",
        bound(lambda x: {**x, "nonce": ""}),
    ),
    Fault("another nonce sent", "P27", "nonce", asked(nonce="00" * 16)),
    Fault("nonce sent in upper case", "P27", "nonce", asked(nonce=NONCE.upper())),
    *each(
        "another instance",
        "P27",
        "instance-key",
        [
            ("CAS key", asked(cas_key_hash=lambda e: hashes(e, 1))),
            ("software key", asked(cas_software_key_hash=lambda e: hashes(e, 0))),
            (
                "key of another world",
                asked(cas_key_hash=CasChain.from_pem(OTHER_CHAIN.encode()).key_hashes[0]),
            ),
        ],
    ),
]


def _swapped(pem: str) -> str:
    first, second = pem.split("-----END CERTIFICATE-----\r\n")[:2]
    return f"{second}-----END CERTIFICATE-----\r\n{first}-----END CERTIFICATE-----\r\n"


PLATFORM = [
    Fault("platform with hyper-threading", "P31", "platform-settings", chained(items(smt=True))),
    Fault(
        "platform that keeps copies of its keys",
        "P31",
        "platform-settings",
        chained(items(cached=True)),
    ),
    Fault(
        "platform whose packages may change",
        "P31",
        "platform-settings",
        asked(refuse_platform_settings=("dynamic",)),
    ),
]

FRESH = [
    Fault(
        "proof made for another time than the policy's",
        "P28",
        "verification-time",
        asked(verification_time=lambda e: e.now - DAY),
    ),
    Fault(
        "proof made a second late",
        "P28",
        "verification-time",
        asked(verification_time=lambda e: e.now - SECOND),
    ),
    Fault(
        "a later edition of Intel's lists asked for",
        "P16",
        "tcb-evaluation",
        asked(min_tcb_evaluation=21),
    ),
    Fault(
        "an outdated platform, with a policy that only names the enclave",
        "P10",
        "tcb-status",
        lambda e: asked(fail_on_any_advisory=False, tcb_grace=None)(_OLD(e)),
        status="OutOfDate",
        idle="advisories tcb-grace",
    ),
    Fault(
        "grace of a day for a level of two days ago",
        "P17",
        "tcb-grace tcb-status",
        lambda e: asked(tcb_grace=DAY)(dated(-2 * DAY)(e)),
        status="OutOfDate",
    ),
    Fault(
        "grace over by a second",
        "P17",
        "tcb-grace tcb-status",
        dated(-30 * DAY - SECOND),
        status="OutOfDate",
    ),
    Fault(
        "outdated level dated in the future",
        "P17",
        "tcb-grace tcb-status",
        dated(SECOND),
        status="OutOfDate",
    ),
    Fault(
        "advisories that were not named",
        "P10",
        "tcb-status advisories",
        lambda e: asked(fail_on_any_advisory=False, ignore_advisories=("INTEL-SA-00334",))(
            level(TcbStatus.SW_HARDENING_NEEDED)(e)
        ),
        status="SWHardeningNeeded",
    ),
    Fault(
        "a status that -C does not cover",
        "P10",
        "tcb-status",
        lambda e: asked(fail_on_any_advisory=False, accept_configuration_needed=True)(
            level(TcbStatus.SW_HARDENING_NEEDED)(e)
        ),
        status="SWHardeningNeeded",
        idle="advisories",
    ),
    Fault(
        "half of a combined status",
        "P10",
        "tcb-status",
        lambda e: asked(fail_on_any_advisory=False, accept_configuration_needed=True)(
            level(TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED)(e)
        ),
        status="ConfigurationAndSWHardeningNeeded",
        idle="advisories",
    ),
    Fault(
        "a revoked platform and every flag there is",
        "P08",
        "tcb-status",
        lambda e: asked(
            fail_on_any_advisory=False,
            tcb_grace=None,
            accept_group_out_of_date=True,
            accept_configuration_needed=True,
            accept_sw_hardening_needed=True,
        )(level(TcbStatus.REVOKED)(e)),
        status="Revoked",
        idle="advisories tcb-grace",
    ),
]

POLICY_FAULTS = [*IDENTITY, *BINDING, *PLATFORM, *FRESH]

POLICY_HARMLESS = [
    Harmless(
        "one of several measurements",
        "P21",
        asked(mrenclaves=lambda e: (STRANGER, e.world.mrenclave)),
    ),
    Harmless("a later version than asked for", "P21", asked(isvsvn=4)),
    Harmless(
        "the signer named, not assumed",
        "P21",
        asked(mrsigner=lambda e: e.world.mrsigner, isvprodid=41316, isvsvn=5),
    ),
    Harmless(
        "a platform whose packages may not change",
        "P31",
        lambda e: asked(refuse_platform_settings=("dynamic",))(chained(items(dynamic=False))(e)),
    ),
    Harmless("an earlier edition asked for", "P16", asked(min_tcb_evaluation=0)),
]
