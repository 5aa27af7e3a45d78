"""Readers around the verifier, and evidence signed again by the true simulated authorities after
its structure was changed: what must hold of each.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fuzz import corpus, structure
from fuzz.mutators import Sample

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError
from casnb.cas import client as client_module
from casnb.cas.attest import attest
from casnb.cas.audit import LogStatus, verify_log
from casnb.cas.audit_entries import Checkpoints
from casnb.cas.client import CasClient
from casnb.cas.trust import TrustStore
from casnb.policy.policy import AttestationPolicy
from casnb.session.session import Session
from casnb.simulator.enclave_protocol import service_binding
from casnb.simulator.keys import der
from casnb.simulator.server.audit_log import AuditLog, audit_key
from casnb.simulator.server.client_app import plant_example
from casnb.simulator.server.enclave_api import EnclaveApi
from casnb.simulator.server.http_answers import Refused
from casnb.simulator.server.running import example_owner
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.store import Store
from casnb.teach.course.exercises import catalogue
from casnb.teach.course.feedback import RIGHT
from casnb.teach.course.progress_file import FORMAT, ProgressFile
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import Answer
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import verify_endorsements
from casnb.verify.ias import verify_avr

WORLD, NOW, ROOTS = corpus.GOOD, corpus.GOOD.now, corpus.GOOD.roots
POLICY = """\
name: {}
version: "0.3"
services:
- {{name: web, command: run $$SCONE::token$$, attestation: {{mrenclave: [{}]}}}}
secrets:
- {{name: token, kind: ascii, value: s3cret}}
- {{name: key, kind: binary, size: 16, export: [{{session: other}}]}}
access_policy: {{read: ANY, update: CREATOR}}
"""


@cache
def kept() -> Any:
    """A CAS with two sessions and an audit log, in a folder of its own until the end."""
    folder = tempfile.TemporaryDirectory(prefix="casnb-fuzz-")
    store = Store(Path(folder.name) / "cas.sqlite3")
    log = AuditLog(WORLD, store, Path(folder.name) / "audit.jsonl", "signed", lambda: NOW)
    log.start()
    api = ClientApi(WORLD, store, lambda: NOW, log)
    owner = example_owner(WORLD)
    plant_example(api, owner)
    api.create(POLICY.format("mine", WORLD.mrenclave).encode(), owner)
    remembered = Checkpoints.from_json(strictjson.compact(log.checkpoints(0, 1 << 40)))
    return SimpleNamespace(
        folder=folder, store=store, owner=owner, checkpoints=remembered, log=log.path.read_bytes()
    )


# Audit log


def log_samples() -> tuple[Sample, ...]:
    return (Sample.text("log", kept().log),)


def audit_log(data: bytes) -> str:
    """Only the log itself, with or without its last line end, is correct."""
    verdict = verify_log(data, WORLD.cas_root.cert, kept().checkpoints)
    if verdict.status is LogStatus.CORRECT:
        if data.rstrip(b"\n") != kept().log.rstrip(b"\n"):
            raise AssertionError("a log that was changed is correct")
        return "unchanged"
    return f"refused: {int(verdict.status)}"


def audit_log_signed_anew(data: bytes) -> str:
    """Every line signed again, by the CAS's own key: what it says may still not be what the CAS
    remembers.
    """
    key, before, out = audit_key(WORLD), "", b""
    for line in data.splitlines():
        entry = strictjson.loads(line, "line")
        if not isinstance(entry, dict):
            raise EvidenceError("line", got="no object")
        entry |= {"predecessor": before, "signing_key": key.public_key().public_bytes_raw().hex()}
        entry.pop("signature", None)
        before = key.sign(strictjson.compact(entry)).hex()
        out += strictjson.compact({**entry, "signature": before}) + b"\n"
    return audit_log(out)


# Files of the reader's own, and answers of a CAS


def _in_a_file(use: Callable[[Path], object]) -> Callable[[bytes], str]:
    def check(data: bytes) -> str:
        with tempfile.TemporaryDirectory(prefix="casnb-fuzz-") as folder:
            path = Path(folder) / "file.json"
            path.write_bytes(data)
            try:
                use(path)
            except CasnbError as exc:  # what it says must not depend on where the file lay
                raise type(exc)(str(exc).replace(folder, "FOLDER")) from None
            kept_ = [p.read_bytes() for p in Path(folder).iterdir()]
            if data not in kept_:
                raise AssertionError("a file that was only read is gone")
        return "read"

    return check


def _pins(path: Path) -> None:
    store = TrustStore(path)
    for name in store.names():
        str(store.get(name))
    assert store.default is None or isinstance(store.default, str)


def _progress(path: Path) -> None:
    entries, _ = ProgressFile(path).load()
    str(ProgressFile(path).progress())
    assert isinstance(entries, dict)


trust_file, progress_file = _in_a_file(_pins), _in_a_file(_progress)


@cache
def pins() -> tuple[Sample, ...]:
    """A trust file as `scone cas attest` leaves it."""
    policy = AttestationPolicy(mrenclaves=(WORLD.mrenclave,), expected_signer=WORLD.vendor)
    report = WORLD.attest(WORLD.setup.evidence[0])
    with tempfile.TemporaryDirectory(prefix="casnb-fuzz-") as folder:
        path = Path(folder) / "config.json"
        TrustStore(path).add(attest("127.0.0.1", policy, roots=ROOTS, now=NOW, report=report))
        found = json.loads(path.read_bytes())
    return (Sample.text("pin", strictjson.compact(found)),)


def progress() -> tuple[Sample, ...]:
    entry = {"status": RIGHT, "tries": 2, "hints": 1, "codes": ["a"], "at": "2026-09-01T12:00:00Z"}
    rows = dict.fromkeys(list(catalogue())[:3], entry)
    return (Sample.text("file", strictjson.compact({"format": FORMAT, "exercises": rows})),)


def session(data: bytes) -> str:
    """What is read has one hash, and its normal form is read as the same session again."""
    found = Session.from_yaml(data)
    again = Session.from_yaml(found.to_yaml())
    if again.hash != found.hash or again.to_yaml() != found.to_yaml():
        raise AssertionError("written again, it is another session")
    return "read"


SESSIONS = (
    Sample.text("services", POLICY.format("mine", "ab" * 32).encode()),
    Sample.text("small", b"name: a\nversion: '0.3'\nsecrets:\n- {name: v, kind: ascii}\n"),
)


def session_documents() -> tuple[Sample, ...]:
    """Sessions as JSON, which is YAML too; together they have most of the language's members."""
    import yaml

    first = yaml.safe_load(SESSIONS[0].data)
    keys = [
        {"name": "k", "kind": "private-key", "key_type": "P-256"},
        {"name": "c", "kind": "x509", "private_key": "k", "issuer": "ca", "dns": ["a.b"]},
        {"name": "ca", "kind": "x509-ca", "private_key": "k", "export": [{"namespace": "n"}]},
        {"name": "i", "kind": "ascii", "import": {"session": "a", "secret": "s"}},
    ]
    parts = {
        "images": [{"name": "i", "injection_files": [{"path": "/a", "content": "x"}]}],
        "volumes": [{"name": "v", "export": {"session": "o"}}],
        "security": {"attestation": {"tolerate": ["debug-mode"]}},
    }
    policy = {"read": ["ANY"], "update": [{"require-all": ["CREATOR"]}]}
    rows = (
        first,
        {**first, **parts},
        {"name": "k", "version": "0.3", "secrets": keys, "access_policy": policy},
    )
    return tuple(
        Sample.text(f"document {n}", strictjson.compact(row)) for n, row in enumerate(rows)
    )


def answers() -> tuple[Sample, ...]:
    rows = (
        {"kind": "string", "value": "42", "expires": None, "renew": None},
        {"values": {"a": {"kind": "string", "value": "42", "expires": None, "renew": None}}},
        {"hash": "ab" * 32, "session": "name: a\nversion: '0.3'\n"},
        {"sessions": ["a", "a/b"], "next": 7},
        {"last": {"sequence_number": 2, "signature": "ab" * 64}, "checkpoints": []},
        {"version": "6.0.2", "msg": ["no", "not at all"]},
    )
    return tuple(Sample.text(f"answer {n}", strictjson.compact(r)) for n, r in enumerate(rows))


def cas_answer(data: bytes) -> str:
    """Every question of the client is answered with these bytes, with success and with refusal."""
    attested: Any = SimpleNamespace(
        name="cas",
        host="cas",
        port=8081,
        url="https://cas:8081",
        chain=CasChain.from_pem(WORLD.cas_chain_pem),
    )
    asked = 0
    words: list[str] = []
    found = client_module.CasClient.__new__(CasClient)
    found.attested, found.identity, found.timeout, found._context = attested, None, 1.0, None  # type: ignore[assignment]

    def answer(status: int) -> Callable[..., Answer]:
        def exchange(*_: object, **__: object) -> Answer:
            nonlocal asked
            asked += 1
            if asked > 2000:
                raise AssertionError("the client asks without end")
            return Answer(status, data, {}, b"")

        return exchange

    before = client_module.exchange
    try:
        for status in (200, 404):
            client_module.exchange = answer(status)  # type: ignore[assignment]
            for ask in (
                lambda: found.value("s", "v"),
                lambda: found.values("s"),
                lambda: found.read_session("s"),
                found.sessions,
                found.audit_checkpoints,
                found.version,
            ):
                try:
                    ask()
                    words.append("read")
                except CasnbError as exc:
                    words.append("malformed")
                    if len(str(exc)) > 1200 or "\x1b" in str(exc):
                        raise AssertionError("a message without bound or not neutralised") from None
    finally:
        client_module.exchange = before
    return "read" if "read" in words else "malformed: every answer"


# Enclave API


@cache
def _api() -> EnclaveApi:
    return EnclaveApi(WORLD, kept().store, lambda: NOW)


def enclave_requests() -> tuple[Sample, ...]:
    nonce = "ab" * 32
    quote = WORLD.quote(service_binding(nonce, kept().owner.key))
    good = {"config_id": "mine/web", "nonce": nonce, "quote": base64.b64encode(quote).decode()}
    return (Sample.text("request", strictjson.compact(good)),)


def enclave_request(data: bytes) -> str:
    """The configuration is given for the one good request alone, whatever is asked with a nonce
    that is always fresh.
    """
    api = _api()
    api._nonces["ab" * 32] = NOW
    try:
        given = api.configure(data, kept().owner)
    except Refused as exc:
        if not 400 <= exc.status < 500 or sum(map(len, exc.sentences)) > 8000:
            raise AssertionError(f"refused with {exc.status}, or in too many words") from None
        return f"refused: {exc.status}"
    good = json.loads(enclave_requests()[0].data)
    asked = json.loads(data)
    if (asked["config_id"], asked["nonce"]) != (good["config_id"], good["nonce"]):
        raise AssertionError("a configuration for another service")
    if "s3cret" not in str(given["command"]):
        raise AssertionError("a configuration without its secret")
    a, b = (base64.b64decode(q["quote"]) for q in (asked, good))
    if a[:432] != b[:432]:
        raise AssertionError("a configuration for another quote")
    return "unchanged"


# Signed again


def _signature_of(certificate_or_list: bytes) -> bytes:
    """The algorithm, as it stands in a certificate or list that was validly signed."""
    ((_, content),) = structure.parse(certificate_or_list)
    assert isinstance(content, list)
    return structure.encode(content[1])


def signed(tbs: bytes, like: bytes, key: Any) -> bytes:
    made = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der(0x30, tbs + _signature_of(like) + der(0x03, b"\0" + made))


def _pem(data: bytes, label: str = "CERTIFICATE") -> bytes:
    return corpus.pem(data, label)


@cache
def ready() -> Any:
    return verify_endorsements(corpus.LISTS, roots=ROOTS, now=NOW)


def platform_tbs() -> tuple[Sample, ...]:
    return (Sample.binary("PCK", WORLD.platform.pck.cert.tbs_certificate_bytes),)


def platform_certificate(data: bytes) -> str:
    """The platform's certificate, changed in its structure and signed by the true authority: what
    is believed is DER as signers write it, of the platform's key, within its dates.
    """
    from cryptography.hazmat.primitives.serialization import Encoding

    good = WORLD.platform.pck.cert
    certificate = signed(data, good.public_bytes(Encoding.DER), WORLD.intel.pck_ca.key)
    chain = _pem(certificate) + WORLD.intel.pck_ca.cert_pem + WORLD.intel.root.cert_pem
    raw = WORLD.quote(corpus.DATA)
    from casnb.evidence.quote import Quote

    quote = replace(Quote.from_bytes(raw), certification_data=chain)
    proof = verify_quote(quote.to_bytes(), ready(), roots=ROOTS, now=NOW)
    if not proof.genuine:
        return "refused"
    read = x509.load_der_x509_certificate(certificate)
    if not structure.canonical(certificate):
        raise AssertionError("a certificate is believed that is not DER")
    if read.public_key() != good.public_key():
        raise AssertionError("a certificate of another key is believed")
    if not read.not_valid_before_utc <= NOW <= read.not_valid_after_utc:
        raise AssertionError("a certificate is believed outside its dates")
    if {e.oid for e in read.extensions if e.critical} - {e.oid for e in good.extensions}:
        raise AssertionError("an unknown critical extension is passed over")
    return "unchanged"


def list_tbs() -> tuple[Sample, ...]:
    found = []
    for name in ("pck_crl", "root_ca_crl"):
        raw = bytes.fromhex(getattr(corpus.LISTS, name))
        head = name.encode() + b"\n"
        tbs = x509.load_der_x509_crl(raw).tbs_certlist_bytes
        found.append(Sample(name, head + tbs, head=len(head)))
    return tuple(found)


def revocation_list(data: bytes) -> str:
    """A revocation list, changed in its structure and signed by its true authority."""
    name, _, tbs = data.partition(b"\n")
    field, authority = {
        b"pck_crl": ("pck_crl", WORLD.intel.pck_ca),
        b"root_ca_crl": ("root_ca_crl", WORLD.intel.root),
    }.get(name, ("", None))
    if authority is None:
        raise EvidenceError("endorsements", got="another member")
    good = bytes.fromhex(getattr(corpus.LISTS, field))
    made = signed(tbs, good, authority.key)
    found = verify_endorsements(replace(corpus.LISTS, **{field: made.hex()}), roots=ROOTS, now=NOW)
    proof = verify_quote(corpus.good_quotes()[0].data, found, roots=ROOTS, now=NOW)
    if not proof.genuine:
        return "refused"
    read = x509.load_der_x509_crl(made)
    if not structure.canonical(made):
        raise AssertionError("a list is believed that is not DER")
    if read.next_update_utc is None or not read.last_update_utc <= NOW <= read.next_update_utc:
        raise AssertionError("a list is believed outside its dates")
    serials = {row.serial_number for row in read}
    if {WORLD.platform.pck.cert.serial_number, WORLD.intel.pck_ca.cert.serial_number} & serials:
        raise AssertionError("a revoked certificate is believed")
    return "unchanged"


def ias_body() -> tuple[Sample, ...]:
    return tuple(Sample.text(n, corpus.signed_avrs()[n].body) for n in ("good", "outdated"))


def ias_report(data: bytes) -> str:
    """The body of an IAS report with other values in it, signed by the service's key: what is told
    is what a plain reading of it says.
    """
    key = WORLD.intel.ias_leaf.key
    assert isinstance(key, rsa.RSAPrivateKey)
    good = corpus.signed_avrs()["good"]
    signature = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    proof = verify_avr(replace(good, body=data, signature=signature), roots=ROOTS, now=NOW)
    if not proof.genuine:
        return "refused"
    body = json.loads(data)
    quote = base64.b64decode(body["isvEnclaveQuoteBody"], validate=True)
    if proof.report is None or proof.report.to_bytes() != quote[48:432]:
        raise AssertionError("another enclave than the report's")
    if proof.status_text != body["isvEnclaveQuoteStatus"]:
        raise AssertionError("another status than the report's")
    return "accepted"
