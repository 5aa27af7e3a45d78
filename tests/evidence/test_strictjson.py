"""JSON that two readers could understand differently is not read at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.base.strictjson import Member


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a":1,"a":1}', id="member-twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="member-twice-by-escape"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param(b'{"a":1e999}', id="float-overflow"),
        pytest.param(b'{"a":' + b"9" * 9999 + b"}", id="integer-of-9999-digits"),
        pytest.param(b'{"a":"\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"\\udfff":1}', id="lone-surrogate-in-name"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order-mark"),
        pytest.param(b"{} {}", id="two-values"),
        pytest.param(b"{}x", id="text-behind"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{'a':1}", id="single-quotes"),
        pytest.param(b'{"a":1,}', id="trailing-comma"),
        pytest.param(b'{"a":01}', id="leading-zero"),
        pytest.param(b'{"a":"\x01"}', id="control-character"),
        pytest.param(b'{"a":"\xff"}', id="not-utf-8"),
        pytest.param('{"a":１}'.encode(), id="full-width-digit"),
        pytest.param("{}".encode("utf-16"), id="utf-16"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, id="nested-33-deep"),
        pytest.param(b"[" * 100_000, id="nested-100000-deep"),
        pytest.param(b'{"a":"' + b"x" * (1 << 20) + b'"}', id="larger-than-the-limit"),
    ],
)
def test_ambiguous_text_is_refused(text):
    """Each is one refusal, never a value and never another exception."""
    with pytest.raises(EvidenceError):
        strictjson.loads(text, "test")


def test_brackets_in_strings_are_no_nesting():
    """A signed text inside a member may hold as many brackets as it likes."""
    inner = json.dumps([[[{"a": "]" * 40 + "[" * 40 + '\\"'}]]] * 20)
    assert strictjson.loads(json.dumps({"text": inner}), "test") == {"text": inner}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'"' + b"[" * 900_000, id="open-string"),
        pytest.param(b'["' * 400_000, id="pairs"),
        pytest.param(b'{"a":' * 180_000, id="objects"),
        pytest.param(b'"\\' * 400_000, id="escapes"),
    ],
)
def test_a_hostile_megabyte_is_refused(text):
    """A megabyte made to keep the reader busy does not."""
    with pytest.raises(EvidenceError):
        strictjson.loads(text, "test")


_text = st.text(st.characters(codec="utf-8"), max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(_values)
def test_compact_text_reads_back(value):
    """What is hashed is what was read, members in their order."""
    text = strictjson.compact(value)
    again = strictjson.loads(text, "test")
    assert again == value
    assert strictjson.compact(again) == text


TABLE = (
    Member("name", str, "", True),
    Member("size", int, ""),
    Member("note", (str, type(None)), ""),
)


@pytest.mark.parametrize(
    "value, words",
    [
        pytest.param([], "array, wanted a JSON object", id="not-an-object"),
        pytest.param({}, "name: got nothing", id="required-missing"),
        pytest.param({"name": None}, "name: got null, wanted string", id="null-for-string"),
        pytest.param(
            {"name": "a", "size": True},
            "size: got true or false, wanted integer",
            id="bool-is-no-integer",
        ),
        pytest.param(
            {"name": "a", "size": 1.0}, "size: got float, wanted integer", id="float-is-no-integer"
        ),
        pytest.param(
            {"name": "a", "note": 5},
            "note: got integer, wanted string or null",
            id="neither-of-two",
        ),
    ],
)
def test_members_have_their_type(value, words):
    """The refusal names the member, what it is and what it should be."""
    with pytest.raises(EvidenceError) as caught:
        strictjson.conform(value, TABLE, "thing")
    assert words in str(caught.value)


def test_unlisted_members_are_left_alone():
    """A table says what must hold, not what else may stand there."""
    strictjson.conform({"name": "a", "note": None, "more": [1]}, TABLE, "thing")
