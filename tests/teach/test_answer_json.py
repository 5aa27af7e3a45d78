"""Answers that travel: what comes back is what went out, and nothing else is read."""

from __future__ import annotations

import json

import pytest

from casnb.base.errors import EvidenceError
from casnb.simulator.world import World
from casnb.teach.course.answer_json import (
    LIMIT,
    MIME,
    Answer,
    parse_answer,
    parse_receipt,
    read_answer,
    tagged,
    untagged,
    world_id,
)
from casnb.teach.course.answers import Foreign, plain, same
from casnb.teach.course.exercises import catalogue, exercise
from casnb.teach.course.judgement import feedback_on
from casnb.teach.facts import Facts
from casnb.teach.lab import start

WORLD = world_id("s", "public")
GOOD = Answer("01.mrenclave", "ab", WORLD, "127.0.0.1:8081").to_json()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        -(2**53),
        2**53 + 1,
        2**4000,
        1.0,
        "text",
        "",
        b"\x00\xff",
        [1, [2, "3"]],
        {"a": {"b": None}},
        {"set": ["a"]},
        {1: "a", None: 2},
        frozenset({"a", "b"}),
        frozenset({1, 2.5, b"x", None}),
        {"kind": "string", "value": "42"},
    ],
    ids=lambda v: type(v).__name__,
)
def test_an_answer_comes_back_as_it_went(value):
    """Type and content, through JSON and through a browser that knows doubles alone."""
    text = json.dumps(tagged(plain(value)))
    assert same(untagged(json.loads(text)), plain(value))
    assert all(abs(n) <= 2**53 for n in numbers(json.loads(text)))


def numbers(value):
    """Every bare number in a JSON value."""
    if isinstance(value, (list, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return [n for v in inner for n in numbers(v)]
    return [value] if type(value) in (int, float) else []


@pytest.mark.parametrize("task", catalogue().values(), ids=lambda e: e.id)
def test_a_judge_elsewhere_gives_the_same_mark(task, facts):
    """Right in the lab, sent as JSON, and right for who knows the seed alone."""
    here = facts if "public" in task.scenarios else facts.of(task.scenarios[0])
    sent = json.dumps(Answer(task.id, plain(task.reference(here)), WORLD).to_json())
    judge = Facts(World(facts.world.seed, here.world.scenario))
    assert feedback_on(exercise(task.id), parse_answer(sent).answer, judge).right


@pytest.mark.parametrize("value", [Foreign("object"), float("nan"), "\ud800"], ids=repr)
def test_what_is_no_data_is_said_to_be_none(value):
    """It travels as a word about it, and is wrong everywhere."""
    back = untagged(json.loads(json.dumps(tagged(value))))
    assert isinstance(back, Foreign)


def changed(**members):
    return json.dumps({**GOOD, **members})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a list"),
        pytest.param("NaN", id="NaN"),
        pytest.param(
            changed(answer=0).replace("0}", "NaN}").replace(": 0", ": NaN"), id="NaN inside"
        ),
        pytest.param(json.dumps(GOOD)[:-1] + ', "exercise": "01.trap"}', id="a member twice"),
        pytest.param(changed(format="casnb answer 9"), id="another format"),
        pytest.param(changed(exercise="../x"), id="a path for an id"),
        pytest.param(changed(world="s"), id="a world that is none"),
        pytest.param(changed(address=5), id="an address that is none"),
        pytest.param(changed(address="x" * 301), id="a long address"),
        pytest.param(changed(answer={"set": ["a", "a"]}), id="a set with a word twice"),
        pytest.param(changed(answer={"set": "a"}), id="a set of no list"),
        pytest.param(changed(answer={"set": [["a"]]}), id="a set of lists"),
        pytest.param(changed(answer={"bytes": "AB"}), id="bytes in capitals"),
        pytest.param(changed(answer={"int": "1e5"}), id="an integer that is none"),
        pytest.param(changed(answer={"int": "9" * 2000}), id="a huge integer"),
        pytest.param(changed(answer={"float": "inf"}), id="infinity"),
        pytest.param(changed(answer={"float": "x"}), id="a float that is none"),
        pytest.param(changed(answer={"dict": [["a"]]}), id="a pair of one"),
        pytest.param(changed(answer={"set": [], "int": "1"}), id="two tags"),
        pytest.param(changed(answer=1.5), id="a bare float"),
        pytest.param("[" * 10000, id="deep"),
        pytest.param(changed(answer=[[[[[[[[[[1]]]]]]]]]]), id="deep inside"),
        pytest.param(changed(answer="x" * 30_000), id="long text"),
        pytest.param(changed(answer=[1] * 3000), id="many items"),
        pytest.param(changed(pad="x" * LIMIT), id="large"),
        pytest.param(json.dumps({k: v for k, v in GOOD.items() if k != "answer"}), id="no answer"),
    ],
)
def test_anything_else_is_refused(text):
    """Bounded, and one kind of error for whatever it is."""
    with pytest.raises(EvidenceError):
        parse_answer(text)


def test_reading_never_recurses_into_the_ground():
    """A value that was parsed elsewhere may be nested without end."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EvidenceError):
        read_answer({**GOOD, "answer": deep})


def test_a_world_id_tells_neither_seed_nor_scenario():
    """Different for each, and no part of them in it."""
    ids = {world_id(seed, sc) for seed in ("a", "b") for sc in ("public", "production")}
    assert len(ids) == 4 and all(len(i) == 32 for i in ids)


@pytest.fixture
def lab(monkeypatch, tmp_path):
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    made = start("01", seed="answers that travel")
    yield made
    made.close()


def test_a_saved_notebook_carries_the_answer(lab):
    """One entry of our own in the output of `lab.check`; none while there is no answer."""
    assert MIME not in lab.check("01.trap")._repr_mimebundle_()
    shown = lab.check("01.trap", {"today"})._repr_mimebundle_()
    found = read_answer(json.loads(json.dumps(shown[MIME])))
    assert found == Answer("01.trap", frozenset({"today"}), lab.world_id, lab.address)
    assert lab.seed not in json.dumps(shown[MIME])


def test_a_receipt_carries_the_answers(lab, tmp_path):
    """Those of this kernel, and those of the progress file; the last right one counts."""
    right = lab.reference("01.mrenclave")
    lab.check("01.mrenclave", right)
    lab.check("01.trap", ["today"])
    lab._answers.clear()
    lab.receipt(tmp_path / "receipt.json")
    found = parse_receipt((tmp_path / "receipt.json").read_bytes())
    assert found.answers["01.mrenclave"].answer == right
    assert found.answers["01.trap"].answer == ["today"]
    assert found.chapter == "01" and lab.seed not in (tmp_path / "receipt.json").read_text()


@pytest.mark.parametrize("edit", [b"", b"x"])
def test_a_damaged_receipt_is_refused(lab, tmp_path, edit):
    """Cut or changed: an error, and no half of it."""
    lab.check("01.trap", ["today"])
    lab.receipt(tmp_path / "r.json")
    data = (tmp_path / "r.json").read_bytes().replace(b"today", edit or b"2024-10")
    with pytest.raises(EvidenceError):
        parse_receipt(data)
