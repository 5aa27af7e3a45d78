"""What a result can leave open because nobody asked: one table, and the rows that a result
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casnb.base.errors import UsageError, neutral
from casnb.base.times import stamp

#: How the part of a verdict's sentence begins that says what nobody asked.
NOT_ASKED = "Not asked:"


@dataclass(frozen=True)
class Question:
    """What can be left unasked: `words` say what is then open, `checks` which of them answer it
    (one that passed is enough; where there are none it is not a check that answers), `asked_by` how
    to ask.
    """

    id: str
    words: str
    checks: tuple[str, ...]
    asked_by: str


#: Every question there is, what matters most first: in this order results name those left open.
QUESTIONS: Mapping[str, Question] = {
    q.id: q
    for q in (
        Question(
            "freshness",
            "nothing shows that this is not an old report, replayed",
            ("nonce", "avr-nonce", "report-age"),
            "`--nonce`, `--max-age`; a live attestation makes up a nonce",
        ),
        Question(
            "channel",
            "nothing says for which key, and so for which connection, this evidence speaks",
            ("certificate-binding",),
            "a CAS report or an RA-TLS certificate, not a bare quote or report",
        ),
        Question(
            "time",
            "whether this holds now: it was judged as of another time",
            (),
            "no `--verification-time`",
        ),
        Question(
            "advisories",
            "whether security advisories apply",
            ("advisories",),
            "`--fail-on-any-advisory`, `--ignore-advisories`",
        ),
        Question(
            "version",
            "an older version than the vendor still supports is accepted",
            (),
            "an `--isvsvn` as high as the vendor's own",
        ),
        Question(
            "build",
            "which build this is: the signer stands for the code",
            ("mrenclave",),
            "`--mrenclave`",
        ),
        Question(
            "instance",
            "which instance this is: any genuine one of this code passes",
            ("instance-key",),
            "`-c`, `-s`",
        ),
        Question(
            "revocation",
            "whether the service's signing certificate was revoked: no list comes with a report",
            ("pck-revocation",),
            "nothing: use DCAP evidence",
        ),
        Question(
            "edition",
            "whether a newer edition of Intel's lists knows more holes",
            ("tcb-evaluation",),
            "`--min-tcb-evaluation`",
        ),
        Question(
            "settings",
            "how the machine is set",
            ("platform-settings",),
            "`--refuse-platform-settings`",
        ),
    )
}


@dataclass(frozen=True)
class NotAsked:
    """One question that a result leaves open, and what that means here, in words."""

    id: str
    words: str

    @classmethod
    def of(cls, id: str, words: str = "") -> NotAsked:
        """Return the row of a question; raise UsageError for one that there is not."""
        found = QUESTIONS.get(id)
        if found is None:
            raise UsageError("question", got=id, wanted="one of " + ", ".join(QUESTIONS))
        return cls(id, words or found.words)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "words": neutral(self.words, 400)}


def not_asked_sentence(ids: tuple[str, ...], at: datetime | None) -> str:
    """Return what was not asked as short sentences that follow a verdict; empty where all was."""
    said = f" Judged as of {stamp(at)}." if "time" in ids and at else ""
    left = ", ".join(id for id in ids if id != "time")
    return said + (f" {NOT_ASKED} {left}." if left else "")
