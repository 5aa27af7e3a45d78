"""The public CAS page: rows of its tables, and the MRENCLAVE of one address or a refusal with
the reason.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from casnb.base.errors import EvidenceError, neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.cas.page_fetch import PAGE_LIMIT, WHAT, fetch, within
from casnb.evidence.decode import read_file

_TAG_LIMIT = 10_000
#: Words, slashes and quotes bound the attributes there can be (that page: 11,000), ampersands what
#: is written as `&name;` (13).
_WORD_LIMIT, _ENTITY_LIMIT = 50_000, 2_000
_TABLE_LIMIT, _ROW_LIMIT, _CELL_LIMIT = 50, 1000, 40
_MEASUREMENT = re.compile(r"[0-9a-f]{64}")
_BREAK = re.compile(rb"\s+|[/\"']")
_EXAMPLE = re.compile(r"scone cas attest\s+([^\s$<>]{1,253})\s+([0-9a-f]{64})\b")
_TRUST = (
    "These values are as good as the web page they stand on: TLS names the server, nobody attests"
    " what it says."
)


@dataclass(frozen=True)
class PageRow:
    """One row: address as printed, measurement or None, version, and a note that says why there
    is none.
    """

    address: str
    mrenclave: str | None
    version: str = ""
    note: str = ""


@dataclass(frozen=True)
class CasPage(Shown):
    """The rows of every table on the page that has an address and an MrEnclave column, in their
    order.

    `warnings` name what could mislead a reader or a simpler scraper. `source` is the URL or
    file, `sha256` that of the bytes.
    """

    rows: tuple[PageRow, ...]
    warnings: tuple[str, ...] = ()
    source: str = ""
    sha256: str = field(default="", repr=False)

    @property
    def values(self) -> dict[str, str]:
        """Address to MRENCLAVE, for each address whose rows all show the same well-formed value."""
        out = {}
        for address in dict.fromkeys(row.address for row in self.rows):
            shown = {row.mrenclave for row in self._of(address)}
            if len(shown) == 1 and (value := shown.pop()):
                out[address] = value
        return out

    def mrenclave(self, address: str) -> str:
        """Return the measurement of exactly this host (a port or `https://` is left aside), 64
        lower-case hex digits.

        Raises EvidenceError where the page has no row for it, no value in that row, or rows that
        disagree: never guesses.
        """
        found = self._of(address)
        if not found:
            from casnb.tls.exchange import parse_address

            host = parse_address(address)[1]
            found = self._of(host)
            address = host
        if not found:
            near = next(
                (
                    r.address
                    for r in self.rows
                    if "." not in r.address and address.startswith(r.address + ".")
                ),
                "",
            )
            rows = ", ".join(dict.fromkeys(r.address for r in self.rows))
            raise EvidenceError(
                f"{WHAT}: {address}",
                got="no row for it",
                wanted="one of " + rows,
                do=(
                    f"There is a row {near!r} without a domain: ask for that if it is meant."
                    if near
                    else ""
                ),
            )
        shown = {row.mrenclave for row in found}
        if len(shown) > 1:
            values = " and ".join(
                str(v or "none") for v in dict.fromkeys(r.mrenclave for r in found)
            )
            raise EvidenceError(
                f"{WHAT}: {address}",
                got=f"{len(found)} rows that disagree ({values})",
                wanted="one value",
                do="Ask another source which one is right.",
            )
        value = found[0].mrenclave
        if value is None:
            raise EvidenceError(
                f"{WHAT}: {address}",
                got=found[0].note,
                wanted="64 lower-case hex digits",
                do="This page gives no reference value for it.",
            )
        return value

    def _of(self, address: str) -> list[PageRow]:
        return [row for row in self.rows if row.address.lower() == address.lower()]

    def _table(self) -> list[tuple[str, str, str, str]]:
        return [(r.address, r.version, r.mrenclave or "none", r.note) for r in self.rows]

    def __repr__(self) -> str:
        return (
            f"<CasPage {neutral(self.source, 80)}: {len(self.rows)} rows, {len(self.warnings)}"
            " warnings>"
        )

    def __str__(self) -> str:
        notes = [f"warning: {neutral(w, 400)}" for w in self.warnings]
        return "\n".join(
            [text_table(("address", "version", "MRENCLAVE", "note"), self._table()), *notes, _TRUST]
        )

    def _html(self) -> str:
        notes = "".join(f"<p>warning: {cell(w, 400)}</p>" for w in self.warnings)
        header = ("address", "version", "MRENCLAVE", "note")
        return (
            html_table(header, self._table(), f"Public CAS page: {self.source}", code=(0, 2))
            + notes
            + f"<p>{cell(_TRUST)}</p>"
        )


def scrape(
    source: str | Path | bytes, *, cacert: str | Path | None = None, timeout: float = 10
) -> CasPage:
    """Read a public CAS page from an https:// URL, a file, or its bytes, and return the rows of
    its tables.

    `cacert` is a PEM file that vouches for the web server instead of the system's authorities.
    `timeout` (seconds) bounds the whole transfer. Raises SourceError where no page with status
    200 came, EvidenceError where it is larger than 2 MiB (it is not read on), or has no table
    with an address and an MrEnclave column. Not checked: whether the page tells the truth.

    >>> head = b"<tr><th>Address</th><th>MrEnclave</th></tr>"
    >>> row = b"<tr><td>cas</td><td>" + b"07" * 32 + b"</td></tr>"
    >>> scrape(b"<table>" + head + row + b"</table>").mrenclave("cas")[:8]
    '07070707'
    """
    if isinstance(source, bytes):
        return parse_page(source, "bytes")
    text = str(source)
    if isinstance(source, str) and "://" in text:
        body, final = within(timeout, text, lambda: fetch(text, cacert, timeout))
        return parse_page(body, final)
    return parse_page(read_file(source, PAGE_LIMIT), text)


def parse_page(html: bytes, source: str = "bytes") -> CasPage:
    """Return the rows of a page's bytes; EvidenceError where it is too large or has no table
    that qualifies.
    """
    if len(html) > PAGE_LIMIT or html.count(b"<") > _TAG_LIMIT:
        raise EvidenceError(
            f"{WHAT} {source}",
            got=f"{len(html)} bytes, {html.count(b'<')} tags",
            wanted=f"at most {PAGE_LIMIT} bytes and {_TAG_LIMIT} tags",
            do="Too large to be that page.",
        )
    words = sum(1 for _ in _BREAK.finditer(html))
    if words > _WORD_LIMIT or html.count(b"&") > _ENTITY_LIMIT:
        raise EvidenceError(
            f"{WHAT} {source}",
            got=f"{words} words, {html.count(b'&')} ampersands",
            wanted=f"at most {_WORD_LIMIT} and {_ENTITY_LIMIT}",
            do="Too much to be that page.",
        )
    if html.rfind(b"<") > html.rfind(b">"):
        raise EvidenceError(
            f"{WHAT} {source}",
            got="a page that ends inside a tag",
            wanted="a whole page",
            do="Load it again.",
        )
    try:
        soup = BeautifulSoup(html.decode("utf-8", "replace"), "html.parser")
    except Exception as exc:  # the parser is not written for hostile markup
        raise EvidenceError(
            f"{WHAT} {source}",
            got=f"markup that cannot be read ({type(exc).__name__})",
            wanted="HTML",
        ) from None
    tables = soup.find_all("table", limit=_TABLE_LIMIT + 1)
    if len(tables) > _TABLE_LIMIT:
        raise EvidenceError(
            f"{WHAT} {source}",
            got=f"more than {_TABLE_LIMIT} tables",
            wanted=f"at most {_TABLE_LIMIT}",
        )
    rows: list[PageRow] = []
    for table in tables:
        if table.find("table") is None:
            rows += _table_rows(table, source)
    if not rows:
        raise EvidenceError(
            f"{WHAT} {source}",
            got="no table with an address and an MrEnclave column",
            wanted="such a table",
            do="The page has changed, or it is another page.",
        )
    page = CasPage(tuple(rows), source=source, sha256=hashlib.sha256(html).hexdigest())
    return CasPage(page.rows, _warnings(page, soup.get_text()), source, page.sha256)


def _words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def _table_rows(table: Tag, source: str) -> list[PageRow]:
    lines = _lines(table, source)
    header = [_words(c).lower() for c in lines[0]] if lines else []
    columns = _columns(header, source)
    if columns is None:
        return []
    return [_row(cells, len(header), *columns) for cells in lines[1:]]


def _lines(table: Tag, source: str) -> list[list[Tag]]:
    """Return the cells of each row. A row or cell inside another is one that was not closed: where
    its text ends a browser and we would decide differently.
    """
    lines: list[list[Tag]] = []
    for row in table.find_all("tr", limit=_ROW_LIMIT + 1):
        found = row.find_all(("td", "th", "tr"), limit=_CELL_LIMIT + 1)
        many = len(found) > _CELL_LIMIT or len(lines) == _ROW_LIMIT
        if many or any(c.name == "tr" or c.find(("td", "th")) for c in found):
            raise EvidenceError(
                f"{WHAT} {source}",
                got="a table whose rows or cells are not closed, or too many of them",
                wanted=f"at most {_ROW_LIMIT} rows of at most {_CELL_LIMIT} cells",
            )
        if found:
            lines.append(found)
    return lines


def _columns(header: Sequence[str], source: str) -> tuple[int, int, int | None] | None:
    """Return which columns hold address, MrEnclave and (if one does) version; None for another
    table. They are found by their headings, never by their place: that has changed before.
    """
    addresses, values, versions = (
        [n for n, text in enumerate(header) if word in text.replace(" ", "")]
        for word in ("address", "mrenclave", "version")
    )
    if not addresses or not values:
        return None
    if len(addresses) > 1 or len(values) > 1:
        raise EvidenceError(
            f"{WHAT} {source}",
            got="a table with two address or two MrEnclave columns",
            wanted="one of each",
            do="Which one holds the current value cannot be told.",
        )
    return addresses[0], values[0], versions[0] if len(versions) == 1 else None


def _row(cells: list[Tag], width: int, at: int, value_at: int, version_at: int | None) -> PageRow:
    spans = any(c.get("colspan", "1") != "1" or c.get("rowspan", "1") != "1" for c in cells)
    address = neutral(_words(cells[at]), 260) if at < len(cells) else ""
    if len(cells) != width or spans:
        return PageRow(address, None, note=f"a row of {len(cells)} cells under {width} headings")
    version = neutral(_words(cells[version_at]), 60) if version_at is not None else ""
    text = cells[value_at].get_text().strip()
    if _MEASUREMENT.fullmatch(text):
        return PageRow(address, text, version)
    return PageRow(address, None, version, neutral(text, 80) or "an empty cell")


def _warnings(page: CasPage, text: str) -> tuple[str, ...]:
    """Return what on the page contradicts itself or cannot be used, the example line first."""
    return tuple([*_of_example(page, text), *_of_rows(page), *_of_addresses(page)][:20])


def _of_example(page: CasPage, text: str) -> Iterator[str]:
    values, first = page.values, page.rows[0]
    for host, value in dict.fromkeys(_EXAMPLE.findall(text)):
        shown = values.get(host)
        if shown != value:
            yield (
                f"The example line attests {neutral(host, 80)} with"
                f" {value[:12]}\N{HORIZONTAL ELLIPSIS}, the table has"
                f" {shown[:12] + chr(0x2026) if shown else 'no value'} for it."
            )
        elif first.mrenclave and value != first.mrenclave:
            yield (
                f"The example line is stale: it attests {neutral(host, 80)}, not {first.address},"
                f" whose value is {first.mrenclave[:12]}\N{HORIZONTAL ELLIPSIS}."
            )


def _of_rows(page: CasPage) -> Iterator[str]:
    domains = any("." in row.address for row in page.rows)
    for row in page.rows:
        if row.note:
            yield f"{row.address or 'a row'}: no usable MRENCLAVE ({row.note})."
        if domains and row.address and "." not in row.address:
            yield f"The row {row.address!r} has no domain; it is not taken for any full host name."


def _of_addresses(page: CasPage) -> Iterator[str]:
    for address in dict.fromkeys(row.address for row in page.rows):
        found = page._of(address)
        if len({row.mrenclave for row in found}) > 1:
            yield f"{address} has {len(found)} rows that disagree."
