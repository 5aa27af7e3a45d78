"""One diagnosis of a failed TLS connection: how each tool words it, what it means, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from casnb.base.documentation import docs_at, docs_path


@dataclass(frozen=True)
class Wording:
    """How one tool, or one family of them, words it: `sample` as printed, and `pattern` where
    the sample is not pattern enough.
    """

    tool: str
    sample: str
    pattern: str = ""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """What is looked for; the case of letters does not matter."""
        return re.compile(self.pattern or re.escape(self.sample), re.IGNORECASE)


@dataclass(frozen=True)
class Diagnosis:
    """One thing that goes wrong: what it is, its cause, what to do, what the refusal protects from.

    `codes` are OpenSSL's numbers of verification errors that mean it. `lets_in` is whom the quick
    cure lets in, where people reach for one; `cells` are notebook cells and `attacks` names of
    `casnb attack` that show it; `source` is the public page that prints it, empty where none does.
    A `parent` says only that something failed: a line below it, or beside it, says what. `page` is
    kind and name of its page in the documentation, where that is not its own among the messages;
    empty for what has none.
    """

    id: str
    title: str
    cause: str
    cure: str
    protects: str
    wordings: tuple[Wording, ...]
    codes: tuple[int, ...] = ()
    lets_in: str = ""
    cells: tuple[str, ...] = ()
    attacks: tuple[str, ...] = ()
    source: str = ""
    parent: bool = False
    page: tuple[str, ...] = ("messages",)

    @property
    def docs(self) -> str:
        """The address of its page, empty where there is none."""
        return docs_at(self.page[0], [*self.page, self.id][1]) if self.page else ""

    @property
    def place(self) -> str:
        """Its page as a path below the site, wherever that is; empty where there is none."""
        return docs_path(self.page[0], [*self.page, self.id][1]) if self.page else ""
