"""The options of `scone cas attest` that are not insecure flags, one row each, and the spellings of
old pages. The flags are in `casnb.policy.flags`.

Command lines are parsed and written, `--help` and `casnb explain` are made, from these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from casnb.base.errors import UsageError
from casnb.base.spans import read_span, span
from casnb.base.times import read_time, write_time

IDENTITY = "Which enclave"
NEWER = "Newer CLI (named after 5.8; casnb's reading)"
OWN = "Freshness and platform (casnb's own: the real scone has no such options)"
_OWN = "casnb's own: the real scone has no such option. "
_NEWER = "Newer CLI. "


class Kind(NamedTuple):
    """How a value is read from the text after an option, and written. Reading raises UsageError
    or ValueError.
    """

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def listed(text: str, option: str) -> tuple[str, ...]:
    """Return the entries of a comma-joined list without spaces; UsageError where there is none,
    which would mean something else.
    """
    if found := tuple(part.strip() for part in text.split(",") if part.strip()):
        return found
    raise UsageError(
        option, got=repr(text[:80]), wanted="at least one name", do="Is a shell variable empty?"
    )


TEXT, NUMBER = Kind(str, str), Kind(int, str)
TIME, SPAN = Kind(read_time, write_time), Kind(read_span, span)


def _list(option: str) -> Kind:
    return Kind(partial(listed, option=option), ",".join)


@dataclass(frozen=True)
class Option:
    """One option: its spellings, what it means, and the label of its value (empty: it takes none).

    `loosens`: it waives no check of casnb's, and yet lets in what would be kept out without it.
    `attribute` is its member of AttestationPolicy; an option without one is the command's own.
    `kind` reads and writes its value; `repeated`: it may be given several times. `help` is what
    `--help` says under the heading `section`; empty where each command words it for itself.
    """

    names: tuple[str, ...]
    means: str
    value: str = ""
    loosens: bool = False
    attribute: str = ""
    kind: Kind = TEXT
    repeated: bool = False
    help: str = ""
    section: str = ""

    @property
    def long(self) -> str:
        """The long spelling."""
        return self.names[-1]

    @property
    def parameter(self) -> str:
        """What a command calls its value."""
        return self.long.lstrip("-").replace("-", "_")

    def words(self, value: Any) -> list[str]:
        """Return the words of a command line that give this value; none where it was left out."""
        if value is None or value is False or (isinstance(value, tuple) and not value):
            return []
        if not self.value:
            return [self.names[0]]
        values = value if self.repeated else (value,)
        return [word for one in values for word in (self.names[0], self.kind.write(one))]


OPTIONS = (
    Option(
        ("--mrenclave",),
        "The measurement expected; several may be given, and one that is equal is enough.",
        "HEX",
        attribute="mrenclaves",
        repeated=True,
        help="The measurement expected, 64 lower-case hex digits. Repeat it where any of several"
        " will do.",
        section=IDENTITY,
    ),
    Option(
        ("--mrsigner",),
        "Another signer than Scontain's; belongs with --isvprodid and --isvsvn.",
        "HEX",
        attribute="mrsigner",
        help="Another signer than Scontain's; needs --isvprodid and --isvsvn.",
        section=IDENTITY,
    ),
    Option(
        ("--isvprodid",),
        "The product number, compared for equality.",
        "N",
        attribute="isvprodid",
        kind=NUMBER,
        help="The product number, equal; only with --mrsigner.",
        section=IDENTITY,
    ),
    Option(
        ("--isvsvn",),
        "The least version of the product that is accepted.",
        "N",
        attribute="isvsvn",
        kind=NUMBER,
        help="The lowest version of the product that is good enough.",
        section=IDENTITY,
    ),
    Option(
        ("-c", "--cas-key-hash"),
        "This instance and no other: the hash of its root key.",
        "HASH",
        attribute="cas_key_hash",
        help="This instance and no other: the hash of its root key.",
        section=IDENTITY,
    ),
    Option(
        ("-s", "--cas-software-key-hash"),
        "This instance's present software and no other.",
        "HASH",
        attribute="cas_software_key_hash",
        help="The same for the key of its current software.",
        section=IDENTITY,
    ),
    Option(("--offline-report",), "Judge this saved report; nothing is fetched.", "FILE"),
    Option(
        ("--nonce",),
        "What the saved report must repeat; only with --offline-report.",
        "HEX",
        attribute="nonce",
    ),
    Option(
        ("--verification-time",),
        "Judge as of this day, 00:00 UTC: lets old evidence pass, and old holes with it.",
        "DAY",
        loosens=True,
        attribute="verification_time",
        kind=TIME,
    ),
    Option(("--retries",), "How often to try again; 0 for never.", "N"),
    Option(
        ("--ignore-advisories",),
        _NEWER + "Tolerate these advisories; any other rejects.",
        "A,B",
        attribute="ignore_advisories",
        kind=_list("--ignore-advisories"),
        help="Tolerate exactly these advisories.",
        section=NEWER,
    ),
    Option(
        ("--fail-on-any-advisory",),
        _NEWER + "Stricter: any advisory rejects.",
        attribute="fail_on_any_advisory",
        help="Refuse where any advisory is listed.",
        section=NEWER,
    ),
    Option(
        ("--allow-cas-owner-secret-access",),
        "Accept a CAS whose owner injected its database key: the owner reads every secret.",
        loosens=True,
    ),
    Option(
        ("--only_for_testing_allow-unprovisioned-cas",),
        "Accept a CAS without an owner: it will change its keys, and your pin dies. The underscore"
        " before allow is right.",
        loosens=True,
    ),
    Option(("-V", "--version"), "Print the version."),
    Option(("-h", "--help"), "Print help; nothing is attested."),
    Option(
        ("--max-age",),
        _OWN + "How old a report may be.",
        "TIME",
        attribute="max_age",
        kind=SPAN,
        help="Refuse a report that was older than this (36h, 30d) when judged.",
        section=OWN,
    ),
    Option(
        ("--min-tcb-evaluation",),
        _OWN + "The least edition of Intel's lists.",
        "N",
        attribute="min_tcb_evaluation",
        kind=NUMBER,
        help="Refuse an older edition of Intel's lists than this.",
        section=OWN,
    ),
    Option(
        ("--tcb-grace",),
        _OWN + "Accept an outdated platform for a time.",
        "TIME",
        loosens=True,
        attribute="tcb_grace",
        kind=SPAN,
        help="Accept an outdated platform for this long after the date of the level it reached:"
        " -G, for a time.",
        section=OWN,
    ),
    Option(
        ("--refuse-platform-settings",),
        _OWN + "Refuse a machine that is set so: smt, dynamic, cached-keys.",
        "A,B",
        attribute="refuse_platform_settings",
        kind=_list("--refuse-platform-settings"),
        help="Refuse a machine whose PCK certificate states one of these: smt, dynamic,"
        " cached-keys.",
        section=OWN,
    ),
)
#: Those that are part of a policy.
POLICY = tuple(o for o in OPTIONS if o.attribute)
#: Spellings of 2019 and 2020, and what is written today.
OLD: Mapping[str, str] = {
    "-d": "--only_for_testing-debug",
    "--debug": "--only_for_testing-debug",
    "-m": "--mrenclave",
    "-a": "the address alone",
    "--address": "the address alone",
    "-n": "--nonce",
    "-v": "nothing: it is gone",
    "--verbose": "nothing: it is gone",
}
OLD_VALUES = {"-m": "HEX", "-a": "ADDRESS", "--address": "ADDRESS", "-n": "HEX"}
#: Settings that a policy may refuse, and what the PCK certificate calls each.
PLATFORM_SETTINGS = {
    "smt": "smt_enabled",
    "dynamic": "dynamic_platform",
    "cached-keys": "cached_keys",
}
