"""Attacks between you and the CAS: relayed and replayed evidence, stale lists, another instance, advice in an error message."""

from __future__ import annotations

from casnb.cas.https import exchange, parse_address
from casnb.simulator.attacks.defence import Defence
from casnb.simulator.attacks.stage import Stage
from casnb.simulator.attacks.story import PERSONAS, Attack, Loot
from casnb.simulator.service import EXAMPLE_SESSION


def _relay(stage: Stage) -> Loot:
    behind, _ = stage.genuine(stage.honest)
    _, host, port, _ = parse_address(behind)

    def relayed(nonce: str) -> tuple[int, bytes]:
        answer = exchange(host, port, f"/v1/attest?type=DCAP&nonce={nonce}", context=stage.blind(), tls_name=host)
        return answer.status, answer.body

    address, _ = stage.fake(stage.other("Mallory's TLS keys"), relayed)
    stage.say("mallory", "answers in the place of the CAS, with TLS keys of her own, and passes /v1/attest on to the honest one")
    cas = stage.attest(address, stage.policy(), ("certificate-binding",))
    return stage.served(cas, address)


def _other_instance(stage: Stage) -> Loot:
    world = stage.other("Mallory's own CAS")
    address, _ = stage.genuine(world, EXAMPLE_SESSION.replace('"42"', '"1337"'))
    stage.say("mallory", "runs the vendor's CAS, unchanged, on a good machine, creates example_session in it, and has "
                         "your name server point there")
    cas = stage.attest(address, stage.policy(), ("instance-key",))
    return stage.served(cas, address)


ATTACKS = (
    Attack(
        "relay", PERSONAS["net"], "show an honest report, and another TLS key", ("certificate-binding",),
        Defence.of(skip=("binding",)), Defence.of(),
        "The report is fresh, genuine, and about the right CAS. Mallory did not change a bit of it. Whom do you then talk to?",
        "Evidence says what runs somewhere. Only report data say through which certificate it speaks; a script that never compares "
        "them accepts an honest report from anybody who passes it on.",
        "Hash the certificates (and the nonce) that the server shows, and compare with the report data. `scone cas attest` does.",
        "RFC 9334, section 10.4; Gramine, MarbleRun and SCONE bind the TLS key in report data", "2023-01", _relay),
    Attack(
        "other-instance", PERSONAS["net"], "lead you to a genuine CAS that is not yours", ("instance-key",),
        Defence.of(), Defence.of(add=("instance",)),
        "No flag, no habit missing: code, signer, hardware and binding are right. Name a check that this CAS would fail.",
        "Attestation says that it is the right software. It does not say whose it is: anybody may run the same code, and fill it.",
        "Ask for the key hash of your own CAS with -c, and get that hash by a road of its own.",
        "SCONE documentation, cas attest: -c against another instance in the middle", "2020-11", _other_instance),
)
