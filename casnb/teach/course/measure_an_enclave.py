"""Exercises of 08: measure the code that would run, and know what two sources are worth."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from casnb.evidence.ledger import Ecreate, Ledger
from casnb.measure.program import EnclaveFile
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Hex, Names, Option, names_in
from casnb.teach.facts import Facts

#: The heap that the exercise asks for; the lab's panel offers it too.
HEAP = "112K"
_CHANGES = ("bit", "swapped", "heap", "debug", "signer", "date")


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
        title="Another heap",
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
        reference=lambda facts: _file(facts).with_heap(HEAP).mrenclave,
        right=(
            "Right. Not one byte of code differs, and it is another enclave: ask for the settings"
            " when you are told a number."
        ),
        slips=(
            Slip(
                "own-heap",
                "This is the CAS with its own heap. Another heap is another MRENCLAVE.",
                lambda facts: facts.mrenclave,
            ),
            Slip(
                "size-alone",
                "The size in ECREATE was changed, and no page was added. Each page of the heap has"
                " an EADD record.",
                _size_alone,
            ),
            Slip(
                "pages-alone",
                "The pages were added, and the size in ECREATE stayed. The enclave has to hold"
                " them.",
                _pages_alone,
            ),
            Slip(
                "file-hash",
                "This is SHA-256 of the file. What is measured is the record of the build.",
                lambda facts: hashlib.sha256(_file(facts).to_bytes()).hexdigest(),
            ),
        ),
    ),
    Exercise(
        id="08.unmeasured",
        title="What is not measured",
        question=(
            "Which of these changes leave MRENCLAVE as it is? 'bit': one bit of the code."
            " 'swapped': two pages added in the other order, each at its place. 'heap': another"
            " SCONE_HEAP. 'debug': started as a debug enclave. 'signer': signed with another key."
            " 'date': another day in the SIGSTRUCT."
        ),
        given="the measurement lab: lab.measure()",
        wanted="a set of names, such as {'bit', 'heap'}",
        hints=(
            (
                "MRENCLAVE is SHA-256 over ECREATE, EADD and EEXTEND. Which of the changes writes"
                " into one of them?"
            ),
            "Attributes and the SIGSTRUCT come after the build record is closed.",
            (
                "Three of the six stand beside the record: what the host asks for, and what the"
                " signer says."
            ),
        ),
        judge=Names(_CHANGES, "change"),
        reference=lambda facts: {"debug", "signer", "date"},
        right=(
            "Right. That is why debug and signer are checks of their own: no MRENCLAVE can stand in"
            " for them."
        ),
        slips=(
            Slip(
                "debug-measured",
                "DEBUG is an attribute. The report shows it beside MRENCLAVE, and the hash does not"
                " know it.",
                lambda facts: {"signer", "date"},
                lambda facts, v: names_in(v) == {"signer", "date"},
            ),
            Slip(
                "order-free",
                "The record is hashed as it is written. The same two pages in another order are"
                " another record.",
                lambda facts: {"debug", "signer", "date", "swapped"},
                lambda facts, v: "swapped" in names_in(v),
            ),
            Slip(
                "heap-free",
                "The heap's pages are added too, and they make the enclave larger.",
                lambda facts: {"debug", "signer", "date", "heap"},
                lambda facts, v: "heap" in names_in(v),
            ),
            Slip(
                "date-forgotten",
                "The date stands in the SIGSTRUCT, beside the signer: it is signed, and not"
                " measured.",
                lambda facts: {"debug", "signer"},
            ),
        ),
    ),
    Exercise(
        id="08.former",
        title="Under the whiteout",
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
        reference=_former,
        right=(
            "Right. What a layer took away is still in the archive: a tool that takes the first"
            " file of that name measures this."
        ),
        slips=(
            Slip(
                "current",
                "This is the release that runs. The former one lies in layer 2.",
                lambda facts: facts.mrenclave,
            ),
            Slip(
                "mrsigner",
                "This is who signed it. Asked is what was signed: ENCLAVEHASH, at offset 960.",
                lambda facts: facts.world.mrsigner,
            ),
        ),
    ),
    Exercise(
        id="08.disagree",
        title="Two sources disagree",
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
                ),
                "b": Option(
                    "The image is the right one, because it is signed.",
                    "signed-is-wanted",
                    "The vendor signed every release that there ever was, those with holes too."
                    " Signed is not wanted.",
                ),
                "c": Option(
                    "Some holder of the vendor's key signed this program. Which of the two you"
                    " should expect is still open."
                ),
                "d": Option(
                    "The image was changed on its way to you.",
                    "image-changed",
                    "Then the measured program would not be the one that its SIGSTRUCT speaks for.",
                ),
            }
        ),
        reference=lambda facts: "c",
        right=(
            "Right. Ask a third source, such as the vendor over another channel; attest with"
            " neither until you know."
        ),
    ),
)
