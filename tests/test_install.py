"""How a new environment is filled: by uv where it can be had, else by pip, from the same places,
and never with less than the hashes that were asked for.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "Scripts/python.exe" if os.name == "nt" else "bin/python"
SCRIPT = ROOT / "tools" / "install.py"
_spec = importlib.util.spec_from_file_location("casnb_install", SCRIPT)
assert _spec and _spec.loader
install = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(install)


def listed(**settings: str) -> str:
    """Return what `pip config list` prints for variables of the environment."""
    return "".join(f":env:.{k.replace('_', '-')}={v!r}\n" for k, v in settings.items())


class TestSettings:
    """What pip was told, read from its own listing."""

    def test_what_counts(self):
        """The environment comes before a section for `install`, and that before `global`; other
        commands' sections say nothing.
        """
        text = (
            "global.index-url='https://global.example/simple'\n"
            "install.index-url='https://install.example/simple'\n"
            ":env:.timeout='60'\nglobal.timeout='5'\ninstall.timeout='6'\n"
            "download.index-url='https://other.example/simple'\n"
        )
        assert install.settings(text) == {
            "index-url": "https://install.example/simple",
            "timeout": "60",
        }

    @pytest.mark.parametrize(
        ("pip", "variable", "value"),
        [
            pytest.param(
                {"index_url": "https://a/s"}, "UV_DEFAULT_INDEX", "https://a/s", id="index"
            ),
            pytest.param(
                {"extra_index_url": "\nfile:///a\nfile:///b"},
                "UV_INDEX",
                "file:///a file:///b",
                id="more",
            ),
            pytest.param({"find_links": "/a /b"}, "UV_FIND_LINKS", "/a,/b", id="links"),
            pytest.param({"trusted_host": "a b:8"}, "UV_INSECURE_HOST", "a b:8", id="trusted"),
            pytest.param({"cert": "/c.pem"}, "SSL_CERT_FILE", "/c.pem", id="certificates"),
            pytest.param({"client_cert": "/k.pem"}, "SSL_CLIENT_CERT", "/k.pem", id="client"),
            pytest.param({"proxy": "http://p:3"}, "HTTPS_PROXY", "http://p:3", id="proxy"),
            pytest.param({"proxy": "http://p:3"}, "http_proxy", "http://p:3", id="proxy, http"),
            pytest.param({"default_timeout": "180"}, "UV_HTTP_TIMEOUT", "180", id="timeout"),
            pytest.param({"constraint": "/c.txt"}, "UV_CONSTRAINT", "/c.txt", id="constraint"),
        ],
    )
    def test_told_to_uv(self, pip, variable, value):
        """Each setting that says where packages come from reaches uv under uv's own name."""
        env, options = install.for_uv(install.settings(listed(**pip)), {"PATH": "/bin"})
        assert env[variable] == value and env["PATH"] == "/bin" and options == []

    def test_switches(self):
        """A switch that is on is an option of uv; one that is off is nothing."""
        assert install.for_uv({"no-index": "1", "pre": "false"}, {})[1] == ["--no-index"]
        assert install.for_uv({"pre": "true"}, {})[1] == ["--prerelease", "allow"]

    @pytest.mark.parametrize(
        "name", ["keyring-provider", "require-hashes", "target", "user", "only-binary", "new-word"]
    )
    def test_unknown(self, name):
        """What uv cannot be told is never dropped; an unknown switch that is off is nothing."""
        with pytest.raises(install.Unknown, match=name):
            install.for_uv({name: "x"}, {})
        install.for_uv({name: "no"}, {})

    def test_own_words_for_uv_count_first(self):
        """A variable of uv's own is not overruled, except by one that would drop hashes."""
        given = {"UV_DEFAULT_INDEX": "https://mine/s", "UV_NO_VERIFY_HASHES": "1"}
        env, _ = install.for_uv({"index-url": "https://pip/s"}, given)
        assert env["UV_DEFAULT_INDEX"] == "https://mine/s" and "UV_NO_VERIFY_HASHES" not in env

    def test_certificates_of_requests(self):
        """pip follows the bundle that requests is told; uv is told the same, unless told more."""
        given = {"REQUESTS_CA_BUNDLE": "/r.pem"}
        assert install.for_uv({}, given)[0]["SSL_CERT_FILE"] == "/r.pem"
        assert install.for_uv({}, {**given, "SSL_CERT_FILE": "/s"})[0]["SSL_CERT_FILE"] == "/s"
        assert install.for_uv({"cert": "/p"}, {"SSL_CERT_FILE": "/s"})[0]["SSL_CERT_FILE"] == "/p"

    @pytest.mark.parametrize(
        ("text", "matters"),
        [
            ("torch<=2.14\n# Flask<3\n", False),
            ("Flask_Thing<3\n", False),
            ("FLASK<3\n", True),
            ("beautiful_soup.4<5\n", True),
            ("-r more.txt\n", True),
        ],
    )
    def test_constraint_beside_a_lock(self, tmp_path, text, matters):
        """A constraint on something locked is for pip to judge; one on nothing locked is moot."""
        (tmp_path / "c.txt").write_text(text)
        pip, pinned = (
            {"constraint": str(tmp_path / "c.txt")},
            frozenset({"flask", "beautiful-soup-4"}),
        )
        if matters:
            with pytest.raises(install.Unknown):
                install.for_uv(pip, {}, pinned)
        else:
            assert "UV_CONSTRAINT" not in install.for_uv(pip, {}, pinned)[0]

    def test_constraint_that_cannot_be_read(self, tmp_path):
        """What cannot be read is not taken for empty."""
        with pytest.raises(install.Unknown):
            install.for_uv({"constraint": str(tmp_path / "none.txt")}, {}, frozenset({"flask"}))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """A folder with one wheel, a lock that has its hash, and one that has another."""
    folder = tmp_path_factory.mktemp("shelf")
    wheel = folder / "casnb_leaf-1.0-py3-none-any.whl"
    info = "casnb_leaf-1.0.dist-info"
    files = {
        "casnb_leaf.py": "grown = True\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: casnb-leaf\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256="
        + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        + f",{len(text)}"
        for name, text in files.items()
    ]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join(rows) + "\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "good.lock").write_text(f"casnb-leaf==1.0 --hash=sha256:{digest}\n")
    (folder / "forged.lock").write_text(f"casnb-leaf==1.0 --hash=sha256:{'0' * 64}\n")
    return folder


@pytest.fixture
def empty(tmp_path) -> Path:
    """The Python of an empty environment, without pip."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=os.name != "nt")
    return tmp_path / "env" / PYTHON


def run(
    shelf: Path, home: Path, *words: object, by: Path | str = sys.executable, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the installer without a network or anybody's settings, with packages from the shelf."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "XDG_"))}
    env |= {
        "HOME": str(home),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(shelf),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **more,
    }
    return subprocess.run(
        [by, SCRIPT, *map(str, words)],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def _pretended(folder: Path, code: int) -> dict[str, str]:
    """Put a uv there that keeps what it is told and ends with this code."""
    (folder / "uv").mkdir()
    (folder / "uv" / "__init__.py").write_text("")
    (folder / "uv" / "__main__.py").write_text(
        "import json, os, pathlib, sys\n"
        f"pathlib.Path({str(folder / 'told.json')!r}).write_text("
        "json.dumps([sys.argv[1:], dict(os.environ)]))\n"
        f"sys.exit({code})\n"
    )
    return {"PYTHONPATH": str(folder)}


HASHES = ("--require-hashes", "--requirement")


@pytest.mark.skipif(
    importlib.util.find_spec("pip") is None, reason="this environment was made without pip"
)
class TestInstall:
    """Whole runs, without a network."""

    def test_uv_is_told_everything(self, shelf, tmp_path):
        """uv gets the same arguments, hashes among them, for the same Python, from pip's places."""
        done = run(shelf, tmp_path, *HASHES, shelf / "good.lock", **_pretended(tmp_path, 0))
        assert (done.returncode, done.stdout) == (0, "")
        words, env = json.loads((tmp_path / "told.json").read_text())
        assert words[:2] == ["pip", "install"] and words[-3:-1] == list(HASHES)
        assert "--no-index" in words and words[words.index("--python") + 1] == sys.executable
        assert env["UV_FIND_LINKS"] == str(shelf)

    def test_pip_goes_on_where_uv_cannot(self, shelf, tmp_path):
        """A uv that fails is said in one line, and pip asks for the same hashes: a forged one is
        refused by pip too.
        """
        more = {**_pretended(tmp_path, 1), "PIP_TARGET": ""}
        done = run(shelf, tmp_path, *HASHES, shelf / "forged.lock", "--dry-run", **more)
        assert done.returncode != 0 and done.stdout.count("\n") == 1 and "pip tries" in done.stdout
        assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
        good = run(shelf, tmp_path, *HASHES, shelf / "good.lock", "--dry-run", **more)
        assert good.returncode == 0, good.stderr

    def test_a_setting_that_uv_cannot_be_told(self, shelf, tmp_path):
        """pip installs then, and the line names the setting."""
        more = {**_pretended(tmp_path, 0), "PIP_KEYRING_PROVIDER": "disabled"}
        done = run(shelf, tmp_path, *HASHES, shelf / "good.lock", "--dry-run", **more)
        assert done.returncode == 0, done.stderr
        assert "keyring-provider" in done.stdout and not (tmp_path / "told.json").exists()

    def test_by_pip(self, shelf, tmp_path):
        """Whoever asks for pip gets pip, without a word."""
        more = _pretended(tmp_path, 0)
        done = run(
            shelf, tmp_path, "--by", "pip", *HASHES, shelf / "good.lock", "--dry-run", **more
        )
        assert (done.returncode, (tmp_path / "told.json").exists()) == (0, False)
        assert "uv" not in done.stdout

    def test_uv_that_cannot_be_had(self, shelf, tmp_path):
        """Without uv the first step ends well and says who installs, and pip does install."""
        venv.create(tmp_path / "env", with_pip=True, symlinks=os.name != "nt")
        python = tmp_path / "env" / PYTHON
        done = run(shelf, tmp_path, "--get", ROOT / "installer.lock", by=python)
        assert done.returncode == 0 and "pip installs" in done.stdout
        done = run(shelf, tmp_path, *HASHES, shelf / "forged.lock", by=python)
        assert done.returncode != 0
        done = run(shelf, tmp_path, *HASHES, shelf / "good.lock", by=python)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr

    def test_uv_itself(self, shelf, tmp_path, empty):
        """The real uv installs from pip's places what has the right hash, and nothing else."""
        pytest.importorskip("uv", reason="make lab brings uv; nothing else needs it")
        done = run(shelf, tmp_path, "--python", empty, *HASHES, shelf / "good.lock")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        grown = [empty, "-c", "import casnb_leaf; print(casnb_leaf.grown)"]
        assert subprocess.run(grown, capture_output=True, text=True).stdout == "True\n"

    @pytest.mark.parametrize(
        "more", [{}, {"UV_NO_VERIFY_HASHES": "1"}, {"UV_REQUIRE_HASHES": "0"}], ids=str
    )
    def test_uv_refuses_a_forged_hash(self, shelf, tmp_path, empty, more):
        """No variable talks the real uv out of a hash."""
        pytest.importorskip("uv", reason="make lab brings uv; nothing else needs it")
        done = run(shelf, tmp_path, "--python", empty, *HASHES, shelf / "forged.lock", **more)
        assert done.returncode != 0
        assert subprocess.run([empty, "-c", "import casnb_leaf"], capture_output=True).returncode


def test_the_makefile_asks_for_hashes():
    """Whatever is installed from a lock is installed with hashes, and no recipe goes around the
    installer.
    """
    text = (ROOT / "Makefile").read_text()
    for line in text.splitlines():
        if "--requirement" in line and "cyclonedx" not in line:
            assert "--require-hashes" in line
    assert "-m pip install" not in text


def test_the_lock_of_uv():
    """uv is pinned by hash within the range of pyproject.toml, and no package index is named."""
    text = (ROOT / "installer.lock").read_text()
    assert re.search(r"^uv==0\.\d+\.\d+ \\\n    --hash=sha256:", text, re.M)
    assert "://" not in text and text.count("==") == 1
