"""`casnb class serve` and `reset`."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import click

from casnb.base.errors import UsageError
from casnb.cli.base import Command, note
from casnb.cli.class_command.options import COURSE


@click.command(
    cls=Command,
    example="""\
  casnb class assignment exam1 --chapters 01,03 --tier sealed
  casnb class serve exam1
  casnb class serve exam1 --listen 0.0.0.0:8600
""",
    exits={
        0: "it ran until it was told to stop",
        2: "called wrongly",
        3: "it could not start: the message says what stood in the way",
    },
)
@click.argument("name", required=False, default="")
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT",
    help="Where to listen.  [default: what tickets name, on loopback]",
)
@click.option("--hub", is_flag=True, help="As a service of JupyterHub, which starts this command.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="NAME",
    help="Who may see the board on a Hub, besides its admins.",
)
@COURSE
def serve(name: str, listen: str, hub: bool, teachers: tuple[str, ...], folder: Path) -> int:
    """How do I keep the answers out of students' hands?

    Runs the class server of a sealed assignment until interrupted: each student's world, the judge
    that counts tries, and the board. Answers and tries are kept in record/NAME.jsonl. NAME may be
    left out where one assignment is sealed. On another address than loopback it wants tickets that
    name it over TLS.
    """
    from casnb.classroom.class_server import ClassServer, announce, listen_at
    from casnb.classroom.course import found
    from casnb.classroom.hub import hub_of

    course = found(folder)
    if not name:
        sealed = [a.name for a in course.assignments.values() if a.sealed]
        if len(sealed) != 1:
            raise UsageError(
                "NAME",
                got="none",
                wanted="a sealed assignment: " + (", ".join(sealed) or "there is none"),
                do="casnb class assignment NAME --tier sealed --chapters ... makes one.",
            )
        name = sealed[0]
    task = course.assignment(name)
    service = None
    if hub:
        service, there = hub_of(os.environ, teachers)
        listen = listen or there
    at = listen_at(course, task, listen, proxied=hub)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ClassServer(course, task, at, hub=service) as server:
        path = announce(server)
        try:
            click.echo(f"{server.url}/board" if hub else server.board_url)
            note(f"casnb class serve: {name} for {len(course.roster)} students at {server.url}.")
            who = "the Hub says who may see it" if hub else "whoever has it sees answers"
            note(f"The address above is your board: {who}. Ctrl-C ends it.")
            while not stop.wait(1):
                pass
        finally:
            with suppress(OSError):
                path.unlink()
    note("casnb class serve: stopped. Marks: casnb class grade " + name)
    return 0


@click.command(
    cls=Command,
    example="""\
  casnb class reset u123
  casnb class reset --all
""",
    exits={0: "done", 2: "called wrongly", 3: "the class server or a folder could not be reached"},
)
@click.argument("student", required=False, default="")
@click.option("--all", "everybody", is_flag=True, help="The whole class.")
@COURSE
def reset(student: str, everybody: bool, folder: Path) -> int:
    """How does a student start again?

    Gives a student of a sealed assignment a new world of the same seed: the sessions in it are
    gone. Answers, tries and marks stay. Tells the class server, if it runs.
    """
    from casnb.classroom.class_server import reset_students
    from casnb.classroom.course import found

    if bool(student) == everybody:
        raise UsageError("reset", got=student or "nobody", wanted="one student, or --all")
    course = found(folder)
    if student and course.roster.find(student) is None:
        raise UsageError("student", got=student, wanted="an id of the roster")
    ids = [s.id for s in course.roster if everybody or s.id.casefold() == student.casefold()]
    reset_students(course, ids)
    whose = "Everybody's world" if everybody else f"{ids[0]}'s world"
    note(f"{whose} is new, of the same seed; its sessions are gone. Answers and tries stay.")
    return 0
