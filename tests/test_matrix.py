"""The matrix of flags and scenarios, whole, against a table written by hand; and its renderings,
which say the same.
"""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import pytest

from casnb.base.errors import UsageError
from casnb.policy.flag_matrix import FORMATS, TITLE, Matrix, description, dumps
from casnb.policy.flag_sets import COMBINATIONS, label
from casnb.policy.flags import FLAGS
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.facts import Cases

SVG = "{http://www.w3.org/2000/svg}"
#: The order of the columns below.
COLUMNS = [
    *("public", "dcap-debug", "production", "hyperthreading", "hardening", "both", "revoked"),
    "current",
]
#: Nobody gets in but the CAS that needs no flag.
CLOSED = "no no yes no no no no no"
#: With the enclave's debug mode and signer waived, by the letters that are set besides.
OPEN = {
    "": "no no yes no no no no no",
    "G": "W3 W3 yes no no no no no",
    "C": "no no yes W3 no no no no",
    "S": "no no yes no W3 no no W3",
    "GC": "W3 W3 yes W3 no no no no",
    "GS": "W3 W3 yes no W3 no no W3",
    "CS": "no no yes W3 W3 W3 no W3",
    "GCS": "W3 W3 yes W3 W3 W3 no W3",
}
NEEDS_SIGNER = "--only_for_testing-debug: needs --only_for_testing-ignore-signer or --mrsigner"
NEEDS_DEBUG = "--only_for_testing-trust-any: needs --only_for_testing-debug"
NEEDS_HASH = "--only_for_testing-ignore-signer: needs --mrenclave"
#: The other three flags, with what they make of it: MRENCLAVE as it is; with a wrong digit; not
#: given. This is written by hand on purpose; what another flag adds is tested as a rule.
GIVEN = {
    "": CLOSED,
    "ignore-signer": CLOSED,
    "debug ignore-signer": OPEN,
    "debug ignore-signer trust-any": OPEN,
    "debug": NEEDS_SIGNER,
    "debug trust-any": NEEDS_SIGNER,
    "trust-any": NEEDS_DEBUG,
    "ignore-signer trust-any": NEEDS_DEBUG,
}
NOBODY = "no no no no no no no no"
OTHER_CODE = {
    letters: row.replace("W3", "W4").replace("yes", "no") for letters, row in OPEN.items()
}
WRONG = {
    **GIVEN,
    "": NOBODY,
    "ignore-signer": NOBODY,
    "debug ignore-signer": NOBODY,
    "debug ignore-signer trust-any": OTHER_CODE,
}
ANY_CODE = {letters: row.replace("W3", "W4") for letters, row in OPEN.items()}
NONE = {
    **GIVEN,
    "ignore-signer": NEEDS_HASH,
    "debug ignore-signer": NEEDS_HASH,
    "debug ignore-signer trust-any": ANY_CODE,
}


@pytest.fixture(scope="module")
def cases() -> Cases:
    return Cases("matrix")


@pytest.fixture(scope="module")
def matrix(cases) -> Matrix:
    return cases.matrix()


def letters(names) -> str:
    return "".join(f.short for f in FLAGS if f.name in names and f.short)


def others(names) -> str:
    return " ".join(
        f.name.removeprefix("only_for_testing-") for f in FLAGS if f.name in names and not f.short
    )


@pytest.mark.parametrize(
    ("expected", "table"), [("given", GIVEN), ("one digit wrong", WRONG), ("none", NONE)]
)
def test_every_combination(cases, expected, table):
    """Every set of the six flags in all eight scenarios comes out as the table above has it."""
    found = cases.matrix(expected)
    assert [c.name for c in found.columns] == COLUMNS == list(SCENARIOS)
    in_table = [n for n in COMBINATIONS if others(n) in table and letters(n) in OPEN]
    assert len(in_table) == 64 and len(COMBINATIONS) == 2 ** len(FLAGS)
    for names in in_table:
        cells = [found.outcome(names, c) for c in COLUMNS]
        wanted = table[others(names)]
        wanted = wanted[letters(names)] if isinstance(wanted, dict) else wanted
        if wanted.startswith("--"):
            assert all(c.problem.startswith(wanted) and c.word == "--" for c in cells), names
        else:
            assert " ".join(c.word for c in cells) == wanted, names


def test_one_more_flag_never_shuts_out(matrix):
    """Whatever a further flag is about: where a set of flags was accepted, the larger one is, or it
    is no legal set.
    """
    for names in COMBINATIONS:
        for more in (f.name for f in FLAGS if f.name not in names):
            for column in COLUMNS:
                if matrix.outcome(names, column).word not in ("no", "--"):
                    after = matrix.outcome((*names, more), column)
                    assert after.word != "no", (names, more, column)


@pytest.mark.parametrize("expected", ["given", "one digit wrong", "none"])
def test_rows_cover_every_combination_once(cases, expected):
    """The collapsed rows stand for each set exactly once, with the outcome that each has."""
    found = cases.matrix(expected)
    seen = []
    for row in found.rows:
        members = [
            c for c in COMBINATIONS if set(row.always) <= set(c) <= {*row.always, *row.either}
        ]
        assert len(members) == row.size
        assert all(tuple(found.outcome(m, c) for c in COLUMNS) == row.cells for m in members)
        seen += members
    assert sorted(seen) == sorted(COMBINATIONS) and len(found.rows) < 16


def test_unknown_expectation(cases):
    """Another word for the MRENCLAVE is refused with those there are."""
    with pytest.raises(UsageError, match="one digit wrong"):
        cases.matrix("right")


def test_text_fits(matrix):
    """On 120 columns the names stand above the columns, on fewer letters that are told below; no
    line is longer.
    """
    for width in (120, 100, 80):
        lines = matrix.text(width).splitlines()
        assert max(map(len, lines)) <= width and all(line == line.rstrip() for line in lines)
    assert matrix.text(120).splitlines()[0].split() == ["flags", *COLUMNS]
    assert "b dcap-debug: the public CAS with a DCAP quote" in matrix.text(80)
    assert "-G debug ignore-signer    W3      W3          yes         no" in matrix.text(120)


def test_csv_and_json_are_whole(matrix):
    """Both have a row for every set and the outcomes of the table."""
    rows = list(csv.DictReader(io.StringIO(dumps(matrix, "csv"))))
    assert (
        len(rows) == len(COMBINATIONS)
        and next(r for r in rows if r["flags"] == "-G debug ignore-signer")["public"] == "3 waivers"
    )
    plain = json.loads(dumps(matrix, "json"))
    assert [c["name"] for c in plain["columns"]] == COLUMNS
    assert len(plain["rows"]) == len(COMBINATIONS)
    for row in plain["rows"]:
        assert [c["verdict"] for c in row["cells"]] == [
            matrix.outcome(row["flags"], c).verdict for c in COLUMNS
        ]
        assert bool(row["problem"]) == all(c["verdict"] == "usage-error" for c in row["cells"])


def test_picture(matrix):
    """Well-formed SVG with title and description; each outcome is a word with a frame of its
    own, so colour is not needed.
    """
    root = ElementTree.fromstring(dumps(matrix, "svg"))
    assert root.get("role") == "img" and root.find(f"{SVG}title").text == TITLE
    assert root.find(f"{SVG}desc").text == description(matrix)
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert words.count("3 waivers") == sum(c.word == "W3" for r in matrix.rows for c in r.cells)
    frames = {r.get("style").partition(";stroke-width:")[2] for r in root.iter(f"{SVG}rect")}
    assert len(frames) == 3 and sum("dasharray" in f for f in frames) == 1
    width = float(root.get("viewBox").split()[2])
    assert all(float(r.get("x")) + float(r.get("width")) <= width for r in root.iter(f"{SVG}rect"))


def test_description_says_it_all(matrix):
    """Whoever does not see the picture hears every row."""
    told = description(matrix)
    assert (
        "-G debug ignore-signer: public 3 waivers, dcap-debug 3 waivers, production trustworthy,"
        " every other rejected." in told
    )
    assert all(f"{label(r.always)}: " in told for r in matrix.rows)


def test_html_page(matrix):
    """A page of its own holds picture and table; a notebook's form has one row header for each
    row.
    """
    shown = dumps(matrix, "html")
    assert (
        shown.startswith("<!doctype html>") and shown.count("<svg") == 1 and "<script" not in shown
    )
    assert matrix._html().count('<th scope="row"') == len(matrix.rows)


def test_a_loaded_report_is_a_column(vectors):
    """A real report stands beside the scenarios; its name, which is anybody's, is escaped
    everywhere.
    """
    from casnb.teach.facts import LoadedReport

    mine = Cases("matrix")
    data = (vectors / "cas-attest" / "v1-attest-iasreport-2019.json").read_bytes()
    mine.load(LoadedReport(data, name="<b>\x1b[2J"))
    found = mine.matrix()
    assert (
        found.outcome(
            [
                "accept-group-out-of-date",
                "only_for_testing-debug",
                "only_for_testing-ignore-signer",
            ],
            found.columns[-1].name,
        ).word
        == "W3"
    )
    for form in FORMATS:
        text = dumps(found, form)
        assert "\x1b" not in text and (form not in ("svg", "html") or "<b>" not in text)
