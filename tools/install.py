"""Install as pip would, but by uv where uv can be had: the same arguments, the same hashes, the
same index, in a fraction of the time. pip is the way that always works.

    python tools/install.py [--python PYTHON] [--by pip] ARGUMENTS OF pip install
    python tools/install.py --get LOCK

The first form never asks for less than it was told: `--require-hashes` goes to whichever of the
two installs, and neither is tried again without it. uv does not read pip's settings, so that they
are handed to it here; with one that uv has no word for, pip installs. The second form puts uv
itself into this environment, by pip, from a lock with hashes.

uv leaves byte code to the first import: to compile everything takes longer than it saves until the
first notebook is open (`benchmarks/first_run.py --ways uv,uv-compiled` measures it).

This file runs before anything is installed: it needs Python and pip alone.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Where packages come from and how they are reached: pip's option, uv's variable, and what stands
#: between two values of it.
SAME = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "client-cert": ("SSL_CLIENT_CERT", " "),
    "proxy": ("HTTPS_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "retries": ("UV_HTTP_RETRIES", " "),
    "constraint": ("UV_CONSTRAINT", " "),
}
#: Switches of pip, and the options of uv that say the same.
SWITCHES = {"no-index": ["--no-index"], "pre": ["--prerelease", "allow"]}
#: What pip says and keeps, which changes nothing of what is installed.
NO_MATTER = {
    "break-system-packages",
    "cache-dir",
    "compile",
    "disable-pip-version-check",
    "exists-action",
    "log",
    "no-cache-dir",
    "no-color",
    "no-compile",
    "no-input",
    "no-python-version-warning",
    "no-warn-script-location",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "root-user-action",
    "use-feature",
    "verbose",
}
_ON = {"1", "true", "yes", "on", "y", "t"}
_OFF = {"0", "false", "no", "off", "n", "f", ""}
#: A setting as `pip config list` prints it: where it stands, its name, and its value as Python has
#: it.
_SETTING = re.compile(r"^(:env:|global|install)\.([a-z0-9-]+)=(.+)$")


class Unknown(Exception):
    """pip is configured with something that uv has no word for; its text is the name."""


def settings(listed: str) -> dict[str, str]:
    """Return what counts for `pip install` out of what `pip config list` printed: a variable of the
    environment before a file's section `install`, and that before `global`.
    """
    found: dict[str, tuple[int, str]] = {}
    for line in listed.splitlines():
        if not (match := _SETTING.match(line)):
            continue
        rank = ("global", "install", ":env:").index(match[1])
        value = str(ast.literal_eval(match[3])).strip()
        if found.get(match[2], (-1, ""))[0] <= rank:
            found[match[2]] = (rank, value)
    return {name: value for name, (_, value) in found.items() if name != "config-file"}


def for_uv(
    pip: Mapping[str, str], given: Mapping[str, str], pinned: frozenset[str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the options with which uv installs what pip would: `pip` are pip's
    settings, `given` the environment as it is, whose own words for uv count first.

    `pinned` are the names in a lock with hashes. uv takes no constraint beside one; a constraint on
    none of these names says nothing there and is left out. Raises Unknown for what uv cannot be
    told.
    """
    # As pip does: the system's certificates; the best version of all indexes (a hash still decides
    # whether it is the right file); never another Python than the one that was chosen.
    env = {
        "UV_SYSTEM_CERTS": "1",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    if bundle := given.get("REQUESTS_CA_BUNDLE") or given.get("CURL_CA_BUNDLE"):
        env["SSL_CERT_FILE"] = bundle
    env |= {k: v for k, v in given.items() if k not in ("UV_NO_VERIFY_HASHES", "UV_REQUIRE_HASHES")}
    options = []
    for name, value in pip.items():
        if name in SWITCHES and value.lower() in _ON:
            options += SWITCHES[name]
        elif name in NO_MATTER or (name not in SAME and value.lower() in _OFF):
            continue
        elif name not in SAME:
            raise Unknown(name)
        elif name == "constraint" and pinned is not None:
            if any(_names(Path(word)) & pinned for word in value.split()):
                raise Unknown(name)
        else:
            variable, between = SAME[name]
            if not (variable.startswith("UV_") and variable in given):
                env[variable] = between.join(value.split())
    if "proxy" in pip:
        env["HTTP_PROXY"] = env["https_proxy"] = env["http_proxy"] = pip["proxy"]
    return env, options


def _names(path: Path) -> frozenset[str]:
    """Return the names of packages in a file of requirements, as an index spells them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Unknown("constraint") from None
    if re.search(r"^\s*-", text.replace("\\\n", " "), re.M):
        raise Unknown("constraint")
    found = re.findall(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.M)
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in found)


def _locked(arguments: Sequence[str]) -> frozenset[str] | None:
    """Return the names in the lock that is to be installed, or None without hashes."""
    if "--require-hashes" not in arguments:
        return None
    return _names(Path(arguments[list(arguments).index("--requirement") + 1]))


def get_uv(lock: str) -> int:
    """Put uv into this environment. Without it pip installs: that is said, and no failure."""
    if importlib.util.find_spec("uv"):
        return 0
    # A build of uv from its sources would take longer than pip takes for everything.
    words = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--requirement", lock]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *words], stderr=subprocess.PIPE)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = next((line for line in said if line.startswith("ERROR: ")), "pip does not say why")
        print(f"uv cannot be had here: pip installs, which takes minutes. {why[:200]}")
    return 0


def install(python: str, by: str, arguments: Sequence[str]) -> int:
    """Install into the environment of `python`, and return the exit code."""
    if by != "pip" and importlib.util.find_spec("uv"):
        pip = [sys.executable, "-m", "pip", "config", "list"]
        listed = subprocess.run(pip, capture_output=True, text=True, encoding="utf-8")
        try:
            if listed.returncode:
                raise Unknown("something that pip itself cannot read")
            env, options = for_uv(settings(listed.stdout), os.environ, _locked(arguments))
        except Unknown as setting:
            print(f"pip is configured here with {setting}, which uv cannot be told: pip installs.")
        else:
            uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
            if subprocess.run([*uv, *options, *arguments], env=env).returncode == 0:
                return 0
            print("uv could not: pip tries the same, which takes minutes.", flush=True)
    sys.stdout.flush()
    return subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments]).returncode


def main(words: Sequence[str]) -> int:
    """Run what the command line says."""
    rest = list(words)
    if rest[:1] == ["--get"]:
        return get_uv(rest[1])
    options = {"--python": sys.executable, "--by": "uv"}
    while rest and rest[0] in options:
        options[rest[0]] = rest[1]
        del rest[:2]
    return install(options["--python"], options["--by"], rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
