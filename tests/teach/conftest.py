"""Facts of one world for the whole folder, and widgets whose callbacks may fail loudly."""

from __future__ import annotations

import pytest

from casnb.teach.facts import Cases, Facts


@pytest.fixture(scope="session")
def cases() -> Cases:
    """Every scenario of one seed, made once."""
    return Cases("tests of teaching")


@pytest.fixture(scope="session")
def facts(cases: Cases) -> Facts:
    """The scenario of the assignment, at an address with its own port."""
    return Facts(cases.get("public").world, "127.9.8.7", 18081)


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an exception in a widget's callback reach the test: ipywidgets would swallow it."""
    from ipywidgets.widgets.widget import CallbackDispatcher

    def call(self, *args, **kwargs):
        for callback in self.callbacks:
            value = callback(*args, **kwargs)
        return value if self.callbacks else None

    monkeypatch.setattr(CallbackDispatcher, "__call__", call)


def from_the_page(widget, **state) -> None:
    """Change a control the way the browser does."""
    widget._handle_msg(
        {
            "content": {"data": {"method": "update", "state": state, "buffer_paths": []}},
            "buffers": [],
        }
    )


def click(button) -> None:
    """Press a button the way the browser does."""
    button._handle_msg(
        {"content": {"data": {"method": "custom", "content": {"event": "click"}}}, "buffers": []}
    )


@pytest.fixture
def page_sets():
    """The front-end path: `page_sets(widget, value=False)`."""
    return from_the_page


@pytest.fixture
def page_clicks():
    """The front-end path of a button: `page_clicks(button)`."""
    return click
