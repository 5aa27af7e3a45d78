"""The list of changes that no test can notice stays true to the code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from changes import Change, changed, changes  # noqa: E402
from explained import Explained, explained  # noqa: E402

ROOT = HERE.parents[1]
CODE = '''"""Words."""

from dataclasses import dataclass

LIMIT = 3


@dataclass(frozen=True)
class Box:
    size: int = 1

    def fits(self, n: int, *, loose: bool = False) -> bool:
        """Whether n is no more."""
        if n < 0:
            raise ValueError(f"got {n}")
        return n <= self.size and not loose
'''
#: A change, and the line that it makes; the rest of the module stays.
MADE = {
    "4 in place of 3": "LIMIT = 4",
    "False in place of True": "@dataclass(frozen=False)",
    "2 in place of 1": "size: int = 2",
    "True in place of False": "def fits(self, n: int, *, loose: bool=True) -> bool:",
    "Lt for LtE": "if n <= 0:",
    "1 in place of 0": "if n < 1:",
    "the refusal does nothing": "pass",
    "LtE for Lt": "return n < self.size and (not loose)",
    "not left out": "return n <= self.size and loose",
    "and for or": "return n <= self.size or not loose",
    "None returned": "return None",
}


def of(row: Explained) -> list[Change]:
    return [c for c in changes(ROOT / row.path, ROOT) if c.key == row.key]


@pytest.mark.parametrize("row", explained(), ids=lambda row: f"{row.path}-{row.where}-{row.what}")
def test_each_row_names_a_change_and_says_why(row):
    """A row stands for a line that is still there, and gives a reason in a sentence."""
    assert len(of(row)) == 1
    assert row.why.endswith(".") and len(row.why.split()) > 5


def test_no_row_stands_twice():
    """A change has one reason."""
    keys = [row.key for row in explained()]
    assert len(keys) == len(set(keys))


def test_every_kind_of_decision_is_changed_once_each(tmp_path):
    """Comparisons, and/or, not, numbers, flags, defaults, refusals and results are changed one at a
    time; words and types are left alone.
    """
    path = tmp_path / "box.py"
    path.write_text(CODE)
    found = list(changes(path, tmp_path))
    assert [c.what for c in found] and {c.what for c in found} == set(MADE)
    plain = changed(path, -1).splitlines()
    for change in found:
        lines = changed(path, change.number).splitlines()
        differing = [new.strip() for old, new in zip(plain, lines, strict=True) if old != new]
        assert differing == [MADE[change.what]]


def test_a_sample_outlasts_an_edit_elsewhere(tmp_path):
    """The place of a change in a seed's order depends on its own line, not on those above."""
    path = tmp_path / "box.py"
    path.write_text(CODE)
    before = {c.key: c.drawn(1) for c in changes(path, tmp_path)}
    path.write_text(CODE.replace("LIMIT = 3\n", "LIMIT = 3\nOTHER = 5 + 6\n"))
    after = {c.key: c.drawn(1) for c in changes(path, tmp_path)}
    assert before.items() <= after.items() and len(after) == len(before) + 3
    assert {c.drawn(2) for c in changes(path, tmp_path)}.isdisjoint(after.values())
