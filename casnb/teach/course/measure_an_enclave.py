"""Exercises of 08: measure the code that would run, and know what two sources are worth."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from casnb.evidence.ledger import Ecreate, Ledger
from casnb.measure.program import EnclaveFile
from casnb.teach.course.choices import Choice, Names, Reason, names_in
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Hex, Option
from casnb.teach.course.slips import Slip, braces
from casnb.teach.facts import Facts

#: The heap that the exercise asks for; the lab's panel offers it too.
HEAP = "112K"
#: Changes that an exercise may ask about: in words, whether they are measured, and why.
CHANGES = {
    "bit": (
        "one bit of the code.",
        True,
        "the code is what is measured first of all.",
        "code-free",
        "a single bit may change",
    ),
    "swapped": (
        "two pages added in the other order, each at its place.",
        True,
        "the record is hashed as it is written. The same two pages in another order are"
        " another record.",
        "order-free",
        "the order of pages is not measured",
    ),
    "heap": (
        "another SCONE_HEAP.",
        True,
        "the heap's pages are added too, and they make the enclave larger.",
        "heap-free",
        "the heap is not measured",
    ),
    "debug": (
        "started as a debug enclave.",
        False,
        "DEBUG is an attribute. The report shows it beside MRENCLAVE, and the hash does not"
        " know it.",
        "",
        "",
    ),
    "signer": (
        "signed with another key.",
        False,
        "the signature comes after the measurement.",
        "",
        "",
    ),
    "date": (
        "another day in the SIGSTRUCT.",
        False,
        "the date stands in the SIGSTRUCT: it is signed, and not measured.",
        "",
        "",
    ),
    "product": (
        "another ISVPRODID in the SIGSTRUCT.",
        False,
        "it is signed, and not measured.",
        "",
        "",
    ),
    "version": (
        "another ISVSVN in the SIGSTRUCT.",
        False,
        "it is signed, and not measured.",
        "",
        "",
    ),
    "writable": (
        "a page of code made writable.",
        True,
        "EADD measures the permissions of each page.",
        "permissions-free",
        "permissions of pages are not measured",
    ),
    "moved": (
        "a page at another address in the enclave.",
        True,
        "EADD measures where each page stands.",
        "place-free",
        "the place of a page is not measured",
    ),
}
_LISTS = (
    ("bit", "swapped", "heap", "debug", "signer", "date"),
    ("swapped", "debug", "product", "writable", "date", "heap"),
    ("version", "moved", "signer", "bit", "debug", "writable"),
    ("date", "heap", "product", "moved", "swapped", "signer"),
    ("writable", "version", "product", "bit", "moved", "debug"),
    ("heap", "signer", "version", "date", "bit", "product"),
)


def _list(facts: Facts) -> tuple[str, ...]:
    return facts.draw("08.unmeasured", _LISTS)


def _unmeasured(facts: Facts) -> frozenset[str]:
    return frozenset(n for n in _list(facts) if not CHANGES[n][1])


_REASONS = {n: Reason(c[2], c[3], c[4]) for n, c in CHANGES.items()}


def _changes_judge(facts: Facts) -> Names:
    reasons = {n: r for n, r in _REASONS.items() if n in _list(facts)}
    return Names(_list(facts), "change", reasons)


def _file(facts: Facts) -> EnclaveFile:
    return facts.world.enclave.file


def _size_alone(facts: Facts) -> str:
    """The measurement of somebody who changes the size of the enclave, and adds no page."""
    first, *rest = _file(facts).ledger.records
    assert isinstance(first, Ecreate)
    return Ledger((replace(first, size=_file(facts).with_heap(HEAP).size), *rest)).mrenclave


def _pages_alone(facts: Facts) -> str:
    """The measurement of somebody who adds the pages, and leaves the size as it was."""
    _, *rest = _file(facts).with_heap(HEAP).ledger.records
    return Ledger((_file(facts).ledger.records[0], *rest)).mrenclave


def _former(facts: Facts) -> str:
    found = facts.world.release_history[1].mrenclave
    assert found is not None
    return found


EXERCISES = (
    Exercise(
        id="08.heap",
        scenarios=("production", "public"),
        title="Another heap",
        name="other_heap",
        code='other_heap = measure(image, heap="112K").mrenclave',
        why="The heap's pages are part of what is measured.",
        question=(
            f"Somebody starts this CAS with SCONE_HEAP={HEAP}. Which MRENCLAVE will a report show?"
        ),
        given="the image: lab.image(), or lab.world.image()",
        wanted="text: 64 lower-case hex digits",
        hints=(
            (
                "The heap is part of the enclave's size, and each of its pages is added with an"
                " EADD record."
            ),
            (
                "measure(data, heap=...) and casnb measure --heap take a heap as SCONE_HEAP writes"
                f" it: {HEAP}."
            ),
            f"measure(lab.world.image(), heap='{HEAP}').mrenclave",
        ),
        judge=Hex(32),
        answer=lambda facts: _file(facts).with_heap(HEAP).mrenclave,
        right=(
            "Right. Not one byte of code differs, and it is another enclave: ask for the settings"
            " when you are told a number."
        ),
        slips=(
            Slip(
                "own-heap",
                "This is the CAS with its own heap. Another heap is another MRENCLAVE.",
                lambda facts: facts.mrenclave,
                holds="the heap does not change MRENCLAVE",
            ),
            Slip(
                "size-alone",
                "The size in ECREATE was changed, and no page was added. Each page of the heap has"
                " an EADD record.",
                _size_alone,
                holds="only the size of the heap is measured",
            ),
            Slip(
                "pages-alone",
                "The pages were added, and the size in ECREATE stayed. The enclave has to hold"
                " them.",
                _pages_alone,
                holds="only the pages of the heap are measured",
            ),
            Slip(
                "file-hash",
                "This is SHA-256 of the file. What is measured is the record of the build.",
                lambda facts: hashlib.sha256(_file(facts).to_bytes()).hexdigest(),
                holds="MRENCLAVE is the hash of the file",
            ),
        ),
    ),
    Exercise(
        id="08.unmeasured",
        scenarios=("production", "public"),
        title="What is not measured",
        name="unmeasured",
        code=lambda facts: f"unmeasured = {braces(_unmeasured(facts))}",
        why="Attributes and the SIGSTRUCT stand beside the record.",
        question=lambda facts: (
            "Which of these changes leave MRENCLAVE as it is? "
            + " ".join(f"'{n}': {CHANGES[n][0]}" for n in _list(facts))
        ),
        given="the measurement lab: lab.measure()",
        wanted="a set of names, such as {'bit', 'heap'}",
        hints=(
            (
                "MRENCLAVE is SHA-256 over ECREATE, EADD and EEXTEND. Which of the changes writes"
                " into one of them?"
            ),
            "Attributes and the SIGSTRUCT come after the build record is closed.",
            ("What stands beside the record: what the host asks for, and what the signer says."),
        ),
        judge=_changes_judge,
        reasons=_REASONS,
        answer=_unmeasured,
        right=(
            "Right. That is why debug and signer are checks of their own: no MRENCLAVE can stand in"
            " for them."
        ),
        slips=(
            Slip(
                "debug-measured",
                "DEBUG is an attribute. The report shows it beside MRENCLAVE, and the hash does not"
                " know it.",
                lambda facts: _unmeasured(facts) - {"debug"},
                lambda facts, v: _forgot(facts, v, "debug"),
                holds="DEBUG is measured",
                when=lambda facts: "debug" in _list(facts) and len(_unmeasured(facts)) > 1,
            ),
            Slip(
                "date-forgotten",
                "The SIGSTRUCT is signed, and not measured: its date, product and version leave"
                " MRENCLAVE as it is.",
                lambda facts: _unmeasured(facts) - {"date", "product", "version"},
                lambda facts, v: any(_forgot(facts, v, n) for n in ("date", "product", "version")),
                holds="what the SIGSTRUCT says is measured",
                when=lambda facts: bool(_unmeasured(facts) - {"date", "product", "version"}),
            ),
            Slip(
                "measured-instead",
                "These are the changes that do change MRENCLAVE. The others are asked for.",
                lambda facts: frozenset(_list(facts)) - _unmeasured(facts),
                form=True,
            ),
        ),
    ),
    Exercise(
        id="08.former",
        scenarios=("production", "public"),
        title="Under the whiteout",
        name="former",
        code='former = measure(layers[1]["opt/casnb/former/cas.enclave"]).mrenclave',
        why="What a layer took away is still in the archive.",
        question=(
            "The second layer of the image holds a former release, which the third takes away."
            " Which MRENCLAVE had it?"
        ),
        given="the archive by hand, as in this notebook, or an old row of the page to compare with",
        wanted="text: 64 lower-case hex digits",
        hints=(
            "The file is opt/casnb/former/cas.enclave in layer 2; its SIGSTRUCT stands beside it.",
            "An ENCLAVEHASH is 32 bytes at offset 960 of a SIGSTRUCT.",
            (
                "measure(content).mrenclave of the file's bytes, or the ENCLAVEHASH of cas.sig"
                " beside it."
            ),
        ),
        judge=Hex(32),
        answer=_former,
        right=(
            "Right. What a layer took away is still in the archive: a tool that takes the first"
            " file of that name measures this."
        ),
        slips=(
            Slip(
                "current",
                "This is the release that runs. The former one lies in layer 2.",
                lambda facts: facts.mrenclave,
                holds="the archive holds the running release only",
            ),
            Slip(
                "mrsigner",
                "This is who signed it. The question asks what: ENCLAVEHASH, at offset 960.",
                lambda facts: facts.world.mrsigner,
                holds="MRSIGNER is what was signed",
            ),
        ),
    ),
    Exercise(
        id="08.disagree",
        scenarios=("production", "public"),
        title="Two sources disagree",
        name="conclusion",
        why=(
            "Some holder of the vendor's key signed this program. Signed is not the same as"
            " wanted, and a page may simply be old."
        ),
        question=(
            "The image measures one thing, the page says another. The SIGSTRUCT in the image holds,"
            " signed by the vendor. What do you know?"
        ),
        given="the last sections of this notebook",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            "Which explanations would look exactly the same from here?",
            "An old page, a new image, a rebuild: all of them are honest, and all look like this.",
            "What you know is about the vendor's key and this program, and not about the page.",
        ),
        judge=Choice(
            {
                "a": Option(
                    "The page was attacked.",
                    "page-attacked",
                    "It may be; a page that nobody updated looks exactly the same.",
                    holds="two sources that disagree prove an attack",
                ),
                "b": Option(
                    "The image is the right one, because it is signed.",
                    "signed-is-wanted",
                    "The vendor signed every release that there ever was, those with holes too."
                    " Signed is not wanted.",
                    holds="whatever is signed is wanted",
                ),
                "c": Option(
                    "Some holder of the vendor's key signed this program. Which of the two you"
                    " should expect is still open."
                ),
                "d": Option(
                    "The image was changed on its way to you.",
                    "image-changed",
                    "Then the measured program would not be the one that its SIGSTRUCT speaks for.",
                    holds="a changed image would still match its SIGSTRUCT",
                ),
            }
        ),
        right=(
            "Right. Ask a third source, such as the vendor over another channel; attest with"
            " neither until you know."
        ),
    ),
)


def _forgot(facts: Facts, value: Any, name: str) -> bool:
    """Whether a set lacks this name, and has nothing that does not belong to it."""
    want, have = _unmeasured(facts), names_in(value)
    return bool(have) and name in want - have and have <= want
