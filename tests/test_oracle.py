"""Green means what it says: kinds of evidence, every set of flags, and every single lie.

Whatever is accepted in spite of a lie names it, as a waiver or as what was not asked. A row of
LIES or KINDS is all that a further lie or kind needs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from evidence import ratls_forms as forms

from casnb.base.errors import PolicyError
from casnb.cas import asking as attest_module
from casnb.cas import audit_keys
from casnb.cas.asking import attempt
from casnb.cas.attest import AttestedCas
from casnb.cas.audit_entries import Entry, attested_binding
from casnb.cas.entry import members, read_entry
from casnb.cas.trust import TrustStore
from casnb.checks.binding import Binding
from casnb.checks.result import CATALOGUE, AttestationResult, CheckStatus, Verdict
from casnb.checks.unasked import QUESTIONS
from casnb.cli.many import judge as judge_module
from casnb.cli.many.judge import Terms, judge
from casnb.cli.scone.main import scone
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.evidence.ratls import RaTlsCertificate
from casnb.policy.flags import FLAGS, NEWER
from casnb.policy.policy import AttestationPolicy
from casnb.policy.translation import WORDS
from casnb.session.service_policy import service_policy
from casnb.session.session import Session
from casnb.simulator.enclave_protocol import service_binding
from casnb.simulator.intel import EVALUATION, LEVELS, level_json
from casnb.simulator.world import World, ias_proof
from casnb.verify.dispatch import verify
from casnb.verify.proof import Proof

NOW = datetime(2026, 9, 1, 12, tzinfo=timezone.utc)
LONG_AGO = NOW - timedelta(days=60)
NONCE, OLD_NONCE = "ab" * 16, "0d" * 16
WORLD = World("oracle", "production", now=NOW)
OTHER = World("another oracle", "production", now=NOW)
SMT = "INTEL-SA-00615"
OWN, MALLORYS = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
Lists = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What one piece of evidence says, each member true until a lie changes it."""

    body: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    tcb_info: Mapping[str, Any] = field(default_factory=dict)
    qe_identity: Mapping[str, Any] = field(default_factory=dict)
    bend: Lists = dict
    made: datetime = NOW
    listed: datetime = NOW
    nonce: str = NONCE
    chain: World = WORLD
    leaf: World = WORLD
    key: Any = OWN
    bound: bool = True
    signed: bool = True
    context: Mapping[str, Any] = field(default_factory=dict)

    def additional(self) -> dict[str, Any]:
        return self.chain.additional_data(self.nonce)

    def endorsements(self) -> dict[str, Any]:
        lists = WORLD.intel.endorsements(
            self.listed, tcb_info=self.tcb_info, qe_identity=self.qe_identity
        )
        return self.bend(lists)

    def quote(self, data: bytes) -> bytes:
        raw = WORLD.quote(data if self.bound else bytes(64), body=self.body)
        return raw if self.signed else raw[:440] + bytes([raw[440] ^ 1]) + raw[441:]

    def avr(self, data: bytes) -> Any:
        found = WORLD.avr(
            data if self.bound else bytes(64), body=self.body, members=self.members, now=self.made
        )
        return found if self.signed else replace(found, body=found.body + b" ")


# Kinds: how evidence of each is made and judged


def terms(policy: AttestationPolicy, told: Told) -> Terms:
    at = policy.verification_time or NOW
    return Terms(policy, at, WORLD.roots_pem, lists_of(told), True, NOW)


def lists_of(told: Told) -> bytes:
    return json.dumps(told.endorsements()).encode()


def of_quote(told: Told, policy: AttestationPolicy) -> AttestationResult:
    return judge(Quote.from_bytes(told.quote(bytes(64))), terms(policy, told), "quote")


def of_avr(told: Told, policy: AttestationPolicy) -> AttestationResult:
    return judge(told.avr(bytes(64)), terms(policy, told), "report")


def of_certificate(told: Told, policy: AttestationPolicy) -> AttestationResult:
    return judge(certificate(told), terms(policy, told), "certificate")


def certificate(told: Told) -> RaTlsCertificate:
    quote = told.quote(forms.zeros(forms.sha(forms.spki(OWN))))
    der = forms.certificate(told.key, {forms.RA_TLS + "6": quote})
    return RaTlsCertificate.from_der(der)


def of_ias_certificate(told: Told, policy: AttestationPolicy) -> AttestationResult:
    return judge(ias_certificate(told), terms(policy, told), "certificate")


def ias_certificate(told: Told) -> RaTlsCertificate:
    @dataclass
    class Made:
        world: Any

    made = Made(type("W", (), {"avr": lambda _, data: told.avr(data)})())
    parts = forms.ias_parts(made, forms.zeros(forms.sha(forms.spki(OWN))))
    return RaTlsCertificate.from_der(forms.certificate(told.key, parts))


def report(told: Told, kind: str) -> CasReport:
    extra = told.additional()
    data = CasReport.build({"type": "EPIDQuote", "quote": "", "spid": ""}, extra).binding_digest
    if kind == "IASReport":
        return CasReport.build(ias_proof(told.avr(data)), extra)
    quote = base64.b64encode(told.quote(data)).decode()
    lists = {k: v for k, v in told.endorsements().items() if v}
    return CasReport.build({"type": kind, "quote": quote, "endorsements": lists}, extra)


def of_file(kind: str) -> Callable[[Told, AttestationPolicy], Any]:
    return lambda told, policy: attempt(
        "127.0.0.1", policy, roots=WORLD.roots, now=NOW, report=report(told, kind)
    )


def of_live(kind: str) -> Callable[[Told, AttestationPolicy], Any]:
    def run(told: Told, policy: AttestationPolicy) -> Any:
        shown = report(told, kind), told.leaf.tls_leaf.cert.public_bytes(forms.DER)
        attest_module._ask = lambda *_: shown
        return attempt("127.0.0.1", policy, roots=WORLD.roots, now=NOW)

    return run


def of_service(told: Told, policy: AttestationPolicy) -> AttestationResult:
    """A service at a CAS: the session names signer and product, or the measurement."""
    proof = service_proof(told)
    asked = forms.spki(told.key)
    who = (
        f"mrenclave: {policy.mrenclaves[0]}"
        if policy.mrenclaves
        else f"signer: {{mrsigner: {WORLD.mrsigner}, isvprodid: 41316, isvsvn: 5}}"
    )
    words = [w for f, w in _TOLERATED.items() if f in policy.flags()]
    security = f"tolerate: [{', '.join(words)}]"
    if "only_for_testing-debug" in policy.flags() and not policy.ignore_advisories:
        security += ', ignore_advisories: "*"'
    elif policy.ignore_advisories:
        security += f", ignore_advisories: [{', '.join(policy.ignore_advisories)}]"
    session = read_session(
        f"name: s\nversion: 0.3\nservices: [{{name: web, attestation: {{{who}}}}}]\n"
        f"security: {{attestation: {{{security}}}}}"
    )
    said = proof.report.report_data
    wanted = service_binding(NONCE, asked)
    binding = Binding("SHA-512 of nonce and key", said.hex(), wanted.hex(), said, fresh=True)
    return service_policy(session, "web").appraise(proof, binding)


@cache
def read_session(text: str) -> Session:
    return Session.from_yaml(text)


def service_proof(told: Told) -> Proof:
    quote = Quote.from_bytes(told.quote(service_binding(told.nonce, forms.spki(OWN))))
    lists = judge_module.Endorsements.from_json(told.endorsements())
    return judge_module.verify(quote, endorsements=lists, roots=WORLD.roots, now=NOW)


_TOLERATED = {row.flag: word for word, row in WORDS.items() if row.flag}


def of_log(told: Told, policy: AttestationPolicy) -> AttestationResult:
    """A key that signs an audit log, by the evidence about it in the log."""
    key = forms.sha(b"the log's own key")
    named = key if told.key is OWN else forms.sha(b"Mallory's")
    proof = ias_proof(told.avr(attested_binding(key)))
    event = {"type": "audit_log_signing_key_attested", "proof_data": proof}
    event["type"] = audit_keys.ATTESTING
    entry = Entry(1, 1, "", event, "", named.hex(), "")
    at = policy.verification_time or NOW
    found = audit_keys.attested_keys([entry], policy, roots=WORLD.roots, now=at, clock=NOW)
    result = found[named.hex()]
    assert isinstance(result, AttestationResult), result
    return result


KINDS: dict[str, Callable[[Told, AttestationPolicy], Any]] = {
    "quote": of_quote,
    "IAS report": of_avr,
    "certificate with a quote": of_certificate,
    "certificate with an IAS report": of_ias_certificate,
    "saved CAS report, DCAP": of_file("DCAPQuote"),
    "saved CAS report, IAS": of_file("IASReport"),
    "live CAS, DCAP": of_live("DCAPQuote"),
    "live CAS, IAS": of_live("IASReport"),
    "service": of_service,
    "audit log": of_log,
}
IAS = {k for k in KINDS if "IAS" in k or k == "audit log"}
DCAP = set(KINDS) - IAS
BARE = {"quote", "IAS report"}
LIVE = {k for k in KINDS if k.startswith("live")}
CAS = {k for k in KINDS if "CAS report" in k} | LIVE
BOUND = set(KINDS) - BARE
FRESH = LIVE | {"service"}
ALL = set(KINDS)


# Lies: one each


@dataclass(frozen=True)
class Lie:
    """What is changed, where that can be tried, and how a result that accepts it must name it: by
    a waived check or a question left open. Neither, or `never` for a kind: nothing may accept it.
    """

    id: str
    change: dict[str, Any]
    kinds: set[str]
    names: tuple[str, ...] = ()
    never: str = ""


def level(status: str = "UpToDate", advisories: tuple[str, ...] = ()) -> dict[str, Any]:
    """TCB info in which this machine's level has another status, or advisories."""
    first, *rest = (level_json(x) for x in LEVELS.values())
    own = {**first, "tcbStatus": status} | ({"advisoryIDs": [*advisories]} if advisories else {})
    return {"tcbLevels": [own, *rest]}


def version_2(lists: dict[str, Any]) -> dict[str, Any]:
    """TCB info in its older form, which has no place for advisories, validly signed."""
    from casnb.conformance.forging import signed_text

    body = json.loads(lists["tcb_info"])
    del body["id"]
    body["version"] = 2
    for row in body["tcbLevels"]:
        parts = row["tcb"]["sgxtcbcomponents"]
        flat = {f"sgxtcbcomp{n:02}svn": c["svn"] for n, c in enumerate(parts, 1)}
        row["tcb"] = flat | {"pcesvn": row["tcb"]["pcesvn"]}
        row.pop("advisoryIDs", None)
    text = json.dumps(body, separators=(",", ":"))
    return {**lists, **signed_text(WORLD, "tcb_info", text)}


def without(name: str) -> Lists:
    return lambda lists: {**lists, name: ""}


def revoked(lists: dict[str, Any]) -> dict[str, Any]:
    serial = WORLD.platform.pck.cert.serial_number
    return {**lists, "pck_crl": WORLD.intel.pck_crl(NOW, [serial]).hex()}


def says(name: str) -> dict[str, Any]:
    return {"isvEnclaveQuoteStatus": name, "advisoryIDs": [SMT]}


EDITION = {"tcbEvaluationDataNumber": EVALUATION - 1}
CODE = {"mr_enclave": bytes(range(32))}
LIES = (
    Lie("no lie", {}, ALL),
    Lie("made for another key", {"key": MALLORYS}, BOUND - CAS),
    Lie(
        "made for another key, a list left out",
        {"key": MALLORYS, "bend": without("root_ca_crl")},
        (BOUND & DCAP) - CAS,
    ),
    Lie("speaks for nobody's key", {"bound": False}, BOUND),
    Lie("speaks for no key, and does not have to", {"bound": False}, BARE, ("channel",)),
    Lie("relayed", {"leaf": OTHER}, LIVE),
    Lie("another instance", {"chain": OTHER, "leaf": OTHER}, CAS, ("instance",)),
    Lie("replayed", {"nonce": OLD_NONCE, "made": LONG_AGO}, ALL - FRESH, ("freshness",)),
    Lie("replayed, live", {"nonce": OLD_NONCE, "made": LONG_AGO}, FRESH),
    Lie("lists of long ago", {"listed": LONG_AGO}, DCAP),
    Lie(
        "judged as of long ago",
        {
            "listed": LONG_AGO,
            "made": LONG_AGO - timedelta(hours=1),
            "context": {"verification_time": LONG_AGO + timedelta(days=1)},
        },
        ALL - FRESH,
        ("time",),
    ),
    Lie(
        "judged as of long ago, live",
        {
            "listed": LONG_AGO,
            "made": LONG_AGO - timedelta(hours=1),
            "context": {"verification_time": LONG_AGO + timedelta(days=1)},
        },
        LIVE,
    ),
    Lie("made in the future", {"made": NOW + timedelta(days=1)}, IAS),
    Lie(
        "root's list left out",
        {"bend": without("root_ca_crl")},
        DCAP,
        ("pck-revocation",),
        "service",
    ),
    Lie(
        "platforms' list left out",
        {"bend": without("pck_crl")},
        DCAP,
        ("pck-revocation",),
        "service",
    ),
    Lie("TCB info left out", {"bend": without("tcb_info")}, DCAP),
    Lie("platform revoked", {"bend": revoked}, DCAP, ("pck-revocation",), "service"),
    Lie("older form of TCB info", {"bend": version_2}, DCAP, ("advisories",)),
    Lie("older form of IAS report", {"members": {"version": 3}}, IAS, ("advisories",)),
    Lie("oldest form of IAS report", {"members": {"version": None}}, IAS, ("advisories",)),
    Lie(
        "status that its version does not have",
        {"members": {"version": 3, **says("SW_HARDENING_NEEDED")}},
        IAS,
    ),
    Lie(
        "status whose advisories were cut out",
        {"members": {"isvEnclaveQuoteStatus": "GROUP_OUT_OF_DATE"}},
        IAS,
        ("tcb-status",),
    ),
    Lie("advisory of the level", {"tcb_info": level(advisories=(SMT,))}, DCAP, ("advisories",)),
    Lie("advisory beside OK", {"members": {"advisoryIDs": [SMT]}}, IAS, ("advisories",)),
    Lie("older edition", {"tcb_info": EDITION, "qe_identity": EDITION}, DCAP, ("edition",)),
    Lie("edition that nobody names", {}, IAS, ("edition",)),
    Lie("signer that no list speaks of", {}, IAS, ("revocation",)),
    *(
        Lie(f"platform {name}", {"tcb_info": level(name)}, DCAP, ("tcb-status",))
        for name in (
            "OutOfDate",
            "SWHardeningNeeded",
            "ConfigurationNeeded",
            "ConfigurationAndSWHardeningNeeded",
            "OutOfDateConfigurationNeeded",
        )
    ),
    Lie("platform Revoked", {"tcb_info": level("Revoked")}, DCAP),
    *(
        Lie(f"platform {name}", {"members": says(name)}, IAS, ("tcb-status",))
        for name in (
            "GROUP_OUT_OF_DATE",
            "SW_HARDENING_NEEDED",
            "CONFIGURATION_NEEDED",
            "CONFIGURATION_AND_SW_HARDENING_NEEDED",
        )
    ),
    Lie("platform GROUP_REVOKED", {"members": says("GROUP_REVOKED")}, IAS),
    Lie("signature invalid", {"members": says("SIGNATURE_INVALID")}, IAS),
    Lie("debug enclave", {"body": {"attributes_flags": 7}}, ALL, ("debug",)),
    Lie("other code of the signer's", {"body": CODE}, ALL, ("mrenclave", "build")),
    Lie(
        "other signer", {"body": {"mr_signer": bytes(range(32))}}, ALL - {"service"}, ("mrsigner",)
    ),
    Lie(
        "older build",
        {"body": {**CODE, "isv_svn": 1}},
        ALL,
        ("mrenclave", "version"),
        "service",
    ),
    Lie("other product", {"body": {**CODE, "isv_prod_id": 7}}, ALL),
    Lie("changed after signing", {"signed": False}, ALL),
)


# Policies: every set of flags, and every thing that can be asked

_EVERY = (*FLAGS, *NEWER)
WHO = (
    {"mrenclaves": (WORLD.mrenclave,)},
    {},
    {"mrsigner": WORLD.mrsigner, "isvprodid": 41316, "isvsvn": 0},
)
ASKS: tuple[dict[str, Any], ...] = (
    {"fail_on_any_advisory": True},
    {"ignore_advisories": (SMT,)},
    {"max_age": timedelta(days=30)},
    {"nonce": NONCE},
    {"cas_key_hash": attest_module.CasChain.from_pem(WORLD.cas_chain_pem).key_hashes[0]},
    {"min_tcb_evaluation": EVALUATION},
    {"refuse_platform_settings": ("smt",)},
    {"tcb_grace": timedelta(days=3000)},
)


@cache
def policies(at: datetime | None) -> tuple[AttestationPolicy, ...]:
    """Every legal set of flags with each way to say who, and every question with none and all of
    the flags; `at` is the verification time, if any.
    """
    return tuple(_policies({} if at is None else {"verification_time": at}))


def _policies(context: Mapping[str, Any]) -> Iterator[AttestationPolicy]:
    for who in WHO:
        for size in range(len(_EVERY) + 1):
            for chosen in combinations(_EVERY, size):
                flags = {f.attribute: True for f in chosen}
                full = size in (0, len(_EVERY)) or (who.get("mrsigner") and size == 7)
                for ask in ({}, *(ASKS if full else ())):
                    policy = AttestationPolicy(
                        **who, **flags, **ask, **context, expected_signer=WORLD.vendor
                    )
                    if not policy.problems():
                        yield policy


@pytest.fixture(autouse=True)
def one_world(monkeypatch):
    """The nonce that a live attestation makes up is known, and what was made, verified or bound
    once is not again: it is appraisal that is tried. What is remembered is kept, so that no other
    object takes its place in memory.
    """
    made: dict[Any, tuple[Any, Any]] = {}

    def once(function, of=id):
        def call(first, *more, **named):
            others = (*more, *named.values())
            key = function, of(first), *map(_known, others)
            if key not in made:
                made[key] = function(first, *more, **named), (first, others)
            return made[key][0]

        return call

    written = once(lambda report: report.to_json())

    def shown(evidence):
        return written(evidence) if isinstance(evidence, CasReport) else id(evidence)

    for name in ("quote", "avr", "endorsements"):
        monkeypatch.setattr(Told, name, once(getattr(Told, name)))
    for name in ("report", "lists_of", "certificate", "ias_certificate", "service_proof"):
        monkeypatch.setitem(globals(), name, once(globals()[name]))
    monkeypatch.setattr(attest_module, "cas_binding", once(attest_module.cas_binding))
    remembered = once(verify, of=shown)
    for module in (judge_module, attest_module, audit_keys):
        monkeypatch.setattr(module, "verify", remembered)
    monkeypatch.setattr(attest_module, "_ask", attest_module._ask)
    monkeypatch.setattr(attest_module.secrets, "token_hex", lambda size: "ab" * size)


def _known(value: Any) -> Any:
    """What tells one argument from another: its value, or which object it is."""
    plain = (str, bytes, datetime, type(None))
    return value if isinstance(value, plain) else id(value)


def named(result: AttestationResult) -> set[str]:
    return {c.id for c in result.waivers} | {n.id for n in result.not_asked}


CASES = [(kind, lie) for lie in LIES for kind in KINDS if kind in lie.kinds]


@pytest.mark.parametrize(("kind", "lie"), CASES, ids=lambda v: v if isinstance(v, str) else v.id)
def test_what_accepts_a_lie_names_it(kind, lie):
    """Whatever the flags and whatever was asked; in the sentence, in JSON and in the pin too."""
    told, accepted = Told(**lie.change), 0
    context = dict(told.context)
    seen = set()
    for policy in policies(context.get("verification_time")):
        if kind in LIVE and policy.nonce:
            continue
        try:
            tried = KINDS[kind](told, policy)
        except attest_module.UsageError:
            assert kind in LIVE and context, "a wrong call"
            continue
        result = tried if isinstance(tried, AttestationResult) else tried.result
        if not result.accepted:
            continue
        accepted += 1
        if lie.id != "no lie":
            assert named(result) & set(lie.names), (policy.arguments(), result.sentence)
        assert result.simulated
        if kind in BOUND:
            bound = result.check("certificate-binding").status
            assert bound is CheckStatus.PASSED, (policy.arguments(), bound)
        if (ways := frozenset(named(result))) in seen:
            continue
        seen.add(ways)
        told_of = _told(result)
        assert all(id in told_of for id in named(result) - {"time"}), told_of
        assert ("time" in named(result)) == ("Judged as of" in told_of) == bool(context)
        assert told_of.startswith("Simulated ")
        assert (result.verdict is Verdict.TRUSTWORTHY) == (not result.waivers)
        if tried is not result:
            _pinned(tried, result)
    possible = lie.id == "no lie" or (lie.names and lie.never != kind)
    assert bool(accepted) == bool(possible), accepted


def _told(result: AttestationResult) -> str:
    """The sentence; JSON says the same."""
    found = result.to_json()
    assert found["simulated"] is result.simulated and found["sentence"] == result.sentence
    assert [n["id"] for n in found["not_asked"]] == [n.id for n in result.not_asked]
    return result.sentence


def _pinned(tried: attest_module.Attempt, result: AttestationResult) -> None:
    """A pin says what its result said, also after it was written and read."""
    pin = AttestedCas.from_attempt(tried)
    again = read_entry(pin.name, json.loads(json.dumps(members(pin))), "entry")
    for each in (pin, again):
        assert each.not_asked == tuple(n.id for n in result.not_asked)
        assert [w.check for w in each.waivers or ()] == [c.id for c in result.waivers]
        assert each.simulated and each.sentence.startswith("Simulated ")
        assert each.sentence.endswith(result.left_open) and "Simulated" in each.banner()


def test_everything_can_be_asked():
    """A live CAS with DCAP evidence, every question asked: trustworthy, and nothing left open."""
    told = Told()
    policy = AttestationPolicy(
        mrenclaves=(WORLD.mrenclave,),
        expected_signer=WORLD.vendor,
        fail_on_any_advisory=True,
        cas_key_hash=ASKS[4]["cas_key_hash"],
        min_tcb_evaluation=EVALUATION,
        refuse_platform_settings=("smt",),
    )
    result = KINDS["live CAS, DCAP"](told, policy).result
    assert (result.verdict, result.not_asked) == (Verdict.TRUSTWORTHY, ()), result
    assert "Not asked" not in result.sentence


def test_every_question_and_every_check_has_a_lie():
    """A new question without a lie that it names fails here; so does a check that may be left
    out without a question.
    """
    tried = {name for lie in LIES for name in lie.names}
    assert set(QUESTIONS) - tried == {"settings"}, "settings are no lie: they stand in the PCK"
    result = KINDS["quote"](Told(), AttestationPolicy(expected_signer=WORLD.vendor))
    optional = {c.id for c in result.checks if c.optional and c.status is CheckStatus.NOT_RUN}
    asked = {id for q in QUESTIONS.values() for id in q.checks}
    assert optional - asked == {"verification-time", "tcb-grace"} and asked <= set(CATALOGUE)


# Roots out of the environment, and pins of a simulated CAS


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run `scone` in a shell in which CASNB_ROOTS was left, with a saved report of a world."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SCONE_CLI_CONFIG")
    (tmp_path / "report.json").write_bytes(WORLD.attest("DCAP"))
    (tmp_path / "roots.pem").write_bytes(WORLD.roots_pem)
    saved = ("--offline-report", str(tmp_path / "report.json"), "--verification-time", "2026-09-02")

    def run(*words: str, env: bool = True):
        found = {"CASNB_ROOTS": str(tmp_path / "roots.pem")} if env else {}
        return CliRunner().invoke(scone, words, env=found)

    run.attest = lambda name, *words, **more: run("cas", "attest", name, *saved, *words, **more)
    run.roots = ("--simulated-roots", str(tmp_path / "roots.pem"))
    return run


@pytest.mark.parametrize(
    ("name", "option", "code", "words"),
    [
        pytest.param("scone-cas.cf", False, 1, "CASNB_ROOTS is set and does not count", id="name"),
        pytest.param("128.0.0.1", False, 1, "does not count", id="address"),
        pytest.param("127.0.0.1.cas.cf", False, 1, "does not count", id="looks like loopback"),
        pytest.param("127.0.0.1", False, 0, "(simulated)", id="loopback"),
        pytest.param("localhost:8081", False, 0, "(simulated)", id="localhost"),
        pytest.param("[::1]:8081", False, 0, "(simulated)", id="loopback, version 6"),
        pytest.param("scone-cas.cf", True, 0, "not remembered", id="name and option"),
    ],
)
def test_roots_that_were_left_in_a_shell(shell, name, option, code, words):
    """They count for loopback addresses alone; the option counts everywhere, and elsewhere its pin
    is not kept. "Simulated" is said each time.
    """
    run = shell.attest(name, *(shell.roots if option else ()))
    assert run.exit_code == code and words in run.output, run.output
    assert ("trustworthy (simulated)" in run.stdout) == (code == 0)
    later = shell("cas", "list", env=False)
    assert ("(simulated)" in later.stdout) == (code == 0 and not option)
    assert "*" not in later.stdout, "a simulated CAS is no default in the reader's own file"
    assert shell("cas", "show-certificate", env=False).exit_code == 2


def test_a_simulated_pin_stands_in_for_no_other(tmp_path, monkeypatch):
    """Neither for a name that is not loopback, nor for a real CAS as the default; a real one takes
    the default from it.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    pin = AttestedCas.from_attempt(KINDS["saved CAS report, DCAP"](Told(), _plain()))
    store = TrustStore(tmp_path / "apart" / "config.json")
    store.add(pin)
    assert store.default == "127.0.0.1" and store.get().simulated
    found = json.loads(store.path.read_text())
    entry = found["cas_db"]["127.0.0.1"]
    found["cas_db"]["scone-cas.cf"] = entry
    store.path.write_text(json.dumps(found))
    with pytest.raises(PolicyError, match="a pin of a simulated CAS"):
        store.get("scone-cas.cf")
    del entry["casnb"]["simulated"]
    store.path.write_text(json.dumps(found))
    assert store.get("127.0.0.1").simulated, "roots that are not Intel's, and no word about it"
    real = AttestedCas._reloaded(**{**_members(pin), "name": "cas.example", "simulated": False})
    store.add(real)
    assert store.default == "cas.example"
    own = TrustStore(tmp_path / ".cas" / "config.json")
    own.add(pin)
    assert own.default is None
    with pytest.raises(PolicyError, match="no simulated default"):
        own.set_default("127.0.0.1")


def _plain() -> AttestationPolicy:
    return AttestationPolicy(expected_signer=WORLD.vendor)


def _members(pin: AttestedCas) -> dict[str, Any]:
    return {k: v for k, v in pin.__dict__.items() if k != "seal"}
