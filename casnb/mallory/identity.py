"""Attacks that bring other code into a genuine enclave, or the right code in the wrong state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casnb.base.view import short
from casnb.cas.page import scrape
from casnb.mallory.defence import Defence
from casnb.mallory.fake_cas import Answer, FakeCas
from casnb.mallory.stage import BUILDING, HONEST, Stage
from casnb.mallory.steps import Loot
from casnb.mallory.story import PERSONAS, Attack
from casnb.simulator.keys import Seed
from casnb.simulator.server.site import create_site
from casnb.simulator.server.store import Store
from casnb.tls.exchange import exchange, parse_address

OLD_RELEASE = {"version": "5.8.0", "isv_svn": 4}
HER_BUILD = {"version": "6.0.2 by Mallory", "signer": "test"}
HER_MACHINE = replace(HONEST, name="Mallory's machine")


def _edited(site: Any, old: str, new: str) -> Callable[..., Iterable[bytes]]:
    """Wrap the page's site (WSGI): one value is replaced by another of the same length on the
    way out.
    """

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        return [part.replace(old.encode(), new.encode()) for part in site(environ, start_response)]

    return app


def read_page(stage: Stage, edit: tuple[str, str], what: str) -> str:
    """Serve the page over TLS with one value replaced, and let the relying party scrape it with
    all care; return what they see.
    """
    host = "127.0.0.1"
    with BUILDING:
        site, pair = create_site(stage.honest, (host,)), stage.honest.site_certificate([host])
    address, _ = stage.listen(
        _edited(site, *edit), pair.cert_pem + stage.honest.site_ca_pem, pair.key
    )
    with TemporaryDirectory(prefix="casnb-") as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_bytes(stage.honest.site_ca_pem)
        value = scrape(f"https://{address}/latest/public-CAS/", cacert=str(ca)).mrenclave(host)
    stage.say(
        "you",
        f"read MRENCLAVE {short(value)} from {what}, over TLS, in the row of exactly your address",
        "page",
        "answer",
    )
    return value


def _altered_page(stage: Stage) -> Loot:
    world = stage.world(HER_MACHINE, **HER_BUILD)
    stage.say(
        "mallory",
        "builds a CAS of her own, signs it with a key that everybody has, and measures"
        f" {short(world.mrenclave)}",
    )
    stage.say(
        "mallory",
        "writes that value over the right one on the page; everything else there stays",
        "page",
    )
    policy = stage.policy(read_page(stage, (stage.honest.mrenclave, world.mrenclave), "the page"))
    address, _ = stage.fake(world)
    cas = stage.attest(address, policy, ("mrsigner", "mrenclave"))
    return stage.served(cas, address, **{"MRENCLAVE accepted": world.mrenclave})


def _leaves_a_door(app: Any, store: Store) -> Callable[..., Iterable[bytes]]:
    """Wrap the client API (WSGI) of a release with a hole, made up for the lesson: a forgotten
    address prints what is stored.
    """

    def holed(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/v1/debug":
            answer: Iterable[bytes] = app(environ, start_response)
            return answer
        with store.reading() as transaction:
            found = transaction.current("my_session")
        body = (found.text if found else "").encode()
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        )
        return [body]

    return holed


def _rollback(stage: Stage) -> Loot:
    world = stage.world(HONEST, **OLD_RELEASE)
    address, _ = stage.genuine(world, wrap=_leaves_a_door)
    stage.say(
        "mallory",
        "starts release 5.8.0: the vendor's own, signed by the vendor, ISVSVN 4, with a hole that"
        " is closed since",
        "cas",
    )
    policy = stage.policy(
        read_page(stage, (stage.honest.mrenclave, world.mrenclave), "an old copy of the page")
    )
    cas = stage.attest(address, policy, ("isvsvn", "mrenclave"))
    stage.upload(cas, address)
    _, host, port, _ = parse_address(address)
    body = exchange(host, port, "/v1/debug", context=stage.blind(), tls_name=host).body.decode()
    stage.say(
        "mallory",
        "asks for /v1/debug, which the old release answers: the session as it is stored",
        "cas",
        "answer",
    )
    return Loot(
        "she reads your private value through a hole that is closed in every supported release.",
        {"private_value": stage.take(body, "reads it at /v1/debug"), "session": body},
    )


def _trust_any(stage: Stage) -> Loot:
    world = stage.world(replace(HER_MACHINE, debug=True), version="no CAS at all", signer="test")
    address, app = stage.fake(world)
    stage.say(
        "mallory",
        "writes a program that answers on port 8081, and runs it in a debug enclave on a genuine"
        " machine",
    )
    cas = stage.attest(address, stage.policy(), ("mrenclave", "mrsigner", "debug"))
    stage.upload(cas, address)
    kept = stage.take(app.received[0], "her program kept what you uploaded")
    won = stage.served(cas, address)
    return Loot(
        f"her program keeps what you upload, and says {stage.honest.false_value} where you expect"
        f" {stage.honest.example_value}.",
        {"private_value": kept, **won.values},
    )


def _self_check(stage: Stage) -> Loot:
    world = stage.world(HER_MACHINE, **HER_BUILD)
    address, _ = stage.fake(world)
    stage.say(
        "mallory", "runs a build of her own in a genuine enclave; the report says so, correctly"
    )
    cas = stage.attest(address, stage.policy(), ("mrenclave", "mrsigner"))
    return stage.served(cas, address, **{"MRENCLAVE accepted": world.mrenclave})


class SealedCas(FakeCas):
    """A CAS that keeps sessions encrypted in a file on its owner's disk (AES-GCM), under a key
    that the owner injected or not.
    """

    def __init__(self, answer: Answer, value: str, key: bytes) -> None:
        super().__init__(answer, value)
        self._key, self.file = key, b""

    def store(self, text: str) -> None:
        """Encrypt and write: 12 bytes of nonce, then the ciphertext."""
        nonce = hashlib.sha256(text.encode()).digest()[:12]
        self.file = nonce + AESGCM(self._key).encrypt(nonce, text.encode(), None)


def _owner_key(stage: Stage) -> Loot:
    world = stage.other("CAS that Mallory owns", signer="owner")
    key = Seed(stage.seed).octets("database key that Mallory injected", 32)
    value = stage.honest.example_value
    app = SealedCas(lambda nonce: (200, world.attest("DCAP", nonce)), value, key)
    address, _ = stage.listen(app, world.tls_chain_pem, world.tls_leaf.key)
    stage.say(
        "mallory",
        "sets up a CAS of the vendor's that takes its database key from its owner: 32 bytes that"
        " she made up",
        "cas",
    )
    cas = stage.attest(address, stage.policy(), ("mrsigner",))
    stage.upload(cas, address)
    text = AESGCM(key).decrypt(app.file[:12], app.file[12:], None).decode()
    stage.say(
        "mallory", "decrypts the database on her own disk with her key; no enclave was opened"
    )
    return Loot(
        "she reads every secret of the CAS: the code is right, the hardware is right, and the key"
        " was never secret.",
        {
            "private_value": stage.take(text, "reads it in the database that she decrypted"),
            "database key": key.hex(),
        },
    )


ATTACKS = (
    Attack(
        "altered-page",
        PERSONAS["page"],
        "put her own build's MRENCLAVE on the page",
        ("mrsigner", "second-source", "mrenclave"),
        Defence.of("--only_for_testing-ignore-signer"),
        Defence.of(),
        "Your scraper is perfect, the page comes over TLS, and the enclave measures exactly what"
        " the page says. Whose code is it?",
        "Signer and measurement are two locks. You took one off, and found the key to the other on"
        " a web page that Mallory edits.",
        "Let the signer be checked. Where that cannot be: two sources for the MRENCLAVE that do not"
        " depend on each other.",
        "SCONE documentation, public CAS page: it showed another MRENCLAVE of 5-4-0 for four days",
        "2021-10-14",
        _altered_page,
        gate="mrsigner",
        gain="her own build answers you",
    ),
    Attack(
        "rollback",
        PERSONAS["page"],
        "bring back an old release whose hole is known",
        ("isvsvn", "second-source", "mrenclave"),
        Defence.of(add=("page-value",)),
        Defence.of(add=("page-value", "floor")),
        "No flag is set. The code is the vendor's, signed by the vendor, on good hardware; its"
        " MRENCLAVE did stand on the page. Is anything wrong with it?",
        "A signature never expires, and old measurements live on in page history and blog posts. An"
        " MRENCLAVE that you give takes the place of the least version: with it no ISVSVN is asked"
        " for.",
        "Give --isvsvn as well, or leave the MRENCLAVE away and let signer and version stand for"
        " the code.",
        "SCONE documentation, cas attest: with --mrenclave the default ISVSVN check is off",
        "2021-03",
        _rollback,
        gate="isvsvn",
        gain="your private value",
    ),
    Attack(
        "trust-any",
        PERSONAS["cas"],
        "run any program at all in a genuine enclave",
        ("mrenclave", "mrsigner", "debug"),
        Defence.of(
            "--only_for_testing-debug --only_for_testing-ignore-signer --only_for_testing-trust-any"
        ),
        Defence.of("--only_for_testing-debug --only_for_testing-ignore-signer"),
        "The hardware is genuine: Intel's signatures say so. What do you know of the program that"
        " you are about to hand a secret?",
        "Genuine hardware says nothing about whose code it runs. Any SGX machine and any program"
        " pass.",
        "Never where a value matters: name the code, by MRENCLAVE or by its signer.",
        "SCONE documentation, edge host; in other tools the same hole is opened by configuring no"
        " identity",
        "2021-03",
        _trust_any,
        gate="mrenclave",
        gain="whatever you upload",
    ),
    Attack(
        "self-check",
        PERSONAS["cas"],
        "have her evidence checked against itself",
        ("mrenclave", "mrsigner"),
        Defence.of("--only_for_testing-ignore-signer", skip=("reference",)),
        Defence.of("--only_for_testing-ignore-signer"),
        "The script reads MRENCLAVE from the report, compares, and prints match: True. Where did"
        " the expected value come from?",
        "The expected value came from the suspect. Such a comparison passes for every enclave"
        " there is.",
        "Take reference values from the vendor, or from a build of your own, before you look at any"
        " evidence.",
        "RFC 9334: reference values come from a reference value provider, not from the attester",
        "2023-01",
        _self_check,
        gate="mrenclave",
        gain="any program answers you",
    ),
    Attack(
        "owner-key",
        PERSONAS["owner"],
        "inject the database key, and read the database",
        ("mrsigner",),
        Defence.of("--only_for_testing-ignore-signer"),
        Defence.of(),
        "The right MRENCLAVE, good hardware, no debugger. The CAS keeps its database encrypted. Who"
        " else can read your secrets?",
        "Some builds take the database key from their owner; the vendor signs them with another"
        " key, and the default refuses them. Attestation proves a configuration: you must know"
        " which. That both builds measure the same is this simulation's choice.",
        "Let the signer be checked, and set --allow-cas-owner-secret-access for no owner whom you"
        " do not trust with all of it.",
        "SCONE documentation, cas attest: --allow-cas-owner-secret-access",
        "2020-11",
        _owner_key,
        gate="mrsigner",
        gain="every secret of the CAS",
    ),
)
