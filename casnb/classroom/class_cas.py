"""The class's own CAS, into which students put hand-ins after attesting it: its world follows from
the course's key, and its evidence is judged again without believing what a hand-in says of it.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import lru_cache

from casnb.base.errors import CasnbError, EvidenceError, SourceError, neutral
from casnb.base.files import replace_file
from casnb.cas.asking import attempt
from casnb.cas.attest import AttestedCas
from casnb.cas.client import CasClient, CasRefusal
from casnb.cas.client_identity import ClientIdentity
from casnb.checks.result import AttestationResult, CheckStatus, Verdict
from casnb.classroom.course import Assignment, Course
from casnb.classroom.tickets import seed_of
from casnb.evidence.cas_report import CasReport
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import World
from casnb.teach.course.attested_hand_in import AttestedHandIn, session_name
from casnb.teach.handing_in import NOTICE, taken_out
from casnb.verify.dispatch import verify

#: What the class's CAS is like: nothing about it needs a flag, so whoever sets one that counts has
#: attested another.
SCENARIO = "production"
FOLDER = "cas"
ATTESTED, WAIVED, REFUSED = "attested", "waived", "not attested"


def seed_of_cas(course: Course) -> str:
    """Return the seed of the class's CAS: whoever has it can forge its reports."""
    text = f"casnb class cas 1\0{course.term}".encode()
    return base64.b32encode(hmac.digest(course.key, text, "sha256")).decode()[:26].lower()


def reader(course: Course) -> ClientIdentity:
    """Return the key that may read hand-ins, made the first time, mode 0600. Raises SourceError."""
    path = course.folder / FOLDER / "reader.pem"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            made = ClientIdentity.create()
            replace_file(path, made.key_pem + made.certificate_pem, mode=0o600)
        return ClientIdentity.from_pem(path.read_text("ascii"))
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a key to read") from None


def notice(course: Course) -> str:
    """Return what students get, as JSON: roots, and the key that may read. The measurement is not
    in it: that comes by another way, as always.
    """
    world = World(seed_of_cas(course), SCENARIO)
    body = {
        "format": NOTICE,
        "course": course.id,
        "roots": world.roots_pem.decode(),
        "reader": reader(course).key_hash,
    }
    return json.dumps(body, indent=1) + "\n"


@dataclass(frozen=True)
class Sealing:
    """What the evidence in a hand-in is worth: `status` is 'attested' (nothing was waived),
    'waived' or 'not attested'.
    """

    status: str
    sentence: str


@lru_cache(maxsize=2)
def _world(seed: str) -> World:
    return World(seed, SCENARIO)


def judge_sealing(seed: str, found: AttestedHandIn, now: datetime | None = None) -> Sealing:
    """Judge a hand-in's report strictly, and only if that refuses it under the sender's own words.

    `now` is the clock unless given. Believed are the class's roots and reference values alone; the
    nonce must be the digest of these answers. Not shown: that the sender looked at the result, nor
    that the answers came by this CAS alone.
    """
    world = _world(seed)
    strict = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    try:
        report = CasReport.from_json(found.report)
        proof = verify(report, roots=world.roots, now=now or datetime.now(timezone.utc))
        result = appraise(proof, replace(strict, nonce=found.nonce), report=report)
        if result.verdict is Verdict.TRUSTWORTHY:
            return Sealing(ATTESTED, "attested: this is the class's CAS, and nothing was waived")
        theirs = AttestationPolicy.from_args(found.policy, expected_signer=world.vendor)
        loose = appraise(
            proof, replace(theirs, nonce=found.nonce, verification_time=None), report=report
        )
    except CasnbError as exc:
        return Sealing(REFUSED, f"not attested: {neutral(exc, 200)}")
    why = _first(result)
    if loose.accepted:
        flags = ", ".join(f"{c.id} by {c.flag}" for c in loose.waivers) or "another reference value"
        return Sealing(
            WAIVED,
            f"attested with waivers ({flags}): the class's reference values refuse this CAS"
            f" ({why}), and whoever runs it can have read these answers",
        )
    return Sealing(REFUSED, f"not attested: {why}")


def _first(result: AttestationResult) -> str:
    bad = [c for c in result.checks if c.status is CheckStatus.FAILED]
    return bad[0].id if bad else "a check that was asked for could not be made"


def collect(
    course: Course, task: Assignment, address: str
) -> Iterator[tuple[str, bytes | CasnbError]]:
    """Attest the class's CAS strictly, and yield each student's hand-in, or why there is none.

    Raises what `attempt` raises, and VerificationError or PolicyError for another CAS.
    """
    world = World(seed_of_cas(course), SCENARIO)
    strict = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    cas = AttestedCas.from_attempt(attempt(address, strict, roots=world.roots))
    client = CasClient(cas, reader(course))
    for student in course.roster:
        seed = seed_of(course.key, course.term, task.name, student.id, task.tier)
        try:
            _, text = client.read_session(session_name(task.name, seed))
            yield student.id, taken_out(text)
        except (CasRefusal, EvidenceError) as exc:
            yield student.id, exc
