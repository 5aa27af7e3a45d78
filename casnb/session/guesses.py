"""What nothing public says about sessions, and how casnb does it: one row each, by an id that a
program can look for.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Id to what casnb does. A real CAS may do otherwise; `docs/sessions.md` is a rendering of these
#: rows.
GUESSES: Mapping[str, str] = {
    "hash-place-of-secrets": (
        "In the hash `salt`, `namespace_hash` and `secret_config` follow `predecessor`; `images`,"
        " `volumes` and `secrets` stand between `services` and `access_policy`."
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
    "version-open": ('version: "0.3" may use whatever 0.3.12 has; "0.3.N" what was there by then.'),
    "key-hash": "A key hash is taken over the DER form of the public key (SubjectPublicKeyInfo).",
    "creator-signer": (
        "`creator: {signer: KEY}` keeps the key as it was given, PEM or 50 characters of Base58."
    ),
    "quorum-counts-keys": (
        "`require-at-least-N` counts different keys: one key that meets two entries counts once."
    ),
    "secret-blank": "A made ascii secret has special characters, and no space.",
    "certificate-end": (
        "A certificate without `valid_for` is good until 4096-01-01, like a CAS's own. A month has"
        " 30 days. Its key usage is what its kind needs."
    ),
    "certificate-several": (
        "A value of several certificates is kept, hashed and given out whole, in its order; in DER"
        " it has no form."
    ),
    "old-authority": (
        "In language 0.2 the session's certificate signs itself, stays over updates, and exported"
        " certificates bring their keys along."
    ),
    "placeholder-unknown": (
        "A placeholder that the tables do not have is refused when a session is checked or"
        " uploaded; of an import without `kind`, when a service asks."
    ),
    "name-slash": "A slash in front of a session's name, in a reference or a request, is left out.",
    "secret-migration": (
        "Over an update only values that the CAS made are kept; one that the text gave before is"
        " not."
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
    "password-window": (
        "A one-time password is good in its half minute and the next, once, and none before it"
        " afterwards; it is asked for once the evidence is accepted."
    ),
    "tolerate-configuration": (
        "-C stands for hyperthreading, insecure-igpu and insecure-configuration alike: any of the"
        " three words accepts the status, each advisory must still be named."
    ),
}
