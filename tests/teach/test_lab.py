"""The lab starts quickly, once, attaches where a simulator runs, and leaves nothing behind."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from casnb.base.errors import SourceError, UsageError
from casnb.evidence.decode import decode
from casnb.policy.policy import AttestationPolicy
from casnb.teach import lab as module
from casnb.teach.course.exercises import CHAPTERS
from casnb.teach.lab import start
from casnb.teach.station import answers, run_command


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """`start`, with every lab closed afterwards and progress in a folder of the test's own."""
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    yield start
    for lab in list(module._labs.values()):
        lab.close()
    module._labs.clear()
    module._stations.clear()


def fetch(url: str, ca: str) -> bytes:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)),
    )
    with opener.open(url, timeout=30) as reply:
        return reply.read()


def test_a_lab_answers_as_soon_as_it_is_there(begun):
    """After a notebook's first cell the CAS can be asked."""
    lab = begun("01")
    assert answers(lab.host, lab.port) and not lab.attached


def test_a_second_call_gives_the_same_lab(begun):
    """Running the setup cell again changes nothing; another chapter shares the world."""
    lab = begun("01")
    assert begun("01") is lab and begun("01-scrape-mrenclave") is lab
    other = begun("02")
    assert other is not lab and other.station is lab.station and other.address == lab.address


def test_the_page_is_there_and_lists_the_lab(begun):
    """What the lab says about page and authority holds over real TLS."""
    lab = begun("01")
    page = fetch(lab.page_url, lab.page_ca).decode()
    assert page == lab.page() and lab.host in page and lab.world.mrenclave in page


def test_a_child_process_finds_everything_in_the_environment(begun):
    """`!` and `%%bash` see the same world, and a config file that is not the reader's."""
    before = dict(os.environ)
    lab = begun("03")
    code = (
        "import os; print(os.environ['CAS_ADDR'], os.environ['SCONE_CLI_CONFIG'],"
        " os.environ['CASNB_SEED'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said == [lab.address, str(lab.folder / "config.json"), lab.seed]
    assert (
        lab.env["CAS_ADDR"] == lab.address
        and Path(lab.roots_file).read_bytes() == lab.world.roots_pem
    )
    lab.close()
    assert dict(os.environ) == before


def test_closing_leaves_nothing_behind(begun):
    """No listener, no folder; the next start serves again. Closing twice is fine."""
    lab = begun("01")
    where, folder = (lab.host, lab.port), lab.folder
    lab.close()
    lab.close()
    assert not answers(*where) and not folder.exists() and lab.closed
    again = begun("01")
    assert again is not lab and answers(again.host, again.port)


def test_two_labs_close_in_either_order(begun):
    """The environment is the reader's own again only when the last lab is closed, and then
    entirely.
    """
    before = dict(os.environ)
    first, second = begun("01"), begun("01", scenario="production")
    assert os.environ["CAS_ADDR"] == second.address != first.address
    first.close()
    assert os.environ["CAS_ADDR"] == second.address
    second.close()
    assert dict(os.environ) == before


def test_the_listener_ends_with_the_process(tmp_path):
    """A kernel that ends, ends the world and removes its folder."""
    code = (
        "from casnb.teach.lab import start; lab = start('00'); print(lab.host, lab.port,"
        " lab.folder)"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    host, port, folder = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        timeout=120,
    ).stdout.split()
    assert (
        not answers(host, int(port))
        and not Path(folder).exists()
        and list(tmp_path.iterdir()) == []
    )


# Attaching


def test_it_attaches_to_a_simulator_that_runs(begun, monkeypatch):
    """Where the environment names a world of the same seed and scenario, the lab uses it, and
    closing does not end it.
    """
    from casnb.simulator.server.running import serve
    from casnb.simulator.world import World

    with serve(World("shared world", "public")) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        lab = begun("01")
        assert lab.attached and lab.address == running.cas_addr and lab.seed == "shared world"
        assert lab.world.mrenclave in fetch(
            lab.page_url, lab.page_ca
        ).decode() and "already running" in str(lab)
        lab.close()
        assert answers(running.host, running.cas_port)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param({"CASNB_SEED": None}, "which is not a casnb simulator", id="a real CAS"),
        pytest.param(
            {"CASNB_SCENARIO": "production"}, "has another seed or scenario", id="another scenario"
        ),
        pytest.param(
            {"CAS_PORT": "1", "CAS_ADDR": "127.0.0.1"}, "does not answer", id="nobody there"
        ),
        pytest.param({"CASNB_ROOTS": "/nowhere/roots.pem"}, "are gone", id="files removed"),
    ],
)
def test_it_serves_its_own_where_it_cannot_attach(begun, monkeypatch, tmp_path, change, note):
    """A stale or foreign environment is said, and does not stop the lesson."""
    for name in ("ca.pem", "roots.pem"):
        (tmp_path / name).write_text("")
    env = {
        "CAS_ADDR": "127.1.2.3",
        "CAS_PORT": "8081",
        "CAS_PAGE_URL": "https://127.1.2.3:8443/latest/public-CAS/",
        "CAS_PAGE_CA": str(tmp_path / "ca.pem"),
        "CASNB_PCS_URL": "https://127.1.2.3:8443",
        "CASNB_ROOTS": str(tmp_path / "roots.pem"),
        "CASNB_SEED": "casnb",
        "CASNB_SCENARIO": "public",
        **change,
    }
    for name, value in env.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    lab = begun("01")
    assert not lab.attached and note in str(lab) and answers(lab.host, lab.port)


# What it offers


def test_it_shows_itself_calmly(begun):
    """Where the CAS and the page are, that it is simulated, seed and scenario."""
    shown = begun("03")._repr_mimebundle_()
    for form in shown.values():
        for word in ("simulated", "casnb, public", "/latest/public-CAS/", "03.minimal-flags"):
            assert word in form
    assert repr(begun("03")).startswith("<Lab 03: CAS 127.")


def test_the_saved_report_decodes_and_is_appraised_without_a_network(begun):
    """The report by hand, and attempts at any scenario for the panel."""
    lab = begun("02")
    assert (
        decode(lab.report_bytes).report_body().mrenclave == lab.world.mrenclave
        and lab.report_bytes == lab.report_bytes
    )
    assert (
        not lab.scenario_attempt("public").accepted and lab.scenario_attempt("production").accepted
    )
    policy = AttestationPolicy(mrenclaves=(lab.world.mrenclave,)).with_flags(
        "-G", "--only_for_testing-debug", "--only_for_testing-ignore-signer"
    )
    assert lab.scenario_attempt("public", policy).verdict.value == "accepted-with-waivers"


def test_full_marks_with_the_reference_answers(begun):
    """Answered with `lab.reference`, every chapter is full, and the receipt says so."""
    for chapter in CHAPTERS:
        lab = begun(chapter)
        for id in lab.exercises:
            assert lab.check(id).status == "not yet"
            assert lab.check(id, lab.reference(id)).right
        assert lab.progress().full and lab.receipt()["marks"] == len(lab.exercises)
    assert lab.progress(everything=True).full


def test_hints_go_one_step_further_each_time(begun):
    """Three steps, the third stays; progress counts them."""
    lab = begun("01")
    assert [lab.hint("01.trap").step for _ in range(4)] == [1, 2, 3, 3]
    assert lab.progress().entries["01.trap"].hints == 4
    lab.forget_progress()
    assert lab.hint("01.trap").step == 1


def test_progress_that_cannot_be_kept_is_said_beside_the_feedback(begun, monkeypatch, tmp_path):
    """The answer is judged all the same."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "file" / "progress.json"))
    feedback = begun("00").check("00.decision", begun("00").reference("00.decision"))
    assert (
        feedback.right
        and feedback.notes[0].startswith("Progress is not kept")
        and "not kept" in str(feedback)
    )


def test_a_receipt_can_be_written(begun, tmp_path):
    """JSON with a final newline; an impossible place is one sentence."""
    lab = begun("00")
    lab.receipt(tmp_path / "receipt.json")
    assert (tmp_path / "receipt.json").read_text().endswith("}\n")
    with pytest.raises(SourceError):
        lab.receipt(tmp_path / "no" / "receipt.json")


@pytest.mark.parametrize("chapter", ["99", "", "abc", None])
def test_an_unknown_chapter_is_refused(begun, chapter):
    """With the list of those there are."""
    with pytest.raises(UsageError, match="00, 01, 02, 03, 04"):
        begun(chapter)


def test_an_unknown_scenario_is_refused_and_leaves_nothing(begun, monkeypatch, tmp_path):
    """With the list of those there are, and no folder left over."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UsageError, match="public"):
        begun("01", scenario="mars")
    assert list(tmp_path.iterdir()) == []


def test_panel_and_quiz_come_from_the_lab(begun):
    """The panel knows the lab's address and seed; a quiz answers into its progress."""
    lab = begun("03")
    panel = lab.panel(flags=("accept-group-out-of-date",))
    assert (
        panel.model.command.endswith(" " + lab.address)
        and lab.world.mrenclave in panel.model.command
    )
    panel.close()
    quiz = lab.quiz("03.gain")
    quiz.choose(lab.reference("03.gain"))
    assert quiz.answer().right and lab.progress().entries["03.gain"].status == "right"
    quiz.close()


def test_a_command_shows_what_it_printed():
    """Output, exit code, and nothing that could move the terminal; one that does not end is a
    sentence.
    """
    run = run_command(
        [sys.executable, "-c", "import sys; print('\\x1b[31mred'); sys.exit(3)"],
        os.environ,
        "python",
        60,
    )
    assert (
        run.exit_code == 3
        and run.stdout == "\x1b[31mred\n"
        and "\x1b" not in str(run)
        and "exit code 3" in str(run)
    )
    assert "<pre" in run._repr_mimebundle_()["text/html"]
    with pytest.raises(SourceError, match="no end after"):
        run_command([sys.executable, "-c", "import time; time.sleep(20)"], os.environ, "sleep", 0.3)


def test_a_captured_program_is_not_told_to_colour(monkeypatch):
    """A kernel says FORCE_COLOR to its children; what is captured and shown as text must not
    have the colours.
    """
    monkeypatch.setenv("FORCE_COLOR", "1")
    run = run_command(
        [sys.executable, "-c", "import os; print('FORCE_COLOR' in os.environ)"],
        os.environ,
        "python",
        60,
    )
    assert run.stdout.strip() == "False"


def test_a_program_runs_in_the_labs_folder(begun):
    """What it prints and how it ends are kept, and the command as a shell takes it; one that is
    not there is named.
    """
    lab = begun("04")
    said = str(lab.run(sys.executable, "-c", "print(1)", "curl: (35) x"))
    assert said.startswith(f"$ {sys.executable} -c 'print(1)' 'curl: (35) x'")
    (lab.folder / "here.txt").write_text("x")
    done = lab.run(
        sys.executable, "-c", "import os; print(sorted(os.listdir())); raise SystemExit(3)"
    )
    assert (done.exit_code, "here.txt" in done.stdout) == (3, True)
    with pytest.raises(SourceError, match="no-such-program"):
        lab.run("no-such-program")


def test_a_lab_opens_its_report_in_the_explorer_and_in_the_tamper_lab():
    """Left out, the saved report with the checks of its fewest flags; else any evidence, or
    another scenario.
    """
    lab = start("02", seed="explorers")
    explorer = lab.explorer()
    assert (
        explorer.map.name == "IAS quote body"
        and explorer.view.result("debug").status.value == "waived"
    )
    assert lab.explorer(lab.world.sigstruct, expected={"isv_svn": 5}).map.name == "SIGSTRUCT"
    assert lab.tamper().flip(112).first.id == "avr-signature"
    assert lab.tamper("production", "own-key").outcome.first.id == "qe-report-binding"


def test_the_lab_runs_attacks_in_its_own_world(begun):
    """lab.attack, lab.predict and lab.attack_matrix take a line, and habits by name."""
    lab = begun("06")
    assert (
        lab.attack("forged-quote", "-G").succeeded
        and lab.attack("relay", skip=["binding"]).succeeded
    )
    assert lab.attack("other-instance", add=["instance"]).stopped_by == "instance-key"
    assert lab.predict("debug-memory", "out", "--only_for_testing-ignore-signer").right
    assert (
        lab.predict("relay").told.outcome is None
        and lab.predict("relay", "out", skip=["binding"]).right is False
    )
    table = lab.attack_matrix(["", "-G"], ["forged-quote"])
    assert list(table.stopped["forged-quote"].items()) == [("no flag", "tcb-status"), ("-G", "")]
