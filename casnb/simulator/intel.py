"""Intel's side of a simulated world: certificates, revocation lists, TCB info, QE identity, and
signed IAS reports.

Every subject begins with SIMULATED. The clock is never read: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base import strictjson
from casnb.base.times import stamp
from casnb.evidence.avr import SignedAvr
from casnb.simulator.keys import (
    Key,
    KeyPair,
    Seed,
    certificate,
    distinguished_name,
    packaged,
    revocation_list,
    sign,
    sign_raw,
)
from casnb.simulator.sgx_extension import FMSPC, PCEID
from casnb.verify.tcb import TcbLevel, TcbStatus

ORGANIZATION = "casnb simulator, trust nothing"
#: All certificates on Intel's side hold this long, so that a world may be set to any day between.
VALID = (
    datetime(2018, 5, 21, 10, 50, 10, tzinfo=timezone.utc),
    datetime(2049, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
)
#: Signed lists are a day old at `now` and hold for another 29.
AGE, LIFE = timedelta(days=1), timedelta(days=29)

EVALUATION = 20
#: Identity of Intel's quoting enclave as Intel publishes it; the simulated one claims the same.
QE_MRSIGNER = bytes.fromhex("8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff")
QE_ISVPRODID, QE_ISVSVN, QE_FLAGS = 1, 8, 0x15


_KIND = {
    0: {"category": "BIOS", "type": "Early Microcode Update"},
    1: {"category": "OS/VMM", "type": "SGX Late Microcode Update"},
    2: {"category": "OS/VMM", "type": "TXT SINIT"},
    3: {"category": "BIOS"},
}
#: All three stand together in Intel's list of one client processor, so one CPU can have them. AEPIC
#: (INTEL-SA-00657) does not: the processors that have it are younger than the hole behind 00329.
_SMT = ("INTEL-SA-00161", "INTEL-SA-00233")
_LVI = ("INTEL-SA-00334", "INTEL-SA-00615")
_OLD = ("INTEL-SA-00320", "INTEL-SA-00329")


def _level(
    status: TcbStatus,
    leading: tuple[int, ...],
    day: str,
    advisories: tuple[str, ...] = (),
    pce_svn: int = 13,
) -> TcbLevel:
    """Make a level from its first component SVNs; the others are 0."""
    return TcbLevel(
        (*leading, *[0] * (16 - len(leading))), pce_svn, status, f"{day}T00:00:00Z", advisories
    )


#: One level for each status, highest first. A platform with exactly these SVNs has exactly this
#: status.
LEVELS: Mapping[TcbStatus, TcbLevel] = {
    level.status: level
    for level in (
        _level(TcbStatus.UP_TO_DATE, (16, 17, 3, 3, 255, 255, 1), "2025-08-13"),
        _level(TcbStatus.CONFIGURATION_NEEDED, (16, 17, 3, 3, 255, 255, 0), "2025-08-13", _SMT),
        _level(TcbStatus.SW_HARDENING_NEEDED, (16, 16, 3, 3, 255, 255, 1), "2025-08-13", _LVI),
        _level(
            TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED,
            (16, 16, 3, 3, 255, 255, 0),
            "2025-08-13",
            _SMT + _LVI,
        ),
        _level(TcbStatus.OUT_OF_DATE, (11, 11, 3, 3, 255, 255, 1), "2019-11-13", _OLD),
        _level(
            TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
            (11, 11, 3, 3, 255, 255, 0),
            "2019-11-13",
            _OLD + _SMT,
        ),
        _level(
            TcbStatus.REVOKED,
            (4, 4, 3, 3, 255, 255, 0),
            "2019-05-15",
            _OLD + _SMT + _LVI,
            pce_svn=5,
        ),
    )
}


def level_json(level: TcbLevel) -> dict[str, Any]:
    """Return a level in the form of TCB info version 3."""
    rows = [{"svn": svn, **_KIND.get(n, {})} for n, svn in enumerate(level.components)]
    out: dict[str, Any] = {
        "tcb": {"sgxtcbcomponents": rows, "pcesvn": level.pce_svn},
        "tcbDate": level.date,
        "tcbStatus": level.status.dcap_name,
    }
    return {**out, "advisoryIDs": list(level.advisories)} if level.advisories else out


@dataclass(frozen=True)
class Intel:
    """The authorities behind DCAP and IAS evidence, all made from one seed."""

    seed: Seed

    @cached_property
    def root(self) -> KeyPair:
        """The simulated root; what a verifier must be given to believe anything of this world."""
        return self._authority("Root CA", None, 1)

    @cached_property
    def pck_ca(self) -> KeyPair:
        """The authority that certifies platforms."""
        return self._authority("PCK Platform CA", self.root, 0)

    @cached_property
    def processor_ca(self) -> KeyPair:
        """The other authority, for machines with one socket; no scenario's machine has a
        certificate of it.
        """
        return self._authority("PCK Processor CA", self.root, 0)

    @cached_property
    def tcb_signer(self) -> KeyPair:
        """The signer of TCB info and QE identity."""
        key = self.seed.p256("intel TCB Signing")
        return certificate(
            self._subject("TCB Signing"),
            key,
            self.root,
            self.seed.serial("intel TCB Signing"),
            VALID,
            _extensions(key, self.root, _ROOT_CRL),
        )

    def _subject(self, noun: str) -> x509.Name:
        """Every name says that it is simulated, and of which seed: the RSA keys are the same in
        every world.
        """
        return distinguished_name(
            CN=f"SIMULATED Intel SGX {noun}",
            O=ORGANIZATION,
            OU=f"world {self.seed.octets('name', 4).hex()}",
        )

    def _authority(self, noun: str, signer: KeyPair | None, path_length: int) -> KeyPair:
        key = self.seed.p256("intel " + noun)
        return certificate(
            self._subject(noun),
            key,
            signer,
            self.seed.serial("intel " + noun),
            VALID,
            _extensions(key, signer, _ROOT_CRL, path_length),
        )

    @cached_property
    def ias_root(self) -> KeyPair:
        """The root of IAS report signing: each seed its own certificate, all with the one
        RSA-3072 key of the package.
        """
        return self._ias("Attestation Report Signing CA", "ias_root", None, 0)

    @cached_property
    def ias_leaf(self) -> KeyPair:
        """The IAS report signing certificate (RSA-2048), valid as long as its root; the real one
        has expired.
        """
        return self._ias("Attestation Report Signing", "ias_leaf", self.ias_root)

    def _ias(
        self, noun: str, name: str, signer: KeyPair | None, path_length: int | None = None
    ) -> KeyPair:
        key = packaged(name)
        return certificate(
            self._subject(noun),
            key,
            signer,
            self.seed.serial(name, 8),
            VALID,
            _extensions(key, signer, _IAS_CRL, path_length),
        )

    def sign_avr(
        self, body: Mapping[str, Any], request_id: str, signer: KeyPair | None = None
    ) -> SignedAvr:
        """Return the members as one JSON text without spaces, signed as IAS signs; `signer`
        replaces the simulated IAS.
        """
        text, signer = strictjson.compact(dict(body)), signer or self.ias_leaf
        return SignedAvr(
            text, sign(signer.key, text), signer.cert_pem + self.ias_root.cert_pem, request_id
        )

    def pck(
        self,
        label: str,
        key: ec.EllipticCurvePrivateKey,
        extension: bytes,
        signer: KeyPair | None = None,
    ) -> KeyPair:
        """Return the PCK certificate of a platform; `extension` is the DER of its SGX extension."""
        sgx = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113741.1.13.1"), extension)
        signer = signer or self.pck_ca
        return certificate(
            self._subject("PCK Certificate"),
            key,
            signer,
            self.seed.serial("pck " + label),
            VALID,
            [*_extensions(key, signer, _PCK_CRL), (sgx, False)],
        )

    def tcb_info(self, now: datetime, changes: Mapping[str, Any] | None = None) -> bytes:
        """Return the exact text of the TCB info at `now`; `changes` replaces members before it
        is signed.
        """
        return strictjson.compact(
            {
                "id": "SGX",
                "version": 3,
                **_dates(now),
                "fmspc": FMSPC.hex().upper(),
                "pceId": PCEID.hex().upper(),
                "tcbType": 0,
                "tcbEvaluationDataNumber": EVALUATION,
                "tcbLevels": [level_json(level) for level in LEVELS.values()],
                **(changes or {}),
            }
        )

    def qe_identity(self, now: datetime, changes: Mapping[str, Any] | None = None) -> bytes:
        """Return the exact text of the identity of the quoting enclave at `now`; `changes` as
        above.
        """
        levels = [
            {
                "tcb": {"isvsvn": QE_ISVSVN},
                "tcbDate": "2025-08-13T00:00:00Z",
                "tcbStatus": "UpToDate",
            },
            {
                "tcb": {"isvsvn": 6},
                "tcbDate": "2021-11-10T00:00:00Z",
                "tcbStatus": "OutOfDate",
                "advisoryIDs": ["INTEL-SA-00615"],
            },
        ]
        return strictjson.compact(
            {
                "id": "QE",
                "version": 2,
                **_dates(now),
                "tcbEvaluationDataNumber": EVALUATION,
                "miscselect": "00000000",
                "miscselectMask": "FFFFFFFF",
                "attributes": "11000000000000000000000000000000",
                "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
                "mrsigner": QE_MRSIGNER.hex().upper(),
                "isvprodid": QE_ISVPRODID,
                "tcbLevels": levels,
                **(changes or {}),
            }
        )

    def root_crl(self, now: datetime, revoked: Iterable[int] = ()) -> bytes:
        """Return the DER list of authorities that the root revoked."""
        return revocation_list(self.root, 1, (now - AGE, now + LIFE), list(revoked))

    def pck_crl(
        self, now: datetime, revoked: Iterable[int] = (), authority: KeyPair | None = None
    ) -> bytes:
        """Return the DER list of platforms that the PCK authority (or another) revoked; two
        strangers are always on it.
        """
        strangers = [self.seed.serial("stranger 1"), self.seed.serial("stranger 2")]
        return revocation_list(
            authority or self.pck_ca, 1, (now - AGE, now + LIFE), [*strangers, *revoked]
        )

    def endorsements(
        self,
        now: datetime,
        *,
        tcb_info: Mapping[str, Any] | None = None,
        qe_identity: Mapping[str, Any] | None = None,
        revoked: Iterable[int] = (),
        revoked_authorities: Iterable[int] = (),
        signer: KeyPair | None = None,
        authority: KeyPair | None = None,
    ) -> dict[str, Any]:
        """Return what Intel's service would deliver at `now`, as the object that `casnb verify
        --endorsements` reads.

        `tcb_info` and `qe_identity` replace members before signing, `revoked` names serial
        numbers of platforms, `revoked_authorities` those of authorities, `signer` signs instead
        of the TCB signer, and `authority` is the one whose platforms the list is about.
        """
        signer, authority = signer or self.tcb_signer, authority or self.pck_ca
        assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
        now = now.replace(microsecond=0)
        info, identity = self.tcb_info(now, tcb_info), self.qe_identity(now, qe_identity)
        chain = (signer.cert_pem + self.root.cert_pem).decode()
        return {
            "pck_crl_issuer_chain": (authority.cert_pem + self.root.cert_pem).decode(),
            "root_ca_crl": self.root_crl(now, revoked_authorities).hex(),
            "pck_crl": self.pck_crl(now, revoked, authority).hex(),
            "tcb_info_issuer_chain": chain,
            "tcb_info": info.decode(),
            "tcb_info_signature": sign_raw(signer.key, info).hex(),
            "qe_identity_issuer_chain": chain,
            "qe_identity": identity.decode(),
            "qe_identity_signature": sign_raw(signer.key, identity).hex(),
        }


_IAS_CRL = "http://certificates.simulated.invalid/AttestationReportSigningCA.crl"
_ROOT_CRL = "https://certificates.simulated.invalid/IntelSGXRootCA.der"
_PCK_CRL = "https://api.simulated.invalid/sgx/certification/v4/pckcrl?ca=platform&encoding=der"


def _extensions(
    key: Key, signer: KeyPair | None, crl: str, path_length: int | None = None
) -> list[tuple[x509.ExtensionType, bool]]:
    """The five extensions that every certificate of this side has; `path_length` makes it an
    authority.
    """
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.SubjectKeyIdentifier.from_public_key((signer.key if signer else key).public_key())
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
    authority = path_length is not None
    return [
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), False),
        (x509.CRLDistributionPoints([point]), False),
        (own, False),
        (
            (
                key_usage("key_cert_sign", "crl_sign")
                if authority
                else key_usage("digital_signature", "content_commitment")
            ),
            True,
        ),
        (x509.BasicConstraints(authority, path_length), True),
    ]


def key_usage(*names: str) -> x509.KeyUsage:
    """Return a key usage extension with exactly these bits, named as `cryptography` names them."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{n: n in names for n in every})


def _dates(now: datetime) -> dict[str, str]:
    return {"issueDate": stamp(now - AGE), "nextUpdate": stamp(now + LIFE)}
