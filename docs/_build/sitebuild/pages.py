"""One page for each flag, check, attack, message and recipe, made of its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from sitebuild.lessons import SLUGS
from sitebuild.markdown import anchor, code, contents, facts, fence, link, md, table

#: Every message that has a page, those about TLS too.
EVERY_MESSAGE: Mapping[str, Diagnosis] = {**MESSAGES, **DIAGNOSES}
EVERY_CHECK = {**CATALOGUE, **BUILD_CHECKS}
EVERY_FLAG: Mapping[str, Flag] = {f.name: f for f in (*FLAGS, *NEWER)}
#: The flags of the course's own command.
THREE = ("accept-group-out-of-date", "only_for_testing-ignore-signer", "only_for_testing-debug")


def _lines(*parts: str | list[str]) -> str:
    out: list[str] = []
    for part in parts:
        out += [part] if isinstance(part, str) else part
    return "\n".join(out).rstrip() + "\n"


def _check(id: str) -> str:
    return link(id, "checks", id) if id in EVERY_CHECK else code(id)


def _cell(id: str) -> str:
    slug = next(s for s in SLUGS if s.startswith(id[:2]))
    return anchor(id, f"../lessons/{slug}.html#{id}")


def world_map(flags: tuple[str, ...], *, compact: bool = False) -> str:
    """Return the world map of a fixed world under these flags, as HTML that stands alone, and
    the same as text.
    """
    standing = SwitchboardModel(flags=flags).standing()
    told = render_map_text(standing)
    return page(MAP_STYLE + render_map(standing, compact=compact) + told)


def flag(f: Flag) -> str:
    """Return the page of a flag, in the order of the question: may I set it?"""
    row = next((r for r in crosswalk() if r.scone == f.option), None)
    attacks = [a for a in ATTACKS.values() if f.name in a.let_in.policy.flags()]
    title = f"{code(f.option)}, {code('--' + f.name)}" if f.short else code(f.option)
    accepts = ", ".join(x for x in (f.ias and f"{f.ias} (IAS)", f.dcap and f"{f.dcap} (DCAP)") if x)
    return _lines(
        f"# {title}",
        "",
        md(f.help),
        "",
        "## What it waives",
        facts(
            [
                ("waives", ", ".join(map(_check, f.waives))),
                ("needs", md(f.needs) or "no other flag"),
                ("accepts", md(accepts)),
            ]
        ),
        "A check that fails under it is shown as <strong>WAIVED</strong>, never as passed.",
        "",
        "## Who walks in",
        "",
        f"**{md(f.who[:1].upper() + f.who[1:])}.** {md(f.gains)}",
        "",
        "## The attacks",
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
    return _lines(
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
    return _lines(
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
    return _lines(
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
    return _lines(
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
        yield f"{kind}/index.md", _lines(f"# {title}", "", words, "", listed, contents(rows))


def front() -> str:
    """Return the front page: the question, three ways in, the world map."""
    flags = "".join(f" {EVERY_FLAG[n].option}" for n in THREE)
    return _lines(
        "# May I trust this CAS with a secret?",
        "",
        "Find out by doing. Scrape the expected measurement, take the attestation report apart,",
        "watch it being refused, waive one check at a time, and see who walks in.",
        "",
        "A check that was switched off is shown as <strong>∼ WAIVED</strong>, never as ✓ PASSED.",
        "",
        '<div class="ways">',
        "",
        "- [**Learn**](learn.md): ten notebooks with a CAS of your own. Offline, no account.",
        "- [**Teach**](teach.md): assignments whose answers differ for each student.",
        "- [**Reference**](reference.md): flags, checks, attacks, messages, recipes.",
        "",
        "</div>",
        "",
        "## The whole course in one picture",
        "",
        "You stand behind a wall of checks. Each gate is one check. With the assignment's three",
        f"flags (<code>{flags.strip()}</code>) the CAS is accepted, and this is who gets in.",
        "",
        world_map(THREE),
        contents(["learn", "teach", "reference"], depth=2),
    )
