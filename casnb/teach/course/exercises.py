"""The exercises there are, chapter by chapter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple

from casnb.base.errors import UsageError
from casnb.teach.course.exercise import Exercise


class Chapter(NamedTuple):
    """A chapter: the module with its tuple `EXERCISES`, and the scenario that its lab plays.

    Its notebook bears the module's name. `second` is the name of another one, for a chapter of two
    parts, and `asks` are the exercises that are asked there.
    """

    module: str
    scenario: str = "public"
    second: str = ""
    asks: tuple[str, ...] = ()


#: One data module per chapter, each with a tuple `EXERCISES`.
CHAPTERS: Mapping[str, Chapter] = {
    "00": Chapter("start_here"),
    "01": Chapter("scrape_mrenclave"),
    "02": Chapter("decode_the_report"),
    "03": Chapter("attest_and_flags"),
    "04": Chapter("use_the_certificate"),
    "05": Chapter(
        "policies_and_namespaces",
        second="05-public-and-private",
        asks=("05.full-name", "05.creator", "05.which-session", "05.head", "05.readers"),
    ),
    "06": Chapter("meet_mallory"),
    "07": Chapter("production", "production"),
    "08": Chapter("measure_an_enclave", "production"),
}


@cache
def catalogue() -> Mapping[str, Exercise]:
    """Return every exercise by its id, chapter by chapter."""
    out: dict[str, Exercise] = {}
    for chapter, (module, *_) in CHAPTERS.items():
        for exercise in import_module(f"casnb.teach.course.{module}").EXERCISES:
            if exercise.id in out or exercise.chapter != chapter:
                raise UsageError(
                    "exercise", got=exercise.id, wanted=f"an id of chapter {chapter}, once"
                )
            out[exercise.id] = exercise
    return out


def book_of(id: str) -> str:
    """Return the name of the notebook that asks an exercise, without its suffix."""
    number = id.partition(".")[0]
    chapter = CHAPTERS[number]
    if id in chapter.asks:
        return chapter.second
    return f"{number}-{chapter.module.replace('_', '-')}"


def exercise(id: str) -> Exercise:
    """Return the exercise with this id, or raise UsageError that lists those there are."""
    found = catalogue().get(id) if isinstance(id, str) else None
    if found is None:
        raise UsageError("exercise", got=id, wanted="one of " + ", ".join(catalogue()))
    return found


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """Return the exercises of one chapter, named '01' or '01-scrape-mrenclave'."""
    return tuple(e for e in catalogue().values() if e.chapter == chapter[:2])
