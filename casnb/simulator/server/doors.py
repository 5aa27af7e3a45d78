"""Many listening addresses with one selector and one set of workers: thirty worlds, ten threads.

A server of cheroot has one address. Here each further one is a `Door`, which the selector watches
as it watches connections; what comes in through it is answered by that door's app under that
door's certificate. A door is closed by the selector's own thread, since only that may take
anything out.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from OpenSSL import SSL

from casnb.base.errors import SourceError
from casnb.simulator.server.listener import Connections, SocketAdapter, TlsServer, speaks
from casnb.simulator.server.request_reader import Waiting

_BACKLOG = 128
#: What tells a request through which door it came; a client cannot set it: its fields are HTTP_*.
_DOOR = "casnb.door"


class Door:
    """One listening address of a shared server: `close` ends it, and what came in through it."""

    #: The idlest connection is never a door.
    last_used = float("inf")

    def __init__(
        self, server: SharedServer, host: str, port: int, app: Any, context: SSL.Context | None
    ) -> None:
        self.server, self.app = server, app
        self.adapter = _DoorAdapter(self, context, server.waiting)
        self.closing = False
        self.closed = threading.Event()
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
            self.socket.listen(_BACKLOG)
            self.socket.setblocking(False)
        except (OSError, OverflowError) as exc:
            with suppress(OSError, AttributeError):
                self.socket.close()
            raise SourceError(
                f"address {host} port {port}",
                got=(getattr(exc, "strerror", None) or str(exc)).lower(),
                wanted="a free one",
                do="Give another address or port, or stop what listens there.",
            ) from exc
        self.bind_addr = self.socket.getsockname()[:2]

    @property
    def port(self) -> int:
        """The port that it listens on, also where any was asked for."""
        return int(self.bind_addr[1])

    def stop(self) -> None:
        """Stop listening here and close what came in; a second call does nothing."""
        if not self.closing:
            self.closing = True
            self.server.wake()
            self.closed.wait(2)

    def close(self) -> None:
        """Close the socket. Only the selector's thread, or the end of the server, calls this."""
        with suppress(OSError):
            self.socket.close()
        self.closed.set()


class _DoorAdapter(SocketAdapter):
    def __init__(self, door: Door, context: SSL.Context | None, waiting: Waiting) -> None:
        super().__init__(context, waiting)
        self.door = door

    def wrap(self, sock: socket.socket) -> Any:
        wrapped, environ = super().wrap(sock)
        environ[_DOOR] = self.door  # type: ignore[assignment]
        return wrapped, environ


class _Doors(Connections):
    """Its server's own address takes nobody in: a touch there wakes the selector, which then closes
    the doors that want to be.
    """

    server: SharedServer
    _selector: Any

    def _from_server_socket(self, server_socket: socket.socket) -> Any:
        if server_socket is not self.server.socket:
            return super()._from_server_socket(server_socket)
        with suppress(OSError):
            server_socket.accept()[0].close()
        for fd, door in list(self._selector.connections):
            if isinstance(door, Door) and door.closing and not speaks(fd):
                self._shut(fd, door)
        return None

    def _shut(self, fd: int, door: Door) -> None:
        self._selector.unregister(fd)
        self.server.doors.discard(door)
        door.close()
        for fd, conn in list(self._selector.connections):
            # One that has something to say may be among those just reported: it is told soon.
            if getattr(conn, "door", None) is door and not speaks(fd):
                self._selector.unregister(fd)
                conn.close()

    def watch(self, door: Door) -> None:
        """Look for somebody at a door."""
        self._selector.register(door.socket.fileno(), selectors.EVENT_READ, data=door)

    def admit(self, door: Door) -> Any:
        """Take in who waits at a door."""
        self.server.ssl_adapter = door.adapter
        came = self._from_server_socket(door.socket)
        if came is not None:
            came.door = door
        return came

    @property
    def _num_connections(self) -> int:
        return len(self._selector) - 1 - len(self.server.doors)


class SharedServer(TlsServer):
    """A server of many doors; open one, and it answers at once. `stop` ends all of them."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, _through_its_door, None)
        self.waiting = Waiting()
        self.doors: set[Door] = set()

    def prepare(self) -> None:
        """Listen; each door is added later."""
        super().prepare()
        self._connections.close()
        self._connections = _Doors(self)

    def open_door(self, host: str, port: int, app: Any, context: SSL.Context | None) -> Door:
        """Listen at one more address; raise SourceError if it cannot be had."""
        door = Door(self, host, port, app, context)
        self.doors.add(door)
        self._connections.watch(door)
        return door

    def process_conn(self, conn: Any) -> None:
        """Take in whoever is at a door; give the rest to a worker."""
        if not isinstance(conn, Door):
            super().process_conn(conn)
        elif conn.closing or not self.ready:
            self.doors.discard(conn)
            conn.close()
        else:
            try:
                came = self._connections.admit(conn)
            finally:
                self._connections.watch(conn)
            if came is not None:
                super().process_conn(came)

    def wake(self) -> None:
        """Let the selector look around."""
        with suppress(OSError):
            socket.create_connection(self.bind_addr, 1).close()

    def stop(self) -> None:
        """Stop listening at all doors, close every connection."""
        super().stop()
        for door in list(self.doors):
            door.close()


def _through_its_door(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    door = environ[_DOOR]
    if door.closing:
        start("503 Service Unavailable", [("Content-Length", "0"), ("Connection", "close")])
        return []
    environ["SERVER_PORT"] = str(door.port)
    answer: Iterable[bytes] = door.app(environ, start)
    return answer
