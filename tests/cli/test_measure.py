"""`casnb measure`: what a reader sees, and how it ends."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from importlib.resources import files

import pytest

from casnb.simulator.cas_image import build_image
from casnb.simulator.world import World

WORLD = World("measure", "production")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The image, the program, its stream and its statement as files, and some that are wrong."""
    made = tmp_path_factory.mktemp("measure")
    wrong = replace(WORLD.enclave, version="6.0.3")
    other = bytearray(WORLD.image())
    other[other.index(b"\x1f\x8b") + 40] ^= 1
    for name, data in {
        "image.tar": WORLD.image(),
        "cas.enclave": WORLD.enclave.file.to_bytes(),
        "cas.sgxs": WORLD.ledger.to_bytes(),
        "cas.sig": WORLD.sigstruct,
        "image.tar.gz": gzip.compress(WORLD.image()),
        "ls": b"\x7fELF" + bytes(999),
        "image.tar.zst": b"\x28\xb5\x2f\xfd" + bytes(99),
        "image.tar.xz": b"\xfd7zXZ\0" + bytes(99),
        "other.sig": wrong.sigstruct,
        "damaged.tar": bytes(other),
        "junk": b"junk",
        "heap.tar": build_image(WORLD.enclave, wrong, {"SCONE_HEAP": "64K"}),
    }.items():
        (made / name).write_bytes(data)
    return made


@pytest.mark.parametrize("name", ["image.tar", "cas.enclave", "cas.sgxs", "cas.sig"])
def test_each_kind_holds(casnb, folder, name):
    """Image, program, stream and statement: exit code 0, and the measurement on a line that can
    be copied.
    """
    run = casnb("measure", folder / name, "--expect", WORLD.mrenclave)
    assert run.exit_code == 0, run.output
    assert WORLD.mrenclave in run.stdout and "FAILED" not in run.stdout
    assert "Two sources agree" in " ".join(run.stdout.split())
    assert run.stderr == "" and max(map(len, run.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "words, shown",
    [
        pytest.param(["image.tar", "--expect", "0" * 64], "mrenclave", id="another-value"),
        pytest.param(["image.tar", "--heap", "64K"], "enclave-hash", id="another-heap"),
        pytest.param(["heap.tar"], "enclave-hash", id="heap-of-the-image"),
        pytest.param(
            ["cas.sgxs", "--sigstruct", "other.sig"], "enclave-hash", id="another-statement"
        ),
        pytest.param(["damaged.tar"], "image-format", id="damaged"),
        pytest.param(
            ["image.tar", "--program", "etc/os-release"], "image-format", id="no-program-there"
        ),
    ],
)
def test_what_is_not_equal_ends_with_1(casnb, folder, words, shown):
    """The failed check is named, and the sentence says so."""
    run = casnb("measure", *(folder / w if (folder / w).exists() else w for w in words))
    assert run.exit_code == 1, run.output
    assert f"FAILED   {shown}" in run.stdout and "Not as it should be" in run.stdout


@pytest.mark.parametrize(
    "words, code, said",
    [
        pytest.param(["junk"], 1, "wanted", id="junk"),
        pytest.param(["image.tar.gz"], 1, "gunzip", id="gzip"),
        pytest.param(["ls"], 1, "SCONE_HASH=1", id="real-program"),
        pytest.param(["image.tar.zst"], 1, "unzstd", id="zstd"),
        pytest.param(["image.tar.xz"], 1, "unxz", id="xz"),
        pytest.param(["."], 3, "tar -C FOLDER -cf image.tar .", id="folder"),
        pytest.param(["nothing-there"], 3, "No such file", id="no-file"),
        pytest.param(
            ["image.tar", "--expect", "12"], 2, "64 lower-case hex digits", id="short-value"
        ),
        pytest.param(["image.tar", "--heap", "lots"], 2, "SCONE_HEAP", id="heap"),
        pytest.param([], 2, "FILE", id="no-argument"),
        pytest.param(["cas.sgxs", "--program", "x"], 2, "an image", id="program-of-no-image"),
        pytest.param(["-", "--sigstruct", "-"], 2, "give it once", id="two-dashes"),
        pytest.param(["image.tar", "--expect", ""], 2, "shell variable", id="empty-value"),
    ],
)
def test_how_it_ends_otherwise(casnb, folder, words, code, said):
    """Malformed, unreadable and called wrongly are told apart."""
    run = casnb("measure", *(folder / w if w and (folder / w).exists() else w for w in words))
    assert run.exit_code == code, run.output
    assert said in run.stderr and run.stdout == ""


@pytest.mark.parametrize(
    "name", ["image.tar", "heap.tar", "damaged.tar", "cas.enclave", "cas.sgxs", "cas.sig"]
)
def test_json_has_the_documented_form(casnb, folder, name):
    """Equal or not, the object is what the schema says."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((files("casnb.cli") / "schema" / "output.json").read_text())
    run = casnb("measure", folder / name, "--json")
    found = json.loads(run.stdout)
    jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/measure"}).validate(found)
    assert found["holds"] is (run.exit_code == 0)
    assert (found["image"] is not None) == (name in ("image.tar", "heap.tar"))


def test_a_dash_reads_standard_input(casnb, folder):
    """As everywhere."""
    run = casnb(
        "measure", "-", "--sigstruct", folder / "cas.sig", input=(folder / "cas.sgxs").read_bytes()
    )
    assert run.exit_code == 0 and "PASSED   enclave-hash" in run.stdout


def test_serve_writes_the_image(casnb, tmp_path, monkeypatch):
    """`casnb serve --image` leaves the archive of its own world."""
    import contextlib

    monkeypatch.setattr(
        "casnb.simulator.server.running.serve", lambda *a, **k: contextlib.nullcontext().__enter__()
    )
    casnb(
        "serve", "--seed", "measure", "--scenario", "production", "--image", tmp_path / "image.tar"
    )
    assert (tmp_path / "image.tar").read_bytes() == WORLD.image()
