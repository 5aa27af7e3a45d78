"""Revocation: is any certificate of a PCK chain on its issuer's list, and can the lists be
relied on?
"""

from __future__ import annotations

from datetime import datetime

from casnb.base.errors import CasnbError, VerificationError
from casnb.verify.certificate import Certificate, require_inside
from casnb.verify.crl import Crl
from casnb.verify.endorsements import VerifiedEndorsements, require_list_of
from casnb.verify.pki import PckChain
from casnb.verify.signatures import require_signed_by

#: The flags that accept what is found here (long names): a listed PCK certificate; lists that show
#: nothing.
REVOKED, UNVERIFIABLE = "accept-revoked-pcs-certs", "accept-unverifiable-pcs-certs"


class RevocationError(VerificationError):
    """A certificate is revoked, or nothing shows that it is not. `waivable_by`: the flags that
    together accept this, if any do.
    """

    waivable_by: tuple[str, ...] = ()

    @classmethod
    def of(cls, cause: CasnbError, waivable_by: tuple[str, ...], do: str = "") -> RevocationError:
        """Return the cause with the flags that accept it."""
        made = cls(cause.subject, got=cause.got, wanted=cause.wanted, do=do or cause.do)
        made.waivable_by = waivable_by
        return made


def check_revocation(
    chain: PckChain, lists: VerifiedEndorsements, now: datetime
) -> tuple[None, str, str]:
    """Compare leaf, authority and root with both lists at `now`; raise RevocationError.

    A list counts against a certificate as soon as its issuer signed it, out of date or not, for
    nobody is taken off it again. It counts in favour only while it is current. Flags accept the
    leaf alone: a revoked authority or root stays refused, whatever they say. The signer of
    Intel's own lists is not looked at here.
    """
    leaf, ca, root = chain.leaf, chain.authority, chain.root
    doubt = _doubt(ca, root, lists, now)
    # Looked at in spite of any doubt: an old list that names the certificate still says enough.
    found = [c for crl, c in _authentic((leaf, ca, root), lists) if crl.lists(c)]
    if found:
        worst = found[0]
        what = VerificationError(
            f"certificate {worst.name}", got="revoked", wanted="not on its issuer's revocation list"
        )
        flags = (REVOKED, *([UNVERIFIABLE] if doubt else [])) if worst is leaf else ()
        raise RevocationError.of(
            what, flags, f"Besides, {doubt.subject}: {doubt.got}." if doubt else ""
        )
    if doubt is not None:
        raise RevocationError.of(doubt, (UNVERIFIABLE,))
    return (
        None,
        "on neither revocation list",
        "both lists, current, each from the issuer it speaks for",
    )


def _doubt(
    ca: Certificate, root: Certificate, lists: VerifiedEndorsements, now: datetime
) -> CasnbError | None:
    """Return why the two lists together do not show that nothing is revoked, or None."""
    try:
        if (
            lists.crl_error is not None
            or lists.root_crl is None
            or lists.pck_crl is None
            or lists.root is None
        ):
            raise lists.crl_error or VerificationError(
                "revocation lists", got="none", wanted="both"
            )
        if lists.root.der != root.der:
            raise VerificationError(
                "root CA revocation list", got="another root's", wanted=f"the one of {root}"
            )
        if lists.pck_ca is None or lists.pck_ca.der != ca.der:
            require_list_of(lists.pck_crl, ca)
        require_inside("root CA revocation list", lists.root_crl.window, now)
        require_inside("PCK revocation list", lists.pck_crl.window, now)
    except CasnbError as exc:
        return exc
    return None


def _authentic(
    chain: tuple[Certificate, Certificate, Certificate], lists: VerifiedEndorsements
) -> list[tuple[Crl, Certificate]]:
    """Return each certificate with the list that its issuer did sign, the root first."""
    leaf, ca, root = chain
    out = []
    if lists.root_crl is not None and lists.root is not None and lists.root.der == root.der:
        out += [(lists.root_crl, root), (lists.root_crl, ca)]
    if lists.pck_crl is not None:
        try:
            if lists.pck_ca is None or lists.pck_ca.der != ca.der:
                require_signed_by(lists.pck_crl, ca, "PCK revocation list")
            out.append((lists.pck_crl, leaf))
        except CasnbError:
            pass
    return out
