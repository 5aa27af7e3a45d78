"""A multiple-choice exercise as buttons."""

from __future__ import annotations

from html import escape

import pytest

from casnb.base.errors import UsageError
from casnb.teach.course.exercises import exercise
from casnb.teach.quiz.panel import QuizPanel


@pytest.fixture
def quiz(facts, loud):
    task = exercise("00.decision").posed(facts)
    made = QuizPanel(task, lambda id, answer: exercise(id).check(answer, facts))
    yield made
    made.close()


def test_nothing_is_chosen_at_first(quiz, page_clicks):
    """Checking without a choice is not yet, not wrong."""
    page_clicks(quiz.button)
    assert quiz.feedback.status == "not yet"


def test_each_wrong_choice_has_its_own_words(quiz, page_sets, page_clicks):
    """Choosing and checking on the page shows the message of that choice."""
    for n, option in enumerate(quiz.task.options.values()):
        page_sets(quiz.choice, index=n)
        page_clicks(quiz.button)
        assert quiz.feedback.right == (not option.code)
        if option.code:
            assert (option.code, option.message) == (
                quiz.feedback.code,
                quiz.feedback.message,
            ) and option.code in quiz.line.value


def test_what_is_chosen_is_said_before_it_is_checked(quiz, page_sets):
    """The line repeats the letter and does not judge it yet; every option stands in full above
    the buttons.
    """
    page_sets(quiz.choice, index=1)
    assert quiz.feedback.status == "not yet" and "You chose b" in quiz.line.value
    assert all(escape(o.text) in quiz.question.value for o in quiz.task.options.values())


def test_it_can_be_answered_in_plain_form(quiz):
    """`choose` and `answer` do what the controls do."""
    quiz.choose(next(k for k, o in quiz.task.options.items() if not o.code))
    assert quiz.answer().right and "RIGHT" in quiz.line.value
    with pytest.raises(UsageError):
        quiz.choose("z")


def test_only_questions_with_choices_become_a_quiz(facts):
    """A hex value has no options to choose from."""
    with pytest.raises(UsageError, match="multiple-choice"):
        QuizPanel(exercise("01.mrenclave").posed(facts), lambda id, answer: None)


def test_controls_have_names_and_classes(quiz):
    """Found by label or class; the verdict line is announced."""
    assert quiz.choice.description == "Answer" and quiz.button.description == "Check"
    assert "t-quiz-choice" in quiz.choice._dom_classes and 'role="status"' in quiz.line.value
