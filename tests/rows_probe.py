"""Add one row to a table before anything else is loaded, and say where a reader meets it: run by
`test_rows.py` in an interpreter of its own, so that the tables of the others stay as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


def flag() -> dict[str, bool]:
    """A seventh flag, set for one more member of the policy."""
    from casnb.policy import flags

    row = replace(
        flags.FLAGS[4],
        name="only_for_testing-take-anything",
        short="",
        attribute="only_for_testing_take_anything",
        title="taken on trust",
        group="Added by a test",
        turn=9,
        help="Help of the seventh flag.",
        who="whoever asks",
        gains="What the seventh flag gives away.",
        mildest="Never, in a test.",
        needs="",
    )
    flags.FLAGS = (*flags.FLAGS, row)
    flags.BY_NAME = {f.name: f for f in flags.FLAGS}
    flags.BY_OPTION = {f.option: f for f in flags.FLAGS}
    from casnb.policy import policy

    @dataclass(frozen=True)
    class Policy(policy.AttestationPolicy):
        only_for_testing_take_anything: bool = False

    policy.AttestationPolicy = Policy
    option, given = row.option, Policy(mrenclaves=("00" * 32,)).with_flags(row.option)
    from click.testing import CliRunner
    from doctables import checks

    from casnb.cli.main import casnb
    from casnb.cli.scone.main import scone
    from casnb.explain.line import explain
    from casnb.policy import smallest
    from casnb.policy.flag_sets import NAMES, label
    from casnb.policy.translation import crosswalk
    from casnb.teach.facts import Cases
    from casnb.teach.switchboard.panel import Switchboard

    def said(*words: str, command: Any = casnb) -> str:
        return CliRunner().invoke(command, list(words), env={"COLUMNS": "300"}).output

    line = explain(f"scone cas attest {option} --mrenclave {'00' * 32} cas")
    board = Switchboard(Cases())
    shown = json.dumps(widgets(board))
    return {
        "casnb flags": option in said("flags") and row.who in said("flags"),
        "casnb flags --json": any(
            r["name"] == row.name for r in json.loads(said("flags", "--json"))
        ),
        "casnb flags --crosswalk": row.title in said("flags", "--crosswalk"),
        "casnb verify --help": option in said("verify", "--help"),
        "scone cas attest --help": option in said("cas", "attest", "--help", command=scone),
        "the policy's line": option in given.command("cas"),
        "the line read back": Policy.from_args(given.arguments()) == given,
        "casnb explain": row in line.flags and row.gains in str(line),
        "the crosswalk": any(idea.name == row.title for idea in crosswalk()),
        "the matrix": row.name in NAMES and "take-anything" in label((row.name,)),
        "the smallest set": row in smallest._EVERY,
        "the walkthrough": flags.story()[-1] is row,
        "the switchboard, its switch": option in shown,
        "the switchboard, its group": row.group in shown and row.who in shown,
        "docs/flags.md, its section": f"### `{option}`" in checks.insecure(),
        "docs/flags.md, the crosswalk": row.title in checks.elsewhere(),
        "the schema": row.name in schema("flagName", "enum"),
        "the schema of the matrix": schema("matrix", "properties", "rows", "minItems")
        == 2 ** len(flags.FLAGS),
    }


def widgets(box: Any) -> list[str]:
    """What a panel sends to the page, control by control."""
    return [str(box.get_state()), *(w for c in getattr(box, "children", ()) for w in widgets(c))]


def schema(*path: str) -> Any:
    """What the schema of `--json`, renewed, says at a place of its definitions."""
    from doctables.schema import renewed

    found = json.loads(renewed())["$defs"]
    for name in path:
        found = found[name]
    return found


def check() -> dict[str, bool]:
    """One more check of the policy, the last."""
    from casnb.checks import catalogue

    row = replace(
        catalogue.CATALOGUE["nonce"], id="added-check", title="added by a test", attack="no attack"
    )
    catalogue.CATALOGUE = {**catalogue.CATALOGUE, row.id: row}
    from doctables import checks

    from casnb.checks.result import AttestationResult, failed, ordered, passed
    from casnb.explain.why import explain_message
    from casnb.mallory.gates import GATES
    from casnb.policy.appraise import POLICY_IDS
    from casnb.teach.facts import Cases
    from casnb.teach.switchboard.model import SwitchboardModel

    failing = failed(row.id, "this", "that")
    result = AttestationResult(checks=ordered([failing, passed("nonce", "00")]))
    return {
        "the order of results": [c.id for c in result.checks] == ["nonce", row.id],
        "a result's text": row.id in str(result) and row.title in result._html(),
        "what is not run": row.id in POLICY_IDS,
        "docs/verification.md": f"| `{row.id}` | {row.title} |" in checks.checks(),
        "a gate": GATES[row.id].checks == (row.id,),
        "the world map": row.id in [s.gate.id for s in SwitchboardModel(Cases()).standing()],
        "casnb why": row.title in str(explain_message(f"check {row.id} failed")),
    }


def attack() -> dict[str, bool]:
    """One more attack, which is another's story under a name of its own."""
    from casnb.mallory import identity

    row = replace(identity.ATTACKS[0], name="added-attack", title="an attack added by a test")
    identity.ATTACKS = (*identity.ATTACKS, row)
    from click.testing import CliRunner
    from doctables import attacks as tables

    from casnb.cli.completers import attacks as completed
    from casnb.cli.main import casnb
    from casnb.mallory.attacks import ATTACKS, FLAG_SETS, foresee, matrix
    from casnb.teach.facts import Cases
    from casnb.teach.predicting.panel import MalloryPanel
    from casnb.teach.switchboard.panel import Switchboard

    listed = CliRunner().invoke(casnb, ["attack"], env={"COLUMNS": "300"}).output
    columns = {"no flag": FLAG_SETS["no flag"]}
    board = Switchboard(Cases())
    panel = MalloryPanel()
    return {
        "the list": row.name in ATTACKS,
        "casnb attack": row.name in listed and row.title in listed,
        "completion": row.name in completed(),
        "the matrix": row.name in matrix(columns, (row.name,)).text(),
        "what is foreseen": row.name in foresee(columns["no flag"]),
        "the switchboard": row.name in json.dumps(widgets(board)),
        "the panel to predict": any(
            row.title in str(getattr(w, "options", "")) for w in every(panel)
        ),
        "docs/attacks.md": all(
            row.name in tables.TABLES[t]() for t in tables.TABLES if t in ("attacks", "lessons")
        ),
    }


def every(box: Any) -> list[Any]:
    """A panel's controls, all of them."""
    return [box, *(w for child in getattr(box, "children", ()) for w in every(child))]


def exercise() -> dict[str, bool]:
    """One more exercise of the first chapter."""
    from casnb.teach.course import start_here

    row = replace(start_here.EXERCISES[-1], id="00.added-exercise", title="Added by a test")
    start_here.EXERCISES = (*start_here.EXERCISES, row)
    from casnb.teach.course import exercises
    from casnb.teach.course.progress_file import ProgressFile

    return {
        "the catalogue": exercises.exercise(row.id).id == row.id,
        "its chapter": row.id in {e.id for e in exercises.of_chapter("00")},
        "the progress": row.id in str(ProgressFile(Path(sys.argv[2])).progress("00")),
        "the task, shown": row.title in str(exercises.exercise(row.id)),
    }


def panel() -> dict[str, bool]:
    """One more panel of a lab."""
    from casnb.base.snapshot import Snapshot
    from casnb.teach.opening import opens
    from casnb.teach.panels import Panels

    @opens("lab.added_panel()", "what a test added")
    def added_panel(self: Panels) -> Snapshot:
        """Return a panel that a test added."""
        return Snapshot("added", "<p>added</p>")

    Panels.added_panel = added_panel  # type: ignore[attr-defined]
    from doctables import panels

    from casnb.teach import start
    from casnb.teach.lab import Lab
    from casnb.teach.opening import openings

    row = added_panel.__dict__["opening"]
    lab = start("00")
    listed = lab.panels()
    return {
        "the list": row in openings(Lab),
        "lab.panels(), as text": row.line in str(listed) and row.shows in str(listed),
        "lab.panels(), as a page": row.shows in listed._html(),
        "docs/widgets.md": f"| `{row.line}` | {row.shows} |" in panels.panels(),
        "what runs its line": str(eval(row.line, {"lab": lab})) == "added",
    }


PROBES: dict[str, Callable[[], dict[str, bool]]] = {
    "flag": flag,
    "check": check,
    "attack": attack,
    "exercise": exercise,
    "panel": panel,
}

if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]]()))
