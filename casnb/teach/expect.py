"""A planned failure must fail: `expect_error` shows the error calmly, and is itself an error if
there was none.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.view import Shown, cell


class Expected(Shown):
    """An error that a lesson meant to happen."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def kind(self) -> str:
        return type(self.error).__name__

    def __str__(self) -> str:
        return f"As planned, {self.kind}: {neutral(self.error, 1200)}"

    __repr__ = __str__

    def _html(self) -> str:
        kind = cell(self.kind)
        return (
            f'<div class="expected" data-error="{kind}"><span class="s'
            f' s-failed">\N{MULTIPLICATION X} {kind}</span> {cell(self.error, 1200)}</div>'
        )


class expect_error:
    """Run a block that must raise one of `kinds` (left out: any CasnbError), show the error and
    go on.

    Raises AssertionError if the block ends without an error; an error of another kind passes
    through. The error is kept as `.error`. `show=False` keeps quiet.

    Example: `with expect_error(EvidenceError): decode(report[:-1])`
    """

    def __init__(self, *kinds: type[BaseException], show: bool = True) -> None:
        if not all(isinstance(k, type) and issubclass(k, BaseException) for k in kinds):
            raise UsageError("expect_error", got=repr(kinds)[:80], wanted="exception classes")
        self.kinds = kinds or (CasnbError,)
        self.show = show
        self.error: BaseException | None = None

    def __enter__(self) -> expect_error:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        wanted = " or ".join(k.__name__ for k in self.kinds)
        if error is None:
            raise AssertionError(
                f"expected {wanted}, and nothing was raised: this text or this code is out of date"
            )
        if not isinstance(error, self.kinds):
            return False
        self.error = error.with_traceback(None)
        if self.show:
            _display(Expected(error))
        return True


def _display(value: Any) -> None:
    from IPython.display import display

    display(value)  # type: ignore[no-untyped-call]
