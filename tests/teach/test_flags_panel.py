"""The flag panel: model, rendering, and controls by both paths, from Python and from the page."""

from __future__ import annotations

import re
import statistics

import ipywidgets as widgets
import pytest
import traitlets

from casnb.errors import SourceError, UsageError
from casnb.flags import BY_NAME, FLAGS
from casnb.policy import AttestationPolicy
from casnb.simulator.scenario import SCENARIOS
from casnb.teach.panels.flags import (
    CHOICES,
    FlagModel,
    FlagPanel,
    changed_digit,
    render_command,
    render_gains,
    render_verdict,
    sentence,
    snapshot,
)

ASSIGNMENT = ("accept-group-out-of-date", "only_for_testing-debug", "only_for_testing-ignore-signer")


@pytest.fixture
def panel(cases, loud):
    made = FlagPanel(cases, address="127.9.8.7")
    yield made
    made.close()


def every(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


# The model


def test_without_a_flag_the_public_cas_is_rejected(cases):
    """The first thing a reader sees is the refusal, with its three reasons."""
    assert sentence(FlagModel(cases)) == "CAS is rejected: tcb-status, debug, mrsigner."


def test_the_assignments_flags_give_exactly_three_waivers(cases):
    """Accepted, with the sentence that it must not hold secrets."""
    model = FlagModel(cases, flags=ASSIGNMENT)
    assert [c.id for c in model.result.waivers] == ["tcb-status", "debug", "mrsigner"]
    assert sentence(model).startswith("CAS is accepted with 3 waivers (tcb-status, debug, mrsigner). It must not hold secrets")


def test_the_line_is_the_policys(cases):
    """What the panel prints is the command for the very policy it applied."""
    model = FlagModel(cases, flags=ASSIGNMENT, address="127.9.8.7:9000")
    given = AttestationPolicy(mrenclaves=(cases.get("public").world.mrenclave,)).with_flags(*ASSIGNMENT)
    assert model.command == given.command("127.9.8.7:9000")
    assert AttestationPolicy.from_args(model.command.split()) == given


@pytest.mark.parametrize(("scenario", "flags", "verdict"), [
    ("production", (), "trustworthy"),
    ("production", ("accept-group-out-of-date",), "trustworthy"),
    ("hyperthreading", ("accept-configuration-needed", *ASSIGNMENT[1:]), "accepted-with-waivers"),
    ("hardening", ("accept-sw-hardening-needed", *ASSIGNMENT[1:]), "accepted-with-waivers"),
    ("both", ("accept-configuration-needed", *ASSIGNMENT[1:]), "rejected"),
    ("both", ("accept-configuration-needed", "accept-sw-hardening-needed", *ASSIGNMENT[1:]), "accepted-with-waivers"),
    ("revoked", tuple(BY_NAME), "rejected"),
    ("dcap-debug", ASSIGNMENT, "accepted-with-waivers"),
])
def test_each_scenario_needs_its_own_flags(cases, scenario, flags, verdict):
    """Combined statuses need every flag they are made of; nothing helps a revoked platform."""
    assert FlagModel(cases, scenario=scenario, flags=flags).result.verdict.value == verdict


@pytest.mark.parametrize(("flags", "mrenclave", "problem"), [
    pytest.param(("only_for_testing-debug",), "given", "--only_for_testing-debug: needs", id="debug alone"),
    pytest.param(("only_for_testing-ignore-signer",), "none", "--only_for_testing-ignore-signer: needs --mrenclave",
                 id="no measurement"),
    pytest.param(("only_for_testing-trust-any",), "given", "--only_for_testing-trust-any: needs", id="trust any, not debug"),
])
def test_an_illegal_combination_is_a_usage_error(cases, flags, mrenclave, problem):
    """No result, and the sentence that the command would print."""
    model = FlagModel(cases, flags=flags, mrenclave=mrenclave)
    assert model.result is None and model.problems[0].startswith(problem)
    with pytest.raises(UsageError, match=re.escape(model.problems[0][:60])):
        model.policy().require_valid()
    assert "usage error, exit code 2" in sentence(model)


def test_one_digit_changed_fails_the_measurement_alone(cases):
    """A wrong MRENCLAVE is seen by one check."""
    model = FlagModel(cases, flags=ASSIGNMENT, mrenclave="one digit wrong")
    assert [c.id for c in model.result.failures] == ["mrenclave"]


@pytest.mark.parametrize("value", ["0" * 64, "f" * 64, "ab" * 32])
def test_a_changed_digit_is_one_digit(value):
    """Exactly one of 64 digits differs, and it is still hex."""
    other = changed_digit(value)
    assert sum(a != b for a, b in zip(value, other, strict=True)) == 1 and re.fullmatch("[0-9a-f]{64}", other)


def test_a_state_that_does_not_exist_is_refused(cases):
    """The model takes known scenarios, flags and choices only."""
    model = FlagModel(cases)
    for name, value in (("scenario", "mars"), ("flags", ("accept-anything",)), ("mrenclave", "guess")):
        with pytest.raises(traitlets.TraitError):
            setattr(model, name, value)
    with pytest.raises(UsageError):
        model.switch("accept-anything", True)


def test_an_error_of_casnb_becomes_a_sentence(cases, monkeypatch):
    """What cannot be checked is shown, not raised into a log nobody reads."""
    model = FlagModel(cases)
    monkeypatch.setattr(cases, "get", lambda name: (_ for _ in ()).throw(SourceError("the world", got="gone")))
    model.scenario = "production"
    assert sentence(model) == "Could not be checked: the world: got gone."
    monkeypatch.undo()
    model.scenario = "public"
    assert model.error == "" and model.result is not None


# Rendering


def test_the_verdict_line_is_announced_and_escaped():
    """A status role that is read aloud when it changes, nothing unescaped."""
    html = render_verdict("rejected", "CAS <b> is rejected.", ["--x: needs <y>."])
    assert html == ('<div class="verdict" role="status" aria-live="polite" data-verdict="rejected">'
                    'CAS &lt;b&gt; is rejected.<br>'
                    '<code>Error: --x: needs &lt;y&gt;.</code></div>')


def test_the_command_is_escaped_and_reads_as_one_line():
    """Whoever copies it gets the line as it is; only blanks are places to break."""
    html = render_command("scone cas attest '<x>'")
    assert re.sub("<[^>]*>", "", html).endswith("scone cas attest &#x27;&lt;x&gt;&#x27;")


def test_gains_name_each_flag_that_is_set(cases):
    """Each set flag has its gain, and says whether this report needed it."""
    model = FlagModel(cases, flags=(*ASSIGNMENT[:1], "accept-configuration-needed", *ASSIGNMENT[1:]))
    html = render_gains(model.flags, model.result)
    assert html.count("<li>") == 4 and html.count("(waives a check here)") == 3 and html.count("(waives nothing here)") == 1
    assert render_gains(()) == "<p>No insecure flag is set: nobody gains anything.</p>"


def test_combined_flags_both_count_as_needed(cases):
    """A status that needs -C and -S marks both."""
    model = FlagModel(cases, scenario="both", flags=("accept-configuration-needed", "accept-sw-hardening-needed", *ASSIGNMENT[1:]))
    assert "waives nothing here" not in render_gains(model.flags, model.result)


@pytest.mark.parametrize("state", [{}, {"flags": ASSIGNMENT}, {"flags": ("only_for_testing-debug",)}, {"scenario": "production"}])
def test_a_snapshot_says_all_in_text_and_html(cases, state):
    """Scenario, command, verdict, problems and checks, without any widget."""
    model = FlagModel(cases, **state)
    shown = snapshot(model)._repr_mimebundle_()
    for form in shown.values():
        assert model.scenario in form and "scone cas attest" in form
    assert sentence(model) in shown["text/plain"] and 'role="status"' in shown["text/html"]
    assert all(p in shown["text/plain"] for p in model.problems)


# Controls


def test_every_flag_has_a_switch_with_its_name_on_it(panel):
    """All six, in the catalogue's order, -G -C -S with both spellings."""
    assert list(panel.toggles) == [f.name for f in FLAGS]
    assert panel.toggles["accept-group-out-of-date"].description == "-G --accept-group-out-of-date"
    assert all(name in box.description for name, box in panel.toggles.items())


def test_every_control_can_be_found_and_named(panel):
    """Each control has a description and a class; no slider, no Output, nothing beyond core widgets."""
    kinds = (widgets.Checkbox, widgets.Button, widgets.Dropdown, widgets.RadioButtons)
    controls = [w for w in every(panel) if isinstance(w, kinds)]
    assert len(controls) == 9
    assert all(w.description and any(c.startswith("t-") for c in w._dom_classes) for w in controls)
    assert not any(isinstance(w, widgets.Output) for w in every(panel))
    assert {type(w).__module__.split(".")[0] for w in every(panel)} <= {"ipywidgets", "casnb"}


def test_a_click_on_the_page_changes_the_verdict(panel, page_sets):
    """The browser's path: three switches, and the verdict line says accepted."""
    for name in ("accept-group-out-of-date", "only_for_testing-ignore-signer", "only_for_testing-debug"):
        page_sets(panel.toggles[name], value=True)
    assert set(panel.model.flags) == set(ASSIGNMENT)
    assert "is accepted with 3 waivers" in panel.verdict.value and 'data-verdict="accepted-with-waivers"' in panel.verdict.value
    assert 'data-check="mrsigner" data-status="waived"' in panel.checks.value and "--only_for_testing-debug" in panel.command.value


def test_scenario_and_measurement_can_be_chosen_on_the_page(panel, page_sets):
    """Dropdown and radio buttons reach the model."""
    page_sets(panel.scenario, index=list(SCENARIOS).index("production"))
    assert panel.model.scenario == "production" and "is trustworthy" in panel.verdict.value
    page_sets(panel.mrenclave, index=list(CHOICES).index("one digit wrong"))
    assert "CAS is rejected: mrenclave." in panel.verdict.value


def test_clear_takes_every_flag_away(panel, page_clicks):
    """The button and the method do the same."""
    panel.set_flags("-G", "-S")
    assert panel.toggles["accept-sw-hardening-needed"].value
    page_clicks(panel.reset_button)
    assert panel.model.flags == () and not any(b.value for b in panel.toggles.values())


def test_methods_and_model_keep_the_controls_in_step(panel):
    """Whoever changes the state, switches and renderings follow."""
    panel.toggle("accept-group-out-of-date")
    assert panel.toggles["accept-group-out-of-date"].value
    panel.model.scenario = "revoked"
    assert panel.scenario.value == "revoked" and "Intel revoked" in panel.story.value
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
    page_sets(panel.toggles["only_for_testing-debug"], value=True)
    assert "Error: --only_for_testing-debug: needs" in panel.verdict.value and "No check was made" in panel.checks.value


def test_after_close_nothing_listens(cases):
    """Closing undoes every observer, on the controls and on the model."""
    panel = FlagPanel(cases)
    model, box, before = panel.model, panel.toggles["accept-group-out-of-date"], panel.verdict.value
    panel.close()
    box.value = True
    model.flags = ASSIGNMENT
    assert panel.verdict.value == before and not model._trait_notifiers["result"]["change"]


def test_a_panel_can_show_a_state_from_the_start(cases):
    """Arguments set the switches."""
    panel = FlagPanel(cases, scenario="hardening", flags=("accept-sw-hardening-needed",), mrenclave="none")
    assert panel.toggles["accept-sw-hardening-needed"].value
    assert (panel.scenario.value, panel.mrenclave.value) == ("hardening", "none")
    assert panel.snapshot().text == snapshot(panel.model).text


def test_a_click_takes_well_under_100_milliseconds(panel, page_sets):
    """Median of twenty clicks, message in, renderings out; the proof is cached, only the appraisal runs again."""
    import time

    times = []
    for n in range(20):
        before = time.perf_counter()
        page_sets(panel.toggles["accept-group-out-of-date"], value=n % 2 == 0)
        times.append(time.perf_counter() - before)
    assert statistics.median(times) < 0.1


def test_even_a_new_scenario_appears_at_once(cases, page_sets):
    """The first choice of a scenario makes its world and verifies its report."""
    import time

    from casnb.teach.facts import Cases

    panel = FlagPanel(Cases("another seed"))
    before = time.perf_counter()
    page_sets(panel.scenario, index=list(SCENARIOS).index("dcap-debug"))
    assert time.perf_counter() - before < 0.5 and panel.model.scenario == "dcap-debug"
