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
from casnb.teach.course.hex_spelling import bare_hex, hex_readings
from casnb.teach.course.slips import Slip
from casnb.teach.course.spelling import Reading, denied, number_readings, unwrapped


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

    def accepts(self, reading: Reading) -> bool:
        """Return whether a right value may be written so."""
        return self.lenient or not reading.marks

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
        if value == known[::-1]:
            return "byte-order"
        if re.fullmatch(r"([0-9a-f]{2})+", known) and value == bytes.fromhex(known)[::-1].hex():
            return "byte-order"
        if ends := re.fullmatch(
            r"(\w{4,})(?:\.{2,}|\N{HORIZONTAL ELLIPSIS})(\w{4,})", value.lower()
        ):
            return "cut-short" if known.startswith(ends[1]) and known.endswith(ends[2]) else ""
        part = 8 <= len(value) < len(known) and (known.startswith(value) or known.endswith(value))
        return "cut-short" if part else ""

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


def _with_a_remark(text: str) -> str:
    return f"{text} (from the answer)"


@dataclass(frozen=True)
class Text(Judge):
    """Exactly this text."""

    marks = tuple(
        replace(m, write=_with_a_remark) if m.code == "around" else m
        for m in TEXT_MARKS
        if m.code != "number"
    )

    def readings(self, value: Any) -> list[Reading]:
        out = unwrapped(value)
        for reading in list(out):
            if type(reading.value) is int:
                out.append(reading.but(str(reading.value), "number"))
            elif type(reading.value) is float and reading.value.is_integer():
                out.append(reading.but(str(int(reading.value)), "number"))
        if isinstance(value, str) and len(value) <= 300 and not denied(value):
            words = {w.strip("'\"`(),.;!?<>") for w in value.split()}
            telling = [w for w in words if re.search(r"\d|\w[:/_.-]+\w", w)]
            out += [Reading(telling[0], ("around",))] if len(telling) == 1 else []
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
        value = next((v for v in map(self._named, (r.value for r in unwrapped(value))) if v), value)
        if isinstance(value, dict):
            value = list(value.values())
            out.append(Reading(value, ("label",)))
        if isinstance(value, bytes) and len(value) == len(self.names):
            value = list(value)
        if isinstance(value, str):
            bare = re.sub(r"(?:In|Out) ?\[\d*\]:", "", value)
            value = re.findall(r"0[xX][0-9a-fA-F]+|0[bB][01]+|-?\d+", bare) or value
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

    def _named(self, value: Any) -> dict[Any, Any] | None:
        """Return numbers that have names, in the order in which they are wanted; None for what
        gives no names.
        """
        pairs = value if isinstance(value, list) else []
        if pairs and all(isinstance(p, list) and len(p) == 2 for p in pairs):
            value = {p[0]: p[1] for p in pairs if isinstance(p[0], str)}
        if not isinstance(value, dict) or len(value) != len(self.names):
            return None
        rest, out = dict(value), []
        for name in self.names:
            words = name.lower().replace("'s", "").split()
            fits = [k for k in rest if str(k).lower() in words]
            out.append(fits[0] if len(fits) == 1 else "")
            rest.pop(out[-1], None)
        if len(rest) > 1:  # nobody can say which is which
            return value
        return {k: value[k] for k in (name or next(iter(rest)) for name in out)}

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


def _in_both_bases(value: Any) -> str:
    return f"{value} = {value:#x}"


@dataclass(frozen=True)
class Number(Judge):
    """One integer."""

    marks = (
        *NUMBER_MARKS,
        *(m for m in TEXT_MARKS if m.code == "in-a-list"),
        *(replace(m, write=_by_name) for m in TEXT_MARKS if m.code == "label"),
        *(replace(m, write=_in_both_bases) for m in TEXT_MARKS if m.code == "around"),
    )

    def readings(self, value: Any) -> list[Reading]:
        return number_readings(value)

    def problem(self, value: Any) -> str:
        return "" if type(value) is int else f"got {said(value)}, which is not an integer"
