"""The attestation verification report (AVR) of Intel's attestation service: a JSON body, and the
signature over its bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, neutral
from casnb.base.strictjson import Member
from casnb.base.times import stamp
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import FieldRow
from casnb.evidence.quote import EpidQuote

_IAS = "Intel IAS API v4, 4.2.1"
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")

#: Members a body may have. Another one is kept and shown, and means nothing to casnb.
MEMBERS: tuple[Member, ...] = (
    Member("id", str, "number of the report", True),
    Member("timestamp", str, "when the service made it, UTC without a zone letter", True),
    Member("version", int, "format of this report; absent in version 2"),
    Member("isvEnclaveQuoteStatus", str, "the service's judgement of the quote", True),
    Member("isvEnclaveQuoteBody", str, "the first 432 bytes of the quote, base64", True),
    Member("nonce", str, "what the requester sent, up to 32 characters"),
    Member("epidPseudonym", str, "name of the platform for linkable quotes, base64"),
    Member("platformInfoBlob", str, "what the platform needs to learn about its update, hex"),
    Member("revocationReason", int, "why the group or key was revoked"),
    Member("pseManifestStatus", str, "judgement of the platform services manifest"),
    Member("pseManifestHash", str, "SHA-256 of that manifest, hex"),
    Member("advisoryURL", str, "where advisories are described"),
    Member("advisoryIDs", list, "security advisories behind the status"),
    Member("tcbEvaluationDataNumber", int, "which edition of Intel's lists was used"),
)


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes of standard base64; raise EvidenceError for anything else.

    Strict: no line breaks, exact padding, unused bits zero, so that no two texts stand for the
    same bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or base64.b64encode(data) != text.encode("ascii"):
        raise EvidenceError(
            what,
            got="text that is not base64",
            wanted="standard base64, padded, without line breaks",
        )
    return data


@dataclass(frozen=True)
class Avr(Shown):
    """A parsed report body. `raw` are its exact bytes, which is what the signature covers.

    `advisory_ids` is empty both where the report lists none and where its version has no such
    member; `members` tells them apart. Not checked here: the signature, the age, and whether the
    status is known or acceptable. Source: Intel IAS API v2 to v5, attestation verification
    report.
    """

    raw: bytes = field(repr=False)
    id: str
    timestamp: datetime
    version: int
    status: str
    quote: EpidQuote
    nonce: str | None = None
    epid_pseudonym: str | None = None
    platform_info_blob: str | None = None
    advisory_url: str | None = None
    advisory_ids: tuple[str, ...] = ()
    revocation_reason: int | None = None
    tcb_evaluation_data_number: int | None = None
    members: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, data: bytes) -> Avr:
        """Read a body; raise EvidenceError for malformed JSON, a member of the wrong type, or an
        unknown version.

        The version must be absent (then it is 2) or 3, 4 or 5; the time must have no zone; the
        quote must have 432 bytes.
        """
        body = strictjson.loads(data, "IAS report")
        strictjson.conform(body, MEMBERS, "IAS report")
        version = body.get("version", 2)
        if version not in (2, 3, 4, 5) or (version == 2 and "version" in body):
            raise EvidenceError(
                "IAS report: version", got=version, wanted="3, 4 or 5, or none at all for version 2"
            )
        advisories = body.get("advisoryIDs", [])
        if advisories and (
            len(advisories) > 100 or not all(isinstance(a, str) for a in advisories)
        ):
            raise EvidenceError(
                "IAS report: advisoryIDs",
                got="something else",
                wanted="a list of at most 100 strings",
            )
        if len(body.get("nonce") or "") > 32:
            raise EvidenceError(
                "IAS report: nonce", got=f"{len(body['nonce'])} characters", wanted="at most 32"
            )
        quote = decode_base64(body["isvEnclaveQuoteBody"], "IAS report: isvEnclaveQuoteBody")
        if len(quote) != 432:
            raise EvidenceError(
                "IAS report: isvEnclaveQuoteBody", got=f"{len(quote)} bytes", wanted="432"
            )
        return cls(
            raw=bytes(data),
            id=body["id"],
            timestamp=_timestamp(body["timestamp"]),
            version=version,
            status=body["isvEnclaveQuoteStatus"],
            quote=EpidQuote.from_bytes(quote),
            nonce=body.get("nonce"),
            epid_pseudonym=body.get("epidPseudonym"),
            platform_info_blob=body.get("platformInfoBlob"),
            advisory_url=body.get("advisoryURL"),
            advisory_ids=tuple(advisories),
            revocation_reason=body.get("revocationReason"),
            tcb_evaluation_data_number=body.get("tcbEvaluationDataNumber"),
            members=body,
        )

    def to_json(self) -> bytes:
        """Return the body's bytes exactly as they were read."""
        return self.raw

    def fields(self) -> list[FieldRow]:
        """Return one row a member, in the order in which they stand; offset and size do not
        apply and are 0.
        """
        known = {m.name: m.meaning for m in MEMBERS}
        return [
            FieldRow(
                name,
                0,
                0,
                value if isinstance(value, str) else strictjson.compact(value).decode(),
                known.get(name, "not part of the format casnb knows"),
                _IAS,
            )
            for name, value in self.members.items()
        ]

    def to_json_dict(self) -> dict[str, Any]:
        """Return the body's members, and its quote decoded under `quote`; no member replaces
        `type`.
        """
        return (
            {"type": ""}
            | dict(self.members)
            | {"type": "ias-report", "quote": self.quote.to_json_dict()}
        )

    def __repr__(self) -> str:
        return (
            f"<Avr v{self.version} {neutral(self.status, 60)} of"
            f" {stamp(self.timestamp)}, {self.quote.body!r}>"
        )

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(r.name, r.shown()[3], r.meaning) for r in self.fields()]

    def __str__(self) -> str:
        return text_table(("member", "value", "meaning"), self._rows())

    def _html(self) -> str:
        caption = f"IAS report, version {self.version}"
        return (
            html_table(("member", "value", "meaning"), self._rows(), caption, code=(1,))
            + self.quote._html()
        )


def _timestamp(text: str) -> datetime:
    if not _TIMESTAMP.fullmatch(text):
        raise EvidenceError(
            "IAS report: timestamp",
            got=text,
            wanted="YYYY-MM-DDThh:mm:ss.ffffff, UTC without a zone",
        )
    whole, _, fraction = text.partition(".")
    try:
        return datetime.strptime(f"{whole}.{fraction or '0'}", "%Y-%m-%dT%H:%M:%S.%f").replace(
            tzinfo=timezone.utc
        )
    except ValueError:
        raise EvidenceError(
            "IAS report: timestamp", got=text, wanted="a date that exists"
        ) from None


@dataclass(frozen=True)
class SignedAvr(Shown):
    """A report body as received, the signature over those bytes, and the signing certificates
    (PEM, leaf first).

    `header_advisory_ids` are those that older services sent beside the report, unsigned: shown,
    never relied on.
    """

    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    chain_pem: bytes = field(repr=False)
    request_id: str = ""
    header_advisory_ids: tuple[str, ...] = ()

    @property
    def avr(self) -> Avr:
        """The parsed body; raise EvidenceError where it is malformed."""
        return Avr.from_json(self.body)

    def fields(self) -> list[FieldRow]:
        """Return the rows of the parsed body."""
        return self.avr.fields()

    def to_json_dict(self) -> dict[str, Any]:
        """Return the parsed body, the signature in base64 and the chain as text."""
        return {
            **self.avr.to_json_dict(),
            "type": "signed-ias-report",
            "signature": base64.b64encode(self.signature).decode(),
            "signing_certificate": self.chain_pem.decode("ascii", "replace"),
        }

    def __repr__(self) -> str:
        return f"<SignedAvr {len(self.body)} bytes, signature {len(self.signature)} bytes>"

    def __str__(self) -> str:
        try:
            return str(self.avr)
        except EvidenceError as exc:
            return f"{self!r}: {exc}"

    def _html(self) -> str:
        try:
            return self.avr._html()
        except EvidenceError:
            return super()._html()
