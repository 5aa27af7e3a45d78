"""Gates: between you and the world stands a wall of your own making; each check is a gate in it.

Gates stand side by side, not one behind the other: an attack comes through exactly one. A flag, or
a habit that is left out, opens exactly one. So a click moves one thing, and what gets in is what
has its gate open. The memory bus has no gate: no check of evidence can see who reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casnb.checks.catalogue import CATALOGUE
from casnb.checks.result import PROOF_IDS
from casnb.policy.flags import FLAGS, NEWER, Flag

#: Where one looks, and the question that its gates answer, in the order in which one asks.
WAYS: Mapping[str, tuple[str, str]] = {
    "page": ("The page", "Which code do I expect?"),
    "machine": ("The machine", "Is the machine genuine, and sound?"),
    "code": ("The code", "Which code runs there, and how?"),
    "connection": ("The connection", "Is it the one I speak with, now?"),
}


@dataclass(frozen=True)
class Gate:
    """One gate: what stands on it, and what closes it.

    `way` is a key of `WAYS`. `checks` are ids of the catalogue, the telling one first; without
    any, `habit` closes it (a name of `HABITS`), and without that nothing can. `flags` are long
    names of flags that open it, where the check alone does not tell which gate is meant.
    `place` is what lies behind it: page, intel, host, cpu, enclave, or network.
    """

    id: str
    way: str
    place: str
    checks: tuple[str, ...] = ()
    title: str = ""
    part: str = ""
    habit: str = ""
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What stands on it: a check's id wherever it is one."""
        return self.title or (self.checks[0] if self.checks else self.habit)

    @property
    def stands(self) -> bool:
        """Whether anything can close it."""
        return bool(self.checks or self.habit)


_NAMED = (
    Gate("second-source", "page", "page", habit="second-source"),
    Gate(
        "signatures",
        "machine",
        "intel",
        tuple(i for i in CATALOGUE if i in PROOF_IDS),
        title="signatures",
    ),
    Gate(
        "tcb-evaluation",
        "machine",
        "intel",
        ("tcb-evaluation", "report-age", "verification-time", "tcb-grace"),
    ),
    Gate("memory-bus", "machine", "host", title="memory bus"),
    Gate(
        "updates",
        "machine",
        "cpu",
        ("tcb-status", "advisories"),
        part="updates",
        flags=("accept-group-out-of-date",),
    ),
    Gate(
        "settings",
        "machine",
        "cpu",
        ("tcb-status", "platform-settings"),
        part="settings",
        flags=("accept-configuration-needed",),
    ),
    Gate(
        "hardening",
        "machine",
        "cpu",
        ("tcb-status",),
        part="hardening",
        flags=("accept-sw-hardening-needed",),
    ),
    Gate("mrenclave", "code", "enclave", ("mrenclave",)),
    Gate("mrsigner", "code", "enclave", ("mrsigner",)),
    Gate("isvsvn", "code", "enclave", ("isvsvn", "isvprodid")),
    Gate("debug", "code", "enclave", ("debug",)),
    Gate("nonce", "connection", "network", ("nonce",), habit="nonce"),
    Gate(
        "certificate-binding",
        "connection",
        "network",
        ("certificate-binding",),
        habit="binding",
    ),
    Gate("instance-key", "connection", "network", ("instance-key",)),
    Gate("tls-chain", "connection", "network", title="tls-chain", habit="verify-tls"),
    Gate("own-judgement", "connection", "network", habit="own-judgement"),
)
#: A check of the policy that no gate names stands on one of its own, among those about the code.
_OWN = tuple(
    Gate(id, "code", "enclave", (id,))
    for id in CATALOGUE
    if not any(id in gate.checks for gate in _NAMED)
)
#: Every gate, in the order in which pictures show them: way by way.
GATES: Mapping[str, Gate] = {
    gate.id: gate for way in WAYS for gate in (*_NAMED, *_OWN) if gate.way == way
}


def gate_of_flag(flag: Flag) -> Gate:
    """Return the one gate that a flag opens: the one that names it, else that of the first check
    it waives.
    """
    named = (g for g in GATES.values() if flag.name in g.flags)
    waived = (g for g in GATES.values() if set(flag.waives) & set(g.checks))
    return next(iter((*named, *waived)))


def flags_of(gate: Gate) -> tuple[Flag, ...]:
    """Return the flags that open a gate, those of newer versions too."""
    return tuple(f for f in (*FLAGS, *NEWER) if gate_of_flag(f) is gate)
