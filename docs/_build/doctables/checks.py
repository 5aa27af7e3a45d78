"""Statuses, checks, advisories and flags as Markdown: documentation made of the rows that judge
and explain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from casnb.base.errors import UsageError
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE, CheckSpec
from casnb.checks.unasked import QUESTIONS
from casnb.measure import program as enclave
from casnb.policy.advisories import ADVISORIES
from casnb.policy.flags import BY_NAME, FLAGS, NEWER, options
from casnb.policy.translation import TOOLS, WORDS, crosswalk
from casnb.verify.tcb import TcbStatus
from doctables.fields import markdown_table as field_table

_BLOCK = re.compile(r"<!-- begin ([a-z]+) -->\n.*?<!-- end \1 -->", re.DOTALL)


def statuses() -> str:
    """Return one row a status: its spellings, meaning, who must act, what is left to you, the
    flags that accept it.
    """
    return markdown_table(
        ("DCAP", "IAS", "means", "who must act", "you", "accepted by"),
        (
            (
                f"`{s.dcap_name}`",
                f"`{s.ias_name}`" if s.ias_name else "no such status",
                s.meaning,
                s.who_acts,
                s.you_act,
                f"`{options(tuple(s.needs))}`"
                if s.waivable
                else "nothing to accept"
                if s is TcbStatus.UP_TO_DATE
                else "no flag",
            )
            for s in TcbStatus
        ),
    )


def checks() -> str:
    """Return one row a check, in the order of every result."""
    return _checks(CATALOGUE.values())


def questions() -> str:
    """Return one row for each thing that a verdict can leave open."""
    return markdown_table(
        ("not asked", "what is then open", "checks that answer it", "how to ask"),
        (
            (f"`{q.id}`", q.words, ", ".join(f"`{c}`" for c in q.checks) or "none", q.asked_by)
            for q in QUESTIONS.values()
        ),
    )


def build() -> str:
    """Return one row a check of a measurement, in the order of every result."""
    return _checks((*BUILD_CHECKS.values(), CATALOGUE["mrenclave"]))


def _checks(rows: Iterable[CheckSpec]) -> str:
    return markdown_table(
        ("check", "holds when", "compares", "source", "stops"),
        ((f"`{c.id}`", c.title, c.compares, c.source, c.attack) for c in rows),
    )


def advisories() -> str:
    """Return one row an advisory on record."""
    return markdown_table(
        ("advisory", "about", "CVE", "goes with", "date", "confirmed by"),
        (
            (
                f"[{a.id}]({a.url})",
                a.title,
                ", ".join(a.cves) or "none on record",
                ", ".join(f"`{s}`" for s in a.statuses),
                a.date or "none on record",
                a.source,
            )
            for a in ADVISORIES.values()
        ),
    )


def insecure() -> str:
    """Return one section an insecure flag: what it waives and needs, who gains what, the mildest
    use, holes it accepts, source.
    """
    out = []
    for f in (*FLAGS, *NEWER):
        holes = [f"{a} of {ADVISORIES[a].date}, {ADVISORIES[a].title}" for a in f.advisories]
        accepts = [f"- **accepts**: {f.ias or 'nothing'} (IAS); {f.dcap} (DCAP)"] if f.dcap else []
        out += [
            f"### `{f.option}`" + (f", `--{f.name}`" if f.short else ""),
            "",
            f.help,
            "",
            f"- **waives**: {', '.join(f'`{c}`' for c in f.waives)}",
            f"- **needs**: {f.needs or 'no other flag'}",
            *accepts,
            f"- **lets in**: {f.who}. {f.gains}",
            *(["- **published holes**: " + "; ".join(holes)] if holes else []),
            f"- **mildest use**: {f.mildest}",
            f"- **source**: {f.source}",
            "",
        ]
    return "\n".join(out).rstrip()


def elsewhere() -> str:
    """Return the crosswalk: one row an idea, one column a tool."""
    return markdown_table(
        ("idea", *(heading for heading, _ in TOOLS.values())),
        ((row.name, *(str(getattr(row, tool)) for tool in TOOLS)) for row in crosswalk()),
    )


def tools() -> str:
    """Return where each tool's words are written down."""
    return markdown_table(("tool", "source"), TOOLS.values())


def words() -> str:
    """Return one row a word of a session's `tolerate`."""
    return markdown_table(
        ("word", "flag", "to know"),
        (
            (f"`{w.name}`", f"`{BY_NAME[w.flag].option}`" if w.flag else "none", w.note)
            for w in WORDS.values()
        ),
    )


TABLES: Mapping[str, Callable[[], str]] = {
    "statuses": statuses,
    "checks": checks,
    "questions": questions,
    "advisories": advisories,
    "insecure": insecure,
    "elsewhere": elsewhere,
    "tools": tools,
    "words": words,
    "build": build,
    "header": lambda: field_table(enclave.HEADER),
    "segment": lambda: field_table(enclave.SEGMENT),
}


def fill(text: str, tables: Mapping[str, Callable[[], str]] = TABLES) -> str:
    """Return a Markdown page with every block `<!-- begin NAME -->` to `<!-- end NAME -->` made
    again; raise UsageError for a name that is none of `tables`.
    """

    def made(match: re.Match[str]) -> str:
        if match[1] not in tables:
            raise UsageError("table", got=match[1], wanted="one of " + ", ".join(tables))
        return f"<!-- begin {match[1]} -->\n{tables[match[1]]()}\n<!-- end {match[1]} -->"

    return _BLOCK.sub(made, text)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
