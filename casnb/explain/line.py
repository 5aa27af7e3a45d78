"""A pasted `scone cas attest` line explained token by token: what it means, what is wrong, what
it waives and whom that lets in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from casnb.base.errors import CasnbError, neutral
from casnb.base.view import Shown, cell, html_verdict, short
from casnb.explain.shell import DASHES, QUOTES, SUBSTITUTED, Command, commands, has_variable, inside
from casnb.policy.advisories import lookup
from casnb.policy.crosswalk import Translation, to_session
from casnb.policy.flags import FLAGS, NEWER, Flag
from casnb.policy.options import OLD, OLD_VALUES, OPTIONS, Option
from casnb.policy.policy import AttestationPolicy, measurement_problem
from casnb.tls.exchange import parse_address

_BY_NAME: Mapping[str, Option] = {name: o for o in OPTIONS for name in o.names}
_FLAG_NAMES: Mapping[str, Flag] = {
    name: f for f in (*FLAGS, *NEWER) for name in {f"--{f.name}", f.option}
}
_KNOWN = (*_FLAG_NAMES, *_BY_NAME)
_TAKING = frozenset({*OLD_VALUES, *(name for name, o in _BY_NAME.items() if o.value)})
_SKIP_CHECKS = "--only_for_testing-disable-attestation-verification"
_PLACEHOLDER = "0" * 64
_SPLIT = re.compile(r"[\s=,]+")
#: Words with which other tools say what a flag says: a variable of Gramine's, a status of DCAP's.
_ELSEWHERE: Mapping[str, Flag] = {
    word: f
    for f in FLAGS
    for word in (_SPLIT.split(f.elsewhere.gramine)[0], _SPLIT.split(f.dcap)[0])
    if word.startswith("RA_TLS_") or (word and word in f.dcap)
}
_TELLING = frozenset(("-h", "--help", "-V", "--version"))
_GLOBAL_VALUES = ("-c", "--config", "-o")


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
    `outside` what is no attest line.
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
        return tuple(dict.fromkeys(w for w in words if w in _BY_NAME and _BY_NAME[w].loosens))

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
        if _TELLING & {p.token for p in self.parts}:
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
            (f.option, f"Lets in {f.who}. {f.gains} Mildest use: {f.mildest}") for f in self.flags
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


def explain(pasted: str | Sequence[str]) -> Explanation:
    """Explain pasted text, or the words of a line; nothing is run, fetched or judged. Raises
    UsageError for too much of it.

    Of several commands the first `scone cas attest` is explained, and the others are named as
    outside.

    >>> explain("scone cas attest -d scone-cas.cf").problems[0]
    '-d: a spelling of 2019 and 2020. Write --only_for_testing-debug.'
    """
    found, outside = Explanation(), []
    for command in commands(pasted):
        words = _attest_words(command.words)
        if words is not None and not found.parts:
            found = _Reader(command, *words).explanation()
        elif said := _outside(command, words is not None):
            outside.append(said)
    for command in inside(pasted) if not found.parts else ():
        words = _attest_words(command.words)
        if words is not None:
            found = _Reader(command, *words).explanation()
            break
    if not found.parts and not outside:
        outside.append("Give a line that starts with scone cas attest.")
    return replace(found, outside=tuple(outside))


def _attest_words(
    words: Sequence[str],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """Return what runs an attest line (sudo, docker run), its words before the options, and
    those behind; None for another line.
    """
    for start, word in enumerate(words):
        n = start + 1
        while len(words) > n and words[n].startswith("-"):
            n += 2 if words[n] in _GLOBAL_VALUES else 1
        if word.rpartition("/")[2] == "scone" and tuple(words[n : n + 2]) == ("cas", "attest"):
            return tuple(words[:start]), tuple(words[start : n + 2]), tuple(words[n + 2 :])
    if words[:1] and all(w.startswith("-") for w in words):
        return (), (), tuple(words)
    return None


def _outside(command: Command, second: bool) -> str:
    """Say what a command is that is not explained; a switch that says in another tool what a
    flag says here is named.
    """
    same = {
        word: _ELSEWHERE[word].option
        for part in (*command.assignments, *command.words)
        for word in _SPLIT.split(part)
        if word in _ELSEWHERE
    }
    if not command.words and not same:
        return ""
    program = (command.words or command.assignments)[0].rpartition("/")[2]
    if same and not second:
        said = "; ".join(
            f"{word} says there what {option} says here" for word, option in same.items()
        )
        return f"{program}: another tool. {said}: casnb flags --crosswalk."
    if second:
        return "a second scone cas attest: explain it by itself."
    if _SKIP_CHECKS in command.words:
        return (
            f"{program}: of its options know that {_SKIP_CHECKS} talks to a CAS that nobody"
            " attested."
        )
    if program == "scone":
        verb = " ".join(w for w in command.words[1:3] if not w.startswith("-"))
        return (
            f"scone {verb}: only cas attest is explained. Its letters mean other things here: -C,"
            " -S and -c above all."
        )
    if program in ("curl", "openssl"):
        return (
            f"{program}: about a TLS connection, not about attestation; casnb why reads its"
            " messages."
        )
    return f"{program}: not a scone cas attest line."


class _Reader:
    """Goes through the words once, from left to right."""

    def __init__(
        self, command: Command, runner: Sequence[str], before: Sequence[str], words: Sequence[str]
    ) -> None:
        self.words = list(words)
        self.parts: list[Part] = []
        if runner:
            self.parts.append(
                Part(
                    " ".join(runner),
                    "runner",
                    "Stands before the command. Its own options are not explained.",
                )
            )
        if before:
            self.parts.append(
                Part(
                    " ".join(before),
                    "command",
                    "Fetch the CAS's report, judge it, remember the CAS if accepted.",
                )
            )
        self.line = bool(before)
        self.problems = [command.broken] if command.broken else []
        self.notes: list[str] = []
        self.addresses: list[str] = []
        self.values: dict[str, list[str]] = {}
        self.bare: set[str] = set()

    def explanation(self) -> Explanation:
        """Read every word, then look at the combination."""
        while self.words:
            self._word(self.words.pop(0))
        policy = self._policy()
        self._rules(policy)
        return Explanation(
            tuple(self.parts), tuple(dict.fromkeys(self.problems)), tuple(self.notes), policy=policy
        )

    def _word(self, word: str) -> None:
        if word[:1] and word[0] in DASHES:
            rest = word.lstrip(DASHES + "-")
            right = ("-" if len(rest) <= 3 else "--") + rest
            self._refuse(
                word,
                f"{neutral(word, 80)}: a typographic dash, as pages make them. Write"
                f" {neutral(right, 80)}.",
            )
        elif word[:1] and word[0] in QUOTES:
            self._refuse(
                word,
                f"{neutral(word, 80)}: typographic quotes are part of the word. Write plain ones.",
            )
        elif word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            self._option(name, value)
        elif word == "--":
            self.parts.append(
                Part(
                    word, "option", "The options end here: every word behind is taken as it stands."
                )
            )
            while self.words:
                self._positional(self.words.pop(0))
        elif word in _KNOWN or word in OLD:
            self._option(word, None)
        elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
            self._cluster(word)
        elif word.startswith("-") and word != "-":
            self._unknown(word)
        else:
            self._positional(word)

    def _cluster(self, word: str) -> None:
        """Letters in one word; one that takes a value takes the rest of it."""
        last = next((n for n, c in enumerate(word) if f"-{c}" in _TAKING), len(word) - 1)
        names = [f"-{c}" for c in word[1 : last + 1]]
        if not all(name in _KNOWN or name in OLD for name in names):
            self._unknown(word)
            return
        if len(names) > 1:
            self.parts.append(
                Part(word, "cluster", f"{len(names)} options in one word: {' '.join(names)}")
            )
        for name in names:
            self._option(name, word[last + 1 :] or None if name == names[-1] else None)

    def _option(self, name: str, value: str | None) -> None:
        if value is not None and name in _KNOWN and name not in _TAKING:
            self.problems.append(
                f"{name}: got {neutral(value, 40) or 'nothing'} for a value, and takes none."
            )
        if name in OLD:
            self.problems.append(f"{name}: a spelling of 2019 and 2020. Write {OLD[name]}.")
        if name in _FLAG_NAMES or OLD.get(name) in _FLAG_NAMES:
            flag = _FLAG_NAMES[name if name in _FLAG_NAMES else OLD[name]]
            notes = [f"Waives {', '.join(flag.waives)}."]
            notes += [f"IAS: {flag.ias}. DCAP: {flag.dcap}."] if flag.dcap else []
            notes += [f"Needs {flag.needs}."] if flag.needs else []
            self.parts.append(Part(name, "flag", flag.help, tuple(notes), flag.name))
            return
        takes = (
            OLD_VALUES.get(name, "")
            if name in OLD
            else _BY_NAME[name].value
            if name in _BY_NAME
            else ""
        )
        if name not in _BY_NAME and name not in OLD:
            self._unknown(name)
        elif takes:
            self._valued(name, takes, value)
        else:
            self.bare.add(name)
            self.parts.append(
                Part(
                    name,
                    "option",
                    _BY_NAME[name].means if name in _BY_NAME else "Said more while it worked.",
                )
            )

    def _valued(self, name: str, takes: str, value: str | None) -> None:
        """An option with its value, which is the next word where it was not given."""
        told = OLD.get(name, name)
        means = _BY_NAME[told].means if told in _BY_NAME else "The address of the CAS."
        if value is None and (
            not self.words or (self.words[0].startswith("-") and len(self.words[0]) > 1)
        ):
            self.parts.append(Part(name, "option", means))
            self.problems.append(
                f"{name}: needs {takes} and got none. Is a shell variable empty, or did a scrape"
                " find nothing?"
            )
            return
        text = self.words.pop(0) if value is None else value
        if takes == "ADDRESS":
            self.addresses.append(text)
        self.parts.append(Part(f"{name} {text}", "option", means, self._about(name, told, text)))
        self.values.setdefault(_BY_NAME[told].names[-1] if told in _BY_NAME else told, []).append(
            text
        )

    def _about(self, name: str, told: str, text: str) -> tuple[str, ...]:
        """What to say of one value."""
        if has_variable(text):
            return (_variable(text),)
        if told in ("--mrenclave", "--mrsigner") and (wrong := measurement_problem(text, name)):
            self.problems.append(wrong)
        if told == "--ignore-advisories":
            return tuple(
                f"{neutral(id, 40)}: {neutral(title, 200)}."
                for id, title in lookup(a.strip() for a in text.split(","))
            )
        return ()

    def _positional(self, word: str) -> None:
        notes: tuple[str, ...] = (_variable(word),) if has_variable(word) else ()
        self.addresses.append(word)
        if len(self.addresses) == 1:
            if word.startswith(("http:", "https:")):
                notes += ("It is remembered as typed, with the scheme.",)
            self.parts.append(
                Part(word, "address", "The CAS to attest, port 8081 unless it says another.", notes)
            )
        elif len(self.addresses) == 2:
            self.parts.append(
                Part(
                    word,
                    "deprecated",
                    "An MRENCLAVE behind the address, as in 2020: deprecated.",
                    (*notes, f"Write --mrenclave {neutral(word, 80)}."),
                )
            )
            self.values.setdefault("--mrenclave", []).append(word)
            if not notes and (wrong := measurement_problem(word, "MRENCLAVE")):
                self.problems.append(wrong)
        else:
            self._refuse(
                word,
                f"{neutral(word, 80)}: a third word that belongs to no option. One address is"
                " attested.",
            )

    def _unknown(self, word: str) -> None:
        plain = {k.replace("_", "-").lower(): k for k in _KNOWN}
        near = (
            *(k for k in _KNOWN if len(word) > 3 and k.startswith(word)),
            *difflib.get_close_matches(word, _KNOWN, 1, 0.75),
        )
        meant = plain.get(word.replace("_", "-").lower()) or next(iter(near), "")
        self._refuse(
            word,
            f"{neutral(word, 80)}: no option of scone cas attest."
            + (f" Meant: {meant}." if meant else ""),
        )

    def _refuse(self, word: str, why: str) -> None:
        self.parts.append(Part(word, "unknown", "Not understood."))
        self.problems.append(why)

    def _policy(self) -> AttestationPolicy | None:
        """Return the policy that the line stands for; what a shell has yet to fill in counts as
        given.
        """
        args = [f"--{p.flag}" for p in self.parts if p.flag]
        args += [n for n in self.bare if n == "--fail-on-any-advisory"]
        fill = {
            "--mrenclave": _PLACEHOLDER,
            "--mrsigner": _PLACEHOLDER,
            "--isvprodid": "0",
            "--isvsvn": "0",
            "--nonce": "0" * 32,
            "--verification-time": "2026-01-01",
            "--ignore-advisories": "INTEL-SA-00000",
            "--max-age": "1d",
            "--min-tcb-evaluation": "0",
            "--tcb-grace": "1d",
            "--refuse-platform-settings": "smt",
        }
        for name, texts in self.values.items():
            for text in texts:
                if name in fill:
                    wrong = name in ("--mrenclave", "--mrsigner") and measurement_problem(
                        text, name
                    )
                    args.append(f"{name}={fill[name] if has_variable(text) or wrong else text}")
                elif name.startswith("--cas-") and not has_variable(text):
                    args.append(f"{name}={text}")
        try:
            return AttestationPolicy.from_args(args)
        except CasnbError as exc:
            self.problems.append(str(exc))
            return None

    def _rules(self, policy: AttestationPolicy | None) -> None:
        """The rules between options, and what the line leaves to defaults."""
        if policy is not None:
            self.problems += policy.problems()
        if self.line and not self.addresses and not self.bare & _TELLING:
            self.problems.append("ADDRESS: missing. Is a shell variable empty?")
        if self.addresses and not has_variable(self.addresses[0]):
            try:
                parse_address(self.addresses[0])
            except CasnbError as exc:
                self.problems.append(str(exc))
        if "--nonce" in self.values and "--offline-report" not in self.values:
            self.problems.append(
                "--nonce: only with --offline-report, because a fetched report gets a fresh nonce."
            )
        if "--offline-report" in self.values and "--nonce" not in self.values:
            self.notes.append(
                "--offline-report without --nonce: nothing says that the report is not an old one,"
                " replayed."
            )
        if policy is None or not self.line or self.bare & _TELLING:
            return
        signer_off = policy.only_for_testing_ignore_signer
        if not policy.mrenclaves and policy.mrsigner is None and not signer_off:
            least = f"{policy.isvsvn}" if policy.isvsvn is not None else "the CLI's own"
            self.notes.append(
                "No MRENCLAVE and no signer: any CAS that Scontain signed, its version at least"
                f" {least}."
            )
        elif policy.mrenclaves and policy.isvsvn is None and not signer_off:
            self.notes.append(
                "With --mrenclave the signer is still checked, and no least version is."
            )
        if policy.mrenclaves and signer_off:
            self.notes.append("Everything hangs on where this MRENCLAVE came from.")
        if len(policy.flags()) > 1 and policy.accept_group_out_of_date:
            self.notes.append(
                "-G alone can void the rest: a key taken from an outdated platform signs any"
                " report."
            )
        if not {"--cas-key-hash", "--cas-software-key-hash"} & set(self.values):
            self.notes.append(
                "Without -c another genuine CAS with the same code is accepted as well."
            )


def _both(words: Iterable[str]) -> str:
    """Join words: a, b and c."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _variable(text: str) -> str:
    if SUBSTITUTED in text:
        return (
            "A shell runs this first and puts the output here; if that is empty, the next word"
            " takes its place."
        )
    return (
        "A shell variable: replaced before the command starts, and nothing at all if it is empty."
        " Quoted, it stays a word."
    )
