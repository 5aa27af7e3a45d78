"""What curl's --connect-to takes, as an answer of 04."""

from __future__ import annotations

import re
from typing import Any

from casnb.teach.facts import Facts
from casnb.tls.exchange import is_loopback

#: Ports that the URL may name; the lesson's is the first.
_PORTS = (8081, 443, 8443, 9443, 18765, 2001)


def port_of(facts: Facts) -> int:
    return facts.draw("04.connect-to", _PORTS)


def connect_to(facts: Facts) -> str:
    return f"cas:{port_of(facts)}:{facts.host}:{facts.port or 8081}"


def curl_takes_it(facts: Facts, value: Any) -> bool:
    """Whether curl, with this option, connects to the lab's CAS: parts of the first pair may be
    empty, names are compared without case, and any address of its machine leads there where the
    lab's port is not known.
    """
    host = r"127(?:\.\d{1,3}){3}|localhost" if is_loopback(facts.host) else re.escape(facts.host)
    found = (
        re.fullmatch(rf"(cas|):(\d*):({host}):(\d{{1,5}})", value, re.I)
        if isinstance(value, str)
        else None
    )
    if found is None or found[2] not in ("", str(port_of(facts))) or int(found[4]) > 65535:
        return False
    return facts.port is None or int(found[4]) == facts.port


def ports_in(facts: Facts, value: Any) -> re.Match[str] | None:
    """Cut an answer that goes to this lab's host into the two ports: the URL's and the CAS's."""
    pattern = rf"cas:(\d*):{re.escape(facts.host)}:(\d+)"
    return re.fullmatch(pattern, value) if isinstance(value, str) else None
