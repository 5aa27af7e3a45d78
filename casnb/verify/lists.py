"""Signed lists: patch levels of a platform model (TCB info), and what a genuine quoting enclave
looks like (QE identity).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.verify.tcb import COMPONENTS, TcbLevel, TcbStatus

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


def _numbers(values: Sequence[int], what: str, most: int) -> None:
    if set(map(type, values)) != {int} or not 0 <= min(values) <= max(values) <= most:
        raise EvidenceError(what, got="something else", wanted=f"integers from 0 to {most}")


def _load(data: bytes | str, what: str) -> Any:
    """Return the JSON value of a signed text, read as strictly as `strictjson.loads` does,
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
            value = _PLAIN.decode(text)
            if _members(value) == text.count('":'):
                return value
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            pass
    return strictjson.loads(data, what)


def _unusual(number: str) -> NoReturn:
    raise ValueError(number)


_PLAIN = json.JSONDecoder(parse_float=_unusual, parse_constant=_unusual)


def _members(value: Any) -> int:
    """Count the members of every object that the reader will look into; a value of another type
    is not an object to it either.
    """
    count = len(value)
    components = value["version"] == 3
    for level in value["tcbLevels"]:
        tcb = level["tcb"]
        count += len(level) + len(tcb)
        if components:
            count += sum(map(len, tcb["sgxtcbcomponents"]))
    return count


def _rows(body: Any, what: str) -> list[Any]:
    rows: list[Any] = strictjson.member(body, "tcbLevels", list, what)
    if not 0 < len(rows) <= _LEVELS:
        raise EvidenceError(
            f"{what}.tcbLevels", got=f"{len(rows)} levels", wanted=f"1 to {_LEVELS}"
        )
    return rows


def _standing(
    rows: list[Any], what: str
) -> tuple[list[TcbStatus], list[str], list[tuple[str, ...]]]:
    """Return statuses, dates and advisories of the levels of either list."""
    advisories = [row.get("advisoryIDs", []) for row in rows]
    if set(map(type, advisories)) != {list} or not set(
        map(type, chain.from_iterable(advisories))
    ) <= {str}:
        raise EvidenceError(f"{what}.advisoryIDs", got="something else", wanted="lists of strings")
    dates = [row["tcbDate"] for row in rows]
    for date in set(dates):
        _date(date, f"{what}.tcbDate")
    return (
        [TcbStatus.from_dcap(row["tcbStatus"]) for row in rows],
        dates,
        list(map(tuple, advisories)),
    )


def _missing(what: str, exc: Exception) -> EvidenceError:
    got = f"no member {exc.args[0]!r}" if isinstance(exc, KeyError) else "a value of the wrong type"
    return EvidenceError(what, got=got, wanted="every member, of the type that Intel specifies")


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
        body = _load(data, what)
        version = strictjson.member(body, "version", int, what)
        if version not in (2, 3):
            raise EvidenceError(f"{what}.version", got=version, wanted="2 or 3")
        rows = _rows(body, what)
        try:
            return cls(
                version,
                "SGX" if version == 2 else body["id"],
                _date(body["issueDate"], f"{what}.issueDate"),
                _date(body["nextUpdate"], f"{what}.nextUpdate"),
                unhex(body["fmspc"], f"{what}.fmspc", 6),
                unhex(body["pceId"], f"{what}.pceId", 2),
                _number(body["tcbType"], f"{what}.tcbType", 255),
                _number(
                    body["tcbEvaluationDataNumber"], f"{what}.tcbEvaluationDataNumber", _EDITION
                ),
                _tcb_levels(rows, version, f"{what}.tcbLevels"),
            )
        except (KeyError, TypeError, AttributeError) as exc:
            raise _missing(what, exc) from None


def _tcb_levels(rows: list[Any], version: int, what: str) -> tuple[TcbLevel, ...]:
    tcbs = [row["tcb"] for row in rows]
    if version == 3:
        parts = [tcb["sgxtcbcomponents"] for tcb in tcbs]
        if set(map(type, parts)) != {list} or set(map(len, parts)) != {COMPONENTS}:
            raise EvidenceError(f"{what}: components", got="another number", wanted=COMPONENTS)
        svns = [part["svn"] for part in chain.from_iterable(parts)]
    else:
        svns = [*chain.from_iterable(map(_COMPONENTS_OF, tcbs))]
    _numbers(svns, f"{what}: components", 255)
    pce_svns = [tcb["pcesvn"] for tcb in tcbs]
    _numbers(pce_svns, f"{what}.pcesvn", 0xFFFF)
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
        body = _load(data, what)
        if (version := strictjson.member(body, "version", int, what)) != 2:
            raise EvidenceError(f"{what}.version", got=version, wanted=2)
        rows = _rows(body, what)
        try:
            svns = [row["tcb"]["isvsvn"] for row in rows]
            _numbers(svns, f"{what}.tcbLevels.isvsvn", 0xFFFF)
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
        except (KeyError, TypeError, AttributeError) as exc:
            raise _missing(what, exc) from None

    def level(self, isv_svn: int) -> QeLevel | None:
        """Return the highest level that a quoting enclave of this ISVSVN reaches, or None."""
        return max(
            (x for x in self.levels if x.isv_svn <= isv_svn), default=None, key=lambda x: x.isv_svn
        )
