"""Mallory gets in exactly where a check is waived or a habit missing, with real loot, and is
stopped by the named check else.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from casnb.base.errors import PolicyError, UsageError
from casnb.checks.result import CATALOGUE, CheckStatus
from casnb.evidence.quote import Quote
from casnb.mallory.attacks import ATTACKS, PERSONAS, REFUSALS, Defence, Outcome, run
from casnb.mallory.faults import CrtSigner, factor, verifies
from casnb.mallory.hardware import DEBUG_BUILD, OLD_CPU
from casnb.mallory.memory import EnclaveMemory, key_for, keys_in, sec1
from casnb.simulator.keys import Seed, raw_point
from casnb.simulator.world import World

SEED = "mallory"
every_attack = pytest.mark.parametrize("name", ATTACKS)


@pytest.fixture(scope="module")
def let_in() -> dict[str, Outcome]:
    """Each attack, run against the defence that it passes."""
    return {name: run(name, attack.let_in, seed=SEED) for name, attack in ATTACKS.items()}


@every_attack
def test_gets_in_where_its_check_is_waived_or_absent(let_in, name):
    """Against the defence that it names, an attack succeeds, and Mallory holds something that
    she may not have.
    """
    outcome = let_in[name]
    assert outcome.succeeded, outcome
    assert outcome.loot and outcome.gained and outcome.steps


@every_attack
def test_is_stopped_by_the_named_check(name):
    """Against the mildest defence that keeps it out, the first check that it names has failed,
    and nothing is lost.
    """
    attack = ATTACKS[name]
    outcome = run(name, attack.keep_out, seed=SEED)
    assert (outcome.succeeded, outcome.stopped_by, dict(outcome.loot)) == (
        False,
        attack.stops[0],
        {},
    )
    if outcome.stopped_by in CATALOGUE:
        assert outcome.result.check(outcome.stopped_by).status is CheckStatus.FAILED


@every_attack
def test_an_attack_is_complete_and_names_what_exists(name):
    """Each has a persona, a question, an explanation, a defence, a source with its date; what
    stops it is a check or a refusal.
    """
    attack = ATTACKS[name]
    assert attack.persona in PERSONAS.values()
    assert attack.predict.endswith("?") or attack.predict.endswith(".")
    assert all((attack.explain, attack.defend, attack.source, attack.date))
    assert set(attack.stops) <= CATALOGUE.keys() | REFUSALS.keys()


def test_the_stolen_key_is_the_one_of_the_pinned_certificate(let_in):
    """The key that the debugger finds belongs to the certificate which the CAS shows."""
    key = serialization.load_pem_private_key(
        let_in["debug-memory"].loot["TLS key of the CAS"].encode(), None
    )
    leaf = x509.load_pem_x509_certificates(World(SEED, DEBUG_BUILD).tls_chain_pem)[0]
    assert key.public_key() == leaf.public_key()


def test_memory_opens_to_a_debugger_alone_and_only_in_debug_mode():
    """Ordinary reads see FF, EDBGRD sees the pages of a debug enclave, and faults for any other."""
    world = World(SEED, DEBUG_BUILD)
    secret = {"tls": sec1(world.tls_leaf.key)}
    memory = EnclaveMemory(world.enclave, secret)
    assert memory.read(memory.pages[-1], 64) == b"\xff" * 64
    assert [k.private_numbers() for k in keys_in(memory.dump())] == [
        world.tls_leaf.key.private_numbers()
    ]
    with pytest.raises(PolicyError, match="DEBUG"):
        EnclaveMemory(World(SEED, "production").enclave, secret).dump()


@pytest.mark.parametrize(
    "flaw, way, find",
    [
        pytest.param({"leaky": True}, "sampled", True, id="leaky-cpu"),
        pytest.param({}, "sampled", False, id="patched-cpu"),
        pytest.param({"hardened": False}, "injected", True, id="not-hardened"),
        pytest.param({}, "injected", False, id="hardened"),
    ],
)
def test_memory_leaks_only_through_its_own_flaw(flaw, way, find):
    """Cache sampling wants an unpatched CPU, load injection a build that was not hardened; else
    neither finds a key.
    """
    world = World(SEED, "production")
    memory = EnclaveMemory(world.enclave, {"tls": sec1(world.tls_leaf.key)}, **flaw)
    assert (
        key_for(world.tls_leaf.cert.public_key(), keys_in(getattr(memory, way)())) is not None
    ) is find


def test_an_extracted_attestation_key_is_the_machines(let_in):
    """The key that sampling gives is the one that the quoting enclave of that machine signs
    with.
    """
    key = serialization.load_pem_private_key(
        let_in["forged-quote"].loot["attestation key"].encode(), None
    )
    assert raw_point(key) == Quote.from_bytes(World(SEED, OLD_CPU).quote(bytes(64))).attestation_key


@pytest.mark.parametrize(
    "locked, millivolts, right",
    [
        pytest.param(False, -180, False, id="undervolted"),
        pytest.param(False, -100, True, id="stable"),
        pytest.param(True, -180, True, id="locked"),
    ],
)
def test_one_faulty_signature_factors_the_modulus(locked, millivolts, right):
    """A signature at too low a voltage is wrong and gives both primes; a right one gives
    nothing.
    """
    signer = CrtSigner.from_seed(Seed(SEED), locked=locked)
    signature = signer.sign(b"m", millivolts)
    assert verifies(signer.modulus, b"m", signature) is right
    primes = factor(signer.modulus, b"m", signature)
    assert primes is None if right else sorted(primes) == sorted((signer.p, signer.q))


def test_the_computed_rsa_key_signs_as_the_service_does(let_in):
    """What Mallory computed is a whole private key: a library signs with it, and the service's
    public key verifies.
    """
    key = serialization.load_pem_private_key(let_in["undervolt"].loot["service key"].encode(), None)
    signer = CrtSigner.from_seed(Seed(SEED), locked=True)
    assert key.public_key().public_numbers().n == signer.modulus
    made = key.sign(b"in the service's name", padding.PKCS1v15(), hashes.SHA256())
    assert verifies(signer.modulus, b"in the service's name", int.from_bytes(made, "big"))


@pytest.mark.parametrize("name", ["rollback", "trust-any", "owner-key"])
def test_the_private_value_is_read(let_in, name):
    """Where a secret was uploaded, Mallory holds that secret."""
    assert let_in[name].loot["private_value"] == "007"


def test_runs_are_the_same_each_time(let_in):
    """Same seed and defence: same steps, same end."""
    again = run("debug-memory", ATTACKS["debug-memory"].let_in, seed=SEED)
    assert (again.steps, again.loot) == (let_in["debug-memory"].steps, let_in["debug-memory"].loot)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: run("nothing"), id="attack"),
        pytest.param(lambda: Defence.of(skip=("sleep",)), id="habit"),
        pytest.param(
            lambda: run("relay", Defence.of("--only_for_testing-debug")), id="contradiction"
        ),
    ],
)
def test_wrong_use_is_said_before_anything_runs(call):
    """An unknown attack or habit and flags that contradict each other are usage errors."""
    with pytest.raises(UsageError):
        call()
