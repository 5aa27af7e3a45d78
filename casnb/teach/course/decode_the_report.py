"""Exercises of 02: read the evidence byte by byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from casnb.teach.course.binding_misreadings import BINDING
from casnb.teach.course.choices import Choice
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Hex, Number, Numbers, Option
from casnb.teach.course.misreadings import reading_slips
from casnb.teach.course.slips import Slip
from casnb.teach.facts import Facts


@dataclass(frozen=True)
class Bit:
    """An attribute that the first question may be about: its bit, and what it says."""

    name: str
    number: int
    says: str

    @property
    def value(self) -> int:
        return 1 << self.number


#: The lesson asks about the first.
BITS = (
    Bit("DEBUG", 1, "tells that an enclave can be debugged"),
    Bit("MODE64BIT", 2, "tells that an enclave runs in 64-bit mode"),
    Bit("PROVISION_KEY", 4, "lets an enclave ask for the provisioning key"),
    Bit("EINITTOKEN_KEY", 5, "lets an enclave ask for the key of launch tokens"),
    Bit("CET", 6, "tells that an enclave uses CET, the protection of return addresses"),
)


@dataclass(frozen=True)
class Wish:
    """A demand of a policy that the report does not meet, and the byte of the quote that would
    have to change.
    """

    check: str
    asks: str
    field: str
    offset: int
    other: int


WISHES = (
    Wish(
        "isvsvn", "A policy asks for ISVSVN 6 or more, and the report says 5.", "isv_svn", 306, 307
    ),
    Wish(
        "isvprodid",
        "A policy asks for ISVPRODID 41317, and the report says 41316.",
        "isv_prod_id",
        304,
        305,
    ),
    Wish(
        "debug",
        "A policy refuses debug enclaves, and this report has the DEBUG bit set.",
        "attributes_flags",
        96,
        103,
    ),
    Wish(
        "mrenclave",
        "A policy asks for an MRENCLAVE that differs in its last two hex digits.",
        "mr_enclave",
        143,
        112,
    ),
    Wish(
        "mrsigner",
        "A policy asks for an MRSIGNER that differs in its first two hex digits.",
        "mr_signer",
        176,
        207,
    ),
    Wish(
        "certificate-binding",
        "The hash of other certificates differs from this report_data in its last two hex digits.",
        "report_data",
        431,
        368,
    ),
)
_HEADER = 48


def _bit(facts: Facts) -> Bit:
    return facts.draw("02.debug-byte", BITS)


def _wish(facts: Facts) -> Wish:
    return facts.draw("02.select-byte", WISHES)


def _another_bit(facts: Facts, value: Any) -> Bit | None:
    """Return the attribute whose bit was given in the place of the one that is asked for."""
    if not (
        isinstance(value, list) and len(value) == 2 and value[0] == 48 and type(value[1]) is int
    ):
        return None
    asked = _bit(facts)
    first = Bit("INIT", 0, "")
    return next((b for b in (first, *BITS) if b.value == value[1] and b != asked), None)


def _other_bit_says(facts: Facts, value: Any) -> str:
    bit = _another_bit(facts, value)
    assert bit is not None
    return f"The right byte. {bit.value} is the value of bit {bit.number}, which is {bit.name}."


def _another_wish(facts: Facts, value: Any) -> Wish | None:
    asked = _wish(facts)
    return next((w for w in WISHES if w != asked and value in (w.offset, w.other)), None)


#: Products of other signers, whose two bytes tell the byte orders apart.
_PRODUCTS = (8721, 4660, 769, 5133, 30212, 1027, 12802, 2571, 17425, 6659, 40994, 3085)


def _product(facts: Facts) -> int:
    return facts.draw("02.product", _PRODUCTS)


def _four(facts: Facts) -> bytes:
    """Return what stands from offset 304 on: ISVPRODID, ISVSVN."""
    version = 3 + facts.draw("02.product version", (4, 6, 8, 9))
    return _product(facts).to_bytes(2, "little") + version.to_bytes(2, "little")


EXERCISES = (
    Exercise(
        id="02.debug-byte",
        title="The byte that holds a flag",
        question=lambda facts: (
            f"Which byte of the 384-byte report body {_bit(facts).says}, and which bit of it?"
        ),
        given=(
            "the report body of the saved report: decode(lab.report_bytes).report_body().to_bytes()"
        ),
        wanted=(
            "a pair of integers: the byte's offset from the start of the report body (0 to 383),"
            " and the bit's value in that byte (1, 2, 4, ... 128)"
        ),
        hints=(
            (
                "The field is ATTRIBUTES.FLAGS. Print decode(lab.report_bytes).report_body() and"
                " look for its offset and size."
            ),
            (
                "FLAGS is an integer of 8 bytes, little-endian: its lowest bits stand in its first"
                " byte."
            ),
            lambda facts: (
                "Bit 0 is INIT and has the value 1."
                f" {_bit(facts).name} is bit {_bit(facts).number}."
            ),
        ),
        judge=Numbers(("the offset", "the bit's value")),
        name="debug_byte",
        code=lambda facts: f"debug_byte = (48, {_bit(facts).value})",
        why=lambda facts: (
            "96 in the quote, minus the 48 bytes of its header; and bit"
            f" {_bit(facts).number}, whose value is {_bit(facts).value}."
        ),
        answer=lambda facts: (48, _bit(facts).value),
        right=(
            "Right: one bit of one byte says it, and MRENCLAVE does not change with it. For DEBUG"
            " it decides whether the host can read the enclave."
        ),
        slips=(
            Slip(
                "offset-in-quote",
                "96 counts from the start of the quote. The report body begins 48 bytes later,"
                " after the quote's header; count from there.",
                lambda facts: (96, _bit(facts).value),
                lambda facts, v: isinstance(v, list) and v[:1] == [96],
                holds="offsets count from the start of the quote",
            ),
            Slip(
                "byte-order",
                "55 is the last byte of the field. FLAGS is little-endian: its lowest bits stand in"
                " its first byte.",
                lambda facts: (55, _bit(facts).value),
                lambda facts, v: isinstance(v, list) and v[:1] == [55],
                holds="integers in a report are big-endian",
            ),
            Slip(
                "extended-features",
                "56 is the first byte of XFRM, which registers an enclave may use. FLAGS stands"
                " before it.",
                lambda facts: (56, _bit(facts).value),
                lambda facts, v: isinstance(v, list) and v[:1] == [56],
                holds="the flags stand in XFRM",
            ),
            Slip(
                "bit-number",
                lambda facts, v: (
                    "The right byte. The number of the bit was given, and its value is asked for:"
                    f" bit number {_bit(facts).number} has the value {_bit(facts).value}."
                ),
                lambda facts: (48, _bit(facts).number),
                holds="a bit's number is its value",
            ),
            Slip(
                "another-bit",
                _other_bit_says,
                lambda facts: (48, 1 if _bit(facts).number != 1 else 4),
                lambda facts, v: _another_bit(facts, v) is not None,
                holds="another bit of FLAGS says it",
            ),
            Slip(
                "whole-byte",
                "7 is the whole byte of this enclave: INIT, DEBUG and MODE64BIT together (1 + 2 +"
                " 4). The question asks for one bit.",
                lambda facts: (48, 7),
                holds="the whole byte is the flag",
            ),
            Slip(
                "swapped",
                "The right numbers the other way round: offset first, then the bit's value.",
                lambda facts: (_bit(facts).value, 48),
                form=True,
            ),
        ),
    ),
    Exercise(
        id="02.select-byte",
        title="The byte that must change",
        question=lambda facts: (
            f"{_wish(facts).asks} Which one byte of the quote would Mallory change?"
        ),
        given=(
            "the explorer on your report: select the byte there, and explorer.selected is its"
            " offset"
        ),
        wanted="an integer: the byte's offset from the start of the quote (0 to 431)",
        hints=(
            lambda facts: f"Choose {_wish(facts).check} under 'Light the bytes of a check'.",
            (
                "Integers are little-endian: the first byte counts ones. A hash is written as it"
                " stands in memory: its first two digits are its first byte."
            ),
            lambda facts: f"explorer.select({_wish(facts).field!r}) goes to the field.",
        ),
        judge=Number(),
        name="selected_byte",
        code=lambda facts: (
            f"explorer.select({_wish(facts).offset})\nselected_byte = explorer.selected"
        ),
        why=lambda facts: f"Byte {_wish(facts).offset} of the quote, in {_wish(facts).field}.",
        answer=lambda facts: _wish(facts).offset,
        right=(
            "Right: one byte, and nothing in the body itself protects it. Only a signature does;"
            " try it in the tamper lab."
        ),
        slips=(
            Slip(
                "nothing-selected",
                "-1 means that no byte was selected when the answer was read. Select one in the"
                " explorer, and run the answer cell again.",
                lambda facts: -1,
                form=True,
            ),
            Slip(
                "byte-order",
                lambda facts, v: (
                    f"{v} is the other end of the field {_wish(facts).field}. Integers are"
                    " little-endian, and a hash is written as it stands in memory."
                ),
                lambda facts: _wish(facts).other,
                holds="the bytes of a field stand the other way round",
            ),
            Slip(
                "offset-in-body",
                lambda facts, v: (
                    f"{v} counts from the start of the report body. The quote has a header of 48"
                    " bytes before it."
                ),
                lambda facts: _wish(facts).offset - _HEADER,
                holds="offsets in the quote count from the report body",
            ),
            Slip(
                "offset-plus-header",
                "The header of 48 bytes was added twice: this offset already counts from the start"
                " of the quote.",
                lambda facts: _wish(facts).offset + _HEADER,
                holds="the header comes on top of the quote's offsets",
            ),
            Slip(
                "another-field",
                lambda facts, v: (
                    f"This byte belongs to another field, {_named_field(facts, v)}. The demand is"
                    " not about that one."
                ),
                lambda facts: next(w for w in WISHES if w != _wish(facts)).offset,
                lambda facts, v: _another_wish(facts, v) is not None,
                holds="another field is the one that the check reads",
            ),
            Slip(
                "config-svn",
                "This is the version of a configuration, which no check compares.",
                lambda facts: 308,
                lambda facts, value: value in (308, 309),
                holds="the version of the configuration is the security version",
            ),
        ),
    ),
    Exercise(
        id="02.product",
        title="A number out of bytes",
        question=lambda facts: (
            "ISVPRODID says which product of its signer an enclave is. In the quote of another"
            f" enclave the four bytes from 304 on are `{_four(facts).hex(' ')}`. Which product is"
            " it?"
        ),
        given="ISVPRODID has two bytes and begins at 304; ISVSVN follows it",
        wanted="an integer",
        hints=(
            "The field has two bytes. Which of them counts ones?",
            "All integers in a report are little-endian.",
            "int.from_bytes(four[:2], 'little')",
        ),
        judge=Number(),
        name="product_number",
        code=lambda facts: (
            f'product_number = int.from_bytes(bytes.fromhex("{_four(facts)[:2].hex()}"), "little")'
        ),
        why="The two bytes at 304, little-endian.",
        answer=lambda facts: _product(facts),
        right="Right. A policy compares this number; read big-endian it is another product.",
        slips=(
            Slip(
                "big-endian",
                "The right two bytes, read big-endian. Integers in a report are little-endian.",
                lambda facts: int.from_bytes(_four(facts)[:2], "big"),
                holds="integers in a report are big-endian",
            ),
            Slip(
                "isvsvn",
                "This is ISVSVN, the security version, which follows the product number.",
                lambda facts: int.from_bytes(_four(facts)[2:], "little"),
                holds="the security version is the product number",
            ),
            Slip(
                "one-byte",
                "This is one byte of the field, which has two.",
                lambda facts: _product(facts) & 255,
                lambda facts, v: v in (_product(facts) & 255, _product(facts) >> 8),
                holds="the product number has one byte",
            ),
            Slip(
                "four-bytes",
                "Four bytes were read: the two behind the product number are ISVSVN.",
                lambda facts: int.from_bytes(_four(facts), "little"),
                holds="the product number has four bytes",
            ),
            Slip(
                "offset",
                "This is where the number stands, not the number.",
                lambda facts: 304,
                lambda facts, v: v in (256, 304),
                holds="the offset is the value",
            ),
        ),
    ),
    Exercise(
        id="02.report-data",
        title="What the report speaks for",
        question=(
            "The 64 bytes of report_data bind the report to the CAS's certificates. Compute them"
            " from additional_data."
        ),
        given=(
            "json.loads(lab.report_bytes)['additional_data'], members in the order in which they"
            " stand"
        ),
        wanted="text: 128 lower-case hex digits (64 bytes)",
        hints=(
            "64 bytes: which hash function of the SHA-2 family gives that many?",
            (
                "It is the hash of JSON text, and every space counts. The response is printed with"
                " two-space indentation; what is hashed is not."
            ),
            (
                "hashlib.sha512(json.dumps(data, separators=(',', ':'),"
                " ensure_ascii=False).encode()).hexdigest(), and leave the line ends inside"
                " cert_chain as they are."
            ),
        ),
        judge=Hex(64),
        name="saved_binding",
        code=(
            'text = json.dumps(\n    json.loads(lab.report_bytes)["additional_data"],'
            ' separators=(",", ":"), ensure_ascii=False\n)\n'
            "saved_binding = hashlib.sha512(text.encode()).hexdigest()"
        ),
        why="SHA-512 over the compact JSON.",
        answer=lambda facts: facts.report.binding_digest.hex(),
        right=(
            "Right. Whoever relays this report in front of another key has another chain, and so"
            " another hash."
        ),
        slips=(
            Slip(
                "chain-only",
                "This is the hash of the certificates alone. The whole of additional_data is bound,"
                " nonce included.",
                lambda facts: hashlib.sha512(facts.report.cert_chain_pem).hexdigest(),
                lambda facts, v: isinstance(v, str) and v in _chains(facts),
                holds="only the certificates are bound, not the nonce",
            ),
            *reading_slips(BINDING),
        ),
    ),
    Exercise(
        id="02.same-measurement",
        title="Debug and the measurement",
        name="same_measurement",
        why='They are equal: `World(lab.seed, "production").mrenclave` shows it.',
        question=(
            "The same CAS is built twice from the same pages, once as a debug enclave. How do the"
            " two MRENCLAVEs compare?"
        ),
        given="what is measured: the size of the enclave, its pages, and where they stand",
        wanted="one letter, as text: 'a' to 'c'",
        hints=(
            "Is DEBUG among the things that are measured?",
            "ECREATE, EADD and EEXTEND feed the hash. ATTRIBUTES stand beside it in the report.",
            "A pinned MRENCLAVE therefore cannot tell the two apart.",
        ),
        judge=Choice(
            {
                "a": Option("They are equal."),
                "b": Option(
                    "They differ, because DEBUG is an attribute of the enclave.",
                    "attributes-measured",
                    "DEBUG is an attribute, and attributes are not measured: they stand beside"
                    " MRENCLAVE in the report. That is why debug is a check of its own.",
                    holds="DEBUG changes MRENCLAVE",
                ),
                "c": Option(
                    "They differ, because another key signs a debug build.",
                    "signer-measured",
                    "The signer shows up in MRSIGNER. MRENCLAVE knows nothing about signatures.",
                    holds="the signing key changes MRENCLAVE",
                ),
            }
        ),
        right="Right. Pinning the hash does not keep a debugger out; the debug check does.",
    ),
    Exercise(
        id="02.unnoticed",
        title="Unnoticed",
        name="unnoticed",
        why=(
            "The machine's attestation key. Intel's service then signs a report about her"
            " quote as about any other; only the status can tell that such keys may be out."
        ),
        question=(
            "What must Mallory have, so that she can clear the DEBUG bit in a report of this debug"
            " CAS and no check notices?"
        ),
        given="the tamper lab: byte 96, and what Mallory signs with",
        wanted="one letter, as text: 'a' to 'd'",
        hints=(
            (
                "Clear the bit in the tamper lab, and choose each line of 'Mallory signs with' in"
                " turn."
            ),
            (
                "A signature that fits is no use to her if its key does not chain to a root that"
                " you had before."
            ),
            "Which key makes a true signature over a false report?",
        ),
        judge=Choice(
            {
                "a": Option(
                    "Nothing but the file.",
                    "file-only",
                    "Then the signature no longer fits what it covers, and is the first to notice.",
                    holds="a report can be changed without a key",
                ),
                "b": Option(
                    "A signing certificate of her own, with the right names.",
                    "own-certificate",
                    "Names are free. The chain has to end in a root that you had before, and hers"
                    " does not.",
                    holds="a certificate with the right names is enough",
                ),
                "c": Option(
                    "Intel's root certificate.",
                    "root-certificate",
                    "Everybody has it: a certificate holds a public key, which checks signatures"
                    " and makes none.",
                    holds="Intel's root certificate makes signatures",
                ),
                "d": Option("The attestation key of the machine."),
            }
        ),
        right=(
            "Right. Attestation rests on that key staying inside; an outdated platform's may be"
            " out; tcb-status says so."
        ),
    ),
)


def _named_field(facts: Facts, value: Any) -> str:
    wish = _another_wish(facts, value)
    return wish.field if wish else ""


def _chains(facts: Facts) -> frozenset[str]:
    """The certificates alone, in every hash and with every line end."""
    pem = facts.report.cert_chain_pem
    texts = {pem, pem.replace(b"\r\n", b"\n"), pem.rstrip(), pem.replace(b"\r\n", b"\n").rstrip()}
    return frozenset(
        hashlib.new(name, t).hexdigest() for t in texts for name in ("sha512", "sha256")
    )
