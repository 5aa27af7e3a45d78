"""Why a connection to a CAS failed: from an exception or a message of another tool to its cause
and cure.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Any

from casnb.base.errors import neutral
from casnb.base.view import Shown, cell
from casnb.tls.diagnoses import BY_CODE, DIAGNOSES
from casnb.tls.diagnosis import Diagnosis, Wording

#: Characters of a message that are looked at: the telling line of `curl -v` and `openssl s_client`
#: stands well within.
MESSAGE_LIMIT = 40_000
#: How openssl numbers a verification error, whatever language it speaks.
_NUMBERED = re.compile(
    r"\bnum=(\d{1,3}):|\berror (\d{1,3}) at \d+ depth|Verify return code: (\d{1,3})\b"
)
_TRY = (
    "Give the whole message: the part after the number is the telling one.",
    (
        "Run curl with --verbose, or see what the server presents: openssl s_client -connect"
        " ADDRESS:8081 -servername cas"
    ),
    "casnb doctor says what on this machine would get in the way.",
)


@dataclass(frozen=True)
class Explanation(Shown):
    """What a message means: `diagnosis` is None where casnb does not know it. `wording` is what
    was recognised.

    `message` is the telling part of what was given, neutralised; `details` are names and values
    found in it; `also` is what else the text reports. `read_as` is the known wording that an
    unusual one was taken for, empty where it was recognised outright.
    """

    message: str
    diagnosis: Diagnosis | None = None
    wording: Wording | None = None
    details: tuple[tuple[str, str], ...] = ()
    also: tuple[Diagnosis, ...] = ()
    read_as: str = ""

    @property
    def known(self) -> bool:
        return self.diagnosis is not None

    @property
    def cause(self) -> str:
        """The cause in words, without a full stop; an unknown message is repeated."""
        return self.diagnosis.cause if self.diagnosis else f"TLS failed: {self.message}"

    @property
    def cure(self) -> str:
        """What to do, in sentences; empty for an unknown message."""
        return (
            f"{self.diagnosis.cure}."
            if self.diagnosis and self.diagnosis.cure[-1] != "?"
            else (self.diagnosis.cure if self.diagnosis else "")
        )

    def rows(self) -> list[tuple[str, str]]:
        """What every form of it shows, in order: name and text."""
        d = self.diagnosis
        if d is None:
            return [
                ("message", self.message),
                ("meaning", "not one of the messages that casnb knows; it will not guess"),
            ] + [("try", text) for text in _TRY]
        seen = [f"notebook cell {', '.join(d.cells)}"] if d.cells else []
        seen += [f"casnb attack {name}" for name in d.attacks]
        rows = [
            ("message", self.message),
            ("read as", self.read_as),
            ("it is", d.title),
            *self.details,
            ("cause", f"{d.cause}."),
            ("cure", self.cure),
            ("protects from", f"{d.protects}."),
            ("the quick cure lets in", f"{d.lets_in}." if d.lets_in else ""),
            ("see it happen", "; ".join(seen)),
            ("also reported", "; ".join(other.title for other in self.also)),
            ("printed on", d.source),
            ("docs", d.docs),
        ]
        return [(name, text) for name, text in rows if text]

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON form (see `casnb why --json`)."""
        d = self.diagnosis
        return {
            "known": self.known,
            "message": self.message,
            "diagnosis": d.id if d else None,
            "title": d.title if d else None,
            "cause": d.cause if d else None,
            "cure": d.cure if d else None,
            "protects_from": d.protects if d else None,
            "tool": self.wording.tool if self.wording else None,
            "details": dict(self.details),
            "lets_in": d.lets_in or None if d else None,
            "cells": list(d.cells) if d else [],
            "attacks": list(d.attacks) if d else [],
            "also": [other.id for other in self.also],
            "read_as": self.read_as or None,
            "source": d.source or None if d else None,
            "try": [] if d else list(_TRY),
        }

    def __repr__(self) -> str:
        return (
            f"<Explanation {self.diagnosis.id if self.diagnosis else 'unknown'}:"
            f" {neutral(self.message, 60)}>"
        )

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.rows())
        return "\n".join(f"{name.ljust(width)}  {text}" for name, text in self.rows())

    def _html(self) -> str:
        body = "".join(
            f'<tr><th scope="row">{cell(name)}</th><td>{cell(text, 600)}</td></tr>'
            for name, text in self.rows()
        )
        return f"<table><tbody>{body}</tbody></table>"


def explain_tls_error(problem: BaseException | str) -> Explanation:
    """Say why a connection failed and what to do: for an exception, or for a message of curl,
    openssl or another tool.

    Looks through the causes of wrapped exceptions (requests, urllib3, httpx, urllib), innermost
    first. What casnb does not know it says it does not know.

    >>> said = "curl: (35) error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib"
    >>> explain_tls_error(said).diagnosis.id
    'wrong-key'
    """
    layers = _layers(problem)
    for part in layers:
        if isinstance(part, ssl.SSLCertVerificationError) and part.verify_code in BY_CODE:
            return Explanation(telling(str(part)), BY_CODE[part.verify_code])
    for part in layers:
        if found := _recognise(_text(part)):
            return found
    return Explanation(telling(_text(problem)))


def _text(part: BaseException | str) -> str:
    if isinstance(part, str):
        return part[:MESSAGE_LIMIT]
    name = type(part).__name__
    try:
        text = str(part)[:MESSAGE_LIMIT]
    except Exception:  # an exception of another library may fail to say what it is
        text = ""
    return f"{name}: {text}" if text else name


def _recognise(text: str) -> Explanation | None:
    for match in _NUMBERED.finditer(text):
        code = int(match[1] or match[2] or match[3])
        if code in BY_CODE:
            return Explanation(
                telling(text, match.start()), BY_CODE[code], Wording("openssl", match[0])
            )
    flat = re.sub(r"\s+", " ", text)
    for diagnosis in DIAGNOSES.values():
        for wording in diagnosis.wordings:
            if found := wording.regex.search(flat):
                whole = wording.regex.search(
                    text
                )  # as it came, unless a terminal folded it in the middle
                return Explanation(
                    telling(text, whole.start()) if whole else telling(flat, found.start()),
                    diagnosis,
                    wording,
                )
    return None


def telling(text: str, at: int = 0) -> str:
    """Return the line, or the stretch of a long one, around what was recognised, neutralised;
    without curl's progress before it.
    """
    start = max(text.rfind("\n", 0, at) + 1, text.rfind("curl: (", 0, at + len("curl: (")))
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)].strip()
    back = max(0, at - start - 100)
    return neutral(("\N{HORIZONTAL ELLIPSIS}" if back else "") + line[back:], 240)


def _layers(exc: BaseException | str) -> list[BaseException | str]:
    """What an exception wraps (reasons, causes, arguments; at most a dozen), innermost first,
    and itself at the end.
    """
    out: list[BaseException | str] = []
    todo: list[BaseException | str] = [exc]
    while todo and len(out) < 12:
        part = todo.pop(0)
        out.append(part)
        if isinstance(part, BaseException):
            several = getattr(part, "exceptions", ())
            inner = (
                getattr(part, "reason", None),
                part.__cause__,
                part.__context__,
                *part.args,
                *(several if isinstance(several, (tuple, list)) else ()),
            )
            todo += [
                p for p in inner if isinstance(p, BaseException) and all(p is not q for q in out)
            ]
    return out[::-1]
