"""One attested CAS as it stands in the trust file: what is ours in the member `casnb`, the rest
is the SCONE CLI's.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, PolicyError, UsageError, neutral
from casnb.base.times import stamp
from casnb.cas.attest import AttestedCas, Waiver
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import is_loopback, parse_address

#: Members of an entry that a new attestation replaces; others are kept.
OURS = ("url", "chain", "ias_report", "casnb")
_AVR_MEMBERS = (
    "request_id",
    "report_signature",
    "signing_certificate",
    "advisory_url",
    "advisory_ids",
    "body",
)


def members(attested: AttestedCas) -> dict[str, Any]:
    """What an attested CAS becomes in the file; the member `casnb` is ours, the others are the
    SCONE CLI's.
    """
    entry: dict[str, Any] = {"url": attested.url, "chain": attested.chain.to_pem().decode()}
    if attested.proof_type == "IASReport" and attested.proof_data:
        entry["ias_report"] = {name: attested.proof_data.get(name) for name in _AVR_MEMBERS}
    if attested.waivers is not None:
        entry["casnb"] = {
            "waivers": [{"check": w.check, "flag": w.flag} for w in attested.waivers],
            "evidence_sha256": attested.evidence_sha256,
            "not_asked": None if attested.not_asked is None else list(attested.not_asked),
            "attested_at": _written(attested.attested_at),
            "judged_at": _written(attested.judged_at),
            "simulated": attested.simulated,
            "proof_type": attested.proof_type,
            "mrenclave": attested.mrenclave,
            "roots": attested.roots,
        }
    return entry


def read_entry(name: str, entry: Any, what: str) -> AttestedCas:
    """Return the pin that an entry stands for; EvidenceError where it is damaged."""
    url = strictjson.member(entry, "url", str, what)
    chain = CasChain.from_pem(strictjson.member(entry, "chain", str, what))
    try:
        _, host, port, url = parse_address(url)
    except UsageError as exc:
        raise EvidenceError(f"{what}.url", got=exc.got, wanted="https://HOST:PORT/") from None
    report = entry.get("ias_report")
    data = {"type": "IASReport", **report} if isinstance(report, dict) else {}
    ours = entry.get("casnb")
    if ours is None:
        return AttestedCas._reloaded(
            name=name,
            url=url,
            host=host,
            port=port,
            chain=chain,
            waivers=None,
            evidence_sha256="",
            attested_at=None,
            proof_type="IASReport" if data else "",
            proof_data=data,
        )
    texts = {
        n: neutral(strictjson.member(ours, n, str, f"{what}.casnb"), 80)
        for n in ("evidence_sha256", "proof_type", "mrenclave", "roots")
    }
    waivers = tuple(
        Waiver(
            *(
                neutral(strictjson.member(w, n, str, f"{what}.casnb.waivers"), 80)
                for n in ("check", "flag")
            )
        )
        for w in strictjson.member(ours, "waivers", list, f"{what}.casnb")
    )
    left = strictjson.member(
        {"not_asked": None, **ours}, "not_asked", (list, type(None)), f"{what}.casnb"
    )
    times = {n: _read_time(ours.get(n), f"{what}.casnb.{n}") for n in ("attested_at", "judged_at")}
    return AttestedCas._reloaded(
        name=name,
        url=url,
        host=host,
        port=port,
        chain=chain,
        waivers=waivers,
        proof_data=data,
        not_asked=None if left is None else tuple(neutral(i, 40) for i in left[:40]),
        simulated=is_simulated(entry),
        **times,
        **texts,
    )


def _written(time: datetime | None) -> str | None:
    return stamp(time) if time else None


def _read_time(text: Any, what: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except (ValueError, TypeError):
        raise EvidenceError(what, got=text, wanted="YYYY-MM-DDThh:mm:ssZ") from None


def require_here(pin: AttestedCas) -> None:
    """Raise PolicyError for a simulated CAS anywhere but on this machine: anybody can make its
    evidence, and its pin must not stand in for a real one's.
    """
    try:
        here = is_loopback(pin.host) and parse_address(pin.name)[1] == pin.host
    except UsageError:
        here = False
    if not here:
        raise PolicyError(
            f"CAS {pin.name}",
            got="a pin of a simulated CAS",
            wanted="one under Intel's roots",
            do="Simulated CASes are kept for loopback addresses alone. Attest it under Intel's.",
        )


def is_simulated(entry: Any) -> bool:
    """Whether an entry of the file is of a simulated CAS; one of another program's is not."""
    ours = entry.get("casnb") if isinstance(entry, dict) else None
    if not isinstance(ours, dict):
        return False
    said = ours.get("simulated")
    return said if isinstance(said, bool) else ours.get("roots") != "Intel"
