"""Sessions that carry signatures: the JSON that `scone session sign` prints, made, completed and
verified. Its members are public, what stands in them is casnb's own choice.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, UsageError
from casnb.session.access import Signer

_WHAT = "signed session"
#: Stands in front of the text that is signed: a signature is good for nothing else.
_CONTEXT = b"casnb signed session v1\0"
_MOST, _TEXT = 16, 256 * 1024


def message(text: str) -> bytes:
    """Return the bytes that a signer signs: a fixed context (24 bytes), then the session's text
    in UTF-8.
    """
    return _CONTEXT + text.encode()


@dataclass(frozen=True)
class Signature:
    """One signature over the message: `signer` is the key as policies write it (SPKI PEM, or 50
    characters of Base58), `signature` Ed25519 (64 bytes), or ECDSA over SHA-256 in DER for P-256.
    """

    signer: str
    signature: bytes

    @cached_property
    def key(self) -> bytes:
        """The signer's public key (SPKI, DER)."""
        return Signer(self.signer).spki

    def check(self, text: str) -> None:
        """Raise EvidenceError unless this is the signer's signature over a session's text."""
        key = load_der_public_key(self.key)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(self.signature, message(text))
                return
            if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
                key.verify(self.signature, message(text), ec.ECDSA(hashes.SHA256()))
                return
        except InvalidSignature:
            raise EvidenceError(
                f"{_WHAT}: signature",
                got="one that does not verify",
                wanted="a signature over this very text",
                do="Sign it again: any change of the text, a space too, makes it another one.",
            ) from None
        raise EvidenceError(
            f"{_WHAT}: signer", got="a key of another kind", wanted="an Ed25519 or P-256 key"
        )


@dataclass(frozen=True)
class Signed:
    """A session's text and the signatures over it, each verified."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def signers(self) -> frozenset[bytes]:
        """The public keys (SPKI, DER) of who signed."""
        return frozenset(s.key for s in self.signatures)

    @classmethod
    def from_json(cls, data: bytes | str) -> Signed:
        """Read and verify `{"session": TEXT, "signatures": [{"signer": KEY, "signature":
        BASE64}]}`; raise EvidenceError for another form, and for a signature that is none.
        """
        found = strictjson.loads(data, _WHAT)
        text = strictjson.member(found, "session", str, _WHAT)
        rows = strictjson.member(found, "signatures", list, _WHAT)
        if len(text) > _TEXT or not 1 <= len(rows) <= _MOST:
            raise EvidenceError(
                _WHAT,
                got=f"{len(text)} characters and {len(rows)} signatures",
                wanted=f"at most {_TEXT} characters, 1 to {_MOST} signatures",
            )
        return cls(text, ()).signed_by(*(_signature(row) for row in rows))

    def signed_by(self, *signatures: Signature) -> Signed:
        """Return it with more signatures; raise EvidenceError for one that does not verify."""
        for signature in signatures:
            signature.check(self.text)
        found = replace(self, signatures=(*self.signatures, *signatures))
        if len(found.signers) < len(found.signatures):
            raise EvidenceError(_WHAT, got="two signatures by one key", wanted="each signer once")
        return found

    def to_json(self) -> str:
        """Return the JSON form, as `from_json` reads it."""
        rows: list[dict[str, Any]] = [
            {"signer": s.signer, "signature": base64.b64encode(s.signature).decode()}
            for s in self.signatures
        ]
        return json.dumps({"session": self.text, "signatures": rows}, indent=2, ensure_ascii=False)


def is_signed(data: bytes) -> bool:
    """Whether a file is a signed session rather than a template: JSON, and no YAML mapping."""
    return data.lstrip()[:1] == b"{" and b'"signatures"' in data


def _signature(row: Any) -> Signature:
    signer = strictjson.member(row, "signer", str, _WHAT)
    return Signature(signer, decode_signature(strictjson.member(row, "signature", str, _WHAT)))


def decode_signature(text: str) -> bytes:
    """Return a signature given in base64; raise EvidenceError for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError(f"{_WHAT}: signature", got="something else", wanted="base64") from None


def sign(text: str, key: ed25519.Ed25519PrivateKey, signer: str) -> Signature:
    """Return a signature over a session's text."""
    if not text:
        raise UsageError(_WHAT, got="no text", wanted="a session")
    return Signature(signer, key.sign(message(text)))
