"""The assignment's own commands, typed in bash against `casnb serve`, with the real curl,
openssl and jq.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from casnb.simulator.world import World

pytestmark = pytest.mark.scripts

BIN = Path(sys.executable).parent
FLAGS = "-G --only_for_testing-ignore-signer --only_for_testing-debug"
ATTEST = """
MRENCLAVE=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")
scone cas attest -G --mrenclave $MRENCLAVE --only_for_testing-ignore-signer --only_for_testing-debug $CAS_ADDR
scone cas show-certificate > cas_cert.crt
"""  # noqa: E501
READ = """
export session_name="example_session"
export value_name="example_value"
curl --cacert  cas_cert.crt  --connect-to cas:8081:$CAS_ADDR:8081 https://cas:8081/v1/values/session=${session_name},secret=${value_name}
"""


class TestTheAssignment:
    """The page's commands, unchanged but for the address."""

    def test_from_the_page_to_the_value(self, bash, cas):
        """Scrape, attest, export, look, read: byte for byte the page's answer, with this world's
        value.
        """
        run = bash("set -e" + ATTEST + "openssl x509 -in cas_cert.crt -text > text" + READ)
        assert run.returncode == 0, run.stderr
        lines = run.stdout.split("\n", 1)
        assert (
            lines[0]
            == f"CAS {cas.CAS_ADDR} at https://{cas.CAS_ADDR}:8081/ is trustworthy (simulated)"
        )
        held = World(cas.CASNB_SEED).example_value
        wanted = {"kind": "string", "value": held, "expires": None, "renew": None}
        assert lines[1] == json.dumps(wanted, indent=2)
        assert "Subject: CN = cas-instance" in (bash.folder / "text").read_text()

    def test_the_waivers_are_on_standard_error(self, first_commands):
        """Scripts read the usual line; people are told which three checks were waived, and what
        follows.
        """
        run = first_commands.said
        warned = [line for line in run.stderr.splitlines() if "waived by" in line]
        assert [line.split(":")[0].strip() for line in warned if line.startswith("  ")][:3] == [
            "tcb-status",
            "debug",
            "mrsigner",
        ]
        assert "must not hold secrets" in run.stderr and "simulated roots" in run.stderr

    def test_the_certificate_file(self, attested):
        """Two CA certificates, instance first, nothing between, and showing them repeats the
        waivers.
        """
        run = attested(
            "scone cas show-certificate 2> told > again; diff again cas_cert.crt\ncsplit -s -f"
            " part cas_cert.crt '/^-----BEGIN/' '{*}'; openssl verify -CAfile part02 part01"
        )
        pem = (attested.folder / "cas_cert.crt").read_text()
        assert (
            pem.count("-----BEGIN CERTIFICATE-----") == 2
            and "\n\n" not in pem
            and pem.endswith("-----END CERTIFICATE-----\n")
        )
        assert "part01: OK" in run.stdout
        assert "3 waivers, no secrets" in (attested.folder / "told").read_text()

    def test_flags_clustered_and_behind_the_address(self, bash):
        """Short flags cluster, and all may follow the address."""
        run = bash(
            'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR")\nscone cas attest "$CAS_ADDR"'
            ' "$M" -GCS --only_for_testing-debug --only_for_testing-ignore-signer'
        )
        assert run.returncode == 0, run.stderr
        assert "deprecated" in run.stderr and "not needed" in run.stderr

    def test_jq_reads_the_configuration(self, attested):
        """The solutions' idiom: the identity out of the file with jq and printf; openssl reads
        it.
        """
        run = attested(
            """set -e
printf "\\n$(jq .identity "$SCONE_CLI_CONFIG" | tr -d '"')" > client.pem
scone self show-certificate > mine.pem
openssl x509 -in client.pem | diff - <(openssl x509 -in mine.pem)
jq -r .default_cas "$SCONE_CLI_CONFIG"
stat -c %a "$SCONE_CLI_CONFIG"
"""
        )
        assert run.returncode == 0, run.stderr
        assert run.stdout.splitlines()[-1] == "600"

    def test_without_flags(self, bash):
        """Refused, in the documented words, for each reason, with exit code 1 and nothing on
        standard output.
        """
        run = bash(
            'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR"); scone cas attest --mrenclave'
            " $M $CAS_ADDR"
        )
        assert (run.returncode, run.stdout) == (1, "")
        lines = run.stderr.splitlines()
        begin = lines.index("Error: Error during attestation of CAS")
        assert lines[begin + 1 : begin + 3] == [
            "Caused by: Remote attestation report verification failed",
            "Caused by: The program enclave is not trustworthy",
        ]
        assert (
            "Caused by: Debug mode is enabled. Enclave protection is turned off, all secrets can be"
            " extracted with a debugger" in lines
        )
        told = "\n".join(lines[begin:])
        assert "GROUP_OUT_OF_DATE" in told and "MRSIGNER" in told
        assert not (bash.folder / "config.json").exists()

    @pytest.mark.parametrize(
        "flags",
        [
            "-G",
            "-G --only_for_testing-ignore-signer",
            "--only_for_testing-ignore-signer --only_for_testing-debug",
            "-CS",
        ],
    )
    def test_fewer_flags(self, bash, flags):
        """All three are needed: any fewer are refused."""
        run = bash(
            f'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR"); scone cas attest {flags}'
            " --mrenclave $M $CAS_ADDR"
        )
        assert (run.returncode, run.stdout) == (1, "")

    def test_one_digit(self, bash):
        """With every flag set, one wrong digit of MRENCLAVE is refused and nothing is
        remembered.
        """
        run = bash(
            'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR" | tr 0123456789abcdef'
            f" 123456789abcdef0)\nscone cas attest {FLAGS} --mrenclave $M $CAS_ADDR; echo $?\nscone"
            " cas list; scone cas show-certificate; echo $?"
        )
        assert run.stdout.split() == ["1", "2"]
        assert "Unexpected enclave measurement (MRENCLAVE, " in run.stderr

    def test_without_simulated_roots(self, bash):
        """A simulated CAS is worth nothing under Intel's roots, whatever the flags."""
        run = bash(
            'M=$(casnb scrape "$CAS_PAGE_URL" --address "$CAS_ADDR"); unset CASNB_ROOTS\n'
            f"scone cas attest {FLAGS} --mrenclave $M $CAS_ADDR"
        )
        assert (
            (run.returncode, run.stdout) == (1, "")
            and "avr-chain" in run.stderr
            and "no flag waives" in run.stderr
        )


class TestTroubleshooting:
    """What the page's troubleshooting section quotes."""

    def test_wrong_session_name(self, attested):
        """The documented two sentences, as JSON."""
        run = attested(
            READ.replace('"example_session"', '"example_sessionx"').rstrip() + " | jq -c ."
        )
        assert json.loads(run.stdout.splitlines()[-1]) == {
            "msg": [
                (
                    "Failed to read value 'example_value' of '/session=example_sessionx' requested"
                    " by a public client"
                ),
                "Secret does not exist or is not visible for a public client",
            ]
        }

    def test_wrong_certificate(self, bash):
        """Another CAS's certificates have the same names: a cryptic signature error, curl's exit
        code 35 or 60.
        """
        from casnb.simulator.world import World

        (bash.folder / "cas_cert.crt").write_bytes(World("another").cas_chain_pem)
        run = bash(READ)
        assert run.returncode in (35, 60) and run.stdout == ""
        assert "EVP lib" in run.stderr or "signature" in run.stderr

    def test_no_certificate(self, bash):
        """Without --cacert nothing vouches for the CAS."""
        run = bash(
            "curl --connect-to cas:8081:$CAS_ADDR:8081"
            " https://cas:8081/v1/values/session=example_session"
        )
        assert run.returncode == 60 and run.stdout == ""

    def test_head_is_not_allowed(self, attested):
        """HEAD answers 405, which proves nothing about permission."""
        run = attested(
            "curl -sI --cacert cas_cert.crt --connect-to cas:8081:$CAS_ADDR:8081 "
            "https://cas:8081/v1/values/session=example_session,secret=example_value | head -1"
        )
        assert "405" in run.stdout.splitlines()[-1]


class TestSessions:
    """Assignments 2 and 3 in short: a namespace of one's own, its hash recomputed, an update."""

    SESSION = (
        'name: $NS\nversion: "0.3"\naccess_policy:\n  read:\n    - CREATOR\n  update:\n    -'
        " CREATOR\n"
    )

    def test_create_read_verify_update(self, attested):
        """The hash printed by create is what verify recomputes; an update without predecessor
        finds it by itself.
        """
        (attested.folder / "namespace.yml").write_text(self.SESSION)
        (attested.folder / "dollar.yml").write_text(
            self.SESSION.replace("$NS", "$NS/dollar")
            + "predecessor: $P\nsecrets:\n- {name: v, kind: ascii, value: 'pa\\$word'}\n"
        )
        run = attested(
            """set -e
NS="ns-$RANDOM-$$"
scone session read "$NS" > nothing && exit 9
HASH=$(scone session create namespace.yml -e NS="$NS")
scone session read "$NS" > session_read.yml
test "$(scone session verify session_read.yml | xargs)" = "$HASH"
scone session create namespace.yml -e NS="$NS" 2> again && exit 8
NEW=$(scone session update namespace.yml -e NS="$NS")
test "$NEW" != "$HASH"
scone session verify session_read.yml > /dev/null && exit 7
printf "\\n$(jq .identity "$SCONE_CLI_CONFIG" | tr -d '"')" > client.pem
curl -s --cacert cas_cert.crt --connect-to cas:8081:$CAS_ADDR:8081 --cert client.pem \
    "https://cas:8081/v1/sessions/${NS}?hash=${HASH}" | jq -r .session > with_curl.yml
diff with_curl.yml <(cat session_read.yml; echo)
grep -q "predecessor: $HASH" <(scone session read "$NS")
scone session create dollar.yml -e NS="$NS" -e P="~" > dollar
scone session read "$NS/dollar" > dollar_read.yml
test "$(scone session verify dollar_read.yml)" = "$(cat dollar)"
test "$(scone session verify dollar.yml -e NS="$NS" -e P="~")" = "$(cat dollar)"
scone session verify dollar.yml -e NS="$NS" 2> missing && exit 6
scone session create dollar.yml -e NS="$NS" -e P="$HASH" 2> stale && exit 5
echo "$HASH"
"""
        )
        assert run.returncode == 0, run.stderr
        assert len(run.stdout.splitlines()[-1]) == 64
        again = (attested.folder / "again").read_text()
        assert (
            "Session already exists, please specify predecessor hash" in again
            and "use scone session update" in again
        )
        assert "scone session read" in run.stderr, "the way on from a hash that differs"
        assert "Value for variable $P is missing" in (attested.folder / "missing").read_text()
        assert "Another version came in between" in (attested.folder / "stale").read_text()

    def test_a_namespace_of_ones_own(self, attested):
        """Assignments 2, 4 and 5: 0.2 holds no sessions, its update to 0.3 does; the hash is
        known beforehand, all is listed.
        """
        (attested.folder / "old.yml").write_text(self.SESSION.replace("0.3", "0.2"))
        (attested.folder / "new.yml").write_text(
            self.SESSION + "  create_sessions:\n    - CREATOR\n    -\npredecessor: $PREDECESSOR\n"
        )
        (attested.folder / "values.yml").write_text(
            'name: $NS/private_public_values\nversion: "0.3"\nsecrets:\n- {name: public_value,'
            ' kind: ascii, value: "42", export_public: true}\n- {name: private_value, kind: ascii,'
            ' value: "007"}\n'
        )
        run = attested(
            """set -e
export NS="ns-$RANDOM-$$"
export PREDECESSOR=$(scone session create old.yml -e NS="$NS" 2> warned)
grep -q "warning: version: 0.2" warned
scone session create values.yml --use-env 2> refused && exit 9
expected=$(scone session calculate-hash new.yml --use-env --with-self-as-creator tls)
test "$expected" = "$(scone session create new.yml --use-env)"
scone session create values.yml --use-env > /dev/null
scone session list | grep "^$NS" | sed "s/$NS/NS/"
value() { curl -s --cacert cas_cert.crt --connect-to cas:8081:$CAS_ADDR:8081 \
    "https://cas:8081/v1/values/session=$NS/private_public_values,secret=$1"; }
value public_value | jq -r .value
value private_value | jq -r '.msg[1]'
"""
        )
        assert run.returncode == 0, run.stderr
        assert run.stdout.splitlines()[-4:] == [
            "NS",
            "NS/private_public_values",
            "42",
            "Secret does not exist or is not visible for a public client",
        ]
        assert (
            "does not let this client create sessions" in (attested.folder / "refused").read_text()
        )

    def test_warnings_and_what_they_end(self, bash):
        """A warning goes to standard error and changes nothing, unless it shall be an error."""
        (bash.folder / "s.yml").write_text("name: s\nversion: 0.3\naccess_policy: {update: NONE}\n")
        run = bash(
            "scone session check s.yml; echo $?; scone session check s.yml --fail-on-warning;"
            " echo $?"
        )
        lines = run.stdout.splitlines()
        assert lines[0] == "version: '0.3'" and lines[-2:] == ["0", "1"]
        assert (
            run.stderr.count("nobody can ever change or repair this session") == 2
            and "--fail-on-warning was set" in run.stderr
        )

    def test_key_hashes_of_certificates(self, bash):
        """The hash that a policy takes for a certificate is the one by which its holder is
        known; other files are refused.
        """
        run = bash(
            """scone self show-certificate > own.crt
scone cert show-key-hash own.crt; scone self show-key-hash
openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -subj /CN=other -out other.crt 2> made
scone cert show-key-hash - < other.crt; scone cert show-key-hash rsa.key; echo $?"""
        )
        own, same, other, code = run.stdout.split()
        assert (
            own == same
            and len(other) == 50
            and other != own
            and code == "1"
            and "one PEM certificate" in run.stderr
        )

    def test_a_missing_variable(self, bash):
        """The documented sentence, and exit code 2."""
        (bash.folder / "session.yml").write_text(self.SESSION)
        run = bash("scone session check session.yml")
        assert run.returncode == 2
        assert "Caused by: name: Value for variable $NS is missing at line 1 column 7" in run.stderr

    def test_without_an_attested_cas(self, bash):
        """No CAS was attested: nothing is sent anywhere."""
        (bash.folder / "session.yml").write_text(self.SESSION)
        run = bash("scone session create session.yml -e NS=x")
        assert run.returncode in (1, 2) and "attest" in run.stderr and run.stdout == ""


class TestServe:
    """The simulator as a process."""

    def test_background_and_stop(self, tmp_path, shell_env):
        """It outlives the command that started it, is found again, and ends."""
        script = """
casnb serve --background --seed "$SEED" --env-file cas.env > printed || exit 1
diff printed cas.env && . ./cas.env
curl -s --cacert "$CAS_PAGE_CA" -o page.html "$CAS_PAGE_URL" && grep -c MrEnclave page.html
casnb serve --background --env-file cas.env; echo $?; test -f cas.env && echo kept
casnb stop; casnb stop
curl -s --cacert "$CAS_PAGE_CA" "$CAS_PAGE_URL" || echo ended
"""
        run = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env=shell_env(
                tmp_path, SEED=f"background {os.getpid()}", XDG_STATE_HOME=str(tmp_path / "state")
            ),
        )
        assert run.stdout.split()[1:] == ["2", "kept", "ended"], run.stderr
        assert "casnb stop: stopped." in run.stderr and "nothing was running" in run.stderr

    @pytest.mark.soak
    def test_state_survives(self, tmp_path, shell_env, serving):
        """With --state a session that was acknowledged is there after a restart."""
        words = ("--seed", f"state {os.getpid()}", "--state", str(tmp_path / "state"))
        (tmp_path / "s.yml").write_text(TestSessions.SESSION)
        script = (
            ". ./cas.env\n" + ATTEST + "HASH=$(scone session create s.yml -e NS=mine); echo $HASH"
        )
        again = ". ./cas.env\nscone session read mine > read.yml; scone session verify read.yml"

        def last_line(text: str) -> str:
            run = subprocess.run(
                ["bash", "-c", text],
                cwd=tmp_path,
                env=shell_env(tmp_path),
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert run.returncode == 0, run.stderr
            return run.stdout.splitlines()[-1]

        with serving(tmp_path, *words):
            created = last_line(script)
        with serving(tmp_path, *words):
            assert last_line(again) == created

    @pytest.mark.parametrize(
        "words",
        [["--address", "192.0.2.1"], ["--scenario", "nope"], ["--port", "99999"]],
        ids=" ".join,
    )
    def test_wrong_use(self, tmp_path, shell_env, words):
        """Loopback only, known scenarios, real ports: exit 2."""
        run = subprocess.run(
            [str(BIN / "casnb"), "serve", *words],
            env=shell_env(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (run.returncode, run.stdout) == (2, "")

    def test_env_file_that_cannot_be_written(self, tmp_path, shell_env):
        """Where the export lines cannot be left, it does not stay."""
        run = subprocess.run(
            [
                str(BIN / "casnb"),
                "serve",
                "--seed",
                "unwritten",
                "--env-file",
                str(tmp_path / "no" / "cas.env"),
            ],
            env=shell_env(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 3 and "No such file" in run.stderr


class TestRealReport:
    """A real public CAS's answer of 2019, through the command."""

    M = "756aefddc7a37d6d9806a06fa110dc7ccc5c9a33f722acb551eed0c78fd2ab03"

    @pytest.fixture
    def attest(self, vectors, tmp_path, shell_env):
        report = vectors / "cas-attest" / "v1-attest-iasreport-2019.json"
        nonce = json.loads(report.read_text())["additional_data"]["nonce"]

        def run(*flags: str, mrenclave: str = self.M, nonce: str = nonce, report: Path = report):
            return subprocess.run(
                [
                    str(BIN / "scone"),
                    "cas",
                    "attest",
                    "scone-cas.cf",
                    "--offline-report",
                    str(report),
                    "--nonce",
                    nonce,
                    "--verification-time",
                    "2019-07-20",
                    "--mrenclave",
                    mrenclave,
                    *flags,
                ],
                env=shell_env(tmp_path),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=120,
            )

        run.report, run.nonce = report, nonce
        return run

    def test_without_flags(self, attest):
        """Rejected, naming debug, signer and GROUP_OUT_OF_DATE."""
        run = attest()
        assert (run.returncode, run.stdout) == (1, "")
        assert (
            "Debug mode is enabled" in run.stderr
            and "MRSIGNER" in run.stderr
            and "GROUP_OUT_OF_DATE" in run.stderr
        )

    def test_with_the_three_flags(self, attest, tmp_path, shell_env):
        """Accepted with exactly three waivers; the certificate of 2019 can be exported, and the
        default is set.
        """
        run = attest(*FLAGS.split())
        assert (run.returncode, run.stdout) == (
            0,
            "CAS scone-cas.cf at https://scone-cas.cf:8081/ is trustworthy\n",
        )
        assert [line.split(":")[0] for line in run.stderr.splitlines() if "waived by" in line] == [
            "  tcb-status",
            "  debug",
            "  mrsigner",
        ]
        shown = subprocess.run(
            [str(BIN / "scone"), "cas", "list"],
            env=shell_env(tmp_path),
            capture_output=True,
            text=True,
        )
        assert shown.stdout == "* scone-cas.cf: https://scone-cas.cf:8081/\n"

    def test_one_digit_of_mrenclave_or_nonce(self, attest):
        """One changed digit is refused by the check that compares it."""
        run = attest(*FLAGS.split(), mrenclave=self.M[:-1] + "4")
        assert run.returncode == 1 and "MRENCLAVE" in run.stderr
        run = attest(*FLAGS.split(), nonce=attest.nonce[:-1] + "0")
        assert run.returncode == 1 and "Check nonce failed" in run.stderr

    @pytest.mark.parametrize(
        ("old", "new", "check"),
        [
            ("GROUP_OUT_OF_DATE", "OK", "avr-signature"),
            ("L/JnqRwL", "L/JnqRwM", "avr-signature"),
            ("CasAttestationDataV1", "CasAttestationDataV2", "additional_data"),
            ("MIIBWjCC", "MIIBWjCD", "certificate-binding"),
        ],
    )
    def test_one_changed_piece(self, attest, tmp_path, old, new, check):
        """Body, signature and certificates: each change is refused by name."""
        text = attest.report.read_text()
        assert old in text
        (tmp_path / "changed.json").write_text(text.replace(old, new))
        run = attest(*FLAGS.split(), report=tmp_path / "changed.json")
        assert (run.returncode, run.stdout) == (1, "") and check in run.stderr


#: Where the page stands in the address of the page, to what the course's pipeline finds there.
LAYOUTS = {
    "latest": "Error: --mrenclave: got 'the'",
    "2024-10": "needs a value and got -GCS",
    "2022-04": "needs a value and got --only_for_testing-ignore-signer",
    "2021-11": "is trustworthy",
    "2021-10": "Unexpected enclave measurement",
}


@pytest.mark.scripts
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_solution_as_printed(bash, casnb, layout):
    """The ninth word of the page's example line, as the course's own solution takes it: with one
    layout it is right, with the others the CLI or the CAS's measurement stops it; the help of
    serve names each.
    """
    done = bash(
        f"""
        MRENCLAVE=$(curl -s --cacert "$CAS_PAGE_CA" "${{CAS_PAGE_URL/latest/{layout}}}" \\
            | grep "scone cas attest" | tail -1 | awk '{{print $9}}')
        scone cas attest -G --mrenclave $MRENCLAVE --only_for_testing-ignore-signer \\
            --only_for_testing-debug $CAS_ADDR
        """
    )
    assert LAYOUTS[layout] in done.stdout + done.stderr
    assert (done.returncode == 0) == (layout == "2021-11")
    assert layout in casnb("serve", "--help").stdout
