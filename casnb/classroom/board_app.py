"""What the class server answers to its teacher: the board, and the reset of a student's world.

The secret is the fragment of the address: a browser sends it to nobody, and keeps it for
this origin alone, so another server on the same machine never sees it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from casnb.base.errors import EvidenceError
from casnb.base.strictjson import loads, member
from casnb.classroom.judging import Judge, Refusal

#: Returns whether this request is the teacher's: by the secret, or by what a Hub says.
Admits = Callable[[], bool]


def by_secret(secret: str) -> Admits:
    """Admit whoever sends this secret as a bearer token."""

    def admits() -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(
            given.strip().encode(), secret.encode()
        )

    return admits


def create_board(judge: Judge, admits: Admits, prefix: str = "") -> Blueprint:
    """Return the routes of the board."""
    board = Blueprint("board", __name__, url_prefix=prefix.rstrip("/") + "/board")

    @board.before_request
    def only_the_teacher() -> None:
        if request.path.rstrip("/").endswith(("/board", "/projector")) and request.method == "GET":
            return  # the empty page; what fills it is asked for with the secret
        if not admits():
            raise Refusal(401, "This is the teacher's: open the address that serve printed.")

    @board.post("/api/reset")
    def reset() -> Response:
        try:
            body = loads(request.stream.read(4096), "request", limit=4095)
            student = member(body, "student", str, "request")
        except EvidenceError as exc:
            raise Refusal(400, str(exc)) from None
        with judge.turn(student):
            judge.reset(student)
        return jsonify({"student": student})

    return board
