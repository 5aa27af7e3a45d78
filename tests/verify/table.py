"""The table of faults, whole: what must be refused, and what must not."""

from __future__ import annotations

from verify.faults import Fault, Harmless
from verify.faults_ias import IAS_FAULTS, IAS_HARMLESS
from verify.faults_lists import LISTS_FAULTS, LISTS_HARMLESS
from verify.faults_policy import POLICY_FAULTS, POLICY_HARMLESS
from verify.faults_quote import QUOTE_FAULTS, QUOTE_HARMLESS

FAULTS: list[Fault] = [*QUOTE_FAULTS, *LISTS_FAULTS, *IAS_FAULTS, *POLICY_FAULTS]
HARMLESS: list[Harmless] = [*QUOTE_HARMLESS, *LISTS_HARMLESS, *IAS_HARMLESS, *POLICY_HARMLESS]
