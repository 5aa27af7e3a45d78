"""The class server as a service of JupyterHub: the Hub says who asks, by the token of a student's
own server, or by a login in the teacher's browser.

Spoken here and not through the Hub's own library: it is three requests, and a class server need not
have a Hub installed beside it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from flask import Blueprint, Response, redirect, request
from itsdangerous import BadData, URLSafeTimedSerializer

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.classroom.judging import Refusal

_PATIENCE = 10
_ANSWER = 1 << 20
#: Seconds until a teacher logs in again.
_LOGIN = 12 * 3600
_STATE, _SESSION = "casnb-hub-state", "casnb-hub"


@dataclass(frozen=True)
class Hub:
    """How the Hub is reached, and who this service is to it. `teachers` are the Hub's names of
    those who may see the board; its admins may as well.
    """

    api: str
    token: str = field(repr=False)
    prefix: str
    client: str
    host: str
    base: str
    scopes: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()

    def _ask(self, method: str, path: str, **others: Any) -> Any:
        try:
            with requests.Session() as line:
                line.trust_env = False
                answer = line.request(
                    method, self.api + path, timeout=_PATIENCE, allow_redirects=False, **others
                )
                data = answer.content[: _ANSWER + 1]
        except requests.RequestException:
            raise SourceError("JupyterHub", got="no answer", wanted="its API") from None
        if answer.status_code in (400, 401, 403, 404):
            return None
        try:
            return strictjson.loads(data, "JupyterHub", limit=_ANSWER)
        except EvidenceError as exc:
            raise SourceError("JupyterHub", got=str(exc), wanted="its API") from None

    def user(self, token: str) -> Mapping[str, Any] | None:
        """Return whose token this is, as the Hub has it; None for one that the Hub does not know,
        or whose owner may not use this service. Raises SourceError where the Hub does not answer.
        """
        if not token or len(token) > 4000 or not token.isascii() or not token.isprintable():
            return None
        found = self._ask("GET", "/user", headers={"Authorization": f"token {token}"})
        if not isinstance(found, dict) or found.get("kind") != "user":
            return None
        owned = found.get("scopes")
        granted = set(map(str, owned)) if isinstance(owned, list) else set()
        if self.scopes and not granted & set(self.scopes):
            return None
        return found if isinstance(found.get("name"), str) else None

    def teaches(self, user: Mapping[str, Any]) -> bool:
        """Whether this user may see the board."""
        return user["name"] in self.teachers or user.get("admin") is True

    # A login in the teacher's browser: OAuth 2.0, RFC 6749, section 4.1

    @property
    def _callback(self) -> str:
        return f"{self.prefix}oauth_callback"

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.token, salt="casnb board 1")

    def admits(self) -> bool:
        """Whether this request comes from the board of a teacher who is logged in. The header keeps
        other sites' forms out: a browser adds none to those.
        """
        return request.headers.get("X-Casnb-Board") == "1" and self.knows()

    def knows(self) -> bool:
        """Whether a teacher is logged in in this browser."""
        try:
            name = self._signer().loads(request.cookies.get(_SESSION, ""), max_age=_LOGIN)
        except BadData:
            return False
        return isinstance(name, str)

    def login(self) -> Response:
        """Send a browser to the Hub, which sends it back to `oauth_callback`."""
        state = secrets.token_urlsafe(16)
        words = {
            "client_id": self.client,
            "redirect_uri": self._callback,
            "response_type": "code",
            "state": state,
        }
        answer = redirect(f"{self.host}{self.base}hub/api/oauth2/authorize?{urlencode(words)}")
        self._cookie(answer, _STATE, state, 600)
        return answer  # type: ignore[return-value]

    def _cookie(self, answer: Any, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=self.prefix,
            httponly=True,
            samesite="Lax",
            secure=request.headers.get("X-Forwarded-Proto", "").startswith("https"),
        )

    def routes(self) -> Blueprint:
        """Return the route that the Hub sends a browser back to."""
        pages = Blueprint("hub", __name__)

        @pages.get(self._callback)
        def back() -> Response:
            state = request.cookies.get(_STATE, "")
            given, code = (request.args.get(n, "") for n in ("state", "code"))
            if not state or not secrets.compare_digest(state.encode(), given.encode()):
                raise Refusal(403, "This login was not begun here. Open the board again.")
            words = {
                "client_id": self.client,
                "client_secret": self.token,
                "grant_type": "authorization_code",
                "code": code[:2000],
                "redirect_uri": self._callback,
            }
            found = self._ask("POST", "/oauth2/token", data=words)
            token = found.get("access_token") if isinstance(found, dict) else None
            user = self.user(token) if isinstance(token, str) else None
            if user is None:
                raise Refusal(403, "The Hub does not say who you are. Open the board again.")
            if not self.teaches(user):
                raise Refusal(403, "The board is the teacher's.")
            answer = redirect(f"{self.prefix}board")
            self._cookie(answer, _SESSION, str(self._signer().dumps(user["name"])), _LOGIN)
            answer.delete_cookie(_STATE, path=self.prefix)
            return answer  # type: ignore[return-value]

        return pages


def hub_of(environ: Mapping[str, str], teachers: Collection[str] = ()) -> tuple[Hub, str]:
    """Return the Hub that started this process as its service, and the HOST:PORT that it expects
    the service at. Raises UsageError where no Hub did.
    """
    wanted = ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL", "JUPYTERHUB_SERVICE_PREFIX")
    missing = [n for n in (*wanted, "JUPYTERHUB_SERVICE_URL") if not environ.get(n)]
    if missing:
        raise UsageError(
            "--hub",
            got=f"no {missing[0]}",
            wanted="a process that JupyterHub started as a service",
            do="docs/teach/ has the recipe for jupyterhub_config.py.",
        )
    at = urlsplit(environ["JUPYTERHUB_SERVICE_URL"])
    try:
        scopes = json.loads(environ.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES") or "[]")
    except ValueError:
        scopes = []
    prefix = environ["JUPYTERHUB_SERVICE_PREFIX"]
    name = environ.get("JUPYTERHUB_SERVICE_NAME", "casnb")
    hub = Hub(
        environ["JUPYTERHUB_API_URL"].rstrip("/"),
        environ["JUPYTERHUB_API_TOKEN"],
        prefix if prefix.endswith("/") else prefix + "/",
        environ.get("JUPYTERHUB_CLIENT_ID") or f"service-{quote(name)}",
        environ.get("JUPYTERHUB_HOST", ""),
        environ.get("JUPYTERHUB_BASE_URL") or "/",
        tuple(map(str, scopes)) if isinstance(scopes, list) else (),
        tuple(teachers),
    )
    return hub, f"{at.hostname or '127.0.0.1'}:{at.port or 8600}"
