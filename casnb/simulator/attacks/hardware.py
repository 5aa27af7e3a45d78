"""Attacks of whoever holds the machine: a debugger, an unpatched CPU, a voltage setting, a build that was not hardened."""

from __future__ import annotations

from dataclasses import replace

from cryptography import x509

from casnb.errors import PolicyError
from casnb.simulator.attacks.defence import Defence
from casnb.simulator.attacks.memory import EnclaveMemory, key_for, keys_in, sec1
from casnb.simulator.attacks.stage import FALSE_VALUE, HONEST, FakeCas, Stage
from casnb.simulator.attacks.story import PERSONAS, Attack, Loot, Stopped
from casnb.simulator.keys import KeyPair

DEBUG_BUILD = replace(HONEST, name="debug build", debug=True, signer="test")


def _debug_memory(stage: Stage) -> Loot:
    world = stage.world(DEBUG_BUILD)
    address, stop = stage.genuine(world)
    stage.say("mallory", "starts the genuine CAS as a debug enclave on her up-to-date machine; MRENCLAVE is the published one")
    cas = stage.attest(address, stage.policy(), ("debug",))
    stage.read(cas, address)
    keys = {name: sec1(pair.key) for name, pair in (("tls", world.tls_leaf), ("instance", world.cas_instance))}  # type: ignore[arg-type]
    memory = EnclaveMemory(world.enclave, keys)
    try:
        dump = memory.dump()
    except PolicyError as exc:
        stage.say("mallory", str(exc))
        raise Stopped("debug") from None
    found = keys_in(dump)
    stage.say("mallory", f"reads {len(memory.pages)} pages ({len(dump)} bytes) with EDBGRD, and finds {len(found)} private keys")
    leaf = x509.load_pem_x509_certificates(world.tls_chain_pem)[0]
    key = key_for(leaf.public_key(), found)
    if key is None:
        raise Stopped("debug")
    stolen = KeyPair(leaf, key)
    stop()
    port = int(address.rpartition(":")[2])
    stage.listen(FakeCas(lambda nonce: (200, world.attest("DCAP", nonce))), world.tls_chain_pem, key, port)
    stage.say("mallory", "stops the CAS and answers in its place, with the CAS's own certificate and key")
    won = stage.served(cas, address, **{"TLS key of the CAS": stolen.key_pem.decode()})
    return Loot(f"the CAS's own TLS key, read out of its memory; with it she serves {FALSE_VALUE} under the certificate that "
                "you pinned.", won.values)


ATTACKS = (
    Attack(
        "debug-memory", PERSONAS["host"], "read a debug enclave's memory, and answer with its key", ("debug",),
        Defence.of("--only_for_testing-debug --only_for_testing-ignore-signer"),
        Defence.of("--only_for_testing-ignore-signer"),
        "The hardware is genuine and up to date, and MRENCLAVE is the published one. DEBUG is set, and you accepted that. "
        "Does Mallory, who is root there, get at the CAS's TLS key?",
        "EDBGRD gives the host every page of a debug enclave, keys included. DEBUG is an attribute of the running enclave, not "
        "part of what is measured, so MRENCLAVE looks as it should. Whoever has the key has the certificate that you pinned.",
        "Leave --only_for_testing-debug away. Never carry a certificate over from a debug CAS to one that holds secrets.",
        "Intel SDM vol. 3D, EDBGRD and ATTRIBUTES; SCONE documentation, CAS in debug mode", "2021", _debug_memory),
)
