"""Bytes as text: hex, base64, lists of numbers, escaped strings, URLs; alone or with text around
them.

Each reader returns what it found, or None where the text is not of its form. It raises
EvidenceError for a text that is of its form and damaged.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import unquote_to_bytes

from casnb.base.errors import EvidenceError
from casnb.evidence.piece import Piece

#: Fewer bytes than this are no evidence; a shorter run of digits in a text is prose.
LEAST = 60
#: Of one text at most so many pieces are taken out.
PIECES = 32

_HEX = re.compile(r"[0-9a-fA-F]+")
_HEX_PREFIX = re.compile(r"(?<![0-9a-zA-Z])(?:0[xX]|\\+x|[xX](?=')|#|&[hH])")
_SEPARATORS = re.compile(r"[\s:;,_.'\"|-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}|[A-Za-z0-9_-]+={0,2}")
_NAME = re.compile(
    r"([A-Za-z_][A-Za-z0-9_.-]{0,60})[\"'`\]]*\s*(?:\[[^\]]{0,20}\]\s*)*"
    r"(?::=|=>|=|:)[^=;]{0,60}$|\b([A-Za-z_][A-Za-z0-9_]{0,60})\s*(?:\[[^\]]{0,20}\]\s*)*=[^=;]{0,60}$"
)
#: Adjacent literals of one string, as C, Python, Java and shells write them over several lines.
_JOINT = re.compile(r"([\"'`])\s*[+.&\\]?\s*\n\s*[+.&]?\s*[bBrRuUL]?\1|\\\r?\n[ \t]*")


def name_before(text: str, at: int) -> str:
    """Return the name that what begins at `at` is given in front of it, or an empty text."""
    found = _NAME.search(text[max(0, at - 160) : at])
    return (found[1] or found[2] or "") if found else ""


def open_hex(piece: Piece) -> Sequence[Piece] | None:
    """Hex digits and nothing else, in any spelling: 0x, \\x, colons, spaces, commas, in lines."""
    text = piece.text
    if text is None:
        return None
    _complete(text)
    digits = _HEX_PREFIX.sub(" ", text).strip(" \t\r\n'\"`;,{}[]()<>")
    words = [w for w in _SEPARATORS.split(digits) if w]
    if not words or not _HEX.fullmatch("".join(words)):
        return None
    if len(words) > 8 and any(len(w) % 2 for w in words) and max(map(len, words)) <= 3:
        if max(map(len, words)) > 2 or not re.search("[a-fA-F]", digits):
            return None  # a list of decimal numbers
        words = [w.rjust(2, "0") for w in words]
    whole = "".join(words)
    if len(whole) % 2:
        raise EvidenceError(
            "evidence",
            got=f"{len(whole)} hex digits",
            wanted="an even number",
            do="A digit is missing.",
        )
    return [Piece(bytes.fromhex(whole))]


_LEFT_OUT = re.compile(r"\n\*\r?\n")
_DUMPED = re.compile(r"[0-9a-fA-F ]{16,200}\r?")


def _complete(text: str) -> None:
    """Raise EvidenceError for a dump without offsets in which `*` stands for repeated lines."""
    star = _LEFT_OUT.search(text)
    if star and _DUMPED.fullmatch(text[: star.start()][-202:].rpartition("\n")[2]):
        raise EvidenceError(
            "dump without offsets",
            got="a `*` where lines repeat",
            wanted="every line",
            do="Print it again with -v, which leaves nothing out.",
        )


def open_words(piece: Piece) -> Sequence[Piece] | None:
    """Hex words of 16, 32 or 64 bits without offsets, low byte first."""
    _complete(piece.text or "")
    words = (piece.text or "").split()
    size = len(words[0]) if words else 0
    if size not in (4, 8, 16) or len(words) < 16 or any(len(w) != size for w in words):
        return None
    if not _HEX.fullmatch("".join(words)):
        return None
    return [Piece(b"".join(bytes.fromhex(w)[::-1] for w in words))]


def open_base64(piece: Piece) -> Sequence[Piece] | None:
    """Base64 and nothing else, either alphabet, padded or not, in lines or not."""
    text = piece.text
    if text is None:
        return None
    joined = "".join(text.strip(" \t\r\n'\"`;,").split()).replace("\\n", "").replace("\\r", "")
    if not _BASE64.fullmatch(joined) or len(joined) < 8:
        return None
    return [Piece(unbase64(joined, "evidence"))]


def unbase64(text: str, what: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not; raise EvidenceError."""
    bare = text.rstrip("=")
    padded = text if len(text) != len(bare) else bare + "=" * (-len(bare) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise EvidenceError(
            what, got="text that looks like base64 but is not", wanted="correct padding"
        ) from None


_CAST = r"(?:\(\s*[A-Za-z_][A-Za-z0-9_ ]{0,20}\)\s*)?"
_SUFFIX = r"(?:u8|i8|_u8|[uU]?[lL]{0,2}|[uU]?[yY]|uy|UB)"
_TOKEN = (
    rf"{_CAST}[+-]?(?:(?:0[xX]|&[hH]|\$)[0-9a-fA-F]{{1,4}}|0b[01]{{1,8}}|0o[0-7]{{1,3}}|[0-9]{{1,4}})"
    rf"{_SUFFIX}(?![0-9A-Za-z_.])|'(?:\\x[0-9a-fA-F]{{2}}|\\[0-7]{{1,3}}|\\.|[^'\\])'"
)
_NUMBER = re.compile(rf"(?<![0-9A-Za-z_.])(?:{_TOKEN})")
_GAP = re.compile(r"[\s,;]+")
_ONE = re.compile(
    r"([+-]?)(0[xX]|&[hH]|\$|0b|0o)?([0-9a-fA-F]+?)(?:u8|i8|_u8|[uU]?[lL]{0,2}|[uU]?[yY]|uy|UB)"
    r"|'(\\?.[0-9a-fA-F]*)'"
)
_CASTS = re.compile(r"\(\s*[A-Za-z_][A-Za-z0-9_ ]{0,20}\)")
_COMMENTS = re.compile(r"//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|#[^\n]*")
_DIRECTIVE = re.compile(r"(?m)^[ \t]*(?:\.?(?:byte|db|DB|BYTE)|-)[ \t]+")


def open_numbers(piece: Piece) -> Sequence[Piece] | None:
    """Lists of numbers, one for each byte: arrays of C, Rust, Go, Java, Python and others."""
    text = piece.text
    if text is None or not re.search(r"[0-9A-Za-z'][\s,;]", text[:4096]):
        return None
    text = _DIRECTIVE.sub(" ", _COMMENTS.sub(" ", text))
    found: list[Piece] = []
    for start, end in _runs(text, _NUMBER, _GAP):
        if len(found) >= PIECES:
            break
        if (data := _numbers(text[start:end])) is not None:
            found.append(Piece(data, name_before(text, start)))
    return found or None


def _runs(text: str, word: re.Pattern[str], gap: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where at least LEAST words stand with nothing but gaps between them.

    One word at a time: a pattern that repeats over a whole megabyte keeps hundreds of megabytes
    to go back by.
    """
    start = end = count = 0
    for m in word.finditer(text):
        if not count or gap.fullmatch(text, end, m.start()) is None:
            if count >= LEAST:
                yield start, end
            start, count = m.start(), 0
        end, count = m.end(), count + 1
    if count >= LEAST:
        yield start, end


def _number(word: str, radix: int) -> int | None:
    """Return one number or quoted character of a list; `radix` is that of a word without prefix."""
    m = _ONE.fullmatch(word)
    if m is None:
        return None
    if m[4] is not None:
        return _unescape(m[4])[0]
    prefix = (m[2] or "").lower()
    try:
        return int(m[1] + m[3], {"0b": 2, "0o": 8, "": radix}.get(prefix, 16))
    except ValueError:
        return None


def _numbers(text: str) -> bytes | None:
    words = re.split(r"[\s,;]+", _CASTS.sub("", text).strip())
    octal = all(len(w) == 3 and w.isdigit() for w in words) and any(w[0] == "0" for w in words)
    values: list[int] = []
    for word in words:
        value = _number(word, 8 if octal else 10)
        if value is None:
            return None
        values.append(value)
    low, high = min(values), max(values)
    if low < -128 or high > 255 or (low < 0 and high > 127):
        raise EvidenceError(
            "list of numbers",
            got=f"numbers from {low} to {high}",
            wanted="bytes: 0 to 255, or -128 to 127",
        )
    return bytes(v % 256 for v in values)


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u\{?[0-9a-fA-F]{2,4}\}?|[0-7]{1,3}|\r?\n|.)", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u00[0-9a-fA-F]{2}|[0-3]?[0-7]{1,2})")
_QUOTED = re.compile(r"\\.|[\"']", re.DOTALL)
_SIMPLE = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8, "f": 12, "v": 11, "0": 0, "e": 27}


def _unescape(text: str) -> bytes:
    def one(m: re.Match[str]) -> str:
        code = m[1]
        if code[0] in "xu" and len(code) > 1:
            return chr(int(code.strip("xu{}"), 16))
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        if code in ("\n", "\r\n"):
            return ""
        return chr(_SIMPLE.get(code, ord(code)))

    plain = _ESCAPE.sub(one, text)
    return plain.encode("latin-1") if max(plain, default="") <= "\xff" else plain.encode()


def _escapes(text: str, start: int, end: int) -> bool:
    """Whether there are enough escapes for a text to be made of them."""
    return sum(1 for _ in islice(_ESCAPED.finditer(text, start, end), 8)) == 8


def _literals(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the inside of each string literal begins and ends, in either kind of quotes."""
    start, kind = -1, ""
    for m in _QUOTED.finditer(text):
        mark = m[0]
        if len(mark) > 1:
            continue
        if start < 0:
            start, kind = m.end(), mark
        elif mark == kind:
            yield start, m.start()
            start = -1


def open_escaped(piece: Piece) -> Sequence[Piece] | None:
    """Strings with escapes, such as \\x03\\x00 or \\003\\000, in literals or bare; and texts
    whose line ends are written as \\n.
    """
    text = piece.text
    if text is None or "\\" not in text:
        return None
    if not _escapes(text, 0, min(len(text), 1 << 16)):
        if "\\n" in text:
            lines = text.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\/", "/")
            return [Piece(lines.encode())]
        return None
    joined = _JOINT.sub("", text)
    found: list[Piece] = []
    for start, end in _literals(joined):
        if _escapes(joined, start, end) and len(found) < PIECES:
            found.append(Piece(_unescape(joined[start:end]), name_before(joined, start - 1)))
    return found or [Piece(_unescape(joined.strip()))]


#: More characters than any chain or quote takes; taking them apart costs many times their size.
_PERCENT_LIMIT = 1 << 17
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")


def open_percent(piece: Piece) -> Sequence[Piece] | None:
    """URL-encoded text or bytes, such as the certificates in a header of Intel's services."""
    text = piece.text
    if text is None or len(text) > _PERCENT_LIMIT or " " in text.strip():
        return None
    if len(_PERCENT.findall(text, 0, 4096)) < 3:
        return None
    return [Piece(unquote_to_bytes(text.strip(" \t\r\n'\";,")))]


_DATA_URL = re.compile(r"data:[a-zA-Z0-9/+.;=_-]{0,200}?(;base64)?,([A-Za-z0-9+/=_%-]+)")


def open_data_url(piece: Piece) -> Sequence[Piece] | None:
    """data: URLs, in base64 or not."""
    text = piece.text
    if text is None or "data:" not in text:
        return None
    found: list[Piece] = []
    for m in _DATA_URL.finditer(text):
        if len(m[2]) >= LEAST and len(found) < PIECES:
            raw = unquote_to_bytes(m[2])
            data = unbase64(raw.decode("latin-1"), "data URL") if m[1] else raw
            found.append(Piece(data, name_before(text, m.start())))
    return found or None


_PAD = r"[ \t\"'`+|>\\]*\r?\n[ \t>|*#]*(?:[+.&][ \t]*(?=[\"'`]))?[\"'`]?"
_HEX_RUN = re.compile(
    r"(?<![0-9A-Za-z+/_-])(?:0[xX]|\\x)?"
    rf"([0-9a-fA-F]{{32,}}(?:{_PAD}[0-9a-fA-F]{{2,}}(?![0-9A-Za-z+/=_-]))*)(?![0-9A-Za-z+/=_-])"
)
_PAIR = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{2}(?![0-9A-Za-z])")
_PAIR_GAP = re.compile(r"[\s:,|>-]{1,4}")
_BASE64_RUN = re.compile(
    r"(?<![0-9A-Za-z+/_-])"
    rf"([A-Za-z0-9+/_-]{{60,}}(?:{_PAD}[A-Za-z0-9+/_-]{{60,}})*(?:{_PAD}[A-Za-z0-9+/_-]+={{0,2}}"
    r"(?=[\"'`;,\s]*(?:\n|$)))?={0,2})"
)


def open_hex_runs(piece: Piece) -> Sequence[Piece] | None:
    """Runs of hex digits in a text: an assignment, a log, a message."""
    text = piece.text
    if text is None:
        return None
    _complete(text)
    found: list[Piece] = []
    places = [m.span(1) for m in _HEX_RUN.finditer(text)]
    for start, end in sorted([*places, *_runs(text, _PAIR, _PAIR_GAP)]):
        digits = re.sub(r"[^0-9a-fA-F]", "", text[start:end])
        if len(digits) < 2 * LEAST or len(found) >= PIECES:
            continue
        if len(digits) % 2:
            raise EvidenceError(
                "evidence",
                got=f"{len(digits)} hex digits",
                wanted="an even number",
                do="A digit is missing.",
            )
        found.append(Piece(bytes.fromhex(digits), name_before(text, start)))
    return found or None


def open_base64_runs(piece: Piece) -> Sequence[Piece] | None:
    """Runs of base64 in a text."""
    text = piece.text
    if text is None:
        return None
    found: list[Piece] = []
    for m in _BASE64_RUN.finditer(text):
        joined = re.sub(r"[^A-Za-z0-9+/_=-]", "", m[1])
        if re.search(r"\n", m[1]):
            joined = "".join(re.findall(r"[A-Za-z0-9+/_=-]+", re.sub(_PAD, "", m[1])))
        if len(joined) < LEAST or len(found) >= PIECES:
            continue
        try:
            found.append(Piece(unbase64(joined, "evidence"), name_before(text, m.start())))
        except EvidenceError:
            continue
    return found or None
