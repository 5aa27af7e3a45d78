"""Text that an attacker wrote, in every place where evidence can carry some: no terminal obeys
it, no notebook runs it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.cli.main import casnb
from casnb.conformance.fault import (
    Evidence,
    bound,
    chained,
    good,
    listed,
    members,
    reported,
    resent,
    rewritten,
)
from casnb.conformance.forging import issue, sgx_of
from casnb.conformance.list_changes import first
from casnb.conformance.quote_certificates import intel, pck
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import read
from casnb.simulator.ias_report import ias_proof
from casnb.simulator.keys import KeyPair

#: Clears a screen, sets a title, turns the line around, breaks out of an attribute, and runs a
#: script; and it is long.
NASTY = (
    "\x1b[2J\x1b]0;x\x07\r\u202e\u2066\x9b31m\"'><img src=x"
    " onerror=alert(1)><script>alert(1)</script>[bold red]" + "y" * 5000
)
#: The same in 64 bytes, which is what a name in a certificate may have.
NAME = "\x1b[2J\u202e'\"><img src=x onerror=alert(1)><script>alert(1)"


def put(value: object) -> Callable[[str], str]:
    """A signed JSON text with a member of this value, and one of this name, in front."""
    return lambda t: json.dumps({NASTY: value, "x": value} | json.loads(t))


def named(e: Evidence, signer: KeyPair | None = None) -> KeyPair:
    return issue(e.world, NAME, signer, sgx=sgx_of(pck(e)))


def chain_of(e: Evidence) -> str:
    """A chain of a CAS whose certificates have such names."""
    root = issue(e.world, NAME, None, ca=0)
    return (
        issue(e.world, NAME, root, key=e.world.intel.seed.p256("x")).cert_pem + root.cert_pem
    ).decode()


IAS = {
    "advisories": reported(members={"advisoryIDs": [NASTY, "INTEL-SA-00161" + NASTY]}),
    "advisory URL": reported(members={"advisoryURL": "javascript:" + NASTY}),
    "status": reported(members={"isvEnclaveQuoteStatus": NASTY}),
    "id": reported(members={"id": NASTY}),
    "timestamp": reported(members={"timestamp": NASTY}),
    "version": reported(members={"version": NASTY}),
    "nonce": reported(nonce=NASTY[:32]),
    "a member nobody knows": reported(members={NASTY: NASTY}),
    "a quote that is no base64": reported(members={"isvEnclaveQuoteBody": NASTY}),
    "advisories in a header": resent(header_advisory_ids=(NASTY,)),
    "request": resent(request_id=NASTY),
    "signer's name": resent(chain_pem=lambda e: named(e).cert_pem),
    "no JSON": resent(body=NASTY.encode()),
    "a member twice": resent(
        body=json.dumps({"a": 1})[:-1].encode()
        + ("," + json.dumps(NASTY) + ":1," + json.dumps(NASTY) + ":2}").encode()
    ),
    "additional data": bound(lambda x: {**x, NASTY: NASTY, "nonce": NASTY}),
    "names in the CAS's chain": lambda e: bound(lambda x: {**x, "cert_chain": chain_of(e)})(e),
    "a chain that is none": bound(lambda x: {**x, "cert_chain": NASTY}),
}
DCAP = {
    "name of the platform's certificate": chained(lambda e: [named(e, intel(e).pck_ca)]),
    "name of the authority": chained(
        lambda e: [e.world.platform.certified(a := issue(e.world, NAME, intel(e).root, ca=0)), a]
    ),
    "name of a root": members(
        tcb_info_issuer_chain=lambda e: (intel(e).tcb_signer.cert_pem + named(e).cert_pem).decode()
    ),
    "advisory of a level": first(lambda x: x.update(advisoryIDs=[NASTY])),
    "status of a level": first(lambda x: x.update(tcbStatus=NASTY)),
    "date of a level": first(lambda x: x.update(tcbDate=NASTY)),
    "date": listed(tcb_info={"issueDate": NASTY}),
    "kind": listed(tcb_info={"id": NASTY}),
    "FMSPC": listed(tcb_info={"fmspc": NASTY}),
    "version of a list": listed(tcb_info={"version": NASTY}),
    "kind of identity": listed(qe_identity={"id": NASTY}),
    "a member nobody knows, DCAP": rewritten(put(NASTY)),
    "text that is not a list": rewritten(lambda t: NASTY),
    "signature": members(tcb_info_signature=NASTY),
    "revocation list": members(pck_crl=NASTY),
    "chain of the signer": members(qe_identity_issuer_chain=NASTY),
}
CASES = [
    (kind, name, change)
    for kind, table in (("ias", IAS), ("dcap", DCAP))
    for name, change in table.items()
]


def sent(e: Evidence) -> bytes:
    """The evidence as a CAS would send it, with whatever parts of the report were changed."""
    if e.avr is not None:
        proof = ias_proof(replace(e.avr, chain_pem=e.avr.chain_pem or b""))
        proof["advisory_ids"], proof["advisory_url"] = list(e.avr.header_advisory_ids), NASTY
    else:
        proof = {
            "type": "DCAPQuote",
            "quote": base64.b64encode(e.quote).decode(),
            "endorsements": e.lists.to_json(),
        }
    return CasReport.build(proof, e.report.additional_data).to_json()


class Tags(HTMLParser):
    """What a browser would make of it: names of elements and attributes, and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}


def quiet(text: str) -> bool:
    """Whether a terminal only prints this: no control and no bidirectional characters, and no
    endless line.
    """
    return all(line.isprintable() and len(line) < 2000 for line in text.split("\n"))


@pytest.mark.parametrize(("kind", "name", "change"), CASES, ids=[f"{k}: {n}" for k, n, _ in CASES])
def test_on_a_terminal(kind, name, change, tmp_path):
    """Verified, decoded, alone or in a folder, as text or as JSON: what comes out is quiet, and
    JSON stays JSON.
    """
    e = good(kind)
    (tmp_path / "roots.pem").write_bytes(e.world.roots_pem)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "evidence.json").write_bytes(sent(change(e)))
    file, roots = (
        str(tmp_path / "in" / "evidence.json"),
        ["--simulated-roots", str(tmp_path / "roots.pem")],
    )
    at = ["--at", f"{e.now:%Y-%m-%dT%H:%M:%SZ}", "-c", e.policy.cas_key_hash, "--nonce", "0" * 32]
    for words in (
        ["verify", file, *roots, *at],
        ["verify", str(tmp_path / "in"), *roots, *at, "--jobs", "1"],
        ["decode", file],
    ):
        for form in ([], ["--json"]):
            result = CliRunner().invoke(casnb, [*words, *form], prog_name="casnb")
            assert result.exit_code in (0, 1) and isinstance(result.exception, SystemExit | None)
            assert quiet(result.stderr)
            if form and result.stdout:
                assert (
                    json.loads(result.stdout)
                    and result.stdout.isascii()
                    and result.stdout.replace("\n", "").isprintable()
                )
            else:
                assert quiet(result.stdout)


@pytest.mark.parametrize(("kind", "name", "change"), CASES, ids=[f"{k}: {n}" for k, n, _ in CASES])
def test_in_a_notebook(kind, name, change):
    """Result, proof, words and decoded evidence: no element, attribute or link comes out of the
    evidence, and the text is quiet.
    """
    e = change(good(kind))
    report = read(sent(e)).value
    shown = [e.result(), e.proof(), report, *([e.result().words] if e.result().words else [])]
    shown += [e.avr] if e.avr is not None else []
    for value in shown:
        bundle = value._repr_mimebundle_()
        assert quiet(bundle["text/plain"].replace("\t", " ")) and quiet(repr(value))
        page = Tags(bundle["text/html"])
        assert not page.tags & {"script", "img", "iframe", "object", "form", "input", "svg"}
        assert not any(a.startswith("on") for a in page.attributes) and "src" not in page.attributes
        assert all(link.startswith("https://www.intel.com/") for link in page.links)
        assert "\x1b" not in bundle["text/html"] and "\u202e" not in bundle["text/html"]


def test_the_text_gets_there():
    """Each place is one that evidence has: without the change it is good, and something of the
    text is shown (or refused).
    """
    for kind, _, change in CASES:
        assert sent(change(good(kind))) != sent(good(kind))
    assert Tags(f'<a title="{NASTY}">').tags >= {"img", "script"} and not quiet(NASTY)
    assert named(good("dcap")).cert.public_bytes(Encoding.DER).count(b"<img") == 2
