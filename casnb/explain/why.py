"""What a message means, whoever printed it: SCONE's own, casnb's, and those of TLS tools.

A message has several lines, and the innermost says why. So the last line that a row of the table
knows counts; lines that only say that something failed count where there is no other. What is a
remark or a hint counts less than what is an error, because anybody can have written it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from casnb.base.errors import neutral
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE, CheckSpec
from casnb.explain.messages import MESSAGES
from casnb.policy.advisories import lookup
from casnb.tls.diagnoses import DIAGNOSES
from casnb.tls.diagnosis import Diagnosis, Wording
from casnb.tls.tls_errors import MESSAGE_LIMIT, Explanation, explain_tls_error, telling

_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
#: Where one line ends and another begins, also where a paste, a JSON string or a shell joined them.
_BREAKS = re.compile(
    r"\r?\n|\\n|\r|(?=\bCaused by: )|(?=\bError \d{1,3} of \d{1,3}: )|(?=\bNote: )"
)
_REMARK = re.compile(r"\W{0,4}(?:note|hint|help|for more information)\b", re.IGNORECASE)
_CHECK = re.compile(r"\bcheck ([a-z][a-z0-9-]{2,40}) (failed|could not be made)", re.IGNORECASE)
_OWN_FORM = re.compile(
    r"(?P<about>[^\n]{1,300}?): got (?P<got>[^\n]{1,400}?), wanted (?P<wanted>[^\n]{1,400}?)"
    r"\.(?:\s+(?P<do>[^\n]{1,500}))?$"
)
_ADVISORY = re.compile(r"INTEL-SA-\d{5}")
_WORD = re.compile(r"[a-z]{3,}")
#: Words that say nothing of what a message is about.
_COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "was",
        "were",
        "are",
        "has",
        "had",
        "have",
        "not",
        "but",
        "that",
        "this",
        "from",
        "into",
        "its",
        "error",
        "caused",
        "warn",
        "warning",
        "info",
        "debug",
        "note",
        "scone",
        "line",
        "column",
        "please",
    ]
)
#: Lines of a message that are looked at, from its end.
_MOST_LINES = 400
#: An unusual wording is taken for a known one from this share of its words on, and so many words.
_SHARE, _LEAST_WORDS = 0.7, 4
#: A piece of a known message is recognised from so many characters on.
_LEAST_PIECE = 14


def explain_message(text: str) -> Explanation:
    """Say what a message means: cause, cure, what the refusal protects from, whom the quick cure
    lets in.

    Timestamps, log levels, colours and `Caused by:` before it do not matter. What casnb does not
    know it says it does not know; an unusual wording that is close to one known message is
    explained as that one, and `read_as` says so.

    >>> explain_message("Caused by: Session already exists").diagnosis.id
    'session-exists'
    """
    text = _COLOUR.sub("", text[:MESSAGE_LIMIT])
    lines = [" ".join(line.split()) for line in _BREAKS.split(text)]
    lines = [line for line in lines if line][-_MOST_LINES:]
    found = list(_known(lines)) or list(_known([" ".join(text.split())]))
    if telling_ones := [f for f in found if f.diagnosis and not f.diagnosis.parent]:
        return _with_more(telling_ones, text)
    connection = explain_tls_error(text)
    if connection.known:
        return connection
    flat = " ".join(text.split())
    return (
        (_with_more(found, text) if found else None)
        or _by_cause(flat)
        or _own_form(lines)
        or _close_to(lines)
        or connection
    )


def _known(lines: list[str]) -> Iterator[Explanation]:
    """Yield what the table knows of these lines, the last line first; remarks after all others."""
    remarks = [line for line in lines if _REMARK.match(line)]
    rest = [line for line in lines if not _REMARK.match(line)]
    for line in (*reversed(rest), *reversed(remarks)):
        if found := _row(line):
            yield found


def _row(line: str) -> Explanation | None:
    parent = None
    for diagnosis in MESSAGES.values():
        if diagnosis.parent and parent is not None:
            continue
        for wording in diagnosis.wordings:
            if match := wording.regex.search(line):
                details = tuple(
                    (name.rstrip("_"), neutral(value, 120))
                    for name, value in match.groupdict().items()
                    if value
                )
                found = Explanation(telling(line, match.start()), diagnosis, wording, details)
                if not diagnosis.parent:
                    return found
                parent = found
                break
    if match := _CHECK.search(line):
        spec = CATALOGUE.get(match[1].lower()) or BUILD_CHECKS.get(match[1].lower())
        if spec is not None:
            return Explanation(
                telling(line, match.start()),
                _of_check(spec, match[2].lower() == "failed"),
                Wording("casnb", match[0]),
            )
    return parent


def _of_check(spec: CheckSpec, failed: bool) -> Diagnosis:
    """Make a row of a check of the catalogue, so that each of them is known by its id."""
    return Diagnosis(
        f"check-{spec.id}",
        f"the check {spec.id} {'failed' if failed else 'could not be made'}: {spec.title}",
        f"it compares {spec.compares}; "
        + ("they are not what is wanted" if failed else "something that it needs is missing"),
        (
            "Look at the row in full with casnb verify, which shows what was found and what was"
            " wanted. casnb flags says whether any flag would waive it, and at what price"
            if failed
            else "Give what the reason beside it names: lists, a nonce, an expected value. What"
            " nobody asked is not passed"
        ),
        spec.attack,
        (),
        source=spec.source,
        page=("checks", spec.id),
    )


def _with_more(found: list[Explanation], text: str) -> Explanation:
    """Return the first, which is the innermost, with the others named and advisories looked up."""
    first = found[0]
    assert first.diagnosis is not None
    others = dict.fromkeys(f.diagnosis for f in found[1:] if f.diagnosis)
    others.pop(first.diagnosis, None)
    details = first.details
    if first.diagnosis.id.startswith(("tcb-", "advisory")):
        details += tuple(
            (id, neutral(what, 200)) for id, what in lookup(_ADVISORY.findall(text))[:6]
        )
    return replace(first, details=details, also=tuple(d for d in others if not d.parent)[:4])


def _by_cause(flat: str) -> Explanation | None:
    """Recognise casnb's own words for what goes wrong in a connection."""
    for diagnosis in (*DIAGNOSES.values(), *MESSAGES.values()):
        for words in (diagnosis.cause, diagnosis.title):
            at = flat.find(words[:80])
            if at >= 0 and len(words) >= _LEAST_PIECE:
                return Explanation(telling(flat, at), diagnosis, Wording("casnb", words))
    return None


def _own_form(lines: list[str]) -> Explanation | None:
    """Read a message in casnb's own form, which carries its cure; the last of them counts."""
    for line in reversed(lines):
        if match := _OWN_FORM.search(line.removeprefix("Caused by: ").removeprefix("Error: ")):
            about, got = neutral(match["about"], 160), neutral(match["got"], 200)
            return Explanation(
                neutral(line, 240),
                Diagnosis(
                    "own",
                    "a message of casnb's own",
                    f"{about}: {got} was found where {neutral(match['wanted'], 200)} is wanted",
                    neutral(match["do"] or "Give what is wanted", 300).rstrip("."),
                    "going on with something else than what was asked for",
                    (),
                    page=(),
                ),
                Wording("casnb", "got ..., wanted ..."),
            )
    return None


@cache
def _samples() -> Mapping[str, tuple[Diagnosis, frozenset[str]]]:
    return {
        " ".join(w.sample.lower().split()): (d, frozenset(_words(w.sample)))
        for d in (*MESSAGES.values(), *DIAGNOSES.values())
        for w in d.wordings
    }


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON


def _close_to(lines: list[str]) -> Explanation | None:
    """Take a message that is a piece of one known message, or has most of its words, for that
    one; None where none is near, or two are.
    """
    for line in reversed(lines[-20:]):
        behind = line.lower().split(": ")
        pieces = {": ".join(behind[n:]).strip(" .\u2026'\"`") for n in range(min(len(behind), 6))}
        pieces = {piece for piece in pieces if len(piece) >= _LEAST_PIECE}
        said = _words(line)
        near: dict[str, tuple[float, Diagnosis]] = {}
        for sample, (diagnosis, words) in _samples().items():
            if any(piece in sample and 4 * len(piece) >= len(sample) for piece in pieces):
                share = 1.0
            elif len(words) >= _LEAST_WORDS and len(said) <= 3 * len(words):
                share = len(words & said) / len(words)
            else:
                continue
            if share >= _SHARE:
                near[sample] = (share, diagnosis)
        best = max((share for share, _ in near.values()), default=0.0)
        top = {d.id: (s, d) for s, (share, d) in near.items() if share == best}
        if len(top) == 1:
            sample, diagnosis = next(iter(top.values()))
            return Explanation(neutral(line, 240), diagnosis, read_as=sample)
    return None
