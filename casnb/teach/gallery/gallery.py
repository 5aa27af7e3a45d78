"""The failure gallery: each usual mistake made for real with each usual tool, and what its
message means.
"""

from __future__ import annotations

import json
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from casnb.base.errors import SourceError, UsageError, neutral
from casnb.base.view import Shown, cell, html_table
from casnb.simulator.world import World
from casnb.teach.gallery.mishaps import Mishaps, impostor
from casnb.teach.station import run_command
from casnb.tls.diagnoses import TLS_NAME
from casnb.tls.recipes import TARGET
from casnb.tls.tls_errors import Explanation, explain_tls_error

_SECONDS = 10.0
_ADDRESS = "ADDRESS"


class Mistake(NamedTuple):
    """One way to connect: to which server, with which file of certificates, for which name, with
    or without verification.
    """

    id: str
    title: str
    server: str = "cas"
    file: str = "cas_cert.crt"
    name: str = TLS_NAME
    verify: bool = True
    note: str = ""


#: In the order of a lesson; the first is no mistake. Servers are `cas`, `nobody`, or a kind of
#: `Mishaps`.
MISTAKES: tuple[Mistake, ...] = (
    Mistake("right", "the attested certificates, the name cas"),
    Mistake("no-file", "no certificates named, so the system's authorities count", file=""),
    Mistake("empty-file", "an empty file: the command that wrote it had failed", file="empty.crt"),
    Mistake("wrong-file", "the certificates of another CAS", file="other.crt"),
    Mistake(
        "somebody-else",
        "the right file, and another CAS answers",
        "foreign",
        note=(
            "The message is that of the wrong file: a client cannot tell which of the two is the"
            " wrong one."
        ),
    ),
    Mistake(
        "insecure",
        "the same, with verification switched off",
        "foreign",
        verify=False,
        note="No error, no warning from curl: this is the dangerous one.",
    ),
    Mistake("name", "the address in the URL in place of the name cas", name=_ADDRESS),
    Mistake(
        "leaf-file",
        "the server's own certificate in place of its authorities",
        file="leaf.crt",
        note=(
            "Some tools (curl, Python from 3.13 on) take whatever stands in the file for the end of"
            " a chain, others want a root. Who saves what a server shows, and trusts it, trusts"
            " whoever answered."
        ),
    ),
    Mistake(
        "instance-file",
        "one certificate of the two",
        file="instance.crt",
        note="Who goes on here is right: the instance was attested too.",
    ),
    Mistake("leaf-as-authority", "a certificate that a stolen TLS key signed", "signed-by-leaf"),
    Mistake("self-made", "a server with a self-made certificate", "self-made"),
    Mistake("expired", "a server whose certificate has expired", "expired"),
    Mistake("not-yet", "a server whose certificate is not valid yet", "early"),
    Mistake("plain", "a server that speaks plain HTTP", "plain"),
    Mistake("refused", "nobody listens", "nobody"),
)


class Outcome(NamedTuple):
    """What one tool made of it: whether it went on, its message, the value it read, and what the
    message means.

    `accepted` is None where the tool is not there or has nothing to say; `stranger` is who
    answers when the CAS does not.
    """

    tool: str
    accepted: bool | None
    message: str = ""
    value: str = ""
    explanation: Explanation | None = None
    stranger: bool = False

    @property
    def word(self) -> str:
        """REFUSED, ACCEPTED, or DANGER where it went on with somebody else."""
        if self.accepted is None:
            return "NOT RUN"
        return "REFUSED" if not self.accepted else "DANGER" if self.stranger else "ACCEPTED"


class _Place(NamedTuple):
    """Where a mistake is made."""

    mistake: Mistake
    host: str
    port: int
    name: str
    folder: Path
    chain: bytes
    env: Mapping[str, str]

    @property
    def file(self) -> str | None:
        return str(self.folder / self.mistake.file) if self.mistake.file else None

    @property
    def context(self) -> ssl.SSLContext:
        """What `ssl.create_default_context` makes, without what Python 3.13 would demand beyond
        it.
        """
        made = ssl.create_default_context(cafile=self.file)
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.mistake.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made


def _curl(at: _Place) -> Outcome:
    trust = (
        ["-k"]
        if not at.mistake.verify
        else ["--cacert", at.mistake.file]
        if at.mistake.file
        else []
    )
    args = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        *trust,
        "--connect-to",
        f"{at.name}:8081:{at.host}:{at.port}",
        f"https://{at.name}:8081{TARGET}",
    ]
    return _command("curl", args, at, "curl -k" if not at.mistake.verify else "")


def _s_client(at: _Place) -> Outcome:
    trust = ["-CAfile", at.mistake.file] if at.mistake.file else []
    strict = ["-verify_return_error"] if at.mistake.verify else []
    args = [
        "openssl",
        "s_client",
        "-brief",
        "-connect",
        f"{at.host}:{at.port}",
        "-servername",
        TLS_NAME,
        "-verify_hostname",
        at.name,
        *trust,
        *strict,
    ]
    return _command("openssl s_client", args, at)


def _verify(at: _Place) -> Outcome:
    if not at.chain or not at.mistake.verify:
        return Outcome(
            "openssl verify",
            None,
            "no certificate to look at" if at.mistake.verify else "knows no such option",
        )
    (at.folder / "presented.pem").write_bytes(at.chain)
    trust = ["-CAfile", at.mistake.file] if at.mistake.file else []
    return _command(
        "openssl verify",
        [
            "openssl",
            "verify",
            "-verify_hostname",
            at.name,
            *trust,
            "-untrusted",
            "presented.pem",
            "presented.pem",
        ],
        at,
    )


def _command(tool: str, args: list[str], at: _Place, dangerous: str = "") -> Outcome:
    try:
        done = run_command(args, at.env, " ".join(args), _SECONDS, at.folder)
    except SourceError as exc:
        return Outcome(tool, None, neutral(exc, 200))
    if done.exit_code == 0:
        return Outcome(
            tool,
            True,
            dangerous or _unheeded(done.stderr),
            _value(done.stdout),
            explain_tls_error(dangerous) if dangerous else None,
        )
    found = explain_tls_error(done.stderr or done.stdout)
    return Outcome(tool, False, found.message, "", found)


def _unheeded(text: str) -> str:
    """What s_client reports of a verification that nobody told it to heed."""
    return next((neutral(line, 200) for line in text.splitlines() if "error" in line), "")


def _requests(at: _Place) -> Outcome:
    import requests
    from requests.adapters import HTTPAdapter

    class Named(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            name = at.name if at.mistake.verify else False
            super().init_poolmanager(
                *args,
                ssl_context=at.context,
                server_hostname=at.name,
                assert_hostname=name,
                **kwargs,
            )

    def go() -> str:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = (at.file or True) if at.mistake.verify else False
            session.mount("https://", Named())
            return session.get(f"https://{at.host}:{at.port}{TARGET}", timeout=_SECONDS).text

    return _python("requests", go)


def _ssl(at: _Place) -> Outcome:
    def go() -> str:
        with (
            socket.create_connection((at.host, at.port), _SECONDS) as raw,
            at.context.wrap_socket(raw, server_hostname=at.name) as tls,
        ):
            tls.sendall(f"GET {TARGET} HTTP/1.0\r\nHost: cas\r\n\r\n".encode())
            return (
                b"".join(iter(lambda: tls.recv(4096), b""))
                .decode("utf-8", "replace")
                .partition("\r\n\r\n")[2]
            )

    found = _python("Python ssl", go)
    return (
        found
        if at.mistake.verify or not found.accepted
        else found._replace(message="ssl.CERT_NONE", explanation=explain_tls_error("ssl.CERT_NONE"))
    )


def _python(tool: str, go: Callable[[], str]) -> Outcome:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            value = _value(go())
        except (OSError, ValueError) as exc:
            found = explain_tls_error(exc)
            return Outcome(tool, False, found.message, "", found)
    told = next((found for w in seen if (found := explain_tls_error(str(w.message))).known), None)
    return Outcome(tool, True, told.message if told else "", value, told)


def _value(body: str) -> str:
    try:
        return neutral(json.loads(body)["value"], 40)
    except (ValueError, TypeError, KeyError):
        return ""


TOOLS: tuple[Callable[[_Place], Outcome], ...] = (_curl, _s_client, _verify, _requests, _ssl)


@dataclass(frozen=True)
class Exhibit(Shown):
    """One mistake, and what each tool made of it."""

    mistake: Mistake
    outcomes: tuple[Outcome, ...]

    @property
    def explanation(self) -> Explanation | None:
        """What the first message that casnb knows means."""
        return next(
            (o.explanation for o in self.outcomes if o.explanation and o.explanation.known), None
        )

    @property
    def summary(self) -> str:
        """Who refused and who went on, in words."""
        groups: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            if outcome.accepted is not None:
                groups.setdefault(outcome.word, []).append(outcome.tool)
        if len(groups) == 1:
            return f"{next(iter(groups))} by every tool"
        return (
            "; ".join(f"{word} by {', '.join(tools)}" for word, tools in groups.items())
            or "NOT RUN"
        )

    @property
    def message(self) -> str:
        """What the first tool said that said anything; of a value that was read without a word,
        the value.
        """
        said = next((o.message for o in self.outcomes if o.message and o.accepted is not None), "")
        return said or next((f"value {o.value}" for o in self.outcomes if o.value), "")

    @property
    def meaning(self) -> str:
        """Cause and cure; where tools went on with somebody else, whose value that was."""
        strangers = sorted({o.value for o in self.outcomes if o.word == "DANGER" and o.value})
        told = self.explanation
        parts = [
            f"The value {', '.join(strangers)} came from somebody else." if strangers else "",
            self.mistake.note,
            f"{told.cause[:1].upper()}{told.cause[1:]}. {told.cure}" if told else "",
        ]
        return " ".join(p for p in parts if p) or (
            "Nothing is wrong here." if self.mistake.id == "right" else ""
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                o.tool,
                o.word,
                o.message or (f"value {o.value}" if o.value else "no complaint"),
                o.explanation.diagnosis.title if o.explanation and o.explanation.diagnosis else "",
            )
            for o in self.outcomes
        ]

    def __str__(self) -> str:
        lines = [f"{self.mistake.id}: {self.mistake.title}"]
        lines += [f"  {tool:<17} {word:<9} {message}" for tool, word, message, _ in self.rows()]
        return "\n".join([*lines, f"  {self.meaning}"])

    def _html(self) -> str:
        return (
            html_table(
                ("tool", "outcome", "what it says", "what that is"),
                self.rows(),
                self.mistake.title,
                code=(2,),
            )
            + f"<p>{cell(self.meaning, 700)}</p>"
        )


@dataclass(frozen=True, repr=False)
class Gallery(Shown):
    """All exhibits; `gallery["insecure"]` is one of them, with every tool."""

    exhibits: tuple[Exhibit, ...]

    def __getitem__(self, id: str) -> Exhibit:
        for exhibit in self.exhibits:
            if exhibit.mistake.id == id:
                return exhibit
        raise UsageError(
            "exhibit", got=id, wanted="one of " + ", ".join(e.mistake.id for e in self.exhibits)
        )

    def __repr__(self) -> str:
        return f"<Gallery of {len(self.exhibits)}>"

    def __str__(self) -> str:
        return "\n".join(
            f"{e.mistake.id:<18} {line}" if not n else f"{'':18} {line}"
            for e in self.exhibits
            for n, line in enumerate(filter(None, (e.mistake.title, e.summary, e.message)))
        )

    def _html(self) -> str:
        body = "".join(
            f'<tr data-exhibit="{cell(e.mistake.id)}"><th'
            f' scope="row"{_WRAP}><code>{cell(e.mistake.id)}</code><br>'
            f"{cell(e.mistake.title)}</th><td>{_outcomes(e)}</td><td{_WRAP}><code"
            f' class="long">{cell(e.message)}</code></td>'
            f"<td{_WRAP}>{cell(e.meaning, 700)}</td></tr>"
            for e in self.exhibits
        )
        return (
            "<table><caption>What goes wrong, made to happen</caption><thead><tr>"
            + "".join(
                f'<th scope="col">{h}</th>'
                for h in ("mistake", "outcome", "a message", "what it means")
            )
            + f"</tr></thead><tbody>{body}</tbody></table>"
        )


#: Messages are as long as their tools like.
_WRAP = ' style="overflow-wrap:anywhere;min-width:9em"'
#: How an outcome is framed; the word says it too.
_FRAME = {"REFUSED": "passed", "ACCEPTED": "not-run", "DANGER": "failed"}


def _outcomes(exhibit: Exhibit) -> str:
    parts = []
    for part in exhibit.summary.split("; "):
        word, _, rest = part.partition(" by ")
        frame = _FRAME.get(word, "not-run")
        parts.append(f'<div><span class="s s-{frame}">{cell(word)}</span> {cell(rest)}</div>')
    return "".join(parts)


def build_gallery(
    world: World,
    host: str,
    port: int,
    folder: Path,
    env: Mapping[str, str],
    mistakes: tuple[Mistake, ...] = MISTAKES,
) -> Gallery:
    """Make every mistake with every tool against the CAS at `host` and `port` and against
    servers started for it.

    Files of certificates are written into `folder`. Tools that are not installed are left out,
    and said to be.
    """
    for name, data in {
        "cas_cert.crt": world.cas_chain_pem,
        "other.crt": impostor(world).cas_chain_pem,
        "leaf.crt": world.tls_leaf.cert_pem,
        "instance.crt": world.cas_instance.cert_pem,
        "empty.crt": b"",
    }.items():
        (folder / name).write_bytes(data)
    with Mishaps(world) as servers, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # a port that is taken, and on which nobody listens
        exhibits = []
        for mistake in mistakes:
            where, chain = (host, port), world.tls_chain_pem
            if mistake.server == "nobody":
                where, chain = probe.getsockname(), b""
            elif mistake.server != "cas":
                where, chain = (
                    (servers.host, servers.port(mistake.server)),
                    servers.chain_pem(mistake.server),
                )
            name = where[0] if mistake.name == _ADDRESS else mistake.name
            place = _Place(mistake, where[0], where[1], name, folder, chain, env)
            exhibits.append(
                Exhibit(
                    mistake,
                    tuple(tool(place)._replace(stranger=mistake.server != "cas") for tool in TOOLS),
                )
            )
        return Gallery(tuple(exhibits))
