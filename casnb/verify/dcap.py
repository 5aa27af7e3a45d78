"""The DCAP path: from Intel's pinned root down to the bytes of a quote, and across to Intel's
lists.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from casnb.base.errors import EvidenceError, VerificationError
from casnb.checks.result import failed
from casnb.evidence.pck import PckExtension
from casnb.evidence.quote import SIGNED_SIZE, Quote
from casnb.evidence.report import REPORT_BODY
from casnb.verify.certificate import Certificate
from casnb.verify.endorsements import (
    Endorsements,
    QeIdentity,
    TcbInfo,
    VerifiedEndorsements,
    verify_endorsements,
)
from casnb.verify.lists import QeLevel
from casnb.verify.p256 import p256_key, verify_p256
from casnb.verify.pki import PckChain, TrustAnchors, pck_order, require_pck_authority
from casnb.verify.proof import (
    Proof,
    Steps,
    require_initialised,
    require_unreserved,
    status_check,
    sure,
    utc,
)
from casnb.verify.revocation import check_revocation
from casnb.verify.signatures import require_signed_by
from casnb.verify.tcb import TcbLevel, TcbStatus, converge, match_level

INTEL_QE_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
_INIT, _DEBUG = 1, 2
#: Intel's quoting enclave puts in 32 bytes; Intel's sample of a quote has none.
_AUTH_SIZES = (0, 32)
#: PCK chains that one set of endorsements remembers; each text has at most 64 KiB.
_CHAINS = 64


@dataclass(frozen=True)
class _Status:
    """What the lists say of platform and quoting enclave; `tcb_status` is None where one of them
    reaches no level, and then only the edition is known.
    """

    evaluation_number: int | None = None
    tcb_status: TcbStatus | None = None
    level: TcbLevel | None = None
    qe_level: QeLevel | None = None
    advisories: tuple[str, ...] = ()
    unlisted: str = ""


_Nothing = tuple[None, str, str]


def verify_quote(
    quote: Quote | bytes,
    endorsements: Endorsements | VerifiedEndorsements,
    *,
    roots: TrustAnchors,
    now: datetime,
) -> Proof:
    """Check a DCAP quote with Intel's lists under the pinned `roots` at `now`; never raises for
    bad evidence.

    The checks say what is wrong; one that an earlier failure made impossible is NOT_RUN and
    names it. Give VerifiedEndorsements to check many quotes: their signatures, and those of a
    PCK chain that was seen with them, are not checked again; dates and revocation are. Both
    revocation lists are needed. TCB matching uses the PCK certificate's components, never the
    report's CPUSVN. Not checked: debug mode, identity and report data (policy), and keys that
    leaked without being revoked. Raises UsageError for a `now` without a zone.
    """
    now = utc(now)
    if isinstance(endorsements, Endorsements):
        lists = verify_endorsements(endorsements, roots=roots, now=now)
    elif endorsements.roots is roots or endorsements.roots == roots:
        lists = endorsements
    else:
        lists = verify_endorsements(endorsements.source, roots=roots, now=now)
    raw = quote.whole if isinstance(quote, Quote) else bytes(quote)
    steps = Steps()
    q = steps.run(
        "quote-format",
        lambda: _format(quote if isinstance(quote, Quote) else Quote.from_bytes(raw)),
    )
    # Pinned root signs authority, authority signs PCK certificate, which names the platform.
    chain = steps.run("pck-chain", lambda: _chain(sure(q), lists, now), "quote-format")
    # Root and authority sign the lists of what they have taken back.
    steps.run("pck-revocation", lambda: check_revocation(sure(chain), lists, now), "pck-chain")
    # Pinned root signs TCB signer, TCB signer signs TCB info and QE identity.
    lists.run(steps, now)
    info, identity = lists.tcb_info.value, lists.qe_identity.value
    # TCB info speaks of the model that the PCK certificate names.
    steps.run(
        "fmspc-match",
        lambda: _model(sure(info), sure(chain).platform),
        "pck-chain",
        "tcb-info-signature",
    )
    # PCK key signs the quoting enclave's report.
    steps.run(
        "qe-report-signature", lambda: _qe_signature(sure(q), raw, sure(chain).leaf), "pck-chain"
    )
    # The quoting enclave's report names the attestation key.
    steps.run("qe-report-binding", lambda: _binding(sure(q)), "quote-format")
    # The quoting enclave is the one that QE identity describes.
    steps.run(
        "qe-identity",
        lambda: _qe_identity(sure(q), sure(identity)),
        "qe-identity-signature",
        "qe-report-signature",
    )
    # Attestation key signs the quote.
    steps.run("quote-signature", lambda: _signature(sure(q), raw[:SIGNED_SIZE]), "quote-format")

    def proof(steps: Steps, beyond: Proof | None = None) -> Proof:
        found = _Status()
        # Platform and quoting enclave reach their levels on lists that fit and are current.
        if steps.reached(
            "tcb-status",
            "pck-chain",
            "pck-revocation",
            "tcb-info-signature",
            "tcb-info-current",
            "qe-identity-signature",
            "qe-identity-current",
            "fmspc-match",
            "qe-identity",
        ):
            found = _status(sure(q), sure(info), sure(identity), sure(chain).platform, steps)
        return Proof(
            "dcap",
            steps.checks(),
            now,
            report=None if q is None else q.body,
            platform=None if chain is None else chain.platform,
            evidence_sha256=hashlib.sha256(raw).hexdigest(),
            simulated=lists.roots.simulated,
            beyond=beyond,
            tcb_status=found.tcb_status,
            status_text=found.tcb_status.dcap_name if found.tcb_status else "",
            platform_tcb_status=found.level.status if found.level else None,
            qe_tcb_status=found.qe_level.status if found.qe_level else None,
            tcb_date=found.level.date if found.level else "",
            qe_tcb_date=found.qe_level.date if found.qe_level else "",
            advisories=found.advisories,
            evaluation_number=found.evaluation_number,
            unlisted=found.unlisted,
        )

    past = steps.past("pck-revocation")
    return proof(steps, proof(past) if past is not None else None)


def _format(q: Quote) -> tuple[Quote, str, str]:
    if q.att_key_type != 2:
        raise EvidenceError(
            "quote: attestation key type", got=q.att_key_type, wanted="2 (ECDSA on P-256)"
        )
    if q.qe_vendor_id != INTEL_QE_VENDOR:
        raise EvidenceError(
            "quote: QE vendor", got=q.qe_vendor_id.hex(), wanted=f"{INTEL_QE_VENDOR.hex()} (Intel)"
        )
    if len(q.auth_data) not in _AUTH_SIZES:
        raise EvidenceError(
            "quote: authentication data", got=f"{len(q.auth_data)} bytes", wanted="32, or none"
        )
    require_initialised(q.body)
    require_unreserved(q.qe_report, "QE report")
    return q, f"quote version {q.version}, ECDSA on P-256, for SGX", ""


def _chain(q: Quote, lists: VerifiedEndorsements, now: datetime) -> tuple[PckChain, str, str]:
    """The chain in the quote; where the quote names its key otherwise (types 1 to 4), the one
    among the endorsements.
    """
    if q.certification_type == 5:
        pem = q.pck_chain_pem
    else:
        pem = lists.source.pck_certificate_chain.encode("utf-8", "replace")
    chain = lists.chains.get(pem)
    if chain is None:
        chain = _signed_chain(pem, lists)
        if len(lists.chains) >= _CHAINS:
            lists.chains.clear()
        lists.chains[pem] = chain
    chain.require_valid_at(now)
    return (
        chain,
        f"{chain.leaf.name}, {chain.authority.name}, {chain.root.name}",
        f"ends in the {lists.roots.label} root",
    )


def _signed_chain(pem: bytes, lists: VerifiedEndorsements) -> PckChain:
    """Check the signatures from the pinned root down to the PCK certificate: for the same text
    under the same roots they hold at any time.
    """
    leaf, ca, root = pck_order(pem, lists.roots)
    # The authority that issued the revocation list was checked with it, to the last byte the same.
    if lists.pck_ca is None or lists.pck_ca.der != ca.der:
        require_pck_authority(ca, root, lists.roots)
    require_signed_by(leaf, ca, f"certificate {leaf.name}")
    return PckChain(leaf, ca, root, PckExtension.from_certificate(leaf))


def _model(info: TcbInfo, platform: PckExtension) -> _Nothing:
    if info.id != "SGX" or info.tcb_type != 0:
        raise VerificationError(
            "TCB info", got=f"id {info.id}, tcbType {info.tcb_type}", wanted="id SGX, tcbType 0"
        )
    got, wanted = info.fmspc + info.pce_id, platform.fmspc + platform.pce_id
    if got != wanted:
        raise VerificationError(
            "TCB info: FMSPC and PCEID",
            got=got.hex(),
            wanted=f"{wanted.hex()}, as in the PCK certificate",
        )
    return None, f"FMSPC {platform.fmspc.hex()}, PCEID {platform.pce_id.hex()}", ""


def _qe_signature(q: Quote, raw: bytes, leaf: Certificate) -> _Nothing:
    signed = raw[q.qe_report_at : q.qe_report_at + REPORT_BODY.size]
    if not verify_p256(leaf.key, q.qe_report_signature, signed):
        raise VerificationError(
            "QE report: signature", got="one that does not fit", wanted="the PCK key's"
        )
    return None, "ECDSA over 384 bytes", "the PCK key's signature"


def _binding(q: Quote) -> _Nothing:
    wanted = hashlib.sha256(q.attestation_key + q.auth_data).digest() + bytes(32)
    if q.qe_report.report_data != wanted:
        raise VerificationError(
            "QE report: report data",
            got=q.qe_report.report_data.hex(),
            wanted=wanted.hex(),
            do="SHA-256 of attestation key and authentication data, then 32 zero bytes.",
        )
    return None, wanted[:32].hex(), "SHA-256 of attestation key and authentication data"


def _qe_identity(q: Quote, identity: QeIdentity) -> _Nothing:
    report = q.qe_report
    if identity.id != "QE":
        raise VerificationError("QE identity: id", got=identity.id, wanted="QE (the one for SGX)")
    # The mask says which bits Intel fixes. DEBUG and INIT are compared whatever it says: the host
    # of a quoting enclave in debug mode reads the attestation key out of it.
    mask = int.from_bytes(identity.attributes_mask, "little")
    attributes = report.attributes_flags | report.attributes_xfrm << 64
    misc_mask = int.from_bytes(identity.misc_select_mask, "little")
    rows: tuple[tuple[str, object, object], ...] = (
        ("MRSIGNER", report.mrsigner, identity.mr_signer.hex()),
        ("ISVPRODID", report.isv_prod_id, identity.isv_prod_id),
        (
            "MISCSELECT",
            report.misc_select & misc_mask,
            int.from_bytes(identity.misc_select, "little"),
        ),
        ("ATTRIBUTES", attributes & mask, int.from_bytes(identity.attributes, "little")),
        ("DEBUG", attributes & ~mask & _DEBUG, 0),
        ("INIT", attributes & _INIT or mask & _INIT, _INIT),
    )
    for name, got, wanted in rows:
        if got != wanted:
            raise VerificationError(
                f"quoting enclave: {name}", got=got, wanted=f"{wanted}, as Intel's identity says"
            )
    got = (
        f"MRSIGNER {report.mrsigner[:12]}..., ISVPRODID {report.isv_prod_id}, ISVSVN"
        f" {report.isv_svn}"
    )
    return None, got, "as Intel's identity says"


def _signature(q: Quote, signed: bytes) -> _Nothing:
    if not verify_p256(p256_key(q.attestation_key), q.signature, signed):
        raise VerificationError(
            "quote: signature", got="one that does not fit", wanted="the attestation key's"
        )
    return None, f"ECDSA over {len(signed)} bytes", "the attestation key's, over header and report"


def _status(
    q: Quote, info: TcbInfo, identity: QeIdentity, platform: PckExtension, steps: Steps
) -> _Status:
    """Match platform and quoting enclave to their levels, merge both, and note the check."""
    level = match_level(info.levels, platform.components, platform.pce_svn)
    qe = identity.level(q.qe_report.isv_svn)
    # The older of the two: a hole that it does not know yet can be in what it judged.
    edition = min(info.evaluation_number, identity.evaluation_number)
    if level is None or qe is None:
        which = (
            "this platform"
            if level is None
            else f"a quoting enclave of ISVSVN {q.qe_report.isv_svn}"
        )
        steps.add(
            failed(
                "tcb-status",
                f"no level for {which}",
                TcbStatus.UP_TO_DATE.dcap_name,
                "no flag accepts this",
            )
        )
        return _Status(edition)
    status = converge(level.status, qe.status)
    steps.add(status_check(status, status.dcap_name, TcbStatus.UP_TO_DATE.dcap_name))
    return _Status(
        edition,
        status,
        level,
        qe,
        tuple(dict.fromkeys(level.advisories + qe.advisories)),
        "TCB info of version 2 lists none"
        if info.version == 2 and not any(row.advisories for row in info.levels)
        else "",
    )
