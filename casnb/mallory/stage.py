"""The stage of one run: worlds of a seed, servers on loopback, a relying party that acts as its
defence says, and a record.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from casnb.base import strictjson
from casnb.base.errors import VerificationError
from casnb.base.view import short
from casnb.cas.asking import attempt, fetch_report
from casnb.cas.attest import AttestedCas
from casnb.cas.client import CasClient, pinned_context
from casnb.checks.result import AttestationResult
from casnb.mallory.defence import Defence
from casnb.mallory.steps import Loot, Step, Stopped
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.keys import Key
from casnb.simulator.scenario import SCENARIOS, Scenario
from casnb.simulator.server.client_app import EXAMPLE_SESSION, create_app
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
#: What the honest CAS serves, and what Mallory would have you read.
TRUE_VALUE, FALSE_VALUE = "42", "1337"
VALUE_PATH = "/v1/values/session=example_session,secret=example_value"
_LOOPBACK = "127.0.0.1"

#: The secret of a session that the relying party trusts a CAS with.
PRIVATE_VALUE = "007"

#: Routes are compiled with `ast`, which in Python 3.11 may not run in two threads at once.
BUILDING = threading.Lock()

Answer = Callable[[str], tuple[int, bytes]]


@lru_cache(maxsize=64)
def _world(seed: str, scenario: Scenario, build: tuple[tuple[str, Any], ...]) -> World:
    """Worlds are made once for many runs: they never change."""
    world = World(seed, scenario)
    return world.with_build(**dict(build)) if build else world


@lru_cache(maxsize=64)
def _key_hash(world: World) -> str:
    """What -c names of a world's CAS."""
    return CasChain.from_pem(world.cas_chain_pem).key_hashes[0]


class FakeCas:
    """A server of Mallory's that answers like a CAS: `answer` makes the reply to /v1/attest for
    a nonce.
    """

    def __init__(self, answer: Answer, value: str = FALSE_VALUE) -> None:
        self.answer, self.value = answer, value
        self.received: list[str] = []

    def store(self, text: str) -> None:
        """Keep an uploaded session."""
        self.received.append(text)

    def __call__(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path, status = environ["PATH_INFO"], 200
        query = dict(
            p.split("=", 1) for p in environ.get("QUERY_STRING", "").split("&") if "=" in p
        )
        if path == "/v1/attest":
            status, body = self.answer(query.get("nonce", ""))
        elif path == "/v1/sessions" and environ["REQUEST_METHOD"] == "POST":
            text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.store(text.decode("utf-8", "replace"))
            status, body = 201, strictjson.compact({"hash": "00" * 32})
        else:
            body = strictjson.compact(
                {"kind": "string", "value": self.value, "expires": None, "renew": None}
            )
        start_response(
            f"{status} Mallory",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]


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
    attestation.
    """

    def __init__(self, seed: str, defence: Defence) -> None:
        self.seed, self.defence = seed, defence
        self.steps: list[Step] = []
        self.result: AttestationResult | None = None
        self.page = ""
        self.shown: Shown | None = None
        self.honest = self.world()
        self.now: datetime = self.honest.now
        self._open = ExitStack()
        self._answers: dict[str, str] = {}

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
        self._answers[f"{_LOOPBACK}:{server.port}"] = party
        return f"{_LOOPBACK}:{server.port}", done.close

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
            (session or EXAMPLE_SESSION).encode(), example_owner(world)
        )
        with BUILDING:
            app: Any = create_app(world, store, lambda: world.now)
        return self.listen(
            wrap(app, store) if wrap else app, world.tls_chain_pem, world.tls_leaf.key, "cas"
        )

    def fake(
        self, world: World, answer: Answer | None = None, value: str = FALSE_VALUE
    ) -> tuple[str, FakeCas]:
        """Let Mallory answer with the keys of a world, and with its evidence unless another
        answer is given.
        """
        app = FakeCas(answer or (lambda nonce: (200, world.attest("DCAP", nonce))), value)
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

    def _at(self, trust: ssl.SSLContext | AttestedCas, address: str) -> str:
        """Who answers where a value is read: at the address, else where one attested."""
        return self.answers(address or str(getattr(trust, "address", "")))

    def upload(self, trust: ssl.SSLContext | AttestedCas, address: str, text: str) -> None:
        """Create a session over TLS as `attest` returned it."""
        if isinstance(trust, AttestedCas):
            CasClient(trust).create_session(text)
        else:
            _, host, port, _ = parse_address(address)
            exchange(
                host,
                port,
                "/v1/sessions",
                context=trust,
                tls_name=TLS_NAME,
                method="POST",
                body=text.encode(),
            )
        self.say(
            "you",
            "upload a session with a secret that nobody else is to see",
            self.answers(address),
        )

    def served(self, trust: ssl.SSLContext | AttestedCas, address: str, **loot: str) -> Loot:
        """Read the value where Mallory answers: what she served is what she won."""
        value = self.read(trust, address)
        words = f"you read {value} where the CAS holds {TRUE_VALUE}, and nothing looked wrong."
        return Loot(words, {"served value": value, **loot})


def session(name: str = "private_value", value: str = PRIVATE_VALUE) -> str:
    """Return a session with one private value."""
    return (
        f'name: my_session\nversion: "0.3"\nsecrets:\n  - name: {name}\n    kind: ascii\n    value:'
        f' "{value}"\naccess_policy:\n  read:\n    - NONE\n  update:\n    - NONE\n'
    )


def _short(result: AttestationResult) -> str:
    """The verdict and the checks it hangs on, without the address: a run's port is its own."""
    waived = ", ".join(c.id for c in result.waivers)
    if result.accepted:
        return f"accepted, waived: {waived}" if waived else "trustworthy, nothing waived"
    return "rejected: " + (", ".join(c.id for c in result.failures) or result.sentence)


def shown_chain(address: str) -> list[bytes]:
    """Return the certificates (DER, leaf first) that a server shows, as `openssl s_client
    -showcerts` does; none is verified.
    """
    _, host, port, _ = parse_address(address)
    with socket.create_connection((host, port), 5) as raw:
        raw.setblocking(True)
        connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), raw)
        connection.set_connect_state()
        connection.do_handshake()
        return [
            c.to_cryptography().public_bytes(Encoding.DER)
            for c in connection.get_peer_cert_chain() or []
        ]
