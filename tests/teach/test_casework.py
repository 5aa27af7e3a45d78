"""The case file: decisions signed and kept, tools held against casnb's, and nothing executed that
was read back.
"""

from __future__ import annotations

import json
import socket
import ssl

import pytest

from casnb.base.errors import UsageError
from casnb.mallory.attacks import ATTACKS, run
from casnb.mallory.stage import Stage
from casnb.teach import start
from casnb.teach.course.case_words import CHAPTERS, DECISIONS
from casnb.teach.course.exercises import CHAPTERS as ALL
from casnb.teach.course.progress_file import ProgressFile
from casnb.teach.scraping.page_history import HOST, STATES
from casnb.teach.trials import password
from casnb.tls.recipes import TARGET

ASSIGNMENT = "scone cas attest -G --only_for_testing-debug --only_for_testing-ignore-signer cas"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab whose progress nobody else sees."""
    monkeypatch.setenv("CASNB_PROGRESS", str(tmp_path / "progress.json"))
    return start("01")


def test_every_chapter_has_a_page():
    """Each chapter answers each decision in words of its own."""
    assert list(CHAPTERS) == list(ALL)
    replies = [r for page in CHAPTERS.values() for r in page.replies.values()]
    assert all(set(page.replies) == set(DECISIONS) for page in CHAPTERS.values())
    assert len(set(replies)) == len(replies)


@pytest.mark.parametrize("written", ["not yet", "Not-Yet", " NOT  yet "])
def test_a_decision_is_signed_and_kept(lab, written):
    """However it is written; the first one stays on file beside the present one."""
    assert str(lab.sign(written, because="one page only")).startswith("SIGNED  not yet.")
    lab.sign("never")
    row = {chapter: (first, now) for chapter, first, now in lab.case_file().decisions()}
    assert row["01"] == ("not yet: one page only", "never")
    assert row["02"] == ("", "")


@pytest.mark.parametrize("value", [..., "maybe", None, 3])
def test_anything_else_is_not_signed(lab, value):
    """Three dots ask; another word is named; neither is kept."""
    assert str(lab.sign(value)).startswith("NOT YET")
    assert lab.case_file().signed == {}


def test_the_decisions_of_all_chapters_are_in_one_file(lab):
    """A chapter that plays another scenario signs into the same file."""
    lab.sign("not yet")
    start("07").sign("trust")
    assert set(lab.case_file().signed) == set(start("07").case_file().signed) == {"01", "07"}


def test_a_scraper_is_held_against_casnbs(lab):
    """A crude scraper differs on the states on which it is wrong; casnb's own differs nowhere."""
    from casnb import scrape

    crude = lab.keep("scraper", lambda html: html.partition("<code>")[2][:64])
    assert set(crude.differing) <= set(STATES) and crude.differing
    same = lab.keep("scraper", lambda html: scrape(html.encode()).mrenclave(HOST))
    assert (same.differing, same.yours) == ((), same.casnbs)
    assert [t.tool for t in lab.case_file().trials] == ["scraper"]


DECODERS = {
    "always the quote's offset": (
        lambda data: data[112:144].hex(),
        ("local report", "quote cut short", "text"),
    ),
    "refuses all": (lambda data: None, ("IAS quote", "DCAP quote", "local report")),
    "raises": (lambda data: 1 / 0, ("IAS quote", "DCAP quote", "local report")),
}


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_is_held_against_casnbs(lab, kind):
    """Where it ends differently is named; an exception counts as a refusal."""
    decoder, apart = DECODERS[kind]
    trial = lab.keep("decoder", decoder)
    assert trial.differing == apart
    assert trial.casnbs == "r" * 5


def test_a_line_is_attacked_for_real(lab):
    """What gets in leaves a trophy that no other seed and no other attack has, and that Mallory
    really took: the password that was stored in that run.
    """
    mine = lab.case_against(ASSIGNMENT)
    assert {"debug-memory", "forged-quote"} <= set(mine.taken) < set(ATTACKS)
    other = start("01", seed="another reader").case_against(ASSIGNMENT)
    assert set(mine.taken) == set(other.taken)
    assert len({*mine.taken.values(), *other.taken.values()}) == 2 * len(mine.taken)
    for name, taken in mine.taken.items():
        if name != "other-instance":
            assert taken == password(lab.secret, name)
    assert mine.taken["other-instance"] == lab.world.false_value
    assert "EDBGRD read of the CAS's memory" in str(mine)
    strict = lab.case_against("scone cas attest --mrenclave x cas")
    assert set(strict.taken) < set(mine.taken)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_trophy_is_what_was_stored(name):
    """Each attack that gets in holds the very secret that the relying party stored, and says how;
    in a genuine enclave of somebody else's it stays. Stopped, she holds nothing.
    """
    found = run(name, ATTACKS[name].let_in, seed="loot", deposit="db-0815")
    assert found.succeeded
    if name == "other-instance":
        assert found.taken is None and "db-0815" not in found.loot.values()
    else:
        assert found.taken is not None and found.taken.value == "db-0815"
        assert found.steps[-1].did.endswith(found.taken.how) or any(
            found.taken.how in s.did for s in found.steps
        )
    kept = run(name, ATTACKS[name].keep_out, seed="loot", deposit="db-0815")
    assert not kept.succeeded and kept.taken is None


def test_only_what_mallory_reads_is_taken(monkeypatch):
    """A memory that does not hold the session, and no trophy comes out of it."""
    monkeypatch.setattr(Stage, "stored", lambda self, address: {})
    found = run("debug-memory", ATTACKS["debug-memory"].let_in, seed="loot", deposit="db-0815")
    assert found.succeeded and found.taken is not None and "EDBGRD" not in found.taken.how


@pytest.mark.parametrize("deposit", ['"', "a b", "x\n- y", "ä", "z" * 101])
def test_a_deposit_is_a_plain_word(deposit):
    """What would change the session's text is a wrong call."""
    with pytest.raises(UsageError, match="deposit"):
        run("relay", deposit=deposit)


def by_ssl(verify):
    """A client made with the standard library alone; `verify` decides whether it looks."""

    def client(host, port, file):
        context = ssl.create_default_context(cafile=file)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((host, port), 30) as raw,
            context.wrap_socket(raw, server_hostname="cas") as tls,
        ):
            tls.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: cas\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: tls.recv(4096), b""))
        return json.loads(answer[answer.index(b"{") :])["value"]

    return client


CLIENTS = {
    "verifies": (by_ssl(True), "rrrrrrr"),
    "switched off": (by_ssl(False), "rwwwwwr"),
    "refuses all": (lambda host, port, file: None, "xrrrrrr"),
    "always the same": (lambda host, port, file: "42", "rwwwwww"),
    "bytes": (lambda host, port, file: b"42", "rwwwwww"),
    "raises": (lambda host, port, file: 1 / 0, "xrrrrrr"),
}


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_is_held_against_casnbs(lab, kind):
    """It must read the CAS, and refuse the gallery's six wrong servers."""
    client, letters = CLIENTS[kind]
    trial = lab.keep("client", client)
    assert (trial.yours, trial.casnbs) == (letters, "rrrrrrr")
    assert [t.tool for t in lab.case_file().trials] == ["client"]


CHAIN_ATTACKS = {"no-verify", "wrong-file", "leaf-as-ca", "system-store"}


@pytest.mark.soak
def test_the_attacks_meet_the_readers_client(lab):
    """A client that verifies nothing lets four more in, with no flag set; each takes a password."""
    careless = lab.case_against("", by_ssl(False))
    careful = lab.case_against("", by_ssl(True))
    assert set(careless.taken) - set(careful.taken) == CHAIN_ATTACKS
    assert set(careful.taken) == set(lab.case_against("").taken)
    assert all(careless.taken[n] == password(lab.secret, n) for n in CHAIN_ATTACKS)


def test_a_decision_is_signed_by_a_button(lab):
    """With the reason in the line below; a reason that changes is signed again, and the panel
    of a later day shows both.
    """
    panel = lab.decide()
    assert lab.case_file().signed == {} and panel.buttons.chosen == ""
    panel.reason.value = "one page only"
    assert lab.case_file().signed == {}
    panel.decide("not yet")
    assert panel.buttons.verdict["text"] == str(lab.sign("not yet", "x")).removeprefix(
        "SIGNED  not yet. "
    )
    panel.reason.value = "one page, <b>"
    assert lab.case_file().signed["01"].last == "not yet: one page, <b>"
    again = lab.decide()
    assert (again.buttons.chosen, again.reason.value) == ("not yet", "one page, <b>")
    shown = again._repr_mimebundle_()[0]
    assert "Because: one page, <b>" in shown["text/plain"]
    assert "one page, &lt;b&gt;" in shown["text/html"] and "<b>" not in shown["text/html"]
    for one in (panel, again):
        one.close()


def test_three_dots_keep_nothing(lab):
    """A cell that nobody touched runs nothing."""
    assert str(lab.keep("scraper", ...)).startswith("NOT YET")
    assert str(lab.case_against(...)).startswith("NOT YET")
    assert lab.case_file().trials == []


@pytest.mark.parametrize(
    ("tool", "value"), [("judge", len), ("scraper", "x"), ("client", 3), ("line", 3)]
)
def test_wrong_calls(lab, tool, value):
    """An unknown tool, or something of another kind, is a wrong call."""
    with pytest.raises(UsageError):
        lab.keep(tool, value)


@pytest.mark.parametrize("kept", ["", "rrr", "<b>rrrrrrrrr", "r" * 11, "q" * 10])
def test_results_that_do_not_fit_are_left_out(lab, kept):
    """A file that somebody else wrote shows nothing and runs nothing."""
    ProgressFile(world=lab.world_id).record_said("kept.scraper", kept, "r" * 10)
    assert lab.case_file().trials == []
