"""Exercises of 03: the smallest set of flags, the command it belongs to, and what it gives away."""

from __future__ import annotations

import shlex
from typing import Any

from casnb.base.errors import CasnbError
from casnb.checks.result import CATALOGUE, AttestationResult, CheckStatus
from casnb.policy.flags import BY_NAME
from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.answers import said
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Judge, Names, Option, Text
from casnb.teach.facts import Facts

_TAKES_A_VALUE = {"--mrenclave", "--mrsigner", "--isvprodid", "--isvsvn", "--nonce", "-c", "-s"}


def words(value: Any) -> list[str] | None:
    """Return the words of a flag line or of a list of flags (long names may lack their dashes);
    None if it is neither.
    """
    parts = (
        sorted(value, key=repr)
        if isinstance(value, frozenset)
        else [value]
        if isinstance(value, str)
        else value
    )
    if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
        return None
    try:
        split = [w for p in parts for w in shlex.split(p)]
    except ValueError:
        return None
    return [f"--{w}" if w in BY_NAME else w for w in split]


def parsed(value: Any) -> AttestationPolicy | str | None:
    """Return the policy of a flag line, why it cannot be read, or None where it is no text at
    all.
    """
    line = words(value)
    if line is None:
        return None
    try:
        return AttestationPolicy.from_args(line)
    except CasnbError as exc:
        return str(exc)


def addresses(value: Any) -> list[str]:
    """Return the words of a command that are neither options nor their values."""
    out, skip = [], False
    for word in (words(value) or [])[3:]:
        if not skip and not word.startswith("-"):
            out.append(word)
        skip = word in _TAKES_A_VALUE
    return out


def _with_hash(facts: Facts, value: Any) -> AttestationPolicy | None:
    policy = parsed(value)
    if not isinstance(policy, AttestationPolicy):
        return None
    return AttestationPolicy(mrenclaves=(facts.world.mrenclave,)).with_flags(*policy.flags())


def _outcome(facts: Facts, value: Any) -> AttestationResult | None:
    policy = _with_hash(facts, value)
    return None if policy is None or policy.problems() else facts.appraise(policy)


def _spare(facts: Facts, value: Any) -> tuple[str, ...]:
    policy = _with_hash(facts, value)
    return (
        () if policy is None else tuple(n for n in policy.flags() if n not in facts.minimal.flags)
    )


def _accepted(facts: Facts, value: Any) -> bool:
    result = _outcome(facts, value)
    return result is not None and result.accepted


class FlagLine(Judge):
    """A flag line as text or a list of flags, compared by what it means."""

    def same(self, value: Any, reference: Any) -> bool:
        policy, wanted = parsed(value), parsed(reference)
        return (
            isinstance(policy, AttestationPolicy)
            and isinstance(wanted, AttestationPolicy)
            and policy.flags() == wanted.flags()
        )

    def problem(self, value: Any) -> str:
        return f"got {said(value)}" if parsed(value) is None else ""


def _misspelt(facts: Facts, value: Any) -> bool:
    return isinstance(parsed(value), str)


def _illegal(facts: Facts, value: Any) -> bool:
    policy = _with_hash(facts, value)
    return policy is not None and bool(policy.problems())


def _trusts_any(facts: Facts, value: Any) -> bool:
    policy = parsed(value)
    return isinstance(policy, AttestationPolicy) and policy.only_for_testing_trust_any


_FLAG_SLIPS = (
    Slip(
        "misspelt",
        lambda facts, v: (
            f"{parsed(v)} Mind the spelling: an underscore in only_for_testing, then hyphens."
        ),
        lambda facts: ["-G", "--only-for-testing-debug", "--only_for_testing-ignore-signer"],
        _misspelt,
    ),
    Slip(
        "trust-any",
        "--only_for_testing-trust-any accepts any code whatsoever. You know the MRENCLAVE, so you"
        " never need it here.",
        lambda facts: [*_reference(facts), "--only_for_testing-trust-any"],
        _trusts_any,
    ),
    Slip(
        "usage-error",
        lambda facts, v: (
            f"The command refuses this combination before it sends anything. {_problem(facts, v)}"
        ),
        lambda facts: ["-G", "--only_for_testing-debug"],
        _illegal,
    ),
    Slip(
        "too-many",
        lambda facts, v: (
            "Accepted, but not minimal: "
            + ", ".join(BY_NAME[n].option for n in _spare(facts, v))
            + " waived nothing here, and would let in more than you meant on another day."
        ),
        lambda facts: ["-GCS", *_reference(facts)[1:]],
        lambda facts, v: _accepted(facts, v) and bool(_spare(facts, v)),
    ),
    Slip(
        "none",
        "Without any flag this CAS is rejected. Read the failed checks: each names a reason.",
        lambda facts: [],
        lambda facts, v: v in ([], "", frozenset()),
    ),
    Slip(
        "too-few",
        lambda facts, v: f"With these flags: {_sentence(facts, v)} Which flag waives what is left?",
        lambda facts: ["-G"],
        lambda facts, v: _outcome(facts, v) is not None and not _accepted(facts, v),
    ),
)


def _problem(facts: Facts, value: Any) -> str:
    policy = _with_hash(facts, value)
    return policy.problems()[0] if policy is not None and policy.problems() else ""


def _sentence(facts: Facts, value: Any) -> str:
    result = _outcome(facts, value)
    return result.sentence if result is not None else ""


def _reference(facts: Facts) -> list[str]:
    return facts.minimal.options.split()


def _command(facts: Facts) -> str:
    return (
        AttestationPolicy(mrenclaves=(facts.world.mrenclave,))
        .with_flags(*facts.minimal.flags)
        .command(facts.address)
    )


class CommandLine(Text):
    """A whole `scone cas attest` line; order and spelling of the options do not matter."""

    def same(self, value: Any, reference: Any) -> bool:
        mine, wanted = parsed(value), parsed(reference)
        return (
            isinstance(value, str)
            and (words(value) or [])[:3] == ["scone", "cas", "attest"]
            and mine == wanted
            and isinstance(mine, AttestationPolicy)
            and addresses(value) == addresses(reference)
        )

    def slips(self, reference: Any) -> tuple[Slip, ...]:
        return ()  # blanks around a command are none


def _no_policy(value: Any) -> bool:
    return not (isinstance(value, str) and isinstance(parsed(value), AttestationPolicy))


def _hashes(value: Any) -> tuple[str, ...]:
    policy = parsed(value)
    return policy.mrenclaves if isinstance(policy, AttestationPolicy) else ()


def _waived(facts: Facts) -> frozenset[str]:
    return frozenset(c.id for c in _result(facts).waivers)


def _result(facts: Facts) -> AttestationResult:
    return facts.appraise(
        AttestationPolicy(mrenclaves=(facts.world.mrenclave,)).with_flags(*facts.minimal.flags)
    )


def _not_run(facts: Facts) -> frozenset[str]:
    return frozenset(c.id for c in _result(facts).checks if c.status is CheckStatus.NOT_RUN)


def _ids(value: Any) -> frozenset[str]:
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, (list, frozenset))
        else frozenset()
    )


EXERCISES = (
    Exercise(
        id="03.minimal-flags",
        title="As few flags as possible",
        question=(
            "Which insecure flags does `scone cas attest` need to accept the CAS of this lab, and"
            " no more than these? The MRENCLAVE is given."
        ),
        given="the refusals of the command, or the panel with scenario public",
        wanted=(
            "a list of flags, such as ['-C', '--only_for_testing-trust-any'], or the same as one"
            " text"
        ),
        hints=(
            (
                "Attest without flags first and read which checks failed. Each failed check names"
                " the flags that would waive it."
            ),
            "Three things are wrong with this CAS: its platform, its mode, its signer.",
            "-G is for the platform. The two others start with --only_for_testing.",
        ),
        judge=FlagLine(),
        reference=_reference,
        right="Right: exactly three waivers, each for one failed check.",
        slips=_FLAG_SLIPS,
    ),
    Exercise(
        id="03.command",
        title="The whole line",
        question=(
            "Write the complete command that attests the CAS of this lab with its MRENCLAVE and the"
            " flags you found."
        ),
        given="lab.address, the MRENCLAVE from the page",
        wanted="text: one line that starts with scone cas attest",
        hints=(
            "The panel shows the line for its own switches.",
            (
                "scone cas attest FLAGS --mrenclave VALUE ADDRESS; the order of the options does"
                " not matter."
            ),
            "AttestationPolicy(mrenclaves=(mrenclave,)).with_flags('-G', ...).command(lab.address)",
        ),
        judge=CommandLine(),
        reference=_command,
        right="Right. Typed in a shell it attests this CAS and remembers its certificate.",
        slips=(
            Slip(
                "shell-variable",
                "In Python nobody replaces a shell variable. Put the value itself, for instance"
                " with an f-string.",
                lambda facts: _command(facts).replace(facts.world.mrenclave, "$MRENCLAVE"),
                lambda facts, v: isinstance(v, str) and "$" in v,
            ),
            Slip(
                "no-program",
                "The line starts with the program and its two words: scone cas attest.",
                lambda facts: _command(facts).partition("attest ")[2],
                lambda facts, v: (
                    not _no_policy(v) and (words(v) or [])[:3] != ["scone", "cas", "attest"]
                ),
            ),
            Slip(
                "misspelt",
                lambda facts, v: (
                    f"{parsed(v)} Mind the spelling: an underscore in only_for_testing, then"
                    " hyphens."
                ),
                lambda facts: _command(facts).replace("only_for", "only-for"),
                lambda facts, v: isinstance(v, str) and _misspelt(facts, v),
            ),
            Slip(
                "mrsigner",
                "The value behind --mrenclave is MRSIGNER. It names a key, not the code.",
                lambda facts: _command(facts).replace(facts.world.mrenclave, facts.world.mrsigner),
                lambda facts, v: facts.world.mrsigner in _hashes(v),
            ),
            Slip(
                "another-row",
                "This is the MRENCLAVE of another CAS on the page.",
                lambda facts: _command(facts).replace(
                    facts.world.mrenclave, sorted(facts.other_rows.values())[0]
                ),
                lambda facts, v: bool(set(_hashes(v)) & set(facts.other_rows.values())),
            ),
            Slip(
                "usage-error",
                lambda facts, v: f"The command refuses this line. {_first_problem(v)}",
                lambda facts: _command(facts).replace(f"--mrenclave {facts.world.mrenclave} ", ""),
                lambda facts, v: isinstance(v, str) and bool(_first_problem(v)),
            ),
            Slip(
                "no-address",
                "The address of the CAS is missing.",
                lambda facts: _command(facts).removesuffix(" " + facts.address),
                lambda facts, v: not _no_policy(v) and not addresses(v),
            ),
            Slip(
                "other-address",
                "This is not the address of this lab's CAS. Take lab.address, which carries the"
                " port where it must.",
                lambda facts: _command(facts).removesuffix(facts.address) + "scone-cas.cf",
                lambda facts, v: not _no_policy(v) and addresses(v) != [facts.address],
            ),
            Slip(
                "other-flags",
                "Program, value and address are right. The flags are not those of exercise"
                " 03.minimal-flags.",
                lambda facts: _command(facts).replace("-G ", "-GC "),
                lambda facts, v: not _no_policy(v) and _hashes(v) == (facts.world.mrenclave,),
            ),
        ),
    ),
    Exercise(
        id="03.waived",
        title="What was waived",
        question="The CAS is accepted with the flags you found. Which checks were waived?",
        given="the result, a list of checks with id and status",
        wanted="a set of check ids, such as {'mrenclave', 'isvsvn'}",
        hints=(
            "A result has a member that lists exactly these checks.",
            (
                "WAIVED is a status of its own: it would have failed, and a flag accepted that. NOT"
                " RUN is something else."
            ),
            "{check.id for check in result.waivers}",
        ),
        judge=Names(tuple(CATALOGUE), "check id"),
        reference=_waived,
        right="Right. These lines are what you gave away; the rest of the table still holds.",
        slips=(
            Slip(
                "flags",
                "These are flags. Asked are the checks that they waived, by their ids.",
                lambda facts: set(_reference(facts)),
                lambda facts, v: any(w.startswith("-") or w in BY_NAME for w in _ids(v)),
            ),
            Slip(
                "mrenclave",
                "MRENCLAVE was compared and is the expected one: PASSED. It is the one lock that is"
                " still on the door.",
                lambda facts: _waived(facts) | {"mrenclave"},
                lambda facts, v: "mrenclave" in _ids(v),
            ),
            Slip(
                "not-run",
                "Checks that were NOT RUN are in your set. Nobody asked for them, so there was"
                " nothing to waive.",
                lambda facts: _waived(facts) | _not_run(facts),
                lambda facts, v: bool(_ids(v) & _not_run(facts)),
            ),
            Slip(
                "check-objects",
                "The checks themselves. Take the id of each: {c.id for c in ...}.",
                lambda facts: list(_result(facts).waivers),
                lambda facts, v: (
                    isinstance(v, list) and bool(v) and all(said(i) == "Check" for i in v)
                ),
            ),
        ),
    ),
    Exercise(
        id="03.gain",
        title="What -G gives away",
        question=(
            "You pass -G to a report that says GROUP_OUT_OF_DATE. Debug is off, MRENCLAVE and"
            " signer are as expected. What is the worst that may be true?"
        ),
        given=(
            "platforms out of date have known holes; one of them gave away the attestation key of a"
            " quoting enclave"
        ),
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "Who signs the report, and where is that key kept?",
            (
                "If the key that signs reports has leaked, which of the report's fields can its new"
                " owner choose?"
            ),
            "All of them.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "The CAS is slower than it could be.",
                    "harmless",
                    "Out of date is not about speed. It says that holes are known which this"
                    " platform has not closed.",
                ),
                "b": Option(
                    "The host may read some of the CAS's memory; its MRENCLAVE is certain.",
                    "report-certain",
                    "That would be bad enough. But the key that signs the report lives on the same"
                    " platform, behind the same holes.",
                ),
                "c": Option(
                    "The host holds the attestation key and wrote the whole report itself:"
                    " MRENCLAVE, signer, debug bit, all of it."
                ),
                "d": Option(
                    "Intel's root certificate has leaked.",
                    "root-leaked",
                    "Intel's root is not on that machine. The platform's own attestation key is.",
                ),
            }
        ),
        reference=lambda facts: "c",
        right="Right. That is why one flag can void every other line of the table.",
    ),
)


def _first_problem(value: Any) -> str:
    policy = parsed(value)
    return (policy.problems() or [""])[0] if isinstance(policy, AttestationPolicy) else ""
