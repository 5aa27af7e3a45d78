"""TCB status, level matching and convergence: every cell of Intel's table, and levels in any
order.
"""

from __future__ import annotations

import random

import pytest

from casnb.base.errors import EvidenceError
from casnb.simulator.intel import LEVELS
from casnb.verify.tcb import TcbLevel, TcbStatus, converge, match_level

UP, SW, CONF, BOTH = (
    TcbStatus.UP_TO_DATE,
    TcbStatus.SW_HARDENING_NEEDED,
    TcbStatus.CONFIGURATION_NEEDED,
    TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED,
)
OLD, OLD_CONF, REVOKED = (
    TcbStatus.OUT_OF_DATE,
    TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
    TcbStatus.REVOKED,
)
G, C, S = "accept-group-out-of-date", "accept-configuration-needed", "accept-sw-hardening-needed"

#: Merged status by the quoting enclave's, in the order UP, SW, CONF, BOTH, OLD, OLD_CONF, REVOKED
#: of the platform's.
MERGED = {
    UP: (UP, SW, CONF, BOTH, OLD, OLD_CONF, REVOKED),
    OLD: (OLD, OLD, OLD_CONF, OLD_CONF, OLD, OLD_CONF, REVOKED),
    REVOKED: (REVOKED,) * 7,
}


@pytest.mark.parametrize("qe", TcbStatus, ids=lambda s: f"qe-{s.dcap_name}")
@pytest.mark.parametrize("platform", TcbStatus, ids=lambda s: s.dcap_name)
def test_statuses_merge_as_intels_library_merges_them(platform, qe):
    """A status of the quoting enclave that is neither up to date nor revoked counts as outdated."""
    row = MERGED.get(qe, MERGED[OLD])
    assert (
        converge(platform, qe) is row[(UP, SW, CONF, BOTH, OLD, OLD_CONF, REVOKED).index(platform)]
    )


@pytest.mark.parametrize(
    "status, dcap, ias, needs",
    [
        (UP, "UpToDate", "OK", set()),
        (SW, "SWHardeningNeeded", "SW_HARDENING_NEEDED", {S}),
        (CONF, "ConfigurationNeeded", "CONFIGURATION_NEEDED", {C}),
        (
            BOTH,
            "ConfigurationAndSWHardeningNeeded",
            "CONFIGURATION_AND_SW_HARDENING_NEEDED",
            {C, S},
        ),
        (OLD, "OutOfDate", "GROUP_OUT_OF_DATE", {G}),
        (OLD_CONF, "OutOfDateConfigurationNeeded", "", {G, C}),
        (REVOKED, "Revoked", "GROUP_REVOKED", set()),
    ],
    ids=lambda v: v.dcap_name if isinstance(v, TcbStatus) else None,
)
def test_each_status_has_two_spellings_and_its_flags(status, dcap, ias, needs):
    """A combined status needs every flag that it is made of; up to date and revoked have none."""
    assert (status.dcap_name, status.ias_name, set(status.needs), status.waivable) == (
        dcap,
        ias,
        needs,
        bool(needs),
    )
    assert TcbStatus.from_dcap(dcap) is status
    assert status.meaning and status.who_acts
    if ias:
        assert TcbStatus.from_ias(ias, 4) is status


def test_there_is_no_other_status():
    """A new member would need a row in every table here."""
    assert set(TcbStatus) == {UP, SW, CONF, BOTH, OLD, OLD_CONF, REVOKED}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uptodate",
        "UPTODATE",
        "OK",
        "UpToDate ",
        "UpToDate\0",
        "Unrecognized",
        "None",
        None,
        0,
        [],
        {},
        True,
    ],
)
def test_an_unknown_dcap_status_is_refused(text):
    """The spelling is exact; nothing is taken for a status that Intel does not name."""
    with pytest.raises(EvidenceError):
        TcbStatus.from_dcap(text)


@pytest.mark.parametrize(
    "text, status",
    [
        ("GROUP_REVOKED", REVOKED),
        ("SIGNATURE_REVOKED", REVOKED),
        ("KEY_REVOKED", REVOKED),
        ("SIGNATURE_INVALID", None),
        ("SIGRL_VERSION_MISMATCH", None),
        ("", None),
        ("ok", None),
        ("OK ", None),
        ("UpToDate", None),
        ("UNHEARD_OF", None),
    ],
)
def test_ias_statuses_that_nothing_accepts(text, status):
    """Revoked is revoked; an invalid signature and any text that the service does not document
    are no TCB status at all.
    """
    assert TcbStatus.from_ias(text, 4) is status


def level(first: int, pce: int = 5, status: TcbStatus = UP, rest: int = 0) -> TcbLevel:
    return TcbLevel((first, *[rest] * 15), pce, status, "2025-01-01T00:00:00Z", ())


@pytest.mark.parametrize(
    "components, pce, wanted",
    [
        pytest.param((3, *[0] * 15), 5, UP, id="exactly-the-highest"),
        pytest.param((255,) * 16, 65535, UP, id="beyond-the-highest"),
        pytest.param((2, *[255] * 15), 5, SW, id="one-component-short"),
        pytest.param((3, *[0] * 15), 4, REVOKED, id="pce-too-old"),
        pytest.param((1, *[0] * 15), 5, REVOKED, id="the-lowest"),
        pytest.param((0, *[255] * 15), 9, None, id="below-the-lowest"),
        pytest.param((3, *[0] * 15), 0, None, id="pce-below-all"),
    ],
)
def test_the_highest_level_that_is_reached_counts(components, pce, wanted):
    """All sixteen components and the PCE SVN must reach a level; below the lowest there is none,
    which is not a status.
    """
    levels = [level(3), level(2, status=SW), level(1, pce=4, status=REVOKED)]
    for _ in range(6):
        random.Random(_).shuffle(levels)
        found = match_level(levels, components, pce)
        assert (found and found.status) is wanted


@pytest.mark.parametrize("n", range(16))
def test_every_component_counts(n):
    """One short in any of the sixteen places falls to the next level."""
    top, low = TcbLevel((7,) * 16, 5, UP, "", ()), TcbLevel((1,) * 16, 5, OLD, "", ())
    short = tuple(6 if k == n else 7 for k in range(16))
    assert match_level((low, top), short, 5) is low
    assert match_level((low, top), (7,) * 16, 5) is top


def test_equal_components_are_ordered_by_pce_svn():
    """Of two levels with the same components the one with the higher PCE SVN comes first."""
    levels = (level(3, pce=5, status=OLD), level(3, pce=9))
    assert match_level(levels, (3, *[0] * 15), 9) is levels[1]
    assert match_level(levels, (3, *[0] * 15), 8) is levels[0]


@pytest.mark.parametrize("components", [(), (9,) * 15, (9,) * 17])
def test_another_number_of_components_is_an_error(components):
    """Too few are never padded and too many never cut, on either side."""
    with pytest.raises(EvidenceError):
        match_level((level(1),), components, 9)
    with pytest.raises(EvidenceError):
        match_level((TcbLevel(components, 0, UP, "", ()),), (9,) * 16, 9)


@pytest.mark.parametrize("status", LEVELS, ids=lambda s: s.dcap_name)
def test_a_simulated_platform_has_its_status(status):
    """A platform with exactly a level's SVNs is at that level."""
    wanted = LEVELS[status]
    assert match_level(LEVELS.values(), wanted.components, wanted.pce_svn) is wanted
