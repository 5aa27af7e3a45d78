"""Every exercise takes its reference, names its known misconceptions, and survives any answer."""

from __future__ import annotations

import pytest
from teach.hostile import AlwaysEqual, Explodes, OddlyNamed, cyclic

from casnb.base.errors import UsageError
from casnb.simulator.server.site import LAYOUTS
from casnb.simulator.world import World
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.exercises import CHAPTERS, catalogue, exercise, of_chapter
from casnb.teach.course.feedback import NOT_YET, RIGHT, WRONG
from casnb.teach.course.judgement import feedback_on
from casnb.teach.facts import Facts, ninth_word

ALL = list(catalogue().values())


@pytest.fixture(scope="module")
def lesson() -> Facts:
    """The world that the lessons describe."""
    return Facts(World("casnb"))


HOSTILE = [
    Explodes(),
    OddlyNamed(),
    AlwaysEqual("x"),
    [Explodes()],
    {"curl 35": Explodes()},
    {Explodes: 1},
    cyclic(),
    lambda: 1,
    type,
    None,
    "",
    b"",
    0,
    -1,
    1.5,
    float("nan"),
    True,
    [],
    {},
    set(),
    [[]],
    [{}],
    {"a": []},
    {("a",): "b"},
    (1, 2),
    [""],
    ["-G", 5],
    "x" * 10**6,
    1 << 10**5,
    range(10**9),
    Exception("x"),
    "\x00\u202e<script>",
    "\ud800",
    "'",
    "-",
    "--mrenclave",
    "-h",
    "@/etc/passwd",
    "--isvsvn x",
    "scone cas attest",
    "--help",
    object,
]


SEEDS = (
    "casnb",
    "s1",
    *(pytest.param(seed, marks=pytest.mark.soak) for seed in ("s2", "s3", "s4", "s5")),
)


@pytest.fixture(scope="module", params=SEEDS)
def seeded(request) -> Facts:
    """The world of another seed, without an address: what a judge of another machine has."""
    return Facts(World(request.param))


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_the_reference_is_right(task: Exercise, facts: Facts):
    """What `lab.reference` gives, `lab.check` takes."""
    feedback = feedback_on(task, task.reference(facts), facts)
    assert (feedback.status, feedback.code) == (RIGHT, ""), str(feedback)


def test_every_seed_has_answers_of_its_own(seeded: Facts):
    """Right answers are right, and named ones keep their name, whatever the seed chose."""
    lost = []
    for task in ALL:
        if not feedback_on(task, task.reference(seeded), seeded).right:
            lost.append((task.id, "right"))
        for slip in task.all_slips(seeded):
            feedback = feedback_on(task, slip.example(seeded), seeded)
            if (feedback.status, feedback.code) != (WRONG, slip.code):
                lost.append((task.id, slip.code, feedback.code))
    assert lost == []


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_three_dots_are_not_yet(task: Exercise, facts: Facts):
    """An unanswered exercise is a state of its own, and says what form the answer has."""
    feedback = feedback_on(task, ..., facts)
    assert feedback.status == NOT_YET and task.wanted in feedback.message and not feedback


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_each_misconception_is_recognised_by_name(task: Exercise, facts: Facts):
    """The example of every slip gets that slip's code and message, not the next one's."""
    for slip in task.all_slips(facts):
        feedback = feedback_on(task, slip.example(facts), facts)
        assert (WRONG, slip.code) == (feedback.status, feedback.code), f"{slip.code}: {feedback}"
        assert feedback.message and feedback.message != "None"


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_another_form_of_answer_is_told_the_wanted_one(task: Exercise, facts: Facts):
    """True is an answer to nothing: what is said of it says what is wanted."""
    feedback = feedback_on(task, True, facts)
    assert feedback.code == "form" and task.wanted in feedback.message


def test_blanks_around_a_name_do_not_count(facts: Facts):
    """A set of names copied with spaces is the same set; a copied value is not, and the space is
    named.
    """
    task = exercise("07.survives")
    assert (
        feedback_on(task, {f" {name}\n" for name in task.reference(facts)}, facts).status == RIGHT
    )
    assert (
        feedback_on(exercise("04.value"), f" {facts.world.example_value}\n", facts).code
        == "whitespace"
    )


def test_backticks_are_code_in_html_and_nothing_else_is(facts: Facts):
    """What is typed stands in a fixed-width face; an answer that is quoted back stays escaped."""
    task = exercise("04.value")
    shown = feedback_on(task, "`<b>`", facts)._repr_mimebundle_()["text/html"]
    assert "<code>value</code>" in task.posed(facts)._repr_mimebundle_()["text/html"]
    assert "<b>" not in shown and "&lt;b&gt;" in shown


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_no_answer_of_any_kind_raises(task: Exercise, facts: Facts):
    """Hostile equality, iteration, size or type: there is always a feedback, it is never
    'right', and it can be shown.
    """
    for answer in HOSTILE:
        feedback = feedback_on(task, answer, facts)
        assert feedback.status == WRONG, f"{answer!r:.60}"
        shown = feedback._repr_mimebundle_()
        assert (
            "<script>" not in shown["text/html"]
            and "\x00" not in shown["text/plain"]
            and len(shown["text/plain"]) < 2000
        )


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_feedback_never_tells_the_answer(task: Exercise, facts: Facts):
    """A wrong answer is commented on without the right one being printed."""
    reference = task.reference(facts)
    if isinstance(reference, str) and len(reference) > 16:
        said = [feedback_on(task, a, facts).message for a in ("x", "ab" * 32, 5)] + [
            s.says(facts, "x") for s in task.all_slips(facts)
        ]
        assert not any(reference in message for message in said)


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_a_task_shows_what_is_asked_given_and_wanted(task: Exercise, facts: Facts):
    """The statement is whole in text and in HTML, choices included."""
    posed = task.posed(facts)
    shown = posed._repr_mimebundle_()
    for part in (task.id, task.title, *(o.text for o in posed.options.values())):
        assert part in shown["text/plain"]
    assert task.id in shown["text/html"] and len(task.hints) == 3 and len(set(task.hints)) == 3


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_has_at_least_two(chapter: str):
    """Two checked exercises in every notebook."""
    assert len(of_chapter(chapter)) >= 2


def test_codes_are_unique_within_a_task(facts: Facts):
    """A code in a receipt means one thing."""
    for task in ALL:
        codes = [s.code for s in task.all_slips(facts)]
        assert len(codes) == len(set(codes)), task.id


def test_an_unknown_id_lists_the_known_ones():
    """A mistyped id is a usage error with the ids there are."""
    with pytest.raises(UsageError, match=r"01\.mrenclave"):
        exercise("01.mrenclav")


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        pytest.param(
            "--accept-group-out-of-date --only_for_testing-debug --only_for_testing-ignore-signer",
            "03.minimal-flags",
            id="long names",
        ),
        pytest.param(
            ["only_for_testing-debug", "-G", "only_for_testing-ignore-signer"],
            "03.minimal-flags",
            id="names without dashes",
        ),
        pytest.param(
            {"-G", "--only_for_testing-debug", "--only_for_testing-ignore-signer"},
            "03.minimal-flags",
            id="a set",
        ),
        pytest.param(["debug", "mrsigner", "tcb-status"], "03.waived", id="a list for a set"),
        pytest.param([48, 2], "02.debug-byte", id="a list for a pair"),
        pytest.param(
            "The code you expect runs in an enclave on a platform without known holes, and the"
            " certificate you will pin is its own.",
            "00.decision",
            id="the sentence for its letter",
        ),
    ],
)
def test_other_ways_to_write_a_right_answer(answer, id, lesson: Facts):
    """What means the same is right."""
    assert feedback_on(exercise(id), answer, lesson).right


@pytest.mark.parametrize(
    ("answer", "id", "code"),
    [
        pytest.param(
            ["--only_for_testing-debug"], "03.minimal-flags", "usage-error", id="debug alone"
        ),
        pytest.param(
            "-G --only_for_testing-ignore-signer", "03.minimal-flags", "too-few", id="debug missing"
        ),
        pytest.param(
            "-GCS --only_for_testing-ignore-signer --only_for_testing-debug",
            "03.minimal-flags",
            "too-many",
            id="the page's own line",
        ),
        pytest.param((48, True), "02.debug-byte", "form", id="True is not 1"),
        pytest.param({"tcb-status", "DEBUG"}, "03.waived", "form", id="not an id"),
        pytest.param({"tcb-status"}, "03.waived", "other", id="two missing"),
        pytest.param("ab" * 32, "01.mrenclave", "other", id="right form, wrong value"),
        pytest.param("ab" * 31, "01.mrenclave", "form", id="too short"),
    ],
)
def test_other_wrong_answers_are_told_apart(answer, id, code, lesson: Facts):
    """Type and form are told first; a well-formed wrong value is told as such."""
    feedback = feedback_on(exercise(id), answer, lesson)
    assert (WRONG, code) == (feedback.status, feedback.code), str(feedback)


def test_too_few_flags_are_answered_with_the_verdict_they_give(lesson: Facts):
    """The feedback on a flag line is the appraisal of that flag line."""
    feedback = feedback_on(exercise("03.minimal-flags"), "-G", lesson)
    assert feedback.message.startswith(
        "With these flags: Simulated CAS is rejected: debug, mrsigner."
    )


def test_the_minimum_follows_the_case():
    """The flags are those of the CAS that the seed chose: more than a few sets, each computed."""
    task = exercise("03.minimal-flags")
    found = {tuple(task.reference(Facts(World(f"seed {n}")))) for n in range(40)}
    assert len(found) >= 8


@pytest.mark.parametrize("scenario", ["production", "both", "dcap-debug"])
def test_another_scenario_is_refused(cases, scenario: str):
    """Where the question would mean something else, no answer is judged."""
    with pytest.raises(UsageError, match=f"got scenario {scenario}"):
        feedback_on(exercise("03.minimal-flags"), [], cases.get(scenario))


def test_the_address_does_not_matter_where_it_is_not_known(facts: Facts):
    """A judge on another machine takes the line of any lab on loopback; a lab takes its own."""
    task, judge = exercise("03.command"), Facts(World(facts.world.seed))
    line = task.reference(facts)
    assert feedback_on(task, line, facts).right and feedback_on(task, line, judge).right
    assert feedback_on(task, task.reference(judge), facts).code == "other-address"


def test_the_four_layouts_fall_into_three_heaps(facts: Facts):
    """At least one layout gives the right value's look-alike, and every layout is in exactly one
    heap.
    """
    heaps = [facts.layouts(kind) for kind in ("right", "wrong", "noise")]
    assert sorted(LAYOUTS) == sorted(layout for heap in heaps for layout in heap) and facts.layouts(
        "wrong"
    )


def test_the_ninth_word_is_that_of_the_last_matching_line():
    """As grep, tail and awk have it: last line, words split at spaces, empty when there are
    fewer than nine.
    """
    assert ninth_word("scone cas attest 1 2 3 4 5 6 7\nx scone cas attest a b c d e f") == "e"
    assert ninth_word("scone cas attest") == "" == ninth_word("nothing")
