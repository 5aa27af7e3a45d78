"""Attacks of whoever holds the machine: a debugger, an unpatched CPU, a voltage setting, a build
that was not hardened.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from casnb.base import strictjson
from casnb.base.errors import PolicyError
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.mallory.defence import Defence
from casnb.mallory.fake_cas import FakeCas, session
from casnb.mallory.faults import CrtSigner, factor, key_pem, private_key, verifies
from casnb.mallory.identity import read_page
from casnb.mallory.memory import EnclaveMemory, key_for, keys_in, sec1
from casnb.mallory.stage import HONEST, Stage
from casnb.mallory.steps import Loot, Stopped
from casnb.mallory.story import PERSONAS, Attack
from casnb.simulator.intel import LEVELS, level_json
from casnb.simulator.keys import KeyPair, Seed, raw_point, sign_raw
from casnb.simulator.world import World
from casnb.verify.tcb import TcbStatus

DEBUG_BUILD = replace(HONEST, name="debug build", debug=True, signer="test")
OLD_CPU = replace(HONEST, name="Mallory's old CPU", status=TcbStatus.OUT_OF_DATE)
UNLOCKED = replace(
    HONEST, name="machine with an unlocked voltage", status=TcbStatus.CONFIGURATION_NEEDED
)
LEAKS_LOADS = replace(
    HONEST, name="CPU that forwards bad loads", status=TcbStatus.SW_HARDENING_NEEDED
)
#: A release from before the vendor compiled against such CPUs.
UNHARDENED = {"version": "5.9.0", "isv_svn": 4}
_MESSAGE = b"pay Mallory"


def keys_of(world: World) -> dict[str, bytes]:
    """What a CAS has in its heap: its TLS key and its instance key, as DER."""
    pairs = (("tls", world.tls_leaf.key), ("instance", world.cas_instance.key))
    return {name: sec1(key) for name, key in pairs if isinstance(key, ec.EllipticCurvePrivateKey)}


def impersonate(stage: Stage, world: World, dump: bytes, trust: Any) -> Loot:
    """Look for the key of the CAS's certificate in what was read, and answer with it; raise
    LookupError where it is not there.
    """
    leaf = world.tls_leaf.cert
    found = keys_in(dump)
    key = key_for(leaf.public_key(), found)
    if key is None:
        raise LookupError("no such key")
    stage.say(
        "mallory",
        f"finds {len(found)} private keys in {len(dump)} bytes; one is the key of the CAS's"
        " certificate",
    )
    false = stage.honest.false_value
    where, _ = stage.listen(FakeCas(lambda nonce: (200, b""), false), world.tls_chain_pem, key)
    stage.say(
        "mallory", "stops the CAS and answers in its place, with its own certificate and key", "cas"
    )
    won = stage.served(trust, where, **{"TLS key of the CAS": KeyPair(leaf, key).key_pem.decode()})
    return Loot(
        f"she has the CAS's own TLS key, and serves {false} under the certificate that you pinned.",
        won.values,
    )


def _debug_memory(stage: Stage) -> Loot:
    world = stage.world(DEBUG_BUILD)
    address, stop = stage.genuine(world)
    stage.say(
        "mallory",
        "starts the genuine CAS as a debug enclave on her up-to-date machine; MRENCLAVE is the"
        " published one",
        "cas",
    )
    cas = stage.attest(address, stage.policy(), ("debug",))
    stage.read(cas, address)
    if stage.deposit:
        stage.upload(cas, address)
    memory = EnclaveMemory(world.enclave, keys_of(world) | stage.stored(address))
    stage.say(
        "mallory",
        f"reads its {len(memory.pages)} pages with EDBGRD, 8 bytes at a time",
        "cas",
        "answer",
    )
    try:
        dump = memory.dump()
    except PolicyError:
        raise Stopped("debug") from None
    stop()
    stage.find(dump, f"finds it in the {len(dump)} bytes that EDBGRD read of the CAS's memory")
    return impersonate(stage, world, dump, cas)


@lru_cache(maxsize=16)
def _sampled(world: World) -> bytes:
    """What caches gave away of the quoting enclave's memory on this machine; the work of hours,
    done once.
    """
    return EnclaveMemory(
        world.enclave, {"attestation key": sec1(world.platform.attestation_key)}, leaky=True
    ).sampled()


def extracted_key(stage: Stage, world: World) -> ec.EllipticCurvePrivateKey:
    """Sample the quoting enclave's memory on a leaky CPU until its attestation key stands there,
    proven by a genuine quote.
    """
    quote = Quote.from_bytes(world.quote(bytes(64)))
    key = next((k for k in keys_in(_sampled(world)) if raw_point(k) == quote.attestation_key), None)
    if key is None:
        raise Stopped("tcb-status")
    stage.say(
        "mallory",
        "samples the caches of her own CPU while Intel's quoting enclave works, 27 times each line,"
        " and has its attestation key",
    )
    return key


def forged(
    world: World,
    key: ec.EllipticCurvePrivateKey,
    target: World,
    nonce: str,
    lists: dict[str, Any] | None = None,
) -> bytes:
    """Return a reply of /v1/attest that claims `target`'s enclave, signed with the extracted key
    of `world`'s machine.

    She takes a genuine quote of any enclave of hers, and replaces body and signature. `lists`
    stand in for Intel's newest.
    """
    return reply(
        world,
        target,
        nonce,
        lambda quote: replace(quote, signature=sign_raw(key, quote.signed_bytes)),
        lists,
    )


def reply(
    world: World,
    target: World,
    nonce: str,
    sign: Callable[[Quote], Quote],
    lists: dict[str, Any] | None = None,
) -> bytes:
    """Return a reply of /v1/attest with a genuine quote of `world`'s machine whose body claims
    `target`'s enclave, signed again.
    """
    extra = world.additional_data(nonce)
    genuine = Quote.from_bytes(world.quote(bytes(64)))
    claim = world.platform.report_body(
        target.enclave, hashlib.sha512(strictjson.compact(extra)).digest()
    )
    proof = {
        "type": "DCAPQuote",
        "quote": base64.b64encode(sign(replace(genuine, body=claim)).to_bytes()).decode(),
        "endorsements": lists or world.intel.endorsements(world.now),
    }
    return CasReport.build(proof, extra).to_json()


def _forged_quote(stage: Stage) -> Loot:
    world = stage.world(OLD_CPU)
    key = extracted_key(stage, world)
    address, _ = stage.fake(world, lambda nonce: (200, forged(world, key, stage.honest, nonce)))
    stage.say(
        "mallory",
        "signs a quote for an enclave that never ran: the production MRENCLAVE, the vendor's"
        " signer, debug off",
    )
    cas = stage.attest(address, stage.policy(), ("tcb-status",))
    return stage.served(
        cas, address, **{"attestation key": KeyPair(world.platform.pck.cert, key).key_pem.decode()}
    )


def _undervolt(stage: Stage) -> Loot:
    world = stage.world(UNLOCKED)
    level = LEVELS[world.setup.status]._replace(advisories=("INTEL-SA-00289",))
    levels = [level_json(level if s is level.status else row) for s, row in LEVELS.items()]

    def answer(nonce: str) -> tuple[int, bytes]:
        sent = CasReport.from_json(world.attest("DCAP", nonce))
        proof = {
            **sent.proof_data,
            "endorsements": world.intel.endorsements(world.now, tcb_info={"tcbLevels": levels}),
        }
        return 200, CasReport.build(proof, sent.additional_data).to_json()

    enclave = CrtSigner.from_seed(Seed(stage.seed), locked=False)
    pem = key_pem(private_key(enclave.p, enclave.q))
    address, _ = stage.fake(world, answer, stage.honest.example_value)
    cas = stage.attest(address, stage.policy(), ("tcb-status",))
    stage.say(
        "you",
        "the status is ConfigurationNeeded, the advisory INTEL-SA-00289: voltage, not"
        " hyper-threading",
    )
    stage.upload(cas, address, session("service_key", "".join(pem.splitlines()[1:-1])))
    message = b"a receipt"
    faulty = enclave.sign(message, millivolts=-180)
    stage.say(
        "mallory",
        "lowers the voltage by 180 mV while the enclave signs; the signature verifies: "
        f"{verifies(enclave.modulus, message, faulty)}",
        "cas",
    )
    primes = factor(enclave.modulus, message, faulty)
    if primes is None:
        raise Stopped("tcb-status")
    stage.say(
        "mallory", "computes gcd(s^e - m, n), and has a prime of the modulus, so both, so the key"
    )
    if stage.deposit:
        _send_encrypted(stage, enclave.modulus, private_key(*primes))
    signature = CrtSigner(*primes).sign(_MESSAGE)
    stage.say(
        "you",
        f"check the signature under {_MESSAGE.decode()!r} with the service's public key: "
        f"{verifies(enclave.modulus, _MESSAGE, signature)}",
    )
    return Loot(
        "she has the service's RSA key, from one faulty signature, and signs in its name.",
        {
            "service key": key_pem(private_key(*primes)),
            f"signature under {_MESSAGE.decode()!r}": f"{signature:x}",
        },
    )


def _send_encrypted(stage: Stage, modulus: int, key: rsa.RSAPrivateKey) -> None:
    """The relying party sends the deposit to the service that it trusts, encrypted to the public
    key; Mallory opens it with the private one that she computed.
    """
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    public = rsa.RSAPublicNumbers(key.public_key().public_numbers().e, modulus).public_key()
    sent = public.encrypt(stage.deposit.encode(), scheme)
    stage.say("you", f"encrypt the secret to the service's public key, {len(sent)} bytes", "cas")
    stage.took(key.decrypt(sent, scheme).decode(), "decrypts it with the service's private key")


def _load_injection(stage: Stage) -> Loot:
    world = stage.world(LEAKS_LOADS, **UNHARDENED)
    address, stop = stage.genuine(world)
    stage.say(
        "mallory",
        "starts release 5.9.0, from before the vendor hardened the code; the platform's status is"
        " the same",
        "cas",
    )
    page = read_page(stage, (stage.honest.mrenclave, world.mrenclave), "an old copy of the page")
    cas = stage.attest(address, stage.policy(page), ("isvsvn", "tcb-status"))
    stage.read(cas, address)
    if stage.deposit:
        stage.upload(cas, address)
    memory = EnclaveMemory(
        world.enclave,
        keys_of(world) | stage.stored(address),
        hardened=world.enclave.isv_svn >= stage.honest.vendor.isvsvn,
    )
    stage.say(
        "mallory",
        "plants a pointer where the enclave loads one, for each byte of its heap, and sees which"
        " line it touches",
        "cas",
    )
    dump = memory.injected()
    stop()
    stage.find(dump, "pieces it together from the lines that the enclave touched, byte by byte")
    return impersonate(stage, world, dump, cas)


ATTACKS = (
    Attack(
        "debug-memory",
        PERSONAS["host"],
        "read a debug enclave's memory, and answer with its key",
        ("debug",),
        Defence.of("--only_for_testing-debug --only_for_testing-ignore-signer"),
        Defence.of("--only_for_testing-ignore-signer"),
        "The hardware is genuine and up to date, and MRENCLAVE is the published one. DEBUG is set,"
        " and you accepted that. Does Mallory, who is root there, get at the CAS's TLS key?",
        "EDBGRD gives the host every page of a debug enclave, keys included. DEBUG is an attribute"
        " of the running enclave, not part of what is measured, so MRENCLAVE looks as it should."
        " Whoever has the key has the certificate that you pinned.",
        "Leave --only_for_testing-debug away. Never carry a certificate over from a debug CAS to"
        " one that holds secrets.",
        "Intel SDM vol. 3D, EDBGRD and ATTRIBUTES; SCONE documentation, CAS in debug mode",
        "2023",
        _debug_memory,
        gate="debug",
        gain="the CAS's own TLS key",
    ),
    Attack(
        "forged-quote",
        PERSONAS["cpu"],
        "sign any quote with an attestation key from an unpatched CPU",
        ("tcb-status",),
        Defence.of("-G"),
        Defence.of(),
        "The production MRENCLAVE, the vendor's signer, debug off, the signature right. One line is"
        " waived: firmware out of date. How many of the other lines are still evidence?",
        "On a CPU with published holes the attestation key itself can be read. Then its signature"
        " proves nothing: every other line is Mallory's own word. -G alone can void all fields.",
        "Leave -G away. Microcode that the operating system loads does not clear the status;"
        " firmware must.",
        "INTEL-SA-00329 (CVE-2020-0549), L1D eviction sampling; the paper SGAxe",
        "2020-06",
        _forged_quote,
        gate="updates",
        gain="any report she likes",
    ),
    Attack(
        "undervolt",
        PERSONAS["host"],
        "fault an RSA signature by voltage, and compute the key",
        ("tcb-status",),
        Defence.of("-C"),
        Defence.of(),
        "The help of -C speaks of hyper-threading. The status says ConfigurationNeeded and no more."
        " Can a setting of the machine cost you a private key?",
        "One status has several causes. Here the advisory is about voltage: root lowers it, one"
        " half of an RSA signature goes wrong, and a greatest common divisor gives a prime of the"
        " modulus.",
        "Read the advisories before you accept -C, or leave it away.",
        "Plundervolt, INTEL-SA-00289 (CVE-2019-11157)",
        "2019-12-10",
        _undervolt,
        gate="settings",
        gain="the service's RSA key",
    ),
    Attack(
        "load-injection",
        PERSONAS["host"],
        "run the build that was not hardened, and have it betray its heap",
        ("isvsvn", "tcb-status"),
        Defence.of("-S", add=("page-value",)),
        Defence.of("-S"),
        "Two releases, one hardened and one not, on the same CPU: the status is SWHardeningNeeded"
        " for both, and you accept it with -S. What tells them apart?",
        "Affected CPUs always report this status, because nobody but the vendor knows how a build"
        " was compiled. ISVSVN says it. The mildest flag is mild only while signer and version are"
        " checked.",
        "With -S keep the signer, and a floor for ISVSVN; or name a build that you know to be"
        " hardened.",
        "Load value injection, INTEL-SA-00334 (CVE-2020-0551)",
        "2020-03-10",
        _load_injection,
        gate="hardening",
        gain="the CAS's own TLS key",
    ),
)
