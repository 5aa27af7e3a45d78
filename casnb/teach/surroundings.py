"""What is around a lesson: programs of this machine that it runs, and the real page where there is
a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from casnb.base.errors import CasnbError, SourceError, UsageError, neutral
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.cas.page import CasPage, scrape
from casnb.teach.stand_ins import STAND_INS, found

#: SCONE's own page. The one address outside this machine that a lesson ever asks.
REAL_PAGE = "https://sconedocs.github.io/latest/public-CAS/"
#: Seconds for the whole transfer.
_PATIENCE = 10

_GIT = "Git for Windows has it: winget install Git.Git, then start the lab from Git Bash"
#: How to get a program: on Windows, elsewhere.
PROGRAMS = {
    "bash": (_GIT, "every system has it"),
    "sh": (_GIT, "every system has it"),
    "curl": (
        "curl of Git for Windows: winget install Git.Git",
        "apt-get install curl, brew install curl",
    ),
    "jq": ("winget install jqlang.jq", "apt-get install jq, brew install jq"),
    "openssl": (_GIT, "apt-get install openssl, brew install openssl"),
}


class Needs(Shown):
    """The programs that a notebook runs: found here or not, and how to get them."""

    HEADER = ("program", "here", "on Windows", "elsewhere")

    def __init__(self, names: Sequence[str], which: Callable[[str], str | None]) -> None:
        for name in names:
            if name not in PROGRAMS:
                raise UsageError("program", got=name, wanted="one of " + ", ".join(PROGRAMS))
        self.found = {name: which(name) is not None for name in names}

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs that are not here."""
        return tuple(n for n, found in self.found.items() if not found)

    @property
    def sentence(self) -> str:
        """How the notebook goes on without what is missing."""
        if not self.missing:
            return "This machine has all that this notebook runs."
        replaced = [n for n in self.missing if n in STAND_INS]
        skipped = [n for n in self.missing if n not in STAND_INS]
        out = [f"Missing here: {', '.join(self.missing)}. The notebook runs all the same."]
        if replaced:
            out.append(
                f"casnb stands in for {' and '.join(replaced)}, as far as the lesson needs it."
            )
        if skipped:
            out.append(
                f"What is written for {' and '.join(skipped)} is done in Python, or left out."
            )
        return " ".join(out)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        without = {n: "stand-in" if n in STAND_INS else "missing" for n in self.found}
        return [(n, "yes" if ok else without[n], *PROGRAMS[n]) for n, ok in self.found.items()]

    def __str__(self) -> str:
        return f"{text_table(self.HEADER, self._rows())}\n\n{self.sentence}"

    __repr__ = __str__

    def _html(self) -> str:
        return html_table(self.HEADER, self._rows(), code=(0,)) + f"<p>{cell(self.sentence)}</p>"


def needs(*names: str) -> Needs:
    """Look for programs of this machine."""
    return Needs(names, found)


class RealPage(Shown):
    """What became of one look at SCONE's own page: `page` where it was read, else `reason`;
    `status` is 'read', 'refused' (a page came, and it has no values for certain) or 'not fetched'.
    """

    def __init__(self, status: str, page: CasPage | None = None, reason: str = "") -> None:
        self.status, self.page, self.reason = status, page, reason

    @property
    def sentence(self) -> str:
        if self.page is not None:
            return (
                f"The real page, read just now: {len(self.page.values)} hosts with a value. Nothing"
                " of it is used in this course: the lab's CAS is another one."
            )
        if self.status == "refused":
            return f"The real page answered, and was refused. {self.reason}"
        return (
            "NOT RUN  The real page could not be fetched, so there is nothing to say about it."
            f" Go on; the course does not need it. {self.reason}"
        )

    def __str__(self) -> str:
        return self.sentence + (f"\n\n{self.page}" if self.page is not None else "")

    __repr__ = __str__

    def _html(self) -> str:
        table = self.page._html() if self.page is not None else ""
        return f'<p data-status="{cell(self.status)}">{cell(self.sentence, 900)}</p>{table}'


def real_page(read: Callable[..., CasPage] = scrape) -> RealPage:
    """Fetch SCONE's own page once, in ten seconds at most; never raises for what comes or does not
    come.
    """
    try:
        return RealPage("read", read(REAL_PAGE, timeout=_PATIENCE))
    except SourceError as exc:
        return RealPage("not fetched", reason=neutral(exc, 400))
    except CasnbError as exc:
        return RealPage("refused", reason=neutral(exc, 400))
