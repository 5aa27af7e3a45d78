"""The crosswalk: complete, true to the statuses, and a session's words translated to flags and
back.
"""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path

import pytest
import yaml
from doctables.checks import fill

from casnb.policy.advisories import ADVISORIES
from casnb.policy.flags import BY_NAME, FLAGS, NEWER
from casnb.policy.translation import TOOLS, WORDS, Idea, crosswalk, to_flags, to_session
from casnb.verify.tcb import TcbStatus

PAGE = Path(__file__).resolve().parent.parent / "docs" / "flags.md"
ROWS = crosswalk()

#: Words of `tolerate` and the letter or option of the same idea, written again; None: the command
#: line has nothing.
TRANSLATED = {
    "debug-mode": "--only_for_testing-debug",
    "hyperthreading": "-C",
    "insecure-igpu": "-C",
    "insecure-configuration": "-C",
    "software-hardening-needed": "-S",
    "outdated-tcb": "-G",
    "aepic-leak": None,
    "maa-managed-tcb": None,
    "debug": None,
    "local-attestation-trust-cas-tcb": None,
}


def test_page_is_the_data():
    """docs/flags.md is what `fill` makes of it. To renew it: `make docs`."""
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text) == text
    for flag in (*FLAGS, *NEWER):
        for told in (flag.help, flag.gains, flag.mildest, flag.source, flag.who):
            assert told in text


def test_every_idea_of_every_tool():
    """An idea for each flag, one for statuses that take two, one for what no flag accepts; a column
    for each tool, and no cell is empty.
    """
    titles = [f.title for f in FLAGS]
    assert sorted(r.name for r in ROWS) == sorted([*titles, "two at once", "revoked"])
    assert [r.name for r in ROWS if r.name in titles] == titles
    assert ["name", *TOOLS] == [f.name for f in fields(Idea)]
    assert all(cell.strip() for row in ROWS for cell in astuple(row)) and all(
        source for _, source in TOOLS.values()
    )


def test_statuses_are_intels():
    """Each status in the crosswalk is one that casnb reads, and no status but up to date is left
    out.
    """
    written = {word for row in ROWS for word in (*row.dcap.split(", "), *row.ias.split(", "))} - {
        "not a status"
    }
    assert written - {"KEY_REVOKED", "SIGNATURE_REVOKED"} == {
        name
        for s in TcbStatus
        if s is not TcbStatus.UP_TO_DATE
        for name in (s.dcap_name, s.ias_name)
        if name
    }
    for row, flag in zip(ROWS, FLAGS[:3], strict=False):
        status = next(s for s in TcbStatus if s.needs == {flag.name})
        assert (row.scone, row.dcap, row.ias) == (flag.option, status.dcap_name, status.ias_name)


def test_published_holes_are_on_record_with_a_date():
    """Every hole that a flag accepts has a title and a date, and goes with a status that the
    flag accepts.
    """
    for flag in FLAGS:
        for id in flag.advisories:
            advisory = ADVISORIES[id]
            assert (
                advisory.date
                and advisory.title
                and set(advisory.statuses) & set(flag.dcap.split(", "))
            )
    assert "INTEL-SA-00334" in BY_NAME["accept-sw-hardening-needed"].advisories
    assert "INTEL-SA-00320" in BY_NAME["accept-group-out-of-date"].advisories


def test_every_word_is_translated():
    """Each public word of tolerate has its flag, or a sentence why there is none; a flag's own
    words lead back to it.
    """
    assert {
        w.name: BY_NAME[w.flag].option if w.flag else None for w in WORDS.values()
    } == TRANSLATED
    assert all(w.note for w in WORDS.values())
    for flag in (*FLAGS, *NEWER):
        assert set(flag.elsewhere.tolerate) == {
            w.name for w in WORDS.values() if w.flag == flag.name
        }
        assert flag.elsewhere.tolerate or flag.elsewhere.session


@pytest.mark.parametrize("word", TRANSLATED)
def test_one_word(word):
    """A word alone becomes its flag, or is named as lost."""
    got = to_flags({"attestation": {"tolerate": [word]}})
    assert got.text == (TRANSLATED[word] or "")
    assert [line.partition(":")[0] for line in got.lost] == ([] if TRANSLATED[word] else [word])


@pytest.mark.parametrize("flag", FLAGS, ids=lambda f: f.name)
def test_there_and_back(flag):
    """A flag's block is YAML that translates back to the flag; one without words is named as
    lost.
    """
    there = to_session([flag.option])
    if not flag.elsewhere.tolerate:
        assert there.text == "" and there.lost[0].startswith(flag.option)
        return
    assert to_flags(yaml.safe_load(there.text)["security"]).names == (flag.name,) == there.names


def test_advisories():
    """Ids go both ways; a star needs nothing on the command line; what is not an id is named."""
    security = {
        "attestation": {
            "tolerate": "outdated-tcb",
            "ignore_advisories": ["INTEL-SA-00161", "*", "CVE-1"],
        }
    }
    got = to_flags(security)
    assert got.text == "-G --ignore-advisories INTEL-SA-00161"
    assert [line.partition(":")[0] for line in got.lost] == ["CVE-1"] and any(
        "'*'" in note for note in got.notes
    )
    assert yaml.safe_load(to_session(["-G"], ["INTEL-SA-00161"]).text) == {
        "security": {
            "attestation": {"tolerate": ["outdated-tcb"], "ignore_advisories": ["INTEL-SA-00161"]}
        }
    }


@pytest.mark.parametrize(
    ("security", "lost"),
    [
        (
            {"attestation": {"mode": "none", "tolerate": ["outdated-tcb"]}},
            "mode: none: no evidence",
        ),
        ({"attestation": {"mode": "maa"}}, "mode: maa: another way"),
        ({"must_be_sgx_local": True}, "security.must_be_sgx_local: makes the session stricter"),
        (
            {"attestation": {"tolerate": ["\x1b[2Jpwned"]}},
            "\N{REPLACEMENT CHARACTER}[2Jpwned: no word",
        ),
    ],
)
def test_what_is_lost(security, lost):
    """What no flag says is named, neutralised, and never turned into a flag."""
    got = to_flags(security)
    assert got.text == "" and got.lost[0].startswith(lost)


@pytest.mark.parametrize(
    "security", [None, [], "x", 3, {"attestation": 7}, {"attestation": {"tolerate": {"a": 1}}}]
)
def test_odd_shapes(security):
    """Data of any other shape says nothing, and nothing is raised."""
    assert to_flags(security).text == "" and to_flags(security).names == ()
