"""The mistakes of the certificate gallery: which server each one meets, and what it teaches."""

from __future__ import annotations

from typing import NamedTuple

from casnb.tls.diagnoses import TLS_NAME

#: A name that no certificate of these servers has.
OTHER_NAME = "cas.elsewhere.example"


class Mistake(NamedTuple):
    """One way to connect: to which server, with which file of certificates, for which name, with
    or without verification.
    """

    id: str
    title: str
    server: str = "cas"
    file: str = "cas_cert.crt"
    name: str = TLS_NAME
    verify: bool = True
    note: str = ""


#: In the order of a lesson; the first is not a mistake. Servers are `cas`, `nobody`, or a kind of
#: `Mishaps`.
MISTAKES: tuple[Mistake, ...] = (
    Mistake("right", "the attested certificates, the name cas"),
    Mistake("no-file", "no certificates named, so the system's authorities count", file=""),
    Mistake("empty-file", "an empty file: the command that wrote it had failed", file="empty.crt"),
    Mistake("wrong-file", "the certificates of another CAS", file="other.crt"),
    Mistake(
        "somebody-else",
        "the right file, and another CAS answers",
        "foreign",
        note=(
            "The message is that of the wrong file: a client cannot tell which of the two is the"
            " wrong one."
        ),
    ),
    Mistake(
        "insecure",
        "the same, with verification switched off",
        "foreign",
        verify=False,
        note="No error, no warning from curl: this is the dangerous one.",
    ),
    Mistake("name", "a name that the certificate does not have", name=OTHER_NAME),
    Mistake(
        "leaf-file",
        "the server's own certificate in place of its authorities",
        file="leaf.crt",
        note=(
            "Some tools (curl, Python from 3.13 on) take whatever stands in the file for the end of"
            " a chain, others want a root. Who saves what a server shows, and trusts it, trusts"
            " whoever answered."
        ),
    ),
    Mistake(
        "instance-file",
        "one certificate of the two",
        file="instance.crt",
        note="Who goes on here is right: the instance was attested too.",
    ),
    Mistake("leaf-as-authority", "a certificate that a stolen TLS key signed", "signed-by-leaf"),
    Mistake("self-made", "a server with a self-made certificate", "self-made"),
    Mistake("expired", "a server whose certificate has expired", "expired"),
    Mistake("not-yet", "a server whose certificate is not valid yet", "early"),
    Mistake("plain", "a server that speaks plain HTTP", "plain"),
    Mistake("refused", "nobody listens", "nobody"),
)
