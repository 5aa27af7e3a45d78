"""How report_data is hashed wrongly: the readings that have a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from casnb.teach.course.misreadings import NEWLINE, ORDER, SPACES, Family, Way, dropped

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


def _lines(end: str) -> Callable[[str], str]:
    return lambda t: t.replace("\\r\\n", end)


def _additional(facts: Facts) -> dict[str, Any]:
    return dict(facts.report.additional_data)


BINDING = Family(
    "sha512",
    _additional,
    (
        SPACES,
        (ORDER,),
        (
            Way(
                "line-ends",
                "The line ends inside cert_chain were changed. They are CR LF, and they are part of"
                " what is hashed.",
                "line ends do not matter to a hash",
                text=_lines("\\n"),
            ),
            Way("line-ends", "The line ends inside cert_chain were taken out.", text=_lines("")),
        ),
        NEWLINE,
        (
            Way(
                "no-nonce",
                "The nonce is missing or empty. It is bound too.",
                "the nonce is not part of what is bound",
                edit=lambda m: m | {"nonce": ""},
            ),
            Way("no-nonce", "The member nonce is missing.", edit=dropped("nonce")),
        ),
        (
            Way(
                "no-type",
                "The member type is missing.",
                "only what looks useful is hashed",
                edit=dropped("type"),
            ),
        ),
        (
            Way(
                "sha256",
                "SHA-256 gives 32 bytes; the field has 64.",
                "report_data is a SHA-256",
                digest="sha256",
            ),
            Way(
                "sha384",
                "SHA-384 gives 48 bytes; the field has 64.",
                "report_data is a SHA-384",
                digest="sha384",
            ),
            Way(
                "sha3",
                "This is SHA3-512. The SHA-2 family is meant.",
                "SHA-3 is used",
                digest="sha3_512",
            ),
        ),
    ),
    (
        (
            Way(
                "whole-report",
                "This is the hash of the whole response. It cannot be: the report would have to"
                " contain its own hash.",
                "the whole response is hashed",
            ),
            lambda facts: facts.report_bytes,
        ),
        (
            Way(
                "python-text",
                "This is the hash of the dictionary as Python prints it.",
                "Python's way to print a dictionary is JSON",
            ),
            lambda facts: str(_additional(facts)).encode(),
        ),
    ),
)
