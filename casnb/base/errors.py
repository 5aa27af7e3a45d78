"""The ways a call can end badly, as siblings: bad evidence, not genuine, not wanted, could not
check, called wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

#: No message grows past this many characters, whatever an outsider put into it.
MESSAGE_LIMIT = 1200


def neutral(text: object, limit: int = 300) -> str:
    """Return `text` on one line, without control or bidirectional characters, at most `limit`
    characters long.

    Everything that came from outside passes through here before a terminal or a message shows
    it. Not done here: HTML escaping; see `casnb.base.view`.
    """
    plain = str(text)
    if len(plain) <= limit and plain.isprintable():
        return plain
    shown = "".join(
        (
            c
            if c.isprintable()
            else ("\N{SYMBOL FOR NEWLINE}" if c == "\n" else "\N{REPLACEMENT CHARACTER}")
        )
        for c in plain[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


class CasnbError(Exception):
    """Say *subject: got X, wanted Y. Do Z.*; the parts stay readable as attributes.

    `exit_code` is what the command line returns for it: 1 rejected, 2 wrong use, 3 could not check.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, subject: str, *, got: object = None, wanted: object = None, do: str = ""
    ) -> None:
        self.subject = neutral(subject, 400)
        self.got = None if got is None else neutral(got)
        self.wanted = None if wanted is None else neutral(wanted)
        self.do = neutral(do, 400)
        parts = []
        if self.got is not None:
            parts.append(f"got {self.got}")
        if self.wanted is not None:
            parts.append(f"wanted {self.wanted}")
        message = self.subject + (": " + ", ".join(parts) if parts else "")
        if not message.endswith((".", "!", "?")):
            message += "."
        super().__init__((message + (f" {self.do}" if self.do else ""))[:MESSAGE_LIMIT])


class EvidenceError(CasnbError):
    """Bytes or text from outside are not what their format says: cut short, too long, malformed,
    contradictory.
    """


class VerificationError(CasnbError):
    """The evidence was read, and it is not proven genuine."""


class PolicyError(CasnbError):
    """The evidence is genuine, and the policy does not want this enclave."""


class SourceError(CasnbError):
    """Nothing was decided: a page, server, file or disk could not be reached, read or written."""

    exit_code = 3


class UsageError(CasnbError):
    """The call itself is wrong: flags that contradict each other, a value of the wrong form."""

    exit_code = 2


@contextmanager
def own_file(what: str) -> Iterator[None]:
    """Make a SourceError of an EvidenceError: the reader's own file `what`, and not what is
    judged by it, is not as it must be.
    """
    try:
        yield
    except EvidenceError as exc:
        raise SourceError(
            f"{what}: {exc.subject}" if what else exc.subject,
            got=exc.got,
            wanted=exc.wanted,
            do=exc.do,
        ) from None
