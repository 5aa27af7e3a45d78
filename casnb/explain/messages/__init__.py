"""Every message that SCONE's public pages print, and every one that casnb's own `scone` prints,
with cause, cure, whom the quick cure lets in, and where to see it: one table in five parts.
"""

from __future__ import annotations

from collections.abc import Mapping

from casnb.explain.messages import (
    attest_messages,
    platform_messages,
    service_messages,
    session_messages,
    setup_messages,
)
from casnb.tls.diagnosis import Diagnosis

#: Parts in the order of the documentation: part to its rows, most telling first.
PARTS: Mapping[str, tuple[Diagnosis, ...]] = {
    "Attestation": attest_messages.ROWS,
    "Machines": platform_messages.ROWS,
    "Sessions": session_messages.ROWS,
    "Services": service_messages.ROWS,
    "Before anything is attested": setup_messages.ROWS,
}

#: Every row by its id.
MESSAGES: Mapping[str, Diagnosis] = {d.id: d for rows in PARTS.values() for d in rows}
