"""A piece of what a reader has in hand: bytes, with the name and the headers they came under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class DamagedError(EvidenceError):
    """The bytes are of a form without doubt, and damaged or refused: no other form is tried."""


#: What colours a terminal's text.
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")


@dataclass
class Piece:
    """Bytes to be read. `name` is what they were called where they stood (a member, a variable, a
    file), `said` the wrapping in words where the piece knows better than the row of the table,
    `headers` those of an HTTP answer (names in lower case), `chain` all certificates of a PEM
    text, `note` a further remark. What is in an `object_only` is found elsewhere.
    """

    data: bytes
    name: str = ""
    said: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    chain: bytes = b""
    note: str = ""
    object_only: bool = False

    @cached_property
    def text(self) -> str | None:
        """The bytes as text without the zero bytes that end it, or None where they are none.

        UTF-8, or UTF-16 with or without a byte order mark. Text in another encoding is taken
        for text where nearly all of it is ASCII.
        """
        for mark, encoding in _MARKS:
            if self.data.startswith(mark):
                try:
                    return self.data[len(mark) :].decode(encoding).rstrip("\0")
                except UnicodeDecodeError:
                    return None
        data = self.data.rstrip(b"\0")
        if len(self.data) - len(data) == 1 and data[1:2] == b"\0":
            data = self.data  # UTF-16 whose last character is ASCII
        if b"\0" in data:
            return _wide(data)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            strange = sum(byte > 0x7E for byte in data[:4096])
            if not data or strange * 10 > len(data[:4096]):
                return None
            text = data.decode("latin-1")
        if "\x1b" in text:
            text = _COLOURS.sub("", text)
        return None if _controls(text) else text

    @cached_property
    def json(self) -> Any:
        """The JSON value, or None where this is no JSON text or a malformed one."""
        return None if self.json_error or self.json_text is None else self._json[0]

    @cached_property
    def json_text(self) -> bytes | None:
        """The bytes of what begins as a JSON object, list or string does, else None."""
        text = self.text
        if text is None or text.lstrip()[:1] not in ("{", "[", '"'):
            return None
        return self.data if self.data[:1].isascii() and b"\0" not in self.data else text.encode()

    @cached_property
    def _json(self) -> tuple[Any, EvidenceError | None]:
        try:
            return strictjson.loads(self.json_text or b"", "evidence"), None
        except EvidenceError as exc:
            return None, exc

    @property
    def json_error(self) -> EvidenceError | None:
        """Why what begins as JSON cannot be read, or None."""
        return None if self.json_text is None else self._json[1]

    def members(self, *names: str) -> bool:
        """Whether this is a JSON object with all of these members."""
        return isinstance(self.json, dict) and all(name in self.json for name in names)


def _wide(data: bytes) -> str | None:
    """Return UTF-16 without a mark: text in which every second byte is zero."""
    head = data[:512]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[start::2], head[1 - start :: 2]
        if len(zeros) > 4 and not any(zeros) and all(others):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    return None


def _controls(text: str) -> bool:
    """Whether a text has control characters that no text has."""
    return any(c < " " and c not in "\t\n\r\f\v\b\x1b" for c in set(text[:65536]))
