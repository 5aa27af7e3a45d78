"""The table of faults as files that any SGX verifier can use: evidence, endorsements, roots, time,
and the verdict to reach.

What is expected comes from the table, never from what casnb's verifier happens to say. Rows about
a policy (which enclave, which nonce, how old) are not written: they ask more than a verifier of
evidence is given.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from casnb.base.errors import CasnbError, SourceError, neutral
from casnb.base.files import replace_file
from casnb.checks.catalogue import CATALOGUE
from casnb.conformance.fault import Evidence, Fault, Harmless, good
from casnb.conformance.fault_table import FAULTS, HARMLESS
from casnb.policy.appraise import POLICY_IDS
from casnb.verify.endorsements import Endorsements
from casnb.verify.pki import TrustAnchors
from casnb.verify.tcb import TcbStatus

SCHEMA = "urn:casnb:vectors:1"
#: Checks that need to be told something beside the evidence.
_ASKED = {*POLICY_IDS, "avr-nonce"}
_PACKED = files("casnb.conformance") / "files"
#: What lies in the package and is written as it is.
_TEXTS = {
    "README.md": "README.md",
    "manifest.schema.json": "manifest.schema.json",
    "run_dcap_qvl.py": "run_dcap_qvl.py.txt",
}
_ENDINGS = {
    "quote": "bin",
    "collateral": "json",
    "body": "json",
    "signature_b64": "b64",
    "chain": "pem",
    "root_ca": "pem",
}


def write_suite(folder: Path) -> int:
    """Write the suite into an empty or new folder and return how many vectors it has; the same
    bytes each time.

    Raises SourceError where there is something in the folder, or it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SourceError(
                neutral(folder, 200), got="something in it", wanted="an empty or a new folder"
            )
        (folder / "data").mkdir(parents=True, exist_ok=True)
        vectors = []
        for vector, held in suite():
            for role, data in held.items():
                path = folder / vector["files"][role]["file"]
                if not path.exists():
                    path.write_bytes(data)
            vectors.append(vector)
        manifest = {"schema": SCHEMA, "count": len(vectors), "vectors": vectors}
        replace_file(folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")
        for name, source in _TEXTS.items():
            text = (_PACKED / source).read_text(encoding="utf-8")
            replace_file(folder / name, text)
    except OSError as exc:
        raise SourceError(
            neutral(folder, 200), got=neutral(exc.strerror or exc, 100), wanted="to write there"
        ) from None
    return len(vectors)


def suite() -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
    """Yield each vector with its files by role, in the order of the table."""
    count = 0
    rows: list[Fault | Harmless] = [*FAULTS, *HARMLESS]
    for row in rows:
        expect, check = _expected(row)
        if expect is None:
            continue
        evidence = row.change(good(row.kind))
        held = _files(evidence)
        if held is None:
            continue
        if expect["verdict"] == "accept":
            expect["advisories"] = list(evidence.proof().advisories)
        count += 1
        vector = {
            "id": f"{count:03}-{_slug(row.name)}",
            "title": row.name,
            "format": "dcap-quote-v3" if row.kind == "dcap" else "ias-avr-v4",
            "files": {role: _entry(role, data) for role, data in held.items()},
            "specification": CATALOGUE[check].source,
            "cases": [{"id": "expected", "time": int(evidence.now.timestamp()), "expect": expect}],
        }
        if isinstance(row, Fault) and row.choice:
            vector["choice"] = row.choice
        yield vector, held


def _expected(row: Fault | Harmless) -> tuple[dict[str, Any] | None, str]:
    """Return what the table expects of the evidence alone, and the check that the row is about;
    None for a row about a policy.
    """
    up_to_date = "OK" if row.kind == "ias" else "UpToDate"
    if isinstance(row, Harmless):
        return {"verdict": "accept", "tcb_status": up_to_date}, "tcb-status"
    fails = [id for id in row.fails.split() if id not in _ASKED]
    if not fails:
        return None, ""
    if fails == ["tcb-status"] and row.status and row.known and _stands(row):
        return {"verdict": "accept", "tcb_status": row.status}, "tcb-status"
    return {"verdict": "reject", "checks": fails}, fails[0]


def _stands(row: Fault) -> bool:
    """Whether the row's status is one that some policy may accept: not a revoked one."""
    ias = row.kind == "ias"
    status = TcbStatus.from_ias(row.status, 4) if ias else TcbStatus.from_dcap(row.status)
    return status is TcbStatus.UP_TO_DATE or (status is not None and status.waivable)


def _files(e: Evidence) -> dict[str, bytes] | None:
    """Return the evidence as files; None where it cannot be told in files that every verifier
    reads alike: a text that is not Unicode, a time between two seconds.
    """
    if e.now.microsecond:
        return None
    roots = e.roots.to_pem()
    if e.avr is not None:
        return {
            "body": e.avr.body,
            "signature_b64": base64.b64encode(e.avr.signature),
            "chain": e.avr.chain_pem,
            "root_ca": roots,
        }
    text = json.dumps(e.lists.to_json()).encode()
    try:
        if Endorsements.from_json(text) != e.lists:
            return None
        TrustAnchors.from_pem(roots)
    except CasnbError:
        return None
    return {"quote": e.quote, "collateral": text, "root_ca": roots}


def _entry(role: str, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    name = f"data/{digest[:16]}.{_ENDINGS[role]}"
    return {"file": name, "bytes": len(data), "sha256": digest}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:70].strip("-")
