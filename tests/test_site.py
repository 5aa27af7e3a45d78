"""The site: an address for every row of the data, pages made of them, and what a site must not
have.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from casnb.base.documentation import KINDS, ON_ONE_PAGE, SHORT, docs_at, docs_path
from casnb.base.errors import UsageError
from casnb.base.way_back import report_text, report_to
from casnb.explain.explanation import Explanation
from casnb.explain.line import explain
from casnb.explain.why import explain_message
from casnb.mallory.attacks import ATTACKS
from casnb.teach.course import exercises
from casnb.teach.course.glossary import GLOSSARY, word
from casnb.teach.switchboard.model import SwitchboardModel

pytest.importorskip("nbclient", reason="no nbclient")
guard = pytest.importorskip("sitebuild.guard")
pages = pytest.importorskip("sitebuild.pages")
lessons = pytest.importorskip("sitebuild.lessons")
pictures = pytest.importorskip("doctables.pictures")
glossary = pytest.importorskip("sitebuild.glossary")
polish = pytest.importorskip("sitebuild.polish")
commands = pytest.importorskip("sitebuild.commands")
python_names = pytest.importorskip("sitebuild.python_names")
guides = pytest.importorskip("sitebuild.guides")
printed = pytest.importorskip("sitebuild.printed")
addresses = pytest.importorskip("sitebuild.addresses")
story = pytest.importorskip("sitebuild.story")

ROOT = Path(__file__).resolve().parents[1]

#: Every word as if one lesson and one flag used it.
USES = {
    w.term: [(f"lessons/{lessons.BOOK_OF[w.cell]}", w.cell, w.cell[:2]), ("flags/x", "", "x")]
    for w in GLOSSARY
}
ROWS = {
    "flags": pages.EVERY_FLAG,
    "checks": pages.EVERY_CHECK,
    "attacks": ATTACKS,
    "messages": pages.EVERY_MESSAGE,
    "recipes": pages.RECIPES,
    "lessons": lessons.SLUGS,
    "words": [w.name for w in GLOSSARY],
}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every page that is made of data, by its path."""
    return dict(pages.data_pages())


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_has_the_page_that_is_printed(kind, made):
    """What commands print as an address is the path of a page, for each row of each kind."""
    assert set(ROWS) == set(KINDS)
    for name in ROWS[kind]:
        page, _, place = docs_path(kind, name).partition("#")
        if place:
            assert f'<span id="{place}"></span>' in glossary.page(USES, lessons.BOOK_OF)
        assert kind in ("lessons", *ON_ONE_PAGE) or f"{page}.md" in made


@pytest.fixture(scope="module")
def places(made) -> dict[str, set[str]]:
    """Every page of the site by its path, with the places that an address may name."""
    found = {name.removesuffix(".md"): set() for name in made}
    found |= {f"lessons/{slug}": set() for slug in lessons.SLUGS}
    found |= {name.removesuffix(".md"): set() for name, _ in guides.guide_pages()}
    marks = re.findall(r'<span id="([^"]+)">', glossary.page(USES, lessons.BOOK_OF))
    return found | {"words": set(marks)}


def test_every_address_that_a_command_prints_is_there(places):
    """Each flag explained, each message and check asked about, each attack and term: all name a
    page, and that page is made.
    """
    said = printed.by_commands()
    assert not printed.lost(said, places)
    assert {who for who, _ in said} == {who for who, _ in printed.told()}
    for kind in ("flags", "attacks", "words"):
        named = {a.partition("#")[2] or a.partition("/")[2] for _, a in said if a.startswith(kind)}
        assert named == set(ROWS[kind])


def test_every_guide_that_is_named_is_there(places):
    """Help texts, exercises and notebooks name guides as they lie in a checkout."""
    books = {p.stem: lessons.nbformat.read(p, 4) for p in lessons.BOOKS}
    said = [*printed.guides_named(), *printed.by_notebooks(books)]
    assert {page for _, page in said} >= {"teach/index", "reference/sessions"}
    assert not printed.lost(said, places)


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("flags/only_for_testing-debug", True),
        ("words#tcb", True),
        ("flags/no-such-flag", False),
        ("words#no-such-word", False),
        ("lessons/99-gone", False),
    ],
)
def test_an_address_that_leads_nowhere_is_named(address, there, places):
    """With who printed it."""
    found = printed.lost([("casnb x", address)], places)
    assert bool(found) != there and (there or f"casnb x prints {address}" in found[0])


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<td>Docs: flags/x</td>", '<td>Docs: <a href="../flags/x.html">flags/x</a></td>'),
        ("<p>words#tcb.", '<p><a href="../words.html#tcb">words#tcb</a>.'),
        ('<a href="y"><b>flags/x</b></a>', None),
        ("<style>flags/x{}</style>", None),
        ("<p>/srv/flags/x", None),
    ],
)
def test_a_printed_address_is_a_link_on_a_page(html, wanted):
    """What an output prints can be followed on the site; a link, a style, a path stay."""
    assert addresses.linked(html) == (wanted or html)


def test_guides_lead_to_each_other_and_tell_no_answer():
    """A link between guides leads to the page; of a checkout's file the words are left; every
    question of the exercises is there, and no right answer, unless they are asked for.
    """
    made, whole = dict(guides.guide_pages()), dict(guides.guide_pages(answers=True))
    index = made["teach/index.md"]
    assert "[the sealed tier](../teach/sealed.md)" in index and "<!-- begin" not in index
    text = guides.rehoused("[a](../flags.md#x) [b](../../README.md)", guides.TEACHING[0])
    assert text == "[a](../reference/flags.md#x) b"
    shown = made["teach/exercises.md"]
    for task in (t for chapter in exercises.CHAPTERS for t in exercises.of_chapter(chapter)):
        assert f"### `{task.id}`" in shown
    assert "Right on the practice seed" in whole["teach/exercises.md"]
    assert "Right on the practice seed" not in shown and "| held that" not in shown


def test_the_story_can_be_watched_and_read():
    """The page has the player with the recording, whose text cannot end its element, and below it
    the transcript, a level down.
    """
    cast = '{"version": 2}\n[0, "o", "</script><b>x"]\n'
    page = story.page(
        cast, "# T\n\nTranscript of a film of 4:41 minutes.\n\n## One (0:16)\n\nsaid\n"
    )
    assert page.startswith("# The story in the terminal") and "4:41 minutes" in page
    assert "</script><b>" not in page and page.index("<figure") < page.index("## Transcript")
    assert page.rstrip().endswith("### One (0:16)\n\nsaid")


def test_teachers_have_a_way_in():
    """Every guide for teachers and every command of a class is one link away."""
    page = guides.teach()
    for guide in guides.TEACHING:
        assert f"({guides.page_of(guide)}.md)" in page
    assert "](commands/casnb-class-grade.md)" in page and "(teach.md)" in pages.front()


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ("", "flags/only_for_testing-debug"),
        (
            "https://docs.example/casnb/",
            "https://docs.example/casnb/flags/only_for_testing-debug.html",
        ),
        ("/srv/site", "/srv/site/flags/only_for_testing-debug.html"),
        ("a\x1b[31m", "a\N{REPLACEMENT CHARACTER}[31m/flags/only_for_testing-debug.html"),
    ],
)
def test_the_reader_says_where_the_site_is(base, wanted, monkeypatch):
    """CASNB_DOCS turns the path into an address, and steers no terminal."""
    monkeypatch.setenv("CASNB_DOCS", base)
    assert docs_at("flags", "only_for_testing-debug") == wanted


def test_a_word_on_a_page_shared_with_others_has_a_place_of_its_own(monkeypatch):
    """The ending of the page stands before the place."""
    monkeypatch.setenv("CASNB_DOCS", "https://docs.example")
    assert docs_at("words", "tcb") == "https://docs.example/words.html#tcb"


@pytest.mark.parametrize(
    ("short", "wanted"),
    [
        ("f/-G", "flags/accept-group-out-of-date.html"),
        ("f/accept-group-out-of-date", "flags/accept-group-out-of-date.html"),
        ("f/--only_for_testing-debug", "flags/only_for_testing-debug.html"),
        ("m/unknown-issuer", "messages/unknown-issuer.html"),
        ("a/rollback", "attacks/rollback.html"),
        ("l/03", "lessons/03-attest-and-flags.html"),
        ("l/05", "lessons/05-policies-and-namespaces.html"),
        ("w/tcb", "words.html#tcb"),
    ],
)
def test_a_short_address_leads_to_its_page(short, wanted):
    """One letter and what a reader has before him: a flag as it is typed, a chapter's number."""
    assert dict(polish.short_addresses())[short] == wanted
    assert f'content="0; url=../../{wanted}"' in polish.leading_to(wanted)


def test_every_row_has_a_short_address_of_its_own():
    """Each kind has its letter; no two addresses are one where the file system folds case."""
    found = [short for short, _ in polish.short_addresses()]
    assert {s.partition("/")[0] for s in found} == set(SHORT) and set(SHORT.values()) == set(KINDS)
    assert len({s.lower() for s in found}) == len(found)


def test_words_link_both_ways():
    """A page lists the words that it uses, and each word the places that use it."""
    found = glossary.used("The TCB of a quote, not some-TCB or unquoted text")
    assert [w.term for w in found] == ["quote", "TCB"]
    assert '<a href="../words.html#tcb">TCB</a>' in glossary.footer(found)
    page = glossary.page(USES, lessons.BOOK_OF)
    assert '<a href="lessons/03-attest-and-flags.html#03-proof-read">03</a>' in page
    assert '<a href="flags/x.html">x</a>' in page


def test_every_command_has_a_page():
    """Question, options with their help, example and exit codes, from the command itself."""
    made = dict(commands.command_pages())
    page = made["commands/scone-cas-attest.md"]
    for part in ("May I trust the CAS", "`-G, --accept-group-out-of-date`", "## Exit codes"):
        assert part in page
    assert set(made) == {
        "commands/index.md",
        *(f"commands/{n.replace(' ', '-')}.md" for n in commands.every_command()),
    }


def test_every_public_name_has_a_place():
    """Each name of each surface is documented once, and elsewhere linked."""
    # Not `sphinx`: docs/_build has a folder of that name.
    pytest.importorskip("sphinx.pycode", reason="the extra docs is not installed")
    made = dict(python_names.python_pages())
    assert ".. autofunction:: casnb.attest" in made["python/casnb.md"]
    assert ".. py:data:: casnb.policy.FLAGS" in made["python/casnb.policy.md"]
    for package in python_names.packages():
        page = made[f"python/{package.__name__}.md"]
        for name in package.__all__:
            assert re.search(rf"(?:::|>) ?[\w.]*\b{name}\b", page), name


@pytest.mark.parametrize(
    "kind, name", [("flag", "x"), ("flags", "../x"), ("flags", ""), ("flags", "a b")]
)
def test_what_is_no_address(kind, name):
    """A kind that there is not, and a name that is none, are wrong calls."""
    with pytest.raises(UsageError):
        docs_path(kind, name)


def test_commands_print_the_address():
    """`explain`, `why` and `attack` say where the documentation goes on."""
    line = explain("scone cas attest -G cas")
    assert isinstance(line, Explanation)
    assert "flags/accept-group-out-of-date" in str(line)
    assert "messages/session-exists" in str(explain_message("Session already exists, x"))
    assert "checks/mrenclave" in str(explain_message("Check mrenclave failed"))
    assert "docs" not in dict(explain_message("page: got 1, wanted 2. Do this.").rows())
    assert "attacks/rollback" in str(ATTACKS["rollback"])
    assert "words#reference-value" in str(word("reference value"))


@pytest.mark.parametrize(
    ("reader", "begins"),
    [
        ("", ""),
        (
            "mailto:course@example.org",
            "mailto:course@example.org?subject=casnb%3A%20messages/x&body=",
        ),
        (
            "https://forge.example/new",
            "https://forge.example/new?title=casnb%3A%20messages/x&body=",
        ),
        ("https://forge.example/new?label=a", "https://forge.example/new?label=a&title="),
    ],
)
def test_the_way_back_opens_a_text(reader, begins):
    """Who reads what is wrong can be set; the text asks for what doctor says."""
    made = report_to("messages/x", reader)
    assert made.startswith(begins) and bool(made) == bool(begins)
    assert not made or "casnb%20doctor%20--json" in made
    assert "casnb doctor --json" in report_text("x")


@pytest.mark.parametrize(
    "reader", ["javascript:alert(1)", "http://a.example/", "course@example.org"]
)
def test_a_way_back_is_mail_or_https(reader):
    """No other address becomes a link."""
    with pytest.raises(UsageError):
        report_to("x", reader)


def test_a_lesson_has_a_way_back(monkeypatch):
    """Where somebody reads it, each lab has the link, as HTML and as text; a wrong address stops no
    lesson, and without one nothing is said.
    """
    from casnb.teach.lab import start

    lab = start("03")
    assert "Something is wrong here" not in f"{lab}{lab._html()}"
    monkeypatch.setenv("CASNB_REPORT_TO", "javascript:alert(1)")
    assert "Something is wrong here" not in f"{lab}{lab._html()}"
    monkeypatch.setenv("CASNB_REPORT_TO", "https://forge.example/new?a=1")
    assert 'href="https://forge.example/new?a=1&amp;title=casnb%3A%20lessons/03' in lab._html()
    assert "casnb doctor --report lessons/03" in str(lab)


def test_the_template_of_a_forge_is_the_same_text():
    """Who writes an issue by hand fills in what the links and `casnb doctor --report` open."""
    root = Path(__file__).resolve().parents[1]
    template = (root / ".github/ISSUE_TEMPLATE/something-is-wrong.md").read_text(encoding="utf-8")
    assert template.startswith("---\nname: ") and template.endswith("---\n\n" + report_text(""))


def test_doctor_writes_the_report(capsys):
    """`casnb doctor --report` prints the text with what it saw, and sends nothing."""
    from casnb.cli.doctor_command import doctor

    with pytest.raises(SystemExit):
        doctor.main(["--report", "lessons/03"])
    out = capsys.readouterr().out
    assert out.startswith("Where: lessons/03\n")
    assert all("status" in f for f in json.loads(out[out.index("[") :]))


def test_a_row_of_its_own_is_a_page(monkeypatch):
    """A new flag has a page, a place in the list, and none of its words is markup."""
    row = replace(
        pages.EVERY_FLAG["only_for_testing-debug"], name="new-flag", help="<b>*x*</b> [y](z) |"
    )
    monkeypatch.setattr(pages, "EVERY_FLAG", {**pages.EVERY_FLAG, "new-flag": row})
    found = dict(pages.data_pages())
    assert r"\<b\>\*x\*\</b\> \[y\](z) \|" in found["flags/new-flag.md"]
    assert "(new-flag.md)" in found["flags/index.md"]


def test_readme_links_hold_where_it_stands_alone():
    """On a package index no link of README or CHANGELOG leads beside it: with a base they lead
    below it, without one they are words, and a picture is its text alternative.
    """
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    for name in ("README.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        goals = re.findall(r"\]\(([^)\s]+)\)", text)
        for goal in goals:
            assert goal.startswith(("https:", "#")) or (ROOT / goal.partition("#")[0]).exists(), (
                goal
            )
        for base in ("", "https://files.example/tree"):
            made = re.findall(r"\]\(([^)\s]+)\)", hook.published(text, base))
            assert all(g.startswith(("https:", "#")) for g in made)
            assert len(made) == len(goals) or not base
    assert hook.published("![text](a.svg) and [words](b.md)") == "*text* and words"


def test_readme_opens_with_two_pictures():
    """Both pictures stand before the first section, have a text alternative that names what the
    data says, and are what the data draws.
    """
    top = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    shown = dict(reversed(m) for m in re.findall(r"!\[([^\]]+)\]\(docs/([^)]+)\)", top))
    assert list(shown) == list(pictures.PICTURES)
    for name, draw in pictures.PICTURES.items():
        assert draw() == (ROOT / "docs" / name).read_text(encoding="utf-8")
    standing = SwitchboardModel(flags=pictures.THREE).standing()
    inside = {a.name for s in standing for a in s.inside}
    assert all(name in shown["world-map.svg"] for name in inside)
    assert all(name in draw() for draw in [pictures.PICTURES["world-map.svg"]] for name in inside)


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<a href="other.html">x</a>', ""),
        ('<a href="other.html#there">x</a>', ""),
        ('<a href="https://example.org/">x</a>', ""),
        ('<a href="gone.html">x</a>', "not there"),
        ('<a href="other.html#gone">x</a>', "no such place"),
        ('<a href="#gone">x</a>', "no such place"),
        ('<script src="https://cdn.example/x.js"></script>', "elsewhere"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "elsewhere"),
        ('<img src="http://cdn.example/x.png">', "elsewhere"),
        ("<style>@font-face{src:url(https://fonts.example/x)}</style>", "elsewhere"),
    ],
)
def test_links_to_nowhere_and_from_elsewhere_are_found(html, says, tmp_path: Path):
    """Each link leads somewhere, and nothing is loaded from another host."""
    (tmp_path / "other.html").write_text('<p id="there">x</p>')
    (tmp_path / "index.html").write_text(html)
    found = guard.faults(tmp_path)
    assert bool(found) == bool(says) and says in " ".join(found)
