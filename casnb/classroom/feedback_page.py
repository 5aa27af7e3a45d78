"""One page for each student: points, why, and casnb's own words on each answer. No solutions, no
rank.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from casnb.base.errors import SourceError
from casnb.base.files import replace_file
from casnb.base.view import cell, prose, short
from casnb.classroom.course import Assignment, Course
from casnb.classroom.document import page
from casnb.classroom.grade import Judged, Mark
from casnb.classroom.marks import number
from casnb.classroom.release import TITLES
from casnb.teach.course import exercises
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG

_MARK = {
    RIGHT: ("right", "\N{CHECK MARK}", "s-passed"),
    WRONG: ("wrong", "\N{MULTIPLICATION SIGN}", "s-failed"),
    NOT_YET: ("open", "\N{EN DASH}", "s-not-run"),
}


def page_writer(course: Course, task: Assignment, folder: Path) -> Callable[[Mark], None]:
    """Return what writes `ID.html` into a folder for a student who handed in; that raises
    SourceError.
    """
    known = {s.id for s in course.roster}

    def write(mark: Mark) -> None:
        # Rows of nobody have a stranger's text for a name: it never becomes a file's.
        if not mark.handed_in or mark.student not in known:
            return
        path = folder / f"{mark.student}.html"
        try:
            if path.is_symlink():
                path.unlink()
            replace_file(path, feedback(task, mark), mode=0o600)
        except OSError as exc:
            raise _unwritten(folder, exc) from None

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritten(folder, exc) from None
    return write


def _unwritten(folder: Path, exc: OSError) -> SourceError:
    return SourceError(str(folder), got=exc.strerror, wanted="a folder to write in")


def feedback(task: Assignment, mark: Mark) -> str:
    """Return the page of one student."""
    if not mark.judged or not mark.rows:
        head = f"<h1>{cell(task.name)}: could not be judged</h1>"
        return page(f"{task.name}: feedback", head + _notes(mark))
    rows = list(mark.rows.values())
    body = [
        f"<h1>{cell(task.name)}: {number(mark.points)} of {number(mark.of)} points</h1>",
        f"<p>{cell(why(rows), 400)}</p>",
        _strip(rows),
        _blocks(task, mark),
    ]
    chapter = ""
    for row in rows:
        if row.exercise[:2] != chapter:
            chapter = row.exercise[:2]
            own = [r for r in rows if r.exercise[:2] == chapter]
            earned, worth = sum(r.points for r in own), sum(r.of for r in own)
            body.append(
                f"<h2>{chapter} {cell(TITLES[chapter])}"
                f' <span class="small">{number(earned)} of {number(worth)}</span></h2>'
            )
        body.append(_row(task, row))
    body.append(_notes(mark))
    return page(f"{task.name}: feedback", "".join(body))


def why(rows: list[Judged]) -> str:
    """Return in a sentence or two where the points went."""
    counts = {status: sum(r.status == status for r in rows) for status in _MARK}
    right, wrong, none = counts[RIGHT], counts[WRONG], counts[NOT_YET]
    tries = round(sum(r.of - r.points for r in rows if r.status == RIGHT), 3)
    answers = round(sum(r.of for r in rows if r.status != RIGHT), 3)
    says = [f"{_count(right, 'answer')} right"]
    says += [f"{wrong} wrong"] if wrong else []
    says += [f"{none} without an answer"] if none else []
    text = ", ".join(says) + "."
    if tries and answers:
        return f"{text} You lost {number(tries)} on tries and {number(answers)} on answers."
    if tries or answers:
        return f"{text} You lost {number(tries or answers)} on {'tries' if tries else 'answers'}."
    return text


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _strip(rows: list[Judged]) -> str:
    items = []
    for row in rows:
        name, mark, _ = _MARK[row.status]
        items.append(
            f'<li class="{name}"><a href="#{escape(row.exercise)}"'
            f' aria-label="{escape(row.exercise)}: {name}">{mark}</a></li>'
        )
    return f'<ul class="class-strip" role="list">{"".join(items)}</ul>'


def _blocks(task: Assignment, mark: Mark) -> str:
    answered = sum(r.status != NOT_YET for r in mark.rows.values())
    tries = (
        " Your tries come from the class server's own log."
        if task.tier == "sealed"
        else " Tries do not count: nobody can know them."
    )
    blocks = (
        (
            "Your world",
            "A CAS of your own, made from the roster and a course key. Its MRENCLAVE is"
            f" {short(mark.mrenclave)}; nobody else's is.",
        ),
        (
            "What was judged",
            f"{_count(answered, 'answer')}, as data, again, in your world.{tries}",
        ),
        (
            "What was not",
            "“Right” in your notebook, your code, your prose, how long you took, and whether"
            " somebody helped.",
        ),
    )
    parts = [f"<div><h3>{cell(t)}</h3>{cell(text)}</div>" for t, text in blocks]
    return f'<div class="class-three">{"".join(parts)}</div>'


def _row(task: Assignment, row: Judged) -> str:
    name, mark, style = _MARK[row.status]
    title = exercises.exercise(row.exercise).title
    shown = (
        f'<p><span class="small">your answer</span> <code>{cell(row.answer)}</code></p>'
        if row.answer
        else ""
    )
    says = row.message if row.status != NOT_YET else "No answer was handed in."
    before = (
        f'<p class="say">Before that: <b>{cell(row.last_code)}</b>.</p>'
        if row.last_code and row.status == RIGHT
        else ""
    )
    return (
        f'<section class="class-row" id="{escape(row.exercise)}"><div>'
        f'<span class="s {style}">{mark}'
        f" {name.upper()}</span><br><b>{number(row.points)}</b> of {number(row.of)}</div><div>"
        f"<h3>{cell(title)} <code>{cell(row.exercise)}</code></h3>{shown}"
        f"<p>{prose(says, 800)}</p>{before}</div><div>{_stair(task, row)}</div></section>"
    )


def _stair(task: Assignment, row: Judged) -> str:
    if not row.tries:
        return ""
    tries = "1 try" if row.tries == 1 else f"{row.tries} tries"
    if row.status != RIGHT:
        return cell(tries)
    bars = "".join(
        f'<i style="height:{max(share, 0.1) * 100:.0f}%"'
        + (' class="on"' if n == min(row.tries, len(task.by_try)) else "")
        + "></i>"
        for n, share in enumerate(task.by_try, 1)
    )
    name = f"{tries}: worth {number(row.points)}"
    return f'<div class="class-stair" role="img" aria-label="{name}">{bars}</div>{cell(tries)}'


def _notes(mark: Mark) -> str:
    if not mark.notes:
        return ""
    items = "".join(f"<li>{cell(n, 400)}</li>" for n in mark.notes)
    return f"<h2>Remarks on the file</h2><ul>{items}</ul>"
