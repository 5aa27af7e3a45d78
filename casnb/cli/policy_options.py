"""The options that say what is accepted, for `scone cas attest` and `casnb verify` alike, and
the policy they make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import click

from casnb.base.errors import UsageError, neutral, own_file
from casnb.policy.flags import FLAGS, NEWER

if TYPE_CHECKING:
    from casnb.policy.identities import ExpectedSigner
    from casnb.policy.policy import AttestationPolicy
    from casnb.verify.pki import TrustAnchors

F = TypeVar("F", bound=Callable[..., Any])

#: Days as the SCONE CLI takes them; all are read as 00:00 UTC.
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y")
_TIMES = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%MZ",
)


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
        text = str(value).strip()
        for form in (*_DAYS, *_TIMES) if text.isascii() else ():
            try:
                return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
            except ValueError:
                continue
        if text.isascii() and text.isdigit() and len(text) <= 11:
            return datetime.fromtimestamp(int(text), timezone.utc)
        wanted = "yyyy-mm-dd, dd.mm.yyyy, dd-mm-yyyy (00:00 UTC) or yyyy-mm-ddThh:mm:ssZ"
        raise click.BadParameter(f"got {neutral(text, 60)!r}, wanted {wanted}", ctx, param)


def option(*names: str, **kwargs: Any) -> Callable[[F], F]:
    """Declare an option whose value must be there (`ValueOption`)."""
    return click.option(*names, cls=ValueOption, **kwargs)


INSECURE = tuple(f.attribute for f in FLAGS)
IDENTITY = ("mrenclave", "mrsigner", "isvprodid", "isvsvn", "cas_key_hash", "cas_software_key_hash")
ADVISORIES = ("ignore_advisories", "fail_on_any_advisory", *(f.attribute for f in NEWER))
FRESHNESS = ("max_age", "min_tcb_evaluation", "tcb_grace")
#: Parameters that go into the policy under their own name, as they are.
_PLAIN = (*INSECURE, *(f.attribute for f in NEWER), *FRESHNESS)
SECTIONS: Mapping[str, Sequence[str]] = {
    "Which enclave": IDENTITY,
    "Insecure flags (each lets somebody in; none is needed for a CAS fit for secrets)": INSECURE,
    "Newer CLI (named after 5.8; casnb's reading)": ADVISORIES,
    "Freshness and platform (casnb's own: the real scone has no such options)": (
        *FRESHNESS,
        "refuse_platform_settings",
    ),
}


def _add(rows: Sequence[Callable[[Any], Any]], command: F) -> F:
    for row in reversed(rows):
        command = row(command)
    return command


def identity_options(command: F) -> F:
    """Add the options that say which enclave is meant."""
    return _add(
        [
            option(
                "--mrenclave",
                multiple=True,
                metavar="HEX",
                help=(
                    "The measurement expected, 64 lower-case hex digits. Repeat it where any of"
                    " several will do."
                ),
            ),
            option(
                "--mrsigner",
                metavar="HEX",
                help="Another signer than Scontain's; needs --isvprodid and --isvsvn.",
            ),
            option(
                "--isvprodid",
                type=int,
                metavar="N",
                help="The product number, equal; only with --mrsigner.",
            ),
            option(
                "--isvsvn",
                type=int,
                metavar="N",
                help="The lowest version of the product that is good enough.",
            ),
            option(
                "-c",
                "--cas-key-hash",
                metavar="HASH",
                help="This instance and no other: the hash of its root key.",
            ),
            option(
                "-s",
                "--cas-software-key-hash",
                metavar="HASH",
                help="The same for the key of its current software.",
            ),
        ],
        command,
    )


def policy_options(command: F) -> F:
    """Add the options of a policy, with the names of `scone cas attest`; the insecure ones come
    from the flag catalogue.
    """
    rows: list[Callable[[Any], Any]] = []
    for f in FLAGS:
        names = [f"-{f.short}"] if f.short else []
        rows.append(click.option(*names, f"--{f.name}", f.attribute, is_flag=True, help=f.help))
    rows += [
        option("--ignore-advisories", metavar="A,B", help="Tolerate exactly these advisories."),
        click.option(
            "--fail-on-any-advisory", is_flag=True, help="Refuse where any advisory is listed."
        ),
    ]
    rows += [
        click.option(
            f"--{f.name}", f.attribute, is_flag=True, help=f.help.removeprefix("Newer CLI. ")
        )
        for f in NEWER
    ]
    rows += [
        option(
            "--max-age",
            type=Span(),
            metavar="TIME",
            help="Refuse a report that was older than this (36h, 30d) when judged.",
        ),
        option(
            "--min-tcb-evaluation",
            type=int,
            metavar="N",
            help="Refuse an older edition of Intel's lists than this.",
        ),
        option(
            "--tcb-grace",
            type=Span(),
            metavar="TIME",
            help=(
                "Accept an outdated platform for this long after the date of the level it reached:"
                " -G, for a time."
            ),
        ),
        option(
            "--refuse-platform-settings",
            metavar="A,B",
            help=(
                "Refuse a machine whose PCK certificate states one of these: smt, dynamic,"
                " cached-keys."
            ),
        ),
    ]
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
    from casnb.policy.policy import NOT_GIVEN, AttestationPolicy, listed

    lists: dict[str, Any] = {
        name: listed(params[name], f"--{name.replace('_', '-')}")
        for name in ("ignore_advisories", "refuse_platform_settings")
        if params.get(name) is not None
    }
    return AttestationPolicy(
        mrenclaves=tuple(params["mrenclave"]) or NOT_GIVEN,
        mrsigner=params["mrsigner"],
        isvprodid=params["isvprodid"],
        isvsvn=params["isvsvn"],
        cas_key_hash=params["cas_key_hash"],
        cas_software_key_hash=params["cas_software_key_hash"],
        fail_on_any_advisory=params.get("fail_on_any_advisory", False),
        nonce=params.get("nonce"),
        verification_time=params.get("verification_time"),
        expected_signer=expected_signer or SCONTAIN_CAS,
        **lists,
        **{name: params[name] for name in _PLAIN if name in params},
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
