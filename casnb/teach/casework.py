"""The case file: a customer's secret, a decision signed in each chapter, and the reader's own tools
held against casnb's.

Of a tool only its results are kept, one letter for each exhibit, never its code: nothing that is
read back from a file is ever executed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.evidence.decode import decode
from casnb.mallory.attacks import ATTACKS, HABITS, USUAL, Defence, matrix
from casnb.policy.flags import BY_OPTION
from casnb.simulator.world import World
from casnb.teach.course.answer_json import world_id
from casnb.teach.course.answers import plain, said
from casnb.teach.course.case_words import CHAPTERS, DECISIONS, QUESTION
from casnb.teach.course.progress import Said
from casnb.teach.course.progress_file import ProgressFile
from casnb.teach.facts import Facts
from casnb.teach.scraping import model as scrapers
from casnb.teach.scraping.page_history import STATES, page_history

#: What a letter of kept results means.
OUTCOMES = {"r": "right", "x": "refused without need", "w": "wrong"}
#: What can be kept, and what it is tried on.
TOOLS = {
    "scraper": "a function that takes the text of a page and returns the MRENCLAVE of"
    " scone-cas.cf, or None",
    "decoder": "a function that takes the bytes of a quote or local report and returns its"
    " MRENCLAVE as 64 hex digits, or None",
    "line": "the options of scone cas attest, or a whole line, as text",
}
_SAMPLES = ("IAS quote", "DCAP quote", "local report", "quote cut short", "text")


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
        told = CHAPTERS[self.chapter].replies[self.decision]
        return f"SIGNED  {self.decision}. {told}" + (f" ({self.note})" if self.note else "")

    def __str__(self) -> str:
        return self.sentence

    __repr__ = __str__

    def _html(self) -> str:
        return f'<p data-decision="{cell(self.decision)}">{cell(self.sentence, 900)}</p>'


@dataclass(frozen=True)
class Trial(Shown):
    """A reader's tool and casnb's on the same exhibits: a letter of OUTCOMES for each."""

    tool: str
    exhibits: tuple[str, ...]
    yours: str
    casnbs: str

    @property
    def differing(self) -> tuple[str, ...]:
        """The exhibits on which the two ended differently."""
        return tuple(
            e for e, a, b in zip(self.exhibits, self.yours, self.casnbs, strict=True) if a != b
        )

    def score(self, letters: str) -> str:
        """Return how many ended how, in words."""
        words = ("stopped", "", "got in") if self.tool == "line" else tuple(OUTCOMES.values())
        return ", ".join(
            f"{letters.count(c)} {w}"
            for c, w in zip(OUTCOMES, words, strict=True)
            if letters.count(c)
        )

    def row(self) -> tuple[str, str, str, str]:
        """Return tool, your score, casnb's score, and where they differ."""
        apart = ", ".join(self.differing) or "nowhere"
        return self.tool, self.score(self.yours), self.score(self.casnbs), apart

    HEADER = ("tool", "yours", "casnb's", "different on")

    def __str__(self) -> str:
        return text_table(self.HEADER, [self.row()])

    __repr__ = __str__

    def _html(self) -> str:
        return html_table(self.HEADER, [self.row()], limit=900)


@dataclass(frozen=True)
class Trophies(Trial):
    """A line of flags against every attack: `taken` is what each one that got in left behind,
    a mark that no other seed has.
    """

    taken: Mapping[str, str] = field(default_factory=dict)

    def _rows(self) -> list[tuple[str, str]]:
        return [(f"{name}: {ATTACKS[name].title}", mark) for name, mark in self.taken.items()]

    @property
    def sentence(self) -> str:
        """How it ended."""
        return (
            f"{len(self.taken)} of {len(self.exhibits)} attacks got in. The same line with every"
            f" precaution lets in {self.casnbs.count('w')}."
        )

    def __str__(self) -> str:
        return f"{text_table(('got in', 'trophy'), self._rows())}\n\n{self.sentence}"

    __repr__ = __str__

    def _html(self) -> str:
        return (
            html_table(("got in", "trophy"), self._rows(), "What Mallory took", code=(1,))
            + f"<p>{cell(self.sentence)}</p>"
        )


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
            for tool, exhibits in _EXHIBITS.items()
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

    def keep(self, tool: str, yours: Any = ...) -> Trial | Signed:
        """Try a tool of yours on the exhibits beside casnb's own, and keep both results (not the
        tool). `tool` is 'scraper', 'decoder' or 'line'; three dots keep nothing.
        """
        if tool not in TOOLS:
            raise UsageError("tool", got=tool, wanted="one of " + ", ".join(TOOLS))
        if yours is ...:
            return Unkept(tool)
        if tool != "line" and not callable(yours):
            raise UsageError(tool, got=type(yours).__name__, wanted=TOOLS[tool])
        trial = self._trial(tool, yours)
        self._record(f"kept.{tool}", trial.yours, trial.casnbs)
        return trial

    def case_against(self, line: object = ...) -> Trial | Signed:
        """Run every attack against a line of flags, with the usual habits; keep the result."""
        return self.keep("line", line)

    def _trial(self, tool: str, yours: Any) -> Trial:
        if tool == "line":
            return self._attacked(yours)
        if tool == "scraper":
            states = page_history(self.facts.world)
            mine, ours = scrapers.own(yours, states), scrapers.casnb(states)
            return Trial(tool, STATES, *(_letters(c.answers) for c in (mine, ours)))
        samples = _samples(self.facts)
        mine_, ours_ = (
            "".join(_judge(decoder, data, wanted) for data, wanted in samples)
            for decoder in (yours, _decode)
        )
        return Trial(tool, _SAMPLES, mine_, ours_)

    def _attacked(self, line: object) -> Trial:
        if not isinstance(line, str):
            raise UsageError("line", got=type(line).__name__, wanted=TOOLS["line"])
        flags = _flags(line)
        columns = {
            "yours": Defence.of(flags),
            "careful": Defence.of(flags, add=HABITS.keys() - USUAL),
        }
        seed = self.facts.world.seed
        found = matrix(columns, seed=seed)
        yours, careful = (
            "".join("r" if found[name, column] else "w" for name in ATTACKS) for column in columns
        )
        taken = {n: self._trophy(n) for n, c in zip(ATTACKS, yours, strict=True) if c == "w"}
        return Trophies("line", tuple(ATTACKS), yours, careful, taken)

    def _trophy(self, attack: str) -> str:
        return hmac.new(self.secret.encode(), attack.encode(), "sha256").hexdigest()[:12]

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


_EXHIBITS = {"scraper": STATES, "decoder": _SAMPLES, "line": tuple(ATTACKS)}


def _fits(kept: Said | None, size: int) -> bool:
    return kept is not None and all(
        len(t) == size and set(t) <= set(OUTCOMES) for t in (kept.last, kept.was)
    )


def _letters(answers: tuple[scrapers.Answer, ...]) -> str:
    return "".join(
        "x" if a.outcome == "refused" else "w" if a.outcome.startswith("wrong") else "r"
        for a in answers
    )


def _flags(line: str) -> str:
    """Return the flags of a pasted line: identity options and the address belong to the lab, and
    the attacks bring their own.
    """
    words, out = line.replace("\\\n", " ").split(), []
    for w in words:
        if w in BY_OPTION:
            out.append(w)
        elif w[:1] == "-" and w[1:2] != "-" and len(w) > 1 and set(w[1:]) <= set("GCS"):
            out += [f"-{letter}" for letter in w[1:]]
    return " ".join(dict.fromkeys(out))


def _decode(data: bytes) -> object:
    found: Any = decode(data)
    return (found.body if hasattr(found, "body") else found).mrenclave


def _judge(decoder: Callable[[bytes], object], data: bytes, wanted: str | None) -> str:
    try:
        got = plain(decoder(data))
    except Exception:  # whatever a reader's function raises is its refusal
        got = None
    if got is None:
        return "r" if wanted is None else "x"
    return "r" if got == wanted else "w"


def _samples(facts: Facts) -> list[tuple[bytes, str | None]]:
    """Return what a decoder is tried on, with the right MRENCLAVE; None where it must refuse."""
    old, new = World(facts.world.seed, "public"), World(facts.world.seed, "production")
    avr = json.loads(json.loads(old.attest())["proof_data"]["body"])
    quote = base64.b64decode(avr["isvEnclaveQuoteBody"])
    return [
        (quote, old.mrenclave),
        (new.quote(bytes(64)), new.mrenclave),
        (old.local_report(), old.mrenclave),
        (quote[:431], None),
        (b"scone cas attest", None),
    ]
