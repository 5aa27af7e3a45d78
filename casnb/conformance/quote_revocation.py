"""Rows about revocation: of a platform, an authority, the root, and the lists that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.conformance.fault import (
    ATTACKER,
    DAY,
    MALLORY,
    SECOND,
    Change,
    Evidence,
    Fault,
    chained,
    each,
    listed,
    members,
)
from casnb.conformance.forging import issue
from casnb.conformance.quote_certificates import OLD_KEY, ca, intel, pck
from casnb.evidence.der import tlv
from casnb.simulator.keys import KeyPair, der, revocation_list, signed


def crl(make: Callable[[Evidence], bytes], name: str = "pck_crl") -> Change:
    return members(**{name: lambda e: make(e).hex()})


def ageless(raw: bytes, key: object) -> bytes:
    """The list without its nextUpdate, signed again."""
    value = x509.load_der_x509_crl(raw)
    tbs = value.tbs_certlist_bytes
    _, start, end = tlv(tbs, 0, len(tbs))
    parts, times = [], 0
    at = start
    while at < end:
        tag, _, after = tlv(tbs, at, end)
        times += tag == 0x17
        if tag != 0x17 or times != 2:
            parts.append(tbs[at:after])
        at = after
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return signed(der(0x30, b"".join(parts)), key)


def serial(pick: Callable[[Evidence], KeyPair]) -> Callable[[Evidence], list[int]]:
    return lambda e: [pick(e).cert.serial_number]


def dated(first: timedelta, last: timedelta, name: str = "pck_crl") -> Change:
    """A validly signed list from `first` to `last`, counted from now."""

    def made(e: Evidence) -> bytes:
        return revocation_list(
            intel(e).pck_ca if name == "pck_crl" else intel(e).root,
            1,
            (e.now + first, e.now + last),
            [],
        )

    return crl(made, name)


def renewed(e: Evidence) -> Evidence:
    """List and chain of a renewed authority of the same name, whose key signed nothing of this
    platform.
    """
    new = issue(e.world, intel(e).pck_ca.cert.subject, intel(e).root, ca=0, key=OLD_KEY)
    return replace(e, lists=e.world.endorsements(authority=new))


def unlisting(e: Evidence) -> Evidence:
    """Platform and list under an authority that may certify platforms and nothing else."""
    chain = ca(usage=("key_cert_sign",))
    return replace(chained(chain)(e), lists=e.world.endorsements(authority=chain(e)[1]))


def processor(**lists: Any) -> Change:
    """A platform that the Processor CA certified."""

    def change(e: Evidence) -> Evidence:
        i = intel(e)
        e = chained(lambda e: [e.world.platform.certified(i.processor_ca), i.processor_ca])(e)
        return replace(e, lists=e.world.endorsements(**lists))

    return change


R = "pck-revocation"
BOTH_LISTS, OTHERS_LIST = "both revocation lists", "list of another issuer"
REVOCATION = [
    Fault("platform revoked", "P04", R, listed(revoked=serial(pck))),
    Fault(
        "authority revoked", "P04", R, listed(revoked_authorities=serial(lambda e: intel(e).pck_ca))
    ),
    Fault(
        "root revoked by its own list",
        "P04",
        R,
        listed(revoked_authorities=serial(lambda e: intel(e).root)),
        choice="revoked root",
    ),
    Fault(
        "TCB signer revoked",
        "P04 P14",
        "tcb-info-signature qe-identity-signature",
        listed(revoked_authorities=serial(lambda e: intel(e).tcb_signer)),
    ),
    Fault("no list of platforms", "P04", R, members(pck_crl=""), choice=BOTH_LISTS),
    Fault("no list of the root", "P04", R, members(root_ca_crl=""), choice=BOTH_LISTS),
    Fault(
        "no list at all",
        "P04",
        R,
        members(pck_crl="", root_ca_crl="", pck_crl_issuer_chain=""),
        choice=BOTH_LISTS,
    ),
    *each(
        "list expired",
        "P04 P16",
        R,
        [
            ("of platforms", dated(-60 * DAY, -30 * DAY)),
            ("of the root", dated(-60 * DAY, -30 * DAY, "root_ca_crl")),
            ("of platforms, a second ago", dated(-30 * DAY, -SECOND)),
            ("of the root, a second ago", dated(-30 * DAY, -SECOND, "root_ca_crl")),
        ],
    ),
    *each(
        "list of the future",
        "P16",
        R,
        [
            ("of platforms", dated(SECOND, 30 * DAY)),
            ("of the root", dated(SECOND, 30 * DAY, "root_ca_crl")),
        ],
        choice="future issue date",
    ),
    *each(
        "list without nextUpdate",
        "P05",
        R,
        [
            ("of platforms", crl(lambda e: ageless(intel(e).pck_crl(e.now), intel(e).pck_ca.key))),
            (
                "of the root",
                crl(lambda e: ageless(intel(e).root_crl(e.now), intel(e).root.key), "root_ca_crl"),
            ),
        ],
    ),
    Fault(
        "lists in each other's place",
        "P05",
        R,
        lambda e: members(pck_crl=e.lists.root_ca_crl, root_ca_crl=e.lists.pck_crl)(e),
        choice=OTHERS_LIST,
    ),
    Fault(
        "the root's list for both",
        "P05",
        R,
        lambda e: members(pck_crl=e.lists.root_ca_crl)(e),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms of another world",
        "P05",
        R,
        members(pck_crl=MALLORY.endorsements().pck_crl),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms of another world, with its chain",
        "P05",
        R,
        members(
            pck_crl=MALLORY.endorsements().pck_crl,
            pck_crl_issuer_chain=MALLORY.endorsements().pck_crl_issuer_chain,
        ),
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of the root of another world",
        "P05",
        R,
        members(root_ca_crl=MALLORY.endorsements().root_ca_crl),
    ),
    Fault(
        "list of platforms signed by the attacker in the authority's name",
        "P05",
        R,
        crl(
            lambda e: revocation_list(
                KeyPair(intel(e).pck_ca.cert, ATTACKER), 1, (e.now - DAY, e.now + DAY), []
            )
        ),
    ),
    Fault(
        "list of platforms signed by the platform itself",
        "P05 P14",
        R,
        crl(lambda e: revocation_list(pck(e), 1, (e.now - DAY, e.now + DAY), [])),
    ),
    Fault(
        "list of the root signed by the attacker in its name",
        "P05",
        R,
        crl(
            lambda e: revocation_list(
                KeyPair(intel(e).root.cert, ATTACKER), 1, (e.now - DAY, e.now + DAY), []
            ),
            "root_ca_crl",
        ),
    ),
    Fault(
        "list of platforms by an authority whose key may not sign lists",
        "P05 P29",
        R,
        unlisting,
        choice=OTHERS_LIST,
    ),
    Fault(
        "list of platforms after the authority's key was renewed",
        "P05",
        R,
        renewed,
        choice=OTHERS_LIST,
    ),
    Fault(
        "Processor CA's platform with the Platform CA's list",
        "P07 P05",
        R,
        processor(),
        choice=OTHERS_LIST,
    ),
    *each(
        "list that is none",
        "P32",
        R,
        [
            ("empty", crl(lambda e: b"")),
            ("half", crl(lambda e: intel(e).pck_crl(e.now)[:100])),
            ("words", members(pck_crl="none revoked")),
            ("a certificate", crl(lambda e: intel(e).root.cert.public_bytes(Encoding.DER))),
        ],
    ),
    Fault(
        "serial number on an expired list",
        "P04",
        R,
        crl(lambda e: intel(e).pck_crl(e.now - 400 * DAY, serial(pck)(e))),
    ),
]
