"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of real quotes, reports and pages; tests that need it are skipped where it is not there."""
    folder = Path(os.environ.get("CASNB_VECTORS", ROOT.parent / "shared" / "vectors"))
    if not (folder / "manifest.json").is_file():
        pytest.skip(f"no real vectors in {folder} (set CASNB_VECTORS)")
    return folder
