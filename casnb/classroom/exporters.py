"""An assignment for another grading system: a row each of what is written, how that system is run
over it, and whom its own marks trust.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from casnb.classroom.course import Assignment, Course
from casnb.classroom.marks import number
from casnb.classroom.release import notebook, put, text_of, tickets_csv
from casnb.teach.course import exercises

#: Minutes and seconds that a system may take for one hand-in, and for one exercise.
_MINUTES, _SECONDS = 10, 120


@dataclass(frozen=True)
class File:
    """What is written at a path below the folder; one that belongs to the teacher is `kept` where
    it is there already.
    """

    path: str
    text: str
    kept: bool = False


@dataclass(frozen=True)
class Exporter:
    """A grading system: how it is run, where it puts what it collects (for `casnb class grade`),
    and in one sentence whom its own marks trust. In these texts {name} is the assignment.
    """

    name: str
    title: str
    run: str
    collects: str
    trusts: str
    files: Callable[[Course, Assignment], Iterable[File]]

    def write(self, course: Course, task: Assignment, out: Path) -> list[Path]:
        """Write everything, tickets.csv included, and return what was written. Raises
        SourceError.
        """
        written = []
        for file in self.files(course, task):
            path = out / file.path
            if not (file.kept and path.exists()):
                written.append(put(path, file.text))
        written.append(put(out / "tickets.csv", tickets_csv(course, task), 0o600))
        return written


# nbgrader


def _nbgrader(course: Course, task: Assignment) -> Iterator[File]:
    yield File(
        f"source/{task.name}/{task.name}.ipynb", text_of(for_nbgrader(notebook(course, task), task))
    )
    config = (
        "c = get_config()  # noqa: F821\n"
        f"c.CourseDirectory.course_id = {_slug(course.id)!r}\n"
        f"c.ExecutePreprocessor.timeout = {_SECONDS}\n"
    )
    yield File("nbgrader_config.py", config, kept=True)


def for_nbgrader(book: dict[str, Any], task: Assignment) -> dict[str, Any]:
    """Return a notebook with what nbgrader wants of it: check cells that it locks and gives points
    for. A cell that raises nothing is right, so each raises what is wrong.
    """
    worth = {id.replace(".", "-"): task.worth(id) for id in task.exercises}
    for cell in book["cells"]:
        base, _, part = cell["id"].rpartition("-")
        if base not in worth or part != "check":
            continue
        call = cell["source"]
        cell["source"] = f"said = {call}\ndisplay(said)\nassert said, said.message"
        cell["metadata"]["nbgrader"] = {
            "grade": True,
            "grade_id": cell["id"],
            "locked": True,
            "points": worth[base],
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
    return book


# otter-grader


def _otter(course: Course, task: Assignment) -> Iterator[File]:
    yield File(f"{task.name}/{task.name}.ipynb", text_of(notebook(course, task)))
    yield File(f"{task.name}/requirements.txt", "casnb\n")
    for id in task.exercises:
        variable = exercises.exercise(id).name
        yield File(
            f"{task.name}/tests/{id.replace('.', '-')}.py",
            f'"""{id}: right where the lab of the notebook, which otter has run, says so."""\n\n'
            "from otter.test_files import test_case\n\n"
            "OK_FORMAT = False\n\n"
            f"name = {id!r}\n"
            f"points = {number(task.worth(id))}\n\n\n"
            "@test_case()\n"
            "def judged(env):\n"
            f'    said = env["lab"].check({id!r}, env.get({variable!r}, ...))\n'
            "    assert said, said.message\n",
        )


# GitHub Classroom


def _github(course: Course, task: Assignment) -> Iterator[File]:
    steps = [(id, f"casnb class check {task.name}.ipynb --only {id}") for id in task.exercises]
    told = _READ_ME.format(title=course.title, term=course.term, name=task.name)
    ignored = ".ipynb_checkpoints/\n.venv/\n__pycache__/\ntickets.csv\n"
    starter = f"{task.name}-starter"
    yield File(f"{starter}/{task.name}.ipynb", text_of(notebook(course, task)))
    yield File(f"{starter}/README.md", told)
    yield File(f"{starter}/requirements.txt", "casnb\n")
    yield File(f"{starter}/.gitignore", ignored)
    yield File(f"{starter}/.github/workflows/classroom.yml", _workflow(task, steps))
    rows = [
        {
            "name": id,
            "setup": "pip install -q -r requirements.txt",
            "run": command,
            "input": "",
            "output": "",
            "comparison": "included",
            "timeout": _MINUTES,
            "points": _whole(task.worth(id)),
        }
        for id, command in steps
    ]
    text = json.dumps({"tests": rows}, indent=2) + "\n"
    yield File(f"{starter}/.github/classroom/autograding.json", text)


_READ_ME = """\
# {title}: {name}

{term}. Paste your ticket into the first code cell of `{name}.ipynb`, answer, run all cells, save,
commit and push: the saved notebook is the hand-in, with the outputs of its check cells.

    pip install -r requirements.txt
    jupyter lab {name}.ipynb
    casnb class check {name}.ipynb

The last command says what is in your hand-in, as the workflow in this repository does. Both are
for you: whoever can push can change the workflow, so marks come from your teacher, who judges the
answers again.
"""


def _workflow(task: Assignment, steps: list[tuple[str, str]]) -> str:
    """Return the workflow in the form that GitHub Classroom reads: a job of this name, a grader
    for each exercise, and the reporter.
    """
    own = {id: "t-" + id.replace(".", "-") for id, _ in steps}
    graders = [
        {
            "name": id,
            "id": own[id],
            "uses": "classroom-resources/autograding-command-grader@v1",
            "with": {
                "test-name": id,
                "setup-command": "",
                "command": command,
                "timeout": _MINUTES,
                "max-score": _whole(task.worth(id)),
            },
        }
        for id, command in steps
    ]
    results = {
        f"{step.upper()}_RESULTS": "${{steps." + step + ".outputs.result}}" for step in own.values()
    }
    reporter = {
        "name": "Autograding reporter",
        "uses": "classroom-resources/autograding-grading-reporter@v1",
        "env": results,
        "with": {"runners": ",".join(own.values())},
    }
    body = {
        "name": "Autograding tests",
        "on": ["push", "workflow_dispatch"],
        "permissions": {"checks": "write", "actions": "read", "contents": "read"},
        "jobs": {
            "run-autograding-tests": {
                "runs-on": "ubuntu-latest",
                "if": "github.actor != 'github-classroom[bot]'",
                "steps": [
                    {"name": "Check out", "uses": "actions/checkout@v4"},
                    {
                        "name": "Set up Python",
                        "uses": "actions/setup-python@v5",
                        "with": {"python-version": "3.12"},
                    },
                    {"name": "Install casnb", "run": "pip install -q -r requirements.txt"},
                    *graders,
                    reporter,
                ],
            }
        },
    }
    return yaml.safe_dump(body, sort_keys=False, width=120)


def _whole(points: float) -> float:
    return int(points) if points.is_integer() else points


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) or "course"


EXPORTERS: Mapping[str, Exporter] = {
    e.name: e
    for e in (
        Exporter(
            "nbgrader",
            "nbgrader",
            "nbgrader generate_assignment {name} --create; nbgrader release_assignment {name};"
            " nbgrader collect {name}; nbgrader autograde {name}",
            "submitted/",
            "nbgrader runs the student's notebook on your machine and believes what that code says:"
            " one line that patches Feedback earns full marks.",
            _nbgrader,
        ),
        Exporter(
            "otter",
            "otter-grader",
            "cd {name}; otter generate; otter grade -n {name} -a autograder.zip -p submissions",
            "submissions/",
            "otter runs the student's notebook, in a container or with `otter run` on your machine,"
            " and asks a lab inside that same process: the student's code can answer for it.",
            _otter,
        ),
        Exporter(
            "github",
            "GitHub Classroom",
            "make {name}-starter the starter repository of an assignment named {name}; later:"
            " gh classroom clone student-repos",
            "{name}-submissions/",
            "the workflow runs no cell, but it runs in the student's repository, and by the ticket"
            " that the notebook carries: whoever can push can change both.",
            _github,
        ),
    )
}
