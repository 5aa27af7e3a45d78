"""The schema of what `--json` prints: its lists of names are made of the tables."""

from __future__ import annotations

import json
from pathlib import Path

import casnb
from casnb.policy.flag_sets import COMBINATIONS
from casnb.policy.flags import FLAGS, NEWER

PATH = Path(casnb.__file__).parent / "cli" / "schema" / "output.json"


def renewed() -> str:
    """Return the schema's text with every list of names, and the count of sets of flags, as the
    tables have it.
    """
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    schema["$defs"]["flagName"]["enum"] = [f.name for f in (*FLAGS, *NEWER)]
    rows = schema["$defs"]["matrix"]["properties"]["rows"]
    rows["minItems"] = rows["maxItems"] = len(COMBINATIONS)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
