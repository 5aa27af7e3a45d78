"""Whatever a reader hands in becomes plain data, and none of its own code runs."""

from __future__ import annotations

import pytest
from teach.hostile import AlwaysEqual, Colour, Explodes, OddInt, OddList, OddlyNamed, cyclic

from casnb.teach.course.answers import ITEM_LIMIT, TEXT_LIMIT, Foreign, plain, said, unanswered


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param(b"ab", b"ab", id="bytes"),
        pytest.param(bytearray(b"ab"), b"ab", id="bytearray"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1, 2}, frozenset({1, 2}), id="set"),
        pytest.param({"a": (1,)}, {"a": [1]}, id="dictionary"),
        pytest.param({"a": 1}.keys(), ["a"], id="view"),
        pytest.param(range(3), [0, 1, 2], id="range"),
        pytest.param(Colour.RED, "red", id="enum of texts"),
        pytest.param(AlwaysEqual("x"), "x", id="text with its own equality"),
        pytest.param(OddInt(5), 5, id="number with its own equality"),
        pytest.param(OddList([1]), [1], id="list with its own iteration"),
        pytest.param(None, None, id="None"),
        pytest.param(True, True, id="bool"),
        pytest.param(..., ..., id="three dots"),
    ],
)
def test_data_becomes_its_plain_form(answer, wanted):
    """Subclasses lose their own methods, tuples and views become lists."""
    got = plain(answer)
    assert wanted == got and type(wanted) is type(got)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Explodes(), id="raises on every question"),
        pytest.param(OddlyNamed(), id="metaclass that raises"),
        pytest.param((x for x in [1]), id="generator"),
        pytest.param(lambda: 1, id="function"),
        pytest.param("x" * (TEXT_LIMIT + 1), id="too long a text"),
        pytest.param(list(range(ITEM_LIMIT + 1)), id="too many items"),
        pytest.param(range(10**12), id="endless range"),
        pytest.param(1 << 5000, id="too large a number"),
        pytest.param(cyclic(), id="list that holds itself"),
        pytest.param(Explodes, id="a class"),
    ],
)
def test_what_is_no_data_becomes_foreign(answer):
    """Nothing of the answer is run, iterated or compared."""
    assert isinstance(plain(answer), Foreign)


def test_foreign_things_inside_a_list_stay_in_place():
    """One strange item does not make the whole answer unreadable."""
    assert plain([1, Explodes()]) == [1, Foreign("Explodes")]


@pytest.mark.parametrize("answer", [..., [..., 1], {"a": ...}, {...}, [[...]]])
def test_three_dots_anywhere_mean_unanswered(answer):
    """A half-filled collection is not wrong, it is not finished."""
    assert unanswered(plain(answer))


def test_an_answer_is_quoted_short_and_neutral():
    """Control characters and length do not reach the reader's page."""
    quoted = said(plain("\x1b[31m" + "x" * 5000))
    assert "\x1b" not in quoted and len(quoted) <= 80
