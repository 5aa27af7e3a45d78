"""`casnb class`: a course from its roster to its marks."""

from __future__ import annotations

import click

from casnb.cli.base import Commands

_HERE = "casnb.cli.class_command."
COMMANDS = {
    "init": (_HERE + "setting_up:init", "A folder for a course: title, roster, key."),
    "assignment": (
        _HERE + "setting_up:assignment",
        "Name the exercises that are handed in together.",
    ),
    "release": (
        _HERE + "releasing:release",
        "Notebooks to hand out, one for each student's world.",
    ),
    "check": (_HERE + "checking:check", "What is in my hand-in? For students."),
    "show": (_HERE + "setting_up:show", "One student's world and the right answers in it."),
    "serve": (
        _HERE + "serving:serve",
        "The class server of a sealed assignment, with its board.",
    ),
    "reset": (_HERE + "serving:reset", "A new world for a student; tries and answers stay."),
    "cas": (_HERE + "own_cas:cas", "The class's own CAS, for hand-ins that attest it first."),
    "collect": (_HERE + "own_cas:collect", "Fetch what students put into the class's CAS."),
    "grade": (_HERE + "grading:grade", "Marks, from what was handed in; nothing in it is run."),
    "report": (
        _HERE + "grading:report",
        "Which misconceptions, and whose answers are right elsewhere.",
    ),
}


@click.group(
    "class",
    cls=Commands,
    lazy=COMMANDS,
    epilog_rows={
        0: "done",
        2: "called wrongly",
        3: "a hand-in, roster or folder could not be read",
    },
)
def class_group() -> None:
    """How do I teach a class with this?

    A course is a folder: `init` makes it, `assignment` fills it, `release` writes notebooks,
    `grade` reads what comes back as data. docs/teach/ has the guide.
    """
