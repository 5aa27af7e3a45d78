"""`scone cas verify-audit-log` and `attest-audit-log`: a log judged by what the CAS remembers,
each status an exit code.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import CasnbError, EvidenceError, SourceError, UsageError, neutral, own_file
from casnb.cas.audit import LogStatus, LogVerdict, verify_log
from casnb.cas.audit_entries import LOG_LIMIT, Checkpoints, is_signature, read_log
from casnb.checks.result import AttestationResult
from casnb.cli.base import Command, note, slurp
from casnb.cli.policy_options import (
    SECTIONS,
    Day,
    option,
    policy_from,
    policy_options,
    roots_and_signer,
    roots_option,
)
from casnb.cli.scone.cas_group import attested_cas
from casnb.cli.scone.main import retries_option, trust_store
from casnb.evidence.decode import read_file

if TYPE_CHECKING:
    from cryptography import x509

    from casnb.cas.attest import AttestedCas

_EXITS = {
    **{int(s): s.words for s in sorted(LogStatus, reverse=True)},
    1: "larger than any log that casnb reads",
    2: "called wrongly",
    3: "a file beside the log is damaged, or one could not be read: nothing was decided",
}


def _signature(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is not a signature before the log is judged by it."""
    if value is not None and not is_signature(value):
        raise click.BadParameter(
            f"got {neutral(value, 60)}, wanted 128 lower-case hex digits", ctx, param
        )
    return value


def _log_options(command: Any) -> Any:
    """Add what both commands take."""
    for row in reversed(
        (
            click.argument("file", type=click.Path(allow_dash=True)),
            click.option(
                "-p",
                "--print",
                "shown",
                is_flag=True,
                help="Print every event in a line of its own.",
            ),
            option(
                "--predecessor",
                metavar="SIGNATURE",
                callback=_signature,
                help="For part of a log: the signature of the last event in the file before.",
            ),
            option(
                "--last",
                metavar="SIGNATURE",
                callback=_signature,
                help="For part of a log: the signature that the file after it begins after.",
            ),
            option(
                "--checkpoints-json",
                metavar="FILE",
                help="What the CAS remembers, saved before, instead of asking it.",
            ),
            retries_option,
        )
    ):
        command = row(command)
    return command


@click.command(cls=Command, exits=_EXITS, example="  scone cas verify-audit-log -p audit.jsonl")
@option(
    "-c",
    "--cas",
    "cas_name",
    metavar="CAS",
    help="An attested CAS.  [default: the one with a star in scone cas list]",
)
@_log_options
@click.pass_context
def verify_audit_log(
    ctx: click.Context,
    /,
    file: str,
    cas_name: str | None,
    shown: bool,
    predecessor: str | None,
    last: str | None,
    checkpoints_json: str | None,
    retries: int,
) -> int:
    """Is this the attested CAS's audit log, whole, and was the CAS never set back?

    Every signature is verified, the signing keys must lead to the attested CAS, and the CAS is
    asked which event was its last. A part of a log needs to be told what it lies between.
    """
    data = slurp(file, LOG_LIMIT)
    attested = attested_cas(ctx, cas_name)
    known = _checkpoints(attested, checkpoints_json, retries, data)
    return _report(
        verify_log(data, attested.chain.root, known, predecessor=predecessor or "", last=last),
        shown,
    )


@click.command(
    cls=Command,
    exits=_EXITS,
    sections=SECTIONS,
    example="""\
  scone cas attest-audit-log audit.jsonl -G --mrenclave "$MRENCLAVE" \\
      --only_for_testing-ignore-signer --only_for_testing-debug
""",
)
@option(
    "--cas",
    "cas_name",
    metavar="CAS",
    help="The CAS to ask for its last event.  [default: the one with a star]",
)
@_log_options
@option(
    "--verification-time",
    type=Day(),
    metavar="DAY",
    help="Judge the evidence as of this time.  [default: now]",
)
@roots_option
@policy_options
@click.pass_context
def attest_audit_log(
    ctx: click.Context,
    /,
    file: str,
    cas_name: str | None,
    shown: bool,
    predecessor: str | None,
    last: str | None,
    checkpoints_json: str | None,
    retries: int,
    simulated_roots: str | None,
    **params: Any,
) -> int:
    """Is this an audit log of a CAS that I accept, by the evidence in it?

    The options are those of `scone cas attest`: the evidence about each signing key must be
    genuine, name that key, and be about an enclave that they accept.
    """
    policy = policy_from({**params, "nonce": None})
    roots, signer = roots_and_signer(simulated_roots, note)
    if signer is not None:
        policy = policy_from({**params, "nonce": None}, expected_signer=signer)
    data = slurp(file, LOG_LIMIT)
    from casnb.cas.audit_keys import attested_keys

    try:
        entries = read_log(data)[0]
    except EvidenceError:
        entries = ()
    keys = set()
    clock = datetime.now(timezone.utc)
    for key, result in attested_keys(
        entries, policy, roots=roots, now=policy.verification_time or clock, clock=clock
    ).items():
        if isinstance(result, AttestationResult) and result.accepted:
            keys.add(key)
            if result.waivers or result.simulated or result.left_open:
                note(f"{'warning' if result.waivers else 'note'}: {neutral(result.sentence, 600)}")
        else:
            note(f"audit log key {key[:16]}: {_why(result)}")
    attested = attested_cas(ctx, cas_name) if cas_name or trust_store(ctx).default else None
    known = _checkpoints(attested, checkpoints_json, retries, data)
    none: x509.Certificate | None = None
    return _report(
        verify_log(data, none, known, predecessor=predecessor or "", last=last, keys=keys), shown
    )


def _why(result: AttestationResult | str) -> str:
    if isinstance(result, str):
        return neutral(result, 400)
    from casnb.cli.scone.cas_attest import causes

    return neutral("; ".join(causes(result)), 600)


def _checkpoints(
    attested: AttestedCas | None, file: str | None, retries: int, data: bytes
) -> Checkpoints | None:
    """What the CAS remembers; where it cannot be asked, a note, and nothing: a rollback is then
    not excluded.
    """
    if file is not None:
        with own_file(f"--checkpoints-json {file}"):
            return Checkpoints.from_json(read_file(file, 1 << 20))
    if attested is None:
        note("note: no CAS was attested that could be asked for its last event.")
        return None
    from casnb.cas.client import CasClient
    from casnb.cli.scone.session_client import again

    try:
        return again(retries, CasClient(attested).audit_checkpoints)
    except (SourceError, CasnbError) as exc:
        if isinstance(exc, UsageError):
            raise
        note(f"note: the CAS could not be asked for its last event: {exc}")
        return None


def _report(verdict: LogVerdict, shown: bool) -> int:
    if shown:
        for entry in verdict.entries:
            click.echo(entry.words)
    for remark in verdict.remarks:
        note(neutral(remark, 600))
    click.echo(f"{verdict.status.words} ({len(verdict.entries)} events)")
    return int(verdict.status)
