"""The members of the session language, one row each: what stands where, since when, on which page,
and what casnb does with it.

Reader, errors and `docs/sessions.md` are loops over these rows: a new row is read, checked,
refused where the named version of the language does not have it, hashed and documented.
Kinds of secrets are rows of `secret_kinds`, forms of placeholders rows of `placeholders`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from casnb.session.nodes import Node

#: The page of a row without another one: CAS_session_lang_0_3 of the SCONE documentation.
PAGE = "CAS_session_lang_0_3"
#: The newest minor version of language 0.3 that public pages know.
NEWEST = 12

#: What casnb does with a member: `BUILT`; `CARRIED`, kept and hashed, and nothing more; `GUARD`,
#: carried, and nobody is given a configuration where it is set; `REFUSED`, named as not built.
BUILT, CARRIED, GUARD, REFUSED = "built", "carried", "carried, nobody gets in", "not built"

Check = Callable[[Node], object]


@dataclass(frozen=True)
class Member:
    """One member. `path` leaves out the places in lists: `services.command`.

    `form` is what may stand there, any of `mapping`, `list`, `text`, `names` (a mapping with
    names of one's own), `rows` (a list of paths or mappings) and `any` (its own reader looks).
    `since` is the minor version of language 0.3, `old` whether 0.2 has it too. `variable` is
    since when a whole `$$SCONE::name$$` may stand for it; `fills` says what placeholders inside
    of it become: text, or `bytes`. `check` looks at the text, or at each of a list.
    """

    path: str
    form: str
    values: str
    default: str = ""
    since: int = 0
    old: bool = False
    page: str = ""
    built: str = BUILT
    hashed: str = "as written"
    variable: int | None = None
    fills: str = ""
    check: Check | None = None
    needed: bool = False

    @property
    def name(self) -> str:
        """The member's own name."""
        return self.path.rpartition(".")[2]


def _matching(form: str, wanted: str, do: str = "") -> Check:
    compiled = re.compile(form)
    return lambda node: node.matching(compiled, wanted, do)


def _words(*words: str) -> Check:
    return lambda node: node.choice(words)


def _truth(node: Node) -> object:
    return node.truth()


def _text(node: Node) -> object:
    return node.text()


_NAME = r"[A-Za-z0-9_\-.~]{1,128}"
_named = _matching(_NAME, "1 to 128 letters, digits and _-.~")
_hash = _matching("[0-9a-f]{64}", "64 lower-case hex digits")
_salt = _matching("[0-9a-fA-F]{32}", "32 hex digits", "`openssl rand -hex 16` makes them.")
_key = _matching("[0-9a-fA-F]{64}", "64 hex digits, or a binary secret: $$SCONE::name$$")
_tag = _matching("[0-9a-fA-F]{32}", "32 hex digits")
_path = _matching(r"[^\x00]{1,4096}", "a path")
_platform = _matching(
    "[0-9a-fA-F]{64}|INTEL_QE_ID:[0-9a-fA-F]{32}",
    "64 hex digits, or INTEL_QE_ID: and 32 of them",
)
_permission = _matching("0o[0-7]{1,4}", "an octal number like 0o400", "Digits 0 to 7 after 0o.")
_otp = _matching(
    "[A-Za-z2-7]{26,256}=*",
    "base32 of at least 128 bits: 26 characters or more",
    "`head -c 20 /dev/urandom | base32` makes one.",
)
_azure = _matching(
    r"https://[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}\.attest\.azure\.net/?",
    "https://TENANT.REGION.attest.azure.net",
)


def _bits(node: Node) -> object:
    return node.number(1024, 16384)


_V, _SID = 10, "session, and session_hash to pin one version"
_M = Member
# fmt: off
_ROWS = (
    _M("version", "text", "0.3, 0.3.0 to 0.3.12; 0.2", "0.2 (guess)", old=True, page="version"),
    _M("name", "text", "segments of A-Z a-z 0-9 _ - . ~, joined by /", old=True,
       page="session-name"),
    _M("predecessor", "text", "64 hex digits; null or ~ for the first", "null", old=True,
       page="predecessor-session", hashed="always"),
    _M("salt", "text", "32 hex digits", since=12, page="salt", built=CARRIED,
       hashed="as written, after predecessor (guess)", check=_salt),
    _M("namespace_hash", "text", "the hash of the namespace above, on creation", since=11,
       page="namespace-hash", hashed="as written, after salt (guess)", check=_hash),
    _M("services", "list", "a list of services", old=True, page="service-description"),
    _M("images", "list", "a list of images", old=True, page="images"),
    _M("volumes", "list", "a list of volumes", old=True, page="volumes"),
    _M("secrets", "list", "a list of secrets", old=True, page="secrets"),
    _M("access_policy", "mapping", "who may do what", "read and update: CREATOR", old=True,
       page="access-control", hashed="always", variable=_V),
    _M("security", "mapping", "what is asked of platforms", "hardware, nothing tolerated", since=1,
       page="attestation-security", variable=_V),
    _M("secret_config", "mapping", "where secrets are kept", "store_in: !cas", since=_V,
       page="secret-backends", built=CARRIED),
    _M("creator", "text, mapping", "a certificate, or `{signer: KEY}`: added by the CAS", old=True,
       page="the-session-creator"),
    _M("creator.signer", "text", "a public key, PEM", since=_V, page="the-session-creator"),
    _M("secret_config.store_in", "text", "!cas; !akv (not built)", since=_V, page="secret-backends",
       built=CARRIED, check=_words("!cas", "!akv")),
    _M("secret_config.token", "text", "an aad-token secret", since=_V, page="secret-backends",
       built=REFUSED),
    _M("secret_config.vault", "text", "a vault of Azure", since=_V, page="secret-backends",
       built=REFUSED),
    _M("services.name", "text", "1 to 128 letters, digits and _-.~", old=True, page="name",
       check=_named, needed=True),
    _M("services.command", "text, list", "a command line, or a list of words", old=True,
       page="command", fills="text"),
    _M("services.environment", "names", "variables and their values", old=True, page="environment",
       fills="text"),
    _M("services.pwd", "text", "a folder", old=True, page="pwd", check=_path),
    _M("services.persistency", "text", "None, as a CAS prints it", "None", old=True,
       hashed="always", check=_text),
    _M("services.image_name", "text", "an image of this session", old=True, page="image",
       check=_text),
    _M("services.attestation", "mapping, list",
       "one alternative or several; needed unless mode is none", since=7, page="attestation",
       variable=_V),
    _M("services.attestation.mrenclave", "text, list", "64 hex digits, any one of a list", since=7,
       page="code-identity-based-attestation", variable=_V),
    _M("services.attestation.signer", "mapping", "who signed the enclave", since=7,
       page="signer-based-sgx-attestation", variable=_V),
    _M("services.attestation.signer.mrsigner", "text", "64 hex digits", since=7,
       page="signer-based-sgx-attestation", variable=_V),
    _M("services.attestation.signer.isvprodid", "text", "0 to 65535, equal", since=7,
       page="signer-based-sgx-attestation", variable=_V),
    _M("services.attestation.signer.isvsvn", "text", "0 to 65535, equal", "not checked", since=7,
       page="signer-based-sgx-attestation", variable=_V),
    _M("services.attestation.signer.isvsvn_min", "text", "0 to 65535, at least", "not checked",
       since=7, page="signer-based-sgx-attestation", variable=_V),
    _M("services.attestation.signer.isvsvn_max", "text", "0 to 65535, at most", "not checked",
       since=7, page="signer-based-sgx-attestation", variable=_V),
    _M("services.mrenclaves", "text, list", "64 hex digits: older for attestation: mrenclave",
       old=True, page="deprecated-attestation-configuration", variable=_V),
    _M("services.platforms", "text, list", "64 hex digits, or INTEL_QE_ID: and 32 of them",
       page="platform-based-attestation", built=GUARD, variable=_V, check=_platform),
    _M("services.fspf_path", "text", "a path", old=True, page="fspf", built=CARRIED, check=_path),
    _M("services.fspf_key", "text", "64 hex digits", old=True, page="fspf", built=CARRIED,
       variable=5, check=_key),
    _M("services.fspf_tag", "text", "32 hex digits", old=True, page="fspf", built=CARRIED,
       check=_tag),
    _M("services.fspf_update_policy", "text",
       "rollback_protected_reinitializable, no_rollback_protection",
       "rollback_protected_reinitializable", since=11, page="main-fspf-tag-update-policy",
       built=CARRIED, check=_words("rollback_protected_reinitializable", "no_rollback_protection")),
    _M("services.one_time_password_shared_secret", "text", "base32 of at least 128 bits", since=_V,
       page="2fa-with-time-based-one-time-passwords", variable=_V, check=_otp),
    _M("images.name", "text", "any text, once", old=True, page="images", built=CARRIED,
       check=_text, needed=True),
    _M("images.volumes", "list", "where which volume is mounted", old=True, page="image-volumes",
       built=CARRIED),
    _M("images.volumes.name", "text", "a volume of this session", old=True, page="image-volumes",
       built=CARRIED, check=_text, needed=True),
    _M("images.volumes.path", "text", "a folder", old=True, page="image-volumes", built=CARRIED,
       check=_path, needed=True),
    _M("images.volumes.update_policy", "text",
       "ephemeral, rollback_protected, no_rollback_protection", "rollback_protected", since=2,
       page="image-volume-tag-update-policy", built=CARRIED,
       check=_words("ephemeral", "rollback_protected", "no_rollback_protection")),
    _M("images.injection_files", "rows", "files whose placeholders become values", old=True,
       page="secret-injection-files"),
    _M("images.injection_files.path", "text", "a path", old=True, page="secret-injection-files",
       check=_path, needed=True),
    _M("images.injection_files.content", "text", "text with placeholders", "the file at `path`",
       old=True, page="secret-injection-files", fills="bytes"),
    _M("images.injection_files.permission", "text", "an octal number like 0o400", "0o700", since=_V,
       page="secret-injection-files", check=_permission),
    _M("images.provide_secrets", "list", "secrets that files from disk may use", "all of them",
       since=11, page="image-secret-restrictions", built=CARRIED, check=_named),
    _M("volumes.name", "text", "any text, once", old=True, page="volumes", built=CARRIED,
       check=_text, needed=True),
    _M("volumes.fspf_key", "text", "64 hex digits", "made on first use", old=True, page="volumes",
       built=CARRIED, variable=7, check=_key),
    _M("volumes.fspf_tag", "text", "32 hex digits", "made on first use", old=True, page="volumes",
       built=CARRIED, check=_tag),
    _M("volumes.files", "text", "encrypted, authenticated-only", "encrypted", since=11,
       page="volumes", built=CARRIED, check=_words("encrypted", "authenticated-only")),
    _M("volumes.export", "text, mapping, list", f"{_SID}; or `to` with those", old=True,
       page="volume-sharing", built=CARRIED),
    _M("volumes.export.session", "text", "a session", page="volume-sharing", built=CARRIED),
    _M("volumes.export.session_hash", "text", "64 hex digits", page="volume-sharing", built=CARRIED,
       check=_hash),
    _M("volumes.export.to", "text, mapping", _SID, since=2, page="volume-sharing", built=CARRIED),
    _M("volumes.export.to.session", "text", "a session", since=2, page="volume-sharing",
       built=CARRIED),
    _M("volumes.export.to.session_hash", "text", "64 hex digits", since=2, page="volume-sharing",
       built=CARRIED, check=_hash),
    _M("volumes.export.update_policy", "text",
       "ephemeral, rollback_protected, no_rollback_protection", "rollback_protected", since=2,
       page="volume-tag-update-policy", built=CARRIED,
       check=_words("ephemeral", "rollback_protected", "no_rollback_protection")),
    _M("volumes.export.volume_alias", "text", "another name for the importer", since=_V,
       page="volume-alias", built=CARRIED, check=_text),
    _M("volumes.import", "text, mapping", f"{_SID}, and volume", old=True, page="volume-sharing",
       built=CARRIED),
    _M("volumes.import.session", "text", "a session", page="volume-sharing", built=CARRIED,
       needed=True),
    _M("volumes.import.session_hash", "text", "64 hex digits", page="volume-sharing", built=CARRIED,
       check=_hash),
    _M("volumes.import.volume", "text", "its name there, or its alias", page="volume-sharing",
       built=CARRIED, check=_text, needed=True),
    _M("secrets.name", "text", "1 to 128 letters, digits and _-.~", old=True, page="secrets"),
    _M("secrets.kind", "text", "a kind of the table below; may be left out with import", old=True,
       page="secret-kinds"),
    _M("secrets.value", "any", "given instead of made; readers of the session see it", old=True,
       page="secrets"),
    _M("secrets.size", "text", "1 to 4096 characters or bytes", "20", old=True, page="ascii",
       hashed="filled in for what is made"),
    _M("secrets.key_type", "text", "P-256, P-384, Ed25519, RSA-2048, RSA-3072", "P-256", since=4,
       page="private-key", hashed="filled in for what is made"),
    _M("secrets.migrate", "text", "true keeps the key over an update", "false", since=7,
       page="secret-migration", check=_truth),
    _M("secrets.private_key", "text", "a private-key secret", page="x509-and-x509-ca"),
    _M("secrets.issuer", "text", "an x509-ca secret", "signed by itself", page="x509-and-x509-ca"),
    _M("secrets.common_name", "text", "1 to 64 printable characters",
       "the first DNS name, else the secret's", page="x509-and-x509-ca"),
    _M("secrets.endpoint", "text", "server, client", "no extended key usage",
       page="x509-and-x509-ca"),
    _M("secrets.dns", "text, list", "a DNS name, or a list", page="x509-and-x509-ca"),
    _M("secrets.san", "text, list", '"dns:NAME" or "ip:ADDRESS", or a list', since=_V,
       page="x509-and-x509-ca"),
    _M("secrets.valid_for", "text", "a number and its unit: 59d, 1 year",
       "until 4096-01-01 (guess)", page="x509-and-x509-ca"),
    _M("secrets.export", "text, mapping, list", f"{_SID}; or namespace; or a list", old=True,
       page="secret-sharing"),
    _M("secrets.export.session", "text", "a session", page="secret-sharing"),
    _M("secrets.export.session_hash", "text", "64 hex digits", page="secret-sharing"),
    _M("secrets.export.namespace", "text", "a session, itself and all below it", since=5,
       page="secret-sharing"),
    _M("secrets.export_public", "text", "true shows the value to anybody", "false", old=True,
       page="secret-sharing", hashed="always"),
    _M("secrets.import", "text, mapping", f"{_SID}, and secret", old=True, page="secret-sharing"),
    _M("secrets.import.session", "text", "a session", page="secret-sharing"),
    _M("secrets.import.session_hash", "text", "64 hex digits", page="secret-sharing"),
    _M("secrets.import.secret", "text", "the name of the secret there", page="secret-sharing"),
    *(
        _M(
            f"{place}.{name}",
            "text",
            "another CAS",
            page="referencing-other-sessions",
            built=REFUSED,
        )
        for place in ("secrets.export", "secrets.import")
        for name in ("cas_url", "cas_key", "cas_software_key")
    ),
    _M("secrets.import_akv", "mapping", "a secret of an Azure key vault", since=7,
       page="microsoft-azure-key-vault-import", built=REFUSED),
    *(
        _M(
            f"secrets.import_akv.{name}",
            "text",
            values,
            since=since,
            page="microsoft-azure-key-vault-import",
            built=REFUSED,
        )
        for name, values, since in (
            ("vault", "an https address", 7),
            ("secret_name", "its name there", 7),
            ("token", "an aad-token secret", 7),
            ("decryption_key", "a binary secret", _V),
        )
    ),
    *(
        _M(f"secrets.{name}", "text", values, since=7, page="aad-token", built=REFUSED)
        for name, values in (
            ("tenant_id", "a tenant"),
            ("client_id", "a client"),
            ("application_secret", "what the client knows"),
            ("certificate_thumbprint", "a thumbprint"),
        )
    ),
    *(
        _M(f"secrets.{name}", form, values, since=NEWEST, page="jwt", built=REFUSED)
        for name, form, values in (
            ("signer", "text", "a private-key secret on P-384"),
            ("alg", "text", "ES384"),
            ("validity", "any", "`for: 24h`"),
            ("payload", "any", "claims"),
        )
    ),
    _M("access_policy.read", "any", "entries, no signers", "CREATOR", old=True,
       page="access-control", hashed="always", variable=_V),
    _M("access_policy.update", "any", "entries", "CREATOR", old=True, page="access-control",
       hashed="always", variable=_V),
    _M("access_policy.create_sessions", "any", "entries", "as update", since=5,
       page="access-control", variable=_V),
    _M("access_policy.list_sessions", "any", "entries, no signers",
       "as read; who may create may list", since=NEWEST, page="access-control", variable=_V),
    _M("security.attestation", "mapping", "how a service's enclave is judged", since=1,
       page="attestation-security", variable=_V),
    _M("security.attestation.mode", "text", "hardware, none, maa (since 0.3.7; nobody gets in)",
       "hardware", since=1, page="attestation-security", variable=_V),
    _M("security.attestation.tolerate", "text, list", "words of the table in flags.md", "nothing",
       since=1, page="tolerating-hardware-attestation-issues", variable=_V),
    _M("security.attestation.ignore_advisories", "text, list",
       'INTEL-SA-nnnnn, or "*" with debug-mode', "none", since=1,
       page="tolerating-hardware-attestation-issues", variable=_V),
    _M("security.attestation.must_be_sgx_local", "text", "true or false", "false", since=11,
       page="local-attestation", built=GUARD, variable=_V, check=_truth),
    _M("security.attestation.trusted_scone_qe_pubkeys", "text, list", "64 hex digits", since=1,
       page="attestation-security", built=GUARD, variable=_V,
       check=_matching("[0-9a-fA-F]{64}", "64 hex digits")),
    _M("security.attestation.one_time_password_shared_secret", "text",
       "base32 of at least 128 bits", since=8, page="2fa-with-time-based-one-time-passwords",
       variable=8, check=_otp),
    _M("security.attestation.url", "text", "https://TENANT.REGION.attest.azure.net, with mode maa",
       since=7, page="microsoft-azure-attestation", built=CARRIED, variable=_V, check=_azure),
    _M("security.attestation.certificates", "list", "PEM certificates, with mode maa",
       "Microsoft's", since=7, page="microsoft-azure-attestation", built=CARRIED, variable=_V),
    _M("security.attestation.min_rsa_signing_key_size", "text", "bits, with mode maa", "2048",
       since=7, page="microsoft-azure-attestation", built=CARRIED, variable=_V, check=_bits),
    _M("security.singleton_enclaves", "text", "true or false", "false", since=9,
       page="singleton-enclaves", built=GUARD, variable=_V, check=_truth),
    _M("security.service_access_token", "text", "any text", since=9, page="service-access-token",
       built=GUARD, variable=9, check=_text),
)
# fmt: on

#: Every member, by path.
TABLE: Mapping[str, Member] = {row.path: row for row in _ROWS}
#: Words of a member that casnb has not built.
REFUSED_WORDS: Mapping[str, tuple[str, ...]] = {"secret_config.store_in": ("!akv",)}
#: Members of language 0.1, which casnb does not read, by where they stood.
FIRST_LANGUAGE = {
    "": ("digest", "tags", "exports", "board_members", "board_policy"),
    "services": ("import", "tags"),
    "images": ("import", "mrenclaves", "tags"),
}


def index(table: Mapping[str, Member]) -> dict[str, dict[str, Member]]:
    """Return the members right below each path, by name; the empty path is the top."""
    found: dict[str, dict[str, Member]] = {}
    for row in table.values():
        found.setdefault(row.path.rpartition(".")[0], {})[row.name] = row
    return found


_INDEX = index(TABLE)


def below(path: str) -> dict[str, Member]:
    """Return the members right below a path, by name; the empty path is the top."""
    return _INDEX.get(path, {})


def guards(path: str) -> tuple[str, ...]:
    """Return the names below a path that keep everybody out where they are set."""
    return tuple(name for name, row in below(path).items() if row.built == GUARD)


def carried(path: str) -> tuple[str, ...]:
    """Return the names below a path that are kept and hashed, guards among them."""
    return tuple(n for n, row in below(path).items() if row.built in (CARRIED, GUARD))


def minor(version: str) -> int:
    """Return the minor version that a text of this language may use: 0.3 alone means the newest;
    0.2 gives -1.
    """
    if version == "0.2":
        return -1
    return int(version[4:]) if version.startswith("0.3.") else NEWEST
