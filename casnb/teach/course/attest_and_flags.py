"""Exercises of 03: the smallest set of flags, the command it belongs to, and what it gives away."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from casnb.checks.result import CATALOGUE, AttestationResult, CheckStatus
from casnb.policy.flags import BY_NAME
from casnb.policy.policy import AttestationPolicy
from casnb.teach.course import known
from casnb.teach.course.answers import said
from casnb.teach.course.choices import Choice, Names, Reason
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.flaglines import (
    CommandLine,
    FlagLine,
    Line,
    check_ids,
    dashed,
    read_line,
)
from casnb.teach.course.judges import Option
from casnb.teach.course.slips import Slip, braces
from casnb.teach.facts import Facts
from casnb.tls.exchange import is_loopback

_LOOPBACK = r"127(?:\.\d{1,3}){3}|localhost|\[::1\]"

# The case: the lab's own CAS, or one of the seed's choice


def _case(facts: Facts) -> str:
    """How the CAS of the first exercise is called."""
    return "the CAS of this lab" if facts.case is facts else "the CAS of `lab.case`"


def _with_hash(facts: Facts, value: Any) -> AttestationPolicy | None:
    """Return the policy of the flags in an answer, with the MRENCLAVE that is given."""
    line = read_line(value)
    if line is None or line.policy is None:
        return None
    return AttestationPolicy(mrenclaves=(facts.mrenclave,)).with_flags(*line.policy.flags())


def _outcome(facts: Facts, value: Any) -> AttestationResult | None:
    policy = _with_hash(facts, value)
    return None if policy is None or policy.problems() else facts.case.appraise(policy)


def _spare(facts: Facts, value: Any) -> tuple[str, ...]:
    policy = _with_hash(facts, value)
    wanted = facts.case.minimal.flags
    return () if policy is None else tuple(n for n in policy.flags() if n not in wanted)


def _accepted(facts: Facts, value: Any) -> bool:
    result = _outcome(facts, value)
    return result is not None and result.accepted


def _reference(facts: Facts) -> list[str]:
    return facts.case.minimal.options.split()


def _same_flags(facts: Facts, value: Any) -> bool:
    """Whether a whole line means the same: right flags, the given MRENCLAVE, this lab's address."""
    line = read_line(value)
    if line is None or line.policy is None or not line.whole or len(line.rest) > 1:
        return False
    wanted = AttestationPolicy(mrenclaves=line.policy.mrenclaves).with_flags(
        *facts.case.minimal.flags
    )
    named = set(line.policy.mrenclaves)
    return (
        line.policy == wanted
        and named <= {facts.mrenclave}
        and all(_here(facts, word) for word in line.rest)
    )


def _here(facts: Facts, word: str) -> bool:
    """Whether an address is that of the lab; where its port is not known, any on that machine."""
    if word == facts.address:
        return True
    host = _LOOPBACK if is_loopback(facts.host) else re.escape(facts.host)
    found = re.fullmatch(f"(?:{host})(?::(\\d{{1,5}}))?", word)
    if found is None or (found[1] and not 0 < int(found[1]) < 65536):
        return False
    return facts.port is None or int(found[1] or 8081) == facts.port


def _line(test: Callable[[Facts, Line], bool]) -> Callable[[Facts, Any], bool]:
    """Return a match for answers that can be cut into words."""

    def match(facts: Facts, value: Any) -> bool:
        line = read_line(value)
        return line is not None and test(facts, line)

    return match


def _problem(facts: Facts, value: Any) -> str:
    line = read_line(value)
    return line.problem if line else ""


def _refusal(facts: Facts, value: Any) -> str:
    policy = _with_hash(facts, value)
    problems = policy.problems() if policy is not None else []
    return problems[0] if problems else ""


def _sentence(facts: Facts, value: Any) -> str:
    result = _outcome(facts, value)
    return result.sentence if result is not None else ""


def _identity(line: Line) -> bool:
    p = line.policy
    return p is not None and bool(
        p.mrenclaves or p.mrsigner or p.isvprodid is not None or p.isvsvn is not None or line.rest
    )


def _which(facts: Facts, hashes: tuple[str, ...]) -> str:
    """Say of the first measurement in a line that is not the given one what it is."""
    other = next((h for h in hashes if h != facts.mrenclave), "")
    kind = known.find(facts, other.lower().removeprefix("0x"))
    return kind.says if kind else "It is not the MRENCLAVE that the page gives."


def _other_line(facts: Facts, value: Any) -> str:
    line = read_line(value)
    hashes = line.policy.mrenclaves if line and line.policy else ()
    if any(h != facts.mrenclave for h in hashes):
        return "The line names another measurement than is given. " + _which(facts, hashes)
    return (
        "Flags are asked for. The line carries more: an identity or address that is not this lab's."
    )


_FLAG_SLIPS = (
    Slip(
        "check-ids",
        "These are ids of checks. The question asks for the flags that waive them, such as `-G`.",
        lambda facts: sorted(c.id for c in facts.case.minimal.result.waivers) or ["debug"],
        lambda facts, v: bool(check_ids(v)),
        holds="a check and the flag that waives it are one thing",
        early=True,
    ),
    Slip(
        "misspelt",
        _problem,
        lambda facts: ["-G", "--only-for-testing-debug", "--only_for_testing-ignore-signer"],
        lambda facts, v: bool(_problem(facts, v)),
        form=True,
    ),
    Slip(
        "trust-any",
        "--only_for_testing-trust-any accepts any code whatsoever. You know the MRENCLAVE, so you"
        " never need it here.",
        lambda facts: [*_reference(facts), "--only_for_testing-trust-any"],
        _line(lambda f, line: bool(line.policy and line.policy.only_for_testing_trust_any)),
        holds="trust-any is needed to accept a CAS whose measurement is known",
    ),
    Slip(
        "none",
        "Without any flag this CAS is rejected. Read the failed checks: each names a reason.",
        lambda facts: [],
        lambda facts, v: v in ([], "", frozenset()),
        holds="this CAS is accepted without any flag",
    ),
    Slip(
        "no-flag",
        lambda facts, v: f"There is no flag of `scone cas attest` in {said(v)}.",
        lambda facts: "public",
        _line(lambda f, line: bool(line.words) and not any(dashed(w) for w in line.words)),
        form=True,
        early=True,
    ),
    Slip(
        "usage-error",
        lambda facts, v: (
            f"The command refuses this combination before it sends anything. {_refusal(facts, v)}"
        ),
        lambda facts: ["-G", "--only_for_testing-debug"],
        lambda facts, v: bool(_refusal(facts, v)),
        holds="any combination of flags can be set",
    ),
    Slip(
        "another-line",
        _other_line,
        lambda facts: f"scone cas attest {' '.join(_reference(facts))} --mrenclave {'ab' * 32} x",
        _line(
            lambda f, line: (
                _identity(line)
                and (
                    any(h != f.mrenclave for h in line.policy.mrenclaves if line.policy)  # type: ignore[union-attr]
                    or not all(_here(f, w) for w in line.rest)
                    or line.policy.mrsigner is not None  # type: ignore[union-attr]
                )
            )
        ),
        holds="right flags make up for a wrong measurement",
    ),
    Slip(
        "too-many",
        lambda facts, v: (
            "Accepted, but not minimal: "
            + ", ".join(BY_NAME[n].option for n in _spare(facts, v))
            + " waived nothing here, and would let in more than you meant on another day."
        ),
        lambda facts: [*_more(facts), *(w for w in _reference(facts) if w[:2] == "--")],
        lambda facts, v: _accepted(facts, v) and bool(_spare(facts, v)),
        holds="a flag too many does no harm",
    ),
    Slip(
        "too-few",
        lambda facts, v: f"With these flags: {_sentence(facts, v)} Which flag waives what is left?",
        lambda facts: ["-G"] if _reference(facts) != ["-G"] else ["-C"],
        lambda facts, v: _outcome(facts, v) is not None and not _accepted(facts, v),
        holds="fewer flags are enough",
    ),
)


def _more(facts: Facts) -> list[str]:
    """Short flags with one that waives nothing; where all three are needed there is none."""
    short = next((w[1:] for w in _reference(facts) if w[:2] != "--"), "")
    return ["-" + short + next(c for c in "GCS" if c not in short)]


def _command(facts: Facts) -> str:
    return (
        AttestationPolicy(mrenclaves=(facts.mrenclave,))
        .with_flags(*facts.minimal.flags)
        .command(facts.address)
    )


def _same_command(facts: Facts, value: Any) -> bool:
    """Whether a whole line attests this lab's CAS, wherever it listens on this machine."""
    line, wanted = read_line(value), read_line(_command(facts))
    return bool(
        line and wanted and line.asks_as(wanted) and line.rest and _here(facts, line.rest[0])
    )


def _hashes(value: Any) -> tuple[str, ...]:
    line = read_line(value)
    return line.policy.mrenclaves if line and line.policy else ()


def _waived(facts: Facts) -> frozenset[str]:
    return frozenset(c.id for c in _result(facts).waivers)


def _result(facts: Facts) -> AttestationResult:
    flags = facts.case.minimal.flags
    policy = AttestationPolicy(mrenclaves=(facts.mrenclave,)).with_flags(*flags)
    return facts.kept("03 with the fewest flags", lambda: facts.case.appraise(policy))


def _ids(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        value = value.split()
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, (list, frozenset))
        else frozenset()
    )


#: Why a check is not among the waived ones.
_KEPT = {
    "not-run": Reason(
        "NOT RUN. Nobody asked for it, so there was nothing to waive.",
        "not-run",
        "a check that nobody asked for was waived",
    ),
    "mrenclave": Reason(
        "PASSED. It was compared and is the expected one: the one lock that is still on the door.",
        "mrenclave",
        "the flags waived MRENCLAVE",
    ),
    "passed": Reason(
        "PASSED: compared and fine, without any flag.",
        "passed",
        "a check that passed was waived",
    ),
}


def _check_reason(facts: Facts, id: str) -> Reason:
    """Why a check is not among the waived ones: what became of it."""
    if _result(facts).check(id).status is CheckStatus.NOT_RUN:
        return _KEPT["not-run"]
    return _KEPT["mrenclave" if id == "mrenclave" else "passed"]


def _waivers_judge(facts: Facts) -> Names:
    ids = tuple(CATALOGUE)
    others = {c.id for c in _result(facts).checks} - _waived(facts)
    reasons = {i: _check_reason(facts, i) for i in ids if i in others}
    return Names(ids, "check id", reasons)


EXERCISES = (
    Exercise(
        id="03.minimal-flags",
        title="As few flags as possible",
        name="my_flags",
        code=lambda facts: f"my_flags = {_reference(facts)!r}",
        why=lambda facts: (
            "One waiver for each check that fails: "
            + ", ".join(c.id for c in facts.case.minimal.result.waivers)
            + ". A debug enclave also needs its signer waived: the command insists."
        ),
        question=lambda facts: (
            f"Which insecure flags does `scone cas attest` need to accept {_case(facts)}, and no"
            " more than these? The MRENCLAVE is given."
        ),
        given=lambda facts: (
            "the refusals of the command, or the panel with scenario public"
            if facts.case is facts
            else "lab.case, a CAS on another machine: lab.case.appraise(policy) judges its report"
        ),
        wanted=(
            "a list of flags, such as ['-C', '--only_for_testing-trust-any'], or the same as one"
            " text"
        ),
        hints=(
            (
                "Attest without flags first and read which checks failed. Each failed check names"
                " the flags that would waive it."
            ),
            "Look at three things: its platform, its mode, its signer.",
            "-G, -C and -S are for the platform. The others start with --only_for_testing.",
        ),
        judge=FlagLine(),
        answer=_reference,
        also=_same_flags,
        right="Right: no flag that waives nothing, and none that is missing.",
        slips=_FLAG_SLIPS,
    ),
    Exercise(
        id="03.command",
        title="The whole line",
        name="my_command",
        code="my_command = three.command(lab.address)",
        why="The panel shows the same line for its own switches.",
        question=(
            "Write the complete command that attests the CAS of this lab with its MRENCLAVE and as"
            " few insecure flags as possible."
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
        answer=_command,
        also=_same_command,
        right="Right. Typed in a shell it attests this CAS and remembers its certificate.",
        slips=(
            Slip(
                "shell-variable",
                "In Python nobody replaces a shell variable. Put the value itself, for instance"
                " with an f-string.",
                lambda facts: _command(facts).replace(facts.mrenclave, "$MRENCLAVE"),
                lambda facts, v: isinstance(v, str) and re.search(r"\$\{?[A-Za-z_]", v) is not None,
                form=True,
                early=True,
            ),
            Slip(
                "misspelt",
                _problem,
                lambda facts: _command(facts).replace("only_for", "only-for"),
                lambda facts, v: bool(_problem(facts, v)),
                form=True,
            ),
            Slip(
                "no-program",
                "The line starts with the program and its two words: scone cas attest.",
                lambda facts: _command(facts).partition("attest ")[2],
                lambda facts, v: (
                    isinstance(v, str)
                    and _line(lambda f, x: _identity(x) and not x.whole and not x.problem)(facts, v)
                ),
                form=True,
                early=True,
            ),
            Slip(
                "mrsigner",
                "The value after --mrenclave is MRSIGNER. It names a key, not the code.",
                lambda facts: _command(facts).replace(facts.mrenclave, facts.world.mrsigner),
                lambda facts, v: bool(
                    {facts.world.mrsigner, facts.world.vendor.mrsigner} & set(_hashes(v))
                ),
                holds="MRSIGNER is the measurement",
            ),
            Slip(
                "another-row",
                "This is the MRENCLAVE of another CAS on the page.",
                lambda facts: _command(facts).replace(
                    facts.mrenclave, sorted(facts.other_rows.values())[0]
                ),
                lambda facts, v: bool(set(_hashes(v)) & set(facts.other_rows.values())),
                holds="any row of the page will do",
            ),
            Slip(
                "usage-error",
                lambda facts, v: f"The command refuses this line. {_own_refusal(v)}",
                lambda facts: _command(facts).replace(f"--mrenclave {facts.mrenclave} ", ""),
                lambda facts, v: isinstance(v, str) and bool(_own_refusal(v)),
                holds="any combination of options can be given",
            ),
            Slip(
                "no-address",
                "The address of the CAS is missing.",
                lambda facts: _command(facts).removesuffix(" " + facts.address),
                lambda facts, v: (
                    isinstance(v, str)
                    and _line(lambda f, x: bool(x.policy) and not x.rest)(facts, v)
                ),
                form=True,
                early=True,
            ),
            Slip(
                "other-measurement",
                lambda facts, v: f"The value of --mrenclave is wrong. {_which(facts, _hashes(v))}",
                lambda facts: _command(facts).replace(facts.mrenclave, "ab" * 32),
                lambda facts, v: (
                    isinstance(v, str) and any(h != facts.mrenclave for h in _hashes(v))
                ),
                holds="the measurement in the line is that of this CAS",
            ),
            Slip(
                "other-address",
                "This is not the address of this lab's CAS. Take lab.address, which carries the"
                " port where it must.",
                lambda facts: _command(facts).removesuffix(facts.address) + "scone-cas.cf",
                lambda facts, v: (
                    isinstance(v, str)
                    and _line(lambda f, x: bool(x.rest) and not _here(f, x.rest[0]))(facts, v)
                ),
                holds="another address leads to this CAS",
            ),
            Slip(
                "other-flags",
                "Program, value and address are right. The flags are not the smallest set with"
                " which"
                " this CAS is accepted.",
                lambda facts: _command(facts).replace("-G ", "-GC "),
                lambda facts, v: isinstance(v, str) and _hashes(v) == (facts.mrenclave,),
                holds="other flags accept this CAS, and no fewer would",
            ),
        ),
    ),
    Exercise(
        id="03.waived",
        title="What was waived",
        name="my_waivers",
        code=lambda facts: (
            "my_waivers = {c.id for c in third.waivers}"
            if facts.case is facts
            else f"my_waivers = {braces(_waived(facts))}"
        ),
        why="A result lists exactly these in its member `waivers`.",
        question=lambda facts: (
            f"{_case(facts)[0].upper()}{_case(facts)[1:]} is accepted with as few flags as"
            " possible. Which checks were waived?"
        ),
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
        judge=_waivers_judge,
        reasons=_KEPT,
        answer=_waived,
        right="Right. These lines are what you gave away; the rest of the table still holds.",
        slips=(
            Slip(
                "flags",
                "These are flags. The question asks for the checks that they waived, by their ids.",
                lambda facts: set(_reference(facts)),
                lambda facts, v: any(re.match(r"--?\w", w) or w in BY_NAME for w in _ids(v)),
                holds="a check and the flag that waives it are one thing",
            ),
            Slip(
                "check-objects",
                "The checks themselves. Take the id of each: {c.id for c in ...}.",
                lambda facts: list(_result(facts).waivers),
                lambda facts, v: (
                    isinstance(v, list) and bool(v) and all(said(i) == "Check" for i in v)
                ),
                form=True,
            ),
        ),
    ),
    Exercise(
        id="03.gain",
        title="What -G gives away",
        name="worst",
        why=(
            "The host took the attestation key through a known hole and wrote the report"
            " itself. Then every other line is the host's own word."
        ),
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
                    holds="an outdated platform is only slower",
                ),
                "b": Option(
                    "The host may read some of the CAS's memory; its MRENCLAVE is certain.",
                    "report-certain",
                    "That would be bad enough. But the key that signs the report lives on the same"
                    " platform, behind the same holes.",
                    holds="a report stays certain on an outdated platform",
                ),
                "c": Option(
                    "The host holds the attestation key and wrote the whole report itself:"
                    " MRENCLAVE, signer, debug bit, all of it."
                ),
                "d": Option(
                    "Intel's root certificate has leaked.",
                    "root-leaked",
                    "Intel's root is not on that machine. The platform's own attestation key is.",
                    holds="-G means that Intel's root key has leaked",
                ),
            }
        ),
        right="Right. That is why one flag can void every other line of the table.",
    ),
    Exercise(
        id="03.pinned-debug",
        title="A pinned hash and a debugger",
        name="pinned_debug",
        why=("DEBUG is not part of MRENCLAVE: a debug enclave has the hash of the release build."),
        question=(
            "Your policy names the right MRENCLAVE, and sets --only_for_testing-debug."
            " Somebody says:"
            " *the code is pinned, so debug mode does no harm*. What is true?"
        ),
        given="what is measured, and what is not",
        wanted="one letter, as text",
        hints=(
            "Is DEBUG among the things that are measured?",
            "The right code runs in a debug enclave. What may its host do with its memory?",
            "EDBGRD and EDBGWR read and write the memory of a debug enclave, keys included.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "True: other code would have another hash.",
                    "hash-excludes-debug",
                    "Other code would. But the host of a debug enclave needs no other code: it"
                    " reads"
                    " and writes the memory of the right one.",
                    "a pinned MRENCLAVE makes debug mode harmless",
                ),
                "b": Option(
                    "The host can read and change the memory of exactly this code, keys included."
                ),
                "c": Option(
                    "A debug enclave has another MRENCLAVE, so it is refused anyway.",
                    "debug-measured",
                    "DEBUG is an attribute, and attributes are not measured. The hash is the same.",
                    "a debug enclave has another MRENCLAVE",
                ),
                "d": Option(
                    "Debug mode only makes it slower.",
                    "debug-slow",
                    "Speed is not the matter. In debug mode the CPU lets the host read enclave"
                    " memory.",
                    "debug mode is only slower",
                ),
            }
        ),
        right="Right. The hash says which code runs, the debug bit whether it is alone.",
    ),
)


def _own_refusal(value: Any) -> str:
    line = read_line(value)
    return line.refusal if line else ""
