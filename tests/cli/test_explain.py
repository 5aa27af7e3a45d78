"""`casnb explain`: a line in quotes, as words, from standard input; a session file; the exit
codes.
"""

from __future__ import annotations

import json

import pytest

LINE = "scone cas attest -GCS --only_for_testing-debug $CAS_ADDR"
SESSION = """
name: mine
version: "0.3"
security:
  attestation:
    tolerate: [outdated-tcb, hyperthreading, aepic-leak]
    ignore_advisories: [INTEL-SA-00334]
"""


def test_line_words_and_standard_input_agree(casnb):
    """In quotes, as words and from a pipe the same line is explained the same."""
    quoted = casnb("explain", LINE)
    assert quoted.exit_code == 1 and "needs --only_for_testing-ignore-signer" in " ".join(
        quoted.stdout.split()
    )
    assert (
        casnb("explain", *LINE.split()).stdout
        == quoted.stdout
        == casnb("explain", "-", input=LINE).stdout
    )
    assert casnb("explain", input=LINE).stdout == quoted.stdout
    assert max(map(len, quoted.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "words",
    [["--json", *LINE.split()], ["--json", LINE], [LINE, "--json"]],
    ids=["words", "before", "after"],
)
def test_json(casnb, words):
    """JSON has every token with its flag."""
    found = json.loads(casnb("explain", *words).stdout)
    assert [p["flag"] for p in found["parts"] if p["flag"]] == [
        "accept-group-out-of-date",
        "accept-configuration-needed",
        "accept-sw-hardening-needed",
        "only_for_testing-debug",
    ]


def test_a_sound_line(casnb):
    """A line without flags exits 0 and says that nothing is waived."""
    done = casnb("explain", "scone cas attest cas")
    assert done.exit_code == 0 and done.stdout.startswith("No insecure flag")


@pytest.mark.parametrize("words", [["curl -k x"], [""], ["ls"]], ids=str)
def test_nothing_to_explain(casnb, words):
    """What is not an attest line is misuse, and says what it is."""
    done = casnb("explain", *words)
    assert done.exit_code == 2 and done.stdout.startswith(
        "Nothing here is a scone cas attest line."
    )


@pytest.mark.parametrize("words", [["s.yml"], ["--session", "s"], ["--session", "-"]], ids=" ".join)
def test_session(casnb, tmp_path, monkeypatch, words):
    """A session's tolerance becomes flags, and what has no flag is named; by name, by option,
    from a pipe.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("s", "s.yml"):
        (tmp_path / name).write_text(SESSION)
    done = casnb("explain", *words, input=SESSION)
    said = " ".join(done.stdout.split())
    assert (
        done.exit_code == 0
        and " -GC --ignore-advisories INTEL-SA-00334 " in said
        and "lost: aepic-leak: one hole" in said
    )
    assert "access_policy.update: CREATOR the creator may replace it" in said
    found = json.loads(casnb("explain", "--json", *words, input=SESSION).stdout)
    assert found["flags"] == ["accept-group-out-of-date", "accept-configuration-needed"]
    assert {
        "where": "name",
        "what": "mine",
        "means": "the name that clients ask for; a CAS has it once",
    } in found["session"]
    assert found["warnings"] == [] and "debug" not in said


def test_session_without_attestation(casnb, tmp_path):
    """`mode: none` is not a flag, and says so."""
    (tmp_path / "s.yml").write_text(
        'name: mine\nversion: "0.3"\nsecurity: {attestation: {mode: none}}\n'
    )
    done = casnb("explain", tmp_path / "s.yml")
    assert done.exit_code == 0 and "lost: mode: none: no evidence is asked for at all" in " ".join(
        done.stdout.split()
    )


@pytest.mark.parametrize(("text", "code"), [("a: [", 1), (None, 3)])
def test_bad_session(casnb, tmp_path, text, code):
    """A malformed session is rejected, a missing file could not be read."""
    path = tmp_path / "s.yml"
    if text is not None:
        path.write_text(text)
    done = casnb("explain", path)
    assert done.exit_code == code and "Error: " in done.stderr


def test_bytes_that_are_no_text(casnb):
    """Bytes from a pipe that are no text are malformed."""
    assert casnb("explain", "-", input=b"\xff\xfe").exit_code == 1


TEMPLATE = """
name: $NS/web
version: "0.3"
predecessor: $PREDECESSOR
services:
  - {name: web, command: ./web, attestation: {mrenclave: [$MRENCLAVE]}}
security: {attestation: {tolerate: [debug-mode]}}
"""


def test_a_template_is_no_mistake(casnb, tmp_path):
    """Variables without a value are shown as they stand; -e and --use-env give them one."""
    (tmp_path / "s.yml").write_text(TEMPLATE)
    done = casnb("explain", tmp_path / "s.yml")
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0 and "name: $NS/web" in said and "MRENCLAVE $MRENCLAVE" in said
    assert "predecessor: $PREDECESSOR" in said and "$NS, $PREDECESSOR, $MRENCLAVE" in done.stderr
    assert "--only_for_testing-debug" in said and "variable-" not in said
    given = casnb(
        "explain",
        "-e",
        "NS=mine",
        "-e",
        f"MRENCLAVE={'ab' * 32}",
        "--use-env",
        tmp_path / "s.yml",
        env={"PREDECESSOR": "~"},
    )
    said = " ".join(given.stdout.split())
    assert given.exit_code == 0 and "mine/web" in said and "ab" * 32 in said
    assert "a template" not in given.stderr
    found = json.loads(casnb("explain", "--json", tmp_path / "s.yml").stdout)
    assert found["open"] == ["NS", "PREDECESSOR", "MRENCLAVE"]


def test_a_template_that_cannot_be_checked_yet(casnb, tmp_path):
    """Where a variable stands for more than a value, the members are shown as they stand; what no
    variable is to blame for is still malformed.
    """
    (tmp_path / "a.yml").write_text('name: a\nversion: "0.3"\nservices: $SERVICES\n')
    done = casnb("explain", tmp_path / "a.yml")
    assert done.exit_code == 0 and "services: $SERVICES" in done.stdout
    (tmp_path / "b.yml").write_text('name: $NS\nversion: "0.3"\nsecretz: []\n')
    assert casnb("explain", tmp_path / "b.yml").exit_code == 1


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("bash: scone: command not found", "no-scone"),
        ("Caused by: Session already exists, please specify predecessor hash", "session-exists"),
        ("curl: (60) SSL certificate problem: unable to get local issuer certificate", None),
    ],
)
def test_a_message_is_told_as_why_does(casnb, text, id):
    """A message in place of a line is explained, and casnb why is named."""
    done = casnb("explain", text)
    assert done.exit_code == 0 and "casnb why" in done.stderr
    found = json.loads(casnb("explain", "--json", text).stdout)
    assert found["known"] and (id is None or found["diagnosis"] == id)
