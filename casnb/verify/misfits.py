"""Misfits: mishaps by which a genuine signature does not fit. They are tried after the check has
failed, named to the reader, and never accepted.

Each row undoes one thing that tools and people do to bytes on their way. Where the signature would
fit then, its row says what happened. The check stays failed: the bytes that were given are not the
ones that were signed, and which ones were meant is for the reader to say.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from casnb.base import strictjson
from casnb.base.errors import CasnbError
from casnb.verify.certificate import Certificate, common_name
from casnb.verify.crl import Crl
from casnb.verify.pki import PCK_AUTHORITIES
from casnb.verify.tcb import TcbStatus

#: Longer texts are not tried: no list and no report of Intel's has so many bytes.
_LIMIT = 1 << 20
#: No more attempts are made, whatever the rows yield.
_TRIES = 48


@dataclass(frozen=True)
class Held:
    """What a check was given: the signed text, the signature's raw bytes, the certificates (PEM).

    `signatures` and `chains` are what else lies beside them, by name: what may have been exchanged.
    """

    text: bytes
    signature: bytes
    chain: bytes = b""
    signatures: tuple[tuple[str, bytes], ...] = ()
    chains: tuple[tuple[str, bytes], ...] = ()


Undo = Callable[[Held], Iterator[tuple[Held, str]]]


@dataclass(frozen=True)
class Mishap:
    """One mishap: `undo` yields what may have been before it, with a word on what it took (empty
    for none); `told` says to the reader what happened.
    """

    name: str
    told: str
    undo: Undo


def _ending(held: Held) -> Iterator[tuple[Held, str]]:
    for end in (b"\r\n", b"\n"):
        if held.text.endswith(end):
            yield replace(held, text=held.text[: -len(end)]), ""
    yield replace(held, text=held.text + b"\n"), ""


def _printed(held: Held) -> Iterator[tuple[Held, str]]:
    body = strictjson.loads(held.text, "text", limit=_LIMIT)
    for raw in (False, True):
        for separators in ((",", ":"), (", ", ": ")):
            text = json.dumps(body, ensure_ascii=raw, separators=separators)
            yield replace(held, text=text.encode("utf-8", "surrogatepass")), ""


def _whole(held: Held) -> Iterator[tuple[Held, str]]:
    """Objects and texts that are members of an answer, cut out to the byte; an answer with its
    HTTP head.
    """
    _, gap, behind = held.text.partition(b"\r\n\r\n")
    if gap:
        yield replace(held, text=behind), ""
    body = strictjson.loads(held.text, "text", limit=_LIMIT)
    text = held.text.decode("utf-8")
    for name in list(body)[:8] if isinstance(body, dict) else ():
        start = re.search(re.escape(json.dumps(name)) + r"\s*:\s*", text)
        if start is None:
            continue
        value, end = json.JSONDecoder().raw_decode(text, start.end())
        inner = value if isinstance(value, str) else text[start.end() : end]
        yield replace(held, text=inner.encode("utf-8", "surrogatepass")), name


def _encoded_twice(held: Held) -> Iterator[tuple[Held, str]]:
    given = b"".join(held.signature.split())
    try:
        yield replace(held, signature=bytes.fromhex(given.decode("ascii"))), ""
    except ValueError:
        pass
    try:
        yield replace(held, signature=base64.b64decode(given, validate=True)), ""
    except binascii.Error:
        pass


def _zeros(held: Held) -> Iterator[tuple[Held, str]]:
    if held.text.endswith(b"\0"):
        yield replace(held, text=held.text.rstrip(b"\0")), "of the text"
    if held.signature.endswith(b"\0"):
        yield replace(held, signature=held.signature[:-1]), "of the signature"


def _der(held: Held) -> Iterator[tuple[Held, str]]:
    if held.signature[:1] == b"\x30":
        r, s = decode_dss_signature(held.signature)
        if 0 < max(r, s) < 1 << 256 and min(r, s) > 0:
            yield replace(held, signature=r.to_bytes(32, "big") + s.to_bytes(32, "big")), ""


def _other_chain(held: Held) -> Iterator[tuple[Held, str]]:
    for name, chain in held.chains:
        yield replace(held, chain=chain), name


def _other_signature(held: Held) -> Iterator[tuple[Held, str]]:
    for name, signature in held.signatures:
        yield replace(held, signature=signature), name


#: Words of Intel's lists as Intel spells them; digits of hex values stand in capitals there.
_WORDS: Mapping[str, str] = {
    word.lower(): word
    for word in (
        *(
            "id",
            "version",
            "issueDate",
            "nextUpdate",
            "fmspc",
            "pceId",
            "tcbType",
            "tcbEvaluationDataNumber",
            "tcbLevels",
            "tcb",
            "tcbDate",
            "tcbStatus",
            "advisoryIDs",
            "sgxtcbcomponents",
            "svn",
            "category",
            "type",
            "pcesvn",
            "isvsvn",
            "isvprodid",
            "miscselect",
            "miscselectMask",
            "attributes",
            "attributesMask",
            "mrsigner",
            "SGX",
            "QE",
            "BIOS",
        ),
        *(f"sgxtcbcomp{n:02}svn" for n in range(1, 17)),
        *("OS/VMM", "Early Microcode Update", "SGX Late Microcode Update", "TXT SINIT"),
        *(status.dcap_name for status in TcbStatus),
    )
}
_TEXT = re.compile(r'"([^"\\]*)"')


def _capitals(held: Held) -> Iterator[tuple[Held, str]]:
    def spelled(match: re.Match[str]) -> str:
        word = match[1]
        return f'"{_WORDS.get(word.lower(), word.upper())}"'

    yield replace(held, text=_TEXT.sub(spelled, held.text.decode("utf-8")).encode()), ""


_SERVED = "Keep the bytes exactly as served."
#: Every mishap, the commonest first.
MISHAPS: tuple[Mishap, ...] = (
    Mishap(
        "final-newline",
        f"It would fit except for the newline at the end of the text, added or lost. {_SERVED}",
        _ending,
    ),
    Mishap(
        "printed-again",
        "It would fit the same JSON with other spaces: a program read it and printed it again."
        f" {_SERVED}",
        _printed,
    ),
    Mishap(
        "whole-answer",
        "It would fit a part of this text ({}): a whole answer stands where its member is wanted.",
        _whole,
    ),
    Mishap(
        "encoded-twice",
        "It would fit if the signature were decoded once more: hex or base64 was encoded again.",
        _encoded_twice,
    ),
    Mishap("trailing-zero", "It would fit without the zero byte at the end {}.", _zeros),
    Mishap(
        "der-signature",
        "It would fit as raw numbers: the signature is in DER, wanted are r and s, 32 bytes each.",
        _der,
    ),
    Mishap(
        "exchanged-chain",
        "It would fit under the certificates of {}: two chains were exchanged.",
        _other_chain,
    ),
    Mishap(
        "exchanged-signature",
        "The signature of {} would fit: two were exchanged.",
        _other_signature,
    ),
    Mishap(
        "changed-case",
        "It would fit with the letters as Intel writes them: capitals were changed on the way.",
        _capitals,
    ),
)


def explain(held: Held, fits: Callable[[Held], bool]) -> str:
    """Return what happened to a genuine signature or its text, or an empty text where no known
    mishap explains it.

    `fits` says whether a signature holds; it may raise CasnbError for no. At most 48 attempts are
    made, on texts of at most 1 MiB. This never makes a check pass.
    """
    if len(held.text) > _LIMIT:
        return ""
    tries = 0
    for mishap in MISHAPS:
        try:
            for before, word in mishap.undo(held):
                tries += 1
                if tries > _TRIES:
                    return ""
                if before != held and _holds(before, fits):
                    return mishap.told.format(word or "the member")
        except (CasnbError, ValueError, RecursionError):
            continue
    return ""


def _holds(held: Held, fits: Callable[[Held], bool]) -> bool:
    try:
        return fits(held)
    except CasnbError:
        return False


def wrong_list(crl: Crl, authority: Certificate) -> str:
    """Return what a list of revoked platforms is, where it is another issuer's than the platform's
    authority; empty where the names agree. The list's signature is not looked at.
    """
    if crl.issuer == authority.subject:
        return ""
    issuer = common_name(crl.issuer)
    if issuer.endswith(PCK_AUTHORITIES):
        kind = "platform" if "Platform" in authority.name else "processor"
        return (
            f"This is the list of {issuer}, and the platform's certificate is from"
            f" {authority.name}: fetch the list with ca={kind}."
        )
    return f"This is the list of {issuer or 'an issuer without a name'}: two lists were exchanged."
