"""Policy: is this enclave the one we want? Flags with their rules, and the appraisal that applies them to a proof."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NoReturn

from casnb import flags as catalogue
from casnb.checks import AttestationResult, Check, CheckStatus, failed, not_run, ordered, passed
from casnb.errors import UsageError
from casnb.identities import SCONTAIN_CAS, ExpectedSigner, known_signer
from casnb.view import Shown, html_table, text_table

if TYPE_CHECKING:
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.report import ReportBody
    from casnb.verify.proof import Proof

_MEASUREMENT = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9A-Fa-f]{32}")
_U16 = 1 << 16
_DAY, _SECOND = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"


def measurement_problem(value: object, name: str) -> str:
    """Say what is wrong with a measurement given as text, or return an empty string; 64 lower-case hex digits are right."""
    text = value if isinstance(value, str) else repr(value)
    if _MEASUREMENT.fullmatch(text):
        return ""
    got = f"{name}: got {text[:80]!r}, wanted 64 lower-case hex digits."
    if not text:
        return f"{name}: got an empty value, wanted 64 lower-case hex digits. Did the scrape find nothing?"
    if _MEASUREMENT.fullmatch(text.strip().lower().removeprefix("0x")):
        return got + " Write it without blanks and 0x, in lower case."
    return got


def _time(text: str) -> datetime:
    for form in (_DAY, "%d.%m.%Y", "%d-%m-%Y", _SECOND):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    raise UsageError("--verification-time", got=text, wanted="yyyy-mm-dd, dd.mm.yyyy or dd-mm-yyyy (00:00 UTC)")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"scone cas attest: {message}")


@dataclass(frozen=True)
class AttestationPolicy(Shown):
    """What a relying party accepts; the members bear the names of `scone cas attest`'s options.

    Without identity options the enclave must be signed by `expected_signer`. `isvprodid` must be equal, `isvsvn` is a minimum.
    `verification_time` (aware) replaces the clock. `nonce` is 32 hex digits.

    >>> AttestationPolicy(accept_group_out_of_date=True, mrenclaves=("00" * 32,)).command("cas")[:40]
    'scone cas attest -G --mrenclave 00000000'
    """

    mrenclaves: tuple[str, ...] = ()
    mrsigner: str | None = None
    isvprodid: int | None = None
    isvsvn: int | None = None
    accept_group_out_of_date: bool = False
    accept_configuration_needed: bool = False
    accept_sw_hardening_needed: bool = False
    only_for_testing_debug: bool = False
    only_for_testing_ignore_signer: bool = False
    only_for_testing_trust_any: bool = False
    cas_key_hash: str | None = None
    cas_software_key_hash: str | None = None
    nonce: str | None = None
    verification_time: datetime | None = None
    ignore_advisories: tuple[str, ...] = ()
    fail_on_any_advisory: bool = False
    expected_signer: ExpectedSigner = SCONTAIN_CAS

    def problems(self) -> list[str]:
        """Return what is wrong with the combination itself, one sentence each; empty when it may be used."""
        lists = (("mrenclaves", self.mrenclaves), ("ignore_advisories", self.ignore_advisories))
        if out := [f"{name}: got one text, wanted a tuple: ({value[:80]!r},)." for name, value in lists if isinstance(value, str)]:
            return out
        out = [p for value in self.mrenclaves if (p := measurement_problem(value, "--mrenclave"))]
        if self.mrsigner is not None:
            if p := measurement_problem(self.mrsigner, "--mrsigner"):
                out.append(p)
            if self.isvprodid is None or self.isvsvn is None:
                out.append("--mrsigner: needs --isvprodid and --isvsvn, because a signer signs more than one product and version.")
        elif self.isvprodid is not None:
            out.append("--isvprodid: needs --mrsigner, because only a signer gives a product number its meaning.")
        for name, number in (("--isvprodid", self.isvprodid), ("--isvsvn", self.isvsvn)):
            if number is not None and not (type(number) is int and 0 <= number < _U16):
                out.append(f"{name}: got {number!r}, wanted a number from 0 to 65535.")
        if self.only_for_testing_ignore_signer and self.mrsigner is not None:
            out.append("--only_for_testing-ignore-signer: contradicts --mrsigner. Give one of them.")
        if self.only_for_testing_debug and not self.only_for_testing_ignore_signer and self.mrsigner is None:
            out.append("--only_for_testing-debug: needs --only_for_testing-ignore-signer or --mrsigner, "
                       "because a debug enclave is never signed as a production one.")
        if self.only_for_testing_trust_any and not self.only_for_testing_debug:
            out.append("--only_for_testing-trust-any: needs --only_for_testing-debug.")
        if self.only_for_testing_ignore_signer and not self.mrenclaves and not self.only_for_testing_trust_any:
            out.append("--only_for_testing-ignore-signer: needs --mrenclave, because otherwise nothing says which code is meant.")
        if self.fail_on_any_advisory and self.ignore_advisories:
            out.append("--fail-on-any-advisory: contradicts --ignore-advisories. Give one of them.")
        if self.nonce is not None and not _NONCE.fullmatch(self.nonce):
            out.append(f"--nonce: got {self.nonce[:80]!r}, wanted 32 hex digits.")
        if self.verification_time is not None and self.verification_time.utcoffset() is None:
            out.append("--verification-time: got a time without a zone, which could mean any.")
        return out

    def require_valid(self) -> AttestationPolicy:
        """Return self, or raise UsageError with the first problem."""
        for problem in self.problems():
            raise UsageError(problem)
        return self

    def flags(self) -> tuple[str, ...]:
        """Return the long names (without dashes) of the insecure flags that are set, in catalogue order."""
        return tuple(f.name for f in catalogue.FLAGS if getattr(self, f.attribute))

    def with_flags(self, *names: str) -> AttestationPolicy:
        """Return this policy with exactly these insecure flags set (long names without dashes, or options like `-G`)."""
        chosen = set()
        for name in names:
            flag = catalogue.BY_NAME.get(name.lstrip("-")) or catalogue.BY_OPTION.get(name)
            if flag is None:
                raise UsageError("flag", got=name, wanted="one of " + ", ".join(f.option for f in catalogue.FLAGS))
            chosen.add(flag.attribute)
        return replace(self, **{f.attribute: f.attribute in chosen for f in catalogue.FLAGS})  # type: ignore[arg-type]

    def arguments(self) -> list[str]:
        """Return the options of `scone cas attest` that stand for this policy, in the order the assignment writes them."""
        names = self.flags()
        cluster = "".join(f.short for f in catalogue.FLAGS if f.short and f.name in names)
        out = [f"-{cluster}"] if cluster else []
        identity = {"--mrenclave", "--mrsigner", "--isvprodid", "--isvsvn"}
        out += [word for pair in self._values() if pair[0] in identity for word in pair]
        late = ("only_for_testing-ignore-signer", "only_for_testing-debug", "only_for_testing-trust-any")
        out += [f"--{name}" for name in late if name in names]
        out += [word for pair in self._values() if pair[0] not in identity for word in pair]
        return [*out, "--fail-on-any-advisory"] if self.fail_on_any_advisory else out

    def _values(self) -> list[tuple[str, str]]:
        at = self.verification_time and self.verification_time.astimezone(timezone.utc)
        day = at and at.strftime(_SECOND if at.time() != at.time().min else _DAY)
        pairs = [("--mrsigner", self.mrsigner), ("--isvprodid", self.isvprodid), ("--isvsvn", self.isvsvn),
                 ("-c", self.cas_key_hash), ("-s", self.cas_software_key_hash), ("--nonce", self.nonce),
                 ("--verification-time", day), ("--ignore-advisories", ",".join(self.ignore_advisories) or None)]
        return [("--mrenclave", m) for m in self.mrenclaves] + [(name, str(value)) for name, value in pairs if value is not None]

    def command(self, address: str, offline_report: str | None = None) -> str:
        """Return the exact `scone cas attest` line for this policy, quoted for a shell."""
        offline = ["--offline-report", offline_report] if offline_report else []
        return shlex.join(["scone", "cas", "attest", *self.arguments(), *offline, address])

    @classmethod
    def from_args(cls, args: Sequence[str], *, expected_signer: ExpectedSigner = SCONTAIN_CAS) -> AttestationPolicy:
        """Read the words of a pasted `scone cas attest` line; address, `--offline-report` and `--retries` are left aside.

        A second word behind the address is an MRENCLAVE, as in old pages. Raises UsageError for an option casnb does not know; the
        combination is judged by `problems`.
        """
        words = list(args)
        if words[:3] == ["scone", "cas", "attest"]:
            del words[:3]
        parser = _Parser(add_help=False, allow_abbrev=False)
        for flag in catalogue.FLAGS:
            names = [f"-{flag.short}"] if flag.short else []
            parser.add_argument(*names, f"--{flag.name}", dest=flag.attribute, action="store_true")
        parser.add_argument("--mrenclave", dest="mrenclaves", action="append", default=[])
        for name in ("mrsigner", "nonce", "offline-report", "retries"):
            parser.add_argument(f"--{name}")
        parser.add_argument("--verification-time", type=_time)
        parser.add_argument("--ignore-advisories", type=lambda t: tuple(a.strip() for a in t.split(",") if a.strip()), default=())
        parser.add_argument("--fail-on-any-advisory", action="store_true")
        for name in ("isvprodid", "isvsvn"):
            parser.add_argument(f"--{name}", type=int)
        parser.add_argument("-c", "--cas-key-hash")
        parser.add_argument("-s", "--cas-software-key-hash")
        parser.add_argument("address", nargs="*")
        found = vars(parser.parse_intermixed_args(words))
        _, *old = found.pop("address") or [""]
        if len(old) > 1:
            raise UsageError("scone cas attest", got="more than one address", wanted="one")
        del found["offline_report"], found["retries"]
        return cls(**{**found, "mrenclaves": (*found["mrenclaves"], *old)}, expected_signer=expected_signer)

    def __str__(self) -> str:
        return text_table(("option", "value"), self._rows())

    def _html(self) -> str:
        return html_table(("option", "value"), self._rows(), "Attestation policy", code=(0, 1))

    def _rows(self) -> list[tuple[str, str]]:
        e = self.expected_signer
        least = f", version {e.isvsvn} or later" if self.isvsvn is None and not self.mrenclaves else ""
        rows = [("expected signer", f"{e.mrsigner} ({e.name}), product {e.isvprodid}{least}")] if self.mrsigner is None else []
        rows += [*self._values(), *((f"--{f}", "set") for f in self.flags())]
        return [*rows, ("--fail-on-any-advisory", "set")] if self.fail_on_any_advisory else rows


def appraise(
    proof: Proof, policy: AttestationPolicy, *, report: CasReport | None = None, subject: str = "CAS"
) -> AttestationResult:
    """Apply a policy to a proof and return the whole ordered list of checks with the verdict.

    `report` is the CAS report the evidence came in; without it nothing can be said about certificate, nonce or instance. A
    proof that does not hold leaves every policy check NOT_RUN, since nothing it says is known to be true. A check that a
    flag switched off is WAIVED where it would have failed, and PASSED, with a remark, where the flag was not needed.
    Raises UsageError for a policy that contradicts itself. Not checked: whether the expected values are right.

    Example: `appraise(verify(report, roots=roots, now=now), AttestationPolicy(), report=report).verdict`
    """
    policy.require_valid()
    remarks: list[str] = []
    checks = [_status(c, proof, policy, remarks) if c.id == "tcb-status" else c for c in proof.checks]
    body = proof.report
    if proof.genuine and body is not None:
        checks += _identity(body, policy, remarks)
        checks += _binding(body, policy, report)
        checks.append(_advisories(proof.advisories, policy))
    else:
        bad = (c.id for c in proof.checks if c.id != "tcb-status" and c.status is not CheckStatus.PASSED and not c.optional)
        first = next(bad, "tcb-status")
        ids = ("debug", "mrenclave", "mrsigner", "isvprodid", "isvsvn", "advisories", "certificate-binding", "nonce",
               "instance-key")
        checks += [not_run(i, f"the evidence is not proven genuine ({first})") for i in ids]
    signer = known_signer(body.mrsigner) if body is not None else None
    if signer is not None and signer.anybody_can_sign:
        remarks.append(f"MRSIGNER is {signer.name}: {signer.note}.")
    return AttestationResult(
        checks=ordered(checks), tcb_status=proof.status_text, advisories=proof.advisories,
        identity=body.identity() if body is not None else None, evidence_sha256=proof.evidence_sha256, at=proof.at,
        remarks=tuple(remarks), known_signer=signer.name if signer else "", subject=subject)


def _unneeded(flag: str, why: str) -> str:
    return f"{flag} was set and not needed: {why}."


def _status(check: Check, proof: Proof, policy: AttestationPolicy, remarks: list[str]) -> Check:
    """Turn a failed status into a waiver where the flags cover every part of it."""
    given = [f for f in catalogue.FLAGS if "tcb-status" in f.waives and f.name in policy.flags()]
    needed = check.waivable_by
    if check.status is CheckStatus.FAILED and not (needed and {f.name for f in given}.issuperset(needed)):
        takes = f"that takes {catalogue.options(needed)}" if needed else "no flag does"
        alone = " alone" if needed and len(given) == 1 and given[0].name in needed else ""
        remarks += [f"{f.option} was set and{alone} does not accept {proof.status_text}: {takes}." for f in given]
    elif check.status is not CheckStatus.NOT_RUN:
        remarks += [_unneeded(f.option, f"the status is {proof.status_text}") for f in given if f.name not in needed]
        return check.waived_by(" ".join(f.option for f in given if f.name in needed)) if needed else check
    return check


def _identity(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> list[Check]:
    out = []
    flag = catalogue.BY_NAME["only_for_testing-debug"].option
    if not body.debug:
        out.append(passed("debug", "DEBUG is not set"))
        if policy.only_for_testing_debug:
            remarks.append(_unneeded(flag, "the enclave is not a debug enclave"))
    else:
        check = failed("debug", "DEBUG is set", "DEBUG is not set", "the host can read and write this enclave's memory",
                       ("only_for_testing-debug",))
        out.append(check.waived_by(flag) if policy.only_for_testing_debug else check)
    signer = _mrsigner(body, policy, remarks)
    return [*out, _mrenclave(body, policy, signer, remarks), signer, *_product(body, policy, signer, remarks)]


def _mrenclave(body: ReportBody, policy: AttestationPolicy, signer: Check, remarks: list[str]) -> Check:
    flag = catalogue.BY_NAME["only_for_testing-trust-any"].option
    trust_any = policy.only_for_testing_trust_any and body.debug
    if not policy.mrenclaves:
        if signer.status is CheckStatus.WAIVED:
            if trust_any:
                return not_run("mrenclave", "no MRENCLAVE was given", got=body.mrenclave).waived_by(flag)
            return failed("mrenclave", body.mrenclave, "an MRENCLAVE to compare with", f"{flag} holds for debug enclaves only")
        if policy.only_for_testing_trust_any and signer.status is CheckStatus.PASSED:
            remarks.append(_unneeded(flag, "the signer stands for the code"))
        return not_run("mrenclave", "no MRENCLAVE was given; the signer stands for the code", optional=True, got=body.mrenclave)
    wanted = " or ".join(policy.mrenclaves)
    if body.mrenclave in policy.mrenclaves:
        if policy.only_for_testing_trust_any:
            remarks.append(_unneeded(flag, "MRENCLAVE is the one that was given"))
        return passed("mrenclave", body.mrenclave, wanted)
    check = failed("mrenclave", body.mrenclave, wanted, _mrenclave_hint(body, policy.mrenclaves), ("only_for_testing-trust-any",))
    return check.waived_by(flag) if trust_any else check


def _mrenclave_hint(body: ReportBody, wanted: tuple[str, ...]) -> str:
    if body.mrsigner in wanted:
        return "the value given is the MRSIGNER"
    if body.mr_enclave[::-1].hex() in wanted:
        return "the value given is the MRENCLAVE with its bytes reversed; measurements are written in the order they stand"
    return ""


def _mrsigner(body: ReportBody, policy: AttestationPolicy, remarks: list[str]) -> Check:
    flag = catalogue.BY_NAME["only_for_testing-ignore-signer"].option
    wanted = policy.mrsigner if policy.mrsigner is not None else policy.expected_signer.mrsigner
    if body.mrsigner == wanted:
        if policy.only_for_testing_ignore_signer:
            remarks.append(_unneeded(flag, "the signer is the expected one"))
        return passed("mrsigner", body.mrsigner, wanted)
    known = known_signer(body.mrsigner)
    check = failed("mrsigner", body.mrsigner, wanted, f"this is {known.name}" if known else "", ("only_for_testing-ignore-signer",))
    return check.waived_by(flag) if policy.only_for_testing_ignore_signer else check


def _product(body: ReportBody, policy: AttestationPolicy, signer: Check, remarks: list[str]) -> list[Check]:
    if signer.status is not CheckStatus.PASSED:
        if policy.isvsvn is not None and signer.status is CheckStatus.WAIVED:
            remarks.append("--isvsvn was set and not compared: a version means nothing without its signer.")
        why = "a number that an unexpected signer chose means nothing"
        pairs = (("isvprodid", body.isv_prod_id), ("isvsvn", body.isv_svn))
        return [not_run(name, why, optional=True, got=value) for name, value in pairs]
    product = policy.isvprodid if policy.isvprodid is not None else policy.expected_signer.isvprodid
    if body.isv_prod_id == product:
        first = passed("isvprodid", body.isv_prod_id, product)
    else:
        first = failed("isvprodid", body.isv_prod_id, product)
    if policy.isvsvn is None and policy.mrenclaves:
        why = "MRENCLAVE names one build, so no minimum version applies; --isvsvn sets one"
        return [first, not_run("isvsvn", why, optional=True, got=body.isv_svn)]
    least = policy.isvsvn if policy.isvsvn is not None else policy.expected_signer.isvsvn
    if body.isv_svn >= least:
        return [first, passed("isvsvn", body.isv_svn, f"{least} or more")]
    return [first, failed("isvsvn", body.isv_svn, f"{least} or more")]


def _binding(body: ReportBody, policy: AttestationPolicy, report: CasReport | None) -> list[Check]:
    if report is None:
        why = "no CAS report was given: nothing says which certificate this evidence speaks for"
        nonce = not_run("nonce", why if policy.nonce is None else "a nonce was given, and no CAS report that could repeat it",
                        optional=policy.nonce is None)
        asked = policy.cas_key_hash is not None or policy.cas_software_key_hash is not None
        return [not_run("certificate-binding", why, optional=True), nonce, not_run("instance-key", why, optional=not asked)]
    out = []
    if body.report_data == report.binding_digest:
        out.append(passed("certificate-binding", body.report_data.hex(), report.binding_digest.hex()))
    else:
        out.append(failed("certificate-binding", body.report_data.hex(), report.binding_digest.hex(),
                          "the evidence was not made for these additional data"))
    if policy.nonce is None:
        out.append(not_run("nonce", "no nonce was sent", optional=True, got=report.nonce))
    elif report.nonce == policy.nonce:
        out.append(passed("nonce", report.nonce, policy.nonce))
    else:
        out.append(failed("nonce", report.nonce or "no nonce", policy.nonce, "the report answers another question than ours"))
    return [*out, _instance(report, policy)]


def _instance(report: CasReport, policy: AttestationPolicy) -> Check:
    from casnb.verify.keyhash import chain_key_hashes

    pairs = [("CAS key", policy.cas_key_hash, 0), ("CAS software key", policy.cas_software_key_hash, 1)]
    asked = [(name, wanted, n) for name, wanted, n in pairs if wanted is not None]
    if not asked:
        return not_run("instance-key", "no key hash was given with -c or -s", optional=True)
    try:
        hashes = chain_key_hashes(report.cert_chain_pem)
    except Exception as exc:  # cryptography raises many kinds for hostile DER
        return failed("instance-key", str(exc), "certificates that have such keys")
    for name, wanted, n in asked:
        if hashes[n] != wanted:
            return failed("instance-key", f"{name} {hashes[n]}", wanted, "another instance answered")
    return passed("instance-key", ", ".join(str(wanted) for _, wanted, _ in asked))


def _advisories(found: tuple[str, ...], policy: AttestationPolicy) -> Check:
    listed = ", ".join(found) or "none"
    if policy.fail_on_any_advisory:
        return failed("advisories", listed, "none") if found else passed("advisories", "none")
    if policy.ignore_advisories:
        left = [a for a in found if a not in policy.ignore_advisories]
        if left:
            return failed("advisories", ", ".join(left), "only " + ", ".join(policy.ignore_advisories))
        if found:
            return Check("advisories", CheckStatus.WAIVED, listed, "none", flag="--ignore-advisories")
        return passed("advisories", "none")
    return not_run("advisories", f"not asked for; listed: {listed}", optional=True, got=listed)
