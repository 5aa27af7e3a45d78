"""What a lab opens to click or to look at: each row's line runs as it stands, and shows itself with
and without a page.
"""

from __future__ import annotations

import pytest

from casnb.teach import lab as module
from casnb.teach.lab import Lab, start
from casnb.teach.opening import openings

PANELS = openings(Lab)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The lab of the lesson that has every panel to itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASNB_PROGRESS", str(tmp_path_factory.mktemp("lab") / "progress.json"))
        yield start("06")
        for begun in list(module._labs.values()):
            begun.close()
        module._labs.clear()
        module._stations.clear()


@pytest.mark.parametrize("row", PANELS, ids=lambda row: row.name)
def test_a_line_opens_what_it_says(lab, row):
    """The line of a row, pasted into a cell, gives something with a text and a page of its own."""
    opened = eval(row.line, {"lab": lab})
    found = opened._repr_mimebundle_()
    data = found[0] if isinstance(found, tuple) else found
    assert row.line.startswith(f"lab.{row.name}(")
    assert len(data["text/plain"]) > 40 and "<" in data["text/html"]
    getattr(opened, "close", lambda: None)()


def test_the_list_is_the_rows(lab):
    """`lab.panels()` has a line and a sentence for each, and no sentence is said twice."""
    assert lab.panels().rows == [(row.line, row.shows) for row in PANELS]
    assert len({row.shows for row in PANELS}) == len(PANELS) > 10
