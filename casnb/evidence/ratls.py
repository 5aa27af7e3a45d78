"""RA-TLS: a certificate that carries evidence about the enclave holding its key, and whether
that evidence names the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.base.view import Shown, cell
from casnb.checks.binding import Binding
from casnb.evidence import cbor
from casnb.evidence.avr import SignedAvr
from casnb.evidence.der import Key, read_key_and_extensions, tlv
from casnb.evidence.ias_forms import chain_pem, signature_bytes, signed_report
from casnb.evidence.layout import Field, FieldRow, Layout
from casnb.evidence.quote import SIGNED_SIZE, EpidQuote, Quote, parse_quote
from casnb.evidence.quote_layout import LENGTH
from casnb.evidence.report import ReportBody

#: A certificate with an IAS report as lists of numbers has 9 kB.
LIMIT = 256 << 10
_RA_TLS = "1.2.840.113741.1337."
_RSA = bytes.fromhex("06092a864886f70d010101")
_P256 = bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107")
_ECDSA_EVIDENCE = bytes.fromhex("a3a21e871b4d4014b70aa125d2fbcd8c")
_TEE_QUOTE = 60000
#: Hash algorithms of the IANA registry "Named Information" that a claim may use.
_HASHES = {1: "sha256", 7: "sha384", 8: "sha512"}

_OE = "Open Enclave SDK, report.h and attest_plugin.h"
OE_REPORT = Layout(
    "Open Enclave report header",
    16,
    (
        Field("version", 0, 4, "u32", "1", _OE),
        Field("report_type", 4, 4, "u32", "2 for a report that others can verify", _OE),
        Field("size", 8, 8, "u64", "how many bytes of quote follow", _OE),
    ),
)
OE_EVIDENCE = Layout(
    "Open Enclave evidence header",
    28,
    (
        Field("version", 0, 4, "u32", "version of this header", _OE),
        Field(
            "format", 4, 16, "bytes", "what follows; a3a21e87... for a DCAP quote with claims", _OE
        ),
        Field("size", 20, 8, "u64", "how many bytes of evidence follow", _OE),
    ),
)


@dataclass(frozen=True)
class RaTlsCertificate(Shown):
    """A certificate with evidence in an extension: `oid` says which, `form` in words; `others`
    were there too and not read.

    Not checked here: the evidence, and the certificate's own signature and dates, which prove
    nothing: the TLS handshake shows who holds the key, and `binding` that the enclave meant this
    key.
    """

    der: bytes = field(repr=False)
    oid: str
    form: str
    key: Key = field(repr=False)
    evidence: Quote | EpidQuote | SignedAvr
    binding: Binding
    others: tuple[str, ...] = ()

    @classmethod
    def from_der(cls, der: bytes) -> RaTlsCertificate:
        """Read an X.509 certificate; raise EvidenceError where it is malformed or carries no
        evidence in a form casnb knows.
        """
        if len(der) > LIMIT:
            raise EvidenceError("certificate", got=f"{len(der)} bytes", wanted=f"at most {LIMIT}")
        key, extensions = read_key_and_extensions(der)
        present = [oid for oid in FORMS if oid in extensions]
        if not present:
            listed = ", ".join(list(extensions)[:12]) or "none"
            raise EvidenceError(
                "certificate: extensions",
                got=listed,
                wanted="one that holds evidence: " + ", ".join(FORMS),
            )
        oid = present[0]
        form, read = FORMS[oid]
        evidence, binding = read(extensions[oid], extensions, key)
        return cls(der, oid, form, key, evidence, binding, tuple(present[1:]))

    @property
    def body(self) -> ReportBody:
        """The report body inside the evidence; unproven until verified."""
        return _body(self.evidence)

    def fields(self) -> list[FieldRow]:
        """Return the rows of the evidence."""
        return self.evidence.fields()

    def to_json_dict(self) -> dict[str, Any]:
        """Return where the evidence stood, whether it names the key, and the evidence decoded."""
        return {
            "type": "ra-tls-certificate",
            **self.statement(),
            "evidence": self.evidence.to_json_dict(),
        }

    def statement(self) -> dict[str, Any]:
        """Return what is said of the certificate itself."""
        return {
            "oid": self.oid,
            "form": self.form,
            "certificate_sha256": hashlib.sha256(self.der).hexdigest(),
            "key_sha256": hashlib.sha256(self.key.spki).hexdigest(),
            "binding": self.binding.to_json(),
            "not_read": list(self.others),
        }

    def __repr__(self) -> str:
        return (
            f"<RaTlsCertificate {self.form}, {'bound' if self.binding.bound else 'not bound'},"
            f" {self.evidence!r}>"
        )

    def __str__(self) -> str:
        return f"{self.form}, extension {self.oid}. {self.binding.sentence}\n\n{self.evidence}"

    def _html(self) -> str:
        return (
            f"<p>{cell(f'{self.form}, extension {self.oid}. {self.binding.sentence}', 600)}</p>"
            + self.evidence._html()
        )


_Evidence = Quote | EpidQuote | SignedAvr
_Reader = Callable[[bytes, Mapping[str, bytes], Key], tuple[_Evidence, Binding]]


def _body(evidence: _Evidence) -> ReportBody:
    return evidence.avr.quote.body if isinstance(evidence, SignedAvr) else evidence.body


def _bind(evidence: _Evidence, rules: Mapping[str, bytes]) -> Binding:
    """Compare all 64 bytes of report data with what each rule wants, filled up with zeros;
    nothing wanted is never found.
    """
    got = _body(evidence).report_data
    found = {rule: wanted.ljust(64, b"\0") if wanted else b"" for rule, wanted in rules.items()}
    rule = next((rule for rule, wanted in found.items() if wanted == got), next(iter(found)))
    return Binding(rule, got.hex(), found[rule].hex(), got)


def _hashed(key: Key) -> dict[str, bytes]:
    """The rules of RA-TLS: a hash of the whole key info, or for an RSA key of the key alone."""
    rules = {"SHA-256 of the key (SubjectPublicKeyInfo)": hashlib.sha256(key.spki).digest()}
    if _RSA in key.spki[:24]:
        rules["SHA-256 of the key (RSAPublicKey)"] = hashlib.sha256(key.bits).digest()
    return rules


def _hashed_pem(key: Key) -> dict[str, bytes]:
    """The rules of Open Enclave, which hashes a C string."""
    return {
        "SHA-256 of the key in PEM with a final zero byte": hashlib.sha256(key.pem).digest(),
        "SHA-256 of the key in PEM": hashlib.sha256(key.pem[:-1]).digest(),
    }


def _quote(value: bytes, _: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    evidence = parse_quote(_octets(value))
    return evidence, _bind(evidence, _hashed(key))


def _dice(value: bytes, _: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    """A quote over the hash of claims, one of which is the hash of the key. Source: TCG DICE,
    tagged evidence; CBOR tag 60000.
    """
    what = "tagged evidence"
    tagged = cbor.loads(_octets(value), what)
    match tagged:
        case cbor.Tag(number=number, value=[bytes() as quote, bytes() as claims]) if (
            number == _TEE_QUOTE
        ):
            evidence = parse_quote(quote)
        case _:
            wanted = f"tag {_TEE_QUOTE} over a list of quote and claims"
            raise EvidenceError(what, got="something else", wanted=wanted)
    name, named = _named_key(claims)
    whole = _bind(evidence, {"SHA-256 of the claims": hashlib.sha256(claims).digest()})
    if not whole.bound:
        return evidence, whole
    digest = hashlib.new(name, key.spki).digest()
    rule = f"SHA-256 of claims that name this key by its {name.upper().replace('SHA', 'SHA-')}"
    return evidence, Binding(rule, named.hex(), digest.hex(), evidence.body.report_data)


def _named_key(data: bytes) -> tuple[str, bytes]:
    """Return by which hash claims name a key, and the hash."""
    claims = cbor.loads(data, "claims")
    claim = claims.get("pubkey-hash") if isinstance(claims, dict) else None
    match cbor.loads(claim, "claim pubkey-hash") if isinstance(claim, bytes) else None:
        case [int(number), bytes(digest)] if number in _HASHES:
            return _HASHES[number], digest
    raise EvidenceError(
        "claim pubkey-hash",
        got="something else",
        wanted="a list of SHA-256, SHA-384 or SHA-512 and the hash",
    )


def _oe_report(value: bytes, _: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    data = _octets(value)
    version, kind, size = OE_REPORT.unpack(data)
    if (version, kind, size) != (1, 2, len(data) - OE_REPORT.size):
        raise EvidenceError(
            "Open Enclave report header",
            got=f"version {version}, type {kind}, size {size}",
            wanted=f"version 1, type 2, size {len(data) - OE_REPORT.size}",
        )
    evidence = parse_quote(data[OE_REPORT.size :])
    return evidence, _bind(evidence, _hashed_pem(key))


def _oe_evidence(value: bytes, _: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    """A DCAP quote over the hash of what follows it, which for this key would be its PEM and is
    therefore not read.
    """
    data = _octets(value)
    _, form, size = OE_EVIDENCE.unpack(data)
    if form != _ECDSA_EVIDENCE or size != len(data) - OE_EVIDENCE.size:
        raise EvidenceError(
            "Open Enclave evidence header",
            got=f"format {form.hex()}, size {size}",
            wanted=f"format {_ECDSA_EVIDENCE.hex()}, size {len(data) - OE_EVIDENCE.size}",
        )
    rest = data[OE_EVIDENCE.size :]
    (signature,) = LENGTH.unpack(rest, SIGNED_SIZE)
    end = SIGNED_SIZE + LENGTH.size + signature
    evidence = parse_quote(rest[:end])
    return evidence, _bind(evidence, _hashed_pem(key))


def _ias(value: bytes, extensions: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    """An IAS report and, in extensions beside it, its signature and certificates."""
    parts = {
        name: extensions.get(_RA_TLS + n)
        for name, n in (("signing certificate", "4"), ("signature", "5"))
    }
    for name, part in parts.items():
        if part is None:
            raise EvidenceError(
                f"certificate: IAS {name}",
                got="nothing",
                wanted="an extension beside the IAS report",
            )
    authority = extensions.get(_RA_TLS + "3")
    chain = chain_pem(_octets(parts["signing certificate"] or b"")) + (
        chain_pem(_octets(authority)) if authority else b""
    )
    evidence = SignedAvr(
        _octets(value), signature_bytes(_octets(parts["signature"] or b""), "IAS signature"), chain
    )
    return evidence, _bind(evidence, _hashed(key))


def _comment(value: bytes, __: Mapping[str, bytes], key: Key) -> tuple[_Evidence, Binding]:
    """An IAS report in a Netscape comment: `body|signature|certificate`, or JSON, its parts in
    base64 or lists of numbers.
    """
    if value[:1] == b"\x16":
        _, start, end = tlv(value, 0, len(value))
        value = value[start:end]
    if value.count(b"|") >= 2:
        body, signature, certificate = value.rsplit(b"|", 2)
        evidence = SignedAvr(
            body, signature_bytes(signature, "IAS signature"), chain_pem(_octets(certificate))
        )
    else:
        evidence = signed_report(strictjson.loads(value, "certificate: comment"))
    point = key.bits[1:] if _P256 in key.spki[:27] and key.bits[:1] == b"\4" else b""
    return evidence, _bind(evidence, {"the key itself, x then y": point})


#: Extensions that hold evidence; of several in one certificate the first in this order counts.
FORMS: Mapping[str, tuple[str, _Reader]] = {
    "2.23.133.5.4.9": ("DICE tagged evidence", _dice),
    _RA_TLS + "6": ("SGX quote", _quote),
    "0.6.9.42.840.113741.1337.6": ("SGX quote, as Gramine spells its number", _quote),
    "1.3.6.1.4.1.311.105.2": ("Open Enclave evidence", _oe_evidence),
    "1.2.840.113556.10.1.2": ("Open Enclave evidence, old number", _oe_evidence),
    "1.3.6.1.4.1.311.105.1": ("Open Enclave report", _oe_report),
    "1.2.840.113556.10.1.1": ("Open Enclave report, old number", _oe_report),
    _RA_TLS + "2": ("IAS report", _ias),
    "2.16.840.1.113730.1.13": ("IAS report in a comment", _comment),
}


def _octets(value: bytes) -> bytes:
    """Return the content of an OCTET STRING that fills the value, or the value itself where it
    is none.
    """
    if value[:1] == b"\4":
        try:
            _, start, end = tlv(value, 0, len(value))
        except EvidenceError:
            return value
        return value[start:end] if end == len(value) else value
    return value


def carries_evidence(der: bytes) -> bool:
    """Whether a certificate has one of the extensions in FORMS; False for what is none."""
    if len(der) > LIMIT:
        return False
    try:
        _, extensions = read_key_and_extensions(der)
    except EvidenceError:
        return False
    return any(oid in extensions for oid in FORMS)
