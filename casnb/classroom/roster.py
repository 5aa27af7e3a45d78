"""Who is in the class: a plain list, or what Moodle and Canvas export, read as it is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casnb.base.errors import SourceError, neutral

LIMIT = 4 << 20
STUDENTS = 20_000
#: What an id may be: it names files of ours.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
#: Names that one system or another keeps for devices.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in "123456789")}
)
#: Columns, lower case, with a name on GitHub: in a list of any kind, or in GitHub Classroom's own.
_ACCOUNTS = ("github_username", "github username", "github")
#: Columns, lower case, that may hold an id, by the kind of list; the first that is filled counts.
_IDS: Mapping[str, tuple[str, ...]] = {
    "plain": ("id", "student", "username"),
    "github": ("identifier",),
    "moodle": ("id number", "username", "email address"),
    "canvas": ("sis login id", "sis user id", "id"),
}


@dataclass(frozen=True)
class Student:
    """One person: the id under which marks are kept, and what the learning platform calls them.

    `number` is the platform's own: Moodle's participant, Canvas's ID; `account` the name on GitHub.
    `row` is the line as exported.
    """

    id: str
    name: str = ""
    email: str = ""
    number: str = ""
    account: str = ""
    row: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Roster:
    """The students in the order of the file; `kind` is 'plain', 'moodle', 'canvas' or 'github',
    `columns` the file's own.
    """

    kind: str
    columns: tuple[str, ...]
    students: tuple[Student, ...]

    def __iter__(self) -> Iterator[Student]:
        return iter(self.students)

    def __len__(self) -> int:
        return len(self.students)

    def find(self, id: str) -> Student | None:
        """Return the student with this id, however it is capitalised."""
        wanted = id.casefold()
        return next((s for s in self.students if s.id.casefold() == wanted), None)


def read_roster(path: Path) -> Roster:
    """Read a list of students: UTF-8 (with or without a mark), or UTF-16 with one; separated by
    commas, semicolons or tabs.

    Raises SourceError for a file that cannot be read, has no column for an id, an id that cannot
    name a file, or one id twice.
    """
    try:
        if path.stat().st_size > LIMIT:
            raise SourceError(
                f"roster {path.name}", got="too large a file", wanted=f"{LIMIT} bytes"
            )
        data = path.read_bytes()
    except OSError as exc:
        raise SourceError(
            f"roster {path.name}", got=exc.strerror, wanted="a file to read"
        ) from None
    return parse_roster(data, f"roster {path.name}")


def parse_roster(data: bytes, what: str = "roster") -> Roster:
    """Read the same from bytes."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(
            what, got="text in another encoding", wanted="UTF-8", do="Export it again as UTF-8."
        ) from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as exc:
        raise SourceError(what, got=f"no CSV ({exc})", wanted="one student a line") from None
    header = tuple(c.strip() for c in rows[0]) if rows else ()
    kind = kind_of(header)
    if not kind:
        raise SourceError(
            what,
            got="columns " + (", ".join(header) or "none"),
            wanted="id, name, email, or an export of Moodle, Canvas or GitHub Classroom",
        )
    students: list[Student] = []
    seen: dict[str, int] = {}
    for number, cells in enumerate(rows[1:], 2):
        if not any(c.strip() for c in cells):
            continue
        row = dict(zip(header, (c.strip() for c in cells), strict=False))
        if kind == "canvas" and not _low(row).get("id"):
            continue  # "Points Possible" and the like
        student = _student(kind, row, f"{what}, line {number}")
        if student.id.casefold() in seen:
            raise SourceError(
                f"{what}, line {number}",
                got=f"{student.id} again (line {seen[student.id.casefold()]})",
                wanted="each student once",
            )
        seen[student.id.casefold()] = number
        students.append(student)
        if len(students) > STUDENTS:
            raise SourceError(what, got=f"more than {STUDENTS} students", wanted="one class")
    return Roster(kind, header, tuple(students))


def kind_of(header: Sequence[str]) -> str:
    """Return what wrote a list with these columns, or an empty text."""
    names = {c.casefold() for c in header}
    if "email address" in names or {"identifier", "full name"} <= names:
        return "moodle"
    if {"student", "id"} <= names and names & {"sis login id", "sis user id", "section"}:
        return "canvas"
    if {"identifier", "github_username"} <= names:
        return "github"
    return "plain" if names & set(_IDS["plain"]) else ""


def _low(row: Mapping[str, str]) -> dict[str, str]:
    return {k.casefold(): v for k, v in row.items()}


def _student(kind: str, row: Mapping[str, str], where: str) -> Student:
    low = _low(row)
    id = next((low[c] for c in _IDS[kind] if low.get(c)), "")
    if not _ID.fullmatch(id) or id.partition(".")[0].casefold() in _DEVICES or id.endswith("."):
        raise SourceError(
            where,
            got=f"id {neutral(id, 60)!r}",
            wanted="letters, digits and . _ @ + -, at most 64",
            do="It names files.",
        )
    name = low.get("full name") or low.get("name") or ""
    if kind == "canvas":
        name = low.get("student", "")
    elif not name:
        name = f"{low.get('first name', '')} {low.get('last name', low.get('surname', ''))}".strip()
    email = low.get("email address") or low.get("email") or ""
    number = {"canvas": low.get("id", ""), "moodle": low.get("identifier", "").split(" ")[-1]}
    account = next((low[c] for c in _ACCOUNTS if low.get(c)), "")
    return Student(
        id, neutral(name, 120), neutral(email, 120), number.get(kind, ""), account, dict(row)
    )
