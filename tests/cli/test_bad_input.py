"""Bad input to whole commands: one clear sentence each, the right exit code, nothing lost."""

from __future__ import annotations

import http.server
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.scripts

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def plain_http() -> Iterator[int]:
    """A port that speaks HTTP without TLS."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture
def closed_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def one_sentence(stderr: str) -> str:
    """Return the lines that are not notes about roots; there is no traceback among them."""
    assert "Traceback" not in stderr
    return "\n".join(
        line for line in stderr.splitlines() if not line.startswith("note: simulated roots")
    )


class TestBadInput:
    """One clear sentence each, the right exit code, nothing lost."""

    M = "00" * 32

    def test_unreachable(self, bash, closed_port):
        """Nothing listens there: could not check."""
        run = bash(f"scone cas attest --mrenclave {self.M} --retries 0 127.0.0.1:{closed_port}")
        assert (run.returncode, run.stdout) == (3, "")
        assert "Caused by: " in run.stderr and "refused" in one_sentence(run.stderr)

    def test_no_such_host(self, bash):
        """A name that does not exist: could not check; where the shell knows another CAS, it is
        named.
        """
        run = bash(
            f"scone cas attest --mrenclave {self.M} --retries 0 no-such-host.invalid; code=$?; echo"
            " $CAS_ADDR; exit $code"
        )
        assert run.returncode == 3 and "no such host" in one_sentence(run.stderr)
        assert (
            f"note: CAS_ADDR is {run.stdout.strip()}, another address." in run.stderr.splitlines()
        )

    def test_plain_http(self, bash, plain_http):
        """A port that speaks plain HTTP is named as such, by attest and by scrape."""
        run = bash(f"scone cas attest --mrenclave {self.M} --retries 0 127.0.0.1:{plain_http}")
        assert run.returncode == 3 and "plain HTTP" in one_sentence(run.stderr)
        run = bash(f"casnb scrape https://127.0.0.1:{plain_http}/ --address x")
        assert run.returncode == 3 and "plain HTTP" in one_sentence(run.stderr)

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            pytest.param(
                "-G --mrenclave $EMPTY --only_for_testing-ignore-signer --only_for_testing-debug",
                "--mrenclave needs a value",
                id="unquoted-empty",
            ),
            pytest.param(
                '-G --mrenclave "$EMPTY" --only_for_testing-ignore-signer --only_for_testing-debug',
                "--mrenclave needs a value",
                id="quoted-empty",
            ),
            pytest.param(
                "-G --only_for_testing-ignore-signer --only_for_testing-debug",
                "needs --mrenclave",
                id="no-mrenclave",
            ),
            pytest.param(
                "--only_for_testing-debug",
                "needs --only_for_testing-ignore-signer or --mrsigner",
                id="debug-alone",
            ),
            pytest.param(
                f"--only_for_testing-trust-any --mrenclave {M}",
                "needs --only_for_testing-debug",
                id="trust-any-alone",
            ),
            pytest.param(f"--mrsigner {M}", "needs --isvprodid and --isvsvn", id="signer-alone"),
            pytest.param(f"--nonce {M[:32]}", "only with --offline-report", id="nonce-alone"),
            pytest.param("--tcb-grace 30d -G", "contradicts -G", id="grace-for-ever"),
            pytest.param("--frobnicate", "No such option", id="unknown-option"),
        ],
    )
    def test_usage_errors_come_before_any_traffic(self, bash, closed_port, words, told):
        """Contradicting options exit 2 without a connection: the address is one that nobody
        listens on.
        """
        run = bash(f"EMPTY=; time scone cas attest {words} 127.0.0.1:{closed_port}")
        assert (run.returncode, run.stdout) == (2, "")
        assert told in run.stderr and "refused" not in run.stderr

    def test_page_without_a_table(self, bash):
        """A page that has no table is refused, and the attestation that follows is a usage
        error, not a success.
        """
        (bash.folder / "page.html").write_text(
            "<html><body>scone cas attest scone-cas.cf " + self.M
        )
        run = bash(
            "M=$(casnb scrape page.html --address $CAS_ADDR); echo $?; "
            f"scone cas attest {bash.FLAGS} --mrenclave $M $CAS_ADDR; echo $?"
        )
        assert run.stdout.split() == ["1", "2"]

    def test_page_of_100_MB_over_tls(self, bash):
        """A server that sends without end is cut off early: exit 1, in seconds."""
        from casnb.simulator.world import World

        site = World(bash.SEED).site_certificate(["127.0.0.1"])
        (bash.folder / "site.pem").write_bytes(site.cert_pem + site.key_pem)
        run = bash(
            f"{shlex.quote(sys.executable)} -c {shlex.quote(_FLOOD)} & trap 'kill $!' EXIT\nwhile !"
            " test -s port; do sleep 0.05; done\ncasnb scrape https://127.0.0.1:$(cat port)/"
            " --address x"
        )
        assert run.returncode == 1, run.stderr
        assert "at most" in one_sentence(run.stderr)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            pytest.param('{"proof_data": {"type": "IASRep', "not JSON", id="truncated"),
            pytest.param('{"proof_data": "' + "x" * 10_000_000 + '"}', "at most", id="10-MB"),
            pytest.param("", "not JSON", id="empty"),
        ],
    )
    def test_bad_offline_report(self, bash, content, told):
        """A report that is not a report is refused; nothing is remembered."""
        (bash.folder / "report.json").write_text(content)
        run = bash(f"scone cas attest cas --offline-report report.json --mrenclave {self.M}")
        assert (run.returncode, run.stdout) == (1, "")
        assert told in one_sentence(run.stderr)
        assert not (bash.folder / "config.json").exists()

    def test_full_disk(self, bash):
        """Standard output that is full is told, exit 3."""
        run = bash(
            bash.ATTEST
            + "scone cas show-certificate > /dev/full; echo $?; casnb scrape $CAS_PAGE_URL >"
            " /dev/full; echo $?"
        )
        assert run.stdout.split()[-2:] == ["3", "3"]
        assert "No space left on device" in run.stderr and "Traceback" not in run.stderr

    def test_full_disk_under_the_configuration(self, bash, small_disk):
        """A disk that is full when the pin should be saved: exit 3, the file of before is whole,
        and no half file remains.
        """
        config = small_disk / "config.json"
        assert bash(bash.ATTEST, SCONE_CLI_CONFIG=str(config)).returncode == 0
        before = config.read_bytes()
        run = bash(
            f"cat /dev/zero > {small_disk}/fill 2> /dev/null\nM=$(casnb scrape $CAS_PAGE_URL"
            f" --address $CAS_ADDR)\nscone cas attest {bash.FLAGS} --mrenclave $M"
            f" localhost.$CAS_ADDR.invalid --retries 0; scone cas attest {bash.FLAGS} --mrenclave"
            " $M https://$CAS_ADDR",
            SCONE_CLI_CONFIG=str(config),
        )
        assert (run.returncode, run.stdout) == (3, ""), run.stderr
        assert "No space left" in one_sentence(run.stderr)
        assert config.read_bytes() == before

    @pytest.mark.parametrize("config", ["/proc/casnb/config.json", "/sys/config.json"])
    def test_configuration_that_cannot_be_written(self, bash, config):
        """Accepted but not remembered is not a success: exit 3, and no line that scripts take
        for one.
        """
        run = bash(
            'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")\n'
            f"scone cas attest {bash.FLAGS} --mrenclave $M $CAS_ADDR",
            SCONE_CLI_CONFIG=config,
        )
        assert (run.returncode, run.stdout) == (3, "")
        assert "config.json" in one_sentence(run.stderr)

    def test_damaged_configuration(self, bash):
        """A damaged file is reported and never overwritten."""
        (bash.folder / "config.json").write_text('{"cas_db": ')
        run = bash(bash.ATTEST)
        assert "is trustworthy" not in run.stdout
        assert (bash.folder / "config.json").read_text() == '{"cas_db": '

    def test_interrupt(self, shell_env, tmp_path):
        """Ctrl-C ends a command with 130 and a word, not a traceback."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            process = subprocess.Popen(
                [str(BIN / "scone"), "cas", "attest", "--mrenclave", self.M, address],
                env=shell_env(tmp_path),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            silent.settimeout(60)
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            connection.close()
        assert (process.returncode, out) == (130, "") and "Traceback" not in err

    def test_closed_streams(self, bash):
        """A command that a shell starts without standard input, output or error ends as with
        empty ones.
        """
        run = bash(
            "casnb why <&-; echo $?; casnb verify - <&-; echo $?; casnb explain 'scone cas attest"
            " x' >&-; echo $?; casnb verify nothing-here 2>&-; echo $?"
        )
        assert run.stdout.split() == ["2", "1", "0", "3"] and "Traceback" not in run.stderr

    def test_reader_that_leaves(self, bash):
        """A pipe that is closed early is quiet."""
        run = bash(
            "casnb decode "
            + shlex.quote(sys.executable)
            + " | true; casnb --help | head -1 > /dev/null; "
            "casnb scrape $CAS_PAGE_URL --all 2> told | true; cat told >&2"
        )
        assert "Traceback" not in run.stderr and "BrokenPipe" not in run.stderr


_FLOOD = """
import socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("site.pem")
listener = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(listener.getsockname()[1]))
while True:
    raw, _ = listener.accept()
    try:
        tls = context.wrap_socket(raw, server_side=True)
        tls.recv(4096)
        tls.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\n")
        tls.sendall(b"Connection: close\\r\\n\\r\\n")
        for _ in range(100):
            tls.sendall(b"<p>" + b"x" * (1 << 20))
    except OSError:
        pass
"""


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system with room for next to nothing; needs the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    words = ["-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if mount is None or subprocess.run([mount, *words], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
