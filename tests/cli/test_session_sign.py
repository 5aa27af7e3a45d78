"""`scone session sign`, and the lines in which a CAS's refusals are told."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casnb.base.errors import EvidenceError
from casnb.cas.attest import attest
from casnb.cas.trust import TrustStore
from casnb.policy.policy import AttestationPolicy
from casnb.session.encrypted import decrypt
from casnb.session.session import Session
from casnb.simulator.server.running import serve
from casnb.simulator.world import World

TEXT = 'name: signed\nversion: "0.3"\naccess_policy: {read: [ANY], update: [CREATOR]}\n'


@pytest.fixture(scope="module")
def cas(tmp_path_factory):
    """A CAS that was attested: its address, and the file that remembers it."""
    world = World("signing", "production")
    with serve(world, clock=lambda: world.now) as found:
        store = TrustStore(tmp_path_factory.mktemp("signer") / "config.json")
        policy = AttestationPolicy(expected_signer=world.vendor)
        store.add(attest(found.cas_addr, policy, roots=world.roots, now=world.now))
        store.identity()
        yield found, store


@pytest.fixture
def folder(tmp_path, monkeypatch, cas):
    monkeypatch.setenv("SCONE_CLI_CONFIG", str(cas[1].path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yml").write_text(TEXT)
    return tmp_path


@pytest.fixture
def other(folder):
    """Another signer: a key that `scone` does not have, and the file with its public half."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "other.pem").write_bytes(pem)
    return key


def test_signed_created_and_updated(scone, folder):
    """What is printed can be uploaded, checked and hashed; the signer is CREATOR; -n is an error
    for it, and -e changes nothing.
    """
    signed = scone("session", "sign", "s.yml")
    assert signed.exit_code == 0, signed.stderr
    (folder / "s.json").write_text(signed.stdout)
    inside = Session.from_yaml(json.loads(signed.stdout)["session"])
    own = scone("self", "show-session-signing-key").stdout
    assert inside.normalised()["creator"] == {"signer": own}
    made = scone("session", "create", "s.json", "-e", "A=b")
    assert (made.exit_code, made.stdout) == (0, inside.hash + "\n"), made.stderr
    assert "-e and --use-env change nothing" in made.stderr
    assert scone("session", "calculate-hash", "s.json").stdout == inside.hash + "\n"
    assert scone("session", "check", "s.json").stdout == inside.to_yaml()
    assert scone("session", "check", "s.json", "-n", "x").exit_code == 2
    again = scone("session", "create", "s.json")
    assert "status code 409 Conflict\nCaused by: Session already exists" in again.stderr
    (folder / "s.yml").write_text(TEXT + f"predecessor: {inside.hash}\n")
    assert "status code 403 Forbidden" in scone("session", "create", "s.yml").stderr
    (folder / "u.json").write_text(scone("session", "sign", "s.yml").stdout)
    assert scone("session", "update", "u.json").exit_code == 0


def test_another_signer_is_given_a_message_and_gives_a_signature(scone, folder, other):
    """Raw on standard input or in base64; a signature over anything else is refused."""
    words = ("session", "sign", "s.yml")
    message = scone(*words, "generate-message-to-be-signed", "other.pem")
    assert message.exit_code == 0 and b"name: signed" in message.stdout_bytes
    signature = other.sign(message.stdout_bytes)
    raw = scone(*words, "add-signature", "other.pem", input=signature)
    text = base64.b64encode(signature).decode()
    assert scone(*words, "add-signature", "other.pem", text).stdout == raw.stdout
    (folder / "one.json").write_text(raw.stdout)
    both = scone("session", "sign", "one.json")
    assert len(json.loads(both.stdout)["signatures"]) == 2
    (folder / "both.json").write_text(both.stdout)
    assert "each signer once" in scone("session", "sign", "both.json").stderr
    wrong = scone(*words, "add-signature", "other.pem", base64.b64encode(bytes(64)).decode())
    assert (wrong.exit_code, wrong.stdout) == (1, "") and "does not verify" in wrong.stderr


def test_encrypted_for_one_cas_alone(scone, folder, cas):
    """What is printed shows nothing of the session; that CAS stores it, with the signer as CREATOR,
    another one does not read it, and a changed byte is found.
    """
    (folder / "s.yml").write_text(TEXT.replace("signed", "sealed"))
    sealed = scone("session", "encrypt", "s.yml")
    assert sealed.exit_code == 0 and "sealed" not in sealed.stdout, sealed.stderr
    key = scone("cas", "show-identification", "--session-encryption-key").stdout
    (folder / "key.pem").write_text(key)
    assert scone("session", "encrypt", "s.yml", "--key", "key.pem").exit_code == 0
    assert scone("session", "encrypt", "s.yml", "--key", "k", "--cas", "c").exit_code == 2
    (folder / "sealed.json").write_text(sealed.stdout)
    made = scone("session", "create", "sealed.json")
    assert made.exit_code == 0 and len(made.stdout.strip()) == 64, made.stderr
    parts = json.loads(sealed.stdout)
    flipped = bytearray(base64.b64decode(parts["ciphertext"]))
    flipped[3] ^= 1
    (folder / "changed.json").write_text(
        json.dumps({**parts, "ciphertext": base64.b64encode(flipped).decode()})
    )
    assert "do not decrypt" in scone("session", "create", "changed.json").stderr
    with pytest.raises(EvidenceError, match="for another CAS"):
        decrypt(sealed.stdout.encode(), World("another").session_encryption_key)


@pytest.mark.parametrize(
    "words, said",
    [
        (("generate-message-to-be-signed",), "got no SIGNER"),
        (("add-signature",), "got 0 operands"),
        (("sign-with-cli-identity", "x"), "got 1 operands"),
        (("add-signature", "nonsense", "AA=="), "a public key"),
        (("add-signature", "other.pem", "%%%"), "wanted base64"),
        (("approve",), "generate-message-to-be-signed"),
    ],
)
def test_wrong_use_of_sign_is_said(scone, folder, other, words, said):
    """Each is named, and nothing is printed on standard output."""
    result = scone("session", "sign", "s.yml", *words)
    assert result.exit_code in (1, 2) and result.stdout == "" and said in result.stderr


def test_a_refusal_is_told_in_three_lines(scone, folder, cas):
    """What was tried, which status, and the CAS's own words; the cure is a line of its own."""
    (folder / "twice.yml").write_text('name: twice\nversion: "0.3"\n')
    assert scone("session", "create", "twice.yml").exit_code == 0
    result = scone("session", "create", "twice.yml")
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("note", "warn"))]
    url = f"https://{cas[0].host}:{cas[0].cas_port}/"
    assert (result.exit_code, result.stdout, lines[:3]) == (
        1,
        "",
        [
            "Error: Creating session failed",
            f"Caused by: CAS at '{url}' returned HTTP error status code 400 Bad Request",
            "Caused by: Session already exists, please specify predecessor hash",
        ],
    )
    assert lines[3].startswith("Name its hash as predecessor")
    missing = scone("session", "read", "nothing").stderr
    assert "Error: Reading session failed\n" in missing and "status code 404 Not Found" in missing
