"""Four ends, four codes: accepted, refused, called wrongly, could not check; each end of a
command is a row with its name.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from doctables.checks import fill
from doctables.commands import TABLES, every_command

from casnb.cas.asking import attempt
from casnb.cas.attest import AttestedCas
from casnb.cas.trust import TrustStore
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md"
AT = "--at 2026-09-01T12:00:00Z --simulated-roots roots.pem"
JUDGED = f"{AT} --endorsements lists.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Evidence good and bad, what goes with it whole and damaged, and files of attested CASes
    likewise.
    """
    made = tmp_path_factory.mktemp("codes")
    world, public = World("codes", "production"), World("codes", "public")
    quote, store = world.quote(bytes(64)), TrustStore(made / "config.json")
    found = attempt(
        "127.0.0.1",
        AttestationPolicy(expected_signer=world.vendor),
        roots=world.roots,
        report=world.attest("DCAP"),
        now=world.now,
    )
    store.add(AttestedCas.from_attempt(found))
    entry = json.loads(store.path.read_text())
    for name, data in {
        "quote.bin": quote,
        "altered.bin": quote[:120] + b"\0" + quote[121:],
        "cut.bin": quote[:-1],
        "epid.bin": world.epid_quote(bytes(64)),
        "report.json": world.attest("DCAP"),
        "public.json": public.attest(),
        "damaged": b"{",
        "roots.pem": world.roots_pem,
        "lists.json": json.dumps(world.endorsements().to_json()),
        "text.json": b"[]",
        "unsigned.json": json.dumps(
            world.endorsements().to_json() | {"tcb_info_signature": "00" * 64}
        ),
        "foreign.json": json.dumps(World("others", "production").endorsements().to_json()),
        "session.yml": "name: a\nversion: '0.3'\n",
        "bad.yml": "name: [\n",
        "page.html": "<p>nothing",
        "entry.json": json.dumps(entry | {"cas_db": {"127.0.0.1": {"url": 1}}}),
        "person.json": json.dumps(entry | {"identity": "gone"}),
        "last.json": '{"last": {"sequence_number": 1, "signature": ""}, "checkpoints": []}',
        "log.jsonl": b"{}\n",
        "good/a": world.attest("DCAP"),
        "mixed/a": world.attest("DCAP"),
        "mixed/b": quote,
        "bad/a": quote,
        "bad/b": b"junk",
        "agrees.json": json.dumps({"vectors": []}),
        "differs.json": json.dumps(
            {"vectors": [{"id": "a", "format": "unknown", "files": {}, "cases": []}]}
        ),
        "nameless.json": json.dumps({"vectors": [{}]}),
    }.items():
        file = made / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
    return made


#: What became of it, the line, and the file of attested CASes where it is not the whole one.
ROWS = [
    ("a quote with its lists", 0, f"casnb verify quote.bin {JUDGED}"),
    ("a CAS report", 0, f"casnb verify report.json {AT}"),
    ("a folder of good reports", 0, f"casnb verify good {AT} --jobs 1"),
    ("a quote decoded", 0, "casnb decode quote.bin"),
    ("attested CASes listed", 0, "scone cas list"),
    ("an altered quote", 1, f"casnb verify altered.bin {JUDGED}"),
    ("a quote cut short", 1, f"casnb verify cut.bin {JUDGED}"),
    ("no evidence at all", 1, f"casnb verify damaged {AT}"),
    ("no evidence, decoded", 1, "casnb decode damaged"),
    (
        "lists that Intel did not sign",
        1,
        f"casnb verify quote.bin {AT} --endorsements unsigned.json",
    ),
    ("lists of another world", 1, f"casnb verify quote.bin {AT} --endorsements foreign.json"),
    ("an outdated platform", 1, f"casnb verify public.json {AT}"),
    ("a folder with junk", 1, f"casnb verify bad {JUDGED} --jobs 1"),
    ("a manifest that differs", 1, "casnb verify --manifest differs.json"),
    ("no set of flags is enough", 1, f"casnb flags altered.bin {JUDGED}"),
    ("a report to attest that is none", 1, "scone cas attest 127.0.0.1 --offline-report damaged"),
    ("a page without values", 1, "casnb scrape page.html --address x"),
    ("a session that is none", 1, "scone session check bad.yml"),
    ("a broken audit log", 20, "scone cas verify-audit-log log.jsonl --checkpoints-json last.json"),
    ("no file named", 2, "casnb verify"),
    ("a file without a name", 2, "casnb verify ''"),
    ("a file without a name, decoded", 2, "casnb decode ''"),
    ("lists without a name", 2, "casnb verify quote.bin --endorsements ''"),
    ("one standard input for two files", 2, "casnb verify - --endorsements -"),
    ("one standard input for two files, flags", 2, "casnb flags - --endorsements -"),
    ("an unknown option", 2, "casnb verify --frobnicate"),
    ("a CAS that was never attested", 2, "scone cas show-certificate nobody"),
    ("a quote without its lists", 3, f"casnb verify quote.bin {AT}"),
    ("a file that is not there", 3, f"casnb verify nowhere.bin {JUDGED}"),
    ("a file that is not there, decoded", 3, "casnb decode nowhere.bin"),
    ("lists that are not there", 3, f"casnb verify quote.bin {AT} --endorsements nowhere.json"),
    ("damaged lists", 3, f"casnb verify quote.bin {AT} --endorsements damaged"),
    ("lists that are something else", 3, f"casnb verify quote.bin {AT} --endorsements text.json"),
    ("damaged lists for a folder", 3, f"casnb verify bad {AT} --endorsements damaged --jobs 1"),
    ("damaged lists, flags", 3, f"casnb flags quote.bin {AT} --endorsements damaged"),
    ("damaged roots", 3, "casnb verify report.json --simulated-roots damaged"),
    ("damaged roots, flags", 3, "casnb flags report.json --simulated-roots damaged"),
    (
        "damaged roots, attest",
        3,
        "scone cas attest 127.0.0.1 --offline-report report.json --simulated-roots damaged",
    ),
    ("an EPID quote", 3, f"casnb verify epid.bin {AT}"),
    ("a folder with a quote that lacks its lists", 3, f"casnb verify mixed {AT} --jobs 1"),
    ("a damaged manifest", 3, "casnb verify --manifest damaged"),
    ("a manifest whose vectors have no name", 3, "casnb verify --manifest nameless.json"),
    ("a manifest that is not there", 3, "casnb verify --manifest nowhere.json"),
    ("damaged checkpoints", 3, "scone cas verify-audit-log log.jsonl --checkpoints-json damaged"),
    ("a damaged identity", 3, "scone session read x --identity damaged"),
    ("a damaged identity, history", 3, "casnb history x --identity damaged"),
]
TRUST = [
    "scone cas list",
    "scone cas set-default 127.0.0.1",
    "scone cas show-certificate",
    "scone cas show-identification -c",
    "scone self show",
    "scone session read x",
    "scone session create session.yml",
    "scone cas verify-audit-log log.jsonl",
    "casnb history x",
]
ROWS += [(f"a damaged file of attested CASes: {line}", 3, line, "damaged") for line in TRUST]
ROWS += [
    (f"a damaged entry: {line}", 3, line, "entry.json")
    for line in (
        "scone cas list",
        "scone cas show-certificate",
        "scone session read x",
        "casnb history x",
    )
]
ROWS += [
    (f"a damaged identity in the file: {line}", 3, line, "person.json")
    for line in ("scone self show", "scone session read x", "casnb history x")
]


@pytest.mark.parametrize(
    ("line", "code", "config"),
    [
        pytest.param(row[2], row[1], row[3] if len(row) > 3 else "config.json", id=row[0])
        for row in ROWS
    ],
)
def test_exit_code(casnb, scone, folder, monkeypatch, tmp_path, line, code, config):
    """The code of the row, which the command's own help names; the reason in one line, and a
    damaged file as it was.
    """
    (tmp_path / "config.json").write_bytes((folder / config).read_bytes())
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(tmp_path / "config.json"))
    monkeypatch.chdir(folder)
    program, *words = shlex.split(line)
    result = {"casnb": casnb, "scone": scone}[program](*words)
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.stderr and (result.stdout or result.stderr)
    assert (tmp_path / "config.json").read_bytes() == (folder / config).read_bytes()
    name = max((n for n in every_command() if line.startswith(n)), key=len)
    assert code in every_command()[name].exits


def test_damaged_lists_are_no_verdict_on_a_file(casnb, folder, monkeypatch):
    """No good quote is called malformed because the lists beside it are: nothing is printed but
    the reason.
    """
    monkeypatch.chdir(folder)
    result = casnb("verify", "bad", *AT.split(), "--endorsements", "damaged", "--json")
    assert (
        result.stdout == ""
        and "--endorsements damaged" in result.stderr
        and "not JSON" in result.stderr
    )


def test_the_page_is_what_the_commands_say():
    """`make docs` renews it. Every command is there, and every code has a meaning of its own."""
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text, TABLES) == text
    for name, command in every_command().items():
        assert text.count(f"| `{name}` |") == 1 and {0, 2} <= set(command.exits)
        assert all(command.exits.values()) and len(set(command.exits.values())) == len(
            command.exits
        )
