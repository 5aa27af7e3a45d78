"""What the board says, from the tally alone: who is stuck, how far each exercise is, what the class
holds. Of the projector's form no student can be told: it has no ids to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from casnb.classroom.class_report import holds
from casnb.classroom.course import Assignment
from casnb.classroom.tally import Standing, Tally, Work
from casnb.teach.course import exercises
from casnb.teach.course.feedback import RIGHT

#: States of a cell, and of a row, in the order in which rows stand.
NONE, OPEN, WRONG_, STUCK, RIGHT_ = CELLS = ("none", "open", "wrong", "stuck", "right")
ROWS = ("stuck", "quiet", "at work", "not here yet", "finished")


@dataclass(frozen=True)
class Rules:
    """When a student counts as stuck: so many wrong tries on the exercise at hand, or so many
    minutes without a right one; and as quiet: so many minutes without a sign. On the projector a
    count below `least` is left out, and all counts of a class below `crowd`.
    """

    tries: int = 3
    minutes: int = 9
    quiet: int = 12
    least: int = 3
    crowd: int = 10


RULES = Rules()


@dataclass(frozen=True)
class Cell:
    """One student and one exercise: state, answers that counted, minutes at it, the last
    misconception with what was said of it, and every one that was met.
    """

    exercise: str
    kind: str = NONE
    tries: int = 0
    minutes: int = 0
    code: str = ""
    message: str = ""
    codes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What it shows: a mark, and how many tries where that says something."""
        if self.kind == RIGHT_:
            return "\N{CHECK MARK}" + (f" {self.tries}" if self.tries > 1 else "")
        if self.kind in (WRONG_, STUCK) and self.tries:
            return f"\N{MULTIPLICATION SIGN} {self.tries}"
        return "" if self.kind == NONE else "\N{HORIZONTAL ELLIPSIS}"

    def label(self, student: str) -> str:
        """Return all of it as a sentence or two, which is its name for a screen reader."""
        head = f"{student}, {self.exercise}: "
        if self.kind == NONE:
            return head + "not opened."
        if self.kind == OPEN:
            return head + f"open, {self.minutes} min."
        said = head + f"{self.kind}, {tries(self.tries)}, {self.minutes} min."
        if not self.code:
            return said
        lead = "Before that" if self.kind == RIGHT_ else "Last answer"
        return f"{said} {lead}: {self.code}. {self.message}"


@dataclass(frozen=True)
class Row:
    """One student: state, minutes of it, cells in the order of the exercises, how many are right,
    and what their world does with the minutes since it was used.
    """

    student: str
    state: str
    minutes: int
    at: str
    cells: tuple[Cell, ...]
    world: str = ""
    unused: int = 0

    @property
    def right(self) -> int:
        return sum(c.kind == RIGHT_ for c in self.cells)

    @property
    def note(self) -> str:
        """The state in words."""
        timed = self.state in ("stuck", "quiet")
        return f"{self.state} {self.minutes} min" if timed else self.state

    @property
    def world_note(self) -> str:
        """The world's state in words."""
        if self.world == "idle":
            return f"idle {self.unused} min"
        return {"dropped": "dropped, kept", "running": "running"}.get(self.world, "none yet")


@dataclass(frozen=True)
class Held:
    """A misconception: how many tried the exercise, who held it, and who still does."""

    exercise: str
    code: str
    holds: str
    tried: int
    students: tuple[str, ...]
    still: tuple[str, ...]

    def who(self, of: int) -> str:
        """How many held it, and of how many: only those who tried are counted."""
        tried = "" if self.tried == of else " who tried"
        if len(self.students) < self.tried:
            return f"{len(self.students)} of {'the ' if tried else ''}{self.tried}{tried}"
        return f"all {self.tried}{tried}" if self.tried > 1 else f"the only one{tried}"

    def left(self, least: int = 1) -> str:
        """How many still do; a count below `least` is left out."""
        still = len(self.still)
        if still == 0:
            return "none still does" if least <= 1 else ""
        if still < least:
            return ""
        return f"{still} still {'does' if still == 1 else 'do'}"


@dataclass(frozen=True)
class Board:
    """All that a teacher sees: rows with whoever is stuck first, and what they hold."""

    assignment: str
    exercises: tuple[str, ...]
    rows: tuple[Row, ...]
    held: tuple[Held, ...]
    minute: int
    medians: Mapping[str, tuple[int, int | None, int | None]]
    rules: Rules = RULES

    def count(self, state: str) -> int:
        return sum(r.state == state for r in self.rows)

    @property
    def headline(self) -> str:
        """The first thing that a teacher needs."""
        stuck, of = self.count("stuck"), len(self.rows)
        who = "nobody is stuck" if not stuck else f"{stuck} of {of} {_is(stuck)} stuck"
        return f"{self.assignment}, minute {self.minute}: {who}"

    @property
    def summary(self) -> str:
        """The others, and the worlds."""
        states = [f"{self.count(s)} {s}" for s in ("finished", "quiet", "at work")]
        if away := self.count("not here yet"):
            states.append(f"{away} not here yet")
        worlds = [r.world for r in self.rows]
        run, idle, kept = (worlds.count(s) for s in ("running", "idle", "dropped"))
        return (
            f"{', '.join(states)}. {run} sealed world{'' if run == 1 else 's'}"
            f" {'runs' if run == 1 else 'run'}, {idle} idle, {kept} dropped and kept."
        )

    def __str__(self) -> str:
        out = [self.headline, self.summary]
        for row in self.rows:
            of = f"{row.right:2} of {len(row.cells)}"
            at = f" on {row.at}" if row.state == "at work" and row.at else ""
            out.append(f"{row.student}  {row.note}{at}; right {of}; world {row.world_note}")
            stuck = next((c for c in row.cells if c.kind == STUCK), None)
            if stuck is not None:
                last = f"; {stuck.code}: {stuck.message}" if stuck.code else ""
                out.append(f"      {stuck.exercise}: {tries(stuck.tries)}{last}")
        for held in self.held:
            out.append(f"{held.who(len(self.rows))} held that {held.holds}; {held.left()}.")
        return "\n".join(out)


@dataclass(frozen=True)
class Strip:
    """One exercise on the projector: how many are right, and at work on it, of how many."""

    exercise: str
    right: int
    at_work: int
    of: int


@dataclass(frozen=True)
class Projector:
    """What a class may see of itself. `note` says so where they are too few to be counted."""

    assignment: str
    exercises: tuple[str, ...]
    strips: tuple[Strip, ...]
    #: Who, what they held, who still does, in which exercise.
    held: tuple[tuple[str, str, str, str], ...]
    note: str = ""


def board(
    task: Assignment,
    students: Sequence[str],
    tally: Tally,
    worlds: Mapping[str, tuple[str, float]],
    now: float,
    since: float,
    rules: Rules = RULES,
) -> Board:
    """Return the board of a class at a time (seconds since 1970); `worlds` are the states of their
    worlds with the seconds since they were used, `since` is when the lesson began.
    """
    rows = [
        _row(s, task, tally.students.get(s), worlds.get(s, ("", 0.0)), now, rules) for s in students
    ]
    order = {s: n for n, s in enumerate(students)}
    rows.sort(
        key=lambda r: (
            ROWS.index(r.state),
            -r.minutes if r.state in ("stuck", "quiet") else r.right,
            order[r.student],
        )
    )
    return Board(
        task.name,
        task.exercises,
        tuple(rows),
        tuple(_held(task, rows)),
        max(0, int((now - since) // 60)),
        {id: _medians(rows, n) for n, id in enumerate(task.exercises)},
        rules,
    )


def _row(
    student: str,
    task: Assignment,
    standing: Standing | None,
    world: tuple[str, float],
    now: float,
    rules: Rules,
) -> Row:
    works = standing.works if standing else {}
    hand = _at_hand(task, works)
    cells = [_cell(id, works, now) for id in task.exercises]
    minutes, state = 0, "at work"
    if standing is None or not works:
        state = "not here yet"
    elif all(c.kind == RIGHT_ for c in cells):
        state = "finished"
    elif now - standing.heard >= 60 * rules.quiet:
        state, minutes = "quiet", int((now - standing.heard) // 60)
    elif hand:
        n = task.exercises.index(hand)
        if cells[n].tries >= rules.tries or cells[n].minutes >= rules.minutes:
            state, minutes = "stuck", cells[n].minutes
            cells[n] = Cell(**{**cells[n].__dict__, "kind": STUCK})
    return Row(student, state, minutes, hand, tuple(cells), world[0], int(world[1] // 60))


def _at_hand(task: Assignment, works: Mapping[str, Work]) -> str:
    """The exercise that a student is at: of those that are open the one answered last, or else the
    first that was opened.
    """
    left = [id for id in task.exercises if id in works and works[id].status != RIGHT]
    tried = [id for id in left if works[id].events]
    if tried:
        return max(tried, key=lambda id: max(e.at for e in works[id].events.values()))
    return left[0] if left else ""


def _cell(id: str, works: Mapping[str, Work], now: float) -> Cell:
    work = works.get(id)
    if work is None or not work.opened:
        return Cell(id)
    first = next(iter(work.events.values()), None)
    reached = first.at if first else now
    # Who opens all at once, or comes from another exercise, begins when that one was right.
    others = [w.right_at for i, w in works.items() if i != id and work.opened < w.right_at]
    begun = max([work.opened, *(at for at in others if at <= reached)])
    minutes = int(max(0.0, (work.right_at or now) - begun) // 60)
    last = next((e for e in reversed(work.events.values()) if e.code), None)
    kind = RIGHT_ if work.right_at else WRONG_ if work.tries else OPEN
    code = work.codes[-1] if work.codes else ""
    message = last.message if last is not None and last.code == code else ""
    return Cell(id, kind, work.tries, minutes, code, message, tuple(dict.fromkeys(work.codes)))


def _medians(rows: Sequence[Row], n: int) -> tuple[int, int | None, int | None]:
    right = [r.cells[n] for r in rows if r.cells[n].kind == RIGHT_]
    if not right:
        return 0, None, None
    tries, minutes = (median_low(v) for v in ([c.tries for c in right], [c.minutes for c in right]))
    return len(right), tries, minutes


def _held(task: Assignment, rows: Sequence[Row]) -> list[Held]:
    out = []
    for n, id in enumerate(task.exercises):
        tried = [r for r in rows if r.cells[n].tries]
        for code, belief in holds(id).items():
            who = tuple(r.student for r in tried if code in r.cells[n].codes)
            still = tuple(
                r.student for r in tried if r.cells[n].kind != RIGHT_ and r.cells[n].code == code
            )
            if who:
                out.append(Held(id, code, belief, len(tried), who, still))
    return sorted(
        out, key=lambda h: (-len(h.students), -len(h.still), task.exercises.index(h.exercise))
    )


def projector(made: Board) -> Projector:
    """Return what may be shown to the class: no ids, no count that would name somebody, and below
    `crowd` students no count at all.
    """
    rules, of = made.rules, len(made.rows)
    if of < rules.crowd:
        note = (
            f"In a class of fewer than {rules.crowd} a count would tell on people,"
            " so there is none here."
        )
        return Projector(made.assignment, made.exercises, (), (), note)
    strips = []
    for n, id in enumerate(made.exercises):
        kinds = [r.cells[n].kind for r in made.rows]
        right = kinds.count(RIGHT_)
        strips.append(Strip(id, right, of - right - kinds.count(NONE), of))
    held = [
        (h.who(of), h.holds, h.left(rules.least), h.exercise)
        for h in made.held
        if len(h.students) >= rules.least and h.tried >= rules.crowd
    ]
    return Projector(made.assignment, made.exercises, tuple(strips), tuple(held[:5]))


def chapters(ids: Sequence[str]) -> list[tuple[str, int]]:
    """Return the chapters of some exercises in their order, with how many of each there are."""
    out: list[tuple[str, int]] = []
    for id in ids:
        chapter = exercises.exercise(id).chapter
        if out and out[-1][0] == chapter:
            out[-1] = (chapter, out[-1][1] + 1)
        else:
            out.append((chapter, 1))
    return out


def tries(count: int) -> str:
    """Return a number of tries in words."""
    return f"{count or 'no'} {'try' if count < 2 else 'tries'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
