"""Two readings of the same bytes, or of equally many: EPID beside DCAP, a quote beside a local
report.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from casnb.base.errors import UsageError
from casnb.base.view import Shown, html_table, short, text_table
from casnb.teach.explorer.bytemap import ByteMap, byte_map


class SideBySide(Shown):
    """Two maps, cut wherever either of them begins a field, up to the offset `until`.

    >>> SideBySide(bytes(384), bytes(384), until=16).rows()[0][:3]
    ('0', '16', 'cpu_svn')
    """

    def __init__(
        self,
        left: object,
        right: object,
        names: tuple[str, str] = ("", ""),
        until: int | None = None,
    ) -> None:
        self.left, self.right = (
            e if isinstance(e, ByteMap) else byte_map(e) for e in (left, right)
        )
        self.names = (names[0] or self.left.name, names[1] or self.right.name)
        least = min(len(self.left.data), len(self.right.data))
        self.until = least if until is None else until
        if not 0 < self.until <= least:
            raise UsageError("until", got=self.until, wanted=f"1 to {least}")

    def rows(self) -> list[tuple[str, ...]]:
        """Return offset, size, and of each side the field and its bytes; then whether the bytes
        are the same.
        """
        cuts = sorted(
            {s.offset for m in (self.left, self.right) for s in m.spots if s.offset < self.until}
            | {self.until}
        )
        out: list[tuple[str, ...]] = []
        for a, b in pairwise(cuts):
            sides = [(m.at(a).id, short(m.data[a:b].hex(), 8)) for m in (self.left, self.right)]
            same = self.left.data[a:b] == self.right.data[a:b]
            out.append(
                (str(a), str(b - a), *sides[0], *sides[1], "same bytes" if same else "other bytes")
            )
        return out

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The fields that stand at the same place under the same name on both sides."""
        theirs = {(s.id, s.offset, s.size) for s in self.right.spots}
        return tuple(
            s.id
            for s in self.left.spots
            if s.end <= self.until and (s.id, s.offset, s.size) in theirs
        )

    def _header(self) -> Sequence[str]:
        return (
            "offset",
            "size",
            f"read as {self.names[0]}",
            "bytes",
            f"read as {self.names[1]}",
            "bytes there",
            "compared",
        )

    def __str__(self) -> str:
        return text_table(self._header(), self.rows())

    __repr__ = __str__

    def _html(self) -> str:
        return html_table(
            self._header(), self.rows(), f"{self.names[0]} beside {self.names[1]}", code=(3, 5)
        )
