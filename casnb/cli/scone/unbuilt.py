"""What SCONE's CLI has and casnb's does not: each name with what it does there, so that whoever
calls it is told so and not sent to another command.

Source: the help of `scone` 5.8.0 in SCONE's documentation (CAS_cli), its release notes, and public
code that calls newer versions.
"""

from __future__ import annotations

from collections.abc import Mapping

_COMPILER = "is one of the tools that build programs for enclaves"
_CONTAINERS = "handled containers, hosts and swarms on old pages"

#: Words of a group, then name to what it does. A command that is built hides its row.
UNBUILT: Mapping[str, Mapping[str, str]] = {
    "scone": {
        "las": "asks the attestation service of a machine: probe, show-tcb-state,"
        " scone-epid-trust-anchor (gone with EPID), provision-pck-certificate",
        "fspf": "makes protected file systems: create, addr, addf, encrypt, show, create-volume",
        "signer": "signs an enclave, or says how one is signed; casnb measure reads the latter",
        "binary-fs": "packs a file system into a program",
        **dict.fromkeys(("gcc", "g++", "gccgo", "gfortran", "gdb", "rustc", "cargo"), _COMPILER),
        **dict.fromkeys(("host", "swarm", "service", "stack"), _CONTAINERS),
        "help-markdown": "prints all help as Markdown",
    },
    "scone cas": {
        "version": "asks a CAS for its version (5.8)",
        "provision": "takes ownership of a new CAS and uploads its configuration",
        "update-config": "uploads the configuration of an owned CAS again",
        "register-backup": "lets another instance take over",
        "register-upgrade": "lets a newer version take over",
        "start-upgrade": "has a registered newer version take over",
        "get-audit-log-checkpoints": "asks what a CAS remembers of its audit log (5.9)",
        "session": "is an older spelling: write scone session",
    },
    "scone session": {
        "sign": "signs a session, to be uploaded by somebody else (5.8)",
        "encrypt": "encrypts a session for one CAS (5.8)",
        "delete": "",
        "remove": "",
    },
    "scone self": {},
    "scone cert": {},
}
_INSTEAD = {
    "help": "Write scone --help, or scone COMMAND --help.",
    "attest": "Write scone cas attest.",
    "show-certificate": "Write scone cas show-certificate.",
    "create": "Write scone session create.",
    "read": "Write scone session read.",
    "verify": "Write scone session verify.",
}


def unbuilt(group: str) -> dict[str, str]:
    """Return what to tell whoever calls a name that SCONE's CLI has in this group and casnb has
    not.
    """
    told = {}
    for name, does in UNBUILT[group].items():
        if not does:
            told[name] = (
                f"{group} {name}: there is none. A session stays; only newer versions come."
            )
        elif does.startswith("is an older"):
            told[name] = f"{group} {name} {does}."
        else:
            told[name] = f"{group} {name} exists, casnb has not built it. In SCONE's CLI it {does}."
    if group == "scone":
        told |= {name: f"no command {name!r}. {text}" for name, text in _INSTEAD.items()}
    return told
