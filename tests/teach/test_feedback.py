"""A value keeps its name however it is written, and what is at hand is known by its kind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from casnb.teach.course.answers import plain
from casnb.teach.course.choices import Choice, Names
from casnb.teach.course.exercise import Exercise
from casnb.teach.course.exercises import catalogue, exercise
from casnb.teach.course.feedback import RIGHT, WRONG
from casnb.teach.course.flaglines import CommandLine, FlagLine, Identity
from casnb.teach.course.judgement import feedback_on
from casnb.teach.course.judges import Hex, Number, Numbers, Text
from casnb.teach.course.known import KINDS
from casnb.teach.course.pairing import Pairing
from casnb.teach.facts import Facts

ALL = list(catalogue().values())


def in_its_world(task: Exercise, facts: Facts) -> Facts:
    """The facts of the scenario that the task is about."""
    return facts if "public" in task.scenarios else facts.of(task.scenarios[0])


def is_hex(value: Any, least: int = 32) -> bool:
    return (
        isinstance(value, str) and len(value) >= least and not set(value) - set("0123456789abcdef")
    )


#: How tools, shells, pages and hands write bytes.
AS_HEX: dict[str, Callable[[str], Any]] = {
    "as it is": lambda t: t,
    "upper case": str.upper,
    "0x": lambda t: "0x" + t,
    "0X and upper case": lambda t: "0X" + t.upper(),
    "openssl x509 -fingerprint": lambda t: (
        "sha256 Fingerprint=" + bytes.fromhex(t).hex(":").upper() + "\n"
    ),
    "openssl dgst": lambda t: f"SHA2-256(stdin)= {t}\n",
    "sha256sum": lambda t: f"{t}  cas_cert.crt\n",
    "sha256sum of a pipe": lambda t: f"{t}  -",
    "BSD": lambda t: f"SHA256 (cas_cert.crt) = {t}",
    "OCI digest": lambda t: "sha256:" + t,
    "colons": lambda t: bytes.fromhex(t).hex(":"),
    "dashes": lambda t: bytes.fromhex(t).hex("-"),
    "spaces": lambda t: bytes.fromhex(t).hex(" "),
    "xxd": lambda t: bytes.fromhex(t).hex(" ", 2),
    "two lines": lambda t: t[:32] + "\n" + t[32:],
    "newline": lambda t: t + "\n",
    "CR LF": lambda t: t + "\r\n",
    "blanks": lambda t: f"  {t} ",
    "no-break space": lambda t: f"\u00a0{t}",
    "BOM": lambda t: "\ufeff" + t,
    "double quotes": lambda t: f'"{t}"',
    "single quotes": lambda t: f"'{t}'",
    "backticks": lambda t: f"`{t}`",
    "typographic quotes": lambda t: f"\u201c{t}\u201d",
    "shell": lambda t: f"MRENCLAVE={t}",
    "export": lambda t: f'export MRENCLAVE="{t}"',
    "Python": lambda t: f"mrenclave = '{t}'",
    "YAML": lambda t: f"mrenclave: {t}",
    "option": lambda t: f"--mrenclave {t}",
    "option=": lambda t: f"--mrenclave={t}",
    "prompt": lambda t: f"$ {t}",
    "Python prompt": lambda t: f">>> {t}",
    "Out": lambda t: f"Out[12]: '{t}'",
    "bytes of the text": lambda t: t.encode(),
    "repr of bytes": lambda t: repr(t.encode()),
    "bytes": bytes.fromhex,
    "bytearray": lambda t: bytearray.fromhex(t),
    "list of bytes": lambda t: list(bytes.fromhex(t)),
    "a list": lambda t: [t],
    "a tuple": lambda t: (t,),
    "a set": lambda t: {t},
    "a dictionary": lambda t: {"mrenclave": t},
    "JSON": lambda t: json.dumps({"mrenclave": t}),
    "list as text": lambda t: f"['{t}']",
    "HTML": lambda t: f"<td><code>{t}</code></td>",
    "comma": lambda t: t + ",",
    "full stop": lambda t: t + ".",
    "comment": lambda t: f"{t}  # from the page",
    "prose": lambda t: f"The value is {t}, I think.",
    "C array": lambda t: "{" + ", ".join(f"0x{b:02x}" for b in bytes.fromhex(t)) + "}",
    "escapes": lambda t: "".join(f"\\x{b:02x}" for b in bytes.fromhex(t)),
    "Base64": lambda t: base64.b64encode(bytes.fromhex(t)).decode(),
    "integer": lambda t: int(t, 16),
    "xxd with offsets": lambda t: "\n".join(
        f"{n // 2:08x}: {bytes.fromhex(t[n : n + 32]).hex(' ', 2)}  ................"
        for n in range(0, len(t), 32)
    ),
    "od -An is off": lambda t: (
        "\n".join(
            f"{n // 2:07o} {bytes.fromhex(t[n : n + 32]).hex(' ')}" for n in range(0, len(t), 32)
        )
        + f"\n{len(t) // 2:07o}\n"
    ),
    "an array's repr": lambda t: f"array({list(bytes.fromhex(t))}, dtype=uint8)",
    "a view of memory": lambda t: memoryview(bytes.fromhex(t)),
    "h behind it": lambda t: t.upper() + "h",
    "the letter O": lambda t: t.replace("0", "O"),
    "full width": lambda t: t.translate({c: c + 0xFEE0 for c in range(33, 127)}),
    "an arrow": lambda t: f"-> {t}",
    "a call": lambda t: f"print('{t}')",
    "Base64 in lines": lambda t: base64.encodebytes(bytes.fromhex(t)).decode(),
    "bold": lambda t: f"**{t}**",
    "cut": lambda t: t[:16] + "...",
    "last half": lambda t: t[len(t) // 2 :],
    "reversed": lambda t: bytes.fromhex(t)[::-1].hex(),
    "a line of JSON": lambda t: f'  "mrenclave": "{t}",',
    "a quoted YAML value": lambda t: f'mrenclave: "{t}"',
    "escaped quotes": lambda t: f"&quot;{t}&quot;",
    "a list item": lambda t: f"1. {t}",
    "a set as text": lambda t: f"{{'{t}'}}",
    "repr of the bytes": lambda t: repr(bytes.fromhex(t)),
    "a call of fromhex": lambda t: f"bytes.fromhex('{t}')",
    "SRI": lambda t: "sha256-" + base64.b64encode(bytes.fromhex(t)).decode(),
    "curl's pin": lambda t: "sha256//" + base64.b64encode(bytes.fromhex(t)).decode(),
    "Base64 as bytes": lambda t: base64.b64encode(bytes.fromhex(t)),
    "Base32": lambda t: base64.b32encode(bytes.fromhex(t)).decode(),
    "per cent signs": lambda t: "".join(f"%{b:02X}" for b in bytes.fromhex(t)),
    "numbers with commas": lambda t: ", ".join(map(str, bytes.fromhex(t))),
    "numbers with spaces": lambda t: " ".join(map(str, bytes.fromhex(t))),
    "an array of Go": lambda t: "[]byte{" + ", ".join(f"0x{b:02x}" for b in bytes.fromhex(t)) + "}",
    "an array of Rust": lambda t: "[" + ", ".join(f"{b:#04x}u8" for b in bytes.fromhex(t)) + "]",
    "halves in a list": lambda t: [t[: len(t) // 2], t[len(t) // 2 :]],
    "two literals": lambda t: f"'{t[:32]}'\n'{t[32:]}'",
    "a plus sign": lambda t: f"'{t[:32]}' + '{t[32:]}'",
    "a continued line": lambda t: t[:32] + "\\\n" + t[32:],
    "German quotes": lambda t: f"\u201e{t}\u201c",
    "guillemets": lambda t: f"\u00bb{t}\u00ab",
    "a word before it": lambda t: f"MRENCLAVE {t}",
    "a row of a table": lambda t: f"scone-cas.cf | {t} | 5.8",
    "a sentence": lambda t: f"I think it is {t}!",
    "a remark": lambda t: f"{t} (see the page)",
    "a fence": lambda t: f"```text\n{t}\n```",
    "a prefixed literal": lambda t: f"x'{t}'",
    "host and value": lambda t: {"host": "scone-cas.cf", "mrenclave": t},
    "a pair": lambda t: ("mrenclave", t),
    "nested": lambda t: {"result": {"mrenclave": t}},
    "Cyrillic letters": lambda t: t.replace("a", "\u0430").replace("e", "\u0435"),
    "the letter l": lambda t: t.replace("1", "l"),
    "twice": lambda t: f"{t}\n{t}",
    "the user's prompt": lambda t: f"me@host:~$ {t}",
    "cut in the middle": lambda t: t[:8] + "\u2026" + t[-8:],
    "last digits": lambda t: t[-8:],
    "turned round": lambda t: t[::-1],
}
AS_TEXT: dict[str, Callable[[str], Any]] = {
    "as it is": lambda t: t,
    "newline": lambda t: t + "\n",
    "blanks": lambda t: f"  {t} ",
    "BOM": lambda t: "\ufeff" + t,
    "double quotes": lambda t: f'"{t}"',
    "single quotes": lambda t: f"'{t}'",
    "backticks": lambda t: f"`{t}`",
    "typographic quotes": lambda t: f"\u201c{t}\u201d",
    "Python": lambda t: f"value = '{t}'",
    "YAML": lambda t: f"value: {t}",
    "prompt": lambda t: f"$ {t}",
    "Out": lambda t: f"Out[3]: '{t}'",
    "bytes": str.encode,
    "a list": lambda t: [t],
    "a tuple": lambda t: (t,),
    "a dictionary": lambda t: {"value": t},
    "JSON": lambda t: json.dumps({"answer": t}),
    "HTML": lambda t: f"<code>{t}</code>",
    "comma": lambda t: t + ",",
    "colon": lambda t: t + ":",
    "an arrow": lambda t: f"-> {t}",
    "a call": lambda t: f"print({t!r})",
    "bold": lambda t: f"**{t}**",
    "a line of JSON": lambda t: f'"value": "{t}",',
    "an assignment": lambda t: f'answer = "{t}";',
    "German quotes": lambda t: f"\u201e{t}\u201c",
    "guillemets": lambda t: f"\u00bb{t}\u00ab",
    "a fence": lambda t: f"```\n{t}\n```",
    "a word before it": lambda t: f"value {t}",
    "a sentence": lambda t: f"I think it's {t}",
    "exclamation": lambda t: f"{t}!",
    "a prefixed literal": lambda t: f"r'{t}'",
    "full width": lambda t: t.translate({c: c + 0xFEE0 for c in range(33, 127)}),
    "twice": lambda t: f"{t}\n{t}",
    "a list item": lambda t: f"1. {t}",
    "a remark": lambda t: f"{t} (text)",
    "the user's prompt": lambda t: f"me@host:~$ {t}",
    "escaped quotes": lambda t: f'\\"{t}\\"',
}
AS_LETTER: dict[str, Callable[[str], Any]] = {
    **{k: v for k, v in AS_TEXT.items() if k != "bytes"},
    "bracket": lambda t: f"{t})",
    "both brackets": lambda t: f"({t})",
    "capital": str.upper,
    "full stop": lambda t: f"{t.upper()}.",
    "in words": lambda t: f"Answer: {t}",
    "option": lambda t: f"Option {t.upper()}",
    "I think": lambda t: f"I think {t}",
    "a dash behind it": lambda t: f"{t} - the rest of the sentence",
    "a reason": lambda t: f"{t}, because it says so",
    "a reason without a comma": lambda t: f"{t} because it says so",
    "slashes": lambda t: f"/{t}/",
}
AS_NUMBER: dict[str, Callable[[int], Any]] = {
    "as it is": lambda n: n,
    "text": str,
    "text and newline": lambda n: f"{n}\n",
    "hex": hex,
    "a list": lambda n: [n],
    "a tuple": lambda n: (n,),
    "a list of text": lambda n: [str(n)],
    "a dictionary": lambda n: {"offset": n},
    "named": lambda n: f"offset = {n}",
    "quotes": lambda n: f'"{n}"',
    "in words": lambda n: f"byte {n}",
    "with a sign": lambda n: f"{n:+d}",
    "full stop": lambda n: f"{n}.",
    "brackets": lambda n: f"({n})",
    "commas between thousands": lambda n: f"{n:,}",
    "apostrophes": lambda n: f"{n:,}".replace(",", "'"),
    "points": lambda n: f"{n:,}".replace(",", "."),
    "thin spaces": lambda n: f"{n:,}".replace(",", "\u2009"),
    "a unit": lambda n: f"{n} bytes",
    "an ordinal": lambda n: f"{n}th",
    "No.": lambda n: f"No. {n}",
    "a version": lambda n: f"v{n}",
    "binary": bin,
    "octal": oct,
    "decimal point": lambda n: f"{n}.0",
    "full width": lambda n: str(n).translate({c: c + 0xFEE0 for c in range(33, 127)}),
    "bytes": lambda n: n.to_bytes((n.bit_length() + 7) // 8 or 1, "little"),
    "both bases": lambda n: f"{n} = {n:#x}",
    "hex and decimal": lambda n: f"{n:#x} ({n})",
    "a line of JSON": lambda n: f'"offset": {n},',
    "a d behind it": lambda n: f"{n}d",
    "decimal, in words": lambda n: f"{n} (decimal)",
    "0d": lambda n: f"0d{n}",
    "a dollar sign": lambda n: f"${n:x}",
    "&H": lambda n: f"&H{n:X}",
    "h": lambda n: f"{n:X}h",
    "a comma and a zero": lambda n: f"{n},0",
    "Decimal": Decimal,
    "Fraction": Fraction,
    "index": lambda n: f"index {n}",
    "at least": lambda n: f"at least {n}",
    "exclamation": lambda n: f"{n}!",
    "a slice": lambda n: f"[{n}:{n + 2}]",
    "a sentence": lambda n: f"I think it is {n}",
    "an option": lambda n: f"--isvsvn {n}",
    "Arabic digits": lambda n: "".join(chr(0x660 + int(c)) for c in str(n)),
}
AS_PAIR: dict[str, Callable[[list[int]], Any]] = {
    "as it is": tuple,
    "a list": list,
    "text": lambda p: f"({p[0]}, {p[1]})",
    "bare text": lambda p: f"{p[0]}, {p[1]}",
    "words": lambda p: f"byte {p[0]}, bit {p[1]}",
    "list of text": lambda p: [str(n) for n in p],
    "hex": lambda p: [hex(n) for n in p],
    "a dictionary": lambda p: {"offset": p[0], "bit": p[1]},
    "a list in a list": lambda p: [list(p)],
    "JSON": lambda p: json.dumps(list(p)),
    "semicolon": lambda p: f"{p[0]}; {p[1]}",
    "newline": lambda p: f"{p[0]} {p[1]}\n",
    "names in the other order": lambda p: {"bit": p[1], "offset": p[0]},
    "JSON in the other order": lambda p: json.dumps({"value": p[1], "offset": p[0]}),
    "pairs of name and number": lambda p: [("offset", p[0]), ("bit", p[1])],
    "a mask": lambda p: f"{p[0]}, 0b{p[1]:08b}",
    "Out": lambda p: f"Out[2]: ({p[0]}, {p[1]})",
    "a sentence": lambda p: f"The offset is {p[0]} and the bit is {p[1]}",
    "two bytes": bytes,
}
AS_SET: dict[str, Callable[[list[str]], Any]] = {
    "a set": set,
    "a list": list,
    "a tuple": tuple,
    "a frozen set": frozenset,
    "keys": lambda w: dict.fromkeys(w, True).keys(),
    "a dictionary": lambda w: dict.fromkeys(w, True),
    "commas": ", ".join,
    "spaces": " ".join,
    "lines": lambda w: "\n".join(w) + "\n",
    "blanks": lambda w: [f" {x}\n" for x in w],
    "JSON": json.dumps,
    "set as text": lambda w: repr(set(w)) if w else "set()",
    "capitals": lambda w: [x.upper() for x in w],
    "quotes inside": lambda w: [f"'{x}'" for x in w],
    "doubled": lambda w: [*w, *w],
    "bullets": lambda w: "\n".join(f"- {x}" for x in w),
    "numbered": lambda w: "\n".join(f"{n}. {x}" for n, x in enumerate(w, 1)),
    "slashes": "/".join,
    "plus signs": " + ".join,
    "bars": " | ".join,
    "in words": " and ".join,
    "German": " und ".join,
    "a sentence": lambda w: f"They are {', '.join(w)}.",
    "underscores": lambda w: [x[:1] + x[1:].replace("-", "_") for x in w],
    "titles": lambda w: [x.title() for x in w],
    "lists inside": lambda w: [[x] for x in w],
    "bold bullets": lambda w: "\n".join(f"- **{x}**" for x in w),
    "bytes": lambda w: [x.encode() for x in w],
    "German quotes": lambda w: ", ".join(f"\u201e{x}\u201c" for x in w),
    "numbered dictionary": lambda w: dict(enumerate(w)),
    "stops": lambda w: [f"{x}." for x in w],
    "as well as": " as well as ".join,
    "yes": lambda w: dict.fromkeys(w, "yes"),
    "a call": lambda w: f"set({w!r})",
}
AS_PAIRING: dict[str, Callable[[dict[str, str]], Any]] = {
    "as it is": dict,
    "capitals": lambda d: {k: v.upper() for k, v in d.items()},
    "brackets": lambda d: {k: f"{v})" for k, v in d.items()},
    "blanks": lambda d: {f" {k} ": f" {v}\n" for k, v in d.items()},
    "JSON": json.dumps,
    "repr": repr,
    "pairs": lambda d: list(d.items()),
    "a list": lambda d: [d],
    "other order": lambda d: dict(reversed(d.items())),
    "capital keys": lambda d: {k.title(): v for k, v in d.items()},
    "underscores": lambda d: {k.replace(" ", "_"): v for k, v in d.items()},
    "a tuple": lambda d: (d,),
    "YAML": lambda d: "\n".join(f"{k}: {v}" for k, v in d.items()),
    "equals signs": lambda d: ", ".join(f"{k}={v}" for k, v in d.items()),
    "arrows": lambda d: ", ".join(f"{k} -> {v}" for k, v in d.items()),
    "CSV": lambda d: "\n".join(f"{k},{v}" for k, v in d.items()),
    "tuples inside": lambda d: {k: (v,) for k, v in d.items()},
    "quotes inside": lambda d: {f"'{k}'": f"'{v}'" for k, v in d.items()},
    "articles": lambda d: {k if k[:4] == "the " else f"the {k}": v for k, v in d.items()},
    "no blanks": lambda d: {k.replace(" ", ""): v for k, v in d.items()},
    "bytes": lambda d: {k.encode(): v.encode() for k, v in d.items()},
    "option": lambda d: {k: f"option {v}" for k, v in d.items()},
    "full width": lambda d: {k: chr(ord(v) + 0xFEE0) for k, v in d.items()},
    "letters in order": lambda d: list(d.values()),
    "letters as text": lambda d: ", ".join(d.values()),
    "letters as a word": lambda d: "".join(d.values()),
    "small dictionaries": lambda d: [{k: v} for k, v in d.items()],
    "rows": lambda d: [{"key": k, "value": v} for k, v in d.items()],
    "is": lambda d: ", ".join(f"{k} is {v}" for k, v in d.items()),
    "letters first": lambda d: "\n".join(f"{v}) {k}" for k, v in d.items()),
}
AS_LINE: dict[str, Callable[[str], Any]] = {
    "as it is": lambda t: t,
    "newline": lambda t: t + "\n",
    "prompt": lambda t: f"$ {t}",
    "double blanks": lambda t: t.replace(" ", "  "),
    "continued": lambda t: t.replace(" --", " \\\n  --"),
    "quotes": lambda t: f"'{t}'",
    "backticks": lambda t: f"`{t}`",
    "BOM": lambda t: "\ufeff" + t,
    "blanks": lambda t: f"  {t}  ",
    "tab": lambda t: t.replace(" ", "\t", 1),
    "CR LF": lambda t: t + "\r\n",
    "typographic quotes": lambda t: f"\u201c{t}\u201d",
    "semicolon": lambda t: f"{t};",
    "an arrow": lambda t: f"-> {t}",
    "Jupyter's shell": lambda t: f"!{t}",
    "a cell of bash": lambda t: f"%%bash\n{t}",
    "the user's prompt": lambda t: f"me@host:~$ {t}",
    "PowerShell": lambda t: f"PS C:\\Users\\me> {t}",
    "continued in cmd": lambda t: t.replace(" --", " ^\n --"),
    "continued in PowerShell": lambda t: t.replace(" --", " `\n --"),
    "a fence": lambda t: f"```bash\n{t}\n```",
    "words": str.split,
    "words as text": lambda t: repr(t.split()),
    "JSON": lambda t: json.dumps({"command": t}),
    "bytes": str.encode,
    "repr of bytes": lambda t: repr(t.encode()),
    "an assignment": lambda t: f"command = '{t}'",
    "its output in a file": lambda t: f"{t} > out.txt",
    "a pipe": lambda t: f"{t} 2>&1 | tee log",
    "a second command": lambda t: f"{t} && echo ok",
    "a comment": lambda t: f"{t}  # mine",
    "sudo": lambda t: f"sudo {t}",
    "a variable": lambda t: f"LANG=C {t}",
    "no-break spaces": lambda t: t.replace(" ", "\u00a0"),
    "German quotes": lambda t: f"\u201e{t}\u201c",
    "bold": lambda t: f"**{t}**",
    "Out": lambda t: f"Out[3]: '{t}'",
    "YAML": lambda t: f"command: {t}",
}
#: Spellings that leave something out, or turn it round: for values long enough.
BENT = {"cut", "last half", "reversed", "cut in the middle", "last digits", "turned round"}


def spellings(judge: Any, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value in the natural spellings of its form."""
    if isinstance(judge, Hex) and is_hex(value):
        table: Any = AS_HEX
    elif isinstance(judge, Choice):
        table = AS_LETTER
    elif isinstance(judge, (Hex, Text)) and isinstance(value, str) and value.strip():
        table = AS_TEXT
    elif isinstance(judge, Number) and type(value) is int:
        table = AS_NUMBER
    elif isinstance(judge, Numbers) and isinstance(value, (list, tuple)):
        table, value = AS_PAIR, list(value)
    elif isinstance(judge, Names) and isinstance(value, (list, set, frozenset)) and value:
        if not all(isinstance(v, str) for v in value):
            return
        table, value = AS_SET, sorted(value)
    elif isinstance(judge, Pairing) and isinstance(value, dict):
        table = AS_PAIRING
    elif isinstance(judge, (FlagLine, CommandLine, Identity)) and value:
        table = AS_LINE
        value = " ".join(value) if not isinstance(value, str) else value
    else:
        return
    for name, write in table.items():
        if not (name == "integer" and value.startswith("00")):
            yield name, write(value)


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_a_wrong_value_keeps_its_name_however_it_is_written(task: Exercise, facts: Facts):
    """Every named wrong value in at least twelve natural spellings: the name stays."""
    here = in_its_world(task, facts)
    judge = task.judge_in(here)
    lost, tried = [], 0
    for slip in task.all_slips(here):
        if slip.form:
            continue
        values = list(spellings(judge, slip.example(here)))
        assert len(values) >= 12 or not values
        for name, answer in values:
            feedback = feedback_on(task, answer, here)
            tried += 1
            if (feedback.status, feedback.code) != (WRONG, slip.code):
                lost.append(f"{slip.code}, {name}: {feedback.code}: {answer!r:.80}")
    assert lost == []


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_the_right_value_is_known_however_it_is_written(task: Exercise, facts: Facts):
    """What is around the right value is a slip of form, or no mistake; never a wrong value."""
    here = in_its_world(task, facts)
    judge = task.judge_in(here)
    forms = {s.code for s in task.all_slips(here) if s.form}
    lost = []
    for name, answer in spellings(judge, task.reference(here)):
        feedback = feedback_on(task, answer, here)
        known = feedback.right or (not judge.lenient and feedback.code in forms)
        known = known or (name in BENT and feedback.code not in ("other", "form"))
        if not known:
            lost.append(f"{name}: {feedback.code}: {answer!r:.80}")
    assert lost == []


@pytest.mark.parametrize("task", [e for e in ALL if isinstance(e.judge, Hex)], ids=lambda e: e.id)
def test_values_at_hand_are_known_by_their_kind(task: Exercise, facts: Facts):
    """Whatever hash, name, number or address a reader has at hand, it is said what it is."""
    here = in_its_world(task, facts)
    reference = task.reference(here)
    unnamed = [
        (kind.code, value)
        for kind in KINDS
        for value in kind.values(here)
        if value != reference and feedback_on(task, value, here).code in ("other", "form")
    ]
    assert unnamed == []


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_right_answers_of_other_exercises_are_named(task: Exercise, facts: Facts):
    """The answer to another exercise has a name, unless a letter or a set of the same words."""
    here = in_its_world(task, facts)
    judge = task.judge_in(here)
    unnamed = []
    for other in ALL:
        there = in_its_world(other, facts)
        if other.id == task.id or isinstance(other.judge, (Choice, Pairing)):
            continue
        answer = other.reference(there)
        if judge.problem(plain(answer)) == "" and isinstance(judge, (Choice, Pairing, Names)):
            continue
        feedback = feedback_on(task, answer, here)
        if feedback.code in ("other", "form"):
            unnamed.append((other.id, feedback.message[:90]))
    assert unnamed == []


@pytest.mark.parametrize(
    "task",
    [e for e in ALL if isinstance(e.judge, (Hex, Text)) and not e.costly],
    ids=lambda e: e.id,
)
def test_right_answers_of_other_worlds_are_named(task: Exercise, facts: Facts):
    """A value of the practice seed, another scenario or another machine is said to be that."""
    from casnb.teach.course import neighbour

    here = in_its_world(task, facts)
    for there, _ in neighbour.worlds(here):
        answer = task.reference(there)
        if answer != task.reference(here):
            feedback = feedback_on(task, answer, here)
            assert feedback.code not in ("other", "form"), feedback


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_each_misconception_has_a_belief(task: Exercise, facts: Facts):
    """What a class held can be said of every code, but for slips of form."""
    here = in_its_world(task, facts)
    for slip in task.all_slips(here):
        assert slip.form or slip.holds, slip.code
        assert not slip.holds.endswith(".") and not slip.holds.startswith("that ")


def test_kinds_have_a_belief_too():
    """A value of a shared kind stands for a belief as well."""
    assert [k.code for k in KINDS if not k.holds or k.holds.endswith(".")] == []


INTERNALS = (
    "Foreign(",
    "kind=",
    "argument ",
    "unrecognized",
    "Traceback",
    "object at 0x",
    "usage:",
)


@pytest.mark.parametrize("task", ALL, ids=lambda e: e.id)
def test_feedback_has_no_internals(task: Exercise, facts: Facts):
    """Whatever is answered, no class of ours and no words of argparse are in what is said."""
    here = in_its_world(task, facts)
    for answer in (
        [object()],
        {"a": object()},
        {"attester": lambda: 1},
        ["-G", "--nope"],
        "scone cas attest --isvsvn x --mrenclave",
        "--isvsvn",
        "-X",
        ["tcb-status", "debug"],
        "a b c d",
        [[object()]],
    ):
        message = feedback_on(task, answer, here).message
        assert not any(word in message for word in INTERNALS), message


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(["tcb-status", "debug", "mrsigner"], "check-ids", id="ids of checks"),
        pytest.param({"debug"}, "check-ids", id="one id"),
        pytest.param("--only-for-testing-debug", "misspelt", id="hyphens"),
        pytest.param("-g", "misspelt", id="small letter"),
        pytest.param("\u2013G", "misspelt", id="a typographic dash"),
        pytest.param("-G --mrenclave", "misspelt", id="no value"),
    ],
)
def test_flags_that_are_none_are_told_what_they_are(answer, code, facts: Facts):
    """Advice about an underscore is for options with a hyphen in its place, and nobody else."""
    feedback = feedback_on(exercise("03.minimal-flags"), answer, facts)
    assert feedback.code == code
    assert ("underscore" in feedback.message) == ("only-for" in str(answer))


def test_a_line_with_another_measurement_is_not_its_flags(facts: Facts):
    """Right flags do not make up for a wrong MRENCLAVE, and it is said whose it is."""
    task = exercise("03.minimal-flags")
    flags = " ".join(task.reference(facts))
    line = f"scone cas attest {flags} --mrenclave {{}} {facts.address}"
    assert feedback_on(task, line.format(facts.mrenclave), facts).right
    wrong = feedback_on(task, line.format(facts.rows["5-8-0.scone-cas.cf"]), facts)
    assert wrong.code == "another-line" and "another row" in wrong.message


def test_a_set_is_told_about_each_word(facts: Facts):
    """One sentence for each word too many, and a count of what is missing."""
    task = exercise("08.unmeasured")
    judge = task.judge_in(facts)
    measured = [w for w in judge.allowed if w not in task.reference(facts)]
    said = feedback_on(task, set(measured[:2]), facts).message
    assert all(f"`{w}`:" in said for w in measured[:2]) and "more belong" in said


def test_a_pairing_is_told_its_first_wrong_pair(facts: Facts):
    """Not a count, but where to look."""
    task = exercise("05.readers")
    right = task.reference(facts)
    judge = task.judge_in(facts)
    wrong = {**right, "the creator": next(x for x in judge.options if x != right["the creator"])}
    said = feedback_on(task, wrong, facts).message
    assert "'the creator'" in said and "first wrong pair" in said


@pytest.mark.parametrize(
    "value",
    [
        "cas:{p}:127.0.0.1:40001",
        "CAS:{p}:127.0.0.1:40001",
        ":{p}:127.0.0.1:40001",
        "::127.0.0.1:40001",
        "cas::localhost:40001",
    ],
)
def test_what_curl_accepts_is_right(value):
    """Empty parts of the first pair mean any, and names have no case."""
    from casnb.simulator.world import World

    facts = Facts(World("tests of teaching"))
    port = exercise("04.connect-to").reference(facts).split(":")[1]
    assert feedback_on(exercise("04.connect-to"), value.format(p=port), facts).status == RIGHT


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        pytest.param("00.decision", "I don't think it is {a}", id="a letter denied"),
        pytest.param("00.decision", "not {a}", id="not this one"),
        pytest.param("00.decision", "{a}, {b}", id="two letters"),
        pytest.param("00.decision", ["{a}", "{b}"], id="a list of two letters"),
        pytest.param("03.waived", "all of them but not debug", id="a sentence with a but"),
        pytest.param("04.value", "not {a}", id="a text denied"),
        pytest.param("04.value", "{a} or 1337", id="two texts"),
        pytest.param("02.select-byte", "{a} or 7", id="two numbers"),
        pytest.param("02.select-byte", "not {a}", id="a number denied"),
        pytest.param("03.command", "echo {a}", id="a line that is only printed"),
        pytest.param("03.command", "not {a}", id="a line denied"),
        pytest.param("03.minimal-flags", "no {a}", id="flags denied"),
    ],
)
def test_what_is_denied_or_left_open_is_not_taken_for_an_answer(id, answer, facts: Facts):
    """A right value in a sentence that takes it back, or beside another, is not called right."""
    task = exercise(id)
    right = task.reference(facts)
    right = " ".join(right) if isinstance(right, list) else str(right)
    other = next(c for c in "abcd" if c != right)

    def filled(x: Any) -> Any:
        return x.format(a=right, b=other) if isinstance(x, str) else x

    given = [filled(x) for x in answer] if isinstance(answer, list) else filled(answer)
    feedback = feedback_on(task, given, facts)
    assert feedback.status == WRONG and "right value is in there" not in feedback.message


def test_a_dictionary_leaves_out_what_it_says_no_to(facts: Facts):
    """Yes and no, waived and passed, one and nought are read as they are meant."""
    task = exercise("03.waived")
    right = sorted(task.reference(facts))
    for yes, no in (("yes", "no"), ("waived", "passed"), (1, 0), (True, False), (True, None)):
        assert feedback_on(task, {**dict.fromkeys(right, yes), "mrenclave": no}, facts).right
        assert not feedback_on(task, {**dict.fromkeys(right, yes), right[0]: no}, facts).right


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (str.upper, "not called"),
        (hashlib.sha256(b""), ".hexdigest()"),
        ((c for c in "ab"), "generator"),
        (re.match("a", "a"), ".group()"),
        (str, "a class"),
    ],
    ids=["function", "hash", "generator", "match", "class"],
)
def test_what_is_not_a_value_yet_is_told_the_step_that_lacks(answer, says, facts: Facts):
    """An object that stands for the value is named with what makes a value of it."""
    assert says in feedback_on(exercise("01.mrenclave"), answer, facts).message
