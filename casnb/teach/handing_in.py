"""A hand-in put into the class's CAS: attested first, pinned, as a secret of the student's own
session.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, PolicyError, SourceError
from casnb.base.files import replace_file
from casnb.base.view import Shown, cell
from casnb.cas.asking import attempt, fetch_report
from casnb.cas.attest import AttestedCas
from casnb.cas.client import CasClient, CasRefusal
from casnb.cas.client_identity import ClientIdentity
from casnb.evidence.decode import read_file
from casnb.policy.flags import find
from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.attested_hand_in import nonce_of, record
from casnb.verify.pki import TrustAnchors

NOTICE = "casnb class cas 1"
HAND_IN = "hand_in"


@dataclass(frozen=True)
class ClassNotice:
    """What a teacher publishes about the class's CAS: the roots of its simulated world, and the
    key that may read hand-ins.
    """

    roots: TrustAnchors
    reader: str

    @classmethod
    def from_file(cls, path: str | Path) -> ClassNotice:
        """Read one; raise SourceError for a file that cannot be read, EvidenceError for another."""
        body = strictjson.loads(read_file(str(path), 1 << 20), "notice", limit=1 << 20)
        if strictjson.member(body, "format", str, "notice") != NOTICE:
            raise EvidenceError("notice.format", got=body["format"][:40], wanted=NOTICE)
        pem = strictjson.member(body, "roots", str, "notice").encode()
        reader = strictjson.member(body, "reader", str, "notice")
        return cls(TrustAnchors.from_pem(pem, label="simulated", simulated=True), reader)


@dataclass(frozen=True)
class HandedIn(Shown):
    """What became of a hand-in: in which session it is, and what was waived on the way."""

    session: str
    hash: str
    address: str
    waivers: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """Where the answers are, and who can have read them."""
        where = f"Your answers are in session {self.session} of the CAS at {self.address}."
        if not self.waivers:
            return f"{where} Nothing was waived on the way to it."
        listed = ", ".join(f"{check} by {flag}" for check, flag in self.waivers)
        gains = {f.gains for _, flag in self.waivers for w in flag.split() if (f := find(w))}
        return (
            f"{where} It was accepted with waivers ({listed}), so it need not be the class's:"
            f" whoever runs it can have read every answer. {' '.join(sorted(gains))}"
        )

    def __str__(self) -> str:
        return self.sentence

    def _html(self) -> str:
        mark = "s-passed" if not self.waivers else "s-waived"
        return f'<p role="status" class="{mark}">{cell(self.sentence, 2000)}</p>'


def hand_in(
    receipt: Mapping[str, Any],
    session: str,
    address: str,
    policy: AttestationPolicy,
    notice: ClassNotice,
    identity: ClientIdentity,
    path: str | Path | None = None,
) -> HandedIn:
    """Attest the CAS at `address` under `policy` and the notice's roots, and put a receipt into a
    session there that its creator and the class's reader can read; at `path` keep a copy.

    The report that goes along has the receipt's digest as its nonce: it was made for these answers.
    Raises VerificationError or PolicyError where the CAS is not accepted, SourceError where it does
    not answer, CasRefusal where it says no. Which code is right is for the policy to say.
    """
    live = attempt(address, policy, roots=notice.roots)
    attested = AttestedCas.from_attempt(live)
    nonce = nonce_of(receipt)
    report = fetch_report(address, type=live.report.proof_type, nonce=nonce)
    again = attempt(address, replace(policy, nonce=nonce), roots=notice.roots, report=report)
    if AttestedCas.from_attempt(again).chain != attested.chain:
        raise PolicyError(
            "the report for these answers",
            got="another CAS's certificates",
            wanted="those of the CAS that was attested",
        )
    body = record(receipt, report.to_json(), policy.arguments())
    value = base64.b64encode(strictjson.compact(body)).decode()
    client = CasClient(attested, identity)
    text = (
        f'name: {session}\nversion: "0.3"\n{_predecessor(client, session)}'
        f"access_policy: {{read: [CREATOR, {json.dumps(notice.reader)}], update: [CREATOR]}}\n"
        f"secrets:\n  - {{name: {HAND_IN}, kind: ascii, value: {value}}}\n"
    )
    digest = client.create_session(text)
    if path is not None:
        try:
            replace_file(Path(path), json.dumps(body, indent=1) + "\n")
        except OSError as exc:
            raise SourceError(str(path), got=exc.strerror, wanted="a file to write") from None
    waivers = tuple((w.check, w.flag) for w in attested.waivers or ())
    return HandedIn(session, digest, address, waivers)


def _predecessor(client: CasClient, session: str) -> str:
    """Return the line that makes this an update where one was handed in before."""
    try:
        return f"predecessor: {client.read_session(session)[0]}\n"
    except CasRefusal:
        return ""


def taken_out(text: str) -> bytes:
    """Return the hand-in out of a session's text, as the class's reader reads it. Raises
    EvidenceError for a session that holds none.
    """
    from casnb.session.session import Session

    for secret in Session.from_yaml(text).secrets:
        if secret.name == HAND_IN and isinstance(secret.value, str):
            try:
                return base64.b64decode(secret.value, validate=True)
            except ValueError:
                break
    raise EvidenceError("session", got=f"no secret {HAND_IN}", wanted="a hand-in")
