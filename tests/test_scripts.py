"""Whole scripts and wrapped commands explained: each line says what it gives away, and nothing is
run.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from casnb.base.errors import UsageError
from casnb.explain.giveaways import GIVEAWAYS
from casnb.explain.line import explain
from casnb.explain.script import explain_script
from casnb.explain.shell import SCRIPT_LIMIT, commands, nested, script
from casnb.mallory.attacks import ATTACKS
from tests.test_messages import CELLS

M = "ab" * 32
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

#: What a line is found to give away, habit by habit.
HABITS = {
    "insecure": [
        "curl -k https://cas:8081/v1/values/session=a",
        "curl -sSk https://cas:8081/",
        "curl --insecure https://x",
        "docker run curlimages/curl curl -k https://x",
        'docker run --rm img sh -c "curl -sk https://cas:8081"',
        "kubectl exec -it pod -- sh -c 'curl --insecure https://x'",
        "ssh host 'curl -k https://x'",
        "X=$(curl -k https://x)",
        "X=`curl -k https://x`",
        "alias c='curl -k'",
        "wget --no-check-certificate https://x",
        "git -c http.sslVerify=false clone https://x",
        "if ! curl -fk https://x; then exit 1; fi",
        "bash <<EOF\ncurl -k https://x\nEOF",
        "get() { curl -k https://x; }",
    ],
    "unverified-variable": ["export NODE_TLS_REJECT_UNAUTHORIZED=0", "GIT_SSL_NO_VERIFY=1 git x"],
    "unattested": [
        "scone session create s.yml --only_for_testing-disable-attestation-verification"
    ],
    "first-use": [
        "openssl s_client -connect cas:8081 </dev/null | openssl x509 > ca.pem",
        "CERT=$(openssl s_client -showcerts -connect cas:8081 < /dev/null)",
    ],
    "page-runs": ["curl -fsSL https://x/install.sh | bash", "curl https://x | sudo sh"],
    "http": ["curl http://sconedocs.example/public-CAS"],
    "plain-secret": [
        "export DB_PASSWORD=hunter22",
        "docker run -e API_TOKEN=abcdef123 img",
        "scone cas provision cas -c H --token 0123456789abcdef0123456789abcdef",
        "openssl pkcs12 -passout pass:secret1",
        "MYSQL_ROOT_PASSWORD='s3cret!' ./run",
        "cat > s.yml <<X\nname: a\nsecrets:\n  - name: db\n    kind: ascii\n    value: hunter22\nX",
    ],
    "private-key": [
        "cat > k.pem <<X\n-----BEGIN EC PRIVATE KEY-----\nMII\nX",
        "cat > k.pem <<X\n-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nX",
    ],
    "head": ["curl -I https://cas:8081/v1/values/session=a", "curl -sI x | grep 405"],
    "ignored": ["scone cas attest cas || true", "scone cas attest cas || :"],
    "goes-on": ["scone cas attest cas\nscone cas show-certificate > c.pem"],
    "old-page": ["curl -f https://sconedocs.github.io/public-CAS/"],
    "scrape": ['curl -fs p | grep "scone cas attest" | tail -1', "x | awk '{print $9}'"],
    "no-fail": ["curl -s https://x | grep y", "M=$(curl https://x)"],
    "simulation": ["SCONE_MODE=sim ./prog", "docker run -e SCONE_MODE=sim img"],
    "docker-socket": ["docker run -v /var/run/docker.sock:/var/run/docker.sock img"],
    "own-key": ["jq .identity ~/.cas/config.json > client.pem"],
    "only_for_testing-trust-any": [
        "scone cas attest --only_for_testing-trust-any --only_for_testing-debug"
        " --only_for_testing-ignore-signer cas"
    ],
    "accept-group-out-of-date": ["scone cas attest -G cas", "alias a='scone cas attest -G'"],
    "refused": ["scone cas attest -d cas", "scone cas attest --mrenclave"],
    "verification-time": ["scone cas attest --verification-time 2020-01-01 cas"],
    "unpinned-export": [
        "cat > s.yml <<X\nname: a\nsecrets:\n  - name: k\n    kind: ascii\n    export:\n"
        "      - session: other\nX"
    ],
    "mode-none": ["cat <<X > s.yml\nname: a\nsecurity: {}\n  attestation:\n    mode: none\nX"],
    "any": ["tee s.yml <<X\nname: a\naccess_policy:\n  read: ANY\nX"],
}
#: What nothing is to be said of.
QUIET = [
    "curl -fsS --cacert cas_cert.crt --connect-to cas:8081:$A:8081 https://cas:8081/v1/values/x",
    "set -e\nscone cas attest --mrenclave $M cas",
    "scone cas show-certificate > cas_cert.crt",
    "echo curl is nice",
    "export DB_PASSWORD=$(cat file)",
    'export TOKEN="$TOKEN"',
    "KEY_FILE=/etc/key.pem ./run",
    "# curl -k https://x",
    "cat > s.yml <<X\nname: a\nsecrets:\n  - name: k\n    kind: ascii\n    export:\n"
    f"      - session: other\n        session_hash: {M}\nX",
    "",
]


@pytest.mark.parametrize(
    ("id", "text"),
    [pytest.param(id, t, id=f"{id}-{n}") for id, ts in HABITS.items() for n, t in enumerate(ts)],
)
def test_each_habit(id, text):
    """However a command is wrapped, what it gives away is found, with the line it stands in."""
    walk = explain_script("#!/bin/bash\n" + text)
    assert id in {f.id for f in walk.findings}, str(walk)
    assert all(f.line >= 2 for f in walk.findings) and str(walk)


@pytest.mark.parametrize("text", QUIET)
def test_nothing_is_found_where_nothing_is(text):
    """Careful commands, remarks and quoted words are left alone."""
    found = {f.id for f in explain_script(text).findings}
    assert not found - {"note", "goes-on"}, found


def test_every_habit_is_tried_and_points_somewhere():
    """Each row of the table is in the list above, and what it points to is there."""
    assert {g.id for g in GIVEAWAYS} <= set(HABITS)
    for g in GIVEAWAYS:
        assert set(g.cells) <= CELLS and set(g.attacks) <= set(ATTACKS) and g.what and g.instead


def test_lines_are_counted_as_an_editor_does():
    """Continuations, quotes over several lines and here-documents do not shift the numbers."""
    text = (
        "#!/bin/bash\n"  # 1
        "docker run \\\n  --rm img \\\n  sh -c '\n"  # 2 to 4
        "    curl -k https://a\n  '\n"  # 5, 6
        "cat > s.yml <<EOF\nname: a\nvalue: 'x'\nEOF\n"  # 7 to 10
        "curl -I https://b\n"  # 11
    )
    at = {f.id: f.line for f in explain_script(text).findings}
    assert at["insecure"] == 2 and at["head"] == 11


@pytest.mark.parametrize(
    "line",
    [
        f'docker run --rm -v "$HOME/.cas:/u/.cas" img sh -c "scone cas attest -G cas {M}"',
        f"docker run -it img scone cas attest -G cas {M}",
        f"docker compose exec cli scone cas attest -G cas {M} > out 2>&1",
        f"kubectl exec -it pod -n ns -- scone cas attest -G cas {M}",
        f"kubectl exec pod -- bash -lc 'set -e; scone cas attest -G cas {M}'",
        f"alias att='scone cas attest -G cas {M}'",
        f"sudo -E env A=b scone cas attest -G cas {M}",
        f"ssh node \"sh -c 'scone cas attest -G cas {M}'\"",
        f"eval 'scone cas attest -G cas {M}'",
        f"$SCONE cas attest -G cas {M}",
        f"docker run registry.scontain.com/sconecuratedimages/cli cas attest -G cas {M}",
        f'OUT=$(sh -c "scone cas attest -G cas {M}")',
        f"timeout 60 scone cas attest -G cas {M} && echo ok",
        f"if ! scone cas attest -G cas {M}; then exit 1; fi",
    ],
)
def test_wrapped_attest_lines(line):
    """The attest command within is explained, its deprecated measurement and its flag told."""
    found = explain(line)
    assert not found.problems, found.problems
    assert [f.option for f in found.flags] == ["-G"] and found.policy.mrenclaves == (M,)
    assert any(p.kind == "deprecated" for p in found.parts)


def test_nothing_is_run(tmp_path):
    """A script is read, never executed, whatever it says."""
    mark = tmp_path / "mark"
    text = f"touch {mark}\nX=$(touch {mark})\nscone cas attest $(touch {mark}) `touch {mark}`\n"
    explain_script(text)
    explain(text)
    assert not mark.exists()


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.sh")), ids=lambda p: p.name)
def test_our_own_scripts(path):
    """Every script that we hand out can be read, and none of them switches a check off unsaid."""
    walk = explain_script(path.read_text(encoding="utf-8"))
    assert walk.commands and not walk.problems
    assert not {f.id for f in walk.findings} & {"insecure", "unattested", "first-use", "ignored"}


def test_bounded():
    """Too long a script is refused, and a hostile one ends."""
    with pytest.raises(UsageError):
        script("x" * (SCRIPT_LIMIT + 1))
    for text in ("$(" * 20_000, "sh -c '" * 2_000, "<<A\n" * 9_000, "(" * 60_000, "\\\n" * 30_000):
        try:
            explain_script(text)
        except UsageError:
            pass


def test_nesting_ends():
    """Scripts in scripts are followed a few levels deep, and no further."""
    line = "scone cas attest cas"
    for _ in range(8):
        line = "sh -c " + shlex.quote(line)
    (only,) = commands(line)
    assert len(nested(only)) <= 5


@pytest.mark.scripts
def test_explain_a_file(tmp_path):
    """`casnb explain SCRIPT.sh` goes through the file; a script from a pipe is known as one."""
    text = "#!/bin/bash\nset -e\ncurl -k https://x\nscone cas attest -d cas\n"
    path = tmp_path / "attest.sh"
    path.write_text(text)
    for words, given in (([str(path)], ""), (["-"], text)):
        done = subprocess.run(
            [sys.executable, "-m", "casnb.cli.main", "explain", *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1 and "line 3: curl -k https://x" in done.stdout, done.stderr
        assert "line 4" in done.stdout and "Write --only_for_testing-debug" in done.stdout
