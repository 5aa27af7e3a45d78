"""The certificates of a CAS: read the chain that was attested, tell what it is, export it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, html_table, text_table
from casnb.tls.diagnoses import TLS_NAME as TLS_NAME
from casnb.tls.reader import Finding, common_name, findings, is_authority
from casnb.verify.keyhash import key_hash

#: Two certificates of a CAS have 1 kB.
_CHAIN_LIMIT = 64 << 10

_ROLES = {
    "instance": (
        "the CAS software key: signs the certificate that the TLS port presents, and changes with"
        " the software"
    ),
    "root": "the CAS key: the identity of this instance, its own issuer",
}


@dataclass(frozen=True)
class CasChain(Shown):
    """The two certificates of a CAS: `instance` (`cas-instance`), issued by `root` (`cas`).
    Neither is the TLS leaf.

    Every CAS there is uses these same names, so only the keys tell one from another.
    """

    instance: x509.Certificate = field(repr=False)
    root: x509.Certificate = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes | str) -> CasChain:
        """Read two certificates in either order, LF or CRLF; check that the root issued itself
        and the instance.

        Raises EvidenceError for other text, another number, a signature that does not hold, or a
        certificate that may not issue others. Not checked here: validity dates (TLS does that),
        and whether any report names this chain.
        """
        raw = pem.encode("utf-8", "replace") if isinstance(pem, str) else bytes(pem)
        found = _load(raw)
        roots = [c for c in found if c.issuer == c.subject]
        others = [c for c in found if c.issuer != c.subject]
        if len(roots) != 1 or len(others) != 1:
            raise EvidenceError(
                "CAS certificates",
                got=f"{len(roots)} self-issued and {len(others)} other",
                wanted="one of each",
            )
        for name, certificate in (("root", roots[0]), ("instance", others[0])):
            if not issued_by(certificate, roots[0]):
                raise EvidenceError(
                    f"CAS certificates: {name}",
                    got="a signature that is not the root's",
                    wanted="the root's",
                )
            if not is_authority(certificate):
                raise EvidenceError(
                    f"CAS certificates: {name}",
                    got="a certificate that may not issue others",
                    wanted="CA:TRUE",
                )
        return cls(others[0], roots[0])

    def to_pem(self) -> bytes:
        """Return both in PEM as `scone cas show-certificate` prints them: instance first, LF,
        nothing between.
        """
        return self.instance.public_bytes(Encoding.PEM) + self.root.public_bytes(Encoding.PEM)

    @property
    def key_hashes(self) -> tuple[str, str]:
        """Hashes of the root key (`-c`, CAS key) and the instance key (`-s`, CAS software key)."""
        return key_hash(self.root), key_hash(self.instance)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root certificate (DER), hex."""
        return self.root.fingerprint(hashes.SHA256()).hex()

    def issued(self, leaf_der: bytes) -> bool:
        """Whether instance or root issued this TLS certificate (DER); malformed bytes were
        issued by nobody.
        """
        try:
            leaf = x509.load_der_x509_certificate(leaf_der)
            return issued_by(leaf, self.instance) or issued_by(leaf, self.root)
        except Exception:  # cryptography raises many kinds for hostile DER
            return False

    def explain(self) -> str:
        """Return in words what the two certificates are, and what about them surprises whoever
        relies on them.
        """
        lines = []
        for name, c in (("instance", self.instance), ("root", self.root)):
            lines += [
                f"{common_name(c.subject)}, issued by {common_name(c.issuer)}: {_ROLES[name]}.",
                (
                    f"  {_key_name(c)}, valid {c.not_valid_before_utc:%Y-%m-%d} to"
                    f" {c.not_valid_after_utc:%Y-%m-%d}, key hash {key_hash(c)}"
                ),
            ]
        return "\n".join(lines) + f"\n\n{self._noticed()}"

    def _noticed(self) -> str:
        width = max(len(f.about) for f in self.findings)
        return "\n".join(
            f"{f.about.ljust(width)}  {f.found}\n{' ' * width}  {f.meaning}" for f in self.findings
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to notice about these very certificates: `about`, `found`, `meaning`."""
        return findings((self.instance, self.root))

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                common_name(c.subject),
                common_name(c.issuer),
                f"{c.serial_number:X}",
                _key_name(c),
                f"{c.not_valid_before_utc:%Y-%m-%d}",
                f"{c.not_valid_after_utc:%Y-%m-%d}",
                key_hash(c),
            )
            for c in (self.instance, self.root)
        ]

    _HEADER = ("subject", "issuer", "serial", "key", "valid from", "valid to", "key hash")

    def __repr__(self) -> str:
        return f"<CasChain root {self.fingerprint[:16]}, key hash {key_hash(self.root)}>"

    def __str__(self) -> str:
        return f"{text_table(self._HEADER, self._rows())}\n\n{self._noticed()}"

    def _html(self) -> str:
        return html_table(
            self._HEADER, self._rows(), "Certificates of the attested CAS", code=(0, 1, 2, 6)
        ) + html_table(
            ("look at", "found", "what it means"), self.findings, "What to notice", limit=500
        )


def _load(pem: bytes) -> list[x509.Certificate]:
    if len(pem) > _CHAIN_LIMIT:
        raise EvidenceError(
            "CAS certificates", got=f"{len(pem)} bytes", wanted=f"at most {_CHAIN_LIMIT}"
        )
    try:
        found = x509.load_pem_x509_certificates(pem)
        for c in found:
            c.public_key(), c.subject, c.issuer, c.not_valid_after_utc  # read lazily: fail now
    except Exception:  # cryptography raises many kinds for hostile DER
        raise EvidenceError(
            "CAS certificates", got="text that is not certificates in PEM", wanted="two of them"
        ) from None
    return found


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the names match and the issuer's key made the signature (ECDSA, RSA or Ed25519)."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.InvalidVersion):
        return False
    return True


def _key_name(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return (
        f"EC {key.curve.name}"
        if isinstance(key, ec.EllipticCurvePublicKey)
        else type(key).__name__.lstrip("_")
    )
