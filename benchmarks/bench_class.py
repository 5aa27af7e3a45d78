"""What marking a class costs: processor time for 300 hand-ins, and memory for 300 and for 3,000.

Every student hands in a released notebook with right answers to 01, 03 and 04, one in ten with a
neighbour's. Judged as `casnb class grade --jobs 1` does: the time of a pool's processes would not
be counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = (300, 3000)
LIMIT_SECONDS = 10.0


def make(folder: Path, students: int) -> None:
    """A course, and a folder for each student with a saved notebook."""
    from casnb.classroom.answer_key import answer_key
    from casnb.classroom.course import assignment, create, found
    from casnb.classroom.release import notebook
    from casnb.classroom.tickets import issue, seed_of
    from casnb.teach.course import exercises
    from casnb.teach.course.answer_json import MIME, Answer, world_id

    roster = folder / "people.csv"
    ids = [f"u{n:04}" for n in range(students)]
    roster.write_text("id\n" + "\n".join(ids) + "\n")
    course = create(folder / "course", "Benchmark", "now", roster)
    chosen = [e.id for c in ("01", "03", "04") for e in exercises.of_chapter(c)]
    course.assignments["hw1"] = assignment("hw1", chosen)  # type: ignore[index]
    course.save()
    course = found(folder / "course")
    task = course.assignment("hw1")
    before = None
    for n, student in enumerate(ids):
        answers = answer_key(course, task, student).answers
        if n % 10 == 9 and before:
            answers = before
        before = answers
        world = world_id(seed_of(course.key, course.term, "hw1", student), "public")
        book = notebook(course, task, issue(course, task, student).text)
        for cell in book["cells"]:
            for id, answer in answers.items():
                if cell["id"] == id.replace(".", "-") + "-check":
                    sent = Answer(id, answer, world).to_json()
                    cell["outputs"] = [
                        {"output_type": "display_data", "metadata": {}, "data": {MIME: sent}}
                    ]
        path = folder / "in" / student / "hw1.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(book))


def measure(folder: Path, students: int) -> dict[str, float]:
    """Grade them in a process of its own; processor time of all its processes, memory of the
    largest.
    """
    words = [
        sys.executable,
        "-m",
        "casnb.cli.main",
        "class",
        "grade",
        "hw1",
        str(folder / "in"),
        "--jobs",
        "1",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [*words, "--course", str(folder / "course")], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.stdout.count("\n") == students + 1, run.stderr
    return {
        "students": students,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "largest_process_mb": after.ru_maxrss / 1024,
    }


def rows(runs: int) -> list[dict[str, object]]:
    """Return the rows of `make bench`: processor seconds for 300 hand-ins, with what is promised,
    and for each of them.
    """
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), SIZES[0])
        found = measure(Path(name), SIZES[0])["cpu_seconds"]
    what = f"casnb class grade, {SIZES[0]} hand-ins, processor time"
    return [
        {
            "what": what,
            "median": found,
            "against": LIMIT_SECONDS,
            "ratio": found / LIMIT_SECONDS,
            "target": 1.0,
        },
        {
            "what": "casnb class grade, one student of them, processor time",
            "median": found / SIZES[0],
            "against": LIMIT_SECONDS / SIZES[0],
            "ratio": found / LIMIT_SECONDS,
            "target": 1.0,
        },
    ]


def main(words: list[str]) -> int:
    """Print a row for each size, as JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    rows = []
    for students in SIZES[: 1 if options.quick else 2]:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), students)
            rows.append(measure(Path(name), students))
    if options.json:
        print(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=2))
        return 0
    for row in rows:
        each = 1000 * row["cpu_seconds"] / row["students"]
        print(
            f"{row['students']:5.0f} hand-ins: {row['cpu_seconds']:6.2f} CPU-s, {each:5.1f} ms"
            f" each, largest process {row['largest_process_mb']:.0f} MB"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
