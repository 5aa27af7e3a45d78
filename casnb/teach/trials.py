"""A reader's tools and casnb's on the same exhibits: pages, evidence, servers and attacks."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from casnb.base import strictjson
from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, html_table, text_table
from casnb.cas.client import pinned_context
from casnb.evidence.decode import decode
from casnb.mallory.attacks import ATTACKS, HABITS, USUAL, Defence, Outcome, campaign, matrix
from casnb.mallory.clients import Client
from casnb.policy.flags import BY_OPTION
from casnb.simulator.world import World
from casnb.teach.course.answers import plain
from casnb.teach.facts import Facts
from casnb.teach.gallery.mishaps import Mishaps
from casnb.teach.scraping import model as scrapers
from casnb.teach.scraping.page_history import STATES, page_history
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import exchange
from casnb.tls.recipes import TARGET

#: What a letter of kept results means.
OUTCOMES = {"r": "right", "x": "refused without need", "w": "wrong"}
#: What can be kept, and what it is.
TOOLS = {
    "scraper": "a function that takes the text of a page and returns the MRENCLAVE of"
    " scone-cas.cf, or None",
    "decoder": "a function that takes the bytes of a quote or local report and returns its"
    " MRENCLAVE as 64 hex digits, or None",
    "client": "a function that takes host, port and the path of cas_cert.crt and returns the text"
    " of example_value, or None",
    "line": "the options of scone cas attest, or a whole line, as text",
}
_SAMPLES = ("IAS quote", "DCAP quote", "local report", "quote cut short", "text")
_SERVERS = ("the CAS", *Mishaps.KINDS)
#: What each tool is tried on.
EXHIBITS = {"scraper": STATES, "decoder": _SAMPLES, "client": _SERVERS, "line": tuple(ATTACKS)}


@dataclass(frozen=True)
class Trial(Shown):
    """A reader's tool and casnb's on the same exhibits: a letter of OUTCOMES for each."""

    tool: str
    exhibits: tuple[str, ...]
    yours: str
    casnbs: str

    @property
    def differing(self) -> tuple[str, ...]:
        """The exhibits on which the two ended differently."""
        return tuple(
            e for e, a, b in zip(self.exhibits, self.yours, self.casnbs, strict=True) if a != b
        )

    def score(self, letters: str) -> str:
        """Return how many ended how, in words."""
        words = ("stopped", "", "got in") if self.tool == "line" else tuple(OUTCOMES.values())
        return ", ".join(
            f"{letters.count(c)} {w}"
            for c, w in zip(OUTCOMES, words, strict=True)
            if letters.count(c)
        )

    def row(self) -> tuple[str, str, str, str]:
        """Return tool, your score, casnb's score, and where they differ."""
        apart = ", ".join(self.differing) or "nowhere"
        return self.tool, self.score(self.yours), self.score(self.casnbs), apart

    HEADER = ("tool", "yours", "casnb's", "different on")

    def __str__(self) -> str:
        return text_table(self.HEADER, [self.row()])

    __repr__ = __str__

    def _html(self) -> str:
        return html_table(self.HEADER, [self.row()], limit=900)


@dataclass(frozen=True)
class Trophies(Trial):
    """A line of flags, and perhaps a client, against every attack. `runs` are the attacks that got
    in, each with what Mallory then held: the password that the customer stored in that very run, as
    Mallory got it, or where she could not get at it the value that she had the reader read.
    """

    runs: tuple[Outcome, ...] = field(default=(), repr=False)

    @property
    def taken(self) -> Mapping[str, str]:
        """What Mallory holds, by attack."""
        return {o.attack.name: _loot(o)[0] for o in self.runs}

    HEADS = ("got in", "what she took", "how she got it")

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(f"{o.attack.name}: {o.attack.title}", *_loot(o)) for o in self.runs]

    @property
    def sentence(self) -> str:
        """How it ended."""
        lost = sum(o.taken is not None for o in self.runs)
        again = " After each loss the customer chose another password." if lost > 1 else ""
        return (
            f"{len(self.runs)} of {len(self.exhibits)} attacks got in, and {lost} took the"
            f" customer's password.{again} The same line with every precaution lets in"
            f" {self.casnbs.count('w')}."
        )

    def __str__(self) -> str:
        return f"{text_table(self.HEADS, self._rows())}\n\n{self.sentence}"

    __repr__ = __str__

    def _html(self) -> str:
        return (
            html_table(self.HEADS, self._rows(), "What Mallory took", code=(1,), limit=400)
            + f"<p>{cell(self.sentence)}</p>"
        )


def _loot(run: Outcome) -> tuple[str, str]:
    """Return what Mallory took in a run, and how."""
    if run.taken:
        return run.taken.value, f"{run.attack.gain}; {run.taken.how}"
    return run.loot["served value"], (
        f"{run.attack.gain}; you read her value, but the password lies in an enclave that she"
        " cannot open"
    )


def tried(tool: str, yours: Any, facts: Facts) -> Trial:
    """Try a reader's scraper, decoder or client, and casnb's own, on the exhibits."""
    if tool == "scraper":
        states = page_history(facts.world)
        mine, ours = scrapers.own(yours, states), scrapers.casnb(states)
        return Trial(tool, STATES, *(_letters(c.answers) for c in (mine, ours)))
    if tool == "client":
        return Trial(tool, _SERVERS, *_of_clients((yours, _pinned), facts))
    samples = _samples(facts)
    mine_, ours_ = (
        "".join(_of_decoder(decoder, data, wanted) for data, wanted in samples)
        for decoder in (yours, _decode)
    )
    return Trial(tool, _SAMPLES, mine_, ours_)


def attacked(line: object, client: Client | None, facts: Facts, secret: str) -> Trophies:
    """Run every attack against a line of flags with the usual habits; `client` reads the value
    where certificates were attested. What is stored in each run is made from `secret`.
    """
    if not isinstance(line, str):
        raise UsageError("line", got=type(line).__name__, wanted=TOOLS["line"])
    flags, seed = _flags(line), facts.world.seed
    runs = campaign(
        Defence.of(flags),
        seed=seed,
        deposits={name: password(secret, name) for name in ATTACKS},
        client=client,
    )
    careful = matrix({"careful": Defence.of(flags, add=HABITS.keys() - USUAL)}, seed=seed)
    ours = "".join("r" if careful[name, "careful"] else "w" for name in ATTACKS)
    yours = "".join("w" if run.succeeded else "r" for run in runs)
    return Trophies("line", tuple(ATTACKS), yours, ours, tuple(r for r in runs if r.succeeded))


def password(secret: str, attack: str) -> str:
    """Return the customer's password while an attack runs: another one each time."""
    return f"db_{hmac.new(secret.encode(), attack.encode(), 'sha256').hexdigest()[:16]}"


def _letters(answers: tuple[scrapers.Answer, ...]) -> str:
    return "".join(
        "x" if a.outcome == "refused" else "w" if a.outcome.startswith("wrong") else "r"
        for a in answers
    )


def _flags(line: str) -> str:
    """Return the flags of a pasted line: identity options and the address belong to the lab, and
    the attacks bring their own.
    """
    words, out = line.replace("\\\n", " ").split(), []
    for w in words:
        if w in BY_OPTION:
            out.append(w)
        elif w[:1] == "-" and w[1:2] != "-" and len(w) > 1 and set(w[1:]) <= set("GCS"):
            out += [f"-{letter}" for letter in w[1:]]
    return " ".join(dict.fromkeys(out))


def _decode(data: bytes) -> object:
    found: Any = decode(data)
    return (found.body if hasattr(found, "body") else found).mrenclave


def _of_decoder(decoder: Callable[[bytes], object], data: bytes, wanted: str | None) -> str:
    try:
        got = plain(decoder(data))
    except Exception:  # whatever a reader's function raises is its refusal
        got = None
    if got is None:
        return "r" if wanted is None else "x"
    return "r" if got == wanted else "w"


def _samples(facts: Facts) -> list[tuple[bytes, str | None]]:
    """Return what a decoder is tried on, with the right MRENCLAVE; None where it must refuse."""
    old, new = World(facts.world.seed, "public"), World(facts.world.seed, "production")
    avr = json.loads(json.loads(old.attest())["proof_data"]["body"])
    quote = base64.b64decode(avr["isvEnclaveQuoteBody"])
    return [
        (quote, old.mrenclave),
        (new.quote(bytes(64)), new.mrenclave),
        (old.local_report(), old.mrenclave),
        (quote[:431], None),
        (b"scone cas attest", None),
    ]


def _pinned(host: str, port: int, file: str) -> str:
    """Read the value as casnb's client does: under these certificates and no others."""
    context = pinned_context(CasChain.from_pem(Path(file).read_bytes()))
    answer = exchange(host, port, TARGET, context=context, tls_name=TLS_NAME)
    body = strictjson.loads(answer.body, "value")
    return str(strictjson.member(body, "value", str, "value"))


def _of_clients(clients: tuple[Client, ...], facts: Facts) -> list[str]:
    """Return the letters of clients: the CAS must be read, and nobody else."""
    with Mishaps(facts.world) as mishaps, TemporaryDirectory(prefix="casnb-") as folder:
        file = Path(folder) / "cas_cert.crt"
        file.write_bytes(facts.world.cas_chain_pem)
        servers = [
            (facts.host, facts.port or 8081),
            *((mishaps.host, mishaps.port(k)) for k in mishaps),
        ]
        return ["".join(_of_client(c, *at, str(file), facts) for at in servers) for c in clients]


def _of_client(client: Client, host: str, port: int, file: str, facts: Facts) -> str:
    honest = (host, port) == (facts.host, facts.port or 8081)
    try:
        got = plain(client(host, port, file))
    except Exception:  # whatever a reader's function raises is its refusal
        got = None
    if got is None:
        return "x" if honest else "r"
    if isinstance(got, bytes):
        got = got.decode("utf-8", "replace")
    return "r" if honest and got == facts.world.example_value else "w"
