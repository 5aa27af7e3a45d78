"""One well-formed piece of evidence of each kind, made from fixed random bytes: nothing here is
signed by anybody.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date
from random import Random

from casnb.evidence.ledger import Eadd, Ecreate, Eextend, Ledger
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.report import ReportBody
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import HEADER, HEADER2

_random = Random(7)


def noise(size: int) -> bytes:
    """Bytes that have no zero, so that a field read from the wrong place shows."""
    return bytes(_random.randrange(1, 256) for _ in range(size))


BODY = ReportBody(
    cpu_svn=noise(16),
    misc_select=1,
    reserved1=bytes(12),
    isv_ext_prod_id=noise(16),
    attributes_flags=0x7,
    attributes_xfrm=0xE7,
    mr_enclave=noise(32),
    reserved2=bytes(32),
    mr_signer=noise(32),
    reserved3=bytes(32),
    config_id=noise(64),
    isv_prod_id=41316,
    isv_svn=5,
    config_svn=9,
    reserved4=bytes(42),
    isv_family_id=noise(16),
    report_data=noise(64),
)

QUOTE = Quote(
    version=3,
    att_key_type=2,
    tee_type=0,
    qe_svn=10,
    pce_svn=15,
    qe_vendor_id=noise(16),
    user_data=noise(20),
    body=BODY,
    signature=noise(64),
    attestation_key=noise(64),
    qe_report=BODY,
    qe_report_signature=noise(64),
    auth_data=noise(32),
    certification_type=5,
    certification_data=b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(noise(99)),
)

EPID = EpidQuote(
    version=2,
    sign_type=1,
    epid_group_id=2809,
    qe_svn=7,
    pce_svn=6,
    xeid=0,
    basename=noise(32),
    body=BODY,
)
EPID_SIGNED = EpidQuote(
    version=2,
    sign_type=0,
    epid_group_id=2809,
    qe_svn=7,
    pce_svn=6,
    xeid=0,
    basename=noise(32),
    body=BODY,
    signature=noise(680),
)

LEDGER = Ledger(
    (
        Ecreate(1, 16384),
        Eadd(0, 0x205),
        *(Eextend(n * 256, noise(256)) for n in range(16)),
        Eadd(8192, 0x203),
    )
)

SIGSTRUCT = SigStruct(
    header=HEADER,
    vendor=0,
    date=int(date(2026, 2, 28).strftime("%Y%m%d"), 16),
    header2=HEADER2,
    swdefined=0,
    reserved1=bytes(84),
    modulus=noise(384),
    exponent=3,
    signature=noise(384),
    miscselect=0,
    miscmask=0xFFFFFFFF,
    cet_attributes=b"\0",
    cet_attributes_mask=b"\0",
    reserved2=bytes(2),
    isv_family_id=bytes(16),
    attributes=noise(16),
    attribute_mask=noise(16),
    enclave_hash_bytes=hashlib.sha256(LEDGER.to_bytes()).digest(),
    reserved3=bytes(16),
    isv_ext_prod_id=bytes(16),
    isv_prod_id=1,
    isv_svn=2,
    reserved4=bytes(12),
    q1=noise(384),
    q2=noise(384),
)

#: Leave a member out by giving it this value.
ABSENT = object()


def avr(**changes: object) -> bytes:
    """An IAS report of version 4 with members changed, added or (ABSENT) left out."""
    body = {
        "nonce": "ab" * 16,
        "id": "104078828093493237715491076693079367680",
        "timestamp": "2019-07-19T09:17:10.123456",
        "version": 4,
        "epidPseudonym": "cHNldWRvbnlt",
        "advisoryURL": "https://security-center.intel.com",
        "advisoryIDs": ["INTEL-SA-00334"],
        "isvEnclaveQuoteStatus": "GROUP_OUT_OF_DATE",
        "isvEnclaveQuoteBody": base64.b64encode(EPID.to_bytes()).decode(),
    }
    body.update(changes)
    return json.dumps(
        {k: v for k, v in body.items() if v is not ABSENT}, separators=(",", ":")
    ).encode()


_PROOF: dict[str, dict[str, object]] = {
    "IASReport": {
        "type": "IASReport",
        "request_id": "04b865cb",
        "report_signature": base64.b64encode(noise(256)).decode(),
        "signing_certificate": "-----BEGIN CERTIFICATE-----\n",
        "advisory_url": None,
        "advisory_ids": "INTEL-SA-00233,INTEL-SA-00203",
        "body": avr().decode(),
    },
    "EPIDQuote": {
        "type": "EPIDQuote",
        "quote": base64.b64encode(EPID_SIGNED.to_bytes()).decode(),
        "spid": "12" * 16,
        "linkable": False,
    },
    "DCAPQuote": {
        "type": "DCAPQuote",
        "quote": base64.b64encode(QUOTE.to_bytes()).decode(),
        "endorsements": {"tcb_info": "{}"},
    },
}


def cas_report(
    kind: str = "IASReport",
    *,
    proof: dict[str, object] | None = None,
    extra: dict[str, object] | None = None,
    beside: dict[str, object] | None = None,
) -> bytes:
    """A CAS report of this type; `proof`, `extra` and `beside` change its two parts and what
    stands beside them.
    """
    first = {**_PROOF[kind], **(proof or {})}
    second = {
        "type": "CasAttestationDataV1",
        "nonce": "12" * 16,
        "cert_chain": "-----BEGIN CERTIFICATE-----\r\n",
        **(extra or {}),
    }
    whole = {
        "proof_data": {k: v for k, v in first.items() if v is not ABSENT},
        "additional_data": {k: v for k, v in second.items() if v is not ABSENT},
        **(beside or {}),
    }
    return json.dumps(
        {k: v for k, v in whole.items() if v is not ABSENT}, indent=2, ensure_ascii=False
    ).encode()


#: Every binary structure as bytes, and JSON too: what the property tests start from.
ALL: dict[str, bytes] = {
    "report-body": BODY.to_bytes(),
    "dcap-quote": QUOTE.to_bytes(),
    "epid-quote-432": EPID.to_bytes(),
    "epid-quote-signed": EPID_SIGNED.to_bytes(),
    "sigstruct": SIGSTRUCT.to_bytes(),
    "sgxs": LEDGER.to_bytes(),
    "ias-report": avr(),
    "cas-report-ias": cas_report(),
    "cas-report-epid": cas_report("EPIDQuote"),
    "cas-report-dcap": cas_report("DCAPQuote"),
}
