"""SIGSTRUCT: the signer's statement about an enclave, checked by the CPU before the enclave may
start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.layout import Field, FieldRow, Layout

_SDM = "Intel SDM vol. 3D, SIGSTRUCT"
_FORMAT = ("sigstruct-format",)
_UNUSED = (
    "Must be zero. The CPU refuses to start the enclave otherwise, and casnb refuses to read the"
    " structure."
)
HEADER = bytes.fromhex("06000000e10000000000010000000000")
HEADER2 = bytes.fromhex("01010000600000006000000001000000")

SIGSTRUCT = Layout(
    "SIGSTRUCT",
    1808,
    (
        Field(
            "header",
            0,
            16,
            "bytes",
            "constant",
            _SDM,
            "Says which kind of structure this is and how long its parts are.",
            _FORMAT,
        ),
        Field(
            "vendor",
            16,
            4,
            "u32",
            "0, or 0x8086 for Intel's own enclaves",
            _SDM,
            "Hardware once treated Intel's own enclaves differently; today it is a label.",
            _FORMAT,
        ),
        Field(
            "date",
            20,
            4,
            "u32",
            "day of the build, 0xYYYYMMDD in binary-coded decimal",
            _SDM,
            "Binary-coded decimal: the digits of the day can be read in the hexadecimal number.",
            _FORMAT,
        ),
        Field(
            "header2",
            24,
            16,
            "bytes",
            "constant",
            _SDM,
            "The second half of the constant part.",
            _FORMAT,
        ),
        Field(
            "swdefined",
            40,
            4,
            "u32",
            "for software",
            _SDM,
            "Free for the signer; the CPU signs nothing into the report from here.",
        ),
        Field("reserved1", 44, 84, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "modulus",
            128,
            384,
            "bytes",
            "RSA-3072 public key, little-endian; its SHA-256 is MRSIGNER",
            _SDM,
            "The signer's public key. Its SHA-256 over these very bytes is MRSIGNER.",
            ("mrsigner", "sigstruct-signature", "sigstruct-q1", "sigstruct-q2"),
        ),
        Field(
            "exponent",
            512,
            4,
            "u32",
            "3",
            _SDM,
            "With 3, checking takes two multiplications, and q1 and q2 save their divisions.",
            _FORMAT,
        ),
        Field(
            "signature",
            516,
            384,
            "bytes",
            "RSA PKCS#1 v1.5 with SHA-256 over bytes 0 to 127 and 900 to 1027, little-endian",
            _SDM,
            "S in the relations below. The CPU computes S^3 mod N and compares it with the padded"
            " hash of the signed bytes.",
            ("sigstruct-signature", "sigstruct-q1", "sigstruct-q2"),
        ),
        Field(
            "miscselect",
            900,
            4,
            "u32",
            "extended features demanded",
            _SDM,
            "MISCSELECT that the enclave must have, as far as the mask enforces it.",
        ),
        Field(
            "miscmask",
            904,
            4,
            "u32",
            "which bits of MISCSELECT are enforced",
            _SDM,
            "A bit that is 0 leaves the host free.",
        ),
        Field(
            "cet_attributes",
            908,
            1,
            "bytes",
            "control-flow enforcement demanded",
            _SDM,
            "Zero where control-flow enforcement is not used.",
        ),
        Field(
            "cet_attributes_mask",
            909,
            1,
            "bytes",
            "which of those bits are enforced",
            _SDM,
            "A bit that is 0 leaves the host free.",
        ),
        Field("reserved2", 910, 2, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "isv_family_id",
            912,
            16,
            "bytes",
            "product family",
            _SDM,
            "Goes into the report with KSS.",
        ),
        Field(
            "attributes",
            928,
            16,
            "bytes",
            "ATTRIBUTES demanded: FLAGS and XFRM",
            _SDM,
            "The flags and XFRM that the enclave must have, as far as the mask enforces them.",
        ),
        Field(
            "attribute_mask",
            944,
            16,
            "bytes",
            "which bits of ATTRIBUTES are enforced; DEBUG usually is not",
            _SDM,
            "Bit 1 clear: the host may start this very enclave with DEBUG. Bit 1 set: DEBUG is as"
            " in attributes, whatever the host wants.",
        ),
        Field(
            "enclave_hash_bytes",
            960,
            32,
            "bytes",
            "ENCLAVEHASH: the MRENCLAVE this statement is about",
            _SDM,
            "The CPU compares it with what it measured itself; only then does the enclave start.",
            ("enclave-hash", "mrenclave"),
        ),
        Field("reserved3", 992, 16, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "isv_ext_prod_id",
            1008,
            16,
            "bytes",
            "extended product number",
            _SDM,
            "Goes into the report with KSS.",
        ),
        Field(
            "isv_prod_id",
            1024,
            2,
            "u16",
            "ISVPRODID given to the enclave",
            _SDM,
            "The signer names the product; the report repeats it.",
            ("isvprodid",),
        ),
        Field(
            "isv_svn",
            1026,
            2,
            "u16",
            "ISVSVN given to the enclave",
            _SDM,
            "The signer counts security fixes; the report repeats it.",
            ("isvsvn",),
        ),
        Field("reserved4", 1028, 12, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "q1",
            1040,
            384,
            "bytes",
            "floor(S^2 / N), little-endian: saves the CPU a division",
            _SDM,
            "Quotient of the first reduction. Not signed, and of no use to an attacker: the CPU"
            " multiplies back and compares.",
            ("sigstruct-q1",),
        ),
        Field(
            "q2",
            1424,
            384,
            "bytes",
            "floor((S^3 - q1*S*N) / N), little-endian: saves the CPU another",
            _SDM,
            "Quotient of the second reduction; with q1 the CPU needs no division.",
            ("sigstruct-q2",),
        ),
    ),
)
#: The parts under the signature, as offsets: first byte, first byte behind.
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

    HEADER, HEADER2, VENDOR, exponent 3, zero in reserved bytes and a DATE of the calendar are
    required here, as the format demands them; the signature is checked by `verify`. Source:
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
        try:
            datetime.strptime(f"{found.date:08x}", "%Y%m%d")
        except ValueError:
            raise EvidenceError(
                "SIGSTRUCT: date", got=f"0x{found.date:08x}", wanted="a day as 0xYYYYMMDD"
            ) from None
        return found

    def to_bytes(self) -> bytes:
        """Return the 1808 bytes."""
        return SIGSTRUCT.pack(SIGSTRUCT.values(self))

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
        return SIGSTRUCT.rows(self)

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
            f" {self.date:08x}>"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        names = zip(("signature", "q1", "q2"), self.verify(), strict=True)
        ok = ", ".join(f"{n} {'holds' if v else 'does not hold'}" for n, v in names)
        return [
            *(r.shown() for r in self.fields()),
            ("MRSIGNER", "", "", self.mrsigner, f"SHA-256 of the modulus; {ok}", _SDM),
        ]

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, self._rows())

    def _html(self) -> str:
        return html_table(FieldRow.HEADER, self._rows(), "SIGSTRUCT, 1808 bytes", code=(1, 3))
