"""Signers that are publicly known, as data, and what a CAS is expected to be signed by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signer:
    """A known MRSIGNER (64 lower-case hex digits): whose it is, and whether everybody holds the
    key.
    """

    name: str
    mrsigner: str
    note: str
    anybody_can_sign: bool = False


@dataclass(frozen=True)
class ExpectedSigner:
    """What a relying party expects by default: signer, ISVPRODID equal, ISVSVN at least."""

    mrsigner: str
    isvprodid: int
    isvsvn: int
    name: str


KNOWN_SIGNERS: tuple[Signer, ...] = (
    Signer(
        "Scontain's CAS signer",
        "b6c14ae06a05284253b548038e269f8225718bc0856828f491ed85174ccc2979",
        "signs production CAS builds that refuse an injected database key",
    ),
    Signer(
        "Scontain's CAS signer for database key injection",
        "195e5a6df987d6a515dd083750c1ea352283f8364d3ec9142b0d593988c6ed2d",
        "signs production CAS builds whose owner may inject the database key, and so read every"
        " secret",
    ),
    Signer(
        "SCONE's built-in test signer",
        "11c4e150b76c2b145f7fadb6c30455e1046b9e6fbb75b49c6e13341ad8acc5bd",
        "the key is part of the SCONE tools: it says nothing about who built the enclave",
        anybody_can_sign=True,
    ),
    Signer(
        "Intel SGX SDK sample signer",
        "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e",
        "the key is published with the SDK's samples: it says nothing about who built the enclave",
        anybody_can_sign=True,
    ),
    Signer(
        "Intel's quoting enclave signer",
        "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff",
        "signs Intel's own quoting enclaves",
    ),
)

#: The packaged keys of the simulator: whoever has casnb has them. No appraisal knows them; a
#: measurement says whose they are.
SIMULATED_SIGNERS: tuple[Signer, ...] = tuple(
    Signer(
        f"casnb's simulated {name} signer",
        mrsigner,
        "the key is part of casnb: it says nothing about who built the enclave",
        anybody_can_sign=True,
    )
    for name, mrsigner in (
        ("vendor", "52135c9b8342a9c89d15022d689a9d7b44367268de92e7d1ed1d4439bdf9de0c"),
        ("test", "d010e41c9db88454f8a26adabbb193ad6cdddc2fdb4b35be99a597bacdad7262"),
        ("owner", "aa2a43d8ab9b9af2e1368889e442cde431869815c7413f26e22aa6f7264b7aab"),
    )
)

#: What `scone cas attest` expects without identity options: Scontain's signer, the CAS product,
#: ISVSVN 5 or later.
SCONTAIN_CAS = ExpectedSigner(KNOWN_SIGNERS[0].mrsigner, 41316, 5, KNOWN_SIGNERS[0].name)


def known_signer(mrsigner: str, *, simulated: bool = False) -> Signer | None:
    """Return the public record of this MRSIGNER, or None; the simulator's own signers are known
    only if `simulated`.
    """
    rows = (*KNOWN_SIGNERS, *SIMULATED_SIGNERS) if simulated else KNOWN_SIGNERS
    return next((s for s in rows if s.mrsigner == mrsigner), None)
