"""The catalogue of insecure flags: complete, consistent, and true to what the policy does."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations

import pytest

from casnb.base.errors import UsageError
from casnb.checks.result import CATALOGUE
from casnb.policy.flags import BY_NAME, BY_OPTION, FLAGS, NEWER, options
from casnb.policy.policy import AttestationPolicy
from casnb.verify.tcb import TcbStatus

#: Names and letters as `scone cas attest --help` has them, and what each is about. Written again
#: here on purpose, and in no other test: SCONE decides which flags there are, not our table.
SCONE = {
    "accept-group-out-of-date": ("G", "tcb-status"),
    "accept-configuration-needed": ("C", "tcb-status"),
    "accept-sw-hardening-needed": ("S", "tcb-status"),
    "only_for_testing-debug": ("", "debug"),
    "only_for_testing-ignore-signer": ("", "mrsigner"),
    "only_for_testing-trust-any": ("", "mrenclave"),
}
every = pytest.mark.parametrize("flag", FLAGS, ids=lambda f: f.name)


def test_every_flag_of_scone_is_there():
    """The SCONE CLI's insecure flags, with its names and letters, and no other; each waives the one
    check that it is about.
    """
    assert {f.name: (f.short, *f.waives) for f in FLAGS} == SCONE
    assert {check for f in (*FLAGS, *NEWER) for check in f.waives} <= set(CATALOGUE)


def test_every_flag_is_a_member_of_the_policy():
    """Each flag has a member of its own, off by default, and no switch of the policy is missing
    from the catalogue.
    """
    switches = {f.name for f in fields(AttestationPolicy) if f.default is False}
    assert {f.attribute for f in (*FLAGS, *NEWER)} == switches - {"fail_on_any_advisory"}
    assert len({f.attribute for f in FLAGS}) == len(FLAGS) and AttestationPolicy().flags() == ()


@every
def test_names_lead_to_the_flag(flag):
    """Long name and shortest spelling find it, and both are what the policy prints and reads."""
    assert BY_NAME[flag.name] is BY_OPTION[flag.option] is flag
    assert flag.option == (f"-{flag.short}" if flag.short else f"--{flag.name}")
    policy = AttestationPolicy(**{flag.attribute: True})
    assert policy.flags() == (flag.name,) and flag.option in policy.arguments()
    assert (
        AttestationPolicy.from_args([f"--{flag.name}"])
        == AttestationPolicy.from_args([flag.option])
        == policy
    )


@every
def test_every_row_teaches(flag):
    """No column that a reader sees is empty: help, who gains what, mildest use, source; each
    ends as a sentence.
    """
    for text in (flag.help, flag.gains, flag.mildest):
        assert len(text) > 20 and text[0].isupper() and text.endswith(".") and text.isprintable()
    assert flag.source and len(flag.help) < 120 and 5 < len(flag.who) < 60
    assert len({f.who for f in FLAGS}) == len(FLAGS)
    assert (
        len({f.gains for f in FLAGS})
        == len({f.help for f in FLAGS})
        == len({f.mildest for f in FLAGS})
        == len(FLAGS)
    )


def named(text: str) -> dict[str, str]:
    """Read `A, B (with -C)` as statuses and the letters they need besides."""
    found = {}
    for part in filter(None, text.split(", ")):
        name, _, more = part.partition(" (with -")
        found[name] = more.removesuffix(")")
    return found


@every
@pytest.mark.parametrize("scheme", ["ias", "dcap"])
def test_statuses(flag, scheme):
    """The statuses that a row names are exactly those that need the flag, with the other flags
    they need.
    """
    wanted = {}
    for status in TcbStatus:
        name = status.ias_name if scheme == "ias" else status.dcap_name
        if name and flag.name in status.needs:
            wanted[name] = "".join(BY_NAME[n].short for n in sorted(status.needs - {flag.name}))
    assert named(getattr(flag, scheme)) == wanted
    assert bool(wanted) == (flag.waives == ("tcb-status",))


def test_needs_are_flags():
    """Every flag that a status needs is in the catalogue and is about the status; together they
    cover all that is waivable.
    """
    needed = set().union(*(s.needs for s in TcbStatus))
    assert needed == {f.name for f in FLAGS if "tcb-status" in f.waives}
    assert [s for s in TcbStatus if not s.waivable] == [TcbStatus.UP_TO_DATE, TcbStatus.REVOKED]


M = "ab" * 32
#: What makes a flag's dependencies true, in the words of its column `needs`.
MET = {
    "only_for_testing-ignore-signer": {"only_for_testing_ignore_signer": True, "mrenclaves": (M,)},
    "--mrsigner": {"mrsigner": M, "isvprodid": 1, "isvsvn": 1},
    "--mrenclave": {"mrenclaves": (M,)},
    "only_for_testing-trust-any": {
        "only_for_testing_trust_any": True,
        "only_for_testing_debug": True,
    },
    "only_for_testing-debug": {
        "only_for_testing_debug": True,
        "only_for_testing_ignore_signer": True,
        "mrenclaves": (M,),
    },
}


@every
def test_needs_are_the_policys_rules(flag):
    """A flag that names a need is refused alone and accepted with any one of them; one that
    names none stands alone.
    """
    if not flag.needs:
        assert AttestationPolicy(**{flag.attribute: True}).problems() == []
        return
    with pytest.raises(UsageError, match=f"--{flag.name}: needs"):
        AttestationPolicy(**{flag.attribute: True}).require_valid()
    for need in flag.needs.split(", or "):
        assert AttestationPolicy(**{flag.attribute: True, **MET[need]}).problems() == []


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), ""),
        (("accept-group-out-of-date",), "-G"),
        (
            (
                "accept-sw-hardening-needed",
                "accept-configuration-needed",
                "accept-group-out-of-date",
            ),
            "-GCS",
        ),
        (("only_for_testing-debug",), "--only_for_testing-debug"),
        (("only_for_testing-debug", "accept-sw-hardening-needed"), "-S --only_for_testing-debug"),
        (("unknown",), ""),
    ],
)
def test_options(names, text):
    """Flags are written the shortest way, letters in one cluster, catalogue order."""
    assert options(names) == text


def test_options_read_back():
    """What is written for any set of flags is read as that set."""
    for size in range(len(FLAGS) + 1):
        for chosen in combinations([f.name for f in FLAGS], size):
            assert AttestationPolicy.from_args(options(chosen).split()).flags() == chosen
