"""The simulated world: one object, made from a seed, a scenario and a time, that owns all the
rest. Trust nothing in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casnb.base import strictjson
from casnb.base.errors import UsageError
from casnb.base.times import stamp
from casnb.base.view import Shown, html_table, text_table
from casnb.evidence.avr import SignedAvr
from casnb.evidence.cas_report import CasReport
from casnb.evidence.ledger import Ledger
from casnb.policy.identities import ExpectedSigner
from casnb.simulator.cas_certificates import (
    cas_authority,
    site_authority,
    site_certificate,
    tls_leaf,
)
from casnb.simulator.ias_report import NONCE, avr_members, ias_proof, service_provider
from casnb.simulator.intel import Intel
from casnb.simulator.keys import KeyPair, Seed
from casnb.simulator.platform import CAS_ISVPRODID, CAS_ISVSVN, Enclave, Platform, mrsigner
from casnb.simulator.scenario import RELEASES, SCENARIOS, Release, Scenario
from casnb.verify.endorsements import Endorsements
from casnb.verify.pki import TrustAnchors
from casnb.verify.proof import utc

#: The seed of a world that was not told otherwise; the lessons' prose describes its world.
LESSON_SEED = "casnb"
#: What time it is in a world that was not told otherwise.
LESSON_TIME = datetime(2026, 9, 1, 12, 0, tzinfo=timezone.utc)

_EVIDENCE = {
    "IASReport": "IASReport",
    "EPID": "EPID",
    "EPIDQuote": "EPID",
    "DCAP": "DCAP",
    "DCAPQuote": "DCAP",
}


@lru_cache(maxsize=4)
def _intel(seed: Seed) -> Intel:
    """Worlds of one seed stand side by side, and their authorities are the same."""
    return Intel(seed)


class World(Shown):
    """A CAS, the machine it runs on, and the Intel behind it, all made from a seed: same
    arguments, same bytes.

    `scenario` is a name from `SCENARIOS`, `now` a time with a zone (left out: `LESSON_TIME`).
    Intel's root, the page's authority and every MRENCLAVE follow from the seed alone; the CAS's
    keys and the machine from seed and scenario; only signed lists and reports carry `now`. Parts
    are made when they are first asked for. No socket, no clock.

    >>> world = World("lesson", "production")
    >>> world.vendor.isvprodid, world.roots.simulated
    (41316, True)
    """

    def __init__(
        self,
        seed: str = LESSON_SEED,
        scenario: str | Scenario = "public",
        now: datetime | None = None,
    ) -> None:
        if not isinstance(seed, str) or not 1 <= len(seed) <= 200 or not seed.isprintable():
            raise UsageError(
                "world: seed", got=repr(seed)[:80], wanted="1 to 200 printable characters"
            )
        if isinstance(scenario, str) and scenario not in SCENARIOS:
            raise UsageError(
                "world: scenario", got=scenario, wanted="one of " + ", ".join(SCENARIOS)
            )
        self.setup = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
        self.seed, self.scenario, self.now = seed, self.setup.name, utc(now or LESSON_TIME)
        self._seed = Seed(seed)
        self._build: dict[str, Any] = {}
        #: What its page calls it; where the seed is secret, another name.
        self.public_name = f"seed {seed}"
        #: Where its page is besides on loopback: a host that the page's authority may vouch for.
        self.site_host = ""

    # The machine and the enclave

    @cached_property
    def intel(self) -> Intel:
        """The authorities that vouch for this world's machine; the same for every scenario of a
        seed.
        """
        return _intel(self._seed)

    @cached_property
    def platform(self) -> Platform:
        """The machine on which the CAS runs."""
        return Platform(self._seed, self.intel, self.scenario, self.setup.status)

    @cached_property
    def enclave(self) -> Enclave:
        """The CAS's enclave."""
        version, _, date, _ = RELEASES[0]
        return Enclave(
            **{
                "seed": self._seed,
                "version": version,
                "date": date,
                "signer": self.setup.signer,
                "debug": self.setup.debug,
                **self._build,
            }
        )

    def with_build(self, version: str, **others: Any) -> World:
        """Return this world with another build in the place of its CAS: same machine, same keys,
        another MRENCLAVE.

        `version` may be a row of the page. `others` are `isv_svn`, `isv_prod_id` and `signer`;
        left out, they stay. An update of the CAS keeps its keys, as a real one does: they are
        sealed to the signer.

        >>> update = World("lesson", "production").with_build("6.1.0", isv_svn=6)
        >>> update.mrenclave == World("lesson", "production").mrenclave, update.enclave.isv_svn
        (False, 6)
        """
        date = next((r[2] for r in RELEASES if r[0] == version), RELEASES[0][2])
        other = World(self.seed, self.setup, self.now)
        other._build = {**self._build, "version": version, "date": date, **others}
        return other

    @property
    def ledger(self) -> Ledger:
        """How the enclave was built, record by record."""
        return self.enclave.ledger

    @property
    def sigstruct(self) -> bytes:
        """The signer's statement about the enclave, 1808 bytes."""
        return self.enclave.sigstruct

    def image(self, environment: Mapping[str, str] | None = None) -> bytes:
        """Return the CAS's container image, an OCI archive; `environment` is what it sets for
        its program, such as SCONE_HEAP.
        """
        from casnb.simulator.cas_image import build_image

        version, _, date, _ = RELEASES[1]
        return build_image(self.enclave, Enclave(self._seed, version, date), environment)

    @property
    def mrenclave(self) -> str:
        """The CAS's measurement, 64 hex digits: the reference value that an honest page shows."""
        return self.enclave.mrenclave

    @property
    def mrsigner(self) -> str:
        """Who signed the CAS's enclave in this scenario."""
        return self.enclave.mrsigner

    @cached_property
    def vendor(self) -> ExpectedSigner:
        """What a CAS of this world must be signed by to be a production CAS."""
        return ExpectedSigner(
            mrsigner("vendor"), CAS_ISVPRODID, CAS_ISVSVN, "simulated vendor signer"
        )

    @cached_property
    def release_history(self) -> tuple[Release, ...]:
        """The rows of this world's public CAS page, the running release first; one row has no
        measurement.
        """
        return tuple(
            Release(
                version,
                address,
                Enclave(self._seed, version, date).mrenclave if measured else None,
                date,
            )
            for version, address, date, measured in RELEASES
        )

    # Values

    @property
    def example_value(self) -> str:
        """What `example_value` of `example_session` holds: 42 in the lessons' world, as on the
        assignment's page, and four digits of its own with any other seed.
        """
        return self._drawn("example value", "42")

    @property
    def false_value(self) -> str:
        """What whoever answers in the place of this CAS would have you read; never the true one."""
        found = self._drawn("false value", "1337")
        return found if found != self.example_value else str(int(found) + 1)

    def _drawn(self, label: str, lesson: str) -> str:
        """Return four digits, none of them leading zeros, that the seed alone decides."""
        if self.seed == LESSON_SEED:
            return lesson
        return str(1000 + int.from_bytes(self._seed.octets(label, 8), "big") % 9000)

    # Roots

    @cached_property
    def roots_pem(self) -> bytes:
        """The simulated roots: DCAP (P-256), then IAS (RSA)."""
        return self.intel.root.cert_pem + self.intel.ias_root.cert_pem

    @cached_property
    def roots(self) -> TrustAnchors:
        """The simulated roots as a verifier takes them."""
        return TrustAnchors.from_pem(self.roots_pem, label="simulated", simulated=True)

    # Certificates of the CAS and of the page

    @cached_property
    def cas_root(self) -> KeyPair:
        """`CN=cas`, self-signed: the identity of the instance."""
        return cas_authority(self._seed, self.scenario, "cas", None)

    @cached_property
    def cas_instance(self) -> KeyPair:
        """`CN=cas-instance`, signed by `cas`."""
        return cas_authority(self._seed, self.scenario, "cas-instance", self.cas_root)

    @cached_property
    def tls_leaf(self) -> KeyPair:
        """What the CAS presents on its TLS port: names `cas` and `localhost`, signed by
        `cas-instance`.
        """
        return tls_leaf(self._seed, self.scenario, self.cas_instance)

    @cached_property
    def cas_chain_pem(self) -> bytes:
        """`cas-instance` and `cas` as `scone cas show-certificate` prints them, LF line ends."""
        return self.cas_instance.cert_pem + self.cas_root.cert_pem

    @cached_property
    def tls_chain_pem(self) -> bytes:
        """Leaf, `cas-instance`, `cas`: what the server sends."""
        return self.tls_leaf.cert_pem + self.cas_chain_pem

    def tls_chain_for(self, names: Sequence[str]) -> bytes:
        """Return the same for a server that has more names than `cas` and `localhost`: host names
        and IP addresses. The key is that of `tls_leaf`.
        """
        leaf = tls_leaf(self._seed, self.scenario, self.cas_instance, names)
        return leaf.cert_pem + self.cas_chain_pem

    @cached_property
    def session_encryption_key(self) -> X25519PrivateKey:
        """What decrypts sessions that were encrypted for this CAS."""
        label = f"session encryption {self.scenario}"
        return X25519PrivateKey.from_private_bytes(self._seed.octets(label, 32))

    @cached_property
    def site_ca(self) -> KeyPair:
        """The authority for the page's server; it has nothing to do with the CAS or with Intel."""
        return site_authority(self._seed, self.site_host)

    @property
    def site_ca_pem(self) -> bytes:
        """That authority's certificate."""
        return self.site_ca.cert_pem

    def site_certificate(self, addresses: Sequence[str] = ()) -> KeyPair:
        """Return a certificate for the page's server: `localhost`, `127.0.0.1` and the given
        host names or IP addresses.
        """
        return site_certificate(self._seed, self.site_ca, addresses)

    # Evidence

    def quote(
        self, report_data: bytes, *, body: Mapping[str, Any] | None = None, **overrides: Any
    ) -> bytes:
        """Return a DCAP quote (version 3) of the CAS; `body` replaces report fields by name, the
        rest is `Platform.quote`'s.

        Everything is signed again after the replacement, so `quote(data, body={"isv_svn": 4})`
        is a good quote of a CAS that says 4, and `quote(data, sign_with=key)` one whose
        signature fails.
        """
        return self.platform.quote(
            self.platform.report_body(self.enclave, report_data, body), **overrides
        ).to_bytes()

    def local_report(self, report_data: bytes = bytes(64)) -> bytes:
        """Return the local REPORT of the CAS for a neighbour on its machine: 432 bytes, as the
        signed part of a quote has.
        """
        return self.platform.local_report(self.platform.report_body(self.enclave, report_data))

    def endorsements(self, now: datetime | None = None, **overrides: Any) -> Endorsements:
        """Return Intel's lists for this machine at `now` (left out: the world's); overrides are
        `Intel.endorsements`'s.
        """
        return Endorsements.from_json(self.intel.endorsements(utc(now or self.now), **overrides))

    @cached_property
    def spid(self) -> bytes:
        """The service provider that this CAS is towards IAS, 16 bytes."""
        return self._seed.octets("spid", 16)

    def epid_quote(
        self,
        report_data: bytes,
        *,
        body: Mapping[str, Any] | None = None,
        spid: bytes | None = None,
        linkable: bool = True,
        fields: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return an EPID quote of the CAS, 1116 bytes; its group signature is made up, see
        `Platform.epid_quote`.
        """
        report = self.platform.report_body(self.enclave, report_data, body)
        return self.platform.epid_quote(
            report, spid=spid or self.spid, linkable=linkable, fields=fields
        ).to_bytes()

    def avr(
        self,
        report_data: bytes,
        *,
        body: Mapping[str, Any] | None = None,
        members: Mapping[str, Any] | None = None,
        nonce: str = "",
        now: datetime | None = None,
        sign_with: KeyPair | None = None,
    ) -> SignedAvr:
        """Return a signed IAS report (version 4) about the CAS, made at `now` (left out: the
        world's).

        `body` replaces fields of the report body, `members` members of the JSON (None drops
        one), `sign_with` the signer.
        """
        at = utc(now or self.now)
        quote = self.epid_quote(report_data, body=body)[:432]
        platform = self.platform
        found, request_id = avr_members(
            quote,
            self.setup.status,
            at=at,
            nonce=nonce,
            pseudonym=platform.epid_pseudonym(self.spid),
            platform_info=platform.platform_info,
        )
        found = {k: v for k, v in {**found, **(members or {})}.items() if v is not None}
        return self.intel.sign_avr(found, request_id, sign_with)

    def additional_data(self, nonce: str = "") -> dict[str, Any]:
        """Return what the CAS has the evidence speak for: its chain (CRLF line ends,
        `cas-instance` first) and a nonce.
        """
        return {
            "type": "CasAttestationDataV1",
            "nonce": nonce,
            "cert_chain": self.cas_chain_pem.decode().replace("\n", "\r\n"),
        }

    def attest(
        self,
        type: str = "IASReport",
        nonce: str = "",
        now: datetime | None = None,
        *,
        spid: str | None = None,
        linkable: bool = False,
    ) -> bytes:
        """Return the body of `/v1/attest`: `type` is IASReport, EPID or DCAP, `nonce` empty or
        32 hex digits.

        `spid` (32 hex digits) and `linkable` are for EPID. Raises UsageError for a type that
        this scenario does not have.

        >>> World().attest(nonce="00" * 16)[:16]
        b'{\\n  "proof_data"'
        """
        kind = _EVIDENCE.get(type, "")
        if kind not in self.setup.evidence:
            raise UsageError(
                "evidence type",
                got=type,
                wanted=" or ".join(self.setup.evidence) + f" (scenario {self.scenario})",
            )
        if not NONCE.fullmatch(nonce):
            raise UsageError("nonce", got=nonce, wanted="32 hex digits")
        extra = self.additional_data(nonce)
        data = hashlib.sha512(strictjson.compact(extra)).digest()
        return CasReport.build(
            self.proof(data, kind, now, spid=spid, linkable=linkable), extra
        ).to_json()

    def proof(
        self,
        report_data: bytes,
        kind: str | None = None,
        now: datetime | None = None,
        *,
        spid: str | None = None,
        linkable: bool = False,
    ) -> dict[str, Any]:
        """Return evidence whose report_data (64 bytes) is given, as `proof_data`; by default of
        the first kind there is.
        """
        kind = kind or self.setup.evidence[0]
        if kind == "IASReport":
            return ias_proof(self.avr(report_data, now=now))
        if kind == "EPID":
            provider = service_provider(spid) if spid is not None else self.spid
            quote = self.epid_quote(report_data, spid=provider, linkable=linkable)
            return {
                "type": "EPIDQuote",
                "quote": base64.b64encode(quote).decode(),
                "spid": provider.hex(),
                "linkable": linkable,
            }
        return {
            "type": "DCAPQuote",
            "quote": base64.b64encode(self.quote(report_data)).decode(),
            "endorsements": self.intel.endorsements(utc(now or self.now)),
        }

    def secret(self, label: str, size: int) -> bytes:
        """Return bytes that this CAS alone would know, were its seed not public."""
        return self._seed.octets(f"{label} {self.scenario}", size)

    # How it shows

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("seed", self.seed),
            ("scenario", f"{self.scenario}: {self.setup.title}"),
            ("time", stamp(self.now)),
            ("evidence", " and ".join(self.setup.evidence)),
            ("TCB status", self.setup.status_text),
            ("debug enclave", "yes" if self.setup.debug else "no"),
            ("signer", f"simulated {self.setup.signer} signer"),
            ("MRSIGNER", self.mrsigner),
            ("MRENCLAVE", self.mrenclave),
            ("CAS root SHA-256", hashlib.sha256(self.cas_root.spki).hexdigest()),
        ]

    def __repr__(self) -> str:
        return f"World({self.seed!r}, {self.scenario!r}, now={stamp(self.now)})"

    def __str__(self) -> str:
        return text_table(("of the world", "value"), self._rows())

    def _html(self) -> str:
        return html_table(
            ("of the world", "value"),
            self._rows(),
            f"A simulated world. {self.setup.story}",
            code=(1,),
        )
