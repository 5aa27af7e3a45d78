"""What Mallory showed once is enough to tell at once what any set of flags makes of her: the
same as running it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from casnb.base.errors import UsageError
from casnb.mallory.attacks import ATTACKS, Defence, exhibits, foresee, matrix

SEED = "casnb"
TESTING = "--only_for_testing-ignore-signer --only_for_testing-debug"
#: Beside the usual flag sets: an expected value that is nobody's, none at all, and flags in other
#: mixtures.
MORE = {
    "other": Defence.of(f"-G {TESTING} --mrenclave {'0' * 64}"),
    "other, any": Defence.of(f"-GCS {TESTING} --only_for_testing-trust-any --mrenclave {'0' * 64}"),
    "none": Defence.of("-GCS"),
    "-CS, page": Defence.of(f"-CS {TESTING}"),
    "floor": Defence.of("-S", add=("page-value", "floor")),
}


@pytest.mark.soak
def test_foreseen_is_what_happens():
    """For every attack and every defence here: foreseen and run name the same stopper, or none.
    (For the usual flag sets: `test_mallory_matrix.py`.)
    """
    ran = matrix(MORE, seed=SEED)
    assert {c: foresee(d, seed=SEED) for c, d in MORE.items()} == {
        c: {n: ran[n, c] for n in ATTACKS} for c in MORE
    }


@pytest.mark.parametrize(
    ("flags", "inside"),
    [
        pytest.param("--accept-revoked-pcs-certs", ["revoked-key"], id="revoked"),
        pytest.param("--accept-unverifiable-pcs-certs", ["missing-list"], id="unverifiable"),
        pytest.param(
            "--accept-revoked-pcs-certs --accept-unverifiable-pcs-certs",
            ["revoked-key", "missing-list"],
            id="both",
        ),
        pytest.param("-GCS", [], id="neither"),
    ],
)
def test_the_newer_flags_let_in_their_own_attack_and_no_other(flags, inside):
    """A revoked platform needs the one flag, a list that is left out the other; a run and what
    is foreseen say the same.
    """
    defence, names = Defence.of(flags), ["revoked-key", "missing-list"]
    ran = matrix({"x": defence}, names, seed=SEED)
    assert [n for n in names if not ran[n, "x"]] == inside and {
        ran.stopped[n]["x"] for n in names
    } <= {"", "pck-revocation"}
    new = {n for n, stopped in foresee(defence, seed=SEED).items() if not stopped} - {
        n
        for n, stopped in foresee(Defence.of("" if "pcs" in flags else flags), seed=SEED).items()
        if not stopped
    }
    assert new == set(inside)


def test_it_is_the_appraisal_that_decides():
    """Other evidence, other answer: with the honest machine's proof in its place the forged
    quote would get in.
    """
    kept = {e.attack.name: e for e in exhibits(SEED)}
    forged, honest = kept["forged-quote"], kept["other-instance"]
    assert forged.shown is not None and honest.shown is not None
    assert forged.stopper(Defence()) == "tcb-status" and forged.stopper(Defence.of("-G")) == ""
    assert replace(forged, shown=honest.shown).stopper(Defence()) == ""


def test_what_only_a_run_can_tell_is_refused():
    """A defence without a usual habit, and one that contradicts itself, are usage errors."""
    for defence in (Defence.of(skip=("nonce",)), Defence.of("--only_for_testing-debug")):
        with pytest.raises(UsageError):
            foresee(defence, seed=SEED)
