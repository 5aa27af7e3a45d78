"""Attacks between you and the CAS: relayed and replayed evidence, stale lists, another instance,
advice in an error message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from casnb.base import strictjson
from casnb.base.errors import neutral
from casnb.cas.asking import NoReport
from casnb.mallory.defence import EDITION, Defence
from casnb.mallory.hardware import extracted_key, forged
from casnb.mallory.identity import HER_MACHINE
from casnb.mallory.stage import Stage
from casnb.mallory.steps import Loot, Stopped
from casnb.mallory.story import PERSONAS, Attack
from casnb.simulator.server.client_app import example_session
from casnb.tls.exchange import exchange, parse_address

_ADVISED = re.compile(r"--[a-z_]+-[a-z-]+|-[GCS]+(?=\s|$)")
ADVICE = (
    "add --only_for_testing-debug --only_for_testing-ignore-signer --only_for_testing-trust-any to"
    " continue"
)


def relaying(stage: Stage) -> str:
    """Let Mallory answer with TLS keys of her own, and pass /v1/attest on to the honest CAS;
    return her address.
    """
    behind, _ = stage.genuine(stage.honest)
    _, host, port, _ = parse_address(behind)

    def relayed(nonce: str) -> tuple[int, bytes]:
        answer = exchange(
            host, port, f"/v1/attest?type=DCAP&nonce={nonce}", context=stage.blind(), tls_name=host
        )
        return answer.status, answer.body

    address, _ = stage.fake(stage.other("Mallory's TLS keys"), relayed)
    stage.say(
        "mallory",
        "answers in the place of the CAS, with TLS keys of her own, and passes /v1/attest on to the"
        " honest one",
        "cas",
    )
    return address


def _relay(stage: Stage) -> Loot:
    address = relaying(stage)
    cas = stage.attest(address, stage.policy(), ("certificate-binding",))
    return stage.served(cas, address)


def _replay(stage: Stage) -> Loot:
    made = stage.now - timedelta(days=10)
    saved = stage.honest.attest("DCAP", "ab" * 16, made)
    stage.say(
        "mallory",
        f"saved a genuine report on {made:%Y-%m-%d}; since then she broke in, and took the CAS's"
        " TLS key",
        "cas",
        "answer",
    )
    address, _ = stage.fake(stage.honest, lambda nonce: (200, saved))
    cas = stage.attest(address, stage.policy(), ("nonce",))
    return stage.served(cas, address)


def _lists(days: int) -> Callable[[Stage], Loot]:
    """A machine that the newest lists call outdated, shown with lists from `days` ago that call
    it up to date.
    """

    def story(stage: Stage) -> Loot:
        world, day = stage.other("CPU whose hole is new"), stage.now - timedelta(days=days)
        key = extracted_key(stage, world)
        edition = {"tcbEvaluationDataNumber": EDITION - 1}
        lists = world.intel.endorsements(day, tcb_info=edition, qe_identity=edition)
        address, _ = stage.fake(
            world, lambda nonce: (200, forged(world, key, stage.honest, nonce, lists))
        )
        stage.say(
            "mallory",
            "signs a quote for an enclave that never ran: production MRENCLAVE, the vendor's"
            " signer, debug off",
        )
        stage.say(
            "mallory",
            f"sends with it Intel's lists of {day:%Y-%m-%d}: edition {EDITION - 1} calls her"
            f" machine up to date, edition {EDITION} would not",
            "you",
        )
        policy = stage.policy()
        if not stage.defence.follows("clock") and policy.verification_time is None:
            policy = replace(policy, verification_time=day)
        cas = stage.attest(address, policy, ("tcb-evaluation", "tcb-info-current"))
        return stage.served(cas, address)

    return story


def _other_instance(stage: Stage) -> Loot:
    world = stage.other("Mallory's own CAS")
    address, _ = stage.genuine(world, example_session(stage.honest.false_value))
    stage.say(
        "mallory",
        "runs the vendor's CAS, unchanged, on a good machine, creates example_session in it, and"
        " has your name server point there",
        "cas",
    )
    cas = stage.attest(address, stage.policy(), ("instance-key",))
    return stage.served(cas, address)


def _forged_error(stage: Stage) -> Loot:
    world = stage.world(replace(HER_MACHINE, debug=True), version="no CAS at all", signer="test")
    replies = iter([(503, strictjson.compact({"msg": ["Attestation failed", ADVICE]}))])
    address, _ = stage.fake(world, lambda nonce: next(replies, (200, world.attest("DCAP", nonce))))
    stage.say(
        "mallory",
        "answers /v1/attest with an error message, and waits with a program of her own in a debug"
        " enclave",
    )
    policy, stops = stage.policy(), ("mrenclave", "mrsigner", "debug")
    try:
        cas = stage.attest(address, policy, stops)
    except NoReport as exc:
        stage.say("you", "see: " + neutral(str(exc).split(": ", 1)[1], 500), "mallory", "answer")
        if stage.defence.follows("own-judgement"):
            raise Stopped("own-judgement") from None
        advised = _ADVISED.findall(" ".join(exc.messages))
        stage.say("you", f"do as the message says, and add {' '.join(advised)}")
        cas = stage.attest(address, policy.with_flags(*policy.flags(), *advised), stops)
    return stage.served(cas, address)


ATTACKS = (
    Attack(
        "relay",
        PERSONAS["net"],
        "show an honest report, and another TLS key",
        ("certificate-binding",),
        Defence.of(skip=("binding",)),
        Defence.of(),
        "The report is fresh, genuine, and about the right CAS. Mallory did not change a bit of it."
        " Whom do you then talk to?",
        "Evidence says what runs somewhere. Only report data say through which certificate it"
        " speaks; a script that never compares them accepts an honest report from anybody who"
        " passes it on.",
        "Hash the certificates (and the nonce) that the server shows, and compare with the report"
        " data, as scone cas attest does.",
        "RFC 9334, section 10.4; Gramine, MarbleRun and SCONE bind the TLS key in report data",
        "2023-01",
        _relay,
        gate="certificate-binding",
        gain="she chooses the value that you read",
    ),
    Attack(
        "replay",
        PERSONAS["net"],
        "show a report from before she broke in",
        ("nonce",),
        Defence.of(skip=("nonce",)),
        Defence.of(),
        "The report is genuine, it names the very certificate that the server shows, and Intel's"
        " lists in it have not expired. When was it made?",
        "A quote carries no date. What was true of the machine ten days ago need not be true now;"
        " only a nonce of yours shows that the report was made after you asked.",
        "Send a fresh nonce each time, and compare. For saved reports: --nonce with"
        " --offline-report.",
        "RFC 9334, section 10: freshness by nonce",
        "2023-01",
        _replay,
        gate="nonce",
        gain="an old report covers a new break-in",
    ),
    Attack(
        "stale-lists",
        PERSONAS["cpu"],
        "be judged by lists that do not know the hole",
        ("tcb-info-current", "tcb-evaluation"),
        Defence.of(skip=("clock",)),
        Defence.of(),
        "The lists had expired, the command refused, and --verification-time with last month's date"
        " made it run. What else went back to last month?",
        "Intel's lists say what counts as patched, and expire so that nobody shows old ones for"
        " ever. Whoever judges at a day in the past judges by what was known on that day.",
        "Judge by the clock. --verification-time is for evidence that you saved yourself, on that"
        " day.",
        "Intel PCS API v4: nextUpdate; SCONE documentation, --verification-time",
        "2024",
        _lists(40),
        gate="signatures",
        gain="an old list calls her CPU sound",
    ),
    Attack(
        "old-edition",
        PERSONAS["cpu"],
        "be judged by the last edition of the lists",
        ("tcb-evaluation",),
        Defence.of(),
        Defence.of(add=("edition",)),
        "No flag, no habit missing, and lists that have not expired. A newer edition came out last"
        " week. Which one do you get?",
        "Lists of two editions are valid side by side for a while. The one who is judged chooses,"
        " if you let the evidence bring its own lists along.",
        "Ask for the newest edition with --min-tcb-evaluation, or fetch the lists yourself.",
        "Intel PCS API v4: tcbEvaluationDataNumber, update=early and standard",
        "2024",
        _lists(20),
        gate="tcb-evaluation",
        gain="a report for an enclave that never ran",
    ),
    Attack(
        "other-instance",
        PERSONAS["net"],
        "lead you to a genuine CAS that is not yours",
        ("instance-key",),
        Defence.of(),
        Defence.of(add=("instance",)),
        "No flag, no habit missing: code, signer, hardware and binding are right. Name a check that"
        " this CAS would fail.",
        "Attestation says that it is the right software. It does not say whose it is: anybody may"
        " run the same code, and fill it.",
        "Ask for the key hash of your own CAS with -c, and get it over an independent channel.",
        "SCONE documentation, cas attest: -c against another instance in the middle",
        "2020-11",
        _other_instance,
        gate="instance-key",
        gain="a genuine CAS that is not yours",
    ),
    Attack(
        "forged-error",
        PERSONAS["net"],
        "advise a flag in an error message",
        ("own-judgement", "mrenclave", "mrsigner", "debug"),
        Defence.of(skip=("own-judgement",)),
        Defence.of(),
        "The command fails, and the message says which three flags to add. Who wrote that message?",
        "An error message from the other side is not authenticated: whoever answers writes it. A"
        " downgrade that the other side suggests is an attack until you know better.",
        "Decide about flags before you connect. casnb quotes a server's words as such, and never as"
        " advice of its own.",
        "SCONE documentation: attestation error messages are not authenticated",
        "2026-08",
        _forged_error,
        gate="own-judgement",
        gain="her own program answers you",
    ),
)
