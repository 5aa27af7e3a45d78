"""A session in words: what each part of it means, and what its author should think twice about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from casnb.base.spans import read_span
from casnb.base.view import Shown, html_table, text_table
from casnb.policy.translation import WORDS
from casnb.session.access import ACTIONS, FOLLOWS, Entry, Quorum, Signer, is_variable
from casnb.session.placeholders import whole
from casnb.session.secret_kinds import CERTIFICATES, KINDS
from casnb.session.secrets import Secret
from casnb.session.service_policy import describe
from casnb.session.services import Service
from casnb.session.session import Session
from casnb.session.sharing import Party
from casnb.session.table import carried
from casnb.session.uses import uses
from casnb.verify.keyhash import spki_hash

#: Where it stands, what is written there, what that means.
Row = tuple[str, str, str]
_HEAD = ("where", "what", "means")

_DOES = {
    "read": "read this text, its history and every value that is written out in it",
    "update": "replace it by another version, and so change who may do what",
    "create_sessions": "create sessions whose names begin with its name and a slash",
    "list_sessions": "see the names of the sessions below it",
}


@dataclass(frozen=True)
class Explained(Shown):
    """A session row by row: where, what, and what it means."""

    session: Session

    @property
    def rows(self) -> list[Row]:
        return explain(self.session)

    def __str__(self) -> str:
        return text_table(_HEAD, self.rows)

    def _html(self) -> str:
        return html_table(_HEAD, self.rows, f"Session {self.session.name}", code=(0, 1))


def explained(session: Session) -> Explained:
    """Return a session explained, as a notebook shows it: a table with a row for each part."""
    return Explained(session)


_NOTHING = "part of the hash; casnb does nothing with it"
#: Members that are kept as they were written, and what is done with them nevertheless.
_DONE = {
    "images": ("files", "what is injected is made for services; nothing is mounted"),
    "salt": ("carried", "whoever knows the text cannot tell the hash before it is public"),
    "namespace_hash": ("a hash", "must be that of the namespace above when the name is new"),
    "secret_config": ("!cas", "values lie in the CAS, as they do without this"),
}


def explain(session: Session) -> list[Row]:
    """Return what a session says, row by row, in the order in which it is hashed. Text from the
    session is as it came.
    """
    kind = (
        "a namespace: sessions can be created below it"
        if session.is_namespace
        else "no session can be created below it"
    )
    rows = [
        ("version", session.version, f"the session language; {kind}"),
        ("name", session.name, "the name that clients ask for; a CAS has it once"),
    ]
    rows.append(
        (
            "predecessor",
            session.predecessor or "null",
            (
                "the hash of the version that this one replaces"
                if session.predecessor
                else "the first version of its name"
            ),
        )
    )
    for service in session.services:
        rows += _service(service, session)
    rows += [
        (member, _DONE.get(member, ("carried",))[0], _DONE.get(member, ("", _NOTHING))[1])
        for member in session.others
    ]
    rows += [(f"secrets.{s.name}", _said(s), _meant(s, session)) for s in session.secrets]
    for action in ACTIONS:
        given = f"access_policy.{action}", ", ".join(_written(e) for e in session.entries(action))
        if action == "create_sessions" and not session.is_namespace:
            continue
        default = "" if action in session.access else f"; not written, so as {FOLLOWS[action]}"
        rows.append(
            (*given, f"{_who(session.entries(action), session)} may {_DOES[action]}{default}")
        )
    rows += _security(session)
    if session.creator_key is not None:
        how = (
            "the holder of this key"
            if not isinstance(session.creator, Signer)
            else "the signer with this key"
        )
        rows.append(
            (
                "creator",
                spki_hash(session.creator_key),
                f"{how} uploaded it, and is who CREATOR means; part of the hash",
            )
        )
    return rows


def _service(service: Service, session: Session) -> Iterator[Row]:
    where, security = f"services.{service.name}", session.security
    wanted = tuple(describe(r) for r in service.requirements)
    given = service.data.get("attestation")
    if security.mode == "none":
        yield (
            where,
            service.name,
            "any program that asks is given its configuration: no evidence is asked for",
        )
    elif whole(given):
        yield where, str(given), "which enclave may have its configuration is a secret's value"
    elif not wanted:
        yield where, service.name, "no enclave is named, so none is given its configuration"
    for n, text in enumerate(wanted, 1):
        yield (
            f"{where}.attestation" + (f"[{n}]" if len(wanted) > 1 else ""),
            text,
            "an enclave that is all of this is given the configuration",
        )
    for use in uses(session, service.name):
        yield f"{where}: {use.place}", use.secret, use.form
    for member in service.carried:
        yield f"{where}.{member}", "carried", "part of the hash; casnb does nothing with it"


def _said(secret: Secret) -> str:
    kind = secret.kind or "of any kind"
    if secret.value is not None:
        return f"{kind}, given"
    return f"{kind}, imported" if secret.imported else f"{kind}, made by the CAS"


def _meant(secret: Secret, session: Session) -> str:
    if secret.value is not None:
        out = ["its value is part of this text"]
    elif secret.imported is not None:
        out = [
            f"secret {secret.imported.secret} of session {secret.imported.session}, if that one"
            " exports it to this"
        ]
    elif secret.old and secret.kind in CERTIFICATES:
        out = ["a certificate with a key of its own, by the session's authority"]
    elif secret.kind == "public-key":
        out = [f"the public half of {secret.private_key}"]
    elif secret.kind in CERTIFICATES:
        by = f"issued by {secret.issuer}" if secret.issuer else "signed by itself"
        life = "as good as forever"
        if secret.valid_for:
            life = f"{read_span(secret.valid_for) / timedelta(days=1):g} days"
        out = [
            f"a certificate for the key in secret {secret.private_key}, {by}, for {life}; new with"
            " every version"
        ]
    else:
        assert secret.kind is not None  # an import alone may leave it open
        words = {**vars(secret), "kept": "kept" if secret.migrate else "new"}
        out = [KINDS[secret.kind].means.format_map(words)]
    if secret.export_public:
        out.append("anybody may read it, without any key")
    out += [f"may be imported by {_party(p)}" for p in secret.export]
    if not secret.export_public and not secret.export:
        out.append(
            "for its own services alone"
            if session.services
            else "and no service of this session could use it"
        )
    return "; ".join(out)


def _party(party: Party) -> str:
    if party.namespace is not None:
        return f"session {party.namespace} and every one below it"
    return f"session {party.session}" + (
        f", version {party.session_hash}" if party.session_hash else ""
    )


def _written(entry: Entry) -> str:
    if isinstance(entry, Signer):
        return f"signer {spki_hash(entry.spki)}"
    if isinstance(entry, Quorum):
        name = "require-all" if entry.least is None else f"require-at-least-{entry.least}"
        return f"{name}({', '.join(_written(e) for e in entry.entries)})"
    return "certificate" if entry.startswith("-----") else entry


def _who(entries: tuple[Entry, ...], session: Session) -> str:
    said = [_person(e) for e in entries]
    return said[0] if len(said) == 1 else ", or ".join(said)


def _person(entry: Entry) -> str:
    if isinstance(entry, Signer):
        return "whoever signs the upload with that key"
    if isinstance(entry, Quorum):
        number = "all" if entry.least is None else f"at least {entry.least}"
        return f"{number} of {len(entry.entries)} together"
    if is_variable(entry):
        return f"whoever the value of {entry} names"
    words = {"CREATOR": "the creator", "ANY": "anybody", "NONE": "nobody"}
    return words.get(entry) or (
        "the holder of the certificate's key"
        if entry.startswith("-----")
        else "the holder of that key"
    )


def _security(session: Session) -> Iterator[Row]:
    security, head = session.security, "security.attestation"
    if not session.services and not security.data:
        return
    if security.data.get("security"):
        yield "security", str(security.data["security"]), "all of it is a secret's value"
        return
    modes = {
        "hardware": "an enclave must show evidence, and it is judged here",
        "none": "no evidence is asked for",
        "maa": "Microsoft's service judges; not built: casnb gives nobody a configuration",
    }
    yield f"{head}.mode", security.mode, modes[security.mode]
    for word in security.tolerate:
        yield f"{head}.tolerate", word, WORDS[word].note
    if security.every_advisory:
        yield f"{head}.ignore_advisories", "*", "no advisory counts, whatever it is"
    elif security.ignore_advisories:
        listed = ", ".join(security.ignore_advisories)
        yield (
            f"{head}.ignore_advisories",
            listed,
            "these holes are accepted; every other one rejects",
        )
    elif security.mode == "hardware":
        yield (
            f"{head}.ignore_advisories",
            "none",
            "any advisory that is listed for the platform rejects",
        )
    for member in security.guards:
        yield (
            f"security: {member}",
            "carried",
            "makes it stricter and is not built: casnb gives nobody a configuration",
        )


def warnings(session: Session) -> list[str]:
    """Return what the author of a session should think twice about: it is valid, and may not be
    what is meant.
    """
    out = []
    if not session.is_namespace:
        out.append(
            "version: 0.2, deprecated, and what a text without one is read as: no session can be"
            ' created below it. Write version: "0.3".'
        )
    out += _about_access(session)
    for secret in session.secrets:
        out += _about_secret(secret, session)
    security = session.security
    if "debug-mode" in security.tolerate:
        out.append(
            "security.attestation.tolerate: debug-mode: whoever runs a service can read all of its"
            " secrets."
        )
    if security.every_advisory:
        out.append(
            'security.attestation.ignore_advisories: "*": holes that are found tomorrow are ignored'
            " as well."
        )
    if security.mode == "maa":
        out.append(
            "security.attestation.mode: maa: Microsoft's service is not asked here, so casnb's CAS"
            " gives nobody a configuration."
        )
    elif "url" in security.carried:
        out.append("security.attestation.url: has an effect with mode maa alone.")
    if security.mode == "none" and session.services:
        out.append(
            "security.attestation.mode: none: any program that asks is given the configuration, its"
            " secrets too."
        )
    kept = [
        *_kept(session),
        *(m for s in session.services for m in s.carried),
        *session.security.carried,
    ]
    return out + [
        f"{m}: carried and hashed; casnb does nothing with it." for m in dict.fromkeys(kept)
    ]


def _kept(session: Session) -> Iterator[str]:
    """What is kept as it was written, and nothing else."""
    if "volumes" in session.others:
        yield "volumes"
    images = [image for image in session.others.get("images") or () if image]
    for member in carried("images"):
        if member != "name" and any(image.get(member) for image in images):
            yield f"images.{member}"


def _about_access(session: Session) -> Iterator[str]:
    if session.access["update"] == ("NONE",):
        yield (
            "access_policy.update: NONE: nobody can ever change or repair this session; its name is"
            " taken for good."
        )
    if session.access["update"] == ("ANY",):
        yield (
            "access_policy.update: ANY: anybody can replace this session, and what its services are"
            " given."
        )
    for action in ("update", "create_sessions"):
        entries = session.access.get(action, ("NONE",))
        if entries != ("NONE",) and not any(_one_is_enough(e) for e in entries):
            yield (
                f"access_policy.{action}: takes signatures beside or instead of the client's key:"
                " `scone session sign` adds them."
            )
    if session.entries("create_sessions") == ("ANY",) and session.access["update"] != ("ANY",):
        yield "access_policy.create_sessions: ANY: anybody can take names below this one, for good."


def _one_is_enough(entry: Entry) -> bool:
    """Whether a client meets an entry by the one key that a TLS handshake proves."""
    if isinstance(entry, Quorum):
        one = entry.least == 1 or len(entry.entries) == 1
        return one and any(_one_is_enough(e) for e in entry.entries)
    return not isinstance(entry, Signer)


def _about_secret(secret: Secret, session: Session) -> Iterator[str]:
    where = f"secrets: {secret.name}"
    if not secret.made and (secret.size, secret.key_type) != (Secret.size, Secret.key_type):
        yield (
            f"{where}: size and key_type say how a CAS makes a value, and this one is not made:"
            " they are left out."
        )
    if secret.export_public and secret.kind == "private-key":
        yield f"{where}: export_public: anybody can read this private key."
    elif secret.export_public and secret.value is not None and secret.kind not in CERTIFICATES:
        yield (
            f"{where}: its value stands in plain text and export_public shows it to anybody: put"
            " nothing secret there."
        )
    elif secret.value is not None and secret.kind not in CERTIFICATES:
        reader = "anybody" if session.access["read"] == ("ANY",) else "whoever may read the session"
        yield (
            f"{where}: its value is part of the text: {reader} reads it there. Without value the"
            " CAS makes one."
        )
