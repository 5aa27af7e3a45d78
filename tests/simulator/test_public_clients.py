"""Requests as public clients send them, byte for byte: each gets the answer that it can read."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from casnb.base.errors import UsageError
from casnb.cas.client_identity import ClientIdentity
from casnb.session.access import Signer
from casnb.session.session import Session
from casnb.session.signed import Signed, sign
from casnb.simulator.server.running import RunningWorld, alt_name, serve
from casnb.simulator.world import World

ME = ClientIdentity.create()


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[RunningWorld]:
    world = World("public clients", "production")
    with serve(world, clock=lambda: world.now, alt_names=["cas.example"]) as found:
        yield found


@pytest.fixture(scope="module")
def context(running, tmp_path_factory) -> ssl.SSLContext:
    """A client that verifies the name under the CAS's own certificates, and shows its own."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=running.world.cas_chain_pem.decode())
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    ME.show_in(made)
    return made


def say(running: RunningWorld, context: ssl.SSLContext, request: bytes, name: str = "cas"):
    """Send bytes, and return status, header fields and body of the answer."""
    with (
        socket.create_connection((running.host, running.cas_port), 10) as plain,
        context.wrap_socket(plain, server_hostname=name) as line,
    ):
        line.sendall(request)
        data = b""
        while part := line.recv(65536):
            data += part
            head, mark, body = data.partition(b"\r\n\r\n")
            fields = dict(
                row.lower().split(b": ", 1) for row in head.split(b"\r\n")[1:] if b": " in row
            )
            length = int(fields.get(b"content-length", b"0"))
            if mark and (len(body) >= length or request.startswith(b"HEAD")):
                break
    return int(head.split()[1]), fields, body


def text(name: str) -> bytes:
    return b'name: %s\nversion: "0.3"\n' % name.encode()


CLIENTS = {
    "curl": b"POST /session HTTP/1.1\r\nHost: cas:8081\r\nUser-Agent: curl/7.88.1\r\n"
    b"Accept: */*\r\nContent-Length: %d\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n%s",
    "Go net/http": b"POST /session HTTP/1.1\r\nHost: cas:8081\r\nUser-Agent: Go-http-client/1.1\r\n"
    b"Content-Length: %d\r\nContent-Type: application/text\r\nAccept-Encoding: gzip\r\n\r\n%s",
    "Java HttpURLConnection": b"POST /session HTTP/1.1\r\n"
    b"Content-Type: application/octet-stream\r\n"
    b"Accept: text/plain, application/json, application/*+json, */*\r\n"
    b"User-Agent: Java/17.0.9\r\n"
    b"Host: cas:8081\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s",
    "Node https": b"POST /v1/sessions HTTP/1.1\r\nHost: cas:8081\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s",
    "requests": b"POST /v1/sessions HTTP/1.1\r\nHost: cas:8081\r\nUser-Agent:"
    b" python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection:"
    b" keep-alive\r\nContent-Length: %d\r\n\r\n%s",
    "reqwest": b"POST /v1/sessions HTTP/1.1\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"accept: */*\r\nhost: cas:8081\r\ncontent-length: %d\r\n\r\n%s",
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_session_is_created_and_read(running, context, client):
    """201 with the hash, then 200 with hash and text, on both paths."""
    name = "made-by-" + client.split()[0].lower()
    body = text(name)
    status, fields, answer = say(running, context, CLIENTS[client] % (len(body), body))
    assert status == 201 and fields[b"content-type"] == b"application/json"
    digest = json.loads(answer)["hash"]
    for path in ("/session", "/v1/sessions"):
        request = f"GET {path}/{name} HTTP/1.1\r\nHost: cas:8081\r\nAccept: */*\r\n\r\n"
        status, _, answer = say(running, context, request.encode())
        assert (status, json.loads(answer)["hash"]) == (200, digest)


def test_a_body_in_chunks(running, context):
    """As Node and Java write a body of which they do not know the length."""
    body = text("in-chunks")
    request = (
        b"POST /session HTTP/1.1\r\nHost: cas\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    )
    assert say(running, context, request)[0] == 201


TARGETS = [
    "/v1/values/session=example_session,secret=example_value",
    "/v1/values/session%3Dexample_session%2Csecret%3Dexample_value",
    "/v1/values/session=/example_session,secret=example_value",
    "https://cas:8081/v1/values/session=example_session,secret=example_value",
]


@pytest.mark.parametrize("target", TARGETS)
def test_one_address_in_all_of_its_spellings(running, context, target):
    """Percent-encoded or not, with scheme and host or without, with a slash before the name."""
    status, _, body = say(running, context, f"GET {target} HTTP/1.1\r\nHost: cas\r\n\r\n".encode())
    assert (status, json.loads(body)["value"]) == (200, running.world.example_value)


def test_a_slash_may_be_encoded_on_every_path(running, context):
    """`%2F` is the slash between the parts of a name: to create, to read, for values."""
    for name in ("space", "space/in"):
        body = text(name) + b"secrets: [{name: v, kind: ascii, value: x, export_public: true}]\n"
        assert say(running, context, CLIENTS["curl"] % (len(body), body))[0] == 201
    for path in ("/v1/sessions/", "/session/", "/v1/values/session="):
        for name in ("space/in", "space%2Fin", "space%2fin"):
            request = f"GET {path}{name} HTTP/1.1\r\nHost: cas\r\n\r\n".encode()
            assert say(running, context, request)[0] == 200, path + name


@pytest.mark.parametrize(
    "head",
    [
        b"Host: cas\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
        b"Host: cas\r\nContent-Length: 5\r\nContent-Length: 7\r\n",
        b"Host: cas\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Host: cas\r\nContent-Length: +5\r\n",
        b"Host: cas\r\nContent-Length : 5\r\n",
        b"Host: cas\r\nX: a\r\n b\r\n",
        b"Host: cas\r\nHost: other\r\n",
        b"Accept: */*\r\n",
    ],
)
def test_a_head_that_two_readers_read_differently_is_refused(running, context, head):
    """400, with the reason, and the connection ends."""
    request = b"POST /v1/sessions HTTP/1.1\r\n" + head + b"\r\nhello"
    status, fields, body = say(running, context, request)
    assert status == 400 and json.loads(body)["msg"][0] == "Bad Request"
    assert fields[b"connection"] == b"close"


@pytest.mark.parametrize(
    "method, target, status, allow",
    [
        ("HEAD", "/v1/values/session=example_session,secret=example_value", 405, b"get"),
        ("OPTIONS", "/v1/values/session=example_session", 405, b"get"),
        ("DELETE", "/session", 405, b"get, post"),
        ("GET", "/v1/signed_sessions", 405, b"put"),
        ("HEAD", "/nowhere", 404, None),
        ("OPTIONS", "/nowhere", 404, None),
    ],
)
def test_what_a_path_allows_is_said(running, context, method, target, status, allow):
    """405 names the methods that there are; HEAD has no body, whatever the answer."""
    request = f"{method} {target} HTTP/1.1\r\nHost: cas\r\n\r\n".encode()
    found, fields, body = say(running, context, request)
    assert (found, fields.get(b"allow")) == (status, allow)
    assert (body == b"") is (method == "HEAD")


def test_names_for_clients_without_connect_to(running, context):
    """The address that it listens on, and the names that were asked for, beside the usual two."""
    for name in ("cas", "localhost", "cas.example", running.host):
        request = b"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"
        assert say(running, context, request, name)[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        say(running, context, b"", "cas.elsewhere")
    with pytest.raises(UsageError, match="a host name or an IP address"):
        alt_name("no name")


def test_a_certificate_that_ends_says_when(running, context):
    """`expires` is a time for what ends, and null for all other values."""
    body = text("ends") + (
        b"secrets:\n- {name: k, kind: private-key}\n"
        b"- {name: short, kind: x509, private_key: k, valid_for: 59d, export_public: true}\n"
        b"- {name: long, kind: x509, private_key: k, export_public: true}\n"
    )
    assert say(running, context, CLIENTS["curl"] % (len(body), body))[0] == 201
    request = b"GET /v1/values/session=ends HTTP/1.1\r\nHost: cas\r\n\r\n"
    found = json.loads(say(running, context, request)[2])["values"]
    made = x509.load_pem_x509_certificate(found["short"]["value"].encode())
    assert found["short"]["expires"] == f"{made.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    assert found["long"]["expires"] is None


# Signed uploads, as a Kubernetes operator sends them


def signer() -> tuple[object, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key, pem.decode()


def put(running, context, signed: str):
    body = signed.encode()
    request = (
        b"PUT /v1/signed_sessions HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\n"
        b"host: cas:8081\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    )
    status, _, answer = say(running, context, request)
    return status, json.loads(answer)


def signed_by(name: str, key, pem: str, more: str = "") -> Signed:
    session = Session.from_yaml(text(name).decode() + more).with_creator(Signer(pem))
    whole = session.to_yaml()
    return Signed(whole, ()).signed_by(sign(whole, key, pem))


def test_signed_sessions_get_statuses_that_tell_what_is_wrong(running, context):
    """201 with hash and warnings; 400 for what is no signature, 403 for another signer, 404 for a
    namespace that is not there, 409 for a version that came in between.
    """
    (mine, my_pem), (other, other_pem) = signer(), signer()
    status, body = put(running, context, signed_by("signed", mine, my_pem).to_json())
    assert status == 201 and len(body["hash"]) == 64 and body["warnings"] == []
    again = signed_by("signed", mine, my_pem)
    assert put(running, context, again.to_json())[0] == 409
    update = f"predecessor: {body['hash']}\n"
    assert put(running, context, signed_by("signed", other, other_pem, update).to_json())[0] == 403
    broken = json.loads(signed_by("signed", mine, my_pem, update).to_json())
    broken["session"] += "# changed\n"
    assert put(running, context, json.dumps(broken))[0] == 400
    assert put(running, context, "{}")[0] == 400
    assert put(running, context, signed_by("no/where", mine, my_pem).to_json())[0] == 404
    assert put(running, context, signed_by("signed", mine, my_pem, update).to_json())[0] == 201
    assert put(running, context, signed_by("signed", mine, my_pem, update).to_json())[0] == 409


def test_a_rule_of_several_counts_who_signed(running, context):
    """Two of two signers update; one alone does not, nor by the certificate of the connection."""
    (one, one_pem), (two, two_pem) = signer(), signer()
    rule = [{"require-all": [{"signer": one_pem}, {"signer": two_pem}]}]
    policy = f"access_policy: {json.dumps({'read': ['ANY'], 'update': rule})}\n"
    body = text("quorum") + policy.encode()
    status, _, answer = say(running, context, CLIENTS["curl"] % (len(body), body))
    assert status == 201
    whole = Session.from_yaml(
        body.decode() + f"predecessor: {json.loads(answer)['hash']}\n"
    ).to_yaml()
    half = Signed(whole, ()).signed_by(sign(whole, one, one_pem))
    assert put(running, context, half.to_json())[0] == 403
    both = half.signed_by(sign(whole, two, two_pem))
    assert put(running, context, both.to_json())[0] == 201


def test_many_clients_at_once_create_one_session_once(running, context):
    """One is told 201, all others that it is there."""
    body, found = text("contested"), []

    def create() -> None:
        found.append(say(running, context, CLIENTS["curl"] % (len(body), body))[0])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(found) == [201] + [400] * 5
