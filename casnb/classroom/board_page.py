"""The board and the projector's view as HTML, each a pure function of what they say; the shell that
a browser loads holds no data, only how to ask for it.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from casnb.base.errors import neutral
from casnb.base.view import prose, style
from casnb.classroom.board import (
    NONE,
    RIGHT_,
    Board,
    Cell,
    Held,
    Projector,
    Row,
    chapters,
    tries,
)
from casnb.classroom.document import page
from casnb.classroom.release import TITLES
from casnb.teach.course import exercises

_HERE = Path(__file__).parent
_PILL = {
    "right": ("s-passed", "\N{CHECK MARK} RIGHT"),
    "wrong": ("s-failed", "\N{MULTIPLICATION SIGN} WRONG"),
    "stuck": ("s-failed", "\N{MULTIPLICATION SIGN} STUCK"),
    "open": ("s-not-run", "\N{HORIZONTAL ELLIPSIS} OPEN"),
    "none": ("s-not-run", "NOT OPENED"),
}
_WORLD = {"running": "on", "idle": "", "dropped": "off"}


def shell(view: str) -> str:
    """Return the page that a browser loads: `view` is 'board' or 'projector'."""
    script = (_HERE / "board.js").read_text("utf-8")
    body = (
        f'<div class="class-{view}" data-view="{view}"><p class="small">Asking the class server'
        " \N{HORIZONTAL ELLIPSIS}</p></div>"
        '<p class="vh" role="status" id="live"></p>'
        "<noscript><p>The board lives: it needs JavaScript.</p></noscript>"
        f"<script>{script}</script>"
    )
    return page(f"casnb: {view}", body, head=style("board", _HERE))


def board_html(made: Board) -> str:
    """Return the board; every text of a student's is escaped and made neutral."""
    return (
        '<div class="bar0"><h1 data-p="head">'
        f'{_t(made.headline)}</h1><span class="small" data-p="sum">{_t(made.summary)}</span>'
        '<span class="sp"></span><span class="acts">'
        '<button type="button" id="names" aria-pressed="false">Names</button>'
        '<button type="button" id="hold" aria-pressed="false">Hold still</button>'
        '<button type="button" id="project">Projector view</button></span></div>'
        f'<div class="bd"><div>{_grid(made)}{_key(made)}'
        "<details><summary>The same as text</summary>"
        f'<pre data-p="text">{_lines(str(made))}</pre></details></div>'
        f'<div class="side">{_one(made)}{_beliefs(made)}</div></div>'
    )


def _grid(made: Board) -> str:
    ids = made.exercises
    starts = {sum(n for _, n in chapters(ids)[:k]) for k in range(1, len(chapters(ids)))}
    top = "".join(
        f'<th scope="colgroup" role="columnheader" colspan="{n}" class="chap"'
        f"{' data-ch' if k else ''}>{chapter} {_t(TITLES[chapter])}</th>"
        for k, (chapter, n) in enumerate(chapters(ids))
    )
    heads = "".join(
        f'<th scope="col" role="columnheader"{_ch(n, starts)}><span class="vh">{id},'
        f" {_t(exercises.exercise(id).title)}</span>"
        f'<span aria-hidden="true">{_soft(id.partition(".")[2])}</span></th>'
        for n, id in enumerate(ids)
    )
    sums = [
        (f"right, of {len(made.rows)}", 0),
        ("median tries", 1),
        ("median minutes", 2),
    ]
    medians = "".join(
        f'<tr role="row" class="sum"><th scope="row" role="rowheader" class="l">{word}</th>'
        + "".join(
            f'<td role="gridcell" data-p="m{which}/{id}"{_ch(n, starts)}>'
            f"{'' if made.medians[id][which] is None else made.medians[id][which]}</td>"
            for n, id in enumerate(ids)
        )
        + '<td role="gridcell" colspan="2"></td></tr>'
        for word, which in sums
    )
    rows = "".join(_row(row, starts, first=not n) for n, row in enumerate(made.rows))
    return (
        '<div class="wrapg"><table class="g3" role="grid" aria-label="'
        f'{len(made.rows)} students, {len(ids)} exercises; arrow keys move"><thead>'
        f'<tr role="row"><td role="gridcell"></td>{top}<td role="gridcell" colspan="2"></td></tr>'
        '<tr role="row"><th scope="col" role="columnheader" class="l"><span class="vh">student;'
        f" </span>stuck first</th>{heads}"
        '<th scope="col" role="columnheader" class="nn">right</th>'
        '<th scope="col" role="columnheader" class="l">world</th></tr></thead>'
        f'<tbody class="sums">{medians}</tbody><tbody id="rows">{rows}</tbody></table></div>'
    )


def _row(row: Row, starts: set[int], *, first: bool) -> str:
    who = _t(row.student)
    cells = "".join(
        f'<td role="gridcell"{_ch(n, starts)}>{_cell(row, c, 0 if first and not n else -1)}</td>'
        for n, c in enumerate(row.cells)
    )
    note = f"<b>{row.note}</b>" if row.state == "stuck" else row.note
    glyph = f'<i class="w {_WORLD.get(row.world, "none")}" aria-hidden="true"></i>'
    return (
        f'<tr role="row" data-s="{who}" data-p="r/{who}" data-stuck="{int(row.state == "stuck")}">'
        f'<th scope="row" role="rowheader"><span class="uid">{who}</span>'
        f' <span class="nm" data-name="{who}" hidden></span>'
        f'<span class="stt" data-p="n/{who}">{note}</span></th>{cells}'
        f'<td role="gridcell" class="n" data-p="t/{who}">{row.right}</td>'
        f'<td role="gridcell" class="wd" data-p="w/{who}">{glyph}{row.world_note}</td></tr>'
    )


def _cell(row: Row, cell: Cell, tab: int) -> str:
    mark, _, count = cell.text.partition(" ")
    shown = mark + (f"<i>{count}</i>" if count else "")
    who = _t(row.student)
    return (
        f'<button type="button" tabindex="{tab}" data-p="c/{who}/{cell.exercise}"'
        f' data-k="{cell.kind}" data-s="{who}" data-e="{cell.exercise}"'
        f' data-m="{" ".join(map(_t, cell.codes))}"'
        f' aria-label="{_t(cell.label(row.student), 700)}">{shown}</button>'
    )


def _detail(row: Row, cell: Cell) -> str:
    """What one cell means, where it stays to be read and copied."""
    look, word = _PILL[cell.kind]
    count = f"{tries(cell.tries)}, " if cell.tries else ""
    more = "" if cell.kind == NONE else f" {count}{cell.minutes} min"
    held = ""
    if cell.code:
        lead = "before that " if cell.kind == RIGHT_ else ""
        held = f"<b>{lead}{_t(cell.code)}</b>: {prose(neutral(cell.message, 500), 500)}"
    elif cell.kind == RIGHT_:
        held = "No wrong answer that casnb has a name for."
    return (
        f'<h2><span class="uid">{_t(row.student)}</span> <code>{cell.exercise}</code></h2>'
        f'<p><span class="s {look}">{word}</span>{more}</p><p class="mm">{held}</p>'
    )


def details(made: Board) -> dict[str, str]:
    """Return what each cell means as HTML, by student and exercise."""
    return {
        f"{row.student}/{cell.exercise}": _detail(row, cell)
        for row in made.rows
        for cell in row.cells
    }


def _one(made: Board) -> str:
    row = made.rows[0] if made.rows else None
    if row is None:
        return '<section class="one"><p>The roster is empty.</p></section>'
    cell = next((c for c in row.cells if c.exercise == row.at), row.cells[0])
    who = _t(row.student)
    return (
        '<section class="one" aria-label="The cell under pointer or focus">'
        f'<div class="det" id="det" data-of="{who}/{cell.exercise}">{_detail(row, cell)}</div>'
        f'<p><button type="button" id="rs-b">Reset <span data-who>{who}</span>'
        "\N{RIGHT SINGLE QUOTATION MARK}s world \N{HORIZONTAL ELLIPSIS}</button></p>"
        '<div class="rs" id="rs" hidden role="group" aria-labelledby="rs-t"><b id="rs-t">Reset the'
        f" world of <span data-who>{who}</span>?</b><ul><li>Lost: what <span data-who>{who}</span>"
        " stored in this CAS.</li><li>Kept: answers, tries, marks, seed and MRENCLAVE.</li></ul>"
        f'<label for="rs-i">To confirm, type the id <b class="uid" data-who>{who}</b></label>'
        '<input type="text" id="rs-i" autocomplete="off" spellcheck="false"><div class="acts">'
        '<button type="button" class="first" id="rs-y" aria-disabled="true">Reset this world'
        '</button><button type="button" id="rs-n">Keep it</button></div></div>'
        '<p class="said" role="status" id="rs-s"></p></section>'
    )


def _beliefs(made: Board) -> str:
    rows = "".join(_belief(h, len(made.rows)) for h in made.held[:12])
    none = '<li class="small">No misconception that casnb has a name for, so far.</li>'
    return (
        '<section class="mis" aria-labelledby="mh"><h2 id="mh">What they hold, most frequent first'
        f'</h2><ol class="ms" id="held">{rows or none}</ol>'
        '<p class="small">Filled: still. Outlined:'
        " corrected since. Press one to mark its cells.</p></section>"
    )


def _belief(held: Held, of: int) -> str:
    still, all_ = (100 * len(x) / max(of, 1) for x in (held.still, held.students))
    left = held.left()
    left = f"<b>{left}</b>" if held.still else left
    key = f"b/{held.exercise}/{_t(held.code)}"
    return (
        f'<li><button type="button" class="m" aria-pressed="false" data-p="{key}"'
        f' data-e="{held.exercise}" data-m="{_t(held.code)}"><span><b>{held.who(of)}</b> held that'
        f" {prose(held.holds, 200)}; {left}.</span>"
        f'<span class="bar" aria-hidden="true"><span class="b1" style="width:{still:.1f}%"></span>'
        f'<span class="b2" style="width:{all_ - still:.1f}%"></span></span>'
        f"<code>{held.exercise}</code> {_t(held.code)}</button></li>"
    )


def _key(made: Board) -> str:
    rules = made.rules
    rows = (
        ("r", "\N{CHECK MARK}", "right at once"),
        ("r", "\N{CHECK MARK} 3", "right, third try"),
        ("x", "\N{MULTIPLICATION SIGN} 2", "wrong, two tries"),
        (
            "s",
            "\N{MULTIPLICATION SIGN} 5",
            f"stuck: {rules.tries} wrong tries, or {rules.minutes} minutes without a right one",
        ),
        ("o", "\N{HORIZONTAL ELLIPSIS}", "open"),
    )
    keys = "".join(
        f'<span><span class="k {k}">{mark}</span>{text}</span>' for k, mark, text in rows
    )
    quiet = f"<span>quiet: no sign for {rules.quiet} minutes</span>"
    return f'<p class="key">{keys}<span>empty: not opened</span>{quiet}</p>'


def projector_html(shown: Projector) -> str:
    """Return the projector's view: large, and of nobody."""
    back = '<button type="button" class="back" id="back">Back: Esc</button>'
    title = f"<h1>{_t(shown.assignment)}: where we are</h1>"
    if shown.note:
        names = "".join(f"<li><code>{id}</code></li>" for id in shown.exercises)
        return f"{title}<p>{_t(shown.note)}</p><ol class='plain'>{names}</ol>{back}"
    says = "".join(
        f"<li><b>{who}</b> held that {prose(what, 200)}{f'; <b>{left}</b>' if left else ''}."
        f"<code>{id}</code></li>"
        for who, what, left, id in shown.held
    )
    ids = [s.exercise for s in shown.strips]
    starts = {sum(n for _, n in chapters(ids)[:k]) for k in range(1, len(chapters(ids)))}
    strips = "".join(
        f'<li{_ch(n, starts)}><span class="pn"><code>{s.exercise}</code></span><span class="us"'
        f' role="img" aria-label="{s.right} of {s.of} right, {s.at_work} at work on it">'
        + '<i class="u r"></i>' * s.right
        + '<i class="u t"></i>' * s.at_work
        + '<i class="u z"></i>' * (s.of - s.right - s.at_work)
        + f'</span><span class="pr">{s.right} <small>of {s.of}</small></span></li>'
        for n, s in enumerate(shown.strips)
    )
    return (
        f'<div class="pjg"><div><h2>What many of you held</h2><ol class="say">'
        f"{says or '<li>Nothing that many held, so far.</li>'}</ol></div>"
        f'<div>{title}<ol class="ex">{strips}</ol><p class="pk">'
        '<span><i class="u r"></i>right</span><span><i class="u t"></i>at work on it</span>'
        f'<span><i class="u z"></i>not yet</span></p></div></div>{back}'
    )


def _ch(n: int, starts: set[int]) -> str:
    return " data-ch" if n in starts else ""


def _soft(word: str) -> str:
    """A column's name, which may be broken: behind a hyphen, and in the middle of a long word,
    between vowel and consonant or between two consonants.
    """
    return "-<wbr>".join(_halves(part) for part in word.split("-"))


def _halves(word: str) -> str:
    breaks = (r"(?<=[aeiou])(?=[^aeiou])", r"(?<=[aeiou][^aeiou])(?=[^aeiou])")
    places = [m.start() for b in breaks for m in re.finditer(b, word) if m.start() < len(word) - 1]
    middle = len(word) / 2
    at = max(places, key=lambda n: (-abs(n - middle), n), default=0)
    if len(word) < 7 or not at:
        return escape(word)
    return f"{escape(word[:at])}&shy;{escape(word[at:])}"


def _t(text: object, limit: int = 200) -> str:
    return escape(neutral(text, limit))


def _lines(text: str) -> str:
    return "\n".join(escape(neutral(line, 400)) for line in text.split("\n"))
