"""Folders of evidence: every file one row, in order, whatever is among them, on one core, on
many, and on a cluster.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.cli.many import batch


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> SimpleNamespace:
    """A production world: its roots, the endorsements for its machine, and words that name them."""
    from casnb.simulator.world import World

    made = World("batch", "production")
    folder = tmp_path_factory.mktemp("world")
    (folder / "roots.pem").write_bytes(made.roots_pem)
    (folder / "endorsements.json").write_text(json.dumps(made.endorsements().to_json()))
    words = [
        "--simulated-roots",
        str(folder / "roots.pem"),
        "--endorsements",
        str(folder / "endorsements.json"),
        "--at",
        made.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ]
    return SimpleNamespace(
        world=made, words=words, folder=folder, quote=lambda n: made.quote(n.to_bytes(64, "big"))
    )


def fill(folder: Path, world: SimpleNamespace, count: int) -> Path:
    """Write so many different quotes, two folders deep."""
    for n in range(count):
        path = folder / f"{n % 3}" / f"{n:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.quote(n))
    return folder


def altered(quote: bytes, at: int = 112) -> bytes:
    """Return the quote with one bit of its MRENCLAVE changed."""
    return quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1 :]


def steady(text: str) -> str:
    """Output without the second at which it was made."""
    return re.sub(r'("clock_time": ?)"[-0-9T:]+Z"', r"\1null", text)


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in steady(text).splitlines()]


@pytest.fixture
def mixed(world, tmp_path) -> Path:
    """A folder with good quotes in every wrapping, bad ones, and things that are no evidence."""
    quote = world.quote(1)
    for name, data in {
        "a-raw.bin": quote,
        "b-hex.txt": quote.hex().encode(),
        "c-base64.txt": base64.encodebytes(quote),
        "d-pem.txt": (
            b"-----BEGIN QUOTE-----\n" + base64.encodebytes(quote) + b"-----END QUOTE-----\n"
        ),
        "e-report.json": world.world.attest("DCAP"),
        "f-altered.bin": altered(quote),
        "g-cut.bin": quote[:700],
        "h-text.txt": b"hello\n",
        "i-empty": b"",
        "j-sigstruct": world.world.sigstruct,
        "sub/k.bin": quote,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "l-large").open("wb") as file:
        file.truncate(9 << 20)
    (tmp_path / "m-self").symlink_to("m-self")
    (tmp_path / "n-gone").symlink_to("nowhere")
    (tmp_path / "sub" / "up").symlink_to("..")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "o-pipe")
    else:
        (tmp_path / "o-pipe").symlink_to("nowhere")
    return tmp_path


EXPECTED = [
    ("a-raw.bin", "trustworthy", "DCAP quote, version 3, raw"),
    ("b-hex.txt", "trustworthy", "DCAP quote, version 3, hex"),
    ("c-base64.txt", "trustworthy", "DCAP quote, version 3, base64"),
    ("d-pem.txt", "trustworthy", "DCAP quote, version 3, PEM (QUOTE)"),
    ("e-report.json", "trustworthy", "CAS report, JSON"),
    ("f-altered.bin", "rejected", "DCAP quote, version 3, raw"),
    ("g-cut.bin", "malformed", None),
    ("h-text.txt", "malformed", None),
    ("i-empty", "malformed", None),
    ("j-sigstruct", "not-checked", "SIGSTRUCT, raw"),
    ("l-large", "malformed", None),
    ("m-self", "not-checked", None),
    ("n-gone", "not-checked", None),
    ("o-pipe", "not-checked", None),
    ("sub/k.bin", "trustworthy", "DCAP quote, version 3, raw"),
    ("sub/up", "not-checked", None),
]


class TestRows:
    """One file, one row."""

    def test_every_file_is_one_row_in_order(self, casnb, world, mixed):
        """Good, bad, unreadable: each has its verdict, and the run goes on to the end."""
        result = casnb("verify", mixed, *world.words, "--jobs", "1", "--json")
        assert result.exit_code == 1
        found = [
            (os.path.relpath(row["file"], mixed), row["verdict"], row["read_as"])
            for row in lines(result.stdout)
        ]
        assert found == EXPECTED

    def test_processes_change_nothing(self, casnb, world, mixed):
        """Two processes say the same as one, to the byte."""
        alone = casnb("verify", mixed, *world.words, "--jobs", "1", "--json")
        two = casnb("verify", mixed, *world.words, "--jobs", "2", "--json")
        assert steady(two.stdout) == steady(alone.stdout)

    def test_a_line_is_the_object_of_one_file(self, casnb, world, mixed):
        """What is said of a file in a folder is what is said of it alone, with its name and
        format in front.
        """
        row = lines(casnb("verify", mixed, *world.words, "--jobs", "1", "--json").stdout)[5]
        alone = json.loads(
            steady(casnb("verify", mixed / "f-altered.bin", *world.words, "--json").stdout)
        )
        assert (row.pop("file"), row.pop("read_as")) == (
            str(mixed / "f-altered.bin"),
            "DCAP quote, version 3, raw",
        )
        assert row == alone and [c["id"] for c in row["checks"] if c["status"] == "failed"] == [
            "quote-signature"
        ]

    def test_refusals_are_typed(self, casnb, world, mixed):
        """Too large, a loop, a pipe: each line says which it was."""
        rows = {
            os.path.relpath(r["file"], mixed): r
            for r in lines(casnb("verify", mixed, *world.words, "--jobs", "1", "--json").stdout)
        }
        for name, told in (
            ("l-large", "at most 8388608"),
            ("sub/up", "entered before"),
            ("m-self", "symbolic links"),
            ("o-pipe", "a device, pipe or socket" if hasattr(os, "mkfifo") else "No such file"),
            ("n-gone", "No such file"),
            ("j-sigstruct", "no platform signs"),
        ):
            assert told in rows[name]["error"], name

    def test_summary_counts(self, casnb, world, mixed):
        """In words: counts by verdict, by first failing check and by TCB status, and every file
        not accepted by name.
        """
        result = casnb("verify", mixed, *world.words, "--jobs", "1")
        printed = result.stdout.splitlines()
        counts = [
            line.rsplit(None, 1)
            for line in printed
            if line.startswith("  ") and line.split()[-1].isdigit()
        ]
        assert [(name.strip(), int(n)) for name, n in counts] == [
            ("trustworthy", 6),
            ("rejected", 1),
            ("malformed", 4),
            ("not-checked", 5),
            ("quote-signature", 1),
            ("UpToDate", 7),
            # What the verdicts leave open, and that they are simulated.
            ("simulated", 6),
            ("freshness", 6),
            ("time", 6),
            ("build", 6),
            ("edition", 6),
            ("settings", 6),
            ("channel", 5),
            ("instance", 1),
        ]
        shown = [
            line.split()[1]
            for line in printed
            if line.startswith(("REJECTED", "MALFORMED", "NOT-CHECKED"))
        ]
        assert [os.path.relpath(name, mixed) for name in shown] == [
            e[0] for e in EXPECTED if e[1] != "trustworthy"
        ]

    def test_not_accepted_are_shown_up_to_a_limit(self, casnb, world, tmp_path):
        """A thousand bad files do not fill the terminal."""
        for n in range(1000):
            (tmp_path / f"{n:04}").write_bytes(b"")
        result = casnb("verify", tmp_path, *world.words, "--jobs", "1")
        assert result.stdout.count("MALFORMED") == 20 and "980 more" in result.stdout

    def test_names_cannot_steer_the_terminal_or_the_reader(self, casnb, world, tmp_path):
        """Escape sequences and bytes that are no UTF-8 in a name come out harmless."""
        (tmp_path / "\x1b[2Jboo\nTRUSTWORTHY x").write_bytes(b"")
        (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
        shown = casnb("verify", tmp_path, *world.words, "--jobs", "1").stdout
        assert "\x1b" not in shown and not any(
            line.startswith("TRUSTWORTHY") for line in shown.splitlines()
        )
        found = lines(casnb("verify", tmp_path, *world.words, "--jobs", "1", "--json").stdout)
        assert found[1]["file"].endswith("\\xff")

    def test_endorsements_go_with_quotes_alone(self, casnb, world, vectors):
        """Given for the quotes of a folder, they do not stand in the way of the IAS reports
        beside them.
        """
        found = lines(
            casnb("verify", vectors / "cas-attest", *world.words, "--jobs", "1", "--json").stdout
        )
        verdicts = {Path(r["file"]).name: r["verdict"] for r in found}
        assert verdicts["v1-attest-iasreport-2019.json"] == "rejected"
        assert verdicts["v1-attest-epid-2019.json"] == "not-checked"


class TestEnd:
    """How a run ends."""

    CODES = [
        pytest.param(["good", "good"], 0, id="all-accepted"),
        pytest.param(["good", "bad"], 1, id="one-rejected"),
        pytest.param(["good", "broken"], 1, id="one-malformed"),
        pytest.param(["good", "unsigned"], 3, id="one-not-checked"),
        pytest.param(["bad", "unsigned"], 1, id="rejected-and-not-checked"),
        pytest.param([], 3, id="no-file-at-all"),
    ]

    @pytest.mark.parametrize(("kinds", "code"), CODES)
    def test_exit_code(self, casnb, world, tmp_path, kinds, code):
        """0 only where every file was accepted; a rejection outweighs what could not be checked."""
        data = {
            "good": world.quote(1),
            "bad": altered(world.quote(1)),
            "broken": b"?",
            "unsigned": world.world.sigstruct,
        }
        for n, kind in enumerate(kinds):
            (tmp_path / str(n)).write_bytes(data[kind])
        assert casnb("verify", tmp_path, *world.words, "--jobs", "1").exit_code == code

    def test_several_files(self, casnb, world, tmp_path):
        """Files named one by one are rows in the order named."""
        (tmp_path / "b").write_bytes(world.quote(1))
        (tmp_path / "a").write_bytes(altered(world.quote(2)))
        result = casnb(
            "verify", tmp_path / "b", tmp_path / "a", *world.words, "--json", "--jobs", "1"
        )
        assert [(Path(r["file"]).name, r["verdict"]) for r in lines(result.stdout)] == [
            ("b", "trustworthy"),
            ("a", "rejected"),
        ]

    def test_one_file_keeps_its_form(self, casnb, world, tmp_path):
        """One file is one indented object without further members, and what it was read as is
        said on standard error.
        """
        (tmp_path / "q").write_text(world.quote(1).hex())
        result = casnb("verify", tmp_path / "q", *world.words, "--json")
        assert "read as DCAP quote, version 3, hex" in result.stderr
        found = set(json.loads(result.stdout))
        assert found >= {
            "verdict",
            "sentence",
            "tcb_status",
            "advisories",
            "identity",
            "evidence_sha256",
            "verification_time",
            "remarks",
            "checks",
        }
        assert not found & {"file", "read_as", "ra_tls"}
        assert casnb("verify", "-", *world.words, "--json", input=world.quote(1)).exit_code == 0

    MISUSE = [
        pytest.param(["-", "x"], "give it alone", id="dash-among-files"),
        pytest.param(
            [".", "--signature", "s", "--chain", "c"], "give one FILE", id="signature-for-many"
        ),
        pytest.param([".", "--jobs", "0"], "--jobs", id="no-jobs"),
        pytest.param([".", "--manifest", "m"], "leave FILE out", id="manifest-and-folder"),
    ]

    @pytest.mark.parametrize(("words", "told"), MISUSE)
    def test_wrong_use(self, casnb, words, told):
        """Contradictions exit 2 before a file is read."""
        result = casnb("verify", *words)
        assert (result.exit_code, result.stdout) == (2, "") and told in result.stderr

    def test_decode_a_folder(self, casnb, world, mixed):
        """`casnb decode` says of each file what it is, and reads no further meaning into it."""
        result = casnb("decode", mixed)
        assert result.exit_code == 1
        assert (
            f"{mixed / 'c-base64.txt'}: DCAP quote, version 3, base64" in result.stdout.splitlines()
        )
        found = lines(casnb("decode", mixed, "--json").stdout)
        assert [r["read_as"] for r in found if r["file"].endswith("j-sigstruct")] == [
            "SIGSTRUCT, raw"
        ]
        assert len(found) == len(EXPECTED)


def tls_certificate(key, quote: bytes) -> bytes:
    """Return a self-signed certificate that carries a quote."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "enclave")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime(2020, 1, 1), datetime(2050, 1, 1)
    )
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113741.1337.6"), quote)
    return (
        builder.add_extension(extension, False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


class TestRaTls:
    """Certificates that carry evidence: the evidence must hold, and it must speak for this key."""

    @pytest.fixture
    def keys(self) -> list[ec.EllipticCurvePrivateKey]:
        return [ec.derive_private_key(n, ec.SECP256R1()) for n in (21, 22)]

    @pytest.fixture
    def quote(self, world, keys) -> bytes:
        """A quote that names the first key."""
        info = (
            keys[0]
            .public_key()
            .public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return world.world.quote(hashlib.sha256(info).digest().ljust(64, b"\0"))

    def test_accepted_where_the_key_is_named(self, casnb, world, keys, quote):
        """The verdict is that of the evidence, the binding is a check that passed, and the
        certificate is spoken of.
        """
        result = casnb("verify", "-", *world.words, "--json", input=tls_certificate(keys[0], quote))
        found = json.loads(result.stdout)
        assert (result.exit_code, found["verdict"]) == (0, "trustworthy")
        assert [c["status"] for c in found["checks"] if c["id"] == "certificate-binding"] == [
            "passed"
        ]
        assert (
            found["ra_tls"]["form"] == "SGX quote" and found["ra_tls"]["binding"]["bound"] is True
        )
        assert "read as RA-TLS certificate with SGX quote, PEM (CERTIFICATE)" in result.stderr

    def test_rejected_where_another_key_is_named(self, casnb, world, keys, quote, tmp_path):
        """An honest quote in a certificate with the attacker's key is refused for that and
        nothing else, alone and among many.
        """
        (tmp_path / "relay.pem").write_bytes(tls_certificate(keys[1], quote))
        result = casnb("verify", tmp_path / "relay.pem", *world.words)
        assert result.exit_code == 1
        assert [
            line.split()[1] for line in result.stdout.splitlines() if line.startswith("FAILED")
        ] == ["certificate-binding"]
        assert "does not name this certificate's key" in " ".join(result.stdout.split())
        (row,) = lines(casnb("verify", tmp_path, *world.words, "--jobs", "1", "--json").stdout)
        assert row["verdict"] == "rejected" and row["ra_tls"]["binding"]["bound"] is False

    def test_altered_evidence_is_not_genuine(self, casnb, world, keys, quote):
        """A bound key does not mend a quote that fails: the binding then means nothing and is
        not run.
        """
        result = casnb(
            "verify", "-", *world.words, "--json", input=tls_certificate(keys[0], altered(quote))
        )
        found = {c["id"]: c["status"] for c in json.loads(result.stdout)["checks"]}
        assert result.exit_code == 1
        assert (found["quote-signature"], found["certificate-binding"]) == ("failed", "not-run")

    def test_a_real_certificate(self, casnb, vectors):
        """The real certificate of 2020 with an IAS report: genuine, bound to its key, outdated,
        of another signer.
        """
        result = casnb(
            "verify",
            vectors / "avr" / "teaclave-v3" / "ra_tls_cert.der",
            "--at",
            "2020-03-01",
            "--json",
        )
        found = {c["id"]: c["status"] for c in json.loads(result.stdout)["checks"]}
        assert result.exit_code == 1
        assert (found["avr-signature"], found["certificate-binding"], found["mrsigner"]) == (
            "passed",
            "passed",
            "failed",
        )

    def test_decode_says_whether_the_key_is_named(self, casnb, vectors):
        """`casnb decode` tells the fields of the evidence, and in words whether it names the
        key.
        """
        shown = casnb("decode", vectors / "avr" / "secret-outofdate" / "ra_tls_cert.der").stdout
        assert "RA-TLS certificate with IAS report in a comment, raw" in " ".join(shown.split())
        assert "does not name this certificate's key" in " ".join(shown.split())


class TestProcesses:
    """Whole processes: interrupted, killed, watched."""

    def start(
        self, world: SimpleNamespace, shell_env, folder: Path, *words: str, **kwargs
    ) -> subprocess.Popen:
        """Begin a run whose lines go to `out` beside the roots."""
        with (world.folder / "out").open("w") as out:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "casnb.cli.main",
                    "verify",
                    str(folder),
                    *world.words,
                    *words,
                ],
                env=shell_env(world.folder),
                stdout=out,
                stderr=kwargs.pop("stderr", subprocess.PIPE),
                text=True,
                **kwargs,
            )

    def workers(self, world: SimpleNamespace, process: subprocess.Popen) -> list[psutil.Process]:
        """Wait for the first lines; return the processes below that have none below themselves."""
        began = time.monotonic()
        while not (world.folder / "out").stat().st_size:
            assert process.poll() is None and time.monotonic() - began < 120
            time.sleep(0.01)
        return [p for p in psutil.Process(process.pid).children(recursive=True) if not p.children()]

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
    def test_interrupt_is_calm(self, world, shell_env, tmp_path):
        """Ctrl-C to the whole group: exit 130, no traceback, whole lines, and nobody left
        behind.
        """
        process = self.start(
            world,
            shell_env,
            fill(tmp_path, world, 4000),
            "--jobs",
            "2",
            "--json",
            start_new_session=True,
        )
        ours = self.workers(world, process)
        os.killpg(process.pid, signal.SIGINT)
        err = process.communicate(timeout=120)[1]
        assert process.returncode == 130, err
        assert "Traceback" not in err and "Interrupted" in err
        assert 0 < len(lines((world.folder / "out").read_text())) < 4000
        assert not psutil.wait_procs(ours, timeout=60)[1]

    @pytest.mark.soak
    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
    def test_a_killed_worker_costs_no_row(self, world, shell_env, tmp_path):
        """When a worker dies, its files are judged by another, and the rows are those of an
        undisturbed run.
        """
        process = self.start(world, shell_env, fill(tmp_path, world, 2000), "--jobs", "2", "--json")
        for worker in self.workers(world, process):
            worker.kill()
        err = process.communicate(timeout=120)[1]
        found = lines((world.folder / "out").read_text())
        assert process.returncode == 0, err
        assert len(found) == 2000 and {r["verdict"] for r in found} == {"trustworthy"}
        assert [r["file"] for r in found] == sorted(r["file"] for r in found)

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
    def test_progress_is_for_terminals_alone(self, world, shell_env, tmp_path):
        """A bar with a count on a terminal's standard error; nothing of it in a file."""
        import pty

        folder = fill(tmp_path, world, 300)
        quiet = self.start(world, shell_env, folder, "--jobs", "1")
        assert "300/300" not in quiet.communicate(timeout=120)[1]
        master, slave = pty.openpty()
        process = self.start(world, shell_env, folder, "--jobs", "1", stderr=slave)
        os.close(slave)
        seen = b""
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:
            pass
        process.wait(60)
        os.close(master)
        out = (world.folder / "out").read_text()
        assert b"300/300" in seen and b"verifying" in seen
        assert "\x1b" not in out and "trustworthy" in out


class TestCluster:
    """A Dask cluster: the same rows, and a cluster's failures are not the evidence's."""

    @pytest.mark.parametrize("form", [["--json"], []], ids=["json", "summary"])
    def test_same_results(self, casnb, world, mixed, cluster, form, monkeypatch):
        """Every row, count and exit code is that of one process; files are read here and sent:
        the workers are elsewhere.
        """
        monkeypatch.chdir(mixed)
        alone = casnb("verify", ".", *world.words, "--jobs", "1", *form)
        there = casnb("verify", ".", *world.words, "--scheduler", cluster.scheduler_address, *form)
        assert there.exit_code == alone.exit_code == 1
        assert without_time(there.stdout) == without_time(alone.stdout)

    def test_many_tasks_stay_in_order(self, casnb, world, tmp_path, cluster):
        """More files than tasks under way come back sorted and whole."""
        folder = fill(tmp_path, world, 600)
        result = casnb(
            "verify", folder, *world.words, "--scheduler", cluster.scheduler_address, "--json"
        )
        found = [(r["file"], r["verdict"]) for r in lines(result.stdout)]
        assert found == [(str(p), "trustworthy") for p in sorted(folder.rglob("*.bin"))]

    def test_no_worker(self, casnb, world, tmp_path):
        """A scheduler without workers is said at once, not waited for."""
        distributed = pytest.importorskip(
            "distributed", reason="the extra `cluster` is not installed"
        )
        with distributed.LocalCluster(
            n_workers=0, dashboard_address=":0", host="127.0.0.1", processes=False, protocol="tcp"
        ) as empty:
            result = casnb("verify", tmp_path, *world.words, "--scheduler", empty.scheduler_address)
        assert (result.exit_code, result.stdout) == (3, "") and "no worker" in result.stderr

    def test_another_casnb_there(self, casnb, world, tmp_path, cluster, monkeypatch):
        """Workers with another version could judge otherwise: refused."""
        from casnb.cli.many import cluster as module

        monkeypatch.setattr(module, "__version__", "9.9")
        result = casnb("verify", tmp_path, *world.words, "--scheduler", cluster.scheduler_address)
        assert result.exit_code == 3 and "wanted casnb 9.9 everywhere" in result.stderr

    def test_nobody_answers(self, casnb, world, tmp_path, monkeypatch):
        """A scheduler that is not there could not check: exit 3, one sentence."""
        pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
        monkeypatch.setattr("casnb.cli.many.cluster.PATIENCE", 1)
        result = casnb("verify", tmp_path, *world.words, "--scheduler", "tcp://127.0.0.1:1")
        assert (result.exit_code, result.stdout) == (3, "")
        assert (
            "wanted a Dask scheduler that answers" in result.stderr
            and "Traceback" not in result.stderr
        )

    def test_without_dask(self, casnb, world, tmp_path, monkeypatch):
        """Where Dask is not installed the extra is named: exit 2."""
        monkeypatch.setitem(sys.modules, "distributed", None)
        result = casnb("verify", tmp_path, *world.words, "--scheduler", "tcp://127.0.0.1:1")
        assert result.exit_code == 2 and "casnb[cluster]" in result.stderr

    def test_jobs_and_scheduler_contradict(self, casnb):
        """Processes here, or a cluster there."""
        assert casnb("verify", ".", "--jobs", "2", "--scheduler", "x").exit_code == 2


def without_time(text: str) -> list[str]:
    return [line for line in steady(text).splitlines() if " a second." not in line]


@pytest.mark.parametrize("told", [0, 4, 10, 12], ids="size {} on record".format)
def test_a_file_is_read_whole_whatever_its_size_on_record(told):
    """A file that grows while it is read, or tells no size, is read to its end."""
    assert batch._whole(io.BytesIO(b"0123456789"), told) == b"0123456789"


def test_a_file_that_grows_beyond_the_limit_is_not_read_on(monkeypatch):
    """Of such a file one byte more than the limit is read, which is how it is told."""
    monkeypatch.setattr(batch, "FILE_LIMIT", 5)
    assert len(batch._whole(io.BytesIO(bytes(100)), 2)) == 6


@pytest.mark.soak
def test_a_file_that_kills_its_reader_is_one_row():
    """Whatever dies of it, the others are judged, and the killer is named."""
    from casnb.cli.many.batch import Item, Row, run

    class Died(Exception):
        pass

    class Fragile:
        """Workers that die of the item called `poison`."""

        size, broken, sends_content = 2, (Died,), False

        def submit(self, items):
            def result():
                if any(i.name == "poison" for i in items):
                    raise Died
                return [Row(i.name, "trustworthy") for i in items]

            return SimpleNamespace(result=result)

        def close(self):
            self.closed = True

    workers = Fragile()
    names = [f"{n:03}" for n in range(100)] + ["poison"] + [f"{n:03}" for n in range(101, 400)]
    rows = list(run((Item(n) for n in names), lambda items: [], workers))
    assert [r.name for r in rows] == names
    assert [(r.name, r.verdict) for r in rows if r.verdict != "trustworthy"] == [
        ("poison", "not-checked")
    ]
    assert workers.closed
