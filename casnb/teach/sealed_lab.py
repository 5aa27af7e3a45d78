"""A lab whose world and judge are on the class server: answers are sent there, and what it says is
shown. The seed is not here, so nothing that follows from it can be computed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from casnb.base import strictjson
from casnb.base.errors import SourceError, UsageError, neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.cas.page_fetch import fetch
from casnb.evidence.cas_report import CasReport
from casnb.policy.identities import ExpectedSigner
from casnb.teach.class_line import Refused, ask, server_address
from casnb.teach.course import exercises
from casnb.teach.course.answer_json import tagged
from casnb.teach.course.answers import plain, unanswered
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG, Feedback, Hint
from casnb.teach.course.progress import Entry, Progress
from casnb.teach.course.ticket import Ticket
from casnb.teach.facts import LoadedReport
from casnb.teach.handed import Handed, Outpost, Scraped, given_lab, signer_of, worth
from casnb.teach.premises import Whereabouts
from casnb.verify.pki import TrustAnchors

if TYPE_CHECKING:
    from casnb.teach.explorer.panel import ByteExplorer
    from casnb.teach.quiz.panel import QuizPanel

_PATIENCE = 20.0
SEALED = "sealed: the world is on the class server"


class SealedLab(Whereabouts, Shown):
    """What a notebook of a sealed assignment holds. Where things are is as in any lab; `check`,
    `task`, `hint` and `progress` ask the class server.

    `elsewhere` are names of what other labs have. Raises UsageError where the server refuses the
    ticket, SourceError where it does not answer.
    """

    def __init__(self, ticket: Ticket, scenario: str, elsewhere: Collection[str] = ()) -> None:
        self.ticket, self.scenario, self._elsewhere = ticket, scenario, elsewhere
        self._server = server_address(ticket.server)
        self._given = self._asked()
        self.station = Outpost(self._given, f"sealed-{self._given['world'][:12]}")
        self.chapter = ticket.assignment
        self.exercises = tuple(map(str, self._given["exercises"]))

    def _asked(self) -> dict[str, Any]:
        return given_lab(self._ask("lab", {"scenario": self.scenario}))

    def awake(self) -> bool:
        """Have the world running, which ends when nobody uses it; whether it is where it was."""
        return not self.closed and {**self._asked(), "now": ""} == {**self._given, "now": ""}

    def _ask(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return ask(self._server, f"/api/1/{what}", f"Bearer {self.ticket.text}", body)

    # Where things are

    @property
    def address(self) -> str:
        return self.station.names["CAS_ADDR"]

    @property
    def roots(self) -> TrustAnchors:
        """The roots of this world's Intel."""
        pem = self._given["roots"].encode("ascii")
        return TrustAnchors.from_pem(pem, label="simulated", simulated=True)

    @property
    def vendor(self) -> ExpectedSigner:
        """What the vendor publishes of its CAS."""
        return signer_of(self._given["vendor"])

    @property
    def nonce(self) -> str:
        """The nonce of the saved report."""
        return str(self._given["nonce"])

    @property
    def report_bytes(self) -> bytes:
        """One answer of /v1/attest, saved."""
        return base64.b64decode(self._given["report"])

    @property
    def case(self) -> LoadedReport:
        """The CAS that the flag exercises are about: `case.appraise(policy)` judges its report."""
        case = self._given["case"]
        if not isinstance(case, dict):
            raise UsageError("lab.case", got=f"scenario {self.scenario}", wanted="public")
        return self._loaded(
            base64.b64decode(strictjson.member(case, "report", str, "case")),
            mrenclave=strictjson.member(case, "mrenclave", str, "case"),
            signer=signer_of(case.get("signer")),
            name=strictjson.member(case, "title", str, "case"),
        )

    def _loaded(self, data: bytes, **others: Any) -> LoadedReport:
        when = datetime.fromisoformat(self._given["now"])
        return LoadedReport(data, roots=self.roots, now=when, **others)

    def page(self, layout: str = "today") -> str:
        """Fetch the public page in one of its layouts ('today', '2024-10', '2022-04', '2021-10')
        from this world's site.
        """
        where = "latest" if layout == "today" else layout
        body, _ = fetch(f"{self.pcs_url}/{where}/public-CAS/", self.page_ca, _PATIENCE)
        return body.decode("utf-8")

    def scrape_lab(self, scraper: Callable[[str], object]) -> Scraped:
        """Run a function of a page's text over the page's ten states; `values` is what it said."""
        pages = strictjson.member(self._ask("pages", {}), "pages", list, "pages")
        values: dict[str, Any] = {}
        for page in pages:
            name = strictjson.member(page, "name", str, "page")
            try:
                found = plain(scraper(strictjson.member(page, "html", str, "page")))
            except Exception:  # whatever a reader's function raises is its refusal
                found = None
            values[name] = found
        return Scraped(values)

    def explorer(self, evidence: object = None, result: Any = None, **layers: Any) -> ByteExplorer:
        """Return a byte explorer on a piece of evidence; left out, on the saved report."""
        from casnb.teach.explorer.panel import ByteExplorer

        if evidence is None:
            evidence = CasReport.from_json(self.report_bytes)
        return ByteExplorer(evidence, result, **layers)

    # Exercises

    def task(self, id: str) -> Handed:
        """Return an exercise as it is put in this world."""
        return Handed(self._ask("task", {"exercise": exercises.exercise(id).id}))

    def check(self, id: str, answer: object = ...) -> Feedback:
        """Send an answer to the judge, and return what it says. A new answer is a try; the same one
        again is not. Never raises for an answer.
        """
        task = exercises.exercise(id)
        value = plain(answer)
        if unanswered(value):
            message = "Put your answer in place of the three dots. `lab.task` shows what is wanted."
            return Feedback(task.id, NOT_YET, message)
        try:
            found = self._ask("check", {"exercise": id, "answer": tagged(value)})
        except Refused as exc:
            return Feedback(task.id, NOT_YET, f"Not judged, and not counted. {exc}")
        words = {n: strictjson.member(found, n, str, "check") for n in ("message", "code", "note")}
        status = strictjson.member(found, "status", str, "check")
        if status not in (RIGHT, WRONG, NOT_YET):
            raise SourceError("class server", got=neutral(status, 40), wanted="right or wrong")
        notes = (words["note"], worth(found)) if status != NOT_YET else (words["note"],)
        return Feedback(
            task.id, status, words["message"], words["code"], tuple(n for n in notes if n)
        )

    def hint(self, id: str) -> Hint:
        """Return the next of three hints; the server counts them."""
        found = self._ask("hint", {"exercise": exercises.exercise(id).id})
        step, of = (strictjson.member(found, n, int, "hint") for n in ("step", "of"))
        return Hint(id, step, of, strictjson.member(found, "text", str, "hint"))

    def quiz(self, id: str) -> QuizPanel:
        """Return a multiple-choice exercise as buttons; a press is a try."""
        from casnb.teach.quiz.panel import QuizPanel

        return QuizPanel(self.task(id), self.check)

    def progress(self, *, everything: bool = False) -> Progress:
        """Return how far this assignment is done, as the class server has it."""
        rows = strictjson.member(self._ask("progress", {}), "exercises", dict, "progress")
        entries = {}
        for id in self.exercises:
            row = rows.get(id)
            status, at = (strictjson.member(row, n, str, "progress") for n in ("status", "at"))
            tries, hints = (strictjson.member(row, n, int, "progress") for n in ("tries", "hints"))
            entries[id] = Entry(status, tries, hints, at=at)
        return Progress(entries)

    def receipt(self, path: str | Path | None = None) -> dict[str, Any]:
        """Nothing is handed in here: the class server has every answer. Raises UsageError."""
        raise UsageError(
            "lab.receipt", got=SEALED, wanted="nothing: the class server has your answers"
        )

    def close(self) -> None:
        """Forget the lab's files; the world stays on the class server."""
        self.station.close()

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("_") and name in self._elsewhere:
            raise UsageError(
                f"lab.{name}",
                got=SEALED,
                wanted="what this lab has: check, task, hint, progress, scone, run",
                do="The lessons have it, on the practice seed.",
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # How it shows

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("CAS", f"{self.address}, port {self.port}"),
            ("public CAS page", self.page_url),
            ("served by", f"the class server, for {self._given['student']}"),
            ("assignment", f"{self._given['course']}: {self.chapter}"),
            ("exercises", ", ".join(self.exercises)),
        ]

    _SAYS = (
        "World and judge are on the class server. A new answer is a try, and it is kept there with"
        " its time; the same answer again is none."
    )

    def __repr__(self) -> str:
        return f"<SealedLab {self.chapter}: CAS {self.address}>"

    def __str__(self) -> str:
        return "\n".join([text_table(("lab", self.chapter), self._rows()), "", self._SAYS])

    def _html(self) -> str:
        rows = html_table(("lab", self.chapter), self._rows(), code=(1,))
        return f"{rows}<p>{cell(self._SAYS)}</p>"
