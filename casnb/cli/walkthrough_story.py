"""The story that `casnb walkthrough` tells: over the wire, each refusal really tried."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnb.base.errors import CasnbError, neutral
from casnb.checks.result import AttestationResult, Check, CheckStatus
from casnb.cli.narrator import Narrator
from casnb.policy.flags import BY_NAME, story

if TYPE_CHECKING:
    from casnb.cas.asking import Attempt
    from casnb.cas.attest import AttestedCas
    from casnb.evidence.cas_report import CasReport
    from casnb.film.asciicast import Recording
    from casnb.film.pace import Pace
    from casnb.policy.policy import AttestationPolicy
    from casnb.simulator.server.running import RunningWorld
    from casnb.simulator.world import World

SESSION, SECRET = "example_session", "example_value"


def tell(
    scenario: str,
    seed: str,
    *,
    quiet: bool = False,
    pace: Pace | None = None,
    recording: Recording | None = None,
) -> Story:
    """Tell the story once, in a world of its own that ends with it, and return how it went."""
    from casnb.simulator.server.running import serve
    from casnb.simulator.world import World

    world = World(seed, scenario)
    with tempfile.TemporaryDirectory(prefix="casnb-") as folder, serve(world) as running:
        told = Story(world, running, Path(folder), quiet=quiet, pace=pace, recording=recording)
        told.tell()
    return told


class Story(Narrator):
    """One telling of the whole story, step after step."""

    def __init__(
        self,
        world: World,
        running: RunningWorld,
        folder: Path,
        *,
        quiet: bool,
        pace: Pace | None = None,
        recording: Recording | None = None,
    ) -> None:
        super().__init__(quiet=quiet, pace=pace, recording=recording)
        self.world, self.running, self.folder = world, running, folder
        self.flags: tuple[str, ...] = ()
        self.mrenclave = self.value = ""
        self.result: AttestationResult | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "scenario": self.world.scenario,
            "seed": self.world.seed,
            "address": self.address,
            "mrenclave": self.mrenclave,
            "flags": [BY_NAME[f].option for f in self.flags],
            "value": self.value,
            "ok": self.ok,
            "steps": self.steps,
            "result": self.result.to_json() if self.result else None,
        }

    @property
    def address(self) -> str:
        return str(self.running.cas_addr)

    @property
    def mallory(self) -> bytes:
        """The certificates of another CAS, PEM: the same names, other keys."""
        from casnb.simulator.world import World

        return World(self.world.seed[:180] + " of Mallory").cas_chain_pem

    # The story

    def tell(self) -> None:
        """Tell all of it; a failure on the way is a step of its own and ends the story."""
        self._print("May I trust this CAS with a secret?", "bold")
        self.say(f"Scenario {self.world.scenario}: {self.world.setup.story}")
        self.say(
            "Everything below really happens, over TLS, on this machine. Keys and roots are"
            " simulated."
        )
        try:
            self.scrape()
            report = self.fetch()
            policy = self.refused()
            if policy is not None:
                self.tampered(policy, report)
                self.use(self.export(self.accepted(policy)))
            self.lesson()
        except CasnbError as exc:
            self.say(f"The story ends here. {exc}", "bold red")
            self.steps.append(
                {"step": "the story", "expected": "an end", "got": neutral(exc, 400), "ok": False}
            )

    def scrape(self) -> None:
        from casnb.cas.page import scrape

        self.heading("Which code do I expect? The public CAS page says so.")
        self.type_(f"MRENCLAVE=$(casnb scrape $CAS_PAGE_URL --address {self.address})")
        page = scrape(self.running.page_url, cacert=self.running.page_ca)
        self.mrenclave = page.mrenclave(self.address)
        self.say(self.mrenclave)
        self.say(
            "TLS names the server. It does not say that the page is right: this number is as good"
            " as its source."
        )
        self.step("scrape", self.world.mrenclave, self.mrenclave)

    def fetch(self) -> CasReport:
        from casnb.cas.asking import fetch_report

        self.heading("What does the CAS say about itself? It sends evidence.")
        wanted = "" if self.evidence == "IASReport" else f"?type={self.evidence}"
        self.type_(f"curl -sk 'https://{self.host_port}/v1/attest{wanted}' > report.json")
        self.type_("casnb decode report.json")
        report = fetch_report(self.address, type=self.evidence)
        body = report.report_body()
        self.say(
            f"{report.proof_type}: MRENCLAVE {body.mrenclave[:16]}..., MRSIGNER"
            f" {body.mrsigner[:16]}...,\nproduct {body.isv_prod_id}, version {body.isv_svn}, flags"
            f" {', '.join(body.flag_names())}."
        )
        self.say("So far these are claims. Nothing was checked yet.")
        return report

    @property
    def evidence(self) -> str:
        return "IASReport" if "IASReport" in self.world.setup.evidence else "DCAP"

    @property
    def host_port(self) -> str:
        return self.address if ":" in self.address else f"{self.address}:{self.running.cas_port}"

    def attempt(self, policy: AttestationPolicy, **kwargs: Any) -> Attempt:
        """Attest once, under the simulated roots unless others are given."""
        from casnb.cas.asking import attempt

        return attempt(self.address, policy, **{"roots": self.world.roots, **kwargs})

    def refused(self) -> AttestationPolicy | None:
        """Attest without flags, then add those that the failures call for; return the policy
        with all, None if none helps.
        """
        from casnb.policy.policy import AttestationPolicy

        policy = AttestationPolicy(mrenclaves=(self.mrenclave,), expected_signer=self.world.vendor)
        self.heading("May I trust it? First without any insecure flag.")
        self.type_(policy.command(self.address).replace(self.mrenclave, "$MRENCLAVE"))
        result = self.attempt(policy).result
        failing = _failing(result)
        if not failing:
            self.say(result.sentence)
            return policy
        self.checks(failing)
        self.say(result.sentence, "bold")
        self.step("attest without flags", "rejected", result.verdict.value)
        order = [f.name for f in story()]
        stuck = [c.id for c in failing if not c.waivable_by or not set(c.waivable_by) <= set(order)]
        if stuck:
            self.say(f"No flag accepts {', '.join(stuck)}. That is the end of it, as it should be.")
            return None
        needed = [name for name in order if any(name in c.waivable_by for c in failing)]
        return self._one_by_one(policy, needed)

    def _one_by_one(self, policy: AttestationPolicy, needed: Sequence[str]) -> AttestationPolicy:
        self.heading("One insecure flag at a time: what does each give away?")
        for count, name in enumerate(needed, start=1):
            self.flags = tuple(needed[:count])
            policy = policy.with_flags(*self.flags)
            flag = BY_NAME[name]
            self.say(f"\n{flag.option}: {flag.help}", "bold")
            self.say(f"What it lets happen: {flag.gains}")
            if count == len(needed):
                break
            result = self.attempt(policy).result
            left = ", ".join(c.id for c in _failing(result))
            self.say(f"-> {result.verdict.value}: {left} still in the way.")
            self.step(
                f"attest with {' '.join(BY_NAME[f].option for f in self.flags)}",
                "rejected",
                result.verdict.value,
            )
        return policy

    def tampered(self, policy: AttestationPolicy, report: CasReport) -> None:
        """Try what must be refused whatever flags are set."""
        from casnb.evidence.cas_report import CasReport
        from casnb.verify.pki import intel_roots

        self.heading(
            "Do the flags accept just anything?" if self.flags else "Is just anything accepted?"
        )
        last = "0" if self.mrenclave[-1] != "0" else "1"
        other = replace(policy, mrenclaves=(self.mrenclave[:-1] + last,))
        relayed = CasReport.build(
            report.proof_data,
            {**report.additional_data, "cert_chain": self.mallory.decode("ascii")},
        )
        tries: tuple[tuple[str, Callable[[], Attempt]], ...] = (
            ("one digit of MRENCLAVE changed", lambda: self.attempt(other)),
            (
                "the same report with Mallory's certificates",
                lambda: self.attempt(policy, report=relayed),
            ),
            (
                "the same CAS judged under Intel's real roots",
                lambda: self.attempt(policy, roots=intel_roots()),
            ),
        )
        for what, run in tries:
            result = run().result
            failing = ", ".join(c.id for c in result.failures)
            self.say(f"- {what}: {result.verdict.value} ({failing})")
            self.step(what, "rejected", result.verdict.value)

    def accepted(self, policy: AttestationPolicy) -> AttestedCas:
        from casnb.cas.attest import AttestedCas

        self.heading("The decision.")
        self.type_(policy.command(self.address).replace(self.mrenclave, "$MRENCLAVE"))
        attempt = self.attempt(policy)
        self.result = attempt.result
        wanted = "accepted-with-waivers" if self.flags else "trustworthy"
        self.checks(
            self.result.waivers
            or [c for c in self.result.checks if c.status is not CheckStatus.NOT_RUN]
        )
        self.say(self.result.sentence, "bold")
        self.step(
            "attest with all of them" if self.flags else "attest", wanted, self.result.verdict.value
        )
        return AttestedCas.from_attempt(attempt)

    def export(self, attested: AttestedCas) -> tuple[AttestedCas, Path]:
        """Write the attested certificates to a file, as `scone cas show-certificate` prints
        them.
        """
        self.heading("One accepted report protects every later connection: pin the certificate.")
        self.type_("scone cas show-certificate > cas_cert.crt")
        file = self.folder / "cas_cert.crt"
        file.write_bytes(attested.chain.to_pem())
        root, instance = attested.chain.key_hashes
        self.say(f"cas-instance  key hash {instance}\ncas           key hash {root}")
        self.say(
            "The report named exactly these certificates (certificate-binding), so TLS now ends in"
            " the enclave."
        )
        same = attested.chain.to_pem() == self.world.cas_chain_pem
        self.step("exported chain", "the CAS's own", "the CAS's own" if same else "another")
        return attested, file

    def use(self, pinned: tuple[AttestedCas, Path]) -> None:
        """Read the value through the pinned client, with curl where there is one, and not under
        another certificate.
        """
        from casnb.cas.client import CasClient

        attested, file = pinned
        self.heading("Read the public value through the pinned connection.")
        self.value = CasClient(attested).value(SESSION, SECRET)
        self.say(f"CasClient: {SESSION}, {SECRET} = {self.value}", "bold")
        self.step("the value", self.world.example_value, self.value)
        command = self._curl(file)
        self.type_(" ".join(command).replace(str(file), "cas_cert.crt"))
        found = shutil.which("curl")
        if found is None:
            self.say("curl is not installed here; casnb read the value without it.")
            return
        run = self._run(found, command)
        self.say(run.stdout.strip() or run.stderr.strip())
        self.step(
            "curl with the exported certificate",
            f"{self.value} read",
            f"{self.value} read" if f'"value": "{self.value}"' in run.stdout else "something else",
        )
        wrong = self.folder / "mallory.crt"
        wrong.write_bytes(self.mallory)
        run = self._run(found, self._curl(wrong))
        said = neutral(run.stderr.strip() or "accepted!", 200)
        self.say(f"The same with Mallory's certificates, which bear the same names:\n{said}")
        if run.returncode:
            self.say("That is: the names fit, and the signature was made with another key.")
        self.step(
            "curl with another CAS's certificates",
            "refused",
            "refused" if run.returncode else "accepted",
        )

    def _curl(self, certificate: Path) -> list[str]:
        port = self.running.cas_port
        host = self.address.partition(":")[0]
        return [
            "curl",
            "--cacert",
            str(certificate),
            "--connect-to",
            f"cas:{port}:{host}:{port}",
            f"https://cas:{port}/v1/values/session={SESSION},secret={SECRET}",
        ]

    def _run(self, curl: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [
                curl,
                "-q",
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--max-time",
                "10",
                *command[1:],
            ],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def lesson(self) -> None:
        """End with what the waivers would let happen, and with what to do next."""
        if self.result is None or not self.result.accepted:
            self.heading("Nothing was pinned and nothing was read: a refusal protects.")
            return
        if self.flags:
            self.heading(
                f"What did we just do? The value is {self.value}, if nobody used what we waived:"
            )
            for name in self.flags:
                self.say(f"{BY_NAME[name].option}: {_first_sentence(BY_NAME[name].gains)}")
            self.say(
                "Such a CAS must not hold secrets. One that may: casnb walkthrough --scenario"
                " production",
                "bold",
            )
        else:
            self.heading("Every check held: a real CAS with this result may hold a secret.")
            self.say(
                "Not proven: unknown holes, physical attacks, who operates it, and that the page"
                " named the right code."
            )
        self.heading("Your turn: type it yourself, against the same simulated world.")
        chosen = f" --scenario {self.world.scenario}" if self.world.scenario != "public" else ""
        self.type_(f"casnb serve --background{chosen} --env-file cas.env")
        self.type_(". ./cas.env")
        self.say("... the commands above, with $CAS_ADDR for the address, and in the end:")
        self.type_("casnb stop")
        self.say("Or in notebooks, with questions to answer: casnb lab")


def _failing(result: AttestationResult) -> list[Check]:
    return [
        c
        for c in result.checks
        if c.status is CheckStatus.FAILED or (c.status is CheckStatus.NOT_RUN and not c.optional)
    ]


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."
