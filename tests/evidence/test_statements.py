"""SIGSTRUCTs inside programs and images: found where they are, checked, and nothing else taken for
one.
"""

from __future__ import annotations

import json
import struct

import pytest
from click.testing import CliRunner
from evidence.images import image, tar

from casnb.base.errors import EvidenceError, UsageError
from casnb.cli.main import casnb as casnb_command
from casnb.evidence.sigstruct_layout import HEADER, HEADER2
from casnb.evidence.sigstruct_search import FOUND_LIMIT, search_sigstructs
from casnb.measure import Measurement, find_statements
from casnb.measure.elf import section_at
from casnb.measure.measurer import measured_or_found
from casnb.simulator.world import World

WORLD = World("statements", "production")
SIGNED = WORLD.sigstruct
#: Ordinary bytes of a program, of no even length.
CODE = b"\x7f\x00code" * 1001


def elf(**sections: bytes) -> bytes:
    """An ELF64 file with these sections, `_` in a name standing for a dot."""
    names = [b"", *(n.replace("_", ".").encode() for n in sections), b".shstrtab"]
    text = b"\0".join(names) + b"\0"
    bodies, rows, at = b"", [(0, 0, 0, 0)], 64
    for name, body in zip(names[1:], (*sections.values(), text), strict=True):
        rows.append((text.index(b"\0" + name + b"\0") + 1, 1, at, len(body)))
        bodies, at = bodies + body, at + len(body)
    table = b"".join(
        struct.pack("<IIQQQQ24x", n, k, 0, 0, start, size) for n, k, start, size in rows
    )
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, at, 0, 64, 56, 0, 64, len(rows), len(rows) - 1
    )
    return head + bodies + table


def wrong(at: int) -> bytes:
    """The statement with one bit turned."""
    return SIGNED[:at] + bytes([SIGNED[at] ^ 1]) + SIGNED[at + 1 :]


@pytest.mark.parametrize(
    "data, places",
    [
        pytest.param(SIGNED, [0], id="alone"),
        pytest.param(CODE + SIGNED, [len(CODE)], id="at-the-end"),
        pytest.param(CODE + SIGNED + CODE, [len(CODE)], id="inside"),
        pytest.param(SIGNED * 2, [0, 1808], id="two-in-a-row"),
        pytest.param(HEADER + CODE + SIGNED, [16 + len(CODE)], id="behind-a-false-beginning"),
        pytest.param(SIGNED[:100] + SIGNED, [100], id="behind-a-broken-one"),
        pytest.param(CODE + SIGNED[:-1], [], id="cut-short"),
        pytest.param(wrong(44), [], id="reserved-byte"),
        pytest.param(CODE, [], id="none"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_where_they_are(data, places):
    """Every SIGSTRUCT is found at its byte, and nothing else is."""
    assert [at for at, _ in search_sigstructs(data)] == places


def test_the_search_is_bounded():
    """Bytes that begin like a SIGSTRUCT over and over end the search, and so do very many real
    ones.
    """
    begins = (HEADER + bytes(8) + HEADER2) * 100_000
    assert search_sigstructs(begins + SIGNED) == []
    assert len(search_sigstructs(SIGNED * (FOUND_LIMIT + 9))) == FOUND_LIMIT


def test_section_of_a_program():
    """The section is named, of the right kind of file alone, and a damaged table names none."""
    program = elf(_text=CODE, _note_sgxmeta=b"head" + SIGNED)
    found = find_statements(program).found[0]
    assert (found.section, found.offset) == (".note.sgxmeta", 64 + len(CODE) + 4)
    assert section_at(program, 64) == ".text" and section_at(program, 3) == ""
    for cut in range(0, len(program), 997):
        section_at(program[:cut], 70)
    assert section_at(program[:4] + b"\x01" + program[5:], 70) == ""


def test_files_of_an_image():
    """Every file of the image is searched as a container would see it: not what a later layer
    took away.
    """
    data = image(
        tar(("old/app", CODE + SIGNED), ("bin/app", elf(_data=SIGNED))),
        tar(("old/.wh.app", b""), ("lib/other.so", CODE + wrong(600))),
    )
    found = find_statements(data)
    assert [(s.path, s.layer, s.section, s.holds) for s in found.found] == [
        ("bin/app", 1, ".data", True),
        ("lib/other.so", 2, "", False),
    ]
    assert not found.holds and "1 of which no CPU would take" in found.sentence


@pytest.mark.parametrize(
    "at, broken",
    [
        (16 + 4, "signature_ok"),
        (600, "signature_ok"),
        (970, "signature_ok"),
        (1041, "q1_ok"),
        (1500, "q2_ok"),
    ],
)
def test_one_bit_is_told_by_its_check(at, broken):
    """A changed bit is found all the same, and said to hold no more."""
    row = find_statements(CODE + wrong(at)).to_json()["statements"][0]
    assert not row[broken]
    assert broken == "signature_ok" or row["signature_ok"]


def test_what_is_measured_stays_measured():
    """The search stands in where nothing can be measured, and nowhere else."""
    assert isinstance(measured_or_found(WORLD.image()), Measurement)
    assert isinstance(measured_or_found(SIGNED), Measurement)
    assert not isinstance(measured_or_found(elf(_data=SIGNED)), Measurement)
    assert not isinstance(measured_or_found(image(tar(("app", elf(_x=SIGNED))))), Measurement)
    with pytest.raises(EvidenceError, match="no SIGSTRUCT"):
        measured_or_found(elf(_data=CODE))
    with pytest.raises(EvidenceError):
        measured_or_found(elf(_data=SIGNED), heap="64K")
    broken = bytearray(image(tar(("app", elf(_x=SIGNED)))))
    broken[broken.index(b"\x1f\x8b") + 40] ^= 1
    assert not measured_or_found(bytes(broken)).holds


def test_an_expected_value_is_looked_for():
    """One of the values must be signed, by a statement that holds."""
    assert find_statements(SIGNED, expected=("0" * 64, WORLD.mrenclave)).holds
    assert not find_statements(SIGNED, expected=("0" * 64,)).holds
    assert not find_statements(wrong(600), expected=(WORLD.mrenclave,)).holds
    with pytest.raises(UsageError):
        find_statements(SIGNED, expected=("xyz",))


def test_real_ones_inside_a_program(vectors):
    """Genuine SIGSTRUCTs are found inside other bytes, and all of them hold."""
    entries = json.loads((vectors / "manifest.json").read_bytes())["vectors"]
    real = [
        (vectors / e["files"]["sigstruct"]["file"]).read_bytes()
        for e in entries
        if e["format"] == "sigstruct"
    ]
    found = find_statements(elf(_text=CODE, _data=CODE.join(real)))
    assert [s.sigstruct.to_bytes() for s in found.found] == real and found.holds
    assert {s.section for s in found.found} == {".data"}


def test_command(tmp_path, monkeypatch):
    """`casnb measure` of a program: where, what was signed, by whom, and exit code 1 where no CPU
    would take it.
    """

    def casnb(*words):
        return CliRunner().invoke(casnb_command, [str(w) for w in words])

    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "app").write_bytes(elf(_data=SIGNED))
    (tmp_path / "bad").write_bytes(elf(_data=wrong(600)))
    (tmp_path / "none").write_bytes(CODE)
    good = casnb("measure", tmp_path / "app")
    assert good.exit_code == 0 and max(map(len, good.stdout.splitlines())) <= 80
    for words in ("section .data", WORLD.mrenclave, "RSA holds", "simulated vendor", "refused by"):
        assert words in good.stdout
    bad = casnb("measure", tmp_path / "bad")
    assert bad.exit_code == 1 and "RSA DOES NOT HOLD" in bad.stdout
    none = casnb("measure", tmp_path / "none", "--find")
    assert none.exit_code == 1 and "no SIGSTRUCT" in none.stderr
    assert casnb("measure", tmp_path / "app", "--find", "--heap", "64K").exit_code == 2
