"""The certificates of a simulated CAS, in the form that a CAS has given them since 2025, and those
of the page's server, which has nothing to do with the CAS or with Intel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from casnb.simulator.intel import ORGANIZATION, key_usage
from casnb.simulator.keys import KeyPair, Seed, certificate, distinguished_name, spki

_CAS_VALID = (
    datetime(2025, 7, 3, 8, 54, 38, tzinfo=timezone.utc),
    datetime(4096, 1, 1, tzinfo=timezone.utc),
)
_SERVER_VALID = (
    datetime(2020, 1, 1, tzinfo=timezone.utc),
    datetime(4096, 1, 1, tzinfo=timezone.utc),
)
#: What the page's authority may vouch for: this machine. Its key is public, so wherever somebody
#: imported it, it must be worth nothing for any other name.
_HERE: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_network("127.0.0.0/8")),
    x509.IPAddress(ip_network("::1/128")),
)


def cas_authority(seed: Seed, scenario: str, name: str, signer: KeyPair | None) -> KeyPair:
    """Return a CA certificate of the CAS: key identifier from the SPKI, critical basic constraints,
    nothing else.
    """
    key = seed.p256(f"{name} {scenario}")
    identifier = hashlib.sha256(spki(key.public_key())).digest()[:20]
    return certificate(
        distinguished_name(CN=name),
        key,
        signer,
        seed.serial(f"{name} {scenario}", 8),
        _CAS_VALID,
        [
            (x509.SubjectKeyIdentifier(identifier), False),
            (x509.BasicConstraints(True, None), True),
        ],
    )


def tls_leaf(seed: Seed, scenario: str, instance: KeyPair, names: Sequence[str] = ()) -> KeyPair:
    """Return what the CAS presents on its TLS port: `cas`, `localhost` and the given host names or
    IP addresses, signed by `cas-instance`.
    """
    name = distinguished_name(
        CN="cas",
        C="DE",
        O="scontain GmbH",
        ST="Saxony",
        L="Dresden",
        emailAddress="info@scontain.com",
    )
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    label = f"tls {scenario}"
    return certificate(
        name,
        seed.p256(label),
        instance,
        seed.serial(" ".join((label, *names)), 8),
        _SERVER_VALID,
        [
            (
                x509.SubjectAlternativeName(
                    [_general_name(n) for n in ("cas", "localhost", *names)]
                ),
                False,
            ),
            (usage, False),
            (x509.BasicConstraints(False, None), True),
        ],
    )


def site_authority(seed: Seed, host: str = "") -> KeyPair:
    """Return the authority for the page's server: neither the CAS's nor Intel's. It may vouch for
    loopback, and for `host` where the world is served there: a class server's seeds are secret.
    """
    more: tuple[x509.GeneralName, ...] = ()
    if host:
        try:
            more = (x509.IPAddress(ip_network(host)),)
        except ValueError:
            more = (x509.DNSName(host),)
    key = seed.p256("page authority")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return certificate(
        distinguished_name(CN="SIMULATED web authority", O=ORGANIZATION),
        key,
        None,
        seed.serial("page authority"),
        _SERVER_VALID,
        [
            (identifier, False),
            (x509.BasicConstraints(True, 0), True),
            (key_usage("key_cert_sign", "crl_sign"), True),
            (x509.NameConstraints([*_HERE, *more], None), True),
        ],
    )


def site_certificate(seed: Seed, authority: KeyPair, addresses: Sequence[str] = ()) -> KeyPair:
    """Return a certificate for the page's server: `localhost`, `127.0.0.1` and the given
    host names or IP addresses; its authority must be one that may vouch for them.

    It carries all that strict X.509 verification asks for (Python 3.13 and later does).
    """
    names = tuple(dict.fromkeys(("localhost", "127.0.0.1", *addresses)))
    key = seed.p256("page")
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    return certificate(
        distinguished_name(CN="localhost", O=ORGANIZATION),
        key,
        authority,
        seed.serial("page " + " ".join(names)),
        _SERVER_VALID,
        [
            (own, False),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), False),
            (x509.BasicConstraints(False, None), True),
            (key_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_general_name(n) for n in names]), False),
        ],
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
