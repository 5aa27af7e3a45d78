"""Whoever may write the trust file chooses which CAS is trusted: owner, mode and links count."""

from __future__ import annotations

import os

import pytest

from casnb import SourceError
from casnb.cas.trust import TrustStore, open_lock

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other rights")


@pytest.fixture
def store(tmp_path) -> TrustStore:
    """A store whose identity is made, in a folder of its own."""
    made = TrustStore(tmp_path / "cas" / "config.json")
    made.identity()
    return made


@pytest.mark.parametrize(
    ("what", "mode", "refused"),
    [
        ("file", 0o600, False),
        ("file", 0o644, False),
        ("file", 0o602, True),
        ("file", 0o666, True),
        ("folder", 0o755, False),
        ("folder", 0o777, True),
        ("folder", 0o1777, False),
    ],
    ids=lambda v: f"{v:o}" if isinstance(v, int) and not isinstance(v, bool) else str(v),
)
def test_what_others_may_write_is_not_believed(store, what, mode, refused):
    """A file or folder that everybody may write is no ground to trust; a sticky folder is one."""
    (store.path if what == "file" else store.path.parent).chmod(mode)
    if not refused:
        assert store.names() == ()
        return
    with pytest.raises(SourceError, match=f"a {what} that others may write"):
        store.names()


@pytest.mark.skipif(getattr(os, "getuid", lambda: 1)() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_account_is_not_believed(store, what):
    """Root reads no trust file that somebody else owns."""
    os.chown(store.path if what == "file" else store.path.parent, 65534, 65534)
    with pytest.raises(SourceError, match="belongs to another account"):
        store.names()


def test_a_link_to_a_folder_of_strangers_is_seen_through(store, tmp_path):
    """The rights of the folder that a link leads to count, not those of the link alone."""
    link = tmp_path / "own" / "config.json"
    link.parent.mkdir(mode=0o700)
    link.symlink_to(store.path)
    store.path.parent.chmod(0o777)
    with pytest.raises(SourceError, match="a folder that others may write"):
        TrustStore(link).names()


def test_no_lock_is_opened_through_a_link(store, tmp_path):
    """A link where the lock belongs may lead to a file of somebody's choice: nothing is made."""
    aim = tmp_path / "aim"
    lock = store.path.with_name(store.path.name + ".lock")
    lock.unlink()
    lock.symlink_to(aim)
    with pytest.raises(OSError):
        open_lock(lock)
    store.path.write_text("{}")
    with pytest.raises(SourceError):
        store.identity()
    assert not aim.exists()
