"""A build as pictures and text: pages as a strip, the hash as a grid of bits, EINIT's table."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from casnb.base.view import (
    Shown,
    cell,
    html_table,
    html_verdict,
    scrolling,
    short,
    style,
    text_table,
)
from casnb.evidence.ledger import Eadd
from casnb.teach.measuring.model import SIGNED, Build, Step

#: What these pictures need beside the base style.
STYLE = style("measuring", Path(__file__).parent)
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SIDE = 16


def _kind(step: Step) -> tuple[str, str]:
    """Class and words of one page in the strip."""
    page = step.records[0]
    if not isinstance(page, Eadd):
        return "size", "size"
    words = str(page)
    if "TCS" in words:
        return "page", "TCS"
    rights = next((w for w in words.replace(",", " ").split() if len(w) == 3 and "r" in w), "page")
    return ("page" if step.records[1:] else "heap"), rights


def render_strip(build: Build) -> str:
    """Return the steps of the build as a strip: what each adds, the hash after it, whether that is
    the CAS's own. The first that differs has a mark, and is named in words below.
    """
    first, own = build.first_differing, build.original.steps
    out = []
    for n, step in enumerate(build.steps):
        kind, words = _kind(step)
        made = n < len(build.done)
        differs = first is not None and n >= first
        mark = "\N{BLACK DOWN-POINTING TRIANGLE}" if n == first and made else ""
        sign = "\N{NOT EQUAL TO}" if differs else "="
        told = (
            f"step {n}: {words}, "
            + (f"hash {step.digest[:4]}, {'differs' if differs else 'as the CAS has it'}")
            if made
            else f"step {n}: {words}, not added yet"
        )
        state = " differs" if made and differs else "" if made else " todo"
        out.append(
            f'<li class="{kind}{state}"><span class="vh">{told}</span><span aria-hidden="true">'
            f'<span class="mark">{mark}</span><span class="cell">{escape(words)}</span>'
            + (f"<code>{step.digest[:4]}</code><span>{sign} {n}</span>" if made else "")
            + "</span></li>"
        )
    words = ""
    if first is not None and first < len(build.done):
        after = " Every hash after it differs too." if first + 1 < len(build.done) else ""
        says = cell(build.steps[first].says)
        words = f"<b>The first that differs is step {first}</b>: {says}.{after}"
    elif len(build.steps) != len(own):
        words = "The pages are not as many as the CAS's own."
    left = len(build.steps) - len(build.done)
    if left:
        words += f" {left} page{'s' if left > 1 else ''} to go."
    return (
        "<h3>Pages, and the hash after each</h3>"
        f'<ol class="strip" role="list">{"".join(out)}</ol><p class="first">{words}</p>'
    )


def _grid(value: int, title: str, kind: str = "") -> str:
    cells = [f"M{n % _SIDE} {n // _SIDE}h1v1h-1z" for n in range(256) if value >> (255 - n) & 1]
    return (
        f'<svg class="bits {kind}" role="img" aria-label="{escape(title)}" viewBox="0 0 16 16">'
        f'<rect width="16" height="16"/><path d="{"".join(cells)}"/></svg>'
    )


def render_bits(build: Build) -> str:
    """Return three grids of 16 by 16 bits: the CAS's MRENCLAVE, the hash of this build so far, and
    the bits in which they differ.
    """
    own, this = int(build.original.mrenclave, 16), int(build.mrenclave, 16)
    n = build.differing_bits
    figures = (
        ("The CAS's own", short(build.original.mrenclave), _grid(own, "256 bits of the CAS's own")),
        ("This build", short(build.mrenclave), _grid(this, "256 bits of this build")),
        ("Bits that differ", f"{n} of 256", _grid(own ^ this, f"{n} of 256 bits differ", "diff")),
    )
    shown = "".join(
        f"<figure{' class=differs' if n and title == figures[-1][0] else ''}>"
        f"<figcaption>{title}<br><code>{escape(words)}</code></figcaption>{svg}</figure>"
        for title, words, svg in figures
    )
    return f'<h3>MRENCLAVE as 256 bits</h3><div class="grids">{shown}</div>'


_EINIT = ("field", "the SIGSTRUCT says", "the CPU has", "so")


def _einit_rows(build: Build) -> list[tuple[str, str, str, str]]:
    return [
        (
            row.field,
            " ".join(map(short, row.signed.split())),
            short(row.found),
            "\N{CHECK MARK} agrees" if row.equal else "\N{MULTIPLICATION SIGN} MISMATCH",
        )
        for row in build.einit
    ]


def _einit_title(build: Build) -> str:
    which = (
        "as shipped" if build.signer == SIGNED[0] else f"signed again with the {build.signer} key"
    )
    return f"What the CPU compares at EINIT: the SIGSTRUCT {which}"


def render_einit(build: Build) -> str:
    """Return what a CPU compares, with what does not agree marked by word and edge."""
    if not build.complete:
        return "<p>The SIGSTRUCT speaks of the whole enclave: add the pages that are left.</p>"
    rows = []
    for row, (name, signed, found, so) in zip(build.einit, _einit_rows(build), strict=True):
        state = "agrees" if row.equal else "mismatch"
        rows.append(
            f'<tr class="{state}"><th scope="row">{cell(name)}</th><td><code>{cell(signed)}</code>'
            f"</td><td><code>{cell(found)}</code></td><td>{cell(so)}</td></tr>"
        )
    head = "".join(f'<th scope="col">{h}</th>' for h in _EINIT)
    after = ""
    if not build.starts:
        after = (
            "<p>No enclave runs, so there is no report. The signature still holds: it covers the"
            " statement, not the pages.</p>"
        )
    table = (
        f'<table class="einit"><caption>{cell(_einit_title(build))}</caption><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )
    return scrolling("What the CPU compares", table) + after


def render_verdict(build: Build) -> str:
    """Return what EINIT says in bold, and below it what the changes do to the measurement."""
    name = (
        "error"
        if not build.complete
        else "rejected"
        if not build.starts
        else "trustworthy"
        if not build.changes
        else "accepted-with-waivers"
    )
    if not build.verdict:
        return html_verdict(name, cell(build.sentence, 500))
    return html_verdict(
        name,
        f'{cell(build.verdict.strip(), 300)} <span class="more">{cell(build.measured, 500)}</span>',
    )


_STEPS = ("step", "record", "SHA-256 so far")
_SIDES = ("the CPU compares", "as stored", "computed again", "and they are")


def _step_rows(build: Build) -> list[tuple[str, ...]]:
    first = build.first_differing
    return [
        (
            f"{n} (first that differs)" if n == first else str(n),
            step.says,
            f"{step.digest[:16]}{_ELLIPSIS}",
        )
        for n, step in enumerate(build.done)
    ]


def render_steps(build: Build) -> str:
    """Return the records so far, page by page, each with the hash over everything up to it."""
    return html_table(_STEPS, _step_rows(build), "The build record", code=(2,))


def render_signed(build: Build) -> str:
    """Return what the signer states, and both sides of what the CPU computes."""
    return html_table(
        ("signed", "value"), build.signed_rows(), "SIGSTRUCT", code=(1,)
    ) + html_table(
        _SIDES, build.relation(), "The RSA relation: S signature, N modulus", code=(1, 2)
    )


def build_text(build: Build) -> str:
    """Return all of it as plain text."""
    signed = [
        f"{_einit_title(build)}\n{text_table(_EINIT, _einit_rows(build))}",
        text_table(("signed", "value"), build.signed_rows()),
        text_table(_SIDES, build.relation()),
    ]
    return "\n\n".join(
        [
            build.sentence,
            text_table(_STEPS, _step_rows(build)),
            *(signed if build.complete else ()),
        ]
    )


def build_html(build: Build) -> str:
    """Return all of it without controls."""
    more = (
        f"<details><summary>The build record</summary>{render_steps(build)}</details>"
        f"<details><summary>The SIGSTRUCT</summary>{render_signed(build)}</details>"
    )
    pictures = render_strip(build) + render_bits(build) + render_einit(build)
    return f"{STYLE}{render_verdict(build)}{pictures}{more}"


@dataclass(frozen=True)
class BuildView(Shown):
    """A build as a panel leaves it behind: all of it, without controls."""

    build: Build

    def __str__(self) -> str:
        return build_text(self.build)

    def _html(self) -> str:
        return build_html(self.build)
