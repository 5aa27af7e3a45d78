"""Plain technical English: kinds of wording that readers stumbled over stay out of code, errors,
help and documents.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Each kind: a pattern, what to write instead, and a sentence that has it.
KINDS = {
    "is no NOUN": (
        r"(?<!here )\b(?:is|was) no (?!longer|such|more|other|less|reason|telling|use|need|doubt)"
        r"(?!way|one|question|answer)[a-z]",
        "is not a NOUN",
        "text that is no key",
    ),
    "anew": (r"\banew\b", "again, or afresh", "it was set up anew"),
    "stands behind": (r"\bstands? behind\b", "follows", "what stands behind the document"),
    "blank for space": (
        r"\bblanks?\b(?! lines?| page| field|\()",
        "space",
        "a blank behind each colon",
    ),
    "whence": (r"\bwhence\b", "where ... from, or source", "whence it is imported"),
    "by whom": (r"\bby whom\b", "who", "read by whom it is public to"),
    "in their stead": (r"\bin (?:its|their) stead\b", "instead", "an option in their stead"),
    "there is none of": (r"\bthere is none of\b", "unknown", "an option that there is none of"),
    "so many are": (r"\bso many (?:are|is)\b", "at most this many", "so many are shown"),
    "towards a CAS": (r"\btowards an? [A-Z]", "to a CAS", "who you are towards a CAS"),
    "turned round": (r"\b[Tt]urned round\b", "the other way round", "Turned round: the same"),
    "to the better": (r"\bto the better\b", "for the better", "changes to the better"),
    "takes back": (
        r"\b(?:takes?|taken) back (?:exactly|that|the demand)",
        "drops",
        "that is taken back exactly",
    ),
    "by another road": (r"\bby an?(?:other)? (?:honest )?road\b", "over an independent channel",
                        "ask by another road"),
    "Asked is": (r"\bAsked (?:is|are)\b", "The question asks for", "Asked is the check"),
    "shall": (r"\bshall\b", "must", "nobody shall read it"),
    "but for": (r"(?<!nothing )\bbut for (?!a moment)", "except for", "all but for RSA keys"),
    "behind for after": (
        r"\bbehind (?:the |an? |each |its |every )?"
        r"(?:address|option|colon|name|newline|quote|number|first line|word|comma|`-|0o)",
        "after",
        "digits behind the colon",
    ),
    "kept over": (
        r"\bkept over (?:its |the )?(?:updates|versions)", "kept across", "kept over updates"
    ),
    "truly signed": (r"\btruly signed\b", "validly signed", "a text, truly signed"),
    "what else is to be said": (r"\bis to be (?:said|had)\b", "further remarks, or is available",
                                "and what else is to be said"),
    "and no NOUN": (
        r"\band no (?:verdict|mistake)\b", "and not a", "ours and no verdict"
    ),
}  # fmt: skip
#: Words of somebody else's: names in a format, a quotation, an option.
QUOTED = ("secret-blank", "blank=", "_BLANK", "signed-anew")


def places() -> list[Path]:
    """Code of the package with its exercises, notebooks, documents, README."""
    code = [p for p in (ROOT / "casnb").rglob("*.py") if "_notebooks" not in p.parts]
    texts = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    return [*code, *texts, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def unwrapped(text: str) -> str:
    """A text whose sentences go on over the ends of lines, in code over string literals too."""
    text = re.sub(r"\"\n *f?\" ?|\\n\",\n *\"|\n *#:? ?", " ", text)
    return re.sub(r"\s+", " ", text)


@cache
def texts() -> dict[Path, str]:
    return {path: unwrapped(path.read_text(encoding="utf-8")) for path in places()}


def test_a_wording_is_found_over_line_ends():
    """A phrase that a formatter broke is still that phrase: in prose, comments and strings."""
    for broken in ("in their\n    stead", "in their\n    #: stead", '"in their"\n    " stead"'):
        assert re.search(KINDS["in their stead"][0], unwrapped(broken)), broken


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_recognised(kind):
    """Each pattern finds its own sample, and not what stands in its place."""
    pattern, instead, sample = KINDS[kind]
    assert re.search(pattern, sample) and not re.search(pattern, instead)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_has_it(kind):
    """Nothing that a reader or a maintainer reads is worded so."""
    pattern, instead, _ = KINDS[kind]
    found = []
    for path, text in texts().items():
        for match in re.finditer(pattern, text):
            around = text[max(0, match.start() - 40) : match.end() + 40]
            if not any(word in around for word in QUOTED):
                found.append(f"{path.relative_to(ROOT)}: {around!r} (write: {instead})")
    assert found == []
