"""Services of a session and what is asked of the enclaves that run them: read, checked, written
back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.policy.crosswalk import STRICTER, WORDS
from casnb.session.nodes import Node

#: Members of a service that a real read-back shows, in its order; the others follow by name.
FIRST = ("name", "environment", "command", "pwd", "persistency")
#: Members that are carried and hashed, and that casnb does nothing with.
CARRIED = (
    "image_name",
    "platforms",
    "fspf_path",
    "fspf_key",
    "fspf_tag",
    "fspf_update_policy",
    "one_time_password_shared_secret",
)
_MEMBERS = (*FIRST, "attestation", "mrenclaves", *CARRIED)
#: Those of them that forbid a service to start, as those of `security` do that make it stricter.
GUARDS = ("platforms", "one_time_password_shared_secret")

MODES = ("hardware", "none", "maa")
_ATTESTATION = ("mode", "tolerate", "ignore_advisories", *STRICTER)

_NAME = re.compile(r"[A-Za-z0-9_\-.~]{1,128}")
_VARIABLE = re.compile(r"[^=\x00-\x1f]{1,256}")
_MEASUREMENT = re.compile(r"[0-9a-f]{64}")
_ADVISORY = re.compile(r"INTEL-SA-[0-9]{5}")
_MOST = 256


@dataclass(frozen=True)
class Signer:
    """An enclave by who signed it: product equal, version within both bounds, which are
    inclusive.
    """

    mrsigner: str
    isvprodid: int
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Requirement:
    """One alternative: one of these measurements (where there are any) and this signer (where
    there is one).
    """

    mrenclaves: tuple[str, ...] = ()
    signer: Signer | None = None


@dataclass(frozen=True)
class Service:
    """One service. An enclave that meets one of the requirements may have its configuration;
    `data` is what is hashed.
    """

    name: str
    requirements: tuple[Requirement, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str | tuple[str, ...] = ""
    pwd: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def carried(self) -> tuple[str, ...]:
        """Members that casnb carries and does nothing with."""
        return tuple(m for m in CARRIED if m in self.data)

    @property
    def guards(self) -> tuple[str, ...]:
        """Those of them that make it stricter."""
        return tuple(m for m in GUARDS if m in self.data)


@dataclass(frozen=True)
class Security:
    """What a session asks of the platforms of all its services; `data` is what is hashed."""

    mode: str = "hardware"
    tolerate: tuple[str, ...] = ()
    ignore_advisories: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def every_advisory(self) -> bool:
        """Whether no advisory counts."""
        return "*" in self.ignore_advisories

    @property
    def carried(self) -> tuple[str, ...]:
        """Members that casnb carries and does nothing with."""
        inner = self.data.get("attestation") or {}
        return tuple(m for m in STRICTER if m in self.data or m in inner)


def read_security(node: Node) -> Security:
    """Return what stands under `security`."""
    outer = node.members(("attestation", *STRICTER), "a mapping with attestation")
    attestation = outer.get("attestation", node.get("attestation"))
    found = attestation.members(_ATTESTATION, "a mapping with mode, tolerate, ignore_advisories")
    mode = attestation.get("mode").choice(MODES) if attestation.get("mode").there else "hardware"
    tolerate = tuple(
        n.choice(tuple(WORDS))
        for n in _words(found.get("tolerate"), "a list of " + ", ".join(WORDS))
    )
    ignored = _words(found.get("ignore_advisories"), 'a list of INTEL-SA-nnnnn, or "*"')
    advisories = tuple(
        "*" if n.value == "*" else n.matching(_ADVISORY, 'INTEL-SA- and five digits, or "*"')
        for n in ignored
    )
    if "*" in advisories:
        if len(advisories) > 1:
            raise found["ignore_advisories"].refuse('"*" alone', got='"*" with others')
        if "debug-mode" not in tolerate:
            only = 'Only a session that tolerates debug-mode may ignore "*".'
            raise found["ignore_advisories"].refuse("the advisories by name", only)
    return Security(mode, tolerate, advisories, node.plain() or {})


def _words(node: Node | None, wanted: str) -> list[Node]:
    if node is None:
        return []
    rows = node.one_or_rows(wanted)
    if len(rows) > _MOST:
        raise node.refuse(f"at most {_MOST}", got=str(len(rows)))
    return rows


def read_services(node: Node, mode: str, old: bool) -> tuple[Service, ...]:
    """Return the services; unless the mode is none, each must say which enclave may run it."""
    found: dict[str, Service] = {}
    for row in node.rows("a list of services"):
        if row.there:
            service = _service(row, mode, old)
            if service.name in found:
                raise row.get("name").refuse(
                    "each name once", "Rename one of them.", got=f"{service.name!r} twice"
                )
            found[service.name] = service
    return tuple(found.values())


def _service(row: Node, mode: str, old: bool) -> Service:
    members = row.members(_MEMBERS, "a mapping with a name")
    if not members:
        raise row.refuse("a mapping with a name")
    name = row.get("name").matching(_NAME, "a name of 1 to 128 letters, digits and _-.~")
    requirements = _requirements(row)
    if not requirements and mode != "none" and not old:
        raise row.get("attestation").refuse(
            "mrenclave, signer or both",
            "Say which enclave may run this service; security.attestation.mode: none lets any"
            " program.",
        )
    environment = {}
    for variable, value in row.get("environment").mapping("a mapping of variables").items():
        if not _VARIABLE.fullmatch(variable):
            raise value.refuse("a name of a variable", got=repr(variable)[:60])
        environment[variable] = (
            value.shown if isinstance(value.value, bool) else value.text() if value.there else ""
        )
    full = {**row.plain(), "persistency": _persistency(row.get("persistency"))}
    data = {k: full[k] for k in (*FIRST, *sorted(full.keys() - set(FIRST))) if k in full}
    return Service(
        name,
        requirements,
        environment,
        _command(row.get("command")),
        row.get("pwd").text("a path") if row.get("pwd").there else "",
        data,
    )


def _persistency(node: Node) -> str:
    return node.text("None, or a mode") if node.there else "None"


def _command(node: Node) -> str | tuple[str, ...]:
    if isinstance(node.value, list):
        return tuple(row.text("a word of the command") for row in node.value)
    return node.text("a command line, or a list of words") if node.there else ""


def _requirements(row: Node) -> tuple[Requirement, ...]:
    node, old = row.get("attestation"), row.get("mrenclaves")
    if node.there and old.there:
        raise old.refuse(
            "attestation alone",
            "mrenclaves is the older way to write attestation: mrenclave.",
            got="both",
        )
    if old.there:
        found = _measurements(old)
        return (Requirement(found),) if found else ()
    return tuple(_requirement(r) for r in node.one_or_rows("a mapping, or a list of alternatives"))


def _requirement(node: Node) -> Requirement:
    found = node.members(("mrenclave", "signer"), "a mapping with mrenclave, signer or both")
    measurements = _measurements(found["mrenclave"]) if "mrenclave" in found else ()
    signer = _signer(found["signer"]) if "signer" in found and found["signer"].there else None
    if not measurements and signer is None:
        raise node.refuse(
            "mrenclave, signer or both",
            "An empty alternative would let any enclave in.",
            got="neither",
        )
    return Requirement(measurements, signer)


def _measurements(node: Node) -> tuple[str, ...]:
    return tuple(
        n.matching(_MEASUREMENT, "64 lower-case hex digits", "`SCONE_HASH=1 PROGRAM` prints it.")
        for n in _words(node, "an MRENCLAVE, or a list of them")
    )


def _signer(node: Node) -> Signer:
    members = ("mrsigner", "isvprodid", "isvsvn", "isvsvn_min", "isvsvn_max")
    found = node.members(members, "a mapping with mrsigner and isvprodid")
    mrsigner = node.get("mrsigner").matching(_MEASUREMENT, "64 lower-case hex digits")
    number = {m: found[m].number(0, 65535) for m in members[1:] if m in found and found[m].there}
    if "isvprodid" not in number:
        raise node.get("isvprodid").refuse(
            "a number from 0 to 65535", "A signer signs more than one product."
        )
    exact, least, most = number.get("isvsvn"), number.get("isvsvn_min"), number.get("isvsvn_max")
    if exact is not None and (least is not None or most is not None):
        raise found["isvsvn"].refuse("either isvsvn or isvsvn_min and isvsvn_max", got="both")
    if exact is None and least is None and most is None:
        raise node.get("isvsvn_min").refuse(
            "isvsvn, isvsvn_min or isvsvn_max", "Old versions of an enclave have known holes."
        )
    if least is not None and most is not None and least > most:
        raise found["isvsvn_min"].refuse(f"at most isvsvn_max, {most}")
    return Signer(
        mrsigner,
        number["isvprodid"],
        exact if exact is not None else least or 0,
        exact if exact is not None else most,
    )
