"""One page for each flag, check, attack, message and recipe, made of its row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from casnb.base.view import page
from casnb.checks.catalogue import BUILD_CHECKS, CATALOGUE
from casnb.explain.messages import MESSAGES
from casnb.mallory.attacks import ATTACKS, REFUSALS, Attack
from casnb.policy.advisories import ADVISORIES
from casnb.policy.flags import FLAGS, NEWER, Flag
from casnb.policy.translation import TOOLS, crosswalk
from casnb.teach.switchboard.model import SwitchboardModel
from casnb.teach.worldmap.view import STYLE as MAP_STYLE
from casnb.teach.worldmap.view import render_map, render_map_text
from casnb.tls.diagnoses import DIAGNOSES
from casnb.tls.diagnosis import Diagnosis
from casnb.tls.recipes import RECIPES, Recipe
from sitebuild.lessons import BOOK_OF, SLUGS
from sitebuild.markdown import anchor, code, contents, facts, fence, lines, link, md, table

#: Every message that has a page, those about TLS too.
EVERY_MESSAGE: Mapping[str, Diagnosis] = {**MESSAGES, **DIAGNOSES}
EVERY_CHECK = {**CATALOGUE, **BUILD_CHECKS}
EVERY_FLAG: Mapping[str, Flag] = {f.name: f for f in (*FLAGS, *NEWER)}
#: What the side bar calls a flag.
_SIDE = {f.name: f"{f.option} {f.title}" for f in EVERY_FLAG.values() if f.short}
#: The flags of the course's own command.
THREE = ("accept-group-out-of-date", "only_for_testing-ignore-signer", "only_for_testing-debug")


_CURL = re.compile(r"curl: \((\d+)\)")
WAIVED = '<strong class="pill waived">∼ WAIVED</strong>'
PASSED = '<strong class="pill passed">✓ PASSED</strong>'


def indexed(*words: str) -> list[str]:
    """Return entries of the index: the site's search finds a page by them, however short."""
    return ["```{index} " + ", ".join(dict.fromkeys(words)), "```", ""]


def lead(text: str) -> list[str]:
    """Return the sentence that a page begins with, in larger type."""
    return ['<div class="lead">', "", md(text), "", "</div>"]


def _check(id: str) -> str:
    return link(id, "checks", id) if id in EVERY_CHECK else code(id)


def _cell(id: str) -> str:
    return anchor(id, f"../lessons/{BOOK_OF[id]}.html#{id}")


def world_map(
    flags: tuple[str, ...], before: tuple[str, ...] | None = None, *, compact: bool = False
) -> str:
    """Return the world map of a fixed world under these flags, as HTML that stands alone, and the
    same as text; attacks that did not get in under the flags `before` are underlined.
    """
    standing = SwitchboardModel(flags=flags).standing()
    new = inside(flags) - inside(flags if before is None else before)
    drawn = render_map(standing, sorted(new), compact=compact)
    return page(MAP_STYLE + drawn + render_map_text(standing))


@cache
def inside(flags: tuple[str, ...]) -> frozenset[str]:
    """Return the attacks that get in under these flags."""
    standing = SwitchboardModel(flags=flags).standing()
    return frozenset(a.name for s in standing for a in s.inside)


def _alone(f: Flag) -> list[str]:
    """Draw what one flag opens, with those that it needs and no other."""
    if f not in FLAGS:  # the switchboard has those that every version documents
        return []
    needs = tuple(g.name for g in EVERY_FLAG.values() if g.option in f.needs or g.name in f.needs)
    opened = inside((*needs, f.name)) - inside(needs)
    words = f"{code(f.option)} alone" if not needs else f"{code(f.option)} and what it needs"
    told = f"With {words}. " + (
        "Underlined is what it opened; the other arrows come in where nobody asked."
        if opened
        else "By itself it opens no door here; the arrows come in where nobody asked."
    )
    return ["", told, "", world_map((*needs, f.name), needs, compact=True), ""]


def flag(f: Flag) -> str:
    """Return the page of a flag, in the order of the question: may I set it?"""
    row = next((r for r in crosswalk() if r.scone == f.option), None)
    attacks = [a for a in ATTACKS.values() if f.name in a.let_in.policy.flags()]
    title = f"{code(f.option)}, {code('--' + f.name)}" if f.short else code(f.option)
    accepts = ", ".join(x for x in (f.ias and f"{f.ias} (IAS)", f.dcap and f"{f.dcap} (DCAP)") if x)
    return lines(
        indexed(f.option, f"--{f.name}", f.name),
        f"# {title}",
        "",
        lead(f.help),
        "",
        "## What it waives",
        facts(
            [
                ("waives", ", ".join(map(_check, f.waives))),
                ("needs", md(f.needs) or "no other flag"),
                ("accepts", md(accepts)),
            ]
        ),
        f"A check that fails under it is shown as {WAIVED}, never as passed.",
        "",
        "## Who walks in",
        "",
        f"**{md(f.who[:1].upper() + f.who[1:])}.** {md(f.gains)}",
        "",
        "## The attacks",
        _alone(f),
        [
            f"\n- {link(a.name, 'attacks', a.name)}: {md(a.title)}. Try it: `casnb attack {a.name}`"
            for a in attacks
        ]
        or ["", "No attack of casnb's own needs this flag."],
        "",
        "## Other tools' words",
        table(
            ("tool", "what is written there"),
            [
                (md(heading), code(getattr(row, tool)))
                for tool, (heading, _) in TOOLS.items()
                if getattr(row, tool)
            ],
        )
        if row
        else ["", "None on record."],
        "## Published holes that it accepts",
        [
            f"\n- [{a}]({ADVISORIES[a].url}), {ADVISORIES[a].date}: {md(ADVISORIES[a].title)}"
            for a in f.advisories
        ]
        or ["", "None: it is not about a hole."],
        "",
        "## Its mildest use",
        "",
        md(f.mildest),
        "",
        f"Source: {md(f.source)}",
    )


def check(id: str) -> str:
    """Return the page of a check."""
    c = EVERY_CHECK[id]
    waivers = [f for f in EVERY_FLAG.values() if id in f.waives]
    stopped = [a for a in ATTACKS.values() if id in a.stops]
    return lines(
        f"# {code(id)}",
        "",
        f"It holds when {md(c.title)}.",
        facts(
            [
                ("compares", md(c.compares)),
                ("keeps out", md(c.attack)),
                ("source", md(c.source)),
                (
                    "waived by",
                    ", ".join(link(f.option, "flags", f.name) for f in waivers) or "no flag",
                ),
                ("attacks that it stops", ", ".join(_attack(a.name) for a in stopped)),
            ]
        ),
    )


def _attack(name: str) -> str:
    return link(name, "attacks", name)


def attack(a: Attack) -> str:
    """Return the page of an attack."""
    lesson = next(s for s in SLUGS if s.startswith("06"))
    flags = [EVERY_FLAG[n] for n in a.let_in.policy.flags()]
    return lines(
        f"# {code(a.name)}",
        "",
        f"{md(a.title)}. {md(a.persona.title)}: {md(a.persona.can)}.",
        facts(
            [
                ("gets in with", md(a.needs)),
                ("flags", ", ".join(link(f.option, "flags", f.name) for f in flags)),
                ("is stopped by", ", ".join(map(_check, a.stops))),
                ("Mallory gains", md(a.gain)),
            ]
        ),
        [f"- `{s}`: {md(REFUSALS[s].does)}" for s in a.stops if s in REFUSALS],
        "",
        "## Predict",
        "",
        md(a.predict),
        "",
        "## What happens",
        "",
        md(a.explain),
        "",
        f"Try it: `casnb attack {a.name}`, and lesson [06](../lessons/{lesson}.ipynb).",
        "",
        "## Defend",
        "",
        md(a.defend),
        "",
        f"Source: {md(a.source)} ({a.date})",
    )


def message(d: Diagnosis) -> str:
    """Return the page of a diagnosis: how tools word it, what it means, what to do."""
    see = [*map(_cell, d.cells), *(_attack(a) for a in d.attacks)]
    return lines(
        indexed(d.id, *(f"curl {n}" for w in d.wordings for n in _CURL.findall(w.sample))),
        f"# {md(d.title[:1].upper() + d.title[1:])}",
        "",
        f"`{d.id}`",
        "",
        "## One sees",
        table(
            ("by", "message"),
            [(md(w.tool), code(w.sample.replace("|", "\\|"))) for w in d.wordings],
        ),
        "## Cause",
        "",
        md(d.cause),
        "",
        "## What to do",
        "",
        md(d.cure) + ".",
        facts(
            [
                ("protects from", md(d.protects)),
                ("the quick cure lets in", md(d.lets_in)),
                ("see it", ", ".join(see)),
                ("printed on", md(d.source)),
            ]
        ),
    )


def recipe(r: Recipe) -> str:
    """Return the page of a recipe."""
    return lines(
        f"# {code(r.tool)}",
        "",
        "A public value over a connection that is pinned to the attested certificates.",
        fence(r.text(), r.language),
        [f"- {md(w)}." for w in r.why],
        "",
        "All of them, and how `cas_cert.crt` is made: [recipes](../reference/recipes.md).",
    )


def data_pages() -> Iterator[tuple[str, str]]:
    """Yield path and Markdown of every page that is made of a row, and of the lists of them."""
    made: dict[str, tuple[str, str, dict[str, tuple[str, str]]]] = {
        "flags": (
            "Insecure flags",
            "Every one switches a check off. The check is then WAIVED, never passed.",
            {f.name: (flag(f), f"{code(f.option)}: {md(f.title)}") for f in EVERY_FLAG.values()},
        ),
        "checks": (
            "Checks",
            "What a verdict is made of, in the order of every result.",
            {i: (check(i), f"{code(i)}: {md(c.title)}") for i, c in EVERY_CHECK.items()},
        ),
        "attacks": (
            "Attacks",
            "Mallory, for real: `casnb attack NAME` runs each of them on your machine.",
            {a.name: (attack(a), f"{code(a.name)}: {md(a.title)}") for a in ATTACKS.values()},
        ),
        "messages": (
            "Messages",
            "What a tool printed, its cause and its cure. `casnb why MESSAGE` finds the page.",
            {d.id: (message(d), md(d.title)) for d in EVERY_MESSAGE.values()},
        ),
        "recipes": (
            "Recipes",
            "How usual tools read a public value over a pinned connection.",
            {r.tool: (recipe(r), code(r.tool)) for r in RECIPES.values()},
        ),
    }
    for kind, (title, words, rows) in made.items():
        for name, (text, _) in rows.items():
            yield f"{kind}/{name}.md", text
        listed = [f"- [{told}]({name}.md)" for name, (_, told) in rows.items()]
        side = [f"{_SIDE[name]} <{name}>" if name in _SIDE else name for name in rows]
        yield f"{kind}/index.md", lines(f"# {title}", "", words, "", listed, contents(side))


def front() -> str:
    """Return the front page: the question, three ways in, the world map."""
    flags = " ".join(f'<code class="nowrap">{EVERY_FLAG[n].option}</code>' for n in THREE)
    return lines(
        "# May I trust this CAS with a secret?",
        "",
        lead(
            "Find out by doing. Scrape the expected measurement, take the attestation report apart,"
            " watch it being refused, waive one check at a time, and see who walks in."
        ),
        "",
        f"A check that was switched off is shown as {WAIVED}, never as {PASSED}.",
        "",
        '<div class="ways">',
        "",
        "- [**Learn**](learn.md) Ten notebooks with a CAS of your own. Start at 00; offline, no"
        " account.",
        "- [**Teach**](teach.md) Assignments whose answers differ for each student, and marks.",
        "- [**Reference**](reference.md) Flags, checks, attacks, messages, recipes, commands,"
        " Python: each with an address that the tools print.",
        "",
        "</div>",
        "",
        "## The whole course in one picture",
        "",
        "You stand behind a wall of checks. Each gate is one check. With the assignment's three",
        f"flags, {flags}, the CAS is accepted, and {len(inside(THREE))} attacks get in.",
        "",
        world_map(THREE),
        contents(["learn", "teach", "reference"], depth=2),
    )
