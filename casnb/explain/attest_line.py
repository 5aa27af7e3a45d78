"""One `scone cas attest` line, read word by word: each option, each rule between options, and the
policy that the line stands for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from casnb.base.errors import CasnbError, neutral
from casnb.explain.attest_names import BY_NAME, FLAG_NAMES, KNOWN, TAKING, TELLING
from casnb.explain.explanation import Explanation, Part
from casnb.explain.releases import since
from casnb.explain.shell import DASHES, QUOTES, SUBSTITUTED, Command, has_variable
from casnb.policy.advisories import lookup
from casnb.policy.attest_options import OLD, OLD_VALUES
from casnb.policy.policy import AttestationPolicy, measurement_problem
from casnb.tls.exchange import parse_address

_PLACEHOLDER = "0" * 64


class AttestLine:
    """The words of one line, gone through once from left to right."""

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
                    word,
                    "option",
                    "The options end here: every word after that is taken as it stands.",
                )
            )
            while self.words:
                self._positional(self.words.pop(0))
        elif word in KNOWN or word in OLD:
            self._option(word, None)
        elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
            self._cluster(word)
        elif word.startswith("-") and word != "-":
            self._unknown(word)
        else:
            self._positional(word)

    def _cluster(self, word: str) -> None:
        """Letters in one word; one that takes a value takes the rest of it."""
        last = next((n for n, c in enumerate(word) if f"-{c}" in TAKING), len(word) - 1)
        names = [f"-{c}" for c in word[1 : last + 1]]
        if not all(name in KNOWN or name in OLD for name in names):
            self._unknown(word)
            return
        if len(names) > 1:
            self.parts.append(
                Part(word, "cluster", f"{len(names)} options in one word: {' '.join(names)}")
            )
        for name in names:
            self._option(name, word[last + 1 :] or None if name == names[-1] else None)

    def _option(self, name: str, value: str | None) -> None:
        if value is not None and name in KNOWN and name not in TAKING:
            self.problems.append(
                f"{name}: got {neutral(value, 40) or 'nothing'} for a value, and takes none."
            )
        if name in OLD:
            self.problems.append(f"{name}: a spelling of 2019 and 2020. Write {OLD[name]}.")
        if name in FLAG_NAMES or OLD.get(name) in FLAG_NAMES:
            flag = FLAG_NAMES[name if name in FLAG_NAMES else OLD[name]]
            notes = [f"Waives {', '.join(flag.waives)}."]
            notes += [f"IAS (SCONE up to 6): {flag.ias}. DCAP: {flag.dcap}."] if flag.dcap else []
            notes += [f"Needs {flag.needs}."] if flag.needs else []
            notes += [when] if (when := since(f"--{flag.name}")) else []
            self.parts.append(Part(name, "flag", flag.help, tuple(notes), flag.name))
            return
        takes = (
            OLD_VALUES.get(name, "")
            if name in OLD
            else BY_NAME[name].value
            if name in BY_NAME
            else ""
        )
        if name not in BY_NAME and name not in OLD:
            self._unknown(name)
        elif takes:
            self._valued(name, takes, value)
        else:
            self.bare.add(name)
            means = BY_NAME[name].means if name in BY_NAME else "Verbose output (gone)."
            self.parts.append(Part(name, "option", means, self._since(name)))

    def _valued(self, name: str, takes: str, value: str | None) -> None:
        """An option with its value, which is the next word where it was not given."""
        told = OLD.get(name, name)
        means = BY_NAME[told].means if told in BY_NAME else "The address of the CAS."
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
        notes = (*self._about(name, told, text), *self._since(told))
        self.parts.append(Part(f"{name} {text}", "option", means, notes))
        self.values.setdefault(BY_NAME[told].names[-1] if told in BY_NAME else told, []).append(
            text
        )

    def _since(self, name: str) -> tuple[str, ...]:
        """Say since which release an option is there, where that is known."""
        when = since(BY_NAME[name].names[-1]) if name in BY_NAME else ""
        return (when,) if when else ()

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
                    "An MRENCLAVE after the address, as in 2020: deprecated.",
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
        plain = {k.replace("_", "-").lower(): k for k in KNOWN}
        near = (
            *(k for k in KNOWN if len(word) > 3 and k.startswith(word)),
            *difflib.get_close_matches(word, KNOWN, 1, 0.75),
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
        if self.line and not self.addresses and not self.bare & TELLING:
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
        if policy is None or not self.line or self.bare & TELLING:
            return
        self.notes += [says(policy) for left, says in _LEFT_TO_DEFAULTS if left(policy)]
        if not {"--cas-key-hash", "--cas-software-key-hash"} & set(self.values):
            self.notes.append(
                "Without -c another genuine CAS with the same code is accepted as well."
            )


def _any_of_scontains(policy: AttestationPolicy) -> str:
    least = "the CLI's own" if policy.isvsvn is None else f"{policy.isvsvn}"
    return (
        f"No MRENCLAVE and no signer: any CAS that Scontain signed, its version at least {least}."
    )


def _off(policy: AttestationPolicy) -> bool:
    return policy.only_for_testing_ignore_signer


_Of = Callable[[AttestationPolicy], Any]
#: What a line leaves to defaults, or to one value alone: where it does, and what that means.
_LEFT_TO_DEFAULTS: tuple[tuple[_Of, Callable[[AttestationPolicy], str]], ...] = (
    (lambda p: not p.mrenclaves and p.mrsigner is None and not _off(p), _any_of_scontains),
    (
        lambda p: p.mrenclaves and p.isvsvn is None and not _off(p),
        lambda p: "With --mrenclave the signer is still checked, and no least version is.",
    ),
    (
        lambda p: p.mrenclaves and _off(p),
        lambda p: "Everything hangs on where this MRENCLAVE came from.",
    ),
    (
        lambda p: len(p.flags()) > 1 and p.accept_group_out_of_date,
        lambda p: (
            "-G alone can void the rest: a key taken from an outdated platform signs any report."
        ),
    ),
)


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
