"""The worlds of a class on one machine: each made when its student first asks, dropped when idle,
with its sessions kept on disk; all on shared listeners and workers.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from casnb.base.errors import SourceError, UsageError
from casnb.classroom.course import Assignment, Course
from casnb.classroom.tickets import seed_of
from casnb.simulator.server.doors import SharedServer
from casnb.simulator.server.running import RunningWorld, own_addresses, run_at
from casnb.simulator.world import World
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import world_id
from casnb.teach.facts import Facts
from casnb.teach.scraping.page_history import page_history

#: What a sealed world's page calls it.
NAME = "a world of the class server"
#: Seconds without a request: until a world counts as idle, and until it is dropped.
IDLE, DROPPED = 300.0, 1800.0
#: Ports of one world: client API, enclave API, page.
PORTS = 3
_CAS_PORT = 8081


@dataclass
class Place:
    """One world of one student: what is true in it, and where it answers."""

    facts: Facts
    running: RunningWorld


@dataclass
class Room:
    """One student's worlds by scenario; `used` is when somebody last asked for something in one."""

    places: dict[str, Place] = field(default_factory=dict)
    used: float = 0.0


class SealedWorlds:
    """All worlds of a sealed assignment. `host` is where they listen, `known_as` how students reach
    that host, `first_port` the first of theirs where they do not have loopback addresses of their
    own.

    A student's calls must not overlap; those of different students may.
    """

    def __init__(
        self,
        course: Course,
        task: Assignment,
        *,
        host: str = "127.0.0.1",
        known_as: str = "",
        first_port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        dropped: float = DROPPED,
    ) -> None:
        self.course, self.task, self.key = course, task, course.key
        self.host, self.known_as, self.first_port = host, known_as, first_port
        self.clock, self.dropped = clock, dropped
        self.scenarios = tuple(
            dict.fromkeys(["public", *(exercises.exercise(e).scenarios[0] for e in task.exercises)])
        )
        self._order = {s.id: n for n, s in enumerate(course.roster)}
        self._rooms: dict[str, Room] = {}
        self._born: dict[str, datetime] = {}
        self._at: dict[tuple[str, str], tuple[str, int, int, int]] = {}
        self._lock = threading.Lock()
        self.server = SharedServer()
        self.server.start_serving()

    def seed(self, student: str) -> str:
        """Return a student's seed, which never leaves this machine."""
        return seed_of(self.key, self.course.term, self.task.name, student, self.task.tier)

    def place(self, student: str, scenario: str) -> Place:
        """Return a student's world, which answers; it is made where there is none."""
        if scenario not in self.scenarios:
            raise UsageError("scenario", got=scenario, wanted=" or ".join(self.scenarios))
        with self._lock:
            room = self._rooms.setdefault(student, Room())
        room.used = self.clock()
        if scenario not in room.places:
            room.places[scenario] = self._made(student, scenario, room)
        return room.places[scenario]

    def facts(self, student: str, exercise: str) -> Facts:
        """Return what an exercise's answers follow from in a student's world."""
        return self.place(student, exercises.exercise(exercise).scenarios[0]).facts

    def _made(self, student: str, scenario: str, room: Room) -> Place:
        # A world that comes back after it was dropped has the report that it had.
        now = self._born.setdefault(student, datetime.now(timezone.utc).replace(microsecond=0))
        world = World(self.seed(student), scenario, now)
        world.public_name, world.site_host = NAME, self.known_as

        def touched(app: Any) -> Callable[..., Iterable[bytes]]:
            def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
                room.used = self.clock()
                found: Iterable[bytes] = app(environ, start)
                return found

            return answer

        host, port, *more = self._address(student, scenario, world)
        running = run_at(
            [(host, port), *([] if self.first_port else [(host, 0)])],
            world,
            self._sessions(student, scenario),
            more=more,
            known_as=self.known_as,
            listener=lambda h, p, app, context: self.server.open_door(h, p, touched(app), context),
        )
        where = running.environment()
        page = int(running.pcs_url.rpartition(":")[2])
        self._at[student, scenario] = (host, running.cas_port, int(where["CAS_ENCLAVE_PORT"]), page)
        return Place(Facts(world, running.host, running.cas_port), running)

    def _sessions(self, student: str, scenario: str) -> Path:
        """The folder of a student's sessions, for this account alone."""
        path = folder_of(self.course, self.task, student) / scenario
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (path, *path.parents[:3]):
                folder.chmod(0o700)
        except OSError as exc:
            raise SourceError(str(path), got=exc.strerror, wanted="a folder to write in") from None
        return path

    def _address(self, student: str, scenario: str, world: World) -> tuple[str, int, int, int]:
        """Where it was before; else a loopback address of its own, or the student's own ports."""
        if (student, scenario) in self._at:
            return self._at[student, scenario]
        if self.first_port:
            which = self.scenarios.index(scenario)
            number = self._order[student] * len(self.scenarios) + which
            port = self.first_port + PORTS * number
            return (self.host, port, port + 1, port + 2)
        host = next(own_addresses(world)) if sys.platform == "linux" else "127.0.0.1"
        return (host, _CAS_PORT if sys.platform == "linux" else 0, 18765, 8443)

    def given(self, student: str, scenario: str) -> dict[str, Any]:
        """Return what a student is given of a world: addresses, authorities, the saved report, the
        case of the flag exercises. Not the seed, and nothing that an exercise asks for and that
        is not in the report or on the page.
        """
        place = self.place(student, scenario)
        facts, running = place.facts, place.running
        world = facts.world
        where = running.environment()
        signer = world.vendor
        return {
            "world": world_id(world.seed, scenario),
            "scenario": scenario,
            "scenarios": list(self.scenarios),
            "host": running.host,
            "port": running.cas_port,
            "enclave_port": int(where["CAS_ENCLAVE_PORT"]),
            "page_url": running.page_url,
            "pcs_url": running.pcs_url,
            "page_ca": world.site_ca_pem.decode("ascii"),
            "roots": world.roots_pem.decode("ascii"),
            "now": world.now.isoformat(),
            "nonce": facts.nonce,
            "report": base64.b64encode(facts.report_bytes).decode("ascii"),
            "vendor": _signer(signer),
            "case": self._case(facts) if scenario == "public" else None,
        }

    @staticmethod
    def _case(facts: Facts) -> dict[str, Any]:
        case = facts.case
        return {
            "title": case.title,
            "story": case.story,
            "mrenclave": case.mrenclave,
            "signer": _signer(case.signer),
            "report": base64.b64encode(case.report_bytes).decode("ascii"),
        }

    def pages(self, student: str) -> list[dict[str, str]]:
        """Return the states of the page, without what a scraper should say of them."""
        world = self.place(student, "public").facts.world
        return [{"name": s.name, "story": s.story, "html": s.html} for s in page_history(world)]

    def state(self, student: str) -> tuple[str, float]:
        """Return 'running', 'idle', 'dropped' or '' (never made), and seconds since it was used."""
        room = self._rooms.get(student)
        if room is None:
            return (
                ("dropped", 0.0)
                if folder_of(self.course, self.task, student).exists()
                else ("", 0.0)
            )
        unused = self.clock() - room.used
        if not room.places:
            return "dropped", unused
        return ("idle" if unused >= IDLE else "running"), unused

    def idle(self) -> list[str]:
        """Return the students whose worlds nobody has used for long."""
        now = self.clock()
        return [
            s
            for s, room in list(self._rooms.items())
            if room.places and now - room.used >= self.dropped
        ]

    def drop(self, student: str) -> None:
        """Let a student's worlds no longer answer; their sessions stay on disk."""
        room = self._rooms.get(student)
        for place in list(room.places.values()) if room else []:
            place.running.stop()
        if room:
            room.places.clear()

    def reset(self, student: str) -> None:
        """Drop a student's worlds and their sessions: the next request makes new ones, with the
        same seed. Raises SourceError where they cannot be removed.
        """
        self.drop(student)
        forget_sessions(folder_of(self.course, self.task, student))

    def close(self) -> None:
        """Drop all worlds."""
        for student in list(self._rooms):
            self.drop(student)
        self.server.stop()


def folder_of(course: Course, task: Assignment, student: str) -> Path:
    """Return the folder of a student's sessions. An id may differ from another by case alone, which
    some disks do not see.
    """
    own = hashlib.sha256(student.encode()).hexdigest()[:8]
    return course.folder / "sealed" / task.name / f"{student}-{own}"


def forget_sessions(folder: Path) -> None:
    """Remove a folder of sessions, if there is one. Raises SourceError."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as exc:
        raise SourceError(str(folder), got=exc.strerror, wanted="to remove it") from None


def _signer(signer: Any) -> dict[str, Any]:
    return {
        "mrsigner": signer.mrsigner,
        "isvprodid": signer.isvprodid,
        "isvsvn": signer.isvsvn,
        "name": signer.name,
    }
