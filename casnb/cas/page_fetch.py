"""The transfer of the public CAS page: bounded in time, size and redirects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from casnb.base.errors import EvidenceError, SourceError, UsageError
from casnb.tls.tls_errors import explain_tls_error

#: The largest page ever seen has 110 kB and 2300 tags.
PAGE_LIMIT = 2 << 20


_REDIRECTS = 3


WHAT = "public CAS page"


def within(timeout: float, url: str, work: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
    """Do the work in a thread and leave it behind after `timeout` seconds: a server that sends a
    byte now and then renews the socket's own time limit each time.
    """
    done: list[tuple[bytes, str] | BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as exc:
            done.append(exc)

    thread = threading.Thread(target=run, name="casnb-page", daemon=True)
    thread.start()
    thread.join(timeout)
    if not done:
        raise _late(url, timeout)
    if isinstance(done[0], BaseException):
        raise done[0]
    return done[0]


def _late(url: str, timeout: float) -> SourceError:
    return SourceError(
        f"{WHAT} {url}", got=f"no whole page within {timeout:g} s", wanted="the page"
    )


def _host(url: str) -> str:
    """Return the host of an https:// URL, or nothing."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme.lower() == "https" else ""
    except ValueError:
        return ""


def fetch(url: str, cacert: str | Path | None, timeout: float) -> tuple[bytes, str]:
    end = time.monotonic() + timeout
    if cacert is not None and not Path(cacert).exists():
        raise SourceError(
            f"{WHAT}: {cacert}",
            got="no such file",
            wanted="the certificates that vouch for its server",
            do="A simulated CAS takes its own away when it stops. Is it running?",
        )
    with requests.Session() as session:
        for hop in range(_REDIRECTS + 1):
            host = _host(url)
            if not host:
                kind = SourceError if hop else UsageError
                raise kind(
                    WHAT,
                    got=("a redirect to " if hop else "") + url,
                    wanted="an https:// URL",
                    do="Over plain HTTP anybody on the way can put in another value.",
                )
            session.trust_env = not (host in ("localhost", "::1") or host.startswith("127."))
            try:
                answer = session.get(
                    url,
                    verify=True if cacert is None else str(cacert),
                    timeout=timeout,
                    stream=True,
                    allow_redirects=False,
                    headers={"Accept-Encoding": "identity", "Accept": "text/html"},
                )
                with answer:
                    if answer.is_redirect and answer.headers.get("location"):
                        url = urljoin(url, answer.headers["location"])
                        continue
                    if answer.status_code != 200:
                        raise SourceError(
                            f"{WHAT} {url}",
                            got=f"HTTP status {answer.status_code}",
                            wanted="200",
                            do=_moved(url),
                        )
                    return _read(answer, url, end, timeout), url
            except requests.Timeout:
                raise _late(url, timeout) from None
            except requests.exceptions.SSLError as exc:
                raise SourceError(
                    f"{WHAT} {url}",
                    got=_tls(exc, cacert),
                    wanted="a page whose server is vouched for",
                ) from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
                why = explain_tls_error(exc).cause.removeprefix("TLS failed: ")
                raise SourceError(f"{WHAT} {url}", got=why, wanted="the page") from None
    raise SourceError(f"{WHAT} {url}", got=f"more than {_REDIRECTS} redirects", wanted="the page")


def _read(answer: requests.Response, url: str, end: float, timeout: float) -> bytes:
    """Read at most the limit and one byte more; a compressed body, which could hide its size, is
    refused.
    """
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise SourceError(
            f"{WHAT} {url}", got="a compressed body that nobody asked for", wanted="plain HTML"
        )
    announced = answer.headers.get("content-length", "")
    parts: list[bytes] = []
    size = (
        int(announced) if announced.isascii() and announced.isdigit() and len(announced) < 19 else 0
    )
    while size <= PAGE_LIMIT:
        part = answer.raw.read(64 << 10, decode_content=False)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size = max(size, sum(map(len, parts)))
        if time.monotonic() > end:
            raise _late(url, timeout)
    raise EvidenceError(
        f"{WHAT} {url}",
        got=f"more than {PAGE_LIMIT} bytes",
        wanted=f"at most {PAGE_LIMIT}",
        do="Too large to be that page; it was not read on.",
    )


def _tls(exc: Exception, cacert: str | Path | None) -> str:
    text = str(exc)
    if "unable to get local issuer" in text or "self-signed" in text or "self signed" in text:
        return (
            "a server whose authority is not trusted here"
            if cacert is None
            else f"a server that {cacert} does not vouch for"
        )
    return explain_tls_error(exc).cause


def _moved(url: str) -> str:
    if "/latest/" not in url and url.rstrip("/").endswith("/public-CAS"):
        return "The page has moved: try /latest/public-CAS/."
    return "A page that is not there says nothing."
