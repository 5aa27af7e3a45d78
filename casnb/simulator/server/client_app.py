"""The client API over HTTP: which path and method is which question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask, Response, request

from casnb.session.encrypted import encryption_key_pem
from casnb.simulator.server.audit_log import AuditLog
from casnb.simulator.server.http_answers import answer, new_app, route
from casnb.simulator.server.service import ClientApi
from casnb.simulator.server.store import Store
from casnb.simulator.server.who import Client
from casnb.simulator.world import World

#: Where sessions are: the path of today, and the older one that public clients still use.
SESSIONS = ("/v1/sessions", "/session")


def create_app(
    world: World, store: Store, clock: Callable[[], datetime], audit: AuditLog | None = None
) -> Flask:
    """Return the WSGI app: `clock` gives the time (UTC) that reports carry, SSL_CLIENT_CERT in
    the environ is the client.
    """
    api = ClientApi(world, store, clock, audit)
    app = new_app("casnb.simulator")

    def client() -> Client | None:
        return Client.from_pem(request.environ.get("SSL_CLIENT_CERT"))

    route(
        app,
        "/v1/attest",
        "GET",
        lambda: Response(
            api.attest(request.args.to_dict(flat=False)), content_type="application/json"
        ),
    )
    route(app, "/v1/values/<path:spec>", "GET", lambda spec: answer(200, api.values(spec)))
    route(app, "/v1/version", "GET", lambda: answer(200, api.version()))
    route(
        app,
        "/v1/audit-log/checkpoints",
        "GET",
        lambda: answer(
            200,
            api.checkpoints(
                request.args.get("min_sequence_number", "0"),
                request.args.get("max_sequence_number", "9" * 18),
            ),
        ),
    )
    for path in SESSIONS:
        route(
            app,
            path,
            "GET",
            lambda: answer(200, api.listing(request.args.get("after"), client())),
        )
        route(app, path, "POST", lambda: answer(201, api.create(request.get_data(), client())))
        route(
            app,
            f"{path}/<path:name>",
            "GET",
            lambda name: answer(200, api.read(name, request.args.get("hash"), client())),
        )
    route(
        app,
        "/v1/signed_sessions",
        "PUT",
        lambda: answer(201, api.create_signed(request.get_data(), client())),
    )
    route(
        app,
        "/v1/encrypted_sessions",
        "PUT",
        lambda: answer(201, api.create_encrypted(request.get_data(), client())),
    )
    key = encryption_key_pem(world.session_encryption_key.public_key())
    route(app, "/v1/session_encryption_key", "GET", lambda: answer(200, {"key": key}))
    return app


def example_session(value: str) -> str:
    """Return the policy of the assignment's page, without its predecessor, with this value in the
    place of 42.
    """
    return f"""\
name: example_session
version: "0.3"
secrets:
  - name: example_value
    export_public: true
    kind: ascii
    value: "{value}"
access_policy:
  read:
    - CREATOR
  update:
    - CREATOR
"""


def plant_example(api: ClientApi, owner: Client) -> str:
    """Create the assignment's example session where it is missing; return its hash."""
    with api.store.reading() as transaction:
        found = transaction.current("example_session")
    if found:
        return found.hash
    return api.create(example_session(api.world.example_value).encode(), owner)["hash"]
