"""Intel's signed lists, TCB info and QE identity, as they are served. Shown here, never judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, neutral
from casnb.base.strictjson import Member
from casnb.base.view import Shown
from casnb.evidence.collateral import rows_html, rows_text
from casnb.evidence.layout import FieldRow

_PCS = "Intel PCS API v3 and v4"


@dataclass(frozen=True)
class ListForm:
    """One kind of signed list: the member it is served under, its title, and its members."""

    name: str
    title: str
    members: tuple[Member, ...]


TCB_INFO = ListForm(
    "tcbInfo",
    "TCB info",
    (
        Member("id", str, "SGX or TDX; absent in version 2"),
        Member("version", int, "form of this list: 2 (PCS v3) or 3 (PCS v4)", True),
        Member("issueDate", str, "when Intel made it", True),
        Member("nextUpdate", str, "when it is out of date", True),
        Member("fmspc", str, "the platform model that it is about, 6 bytes", True),
        Member("pceId", str, "its provisioning certification enclave, 2 bytes", True),
        Member("tcbType", int, "how levels are compared: 0"),
        Member("tcbEvaluationDataNumber", int, "edition of Intel's lists"),
        Member("tcbLevels", list, "patch levels, each with its status and advisories", True),
    ),
)
QE_IDENTITY = ListForm(
    "enclaveIdentity",
    "QE identity",
    (
        Member("id", str, "which enclave: QE, QVE or TD_QE", True),
        Member("version", int, "form of this list: 2", True),
        Member("issueDate", str, "when Intel made it", True),
        Member("nextUpdate", str, "when it is out of date", True),
        Member("tcbEvaluationDataNumber", int, "edition of Intel's lists"),
        Member("mrsigner", str, "who signed the enclave, 32 bytes", True),
        Member("isvprodid", int, "its product number", True),
        Member("tcbLevels", list, "levels of its version, each with a status", True),
    ),
)


@dataclass(frozen=True)
class SignedList(Shown):
    """TCB info or QE identity. `text` is the list exactly as signed, `signature` hex (r then s),
    `chain` the issuer chain in PEM; the last two are empty where they were not with it.

    Not checked here: the signature, and whether its members mean anything.
    """

    form: ListForm
    text: str = field(repr=False)
    signature: str = field(repr=False)
    chain: str = field(repr=False, default="")
    tdx: bool = False

    @classmethod
    def from_json(cls, data: bytes, form: ListForm, chain: str = "") -> SignedList:
        """Read an answer {name: {...}, "signature": "..."}, or the list alone; raise
        EvidenceError.
        """
        body = strictjson.loads(data, form.title)
        if form.name in body:
            text, signature = split_signed(data, form.name)
            body = body[form.name]
        else:
            text, signature = data.decode("utf-8").strip(), ""
        strictjson.conform(body, form.members, form.title)
        return cls(form, text, signature, chain, body.get("id") in ("TDX", "TD_QE"))

    @cached_property
    def members(self) -> Mapping[str, Any]:
        """The list's members."""
        found: Mapping[str, Any] = strictjson.loads(self.text, self.form.title)
        return found

    @property
    def title(self) -> str:
        """What it is, in words."""
        m = self.members
        version = f"version {m['version']}"
        if self.form is TCB_INFO:
            return f"Intel's TCB info for {m.get('id', 'SGX')}, {version}"
        which = {"QE": "QE identity", "TD_QE": "QE identity for TDX", "QVE": "QvE identity"}
        return f"Intel's {which.get(m['id'], 'enclave identity')}, {version}"

    def fields(self) -> list[FieldRow]:
        """Return one row a member; of the levels their number."""
        meanings = {m.name: m.meaning for m in self.form.members}
        rows = []
        for name, value in self.members.items():
            shown = (
                f"{len(value)} levels"
                if name == "tcbLevels"
                else value
                if isinstance(value, str)
                else strictjson.compact(value).decode()
            )
            rows.append(FieldRow(name, 0, 0, shown, meanings.get(name, "part of the list"), _PCS))
        about = "over the text as received; not checked here" if self.signature else "not with it"
        rows.append(FieldRow("signature", 0, 0, self.signature or "none", about, _PCS))
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return the members, the signature, and the issuer chain where one came with it."""
        return {
            "type": "tcb-info" if self.form is TCB_INFO else "qe-identity",
            "list": dict(self.members),
            "signature": self.signature,
            "issuer_chain": self.chain,
        }

    def __repr__(self) -> str:
        return f"<SignedList {neutral(self.title, 80)}>"

    def __str__(self) -> str:
        return rows_text(self.fields())

    def _html(self) -> str:
        return rows_html(self.fields(), self.title)


def split_signed(data: bytes, name: str) -> tuple[str, str]:
    """Return the exact signed text and the signature (hex) out of what Intel's service answers:
    {name: {...}, "signature": "..."}.

    Raises EvidenceError for anything else. The text is cut out, never printed again, because the
    signature covers its bytes.
    """
    body = strictjson.loads(data, name)
    strictjson.member(body, name, dict, "signed list")
    signature = strictjson.member(body, "signature", str, "signed list")
    text = data.decode("utf-8")
    start = re.match(r'\s*\{\s*"' + re.escape(name) + r'"\s*:\s*', text)
    if start is None or len(body) != 2:
        raise EvidenceError(
            "signed list", got="other members", wanted=f"{name} first, then its signature"
        )
    _, end = json.JSONDecoder().raw_decode(text, start.end())
    return text[start.end() : end], signature
