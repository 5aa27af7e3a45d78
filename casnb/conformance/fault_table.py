"""The table of faults, whole: what must be refused, and what must not."""

from __future__ import annotations

from casnb.conformance.fault import Fault, Harmless
from casnb.conformance.ias_rows import IAS_FAULTS, IAS_HARMLESS
from casnb.conformance.list_contents import LISTS_HARMLESS, SAYS, WHEN
from casnb.conformance.list_forms import FORM, SIGNATURES, WHO
from casnb.conformance.policy_rows import POLICY_FAULTS, POLICY_HARMLESS
from casnb.conformance.quote_bytes import BYTES, ENCLAVE, KEYS
from casnb.conformance.quote_chain import CHAIN
from casnb.conformance.quote_platform import PLATFORM_LEVEL, QUOTE_HARMLESS, REVOCATION

QUOTE_FAULTS = [*BYTES, *KEYS, *ENCLAVE, *CHAIN, *REVOCATION, *PLATFORM_LEVEL]
LISTS_FAULTS = [*WHO, *SIGNATURES, *FORM, *SAYS, *WHEN]
FAULTS: list[Fault] = [*QUOTE_FAULTS, *LISTS_FAULTS, *IAS_FAULTS, *POLICY_FAULTS]
HARMLESS: list[Harmless] = [*QUOTE_HARMLESS, *LISTS_HARMLESS, *IAS_HARMLESS, *POLICY_HARMLESS]
