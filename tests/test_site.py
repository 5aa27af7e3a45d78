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

from casnb.base.documentation import KINDS, docs_at, docs_path
from casnb.base.errors import UsageError
from casnb.base.way_back import report_text, report_to
from casnb.explain.explanation import Explanation
from casnb.explain.line import explain
from casnb.explain.why import explain_message
from casnb.mallory.attacks import ATTACKS
from casnb.teach.switchboard.model import SwitchboardModel

pytest.importorskip("nbclient", reason="no nbclient")
guard = pytest.importorskip("sitebuild.guard")
pages = pytest.importorskip("sitebuild.pages")
lessons = pytest.importorskip("sitebuild.lessons")
pictures = pytest.importorskip("doctables.pictures")

ROOT = Path(__file__).resolve().parents[1]

ROWS = {
    "flags": pages.EVERY_FLAG,
    "checks": pages.EVERY_CHECK,
    "attacks": ATTACKS,
    "messages": pages.EVERY_MESSAGE,
    "recipes": pages.RECIPES,
    "lessons": lessons.SLUGS,
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
        path = docs_path(kind, name)
        assert kind == "lessons" or f"{path}.md" in made


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
