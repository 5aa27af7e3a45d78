"""What is said of a pasted attest line: its words with their meaning, what the command would
refuse, what the line waives and whom that lets in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from casnb.base.documentation import docs_at
from casnb.base.errors import neutral
from casnb.base.view import Shown, cell, html_verdict, short
from casnb.explain.attest_names import BY_NAME, TELLING
from casnb.policy.flags import FLAGS, NEWER, Flag
from casnb.policy.policy import AttestationPolicy
from casnb.policy.translation import Translation, to_session


@dataclass(frozen=True)
class Part:
    """One token: what it is, what it means, and what to say about it. `kind` is one word; `flag`
    the catalogue's long name.
    """

    token: str
    kind: str
    means: str
    notes: tuple[str, ...] = ()
    flag: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; the token is text from outside, neutralised."""
        return {
            "token": neutral(self.token, 200),
            "kind": self.kind,
            "means": neutral(self.means, 600),
            "notes": [neutral(n, 400) for n in self.notes],
            "flag": self.flag,
        }


@dataclass(frozen=True)
class Explanation(Shown):
    """A line explained. `problems` are what the command would refuse before anything is sent;
    `outside` what is not an attest line.
    """

    parts: tuple[Part, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    policy: AttestationPolicy | None = None

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The insecure flags that the line sets, each once, in catalogue order."""
        named = {p.flag for p in self.parts}
        return tuple(f for f in (*FLAGS, *NEWER) if f.name in named)

    @property
    def loosening(self) -> tuple[str, ...]:
        """What else in the line lets in what is kept out without it, and waives no check: as
        written, each once.
        """
        words = (p.token.partition(" ")[0] for p in self.parts)
        return tuple(dict.fromkeys(w for w in words if w in BY_NAME and BY_NAME[w].loosens))

    @property
    def session(self) -> Translation:
        """The flags as a session's `security` block."""
        return to_session(
            [f.name for f in self.flags], self.policy.ignore_advisories if self.policy else ()
        )

    @property
    def sentence(self) -> str:
        """What the line amounts to."""
        if not self.parts:
            return "Nothing here is a scone cas attest line."
        if self.problems:
            return (
                f"The command refuses this line before anything is sent: {len(self.problems)} "
                + ("reasons." if len(self.problems) > 1 else "reason.")
            )
        if TELLING & {p.token for p in self.parts}:
            return "The command only tells about itself: nothing is attested."
        said = (
            [f"Made looser by {_both(self.loosening)}: read below what that lets in."]
            if self.loosening
            else []
        )
        if self.flags:
            waived = ", ".join(dict.fromkeys(c for f in self.flags for c in f.waives))
            said.append(
                f'A failure of {waived} is waived by this line, which prints "is trustworthy" all'
                " the same. What is accepted so must not hold secrets."
            )
        return (
            " ".join(said) or "No insecure flag: whatever is accepted was compared and found equal."
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return token and meaning with its notes."""

        def told(part: Part) -> str:
            return " ".join([neutral(part.means, 600), *(neutral(n, 400) for n in part.notes)])

        return [
            (" ".join(short(neutral(word, 120)) for word in p.token.split(" ")), told(p))
            for p in self.parts
        ]

    def gains(self) -> list[tuple[str, str]]:
        """Return each flag and whom it lets in."""
        return [
            (
                f.option,
                f"Lets in {f.who}. {f.gains} Mildest use: {f.mildest}"
                f" Docs: {docs_at('flags', f.name)}",
            )
            for f in self.flags
        ]

    def remarks(self) -> list[str]:
        """Return notes and what was not explained, a line each."""
        return [
            *(f"note: {neutral(n, 600)}" for n in self.notes),
            *(f"not explained: {neutral(o, 400)}" for o in self.outside),
        ]

    def refusals(self) -> list[str]:
        """Return the problems, a line each."""
        return [f"refused: {neutral(p, 600)}" for p in self.problems]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "sentence": neutral(self.sentence, 1000),
            "parts": [p.to_json() for p in self.parts],
            "problems": [neutral(p, 600) for p in self.problems],
            "notes": [neutral(n, 600) for n in self.notes],
            "outside": [neutral(o, 400) for o in self.outside],
            "flags": [
                {
                    "name": f.name,
                    "waives": list(f.waives),
                    "who": f.who,
                    "gains": f.gains,
                    "mildest": f.mildest,
                }
                for f in self.flags
            ],
            "session": self.session.to_json(),
        }

    def __str__(self) -> str:
        blocks = ["\n".join([neutral(self.sentence, 1000), *self.refusals()])]
        blocks += (
            ["\n".join(f"{token}\n    {means}" for token, means in self.rows())]
            if self.parts
            else []
        )
        blocks += ["\n".join(self.remarks())] if self.remarks() else []
        blocks += (
            ["\n".join(f"{flag}: {text}" for flag, text in self.gains())] if self.flags else []
        )
        blocks += (
            [f"The same for a service, in a session:\n{self.session.text}"]
            if self.session.text
            else []
        )
        return "\n\n".join(blocks)

    def _html(self) -> str:
        name = (
            "usage-error"
            if self.problems or not self.parts
            else "accepted-with-waivers"
            if self.flags or self.loosening
            else ("trustworthy")
        )
        out = [
            html_verdict(
                name, "<br>".join(cell(line, 1000) for line in (self.sentence, *self.refusals()))
            )
        ]
        rows = "".join(
            f'<tr><th scope="row"><code>{cell(token)}</code></th><td>{cell(means, 1200)}</td></tr>'
            for token, means in self.rows()
        )
        out += [f"<table><tbody>{rows}</tbody></table>"] if self.parts else []
        out += [f"<p>{cell(line, 700)}</p>" for line in self.remarks()]
        out += [
            f"<p><strong><code>{cell(flag)}</code></strong>: {cell(text, 900)}</p>"
            for flag, text in self.gains()
        ]
        if self.session.text:
            lines = "\n".join(cell(line) for line in self.session.text.splitlines())
            out.append(
                f"<p>The same for a service, in a session:</p><pre><code>{lines}</code></pre>"
            )
        return "".join(out)


def _both(words: Iterable[str]) -> str:
    """Join words: a, b and c."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
