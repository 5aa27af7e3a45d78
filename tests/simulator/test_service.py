"""The client API: what it answers, to whom, and what it keeps to itself."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml

from casnb.evidence.cas_report import CasReport
from casnb.session.session import Session, public_key
from casnb.simulator.server.client_app import create_app, example_session, plant_example
from casnb.simulator.server.running import example_owner
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.store import Store
from casnb.simulator.world import World
from casnb.verify.keyhash import base58check

NOON = datetime(2026, 9, 2, 12, 30, tzinfo=timezone.utc)
POLICY = (
    "name: mine\nversion: 0.3\nsecrets:\n- {name: open, kind: ascii, value: hello, export_public:"
    " true}\n"
)
MEND = "Make room or permit writing, then try again. Nothing that was stored before is lost."
HIDDEN = {
    "msg": [
        "Failed to read session 'mine'",
        "Session does not exist or is not visible for this client",
    ]
}


class Caller:
    """Sends requests as one client or as nobody; JSON comes back as data, together with the
    status.
    """

    def __init__(self, app) -> None:
        self.http = app.test_client()

    def __call__(self, method: str, path: str, client=None, **more):
        environ = {"SSL_CLIENT_CERT": client.pem} if client else {}
        self.last = self.http.open(path, method=method, environ_overrides=environ, **more)
        return self.last.status_code, json.loads(self.last.data) if self.last.data else None

    def create(self, text: str, client=None) -> tuple[int, dict]:
        return self("POST", "/v1/sessions", client, data=text.encode())


@pytest.fixture(scope="module")
def world() -> World:
    return World("service tests")


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "cas.sqlite3") as opened:
        yield opened


@pytest.fixture
def call(world, store) -> Caller:
    plant_example(ClientApi(world, store, lambda: NOON), example_owner(world))
    return Caller(create_app(world, store, lambda: NOON))


# Evidence


def test_evidence_is_what_the_world_says_now(call, world):
    """By default an IAS report, with the nonce as sent, dated by the clock, byte for byte the
    world's.
    """
    nonce = "0f" * 16
    status, body = call("GET", f"/v1/attest?nonce={nonce}")
    assert status == 200 and call.last.headers["content-type"] == "application/json"
    assert call.last.data == world.attest("IASReport", nonce, NOON)
    report = CasReport.from_json(call.last.data)
    assert report.nonce == nonce and report.to_json() == call.last.data
    assert json.loads(body["proof_data"]["body"])["timestamp"].startswith("2026-09-02T12:30:00")


def test_an_epid_quote_needs_its_two_parameters(call):
    """spid and linkable go into the answer; without them the argument is invalid."""
    status, body = call("GET", "/v1/attest?type=EPID&spid=" + "ab" * 16 + "&linkable=true")
    assert status == 200
    assert {k: body["proof_data"][k] for k in ("type", "spid", "linkable")} == {
        "type": "EPIDQuote",
        "spid": "ab" * 16,
        "linkable": True,
    }
    assert call("GET", "/v1/attest?type=EPID")[0] == 400


@pytest.mark.parametrize(
    "query, named",
    [
        ("type=Nonsense", "unknown evidence type 'Nonsense'"),
        ("type=DCAP", "DCAP is not available"),
        ("type=", "unknown"),
        ("nonce=xyz", "32 hex digits"),
        ("nonce=" + "0" * 33, "32 hex digits"),
        ("nonce=" + "0" * 31, "32 hex digits"),
        ("nonce=&nonce=", "more than once"),
        ("type=IASReport&type=EPID", "more than once"),
        ("type=EPID&spid=zz&linkable=true", "spid"),
        ("type=EPID&spid=&linkable=true", "spid"),
        ("type=EPID&spid=" + "0" * 32 + "&linkable=1", "linkable"),
        ("type=%1b[31m", "unknown evidence type"),
    ],
)
def test_invalid_arguments_are_refused(call, query, named):
    """400, and a sentence about the argument."""
    status, body = call("GET", "/v1/attest?" + query)
    assert (
        status == 400
        and body["msg"][0] == "Failed to create attestation report"
        and named in body["msg"][1]
    )
    assert "\x1b" not in json.loads(call.last.data)["msg"][1]


def test_a_newer_platform_offers_dcap_only(tmp_path):
    """A scenario with DCAP quotes refuses the older types in words that a client can tell."""
    world = World("service tests", "production")
    with Store(tmp_path / "x") as store:
        call = Caller(create_app(world, store, lambda: NOON))
        assert call("GET", "/v1/attest?type=DCAP")[1]["proof_data"]["type"] == "DCAPQuote"
        status, body = call("GET", "/v1/attest")
        assert status == 400 and "not available" in body["msg"][1] and "DCAP" in body["msg"][1]


def test_parameters_of_newer_clients_are_ignored(call):
    """An unknown parameter does no harm."""
    assert call("GET", "/v1/attest?additional_data_version=4")[0] == 200


# Values


def test_the_example_value_is_the_pages_byte_for_byte(call, world):
    """The answer of the assignment's page, with this world's own value in the place of 42: member
    order, two spaces, no final newline.
    """
    assert call("GET", "/v1/values/session=example_session,secret=example_value")[0] == 200
    assert call.last.data == (
        b'{\n  "kind": "string",\n  "value": "%s",\n  "expires": null,\n  "renew": null\n}'
        % world.example_value.encode()
    )
    assert call.last.headers["content-type"] == "application/json"
    assert int(call.last.headers["content-length"]) == len(call.last.data)


@pytest.mark.parametrize(
    "name, secret",
    [
        pytest.param("example_sessionx", "example_value", id="no such session"),
        pytest.param("example_session", "example_valuex", id="no such secret"),
        pytest.param("two", "private", id="a secret that is not public"),
        pytest.param("..", "example_value", id="no name at all"),
    ],
)
def test_missing_and_hidden_values_give_one_answer(call, alice, name, secret):
    """The documented error, the same whether something is there or not, also for the creator."""
    call.create(
        "name: two\nversion: 0.3\nsecrets: [{name: private, kind: ascii, value: '007'}]", alice
    )
    for client in (None, alice):
        status, body = call("GET", f"/v1/values/session={name},secret={secret}", client)
        assert status == 404
        assert body == {
            "msg": [
                (
                    f"Failed to read value '{secret}' of '/session={name}' requested by a public"
                    " client"
                ),
                "Secret does not exist or is not visible for a public client",
            ]
        }


def test_all_public_values_of_a_session(call, alice):
    """One object by name; a session without any looks like one that is not there."""
    more = (
        "- {name: shut, kind: ascii, value: x}\n- {name: raw, kind: binary, value: 00FF,"
        " export_public: true}"
    )
    call.create(POLICY + more, alice)
    status, body = call("GET", "/v1/values/session=mine")
    assert status == 200 and list(body) == ["values"]
    assert body["values"] == {
        "open": {"kind": "string", "value": "hello", "expires": None, "renew": None},
        "raw": {"kind": "binary", "value": "00ff", "expires": None, "renew": None},
    }
    call.create("name: silent\nversion: 0.3", alice)
    assert (
        call("GET", "/v1/values/session=silent")[0]
        == call("GET", "/v1/values/session=nobody")[0]
        == 404
    )


def test_a_pinned_version_must_be_the_current_one(call, alice):
    """`session_hash` makes sure that nobody changed the session in between."""
    old = call.create(POLICY, alice)[1]["hash"]
    new = call.create(POLICY.replace("hello", "bye") + f"predecessor: {old}", alice)[1]["hash"]
    assert call("GET", f"/v1/values/session=mine,session_hash={old},secret=open")[0] == 404
    assert (
        call("GET", f"/v1/values/session=mine,session_hash={new},secret=open")[1]["value"] == "bye"
    )


@pytest.mark.parametrize(
    "spec",
    [
        "secret=x",
        "session=",
        "session=a,session=b",
        "session=a,volume=v",
        "a",
        "session",
        "session=a,,secret=b",
    ],
)
def test_other_addresses_of_values_are_invalid(call, spec):
    """What is not `session=..,secret=..` gets 400."""
    assert call("GET", f"/v1/values/{spec}")[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "/v1/values/session=example_session,secret=example_value",
        "/v1/values/session=nobody",
        "/v1/attest",
        "/v1/sessions/example_session",
    ],
)
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(call, path, method):
    """HEAD above all: 405, with and without a value behind it, so it proves nothing about the
    value.
    """
    assert call(method, path)[0] == 405


# Sessions


def test_created_with_a_hash_that_anybody_can_compute(call, alice):
    """201 and the hash of the normalised session with its creator."""
    status, body = call.create(POLICY, alice)
    assert status == 201 and body == {
        "hash": Session.from_yaml(POLICY).with_creator(alice.pem).hash
    }
    assert call.last.data == b'{\n  "hash": "' + body["hash"].encode() + b'"\n}'


def test_read_back_by_its_creator_only(call, alice, bob):
    """Hash and text for the creator; for anybody else, with or without key, 403 and the words for
    what is not there, which gets 404.
    """
    digest = call.create(POLICY, alice)[1]["hash"]
    for path in ("/v1/sessions/mine", f"/v1/sessions/mine?hash={digest}"):
        status, body = call("GET", path, alice)
        assert status == 200 and body["hash"] == digest and list(body) == ["hash", "session"]
        assert Session.from_yaml(body["session"]).hash == digest
        assert yaml.safe_load(body["session"])["creator"] == alice.pem
        for stranger in (bob, None):
            assert call("GET", path, stranger) == (403, HIDDEN)
    assert call("GET", "/v1/sessions/nobody", alice) == (
        404,
        json.loads(json.dumps(HIDDEN).replace("mine", "nobody")),
    )


def test_a_session_is_not_created_twice(call, alice):
    """Without a predecessor an existing name is refused in the documented words; null is as good
    as none.
    """
    for text in (POLICY, POLICY + "predecessor: ~\n"):
        call.create(text, alice)
        assert call.create(text, alice) == (
            400,
            {"msg": ["Session already exists, please specify predecessor hash"]},
        )


def test_a_null_predecessor_is_accepted_on_creation(call, alice):
    """The real CAS prints it, so it must be read."""
    assert call.create(POLICY + "predecessor: ~\n", alice)[0] == 201


def test_updates_form_a_chain_that_stays_readable(call, alice):
    """Each version names the one before; all are found by hash, the newest by name."""
    hashes = [call.create(POLICY, alice)[1]["hash"]]
    for n in range(3):
        status, body = call.create(
            POLICY.replace("hello", f"v{n}") + f"predecessor: {hashes[-1]}\n", alice
        )
        assert status == 201
        hashes.append(body["hash"])
    found, chain = call("GET", "/v1/sessions/mine", alice)[1], []
    while found:
        chain.append(found["hash"])
        before = yaml.safe_load(found["session"])["predecessor"]
        found = call("GET", f"/v1/sessions/mine?hash={before}", alice)[1] if before else None
    assert chain == hashes[::-1]


def test_a_stale_predecessor_is_refused(call, alice):
    """Who updates must know the current version."""
    old = call.create(POLICY, alice)[1]["hash"]
    call.create(POLICY.replace("hello", "b") + f"predecessor: {old}", alice)
    status, body = call.create(POLICY.replace("hello", "c") + f"predecessor: {old}", alice)
    assert status == 400 and body["msg"] == [
        "Could not create successor session",
        f"Invalid previous session digest: {old}",
    ]


def test_no_update_without_session_or_permission(call, alice, bob):
    """403 and 404, in one form: that a name is taken everybody could learn by creating it."""
    digest = call.create(POLICY, alice)[1]["hash"]
    refused = call.create(POLICY + f"predecessor: {digest}", bob)
    absent = call.create(POLICY.replace("mine", "none") + f"predecessor: {digest}", bob)
    assert (refused[0], absent[0]) == (403, 404)
    assert json.dumps(refused[1]).replace("mine", "none") == json.dumps(absent[1])
    assert call("GET", "/v1/sessions/mine", alice)[1]["hash"] == digest


def test_readers_and_writers_can_be_listed(call, alice, bob, make_client):
    """By certificate and by key hash; and taken off again, also for old versions."""
    key_hash = base58check(b"\x01" + hashlib.sha256(public_key(bob.pem)).digest())
    text = (
        POLICY + f"access_policy: {{read: [CREATOR, {key_hash}], update: [CREATOR,"
        f" {json.dumps(bob.pem)}]}}\n"
    )
    old = call.create(text, alice)[1]["hash"]
    assert call("GET", "/v1/sessions/mine", bob)[0] == 200
    assert call("GET", "/v1/sessions/mine", make_client())[0] == 403
    assert call.create(POLICY + f"predecessor: {old}\n", bob)[0] == 201
    assert call("GET", f"/v1/sessions/mine?hash={old}", bob)[0] == 200, (
        "bob is the new creator, and was listed before"
    )
    assert call("GET", f"/v1/sessions/mine?hash={old}", alice)[0] == 403, "alice no longer is"


def test_anybody_and_nobody(call, alice):
    """ANY needs no certificate, NONE locks out the creator."""
    call.create(POLICY + "access_policy: {read: ANY, update: NONE}", alice)
    digest = call("GET", "/v1/sessions/mine")[1]["hash"]
    assert call.create(POLICY + f"predecessor: {digest}", alice)[0] == 403
    call.create(POLICY.replace("mine", "shut") + "access_policy: {read: NONE}", alice)
    assert call("GET", "/v1/sessions/shut", alice)[0] == 403


def test_a_creator_must_be_somebody(call, alice, bob):
    """CREATOR without a client certificate, or with another's name, is refused; a read-back can
    be sent again by its creator.
    """
    assert call.create(POLICY)[0] == 400
    text = Session.from_yaml(POLICY).with_creator(alice.pem).to_yaml()
    assert call.create(text, bob)[0] == 400
    assert call.create(text, alice) == (201, {"hash": Session.from_yaml(text).hash})
    assert (
        call.create(POLICY.replace("mine", "free") + "access_policy: {read: ANY, update: ANY}")[0]
        == 201
    )


def test_an_unreadable_client_certificate_is_refused(call):
    """What nobody can compare is not an identity."""

    class Broken:
        pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    assert call("GET", "/v1/sessions/example_session", Broken)[0] == 400


def test_names_with_slashes_travel_as_they_are(call, alice, bob):
    """A session below another one: created where its parent allows, read and its values read
    with the slash unescaped.
    """
    child = POLICY.replace("mine", "space/below/here")
    assert call.create(POLICY.replace("mine", "space/below"), alice)[0] == 404, "no such namespace"
    call.create("name: space\nversion: 0.3", alice)
    assert call.create(POLICY.replace("mine", "space/below"), bob)[0] == 403, "not bob's"
    assert call.create(POLICY.replace("mine", "space/below"), alice)[0] == 201
    digest = call.create(child, alice)[1]["hash"]
    assert call("GET", f"/v1/sessions/space/below/here?hash={digest}", alice)[1]["hash"] == digest
    assert call("GET", "/v1/values/session=space/below/here,secret=open")[1]["value"] == "hello"
    for path in ("/v1/values/session=space//below/here,secret=open", "/v1//values/session=mine"):
        assert call("GET", path)[0] == 404


def test_a_namespace_says_nothing_about_what_is_in_it(call, alice, bob):
    """Who may not create there gets one answer for names that are taken and names that are free."""
    call.create("name: space\nversion: 0.3", alice)
    call.create(POLICY.replace("mine", "space/taken"), alice)
    answers = {
        name: call.create(POLICY.replace("mine", f"space/{name}"), bob)
        for name in ("taken", "empty")
    }
    assert answers["taken"][0] == answers["empty"][0] == 403
    assert json.dumps(answers["taken"][1]).replace("taken", "empty") == json.dumps(
        answers["empty"][1]
    )
    assert call.create(POLICY.replace("mine", "space/taken"), alice)[0] == 400, (
        "its owner is told that it exists"
    )


@pytest.mark.parametrize(
    "policy, who",
    [
        pytest.param("update: [CREATOR], create_sessions: ANY", "everybody", id="anybody creates"),
        pytest.param(
            "update: ANY, create_sessions: [CREATOR]",
            "alice",
            id="the creator creates, anybody updates",
        ),
        pytest.param("update: ANY", "everybody", id="like update where it is left out"),
        pytest.param("update: [CREATOR], create_sessions: NONE", "nobody", id="nobody creates"),
    ],
)
def test_create_sessions_decides_who_creates_below(call, alice, bob, policy, who):
    """Only the policy of the namespace right above counts, and there `create_sessions`."""
    call.create(f"name: space\nversion: 0.3\naccess_policy: {{read: NONE, {policy}}}", alice)
    admitted = [
        client
        for client, n in ((alice, 1), (bob, 2))
        if call.create(POLICY.replace("mine", f"space/n{n}"), client)[0] == 201
    ]
    assert admitted == {"everybody": [alice, bob], "alice": [alice], "nobody": []}[who]


def test_a_session_in_language_0_2_is_no_namespace(call, alice):
    """Until it is updated to 0.3, as assignment 4 does."""
    old = call.create("name: space\nversion: '0.2'\n", alice)[1]["hash"]
    assert call.create(POLICY.replace("mine", "space/below"), alice)[0] == 403
    assert call.create(f"name: space\nversion: '0.3'\npredecessor: {old}\n", alice)[0] == 201
    assert call.create(POLICY.replace("mine", "space/below"), alice)[0] == 201


def test_of_hidden_and_missing_the_same_is_asked(call, alice, bob, monkeypatch):
    """No answer is quicker because there is nothing: a policy is consulted as often for a name
    that is free.
    """
    from casnb.session.session import Session as model

    digest = call.create(POLICY, alice)[1]["hash"]
    asked: list[str] = []
    admits = model.admits
    monkeypatch.setattr(
        model,
        "admits",
        lambda self, action, *keys, **more: (
            asked.append(action) or admits(self, action, *keys, **more)
        ),
    )
    work = {}
    for name in ("mine", "none"):
        for query in ("", f"?hash={digest}", "?hash=" + "0" * 64):
            call("GET", f"/v1/sessions/{name}{query}", bob)
            work.setdefault(query, []).append(len(asked))
            asked.clear()
        call.create(POLICY.replace("mine", name) + f"predecessor: {digest}", bob)
        work.setdefault("update", []).append(len(asked))
        asked.clear()
    assert all(hidden == missing > 0 for hidden, missing in work.values()), work


def test_sessions_are_listed_to_who_may_know_of_them(call, alice, bob):
    """By name, in the order of their creation; without a certificate only what anybody may read."""
    for text in (
        "name: space",
        "name: open\naccess_policy: {read: ANY, update: [CREATOR]}",
        "name: space/one",
    ):
        call.create(text + "\nversion: 0.3", alice)
    call.create("name: bobs\nversion: 0.3", bob)
    assert call("GET", "/v1/sessions", alice) == (
        200,
        {"sessions": ["space", "open", "space/one"], "next": None},
    )
    assert call("GET", "/v1/sessions", bob)[1]["sessions"] == ["open", "bobs"]
    assert call("GET", "/v1/sessions")[1]["sessions"] == ["open"]
    assert call("HEAD", "/v1/sessions")[0] == 405


def test_a_namespace_lists_what_its_readers_may_not_read(call, alice, bob):
    """Who may read a namespace sees the names right below it, and nothing deeper."""
    call.create("name: space\nversion: 0.3\naccess_policy: {read: ANY, update: [CREATOR]}", alice)
    for name in ("space/one", "space/one/two"):
        assert call.create(f"name: {name}\nversion: 0.3", alice)[0] == 201
    assert call("GET", "/v1/sessions", bob)[1]["sessions"] == ["space", "space/one"]
    assert call("GET", "/v1/sessions/space/one", bob)[0] == 403


def test_a_long_list_comes_in_pages(call, alice, monkeypatch):
    """`next` leads on; an update in between moves nothing, and what may not be seen is only
    skipped.
    """
    monkeypatch.setattr("casnb.simulator.server.service.LISTED", 2)
    hashes = [call.create(f"name: s{n}\nversion: 0.3", alice)[1]["hash"] for n in range(4)]
    found, after = [], None
    while True:
        _, page = call("GET", "/v1/sessions" + (f"?after={after}" if after else ""), alice)
        found, after = found + page["sessions"], page["next"]
        call.create(f"name: s0\nversion: 0.3\npredecessor: {hashes[0]}", alice)
        if after is None:
            break
    assert found == ["s0", "s1", "s2", "s3"]
    for wrong in ("x", "-1", "1" * 19, "%00"):
        assert call("GET", f"/v1/sessions?after={wrong}")[0] == 400


def test_the_version_is_that_of_the_page(call, world):
    """Anybody may ask which release runs."""
    assert call("GET", "/v1/version") == (200, {"version": world.release_history[0].version})


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "\u0430",
        "\uff4dine",
        "mine\0",
        "a\u202eb",
        "a b",
        "a,b",
        "a=b",
        "x" * 129,
        "a/" * 256 + "a",
    ],
)
def test_names_that_are_none_are_refused(call, alice, name):
    """Dots, empty segments, look-alikes from other alphabets, control characters: 400, and
    nothing of that name is there.
    """
    status, answer = call(
        "POST", "/v1/sessions", alice, data=json.dumps({"name": name, "version": "0.3"})
    )
    assert status == 400 and answer["msg"][0] == "Failed to parse session"
    assert call("GET", "/v1/sessions", alice)[1]["sessions"] == []


@pytest.mark.parametrize(
    "path",
    ["%2e%2e/mine", "..%2fmine", "min%D0%B5", "mine%00", "%EF%BD%8Dine", "mine%20", "MINE", "%ff"],
)
def test_look_alikes_of_a_name_are_other_names(call, alice, path):
    """No decoding, case or form of a name leads to another session."""
    call.create(POLICY + "access_policy: {read: ANY, update: [CREATOR]}", alice)
    assert call("GET", f"/v1/sessions/{path}", alice)[0] == 404
    assert call("GET", f"/v1/values/session={path},secret=open", alice)[0] == 404
    assert call("GET", "/v1/sessions/mine")[0] == 200


def test_generated_secrets_are_made_once(call, alice):
    """CAS fills in what the session leaves open, keeps it over updates, makes it again for
    another size, and never reads it back.
    """
    text = (
        "name: mine\nversion: 0.3\nsecrets:\n- {name: pin, kind: ascii, size: 12, export_public:"
        " true}\n- {name: key, kind: binary, size: 16, export_public: true}\n"
    )

    def values():
        return {
            k: v["value"] for k, v in call("GET", "/v1/values/session=mine")[1]["values"].items()
        }

    digest = call.create(text, alice)[1]["hash"]
    made = values()
    assert len(made["pin"]) == 12 and len(bytes.fromhex(made["key"])) == 16
    assert made["pin"] not in call("GET", "/v1/sessions/mine", alice)[1]["session"]
    digest = call.create(text + f"predecessor: {digest}\n", alice)[1]["hash"]
    assert values() == made
    call.create(text.replace("size: 16", "size: 8") + f"predecessor: {digest}\n", alice)
    assert values()["pin"] == made["pin"] and values()["key"] != made["key"]


@pytest.mark.parametrize(
    "body, named",
    [
        pytest.param(b"", "nothing", id="empty"),
        pytest.param(b"\xff\xff", "UTF-8", id="bytes"),
        pytest.param(b"{}", "name", id="json"),
        pytest.param(b"a: &b [*b]", "anchor", id="anchor"),
        pytest.param(
            b"name: mine\nversion: 0.3\nsecrets: [{name: a, kind: pgp-key}]",
            "pgp-key",
            id="not simulated",
        ),
        pytest.param(b"name: mine\nversion: 0.3\n# " + b"x" * 300_000, "262144", id="300 kB"),
    ],
)
def test_what_is_no_session_is_refused(call, alice, body, named):
    """400 with the reason; nothing is stored."""
    status, answer = call("POST", "/v1/sessions", alice, data=body)
    assert (
        status == 400
        and answer["msg"][0] == "Failed to parse session"
        and named in answer["msg"][1]
    )


def test_form_posts_are_taken_as_text(call, alice):
    """`curl --data-binary` sends a form's content type unless told otherwise."""
    status, _ = call(
        "POST",
        "/v1/sessions",
        alice,
        data=POLICY.encode(),
        content_type="application/x-www-form-urlencoded",
    )
    assert status == 201


def test_of_many_updates_at_once_one_is_stored(world, store, alice):
    """The others learn that their predecessor is no longer the current version."""
    app = create_app(world, store, lambda: NOON)
    digest = Caller(app).create(POLICY, alice)[1]["hash"]
    answers, gate = [], threading.Barrier(6)

    def update(n: int) -> None:
        call = Caller(app)
        gate.wait()
        answers.append(
            call.create(POLICY.replace("hello", f"v{n}") + f"predecessor: {digest}\n", alice)[0]
        )

    threads = [threading.Thread(target=update, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(answers) == [201] + [400] * 5


def test_a_full_disk_is_an_error_and_loses_nothing(call, store, alice):
    """500 with the reason as JSON; what was stored is still there."""
    store._idle[-1].execute("PRAGMA max_page_count = 1")
    status, body = call.create(
        POLICY
        + "security: {attestation: {mode: none}}\nservices: [{name: s, command: '"
        + "y" * 100_000
        + "'}]",
        alice,
    )
    assert status == 500 and body == {
        "msg": ["The CAS could not use its database", "database or disk is full", MEND]
    }
    assert call("GET", "/v1/values/session=example_session,secret=example_value")[0] == 200


def test_a_read_only_database_is_an_error_and_loses_nothing(call, store, alice):
    """500 with the reason for who writes, everything as before for who reads; written again once
    it can be.
    """
    digest = call.create(POLICY, alice)[1]["hash"]
    store._idle[-1].execute("PRAGMA query_only = ON")
    status, body = call.create(POLICY + f"predecessor: {digest}", alice)
    assert status == 500 and body["msg"][1:] == ["attempt to write a readonly database", MEND]
    assert call("GET", "/v1/sessions/mine", alice)[1]["hash"] == digest
    assert call.create(POLICY + f"predecessor: {digest}", alice)[0] == 201


def test_a_restart_keeps_everything(world, store, alice):
    """Another app on the same file knows all versions, and the example session is not made
    twice.
    """
    api = ClientApi(world, store, lambda: NOON)
    first = plant_example(api, example_owner(world))
    digest = Caller(create_app(world, store, lambda: NOON)).create(POLICY, alice)[1]["hash"]
    with Store(store.path) as again:
        assert plant_example(ClientApi(world, again, lambda: NOON), example_owner(world)) == first
        call = Caller(create_app(world, again, lambda: NOON))
        assert call("GET", "/v1/sessions/mine", alice)[1]["hash"] == digest
        assert (
            call("GET", "/v1/values/session=example_session,secret=example_value")[1]["value"]
            == world.example_value
        )


def test_the_example_session_is_the_pages_without_its_predecessor(vectors):
    """Word for word, but for the version it follows."""
    page = next((p.read_text() for p in (vectors.parent / "seed").glob("*.txt")), "")
    if not page:
        pytest.skip("the assignment's page is not beside the vectors")
    start = page.index("name: example_session")
    shown = yaml.safe_load(page[start : page.index("You should now be able", start)])
    shown.pop("predecessor")
    assert yaml.safe_load(example_session(World().example_value)) == shown


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/session", "/session/x", "/v1/sessions/", "/static/x", "/v1/attest/"]
)
def test_other_paths_are_not_there(call, path):
    """404 as JSON, and no redirect."""
    status, body = call("GET", path)
    assert status == 404 and list(body) == ["msg"]


def test_an_unforeseen_error_says_nothing(world, store, caplog):
    """500 as JSON without a trace of the cause; the log has it."""

    def broken():
        raise RuntimeError("secret detail")

    call = Caller(create_app(world, store, broken))
    assert call("GET", "/v1/attest") == (500, {"msg": ["Internal error"]})
    assert "secret detail" in caplog.text
