"""The failure gallery: each usual mistake made for real with each usual tool, and what its
message means.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from casnb.base.errors import UsageError
from casnb.base.view import Shown, cell, html_table
from casnb.simulator.world import World
from casnb.teach.gallery.mishaps import Mishaps, impostor
from casnb.teach.gallery.mistakes import MISTAKES, Mistake
from casnb.teach.gallery.tools import TOOLS, Outcome, Place
from casnb.tls.tls_errors import Explanation


@dataclass(frozen=True)
class Exhibit(Shown):
    """One mistake, and what each tool made of it."""

    mistake: Mistake
    outcomes: tuple[Outcome, ...]

    @property
    def explanation(self) -> Explanation | None:
        """What the first message that casnb knows means."""
        return next(
            (o.explanation for o in self.outcomes if o.explanation and o.explanation.known), None
        )

    @property
    def summary(self) -> str:
        """Who refused and who went on, in words."""
        groups: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            if outcome.accepted is not None:
                groups.setdefault(outcome.word, []).append(outcome.tool)
        if len(groups) == 1:
            return f"{next(iter(groups))} by every tool"
        return (
            "; ".join(f"{word} by {', '.join(tools)}" for word, tools in groups.items())
            or "NOT RUN"
        )

    @property
    def message(self) -> str:
        """What the first tool said that said anything; of a value that was read without a word,
        the value.
        """
        said = next((o.message for o in self.outcomes if o.message and o.accepted is not None), "")
        return said or next((f"value {o.value}" for o in self.outcomes if o.value), "")

    @property
    def meaning(self) -> str:
        """Cause and cure; where tools went on with somebody else, whose value that was."""
        strangers = sorted({o.value for o in self.outcomes if o.word == "DANGER" and o.value})
        told = self.explanation
        parts = [
            f"The value {', '.join(strangers)} came from somebody else." if strangers else "",
            self.mistake.note,
            f"{told.cause[:1].upper()}{told.cause[1:]}. {told.cure}" if told else "",
        ]
        return " ".join(p for p in parts if p) or (
            "Nothing is wrong here." if self.mistake.id == "right" else ""
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                o.tool,
                o.word,
                o.message or (f"value {o.value}" if o.value else "no complaint"),
                o.explanation.diagnosis.title if o.explanation and o.explanation.diagnosis else "",
            )
            for o in self.outcomes
        ]

    def __str__(self) -> str:
        lines = [f"{self.mistake.id}: {self.mistake.title}"]
        lines += [f"  {tool:<17} {word:<9} {message}" for tool, word, message, _ in self.rows()]
        return "\n".join([*lines, f"  {self.meaning}"])

    def _html(self) -> str:
        return (
            html_table(
                ("tool", "outcome", "what it says", "what that is"),
                self.rows(),
                self.mistake.title,
                code=(2,),
            )
            + f"<p>{cell(self.meaning, 700)}</p>"
        )


@dataclass(frozen=True, repr=False)
class Gallery(Shown):
    """All exhibits; `gallery["insecure"]` is one of them, with every tool."""

    exhibits: tuple[Exhibit, ...]

    def __getitem__(self, id: str) -> Exhibit:
        for exhibit in self.exhibits:
            if exhibit.mistake.id == id:
                return exhibit
        raise UsageError(
            "exhibit", got=id, wanted="one of " + ", ".join(e.mistake.id for e in self.exhibits)
        )

    def __repr__(self) -> str:
        return f"<Gallery of {len(self.exhibits)}>"

    def __str__(self) -> str:
        return "\n".join(
            f"{e.mistake.id:<18} {line}" if not n else f"{'':18} {line}"
            for e in self.exhibits
            for n, line in enumerate(filter(None, (e.mistake.title, e.summary, e.message)))
        )

    def _html(self) -> str:
        body = "".join(
            f'<tr data-exhibit="{cell(e.mistake.id)}"><th'
            f' scope="row"{_WRAP}><code>{cell(e.mistake.id)}</code><br>'
            f"{cell(e.mistake.title)}</th><td>{_outcomes(e)}</td><td{_WRAP}><code"
            f' class="long">{cell(e.message)}</code></td>'
            f"<td{_WRAP}>{cell(e.meaning, 700)}</td></tr>"
            for e in self.exhibits
        )
        return (
            "<table><caption>What goes wrong, made to happen</caption><thead><tr>"
            + "".join(
                f'<th scope="col">{h}</th>'
                for h in ("mistake", "outcome", "a message", "what it means")
            )
            + f"</tr></thead><tbody>{body}</tbody></table>"
        )


#: Messages are as long as their tools like.
_WRAP = ' style="overflow-wrap:anywhere;min-width:9em"'
#: How an outcome is framed; the word says it too.
_FRAME = {"REFUSED": "passed", "ACCEPTED": "not-run", "DANGER": "failed"}


def _outcomes(exhibit: Exhibit) -> str:
    parts = []
    for part in exhibit.summary.split("; "):
        word, _, rest = part.partition(" by ")
        frame = _FRAME.get(word, "not-run")
        parts.append(f'<div><span class="s s-{frame}">{cell(word)}</span> {cell(rest)}</div>')
    return "".join(parts)


def build_gallery(
    world: World,
    host: str,
    port: int,
    folder: Path,
    env: Mapping[str, str],
    mistakes: tuple[Mistake, ...] = MISTAKES,
) -> Gallery:
    """Make every mistake with every tool against the CAS at `host` and `port` and against
    servers started for it.

    Files of certificates are written into `folder`. Tools that are not installed are left out,
    and said to be.
    """
    for name, data in {
        "cas_cert.crt": world.cas_chain_pem,
        "other.crt": impostor(world).cas_chain_pem,
        "leaf.crt": world.tls_leaf.cert_pem,
        "instance.crt": world.cas_instance.cert_pem,
        "empty.crt": b"",
    }.items():
        (folder / name).write_bytes(data)
    with Mishaps(world) as servers, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # a port that is taken, and on which nobody listens
        exhibits = []
        for mistake in mistakes:
            where, chain = (host, port), world.tls_chain_pem
            if mistake.server == "nobody":
                where, chain = probe.getsockname(), b""
            elif mistake.server != "cas":
                where, chain = (
                    (servers.host, servers.port(mistake.server)),
                    servers.chain_pem(mistake.server),
                )
            place = Place(mistake, where[0], where[1], mistake.name, folder, chain, env)
            exhibits.append(
                Exhibit(
                    mistake,
                    tuple(tool(place)._replace(stranger=mistake.server != "cas") for tool in TOOLS),
                )
            )
        return Gallery(tuple(exhibits))
