"""Stand-ins for programs that a machine lacks: what the lessons use of them, and nothing else."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from casnb.teach import start
from casnb.teach.stand_ins import STAND_INS, found, instead, main


@pytest.fixture(scope="module")
def lab():
    """A lab with a certificate file and a key of one's own in its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/nonexistent")
        made = start("04")
        made.scone("cas", "attest", "--only_for_testing-trust-any", "-G", made.address)
        (made.folder / "cas_cert.crt").write_bytes(made.world.cas_chain_pem)
        yield made
        made.close()


def ask(lab, *options, path="values/session=example_session,secret=example_value"):
    there = f"cas:8081:{lab.host}:{lab.port}"
    return lab.run("curl", "-sS", "--connect-to", there, *options, f"https://cas:8081/v1/{path}")


def test_curl_reads_a_value_and_says_what_it_is(lab):
    """The value comes over a checked connection, and the line shown says that it is no curl."""
    done = ask(lab, "--cacert", "cas_cert.crt")
    assert done.exit_code == 0 and json.loads(done.stdout)["value"] == lab.world.example_value
    assert "no curl here: a stand-in" in str(done)
    head = ask(lab, "--cacert", "cas_cert.crt", "-I")
    assert head.stdout.startswith("HTTP/1.1 ")


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        pytest.param((), 60, "SSL certificate problem", id="no CA file"),
        pytest.param(
            ("--cacert", "other.crt"), 35, "certificate signature failure", id="another CA"
        ),
        pytest.param(("--proxy", "x"), 2, "This is not curl", id="an option it does not take"),
        pytest.param(("--cacert", "none.crt"), 2, "", id="no such file"),
    ],
)
def test_curl_refuses_as_curl_does(lab, options, code, says):
    """Nothing is believed that curl would not believe, and what is not known is not guessed."""
    from casnb.simulator.world import World

    (lab.folder / "other.crt").write_bytes(World("somebody else").cas_chain_pem)
    done = ask(lab, *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr and done.stderr.startswith("curl: ")


def test_curl_minds_the_name(lab):
    """By the name on its page the CAS is refused: its certificate does not have it."""
    there = f"scone-cas.cf:8081:{lab.host}:{lab.port}"
    options = ("-sS", "--cacert", "cas_cert.crt", "--connect-to", there)
    done = lab.run("curl", *options, "https://scone-cas.cf:8081/v1/")
    assert done.exit_code == 60 and "no alternative certificate subject name" in done.stderr


def test_jq_and_openssl_read_files(lab):
    """One member of a JSON file, and what is in a certificate."""
    (lab.folder / "x.json").write_text('{"a": {"b": "text"}}')
    assert lab.run("jq", "-r", ".a.b", "x.json").stdout.strip() == "text"
    assert json.loads(lab.run("jq", ".a", "x.json").stdout) == {"b": "text"}
    assert lab.run("jq", ".a[]", "x.json").exit_code == 2
    shown = lab.run("openssl", "x509", "-in", "cas_cert.crt", "-noout", "-text").stdout
    assert "Issuer: CN=cas\n" in shown and "basicConstraints (critical): CA:TRUE" in shown
    assert lab.run("openssl", "genrsa").exit_code == 2


def test_the_real_program_comes_first(tmp_path, monkeypatch):
    """Where it is, no stand-in is used, but for the curl of Windows, which takes no PEM key."""
    assert instead(["sh", "-c", ""], "/nonexistent") == ["sh", "-c", ""]
    assert set(STAND_INS) == {"curl", "jq", "openssl"}
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"C:\\Windows\\System32\\{name}")
    assert instead(["curl", "x"]) == ["curl", "x"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert instead(["curl", "x"])[1:3] == ["-m", "casnb.teach.stand_ins"]
    assert found("jq") == "C:\\Windows\\System32\\jq"


def test_it_runs_as_a_program(tmp_path, capsys):
    """Exit code and words of a wrong call."""
    assert main(["jq", "."]) == 2
    assert capsys.readouterr().err.startswith("jq: ")
