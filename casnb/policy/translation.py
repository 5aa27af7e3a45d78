"""The crosswalk: the flags' ideas in other tools, and a session's `tolerate` translated to flags
and back.

A flag says what *you* accept of a CAS; a session's `security` says what a *CAS* accepts of your
service. The ideas are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from casnb.base.errors import neutral
from casnb.policy.flags import BY_NAME, FLAGS, find, options

#: Tools of the crosswalk: member of `Idea`, heading, and where their words are written down.
TOOLS: Mapping[str, tuple[str, str]] = {
    "scone": ("scone CLI", "scone cas attest --help, 5.8"),
    "ias": ("IAS status", "Intel IAS API v4, isvEnclaveQuoteStatus"),
    "dcap": ("DCAP status", "Intel PCS API v4, tcbStatus"),
    "gramine": (
        "Gramine RA-TLS",
        "Gramine documentation, attestation: RA-TLS environment variables",
    ),
    "marblerun": ("MarbleRun, era", "MarbleRun CLI reference and manifest; era command line"),
    "dcap_qvl": ("dcap-qvl", "dcap-qvl 0.6, docs/policy.md"),
    "intel_qvl": ("Intel QVL", "Intel SGX DCAP, sgx_qve_header.h"),
    "session": ("session tolerate", "SCONE documentation 6.0, session language: security"),
}


@dataclass(frozen=True)
class Idea:
    """One row of the crosswalk: an idea, and how each tool says it."""

    name: str
    scone: str
    ias: str
    dcap: str
    gramine: str
    marblerun: str
    dcap_qvl: str
    intel_qvl: str
    session: str


_NOT_A_STATUS = "not a status"


def _plain(statuses: str) -> str:
    return statuses.split(", ")[0] or _NOT_A_STATUS


def crosswalk() -> tuple[Idea, ...]:
    """Return the rows: one for each flag, and those that are no single flag."""
    rows = []
    for f in FLAGS:
        e = f.elsewhere
        rows.append(
            Idea(
                f.title,
                f.option,
                _plain(f.ias),
                _plain(f.dcap),
                e.gramine,
                e.marblerun,
                e.dcap_qvl,
                e.intel_qvl,
                ", ".join(e.tolerate) or e.session,
            )
        )
    both = Idea(
        "two at once",
        "-CS, or -GC",
        "CONFIGURATION_AND_SW_HARDENING_NEEDED",
        "ConfigurationAndSWHardeningNeeded, OutOfDateConfigurationNeeded",
        "both variables",
        "list the combined status",
        "allow_status of the combined status",
        "SGX_QL_QV_RESULT_CONFIG_AND_SW_HARDENING_NEEDED,"
        " SGX_QL_QV_RESULT_OUT_OF_DATE_CONFIG_NEEDED",
        "both words",
    )
    revoked = Idea(
        "revoked",
        "no flag for the status",
        "GROUP_REVOKED, KEY_REVOKED, SIGNATURE_REVOKED",
        "Revoked",
        "no variable",
        "not offered as advice",
        "none: an error",
        "SGX_QL_QV_RESULT_REVOKED is fatal",
        "no word",
    )
    return (*rows[:3], both, *rows[3:], revoked)


@dataclass(frozen=True)
class Word:
    """One word of `tolerate`: the flag (long name) of the same idea, empty where there is none,
    and what to know about it.
    """

    name: str
    flag: str
    note: str


#: Every word of `tolerate` that public documentation or examples show.
WORDS: Mapping[str, Word] = {
    w.name: w
    for w in (
        Word("debug-mode", "only_for_testing-debug", "a service that its host can read and write"),
        Word(
            "hyperthreading",
            "accept-configuration-needed",
            "the flag accepts every weak setting, this word one of them",
        ),
        Word(
            "insecure-igpu",
            "accept-configuration-needed",
            "the flag accepts every weak setting, this word one of them",
        ),
        Word(
            "insecure-configuration",
            "accept-configuration-needed",
            "settings other than hyper-threading and graphics",
        ),
        Word(
            "software-hardening-needed",
            "accept-sw-hardening-needed",
            "the service may not have been rebuilt",
        ),
        Word("outdated-tcb", "accept-group-out-of-date", "firmware without its updates"),
        Word(
            "aepic-leak",
            "",
            "one hole, INTEL-SA-00657: the CLI knows no single hole; -G accepts it and all others",
        ),
        Word(
            "maa-managed-tcb",
            "",
            "who judges the platform is Microsoft's service, which cas attest does not ask",
        ),
        Word(
            "debug",
            "",
            "seen in an example for Microsoft's service alone; the documented word is debug-mode",
        ),
        Word(
            "local-attestation-trust-cas-tcb",
            "",
            "about a service beside its CAS; cas attest knows no local attestation",
        ),
    )
}

_ADVISORY = re.compile(r"INTEL-SA-[0-9]{5}")
_MOST = 64
#: What belongs to a session alone and makes it stricter.
STRICTER = (
    "must_be_sgx_local",
    "trusted_scone_qe_pubkeys",
    "one_time_password_shared_secret",
    "singleton_enclaves",
    "service_access_token",
)
_DEBUG = "only_for_testing-debug"


@dataclass(frozen=True)
class Translation:
    """What was said in one language, said in the other: `text` to paste, and notes; `lost` is
    what the other cannot say.

    `lost` and `notes` may quote text from outside; it is neutralised. `names` are the flags
    (long names) concerned.
    """

    text: str
    names: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "text": self.text,
            "flags": list(self.names),
            "lost": list(self.lost),
            "notes": list(self.notes),
        }


def to_flags(security: Any) -> Translation:
    """Translate a session's `security` (plain data from outside) into options of `scone cas
    attest`.

    >>> to_flags({"attestation": {"tolerate": ["outdated-tcb", "hyperthreading"]}}).text
    '-GC'
    """
    rules = _mapping(security)
    attestation = _mapping(rules.get("attestation"))
    stricter = _only(
        lost=[
            f"security.{k}: makes the session stricter; no option of cas attest does"
            for k in (*rules, *attestation)
            if k in STRICTER
        ]
    )
    mode = attestation.get("mode", "hardware")
    if mode == "none":  # whatever is tolerated besides, nobody looks
        return _together(stricter, _only(lost=[_NO_EVIDENCE]))
    judged = _only(lost=[] if mode == "hardware" else [f"mode: {neutral(mode, 40)}: {_OTHER_WAY}"])
    tolerated = map(_tolerated, _texts(attestation.get("tolerate")))
    flags = _together(stricter, judged, *tolerated)
    flags = replace(flags, text=options(flags.names))
    ignored = _ignored(_texts(attestation.get("ignore_advisories")))
    return _together(flags, ignored, _needed(flags.names))


_NO_EVIDENCE = (
    "mode: none: no evidence is asked for at all. No flag goes so far: even trust-any wants a"
    " genuine SGX machine."
)
_OTHER_WAY = "another way to judge, which cas attest does not have"


def _mapping(found: Any) -> Mapping[Any, Any]:
    return found if isinstance(found, dict) else {}


def _only(
    text: str = "", names: Sequence[str] = (), lost: Sequence[str] = (), notes: Sequence[str] = ()
) -> Translation:
    return Translation(text, tuple(names), tuple(lost), tuple(notes))


def _together(*parts: Translation) -> Translation:
    """Join translations of parts; each flag is named once, in catalogue order."""
    named = {name for part in parts for name in part.names}
    return Translation(
        " ".join(part.text for part in parts if part.text),
        tuple(f.name for f in FLAGS if f.name in named),
        tuple(line for part in parts for line in part.lost),
        tuple(line for part in parts for line in part.notes),
    )


def _tolerated(word: str) -> Translation:
    """Translate one word of `tolerate`, without writing its flag yet."""
    known = WORDS.get(word)
    if known is None:
        return _only(lost=[f"{neutral(word, 60)}: no word of tolerate that casnb knows"])
    if not known.flag:
        return _only(lost=[f"{word}: {known.note}"])
    option = BY_NAME[known.flag].option
    return _only(names=[known.flag], notes=[f"{word}: {option}; {known.note}"])


def _ignored(entries: Sequence[str]) -> Translation:
    """Translate `ignore_advisories`."""
    ids = [a for a in entries if _ADVISORY.fullmatch(a)]
    odd = [a for a in entries if a not in ids and a != "*"]
    lost = [f"{neutral(a, 60)}: not the id of an advisory" for a in odd]
    notes = [_IGNORED_EVERY] if "*" in entries else []
    if not ids:
        return _only(lost=lost, notes=notes)
    return _only(f"--ignore-advisories {','.join(ids)}", (), lost, [*notes, _IGNORED_SOME])


_IGNORED_EVERY = (
    "ignore_advisories '*': nothing to write; cas attest refuses no advisory unless it is asked to"
)
_IGNORED_SOME = "--ignore-advisories: newer CLI only; then every other advisory rejects"


def _needed(names: Sequence[str]) -> Translation:
    """Say what the debug flag needs beside it, where it was named."""
    if _DEBUG not in names:
        return _only()
    flag = BY_NAME[_DEBUG]
    who = "in a session the entries of attestation say whom to expect."
    return _only(notes=[f"{flag.option} needs {flag.needs}: {who}"])


def to_session(names: Sequence[str], advisories: Sequence[str] = ()) -> Translation:
    """Translate insecure flags (long names or options) into a session's `security` block, YAML.

    >>> print(to_session(["-G"]).text)
    security:
      attestation:
        tolerate: [outdated-tcb]
    """
    chosen = [f for name in names if (f := find(name))]
    words: list[str] = []
    lost, notes = [], []
    for flag in chosen:
        words += flag.elsewhere.tolerate
        if not flag.elsewhere.tolerate:
            lost.append(f"{flag.option}: {flag.elsewhere.session}")
        elif len(flag.elsewhere.tolerate) > 1:
            notes.append(f"{flag.option}: several words; keep only those that this platform needs.")
    known = [a for a in advisories if _ADVISORY.fullmatch(a)]
    if any("tcb-status" in f.waives for f in chosen) and not known:
        notes.append(
            "A CAS refuses each advisory that is not listed too: write them under"
            " ignore_advisories."
        )
    lines = [*_member("tolerate", words), *_member("ignore_advisories", known)]
    lost += [f"{neutral(a, 60)}: not the id of an advisory" for a in advisories if a not in known]
    text = "\n".join(["security:", "  attestation:", *lines]) if lines else ""
    return Translation(text, tuple(f.name for f in chosen), tuple(lost), tuple(notes))


def _member(name: str, rows: Sequence[str]) -> list[str]:
    """Lines of YAML: one where they fit, else a row a line."""
    short = f"    {name}: [{', '.join(rows)}]"
    return (
        []
        if not rows
        else [short]
        if len(short) <= 80
        else [f"    {name}:", *(f"    - {row}" for row in rows)]
    )


def _texts(found: Any) -> list[str]:
    """The first 64 texts of a list, or of one text; anything else is nothing."""
    rows = found if isinstance(found, list) else [found]
    return [r for r in rows[:_MOST] if isinstance(r, str)]
