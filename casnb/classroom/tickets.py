"""What follows from the course's key: each student's seed, and signed tickets."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

from itsdangerous import BadData, URLSafeSerializer

from casnb.base.errors import EvidenceError, UsageError
from casnb.classroom.course import Assignment, Course
from casnb.classroom.server_identity import pinned
from casnb.teach.course.ticket import LIMIT, SALT, Ticket, ticket_of


def seed_of(key: bytes, term: str, assignment: str, student: str, tier: str = "open") -> str:
    """Return a student's seed for an assignment: 26 characters of base32, the same when it is asked
    for again, another in another term or course.

    The sealed tier has seeds of its own: an assignment that was open before has told its others.
    """
    own = "" if tier == "open" else f"\0{tier}"
    text = f"casnb seed 1\0{term}\0{assignment}\0{student}{own}".encode()
    return base64.b32encode(hmac.digest(key, text, "sha256")).decode()[:26].lower()


def _signer(key: bytes) -> URLSafeSerializer:
    own = hmac.digest(key, b"casnb tickets 1", "sha256")
    return URLSafeSerializer(
        own, salt=SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )


def issue(course: Course, task: Assignment, student: str, server: str = "") -> Ticket:
    """Return a student's ticket: with the seed in the open tier, in the sealed one with the class
    server's address in its place (`server` names another), and its certificate's digest where it
    has one of its own.
    """
    key = course.key
    seed = "" if task.sealed else seed_of(key, course.term, task.name, student)
    if task.sealed and not server:
        server = pinned(course.folder, task.server)
    ticket = Ticket(course.id, task.name, student, task.exercises, seed, server)
    text = _signer(key).dumps(ticket.to_json())
    if isinstance(text, bytes):
        text = text.decode()
    return replace(ticket, text=text)


def verified(key: bytes, text: str) -> Ticket:
    """Return a ticket that this course signed; raise EvidenceError for any other text."""
    wrong = EvidenceError("ticket", got="one that this course did not sign", wanted="its own")
    if not isinstance(text, str) or len(text) > LIMIT:
        raise wrong
    try:
        return ticket_of(_signer(key).loads(text.strip()), text.strip())
    except (BadData, UsageError, ValueError):
        raise wrong from None
