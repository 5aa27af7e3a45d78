"""The SGX REPORT body: the 384 bytes about an enclave that every quote, EPID or DCAP, carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from casnb.base.view import Shown, html_table, text_table
from casnb.checks.result import Identity
from casnb.evidence.layout import Field, FieldRow, Layout

_SDM = "Intel SDM vol. 3D, REPORT"
KSS = "Intel SDM vol. 3D, REPORT (key separation and sharing)"
#: Reserved bytes and flags are looked at while a quote or an IAS report is read.
_FORMAT = ("quote-format", "avr-format")
_UNUSED = (
    "Must be zero. casnb refuses anything else. The signature covers these bytes all the same."
)

REPORT_BODY = Layout(
    "report body",
    384,
    (
        Field(
            "cpu_svn",
            0,
            16,
            "bytes",
            "security version of the CPU's firmware; judged by the PCK certificate instead",
            _SDM,
            "Sixteen component versions. In real quotes they differ from those in the PCK"
            " certificate, so tcb-status reads the certificate and never this field.",
        ),
        Field(
            "misc_select",
            16,
            4,
            "u32",
            "which extended features the enclave's state save area holds",
            _SDM,
            "Bit 0 lets the enclave learn the details of a page fault. No check compares it for a"
            " CAS; for the quoting enclave qe-identity does.",
        ),
        Field("reserved1", 20, 12, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "isv_ext_prod_id",
            32,
            16,
            "bytes",
            "extended product number chosen by the signer",
            KSS,
            "It means something where bit 7 (KSS) of the flags is set. Older descriptions call"
            " these bytes reserved; with KSS they are no fault, without it they must be zero.",
            _FORMAT,
        ),
        Field(
            "attributes_flags",
            48,
            8,
            "u64",
            "what the enclave may do; bit 1 is DEBUG",
            _SDM,
            "The first byte holds INIT 01, DEBUG 02, MODE64BIT 04, PROVISIONKEY 10, EINITTOKENKEY"
            " 20, CET 40, KSS 80. DEBUG is not part of MRENCLAVE. The format check wants INIT set"
            " and no unknown bit.",
            ("debug", *_FORMAT),
        ),
        Field(
            "attributes_xfrm",
            56,
            8,
            "u64",
            "processor state the enclave may use",
            _SDM,
            "Bits of the register XCR0: 3 stands for x87 and SSE, 7 for AVX as well. No check"
            " compares it for a CAS.",
        ),
        Field(
            "mr_enclave",
            64,
            32,
            "bytes",
            "MRENCLAVE: SHA-256 over how the enclave was built, its code and initial data",
            _SDM,
            "A hash, so its bytes are written as they stand and never reversed. The same pages in"
            " the same places give the same value, debug or not, whoever signed.",
            ("mrenclave",),
        ),
        Field("reserved2", 96, 32, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "mr_signer",
            128,
            32,
            "bytes",
            "MRSIGNER: SHA-256 of the RSA modulus of whoever signed the enclave",
            _SDM,
            "SHA-256 over the 384 bytes of the modulus as SIGSTRUCT stores them. Some keys are"
            " public: of those it says nothing about who signed.",
            ("mrsigner",),
        ),
        Field("reserved3", 160, 32, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "config_id",
            192,
            64,
            "bytes",
            "identity of a configuration given at launch",
            KSS,
            "Given by the host at launch, with KSS, so that two configurations of one build can be"
            " told apart. No check compares it; without KSS it must be zero.",
            _FORMAT,
        ),
        Field(
            "isv_prod_id",
            256,
            2,
            "u16",
            "ISVPRODID: which product of this signer",
            _SDM,
            "A number that the signer chose: it means something only once mrsigner has passed. A"
            " CAS has 41316.",
            ("isvprodid",),
        ),
        Field(
            "isv_svn",
            258,
            2,
            "u16",
            "ISVSVN: security version of that product; rises with each fix",
            _SDM,
            "Compared as a minimum, so that an old release with known holes is refused. It means"
            " something only once mrsigner has passed.",
            ("isvsvn",),
        ),
        Field(
            "config_svn",
            260,
            2,
            "u16",
            "security version of the configuration",
            KSS,
            "Belongs to config_id, with KSS. No check compares it; without KSS it must be zero.",
            _FORMAT,
        ),
        Field("reserved4", 262, 42, "reserved", "zero", _SDM, _UNUSED, _FORMAT),
        Field(
            "isv_family_id",
            304,
            16,
            "bytes",
            "product family chosen by the signer",
            KSS,
            "Chosen by the signer, with KSS. No check compares it; without KSS it must be zero.",
            _FORMAT,
        ),
        Field(
            "report_data",
            320,
            64,
            "bytes",
            "what the enclave chose to have signed; a CAS names its chain here",
            _SDM,
            "The one field that the enclave fills as it likes. A CAS puts SHA-512 of"
            " additional_data here, as compact JSON: its nonce and certificates are bound, though"
            " nobody signed them.",
            ("certificate-binding",),
        ),
    ),
)

#: What EREPORT writes for another enclave on the same machine. As long as the signed part of a
#: quote, and laid out differently.
LOCAL_REPORT = Layout(
    "local report",
    432,
    (
        *REPORT_BODY.fields,
        Field(
            "key_id",
            384,
            32,
            "bytes",
            "which report key made the MAC",
            _SDM,
            "Random since the machine started. The report key itself never leaves the CPU.",
        ),
        Field(
            "mac",
            416,
            16,
            "bytes",
            "AES-CMAC over the 384 bytes of the body",
            _SDM,
            "Only the enclave that the report is made for, on the same machine, can get the key to"
            " check it. A quoting enclave does just that, and then signs a quote.",
        ),
    ),
)

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

    Not checked here: whether anybody signed it, and what its values mean to you. Source: Intel
    SDM vol. 3D, REPORT (sections are cited by title: their numbers differ from edition to
    edition); 384 bytes, integers little-endian.
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
        return (
            self.attributes_flags.to_bytes(8, "little") + self.attributes_xfrm.to_bytes(8, "little")
        ).hex()

    def flag_names(self) -> tuple[str, ...]:
        """Return the names of the set FLAGS bits, reserved ones as `bit N`."""
        names = {bit: name for bit, name, _ in ATTRIBUTE_BITS}
        return tuple(names.get(n, f"bit {n}") for n in range(64) if self.attributes_flags >> n & 1)

    def identity(self) -> Identity:
        """Return who this report says is speaking; unproven until the report is verified."""
        return Identity(
            self.mrenclave,
            self.mrsigner,
            self.isv_prod_id,
            self.isv_svn,
            self.debug,
            self.attributes,
        )

    def fields(self, base: int = 0) -> list[FieldRow]:
        """Return one row a field; `base` shifts the offsets to where the body stands in a larger
        structure.
        """
        rows = REPORT_BODY.rows(self, base)
        flags = next(n for n, f in enumerate(REPORT_BODY.fields) if f.name == "attributes_flags")
        rows[flags] = replace(
            rows[flags], value=" ".join([f"0x{self.attributes_flags:x}", *self.flag_names()])
        )
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return every field by name, bytes as hex, and the names of the set flags."""
        return {"type": "report-body", **REPORT_BODY.plain(self), "flags": list(self.flag_names())}

    def __repr__(self) -> str:
        return (
            f"<ReportBody MRENCLAVE {self.mrenclave[:12]}... MRSIGNER {self.mrsigner[:12]}..."
            f" {' '.join(self.flag_names())}>"
        )

    def __str__(self) -> str:
        return text_table(FieldRow.HEADER, [r.shown() for r in self.fields()])

    def _html(self) -> str:
        return html_table(
            FieldRow.HEADER,
            [r.shown() for r in self.fields()],
            "SGX report body, 384 bytes",
            code=(1, 3),
        )
