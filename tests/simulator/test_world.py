"""The simulated world: same arguments, same bytes; evidence that holds under its own roots and
under no others.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import ssl
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from pathlib import Path

import pytest
from cryptography import x509

from casnb.base import strictjson
from casnb.base.errors import UsageError
from casnb.evidence.cas_report import CasReport
from casnb.simulator.world import LESSON_TIME, SCENARIOS, World

NONCE = "0123456789abcdef" * 2
EVERY = [(name, kind) for name, s in SCENARIOS.items() for kind in s.evidence]
LATER = LESSON_TIME + timedelta(days=400)


def everything(world: World) -> dict[str, bytes]:
    """Everything a world gives, by name."""
    out = {f"attest {kind}": world.attest(kind, NONCE) for kind in world.setup.evidence}
    return {
        **out,
        "chain": world.tls_chain_pem,
        "keys": world.cas_root.key_pem + world.cas_instance.key_pem + world.tls_leaf.key_pem,
        "sigstruct": world.sigstruct,
        "ledger": world.ledger.to_bytes(),
        "roots": world.roots_pem,
        "site": world.site_certificate(["127.3.4.5"]).cert_pem + world.site_ca_pem,
        "quote": world.quote(bytes(64)),
        "endorsements": strictjson.compact(world.intel.endorsements(world.now)),
        "releases": repr(world.release_history).encode(),
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_arguments_give_the_same_bytes(scenario):
    """Two worlds made alike agree in every key, certificate, list, report and page row."""
    assert everything(World("twin", scenario)) == everything(World("twin", scenario))


def test_another_process_makes_the_same_world():
    """Nothing depends on hash seeds, caches or the order in which things were asked for."""
    code = (
        "import hashlib; from casnb.simulator.world import World\n"
        "w = World('far', 'production'); w.site_certificate(); w.endorsements()\n"
        "print(hashlib.sha256(w.attest('DCAP', '00' * 16)).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        run.stdout.strip()
        == hashlib.sha256(World("far", "production").attest("DCAP", "00" * 16)).hexdigest()
    )


@pytest.mark.parametrize(
    "scenario, kind, digest",
    [
        pytest.param(
            "public",
            "IASReport",
            "9d2e406c681fa47229159f2a9eea5f0b28c428c93189b9007bfd71a68390ef00",
            id="public",
        ),
        pytest.param(
            "production",
            "DCAP",
            "eff72f9f418214cb6e923aa02b502793fbcac2d7e7882873f3c67f969a2653ba",
            id="production",
        ),
    ],
)
def test_the_lesson_world_is_the_same_everywhere(scenario, kind, digest):
    """The default seed's report is pinned: on every Python, OpenSSL and platform it has this
    digest.

    A deliberate change to what is simulated changes the digest; then write down the new one.
    """
    assert hashlib.sha256(World(scenario=scenario).attest(kind, NONCE)).hexdigest() == digest


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_another_seed_is_another_world(scenario):
    """Everything differs, so that nothing of one world passes in another."""
    one, two = everything(World("one", scenario)), everything(World("two", scenario))
    assert [name for name in one if one[name] == two[name]] == []


def test_scenarios_of_a_seed_share_intel_and_measurement_only():
    """Roots, page authority and MRENCLAVE stay; the machine and the CAS's keys are others."""
    worlds = [World("family", name) for name in SCENARIOS]
    for shared in ("roots_pem", "site_ca_pem", "mrenclave", "release_history", "vendor"):
        assert len({repr(getattr(w, shared)) for w in worlds}) == 1
    for own in (
        "cas_root.key_pem",
        "cas_instance.key_pem",
        "tls_leaf.key_pem",
        "platform.ppid",
        "platform.pck.key_pem",
    ):
        assert len({attrgetter(own)(w) for w in worlds}) == len(worlds)
    assert {w.mrsigner for w in worlds if w.setup.debug} == {World("family").mrsigner}
    assert (
        World("family", "production").mrsigner
        == World("family").vendor.mrsigner
        != World("family").mrsigner
    )


def test_an_update_keeps_keys_and_machine():
    """Another build in the same place: another measurement and version, signed as asked; the
    same keys and the same machine.
    """
    world = World("update", "production")
    update = world.with_build("6.1.0", isv_svn=6)
    assert update.mrenclave != world.mrenclave and update.mrsigner == world.mrsigner
    body = CasReport.from_json(update.attest("DCAP")).report_body()
    assert (body.mrenclave, body.isv_svn, body.isv_prod_id) == (update.mrenclave, 6, 41316)
    assert (update.tls_chain_pem, update.endorsements()) == (
        world.tls_chain_pem,
        world.endorsements(),
    )
    assert world.with_build("5.8.0").mrenclave == next(
        r.mrenclave for r in world.release_history if r.version == "5.8.0"
    )
    assert update.with_build("6.1.0", signer="test").mrsigner != update.mrsigner


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_time_changes_reports_and_lists_only(scenario):
    """CAS chain, page certificate, enclave, quote and roots stay the same in a year; what is
    dated does not.
    """
    now, later = everything(World("time", scenario)), everything(World("time", scenario, LATER))
    dated = {"endorsements", *(f"attest {k}" for k in SCENARIOS[scenario].evidence if k != "EPID")}
    assert {name for name in now if now[name] != later[name]} == dated


def test_a_report_may_be_asked_for_at_another_time():
    """`now` given to `attest` dates the report, as it would a world set to that time."""
    for scenario, kind in EVERY:
        assert World("t", scenario).attest(kind, NONCE, now=LATER) == World(
            "t", scenario, LATER
        ).attest(kind, NONCE)


@pytest.mark.parametrize("scenario, kind", EVERY)
def test_a_report_binds_chain_and_nonce(scenario, kind):
    """report_data is the hash of additional_data, which holds the chain (CRLF, instance first)
    and the nonce as sent.
    """
    world = World("bind", scenario)
    body = world.attest(kind, NONCE)
    report = CasReport.from_json(body)
    assert report.to_json() == body
    assert report.report_body().report_data == report.binding_digest
    assert report.nonce == NONCE
    assert report.cert_chain_pem.replace(b"\r\n", b"\n") == world.cas_chain_pem
    assert report.cert_chain_pem.count(b"\r\n") == world.cas_chain_pem.count(b"\n")
    assert report.report_body().identity().mrenclave == world.mrenclave


@pytest.mark.parametrize(
    "scenario, kind",
    [
        pytest.param("public", "DCAP", id="no-dcap-in-public"),
        pytest.param("production", "IASReport", id="no-ias-in-production"),
        pytest.param("production", "EPID", id="no-epid-in-production"),
        pytest.param("public", "SEV", id="unknown"),
    ],
)
def test_evidence_that_a_scenario_lacks_is_refused(scenario, kind):
    """The error names what there is."""
    with pytest.raises(UsageError, match=" or ".join(SCENARIOS[scenario].evidence)):
        World(scenario=scenario).attest(kind)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"nonce": "12"}, id="short-nonce"),
        pytest.param({"nonce": "AB" * 16}, id="upper-case-nonce"),
        pytest.param({"nonce": NONCE + "\n"}, id="newline-after-nonce"),
        pytest.param({"type": "EPID", "spid": ""}, id="empty-spid"),
        pytest.param({"type": "EPID", "spid": "xy" * 16}, id="spid-not-hex"),
        pytest.param({"now": datetime(2026, 1, 1)}, id="naive-time"),
    ],
)
def test_malformed_requests_are_refused(arguments):
    """Nonce and SPID are 32 hex digits, and a time has a zone."""
    with pytest.raises(UsageError):
        World().attest(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"seed": ""}, id="empty-seed"),
        pytest.param({"seed": "x" * 201}, id="long-seed"),
        pytest.param({"seed": "a\nb"}, id="unprintable-seed"),
        pytest.param({"seed": 7}, id="seed-not-text"),
        pytest.param({"scenario": "nowhere"}, id="unknown-scenario"),
        pytest.param({"now": datetime(2026, 1, 1)}, id="naive-time"),
    ],
)
def test_a_world_needs_sensible_arguments(arguments):
    """Wrong arguments are refused when the world is made."""
    with pytest.raises(UsageError):
        World(**arguments)


# The form of the real thing


def test_ias_report_has_the_form_of_the_real_one(vectors):
    """Members of the 2019 response in its order; the body's as in real version 4 reports."""
    real = CasReport.from_json(
        (vectors / "cas-attest" / "v1-attest-iasreport-2019.json").read_bytes()
    )
    made = CasReport.from_json(World().attest(nonce=NONCE))
    assert list(made.proof_data) == list(real.proof_data)
    assert list(made.additional_data) == list(real.additional_data)
    old = json.loads((vectors / "avr" / "secret-outofdate" / "body.json").read_text())
    ours = [m for m in json.loads(made.signed_avr().body) if m != "epidPseudonym"]
    assert ours == list(old)
    assert len(made.signed_avr().avr.platform_info_blob) == len(old["platformInfoBlob"])
    assert made.signed_avr().avr.platform_info_blob[:14] == old["platformInfoBlob"][:14]


@pytest.mark.parametrize("n", [pytest.param(0, id="cas-instance"), pytest.param(1, id="cas")])
def test_cas_chain_has_the_form_of_the_real_one(n, vectors):
    """Names, dates, extensions and key identifier rule of a real chain of 2025."""
    real = x509.load_pem_x509_certificates(
        (vectors / "cas-attest" / "show-certificate-2025.pem").read_bytes()
    )[n]
    world = World("form")
    pair = (world.cas_instance, world.cas_root)[n]
    made = x509.load_pem_x509_certificates(world.cas_chain_pem)[n]
    assert made == pair.cert
    for part in (
        "subject",
        "issuer",
        "not_valid_before_utc",
        "not_valid_after_utc",
        "version",
        "signature_algorithm_oid",
    ):
        assert getattr(made, part) == getattr(real, part)
    assert [(e.oid, e.critical) for e in made.extensions] == [
        (e.oid, e.critical) for e in real.extensions
    ]
    identifier = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert identifier == hashlib.sha256(pair.spki).digest()[:20]
    assert abs(len(made.tbs_certificate_bytes) - len(real.tbs_certificate_bytes)) <= 1


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Shake hands in memory; raises ssl.SSLError where the client refuses."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=name)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
    assert asking.version()


def serving(tmp_path, chain: bytes, key: bytes) -> ssl.SSLContext:
    path = tmp_path / "server.pem"
    path.write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def trusting(pem: bytes, strict: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem.decode())
    context.verify_flags = ssl.VERIFY_X509_STRICT if strict else ssl.VERIFY_DEFAULT
    return context


@pytest.mark.parametrize("name", ["cas", "localhost"])
def test_tls_chain_holds_for_the_name_cas(name, tmp_path):
    """A client that trusts the exported chain accepts the server's leaf under its names."""
    world = World("tls")
    handshake(
        serving(tmp_path, world.tls_chain_pem, world.tls_leaf.key_pem),
        trusting(world.cas_chain_pem, strict=False),
        name,
    )


def test_another_worlds_chain_fails_by_signature(tmp_path):
    """All CAS chains carry the same names, so the wrong one is not an unknown issuer but a bad
    signature.
    """
    world, other = World("tls"), World("other")
    server = serving(tmp_path, world.tls_chain_pem, world.tls_leaf.key_pem)
    with pytest.raises(ssl.SSLError):
        handshake(server, trusting(other.cas_chain_pem, strict=False), "cas")
    assert world.cas_root.cert.subject == other.cas_root.cert.subject


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.9.8.7"])
def test_page_certificate_holds_under_strict_rules(name, tmp_path):
    """The page's certificate passes the strict verification that Python 3.13 made the default,
    for every address given.
    """
    world = World("page")
    site = world.site_certificate(["127.9.8.7"])
    handshake(
        serving(tmp_path, site.cert_pem, site.key_pem),
        trusting(world.site_ca_pem, strict=True),
        name,
    )
    for kind in (
        x509.SubjectKeyIdentifier,
        x509.AuthorityKeyIdentifier,
        x509.KeyUsage,
        x509.BasicConstraints,
    ):
        assert site.cert.extensions.get_extension_for_class(kind)


@pytest.mark.parametrize("name", ["page.example", "192.0.2.7", "localhost.example"])
def test_the_pages_authority_vouches_for_loopback_alone(name, tmp_path):
    """Its key is public: wherever it was imported, it certifies nobody else."""
    world = World("page")
    site = world.site_certificate([name])
    with pytest.raises(ssl.SSLError, match="permitted subtree"):
        handshake(
            serving(tmp_path, site.cert_pem, site.key_pem),
            trusting(world.site_ca_pem, strict=True),
            name,
        )


def test_releases_start_with_the_running_one():
    """The page's first row is this CAS; each measurement is another, one row has none; addresses
    are the course's.
    """
    world = World("rows")
    first, *others = world.release_history
    assert first.mrenclave == world.mrenclave
    measured = [r.mrenclave for r in world.release_history if r.mrenclave]
    assert len(set(measured)) == len(measured) == len(others)
    assert first.address == "scone-cas.cf"


# How it shows, and what it may not do


def test_a_world_shows_itself_escaped():
    """Text and HTML name the scenario and MRENCLAVE; a seed from outside cannot become markup,
    and no secret is shown.
    """
    world = World("<script>alert(1)</script>")
    shown = world._repr_mimebundle_()
    for text in shown.values():
        assert world.mrenclave in text
        assert "GROUP_OUT_OF_DATE" in text
    assert "<script>" not in shown["text/html"]
    assert "PRIVATE KEY" not in "".join(shown.values())
    assert repr(World("s")) == "World('s', 'public', now=2026-09-01T12:00:00Z)"


@pytest.mark.parametrize("name", ["intel", "keys", "platform", "scenario", "world"])
def test_the_world_opens_no_socket_and_reads_no_clock(name):
    """Time and addresses are arguments here; serving them is another module's business."""
    tree = ast.parse(
        Path(importlib.import_module(f"casnb.simulator.{name}").__file__).read_text(
            encoding="utf-8"
        )
    )
    loaded = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    loaded |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not loaded & {"socket", "ssl", "time", "requests", "random", "secrets", "os"}
    calls = {
        n.func.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    assert not calls & {"now", "utcnow", "today", "generate_private_key"}


def test_now_is_utc_whatever_zone_it_came_in():
    """A time in another zone means the same instant."""
    zone = timezone(timedelta(hours=2))
    assert World("z", now=LESSON_TIME.astimezone(zone)).attest() == World("z").attest()
