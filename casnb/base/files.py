"""Files written as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def replace_file(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Write a file beside the old one, flush it to disk, and let it take the old one's place (text
    as UTF-8); raise OSError where that fails, and leave the old file as it was.

    A link is followed. `mode` are the new file's rights; left out, the old file's, or what the
    process's umask leaves. A device or a pipe is written to, never replaced.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    with replacing(path, mode=mode) as put:
        put(data)


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Callable[[bytes], None]]:
    """Yield what writes a file piece by piece, so that nobody holds it whole; at the end it takes
    the old one's place as `replace_file` has it. Where the block raises, the old one stays.
    """
    path = path.resolve()
    if mode is None:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        try:

            def put(data: bytes) -> None:
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]

            yield put
            # Before the renaming: a crash must not leave the new name with no content behind it.
            os.fsync(handle)
        finally:
            os.close(handle)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make the renaming itself last, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
