"""Container images: layers laid over each other, and archives that are not what they say."""

from __future__ import annotations

import gzip
import json
import tarfile
import tracemalloc

import pytest
from evidence.images import FOLDER, INDEX, digest, image, link, tar

from casnb.base.errors import EvidenceError
from casnb.measure import image as oci
from casnb.measure.image import read_image


def read(data: bytes) -> oci.Image:
    return read_image(data, lambda head, size: True)


def shown(data: bytes) -> dict[str, bytes | None]:
    return {path: f.data for path, f in read(data).files.items() if f.kind == "file"}


# What a container sees


def test_later_layers_lie_over_earlier_ones():
    """A file of a later layer takes the place of the one below, and says which layer it is from."""
    found = read(image(tar(("a", b"1"), ("b", b"1")), tar(("./b", b"2"))))
    assert {p: (f.data, f.layer) for p, f in found.files.items()} == {
        "a": (b"1", 1),
        "b": (b"2", 2),
    }
    assert [(f.path, f.data) for f in found.removed] == [("b", b"1")]


@pytest.mark.parametrize(
    "layer, left",
    [
        pytest.param(tar(("d/.wh.x", b"")), {"d/y", "e"}, id="a-file"),
        pytest.param(tar((".wh.d", b"")), {"e"}, id="a-folder"),
        pytest.param(tar(("d/.wh..wh..opq", b""), ("d/z", b"3")), {"d/z", "e"}, id="opaque-folder"),
        pytest.param(
            tar(("d/z", b"3"), ("d/.wh..wh..opq", b"")), {"d/z", "e"}, id="opaque-behind-its-file"
        ),
        pytest.param(tar((".wh..wh..opq", b"")), set(), id="opaque-root"),
        pytest.param(tar((".wh.nothing", b"")), {"d/x", "d/y", "e"}, id="none"),
        pytest.param(tar((".wh.x", b"")), {"d/x", "d/y", "e"}, id="of-another-folder"),
        pytest.param(
            tar((".wh.e", b""), ("e", b"4")), {"d/x", "d/y", "e"}, id="replaced-in-one-layer"
        ),
        pytest.param(tar(("d", b"a file now")), {"d", "e"}, id="folder-becomes-file"),
        pytest.param(tar(link("e", "d/x")), {"d/x", "d/y"}, id="file-becomes-link"),
    ],
)
def test_whiteouts_take_away(layer, left):
    """As containers do it: whiteouts act on the layers below, wherever they stand in their own."""
    base = tar(("d", FOLDER), ("d/x", b"1"), ("d/y", b"2"), ("e", b"3"))
    assert set(shown(image(base, layer))) == left


def test_only_wanted_bytes_are_kept():
    """A layer may be large; what nobody asked for is not kept in memory."""
    found = read_image(
        image(tar(("a", b"x" * 99), ("b", b"CASNBENC"))),
        lambda head, size: head.startswith(b"CASNBENC"),
    )
    assert [f.path for f in found.wanted()] == ["b"]
    assert found.files["a"].data is None and found.files["a"].size == 99


def test_links_are_not_followed():
    """A link is a link: it has no bytes, wherever it points to."""
    found = read(
        image(
            tar(
                link("a", "/etc/passwd"),
                link("b", "../../x"),
                ("c", b"1"),
                link("d", "c", tarfile.LNKTYPE),
            )
        )
    )
    assert {p: f.kind for p, f in found.files.items()} == {
        "a": "link",
        "b": "link",
        "c": "file",
        "d": "link",
    }


def test_one_platform_of_several():
    """Of an index with several platforms the one for linux/amd64 is read."""

    def several(files: dict, zipped: list) -> None:
        (row,) = json.loads(files["index.json"])["manifests"]
        rows = [row | {"platform": {"os": "linux", "architecture": a}} for a in ("arm64", "amd64")]
        inner = json.dumps({"manifests": rows}).encode()
        files["blobs/sha256/" + digest(inner)[7:]] = inner
        files["index.json"] = json.dumps(
            {"manifests": [{"mediaType": INDEX, "digest": digest(inner), "size": len(inner)}]}
        ).encode()

    assert shown(image(tar(("a", b"1")), change=several)) == {"a": b"1"}


def test_dockers_own_kinds_are_read():
    """What `docker save` writes of an image from a registry of Docker's: the same layout under
    other names, and a manifest.json.
    """
    docker = "application/vnd.docker."
    made = image(
        tar(("a", b"1")),
        layer={"mediaType": f"{docker}image.rootfs.diff.tar.gzip"},
        outer=[("manifest.json", b"[]")],
        descriptor={"mediaType": f"{docker}distribution.manifest.v2+json"},
    )
    assert shown(made) == {"a": b"1"}


def test_gzip_in_several_members_is_one_layer():
    """Some builders write a member for each file."""
    layer = tar(("a", b"1"))

    def split(files: dict, zipped: list) -> None:
        data = gzip.compress(layer[:600], mtime=0) + gzip.compress(layer[600:], mtime=0)
        swap(files, zipped[0], data)

    assert shown(image(layer, change=split)) == {"a": b"1"}


def swap(files: dict, old: bytes, new: bytes) -> None:
    """Put another blob in the place of a layer, and name it in manifest and index as an honest
    builder would.
    """
    name = "blobs/sha256/" + digest(old)[7:]
    del files[name]
    files["blobs/sha256/" + digest(new)[7:]] = new
    index = json.loads(files["index.json"])
    at = "blobs/sha256/" + index["manifests"][0]["digest"][7:]
    manifest = json.loads(files.pop(at))
    for row in manifest["layers"]:
        if row["digest"] == digest(old):
            row.update(digest=digest(new), size=len(new))
    text = json.dumps(manifest).encode()
    files["blobs/sha256/" + digest(text)[7:]] = text
    index["manifests"][0].update(digest=digest(text), size=len(text))
    files["index.json"] = json.dumps(index).encode()


# What is refused

ONE = tar(("a", b"1"))


def blob(change):
    """Alter the layer's blob under its old name."""

    def apply(files: dict, zipped: list) -> None:
        name = "blobs/sha256/" + digest(zipped[0])[7:]
        files[name] = change(files[name])

    return apply


def other(data):
    return lambda files, zipped: swap(files, zipped[0], data)


def drop(name):
    return lambda files, zipped: files.pop(name)


REFUSED = [
    ("no layout", image(ONE, change=drop("oci-layout")), "no OCI archive"),
    ("no index", image(ONE, change=drop("index.json")), "no OCI archive"),
    (
        "layout of another version",
        image(ONE, change=lambda f, _: f.update({"oci-layout": b'{"imageLayoutVersion":"2"}'})),
        "1.0.0",
    ),
    (
        "layer changed",
        image(ONE, change=blob(lambda d: d[:-1] + bytes([d[-1] ^ 1]))),
        "layer 1: digest",
    ),
    ("layer longer", image(ONE, change=blob(lambda d: d + b"\0")), "layer 1: size"),
    (
        "layer missing",
        image(ONE, change=lambda f, z: f.pop("blobs/sha256/" + digest(z[0])[7:])),
        "blob",
    ),
    (
        "another layer named honestly",
        image(ONE, change=other(gzip.compress(tar(("a", b"2"))))),
        "unpacked digest",
    ),
    ("fewer diff_ids", image(ONE, ONE, config={"rootfs": {"diff_ids": [digest(ONE)]}}), "diff_ids"),
    ("no layer", image(), "layers: got 0"),
    ("no digest algorithm", image(ONE, layer={"digest": "md5:" + "0" * 32}), "sha256: and 64"),
    ("digest as a path", image(ONE, layer={"digest": "sha256:../../etc/passwd"}), "sha256: and 64"),
    ("size a truth value", image(ONE, layer={"size": True}), "size: got true or false"),
    (
        "layer of a kind unknown",
        image(ONE, layer={"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"}),
        "zstd.*Pack it again",
    ),
    (
        "docker save of old",
        tar(("manifest.json", b"[]"), ("abc/layer.tar", ONE)),
        "skopeo copy docker-archive:FILE",
    ),
    ("manifest of a kind unknown", image(ONE, descriptor={"mediaType": "text/html"}), "mediaType"),
    ("two images", image(ONE, index={"manifests": [{}, {}]}), "0 images"),
    ("no image", image(ONE, index={"manifests": []}), "0 images"),
    (
        "member twice",
        image(
            ONE, change=lambda f, _: f.update({"index.json": b'{"manifests":[],"manifests":[]}'})
        ),
        "twice",
    ),
    ("name twice", image(ONE, outer=[("index.json", b"{}")]), "the name twice"),
    (
        "name twice, spelled otherwise",
        image(ONE, outer=[("./index.json", b"{}")]),
        "the name twice",
    ),
    ("archive leads out", image(ONE, outer=[("../x", b"1")]), "stays inside"),
    ("archive from the root", image(ONE, outer=[("/x", b"1")]), "stays inside"),
    (
        "link among the blobs",
        image(ONE, outer=[link("blobs/sha256/x", "/etc/passwd")]),
        "link or device",
    ),
    (
        "device among the blobs",
        image(ONE, outer=[link("blobs/x", "", tarfile.CHRTYPE)]),
        "link or device",
    ),
    ("layer leads out", image(tar(("../../etc/passwd", b"1"))), "stays inside"),
    ("layer leads out in the middle", image(tar(("a/../../b", b"1"))), "stays inside"),
    ("layer from the root", image(tar(("/etc/passwd", b"1"))), "stays inside"),
    ("path too long", image(tar(("a/" * 600, b"1"))), "stays inside"),
    ("path twice", image(tar(("a", b"1"), ("a", b"2"))), "the path twice"),
    ("path twice, as folder", image(tar(("a", b"1"), ("a", FOLDER))), "the path twice"),
    ("whiteout twice", image(tar((".wh.a", b""), (".wh.a", b""))), "twice"),
    ("whiteout of nothing", image(tar((".wh.", b""))), "whiteout"),
    ("whiteout that leads out", image(tar((".wh...", b""))), "whiteout"),
    (
        "through a link",
        image(tar(link("bin", "/elsewhere"), ("bin/cas", b"1"))),
        "a path through bin",
    ),
    (
        "through a link below",
        image(tar(link("bin", "usr")), tar(("bin/cas", b"1"))),
        "a path through bin",
    ),
    (
        "through a file below",
        image(tar(("bin", b"1")), tar(("bin/cas", b"1"))),
        "a path through bin",
    ),
    ("gzip cut", image(ONE, change=lambda f, z: swap(f, z[0], z[0][:-9])), "cut short"),
    (
        "gzip with something behind",
        image(ONE, change=lambda f, z: swap(f, z[0], z[0] + b"more")),
        "no gzip",
    ),
    ("no gzip", image(ONE, change=other(ONE)), "no gzip"),
    ("layer is not a tar", image(b"x" * 4096), "damaged archive"),
    ("something behind the layer's end", image(ONE + b"\1" * 512), "zeros up to the end"),
    ("something behind the archive's end", image(ONE) + b"\1" * 512, "zeros up to the end"),
    ("archive cut", image(ONE)[:1500], "not an entry at byte|damaged"),
    (
        "damaged header",
        image(tar(("a", b"1"), ("b", b"2"))[:1030] + b"\xff" * 500),
        "zeros up to the end|damaged",
    ),
    (
        "a thousand headers before a file",
        image(tar(link("x", "", tarfile.GNUTYPE_LONGNAME))[:512] * 3000 + ONE),
        "damaged archive",
    ),
]


@pytest.mark.parametrize(
    "data, words", [pytest.param(d, w, id=n.replace(" ", "-")) for n, d, w in REFUSED]
)
def test_refused(data, words):
    """An archive that is not exactly what it says is refused, and the refusal says where."""
    with pytest.raises(EvidenceError, match=words):
        read(data)


def test_too_many_entries_are_refused(monkeypatch):
    """Entries are counted over all layers, bytes too."""
    layer = tar(*((f"f{n}", b"") for n in range(40)))
    monkeypatch.setattr(oci, "ENTRY_LIMIT", 70)
    with pytest.raises(EvidenceError, match="more than 30 entries"):
        read(image(layer, layer))
    monkeypatch.setattr(oci, "ENTRY_LIMIT", 80)
    assert len(read(image(layer, layer)).files) == 40


def test_layers_together_are_bounded(monkeypatch):
    """Ten layers of a little less than the limit are as bad as one of ten times."""
    monkeypatch.setattr(oci, "UNPACKED_LIMIT", 3 * len(ONE) - 1)
    assert read(image(ONE, ONE)).files
    with pytest.raises(EvidenceError, match="layer 3"):
        read(image(ONE, ONE, ONE))


def test_a_bomb_is_not_unpacked(monkeypatch):
    """A few kilobytes that would fill memory are refused as soon as they pass the limit."""
    monkeypatch.setattr(oci, "UNPACKED_LIMIT", 1 << 20)
    data = image(ONE, change=other(gzip.compress(bytes(64 << 20), mtime=0)))
    tracemalloc.start()
    try:
        with pytest.raises(EvidenceError, match="fill memory"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_nothing_is_written(tmp_path, monkeypatch):
    """Reading an image touches no disk."""
    import builtins

    def refuse(*args, **kwargs):
        raise AssertionError("a file was opened")

    data = image(tar(("a", b"1")))
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr("os.open", refuse)
    assert shown(data) == {"a": b"1"}


def test_every_cut_and_every_changed_byte_is_foreseen():
    """A damaged archive raises EvidenceError and nothing else; what is still read says the same."""
    data = image(tar(("a", b"1"), ("b", b"2")))
    want = {"a": b"1", "b": b"2"}
    for at in [*range(0, 1600, 7), *range(1600, len(data), 101)]:
        for bad in (data[:at], data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]):
            try:
                found = shown(bad)
            except EvidenceError:
                continue
            assert found == want
