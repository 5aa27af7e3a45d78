"""`casnb lab`: one chapter alone, and a chapter for a projector."""

from __future__ import annotations

import json

import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.cli.copies import chapter, lay_out, shipped
from casnb.cli.presenting import for_projector, large_type
from casnb.film.audience import SIZES, parts


@pytest.mark.parametrize("words", ["03", "03-attest-and-flags", "03-attest-and-flags.ipynb"])
def test_a_chapter_by_its_number(words):
    """A chapter is named by its number, its name or its file."""
    assert chapter(words) == "03-attest-and-flags.ipynb"


@pytest.mark.parametrize("words", ["99", "", "../03", "3"])
def test_no_such_chapter(words):
    """Another number is a wrong call that says which there are, each once."""
    with pytest.raises(
        UsageError, match="one of 00, 01, 02, 03, 04, 05, 06, 07, 08, or a notebook"
    ):
        chapter(words)


def test_the_second_notebook_of_a_chapter():
    """It has no number of its own, and goes by its name."""
    assert chapter("05-public-and-private") == "05-public-and-private.ipynb"


def test_a_plain_call_lays_out_every_chapter(tmp_path, casnb):
    """Without an option there are all the chapters, and the first one is named."""
    done = casnb("lab", tmp_path / "mine", "--setup-only")
    assert done.exit_code == 0 and "Start with 00-start-here.ipynb." in done.stderr
    laid = {p.name for p in (tmp_path / "mine").glob("0*.ipynb")}
    assert laid == {p.name for p in shipped().glob("*.ipynb")} and len(laid) >= 10


def test_only_lays_out_one_and_keeps_what_is_there(tmp_path, casnb):
    """`--only` lays out one chapter; what the reader changed before stays."""
    mine = tmp_path / "mine"
    assert casnb("lab", mine, "--only", "02", "--setup-only").exit_code == 0
    book = mine / "02-decode-the-report.ipynb"
    book.write_text("{}")
    done = casnb("lab", mine, "--only", "03", "--setup-only")
    assert done.exit_code == 0 and "03-attest-and-flags.ipynb" in done.stderr
    assert sorted(p.name for p in mine.glob("*.ipynb")) == [
        "02-decode-the-report.ipynb",
        "03-attest-and-flags.ipynb",
    ]
    assert book.read_text() == "{}"


def test_present_folds_exercises_and_makes_slides(tmp_path):
    """The copy for a projector has the cells of the chapter with setup and exercises folded, each
    heading begins a slide, and the chapter itself stays as it is.
    """
    lay_out(tmp_path, only="03-attest-and-flags.ipynb")
    source = tmp_path / "03-attest-and-flags.ipynb"
    before = source.read_bytes()
    made = json.loads(for_projector(source).read_text())
    assert source.read_bytes() == before
    old = json.loads(before)["cells"]
    assert [c["id"] for c in made["cells"]] == [c["id"] for c in old]
    assert [c["source"] for c in made["cells"]] == [c["source"] for c in old]
    for cell, part in zip(made["cells"], parts(old), strict=True):
        meta = cell["metadata"]
        folded = meta.get("jupyter", {}).get("source_hidden", False)
        if part in ("idea", "shown"):
            assert meta["slideshow"]["slide_type"] in ("slide", "subslide") and not folded
        else:
            assert meta["slideshow"]["slide_type"] == "skip"
            assert folded or cell["cell_type"] == "markdown"
    assert {"setup", "question", "check"} <= set(parts(old))


def test_links_of_a_presented_chapter(tmp_path):
    """What is shown stands in a folder of its own; its links lead to the notebooks beside it."""
    lay_out(tmp_path)
    made = for_projector(tmp_path / "03-attest-and-flags.ipynb")
    assert "](../04-use-the-certificate.ipynb)" in made.read_text()
    assert (made.parent / "../04-use-the-certificate.ipynb").is_file()


def test_present_is_in_large_type(tmp_path):
    """The smallest words of a panel, at 0.87 of JupyterLab's content, have 24 px."""
    found = large_type(tmp_path) / "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    large = json.loads(found.read_text())["overrides"]
    assert large == {name: f"{size}px" for name, size in SIZES.items()}
    assert 0.87 * SIZES["content-font-size1"] >= 24


def test_present_is_a_copy(casnb):
    """The notebooks of a checkout are not rewritten for a lecture."""
    assert casnb("lab", "--in-place", "--present", "--setup-only").exit_code == 2


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 1}', "[]"])
def test_what_is_no_notebook_is_not_presented(text, tmp_path):
    """A damaged notebook is said to be one."""
    (tmp_path / "03.ipynb").write_text(text)
    with pytest.raises(SourceError):
        for_projector(tmp_path / "03.ipynb")
