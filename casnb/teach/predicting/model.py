"""Attacks in a lesson: the prediction comes first, then what really happened; and a faulty
signature to work with.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell
from casnb.mallory.attacks import Attack, Defence, Outcome, attack, run
from casnb.mallory.faults import CrtSigner, padded
from casnb.simulator.keys import Seed
from casnb.teach.course.answers import plain, said
from casnb.teach.predicting.way_in import html_way_in, way_in

#: What a prediction may be, and what it means.
PREDICTIONS = {"in": "Mallory gets in", "out": "Mallory is stopped"}
_ASK = "does Mallory get in? Press a button, or give 'in' or 'out' as the second argument."


class Foretold(Shown):
    """A prediction and, once it is there, the outcome. Three dots are a state of their own: then
    nothing has run.

    `defence` is what the attack is run against, `ask` how one predicts. `outcome` and `right`
    are None until there is a prediction; then `other` is a second run: where she got in, against
    the mildest defence that keeps her out, else against what lets her in.
    """

    def __init__(
        self, chosen: Attack, prediction: object, defence: Defence, seed: str, ask: str = _ASK
    ) -> None:
        self.attack, self.defence, self.ask = chosen, defence, ask
        value = plain(prediction)
        known = value.strip().lower() if isinstance(value, str) else None
        self.prediction = known if known in PREDICTIONS else None
        self.problem = (
            "" if value is ... or self.prediction else f"Got {said(value)}, wanted 'in' or 'out'."
        )
        self.outcome: Outcome | None = (
            run(chosen.name, defence, seed=seed) if self.prediction else None
        )
        turned = (
            None
            if self.outcome is None
            else chosen.keep_out
            if self.outcome.succeeded
            else chosen.let_in
        )
        self.other: Outcome | None = run(chosen.name, turned, seed=seed) if turned else None

    @property
    def right(self) -> bool | None:
        """Whether it came as predicted; None while nothing was predicted."""
        return None if self.outcome is None else self.outcome.succeeded == (self.prediction == "in")

    @property
    def verdict(self) -> str:
        """The prediction and what became of it, in words."""
        if self.outcome is None:
            return f"{self.problem} Predict first: {self.ask}".strip()
        return f"You predicted {self.prediction!r}, {PREDICTIONS[str(self.prediction)]}: " + (
            "so it was." if self.right else f"it was not so. {self.wonder}"
        )

    @property
    def wonder(self) -> str:
        """What to ask oneself where it came otherwise."""
        if self.prediction == "out":
            return "What did you expect to stop her, and why did it not?"
        return "What did you expect to let her in, and what stopped her?"

    @property
    def _asked(self) -> str:
        return f"Against {self.defence.title}. {self.attack.predict}"

    def __repr__(self) -> str:
        return f"<Foretold {self.attack.name}: {self.prediction or 'not yet'}>"

    def __str__(self) -> str:
        head = f"{self.attack.name}: {self.attack.title}\n{neutral(self._asked, 900)}\n\n"
        if self.outcome is None:
            return f"{head}NOT YET  {self.verdict}"
        told = "\n".join(f"{label}: {neutral(text, 900)}" for label, text in self._told())
        return f"{head}{self.verdict}\n\n{self.outcome}\n\n{way_in(self.outcome)}\n\n{told}"

    def _told(self) -> list[tuple[str, str]]:
        """What the run rests on: label and text."""
        if self.other is None:
            return []
        again = f"The same against {self.other.defence.title}. {self.other.sentence}"
        return [
            ("Explain", self.attack.explain),
            ("Defend", self.attack.defend),
            ("The other way round", again),
            ("Source", f"{self.attack.source} ({self.attack.date})."),
        ]

    def _html(self) -> str:
        head = (
            f"<p><strong><code>{cell(self.attack.name)}</code>"
            f" {cell(self.attack.title)}</strong><br>"
            f"{cell(self._asked, 900)}</p>"
            f'<div class="feedback" data-attack="{escape(self.attack.name)}" '
            f'data-prediction="{escape(self.prediction or "")}">'
        )
        if self.outcome is None:
            return (
                f'{head}<span class="s s-not-run">\N{HORIZONTAL ELLIPSIS} NOT YET</span>'
                f" {cell(self.verdict, 600)}</div>"
            )
        badge = (
            "\N{CHECK MARK} AS PREDICTED" if self.right else "\N{MULTIPLICATION X} NOT AS PREDICTED"
        )
        style = "passed" if self.right else "failed"
        return (
            f'{head}<span class="s s-{style}">{badge}</span>'
            f" {cell(self.verdict, 600)}</div>{self.happened()}"
        )

    def happened(self) -> str:
        """Return the outcome and what is told of it as HTML, without the question; empty until
        there is one.
        """
        told = "".join(
            f"<p><strong>{label}.</strong> {cell(text, 900)}</p>" for label, text in self._told()
        )
        if self.outcome is None:
            return ""
        return f"{self.outcome._html()}{html_way_in(self.outcome)}{told}"


def foretell(
    name: str, prediction: object, defence: Defence | None = None, *, seed: str
) -> Foretold:
    """Take a prediction ('in', 'out' or three dots) for an attack against a defence (left out:
    the one it is known to pass).
    """
    chosen = attack(name)
    return Foretold(chosen, prediction, defence or chosen.let_in, seed)


class FaultySignature(NamedTuple):
    """What came out of an enclave whose voltage was too low: modulus, public exponent, padded
    message as a number, signature.
    """

    n: int
    e: int
    m: int
    s: int


def faulty_signature(seed: str) -> FaultySignature:
    """Return a faulty signature that belongs to a seed, made with a key that no other part of a
    lesson uses.
    """
    signer, message = exercise_key(seed), b"an invoice"
    return FaultySignature(
        signer.modulus, 65537, padded(message), signer.sign(message, millivolts=-210)
    )


def exercise_key(seed: str) -> CrtSigner:
    """Return the key behind `faulty_signature`."""
    return CrtSigner.from_seed(Seed(f"{seed}, exercise"), locked=False)
