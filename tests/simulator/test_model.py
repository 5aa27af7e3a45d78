"""Whatever several clients do in whatever order, the CAS answers as a model of a dozen lines
does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.session.history import History
from casnb.session.history import Version as Kept
from casnb.session.readers import readers
from casnb.session.session import Session, public_key
from casnb.simulator.server.client_app import create_app
from casnb.simulator.server.running import serve
from casnb.simulator.server.store import Store
from casnb.simulator.world import World
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import exchange
from casnb.verify.keyhash import spki_hash

pytestmark = pytest.mark.soak

NAMES = ("a", "a", "a", "a/x", "a/x", "a/x/y", "b")
WHO = ("alice", "bob", "nobody")
BOGUS = "00" * 32


@dataclass
class Version:
    """What the model keeps of one version."""

    hash: str
    value: str
    policy: dict[str, str]
    creator: str
    lends: str | None = None
    takes: tuple[str, str | None] | None = None

    def lends_to(self, name: str) -> bool:
        return self.lends in ("public", name)


@dataclass
class Model:
    """Names to their versions, oldest first; a name is created once, updated by its current
    hash, and never forgotten.
    """

    sessions: dict[str, list[Version]] = field(default_factory=dict)

    def may(self, version: Version | None, action: str, who: str) -> bool:
        if version is None:
            return False
        entry = (
            version.policy.get(action)
            or version.policy["update" if action == "create_sessions" else "read"]
        )
        return entry == "ANY" or (entry == "CREATOR" and who == version.creator) or entry == who

    def current(self, name: str) -> Version | None:
        return self.sessions[name][-1] if name in self.sessions else None

    def create(self, who: str, name: str, policy: dict[str, str], predecessor: str | None) -> int:
        if who == "nobody" and "CREATOR" in policy.values():
            return 400
        found = self.current(name)
        if predecessor is None:
            above = name.rpartition("/")[0]
            if above and not self.may(self.current(above), "create_sessions", who):
                return self.refused(above, who)
            return 201 if found is None else 400
        if not self.may(found, "update", who):
            return self.refused(name, who)
        return 201 if found and found.hash == predecessor else 400

    def refused(self, name: str, who: str) -> int:
        """403 where the name is taken and this client could learn that anyway, by trying to create
        it or from its namespace's list; 404 where it is not, or nobody is told.
        """
        above = name.rpartition("/")[0]
        told = not above or any(
            self.may(self.current(above), action, who)
            for action in ("list_sessions", "create_sessions")
        )
        return 403 if told and self.current(name) else 404

    def unread(self, who: str, name: str) -> int:
        """The status for a version that is not shown: one that never was is 404 to a reader."""
        return 404 if self.may(self.current(name), "read", who) else self.refused(name, who)

    def read(self, who: str, name: str, digest: str | None) -> Version | None:
        now = self.current(name)
        found = (
            now
            if digest is None
            else next((v for v in self.sessions.get(name, []) if v.hash == digest), None)
        )
        return found if self.may(now, "read", who) and self.may(found, "read", who) else None

    def public(self, name: str) -> dict[str, str]:
        """The public values of a session: its own, and what it imports where both the version
        that it names and the current one let it.
        """
        now = self.current(name)
        if now is None:
            return {}
        found = {"open": now.value} | ({"lent": now.value} if now.lends == "public" else {})
        if now.takes:
            where, digest = now.takes
            lender = self.current(where)
            named = next(
                (v for v in self.sessions.get(where, []) if digest in (None, v.hash)), None
            )
            named = lender if digest is None else named
            if named and lender and named.lends_to(name) and lender.lends_to(name):
                found["taken"] = named.value
        return found

    def listed(self, who: str) -> list[str]:
        return [
            n
            for n in self.sessions
            if any(
                self.may(self.current(at), action, who)
                for at in (n, n.rpartition("/")[0])
                for action in ("list_sessions", "create_sessions")
            )
        ]


entries = st.sampled_from(("CREATOR", "ANY", "NONE", "bob"))
policies = st.fixed_dictionaries(
    {"read": entries, "update": entries},
    optional={
        "create_sessions": entries,
        "list_sessions": entries,
        "lends": st.sampled_from(("a", "b", "public")),
        "takes": st.sampled_from(("none", "current", "first")),
    },
)
which = st.sampled_from(("none", "current", "current", "first", "first", "bogus"))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(WHO), st.sampled_from(NAMES), which, policies),
        st.tuples(
            st.just("create"),
            st.just("alice"),
            st.sampled_from(NAMES),
            st.sampled_from(("none", "current")),
            st.fixed_dictionaries({"read": entries, "update": st.just("CREATOR")}),
        ),
        st.tuples(
            st.just("create"),
            st.just("alice"),
            st.sampled_from(NAMES),
            st.just("current"),
            st.fixed_dictionaries({"read": entries, "update": st.just("CREATOR")}),
        ),
        st.tuples(st.just("read"), st.sampled_from(WHO), st.sampled_from(NAMES), which, st.none()),
        st.tuples(st.just("list"), st.sampled_from(WHO), st.just("a"), st.just("none"), st.none()),
    ),
    min_size=10,
    max_size=30,
)


@pytest.fixture(scope="module")
def world() -> World:
    return World("model tests")


OWN = {"read": "CREATOR", "update": "CREATOR"}
#: What tells old versions from current ones, in both directions, and whose names are listed to
#: whom.
HISTORY = [
    ("create", "alice", "a", "none", OWN),
    ("create", "alice", "a", "current", {**OWN, "read": "ANY"}),
    ("read", "bob", "a", "current", None),
    ("read", "bob", "a", "first", None),
    ("read", "alice", "a", "first", None),
    ("create", "alice", "a", "bogus", OWN),
    ("create", "alice", "a", "first", OWN),
    ("create", "bob", "a", "current", OWN),
    ("create", "alice", "b", "none", {**OWN, "read": "ANY"}),
    ("create", "alice", "b", "current", OWN),
    ("read", "bob", "b", "first", None),
    ("read", "alice", "b", "first", None),
    ("create", "alice", "a/x", "none", OWN),
    ("list", "bob", "a", "none", None),
    ("read", "bob", "a/x", "current", None),
]
#: An export is withdrawn, and somebody else asks by the version that had it.
WITHDRAWN = [
    ("create", "alice", "a", "none", {**OWN, "lends": "b"}),
    ("create", "bob", "b", "none", {**OWN, "takes": "first"}),
    ("create", "alice", "a", "current", {**OWN, "lends": "b"}),
    ("read", "bob", "b", "current", None),
    ("create", "alice", "a", "current", OWN),
    ("read", "bob", "b", "current", None),
    ("create", "alice", "a", "current", {**OWN, "lends": "public"}),
    ("read", "bob", "b", "current", None),
]


@dataclass
class Play:
    """A plan, carried out against a CAS and the model at once; `ask` sends one request as
    somebody and returns status and JSON.
    """

    ask: Callable[[str, str, str, str | None], tuple[int, Any]]
    bobs: str
    model: Model = field(default_factory=Model)

    def carry_out(self, plan: list[tuple]) -> None:
        for n, (action, who, name, choice, policy) in enumerate(plan):
            known = self.model.sessions.get(name, [])
            digest = {
                "none": None,
                "bogus": BOGUS,
                "current": known[-1].hash if known else BOGUS,
                "first": known[0].hash if known else BOGUS,
            }[choice]
            if action == "list":
                assert self.ask("GET", "/v1/sessions", who, None) == (
                    200,
                    {"sessions": self.model.listed(who), "next": None},
                )
            elif action == "read":
                self.read(who, name, digest)
            else:
                self.create(who, name, digest, policy, f"v{n}")
            self.values(who, name, digest)

    def read(self, who: str, name: str, digest: str | None) -> None:
        status, body = self.ask(
            "GET", f"/v1/sessions/{name}" + (f"?hash={digest}" if digest else ""), who, None
        )
        found = self.model.read(who, name, digest)
        assert status == (200 if found else self.model.unread(who, name))
        if found:
            text = yaml.safe_load(body["session"])
            assert body["hash"] == found.hash and text["secrets"][0]["value"] == found.value
        else:
            assert body == {
                "msg": [
                    f"Failed to read session '{name}'",
                    "Session does not exist or is not visible for this client",
                ]
            }

    def create(
        self, who: str, name: str, digest: str | None, policy: dict[str, str], value: str
    ) -> None:
        policy, lends, choice = dict(policy), policy.get("lends"), policy.get("takes")
        for word in ("lends", "takes"):
            policy.pop(word, None)
        written = {k: [self.bobs] if v == "bob" else v for k, v in policy.items()}
        other = "b" if name.startswith("a") else "a"
        known = self.model.sessions.get(other, [])
        takes = None
        if choice:
            row = {"none": None, "current": -1, "first": 0}[choice]
            takes = other, None if row is None else known[row].hash if known else BOGUS
        shared: dict[str, Any] = (
            {"export_public": True}
            if lends == "public"
            else {"export": [{"session": lends}]}
            if lends
            else {}
        )
        source = {"session": takes[0], "secret": "lent"} if takes else {}
        if takes and takes[1]:
            source["session_hash"] = takes[1]
        text = json.dumps(
            {
                "name": name,
                "version": "0.3",
                "predecessor": digest,
                "access_policy": written,
                "secrets": [
                    {"name": "open", "kind": "ascii", "value": value, "export_public": True},
                    {"name": "closed", "kind": "ascii", "value": value},
                    {"name": "made", "kind": "ascii"},
                    {"name": "lent", "kind": "ascii", "value": value, **shared},
                    *(
                        [
                            {
                                "name": "taken",
                                "kind": "ascii",
                                "import": source,
                                "export_public": True,
                            }
                        ]
                        if takes
                        else []
                    ),
                ],
            }
        )
        wanted = self.model.create(who, name, policy, digest)
        status, body = self.ask("POST", "/v1/sessions", who, text)
        assert status == wanted, body
        if status == 201:
            creator = who if "CREATOR" in policy.values() else ""
            self.model.sessions.setdefault(name, []).append(
                Version(body["hash"], value, policy, creator, lends, takes)
            )

    def values(self, who: str, name: str, digest: str | None) -> None:
        """A public value is the current one's, for everybody; what is private looks to everybody
        like what never was.
        """
        current = self.model.current(name)
        shown = {
            secret: {"kind": "string", "value": value, "expires": None, "renew": None}
            for secret, value in self.model.public(name).items()
        }
        for secret in ("open", "closed", "made", "lent", "taken", "never"):
            status, body = self.ask("GET", f"/v1/values/session={name},secret={secret}", who, None)
            if secret in shown:
                assert (status, body) == (200, shown[secret])
            else:
                assert (status, body["msg"]) == (
                    404,
                    [
                        (
                            f"Failed to read value '{secret}' of '/session={name}' requested by a"
                            " public client"
                        ),
                        "Secret does not exist or is not visible for a public client",
                    ],
                )
        pinned = (
            f"/v1/values/session={name},session_hash={digest}"
            if digest
            else f"/v1/values/session={name}"
        )
        status, body = self.ask("GET", pinned, who, None)
        expected = current if digest is None or (current and current.hash == digest) else None
        assert (status, body.get("values")) == ((200, shown) if expected else (404, None))


def agrees(model: Model, store: Store, people: dict[str, bytes | None]) -> None:
    """The store has the model's versions, and what the history explorer says of now is what the
    model lets be read.
    """
    for name, versions in model.sessions.items():
        with store.reading() as transaction:
            assert transaction.history(name) == [v.hash for v in versions]
            texts = [transaction.version(name, v.hash).text for v in versions]
        found = readers(
            History(
                name,
                tuple(
                    Kept(n, v.hash, text, Session.from_yaml(text))
                    for n, (v, text) in enumerate(zip(versions, texts, strict=True), 1)
                ),
            ),
            people,
        )
        assert all(v.computed for v in found.history.versions)
        for n, version in enumerate(versions, 1):
            for who in people:
                assert (len(versions) in found.text(n, who)) == (
                    model.read(who, name, version.hash) is not None
                )


@given(plan=steps)
@example(plan=HISTORY)
@example(plan=WITHDRAWN)
@settings(max_examples=40, deadline=None)
def test_the_cas_answers_as_the_model(plan, world, alice, bob, tmp_path_factory):
    """Every status, hash, text, value and list is the model's, and a refused read looks as if
    nothing were there.
    """
    keys = {"alice": alice, "bob": bob, "nobody": None}
    with Store(Path(tmp_path_factory.mktemp("model")) / "cas.sqlite3") as store:
        http = create_app(
            world, store, lambda: datetime(2026, 9, 2, tzinfo=timezone.utc)
        ).test_client()

        def ask(method: str, target: str, who: str, data: str | None) -> tuple[int, Any]:
            environ = {"SSL_CLIENT_CERT": keys[who].pem} if keys[who] else {}
            answer = http.open(target, method=method, environ_overrides=environ, data=data)
            return answer.status_code, json.loads(answer.data)

        play = Play(ask, spki_hash(public_key(bob.pem)))
        play.carry_out(plan)
        agrees(
            play.model,
            store,
            {who: public_key(found.pem) if found else None for who, found in keys.items()},
        )


@given(plan=steps)
@example(plan=HISTORY)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_over_tls_as_well(plan, world, tmp_path_factory):
    """The same over the wire: who somebody is follows from the handshake alone."""
    with serve(world, state_dir=tmp_path_factory.mktemp("model")) as running:
        chain = CasChain.from_pem(world.cas_chain_pem)
        keys = {"alice": ClientIdentity.create(), "bob": ClientIdentity.create(), "nobody": None}
        contexts = {who: pinned_context(chain, identity) for who, identity in keys.items()}

        def ask(method: str, target: str, who: str, data: str | None) -> tuple[int, Any]:
            answer = exchange(
                running.host,
                running.cas_port,
                target,
                context=contexts[who],
                tls_name="cas",
                method=method,
                body=data.encode() if data else None,
                content_type="application/text",
                timeout=30,
            )
            body = json.loads(answer.body)
            if target == "/v1/sessions" and method == "GET":
                body["sessions"] = [name for name in body["sessions"] if name != "example_session"]
            return answer.status, body

        Play(ask, keys["bob"].key_hash).carry_out(plan)
