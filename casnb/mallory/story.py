"""An attack as data: who Mallory is, what stops her, what there is to predict and to learn; and
what became of one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from casnb.base.documentation import docs_at
from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.checks.result import AttestationResult
from casnb.checks.view import describe
from casnb.mallory import sequence
from casnb.mallory.defence import HABITS, Defence
from casnb.mallory.steps import Loot, Step, Taken

if TYPE_CHECKING:
    from casnb.mallory.stage import Stage


@dataclass(frozen=True)
class Persona:
    """One of the places in which Mallory can stand, and what she can do from there."""

    name: str
    title: str
    can: str


PERSONAS: Mapping[str, Persona] = {
    p.name: p
    for p in (
        Persona(
            "page",
            "Mallory who edits the page",
            "writes what the public CAS page shows, and runs machines of her own",
        ),
        Persona(
            "host",
            "Mallory who runs the machine",
            "is root on the machine that the enclave runs on: starts it, debugs it, sets its"
            " voltage, watches its caches",
        ),
        Persona(
            "cpu",
            "Mallory who owns an unpatched CPU",
            "has a machine with published holes, and all the time in the world",
        ),
        Persona(
            "net",
            "Mallory on the network",
            "answers in the place of the CAS: changes names, relays, replays, rewrites errors",
        ),
        Persona(
            "cas", "Mallory who runs a CAS", "rents a genuine SGX machine, and answers on port 8081"
        ),
        Persona("owner", "Mallory who owns the CAS", "set up the very CAS that you use"),
    )
}


class Refusal(NamedTuple):
    """What stops an attack other than a check of the catalogue: a sentence, and at most five
    letters for narrow columns.
    """

    does: str
    short: str


#: By name.
REFUSALS: Mapping[str, Refusal] = {
    "tls-chain": Refusal(
        "TLS: the server's certificate was not issued under the attested ones", "tls"
    ),
    "second-source": Refusal(HABITS["second-source"].does, "2nd"),
    "own-judgement": Refusal(HABITS["own-judgement"].does, "you"),
}


@dataclass(frozen=True)
class Attack(Shown):
    """What is always true of an attack. `stops` are check ids and refusals, the telling one
    first; `let_in` is a defence that it passes, `keep_out` the mildest change that stops it.
    `source` and `date` are of the facts that it teaches. `gate` (a key of `GATES`) is the one
    that it comes through, `gain` what Mallory then has, in a few words for a picture.
    """

    name: str
    persona: Persona
    title: str
    stops: tuple[str, ...]
    let_in: Defence
    keep_out: Defence
    predict: str
    explain: str
    defend: str
    source: str
    date: str
    story: Callable[[Stage], Loot] = field(repr=False, compare=False)
    gate: str = field(kw_only=True)
    gain: str = field(kw_only=True)

    @property
    def needs(self) -> str:
        """What lets it in, in words."""
        return self.let_in.title

    def to_json(self) -> dict[str, Any]:
        """Return all of it but the story."""
        return {
            "name": self.name,
            "persona": self.persona.name,
            "title": self.title,
            "gate": self.gate,
            "gain": self.gain,
            "stopped_by": list(self.stops),
            "let_in": self.let_in.to_json(),
            "keep_out": self.keep_out.to_json(),
            "predict": self.predict,
            "explain": self.explain,
            "defend": self.defend,
            "source": self.source,
            "date": self.date,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return what a reader sees of it, as label and text."""
        return [
            ("who", f"{self.persona.title}: {self.persona.can}"),
            ("gets in with", self.let_in.title),
            ("is stopped by", ", ".join(self.stops)),
            ("predict", self.predict),
            ("defend", self.defend),
            ("source", f"{self.source} ({self.date})"),
            ("docs", docs_at("attacks", self.name)),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.title}\n" + text_table(("attack", self.name), self.rows())

    def _html(self) -> str:
        return html_table(("attack", self.name), self.rows(), self.title)


@dataclass(frozen=True)
class Outcome(Shown):
    """What became of one run. `stopped_by` is empty where it succeeded; `loot` holds real
    values, `result` the last appraisal, `taken` the secret that was deposited, where she has it.
    """

    attack: Attack
    defence: Defence
    stopped_by: str = ""
    gained: str = ""
    loot: Mapping[str, str] = field(default_factory=dict, repr=False)
    result: AttestationResult | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = field(default=(), repr=False)
    taken: Taken | None = field(default=None, repr=False)

    @property
    def succeeded(self) -> bool:
        return not self.stopped_by

    @property
    def stopper(self) -> str:
        """What stopped it, in words; empty where nothing did."""
        check = (
            next((c for c in self.result.checks if c.id == self.stopped_by), None)
            if self.result
            else None
        )
        if check:
            return describe(check)
        return REFUSALS[self.stopped_by].does if self.stopped_by in REFUSALS else ""

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if self.succeeded:
            return f"Mallory got in: {self.gained}"
        return f"Mallory was stopped by {self.stopped_by}: {self.stopper.removesuffix('.')}."

    @property
    def decisive(self) -> int:
        """The number of the step, from 0, that decided: the last verdict, else the last step."""
        verdicts = [n for n, s in enumerate(self.steps) if s.kind == "verdict"]
        return (verdicts or [len(self.steps) - 1])[-1]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb attack --json`)."""
        return {
            "attack": self.attack.name,
            "defence": self.defence.to_json(),
            "succeeded": self.succeeded,
            "stopped_by": self.stopped_by,
            "sentence": self.sentence,
            "gained": self.gained,
            "loot": dict(self.loot),
            "result": self.result.to_json() if self.result else None,
            "steps": [s._asdict() for s in self.steps],
        }

    def loot_rows(self) -> list[tuple[str, str]]:
        """Return the values, each on one line and shortened."""
        return [(name, neutral(_brief(value), 96)) for name, value in self.loot.items()]

    def __repr__(self) -> str:
        return (
            f"<Outcome {self.attack.name}:"
            f" {'Mallory got in' if self.succeeded else 'stopped by ' + self.stopped_by}>"
        )

    def __str__(self) -> str:
        width = max((len(s.who) for s in self.steps), default=0)
        lines = [f"{self.attack.name}, against: {neutral(self.defence.title, 600)}", ""]
        lines += [f"{s.who:<{width}}  {neutral(s.did, 600)}" for s in self.steps]
        lines += ["", neutral(self.sentence, 900)]
        return "\n".join([*lines, *(f"  {name}: {value}" for name, value in self.loot_rows())])

    def _html(self) -> str:
        mark = "\N{MULTIPLICATION X}" if self.succeeded else "\N{CHECK MARK}"
        out = [
            (
                '<div class="verdict"'
                f' data-verdict="{"rejected" if self.succeeded else "trustworthy"}"'
                f' data-attack="{escape(self.attack.name)}">{mark} {cell(self.sentence, 900)}</div>'
            ),
            f"<p>Defence: <code>{cell(self.defence.title, 600)}</code></p>",
            f"<h3><code>{cell(self.attack.name)}</code> {cell(self.attack.title)}</h3>",
            sequence.STYLE,
            sequence.html_sequence(
                self.steps, self.attack.persona.title.removeprefix("Mallory "), self.decisive
            ),
            f"<details><summary>The same as text</summary><pre>{escape(str(self))}</pre></details>",
        ]
        if self.loot:
            out.append(html_table(("Mallory now holds", "value"), self.loot_rows(), code=(1,)))
        return "".join(out)


def _brief(value: str) -> str:
    """A key in PEM as its first line of content; anything else as it is."""
    lines = value.splitlines()
    return (
        f"{lines[0]} {lines[1]}\N{HORIZONTAL ELLIPSIS}"
        if value.startswith("-----BEGIN") and len(lines) > 2
        else value
    )
