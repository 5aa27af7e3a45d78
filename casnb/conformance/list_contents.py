"""Rows about Intel's lists: what they say, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from casnb.base import strictjson
from casnb.conformance.fault import (
    DAY,
    SECOND,
    Change,
    Evidence,
    Fault,
    Harmless,
    at,
    chained,
    each,
    listed,
    quoted,
    remade,
    rewritten,
)
from casnb.conformance.forging import signed_text
from casnb.conformance.list_changes import components, first, put, rows, signature
from casnb.conformance.quote_certificates import items
from casnb.simulator.intel import AGE, LEVELS, LIFE, VALID
from casnb.verify.tcb import TcbStatus


def _masked(mask: str, attributes: str, flags: int) -> Change:
    """A quoting enclave with these attributes, and an identity whose first byte of mask and
    attributes lets it through.
    """
    identity = {"attributesMask": mask + "FF" * 7 + "00" * 8, "attributes": attributes + "00" * 15}
    return lambda e: listed(qe_identity=identity)(quoted(qe_body={"attributes_flags": flags})(e))


S, G = "tcb-status advisories tcb-grace", "tcb-status tcb-grace"


def _of_status(word: str) -> Callable[[dict[str, Any]], Any]:
    return lambda x: x.update(tcbStatus=word)


SAYS = [
    *each(
        "TCB info of another platform model",
        "P13",
        "fmspc-match",
        [
            ("FMSPC", listed(tcb_info={"fmspc": "00000000BEEF"})),
            ("FMSPC all zero", listed(tcb_info={"fmspc": "00" * 6})),
            ("PCEID", listed(tcb_info={"pceId": "0100"})),
        ],
        choice="PCEID",
    ),
    Fault("TCB info for TDX", "P13", "fmspc-match", listed(tcb_info={"id": "TDX"})),
    Fault("TCB info of no known kind", "P13", "fmspc-match", listed(tcb_info={"id": "sgx"})),
    *each(
        "type of the TCB info",
        "P13",
        "fmspc-match",
        [(str(n), listed(tcb_info={"tcbType": n})) for n in (1, 255)],
        choice="TCB type",
    ),
    *each(
        "QE identity for another enclave",
        "P13",
        "qe-identity",
        [(id, listed(qe_identity={"id": id})) for id in ("TD_QE", "QVE", "qe")],
    ),
    Fault(
        "QE identity names another signer",
        "P01",
        "qe-identity",
        listed(qe_identity={"mrsigner": "00" * 32}),
    ),
    Fault(
        "QE identity names another product",
        "P01",
        "qe-identity",
        listed(qe_identity={"isvprodid": 2}),
    ),
    Fault(
        "QE identity with a mask of zeros",
        "P01",
        "qe-identity",
        listed(qe_identity={"attributesMask": "00" * 16}),
        choice="QE identity masks",
    ),
    Fault(
        "debug quoting enclave under a mask that leaves DEBUG out",
        "P20 P01",
        "qe-identity",
        _masked("F9", "11", 0x17),
        choice="QE identity masks",
    ),
    Fault(
        "quoting enclave never initialised under a mask that leaves INIT out",
        "P01",
        "qe-identity",
        _masked("FA", "10", 0x14),
        choice="QE identity masks",
    ),
    Fault(
        "QE identity that allows MISCSELECT alone",
        "P01",
        "qe-identity",
        listed(qe_identity={"miscselect": "01000000"}),
    ),
    Fault(
        "the platform's level revoked",
        "P08",
        G,
        first(lambda x: x.update(tcbStatus="Revoked")),
        status="Revoked",
    ),
    Fault(
        "the quoting enclave's level revoked",
        "P08 P02",
        G,
        first(lambda x: x.update(tcbStatus="Revoked"), "qe_identity"),
        status="Revoked",
    ),
    Fault(
        "both levels revoked",
        "P08",
        G,
        lambda e: remade(
            e,
            {
                n: {
                    "tcbLevels": [
                        {**x, "tcbStatus": "Revoked"}
                        for x in json.loads(getattr(e.lists, n))["tcbLevels"]
                    ]
                }
                for n in ("tcb_info", "qe_identity")
            },
        ),
        status="Revoked",
    ),
    Fault(
        "the quoting enclave's level outdated",
        "P02",
        G,
        first(lambda x: x.update(tcbStatus="OutOfDate"), "qe_identity"),
        status="OutOfDate",
    ),
    *each(
        "status of a quoting enclave that only a platform has",
        "P02",
        G,
        [
            (w, first(_of_status(w), "qe_identity"))
            for w in ("SWHardeningNeeded", "ConfigurationNeeded")
        ],
        status="OutOfDate",
        choice="QE status",
    ),
    Fault(
        "the sixteenth component not reached",
        "P11",
        "tcb-status advisories",
        components(lambda c: [*c[:15], {"svn": 1}]),
        status="ConfigurationNeeded",
    ),
    Fault(
        "the only level not reached",
        "P09",
        "tcb-status",
        rows(lambda x: [{**x[0], "tcb": {**x[0]["tcb"], "pcesvn": 99}}]),
        status="",
        choice="no level",
    ),
    Fault(
        "levels shuffled under an outdated platform",
        "P12",
        S,
        lambda e: rows(lambda x: x[::-1])(
            chained(items(components=LEVELS[TcbStatus.OUT_OF_DATE].components))(e)
        ),
        status="OutOfDate",
    ),
    Fault(
        "advisory on a level that is up to date",
        "P10",
        "advisories",
        first(lambda x: x.update(advisoryIDs=["INTEL-SA-00161"])),
    ),
    Fault(
        "advisory on the quoting enclave's level",
        "P10 P02",
        "advisories",
        first(lambda x: x.update(advisoryIDs=["INTEL-SA-00615"]), "qe_identity"),
    ),
]

# When


def limit(name: str, member: str, shift: timedelta) -> Change:
    """A date of a list moved to the verification time and by `shift` from it."""
    return lambda e: remade(e, {name: {member: f"{e.now + shift:%Y-%m-%dT%H:%M:%SZ}"}})


_FRESH = "tcb-info-current", "qe-identity-current"
WHEN = [
    *[
        Fault(f"{what} {word}", pitfall, check, limit(name, member, shift), choice=choice)
        for what, name, check in (
            ("TCB info", "tcb_info", _FRESH[0]),
            ("QE identity", "qe_identity", _FRESH[1]),
        )
        for word, pitfall, member, shift, choice in (
            ("expired a second ago", "P16", "nextUpdate", -SECOND, ""),
            ("expired a year ago", "P16", "nextUpdate", -365 * DAY, ""),
            ("issued in a second", "P16 P28", "issueDate", SECOND, "future issue date"),
            (
                "issued two hours ahead, as by local time",
                "P28",
                "issueDate",
                timedelta(hours=2),
                "future issue date",
            ),
        )
    ],
    Fault(
        "TCB info whose dates are exchanged",
        "P16",
        "tcb-info-current",
        lambda e: replace(
            e,
            lists=e.world.endorsements(
                tcb_info={
                    "issueDate": f"{e.now + DAY:%Y-%m-%dT%H:%M:%SZ}",
                    "nextUpdate": f"{e.now - DAY:%Y-%m-%dT%H:%M:%SZ}",
                }
            ),
        ),
    ),
    Fault(
        "everything judged a month late",
        "P16",
        "pck-revocation tcb-info-current qe-identity-current",
        at(lambda e: e.now + LIFE + SECOND),
    ),
    Fault(
        "everything judged too early",
        "P16 P28",
        "pck-revocation tcb-info-current qe-identity-current",
        at(lambda e: e.now - AGE - SECOND),
        choice="future issue date",
    ),
    Fault(
        "everything judged before the certificates",
        "P16",
        "pck-chain tcb-info-signature qe-identity-signature",
        at(lambda e: VALID[0] - SECOND),
    ),
    Fault(
        "everything judged after the certificates",
        "P16",
        "pck-chain tcb-info-signature qe-identity-signature",
        at(lambda e: VALID[1] + SECOND),
    ),
    Fault(
        "lists of an edition before the one asked for",
        "P16",
        "tcb-evaluation",
        lambda e: replace(
            e,
            lists=e.world.endorsements(
                tcb_info={"tcbEvaluationDataNumber": 19},
                qe_identity={"tcbEvaluationDataNumber": 19},
            ),
        ),
    ),
    Fault(
        "TCB info of an old edition beside a QE identity of a new one",
        "P16",
        "tcb-evaluation",
        listed(tcb_info={"tcbEvaluationDataNumber": 19}),
    ),
    Fault(
        "QE identity of an old edition beside a TCB info of a new one",
        "P16",
        "tcb-evaluation",
        listed(qe_identity={"tcbEvaluationDataNumber": 19}),
    ),
]


def version_2(e: Evidence) -> Evidence:
    """TCB info as it was until 2023: flat components, no kind."""
    body = json.loads(e.lists.tcb_info)
    del body["id"]
    body["version"] = 2
    for x in body["tcbLevels"]:
        tcb = x["tcb"]
        x["tcb"] = {
            f"sgxtcbcomp{n:02}svn": c["svn"] for n, c in enumerate(tcb["sgxtcbcomponents"], 1)
        } | {"pcesvn": tcb["pcesvn"]}
    text = strictjson.compact(body).decode()
    return replace(e, lists=replace(e.lists, **signed_text(e.world, "tcb_info", text)))


def orders(levels: int) -> Iterable[tuple[str, Change]]:
    yield "reversed", rows(lambda x: x[::-1])
    yield "the top one last", rows(lambda x: [*x[1:], x[0]])
    yield "the top one in the middle", rows(lambda x: [*x[1:levels], x[0], *x[levels:]])


LISTS_HARMLESS = [
    *[Harmless(f"levels in another order: {w}", "P12", change) for w, change in orders(4)],
    Harmless(
        "levels of the QE identity in another order", "P12", rows(lambda x: x[::-1], "qe_identity")
    ),
    Harmless("TCB info in version 2", "P13", version_2),
    Harmless("FMSPC in lower case", "P13", listed(tcb_info={"fmspc": "00606a000000"})),
    Harmless(
        "members in another order, signed so",
        "P18",
        rewritten(
            lambda t: strictjson.compact(dict(reversed(list(json.loads(t).items())))).decode()
        ),
    ),
    Harmless(
        "spaces and line ends, signed so",
        "P18",
        rewritten(lambda t: json.dumps(json.loads(t), indent=2)),
    ),
    Harmless("a name with an escape, signed so", "P18", put('"fmspc"', '"\\u0066mspc"')),
    Harmless(
        "a member that nobody knows, signed so",
        "P18",
        put('"version"', '"later":{"a":[1,2]},"version"'),
    ),
    Harmless("signature in upper case", "P19", signature(str.upper)),
    *[
        Harmless(f"{n} from this very second", "P16", limit(n, "issueDate", 0 * DAY))
        for n in ("tcb_info", "qe_identity")
    ],
    *[
        Harmless(f"{n} until this very second", "P16", limit(n, "nextUpdate", 0 * DAY))
        for n in ("tcb_info", "qe_identity")
    ],
    Harmless(
        "level dated long ago, and still up to date",
        "P17",
        first(lambda x: x.update(tcbDate="2018-01-01T00:00:00Z")),
    ),
    Harmless(
        "level dated on a leap day",
        "P28",
        first(lambda x: x.update(tcbDate="2024-02-29T00:00:00Z")),
    ),
    Harmless(
        "component 256 below a byte's end: 255",
        "P11",
        components(lambda c: [*c[:4], {"svn": 255}, *c[5:]]),
    ),
    Harmless(
        "an outdated level that nobody is at, of a revoked one",
        "P08",
        rows(lambda x: [x[0], *[{**y, "tcbStatus": "Revoked"} for y in x[1:]]]),
    ),
]
