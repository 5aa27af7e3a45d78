"""Endorsements put together from single answers and files, each in whatever form it came."""

from __future__ import annotations

import base64
import re
from dataclasses import fields

from casnb.base.errors import EvidenceError, neutral
from casnb.evidence.collateral import IntelCertificate, RevocationList
from casnb.evidence.decode import Reading
from casnb.evidence.der import pem_block
from casnb.evidence.holdings import EndorsementsObject
from casnb.evidence.signed_lists import TCB_INFO, SignedList
from casnb.verify.endorsements import Endorsements

#: What endorsements must have to judge a quote that carries its own PCK chain.
REQUIRED = tuple(f.name for f in fields(Endorsements) if f.name != "pck_certificate_chain")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----")
#: Whose chain goes with what, by the end of the common name of its first certificate.
_CHAINS = {
    "SGX TCB Signing": ("tcb_info_issuer_chain", "qe_identity_issuer_chain"),
    "SGX PCK Platform CA": ("pck_crl_issuer_chain",),
    "SGX PCK Processor CA": ("pck_crl_issuer_chain",),
    "SGX PCK Certificate": ("pck_certificate_chain",),
}


class Gathering:
    """Endorsements as they come together; `add` what was read, then `finish`.

    Nothing is verified here: that the pieces fit each other and a quote is for `verify_quote`.
    """

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._loose: dict[str, str] = {}
        self._roots: list[str] = []

    def add(self, reading: Reading, source: str) -> str:
        """Take one piece and return what it was; raise EvidenceError where it is not
        an endorsement, or where another of its kind came before and says something else.
        """
        value: object = reading.value
        if isinstance(value, SignedList):
            self._list(value, source)
        elif isinstance(value, RevocationList):
            root = value.issuer.endswith("SGX Root CA")
            self._put("root_ca_crl" if root else "pck_crl", value.der.hex(), source)
            if not root and value.chain:
                self._put("pck_crl_issuer_chain", value.chain, source)
        elif isinstance(value, IntelCertificate):
            self._certificates(value)
        elif isinstance(value, EndorsementsObject):
            for name, text in Endorsements.from_json(value.members).to_json().items():
                self._put(name, text, source)
        else:
            raise EvidenceError(
                source, got=reading.format, wanted="a piece of endorsements", do=reading.kind.use
            )
        return reading.format

    def _list(self, value: SignedList, source: str) -> None:
        if value.tdx:
            raise EvidenceError(source, got=f"{value.title}: for TDX", wanted="the one for SGX")
        if value.form is not TCB_INFO and value.members.get("id") != "QE":
            raise EvidenceError(source, got=value.title, wanted="the identity of the QE")
        if not value.signature:
            raise EvidenceError(
                source,
                got=f"{value.title} without its signature",
                wanted="the whole answer of the service: list and signature",
            )
        name = "tcb_info" if value.form is TCB_INFO else "qe_identity"
        self._put(name, value.text, source)
        self._put(f"{name}_signature", value.signature, source)
        if value.chain:
            self._put(f"{name}_issuer_chain", value.chain, source)

    def _certificates(self, value: IntelCertificate) -> None:
        """Keep each certificate by what it is for; chains are completed at the end."""
        blocks = _BLOCK.findall(value.chain) if value.chain else []
        pems = [f"{b}\n" for b in blocks] or [
            pem_block("CERTIFICATE", base64.b64encode(value.der)).decode()
        ]
        for pem in pems:
            one = IntelCertificate.from_der(
                base64.b64decode("".join(pem.split("-----")[2].split()))
            )
            if one.subject.endswith("SGX Root CA"):
                self._roots.append(pem)
            else:
                role = next((r for r in _CHAINS if one.subject.endswith(r)), "")
                self._loose.setdefault(role, pem)

    def _put(self, name: str, text: str, source: str) -> None:
        if self._found.setdefault(name, text) != text:
            raise EvidenceError(
                source,
                got=f"a second {name.replace('_', ' ')}, and another one",
                wanted="one of each",
                do="Leave out the file that is not meant.",
            )

    def finish(self) -> Endorsements:
        """Return the endorsements; raise EvidenceError that names what is missing."""
        root = self._roots[0] if self._roots else ""
        for role, names in _CHAINS.items():
            if role not in self._loose or not root:
                continue
            between = ""
            if role == "SGX PCK Certificate":
                between = self._loose.get("SGX PCK Platform CA", "") or self._loose.get(
                    "SGX PCK Processor CA", ""
                )
            for name in names:
                self._found.setdefault(name, self._loose[role] + between + root)
        tcb, qe = "tcb_info_issuer_chain", "qe_identity_issuer_chain"
        for name, other in ((tcb, qe), (qe, tcb)):  # both lists have one signer
            if name not in self._found and other in self._found:
                self._found[name] = self._found[other]
        missing = [n for n in REQUIRED if not self._found.get(n)]
        if missing:
            raise EvidenceError(
                "endorsements",
                got=f"no {neutral(', '.join(missing).replace('_', ' '), 250)}",
                wanted="every part",
                do="Issuer chains come in the headers of an answer: save it with curl -i.",
            )
        return Endorsements(**self._found)
