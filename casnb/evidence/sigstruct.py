"""SIGSTRUCT: the signer's statement about an enclave, checked by the CPU before the enclave may
start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import FieldRow, Layout
from casnb.evidence.sigstruct_layout import HEADER, HEADER2, SDM, SIGSTRUCT

#: The parts under the signature, as offsets: first byte, first byte after it.
SIGNED = ((0, 128), (900, 1028))
#: DigestInfo of SHA-256 (RFC 8017, 9.2).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


@dataclass(frozen=True)
class Relation:
    """RSA with exponent 3 as the CPU checks it, both sides of every comparison.

    `q1` is floor(S^2 / N), `q2` floor((S^3 - q1*S*N) / N), `cube` S^3 mod N; beside them stand
    the stored quotients and the padded hash of the signed bytes.
    """

    modulus: int
    signature: int
    q1: int
    q1_stored: int
    q2: int
    q2_stored: int
    cube: int
    padded: int


@dataclass(frozen=True)
class SigStruct(Shown):
    """A SIGSTRUCT of 1808 bytes; `from_bytes` and `to_bytes` are exact inverses.

    HEADER, HEADER2, VENDOR, exponent 3 and zero in reserved bytes are required here, as the
    format demands them; the signature is checked by `verify`. DATE may be anything: EINIT does
    not look at it, and real tool chains write zero or binary numbers there; see `day`. Source:
    Intel SDM vol. 3D, SIGSTRUCT; integers little-endian, the four numbers of 384 bytes too.
    """

    LAYOUT: ClassVar[Layout] = SIGSTRUCT

    header: bytes
    vendor: int
    date: int
    header2: bytes
    swdefined: int
    reserved1: bytes
    modulus: bytes
    exponent: int
    signature: bytes
    miscselect: int
    miscmask: int
    cet_attributes: bytes
    cet_attributes_mask: bytes
    reserved2: bytes
    isv_family_id: bytes
    attributes: bytes
    attribute_mask: bytes
    enclave_hash_bytes: bytes
    reserved3: bytes
    isv_ext_prod_id: bytes
    isv_prod_id: int
    isv_svn: int
    reserved4: bytes
    q1: bytes
    q2: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> SigStruct:
        """Read exactly 1808 bytes; raise EvidenceError for another size or a constant that is
        not as specified.
        """
        found = cls(*SIGSTRUCT.unpack_exact(data))
        for name, got, want in (
            ("header", found.header.hex(), HEADER.hex()),
            ("header2", found.header2.hex(), HEADER2.hex()),
            ("exponent", str(found.exponent), "3"),
        ):
            if got != want:
                raise EvidenceError(f"SIGSTRUCT: {name}", got=got, wanted=want)
        if found.vendor not in (0, 0x8086):
            raise EvidenceError("SIGSTRUCT: vendor", got=hex(found.vendor), wanted="0 or 0x8086")
        for f in SIGSTRUCT.fields:
            if f.kind == "reserved" and any(getattr(found, f.name)):
                raise EvidenceError(
                    f"SIGSTRUCT: {f.name}", got="bytes that are not zero", wanted="zeros"
                )
        return found

    def to_bytes(self) -> bytes:
        """Return the 1808 bytes."""
        return SIGSTRUCT.pack(SIGSTRUCT.values(self))

    @property
    def day(self) -> str:
        """DATE as a day (ISO 8601), or the number and that it is none."""
        try:
            return datetime.strptime(f"{self.date:08x}", "%Y%m%d").date().isoformat()
        except ValueError:
            return f"0x{self.date:08x}, not a day"

    @property
    def mrsigner(self) -> str:
        """SHA-256 over the modulus as it stands (384 bytes, little-endian), as hex."""
        return hashlib.sha256(self.modulus).hexdigest()

    @property
    def enclave_hash(self) -> str:
        """The MRENCLAVE this statement is about, as hex."""
        return self.enclave_hash_bytes.hex()

    @property
    def signed_bytes(self) -> bytes:
        """The 256 bytes under the signature: 0 to 127 and 900 to 1027."""
        data = self.to_bytes()
        return b"".join(data[a:b] for a, b in SIGNED)

    def relation(self) -> Relation | None:
        """Return the numbers that the CPU works with; None where modulus or signature cannot be
        of an RSA-3072 key.
        """
        n, s = _number(self.modulus), _number(self.signature)
        if n < 1 << 3071 or not n & 1 or not 0 < s < n:
            return None
        q1, rest = divmod(s * s, n)
        q2, cube = divmod(rest * s, n)
        padded = (
            b"\x00\x01"
            + b"\xff" * (384 - 3 - 51)
            + b"\x00"
            + _DIGEST_INFO
            + hashlib.sha256(self.signed_bytes).digest()
        )
        return Relation(
            n, s, q1, _number(self.q1), q2, _number(self.q2), cube, int.from_bytes(padded, "big")
        )

    def verify(self) -> tuple[bool, bool, bool]:
        """Return whether signature, q1 and q2 hold, as the CPU would check them.

        Plain integer arithmetic on public values. Not checked: whether the signer is one you trust.
        """
        r = self.relation()
        return (
            (False, False, False)
            if r is None
            else (r.cube == r.padded, r.q1 == r.q1_stored, r.q2 == r.q2_stored)
        )

    def fields(self) -> list[FieldRow]:
        """Return one row a field."""
        return [
            replace(row, value=self.day) if row.name == "date" else row
            for row in SIGSTRUCT.rows(self)
        ]

    def to_json_dict(self) -> dict[str, Any]:
        """Return every field by name, MRSIGNER, and whether signature, q1 and q2 hold."""
        signature, q1, q2 = self.verify()
        return {
            "type": "sigstruct",
            **SIGSTRUCT.plain(self),
            "mrsigner": self.mrsigner,
            "enclave_hash": self.enclave_hash,
            "signature_ok": signature,
            "q1_ok": q1,
            "q2_ok": q2,
        }

    def __repr__(self) -> str:
        return (
            f"<SigStruct ENCLAVEHASH {self.enclave_hash[:12]}... MRSIGNER {self.mrsigner[:12]}..."
            f" {self.day}>"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        names = zip(("signature", "q1", "q2"), self.verify(), strict=True)
        ok = ", ".join(f"{n} {'holds' if v else 'does not hold'}" for n, v in names)
        return [
            *(r.shown() for r in self.fields()),
            ("MRSIGNER", "", "", self.mrsigner, f"SHA-256 of the modulus; {ok}", SDM),
        ]

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, self._rows())

    def _html(self) -> str:
        return html_table(FieldRow.HEADER, self._rows(), "SIGSTRUCT, 1808 bytes", code=(1, 3))
