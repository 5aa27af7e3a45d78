"""The byte explorer as a widget: bytes, fields and checks linked, navigated by mouse or arrow keys,
read from Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshotted
from casnb.checks.result import Check
from casnb.teach.explorer.bytemap import ByteMap
from casnb.teach.explorer.payload import payload, with_bytes
from casnb.teach.explorer.view import View, announce, view

_HERE = Path(__file__).parent
LAYERS = ("meaning", "expected", "second", "changes")
#: So many lines of what was changed are kept.
LOG_LIMIT = 200


class ByteExplorer(Snapshotted, anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Bytes to explore. Without a front end, the same content is shown as a collapsible table.

    `data`: the bytes. `selected`: the offset under the cursor, -1 while nobody chose one; `field`
    names the field it belongs to. `check`: the id of the check whose bytes are lit, or empty.
    `layer`: one of LAYERS. `expected`: field id to hex text or integer. `compare`: bytes of a
    second piece of evidence, empty for none; `original`: the bytes before the first change.
    `editable`: whether bytes can be changed on the page. `log`: what was changed, one line each.
    `fields` and `checks` are computed. All travel to the page; `selected`, `check`, `layer` and
    `data` also back. `judge`, if given, is asked for the checks of changed bytes before they are
    shown.

    Example: `explorer = ByteExplorer(report, result)`, then `explorer` at the end of a cell;
    later `explorer.selected`.
    """

    _esm = _HERE / "bytes.js"

    #: The style sheet, which the module puts on the page once. As `_css` it would come again with
    #: each explorer, and the whole page would be styled and painted again.
    sheet = traitlets.Unicode(read_only=True).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
    fields: Any = traitlets.List().tag(sync=True)
    checks: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    check = traitlets.Unicode("").tag(sync=True)
    layer = traitlets.Enum(LAYERS, default_value="meaning").tag(sync=True)
    expected = traitlets.Dict().tag(sync=True)
    compare = traitlets.Bytes(b"").tag(sync=True)
    original = traitlets.Bytes(b"").tag(sync=True)
    editable = traitlets.Bool(False).tag(sync=True)
    log = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        evidence: object = b"",
        result: Any = None,
        *,
        editable: bool = False,
        layer: str = "meaning",
        judge: Callable[[bytes], Sequence[Check]] | None = None,
        **layers: Any,
    ) -> None:
        first = evidence if isinstance(evidence, View) else view(evidence, result, **layers)
        self._view, self._judge = first, judge
        super().__init__(
            title=first.map.name,
            data=first.map.data,
            selected=first.selected,
            check=first.check,
            layer=layer,
            expected={k: v.hex() if isinstance(v, bytes) else v for k, v in first.expected.items()},
            compare=first.compare or b"",
            original=first.original or b"",
            editable=editable,
            _dom_classes=("t-bytes",),
            **payload(first),
        )
        self.on_msg(self._message)

    @traitlets.default("sheet")
    def _sheet(self) -> str:
        return (_HERE / "bytes.css").read_text(encoding="utf-8")

    # What a lesson reads

    @property
    def view(self) -> View:
        """What is seen now, as a plain value."""
        return self._view

    @property
    def map(self) -> ByteMap:
        return self._view.map

    @property
    def field(self) -> str:
        """The id of the field under the cursor; empty while nothing is selected."""
        return self._view.field

    def snapshot(self) -> View:
        """Return the present state as something that stays readable in an export."""
        return self._view

    # What a lesson, or the page, does

    def select(self, place: int | str) -> None:
        """Put the cursor on an offset, or on the first byte of a field."""
        self.selected = place if isinstance(place, int) else self.map.spot(place).offset
        self.renew()

    def light(self, check: str = "") -> None:
        """Light the bytes that a check looks at; without an id, none."""
        self.check = check
        self.renew()

    def edit(self, offset: int, value: int) -> None:
        """Change one byte; raise UsageError for an offset or a value that does not exist, or
        where nothing may be changed.
        """
        if not self.editable:
            raise UsageError(
                "explorer", got="a change", wanted="an explorer made with editable=True"
            )
        self.map.at(offset)
        if not 0 <= value <= 255:
            raise UsageError("byte", got=value, wanted="0 to 255")
        self.data = self.data[:offset] + bytes((value,)) + self.data[offset + 1 :]

    def flip(self, offset: int, bit: int = 1) -> None:
        """Flip the bit of this value (1, 2, 4, ... 128) in one byte."""
        self.map.at(offset)
        self.edit(offset, self.data[offset] ^ bit)

    def restore(self) -> None:
        """Restore every byte."""
        if self.original:
            self.data = self.original

    def show(self, changed: View) -> None:
        """Show another view of the same bytes, with other checks or layers."""
        self._view = changed
        with self.hold_sync():
            self.data, self.original = changed.map.data, changed.original or b""
            self.set_trait("fields", (told := payload(changed))["fields"])
            self.set_trait("checks", told["checks"])

    @traitlets.validate("data")
    def _length(self, proposal: Any) -> bytes:
        value = bytes(proposal["value"])
        if len(value) != len(self._view.map.data):
            raise traitlets.TraitError(
                f"data: got {len(value)} bytes, wanted {len(self._view.map.data)}"
            )
        return value

    @traitlets.validate("selected")
    def _inside(self, proposal: Any) -> int:
        at = int(proposal["value"])
        return at if -1 <= at < len(self._view.map.data) else self.selected

    @traitlets.validate("check")
    def _known(self, proposal: Any) -> str:
        check = str(proposal["value"])
        if check and check not in self._view.map.checks:
            raise traitlets.TraitError(
                f"check: got {neutral(check, 60)}, wanted one of {', '.join(self._view.map.checks)}"
            )
        return check

    @traitlets.observe("selected", "check")
    def _moved(self, change: Any) -> None:
        if change["new"] != getattr(self._view, change["name"]):
            self._view = replace(self._view, **{change["name"]: change["new"]})

    @traitlets.observe("data")
    def _changed(self, change: Any) -> None:
        new = change["new"]
        if new == self._view.map.data:
            return
        lines, changed = self._lines(self._view.map.data, new), with_bytes(self._view, new)
        if self._judge is not None:
            changed = replace(changed, checks=tuple(self._judge(new)))
        with self.hold_sync():
            self.log = [*self.log, *lines][-LOG_LIMIT:]
            self.show(changed)
        self.renew()

    def _lines(self, old: bytes, new: bytes) -> list[str]:
        places = [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        if len(places) > 8:
            return [f"{len(places)} bytes changed, {places[0]} to {places[-1]}"]
        return [f"byte {n} ({self.map.at(n).id}): {old[n]:02x} to {new[n]:02x}" for n in places]

    def _message(self, _: Any, content: Any, __: Any) -> None:
        """What the page's buttons ask for."""
        try:
            if isinstance(content, dict) and content.get("event") == "restore":
                self.restore()
        except CasnbError as exc:
            self.log = [*self.log, neutral(exc, 300)]

    def __repr__(self) -> str:
        where = (
            f", {announce(self._view, self.map.at(self.selected))}" if self.selected >= 0 else ""
        )
        return f"<ByteExplorer {self.map.name}, {len(self.data)} bytes{where}>"
