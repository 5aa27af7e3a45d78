"""What is shown of a verdict, a pin and the matrix of flags: whole, in order, and no longer than
it may be.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from copy import copy
from dataclasses import replace
from datetime import timedelta
from inspect import signature

import pytest

from casnb.base.errors import PolicyError, UsageError, VerificationError
from casnb.cas.asking import attempt, fetch_report
from casnb.cas.attest import AttestedCas, attest
from casnb.checks.result import AttestationResult, failed, not_run, passed
from casnb.checks.view import html_result, html_sentence, text_result
from casnb.policy.appraise import appraise
from casnb.policy.flag_matrix import Matrix, svg_matrix
from casnb.policy.identities import SCONTAIN_CAS
from casnb.policy.policy import AttestationPolicy
from casnb.policy.translation import to_flags
from casnb.simulator.world import World
from casnb.teach.facts import Cases
from casnb.verify.dispatch import verify
from casnb.verify.keyhash import key_hash

SVG = "{http://www.w3.org/2000/svg}"
LONG = "\u00fe" * 5000


@pytest.fixture(scope="module")
def world() -> World:
    return World("shown", "production")


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Cases("shown").matrix()


# A verdict


@pytest.mark.parametrize(
    ("shown", "most"),
    [
        pytest.param(lambda: html_result([failed("mrsigner", "a", "b", LONG)]), 400, id="reason"),
        pytest.param(lambda: html_sentence("rejected", LONG), 600, id="sentence"),
        pytest.param(lambda: html_sentence("rejected", f"a. {LONG}"), 600, id="what follows it"),
        pytest.param(lambda: text_result([], LONG), 600, id="sentence as text"),
        pytest.param(lambda: text_result([], "", [LONG]), 600, id="remark as text"),
        pytest.param(
            lambda: text_result([not_run("mrsigner", LONG)]), 400, id="what a check saw, as text"
        ),
    ],
)
def test_text_of_others_has_its_measure(shown, most):
    """However long it was, so many characters are shown, the last a sign that there were more."""
    (run,) = re.findall("\u00fe+\u2026?", shown())
    assert len(run) == most


@pytest.mark.parametrize("sentence", ["CAS is trustworthy.", "CAS is trustworthy"])
def test_a_sentence_ends_as_it_was_written(sentence):
    """Nothing is added to a verdict of one sentence."""
    assert re.sub("<[^>]*>", "", html_sentence("trustworthy", sentence)).endswith(
        "trustworthy." if sentence.endswith(".") else "trustworthy"
    )


@pytest.mark.parametrize(
    ("check", "got", "kind"),
    [
        (failed("mrsigner", "seen", "wanted", "why"), "seen", PolicyError),
        (failed("avr-signature", "seen", "", "why"), "seen", VerificationError),
        (failed("mrsigner", "", "wanted", "why"), "why", PolicyError),
        (not_run("mrsigner", "why"), "why", PolicyError),
    ],
)
def test_an_error_says_what_was_seen_first(check, got, kind):
    """What the first failure saw, else its reason; not genuine and not wanted are two errors."""
    with pytest.raises(kind) as told:
        AttestationResult((passed("debug", "x"), check)).require()
    assert f"got {got}" in str(told.value)


def test_a_time_is_told_to_the_second_in_utc(world):
    """A report that is too old says when it was made."""
    public = World("shown")
    proof = verify(public.avr(bytes(64)), roots=public.roots, now=public.now + timedelta(hours=2))
    result = appraise(proof, AttestationPolicy(max_age=timedelta(hours=1)), clock=public.now)
    said = str(result.check("report-age").got) + str(result.check("report-age").wanted)
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said), said


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"isvsvn": 4}, True),
        ({"isvsvn": 4, "mrsigner": SCONTAIN_CAS.mrsigner}, True),
        ({"isvsvn": 4, "mrsigner": "0c" * 32, "only_for_testing_ignore_signer": False}, False),
        ({"isvsvn": SCONTAIN_CAS.isvsvn}, False),
        ({"mrenclaves": ("0a" * 32,)}, False),
    ],
)
def test_a_least_version_below_the_signers_is_told(policy, told):
    """Whoever asks for less than the signer supports reads so, whether the signer was named or
    not.
    """
    from casnb.checks.result import CheckStatus
    from casnb.policy.left_open import _version

    said = _version(AttestationPolicy(expected_signer=SCONTAIN_CAS, **policy), CheckStatus.PASSED)
    assert bool(said) == told and (not said or "--isvsvn 4 is below" in said)


# A policy


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"isvsvn": 65536, "mrsigner": "0c" * 32}, "--isvsvn: got 65536"),
        ({"isvprodid": 65536, "mrsigner": "0c" * 32}, "--isvprodid: got 65536"),
        ({"isvsvn": -1, "mrsigner": "0c" * 32}, "--isvsvn: got -1"),
        ({"min_tcb_evaluation": 1 << 31}, "min-tcb-evaluation"),
        ({"min_tcb_evaluation": -1}, "min-tcb-evaluation"),
        ({"min_tcb_evaluation": "9"}, "a number from 0 to 2147483647"),
    ],
)
def test_numbers_out_of_their_range_are_problems(members, word):
    """The first number that does not fit is named, with what would."""
    assert any(word in p for p in AttestationPolicy(**members).problems()), members
    assert AttestationPolicy(min_tcb_evaluation=0).problems() == []
    assert AttestationPolicy(min_tcb_evaluation=(1 << 31) - 1).problems() == []
    assert AttestationPolicy(isvsvn=65535, isvprodid=65535, mrsigner="0c" * 32).problems() == []


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["--mrencl", "00" * 32]])
def test_only_whole_options_are_read(words):
    """No help is printed in the middle of a program, and half an option is none."""
    with pytest.raises(UsageError):
        AttestationPolicy.from_args(words)


def test_a_policy_that_contradicts_itself_asks_nobody():
    """The wrong call comes before any connection."""
    with pytest.raises(UsageError):
        attempt("127.0.0.1:1", AttestationPolicy(only_for_testing_trust_any=True))


def test_as_many_words_as_a_session_may_have():
    """64 words of a list are translated, further ones are left aside."""
    words = [f"w{n}" for n in range(70)]
    lost = to_flags({"attestation": {"tolerate": words}}).lost
    assert len([row for row in lost if row.startswith("w")]) == 64
    (long,) = to_flags({"attestation": {"ignore_advisories": [LONG]}}).lost
    assert len(long.partition(":")[0]) == 60


# A pin


def test_a_pin_shows_what_was_attested(world):
    """Its rows are those of the CAS: the root's key hash, not the instance's, and the roots under
    which it was judged.
    """
    policy = AttestationPolicy(mrenclaves=(world.mrenclave,), expected_signer=world.vendor)
    tried = attempt(
        "127.0.0.1", policy, roots=world.roots, now=world.now, report=world.attest("DCAP")
    )
    pin = AttestedCas.from_attempt(tried)
    rows = dict(pin._rows())
    root, instance = pin.chain.key_hashes
    assert root == key_hash(pin.chain.root) != instance
    assert rows["root key hash (-c)"] == root and instance not in str(pin)
    assert rows["roots"] == pin.roots == world.roots.label
    assert dict(changed(pin, roots="")._rows())["roots"] == "not recorded"
    (name,) = re.findall("\u00fe+\u2026?", changed(pin, name=LONG).short)
    assert len(name) == 80


def changed(pin: AttestedCas, **members: str) -> AttestedCas:
    kept = {k: v for k, v in pin.__dict__.items() if k != "seal"}
    return AttestedCas._reloaded(**{**kept, **members})


def test_both_ways_to_attest_wait_as_long():
    """Ten seconds for each answer, unless another time is given."""
    times = [signature(f).parameters["timeout"].default for f in (attempt, attest, fetch_report)]
    assert times == [10, 10, 10]


# The matrix of flags


def test_the_heads_of_the_picture_stand_on_one_line(matrix):
    """The names of the columns and the word above the flags share a baseline."""
    root = ElementTree.fromstring(svg_matrix(matrix))
    names = {"flags", *(c.name[:15] for c in matrix.columns)}
    lines = {t.get("y") for t in root.iter(f"{SVG}text") if t.text in names}
    assert len(lines) == 1


def test_the_picture_grows_to_its_own_size_and_no_further(matrix):
    """At most as wide as its drawing, in letters of 16 pixels."""
    root = ElementTree.fromstring(svg_matrix(matrix))
    (most,) = re.findall(r"max-width:\s*(\d+)em", ElementTree.tostring(root).decode())
    assert int(most) == int(float(root.get("viewBox").split()[2])) // 16


def test_the_reason_of_a_usage_error_has_its_measure(matrix):
    """A rule that is broken is told in at most 130 characters."""
    row = next(r for r in matrix.rows if r.problem)
    cells = tuple(replace(c, problem=LONG) for c in row.cells)
    other = copy(matrix)
    other.rows = (replace(row, cells=cells),)
    shown = svg_matrix(other)
    (run,) = re.findall("usage error: \u00fe+\u2026", shown)
    assert len(run) == 130


def test_the_text_is_lettered_only_where_it_does_not_fit(matrix):
    """In as many columns as it has, each column keeps its name; in one less it has a letter."""
    wide = max(map(len, matrix.text(10_000).splitlines()[:1]))
    assert "production" in matrix.text(wide).splitlines()[0]
    assert "production" not in matrix.text(wide - 1).splitlines()[0]


def test_the_picture_is_shown_in_a_notebook(matrix):
    """As a picture for those who see it, and as the same text for others."""
    shown = matrix.picture()._repr_mimebundle_()
    assert "<svg" in shown["text/html"] and shown["text/plain"] == str(matrix)


def test_wide_tables_are_stacked_in_a_narrow_window():
    """From three columns on each cell carries the name of its column; two stay side by side."""
    from casnb.base.view import html_table

    wide = html_table(("flag", "lets <in>", ""), [("-G", "a host", "x"), ("-C", "", "y")])
    assert 'class="stacks"' in wide
    assert wide.count("data-label=") == 1
    assert '<td data-label="lets &lt;in&gt;">a host</td>' in wide
    assert "stacks" not in html_table(("flag", "lets in"), [("-G", "a host")])
