"""Marks: every answer judged again, as data, in the world that the roster and the course's key give
its student.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import CasnbError, neutral
from casnb.classroom.attribution import Owners
from casnb.classroom.class_cas import ATTESTED, REFUSED, WAIVED, judge_sealing, seed_of_cas
from casnb.classroom.collected import OTHER, Piece, content
from casnb.classroom.course import Assignment, Course
from casnb.classroom.hand_in import HandIn, read_hand_in
from casnb.classroom.record import Event
from casnb.classroom.roster import Student
from casnb.classroom.tally import Tally
from casnb.classroom.tickets import seed_of, verified
from casnb.simulator.world import World
from casnb.teach.class_line import server_address
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import Answer, tagged, world_id
from casnb.teach.course.answers import said, same
from casnb.teach.course.choices import Choice
from casnb.teach.course.feedback import NOT_YET, RIGHT
from casnb.teach.course.judgement import feedback_on
from casnb.teach.course.pairing import Pairing
from casnb.teach.facts import PRACTICE, Facts
from casnb.tls.exchange import is_loopback

_HEX = re.compile(r"[0-9a-f]{32,128}")
SCENARIOS = ("public", "production")
#: Files of one student that are read.
FILES = 20


@dataclass(frozen=True)
class Judged:
    """One answer and what it is worth. `answer` is how it is shown, `prints` its fingerprints,
    where it is wrong: what to look up whose it is.
    """

    exercise: str
    status: str
    points: float
    of: float
    answer: str = ""
    message: str = ""
    code: str = ""
    prints: tuple[str, ...] = ()
    tries: int = 0
    last_code: str = ""


@dataclass(frozen=True)
class Mark:
    """One row: a student, or a hand-in of nobody. `judged` is False where nothing could be: then
    there are no points, which is not the same as none earned.
    """

    student: str
    judged: bool
    of: float
    rows: Mapping[str, Judged] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""
    handed_in: bool = True
    #: How the answers came through the class's CAS, where they did: 'attested', 'waived' or 'not
    #: attested'. Never 'attested' where a check was waived.
    attested: str = ""
    mrenclave: str = ""
    #: What the right answers of this student's world look like, by exercise.
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def points(self) -> float:
        return round(sum(r.points for r in self.rows.values()), 6)


@dataclass(frozen=True)
class Task:
    """What one worker needs for one student: no key, no roster. `tries` are counted by the class
    server: by exercise, how many, and the last misconception.
    """

    student: Student
    seed: str
    assignment: Assignment
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...] = ()
    tries: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    recorded: Mapping[str, Answer] | None = None
    #: How students reached their CAS: another machine's name, or any loopback address.
    host: str = "127.0.0.1"
    #: From which the class's CAS is made, for hand-ins that went through it.
    cas_seed: str = ""


def plan_record(
    course: Course, assignment: Assignment, record: Iterable[Event]
) -> tuple[list[Task], list[Mark]]:
    """Return one task for each student of the roster from the class server's own record, and a row
    for whoever answered and is no longer on the roster.
    """
    roster, key, tally = course.roster, course.key, Tally(record)
    named = server_address(assignment.server).host
    host = "127.0.0.1" if is_loopback(named) else named
    tasks = []
    for student in roster:
        seed = seed_of(key, course.term, assignment.name, student.id, assignment.tier)
        works = {id: w for id, w in tally.of(student.id).items() if w.counts is not None}
        answers = {
            id: Answer(id, w.counts.answer, world_id(seed, exercises.exercise(id).scenarios[0]))
            for id, w in works.items()
            if w.counts is not None
        }
        tries = {id: (w.tries, w.codes[-1] if w.codes else "") for id, w in works.items()}
        tasks.append(Task(student, seed, assignment, (), (), tries, answers, host))
    gone = [s for s in tally.students if roster.find(s) is None]
    note = "unknown student: answered, and is no longer on the roster"
    return tasks, [Mark(s, False, assignment.of, notes=(note,)) for s in gone]


def plan(
    course: Course, assignment: Assignment, found: Iterable[Piece]
) -> tuple[list[Task], list[Mark]]:
    """Sort hand-ins by whose they are: one task for each student of the roster, and a row for each
    hand-in of nobody. Reads no answers.
    """
    roster, key, cas_seed = course.roster, course.key, seed_of_cas(course)
    owners = Owners(roster)
    whose: dict[str, list[Piece]] = {s.id: [] for s in roster}
    notes: dict[str, list[str]] = {s.id: [] for s in roster}
    stray: list[Piece] = []
    others = {name.casefold() for name in course.assignments} - {assignment.name.casefold()}
    for piece in found:
        if not others.isdisjoint(p.casefold() for p in piece.platform):
            continue  # nbgrader keeps all assignments of a student in one folder
        owner = owners.owner(piece)
        if owner is not None:
            whose[owner.id].append(piece)
        elif piece.problem != OTHER:
            stray.append(piece)
    rows = []
    for piece in stray:
        told, why = _by_ticket(piece, key, course, assignment, owners)
        if told is not None and not whose[told.id]:
            whose[told.id].append(piece)
            notes[told.id].append(f"{piece.label} is attributed by its ticket alone")
        else:
            rows.append(Mark(owners.claimed(piece), False, assignment.of, notes=(why,)))
    tasks = [
        Task(
            s,
            seed_of(key, course.term, assignment.name, s.id, assignment.tier),
            assignment,
            tuple(whose[s.id]),
            tuple(notes[s.id]),
            cas_seed=cas_seed,
        )
        for s in roster
    ]
    return tasks, rows


def _by_ticket(
    piece: Piece, key: bytes, course: Course, assignment: Assignment, owners: Owners
) -> tuple[Student | None, str]:
    """Return whose a hand-in is by its ticket, where no folder says it; else why it is nobody's."""
    label = piece.label
    try:
        text = read_hand_in(content(piece), label).ticket
    except CasnbError as exc:
        return None, f"unknown student, and not read: {neutral(exc, 200)}"
    unknown = f"unknown student: {label} names nobody on the roster"
    if not text or any(not p.lower().endswith(".zip") for p in piece.platform):
        return None, unknown + ("; a folder counts before a ticket" if text else "")
    try:
        ticket = verified(key, text)
    except CasnbError:
        return None, unknown + ", and its ticket is forged: this course did not sign it"
    if (ticket.course, ticket.assignment) != (course.id, assignment.name):
        return None, unknown + ", and its ticket is for something else"
    return owners.ids.get(ticket.student.casefold()), unknown


class Tickets:
    """Says what the tickets in hand-ins are worth. It needs the key: it stays with the course."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self.course, self.assignment, self.key = course, assignment, course.key
        self.worlds = {world_id(PRACTICE, s): "the practice world" for s in SCENARIOS}
        for student in course.roster:
            seed = seed_of(self.key, course.term, assignment.name, student.id, assignment.tier)
            self.worlds |= {world_id(seed, s): student.id for s in SCENARIOS}

    def notes(self, student: str, ticket: str, worlds: Iterable[str]) -> list[str]:
        """Return remarks on a ticket, and on the worlds that answers say they were made in. Neither
        changes a point.
        """
        out = []
        if ticket:
            try:
                found = verified(self.key, ticket)
            except CasnbError:
                out.append("the ticket is forged: this course did not sign it")
            else:
                if (found.course, found.assignment) != (self.course.id, self.assignment.name):
                    out.append(f"the ticket is for {found.assignment} of {found.course}")
                elif found.student.casefold() != student.casefold():
                    out.append(f"the ticket is that of {found.student}")
        for world in dict.fromkeys(worlds):
            whose = self.worlds.get(world)
            if whose is None:
                out.append("answers were made in another world, which no student of this class has")
            elif whose != student:
                other = whose if whose.startswith("the ") else f"the world of {whose}"
                out.append(f"answers were made in {other}")
        return list(dict.fromkeys(out))


@dataclass(frozen=True)
class Graded:
    """A mark, with what only the course can say something about."""

    mark: Mark
    tickets: tuple[str, ...] = ()
    worlds: tuple[str, ...] = ()


def grade_all(tasks: Sequence[Task]) -> list[Graded]:
    """Judge some students; whatever is wrong with one, the others are judged."""
    return [_guarded(task) for task in tasks]


def _guarded(task: Task) -> Graded:
    try:
        return grade(task)
    except Exception as exc:  # a defect of ours must not stop the others, nor cost points
        note = f"not judged: casnb has a defect here: {type(exc).__name__}: {neutral(exc, 200)}"
        return Graded(Mark(task.student.id, False, task.assignment.of, notes=(note,)))


def _last_answers(read: Sequence[tuple[str, HandIn]], notes: list[str]) -> dict[str, Answer]:
    """Return the last answer to each exercise; note where several hand-ins say different things."""
    answers: dict[str, Answer] = {}
    many = len(read) > 1
    if many:
        notes.append(f"handed in {len(read)} times: the last answer to each exercise counts")
    for name, hand_in in read:
        notes += [f"{name}: {n}" if many else n for n in hand_in.notes]
        for id, answer in hand_in.answers.items():
            if id in answers and not same(answers[id].answer, answer.answer):
                notes.append(f"{id} differs between hand-ins: that of {name} counts")
            answers[id] = answer
    return answers


def grade(task: Task) -> Graded:
    """Judge what one student handed in. Of several files the last one that answers an exercise
    counts for it.
    """
    read, problems = _read(task)
    notes = list(task.notes)
    answers = _last_answers(read, notes)
    beside = [id for id in answers if id not in task.assignment.exercises]
    if beside:
        notes.append("not part of this assignment: " + ", ".join(beside[:5]))
    worlds = tuple(a.world for id, a in answers.items() if id not in beside)
    if read and len(beside) == len(answers):
        notes.append("no answer in it: run the check cells, save, and hand in again")
    sealing = _sealing(task, read, notes)
    facts = _Worlds(task.seed, task.host)
    handed_in = bool(read or problems)
    if not handed_in:
        notes.append("nothing handed in")
    notes += [p for p in problems if OTHER not in p] or ([] if read else problems)
    asked = task.assignment.exercises
    mark = Mark(
        task.student.id,
        bool(read) or not problems,
        task.assignment.of,
        {id: _judge(id, answers.get(id), facts, task) for id in asked} if read else {},
        tuple(dict.fromkeys(notes)),
        handed_in=handed_in,
        attested=sealing,
        name=task.student.name,
        mrenclave=facts.of("public").world.mrenclave,
        own={id: facts.prints(id) for id in asked},
    )
    return Graded(mark, tuple(h.ticket for _, h in read if h.ticket), worlds)


def _sealing(task: Task, read: list[tuple[str, HandIn]], notes: list[str]) -> str:
    """Return how the answers came through the class's CAS, by the weakest of several hand-ins."""
    found = {
        s.status: s.sentence
        for _, h in read
        if h.attested is not None and task.cas_seed
        for s in [judge_sealing(task.cas_seed, h.attested)]
    }
    notes += list(found.values())
    if found and any(h.attested is None for _, h in read):
        notes.append("another file did not come through the class's CAS")
        return REFUSED
    return next((s for s in (REFUSED, WAIVED, ATTESTED) if s in found), "")


def _read(task: Task) -> tuple[list[tuple[str, HandIn]], list[str]]:
    if task.recorded is not None:
        there = [("the class server", HandIn(task.recorded))] if task.recorded else []
        return there, []
    read: list[tuple[str, HandIn]] = []
    problems: list[str] = []
    for piece in task.pieces[:FILES]:
        try:
            found = read_hand_in(content(piece), piece.label)
            read.append((piece.label, found))
        except CasnbError as exc:
            problems.append(neutral(f"not read: {exc}", 300))
    if len(task.pieces) > FILES:
        problems.append(f"{len(task.pieces)} files: only the first {FILES} were read")
    return read, problems


class _Worlds:
    """The worlds of one seed, each made once."""

    def __init__(self, seed: str, host: str) -> None:
        self._facts = Facts(World(seed), host)

    def of(self, scenario: str) -> Facts:
        own = self._facts
        return own if scenario == own.world.scenario else own.of(scenario)

    def for_task(self, id: str) -> Facts:
        return self.of(exercises.exercise(id).scenarios[0])

    def prints(self, id: str) -> tuple[str, ...]:
        task = exercises.exercise(id)
        if isinstance(task.judge, (Choice, Pairing)):
            return ()
        return fingerprints(task.solution(self.for_task(id)))


def _judge(id: str, answer: Answer | None, facts: _Worlds, task: Task) -> Judged:
    worth = task.assignment.worth(id)
    tries, last = task.tries.get(id, (0, ""))
    if answer is None:
        return Judged(id, NOT_YET, 0.0, worth, tries=tries, last_code=last)
    exercise = exercises.exercise(id)
    feedback = feedback_on(exercise, answer.answer, facts.for_task(id))
    right = feedback.status == RIGHT
    share = task.assignment.by_try[min(tries, len(task.assignment.by_try)) - 1] if tries else 1.0
    lettered = isinstance(exercise.judge, (Choice, Pairing))
    return Judged(
        id,
        feedback.status,
        round(worth * share, 6) if right else 0.0,
        worth,
        said(answer.answer, 200),
        neutral(feedback.message, 800),
        feedback.code,
        () if right or lettered else fingerprints(answer.answer),
        tries,
        last,
    )


def fingerprints(value: Any) -> tuple[str, ...]:
    """Return what an answer is recognised by: a digest of the whole, and of each long hexadecimal
    number in it. So a line with another student's MRENCLAVE is recognised whatever else it says.
    """
    whole = strictjson.compact(tagged(value))
    words = dict.fromkeys(_HEX.findall(whole.decode("utf-8", "replace").lower()))
    return tuple(_digest(w) for w in [whole, *(w.encode() for w in list(words)[:20])])


def _digest(data: bytes) -> str:
    return hashlib.sha256(b"casnb print\0" + data).hexdigest()[:24]


def finish(graded: Iterable[Graded], tickets: Tickets) -> Iterator[Mark]:
    """Add to each mark what the course knows of its tickets and worlds."""
    for g in graded:
        more = [n for t in g.tickets for n in tickets.notes(g.mark.student, t, ())]
        more += tickets.notes(g.mark.student, "", g.worlds)
        yield replace(g.mark, notes=tuple(dict.fromkeys([*g.mark.notes, *more])))
