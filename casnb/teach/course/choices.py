"""Forms of answer that choose: letters, words out of a set, pairs; each says what a wrong choice
means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from casnb.teach.course.answers import said
from casnb.teach.course.judges import Judge, Option
from casnb.teach.course.slips import Slip
from casnb.teach.course.spelling import Reading, unwrapped

LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Reason:
    """Why a word belongs to a set, or does not: what is said when it is missing or too many."""

    says: str
    code: str = ""
    holds: str = ""


@dataclass(frozen=True)
class Choice(Judge):
    """One letter, or the sentence itself."""

    options: Mapping[str, Option] = field(default_factory=dict)
    lenient = True

    @property
    def right(self) -> str:
        """The letter of the option that carries no misconception."""
        return next(k for k, o in self.options.items() if not o.code)

    def lettered(self, order: Sequence[str]) -> Choice:
        """Return the question with its options in another order, and letters in that order."""
        return replace(
            self, options={k: self.options[old] for k, old in zip(LETTERS, order, strict=False)}
        )

    def readings(self, value: Any) -> list[Reading]:
        out = unwrapped(value)
        for reading in list(out):
            if isinstance(reading.value, str) and (letter := _letter(reading.value, self.options)):
                out.append(reading.but(letter))
        return out

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        return tuple(
            Slip(o.code, o.message, lambda facts, k=k: k, holds=o.holds)  # type: ignore[misc]
            for k, o in self.options.items()
            if o.code
        )

    def problem(self, value: Any) -> str:
        known = isinstance(value, str) and _letter(value, self.options)
        return "" if known else f"got {said(value)}, and the choices are {', '.join(self.options)}"


def _letter(value: str, options: Mapping[str, Option]) -> str:
    """Return the letter that a text stands for: with its bracket, with words behind it, or the
    words alone; empty for no letter.
    """
    bare = value.strip().strip("()[].:").strip()
    if bare.lower() in options:
        return bare.lower()
    found = re.fullmatch(
        r"(?:option|answer|letter)?\s*\(?([a-h])\s*[).:]\s*(.*)", bare, re.S | re.I
    )
    if found and found[1].lower() in options:
        return found[1].lower()
    words = _words_of(value)
    return next((k for k, o in options.items() if words and _words_of(o.text) == words), "")


def _words_of(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


#: What stands before an item of a list: a bullet or a number.
_ITEM = re.compile(r"[-*+\N{BULLET}\N{MIDDLE DOT}]|\(?\d{1,2}[.)]")


@dataclass(frozen=True)
class Names(Judge):
    """A set of words out of `allowed`; a list will do as well. `reasons` say of a word why it
    belongs to the set, or does not.
    """

    allowed: tuple[str, ...]
    noun: str = "name"
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    lenient = True

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        for reading in unwrapped(value):
            found = self._listed(reading.value)
            if found is not None:
                out.append(reading.but(found))
        return out

    def _listed(self, value: Any) -> frozenset[str] | None:
        """Return the words of a collection or of text that lists them, each as it is allowed."""
        if isinstance(value, dict):
            kept = [k for k, v in value.items() if v is not False]
            value = kept if all(isinstance(k, str) for k in kept) else None
        if isinstance(value, str):
            marks = "".join(c for c in "/|+&" if not any(c in a for a in self.allowed))
            value = [w for w in re.split(rf"[\s,;{marks}]+|\band\b", value) if w]
            value = [w for w in value if not _ITEM.fullmatch(w)]
        if not isinstance(value, (list, frozenset)) or not all(isinstance(v, str) for v in value):
            return None
        known = {a.lower(): a for a in self.allowed}
        bare = [v.strip().strip("'\"`").strip() for v in value]
        return frozenset(known.get(b.lower(), b) for b in bare if b)

    def same(self, value: Any, reference: Any) -> bool:
        return isinstance(value, (list, frozenset)) and _set(value) == _set(reference)

    def problem(self, value: Any) -> str:
        found = _set(value)
        if found is None:
            return f"got {said(value)}"
        strange = sorted(found - set(self.allowed))
        return (
            f"{said(strange[0])} is no {self.noun}; there are {', '.join(self.allowed)}"
            if strange
            else ""
        )

    def part(self, value: Any, reference: Any) -> tuple[str, str]:
        """Say one sentence of each word that is missing or too many."""
        have, want = _set(value), _set(reference)
        if have is None or want is None or have - set(self.allowed):
            return "", ""
        wrong = [w for w in self.allowed if (w in have) != (w in want)]
        told = [f"`{w}`: {self.reasons[w].says}" for w in wrong if w in self.reasons and w in have]
        missing = sum(w in want for w in wrong)
        told += (
            [f"{missing} more {'belongs' if missing == 1 else 'belong'} to it."] if missing else []
        )
        extra = [w for w in wrong if w in have and w not in self.reasons]
        told += (
            [
                f"{len(extra)} of yours does not belong to it."
                if len(extra) == 1
                else f"{len(extra)} of yours do not belong to it."
            ]
            if extra
            else []
        )
        codes = [self.reasons[w].code for w in wrong if w in have and w in self.reasons]
        return next((c for c in codes if c), "other"), " ".join(told)

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        want = _set(reference) or frozenset()
        seen: dict[str, Slip] = {}
        for word, reason in self.reasons.items():
            if reason.code and word not in want and reason.code not in seen:
                seen[reason.code] = Slip(
                    reason.code,
                    f"`{word}`: {reason.says}",
                    lambda facts, word=word: want | {word},  # type: ignore[misc]
                    holds=reason.holds,
                )
        return tuple(seen.values())


def names_in(value: Any) -> frozenset[str]:
    """Return the words in a plain answer that is a set or list; none for any other."""
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, (list, frozenset))
        else frozenset()
    )


def _set(value: Any) -> frozenset[str] | None:
    if isinstance(value, (list, frozenset)) and all(isinstance(v, str) for v in value):
        return frozenset(v.strip() for v in value)
    return None


@dataclass(frozen=True)
class Pairing(Judge):
    """A dictionary that gives each of `keys` one letter of `options`. `about` says of a key what
    helps when its letter is wrong.
    """

    keys: tuple[str, ...]
    options: Mapping[str, Option] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    lenient = True

    def lettered(self, order: Sequence[str]) -> Pairing:
        """Return the pairing with its options in another order, and letters in that order."""
        return replace(
            self, options={k: self.options[old] for k, old in zip(LETTERS, order, strict=False)}
        )

    def readings(self, value: Any) -> list[Reading]:
        out = [Reading(value)]
        for reading in unwrapped(value):
            found = self._paired(reading.value)
            if found is not None:
                out.append(reading.but(found))
        return out

    def _paired(self, value: Any) -> dict[Any, Any] | None:
        if isinstance(value, list) and value and all(_pair(v) for v in value):
            value = dict(value)
        if isinstance(value, str):
            value = self._written(value)
        if not isinstance(value, dict):
            return None
        known = {_words_of(k): k for k in self.keys}
        if value and all(isinstance(v, str) and _words_of(v) in known for v in value.values()):
            value = {v: k for k, v in value.items()}
        return {
            known.get(_words_of(k), k) if isinstance(k, str) else k: self._chosen(v)
            for k, v in value.items()
        }

    def _chosen(self, value: Any) -> Any:
        if isinstance(value, (list, frozenset)) and len(value) == 1:
            value = next(iter(value))
        return (_letter(value, self.options) or value) if isinstance(value, str) else value

    def _written(self, text: str) -> dict[str, str] | None:
        """Return the pairs that a text lists, each key with what follows a colon, an equals
        sign, an arrow or a comma; None where a key is not there exactly once.
        """
        out = {}
        for key in self.keys:
            name = re.escape(key).replace(r"\ ", r"[ _-]")
            found = re.findall(rf"(?i)(?<!\w){name}\W{{1,6}}([a-h])(?!\w)", text[:2000])
            if len(found) != 1:
                return None
            out[key] = found[0]
        return out

    def problem(self, value: Any) -> str:
        if not isinstance(value, dict):
            return f"got {said(value)}, which is not a dictionary"
        missing = [k for k in self.keys if k not in value]
        if missing:
            return f"{missing[0]!r} has no answer"
        strange = [said(k) for k in value if k not in self.keys]
        strange = strange or [
            said(v)
            for v in value.values()
            if not isinstance(v, str) or not _letter(v, self.options)
        ]
        return (
            f"{strange[0]} is not one of {', '.join((*self.keys, *self.options))}"
            if strange
            else ""
        )

    def part(self, value: Any, reference: Any) -> tuple[str, str]:
        """Name the first wrong pair."""
        if self.problem(value):
            return "", ""
        wrong = [k for k in self.keys if value[k] != reference[k]]
        first = wrong[0]
        chosen = self.options[value[first]].text
        more = f" {len(wrong) - 1} more to look at after that." if len(wrong) > 1 else ""
        about = f" {self.about[first]}" if first in self.about else ""
        return "other", f"The first wrong pair: {first!r} is not *{chosen}*.{about}{more}"


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)
