"""Forms of answer: hex text, words, numbers, choices, sets, pairings; each knows its own usual
slips.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.teach.course.answers import said
from casnb.teach.course.exercises import Slip, same


@dataclass(frozen=True)
class Option:
    """One choice of a question; a wrong one carries its misconception and what to say about it."""

    text: str
    code: str = ""
    message: str = ""


class Judge:
    """Compares plain values by type and content."""

    options: Mapping[str, Option] = {}

    def same(self, value: Any, reference: Any) -> bool:
        """Return whether the answer is right."""
        return same(value, reference)

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        """Return the slips that this form of answer invites, whatever the task."""
        return ()

    def problem(self, value: Any) -> str:
        """Return why the value has not the wanted form; empty when it has."""
        return ""

    def nudge(self, value: Any, reference: Any) -> str:
        """Return what may be said about a well-formed wrong answer without giving the right one
        away.
        """
        return ""


def _fixed(code: str, message: str, wrong: Any) -> Slip:
    return Slip(code, message, lambda facts: wrong)


@dataclass(frozen=True)
class Hex(Judge):
    """Lower-case hex text of `size` bytes, in memory order, without prefix or separators."""

    size: int

    def problem(self, value: Any) -> str:
        if not isinstance(value, str):
            return f"got {said(value)}, which is no text"
        if re.fullmatch(r"[0-9a-f]*", value) is None:
            return f"got {said(value)}, and not all of it is a digit from 0 to f"
        return "" if len(value) == 2 * self.size else f"got {len(value)} hex digits"

    def nudge(self, value: Any, reference: Any) -> str:
        return "The form is right, the value is not."

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        ref = str(reference)
        raw = bytes.fromhex(ref)

        def tidied(facts: object, value: Any) -> bool:
            return isinstance(value, str) and value != ref and re.sub(r"\s", "", value) == ref

        def cut(facts: object, value: Any) -> bool:
            head = value.rstrip(".\N{HORIZONTAL ELLIPSIS}") if isinstance(value, str) else ""
            return 8 <= len(head) < len(ref) and ref.startswith(head)

        def colons(facts: object, value: Any) -> bool:
            return isinstance(value, str) and ":" in value and value.replace(":", "").lower() == ref

        return (
            _fixed(
                "upper-case",
                "These are the right bytes in upper case. Tools compare the text: write it in lower"
                " case.",
                ref.upper(),
            ),
            _fixed(
                "0x-prefix",
                "These are the right bytes with 0x before them. The value is bare hex, without a"
                " prefix.",
                "0x" + ref,
            ),
            _fixed(
                "byte-order",
                "These are the right bytes in reverse order. A hash is written as it stands in"
                " memory; only integers are little-endian.",
                raw[::-1].hex(),
            ),
            Slip(
                "whitespace",
                "The right value with a blank or newline in or around it. Use .strip(), or a"
                " comparison fails later.",
                lambda facts: f" {ref}\n",
                tidied,
            ),
            Slip(
                "separators",
                "The right bytes, with colons as openssl prints them. Wanted is bare lower-case"
                " hex.",
                lambda facts: raw.hex(":").upper(),
                colons,
            ),
            Slip(
                "cut-short",
                f"This is only the beginning of the value. All {2 * self.size} hex digits count: a"
                " build with the same few first digits is soon found.",
                lambda facts: ref[:12] + "\N{HORIZONTAL ELLIPSIS}",
                cut,
            ),
            _fixed(
                "bytes",
                "The right bytes, as bytes. Wanted is text: .hex() turns one into the other.",
                raw,
            ),
            _fixed(
                "in-a-list",
                "The right value, inside a list. Take it out: one value is wanted.",
                [ref],
            ),
        )


@dataclass(frozen=True)
class Text(Judge):
    """Exactly this text."""

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) else f"got {said(value)}, which is no text"

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        def tidied(facts: object, value: Any) -> bool:
            return isinstance(value, str) and value != reference and value.strip() == reference

        return (
            Slip(
                "whitespace",
                "The right text with a blank or newline around it. Use .strip(), or a comparison"
                " fails later.",
                lambda facts: f" {reference}\n",
                tidied,
            ),
        )


@dataclass(frozen=True)
class Numbers(Judge):
    """A pair (or more) of integers; a list will do as well."""

    names: tuple[str, ...]

    def problem(self, value: Any) -> str:
        fits = (
            isinstance(value, list)
            and len(value) == len(self.names)
            and all(type(v) is int for v in value)
        )
        return "" if fits else f"got {said(value)}"

    def nudge(self, value: Any, reference: Any) -> str:
        wrong = [n for n, a, b in zip(self.names, value, reference, strict=True) if a != b]
        return f"Look again at: {', '.join(wrong)}."

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        def loose(facts: object, value: Any) -> bool:
            return bool(value == frozenset(reference))

        return (
            Slip(
                "a-set",
                "The right numbers in a set, which forgets their order. Use a pair: (a, b).",
                lambda facts: set(reference),
                loose,
            ),
        )


class Number(Judge):
    """One integer."""

    def problem(self, value: Any) -> str:
        return "" if type(value) is int else f"got {said(value)}, which is no integer"


@dataclass(frozen=True)
class Choice(Judge):
    """One letter."""

    options: Mapping[str, Option] = field(default_factory=dict)

    def same(self, value: Any, reference: Any) -> bool:
        return isinstance(value, str) and _letter(value) == str(reference)

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        return tuple(
            Slip(
                o.code,
                o.message,
                lambda facts, k=k: k,  # type: ignore[misc]
                lambda facts, v, k=k: isinstance(v, str) and _letter(v) == k,  # type: ignore[misc]
            )
            for k, o in self.options.items()
            if k != reference
        )

    def problem(self, value: Any) -> str:
        known = isinstance(value, str) and _letter(value) in self.options
        return "" if known else f"got {said(value)}, and the choices are {', '.join(self.options)}"


def _letter(value: str) -> str:
    return value.strip().rstrip(").").lower()


@dataclass(frozen=True)
class Names(Judge):
    """A set of words out of `allowed`; a list will do as well."""

    allowed: tuple[str, ...]
    noun: str = "name"

    def same(self, value: Any, reference: Any) -> bool:
        return _words(value) is not None and _words(value) == _words(reference)

    def problem(self, value: Any) -> str:
        words = _words(value)
        if words is None:
            return f"got {said(value)}"
        strange = sorted(words - set(self.allowed))
        return (
            f"{said(strange[0])} is no {self.noun}; there are {', '.join(self.allowed)}"
            if strange
            else ""
        )

    def nudge(self, value: Any, reference: Any) -> str:
        have, want = _words(value) or frozenset(), _words(reference) or frozenset()
        parts = [f"{len(have - want)} of them do not belong here"] if have - want else []
        parts += [f"{len(want - have)} missing"] if want - have else []
        return ("; ".join(parts) + ".").capitalize()


def names_in(value: Any) -> frozenset[str]:
    """Return the words in a plain answer that is a set or list; none for any other."""
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, (list, frozenset))
        else frozenset()
    )


def _words(value: Any) -> frozenset[str] | None:
    if isinstance(value, str):
        return frozenset([value.strip()])
    if isinstance(value, (list, frozenset)) and all(isinstance(v, str) for v in value):
        return frozenset(v.strip() for v in value)
    return None


@dataclass(frozen=True)
class Pairing(Judge):
    """A dictionary that gives each of `keys` one letter of `options`."""

    keys: tuple[str, ...]
    options: Mapping[str, Option] = field(default_factory=dict)

    def same(self, value: Any, reference: Any) -> bool:
        return isinstance(value, dict) and bool(
            same({k: _lower(v) for k, v in value.items()}, reference)
        )

    def problem(self, value: Any) -> str:
        if not isinstance(value, dict):
            return f"got {said(value)}, which is no dictionary"
        missing = [k for k in self.keys if k not in value]
        if missing:
            return f"{missing[0]!r} has no answer"
        strange = [said(k) for k in value if k not in self.keys]
        strange = strange or [
            said(v)
            for v in value.values()
            if not isinstance(v, str) or _letter(v) not in self.options
        ]
        return (
            f"{strange[0]} is not one of {', '.join((*self.keys, *self.options))}"
            if strange
            else ""
        )

    def nudge(self, value: Any, reference: Any) -> str:
        right = sum(_lower(value[k]) == reference[k] for k in self.keys)
        return f"{right} of {len(self.keys)} are right."


def _lower(value: Any) -> Any:
    return _letter(value) if isinstance(value, str) else value
