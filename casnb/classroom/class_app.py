"""What the class server answers to students: JSON over HTTP, each request with a ticket."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.classroom.hub import Hub
from casnb.classroom.judging import Judge, Refusal
from casnb.teach.course.answer_json import LIMIT, untagged

#: Bytes of one request: an answer, and what is around it.
BODY = LIMIT + 4096
#: Members of each request's object.
_MEMBERS = {
    "lab": {"scenario"},
    "task": {"exercise"},
    "check": {"exercise", "answer"},
    "hint": {"exercise"},
    "pages": set(),
    "progress": set(),
}
_log = logging.getLogger("casnb.classroom")


def create_class_app(
    judge: Judge, board: Blueprint, prefix: str = "", hub: Hub | None = None
) -> Flask:
    """Return the WSGI app for students, with the board for their teacher; `prefix` is the path
    under which a proxy has it. With a Hub, whom it knows gets a ticket of theirs from here.
    """
    app = Flask("casnb.classroom", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = Blueprint("api", __name__, url_prefix=prefix.rstrip("/") + "/api/1")

    @api.post("/<what>")
    def asked(what: str) -> Response:
        if what not in _MEMBERS:
            raise Refusal(404, "There is nothing here by this name.")
        student = judge.student(_ticket()).id
        body = _body(_MEMBERS[what])
        with judge.turn(student):
            return jsonify(_answer(judge, student, what, body))

    if hub is not None:

        @api.post("/ticket")
        def ticket() -> Response:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            user = hub.user(token.strip()) if kind.lower() == "token" else None
            if user is None:
                raise Refusal(401, "The Hub does not say who you are.")
            body = _body({"assignment", "server"})
            return jsonify({"ticket": judge.ticket(user["name"], **body)})

        app.register_blueprint(hub.routes())
    app.register_blueprint(api)
    app.register_blueprint(board)
    answer_errors(app)
    return app


def _answer(judge: Judge, student: str, what: str, body: dict[str, Any]) -> Any:
    if what == "lab":
        own = {
            "course": judge.course.id,
            "assignment": judge.task.name,
            "student": student,
            "exercises": list(judge.task.exercises),
            "due": judge.task.due,
            "by_try": list(judge.task.by_try),
        }
        return own | judge.worlds.given(student, body["scenario"])
    if what == "task":
        return judge.posed(student, body["exercise"])
    if what == "check":
        return judge.check(student, body["exercise"], untagged(body["answer"])).to_json()
    if what == "hint":
        return judge.hint(student, body["exercise"])
    if what == "pages":
        return {"pages": judge.worlds.pages(student)}
    return judge.progress(student)


def _ticket() -> str:
    kind, _, ticket = request.headers.get("Authorization", "").partition(" ")
    return ticket.strip() if kind.lower() == "bearer" else ""


def _body(members: set[str]) -> dict[str, Any]:
    data = request.stream.read(BODY + 1)
    if len(data) > BODY:
        raise Refusal(413, f"The request has more than {BODY} bytes.")
    try:
        body = strictjson.loads(data, "request", limit=BODY)
        if not isinstance(body, dict) or set(body) != members:
            raise EvidenceError("request", got="other members", wanted=", ".join(members) or "{}")
        for name in members - {"answer"}:
            strictjson.member(body, name, str, "request")
    except EvidenceError as exc:
        raise Refusal(400, str(exc)) from None
    return body


def answer_errors(app: Flask) -> None:
    """Let every refusal and error be JSON with one sentence."""

    @app.errorhandler(Exception)
    def failed(exc: Exception) -> Any:
        wait = None
        if isinstance(exc, Refusal):
            status, sentence, wait = exc.status, exc.sentence, exc.wait
        elif isinstance(exc, (EvidenceError, UsageError)):
            status, sentence = 400, str(exc)
        elif isinstance(exc, SourceError):
            _log.error("%s", exc)
            status, sentence = 503, "The class server cannot do this now. Tell your teacher."
        elif isinstance(exc, HTTPException):
            status, sentence = exc.code or 500, exc.name
        else:
            _log.error("a defect of casnb", exc_info=exc)
            status, sentence = 500, "The class server has a defect here. Nothing was counted."
        body: dict[str, Any] = {"error": sentence}
        if wait is not None:
            body["wait"] = round(wait, 3)
        answer = jsonify(body)
        answer.status_code = status
        if wait is not None:
            answer.headers["Retry-After"] = str(max(1, round(wait)))
        return answer

    @app.after_request
    def careful(answer: Response) -> Response:
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        return answer
