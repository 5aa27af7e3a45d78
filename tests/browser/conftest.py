"""One private JupyterLab and one Chromium for all browser tests; skipped, with the reason, where
either is missing.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from casnb.cli.lab_command import DEFAULTS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
#: How long the server may take to start: it imports for most of a minute where the machine is busy.
READY_SECONDS = 180
#: Milliseconds after which a page that does not get there has failed: a guard, which a busy machine
#: must not reach.
PATIENCE = 120_000

#: What keeps JupyterLab from asking its makers for news.
QUIET = ("news_url=", "check_for_updates_class=jupyterlab.NeverCheckForUpdate")

#: Read now: each test runs without the reader's own CASNB_ variables.
CHROMIUM = os.environ.get("CASNB_CHROMIUM", "")
SCREENSHOTS = os.environ.get("CASNB_SCREENSHOTS", "")
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `browser`: Playwright's event loop stays in a process's main
    thread, so that one of them among other tests would break whatever starts a loop there.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def missing(what: str) -> None:
    """Skip, or fail where browser tests are required (`CASNB_REQUIRE_BROWSER`)."""
    if os.environ.get("CASNB_REQUIRE_BROWSER"):
        pytest.fail(f"browser tests are required, and there is no {what}")
    pytest.skip(f"no {what}")


def chromium() -> str:
    """The path of Debian's Chromium, or one named by CASNB_CHROMIUM."""
    for name in (CHROMIUM, "chromium", "chromium-browser"):
        if name and (found := shutil.which(name)):
            return found
    missing("chromium")
    raise AssertionError


@dataclass(frozen=True)
class JupyterLab:
    """A running server: where it is, its token, and the folder it shows."""

    url: str
    token: str
    folder: Path


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """One server for all browser tests."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab")
    chromium()
    with serving(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server


@contextmanager
def serving(base: Path, module: str = "jupyterlab", app: str = "LabApp") -> Iterator[JupyterLab]:
    """Start JupyterLab, or another program of its kind, with directories of its own under `base`,
    so that nobody's settings leak in.
    """
    folder = base / "notebooks"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "XDG_DATA_HOME": "xdg",
        "HOME": "home",
    }
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("CAS_", "CASNB_", "SCONE_", "JUPYTER"))
    }
    env |= {name: str(base / sub) for name, sub in own.items()}
    env |= {"PYTHONPATH": str(ROOT), "CASNB_PROGRESS": str(base / "progress.json")}
    env["JUPYTER_CONFIG_PATH"] = str(DEFAULTS)  # as `casnb lab` does; no settings of a reader
    for sub in own.values():
        (base / sub).mkdir(exist_ok=True)
    log = (base / "log").open("wb")
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            module,
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.allow_root=True",
            f"--{app}.expose_app_in_browser=True",
            # An option that a program does not know leaves it half set up, without a word.
            *([f"--{app}.{option}" for option in QUIET] if app == "LabApp" else []),
        ],
        env=env,
        cwd=base,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + READY_SECONDS
        while not answers(f"{url}/api/status?token={token}"):
            if server.poll() is not None or time.monotonic() > until:
                pytest.fail(
                    f"{module} did not start:\n"
                    + (base / "log").read_text(errors="replace")[-3000:]
                )
            time.sleep(0.1)
        yield JupyterLab(url, token, folder)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def answers(url: str) -> bool:
    """Whether the server says 200; proxies of the environment are left aside."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium under Playwright; a request to any other host than loopback is refused."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright")
    sync_api.expect.set_options(timeout=PATIENCE)
    path = chromium()
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


VIEWPORT = {"width": 1280, "height": 1900}
#: What a test may have changed about a page that the next one finds as it was at first.
AS_AT_FIRST = """async () => {
    const app = window.jupyterapp;
    await app.serviceManager.sessions.shutdownAll();
    for (const widget of [...app.shell.widgets('main')]) {
        if (widget.context) widget.context.model.dirty = false;
        widget.dispose();
    }
    await app.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'});
    app.shell.expandLeft();
}"""
OPEN = """async (path) => {
    const app = window.jupyterapp;
    const doc = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    await doc.context.ready; await doc.sessionContext.ready; }"""


class Desk:
    """A page of JupyterLab, which opens one notebook after another: to load it takes longer than
    most tests.
    """

    def __init__(self, browser, lab: JupyterLab) -> None:
        self.context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        #: What went wrong in the page, and what it asked of other hosts, since it was cleared.
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        own = (lab.url, "data:", "blob:", lab.url.replace("http", "ws"))
        self.page.on(
            "request", lambda r: None if r.url.startswith(own) else self.foreign.append(r.url)
        )
        self.page.goto(f"{lab.url}/lab?reset&token={lab.token}")
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate(
            """async () => { await window.jupyterapp.restored;
            window.jupyterapp.commands.execute('application:set-mode', {mode: 'single-document'})
            .catch(() => {}); }"""
        )

    def clear(self) -> None:
        """End every kernel, close every document, and put back what tests change."""
        self.page.evaluate(AS_AT_FIRST)
        self.page.emulate_media(
            media="null", color_scheme="null", forced_colors="null", reduced_motion="reduce"
        )
        self.page.set_viewport_size(VIEWPORT)
        self.errors.clear()
        self.foreign.clear()

    def close(self) -> None:
        """End every kernel and the page."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.serviceManager.sessions.shutdownAll() }"
        )
        self.context.close()


class Notebook:
    """One notebook that is open, alone, in a page."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.page, self.errors, self.foreign = desk.page, desk.errors, desk.foreign
        self.page.evaluate(OPEN, name)

    @property
    def panel(self):
        """The notebook that is seen."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def run_all(self) -> None:
        """Run every cell and wait until they are done."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        )

    def theme(self, name: str) -> None:
        """Switch to 'JupyterLab Light' or 'JupyterLab Dark'."""
        self.page.evaluate(
            "async (theme) => { await window.jupyterapp.commands.execute('apputils:change-theme',"
            " {theme}) }",
            name,
        )
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light",
            arg=str("Light" in name).lower(),
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def collapse_left(self) -> None:
        """Fold the file browser away, and wait until the notebook has taken its place."""
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.page.locator("#jp-left-stack").wait_for(state="hidden")
        self.page.evaluate(
            "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        )

    def violations(self, axe: str) -> list[str]:
        """What axe-core, whose source is given, finds wrong in the output areas: rule, element,
        cure.
        """
        self.page.evaluate(axe)
        return self.page.evaluate(
            "async () => (await axe.run('.jp-OutputArea')).violations.flatMap("
            "v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 150)} ${n.failureSummary}`))"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Keep on the test whether a phase of it failed, for the fixtures that end after it."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def desks() -> Iterator[list[Desk]]:
    """The page that the next test takes over, or none."""
    kept: list[Desk] = []
    yield kept
    for desk in kept:
        desk.close()


@pytest.fixture
def open_notebook(request, jupyterlab, browser, desks):
    """Open a notebook of the server's folder: `open_notebook("03.ipynb")`.

    The page is the one of the test before, cleared, unless that failed or `fresh` asks for a page
    of its own: for what concerns all of a page, and for a second notebook beside the first.
    """
    opened = []

    def go(name: str, fresh: bool = False) -> Notebook:
        fresh = fresh or bool(opened)
        desk = desks.pop() if desks and not fresh else Desk(browser, jupyterlab)
        opened.append((desk, fresh))
        return Notebook(desk, name)

    yield go
    for desk, fresh in opened:
        if fresh or request.node.stash.get(FAILED, False):
            desk.close()
        else:
            desk.clear()
            desks.append(desk)


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: CASNB_SCREENSHOTS, or a folder that is thrown away."""
    folder = Path(SCREENSHOTS or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from the package that carries it."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        missing("axe-playwright-python")
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(
        encoding="utf-8"
    )
