"""Endorsements: what goes with a DCAP quote, and the proof that Intel signed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, VerificationError
from casnb.base.times import stamp
from casnb.checks.result import Check
from casnb.evidence.signed_lists import split_signed
from casnb.verify.certificate import Certificate, require_inside
from casnb.verify.crl import Crl
from casnb.verify.lists import QeIdentity as QeIdentity
from casnb.verify.lists import TcbInfo as TcbInfo
from casnb.verify.lists import unhex
from casnb.verify.misfits import Held, explain, wrong_list
from casnb.verify.p256 import verify_p256
from casnb.verify.pki import (
    TCB_SIGNER,
    PckChain,
    TrustAnchors,
    require_pck_authority,
    tcb_signer,
)
from casnb.verify.proof import Steps, utc
from casnb.verify.signatures import require_signed_by

_LIMIT = 8 << 20


@dataclass(frozen=True)
class Endorsements:
    """The ten texts that go with a DCAP quote, exactly as served; an empty text means that it is
    missing.

    Chains are PEM, revocation lists DER in hex (or PEM), signatures hex (r then s).
    `pck_certificate_chain` is for quotes that carry none.
    """

    pck_crl_issuer_chain: str = ""
    root_ca_crl: str = ""
    pck_crl: str = ""
    tcb_info_issuer_chain: str = ""
    tcb_info: str = ""
    tcb_info_signature: str = ""
    qe_identity_issuer_chain: str = ""
    qe_identity: str = ""
    qe_identity_signature: str = ""
    pck_certificate_chain: str = ""

    @classmethod
    def from_json(cls, data: bytes | str | Mapping[str, object]) -> Endorsements:
        """Read a JSON object (or its value) with these members; raise EvidenceError for another
        member or type.

        Intel's own structure is read, too: `version` and `tee_type` (0 for SGX), and lists with
        their signature in one text.
        """
        body = (
            data
            if isinstance(data, Mapping)
            else strictjson.loads(data, "endorsements", limit=_LIMIT)
        )
        if not isinstance(body, Mapping):
            raise EvidenceError("endorsements", got=type(body).__name__, wanted="a JSON object")
        found = {}
        for name, value in body.items():
            if name in _HEAD:
                _require_head(name, value)
                continue
            if name not in _MEMBERS:
                raise EvidenceError(
                    "endorsements",
                    got=f"member {name!r}",
                    wanted="only " + ", ".join(sorted(_MEMBERS)),
                )
            if value is not None and not isinstance(value, str):
                raise EvidenceError(f"endorsements.{name}", got=type(value).__name__, wanted="text")
            found[name] = value or ""
        for name, served in _SERVED.items():
            _part(found, name, served)
        return cls(**found)

    def to_json(self) -> dict[str, str]:
        """Return the members that are there, in the usual order."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}


_MEMBERS = frozenset(f.name for f in fields(Endorsements))
#: The first members of Intel's structure (`sgx_ql_qve_collateral_t`), with the values that there
#: are. Tools that mirror it write them beside the texts.
_HEAD: Mapping[str, tuple[object, ...]] = {
    "version": (1, 3, 4, 3.1, "1", "3", "3.1", "4"),
    "tee_type": (0, "0", "SGX"),
}
_TDX = (0x81, "0x81", "129", "TDX")
#: In Intel's structure a list is the whole answer: list and signature under these names.
_SERVED: Mapping[str, str] = {"tcb_info": "tcbInfo", "qe_identity": "enclaveIdentity"}


def _require_head(name: str, value: object) -> None:
    if isinstance(value, bool) or value not in _HEAD[name]:
        tdx = name == "tee_type" and not isinstance(value, bool) and value in _TDX
        raise EvidenceError(
            f"endorsements.{name}",
            got=f"{value!r}{' (lists for TDX)' if tdx else ''}",
            wanted="0 (lists for SGX)" if name == "tee_type" else "1, 3, 3.1 or 4",
        )


def _part(found: dict[str, str], name: str, served: str) -> None:
    """Take a whole answer apart into the text that is signed and its signature."""
    text, signature = found.get(name, ""), f"{name}_signature"
    if text.lstrip().startswith(f'{{"{served}"') and not found.get(signature):
        found[name], found[signature] = split_signed(text.encode("utf-8", "replace"), served)


S = TypeVar("S")


@dataclass(frozen=True)
class Signed(Generic[S]):
    """One signed list: what it says and who signed it, or why it is not to be believed."""

    value: S | None = None
    signer: Certificate | None = None
    root: Certificate | None = None
    error: CasnbError | None = None


@dataclass(frozen=True)
class VerifiedEndorsements:
    """Endorsements whose signatures were checked under `roots`, once for many quotes of a
    platform model.

    Signatures hold for ever; dates are compared again with the `now` of each verification.
    `root_crl` and `pck_crl` are revocation lists signed by `root` and `pck_ca`, or None; without
    a `pck_ca` the signature of `pck_crl` is not checked yet. `crl_error` says why one of them
    cannot be used. `chains` are the PCK chains whose signatures hold under `roots`, by the text
    they stood in: many quotes come from one platform. Whether they are valid and not revoked is
    for each verification to say.
    """

    source: Endorsements
    roots: TrustAnchors
    at: datetime
    tcb_info: Signed[TcbInfo]
    qe_identity: Signed[QeIdentity]
    root: Certificate | None = None
    root_crl: Crl | None = None
    pck_ca: Certificate | None = None
    pck_crl: Crl | None = None
    crl_error: CasnbError | None = None
    chains: dict[bytes, PckChain] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The four checks that need no quote, made at `at`."""
        steps = Steps()
        self.run(steps, self.at)
        return steps.checks()

    def run(self, steps: Steps, now: datetime) -> None:
        """Make the four checks that need no quote."""
        steps.run("tcb-info-signature", lambda: self._signature(self.tcb_info, now))
        steps.run(
            "tcb-info-current",
            lambda: _current(self.tcb_info, "TCB info", now),
            "tcb-info-signature",
        )
        steps.run("qe-identity-signature", lambda: self._signature(self.qe_identity, now))
        steps.run(
            "qe-identity-current",
            lambda: _current(self.qe_identity, "QE identity", now),
            "qe-identity-signature",
        )

    def _signature(self, signed: Signed[S], now: datetime) -> tuple[None, str, str]:
        if signed.error is not None or signed.signer is None or signed.root is None:
            raise signed.error or VerificationError("signature", got="none")
        signed.root.require_valid_at(now)
        signed.signer.require_valid_at(now)
        # Without the root's list nothing is said of this signer here; `pck-revocation` fails then,
        # and a flag that accepts that says so.
        if self.root_crl is not None and self.root is not None:
            if signed.root.der != self.root.der:
                raise VerificationError(
                    "root CA revocation list",
                    got="another root's",
                    wanted=f"the one of {signed.root}",
                )
            if self.root_crl.lists(signed.signer):
                raise VerificationError(
                    f"certificate {signed.signer.name}",
                    got="revoked",
                    wanted="not on the root's list",
                )
        return None, signed.signer.name, f"{TCB_SIGNER}, over the text as received"


def _current(
    signed: Signed[TcbInfo] | Signed[QeIdentity], name: str, now: datetime
) -> tuple[None, str, str]:
    assert signed.value is not None
    issued, following = signed.value.issued, signed.value.next_update
    require_inside(name, (issued, following), now)
    return None, f"{stamp(issued)} to {stamp(following)}", f"{stamp(now)} in between"


def verify_endorsements(
    endorsements: Endorsements, *, roots: TrustAnchors, now: datetime
) -> VerifiedEndorsements:
    """Check the signatures on lists and revocation lists under pinned `roots`; never raises for
    bad endorsements.

    The result is good for many quotes: give it to `verify_quote` instead of the endorsements.
    `now` dates its `checks`. Not checked here: whether they fit a particular platform. Raises
    UsageError for a `now` without a time zone.
    """
    signers: dict[str, tuple[Certificate, Certificate]] = {}
    info = _signed(endorsements, "tcb_info", TcbInfo.from_json, roots, signers)
    identity = _signed(endorsements, "qe_identity", QeIdentity.from_json, roots, signers)
    found = _Crls()
    for read in (_root_revocation, _pck_revocation):
        try:
            read(endorsements, roots, found)
        except CasnbError as exc:
            found.error = found.error or exc
    return VerifiedEndorsements(
        endorsements,
        roots,
        utc(now),
        info,
        identity,
        found.root,
        found.root_crl,
        found.pck_ca,
        found.pck_crl,
        found.error,
    )


@dataclass
class _Crls:
    """The revocation lists while they are read; `error` is the first thing that was wrong."""

    root: Certificate | None = None
    root_crl: Crl | None = None
    pck_ca: Certificate | None = None
    pck_crl: Crl | None = None
    error: CasnbError | None = None


def _signed(
    e: Endorsements,
    name: str,
    read: Callable[[str], S],
    roots: TrustAnchors,
    signers: dict[str, tuple[Certificate, Certificate]],
) -> Signed[S]:
    """Check one signed text; a chain that was checked for the other one, to the letter, is not
    checked again.
    """
    what = name.replace("_", " ")
    text, chain = getattr(e, name), getattr(e, f"{name}_issuer_chain")
    try:
        if not text:
            raise VerificationError(what, got="nothing", wanted="the signed text")
        try:
            if chain not in signers:
                signers[chain] = tcb_signer(
                    chain.encode("utf-8", "replace"), roots, f"{what} issuer chain"
                )
            signer, root = signers[chain]
            signature = unhex(getattr(e, f"{name}_signature"), f"{what}: signature", 64)
            # The text as received: written again from its JSON it would be other bytes. A lone
            # surrogate has no UTF-8; passed on, it makes bytes that no signature fits.
            if not verify_p256(signer.key, signature, text.encode("utf-8", "surrogatepass")):
                wanted = f"{signer.name}'s, over the text as received"
                raise VerificationError(
                    f"{what}: signature", got="one that does not fit", wanted=wanted
                )
        except CasnbError as exc:
            raise _explained(exc, e, name, roots) from None
        return Signed(read(text), signer, root)
    except CasnbError as exc:
        return Signed(error=exc)


def _explained(exc: CasnbError, e: Endorsements, name: str, roots: TrustAnchors) -> CasnbError:
    """Return the same error with the mishap that explains it, if a known one does."""
    texts = {f.name: getattr(e, f.name) for f in fields(e)}

    def chain(of: str) -> bytes:
        return str(texts[of]).encode("utf-8", "replace")

    held = Held(
        texts[name].encode("utf-8", "surrogatepass"),
        _raw(texts[f"{name}_signature"]),
        chain(f"{name}_issuer_chain"),
        tuple((n, _raw(texts[f"{n}_signature"])) for n in _SERVED if n != name),
        tuple((n, chain(n)) for n in texts if n.endswith("_chain") and n[: len(name)] != name),
    )

    def fits(held: Held) -> bool:
        signer, _ = tcb_signer(held.chain, roots, "issuer chain")
        return len(held.signature) == 64 and verify_p256(signer.key, held.signature, held.text)

    told = explain(held, fits)
    return type(exc)(exc.subject, got=exc.got, wanted=exc.wanted, do=told) if told else exc


def _raw(signature: str) -> bytes:
    """Return a signature's bytes, or the text itself where it is not hex."""
    try:
        return bytes.fromhex(signature)
    except ValueError:
        return signature.encode("utf-8", "replace")


def _root_revocation(e: Endorsements, roots: TrustAnchors, found: _Crls) -> None:
    """Check the root's list; raise VerificationError or EvidenceError where it cannot be used."""
    crl = Crl.read(e.root_ca_crl, "root CA revocation list")
    # The pinned root, not one that came along: whoever leaves the list's chain out gains nothing.
    root = next((c for c in roots.dcap_pins.values() if c.subject == crl.issuer), None)
    if root is None:
        raise VerificationError(
            "root CA revocation list: issuer", got="another name", wanted=f"the {roots.label} root"
        )
    require_signed_by(crl, root, "root CA revocation list")
    found.root, found.root_crl = root, crl


def _pck_revocation(e: Endorsements, roots: TrustAnchors, found: _Crls) -> None:
    """Check the list of platforms; raise likewise. Without a `pck_ca` nobody has looked at its
    signature yet.
    """
    found.pck_crl = listed = Crl.read(e.pck_crl, "PCK revocation list")
    if e.pck_crl_issuer_chain:
        what = "PCK revocation list: issuer chain"
        (ca, *_), top = roots.chain(
            e.pck_crl_issuer_chain.encode("utf-8", "replace"), what, 2, 2, roots.dcap_pins
        )
        require_pck_authority(ca, top, roots)
        require_list_of(listed, ca)
        found.pck_ca = ca


def require_list_of(listed: Crl, authority: Certificate) -> None:
    """Raise VerificationError unless this authority signed the list of platforms; of another
    issuer's list it is said whose it is.
    """
    try:
        require_signed_by(listed, authority, "PCK revocation list")
    except VerificationError as exc:
        told = wrong_list(listed, authority)
        raise VerificationError(exc.subject, got=exc.got, wanted=exc.wanted, do=told) from None
