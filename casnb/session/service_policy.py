"""What a session asks of the enclave that runs one of its services: a proof judged by the usual
checks, in the session's words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from casnb.base.errors import UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.checks.binding import Binding
from casnb.checks.result import AttestationResult, Check, CheckStatus, failed, not_run, passed
from casnb.checks.unasked import NotAsked
from casnb.evidence.report import ReportBody
from casnb.policy.appraise import appraise
from casnb.policy.flags import BY_NAME, FLAGS, Flag
from casnb.policy.identities import known_signer
from casnb.policy.policy import NOT_GIVEN, AttestationPolicy
from casnb.policy.translation import WORDS
from casnb.session.services import Requirement, Security, Signer
from casnb.session.session import Session
from casnb.verify.proof import Proof

_IDENTITY = ("mrenclave", "mrsigner", "isvprodid", "isvsvn")
_LETTERS = {f.short: f for f in FLAGS if f.short}
_OPTION = re.compile(
    r"(?<![\w-])(?:-([" + "".join(_LETTERS) + r"]+)|--(only_for_testing-debug|ignore-advisories))\b"
)
#: What a session without evidence gives up, all of it.
_GIVEN_UP = ("tcb-status", "debug", *_IDENTITY)


@dataclass(frozen=True)
class ServicePolicy(Shown):
    """Who may have the configuration of `service`: enclaves that meet one of the requirements,
    on platforms as `security` asks.

    `unbuilt` are members that make it stricter and that casnb does not check: nobody is accepted
    where there are any.
    """

    session: str
    service: str
    requirements: tuple[Requirement, ...]
    security: Security
    unbuilt: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """`hardware`; or `none`, where no evidence is asked for; `maa` is somebody else's
        judgement.
        """
        return self.security.mode

    def flags(self) -> tuple[str, ...]:
        """Return the flags of `scone cas attest` (long names) that accept what `tolerate`
        accepts, catalogue order.
        """
        found = {WORDS[word].flag for word in self.security.tolerate}
        return tuple(f.name for f in FLAGS if f.name in found)

    def appraise(self, proof: Proof | None, binding: Binding | None = None) -> AttestationResult:
        """Judge a proof: the enclave must meet one requirement, and no check may fail that
        `tolerate` does not name.

        `binding` says for which key the evidence must speak. Each advisory that is listed for the
        platform rejects, unless `ignore_advisories` names it: other than with `scone cas attest`,
        where none does. Evidence that cannot list any rejects too, unless all are ignored. With
        mode none any program is accepted, and every check it gives up is WAIVED. Raises
        UsageError for what casnb cannot judge: mode maa, `unbuilt`.
        """
        if self.unbuilt or self.mode == "maa":
            raise UsageError(
                f"session {self.session}: service {self.service}",
                wanted="what casnb can check",
                got=", ".join(self.unbuilt) or "security.attestation.mode maa",
                do="It is part of the session and not built; nobody gets a configuration here.",
            )
        subject = f"service {self.service}"
        if self.mode == "none":
            given = tuple(
                not_run(i, "no evidence is asked for").waived_by("security.attestation.mode: none")
                for i in _GIVEN_UP
            )
            return AttestationResult(
                given,
                subject=subject,
                remarks=("Whoever asks is given the configuration.",),
                not_asked=tuple(NotAsked.of(i) for i in ("freshness", "channel")),
            )
        if proof is None:
            raise UsageError(
                f"session {self.session}: service {self.service}",
                got="no evidence",
                wanted="a proof",
            )
        result = appraise(
            proof, self._platform(proof), binding=binding, subject=subject, compare=self._compare
        )
        rows = tuple(
            replace(c, flag=self._translated(c.flag)) if c.flag else c for c in result.checks
        )
        remarks = [
            *map(self._translated, result.remarks),
            *(
                f"tolerate: {w} changes nothing here: {WORDS[w].note}."
                for w in self.security.tolerate
                if not WORDS[w].flag
            ),
        ]
        return replace(result, checks=rows, remarks=tuple(remarks))

    def _compare(self, body: ReportBody, remarks: list[str]) -> list[Check]:
        number, found = self._best(body)
        if len(self.requirements) > 1:
            held = all(c.status is not CheckStatus.FAILED for c in found)
            remarks.append(
                f"Alternative {number} of {len(self.requirements)}"
                f" {'is met' if held else 'comes nearest'}."
            )
        return found

    def _platform(self, proof: Proof) -> AttestationPolicy:
        """The part that has nothing to do with identity: `_compare` judges that, and the signer
        named here is compared with nothing.
        """
        every = self.security.every_advisory
        ids = proof.advisories if every else self.security.ignore_advisories
        if every and proof.unlisted:
            ids = ()
        policy = AttestationPolicy(
            mrsigner="0" * 64,
            isvprodid=0,
            isvsvn=0,
            ignore_advisories=ids or NOT_GIVEN,
            fail_on_any_advisory=not ids and not (every and proof.unlisted),
        )
        return policy.with_flags(*self.flags())

    def _best(self, body: ReportBody) -> tuple[int, list[Check]]:
        """The first requirement that is met, else the one with the fewest failures: its number,
        and its checks.
        """
        if not self.requirements:
            return 0, [
                failed(
                    "mrenclave",
                    body.mrenclave,
                    "a measurement or a signer",
                    "the session names no enclave",
                )
            ]
        tried = [(n, _compare(body, r)) for n, r in enumerate(self.requirements, 1)]
        return min(tried, key=lambda t: sum(c.status is CheckStatus.FAILED for c in t[1]))

    def _translated(self, text: str) -> str:
        """Flags, where a sentence names them, as the session writes them."""

        def one(match: re.Match[str]) -> str:
            if match[2] == "ignore-advisories":
                return "ignore_advisories"
            chosen = [_LETTERS[letter] for letter in match[1]] if match[1] else [BY_NAME[match[2]]]
            return "tolerate: " + ", ".join(self._words(f) for f in chosen)

        return _OPTION.sub(one, text)

    def _words(self, flag: Flag) -> str:
        said = [w for w in self.security.tolerate if WORDS[w].flag == flag.name]
        return ", ".join(said) or " or ".join(flag.elsewhere.tolerate)

    def rows(self) -> list[tuple[str, str]]:
        """Return what is asked for, one row each."""
        out = [("mode", self.mode)]
        for n, requirement in enumerate(self.requirements, 1):
            head = f"alternative {n}" if len(self.requirements) > 1 else "enclave"
            out.append((head, describe(requirement)))
        out.append(("tolerated", ", ".join(self.security.tolerate) or "nothing"))
        ignored = (
            "every one"
            if self.security.every_advisory
            else ", ".join(self.security.ignore_advisories) or "none"
        )
        return [*out, ("advisories ignored", ignored), *(("not built", m) for m in self.unbuilt)]

    def __str__(self) -> str:
        return text_table((f"service {self.service}", "asks for"), self.rows())

    def _html(self) -> str:
        return html_table(
            (f"service {self.service}", "asks for"), self.rows(), f"Session {self.session}"
        )


def service_policy(session: Session, service: str) -> ServicePolicy:
    """Return what a session asks of one of its services; raise UsageError for one that it does
    not have.

    Example: `service_policy(session, "web").appraise(verify(quote, roots=roots,
    now=now)).verdict`
    """
    for found in session.services:
        if found.name == service:
            return ServicePolicy(
                session.name,
                service,
                found.requirements,
                session.security,
                (*found.guards, *session.security.guards),
            )
    raise UsageError(
        f"session {session.name}: service",
        got=service,
        wanted="one of " + (", ".join(s.name for s in session.services) or "none"),
    )


def describe(requirement: Requirement) -> str:
    """Say in words whom a requirement means."""
    said = [f"MRENCLAVE {' or '.join(requirement.mrenclaves)}"] if requirement.mrenclaves else []
    if requirement.signer:
        s = requirement.signer
        said.append(f"signed by {s.mrsigner}, product {s.isvprodid}, version {_versions(s)}")
    return " and ".join(said)


def _versions(signer: Signer) -> str:
    if signer.least == 0 and signer.most is None:
        return "any"
    if signer.most is None:
        return f"{signer.least} or later"
    return str(signer.least) if signer.least == signer.most else f"{signer.least} to {signer.most}"


def _compare(body: ReportBody, requirement: Requirement) -> list[Check]:
    signer = requirement.signer
    unasked = "this alternative names no {}"
    out = [
        (
            _compared("mrenclave", body.mrenclave, requirement.mrenclaves)
            if requirement.mrenclaves
            else not_run(
                "mrenclave", unasked.format("measurement"), optional=True, got=body.mrenclave
            )
        )
    ]
    if signer is None:
        pairs = (
            ("mrsigner", body.mrsigner),
            ("isvprodid", body.isv_prod_id),
            ("isvsvn", body.isv_svn),
        )
        return [
            *out,
            *(not_run(i, unasked.format("signer"), optional=True, got=got) for i, got in pairs),
        ]
    known = known_signer(body.mrsigner)
    out.append(
        _compared(
            "mrsigner",
            body.mrsigner,
            (signer.mrsigner,),
            f"this is {known.name}: {known.note}" if known else "",
        )
    )
    if out[-1].status is CheckStatus.FAILED:
        why = "a number that an unexpected signer chose means nothing"
        return [
            *out,
            *(
                not_run(i, why, optional=True, got=got)
                for i, got in (("isvprodid", body.isv_prod_id), ("isvsvn", body.isv_svn))
            ),
        ]
    out.append(_compared("isvprodid", str(body.isv_prod_id), (str(signer.isvprodid),)))
    if signer.least == 0 and signer.most is None:
        return [
            *out,
            not_run("isvsvn", unasked.format("version"), optional=True, got=str(body.isv_svn)),
        ]
    within = signer.least <= body.isv_svn and (signer.most is None or body.isv_svn <= signer.most)
    make = passed if within else failed
    return [*out, make("isvsvn", body.isv_svn, _versions(signer))]


def _compared(id: str, got: str, wanted: Sequence[str], why: str = "") -> Check:
    if got in wanted and got.strip("0"):
        return passed(id, got, " or ".join(wanted))
    return failed(id, got, " or ".join(wanted), why)
