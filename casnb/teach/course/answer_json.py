"""An answer as JSON that travels: in the output of a notebook cell, in a receipt, to a judge. What
comes back is data, strictly read.

Numbers that a browser's JSON would change are written as text: a notebook is saved by one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.teach.course.answers import ITEM_LIMIT, TEXT_LIMIT, Foreign, plain

FORMAT = "casnb answer 1"
RECEIPT = "casnb receipt 2"
#: The type of this JSON among the outputs of a cell.
MIME = "application/vnd.casnb.answer+json"
#: Bytes of one answer, and of a receipt of all of them. No answer of ours comes near.
LIMIT = 64 << 10
RECEIPT_LIMIT = 1 << 20
_WHOLE = 1 << 53
_DEPTH = 8
_TAGS = frozenset({"set", "bytes", "int", "float", "dict", "foreign"})
_WORLD = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Answer:
    """One answer: to which exercise, what, in which world (`world_id`), and where its CAS was.

    Nothing in it is proven: neither who answered, nor when, nor whether it is right.
    """

    exercise: str
    answer: Any
    world: str
    address: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "exercise": self.exercise,
            "answer": tagged(self.answer),
            "world": self.world,
            "address": self.address,
        }


@dataclass(frozen=True)
class Receipt:
    """What a reader hands in from a terminal: the answers of one chapter, by exercise, and what
    else is said there, of which nothing counts.
    """

    chapter: str
    answers: Mapping[str, Answer]
    said: Mapping[str, Any] = field(default_factory=dict)


def world_id(seed: str, scenario: str) -> str:
    """Return the name of a world that does not tell its seed: 32 hex digits."""
    text = f"casnb world 1\0{seed}\0{scenario}".encode()
    return hashlib.sha256(text).hexdigest()[:32]


def tagged(value: Any) -> Any:
    """Return a plain answer as JSON: sets, bytes, large integers, floats, and dictionaries whose
    keys are not text are objects with one tag as their member.
    """
    if value is None or type(value) is bool:
        return value
    if type(value) is int:
        return value if abs(value) < _WHOLE else {"int": str(value)}
    if type(value) is float:
        return {"float": repr(value)} if isfinite(value) else {"foreign": "a float without a value"}
    if isinstance(value, str):
        return value if _encodes(value) else {"foreign": "text with half a surrogate pair"}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, frozenset):
        return {"set": sorted(map(tagged, value), key=strictjson.compact)}
    if isinstance(value, list):
        return [tagged(v) for v in value]
    if isinstance(value, dict):
        if all(isinstance(k, str) and _encodes(k) for k in value) and not set(value) & _TAGS:
            return {k: tagged(v) for k, v in value.items()}
        return {"dict": [[tagged(k), tagged(v)] for k, v in value.items()]}
    return {"foreign": value.kind if isinstance(value, Foreign) else "three dots"}


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def untagged(value: Any) -> Any:
    """Return the plain answer that `tagged` wrote; raise EvidenceError for anything else."""
    found = _untagged(value, _DEPTH, [ITEM_LIMIT])
    again = plain(found)
    if isinstance(again, Foreign) and not isinstance(found, Foreign):
        raise EvidenceError("answer", got=again.kind, wanted="an answer of a few values")
    return again


def _untagged(value: Any, depth: int, room: list[int]) -> Any:
    room[0] -= 1
    if depth < 0 or room[0] < 0:
        raise EvidenceError("answer", got="more than an answer holds", wanted="a few values")
    if value is None or type(value) in (bool, int):
        return value
    if isinstance(value, str):
        if len(value) > TEXT_LIMIT:
            raise EvidenceError("answer", got=f"{len(value)} characters", wanted=f"{TEXT_LIMIT}")
        return value
    if isinstance(value, list):
        return [_untagged(v, depth - 1, room) for v in value]
    if isinstance(value, dict):
        tags = set(value) & _TAGS
        if not tags:
            return {k: _untagged(v, depth - 1, room) for k, v in value.items()}
        if len(value) == 1:
            return _of_tag(tags.pop(), next(iter(value.values())), depth - 1, room)
    raise EvidenceError("answer", got=type(value).__name__, wanted="a tagged answer")


def _of_tag(tag: str, value: Any, depth: int, room: list[int]) -> Any:
    wrong = EvidenceError("answer", got=f"a malformed {tag}", wanted="as `tagged` writes it")
    if tag in ("set", "dict"):
        if not isinstance(value, list):
            raise wrong
        items = [_untagged(v, depth, room) for v in value]
        if tag == "dict":
            if not all(isinstance(i, list) and len(i) == 2 and _key(i[0]) for i in items):
                raise wrong
            found = dict(items)
        else:
            if not all(map(_key, items)):
                raise wrong
            found = frozenset(items)  # type: ignore[assignment]
        if len(found) != len(items):
            raise wrong
        return found
    if not isinstance(value, str) or len(value) > 2 * TEXT_LIMIT:
        raise wrong
    if tag == "foreign":
        return Foreign(value[:80])
    try:
        if tag == "bytes":
            return bytes.fromhex(value) if re.fullmatch("([0-9a-f]{2})*", value) else _raise(wrong)
        if tag == "int" and re.fullmatch(r"-?\d{1,1300}", value):
            return int(value)
        if tag == "float" and isfinite(number := float(value)):
            return number
    except ValueError:
        pass
    raise wrong


def _raise(error: EvidenceError) -> Any:
    raise error


def _key(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def read_answer(value: Any) -> Answer:
    """Read one answer out of JSON that was parsed already, such as an output of a notebook.

    Raises EvidenceError for another format, a missing member or one of another type, more than
    64 KB, nesting deeper than 8, and values that no answer of ours has. Members that are not
    listed are left aside. Whether there is such an exercise is not looked at.
    """
    if not isinstance(value, dict):
        raise EvidenceError("answer", got=type(value).__name__, wanted="an object")
    try:
        size = len(strictjson.compact(value))
    except (ValueError, RecursionError, TypeError) as exc:
        raise EvidenceError("answer", got=type(exc).__name__, wanted="JSON") from None
    if size > LIMIT:
        raise EvidenceError("answer", got=f"{size} bytes", wanted=f"at most {LIMIT}")
    words = {
        n: strictjson.member(value, n, str, "answer") for n in ("exercise", "world", "address")
    }
    if strictjson.member(value, "format", str, "answer") != FORMAT:
        raise EvidenceError("answer.format", got=value["format"][:40], wanted=FORMAT)
    if not re.fullmatch(r"\d\d\.[a-z0-9-]{1,60}", words["exercise"]):
        raise EvidenceError("answer.exercise", got=words["exercise"][:80], wanted="an id")
    if not _WORLD.fullmatch(words["world"]):
        raise EvidenceError("answer.world", got=words["world"][:80], wanted="32 hex digits")
    if len(words["address"]) > 300:
        raise EvidenceError("answer.address", got="300 characters or more", wanted="an address")
    if "answer" not in value:
        raise EvidenceError("answer.answer", got="nothing", wanted="this member")
    return Answer(answer=untagged(value["answer"]), **words)


def parse_answer(data: bytes | str) -> Answer:
    """Read one answer out of JSON text; as `read_answer`, and strict about the text: no NaN, no
    duplicate member.
    """
    return read_answer(strictjson.loads(data, "answer", limit=LIMIT))


def parse_receipt(data: bytes | str) -> Receipt:
    """Read a receipt: at most 1 MB, no NaN, no duplicate member, each exercise once, its digest
    over the rest.

    Raises EvidenceError. A digest that holds shows that nothing was damaged by accident, and no
    more.
    """
    body = strictjson.loads(data, "receipt", limit=RECEIPT_LIMIT)
    if strictjson.member(body, "format", str, "receipt") != RECEIPT:
        raise EvidenceError("receipt.format", got=body["format"][:40], wanted=RECEIPT)
    digest = strictjson.member(body, "sha256", str, "receipt")
    rest = {k: v for k, v in body.items() if k != "sha256"}
    if hashlib.sha256(strictjson.compact(rest)).hexdigest() != digest:
        raise EvidenceError(
            "receipt", got="a digest that does not fit", wanted="an undamaged receipt"
        )
    rows = [read_answer(r) for r in strictjson.member(body, "answers", list, "receipt")[:500]]
    answers = {a.exercise: a for a in rows}
    if len(answers) != len(rows):
        raise EvidenceError("receipt.answers", got="an exercise twice", wanted="each once")
    chapter = strictjson.member(body, "chapter", str, "receipt")
    return Receipt(chapter[:80], answers, rest)
