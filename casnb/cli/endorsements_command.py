"""`casnb endorsements`: what Intel signed about a platform, fetched for a quote, or put together
from files.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from casnb.cli.base import EXITS, Command, Commands, note, slurp, write_atomically

if TYPE_CHECKING:
    from casnb.evidence.decode import Evidence
    from casnb.verify.endorsements import Endorsements
    from casnb.verify.service_paths import Needs


@click.command(
    cls=Command,
    example="""\
  casnb endorsements fetch quote.bin --out lists.json
  casnb endorsements fetch quote.bin --out lists.json \\
      --pcs https://localhost:8081 --ca pccs.pem
  casnb verify quote.bin --endorsements lists.json
""",
    exits={
        0: "fetched and written; nothing of it was verified",
        1: "the quote is malformed, or an answer is something else",
        2: "called wrongly",
        3: "the service cannot be reached or refuses, or a file cannot be read or written",
    },
)
@click.argument("quote", metavar="QUOTE", type=click.Path(allow_dash=True))
@click.option(
    "--out", metavar="FILE", required=True, help="Where to write them; replaced as a whole."
)
@click.option(
    "--pcs",
    metavar="URL",
    envvar="CASNB_PCS_URL",
    show_envvar=True,
    help="A PCS or PCCS.  [default: Intel's, https://api.trustedservices.intel.com]",
)
@click.option(
    "--ca",
    metavar="FILE",
    help="PEM file that vouches for that service's TLS certificate.",
)
@click.option("--part", metavar="N|NAME", help="Of several things in QUOTE this one.")
def fetch(quote: str, out: str, pcs: str | None, ca: str | None, part: str | None) -> None:
    """What did Intel sign about this quote's platform?

    QUOTE is a DCAP quote, or a PCK certificate, in any form that `casnb decode` reads. FMSPC and
    CA stand in it; TCB info, QE identity and both revocation lists are fetched, versions 4 and 3
    of the service, and written as one object for `casnb verify --endorsements`. Whoever runs the
    service cannot lie with it: everything is signed by Intel, and verified when it is used.
    """
    from casnb.cas.pcs import fetch_endorsements
    from casnb.evidence.decode import read
    from casnb.verify.service_paths import INTEL_PCS

    if pcs and ca is None and os.environ.get("CASNB_PCS_URL") == pcs:
        ca = os.environ.get("CAS_PAGE_CA")
        note(f"note: fetched from the simulated service at {pcs} (CASNB_PCS_URL).")
    needs = _needs(read(slurp(quote), part).value)
    note(f"{needs}.")
    found = fetch_endorsements(needs, pcs=pcs or INTEL_PCS, ca=ca, say=note)
    _write(found, out)


@click.command(
    cls=Command,
    example="""\
  curl -si "$PCS/tcb?fmspc=00A067110000" > tcb.http
  curl -si "$PCS/qe/identity" > qe.http
  curl -si "$PCS/pckcrl?ca=processor&encoding=der" > pckcrl.http
  ROOT=https://certificates.trustedservices.intel.com
  curl -so root.crl $ROOT/IntelSGXRootCA.der
  casnb endorsements build tcb.http qe.http pckcrl.http root.crl --out lists.json
""",
    exits={
        0: "put together and written; nothing of it was verified",
        1: "a file is something else, or a part is missing",
        2: "called wrongly",
        3: "a file cannot be read or written",
    },
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--out", metavar="FILE", required=True, help="Where to write them; replaced as a whole."
)
def build(files: tuple[str, ...], out: str) -> None:
    """How do I make one file of what I have?

    FILES are answers of PCS or PCCS with their headers, lists with their signature, revocation
    lists in DER, PEM or hex, issuer chains, or an object of endorsements that lacks something:
    each in any form that `casnb decode` reads, in any order.
    """
    from casnb.evidence.decode import read_parts
    from casnb.verify.gathering import Gathering

    found = Gathering()
    for file in files:
        for reading in read_parts(slurp(file)):
            note(f"{file}: {found.add(reading, file)}.")
    _write(found.finish(), out)


def _needs(value: Evidence) -> Needs:
    """Return what the PCK certificate in a quote, or one given alone, says of its platform."""
    from casnb.base.errors import EvidenceError
    from casnb.cli.many.judge import signed_evidence
    from casnb.evidence.cas_report import CasReport
    from casnb.evidence.collateral import IntelCertificate, pck_certificate
    from casnb.evidence.quote import Quote
    from casnb.verify.service_paths import Needs

    if isinstance(value, IntelCertificate) and value.pck is not None:
        return Needs.of(value)
    inner = signed_evidence(value, "QUOTE")
    if isinstance(inner, CasReport) and inner.proof_type == "DCAPQuote":
        inner = inner.quote()
    if not isinstance(inner, Quote):
        raise EvidenceError("QUOTE", got=type(inner).__name__, wanted="a DCAP quote")
    certificate = pck_certificate(inner.pck_chain_pem)
    if certificate is None:
        raise EvidenceError(
            "QUOTE", got="no PCK certificate that can be read", wanted="a chain with one"
        )
    return Needs.of(certificate)


def _write(found: Endorsements, out: str) -> None:
    write_atomically(Path(out), json.dumps(found.to_json(), indent=2) + "\n")
    note(f"Written to {out}. Fetched, not verified: casnb verify QUOTE --endorsements {out}.")


@click.group(
    cls=Commands,
    lazy={
        "fetch": (
            "casnb.cli.endorsements_command:fetch",
            "Get what goes with a quote from Intel's PCS or a PCCS.",
        ),
        "build": (
            "casnb.cli.endorsements_command:build",
            "Put saved answers and lists together.",
        ),
    },
    epilog_rows=EXITS,
)
def endorsements() -> None:
    """What goes with a DCAP quote: TCB info, QE identity, revocation lists, and their signers."""
