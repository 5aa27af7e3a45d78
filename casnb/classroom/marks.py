"""Marks as CSV: plain, or as Moodle and Canvas import them. No cell is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from casnb.base.errors import UsageError, neutral
from casnb.classroom.course import Assignment
from casnb.classroom.grade import Mark
from casnb.classroom.roster import Roster
from casnb.teach.course.feedback import NOT_YET

#: What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA = tuple("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")


def harmless(text: object, limit: int = 2000) -> str:
    """Return a cell's text so that no spreadsheet computes it: with an apostrophe before what
    begins like a formula.
    """
    shown = neutral(text, limit)
    raw = str(text)
    if shown.lstrip(" '\"\N{NO-BREAK SPACE}").startswith(_FORMULA) or raw.startswith(_FORMULA):
        return "'" + shown
    return shown


def number(value: float) -> str:
    """Return points as short as they can be: `1`, `0.9`."""
    return f"{round(value, 3):g}"


def _points(mark: Mark) -> str:
    return number(mark.points) if mark.judged else ""


def plain_csv(marks: Iterable[Mark], assignment: Assignment, roster: Roster) -> str:
    """Return `student,points,of,exercises...,notes`, one row for each student and for each hand-in
    of nobody. No points where nothing could be judged.
    """
    rows: list[Sequence[str]] = [("student", "points", "of", *assignment.exercises, "notes")]
    for mark in marks:
        cells = [
            "" if r is None or r.status == NOT_YET else number(r.points)
            for r in map(mark.rows.get, assignment.exercises)
        ]
        rows.append(
            (
                harmless(mark.student),
                _points(mark),
                number(mark.of),
                *cells,
                harmless("; ".join(mark.notes)),
            )
        )
    return _text(rows)


def moodle_csv(marks: Iterable[Mark], assignment: Assignment, roster: Roster) -> str:
    """Return the roster's own lines with `Grade` and `Feedback comments` filled in, as the grading
    worksheet of an assignment is read.
    """
    if roster.kind != "moodle":
        raise _wrong("moodle", roster, "a grading worksheet or a list of participants")
    columns = [*roster.columns]
    columns += [c for c in ("Grade", "Feedback comments") if c not in columns]
    found = {m.student: (_points(m), "; ".join(m.notes)) for m in marks}
    rows: list[Sequence[str]] = [columns]
    for student in roster:
        row = {c: student.row.get(c, "") for c in columns}
        if student.id in found:
            points, row["Feedback comments"] = found[student.id]
            row["Grade"] = points or row["Grade"]
        rows.append([harmless(row[c]) for c in columns])
    return _text(rows)


def canvas_csv(marks: Iterable[Mark], assignment: Assignment, roster: Roster) -> str:
    """Return what Canvas's gradebook imports: its own columns of students, and points."""
    if roster.kind != "canvas":
        raise _wrong("canvas", roster, "an export of the gradebook")
    own = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    columns = [c for c in own if c in roster.columns]
    found = {m.student: _points(m) for m in marks}
    rows: list[Sequence[str]] = [[*columns, assignment.name]]
    rows.append(["    Points Possible", *[""] * (len(columns) - 1), number(assignment.of)])
    for student in roster:
        points = found.get(student.id, "")
        rows.append([*(harmless(student.row.get(c, "")) for c in columns), points])
    return _text(rows)


def _wrong(kind: str, roster: Roster, wanted: str) -> UsageError:
    return UsageError(
        f"--csv {kind}",
        got=f"a {roster.kind} roster",
        wanted=wanted,
        do="Put that file in the place of roster.csv: it has the numbers that an import needs.",
    )


WRITERS: Mapping[str, Callable[[Iterable[Mark], Assignment, Roster], str]] = {
    "plain": plain_csv,
    "moodle": moodle_csv,
    "canvas": canvas_csv,
}


def _text(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def to_json(mark: Mark) -> dict[str, Any]:
    """Return a mark as plain JSON; `points` is null where nothing could be judged."""
    return {
        "student": mark.student,
        "points": mark.points if mark.judged else None,
        "of": mark.of,
        "judged": mark.judged,
        "handed_in": mark.handed_in,
        "attested": mark.attested or None,
        "exercises": {
            id: {
                "status": r.status,
                "points": r.points,
                "of": r.of,
                "answer": r.answer,
                "code": r.code,
                "message": r.message,
            }
            for id, r in mark.rows.items()
        },
        "notes": list(mark.notes),
    }
