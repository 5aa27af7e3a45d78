"""Placeholders: `$$SCONE::NAME[:FORMAT...][|escape(json)]$$`, and every form that a kind of secret
has, one row each.

A text that holds the beginning of one and is none of the forms is refused where it stands: as
literal text it would reach a service, which would take it for its password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from casnb.base.errors import EvidenceError

#: How one begins, in all of its spellings, right and wrong.
BEGINS = "$$SCONE"
_ONE = re.compile(r"\$\$SCONE::([^$|\s]{1,300})(\|[^$\n]{0,40})?\$\$")
_WHOLE = re.compile(r"\s*\$\$SCONE::[^$\n]{1,400}\$\$\s*")
_JSON = "|escape(json)"


@dataclass(frozen=True)
class Form:
    """How a secret of these kinds is written out: `suffixes` are its spellings, the short one
    first; `makes` is the id of what comes of it.

    `since` is the minor version of language 0.3. `old` forms are of 0.2 too. `plain` forms give
    text; the others give bytes, for files alone.
    """

    kinds: tuple[str, ...]
    suffixes: tuple[str, ...]
    makes: str
    yields: str
    since: int = 5
    old: bool = False
    plain: bool = True


_BOTH = ("x509", "x509-ca")
_ALL = (*_BOTH, "session-ca")
FORMS: tuple[Form, ...] = (
    Form(("ascii", "aad-token"), ("",), "text", "the text", 0, True),
    Form(("binary",), ("", ":bin"), "bytes", "the bytes, in files alone", 0, True, False),
    Form(("binary",), (":hex",), "hex", "hex"),
    Form(("binary",), (".hex",), "hex", "hex (older)", 0, True),
    Form(("binary",), (":base64",), "base64", "base64", 6),
    Form(("binary",), (":base64url",), "base64url", "base64 for addresses", 10),
    Form(("binary",), (":base32",), "base32", "base32", 10),
    Form(("binary",), (":base32nopad",), "base32nopad", "base32 without padding", 10),
    Form(("private-key",), ("", ":pem", ":pkcs8:pem"), "text", "the key, PEM (PKCS#8)", 0),
    Form(("private-key",), (":der", ":pkcs8:der"), "key-der", "the key, DER (PKCS#8)", plain=False),
    Form(("public-key",), ("", ":spki:pem"), "text", "the key, PEM (SPKI)", 11),
    Form(("public-key",), (":spki:der",), "spki-der", "the key, DER (SPKI)", 11, plain=False),
    Form(_ALL, ("",), "text", "the certificate, PEM", 0, True),
    Form(_BOTH, (":crt", ":crt:pem"), "text", "the certificate, PEM"),
    Form(_BOTH, (":crt:der",), "crt-der", "the certificate, DER", plain=False),
    Form(
        ("x509",),
        (":privatekey", ":privatekey:pem", ":privatekey:pkcs8:pem"),
        "privatekey",
        "its key, PEM (PKCS#8)",
    ),
    Form(
        ("x509",),
        (":privatekey:der", ":privatekey:pkcs8:der"),
        "privatekey-der",
        "its key, DER (PKCS#8)",
        plain=False,
    ),
    Form(("x509",), (":chain",), "chain", "PEM, first intermediate to root, without itself"),
    Form(
        ("x509",),
        (":pkcs12-with-private-key",),
        "pkcs12",
        "PKCS#12 with key and chain, empty password",
        9,
        plain=False,
    ),
    Form(_ALL, (".crt",), "text", "the certificate, PEM (older)", 0, True),
    Form(_BOTH, (".key",), "privatekey", "its key, PEM (older)", 0, True),
    Form(_ALL, (".chain",), "old-chain", "PEM, root to certificate (older)", 0, True),
    Form(
        ("pgp-key",),
        tuple(
            f":{half}:{form}"
            for half in ("privatekey", "publickey")
            for form in ("asciiarmored", "binary", "base64")
        ),
        "pgp",
        "the whole key",
        10,
    ),
    Form(("config-fragment",), ("",), "fragment", "its YAML, where a variable may stand", 10),
)
_DOTTED = tuple(s for form in FORMS for s in form.suffixes if s.startswith("."))


@dataclass(frozen=True)
class Placeholder:
    """One placeholder as it is written; `body` is what stands between `::` and the end or `|`."""

    text: str
    body: str
    escape: str

    def names(self, kinds: Mapping[str, str | None]) -> tuple[str, str]:
        """Return the secret's name and the suffix; an older spelling is taken apart where no
        secret has that very name.
        """
        name, colon, rest = self.body.partition(":")
        if name not in kinds and not colon:
            for suffix in _DOTTED:
                if name.endswith(suffix):
                    return name.removesuffix(suffix), suffix
        return name, colon + rest

    def form(self, kinds: Mapping[str, str | None], minor: int) -> tuple[str, Form | None]:
        """Return the secret's name and the form, None while its kind is not known: then any form
        of any kind will do.

        `kinds` are the secrets of the session, by name, `minor` the version of language 0.3
        (-1: 0.2). Raises EvidenceError, which says what would be right.
        """
        name, suffix = self.names(kinds)
        if name not in kinds:
            raise self._refusal(
                f"no secret {name!r}",
                "a secret of this session" + (f": {', '.join(kinds)}"[:200] if kinds else ""),
                "Add it under `secrets`; a secret of another session wants an `import` here.",
            )
        if self.escape and self.escape != _JSON:
            raise self._refusal(f"{self.escape!r}", _JSON)
        kind = kinds[name]
        found = [f for f in FORMS if suffix in f.suffixes and kind in (None, *f.kinds)]
        if kind == "config-fragment" and suffix:
            found = []
        if not found:
            raise self._refusal(
                f"format {suffix[1:]!r}" if suffix else f"no format for kind {kind}",
                "one of " + ", ".join(spellings(kind)),
                f"These are the forms that kind {kind} has." if kind else "",
            )
        needed = 10 if self.escape else 0
        form = found[0]
        if minor < 0 and not form.old:
            raise self._refusal(
                f"format {suffix[1:]!r} in language 0.2", "an older form: .crt, .key, .chain, .hex"
            )
        if (needed := max(needed, form.since)) > max(minor, 0):
            raise self._refusal(
                f"a form that is there since 0.3.{needed}",
                f"a form of language 0.3.{minor}",
                f'Write version: "0.3.{needed}" or later, or "0.3".',
            )
        return name, form if kind else None

    def _refusal(self, got: str, wanted: str, do: str = "") -> EvidenceError:
        return EvidenceError(f"placeholder {self.text[:80]}", got=got, wanted=wanted, do=do)


def spellings(kind: str | None) -> list[str]:
    """Return the forms of a kind as they are written after its name, of every kind for None."""
    found = dict.fromkeys(
        s for f in FORMS if kind in (None, *f.kinds) for s in f.suffixes if kind or s
    )
    return [s or "no suffix" for s in found]


def pieces(text: str) -> Iterator[str | Placeholder]:
    """Return a text cut up: plain parts, and placeholders in between; raise EvidenceError for a
    beginning without an end.
    """
    at = 0
    while (begins := text.find(BEGINS, at)) >= 0:
        found = _ONE.match(text, begins)
        if found is None:
            shown = text[begins : begins + 60].splitlines()[0]
            raise EvidenceError(
                f"placeholder {shown}",
                got="something else",
                wanted="$$SCONE::NAME$$ or $$SCONE::NAME:FORMAT$$",
                do=_cure(text, begins),
            )
        if begins > at:
            yield text[at:begins]
        yield Placeholder(found[0], found[1], found[2] or "")
        at = found.end()
    if at < len(text):
        yield text[at:]


def _cure(text: str, begins: int) -> str:
    if not text.startswith("::", begins + len(BEGINS)):
        return "Two colons follow SCONE."
    if "$$" not in text[begins + 2 :].splitlines()[0]:
        return "Two dollar signs end it."
    return "A name is followed by formats, each after a colon, and two dollar signs."


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """Return the placeholders in a text."""
    return tuple(p for p in pieces(text) if isinstance(p, Placeholder))


def whole(text: object) -> Placeholder | None:
    """Return the placeholder that a text is, all of it; None for anything else."""
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        return None
    found = list(pieces(text.strip()))
    return found[0] if len(found) == 1 and isinstance(found[0], Placeholder) else None
