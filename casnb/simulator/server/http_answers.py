"""How a simulated CAS answers over HTTP: JSON as CAS writes it, one form of refusal, no details of
an error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from casnb.base.errors import SourceError

#: Request bodies above this many bytes are refused.
BODY_LIMIT = 1 << 20

_log = logging.getLogger("casnb.simulator")


class Refused(Exception):
    """An answer other than success: HTTP status, and the sentences of `msg`, outermost first."""

    def __init__(self, status: int, *sentences: str) -> None:
        super().__init__(status, *sentences)
        self.status, self.sentences = status, sentences


def new_app(name: str) -> Flask:
    """Return a WSGI app without routes; whatever goes wrong in it becomes an answer."""
    app = Flask(name, static_folder=None)
    app.url_map.merge_slashes = False
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, PROPAGATE_EXCEPTIONS=False)

    app.wsgi_app = _decoded(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def no_head() -> None:
        if request.method == "HEAD" and request.url_rule is not None:
            raise MethodNotAllowed(list(request.url_rule.methods or ()))

    @app.errorhandler(Refused)
    def refused(exc: Refused) -> Response:
        return _message(exc.status, *exc.sentences)

    @app.errorhandler(SourceError)
    def broken(exc: SourceError) -> Response:
        _log.warning("%s", exc)
        return _message(
            500, "The CAS could not use its database", exc.got or "unknown reason", exc.do
        )

    @app.errorhandler(HTTPException)
    def of_http(exc: HTTPException) -> Response:
        found = _message(exc.code or 500, exc.name)
        if isinstance(exc, MethodNotAllowed):
            methods = {m for m in exc.valid_methods or () if m not in ("HEAD", "OPTIONS")}
            found.headers["Allow"] = ", ".join(sorted(methods))
        return found

    @app.errorhandler(Exception)
    def unforeseen(exc: Exception) -> Response:
        _log.error("unforeseen error", exc_info=exc)
        return _message(500, "Internal error")

    return app


def _decoded(app: Callable[..., Any]) -> Callable[..., Any]:
    """Decode a path once, all of it, whoever serves it: `%2F` is a slash, as `%3D` is a sign of
    equality.
    """

    def decoding(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
        path = raw.partition("?")[0]
        if path.startswith("/"):
            environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        return app(environ, start)

    return decoding


def route(app: Flask, path: str, method: str, answer: Callable[..., Response]) -> None:
    """Answer one method of one path; every other method of it is 405."""
    app.add_url_rule(
        path, f"{method} {path}", answer, methods=[method], provide_automatic_options=False
    )


def answer(status: int, content: Any) -> Response:
    """Return JSON as CAS writes it: two spaces a level, no newline at the end."""
    line = f"{status} {HTTPStatus(status).phrase}"
    return Response(
        json.dumps(content, indent=2, ensure_ascii=False), line, content_type="application/json"
    )


def _message(status: int, *sentences: str) -> Response:
    found = answer(status, {"msg": list(sentences)})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        found.headers["Retry-After"] = "1"
    return found
