"""Signed lists: patch levels of a platform model (TCB info), and what a genuine quoting enclave
looks like (QE identity).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, NoReturn, TypeVar, cast

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.verify.tcb import COMPONENTS, TcbLevel, TcbStatus

_Object = dict[str, object]
_Kind = TypeVar("_Kind")
#: Some versions of Python read 24:00:00 as the next day; no list of Intel's has it.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")
_LEVELS = 500
_EDITION = 1 << 31
#: The components of a level in TCB info version 2, as a tuple.
_COMPONENTS_OF = itemgetter(*(f"sgxtcbcomp{n:02}svn" for n in range(1, COMPONENTS + 1)))


def _date(text: object, what: str) -> datetime:
    if isinstance(text, str) and _DATE.fullmatch(text):
        try:
            return datetime.fromisoformat(text[:-1] + "+00:00")
        except ValueError:
            pass
    raise EvidenceError(what, got=text, wanted="YYYY-MM-DDThh:mm:ssZ")


def unhex(text: object, what: str, size: int) -> bytes:
    """Return `size` bytes of hex in either case, without spaces or prefix; raise EvidenceError."""
    try:
        raw = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        raw = b""
    if not isinstance(text, str) or len(raw) != size or len(text) != 2 * size:
        raise EvidenceError(what, got=str(text)[:40], wanted=f"{2 * size} hex digits")
    return raw


def _number(value: object, what: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise EvidenceError(what, got=value, wanted=f"an integer from 0 to {most}")
    return value


def _each(kind: type[_Kind], values: Iterable[object], what: str) -> list[_Kind]:
    """Return the values, every one of exactly this type; else raise EvidenceError. All levels of
    a list are looked at at once: one at a time takes most of what reading it takes.
    """
    found = values if type(values) is list else [*values]
    if not set(map(type, found)) <= {kind}:
        raise EvidenceError(what, got="another type", wanted=f"{_JSON[kind]} in each level")
    return cast("list[_Kind]", found)


_JSON: dict[type, str] = {dict: "an object", list: "a list", str: "text", int: "an integer"}


def _numbers(values: Iterable[object], what: str, most: int) -> list[int]:
    found = _each(int, values, what)
    if not 0 <= min(found) <= max(found) <= most:
        raise EvidenceError(what, got="something else", wanted=f"integers from 0 to {most}")
    return found


def _svns(values: Iterable[object], what: str) -> bytes:
    """Return component SVNs, which have a byte each."""
    try:
        return bytes(_each(int, values, what))
    except ValueError:
        raise EvidenceError(what, got="something else", wanted="integers from 0 to 255") from None


class _List(NamedTuple):
    """Either list taken apart: the whole, its levels, what each calls `tcb`, and the components of
    all of them in a row, as version 3 writes them.
    """

    body: _Object
    rows: list[_Object]
    tcbs: list[_Object]
    parts: list[_Object]


def _load(data: bytes | str, what: str, versions: tuple[int, ...]) -> _List:
    """Return the JSON object of a signed text, read as strictly as `strictjson.loads` does,
    sooner where it is as Intel prints it.

    In ASCII without escapes, and without spaces after a quote, every member shows as `":`. Where
    the objects that the form expects have as many members as that, none stood twice.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    plain = (
        text.isascii()
        and "\\" not in text
        and "\n" not in text
        and "\r" not in text
        and "\t" not in text
    )
    if plain and len(text) <= strictjson.LIMIT and '" ' not in text:
        try:
            found = _taken_apart(_PLAIN.decode(text), what, versions)
            if sum(map(len, chain([found.body], *found[1:]))) == text.count('":'):
                return found
        except (ValueError, RecursionError, KeyError, EvidenceError):
            pass  # not in the form expected: the strict reader says what is wrong
    return _taken_apart(strictjson.loads(data, what), what, versions)


def _unusual(number: str) -> NoReturn:
    raise ValueError(number)


_PLAIN = json.JSONDecoder(parse_float=_unusual, parse_constant=_unusual)


def _taken_apart(body: object, what: str, versions: tuple[int, ...]) -> _List:
    """Return every object that the reader will look into; raise EvidenceError for another
    version, or where one of them is something else.
    """
    version = strictjson.member(body, "version", int, what)
    if version not in versions:
        raise EvidenceError(f"{what}.version", got=version, wanted=" or ".join(map(str, versions)))
    levels = f"{what}.tcbLevels"
    listed: list[object] = strictjson.member(body, "tcbLevels", list, what)
    if not 0 < len(listed) <= _LEVELS:
        raise EvidenceError(levels, got=f"{len(listed)} levels", wanted=f"1 to {_LEVELS}")
    try:
        rows: list[_Object] = _each(dict, listed, levels)
        tcbs: list[_Object] = _each(dict, [row["tcb"] for row in rows], f"{levels}.tcb")
        parts = _parts(tcbs, levels) if version == 3 else []
    except KeyError as exc:
        raise _missing(what, exc) from None
    return _List(cast(_Object, body), rows, tcbs, parts)


def _parts(tcbs: list[_Object], what: str) -> list[_Object]:
    lists: list[list[object]] = _each(list, [tcb["sgxtcbcomponents"] for tcb in tcbs], what)
    if set(map(len, lists)) != {COMPONENTS}:
        raise EvidenceError(f"{what}: components", got="another number", wanted=COMPONENTS)
    return _each(dict, chain.from_iterable(lists), what)


def _standing(
    rows: list[_Object], what: str
) -> tuple[list[TcbStatus], list[str], list[tuple[str, ...]]]:
    """Return statuses, dates and advisories of the levels of either list."""
    named = f"{what}.advisoryIDs"
    advisories: list[list[str]] = _each(list, [row.get("advisoryIDs", []) for row in rows], named)
    _each(str, chain.from_iterable(advisories), named)
    dates = _each(str, [row["tcbDate"] for row in rows], f"{what}.tcbDate")
    for date in set(dates):
        _date(date, f"{what}.tcbDate")
    return (
        [TcbStatus.from_dcap(row["tcbStatus"]) for row in rows],
        dates,
        list(map(tuple, advisories)),
    )


def _missing(what: str, exc: KeyError) -> EvidenceError:
    return EvidenceError(
        what, got=f"no member {exc.args[0]!r}", wanted="every member that Intel specifies"
    )


@dataclass(frozen=True)
class TcbInfo:
    """Intel's list of patch levels for one platform model (FMSPC, 6 bytes; PCEID, 2 bytes);
    versions 2 and 3.
    """

    version: int
    id: str
    issued: datetime
    next_update: datetime
    fmspc: bytes
    pce_id: bytes
    tcb_type: int
    evaluation_number: int
    levels: tuple[TcbLevel, ...]

    @classmethod
    def from_json(cls, data: bytes | str) -> TcbInfo:
        """Read the signed text; raise EvidenceError for anything but the form of PCS API v3 or
        v4, and for a level twice.
        """
        what = "TCB info"
        found = _load(data, what, (2, 3))
        body, version = found.body, strictjson.member(found.body, "version", int, what)
        try:
            return cls(
                version,
                "SGX" if version == 2 else strictjson.member(body, "id", str, what),
                _date(body["issueDate"], f"{what}.issueDate"),
                _date(body["nextUpdate"], f"{what}.nextUpdate"),
                unhex(body["fmspc"], f"{what}.fmspc", 6),
                unhex(body["pceId"], f"{what}.pceId", 2),
                _number(body["tcbType"], f"{what}.tcbType", 255),
                _number(
                    body["tcbEvaluationDataNumber"], f"{what}.tcbEvaluationDataNumber", _EDITION
                ),
                _tcb_levels(found, f"{what}.tcbLevels"),
            )
        except KeyError as exc:
            raise _missing(what, exc) from None


def _tcb_levels(listed: _List, what: str) -> tuple[TcbLevel, ...]:
    rows, tcbs = listed.rows, listed.tcbs
    found: Iterable[object] = (
        [part["svn"] for part in listed.parts]
        if listed.parts
        else chain.from_iterable(map(_COMPONENTS_OF, tcbs))
    )
    svns = _svns(found, f"{what}: components")
    pce_svns = _numbers([tcb["pcesvn"] for tcb in tcbs], f"{what}.pcesvn", 0xFFFF)
    components = [*zip(*[iter(svns)] * COMPONENTS, strict=True)]
    if len({*zip(components, pce_svns, strict=True)}) != len(rows):
        raise EvidenceError(what, got="one level twice", wanted="each once")
    return tuple(map(TcbLevel, components, pce_svns, *_standing(rows, what)))


class QeLevel(NamedTuple):
    """One level of a QE identity: the least ISVSVN, and what reaching it means."""

    isv_svn: int
    status: TcbStatus
    date: str
    advisories: tuple[str, ...]


@dataclass(frozen=True)
class QeIdentity:
    """Intel's description of the genuine quoting enclave; masks and values are bytes in memory
    order (4 and 16).
    """

    id: str
    issued: datetime
    next_update: datetime
    evaluation_number: int
    misc_select: bytes
    misc_select_mask: bytes
    attributes: bytes
    attributes_mask: bytes
    mr_signer: bytes
    isv_prod_id: int
    levels: tuple[QeLevel, ...]

    @classmethod
    def from_json(cls, data: bytes | str) -> QeIdentity:
        """Read the signed text; raise EvidenceError for anything but version 2, and for a level
        twice.
        """
        what = "QE identity"
        body, rows, tcbs, _ = _load(data, what, (2,))
        try:
            svns = _numbers([tcb["isvsvn"] for tcb in tcbs], f"{what}.tcbLevels.isvsvn", 0xFFFF)
            if len(set(svns)) != len(rows):
                raise EvidenceError(f"{what}.tcbLevels", got="one level twice", wanted="each once")
            return cls(
                strictjson.member(body, "id", str, what),
                _date(body["issueDate"], f"{what}.issueDate"),
                _date(body["nextUpdate"], f"{what}.nextUpdate"),
                _number(
                    body["tcbEvaluationDataNumber"], f"{what}.tcbEvaluationDataNumber", _EDITION
                ),
                unhex(body["miscselect"], f"{what}.miscselect", 4),
                unhex(body["miscselectMask"], f"{what}.miscselectMask", 4),
                unhex(body["attributes"], f"{what}.attributes", 16),
                unhex(body["attributesMask"], f"{what}.attributesMask", 16),
                unhex(body["mrsigner"], f"{what}.mrsigner", 32),
                _number(body["isvprodid"], f"{what}.isvprodid", 0xFFFF),
                tuple(map(QeLevel, svns, *_standing(rows, f"{what}.tcbLevels"))),
            )
        except KeyError as exc:
            raise _missing(what, exc) from None

    def level(self, isv_svn: int) -> QeLevel | None:
        """Return the highest level that a quoting enclave of this ISVSVN reaches, or None."""
        return max(
            (x for x in self.levels if x.isv_svn <= isv_svn), default=None, key=lambda x: x.isv_svn
        )
