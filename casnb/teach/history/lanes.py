"""Who ever saw a value: versions as columns, people as lanes. What was read once may have been
kept, so closing a policy ends no lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casnb.base.errors import neutral
from casnb.base.view import cell, scrolling, short, style
from casnb.session.readers import Readers, said

#: What the picture needs beside the base style.
STYLE = style("lanes", Path(__file__).parent)
#: So many versions have a column, the newest ones.
MOST_COLUMNS = 12
#: State of one person while one version was current: the words of its bar.
STATES = {
    "reads": "can read it",
    "has": "may still have it",
    "never": "never",
    "before": "",
}


@dataclass(frozen=True)
class Subject:
    """One value: the name of a secret, and the first version in which it has this value; without a
    name the text of that version.
    """

    version: int
    name: str = ""

    @property
    def words(self) -> str:
        return f"{self.name} of version {self.version}" if self.name else f"text of {self.version}"


def subjects(readers: Readers) -> tuple[Subject, ...]:
    """Return each value once, in the order of the versions that gave it, then each text."""
    seen: dict[tuple[str, object], Subject] = {}
    for v in readers.history.versions:
        for secret in v.session.secrets:
            value = secret.name, readers.identity(v.number, secret.name)
            seen.setdefault(value, Subject(v.number, secret.name))
    texts = [Subject(v.number) for v in readers.history.versions]
    return (*seen.values(), *texts)


def times(readers: Readers, subject: Subject, who: str) -> tuple[int, ...]:
    """Return the versions during which somebody could read it."""
    if subject.name:
        return readers.secret(subject.version, subject.name, who)
    return readers.text(subject.version, who)


def telling(readers: Readers) -> Subject:
    """Return the value that teaches most: one that somebody could read and no longer can, else the
    newest one.
    """
    last = readers.history.current.number
    every = subjects(readers)
    for subject in every:
        for who in readers.people:
            could = times(readers, subject, who)
            if subject.name and could and last not in could:
                return subject
    values = [s for s in every if s.name]
    return (values or list(every))[-1]


def states(readers: Readers, subject: Subject, who: str) -> list[str]:
    """Return a key of `STATES` for each version, in order."""
    could, out = times(readers, subject, who), []
    for v in readers.history.versions:
        if v.number < subject.version:
            out.append("before")
        elif v.number in could:
            out.append("reads")
        else:
            out.append("has" if any(n < v.number for n in could) else "never")
    return out


def headline(readers: Readers, subject: Subject) -> tuple[str, str]:
    """Return a summary in one sentence, and whether it is `rejected` (kept by somebody who no
    longer may read it), `accepted-with-waivers` (open to somebody now), or `trustworthy`.
    """
    last, what = readers.history.current.number, subject.words
    could = {who: times(readers, subject, who) for who in readers.people}
    late = {who: t for who, t in could.items() if t and last not in t}
    now = [who for who, t in could.items() if last in t]
    if late:
        alike: dict[tuple[int, ...], list[str]] = {}
        for who, t in late.items():
            alike.setdefault(t, []).append(neutral(who, 40))
        told = "; ".join(
            f"{_and(names)} could read it while version {said(t, last)} was the current one"
            for t, names in alike.items()
        )
        return (
            f"Closing came too late for {neutral(what, 80)}: {told}, and may still have it.",
            "rejected",
        )
    if now:
        names = _and([neutral(who, 40) for who in now])
        return f"{names[:1].upper()}{names[1:]} can read {neutral(what, 80)} now.", (
            "accepted-with-waivers"
        )
    return f"Nobody in this table could ever read {neutral(what, 80)}.", "trustworthy"


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else "".join(names)


def _policy(entries: Sequence[object]) -> str:
    words = [short(neutral(e, 64)) if isinstance(e, str) else "a rule" for e in entries]
    return ", ".join(words[:3]) + (", ..." if words[3:] else "") or "nobody"


def render_lanes(readers: Readers, subject: Subject) -> str:
    """Return headline and lanes; each bar says its state in words, and differs in more than
    colour.
    """
    words, verdict = headline(readers, subject)
    versions = readers.history.versions
    shown = versions[-MOST_COLUMNS:]
    skipped = len(versions) - len(shown)
    last = readers.history.current.number
    head = "".join(
        f'<th scope="col">version {v.number}{", now" if v.number == last else ""}<br>'
        f"<code>{cell(short(v.hash, 10))}</code><br>"
        f"read: {cell(_policy(v.session.entries('read')), 120)}</th>"
        for v in shown
    )
    rows = []
    for who in readers.people:
        lane = states(readers, subject, who)[skipped:]
        cells = "".join(
            f'<td class="{state}" data-label="version {v.number}"><span>{STATES[state]}</span></td>'
            for v, state in zip(shown, lane, strict=True)
        )
        rows.append(f'<tr><th scope="row">{cell(who, 60)}</th>{cells}</tr>')
    older = f" Of {len(versions)} versions the last {len(shown)}." if skipped else ""
    table = (
        f'<table class="lanes stacks"><caption>Who could read {cell(subject.words, 120)}, while'
        f" which version was current.{older}</caption><thead><tr>"
        f'<th scope="col">who</th>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )
    return f'<div class="verdict" data-verdict="{verdict}">{cell(words, 700)}</div>' + scrolling(
        "Who could read it", table
    )


def lanes_text(readers: Readers, subject: Subject) -> str:
    """Return the same as text: the headline, and a line for each person."""
    out = [headline(readers, subject)[0]]
    for who in readers.people:
        lane = zip(readers.history.versions, states(readers, subject, who), strict=True)
        told = [f"{v.number} {STATES[state]}" for v, state in lane if STATES[state]]
        out.append(f"  {neutral(who, 40)}: {', '.join(told[-MOST_COLUMNS:])}")
    return "\n".join(out)
