"""Hand-ins that are not what they should be: a row each that says so, and nobody is delayed."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import tarfile
import unicodedata
import zipfile

import pytest

from casnb.teach.course.answer_json import MIME


def text(book) -> bytes:
    return json.dumps(book).encode()


def zipped(*entries, method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        row = tarfile.TarInfo("hw1.ipynb")
        row.type, row.devmajor, row.devminor = tarfile.CHRTYPE, 1, 5
        archive.addfile(row)
    return out.getvalue()


def picture(size: int) -> bytes:
    output = {"output_type": "display_data", "data": {"image/png": "A" * size}, "metadata": {}}
    return text({"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [output]}]})


def link(name: str, target: str, kind: int = stat.S_IFLNK) -> bytes:
    row = zipfile.ZipInfo(name)
    row.external_attr = (kind | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(row, target)
    return out.getvalue()


def broken_entry() -> bytes:
    data = bytearray(zipped(("hw1.ipynb", b"{" * 5000), method=zipfile.ZIP_STORED))
    data[60:80] = b"x" * 20
    return bytes(data)


def lying_size() -> bytes:
    """A central directory that says 10 bytes for an entry of 40 MB."""
    data = zipped(("hw1.ipynb", b"0" * (40 << 20)))
    return data.replace((40 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))


#: What u003 hands in, as `name: bytes` (large ones made when their turn comes), and what must stand
#: in the row.
UNREADABLE = {
    "empty": ("hw1.ipynb", b"", "an empty file"),
    "cut off": ("hw1.ipynb", b'{"cells": [', "damaged"),
    "binary": ("hw1.ipynb", bytes(range(256)), "damaged"),
    "a list": ("hw1.ipynb", b"[]", "a notebook or a receipt"),
    "a number": ("hw1.ipynb", b"1", "a notebook or a receipt"),
    "digits without end": ("hw1.ipynb", b"9" * 100_000, "damaged"),
    "format 3": ("hw1.ipynb", b'{"nbformat": 3, "worksheets": []}', "a notebook or a receipt"),
    "cells are a text": ("hw1.ipynb", b'{"nbformat": 4, "cells": "x"}', "a notebook or a receipt"),
    "a member twice": ("hw1.ipynb", b'{"nbformat": 4, "cells": [], "cells": []}', "twice"),
    "too many cells": (
        "hw1.ipynb",
        b'{"nbformat": 4, "cells": [' + b",".join([b"{}"] * 6000) + b"]}",
        "6000 cells",
    ),
    "nested 10,000 deep": ("hw1.ipynb", b"[" * 10_000 + b"]" * 10_000, "deep"),
    "brackets": ("hw1.ipynb", b"[" + b"[]," * 300_000 + b"[]]", "brackets"),
    "100 MB": ("hw1.ipynb", lambda: b" " * (100 << 20), "too large"),
    "a receipt of another format": ("r.json", b'{"format": "casnb receipt 9"}', "receipt"),
    "a receipt without a digest": ("r.json", b'{"format": "casnb receipt 2"}', "receipt"),
    "no zip": ("hw1.zip", b"PK\x03\x04 and no more", "damaged zip"),
    "an empty zip file": ("hw1.zip", b"", "damaged zip"),
    "a damaged entry": ("hw1.zip", broken_entry(), "damaged"),
    "a zip bomb": ("hw1.zip", lambda: zipped(("hw1.ipynb", b"0" * (100 << 20))), "bomb"),
    "a smaller zip bomb": ("hw1.zip", lambda: zipped(("hw1.ipynb", b"0" * (15 << 20))), "bomb"),
    "a size that is a lie": ("hw1.zip", lying_size, "not read"),
    "a zip in a zip in a zip": (
        "hw1.zip",
        zipped(("a.zip", zipped(("b.zip", zipped(("hw1.ipynb", b"{}")))))),
        "no notebook",
    ),
    "too many entries": ("hw1.zip", zipped(*((f"{n}.ipynb", b"{}") for n in range(60))), "entries"),
    "a name that leads out": ("hw1.zip", zipped(("../../hw1.ipynb", b"{}")), "leads out"),
    "an absolute name": ("hw1.zip", zipped(("/etc/hw1.ipynb", b"{}")), "leads out"),
    "a drive's name": ("hw1.zip", zipped(("C:\\hw1.ipynb", b"{}")), "leads out"),
    "a link in a zip": ("hw1.zip", link("hw1.ipynb", "/etc/passwd"), "link"),
    "a name twice": (
        "hw1.zip",
        zipped(("hw1.ipynb", b"{}"), ("hw1.ipynb", b"{}")),
        "twice",
    ),
    "another kind of file": ("hw1.pdf", b"%PDF-1.4", "no notebook"),
    "a tar with a device in it": ("hw1.tar.gz", tarred(), "no notebook"),
    "a web page": ("hw1.ipynb", b"\n<!DOCTYPE html><title>Log in</title>", "a web page"),
    "a zip under another name": ("hw1.ipynb", zipped(("hw1.ipynb", b"{}")), "a zip file under"),
    "gzip": ("hw1.ipynb", b"\x1f\x8b\x08" + bytes(20), "a gzip file under"),
    "a merge that did not end": ("hw1.ipynb", b"<<<<<<< HEAD\n{}", "a merge"),
    "a pointer of git LFS": (
        "hw1.ipynb",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "git LFS",
    ),
    "UTF-32": ("hw1.ipynb", '{"nbformat": 4}'.encode("utf-32"), "UTF-32"),
    "Latin-1": ("hw1.ipynb", '{"nbformat": 4, "x": "ü"}'.encode("latin-1"), "is not UTF-8"),
    "zeros behind it": ("hw1.ipynb", b'{"nbformat": 4}' + bytes(100), "damaged"),
    "a notebook that calls itself a zip": ("hw1.zip", b'{"nbformat": 4}', "damaged zip"),
    "a bomb packed by LZMA": (
        "hw1.zip",
        lambda: zipped(("hw1.ipynb", b"0" * (16 << 20)), method=zipfile.ZIP_LZMA),
        "bomb",
    ),
    "a share's name in a zip": ("hw1.zip", zipped(("\\\\srv\\x\\hw1.ipynb", b"{}")), "leads out"),
    "a device in a zip": ("hw1.zip", link("hw1.ipynb", "x", stat.S_IFCHR), "device"),
    "a folder that is a link in a zip": ("hw1.zip", link("sub", "/etc"), "link"),
    "50 MB of outputs": ("hw1.ipynb", lambda: picture(50 << 20), "too large"),
    "a number of 5000 digits": (
        "hw1.ipynb",
        b'{"nbformat": 4, "x": ' + b"1" * 5000 + b"}",
        "damaged",
    ),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", UNREADABLE)
def test_one_row_says_what_is_wrong(case, klass):
    """Whoever handed it in has no points and a reason; the others are judged; the end is 3."""
    name, data, says = UNREADABLE[case]
    data = data() if callable(data) else data
    klass.hand_in(f"u003/{name}", data)
    klass.hand_in("u004/hw1.ipynb", klass.notebook("u004"))
    before = set(klass.folder.rglob("*"))
    found = klass.grade(klass.folder / "in", "--jobs", 1)
    assert found.code == 3
    assert found.rows["u003"]["points"] == "" and says in found.rows["u003"]["notes"]
    assert found.rows["u004"]["points"] == found.rows["u004"]["of"]
    assert [r["student"] for r in found.all].count("u003") == 1
    new = set(klass.folder.rglob("*")) - before
    assert {p.name for p in new} == {"results", "hw1.json"}


def outputs_of(book):
    return [c for c in book["cells"] if c.get("outputs")]


def deleted(book):
    book["cells"] = [c for c in book["cells"] if "03.command" not in json.dumps(c)]


def doubled(book):
    last = outputs_of(book)[-1]
    book["cells"].append(json.loads(json.dumps(last)))


def contradicting(book):
    copy = json.loads(json.dumps(next(c for c in outputs_of(book) if "01.tls" in json.dumps(c))))
    copy["outputs"][0]["data"][MIME]["answer"] = "z"
    book["cells"].append(copy)


def reordered(book):
    book["cells"].reverse()


def cleared(book):
    for c in outputs_of(book):
        c["outputs"] = []


def with_nan(book):
    outputs_of(book)[0]["outputs"][0]["data"][MIME]["answer"] = float("nan")


def nan_elsewhere(book):
    outputs_of(book)[0]["outputs"].append(
        {"output_type": "display_data", "metadata": {}, "data": {"application/x": float("inf")}}
    )


def deep_answer(book):
    value: object = "x"
    for _ in range(60):
        value = [value]
    outputs_of(book)[0]["outputs"][0]["data"][MIME]["answer"] = value


def strange_outputs(book):
    book["cells"] += [
        None,
        7,
        {"outputs": 5},
        {"outputs": [None, {"data": []}, {"data": {MIME: []}}]},
    ]


def other_format(book):
    outputs_of(book)[0]["outputs"][0]["data"][MIME]["format"] = "casnb answer 99"


def foreign_exercise(book):
    raw = json.loads(json.dumps(outputs_of(book)[0]["outputs"][0]["data"][MIME]))
    raw["exercise"] = "08.former"
    outputs_of(book)[0]["outputs"].append({"data": {MIME: raw}})


#: What was done to a right notebook: points lost, and what is said.
CHANGED = {
    "cells deleted": (deleted, 1, ""),
    "cells doubled": (doubled, 0, ""),
    "cells doubled with another answer": (contradicting, 1, "01.tls is answered more than once"),
    "cells reordered": (reordered, 0, ""),
    "outputs cleared": (cleared, 14, "run the check cells"),
    "NaN for an answer": (with_nan, 1, "cannot be read"),
    "NaN in another output": (nan_elsewhere, 0, ""),
    "an answer nested deep": (deep_answer, 1, "cannot be read"),
    "cells and outputs of other types": (strange_outputs, 0, "cannot be read"),
    "an answer of another format": (other_format, 1, "cannot be read"),
    "an exercise of another assignment": (foreign_exercise, 0, "not part of this assignment"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_was_changed_costs_no_more_than_it_must(case, klass):
    """The answers that can be read count, each once."""
    change, lost, says = CHANGED[case]
    book = klass.notebook("u002")
    change(book)
    klass.hand_in("u002/hw1.ipynb", book)
    found = klass.grade()
    row = found.rows["u002"]
    assert found.code == 0 and float(row["points"]) == float(row["of"]) - lost
    assert says in row["notes"]


def windows(data: bytes) -> bytes:
    return json.dumps(json.loads(data), indent=1).replace("\n", "\r\n").encode()


def lying(book):
    book["metadata"]["casnb"] |= {
        "student": "u001",
        "seed": "x",
        "points": 100,
        "assignment": "hw9",
    }


#: How a right notebook may be written, and under which name: it is read all the same.
SPELLED = {
    "with a byte order mark": ("hw1.ipynb", lambda t: b"\xef\xbb\xbf" + t),
    "in UTF-16": ("hw1.ipynb", lambda t: t.decode().encode("utf-16")),
    "with a picture of 12 MB": (
        "hw1.ipynb",
        lambda t: t[:-1] + b', "x": "' + b"A" * 12_000_000 + b'"}',
    ),
    "with lines of Windows": ("hw1.ipynb", windows),
    "a newline in its name": ("hw1\nu001.ipynb", lambda t: t),
    "a colour in its name": ("\x1b[31mhw1.ipynb", lambda t: t),
    "a name from right to left": ("\u202ehw1.ipynb", lambda t: t),
    "in a zip with backslashes": ("hw1.zip", lambda t: zipped(("sub\\hw1.ipynb", t))),
    "in a zip in a zip": ("hw1.zip", lambda t: zipped(("in.zip", zipped(("hw1.ipynb", t))))),
    "in a zip packed by bzip2": (
        "x.zip",
        lambda t: zipped(("a.ipynb", t), method=zipfile.ZIP_BZIP2),
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows has not")
@pytest.mark.parametrize("case", SPELLED)
def test_how_it_is_written_costs_nothing(case, klass):
    """All points, whatever the encoding, packing and name, and no control character in the row."""
    name, write = SPELLED[case]
    klass.hand_in(f"u002/{name}", write(text(klass.notebook("u002"))))
    found = klass.grade()
    assert found.code == 0 and found.rows["u002"]["points"] == "14"
    assert "\x1b" not in found.text and "\u202e" not in found.text


def test_what_metadata_says_counts_for_nothing(klass):
    """Another student, points, another assignment."""
    book = klass.notebook("u002", {})
    lying(book)
    klass.hand_in("u002/hw1.ipynb", book)
    rows = klass.grade().rows
    assert rows["u002"]["points"] == "0" and rows["u001"]["notes"] == "nothing handed in"


def test_a_neighbour_in_ones_own_zip(klass):
    """What is in a student's zip is that student's: nothing becomes the neighbour's."""
    mine, theirs = klass.notebook("u001", {}), klass.notebook("u002", {"01.tls": "z"})
    klass.hand_in("u001/hw1.zip", zipped(("a.ipynb", text(mine)), ("u002/hw1.ipynb", text(theirs))))
    rows = klass.grade().rows
    assert rows["u002"]["notes"] == "nothing handed in"
    assert "the ticket is that of u002" in rows["u001"]["notes"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_umlauts_in_folders(klass, form):
    """A platform's and a file system's umlauts are made in different ways, and are the same."""
    roster = klass.dir / "roster.csv"
    roster.write_text("id,name\nu001,J\u00f6rg M\u00fc\u00dfig\nu002,Bob\n", "utf-8")
    folder = unicodedata.normalize(form, "J\u00f6rg M\u00fc\u00dfig_77_assignsubmission_file_")
    klass.hand_in(f"{folder}/hw1.ipynb", klass.notebook("u001"))
    klass.hand_in("Bob_78_assignsubmission_file_/hw1.ipynb", klass.notebook("u002"))
    found = klass.grade()
    assert [found.rows[s]["points"] for s in ("u001", "u002")] == ["14", "14"]


def test_handed_in_twice(klass):
    """The last answer to each exercise counts, so that four letters cannot be handed in as four
    files, and the row says so.
    """
    for n, letter in enumerate("abcd", 1):
        klass.hand_in(f"u001/hw1-{n}.ipynb", klass.notebook("u001", {"01.tls": letter}))
    row = klass.grade().rows["u001"]
    assert "handed in 4 times" in row["notes"] and "01.tls differs" in row["notes"]
    wanted = "1" if klass.key("u001")["01.tls"] == "d" else "0"
    assert row["01.tls"] == wanted


def test_nobody_on_the_roster(klass):
    """An unknown student is a row of their own, a formula in a name is neutralised, and no ticket
    inside makes it somebody else's.
    """
    klass.hand_in("u999/hw1.ipynb", klass.notebook("u001"))
    klass.hand_in("=HYPERLINK(1)/hw1.ipynb", klass.notebook("u002"))
    found = klass.grade(klass.folder / "in", "--feedback", klass.folder / "pages")
    assert found.code == 3
    assert "unknown student" in found.rows["u999"]["notes"]
    assert "unknown student" in found.rows["'=HYPERLINK(1)"]["notes"]
    assert found.rows["u001"]["notes"] == "nothing handed in"
    assert list((klass.folder / "pages").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
def test_links_and_pipes_are_not_opened(klass):
    """A link to a neighbour's file earns nothing, and a pipe does not hold anybody up."""
    real = klass.hand_in("u001/hw1.ipynb", klass.notebook("u001"))
    (klass.folder / "in" / "u002").mkdir()
    (klass.folder / "in" / "u002" / "hw1.ipynb").symlink_to(real)
    (klass.folder / "in" / "u003").mkdir()
    os.mkfifo(klass.folder / "in" / "u003" / "hw1.ipynb")
    (klass.folder / "in" / "u004").symlink_to(klass.folder / "in", target_is_directory=True)
    found = klass.grade()
    assert found.code == 3 and found.rows["u001"]["points"] == "14"
    assert "link" in found.rows["u002"]["notes"]
    assert "pipe" in found.rows["u003"]["notes"]
    assert "link" in found.rows["u004"]["notes"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_feedback_is_not_written_through_a_link(klass):
    """What somebody put into the output folder is replaced, not followed."""
    klass.hand_in("u001/hw1.ipynb", klass.notebook("u001"))
    pages, target = klass.folder / "pages", klass.folder / "target"
    pages.mkdir()
    target.write_text("mine")
    (pages / "u001.html").symlink_to(target)
    assert klass.grade(klass.folder / "in", "--feedback", pages).code == 0
    assert target.read_text() == "mine" and "points" in (pages / "u001.html").read_text()


def test_nothing_is_run(klass, tmp_path):
    """Code, magics and pickles in a notebook stay what they are: text."""
    mark = tmp_path / "ran"
    book = klass.notebook("u001")
    for cell in book["cells"]:
        cell["source"] = f"open({str(mark)!r}, 'w').write('ran')"
    book["metadata"]["kernelspec"] = {"name": f"; touch {mark}", "display_name": "x"}
    klass.hand_in("u001/hw1.ipynb", book)
    assert klass.grade().rows["u001"]["points"] == "14" and not mark.exists()
