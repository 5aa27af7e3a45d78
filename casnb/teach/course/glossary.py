"""The words of the course: each term with its meaning and the cell that introduces it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from casnb.base.documentation import docs_at
from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, html_table, text_table


@dataclass(frozen=True)
class Word(Shown):
    """One term. `cell` is the id of the notebook cell that introduces it, `long` what a short form
    stands for; `forms` are other spellings of it in running text.
    """

    term: str
    meaning: str
    cell: str
    long: str = ""
    forms: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way in which it is written, the term first."""
        return (self.term, *self.forms)

    @property
    def name(self) -> str:
        """The name of its place in the documentation: `reference-value`."""
        return self.term.lower().replace(" ", "-")

    @property
    def sentence(self) -> str:
        """What it stands for and what it means."""
        return f"{self.long}: {self.meaning}" if self.long else self.meaning

    def __str__(self) -> str:
        docs = docs_at("words", self.name)
        return f"{self.term}: {self.sentence} (Introduced in {self.cell[:2]}. Docs: {docs})"

    def _html(self) -> str:
        return (
            f"<p><dfn><strong>{cell(self.term)}</strong></dfn>: {cell(self.sentence, 400)}"
            f" <small>Introduced in notebook {cell(self.cell[:2])}."
            f" Docs: <code>{cell(docs_at('words', self.name), 400)}</code></small></p>"
        )


class Words(Shown):
    """Several terms as a table."""

    HEADER = ("term", "meaning", "notebook")

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = tuple(words)

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(w.term, w.sentence, w.cell[:2]) for w in self.words]

    def __str__(self) -> str:
        return text_table(self.HEADER, self._rows())

    __repr__ = __str__

    def _html(self) -> str:
        return html_table(self.HEADER, self._rows(), "Words of the course", limit=400)

    def folded(self) -> str:
        """Return the same as a list in a fold, which needs neither a kernel nor a script."""
        items = "".join(
            f"<dt>{cell(w.term)}</dt><dd>{cell(w.sentence, 400)}</dd>" for w in self.words
        )
        return (
            '<details class="fold words"><summary><b>Words so far</b>'
            f" {len(self.words)} of the course</summary><dl>{items}</dl></details>"
        )


#: In the order in which they are introduced.
GLOSSARY = (
    Word(
        "CAS",
        "keeps secrets and configurations for programs, and hands them out by policy.",
        "00-promise",
        "configuration and attestation service",
    ),
    Word(
        "enclave",
        "protected memory and the program in it; the CPU measures what is loaded and keeps the"
        " host out.",
        "00-refused-by-tls",
        forms=("enclaves",),
    ),
    Word(
        "Mallory",
        "the attacker of this course: at each attack it is said where she is and what she has.",
        "00-who-answered",
        forms=("Mallory's",),
    ),
    Word(
        "host",
        "the machine and the operating system around an enclave, and whoever owns them.",
        "00-players",
    ),
    Word(
        "evidence",
        "what a platform signed about an enclave; here, a report or a quote.",
        "00-words",
        forms=("Evidence",),
    ),
    Word(
        "reference value",
        "what one expects to find in the evidence, known beforehand.",
        "00-words",
        forms=("reference values",),
    ),
    Word(
        "endorsement",
        "a statement of the maker, here Intel, about keys and platforms.",
        "00-words",
        forms=("endorsements", "Endorsements"),
    ),
    Word(
        "appraisal",
        "the comparison of evidence with reference values and endorsements under a policy.",
        "00-words",
        forms=("Appraisal", "appraised"),
    ),
    Word(
        "verdict",
        "the outcome of an appraisal: trustworthy, accepted with waivers, or rejected.",
        "00-words",
    ),
    Word(
        "policy",
        "the list of what a relying party accepts. A session of a CAS is also called a policy.",
        "00-words",
        forms=("policies",),
    ),
    Word(
        "report",
        "evidence that a CAS hands out: a signed part, and certificates that the part names.",
        "00-evidence",
        forms=("reports",),
    ),
    Word(
        "MRENCLAVE",
        "a SHA-256 over how an enclave was built: 32 bytes that say which build it is.",
        "00-reference",
        "measurement of the enclave",
    ),
    Word(
        "signer",
        "in this course always the party whose key signed an enclave; MRSIGNER is its hash.",
        "00-refusal",
    ),
    Word("nonce", "a random number, used once, that an answer must repeat.", "02-fetch"),
    Word(
        "IAS",
        "the web service with which Intel checked evidence until 2 April 2025, when it ended.",
        "02-avr",
        "Intel Attestation Service",
    ),
    Word(
        "quote",
        "a report on an enclave, signed so that it can be checked on another machine.",
        "02-avr",
        forms=("quotes",),
    ),
    Word(
        "AVR",
        "what IAS answered: the evidence's core and Intel's opinion of the platform, signed.",
        "02-avr",
        "attestation verification report",
        forms=("AVRs",),
    ),
    Word(
        "DCAP",
        "the kind of quote that is in use today; whoever judges it needs no service of Intel's.",
        "02-ias-ended",
        "data center attestation primitives",
    ),
    Word(
        "ISVPRODID",
        "a number of two bytes that tells the products of one signer apart.",
        "02-better",
        "product number",
    ),
    Word(
        "MRSIGNER",
        "SHA-256 of the RSA key with which an enclave was signed: 32 bytes that say whose it is.",
        "02-measurements",
        "measurement of the signer",
    ),
    Word(
        "DEBUG",
        "the attribute that lets the host read and write an enclave's memory.",
        "02-flags",
    ),
    Word(
        "SIGSTRUCT",
        "1808 bytes beside an enclave: its signer's key, and what the signer vouches for.",
        "02-two-names",
        "signature structure",
    ),
    Word(
        "EPID",
        "the group signature scheme of the older kind of quote, which IAS checked.",
        "02-two-readings",
        "enhanced privacy ID",
    ),
    Word(
        "TCB",
        "the CPU, its microcode and firmware: what must hold for an enclave to be protected.",
        "03-proof-read",
        "trusted computing base",
    ),
    Word(
        "pin",
        "to keep the keys of an attested CAS, and to accept no others from then on.",
        "04-idea",
        forms=("pinned", "pins"),
    ),
    Word(
        "session",
        "a text that a CAS keeps: a name, secrets, and who may do what with it.",
        "04-break-it",
    ),
    Word("creator", "the key that made the first version of a session.", "05-hash"),
    Word("namespace", "a session below which others can be created.", "05-update"),
    Word(
        "PCK",
        "the key of one CPU, for which an Intel certificate vouches.",
        "07-newer",
        "provisioning certification key",
    ),
    Word(
        "FMSPC",
        "Intel's number for a kind of platform; its lists are filed under it.",
        "07-alone-read",
        "family, model, stepping, platform and custom SKU",
    ),
    Word(
        "ISVSVN",
        "a number of two bytes that rises when a release closes a hole.",
        "07-by-hand",
        "security version number",
    ),
    Word(
        "whiteout",
        "an empty file in an image's layer that takes away a file of a lower layer.",
        "08-layers",
    ),
    Word("SGXS", "the stream of records that the CPU hashes into MRENCLAVE.", "08-sgxs"),
)

_BY_SPELLING = {s.casefold(): w for w in GLOSSARY for s in w.spellings}


def word(term: str) -> Word:
    """Return one term, however it is spelled; raise UsageError that names the nearest one."""
    found = _BY_SPELLING.get(str(term).strip().casefold())
    if found is None:
        near = difflib.get_close_matches(str(term).casefold(), _BY_SPELLING, 1)
        raise UsageError(
            "word",
            got=term,
            wanted="a word of the course",
            do=f"Did you mean {_BY_SPELLING[near[0]].term}? "
            if near
            else "lab.words() lists them.",
        )
    return found


def words(*terms: str) -> Words:
    """Return these terms as a table; without one, all."""
    return Words([word(t) for t in terms] or GLOSSARY)


def known_until(chapter: str) -> Words:
    """Return the words that the course has introduced at the end of this chapter."""
    return Words([w for w in GLOSSARY if w.cell[:2] <= chapter])
