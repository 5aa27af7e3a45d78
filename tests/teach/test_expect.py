"""A planned failure must fail, and is shown calmly."""

from __future__ import annotations

import pytest

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.teach.expect import Expected, expect_error


def test_the_planned_error_is_kept_and_shown(capsys):
    """The block ends, the error stays readable, one sentence is displayed."""
    with expect_error(EvidenceError) as planned:
        raise EvidenceError("quote", got="431 bytes", wanted="436")
    assert planned.error.got == "431 bytes"
    assert (
        capsys.readouterr().out.strip()
        == "As planned, EvidenceError: quote: got 431 bytes, wanted 436."
    )


def test_no_error_is_an_error():
    """A lesson whose planned failure no longer fails is out of date."""
    with (
        pytest.raises(AssertionError, match="expected EvidenceError, and nothing was raised"),
        expect_error(EvidenceError),
    ):
        pass


def test_another_error_passes_through():
    """Only the planned kind is caught; without kinds, only casnb's own."""
    with pytest.raises(SourceError), expect_error(EvidenceError):
        raise SourceError("page")
    with pytest.raises(KeyError), expect_error():
        raise KeyError("x")


def test_quiet_when_asked(capsys):
    """`show=False` displays nothing."""
    with expect_error(show=False) as planned:
        raise UsageError("call")
    assert capsys.readouterr().out == "" and isinstance(planned.error, UsageError)


def test_what_is_no_exception_class_is_refused():
    """A mistyped argument does not make everything pass."""
    with pytest.raises(UsageError):
        expect_error("EvidenceError")


def test_a_message_from_outside_is_escaped():
    """Markup in an error stays text."""
    assert "<script>" not in Expected(ValueError("<script>"))._repr_mimebundle_()["text/html"]
