"""The case file: a customer's secret, a decision signed in each chapter, and the reader's own tools
held against casnb's.

Of a tool only its results are kept, one letter for each exhibit, never its code: nothing that is
read back from a file is ever executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.teach.course.answer_json import world_id
from casnb.teach.course.answers import plain, said
from casnb.teach.course.case_words import CHAPTERS, DECISIONS, QUESTION
from casnb.teach.course.progress import Said
from casnb.teach.course.progress_file import ProgressFile
from casnb.teach.facts import Facts
from casnb.teach.opening import opens
from casnb.teach.trials import EXHIBITS, OUTCOMES, TOOLS, Trial, attacked, tried

if TYPE_CHECKING:
    from casnb.teach.quiz.deciding import DecisionPanel


class Signed(Shown):
    """A decision for one chapter, and what is known for and against it so far; `decision` is empty
    while it is not signed.
    """

    def __init__(self, chapter: str, decision: str = "", note: str = "") -> None:
        self.chapter, self.decision, self.note = chapter, decision, note

    @property
    def sentence(self) -> str:
        """What to say about it."""
        if not self.decision:
            return (
                f"NOT YET  {self.note or QUESTION} Put "
                + " or ".join(f"'{d}'" for d in DECISIONS)
                + " in place of the dots, and say why."
            )
        return f"SIGNED  {self.decision}. {self.reply}" + (f" ({self.note})" if self.note else "")

    @property
    def reply(self) -> str:
        """What is known for and against the decision so far; empty while it is not signed."""
        return CHAPTERS[self.chapter].replies[self.decision] if self.decision else ""

    def __str__(self) -> str:
        return self.sentence

    __repr__ = __str__

    def _html(self) -> str:
        return f'<p data-decision="{cell(self.decision)}">{cell(self.sentence, 900)}</p>'


class CaseFile(Shown):
    """The case so far: who, which CAS, which decisions, which tools."""

    def __init__(
        self, about: list[tuple[str, str]], signed: Mapping[str, Said], trials: list[Trial]
    ) -> None:
        self.about, self.signed, self.trials = about, dict(signed), trials

    def decisions(self) -> list[tuple[str, str, str]]:
        """Return chapter, first decision, and the present one, with the reason given."""
        return [
            (chapter, self.signed[chapter].first, self.signed[chapter].last)
            if chapter in self.signed
            else (chapter, "", "")
            for chapter in CHAPTERS
        ]

    def __str__(self) -> str:
        parts = [text_table(("case", "file"), self.about)]
        if self.signed:
            parts.append(text_table(("chapter", "signed first", "now"), self.decisions()))
        if self.trials:
            parts.append(text_table(Trial.HEADER, [t.row() for t in self.trials]))
        return "\n\n".join([*parts, self.sentence])

    __repr__ = __str__

    @property
    def sentence(self) -> str:
        """How far the case is."""
        return f"{len(self.signed)} of {len(CHAPTERS)} chapters are signed."

    def _html(self) -> str:
        out = html_table(("case", "file"), self.about)
        if self.signed:
            head = ("chapter", "signed first", "now")
            out += html_table(head, self.decisions(), "Your decisions", limit=400)
        if self.trials:
            rows = [t.row() for t in self.trials]
            out += html_table(Trial.HEADER, rows, "Your tools beside casnb's", limit=900)
        return f"{out}<p>{cell(self.sentence)}</p>"


class Casework:
    """The reader's case in a lab; `facts` are what the lab's world makes true."""

    chapter: str
    facts: Facts

    @property
    def secret(self) -> str:
        """What the customer wants to store: made from the seed, and so this reader's alone."""
        digest = hashlib.sha256(f"the customer's secret, {self.facts.world.seed}".encode())
        return f"db-{digest.hexdigest()[:24]}"

    def case_file(self) -> CaseFile:
        """Return the case file: decisions so far, and kept tools beside casnb's own."""
        about = [
            ("question", QUESTION),
            ("CAS", f"{self.facts.address}, seed {self.facts.world.seed!r}"),
            ("the customer's secret", f"{self.secret} (it is still on this machine only)"),
        ]
        kept = self._said()
        signed = {id[5:]: s for id, s in kept.items() if id[:5] == "case." and id[5:] in CHAPTERS}
        trials = [
            Trial(tool, exhibits, kept[f"kept.{tool}"].last, kept[f"kept.{tool}"].was)
            for tool, exhibits in EXHIBITS.items()
            if _fits(kept.get(f"kept.{tool}"), len(exhibits))
        ]
        return CaseFile(about, signed, trials)

    def sign(self, decision: object = ..., because: str = "") -> Signed:
        """Sign this chapter's decision: 'trust', 'not yet' or 'never', and why. Signing again
        changes it; what was signed first stays on file. With three dots nothing is signed.
        """
        value = plain(decision)
        if value is ...:
            return Signed(self.chapter)
        known = " ".join(str(value).lower().replace("-", " ").split())
        if known not in DECISIONS:
            return Signed(self.chapter, note=f"Got {said(value)}.")
        reason = neutral(because, 200)
        note = self._record(f"case.{self.chapter}", f"{known}: {reason}" if reason else known, "")
        return Signed(self.chapter, known, note)

    @opens("lab.decide()", "the decision of the chapter, to sign with a reason")
    def decide(self) -> DecisionPanel:
        """Return this chapter's decision as buttons, with room for the reason. Pressing one signs
        it, as `sign` does; what was signed before is shown.
        """
        from casnb.teach.quiz.deciding import DecisionPanel

        kept = self._said().get(f"case.{self.chapter}")
        word, _, reason = kept.last.partition(": ") if kept else ("", "", "")
        return DecisionPanel(self.sign, word if word in DECISIONS else "", reason)

    def keep(self, tool: str, yours: Any = ...) -> Trial | Signed:
        """Try a tool of yours on the exhibits beside casnb's own, and keep both results (not the
        tool). `tool` is 'scraper', 'decoder', 'client' or 'line'; three dots keep nothing.
        """
        if tool not in TOOLS:
            raise UsageError("tool", got=tool, wanted="one of " + ", ".join(TOOLS))
        if yours is ...:
            return Unkept(tool)
        if tool == "line":
            return self.case_against(yours)
        if not callable(yours):
            raise UsageError(tool, got=type(yours).__name__, wanted=TOOLS[tool])
        trial = tried(tool, yours, self.facts)
        self._record(f"kept.{tool}", trial.yours, trial.casnbs)
        return trial

    def case_against(self, line: object = ..., client: Any = ...) -> Trial | Signed:
        """Run every attack against a line of flags, with the usual habits; keep the result. With a
        client of the reader's, it is this that reads the value from whoever answers.
        """
        if line is ...:
            return Unkept("line")
        if client is not ... and not callable(client):
            raise UsageError("client", got=type(client).__name__, wanted=TOOLS["client"])
        trial = attacked(line, None if client is ... else client, self.facts, self.secret)
        self._record("kept.line", trial.yours, trial.casnbs)
        return trial

    def _said(self) -> dict[str, Said]:
        """Return what was kept in the worlds that the chapters play in, this lab's last."""
        seed = self.facts.world.seed
        scenarios = dict.fromkeys(("public", "production", self.facts.world.scenario))
        out: dict[str, Said] = {}
        for scenario in scenarios:
            out |= ProgressFile(world=world_id(seed, scenario)).said()
        return out

    def _record(self, id: str, said: str, was: str) -> str:
        world = world_id(self.facts.world.seed, self.facts.world.scenario)
        return ProgressFile(world=world).record_said(id, said, was, QUESTION)


class Unkept(Signed):
    """A tool that was not given yet."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        super().__init__("", note=f"NOT YET  Put {TOOLS[tool]} in place of the dots.")

    @property
    def sentence(self) -> str:
        return self.note


def _fits(kept: Said | None, size: int) -> bool:
    return kept is not None and all(
        len(t) == size and set(t) <= set(OUTCOMES) for t in (kept.last, kept.was)
    )
