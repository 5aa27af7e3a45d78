"""Which secret goes where in a service: into which argument, variable and file, in which form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from casnb.base.errors import UsageError
from casnb.session.filling import injected
from casnb.session.placeholders import placeholders
from casnb.session.session import Session

#: Members of a service into which a secret may go without being a text of the configuration.
_MEMBERS = ("fspf_key", "one_time_password_shared_secret")
#: An argument or a variable that the host gives.
_HOST_ARGUMENT = re.compile(r"(?<!\S)@@([0-9]+)(?!\S)")
_HOST_VARIABLE = re.compile(r"(\\?@){2}(.+)")


@dataclass(frozen=True)
class Use:
    """One value: `secret` is its name (`the host` for what the host gives), `form` what is made
    of it, `place` where it goes.
    """

    secret: str
    form: str
    place: str


def uses(session: Session, service: str) -> tuple[Use, ...]:
    """Return every use of a value in a service, in the order in which they are written; raise
    UsageError for a service that the session does not have.
    """
    found = next((s for s in session.services if s.name == service), None)
    if found is None:
        raise UsageError(
            f"session {session.name}: service",
            got=service,
            wanted="one of " + (", ".join(s.name for s in session.services) or "none"),
        )
    words = [found.command] if isinstance(found.command, str) else list(found.command)
    out: list[Use] = []
    for number, word in enumerate(words):
        place = "command" if isinstance(found.command, str) else f"argument {number}"
        out += _in(session, word, place)
        out += [Use("the host", f"its argument {n}", place) for n in _HOST_ARGUMENT.findall(word)]
    for name, text in found.environment.items():
        host = _HOST_VARIABLE.fullmatch(name)
        if host:
            out.append(Use("the host", "its value", f"variable {host[2]}"))
        else:
            out += _in(session, text, f"variable {name}")
    for member in _MEMBERS:
        out += _in(session, str(found.data.get(member, "")), member)
    for path, _, content in injected(session, service):
        if content is None:
            out.append(Use("the image", "read from it at the start", f"file {path}"))
        else:
            out += _in(session, content, f"file {path}")
    return tuple(out)


def _in(session: Session, text: str, place: str) -> Iterator[Use]:
    kinds = {s.name: s.kind for s in session.secrets}
    for one in placeholders(text):
        name, form = one.form(kinds, session.minor)
        suffix = one.names(kinds)[1]
        said = form.yields if form else "as its kind has it" + (f": {suffix}" if suffix else "")
        yield Use(name, said + (", escaped for JSON" if one.escape else ""), place)
