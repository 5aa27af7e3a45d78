"""The certificates of a CAS: read the chain that was attested, explain it, export it, and say why TLS failed."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from casnb.errors import EvidenceError, neutral
from casnb.verify.certificate import tlv
from casnb.verify.keyhash import key_hash
from casnb.view import Shown, cell, html_table, text_table

#: Two certificates of a CAS have 1 kB.
_CHAIN_LIMIT = 64 << 10
#: The DNS name that every CAS's TLS certificate carries, whatever its address.
TLS_NAME = "cas"

#: DER of the object identifier 2.5.29.19.
_BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")

_ROLES = {
    "instance": "the CAS software key: signs the certificate that the TLS port presents, and changes with the software",
    "root": "the CAS key: the identity of this instance, its own issuer",
}


@dataclass(frozen=True)
class CasChain(Shown):
    """The two certificates of a CAS: `instance` (`cas-instance`), issued by `root` (`cas`). Neither is the TLS leaf.

    Every CAS there is uses these same names, so only the keys tell one from another.
    """

    instance: x509.Certificate = field(repr=False)
    root: x509.Certificate = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes | str) -> CasChain:
        """Read two certificates in either order, LF or CRLF; check that the root issued itself and the instance.

        Raises EvidenceError for other text, another number, a signature that does not hold, or a certificate that may not
        issue others. Not checked here: validity dates (TLS does that), and whether any report names this chain.
        """
        raw = pem.encode("utf-8", "replace") if isinstance(pem, str) else bytes(pem)
        found = _load(raw)
        roots = [c for c in found if c.issuer == c.subject]
        others = [c for c in found if c.issuer != c.subject]
        if len(roots) != 1 or len(others) != 1:
            raise EvidenceError("CAS certificates", got=f"{len(roots)} self-issued and {len(others)} other", wanted="one of each")
        for name, certificate in (("root", roots[0]), ("instance", others[0])):
            if not issued_by(certificate, roots[0]):
                raise EvidenceError(f"CAS certificates: {name}", got="a signature that is not the root's", wanted="the root's")
            if not _is_authority(certificate):
                raise EvidenceError(f"CAS certificates: {name}", got="a certificate that may not issue others", wanted="CA:TRUE")
        return cls(others[0], roots[0])

    def to_pem(self) -> bytes:
        """Return both in PEM as `scone cas show-certificate` prints them: instance first, LF, nothing between."""
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
        """Whether instance or root issued this TLS certificate (DER); malformed bytes were issued by nobody."""
        try:
            leaf = x509.load_der_x509_certificate(leaf_der)
            return issued_by(leaf, self.instance) or issued_by(leaf, self.root)
        except Exception:  # cryptography raises many kinds for hostile DER
            return False

    def explain(self) -> str:
        """Return in words what the two certificates are, and what about them surprises a TLS client."""
        lines = []
        for name, c in (("instance", self.instance), ("root", self.root)):
            lines += [f"{_common_name(c.subject)}, issued by {_common_name(c.issuer)}: {_ROLES[name]}.",
                      f"  {_key_name(c)}, valid {c.not_valid_before_utc:%Y-%m-%d} to {c.not_valid_after_utc:%Y-%m-%d}, "
                      f"key hash {key_hash(c)}"]
        return "\n".join([*lines, *_NOTES])

    def _rows(self) -> list[tuple[str, ...]]:
        return [(_common_name(c.subject), _common_name(c.issuer), f"{c.serial_number:X}", _key_name(c),
                 f"{c.not_valid_before_utc:%Y-%m-%d}", f"{c.not_valid_after_utc:%Y-%m-%d}", key_hash(c))
                for c in (self.instance, self.root)]

    _HEADER = ("subject", "issuer", "serial", "key", "valid from", "valid to", "key hash")

    def __repr__(self) -> str:
        return f"<CasChain root {self.fingerprint[:16]}, key hash {key_hash(self.root)}>"

    def __str__(self) -> str:
        return text_table(self._HEADER, self._rows())

    def _html(self) -> str:
        notes = "".join(f"<p>{cell(n, 400)}</p>" for n in _NOTES)
        return html_table(self._HEADER, self._rows(), "Certificates of the attested CAS", code=(0, 1, 2, 6)) + notes


_NOTES = (
    f"The TLS port presents a third certificate, for the name {TLS_NAME!r}: connect to any address, and verify that name "
    "(curl: --connect-to).",
    "All CASes use these names. With the certificates of another CAS, TLS fails on a signature, not on an unknown issuer.",
    "There is no key usage and no authority key identifier in them: Python 3.13 and later refuses such chains unless "
    "ssl.VERIFY_X509_STRICT is taken out of verify_flags.",
)


def _load(pem: bytes) -> list[x509.Certificate]:
    if len(pem) > _CHAIN_LIMIT:
        raise EvidenceError("CAS certificates", got=f"{len(pem)} bytes", wanted=f"at most {_CHAIN_LIMIT}")
    try:
        found = x509.load_pem_x509_certificates(pem)
        for c in found:
            c.public_key(), c.subject, c.issuer, c.not_valid_after_utc  # read lazily: fail now
    except Exception:  # cryptography raises many kinds for hostile DER
        raise EvidenceError("CAS certificates", got="text that is not certificates in PEM", wanted="two of them") from None
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    """Read basic constraints alone: in CASes of 2019 another extension, the key identifier, is not DER and stops a parser."""
    der = certificate.tbs_certificate_bytes
    found: list[bytes] = []
    try:
        for tag, start, end in _inside(der, *tlv(der, 0, len(der))[1:]):
            if tag != 0xA3:
                continue
            for _, at, stop in _inside(der, *tlv(der, start, end)[1:]):
                if der.startswith(_BASIC_CONSTRAINTS, at):
                    *_, (_, value, last) = _inside(der, at, stop)
                    found.append(der[value:last])
    except (EvidenceError, IndexError):
        return False
    return len(found) == 1 and found[0][:1] == b"\x30" and found[0][2:5] == b"\x01\x01\xff"


def _inside(der: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield tag, start and end of each DER value in a stretch of bytes."""
    while at < end:
        tag, start, at = tlv(der, at, end)
        yield tag, start, at


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return neutral(found[0].value, 80) if found else neutral(name.rfc4514_string(), 80)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the names match and the issuer's key made the signature (ECDSA, RSA or Ed25519)."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.InvalidVersion):
        return False
    return True


def _key_name(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return f"EC {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__.lstrip("_")


#: Number of an OpenSSL verification error to what it means here.
_VERIFY_CODES = {
    7: "wrong-key", 9: "not-yet", 10: "expired", 18: "self-signed", 19: "unknown-issuer", 20: "unknown-issuer",
    21: "unknown-issuer", 30: "wrong-key", 31: "wrong-key", 62: "name", 64: "name", 79: "not-authority",
    **dict.fromkeys(range(85, 95), "strict"),
}

#: Marks in the messages of ssl, requests, curl and openssl, most telling first.
_MARKS: tuple[tuple[str, str], ...] = (
    (r"WRONG_VERSION_NUMBER|wrong version number|HTTP_REQUEST|http request|packet length too long|record layer failure", "plain"),
    (r"EVP lib|certificate signature failure|bad signature|asn1 encoding routines", "wrong-key"),
    (r"hostname mismatch|doesn't match|not match target host|no alternative certificate subject name|IP address mismatch", "name"),
    (r"certificate has expired", "expired"),
    (r"not yet valid", "not-yet"),
    (r"key usage extension|Authority Key Identifier|Subject Key Identifier|Basic Constraints of CA cert", "strict"),
    (r"self[- ]signed certificate in|unable to get (local )?issuer|unable to verify the first|unknown CA|curl: \(60\)",
     "unknown-issuer"),
    (r"self[- ]signed certificate", "self-signed"),
    (r"No such file|error setting certificate|could not load PEM|NO_CERTIFICATE_OR_CRL_FOUND|no start line|curl: \(77\)",
     "no-file"),
    (r"BadStatusLine|something that is not HTTP", "not-http"),
    (r"IncompleteRead|cut off after", "cut"),
    (r"timed out|timeout", "timeout"),
    (r"refused", "refused"),
    (r"Name or service not known|getaddrinfo|Could not resolve|NameResolution", "no-host"),
    (r"EOF occurred|UNEXPECTED_EOF|Connection reset|Connection aborted|closed connection|closed before", "closed"),
)

_EXPLAINED = {
    "plain": "the port does not speak TLS, perhaps plain HTTP. Use the client port, 8081",
    "wrong-key": "another CAS's certificates were given: names are the same in every CAS, the keys are not, so the signature "
                 "check fails. Attest this CAS again and export its certificates anew",
    "name": f"the certificate is not for this host name. Connect for the name {TLS_NAME!r} (curl: --connect-to "
            f"{TLS_NAME}:8081:ADDRESS:8081 https://{TLS_NAME}:8081/...)",
    "expired": "a certificate has expired. Attest the CAS again; it may have renewed its certificates",
    "not-yet": "a certificate is not valid yet. Is this computer's clock right?",
    "strict": "the chain lacks key usage or key identifiers, as every CAS chain does, and Python 3.13 and later insists on them. "
              "Take ssl.VERIFY_X509_STRICT out of the context's verify_flags, and nothing else",
    "unknown-issuer": "the server's issuer is not among the certificates that were given. Name the attested ones "
                      "(curl: --cacert cas_cert.crt)",
    "self-signed": "the server presents a self-made certificate, not one of the attested CAS. Somebody else may be answering",
    "not-authority": "a certificate signed another without being allowed to",
    "no-file": "the file with the certificates is missing, empty or not PEM. Did the command that wrote it fail?",
    "timeout": "no answer in time. Is the address right, and does a firewall let port 8081 through?",
    "refused": "nothing listens there. Is the CAS running, and is the port right?",
    "no-host": "no such host name",
    "closed": "the server closed the connection before it had answered. Is it a TLS port, and the right one?",
    "not-http": "the server answers with something that is not HTTP. Is the port right?",
    "cut": "the answer was cut off before its end. Try again",
}


def explain_tls_error(exc: BaseException | str) -> str:
    """Say in one sentence why a TLS connection failed and what to do, for an exception or a message of curl or openssl.

    Looks through the causes of wrapped exceptions. An error it does not know is repeated, neutralised.

    >>> explain_tls_error("curl: (35) error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib")[:27]
    'another CAS\\'s certificates '
    """
    for part in _layers(exc):
        if isinstance(part, ssl.SSLCertVerificationError) and part.verify_code in _VERIFY_CODES:
            return _EXPLAINED[_VERIFY_CODES[part.verify_code]]
    for part in _layers(exc):
        for mark, meaning in _MARKS:
            if re.search(mark, str(part), re.IGNORECASE):
                return _EXPLAINED[meaning]
    text = exc if isinstance(exc, str) else str(exc) or type(exc).__name__
    return f"TLS failed: {neutral(text, 200)}"


def _layers(exc: BaseException | str) -> list[BaseException | str]:
    """What an exception wraps (reasons, causes, arguments; at most a dozen), innermost first, and itself at the end."""
    out: list[BaseException | str] = []
    todo: list[BaseException | str] = [exc]
    while todo and len(out) < 12:
        part = todo.pop(0)
        out.append(part)
        if isinstance(part, BaseException):
            inner = (getattr(part, "reason", None), part.__cause__, part.__context__, *part.args)
            todo += [p for p in inner if isinstance(p, BaseException) and all(p is not q for q in out)]
    return out[::-1]
