"""The tamper lab without a front end: bytes of a report changed, signed again with what Mallory
has, and who notices first.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from casnb.base import strictjson
from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown, cell, html_table, html_verdict, text_table
from casnb.checks.result import AttestationResult, Check, CheckStatus
from casnb.checks.view import describe, html_result
from casnb.evidence.avr import SignedAvr
from casnb.evidence.quote import SIGNED_SIZE
from casnb.evidence.quote_layout import CERTIFICATION, LENGTH
from casnb.policy.appraise import appraise
from casnb.policy.policy import AttestationPolicy
from casnb.simulator.intel import Intel
from casnb.simulator.keys import Seed, raw_point, sign_raw
from casnb.simulator.platform import Platform
from casnb.teach.explorer.bytemap import ByteMap, byte_map, check_title
from casnb.teach.explorer.view import places
from casnb.teach.facts import Facts
from casnb.verify.dcap import verify_quote
from casnb.verify.endorsements import VerifiedEndorsements, verify_endorsements
from casnb.verify.ias import verify_avr
from casnb.verify.proof import Proof


@dataclass(frozen=True)
class Means:
    """What Mallory signs with: a name, a few words, how she got it. `fits` are the checks that
    her keys satisfy.
    """

    name: str
    words: str
    how: str
    fits: tuple[str, ...] = ()


_NONE = Means("none", "nothing: the signature stays as it was", "She only writes into the file.")
#: By kind of evidence, from what everybody has to what nobody should have; each step of DCAP
#: includes the one before.
MEANS: Mapping[str, tuple[Means, ...]] = {
    "DCAPQuote": (
        _NONE,
        Means(
            "own-key",
            "an attestation key of her own",
            "Anybody can make a key: she signs header and report body, and puts the "
            "public half into the quote.",
            ("quote-signature",),
        ),
        Means(
            "own-qe",
            "a key and a quoting enclave's report of her own",
            "She makes the report name her key and signs it with a "
            "second key of hers; the PCK certificate stays Intel's.",
            ("quote-signature", "qe-report-binding"),
        ),
        Means(
            "own-chain",
            "keys and a PCK certificate chain of her own",
            "She plays Intel: root, authority and PCK certificate "
            "with the right names and her keys.",
            ("quote-signature", "qe-report-binding", "qe-report-signature"),
        ),
        Means(
            "stolen-key",
            "the attestation key of this very machine",
            "She read it out of an unpatched processor, or off the memory bus: SGAxe, WireTap.",
            ("quote-signature", "qe-report-binding", "qe-report-signature"),
        ),
    ),
    "IASReport": (
        _NONE,
        Means(
            "own-signer",
            "a report signing certificate of her own",
            "She plays Intel's service: a root and a certificate with "
            "the right names and her keys.",
        ),
        Means(
            "stolen-epid",
            "the EPID key of this very machine",
            "She read it out of an unpatched processor, as SGAxe did; "
            "Intel's service then signs a report about her quote like about any other.",
            ("avr-signature",),
        ),
    ),
}


@dataclass(frozen=True)
class Outcome(Shown):
    """What became of changed bytes. `first` is the check that notices, None where none does;
    `before` says why not the others.

    `edited` are the offsets that the reader changed, `rewritten` the parts that Mallory changed
    to sign.
    """

    edited: tuple[int, ...]
    means: Means
    rewritten: tuple[str, ...]
    result: AttestationResult = field(repr=False)
    first: Check | None
    before: tuple[tuple[str, str], ...] = field(repr=False)
    places: str = ""

    @property
    def sentence(self) -> str:
        """Who notices, in words."""
        if not self.edited and self.first is None:
            return "Nothing was changed." + (
                " She signed it again, and no check notices that." if self.rewritten else ""
            )
        if self.first is None:
            return (
                f"No check notices. Whoever has {self.means.words} writes here what she likes; only"
                " tcb-status, or a list of revoked keys, can tell that such a key may be out."
            )
        return f"The first check that notices is {self.first.id}: {describe(self.first)}."

    @property
    def later(self) -> tuple[str, ...]:
        """The checks behind the first that could not be made, or fail too."""
        ids = [c.id for c in self.result.checks]
        rest = self.result.checks[ids.index(self.first.id) + 1 :] if self.first is not None else ()
        return tuple(
            c.id
            for c in rest
            if c.status is CheckStatus.FAILED
            or (c.status is CheckStatus.NOT_RUN and not c.optional)
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return what was done, in headings and texts."""
        rows = [
            ("changed", self.places or "no byte"),
            ("signed with", self.means.words),
            ("how she got it", self.means.how),
        ]
        if self.rewritten:
            rows.append(("rewritten to sign", ", ".join(self.rewritten)))
        rows.append(("outcome", self.sentence))
        more = f" and {len(self.later) - 5} more" if len(self.later) > 5 else ""
        return (
            [*rows, ("failing too, or not even made", ", ".join(self.later[:5]) + more)]
            if self.later
            else rows
        )

    def __repr__(self) -> str:
        return (
            f"<Outcome {len(self.edited)} bytes changed, first noticed by"
            f" {self.first.id if self.first else 'none'}>"
        )

    def __str__(self) -> str:
        lines = [text_table(("tampered", "with"), self.rows())]
        if self.before:
            lines += ["", text_table(("earlier check", "why it did not notice"), self.before)]
        return "\n".join([*lines, "", neutral(self.result.sentence, 600)])

    def _html(self) -> str:
        return (
            render_verdict(self)
            + html_table(("tampered", "with"), self.rows())
            + render_before(self)
            + html_result(self.result.checks, self.result.sentence, (), self.result.verdict.value)
        )


def render_verdict(outcome: Outcome) -> str:
    """Return the sentence as a line that is read aloud when it changes."""
    name = (
        "rejected"
        if outcome.first is not None
        else "accepted-with-waivers"
        if outcome.edited
        else "trustworthy"
    )
    return html_verdict(name, cell(outcome.sentence, 700))


def render_before(outcome: Outcome) -> str:
    """Return why the earlier checks did not notice."""
    if not outcome.before:
        return ""
    return html_table(
        ("earlier check", "why it did not notice"), outcome.before, "Earlier checks", code=(0,)
    )


class Tamper:
    """One report to tamper with: the saved one of `facts`, judged by `policy` at that world's
    time.

    Left out, the policy names the world's MRENCLAVE and has the fewest flags with which the
    unchanged report is accepted, so that every failure is the reader's doing. The verifier is
    the real one; only the keys are the simulator's.

    Example: `Tamper(Facts(World(scenario="production"))).flip(96, 2).first.id`
    """

    def __init__(self, facts: Facts, policy: AttestationPolicy | None = None) -> None:
        self.facts, self.world, self.report = facts, facts.world, facts.report
        if self.report.proof_type not in MEANS:
            raise UsageError("tamper lab", got=self.report.proof_type, wanted=" or ".join(MEANS))
        self.map: ByteMap = byte_map(self.report)
        if policy is None:
            policy = AttestationPolicy(mrenclaves=(self.world.mrenclave,)).with_flags(
                *facts.minimal.flags
            )
        self.policy = replace(policy, expected_signer=self.world.vendor)

    @property
    def means(self) -> tuple[Means, ...]:
        """What Mallory may have, for this kind of evidence."""
        return MEANS[self.report.proof_type]

    def with_means(self, name: str) -> Means:
        """Return the means of this name, or raise UsageError."""
        for means in self.means:
            if means.name == name:
                return means
        raise UsageError(
            "means", got=name, wanted="one of " + ", ".join(m.name for m in self.means)
        )

    @cached_property
    def baseline(self) -> AttestationResult:
        """The result of the unchanged report."""
        return self._judge(self.map.data, self.means[0])[0]

    def flip(self, offset: int, bit: int = 1, means: str = "none") -> Outcome:
        """Turn over one bit (its value: 1, 2, 4, ... 128) of one byte, and judge."""
        self.map.at(offset)
        data = bytearray(self.map.data)
        data[offset] ^= bit
        return self.judge(bytes(data), means)

    def put(self, field: str, value: bytes, means: str = "none") -> Outcome:
        """Write bytes over the beginning of a field, and judge; raise UsageError where they are
        too many.
        """
        spot = self.map.spot(field)
        if len(value) > spot.size:
            raise UsageError(f"{field}", got=f"{len(value)} bytes", wanted=f"at most {spot.size}")
        return self.judge(
            self.map.data[: spot.offset] + value + self.map.data[spot.offset + len(value) :], means
        )

    def judge(self, data: bytes, means: str = "none") -> Outcome:
        """Return what becomes of these bytes in place of the evidence; never raises for bytes of
        the right number.
        """
        if len(data) != len(self.map.data):
            raise UsageError("tampered bytes", got=len(data), wanted=len(self.map.data))
        chosen = self.with_means(means)
        result, rewritten = self._judge(data, chosen)
        failing = {c.id for c in self.baseline.failures}
        first = next(
            (c for c in result.checks if c.status is CheckStatus.FAILED and c.id not in failing),
            None,
        )
        edited = self.map.differing(data)
        touched = {
            *edited,
            *(
                n
                for id in rewritten
                for s in self.map.spots
                if s.id == id or s.id.startswith(f"{id}.")
                for n in range(s.offset, s.end)
            ),
        }
        before = []
        for check in result.checks:
            if first is None or check.id == first.id:
                break
            before.append((check.id, self._why(check, touched, chosen)))
        return Outcome(
            edited,
            chosen,
            rewritten,
            result,
            first,
            tuple(before) if edited or rewritten else (),
            self._places(edited),
        )

    def _why(self, check: Check, touched: set[int], means: Means) -> str:
        ranges = self.map.ranges(check.id)
        if check.status is CheckStatus.NOT_RUN:
            return check.reason
        if not ranges:
            return f"reads nothing of this: it compares {check_title(check.id)[1]}"
        if not any(a <= n < b for a, b in ranges for n in touched):
            return f"looks at {places(ranges)}, and nothing changed there"
        if check.status is CheckStatus.WAIVED:
            return f"saw it, and {check.flag} accepts it"
        if check.id in means.fits and means.name != "none":
            return f"looks there, and is satisfied: she has {means.words}"
        return f"looks there, and what it compares still holds: {describe(check)}"

    def _places(self, edited: Sequence[int]) -> str:
        fields = dict.fromkeys(self.map.at(n).id for n in edited)
        return ", ".join(
            f"{f} ({sum(self.map.at(n).id == f for n in edited)})" for f in list(fields)[:8]
        )

    # Signing

    def _judge(self, data: bytes, means: Means) -> tuple[AttestationResult, tuple[str, ...]]:
        proof, rewritten = (self._ias if self.report.proof_type == "IASReport" else self._dcap)(
            data, means
        )
        return appraise(proof, self.policy, report=self.report), rewritten

    def _ias(self, data: bytes, means: Means) -> tuple[Proof, tuple[str, ...]]:
        signed = self.report.signed_avr()
        members = dict(
            strictjson.loads(signed.body, "IAS report"),
            isvEnclaveQuoteBody=base64.b64encode(data).decode(),
        )
        rewritten: tuple[str, ...] = ()
        if means.name == "none":
            forged = SignedAvr(
                strictjson.compact(members), signed.signature, signed.chain_pem, signed.request_id
            )
        else:
            service = self._mallory if means.name == "own-signer" else self.world.intel
            forged = service.sign_avr(members, signed.request_id)
            rewritten = (
                "report signature",
                *(("signing certificate",) if means.name == "own-signer" else ()),
            )
        return verify_avr(forged, roots=self.world.roots, now=self.world.now), rewritten

    @cached_property
    def _mallory(self) -> Intel:
        """Mallory as Intel: the same names, keys of her own."""
        return Intel(Seed(f"{self.world.seed}, as Mallory makes it"))

    @cached_property
    def _platform(self) -> Platform:
        """Mallory as a machine that her own Intel certifies."""
        return Platform(self._mallory.seed, self._mallory, "mallory", self.world.platform.status)

    def _dcap(self, data: bytes, means: Means) -> tuple[Proof, tuple[str, ...]]:
        forged, rewritten = bytearray(data), list[str]()

        def write(id: str, value: bytes) -> None:
            spot = self.map.spot(id)
            forged[spot.offset : spot.end] = value
            rewritten.append(id)

        if means.name == "stolen-key":
            write("signature", sign_raw(self.world.platform.attestation_key, data[:SIGNED_SIZE]))
        elif means.name != "none":
            key = self._platform.attestation_key
            write("signature", sign_raw(key, data[:SIGNED_SIZE]))
            write("attestation_key", raw_point(key))
        if means.name in ("own-qe", "own-chain"):
            named = hashlib.sha256(
                raw_point(self._platform.attestation_key) + self.map.spot("auth_data").cut(data)
            ).digest()
            write("qe_report.report_data", named + bytes(32))
            start, end = (
                self.map.spot("qe_report.cpu_svn").offset,
                self.map.spot("qe_report.report_data").end,
            )
            write("qe_report_signature", sign_raw(self._platform.pck.key, bytes(forged[start:end])))  # type: ignore[arg-type]
        if means.name == "own-chain":
            at, made = self.map.spot("certification_type").offset, self._mallory
            chain = self._platform.pck.cert_pem + made.pck_ca.cert_pem + made.root.cert_pem
            forged[at:] = CERTIFICATION.pack((5, len(chain))) + chain
            forged[SIGNED_SIZE : SIGNED_SIZE + LENGTH.size] = LENGTH.pack(
                (len(forged) - SIGNED_SIZE - LENGTH.size,)
            )
            rewritten.append("certification_data")
        return verify_quote(
            bytes(forged), self._lists, roots=self.world.roots, now=self.world.now
        ), tuple(rewritten)

    @cached_property
    def _lists(self) -> VerifiedEndorsements:
        return verify_endorsements(
            self.world.endorsements(), roots=self.world.roots, now=self.world.now
        )
