"""The chains that Intel issues, from a pinned root down: platforms, TCB signer, IAS report
signer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pkgutil import get_data

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.base.errors import EvidenceError, VerificationError
from casnb.evidence.pck import PckExtension
from casnb.verify.certificate import Certificate, pem_blocks, read_certificate, read_chain
from casnb.verify.p256 import P256_KEY
from casnb.verify.signatures import require_signed_by, rsa_key

PCK_LEAF, TCB_SIGNER, AVR_SIGNER = (
    "Intel SGX PCK Certificate",
    "Intel SGX TCB Signing",
    "Intel SGX Attestation Report Signing",
)
PCK_AUTHORITIES = ("Intel SGX PCK Processor CA", "Intel SGX PCK Platform CA")


Pins = Mapping[tuple[bytes, bytes], Certificate]


@dataclass(frozen=True)
class TrustAnchors:
    """The roots that a relying party pins, in DER: EC keys for DCAP, RSA keys for IAS. `label`
    says whose they are.

    A root is trusted because its name and key stand here; never because evidence brought it
    along. Evidence may bring another certificate of the same name and key, which the key must
    have signed: Intel issued its DCAP root twice. Where `simulated`, common names may carry a
    word in front of the one Intel uses.
    """

    dcap: tuple[bytes, ...]
    ias: tuple[bytes, ...]
    label: str
    simulated: bool = True

    @classmethod
    def from_pem(
        cls, pem: bytes, *, label: str = "simulated", simulated: bool = True
    ) -> TrustAnchors:
        """Read self-issued authorities in PEM; raise EvidenceError where there are none, or one
        is something else.
        """
        dcap, ias = [], []
        for c in read_chain(pem, "trust anchors", 1, 8):
            if c.issuer != c.subject or not _signs_certificates(c):
                raise EvidenceError(
                    "trust anchors", got=c.name, wanted="self-issued certificates of authorities"
                )
            if c.spki.startswith(P256_KEY):
                dcap.append(c.der)
                continue
            try:
                key: object = c.value.public_key()
            except Exception:  # cryptography raises many kinds for hostile keys
                key = None
            if not isinstance(key, rsa.RSAPublicKey):
                raise EvidenceError(
                    "trust anchors", got="a key of another kind", wanted="P-256 or RSA"
                )
            ias.append(c.der)
        return cls(tuple(dcap), tuple(ias), label, simulated)

    def to_pem(self) -> bytes:
        """Return all anchors as PEM, those for DCAP first."""
        return b"".join(
            x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
            for der in (*self.dcap, *self.ias)
        )

    @cached_property
    def dcap_pins(self) -> Pins:
        """The anchors for DCAP, read, by exact name and key."""
        return _pins(self.dcap)

    @cached_property
    def ias_pins(self) -> Pins:
        """The anchors for IAS; one kind of root never stands in for the other."""
        return _pins(self.ias)

    def chain(
        self, pem: bytes, what: str, least: int, most: int, pins: Pins
    ) -> tuple[list[Certificate], Certificate]:
        """Read a chain, take the root out and return the rest with its pin; raise EvidenceError
        for what cannot be read, and VerificationError unless exactly one of the certificates is
        pinned.
        """
        chain = read_chain(pem, what, least, most, {c.der: c for c in pins.values()})
        rest, pinned = [], []
        for c in chain:
            # By name and key, not by fingerprint: see the class. What was pinned goes on, never
            # what the evidence brought.
            pin = pins.get((c.subject, c.spki))
            if pin is None:
                rest.append(c)
                continue
            pinned.append(pin)
            if c.der != pin.der:
                require_signed_by(c, pin, f"{what}: root")
        if len(pinned) != 1:
            brought = [str(c) for c in chain if c.issuer == c.subject]
            raise VerificationError(
                f"{what}: root",
                got=", ".join(brought) or "none",
                wanted=f"the {self.label} root: " + ", ".join(map(str, pins.values())),
            )
        return rest, pinned[0]

    def named(self, certificate: Certificate, *names: str) -> bool:
        """Whether the common name is one of these (or ends with one, among simulated roots)."""
        return certificate.name in names or (self.simulated and certificate.name.endswith(names))

    def __repr__(self) -> str:
        return f"<TrustAnchors {self.label}: {len(self.dcap)} for DCAP, {len(self.ias)} for IAS>"


@dataclass(frozen=True)
class PckChain:
    """A PCK certificate with its authority and the pinned root, each signed by the next, and what
    the certificate says of the platform.
    """

    leaf: Certificate
    authority: Certificate
    root: Certificate
    platform: PckExtension

    def require_valid_at(self, now: datetime) -> None:
        """Raise VerificationError where one of the three is not valid at `now`, the root first."""
        for certificate in (self.root, self.authority, self.leaf):
            certificate.require_valid_at(now)


def _shipped(name: str) -> tuple[bytes, ...]:
    return tuple(pem_blocks(get_data("casnb.verify", f"roots/{name}") or b"", name, 1, 1))


_INTEL_DCAP, _INTEL_IAS = _shipped("intel_sgx_root_ca.pem"), _shipped("intel_ias_root.pem")


@cache
def intel_roots() -> TrustAnchors:
    """Return Intel's pinned roots, shipped with the package; roots/README.md gives origin and
    digests.
    """
    return TrustAnchors(_INTEL_DCAP, _INTEL_IAS, "Intel", simulated=False)


def _pins(anchors: Iterable[bytes]) -> Pins:
    read = map(read_certificate, anchors)
    return {(c.subject, c.spki): c for c in read}


def _signs_certificates(c: Certificate) -> bool:
    return c.authority and c.usage is not None and c.usage.key_cert_sign


def _require_signer(c: Certificate, what: str, names: tuple[str, ...], roots: TrustAnchors) -> None:
    """Raise VerificationError unless this is an end certificate of one of these names that may
    sign data.
    """
    if not roots.named(c, *names):
        raise VerificationError(f"{what}: name", got=c.name or "none", wanted=" or ".join(names))
    if c.authority or c.usage is None or c.usage.key_cert_sign or not c.usage.digital_signature:
        raise VerificationError(
            f"{what}: key usage",
            got="an authority, or a key not for signatures",
            wanted="signatures only",
        )


def require_pck_authority(c: Certificate, root: Certificate, roots: TrustAnchors) -> None:
    """Raise VerificationError unless `c` is a PCK authority, issued by `root`; both kinds are
    known. The time is not checked.
    """
    if not roots.named(c, *PCK_AUTHORITIES):
        raise VerificationError(
            "PCK authority: name", got=c.name or "none", wanted=" or ".join(PCK_AUTHORITIES)
        )
    # A path length of 0 in the root lets it issue end certificates alone (RFC 5280, 4.2.1.9).
    if not _signs_certificates(c) or (root.path_length is not None and root.path_length < 1):
        raise VerificationError(
            f"certificate {c.name}", got="not an authority", wanted="one, which the root allows"
        )
    c.require_p256()
    require_signed_by(c, root, f"certificate {c.name}")


def pck_order(pem: bytes, roots: TrustAnchors) -> tuple[Certificate, Certificate, Certificate]:
    """Return leaf, authority and pinned root of a PCK chain whose blocks stand in any order;
    raise EvidenceError or VerificationError. Nothing but the leaf's form and the names is
    checked.
    """
    what = "PCK certificate chain"
    rest, root = roots.chain(pem, what, 3, 3, roots.dcap_pins)
    leaf, ca = rest if rest[0].issuer == rest[1].subject else reversed(rest)
    if leaf.issuer != ca.subject or ca.issuer != root.subject:
        raise VerificationError(
            what, got=", ".join(c.name or "none" for c in rest), wanted="leaf, authority and root"
        )
    _require_signer(leaf, "PCK certificate", (PCK_LEAF,), roots)
    leaf.require_p256()
    return leaf, ca, root


def tcb_signer(pem: bytes, roots: TrustAnchors, what: str) -> tuple[Certificate, Certificate]:
    """Return the TCB signer, which the root itself must have issued for this role and no other,
    and the root; else raise VerificationError. The time is not checked.
    """
    rest, root = roots.chain(pem, what, 2, 2, roots.dcap_pins)
    signer = rest[0]
    _require_signer(signer, what, (TCB_SIGNER,), roots)
    # The same authority issues both: a platform's own key must not sign the lists it is judged by.
    if signer.sgx is not None:
        raise VerificationError(what, got="a platform's certificate", wanted=TCB_SIGNER)
    require_signed_by(signer, root, f"certificate {signer.name}")
    return signer, root


def avr_signing_key(pem: bytes, roots: TrustAnchors, now: datetime) -> tuple[rsa.RSAPublicKey, str]:
    """Return key and name of the IAS report signer, issued by the pinned root and valid at
    `now`; else raise.

    The chain may leave the root out; a root that it brings must be the pinned one.
    """
    what = "IAS signing chain"
    # A stored report may carry the leaf alone: the root is pinned here anyway.
    leaf, *more = read_chain(pem, what, 1, 2)
    root = next((c for c in roots.ias_pins.values() if c.subject == leaf.issuer), None)
    if root is None or leaf.der == root.der or more:
        rest, root = roots.chain(pem, what, 1, 2, roots.ias_pins)
        if not rest:
            raise VerificationError(what, got="a root alone", wanted="a signing certificate")
        leaf = rest[0]
    _require_signer(leaf, what, (AVR_SIGNER,), roots)
    require_signed_by(leaf, root, f"certificate {leaf.name}")
    root.require_valid_at(now)
    leaf.require_valid_at(now)
    return rsa_key(leaf), leaf.name
