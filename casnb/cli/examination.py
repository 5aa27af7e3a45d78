"""What casnb needs of a machine, and whether it is there: one finding each."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from casnb import __version__
from casnb.base.errors import neutral
from casnb.base.times import stamp

#: What a finding means: all is well, something to know, something that must be mended before casnb
#: works.
GOOD, WORTH_KNOWING, BROKEN = "ok", "note", "problem"


#: Programs that a chapter or a test uses: name, what for.
PROGRAMS = (
    ("curl", "notebooks 04 and 05, and the assignment's last step"),
    ("openssl", "notebook 04"),
    ("jq", "notebook 05, and scripts of the assignments"),
    ("bash", "notebook 05"),
    ("chromium", "browser tests only"),
    ("make", "`make lab` and `make test`"),
)


#: Environment variables that redirect or re-root TLS connections of curl, requests or Python.
CAPTURING = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSLKEYLOGFILE",
)


#: No casnb was made before this day: an earlier clock is wrong.
_OLDEST = datetime(2025, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its id, how it stands, what was seen, and what to do where
    something should be done.
    """

    id: str
    status: str
    saw: str
    do: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, in the order in which a newcomer meets it; a look that itself fails is
    a finding too.
    """
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _programs,
        _loopback,
        _clock,
        _kernel,
        _capturing,
        _config,
        _simulator,
    )
    for look in looks:
        try:
            yield from look()
        except Exception as exc:
            yield Finding(
                look.__name__.strip("_"),
                WORTH_KNOWING,
                f"could not be looked at: {neutral(exc, 200)}",
            )


def _python() -> Iterator[Finding]:
    saw = f"{platform.python_version()} ({sys.executable})"
    good = (3, 10) <= sys.version_info[:2] <= (3, 14)
    yield Finding(
        "python",
        GOOD if good else WORTH_KNOWING,
        saw,
        "" if good else "casnb is tested with Python 3.10 to 3.14.",
    )
    inside = sys.prefix != sys.base_prefix or bool(os.environ.get("CONDA_PREFIX"))
    yield Finding(
        "environment",
        GOOD if inside else WORTH_KNOWING,
        f"casnb {__version__} in {sys.prefix}",
        (
            ""
            if inside
            else (
                "This is the system's own Python; an environment of its own (make lab) keeps others"
                " safe."
            )
        ),
    )


def _packages() -> Iterator[Finding]:
    """Compare what is installed with what casnb's own metadata asks for."""
    try:
        wanted = metadata.requires("casnb") or []
    except metadata.PackageNotFoundError:
        yield Finding(
            "packages",
            BROKEN,
            "casnb is not installed here",
            "Install it: python -m pip install -e .",
        )
        return
    seen = []
    for line in wanted:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding(
                "packages",
                BROKEN,
                f"{requirement.name} is missing",
                f'Install it: python -m pip install "{requirement.name}{requirement.specifier}"',
            )
            continue
        seen.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            yield Finding(
                "packages",
                WORTH_KNOWING,
                f"{requirement.name} {version}, wanted {requirement.name}{requirement.specifier}",
                "Reinstall casnb in a fresh environment.",
            )
    yield Finding("packages", GOOD, ", ".join(seen))


def _programs() -> Iterator[Finding]:
    for name, what_for in PROGRAMS:
        found = shutil.which(name) or (
            shutil.which("chromium-browser") if name == "chromium" else None
        )
        if found is None:
            yield Finding(
                name,
                WORTH_KNOWING,
                f"not found; used for: {what_for}",
                f"Install {name} if you want that.",
            )
            continue
        asked = "version" if name == "openssl" else "--version"
        try:
            run = subprocess.run(  # noqa: S603
                [found, asked], capture_output=True, text=True, timeout=10, check=False
            )
            first = neutral(
                (run.stdout or run.stderr)
                .strip()
                .splitlines()[0]
                .partition(" (")[0]
                .partition(" built on ")[0],
                60,
            )
        except (OSError, subprocess.TimeoutExpired, IndexError):
            first = "does not answer"
        yield Finding(name, GOOD, f"{first} ({found})")
    for name in ("casnb", "scone"):
        found = shutil.which(name)
        own = Path(sys.executable).parent
        if found is None:
            yield Finding(
                name, WORTH_KNOWING, "not on PATH", f'Put it there: export PATH="{own}:$PATH"'
            )
        elif Path(found).parent.resolve() != own.resolve():
            yield Finding(
                name,
                WORTH_KNOWING,
                f"PATH finds {found}, which belongs to another installation",
                f'Use this one first: export PATH="{own}:$PATH"',
            )
        else:
            yield Finding(name, GOOD, found)


def _loopback() -> Iterator[Finding]:
    """Try the addresses on which simulated worlds listen, and the port that the assignment's
    commands name.
    """
    for address in ("127.0.0.1", "127.20.30.40"):
        try:
            with socket.socket() as probe:
                probe.bind((address, 0))
            yield Finding(f"loopback {address}", GOOD, "can be listened on")
        except OSError as exc:
            only = address == "127.0.0.1"
            yield Finding(
                f"loopback {address}",
                BROKEN if only else WORTH_KNOWING,
                exc.strerror or "cannot be listened on",
                (
                    "Without it nothing can be simulated here."
                    if only
                    else (
                        "Simulated worlds use free ports of 127.0.0.1 instead; the printed commands"
                        " carry the port."
                    )
                ),
            )
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", 8081)) == 0
    yield Finding(
        "port 8081",
        GOOD,
        (
            "in use on 127.0.0.1; simulated worlds take addresses and ports of their own"
            if taken
            else "free on 127.0.0.1"
        ),
    )


def _clock() -> Iterator[Finding]:
    now = datetime.now(timezone.utc)
    good = now > _OLDEST
    yield Finding(
        "clock",
        GOOD if good else BROKEN,
        stamp(now),
        (
            ""
            if good
            else "Set the clock: a clock in the past accepts revoked and expired certificates."
        ),
    )


def _kernel() -> Iterator[Finding]:
    """Find the kernel that notebooks will run in, and whether it is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        argv = KernelSpecManager().get_kernel_spec("python3").argv
    except NoSuchKernel:
        yield Finding(
            "kernel", BROKEN, "no python3 kernel", "Install it: python -m pip install ipykernel"
        )
        return
    named = argv[0] if argv else ""
    # Jupyter starts a kernel spec that says only "python" with the Python it runs in itself.
    resolved = (
        sys.executable
        if named in ("python", "python3", f"python3.{sys.version_info[1]}")
        else shutil.which(named) or named
    )
    same = Path(resolved).parent == Path(sys.executable).parent
    yield Finding(
        "kernel",
        GOOD if same else BROKEN,
        f"python3 runs {resolved or 'nothing'}",
        (
            ""
            if same
            else (
                "Notebooks would run in another Python, without casnb. Mend it: "
                "python -m ipykernel install --sys-prefix"
            )
        ),
    )


def _capturing() -> Iterator[Finding]:
    found = [name for name in CAPTURING if os.environ.get(name)]
    if found:
        yield Finding(
            "TLS variables",
            WORTH_KNOWING,
            "set: " + ", ".join(found),
            "They steer TLS of other tools. casnb ignores them when it talks to a CAS; your own"
            " scripts do not: unset them where a connection fails.",
        )
    else:
        yield Finding(
            "TLS variables",
            GOOD,
            "none is set that would redirect a connection or replace its roots",
        )
    for name in ("SCONE_CONFIG_ID", "SCONE_MODE"):
        if os.environ.get(name):
            yield Finding(
                name,
                WORTH_KNOWING,
                "set; it belongs to SCONE programs",
                f"casnb does not use it. unset {name}",
            )


def _config() -> Iterator[Finding]:
    from casnb.base.errors import CasnbError
    from casnb.cas.trust import TrustStore

    store = TrustStore()
    path = Path(store.path)
    if not path.exists():
        yield Finding(
            "config", GOOD, f"{path}: not there yet; the first accepted attestation makes it"
        )
        return
    try:
        names = list(store.names())
    except CasnbError as exc:
        yield Finding(
            "config",
            BROKEN,
            neutral(exc, 300),
            "Move the file away to start afresh; casnb will not overwrite it.",
        )
        return
    known = f"{path}: {len(names)} attested CAS" + ("" if len(names) == 1 else "es")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        yield Finding(
            "config",
            WORTH_KNOWING,
            f"{known}; others on this machine may read it, and it holds your key",
            f"chmod 600 {path}",
        )
    elif not os.access(path, os.W_OK):
        yield Finding(
            "config",
            WORTH_KNOWING,
            f"{known}; it cannot be written",
            "Attesting another CAS will fail.",
        )
    else:
        yield Finding("config", GOOD, known)


def _simulator() -> Iterator[Finding]:
    """Whether the environment names a simulated CAS, and whether that answers."""
    address = os.environ.get("CAS_ADDR", "")
    if not address:
        yield Finding(
            "simulator", GOOD, "CAS_ADDR is not set; notebooks start a simulated CAS of their own"
        )
        return
    host, _, port = address.partition(":")
    try:
        with socket.create_connection(
            (host, int(port or os.environ.get("CAS_PORT") or 8081)), timeout=2
        ):
            yield Finding("simulator", GOOD, f"CAS_ADDR={neutral(address, 80)} answers")
    except (OSError, ValueError):
        yield Finding(
            "simulator",
            WORTH_KNOWING,
            f"CAS_ADDR={neutral(address, 80)} does not answer",
            "Start it again (casnb serve), or: unset CAS_ADDR CAS_PORT CAS_PAGE_URL CAS_PAGE_CA"
            " CASNB_ROOTS",
        )
    roots = os.environ.get("CASNB_ROOTS", "")
    if roots and not Path(roots).is_file():
        yield Finding(
            "CASNB_ROOTS",
            WORTH_KNOWING,
            f"{neutral(roots, 200)} is not there",
            "unset CASNB_ROOTS, or start casnb serve again.",
        )
