"""The file of attested CASes and the client's identity: `~/.cas/config.json`, in the form that
the SCONE CLI uses.

It is as good as a key: whoever writes it chooses which CAS is trusted. So it is readable by its
owner alone, changed under a lock and replaced as a whole; an entry is believed only with the
evidence that made it, what is not ours in it is kept as it was, and a new root key under a known
name is refused until somebody says that it is meant.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import EvidenceError, PolicyError, SourceError, UsageError, own_file
from casnb.base.files import replace_file
from casnb.base.view import Shown, html_table, text_table
from casnb.cas.attest import AttestedCas
from casnb.cas.client_identity import ClientIdentity
from casnb.cas.entry import OURS, is_simulated, members, read_entry, require_here

#: A file with a thousand attested CASes has about 8 MB.
FILE_LIMIT = 16 << 20
_LOCK_SECONDS = 10.0


class TrustStore(Shown):
    """The file of attested CASes; `path` is SCONE_CLI_CONFIG or `~/.cas/config.json` unless
    given.

    Every change rereads the file under a lock (`config.json.lock`), keeps members it does not
    know, and replaces the file as a whole, mode 0600. A file that cannot be read as what it
    should be, or that others could have written, is never overwritten, and a SourceError. A
    simulated CAS is kept for loopback addresses alone, and never becomes the default one in the
    reader's own file or beside a CAS that is not simulated.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        chosen = path or os.environ.get("SCONE_CLI_CONFIG") or _own_path()
        self.path = Path(chosen).expanduser()

    # Reading

    def _load(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                # Of the open file, not of its name, which somebody could change in between.
                self._require_private(os.fstat(file.fileno()), "file")
                data = file.read(FILE_LIMIT + 1)
            for folder in {self.path.absolute().parent, self.path.resolve().parent}:
                self._require_private(folder.stat(), "folder")
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise self._trouble(exc, "a file that can be read") from None
        what = f"trust file {self.path}"
        with own_file(""):
            found = strictjson.loads(data, what, limit=FILE_LIMIT)
            if not isinstance(found, dict):
                raise EvidenceError(what, got=type(found).__name__, wanted="a JSON object")
            for name, kind in (
                ("cas_db", dict),
                ("default_cas", (str, type(None))),
                ("identity", str),
            ):
                if name in found:
                    strictjson.member(found, name, kind, what)
            return found

    def _require_private(self, found: os.stat_result, what: str) -> None:
        """Raise SourceError where somebody else owns it or may write it: who does chooses which
        CAS is trusted.
        """
        if not hasattr(os, "getuid"):  # pragma: no cover - Windows has other rights
            return
        others = bool(found.st_mode & stat.S_IWOTH) and not (
            what == "folder" and found.st_mode & stat.S_ISVTX
        )
        # A group of the owner's own name is how many systems set up accounts.
        group = bool(found.st_mode & stat.S_IWGRP) and found.st_gid != found.st_uid
        if found.st_uid not in (os.getuid(), 0):
            got = f"a {what} that belongs to another account (uid {found.st_uid})"
        elif others or (group and found.st_uid != 0):
            got = f"a {what} that others may write (mode {stat.S_IMODE(found.st_mode):o})"
        else:
            return
        raise SourceError(
            f"trust file {self.path}",
            got=got,
            wanted=f"a {what} that you alone may write",
            do="Whoever writes it chooses which CAS is trusted: look at it, then chmod go-w.",
        )

    def names(self) -> tuple[str, ...]:
        """Return the addresses of all attested CASes, as they were typed."""
        return tuple(self._load().get("cas_db", {}))

    @property
    def default(self) -> str | None:
        """The address used where none is named: that of the first CAS attested, unless changed."""
        value = self._load().get("default_cas")
        return str(value) if value else None

    def get(self, name: str | None = None) -> AttestedCas:
        """Return the pin of one CAS, by its address as typed, or of the default one.

        Raises UsageError where it was never attested, SourceError where its entry is damaged,
        PolicyError for a simulated CAS that is not on this machine.
        """
        found = self._load()
        entries = found.get("cas_db", {})
        wanted = name if name is not None else found.get("default_cas")
        if not wanted or wanted not in entries:
            known = ", ".join(list(entries)[:20])
            raise UsageError(
                f"CAS {wanted}" if wanted else "CAS",
                got="one that was not attested",
                wanted=f"one of {known}" if known else "an attested CAS",
                do="Run scone cas attest first.",
            )
        with own_file(""):
            pin = read_entry(
                str(wanted), entries[wanted], f"trust file {self.path}: cas_db.{wanted}"
            )
        if pin.simulated:
            require_here(pin)
        return pin

    # Changing

    def add(self, attested: AttestedCas, *, replace: bool = False) -> AttestedCas | None:
        """Store an attested CAS under its name, and return the pin that stood there; the first
        one becomes the default.

        Where a pin with another root key stands under that name, PolicyError says what that may
        mean and what to do; only `replace` puts the new one in its place. A new instance key
        under the same root is an update, and stored. An entry that is damaged is replaced:
        nothing can be said of it.
        """
        if attested.simulated:
            require_here(attested)
        before: list[AttestedCas] = []

        def change(found: dict[str, Any]) -> None:
            entries = found.setdefault("cas_db", {})
            with suppress(EvidenceError):
                if attested.name in entries:
                    before.append(read_entry(attested.name, entries[attested.name], "entry"))
            if (
                before
                and not replace
                and before[0].chain.key_hashes[0] != attested.chain.key_hashes[0]
            ):
                raise _changed(before[0], attested)
            if self._may_be_default(found, attested):
                found["default_cas"] = attested.name
            old = entries.get(attested.name)
            kept = old if isinstance(old, dict) else {}
            entries[attested.name] = {
                **members(attested),
                **{k: v for k, v in kept.items() if k not in OURS},
            }

        self._change(change)
        return before[0] if before else None

    def _may_be_default(self, found: dict[str, Any], attested: AttestedCas) -> bool:
        """Whether a CAS that is stored becomes the default one: the first does, and one that is
        not simulated takes that from a simulated one.
        """
        entries = found["cas_db"]
        others = [is_simulated(e) for name, e in entries.items() if name != attested.name]
        if attested.simulated:
            alone = all(others) and not self._readers_own()
            return alone and not found.get("default_cas")
        default = found.get("default_cas")
        return not default or default not in entries or is_simulated(entries[default])

    def _readers_own(self) -> bool:
        """Whether this is the file that the reader's real CASes are in."""
        return self.path.resolve() == _own_path().resolve()

    def set_default(self, name: str) -> None:
        """Make an attested CAS the default one; raise UsageError for one that was not attested,
        PolicyError for a simulated one in the reader's own file.
        """

        def change(found: dict[str, Any]) -> None:
            if name not in found.get("cas_db", {}):
                raise UsageError(
                    f"CAS {name}",
                    got="one that was not attested",
                    wanted="an attested CAS",
                    do="Run scone cas attest first.",
                )
            if self._readers_own() and is_simulated(found["cas_db"][name]):
                raise PolicyError(
                    f"CAS {name}",
                    got="a simulated one",
                    wanted="no simulated default in your own file",
                    do="Name it in each command, or use the SCONE_CLI_CONFIG of casnb serve.",
                )
            found["default_cas"] = name

        self._change(change)

    def identity(self) -> ClientIdentity:
        """Return the client's key and certificate, made and stored the first time."""
        found = self._load()
        if "identity" not in found:
            found = self._change(lambda _: None)
        with own_file(f"trust file {self.path}"):
            return ClientIdentity.from_pem(found["identity"])

    def _change(self, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        with self._locked():
            found = self._load()
            change(found)
            if "identity" not in found:
                found["identity"] = ClientIdentity.create().pem
            order = ("default_cas", "identity", "cas_db")
            found = {
                **{n: found[n] for n in order if n in found},
                "cas_db": found.get("cas_db", {}),
                **{n: v for n, v in found.items() if n not in order},
            }
            self._write(json.dumps(found, indent=2).encode() + b"\n")
            return found

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = open_lock(self.path.with_name(self.path.name + ".lock"))
        except OSError as exc:
            raise self._trouble(exc, "a folder that can be written") from None
        try:
            end = time.monotonic() + _LOCK_SECONDS
            while not _lock(handle):
                if time.monotonic() > end:
                    raise SourceError(
                        f"trust file {self.path}",
                        got="a lock that another process holds",
                        wanted="the lock",
                        do="Is another command waiting for input?",
                    )
                time.sleep(0.01)
            yield
        finally:
            os.close(handle)

    def _write(self, data: bytes) -> None:
        """Write beside the file, flush to disk, then take its place; on any failure the old file
        stands as it was.
        """
        try:
            replace_file(self.path, data, mode=0o600)
        except OSError as exc:
            raise self._trouble(exc, "a file that can be written") from None

    def _trouble(self, exc: OSError, wanted: str) -> SourceError:
        return SourceError(
            f"trust file {self.path}",
            got=exc.strerror or type(exc).__name__,
            wanted=wanted,
            do="What was there before is untouched.",
        )

    # How it shows

    def _table(self) -> list[tuple[str, str, str]]:
        found = self._load()
        rows = []
        for name, value in found.get("cas_db", {}).items():
            mark = "default" if name == found.get("default_cas") else ""
            try:
                rows.append((name, mark, read_entry(name, value, "entry").sentence))
            except EvidenceError as exc:
                rows.append((name, mark, f"damaged: {exc}"))
        return rows

    def __repr__(self) -> str:
        return f"<TrustStore {self.path}>"

    def __str__(self) -> str:
        return text_table(("attested CAS", "", "conditions"), self._table())

    def _html(self) -> str:
        return html_table(
            ("attested CAS", "", "conditions"),
            self._table(),
            f"Attested CASes in {self.path}",
            code=(0,),
        )


def _own_path() -> Path:
    return Path.home() / ".cas" / "config.json"


def _changed(old: AttestedCas, new: AttestedCas) -> PolicyError:
    """What to say where a CAS has another root key than the one remembered."""
    when = f", attested {old.attested_at:%Y-%m-%d}" if old.attested_at else ""
    extra = sorted({w.check for w in new.waivers or ()} - {w.check for w in old.waivers or ()})
    weaker = (
        f" The new one also waives {', '.join(extra)}." if extra and old.waivers is not None else ""
    )
    return PolicyError(
        f"CAS {old.name}: its root key has changed, and the pin is kept",
        got=f"key hash {new.chain.key_hashes[0]}",
        wanted=f"{old.chain.key_hashes[0]}{when}",
        do=(
            f"It may have been set up again, be another instance, or be somebody else's.{weaker}"
            " Ask its operator for the key hash. If it is this one, attest again and name it: scone"
            " cas attest -c HASH (in Python: add(..., replace=True))."
        ),
    )


def open_lock(path: Path) -> int:
    """Open a lock file of our own, made where there is none, mode 0600; OSError where a link
    stands there, which somebody else may have put up.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o600)


def _lock(handle: int) -> bool:
    """Try once to take the lock; closing the handle gives it back."""
    try:
        if os.name == "nt":  # pragma: no cover - other branch elsewhere
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
