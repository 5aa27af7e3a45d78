"""Intel's signed lists, read: every member of exactly the type that Intel specifies, by the quick
reader and by the strict one alike.
"""

from __future__ import annotations

import json

import pytest

from casnb.base.errors import EvidenceError
from casnb.simulator.world import World
from casnb.verify.lists import QeIdentity, TcbInfo

LISTS = World("lists", "production").endorsements()
READERS = {"tcb_info": TcbInfo, "qe_identity": QeIdentity}


def first(**members):
    """Change members of the first level."""
    return lambda body: body["tcbLevels"][0].update(members)


def tcb(value):
    return lambda body: body["tcbLevels"][0].update(tcb=value)


def component(value):
    def change(body):
        body["tcbLevels"][0]["tcb"]["sgxtcbcomponents"][0] = value

    return change


WRONG = {
    "a level that is text": ("both", lambda b: b["tcbLevels"].__setitem__(0, "tcbStatus")),
    "a level that is a list": ("both", lambda b: b["tcbLevels"].__setitem__(0, [["tcb", 1]])),
    "levels that are an object": ("both", lambda b: b.update(tcbLevels={"tcb": 1})),
    "no levels": ("both", lambda b: b.update(tcbLevels=[])),
    "tcb that is text": ("both", tcb("svn")),
    "tcb that is null": ("both", tcb(None)),
    "a component that is a number": ("tcb_info", component(3)),
    "a component that is text": ("tcb_info", component("svn")),
    "an SVN that is text": ("tcb_info", component({"svn": "3"})),
    "an SVN that is true": ("tcb_info", component({"svn": True})),
    "an SVN that is a fraction": ("tcb_info", component({"svn": 3.0})),
    "components that are text": ("tcb_info", tcb({"sgxtcbcomponents": "0" * 16, "pcesvn": 1})),
    "an id that is a number": ("tcb_info", lambda b: b.update(id=7)),
    "a version that is true": ("both", lambda b: b.update(version=True)),
    "ISVSVN that is text": ("qe_identity", tcb({"isvsvn": "8"})),
    "a date that is a number": ("both", first(tcbDate=20240313)),
    "a date that is a list": ("both", first(tcbDate=["2024-03-13T00:00:00Z"])),
    "a status that is a list": ("both", first(tcbStatus=["UpToDate"])),
    "advisories that are text": ("both", first(advisoryIDs="INTEL-SA-00001")),
    "an advisory that is a number": ("both", first(advisoryIDs=[334])),
}
ROWS = [
    (name, of, change)
    for name, (kinds, change) in WRONG.items()
    for of in (READERS if kinds == "both" else [kinds])
]


def changed(of: str, change) -> dict:
    body = json.loads(getattr(LISTS, of))
    change(body)
    return body


@pytest.mark.parametrize("spaced", [False, True], ids=["as Intel prints it", "with spaces"])
@pytest.mark.parametrize(("name", "of", "change"), ROWS, ids=[f"{n}, {o}" for n, o, _ in ROWS])
def test_a_member_of_another_type_is_refused(name, of, change, spaced):
    """Signed or not, nothing but what Intel specifies is read; no error of Python's comes out."""
    text = json.dumps(changed(of, change), separators=None if spaced else (",", ":"))
    with pytest.raises(EvidenceError):
        READERS[of].from_json(text)


@pytest.mark.parametrize("of", READERS)
def test_both_readers_read_the_same(of):
    """The quick way for texts as Intel prints them gives what the strict one gives."""
    text = getattr(LISTS, of)
    assert READERS[of].from_json(text) == READERS[of].from_json(json.dumps(json.loads(text)))


@pytest.mark.parametrize("at", ["whole", "level", "tcb"])
@pytest.mark.parametrize("of", READERS)
def test_a_member_twice_is_refused(of, at):
    """Of two members of one name, two readers may take different ones."""
    text = getattr(LISTS, of)
    mark = {"whole": '"version":', "level": '"tcbDate":', "tcb": '"tcb":{'}[at]
    again = {"whole": '"version":2,', "level": '"tcbDate":"x",', "tcb": '"tcb":{"x":1,"x":2,'}[at]
    twice = text.replace(mark, again if at == "tcb" else again + mark, 1)
    with pytest.raises(EvidenceError, match="twice"):
        READERS[of].from_json(twice)
