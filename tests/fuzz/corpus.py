"""What mutations start from: one good piece of everything casnb reads, made by the simulator,
and bad ones to splice with.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from evidence import images
from evidence.ratls_forms import FORMS, certificate, claims, encode, tagged
from evidence.samples import BODY, EPID, EPID_SIGNED, LEDGER, QUOTE, avr, cas_report
from evidence.samples import SIGSTRUCT as UNSIGNED
from fuzz.mutators import Sample

from casnb.conformance.forging import sgx_of
from casnb.evidence.avr import SignedAvr
from casnb.evidence.quote import Quote
from casnb.measure.program import EnclaveFile, Segment
from casnb.simulator.keys import der as der_value
from casnb.simulator.scenario import Scenario
from casnb.simulator.server.site import render_page
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.verify.endorsements import Endorsements
from casnb.verify.tcb import TcbStatus

#: The worlds have one seed, hence one Intel; the third attests by IAS and is as good as the first.
GOOD, OLD = World("fuzz", "production"), World("fuzz", "dcap-debug")
IAS = World(
    "fuzz",
    Scenario("ias", "an attested CAS", "", TcbStatus.UP_TO_DATE, debug=False, signer="vendor"),
)
#: Another Intel altogether: nothing of it may ever pass.
STRANGER = World("stranger", "production")
LISTS = GOOD.endorsements()
DATA = bytes(range(64))


def quote_lengths(quote: bytes) -> list[tuple[int, int, str]]:
    """Where a DCAP quote has its three lengths."""
    at = 1014 + int.from_bytes(quote[1012:1014], "little")
    return [(432, 4, "little"), (1012, 2, "little"), (at, 2, "little"), (at + 2, 4, "little")]


def fitting(quote: bytes) -> bytes:
    """A quote with its lengths as they must be, whatever else became of it."""
    if len(quote) < 1030:
        return quote
    at = 1014 + int.from_bytes(quote[1012:1014], "little")
    whole = quote[:432] + (len(quote) - 436).to_bytes(4, "little") + quote[436:]
    return (
        whole[: at + 2] + (len(quote) - at - 6).to_bytes(4, "little") + whole[at + 6 :]
        if len(quote) >= at + 6
        else whole
    )


def quote(name: str, data: bytes) -> Sample:
    return Sample.binary(name, data, quote_lengths(data), (436, 948), fitting)


def combined(quotes: Iterable[bytes]) -> list[bytes]:
    """These quotes, and each statement with what vouches for its key in another: both were truly
    signed, so that is not a forgery.
    """
    found = list(dict.fromkeys(quotes))
    return list(
        dict.fromkeys(
            fitting(a[:500] + b[500:]) for a in found for b in found if a[500:564] == b[500:564]
        )
    )


@cache
def good_quotes() -> tuple[Sample, ...]:
    """Quotes that are genuine under the roots and lists of GOOD."""
    made = {
        "production": GOOD.quote(DATA),
        "other data": GOOD.quote(DATA[::-1]),
        "no authentication data": GOOD.quote(DATA, auth_data=b""),
        **{
            name: World("fuzz", name).quote(DATA)
            for name in ("dcap-debug", "hyperthreading", "revoked")
        },
    }
    return tuple(quote(name, data) for name, data in made.items())


@cache
def bad_quotes() -> tuple[Sample, ...]:
    """Quotes that are not: of another Intel, by an attacker's keys, of an enclave that was never
    initialised.
    """
    key = ec.derive_private_key(4711, ec.SECP256R1())
    return (
        quote("stranger", STRANGER.quote(DATA)),
        quote("signed by another", GOOD.quote(DATA, sign_with=key)),
        quote("another key", GOOD.quote(DATA, attestation_key=key, certify_with=key)),
        quote("not initialised", GOOD.quote(DATA, body={"attributes_flags": 4})),
    )


@cache
def signed_avrs() -> dict[str, SignedAvr]:
    """IAS reports, good ones first; the last was signed by another service."""
    return {
        "good": IAS.avr(DATA),
        "with nonce": IAS.avr(DATA, nonce="ab" * 16),
        "outdated": World("fuzz", "public").avr(DATA),
        "stranger": STRANGER.avr(DATA),
    }


@cache
def certificates() -> Mapping[str, bytes]:
    """RA-TLS certificates in every form, DER; the last has evidence about another key."""
    made = SimpleNamespace(
        key=ec.derive_private_key(11, ec.SECP256R1()),
        other=ec.derive_private_key(12, ec.SECP256R1()),
        wide=ec.derive_private_key(13, ec.SECP384R1()),
        rsa=_rsa(),
        world=IAS,
    )
    out = {
        name: unsigned(certificate(getattr(made, which), extensions(made, getattr(made, which))))
        for name, (which, extensions, _, _) in FORMS.items()
    }
    return {
        **out,
        "another's evidence": unsigned(certificate(made.other, FORMS["quote"][1](made, made.key))),
    }


def unsigned(certificate: bytes) -> bytes:
    """The same with zeros for its own signature, which nobody looks at and which would be
    another one in every run.
    """
    tbs = x509.load_der_x509_certificate(certificate).tbs_certificate_bytes
    rest = certificate[certificate.index(tbs) + len(tbs) :]
    return der_value(0x30, tbs + rest[: 2 + rest[1]] + der_value(0x03, bytes(65)))


def _rsa() -> rsa.RSAPrivateKey:
    key = IAS.intel.ias_leaf.key
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def part(name: str, data: bytes | str) -> Sample:
    """One part of several, its name on a line before it."""
    raw = data.encode() if isinstance(data, str) else data
    head = name.encode() + b"\n"
    return Sample.text(f"{name} {len(raw)}", head + raw, len(head))


def parts(lists: Endorsements) -> tuple[Sample, ...]:
    """Every text of endorsements as a sample of its own."""
    return tuple(part(name, text) for name, text in lists.to_json().items())


def lists_json(lists: Endorsements) -> bytes:
    return json.dumps(lists.to_json()).encode()


def pem(data: bytes, label: str) -> bytes:
    return (
        f"-----BEGIN {label}-----\n".encode()
        + base64.encodebytes(data)
        + f"-----END {label}-----\n".encode()
    )


@cache
def pages() -> tuple[Sample, ...]:
    """Small pages: a whole one costs a parser a millisecond."""
    whole = render_page(GOOD).encode()
    table = whole[whole.index(b"<table") : whole.rindex(b"</table>") + 8]
    small = (
        b"<table><tr><th>Address<th>MrEnclave</tr><tr><td>cas.cf<td>"
        + b"07" * 32
        + b"</table>scone cas attest cas.cf "
        + b"08" * 32
    )
    escaped = small.replace(b"cas.cf", b"&lt;x&gt;")
    return Sample.text("table", table), Sample.text("small", small), Sample.text("escaped", escaped)


@cache
def der() -> tuple[Sample, ...]:
    """Certificates of every role."""
    intel = GOOD.intel
    pairs = {
        "root": intel.root,
        "authority": intel.pck_ca,
        "signer": intel.tcb_signer,
        "platform": GOOD.platform.pck,
        "IAS root": intel.ias_root,
        "IAS": intel.ias_leaf,
        "CAS": GOOD.cas_root,
        "TLS": GOOD.tls_leaf,
    }
    return tuple(
        Sample.der(name, pair.cert.public_bytes(Encoding.DER)) for name, pair in pairs.items()
    )


@cache
def chains() -> tuple[Sample, ...]:
    return (
        Sample.text("platform", Quote.from_bytes(GOOD.quote(DATA)).pck_chain_pem),
        Sample.text("CAS", GOOD.cas_chain_pem),
        Sample.text("CAS with CRLF", GOOD.cas_chain_pem.replace(b"\n", b"\r\n")),
        Sample.text("roots", GOOD.roots_pem),
    )


@cache
def files() -> tuple[Sample, ...]:
    """What somebody may hand to `casnb verify`: every kind, every wrapping."""
    good, old = good_quotes()[0].data, good_quotes()[3].data
    report, ias = GOOD.attest("DCAP", "ab" * 16), IAS.attest("IASReport", "ab" * 16)
    made = certificates()
    return (
        quote("quote", good),
        quote("old quote", old),
        quote("stranger", bad_quotes()[0].data),
        Sample.text("hex", good.hex().encode()),
        Sample.text("base64", base64.b64encode(good)),
        Sample.text("PEM", pem(good, "SGX QUOTE")),
        Sample.text("CAS report", report),
        Sample.text("CAS report, IAS", ias),
        Sample.text("CAS report, EPID", IAS.attest("EPID")),
        Sample.text("old CAS report", OLD.attest("DCAP")),
        Sample.text("RA-TLS, PEM", pem(made["quote"], "CERTIFICATE")),
        *(
            Sample.der(f"RA-TLS, {name}", made[name])
            for name in (
                "quote",
                "dice",
                "open-enclave",
                "ias",
                "comment-bars",
                "comment-numbers",
                "another's evidence",
            )
        ),
    )


@cache
def kinds() -> tuple[Sample, ...]:
    """One of everything that `casnb decode` reads."""
    avr_ = signed_avrs()["good"]
    return (
        *files(),
        Sample.binary("report body", BODY.to_bytes()),
        Sample.binary("local report", BODY.to_bytes() + bytes(48)),
        Sample.binary("EPID", EPID_SIGNED.to_bytes(), ((432, 4, "little"),)),
        Sample.binary("SIGSTRUCT", GOOD.sigstruct),
        Sample.binary("ledger", LEDGER.to_bytes()),
        Sample.text("AVR", avr_.body),
        Sample.text("endorsements", lists_json(LISTS)),
        Sample.text("SIGSTRUCT in hex", GOOD.sigstruct.hex().encode()),
    )


@cache
def quotes_read() -> tuple[Sample, ...]:
    return (
        *good_quotes(),
        *bad_quotes(),
        quote("made up", QUOTE.to_bytes()),
        *(
            quote(
                f"type {n}",
                replace(QUOTE, certification_type=n, certification_data=bytes(384)).to_bytes(),
            )
            for n in (1, 4)
        ),
    )


EPIDS = (
    Sample.binary("432 bytes", EPID.to_bytes()),
    Sample.binary("signed", EPID_SIGNED.to_bytes(), ((432, 4, "little"),)),
    Sample.binary("simulated", GOOD.epid_quote(DATA), ((432, 4, "little"),)),
)
BODIES = (
    Sample.binary("made up", BODY.to_bytes()),
    Sample.binary("simulated", GOOD.quote(DATA)[48:432]),
)
SIGSTRUCTS = (
    Sample.binary("vendor", GOOD.sigstruct),
    Sample.binary("test", OLD.sigstruct),
    Sample.binary("unsigned", UNSIGNED.to_bytes()),
)
PROGRAMS = (
    Sample.binary("program", GOOD.enclave.file.to_bytes()),
    Sample.binary(
        "small",
        EnclaveFile(1, 8192, (Segment(0, 0x205, 1, b"code"), Segment(4096, 0x203, 1))).to_bytes(),
    ),
)
IMAGES = (
    Sample.binary("image", GOOD.image()),
    Sample.binary("with a heap", GOOD.image({"SCONE_HEAP": "48K"})),
)
TAR_LAYERS = (
    Sample.binary(
        "layer",
        images.tar(
            ("cas", images.FOLDER),
            ("cas/cas.enclave", GOOD.enclave.file.to_bytes()),
            ("cas/cas.sig", GOOD.sigstruct),
            (".wh.old", b""),
            images.link("link", "cas/cas.enclave"),
        ),
    ),
)
LEDGERS = (
    Sample.binary("small", LEDGER.to_bytes()),
    Sample.binary("smaller", LEDGER.to_bytes()[:1088]),
)
AVRS = (
    Sample.text("made up", avr()),
    Sample.text("version 3", avr(version=3)),
    Sample.text("simulated", signed_avrs()["outdated"].body),
)
REPORTS = tuple(
    Sample.text(kind, cas_report(kind)) for kind in ("IASReport", "EPIDQuote", "DCAPQuote")
)
CRLS = (
    Sample.text("root", LISTS.root_ca_crl.encode()),
    Sample.text("platforms", LISTS.pck_crl.encode()),
    Sample.text("PEM", pem(bytes.fromhex(LISTS.pck_crl), "X509 CRL")),
)
SGX = (Sample.der("platform", sgx_of(GOOD.platform.pck)),)
CBOR = (
    Sample.binary("claims", claims(ec.derive_private_key(11, ec.SECP256R1()))),
    Sample.binary("evidence", tagged(bytes(300), encode({"a": [1, b"2", "3"]}))),
)
HASHES = tuple(
    Sample.binary(name, text.encode())
    for name, text in zip(
        ("root", "instance"), CasChain.from_pem(GOOD.cas_chain_pem).key_hashes, strict=True
    )
)
TCB_INFOS = (Sample.text("TCB info", LISTS.tcb_info.encode()),)
IDENTITIES = (Sample.text("QE identity", LISTS.qe_identity.encode()),)
JSONS = (
    *AVRS[:1],
    *REPORTS[:1],
    *IDENTITIES,
    Sample.text("small", b'{"a":[1,2.5,-3,"\\u00e9",true,null,{"b":{}}],"c":"d"}'),
)
