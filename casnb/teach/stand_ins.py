"""Stand-ins for three programs that a machine may lack, as far as the lessons use them:
`python -m casnb.teach.stand_ins curl ...`.

They say what they are, take the options of the lessons and refuse all others. Checking a
certificate is OpenSSL's work here as it is curl's, by way of Python's `ssl`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from cryptography import x509

from casnb.base.errors import UsageError, neutral

#: X509_V_ERR_CERT_SIGNATURE_FAILURE of OpenSSL's x509_vfy.h.
_BAD_SIGNATURE = 7
#: More than any answer of a lesson's CAS.
_ANSWER = 4 * 2**20


class _Options(argparse.ArgumentParser):
    """A parser whose refusal names the program that a stand-in is not."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(self.prog, got=message, do=f"This is not {self.prog}: install it.")


def curl(args: Sequence[str]) -> str:
    """Fetch one HTTPS address as `curl -sS` does, and return the body, or with `-I` the head."""
    options = _Options("curl", add_help=False, allow_abbrev=False)
    options.add_argument("-sS", "-s", "-S", action="store_true")
    options.add_argument("-k", "--insecure", action="store_true")
    options.add_argument("-I", "--head", action="store_true")
    options.add_argument("--cacert")
    options.add_argument("--cert")
    options.add_argument("--connect-to", default="")
    options.add_argument("url")
    given = options.parse_args(args)
    url = urlsplit(given.url)
    host, port = url.hostname or "", url.port or 443
    context = ssl.create_default_context(cafile=given.cacert)
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)  # as curl leaves it
    if given.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if given.cert:
        context.load_cert_chain(given.cert)
    try:
        with (
            socket.create_connection(_place(host, port, given.connect_to), timeout=20) as raw,
            context.wrap_socket(raw, server_hostname=host) as secure,
        ):
            link = http.client.HTTPSConnection(host, port)
            link.sock = secure
            link.request("HEAD" if given.head else "GET", f"{url.path}?{url.query}".rstrip("?"))
            answer = link.getresponse()
            if given.head:
                lines = [f"{k}: {v}" for k, v in answer.getheaders()]
                return "\n".join([f"HTTP/1.1 {answer.status} {answer.reason}", *lines, ""])
            return answer.read(_ANSWER).decode("utf-8", "replace")
    except ssl.SSLCertVerificationError as exc:
        if "ostname mismatch" in str(exc) or "IP address mismatch" in str(exc):
            said = f"no alternative certificate subject name matches target host name '{host}'"
            raise _Ended(60, f"SSL: {said}") from exc
        if exc.verify_code == _BAD_SIGNATURE:  # another CA with the same names: curl ends so
            raise _Ended(35, f"TLS connect error: {exc.verify_message}") from exc
        raise _Ended(60, f"SSL certificate problem: {exc.verify_message}") from exc
    except ssl.SSLError as exc:
        raise _Ended(35, f"TLS connect error: {exc.reason or exc}") from exc
    except OSError as exc:
        raise _Ended(7, f"Failed to connect to {host} port {port}: {exc}") from exc


def _place(host: str, port: int, told: str) -> tuple[str, int]:
    """Return where to connect: HOST:PORT:THERE:PORT moves what it names, empty parts mean any."""
    parts = re.fullmatch(r"([^:]*):(\d*):(\[[^]]*\]|[^:]*):(\d*)", told)
    if told and not parts:
        raise UsageError("--connect-to", got=told, wanted="HOST1:PORT1:HOST2:PORT2")
    if not parts or (parts[1] or host) != host or int(parts[2] or port) != port:
        return host, port
    return parts[3].strip("[]") or host, int(parts[4] or port)


class _Ended(Exception):
    """How curl ends: an exit code and a line on standard error."""


def jq(args: Sequence[str]) -> str:
    """Take one member out of a JSON file: `jq -r .member FILE`."""
    options = _Options("jq", add_help=False, allow_abbrev=False)
    options.add_argument("-r", action="store_true")
    options.add_argument("path")
    options.add_argument("file")
    given = options.parse_args(args)
    if not re.fullmatch(r"\.|(?:\.\w+)+", given.path):
        raise UsageError("jq", got=given.path, wanted=".member", do="This is not jq: install it.")
    found = json.loads(Path(given.file).read_text(encoding="utf-8"))
    for name in filter(None, given.path.split(".")):
        found = found.get(name) if isinstance(found, dict) else None
    return found if given.r and isinstance(found, str) else json.dumps(found, indent=2)


def openssl(args: Sequence[str]) -> str:
    """Say what is in the first certificate of a file: `openssl x509 -in FILE -noout -text`."""
    options = _Options("openssl", add_help=False, allow_abbrev=False)
    options.add_argument("command", choices=["x509"])
    options.add_argument("-in", dest="file", required=True)
    options.add_argument("-noout", action="store_true")
    options.add_argument("-text", action="store_true")
    options.add_argument("-certopt")
    given = options.parse_args(args)
    found = x509.load_pem_x509_certificates(Path(given.file).read_bytes())[0]
    until, since = found.not_valid_after_utc, found.not_valid_before_utc
    lines = [
        "Certificate:",
        f"    Serial Number: {found.serial_number:x}",
        f"    Issuer: {found.issuer.rfc4514_string()}",
        f"    Validity: not before {since:%Y-%m-%d %H:%M:%S} UTC, not after {until:%Y-%m-%d} UTC",
        f"    Subject: {found.subject.rfc4514_string()}",
        "    X509v3 extensions:",
    ]
    for extension in found.extensions:
        critical = " (critical)" if extension.critical else ""
        lines.append(f"        {extension.oid._name}{critical}: {_said(extension.value)}")
    return "\n".join(lines)


def _said(value: x509.ExtensionType) -> str:
    """Return an extension in a line, as openssl puts it; the name of its kind for the rest."""
    if isinstance(value, x509.BasicConstraints):
        return f"CA:{str(value.ca).upper()}"
    if isinstance(value, x509.SubjectKeyIdentifier):
        return value.digest.hex(":").upper()
    if isinstance(value, x509.AuthorityKeyIdentifier):
        return (value.key_identifier or b"").hex(":").upper()
    if isinstance(value, x509.SubjectAlternativeName):
        return ", ".join(neutral(name.value, 100) for name in value)
    return "..."


#: Each takes the words behind the program's name and returns what it prints.
STAND_INS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "curl": curl,
    "jq": jq,
    "openssl": openssl,
}


def found(name: str, path: str | None = None) -> str | None:
    """Return where a program is that the lessons can use. The curl of Windows is none: it takes
    keys and certificates from the system's store alone.
    """
    where = shutil.which(name, path=path)
    if where and name == "curl" and sys.platform == "win32" and "system32" in where.lower():
        return None
    return where


def instead(args: Sequence[str], path: str | None = None) -> list[str]:
    """Return the words of a command, with a stand-in before them where its program is not here."""
    if args[0] in STAND_INS and found(args[0], path) is None:
        return [sys.executable, "-m", "casnb.teach.stand_ins", *args]
    return list(args)


def main(args: Sequence[str]) -> int:
    """Run a stand-in, and end as its program would."""
    try:
        print(STAND_INS[args[0]](args[1:]))
    except _Ended as ended:
        code, said = ended.args
        print(f"{args[0]}: ({code}) {said}", file=sys.stderr)
        return int(code)
    except (UsageError, OSError, ValueError) as exc:
        print(f"{args[0]}: {neutral(exc, 400)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
