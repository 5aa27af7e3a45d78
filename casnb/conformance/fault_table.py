"""The table of faults, whole: what must be refused, and what must not."""

from __future__ import annotations

from casnb.conformance import (
    avr_contents,
    avr_forms,
    avr_signers,
    list_contents,
    list_forms,
    list_signers,
    policy_rows,
    quote_bytes,
    quote_chain,
    quote_harmless,
    quote_keys,
    quote_level,
    quote_revocation,
    quoting_enclave,
)
from casnb.conformance.fault import Fault, Harmless

QUOTE_FAULTS = [
    *quote_bytes.BYTES,
    *quote_keys.KEYS,
    *quoting_enclave.ENCLAVE,
    *quote_chain.CHAIN,
    *quote_revocation.REVOCATION,
    *quote_level.PLATFORM_LEVEL,
]
LISTS_FAULTS = [
    *list_signers.WHO,
    *list_signers.SIGNATURES,
    *list_forms.FORM,
    *list_contents.SAYS,
    *list_contents.WHEN,
]
IAS_FAULTS = [*avr_forms.FORM, *avr_signers.WHO, *avr_contents.SAYS]
FAULTS: list[Fault] = [*QUOTE_FAULTS, *LISTS_FAULTS, *IAS_FAULTS, *policy_rows.POLICY_FAULTS]
HARMLESS: list[Harmless] = [
    *quote_harmless.QUOTE_HARMLESS,
    *list_contents.LISTS_HARMLESS,
    *avr_contents.IAS_HARMLESS,
    *policy_rows.POLICY_HARMLESS,
]
