"""Pasted text is cut into commands and words as a shell would, and nothing of it is run."""

from __future__ import annotations

import pytest

from casnb.base.errors import UsageError
from casnb.explain.shell import LONGEST, SUBSTITUTED, commands, has_variable, inside


def words(text):
    return [list(c.words) for c in commands(text)]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("scone cas attest cas", [["scone", "cas", "attest", "cas"]]),
        ("$ scone cas attest cas", [["scone", "cas", "attest", "cas"]]),
        ("student@lab:~$ scone a", [["scone", "a"]]),
        ("root@lab:~# scone a", [["scone", "a"]]),
        ("> scone a", [["scone", "a"]]),
        ("# scone a\nscone b", [["scone", "b"]]),
        ("scone a # remark", [["scone", "a"]]),
        ("scone a#b", [["scone", "a#b"]]),
        ("scone a \\\n  b\r\nscone c", [["scone", "a", "b"], ["scone", "c"]]),
        ("scone 'a b' \"c d\"", [["scone", "a b", "c d"]]),
        ("scone a | grep b && curl c; d", [["scone", "a"], ["grep", "b"], ["curl", "c"], ["d"]]),
        ("scone a > out 2> /dev/null b", [["scone", "a", "b"]]),
        (
            "scone --mrenclave $(grep x page | tail -1) b",
            [["scone", "--mrenclave", SUBSTITUTED, "b"]],
        ),
        ("scone `hostname -f`", [["scone", SUBSTITUTED]]),
        ("(scone a b)", [["scone", "a", "b"]]),
        ("if ! scone a; then b; fi", [["scone", "a"], ["b"]]),
        ("# remark \\\nscone a", [["scone", "a"]]),
        ("scone a \\", [["scone", "a"]]),
        ("", []),
        ("\n \n", []),
    ],
)
def test_cut(text, cut):
    """Prompts, comments, continuations and redirections go; operators separate commands; a
    substitution is one word.
    """
    assert [w for w in words(text) if w] == cut


def test_assignments_stand_apart():
    """What is set before a command is not a word of it."""
    (only,) = commands("M=1 scone a")
    assert only.words == ("scone", "a") and only.assignments == ("M=1",)


def test_words_are_left_alone():
    """Words that a shell had cut already are not cut again."""
    assert commands(["scone", "a b", "|", "#"])[0].words == ("scone", "a b", "|", "#")


def test_an_open_quote_is_told():
    """A quote that is never closed is said to be one, and the words are there."""
    (only,) = commands("scone cas 'attest")
    assert "no closing quotation" in only.broken and only.words == ("scone", "cas", "'attest")


def test_a_blank_behind_a_backslash_is_told():
    """A shell would end the command there; the words of both lines are taken, and the reason is
    said.
    """
    (only,) = commands("scone a \\ \n  b")
    assert only.words == ("scone", "a", "b") and "does not continue the line" in only.broken


def test_what_stands_inside():
    """Commands within a substitution are found, in both spellings; words that were cut already
    hold none.
    """
    assert [list(c.words) for c in inside("X=$(scone a | tail -1) `b c`")] == [
        ["scone", "a"],
        ["tail", "-1"],
        ["b", "c"],
    ]
    assert inside(["$(scone a)"]) == ()


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("$A", True),
        ("${A:-x}", True),
        (SUBSTITUTED, True),
        ("a$A", True),
        ("a$", False),
        ("a", False),
        ("$$", False),
    ],
)
def test_variables(word, found):
    """What a shell would replace is recognised."""
    assert has_variable(word) is found


@pytest.mark.parametrize(
    "pasted", ["x" * (LONGEST + 1), "x " * 401, ["x"] * 401, ["x" * (LONGEST + 1)]]
)
def test_bounded(pasted):
    """Too much text is refused, not read."""
    with pytest.raises(UsageError):
        commands(pasted)
