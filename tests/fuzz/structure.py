"""Mutations that know the structure of what they change: values of a DER tree, paths of a JSON
document. What comes out is well formed around the one place that was changed, so that it can be
signed again and gets past every signature.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from fuzz.mutators import Mutator, Sample

#: A tag and its content: bytes, or the values inside.
Node = tuple[int, "bytes | list[Node]"]
Path = tuple[int, ...]


def parse(data: bytes) -> list[Node]:
    """Return the values in a run of good DER."""
    out: list[Node] = []
    at = 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[at + 2 : start], "big")
        content = data[start : start + size]
        out.append((tag, _inside(tag, content)))
        at = start + size
    return out


def _inside(tag: int, content: bytes) -> bytes | list[Node]:
    """The values in a constructed one; one that holds none is as opaque as a string."""
    if tag & 0x20:
        try:
            found = parse(content)
            if b"".join(map(encode, found)) == content:
                return found
        except IndexError:
            pass
    return content


def length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(raw),)) + raw


def encode(node: Node) -> bytes:
    tag, content = node
    body = content if isinstance(content, bytes) else b"".join(map(encode, content))
    return bytes((tag,)) + length(len(body)) + body


def canonical(data: bytes) -> bool:
    """Whether this is DER as a signer writes it: one value, lengths as short as can be, integers
    without spare bytes, true as 255.
    """

    def fits(node: Node) -> bool:
        tag, content = node
        if isinstance(content, list):
            return all(map(fits, content))
        if tag == 0x02:
            spare = len(content) > 1 and content[0] in (0, 0xFF)
            return bool(content) and not (spare and (content[0] ^ content[1]) < 0x80)
        return tag != 0x01 or content in (b"\0", b"\xff")

    try:
        (node,) = parse(data)
    except (IndexError, ValueError):
        return False
    return encode(node) == data and fits(node)


def paths(nodes: Sequence[Node], above: Path = ()) -> list[Path]:
    out: list[Path] = []
    for n, (_, content) in enumerate(nodes):
        out.append((*above, n))
        if isinstance(content, list):
            out += paths(content, (*above, n))
    return out


def changed(nodes: Sequence[Node], path: Path, change: Callable[[Node], bytes]) -> bytes:
    """Encode a run of values, one of them by `change`; the lengths around it fit."""
    out = b""
    for n, node in enumerate(nodes):
        if path and path[0] == n:
            if len(path) == 1:
                out += change(node)
                continue
            tag, content = node
            assert isinstance(content, list)
            body = changed(content, path[1:], change)
            out += bytes((tag,)) + length(len(body)) + body
        else:
            out += encode(node)
    return out


_TIMES = (
    b"260901120000Z", b"20260901120000Z", b"2609011200Z", b"260901120000", b"260901120000+0000",
    b"20260901120000.5Z", b"20260901120000,5Z", b"491231235959Z", b"500101000000Z",
    b"99991231235959Z", b"20260231000000Z", b"260901240000Z", b"260901126000Z", b"",
)  # fmt: skip


def bend(random: Random, node: Node) -> bytes:
    """One DER value as no signer writes it, or as another value."""
    tag, content = node
    body = content if isinstance(content, bytes) else b"".join(map(encode, content))
    head = bytes((tag,))
    rows: list[Callable[[], bytes]] = [
        lambda: head + b"\x81" + bytes((len(body) & 0xFF,)) + body,
        lambda: head + b"\x84" + len(body).to_bytes(4, "big") + body,
        lambda: head + b"\x88" + len(body).to_bytes(8, "big") + body,
        lambda: head + b"\x80" + body + b"\0\0",
        lambda: head + length(len(body) + random.choice((-1, 1)) if body else 1) + body,
        lambda: (
            bytes((tag ^ random.choice((0x20, 0x40, 0x80, 1, 2, 4)),)) + length(len(body)) + body
        ),
        lambda: encode(node) * 2,
        lambda: b"",
        lambda: encode((tag, body + b"\0")),
        lambda: encode((tag, b"")),
        lambda: encode((0x30, body)),
    ]
    if tag == 0x02:
        odd = (b"\0" + body, b"\xff" + body, b"", b"\x80", b"\0", b"\1", b"\xff", b"\x7f" * 30)
        rows += [lambda: encode((tag, random.choice(odd)))] * 6
    if tag in (0x17, 0x18):
        rows += [lambda: encode((random.choice((0x17, 0x18)), random.choice(_TIMES)))] * 8
    if tag == 0x01:
        rows += [lambda: encode((tag, random.choice((b"\0", b"\1", b"\xfe", b"\xff\xff"))))] * 6
    if isinstance(content, list) and len(content) > 1:

        def move() -> bytes:
            children = list(content)
            children.insert(
                random.randrange(len(children)), children.pop(random.randrange(len(children)))
            )
            return encode((tag, children))

        def again() -> bytes:
            children = list(content)
            children.insert(random.randrange(len(children) + 1), random.choice(children))
            return encode((tag, children))

        def drop() -> bytes:
            children = list(content)
            children.pop(random.randrange(len(children)))
            return encode((tag, children))

        rows += [move, again, drop] * 2
    return random.choice(rows)()


class DerTree(Mutator):
    """One value somewhere in the tree is bent."""

    def change(self, random: Random, sample: Sample) -> bytes:
        head, data = sample.data[: sample.head], sample.data[sample.head :]
        tree = parse(data)
        path = random.choice(paths(tree))
        return head + changed(tree, path, lambda node: bend(random, node))


#: What stands at a path instead of what should.
_OTHERS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 255, 256, 1 << 31, 1 << 64, 1.5, "", "0", "00", "AA==", "\u202e",
    "2026-09-01T12:00:00Z", "UpToDate", "OK", [], {}, [[]], [None], {"": {}}, "A" * 300, "\0",
)  # fmt: skip


def json_paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    out = [above] if above else []
    rows = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in rows:
        out += json_paths(inner, (*above, key))
    return out


def confuse(random: Random, document: Any) -> Any:
    """Return the document with another value, another type, or nothing, at one of its paths."""
    copy = json.loads(json.dumps(document))
    path = random.choice(json_paths(copy))
    place = copy
    for key in path[:-1]:
        place = place[key]
    old, kind = place[path[-1]], random.randrange(10)
    if kind == 0:
        del place[path[-1]]
    elif kind == 1:
        place[path[-1]] = [old]
    elif kind == 2:
        place[path[-1]] = {"value": old}
    elif kind == 3:
        place[path[-1]] = old if isinstance(old, (dict, list)) else f" {old}"
    elif kind == 4 and isinstance(old, str):
        place[path[-1]] = random.choice((old.swapcase(), old + " ", old[:-1], old * 2))
    elif kind == 5 and isinstance(old, list) and old:
        old.insert(random.randrange(len(old) + 1), random.choice(old))
    elif kind == 6 and isinstance(place, dict):
        place[str(path[-1]).swapcase()] = place.pop(path[-1])
    else:
        place[path[-1]] = random.choice(_OTHERS)
    return copy


class JsonPaths(Mutator):
    """Another value at one path of the document, now and then at two; of a text of several lines
    one line is such a document.
    """

    def change(self, random: Random, sample: Sample) -> bytes:
        lines = sample.data[sample.head :].splitlines()
        n = random.randrange(len(lines))
        document = confuse(random, json.loads(lines[n]))
        if random.random() < 0.2 and json_paths(document):
            document = confuse(random, document)
        lines[n] = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        return sample.data[: sample.head] + b"\n".join(lines)
