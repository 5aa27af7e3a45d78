"""`casnb decode`, `casnb verify` and `casnb scrape` on real files and on bad ones."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from pathlib import Path

import pytest

from casnb import __version__

MRENCLAVE = "756aefddc7a37d6d9806a06fa110dc7ccc5c9a33f722acb551eed0c78fd2ab03"
FLAGS = ["-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug"]


@pytest.fixture
def real(vectors) -> Path:
    """The answer of a real public CAS, 2019."""
    return vectors / "cas-attest" / "v1-attest-iasreport-2019.json"


_SAMPLE = "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb"


class TestDecode:
    """What does it say?"""

    def test_real_report_as_a_table(self, casnb, real):
        """Every field is there, a measurement stands on one line, and it is said that nothing
        was verified.
        """
        result = casnb("decode", real)
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"MRENCLAVE     {MRENCLAVE}" in result.stdout
        assert "SCONE's built-in test signer" in result.stdout
        assert "not verified" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80

    @pytest.mark.parametrize(
        ("scenario", "told"),
        [("public", "TCB status    GROUP_OUT_OF_DATE"), ("production", "a verifier works it out")],
    )
    def test_what_is_said_of_the_platform(self, casnb, tmp_path, scenario, told):
        """The service's word where the report has one; that nothing was said where a verifier
        has to work it out.
        """
        from casnb.simulator.world import World

        world = World(scenario=scenario)
        (tmp_path / "x").write_bytes(world.attest(world.setup.evidence[0]))
        shown = casnb("decode", tmp_path / "x").stdout
        assert told in shown and max(map(len, shown.splitlines())) <= 80
        assert (
            "additional_data.nonce   (empty)" in shown
            and "-----BEGIN CERTIFICATE-----\u240d" in shown
        )

    def test_json_has_everything_in_full(self, casnb, real):
        """--json is one object: the members as sent and the quote decoded."""
        found = json.loads(casnb("decode", real, "--json").stdout)
        assert found["type"] == "cas-report"
        assert found["proof_data"]["body"] == json.loads(real.read_text())["proof_data"]["body"]
        assert MRENCLAVE in json.dumps(found["quote"])

    def test_quote_offsets(self, casnb, vectors):
        """A quote shows where each field stands."""
        shown = casnb("decode", vectors / "dcap" / "dcapqvl-sample-202506" / "quote.bin").stdout
        line = next(row for row in shown.splitlines() if "mr_enclave" in row)
        assert line.split()[:3] == ["112", "32", "mr_enclave"]

    def test_standard_input(self, casnb, real):
        """A dash reads standard input."""
        assert casnb("decode", "-", "--json", input=real.read_bytes()).exit_code == 0

    BAD = [
        pytest.param(b"", "0 bytes", id="empty"),
        pytest.param(b"hello, world\n", "a text of 13 characters", id="not-evidence"),
        pytest.param(b'{"proof_data": {', "not JSON", id="cut-json"),
        pytest.param(b'{"a": 1}', "JSON with members a", id="other-json"),
        pytest.param(b"\x03\0\x02\0" + bytes(400), "cut short", id="cut-quote"),
        pytest.param(b'{"proof_data":"' + b"x" * 10_000_000 + b'"}', "at most", id="10-MB-report"),
    ]

    @pytest.mark.parametrize(("data", "told"), BAD)
    def test_bad_input_is_one_sentence(self, casnb, tmp_path, data, told):
        """Malformed evidence exits 1 with one line that says what was there."""
        (tmp_path / "x").write_bytes(data)
        result = casnb("decode", tmp_path / "x")
        assert (result.exit_code, result.stdout) == (1, "")
        assert (
            told in result.stderr and result.stderr.count("\n") == 1 and len(result.stderr) < 1000
        )

    def test_missing_file(self, casnb, tmp_path):
        """A file that is not there could not be checked."""
        result = casnb("decode", tmp_path / "no")
        assert (result.exit_code, result.stdout) == (3, "")
        assert "No such file" in result.stderr

    def test_a_report_cannot_steer_the_terminal(self, casnb, real, tmp_path):
        """Escape sequences and rich markup in a report come out harmless."""
        report = json.loads(real.read_text())
        report["proof_data"]["request_id"] = "\x1b[2J[bold red]boo[/]"
        (tmp_path / "x").write_text(json.dumps(report))
        shown = casnb("decode", tmp_path / "x").stdout
        assert "\x1b" not in shown and "[bold red]boo[/]" in shown


def corrupted(report: dict, where: str) -> dict:
    """Return a copy of a CAS report with one thing changed."""
    out = json.loads(json.dumps(report))
    proof, extra = out["proof_data"], out["additional_data"]
    if where == "body":
        proof["body"] = proof["body"].replace("GROUP_OUT_OF_DATE", "OK")
    if where == "signature":
        raw = bytearray(base64.b64decode(proof["report_signature"]))
        raw[100] ^= 1
        proof["report_signature"] = base64.b64encode(raw).decode()
    if where == "chain":
        proof["signing_certificate"] = proof["signing_certificate"].replace("MII", "MIJ", 1)
    if where == "nonce":
        extra["nonce"] = extra["nonce"][:-1] + "0"
    if where == "cas-chain":
        extra["cert_chain"] = extra["cert_chain"].replace("\r\n", "\n")
    return out


class TestVerify:
    """Is it genuine, is it wanted?"""

    AT = ["--at", "2019-07-20"]

    def test_real_report_without_flags(self, casnb, real):
        """The public CAS of 2019 is refused, for all three reasons at once."""
        result = casnb("verify", real, *self.AT, "--mrenclave", MRENCLAVE, "--json")
        found = json.loads(result.stdout)
        assert result.exit_code == 1
        assert found["verdict"] == "rejected" and found["tcb_status"] == "GROUP_OUT_OF_DATE"
        assert [c["id"] for c in found["checks"] if c["status"] == "failed"] == [
            "tcb-status",
            "debug",
            "mrsigner",
        ]

    def test_real_report_with_the_three_flags(self, casnb, real):
        """With the assignment's flags there are exactly three waivers, each naming its flag."""
        result = casnb("verify", real, *self.AT, "--mrenclave", MRENCLAVE, *FLAGS, "--json")
        found = json.loads(result.stdout)
        assert result.exit_code == 0
        assert found["verdict"] == "accepted-with-waivers"
        assert {c["id"]: c["flag"] for c in found["checks"] if c["status"] == "waived"} == {
            "tcb-status": "-G",
            "debug": FLAGS[2],
            "mrsigner": FLAGS[1],
        }
        assert found["identity"]["mrenclave"] == MRENCLAVE and found["identity"]["debug"] is True

    def test_the_terminal_says_waived_and_no_secrets(self, casnb, real):
        """In words: WAIVED, never PASSED, and that it must not hold secrets."""
        shown = casnb("verify", real, *self.AT, "--mrenclave", MRENCLAVE, *FLAGS).stdout
        assert [line.split()[1] for line in shown.splitlines() if line.startswith("WAIVED")] == [
            "tcb-status",
            "debug",
            "mrsigner",
        ]
        assert "must not hold secrets" in " ".join(shown.split())
        assert "trustworthy" not in shown
        assert max(map(len, shown.splitlines())) <= 80

    @pytest.mark.parametrize(
        ("where", "check"),
        [
            ("body", "avr-signature"),
            ("signature", "avr-signature"),
            ("chain", "avr-chain"),
            ("nonce", "certificate-binding"),
            ("cas-chain", "certificate-binding"),
        ],
    )
    def test_one_changed_piece_fails_the_right_check(self, casnb, real, tmp_path, where, check):
        """Whatever flags are set, a changed piece is refused by the check that guards it."""
        (tmp_path / "x").write_text(
            json.dumps(corrupted(json.loads(real.read_text()), where), indent=2)
        )
        result = casnb(
            "verify", tmp_path / "x", *self.AT, "--mrenclave", MRENCLAVE, *FLAGS, "--json"
        )
        assert result.exit_code == 1
        assert check in [
            c["id"] for c in json.loads(result.stdout)["checks"] if c["status"] == "failed"
        ]

    @pytest.mark.parametrize("size", [100, 3000, 6000])
    def test_truncated_report(self, casnb, real, tmp_path, size):
        """A report cut short is malformed: one sentence, exit 1."""
        (tmp_path / "x").write_bytes(real.read_bytes()[:size])
        result = casnb("verify", tmp_path / "x", *self.AT)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "not JSON" in result.stderr and result.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("file", "code", "got"),
        [
            pytest.param(
                "collateral.json", 1, "got endorsements: what Intel signed", id="endorsements-alone"
            ),
        ],
    )
    def test_halves_name_the_option_that_joins_them(self, casnb, vectors, file, code, got):
        """What Intel signed, without a quote, says how the halves go together."""
        result = casnb("verify", vectors / "dcap" / "dcapqvl-sample-202506" / file)
        assert (result.exit_code, result.stdout) == (code, "")
        assert got in result.stderr and "--endorsements FILE" in result.stderr

    PCS = "https://api.trustedservices.intel.com/sgx/certification/v4"

    def test_quote_alone(self, casnb, vectors):
        """A quote alone is proven as far as it goes, nothing is decided, and what to fetch is
        said: on the screen and as JSON.
        """
        file = vectors / "dcap" / "dcapqvl-sample-202506" / "quote.bin"
        result = casnb("verify", file)
        assert result.exit_code == 3
        for told in (
            "PASSED   quote-signature",
            "PASSED   pck-chain",
            "NOT RUN  tcb-status",
            "NOT DECIDED",
            "FMSPC 00A067110000, PCEID 0000, CA processor",
            f"{self.PCS}/tcb?fmspc=00A067110000",
            f"{self.PCS}/qe/identity",
            f"{self.PCS}/pckcrl?ca=processor&encoding=der",
            "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
        ):
            assert told in result.stdout
        found = json.loads(casnb("verify", file, "--json").stdout)
        assert (found["decided"], found["needs"]["ca"]) == (False, "processor")
        assert "verdict" not in found
        status = {c["id"]: c["status"] for c in found["checks"]}
        assert {i for i, s in status.items() if s == "passed"} == {
            "quote-format",
            "pck-chain",
            "qe-report-signature",
            "qe-report-binding",
            "quote-signature",
        }
        assert set(status.values()) == {"passed", "not-run"}

    @pytest.mark.parametrize(
        ("at", "check"),
        [(450, "quote-signature"), (960, "qe-report-signature"), (520, "qe-report-binding")],
    )
    def test_bad_quote_alone(self, casnb, vectors, tmp_path, at, check):
        """A quote whose own signatures do not hold is rejected without any list."""
        data = bytearray((vectors / "dcap" / "dcapqvl-sample-202506" / "quote.bin").read_bytes())
        data[at] ^= 1
        (tmp_path / "quote").write_bytes(data)
        result = casnb("verify", tmp_path / "quote", "--json")
        found = json.loads(result.stdout)
        assert (result.exit_code, found["verdict"]) == (1, "rejected")
        assert next(c for c in found["checks"] if c["status"] == "failed")["id"] == check

    def test_quotes_alone_among_many(self, casnb, vectors):
        """Among many a quote without endorsements counts as not checked."""
        folder = vectors / "dcap" / "dcapqvl-sample-202506"
        result = casnb("verify", folder / "quote.bin", folder / "quote.bin", "--json")
        assert result.exit_code == 3
        assert {json.loads(r)["verdict"] for r in result.stdout.splitlines()} == {"not-checked"}

    @pytest.mark.parametrize(
        ("members", "code"),
        [
            ({"version": 3, "tee_type": 0}, 0),
            ({"version": 3.1}, 0),
            ({"tee_type": 0x81}, 3),
            ({"version": 2}, 3),
            ({"version": True}, 3),
            ({"other": 1}, 3),
        ],
    )
    def test_head_of_intels_structure(self, casnb, vectors, tmp_path, members, code):
        """The first members of Intel's structure are read, and lists for TDX refused."""
        folder = vectors / "dcap" / "dcapqvl-sample-202506"
        lists = {**members, **json.loads((folder / "collateral.json").read_bytes())}
        (tmp_path / "lists").write_text(json.dumps(lists))
        words = ["-C", "-S", "--only_for_testing-ignore-signer", "--mrenclave", _SAMPLE]
        result = casnb(
            "verify",
            folder / "quote.bin",
            "--endorsements",
            tmp_path / "lists",
            "--at",
            "2025-07-08T18:40:00Z",
            *words,
        )
        assert result.exit_code == code

    def test_quote_with_endorsements(self, casnb, vectors):
        """A bare DCAP quote is judged with the endorsements given."""
        folder = vectors / "dcap" / "dcapqvl-sample-202506"
        words = [
            "verify",
            folder / "quote.bin",
            "--endorsements",
            folder / "collateral.json",
            "--at",
            "1752000000",
            "--mrsigner",
            "815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6",
            "--isvprodid",
            "0",
            "--isvsvn",
            "0",
        ]
        assert casnb(*words).exit_code == 1
        found = json.loads(casnb(*words, "-CS", "--json").stdout)
        assert found["verdict"] == "accepted-with-waivers"
        assert found["advisories"] == ["INTEL-SA-00289", "INTEL-SA-00615"]

    def test_bare_ias_report(self, casnb, vectors):
        """A body alone says what is missing; with signature and chain it is judged."""
        folder = vectors / "avr" / "teaclave-v3"
        alone = casnb("verify", folder / "body.json")
        assert alone.exit_code == 2 and "--signature" in alone.stderr
        words = [
            "--signature",
            folder / "signature.b64",
            "--chain",
            folder / "chain.pem",
            "--at",
            "2020-03-01",
            "--json",
        ]
        found = json.loads(casnb("verify", folder / "body.json", *words).stdout)
        assert [c["status"] for c in found["checks"] if c["id"] == "avr-signature"] == ["passed"]

    def test_chain_as_the_header_has_it(self, casnb, vectors):
        """The certificates may be URL-encoded, as the service sent them; that is said, and the
        result is the same.
        """
        folder = vectors / "avr" / "oasis-v4-swhardening"
        words = [
            "verify",
            folder / "body.json",
            "--signature",
            folder / "signature.b64",
            "--at",
            "2020-06-01",
            "--json",
            "--chain",
        ]
        plain, encoded = (
            casnb(*words, folder / n)
            for n in ("chain.pem", "x-iasreport-signing-certificate.urlencoded")
        )
        assert "URL-encoded" in encoded.stderr and "URL-encoded" not in plain.stderr
        assert encoded.stdout == plain.stdout and encoded.exit_code == plain.exit_code == 1
        assert [
            c["status"] for c in json.loads(encoded.stdout)["checks"] if c["id"] == "avr-signature"
        ] == ["passed"]

    MISUSE = [
        pytest.param([], "FILE is missing", id="no-file"),
        pytest.param(["x", "--manifest", "m"], "leave FILE out", id="file-and-manifest"),
        pytest.param(["x", "--signature", "s"], "belong together", id="signature-alone"),
        pytest.param(["x", "--at", "yesterday"], "yyyy-mm-dd", id="bad-time"),
        pytest.param(
            ["x", "--at", "\N{SUPERSCRIPT TWO}"], "yyyy-mm-dd", id="time-that-is-no-number"
        ),
        pytest.param(
            ["x", "--at", "\N{FULLWIDTH DIGIT TWO}026-09-01"],
            "yyyy-mm-dd",
            id="time-in-other-digits",
        ),
        pytest.param(["x", "--mrenclave", ""], "--mrenclave needs a value", id="empty-mrenclave"),
        pytest.param(["x", "--mrenclave", MRENCLAVE.upper()], "lower case", id="upper-case"),
        pytest.param(
            ["x", "--only_for_testing-debug"],
            "needs --only_for_testing-ignore-signer",
            id="debug-alone",
        ),
        pytest.param(["x", "--max-age", "30"], "wanted a number and its unit", id="bare-number"),
        pytest.param(
            ["x", "--ignore-advisories", ", ,"],
            "wanted at least one name",
            id="advisories-of-empty-variables",
        ),
        pytest.param(
            ["x", "--refuse-platform-settings", ","],
            "wanted at least one name",
            id="settings-of-empty-variables",
        ),
    ]

    @pytest.mark.parametrize(("words", "told"), MISUSE)
    def test_wrong_use(self, casnb, words, told):
        """Contradictions are found before any file is read, and exit 2."""
        result = casnb("verify", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr

    def test_epid_quote_cannot_be_checked(self, casnb, vectors):
        """Nobody can judge an EPID quote any more: exit 3, not a rejection."""
        result = casnb("verify", vectors / "cas-attest" / "v1-attest-epid-2019.json")
        assert result.exit_code == 3 and "EPID" in result.stderr
        assert "ended on 2 April 2025" in result.stderr and "IASReport" not in result.stderr

    def test_a_stored_report_after_the_end_of_its_service(self, casnb, vectors):
        """The refusal says that service and certificate have ended and at which time the report
        can be judged; at that time it is proven.
        """
        folder = vectors / "avr" / "teaclave-v3"
        words = [folder / "body.json", "--chain", folder / "chain.pem"]
        words += ["--signature", folder / "signature.b64"]
        late = casnb("verify", *words, "--at", "2027-01-01")
        told = " ".join(late.stdout.split())
        assert late.exit_code == 1 and "ended on 2 April 2025" in told
        own = re.search(r"casnb verify --at ([0-9T:Z-]{20})", told)
        found = json.loads(casnb("verify", *words, "--at", own[1], "--json").stdout)
        assert {c["id"]: c["status"] for c in found["checks"]}["avr-signature"] == "passed"

    def test_no_advice_where_the_time_is_not_what_is_wrong(self, casnb, vectors, tmp_path):
        """A chain that no time makes good gets no advice to try another, and a simulated report
        says nothing of Intel's service.
        """
        from casnb.simulator.world import World

        world = World("stored", "public")
        (tmp_path / "report.json").write_bytes(world.attest("IASReport"))
        (tmp_path / "roots.pem").write_bytes(world.roots_pem)
        other = casnb("verify", tmp_path / "report.json", "--at", "2060-01-01")
        assert other.exit_code == 1 and "--at" not in other.stdout
        words = ["--simulated-roots", tmp_path / "roots.pem", "--at", "2060-01-01"]
        ours = " ".join(casnb("verify", tmp_path / "report.json", *words).stdout.split())
        assert "casnb verify --at" in ours and "2025" not in ours

    def test_simulated_and_real_roots_do_not_mix(self, casnb, real, tmp_path):
        """A real report fails under simulated roots, a simulated one under Intel's; using
        simulated roots is said.
        """
        from casnb.simulator.world import World

        world = World()
        (tmp_path / "roots.pem").write_bytes(world.roots_pem)
        (tmp_path / "report.json").write_bytes(world.attest())
        at = [
            "--at",
            world.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "--mrenclave",
            world.mrenclave,
            *FLAGS,
        ]
        ours = ["--simulated-roots", tmp_path / "roots.pem"]
        accepted = casnb("verify", tmp_path / "report.json", *ours, *at)
        assert accepted.exit_code == 0 and "simulated roots" in accepted.stderr
        assert casnb("verify", tmp_path / "report.json", *at).exit_code == 1
        assert (
            casnb("verify", real, *ours, *self.AT, "--mrenclave", MRENCLAVE, *FLAGS).exit_code == 1
        )

    def test_production_needs_no_flag_under_simulated_roots(self, casnb, tmp_path):
        """With simulated roots the simulated vendor is the expected signer."""
        from casnb.simulator.world import World

        world = World(scenario="production")
        (tmp_path / "roots.pem").write_bytes(world.roots_pem)
        (tmp_path / "report.json").write_bytes(world.attest("DCAP"))
        result = casnb(
            "verify",
            tmp_path / "report.json",
            "--at",
            world.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "--json",
            "--simulated-roots",
            str(tmp_path / "roots.pem"),
        )
        found = json.loads(result.stdout)
        assert found["verdict"] == "trustworthy" and found["simulated"]
        assert found["sentence"].startswith("Simulated report.json is trustworthy")


PAGES = [
    "2021-06-21-5fc9fdf3",
    "2021-10-14-c3c5b8ff",
    "2022-04-27-9bbf15dc",
    "2024-10-29-65631003",
    "2026-08-04-dec28075",
]


class TestScrape:
    """Which code do I expect?"""

    @pytest.mark.parametrize("name", PAGES)
    def test_real_pages(self, casnb, vectors, name):
        """--all --json gives exactly what a person read off the page."""
        folder = vectors / "public-cas" / name
        result = casnb("scrape", folder / "page.html", "--all", "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout) == json.loads((folder / "expected.json").read_text())

    def test_one_address_is_a_bare_value(self, casnb, vectors):
        """With --address standard output is the value and a newline, warnings go elsewhere."""
        result = casnb(
            "scrape", vectors / "public-cas" / PAGES[-1] / "page.html", "--address", "scone-cas.cf"
        )
        assert result.stdout == "074829fe6f6240e5e4913c59db375f7dc004ae0e1452e669f6cb2b69e1adefc1\n"

    REFUSED = [
        pytest.param(PAGES[-1], "edge.scone-cas.cf", "N/A", id="not-given"),
        pytest.param(PAGES[-1], "cas.example", "no row for it", id="missing"),
        pytest.param("root-404", "scone-cas.cf", "no table", id="404-page"),
    ]

    @pytest.mark.parametrize(("page", "address", "told"), REFUSED)
    def test_refusals_name_the_reason(self, casnb, vectors, page, address, told):
        """A page without a usable value prints nothing on standard output and exits 1."""
        result = casnb("scrape", vectors / "public-cas" / page / "page.html", "--address", address)
        assert (result.exit_code, result.stdout) == (1, "")
        assert told in result.stderr

    def test_page_of_100_MB(self, casnb, tmp_path):
        """A huge page is refused without being read to its end."""
        with (tmp_path / "page.html").open("wb") as file:
            file.truncate(100 << 20)
        result = casnb("scrape", tmp_path / "page.html", "--all")
        assert (
            result.exit_code == 1 and "at most" in result.stderr and result.stderr.count("\n") == 1
        )

    def test_table_is_readable_and_narrow(self, casnb, vectors):
        """Without options every row is printed, the value on a line of its own."""
        shown = casnb("scrape", vectors / "public-cas" / PAGES[-1] / "page.html").stdout
        lines = [line.rstrip() for line in shown.splitlines()]
        assert "  074829fe6f6240e5e4913c59db375f7dc004ae0e1452e669f6cb2b69e1adefc1" in lines
        assert lines[lines.index("  no MRENCLAVE") + 1] == "  instead: N/A"

    @pytest.mark.parametrize(
        ("url", "code"),
        [("https://127.0.0.1:1/", 3), ("http://127.0.0.1:1/", 2), ("no-such-file.html", 3)],
    )
    def test_pages_out_of_reach(self, casnb, url, code):
        """Unreachable is not refused, and plain http is not even tried."""
        result = casnb("scrape", url, "--address", "x")
        assert (result.exit_code, result.stdout) == (code, "")
        assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1

    def test_address_and_all_contradict(self, casnb):
        """One row or every row."""
        assert casnb("scrape", "x", "--all", "--address", "y").exit_code == 2


class TestLab:
    """`casnb lab DIR` never costs a reader's work."""

    @pytest.fixture
    def shipped(self, tmp_path, monkeypatch):
        from casnb.cli import copies as layout

        source = tmp_path / "shipped"
        (source / "sub").mkdir(parents=True)
        (source / "00-start.ipynb").write_text("one")
        (source / "01-next.ipynb").write_text("two")
        (source / "sub" / "picture.svg").write_text("<svg/>")
        (source / ".ipynb_checkpoints").mkdir()
        (source / ".ipynb_checkpoints" / "x.ipynb").write_text("no")
        monkeypatch.setattr(layout, "shipped", lambda: source)
        return source

    def test_first_time(self, casnb, shipped, tmp_path):
        """Everything is laid out, checkpoints are not, and the folder is named."""
        target = tmp_path / "mine"
        result = casnb("lab", target, "--setup-only")
        assert (result.exit_code, result.stdout) == (0, "")
        found = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
        assert found == [
            ".casnb-laid-out.json",
            "00-start.ipynb",
            "01-next.ipynb",
            "sub/picture.svg",
        ]
        assert str(target) in result.stderr

    def test_second_time_changes_nothing(self, casnb, shipped, tmp_path):
        """Without a new version no file is touched."""
        casnb("lab", tmp_path / "mine", "--setup-only")
        (tmp_path / "mine" / "00-start.ipynb").write_text("my answer")
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "mine").rglob("*.ipynb")}
        casnb("lab", tmp_path / "mine", "--setup-only")
        assert {p: p.stat().st_mtime_ns for p in (tmp_path / "mine").rglob("*.ipynb")} == before

    def edited(self, casnb, shipped, mine: Path) -> str:
        """Lay out, change the first notebook, bring out a new version of both, and lay out again;
        return what was said.
        """
        casnb("lab", mine, "--setup-only")
        (mine / "00-start.ipynb").write_text("my answer")
        (shipped / "00-start.ipynb").write_text("one, newer")
        (shipped / "01-next.ipynb").write_text("two, newer")
        return casnb("lab", mine, "--setup-only").stderr

    def test_update(self, casnb, shipped, tmp_path):
        """An unchanged notebook is brought up to date; a changed one is kept, its new version in a
        folder named like the version, said in one line.
        """
        mine, updates = tmp_path / "mine", f"updates/{__version__}"
        said = self.edited(casnb, shipped, mine)
        assert (mine / "00-start.ipynb").read_text() == "my answer"
        assert (mine / updates / "00-start.ipynb").read_text() == "one, newer"
        assert (mine / "01-next.ipynb").read_text() == "two, newer"
        assert [p.name for p in (mine / updates).iterdir()] == ["00-start.ipynb"]
        (line,) = [line for line in said.splitlines() if "updates" in line]
        assert "00-start.ipynb" in line and f"mine/{updates}" in line

    def test_an_update_is_given_once(self, casnb, shipped, tmp_path):
        """The same again touches and says nothing, also where the reader has removed the new
        version; what 0.1.0 put beside is left alone.
        """
        mine = tmp_path / "mine"
        self.edited(casnb, shipped, mine)
        (mine / "00-start.new.ipynb").write_text("of an earlier release")
        new = mine / "updates" / __version__ / "00-start.ipynb"
        before = new.stat().st_mtime_ns
        assert "updates" not in casnb("lab", mine, "--setup-only").stderr
        assert new.stat().st_mtime_ns == before
        new.unlink()
        assert "updates" not in casnb("lab", mine, "--setup-only").stderr
        assert not new.exists()
        assert (mine / "00-start.new.ipynb").read_text() == "of an earlier release"

    def test_a_newer_update_replaces_an_untouched_one(self, casnb, shipped, tmp_path):
        """A new version that nobody touched follows; of another release it has its own folder."""
        mine = tmp_path / "mine"
        self.edited(casnb, shipped, mine)
        (shipped / "00-start.ipynb").write_text("newest")
        casnb("lab", mine, "--setup-only")
        assert (mine / "updates" / __version__ / "00-start.ipynb").read_text() == "newest"

    def test_the_next_release(self, casnb, shipped, tmp_path, monkeypatch):
        """The folder of the release before stays as it is."""
        mine = tmp_path / "mine"
        self.edited(casnb, shipped, mine)
        monkeypatch.setattr("casnb.__version__", "9.9.0")
        (shipped / "00-start.ipynb").write_text("nine")
        casnb("lab", mine, "--setup-only")
        assert (mine / "updates" / "9.9.0" / "00-start.ipynb").read_text() == "nine"
        assert (mine / "updates" / __version__ / "00-start.ipynb").read_text() == "one, newer"

    def test_a_changed_new_version_is_work_too(self, casnb, shipped, tmp_path):
        """A new version that the reader worked in is not overwritten either, and that is said."""
        mine = tmp_path / "mine"
        self.edited(casnb, shipped, mine)
        new = mine / "updates" / __version__ / "00-start.ipynb"
        new.write_text("my other answer")
        (shipped / "00-start.ipynb").write_text("newest")
        said = casnb("lab", mine, "--setup-only").stderr
        assert new.read_text() == "my other answer" and "changed them there" in said

    def test_links_of_an_update(self, casnb, shipped, tmp_path):
        """Links from a new version lead to the reader's own notebooks; other links stay; put in
        place of the old one it is the notebook as shipped again.
        """
        mine = tmp_path / "mine"
        casnb("lab", mine, "--setup-only")
        (mine / "00-start.ipynb").write_text("my answer")
        text = (
            "[next](01-next.ipynb#a) ![map](sub/picture.svg) [x](https://a/01-next.ipynb) [y](#a)"
        )
        (shipped / "00-start.ipynb").write_text(text)
        casnb("lab", mine, "--setup-only")
        new = mine / "updates" / __version__ / "00-start.ipynb"
        links = re.findall(r"\]\(([^)#]+)[)#]", new.read_text())
        assert links == ["../../01-next.ipynb", "../../sub/picture.svg", "https://a/01-next.ipynb"]
        assert all((new.parent / link).is_file() for link in links[:2])
        new.rename(mine / "00-start.ipynb")
        casnb("lab", mine, "--setup-only")
        assert (mine / "00-start.ipynb").read_text() == text

    def test_a_lost_record_keeps_everything(self, casnb, shipped, tmp_path):
        """Without the record every file counts as the reader's own."""
        mine = tmp_path / "mine"
        casnb("lab", mine, "--setup-only")
        (mine / ".casnb-laid-out.json").write_text("{")
        (shipped / "00-start.ipynb").write_text("newer")
        casnb("lab", mine, "--setup-only")
        assert (mine / "00-start.ipynb").read_text() == "one"

    def test_a_file_in_the_way(self, casnb, shipped, tmp_path):
        """A folder that cannot be made is a sentence."""
        (tmp_path / "mine").write_text("a file")
        result = casnb("lab", tmp_path / "mine" / "deeper", "--setup-only")
        assert result.exit_code == 3 and result.stderr.count("\n") == 1

    def test_in_place_and_dir_contradict(self, casnb):
        """The checkout's notebooks or a copy."""
        assert casnb("lab", "x", "--in-place").exit_code == 2

    def test_environment_of_jupyter(self, monkeypatch, tmp_path):
        """Kernels see the world, find our commands first, and keep simulated CASes out of the
        reader's own file.
        """
        from casnb.cli.lab_command import environment

        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        monkeypatch.setenv("SCONE_CLI_CONFIG", "mine")
        assert environment({"CAS_ADDR": "127.1.2.3"})["CAS_ADDR"] == "127.1.2.3"
        assert environment({})["SCONE_CLI_CONFIG"] == "mine"
        monkeypatch.delenv("SCONE_CLI_CONFIG")
        assert environment({})["SCONE_CLI_CONFIG"] != str(Path.home() / ".cas" / "config.json")

    def test_jupyterlab_asks_for_no_news(self, monkeypatch):
        """Our default of that setting counts, behind whatever path a reader has named."""
        from casnb.cli.lab_command import DEFAULTS, environment

        monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
        assert environment({})["JUPYTER_CONFIG_PATH"].split(os.pathsep) == ["mine", str(DEFAULTS)]
        name = "default_setting_overrides.json"
        asked = json.loads((DEFAULTS / "labconfig" / name).read_text())
        assert asked["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"

    def test_make_lab_is_a_copy(self):
        """`make lab` shows a copy that git ignores, and says how long an installation takes."""
        root = Path(__file__).resolve().parents[2]
        recipe = (root / "Makefile").read_text(encoding="utf-8")
        assert re.search(r"(?m)^lab:.*\n\t.*casnb lab lab\b", recipe)
        assert "/lab/" in (root / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert re.search(r'@echo "Installing [^"]*: under a minute', recipe)


class TestDoctor:
    """What would get in the way?"""

    def test_json(self, casnb):
        """One object each, with the four members; this machine has no problem or says which."""
        result = casnb("doctor", "--json")
        found = json.loads(result.stdout)
        assert all(set(f) == {"id", "status", "saw", "do"} for f in found)
        assert {"python", "packages", "clock", "config", "kernel", "loopback 127.0.0.1"} <= {
            f["id"] for f in found
        }
        assert result.exit_code == any(f["status"] == "problem" for f in found)

    def test_what_is_set_is_told(self, casnb, monkeypatch):
        """A variable that captures TLS is named with its cure."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
        shown = casnb("doctor").stdout
        assert "REQUESTS_CA_BUNDLE" in shown and "unset" in shown

    def test_damaged_config_is_a_problem(self, casnb, tmp_path, monkeypatch):
        """A damaged file of attested CASes exits 1 and is not touched."""
        config = tmp_path / "config.json"
        config.write_text("{")
        monkeypatch.setenv("SCONE_CLI_CONFIG", str(config))
        result = casnb("doctor", "--json")
        assert [f["status"] for f in json.loads(result.stdout) if f["id"] == "config"] == [
            "problem"
        ]
        assert result.exit_code == 1 and config.read_text() == "{"

    def test_config_that_others_may_read(self, casnb, tmp_path, monkeypatch):
        """The file holds a private key: a wider mode is told with its cure."""
        config = tmp_path / "config.json"
        config.write_text('{"cas_db": {}}')
        config.chmod(0o644)
        monkeypatch.setenv("SCONE_CLI_CONFIG", str(config))
        found = {f["id"]: f for f in json.loads(casnb("doctor", "--json").stdout)}
        assert found["config"]["status"] == "note" and "chmod 600" in found["config"]["do"]
        assert stat.S_IMODE(config.stat().st_mode) == 0o644

    def test_dead_simulator(self, casnb, monkeypatch):
        """CAS_ADDR of a simulator that ended is told."""
        monkeypatch.setenv("CAS_ADDR", "127.0.0.1:1")
        found = {f["id"]: f for f in json.loads(casnb("doctor", "--json").stdout)}
        assert (
            found["simulator"]["status"] == "note" and "unset CAS_ADDR" in found["simulator"]["do"]
        )
