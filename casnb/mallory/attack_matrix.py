"""The matrix: every attack run against every defence of a list, and what stopped it where."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell
from casnb.checks.result import CATALOGUE
from casnb.mallory.defence import HABITS, USUAL, Defence
from casnb.mallory.story import REFUSALS, Outcome

_IGNORE = "--only_for_testing-ignore-signer"
_DEBUG = f"--only_for_testing-debug {_IGNORE}"
_ANY = f"{_DEBUG} --only_for_testing-trust-any"

#: Flag sets that people use, the strict one first; `careful` takes every precaution.
FLAG_SETS: Mapping[str, Defence] = {
    "no flag": Defence.of(),
    "MRENCLAVE of the page": Defence.of(add=("page-value",)),
    "-G": Defence.of("-G"),
    "-C": Defence.of("-C"),
    "-S": Defence.of("-S"),
    "ignore-signer": Defence.of(_IGNORE),
    "debug, ignore-signer": Defence.of(_DEBUG),
    "the assignment's: -G, debug, ignore-signer": Defence.of(f"-G {_DEBUG}"),
    "the page's: -GCS, debug, ignore-signer": Defence.of(f"-GCS {_DEBUG}"),
    "trust-any, debug, ignore-signer": Defence.of(_ANY),
    "all six": Defence.of(f"-GCS {_ANY}"),
    "no flag, every precaution": Defence.of(add=HABITS.keys() - USUAL),
}
#: No flag, and one usual habit missing; without a reference value of one's own, the signer is
#: ignored too: else it would stop all.
HABIT_SETS: Mapping[str, Defence] = {
    f"without {name}": Defence.of(_IGNORE if name == "reference" else "", skip=(name,))
    for name in HABITS
    if name in USUAL
}

IN = "IN"
_GOT_IN = f'<td><span class="s s-failed">{IN}</span></td>'


def brief(by: str) -> str:
    """Return what stopped an attack in at most five letters, for narrow columns."""
    spec, refusal = CATALOGUE.get(by), REFUSALS.get(by)
    return (spec and spec.short) or (refusal and refusal.short) or by


@dataclass(frozen=True)
class AttackMatrix(Shown):
    """`stopped[attack][column]` is the id of what stopped it, empty where Mallory got in. Rows
    and columns keep their order.
    """

    columns: Mapping[str, Defence]
    stopped: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(
        cls, columns: Mapping[str, Defence], outcomes: Sequence[Sequence[Outcome]]
    ) -> AttackMatrix:
        """Make a matrix of outcomes, a row for each attack."""
        return cls(
            columns,
            {
                row[0].attack.name: {c: o.stopped_by for c, o in zip(columns, row, strict=True)}
                for row in outcomes
            },
        )

    def __getitem__(self, key: tuple[str, str]) -> str:
        """Return what stopped an attack in a column; raise UsageError where there is no such
        cell.
        """
        name, column = key
        if name not in self.stopped or column not in self.columns:
            raise UsageError(
                "matrix cell",
                got=f"{name}, {column}",
                wanted="an attack and a column of this matrix",
            )
        return self.stopped[name][column]

    def let_in(self, column: str) -> tuple[str, ...]:
        """Return the attacks that get in against one defence."""
        return tuple(name for name, row in self.stopped.items() if not row[column])

    def to_json(self) -> dict[str, Any]:
        """Return columns with their defences, and a row for each attack."""
        return {
            "columns": [{"name": name, "defence": d.to_json()} for name, d in self.columns.items()],
            "rows": [
                {"attack": name, "stopped_by": dict(row)} for name, row in self.stopped.items()
            ],
        }

    def to_csv(self) -> str:
        """Return it as CSV: the attack, then for each column what stopped it, or IN."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["attack", *self.columns])
        writer.writerows(
            [name, *(row[c] or IN for c in self.columns)] for name, row in self.stopped.items()
        )
        return out.getvalue()

    def text(self, width: int = 100) -> str:
        """Return it as plain text: columns lettered, cells short, both told below."""
        first = max(map(len, ("attack", *self.stopped)))
        letters = [chr(ord("a") + n) for n in range(len(self.columns))]
        lines = ["  ".join(["attack".ljust(first), *(x.ljust(5) for x in letters)]).rstrip()]
        lines += [
            "  ".join(
                [
                    name.ljust(first),
                    *((brief(row[c]) or IN).ljust(5) for c in self.columns),
                ]
            ).rstrip()
            for name, row in self.stopped.items()
        ]
        told = [f"{x}: {name}" for x, name in zip(letters, self.columns, strict=True)]
        return "\n".join(
            [*lines, "", *told, "", *textwrap.wrap(self.legend, width, break_on_hyphens=False)]
        )

    @property
    def legend(self) -> str:
        """What the short words of the cells mean, as far as they occur."""
        used = {by for row in self.stopped.values() for by in row.values() if by}
        told = [
            id if brief(id) == id else f"{brief(id)} = {id}"
            for id in (*CATALOGUE, *REFUSALS)
            if id in used
        ]
        return f"{IN} = Mallory got in; else what stopped her: " + ", ".join(told) + "."

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<AttackMatrix: {len(self.stopped)} attacks against {len(self.columns)} defences>"

    def _html(self) -> str:
        head = "".join(f'<th scope="col">{cell(c)}</th>' for c in self.columns)
        rows = []
        for name, row in self.stopped.items():
            cells = "".join(f"<td>{cell(by)}</td>" if by else _GOT_IN for by in row.values())
            rows.append(
                '<tr><th scope="row"><code'
                f' style="white-space:nowrap">{cell(name)}</code></th>{cells}</tr>'
            )
        return (
            f'<div style="overflow-x:auto" role="region" tabindex="0" aria-label="Attacks and'
            f' defences"><table>'
            f"<caption>What stops which attack; {IN}: nothing did</caption><thead><tr><th"
            f' scope="col">attack</th>{head}</tr>'
            f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
        )
