"""One hand-in, a saved notebook or a receipt, read as data: nothing in it is run, and nothing it
says of marks, tries, seed or time is taken over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from casnb.base.errors import EvidenceError, neutral
from casnb.teach.course.answer_json import MIME, RECEIPT, Answer, parse_receipt, read_answer
from casnb.teach.course.answers import same
from casnb.teach.course.attested_hand_in import FORMAT as ATTESTED
from casnb.teach.course.attested_hand_in import AttestedHandIn, parse_attested

#: Bytes of one notebook, and brackets and braces in it: pictures are long, not bushy.
LIMIT = 16 << 20
CONTAINERS = 200_000
CELLS = 5000
#: Answers of one hand-in that are looked at.
ANSWERS = 2000
#: Characters of a line in the cell for the ticket, and what is pasted there.
_LONGEST = 10_000
_PASTED = re.compile(r"""ticket := ["']\s*([\w.-]{20,8000})\s*["']""")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: What else comes under a notebook's name, by how it begins.
_OTHERS = {
    b"PK\x03\x04": "a zip file under another name",
    b"\x1f\x8b": "a gzip file under another name",
    b"%PDF": "a PDF under another name",
    b"\x89PNG": "a picture under another name",
    b"Rar!": "a rar archive under another name",
    b"7z\xbc\xaf": "a 7z archive under another name",
    b"<!doctype html": "a web page under another name, such as a login page",
    b"<html": "a web page under another name, such as a login page",
    b"<<<<<<< ": "a merge that git did not finish",
    b"version https://git-lfs": "a pointer of git LFS, without the file",
    b"\xff\xfe\x00\x00": "text in UTF-32",
}
_TAG = "casnb"


@dataclass(frozen=True)
class HandIn:
    """What one file holds: the last answer to each exercise, the ticket it carries (not checked
    here), and remarks.
    """

    answers: Mapping[str, Answer]
    ticket: str = ""
    notes: tuple[str, ...] = field(default=())
    #: What was sent through the class's CAS; its evidence is not judged here.
    attested: AttestedHandIn | None = None


def read_hand_in(data: bytes, name: str) -> HandIn:
    """Read a notebook of format 4, or a receipt. Raises EvidenceError for anything else.

    A malformed answer is left out with a remark, and the others count. Of several answers to one
    exercise the last in the file counts.
    """
    if data[:2] in _UTF_16 and any(data[2:4]):
        data = data.decode("utf-16", "replace").encode()
    body = _json(data, name)
    if not isinstance(body, dict):
        raise EvidenceError(name, got="JSON of another kind", wanted="a notebook or a receipt")
    if body.get("format") == RECEIPT:
        return HandIn(parse_receipt(data).answers)
    if body.get("format") == ATTESTED:
        sent = parse_attested(data)
        return HandIn(sent.answers, attested=sent)
    cells = body.get("cells")
    if not isinstance(cells, list) or body.get("nbformat") != 4:
        raise EvidenceError(name, got="JSON of another kind", wanted="a notebook or a receipt")
    if len(cells) > CELLS:
        raise EvidenceError(name, got=f"{len(cells)} cells", wanted=f"at most {CELLS}")
    answers: dict[str, Answer] = {}
    notes: list[str] = []
    for count, raw in enumerate(_outputs(cells)):
        if count >= ANSWERS:
            notes.append(f"more than {ANSWERS} answers: the rest was not read")
            break
        try:
            found = read_answer(raw)
        except (EvidenceError, ValueError, RecursionError) as exc:
            notes.append(f"an answer that cannot be read: {neutral(exc, 160)}")
            continue
        before = answers.pop(found.exercise, None)
        if before is not None and not same(before.answer, found.answer):
            notes.append(f"{found.exercise} is answered more than once: the last one counts")
        answers[found.exercise] = found
    return HandIn(answers, _ticket(body), tuple(dict.fromkeys(notes))[:20])


def _outputs(cells: list[Any]) -> Iterator[Any]:
    """Yield what the outputs of code cells carry under our type."""
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict) and MIME in data:
                yield data[MIME]


def _ticket(body: dict[str, Any]) -> str:
    """Return the ticket in a notebook's metadata, or what was pasted into the cell for it."""
    metadata = body.get("metadata")
    own = metadata.get(_TAG) if isinstance(metadata, dict) else None
    text = own.get("ticket") if isinstance(own, dict) else None
    if isinstance(text, str) and text:
        return text
    for cell in body["cells"]:
        if isinstance(cell, dict) and cell.get("id") == "ticket":
            source = cell.get("source")
            lines = (source if isinstance(source, list) else [source])[:50]
            text = "".join(x for x in lines if isinstance(x, str) and len(x) < _LONGEST)
            found = _PASTED.search(text)
            return found[1] if found else ""
    return ""


def _json(data: bytes, name: str) -> Any:
    """Parse a notebook's text: as strict as `strictjson`, but with room for pictures, and with NaN
    taken as no number, since other libraries' outputs may hold one.
    """
    if len(data) > LIMIT:
        raise EvidenceError(name, got=f"{len(data)} bytes", wanted=f"at most {LIMIT}")
    if not data.strip():
        raise EvidenceError(name, got="an empty file", wanted="a notebook or a receipt")
    start = data[:40].lstrip().lower()
    for beginning, what in _OTHERS.items():
        if start.startswith(beginning.lower()):
            raise EvidenceError(name, got=what, wanted="a notebook or a receipt")
    if (many := data.count(b"[") + data.count(b"{")) > CONTAINERS or data.count(
        b","
    ) > 10 * CONTAINERS:
        raise EvidenceError(name, got=f"{many} brackets and braces", wanted="a notebook")

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs):
            raise EvidenceError(name, got="a member twice", wanted="each once")
        return out

    def unread(_: str) -> Any:
        return _NOT_A_NUMBER

    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=members, parse_constant=unread
        )
    except EvidenceError:
        raise
    except UnicodeDecodeError as exc:
        _damaged(name, f"byte {exc.start} is not UTF-8")
    except (ValueError, RecursionError) as exc:
        why = "nesting too deep" if isinstance(exc, RecursionError) else str(exc) or "no JSON"
        _damaged(name, why)


def _damaged(name: str, why: str) -> NoReturn:
    raise EvidenceError(
        name,
        got=f"a damaged file ({why[:80]})",
        wanted="a notebook or a receipt",
        do="Have it handed in again.",
    ) from None


class _Nothing:
    """Stands where JSON had NaN or an infinity; no answer has one."""


_NOT_A_NUMBER = _Nothing()
