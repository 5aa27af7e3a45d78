"""The list of checks and the three verdicts that follow from it."""

from __future__ import annotations

import json
import re
from html import escape

import pytest

from casnb.base.errors import PolicyError, UsageError, VerificationError
from casnb.checks.result import (
    CATALOGUE,
    AttestationResult,
    Check,
    CheckStatus,
    Verdict,
    failed,
    not_run,
    ordered,
    passed,
)
from casnb.checks.unasked import NotAsked
from casnb.checks.view import html_result

GOOD = passed("debug", "DEBUG is not set")
BAD = failed(
    "debug",
    "DEBUG is set",
    "DEBUG is not set",
    "the host can read this enclave",
    ("only_for_testing-debug",),
)
WAIVED = BAD.waived_by("--only_for_testing-debug")
UNASKED = not_run("nonce", "no nonce was sent", optional=True)
IMPOSSIBLE = not_run("nonce", "no CAS report was given")


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        pytest.param((GOOD,), Verdict.TRUSTWORTHY, id="all passed"),
        pytest.param((GOOD, UNASKED), Verdict.TRUSTWORTHY, id="passed, and one nobody asked for"),
        pytest.param((WAIVED,), Verdict.ACCEPTED_WITH_WAIVERS, id="one waived"),
        pytest.param((BAD,), Verdict.REJECTED, id="one failed"),
        pytest.param(
            (GOOD, IMPOSSIBLE), Verdict.REJECTED, id="one that was needed and could not run"
        ),
        pytest.param(
            (WAIVED, failed("mrenclave", "aa", "bb")),
            Verdict.REJECTED,
            id="a waiver does not outweigh a failure",
        ),
        pytest.param((), Verdict.REJECTED, id="nothing was checked"),
    ],
)
def test_verdict_follows_from_the_checks(checks, verdict):
    """Failed or impossible rejects, a waiver is never the first verdict, and no check at all
    proves nothing.
    """
    assert AttestationResult(checks).verdict is verdict


def test_a_waiver_is_never_worded_as_trustworthy():
    """The sentence of an accepted-with-waivers result names the waived check and what must not
    happen.
    """
    waived = failed("mrsigner", "aa", "bb").waived_by("--only_for_testing-ignore-signer")
    sentence = AttestationResult((GOOD, waived)).sentence
    assert (
        sentence == "CAS is accepted with 1 waiver (mrsigner). It must not hold secrets: "
        "what a waived check would have stopped can happen."
    )
    assert "trustworthy" not in sentence


def test_waiver_keeps_what_was_seen():
    """What was got and wanted stays readable after a flag accepted it, and the flag is named."""
    assert (WAIVED.got, WAIVED.wanted, WAIVED.flag) == (
        "DEBUG is set",
        "DEBUG is not set",
        "--only_for_testing-debug",
    )
    assert "WAIVED" in str(WAIVED)
    assert "accepted by --only_for_testing-debug" in str(WAIVED)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Check("no-such-check", CheckStatus.PASSED), id="unknown id"),
        pytest.param(lambda: Check("debug", CheckStatus.WAIVED), id="waiver without its flag"),
        pytest.param(
            lambda: Check("debug", CheckStatus.PASSED, flag="-G"), id="flag without a waiver"
        ),
        pytest.param(
            lambda: Check("debug", CheckStatus.FAILED, optional=True), id="failure that is optional"
        ),
        pytest.param(lambda: ordered([GOOD, BAD]), id="one check twice"),
        pytest.param(
            lambda: AttestationResult((GOOD,)).check("mrenclave"),
            id="asking for a check that is not there",
        ),
    ],
)
def test_contradictory_checks_cannot_be_made(make):
    """A check list that says two things is refused when it is made."""
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize(
    ("check", "error"),
    [
        pytest.param(
            failed("quote-signature", "one that does not hold", "the attestation key's"),
            VerificationError,
            id="not genuine",
        ),
        pytest.param(failed("mrenclave", "aa", "bb"), PolicyError, id="genuine and not wanted"),
    ],
)
def test_require_tells_not_genuine_from_not_wanted(check, error):
    """The two kinds of rejection are sibling errors."""
    with pytest.raises(error, match=check.id) as caught:
        AttestationResult((check,)).require()
    assert type(caught.value) is error
    assert AttestationResult((GOOD,)).require().accepted


def test_json_form_is_the_documented_one():
    """Verdict, status, identity and checks stand under their documented names; a waiver names
    its flag.
    """
    result = AttestationResult(
        (WAIVED, UNASKED), tcb_status="OutOfDate", advisories=("INTEL-SA-00161",)
    )
    found = json.loads(json.dumps(result.to_json()))
    assert (found["verdict"], found["tcb_status"]) == ("accepted-with-waivers", "OutOfDate")
    assert found["advisories"] == ["INTEL-SA-00161"]
    assert [c["id"] for c in found["checks"]] == ["debug", "nonce"]
    assert found["checks"][0]["status"] == "waived"
    assert found["checks"][0]["flag"] == "--only_for_testing-debug"
    assert found["checks"][1]["status"] == "not-run"
    assert {"got", "wanted", "source"} <= found["checks"][0].keys()


def test_hostile_text_is_neutralised_in_terminal_and_notebook():
    """Control characters never reach a terminal, markup never reaches a page."""
    nasty = "\x1b[2J<script>alert(1)</script>\u202e"
    result = AttestationResult(
        (failed("mrenclave", nasty, nasty),), remarks=(nasty,), tcb_status=nasty
    )
    shown = result._repr_mimebundle_()
    assert "<script>" not in shown["text/html"]
    for text in (shown["text/html"], shown["text/plain"]):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "\x1b" not in json.dumps(result.to_json(), ensure_ascii=False)


def test_every_status_differs_in_words_and_not_in_colour_alone():
    """Each of the four states has its own word and mark in the notebook view."""
    rows = AttestationResult(
        (GOOD, failed("mrenclave", "a", "b"), failed("mrsigner", "a", "b").waived_by("-x"), UNASKED)
    )._html()
    for word in ("PASSED", "FAILED", "WAIVED", "NOT RUN"):
        assert word in rows


def test_every_check_says_what_it_stops():
    """Title, source and attack of every check are there to be shown."""
    for spec in CATALOGUE.values():
        assert spec.title and spec.source and spec.attack, spec.id


def test_each_verdict_has_a_border_of_its_own():
    """Told apart without colour: solid, dashed, double."""
    html = AttestationResult(checks=(passed("debug", "DEBUG is not set"),))._repr_mimebundle_()[
        "text/html"
    ]
    borders = {
        v.value: re.findall(rf"data-verdict={v.value}]{{[^}}]*?(dashed|double)", html)
        for v in Verdict
    }
    assert borders == {
        "trustworthy": [],
        "accepted-with-waivers": ["dashed"],
        "rejected": ["double"],
    }
    assert 'data-verdict="trustworthy"' in html


def test_checks_that_nobody_asked_for_share_a_row():
    """Behind their fold three neighbours with one reason are one row that names each, with its
    title and source to open; others keep their own.
    """
    ids = ("report-age", "verification-time", "tcb-evaluation")
    html = AttestationResult(
        (GOOD, UNASKED, *(not_run(i, "not asked for", optional=True) for i in ids), IMPOSSIBLE)
    )._html()
    assert re.findall(r'<tr data-check(?:s)?="([^"]+)" data-status="([^"]+)"', html) == [
        ("nonce", "not-run"),
        ("debug", "passed"),
        ("nonce", "not-run"),
        (" ".join(ids), "not-run"),
    ]
    assert html.count("not asked for") == 1
    assert html.index("1 passed") < html.index("4 not asked") and html.count("<caption>") == 3
    for i in ids:
        assert escape(CATALOGUE[i].title) in html and html.count(f"<code>{i}</code>") == 2


def test_two_that_were_not_run_keep_their_rows():
    """A short list is not folded, and neighbours with different reasons are not thrown together."""
    rows = (
        not_run("report-age", "a", optional=True),
        not_run("tcb-evaluation", "a", optional=True),
        not_run("verification-time", "b", optional=True),
        not_run("tcb-grace", "b", optional=True),
    )
    html = AttestationResult(rows)._html()
    assert html.count("<tr data-check=") == 4 and "<details>" not in html
    assert "<b>4 not asked</b>" in html


#: Name, checks, the rows of the table that stands open, and the folds.
TELLING = {
    "all passed": ((GOOD,), [], []),
    "passed and not asked": ((GOOD, UNASKED), [], ["1 passed", "1 not asked"]),
    "failed": (
        (GOOD, failed("mrsigner", "a", "b"), UNASKED),
        ["mrsigner"],
        ["1 passed", "1 not asked"],
    ),
    "waived": ((GOOD, failed("debug", "a", "b").waived_by("-x")), ["debug"], ["1 passed"]),
    "could not be run": ((GOOD, IMPOSSIBLE), [IMPOSSIBLE.id], ["1 passed"]),
}


@pytest.mark.parametrize("name", TELLING)
def test_a_table_shows_what_failed_was_waived_or_could_not_be_run(name):
    """What passed and what nobody asked for is counted, named and folded; without anything telling
    there is no open table. A single check is its row.
    """
    checks, rows, folds = TELLING[name]
    html = html_result(checks)
    opened = re.sub('<details class="fold">.*?</table></details>', "", html)
    assert re.findall(r'<tr data-check="([^"]+)"', opened) == (
        rows or [c.id for c in checks][:1] * (len(checks) == 1)
    )
    assert re.findall(r"<summary><b>([^<]+)</b>", html) == folds
    assert html.count("<caption>") == html.count("<table") and "<th></th>" not in html


def test_a_verdict_says_what_nobody_asked():
    """In its sentence, in the order of the table, and what that leaves open unfolds."""
    rows = tuple(NotAsked.of(id) for id in ("freshness", "instance"))
    result = AttestationResult((GOOD, passed("mrsigner", "00")), not_asked=rows)
    assert result.sentence.endswith(" Not asked: freshness, instance.")
    assert "<b>Not asked:</b> freshness, instance." in result._html()
    assert "<summary><b>2 left open</b>" in result._html() and rows[0].words in result._html()
    assert "Not asked" not in AttestationResult((GOOD,))._html()
