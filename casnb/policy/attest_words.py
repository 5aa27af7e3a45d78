"""The words of a `scone cas attest` line, read into the members of a policy."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

from casnb.base.errors import UsageError
from casnb.policy.attest_options import POLICY
from casnb.policy.flags import FLAGS, NEWER

#: A pasted command has a few dozen words; argparse takes the square of their number.
_WORDS = 2000


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"scone cas attest: {message}")


def _parser() -> _Parser:
    # With a usage given, argparse does not measure the terminal to make one at every line.
    parser = _Parser(
        usage="scone cas attest",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for flag in (*FLAGS, *NEWER):
        names = [f"-{flag.short}"] if flag.short else []
        parser.add_argument(*names, f"--{flag.name}", dest=flag.attribute, action="store_true")
    for o in POLICY:
        if o.value:
            action = "append" if o.repeated else "store"
            parser.add_argument(*o.names, dest=o.attribute, type=o.kind.read, action=action)
        else:
            parser.add_argument(*o.names, dest=o.attribute, action="store_true")
    for name in ("--offline-report", "--retries"):
        parser.add_argument(name)
    parser.add_argument("address", nargs="*", default=[])
    return parser


class _Own(threading.local):
    """A parser for each thread: `parse_intermixed_args` changes its parser while it reads."""

    def __init__(self) -> None:
        self.parser = _parser()


_own = _Own()


def read_words(args: Sequence[str]) -> dict[str, Any]:
    """Return the members of a policy that the words give, by name, and no others; address,
    `--offline-report` and `--retries` are left aside.

    A second word after the address is an MRENCLAVE, as in old pages. Raises UsageError for an
    option that casnb does not know.
    """
    words = list(args)
    if words[:3] == ["scone", "cas", "attest"]:
        del words[:3]
    if len(words) > _WORDS:
        raise UsageError("scone cas attest", got=f"{len(words)} words", wanted=f"at most {_WORDS}")
    found = vars(_own.parser.parse_intermixed_args(words))
    _, *old = found.pop("address") or [""]
    if len(old) > 1:
        raise UsageError("scone cas attest", got="more than one address", wanted="one")
    for name in ("offline_report", "retries"):
        found.pop(name, None)
    if given := (*found.pop("mrenclaves", ()), *old):
        found["mrenclaves"] = given
    return found
