"""Fixtures for the command lines."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in this process, 80 columns wide; standard output and error stay apart."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(command: click.Command, *words: str, **kwargs: object) -> Result:
        return CliRunner().invoke(command, [str(w) for w in words], **kwargs)

    return call


@pytest.fixture
def casnb(run):
    """Run `casnb WORDS`."""
    from casnb.cli.main import casnb as command

    return lambda *words, **kwargs: run(command, *words, prog_name="casnb", **kwargs)


@pytest.fixture
def scone(run):
    """Run `scone WORDS`."""
    from casnb.cli.scone import scone as command

    return lambda *words, **kwargs: run(command, *words, prog_name="scone", **kwargs)
