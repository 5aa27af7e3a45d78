"""The lab a notebook works in: a simulated world to talk to, exercises to check, progress to
keep.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.base.way_back import report_line, way_back
from casnb.checks.result import AttestationResult
from casnb.policy.policy import AttestationPolicy
from casnb.teach.casework import Casework
from casnb.teach.claims import watch
from casnb.teach.class_line import SERVER, ticket_from
from casnb.teach.course import exercises
from casnb.teach.course.ticket import VARIABLE, Ticket, is_assignment, read_ticket
from casnb.teach.facts import PRACTICE, Cases, Facts, LoadedReport
from casnb.teach.panels import Panels
from casnb.teach.sealed_lab import SealedLab
from casnb.teach.station import Station, answers

if TYPE_CHECKING:
    from casnb.mallory.attacks import AttackMatrix, Outcome
    from casnb.policy.flag_matrix import Matrix
    from casnb.teach.course.glossary import Word, Words
    from casnb.teach.handing_in import HandedIn
    from casnb.teach.predicting.model import FaultySignature
    from casnb.teach.surroundings import Needs, RealPage


_labs: dict[tuple[str, str, str], Lab] = {}
_sealed: dict[tuple[str, str], SealedLab] = {}
_stations: dict[tuple[str, str], Station] = {}


def start(
    chapter: str,
    *,
    seed: str | None = None,
    scenario: str | None = None,
    ticket: str | None = None,
) -> Lab | SealedLab:
    """Return the lab of a chapter ('00' to '08') or of an assignment ('hw1'); called again with the
    same arguments, the same lab.

    Left out, `scenario` is the chapter's own: 'production' for '07' and '08', 'public' for the
    others and for an assignment, whose exercises are each judged in their own.

    An assignment's seed and exercises come from its ticket: `ticket`, or CASNB_TICKET, or, on a
    JupyterHub, the class server that CASNB_CLASS_SERVER names. Without one the lab uses the
    practice seed, and says so. A ticket that names a class server in place of a seed gives a
    `SealedLab`, whose world and judge are there; it raises SourceError where that server does not
    answer.

    Where CAS_ADDR and its companions name a simulator that answers, with this seed and scenario,
    the lab uses that one; else it serves a world of its own in this process, on loopback. What a
    shell needs (`lab.env`) is put into `os.environ`, with a SCONE_CLI_CONFIG of the lab's own,
    so that a lesson never writes into the reader's file of attested CASes. All ends with the
    process, or with `lab.close()`. Raises UsageError for an unknown chapter or scenario.

    Example: `lab = start("01")`, then `lab` alone at the end of a cell.
    """
    number = str(chapter)[:2]
    assigned, note = None, ""
    if number not in exercises.CHAPTERS:
        found = _ticket(chapter, ticket) if is_assignment(chapter) else None
        # A word without a number is more likely a slip than an assignment whose ticket is missing.
        if found is None and not (is_assignment(chapter) and chapter[-1].isdigit()):
            raise UsageError(
                "chapter",
                got=chapter,
                wanted="one of " + ", ".join(exercises.CHAPTERS) + ", or an assignment",
                do=f"An assignment's ticket goes into {VARIABLE}.",
            )
        number = chapter
        assigned = found.exercises if found else tuple(exercises.catalogue())
        if found and found.server:
            return _sealed_lab(found, scenario or "public")
        if found:
            seed = seed or found.seed
        else:
            note = (
                "No ticket: this is the practice world, and answers given here count for nobody."
                f" Put yours into {VARIABLE}."
            )
    wanted = seed or os.environ.get("CASNB_SEED") or PRACTICE
    own = exercises.CHAPTERS.get(number)
    scenario = scenario or (own.scenario if own else "public")
    key = (number, wanted, scenario)
    station = _station(wanted, scenario)
    watch()
    known = _labs.get(key)
    if known is None or known.station is not station or known.assigned != assigned:
        _labs[key] = Lab(number, station, assigned, note)
    station.export()
    return _labs[key]


def _sealed_lab(ticket: Ticket, scenario: str) -> SealedLab:
    key = (ticket.text, scenario)
    known = _sealed.get(key)
    if known is None or not known.awake():
        if known is not None:
            known.close()
        watch()
        _sealed[key] = SealedLab(ticket, scenario, frozenset({*dir(Lab), "facts", "cases"}))
    _sealed[key].station.export()
    return _sealed[key]


def _ticket(assignment: str, given: str | None) -> Ticket | None:
    text = (given or os.environ.get(VARIABLE) or "").strip()
    if not text and SERVER in os.environ and "JUPYTERHUB_API_TOKEN" in os.environ:
        where, token = os.environ[SERVER], os.environ["JUPYTERHUB_API_TOKEN"]
        text = ticket_from(where, token, assignment)
    if not text:
        return None
    ticket = read_ticket(text)
    if ticket.assignment != assignment:
        raise UsageError(
            "ticket",
            got=f"one for {ticket.assignment}",
            wanted=f"one for {assignment}",
            do="Each assignment has a ticket of its own.",
        )
    for id in ticket.exercises:
        exercises.exercise(id)
    return ticket


def _station(seed: str, scenario: str) -> Station:
    found = _stations.get((seed, scenario))
    if found is None or found.closed or not answers(found.host, found.port):
        if found is not None:
            found.close()
        found = _stations[seed, scenario] = Station(seed, scenario)
    return found


class Lab(Panels, Casework, Shown):
    """What a notebook holds: where the simulated CAS and its page are, and `check`, `hint`,
    `progress` for its exercises.

    `address` is what `scone cas attest` is given, `page_ca` the file that vouches for the page's
    server, `roots` the simulated Intel roots (`roots_file` the same as a file), `env` the
    environment for child processes.
    """

    def __init__(
        self,
        chapter: str,
        station: Station,
        assigned: tuple[str, ...] | None = None,
        note: str = "",
    ) -> None:
        super().__init__(chapter, Facts(station.world, station.host, station.port), assigned)
        self.station, self.note = station, note
        self.cases = Cases(station.world.seed)

    # The saved report, and reports of other builds, machines and scenarios, without a network

    @property
    def nonce(self) -> str:
        """The nonce of the saved report."""
        return self.facts.nonce

    @property
    def report_bytes(self) -> bytes:
        """One answer of /v1/attest, saved: the same bytes as long as this lab lives."""
        return self.facts.report_bytes

    def page(self, layout: str = "today") -> str:
        """Return the public page in one of its layouts ('today', '2024-10', '2022-04',
        '2021-10') without fetching it.
        """
        return self.facts.page(layout)

    def scenario_attempt(
        self, scenario: str, policy: AttestationPolicy | None = None
    ) -> AttestationResult:
        """Verify and appraise a report of any scenario, at that world's own time, without a
        network.
        """
        return self.cases.get(scenario).appraise(policy or AttestationPolicy())

    def load_report(self, path: str | Path, **others: Any) -> LoadedReport:
        """Judge a CAS report out of a file, and offer it in panels beside the scenarios.

        Intel's roots and the report's own time count unless `roots` and `now` are given;
        `mrenclave` is what to expect. Raises EvidenceError for bytes that are no CAS report,
        SourceError for a file or report that nobody can judge.
        """
        return self.cases.load(LoadedReport.from_file(path, **others))

    def matrix(self, mrenclave: str = "given") -> Matrix:
        """Return what every combination of flags makes of every scenario and every loaded
        report.
        """
        return self.cases.matrix(mrenclave)

    def build(self, version: str, **others: Any) -> Facts:
        """Return what would be true here if another build ran; `others` are `isv_svn`,
        `isv_prod_id` and `signer`.
        """
        return self.facts.build(version, **others)

    def elsewhere(self) -> Facts:
        """Return what is true of the same build on another machine of the same kind: as genuine,
        with keys of its own.
        """
        return self.facts.elsewhere

    def image(self, **environment: str) -> Path:
        """Write the CAS's container image into the lab's folder; `environment` is what it sets
        for its program.
        """
        path = self.folder / "cas-image.tar"
        path.write_bytes(self.world.image(environment))
        return path

    # Words, and what is around

    def word(self, term: str) -> Word:
        """Return what a term of the course means, and where it is introduced."""
        from casnb.teach.course import glossary

        return glossary.word(term)

    def words(self, *terms: str) -> Words:
        """Return these terms as a table; without one, all of the course."""
        from casnb.teach.course import glossary

        return glossary.words(*terms)

    def needs(self, *programs: str) -> Needs:
        """Return which programs a notebook runs, whether they are here, and how to get them."""
        from casnb.teach.surroundings import needs

        return needs(*programs)

    def real_page(self) -> RealPage:
        """Fetch SCONE's own page once, where there is a network; never raises, never waits more
        than ten seconds.
        """
        from casnb.teach.surroundings import real_page

        return real_page()

    # Mallory

    def attack(
        self,
        name: str,
        line: str | Sequence[str] = "",
        *,
        skip: Collection[str] = (),
        add: Collection[str] = (),
    ) -> Outcome:
        """Run an attack for real, against options of `scone cas attest` and habits that differ
        from the usual ones.
        """
        from casnb.mallory.attacks import Defence, run

        return run(name, Defence.of(line, skip=skip, add=add), seed=self.seed)

    def attack_matrix(self, lines: Sequence[str], names: Sequence[str]) -> AttackMatrix:
        """Run some attacks against some sets of flags, usual habits kept, and return what
        stopped which.
        """
        from casnb.mallory.attacks import Defence, matrix

        return matrix(
            {line or "no flag": Defence.of(line) for line in lines}, names, seed=self.seed
        )

    @property
    def faulty_signature(self) -> FaultySignature:
        """What an enclave signed at too low a voltage: numbers `n`, `e`, `m` and `s`, for an
        exercise.
        """
        from casnb.teach.predicting.model import faulty_signature

        return faulty_signature(self.seed)

    # Commands

    def hand_in(
        self,
        address: str,
        policy: AttestationPolicy,
        *,
        notice: str | Path = "class-cas.json",
        path: str | Path | None = None,
    ) -> HandedIn:
        """Attest the class's CAS under a policy of your own, and put your answers there as a secret
        of a session that you and your teacher can read; a copy goes to `path`.

        `notice` is the file that your teacher published. Raises UsageError in a lab without a
        ticket, VerificationError or PolicyError where the CAS is not accepted.
        """
        from casnb.cas.trust import TrustStore
        from casnb.teach.course.attested_hand_in import session_name
        from casnb.teach.handing_in import ClassNotice, hand_in

        if self.assigned is None or self.facts.practice:
            raise UsageError(
                "hand-in",
                got="a lab without a ticket",
                wanted="the lab of an assignment",
                do="Paste your ticket, then start(NAME).",
            )
        return hand_in(
            self.receipt(),
            session_name(self.chapter, self.facts.world.seed),
            address,
            policy,
            ClassNotice.from_file(notice),
            TrustStore(self.folder / "config.json").identity(),
            path,
        )

    def close(self) -> None:
        """End the lab, and the world with it if this process serves it."""
        self.station.close()

    # How it shows

    def _rows(self) -> list[tuple[str, str]]:
        by = "a simulator that was already running" if self.attached else "this process"
        return [
            ("CAS", f"{self.address}, port {self.port}"),
            ("public CAS page", self.page_url),
            ("served by", by),
            ("seed, scenario", f"{self.seed}, {self.scenario}"),
            ("exercises", ", ".join(self.exercises)),
        ]

    _SAYS = (
        "Everything here is simulated and stays on this computer: real formats and real checks,"
        " with Intel roots that only this lab trusts."
    )

    def _ipython_display_(self) -> None:
        """Show the table, and put on the page what reads feedback aloud and explains words."""
        from IPython.display import display

        from casnb.teach.aids import put_on_page

        display(self._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]
        put_on_page(self.announcer)

    def __repr__(self) -> str:
        return (
            f"<Lab {self.chapter}: CAS {self.address}, seed {self.seed!r}, scenario"
            f" {self.scenario!r}>"
        )

    def __str__(self) -> str:
        note = [f"note: {n}" for n in (self.note, self.station.note) if n]
        if way_back(page := f"lessons/{self.chapter}"):
            note.append(f"Something is wrong here? {report_line(page)}")
        return "\n".join([text_table(("lab", self.chapter), self._rows()), "", self._SAYS, *note])

    def _html(self) -> str:
        from casnb.teach.course import glossary

        note = "".join(f"<p>note: {cell(n)}</p>" for n in (self.note, self.station.note) if n)
        if to := way_back(f"lessons/{self.chapter}"):
            note += f'<p><a href="{escape(to)}">Something is wrong here</a>: opens a text that you'
            note += " can send; nothing is sent by itself.</p>"
        return (
            html_table(("lab", self.chapter), self._rows(), code=(1,))
            + f"<p>{cell(self._SAYS)}</p>{note}"
            + glossary.known_until(self.chapter).folded()
        )
