"""A multiple-choice exercise as buttons."""

from __future__ import annotations

import pytest

from casnb.base.errors import UsageError
from casnb.teach.course.exercises import exercise
from casnb.teach.course.judgement import feedback_on
from casnb.teach.quiz.panel import QuizPanel


@pytest.fixture
def quiz(facts):
    task = exercise("00.decision")
    made = QuizPanel(task.posed(facts), lambda id, answer: feedback_on(exercise(id), answer, facts))
    yield made
    made.close()


def test_nothing_is_chosen_at_first(quiz):
    """No button is pressed, and nothing is said."""
    assert quiz.feedback.status == "not yet" and (quiz.chosen, quiz.verdict) == ("", {})


def test_each_wrong_sentence_has_its_own_words(quiz, page_sets):
    """A press on the page is answered with the message of that sentence."""
    for n, (key, option) in enumerate(quiz.task.options.items(), 1):
        page_sets(quiz, chosen=key, presses=n)
        assert quiz.feedback.right == (not option.code)
        if option.code:
            assert (quiz.feedback.code, quiz.verdict["text"]) == (option.code, option.message)
            assert quiz.verdict["mark"] == "wrong"


def test_the_same_button_may_be_pressed_again(quiz, page_sets):
    """Each press is an answer, though the choice stays."""
    key = next(k for k, o in quiz.task.options.items() if o.code)
    page_sets(quiz, chosen=key, presses=1)
    quiz.verdict = {}
    page_sets(quiz, presses=2)
    assert quiz.verdict["mark"] == "wrong"


def test_a_page_cannot_choose_what_is_not_there(quiz, page_sets):
    """Another key from the page is left aside."""
    page_sets(quiz, chosen="z", presses=1)
    assert quiz.feedback.status == "not yet" and quiz.verdict == {}


def test_it_can_be_answered_in_plain_form(quiz):
    """`choose` does what a button does."""
    quiz.choose(next(k for k, o in quiz.task.options.items() if not o.code))
    assert quiz.answer().right and quiz.verdict["mark"] == "right"
    with pytest.raises(UsageError):
        quiz.choose("z")


def test_only_questions_with_choices_become_a_quiz(facts):
    """A hex value has no options to choose from."""
    with pytest.raises(UsageError, match="multiple-choice"):
        QuizPanel(exercise("01.mrenclave").posed(facts), lambda id, answer: None)
