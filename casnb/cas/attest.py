"""Attest a CAS: fetch its report, verify and appraise it, tie it to the TLS key, and keep what
was accepted as a pin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from casnb.base.errors import (
    CasnbError,
    PolicyError,
    UsageError,
    neutral,
)
from casnb.base.times import stamp
from casnb.base.view import Shown, cell, html_table, html_verdict, text_table
from casnb.cas.asking import Attempt, attempt
from casnb.checks.result import CheckStatus, Verdict
from casnb.checks.unasked import not_asked_sentence
from casnb.evidence.cas_report import CasReport
from casnb.policy.policy import AttestationPolicy
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import (
    parse_address,
)
from casnb.verify.pki import TrustAnchors

__all__ = ["AttestedCas", "Waiver", "attest"]


class Waiver(NamedTuple):
    """A check that did not hold, and the flag that accepted it."""

    check: str
    flag: str


_SEAL = object()


@dataclass(frozen=True, repr=False)
class AttestedCas(Shown):
    """A CAS that an appraisal accepted: its certificates, and under which conditions it was
    accepted.

    Made by `attest`, `from_attempt` or the trust file alone; a rejected attempt cannot become
    one. `name` is the address as typed. `waivers` is None where another program wrote the entry
    and the flags are not recorded; so is `not_asked`, the ids of what the verdict left open.
    `attested_at` is when it was attested by the clock, `judged_at` the time it was judged as of.
    `roots` names the roots (`Intel`, `simulated`); empty where not recorded. `simulated`: they
    were not Intel's.
    """

    name: str
    url: str
    host: str
    port: int
    chain: CasChain
    waivers: tuple[Waiver, ...] | None
    evidence_sha256: str
    attested_at: datetime | None
    proof_type: str
    mrenclave: str = ""
    roots: str = ""
    proof_data: dict[str, Any] = field(default_factory=dict, compare=False)
    not_asked: tuple[str, ...] | None = None
    judged_at: datetime | None = None
    simulated: bool = False
    seal: object = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise UsageError(
                "AttestedCas",
                got="a call of the class",
                wanted="attest(...), or an entry of the trust file",
                do="Only an accepted attestation makes one.",
            )
        object.__setattr__(self, "seal", None)  # so that dataclasses.replace makes none either

    @classmethod
    def from_attempt(cls, tried: Attempt) -> AttestedCas:
        """Return the pin of an accepted attempt; raise VerificationError or PolicyError for a
        rejected one.

        An attempt whose certificates were not bound to the evidence is refused too, whatever its
        verdict.
        """
        result = tried.result.require()
        if result.check("certificate-binding").status is not CheckStatus.PASSED:
            raise PolicyError(
                f"{result.subject}",
                got="evidence that names no certificate",
                wanted="certificate-binding passed",
            )
        name, host, port, url = parse_address(tried.address)
        return cls(
            name,
            url,
            host,
            port,
            CasChain.from_pem(tried.report.cert_chain_pem),
            tuple(Waiver(c.id, str(c.flag)) for c in result.waivers),
            result.evidence_sha256,
            result.clock,
            tried.report.proof_type,
            result.identity.mrenclave if result.identity else "",
            tried.roots,
            tried.report.proof_data,
            tuple(n.id for n in result.not_asked),
            result.at,
            result.simulated,
            _SEAL,
        )

    @classmethod
    def _reloaded(cls, **members: Any) -> AttestedCas:
        """For the trust file alone."""
        return cls(seal=_SEAL, **members)

    @property
    def sentence(self) -> str:
        """Under which conditions it was accepted, in words; said again whenever the pin is
        loaded.
        """
        who = f"Simulated CAS {self.name}" if self.simulated else f"CAS {self.name}"
        if self.waivers is None:
            return (
                f"{who} was attested by another program: which checks were waived, and what was"
                " not asked, is not recorded."
            )
        when = f" at {stamp(self.attested_at)}" if self.attested_at else ""
        left = (
            not_asked_sentence(self.not_asked, self.judged_at)
            if self.not_asked is not None
            else " What was not asked is not recorded."
        )
        if not self.waivers:
            return f"{who} was found trustworthy{when}; nothing was waived.{left}"
        listed = ", ".join(f"{w.check} by {w.flag}" for w in self.waivers)
        return f"{who} was accepted{when} with waivers ({listed}). It must not hold secrets.{left}"

    @property
    def short(self) -> str:
        """The same in one short line, for every command that uses the pin."""
        who = f"{'simulated ' if self.simulated else ''}CAS {neutral(self.name, 80)}"
        if self.waivers is None:
            return f"{who}: attested by another program, waivers unknown."
        said = [
            f"{len(self.waivers)} waiver{'s' if len(self.waivers) > 1 else ''}, no secrets"
            if self.waivers
            else "nothing waived"
        ]
        if self.not_asked is not None and "time" in self.not_asked and self.judged_at:
            said.append(f"judged as of {self.judged_at:%Y-%m-%d}")
        if self.not_asked is not None and "freshness" in self.not_asked:
            said.append("freshness not asked")
        return f"{who}: {', '.join(said)} (scone cas list tells more)."

    @property
    def memory(self) -> str:
        """The sentence, and by which evidence under whose roots: how this pin was obtained."""
        if not self.evidence_sha256:
            return self.sentence
        return (
            f"{self.sentence} Evidence: {self.proof_type} under {self.roots or 'unknown'} roots,"
            f" SHA-256 {self.evidence_sha256}."
        )

    def banner(self) -> str:
        """The sentence as a verdict line in HTML, marked as what it was: trustworthy, accepted
        with waivers, or unknown.
        """
        name = (
            ""
            if self.waivers is None
            else (Verdict.ACCEPTED_WITH_WAIVERS if self.waivers else Verdict.TRUSTWORTHY).value
        )
        return html_verdict(name, cell(self.sentence, 600))

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("address", self.name),
            ("URL", self.url),
            ("root key hash (-c)", self.chain.key_hashes[0]),
            ("root certificate, SHA-256", self.chain.fingerprint),
            ("MRENCLAVE", self.mrenclave or "not recorded"),
            (
                "evidence",
                f"{self.proof_type or 'unknown'}, SHA-256 {self.evidence_sha256 or 'not recorded'}",
            ),
            ("roots", self.roots or "not recorded"),
        ]

    def __repr__(self) -> str:
        waived = "unknown waivers" if self.waivers is None else f"{len(self.waivers)} waivers"
        return f"<AttestedCas {neutral(self.name, 80)} at {self.url}: {waived}>"

    def __str__(self) -> str:
        return (
            text_table(("attested CAS", "value"), self._rows())
            + "\n\n"
            + neutral(self.sentence, 600)
        )

    def _html(self) -> str:
        return html_table(("attested CAS", "value"), self._rows(), code=(1,)) + self.banner()


def attest(
    address: str,
    policy: AttestationPolicy,
    *,
    roots: TrustAnchors | None = None,
    type: str | None = None,
    now: datetime | None = None,
    report: bytes | CasReport | None = None,
    timeout: float = 10,
) -> AttestedCas:
    """Attest a CAS and return its pin; the arguments are those of `attempt`.

    Raises VerificationError where the evidence is not genuine, PolicyError where the policy does
    not want this enclave, SourceError where nothing could be fetched. The error carries the
    attempt as `attempt`, with every check.

    Example: `CasClient(attest("scone-cas.cf", policy)).value("example_session",
    "example_value")`
    """
    tried = attempt(
        address, policy, roots=roots, type=type, now=now, report=report, timeout=timeout
    )
    try:
        return AttestedCas.from_attempt(tried)
    except CasnbError as exc:
        exc.attempt = tried  # type: ignore[attr-defined]
        raise
