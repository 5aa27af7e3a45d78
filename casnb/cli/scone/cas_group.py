"""`scone cas`: attest, and what is remembered of attested CASes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from casnb.base.errors import PolicyError, SourceError, neutral
from casnb.cli.base import ACCEPTED, UNCHECKED, Command, Commands, emit_json, note
from casnb.cli.completers import attested, one_of
from casnb.cli.scone.main import HELP, json_option, trust_store
from casnb.cli.scone.unbuilt import unbuilt

if TYPE_CHECKING:
    from casnb.cas.attest import AttestedCas

_EXITS = {
    0: "done",
    2: "called wrongly, or no such CAS was attested",
    3: "the file of attested CASes is damaged, or cannot be read or written",
}


@click.group(
    cls=Commands,
    lazy={
        "attest": ("casnb.cli.scone.cas_attest:attest", "May I trust this CAS with a secret?"),
        "verify-audit-log": (
            "casnb.cli.scone.cas_audit:verify_audit_log",
            "Is this audit log whole, and the attested CAS's?",
        ),
        "attest-audit-log": (
            "casnb.cli.scone.cas_audit:attest_audit_log",
            "The same, by the evidence in the log itself.",
        ),
    },
    elsewhere=unbuilt("scone cas"),
    context_settings=HELP,
)
def cas() -> None:
    """Attest CAS instances, and remember which were attested."""


@cas.command(
    "list",
    cls=Command,
    exits=_EXITS,
    short_help="Which CASes were attested?",
    example="  scone cas list",
)
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> int:
    """Which CASes were attested? The default one has a star; standard error says how each was
    accepted.
    """
    store = trust_store(ctx)
    default, status = store.default, ACCEPTED
    rows: list[dict[str, Any]] = []
    for name in store.names():
        try:
            found = store.get(name)
        except (SourceError, PolicyError) as exc:
            note(f"warning: {exc}")
            status = UNCHECKED
            continue
        rows.append(
            {
                "name": neutral(name),
                "url": neutral(found.url),
                "default": name == default,
                "simulated": found.simulated,
                "not_asked": None if found.not_asked is None else list(found.not_asked),
                "key_hash": found.chain.key_hashes[0],
                "waivers": None
                if found.waivers is None
                else [{"check": w.check, "flag": w.flag} for w in found.waivers],
            }
        )
        mark = " (simulated)" if found.simulated else ""
        if not as_json:
            click.echo(
                f"{'*' if name == default else ' '} {neutral(name)}: {neutral(found.url)}{mark}"
            )
        note(f"{_kind(found)}: {neutral(found.memory, 800)}")
    if as_json:
        emit_json(rows)
    return status


@cas.command(
    "set-default",
    cls=Command,
    exits=_EXITS,
    short_help="Which CAS is meant when none is named?",
    example="  scone cas set-default scone-cas.cf",
)
@click.argument("name", metavar="CAS", shell_complete=one_of(attested))
@click.pass_context
def set_default(ctx: click.Context, name: str) -> None:
    """Which CAS do the other commands mean, when none is named? CAS is the name it was attested
    under.
    """
    trust_store(ctx).set_default(name)
    note(f"{neutral(name)} is the default CAS now.")


def attested_cas(ctx: click.Context, name: str | None) -> AttestedCas:
    """Return a CAS that was attested before, by name or the default, and say again what was
    waived.
    """
    found = trust_store(ctx).get(name)
    repeat_waivers(found)
    return found


def repeat_waivers(found: AttestedCas) -> None:
    """Say on standard error, in one short line, what a pin is worth; attest and list say it at
    length.
    """
    note(f"{_kind(found)}: {found.short}")


def _kind(found: AttestedCas) -> str:
    return "warning" if found.waivers is None or found.waivers else "note"


@cas.command(
    "show-certificate",
    cls=Command,
    exits=_EXITS,
    short_help="The certificates of an attested CAS, PEM.",
    example="  scone cas show-certificate > cas_cert.crt",
)
@click.argument("name", required=False, metavar="[CAS]", shell_complete=one_of(attested))
@click.pass_context
def show_certificate(ctx: click.Context, name: str | None) -> None:
    """Which certificates vouch for the TLS connections of an attested CAS? PEM: `cas-instance`,
    then `cas`.
    """
    click.echo(attested_cas(ctx, name).chain.to_pem().decode("ascii"), nl=False)


@cas.command(
    "show-identification",
    cls=Command,
    exits=_EXITS,
    short_help="Hashes and keys of an attested CAS.",
    example='  scone cas attest -c "$(scone cas show-identification -c)" cas',
)
@click.argument("name", required=False, metavar="[CAS]", shell_complete=one_of(attested))
@click.option(
    "-c",
    "--cas-key-hash",
    "item",
    flag_value="cas-key-hash",
    help="Hash of the root key: this instance.",
)
@click.option(
    "-C",
    "--cas-certificate",
    "--cas-key",
    "item",
    flag_value="cas-certificate",
    help="The root certificate, PEM.",
)
@click.option(
    "-s",
    "--cas-software-key-hash",
    "item",
    flag_value="cas-software-key-hash",
    help="Hash of the software's key.",
)
@click.option(
    "-S",
    "--cas-software-certificate",
    "--cas-software-key",
    "item",
    flag_value="cas-software-certificate",
    help="The instance certificate, PEM.",
)
@click.option(
    "-T",
    "--certificate-chain",
    "item",
    flag_value="chain",
    default="chain",
    help="Both certificates; the default.",
)
@click.option(
    "--session-encryption-key",
    "item",
    flag_value="session-encryption-key",
    help="The key that sessions are encrypted for, PEM; the CAS is asked for it.",
)
@click.pass_context
def show_identification(ctx: click.Context, name: str | None, item: str) -> None:
    """By what can this very CAS be recognised?"""
    if item == "session-encryption-key":
        from casnb.cas.client import CasClient

        click.echo(CasClient(attested_cas(ctx, name)).encryption_key(), nl=False)
        return
    from cryptography.hazmat.primitives.serialization import Encoding

    chain = attested_cas(ctx, name).chain
    root_hash, instance_hash = chain.key_hashes
    shown = {
        "cas-key-hash": root_hash + "\n",
        "cas-software-key-hash": instance_hash + "\n",
        "cas-certificate": chain.root.public_bytes(Encoding.PEM).decode("ascii"),
        "cas-software-certificate": chain.instance.public_bytes(Encoding.PEM).decode("ascii"),
        "chain": chain.to_pem().decode("ascii"),
    }
    click.echo(shown[item], nl=False)
