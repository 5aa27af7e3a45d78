"""The world map says exactly what `foresee` says: nobody crosses a closed gate, and nobody who gets
in is left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import combinations

import pytest

from casnb.base.errors import UsageError
from casnb.checks.catalogue import CATALOGUE
from casnb.mallory import gates as gates_module
from casnb.mallory.attacks import ATTACKS, foresee
from casnb.mallory.defence import HABITS, USUAL
from casnb.mallory.gates import GATES, WAYS, flags_of, gate_of_flag
from casnb.policy.flags import BY_NAME, FLAGS, NEWER
from casnb.teach.lab import start
from casnb.teach.switchboard.model import CHOICES, SwitchboardModel
from casnb.teach.worldmap import standing as standing_module
from casnb.teach.worldmap.changes import Change, let_in, tally
from casnb.teach.worldmap.standing import WORDS, doors, standings
from casnb.teach.worldmap.view import map_text, render_map

ALL_SETS = [names for n in range(len(BY_NAME) + 1) for names in combinations(BY_NAME, n)]


def seen(model):
    """How the gates stand for what a switchboard shows."""
    return standings(model.result, model.flags, model.foreseen())


# The table


def test_there_are_sixteen_gates_and_each_answers_a_question():
    """In the order of the four questions; one of them is a gate that cannot be."""
    assert len(GATES) == 16 and list(WAYS) == list(dict.fromkeys(g.way for g in GATES.values()))
    assert [g.id for g in GATES.values() if not g.stands] == ["memory-bus"]


def test_every_check_stands_on_a_gate():
    """None is missing from the wall, and a gate's check is one of the catalogue."""
    assert {c for g in GATES.values() for c in g.checks} == CATALOGUE.keys()
    assert {g.habit for g in GATES.values() if g.habit} <= HABITS.keys()


def test_each_switch_has_a_gate_of_its_own():
    """So a click moves one thing."""
    assert len({gate_of_flag(f).id for f in FLAGS}) == len(FLAGS)
    for flag in (*FLAGS, *NEWER):
        assert set(flag.waives) & set(gate_of_flag(flag).checks)
        assert flag in flags_of(gate_of_flag(flag))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_comes_through_the_gate_that_stops_it(name):
    """Its gate is that of the check or habit that stops it, or of a flag that lets it in."""
    attack = ATTACKS[name]
    by_flags = {gate_of_flag(BY_NAME[n]).id for n in attack.let_in.policy.flags() if n in BY_NAME}
    stop = attack.stops[0]
    closed = [g.id for g in GATES.values() if stop in g.checks]
    by_stop = closed[0] if stop in CATALOGUE else stop
    assert attack.gate in {by_stop, *by_flags} and attack.gate in GATES and attack.gain


def test_a_new_flag_finds_its_gate(monkeypatch):
    """A seventh flag that waives a check opens that check's gate without a word here."""
    new = replace(FLAGS[0], name="accept-old-product", short="", waives=("isvprodid",))
    monkeypatch.setattr(gates_module, "FLAGS", (*FLAGS, new))
    assert gate_of_flag(new).id == "isvsvn" and new in flags_of(GATES["isvsvn"])


def test_a_new_attack_shows_at_its_gate(monkeypatch, cases):
    """One more row of the attacks is one more name on the map."""
    new = replace(ATTACKS["rollback"], name="bring-another", gate="nonce")
    monkeypatch.setattr(standing_module, "ATTACKS", {**ATTACKS, new.name: new})
    model = SwitchboardModel(cases)
    html = render_map(standings(model.result, (), {**model.foreseen(), new.name: "nonce"}))
    row = re.search('data-gate="nonce".*?</li>', html)
    assert row and "bring-another" in row[0]


# Every combination


@pytest.mark.parametrize("scenario", ["public", "production", "both"])
@pytest.mark.parametrize("mrenclave", CHOICES)
def test_the_arrows_are_exactly_the_attacks_that_get_in(cases, scenario, mrenclave):
    """For every set of flags: each attack that `foresee` lets in is an arrow through an open
    gate, no other is, and both arrangements and the text say so.
    """
    model = SwitchboardModel(cases, scenario=scenario, mrenclave=mrenclave)
    legal = 0
    for names in ALL_SETS:
        model.flags = names
        found, inside = seen(model), let_in(model.foreseen())
        assert sorted(a.name for a in doors(found)) == sorted(inside)
        assert not [s.gate.id for s in found if s.inside and not s.open]
        html, text = render_map(found), map_text(found)
        arrows = re.findall('data-in="([^"]*)"', html)
        assert sorted(" ".join(arrows).split()) == sorted([*inside, *inside])
        assert sorted(re.findall(r"([a-z-]+) gets in", text)) == sorted(inside)
        assert {s.state for s in found} <= WORDS.keys()
        if model.problems:
            assert not inside and {s.state for s in found} == {"nothing", "no-gate"}
        else:
            legal += 1
            set_here = {gate_of_flag(BY_NAME[n]).id for n in names}
            flagged = {s.gate.id for s in found if s.state in ("waived", "spare")}
            assert flagged == set_here
    assert legal >= 16


@pytest.mark.parametrize("name", [n for n, h in HABITS.items() if h.usual])
def test_a_skipped_habit_opens_its_gate(cases, name):
    """Where a habit has a gate, leaving it out takes the leaf off; nothing else opens."""
    model = SwitchboardModel(cases, scenario="production")
    kept = standings(model.result, (), {})
    left = standings(model.result, (), {}, USUAL - {name})
    changed = [(a.gate.habit, b.state) for a, b in zip(kept, left, strict=True) if a != b]
    assert changed == [(name, "skipped")] * any(g.habit == name for g in GATES.values())


def test_a_status_says_which_of_three_gates_failed(cases):
    """Updates, settings and hardening share a check; Intel's status tells them apart."""
    failed = {}
    for scenario in cases.names:
        result = cases.get(scenario).appraise(SwitchboardModel(cases).policy())
        failed[scenario] = [
            s.gate.id
            for s in standings(result, (), {})
            if s.state == "failed" and s.gate.checks[0] == "tcb-status"
        ]
    assert failed["public"] == ["updates"] and failed["production"] == []
    assert failed["both"] == ["settings", "hardening"]


# Words


def test_every_state_is_told_in_words_and_shape(cases):
    """Each row of the text names its gate's state, and its mark differs from those of others."""
    model = SwitchboardModel(cases, flags=("accept-group-out-of-date",))
    found = seen(model)
    read = unescape(re.sub("<[^>]*>", " ", render_map(found, compact=True)))
    for s in found:
        assert s.gate.name in read and s.words in map_text(found)
    assert "accept-group" not in read and "WAIVED -G" in read


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"a": "x", "b": ""}, {"a": "", "b": ""}, "-G opened: a"),
        ({"a": "", "b": ""}, {"a": "x", "b": "y"}, "-G closed: a, b"),
        ({"a": "", "b": "x"}, {"a": "x", "b": ""}, "-G opened: b -G closed: a"),
        ({"a": ""}, {"a": ""}, "-G opened no door and closed none."),
    ],
)
def test_a_click_says_what_it_did(before, after, words):
    """Doors opened, doors closed, or neither."""
    assert str(Change.of("-G", before, after)) == words


def test_the_tally_counts_doors_and_why_they_are_open():
    """By flags, and those that nobody asked about."""
    strict = foresee(SwitchboardModel().defence(strict=True), seed="tests of teaching")
    with_g = {**strict, "forged-quote": ""}
    assert tally(with_g, strict) == ("4 doors open", "1 by flags, 3 that nobody asked about.")
    assert tally({"a": "x"}, {"a": "x"})[0] == "0 doors open"
    assert tally({}, {})[0] == "Nothing was sent"


def test_a_lab_shows_the_map_of_a_scenario():
    """As text and as HTML in both arrangements, with the verdict; all attacks, and flags that
    contradict each other are refused.
    """
    lab = start("07")
    made = lab.map("-G", scenario="production")
    assert "forged-quote" in made.inside and "trustworthy" in str(made)
    shown = made._repr_mimebundle_()
    assert 'class="rows"' in shown["text/html"] and 'class="walls"' in shown["text/html"]
    assert "forged-quote gets in: any report she likes" in shown["text/plain"]
    with pytest.raises(UsageError, match="needs"):
        lab.map("--only_for_testing-debug")
    assert lab.map(scenario="production").inside == ("old-edition", "rollback", "other-instance")
    lab.close()
