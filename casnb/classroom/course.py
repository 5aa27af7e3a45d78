"""A course: a folder with its title and assignments, a roster, and a key that never leaves it."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from casnb.base.errors import SourceError, UsageError
from casnb.base.files import replace_file
from casnb.classroom.roster import Roster, read_roster
from casnb.simulator.world import World
from casnb.teach.class_line import server_address
from casnb.teach.course import exercises
from casnb.teach.course.ticket import is_assignment
from casnb.teach.facts import PRACTICE, Facts
from casnb.teach.sealed_lab import SealedLab

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE, ROSTER, KEY = "course.toml", "roster.csv", "course.key"
KEY_BYTES = 32
#: Worlds and judge on the students' machines, or both on a server of the class.
TIERS = ("open", "sealed")
#: Where the class server of a sealed assignment is, unless the course says another place.
SERVER = "http://127.0.0.1:8600"


@dataclass(frozen=True)
class Assignment:
    """What is handed out together: exercises in their order, points each, when it is due, and on
    whose machine the worlds are (`tier`).

    `by_try` is what a right answer is worth at the first, second ... try, as a share; beyond the
    list the last counts. Only in the sealed tier are tries known, and a `server`: the URL by which
    students reach it.
    """

    name: str
    exercises: tuple[str, ...]
    points: Mapping[str, float] = field(default_factory=dict)
    due: str = ""
    tier: str = "open"
    by_try: tuple[float, ...] = (1.0, 1.0, 0.9, 0.7, 0.5)
    server: str = ""

    @property
    def sealed(self) -> bool:
        return self.tier == "sealed"

    def worth(self, id: str) -> float:
        """Return the points of an exercise: one where nothing else was said."""
        return self.points.get(id, 1.0)

    @property
    def of(self) -> float:
        """All points there are."""
        return sum(map(self.worth, self.exercises))

    @property
    def chapters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(id.partition(".")[0] for id in self.exercises))


@dataclass(frozen=True)
class Course:
    """A course's folder and what stands in it."""

    folder: Path
    title: str
    term: str
    assignments: Mapping[str, Assignment]

    @property
    def id(self) -> str:
        """What tickets call it."""
        return f"{self.title}, {self.term}"

    @property
    def key(self) -> bytes:
        """The secret that worlds and tickets follow from, 32 bytes. Raises SourceError where it is
        missing, damaged, or readable for others.
        """
        path = self.folder / KEY
        try:
            if os.name == "posix" and path.stat().st_mode & 0o077:
                raise SourceError(
                    str(path),
                    got="a key that others can read",
                    wanted="mode 0600",
                    do=f"chmod 600 {KEY}; if somebody read it, start the course again.",
                )
            text = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise SourceError(
                str(path), got=getattr(exc, "strerror", "no text"), wanted="the course's key"
            ) from None
        if not re.fullmatch(f"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
            raise SourceError(str(path), got="no key", wanted=f"{2 * KEY_BYTES} hex digits")
        return bytes.fromhex(text)

    @property
    def roster(self) -> Roster:
        """Everybody in the class. Raises SourceError."""
        return read_roster(self.folder / ROSTER)

    def assignment(self, name: str) -> Assignment:
        """Return the assignment with this name; raise UsageError that lists those there are."""
        if name not in self.assignments:
            there = ", ".join(self.assignments) or "none yet"
            raise UsageError(
                "assignment",
                got=name,
                wanted=f"one of this course: {there}",
                do="casnb class assignment NAME --chapters 01,03 makes one.",
            )
        return self.assignments[name]

    def record(self, name: str) -> Path:
        """Return where the class server keeps what was answered in a sealed assignment."""
        return self.folder / "record" / f"{name}.jsonl"

    def results(self, name: str) -> Path:
        """Return where the last grading of an assignment is kept."""
        return self.folder / "results" / f"{name}.json"

    def save(self) -> None:
        """Write course.toml as a whole."""
        _write(self.folder / FILE, to_toml(self))


def found(folder: Path) -> Course:
    """Read the course in a folder. Raises UsageError where there is none, SourceError where its
    file cannot be read or says something else.
    """
    path = folder / FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(
            "course",
            got=f"no {FILE} in {folder}",
            wanted="the folder of a course",
            do="Name it with --course DIR, or make one: casnb class init DIR --title T --term T",
        ) from None
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to read") from None
    try:
        body = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SourceError(str(path), got=f"no TOML ({exc})", wanted="as casnb wrote it") from None
    title, term = (body.get(n) for n in ("title", "term"))
    rows = body.get("assignments", {})
    if not isinstance(title, str) or not isinstance(term, str) or not isinstance(rows, dict):
        raise SourceError(str(path), got="no title or term", wanted="title, term, [assignments]")
    return Course(
        folder, title, term, {n: _assignment(n, row, str(path)) for n, row in rows.items()}
    )


def _assignment(name: str, row: Any, where: str) -> Assignment:
    where = f"{where}: assignment {name}"
    if not is_assignment(name) or not isinstance(row, dict):
        raise SourceError(where, got="another name or form", wanted="[assignments.hw1]")
    unknown = set(row) - {"exercises", "points", "due", "tier", "points_by_try", "server"}
    if unknown:
        raise SourceError(where, got=", ".join(sorted(unknown)), wanted="members that there are")
    try:
        return assignment(
            name,
            row.get("exercises", []),
            row.get("points", {}),
            str(row.get("due", "")),
            row.get("tier", "open"),
            row.get("points_by_try"),
            row.get("server", ""),
        )
    except UsageError as exc:
        raise SourceError(where, got=str(exc), wanted="an assignment", do="Mend it.") from None


def assignment(
    name: str,
    ids: Sequence[str],
    points: Mapping[str, Any] | None = None,
    due: str = "",
    tier: str = "open",
    by_try: Sequence[Any] | None = None,
    server: str = "",
) -> Assignment:
    """Return an assignment; raise UsageError for a name, exercise, number, date, tier or server
    that cannot be.
    """
    if not is_assignment(name):
        raise UsageError(
            "assignment",
            got=name,
            wanted="a lower-case letter, then letters, digits, - and _, such as hw1",
        )
    if not isinstance(ids, (list, tuple)) or not ids or len(set(map(str, ids))) != len(ids):
        raise UsageError(f"{name}: exercises", got=ids, wanted="a list of ids, each once")
    for id in ids:
        exercises.exercise(id)
    worth = _worth(name, ids, points or {})
    if due:
        _require_date(name, due)
    if tier not in TIERS:
        raise UsageError(f"{name}: tier", got=tier, wanted=" or ".join(TIERS))
    if tier == "open" and server:
        raise UsageError(f"{name}: server", got=server, wanted="none in the open tier")
    if tier == "sealed":
        server = server or SERVER
        server_address(server)
        _require_sealable(name, ids)
    made = Assignment(name, tuple(ids), worth, due, tier, server=server)
    return made if by_try is None else replace(made, by_try=_shares(name, by_try))


def _worth(name: str, ids: Sequence[str], points: Mapping[str, Any]) -> dict[str, float]:
    for id, value in points.items():
        if id not in ids or not _number(value) or not 0 <= value <= 1000:
            raise UsageError(f"{name}: points", got=f"{id}={value}", wanted="ID=N, 0 to 1000")
    return {id: float(value) for id, value in points.items()}


def _require_date(name: str, due: str) -> None:
    try:
        date.fromisoformat(due[:10])
    except ValueError:
        raise UsageError(f"{name}: due", got=due, wanted="a date, such as 2026-12-24") from None


def _require_sealable(name: str, ids: Sequence[str]) -> None:
    for id in ids:
        if needed := needs_its_world(id):
            raise UsageError(
                f"{name}: tier",
                got=f"sealed, with {id}, which needs lab.{needed}",
                wanted="exercises that need no world on the student's machine",
                do=f"Leave it out: --without {id}",
            )


def _shares(name: str, by_try: Sequence[Any]) -> tuple[float, ...]:
    if not by_try or not all(_number(v) and 0 <= v <= 1 for v in by_try):
        raise UsageError(f"{name}: points_by_try", got=by_try, wanted="shares from 0 to 1")
    return tuple(map(float, by_try))


@cache
def needs_its_world(id: str) -> str:
    """Return the member of a lab that an exercise names and a sealed lab has not; empty where there
    is none.
    """
    task = exercises.exercise(id)
    posed = task.posed(Facts(World(PRACTICE, task.scenarios[0])))
    named = re.findall(r"\blab\.([a-z_]+)", f"{posed.question} {posed.given}")
    return next((n for n in named if not hasattr(SealedLab, n)), "")


def end_of(due: str) -> datetime | None:
    """Return when an assignment is over: the time that is named, else the end of that day, on this
    machine's clock; None where it never is.
    """
    if not due:
        return None
    day = datetime.combine(date.fromisoformat(due[:10]), time.max)
    try:
        when = datetime.fromisoformat(due) if len(due) > 10 else day
    except ValueError:
        when = day
    return when.astimezone()


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def create(folder: Path, title: str, term: str, roster: Path | None = None) -> Course:
    """Make a course's folder: its file, a key, and a roster, empty unless one is given.

    Raises UsageError where there is a course already, SourceError for a roster that cannot be read
    and a folder that cannot be written.
    """
    for what, text in (("title", title), ("term", term)):
        if not text.strip() or not text.isprintable() or len(text) > 120:
            raise UsageError(what, got=text, wanted="1 to 120 printable characters")
    if (folder / FILE).exists() or (folder / KEY).exists():
        raise UsageError(
            "course",
            got=f"one that is there already ({folder})",
            wanted="another folder",
            do="A new key would give every student another world.",
        )
    people = b"id,name,email\n"
    if roster is not None:
        read_roster(roster)
        people = roster.read_bytes()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SourceError(str(folder), got=exc.strerror, wanted="a folder to write in") from None
    course = Course(folder, title, term, {})
    _write(folder / KEY, secrets.token_hex(KEY_BYTES) + "\n", 0o600)
    _write(folder / ROSTER, people, 0o600)
    course.save()
    return course


def _write(path: Path, content: str | bytes, mode: int | None = None) -> None:
    try:
        replace_file(path, content, mode=mode)
    except OSError as exc:
        raise SourceError(str(path), got=exc.strerror, wanted="a file to write") from None


def to_toml(course: Course) -> str:
    """Return course.toml."""
    out = [f"title = {_text(course.title)}", f"term = {_text(course.term)}"]
    for a in course.assignments.values():
        out += ["", f"[assignments.{a.name}]", "exercises = ["]
        out += [f"  {_text(id)}," for id in a.exercises]
        out += ["]", f"due = {_text(a.due)}", f"tier = {_text(a.tier)}"]
        out += [f"server = {_text(a.server)}"] if a.server else []
        out += [f"points_by_try = {json.dumps(list(a.by_try))}"]
        if a.points:
            out += [f"[assignments.{a.name}.points]"]
            out += [f"{_text(id)} = {value:g}" for id, value in a.points.items()]
    return "\n".join(out) + "\n"


def _text(value: str) -> str:
    """A basic string of TOML; JSON's escapes are among its own."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
