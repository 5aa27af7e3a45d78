"""What goes with a quote, fetched from Intel's PCS or from any PCCS: bounded in size, time and
tries, and never believed here. Verification is for `casnb.verify`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests

from casnb.base.errors import CasnbError, EvidenceError, SourceError, UsageError
from casnb.evidence.decode import read_piece
from casnb.evidence.piece import Piece
from casnb.tls.tls_errors import explain_tls_error
from casnb.verify.endorsements import Endorsements
from casnb.verify.gathering import Gathering
from casnb.verify.service_paths import (
    INTEL_PCS,
    INTEL_ROOT_CRL,
    RESOURCES,
    ROOT_CRL,
    VERSIONS,
    Needs,
    Resource,
)

#: Intel's largest answer is a revocation list of some hundred kilobytes.
LIMIT = 4 << 20
TRIES = 3
#: Seconds before a second and a third try.
PAUSES = (0.5, 2.0)
#: Seconds to connect, and between two bytes; and for all of one answer.
TIMEOUT, WHOLE = (10, 20), 60
_AGAIN = {408, 429, 500, 502, 503, 504}
_BASE = re.compile(r"(.*?)(?:/sgx/certification(?:/(v[34]))?)?/*")


class _AbsentError(Exception):
    """The service has no such path or no such thing."""


def fetch_endorsements(
    needs: Needs,
    *,
    pcs: str = INTEL_PCS,
    ca: str | Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> Endorsements:
    """Return what Intel signed about a platform, as served; `say` hears of each step.

    `pcs` is the address of a PCS or PCCS, with or without `/sgx/certification/v4`; without a
    version v4 is asked first, then v3. `ca` is a PEM file that vouches for its TLS server.
    Raises SourceError where it cannot be reached or refuses, EvidenceError where it answers with
    something else, UsageError for an address that is not https (or http on loopback). Not
    checked: signatures and dates.
    """
    base, versions = _address(pcs)
    if not needs.ca:
        raise EvidenceError(
            "PCK certificate", got="another issuer", wanted="a PCK Platform or Processor CA"
        )
    with requests.Session() as session:
        host = urlsplit(base).hostname or ""
        session.trust_env = not (host in ("localhost", "::1") or host.startswith("127."))
        session.verify = True if ca is None else str(ca)
        if ca is not None and not Path(ca).is_file():
            raise SourceError(str(ca), got="no such file", wanted="PEM certificates")
        for last, version in ((v == versions[-1], v) for v in versions):
            try:
                return _all(session, base, version, needs, say, pause)
            except _AbsentError as exc:
                if last:
                    raise SourceError(
                        "collateral service",
                        got=str(exc),
                        wanted=f"an answer for {needs}",
                        do="Does it know this platform? A PCCS may have to be filled first.",
                    ) from None
                say(f"{version}: {exc}; asking {versions[-1]}")
    raise AssertionError("no version")


def _address(pcs: str) -> tuple[str, tuple[str, ...]]:
    parts = urlsplit(pcs)
    local = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    if not parts.hostname or parts.scheme not in ("https", *(("http",) if local else ())):
        raise UsageError(
            "collateral service", got=pcs, wanted="an https:// address (http:// on loopback alone)"
        )
    found = _BASE.fullmatch(pcs)
    assert found is not None
    return found[1], (found[2],) if found[2] else VERSIONS


def _all(
    session: requests.Session,
    base: str,
    version: str,
    needs: Needs,
    say: Callable[[str], None],
    pause: Callable[[float], None],
) -> Endorsements:
    gathering = Gathering()
    for number, resource in enumerate(RESOURCES, 1):
        url = base + resource.url(version, needs)
        if resource is ROOT_CRL and base.lower() == INTEL_PCS:
            url = INTEL_ROOT_CRL
        say(f"{number}/{len(RESOURCES)} {resource.name}: {url}")
        body, headers = _get(session, url, pause)
        _read(gathering, resource, url, body, headers)
    return gathering.finish()


def _read(
    gathering: Gathering, resource: Resource, url: str, body: bytes, headers: dict[str, str]
) -> None:
    """Read one answer, whatever form its body has, with the chain in its headers."""
    try:
        gathering.add(read_piece(Piece(body, headers=headers)), url)
    except CasnbError as exc:
        raise EvidenceError(
            f"{resource.name} from {url}", got=str(exc)[:200], wanted="an answer of PCS or PCCS"
        ) from None
    if resource.chain_headers and not any(h.lower() in headers for h in resource.chain_headers):
        raise EvidenceError(
            f"{resource.name} from {url}",
            got="no issuer chain in the headers",
            wanted=" or ".join(resource.chain_headers),
        )


def _get(
    session: requests.Session, url: str, pause: Callable[[float], None]
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers (names in lower case) of one answer, after a few tries."""
    problem = ""
    for number in range(TRIES):
        if number:
            pause(PAUSES[number - 1])
        try:
            with session.get(url, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
                if answer.status_code == 200:
                    return _body(answer, url), {k.lower(): v for k, v in answer.headers.items()}
                if answer.status_code in (400, 404, 410, 461):
                    raise _AbsentError(f"HTTP status {answer.status_code} for {urlsplit(url).path}")
                problem = f"HTTP status {answer.status_code}"
                if answer.status_code not in _AGAIN:
                    break
        except requests.exceptions.SSLError as exc:
            raise SourceError(
                f"collateral service {url}",
                got=f"a TLS failure: {_title(exc)}",
                wanted="a certificate that is trusted",
                do="--ca FILE names the PEM certificates that vouch for a PCCS of your own.",
            ) from None
        except requests.Timeout:
            problem = "no answer in time"
        except requests.RequestException as exc:
            problem = f"no connection ({type(exc).__name__})"
    raise SourceError(
        f"collateral service {urlsplit(url).netloc}",
        got=f"{problem}, {number + 1} tries",
        wanted="an answer",
        do="Is this machine offline? casnb endorsements build FILES puts saved answers together.",
    )


def _title(exc: requests.exceptions.SSLError) -> str:
    found = explain_tls_error(exc)
    known = found.diagnosis if found else None
    return known.title if known else type(exc).__name__


def _body(answer: requests.Response, url: str) -> bytes:
    out, end = bytearray(), time.monotonic() + WHOLE
    for chunk in answer.iter_content(64 << 10):
        out += chunk
        if len(out) > LIMIT:
            raise EvidenceError(
                f"answer from {url}", got=f"more than {LIMIT} bytes", wanted="a small list"
            )
        if time.monotonic() > end:
            raise requests.Timeout
    return bytes(out)
