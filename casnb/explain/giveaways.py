"""What single commands give away, beside the flags of an attest line: one table of habits that
let somebody in, lose an error, or put a secret where others read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from casnb.explain.attest_names import SKIP_CHECKS
from casnb.explain.shell import SUBSTITUTED, Command, has_variable


@dataclass(frozen=True)
class Giveaway:
    """One habit: what it gives away, what to do instead, and the cell or attack that shows it.

    `seen` says whether a command has it.
    """

    id: str
    what: str
    instead: str
    seen: Callable[[Command], bool]
    cells: tuple[str, ...] = ()
    attacks: tuple[str, ...] = ()


_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|CREDENTIALS?|OTP|PIN|"
    r"(?:VOLUME|FSPF|DB|DATABASE|ENCRYPTION|SIGNING|MASTER)_?KEY)(?:_?\d+)?$",
    re.IGNORECASE,
)
_SECRET_OPTION = re.compile(
    r"--(?:password|passwd|token|secret|database-key|api-?key|dcap-api-key|private-key-value|key)$",
    re.IGNORECASE,
)
#: Options of curl whose value is the next word: an address that is one is not taken for the URL.
_CURL_LETTER = r"-(?!-)[a-zA-Z0-9]*"


def _letter(command: Command, letter: str) -> bool:
    return any(re.fullmatch(f"{_CURL_LETTER}{letter}[a-zA-Z]*", w) for w in command.words[1:])


def _curl(command: Command) -> bool:
    return "curl" in {w.rpartition("/")[2] for w in command.words[:8]}


def _any(command: Command, *words: str) -> bool:
    return any(w in words or w.partition("=")[0] in words for w in command.words)


def _literal(value: str) -> bool:
    """Whether a value is written out: neither a variable nor another file's name."""
    return (
        len(value) >= 4
        and not has_variable(value)
        and SUBSTITUTED not in value
        and not value.startswith(("/", "./", "@", "~", "$", "<", "-"))
        and value.lower() not in ("none", "null", "true", "false", "changeme?", "disabled")
    )


def _plain_secret(command: Command) -> bool:
    pairs = [a.partition("=")[::2] for a in command.assignments]
    for n, word in enumerate(command.words):
        before = command.words[n - 1] if n else ""
        if before in ("-e", "--env", "--build-arg") or command.program in ("export", "env", "set"):
            pairs.append(word.partition("=")[::2])
        elif word.startswith(("-e", "--env=")) and "=" in word:
            pairs.append(word.removeprefix("--env=").removeprefix("-e").partition("=")[::2])
        name, equals, value = word.partition("=")
        if _SECRET_OPTION.match(name):
            following = command.words[n + 1] if n + 1 < len(command.words) else ""
            if _literal(value if equals else following):
                return True
        if re.match(r"pass:\S", word):
            return True
    if any(_SECRET_NAME.search(name) and _literal(value) for name, value in pairs):
        return True
    return "PRIVATE KEY-----" in " ".join((*command.assignments, *command.words))


def _http(command: Command) -> bool:
    return (_curl(command) or command.program == "wget") and any(
        re.match(r"http://(?!(?:127\.|localhost|\[::1\]))", w) for w in command.words
    )


def _scrapes(command: Command) -> bool:
    """The exercise's own pipeline: the page's example line, cut into words by their number."""
    text = " ".join(command.words)
    return (command.program in ("grep", "egrep", "rg") and "scone cas attest" in text) or (
        command.program == "awk" and bool(re.search(r"\$(?:8|9|1\d)\b", text))
    )


def _old_page(command: Command) -> bool:
    return any(re.search(r"sconedocs\.github\.io/public-CAS", word) for word in command.words)


def _careless_fetch(command: Command) -> bool:
    fails = _any(command, "--fail", "--fail-with-body", "--fail-early") or _letter(command, "f")
    used = command.then in ("|", "|&") or SUBSTITUTED in command.within
    return _curl(command) and not fails and used


def _first_use(command: Command) -> bool:
    return (
        command.program == "openssl"
        and "s_client" in command.words
        and not _any(command, "-CAfile", "-verify_return_error")
        and (command.then == "|" or bool(command.writes) or SUBSTITUTED in command.within)
    )


def _unverified_variable(command: Command) -> bool:
    text = [*command.assignments, *(command.words if command.program == "export" else ())]
    return any(
        re.match(
            r"(?:NODE_TLS_REJECT_UNAUTHORIZED=['\"]?0|PYTHONHTTPSVERIFY=0|GIT_SSL_NO_VERIFY=|"
            r"CURL_INSECURE=)",
            a,
        )
        for a in text
    )


#: Every habit, most harmful first.
GIVEAWAYS: tuple[Giveaway, ...] = (
    Giveaway(
        "insecure",
        "-k (--insecure): the certificate is not looked at, so whoever answers is believed, and"
        " what is sent is theirs.",
        "Attest the CAS, export its certificates (scone cas show-certificate), and name them with"
        " --cacert.",
        lambda c: (
            (_curl(c) and (_letter(c, "k") or _any(c, "--insecure", "--proxy-insecure")))
            or _any(c, "--no-check-certificate")
            or (c.program == "git" and any("sslVerify=false" in w for w in c.words))
        ),
        ("00-tempting",),
        ("no-verify",),
    ),
    Giveaway(
        "unverified-variable",
        "A variable switches the check of every certificate off, for every program below it.",
        "Take it out; give the attested certificates to the one call that needs them.",
        _unverified_variable,
        ("00-tempting",),
        ("no-verify",),
    ),
    Giveaway(
        "unattested",
        f"{SKIP_CHECKS}: the session goes to a CAS that nobody attested, secrets included.",
        "Attest it first, and leave this out.",
        lambda c: SKIP_CHECKS in c.words,
        ("00-no-client",),
        ("first-use",),
    ),
    Giveaway(
        "first-use",
        "The certificate is taken from whoever answers: that proves nothing about who it is.",
        "Attest first; scone cas show-certificate exports the one that the evidence names.",
        _first_use,
        ("00-first-contact",),
        ("first-use",),
    ),
    Giveaway(
        "page-runs",
        "What a page sends is run as it comes.",
        "Save it, read it, compare a checksum from elsewhere, then run it.",
        lambda c: (_curl(c) or c.program == "wget") and c.then == "|sh",
    ),
    Giveaway(
        "http",
        "Plain HTTP: everybody on the way reads it and can change it.",
        "https://, and the certificate checked.",
        _http,
        ("01-break-http",),
    ),
    Giveaway(
        "plain-secret",
        "A secret is written out: it is in the file, in its history, in the shell's history, and"
        " for an argument in the list of processes.",
        "Let the CAS make or keep it (a secret of a session), or read it from a file that only you"
        " can read.",
        _plain_secret,
        ("07-leak",),
    ),
    Giveaway(
        "head",
        "curl -I sends HEAD. A CAS answers 405 to that whether or not the value exists: it proves"
        " nothing about who may read it.",
        "Ask with GET and look at the answer.",
        lambda c: _curl(c) and (_letter(c, "I") or _any(c, "--head")),
        ("05-head", "05-ex-head"),
    ),
    Giveaway(
        "ignored",
        "A failed attestation is ignored: the script goes on as if the CAS had been accepted.",
        "Let it stop: set -e, or || exit 1.",
        lambda c: "attest" in c.words and "cas" in c.words and c.then == "||true",
        ("00-refusal",),
        ("first-use",),
    ),
    Giveaway(
        "old-page",
        "The page at the root (/public-CAS/) is gone since March 2026; a 404 page stands there,"
        " and curl without -f calls that a success.",
        "Fetch /latest/public-CAS/ with curl -f, or use casnb scrape.",
        _old_page,
        ("01-moved",),
    ),
    Giveaway(
        "scrape",
        "The measurement is cut out of the page's example line by the number of a word: when the"
        " page changes this yields nothing, a flag, or the value of another release.",
        "Read the table's row of exactly this address (casnb scrape), and refuse anything but 64"
        " hex digits.",
        _scrapes,
        ("01-crude", "01-history"),
        ("altered-page",),
    ),
    Giveaway(
        "no-fail",
        "curl without -f: an error page is taken for the answer, and what follows works on it.",
        "curl -f (--fail), and set -o pipefail.",
        _careless_fetch,
        ("01-break-silent",),
    ),
    Giveaway(
        "simulation",
        "SCONE_MODE=sim: no enclave protects this program, and nobody can attest it.",
        "Fine for trying out; leave it out where there are secrets.",
        lambda c: any("SCONE_MODE=sim" in w for w in (*c.assignments, *c.words)),
    ),
    Giveaway(
        "docker-socket",
        "The container is given docker's socket (or --privileged), and with it the whole machine.",
        "Only for an image that you trust as much as your own root user.",
        lambda c: any("docker.sock" in w for w in c.words) or "--privileged" in c.words,
    ),
    Giveaway(
        "own-key",
        "Your private key leaves the CLI's configuration file: whoever reads the new file is you"
        " for every CAS.",
        "Make the file readable for you alone (umask 077), and delete it afterwards.",
        lambda c: c.program == "jq" and any(".identity" in w for w in c.words),
        ("05-who",),
    ),
)


def given_away(command: Command) -> tuple[Giveaway, ...]:
    """Return what a command gives away, most harmful first."""
    return tuple(g for g in GIVEAWAYS if g.seen(command))
