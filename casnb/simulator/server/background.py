"""A simulator that outlives the command that started it: start, wait until it answers, find it
again, stop it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from platformdirs import user_state_path

from casnb.base.errors import SourceError, UsageError, neutral
from casnb.cas.trust import open_lock

#: Seconds that a start and a stop may take: the first start on a small busy machine compiles and
#: reads much.
START_TIME, STOP_TIME = 60.0, 5.0
_MODULE = "casnb.cli.main"
_COMPLETE = "export CASNB_SCENARIO="
_TAIL = 2000


def start_background(
    args: Sequence[str], env_file: Path | str | None = None, state_dir: Path | str | None = None
) -> str:
    """Start `casnb serve` with `args` as a process of its own, and return its export lines once
    it answers.

    They are also left in `env_file`. The process is remembered in `state_dir` (left out: the
    folder after `--state` in `args`, or casnb's own state folder). Raises UsageError if one is
    running already, and SourceError, with what it printed, if it ends before it answers.
    """
    folder = _folder(state_dir or _state_of(args))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            running = _recorded(folder)
            if running is not None:
                raise UsageError(
                    "casnb serve --background",
                    got=f"one that runs already (process {running.pid})",
                    wanted="none",
                    do="End it first: casnb stop"
                    + (f" --state {shlex.quote(str(folder))}" if folder != _folder(None) else ""),
                )
            lines = (Path(env_file) if env_file else folder / "serve.env").absolute()
            lines.unlink(missing_ok=True)
            return _start(folder, args, lines)
    except OSError as exc:
        raise SourceError(
            f"background simulator in {folder}",
            got=exc.strerror or "an error",
            wanted="a folder that can be written",
        ) from None


def stop_background(state_dir: Path | str | None = None) -> bool:
    """Stop the simulator remembered in `state_dir` and return True; return False if none is
    running.

    Only a process is stopped that is still the one that was started: same number, same start
    time, same module. Raises SourceError if it cannot be stopped.
    """
    folder = _folder(state_dir)
    process = _recorded(folder)
    if process is not None:
        try:
            process.terminate()
            try:
                process.wait(STOP_TIME)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIME)
        except psutil.NoSuchProcess:
            pass
        except psutil.Error as exc:
            raise SourceError(
                f"simulator (process {process.pid})",
                got=type(exc).__name__,
                wanted="a process that ends",
            ) from None
    with suppress(OSError):
        _record(folder).unlink(missing_ok=True)
    return process is not None


def _start(folder: Path, args: Sequence[str], lines: Path) -> str:
    log = folder / "serve.log"
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    command = [sys.executable, "-m", _MODULE, "serve", *args, "--env-file", str(lines)]
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            **apart,
        )
    recorded = answered = False
    try:
        began = psutil.Process(child.pid).create_time()
        _record(folder).unlink(missing_ok=True)
        with _record(folder).open("x", encoding="utf-8") as file:
            json.dump({"pid": child.pid, "began": began, "env_file": str(lines)}, file)
        recorded, end = True, time.monotonic() + START_TIME
        while child.poll() is None and time.monotonic() < end:
            with suppress(OSError):
                text = lines.read_text(encoding="utf-8")
                if _COMPLETE in text and text.endswith("\n"):
                    answered = True
                    return text
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        pass
    finally:
        if answered:
            child.returncode = 0  # it goes on by itself: nobody here waits for it
        else:
            ended = child.poll()
            child.kill()
            child.wait()
            if recorded:
                _record(folder).unlink(missing_ok=True)
    kind = UsageError if ended == UsageError.exit_code else SourceError
    said = _said(log)
    if ended in (UsageError.exit_code, SourceError.exit_code) and "Error: " in said:
        raise kind(said.rpartition("Error: ")[2])
    raise kind(
        "casnb serve --background",
        got=f"no answer within {START_TIME:g} s" if ended is None else f"exit code {ended}",
        wanted="a CAS that answers",
        do=f"It said: {neutral(said, 380)}" if said else "",
    )


def _said(log: Path) -> str:
    try:
        return log.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        return ""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one start at a time pass; the lock ends with the process that holds it."""
    handle = open_lock(folder / "serve.lock")
    try:
        end = time.monotonic() + START_TIME + STOP_TIME
        while not _lock(handle):
            if time.monotonic() > end:
                raise SourceError(
                    "casnb serve --background",
                    got="another start that does not end",
                    wanted="to be alone",
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _recorded(folder: Path) -> Any:
    """The process that is remembered, if it is still that one; None otherwise."""
    try:
        found = json.loads(_record(folder).read_text(encoding="utf-8"))
        process = psutil.Process(int(found["pid"]))
        same = (
            abs(process.create_time() - float(found["began"])) < 1 and _MODULE in process.cmdline()
        )
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def _record(folder: Path) -> Path:
    return folder / "serve.json"


def _folder(state_dir: Path | str | None) -> Path:
    return Path(state_dir).absolute() if state_dir else user_state_path("casnb", appauthor=False)


def _state_of(args: Sequence[str]) -> str | None:
    """What `--state` says among the arguments of `casnb serve`."""
    for n, word in enumerate(args):
        if word.startswith("--state="):
            return word[len("--state=") :]
        if word == "--state" and n + 1 < len(args):
            return args[n + 1]
    return None
