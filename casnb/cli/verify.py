"""`casnb verify`: is it genuine, is it wanted; and a whole manifest of cases in one go."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casnb.cli.base import ACCEPTED, REJECTED, Command, emit_json, note
from casnb.cli.decode import slurp
from casnb.cli.options import SECTIONS, Day, option, policy_from, policy_options, roots_and_signer, roots_option
from casnb.errors import UsageError, neutral

if TYPE_CHECKING:
    from casnb.evidence.avr import SignedAvr
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.quote import EpidQuote, Quote

#: Endorsements, chains and signatures are small.
_PIECE = 1 << 20


@click.command(cls=Command, sections=SECTIONS, example="""\
  casnb verify report.json --mrenclave "$MRENCLAVE" -G \\
      --only_for_testing-ignore-signer --only_for_testing-debug
  casnb verify quote.bin --endorsements collateral.json --at 2026-09-01 --json
  casnb verify body.json --signature signature.b64 --chain chain.pem
  casnb verify --manifest manifest.json
""", exits={0: "accepted, perhaps with waivers; with --manifest: every case agrees", 1: "rejected, or malformed",
            2: "called wrongly", 3: "could not check: a file is missing, or nobody can judge this kind any more"})
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@option("--endorsements", metavar="FILE", help="What Intel signed about the platform, JSON; needed for a bare DCAP quote.")
@option("--signature", metavar="FILE", help="The signature over a bare IAS report body, base64 or raw.")
@option("--chain", metavar="FILE", help="The signing certificates of a bare IAS report body, PEM.")
@option("--at", "--verification-time", "at", type=Day(), metavar="TIME",
        help="Judge as of this time: yyyy-mm-dd or yyyy-mm-ddThh:mm:ssZ, UTC.  [default: now]")
@option("--nonce", metavar="HEX", help="The nonce a CAS report must repeat.")
@roots_option
@option("--manifest", metavar="FILE", help="Run every case of a manifest of vectors instead of one FILE.")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object.")
@policy_options
def verify(file: str | None, endorsements: str | None, signature: str | None, chain: str | None, at: datetime | None,
           nonce: str | None, simulated_roots: str | None, manifest: str | None, as_json: bool, **params: Any) -> int:
    """Is this evidence genuine, and is it from the enclave I want?

    FILE is a DCAP quote, a CAS report, or the body of an IAS report. Prints every check with what was got and wanted, then the
    verdict. Without --mrenclave or --mrsigner the enclave must be signed by Scontain's CAS signer. Nothing is fetched.
    """
    if manifest is not None:
        if file is not None:
            raise click.UsageError("--manifest names its own files: leave FILE out.")
        return _manifest(manifest, as_json)
    if file is None:
        raise click.UsageError("FILE is missing: a quote, a CAS report or an IAS report body (or --manifest).")
    if (signature is None) != (chain is None):
        raise click.UsageError("--signature and --chain belong together: give both or neither.")
    roots, signer = roots_and_signer(simulated_roots, note)
    policy = policy_from({**params, "nonce": nonce, "verification_time": at}, expected_signer=signer)

    from casnb.evidence.cas_report import CasReport
    from casnb.policy import appraise
    from casnb.verify.dispatch import verify as prove
    from casnb.verify.endorsements import Endorsements

    evidence = _evidence(file, signature, chain)
    given = Endorsements.from_json(slurp(endorsements, _PIECE)) if endorsements else None
    now = at or datetime.now(timezone.utc)
    proof = prove(evidence, endorsements=given, roots=roots, now=now)
    subject = "standard input" if file == "-" else neutral(Path(file).name, 80)
    result = appraise(proof, policy, report=evidence if isinstance(evidence, CasReport) else None, subject=subject)
    if as_json:
        emit_json(result.to_json())
    else:
        from casnb.cli.render import console, show_result

        show_result(result, console())
    return ACCEPTED if result.accepted else REJECTED


def _evidence(file: str, signature: str | None, chain: str | None) -> Quote | EpidQuote | SignedAvr | CasReport:
    """Read what is to be verified; refuse, by name, what nobody has signed."""
    from casnb.evidence.avr import Avr, SignedAvr
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.decode import decode, guess
    from casnb.evidence.quote import EpidQuote, Quote

    data = slurp(file)
    if signature is not None and chain is not None:
        return SignedAvr(data, _signature(slurp(signature, _PIECE)), slurp(chain, _PIECE))
    value = decode(data)
    if isinstance(value, (Quote, EpidQuote, CasReport)):
        return value
    if isinstance(value, Avr):
        raise UsageError(file, got="the body of an IAS report alone", wanted="its signature and certificates too",
                         do="Give --signature FILE and --chain FILE.")
    raise UsageError(file, got=guess(data), wanted="a quote, a CAS report or an IAS report",
                     do="No platform has signed this: casnb decode shows what it says.")


def _signature(data: bytes) -> bytes:
    """Return the signature's bytes: base64 text is decoded, 256 raw bytes stay."""
    if len(data) == 256:
        return data
    from casnb.evidence.avr import decode_base64

    return decode_base64("".join(data.decode("ascii", "replace").split()), "--signature")


def _manifest(path: str, as_json: bool) -> int:
    from casnb.verify.manifest import run_manifest

    results = list(run_manifest(Path(path)))
    if as_json:
        emit_json([{"id": r.id, "case": r.case, "expected": r.expected, "got": r.got, "agree": r.agree, "note": r.note}
                   for r in results])
    else:
        from rich.text import Text

        from casnb.cli.render import console, grid

        table = grid(widths=(8, None))
        for r in results:
            words = Text(f"{neutral(r.id, 100)}, {neutral(r.case, 60)}", "bold")
            words.append(f"\nexpected {neutral(r.expected)}" + ("" if r.agree else f"\ngot      {neutral(r.got)}")
                         + (f"\nnote: {neutral(r.note)}" if r.note else ""), "not bold")
            table.add_row("agrees" if r.agree else Text("DIFFERS", "bold red"), words)
        console().print(table)
    differing = sum(not r.agree for r in results)
    note(f"{len(results)} cases, {differing} differ." if results else "The manifest has no cases.")
    return ACCEPTED if results and not differing else REJECTED
