"""The switchboard: model, rendering, and controls by both paths, from Python and from the page."""

from __future__ import annotations

import re
from dataclasses import replace

import ipywidgets as widgets
import pytest
import traitlets

from casnb.base.errors import SourceError, UsageError
from casnb.mallory.attacks import ATTACKS, Defence, foresee
from casnb.mallory.defence import USUAL
from casnb.policy.flags import BY_NAME, FLAGS, find
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.simulator.world import World
from casnb.teach.facts import Cases, changed_digit
from casnb.teach.switchboard import controls
from casnb.teach.switchboard.model import (
    CHOICES,
    SWITCHED,
    SwitchboardModel,
    sentence,
    snapshot,
)
from casnb.teach.switchboard.needs import render_gains, render_habits, render_needs
from casnb.teach.switchboard.panel import Switchboard
from casnb.teach.switchboard.view import render_command, render_verdict

#: What Mallory would have one read.
FALSE = World("tests of teaching").false_value
ASSIGNMENT = (
    "accept-group-out-of-date",
    "only_for_testing-debug",
    "only_for_testing-ignore-signer",
)


@pytest.fixture
def panel(cases, loud):
    made = Switchboard(cases, address="127.9.8.7")
    yield made
    made.close()


def flip(panel, page_sets, name, on):
    """Set or clear a switch the way the page does."""
    others = [n for n in panel.switches.value if n != name]
    page_sets(panel.switches, value=[*others, name] if on else others)


def press(panel, name):
    """Press the button of an attack the way the page does."""
    panel.doors._handle_msg(
        {"content": {"data": {"method": "custom", "content": {"attack": name}}}, "buffers": []}
    )


def unfold(panel, name):
    """Open a fold, and return what it then holds."""
    panel.folds[name].opened = True
    return panel.folds[name].said.value


def lit(panel):
    """The attacks whose doors are open."""
    return [name for name, door in panel.doors.doors.items() if door["open"]]


def every(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


# The model


def test_without_a_flag_the_public_cas_is_rejected(cases):
    """The first thing a reader sees is the refusal, with its three reasons."""
    assert sentence(SwitchboardModel(cases)) == (
        "Simulated CAS is rejected: tcb-status, debug, mrsigner."
    )


def test_the_assignments_flags_give_exactly_three_waivers(cases):
    """Accepted, with the sentence that it must not hold secrets."""
    model = SwitchboardModel(cases, flags=ASSIGNMENT)
    assert [c.id for c in model.result.waivers] == ["tcb-status", "debug", "mrsigner"]
    assert sentence(model).startswith(
        "Simulated CAS is accepted with 3 waivers (tcb-status, debug, mrsigner). It must not hold"
    )


def test_the_line_is_the_policys(cases):
    """What the panel prints is the command for the very policy it applied."""
    model = SwitchboardModel(cases, flags=ASSIGNMENT, address="127.9.8.7:9000")
    given = AttestationPolicy(mrenclaves=(cases.get("public").world.mrenclave,)).with_flags(
        *ASSIGNMENT
    )
    assert model.command == given.command("127.9.8.7:9000")
    assert AttestationPolicy.from_args(model.command.split()) == given


@pytest.mark.parametrize(
    ("scenario", "flags", "verdict"),
    [
        ("production", (), "trustworthy"),
        ("production", ("accept-group-out-of-date",), "trustworthy"),
        (
            "hyperthreading",
            ("accept-configuration-needed", *ASSIGNMENT[1:]),
            "accepted-with-waivers",
        ),
        ("hardening", ("accept-sw-hardening-needed", *ASSIGNMENT[1:]), "accepted-with-waivers"),
        ("both", ("accept-configuration-needed", *ASSIGNMENT[1:]), "rejected"),
        (
            "both",
            ("accept-configuration-needed", "accept-sw-hardening-needed", *ASSIGNMENT[1:]),
            "accepted-with-waivers",
        ),
        ("revoked", tuple(BY_NAME), "rejected"),
        ("dcap-debug", ASSIGNMENT, "accepted-with-waivers"),
    ],
)
def test_each_scenario_needs_its_own_flags(cases, scenario, flags, verdict):
    """Combined statuses need every flag they are made of; nothing helps a revoked platform."""
    assert SwitchboardModel(cases, scenario=scenario, flags=flags).result.verdict.value == verdict


@pytest.mark.parametrize(
    ("flags", "mrenclave", "problem"),
    [
        pytest.param(
            ("only_for_testing-debug",),
            "given",
            "--only_for_testing-debug: needs",
            id="debug alone",
        ),
        pytest.param(
            ("only_for_testing-ignore-signer",),
            "none",
            "--only_for_testing-ignore-signer: needs --mrenclave",
            id="no measurement",
        ),
        pytest.param(
            ("only_for_testing-trust-any",),
            "given",
            "--only_for_testing-trust-any: needs",
            id="trust any, not debug",
        ),
    ],
)
def test_an_illegal_combination_is_a_usage_error(cases, flags, mrenclave, problem):
    """No result, and the sentence that the command would print."""
    model = SwitchboardModel(cases, flags=flags, mrenclave=mrenclave)
    assert model.result is None and model.problems[0].startswith(problem)
    with pytest.raises(UsageError, match=re.escape(model.problems[0][:60])):
        model.policy().require_valid()
    assert "usage error, exit code 2" in sentence(model)


def test_one_digit_changed_fails_the_measurement_alone(cases):
    """A wrong MRENCLAVE is seen by one check."""
    model = SwitchboardModel(cases, flags=ASSIGNMENT, mrenclave="one digit wrong")
    assert [c.id for c in model.result.failures] == ["mrenclave"]


@pytest.mark.parametrize("value", ["0" * 64, "f" * 64, "ab" * 32])
def test_a_changed_digit_is_one_digit(value):
    """Exactly one of 64 digits differs, and it is still hex."""
    other = changed_digit(value)
    assert sum(a != b for a, b in zip(value, other, strict=True)) == 1 and re.fullmatch(
        "[0-9a-f]{64}", other
    )


def test_a_state_that_does_not_exist_is_refused(cases):
    """The model takes known scenarios, flags and choices only."""
    model = SwitchboardModel(cases)
    for name, value in (
        ("scenario", "mars"),
        ("flags", ("accept-anything",)),
        ("mrenclave", "guess"),
    ):
        with pytest.raises(traitlets.TraitError):
            setattr(model, name, value)
    with pytest.raises(UsageError):
        model.switch("accept-anything", True)


def test_an_error_of_casnb_becomes_a_sentence(cases, monkeypatch):
    """What cannot be checked is shown, not raised into a log nobody reads."""
    model = SwitchboardModel(cases)
    monkeypatch.setattr(
        cases, "case", lambda name: (_ for _ in ()).throw(SourceError("the world", got="gone"))
    )
    model.scenario = "production"
    assert sentence(model) == "Could not be checked: the world: got gone."
    monkeypatch.undo()
    model.scenario = "public"
    assert model.error == "" and model.result is not None


# Rendering


def test_the_verdict_line_is_escaped():
    """Nothing unescaped."""
    html = render_verdict("rejected", "CAS <b> is rejected.", ["--x: needs <y>."])
    assert (
        html == '<div class="verdict" data-verdict="rejected">'
        "CAS &lt;b&gt; is rejected.<br>"
        "<code>Error: --x: needs &lt;y&gt;.</code></div>"
    )


def test_the_command_is_escaped_and_reads_as_one_line():
    """Whoever copies it gets the line as it is; only spaces are places to break."""
    html = render_command("scone cas attest '<x>'")
    assert re.sub("<[^>]*>", "", html).endswith("scone cas attest &#x27;&lt;x&gt;&#x27;")


def test_gains_name_each_flag_that_is_set(cases):
    """Each set flag has its gain, and says whether this report needed it."""
    model = SwitchboardModel(
        cases, flags=(*ASSIGNMENT[:1], "accept-configuration-needed", *ASSIGNMENT[1:])
    )
    html = render_gains(model.flags, model.result)
    assert (
        html.count("<li>") == 4
        and html.count("(waives a check here)") == 3
        and html.count("(waives nothing here)") == 1
    )
    assert render_gains(()) == "<p>No insecure flag is set: nobody gains anything by one.</p>"


def test_combined_flags_both_count_as_needed(cases):
    """A status that needs -C and -S marks both."""
    both = ("accept-configuration-needed", "accept-sw-hardening-needed", *ASSIGNMENT[1:])
    model = SwitchboardModel(cases, scenario="both", flags=both)
    assert "waives nothing here" not in render_gains(model.flags, model.result)


@pytest.mark.parametrize(
    "state",
    [{}, {"flags": ASSIGNMENT}, {"flags": ("only_for_testing-debug",)}, {"scenario": "production"}],
)
def test_a_snapshot_says_all_in_text_and_html(cases, state):
    """Scenario, command, verdict, problems and checks, without any widget."""
    model = SwitchboardModel(cases, **state)
    shown = snapshot(model)._repr_mimebundle_()
    for form in shown.values():
        assert model.scenario in form and "scone cas attest" in form
    assert sentence(model) in shown["text/plain"]
    assert all(p in shown["text/plain"] for p in model.problems)


# Controls


def test_every_flag_has_a_switch_with_its_name_on_it(panel):
    """All six, in the catalogue's order, -G -C -S with both spellings."""
    items = [item for group in panel.switches.groups for item in group["items"]]
    assert sorted(i["name"] for i in items) == sorted(f.name for f in FLAGS)
    assert items[0]["label"] == "-G --accept-group-out-of-date"
    assert all(i["name"] in i["label"] and i["says"] for i in items)
    assert all(group["title"] for group in panel.switches.groups)


def test_a_seventh_flag_has_a_switch_by_itself():
    """One more row of the catalogue is one more switch, with what it lets in."""
    new = replace(FLAGS[0], name="accept-anything", short="", who="whoever likes")
    items = [
        item
        for group in controls.Switches({**BY_NAME, new.name: new}).groups
        for item in group["items"]
    ]
    assert {
        "name": new.name,
        "label": "--accept-anything",
        "says": "lets in whoever likes",
    } in items


def test_every_control_can_be_found_and_named(panel):
    """Each control has a description; no slider, no Output; what is not a core widget is ours."""
    kinds = (widgets.Button, widgets.Dropdown, widgets.Text)
    found = [w for w in every(panel) if isinstance(w, kinds)]
    assert len(found) == 7 and [w for w in found if not w.description] == []
    assert all(fold.button.title for fold in panel.folds.values())
    assert not any(isinstance(w, (widgets.Output, widgets.RadioButtons)) for w in every(panel))
    assert {type(w).__module__.split(".")[0] for w in every(panel)} <= {"ipywidgets", "casnb"}


def test_a_click_on_the_page_changes_the_verdict(panel, page_sets):
    """The browser's path: three switches, and the verdict line says accepted."""
    for name in (
        "accept-group-out-of-date",
        "only_for_testing-ignore-signer",
        "only_for_testing-debug",
    ):
        flip(panel, page_sets, name, True)
    assert set(panel.model.flags) == set(ASSIGNMENT)
    assert (
        "is accepted with 3 waivers" in panel.verdict.value
        and 'data-verdict="accepted-with-waivers"' in panel.verdict.value
    )
    assert (
        'data-check="mrsigner" data-status="waived"' in unfold(panel, "checks")
        and "--only_for_testing-debug" in panel.command.value
    )


def test_scenario_and_measurement_can_be_chosen_on_the_page(panel, page_sets):
    """Both choosers reach the model."""
    page_sets(panel.scenario, index=list(SCENARIOS).index("production"))
    assert panel.model.scenario == "production" and "is trustworthy" in panel.verdict.value
    page_sets(panel.mrenclave, index=list(CHOICES).index("one digit wrong"))
    assert "CAS is rejected: mrenclave." in panel.verdict.value


def test_clear_takes_every_flag_away(panel, page_clicks):
    """The button and the method do the same."""
    panel.set_flags("-G", "-S")
    assert "accept-sw-hardening-needed" in panel.switches.value
    page_clicks(panel.reset_button)
    assert panel.model.flags == () and panel.switches.value == []


def test_methods_and_model_keep_the_controls_in_step(panel):
    """Whoever changes the state, switches and renderings follow."""
    panel.toggle("accept-group-out-of-date")
    assert panel.switches.value == ["accept-group-out-of-date"]
    panel.model.scenario = "revoked"
    assert panel.scenario.value == "revoked" and "Intel revoked" in unfold(panel, "report")
    panel.toggle("accept-group-out-of-date")
    assert panel.model.flags == ()


def test_what_is_refused_is_shown_in_the_verdict_line(panel):
    """A handler called with nonsense shows one sentence, and the next good step clears it."""
    panel.toggle("accept-anything")
    assert "Could not be checked: flag: got accept-anything" in panel.verdict.value
    panel.choose_scenario("mars")
    assert "Could not be checked" in panel.verdict.value and panel.model.scenario == "public"
    panel.choose_scenario("production")
    assert "is trustworthy" in panel.verdict.value


def test_an_illegal_combination_shows_the_commands_own_words(panel, page_sets):
    """The usage error stands in the verdict line, and no check is listed."""
    flip(panel, page_sets, "only_for_testing-debug", True)
    assert (
        "Error: --only_for_testing-debug: needs" in panel.verdict.value
        and "No check was made" in unfold(panel, "checks")
    )


def test_an_unknown_flag_from_the_page_is_refused(panel, page_sets):
    """A page that is not ours may send anything: one sentence, and the flags stay."""
    page_sets(panel.switches, value=["accept-<b>anything"])
    assert (
        "Could not be checked" in panel.verdict.value and "<b>anything" not in panel.verdict.value
    )
    assert panel.model.flags == () and panel.switches.value == []
    for content in ({}, {"attack": 7}, {"attack": "mars"}, "attack", {"attack": "<b>"}):
        panel._asked(None, content, [])
    assert panel.model.outcome is None and "<b>" not in panel.doors.outcome["html"]


def test_after_close_nothing_listens(cases):
    """Closing undoes every observer, on the controls and on the model."""
    panel = Switchboard(cases)
    model, before = panel.model, panel.verdict.value
    panel.close()
    panel.switches.value = ["accept-group-out-of-date"]
    model.flags = ASSIGNMENT
    press(panel, "forged-quote")
    assert panel.verdict.value == before and not model._trait_notifiers["turn"]["change"]
    assert model.outcome is None


def test_a_panel_can_show_a_state_from_the_start(cases):
    """Arguments set the switches."""
    panel = Switchboard(
        cases, scenario="hardening", flags=("accept-sw-hardening-needed",), mrenclave="none"
    )
    assert panel.switches.value == ["accept-sw-hardening-needed"]
    assert (panel.scenario.value, panel.mrenclave.value) == ("hardening", "none")
    assert panel.snapshot().text == snapshot(panel.model).text


# Needs and budget


def test_the_chain_of_needs_is_drawn(cases):
    """Three flags and the MRENCLAVE, the most demanding first; each says whether it is set, and
    an unmet need says missing.
    """
    html = render_needs(("only_for_testing-debug",), given=True)
    words = re.sub("<[^>]*>", "|", html)
    places = [
        words.index(f"|{w}|")
        for w in (
            *(f"--only_for_testing-{n}" for n in ("trust-any", "debug", "ignore-signer")),
            "--mrenclave",
        )
    ]
    assert (
        places == sorted(places)
        and 'role="img"' in html
        and "<title>What needs what</title>" in html
    )
    assert (
        html.count(">needs (missing)") == 1
        and html.count(">set<") == 1
        and html.count(">given<") == 1
    )
    assert "(missing)" not in render_needs(ASSIGNMENT, given=True)
    assert "(missing)" in render_needs(("only_for_testing-ignore-signer",), given=False)


@pytest.mark.parametrize(
    ("flags", "mrenclave", "words", "after", "choice"),
    [
        (
            ("only_for_testing-debug",),
            "given",
            "Set --only_for_testing-ignore-signer too",
            ASSIGNMENT[1:],
            "given",
        ),
        (
            ("only_for_testing-ignore-signer",),
            "none",
            "Set --mrenclave too",
            ("only_for_testing-ignore-signer",),
            "given",
        ),
        (
            ("only_for_testing-debug",),
            "none",
            "Set --only_for_testing-ignore-signer and --mrenclave too",
            ASSIGNMENT[1:],
            "given",
        ),
        (
            ("only_for_testing-trust-any",),
            "none",
            "Set --only_for_testing-debug and --only_for_testing-ignore-signer too",
            (*ASSIGNMENT[1:], "only_for_testing-trust-any"),
            "none",
        ),
    ],
)
def test_what_is_missing_is_offered(cases, page_clicks, flags, mrenclave, words, after, choice):
    """The usage error stands, and a button that names what it sets makes the combination legal;
    nothing weaker is offered.
    """
    panel = Switchboard(cases, flags=flags, mrenclave=mrenclave)
    assert panel.remedy_button.description == words and panel.remedy_button.layout.display is None
    assert panel.model.problems
    page_clicks(panel.remedy_button)
    assert panel.model.problems == () and panel.model.result is not None
    assert (set(panel.model.flags), panel.model.mrenclave) == (set(after), choice)
    assert panel.remedy_button.layout.display == "none"


@pytest.mark.parametrize(
    ("scenario", "flags", "said"),
    [
        (
            "public",
            (),
            (
                "0 set; this report needs 3 (-G --only_for_testing-debug"
                " --only_for_testing-ignore-signer). Missing: -G --only_for_testing-debug"
                " --only_for_testing-ignore-signer. To spare: none."
            ),
        ),
        ("public", (*ASSIGNMENT, "accept-sw-hardening-needed"), "Missing: none. To spare: -S."),
        (
            "production",
            ("accept-group-out-of-date",),
            "1 set; this report needs 0. Missing: none. To spare: -G.",
        ),
        ("revoked", (), "0 set. No set of flags is enough for this report: tcb-status fails"),
    ],
)
def test_the_budget_says_needed_missing_and_spare(cases, scenario, flags, said):
    """Counted against the smallest set of the report."""
    panel = Switchboard(cases, scenario=scenario, flags=flags)
    assert said in re.sub("<[^>]*>", "", unfold(panel, "needs"))


# Mallory


def test_the_doors_are_what_mallory_would_reach(cases):
    """Open is what gets in against these very flags; the command line's own list of defences says
    the same.
    """
    model = SwitchboardModel(cases, flags=ASSIGNMENT)
    foreseen = model.foreseen()
    assert list(foreseen) == list(ATTACKS)
    assert foreseen == foresee(
        Defence.of(" ".join(find(f).option for f in ASSIGNMENT), add=("page-value",)),
        seed=cases.seed,
    )
    panel = Switchboard(model=model)
    assert lit(panel) == [n for n, by in foreseen.items() if not by]
    assert "forged-quote" in lit(panel) and "debug-memory" in lit(panel)
    assert panel.doors.doors["relay"] == {"open": False, "why": "Stopped by certificate-binding."}
    assert "that nobody asked about" in panel.tally.value and "7 open doors" in panel.doors.head


def test_a_flag_opens_a_door_and_clearing_closes_it(panel, page_sets):
    """-G lets in the forged quote and nothing else that was kept out before; the card and the
    live region say so, and that hers is not this report.
    """
    before = lit(panel)
    assert panel.model.change is None and "opened" not in panel.live.text
    flip(panel, page_sets, "accept-group-out-of-date", True)
    assert set(lit(panel)) - set(before) == {"forged-quote"}
    for told in (panel.tally.value, panel.live.text):
        assert "4 doors open" in told and "Setting -G opened: forged-quote" in told
    assert "This report is refused; hers is not." in panel.tally.value
    assert 'class="new"' in panel.map.value and 'data-in="forged-quote"' in panel.map.value
    panel.clear()
    assert lit(panel) == before and "Clearing -G closed: forged-quote" in panel.live.text


def test_a_change_is_counted_from_the_last_legal_state(panel):
    """A usage error between two states opens no door and closes none."""
    panel.toggle("only_for_testing-debug")
    assert panel.model.change is None and "nothing to attack" in panel.tally.value
    panel.toggle("only_for_testing-ignore-signer")
    words = "Setting --only_for_testing-debug --only_for_testing-ignore-signer opened"
    assert panel.live.text.count(" opened: ") == 1 and "debug-memory" in panel.live.text
    assert panel.model.change.cause.startswith("Setting ") and words.split()[1] in panel.live.text
    panel.choose_scenario("production")
    assert panel.model.change is None


def test_each_part_is_drawn_once_a_click(panel, monkeypatch, page_sets):
    """One appraisal, one drawing of verdict and map; what is folded is not drawn at all."""
    sent = []
    for name in ("verdict", "map", "tally", "command", "doors"):
        kept = getattr(panel, name)
        kept.observe(lambda change, name=name: sent.append((name, change["name"])))
    panel.folds["checks"].said.observe(lambda change: sent.append(("checks", "value")), "value")
    flip(panel, page_sets, "accept-group-out-of-date", True)
    values = [pair for pair in sent if pair[1] in ("value", "doors")]
    assert sorted(values) == sorted(
        [(n, "value") for n in ("verdict", "map", "tally", "command")] + [("doors", "doors")]
    )


def test_a_chapter_about_flags_speaks_of_what_flags_decide(cases):
    """Attacks that a switch lets in, and those that nobody was asked about; others on demand."""
    assert {"forged-quote", "old-edition"} <= set(SWITCHED) and len(SWITCHED) < len(ATTACKS)
    assert not {"relay", "revoked-key", "no-verify"} & set(SWITCHED)
    panel = Switchboard(cases, attacks=SWITCHED)
    assert tuple(panel.doors.doors) == SWITCHED and "relay" not in panel.map.value
    with pytest.raises(UsageError):
        Switchboard(cases, attacks=("mars",))


@pytest.mark.parametrize("mrenclave", CHOICES)
def test_a_wrong_mrenclave_or_none_counts_for_mallory_too(cases, mrenclave):
    """With the page's value an old release gets in; with a wrong one, or with none, it does not."""
    model = SwitchboardModel(cases, mrenclave=mrenclave)
    assert (model.foreseen()["rollback"] == "") == (mrenclave == "given")


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_runs_from_its_button(cases, loud, name):
    """Against the flags that it needs, as far as they are switches, each attack really runs, and
    ends as its door says.
    """
    panel = Switchboard(
        cases, flags=[f for f in ATTACKS[name].let_in.policy.flags() if f in BY_NAME]
    )
    by = panel.model.foreseen()[name]
    press(panel, name)
    outcome = panel.model.outcome
    assert outcome.attack.name == name and outcome.stopped_by == by and len(outcome.steps) >= 1
    assert panel.doors.outcome["name"] == name
    assert f'data-attack="{name}"' in panel.doors.outcome["html"]
    for told in (panel.doors.outcome["html"], panel.live.text):
        assert ("Mallory was stopped by" if by else "Mallory got in") in told


def test_what_she_gained_is_shown_until_a_switch_moves(panel, page_sets):
    """Her value under the pinned certificate; with the debug flag taken back the run is gone, and
    another one is stopped.
    """
    panel.set_flags(*ASSIGNMENT)
    press(panel, "debug-memory")
    shown = panel.doors.outcome["html"]
    assert FALSE in shown and "EDBGRD" in shown
    flip(panel, page_sets, "only_for_testing-debug", False)
    assert panel.model.outcome is None and panel.doors.outcome == {"name": "", "html": ""}
    panel.attack("debug-memory")
    assert panel.model.outcome.stopped_by == "debug"
    assert FALSE not in panel.doors.outcome["html"]


WAITING = {
    name: habit
    for name, attack in ATTACKS.items()
    for habit in sorted(USUAL - attack.let_in.habits)
}


@pytest.mark.parametrize(("name", "habit"), WAITING.items())
def test_a_habit_left_out_lets_in_who_waits_for_it(cases, loud, page_sets, name, habit):
    """Each attack that needs no flag is stopped, and gets in once the habit that the fold names
    beside it is left out.
    """
    board = Switchboard(cases, flags=ATTACKS[name].let_in.policy.flags())
    press(board, name)
    assert not board.model.outcome.succeeded
    page_sets(board.without, index=[value for _, value in board.without.options].index(habit))
    assert board.model.outcome is None and f"without {habit}" in unfold(board, "habits")
    press(board, name)
    assert board.model.outcome.succeeded and f"without {habit}" in board.doors.outcome["html"]
    board.close()


def test_the_fold_names_every_habit_and_its_attacks():
    """Each usual habit stands there with whom it lets in when left out, each precaution with
    whom it keeps out; newer flags.
    """
    rows = dict(
        re.findall(
            r"<code[^>]*>(with(?:out)? [a-z-]+)</code></th>"
            r"<td[^>]*>[^<]+</td><td[^>]*>([^<]+)</td>",
            render_habits(),
        )
    )
    assert {f"without {habit}" for habit in USUAL} == {
        row for row in rows if row.startswith("without")
    }
    for name, habit in WAITING.items():
        assert name in rows[f"without {habit}"].removeprefix("lets in: ").split(", ")
    assert rows["with instance"] == "keeps out: other-instance" and "rollback" in rows["with floor"]
    assert rows["with --accept-revoked-pcs-certs"] == "lets in: revoked-key"
    assert rows["with --accept-unverifiable-pcs-certs"].startswith("lets in: missing-list")


def test_an_attack_that_cannot_run_is_a_sentence(panel):
    """Against an illegal combination nothing runs, and no door is open; an unknown attack is
    refused.
    """
    panel.toggle("only_for_testing-debug")
    assert "nothing to attack" in panel.tally.value and panel.doors.doors == {}
    panel.attack("debug-memory")
    assert "Not run: --only_for_testing-debug: needs" in panel.doors.outcome["html"]
    panel.attack("<b>nothing</b>")
    shown = panel.doors.outcome["html"]
    assert "&lt;b&gt;nothing" in shown and "<b>" not in shown


# A report out of a file


@pytest.fixture
def fresh():
    made = Switchboard(Cases("tests of teaching"))
    yield made
    made.close()


def test_the_real_report_of_2019_takes_a_scenarios_place(fresh, vectors, page_sets, page_clicks):
    """Typed into the field and loaded: judged under Intel's roots in July 2019, refused,
    accepted with the same flags.
    """
    page_sets(fresh.path, value=str(vectors / "cas-attest" / "v1-attest-iasreport-2019.json"))
    page_clicks(fresh.load_button)
    assert fresh.model.scenario == "v1-attest-iasreport-2019.json" == fresh.scenario.value
    assert (
        "Loaded: v1-attest-iasreport-2019.json" in fresh.loaded.value
        and "2019-07" in fresh.loaded.value
    )
    assert (
        "CAS is rejected: tcb-status, debug, mrsigner." in fresh.verdict.value
        and "Intel&#x27;s own roots" in unfold(fresh, "report")
    )
    fresh.set_flags(*ASSIGNMENT)
    assert "is accepted with 3 waivers" in fresh.verdict.value and "To spare: none" in unfold(
        fresh, "needs"
    )
    assert "v1-attest-iasreport-2019" in fresh.snapshot().text
    page_sets(fresh.scenario, index=0)
    assert fresh.model.scenario == "public"


def test_a_simulated_report_is_not_genuine_under_intels_roots(fresh, cases, tmp_path):
    """Loaded from a file it has lost its roots, and no set of flags is enough."""
    (tmp_path / "saved.json").write_bytes(cases.get("public").report_bytes)
    fresh.load(tmp_path / "saved.json")
    assert (
        "CAS is rejected: avr-chain" in fresh.verdict.value
        and "No set of flags is enough" in unfold(fresh, "needs")
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("", b"", "report file: got no name"),
        ("missing.json", None, "Not loaded"),
        ("text.json", b"<b>hello</b>", "Not loaded"),
        ("large.json", b"[" * (1 << 20) + b"]", "at most 1048576"),
        ("<img src=x>.json", b"{}", "Not loaded"),
    ],
)
def test_what_is_no_report_is_a_sentence(fresh, tmp_path, name, content, said):
    """Nothing, no file, no report, too much: the line says so, and the scenario stays."""
    if content:
        (tmp_path / name).write_bytes(content)
    fresh.load(tmp_path / name if name else " ")
    assert (
        said in fresh.loaded.value
        and fresh.model.scenario == "public"
        and "<img" not in fresh.loaded.value
    )


def test_a_hostile_file_name_is_text(fresh, cases, tmp_path):
    """A name with markup in it is shown as it is, wherever it is shown."""
    path = tmp_path / "<img src=x>.json"
    path.write_bytes(cases.get("public").report_bytes)
    fresh.load(path)
    assert fresh.model.scenario == path.name
    shown = [
        fresh.loaded.value,
        unfold(fresh, "report"),
        fresh.verdict.value,
        fresh.snapshot()._repr_mimebundle_()["text/html"],
    ]
    assert "&lt;img src=x&gt;.json" in shown[0] and not any("<img" in s for s in shown)


# Without a kernel


def test_the_panel_brings_its_static_form_along(cases):
    """Beside the widget stand text and HTML that tell verdict, budget, checks and Mallory, with
    the run that was made.
    """
    panel = Switchboard(cases, flags=ASSIGNMENT)
    panel.attack("forged-quote")
    data, _ = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    for form in (data["text/plain"], re.sub("<[^>]*>", "", data["text/html"])):
        for words in (
            "is accepted with 3 waivers",
            "3 set; this report needs 3",
            "7 doors open",
            "debug-memory",
            "WAIVED",
            "Mallory got in",
            FALSE,
        ):
            assert words in form
    assert "<input" not in data["text/html"]
    panel.close()
