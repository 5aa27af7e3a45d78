"""Forms of answer that choose: one letter, or words out of a set; each says what a wrong choice
means. Pairs of both are in `pairing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unicodedata import normalize

from casnb.teach.course.answers import said
from casnb.teach.course.judges import Judge, Option
from casnb.teach.course.slips import Slip
from casnb.teach.course.spelling import QUOTE_MARKS, Reading, unwrapped

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
            if isinstance(reading.value, str) and (
                letter := letter_of(reading.value, self.options)
            ):
                out.append(reading.but(letter))
        return out

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        return tuple(
            Slip(o.code, o.message, lambda facts, k=k: k, holds=o.holds)  # type: ignore[misc]
            for k, o in self.options.items()
            if o.code
        )

    def problem(self, value: Any) -> str:
        known = isinstance(value, str) and letter_of(value, self.options)
        return "" if known else f"got {said(value)}, and the choices are {', '.join(self.options)}"


#: A letter with its bracket, dash or reason behind it, and words that may stand before a letter.
_LETTERED = re.compile(
    r"(?:option|answer|letter|choice)?\s*[(\[/]?([a-h])(?:\s*[])/.:,;\N{EN DASH}\N{EM DASH}-]+\s*.*"
    r"|\s+(?:because|since|as|for)\b.*)",
    re.S | re.I,
)


def letter_of(value: str, options: Mapping[str, Option]) -> str:
    """Return the letter that a text stands for: with its bracket, with words behind it, or the
    words alone, also cut short; empty for no letter.
    """
    value = normalize("NFKC", value)
    bare = value.strip().strip(f"()[]{{}}<>/.:,;!?*{QUOTE_MARKS}").strip()
    if bare.lower() in options:
        return bare.lower()
    words = words_of(value)
    texts = {k: words_of(o.text) for k, o in options.items()}
    for known in (words, words[2:] if words[1:2] == " " else ""):
        if same := [k for k, text in texts.items() if known and text == known]:
            return same[0]
    if (found := _LETTERED.fullmatch(bare)) and found[1].lower() in options:
        others = [w.strip(".,;:()!?").lower() for w in bare[found.end(1) :].split()]
        if len(others) > 4 or not any(w in options for w in others):
            return found[1].lower()
    begun = [k for k, text in texts.items() if len(words) >= 20 and text.startswith(words)]
    return begun[0] if len(begun) == 1 else ""


def words_of(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


#: What stands before an item of a list: a bullet or a number.
_ITEM = re.compile(r"[-*+\N{BULLET}\N{MIDDLE DOT}]|\(?\d{1,2}[.)]")


#: Words of a sentence that lists others, in the languages of the course's readers.
_JOINING = frozenset(
    (
        *("and", "und", "et", "y", "e", "or", "as", "well", "also", "plus", "then", "both", "all"),
        *("the", "they", "are", "is", "it", "these", "those", "this", "my", "answer", "i", "think"),
        *("so", "only", "just", "name", "names", "check", "checks", "value", "waived"),
        *("set", "frozenset", "list", "tuple", "dict", "true", "yes", "t", "o"),
    )
)
_NOTHING = frozenset(("none", "nothing", "empty", "set()", "[]", "{}", "()", "-", "frozenset()"))


#: Values with which a dictionary leaves a word out.
_LEFT_OUT = (False, None, 0, "", "no", "n", "false", "off", "none", "passed", "not run", "not-run")


def _chosen_keys(words: Mapping[Any, Any]) -> list[Any]:
    """Return the keys that a dictionary chooses; all of them where it says None of each."""
    low = {k: v.strip().lower() if isinstance(v, str) else v for k, v in words.items()}
    if all(v is None for v in low.values()):
        return list(low)
    return [
        k
        for k, v in low.items()
        if not any(v is x or (v == x and type(v) is type(x)) for x in _LEFT_OUT)
    ]


def only(value: Any) -> Any:
    """Return what is in a list of one, and bytes as text."""
    if isinstance(value, (list, frozenset)) and len(value) == 1:
        value = next(iter(value))
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    return value


def _bare(text: str) -> str:
    """Return a word without the quotes, marks and stops around it."""
    return normalize("NFKC", text).strip(f" \t\r\n*.:;,!?{QUOTE_MARKS}")


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
            kept = _chosen_keys(value)
            if kept and all(isinstance(k, int) for k in kept):
                kept = list(value.values())
            value = kept if all(isinstance(k, str) for k in kept) else None
        if isinstance(value, str):
            value = self._in_prose(value)
        if isinstance(value, list):
            value = [only(v) for v in value]
        if not isinstance(value, (list, frozenset)) or not all(isinstance(v, str) for v in value):
            return None
        known = {words_of(a): a for a in self.allowed}
        bare = [_bare(v) for v in value]
        return frozenset(known.get(words_of(b), b) for b in bare if b)

    def _in_prose(self, text: str) -> list[str]:
        """Return the words that a text lists. Only where all that is left over are words that join
        are they read out of a sentence: in any other a *not* may stand.
        """
        if text.strip().lower() in _NOTHING:
            return []
        marks = "".join(c for c in "/|+&" if not any(c in a for a in self.allowed))
        rest, found = text, []
        for word in sorted(self.allowed, key=len, reverse=True):
            pattern = re.escape(word).replace("\\-", "[-_ \N{NON-BREAKING HYPHEN}]")
            rest, times = re.subn(rf"(?i)(?<![\w-]){pattern}(?![\w-])", " ", rest)
            found += [word] * bool(times)
        if found and set(re.findall(r"[^\W\d_]+", rest.lower())) <= _JOINING:
            return found
        value = [w for w in re.split(rf"[\s,;{marks}]+|\band\b", text) if w]
        return [w for w in value if not _ITEM.fullmatch(w)]

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
