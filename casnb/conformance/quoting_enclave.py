"""Rows about the quoting enclave itself."""

from __future__ import annotations

from casnb.conformance.fault import Fault, quoted

ENCLAVE = [
    Fault(
        "quoting enclave of another signer",
        "P01",
        "qe-identity",
        quoted(qe_body={"mr_signer": bytes(31) + b"\1"}),
    ),
    Fault(
        "another product of the quoting enclave's signer",
        "P01",
        "qe-identity",
        quoted(qe_body={"isv_prod_id": 2}),
    ),
    Fault(
        "quoting enclave in debug mode",
        "P20 P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x17}),
        choice="QE identity masks",
    ),
    Fault(
        "quoting enclave never initialised",
        "P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x14}),
        choice="QE identity masks",
    ),
    Fault(
        "quoting enclave without the provisioning key",
        "P01",
        "qe-identity",
        quoted(qe_body={"attributes_flags": 0x5}),
    ),
    Fault(
        "quoting enclave with MISCSELECT set",
        "P01",
        "qe-identity",
        quoted(qe_body={"misc_select": 1}),
    ),
    Fault(
        "quoting enclave of an old version",
        "P02",
        "tcb-status advisories tcb-grace",
        quoted(qe_body={"isv_svn": 6}),
        status="OutOfDate",
    ),
    Fault(
        "quoting enclave below every level",
        "P09",
        "tcb-status",
        quoted(qe_body={"isv_svn": 5}),
        status="",
        choice="no level",
    ),
]
