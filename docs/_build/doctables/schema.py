"""The schema of what `--json` prints: its lists of names are made of the tables."""

from __future__ import annotations

import json
from pathlib import Path

import casnb
from casnb.policy.flags import FLAGS, NEWER

PATH = Path(casnb.__file__).parent / "cli" / "schema" / "output.json"


def renewed() -> str:
    """Return the schema's text with every list of names as the tables have it."""
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    schema["$defs"]["flagName"]["enum"] = [f.name for f in (*FLAGS, *NEWER)]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
