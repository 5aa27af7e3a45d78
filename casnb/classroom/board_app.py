"""What the class server answers to its teacher: the board, and the reset of a student's world.

The secret is the fragment of the address: a browser sends it to nobody, and keeps it for
this origin alone, so another server on the same machine never sees it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from typing import Any

from flask import Blueprint, Response, jsonify, request

from casnb.base.errors import EvidenceError
from casnb.base.strictjson import loads, member
from casnb.classroom.board import board, projector
from casnb.classroom.board_page import board_html, details, projector_html, shell
from casnb.classroom.hub import Hub
from casnb.classroom.judging import Judge, Refusal


def _sent(secret: str) -> bool:
    """Whether this request has the secret as its bearer token."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), secret.encode())


def create_board(judge: Judge, secret: str, prefix: str = "", hub: Hub | None = None) -> Blueprint:
    """Return the routes of the board: for who sends the secret, or whom a Hub calls a teacher."""
    pages = Blueprint("board", __name__, url_prefix=prefix.rstrip("/") + "/board")

    shown = BoardView(judge)

    @pages.before_request
    def only_the_teacher() -> None:
        if request.path.rstrip("/").endswith(("/board", "/projector")) and request.method == "GET":
            return  # the empty page; what fills it is asked for with the secret
        if not _sent(secret) and not (hub and hub.admits()):
            raise Refusal(401, "This is the teacher's: open the address that serve printed.")

    @pages.get("")
    @pages.get("/projector")
    def empty() -> Response:
        if hub is not None and not hub.knows():
            return hub.login()
        view = "projector" if request.path.endswith("projector") else "board"
        return Response(shell(view), mimetype="text/html")

    @pages.post("/api/view")
    def view() -> Response:
        wanted, known = _words("view", "tag")
        return jsonify(shown.projector(known) if wanted == "projector" else shown.board(known))

    @pages.post("/api/names")
    def names() -> Response:
        return jsonify({"names": {s.id: s.name for s in judge.students.values()}})

    @pages.post("/api/reset")
    def reset() -> Response:
        (student,) = _words("student")
        with judge.turn(student):
            judge.reset(student)
        return jsonify({"student": student})

    return pages


def _words(*names: str) -> list[str]:
    try:
        body = loads(request.stream.read(4096), "request", limit=4095)
        return [member(body, n, str, "request") for n in names]
    except EvidenceError as exc:
        raise Refusal(400, str(exc)) from None


class BoardView:
    """The board as it is now; drawn again only where something changed, whoever asks how often."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.since = judge, judge.clock()
        self._lock = threading.Lock()
        self._of: object = None
        self._drawn: dict[str, Any] = {}

    def _now(self) -> dict[str, Any]:
        judge = self.judge
        now = judge.clock()
        worlds = {s: judge.worlds.state(s) for s in judge.students}
        states = {s: (state, int(unused // 60)) for s, (state, unused) in worlds.items()}
        of = (judge.tally.version, int((now - self.since) // 20), tuple(states.items()))
        with self._lock:
            if of != self._of:
                with judge.reading():
                    ids = list(judge.students)
                    made = board(judge.task, ids, judge.tally, worlds, now, self.since)
                html, large = board_html(made), projector_html(projector(made))
                self._of, self._drawn = (
                    of,
                    {
                        "board": {"tag": _tag(html), "html": html, "details": details(made)},
                        "projector": {"tag": _tag(large), "html": large},
                    },
                )
            return self._drawn

    def board(self, known: str) -> dict[str, Any]:
        """Return the board and its tag, or the tag alone where it is known."""
        return self._new("board", known)

    def projector(self, known: str) -> dict[str, Any]:
        """Return what the class may see of itself."""
        return self._new("projector", known)

    def _new(self, which: str, known: str) -> dict[str, Any]:
        found: dict[str, Any] = self._now()[which]
        return {"tag": known} if found["tag"] == known else found


def _tag(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()[:16]
