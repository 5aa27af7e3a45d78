"""The failure gallery: each mistake really fails in each tool, for the reason that it stands
for; only one of them works.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime, timezone

import pytest

from casnb.base.errors import UsageError
from casnb.simulator.server.running import serve
from casnb.simulator.world import World
from casnb.teach.gallery.gallery import Exhibit, Gallery, build_gallery
from casnb.teach.gallery.mistakes import MISTAKES, Mistake
from casnb.teach.gallery.tools import Outcome
from casnb.teach.lab import start
from casnb.tls.diagnoses import DIAGNOSES

pytestmark = [
    pytest.mark.scripts,
    pytest.mark.skipif(
        not all(map(shutil.which, ("curl", "openssl"))), reason="needs curl and openssl"
    ),
]

#: What each mistake stands for.
MEANS = {
    "no-file": "unknown-issuer",
    "empty-file": "no-file",
    "wrong-file": "wrong-key",
    "somebody-else": "wrong-key",
    "insecure": "unverified",
    "name": "name",
    "leaf-file": "unknown-issuer",
    "instance-file": "incomplete",
    "leaf-as-authority": "not-authority",
    "self-made": "self-signed",
    "expired": "expired",
    "not-yet": "not-yet",
    "plain": "plain",
    "refused": "refused",
}
#: Tools that take any certificate in the file for an end of the chain, and so go on with one of the
#: right chain.
PARTIAL = {"curl"} | ({"requests", "Python ssl"} if sys.version_info >= (3, 13) else set())


@pytest.fixture(scope="module")
def world() -> World:
    return World("gallery", now=datetime.now(timezone.utc).replace(microsecond=0))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory, world) -> Gallery:
    with serve(world) as running:
        return build_gallery(
            world, running.host, running.cas_port, tmp_path_factory.mktemp("gallery"), os.environ
        )


def test_every_mistake_stands_for_something():
    """The first is not a mistake; every other one has a diagnosis of its own in the table."""
    assert [m.id for m in MISTAKES] == ["right", *MEANS] and set(MEANS.values()) <= set(DIAGNOSES)


def test_the_right_way_works_in_every_tool(gallery, world):
    """With the attested certificates and the name cas all five go on, and those that ask read
    the value.
    """
    outcomes = gallery["right"].outcomes
    assert {o.tool: (o.word, o.value) for o in outcomes} == {
        "curl": ("ACCEPTED", world.example_value),
        "openssl s_client": ("ACCEPTED", ""),
        "openssl verify": ("ACCEPTED", ""),
        "requests": ("ACCEPTED", world.example_value),
        "Python ssl": ("ACCEPTED", world.example_value),
    }


@pytest.mark.parametrize("id", [i for i in MEANS if i != "insecure"])
def test_each_mistake_is_refused_for_its_reason(gallery, id):
    """Every tool that looks refuses, and what each says is translated into the one cause, with a
    message for the reader.
    """
    exhibit = gallery[id]
    ran = [o for o in exhibit.outcomes if o.accepted is not None]
    assert len(ran) >= 4 and all(
        o.accepted is False or (o.tool in PARTIAL and id in ("leaf-file", "instance-file"))
        for o in ran
    )
    refused = [o for o in ran if not o.accepted]
    assert {o.explanation.diagnosis.id for o in refused} == {MEANS[id]} and all(
        o.message for o in refused
    )
    assert DIAGNOSES[MEANS[id]].cure in exhibit.meaning


def test_verification_switched_off_is_the_dangerous_one(gallery, world):
    """It works in every tool, reads somebody else's value, and is called DANGER in every form."""
    exhibit = gallery["insecure"]
    ran = {o.tool: (o.word, o.value) for o in exhibit.outcomes if o.accepted is not None}
    assert ran == {
        "curl": ("DANGER", world.false_value),
        "openssl s_client": ("DANGER", ""),
        "requests": ("DANGER", world.false_value),
        "Python ssl": ("DANGER", world.false_value),
    }
    assert exhibit.explanation.diagnosis.id == "unverified"
    for text in (str(exhibit), exhibit._html(), gallery._html()):
        assert (
            "DANGER" in text
            and f"{world.false_value} came from somebody else" in text
            and "the dangerous one" in text
        )
    assert "DANGER" not in "".join(e.summary for e in gallery.exhibits if e is not exhibit)


def test_text_and_html_show_every_exhibit(gallery):
    """Both forms name all of them; the text fills no more than a screen and a half."""
    text, html = str(gallery), gallery._html()
    for exhibit in gallery.exhibits:
        assert exhibit.mistake.title in text and f'data-exhibit="{exhibit.mistake.id}"' in html
    assert len(text.splitlines()) <= 60
    with pytest.raises(UsageError, match="insecure"):
        gallery["frob"]


def test_a_tool_that_is_not_there(tmp_path):
    """Without curl and openssl the gallery says so, and Python's tools still run."""
    world = World("gallery", now=datetime.now(timezone.utc).replace(microsecond=0))
    with serve(world) as running:
        made = build_gallery(
            world, running.host, running.cas_port, tmp_path, {"PATH": str(tmp_path)}, MISTAKES[3:4]
        )
    words = {o.tool: o.word for o in made["wrong-file"].outcomes}
    assert words["requests"] == words["Python ssl"] == "REFUSED" and words["curl"] in (
        "NOT RUN",
        "REFUSED",
    )


def test_hostile_messages_are_shown_as_text():
    """Whatever a tool repeats of a server's certificate reaches no notebook as markup and no
    terminal as control.
    """
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    made = Exhibit(Mistake("x", evil), (Outcome("curl", False, evil),))
    for text in (made._html(), Gallery((made,))._html()):
        assert "<img" not in text and "\x1b" not in text


def test_the_lab_makes_it_without_touching_the_readers_files():
    """A reader's own cas_cert.crt in the lab's folder stays what it was."""
    lab = start("04", seed="gallery in a lab")
    (lab.folder / "cas_cert.crt").write_text("mine")
    made = lab.gallery()
    assert (lab.folder / "cas_cert.crt").read_text() == "mine" and made["right"].outcomes[
        0
    ].value == lab.world.example_value
    lab.close()
