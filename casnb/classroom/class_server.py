"""The class server: one process with the record, the judge, the worlds of all who are at work, and
the app that students and their teacher reach.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, SourceError, UsageError
from casnb.base.files import replace_file
from casnb.classroom.board_app import create_board
from casnb.classroom.class_app import create_class_app
from casnb.classroom.course import Assignment, Course
from casnb.classroom.hub import Hub
from casnb.classroom.judging import BETWEEN, Judge, Refusal
from casnb.classroom.record import Record, now
from casnb.classroom.sealed_worlds import (
    DROPPED,
    SealedWorlds,
    folder_of,
    forget_sessions,
)
from casnb.classroom.server_identity import identity, pinned
from casnb.simulator.server.listener import TlsServer, allow_many_connections
from casnb.simulator.server.tls_context import tls_context
from casnb.teach.class_line import Address, ask, server_address
from casnb.tls.exchange import is_loopback

#: Where a running server says how it is reached, for `casnb class reset`.
FILE = "server.json"
#: Seconds between two looks for worlds that nobody uses.
_LOOK = 5.0


@dataclass(frozen=True)
class Listen:
    """Where a class server listens, and how students reach that machine. `first_port` is the first
    port of the worlds, 0 where each has a loopback address of its own.
    """

    host: str
    port: int
    known_as: str = ""
    first_port: int = 0


def listen_at(course: Course, task: Assignment, text: str = "", *, proxied: bool = False) -> Listen:
    """Return where to listen: HOST:PORT, or what the assignment's tickets name.

    Behind a Hub's proxy (`proxied`) it is loopback alone: the proxy's way here is plain HTTP.
    Raises UsageError for an assignment that is not sealed, for a place that is none, and for one
    that other machines reach while no ticket names it: who asks there could not be known, and
    nothing would vouch for the server.
    """
    if not task.sealed:
        raise UsageError(
            f"class serve {task.name}",
            got="an assignment of the open tier",
            wanted="a sealed one",
            do=f"casnb class assignment {task.name} --tier sealed --chapters ... makes it one.",
        )
    named = server_address(task.server)
    public = not is_loopback(named.host)
    if not text:
        if public:
            raise UsageError(
                "--listen",
                got=f"none, and students reach this server as {task.server}",
                wanted=f"--listen 0.0.0.0:{named.port}, or another HOST:PORT",
            )
        return Listen(named.host, named.port)
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError("--listen", got=text, wanted="HOST:PORT, such as 0.0.0.0:8600")
    if proxied:
        if not is_loopback(host):
            raise UsageError("--listen", got=text, wanted="a loopback address behind a Hub's proxy")
        return Listen(host, int(port))
    if is_loopback(host):
        return Listen(host, int(port), "", int(port) + 1 if public else 0)
    if not public or not len(course.roster):
        why = "the roster is empty" if public else f"tickets name {task.server}"
        raise UsageError(
            "--listen",
            got=f"{text}, and no ticket for it: {why}",
            wanted="tickets that name this server over TLS",
            do=f"casnb class assignment {task.name} --tier sealed --server https://HOST:{port},"
            f" then casnb class release {task.name}: tickets then pin its certificate.",
        )
    return Listen(host, int(port), named.host, int(port) + 1)


class ClassServer:
    """A sealed assignment that is served; ends with `stop()` or at the end of a `with` block."""

    def __init__(
        self,
        course: Course,
        task: Assignment,
        at: Listen,
        *,
        hub: Hub | None = None,
        plain: bool = False,
        clock: Callable[[], float] = now,
        between: float = BETWEEN,
        dropped: float = DROPPED,
    ) -> None:
        allow_many_connections()
        self.course, self.task = course, task
        prefix = hub.prefix if hub else ""
        self.secret = secrets.token_urlsafe(24)
        self._stopped = threading.Event()
        context = None
        if task.server.startswith("https:") and not plain and hub is None:
            certificate, key = identity(course.folder)
            from cryptography.hazmat.primitives.serialization import Encoding

            pem = certificate.public_bytes(Encoding.PEM)
            context = tls_context(pem, key, ask_client=False)
        with ExitStack() as cleanup:
            record = Record(course, task)
            cleanup.callback(record.close)
            self.worlds = SealedWorlds(
                course,
                task,
                host=at.host,
                known_as=at.known_as,
                first_port=at.first_port,
                dropped=dropped,
            )
            cleanup.callback(self.worlds.close)
            self.judge = Judge(course, task, self.worlds, record, clock=clock, between=between)
            board = create_board(self.judge, self.secret, prefix, hub)
            app = create_class_app(self.judge, board, prefix, hub)
            server = TlsServer(at.host, at.port, app, context)
            server.start_serving()
            cleanup.callback(server.stop)
            scheme = "https" if context else "http"
            self.url = f"{scheme}://{at.known_as or at.host}:{server.port}{prefix.rstrip('/')}"
            cleanup.callback(self._stopped.set)
            self._cleanup = cleanup.pop_all()
        threading.Thread(target=self._tidy, name="casnb class", daemon=True).start()

    @property
    def board_url(self) -> str:
        """The teacher's address: whoever has it sees answers."""
        return f"{self.url}/board#{self.secret}"

    def _tidy(self) -> None:
        """Drop worlds that nobody uses."""
        while not self._stopped.wait(_LOOK):
            for student in self.worlds.idle():
                with suppress(Refusal, CasnbError), self.judge.turn(student):
                    self.worlds.drop(student)

    def stop(self) -> None:
        """Stop answering and let go of the record; a second call does nothing."""
        cleanup, self._cleanup = self._cleanup, ExitStack()
        cleanup.close()

    def __enter__(self) -> ClassServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def announce(server: ClassServer) -> Path:
    """Write down how the running server is reached, for this account alone. Raises SourceError."""
    folder = server.course.folder
    path = folder / FILE
    body = {
        "url": pinned(folder, server.url),
        "secret": server.secret,
        "assignment": server.task.name,
    }
    try:
        replace_file(path, json.dumps(body), mode=0o600)
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to write") from None
    return path


def reset_students(course: Course, ids: Iterable[str]) -> None:
    """Give students new worlds: by the class server where one runs, else on disk.

    Raises SourceError where a server answers and cannot, or a folder cannot be removed.
    """
    running = _running(course)
    others = [a for a in course.assignments.values() if a.sealed]
    for id in ids:
        for task in others:
            if running is not None and running[2] == task.name:
                ask(running[0], "/board/api/reset", f"Bearer {running[1]}", {"student": id})
            else:
                forget_sessions(folder_of(course, task, id))


def _running(course: Course) -> tuple[Address, str, str] | None:
    """Return where a class server of this course answers, its secret, and what it serves."""
    try:
        body = strictjson.loads((course.folder / FILE).read_bytes(), FILE, limit=4096)
        url, secret, name = (
            strictjson.member(body, n, str, FILE) for n in ("url", "secret", "assignment")
        )
        where = server_address(url)
    except (OSError, EvidenceError, UsageError):
        return None
    try:
        socket.create_connection((where.host, where.port), 2).close()
    except OSError:  # it ended without saying so
        return None
    return where, secret, name
