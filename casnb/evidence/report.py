"""The SGX REPORT body: the 384 bytes about an enclave that every quote, EPID or DCAP, carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from casnb.checks import Identity
from casnb.evidence.layout import Field, FieldRow, Layout
from casnb.view import Shown, html_table, text_table

_SDM = "Intel SDM vol. 3D, REPORT"
_KSS = "Intel SDM vol. 3D, REPORT (key separation and sharing)"

REPORT_BODY = Layout("report body", 384, (
    Field("cpu_svn", 0, 16, "bytes", "security version of the CPU's firmware; judged by the PCK certificate instead", _SDM),
    Field("misc_select", 16, 4, "u32", "which extended features the enclave's state save area holds", _SDM),
    Field("reserved1", 20, 12, "reserved", "zero", _SDM),
    Field("isv_ext_prod_id", 32, 16, "bytes", "extended product number chosen by the signer", _KSS),
    Field("attributes_flags", 48, 8, "u64", "what the enclave may do; bit 1 is DEBUG", _SDM),
    Field("attributes_xfrm", 56, 8, "u64", "processor state the enclave may use", _SDM),
    Field("mr_enclave", 64, 32, "bytes", "MRENCLAVE: SHA-256 over how the enclave was built, its code and initial data", _SDM),
    Field("reserved2", 96, 32, "reserved", "zero", _SDM),
    Field("mr_signer", 128, 32, "bytes", "MRSIGNER: SHA-256 of the RSA modulus of whoever signed the enclave", _SDM),
    Field("reserved3", 160, 32, "reserved", "zero", _SDM),
    Field("config_id", 192, 64, "bytes", "identity of a configuration given at launch", _KSS),
    Field("isv_prod_id", 256, 2, "u16", "ISVPRODID: which product of this signer", _SDM),
    Field("isv_svn", 258, 2, "u16", "ISVSVN: security version of that product; rises with each fix", _SDM),
    Field("config_svn", 260, 2, "u16", "security version of the configuration", _KSS),
    Field("reserved4", 262, 42, "reserved", "zero", _SDM),
    Field("isv_family_id", 304, 16, "bytes", "product family chosen by the signer", _KSS),
    Field("report_data", 320, 64, "bytes", "what the enclave chose to have signed; a CAS names its chain here", _SDM),
))

#: Bits of ATTRIBUTES.FLAGS: number, name, what it means when set. The others are reserved.
ATTRIBUTE_BITS: tuple[tuple[int, str, str], ...] = (
    (0, "INIT", "the enclave was initialised; set in every genuine report"),
    (1, "DEBUG", "the host may read and write the enclave's memory"),
    (2, "MODE64BIT", "the enclave runs in 64-bit mode"),
    (4, "PROVISIONKEY", "the enclave may derive the provisioning key"),
    (5, "EINITTOKENKEY", "the enclave may derive the launch key"),
    (6, "CET", "control-flow enforcement is on"),
    (7, "KSS", "key separation and sharing is on; the KSS fields mean something"),
    (10, "AEXNOTIFY", "threads are told of asynchronous exits"),
)


@dataclass(frozen=True, slots=True)
class ReportBody(Shown):
    """What the CPU says of one enclave; `from_bytes` and `to_bytes` are exact inverses.

    Not checked here: whether anybody signed it, and what its values mean to you.
    Source: Intel SDM vol. 3D, REPORT (sections are cited by title: their numbers differ from edition to edition); 384 bytes,
    integers little-endian.
    """

    LAYOUT: ClassVar[Layout] = REPORT_BODY

    cpu_svn: bytes
    misc_select: int
    reserved1: bytes
    isv_ext_prod_id: bytes
    attributes_flags: int
    attributes_xfrm: int
    mr_enclave: bytes
    reserved2: bytes
    mr_signer: bytes
    reserved3: bytes
    config_id: bytes
    isv_prod_id: int
    isv_svn: int
    config_svn: int
    reserved4: bytes
    isv_family_id: bytes
    report_data: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> ReportBody:
        """Read exactly 384 bytes; raise EvidenceError for fewer or more."""
        return cls(*REPORT_BODY.unpack_exact(data))

    def to_bytes(self) -> bytes:
        """Return the 384 bytes; raise UsageError where a value does not fit its field."""
        return REPORT_BODY.pack(REPORT_BODY.values(self))

    @property
    def init(self) -> bool:
        return bool(self.attributes_flags & 1)

    @property
    def debug(self) -> bool:
        return bool(self.attributes_flags & 2)

    @property
    def mode64(self) -> bool:
        return bool(self.attributes_flags & 4)

    @property
    def mrenclave(self) -> str:
        """MRENCLAVE as 64 lower-case hex digits, in the order the bytes stand."""
        return self.mr_enclave.hex()

    @property
    def mrsigner(self) -> str:
        """MRSIGNER as 64 lower-case hex digits, in the order the bytes stand."""
        return self.mr_signer.hex()

    @property
    def attributes(self) -> str:
        """FLAGS and XFRM, 16 bytes as hex in memory order."""
        return (self.attributes_flags.to_bytes(8, "little") + self.attributes_xfrm.to_bytes(8, "little")).hex()

    def flag_names(self) -> tuple[str, ...]:
        """Return the names of the set FLAGS bits, reserved ones as `bit N`."""
        names = {bit: name for bit, name, _ in ATTRIBUTE_BITS}
        return tuple(names.get(n, f"bit {n}") for n in range(64) if self.attributes_flags >> n & 1)

    def identity(self) -> Identity:
        """Return who this report says is speaking; unproven until the report is verified."""
        return Identity(self.mrenclave, self.mrsigner, self.isv_prod_id, self.isv_svn, self.debug, self.attributes)

    def fields(self, base: int = 0) -> list[FieldRow]:
        """Return one row a field; `base` shifts the offsets to where the body stands in a larger structure."""
        rows = REPORT_BODY.rows(self, base)
        flags = next(n for n, f in enumerate(REPORT_BODY.fields) if f.name == "attributes_flags")
        rows[flags] = replace(rows[flags], value=" ".join([f"0x{self.attributes_flags:x}", *self.flag_names()]))
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return every field by name, bytes as hex, and the names of the set flags."""
        return {"type": "report-body", **REPORT_BODY.plain(self), "flags": list(self.flag_names())}

    def __repr__(self) -> str:
        return f"<ReportBody MRENCLAVE {self.mrenclave[:12]}... MRSIGNER {self.mrsigner[:12]}... {' '.join(self.flag_names())}>"

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        return html_table(FieldRow.HEADER, [r.shown() for r in self.fields()], "SGX report body, 384 bytes", code=(1, 3))
