"""Fixtures for films."""

from __future__ import annotations

import pytest
from click.testing import CliRunner


@pytest.fixture
def casnb(monkeypatch: pytest.MonkeyPatch):
    """Run `casnb WORDS` in this process, 80 columns wide."""
    from casnb.cli.main import casnb as command

    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: CliRunner().invoke(command, [str(w) for w in words], prog_name="casnb")
