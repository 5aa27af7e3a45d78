"""The options that say what is accepted, for `scone cas attest` and `casnb verify` alike, and
the policy they make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from casnb.base.errors import UsageError, neutral, own_file
from casnb.policy.attest_options import IDENTITY, NUMBER, OWN, POLICY, SPAN, TIME, Option
from casnb.policy.attest_options import NEWER as NEWER_CLI
from casnb.policy.flags import FLAGS, NEWER

if TYPE_CHECKING:
    from casnb.policy.identities import ExpectedSigner
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.pki import TrustAnchors

F = TypeVar("F", bound=Callable[..., Any])


class Span(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A length of time with its unit: 30d, 36h, 15m, 90s."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the length."""
        if isinstance(value, timedelta):
            return value
        from casnb.base.spans import read_span

        try:
            return read_span(str(value).strip())
        except UsageError as exc:
            raise click.BadParameter(f"got {exc.got!r}, wanted {exc.wanted}", ctx, param) from None


class ValueOption(click.Option):
    """An option whose value can neither be empty nor be the next option: `--mrenclave $EMPTY -G`
    is refused, not misread.
    """

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Refuse a missing value before anything else is made of it."""
        if ctx.resilient_parsing:  # a shell asks what could come next
            return super().process_value(ctx, value)
        for text in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(text, str) and (
                not text.strip() or (text.startswith("-") and len(text) > 1)
            ):
                got = f"{neutral(text, 40)}, which reads as an option" if text.strip() else "none"
                raise click.UsageError(
                    f"{max(self.opts, key=len)} needs a value and got {got}. Is a shell variable"
                    " empty?",
                    ctx,
                )
        return super().process_value(ctx, value)


class Day(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A verification time: a day as `scone` takes it, or an exact UTC time, or seconds since
    1970.
    """

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return an aware UTC time."""
        if isinstance(value, datetime):
            return value
        from casnb.base.times import read_time

        try:
            return read_time(str(value).strip())
        except UsageError as exc:
            got = neutral(str(exc.got), 60)
            raise click.BadParameter(f"got {got!r}, wanted {exc.wanted}", ctx, param) from None


def option(*names: str, **kwargs: Any) -> Callable[[F], F]:
    """Declare an option whose value must be there (`ValueOption`)."""
    return click.option(*names, cls=ValueOption, **kwargs)


INSECURE = tuple(f.attribute for f in FLAGS)
SECTIONS: Mapping[str, Sequence[str]] = {
    IDENTITY: tuple(o.parameter for o in POLICY if o.section == IDENTITY),
    "Insecure flags (each lets somebody in; none is needed for a CAS fit for secrets)": INSECURE,
    NEWER_CLI: (
        *(o.parameter for o in POLICY if o.section == NEWER_CLI),
        *(f.attribute for f in NEWER),
    ),
    OWN: tuple(o.parameter for o in POLICY if o.section == OWN),
}
_TYPES = {NUMBER: int, SPAN: Span(), TIME: Day()}


def _add(rows: Sequence[Callable[[Any], Any]], command: F) -> F:
    for row in reversed(rows):
        command = row(command)
    return command


def _declare(o: Option) -> Callable[[Any], Any]:
    """Make a row of the table an option of a command."""
    if not o.value:
        return click.option(*o.names, o.parameter, is_flag=True, help=o.help)
    return option(
        *o.names,
        o.parameter,
        multiple=o.repeated,
        type=_TYPES.get(o.kind),
        metavar=o.value,
        help=o.help,
    )


def identity_options(command: F) -> F:
    """Add the options that say which enclave is meant."""
    return _add([_declare(o) for o in POLICY if o.section == IDENTITY], command)


def policy_options(command: F) -> F:
    """Add the options of a policy, with the names of `scone cas attest`: the insecure ones come
    from the flag catalogue, the others from the table of options.
    """
    rows: list[Callable[[Any], Any]] = []
    for f in FLAGS:
        names = [f"-{f.short}"] if f.short else []
        rows.append(click.option(*names, f"--{f.name}", f.attribute, is_flag=True, help=f.help))
    rows += [_declare(o) for o in POLICY if o.section == NEWER_CLI]
    rows += [
        click.option(
            f"--{f.name}", f.attribute, is_flag=True, help=f.help.removeprefix("Newer CLI. ")
        )
        for f in NEWER
    ]
    rows += [_declare(o) for o in POLICY if o.section == OWN]
    return identity_options(_add(rows, command))


def policy_from(
    params: Mapping[str, Any], *, expected_signer: ExpectedSigner | None = None
) -> AttestationPolicy:
    """Return the policy that parsed options stand for; raise UsageError for one that contradicts
    itself.
    """
    return policy_of(params, expected_signer=expected_signer).require_valid()


def policy_of(
    params: Mapping[str, Any], *, expected_signer: ExpectedSigner | None = None
) -> AttestationPolicy:
    """Return the policy that parsed options stand for, not judged yet.

    `params` holds the values of `identity_options` or `policy_options`, and `verification_time`
    and `nonce` where the command has them.
    """
    from casnb.policy.identities import SCONTAIN_CAS
    from casnb.policy.policy import AttestationPolicy

    members = {f.attribute: params[f.attribute] for f in (*FLAGS, *NEWER) if f.attribute in params}
    for o in POLICY:
        value = params.get(o.parameter)
        if value is None or value == ():
            continue
        # Types of click's own have read the others.
        read = o.kind.read if isinstance(value, str) else None
        members[o.attribute] = read(value) if read else value
    return AttestationPolicy(**members, expected_signer=expected_signer or SCONTAIN_CAS)


def endorsements_option(command: F) -> F:
    """Add `--endorsements FILE`."""
    return option(
        "--endorsements",
        metavar="FILE",
        help="What Intel signed about the platform, JSON; needed for a bare DCAP quote.",
    )(command)


def at_option(what: str = "") -> Callable[[F], F]:
    """Add `--at TIME`, as of which `what` is judged."""
    return option(
        "--at",
        "--verification-time",
        "at",
        type=Day(),
        metavar="TIME",
        help=f"Judge {what + ' ' if what else ''}as of this time: yyyy-mm-dd or"
        " yyyy-mm-ddThh:mm:ssZ, UTC.  [default: now]",
    )


def roots_option(command: F) -> F:
    """Add `--simulated-roots FILE`; without it CASNB_ROOTS counts where a loopback address is
    named, and without both Intel's pinned roots.
    """
    return option(
        "--simulated-roots",
        metavar="FILE",
        envvar="CASNB_ROOTS",
        show_envvar=True,
        help=(
            "PEM file with the roots of a simulated world, instead of Intel's. The variable counts"
            " for loopback addresses alone."
        ),
    )(command)


def roots_and_signer(
    path: str | None, say: Callable[[str], None], address: str = ""
) -> tuple[TrustAnchors | None, ExpectedSigner | None]:
    """Return the simulated roots and vendor where a file names them, and say so; else (None,
    None): Intel's and Scontain's.

    A file that only the environment names counts for a loopback `address`: a variable that was
    left behind in a shell must not make anybody's evidence genuine.
    """
    if not path:
        return None, None
    from casnb.evidence.decode import read_file
    from casnb.simulator.world import World
    from casnb.tls.exchange import is_loopback, parse_address
    from casnb.verify.pki import TrustAnchors

    source = click.get_current_context().get_parameter_source("simulated_roots")
    left_over = source is click.core.ParameterSource.ENVIRONMENT
    if left_over and not (address and is_loopback(parse_address(address)[1])):
        say(
            "note: CASNB_ROOTS is set and does not count here, only for loopback addresses:"
            " --simulated-roots names a simulated world's roots. Judged under Intel's."
        )
        return None, None
    origin = "CASNB_ROOTS" if left_over else "--simulated-roots"
    with own_file(f"{origin} {path}"):
        roots = TrustAnchors.from_pem(read_file(path, 1 << 20), label="simulated", simulated=True)
    say(
        f"note: simulated roots from {neutral(path, 200)} ({origin}) stand in for Intel's, and the"
        " simulated vendor for Scontain. Nothing here says anything about real hardware."
    )
    return roots, World().vendor
