"""Values that a reader has at hand, by kind: what each is, and what taking it for the answer means.
One table for all exercises.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.checks.result import CATALOGUE
from casnb.policy.flags import FLAGS, NEWER
from casnb.simulator.server.site import LAYOUTS

if TYPE_CHECKING:
    from casnb.teach.facts import Facts


@dataclass(frozen=True)
class Kind:
    """A kind of value: what is said of one, the belief behind it, and which values there are in a
    world.
    """

    code: str
    says: str
    holds: str
    values: Callable[[Facts], Iterable[Any]]


def _sha(data: bytes, name: str = "sha256") -> str:
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()


def _digests(*data: bytes) -> list[str]:
    return [_sha(d, name) for d in data for name in ("sha256", "sha1", "sha512", "md5", "sha384")]


def _der(facts: Facts, place: int) -> list[str]:
    certificate = facts.chain[place]
    return _digests(certificate.public_bytes(Encoding.DER))


def _pem(facts: Facts) -> list[str]:
    texts = [c.public_bytes(Encoding.PEM) for c in facts.chain]
    texts += [facts.world.cas_chain_pem, facts.world.tls_chain_pem, facts.report.cert_chain_pem]
    texts += [t.rstrip(b"\n") for t in texts] + [t.replace(b"\n", b"\r\n") for t in texts]
    return _digests(*texts)


def _keys(facts: Facts) -> list[str]:
    return _digests(
        *(
            c.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for c in facts.chain
        )
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "mrenclave",
        "This is MRENCLAVE: it says which code this CAS runs.",
        "MRENCLAVE is what is asked for",
        lambda f: [f.mrenclave],
    ),
    Kind(
        "mrsigner",
        "This is MRSIGNER: it says who signed the enclave, not which code is in it.",
        "MRSIGNER is what is asked for",
        lambda f: [f.world.mrsigner],
    ),
    Kind(
        "vendor-signer",
        "This is the MRSIGNER that production builds of this world have.",
        "the vendor's MRSIGNER is what is asked for",
        lambda f: [f.world.vendor.mrsigner],
    ),
    Kind(
        "another-row",
        "This is the MRENCLAVE of another row of the page: another release at another address.",
        "any row of the page will do",
        lambda f: f.other_rows.values(),
    ),
    Kind(
        "report-data",
        "This is the report_data of the saved report: the hash that names its certificates.",
        "report_data is what is asked for",
        lambda f: [f.body.report_data.hex()],
    ),
    Kind(
        "half-report-data",
        "This is one half of the saved report's report_data, which has 64 bytes.",
        "report_data has 32 bytes",
        lambda f: [f.body.report_data[:32].hex(), f.body.report_data[32:].hex()],
    ),
    Kind(
        "nonce",
        "This is the nonce of the saved report: a random number that shows freshness, and no hash.",
        "the nonce identifies something",
        lambda f: [f.nonce, *_digests(f.nonce.encode())],
    ),
    Kind(
        "instance-certificate",
        "This is the certificate cas-instance, the first in the file. It changes when the CAS"
        " software is updated.",
        "the first certificate of the file is the one that counts",
        lambda f: _der(f, 1),
    ),
    Kind(
        "root-certificate",
        "This is the fingerprint of the CAS's root certificate: it names a key, not code.",
        "the root's fingerprint is what is asked for",
        lambda f: _der(f, 0),
    ),
    Kind(
        "leaf-certificate",
        "This is the leaf, the certificate that the server presents in the TLS handshake.",
        "the certificate that the server shows is the one to pin",
        lambda f: _der(f, 2),
    ),
    Kind(
        "pem-hash",
        "This is a hash of PEM text, which changes with every line end. A fingerprint is taken over"
        " the DER form.",
        "a fingerprint is the hash of the file",
        _pem,
    ),
    Kind(
        "key-hash",
        "This is the hash of a public key alone (SubjectPublicKeyInfo), not of the certificate.",
        "a certificate's fingerprint is the hash of its key",
        _keys,
    ),
    Kind(
        "page-hash",
        "This is a hash of the whole page. The value stands in one cell of it.",
        "the page's own hash is the reference value",
        lambda f: _digests(*(f.page(layout).encode() for layout in LAYOUTS)),
    ),
    Kind(
        "file-hash",
        "This is a hash of the enclave's file. What is measured is the record of the build.",
        "MRENCLAVE is the hash of the program file",
        lambda f: _digests(f.world.enclave.file.to_bytes()),
    ),
    Kind(
        "sigstruct-hash",
        "This is a hash of the SIGSTRUCT, the signer's statement about the enclave.",
        "the SIGSTRUCT's hash is the measurement",
        lambda f: _digests(f.world.sigstruct),
    ),
    Kind(
        "whole-report",
        "This is a hash of the whole response. It cannot be in there: the report would have to"
        " contain its own hash.",
        "the whole report is hashed",
        lambda f: _digests(f.report_bytes, f.body.to_bytes()),
    ),
    Kind(
        "hash-of-nothing",
        "This is the hash of an empty input: what was hashed was not there.",
        "an empty input has the hash",
        lambda f: _digests(b"", b"\n"),
    ),
    Kind(
        "zeros",
        "Only zeros, or only ones: an empty field of a structure, or a placeholder.",
        "a placeholder is a value",
        lambda f: [d * n for d in "0f1" for n in (32, 40, 64, 128)],
    ),
    Kind(
        "intels-root",
        "This is the SHA-256 of one of the lab's Intel roots. It vouches for CPUs, not for a CAS.",
        "Intel's root certificate is the CAS's",
        lambda f: [
            _sha(k.cert.public_bytes(Encoding.DER))
            for k in (f.world.intel.root, f.world.intel.ias_root, f.world.site_ca)
        ],
    ),
    Kind(
        "not-available",
        "N/A is what the page says where it has no value.",
        "N/A is a value",
        lambda f: ["N/A", "n/a", "NA"],
    ),
    Kind(
        "empty",
        "An empty text: the search found nothing and did not say so. An empty shell"
        " variable does the same harm.",
        "nothing is an answer",
        lambda f: [""],
    ),
    Kind(
        "address",
        "This is where the CAS listens, not what is asked for.",
        "the address says who somebody is",
        lambda f: [f.host, f.address, f"{f.host}:{f.port or 8081}", *f.rows, "localhost"],
    ),
    Kind(
        "port",
        "This is a port number.",
        "the port is what is asked for",
        lambda f: [f.port or 8081, str(f.port or 8081), 8081, "8081"],
    ),
    Kind(
        "seed",
        "This is the seed of the lab, from which its world was made.",
        "the seed is a value of the CAS",
        lambda f: [f.world.seed],
    ),
    Kind(
        "scenario",
        "This is the name of a scenario.",
        "a scenario's name is the answer",
        lambda f: [f.world.scenario, "public", "production"],
    ),
    Kind(
        "honest-value",
        "This is the public value of the CAS that you attested.",
        "the honest value is what is asked for",
        lambda f: [f.world.example_value, int(f.world.example_value)],
    ),
    Kind(
        "stranger-value",
        "This is the value that the impostor serves.",
        "the impostor's value is what is asked for",
        lambda f: [f.world.false_value, int(f.world.false_value)],
    ),
    Kind(
        "private-value",
        "This is the private value of the lesson's session.",
        "the private value is what is asked for",
        lambda f: ["007"],
    ),
    Kind(
        "name-of-a-value",
        "This is the name of a value or session. What is asked for is something it holds.",
        "the name of a value is the value",
        lambda f: ["example_value", "example_session", "public_value", "private_value"],
    ),
    Kind(
        "isvsvn",
        "This is the ISVSVN of this CAS: its security version.",
        "the security version is what is asked for",
        lambda f: [f.body.isv_svn, str(f.body.isv_svn)],
    ),
    Kind(
        "isvprodid",
        "This is the ISVPRODID of this CAS: which product it is.",
        "the product number is what is asked for",
        lambda f: [f.body.isv_prod_id, str(f.body.isv_prod_id)],
    ),
    Kind(
        "big-endian",
        "This is a number of the report read big-endian. Integers in it are little-endian.",
        "integers in a report are big-endian",
        lambda f: [
            int.from_bytes(n.to_bytes(2, "little"), "big")
            for n in (f.body.isv_prod_id, f.body.isv_svn)
        ],
    ),
    Kind(
        "flag",
        "This is a flag of `scone cas attest`.",
        "a flag is what is asked for",
        lambda f: [w for flag in (*FLAGS, *NEWER) for w in (flag.option, f"--{flag.name}")],
    ),
    Kind(
        "check-id",
        "This is the id of a check.",
        "a check is what is asked for",
        lambda f: list(CATALOGUE),
    ),
    Kind(
        "word",
        "This is what became of something, not the value itself.",
        "the outcome is the value",
        lambda f: ["DANGER", "REFUSED", "PASSED", "FAILED", "WAIVED", "trustworthy", "rejected"],
    ),
)
BY_CODE: Mapping[str, Kind] = {k.code: k for k in KINDS}
SHELL = Kind(
    "shell-variable",
    "In Python nobody replaces a shell variable. Put the value itself.",
    "Python replaces shell variables",
    lambda f: ["$MRENCLAVE"],
)


def rows(facts: Facts) -> list[tuple[Kind, Any]]:
    """Return every known value of a world with its kind; computed once."""
    return facts.kept("known values", lambda: [(k, v) for k in KINDS for v in k.values(facts)])


def find(facts: Facts, value: Any) -> Kind | None:
    """Return the kind of a plain value, or None for a value that nobody knows."""
    if type(value) not in (str, int):
        return None
    if isinstance(value, str) and re.fullmatch(r"\$\{?[A-Za-z_]\w*\}?", value):
        return SHELL

    def table() -> dict[tuple[type, Any], Kind]:
        out: dict[tuple[type, Any], Kind] = {}
        for kind, known in rows(facts):
            out.setdefault((type(known), known), kind)
        return out

    found: Mapping[tuple[type, Any], Kind] = facts.kept("kinds by value", table)
    return found.get((type(value), value))
