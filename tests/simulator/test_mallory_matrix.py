"""Every attack against every defence: the whole table, written by hand, is what running it
gives.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from doctables.attacks import TABLES
from doctables.checks import fill

from casnb.base.errors import UsageError
from casnb.checks.catalogue import CATALOGUE
from casnb.mallory.attack_matrix import FLAG_SETS, HABIT_SETS, IN, AttackMatrix, brief
from casnb.mallory.attacks import ATTACKS, foresee, matrix, run
from casnb.mallory.defence import Defence
from casnb.mallory.story import REFUSALS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"

#: Columns: no flag, page's MRENCLAVE, -G, -C, -S, ignore-signer, with debug, with -G, with -GCS,
#: trust-any, all six, careful.
BY_FLAGS = """
debug-memory    debug  debug  debug  debug  debug  debug  IN     IN     IN     IN     IN     debug
forged-quote    tcb    tcb    IN     tcb    tcb    tcb    tcb    IN     IN     tcb    IN     tcb
undervolt       tcb    tcb    tcb    IN     tcb    tcb    tcb    tcb    IN     tcb    IN     tcb
load-injection  svn    tcb    svn    svn    svn    tcb    tcb    tcb    IN     svn    svn    2nd
revoked-key     rev    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev
missing-list    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev
altered-page    sign   sign   sign   sign   sign   IN     IN     IN     IN     code   code   2nd
rollback        svn    IN     svn    svn    svn    IN     IN     IN     IN     svn    svn    2nd
trust-any       sign   code   sign   sign   sign   code   code   code   code   IN     IN     code
self-check      sign   code   sign   sign   sign   code   code   code   code   code   code   code
owner-key       sign   sign   sign   sign   sign   IN     IN     IN     IN     code   code   sign
relay           bind   bind   bind   bind   bind   bind   bind   bind   bind   bind   bind   bind
replay          nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce
stale-lists     lists  lists  lists  lists  lists  lists  lists  lists  lists  lists  lists  lists
old-edition     IN     IN     IN     IN     IN     IN     IN     IN     IN     IN     IN     edit
other-instance  IN     IN     IN     IN     IN     IN     IN     IN     IN     IN     IN     inst
forged-error    you    you    you    you    you    you    you    you    you    you    you    you
first-use       bind   bind   bind   bind   bind   bind   bind   bind   bind   bind   bind   bind
no-verify       tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls
wrong-file      tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls
leaf-as-ca      tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls
system-store    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls    tls
"""

#: Columns, each without: nonce, binding, clock, reference (signer ignored), own judgement, attest
#: first, verify TLS, own file, authority, pin only.
BY_HABITS = """
debug-memory    debug  debug  debug  debug  debug  debug  debug  debug  debug  debug
forged-quote    tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb
undervolt       tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb    tcb
load-injection  svn    svn    svn    tcb    svn    svn    svn    svn    svn    svn
revoked-key     rev    rev    rev    rev    rev    rev    rev    rev    rev    rev
missing-list    rev    rev    rev    rev    rev    rev    rev    rev    rev    rev
altered-page    sign   sign   sign   IN     sign   sign   sign   sign   sign   sign
rollback        svn    svn    svn    IN     svn    svn    svn    svn    svn    svn
trust-any       sign   sign   sign   debug  sign   sign   sign   sign   sign   sign
self-check      sign   sign   sign   IN     sign   sign   sign   sign   sign   sign
owner-key       sign   sign   sign   IN     sign   sign   sign   sign   sign   sign
relay           tls    IN     bind   bind   bind   bind   bind   bind   bind   bind
replay          IN     IN     nonce  nonce  nonce  nonce  nonce  nonce  nonce  nonce
stale-lists     lists  lists  IN     lists  lists  lists  lists  lists  lists  lists
old-edition     IN     IN     IN     IN     IN     IN     IN     IN     IN     IN
other-instance  IN     IN     IN     IN     IN     IN     IN     IN     IN     IN
forged-error    you    you    you    you    IN     you    you    you    you    you
first-use       tls    IN     bind   bind   bind   IN     bind   bind   bind   bind
no-verify       tls    tls    tls    tls    tls    tls    IN     tls    tls    tls
wrong-file      tls    tls    tls    tls    tls    tls    tls    IN     tls    tls
leaf-as-ca      tls    tls    tls    tls    tls    tls    tls    tls    IN     tls
system-store    tls    tls    tls    tls    tls    tls    tls    tls    tls    IN
"""
LONG = {brief(id): id for id in (*CATALOGUE, *REFUSALS)} | {IN: ""}


def by_hand(text: str) -> dict[str, list[str]]:
    return {
        name: [LONG[cell] for cell in cells]
        for name, *cells in (line.split() for line in text.strip().splitlines())
    }


@pytest.fixture(scope="module")
def flags() -> AttackMatrix:
    """The table by what each attack showed once; that runs say the same is a test below."""
    foreseen = {c: foresee(d) for c, d in FLAG_SETS.items()}
    return AttackMatrix(FLAG_SETS, {n: {c: foreseen[c][n] for c in FLAG_SETS} for n in ATTACKS})


def table(found: AttackMatrix) -> dict[str, list[str]]:
    return {name: list(row.values()) for name, row in found.stopped.items()}


def test_the_flag_sets_let_in_exactly_whom_they_let_in(flags):
    """Attack by flag set, all of it: nothing gets in, and nothing is stopped, that the table
    written by hand does not say.
    """
    assert table(flags) == by_hand(BY_FLAGS)
    assert list(flags.stopped) == list(ATTACKS)


@pytest.mark.soak
def test_what_was_foreseen_is_what_happens(flags):
    """Every attack run against every flag set: what each showed once tells the same stopper, or
    none.
    """
    assert table(matrix(FLAG_SETS)) == table(flags) == by_hand(BY_FLAGS)


@pytest.mark.soak
def test_a_missing_habit_lets_in_exactly_whom_it_lets_in():
    """Attack by missing habit, all of it."""
    assert table(matrix(HABIT_SETS)) == by_hand(BY_HABITS)


def telling(text: str, columns: Mapping[str, Defence], drawn: int) -> list[tuple[str, str]]:
    """The cells of a table in which a row's answer is not the one it mostly has, and some of the
    others, drawn.
    """
    usual, told = [], []
    for name, answers in by_hand(text).items():
        mostly = Counter(answers).most_common(1)[0][0]
        for column, answer in zip(columns, answers, strict=True):
            (usual if answer == mostly else told).append((name, column))
    return told + random.Random(drawn).sample(usual, drawn)


@pytest.mark.parametrize(
    ("text", "columns", "drawn"),
    [
        pytest.param(BY_FLAGS, FLAG_SETS, 6, id="flags"),
        pytest.param(BY_HABITS, HABIT_SETS, 11, id="habits"),
    ],
)
def test_a_run_says_the_same_where_the_answer_changes(text, columns, drawn):
    """Run for real: each cell that differs along its row, and a sample of the others; `make soak`
    runs them all.
    """
    wanted = {n: dict(zip(columns, row, strict=True)) for n, row in by_hand(text).items()}
    for name, column in telling(text, columns, drawn):
        assert run(name, columns[column]).stopped_by == wanted[name][column], (name, column)


def test_every_precaution_together_stops_every_attack(flags):
    """There is a defence that nothing gets past."""
    assert flags.let_in("no flag, every precaution") == ()
    assert flags.let_in("no flag") == ("old-edition", "other-instance")


def test_text_csv_and_json_say_the_same(flags):
    """Three renderings of one value; the text fits 100 columns and explains its letters."""
    text = flags.text()
    assert "\n".join(re.sub(r" +$", "", line) for line in BY_FLAGS.strip().splitlines()) in text
    assert max(map(len, text.splitlines())) <= 100 and "l: no flag, every precaution" in text
    assert "tcb = tcb-status" in " ".join(text.split())
    rows = list(csv.reader(io.StringIO(flags.to_csv())))
    assert rows[0] == ["attack", *FLAG_SETS] and {
        r[0]: [c.removesuffix(IN) for c in r[1:]] for r in rows[1:]
    } == by_hand(BY_FLAGS)
    body = json.loads(json.dumps(flags.to_json()))
    assert {r["attack"]: list(r["stopped_by"].values()) for r in body["rows"]} == by_hand(BY_FLAGS)
    assert body["columns"][2]["defence"]["options"] == ["-G"]
    shown = flags._repr_mimebundle_()["text/html"]
    assert shown.count(">IN<") == text.count("  IN") and "<caption>" in shown


def test_cells_are_found_by_name(flags):
    """A cell is asked for by attack and column; what there is none of is a usage error."""
    assert flags["forged-quote", "-G"] == "" and flags["forged-quote", "-C"] == "tcb-status"
    for key in (("nothing", "-G"), ("relay", "-X")):
        with pytest.raises(UsageError):
            flags[key]
    with pytest.raises(UsageError):
        matrix({})


def test_the_page_is_the_data(flags):
    """docs/attacks.md carries tables and matrix as computed. To renew it: `make docs`."""
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text, {**TABLES, "matrix": lambda: f"```text\n{flags.text()}\n```"}) == text
    assert all(
        text.count(f"| `{name}` |") == 1 and text.count(f"**`{name}`**") == 1 for name in ATTACKS
    )
