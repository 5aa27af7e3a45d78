"""A form of answer that pairs: a dictionary that gives each key one letter of the options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unicodedata import normalize

from casnb.teach.course.answers import said
from casnb.teach.course.choices import LETTERS, letter_of, only, words_of
from casnb.teach.course.judges import Judge, Option
from casnb.teach.course.spelling import Reading, unwrapped


def _tight(text: str) -> str:
    return text.replace(" ", "").lower()


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
        if isinstance(value, list):
            value = self._gathered([only(v) for v in value])
        if isinstance(value, str):
            value = self._written(normalize("NFKC", value))
        if not isinstance(value, dict):
            return None
        pairs = [(only(k), only(v)) for k, v in value.items()]
        if pairs and all(isinstance(v, str) and self._key(v) for _, v in pairs):
            pairs = [(v, k) for k, v in pairs]
        return {(self._key(k) or k) if isinstance(k, str) else k: self._chosen(v) for k, v in pairs}

    def _key(self, text: str) -> str:
        """Return the key that a text stands for, with an article, a plural or without spaces."""
        known = {_tight(k): k for k in self.keys}
        bare = re.sub(r"^(?:the|a|an) ", "", words_of(text))
        forms = (words_of(text), bare, bare.removesuffix("s"))
        return next((known[_tight(f)] for f in forms if _tight(f) in known), "")

    def _gathered(self, value: list[Any]) -> dict[Any, Any] | None:
        """Return the pairs of a list: of pairs, of small dictionaries, or of one letter for each
        key in the order of the keys.
        """
        if value and all(_pair(v) for v in value):
            return dict(value)
        if value and all(isinstance(v, dict) and len(v) in (1, 2) for v in value):
            rows = [next(iter(v.items())) if len(v) == 1 else [*v.values()] for v in value]
            return dict(rows) if all(isinstance(k, str) for k, _ in rows) else None
        if len(value) == len(self.keys) and all(
            isinstance(v, str) and letter_of(v, self.options) for v in value
        ):
            return dict(zip(self.keys, value, strict=True))
        return None

    def _chosen(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for reading in unwrapped(value):
            if isinstance(reading.value, str) and (
                letter := letter_of(reading.value, self.options)
            ):
                return letter
        return value

    def _written(self, text: str) -> dict[str, str] | None:
        """Return the pairs that a text lists: a letter or its sentence behind each key or before
        it, or the letters alone in the order of the keys; None where a key is not there exactly
        once.
        """
        text = text[:4000]
        sentences = {re.escape(o.text.rstrip(".")): k for k, o in self.options.items()}
        beside = "|".join(("[a-h]", *sorted(sentences, key=len, reverse=True)))
        keys = [(k, re.escape(k).replace(r"\ ", r"[ _-]?")) for k in self.keys]
        for form in (
            r"(?i)(?<![\w-]){key}s?(?:\W{{1,6}}|\s+is\s+)(?:option )?({beside})(?!\w)",
            r"(?i)(?<!\w)({beside})\W{{1,6}}(?:the )?{key}(?![\w-])",
        ):
            out = {}
            for key, name in keys:
                found = re.findall(form.format(key=name, beside=beside), text)
                if len(found) == 1 and not re.search(r"(?i)\bor [a-h]\b", text):
                    out[key] = sentences.get(re.escape(found[0]), found[0])
            if len(out) == len(self.keys):
                return out
        letters = re.sub(r"[\s,;/]+", "", text).lower()
        if len(letters) == len(self.keys) and all(c in self.options for c in letters):
            return dict(zip(self.keys, letters, strict=True))
        return None

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
            if not isinstance(v, str) or not letter_of(v, self.options)
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
