"""The class server as a service of JupyterHub, against a Hub that answers as the real one does to
the three requests that are made.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from classroom.sealed_class import SealedClass
from flask import Flask, jsonify, request

from casnb.base.errors import UsageError
from casnb.classroom.class_server import Listen, listen_at
from casnb.classroom.hub import hub_of
from casnb.simulator.server.listener import TlsServer
from casnb.teach import start
from casnb.teach.class_line import Refused, ask, server_address
from casnb.teach.sealed_lab import SealedLab

SCOPE = "access:services!service=casnb"
USERS = {
    "token-u001": {"kind": "user", "name": "u001", "scopes": [SCOPE]},
    "token-U002": {"kind": "user", "name": "U002", "scopes": [SCOPE]},
    "token-stranger": {"kind": "user", "name": "stranger", "scopes": [SCOPE]},
    "token-no-scope": {"kind": "user", "name": "u001", "scopes": ["self"]},
    "token-service": {"kind": "service", "name": "u001", "scopes": [SCOPE]},
    "token-teacher": {"kind": "user", "name": "prof", "scopes": [SCOPE]},
    "token-admin": {"kind": "user", "name": "boss", "admin": True, "scopes": [SCOPE]},
}


def fake_hub():
    app = Flask("hub")

    @app.get("/hub/api/user")
    def user():
        found = USERS.get(request.headers["Authorization"].removeprefix("token "))
        return (jsonify(found), 200) if found else (jsonify({"message": "no"}), 403)

    @app.post("/hub/api/oauth2/token")
    def token():
        form = request.form
        good = (form["client_id"], form["client_secret"]) == ("service-casnb", "service-token")
        if not good or not form["code"].startswith("code-"):
            return jsonify({"error": "invalid_grant"}), 400
        return jsonify({"access_token": "token-" + form["code"][5:], "token_type": "Bearer"})

    return app


@pytest.fixture(scope="module")
def api():
    server = TlsServer("127.0.0.1", 0, fake_hub(), None)
    server.start_serving()
    yield f"http://127.0.0.1:{server.port}/hub/api"
    server.stop()


@pytest.fixture
def environ(api):
    return {
        "JUPYTERHUB_API_TOKEN": "service-token",
        "JUPYTERHUB_API_URL": api,
        "JUPYTERHUB_SERVICE_PREFIX": "/services/casnb/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0",
        "JUPYTERHUB_SERVICE_NAME": "casnb",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["{SCOPE}"]',
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_BASE_URL": "/",
    }


@pytest.fixture
def klass(tmp_path, environ, monkeypatch):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.delenv("CASNB_TICKET", raising=False)
    klass = SealedClass(tmp_path)
    hub, there = hub_of(environ, ["prof"])
    at = listen_at(klass.course, klass.task, there.replace(":8600", ":0"), proxied=True)
    with klass.serving(at=at, hub=hub):
        assert klass.url.endswith("/services/casnb")
        yield klass


def ticket(klass, token, assignment="hw1"):
    body = {"assignment": assignment, "server": klass.url}
    return ask(server_address(klass.url), "/api/1/ticket", f"token {token}", body)["ticket"]


def test_a_students_own_token_is_enough(klass, monkeypatch):
    """Without a ticket: the lab shows the Hub's token to the class server, and is theirs."""
    monkeypatch.setenv("CASNB_CLASS_SERVER", klass.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-u001")
    lab = start("hw1")
    try:
        assert isinstance(lab, SealedLab) and lab.ticket.student == "u001"
        assert lab.check("07.floor", 1).status == "wrong"
    finally:
        lab.close()
    assert klass.lines()[-1]["student"] == "u001"
    found = ask(
        server_address(klass.url), "/api/1/progress", f"Bearer {ticket(klass, 'token-U002')}"
    )
    assert found["exercises"]["07.floor"]["tries"] == 0


@pytest.mark.parametrize(
    ("token", "assignment", "status"),
    [
        ("token-u001", "hw2", 404),
        ("token-stranger", "hw1", 403),
        ("token-no-scope", "hw1", 401),
        ("token-service", "hw1", 401),
        ("made up", "hw1", 401),
        ("", "hw1", 401),
    ],
)
def test_whom_the_hub_does_not_name_gets_no_ticket(klass, token, assignment, status):
    """Nor whoever is not in the class."""
    with pytest.raises(Refused) as caught:
        ticket(klass, token, assignment)
    assert caught.value.status == status


def opened(klass, code, *, state=None):
    """A browser that opens the board, logs in on the Hub, and comes back with a code."""
    browser = requests.Session()
    browser.trust_env = False
    first = browser.get(klass.url + "/board", allow_redirects=False, timeout=20)
    where = urlsplit(first.headers["Location"])
    words = {k: v[0] for k, v in parse_qs(where.query).items()}
    assert (first.status_code, where.path) == (302, "/hub/api/oauth2/authorize")
    assert (words["client_id"], words["redirect_uri"]) == (
        "service-casnb",
        "/services/casnb/oauth_callback",
    )
    back = klass.url + "/oauth_callback"
    answer = browser.get(
        back,
        params={"code": code, "state": state or words["state"]},
        allow_redirects=False,
        timeout=20,
    )
    return browser, answer


def board(klass, browser, **headers):
    body = {"view": "board", "tag": ""}
    return browser.post(klass.url + "/board/api/view", json=body, headers=headers, timeout=20)


@pytest.mark.parametrize("who", ["teacher", "admin"])
def test_a_teacher_logs_in_at_the_hub(klass, who):
    """And sees the board, from its own page alone: a form of another site sends no header."""
    browser, answer = opened(klass, f"code-{who}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/services/casnb/board")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "Path=/services/casnb/" in cookie
    assert browser.get(klass.url + "/board", timeout=20).status_code == 200
    assert "u001" in board(klass, browser, **{"X-Casnb-Board": "1"}).text
    assert board(klass, browser).status_code == 401


@pytest.mark.parametrize(
    ("code", "state", "says"),
    [
        ("code-u001", None, "The board is the teacher"),
        ("code-teacher", "another", "not begun here"),
        ("stolen", None, "does not say who you are"),
        ("code-no-scope", None, "does not say who you are"),
    ],
)
def test_others_are_told_so(klass, code, state, says):
    """A student, a login that somebody else began, a code that is none."""
    browser, answer = opened(klass, code, state=state)
    assert answer.status_code == 403 and says in answer.json()["error"]
    assert board(klass, browser, **{"X-Casnb-Board": "1"}).status_code == 401


def test_a_hub_that_is_silent_is_no_refusal(tmp_path, environ):
    """Nobody was judged unknown: the server cannot say now."""
    klass = SealedClass(tmp_path)
    hub, _ = hub_of({**environ, "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api"})
    with klass.serving(at=Listen("127.0.0.1", 0), hub=hub):
        with pytest.raises(Refused) as caught:
            ticket(klass, "token-u001")
        assert caught.value.status == 503


def test_only_a_hub_starts_it_as_a_service(tmp_path, environ):
    """And behind its proxy the server listens on loopback alone."""
    klass = SealedClass(tmp_path)
    with pytest.raises(UsageError, match="a process that JupyterHub started"):
        hub_of({})
    with pytest.raises(UsageError, match="loopback address behind a Hub"):
        listen_at(klass.course, klass.task, "0.0.0.0:8600", proxied=True)
    assert "service-token" not in repr(hub_of(environ)[0])
