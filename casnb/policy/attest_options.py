"""The options of `scone cas attest` that are no insecure flags, and the spellings of old pages.
The flags are in `casnb.policy.flags`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_OWN = "casnb's own: the real scone has no such option. "
_NEWER = "Newer CLI. "


@dataclass(frozen=True)
class Option:
    """One option that is not an insecure flag: its spellings, what it means, and the label of its
    value (empty: it takes none).

    `loosens`: it waives no check of casnb's, and yet lets in what would be kept out without it.
    """

    names: tuple[str, ...]
    means: str
    value: str = ""
    loosens: bool = False


OPTIONS = (
    Option(
        ("--mrenclave",),
        "The measurement expected; several may be given, and one that is equal is enough.",
        "HEX",
    ),
    Option(
        ("--mrsigner",),
        "Another signer than Scontain's; belongs with --isvprodid and --isvsvn.",
        "HEX",
    ),
    Option(("--isvprodid",), "The product number, compared for equality.", "N"),
    Option(("--isvsvn",), "The least version of the product that is accepted.", "N"),
    Option(
        ("-c", "--cas-key-hash"), "This instance and no other: the hash of its root key.", "HASH"
    ),
    Option(
        ("-s", "--cas-software-key-hash"), "This instance's present software and no other.", "HASH"
    ),
    Option(("--offline-report",), "Judge this saved report; nothing is fetched.", "FILE"),
    Option(("--nonce",), "What the saved report must repeat; only with --offline-report.", "HEX"),
    Option(
        ("--verification-time",),
        "Judge as of this day, 00:00 UTC: lets old evidence pass, and old holes with it.",
        "DAY",
        loosens=True,
    ),
    Option(("--retries",), "How often to try again; 0 for never.", "N"),
    Option(
        ("--ignore-advisories",), _NEWER + "Tolerate these advisories; any other rejects.", "A,B"
    ),
    Option(("--fail-on-any-advisory",), _NEWER + "Stricter: any advisory rejects."),
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
    Option(("--max-age",), _OWN + "How old a report may be.", "TIME"),
    Option(("--min-tcb-evaluation",), _OWN + "The least edition of Intel's lists.", "N"),
    Option(
        ("--tcb-grace",), _OWN + "Accept an outdated platform for a time.", "TIME", loosens=True
    ),
    Option(
        ("--refuse-platform-settings",),
        _OWN + "Refuse a machine that is set so: smt, dynamic, cached-keys.",
        "A,B",
    ),
)
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
