"""`casnb history`: against a running CAS, as text and as JSON, and what is refused."""

from __future__ import annotations

import json
from importlib.resources import files
from string import Template

import pytest

from casnb.cas.attest import attest
from casnb.cas.client import CasClient
from casnb.cas.client_identity import ClientIdentity
from casnb.cas.trust import TrustStore
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.server.running import serve
from casnb.simulator.world import World

SESSION = (
    'name: $NAME\nversion: "0.3"\npredecessor: $BEFORE\naccess_policy: {read: $READ, update:'
    " CREATOR}\n"
)
SECRETS = "secrets: [{name: v, kind: ascii, value: one}]\n"


@pytest.fixture(scope="module")
def running():
    world = World("command history")
    with serve(world, clock=lambda: world.now) as found:
        yield found


@pytest.fixture
def hashes(running) -> list[str]:
    """A session of three versions, by the one whom the command is: closed, open, closed. Their
    hashes.
    """
    world = running.world
    lenient = AttestationPolicy(
        mrenclaves=(world.mrenclave,),
        accept_group_out_of_date=True,
        only_for_testing_debug=True,
        only_for_testing_ignore_signer=True,
        expected_signer=world.vendor,
    )
    store = TrustStore()
    store.add(attest(running.cas_addr, lenient, roots=world.roots, now=world.now))
    client = CasClient(store.get(), store.identity())
    name = f"cli-history-{store.identity().key_hash[:12]}"
    made = ["~"]
    for read, more in (
        ("CREATOR", SECRETS),
        ("ANY", SECRETS),
        ("CREATOR", SECRETS.replace("one", "two")),
    ):
        made.append(
            client.create_session(
                Template(SESSION + more).substitute(NAME=name, BEFORE=made[-1], READ=read)
            )
        )
    return [name, *made[1:]]


def test_as_text(casnb, hashes):
    """The list, newest first; with options the difference and the readers; the waivers stay on
    standard error.
    """
    name, *versions = hashes
    run = casnb("history", name, "--compare", 1, 3, "--readers")
    assert run.exit_code == 0 and "3 waivers, no secrets" in run.stderr
    assert [line.split()[:2] for line in run.stdout.splitlines()[1:4]] == [
        [str(n), f"{versions[n - 1][:10]}\N{HORIZONTAL ELLIPSIS}{versions[n - 1][-4:]}"]
        for n in (3, 2, 1)
    ]
    assert (
        "From version 1 to version 3: 2 fields changed." in run.stdout
        and "+  value: two" in run.stdout
    )
    assert "2 value of v 2 1 to now 1 to now" in [
        " ".join(line.split()) for line in run.stdout.splitlines()
    ]
    assert "version 1" not in casnb("history", name).stdout


def test_as_json(casnb, hashes, tmp_path):
    """Valid by the shipped schema, hashes whole, for a person by certificate too."""
    jsonschema = pytest.importorskip("jsonschema")
    name, *versions = hashes
    (tmp_path / "bob.crt").write_text(ClientIdentity.create().certificate_pem)
    run = casnb(
        "history",
        name,
        "--json",
        "--compare",
        2,
        3,
        "--readers",
        "--person",
        f"bob={tmp_path / 'bob.crt'}",
    )
    found = json.loads(run.stdout)
    schema = json.loads((files("casnb.cli") / "schema" / "output.json").read_text())
    jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/history"}).validate(found)
    assert [v["hash"] for v in found["versions"]] == versions and all(
        v["computed"] for v in found["versions"]
    )
    who = {(r["version"], r["secret"]): r["who"] for r in found["readers"]}
    assert (
        who[2, None]["bob"] == who[1, "v"]["anybody"] == [2]
        and who[3, "v"]["you"] == [3]
        and who[3, "v"]["bob"] == []
    )
    assert {"field": "access_policy.read", "before": "ANY", "after": "CREATOR"} in found[
        "difference"
    ]["fields"]
    short = json.loads(casnb("history", name, "--json", "--most", 2).stdout)
    assert [v["hash"] for v in short["versions"]] == versions[1:] and "only 2 versions" in short[
        "missing"
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no-such-session"], 1, "does not exist or is not visible"),
        (["a/../b"], 2, "session name"),
        (["NAME", "--compare", "1", "9"], 2, "wanted 1 to 3"),
        (["NAME", "--person", "bob=x"], 2, "--readers"),
        (["NAME", "--readers", "--person", "bob"], 2, "NAME=FILE"),
        (["NAME", "--readers", "--person", "you=x"], 2, "there already"),
        (["NAME", "--readers", "--person", "bob=none.crt"], 3, "none.crt"),
        (["NAME", "--cas", "elsewhere"], 2, "elsewhere"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_refused(casnb, hashes, words, code, said):
    """Nothing on standard output, the reason on standard error, the exit code that belongs to
    it.
    """
    run = casnb("history", *[hashes[0] if w == "NAME" else w for w in words])
    assert (run.exit_code, run.stdout) == (code, "") and said in run.stderr
