"""`casnb history`: the versions of a session, two of them compared, and who could read what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from casnb.base.errors import UsageError, neutral, own_file
from casnb.cli.base import Command, emit_json
from casnb.cli.policy_options import option
from casnb.cli.scone.session_options import shown_identity, which_cas

if TYPE_CHECKING:
    from casnb.cas.client_identity import ClientIdentity


@click.command(
    cls=Command,
    example="""\
  casnb history "$NS"
  casnb history "$NS" --compare 1 3
  casnb history "$NS" --readers --person bob=bob.crt
""",
    exits={
        0: "done",
        1: "refused: no such session, or not for this client",
        2: "called wrongly",
        3: "the CAS could not be reached, or a file of yours is damaged or cannot be read",
    },
)
@click.argument("name")
@click.option(
    "--compare", nargs=2, type=int, metavar="A B", help="Show how version B differs from version A."
)
@click.option(
    "--readers",
    "with_readers",
    is_flag=True,
    help="Show who could read which text and value, and when.",
)
@option(
    "--person",
    "persons",
    multiple=True,
    metavar="NAME=FILE",
    help=(
        "With --readers: ask for the holder of a certificate's key as well as for anybody, you and"
        " the creators. Repeatable."
    ),
)
@click.option(
    "--most",
    type=click.IntRange(1, 1000),
    default=200,
    show_default=True,
    metavar="N",
    help="Fetch the newest N versions.",
)
@which_cas
@shown_identity
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output, hashes whole."
)
def history(
    name: str,
    compare: tuple[int, int] | None,
    with_readers: bool,
    persons: tuple[str, ...],
    most: int,
    cas_name: str | None,
    identity: str | None,
    as_json: bool,
) -> None:
    """What was this session before, what changed, and who could read it?

    Versions are fetched along `predecessor`, from the current one back, and the hash of each
    text is computed again: the current hash fixes the whole past. Version 1 is the oldest that
    was fetched.
    """
    if persons and not with_readers:
        raise UsageError("--person", got="no --readers", wanted="both")
    from casnb.cas.client import CasClient
    from casnb.cas.client_identity import ClientIdentity
    from casnb.cas.trust import TrustStore
    from casnb.cli.scone.cas_group import repeat_waivers
    from casnb.evidence.decode import read_file
    from casnb.session.history import fetch_history
    from casnb.session.readers import Readers, readers

    store = TrustStore()
    attested = store.get(cas_name)
    repeat_waivers(attested)
    with own_file(f"--identity {identity}"):
        me = ClientIdentity.from_pem(read_file(identity, 1 << 16)) if identity else store.identity()
    found = fetch_history(CasClient(attested, me), name, most=most)
    who = (
        Readers(found, {**readers(found).people, **_people(me, persons)}) if with_readers else None
    )
    difference = found.difference(*compare) if compare else None
    if as_json:
        emit_json(
            {
                **found.to_json(),
                **({"difference": difference.to_json()} if difference else {}),
                **({"readers": who.to_json()} if who else {}),
            }
        )
        return
    click.echo("\n\n".join(map(str, filter(None, (found, difference, who)))))


def _people(me: ClientIdentity, persons: tuple[str, ...]) -> dict[str, bytes]:
    from casnb.evidence.decode import read_file
    from casnb.session.readers import ANYBODY
    from casnb.session.session import public_key

    people = {"you": public_key(me.certificate_pem)}
    for text in persons:
        label, equals, file = text.partition("=")
        if not equals or not label:
            raise UsageError("--person", got=neutral(text, 80), wanted="NAME=FILE")
        if label in people or label == ANYBODY or label.startswith("creator"):
            raise UsageError(
                "--person",
                got=neutral(label, 80),
                wanted="a name of its own",
                do="That column is there already.",
            )
        with own_file(f"--person {text}"):
            people[label] = public_key(
                read_file(str(Path(file)), 1 << 16).decode("ascii", "replace")
            )
    return people
