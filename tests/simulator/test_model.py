"""Whatever several clients do in whatever order, the CAS answers as a model of a dozen lines does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casnb.cas.session import public_key
from casnb.simulator.service import create_app
from casnb.simulator.store import Store
from casnb.simulator.world import World
from casnb.verify.keyhash import base58check

#: Some more often than others, so that histories grow and namespaces have something in them.
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


@dataclass
class Model:
    """Names to their versions, oldest first; a name is created once, updated by its current hash, and never forgotten."""

    sessions: dict[str, list[Version]] = field(default_factory=dict)

    def may(self, version: Version | None, action: str, who: str) -> bool:
        if version is None:
            return False
        entry = version.policy.get(action) or version.policy["update" if action == "create_sessions" else "read"]
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
                return 404
            return 201 if found is None else 400
        if not self.may(found, "update", who):
            return 404
        return 201 if found and found.hash == predecessor else 400

    def read(self, who: str, name: str, digest: str | None) -> Version | None:
        now = self.current(name)
        found = now if digest is None else next((v for v in self.sessions.get(name, []) if v.hash == digest), None)
        return found if self.may(now, "read", who) and self.may(found, "read", who) else None

    def listed(self, who: str) -> list[str]:
        return [n for n in self.sessions if self.may(self.current(n), "list_sessions", who)
                or self.may(self.current(n.rpartition("/")[0]), "list_sessions", who)]


entries = st.sampled_from(("CREATOR", "ANY", "NONE", "bob"))
policies = st.fixed_dictionaries({"read": entries, "update": entries},
                                 optional={"create_sessions": entries, "list_sessions": entries})
which = st.sampled_from(("none", "current", "current", "first", "first", "bogus"))
steps = st.lists(st.one_of(
    st.tuples(st.just("create"), st.sampled_from(WHO), st.sampled_from(NAMES), which, policies),
    st.tuples(st.just("create"), st.just("alice"), st.sampled_from(NAMES), st.sampled_from(("none", "current")),
              st.fixed_dictionaries({"read": entries, "update": st.just("CREATOR")})),
    st.tuples(st.just("create"), st.just("alice"), st.sampled_from(NAMES), st.just("current"),
              st.fixed_dictionaries({"read": entries, "update": st.just("CREATOR")})),
    st.tuples(st.just("read"), st.sampled_from(WHO), st.sampled_from(NAMES), which, st.none()),
    st.tuples(st.just("list"), st.sampled_from(WHO), st.just("a"), st.just("none"), st.none()),
), min_size=10, max_size=30)


@pytest.fixture(scope="module")
def world() -> World:
    return World("model tests")


OWN = {"read": "CREATOR", "update": "CREATOR"}


@given(plan=steps)
@example(plan=[("create", "alice", "a", "none", OWN), ("create", "alice", "a", "current", {**OWN, "read": "ANY"}),
               ("read", "bob", "a", "current", None), ("read", "bob", "a", "first", None), ("read", "alice", "a", "first", None),
               ("create", "alice", "a", "bogus", OWN), ("create", "alice", "a", "first", OWN),
               ("create", "bob", "a", "current", OWN)])
@settings(max_examples=40, deadline=None)
def test_the_cas_answers_as_the_model(plan, world, alice, bob, tmp_path_factory):
    """Every status, hash, text, value and list is the model's, and a refused read looks as if nothing were there."""
    keys = {"alice": alice, "bob": bob, "nobody": None}
    bobs = base58check(b"\x01" + hashlib.sha256(public_key(bob.pem)).digest())
    path = Path(tmp_path_factory.mktemp("model")) / "cas.sqlite3"
    with Store(path) as store:
        http = create_app(world, store, lambda: datetime(2026, 9, 2, tzinfo=timezone.utc)).test_client()
        model = Model()

        def ask(method: str, target: str, who: str, data: str | None = None) -> tuple[int, dict]:
            environ = {"SSL_CLIENT_CERT": keys[who].pem} if keys[who] else {}
            answer = http.open(target, method=method, environ_overrides=environ, data=data)
            return answer.status_code, json.loads(answer.data)

        for n, (action, who, name, choice, policy) in enumerate(plan):
            known = model.sessions.get(name, [])
            digest = {"none": None, "bogus": BOGUS, "current": known[-1].hash if known else BOGUS,
                      "first": known[0].hash if known else BOGUS}[choice]
            if action == "list":
                assert ask("GET", "/v1/sessions", who) == (200, {"sessions": model.listed(who), "next": None})
            elif action == "read":
                status, body = ask("GET", f"/v1/sessions/{name}" + (f"?hash={digest}" if digest else ""), who)
                found = model.read(who, name, digest)
                assert status == (200 if found else 404)
                if found:
                    text = yaml.safe_load(body["session"])
                    assert body["hash"] == found.hash and text["secrets"][0]["value"] == found.value
                else:
                    assert body == {"msg": [f"Failed to read session '{name}'",
                                            "Session does not exist or is not visible for this client"]}
            else:
                written = {k: [bobs] if v == "bob" else v for k, v in policy.items()}
                text = json.dumps({"name": name, "version": "0.3", "predecessor": digest, "access_policy": written, "secrets": [
                    {"name": "open", "kind": "ascii", "value": f"v{n}", "export_public": True}]})
                wanted = model.create(who, name, policy, digest)
                status, body = ask("POST", "/v1/sessions", who, text)
                assert status == wanted, body
                if status == 201:
                    creator = who if "CREATOR" in policy.values() else ""
                    model.sessions.setdefault(name, []).append(Version(body["hash"], f"v{n}", policy, creator))
            current = model.current(name)
            status, body = ask("GET", f"/v1/values/session={name},secret=open", "nobody")
            assert (status, body.get("value")) == ((200, current.value) if current else (404, None))
        with store.reading() as transaction:
            assert {name: transaction.history(name) for name in model.sessions} == {
                name: [v.hash for v in versions] for name, versions in model.sessions.items()}
