"""Services of a session and what is asked of the enclaves that run them: read, checked, written
back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casnb.base.errors import EvidenceError
from casnb.policy.translation import WORDS
from casnb.session.material import canonical_bundle
from casnb.session.nodes import Node
from casnb.session.table import carried, guards

#: Members of a service that a real read-back shows, in its order; the others follow by name.
FIRST = ("name", "environment", "command", "pwd", "persistency")
MODES = ("hardware", "none", "maa")
#: What has to be tolerated where Microsoft's service judges.
MANAGED = "maa-managed-tcb"

_NAME = re.compile(r"[A-Za-z0-9_\-.~]{1,128}")
_VARIABLE = re.compile(r"[^=\x00-\x1f]{1,256}")
_MEASUREMENT = re.compile(r"[0-9a-f]{64}")
_ADVISORY = re.compile(r"INTEL-SA-[0-9]{5}")
_MOST = 256


@dataclass(frozen=True)
class Signer:
    """An enclave by who signed it: product equal, version within both bounds, which are
    inclusive; without bounds any version will do.
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
        return tuple(m for m in carried("services") if m in self.data)

    @property
    def guards(self) -> tuple[str, ...]:
        """Those of them that make it stricter."""
        return tuple(m for m in guards("services") if self.data.get(m) not in (None, []))


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
        return self._set(carried("security"), carried("security.attestation"))

    @property
    def guards(self) -> tuple[str, ...]:
        """Those of them that make it stricter."""
        return self._set(guards("security"), guards("security.attestation"))

    def _set(self, outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[str, ...]:
        attestation = self.data.get("attestation")
        within = attestation if isinstance(attestation, dict) else {}
        off: tuple[object, ...] = (None, False, [])
        return tuple(m for m in outer if self.data.get(m) not in off) + tuple(
            m for m in inner if within.get(m) not in off
        )


def read_security(node: Node) -> Security:
    """Return what stands under `security`; what a variable stands for is left open, and is in
    `data` as it was written.
    """
    if node.hole:
        return Security(data={"security": node.hole})
    node.mapping("a mapping with attestation")
    attestation = node.get("attestation")
    found = attestation.mapping("a mapping with mode, tolerate, ignore_advisories")
    mode_node = attestation.get("mode")
    mode = mode_node.choice(MODES) if mode_node.there else "hardware"
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
        if "debug-mode" not in tolerate and not found.get("tolerate", node).holes():
            only = 'Only a session that tolerates debug-mode may ignore "*".'
            raise found["ignore_advisories"].refuse("the advisories by name", only)
    _managed(attestation, mode, tolerate)
    return Security(mode, tolerate, advisories, _without_nothing(node.plain() or {}))


def _managed(node: Node, mode: str, tolerate: tuple[str, ...]) -> None:
    """What mode maa wants: an address, and that its judgement of platforms is accepted."""
    for row in node.get("certificates").rows("a list of PEM certificates"):
        if row.there:
            try:
                canonical_bundle(row.text("a PEM certificate"))
            except EvidenceError as exc:
                raise row.refuse(exc.wanted or "", got=exc.got) from None
    if mode != "maa":
        return
    url = node.get("url")
    if not url.there and not url.hole:
        raise url.refuse(
            "https://TENANT.REGION.attest.azure.net", "With mode maa say whose service judges."
        )
    if MANAGED not in tolerate and not node.get("tolerate").holes():
        raise node.get("tolerate").refuse(
            f"{MANAGED} among what is tolerated",
            "With mode maa Microsoft's service decides which platforms are current.",
            got=", ".join(tolerate) or "nothing",
        )


def _without_nothing(value: Any) -> Any:
    """Plain data without members that have no value: they are as good as absent."""
    if not isinstance(value, dict):
        return value
    return {k: _without_nothing(v) for k, v in value.items() if v is not None}


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
    if not row.mapping("a mapping with a name"):
        raise row.refuse("a mapping with a name")
    name = row.get("name").matching(_NAME, "a name of 1 to 128 letters, digits and _-.~")
    requirements = _requirements(row)
    open_ = row.get("attestation").holes() or row.get("mrenclaves").holes()
    if not requirements and old:
        raise row.get("mrenclaves").refuse(
            "a list of 64 hex digits each",
            "In language 0.2 each service says which enclave may run it.",
        )
    if not requirements and mode not in ("none", "") and not open_:
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
        return tuple(
            row.shown if isinstance(row.value, bool) else row.text("a word of the command")
            for row in node.value
        )
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
    rows = node.one_or_rows("a mapping, or a list of alternatives")
    return tuple(r for r in map(_requirement, rows) if r is not None)


def _requirement(node: Node) -> Requirement | None:
    """One alternative; None for one that is not known before a variable is filled in."""
    found = node.mapping("a mapping with mrenclave, signer or both")
    if node.holes():
        return None
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
    found = node.mapping("a mapping with mrsigner and isvprodid")
    members = ("mrsigner", "isvprodid", "isvsvn", "isvsvn_min", "isvsvn_max")
    mrsigner = node.get("mrsigner").matching(_MEASUREMENT, "64 lower-case hex digits")
    number = {m: found[m].number(0, 65535) for m in members[1:] if m in found and found[m].there}
    if "isvprodid" not in number:
        raise node.get("isvprodid").refuse(
            "a number from 0 to 65535", "A signer signs more than one product."
        )
    exact, least, most = number.get("isvsvn"), number.get("isvsvn_min"), number.get("isvsvn_max")
    if exact is not None and (least is not None or most is not None):
        raise found["isvsvn"].refuse("either isvsvn or isvsvn_min and isvsvn_max", got="both")
    if least is not None and most is not None and least > most:
        raise found["isvsvn_min"].refuse(f"at most isvsvn_max, {most}")
    return Signer(
        mrsigner,
        number["isvprodid"],
        exact if exact is not None else least or 0,
        exact if exact is not None else most,
    )
