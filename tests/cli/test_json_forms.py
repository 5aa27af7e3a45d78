"""Every `--json` of every command: found, run, and held to the form that the schema and its
documentation give it.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from cli.test_json import DOCUMENT, SCHEMA, valid
from doctables.commands import every_command

from casnb.cas.attest import attest
from casnb.cas.client import CasClient
from casnb.cas.trust import TrustStore
from casnb.mallory import attacks as mallory
from casnb.mallory.attacks import Defence
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.running import serve
from casnb.simulator.server.site import render_page
from casnb.simulator.service_enclave import ServiceEnclave
from casnb.simulator.world import World

AT = "--at 2026-09-01T12:00:00Z --simulated-roots roots.pem"
LISTS = f"{AT} --endorsements lists.json"
SESSION = """\
name: NAME
version: "0.3"
services:
- {name: web, attestation: {mrenclave: MRENCLAVE}, command: run it, environment: {PLAIN: as it is},
   pwd: /app}
security: {attestation: {tolerate: [outdated-tcb]}}
"""

#: Every form of every command: the name of the form, and a line that prints it. A command with no
#: line here fails below.
CASES = {
    "casnb walkthrough": [
        ("walkthrough", "--scenario production"),
        ("walkthrough", "--scenario revoked"),
    ],
    "casnb scrape": [("scraped", "page.html --address HOST.example"), ("page", "page.html --all")],
    "casnb decode": [
        ("decode", "quote"),
        ("decode", "public"),
        ("decodeLine", "in"),
        ("decodeLine", "quote junk"),
    ],
    "casnb class show": [("classAnswers", "hw1 --student u1 --course course")],
    "casnb class grade": [("classMarks", "hw1 handed-in --course course")],
    "casnb class report": [("classReport", "hw1 --course course")],
    "casnb measure": [
        ("statements", "--find sigstruct"),
        ("measure", "ledger"),
        ("measure", f"ledger --expect {'0' * 64}"),
    ],
    "casnb verify": [
        ("verify", f"quote {LISTS}"),
        ("verify", f"public {AT}"),
        ("undecided", f"quote {AT}"),
        ("verifyLine", f"in {LISTS} --jobs 1"),
        ("manifest", "--manifest manifest.json"),
    ],
    "casnb explain": [
        ("explain", "'scone cas attest -GCS --frob x'"),
        ("session", "session.yml"),
        ("script", "attest.sh"),
    ],
    "casnb flags": [
        ("flagList", ""),
        ("flags", f"quote {LISTS}"),
        ("flags", f"public {AT}"),
        ("crosswalk", "--crosswalk"),
        ("matrix", "--matrix"),
    ],
    "casnb attack": [
        ("attackList", ""),
        ("attack", "forged-quote"),
        ("attack", "forged-quote -G"),
        ("habits", "--habits"),
        ("attackMatrix", "--matrix"),
    ],
    "casnb why": [
        ("why", "'curl: (60) SSL certificate problem: unable to get local issuer certificate'"),
        ("why", "hello"),
    ],
    "casnb service measure": [("serviceMeasure", "app.py --debug")],
    "casnb service run": [
        ("serviceRun", "NAME/web app.py --seed SEED --address HOST --port PORT"),
        ("serviceUses", "NAME/web --dry-run"),
    ],
    "casnb history": [("history", "NAME"), ("history", "NAME --readers --compare 1 1")],
    "casnb doctor": [("doctor", "")],
    "scone cas list": [("casList", "")],
    "scone session list": [("sessionList", "")],
}
ROWS = [
    pytest.param(command, form, line, id=f"{command} {line}".strip())
    for command, rows in CASES.items()
    for form, line in rows
]
RUNNING = ("casnb history", "casnb service run", "scone cas list", "scone session list")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One of everything that a line above names."""
    made = tmp_path_factory.mktemp("forms")
    world, public = World("forms", "production"), World("forms", "public")
    quote = world.quote(bytes(64))
    for name, data in {
        "quote": quote,
        "public": public.attest(),
        "ledger": world.ledger.to_bytes(),
        "sigstruct": world.sigstruct,
        "junk": b"junk",
        "roots.pem": world.roots_pem,
        "lists.json": json.dumps(world.endorsements().to_json()),
        "app.py": b"print(1)",
        "attest.sh": "set -e\ncurl -k https://x\nscone cas attest -G --frob cas\n",
        "session.yml": SESSION.replace("MRENCLAVE", "0" * 64),
        "page.html": render_page(world, "today", ["HOST.example"]),
        "manifest.json": (
            '{"vectors": [{"id": "a", "format": "unknown", "files": {}, "cases": []}]}'
        ),
        "in/altered": quote[:120] + b"\0" + quote[121:],
        "in/epid": world.epid_quote(bytes(64)),
        "in/good": quote,
        "in/x": b"junk",
    }.items():
        file = made / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
    (made / "handed-in").mkdir()
    (made / "handed-in" / "u1.ipynb").write_text("{}")
    (made / "roster.csv").write_text("id,name,email\nu1,A,a@example.org\nu2,B,b@example.org\n")
    for line in (
        "init course --title T --term 2026w --roster roster.csv",
        "assignment hw1 --chapters 01 --course course",
        "grade hw1 handed-in --course course",
    ):
        subprocess.run(
            [sys.executable, "-m", "casnb.cli.main", "class", *line.split()],
            cwd=made,
            capture_output=True,
        )
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A CAS that was attested, with a session whose service may be `app.py`: what the lines
    above call it.
    """
    world = World("forms running", "production")
    with serve(world, clock=lambda: world.now) as found:
        store = TrustStore(tmp_path_factory.mktemp("reader") / "config.json")
        store.add(
            attest(
                found.cas_addr,
                AttestationPolicy(expected_signer=world.vendor),
                roots=world.roots,
                now=world.now,
            )
        )
        name = f"forms-{store.identity().key_hash[:12]}"
        text = SESSION.replace("NAME", name).replace(
            "MRENCLAVE", ServiceEnclave(world, b"print(1)").mrenclave
        )
        CasClient(store.get(), store.identity()).create_session(text)
        yield {
            "CONFIG": str(store.path),
            "NAME": name,
            "SEED": shlex.quote(world.seed),
            "HOST": found.host,
            "PORT": str(found.enclave_port),
        }


@pytest.mark.parametrize(("command", "form", "line"), ROWS)
def test_form(casnb, scone, folder, monkeypatch, request, command, form, line):
    """What the command prints has the form of its row; of many files every line has."""
    monkeypatch.chdir(folder)
    small = partial(mallory.matrix, {"-G": Defence.of("-G")}, ["forged-quote"])
    monkeypatch.setattr(mallory, "matrix", lambda _, **kwargs: small(**kwargs))
    if command in RUNNING:
        known = request.getfixturevalue("running")
        monkeypatch.setenv("SCONE_CLI_CONFIG", known["CONFIG"])
        for name, value in known.items():
            line = line.replace(name, value)
    program = scone if command.startswith("scone ") else casnb
    result = program(*command.split()[1:], "--json", *shlex.split(line))
    values = [
        json.loads(text)
        for text in (result.stdout.splitlines() if form.endswith("Line") else [result.stdout])
    ]
    assert values, result.stderr
    for value in values:
        valid(value, form)


def test_no_command_is_forgotten():
    """Exactly the commands that take --json are in the table, so a new one needs a row, a form
    and a line of documentation.
    """
    speaking = {
        name
        for name, command in every_command().items()
        if any("--json" in p.opts for p in command.params)
    }
    assert set(CASES) == speaking


def test_no_form_is_forgotten():
    """The documentation lists exactly the forms that the rows have, each beside its own command."""
    listed = re.findall(
        r"^\| `((?:casnb|scone) [^`]+) --json` \| [^|]+ \| `(\w+)` \|$",
        DOCUMENT.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    told = {(max((c for c in CASES if line.startswith(c)), key=len), form) for line, form in listed}
    assert told == {(command, form) for command, rows in CASES.items() for form, _ in rows} and len(
        listed
    ) == len(told)
    assert {form for _, form in told} <= set(SCHEMA["$defs"])


@pytest.mark.parametrize("form", sorted({form for rows in CASES.values() for form, _ in rows}))
def test_a_form_refuses_something_else(form):
    """A form that takes anything would prove nothing."""
    for value in (None, 1, [{}], {"": 1}, [None]):
        with pytest.raises(jsonschema.ValidationError):
            valid(value, form)
