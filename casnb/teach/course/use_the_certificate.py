"""Exercises of 04: pin the certificate, read a value, and understand what can go wrong."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from casnb.teach.course.exercises import Exercise, Slip
from casnb.teach.course.judges import Hex, Option, Pairing, Text
from casnb.teach.facts import Facts
from casnb.teach.gallery.mishaps import FOREIGN_VALUE

_VALUE = "42"

_SYMPTOMS = {"curl 35": "a", "curl 60": "b", "not visible": "c", "HEAD": "d"}

_CAUSES = {
    "a": Option("the CA file belongs to another CAS: same names, other keys"),
    "b": Option("no CA file was given, so curl looked among the system's authorities"),
    "c": Option(
        "the session or value name is wrong, or the value is not public: the CAS does not say which"
    ),
    "d": Option(
        "the server does not offer this method for values; it says nothing about the value"
    ),
    "e": Option("the CAS is not running"),
}


def _connect(facts: Facts) -> str:
    return f"cas:8081:{facts.host}:{facts.port}"


def _pem_hash(facts: Facts) -> str:
    return hashlib.sha256(facts.chain[0].public_bytes(Encoding.PEM)).hexdigest()


def _object(value: Any) -> bool:
    return (isinstance(value, dict) and value.get("value") == _VALUE) or (
        isinstance(value, str) and '"kind"' in value
    )


def _gives(role: str, letter: str) -> Any:
    return lambda facts, value: isinstance(value, dict) and value.get(role) == letter


EXERCISES = (
    Exercise(
        id="04.root-certificate",
        title="The root of the chain",
        question=(
            "What is the SHA-256 fingerprint of the CAS's root certificate, the one whose subject"
            " and issuer are both CN=cas?"
        ),
        given="cas_cert.crt, as `scone cas show-certificate` prints it: two certificates",
        wanted="text: 64 lower-case hex digits (32 bytes), computed over the DER form",
        hints=(
            "The file holds two certificates. Print subject and issuer of both.",
            (
                "openssl x509 reads only the first certificate of a file."
                " cryptography.x509.load_pem_x509_certificates reads all."
            ),
            "certificate.fingerprint(hashes.SHA256()).hex() on the one with subject CN=cas.",
        ),
        judge=Hex(32),
        reference=lambda facts: facts.fingerprint(0),
        right=(
            "Right: this key is the identity of this CAS instance. Another CAS has the same names"
            " and another key."
        ),
        slips=(
            Slip(
                "instance-certificate",
                "This is cas-instance, the first certificate in the file. It changes when the CAS "
                "software is updated; the root stays.",
                lambda facts: facts.fingerprint(1),
            ),
            Slip(
                "leaf-certificate",
                "This is the leaf, which the server presents in the TLS handshake. The root is what"
                " vouches for it, and it is in the file.",
                lambda facts: facts.fingerprint(2),
            ),
            Slip(
                "sha1",
                "This is the SHA-1 fingerprint, 20 bytes. Wanted is SHA-256.",
                lambda facts: facts.fingerprint(0, hashlib.sha1),
            ),
            Slip(
                "pem-hash",
                "This is the hash of the PEM text, which changes with every line end. A fingerprint"
                " is taken over the DER form.",
                _pem_hash,
            ),
            Slip(
                "mrenclave",
                "This is MRENCLAVE: the code, not the key. A fingerprint is a hash of a"
                " certificate.",
                lambda facts: facts.world.mrenclave,
            ),
        ),
    ),
    Exercise(
        id="04.connect-to",
        title="Connect here, verify that",
        question=(
            "curl must connect to the CAS of this lab, while the URL, and so the name that is"
            " verified, is https://cas:8081. What stands behind --connect-to?"
        ),
        given="lab.host and lab.port; the URL's host is cas and its port 8081",
        wanted="text: four parts joined by colons",
        hints=(
            (
                "The option reads HOST1:PORT1:HOST2:PORT2. One pair is in the URL, the other is"
                " where the connection goes."
            ),
            "HOST1 and PORT1 are those of the URL.",
            "f'cas:8081:{lab.host}:{lab.port}'",
        ),
        judge=Text(),
        reference=_connect,
        right=(
            "Right: the address may be anything, since the name is checked against the pinned chain"
            " and not against the address."
        ),
        slips=(
            Slip(
                "swapped",
                "The two pairs are the wrong way round: first what stands in the URL, then where to"
                " connect.",
                lambda facts: f"{facts.host}:{facts.port}:cas:8081",
            ),
            Slip(
                "no-ports",
                "Each of the two names needs its port: HOST1:PORT1:HOST2:PORT2.",
                lambda facts: f"cas:{facts.host}",
                lambda facts, v: (
                    v in (f"cas:{facts.host}", f"cas:8081:{facts.host}", f"cas::{facts.host}:")
                ),
            ),
            Slip(
                "address-as-name",
                "Then the name to verify would be the address, and the CAS's certificate does not"
                " carry it. The URL says cas.",
                lambda facts: f"{facts.host}:{facts.port}:{facts.host}:{facts.port}",
            ),
            Slip(
                "with-scheme",
                "No https:// here: the option takes bare names and ports.",
                lambda facts: "https://" + _connect(facts),
                lambda facts, v: isinstance(v, str) and "//" in v,
            ),
            Slip(
                "shell-variable",
                "In Python nobody replaces a shell variable. Put the address itself.",
                lambda facts: "cas:8081:$CAS_ADDR:8081",
                lambda facts, v: isinstance(v, str) and "$" in v,
            ),
            Slip(
                "other-port",
                "The last part is the port that the CAS of this lab listens on: lab.port.",
                lambda facts: f"cas:8081:{facts.host}:{facts.port + 1}",
                lambda facts, v: (
                    isinstance(v, str)
                    and re.fullmatch(rf"cas:8081:{re.escape(facts.host)}:\d+", v) is not None
                ),
            ),
        ),
    ),
    Exercise(
        id="04.value",
        title="The public value",
        question="What is the value of example_value in example_session?",
        given=(
            "the CAS, over TLS pinned to its certificate:"
            " /v1/values/session=example_session,secret=example_value"
        ),
        wanted="text: the member `value` of the answer, as it stands",
        hints=(
            "Fetch the URL with the certificate you exported. The answer is a JSON object.",
            "The member is called value. The object also says of which kind it is.",
            "CasClient(attested).value('example_session', 'example_value')",
        ),
        judge=Text(),
        reference=lambda facts: _VALUE,
        right=(
            "Right, and it came from the CAS you attested. That CAS is a debug one: its host could"
            " have changed the value."
        ),
        slips=(
            Slip(
                "number",
                "The CAS sends text (kind: string), and casnb does not guess that text is a number."
                " Keep it as text.",
                lambda facts: 42,
                lambda facts, v: type(v) in (int, float) and v == int(_VALUE),
            ),
            Slip(
                "with-quotes",
                "The quotes belong to JSON, not to the value: parse the answer.",
                lambda facts: f'"{_VALUE}"',
            ),
            Slip(
                "whole-object",
                "This is the whole answer. Take its member `value`.",
                lambda facts: {"kind": "string", "value": _VALUE, "expires": None, "renew": None},
                lambda facts, v: _object(v),
            ),
            Slip(
                "bytes",
                "The right value as bytes. Decode it to text.",
                lambda facts: _VALUE.encode(),
            ),
            Slip(
                "name",
                "This is the name of the value. Ask the CAS for what it holds.",
                lambda facts: "example_value",
            ),
        ),
    ),
    Exercise(
        id="04.stranger",
        title="The dangerous one",
        question=(
            "In the failure gallery one mistake works in every tool that reads a value. Which value"
            " did curl -k read there?"
        ),
        given=(
            "lab.gallery(), whose exhibit 'insecure' connects to a server that only calls"
            " itself cas"
        ),
        wanted="text: the value as it stood in the answer",
        hints=(
            (
                "A mistake that fails protects you. Look for the exhibit in which nobody refuses,"
                " apart from the right way."
            ),
            "gallery['insecure'] lists what each tool made of it. An outcome has a member `value`.",
            "gallery['insecure'].outcomes[0].value",
        ),
        judge=Text(),
        reference=lambda facts: FOREIGN_VALUE,
        right=(
            "Right. No error, no warning, and a value that no CAS ever held. That is what -k buys."
        ),
        slips=(
            Slip(
                "honest-value",
                "This is the value of the CAS that you attested. With -k somebody else answered.",
                lambda facts: _VALUE,
            ),
            Slip(
                "number",
                "The answer carries text (kind: string). Keep it as text.",
                lambda facts: int(FOREIGN_VALUE),
                lambda facts, v: type(v) in (int, float) and v == int(FOREIGN_VALUE),
            ),
            Slip(
                "empty",
                "openssl s_client made the connection and asked for nothing. Take curl's outcome.",
                lambda facts: "",
            ),
            Slip(
                "word",
                "This is what became of it, not what was read. Take the value.",
                lambda facts: "DANGER",
            ),
            Slip(
                "exhibit",
                "This is the name of the exhibit. Which value was read in it?",
                lambda facts: "insecure",
            ),
        ),
    ),
    Exercise(
        id="04.troubleshoot",
        title="Read the symptoms",
        question=(
            "Four things that go wrong. What is the cause of each? 'curl 35': error 35 with `asn1"
            " encoding routines`. 'curl 60': error 60, unable to get local issuer certificate. 'not"
            " visible': the answer says that a secret does not exist or is not visible. 'HEAD':"
            " curl -I answers 405."
        ),
        given="the causes a to e",
        wanted=(
            "a dictionary with the keys 'curl 35', 'curl 60', 'not visible', 'HEAD', each with one"
            " letter"
        ),
        hints=(
            "Which of the four come from TLS, before any request was sent?",
            (
                "Every CAS names its certificates the same way. What happens when the issuer's name"
                " is found, and its key does not fit?"
            ),
            (
                "35: an issuer was found and the signature is wrong. 60: no issuer was found. The"
                " other two are answers of a CAS."
            ),
        ),
        judge=Pairing(tuple(_SYMPTOMS), _CAUSES),
        reference=lambda facts: dict(_SYMPTOMS),
        right="Right. Two are about whom you talk to, two about what you asked.",
        slips=(
            Slip(
                "35-and-60-swapped",
                "The two TLS errors are the wrong way round: 60 means that no issuer was found at"
                " all, 35 that one of that name was found and its key does not fit.",
                lambda facts: _SYMPTOMS | {"curl 35": "b", "curl 60": "a"},
                lambda facts, v: (
                    isinstance(v, dict) and (v.get("curl 35"), v.get("curl 60")) == ("b", "a")
                ),
            ),
            Slip(
                "value-is-gone",
                "A value that exists answers HEAD with 405 just the same: the method is not"
                " offered, and so it proves nothing about the value.",
                lambda facts: _SYMPTOMS | {"HEAD": "c"},
                _gives("HEAD", "c"),
            ),
            Slip(
                "server-is-down",
                "All four symptoms need a server that answers. A CAS that is not running refuses"
                " the connection: curl 7.",
                lambda facts: _SYMPTOMS | {"curl 35": "e"},
                lambda facts, v: isinstance(v, dict) and "e" in v.values(),
            ),
        ),
    ),
)
