"""A first run: an empty home folder, `casnb lab`, and what the browser shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time

import pytest

#: Guards, which a busy machine must not reach.
READY_SECONDS, PATIENCE = 180, 120_000

ADDRESS = re.compile(r"http://\S+/lab/tree/00-start-here\.ipynb\?token=\w+")


@pytest.fixture
def first_run(tmp_path, browser):
    """`casnb lab` in an empty home folder: its last line, once that is the address."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab")
    home = tmp_path / "home"
    home.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("CAS_", "CASNB_", "SCONE_", "JUPYTER", "IPYTHON", "XDG_"))
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "casnb.cli.main", "lab", str(tmp_path / "mine")),
                *("--no-browser", "--port", str(port)),
            ],
            env={**env, "HOME": str(home), "USERPROFILE": str(home)},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + READY_SECONDS
        while not ADDRESS.search(log.read_text(errors="replace")):
            assert child.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.1)
        yield log.read_text().splitlines()
    finally:
        child.terminate()
        child.wait(timeout=120)


def test_first_run_opens_00_and_asks_nothing(first_run, browser, screenshots):
    """The last line is the address of notebook 00; there is no pop-up, and the first cells run."""
    address = first_run[-1]
    assert ADDRESS.fullmatch(address)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    book = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    book.get_by_role("heading", name="Start here").wait_for()
    page.screenshot(path=screenshots / "first-run-1-opened.png")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    page.wait_for_timeout(3000)  # a question about news would have come by now
    assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    page.screenshot(path=screenshots / "first-run-2-ready.png")
    book.locator(".jp-Cell").first.click()
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    book.get_by_text("public CAS page", exact=True).first.wait_for()
    page.screenshot(path=screenshots / "first-run-3-lab-opened.png")
    context.close()
