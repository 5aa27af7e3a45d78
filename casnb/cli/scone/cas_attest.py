"""`scone cas attest`: the decision, in the words that scripts of the assignments expect."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import CasnbError, PolicyError, SourceError, UsageError, neutral
from casnb.checks.result import AttestationResult, Check, CheckStatus
from casnb.cli.base import REJECTED, Command, Failure, note
from casnb.cli.policy_options import (
    SECTIONS,
    Day,
    option,
    policy_from,
    policy_options,
    roots_and_signer,
    roots_option,
)
from casnb.cli.scone.main import retries_option, trust_store
from casnb.policy.flags import find

if TYPE_CHECKING:
    from casnb.cas.asking import Attempt
    from casnb.cas.attest import AttestedCas
    from casnb.cas.trust import TrustStore
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.pki import TrustAnchors

HEADLINE = "Error during attestation of CAS"
#: Documented words of the real command for what is known of its failures.
_DEBUG = (
    "Debug mode is enabled. Enclave protection is turned off, all secrets can be extracted with a"
    " debugger"
)
#: Seconds to wait before the second try, doubled for each further one.
_PAUSE = 0.2
#: As many advisories are explained under a failure.
_ADVISORIES = 4


@click.command(
    cls=Command,
    sections=SECTIONS,
    example="""\
  scone cas attest -G --mrenclave "$MRENCLAVE" \\
      --only_for_testing-ignore-signer --only_for_testing-debug "$CAS_ADDR"
  scone cas attest scone-cas.cf --offline-report report.json --nonce "$NONCE" \\
      --verification-time 2019-07-20 --mrenclave "$MRENCLAVE"
""",
    exits={
        0: "accepted and remembered, perhaps with waivers: standard error says which",
        1: "rejected",
        2: "called wrongly",
        3: "could not check: no report was there to judge",
    },
)
@click.argument("address")
@click.argument("_mrenclave", required=False, metavar="[MRENCLAVE]")
@option("--offline-report", metavar="FILE", help="Judge this saved report instead of fetching one.")
@option(
    "--nonce",
    metavar="HEX",
    help="The nonce the saved report must repeat; only with --offline-report.",
)
@option(
    "--verification-time",
    type=Day(),
    metavar="DAY",
    help=(
        "Judge a saved report as of 00:00 UTC of yyyy-mm-dd, dd.mm.yyyy or dd-mm-yyyy; only with"
        " --offline-report."
    ),
)
@retries_option
@roots_option
@click.option(
    "--allow-cas-owner-secret-access",
    is_flag=True,
    help="Accept a CAS whose owner injected the database key. No simulated CAS is one.",
)
@click.option(
    "--only_for_testing_allow-unprovisioned-cas",
    "unprovisioned",
    is_flag=True,
    help="Accept a CAS without an owner. No simulated CAS is one.",
)
@policy_options
@click.pass_context
def attest(
    ctx: click.Context,
    /,
    address: str,
    _mrenclave: str | None,
    offline_report: str | None,
    retries: int,
    simulated_roots: str | None,
    allow_cas_owner_secret_access: bool,
    unprovisioned: bool,
    **params: Any,
) -> None:
    """May I trust the CAS at ADDRESS with a secret?

    Fetches its attestation report, verifies it, compares it with what you accept, and remembers
    an accepted CAS: its certificate is what later connections are pinned to. The first one
    accepted becomes the default.
    """
    if _mrenclave is not None:
        note("note: an MRENCLAVE after the address is deprecated: write --mrenclave HEX.")
        params["mrenclave"] = (*params["mrenclave"], _mrenclave)
    if params["nonce"] is not None and offline_report is None:
        raise UsageError(
            "--nonce: only with --offline-report, because a fetched report gets a fresh nonce"
        )
    _remark_unused(allow_cas_owner_secret_access, unprovisioned)
    # The policy is judged before anything is fetched or read.
    policy = policy_from(params)
    roots, signer = roots_and_signer(simulated_roots, note, address)
    if signer is not None:
        policy = policy_from(params, expected_signer=signer)
    store = trust_store(ctx)
    attempt = _attempt(address, policy, roots, offline_report, retries)
    result = attempt.result
    if not result.accepted:
        raise Failure(HEADLINE, causes(result), REJECTED, [*background(result), *advice(result)])
    from casnb.cas.attest import AttestedCas

    attested = AttestedCas.from_attempt(attempt)
    before = _remember(store, attested, policy)
    mark = " (simulated)" if attested.simulated else ""
    click.echo(f"CAS {neutral(attested.name, 300)} at {attested.url} is trustworthy{mark}")
    report_waivers(result)
    if before is not None and before.chain != attested.chain:
        _say_changed(before, attested)


def _remember(
    store: TrustStore, attested: AttestedCas, policy: AttestationPolicy
) -> AttestedCas | None:
    """Store a pin and return the one before; a simulated CAS that is not on this machine is not
    stored, and standard error says so.
    """
    from casnb.cas.entry import require_here

    if attested.simulated:
        try:
            require_here(attested)
        except PolicyError as exc:
            note(f"note: not remembered. {exc}")
            return None
    # Naming the key's hash is how a changed key is confirmed.
    before = store.add(attested, replace=bool(policy.cas_key_hash))
    if attested.simulated and store.default != attested.name:
        note(
            "note: simulated, so not the default CAS of this file: name it in each command, or use"
            " the SCONE_CLI_CONFIG that casnb serve prints."
        )
    return before


def _say_changed(before: AttestedCas, now: AttestedCas) -> None:
    """Say on standard error that the keys are not those that were remembered."""
    (old_root, _), (new_root, _) = before.chain.key_hashes, now.chain.key_hashes
    if old_root == new_root:
        note(
            "note: the root key is the one that was remembered, the instance key is new: the CAS"
            " was updated."
        )
        return
    note(
        f"warning: the root key has changed from {old_root} to {new_root}, which -c named. The old"
        f" pin is replaced: {neutral(before.sentence, 400)}"
    )


def _remark_unused(owner: bool, unprovisioned: bool) -> None:
    for given, name in (
        (owner, "--allow-cas-owner-secret-access"),
        (unprovisioned, "--only_for_testing_allow-unprovisioned-cas"),
    ):
        if given:
            note(
                f"note: {name} was set; the report's public form does not say whether it was"
                " needed, and casnb does not check it."
            )


def _attempt(
    address: str,
    policy: AttestationPolicy,
    roots: TrustAnchors | None,
    offline_report: str | None,
    retries: int,
) -> Attempt:
    """Fetch or read the report and judge it; only a CAS that cannot be reached is tried again."""
    from casnb.cas.asking import attempt
    from casnb.evidence.decode import read_file

    if offline_report is not None:
        return attempt(address, policy, roots=roots, report=read_file(offline_report))
    for tried in range(retries + 1):
        try:
            return attempt(address, policy, roots=roots)
        except SourceError as exc:
            if tried == retries:
                raise _unreached(exc, tried, address) from None
            time.sleep(min(_PAUSE * 2**tried, 2))
    raise AssertionError("unreachable")


def _unreached(exc: CasnbError, tried: int, address: str) -> Failure:
    again = f" (tried {tried + 1} times)" if tried else ""
    remarks = ["Nothing was decided about this CAS."]
    known = os.environ.get("CAS_ADDR", address)
    if known not in (address, address.rpartition(":")[0]):
        remarks.append(f"note: CAS_ADDR is {neutral(known, 100)}, another address.")
    return Failure(HEADLINE, [f"{exc}{again}"], exc.exit_code, remarks)


def causes(result: AttestationResult) -> list[str]:
    """Return why a result is rejected, documented words where there are some, one line for each
    failing check.
    """
    lines = ["Remote attestation report verification failed"]
    failing = [c for c in result.checks if c.status is CheckStatus.FAILED]
    if any(c.id in ("debug", "mrenclave", "mrsigner", "isvprodid", "isvsvn") for c in failing):
        lines.append("The program enclave is not trustworthy")
    lines += [plain_words(c, result) for c in failing]
    if not failing:
        missing = (c for c in result.checks if c.status is CheckStatus.NOT_RUN and not c.optional)
        lines += [f"Check {c.id} could not be made, {c.title}: {c.reason}" for c in missing]
    return lines


def plain_words(check: Check, result: AttestationResult) -> str:
    """Return one failing check as a sentence."""
    why = f" ({check.reason})" if check.reason else ""
    if check.id == "debug":
        return _DEBUG
    if check.id == "mrenclave":
        return (
            f"Unexpected enclave measurement (MRENCLAVE, {check.got}) - Expected"
            f" {check.wanted}{why}"
        )
    if check.id == "mrsigner":
        return f"Unexpected enclave signer (MRSIGNER, {check.got}) - Expected {check.wanted}{why}"
    if check.id == "tcb-status":
        listed = f" - See {', '.join(result.advisories[:12])}" if result.advisories else ""
        return (
            f"The enclave's TCB is not trustworthy: {check.got}, wanted {check.wanted}{why}{listed}"
        )
    return f"Check {check.id} failed, {check.title}: got {check.got}, wanted {check.wanted}{why}"


def background(result: AttestationResult) -> list[str]:
    """Return, for a status that was not accepted, what is left to do and what its first
    advisories are about.
    """
    if result.words is None or result.check("tcb-status").status is not CheckStatus.FAILED:
        return []
    lines = [
        f"note: what is left to you: {text}." for name, text in result.words.rows if name == "you"
    ]
    known = result.words.advisories
    lines += [f"  {neutral(id, 40)}: {neutral(text)}" for id, text in known[:_ADVISORIES]]
    return lines + (
        [f"  ... and {len(known) - _ADVISORIES} more: casnb verify lists them."]
        if len(known) > _ADVISORIES
        else []
    )


def advice(result: AttestationResult) -> list[str]:
    """Return what casnb's own verifier knows about flags and these failures: as risk, and only
    where flags cover them all.
    """
    failing = [c for c in result.checks if c.status is CheckStatus.FAILED]
    stuck = [c.id for c in failing if not c.waivable_by]
    if stuck or not failing:
        return [f"note: no flag waives {', '.join(stuck)}."] if stuck else []
    if missing := [
        c.id for c in result.checks if c.status is CheckStatus.NOT_RUN and not c.optional
    ]:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        return [
            f"note: not made: {listed} ({len(missing)}). So nothing is known of flags that would"
            " help."
        ]
    lines = [
        (
            "note: flags could waive all of this (casnb's own finding; a CAS or its page must never"
            " be the one to tell you)."
        ),
        "Each lets somebody in:",
    ]
    for check in failing:
        for name in check.waivable_by:
            flag = find(name)
            assert flag is not None
            short = f"-{flag.short} (--{flag.name})" if flag.short else f"--{flag.name}"
            lines.append(f"  {check.id}: {short}. {flag.gains}")
    return lines


def report_waivers(result: AttestationResult) -> None:
    """Say on standard error what was waived, by which flag, that such a CAS must not hold
    secrets, and what was not asked.
    """
    if result.waivers:
        count = len(result.waivers)
        note(
            f"warning: accepted with {count} waiver{'s' if count > 1 else ''}. This CAS must not"
            " hold secrets."
        )
        for line in waiver_lines(result.waivers):
            note(line)
    if result.left_open:
        note(f"note:{result.left_open}")
    for remark in result.remarks:
        note(f"note: {neutral(remark, 600)}")


def waiver_lines(waivers: Iterable[Check]) -> list[str]:
    """Return one line for each waived check: id, what was got and wanted, the flag."""
    lines = []
    for check in waivers:
        compared = f"got {check.got}" if check.got else check.title
        compared += f", wanted {check.wanted}" if check.wanted else ""
        lines.append(f"  {check.id}: waived by {check.flag}; {neutral(compared, 300)}")
    return lines
