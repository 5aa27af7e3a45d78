"""Exercises of 02: read the evidence byte by byte."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from casnb.base import strictjson
from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Choice, Hex, Number, Numbers, Option
from casnb.teach.facts import Facts


def _sha512(facts: Facts, **style: Any) -> str:
    text = json.dumps(facts.report.additional_data, ensure_ascii=False, **style)
    return hashlib.sha512(text.encode()).hexdigest()


def _unix_lines(facts: Facts) -> str:
    return hashlib.sha512(
        strictjson.compact(facts.report.additional_data).replace(b"\\r\\n", b"\\n")
    ).hexdigest()


EXERCISES = (
    Exercise(
        id="02.debug-byte",
        title="The byte that says debug",
        question=(
            "Which byte of the 384-byte report body tells that an enclave can be debugged, and"
            " which bit of it?"
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
            "Bit 0 is INIT and has the value 1. DEBUG is bit 1.",
        ),
        judge=Numbers(("the offset", "the bit's value")),
        reference=lambda facts: (48, 2),
        right=(
            "Right: one bit of one byte decides whether the host can read the enclave, and"
            " MRENCLAVE does not change with it."
        ),
        slips=(
            Slip(
                "offset-in-quote",
                "96 counts from the start of the quote. The report body begins 48 bytes later,"
                " after the quote's header; count from there.",
                lambda facts: (96, 2),
            ),
            Slip(
                "byte-order",
                "55 is the last byte of the field. FLAGS is little-endian: its lowest bits stand in"
                " its first byte.",
                lambda facts: (55, 2),
            ),
            Slip(
                "bit-number",
                "The right byte. 1 is the value of bit 0, which is INIT and set in every genuine"
                " report. If you meant the bit's number: bit number 1 has the value 2.",
                lambda facts: (48, 1),
            ),
            Slip(
                "mode64",
                "The right byte. The value 4 is bit 2, MODE64BIT: a 64-bit enclave, debug or not.",
                lambda facts: (48, 4),
            ),
            Slip(
                "whole-byte",
                "7 is the whole byte of this enclave: INIT, DEBUG and MODE64BIT together (1 + 2 +"
                " 4). Asked is one bit.",
                lambda facts: (48, 7),
            ),
            Slip(
                "swapped",
                "The right numbers the other way round: offset first, then the bit's value.",
                lambda facts: (2, 48),
            ),
        ),
    ),
    Exercise(
        id="02.select-byte",
        title="The byte that must change",
        question=(
            "A policy asks for ISVSVN 6 or more, and the report says 5. Which one byte of the quote"
            " would Mallory change?"
        ),
        given=(
            "the explorer on your report: select the byte there, and explorer.selected is its"
            " offset"
        ),
        wanted="an integer: the byte's offset from the start of the quote (0 to 431)",
        hints=(
            "Choose isvsvn under 'Light the bytes of a check': two bytes are lit.",
            "Integers are little-endian: the first of the two counts ones, the second counts 256s.",
            "The 5 stands in the first byte of isv_svn. explorer.select('isv_svn') goes there.",
        ),
        judge=Number(),
        reference=lambda facts: 306,
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
            ),
            Slip(
                "byte-order",
                "307 is the second byte of the field, which counts 256s: changing it asks for"
                " version 261 at least.",
                lambda facts: 307,
            ),
            Slip(
                "offset-in-body",
                "258 counts from the start of the report body. The quote has a header of 48 bytes"
                " before it.",
                lambda facts: 258,
            ),
            Slip(
                "product",
                "This is ISVPRODID, which product it is. ISVSVN, its security version, stands"
                " behind it.",
                lambda facts: 304,
                lambda facts, value: value in (304, 305),
            ),
            Slip(
                "config-svn",
                "This is the version of a configuration, which no check compares.",
                lambda facts: 308,
                lambda facts, value: value in (308, 309),
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
                "It is the hash of JSON text, and every blank counts. The response is printed with"
                " two-space indentation; what is hashed is not."
            ),
            (
                "hashlib.sha512(json.dumps(data, separators=(',', ':'),"
                " ensure_ascii=False).encode()).hexdigest(), and leave the line ends inside"
                " cert_chain as they are."
            ),
        ),
        judge=Hex(64),
        reference=lambda facts: facts.report.binding_digest.hex(),
        right=(
            "Right. Whoever relays this report in front of another key has another chain, and so"
            " another hash."
        ),
        slips=(
            Slip(
                "indented-json",
                "The right hash function over the JSON as it is printed, with indentation. What is"
                " hashed is the compact form: no blank after comma or colon.",
                lambda facts: _sha512(facts, indent=2),
            ),
            Slip(
                "default-json",
                "The right hash function over JSON with a blank after each comma and colon, which"
                " is json.dumps without separators. The compact form has none.",
                lambda facts: _sha512(facts),
            ),
            Slip(
                "sorted-members",
                "The members were sorted. Leave them in the order in which they stand: another"
                " order is another text.",
                lambda facts: _sha512(facts, separators=(",", ":"), sort_keys=True),
            ),
            Slip(
                "line-ends",
                "The line ends inside cert_chain were changed. They are CR LF, and they are part of"
                " what is hashed.",
                _unix_lines,
            ),
            Slip(
                "sha256",
                "SHA-256 gives 32 bytes; the field has 64.",
                lambda facts: hashlib.sha256(
                    strictjson.compact(facts.report.additional_data)
                ).hexdigest(),
            ),
            Slip(
                "chain-only",
                "This is the hash of the certificates alone. The whole of additional_data is bound,"
                " nonce included.",
                lambda facts: hashlib.sha512(facts.report.cert_chain_pem).hexdigest(),
            ),
            Slip(
                "whole-report",
                "This is the hash of the whole response. It cannot be: the report would have to"
                " contain its own hash.",
                lambda facts: hashlib.sha512(facts.report_bytes).hexdigest(),
            ),
        ),
    ),
    Exercise(
        id="02.same-measurement",
        title="Debug and the measurement",
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
                ),
                "c": Option(
                    "They differ, because another key signs a debug build.",
                    "signer-measured",
                    "The signer shows up in MRSIGNER. MRENCLAVE knows nothing about signatures.",
                ),
            }
        ),
        reference=lambda facts: "a",
        right="Right. Pinning the hash does not keep a debugger out; the debug check does.",
    ),
    Exercise(
        id="02.unnoticed",
        title="Unnoticed",
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
                ),
                "b": Option(
                    "A signing certificate of her own, with the right names.",
                    "own-certificate",
                    "Names are free. The chain has to end in a root that you had before, and hers"
                    " does not.",
                ),
                "c": Option(
                    "Intel's root certificate.",
                    "root-certificate",
                    "Everybody has it: a certificate holds a public key, which checks signatures"
                    " and makes none.",
                ),
                "d": Option("The attestation key of the machine."),
            }
        ),
        reference=lambda facts: "d",
        right=(
            "Right. Attestation rests on that key staying inside; an outdated platform's may be"
            " out; tcb-status says so."
        ),
    ),
)
