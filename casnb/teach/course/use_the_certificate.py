"""Exercises of 04: pin the certificate, read a value, and understand what can go wrong."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from casnb.teach.course.connect_to import connect_to, curl_takes_it, port_of, ports_in
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.judges import Hex, Option, Text
from casnb.teach.course.pairing import Pairing
from casnb.teach.course.slips import Slip
from casnb.teach.facts import Facts

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


def _value(facts: Facts) -> str:
    """What example_value holds."""
    return facts.world.example_value


def _foreign(facts: Facts) -> str:
    """What the impostor of the gallery answers."""
    return facts.world.false_value


def _pem_hash(facts: Facts) -> str:
    return hashlib.sha256(facts.chain[0].public_bytes(Encoding.PEM)).hexdigest()


def _object(value: Any) -> bool:
    return (isinstance(value, dict) and "value" in value and "kind" in value) or (
        isinstance(value, str) and '"kind"' in value
    )


def _gives(role: str, letter: str) -> Any:
    return lambda facts, value: isinstance(value, dict) and value.get(role) == letter


EXERCISES = (
    Exercise(
        id="04.root-certificate",
        title="The root of the chain",
        name="root_fingerprint",
        code=(
            "from cryptography.hazmat.primitives import hashes\n\nroot_fingerprint ="
            " root.fingerprint(hashes.SHA256()).hex()"
        ),
        why="The root is the second certificate of the file.",
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
        answer=lambda facts: facts.fingerprint(0),
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
                holds="the first certificate of the file is the root",
            ),
            Slip(
                "leaf-certificate",
                "This is the leaf, which the server presents in the TLS handshake. The root is what"
                " vouches for it, and it is in the file.",
                lambda facts: facts.fingerprint(2),
                holds="the leaf is the root",
            ),
            Slip(
                "sha1",
                "This is the SHA-1 fingerprint, 20 bytes. Wanted is SHA-256.",
                lambda facts: facts.fingerprint(0, hashlib.sha1),
                holds="a SHA-1 fingerprint will do",
            ),
            Slip(
                "pem-hash",
                "This is the hash of the PEM text, which changes with every line end. A fingerprint"
                " is taken over the DER form.",
                _pem_hash,
                holds="a fingerprint is the hash of the PEM text",
            ),
            Slip(
                "mrenclave",
                "This is MRENCLAVE: the code, not the key. A fingerprint is a hash of a"
                " certificate.",
                lambda facts: facts.world.mrenclave,
                holds="MRENCLAVE is a certificate's fingerprint",
            ),
        ),
    ),
    Exercise(
        id="04.connect-to",
        title="Connect here, verify that",
        name="connect_to",
        code=lambda facts: f'connect_to = f"cas:{port_of(facts)}:{{lab.host}}:{{lab.port}}"',
        why="First what the URL says, then where the connection goes.",
        question=lambda facts: (
            "curl must connect to the CAS of this lab, while the URL, and so the name that is"
            f" verified, is https://cas:{port_of(facts)}. What is the argument of --connect-to?"
        ),
        given=lambda facts: (
            f"lab.host and lab.port; the URL's host is cas and its port {port_of(facts)}"
        ),
        wanted="text: four parts joined by colons",
        hints=(
            (
                "The option reads HOST1:PORT1:HOST2:PORT2. One pair is in the URL, the other is"
                " where the connection goes."
            ),
            "HOST1 and PORT1 are those of the URL.",
            lambda facts: f"f'cas:{port_of(facts)}:{{lab.host}}:{{lab.port}}'",
        ),
        judge=Text(),
        answer=connect_to,
        also=curl_takes_it,
        right=(
            "Right: the address may be anything, since the name is checked against the pinned chain"
            " and not against the address."
        ),
        slips=(
            Slip(
                "swapped",
                "The two pairs are the wrong way round: first what stands in the URL, then where to"
                " connect.",
                lambda facts: f"{facts.host}:{facts.port or 8081}:cas:{port_of(facts)}",
                lambda facts, v: isinstance(v, str) and v.endswith(f":cas:{port_of(facts)}"),
                holds="--connect-to names first where to connect",
            ),
            Slip(
                "no-ports",
                "Each of the two names needs its port: HOST1:PORT1:HOST2:PORT2.",
                lambda facts: f"cas:{facts.host}",
                lambda facts, v: (
                    isinstance(v, str)
                    and re.fullmatch(r"cas(:\d*)?:" + re.escape(facts.host) + ":?", v) is not None
                ),
                holds="--connect-to needs no ports",
            ),
            Slip(
                "address-as-name",
                "Then the name to verify would be the address, and the CAS's certificate does not"
                " carry it. The URL says cas.",
                lambda facts: ":".join([f"{facts.host}:{facts.port or 8081}"] * 2),
                lambda facts, v: (
                    isinstance(v, str)
                    and re.fullmatch(rf"(?:{re.escape(facts.host)}:\d*:?){{2}}", v) is not None
                ),
                holds="the address is the name to verify",
            ),
            Slip(
                "with-scheme",
                "No https:// here: the option takes bare names and ports.",
                lambda facts: "https://" + connect_to(facts),
                lambda facts, v: isinstance(v, str) and "//" in v,
                form=True,
            ),
            Slip(
                "shell-variable",
                "In Python nobody replaces a shell variable. Put the address itself.",
                lambda facts: f"cas:{port_of(facts)}:$CAS_ADDR:8081",
                lambda facts, v: isinstance(v, str) and re.search(r"\$\{?[A-Za-z_]", v) is not None,
                form=True,
                early=True,
            ),
            Slip(
                "url-port",
                "The second part is the port that the URL names.",
                lambda facts: f"cas:{port_of(facts) + 1}:{facts.host}:{facts.port or 8081}",
                lambda facts, v: (
                    (found := ports_in(facts, v)) is not None
                    and found[1] not in ("", str(port_of(facts)))
                ),
                holds="the URL's port is always the same",
            ),
            Slip(
                "other-port",
                "The last part is the port that the CAS of this lab listens on: lab.port.",
                lambda facts: f"cas:{port_of(facts)}:{facts.host}:{99_999}",
                lambda facts, v: (found := ports_in(facts, v)) is not None and bool(found[2]),
                holds="every CAS listens on the same port",
            ),
        ),
    ),
    Exercise(
        id="04.value",
        title="The public value",
        name="the_value",
        code='the_value = client.value("example_session", "example_value")',
        why="Over the pinned connection, by a client made from the attested CAS.",
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
        answer=lambda facts: _value(facts),
        right=(
            "Right, and it came from the CAS you attested. That CAS is a debug one: its host could"
            " have changed the value."
        ),
        slips=(
            Slip(
                "number",
                "The CAS sends text (kind: string), and casnb does not guess that text is a number."
                " Keep it as text.",
                lambda facts: int(_value(facts)),
                lambda facts, v: type(v) in (int, float) and v == int(_value(facts)),
                form=True,
            ),
            Slip(
                "quotes",
                "The quotes belong to JSON, not to the value: parse the answer.",
                lambda facts: f'"{_value(facts)}"',
                form=True,
            ),
            Slip(
                "whole-object",
                "This is the whole answer. Take its member `value`.",
                lambda facts: {
                    "kind": "string",
                    "value": _value(facts),
                    "expires": None,
                    "renew": None,
                },
                lambda facts, v: _object(v),
                form=True,
            ),
            Slip(
                "name",
                "This is the name of the value. Ask the CAS for what it holds.",
                lambda facts: "example_value",
                holds="the name of a value is its value",
            ),
        ),
    ),
    Exercise(
        id="04.stranger",
        title="The dangerous one",
        name="stranger",
        code='stranger = gallery["insecure"].outcomes[0].value',
        why="The exhibit is called `insecure`.",
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
        answer=lambda facts: _foreign(facts),
        right=(
            "Right. No error, no warning, and a value that no CAS ever held. That is what -k buys."
        ),
        slips=(
            Slip(
                "honest-value",
                "This is the value of the CAS that you attested. With -k somebody else answered.",
                lambda facts: _value(facts),
                holds="curl -k still reads the CAS that was attested",
            ),
            Slip(
                "number",
                "The answer carries text (kind: string). Keep it as text.",
                lambda facts: int(_foreign(facts)),
                lambda facts, v: type(v) in (int, float) and v == int(_foreign(facts)),
                form=True,
            ),
            Slip(
                "empty",
                "openssl s_client made the connection and asked for nothing. Take curl's outcome.",
                lambda facts: "",
                form=True,
            ),
            Slip(
                "word",
                "This is what became of it, not what was read. Take the value.",
                lambda facts: "DANGER",
                form=True,
            ),
            Slip(
                "exhibit",
                "This is the name of the exhibit. Which value was read in it?",
                lambda facts: "insecure",
                form=True,
            ),
        ),
    ),
    Exercise(
        id="04.troubleshoot",
        title="Read the symptoms",
        name="causes",
        why=(
            "35: an issuer of that name was found, and its key does not fit. 60: no issuer"
            " was found. The other two are answers of a CAS: a name that is wrong or not"
            " public, and a method that it does not offer."
        ),
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
        judge=Pairing(
            tuple(_SYMPTOMS),
            _CAUSES,
            {
                "curl 35": "Error 35 comes from TLS: an issuer was found, and its signature is"
                " wrong.",
                "curl 60": "Error 60 comes from TLS: no issuer was found.",
                "not visible": "This is an answer of a CAS, to a request that arrived.",
                "HEAD": "405 is about the method, whatever is asked for.",
            },
        ),
        answer=lambda facts: dict(_SYMPTOMS),
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
                holds="error 60 means a wrong key and 35 no issuer",
            ),
            Slip(
                "value-is-gone",
                "A value that exists answers HEAD with 405 just the same: the method is not"
                " offered, and so it proves nothing about the value.",
                lambda facts: _SYMPTOMS | {"HEAD": "c"},
                _gives("HEAD", "c"),
                holds="405 says that the value does not exist",
            ),
            Slip(
                "server-is-down",
                "All four symptoms need a server that answers. A CAS that is not running refuses"
                " the connection: curl 7.",
                lambda facts: _SYMPTOMS | {"curl 35": "e"},
                lambda facts, v: isinstance(v, dict) and "e" in v.values(),
                holds="these symptoms mean that the server is down",
            ),
        ),
    ),
)
