"""The stage of one run: worlds of a seed, servers on loopback, a relying party that acts as its
defence says, and a record.
"""

from __future__ import annotations

import re
import secrets
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from casnb.base import strictjson
from casnb.base.errors import UsageError, VerificationError, neutral
from casnb.base.view import short
from casnb.cas.asking import attempt, fetch_report
from casnb.cas.attest import AttestedCas
from casnb.cas.client import CasClient, pinned_context
from casnb.checks.result import AttestationResult
from casnb.mallory.clients import Client, asked
from casnb.mallory.defence import Defence
from casnb.mallory.fake_cas import PRIVATE_VALUE, Answer, FakeCas, secret_in, secret_of, session
from casnb.mallory.handshake import shown_chain
from casnb.mallory.steps import Loot, Step, Stopped, Taken
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.keys import Key
from casnb.simulator.scenario import SCENARIOS, Scenario
from casnb.simulator.server.client_app import create_app, example_session
from casnb.simulator.server.listener import TlsServer
from casnb.simulator.server.running import example_owner
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.store import Store
from casnb.simulator.server.tls_context import tls_context
from casnb.simulator.world import World
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import exchange, parse_address
from casnb.verify.dispatch import verify

if TYPE_CHECKING:
    from casnb.evidence.cas_report import CasReport
    from casnb.verify.proof import Proof

HONEST = SCENARIOS["production"]
VALUE_PATH = "/v1/values/session=example_session,secret=example_value"
_LOOPBACK = "127.0.0.1"

#: Routes are compiled with `ast`, which in Python 3.11 may not run in two threads at once.
BUILDING = threading.Lock()


@lru_cache(maxsize=64)
def _world(seed: str, scenario: Scenario, build: tuple[tuple[str, Any], ...]) -> World:
    """Worlds are made once for many runs: they never change."""
    world = World(seed, scenario)
    return world.with_build(**dict(build)) if build else world


@lru_cache(maxsize=64)
def _key_hash(world: World) -> str:
    """What -c names of a world's CAS."""
    return CasChain.from_pem(world.cas_chain_pem).key_hashes[0]


class Shown(NamedTuple):
    """What the relying party was shown and asked for when it attested; `stops` are the attack's
    own checks.
    """

    report: CasReport
    proof: Proof
    policy: AttestationPolicy
    stops: tuple[str, ...]


class Stage:
    """What a story is told on. `now` is the time at which the relying party judges; `result` its
    last appraisal.

    `page` is the MRENCLAVE that the page showed it, `shown` the evidence of its last
    attestation. `deposit` is a secret that it stores with the CAS that it accepted; empty, it
    stores one only where the story needs it. `taken` is that secret in Mallory's hands, as she
    got it: out of an upload, a memory or a file of hers, never from here. `client` reads the value
    in the place of casnb's own, wherever certificates were attested; None or an exception is its
    refusal.
    """

    def __init__(
        self, seed: str, defence: Defence, deposit: str = "", client: Client | None = None
    ) -> None:
        if not re.fullmatch(r"[\w.-]{0,100}", deposit, re.ASCII):
            raise UsageError(
                "deposit", got=repr(deposit)[:80], wanted="at most 100 of A-Z a-z 0-9 _ . -"
            )
        self.seed, self.defence, self.deposit = seed, defence, deposit
        self.client = client
        self.taken: Taken | None = None
        self.steps: list[Step] = []
        self.result: AttestationResult | None = None
        self.page = ""
        self.shown: Shown | None = None
        self.honest = self.world()
        self.now: datetime = self.honest.now
        self._open = ExitStack()
        self._answers: dict[str, str] = {}
        self._fakes: dict[str, FakeCas] = {}
        self._stores: dict[str, Store] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def say(self, who: str, did: str, to: str = "", kind: str = "") -> None:
        """Record a step that was just taken; with another party it is a message to it, unless
        another kind is given.
        """
        self.steps.append(Step(who, did, to, kind or ("message" if to else "note")))

    # Worlds and servers

    def world(self, scenario: Scenario = HONEST, **build: Any) -> World:
        """Return a world of this seed, the production CAS unless another is meant; `build` goes
        to `with_build`.
        """
        return _world(self.seed, scenario, tuple(sorted(build.items())))

    def other(self, name: str, **changes: Any) -> World:
        """Return a world like the honest one on a machine of its own, with keys of its own."""
        return self.world(replace(HONEST, name=name, **changes))

    def listen(
        self, app: Any, chain_pem: bytes, key: Key, party: str = "mallory"
    ) -> tuple[str, Callable[[], None]]:
        """Let an app answer over TLS on loopback; return its address and what stops it. `party`
        is who answers there.
        """
        server = TlsServer(_LOOPBACK, 0, app, tls_context(chain_pem, key, ask_client=True))
        server.start_serving()
        done = self._open.enter_context(ExitStack())
        done.callback(server.stop)
        address = f"{_LOOPBACK}:{server.port}"
        self._answers[address] = party
        if isinstance(app, FakeCas):
            self._fakes[address] = app
        return address, done.close

    def answers(self, address: str) -> str:
        """Return who answers at an address: `cas` or `mallory`."""
        return self._answers.get(address, "cas")

    def genuine(
        self, world: World, session: str = "", wrap: Callable[[Any, Store], Any] | None = None
    ) -> tuple[str, Callable[[], None]]:
        """Let the CAS of a world answer, with the example session (or `session`) stored; return
        address and what stops it.
        """
        folder = Path(
            self._open.enter_context(
                tempfile.TemporaryDirectory(prefix="casnb-", ignore_cleanup_errors=True)
            )
        )
        store = self._open.enter_context(Store(folder / "cas.sqlite3"))
        ClientApi(world, store, lambda: world.now).create(
            (session or example_session(world.example_value)).encode(), example_owner(world)
        )
        with BUILDING:
            app: Any = create_app(world, store, lambda: world.now)
        address, stop = self.listen(
            wrap(app, store) if wrap else app, world.tls_chain_pem, world.tls_leaf.key, "cas"
        )
        self._stores[address] = store
        return address, stop

    def fake(
        self, world: World, answer: Answer | None = None, value: str = ""
    ) -> tuple[str, FakeCas]:
        """Let Mallory answer with the keys of a world, and with its evidence and her value unless
        others are given.
        """
        app = FakeCas(
            answer or (lambda nonce: (200, world.attest("DCAP", nonce))),
            value or self.honest.false_value,
        )
        return self.listen(app, world.tls_chain_pem, world.tls_leaf.key)[0], app

    # The relying party

    def policy(self, page: str = "") -> AttestationPolicy:
        """Return what the relying party asks for; `page` is the MRENCLAVE that the page shows
        them (left out: the right one).
        """
        self.page = shown = page or self.honest.mrenclave
        policy = self.defence.asks(self.honest.vendor, page=shown, own=_key_hash(self.honest))
        if (
            shown in policy.mrenclaves
            and self.defence.follows("second-source")
            and shown != self.honest.mrenclave
        ):
            self.say(
                "you",
                f"a second source says {short(self.honest.mrenclave)}, the page {short(shown)}:"
                " they disagree",
            )
            raise Stopped("second-source")
        return policy

    def attest(
        self, address: str, policy: AttestationPolicy, stops: tuple[str, ...] = ()
    ) -> ssl.SSLContext | AttestedCas:
        """Attest as the defence says; return what TLS will be pinned to, or raise Stopped with
        the check that failed.

        `stops` are the attack's own checks: where several fail, the first of them is named.
        """
        bound, fresh = self.defence.follows("binding"), self.defence.follows("nonce")
        if not self.defence.follows("reference") and policy.only_for_testing_ignore_signer:
            own = fetch_report(address, type="DCAP").report_body().mrenclave
            policy = replace(policy, mrenclaves=(own,))
            self.say(
                "you",
                f"take MRENCLAVE {short(own)} from the report that is to be judged, and compare it"
                " with itself",
                self.answers(address),
                "answer",
            )
        at = policy.verification_time or self.now
        if not bound:
            report = fetch_report(address, type="DCAP")
            self.result = appraise(
                verify(report, roots=self.honest.roots, now=at), policy, clock=self.now
            )
        else:
            saved = None
            if policy.verification_time is not None and fresh:
                # A live CAS is judged by the clock: for another time a report has to be saved.
                policy = replace(policy, nonce=secrets.token_hex(16))
            if policy.verification_time is not None or not fresh:
                saved = fetch_report(address, type="DCAP", nonce=policy.nonce)
            tried = attempt(
                address, policy, roots=self.honest.roots, type="DCAP", now=self.now, report=saved
            )
            self.result, report = tried.result, tried.report
            asked = replace(policy, nonce=tried.nonce or None)
            self.shown = Shown(
                report, verify(report, roots=self.honest.roots, now=at), asked, stops
            )
        self.say(
            "you",
            f"attest it with {' '.join(map(short, policy.arguments())) or 'no flag'}:"
            f" {_short(self.result)}",
            self.answers(address),
            "verdict",
        )
        if not self.result.accepted:
            failing = [c.id for c in self.result.failures] or ["certificate-binding"]
            raise Stopped(next((s for s in stops if s in failing), failing[0]))
        return AttestedCas.from_attempt(tried) if bound else self.trust(shown_chain(address)[1:])

    def trust(self, chain: Iterable[bytes]) -> ssl.SSLContext:
        """Return a context that trusts these certificates (DER), as a script of somebody's own
        would have it.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=b"".join(chain))
        return context

    def blind(self) -> ssl.SSLContext:
        """Return a context that verifies nothing, as `curl -k` has it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def read(
        self, trust: ssl.SSLContext | AttestedCas, address: str = "", name: str = TLS_NAME
    ) -> str:
        """Read the public value; raise Stopped where TLS refuses the server."""
        if self.client is not None and isinstance(trust, AttestedCas):
            return self._read_by_client(self.client, trust, address or f"{trust.host}:{trust.port}")
        try:
            if isinstance(trust, AttestedCas) and not address:
                value = CasClient(trust).value("example_session", "example_value")
            else:
                context = (
                    trust if isinstance(trust, ssl.SSLContext) else pinned_context(trust.chain)
                )
                _, host, port, _ = parse_address(address)
                answer = exchange(host, port, VALUE_PATH, context=context, tls_name=name)
                value = strictjson.member(
                    strictjson.loads(answer.body, "value"), "value", str, "value"
                )
        except VerificationError as exc:
            self.say("you", f"TLS refuses: {exc.got}", self._at(trust, address), "verdict")
            raise Stopped("tls-chain") from None
        self.say("you", f"read example_value over TLS: {value}", self._at(trust, address), "answer")
        return value

    def _read_by_client(self, client: Client, trust: AttestedCas, address: str) -> str:
        """Let a client of somebody's own read the value under the attested certificates."""
        value, why = asked(client, address, trust.chain.to_pem())
        if value is None:
            self.say("you", f"your client refuses: {why}", self.answers(address), "verdict")
            raise Stopped("tls-chain")
        text = neutral(value, 100)
        self.say(
            "you", f"read example_value by your client: {text}", self.answers(address), "answer"
        )
        return text

    def _at(self, trust: ssl.SSLContext | AttestedCas, address: str) -> str:
        """Who answers where a value is read: at the address, else where one attested."""
        if isinstance(trust, AttestedCas) and not address:
            address = f"{trust.host}:{trust.port}"
        return self.answers(address)

    def upload(
        self,
        trust: ssl.SSLContext | AttestedCas,
        address: str,
        text: str = "",
        name: str = TLS_NAME,
    ) -> None:
        """Create a session over TLS as `attest` returned it; left out, the one with the secret."""
        text = text or session(value=self.deposit or PRIVATE_VALUE)
        if isinstance(trust, AttestedCas):
            CasClient(trust).create_session(text)
        else:
            _, host, port, _ = parse_address(address)
            exchange(
                host,
                port,
                "/v1/sessions",
                context=trust,
                tls_name=name,
                method="POST",
                body=text.encode(),
            )
        self.say(
            "you",
            "upload a session with a secret that nobody else is to see",
            self.answers(address),
        )

    def served(
        self,
        trust: ssl.SSLContext | AttestedCas,
        address: str,
        name: str = TLS_NAME,
        **loot: str,
    ) -> Loot:
        """Read the value where Mallory answers: what she served is what she won, and the deposit,
        where there is one and she has not taken it before.
        """
        value = self.read(trust, address, name)
        if self.deposit and self.taken is None:
            self._entrust(trust, address, name)
        words = (
            f"you read {value} where the CAS holds {self.honest.example_value}, and nothing looked"
            " wrong."
        )
        return Loot(words, {"served value": value, **loot})

    def _entrust(self, trust: ssl.SSLContext | AttestedCas, address: str, name: str) -> None:
        """Store the deposit where nothing looked wrong: with a server of Mallory's it is hers, in a
        genuine enclave it is not.
        """
        if self.client is not None:
            trust = self.blind()  # it took this server's answer, and so it sends what it has
        context = trust if isinstance(trust, ssl.SSLContext) else pinned_context(trust.chain)
        self.upload(context, address, name=name)
        if app := self._fakes.get(address):
            self.take(app.received[-1], "reads it in the session that you sent her")

    def take(self, text: str, how: str) -> str:
        """Let Mallory take the secret of a session whose text she has; return it."""
        return self.took(secret_of(text), how)

    def took(self, value: str, how: str) -> str:
        """Let Mallory have this secret; `how` is a verb and what she did."""
        if self.deposit:
            self.taken = Taken(value, how)
            self.say("mallory", f"has the customer's secret: {how}")
        return value

    def stored(self, address: str) -> dict[str, bytes]:
        """Return what the CAS at an address holds of the deposit in its memory: the session as it
        is stored. Empty without a deposit.
        """
        if not self.deposit:
            return {}
        with self._stores[address].reading() as transaction:
            found = transaction.current("my_session")
        return {"sessions": found.text.encode() if found else b""}

    def find(self, dump: bytes, how: str) -> None:
        """Let Mallory look for a session in what she read of a memory, and take its secret."""
        if found := secret_in(dump):
            self.took(found, how)


def _short(result: AttestationResult) -> str:
    """The verdict and the checks it hangs on, without the address: a run's port is its own."""
    waived = ", ".join(c.id for c in result.waivers)
    if result.accepted:
        return f"accepted, waived: {waived}" if waived else "trustworthy, nothing waived"
    return "rejected: " + (", ".join(c.id for c in result.failures) or result.sentence)
