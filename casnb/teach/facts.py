"""What is true of one report, of a simulated world or out of a file, as exercises and panels
need it: without a network.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from casnb.base.errors import UsageError, neutral
from casnb.checks.result import AttestationResult
from casnb.evidence.cas_report import CasReport
from casnb.evidence.decode import read_file
from casnb.policy.appraise import appraise
from casnb.policy.flag_matrix import Matrix
from casnb.policy.flag_sets import Column
from casnb.policy.identities import SCONTAIN_CAS, ExpectedSigner
from casnb.policy.policy import NOT_GIVEN, AttestationPolicy
from casnb.policy.smallest import MinimalSet, minimal_flags
from casnb.simulator.scenario import SCENARIOS, Scenario
from casnb.simulator.server.site import LAYOUTS, render_page
from casnb.simulator.world import LESSON_SEED, World
from casnb.verify.dispatch import verify

if TYPE_CHECKING:
    from casnb.evidence.report import ReportBody
    from casnb.verify.pki import TrustAnchors
    from casnb.verify.proof import Proof

_HASH = re.compile(r"[0-9a-f]{64}")
#: The seed of the lessons: their prose describes its world.
PRACTICE = LESSON_SEED
_T = TypeVar("_T")


class Case:
    """One report and what follows from it under fixed roots and time: what a panel needs;
    computed once, when first asked for.

    `name`, `title` and `story` are how it is presented, `mrenclave` the measurement a reader is
    told to expect, `signer` the one that is expected by default.
    """

    name: str
    title: str
    story: str
    mrenclave: str
    signer: ExpectedSigner

    @cached_property
    def report(self) -> CasReport:
        raise NotImplementedError

    @cached_property
    def proof(self) -> Proof:
        raise NotImplementedError

    @cached_property
    def body(self) -> ReportBody:
        return self.report.report_body()

    def appraise(self, policy: AttestationPolicy) -> AttestationResult:
        """Appraise the report; the signer expected by default is `signer`."""
        return appraise(
            self.proof, replace(policy, expected_signer=self.signer), report=self.report
        )

    @cached_property
    def minimal(self) -> MinimalSet:
        """The smallest set of flags with which it is accepted, its MRENCLAVE given."""
        policy = AttestationPolicy(mrenclaves=(self.mrenclave,), expected_signer=self.signer)
        return minimal_flags(self.proof, policy, report=self.report)


class LoadedReport(Case):
    """A CAS report out of a file, judged under Intel's pinned roots unless others are given.

    `now` left out, an IAS report is judged at the time at which it says it was made, a DCAP
    report at the present. `mrenclave` left out, the report is compared with itself: that shows
    what flags do, and proves nothing about the code; `story` says so. Raises EvidenceError for
    bytes that are no CAS report, SourceError for a report that nobody can judge any more.
    """

    def __init__(
        self,
        data: bytes,
        *,
        roots: TrustAnchors | None = None,
        now: datetime | None = None,
        mrenclave: str = "",
        signer: ExpectedSigner = SCONTAIN_CAS,
        name: str = "loaded report",
    ) -> None:
        self.report_bytes = data
        self.report = CasReport.from_json(data)
        made = (
            self.report.signed_avr().avr.timestamp
            if self.report.proof_type == "IASReport"
            else datetime.now(timezone.utc)
        )
        self.now = now or made
        self.name, self.signer = neutral(name, 60), signer
        self.proof = verify(self.report, roots=roots, now=self.now)
        self.mrenclave = mrenclave or self.body.mrenclave
        self.title = f"a report from a file, judged as of {self.now:%Y-%m-%d %H:%M} UTC"
        whose = "Intel's own roots" if roots is None or not roots.simulated else "simulated roots"
        said = (
            ""
            if mrenclave
            else (
                " Its MRENCLAVE is compared with itself, for want of another source: that line"
                " proves nothing about the code."
            )
        )
        self.story = f"Not made here: it is judged under {whose}.{said}"

    @classmethod
    def from_file(cls, path: str | Path, **others: Any) -> LoadedReport:
        """Read a file, at most 1 MB of it; raise SourceError if it cannot be read."""
        return cls(read_file(str(path), 1 << 20), **{"name": Path(path).name, **others})


class Facts(Case):
    """One world and what follows from it; everything is computed when it is first asked for, and
    then kept.

    `port` is where this world's CAS listens; None where that is not known or does not matter, as
    for answers that were given on another machine.
    """

    def __init__(self, world: World, host: str = "127.0.0.1", port: int | None = None) -> None:
        self.world = world
        self.host = host
        self.port = port
        setup = world.setup
        self.name, self.title, self.story = setup.name, setup.title, setup.story
        self.mrenclave, self.signer = world.mrenclave, world.vendor
        self._kept: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """What `scone cas attest` is given: the port only where it is not 8081."""
        return self.host if self.port in (None, 8081) else f"{self.host}:{self.port}"

    def kept(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what `make` returned when this name was first asked for."""
        if name not in self._kept:
            self._kept[name] = make()
        found: _T = self._kept[name]
        return found

    # Neighbours of this world

    def of(self, scenario: str) -> Facts:
        """Return the facts of another scenario of this seed, at this world's time."""
        world = self.world

        def make() -> Facts:
            return Facts(World(world.seed, scenario, world.now), self.host, self.port)

        return self.kept(f"scenario {scenario}", make)

    def build(self, version: str, **others: Any) -> Facts:
        """Return what would be true if another build ran, as `World.with_build` has it."""
        return Facts(self.world.with_build(version, **others), self.host, self.port)

    @cached_property
    def elsewhere(self) -> Facts:
        """What is true of the same build on another machine of the same kind: as genuine, with keys
        of its own.
        """
        setup = self.world.setup
        other = World(
            self.world.seed, replace(setup, name=f"{setup.name} elsewhere"), self.world.now
        )
        return Facts(other, self.host, self.port)

    @cached_property
    def case(self) -> Facts:
        """The CAS that the flag exercises are about: on the practice seed this one, else one whose
        platform, mode and signer the seed chooses.
        """
        if self.practice:
            return self
        chosen = self.draw("case", cases_to_judge())
        return Facts(World(self.world.seed, chosen, self.world.now), self.host, self.port)

    # What the seed chooses

    @property
    def practice(self) -> bool:
        """Whether this is the world that the lessons' prose describes."""
        return self.world.seed == PRACTICE

    def _number(self, label: str) -> int:
        digest = hmac.digest(self.world.seed.encode(), f"casnb variant {label}".encode(), "sha256")
        return int.from_bytes(digest, "big")

    def draw(self, label: str, options: Sequence[_T]) -> _T:
        """Return one of the options, chosen by the seed; the first on the practice seed."""
        return options[0] if self.practice else options[self._number(label) % len(options)]

    def order(self, label: str, items: tuple[_T, ...]) -> tuple[_T, ...]:
        """Return the items in an order chosen by the seed, never the one in which they stand."""
        number, rest, out = self._number(label), list(items), []
        while rest:
            number, at = divmod(number, len(rest))
            out.append(rest.pop(at))
        return tuple(out) if tuple(out) != items or len(items) < 2 else (*items[1:], items[0])

    @cached_property
    def nonce(self) -> str:
        """The nonce of the saved report: 32 hex digits, fixed by the seed."""
        return hashlib.sha256(b"casnb lesson nonce " + self.world.seed.encode()).hexdigest()[:32]

    @cached_property
    def report_bytes(self) -> bytes:
        """One saved answer of /v1/attest, of the first type that this world's CAS gives."""
        return self.world.attest(type=evidence_type(self.world), nonce=self.nonce)

    @cached_property
    def report(self) -> CasReport:
        return CasReport.from_json(self.report_bytes)

    @cached_property
    def proof(self) -> Proof:
        """The proof of the saved report under the simulated roots, at the world's own time."""
        return verify(self.report, roots=self.world.roots, now=self.world.now)

    @cached_property
    def rows(self) -> dict[str, str]:
        """Address to MRENCLAVE for every release that the page lists, this lab's own address
        included.
        """
        return {self.host: self.world.mrenclave} | {
            r.address: r.mrenclave for r in self.world.release_history if r.mrenclave
        }

    @cached_property
    def other_rows(self) -> dict[str, str]:
        """The rows whose value is not this CAS's."""
        return {a: m for a, m in self.rows.items() if m != self.world.mrenclave}

    def page(self, layout: str = "today") -> str:
        """Return the public page in one of `site.LAYOUTS`."""
        return render_page(self.world, layout, (self.host,))

    @cached_property
    def ninth_words(self) -> dict[str, str]:
        """What `grep "scone cas attest" | tail -1 | awk '{print $9}'` prints for each layout."""
        return {layout: ninth_word(self.page(layout)) for layout in LAYOUTS}

    def layouts(self, kind: str) -> frozenset[str]:
        """Return the layouts whose ninth word is 'right', 'wrong' (another MRENCLAVE) or 'noise'
        (none at all).
        """

        def kind_of(word: str) -> str:
            return (
                "right"
                if word == self.world.mrenclave
                else "wrong"
                if _HASH.fullmatch(word)
                else "noise"
            )

        return frozenset(
            layout for layout, word in self.ninth_words.items() if kind_of(word) == kind
        )

    @cached_property
    def chain(self) -> tuple[x509.Certificate, x509.Certificate, x509.Certificate]:
        """Root `cas`, instance `cas-instance`, TLS leaf."""
        w = self.world
        return (w.cas_root.cert, w.cas_instance.cert, w.tls_leaf.cert)

    def fingerprint(
        self, place: int, digest: Callable[[bytes], hashlib._Hash] = hashlib.sha256
    ) -> str:
        """Return the digest of the DER form of root (0), instance (1) or leaf (2), as hex."""
        return digest(self.chain[place].public_bytes(Encoding.DER)).hexdigest()


def cases_to_judge() -> tuple[Scenario, ...]:
    """Return the CASes that a seed may choose for the flag exercises: every platform that a flag
    accepts, as a debug enclave by either signer, and as a release build that is not the vendor's.
    """
    accepted = ("public", "hyperthreading", "hardening", "both")
    kinds = ((True, "test"), (True, "vendor"), (False, "test"), (False, "vendor"))
    return tuple(
        replace(
            SCENARIOS[name],
            name=f"case {name}, {'debug' if debug else 'release'}, {signer}",
            title="a CAS to judge",
            story="What its report says decides which flags it needs.",
            debug=debug,
            signer=signer,
        )
        for name in accepted
        for debug, signer in kinds
    )


class Cases:
    """The facts of every scenario of one seed, each made once: what a panel switches between."""

    def __init__(self, seed: str = "casnb", now: datetime | None = None) -> None:
        self.seed = seed
        self.now = now
        self._made: dict[str, Facts] = {}
        self.loaded: dict[str, LoadedReport] = {}

    @property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(SCENARIOS)

    @property
    def names(self) -> tuple[str, ...]:
        """Every case there is: the scenarios, then the reports that were loaded."""
        return (*SCENARIOS, *self.loaded)

    def load(self, report: LoadedReport) -> LoadedReport:
        """Keep a report out of a file beside the scenarios, under its name; a second of the same
        name takes its place.
        """
        if report.name in SCENARIOS:
            report.name += " (file)"
        self.loaded[report.name] = report
        return report

    def matrix(self, mrenclave: str = "given") -> Matrix:
        """Return what every combination of flags makes of every case; the MRENCLAVE is `given`,
        `one digit wrong` or `none`.

        Raises UsageError for another word.
        """
        ways: dict[str, Callable[[str], tuple[str, ...]]] = {
            "given": lambda m: (m,),
            "one digit wrong": lambda m: (changed_digit(m),),
            "none": lambda m: NOT_GIVEN,
        }
        if mrenclave not in ways:
            raise UsageError("MRENCLAVE", got=mrenclave, wanted="one of " + ", ".join(ways))
        cases = [self.case(name) for name in self.names]
        return Matrix(
            [
                Column(
                    c.name,
                    c.title,
                    AttestationPolicy(mrenclaves=ways[mrenclave](c.mrenclave)),
                    c.appraise,
                )
                for c in cases
            ]
        )

    def case(self, name: str) -> Case:
        """Return a scenario or a loaded report, or raise UsageError that lists those there are."""
        return self.loaded[name] if name in self.loaded else self.get(name)

    def get(self, scenario: str) -> Facts:
        """Return the facts of one scenario, or raise UsageError that lists those there are."""
        if scenario not in SCENARIOS:
            raise UsageError("scenario", got=scenario, wanted="one of " + ", ".join(self.names))
        if scenario not in self._made:
            self._made[scenario] = Facts(World(seed=self.seed, scenario=scenario, now=self.now))
        return self._made[scenario]


def changed_digit(mrenclave: str) -> str:
    """Return a measurement that differs in its last hex digit."""
    return mrenclave[:-1] + ("0" if mrenclave[-1] != "0" else "1")


def evidence_type(world: World) -> str:
    """Return the type of evidence this world's CAS gives: IASReport where Intel's retired
    service can still be simulated.
    """
    return "IASReport" if "IASReport" in world.setup.evidence else "DCAP"


def ninth_word(html: str) -> str:
    """Return the ninth word of the last line that holds `scone cas attest`; empty if there is
    none.
    """
    lines = [line for line in html.splitlines() if "scone cas attest" in line]
    words = lines[-1].split() if lines else []
    return words[8] if len(words) > 8 else ""
