"""Many files judged at once: found in order, split over processes or a cluster, one row each,
and counted.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from casnb.base.errors import CasnbError, EvidenceError, SourceError, neutral
from casnb.checks.result import CheckStatus
from casnb.cli.base import ACCEPTED, REJECTED, UNCHECKED
from casnb.cli.many.judge import Terms, judge, to_json
from casnb.cli.many.tasks import Workers, in_order
from casnb.evidence.decode import FILE_LIMIT, Reading, read

#: What can become of a file; the last two are about files that could not be judged.
VERDICTS = ("trustworthy", "accepted-with-waivers", "rejected", "malformed", "not-checked")
#: What `casnb decode` says of a file that it could read.
DECODED = "decoded"
#: Files in one task, and the bytes that are sent along where the workers see no files of ours.
CHUNK, CHUNK_BYTES = 32, 4 << 20
#: Folders below the one named; no honest tree is that deep.
DEPTH = 64
#: Tasks under way for each worker: enough to keep it busy, few enough to keep memory flat.
AHEAD = 4


@dataclass(frozen=True)
class Item:
    """A file to judge: its name as shown, its content where that was read already, or why it
    cannot be read.
    """

    name: str
    data: bytes | None = None
    problem: CasnbError | None = None


@dataclass(frozen=True)
class Row:
    """What became of one file. `first` is the first check that failed, `line` the JSON object
    where one was asked for, `left_open` what an accepted one leaves open: what was not asked, and
    that it is simulated.
    """

    name: str
    verdict: str
    read_as: str = ""
    first: str = ""
    why: str = ""
    tcb_status: str = ""
    line: str = ""
    left_open: tuple[str, ...] = ()


Work = Callable[[Sequence[Item]], list[Row]]


def walk(paths: Iterable[str]) -> Iterator[Item]:
    """Yield files named, and those in folders named, sorted name by name; what is neither is an
    item with its problem.

    Links are followed, but no folder is entered twice, so a loop ends as one item. Devices,
    pipes and sockets are not opened.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        yield from _walk(path, Path(path).stat, seen, 0)


def _walk(
    path: str, look: Callable[[], os.stat_result], seen: set[tuple[int, int]], depth: int
) -> Iterator[Item]:
    try:
        found = look()
        if stat.S_ISREG(found.st_mode):
            yield Item(path)
            return
        if not stat.S_ISDIR(found.st_mode):
            raise SourceError(
                path,
                got="a device, pipe or socket",
                wanted="a regular file",
                do="It was not opened.",
            )
        if (found.st_dev, found.st_ino) in seen:
            raise SourceError(
                path,
                got="a folder that was entered before",
                wanted="another one",
                do="A link leads back to it; it was not entered again.",
            )
        if depth > DEPTH:
            raise SourceError(
                path,
                got=f"a folder {depth} levels down",
                wanted=f"at most {DEPTH}",
                do="It was not entered.",
            )
        seen.add((found.st_dev, found.st_ino))
        with os.scandir(path) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except CasnbError as exc:
        yield Item(path, problem=exc)
        return
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        yield Item(
            path, problem=SourceError(path, got=reason, wanted="a file or folder that can be read")
        )
        return
    folder = Path(path)
    for entry in inside:
        yield from _walk(str(folder / entry.name), entry.stat, seen, depth + 1)


def content(item: Item) -> bytes:
    """Return the bytes of a file; raise SourceError or EvidenceError as `read_file` does, and
    for anything not a regular file.
    """
    if item.problem is not None:
        raise item.problem
    if item.data is not None:
        return item.data
    flags = (
        os.O_RDONLY
        | getattr(os, "O_NONBLOCK", 0)
        | getattr(os, "O_BINARY", 0)
        | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        with os.fdopen(os.open(item.name, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise SourceError(
                    item.name, got="a device, pipe or socket", wanted="a regular file"
                )
            data = _whole(file, found.st_size) if found.st_size <= FILE_LIMIT else None
    except OSError as exc:
        raise SourceError(
            item.name, got=exc.strerror or str(exc), wanted="a file that can be read"
        ) from None
    if data is None or len(data) > FILE_LIMIT:
        raise EvidenceError(
            item.name,
            got=f"{found.st_size} bytes",
            wanted=f"at most {FILE_LIMIT}",
            do="Too large to be evidence; nothing was decoded.",
        )
    return data


def _whole(file: BinaryIO, size: int) -> bytes:
    """Return the rest of a file, of one that grows one byte more than `FILE_LIMIT` at most.

    Asked for the limit at once, Python sets that much memory aside for each file, however small.
    """
    data = file.read(size + 1)
    return data if len(data) <= size else data + file.read(FILE_LIMIT + 1 - len(data))


def describe_items(as_json: bool, items: Sequence[Item]) -> list[Row]:
    """Return one row for each item that says what it is; nothing is verified."""
    return [_guarded(item, as_json, _described) for item in items]


def judge_items(terms: Terms, as_json: bool, items: Sequence[Item]) -> list[Row]:
    """Return one row for each item; whatever is wrong with one, the others are judged."""
    return [_guarded(item, as_json, partial(_judged, terms)) for item in items]


def _guarded(item: Item, as_json: bool, action: Callable[[str, Reading, bool], Row]) -> Row:
    read_as = ""
    try:
        reading = read(content(item))
        read_as = str(reading)
        return action(item.name, reading, as_json)
    except EvidenceError as exc:
        verdict, why = "malformed", str(exc)
    except CasnbError as exc:
        verdict, why = "not-checked", str(exc)
    except Exception as exc:  # a defect of ours must not end the run, nor pass for a verdict
        verdict, why = (
            "not-checked",
            f"casnb has a defect here: {type(exc).__name__}: {neutral(exc)}",
        )
    return unjudged(item.name, verdict, why, as_json, read_as)


def _described(name: str, reading: Reading, as_json: bool) -> Row:
    own = {"file": _text(name)}
    return Row(
        name,
        DECODED,
        str(reading),
        line=_line(own | reading.to_json_dict() | own) if as_json else "",
    )


def _judged(terms: Terms, name: str, reading: Reading, as_json: bool) -> Row:
    result = judge(reading.value, terms, neutral(Path(name).name, 80))
    bad = next((c for c in result.checks if c.status is CheckStatus.FAILED), None) or next(
        (c for c in result.checks if c.status is CheckStatus.NOT_RUN and not c.optional), None
    )
    why = "" if bad is None else f"got {bad.got}, wanted {bad.wanted}" if bad.got else bad.reason
    read_as = str(reading)
    line = (
        _line({"file": _text(name), "read_as": read_as, **to_json(reading.value, result)})
        if as_json
        else ""
    )
    return Row(
        name,
        result.verdict.value,
        read_as,
        bad.id if bad and not result.accepted else "",
        neutral(why, 400) if not result.accepted else "",
        neutral(result.tcb_status, 60),
        line,
        (*(("simulated",) if result.simulated else ()), *(n.id for n in result.not_asked))
        if result.accepted
        else (),
    )


def unjudged(name: str, verdict: str, why: str, as_json: bool, read_as: str = "") -> Row:
    """Return the row of a file that could not be judged."""
    line = _line(
        {
            "file": _text(name),
            "read_as": read_as or None,
            "verdict": verdict,
            "error": neutral(why, 1200),
        }
    )
    return Row(name, verdict, read_as, why=neutral(why, 400), line=line if as_json else "")


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _text(name: str) -> str:
    """A file's name as text: bytes that are not UTF-8 are written out, so that any JSON reader
    takes the line.
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def run(items: Iterable[Item], work: Work, workers: Workers | None = None) -> Iterator[Row]:
    """Yield the rows in the order of the items; without workers everything happens in this
    process.

    At most `AHEAD` tasks a worker are under way, and no row is kept: memory does not grow with
    the number of files. A file that kills the process which reads it becomes a row of its own,
    and the others are judged. Closes the workers.
    """
    if workers is None:
        for chunk in _chunks(items, False):
            yield from work(chunk)
        return
    chunks = _chunks(items, workers.sends_content)
    yield from in_order(chunks, workers, AHEAD, lambda chunk: _again(chunk, workers))


def _again(chunk: Sequence[Item], workers: Workers) -> Iterable[Row]:
    """Do a task again whose worker died; if that one dies too, file by file."""
    try:
        rows: list[Row] = workers.submit(chunk).result()
    except workers.broken:
        if len(chunk) == 1:
            return [
                unjudged(
                    chunk[0].name,
                    "not-checked",
                    f"{chunk[0].name}: the process that read it died.",
                    True,
                )
            ]
        return (row for item in chunk for row in _again([item], workers))
    return rows


def _chunks(items: Iterable[Item], with_content: bool) -> Iterator[list[Item]]:
    """Yield lists of items; with their content where the worker cannot read our files."""
    if not with_content:
        source = iter(items)
        while chunk := list(islice(source, CHUNK)):
            yield chunk
        return
    chunk, size = [], 0
    for item in items:
        try:
            loaded = Item(item.name, content(item))
        except CasnbError as exc:
            loaded = Item(item.name, problem=exc)
        chunk.append(loaded)
        size += len(loaded.data or b"")
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@dataclass
class Summary:
    """What became of a whole run, in numbers."""

    verdicts: Counter[str] = field(default_factory=Counter)
    first: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    left_open: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Count one row."""
        self.verdicts[row.verdict] += 1
        if row.first:
            self.first[row.first] += 1
        if row.verdict in VERDICTS[:3]:
            self.statuses[row.tcb_status or "none was told"] += 1
        self.left_open.update(row.left_open)

    @property
    def files(self) -> int:
        return sum(self.verdicts.values())

    @property
    def exit_code(self) -> int:
        """0 where every file was accepted, 1 where any was rejected or malformed, else 3: some,
        or no file at all, was checked.
        """
        if self.verdicts["rejected"] or self.verdicts["malformed"]:
            return REJECTED
        return ACCEPTED if self.files and not self.verdicts["not-checked"] else UNCHECKED
