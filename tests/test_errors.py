"""Errors are written for the reader, and say whose fault it is."""

from __future__ import annotations

import pytest

from casnb.base.errors import (
    MESSAGE_LIMIT,
    CasnbError,
    EvidenceError,
    PolicyError,
    SourceError,
    UsageError,
    VerificationError,
    neutral,
)


def test_message_has_one_form():
    """Subject, got, wanted, do."""
    error = EvidenceError("quote", got="431 bytes", wanted="at least 436", do="Fetch it again.")
    assert str(error) == "quote: got 431 bytes, wanted at least 436. Fetch it again."
    assert str(UsageError("Two flags contradict each other.")) == "Two flags contradict each other."


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (EvidenceError, 1),
        (VerificationError, 1),
        (PolicyError, 1),
        (UsageError, 2),
        (SourceError, 3),
    ],
)
def test_kinds_are_siblings_with_their_exit_codes(kind, code):
    """Could not check is never a kind of is bad."""
    assert kind.__bases__ == (CasnbError,)
    assert kind.exit_code == code


def test_no_outsider_makes_a_message_long_or_noisy():
    """Size is bounded, and control and bidirectional characters are gone."""
    error = EvidenceError(
        "page" * 1000, got="\x1b]0;x\x07\u202e" * 1000, wanted="x\ny" * 1000, do="z" * 10000
    )
    assert len(str(error)) <= MESSAGE_LIMIT
    assert str(error).isprintable()


def test_neutral_text_keeps_what_a_reader_needs():
    """Ordinary letters of any script stay; a line break becomes visible; the cut is visible."""
    assert neutral("Zürich 数") == "Zürich 数"
    assert neutral("a\nb") == "a␤b"
    assert neutral("abcdef", 4) == "abc…"
