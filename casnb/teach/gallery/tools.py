"""The tools of the certificate gallery: each tries a server in its own way, in its own words."""

from __future__ import annotations

import json
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from casnb.base.errors import SourceError, neutral
from casnb.teach.gallery.mistakes import Mistake
from casnb.teach.station import run_command
from casnb.tls.diagnoses import TLS_NAME
from casnb.tls.recipes import TARGET
from casnb.tls.tls_errors import Explanation, explain_tls_error

_SECONDS = 10.0


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


class Place(NamedTuple):
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


def _curl(at: Place) -> Outcome:
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


def _s_client(at: Place) -> Outcome:
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


def _verify(at: Place) -> Outcome:
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


def _command(tool: str, args: list[str], at: Place, dangerous: str = "") -> Outcome:
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


def _requests(at: Place) -> Outcome:
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


def _ssl(at: Place) -> Outcome:
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


TOOLS: tuple[Callable[[Place], Outcome], ...] = (_curl, _s_client, _verify, _requests, _ssl)
