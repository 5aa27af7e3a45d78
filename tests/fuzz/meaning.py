"""What signed evidence says, read without casnb's readers where that can be: two inputs of one
meaning may have one verdict.

What carries no meaning is left out: PEM's line ends and the text around its blocks, the order of
certificates, whether a root comes along, hex in upper or lower case, and which of the two
signatures (r, s) and (r, n - s) stands there. Nothing else may differ between an input that is
accepted and the one it was made from.
"""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fuzz.mutators import ORDER

from casnb.evidence.avr import SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.evidence.ratls import RaTlsCertificate

Meaning = tuple[Any, ...]
_BLOCK = re.compile(rb"-----BEGIN (?:CERTIFICATE|X509 CRL)-----(.*?)-----END", re.DOTALL)


def signature(r: int, s: int) -> tuple[int, int]:
    return r, min(s, ORDER - s)


def _raw(data: bytes) -> tuple[int, int]:
    return signature(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"))


def _of(value: bytes) -> object:
    """An ECDSA signature with its twin, any other as it is."""
    try:
        return signature(*decode_dss_signature(value))
    except ValueError:
        return value


@lru_cache(maxsize=256)
def certificate(der: bytes) -> Meaning | None:
    """Signed part and signature; None for a root, which counts because it is pinned and not
    because it is shown.
    """
    read = x509.load_der_x509_certificate(der)
    return (
        None if read.issuer == read.subject else (read.tbs_certificate_bytes, _of(read.signature))
    )


def certificates(pem: bytes) -> tuple[Any, ...]:
    ders = [base64.b64decode(re.sub(rb"\s", b"", block)) for block in _BLOCK.findall(pem)]
    return tuple(sorted(filter(None, map(certificate, ders)), key=lambda found: found[0]))


def quote(raw: bytes) -> Meaning:
    """A DCAP quote: signed bytes, key, quoting enclave's report, authentication data,
    certificates.
    """
    end = 1014 + int.from_bytes(raw[1012:1014], "little")
    chain = raw[end + 6 :]
    return (
        raw[:432],
        _raw(raw[436:500]),
        raw[500:948],
        _raw(raw[948:1012]),
        raw[1014:end],
        raw[end : end + 2],
        certificates(chain) if raw[end] == 5 else chain,
    )


def avr(report: SignedAvr) -> Meaning:
    return report.body, report.signature, certificates(report.chain_pem)


def revocation_list(text: str) -> Meaning:
    block = _BLOCK.search(text.encode())
    crl = x509.load_der_x509_crl(
        base64.b64decode(re.sub(rb"\s", b"", block[1])) if block else bytes.fromhex(text)
    )
    return crl.tbs_certlist_bytes, _of(crl.signature)


def lists(texts: dict[str, str]) -> Meaning:
    """Endorsements of a quote that brings its own chain; the issuer chain of the platforms' list
    is a hint and no more.
    """
    return (
        *(
            (
                texts[n],
                _raw(bytes.fromhex(texts[f"{n}_signature"])),
                certificates(texts[f"{n}_issuer_chain"].encode()),
            )
            for n in ("tcb_info", "qe_identity")
        ),
        revocation_list(texts["root_ca_crl"]),
        revocation_list(texts["pck_crl"]),
    )


def evidence(value: Any, own: bool = True) -> Meaning:
    """A value that `casnb verify` can judge; `own`: by the endorsements that it brings along, if
    any.
    """
    if isinstance(value, Quote):
        return ("quote", *quote(value.to_bytes()))
    if isinstance(value, SignedAvr):
        return ("avr", *avr(value))
    if isinstance(value, RaTlsCertificate):
        return ("ra-tls", value.key.spki, value.binding.bound, evidence(value.evidence))
    if isinstance(value, CasReport):
        proof = value.proof_data
        if value.proof_type == "DCAPQuote":
            texts = {name: text or "" for name, text in proof["endorsements"].items()}
            inner: Meaning = (quote(base64.b64decode(proof["quote"])), lists(texts) if own else ())
        else:
            inner = avr(
                SignedAvr(
                    proof["body"].encode(),
                    base64.b64decode(proof["report_signature"]),
                    proof["signing_certificate"].encode(),
                )
            )
        return (
            "report",
            inner,
            json.dumps(value.additional_data, separators=(",", ":"), ensure_ascii=False),
        )
    return ("unsigned", repr(value))


def reached(levels: list[dict[str, Any]], platform: tuple[int, ...], pce_svn: int) -> str | None:
    """Status of the highest level that a platform reaches, by Intel's words and nothing else."""
    found = [
        (
            [c["svn"] for c in level["tcb"]["sgxtcbcomponents"]],
            level["tcb"]["pcesvn"],
            level["tcbStatus"],
        )
        for level in levels
    ]
    able = [
        row
        for row in found
        if row[1] <= pce_svn and all(a >= b for a, b in zip(platform, row[0], strict=True))
    ]
    return max(able, key=lambda row: row[:2])[2] if able else None
