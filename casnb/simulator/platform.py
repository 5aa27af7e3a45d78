"""A simulated machine and what runs on it: a CAS enclave built from pages and signed, a CPU at
some patch level, quotes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from casnb.base.errors import UsageError
from casnb.evidence.ledger import PAGE, Ledger
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.report import ReportBody
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import HEADER, HEADER2
from casnb.measure.program import EnclaveFile, Segment
from casnb.simulator.intel import LEVELS, QE_FLAGS, QE_ISVPRODID, QE_ISVSVN, QE_MRSIGNER, Intel
from casnb.simulator.keys import KeyPair, Seed, packaged, raw_point, sign, sign_raw
from casnb.simulator.sgx_extension import sgx_extension
from casnb.verify.tcb import TcbLevel, TcbStatus

#: What a CAS enclave calls itself.
CAS_ISVPRODID, CAS_ISVSVN = 41316, 5
#: Its heap where nobody sets SCONE_HEAP: with its four other pages it fills 64 KiB.
CAS_HEAP = 12 * PAGE

_INIT, _DEBUG, _MODE64 = 1, 2, 4
_XFRM = 7
_TCS, _CODE, _DATA = 0x100, 0x205, 0x203
_QE_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
_EPID_GROUP = 0x0BB9
_EPID_SIGNATURE = 680

_BLANK = ReportBody.from_bytes(bytes(384))


@dataclass(frozen=True)
class Enclave:
    """A build of the simulated CAS: pages made from seed and version, measured, and signed by
    `vendor`, `test` or `owner`.

    MRENCLAVE follows from seed and version alone: neither the signer nor the debug attribute is
    part of it. `date` is the day of the build, `YYYY-MM-DD`.
    """

    seed: Seed
    version: str
    date: str
    signer: str = "test"
    debug: bool = True
    isv_prod_id: int = CAS_ISVPRODID
    isv_svn: int = CAS_ISVSVN

    @cached_property
    def file(self) -> EnclaveFile:
        """The program as a file: a thread page, two pages of code, one of data, and the heap."""
        banner = f"casnb simulated CAS {self.version}, no real code\n".encode()
        code = banner + self.seed.stream(f"code of CAS {self.version}", 2 * PAGE - len(banner))
        thread = (0x3000).to_bytes(8, "little").rjust(24, b"\0")
        return EnclaveFile(
            1,
            CAS_HEAP,
            (
                Segment(0, _TCS, 1, thread),
                Segment(0x1000, _CODE, 2, code),
                Segment(0x3000, _DATA, 1),
            ),
        )

    @property
    def ledger(self) -> Ledger:
        """How the enclave is built, record by record."""
        return self.file.ledger

    @cached_property
    def mrenclave(self) -> str:
        """The measurement, 64 hex digits."""
        return self.ledger.mrenclave

    @cached_property
    def mrsigner(self) -> str:
        """SHA-256 of the signer's modulus, 64 hex digits."""
        return mrsigner(self.signer)

    @cached_property
    def sigstruct(self) -> bytes:
        """The signer's statement, 1808 bytes. A debug build leaves DEBUG out of the attribute
        mask; a vendor build forces it 0.
        """
        mask = (1 << 64) - 1 - (_DEBUG if self.debug else 0)
        unsigned = SigStruct(
            header=HEADER,
            vendor=0,
            date=int(self.date.replace("-", ""), 16),
            header2=HEADER2,
            swdefined=0,
            reserved1=bytes(84),
            modulus=_modulus(self.signer),
            exponent=3,
            signature=bytes(384),
            miscselect=0,
            miscmask=0xFFFFFFFF,
            cet_attributes=b"\0",
            cet_attributes_mask=b"\0",
            reserved2=bytes(2),
            isv_family_id=bytes(16),
            attributes=_quads(_MODE64 | (_DEBUG if self.debug else 0), 3),
            attribute_mask=_quads(mask, 3),
            enclave_hash_bytes=bytes.fromhex(self.mrenclave),
            reserved3=bytes(16),
            isv_ext_prod_id=bytes(16),
            isv_prod_id=self.isv_prod_id,
            isv_svn=self.isv_svn,
            reserved4=bytes(12),
            q1=bytes(384),
            q2=bytes(384),
        )
        return sign_sigstruct(unsigned, self.signer).to_bytes()


_Parts = TypeVar("_Parts", ReportBody, Quote, EpidQuote)


def changed(value: _Parts, changes: Mapping[str, Any] | None) -> _Parts:
    """Return the structure with some fields replaced by name; raise UsageError for a name it
    does not have.
    """
    changes = dict(changes or {})
    names = [f.name for f in fields(value)]
    unknown = [name for name in changes if name not in names]
    if unknown:
        raise UsageError(
            f"{type(value).__name__}: field", got=unknown[0], wanted="one of " + ", ".join(names)
        )
    return replace(value, **changes)


def sign_sigstruct(unsigned: SigStruct, signer: str) -> SigStruct:
    """Return the SIGSTRUCT with modulus, signature, Q1 and Q2 of the packaged key `vendor`,
    `test` or `owner`.
    """
    unsigned = replace(unsigned, modulus=_modulus(signer))
    signature = int.from_bytes(sign(packaged(f"{signer}_signer"), unsigned.signed_bytes), "big")
    modulus = int.from_bytes(unsigned.modulus, "little")
    q1, rest = divmod(signature * signature, modulus)
    q2 = rest * signature // modulus
    signature_bytes, q1_bytes, q2_bytes = (
        value.to_bytes(384, "little") for value in (signature, q1, q2)
    )
    return replace(unsigned, signature=signature_bytes, q1=q1_bytes, q2=q2_bytes)


def mrsigner(signer: str) -> str:
    """Return the MRSIGNER of the packaged key `vendor`, `test` or `owner`."""
    return hashlib.sha256(_modulus(signer)).hexdigest()


def _modulus(signer: str) -> bytes:
    return packaged(f"{signer}_signer").public_key().public_numbers().n.to_bytes(384, "little")


def _quads(low: int, high: int) -> bytes:
    return low.to_bytes(8, "little") + high.to_bytes(8, "little")


@dataclass(frozen=True)
class Platform:
    """One simulated machine: its label tells it from others of the same seed, `status` sets its
    patch level.
    """

    seed: Seed
    intel: Intel
    label: str
    status: TcbStatus

    @property
    def level(self) -> TcbLevel:
        """The component SVNs that give this machine its status."""
        return LEVELS[self.status]

    @cached_property
    def ppid(self) -> bytes:
        """Name of the processor, 16 bytes."""
        return self.seed.octets(f"ppid {self.label}", 16)

    @cached_property
    def pck(self) -> KeyPair:
        """The certificate that Intel gave this machine."""
        return self.certified()

    def certified(self, authority: KeyPair | None = None, **items: Any) -> KeyPair:
        """Return the certificate as another authority would issue it, or with items of
        `sgx_extension` replaced.
        """
        extension = sgx_extension(
            **{
                "ppid": self.ppid,
                "components": self.level.components,
                "pce_svn": self.level.pce_svn,
                "instance_id": self.seed.octets(f"instance {self.label}", 16),
                "smt": "accept-configuration-needed" in self.status.needs,
                **items,
            }
        )
        return self.intel.pck(self.label, self.seed.p256(f"pck {self.label}"), extension, authority)

    @cached_property
    def attestation_key(self) -> ec.EllipticCurvePrivateKey:
        """The key with which this machine's quoting enclave signs quotes."""
        return self.seed.p256(f"attestation key {self.label}")

    @property
    def cpu_svn(self) -> bytes:
        """CPUSVN as reports show it, 16 bytes; as on real machines it differs from the one in
        the PCK certificate.
        """
        components = self.level.components
        return bytes((*components[:2], 0x10, 0x0F, *components[4:]))

    def report_body(
        self, enclave: Enclave, report_data: bytes, changes: Mapping[str, Any] | None = None
    ) -> ReportBody:
        """Return what this CPU says of a running enclave; `changes` replaces fields by name."""
        body = replace(
            _BLANK,
            cpu_svn=self.cpu_svn,
            attributes_flags=_INIT | _MODE64 | (_DEBUG if enclave.debug else 0),
            attributes_xfrm=_XFRM,
            mr_enclave=bytes.fromhex(enclave.mrenclave),
            mr_signer=bytes.fromhex(enclave.mrsigner),
            isv_prod_id=enclave.isv_prod_id,
            isv_svn=enclave.isv_svn,
            report_data=report_data,
        )
        return changed(body, changes)

    def local_report(self, body: ReportBody) -> bytes:
        """Return the 432 bytes that EREPORT writes for another enclave on this machine: body,
        key id, AES-CMAC over the body.
        """
        mac = CMAC(AES(self.seed.octets(f"report key {self.label}", 16)))
        mac.update(body.to_bytes())
        return body.to_bytes() + self.seed.octets(f"key id {self.label}", 32) + mac.finalize()

    def qe_body(self, report_data: bytes, changes: Mapping[str, Any] | None = None) -> ReportBody:
        """Return the report of the quoting enclave itself."""
        body = replace(
            _BLANK,
            cpu_svn=self.cpu_svn,
            attributes_flags=QE_FLAGS,
            attributes_xfrm=_XFRM,
            mr_enclave=hashlib.sha256(b"simulated quoting enclave").digest(),
            mr_signer=QE_MRSIGNER,
            isv_prod_id=QE_ISVPRODID,
            isv_svn=QE_ISVSVN,
            report_data=report_data,
        )
        return changed(body, changes)

    def quote(
        self,
        body: ReportBody,
        *,
        fields: Mapping[str, Any] | None = None,
        qe_body: Mapping[str, Any] | None = None,
        auth_data: bytes = bytes(range(32)),
        sign_with: ec.EllipticCurvePrivateKey | None = None,
        attestation_key: ec.EllipticCurvePrivateKey | None = None,
        certify_with: ec.EllipticCurvePrivateKey | None = None,
        chain: Sequence[KeyPair] = (),
        certification_type: int = 5,
        certification_data: bytes | None = None,
    ) -> Quote:
        """Return a DCAP quote, version 3, of a report body.

        Everything left out is as an honest machine would have it. `fields` and `qe_body` replace
        fields of the quote and of the quoting enclave's report by name, before either is signed.
        `attestation_key` is the key that the quoting enclave's report names, `sign_with` the one
        that signs header and body, `certify_with` the one that signs the quoting enclave's
        report in place of the PCK key. `chain` are the certificates that it brings, the
        platform's first: its key is then the PCK key.
        """
        key = attestation_key or self.attestation_key
        chain = chain or (self.pck, self.intel.pck_ca, self.intel.root)
        pck = certify_with or chain[0].key
        assert isinstance(pck, ec.EllipticCurvePrivateKey)
        named = hashlib.sha256(raw_point(key) + auth_data).digest() + bytes(32)
        unsigned = Quote(
            version=3,
            att_key_type=2,
            tee_type=0,
            qe_svn=QE_ISVSVN,
            pce_svn=self.level.pce_svn,
            qe_vendor_id=_QE_VENDOR,
            user_data=self.seed.octets(f"platform id {self.label}", 16) + bytes(4),
            body=body,
            signature=bytes(64),
            attestation_key=raw_point(key),
            qe_report=self.qe_body(named, qe_body),
            qe_report_signature=bytes(64),
            auth_data=auth_data,
            certification_type=certification_type,
            certification_data=(
                b"".join(c.cert_pem for c in chain)
                if certification_data is None
                else certification_data
            ),
        )
        unsigned = changed(unsigned, fields)
        return replace(
            unsigned,
            signature=sign_raw(sign_with or key, unsigned.signed_bytes),
            qe_report_signature=sign_raw(pck, unsigned.qe_report_bytes),
        )

    def epid_quote(
        self,
        body: ReportBody,
        *,
        spid: bytes,
        linkable: bool,
        fields: Mapping[str, Any] | None = None,
    ) -> EpidQuote:
        """Return an EPID quote, version 2, with 680 bytes where the group signature stands.

        Those bytes come from the seed and are no signature: nobody but Intel's retired service
        could ever have checked one. `spid` has 16 bytes; a linkable quote's basename is the SPID
        and zeros, another's ends in 16 bytes of its own.
        """
        tail = (
            bytes(16) if linkable else hashlib.sha256(b"basename" + body.to_bytes()).digest()[:16]
        )
        unsigned = EpidQuote(
            version=2,
            sign_type=int(linkable),
            epid_group_id=_EPID_GROUP,
            qe_svn=11,
            pce_svn=11,
            xeid=0,
            basename=spid + tail,
            body=body,
        )
        unsigned = changed(unsigned, fields)
        digest = hashlib.sha256(unsigned.signed_bytes).hexdigest()
        return replace(
            unsigned, signature=self.seed.octets(f"EPID {self.label} {digest}", _EPID_SIGNATURE)
        )

    def epid_pseudonym(self, spid: bytes) -> bytes:
        """Return the 128 bytes under which IAS knows this machine towards one service provider."""
        return self.seed.octets(f"pseudonym {self.label} {spid.hex()}", 128)

    def platform_info(self) -> str:
        """Return the platform info blob that IAS adds when there is something to update: 105
        bytes as upper-case hex.

        Layout: type and version `1502`, length, group flags, TCB flags, PSE flags, CPUSVN,
        PCESVN, PSE SVNs, group, signature (which is not a signature here). Source: Intel IAS API
        v4, 4.2.1 and sgx_platform_info.
        """
        old = "accept-group-out-of-date" in self.status.needs
        head = (
            bytes.fromhex("15020065")
            + bytes((4 if old else 0,))
            + (9 if old else 8).to_bytes(2, "big")
            + bytes(2)
        )
        svns = (
            self.cpu_svn
            + (11).to_bytes(2, "little")
            + (11).to_bytes(2, "big")
            + (2).to_bytes(4, "big")
        )
        group = bytes(4) + _EPID_GROUP.to_bytes(4, "big")
        return (
            (head + svns + group + self.seed.octets(f"platform info {self.label}", 64))
            .hex()
            .upper()
        )
