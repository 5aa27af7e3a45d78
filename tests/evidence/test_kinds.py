"""What a user holds beside quotes and reports is named for what it is, with what to do with it."""

from __future__ import annotations

import base64
import hashlib
import json
from types import SimpleNamespace

import pytest
from evidence.ratls_forms import oe_evidence
from evidence.wrapped import b64, url

from casnb.base.errors import EvidenceError
from casnb.evidence.collateral import pck_certificate
from casnb.evidence.decode import read
from casnb.evidence.kinds import KINDS


@pytest.fixture(scope="module")
def made() -> SimpleNamespace:
    """A world, a quote of it, and what its Intel serves."""
    from casnb.simulator.server.collateral_api import CollateralApi
    from casnb.simulator.world import World

    world = World("kinds", "production")
    data = b'{"keys": []}'
    quote = world.quote(hashlib.sha256(data).digest() + bytes(32))
    api = CollateralApi(world, lambda: world.now)

    def served(path: str, **query: str) -> bytes:
        status, kind, body, headers = api.answer(f"/sgx/certification/{path}", query)
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        return f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\n{head}\r\n".encode() + body

    chain = read(quote).value.pck_chain_pem
    return SimpleNamespace(
        world=world, quote=quote, data=data, served=served, chain=chain, avr=world.avr(bytes(64))
    )


def ias(made, **names: str) -> bytes:
    """A signed IAS report under other names, each part in another form."""
    avr = made.avr
    parts = {
        names["report"]: avr.body.decode(),
        names["signature"]: avr.signature.hex(),
        names["cert"]: base64.b64encode(avr.chain_pem).decode(),
    }
    return json.dumps(parts).encode()


def curl(made, verbose: bool = False) -> bytes:
    from urllib.parse import quote

    avr = made.avr
    headers = [
        "HTTP/1.1 200 OK",
        f"X-IASReport-Signature: {b64(avr.signature)}",
        f"X-IASReport-Signing-Certificate: {quote(avr.chain_pem.decode())}",
        "Request-ID: 0123",
    ]
    if not verbose:
        return "\r\n".join(headers).encode() + b"\r\n\r\n" + avr.body
    lines = ["* Connected to host", "> GET /attestation/v4/report HTTP/1.1", ">"]
    lines += [f"< {h}\r" for h in headers] + ["< \r", "{ [1000 bytes data]"]
    return "\n".join(lines).encode() + b"\n" + avr.body + b"* Connection #0 left intact\n"


HELD = {
    "PCK certificate, DER": (
        "Intel PCK certificate",
        lambda m: base64.b64decode("".join(m.chain.decode().split("-----")[2].split())),
    ),
    "PCK chain, PEM": ("Intel PCK certificate", lambda m: m.chain),
    "TCB info as served": (
        "TCB info for SGX, version 3",
        lambda m: m.served("v4/tcb", fmspc=FMSPC),
    ),
    "TCB info of v3": ("TCB info for SGX, version 2", lambda m: m.served("v3/tcb", fmspc=FMSPC)),
    "QE identity as served": ("Intel's QE identity", lambda m: m.served("v4/qe/identity")),
    "revocation list, DER with headers": (
        "revocation list of SIMULATED Intel SGX PCK Platform CA",
        lambda m: m.served("v4/pckcrl", ca="platform", encoding="der"),
    ),
    "revocation list, PEM": ("PCK Processor CA", lambda m: m.served("v4/pckcrl", ca="processor")),
    "root's list, hex": (
        "revocation list of SIMULATED Intel SGX Root CA",
        lambda m: m.served("v4/rootcacrl"),
    ),
    "endorsements": (
        "endorsements: what Intel signed",
        lambda m: json.dumps(m.world.endorsements().to_json()).encode(),
    ),
    "IAS answer, curl -i": ("signed IAS report", curl),
    "IAS answer, curl -v": ("signed IAS report", lambda m: curl(m, True)),
    "IAS report, Phala's names": (
        "signed IAS report",
        lambda m: ias(m, report="raReport", signature="signature", cert="rawSigningCert"),
    ),
    "IAS report, other names": (
        "signed IAS report",
        lambda m: ias(m, report="attestation_report", signature="ias-signature", cert="certChain"),
    ),
    "CAS configuration": (
        "CAS configuration",
        lambda m: json.dumps(
            {"cas_db": {"cas": {"url": "https://cas:8081/"}}, "identity": "SECRET"}
        ).encode(),
    ),
    "Azure request": (
        "Azure attestation request",
        lambda m: json.dumps(
            {"quote": url(m.quote), "runtimeData": {"data": url(m.data), "dataType": "JSON"}}
        ).encode(),
    ),
    "Open Enclave evidence": ("DCAP quote", lambda m: oe_evidence(m.quote, b"claims")),
}
FMSPC = "00606A000000"


@pytest.mark.parametrize("name", HELD)
def test_it_is_named(made, name):
    """Each is named for what it is, shown as rows and as JSON, and never as verified."""
    told, make = HELD[name]
    found = read(make(made))
    assert told in found.format
    assert found.value.fields() and found.to_json_dict()["read_as"] == str(found)
    assert "SECRET" not in str(found.value) and "SECRET" not in json.dumps(found.to_json_dict())


def test_what_a_quote_says_of_its_platform(vectors):
    """FMSPC, PCEID, CA and more stand in the PCK certificate of a quote."""
    quote = read((vectors / "dcap" / "dcapqvl-sample-202506" / "quote.bin").read_bytes()).value
    found = pck_certificate(quote.pck_chain_pem)
    rows = {r.name: r.value for r in found.fields()}
    assert (rows["CA"], rows["FMSPC"], rows["PCEID"]) == ("processor", "00A067110000", "0000")
    assert rows["SMT"] == "not stated"


@pytest.mark.parametrize("name", ["PCK chain, PEM", "TCB info as served", "Azure request"])
def test_its_use_is_said(made, name):
    """What to do with it is one sentence of the table."""
    assert read(HELD[name][1](made)).kind.use in {k.use for k in KINDS}


def test_azure_data_are_compared(made):
    """Whether the report data speak for the runtime data is said, and no more."""
    request = json.loads(HELD["Azure request"][1](made))
    assert read(json.dumps(request).encode()).value.bound is True
    request["runtimeData"]["data"] = url(b"other")
    assert read(json.dumps(request).encode()).value.bound is False
    del request["runtimeData"]
    assert read(json.dumps({**request, "initTimeData": {}}).encode()).value.bound is None


def test_ias_parts_come_out_to_the_byte(made):
    """Body, signature and chain are those of the answer, whatever form they had."""
    for name in HELD:
        if name.startswith("IAS"):
            value = read(HELD[name][1](made)).value
            assert (value.body, value.signature) == (made.avr.body, made.avr.signature)
            assert value.chain_pem.split() == made.avr.chain_pem.split()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: {**d, "report": d["raReport"]}, "raReport and report"),
        (lambda d: {k: v for k, v in d.items() if k != "signature"}, "signature"),
        (lambda d: {**d, "signature": "%%"}, "base64"),
    ],
)
def test_ias_parts_that_contradict(made, change, told):
    """Two spellings of one part, and a part that is missing or malformed, are refused."""
    members = json.loads(HELD["IAS report, Phala's names"][1](made))
    with pytest.raises(EvidenceError, match=told):
        read(json.dumps(change(members)).encode())


def test_tdx_and_sgx_are_told_apart(vectors, made):
    """Versions 4 and 5 are named by what they are for; a TDX body never passes for an SGX one."""
    tdx = (vectors / "dcap" / "gotdx-v5-tdx" / "quote.bin").read_bytes()
    found = read(tdx)
    assert found.format == "TDX quote, version 5, TD 1.5" and "dcap-qvl" in found.kind.use
    four = bytearray(tdx[:48] + tdx[54 : 54 + 584] + tdx[54 + 648 :])
    four[0:2] = b"\x04\0"
    assert read(bytes(four)).format == "TDX quote, version 4, TD 1.0"
    four[4] = 0
    with pytest.raises(EvidenceError):
        read(bytes(four))
    five = bytearray(made.quote)
    five[0] = 5
    with pytest.raises(EvidenceError, match="got 5, for an SGX enclave"):
        read(bytes(five))


def test_a_server_that_refuses_is_no_evidence():
    """An answer of 404 is said to be one."""
    with pytest.raises(EvidenceError, match="status 404"):
        read(b"HTTP/1.1 404 Not Found\r\n\r\n<html>no</html>")


def test_a_chain_over_lines_of_a_variable(made):
    """A certificate in a shell variable with its line ends written out."""
    text = made.chain.decode().strip().replace("\n", "\\n")
    assert "PCK certificate" in read(f'CERT="{text}"\n'.encode()).format
