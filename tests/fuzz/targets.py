"""Every entry that takes bytes from outside, with what must hold whatever the bytes are.

A check returns what became of the input, in a few words: `read` (a value, and all that is
promised of it holds), `malformed`, `refused` by a check, or `unchanged`: accepted, because it
means exactly what a good sample means. `Forged` is an accept that nothing explains, `Broken` a
promise that does not hold. Any exception that is not casnb's own comes through as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from evidence import images
from fuzz import corpus, entries, meaning
from fuzz.mutators import Mutator, Sample
from fuzz.structure import DerTree, JsonPaths

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError
from casnb.cas.page import parse_page
from casnb.checks.result import CheckStatus
from casnb.cli.many.batch import Item, judge_items
from casnb.cli.many.judge import Terms
from casnb.evidence import cbor
from casnb.evidence.avr import Avr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import read
from casnb.evidence.ledger import Ledger
from casnb.evidence.pck import PckExtension
from casnb.evidence.quote import EpidQuote, Quote, parse_quote
from casnb.evidence.ratls import RaTlsCertificate
from casnb.evidence.report import ReportBody
from casnb.evidence.sigstruct import SigStruct
from casnb.measure.measurer import measure
from casnb.measure.program import EnclaveFile
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.keys import sign_raw
from casnb.tls.cas_chain import CasChain
from casnb.verify.certificate import read_certificate, read_chain
from casnb.verify.crl import Crl
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements, QeIdentity, TcbInfo, verify_endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.keyhash import chain_key_hashes, key_hash_problem
from casnb.verify.pki import TrustAnchors
from casnb.verify.proof import Proof

NOW = corpus.GOOD.now
ROOTS = corpus.GOOD.roots


class Forged(AssertionError):
    """Accepted, and not what anybody signed."""


class Broken(AssertionError):
    """Something that is promised of every input does not hold."""


@dataclass(frozen=True)
class Target:
    """An entry, the samples to begin with, and its share in a run. `full`: signatures are
    verified here.

    `errors` are the exceptions that it may raise: EvidenceError for what reads evidence.
    """

    name: str
    samples: Callable[[], Sequence[Sample]]
    check: Callable[[bytes], str]
    share: int
    full: bool = False
    errors: tuple[type[CasnbError], ...] = (EvidenceError,)
    mutators: Callable[[Sequence[Sample]], Mutator] = Mutator

    @cached_property
    def mutator(self) -> Mutator:
        return self.mutators(self.samples())

    def outcome(self, data: bytes) -> str:
        """Return what became of the input; raise Forged, Broken, or the exception that nobody
        foresaw.
        """
        try:
            return self.check(data)
        except self.errors as exc:
            return (
                f"malformed: {kind(exc)}"
                if isinstance(exc, EvidenceError)
                else f"not judged: {kind(exc)}"
            )


_NUMBER, _NAME = re.compile(r"[0-9]+"), re.compile(r"^(certificate|public CAS page) .*")


def kind(exc: CasnbError) -> str:
    """What an error is about, without what the input itself put into it."""
    return _NUMBER.sub("N", _NAME.sub(r"\1", exc.subject))[:60]


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


# Readers


def inverse(reader: Callable[[bytes], Any]) -> Callable[[bytes], str]:
    """Whatever is read comes back to the byte, and is read as the same value again."""

    def check(data: bytes) -> str:
        value = reader(data)
        again = value.to_bytes()
        require(again == data and reader(again) == value, "serialised, it is another input")
        return "read"

    return check


def sigstruct(data: bytes) -> str:
    value = SigStruct.from_bytes(data)
    require(value.to_bytes() == data, "serialised, it is another input")
    if value.verify()[0]:
        if (value.modulus, value.signed_bytes) not in _signed_structures():
            raise Forged("a SIGSTRUCT that nobody signed")
        return "unchanged"
    return "refused: signature"


@cache
def _signed_structures() -> set[tuple[bytes, bytes]]:
    return {
        (s.modulus, s.signed_bytes)
        for s in (SigStruct.from_bytes(x.data) for x in corpus.SIGSTRUCTS)
        if s.verify()[0]
    }


def image(data: bytes) -> str:
    """A container image is measured: what holds was signed about exactly this program."""
    found = measure(data)
    require(
        len(str(found)) < 20_000 and "\x1b" not in str(found) + found._html(),
        "something without bound or not neutralised",
    )
    if not found.holds:
        return f"refused: {next(c.id for c in found.checks if c.status is CheckStatus.FAILED)}"
    if found.kind == "image" and (
        found.ledger is None
        or found.sigstruct is None
        or (found.sigstruct.modulus, found.sigstruct.signed_bytes) not in _signed_structures()
    ):
        raise Forged("an image that nobody signed")
    return "unchanged"


def image_layer(data: bytes) -> str:
    """A layer changed, and every digest as an honest builder would have it: only what the layer
    says can be refused.
    """
    return image(images.image(data))


def avr(data: bytes) -> str:
    value = Avr.from_json(data)
    require(
        value.to_json() == data and Avr.from_json(value.to_json()) == value,
        "serialised, it is another input",
    )
    return "read"


def cas_report(data: bytes) -> str:
    value = CasReport.from_json(data)
    require(CasReport.from_json(value.to_json()) == value, "serialised, it is another report")
    require(
        len(value.binding_digest) == 64 and isinstance(value.cert_chain_pem, bytes),
        "a report without binding",
    )
    value.report_body()
    return "read"


def plain_json(data: bytes) -> str:
    value = strictjson.loads(data, "text")
    require(
        strictjson.loads(strictjson.compact(value), "text") == value,
        "written again, it is another value",
    )
    return "read"


def _signed_list(reader: type[TcbInfo] | type[QeIdentity]) -> Callable[[bytes], str]:
    def check(data: bytes) -> str:
        value = reader.from_json(data)
        text = data.decode()
        require(reader.from_json(text) == value, "as text it is another list")
        plain = strictjson.loads(data, "list")
        require(
            len(plain["tcbLevels"]) == len(value.levels), "not the list that a strict reader sees"
        )
        require(
            [x.status.dcap_name for x in value.levels]
            == [x["tcbStatus"] for x in plain["tcbLevels"]],
            "other statuses",
        )
        return "read"

    return check


def crl(data: bytes) -> str:
    found = Crl.read(data.decode("latin-1"), "list")
    found.lists(_some_certificate())
    require(found.window[0] is not None and found.window[1] is not None, "a list without dates")
    return "read"


@cache
def _some_certificate() -> Any:
    return read_certificate(corpus.der()[3].data)


def certificate(data: bytes) -> str:
    found = read_certificate(data)
    str(found)
    require(
        data.find(found.tbs) > 0 and found.window[0] <= found.window[1], "parts that are not in it"
    )
    if found.sgx is not None:
        PckExtension.from_certificate(found)
    return "read"


def chain(data: bytes) -> str:
    """Every reader of PEM chains, one after another."""
    words = []
    for reader in (
        lambda: read_chain(data, "chain", 1, 4),
        lambda: TrustAnchors.from_pem(data).to_pem(),
        lambda: CasChain.from_pem(data).explain(),
        lambda: chain_key_hashes(data),
    ):
        try:
            reader()
            words.append("read")
        except EvidenceError:
            words.append("malformed")
    return "read" if "read" in words else "malformed: every reader"


def sgx_extension(data: bytes) -> str:
    found = PckExtension.from_der(data)
    require(
        len(found.components) == 16 and all(0 <= n <= 255 for n in found.components),
        "components out of range",
    )
    require(
        (len(found.ppid), len(found.fmspc), len(found.pce_id)) == (16, 6, 2), "sizes out of range"
    )
    return "read"


def plain_cbor(data: bytes) -> str:
    cbor.loads(data, "CBOR")
    return "read"


def ra_tls(data: bytes) -> str:
    value = RaTlsCertificate.from_der(data)
    require(value.der == data and len(value.body.report_data) == 64, "parts that are not in it")
    value.statement()
    return "read"


def guess(data: bytes) -> str:
    """What `casnb decode` does; every sixteenth value is shown in every form as well."""
    found = read(data)
    if len(data) % 16 == 0:
        json.dumps(found.to_json_dict())
        for text in (str(found.value), repr(found.value), found.value._html()):
            require(
                "<script" not in text.replace("&lt;", "") and "\x1b" not in text,
                "something that is not neutralised",
            )
    return f"read: {type(found.value).__name__}"


def page(data: bytes) -> str:
    found = parse_page(data, "bytes")
    for address, value in found.values.items():
        require(
            re.fullmatch("[0-9a-f]{64}", value) is not None and found.mrenclave(address) == value,
            "a value that is none",
        )
    require("\x1b" not in str(found) + found._html(), "something that is not neutralised")
    return "read"


def key_hash(data: bytes) -> str:
    text = data.decode("latin-1")
    if problem := key_hash_problem(text):
        require(len(problem) < 400, "a message without bound")
        return "refused: key hash"
    if data not in {sample.data for sample in corpus.HASHES}:
        raise Forged("a mistyped key hash")
    return "unchanged"


# Verifiers


def facts(proof: Proof) -> tuple[Any, ...]:
    """Everything that a proof tells, but for the wording of its checks."""
    return (
        proof.kind,
        proof.report,
        proof.tcb_status,
        proof.status_text,
        proof.platform_tcb_status,
        proof.qe_tcb_status,
        proof.advisories,
        proof.tcb_date,
        proof.qe_tcb_date,
        proof.platform,
        proof.evaluation_number,
        proof.made,
        tuple((c.id, c.status) for c in proof.checks),
    )


def refusal(proof: Proof) -> str:
    bad = next(
        (c for c in proof.checks if c.status is CheckStatus.FAILED and c.id != "tcb-status"), None
    )
    if bad is None:
        require(proof.check("tcb-status").status is CheckStatus.FAILED, "refused for no reason")
    return f"refused: {bad.id if bad else 'tcb-status'}"


def explained(says: meaning.Meaning, tells: object, known: dict[meaning.Meaning, Any]) -> str:
    """An accept must mean what a good sample means, and tell the same of it."""
    if says not in known:
        raise Forged("accepted, and no good sample means this")
    if known[says] != tells:
        raise Forged("accepted with another identity or status than the sample of the same meaning")
    return "unchanged"


@cache
def ready() -> Any:
    """The lists of GOOD, verified once."""
    return verify_endorsements(corpus.LISTS, roots=ROOTS, now=NOW)


@cache
def _known_quotes() -> dict[meaning.Meaning, Any]:
    found = {}
    for data in corpus.combined(sample.data for sample in corpus.good_quotes()):
        proof = verify_quote(data, ready(), roots=ROOTS, now=NOW)
        require(proof.genuine, "a sample is not genuine")
        found[meaning.quote(data)] = facts(proof)
    return found


def dcap(data: bytes) -> str:
    """A quote under lists that were verified before."""
    known = _known_quotes()
    proof = verify_quote(data, ready(), roots=ROOTS, now=NOW)
    return explained(meaning.quote(data), facts(proof), known) if proof.genuine else refusal(proof)


def _split(data: bytes) -> tuple[str, bytes]:
    name, _, content = data.partition(b"\n")
    return name.decode("latin-1"), content


def _lists(data: bytes) -> Endorsements:
    name, content = _split(data)
    if name not in corpus.LISTS.to_json():
        raise EvidenceError("endorsements", got="another member")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise EvidenceError("endorsements", got="a text that is not UTF-8") from None
    return replace(corpus.LISTS, **{name: text})


def _judge_lists(lists: Endorsements) -> Proof | str:
    """The proof of the first good quote under these lists, or the check that refused them before
    any quote was looked at.
    """
    found = verify_endorsements(lists, roots=ROOTS, now=NOW)
    for check in found.checks:
        if check.status is CheckStatus.FAILED:
            return f"refused: {check.id}"
    return verify_quote(corpus.good_quotes()[0].data, found, roots=ROOTS, now=NOW)


def lists(data: bytes) -> str:
    """One of the ten texts changed, its signature kept."""
    changed = _lists(data)
    proof = _judge_lists(changed)
    if isinstance(proof, str) or not proof.genuine:
        return proof if isinstance(proof, str) else refusal(proof)
    return explained(meaning.lists(changed.to_json()), facts(proof), _known_lists())


@cache
def _known_lists() -> dict[meaning.Meaning, Any]:
    proof = _judge_lists(corpus.LISTS)
    assert isinstance(proof, Proof)
    return {meaning.lists(corpus.LISTS.to_json()): facts(proof)}


def signed_lists(data: bytes) -> str:
    """TCB info or QE identity changed and signed again by the true signer: only what it says can
    keep it from being believed.
    """
    changed, (name, content) = _lists(data), _split(data)
    if name not in ("tcb_info", "qe_identity"):
        raise EvidenceError("endorsements", got="another member")
    key = corpus.GOOD.intel.tcb_signer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    proof = _judge_lists(replace(changed, **{f"{name}_signature": sign_raw(key, content).hex()}))
    if isinstance(proof, str) or not proof.genuine:
        return proof if isinstance(proof, str) else refusal(proof)
    body, platform = json.loads(content), proof.platform
    assert (
        platform is not None
        and proof.platform_tcb_status is not None
        and proof.qe_tcb_status is not None
    )
    if name == "tcb_info":
        status = meaning.reached(body["tcbLevels"], platform.components, platform.pce_svn)
        told, fits = proof.platform_tcb_status, body["fmspc"].lower() == platform.fmspc.hex()
    else:
        enclave = Quote.from_bytes(corpus.good_quotes()[0].data).qe_report
        able = [level for level in body["tcbLevels"] if level["tcb"]["isvsvn"] <= enclave.isv_svn]
        status = max(able, key=lambda level: level["tcb"]["isvsvn"])["tcbStatus"]
        told, fits = proof.qe_tcb_status, body["mrsigner"].lower() == enclave.mrsigner
    if told.dcap_name != status or not fits:
        raise Forged(f"another status than the list has for this platform: {status}")
    return "accepted: validly signed, and read as a plain reader does"


def ias(data: bytes) -> str:
    """Body, signature or certificates of an IAS report changed."""
    name, content = _split(data)
    good = corpus.signed_avrs()["with nonce" if name.endswith("nonce") else "good"]
    member = name.split(" ")[0]
    if member not in ("body", "signature", "chain_pem"):
        raise EvidenceError("IAS report", got="another part")
    report = replace(good, **{member: content})
    proof = verify_avr(report, roots=ROOTS, now=NOW)
    return (
        explained(meaning.avr(report), facts(proof), _known_avrs())
        if proof.genuine
        else refusal(proof)
    )


@cache
def _known_avrs() -> dict[meaning.Meaning, Any]:
    found = {}
    for name in ("good", "with nonce", "outdated"):
        report = corpus.signed_avrs()[name]
        proof = verify_avr(report, roots=ROOTS, now=NOW)
        require(proof.genuine, f"sample {name} is not genuine")
        found[meaning.avr(report)] = facts(proof)
    return found


@cache
def ias_parts() -> tuple[Sample, ...]:
    found = []
    for name, report in corpus.signed_avrs().items():
        mark = " with nonce" if name == "with nonce" else ""
        found += [
            corpus.part(f"body{mark}", report.body),
            corpus.part(f"signature{mark}", report.signature),
            corpus.part(f"chain_pem{mark}", report.chain_pem),
        ]
    return tuple(replace(sample, name=f"{n} {sample.name}") for n, sample in enumerate(found))


TERMS = Terms(
    AttestationPolicy(expected_signer=corpus.GOOD.vendor),
    NOW,
    corpus.GOOD.roots_pem,
    json.dumps(corpus.LISTS.to_json()).encode(),
    many=True,
)


def file(data: bytes) -> str:
    """What `casnb verify DIR` does with a file, policy and printing included."""
    tells = _row(data)
    if tells[0] not in ("trustworthy", "accepted-with-waivers"):
        return f"{'refused' if tells[0] == 'rejected' else tells[0]}: {tells[1] or tells[2]}"
    return explained(
        meaning.evidence(read(data).value, _brings_lists(data)), tells[3], _known_files()
    )


def _brings_lists(data: bytes) -> bool:
    """Whether an input is judged by the endorsements inside it; all others by those of TERMS."""
    return data[:1] == b"{"


def _row(data: bytes) -> tuple[str, str, str, Any]:
    terms = replace(TERMS, endorsements=None) if _brings_lists(data) else TERMS
    row = judge_items(terms, True, [Item("file", data)])[0]
    require("casnb has a defect" not in row.why, row.why)
    line = json.loads(row.line)
    told = tuple(
        (k, json.dumps(line[k])) for k in ("identity", "tcb_status", "advisories") if k in line
    )
    return row.verdict, row.first, _NUMBER.sub("N", row.why.split(":")[0])[:40], told


@lru_cache(maxsize=1)
def _known_files() -> dict[meaning.Meaning, Any]:
    found = {}
    values = {sample.data: read(sample.data).value for sample in corpus.files()}
    quotes = [
        v.quote() if isinstance(v, CasReport) else getattr(v, "evidence", v)
        for v in values.values()
    ]
    for data in corpus.combined(q.to_bytes() for q in quotes if isinstance(q, Quote)):
        values[data] = read(data).value
    for data, value in values.items():
        verdict, _, _, told = _row(data)
        if verdict == "trustworthy":
            found[meaning.evidence(value, _brings_lists(data))] = told
    require(len(found) >= 6, "too few samples are accepted")
    return found


ANY = (CasnbError,)
#: Shares are of a thousand.
TARGETS: dict[str, Target] = {
    t.name: t
    for t in (
        Target("verify-quote", corpus.good_quotes, dcap, 62, True),
        Target(
            "verify-quote-spliced",
            lambda: (*corpus.good_quotes(), *corpus.bad_quotes()),
            dcap,
            20,
            True,
        ),
        Target(
            "verify-lists",
            lambda: (*corpus.parts(corpus.LISTS), *corpus.parts(corpus.STRANGER.endorsements())),
            lists,
            5,
            True,
        ),
        Target(
            "verify-lists-signed-again",
            lambda: (
                corpus.part("tcb_info", corpus.LISTS.tcb_info),
                corpus.part("qe_identity", corpus.LISTS.qe_identity),
            ),
            signed_lists,
            3,
            True,
        ),
        Target("verify-ias-report", ias_parts, ias, 25, True),
        Target("verify-file", corpus.files, file, 14, True, ANY),
        Target("sigstruct", lambda: corpus.SIGSTRUCTS, sigstruct, 45),
        Target("report-body", lambda: corpus.BODIES, inverse(ReportBody.from_bytes), 50),
        Target("quote", corpus.quotes_read, inverse(Quote.from_bytes), 60),
        Target("epid-quote", lambda: corpus.EPIDS, inverse(EpidQuote.from_bytes), 55),
        Target(
            "any-quote", lambda: (*corpus.quotes_read(), *corpus.EPIDS), inverse(parse_quote), 40
        ),
        Target("ledger", lambda: corpus.LEDGERS, inverse(Ledger.from_bytes), 45),
        Target("ias-report", lambda: corpus.AVRS, avr, 60),
        Target("cas-report", lambda: corpus.REPORTS, cas_report, 40),
        Target(
            "ra-tls",
            lambda: tuple(Sample.der(n, d) for n, d in corpus.certificates().items()),
            ra_tls,
            50,
        ),
        Target("enclave-file", lambda: corpus.PROGRAMS, inverse(EnclaveFile.from_bytes), 5),
        Target("image", lambda: corpus.IMAGES, image, 2),
        Target("image-layer", lambda: corpus.TAR_LAYERS, image_layer, 3),
        Target("json", lambda: corpus.JSONS, plain_json, 45),
        Target("tcb-info", lambda: corpus.TCB_INFOS, _signed_list(TcbInfo), 20),
        Target("qe-identity", lambda: corpus.IDENTITIES, _signed_list(QeIdentity), 30),
        Target("revocation-list", lambda: corpus.CRLS, crl, 50),
        Target("certificate", corpus.der, certificate, 50),
        Target("certificate-chain", corpus.chains, chain, 10),
        Target("sgx-extension", lambda: corpus.SGX, sgx_extension, 50),
        Target("cbor", lambda: corpus.CBOR, plain_cbor, 50),
        Target("any-evidence", corpus.kinds, guess, 25),
        Target("page", corpus.pages, page, 2),
        Target("audit-log", entries.log_samples, entries.audit_log, 3),
        Target("trust-file", entries.pins, entries.trust_file, 6, False, ANY),
        Target("trust-file-paths", entries.pins, entries.trust_file, 6, False, ANY, JsonPaths),
        Target("session", lambda: entries.SESSIONS, entries.session, 4, False, ANY),
        Target(
            "session-paths", entries.session_documents, entries.session, 4, False, ANY, JsonPaths
        ),
        Target("progress", entries.progress, entries.progress_file, 3),
        Target("progress-paths", entries.progress, entries.progress_file, 3, mutators=JsonPaths),
        Target("cas-answer", entries.answers, entries.cas_answer, 6),
        Target("cas-answer-paths", entries.answers, entries.cas_answer, 6, mutators=JsonPaths),
        Target("enclave-api", entries.enclave_requests, entries.enclave_request, 5),
        Target(
            "audit-log-signed-anew",
            entries.log_samples,
            entries.audit_log_signed_anew,
            3,
            True,
            mutators=JsonPaths,
        ),
        Target(
            "lists-signed-anew",
            lambda: (
                corpus.part("tcb_info", corpus.LISTS.tcb_info),
                corpus.part("qe_identity", corpus.LISTS.qe_identity),
            ),
            signed_lists,
            3,
            True,
            mutators=JsonPaths,
        ),
        Target(
            "pck-signed-anew",
            entries.platform_tbs,
            entries.platform_certificate,
            4,
            True,
            mutators=DerTree,
        ),
        Target(
            "crl-signed-anew", entries.list_tbs, entries.revocation_list, 4, True, mutators=DerTree
        ),
        Target(
            "ias-signed-anew", entries.ias_body, entries.ias_report, 4, True, mutators=JsonPaths
        ),
        Target("key-hash", lambda: corpus.HASHES, key_hash, 20),
    )
}
assert sum(t.share for t in TARGETS.values()) == 1000
