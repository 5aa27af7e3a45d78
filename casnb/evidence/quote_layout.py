"""The field tables of quotes: DCAP version 3 and EPID version 2, part by part."""

from __future__ import annotations

from casnb.evidence.layout import Field, Layout

_DCAP = "Intel SGX ECDSA QuoteLibReference, A.4"
_EPID = "Intel SGX EPID quote (sgx_quote.h)"

QUOTE_HEADER = Layout(
    "quote header",
    48,
    (
        Field(
            "version",
            0,
            2,
            "u16",
            "format of the quote: 3 or 4",
            _DCAP,
            "3, and 4 for SGX, are read here. 4 puts six more bytes before the QE report, 5"
            " six more before the body; 2 is an EPID quote.",
            ("quote-format",),
        ),
        Field(
            "att_key_type",
            2,
            2,
            "u16",
            "2 for ECDSA-256 with the P-256 curve",
            _DCAP,
            "3 would be ECDSA on P-384, which Intel does not issue. Another number means another"
            " layout of the signature data.",
            ("quote-format",),
        ),
        Field(
            "tee_type",
            4,
            4,
            "u32",
            "0 for SGX",
            _DCAP,
            "0x81 would be TDX, whose body is another one. An EPID quote has its group id in these"
            " four bytes.",
            ("quote-format",),
        ),
        Field(
            "qe_svn",
            8,
            2,
            "u16",
            "version of the quoting enclave; informational, its own report counts",
            _DCAP,
            "A copy for convenience. qe-identity and tcb-status read ISVSVN in the quoting"
            " enclave's own report.",
        ),
        Field(
            "pce_svn",
            10,
            2,
            "u16",
            "version of the certification enclave; informational, the PCK certificate counts",
            _DCAP,
            "A copy for convenience. tcb-status reads PCESVN in the PCK certificate.",
        ),
        Field(
            "qe_vendor_id",
            12,
            16,
            "bytes",
            "who made the quoting enclave; 939a7233... for Intel",
            _DCAP,
            "16 bytes. casnb knows one quoting enclave, Intel's, and refuses another vendor. An"
            " EPID quote has XEID and basename here.",
            ("quote-format",),
        ),
        Field(
            "user_data",
            28,
            20,
            "bytes",
            "chosen by the quoting enclave; the first 16 bytes name the platform",
            _DCAP,
            "Intel's quoting enclave puts a platform id of its own choice into the first 16 bytes."
            " No check compares it.",
        ),
    ),
)

EPID_HEADER = Layout(
    "EPID quote header",
    48,
    (
        Field(
            "version",
            0,
            2,
            "u16",
            "format of the quote: 2",
            _EPID,
            "2 is an EPID quote. A DCAP quote begins with 3, and reads the next 46 bytes in another"
            " way.",
            ("avr-format",),
        ),
        Field(
            "sign_type",
            2,
            2,
            "u16",
            "0 unlinkable, 1 linkable",
            _EPID,
            "Whether two signatures of one machine for one service provider can be recognised as"
            " such. DCAP has the kind of its key here.",
            ("avr-format",),
        ),
        Field(
            "epid_group_id",
            4,
            4,
            "u32",
            "the group of platforms whose key signed",
            _EPID,
            "EPID hides the machine in a group. Intel's service told whether the group was"
            " outdated; DCAP has the TEE type here.",
        ),
        Field(
            "qe_svn",
            8,
            2,
            "u16",
            "version of the quoting enclave",
            _EPID,
            "Informational for us; Intel's service judged it.",
        ),
        Field(
            "pce_svn",
            10,
            2,
            "u16",
            "version of the certification enclave",
            _EPID,
            "Informational for us; Intel's service judged it.",
        ),
        Field(
            "xeid",
            12,
            4,
            "u32",
            "extended EPID group",
            _EPID,
            "Zero on all machines seen. DCAP's QE vendor id begins here.",
        ),
        Field(
            "basename",
            16,
            32,
            "bytes",
            "name under which linkable signatures can be linked",
            _EPID,
            "For a linkable signature the service provider's id and zeros. DCAP's vendor id and"
            " user data cover these bytes.",
        ),
    ),
)

#: What follows the 432 signed bytes of a DCAP quote, up to the first length that varies.
SIGNATURE_DATA = Layout(
    "quote signature data",
    578,
    (
        Field(
            "signature",
            0,
            64,
            "bytes",
            "attestation key's signature over header and report, r then s, big-endian",
            _DCAP,
            "Over the first 432 bytes. One changed bit there, and it does not fit any more.",
            ("quote-signature",),
        ),
        Field(
            "attestation_key",
            64,
            64,
            "bytes",
            "public key of this quoting enclave, x then y, big-endian",
            _DCAP,
            "It came with the quote, so a fitting signature proves nothing until qe-report-binding"
            " and the PCK certificate vouch for the key.",
            ("quote-signature", "qe-report-binding"),
        ),
        Field(
            "qe_report",
            128,
            384,
            "bytes",
            "report body of the quoting enclave itself",
            _DCAP,
            "A whole report body: the quoting enclave says of itself who it is, and names the"
            " attestation key in its report data.",
            ("qe-report-signature",),
        ),
        Field(
            "qe_report_signature",
            512,
            64,
            "bytes",
            "PCK key's signature over that report, r then s, big-endian",
            _DCAP,
            "Made with the key of the PCK certificate, which the certification enclave alone can"
            " use.",
            ("qe-report-signature",),
        ),
        Field(
            "auth_size",
            576,
            2,
            "u16",
            "how many bytes of authentication data follow",
            _DCAP,
            "Intel's quoting enclave uses 32; its sample of a quote has none.",
            ("quote-format",),
        ),
    ),
)
CERTIFICATION = Layout(
    "certification data header",
    6,
    (
        Field(
            "certification_type",
            0,
            2,
            "u16",
            "5 for a PCK certificate chain in PEM",
            _DCAP,
            "Types 1 to 4 name the PCK certificate in other ways; then it must come with the"
            " endorsements.",
            ("quote-format",),
        ),
        Field(
            "certification_size",
            2,
            4,
            "u32",
            "how many bytes of certification data follow",
            _DCAP,
            "Must be exactly what is left: a longer or shorter quote is refused.",
            ("quote-format",),
        ),
    ),
)
#: What version 4 puts in front of the quoting enclave's part: type 6, and its size.
QE_CERTIFICATION = 6
LENGTH = Layout(
    "signature length",
    4,
    (
        Field(
            "signature_size",
            0,
            4,
            "u32",
            "how many bytes of signature data follow",
            _DCAP,
            "The first byte that no signature covers. Must be exactly what is left.",
            ("quote-format",),
        ),
    ),
)
#: The parts whose size the quote itself gives; offset and size are set where they stand.
AUTH_DATA = Field(
    "auth_data",
    0,
    0,
    "bytes",
    "part of what the QE report names",
    _DCAP,
    "Hashed together with the attestation key. Intel's quoting enclave puts the bytes 0 to 31"
    " here.",
    ("qe-report-binding",),
)
CERTIFICATION_DATA = Field(
    "certification_data",
    0,
    0,
    "bytes",
    "who vouches for the PCK key",
    _DCAP,
    "PCK certificate, its authority and a root as PEM. The root here is only compared with the"
    " pinned one: trust never comes from the evidence.",
    ("pck-chain", "pck-revocation", "fmspc-match", "qe-report-signature", "tcb-status"),
)
EPID_SIGNATURE = Field(
    "signature",
    0,
    0,
    "bytes",
    "EPID group signature, for Intel's service alone to check",
    _EPID,
    "It hides which machine of the group signed. An IAS report carries the quote without it.",
)
