"""The case file: decisions signed and kept, tools held against casnb's, and nothing executed that
was read back.
"""

from __future__ import annotations

import pytest

from casnb.base.errors import UsageError
from casnb.mallory.attacks import ATTACKS
from casnb.teach import start
from casnb.teach.course.case_words import CHAPTERS, DECISIONS
from casnb.teach.course.exercises import CHAPTERS as ALL
from casnb.teach.course.progress_file import ProgressFile
from casnb.teach.scraping.page_history import HOST, STATES

ASSIGNMENT = "scone cas attest -G --only_for_testing-debug --only_for_testing-ignore-signer cas"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab whose progress nobody else sees."""
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    return start("01")


def test_every_chapter_has_a_page():
    """Each chapter answers each decision in words of its own."""
    assert list(CHAPTERS) == list(ALL)
    replies = [r for page in CHAPTERS.values() for r in page.replies.values()]
    assert all(set(page.replies) == set(DECISIONS) for page in CHAPTERS.values())
    assert len(set(replies)) == len(replies)


@pytest.mark.parametrize("written", ["not yet", "Not-Yet", " NOT  yet "])
def test_a_decision_is_signed_and_kept(lab, written):
    """However it is written; the first one stays on file beside the present one."""
    assert str(lab.sign(written, because="one page only")).startswith("SIGNED  not yet.")
    lab.sign("never")
    row = {chapter: (first, now) for chapter, first, now in lab.case_file().decisions()}
    assert row["01"] == ("not yet: one page only", "never")
    assert row["02"] == ("", "")


@pytest.mark.parametrize("value", [..., "maybe", None, 3])
def test_anything_else_is_not_signed(lab, value):
    """Three dots ask; another word is named; neither is kept."""
    assert str(lab.sign(value)).startswith("NOT YET")
    assert lab.case_file().signed == {}


def test_the_decisions_of_all_chapters_are_in_one_file(lab):
    """A chapter that plays another scenario signs into the same file."""
    lab.sign("not yet")
    start("07").sign("trust")
    assert set(lab.case_file().signed) == set(start("07").case_file().signed) == {"01", "07"}


def test_a_scraper_is_held_against_casnbs(lab):
    """A crude scraper differs on the states on which it is wrong; casnb's own differs nowhere."""
    from casnb import scrape

    crude = lab.keep("scraper", lambda html: html.partition("<code>")[2][:64])
    assert set(crude.differing) <= set(STATES) and crude.differing
    same = lab.keep("scraper", lambda html: scrape(html.encode()).mrenclave(HOST))
    assert (same.differing, same.yours) == ((), same.casnbs)
    assert [t.tool for t in lab.case_file().trials] == ["scraper"]


DECODERS = {
    "always the quote's offset": (
        lambda data: data[112:144].hex(),
        ("local report", "quote cut short", "text"),
    ),
    "refuses all": (lambda data: None, ("IAS quote", "DCAP quote", "local report")),
    "raises": (lambda data: 1 / 0, ("IAS quote", "DCAP quote", "local report")),
}


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_is_held_against_casnbs(lab, kind):
    """Where it ends differently is named; an exception counts as a refusal."""
    decoder, apart = DECODERS[kind]
    trial = lab.keep("decoder", decoder)
    assert trial.differing == apart
    assert trial.casnbs == "r" * 5


def test_a_line_is_attacked_for_real(lab):
    """What gets in leaves a trophy that another seed does not have."""
    mine = lab.case_against(ASSIGNMENT)
    assert {"debug-memory", "forged-quote"} <= set(mine.taken) < set(ATTACKS)
    other = start("01", seed="another reader").case_against(ASSIGNMENT)
    assert set(mine.taken) == set(other.taken)
    assert not set(mine.taken.values()) & set(other.taken.values())
    strict = lab.case_against("scone cas attest --mrenclave x cas")
    assert set(strict.taken) < set(mine.taken)


def test_three_dots_keep_nothing(lab):
    """A cell that nobody touched runs nothing."""
    assert str(lab.keep("scraper", ...)).startswith("NOT YET")
    assert str(lab.case_against(...)).startswith("NOT YET")
    assert lab.case_file().trials == []


@pytest.mark.parametrize(("tool", "value"), [("judge", len), ("scraper", "x"), ("line", 3)])
def test_wrong_calls(lab, tool, value):
    """An unknown tool, or something of another kind, is a wrong call."""
    with pytest.raises(UsageError):
        lab.keep(tool, value)


@pytest.mark.parametrize("kept", ["", "rrr", "<b>rrrrrrrrr", "r" * 11, "q" * 10])
def test_results_that_do_not_fit_are_left_out(lab, kept):
    """A file that somebody else wrote shows nothing and runs nothing."""
    ProgressFile(world=lab.world_id).record_said("kept.scraper", kept, "r" * 10)
    assert lab.case_file().trials == []
