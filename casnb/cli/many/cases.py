"""One case of a manifest: what was expected, what came, and where the two differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from casnb.base.errors import CasnbError, EvidenceError
from casnb.evidence.report import ReportBody
from casnb.verify.proof import Proof
from casnb.verify.tcb import TcbStatus

_CURRENT = ("tcb-info-current", "qe-identity-current", "pck-revocation")


#: What a case may expect.
VERDICTS = ("accept", "reject", "parse-only")
#: Which checks may be meant by a manifest's reason; one of them must be among the failed.
REASONS: Mapping[str, tuple[str, ...]] = {
    "collateral-expired": _CURRENT,
    "collateral-not-yet-valid": _CURRENT,
    "crl-expired": ("pck-revocation",),
    "crl-missing": ("pck-revocation",),
    "crl-slot-mismatch": ("pck-revocation",),
    "pck-crl-issuer-mismatch": ("pck-revocation",),
    "root-crl-issuer-mismatch": ("pck-revocation",),
    "fmspc-mismatch": ("fmspc-match",),
    "tcb-info-id-mismatch": ("fmspc-match",),
    "qe-identity-id-mismatch": ("qe-identity",),
    "tcb-info-signature-invalid": ("tcb-info-signature",),
    "qe-identity-signature-invalid": ("qe-identity-signature",),
    "isv-signature-invalid": ("quote-signature",),
    "pck-chain-invalid": ("pck-chain",),
    "pck-cert-expired": ("pck-chain",),
    "pck-cert-not-yet-valid": ("pck-chain",),
    "untrusted-root": ("pck-chain", "avr-chain"),
    "signing-cert-expired": ("avr-chain", "tcb-info-signature", "qe-identity-signature"),
    "signing-cert-chain-invalid": ("avr-chain", "tcb-info-signature", "qe-identity-signature"),
    "avr-signature-invalid": ("avr-signature",),
    "signature-missing": ("avr-signature",),
    "quote-status-signature-invalid": ("tcb-status",),
    "malformed": ("quote-format", "avr-format"),
}


@dataclass(frozen=True)
class CaseResult:
    """One case of one vector: what the manifest expects, what casnb found, whether they agree,
    and what else to know.

    `explained` is a case in which casnb differs on purpose; the note says why.
    """

    id: str
    case: str
    expected: str
    got: str
    agree: bool
    note: str = ""
    explained: bool = False

    @property
    def outcome(self) -> str:
        """`agrees`, `explained` or `DIFFERS`."""
        return "agrees" if self.agree else "explained" if self.explained else "DIFFERS"


def at(case: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(case["time"], timezone.utc)


def says(expect: Mapping[str, Any]) -> str:
    """Return what a case expects; raise EvidenceError for a verdict that is none of the three."""
    if expect["verdict"] not in VERDICTS:
        raise EvidenceError(
            "expect.verdict",
            got=expect["verdict"],
            wanted=", ".join(VERDICTS[:2]) + f" or {VERDICTS[2]}",
        )
    status = expect.get("tcb_status") or expect.get("status") or expect.get("reason") or ""
    return f"{expect['verdict']}{': ' if status else ''}{status}"


def refused(
    vector: Any, case: Any, exc: CasnbError | None, wanted: str, note: str = ""
) -> CaseResult:
    """Return the result of a case of which only reading was tried.

    A refusal agrees with an expected refusal alone, and reading with `parse-only` alone: what was
    read is not yet accepted.
    """
    agree = wanted.startswith("reject" if exc else "parse-only")
    return CaseResult(
        vector["id"], case["id"], wanted, f"refused: {exc}" if exc else "read", agree, note
    )


def attempt(action: Callable[[], Any]) -> CasnbError | None:
    try:
        action()
    except EvidenceError as exc:
        return exc
    return None


def judge(vector: Any, case: Any, proof: Proof, seen: Any) -> CaseResult:
    """Compare a proof with a case; `seen` is what the manifest says is in the report body."""
    expect = case["expect"]
    bad = [c.id for c in proof.failures]
    stands = _stands(proof)
    got = f"accept: {proof.status_text}" if stands else f"reject: {', '.join(bad) or 'not proven'}"
    notes: list[str] = []
    if expect["verdict"] == "accept":
        differs = [] if stands else ["verdict"]
        differs += _differences(proof, expect) + identity(proof.report, seen)
        if proof.report is not None and proof.report.debug:
            notes.append(
                "A debug enclave: genuine, and refused by every policy that does not say otherwise."
            )
    else:
        named = expect.get("checks") or REASONS.get(expect.get("reason", ""))
        right = named is None or not set(named).isdisjoint(bad)
        differs = ["verdict"] if stands else [] if right else ["reason"]
        if named is None:
            notes.append("The reason is not one that casnb knows; any refusal counts.")
    if (other := case.get("expect_if_crl_checks_disabled")) is not None:
        differs += _differs_without_lists(proof, other, notes)
    if differs:
        notes.append("Differs in: " + ", ".join(differs) + ".")
    return CaseResult(vector["id"], case["id"], says(expect), got, not differs, " ".join(notes))


def _stands(proof: Proof) -> bool:
    """Whether a manifest's `accept` is meant: genuine, with a status that flags may accept."""
    status = proof.tcb_status
    good = status is not None and (status is TcbStatus.UP_TO_DATE or status.waivable)
    return proof.genuine and good


def _differs_without_lists(proof: Proof, expect: Any, notes: list[str]) -> list[str]:
    past = proof.beyond
    if past is None or _differences(past, expect):
        return ["status without revocation lists"]
    notes.append(
        f"With --accept-unverifiable-pcs-certs the status is {past.status_text}, as the manifest"
        " has it too."
    )
    return []


def _differences(proof: Proof, expect: Mapping[str, Any]) -> list[str]:
    platform, qe = proof.platform_tcb_status, proof.qe_tcb_status
    found = {
        "tcb_status": proof.status_text,
        "status": proof.status_text,
        "tcb_date": proof.tcb_date,
        "platform_tcb_status": platform and platform.dcap_name,
        "qe_tcb_status": qe and qe.dcap_name,
        "debug_enclave": proof.report is not None and proof.report.debug,
    }
    out = [name for name, value in found.items() if name in expect and expect[name] != value]
    if "advisories" in expect and tuple(expect["advisories"] or ()) != proof.advisories:
        out.append("advisories")
    return out


def identity(body: ReportBody | None, seen: Any) -> list[str]:
    if not isinstance(seen, dict):
        return []
    if body is None:
        return ["report"]
    found = {
        "mrenclave": body.mrenclave,
        "mrsigner": body.mrsigner,
        "isvprodid": body.isv_prod_id,
        "isvsvn": body.isv_svn,
        "debug": body.debug,
        "report_data": body.report_data.hex(),
        "cpusvn": body.cpu_svn.hex(),
        "attributes": body.attributes,
        "flags": body.attributes_flags,
        "miscselect": body.misc_select,
    }
    return [name for name, value in found.items() if name in seen and seen[name] != value]
