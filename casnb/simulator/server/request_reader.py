"""What one client sends and is sent: read within bounds of size and memory, written in time."""

from __future__ import annotations

import re
import threading

from casnb.simulator.server.http_rules import head_problem, origin_form
from casnb.simulator.server.tls_context import Later, TlsSocket

#: Bytes of request line and headers, and of a body.
HEADER_LIMIT = 16 * 1024


BODY_LIMIT = 1 << 20


#: Bytes of requests that have not wholly arrived, all connections of one server together.
WAITING_BYTES = 32 << 20


#: What one record of TLS holds.
_RECORD = 16 * 1024


_HEAD_END = re.compile(rb"\r?\n\r?\n")


_BODY_FIELD = re.compile(
    rb"\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)


class Dropped(Exception):
    """What had arrived of this request was given up: others needed the room."""


class Waiting:
    """What all connections hold of requests that have not wholly arrived.

    Where that is too much, whoever holds most loses it, so that somebody who sends halves of large
    bodies pushes out himself, and not those whose small request is on its way.
    """

    def __init__(self, most: int = WAITING_BYTES) -> None:
        self.most, self.held, self.dropped = most, 0, 0
        self._sizes: dict[Reader, int] = {}
        self._lock = threading.Lock()

    def leave(self, reader: Reader) -> None:
        """Somebody works on this connection again, or it is closed."""
        with self._lock:
            self.held -= self._sizes.pop(reader, 0)

    def enter(self, reader: Reader, size: int) -> None:
        """Nobody works on this connection any more until more arrives."""
        with self._lock:
            self._sizes[reader] = size
            self.held += size
            while self.held > self.most:
                most = max(self._sizes, key=self._sizes.__getitem__)
                self.held -= self._sizes.pop(most)
                most.drop()
                self.dropped += 1


class Reader:
    """What a client sent: as much as has arrived is taken in at once, so that a worker starts on
    whole requests only.
    """

    #: What cheroot asks of a reader before it cuts off a connection that a worker is still busy
    #: with.
    closed = False

    def __init__(self, sock: TlsSocket, waiting: Waiting) -> None:
        self._sock, self._held = sock, bytearray()
        self._looked = self.bytes_read = 0
        self._waiting, self._dropped = waiting, False

    def drop(self) -> None:
        """Forget what has arrived, for good."""
        self._held, self._dropped = bytearray(), True

    def arrived(self) -> bool | None:
        """Take in what is there. True: a request can be answered without waiting. None: it must
        be read to know where it ends. Raises Dropped where its beginning was given up.
        """
        self._waiting.leave(self)
        if self._dropped:
            raise Dropped
        whole = self._take_in()
        if whole is False:
            self._waiting.enter(self, len(self._held))
        return whole

    def _take_in(self) -> bool | None:
        try:
            while len(self._held) < HEADER_LIMIT + BODY_LIMIT:
                part = self._sock.recv(65536, patient=False)
                self._held += part
                if not part:
                    return True
        except Later:
            pass
        head = _HEAD_END.search(self._held, 0, HEADER_LIMIT)
        fields = (
            {name.lower(): value for name, value in _BODY_FIELD.findall(self._held, 0, head.end())}
            if head
            else {}
        )
        length = fields.get(b"content-length", b"0").strip()
        if head is None:
            whole: bool | None = len(self._held) >= HEADER_LIMIT
        elif len(fields.keys() - {b"content-length"}) or not length.isdigit():
            whole = None
        else:
            size = int(length.lstrip(b"0")[:20] or b"0")
            whole = size > BODY_LIMIT or len(self._held) - head.end() >= size
        self._looked = len(self._held) if whole is False else 0
        return whole

    def problem(self) -> str:
        """Say what is wrong with the head of the request that has arrived, if anything."""
        head = _HEAD_END.search(self._held, 0, HEADER_LIMIT)
        if head is None:
            return ""
        fields = origin_form(bytes(self._held[: head.start()]))
        self._held[: head.start()] = fields
        return head_problem(fields)

    def has_data(self) -> bool:
        """Whether something is here that `arrived` has not seen."""
        return len(self._held) > self._looked or self._sock.pending() > 0

    def _more(self) -> bool:
        part = self._sock.recv(65536)
        self._held += part
        return bool(part)

    def _take(self, size: int) -> bytes:
        out = bytes(self._held[:size])
        del self._held[:size]
        self._looked, self.bytes_read = 0, self.bytes_read + len(out)
        return out

    def read(self, size: int) -> bytes:
        while len(self._held) < size and self._more():
            pass
        return self._take(size)

    def readline(self, size: int = HEADER_LIMIT) -> bytes:
        while (
            (end := self._held.find(b"\n", 0, size)) < 0 and len(self._held) < size and self._more()
        ):
            pass
        return self._take(size if end < 0 else end + 1)

    def close(self) -> None:
        """Give the room back; the socket is closed by whoever holds it."""
        self._waiting.leave(self)


class Writer:
    """What a client is sent: at once, so that nothing is left for the end of a connection;
    cheroot's own writes it there again.
    """

    def __init__(self, sock: TlsSocket) -> None:
        self._sock, self.bytes_written = sock, 0

    def write(self, data: bytes) -> int:
        sent = 0
        while sent < len(data):
            sent += self._sock.send(data[sent : sent + _RECORD])
        self.bytes_written += sent
        return sent
