"""The simulated enclave and machine: measurement, SIGSTRUCT and quotes in their real form."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from casnb.base.errors import UsageError
from casnb.evidence.ledger import Ledger
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.sigstruct import SigStruct
from casnb.simulator.keys import Seed
from casnb.simulator.platform import Enclave, sign_sigstruct
from casnb.simulator.world import SCENARIOS, World

SEED = Seed("platform")


def enclave(**changes) -> Enclave:
    return replace(Enclave(SEED, "6.0.2", "2026-07-28"), **changes)


def test_mrenclave_is_the_hash_of_the_pages_as_added():
    """The ledger reads back from its own bytes, and MRENCLAVE is their SHA-256."""
    ledger = enclave().ledger
    assert Ledger.from_bytes(ledger.to_bytes()) == ledger
    assert enclave().mrenclave == hashlib.sha256(ledger.to_bytes()).hexdigest()


@pytest.mark.parametrize(
    "changes, same",
    [
        pytest.param({"signer": "vendor"}, True, id="another-signer"),
        pytest.param({"debug": False}, True, id="not-debug"),
        pytest.param({"isv_svn": 6}, True, id="another-svn"),
        pytest.param({"version": "6.0.3"}, False, id="another-version"),
        pytest.param({"seed": Seed("other")}, False, id="another-seed"),
    ],
)
def test_mrenclave_follows_from_the_pages_alone(changes, same):
    """Signer, debug attribute and version numbers are no part of the measurement; the content of
    a page is.
    """
    assert (enclave(**changes).mrenclave == enclave().mrenclave) is same


@pytest.mark.parametrize("signer", ["vendor", "test"])
def test_sigstruct_is_one_that_the_cpu_would_accept(signer):
    """Signature, Q1 and Q2 hold, and it speaks for this enclave, product and version."""
    built = enclave(signer=signer, debug=signer == "test")
    found = SigStruct.from_bytes(built.sigstruct)
    assert found.verify() == (True, True, True)
    assert found.enclave_hash == built.mrenclave
    assert found.mrsigner == built.mrsigner
    assert (found.isv_prod_id, found.isv_svn, f"{found.date:x}") == (41316, 5, "20260728")


def test_a_vendor_build_cannot_be_started_for_debugging():
    """The vendor's attribute mask enforces DEBUG = 0; the debug build's leaves the bit open."""
    masks = [
        int.from_bytes(
            SigStruct.from_bytes(enclave(debug=d).sigstruct).attribute_mask[:8], "little"
        )
        for d in (False, True)
    ]
    assert [bool(m & 2) for m in masks] == [True, False]


def test_the_two_signers_differ():
    """A build by the test signer cannot pass for the vendor's."""
    assert enclave(signer="vendor").mrsigner != enclave(signer="test").mrsigner


def test_a_changed_sigstruct_needs_a_new_signature():
    """One changed field breaks it; `sign_sigstruct` mends it."""
    changed = replace(SigStruct.from_bytes(enclave().sigstruct), isv_svn=9)
    assert changed.verify()[0] is False
    assert sign_sigstruct(changed, "test").verify() == (True, True, True)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_quotes_read_back(scenario):
    """A quote of either kind is read whole by the parser and written back byte for byte."""
    world, data = World("quotes", scenario), hashlib.sha512(b"x").digest()
    quote, epid = world.quote(data), world.epid_quote(data)
    assert Quote.from_bytes(quote).to_bytes() == quote
    assert EpidQuote.from_bytes(epid).to_bytes() == epid
    assert EpidQuote.from_bytes(epid[:432]).body == EpidQuote.from_bytes(epid).body
    for body in (Quote.from_bytes(quote).body, EpidQuote.from_bytes(epid).body):
        assert (body.mrenclave, body.mrsigner, body.report_data) == (
            world.mrenclave,
            world.mrsigner,
            data,
        )
        assert (body.isv_prod_id, body.isv_svn, body.init, body.mode64) == (41316, 5, True, True)
        assert body.debug is world.setup.debug


def test_the_quoting_enclave_names_the_attestation_key():
    """Its report data is SHA-256 of key and authentication data, and zeros."""
    quote = Quote.from_bytes(World("qe", "production").quote(bytes(64)))
    named = hashlib.sha256(quote.attestation_key + quote.auth_data).digest()
    assert quote.qe_report.report_data == named + bytes(32)


def test_epid_quote_has_the_size_and_basename_of_a_real_one(vectors):
    """1116 bytes; the basename begins with the SPID, as in the real response of 2019."""
    from casnb.evidence.cas_report import CasReport

    real = CasReport.from_json((vectors / "cas-attest" / "v1-attest-epid-2019.json").read_bytes())
    world = World("epid")
    made = CasReport.from_json(world.attest("EPID", nonce="12" * 16, spid=real.proof_data["spid"]))
    assert list(made.proof_data) == list(real.proof_data)
    assert len(made.quote().to_bytes()) == len(real.quote().to_bytes()) == 1116
    assert made.quote().basename[:16] == real.quote().basename[:16]
    assert made.quote().sign_type == real.quote().sign_type == 0


def test_report_cpusvn_is_not_the_pck_certificates():
    """As on every real machine, so that a verifier that matches TCB levels by it is found out."""
    platform = World("svn").platform
    assert platform.cpu_svn != bytes(platform.level.components)


def test_an_override_of_an_unknown_field_is_refused():
    """A typing mistake in a test's override is not a silent good quote."""
    with pytest.raises(UsageError, match="isvsvn"):
        World().quote(bytes(64), body={"isvsvn": 4})
    with pytest.raises(UsageError, match="report_data"):
        World().quote(bytes(63))
