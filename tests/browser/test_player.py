"""The player of a terminal recording: keys, less motion, nothing from elsewhere."""

from __future__ import annotations

import json

import pytest

from casnb.film.player import embedded

CAST = "\n".join(
    [
        json.dumps({"version": 2, "width": 80, "height": 24, "duration": 40.0}),
        json.dumps([0.0, "o", "First line\r\n"]),
        json.dumps([10.0, "m", "1. A chapter"]),
        json.dumps([10.0, "o", "$ typ"]),
        json.dumps([12.0, "o", "ed </script> & text\r\n"]),
        json.dumps([30.0, "o", "Last line\r\n"]),
    ]
)


@pytest.fixture
def played(tmp_path, browser, request):
    """A page with the player; the parameter is what the reader asked for."""
    path = tmp_path / "x.html"
    html = f"<!doctype html><html lang=en><title>x</title><main>{embedded(CAST, 'A story')}</main>"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(reduced_motion=getattr(request, "param", "no-preference"))
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda sent: asked.append(sent.url))
    tab.goto(path.as_uri())
    yield tab
    assert len(asked) == 1, "nothing is fetched"
    context.close()


def test_keys_play_and_seek(played):
    """Nothing plays by itself; on the screen Space plays and pauses, arrows seek, and the chapter
    follows. Each control has a name.
    """
    screen = played.get_by_role("region", name="Screen")
    assert "First line" in screen.inner_text() and "typ" not in screen.inner_text()
    assert played.get_by_role("button", name="Play").is_visible()
    screen.focus()
    for _ in range(3):
        played.keyboard.press("ArrowRight")
    assert "typed </script> & text" in screen.inner_text()
    assert played.get_by_label("Position in seconds").input_value() == "15"
    assert played.get_by_label("Chapter").locator("option:checked").inner_text() == "1. A chapter"
    played.keyboard.press("Space")
    played.get_by_role("button", name="Pause").wait_for()
    played.keyboard.press("Space")
    played.get_by_role("button", name="Play").wait_for()
    for _ in range(4):
        played.keyboard.press("ArrowLeft")
    assert "typed" not in screen.inner_text()


@pytest.mark.parametrize(
    ("played", "typing"), [("no-preference", True), ("reduce", False)], indirect=["played"]
)
def test_who_asked_for_less_motion_sees_no_typing(played, typing):
    """A line comes when it is whole."""
    screen = played.get_by_role("region", name="Screen")
    screen.focus()
    for _ in range(2):
        played.keyboard.press("ArrowRight")
    assert ("$ typ" in screen.inner_text()) is typing
    for _ in range(6):
        played.keyboard.press("ArrowRight")
    assert "Last line" in screen.inner_text()
