"""What a class server hands to a sealed lab: a world, exercises, pages, marks."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.view import Shown, html_table, text_table
from casnb.policy.identities import ExpectedSigner
from casnb.teach.course import exercises
from casnb.teach.course.answers import plain, said
from casnb.teach.course.exercise import Posed
from casnb.teach.course.judges import Option
from casnb.teach.station import Station


class Outpost(Station):
    """The files and variables of a world that the class server has."""

    def __init__(self, given: Mapping[str, Any], seed_name: str) -> None:
        self.closed, self.note, self.running = False, "", None
        self.folder = Path(tempfile.mkdtemp(prefix="casnb-lab-"))
        page_ca, roots = self.folder / "page-authority.pem", self.folder / "simulated-roots.pem"
        page_ca.write_text(given["page_ca"], "ascii")
        roots.write_text(given["roots"], "ascii")
        self.host, self.port = given["host"], given["port"]
        self.names = {
            "CAS_ADDR": self.host if self.port == 8081 else f"{self.host}:{self.port}",
            "CAS_HOST": self.host,
            "CAS_PORT": str(self.port),
            "CAS_ENCLAVE_PORT": str(given["enclave_port"]),
            "CAS_PAGE_URL": given["page_url"],
            "CAS_PAGE_CA": str(page_ca),
            "CASNB_PCS_URL": given["pcs_url"],
            "CASNB_ROOTS": str(roots),
            "CASNB_SEED": seed_name,
            "CASNB_SCENARIO": given["scenario"],
        }
        atexit.register(self.close)


#: Members of what the server gives, and their types.
_GIVEN = {
    "course": str,
    "assignment": str,
    "student": str,
    "exercises": list,
    "by_try": list,
    "world": str,
    "scenario": str,
    "scenarios": list,
    "host": str,
    "port": int,
    "enclave_port": int,
    "page_url": str,
    "pcs_url": str,
    "page_ca": str,
    "roots": str,
    "now": str,
    "nonce": str,
    "report": str,
    "vendor": dict,
}


def given_lab(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the server says of a lab, each member of its type."""
    known = {n: strictjson.member(body, n, kind, "lab") for n, kind in _GIVEN.items()}
    return {**known, "case": body.get("case")}


class Handed(Posed):
    """An exercise as the class server puts it."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        words = {
            n: strictjson.member(body, n, str, "task")
            for n in ("exercise", "title", "question", "given", "wanted")
        }
        options = strictjson.member(body, "options", dict, "task")
        self.id, self.title = words["exercise"], words["title"]
        self.task = exercises.exercise(self.id)
        self.question, self.given, self.wanted = (
            words["question"],
            words["given"],
            words["wanted"],
        )
        self.options = {str(k): Option(str(text)) for k, text in options.items()}


@dataclass(frozen=True)
class Scraped(Shown):
    """What a scraper said of each state of the page: `values` is what it returned, None for a
    refusal. There is no score: the judge has it.
    """

    values: Mapping[str, Any]

    HEADER = ("page of", "your scraper said")

    def _rows(self) -> list[tuple[str, str]]:
        return [
            (name, "None" if v is None else said(plain(v), 80)) for name, v in self.values.items()
        ]

    def __str__(self) -> str:
        return text_table(self.HEADER, self._rows())

    def _html(self) -> str:
        return html_table(self.HEADER, self._rows(), code=(1,))


def worth(found: Mapping[str, Any]) -> str:
    """How many tries, and what a right answer is worth, as one sentence."""
    tries = strictjson.member(found, "tries", int, "check")
    right = strictjson.member(found, "right", bool, "check")
    worth = strictjson.member(found, "worth", (int, float), "check")
    if right:
        return f"Right at try {tries}: {worth:.0%} of its points."
    return f"Try {tries}. The next one is worth {worth:.0%} of its points."


def signer_of(body: Any) -> ExpectedSigner:
    return ExpectedSigner(
        strictjson.member(body, "mrsigner", str, "signer"),
        strictjson.member(body, "isvprodid", int, "signer"),
        strictjson.member(body, "isvsvn", int, "signer"),
        strictjson.member(body, "name", str, "signer"),
    )
