"""The ladder, the comparison and the picture say what the results say."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from casnb.base.errors import UsageError
from casnb.policy.policy import AttestationPolicy
from casnb.teach.render import STAGES, Ladder, Table, Way, ladder


def test_each_rung_names_the_checks_it_waived(facts):
    """From the refusal to the acceptance, one flag at a time."""
    policy = AttestationPolicy(mrenclaves=(facts.world.mrenclave,))
    rungs = ladder(
        facts.appraise,
        policy,
        ["-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug"],
    )
    assert rungs._rows() == [
        ("no flag", "nothing", "tcb-status, debug, mrsigner", "rejected"),
        ("-G", "tcb-status", "debug, mrsigner", "rejected"),
        ("-G --only_for_testing-ignore-signer", "mrsigner", "debug", "rejected"),
        (
            "-G --only_for_testing-debug --only_for_testing-ignore-signer",
            "debug",
            "nothing",
            "accepted-with-waivers",
        ),
    ]


def test_an_illegal_rung_says_why(facts):
    """Debug without ignored signer is a usage error, and the ladder goes on."""
    policy = AttestationPolicy(mrenclaves=(facts.world.mrenclave,))
    rows = ladder(
        facts.appraise, policy, ["--only_for_testing-debug", "--only_for_testing-ignore-signer"]
    )._rows()
    assert rows[1][3] == "usage error" and rows[1][2].startswith("--only_for_testing-debug: needs")
    assert rows[2] == (
        "--only_for_testing-debug --only_for_testing-ignore-signer",
        "debug, mrsigner",
        "tcb-status",
        "rejected",
    )


@pytest.mark.parametrize("here", ["", *(s.name for s in STAGES)])
def test_the_picture_is_an_image_with_words(here):
    """Role, title and description are there, the SVG is well formed, and the place is marked in
    words.
    """
    way = Way(here)
    root = ElementTree.fromstring(way._html()).find("{http://www.w3.org/2000/svg}svg")
    names = [e.tag.rpartition("}")[2] for e in root]
    assert (
        root.get("role") == "img"
        and root.get("aria-label") == way.description
        and names[:2] == ["title", "desc"]
    )
    assert ("you are here" in way._html()) == bool(here)
    assert all(s.title in str(way) for s in STAGES)


def test_the_picture_uses_theme_colours_only():
    """Every colour is a theme variable with a fallback."""
    html = Way()._html()
    assert html.count("#") == html.count("var(--jp-ui-font-color1,#1a1a1a)") + html.count(
        "var(--jp-layout-color1,#fff)"
    )


def test_an_unknown_stage_is_refused():
    """A mistyped stage lists those there are."""
    with pytest.raises(UsageError, match="appraisal"):
        Way("apraisal")


def test_a_lessons_own_table_is_escaped():
    """Rows of anything, shown as text and as HTML."""
    shown = Table(["what", "is"], [("<b>", 1)])._repr_mimebundle_()
    assert (
        shown["text/plain"].splitlines() == ["what  is", "<b>   1"]
        and '<th scope="row">&lt;b&gt;</th><td>1</td>' in shown["text/html"]
    )


def test_every_table_has_a_name_and_its_rows_have_headers():
    """A caption that is seen, or one that is only read out; no header cell is empty."""
    for header in (("what", "is"), ("what", "")):
        html = Table(header, [("a", 1), ("", 2)])._html()
        assert '<caption class="vh">what' in html and "<th></th>" not in html
        assert html.count('scope="row"') == 1 and html.count('scope="col"') == len(
            [h for h in header if h]
        )
    assert "<caption>One flag at a time</caption>" in Ladder([])._html()
