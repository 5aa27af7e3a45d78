"""A manifest of vectors: run every case of one, and say where our verdict and the expected one
agree.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, own_file
from casnb.checks.result import CheckStatus, failed
from casnb.cli.many.cases import REASONS, CaseResult, at, attempt, identity, judge, refused, says
from casnb.evidence.avr import Avr, SignedAvr
from casnb.evidence.decode import decode, read_file
from casnb.evidence.ledger import Ledger
from casnb.evidence.pck import PckExtension
from casnb.evidence.quote import Quote
from casnb.evidence.ratls import RaTlsCertificate
from casnb.evidence.report import ReportBody
from casnb.evidence.signed_lists import split_signed
from casnb.evidence.sigstruct import SigStruct
from casnb.verify.dcap import verify_quote
from casnb.verify.dispatch import verify
from casnb.verify.endorsements import Endorsements, verify_endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.lists import QeIdentity, TcbInfo
from casnb.verify.pki import TrustAnchors, intel_roots
from casnb.verify.tcb import match_level

_LIMIT = 16 << 20


def run_manifest(path: str | Path) -> list[CaseResult]:
    """Run every case of a manifest; files are read beside it and held to the SHA-256 it gives
    for them.

    Raises SourceError where the manifest cannot be read, or is none. A vector that cannot be
    read is a case that disagrees. Judged at the times that the manifest gives, never at the
    present one.
    """
    folder = Path(path).parent
    with own_file(str(path)):
        found = strictjson.loads(read_file(path, _LIMIT), "manifest", limit=_LIMIT)
        vectors = strictjson.member(found, "vectors", list, "manifest")
        names = [
            str(strictjson.member(vector, "id", str, "manifest: vector")) for vector in vectors
        ]
    out: list[CaseResult] = []
    for name, vector in zip(names, vectors, strict=True):
        try:
            kind = strictjson.member(vector, "format", str, name)
            run = next((run for start, run in _RUNNERS.items() if kind.startswith(start)), None)
            if run is None:
                raise EvidenceError(
                    f"{name}.format", got=kind, wanted="one of " + ", ".join(_RUNNERS)
                )
            results = run(vector, _files(folder, vector))
            out += results or [CaseResult(name, "all", "a case or more", "none", False)]
        except KeyError as exc:
            told = f"no member or file {exc.args[0]!r}, which {kind} needs"
            out.append(CaseResult(name, "all", "a vector that can be read", told, False))
        except CasnbError as exc:
            out.append(CaseResult(name, "all", "a vector that can be read", str(exc), False))
        except (TypeError, AttributeError, ValueError, IndexError, OverflowError) as exc:
            told = f"a member of the wrong type or form ({type(exc).__name__}: {exc})"
            out.append(CaseResult(name, "all", "a vector that can be read", told, False))
    return out


def _files(folder: Path, vector: Any) -> dict[str, bytes]:
    found = {}
    for role, row in strictjson.member(vector, "files", dict, "vector").items():
        name = PurePosixPath(strictjson.member(row, "file", str, "vector.files"))
        if name.is_absolute() or ".." in name.parts:
            raise EvidenceError(
                "vector.files", got=str(name), wanted="a file below the manifest's folder"
            )
        data = read_file(folder / name)
        if hashlib.sha256(data).hexdigest() != row.get("sha256"):
            raise EvidenceError(
                str(name), got="other bytes", wanted="the SHA-256 that the manifest gives"
            )
        found[role] = data
    return found


def _dcap(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    out = []
    seen = vector.get("quote", {}).get("report")
    own = _roots(files)
    for case in vector["cases"]:
        if case["expect"]["verdict"] == "parse-only":
            out.append(_parsed(vector, case, lambda: Quote.from_bytes(files["quote"]).body, seen))
            continue
        lists = Endorsements.from_json(files["collateral"])
        roots = intel_roots() if case.get("root") == "intel" else own
        out.append(
            judge(
                vector, case, verify_quote(files["quote"], lists, roots=roots, now=at(case)), seen
            )
        )
    if "evidence_with_trailing" in files:
        exc = attempt(lambda: Quote.from_bytes(files["evidence_with_trailing"]))
        out.append(
            refused(
                vector,
                {"id": "evidence-with-trailing"},
                exc,
                "reject: trailing bytes",
                "Bytes after a quote are refused; what they mean is for whoever put them there.",
            )
        )
    return out


def _parsed(vector: Any, case: Any, action: Callable[[], ReportBody], seen: Any) -> CaseResult:
    try:
        differs = identity(action(), seen)
    except EvidenceError as exc:
        return CaseResult(vector["id"], case["id"], "parse-only", f"refused: {exc}", False)
    return CaseResult(
        vector["id"], case["id"], "parse-only", "read", not differs, ", ".join(differs)
    )


def _other_quotes(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    note = (
        "casnb reads quotes of version 3, for SGX, and refuses others by name: what is not read"
        " cannot be misread."
    )
    exc = attempt(lambda: Quote.from_bytes(files["quote"]))
    out = []
    for case in vector["cases"]:
        result = refused(vector, case, exc, says(case["expect"]), note)
        only_read = case["expect"]["verdict"] == "parse-only"
        out.append(replace(result, explained=exc is not None and only_read))
    return out


def _avr(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    try:
        signature = base64.b64decode(
            b"".join(files.get("signature_b64", b"").split()), validate=True
        )
    except binascii.Error:
        signature = b""
    report = SignedAvr(files["body"], signature, files.get("chain", b""))
    out = []
    for case in vector["cases"]:
        if case["expect"]["verdict"] == "parse-only":
            parsed = Avr.from_json(files["body"])
            wanted = case["expect"]
            same = (wanted.get("status", parsed.status), tuple(wanted.get("advisories") or ())) == (
                parsed.status,
                parsed.advisory_ids or (),
            )
            out.append(
                CaseResult(vector["id"], case["id"], says(wanted), f"read: {parsed.status}", same)
            )
            continue
        now = at(case) if "time" in case else report.avr.timestamp
        out.append(
            judge(
                vector, case, verify_avr(report, roots=_roots(files), now=now), vector.get("parsed")
            )
        )
    return out


def _embedded(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    note = (
        "casnb takes evidence out of certificates in the forms it lists, and this is none of them."
        " The report inside is genuine, of version 2, which casnb reads; what the vector's source"
        " refuses is that version."
    )
    exc = attempt(lambda: decode(files["cert"]))
    return [refused(vector, case, exc, says(case["expect"]), note) for case in vector["cases"]]


def _sigstruct(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    expect = vector["expect"]
    s = SigStruct.from_bytes(files["sigstruct"])
    valid, q1, q2 = s.verify()
    found = {
        "signature_valid": valid,
        "q1_ok": q1,
        "q2_ok": q2,
        "enclavehash": s.enclave_hash,
        "mrsigner": s.mrsigner,
        "isvprodid": s.isv_prod_id,
        "isvsvn": s.isv_svn,
    }
    if "sgxs" in files:
        measured = Ledger.from_bytes(files["sgxs"]).mrenclave
        found |= {
            "mrenclave_of_sgxs": measured,
            "mrenclave_matches_enclavehash": measured == s.enclave_hash,
        }
    differs = [name for name, value in found.items() if name in expect and expect[name] != value]
    got = (
        "signature holds, Q1 and Q2 fit"
        if all((valid, q1, q2))
        else f"signature {valid}, Q1 {q1}, Q2 {q2}"
    )
    return [
        CaseResult(
            vector["id"],
            "sigstruct",
            "fields and signature as listed",
            got,
            not differs,
            ", ".join(differs),
        )
    ]


def _qe_identity(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    """A QE identity as served: its signature and dates, and the level of the case's ISVSVN."""
    text, signature = split_signed(files["pcs_body"], "enclaveIdentity")
    lists = Endorsements(
        qe_identity=text,
        qe_identity_signature=signature,
        qe_identity_issuer_chain=files["issuer_chain"].decode("ascii", "replace"),
    )
    roots = _roots(files)
    out = []
    for case in vector["cases"]:
        verified = verify_endorsements(lists, roots=roots, now=at(case))
        bad = [
            c.id
            for c in verified.checks
            if c.id.startswith("qe-identity") and c.status is not CheckStatus.PASSED
        ]
        level = None if bad else QeIdentity.from_json(text).level(case["isvsvn"])
        got = (
            "reject: " + ", ".join(bad)
            if bad
            else f"accept: {level.status.dcap_name}"
            if level
            else "reject: no level"
        )
        out.append(_compared(vector, case, got, bad))
    return out


def _compared(vector: Any, case: Any, got: str, bad: list[str]) -> CaseResult:
    """Compare a verdict in words with a case; of a refusal the named check must be among `bad`."""
    wanted = says(case["expect"])
    named = REASONS.get(case["expect"].get("reason", ""))
    refused_so = got.startswith("reject") and (named is None or bool(set(named) & set(bad)))
    agree = refused_so if case["expect"]["verdict"] == "reject" else got == wanted
    return CaseResult(vector["id"], case["id"], wanted, got, agree)


def _ra_tls(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    """A certificate with evidence: the evidence is judged, and it must name the certificate's
    key.
    """
    seen, roots = vector.get("quote", {}).get("report"), _roots(files)
    out = []
    for case in vector["cases"]:
        try:
            found = decode(files["cert"])
        except EvidenceError as exc:
            out.append(refused(vector, case, exc, says(case["expect"])))
            continue
        if not isinstance(found, RaTlsCertificate):
            raise EvidenceError("cert", got=type(found).__name__, wanted="an RA-TLS certificate")
        if case["expect"]["verdict"] == "parse-only":
            out.append(refused(vector, case, None, says(case["expect"])))
            continue
        lists = Endorsements.from_json(files["collateral"]) if "collateral" in files else None
        proof = verify(found.evidence, endorsements=lists, roots=roots, now=at(case))
        binding = found.binding
        if not binding.bound:
            row = failed("certificate-binding", binding.got, binding.wanted, binding.why)
            proof = replace(proof, checks=(*proof.checks, row))
        out.append(judge(vector, case, proof, seen))
    return out


def _sgxs(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    """A measured stream: what its records hash to."""
    exc = attempt(lambda: Ledger.from_bytes(files["sgxs"]))
    out = []
    for case in vector["cases"]:
        wanted = says(case["expect"])
        if exc is not None or case["expect"]["verdict"] != "accept":
            out.append(refused(vector, case, exc, wanted))
            continue
        got = Ledger.from_bytes(files["sgxs"]).mrenclave
        want = case["expect"]["mrenclave"]
        out.append(
            CaseResult(vector["id"], case["id"], f"accept: {want}", f"accept: {got}", got == want)
        )
    return out


def _roots(files: dict[str, bytes]) -> TrustAnchors:
    """Return the roots that the vector brings, or Intel's."""
    if "root_ca" in files:
        return TrustAnchors.from_pem(files["root_ca"], label="vector's own")
    return intel_roots()


def _tcb_info(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    text, signature = split_signed(files["pcs_body"], "tcbInfo")
    lists = Endorsements(
        tcb_info=text,
        tcb_info_signature=signature,
        tcb_info_issuer_chain=files["issuer_chain"].decode("ascii"),
    )
    out = []
    for case in vector["cases"]:
        checks = verify_endorsements(lists, roots=intel_roots(), now=at(case)).checks[:2]
        level = match_level(
            TcbInfo.from_json(text).levels, case["cpusvn_components"], case["pcesvn"]
        )
        bad = [c.id for c in checks if c.status.value != "passed"]
        got = (
            "reject: " + ", ".join(bad)
            if bad
            else f"accept: {level.status.dcap_name if level else 'no level'}"
        )
        out.append(
            CaseResult(
                vector["id"], case["id"], says(case["expect"]), got, got == says(case["expect"])
            )
        )
    return out


def _pck(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
    found = PckExtension.from_der(files["der"])
    got = {
        "pceid": found.pce_id.hex(),
        "pcesvn": found.pce_svn,
        "compsvn0": found.components[0],
        "fmspc": found.fmspc.hex(),
    }
    return [
        CaseResult(
            vector["id"],
            case["id"],
            says(case["expect"]),
            f"read: {got}",
            all(case["expect"][n] == v for n, v in got.items() if n in case["expect"]),
        )
        for case in vector["cases"]
    ]


def _malformed(
    name: str, reader: type[TcbInfo] | type[QeIdentity]
) -> Callable[[Any, dict[str, bytes]], list[CaseResult]]:
    def run(vector: Any, files: dict[str, bytes]) -> list[CaseResult]:
        exc = attempt(lambda: reader.from_json(split_signed(files["json"], name)[0]))
        return [refused(vector, case, exc, says(case["expect"])) for case in vector["cases"]]

    return run


_RUNNERS: Mapping[str, Callable[[Any, dict[str, bytes]], list[CaseResult]]] = {
    "dcap-quote-v3": _dcap,
    "dcap-quote": _other_quotes,
    "ias-avr": _avr,
    "ias-embedded-cert": _embedded,
    "sigstruct": _sigstruct,
    "tcb-info-json-malformed": _malformed("tcbInfo", TcbInfo),
    "tcb-info": _tcb_info,
    "qe-identity-json-malformed": _malformed("enclaveIdentity", QeIdentity),
    "qe-identity-v2": _qe_identity,
    "ra-tls-cert": _ra_tls,
    "sgxs-stream": _sgxs,
    "pck-sgx-extension-der": _pck,
}
