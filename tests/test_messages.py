"""What a message means: each row of the table is recognised in every form in which people paste
it, names what it should, and every error of casnb's own `scone` has a row.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from casnb.explain.messages import MESSAGES, PARTS
from casnb.explain.why import explain_message
from casnb.mallory.attacks import ATTACKS
from casnb.tls.diagnoses import DIAGNOSES

ROOT = Path(__file__).resolve().parent.parent
A, B = "0e62020589972fba3ae70225cf6cd958", "5e753b24ae9c62c5d86f0fc6e1acb663"

#: Row to texts as people paste them: as printed, cut short, behind a log's prefix, in other words.
PASTED = {
    "debug-enclave": [
        "Caused by: Debug mode is enabled. Enclave protection is turned off, all secrets can be",
        "2026-11-30T19:02:11Z [TCS] ERROR: Debug mode is enabled. Enclave prot...",
        "\x1b[31mError\x1b[0m: debug mode is ENABLED",
        "all secrets can be extracted with a debugger",
        "the enclave is in debug mode",
        "attestation refused: debug enclave",
    ],
    "mrenclave": [
        f"Unexpected enclave measurement (MRENCLAVE, {A}) - Expected {B}",
        f"  Caused by: Error 1 of 2: Unexpected enclave measurement (MRENCLAVE, {A}) - Expected"
        f" {B}",
        f"...rement (MRENCLAVE, {A}) - Expected {B}",
        f"MRENCLAVE mismatch: expected {B}, got {A}",
        f"Unexpected enclave measurement (MRENCLAVE, {A}",
        f"Caused by: Enclave hash does not match expectation:\n{A}",
        "MRENCLAVE does not match",
        "wrong MRENCLAVE",
    ],
    "mrsigner": [
        f"Unexpected enclave signer (MRSIGNER, {A}) - Expected {B}",
        "the MRSIGNER did not match",
    ],
    "isv": ["ISVSVN too low: 3, wanted 5", "isvprodid mismatch"],
    "tcb-outdated": [
        "Caused by: The enclave's TCB is not trustworthy\n  Caused by: Security risks:\n"
        "  - The TCB is outdated and may be vulnerable\n  - See advisory INTEL-SA-00076"
        " (https://x)",
        "GROUP_OUT_OF_DATE",
        "isvEnclaveQuoteStatus: GROUP_OUT_OF_DATE",
        "TCB status is OutOfDate",
        "firmware is out of date",
    ],
    "tcb-configuration": ["CONFIGURATION_NEEDED", "status ConfigurationNeeded"],
    "tcb-hardening": ["SW_HARDENING_NEEDED", "SWHardeningNeeded"],
    "tcb-both": [
        "CONFIGURATION_AND_SW_HARDENING_NEEDED",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDateConfigurationNeeded",
    ],
    "tcb-revoked": ["KEY_REVOKED", "GROUP_REVOKED"],
    "advisory": ["See advisory INTEL-SA-00334"],
    "advice": [
        "Note: In order to ignore this error, add `tolerate: [debug-mode]` to the session's"
        " `security.attestation` config"
    ],
    "attestation-parent": [
        "Error: Error during attestation of CAS",
        "DCAP quote verification failed",
        "SCONE quote verification failed",
        "Failed to verify DCAP report",
        "Failed to verify SCONE remote attestation report",
        "Could not initialize enclave state: Attestation failed",
    ],
    "enclave-parent": [
        "The program enclave is not trustworthy",
        "Not all of the required enclave properties are met by the enclave",
    ],
    "service-parent": [
        "CAS sent an attestation/configuration error: something",
        "Failed to retrieve service attestation configuration",
        "Note: Connecting to CAS at scone-cas.cf (port 18765) using service ID ns/app@123456",
    ],
    "variable": [
        "Caused by: name: Value for variable $SESSION is missing at line 3 column 7",
        "Error: Parsing session from session template file 'session.yaml' failed\n"
        "Caused by: services[0].name: Value for variable $S is missing at line 12 column 9",
        "Error: Parsing session from session template file 's.yml' failed Caused by: name: Value"
        " for variable $SES",
        "missing value for variable MRENCLAVE",
        "variable $NS is not set",
        "undefined variable NS",
    ],
    "session-exists": [
        "Error: Creating session failed\nCaused by: CAS at 'https://scone-cas.cf:8081/' returned"
        " HTTP error status code 400 Bad Request\nCaused by: Session already exists, please specify"
        " predecessor hash",
        '{"msg": ["Session already exists, please specify predecessor hash"]}',
        "session my-ns already exists",
        "Session already exists, please spec",
    ],
    "stale-predecessor": [
        "Could not create successor session. Invalid previous session digest: abc",
        "wrong predecessor",
    ],
    "session-parent": [
        "Error: Creating session failed",
        "Caused by: CAS at 'https://cas:8081/' returned HTTP error status code 403 Forbidden",
    ],
    "old-success": ["Created Session[id=1, name=x, status=y]"],
    "otp-required": ["An One-time Password is required to access this session", "missing OTP"],
    "otp-invalid": ["The given One-time Password is invalid. Please try again.", "wrong OTP"],
    "otp-used": [
        "A One-time Password was already used within this time-step. Please try again in the next",
        "the one-time password has already been used",
    ],
    "tag": [
        "Caused by: The FSPF tag is not fresh - suspected replay attack",
        "file system tag mismatch",
        "The FSPF tag is not fr",
    ],
    "chunk": ["Verification of file chunk 3 in '/app/x' failed"],
    "las": [
        "Unable to connect to LAS at default 'las' address (Resolution of LAS address las:18766"
        " failed)",
        "connection to LAS refused",
        "no LAS running",
    ],
    "heap": ["Protected heap memory exhausted! Set SCONE_HEAP"],
    "sgx-device": ["Could not create enclave: Error opening SGX device", "no SGX device"],
    "runtime-debug": ["[SCONE|WARN] Application runs in SGX debug mode."],
    "runtime-simulation": ["Application runs in SGX simulation mode. Its memory can be read"],
    "no-scone": [
        "bash: scone: command not found",
        "zsh: command not found: scone",
        "fish: Unknown command: scone",
        "sh: 1: scone: not found",
        "./run.sh: line 12: scone: command not found",
        "bash: scone : commande introuvable",
        "scone: Befehl nicht gefunden.",
        "'scone' is not recognized as an internal or external command",
        "The term 'scone' is not recognized as the name of a cmdlet",
        "Command 'scone' not found, did you mean:",
        'exec: "scone": executable file not found in $PATH',
    ],
    "no-docker": ["docker: command not found", "zsh: command not found: docker"],
    "docker-socket": [
        "Got permission denied while trying to connect to the Docker daemon socket",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?",
    ],
    "registry": [
        "docker: Error response from daemon: pull access denied for"
        " registry.scontain.com/sconecuratedimages/sconecli, repository does not exist",
        "registry.scontain.com:5050/x: unauthorized",
    ],
    "no-tty": ["the input device is not a TTY"],
    "enclave-port": [
        "curl: (7) Failed to connect to cas port 18765 after 0 ms: Connection refused",
        "connect ECONNREFUSED 127.0.0.1:18765",
        "dial tcp 10.0.0.1:18765: connect: connection refused",
        "curl: (35) error:0A00010B:SSL routines::wrong version number https://cas:18765/v1",
    ],
    "las-port": ["curl: (7) Failed to connect to localhost port 18766: Connection refused"],
    "connect-to": ["curl: (49) Couldn't parse CURLOPT_CONNECT_TO entry 'a:1:b:2:3'"],
    "usage": [
        "error: The argument '--mrenclave <MRENCLAVE>' requires a value but none was supplied",
        "error: Found argument '-X' which wasn't expected, or isn't valid in this context",
    ],
    "not-attested": ["CAS cas: got one that was not attested, wanted an attested CAS."],
    "no-service": ["No session has a service 'a/b'"],
    # Rows of the table of connections, in the same command.
    "not-visible": [
        "Failed to read value 'example_value' of '/session=example_sessionx' requested by a public"
        " client",
        "Secret does not exist or is not visible for a public client",
    ],
    "unknown-issuer": [
        "curl: (60) SSL certificate problem: unable to get local issuer certificate"
    ],
    "wrong-key": ["curl: (35) error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib"],
    "refused": [
        "curl: (7) Failed to connect to cas port 8081 after 0 ms: Connection refused",
        "cas:8081: got nothing listens there, wanted a CAS",
    ],
}


@pytest.mark.parametrize(
    ("id", "text"),
    [
        pytest.param(id, text, id=f"{id}-{n}")
        for id, ts in PASTED.items()
        for n, text in enumerate(ts)
    ],
)
def test_a_message_as_pasted(id, text):
    """Whatever stands before it, however it is cut or worded, it is told for what it is."""
    found = explain_message(text)
    assert found.diagnosis is not None and found.diagnosis.id == id, found


#: The same in other words, as people retell what they saw; None: none of these messages.
RETOLD = [
    ("tcb-outdated", "CAS: attestation error: TCB out of date"),
    ("tcb-outdated", "tcb_status: OutOfDate"),
    ("tcb-outdated", "The enclave's TCB is not up to date"),
    (
        "mrenclave",
        'level=error msg="Caused by: Error 2 of 3: Unexpected enclave measurement'
        ' (MRENCLAVE, 0e62020589972fba) - Expected 5e753b24ae9c62c5"',
    ),
    (
        "debug-enclave",
        '{"level":"error","msg":"Debug mode is enabled. Enclave protection is turned off"}',
    ),
    (
        "debug-enclave",
        "thread 'main' panicked at src/main.rs: Debug mode is enabled. Enclave"
        " protection is turned off",
    ),
    ("debug-enclave", "error: enclave has debug mode enabled"),
    ("debug-enclave", "the CAS enclave runs in debug mode, secrets can be read"),
    ("debug-enclave", "attestation failed because debugging is enabled"),
    ("otp-invalid", "The One-time Password (OTP) provided is invalid"),
    ("otp-invalid", "invalid one time password"),
    ("otp-used", "OTP already used, wait for the next time step"),
    ("otp-required", "one-time password required"),
    (
        "no-scone",
        "scone : The term 'scone' is not recognized as the name of a cmdlet, function, script file",
    ),
    ("no-scone", "-bash: scone: command not found"),
    ("no-scone", "/bin/sh: scone: not found"),
    ("no-scone", "env: 'scone': No such file or directory"),
    ("no-scone", "make: scone: No such file or directory"),
    ("no-scone", "FileNotFoundError: [Errno 2] No such file or directory: 'scone'"),
    (
        "registry",
        "docker: Error response from daemon: manifest for registry.scontain.com/x:latest not found",
    ),
    (
        "docker-socket",
        "error during connect: this error may indicate that the docker daemon is not running",
    ),
    ("docker-socket", "dial unix /var/run/docker.sock: connect: permission denied"),
    (
        "variable",
        "Error: Parsing session from session template file 's.yml' failed: variable"
        " SESSION missing",
    ),
    ("variable", "no value given for variable SESSION"),
    ("variable", "Value for variable SESSION is missing"),
    ("variable", "missing variable $SESSION in template"),
    ("variable", "Variable ${NS} not set"),
    (
        "enclave-port",
        "curl: (28) Failed to connect to scone-cas.cf port 18765 after 130000 ms:"
        " Couldn't connect to server",
    ),
    ("enclave-port", "Connection to cas:18765 refused"),
    ("enclave-port", "nc: connect to cas port 18765 (tcp) failed: Connection refused"),
    (
        "enclave-port",
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='cas',"
        " port=18765): Max retries exceeded",
    ),
    ("las", "Failed to connect to LAS at las:18766"),
    ("las-port", "nc: connect to cas port 18766 (tcp) failed: Connection refused"),
    ("las", "Could not resolve las:18766"),
    ("no-host", "getaddrinfo ENOTFOUND cas"),
    ("tag", "The FSPF tag isn't fresh; replay attack suspected"),
    ("tag", "volume tag does not match, rollback suspected"),
    ("mrenclave", "unexpected MRENCLAVE 0e62020589972fba, expected 5e753b24ae9c62c5"),
    ("mrenclave", "expected MRENCLAVE 5e753b24ae9c62c5 but got 0e62020589972fba"),
    ("mrenclave", "Enclave measurement 0e62020589972fba does not match expected 5e753b24ae9c62c5"),
    ("mrenclave", "enclave hash mismatch"),
    ("session-differs", "session hash mismatch"),
    ("session-exists", "Please specify the predecessor hash"),
    ("session-exists", "A session with this name already exists"),
    ("session-exists", "409 conflict: session exists"),
    ("not-attested", "CAS 'cas' has not been attested yet"),
    ("not-attested", "CAS is not attested"),
    ("advisory", "advisory INTEL-SA-00615 not tolerated"),
    ("tcb-configuration", "hyperthreading is enabled"),
    ("sgx-device", "Failed to open /dev/sgx_enclave: No such file or directory"),
    ("heap", "Protected heap exhausted"),
    ("attestation-parent", "quote verification failed"),
    ("mrsigner", "signer mismatch: expected MRSIGNER b6c14ae06a052842 got 11c4e150b76c2b14"),
    ("chunk", "file chunk verification failed"),
    ("not-visible", "Secret not visible for a public client"),
    ("stale-predecessor", "predecessor hash is not the current one"),
    ("namespace", "namespace my-ns does not exist"),
    ("stale-predecessor", "Invalid previous session digest: 39ae5497"),
    ("usage", "error: unexpected argument '--foo' found"),
    ("usage", "error: The following required arguments were not provided"),
    ("connect-to", "curl: (49) Illegal port number"),
    (None, "Segmentation fault"),
    (None, "Killed"),
    (None, "permission denied"),
    (None, "Connection to database lost"),
    (None, "The session expired, please log in again"),
    (None, "debug: starting service"),
    (None, "INFO attestation successful"),
    (None, "scone cas list"),
    (None, "expected 5 but got 3"),
]


@pytest.mark.parametrize(("id", "text"), RETOLD, ids=str)
def test_a_message_retold(id, text):
    """A message in other words is told for what it is, and an unrelated one is not."""
    found = explain_message(text)
    assert (found.diagnosis and found.diagnosis.id) == id


@pytest.mark.parametrize("id", MESSAGES)
def test_each_row(id):
    """Each wording is recognised as its own row; the row says all that it has to, and what it
    points to is there.
    """
    row = MESSAGES[id]
    for wording in row.wordings:
        assert explain_message(wording.sample).diagnosis is row, wording.sample
    assert row.title and row.cause and row.cure and row.protects and id not in DIAGNOSES
    assert not row.cause.endswith(".") and not row.protects.endswith(".")
    assert (
        row.source
        or any("casnb" in w.tool or "IAS" in w.tool for w in row.wordings)
        or id
        in (
            "docker-socket",
            "no-tty",
            "no-casnb",
            "usage",
        )
    ), "from a public page, from casnb, or from a tool that everybody knows"


CELLS = {
    cell["id"]
    for path in (ROOT / "notebooks").glob("*.ipynb")
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
}


@pytest.mark.parametrize("row", [*MESSAGES.values(), *DIAGNOSES.values()], ids=lambda d: d.id)
def test_what_a_row_points_to_is_there(row):
    """The notebook cells and attacks that show it exist under that name."""
    assert set(row.cells) <= CELLS and set(row.attacks) <= set(ATTACKS)


def test_the_innermost_line_counts():
    """Lines that only say that something failed give way to the one that says why; a hint from
    the other side comes last, whatever stands where.
    """
    text = (
        "Error: Could not initialize enclave state: Attestation failed\n"
        "  Caused by: CAS sent an attestation/configuration error: DCAP quote verification failed\n"
        "    Caused by: The program enclave is not trustworthy\n"
        "      Caused by: Debug mode is enabled. Enclave protection is turned off\n"
        "Note: In order to ignore this error, add `tolerate: [debug-mode]` to the session's\n"
        "Note: Connecting to CAS at cas (port 18765) using service ID a/b\n"
    )
    found = explain_message(text)
    assert found.diagnosis is MESSAGES["debug-enclave"] and "Debug mode is enabled" in found.message
    assert explain_message(" ".join(text.split())).diagnosis is MESSAGES["debug-enclave"]
    assert explain_message(text.replace("\n", "\\n")).diagnosis is MESSAGES["debug-enclave"]


def test_several_reasons_are_all_named():
    """Of two reasons the last is told, and the other is named beside it."""
    found = explain_message(
        f"Caused by: Unexpected enclave measurement (MRENCLAVE, {A}) - Expected {B}\n"
        "Caused by: Debug mode is enabled. Enclave protection is turned off\n"
    )
    assert found.diagnosis is MESSAGES["debug-enclave"] and found.also == (MESSAGES["mrenclave"],)
    assert "another enclave than the one" in str(found)


def test_which_number_runs():
    """Of the two measurements it is said which one runs and which one was wanted."""
    for text in (PASTED["mrenclave"][0], PASTED["mrenclave"][3]):
        assert dict(explain_message(text).details) == {"runs": A, "expected": B}


def test_advisories_are_looked_up():
    """What an advisory of the message is about is said with it."""
    found = explain_message(
        "The TCB is outdated and may be vulnerable\nSee advisory INTEL-SA-00334"
    )
    assert dict(found.details)["INTEL-SA-00334"].startswith("load value injection")


def test_a_folded_message():
    """A terminal that broke the line in the middle of the telling words does not hide them."""
    found = explain_message("Session already exists, please\n   specify predecessor hash")
    assert found.diagnosis is MESSAGES["session-exists"]


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "something new",
        "Segmentation fault (core dumped)",
        "the quick brown fox jumps over the lazy dog and runs away with a debugger's lunch",
        "error: could not compile `thing` due to previous error",
        "session",
        "scone",
        "attested",
        "Traceback (most recent call last): ValueError: invalid literal for int()",
    ],
)
def test_no_guessing(text):
    """What is none of these messages is not taken for one."""
    assert not explain_message(text).known


def test_an_unusual_wording_says_what_it_was_read_as():
    """A message with most of the words of one known row is read as that one, and says so."""
    found = explain_message("One-time code: please try again with a given password, it is invalid")
    assert found.read_as == "" or found.read_as in str(found)
    cut = explain_message("ased by: Failed to retrieve service attest")
    assert cut.known
    piece = explain_message("for a public clie")
    assert piece.known and piece.read_as and "read as" in str(piece)


def test_own_form():
    """A message of casnb's own carries its cure, and is told by it."""
    found = explain_message("session.yml: name: got 'a b', wanted letters. Rename it.")
    assert found.diagnosis.id == "own" and found.cure == "Rename it."
    assert "'a b' was found where letters is wanted" in found.cause


def test_checks_are_known_by_id():
    """Whichever check of the catalogue fails at scone cas attest, its message is explained."""
    found = explain_message("Caused by: Check pck-revocation failed, x: got y, wanted z")
    assert found.diagnosis.id == "check-pck-revocation" and "leaked" in str(found)
    assert explain_message("Check nonce could not be made, x: no nonce").known


#: Sentences that a script or a person at a keyboard never gets to see, and why.
UNSAID = {
    "Invalid argument": "only clients written by hand send such a request",
    "Failed to attest": "a parent of the argument errors",
    "A number from the member": "only clients written by hand send such a request",
    "min_sequence_number": "only clients written by hand send such a request",
    "Failed to read audit log": "its cause says it",
    "No audit log is kept": "says it itself",
    "Failed to update session": "its cause says it",
    "'x'": "only clients written by hand send such a request",
}


def sentences():
    """Yield every sentence with which casnb's CAS refuses, and every headline of its `scone`."""
    files = [
        *(ROOT / "casnb" / "simulator" / "server").glob("*.py"),
        *(ROOT / "casnb" / "cli" / "scone").glob("*.py"),
    ]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "Refused":
                said = node.args[1:]
            elif node.func.id in ("Failure", "attempt_for"):
                said = node.args[:1]
            else:
                continue
            for part in said:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value
                elif isinstance(part, ast.JoinedStr):
                    yield "".join(
                        str(v.value) if isinstance(v, ast.Constant) else "x" for v in part.values
                    )


@pytest.mark.parametrize("sentence", sorted(set(sentences())))
def test_every_refusal_of_ours_is_explained(sentence):
    """What casnb's CAS and its `scone` say when they refuse is in the table, or it is said here
    why not.
    """
    assert explain_message(sentence).known or any(sentence.startswith(s) for s in UNSAID), sentence


def test_the_parts_hold_every_row_once():
    """No row hides another one by its id."""
    rows = [d.id for part in PARTS.values() for d in part]
    assert len(rows) == len(set(rows)) == len(MESSAGES)


@pytest.mark.parametrize("text", ["MRENCLAVE " * 4000, "a" * 40_000, "(" * 40_000, "\n" * 40_000])
def test_long_text(text):
    """A long text ends."""
    explain_message(text)
