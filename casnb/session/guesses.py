"""What nothing public says about sessions, and how casnb does it: one row each, by an id that a
program can look for.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Id to what casnb does. A real CAS may do otherwise; `docs/sessions.md` is a rendering of these
#: rows.
GUESSES: Mapping[str, str] = {
    "hash-place-of-secrets": (
        "In the hash `images`, `volumes` and `secrets` stand between `services` and"
        " `access_policy`."
    ),
    "hash-order-in-secrets": (
        "Members of a secret are hashed as `name kind value size key_type private_key issuer"
        " common_name endpoint dns san valid_for migrate import export export_public`; `size` (of"
        " what is made), `key_type` and `export_public` are filled in, the others only where they"
        " are written."
    ),
    "hash-order-elsewhere": (
        "Members of `security`, of `environment`, of `attestation` and of whatever casnb only"
        " carries are hashed by name; a service's other members follow `persistency`, by name."
    ),
    "hash-rules-as-written": (
        "Entries of an access policy are hashed in the order in which they are written; one entry"
        " alone becomes a list, and empty items are left out."
    ),
    "hash-old-language": (
        "A session in language 0.2 is hashed and read back by the same rule as one in 0.3."
    ),
    "version-unnamed": (
        "A text without `version` is read as 0.2, as the assignment says; the documentation says"
        " 0.1."
    ),
    "version-minor": (
        "0.3 to 0.3.12 are read alike: no member is refused because it came with a later number."
    ),
    "key-hash": "A key hash is taken over the DER form of the public key (SubjectPublicKeyInfo).",
    "creator-signer": (
        "`creator: {signer: KEY}` keeps the key as it was given, PEM or 50 characters of Base58."
    ),
    "quorum-counts-keys": (
        "`require-at-least-N` counts different keys: one key that meets two entries counts once."
    ),
    "isvsvn-required": "A `signer` under `attestation` must say `isvprodid` and a version.",
    "names-relative": "`./x` is beside the session, `../x` one namespace further up.",
    "secret-printable": (
        "A made ascii secret has no blank, quote, backslash, backquote or dollar sign, so that"
        " shells carry it."
    ),
    "secret-migration": (
        "Over an update only values that the CAS made are kept; one that the text gave before is"
        " not."
    ),
    "binary-placeholder": "A placeholder for a binary secret without a format gives hex.",
    "certificate-defaults": (
        "A certificate is valid for a year and for servers where nothing else is said; a month has"
        " 30 days."
    ),
    "import-public": "What `export_public` shows may be imported by every session.",
    "import-authority": (
        "Whoever an x509-ca is exported to may have certificates issued by it; public alone is not"
        " enough."
    ),
    "import-when": (
        "An import is looked up when the value is wanted, not when the session is stored; an issuer"
        " at once."
    ),
    "import-withdrawn": (
        "An import by `session_hash` needs the export in that version and in the current one: what"
        " is no longer exported is no longer imported."
    ),
    "value-kinds": (
        "In `/v1/values` the `kind` of an ascii secret is `string`, known; the others carry their"
        " own kind."
    ),
    "tolerate-configuration": (
        "-C stands for hyperthreading, insecure-igpu and insecure-configuration alike: any of the"
        " three words accepts the status, each advisory must still be named."
    ),
}
