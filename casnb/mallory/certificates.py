"""Attacks on what comes after the attestation: which certificates a client accepts, and who let
them in.
"""

from __future__ import annotations

import ssl
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.cas.attest import AttestedCas
from casnb.mallory.channel import relaying
from casnb.mallory.defence import Defence
from casnb.mallory.fake_cas import FakeCas
from casnb.mallory.handshake import shown_chain
from casnb.mallory.hardware import DEBUG_BUILD, keys_of
from casnb.mallory.memory import EnclaveMemory, key_for, keys_in
from casnb.mallory.stage import Stage
from casnb.mallory.steps import Loot, Stopped
from casnb.mallory.story import PERSONAS, Attack
from casnb.simulator.keys import KeyPair, Seed, certificate, distinguished_name
from casnb.simulator.world import World
from casnb.tls.cas_chain import TLS_NAME, issued_by


def _attested(stage: Stage) -> ssl.SSLContext | AttestedCas:
    """The honest CAS answers and is attested, as the defence says; nothing of Mallory's has
    happened yet.
    """
    address, _ = stage.genuine(stage.honest)
    return stage.attest(address, stage.policy())


def _first_use(stage: Stage) -> Loot:
    address = relaying(stage)
    if stage.defence.follows("attest-first"):
        return stage.served(
            stage.attest(address, stage.policy(), ("certificate-binding",)), address
        )
    trust = stage.trust(shown_chain(address)[1:])
    stage.say(
        "you",
        "save what openssl s_client -showcerts shows as cas_cert.crt, and leave the attestation for"
        " later",
        "mallory",
        "answer",
    )
    return stage.served(trust, address)


def _no_verify(stage: Stage) -> Loot:
    cas = _attested(stage)
    address, _ = stage.fake(stage.other("Mallory's TLS keys"))
    stage.say(
        "mallory", "answers in the place of the CAS, with a certificate that she made herself"
    )
    if stage.defence.follows("verify-tls"):
        return stage.served(cas, address)
    stage.say("you", "see a TLS error, and add -k")
    return stage.served(stage.blind(), address)


def _wrong_file(stage: Stage) -> Loot:
    cas, debug = _attested(stage), stage.world(DEBUG_BUILD)
    key = key_for(
        debug.tls_leaf.cert.public_key(),
        keys_in(EnclaveMemory(debug.enclave, keys_of(debug)).dump()),
    )
    if key is None:
        raise Stopped("tls-chain")
    app = FakeCas(lambda nonce: (200, debug.attest("DCAP", nonce)), stage.honest.false_value)
    address, _ = stage.listen(app, debug.tls_chain_pem, key)
    stage.say(
        "mallory",
        "took the TLS key of a debug CAS with a debugger, and answers with it in the place of the"
        " production CAS",
    )
    if stage.defence.follows("own-file"):
        return stage.served(cas, address)
    stage.say(
        "you",
        "name the cas_cert.crt that lies in the folder, from last week's exercise with the"
        " debug CAS",
    )
    stolen = KeyPair(debug.tls_leaf.cert, key).key_pem.decode()
    return stage.served(
        stage.trust(_authorities(debug)), address, **{"TLS key of the debug CAS": stolen}
    )


def _leaf_as_ca(stage: Stage) -> Loot:
    cas = _attested(stage)
    service, forged = _service_certificate(stage)
    chain = forged.cert_pem + service.cert_pem + stage.honest.cas_chain_pem
    app = FakeCas(lambda nonce: (200, b""), stage.honest.false_value)
    address, _ = stage.listen(app, chain, forged.key)
    stage.say(
        "mallory",
        "has a certificate for a service of hers under the CAS's key (CA:FALSE), and signs with it"
        " one for 'cas'",
    )
    if stage.defence.follows("authority"):
        return stage.served(cas, address)
    shown = [x509.load_der_x509_certificate(c) for c in shown_chain(address)]
    good = shown[-1] == stage.honest.cas_root.cert and all(
        issued_by(lower, upper) for lower, upper in pairwise(shown)
    )
    stage.say(
        "you",
        f"check by hand: each of {len(shown)} certificates is signed by the next, up to the"
        f" attested root: {good}",
    )
    if not good:
        raise Stopped("tls-chain")
    return stage.served(stage.blind(), address)


def _service_certificate(stage: Stage) -> tuple[KeyPair, KeyPair]:
    """Return Mallory's own certificate, issued by the CAS, and the one that she issues with it."""
    world, like = stage.honest, stage.honest.tls_leaf.cert
    valid = (like.not_valid_before_utc, like.not_valid_after_utc)
    seed = Seed(f"{stage.seed} of Mallory")
    own = certificate(
        distinguished_name(CN="service of Mallory"),
        seed.p256("service"),
        world.cas_instance,
        seed.serial("service", 8),
        valid,
        [(x509.BasicConstraints(False, None), True)],
    )
    names = x509.SubjectAlternativeName([x509.DNSName(TLS_NAME)])
    return own, certificate(
        distinguished_name(CN=TLS_NAME),
        seed.p256("cas"),
        own,
        seed.serial("cas", 8),
        valid,
        [(names, False), (x509.BasicConstraints(False, None), True)],
    )


def _system_store(stage: Stage) -> Loot:
    cas = _attested(stage)
    pair = stage.honest.site_certificate(["127.0.0.1"])
    app = FakeCas(lambda nonce: (200, b""), stage.honest.false_value)
    address, _ = stage.listen(app, pair.cert_pem + stage.honest.site_ca_pem, pair.key)
    stage.say(
        "mallory",
        "controls the address, so a web authority, one of those in every system's store, certifies"
        " it for her",
    )
    if stage.defence.follows("only-pin"):
        return stage.served(cas, address)
    context = stage.trust(
        [*_authorities(stage.honest), stage.honest.site_ca.cert.public_bytes(Encoding.DER)]
    )
    stage.say(
        "you", "add the CAS's certificates to the system's store, and connect by the host's name"
    )
    won = stage.served(context, address, "127.0.0.1")
    value = won.values["served value"]
    return won._replace(words=f"you read {value}: the pin was one authority among hundreds.")


def _authorities(world: World) -> list[bytes]:
    return [pair.cert.public_bytes(Encoding.DER) for pair in (world.cas_instance, world.cas_root)]


ATTACKS = (
    Attack(
        "first-use",
        PERSONAS["net"],
        "be there first, when you save the certificate",
        ("certificate-binding",),
        Defence.of(skip=("attest-first",)),
        Defence.of(),
        "curl wants a --cacert, and openssl s_client prints the server's certificates. Saved, and"
        " no error any more. What is known of the server now?",
        "That it is the same one as at the first time. Trust on first use pins whoever answered"
        " then, and Mallory answered.",
        "Attest first; keep the certificates of the accepted report: scone cas show-certificate >"
        " cas_cert.crt.",
        "SCONE documentation, CAS REST API: cacert from show-certificate",
        "2024",
        _first_use,
        gate="certificate-binding",
        gain="her certificate in your store",
    ),
    Attack(
        "no-verify",
        PERSONAS["net"],
        "answer a client that does not verify",
        ("tls-chain",),
        Defence.of(skip=("verify-tls",)),
        Defence.of(),
        "The attestation went well. The next call fails with a TLS error, and works with -k. Who"
        " answered it?",
        "Encryption without a name is encryption to anybody. The attestation holds for one"
        " certificate; -k does not look at it.",
        "Name the attested certificates with --cacert, and read what the error says.",
        "curl manual, --insecure",
        "2026",
        _no_verify,
        gate="tls-chain",
        gain="any server answers you",
    ),
    Attack(
        "wrong-file",
        PERSONAS["host"],
        "answer for the production CAS with a debug CAS's key",
        ("tls-chain",),
        Defence.of(skip=("own-file",)),
        Defence.of(),
        "All CASes use the same names in their certificates. The file in your folder is from"
        " another CAS. Does TLS notice?",
        "Not if the other CAS's key answers. A certificate from a debug CAS is worth as much as its"
        " key, and the host has that.",
        "Export the certificates again for each CAS, and throw those of debug CASes away.",
        "SCONE documentation, troubleshooting: curl 35 for another CAS's file",
        "2023",
        _wrong_file,
        gate="tls-chain",
        gain="her own CAS answers you",
    ),
    Attack(
        "leaf-as-ca",
        PERSONAS["net"],
        "issue a certificate with one that may not",
        ("tls-chain",),
        Defence.of(skip=("authority",)),
        Defence.of(),
        "Four certificates, each signed by the next, and the last is the attested root. Is the"
        " first one the CAS's?",
        "A signature says who signed, not who may. Only CA:TRUE in the basic constraints makes an"
        " issuer; without that question every holder of a certificate is one. That this CAS issues"
        " service certificates under its own key is made up here.",
        "Leave the chain to TLS. It asks for basic constraints, names and dates at each step.",
        "RFC 5280, section 6.1.4 (k): basic constraints",
        "2008-05",
        _leaf_as_ca,
        gate="tls-chain",
        gain="a certificate that may not issue",
    ),
    Attack(
        "system-store",
        PERSONAS["net"],
        "have a web authority vouch for her",
        ("tls-chain",),
        Defence.of(skip=("only-pin",)),
        Defence.of(),
        "The pinned certificates are in the client's store, beside those that came with the system."
        " Who can vouch for a CAS now?",
        "Every authority of the store. It certifies who controls a name, and that can be Mallory;"
        " it knows nothing of enclaves.",
        "A client of a CAS trusts its attested certificates and no others: no system store, no"
        " REQUESTS_CA_BUNDLE.",
        "CA/Browser Forum baseline requirements: domain validation",
        "2026",
        _system_store,
        gate="tls-chain",
        gain="a certificate that any authority issued",
    ),
)
