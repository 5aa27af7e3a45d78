"""What the verification tests share: a real quote with its lists, and a simulated world that can sign anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.evidence.avr import SignedAvr
from casnb.evidence.quote import Quote
from casnb.simulator.intel import VALID, key_usage
from casnb.simulator.keys import KeyPair, certificate, distinguished_name, sign_raw
from casnb.simulator.world import World
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements
from casnb.verify.pki import TrustAnchors, intel_roots
from casnb.verify.proof import Proof

SECOND = timedelta(seconds=1)
SAMPLE, SAMPLE_TIME = "dcapqvl-sample-202506", 1752000000
#: The checks that a genuine DCAP quote passes, in order; `tcb-status` follows them.
DCAP = ["quote-format", "pck-chain", "pck-revocation", "tcb-info-signature", "tcb-info-current", "qe-identity-signature",
        "qe-identity-current", "fmspc-match", "qe-report-signature", "qe-report-binding", "qe-identity", "quote-signature"]


def failed(proof: Proof) -> list[str]:
    """Ids of the failed checks, in order."""
    return [c.id for c in proof.failures]


def statuses(proof: Proof) -> dict[str, str]:
    return {c.id: c.status.value for c in proof.checks}


@dataclass(frozen=True)
class Case:
    """A quote, its lists, and the roots and time to judge them by."""

    quote: bytes
    lists: Endorsements
    roots: TrustAnchors
    now: datetime

    def proof(self, **changes: Any) -> Proof:
        """Judge the case, with some of its parts replaced."""
        case = replace(self, **changes)
        return verify_quote(case.quote, case.lists, roots=case.roots, now=case.now)

    def with_lists(self, **members: str) -> Proof:
        return self.proof(lists=replace(self.lists, **members))


def real_case(vectors: Path, name: str = SAMPLE, time: int = SAMPLE_TIME) -> Case:
    folder = vectors / "dcap" / name
    lists = Endorsements.from_json((folder / "collateral.json").read_bytes())
    return Case((folder / "quote.bin").read_bytes(), lists, intel_roots(), datetime.fromtimestamp(time, timezone.utc))


def real_avr(vectors: Path, name: str) -> SignedAvr:
    folder = vectors / "avr" / name
    signature = base64.b64decode((folder / "signature.b64").read_bytes())
    return SignedAvr((folder / "body.json").read_bytes(), signature, (folder / "chain.pem").read_bytes())


def world_case(world: World, quote: bytes | None = None, **lists: Any) -> Case:
    """A case of a simulated world; keywords change its lists before they are signed."""
    return Case(quote or world.quote(bytes(64)), world.endorsements(**lists), world.roots, world.now)


def signed_text(world: World, name: str, text: str, signer: KeyPair | None = None) -> dict[str, str]:
    """Members of endorsements for any text as TCB info or QE identity, truly signed."""
    key = (signer or world.intel.tcb_signer).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return {name: text, f"{name}_signature": sign_raw(key, text.encode("utf-8", "surrogatepass")).hex()}


def text_of(world: World, name: str) -> dict[str, Any]:
    """The signed list as a value that a test may bend."""
    value: dict[str, Any] = json.loads(getattr(world.endorsements(), name))
    return value


def issue(world: World, name: str | x509.Name, signer: KeyPair | None, *, key: Any = None, ca: int | None = None,
          sgx: bytes | None = None, usage: tuple[str, ...] | None = None, valid: tuple[datetime, datetime] = VALID,
          serial: int = 77, basic: bool = True,
          more: tuple[tuple[x509.ExtensionType, bool], ...] = ()) -> KeyPair:
    """A certificate of any role, truly signed: `ca` is a path length, `sgx` an SGX extension; no signer means itself."""
    key = key or world.intel.seed.p256(f"test {name}")
    subject = distinguished_name(CN=name, O="test") if isinstance(name, str) else name
    if usage is None:
        usage = ("key_cert_sign", "crl_sign") if ca is not None else ("digital_signature", "content_commitment")
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False), (key_usage(*usage), True)]
    if basic:
        extensions.append((x509.BasicConstraints(ca is not None, ca), True))
    if sgx is not None:
        extensions.append((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113741.1.13.1"), sgx), False))
    return certificate(subject, key, signer, serial, valid, [*extensions, *more])


def sgx_of(pair: KeyPair) -> bytes:
    """The SGX extension of a PCK certificate."""
    oid = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
    value = pair.cert.extensions.get_extension_for_oid(oid).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def requote(world: World, leaf: KeyPair, *above: KeyPair, **overrides: Any) -> bytes:
    """A quote certified by another PCK certificate, with the chain that is given above it (else the world's)."""
    pairs = above or (world.intel.pck_ca, world.intel.root)
    chain = leaf.cert_pem + b"".join(p.cert_pem for p in pairs)
    return world.quote(bytes(64), certify_with=leaf.key, certification_data=chain, **overrides)


def flip(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def spoil(text: str, at: int = 0) -> str:
    """Change one hex digit."""
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def region(quote: bytes, name: str) -> range:
    """Bytes of a part of a quote, by name."""
    q = Quote.from_bytes(quote)
    cert = len(quote) - len(q.certification_data)
    parts: Mapping[str, range] = {
        "version": range(0, 2), "key type": range(2, 4), "TEE type": range(4, 8), "QE and PCE SVN": range(8, 12),
        "vendor": range(12, 28), "user data": range(28, 48), "report": range(48, 432), "signature length": range(432, 436),
        "signature": range(436, 500), "attestation key": range(500, 564), "QE report": range(564, 948),
        "QE report signature": range(948, 1012), "auth length": range(1012, 1014), "auth data": range(1014, cert - 6),
        "certification type": range(cert - 6, cert - 4), "certification length": range(cert - 4, cert),
        "certificates": range(cert, len(quote))}
    return parts[name]
