"""Attacks with a platform's own key, known to be lost: what a revocation list is for, and what
leaving it out is worth.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from casnb.evidence.quote import Quote
from casnb.mallory.defence import Defence
from casnb.mallory.hardware import reply
from casnb.mallory.memory import EnclaveMemory, key_for, keys_in, sec1
from casnb.mallory.stage import HONEST, Stage
from casnb.mallory.steps import Loot, Stopped
from casnb.mallory.story import PERSONAS, Attack
from casnb.simulator.keys import KeyPair, Seed, raw_point, sign_raw
from casnb.simulator.world import World

#: The machine was patched after the key was read, so that its status is the best there is.
PATCHED_LATE = replace(HONEST, name="Mallory's machine, patched too late")


@lru_cache(maxsize=16)
def _sampled(world: World) -> bytes:
    """What caches gave away of the certification enclave's memory before this machine was
    patched; done once.
    """
    key = world.platform.pck.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return EnclaveMemory(world.enclave, {"PCK key": sec1(key)}, leaky=True).sampled()


def platform_key(stage: Stage, world: World) -> ec.EllipticCurvePrivateKey:
    """Sample the certification enclave's memory until the key of the PCK certificate stands
    there.
    """
    key = key_for(world.platform.pck.cert.public_key(), keys_in(_sampled(world)))
    if key is None:
        raise Stopped("pck-revocation")
    stage.say(
        "mallory",
        "samples the caches of her CPU while the certification enclave works, and has the key of"
        " its PCK certificate; only then does she update the firmware",
    )
    return key


def certified_anew(
    quote: Quote, pck: ec.EllipticCurvePrivateKey, own: ec.EllipticCurvePrivateKey
) -> Quote:
    """Return the quote with an attestation key of her own, named by a quoting enclave's report
    that the platform's key signs.
    """
    named = hashlib.sha256(raw_point(own) + quote.auth_data).digest() + bytes(32)
    quote = replace(
        quote, attestation_key=raw_point(own), qe_report=replace(quote.qe_report, report_data=named)
    )
    return replace(
        quote,
        qe_report_signature=sign_raw(pck, quote.qe_report_bytes),
        signature=sign_raw(own, quote.signed_bytes),
    )


def _with_lists(stage: Stage, how: str, **changed: str) -> Loot:
    """Forge everything with the key, and send Intel's lists along as `how` says, some of them
    `changed`.
    """
    world = stage.world(PATCHED_LATE)
    pck, own = platform_key(stage, world), Seed(stage.seed).p256("Mallory's own attestation key")
    stage.say("intel", "learns of it, and puts the certificate on its revocation list")
    lists: dict[str, Any] = (
        world.intel.endorsements(world.now, revoked=[world.platform.pck.cert.serial_number])
        | changed
    )
    address, _ = stage.fake(
        world,
        lambda nonce: (
            200,
            reply(world, stage.honest, nonce, lambda quote: certified_anew(quote, pck, own), lists),
        ),
    )
    stage.say(
        "mallory",
        "makes an attestation key, a report of Intel's quoting enclave that names it, and a quote"
        f" for an enclave that never ran, all without a quoting enclave; {how}",
        "you",
    )
    cas = stage.attest(address, stage.policy(), ("pck-revocation",))
    return stage.served(
        cas, address, **{"PCK key": KeyPair(world.platform.pck.cert, pck).key_pem.decode()}
    )


def _revoked_key(stage: Stage) -> Loot:
    return _with_lists(stage, "she sends Intel's newest lists along, as they are")


def _missing_list(stage: Stage) -> Loot:
    return _with_lists(
        stage, "of Intel's lists she leaves one out, the one of revoked platforms", pck_crl=""
    )


ATTACKS = (
    Attack(
        "revoked-key",
        PERSONAS["cpu"],
        "sign everything with a platform key that Intel has revoked",
        ("pck-revocation",),
        Defence.of("--accept-revoked-pcs-certs"),
        Defence.of(),
        "The status is UpToDate, debug is off, every signature is right. One line is waived: the"
        " PCK certificate is on its authority's list. What do the lines below it still prove?",
        "The PCK key signs the quoting enclave's report, and that report names the attestation key."
        " Whoever has the PCK key needs no quoting enclave: she writes its report herself, and"
        " signs any MRENCLAVE. The list is the one thing that tells.",
        "Leave --accept-revoked-pcs-certs away: a certificate is revoked because somebody else may"
        " hold its key.",
        "casnb's reading of --accept-revoked-pcs-certs; Intel PCS API v4, PCK CRL; how she reads"
        " the key is made up",
        "2026",
        _revoked_key,
        gate="signatures",
        gain="a revoked key signs for her",
    ),
    Attack(
        "missing-list",
        PERSONAS["cpu"],
        "leave out the revocation list that names her platform",
        ("pck-revocation",),
        Defence.of("--accept-unverifiable-pcs-certs"),
        Defence.of(),
        "The same key, revoked like before. The lists come with the evidence, from whoever sends"
        " it; this time one is not there. Does a flag that accepts no list accept less than one"
        " that accepts a revoked platform?",
        "Lists are signed, so she cannot change one; but the host delivers them, so she can keep"
        " one back. A verifier that goes on without the list goes on without revocation.",
        "Leave --accept-unverifiable-pcs-certs away, and fetch the lists yourself where you can.",
        "casnb's reading of --accept-unverifiable-pcs-certs; Intel PCS API v4, PCK CRL; how she"
        " reads the key is made up",
        "2026",
        _missing_list,
        gate="signatures",
        gain="nobody sees that her key is revoked",
    ),
)
