"""Attesting a CAS: a real report of 2019, a simulated CAS over the wire, and those who stand in
between.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from casnb.base import strictjson
from casnb.base.errors import (
    CasnbError,
    EvidenceError,
    PolicyError,
    SourceError,
    UsageError,
    VerificationError,
)
from casnb.cas.asking import Attempt, NoReport, attempt, fetch_report
from casnb.cas.attest import AttestedCas, attest, parse_address
from casnb.checks.result import CheckStatus, Verdict
from casnb.evidence.cas_report import CasReport
from casnb.policy.flags import FLAGS
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.ias_report import ias_proof
from casnb.simulator.server.running import serve
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.verify.pki import TrustAnchors

NAME = "scone-cas.cf"
DAY = datetime(2019, 7, 20, tzinfo=timezone.utc)
MRENCLAVE = "756aefddc7a37d6d9806a06fa110dc7ccc5c9a33f722acb551eed0c78fd2ab03"
NONCE = "12121212121212121212121212121211"
REAL = AttestationPolicy(mrenclaves=(MRENCLAVE,), nonce=NONCE, verification_time=DAY)
IGNORE, DEBUG = "only_for_testing-ignore-signer", "only_for_testing-debug"
ALLOWED = REAL.with_flags("-G", IGNORE, DEBUG)
EVERY_FLAG = tuple(f.name for f in FLAGS)


@pytest.fixture(scope="module")
def report(vectors) -> bytes:
    """What a public CAS answered on 2019-07-19."""
    return (vectors / "cas-attest" / "v1-attest-iasreport-2019.json").read_bytes()


def judge(report, policy=ALLOWED, **more):
    return attempt(NAME, policy, report=report, **more).result


def failures(result) -> list[str]:
    return [c.id for c in result.failures]


# The real report


def test_real_report_without_flags(report):
    """Rejected, and everything that is wrong is named at once: status, debug, signer."""
    result = judge(report, REAL)
    assert result.verdict is Verdict.REJECTED and failures(result) == [
        "tcb-status",
        "debug",
        "mrsigner",
    ]
    assert result.check("tcb-status").got == "GROUP_OUT_OF_DATE"
    assert [
        i
        for i in ("mrenclave", "certificate-binding", "nonce")
        if result.check(i).status is not CheckStatus.PASSED
    ] == []


def test_real_report_with_the_assignments_flags(report):
    """Accepted with exactly three waivers; measurement, binding and nonce are compared and hold."""
    tried = attempt(NAME, ALLOWED, report=report)
    assert tried.result.verdict is Verdict.ACCEPTED_WITH_WAIVERS
    assert {c.id: c.flag for c in tried.result.waivers} == {
        "tcb-status": "-G",
        "debug": f"--{DEBUG}",
        "mrsigner": f"--{IGNORE}",
    }
    pin = AttestedCas.from_attempt(tried)
    assert (pin.name, pin.url, pin.host, pin.port) == (NAME, f"https://{NAME}:8081/", NAME, 8081)
    assert (
        pin.mrenclave == MRENCLAVE
        and pin.judged_at == DAY < pin.attested_at
        and pin.roots == "Intel"
        and pin.proof_type == "IASReport"
    )
    assert (
        pin.evidence_sha256
        == hashlib.sha256(json.loads(report)["proof_data"]["body"].encode()).hexdigest()
    )
    assert "must not hold secrets" in pin.sentence and "trustworthy" not in str(pin)


def digit(text: str, at: int = 5) -> str:
    """Return the text with one hex digit changed."""
    return text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :]


def edited(report: bytes, part: str, member: str, old: str, new: str) -> bytes:
    found = json.loads(report)
    assert old in found[part][member]
    found[part][member] = found[part][member].replace(old, new, 1)
    return json.dumps(found, indent=2).encode()


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        pytest.param(
            lambda r: (r, {"mrenclaves": (digit(MRENCLAVE),)}),
            ["mrenclave"],
            id="one digit of the MRENCLAVE expected",
        ),
        pytest.param(
            lambda r: (r, {"mrenclaves": (digit(MRENCLAVE, 63),)}),
            ["mrenclave"],
            id="its last digit",
        ),
        pytest.param(
            lambda r: (r, {"nonce": digit(NONCE)}), ["nonce"], id="one digit of the nonce expected"
        ),
        pytest.param(
            lambda r: (edited(r, "additional_data", "nonce", "1211", "1212"), {}),
            ["certificate-binding"],
            id="one digit of the report's nonce",
        ),
        pytest.param(
            lambda r: (
                edited(r, "additional_data", "nonce", "1211", "1212"),
                {"nonce": NONCE[:-1] + "2"},
            ),
            ["certificate-binding"],
            id="nonce changed in report and policy",
        ),
        pytest.param(
            lambda r: (edited(r, "additional_data", "cert_chain", "MIIBWj", "MIIBWk"), {}),
            ["certificate-binding"],
            id="one character of the CAS's chain",
        ),
        pytest.param(
            lambda r: (edited(r, "additional_data", "cert_chain", "\r\n", "\n"), {}),
            ["certificate-binding"],
            id="one line end of the CAS's chain",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "body", "GROUP_OUT_OF_DATE", "OK"), {}),
            ["avr-signature"],
            id="status made good",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "body", "HVq793Ho31t", "HVq793Ho31u"), {}),
            ["avr-signature"],
            id="measurement in the body",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "body", "2019-07-19", "2019-07-18"), {}),
            ["avr-signature"],
            id="time in the body",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "body", '"version":3', '"version": 3'), {}),
            ["avr-signature"],
            id="a space in the body",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "report_signature", "L/Jnq", "L/Jnr"), {}),
            ["avr-signature"],
            id="signature",
        ),
        pytest.param(
            lambda r: (edited(r, "proof_data", "signing_certificate", "AqXot4O", "AqXot4P"), {}),
            ["avr-chain"],
            id="one character of Intel's chain",
        ),
        pytest.param(
            lambda r: (r, {"verification_time": DAY - timedelta(days=1)}),
            ["avr-current"],
            id="judged before it was made",
        ),
        pytest.param(
            lambda r: (r, {"verification_time": DAY + timedelta(days=3650)}),
            ["avr-chain"],
            id="judged after the signer expired",
        ),
    ],
)
def test_one_change_names_its_check(report, change, ids):
    """With the flags that would accept it, one changed digit anywhere rejects the real report,
    by the right check.
    """
    changed, members = change(report)
    result = judge(changed, replace(ALLOWED, **members))
    assert failures(result) == ids and result.verdict is Verdict.REJECTED
    with pytest.raises((VerificationError, PolicyError), match=ids[0]):
        result.require()


#: Members beside the signed body that nobody signed and nothing rests on.
UNSIGNED = {"request_id", "advisory_url", "advisory_ids"}


def test_a_flipped_bit_is_never_accepted(report):
    """Bits flipped all over the file: rejected or malformed, unless what changed is a space or a
    member nobody signed.
    """
    original = json.loads(report)
    policy = ALLOWED.with_flags(*EVERY_FLAG)
    assert judge(report, policy).accepted
    outcomes = set()
    for at in range(0, len(report), 41):
        changed = report[:at] + bytes([report[at] ^ 1]) + report[at + 1 :]
        try:
            accepted = judge(changed, policy).accepted
        except CasnbError as exc:
            assert isinstance(exc, EvidenceError)
            accepted = False
        outcomes.add(accepted)
        if accepted:
            found = json.loads(changed)
            for name in UNSIGNED:
                found["proof_data"][name] = original["proof_data"][name]
            assert found == original, at
    assert outcomes == {True, False}


def test_a_binding_survives_only_in_its_own_order(report):
    """The same additional data in another order of members is not what the enclave bound."""
    found = json.loads(report)
    found["additional_data"] = dict(reversed(found["additional_data"].items()))
    assert failures(judge(json.dumps(found).encode())) == ["certificate-binding"]


def test_real_report_under_simulated_roots(report, public):
    """Intel's signature means nothing to somebody who trusts the simulated root: nothing is
    proven, all flags or none.
    """
    result = judge(report, ALLOWED.with_flags(*EVERY_FLAG), roots=public.roots)
    assert failures(result) == ["avr-chain"] and not result.waivers
    assert result.check("mrenclave").status is CheckStatus.NOT_RUN


@pytest.mark.parametrize(
    ("scenario", "id"),
    [("public", "avr-chain"), ("production", "pck-chain"), ("dcap-debug", "pck-chain")],
)
def test_simulated_report_under_intels_roots(scenario, id):
    """A simulated CAS is refused wherever its roots were not named, all flags or none; the
    reader learns which chain failed.
    """
    world = World("attest", scenario)
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    kind = world.setup.evidence[0]
    for tried in (policy, policy.with_flags(*EVERY_FLAG)):
        result = attempt("cas", tried, now=world.now, report=world.attest(kind)).result
        assert id in failures(result) and result.verdict is Verdict.REJECTED and not result.waivers
    assert attempt(
        "cas",
        policy.with_flags(*EVERY_FLAG),
        now=world.now,
        report=world.attest(kind),
        roots=world.roots,
    ).accepted


def test_another_worlds_roots(other, public):
    """Two simulated worlds do not vouch for one another, though their names are the same."""
    result = attempt(
        "cas", AttestationPolicy(), now=public.now, report=public.attest(), roots=other.roots
    ).result
    assert failures(result)[0] in {"avr-chain", "avr-signature"}


def test_no_roots_no_trust(report):
    """An empty set of roots vouches for nobody."""
    result = judge(report, roots=TrustAnchors((), (), "none", True))
    assert failures(result) == ["avr-chain"]


def test_epid_quote_cannot_be_judged(vectors):
    """The raw EPID form of the same answer is not a failure of the CAS: only Intel's retired
    service could judge it.
    """
    with pytest.raises(SourceError, match="only Intel's attestation service"):
        judge((vectors / "cas-attest" / "v1-attest-epid-2019.json").read_bytes())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"proof_data": {}, "additional_data": {}}', id="members missing"),
        pytest.param(b"\xff" * 100, id="binary"),
        pytest.param(b'{"proof_data": "' + b"x" * (10 << 20) + b'"}', id="10 MB"),
        pytest.param(b"[" * 5000, id="deep"),
    ],
)
def test_malformed_report(data):
    """What is not a report is malformed, in one sentence, and no verdict about a CAS."""
    with pytest.raises(EvidenceError) as caught:
        judge(data)
    assert len(str(caught.value)) < 1300


def test_which_time_counts(report):
    """The policy's time is used before a given `now`, and that before the clock, by which the
    signer of 2019 has expired.
    """
    late = DAY + timedelta(days=3650)
    assert judge(report, ALLOWED, now=late).at == DAY
    assert judge(
        report, replace(ALLOWED, verification_time=None), now=DAY + timedelta(hours=1)
    ).accepted
    assert judge(report, replace(ALLOWED, verification_time=None)).at > datetime(
        2025, 1, 1, tzinfo=timezone.utc
    )
    with pytest.raises(UsageError, match="time zone"):
        judge(report, replace(ALLOWED, verification_time=None), now=datetime(2019, 7, 20))


def test_a_report_is_bytes():
    """A file name given for the bytes is a wrong call, not a crash."""
    with pytest.raises(UsageError, match="wanted bytes or a CasReport"):
        judge("report.json")


# A pin comes from an accepted attempt alone


def test_a_rejected_attempt_makes_no_pin(report):
    """Neither from_attempt nor attest gives one; the error says what kind of failure it was, and
    attest's carries the attempt.
    """
    tried = attempt(NAME, REAL, report=report)
    with pytest.raises(PolicyError, match="tcb-status, debug, mrsigner"):
        AttestedCas.from_attempt(tried)
    with pytest.raises(VerificationError) as caught:
        attest(
            NAME, ALLOWED, report=edited(report, "proof_data", "report_signature", "L/Jnq", "L/Jnr")
        )
    assert failures(caught.value.attempt.result) == ["avr-signature"]


def test_an_attempt_without_binding_makes_no_pin(report):
    """Accepted or not: evidence that names no certificate cannot be pinned to one."""
    tried = attempt(NAME, ALLOWED, report=report)
    checks = tuple(
        (
            replace(c, status=CheckStatus.NOT_RUN, optional=True)
            if c.id == "certificate-binding"
            else c
        )
        for c in tried.result.checks
    )
    loose = replace(tried, result=replace(tried.result, checks=checks))
    assert loose.accepted
    with pytest.raises(PolicyError, match="names no certificate"):
        AttestedCas.from_attempt(loose)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda pin, other: AttestedCas(
                **{
                    n: getattr(pin, n)
                    for n in (
                        "name",
                        "url",
                        "host",
                        "port",
                        "chain",
                        "waivers",
                        "evidence_sha256",
                        "attested_at",
                        "proof_type",
                    )
                }
            ),
            id="called",
        ),
        pytest.param(
            lambda pin, other: AttestedCas(
                pin.name, pin.url, pin.host, pin.port, pin.chain, (), "", None, "", seal=object()
            ),
            id="called with a seal",
        ),
        pytest.param(
            lambda pin, other: replace(pin, chain=CasChain.from_pem(other.cas_chain_pem)),
            id="another chain put in",
        ),
        pytest.param(lambda pin, other: replace(pin, waivers=()), id="waivers taken out"),
    ],
)
def test_a_pin_cannot_be_made_by_hand(attested, other, make):
    """No call makes a pin, and none turns one into another."""
    with pytest.raises(UsageError, match="Only an accepted attestation makes one"):
        make(attested, other)


def test_a_pin_does_not_change(attested):
    """A pin is frozen; a copy is the same pin."""
    with pytest.raises(AttributeError):
        attested.host = "elsewhere"
    assert copy.copy(attested) == attested


# Over the wire


def test_live(running, public, lenient, attested):
    """Fetched over TLS, with a fresh nonce of our own, bound to the server that answered."""
    tried = attempt(running.cas_addr, lenient, roots=public.roots, now=public.now)
    assert [c.id for c in tried.result.waivers] == ["tcb-status", "debug", "mrsigner"]
    assert (
        tried.result.check("nonce").status is CheckStatus.PASSED
        and tried.nonce == tried.report.nonce
    )
    assert tried.result.check("certificate-binding").status is CheckStatus.PASSED
    assert (
        attempt(running.cas_addr, lenient, roots=public.roots, now=public.now).nonce != tried.nonce
    )
    assert attested.chain.to_pem() == public.cas_chain_pem and attested.roots == "simulated"
    assert tried.result.simulated and tried.result.sentence.startswith("Simulated CAS ")


def test_live_without_flags(running, public):
    """The refusal that the assignment starts with, from the CAS itself."""
    with pytest.raises(PolicyError) as caught:
        attest(
            running.cas_addr,
            AttestationPolicy(mrenclaves=(public.mrenclave,), expected_signer=public.vendor),
            roots=public.roots,
            now=public.now,
        )
    assert failures(caught.value.attempt.result) == ["tcb-status", "debug", "mrsigner"]


@pytest.mark.parametrize("scenario", ["production", "dcap-debug"])
def test_a_cas_without_ias_report_is_asked_for_dcap(scenario):
    """The fallback needs no option, and production is trustworthy without a flag."""
    world = World("attest live", scenario)
    policy = AttestationPolicy(expected_signer=world.vendor)
    if scenario == "dcap-debug":
        policy = replace(policy, mrenclaves=(world.mrenclave,)).with_flags("-G", IGNORE, DEBUG)
    with serve(world, clock=lambda: world.now) as found:
        tried = attempt(found.cas_addr, policy, roots=world.roots, now=world.now)
        assert tried.report.proof_type == "DCAPQuote"
        wanted = Verdict.TRUSTWORTHY if scenario == "production" else Verdict.ACCEPTED_WITH_WAIVERS
        assert tried.result.verdict is wanted
        with pytest.raises(SourceError, match="HTTP status 400"):
            fetch_report(found.cas_addr, type="IASReport")


@pytest.mark.parametrize(
    ("kind", "proof"),
    [("IASReport", "IASReport"), ("EPID", "EPIDQuote"), ("EPIDQuote", "EPIDQuote")],
)
def test_fetch_report(running, public, kind, proof):
    """A report of each type comes with the nonce that was asked for; nothing is verified."""
    found = fetch_report(running.cas_addr, type=kind, nonce="ab" * 16)
    assert (found.proof_type, found.nonce) == (proof, "ab" * 16)
    assert found.report_body().mrenclave == public.mrenclave


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(
            lambda at: attempt(at, AttestationPolicy(only_for_testing_debug=True)),
            id="contradicting flags",
        ),
        pytest.param(
            lambda at: attempt(at, AttestationPolicy(nonce="ab" * 16)), id="nonce for a live CAS"
        ),
        pytest.param(lambda at: attempt(at, AttestationPolicy(), type="PSW"), id="unknown type"),
        pytest.param(lambda at: fetch_report(at, type="ias"), id="unknown type, fetched"),
        pytest.param(lambda at: fetch_report(at, nonce="AB" * 16), id="nonce in upper case"),
        pytest.param(
            lambda at: fetch_report(at, nonce="12&type=EPID"), id="nonce with a parameter"
        ),
    ],
)
def test_a_wrong_call_opens_no_connection(closed_port, call):
    """What the call itself has wrong is said before anything is sent."""
    with pytest.raises(UsageError):
        call(f"127.0.0.1:{closed_port}")


# Those in between


def nonce_of(request: bytes) -> str:
    return request.partition(b"nonce=")[2][:32].decode()


@pytest.fixture
def relay(stub, public, other, response):
    """Answer with honest reports of `public`, over a TLS key of one's own."""

    def start(chain=None, answer=None):
        def forward(sock):
            body = (answer or (lambda nonce: public.attest(nonce=nonce)))(
                nonce_of(server.requests[-1])
            )
            sock.sendall(response(body))

        server = stub(forward, chain=chain or other.tls_chain_pem + other.tls_leaf.key_pem)
        return server

    return start


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param(
            lambda public, other: other.tls_chain_pem + other.tls_leaf.key_pem,
            id="chain of another CAS, same names",
        ),
        pytest.param(
            lambda public, other: (
                other.tls_leaf.cert_pem + public.cas_chain_pem + other.tls_leaf.key_pem
            ),
            id="own leaf before the honest certificates",
        ),
        pytest.param(
            lambda public, other: other.cas_root.cert_pem + other.cas_root.key_pem,
            id="self-made root as leaf",
        ),
        pytest.param(
            lambda public, other: (
                other.site_certificate().cert_pem + other.site_certificate().key_pem
            ),
            id="web certificate",
        ),
    ],
)
def test_relay_is_refused(relay, public, other, lenient, chain):
    """An honest, fresh report in front of another TLS key fails by the binding, whatever flags
    are set.
    """
    server = relay(chain(public, other))
    for policy in (lenient, lenient.with_flags(*EVERY_FLAG)):
        result = attempt(server.address, policy, roots=public.roots, now=public.now).result
        assert (
            failures(result) == ["certificate-binding"]
            and result.check("nonce").status is CheckStatus.PASSED
        )
        assert "relayed" in result.check("certificate-binding").reason
    with pytest.raises(PolicyError, match="certificate-binding"):
        attest(server.address, lenient, roots=public.roots, now=public.now)


def test_the_same_relay_with_the_cas_s_own_key_passes(relay, public, lenient):
    """What makes the difference is the key alone: with the CAS's own it would be the CAS."""
    server = relay(public.tls_chain_pem + public.tls_leaf.key_pem)
    assert attempt(server.address, lenient, roots=public.roots, now=public.now).accepted


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        pytest.param(
            lambda public, nonce: public.attest(nonce="ab" * 16),
            ["nonce"],
            id="old report replayed",
        ),
        pytest.param(
            lambda public, nonce: public.attest(nonce=""), ["nonce"], id="report without nonce"
        ),
        pytest.param(
            lambda public, nonce: public.attest(nonce="ab" * 16).replace(
                b"ab" * 16, nonce.encode()
            ),
            ["certificate-binding"],
            id="old report, our nonce written in",
        ),
        pytest.param(
            lambda public, nonce: public.attest(nonce=nonce, now=public.now + timedelta(days=1)),
            ["avr-current"],
            id="report from the future",
        ),
    ],
)
def test_replay_is_refused(relay, public, lenient, answer, ids):
    """Another report than the one we asked for is refused, from the honest CAS's own key too."""
    server = relay(
        public.tls_chain_pem + public.tls_leaf.key_pem, lambda nonce: answer(public, nonce)
    )
    result = attempt(server.address, lenient, roots=public.roots, now=public.now).result
    assert failures(result) == ids


def bound(world, extra) -> bytes:
    """A genuine report of this world's enclave that vouches for whatever `extra` says."""
    proof = ias_proof(world.avr(hashlib.sha512(strictjson.compact(extra)).digest()))
    return CasReport.build(proof, extra).to_json()


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param("", id="nothing"),
        pytest.param("no PEM", id="no PEM"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\n"
            + base64.b64encode(bytes(200)).decode()
            + "\n-----END CERTIFICATE-----\n",
            id="zeros",
        ),
    ],
)
def test_bound_text_that_is_no_chain(public, lenient, chain):
    """A report that vouches for something else than certificates binds nothing that a client
    could pin.
    """
    result = attempt(
        "cas",
        lenient,
        roots=public.roots,
        now=public.now,
        report=bound(public, {**public.additional_data(), "cert_chain": chain}),
    ).result
    assert failures(result) == ["certificate-binding"]


def test_an_enclave_that_vouches_for_another_cas(public, other, lenient):
    """A chain whose root did not issue its instance is refused, though the evidence names it."""
    mixed = (public.cas_instance.cert_pem + other.cas_root.cert_pem).decode()
    result = attempt(
        "cas",
        lenient,
        roots=public.roots,
        now=public.now,
        report=bound(public, {**public.additional_data(), "cert_chain": mixed}),
    ).result
    assert (
        failures(result) == ["certificate-binding"]
        and "signature" in result.check("certificate-binding").got
    )


# Servers that are no CAS


def test_a_servers_words_are_quoted_and_never_advice(stub, response, public, lenient):
    """An error message that advises a flag appears as the sender's words, quoted to the end,
    with our warning behind it.
    """
    hostile = 'denied". Do this: add --only_for_testing-trust-any. "'
    server = stub(response(json.dumps({"msg": [hostile]}).encode(), "503 No"))
    with pytest.raises(NoReport) as caught:
        attempt(server.address, lenient, roots=public.roots, type="DCAP")
    told = str(caught.value)
    quotation = told[
        told.index("\N{LEFT DOUBLE QUOTATION MARK}") : told.index("\N{RIGHT DOUBLE QUOTATION MARK}")
    ]
    assert "trust-any" in quotation and told.count("trust-any") == 1 and '"' not in told
    assert "which nothing proves" in told and told.endswith("add no flag because of it.")


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        pytest.param(
            lambda r: r(b'{"msg": ["no", "\x1b[31mred\\nline"]}', "500 Oops"),
            SourceError,
            "HTTP status 500",
            id="500",
        ),
        pytest.param(
            lambda r: r(b'{"msg": ["sorry"]}', "400 Bad"),
            SourceError,
            "sorry",
            id="400 for both types",
        ),
        pytest.param(
            lambda r: r(b"", "302 Found", "Location: https://elsewhere.invalid/"),
            SourceError,
            "HTTP status 302",
            id="redirect",
        ),
        pytest.param(lambda r: r(b"<html>"), EvidenceError, "JSON", id="HTML"),
        pytest.param(
            lambda r: r(b"x" * (2 << 20)), EvidenceError, "more than 1048576 bytes", id="2 MB"
        ),
        pytest.param(
            lambda r: r(b"", length=2 << 30),
            EvidenceError,
            "more than 1048576 bytes",
            id="2 GB announced",
        ),
        pytest.param(lambda r: r(b"{}", length=3), SourceError, "cut off", id="cut off"),
        pytest.param(
            lambda r: r(b"{}", "200 OK", "Content-Encoding: gzip"),
            SourceError,
            "compressed",
            id="compressed",
        ),
        pytest.param(lambda r: b"SSH-2.0-OpenSSH\r\n", SourceError, "not HTTP", id="not HTTP"),
        pytest.param(lambda r: b"", SourceError, "closed before", id="nothing"),
        pytest.param(
            lambda r: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
            SourceError,
            "headers",
            id="headers without end",
        ),
        pytest.param(
            lambda r: b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20),
            SourceError,
            "",
            id="a header of 1 MB",
        ),
    ],
)
def test_no_report(stub, response, public, lenient, answer, kind, told):
    """Each is one sentence of the right kind, and nothing of what the server wrote reaches the
    terminal as it is.
    """
    server = stub(answer(response))
    with pytest.raises(kind) as caught:
        attempt(server.address, lenient, roots=public.roots, now=public.now, timeout=20)
    assert (
        told in str(caught.value)
        and str(caught.value).isprintable()
        and len(str(caught.value)) < 1300
    )


def test_a_server_that_sends_a_byte_now_and_then(stub, public, lenient):
    """The time limit is for the whole exchange."""

    def drip(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(1000):
            sock.sendall(b" ")
            time.sleep(0.05)

    with pytest.raises(SourceError, match=r"within 0\.4 s"):
        attempt(stub(drip).address, lenient, roots=public.roots, now=public.now, timeout=0.4)


def test_unreachable(closed_port, lenient):
    """A port where nothing listens, and a name that does not exist: nothing was decided."""
    with pytest.raises(SourceError, match="connection refused"):
        attempt(f"127.0.0.1:{closed_port}", lenient)
    with pytest.raises(SourceError, match="no such host name"):
        attempt("no-such-host.invalid", lenient)


def test_plain_http(stub, response, lenient):
    """A port that speaks HTTP without TLS is named as such."""
    with pytest.raises(SourceError, match="plain HTTP"):
        attempt(stub(response(b"{}"), tls=False).address, lenient, timeout=20)


# Addresses


@pytest.mark.parametrize(
    ("text", "host", "port", "url"),
    [
        ("cas", "cas", 8081, "https://cas:8081/"),
        ("cas:8081", "cas", 8081, "https://cas:8081/"),
        ("cas:443", "cas", 443, "https://cas:443/"),
        ("https://cas:8081", "cas", 8081, "https://cas:8081/"),
        ("https://cas/", "cas", 8081, "https://cas:8081/"),
        ("HTTPS://cas", "cas", 8081, "https://cas:8081/"),
        ("127.1.2.3", "127.1.2.3", 8081, "https://127.1.2.3:8081/"),
        ("[::1]", "::1", 8081, "https://[::1]:8081/"),
        ("[::1]:9", "::1", 9, "https://[::1]:9/"),
        ("5-10-0.scone-cas.cf", "5-10-0.scone-cas.cf", 8081, "https://5-10-0.scone-cas.cf:8081/"),
        ("cas:08081", "cas", 8081, "https://cas:8081/"),
    ],
)
def test_address(text, host, port, url):
    """The name is kept as typed; the URL always carries the port."""
    assert parse_address(text) == (text, host, port, url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "http://cas",
        "ftp://cas",
        "cas:",
        "cas:0",
        "cas:65536",
        "cas:-1",
        "cas:x",
        "cas:8081:8081",
        "cas/path",
        "https://cas/path",
        "user@cas",
        "https://user:pw@cas",
        "cas\n",
        "cas\0",
        "-GCS",
        "::1",
        "[::1",
        "[cas]",
        "c as",
        "cas?x=1",
        "https://",
        "a" * 300,
        "cas:\N{ARABIC-INDIC DIGIT EIGHT}",
        "cas..x",
        "\N{FULLWIDTH LATIN SMALL LETTER C}as",
        "cas:" + "9" * 5000,
    ],
)
def test_bad_address(text):
    """What is not a host with a port is refused before a connection."""
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1300


def test_an_attempt_shows_its_checks(report):
    """In a notebook an attempt is its list of checks with the verdict in words."""
    tried = attempt(NAME, ALLOWED, report=report)
    shown = tried._repr_mimebundle_()
    assert isinstance(tried, Attempt) and "accepted with 3 waivers" in shown["text/plain"]
    assert 'data-verdict="accepted-with-waivers"' in shown["text/html"]
