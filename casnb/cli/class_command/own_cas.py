"""`casnb class cas` and `collect`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from casnb.base.errors import CasnbError, neutral
from casnb.cli.base import UNCHECKED, Command, note, write_atomically
from casnb.cli.class_command.options import COURSE, there


@click.command(
    cls=Command,
    example="""\
  casnb class cas --notice class-cas.json
""",
    exits={0: "stopped", 2: "called wrongly", 3: "a file could not be read or written"},
)
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port of the CAS.")
@click.option(
    "--notice",
    "published",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what students need of it: roots, and your reading key.",
)
@COURSE
def cas(port: int | None, published: Path | None, folder: Path) -> int:
    """Where do students hand in, after attesting it?

    Runs a simulated CAS of the course until interrupted, on loopback: for students on this machine,
    such as a Hub. Its world follows from course.key; its sessions are kept in the course's folder.
    Tell its MRENCLAVE, which is printed, by another way than the notice: whom to expect is for each
    student to know.
    """
    from casnb.classroom.class_cas import FOLDER, SCENARIO, notice, seed_of_cas
    from casnb.classroom.course import found
    from casnb.simulator.server.listener import allow_many_connections
    from casnb.simulator.server.running import serve
    from casnb.simulator.world import World

    course = found(folder)
    world = World(seed_of_cas(course), SCENARIO)
    if published is not None:
        write_atomically(published, notice(course))
        note(f"{published}: for students, with the roots and your reading key.")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    allow_many_connections()
    # Not by `casnb serve`: its export lines name the seed, and this one is a secret.
    with serve(world, port=port, state_dir=course.folder / FOLDER / "state") as running:
        address = f"{running.host}:{running.cas_port}"
        click.echo(f"MRENCLAVE {world.mrenclave}")
        click.echo(f"address   {address}")
        note(f"Later: casnb class collect NAME --address {address} --out DIR" + there(folder))
        note("Ctrl-C ends it; what was handed in stays.")
        while not stop.wait(1):
            pass
    return 0


@click.command(
    cls=Command,
    example="""\
  casnb class collect hw1 --address 127.0.0.1 --out handed-in
""",
    exits={
        0: "every student's hand-in was there",
        1: "this is not the class's CAS",
        2: "called wrongly",
        3: "some were not, or the CAS did not answer",
    },
)
@click.argument("name")
@click.option("--address", required=True, metavar="HOST[:PORT]", help="Where the CAS is.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where ID/NAME.json goes.",
)
@COURSE
def collect(name: str, address: str, out: Path, folder: Path) -> int:
    """What came in through the class's CAS?

    Attests it with nothing waived, reads each student's session with your reading key, and writes
    what is in it to DIR, for `casnb class grade NAME DIR`.
    """
    from casnb.classroom.class_cas import collect as collected
    from casnb.classroom.course import found
    from casnb.classroom.release import put

    course = found(folder)
    task = course.assignment(name)
    missing: list[str] = []
    for student, data in collected(course, task, address):
        if isinstance(data, CasnbError):
            missing.append(f"  {student}: {neutral(data, 300)}")
        else:
            put(out / student / f"{task.name}.json", data.decode("utf-8", "replace"), 0o600)
    note(f"{len(course.roster) - len(missing)} collected in {out}, {len(missing)} not there.")
    for line in missing[:20]:
        note(line)
    return UNCHECKED if missing else 0
