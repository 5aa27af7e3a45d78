"""A session's history: fetched along predecessor, compared, and asked who could read what."""

from __future__ import annotations

import json

import pytest

from casnb.base.errors import EvidenceError, UsageError
from casnb.cas.client import CasClient, CasRefusal
from casnb.cas.client_identity import ClientIdentity
from casnb.session.history import History, Version, fetch_history
from casnb.session.readers import Readers, readers, said
from casnb.session.session import Session, public_key

KEYS = {who: ClientIdentity.create() for who in ("alice", "bob", "eve")}
PEOPLE = {"anybody": None, **{who: public_key(i.certificate_pem) for who, i in KEYS.items()}}


def policy(*names: str) -> str:
    return (
        "["
        + ", ".join(
            "CREATOR" if n == "alice" else KEYS[n].key_hash if n in KEYS else n for n in names
        )
        + "]"
    )


def text(predecessor: str | None, read: str, *secrets: str, version: str = "0.3") -> str:
    rows = "".join(f"- {{name: {s}}}\n" for s in secrets)
    access = f"{{read: {read}, update: [CREATOR]}}"
    return (
        f"name: NAME\nversion: {version}\npredecessor: {predecessor or '~'}\naccess_policy:"
        f" {access}\n" + (f"secrets:\n{rows}" if rows else "")
    )


class Story:
    """Versions that alice uploads one after another, in memory, or to a CAS."""

    def __init__(self, client: CasClient | None = None, name: str = "story") -> None:
        self.client, self.name, self.versions = client, name, []

    def then(self, read: str, *secrets: str, version: str = "0.3") -> Story:
        last = self.versions[-1].hash if self.versions else None
        said = text(last, read, *secrets, version=version).replace("NAME", self.name)
        session = Session.from_yaml(said).with_creator(KEYS["alice"].certificate_pem)
        if self.client:
            assert self.client.create_session(said) == session.hash
        self.versions.append(
            Version(len(self.versions) + 1, session.hash, session.to_yaml(), session)
        )
        return self

    @property
    def history(self) -> History:
        return History(self.name, tuple(self.versions))


@pytest.fixture(scope="module")
def alice(attested) -> CasClient:
    return CasClient(attested, KEYS["alice"])


def test_fetched_is_what_was_uploaded(attested, alice):
    """From the newest to the first, over TLS, each hash recomputed; in the list, what changed
    with each.
    """
    story = Story(alice, "history-fetched")
    story.then(policy("alice"), version="0.2").then(
        policy("alice", "bob"), "v, kind: ascii, value: a"
    )
    story.then(policy("alice", "bob"), "v, kind: ascii, value: b", "w, kind: binary")
    found = fetch_history(alice, story.name)
    assert found == story.history and all(v.computed for v in found.versions)
    assert [row[0] for row in found.rows()] == ["3", "2", "1"]
    assert [row[4] for row in found.rows()] == [
        "secrets[v], secrets[w]",
        "version, access_policy.read, secrets[v]",
        "the first",
    ]
    assert found.rows()[2][2] == "0.2"


def test_ends_where_reading_ends(attested, alice):
    """Who is admitted by the current version alone sees that one, and is told that the older
    ones are not shown to him.
    """
    story = Story(alice, "history-of-two").then(policy("alice")).then(policy("alice", "bob"))
    bob = CasClient(attested, KEYS["bob"])
    found = fetch_history(bob, story.name)
    assert [v.hash for v in found.versions] == [
        story.versions[1].hash
    ] and "does not show it to this client" in str(found)
    with pytest.raises(CasRefusal):
        fetch_history(CasClient(attested), story.name)


def test_long_chains_are_bounded():
    """No more versions are fetched than wanted, a circle ends, and long lists say that they are
    cut.
    """
    story = Story()
    for n in range(70):
        story.then(policy("alice"), f"v, kind: ascii, value: v{n}")
    by_hash = {v.hash: v.text for v in story.versions}
    asked: list[str | None] = []

    class Client:
        def read_session(self, name, hash=None):
            asked.append(hash)
            return (hash or story.versions[-1].hash), by_hash[hash or story.versions[-1].hash]

    found = fetch_history(Client(), "story", most=9)
    assert len(found.versions) == len(asked) == 9 and "only 9 versions were fetched" in str(found)
    assert (
        "10 older versions are not shown" in str(story.history)
        and len(str(story.history).splitlines()) == 62
    )
    assert len(str(readers(story.history)).splitlines()) == 62
    a, b = story.versions[:2]
    by_hash.update({a.hash: b.text, b.hash: b.text.replace(a.hash, b.hash)})
    assert "go round in a circle" in fetch_history(Client(), "story").missing


def test_a_cas_that_tells_another_past():
    """A text that is not what its hash says is remarked on; another session's text is refused."""
    story = Story().then(policy("alice")).then(policy("alice"))
    changed = story.versions[0].text.replace("CREATOR", "ANY", 1)
    false = Version(1, story.versions[0].hash, changed, Session.from_yaml(changed))
    told = str(History("story", (false, story.versions[1])))
    assert "another one" in told and "The text of version 1 has another hash" in told

    class Client:
        def read_session(self, name, hash=None):
            return story.versions[1].hash, story.versions[1].text

    with pytest.raises(EvidenceError, match="name in the text"):
        fetch_history(Client(), "other")


def test_difference():
    """Field by field and line by line; a version against itself has none, and an unknown one is
    refused.
    """
    history = (
        Story()
        .then(policy("alice"), version="0.2")
        .then(policy("alice", "ANY").replace("CREATOR, ", ""), "v, kind: ascii, value: <b>&")
        .history
    )
    found = history.difference(1, 2)
    assert found.fields[:2] == (
        ("version", "0.2", "0.3"),
        ("predecessor", "null", history.versions[0].hash),
    )
    assert ("access_policy.read", "CREATOR", "ANY") in found.fields and (
        "secrets[v].value",
        "\N{EN DASH}",
        "<b>&",
    ) in found.fields
    assert "-version: '0.2'" in found.lines and "+version: '0.3'" in found.lines
    assert "&lt;b&gt;&amp;" in found._html() and "<b>" not in found._html()
    assert (
        history.difference(2, 2).title.endswith("nothing changed.")
        and str(history.difference(2, 2)).count("\n") == 0
    )
    with pytest.raises(UsageError, match="wanted 1 to 2"):
        history.difference(1, 3)


def test_who_could_read_what():
    """Opening shows what was written before only to whom the old text admits; closing takes
    nothing back; made values are kept.
    """
    story = Story().then(policy("alice"), "given, kind: ascii, value: one", "made, kind: ascii")
    story.then(
        policy("ANY"), "given, kind: ascii, value: two, export_public: true", "made, kind: ascii"
    )
    story.then(
        policy("alice", "bob"),
        "given, kind: ascii, value: two",
        "made, kind: ascii, export_public: true",
    )
    found = Readers(story.history, PEOPLE)
    whose = {
        (v, what): {
            who: found.text(v, who) if what == "text" else found.secret(v, what, who)
            for who in PEOPLE
        }
        for v in (1, 2, 3)
        for what in ("text", "given", "made")
    }

    def seen(anybody: tuple, alice: tuple, bob: tuple, eve: tuple) -> dict[str, tuple]:
        return {"anybody": anybody, "alice": alice, "bob": bob, "eve": eve}

    assert whose[1, "text"] == whose[1, "given"] == seen((), (1, 2, 3), (), ())
    assert whose[2, "text"] == seen((2,), (2, 3), (2, 3), (2,))
    assert whose[3, "text"] == seen((), (3,), (3,), ())
    assert whose[2, "given"] == whose[3, "given"] == seen((2,), (2, 3), (2, 3), (2,))
    assert whose[1, "made"] == whose[2, "made"] == whose[3, "made"] == seen((3,), (3,), (3,), (3,))
    assert [row[2:] for row in found.rows()[:3]] == [
        ("never", "now", "now", "never"),
        ("2", "2 to now", "2 to now", "2"),
        ("now", "now", "now", "now"),
    ]


def test_times_are_said():
    """Neighbouring versions become one span, the last one is now, and many spans are cut."""
    assert [said(t, 9) for t in ((), (2,), (9,), (1, 2, 4, 8, 9))] == [
        "never",
        "2",
        "now",
        "1 to 2, 4, 8 to now",
    ]
    assert said(range(1, 40, 2), 99) == "1, 3, 5, 7, 9, 11, \N{HORIZONTAL ELLIPSIS}"


def test_a_new_size_is_a_new_value():
    """A made value that was not kept cannot be read through the one that took its place."""
    story = Story().then(policy("alice"), "made, kind: ascii")
    story.then(policy("alice"), "made, kind: ascii, size: 30, export_public: true")
    found = Readers(story.history, PEOPLE)
    assert found.secret(1, "made", "eve") == () and found.secret(2, "made", "eve") == (2,)


def test_the_cas_agrees(attested, alice):
    """What is said of now is what the CAS answers, for every version, secret and person."""
    story = Story(alice, "history-agreed")
    story.then(
        policy("alice", "bob"), "a, kind: ascii, value: A, export_public: true", "b, kind: ascii"
    )
    story.then(
        policy("alice", "eve"), "a, kind: ascii, value: B", "b, kind: ascii, export_public: true"
    )
    found = Readers(fetch_history(alice, story.name), PEOPLE)
    public = {n: v["value"] for n, v in CasClient(attested).values(story.name).items()}
    assert set(public) == {"b"} and found.secret(1, "b", "anybody") == (2,)
    for who in PEOPLE:
        client = CasClient(attested, KEYS.get(who))
        for v in story.versions:
            try:
                shown = client.read_session(story.name, v.hash)[1] == v.text
            except CasRefusal:
                shown = False
            assert (
                shown == (2 in found.text(v.number, who)) == (2 in found.secret(v.number, "a", who))
            ), (who, v.number)


def test_people_are_found(attested):
    """Without names for keys there are anybody and the creators; names are escaped."""
    story = Story().then(policy("alice"))
    assert list(readers(story.history).people) == [
        "anybody",
        f"creator {KEYS['alice'].key_hash[:10]}",
    ]
    assert "<i>" not in Readers(story.history, {"<i>": None})._html()


def test_named_readers_are_not_passed_over():
    """Whoever a policy names by key hash or certificate, and nobody asked for, is told of."""
    story = Story().then(policy("alice", "bob"))
    story.then(json.dumps([KEYS["eve"].certificate_pem, "CREATOR"]))
    found = readers(story.history)
    assert (
        found.others == (KEYS["bob"].key_hash, KEYS["eve"].key_hash)
        and KEYS["bob"].key_hash in str(found)
        and found._html()
    )
    assert Readers(story.history, PEOPLE).others == ()
