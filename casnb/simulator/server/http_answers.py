"""How a simulated CAS answers over HTTP: JSON as CAS writes it, one form of refusal, nothing of
an error's inside.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

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

    @app.before_request
    def no_head() -> Response | None:
        return _message(405, "Method not allowed") if request.method == "HEAD" else None

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
        return _message(exc.code or 500, exc.name)

    @app.errorhandler(Exception)
    def unforeseen(exc: Exception) -> Response:
        _log.error("unforeseen error", exc_info=exc)
        return _message(500, "Internal error")

    return app


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
