"""What --json prints is what the shipped schema and its documentation say."""

from __future__ import annotations

import base64
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from casnb.policy.flags import FLAGS, NEWER
from casnb.simulator.world import World

jsonschema = pytest.importorskip("jsonschema")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "json.md"
SCHEMA = json.loads((files("casnb.cli") / "schema" / "output.json").read_text())


def valid(value: object, form: str) -> None:
    """Raise where a value has not the form that the schema gives under this name."""
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{form}"}).validate(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Roots, endorsements, and a file of each format beside things that are none."""
    world, public = World("json", "production"), World("json", "public")
    made = tmp_path_factory.mktemp("json")
    (made / "roots.pem").write_bytes(world.roots_pem)
    (made / "endorsements.json").write_text(json.dumps(world.endorsements().to_json()))
    (made / "in").mkdir()
    avr, quote = public.avr(bytes(64)), world.quote(bytes(64))
    signed = {"report": avr.body, "signature": avr.signature}
    text = {n: base64.b64encode(v).decode() for n, v in signed.items()} | {
        "signing_cert": pem_body(avr.chain_pem)
    }
    for name, data in {
        "quote": quote,
        "altered": quote[:120] + b"\0" + quote[121:],
        "body": quote[48:432],
        "epid": world.epid_quote(bytes(64)),
        "sigstruct": world.sigstruct,
        "ledger": world.ledger.to_bytes(),
        "avr": avr.body,
        "signed": json.dumps(text).encode(),
        "report": world.attest("DCAP"),
        "public": public.attest(),
        "junk": b"junk",
        "empty": b"",
        "hostile": (
            json.dumps(
                json.loads(avr.body)
                | {
                    "type": "x",
                    "file": "/etc/passwd",
                    "read_as": 1,
                    "verdict": "trustworthy",
                    "error": "no",
                }
            ).encode()
        ),
    }.items():
        (made / "in" / name).write_bytes(data)
    return made


def pem_body(chain: bytes) -> str:
    return "".join(chain.decode().split("-----")[2].split())


@pytest.fixture
def words(folder) -> list[str]:
    return [
        "--simulated-roots",
        str(folder / "roots.pem"),
        "--endorsements",
        str(folder / "endorsements.json"),
        "--at",
        "2026-09-01T12:00:00Z",
    ]


TYPES = {
    "quote": "dcap-quote",
    "altered": "dcap-quote",
    "body": "report-body",
    "epid": "epid-quote",
    "sigstruct": "sigstruct",
    "ledger": "ledger",
    "avr": "ias-report",
    "signed": "signed-ias-report",
    "report": "cas-report",
    "public": "cas-report",
    "hostile": "ias-report",
}


def test_the_schema_is_one():
    """The shipped file is itself a valid schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", TYPES)
def test_decode(casnb, folder, name):
    """Each format, decoded, has the form documented for its type."""
    found = json.loads(casnb("decode", folder / "in" / name, "--json").stdout)
    valid(found, "decode")
    assert found["type"] == TYPES[name]


def test_decode_real_certificate(casnb, vectors):
    """So has a real RA-TLS certificate."""
    found = json.loads(
        casnb("decode", vectors / "avr" / "teaclave-v3" / "ra_tls_cert.der", "--json").stdout
    )
    valid(found, "decode")
    assert found["type"] == "ra-tls-certificate"


def test_decode_lines(casnb, folder):
    """Every line of a folder is valid, and no member of the evidence poses as one of ours."""
    found = {}
    for line in casnb("decode", folder / "in", "--json").stdout.splitlines():
        row = json.loads(line)
        found[Path(row["file"]).name] = row
        if row["file"].endswith("hostile"):
            row = {k: v for k, v in row.items() if k not in ("verdict", "error")}
        valid(row, "decodeLine")
    assert {n: r.get("type") for n, r in found.items()} == TYPES | {"junk": None, "empty": None}
    assert found["hostile"]["read_as"] == "IAS report body, JSON"


@pytest.mark.parametrize("name", ["quote", "altered", "report"])
def test_verify(casnb, folder, words, name):
    """Accepted and rejected, one result is valid."""
    found = json.loads(
        casnb(
            "verify",
            folder / "in" / name,
            *words[: 2 if name == "report" else 4],
            *words[4:],
            "--json",
        ).stdout
    )
    valid(found, "verify")


def test_verify_with_waivers(casnb, folder, words):
    """A waiver names its flag, as the schema wants it."""
    flags = [
        "-G",
        "--only_for_testing-ignore-signer",
        "--only_for_testing-debug",
        "--mrenclave",
        World("json").mrenclave,
    ]
    found = json.loads(
        casnb("verify", folder / "in" / "public", *words[:2], *words[4:], *flags, "--json").stdout
    )
    valid(found, "verify")
    assert found["verdict"] == "accepted-with-waivers"
    for check in found["checks"]:
        check.pop("flag", None)
    with pytest.raises(jsonschema.ValidationError):
        valid(found, "verify")


def test_verify_lines(casnb, folder, words):
    """Every line of a folder is valid, of whatever verdict."""
    rows = [
        json.loads(line)
        for line in casnb(
            "verify", folder / "in", *words, "--jobs", "1", "--json"
        ).stdout.splitlines()
    ]
    for row in rows:
        valid(row, "verifyLine")
    assert {r["verdict"] for r in rows} == {"trustworthy", "rejected", "malformed", "not-checked"}


def test_manifest(casnb, vectors, tmp_path):
    """The array of a manifest is valid."""
    (tmp_path / "m.json").write_text(
        json.dumps({"vectors": [{"id": "a", "format": "unknown", "files": {}, "cases": []}]})
    )
    valid(
        json.loads(casnb("verify", "--manifest", tmp_path / "m.json", "--json").stdout), "manifest"
    )


@pytest.mark.parametrize(
    "line", ["scone cas attest -GCS --frob -d \N{EN DASH}x $M a b c", "curl x", ""]
)
def test_explain(casnb, line):
    """A line explained is valid, whatever is in it, and so is a session."""
    valid(json.loads(casnb("explain", "--json", line).stdout), "explain")


def test_explain_session(casnb, tmp_path):
    """A session's tolerance as flags is valid."""
    (tmp_path / "s.yml").write_text(
        'name: a\nversion: "0.3"\nsecurity: {attestation: {tolerate: [outdated-tcb, aepic-leak]}}\n'
    )
    found = json.loads(casnb("explain", "--json", tmp_path / "s.yml").stdout)
    valid(found, "session")
    assert found["lost"]


@pytest.mark.parametrize("name", ["report", "public", "altered"])
def test_flags(casnb, folder, words, name):
    """The fewest flags are valid: none needed, some, and none enough."""
    more = words[:2] if name == "report" or name == "public" else words[:4]
    valid(
        json.loads(casnb("flags", folder / "in" / name, *more, *words[4:], "--json").stdout),
        "flags",
    )


def test_matrix(casnb):
    """The matrix is valid, and a smaller one is not."""
    found = json.loads(casnb("flags", "--matrix", "--json").stdout)
    valid(found, "matrix")
    with pytest.raises(jsonschema.ValidationError):
        valid(found | {"rows": found["rows"][1:]}, "matrix")


@pytest.mark.parametrize("more", [(), ("--without", "binding"), ("--strict",)])
def test_attack(casnb, more):
    """A story and a run, in or out, with an appraisal or without, are valid; half of one is not."""
    found = json.loads(casnb("attack", "relay", *more, "--json").stdout)
    valid(found, "attack")
    for run in found["runs"]:
        del run["steps"]
    with pytest.raises(jsonschema.ValidationError):
        valid(found, "attack")


def test_attack_matrix():
    """So is a matrix of attacks, here a small one."""
    from casnb.mallory.attacks import Defence, matrix

    valid(matrix({"-G": Defence.of("-G")}, ["forged-quote"]).to_json(), "attackMatrix")


def test_flag_names_are_the_catalogues():
    """The schema knows every flag there is."""
    assert SCHEMA["$defs"]["flagName"]["enum"] == [f.name for f in (*FLAGS, *NEWER)]


WRONG = [
    pytest.param({"verdict": "accepted"}, id="verdict"),
    pytest.param({"checks": []}, id="no-checks"),
    pytest.param({"identity": {"mrenclave": "00"}}, id="half-identity"),
    pytest.param({"tcb_status": None}, id="null-status"),
    pytest.param({"verification_time": "yesterday"}, id="time"),
]


@pytest.mark.parametrize("change", WRONG)
def test_the_schema_refuses(casnb, folder, words, change):
    """A schema that takes anything would prove nothing."""
    good = json.loads(casnb("verify", folder / "in" / "quote", *words, "--json").stdout)
    with pytest.raises(jsonschema.ValidationError):
        valid(good | change, "verify")


def test_documentation_agrees():
    """Each JSON example in the documentation is valid, and each type is documented."""
    text = DOCUMENT.read_text()
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    *printed, answer = examples
    for example, form in zip(printed, ("verify", "verifyLine", "decodeLine"), strict=True):
        valid(example, form)
    assert set(answer) == {"format", "exercise", "answer", "world", "address"}
    for name in SCHEMA["$defs"]["decoded"]["properties"]["type"]["enum"]:
        assert f"`{name}`" in text
