"""The byte explorer without a front end: a view on a byte map. Text, static HTML and the widget
are renderings of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown, cell, short, text_table
from casnb.checks.result import AttestationResult, Check
from casnb.checks.view import describe
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import decode
from casnb.evidence.report import ATTRIBUTE_BITS
from casnb.teach.explorer.bytemap import ByteMap, Spot, byte_map, check_title
from casnb.teach.explorer.calculator import Calculation
from casnb.verify.proof import Proof

if TYPE_CHECKING:
    from casnb.measure.measurement import Measurement

#: A static form lists at most so many fields; the widget shows them all.
FIELD_LIMIT = 120
VALUE = 200
#: What is set in a fixed-width face.
CODE = frozenset(
    {
        "value",
        "Python",
        "shell",
        *(f"calculator, {k}" for k in ("JSON", "SHA-512", "report_data", "Python", "shell")),
    }
)


@dataclass(frozen=True)
class View(Shown):
    """Bytes as a reader looks at them. Each layer that is given adds to what a field says.

    `selected` is an offset (-1: none), `check` the id of a check whose bytes are lit. `checks`
    are results to show beside the fields, `expected` values to compare fields with (id to bytes
    or integer), `compare` a second piece of evidence of the same kind, `original` the bytes
    before somebody changed them. `report` is the CAS report around the evidence: then
    report_data is recomputed beside the field.
    """

    map: ByteMap
    selected: int = -1
    check: str = ""
    checks: tuple[Check, ...] = field(default=(), repr=False)
    expected: Mapping[str, bytes | int] = field(default_factory=dict, repr=False)
    compare: bytes | None = field(default=None, repr=False)
    original: bytes | None = field(default=None, repr=False)
    report: CasReport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.selected != -1:
            self.map.at(self.selected)
        if self.check and self.check not in self.map.checks:
            raise UsageError("check", got=self.check, wanted="one of " + ", ".join(self.map.checks))
        for id in self.expected:
            self.map.spot(id)

    @property
    def field(self) -> str:
        """The id of the selected field; empty where nothing is selected."""
        return self.map.at(self.selected).id if self.selected >= 0 else ""

    @property
    def lit(self) -> frozenset[int]:
        """The offsets that the chosen check looks at."""
        return (
            frozenset(n for a, b in self.map.ranges(self.check) for n in range(a, b))
            if self.check
            else frozenset()
        )

    def result(self, check: str) -> Check | None:
        """What became of a check, where a result was given."""
        return next((c for c in self.checks if c.id == check), None)

    def wanted(self, spot: Spot) -> str:
        """Say how a field stands to its expected value, or return an empty string."""
        if spot.id not in self.expected:
            return ""
        want, number = self.expected[spot.id], spot.number(self.map.data)
        got = spot.cut(self.map.data) if isinstance(want, bytes) else number
        if got == want:
            return "equals the expected value"
        said = want.hex() if isinstance(want, bytes) else str(want)
        return f"differs from the expected value {short(said, 16)}"

    def changed(self, spot: Spot, other: bytes | None) -> int:
        """Return in how many bytes a field differs from other bytes; 0 where there are none."""
        if other is None:
            return 0
        mine, theirs = spot.cut(self.map.data), spot.cut(other)
        return sum(a != b for a, b in zip(mine, theirs, strict=False)) + abs(
            len(mine) - len(theirs)
        )

    def __str__(self) -> str:
        return render_text(self)

    def __repr__(self) -> str:
        return f"<View {self.map.name}, {len(self.map.data)} bytes" + (
            f", {self.field} selected>" if self.field else ">"
        )

    def _html(self) -> str:
        return render_html(self)


def view(
    evidence: object, result: AttestationResult | Proof | Measurement | None = None, **layers: Any
) -> View:
    """Return a view on a piece of evidence, or on bytes that `decode` reads; `result` brings the
    checks.

    `compare` may be evidence too. Further layers are View's: `expected`, `selected`, `check`.

    >>> view(bytes(384), selected=64).field
    'mr_enclave'
    """
    value = (
        decode(bytes(evidence))
        if isinstance(evidence, (bytes, bytearray)) and evidence[:1] == b"{"
        else evidence
    )
    if isinstance(value, CasReport):
        layers.setdefault("report", value)
    found = value if isinstance(value, ByteMap) else byte_map(value)
    other = layers.pop("compare", None)
    if other is not None:
        other = other.data if isinstance(other, ByteMap) else byte_map(other).data
    return View(found, checks=result.checks if result is not None else (), compare=other, **layers)


def reproduce(spot: Spot, noun: str) -> tuple[str, str]:
    """Return the lines that cut a field by hand: Python on a variable, shell on a file, both
    named `noun`.
    """
    python = f"{noun}[{spot.offset}:{spot.end}]"
    if spot.field.kind in ("u16", "u32", "u64"):
        python = f'int.from_bytes({python}, "little")'
    elif spot.reserved:
        python = f"any({python})"
    else:
        python += ".hex()"
    columns = f" -c {min(spot.size, 256)}" if spot.size > 30 else ""
    return python, f"xxd -s {spot.offset} -l {spot.size} -p{columns} {noun}.bin"


def explain(view: View, spot: Spot) -> list[tuple[str, str]]:
    """Return all there is to say of a field, as headings and texts. The texts may hold what an
    outsider wrote.
    """
    data, f = view.map.data, spot.field
    last = spot.end - 1
    where = (
        f"byte {last}"
        if spot.size == 1
        else f"bytes {spot.offset} to {last}"
        if spot.size
        else f"none, at {last + 1}"
    )
    rows = [
        ("where", f"{where}, {spot.size} in all, in {spot.part}"),
        ("value", neutral(spot.show(data), VALUE)),
        ("meaning", f.meaning),
        ("more", f.detail),
    ]
    if spot.name == "attributes_flags":
        number = spot.number(data) or 0
        bits = (
            (f"byte {spot.offset + n // 8}, {1 << n % 8:02x} {name}", number >> n & 1)
            for n, name, _ in ATTRIBUTE_BITS
        )
        rows.append(("bits", "; ".join(f"{said}: {'set' if on else 'clear'}" for said, on in bits)))
    rows += [("check", _looks(view, c, "compares it")) for c in spot.checks]
    rows += [("check", _looks(view, c, "covers it")) for c in spot.covered]
    if not spot.checks and not spot.covered:
        rows.append(("check", "none looks at these bytes"))
    if wanted := view.wanted(spot):
        rows.append(("expected", wanted))
    if view.compare is not None:
        n = view.changed(spot, view.compare)
        there = neutral(spot.show(view.compare), VALUE)
        rows.append(
            ("second", f"{n} of {spot.size} bytes differ; there: {there}" if n else "the same")
        )
    if n := view.changed(spot, view.original):
        assert view.original is not None
        rows.append(
            (
                "changed",
                f"{n} of {spot.size} bytes; it was {neutral(spot.show(view.original), VALUE)}",
            )
        )
    if spot.id == "report_data" and view.report is not None:
        rows += [
            (f"calculator, {k}", v) for k, v in Calculation.of(view.report, spot.cut(data)).rows()
        ]
    python, shell = reproduce(spot, view.map.noun)
    return [
        (k, v) for k, v in (*rows, ("Python", python), ("shell", shell), ("source", f.source)) if v
    ]


def _looks(view: View, check: str, how: str) -> str:
    result = view.result(check)
    return f"{check} {how}" + (
        f": {result.status.label}, {neutral(describe(result), 160)}" if result is not None else ""
    )


def announce(view: View, spot: Spot) -> str:
    """Return what a screen reader is told when the cursor enters a field: where, what, and how
    it stands.
    """
    parts = [
        f"bytes {spot.offset} to {spot.end - 1}" if spot.size > 1 else f"byte {spot.offset}",
        spot.id.replace(".", ", "),
    ]
    if view.wanted(spot):
        parts.append(view.wanted(spot).partition(" value")[0] + " value")
    parts += [
        f"{c} {found.status.label.lower()}"
        for c in spot.checks
        if (found := view.result(c)) is not None
    ]
    if n := view.changed(spot, view.compare):
        parts.append(f"{n} byte{'s differ' if n > 1 else ' differs'} from the second")
    if n := view.changed(spot, view.original):
        parts.append(f"{n} byte{'s' if n > 1 else ''} changed")
    return ", ".join(parts)


def announce_check(view: View, check: str) -> str:
    """Return which bytes a check looks at, in words."""
    return f"{check}, {check_title(check)[0]}: looks at {places(view.map.ranges(check))}"


def places(ranges: Sequence[tuple[int, int]]) -> str:
    """Return stretches in words: `byte 96`, `bytes 0 to 431 and 436 to 563`."""
    said = [str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in ranges]
    noun = "byte" if said and said[0].isdigit() and len(said) == 1 else "bytes"
    return (
        f"{noun} {', '.join(said[:-1])} and {said[-1]}"
        if len(said) > 1
        else f"{noun} {''.join(said)}"
    )


def _mark(view: View, spot: Spot) -> str:
    """Say in a word or two what is special about a row; never by colour alone."""
    marks = ["selected"] if spot.id == view.field else []
    if view.check and spot in view.map.seen_by(view.check):
        marks.append("lit")
    if wanted := view.wanted(spot):
        marks.append("equal" if wanted.startswith("equals") else "differs")
    if view.changed(spot, view.compare):
        marks.append("not as the second")
    if view.changed(spot, view.original):
        marks.append("changed")
    return ", ".join(marks)


def _checks(view: View, spot: Spot) -> str:
    said = []
    for c in spot.checks:
        found = view.result(c)
        said.append(f"{c} {found.status.label}" if found is not None else c)
    return ", ".join(said)


_HEADER = ("offset", "size", "field", "value", "checks", "mark")


def _rows(view: View) -> list[tuple[str, ...]]:
    return [
        (
            str(s.offset),
            str(s.size),
            s.id,
            short(neutral(s.show(view.map.data), VALUE), 16),
            _checks(view, s),
            _mark(view, s),
        )
        for s in view.map.spots[:FIELD_LIMIT]
    ]


def _title(view: View) -> str:
    lit = f"; lit: {announce_check(view, view.check)}" if view.check else ""
    return f"{view.map.name}, {len(view.map.data)} bytes{lit}"


def _left(view: View) -> str:
    left = len(view.map.spots) - FIELD_LIMIT
    return f"{left} further fields" if left > 0 else ""


def render_text(view: View) -> str:
    """Return the table of fields, and below it what there is to say of the selected one."""
    lines = [
        neutral(_title(view), 600),
        text_table(_HEADER, _rows(view)),
        *([_left(view)] if _left(view) else []),
    ]
    if view.field:
        rows = explain(view, view.map.spot(view.field))
        lines += [
            "",
            neutral(view.field, 120),
            *(f"  {k + ':':<10}{neutral(v, 500)}" for k, v in rows),
        ]
    return "\n".join(lines)


def render_html(view: View) -> str:
    """Return the same as a table whose field names unfold, and a dump of the bytes; it needs no
    script.
    """
    head = "".join(f'<th scope="col">{h}</th>' for h in _HEADER)
    out = [
        f'<table class="bytes"><caption>{cell(_title(view), 600)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>"
    ]
    for spot, row in zip(view.map.spots, _rows(view), strict=False):
        opened = " open" if spot.id == view.field else ""
        name = (
            f"<details{opened}><summary><code>{cell(row[2])}</code></summary>"
            f"<dl>{_terms(view, spot)}</dl></details>"
        )
        out.append(
            f'<tr data-field="{cell(spot.id)}"><td>{row[0]}</td><td>{row[1]}</td><td>{name}</td>'
            f"<td><code{_WHOLE if len(row[3]) <= 40 else ''}>{cell(row[3])}</code></td>"
            f"<td>{cell(row[4])}</td><td>{cell(row[5])}</td></tr>"
        )
    left = f"<p>{cell(_left(view))}</p>" if _left(view) else ""
    folded = (
        "<details><summary>The bytes, sixteen a"
        f" line</summary><pre>{escape(dump(view))}</pre></details>"
    )
    return f"{''.join(out)}</tbody></table>{left}{folded}"


_WHOLE = ' style="white-space:nowrap"'


def _terms(view: View, spot: Spot) -> str:
    def said(key: str, text: str) -> str:
        return f'<code class="long">{cell(text, 500)}</code>' if key in CODE else cell(text, 500)

    return "".join(f"<dt>{cell(k)}</dt><dd>{said(k, v)}</dd>" for k, v in explain(view, spot))


def dump(view: View, limit: int = 1024) -> str:
    """Return offset, hex and the fields that begin in each line, as plain text.

    Bytes that the chosen check looks at stand in brackets.
    """
    data, lit, lines = view.map.data, view.lit, []
    for at in range(0, min(len(data), limit), 16):
        form = "[{:02x}]", " {:02x} " if lit else "{:02x} "
        text = "".join(form[at + n not in lit].format(b) for n, b in enumerate(data[at : at + 16]))
        names = " ".join(neutral(s.id, 60) for s in view.map.spots if at <= s.offset < at + 16)
        lines.append(f"{at:5d}  {text.ljust(64 if lit else 48)}  {names}".rstrip())
    more = len(data) - limit
    return "\n".join([*lines, *([f"... {more} further bytes"] if more > 0 else [])])
