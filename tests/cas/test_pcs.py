"""Endorsements are fetched from whoever serves them as Intel does, put together from files, and
judged like those that came with the quote.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote as percent
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.cas import pcs
from casnb.cas.pcs import fetch_endorsements
from casnb.cli.main import casnb as command
from casnb.evidence.collateral import pck_certificate
from casnb.evidence.decode import read, read_parts
from casnb.simulator.server.running import serve, utc_now
from casnb.simulator.world import World
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import Endorsements
from casnb.verify.gathering import Gathering
from casnb.verify.service_paths import Needs


@pytest.fixture(scope="module")
def running() -> Iterator[SimpleNamespace]:
    """A world that answers, and a quote of its CAS."""
    world = World("collateral", "production", utc_now())
    with serve(world, port=0) as found:
        quote = world.quote(bytes(64))
        needs = needs_of(quote)
        yield SimpleNamespace(
            world=world, url=found.pcs_url, ca=found.page_ca, quote=quote, needs=needs
        )


def needs_of(quote: bytes) -> Needs:
    certificate = pck_certificate(read(quote).value.pck_chain_pem)
    assert certificate is not None
    return Needs.of(certificate)


def judged(running: SimpleNamespace, lists: Endorsements) -> str:
    proof = verify_quote(running.quote, lists, roots=running.world.roots, now=utc_now())
    return proof.status_text if proof.genuine else proof.sentence


@pytest.mark.parametrize("below", ["", "/", "/sgx/certification/v4", "/sgx/certification/v3/"])
def test_fetched_lists_judge_the_quote(running, below):
    """Both versions of the service, with or without its path in the address."""
    told: list[str] = []
    found = fetch_endorsements(
        running.needs, pcs=running.url + below, ca=running.ca, say=told.append
    )
    assert judged(running, found) == "UpToDate"
    assert len(told) == 4 and told[0].startswith("1/4 TCB info: https://")
    assert json.loads(found.tcb_info)["version"] == (2 if "v3" in below else 3)


def test_another_fetcher_reads_our_service(running, monkeypatch):
    """dcap-qvl fetches from the simulated service, and what it got judges the quote here."""
    dcap_qvl = pytest.importorskip("dcap_qvl")
    monkeypatch.setenv("SSL_CERT_FILE", str(running.ca))

    async def theirs():
        return await dcap_qvl.get_collateral(running.url, running.quote)

    lists = Endorsements.from_json(asyncio.run(theirs()).to_json())
    assert judged(running, lists) == "UpToDate"
    ours = fetch_endorsements(running.needs, pcs=running.url, ca=running.ca)
    assert lists.tcb_info_issuer_chain == ours.tcb_info_issuer_chain


class Recorded:
    """Answers of the real service as they were recorded, served by a server that is not ours."""

    def __init__(self, folder: Path, form: str) -> None:
        lists = json.loads((folder / "collateral.json").read_bytes())

        def crl(name: str) -> bytes:
            der = bytes.fromhex(lists[name])
            if form == "pem":
                from base64 import encodebytes

                body = encodebytes(der)
                return b"-----BEGIN X509 CRL-----\n" + body + b"-----END X509 CRL-----\n"
            return lists[name].encode() if form == "hex" else der

        def signed(member: str, name: str) -> bytes:
            return (
                f'{{"{member}":{lists[name]},"signature":"{lists[name + "_signature"]}"}}'
            ).encode()

        chain = {n: percent(lists[n], safe="") for n in lists if n.endswith("issuer_chain")}
        base = "/sgx/certification/v4"
        self.answers = {
            f"{base}/tcb": (
                signed("tcbInfo", "tcb_info"),
                {"TCB-Info-Issuer-Chain": chain["tcb_info_issuer_chain"]},
            ),
            f"{base}/qe/identity": (
                signed("enclaveIdentity", "qe_identity"),
                {"sgx-enclave-identity-issuer-chain": chain["qe_identity_issuer_chain"]},
            ),
            f"{base}/pckcrl": (
                crl("pck_crl"),
                {"SGX-PCK-CRL-Issuer-Chain": chain["pck_crl_issuer_chain"]},
            ),
            f"{base}/rootcacrl": (crl("root_ca_crl"), {}),
        }
        self.asked: list[str] = []
        self.before: list[tuple[int, dict[str, str]]] = []

    def __enter__(self) -> Recorded:
        recorded = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorded.asked.append(self.path)
                if recorded.before:
                    status, headers = recorded.before.pop(0)
                    body = b""
                else:
                    found = recorded.answers.get(urlsplit(self.path).path)
                    status, (body, headers) = (200, found) if found else (404, (b"", {}))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def real(vectors) -> Path:
    """A real quote with what Intel served about it."""
    return vectors / "dcap" / "dcapqvl-sample-202506"


@pytest.mark.parametrize("form", ["der", "pem", "hex"])
def test_real_answers_in_each_form(real, form):
    """What a recorded service answers is the real collateral, to the byte."""
    with Recorded(real, form) as service:
        found = fetch_endorsements(needs_of((real / "quote.bin").read_bytes()), pcs=service.url)
        assert service.asked[0] == "/sgx/certification/v4/tcb?fmspc=00A067110000"
        assert "/sgx/certification/v4/pckcrl?ca=processor&encoding=der" in service.asked
    assert found == Endorsements.from_json((real / "collateral.json").read_bytes())


FAULTS = [
    pytest.param([(503, {})] * 2, None, "", id="busy-twice"),
    pytest.param([(503, {})] * 3, SourceError, "HTTP status 503, 3 tries", id="always-busy"),
    pytest.param([(401, {})], SourceError, "HTTP status 401", id="refused"),
    pytest.param([(302, {"Location": "http://x/"})], SourceError, "HTTP status 302", id="moved"),
    pytest.param([(404, {})] * 2, SourceError, "filled first", id="unknown"),
]


@pytest.mark.parametrize(("before", "error", "told"), FAULTS)
def test_tries_are_few_and_said(real, before, error, told):
    """A busy service is asked three times in all; a refusal is not asked again."""
    needs = needs_of((real / "quote.bin").read_bytes())
    with Recorded(real, "der") as service:
        service.before = list(before)
        if error is None:
            fetch_endorsements(needs, pcs=service.url, pause=lambda _: None)
            assert len(service.asked) == 4 + len(before)
            return
        with pytest.raises(error, match=told):
            fetch_endorsements(needs, pcs=service.url, pause=lambda _: None)
        assert len(service.asked) == len(before)


@pytest.mark.parametrize(
    ("path", "body", "headers", "told"),
    [
        ("tcb", b"<html>login</html>", {}, "TCB info from"),
        ("tcb", None, {}, "no issuer chain"),
        ("qe/identity", b"x" * (5 << 20), {}, "more than"),
        ("rootcacrl", b"00" * 100, {}, "root's revocation list"),
    ],
)
def test_answers_that_are_none(real, path, body, headers, told):
    """A page in place of a list, a missing chain, too much: an error that names what was asked."""
    with Recorded(real, "der") as service:
        name = f"/sgx/certification/v4/{path}"
        service.answers[name] = (service.answers[name][0] if body is None else body, headers)
        with pytest.raises(EvidenceError, match=told):
            fetch_endorsements(needs_of((real / "quote.bin").read_bytes()), pcs=service.url)


def test_offline_is_said(real):
    """Nobody answers: that is no verdict, and the way without a network is named."""
    needs = needs_of((real / "quote.bin").read_bytes())
    with pytest.raises(SourceError, match=r"3 tries.*endorsements build"):
        fetch_endorsements(needs, pcs="https://127.0.0.1:9", pause=lambda _: None)
    with pytest.raises(UsageError, match="https"):
        fetch_endorsements(needs, pcs="http://example.org")
    assert pcs.LIMIT <= 4 << 20 and pcs.TRIES == 3


def parts(folder: Path) -> dict[str, bytes]:
    """The real answers as files: with headers, and the issuer chains apart."""
    recorded = Recorded(folder, "der")
    out = {}
    for path, (body, headers) in recorded.answers.items():
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        out[path.rsplit("/", 1)[1]] = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body
        out[path.rsplit("/", 1)[1] + " alone"] = body
    lists = json.loads((folder / "collateral.json").read_bytes())
    out["signer"] = lists["tcb_info_issuer_chain"].encode()
    out["authority"] = lists["pck_crl_issuer_chain"].encode()
    out["root hex"] = lists["root_ca_crl"].encode()
    out["some"] = json.dumps({n: lists[n] for n in list(lists)[:5]}).encode()
    out["rest"] = json.dumps({n: lists[n] for n in list(lists)[4:]}).encode()
    out["intel"] = json.dumps(
        {
            "version": "3.1",
            "tee_type": 0,
            **{n: lists[n] for n in lists if not n.endswith("signature") and "list" not in n},
            "tcb_info": recorded.answers["/sgx/certification/v4/tcb"][0].decode(),
            "qe_identity": recorded.answers["/sgx/certification/v4/qe/identity"][0].decode(),
        }
    ).encode()
    return out


def gathered(pieces):
    """Put the parts together as `casnb endorsements build` does."""
    found = Gathering()
    for reading, source in pieces:
        found.add(reading, source)
    return found.finish()


BUILT = [
    pytest.param("tcb, identity, pckcrl, rootcacrl", "", id="answers-with-headers"),
    pytest.param("root hex, pckcrl, tcb, identity", "", id="another-order"),
    pytest.param(
        "tcb alone, identity alone, pckcrl alone, rootcacrl, signer, authority",
        "",
        id="chains-apart",
    ),
    pytest.param("some, rest", "", id="halves-of-an-object"),
    pytest.param("intel", "", id="intels-own-structure"),
    pytest.param("tcb, identity, pckcrl", "no root ca crl", id="without-the-roots-list"),
    pytest.param(
        "tcb, identity, pckcrl alone, rootcacrl", "no pck crl issuer chain", id="no-chain"
    ),
]


@pytest.mark.parametrize(("names", "told"), BUILT)
def test_built_from_files(real, names, told):
    """Whatever form the parts have, the whole is the real collateral, or what lacks is named."""
    files = parts(real)
    pieces = [(r, n) for n in names.split(", ") for r in read_parts(files[n])]
    if told:
        with pytest.raises(EvidenceError, match=told):
            gathered(pieces)
        return
    wanted = Endorsements.from_json((real / "collateral.json").read_bytes())
    found = gathered(pieces)
    for name in ("tcb_info", "tcb_info_signature", "qe_identity", "pck_crl", "root_ca_crl"):
        assert getattr(found, name) == getattr(wanted, name)
    for name in ("tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_crl_issuer_chain"):
        assert getattr(found, name).split() == getattr(wanted, name).split()


def test_the_commands_from_quote_to_verdict(running, tmp_path):
    """`endorsements fetch`, and `verify` with what it wrote."""
    (tmp_path / "q").write_bytes(running.quote)
    (tmp_path / "roots").write_bytes(running.world.roots_pem)
    lists = tmp_path / "lists.json"
    words = ["endorsements", "fetch", str(tmp_path / "q"), "--out", str(lists)]
    run = CliRunner().invoke(command, [*words, "--pcs", running.url, "--ca", str(running.ca)])
    assert run.exit_code == 0 and "4/4 root's revocation list" in run.stderr
    words = ["verify", str(tmp_path / "q"), "--endorsements", str(lists), "--json"]
    run = CliRunner().invoke(command, [*words, "--simulated-roots", str(tmp_path / "roots")])
    assert json.loads(run.stdout)["tcb_status"] == "UpToDate"
    run = CliRunner().invoke(
        command, ["endorsements", "build", str(lists), "--out", str(tmp_path / "again")]
    )
    assert run.exit_code == 0 and (tmp_path / "again").read_text() == lists.read_text()
