"""The board in a browser: live, by keyboard, and calm under a pointer."""

from __future__ import annotations

import re

import pytest
from browser.conftest import PATIENCE
from classroom.sealed_class import SealedClass


@pytest.fixture
def klass(tmp_path, monkeypatch):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    return SealedClass(tmp_path, students=12)


@pytest.fixture
def page(browser):
    """A page that fails its test where a script does."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    shown, errors = context.new_page(), []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    yield shown
    context.close()
    assert errors == []


def cell(page, student, exercise):
    return page.locator(f'#rows button[data-s="{student}"][data-e="{exercise}"]')


def test_a_teacher_follows_a_class(klass, page, screenshots):
    """An answer shows up by itself, in the same element; its meaning stands beside the grid; a
    misconception marks its cells; names and secret are nowhere in the address.
    """
    from playwright.sync_api import expect

    with klass.serving() as server:
        page.goto(server.board_url)
        expect(page.get_by_role("heading", level=1)).to_contain_text("nobody is stuck")
        assert server.secret not in page.url
        mine = cell(page, "u003", "01.tls")
        handle = mine.element_handle()
        letter = next(x for x in "abcd" if x != klass.key("u003")["01.tls"])
        said = klass.check("01.tls", letter, "u003")
        expect(mine).to_have_attribute("data-k", "wrong")
        assert handle.evaluate("e => e.isConnected")
        expect(mine).to_have_accessible_name(re.compile(r"^u003, 01\.tls: wrong, 1 try"))
        mine.hover()
        expect(page.locator("#det")).to_contain_text(said["code"])
        held = page.locator("#held button").first
        expect(held).to_contain_text("the only one who tried held that")
        held.click()
        expect(mine).to_have_class("hit")
        expect(page.locator("#live")).to_have_text("1 cell marked: u003")
        names = page.locator("[data-name=u003]")
        expect(names).to_be_hidden()
        page.get_by_role("button", name="Names").click()
        expect(names).to_have_text("Name u003")
        page.screenshot(path=screenshots / "class-board.png")


def test_a_board_by_keyboard(klass, page):
    """One tab stop, arrows in the grid; a reset wants the id typed, and goes back to its button."""
    from playwright.sync_api import expect

    with klass.serving() as server:
        klass.ask("lab", "u002", scenario="public")
        page.goto(server.board_url)
        grid = page.get_by_role("grid")
        expect(grid).to_be_visible()
        page.locator('#rows button[tabindex="0"]').focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#rows tr:nth-child(2) td:nth-child(3) button")).to_be_focused()
        assert page.locator('#rows button[tabindex="0"]').count() == 1
        student = page.locator("#rows tr:nth-child(2)").get_attribute("data-s")
        page.keyboard.press("Tab")
        page.locator("#rs-b").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rs-i")).to_be_focused()
        page.locator("#rs-y").press("Enter")
        expect(page.locator("#rs-s")).to_have_text(f"Type {student} first.")
        page.locator("#rs-i").fill(student)
        page.locator("#rs-y").press("Enter")
        expect(page.locator("#rs-s")).to_contain_text("a new world of the same seed")
        expect(page.locator("#rs-b")).to_be_focused()
        assert [e["student"] for e in klass.lines() if e["event"] == "reset"] == [student]
        page.locator("#rs-b").click()
        page.keyboard.press("Escape")
        expect(page.locator("#rs")).to_be_hidden()


def test_a_row_does_not_move_under_a_pointer(klass, page):
    """While pointer or focus is in the grid, rows stay; texts go on."""
    from playwright.sync_api import expect

    with klass.serving() as server:
        page.goto(server.board_url)
        page.locator("#rows tr").first.hover()
        klass.check("07.floor", 1, "u012")
        expect(cell(page, "u012", "07.floor")).to_have_attribute("data-k", "wrong")
        assert page.locator("#rows tr").first.get_attribute("data-s") == "u001"
        page.get_by_role("heading", level=1).hover()
        klass.check("07.floor", 2, "u011")
        expect(page.locator("#rows tr").first).to_have_attribute("data-s", re.compile("u01[12]"))


def test_a_projector_has_no_ids_and_a_board_no_faults(klass, page, axe, screenshots):
    """Esc goes back; axe finds nothing, light and dark; without the secret nothing is shown."""
    from playwright.sync_api import expect

    with klass.serving() as server:
        for student in klass.students:
            klass.check("07.floor", 1, student)
        page.goto(server.board_url)
        run = "async () => (await axe.run()).violations.map(v => v.id + ' ' + v.nodes[0].html)"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.get_by_role("grid")).to_be_visible()
            page.evaluate(axe)
            assert page.evaluate(run) == [], scheme
        page.get_by_role("button", name="Projector view").click()
        expect(page.locator(".ex li")).to_have_count(len(klass.task.exercises))
        assert not re.search(r"u0\d\d", page.content())
        page.evaluate(axe)
        assert page.evaluate(run) == []
        page.screenshot(path=screenshots / "class-projector.png")
        page.keyboard.press("Escape")
        expect(page.get_by_role("grid")).to_be_visible()
        page.evaluate("sessionStorage.clear()")
        page.goto(klass.url + "/board")
        expect(page.locator("#gone")).to_contain_text("open the address that serve printed")
        assert not re.search(r"u0\d\d", page.content())
