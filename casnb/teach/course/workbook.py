"""The reader's work on one chapter: its exercises checked, hints counted, progress kept."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnb.base.errors import EvidenceError, SourceError
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import Answer, read_answer, world_id
from casnb.teach.course.answers import plain
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise, Posed
from casnb.teach.course.feedback import NOT_YET, Awaited, Feedback, Hint, Solution
from casnb.teach.course.hindsight import Hindsight, open_questions
from casnb.teach.course.judgement import feedback_on
from casnb.teach.course.progress import Entry, Progress, receipt
from casnb.teach.course.progress_file import ProgressFile
from casnb.teach.course.questions import question, questions
from casnb.teach.course.slips import told
from casnb.teach.facts import Facts
from casnb.teach.opening import opens

if TYPE_CHECKING:
    from casnb.teach.announcer import Announcer
    from casnb.teach.quiz.panel import QuestionPanel, QuizPanel


class Workbook:
    """The exercises of a chapter, or of an assignment with its own list of them; `facts` are what
    the right answers follow from.
    """

    def __init__(self, chapter: str, facts: Facts, assigned: tuple[str, ...] | None = None) -> None:
        self.chapter, self.facts, self.assigned = chapter, facts, assigned
        self._answers: dict[str, Answer] = {}
        self._unkept: dict[str, int] = {}
        #: Outputs of check cells whose questions have buttons and no answer yet.
        self._waiting: dict[str, list[Any]] = {}

    @property
    def world_id(self) -> str:
        """The name of this lab's world, under which progress is kept; it does not tell the seed."""
        return world_id(self.facts.world.seed, self.facts.world.scenario)

    @cached_property
    def announcer(self) -> Announcer:
        """What reads feedback aloud, once the lab was shown."""
        from casnb.teach.announcer import Announcer

        return Announcer()

    @property
    def _file(self) -> ProgressFile:
        return ProgressFile(world=self.world_id)

    @property
    def exercises(self) -> tuple[str, ...]:
        """The ids of this chapter's, or this assignment's, exercises."""
        if self.assigned is not None:
            return self.assigned
        return tuple(e.id for e in exercises.of_chapter(self.chapter))

    def _facts_for(self, task: Exercise) -> Facts:
        """Return the facts by which a task is judged: in an assignment those of its own scenario,
        whichever chapter it comes from.
        """
        own = task.scenarios[0]
        if self.assigned is None or self.facts.world.scenario == own:
            return self.facts
        return self.facts.of(own)

    def task(self, id: str) -> Posed:
        """Return an exercise as it is put in this world, which shows itself: question, what is
        given, form of the answer.
        """
        task = exercises.exercise(id)
        return task.posed(self._facts_for(task))

    @property
    def case(self) -> Facts:
        """The CAS that the flag exercises are about: on the practice seed this lab's own, else one
        that the seed chooses. `case.appraise(policy)` judges its report.
        """
        return self.facts.case

    def check(self, id: str, answer: object = ...) -> Feedback:
        """Return what to say about an answer, keep it in the progress file, and put the answer
        beside what is shown, so that a saved notebook carries it. Never raises for an answer.

        With three dots an answer that a panel took before counts. Raises UsageError in a lab whose
        scenario the exercise is not about.
        """
        task = exercises.exercise(id)
        counted = answer is ... and id in self._answers
        if counted:
            answer = self._answers[id].answer
        facts = self._facts_for(task)
        feedback = feedback_on(task, answer, facts)
        if feedback.status == NOT_YET:
            if not isinstance(task.judge, Choice):
                return feedback
            waiting = self._waiting.setdefault(id, [])
            return Awaited(id, NOT_YET, feedback.message, shown=waiting.append)
        world = world_id(facts.world.seed, facts.world.scenario)
        given = Answer(id, plain(answer), world, facts.address)
        self._answers[id] = given
        feedback = replace(feedback, sent=given.to_json())
        note = "" if counted else ProgressFile(world=world).record(feedback)
        feedback = replace(feedback, notes=(note,)) if note else feedback
        for handle in self._waiting.pop(id, ()):
            handle.update(feedback._repr_mimebundle_(), raw=True)
        if "announcer" in vars(self):  # the lab was shown
            self.announcer.say(f"{feedback.status}. {feedback.message}")
        return feedback

    def hint(self, id: str) -> Hint:
        """Return the next of three hints; after the third, the third again. They are counted in the
        progress file, and go on there.
        """
        task = exercises.exercise(id)
        taken = self._file.load()[0].get(id, Entry()).hints
        if taken == 0 and self._file.record_hint(id):
            taken = self._unkept.get(id, 0)
            self._unkept[id] = taken + 1
        elif taken:
            self._file.record_hint(id)
        step = min(taken + 1, len(task.hints))
        text = told(task.hints[step - 1], self._facts_for(task))
        return Hint(id, step, len(task.hints), text)

    def solution(self, id: str) -> Solution:
        """Return the solution of an exercise that was tried; before that, what to do first.
        Solutions are counted.
        """
        task = exercises.exercise(id)
        tried = id in self._answers or self._file.load()[0].get(id, Entry()).tries > 0
        if not tried:
            return Solution(id, "", "Try it first: a wrong answer is answered with a reason.")
        self._file.record_solution(id)
        facts = self._facts_for(task)
        judge = task.judge_in(facts)
        code = told(task.code, facts)
        if not code:
            code = f"{task.name} = {task.reference(facts)!r}"
        why = told(task.why, facts)
        if isinstance(judge, Choice):
            why = f"*{judge.options[judge.right].text}* {why}"
        return Solution(id, code, why)

    def reference(self, id: str) -> object:
        """Return the right answer for this lab; for teachers and tests. Looking is allowed,
        learning is elsewhere.
        """
        task = exercises.exercise(id)
        return task.reference(self._facts_for(task))

    @opens('lab.quiz("00.decision")', "a multiple-choice exercise as buttons")
    def quiz(self, id: str) -> QuizPanel:
        """Return a multiple-choice exercise as buttons; `lab.check(id, 'a')` does the same in
        plain form. What was pressed answers the check cell as well.
        """
        from casnb.teach.quiz.panel import QuizPanel

        return QuizPanel(self.task(id), self.check)

    @opens('lab.ask("00.whose-word")', "a question of the lesson as buttons")
    def ask(self, id: str) -> QuestionPanel:
        """Return a question of the lesson as buttons; what was said first is kept."""
        from casnb.teach.quiz.panel import QuestionPanel

        return QuestionPanel(question(id), self.facts, self._record_said)

    def _record_said(self, id: str, said: str, was: str, asked: str) -> str:
        return self._file.record_said(id, said, was, asked)

    def said(self) -> Hindsight:
        """Return what was predicted and chosen in this chapter, beside what it was."""
        own = {
            id: s
            for id, s in self._file.said().items()
            if (questions()[id].chapter if id in questions() else "06") == self.chapter
        }
        return Hindsight(own, open_questions(self.chapter, own))

    def progress(self, *, everything: bool = False) -> Progress:
        """Return how far this chapter is done in this world, or all chapters, each in its own."""
        if self.assigned is not None:
            return self._assigned_progress(self.assigned)
        if not everything:
            return self._file.progress(self.chapter)
        files = {
            scenario: ProgressFile(world=world_id(self.facts.world.seed, scenario))
            for scenario in ("public", "production")
        }
        parts = [
            files[exercises.of_chapter(chapter)[0].scenarios[0]].progress(chapter)
            for chapter in exercises.CHAPTERS
        ]
        notes = tuple(dict.fromkeys(n for p in parts for n in p.notes))
        return Progress({id: e for p in parts for id, e in p.entries.items()}, notes)

    def _assigned_progress(self, ids: tuple[str, ...]) -> Progress:
        entries, notes = {}, []
        for id in ids:
            task = exercises.exercise(id)
            world = world_id(self.facts.world.seed, self._facts_for(task).world.scenario)
            found, note = ProgressFile(world=world).load()
            entries[id] = found.get(id, Entry())
            notes += [note] if note else []
        return Progress(entries, tuple(dict.fromkeys(notes)))

    def receipt(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the receipt of this chapter as a dictionary: its answers, and how far it is done.
        Write it to `path` as JSON if one is given.
        """
        progress = self.progress()
        body = receipt(
            progress,
            {**kept_answers(progress), **self._answers},
            chapter=self.chapter,
            world=self.world_id,
            scenario=self.facts.world.scenario,
        )
        if path is not None:
            try:
                Path(path).write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
            except OSError as exc:
                raise SourceError(
                    f"receipt {path}", got=exc.strerror, wanted="to write it"
                ) from None
        return body

    def forget_progress(self) -> None:
        """Delete the progress file, hints included."""
        self._answers.clear()
        self._unkept.clear()
        ProgressFile().delete()


def kept_answers(progress: Progress) -> dict[str, Answer]:
    """Return the answers that a progress file has; what cannot be read is left out."""
    out = {}
    for id, entry in progress.entries.items():
        with suppress(EvidenceError):
            if entry.answer is not None:
                out[id] = read_answer(entry.answer)
    return out
