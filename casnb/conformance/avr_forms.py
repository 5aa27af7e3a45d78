"""Rows about a report of Intel's attestation service: how it is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casnb.conformance.avr_row import FORMAT, leaf, row, several
from casnb.conformance.fault import Change, Evidence, reported
from casnb.simulator.keys import sign


def text(change: Callable[[str], str]) -> Change:
    """The body as other text, signed by the service."""

    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        body = change(e.avr.body.decode()).encode("utf-8", "surrogatepass")
        return replace(e, avr=replace(e.avr, body=body, signature=sign(leaf(e).key, body)))

    return made


def put(old: str, new: str) -> Change:
    def change(body: str) -> str:
        assert old in body
        return body.replace(old, new, 1)

    return text(change)


def member(**values: Any) -> Change:
    """Members of the body replaced (None drops one), and the report signed again."""
    return reported(members=values)


def body_of(change: Callable[[bytes], bytes]) -> Change:
    """The quote inside cut or bent, and the report signed again."""

    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        quote = base64.b64decode(json.loads(e.avr.body)["isvEnclaveQuoteBody"])
        return member(isvEnclaveQuoteBody=base64.b64encode(change(quote)).decode())(e)

    return made


def quote_text(change: Callable[[str], str]) -> Change:
    def made(e: Evidence) -> Evidence:
        assert e.avr is not None
        return member(isvEnclaveQuoteBody=change(json.loads(e.avr.body)["isvEnclaveQuoteBody"]))(e)

    return made


FORM = [
    *several(
        "IAS report",
        "P18 P32",
        FORMAT,
        [
            ("empty", text(lambda t: "")),
            ("a list", text(lambda t: f"[{t}]")),
            ("cut short", text(lambda t: t[:-1])),
            ("byte order mark", text(lambda t: "\ufeff" + t)),
            ("text behind", text(lambda t: t + "x")),
            ("a second object behind", text(lambda t: t + t)),
            ("NaN", put('"version":5', '"version":NaN')),
            ("lone surrogate", put('"version"', '"x":"\\ud800","version"')),
            ("nested deep", put('"version"', '"x":' + "[" * 1000 + "]" * 1000 + ',"version"')),
        ],
    ),
    *several(
        "IAS report, a member twice",
        "P18 P24",
        FORMAT,
        [
            (
                "status",
                put(
                    '"isvEnclaveQuoteStatus"',
                    '"isvEnclaveQuoteStatus":"GROUP_REVOKED","isvEnclaveQuoteStatus"',
                ),
            ),
            (
                "status, escaped",
                put(
                    '"isvEnclaveQuoteStatus"',
                    '"isvEnclaveQuoteStatu\\u0073":"GROUP_REVOKED","isvEnclaveQuoteStatus"',
                ),
            ),
            ("nonce", put('"nonce"', '"nonce":"","nonce"')),
        ],
        choice="duplicate member",
    ),
    *several(
        "version of the IAS report",
        "P24",
        FORMAT,
        [(repr(v), member(version=v)) for v in (1, 2, 6, "5", 5.0, True)],
    ),
    *several(
        "IAS report without",
        "P24 P32",
        FORMAT,
        [
            (n, member(**{n: None}))
            for n in ("id", "timestamp", "isvEnclaveQuoteStatus", "isvEnclaveQuoteBody")
        ],
    ),
    *several(
        "timestamp of the IAS report",
        "P28",
        FORMAT,
        [
            (w, member(timestamp=t))
            for w, t in (
                ("with Z", "2026-09-01T11:59:59Z"),
                ("with an offset", "2026-09-01T11:59:59+02:00"),
                ("30 February", "2026-02-30T00:00:00"),
                ("29 February of a common year", "2023-02-29T00:00:00"),
                ("leap second", "2026-06-30T23:59:60"),
                ("seven decimals", "2026-09-01T11:59:59.0000000"),
                ("a number", 1788264000),
                ("empty", ""),
            )
        ],
        choice="date form",
    ),
    *several(
        "quote in the IAS report",
        "P23 P32",
        FORMAT,
        [
            ("431 bytes", body_of(lambda q: q[:431])),
            ("433 bytes", body_of(lambda q: q + b"\0")),
            ("436 bytes", body_of(lambda q: q + bytes(4))),
            ("1116 bytes", body_of(lambda q: q + bytes(684))),
            ("nothing", body_of(lambda q: b"")),
            ("not base64", quote_text(lambda t: "!" + t[1:])),
            ("base64 with a line end", quote_text(lambda t: t[:76] + "\n" + t[76:])),
            ("base64 of URLs", quote_text(lambda t: t[:-4] + "-_-_")),
            ("base64 with something behind", quote_text(lambda t: t + "AAAA")),
            ("a quote of version 3", body_of(lambda q: b"\3\0" + q[2:])),
        ],
    ),
    row(
        "INIT bit clear in the IAS report",
        "P20",
        FORMAT,
        reported(body={"attributes_flags": 4}),
        choice="INIT bit",
    ),
    *several(
        "reserved part of the report used, IAS",
        "P20",
        FORMAT,
        [
            ("bit 3", reported(body={"attributes_flags": 0xD})),
            ("bytes", reported(body={"reserved1": b"\1" + bytes(11)})),
            ("CONFIGID without its bit", reported(body={"config_id": b"\1" * 64})),
        ],
        choice="reserved bits",
    ),
    *several(
        "advisories of the IAS report",
        "P24 P32",
        FORMAT,
        [
            ("a string", member(advisoryIDs="INTEL-SA-00161")),
            ("numbers", member(advisoryIDs=[161])),
            ("101", member(advisoryIDs=["INTEL-SA-00161"] * 101)),
        ],
    ),
    row("nonce of 33 characters", "P25", FORMAT, member(nonce="0" * 33)),
]
