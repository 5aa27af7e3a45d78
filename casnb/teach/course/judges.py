"""Forms of answer that are values: hex text, words, numbers; each says what an answer may mean, and
what its form lacks. Answers that choose are in `choices`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from casnb.teach.course.answers import said, same
from casnb.teach.course.form_marks import HEX_MARKS, NUMBER_MARKS, TEXT_MARKS, Mark
from casnb.teach.course.slips import Slip
from casnb.teach.course.spelling import Reading, bare_hex, hex_readings, number_readings, unwrapped


@dataclass(frozen=True)
class Option:
    """One sentence of a question; a wrong one carries its misconception: `code`, what to say about
    it, and `holds`, the belief as the end of *held that ...*.
    """

    text: str
    code: str = ""
    message: str = ""
    holds: str = ""


class Judge:
    """Compares plain values by type and content. `lenient`: what is around one is not a mistake."""

    options: Mapping[str, Option] = {}
    lenient = False
    marks: tuple[Mark, ...] = ()

    def readings(self, value: Any) -> list[Reading]:
        """Return what an answer may mean, as it stands first."""
        return [Reading(value)]

    def same(self, value: Any, reference: Any) -> bool:
        """Return whether the answer is right."""
        return same(value, reference)

    def like(self, value: Any, known: Any) -> bool:
        """Return whether the answer is this known value, right or wrong."""
        return self.same(value, known)

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        """Return the slips that this form of answer invites, whatever the task."""
        return tuple(
            Slip(m.code, m.says, lambda facts, m=m: m.write(reference), form=True)  # type: ignore[misc]
            for m in self.marks
        )

    def problem(self, value: Any) -> str:
        """Return why the value has not the wanted form; empty when it has."""
        return ""

    def nudge(self, value: Any, reference: Any) -> str:
        """Return what may be said about a well-formed wrong answer without giving the right one
        away.
        """
        return ""

    def part(self, value: Any, reference: Any) -> tuple[str, str]:
        """Return code and sentence of the first wrong part of an answer of many parts; both empty
        where nothing is known about it.
        """
        return "", ""


@dataclass(frozen=True)
class Hex(Judge):
    """Lower-case hex text of `size` bytes, in memory order, without prefix or separators."""

    size: int
    marks = (*HEX_MARKS, *TEXT_MARKS[2:])

    def readings(self, value: Any) -> list[Reading]:
        return hex_readings(value, self.size)

    def like(self, value: Any, known: Any) -> bool:
        return same(value, known) or same(value, self._bare(known))

    def _bare(self, known: Any) -> Any:
        found = bare_hex(known, self.size)
        return found.value if found else known

    def bent(self, value: Any, known: Any) -> str:
        """Return how an answer was made from a known value: byte-order, cut-short or nothing."""
        if not isinstance(value, str) or len(value) < 8:
            return ""
        known = self._bare(known)
        if not isinstance(known, str) or len(known) < 32:
            return ""
        if re.fullmatch(r"([0-9a-f]{2})+", known) and value == bytes.fromhex(known)[::-1].hex():
            return "byte-order"
        if 8 <= len(value) < len(known) and known.startswith(value):
            return "cut-short"
        return "cut-short" if 16 <= len(value) < len(known) and known.endswith(value) else ""

    def problem(self, value: Any) -> str:
        if not isinstance(value, str):
            return f"got {said(value)}, which is not text"
        if re.fullmatch(r"[0-9a-f]*", value) is None:
            return f"got {said(value)}, and not all of it is a digit from 0 to f"
        more = len(value) - 2 * self.size
        if 0 < abs(more) < 3:
            return f"got {len(value)} hex digits, {abs(more)} too {'many' if more > 0 else 'few'}"
        return f"got {len(value)} hex digits" if more else ""

    def nudge(self, value: Any, reference: Any) -> str:
        return "The form is right, the value is not."


@dataclass(frozen=True)
class Text(Judge):
    """Exactly this text."""

    marks = tuple(m for m in TEXT_MARKS if m.code not in ("number", "around"))

    def readings(self, value: Any) -> list[Reading]:
        out = unwrapped(value)
        for reading in list(out):
            if type(reading.value) is int:
                out.append(reading.but(str(reading.value), "number"))
            elif type(reading.value) is float and reading.value.is_integer():
                out.append(reading.but(str(int(reading.value)), "number"))
        return out

    def problem(self, value: Any) -> str:
        return "" if isinstance(value, str) else f"got {said(value)}, which is not text"

    def part(self, value: Any, reference: Any) -> tuple[str, str]:
        if isinstance(value, str) and value.casefold() == str(reference).casefold():
            return "other", "The letters are right; capitals and small letters are not the same."
        return "", ""


@dataclass(frozen=True)
class Numbers(Judge):
    """A pair (or more) of integers; a list will do as well."""

    names: tuple[str, ...]

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        if isinstance(value, dict) and len(value) == len(self.names):
            value = list(value.values())
            out.append(Reading(value, ("label",)))
        if isinstance(value, str) and (found := re.findall(r"0[xX][0-9a-fA-F]+|-?\d+", value)):
            value = found
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            value = value[0]
            out.append(Reading(value, ("in-a-list",)))
        if isinstance(value, list) and len(value) == len(self.names):
            each = [
                next((r for r in number_readings(v) if type(r.value) is int), None) for v in value
            ]
            if all(each):
                marks = tuple(dict.fromkeys(c for r in each if r for c in r.marks))
                out.append(Reading([r.value for r in each if r], marks))
        return out

    def problem(self, value: Any) -> str:
        fits = (
            isinstance(value, list)
            and len(value) == len(self.names)
            and all(type(v) is int for v in value)
        )
        return "" if fits else f"got {said(value)}"

    def part(self, value: Any, reference: Any) -> tuple[str, str]:
        if self.problem(value):
            return "", ""
        wrong = [n for n, a, b in zip(self.names, value, reference, strict=True) if a != b]
        return "other", f"Look again at: {', '.join(wrong)}." if wrong else ""

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        return (
            Slip(
                "a-set",
                "The right numbers in a set, which forgets their order. Use a pair: (a, b).",
                lambda facts: set(reference),
                lambda facts, value: bool(value == frozenset(reference)),
                form=True,
            ),
            Slip(
                "text",
                "The right digits, as text. Wanted are numbers.",
                lambda facts: [str(n) for n in reference],
                form=True,
            ),
        )


def _by_name(value: object) -> object:
    return {"value": value}


@dataclass(frozen=True)
class Number(Judge):
    """One integer."""

    marks = (
        *NUMBER_MARKS,
        *(m for m in TEXT_MARKS if m.code == "in-a-list"),
        *(replace(m, write=_by_name) for m in TEXT_MARKS if m.code == "label"),
    )

    def readings(self, value: Any) -> list[Reading]:
        return number_readings(value)

    def problem(self, value: Any) -> str:
        return "" if type(value) is int else f"got {said(value)}, which is not an integer"
