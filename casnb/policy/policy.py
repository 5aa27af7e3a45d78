"""Policy: what a relying party accepts. Flags with their rules, and the command line that stands
for them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cached_property, partial

from casnb.base.errors import UsageError
from casnb.base.view import Shown, html_table, text_table
from casnb.policy.attest_options import PLATFORM_SETTINGS, POLICY, Option
from casnb.policy.attest_words import read_words
from casnb.policy.flags import FLAGS, NEWER, Flag, find
from casnb.policy.identities import SCONTAIN_CAS, ExpectedSigner

_EVERY = (*FLAGS, *NEWER)
_MEASUREMENT = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9A-Fa-f]{32}")
_U16 = 1 << 16
#: What the assignment writes before the testing flags.
_ENCLAVE = ("mrenclaves", "mrsigner", "isvprodid", "isvsvn")


class _NotGiven(tuple[str, ...]):
    """An empty tuple that nobody gave, in the same process and after a journey to another."""

    def __reduce__(self) -> str:
        return "NOT_GIVEN"


#: What a list of a policy is where it was left out. An empty one that was given is a wrong call:
#: a scrape that found nothing must not read as "any".
NOT_GIVEN: tuple[str, ...] = _NotGiven()


def measurement_problem(value: object, name: str) -> str:
    """Say what is wrong with a measurement given as text, or return an empty string; 64
    lower-case hex digits are right.
    """
    text = value if isinstance(value, str) else repr(value)
    if _MEASUREMENT.fullmatch(text):
        return ""
    got = f"{name}: got {text[:80]!r}, wanted 64 lower-case hex digits."
    if not text:
        return (
            f"{name}: got an empty value, wanted 64 lower-case hex digits. Did the scrape find"
            " nothing?"
        )
    if _MEASUREMENT.fullmatch(text.strip().lower().removeprefix("0x")):
        return got + " Write it without spaces and 0x, in lower case."
    return got


#: The types that members have, and how a reader is told.
_KINDS: dict[type, str] = {
    str: "a text",
    int: "a number",
    bool: "True or False",
    datetime: "a datetime with a time zone",
    timedelta: "a timedelta greater than 0",
    ExpectedSigner: "an ExpectedSigner",
}


@dataclass(frozen=True)
class AttestationPolicy(Shown):
    """What a relying party accepts; the members bear the names of `scone cas attest`'s options.

    Without identity options the enclave must be signed by `expected_signer`. `isvprodid` must be
    equal, `isvsvn` is a minimum. `verification_time` (aware) replaces the clock. `nonce` is 32
    hex digits. `max_age`, `min_tcb_evaluation`, `tcb_grace` and `refuse_platform_settings` are
    casnb's own: how old a report may be, the least edition of Intel's lists, for how long an
    outdated platform is accepted after the day of the level that it reached, and which of
    `PLATFORM_SETTINGS` it must not have.

    >>> policy = AttestationPolicy(accept_group_out_of_date=True, mrenclaves=("00" * 32,))
    >>> policy.command("cas")[:40]
    'scone cas attest -G --mrenclave 00000000'
    """

    mrenclaves: tuple[str, ...] = NOT_GIVEN
    mrsigner: str | None = None
    isvprodid: int | None = None
    isvsvn: int | None = None
    accept_group_out_of_date: bool = False
    accept_configuration_needed: bool = False
    accept_sw_hardening_needed: bool = False
    only_for_testing_debug: bool = False
    only_for_testing_ignore_signer: bool = False
    only_for_testing_trust_any: bool = False
    cas_key_hash: str | None = None
    cas_software_key_hash: str | None = None
    nonce: str | None = None
    verification_time: datetime | None = None
    ignore_advisories: tuple[str, ...] = NOT_GIVEN
    fail_on_any_advisory: bool = False
    accept_revoked_pcs_certs: bool = False
    accept_unverifiable_pcs_certs: bool = False
    max_age: timedelta | None = None
    min_tcb_evaluation: int | None = None
    tcb_grace: timedelta | None = None
    refuse_platform_settings: tuple[str, ...] = NOT_GIVEN
    expected_signer: ExpectedSigner = SCONTAIN_CAS

    def __post_init__(self) -> None:
        """Keep a list that was given as a tuple: what was judged valid stays as it was."""
        for name in _LISTS:
            if type(value := getattr(self, name)) is list:
                object.__setattr__(self, name, tuple(value))

    def problems(self) -> list[str]:
        """Return what is wrong with the combination itself, one sentence each; empty when it may
        be used.
        """
        return list(self._problems)

    @cached_property
    def _problems(self) -> tuple[str, ...]:
        return tuple(self._judged())

    def _judged(self) -> list[str]:
        if out := self._type_problems():
            return out  # of a wrong type: nothing else can be said
        out = [p for value in self.mrenclaves if (p := measurement_problem(value, "--mrenclave"))]
        out += self._identity_problems()
        out += [said for broken, said in _RULES if broken(self)]
        for name, text in (("-c", self.cas_key_hash), ("-s", self.cas_software_key_hash)):
            if text is not None:
                from casnb.verify.keyhash import key_hash_problem

                out += [f"{name}: {p}." for p in [key_hash_problem(text)] if p]
        if self.nonce is not None and not _NONCE.fullmatch(self.nonce):
            out.append(f"--nonce: got {self.nonce[:80]!r}, wanted 32 hex digits.")
        if self.verification_time is not None and self.verification_time.utcoffset() is None:
            out.append("--verification-time: got a time without a zone, which could mean any.")
        return out + self._own_problems()

    def _type_problems(self) -> list[str]:
        """The same for values of a type that a member cannot have."""
        judged = (judge(getattr(self, name)) for name, judge in _TYPES)
        return [problem for problem in judged if problem]

    def _identity_problems(self) -> list[str]:
        """The same for the options that say which signer, product and version are meant."""
        out = []
        if self.mrsigner is not None:
            if p := measurement_problem(self.mrsigner, "--mrsigner"):
                out.append(p)
            if self.isvprodid is None or self.isvsvn is None:
                out.append(
                    "--mrsigner: needs --isvprodid and --isvsvn, because a signer signs more than"
                    " one product and version."
                )
        elif self.isvprodid is not None:
            out.append(
                "--isvprodid: needs --mrsigner, because only a signer gives a product number its"
                " meaning."
            )
        for name, number in (("--isvprodid", self.isvprodid), ("--isvsvn", self.isvsvn)):
            if number is not None and not (type(number) is int and 0 <= number < _U16):
                out.append(f"{name}: got {number!r}, wanted a number from 0 to 65535.")
        return out

    def _own_problems(self) -> list[str]:
        """The same for what `scone` does not have."""
        out = []
        for name, value in (("--max-age", self.max_age), ("--tcb-grace", self.tcb_grace)):
            if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
                out.append(f"{name}: got {str(value)[:80]!r}, wanted a timedelta greater than 0.")
        least = self.min_tcb_evaluation
        if least is not None and not (type(least) is int and 0 <= least < 1 << 31):
            out.append(
                f"--min-tcb-evaluation: got {str(least)[:80]!r}, wanted a number from 0 to"
                f" {(1 << 31) - 1}."
            )
        for name in self.refuse_platform_settings:
            if name not in PLATFORM_SETTINGS:
                out.append(
                    f"--refuse-platform-settings: got {str(name)[:80]!r}, wanted"
                    f" {', '.join(PLATFORM_SETTINGS)}."
                )
        return out

    def require_valid(self) -> AttestationPolicy:
        """Return self, or raise UsageError with the first problem."""
        for problem in self._problems:
            raise UsageError(problem)
        return self

    def flags(self) -> tuple[str, ...]:
        """Return the long names (without dashes) of the insecure flags that are set, in
        catalogue order.
        """
        return tuple([f.name for f in _EVERY if getattr(self, f.attribute)])

    def with_flags(self, *names: str) -> AttestationPolicy:
        """Return this policy with exactly these insecure flags set (long names without dashes,
        or options like `-G`).
        """
        chosen = set()
        for name in names:
            flag = find(name)
            if flag is None:
                raise UsageError(
                    "flag", got=name, wanted="one of " + ", ".join(f.option for f in _EVERY)
                )
            chosen.add(flag.attribute)
        return replace(self, **{f.attribute: f.attribute in chosen for f in _EVERY})  # type: ignore[arg-type]

    def arguments(self) -> list[str]:
        """Return the options of `scone cas attest` that stand for this policy, in the order the
        assignment writes them; raise UsageError for a value of the wrong type.
        """
        for problem in self._type_problems():
            raise UsageError(problem)
        letters = "".join(f.short for f in _EVERY if getattr(self, f.attribute))
        return ([f"-{letters}"] if letters else []) + self._words(_LINE)

    def _words(self, options: Iterable[Option | Flag]) -> list[str]:
        return [word for o in options for word in o.words(getattr(self, o.attribute))]

    def command(self, address: str, offline_report: str | None = None) -> str:
        """Return the exact `scone cas attest` line for this policy, quoted for a shell; casnb's
        own options are casnb's own.
        """
        offline = ["--offline-report", offline_report] if offline_report else []
        return shlex.join(["scone", "cas", "attest", *self.arguments(), *offline, address])

    @classmethod
    def from_args(
        cls, args: Sequence[str], *, expected_signer: ExpectedSigner = SCONTAIN_CAS
    ) -> AttestationPolicy:
        """Read the words of a pasted `scone cas attest` line; address, `--offline-report` and
        `--retries` are left aside.

        A second word after the address is an MRENCLAVE, as in old pages. Raises UsageError for
        an option casnb does not know; the combination is judged by `problems`.
        """
        return cls(**read_words(args), expected_signer=expected_signer)

    def __str__(self) -> str:
        return text_table(("option", "value"), self._rows())

    def _html(self) -> str:
        return html_table(("option", "value"), self._rows(), "Attestation policy", code=(0, 1))

    def _rows(self) -> list[tuple[str, str]]:
        e = self.expected_signer
        least = (
            f", version {e.isvsvn} or later" if self.isvsvn is None and not self.mrenclaves else ""
        )
        rows = (
            [("expected signer", f"{e.mrsigner} ({e.name}), product {e.isvprodid}{least}")]
            if self.mrsigner is None
            else []
        )
        for o in POLICY:
            words = self._words([o])
            rows += zip(words[::2], words[1::2], strict=True) if o.value else []
        rows += [(f"--{f}", "set") for f in self.flags()]
        return rows + [(w, "set") for w in self._words(o for o in POLICY if not o.value)]


#: What a combination must not be, and what is said of one that is. The first four rules and their
#: order are the SCONE CLI's.
_RULES: tuple[tuple[Callable[[AttestationPolicy], bool], str], ...] = (
    (
        lambda p: p.only_for_testing_ignore_signer and p.mrsigner is not None,
        "--only_for_testing-ignore-signer: contradicts --mrsigner. Give one of them.",
    ),
    (
        lambda p: (
            p.only_for_testing_debug and not p.only_for_testing_ignore_signer and p.mrsigner is None
        ),
        "--only_for_testing-debug: needs --only_for_testing-ignore-signer or --mrsigner, because a"
        " debug enclave is never signed as a production one.",
    ),
    (
        lambda p: p.only_for_testing_trust_any and not p.only_for_testing_debug,
        "--only_for_testing-trust-any: needs --only_for_testing-debug.",
    ),
    (
        lambda p: (
            p.only_for_testing_ignore_signer
            and not p.mrenclaves
            and not p.only_for_testing_trust_any
        ),
        "--only_for_testing-ignore-signer: needs --mrenclave, because otherwise nothing says which"
        " code is meant.",
    ),
    (
        lambda p: p.fail_on_any_advisory and bool(p.ignore_advisories),
        "--fail-on-any-advisory: contradicts --ignore-advisories. Give one of them.",
    ),
    (
        lambda p: p.tcb_grace is not None and p.accept_group_out_of_date,
        "--tcb-grace: contradicts -G, which accepts an outdated platform for ever. Give one of"
        " them.",
    ),
)
#: How a reader is told of members that say more than their type.
_WANTED = {
    "isvprodid": "a number from 0 to 65535",
    "isvsvn": "a number from 0 to 65535",
    "min_tcb_evaluation": f"a number from 0 to {(1 << 31) - 1}",
    "nonce": "32 hex digits as text",
    "cas_key_hash": "a text of 50 characters",
    "cas_software_key_hash": "a text of 50 characters",
}
_NAMED = {kind.__name__: kind for kind in _KINDS}
_LISTS = tuple(f.name for f in fields(AttestationPolicy) if str(f.type).startswith("tuple"))


def _list_problem(value: object, name: str) -> str:
    """Say what is wrong with the type of a list, or return an empty string."""
    if value is NOT_GIVEN:
        return ""
    if isinstance(value, str):
        return f"{name}: got one text, wanted a tuple: ({value[:80]!r},)."
    if not isinstance(value, (tuple, list)):
        return f"{name}: got {type(value).__name__}, wanted a tuple of texts."
    if not value:
        return (
            f"{name}: got an empty list, wanted at least one. Did the scrape find nothing? Leave it"
            " out where nothing is meant."
        )
    # What a measurement must be, text among it, is said by `measurement_problem`.
    if name != "mrenclaves" and not all(isinstance(v, str) for v in value):
        return f"{name}: got something that is not text, wanted texts."
    return ""


def _value_problem(value: object, name: str, kind: type, optional: bool) -> str:
    """Say what is wrong with the type of a single value, or return an empty string."""
    # A bool is an int to Python; where a number is wanted it is a slip.
    if type(value) is kind or (kind is not int and isinstance(value, kind)):
        return ""
    if optional and value is None:
        return ""
    wanted = _WANTED.get(name, _KINDS[kind])
    shown = name if kind in (bool, ExpectedSigner) else f"--{name.replace('_', '-')}"
    return f"{shown}: got {type(value).__name__}, wanted {wanted}."


def _type_judge(name: str, type: str) -> Callable[[object], str]:
    if name in _LISTS:
        return partial(_list_problem, name=name)
    kind, bar, _ = type.partition(" | None")
    return partial(_value_problem, name=name, kind=_NAMED[kind], optional=bool(bar))


#: What judges the type of each member's value: lists first, then values.
_TYPES = tuple(
    (f.name, _type_judge(f.name, str(f.type)))
    for f in sorted(fields(AttestationPolicy), key=lambda f: f.name not in _LISTS)
)
#: A command line in the order in which the assignment writes it, after the cluster of letters.
_LINE: tuple[Option | Flag, ...] = (
    *(o for o in POLICY if o.attribute in _ENCLAVE),
    # As the walkthrough sets them: each flag after those that it needs.
    *sorted((f for f in FLAGS if not f.short), key=lambda f: f.turn or 99),
    *(o for o in POLICY if o.value and o.attribute not in _ENCLAVE),
    *(f for f in NEWER if not f.short),
    *(o for o in POLICY if not o.value),
)
