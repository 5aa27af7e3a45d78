"""What holds several things: PEM, JSON, HTTP answers, and the binary headers around a quote."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.evidence.piece import DamagedError, Piece
from casnb.evidence.quote_layout import LENGTH
from casnb.evidence.text_forms import LEAST, PIECES, unbase64

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,60})-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_DASHES = "-----BEGIN "
#: A TLS handshake shows a few certificates; only the first can be the one with evidence.
_CHAIN = 8
_BLOCKS = 16


def open_pem(piece: Piece) -> Sequence[Piece] | None:
    """PEM blocks: certificates together are one chain, of which the first is read; keys and
    requests are refused.
    """
    text = piece.text
    if text is None or _DASHES not in text:
        return None
    if "\\n" in text and "\n" not in text.strip():
        return None  # line ends are written out: the row of escapes takes them first
    blocks = _blocks(text)
    chain = [b for b in blocks if b[1] == "CERTIFICATE"]
    found: list[Piece] = []
    if chain:
        whole = "".join(f"{b[0]}\n" for b in chain).replace("\r", "").encode()
        first = f", the first of {len(chain)}" if len(chain) > 1 else ""
        said = f"PEM (CERTIFICATE{first})"
        found.append(Piece(_der(chain[0]), "certificate", said, piece.headers, whole))
    seen: Counter[str] = Counter()
    for block in blocks:
        if block[1] != "CERTIFICATE":
            seen[block[1]] += 1
            again = f" {seen[block[1]]}" if seen[block[1]] > 1 else ""
            name, said = f"{block[1].lower()}{again}", f"PEM ({block[1]})"
            found.append(Piece(_der(block), name, said, piece.headers))
    return found


def _blocks(text: str) -> list[re.Match[str]]:
    """Return the PEM blocks of a text (label, base64); raise DamagedError unless each is whole, and
    of a kind and number that evidence has.
    """
    count = text.count(_DASHES)
    if count > _BLOCKS:
        raise DamagedError("evidence: PEM", got=f"{count} blocks", wanted=f"at most {_BLOCKS}")
    blocks = [*_PEM.finditer(text)]
    if len(blocks) != count:
        raise DamagedError(
            "evidence: PEM", got="a block that is cut short or not base64", wanted="a whole one"
        )
    if bad := next((b[1] for b in blocks if "KEY" in b[1] or b[1] == "CERTIFICATE REQUEST"), None):
        raise DamagedError(
            "evidence: PEM", got=bad, wanted="certificates, lists or quotes: nobody signs this"
        )
    certificates = sum(b[1] == "CERTIFICATE" for b in blocks)
    if certificates > _CHAIN:
        raise DamagedError(
            "evidence: PEM",
            got=f"{certificates} blocks",
            wanted=f"one, or up to {_CHAIN} certificates",
        )
    return blocks


def _der(block: re.Match[str]) -> bytes:
    return unbase64("".join(block[2].split()), f"evidence: PEM {block[1]}")


_LEAF = 60
_VALUES = 20_000


def open_json(piece: Piece) -> Sequence[Piece] | None:
    """Members of JSON, at any depth: texts, lists of numbers, and objects that are something of
    their own; a string alone; several values one after another.
    """
    if piece.json_text is None:
        return None
    if piece.json_error is not None:
        several = _several(piece)
        if several is None and re.match(r'\s*\{\s*"', piece.text or ""):
            exc = piece.json_error
            raise DamagedError(exc.subject, got=exc.got, wanted=exc.wanted, do=exc.do)
        if several is None:
            raise piece.json_error
        return several
    if isinstance(piece.json, str):
        return [Piece(piece.json.encode("utf-8", "replace"), said="a quoted text")]
    found: list[Piece] = []
    for name, value in _leaves(piece.json, "", _VALUES):
        if len(found) >= PIECES:
            break
        data = _content(value)
        if data is not None:
            said = f"JSON member {name}" if name else "a list of numbers"
            found.append(Piece(data, name, said, object_only=isinstance(value, dict)))
    if not found and isinstance(piece.json, dict):
        raise unknown_json(piece)
    return found or None


def _content(value: Any) -> bytes | None:
    """Return the bytes of a member that can hold evidence."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace") if len(value) >= _LEAF else None
    if isinstance(value, list):
        if len(value) < LEAST or set(map(type, value)) != {int}:
            return None
        low, high = min(value), max(value)
        fits = (low >= 0 and high < 256) or (low >= -128 and high < 128)
        return bytes(v % 256 for v in value) if fits else None
    return strictjson.compact(value)


def _leaves(value: Any, path: str, budget: int) -> Iterator[tuple[str, Any]]:
    """Yield texts and lists of integers by their paths, and each object below the first, from
    the outside in.
    """
    level = [(path, value)]
    while level and budget > 0:
        below: list[tuple[str, Any]] = []
        for name, one in level:
            budget -= 1
            if isinstance(one, dict):
                if name and one:
                    yield name, one
                below += [(f"{name}.{key}" if name else str(key), v) for key, v in one.items()]
            elif isinstance(one, list):
                if one and type(one[0]) is int:
                    yield name, one
                else:
                    below += [(f"{name}[{n}]", v) for n, v in enumerate(one)]
            elif isinstance(one, str):
                yield name, one
        level = below[: max(budget, 0)]


def _several(piece: Piece) -> Sequence[Piece] | None:
    """Return JSON values that stand one after another, as in a log of lines, or None."""
    text, at = piece.text or "", 0
    found: list[Piece] = []
    decoder = json.JSONDecoder()
    if len(text) > strictjson.LIMIT:
        return None
    try:
        while at < len(text) and len(found) < PIECES:
            _, end = decoder.raw_decode(text, at)
            found.append(Piece(text[at:end].encode(), f"value {len(found) + 1}", "JSON value"))
            at = end + len(text[end:]) - len(text[end:].lstrip(" \t\r\n,"))
    except (ValueError, RecursionError):
        return None
    return found if len(found) > 1 else None


def unknown_json(piece: Piece) -> EvidenceError:
    """Return what to say of JSON in which nothing was found."""
    if isinstance(piece.json, Mapping):
        got = "JSON with members " + (", ".join(list(piece.json)[:8]) or "none")
    else:
        got = "a JSON list"
    return EvidenceError(
        "evidence",
        got=got,
        wanted="a member that holds evidence, or an object casnb knows",
        do="Known are a CAS report (proof_data), an IAS report (isvEnclaveQuoteBody, or report and"
        " signing_cert), tcbInfo, enclaveIdentity, endorsements.",
    )


_STATUS = re.compile(rb"(?m)^(?:< )?HTTP/[0-9](?:\.[0-9])? ([0-9]{3})[^\r\n]{0,200}\r?$")
_HEADER = re.compile(rb"(?:< )?([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]*([^\r\n]*?)[ \t]*\r?")
#: Headers by which an answer without its first line is known for one.
_KNOWN = re.compile(
    rb"(?im)^(?:< )?(?:x-iasreport-[a-z-]+|request-id|[a-z-]*issuer-chain|sgx-[a-z-]+):"
)
_TALK = re.compile(rb"(?m)^(?:[*>] |[{}] \[)[^\n]*\n?|^[*>]\r?\n")
#: What `curl -v` says last, on the line of a body that ends without one.
_LEFT = re.compile(rb"\* (?:Connection|Closing)[^\n]*\s*$")
_HEADERS = 64


def open_http(piece: Piece) -> Sequence[Piece] | None:
    """HTTP answers with their headers, as `curl -i` and `curl -v` print them."""
    data = piece.data
    starts = [*_STATUS.finditer(data[: 1 << 20])]
    if starts and len(starts) <= PIECES:
        parts = [
            (m[1], data[m.end() : n.start() if n else len(data)])
            for m, n in zip(starts, [*starts[1:], None], strict=True)
        ]
    elif not starts and (m := _KNOWN.search(data[: 64 << 10])) and not data[: m.start()].strip():
        parts = [(b"200", b"\n" + data)]
    else:
        return None
    found: list[Piece] = []
    refused = b""
    for status, rest in parts:
        headers, body = _headers(rest)
        if status[:1] in (b"4", b"5"):
            refused = status
        elif body.strip():
            said = "an HTTP answer"
            found.append(Piece(body, f"answer {len(found) + 1}", said, headers))
    if not found and refused:
        raise EvidenceError(
            "HTTP answer",
            got=f"status {refused.decode()}",
            wanted="200",
            do="The server refused the request; nothing in it is evidence.",
        )
    return found or None


def _headers(data: bytes) -> tuple[dict[str, str], bytes]:
    """Cut an answer after its first line into headers and body; what `curl -v` says is left
    out.
    """
    verbose = b"\n< " in data[:4096]
    found: dict[str, str] = {}
    at = data.find(b"\n") + 1
    while at < len(data) and len(found) < _HEADERS:
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)]
        at = end + 1 if end >= 0 else len(data)
        if verbose and _TALK.match(line + b"\n"):
            continue
        if not line.strip(b"< \r\t"):
            break
        if m := _HEADER.fullmatch(line):
            found[m[1].decode().lower()] = m[2].decode("latin-1")
        else:
            break
    body = data[at:]
    return found, _LEFT.sub(b"", _TALK.sub(b"", body)).rstrip() if verbose else body


_OE_REPORT = bytes.fromhex("0100000002000000")
_OE_EVIDENCE = bytes.fromhex("a3a21e871b4d4014b70aa125d2fbcd8c")


def open_oe_report(piece: Piece) -> Sequence[Piece] | None:
    """Open Enclave's report: 16 bytes of version, type and size, then a quote."""
    data = piece.data
    if not data.startswith(_OE_REPORT) or len(data) < 64:
        return None
    size = int.from_bytes(data[8:16], "little")
    return [_sized(data, 16, size, "Open Enclave report header")]


def open_oe_evidence(piece: Piece) -> Sequence[Piece] | None:
    """Open Enclave's evidence: 28 bytes of version, format and size, then a quote and claims."""
    data = piece.data
    if data[4:20] != _OE_EVIDENCE:
        return None
    size = int.from_bytes(data[20:28], "little")
    return [_sized(data, 28, size, "Open Enclave evidence header")]


def _sized(data: bytes, start: int, size: int, what: str) -> Piece:
    if size > len(data) - start:
        raise EvidenceError(
            what,
            got=f"a size of {size} bytes",
            wanted=f"at most the {len(data) - start} that follow",
            do="It is cut short.",
        )
    return Piece(data[start : start + size], note=_rest(data[start + size :], b""))


#: The vendor of Intel's quoting enclave, in the header of every DCAP quote.
_INTEL = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
#: Where the length of the signature stands, by the version of a quote.
_LENGTHS = {2: 432, 3: 432, 4: 432}


def open_more(piece: Piece) -> Sequence[Piece] | None:
    """A quote that does not fill its bytes: padding, claims or another quote follow it."""
    rest = piece.data
    found: list[Piece] = []
    while len(found) < PIECES and (end := quote_end(rest)) and end < len(rest):
        after = rest[end:]
        more = after[12:28] == _INTEL and quote_end(after)
        found.append(Piece(rest[:end], note="" if more else _rest(after, rest[368:400])))
        rest = after
        if not more:
            break
    else:
        if found and quote_end(rest) == len(rest):
            found.append(Piece(rest))
    for n, one in enumerate(found, 1):
        one.name = f"quote {n}" if len(found) > 1 else ""
    return found or None


def quote_end(data: bytes) -> int:
    """Return where a quote ends by its own lengths, or 0 where they point past the end."""
    version = int.from_bytes(data[:2], "little")
    at = _LENGTHS.get(version, 0)
    if version == 4 and data[4:8] == b"\x81\0\0\0":
        at = 48 + 584
    elif version == 5:
        at = 54 + int.from_bytes(data[50:54], "little")
    if not 0 < at < len(data) - LENGTH.size or at > 4096:
        return 0
    end = at + LENGTH.size + int.from_bytes(data[at : at + LENGTH.size], "little")
    return end if at + LENGTH.size < end <= len(data) else 0


def _rest(rest: bytes, named: bytes) -> str:
    if not rest:
        return ""
    if not any(rest):
        return f"{len(rest)} zero bytes follow, as padding"
    told = f"{len(rest)} bytes follow that were not read"
    if hashlib.sha256(rest).digest() == named:
        told += "; the report data is their SHA-256, so the enclave speaks for them"
    return told
